"""Gradients: by central differences of the loss in float64, and against the oracle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import forced_runs
import foxnn
import reference
from closeness import assert_within, epsilon, forward_bound, gradient_bounds

# The cube root of the epsilon of float64: there the error of a central difference, h^2 from the
# third derivative and eps / h from the rounding of the losses, is least: about 4e-11.
STEP = 6e-6
# Parameters and inputs are of order 1, so the third derivatives are below some hundred.
TOLERANCE = 1e-8
# A parameter moved by STEP moves a preactivation by less than this.
KINK_MARGIN = 1e-3

ENDINGS = list(forced_runs.endings())


def away_from_kinks(nn: foxnn.neural_network, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which samples are near no kink of an activation or the loss."""
    oracle = reference.copy_of(nn)
    z, a = oracle.forward(x)
    keep = np.ones(len(x), bool)
    for layer, values in zip(oracle.layers, z, strict=True):
        if layer.activation != "softmax":
            for kink in reference.ACTIVATIONS[layer.activation].kinks:
                keep &= (np.abs(values - kink) > KINK_MARGIN).all(axis=1)
    for kink in reference.LOSSES[nn.loss].kinks if nn.loss in reference.LOSSES else ():
        keep &= (np.abs(np.abs(a[-1] - y) - kink) > KINK_MARGIN).all(axis=1)
    return keep


@pytest.mark.parametrize("dtype", forced_runs.DTYPES)
@pytest.mark.parametrize("inputs", [1, 4, 17, 32, 33, 100])
def test_a_step_is_exact_where_its_sums_are(inputs: int, dtype: str) -> None:
    """Of small whole numbers: NumPy must make the same step, to the last bit."""
    rng = np.random.default_rng(inputs)
    for width in (*range(1, 18), 34, 36, 40, 48, 100):
        for samples in (1, 4, 64, 128):  # a mean over them is exact, too
            nn = foxnn.neural_network([inputs, width], "identity", dtype=dtype, seed=0)
            weights = rng.integers(-2, 3, (inputs, width)).astype(dtype)
            nn[0].weights, nn[0].bias = weights, np.zeros(width, dtype)
            x = rng.integers(-2, 3, (samples, inputs)).astype(dtype)
            y = rng.integers(-9, 10, (samples, width)).astype(dtype)
            nn.train_on_batch(x, y, optimizer="sgd", learning_rate=samples)
            error = x @ weights - y
            key = (width, samples)
            assert np.array_equal(nn[0].weights, weights - x.T @ error), key
            assert np.array_equal(nn[0].bias, -error.sum(axis=0)), key


@pytest.mark.parametrize(("hidden", "output", "loss"), ENDINGS)
def test_central_differences(hidden: str, output: str, loss: str) -> None:
    nn = foxnn.neural_network([3, 5, 4, 3], hidden, output, loss, dtype="float64", seed=5)
    for part in nn:
        part.bias = np.linspace(-0.5, 0.5, part.get_N_n())
    x, y = forced_runs.inputs(24, 3), forced_runs.wanted(24, 3, loss)
    keep = away_from_kinks(nn, x, y)
    x, y = x[keep], y[keep]
    assert len(x) >= 12
    _, gradients = nn._loss_and_gradients(x, y)
    for i, part in enumerate(nn):
        for name, gradient in zip(("weights", "bias"), gradients[i], strict=True):
            start = getattr(part, name)
            numeric = np.empty_like(start)
            for at in np.ndindex(start.shape):
                losses = []
                for step in (STEP, -STEP):
                    moved = start.copy()
                    moved[at] += step
                    setattr(part, name, moved)
                    losses.append(nn._loss_and_gradients(x, y)[0])
                numeric[at] = (losses[0] - losses[1]) / (2 * STEP)
            setattr(part, name, start)
            assert_within(gradient, numeric, TOLERANCE, f"layer {i}, {name}")


@pytest.mark.parametrize("kernel_set", foxnn.kernel_sets())
def test_oracle(kernel_set: str, forced_run: Callable[..., dict[str, np.ndarray]]) -> None:
    found = forced_run("gradients", kernel_set, "1", forced_runs.WITH_ORACLES)
    assert found["kernel_set"] == kernel_set
    for key, nn, x, y in forced_runs.gradient_cases():
        oracle = reference.copy_of(nn)
        losses = oracle.losses(x, y)
        # One more unit a term for the sum over the outputs.
        error = forward_bound(oracle, x, nn.dtype).max() + y.shape[1] * epsilon(nn.dtype)
        allowed = error * y.shape[1] * max(1.0, losses.max())
        assert_within(found[f"{key} loss"], losses.mean(), allowed, key)
        expected, bounds = oracle.gradients(x, y), gradient_bounds(oracle, x, y, nn.dtype)
        for i, ((dw, db), (bound_w, bound_b)) in enumerate(zip(expected, bounds, strict=True)):
            assert_within(found[f"{key} dW{i}"], dw, bound_w, f"{key} dW{i}")
            assert_within(found[f"{key} db{i}"], db, bound_b, f"{key} db{i}")


@pytest.mark.parametrize(("output", "loss"), [("softmax", "cross_entropy"), ("tanh", "mse")])
def test_targets_need_not_be_probabilities(output: str, loss: str) -> None:
    nn = foxnn.neural_network([4, 6, 3], "tanh", output, loss, dtype="float64", seed=6)
    x, y = forced_runs.inputs(9, 4), 3.0 * np.abs(forced_runs.wanted(9, 3, "mse"))
    found, gradients = nn._loss_and_gradients(x, y)
    oracle = reference.copy_of(nn)
    assert found == pytest.approx(oracle.losses(x, y).mean(), rel=1e-13)
    expected = oracle.gradients(x, y)
    for (dw, db), (want_w, want_b) in zip(gradients, expected, strict=True):
        assert_within(dw, want_w, 1e-13)
        assert_within(db, want_b, 1e-13)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "selu"])
def test_slope_at_the_kink_is_one_of_both_sides(name: str) -> None:
    nn = foxnn.neural_network([1, 1], name, dtype="float64")
    nn[0].weights, nn[0].bias = [[0.0]], [0.0]
    _, [(_, db)] = nn._loss_and_gradients([[1.0]], [[-1.0]])
    activation = reference.ACTIVATIONS[name]
    sides = [activation.slope(np.array([z]), activation.alpha).item() for z in (-1e-12, 1e-12)]
    assert min(abs(db.item() - side) for side in sides) < 1e-11


def test_gradient_makes_no_step() -> None:
    nn = foxnn.neural_network([3, 4, 2], seed=1)
    before = forced_runs.parameters(nn).tobytes()
    nn._loss_and_gradients(forced_runs.inputs(5, 3), forced_runs.wanted(5, 2, "mse"))
    assert forced_runs.parameters(nn).tobytes() == before
