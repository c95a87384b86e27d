"""The losses: known values, what they need of outputs and targets, and numbers far out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import forced_runs
import foxnn
import reference
from closeness import assert_within

per_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def through(outputs: int, activation: str, loss: str, dtype: str = "float64") -> Any:
    """Return a network that hands its inputs on to the output layer's activation."""
    nn = foxnn.neural_network([outputs, outputs], activation, loss=loss, dtype=dtype)
    nn[0].weights, nn[0].bias = np.eye(outputs), np.zeros(outputs)
    return nn


@pytest.mark.parametrize(
    ("loss", "activation", "z", "y", "value", "delta"),
    [
        ("mse", "identity", [1.0, 3.0], [0.0, 1.0], 2.5, [1.0, 2.0]),
        ("mae", "identity", [1.0, -3.0, 2.0], [0.5, 1.0, 2.0], 4.5, [1.0, -1.0, 0.0]),
        ("huber", "identity", [0.5, -3.0, 2.0], [0.0, 1.0, 1.0], 0.125 + 3.5 + 0.5, [0.5, -1, 1]),
        ("binary_cross_entropy", "sigmoid", [0.0, 0.0], [0.0, 1.0], 2 * math.log(2), [0.5, -0.5]),
        ("binary_cross_entropy", "sigmoid", [0.0], [0.25], math.log(2), [0.25]),
        ("poisson", "exp", [0.0, math.log(2)], [3.0, 0.0], 1.0 + 2.0, [-2.0, 2.0]),
        ("poisson", "softplus", [0.0], [0.0], math.log(2), [0.5]),
        ("poisson", "softplus", [0.0], [1.0], math.log(2) - math.log(math.log(2)),
         [0.5 * (1 - 1 / math.log(2))]),
        ("cross_entropy", "softmax", [0.0, 0.0], [0.0, 1.0], math.log(2), [0.5, -0.5]),
    ],
)  # fmt: skip
def test_known_values(
    loss: str, activation: str, z: list[float], y: list[float], value: float, delta: list[float]
) -> None:
    nn = through(len(z), activation, loss)
    found, [(_, db)] = nn._loss_and_gradients([z], [y])
    assert found == pytest.approx(value, rel=1e-15)
    assert db == pytest.approx(delta, rel=1e-15)
    assert nn.evaluate([z], [y])["loss"] == found


@per_dtype
def test_sigmoid_cross_entropy_far_out(dtype: str) -> None:
    """Computed from the preactivations: no logarithm of what was rounded to 0 or 1."""
    nn = through(1, "sigmoid", "binary_cross_entropy", dtype)
    for z, y, loss in [(1e4, 0, 1e4), (1e4, 1, 0.0), (-1e4, 1, 1e4), (-1e4, 0, 0.0)]:
        assert nn.evaluate([[z]], [[y]])["loss"] == loss
    small = math.exp(-20.0)
    assert nn.evaluate([[20.0]], [[1.0]])["loss"] == pytest.approx(small, rel=1e-6)
    _, [(_, db)] = nn._loss_and_gradients([[-20.0]], [[0.0]])
    assert db.item() == pytest.approx(small, rel=1e-6)


@per_dtype
def test_a_count_of_zero_has_no_logarithm(dtype: str) -> None:
    nn = through(1, "softplus", "poisson", dtype)
    assert nn.evaluate([[-1e4]], [[0.0]])["loss"] == 0.0


@pytest.mark.parametrize("loss", ["mae", "huber", "log_cosh"])
def test_no_error_has_no_slope(loss: str) -> None:
    nn = through(2, "identity", loss)
    found, [(_, db)] = nn._loss_and_gradients([[1.0, 2.0]], [[1.0, 2.0]])
    assert (found, db.tolist()) == (0.0, [0.0, 0.0])


@pytest.mark.parametrize("outputs", [1, 3, 5, 17, 40])
@per_dtype
def test_widths_and_padding(outputs: int, dtype: str) -> None:
    x = forced_runs.inputs(33, 7)
    for loss, activation in [
        ("mae", "tanh"),
        ("huber", "tanh"),
        ("log_cosh", "tanh"),
        ("binary_cross_entropy", "sigmoid"),
        ("poisson", "exp"),
        ("poisson", "softplus"),
    ]:
        nn = foxnn.neural_network([7, outputs], activation, loss=loss, dtype=dtype, seed=outputs)
        y = forced_runs.wanted(33, outputs, loss)
        oracle = reference.copy_of(nn)
        eps = float(np.finfo(dtype).eps)
        assert nn.evaluate(x, y)["loss"] == pytest.approx(oracle.losses(x, y).mean(), rel=64 * eps)
        _, [(dw, _)] = nn._loss_and_gradients(x, y)
        # Outputs near the targets: mae's slope may turn with a rounding, at odds of some 1e-5.
        expected = oracle.gradients(x, y)[0][0]
        assert_within(dw, expected, 256 * eps * np.abs(expected).max() + 16 * eps, f"{loss}")


def test_the_usual_loss() -> None:
    for activation in ("identity", "sigmoid", "exp", "tanh"):
        assert foxnn.neural_network([2, 2], activation).loss == "mse"
    assert foxnn.neural_network([2, 2], "softmax").loss == "cross_entropy"
    assert foxnn.losses() == [
        "mse", "cross_entropy", "binary_cross_entropy", "mae", "huber", "poisson", "log_cosh",
        "quantile", "gaussian_nll", "focal",
    ]  # fmt: skip


def test_accuracy_of_sigmoid_outputs() -> None:
    """A sample is right when each of its outputs is on the right side of a half."""
    nn = through(2, "sigmoid", "binary_cross_entropy")
    x = [[1.0, -1.0], [1.0, 1.0], [-1.0, -1.0], [0.0, 1.0]]
    assert nn.evaluate(x, [[1, 0], [1, 0], [0, 0], [0, 1]])["accuracy"] == 0.75
    assert nn.evaluate(x, [[0.6, 0.4], [0.4, 0.6], [1, 1], [0.5, 0.5]])["accuracy"] == 0.25
    history = nn.fit(x, [[1, 0], [1, 0], [0, 0], [0, 1]], 1, 4, "sgd", 1e-6)
    assert history["accuracy"] == [0.75]


@pytest.mark.parametrize(
    ("loss", "activation", "needs"),
    [
        ("cross_entropy", "sigmoid", "softmax"),
        ("cross_entropy", "identity", "softmax"),
        ("binary_cross_entropy", "softmax", "sigmoid"),
        ("binary_cross_entropy", "relu", "sigmoid"),
        ("poisson", "identity", "exp or softplus"),
        ("poisson", "relu", "exp or softplus"),
    ],
)
def test_a_loss_behind_the_wrong_outputs(loss: str, activation: str, needs: str) -> None:
    with pytest.raises(ValueError, match=f"loss '{loss}' needs .*{needs}"):
        foxnn.neural_network([2, 3], activation, loss=loss)
    right = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid", "poisson": "exp"}
    nn = foxnn.neural_network([2, 3], right[loss], loss=loss)
    with pytest.raises(ValueError, match=needs):
        nn[-1].set_activation_function(activation)
    assert nn.loss == loss


@pytest.mark.parametrize("name", ["exp", "softmax"])
def test_activations_for_outputs_only(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}.* output layer"):
        foxnn.neural_network([2, 3, 3], [name, "identity"])
    nn = foxnn.neural_network([2, 3, 3])
    with pytest.raises(ValueError, match=f"^{name} is for the output layer only$"):
        nn[0].set_activation_function(name)
    nn[1].set_activation_function(name)
    with pytest.raises(ValueError, match=f"{name} is for the output layer"):
        nn.next_layer(foxnn.layer(3, 2))
    assert len(nn) == 2


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: foxnn.neural_network([3, 1], "softmax"), "at least two outputs"),
        (lambda: foxnn.neural_network([3, 1])[0].set_activation_function("softmax"), "at least"),
    ],
)
def test_softmax_of_one_output(make: Callable[[], object], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        make()


@pytest.mark.parametrize(
    ("loss", "activation", "y", "message"),
    [
        ("binary_cross_entropy", "sigmoid", [[0.0], [1.5]], "from 0 to 1 .*got 1.5"),
        ("binary_cross_entropy", "sigmoid", [[0.0], [-0.5]], "from 0 to 1 .*got -0.5"),
        ("binary_cross_entropy", "sigmoid", [0, 2.5], "from 0 to 1 .*got 2.5"),
        ("poisson", "exp", [[1.0], [-1.0]], "none below 0, got -1"),
    ],
)
def test_targets_out_of_range(loss: str, activation: str, y: list, message: str) -> None:
    nn = foxnn.neural_network([2, 1], activation, loss=loss, seed=1)
    before = forced_runs.parameters(nn).tobytes()
    for use in (nn.fit, nn.evaluate, nn.train_on_batch):
        with pytest.raises(ValueError, match=f"y must be .*{message}"):
            use([[0, 1], [1, 0]], y)
    assert forced_runs.parameters(nn).tobytes() == before


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
@per_dtype
def test_one_step_at_a_time_is_a_step_of_fit(dtype: str) -> None:
    x = forced_runs.inputs(20, 4)
    for hidden, output, loss in forced_runs.endings():
        nn, other = (
            foxnn.neural_network([4, 7, 3], hidden, output, loss, dtype=dtype, seed=1)
            for _ in range(2)
        )
        y = forced_runs.wanted(20, 3, loss)
        found = nn.train_on_batch(x, y, "sgd", 0.001)
        history = other.fit(x, y, 1, 20, "sgd", 0.001, shuffle=False)
        assert history["loss"] == [found]
        assert forced_runs.parameters(nn).tobytes() == forced_runs.parameters(other).tobytes()
