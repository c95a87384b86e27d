"""Files of former versions are read, and what they hold goes on bit for bit.

Each folder `tests/data/v*` has files of one version and the record of what that version made of
them. What a user has saved must load for ever.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import former_runs
import foxnn

FOLDER = Path(__file__).with_name("data") / "v1"
RECORD = json.loads((FOLDER / "record.json").read_text(encoding="utf-8"))
FILES = sorted(path.name for path in filter(former_runs.is_file_of_foxnn, FOLDER.iterdir()))

Outcomes = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Return a function that says what becomes of all files under a kernel set."""
    folder = tmp_path_factory.mktemp("former")

    def found(kernel_set: str) -> dict[str, Any]:
        out = folder / f"{kernel_set}.json"
        if not out.exists():
            done = subprocess.run(
                [sys.executable, former_runs.__file__, str(FOLDER), str(out)],
                env=os.environ | {"FOXNN_FORCE_ISA": kernel_set},
                capture_output=True, text=True, timeout=300, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
        files = json.loads(out.read_text(encoding="utf-8"))
        assert files["kernel_set"] == kernel_set
        return files["files"]

    return found


def check_holds(found: Any, recorded: Any, where: str = "it") -> None:
    """Compare, where a later version may have added names."""
    if isinstance(recorded, dict):
        assert isinstance(found, dict), where
        for name, value in recorded.items():
            assert name in found, f"{where} has no {name}"
            check_holds(found[name], value, f"{where}, {name}")
    elif isinstance(recorded, list):
        assert isinstance(found, list), where
        assert len(found) == len(recorded), where
        for i, (one, two) in enumerate(zip(found, recorded, strict=True)):
            check_holds(one, two, f"{where}, {i}")
    else:
        assert (type(found), found) == (type(recorded), recorded), where


def outcome(outcomes: Outcomes, kernel_set: str, name: str) -> dict[str, Any]:
    if name.startswith("sklearn"):
        pytest.importorskip("sklearn")
    found = outcomes(kernel_set)[name]
    assert "error" not in found, found["error"]
    return found


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("checkpoint")])
def test_a_file_holds_what_was_saved(name: str, outcomes: Outcomes) -> None:
    found = outcome(outcomes, foxnn.kernel_set(), name)
    check_holds(found["holds"], RECORD["held"][Path(name).stem])


@pytest.mark.parametrize("kernel_set", foxnn.kernel_sets())
@pytest.mark.parametrize("name", FILES)
def test_it_goes_on_as_it_did(name: str, kernel_set: str, outcomes: Outcomes) -> None:
    found = outcome(outcomes, kernel_set, name)["goes on"]
    assert found == RECORD["goes on"][Path(name).stem]


def test_the_record_is_of_these_files() -> None:
    stems = {Path(name).stem for name in FILES}
    assert len(stems) > 70
    assert RECORD["goes on"].keys() == stems
    assert RECORD["held"].keys() == {n for n in stems if not n.startswith("checkpoint")}


def test_the_comparison_can_fail() -> None:
    check_holds({"a": [1, "0x1p+0"], "b": 2}, {"a": [1, "0x1p+0"]})
    for wrong in ({}, {"a": [1]}, {"a": [1, "0x1p+1"]}, {"a": [True, "0x1p+0"]}, {"a": 1}, [1]):
        with pytest.raises(AssertionError):
            check_holds(wrong, {"a": [1, "0x1p+0"]})
