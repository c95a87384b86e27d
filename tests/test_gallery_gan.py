"""The example of the gallery that paints digits, in its short form: chain, judge and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import foxnn
from gallery_runs import load, told

pytest.importorskip("matplotlib")


def test_a_gan_learns_from_its_discriminator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load("gan", monkeypatch)
    found = told(script, tmp_path, capsys, "gan-ways", "gan")
    assert found["classifier, accuracy"][0] > 80
    last = "after 2 epochs"
    assert sum(found[f"{last}: of each digit"]) == 1000
    # Grey noise at first, then at least the empty border and ink in the middle.
    distance = "distance to the training set"
    assert found[f"{last}: {distance}"][0] < 0.8 * found[f"before: {distance}"][0]
    assert 2 < found["test images: score"][0] <= 10


def test_slopes_are_those_of_the_loss_by_the_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load("gan", monkeypatch)
    judge = foxnn.neural_network(
        [6, foxnn.Dropout(0.3), 5, 1], [("leaky_relu", [0.2]), "sigmoid"],
        loss="binary_cross_entropy", dtype="float64", seed=1,
    )  # fmt: skip
    samples = np.random.default_rng(0).normal(size=(4, 6))
    before = judge.predict(samples)

    def loss(samples: np.ndarray) -> float:
        return float(-np.log(judge.predict(samples)).mean())

    step, wanted = 1e-6, np.zeros_like(samples)
    for place in np.ndindex(samples.shape):
        change = np.zeros_like(samples)
        change[place] = step
        wanted[place] = (loss(samples + change) - loss(samples - change)) / (2 * step)
    np.testing.assert_allclose(script.slopes(judge, samples), wanted, atol=1e-8)
    np.testing.assert_array_equal(judge.predict(samples), before)


def test_opinions(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load("gan", monkeypatch)

    class Judge:
        """Takes the images themselves as probabilities."""

        def predict(self, x: np.ndarray) -> np.ndarray:
            return x

    every = script.opinion(Judge(), np.eye(10).repeat(3, axis=0))
    assert (every.score, every.sure, every.counts.tolist()) == (pytest.approx(10), 100, [3] * 10)
    same = script.opinion(Judge(), np.eye(10)[[4, 4, 4]])
    assert (same.score, same.sure) == (pytest.approx(1), 100)
    unsure = script.opinion(Judge(), np.full((5, 10), 0.1))
    assert (unsure.score, unsure.sure) == (pytest.approx(1), 0)


def test_ways_begin_and_end_at_the_points(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load("gan", monkeypatch)
    points = script.between(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]), 5)
    np.testing.assert_allclose(points[0, [0, -1]], [[1, 0], [0, 1]], atol=1e-15)
    np.testing.assert_allclose(np.linalg.norm(points, axis=2), 1)


def test_the_nearest_image_is_the_image_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load("gan", monkeypatch)
    images = np.random.default_rng(0).random((20, 784)).astype(np.float32)
    assert script.nearest(images[:3], images).max() < 1e-3
    assert script.nearest(images[:1] + np.float32(0.01), images) == pytest.approx(0.01, rel=0.02)
