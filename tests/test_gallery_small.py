"""The small examples of the gallery, whole or in their short form: their figures and pictures."""

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


def figures(text: str) -> dict[str, tuple[str, ...]]:
    """Return the rows of the printed table, by what they are about."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.split() == ["article", "foxnn"])
    columns = [lines[start].index(name) for name in ("article", "foxnn")]
    found = {}
    for line in lines[start + 1 :]:
        if line.startswith("wrote "):
            break
        cells = line[: columns[0]], line[columns[0] : columns[1]], line[columns[1] :]
        found[cells[0].strip()] = tuple(cell.strip() for cell in cells[1:])
    return found


def run(
    example: ModuleType, folder: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Run an example in its short form; return what it prints, and its figures."""
    assert example.main(["--short", "--pictures", str(folder / "pictures")]) == 0
    printed = capsys.readouterr().out
    return printed, figures(printed)


def assert_drawn(folder: Path, name: str) -> None:
    """Fail unless there is that picture and no other, neither empty nor heavy."""
    (picture,) = (folder / "pictures").iterdir()
    assert picture.name == f"{name}.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert 3_000 < picture.stat().st_size < 100_000


@pytest.mark.parametrize("example", ["weighted_sum"], indirect=True)
def test_a_weighted_sum(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed, found = run(example, tmp_path, capsys)
    assert found == {"weighted sum z^1": ("0.191", "0.191")}
    assert "z^1 = a^0 w^1 + b^1 = [0.191]" in printed
    assert_drawn(tmp_path, "weighted-sum")


@pytest.mark.parametrize("example", ["nine_lines"], indirect=True)
def test_nine_lines(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed, found = run(example, tmp_path, capsys)
    for name in ("0 xor 0", "0 xor 1", "1 xor 0", "1 xor 1"):
        article, ours = map(float, found[name])
        assert abs(ours - article) < 0.03
    assert float(found["largest difference, over 3 starts"][1]) < 0.03
    # One step: a few roundings of numbers of order 1. In 1500 they grow, and the loss shrinks them.
    after_one, after_all = map(float, re.findall(r"by (\S+e\S+) after", printed))
    assert 0 <= after_one < 1e-15
    assert 0 <= after_all < 1e-12
    assert_drawn(tmp_path, "nine-lines")


@pytest.mark.parametrize("example", ["nine_lines"], indirect=True)
def test_the_nine_lines_go_along_foxnns_gradient(example: ModuleType) -> None:
    weights = example.start(seed=3)
    _, *ends = example.nine_lines(*weights, 1)
    _, gradients = example.network(*weights)._loss_and_gradients(example.X, example.Y)
    for before, after, (gradient, _) in zip(weights, ends, gradients, strict=True):
        # The sum of four samples, and twice the half of the squared error.
        np.testing.assert_allclose(before - after, 8 * gradient, rtol=1e-12)


@pytest.mark.parametrize("example", ["weight_and_height"], indirect=True)
def test_weight_and_height(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed, found = run(example, tmp_path, capsys)
    assert found["a neuron"] == ("0.999", "0.999")
    assert found["a network"] == ("0.7216", "0.7216")
    assert found["the network before training"] == ("0.524", "0.524")
    assert found["dL/dw1"] == ("0.0214", "0.0215 (0.021470)")
    for name in ("Emily", "Frank"):
        article, ours = map(float, found[f"{name}, after training"])
        assert abs(ours - article) < 0.03
        low, high = map(float, found[f"{name}, over 3 starts"][1].split(" to "))
        assert article - 0.03 < low <= high < article + 0.03
    assert "δ^2 = (a^2 - y) ⊙ sigmoid'(z^2) = [-0.11881]" in printed
    assert_drawn(tmp_path, "weight-and-height")
