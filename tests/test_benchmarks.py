"""The benchmarks run and write what they promise, on tiny work. Never how fast."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(script: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "FOXNN_FORCE_ISA": "", "FOXNN_FORCE_THREADS": ""},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


ROWS = (
    "mnist", "tiny-1", "control", "get-out-list", "train-on-batch", "sparse-5000",
    "sparse-predict-5000", "lenet", "cnn", "lenet-predict", "installed", "wheel",
)  # fmt: skip


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict, str]:
    folder = tmp_path_factory.mktemp("compare")
    only = [part for row in ROWS for part in ("--only", row)]
    files = ("--json", folder / "out.json", "--markdown", folder / "out.md")
    text = run("compare.py", "--quick", *only, *files)
    return text, json.loads((folder / "out.json").read_text()), (folder / "out.md").read_text()


def test_compare_gives_every_row(compared: tuple[str, dict, str]) -> None:
    _, written, _ = compared
    assert tuple(result["name"] for result in written["results"]) == ROWS
    for result in written["results"]:
        assert result["medians"]["foxnn"] > 0
        assert result["targets"]


def test_compare_says_what_it_was_measured_on(compared: tuple[str, dict, str]) -> None:
    text, written, markdown = compared
    assert {"processor", "cores", "kernel_set", "python", "threads", "versions"} <= written.keys()
    assert text == markdown
    assert "QUICK" in text
    assert text.count("\n| ") >= len(ROWS)


def test_sizes_are_within_their_limits(compared: tuple[str, dict, str]) -> None:
    """No time depends on these."""
    results = {result["name"]: result for result in compared[1]["results"]}
    assert results["installed"]["medians"]["foxnn"] <= 5e6
    assert results["wheel"]["medians"]["foxnn"] <= 1.5e6


def test_threads_gives_a_row_a_count() -> None:
    text = run("threads.py", "--layers", "8,16,4", "--samples", 64, "--threads", 2, "--rounds", 1)
    assert re.search(r"^\| 1 \| 1 \| .* \| 1\.00 \| 100 % \|$", text, re.M)
    assert re.search(r"^\| 2 \| 1 \| ", text, re.M)
    assert "the engine takes 1." in text


def test_threads_grid_counts_what_is_slower() -> None:
    text = run(
        "threads.py", "--grid", "--widths", "2,8", "--batches", "1,8", "--threads", 2, "--rounds", 1
    )
    assert len(re.findall(r"^\| [28] \| [18] \|", text, re.M)) == 4
    assert "0 cases slower" in text


def test_roofline_gives_every_phase(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    text = run(
        "roofline.py", "--quick", "--layers", "16,40,4", "--batch-size", 8, "--threads", 1,
        "--json", path,
    )  # fmt: skip
    for phase in ("gather", "forward", "loss", "backward", "update", "epoch"):
        assert f"| {phase} |" in text
    written = json.loads(path.read_text())
    assert written["bound"]["total"] > 0
    assert sum(written["phases"].values()) > 0


def test_the_epochs_that_runs_find_are_beside_scikit_learn_s() -> None:
    pytest.importorskip("sklearn")
    lines = run("auto_epochs.py", "--splits", 2, "--only", "wine, scaled").splitlines()
    assert len(lines) == 3
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells[0] == "wine, scaled"
    *mine, others = (float(cell.split(" ")[0]) for cell in cells[1:4])
    assert others > 0.8
    for score, cell in zip(mine, cells[1:3], strict=True):
        assert score > 0.8
        difference, error = map(float, cell.partition("(")[2].strip(")").split(" ± "))
        assert difference == pytest.approx(score - others, abs=0.0016)  # all are rounded
        assert 0 <= error < 0.2
    assert all(int(epochs) > 100 for epochs in cells[4].split(", "))
    assert cells[5].count("s") == 3
