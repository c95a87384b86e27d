"""foxnn for C++: the installed tree is complete, and a project of its own finds it and learns XOR.

The engine must be built already, for it takes a minute: FOXNN_BUILD names the build folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import foxnn

ROOT = Path(__file__).resolve().parents[1]
PROJECT = Path(__file__).with_name("cpp_project")
BUILD = os.environ.get("FOXNN_BUILD")

needs_a_build = pytest.mark.skipif(
    BUILD is None or shutil.which("cmake") is None,
    reason="FOXNN_BUILD names no build of the engine, or there is no cmake",
)


def cmake(*arguments: str | Path, succeeds: bool = True) -> str:
    """Run cmake and return what it says."""
    done = subprocess.run(
        ["cmake", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode == 0) == succeeds, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which the engine is installed."""
    folder = tmp_path_factory.mktemp("installed")
    assert BUILD is not None
    cmake("--install", BUILD, "--prefix", folder, "--component", "cpp")
    return folder


@needs_a_build
def test_what_is_installed(prefix: Path) -> None:
    public = {path.name for path in (ROOT / "cpp" / "include" / "foxnn").iterdir()}
    assert {path.name for path in (prefix / "include" / "foxnn").iterdir()} == public
    found = {path.name: path for path in prefix.rglob("*") if path.is_file()}
    names = found.keys() - public
    libraries = {name for name in names if name.endswith((".a", ".lib"))}
    assert len(libraries) == 1
    assert {name for name in names - libraries if not name.startswith("foxnn-targets-")} == {
        "LICENSE",
        "foxnn-config.cmake",
        "foxnn-config-version.cmake",
        "foxnn-targets.cmake",
    }
    for name, path in found.items():  # it may be moved elsewhere
        if name.endswith(".cmake"):
            assert str(ROOT) not in path.read_text(encoding="utf-8")
            assert str(prefix) not in path.read_text(encoding="utf-8")


@needs_a_build
def test_a_project_learns_xor(prefix: Path, tmp_path: Path) -> None:
    cache = Path(BUILD or "") / "CMakeCache.txt"
    compiler = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache.read_text(), re.M)
    assert compiler is not None
    warnings = "/W4 /WX" if os.name == "nt" else "-Wall -Wextra -Wconversion -Werror"
    cmake(
        *("-S", PROJECT, "-B", tmp_path),
        f"-DCMAKE_PREFIX_PATH={prefix}",
        f"-DCMAKE_CXX_COMPILER={compiler[1]}",
        f"-DCMAKE_CXX_FLAGS={warnings}",
        "-DCMAKE_BUILD_TYPE=Release",
    )
    cmake("--build", tmp_path, "--config", "Release")
    program = next(path for path in tmp_path.rglob("learn_xor*") if path.suffix in ("", ".exe"))
    done = subprocess.run([program], capture_output=True, text=True, timeout=60, check=True)
    answers = re.findall(r"(\d) xor (\d): (\S+)", done.stdout)
    assert [(a, b, round(float(out))) for a, b, out in answers] == [
        ("0", "0", 0),
        ("0", "1", 1),
        ("1", "0", 1),
        ("1", "1", 0),
    ]


@needs_a_build
def test_another_version_is_not_found(prefix: Path, tmp_path: Path) -> None:
    shutil.copytree(PROJECT, tmp_path / "project")
    lists = tmp_path / "project" / "CMakeLists.txt"
    text = lists.read_text(encoding="utf-8")
    asked = f"find_package(foxnn {'.'.join(foxnn.__version__.split('.')[:2])} REQUIRED)"
    assert asked in text
    lists.write_text(text.replace(asked, "find_package(foxnn 99.0 REQUIRED)"), encoding="utf-8")
    place = ("-S", tmp_path / "project", "-B", tmp_path / "build")
    said = cmake(*place, f"-DCMAKE_PREFIX_PATH={prefix}", succeeds=False)
    assert f"version: {foxnn.__version__}" in said


def test_the_wiki_shows_the_project() -> None:
    page = (ROOT / "wiki" / "Cpp.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"^```(\w+)\n(.*?)^```", page, re.M | re.S))
    assert blocks["cpp"] == (PROJECT / "main.cpp").read_text(encoding="utf-8")
    lists = (PROJECT / "CMakeLists.txt").read_text(encoding="utf-8").splitlines()
    assert set(blocks["cmake"].splitlines()) <= set(lists)
