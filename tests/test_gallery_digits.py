"""The experiments on digits, in short, on a few hundred made-up images in place of MNIST."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"

pytest.importorskip("matplotlib")


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Return a function that imports a script and gives it made-up digits."""
    monkeypatch.syspath_prepend(str(EXAMPLES))

    def load(name: str) -> ModuleType:
        common = importlib.import_module("common")
        monkeypatch.setattr(common, "digits", made_up_digits)
        monkeypatch.setattr(common, "nested_digits", made_up_lists)
        return importlib.import_module(name)

    return load


def made_up_digits(data: Path | None) -> tuple[np.ndarray, ...]:
    """Return 560 images to train on and 140 to test on: ten patterns under noise."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 2, (10, 784)) * (rng.random((10, 784)) < 0.4)
    y = np.arange(700) % 10
    x = 160 * patterns[y] * (rng.random((700, 784)) < 0.9) + rng.integers(0, 96, (700, 784))
    x, y = x.astype(np.uint8), y.astype(np.uint8)
    return x[:560], y[:560], x[560:], y[560:]


def made_up_lists(data: Path | None) -> tuple[list[list[int]], list[int]]:
    """Return the images to train on as nested lists, as python-mnist does."""
    x, y, _, _ = made_up_digits(data)
    return x.tolist(), y.tolist()


def figures(text: str) -> dict[str, list[float]]:
    """Return the numbers in the last column of a report, by the row's name."""
    rows = [re.split(r"  +", line) for line in text.splitlines()]
    return {
        row[0]: [float(number) for number in re.findall(r"\d+\.\d+", row[-1])]
        for row in rows
        if len(row) in (2, 3)
    }


def test_foxnn_on_mnist(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "digits.html"
    options = ["--short", "--pictures", str(tmp_path), "--html", str(page)]
    assert example("foxnn_on_mnist").main(options) == 0
    assert page.stat().st_size > 4 * 669_706
    page.unlink()
    told = figures(capsys.readouterr().out)
    assert 90 < told["accuracy at the end"][0] <= 100
    # Two digits of seconds: so few images may take none.
    assert 0 <= told["time to 88 %"][0] <= told["time to the end"][0]
    assert (tmp_path / "foxnn-on-mnist.png").is_file()


def test_the_program_of_foxnns_article(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("foxnn_program")
    assert (script.SPEED, script.BATCH, script.ITERATIONS) == (0.001, 98, 10_000)
    assert script.main(["--short", "--pictures", str(tmp_path)]) == 0
    told = figures(capsys.readouterr().out)
    assert told["560 calls of add_data"][0] >= 0
    adam = told["Adam, Glorot's"][0]
    assert adam > told["SGD, weights from -1 to 1"][0]
    assert adam > 90
    assert (tmp_path / "foxnn-program.png").is_file()


def test_the_loader_of_foxnns_article(example: Callable[[str], ModuleType]) -> None:
    script = example("foxnn_program")
    images, labels = made_up_lists(None)
    data = script.loaded(images[:30], labels[:30])
    assert data.size() == 30
    pixels, target = data.get(7)
    np.testing.assert_allclose(pixels, np.array(images[7]) / 127.5 - 1)
    assert target.tolist() == np.eye(10)[labels[7]].tolist()
    # 794 float64 a sample, and room for half as many samples more at most.
    least = 30 * 794 * 8 / 1e6
    assert least <= script.megabytes_held(data) <= 2 * least
    data.shrink_to_fit()
    assert script.megabytes_held(data) == pytest.approx(least)
    assert script.megabytes_of_lists(images[:30]) > 30 * 784 * 8 / 1e6


def test_sorted_sums(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    script = example("sorted_sums")
    monkeypatch.setattr(
        script, "BIG", [784, 24, 10]
    )  # a sorted step of the large one takes seconds
    monkeypatch.setattr(script, "IMAGES", 2)
    assert script.main(["--short", "--pictures", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    slower = re.search(r"sorted / plain +only slows +([\d,]+)", printed)
    assert slower is not None
    found = {
        name: float(re.search(rf"sum, float32, {name} +mean (\S+),", printed)[1])  # type: ignore[index]
        for name in ("plain", "sorted")
    }
    # Sums of 785 terms in float32: far below 785 roundings of 2^-24, and better if sorted.
    assert 0 < found["sorted"] < found["plain"] < 785 * 2.0**-24
    assert (tmp_path / "sorted-sums.png").is_file()


def test_the_time_to_an_accuracy_is_that_of_its_first_time(
    example: Callable[[str], ModuleType],
) -> None:
    run = example("foxnn_on_mnist").Run([1.0, 2.0, 3.0], [0.5, 0.9, 0.8], None)
    assert run.time_to(0.8) == 2.0
    assert run.time_to(0.95) == np.inf


def test_deep_network_from_scratch(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("deep_network_from_scratch")
    assert script.main(["--short", "--pictures", str(tmp_path)]) == 0
    told = figures(capsys.readouterr().out)
    # The images are brighter than digits, so the squared error saturates; cross-entropy learns.
    assert told["the same, rate falling to 0"][0] > 50
    for start in ("N(0, 1)", "Glorot's"):
        assert 0 < told[f"squared error, rate 3.0, {start} start"][0] <= 100
    # Large sums lie where the sigmoid is flat; the images are brighter than digits, so more so.
    flat = told["mean slope of the hidden sigmoids, N(0, 1) start"][-1]
    assert flat < 0.1 < told["mean slope of the hidden sigmoids, Glorot's start"][-1] <= 0.25
    assert (tmp_path / "deep-network-from-scratch.png").is_file()
    parts = script.split(made_up_digits(None), seed=1)
    assert [len(part) for part in parts] == [560, 560, 140, 140]
    everything = np.concatenate([parts[0], parts[2]]).sum(axis=0)
    x, _, x_test, _ = made_up_digits(None)
    expected = (x.sum(axis=0, dtype=np.int64) + x_test.sum(axis=0, dtype=np.int64)) / 255
    assert everything == pytest.approx(expected, rel=1e-4)


def test_what_a_network_is(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "digits.html"
    options = ["--short", "--pictures", str(tmp_path), "--html", str(page)]
    assert example("what_a_network_is").main(options) == 0
    assert 4 * 13_002 < page.stat().st_size < 300_000
    page.unlink()
    printed = capsys.readouterr().out
    assert re.search(r"^parameters +13,002 +13,002$", printed, re.M)
    told = figures(printed)
    assert told["true labels at the end"][0] > told["shuffled labels at the end"][0]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["network-by-heart.png", "network-noise.png", "network-weights.png"]


def test_cost_function(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("cost_function")
    assert script.main(["--short", "--pictures", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    told = figures(printed)
    assert told["the wrong neuron after 300 steps, squared error"] == [0.20]
    assert told["the wrong neuron after 300 steps, cross-entropy"] == [0.01]
    with_entropy, with_square = script.delta_is_a_minus_y()
    assert with_entropy < 1e-15
    assert with_square > 0.1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cost-digits.png",
        "cost-neuron.png",
    ]
