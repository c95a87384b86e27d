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
    assert all(3_000 < picture.stat().st_size < 100_000 for picture in found)
    return [picture.name for picture in found]


@pytest.mark.parametrize("example", ["banknotes"], indirect=True)
def test_banknotes(example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x, forged = example.banknotes()
    assert (x.shape, int(forged.sum())) == ((1372, 4), 610)
    page = tmp_path / "notes.html"
    assert example.main(["--short", "--pictures", str(tmp_path), "--html", str(page)]) == 0
    assert '"genuine","forged"' in page.read_text(encoding="utf-8")
    page.unlink()
    lines = capsys.readouterr().out.splitlines()

    def figure(name: str) -> float:
        line = next(line for line in lines if line.startswith(name))
        return float(line.removesuffix(" %").split()[-1])

    # A fifth of the epochs is enough in batches of 10, and far from enough for the article's steps.
    assert figure("batches of 10, foxnn's start, scaled") > 99.0
    assert 40.0 < figure("  mean of 5 seeds") < 95.0
    assert pictures(tmp_path) == ["banknotes.png"]


@pytest.mark.parametrize("example", ["banknotes"], indirect=True)
def test_the_articles_recipe_depends_on_the_seed(example: ModuleType) -> None:
    accuracy, _ = example.ends(example.THE_ARTICLES, range(1, 9))
    # Whole notes of 275; the lowest and the highest of eight seeds are far apart.
    notes = accuracy * example.HELD_OUT / 100
    assert notes == pytest.approx(notes.round(), abs=1e-9)
    assert accuracy.min() < 70 < 99 < accuracy.max()


@pytest.mark.parametrize("example", ["banknotes"], indirect=True)
def test_the_start_of_the_banknotes_network(example: ModuleType) -> None:
    drawn = example.truncated_normal(np.random.default_rng(0), (200, 200))
    assert np.abs(drawn).max() <= 2
    # The standard deviation of N(0, 1) cut at 2 is 0.880; of 40,000 numbers, within 1 %.
    assert drawn.std() == pytest.approx(0.880, rel=0.01)
    nn = example.started("article", 1, np.random.default_rng(1))
    assert all(layer.bias.any() for layer in nn)
    assert not any(layer.bias.any() for layer in example.started("foxnn", 1, None))


@pytest.mark.parametrize("example", ["banknotes"], indirect=True)
def test_the_squared_error_is_that_before_the_softmax(example: ModuleType) -> None:
    nn = example.started("article", 1, np.random.default_rng(1))
    x, forged = example.banknotes()
    bare = x
    for layer in list(nn)[:-1]:
        z = bare @ layer.weights + layer.bias
        is_relu = layer.get_name_activation_function() == "relu"
        bare = np.maximum(z, 0) if is_relu else 1 / (1 + np.exp(-z))
    bare = bare @ nn[-1].weights + nn[-1].bias
    expected = ((bare - np.eye(2)[forged]) ** 2).mean()
    assert example.squared_error(nn, x, forged) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("example", ["xor"], indirect=True)
def test_xor(example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "xor.html"
    assert example.main(["--short", "--pictures", str(tmp_path), "--html", str(page)]) == 0
    page.unlink()
    lines = capsys.readouterr().out.splitlines()
    shares = {
        name: float(next(line for line in lines if name in line).split(" %")[0].split()[-1])
        for name in ("3 neurons, the best", "50 neurons  ", "no ridge", "  all of them")
    }
    assert shares["  all of them"] < 93.0 < 98.0 < shares["50 neurons  "]
    assert shares["no ridge"] < 60.0
    jumps = {
        rate: int(next(line for line in lines if rate in line).split(" steps in")[0].split()[-1])
        for rate in ("neurons, rate 18  ", "rate: 9", "decaying", "more ridge")
    }
    assert jumps.pop("neurons, rate 18  ") > 5
    assert set(jumps.values()) == {0}
    assert pictures(tmp_path) == ["xor-steps.png", "xor.png"]


@pytest.mark.parametrize("example", ["xor_hidden"], indirect=True)
def test_three_neurons(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert example.main(["--short", "--pictures", str(tmp_path)]) == 0
    assert "the loss jumps after step" in capsys.readouterr().out
    assert pictures(tmp_path) == ["xor-hidden.png", "xor-jump.png"]


@pytest.mark.parametrize("example", ["xor_hidden"], indirect=True)
def test_a_plane_cuts_a_polygon_from_the_cube(example: ModuleType) -> None:
    # x + y + z = 1.5 cuts a regular hexagon, z = 0.25 + 1e-9 x a square.
    hexagon = example.cut_of_cube(np.ones(3), -1.5)
    sides = np.linalg.norm(hexagon - np.roll(hexagon, 1, axis=0), axis=1)
    assert sides == pytest.approx(np.full(6, np.sqrt(0.5)))
    square = example.cut_of_cube(np.array([1e-9, 1e-9, 1.0]), -0.25)
    sides = np.linalg.norm(square - np.roll(square, 1, axis=0), axis=1)
    assert sides == pytest.approx(np.ones(4))


@pytest.mark.parametrize("example", ["xor_hidden"], indirect=True)
def test_the_jump_follows_the_curvature(example: ModuleType) -> None:
    found, before = example.jump(), example.BEFORE
    # No batch is drawn: the loss falls at every step until the jump, and the accuracy collapses.
    assert (np.diff(found.loss[: before + 1]) < 0).all()
    assert found.loss[before : before + 10].max() - found.loss[before] > 0.05
    assert found.accuracy[before] - found.accuracy[before : before + 10].min() > 20
    crossed = int(np.flatnonzero(found.stability > 2)[0])
    assert 40 < crossed < before
    assert found.stability[crossed:before].min() > 2


@pytest.mark.parametrize("example", ["xor_hidden"], indirect=True)
def test_the_curvature_is_that_of_the_loss(example: ModuleType) -> None:
    """Along its direction: the second difference of the loss along the gradient is no larger."""
    nn = example.network(3, 5, "float64")
    at = example.parameters(nn)
    x, labels = example.points(example.POINTS, 0)

    def loss(values: np.ndarray) -> float:
        example.set_parameters(nn, values)
        return float(nn.evaluate(x, np.eye(2)[labels])["loss"])

    rng, h = np.random.default_rng(0), 1e-3
    directions = rng.normal(size=(200, len(at)))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    second = [(loss(at + h * d) - 2 * loss(at) + loss(at - h * d)) / h**2 for d in directions]
    largest = example.curvature(at)
    # Of 200 directions in 17 dimensions, the best still has a fair part of the largest.
    assert 0.3 * largest < max(second) <= largest * (1 + 1e-3)


@pytest.mark.parametrize("example", ["xor"], indirect=True)
def test_what_counts_as_a_jump(example: ModuleType) -> None:
    loss = np.full(1000, 0.02)
    assert example.jumps(loss) == 0
    loss[600:610] = 0.08
    loss[700] = 0.04
    assert example.jumps(loss) == 10
    loss[:50] = np.linspace(0.5, 0.9, 50)  # nothing is learnt yet
    assert example.jumps(loss) == 10
