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
