"""The oracle itself: its slopes and gradients against finite differences, its rules by hand."""

from __future__ import annotations

import numpy as np
import pytest

from closeness import assert_within
from reference import ACTIVATIONS, SGD, Adam, Layer, Nesterov, Network, log_softmax, train

STEP = 1e-5
# Central differences: third derivative times STEP^2 / 6, and rounding over STEP.
TOLERANCE = 1e-9


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slope_is_the_derivative(name: str) -> None:
    value, slope, alpha, kinks = ACTIVATIONS[name]
    z = np.linspace(-4.03, 4.05, 97)
    assert all(np.abs(z - kink).min() > STEP for kink in kinks)
    numeric = (value(z + STEP, alpha) - value(z - STEP, alpha)) / (2 * STEP)
    # That of exp reaches 50, and its third derivative with it.
    allowed = TOLERANCE * np.maximum(1.0, np.abs(value(z, alpha)))
    assert_within(slope(z, alpha), numeric, allowed, name)


def make(hidden: str, output: str, loss: str) -> Network:
    rng = np.random.default_rng(1)
    sizes, names = [3, 5, 4], [hidden, output]
    layers = [
        Layer(rng.normal(size=(k, n)), rng.normal(size=n), name, 0.3)
        for k, n, name in zip(sizes, sizes[1:], names, strict=False)
    ]
    return Network(layers, loss)


@pytest.mark.parametrize(
    ("output", "loss"),
    [("tan_h", "mse"), ("softmax", "mse"), ("softmax", "cross_entropy")],
)
@pytest.mark.parametrize("hidden", ["elu", "gaussian"])
def test_gradient_is_the_derivative_of_the_loss(hidden: str, output: str, loss: str) -> None:
    network = make(hidden, output, loss)
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(6, 3)), rng.uniform(size=(6, 4))
    for layer, (dw, db) in zip(network.layers, network.gradients(x, y), strict=True):
        for parameter, gradient in ((layer.weights, dw), (layer.bias, db)):
            for at in np.ndindex(parameter.shape):
                old = parameter[at]
                parameter[at] = old + STEP
                above = network.losses(x, y).mean()
                parameter[at] = old - STEP
                below = network.losses(x, y).mean()
                parameter[at] = old
                assert gradient[at] == pytest.approx((above - below) / (2 * STEP), abs=1e-8)


def test_sum_is_the_mean_times_the_samples() -> None:
    network = make("tan_h", "sigmoid", "mse")
    x, y = np.ones((7, 3)), np.zeros((7, 4))
    pairs = zip(network.gradients(x, y), network.gradients(x, y, "sum"), strict=True)
    for (mean, _), (total, _) in pairs:
        assert_within(total, 7 * mean, 1e-15 * 7)


def test_log_softmax_does_not_overflow() -> None:
    assert log_softmax(np.array([[1e4, 0.0, -1e4]])).tolist() == [[0.0, -1e4, -2e4]]


def quadratic() -> Network:
    """Return w with loss (w x - y)^2 / 2, gradient w x x for x = 1, y = 0: g = w + b."""
    return Network([Layer(np.array([[1.0]]), np.array([0.0]), "identity_x")], "mse")


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        # g = w + b = 1, step 1/4 each; then g = 1/2.
        (SGD(), [0.75, 0.625]),
        # v = 1, then v = 1/2 + 1/2.
        (SGD(0.5), [0.75, 0.5]),
        # g + v / 2 = 3/2, so w = 5/8, b = -3/8; then g = 1/4, v = 3/4, g + v / 2 = 5/8.
        (Nesterov(0.5), [0.625, 0.46875]),
        # No memory: the step is the rate times the sign of g.
        (Adam(0.0, 0.0, 1e-300), [0.75, 0.5]),
    ],
    ids=["sgd", "momentum", "nesterov", "adam"],
)
def test_two_steps_by_hand(optimizer: SGD | Adam, expected: list[float]) -> None:
    network = quadratic()
    for value in expected:
        train(network, np.ones((1, 1)), np.zeros((1, 1)), optimizer, 0.25, batch_size=1)
        assert network.layers[0].weights.item() == value
