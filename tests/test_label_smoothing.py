"""Label smoothing: steps towards targets of which all classes have a share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from forced_runs import inputs, parameters, wanted

X = inputs(41, 4)
LABELS = wanted(41, 3, "cross_entropy").argmax(axis=1)
ONE_HOT = np.eye(3)[LABELS]
SIDES = wanted(41, 3, "binary_cross_entropy")


def network(output: str = "softmax", loss: Any = None, width: int = 17, **options: Any) -> Any:
    sizes = [4, width, 3]
    usual = {"seed": 1, "dtype": "float64"}
    return foxnn.neural_network(sizes, "tanh", output, loss, **usual | options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [5, 17, 200])
@pytest.mark.parametrize(
    ("output", "loss", "y", "classes"),
    [
        ("softmax", "cross_entropy", LABELS, 3),
        ("softmax", "cross_entropy", ONE_HOT, 3),
        ("softmax", ("focal", 2.0), LABELS, 3),
        ("sigmoid", "binary_cross_entropy", SIDES, 2),
        ("sigmoid", ("focal", 1.0), SIDES, 2),
    ],
)
def test_it_is_training_on_smoothed_targets(
    output: str, loss: Any, y: Any, classes: int, width: int, dtype: str
) -> None:
    one, other = (network(output, loss, width, dtype=dtype) for _ in "ab")
    rows = ONE_HOT if y is LABELS else y
    history = one.fit(X, y, 3, 8, label_smoothing=0.2, l2=0.01)
    expected = other.fit(X, 0.8 * rows + 0.2 / classes, 3, 8, l2=0.01)
    near = 2e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(parameters(one), parameters(other), rtol=0, atol=near)
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=10 * near)
    assert history["accuracy"] == one.history["accuracy"]
    if y is not SIDES:
        assert history["accuracy"] == expected["accuracy"]


def test_validation_and_evaluation_take_targets_as_they_are() -> None:
    nn = network()
    history = nn.fit(X, LABELS, 4, 41, label_smoothing=0.3, validation=(X, LABELS))
    assert nn.evaluate(X, LABELS)["loss"] == pytest.approx(history["val_loss"][-1], rel=1e-12)
    assert history["val_loss"][-1] != pytest.approx(history["loss"][-1], rel=0.01)


def test_none_is_as_without() -> None:
    one, other = network(), network()
    one.fit(X, LABELS, 2, 8, label_smoothing=0.0)
    other.fit(X, LABELS, 2, 8)
    assert parameters(one).tobytes() == parameters(other).tobytes()


def test_positions_and_pieces_of_sequences() -> None:
    items = [(None, 4), foxnn.GRU(5, return_sequences=True), foxnn.Dense(3, "softmax")]
    rng = np.random.default_rng(1)
    x = [rng.standard_normal((n, 4)) for n in (5, 9, 7, 9)]
    labels = [rng.integers(0, 3, len(one)) for one in x]
    shares = [0.7 * np.eye(3)[one] + 0.1 for one in labels]
    for truncate in (None, 3):
        one, other = (foxnn.neural_network(items, dtype="float64", seed=1) for _ in "ab")
        one.fit(x, labels, 2, 2, truncate=truncate, label_smoothing=0.3)
        other.fit(x, shares, 2, 2, truncate=truncate)
        for a, b in zip(one, other, strict=True):
            for name, array in a.arrays.items():
                np.testing.assert_allclose(array, b.arrays[name], rtol=0, atol=1e-12)


def test_exact_resume(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    whole, cut = network(), network()
    whole.fit(X, LABELS, 5, 8, label_smoothing=0.1)
    cut.fit(X, LABELS, 5, 8, label_smoothing=0.1, checkpoint=path,
            callbacks=lambda epoch, logs: epoch == 1)  # fmt: skip
    resumed, history = foxnn.resume(path, X, LABELS)
    assert parameters(resumed).tobytes() == parameters(whole).tobytes()
    assert history["loss"] == whole.history["loss"]


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, 2, float("nan")])
def test_shares_that_are_refused(smoothing: float) -> None:
    nn = network()
    with pytest.raises(ValueError, match="label_smoothing must be"):
        nn.fit(X, LABELS, 1, label_smoothing=smoothing)


@pytest.mark.parametrize("loss", ["mse", "huber", "log_cosh", ("quantile", [0.1, 0.5, 0.9])])
def test_losses_that_are_not_for_classes(loss: Any) -> None:
    nn = network("identity", loss)
    with pytest.raises(ValueError, match=r"label_smoothing must be 0 for loss=.*classes, got 0\.1"):
        nn.fit(X, ONE_HOT[:, : nn._target_shape()[-1]], 1, label_smoothing=0.1)
