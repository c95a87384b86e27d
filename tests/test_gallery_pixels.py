"""The examples of the gallery with convolutions, in short, on digits of seven segments."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import segment_digits

pytest.importorskip("matplotlib")

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Return a function that imports a script and gives it made-up digits."""
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def load(name: str) -> ModuleType:
        monkeypatch.setattr(importlib.import_module("common"), "digits", segment_digits.load)
        return importlib.import_module(name)

    return load


def told(
    script: ModuleType, folder: Path, capsys: pytest.CaptureFixture[str], picture: str
) -> dict[str, list[float]]:
    """Run a script in its short form; return the numbers of its report by the rows' names."""
    assert script.main(["--short", "--pictures", str(folder)]) == 0
    (drawn,) = folder.iterdir()
    assert drawn.name == f"{picture}.png"
    assert 3_000 < drawn.stat().st_size < 150_000
    lines = capsys.readouterr().out.splitlines()
    rows = [re.split(r"  +", line.strip()) for line in lines]
    return {
        row[0]: [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:e-\d+)?", row[-1])]
        for row in rows
        if len(row) > 1
    }


def test_transfer(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("transfer")
    found = told(script, tmp_path, capsys, "transfer")
    for name in script.WAYS:
        # One run: its accuracy is also the lowest and the highest.
        assert len(set(found[f"{name}, 10 of each"])) == 1
        assert 20 < found[f"{name}, 10 of each"][0] <= 100
    assert len(found["digits 0 to 4"]) == 2


def test_what_is_transferred(example: Callable[[str], ModuleType]) -> None:
    script = example("transfer")
    images, y, _, _ = segment_digits.load(None)
    x = (images / np.float32(255)).reshape(-1, 28, 28, 1)
    old = script.learn_first(x[y <= 4], y[y <= 4], 1, 1)
    few = script.some_of_each(y[y > 4], 3, np.random.default_rng(0))
    assert np.bincount(y[y > 4][few]).tolist() == [0] * 5 + [3] * 5
    assert len(set(few.tolist())) == 15
    for name, made_from in script.WAYS.items():
        nn = made_from(old, 7)
        before = [nn[i].weights for i in (0, 2)]
        is_copy = [bool((w == old[i].weights).all()) for i, w in zip((0, 2), before, strict=True)]
        assert is_copy == [name in ("convolutions frozen", "fine-tuned")] * 2
        script.learn_few(nn, x[y > 4][few], y[y > 4][few], 5)
        kept = [bool((nn[i].weights == w).all()) for i, w in zip((0, 2), before, strict=True)]
        assert kept == ["frozen" in name] * 2
        assert nn.classes == [5, 6, 7, 8, 9]
        assert not (nn[4].weights == made_from(old, 7)[4].weights).all()


def test_voxels(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("voxels")
    found = told(script, tmp_path, capsys, "voxels")
    assert 0 < found["voxels of lesions, of vessels"][0] < found["voxels of lesions, of vessels"][1]
    for name in script.STREAMS:
        assert 0 <= found[f"{name}: Dice"][0] <= 100
        assert 0 <= found[f"{name}: voxels of vessels taken for lesions"][0] <= 100


def test_lesions_and_vessels(example: Callable[[str], ModuleType]) -> None:
    script = example("voxels")
    made = script.volumes(20, 0)
    assert not (made.lesions & made.vessels).any()
    assert made.lesions.any(axis=(1, 2, 3)).all()
    bright = made.voxels[made.lesions > 0].mean(), made.voxels[made.vessels > 0].mean()
    assert bright == pytest.approx((1, 1), abs=0.05)
    dark = made.voxels[(made.lesions | made.vessels) == 0]
    assert abs(dark.mean()) < 0.1
    assert script.dice(made.lesions, made.lesions) == 100
    assert script.dice(made.vessels, made.lesions) == 0
    assert script.dice(np.array([1, 1, 0, 0]), np.array([1, 0, 0, 0])) == pytest.approx(200 / 3)
    found = np.array([0.2, 0.9, 0.7, 0.1], np.float32)
    assert 0.2 <= script.best_threshold(found, np.array([0, 1, 1, 0])) < 0.7
