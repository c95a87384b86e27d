"""Headers that `export_c` writes, as programs: what compiles, runs and calls them."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)] or [
    name for name in ("cc",) if shutil.which(name)
]
FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wshadow"]
C_TYPES = {"float32": "float", "float64": "double"}
# Some warnings need the optimizer, which takes longer than all else: one of both types has it.
OPTIMIZED = {"float32": "-O2", "float64": "-O0"}

# The self-test with its function `main` under another name, as a part of a library.
SELF_TEST = """\
#define main self_test
#include "{name}_test.c"
#undef main
int run_test(void);
int run_test(void) {{
  const int result = self_test();
  fflush(stdout);
  return result;
}}
"""


def compiled(compiler: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [compiler, *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


def self_test(header: Path, compiler: str = "", *flags: str) -> subprocess.CompletedProcess[str]:
    """Compile the self-test beside a header, without a warning, and run it."""
    source = f"{header.stem}_test.c"
    done = compiled(
        compiler or COMPILERS[0], header.parent, *FLAGS, *flags, source, "-o", "test", "-lm"
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return subprocess.run(
        [header.parent / "test"], capture_output=True, text=True, timeout=60, check=False
    )


def library(folder: Path, source: str, dtype: str = "float32") -> ctypes.CDLL:
    """Compile a source beside headers, without a warning, and load it."""
    (folder / "library.c").write_text(source)
    done = compiled(
        COMPILERS[0], folder, *FLAGS, OPTIMIZED[dtype], "-shared", "-fPIC", "library.c", "-o",
        "library.so", "-lm",
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return ctypes.CDLL(str(folder / "library.so"))


def calling(name: str, dtype: str) -> str:
    """Return the source of a function of a library that calls that of a header."""
    kind = C_TYPES[dtype]
    return (
        f'#include "{name}.h"\n'
        f"void call_{name}(const {kind} *x, {kind} *y);\n"
        f"void call_{name}(const {kind} *x, {kind} *y) {{ {name}_predict(x, y); }}\n"
        f"const int outputs_of_{name} = {name.upper()}_OUTPUTS;\n"
    )


def called(found: ctypes.CDLL, name: str, dtype: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return the header's function in a library, for samples in rows."""
    pointer = np.ctypeslib.ndpointer(dtype, flags="C_CONTIGUOUS")
    one = found[f"call_{name}"]
    one.argtypes, one.restype = [pointer, pointer], None
    outputs = ctypes.c_int.in_dll(found, f"outputs_of_{name}").value

    def call(x: np.ndarray) -> np.ndarray:
        y = np.empty((len(x), outputs), dtype)
        for row, place in zip(np.ascontiguousarray(x, dtype), y, strict=True):
            one(row, place)
        return y

    return call


def function(header: Path, dtype: str = "float32") -> Callable[[np.ndarray], np.ndarray]:
    """Return the header's function, for samples in rows."""
    name = header.stem
    return called(library(header.parent, calling(name, dtype), dtype), name, dtype)


def checked_function(header: Path, dtype: str = "float32") -> Callable[[np.ndarray], np.ndarray]:
    """Return the header's function, for samples in rows, after its self-test."""
    name = header.stem
    source = SELF_TEST.format(name=name) + calling(name, dtype)
    found = library(header.parent, source, dtype)
    assert found.run_test() == 0
    return called(found, name, dtype)
