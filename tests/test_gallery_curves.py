"""The examples of the gallery that fit lines and curves, in their short form."""

from __future__ import annotations

import importlib
import re
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
    assert all(3_000 < picture.stat().st_size < 110_000 for picture in found)
    return [picture.name for picture in found]


@pytest.mark.parametrize("example", ["one_neuron"], indirect=True)
def test_one_neuron(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert example.main(["--short", "--pictures", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()

    def number(name: str) -> float:
        return float(next(line for line in lines if line.startswith(name)).split()[-1])

    assert number("2x + 5: slope") == 2.0
    assert number("2x + 5: intercept") == 5.0
    # To two places.
    assert round(number("2 sin x + 5: slope"), 2) == 0.69
    assert round(number("2 sin x + 5: intercept"), 2) == 5.00
    assert pictures(tmp_path) == ["one-neuron-bowl.png", "one-neuron.png"]


@pytest.mark.parametrize("example", ["bent"], indirect=True)
def test_bent(example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert example.main(["--short", "--pictures", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    errors = {
        setting.name: float(re.search(r"error (\S+) on", line)[1])  # type: ignore[index]
        for setting in example.SETTINGS
        for line in lines
        if line.startswith(f"{setting.name}  ")
    }
    assert errors["1-20-1 tanh, glorot_normal"] < 0.05
    assert max(errors.values()) < 2.5  # a line leaves 1.1
    assert pictures(tmp_path) == [
        "bent-article.png",
        "bent-outside.png",
        "bent-terms.png",
        "bent.png",
    ]


@pytest.mark.parametrize("example", ["bent"], indirect=True)
def test_the_articles_networks_bend_a_line(example: ModuleType) -> None:
    corners, steps, _ = example.ARTICLE
    assert (corners.epochs, steps.epochs) == (100, 400)
    assert not any(setting.optimizer.momentum for setting in example.ARTICLE)
    y = example.sine(example.X)
    errors = [example.error(example.train(setting, y, 400), y) for setting in (corners, steps)]
    # A line leaves 1.1.
    assert errors[1] < errors[0] < 0.6
    assert errors[1] < 0.02


@pytest.mark.parametrize("example", ["bent"], indirect=True)
def test_the_curves(example: ModuleType) -> None:
    x = np.array([-0.25, 0.0, 0.5])
    expected = [0.25, 0.0, -0.5 + np.exp(0.25) - 1]
    assert example.curve(x) == pytest.approx(expected, abs=1e-15)
    assert example.sine(x)[1] == 5.0
