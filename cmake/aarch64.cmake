# Compiles for 64-bit ARM on another Linux machine, with Debian's cross compiler or a clang that
# finds its headers and libraries; what is built runs under qemu-user:
#
#   cmake --preset aarch64 && cmake --build --preset aarch64 && ctest --preset aarch64
#
# -DFOXNN_CROSS_CLANG=clang++ takes that clang in place of g++.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(FOXNN_CROSS_CLANG "" CACHE STRING "A clang++ to be used in place of aarch64-linux-gnu-g++")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES FOXNN_CROSS_CLANG)
if(FOXNN_CROSS_CLANG)
  set(CMAKE_CXX_COMPILER "${FOXNN_CROSS_CLANG}")
  set(CMAKE_CXX_COMPILER_TARGET aarch64-linux-gnu)
else()
  set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
endif()
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static -L /usr/aarch64-linux-gnu)
