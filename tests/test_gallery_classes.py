"""The examples of the gallery that part classes of points and banknotes, in their short form."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

pytest.importorskip("matplotlib")

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    """Return the example that a test names."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module(request.param)


def pictures(folder: Path) -> list[str]:
    found = sorted(folder.iterdir())
    assert all(5_000 < picture.stat().st_size < 100_000 for picture in found)
    return [picture.name for picture in found]


@pytest.mark.parametrize("example", ["banknotes"], indirect=True)
def test_banknotes(example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x, forged = example.banknotes()
    assert (x.shape, int(forged.sum())) == ((1372, 4), 610)
    assert example.main(["--short", "--pictures", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    line = next(line for line in printed.splitlines() if "mean of 3 seeds" in line)
    # A fifth of the epochs is nearly enough.
    assert float(line.split()[-2]) > 98.0
    assert pictures(tmp_path) == ["banknotes.png"]


@pytest.mark.parametrize("example", ["xor"], indirect=True)
def test_xor(example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert example.main(["--short", "--pictures", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    shares = {
        name: float(next(line for line in lines if name in line).split(" %")[0].split()[-1])
        for name in ("3 neurons ", "50 neurons ", "no ridge")
    }
    assert shares["3 neurons "] < 85.0 < 95.0 < shares["50 neurons "]
    assert shares["no ridge"] < 60.0
    assert pictures(tmp_path) == ["xor-steps.png", "xor.png"]


@pytest.mark.parametrize("example", ["xor"], indirect=True)
def test_what_counts_as_blown_up(example: ModuleType) -> None:
    loss = np.full(1000, 0.02)
    assert example.blown_up(loss) == 0
    loss[600:610] = 0.08
    loss[700] = 0.06
    loss[10] = 5.0
    assert example.blown_up(loss) == 10
