"""Objects that a second installation finds in the build folder: kept if they are still right.

In a project of one file, with the CMake functions of foxnn, and the two things that
scikit-build-core deletes when pip builds in another isolated environment.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = {"Ninja": "ninja", "Unix Makefiles": "make"}

pytestmark = pytest.mark.skipif(
    os.name != "posix" or not shutil.which("cmake") or not shutil.which("c++"),
    reason="it needs CMake and a compiler",
)

ABOVE = """\
cmake_minimum_required(VERSION 3.20)
project(kept LANGUAGES CXX)
include("{functions}")
add_subdirectory(below)
"""
BELOW = """\
copy_headers("${FROM}" "${CMAKE_CURRENT_BINARY_DIR}/headers")
describe_compiler(compiler)
file(GLOB files "${CMAKE_CURRENT_SOURCE_DIR}/*.[ch]pp")
discard_stale_objects(FACTS "${compiler}" "${FACT}" FILES ${files})
add_library(kept STATIC one.cpp two.cpp)
target_include_directories(kept PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/headers")
"""


class Project:
    """The project; its header `own.hpp` and the foreign `other.h` are read by one.cpp alone."""

    def __init__(self, folder: Path, generator: str) -> None:
        self.folder = folder
        self.generator = generator
        self.fact = "Python 3.10"
        self.environment = {**os.environ, "CXX": str(folder / "compiler")}
        self.write_compiler("")
        (folder / "below").mkdir()
        functions = ROOT / "cmake" / "kept_objects.cmake"
        (folder / "CMakeLists.txt").write_text(ABOVE.format(functions=functions))
        (folder / "below" / "CMakeLists.txt").write_text(BELOW)
        one = '#include "own.hpp"\n#include <other.h>\nint one() { return kOwn + kOther; }\n'
        self.sources = {"one.cpp": one, "two.cpp": "int two() { return 2; }\n"}
        self.sources["own.hpp"] = "inline constexpr int kOwn = 1;\n"
        for name in self.sources:
            self.write(name)
        self.install_other("environment-1", 1)

    def write_compiler(self, comment: str) -> None:
        compiler = self.folder / "compiler"
        compiler.write_text(f'#!/bin/sh\n{comment}\nexec c++ "$@"\n')
        compiler.chmod(0o755)

    def write(self, name: str, added: str = "", time: float | None = None) -> None:
        path = self.folder / "below" / name
        path.write_text(self.sources[name] + added)
        if time is not None:
            os.utime(path, (time, time))

    def install_other(self, environment: str, value: int) -> None:
        """Put the foreign header where pip would, in an environment that is new each time."""
        for former in self.folder.glob("environment-*"):
            shutil.rmtree(former)
        self.headers = self.folder / environment / "include"
        (self.headers / "detail").mkdir(parents=True)
        (self.headers / "detail" / "value.h").write_text(f"inline constexpr int kOther = {value};")
        (self.headers / "other.h").write_text('#include "detail/value.h"\n')

    def compiled(self) -> set[str]:
        """Install, and return the sources that have been compiled."""
        build = self.folder / "build"
        before = {path: path.stat().st_mtime_ns for path in build.rglob("*.o")}
        (build / "CMakeCache.txt").unlink(missing_ok=True)
        shutil.rmtree(build / "CMakeFiles", ignore_errors=True)
        told = [f"-DFROM={self.headers}", f"-DFACT={self.fact}", "-G", self.generator]
        for command in (
            ["cmake", "-S", str(self.folder), "-B", str(build), *told],
            ["cmake", "--build", str(build)],
        ):
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, env=self.environment
            )
            assert done.returncode == 0, done.stdout + done.stderr
        after = {path: path.stat().st_mtime_ns for path in build.rglob("*.o")}
        return {path.stem for path in after if before.get(path) != after[path]}


@pytest.mark.parametrize("generator", [name for name, tool in TOOLS.items() if shutil.which(tool)])
def test_what_is_compiled_again(generator: str, tmp_path: Path) -> None:
    """One installation after the other into one build folder."""
    project = Project(tmp_path, generator)
    everything = {"one.cpp", "two.cpp"}
    assert project.compiled() == everything
    # Nothing, where the contents are the same, elsewhere and younger.
    project.install_other("environment-2", 1)
    assert project.compiled() == set()
    # What reads other contents.
    project.write("own.hpp", "// changed\n")
    assert project.compiled() == {"one.cpp"}
    project.install_other("environment-3", 2)
    assert project.compiled() == {"one.cpp"}
    (project.headers / "detail" / "value.h").rename(project.headers / "detail" / "new.h")
    (project.headers / "other.h").write_text('#include "detail/new.h"\n')
    assert project.compiled() == {"one.cpp"}
    copies = (project.folder / "build" / "below" / "headers").rglob("*.h")
    assert {path.name for path in copies} == {"other.h", "new.h"}
    # A source replaced by an older one: an archive may say that all of its files are of 1980.
    project.write("own.hpp", "// unpacked\n", time=315532800)
    assert "one.cpp" in project.compiled()
    # Everything by other flags, an updated compiler at the same place, or another Python.
    project.environment["CXXFLAGS"] = "-DOTHER"
    assert project.compiled() == everything
    project.write_compiler("# updated, at the same place")
    assert project.compiled() == everything
    project.fact = "Python 3.10.1"
    assert project.compiled() == everything
    assert project.compiled() == set()
