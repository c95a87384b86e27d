"""HACKING's map of the house: its rows name every source file."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAP = ROOT / "HACKING.md"
pytestmark = pytest.mark.skipif(
    not (ROOT / "cpp").is_dir(), reason="the engine's sources are not here"
)

FOLDERS = ("cpp/src", "python/foxnn", "benchmarks", "tests")
# Read by Python, pytest or type checkers, under names that say what they are.
USUAL = {"__init__", "__main__", "conftest"}


def rows(text: str) -> dict[str, set[str]]:
    """Return the words in code font of each row, by the path that the row begins with."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            _, where, what, *_ = line.split("|")
            for path in re.findall(r"`([^`]+)`", where):
                found[path] = set(re.findall(r"`([^`]+)`", what))
    return found


def named(path: Path) -> str:
    """Return what the map calls a file."""
    return path.name.removesuffix("-inl.hpp").partition(".")[0]


def missing(text: str, files: Iterable[Path]) -> list[str]:
    """Return the files that no row names: neither a row of their own nor that of their folder."""
    known, found = rows(text), []
    for file in files:
        path = file.as_posix()
        folders = [row for row in known if row.endswith("/") and path.startswith(row)]
        words = known[max(folders, key=len)] if folders else set()
        bare = {named(Path(word)) for word in words if "*" not in word}
        by_pattern = any(fnmatch.fnmatch(file.name, word) for word in words if "*" in word)
        if path not in known and named(file) not in bare and not by_pattern:
            found.append(path)
    return found


def sources() -> list[Path]:
    """Return the paths of all sources that the map is to name."""
    files = [
        path.relative_to(ROOT)
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".cpp", ".hpp"}
        and "data" not in path.relative_to(ROOT / folder).parts[:1]
    ]
    return [
        file for file in files if named(file) not in USUAL and not file.name.startswith("test_")
    ]


def test_the_map_names_every_file() -> None:
    assert len(sources()) > 200
    assert missing(MAP.read_text(encoding="utf-8"), sources()) == []


def test_a_file_without_a_name_in_its_row_is_found() -> None:
    text = "| `a/` | `one` and `x_*.hpp`; `two-inl.hpp` |\n| `a/b.py` | |\n| `c/` | `three` |\n"
    files = [
        "a/one.cpp",
        "a/x_1.hpp",
        "a/two-inl.hpp",
        "a/b.py",
        "a/three.py",
        "c/one.py",
        "d/one.py",
    ]
    assert missing(text, map(Path, files)) == ["a/three.py", "c/one.py", "d/one.py"]
