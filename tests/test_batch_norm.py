"""Mean and variance of batches that are hard to sum."""

from __future__ import annotations

import numpy as np
import pytest

import foxnn
from closeness import epsilon


def inputs(case: str) -> np.ndarray:
    """Return samples of 40 positions and 3 channels."""
    x = np.random.default_rng(5).normal(size=(32, 40, 3))
    if case == "far from zero":
        return x + [1000.0, -3000.0, 0.0]
    if case == "first position elsewhere":
        x[:, 0] += [1000.0, -3000.0, 0.5]
    if case == "first position alone varies":
        x[:, 1:] = 0.25
    return x


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "case",
    ["plain", "far from zero", "first position elsewhere", "first position alone varies"],
)
def test_mean_and_variance_are_exact(case: str, dtype: str) -> None:
    x = inputs(case).astype(dtype)
    nn = foxnn.neural_network([(40, 3), foxnn.BatchNorm(momentum=0.0), 2], dtype=dtype, seed=1)
    nn.fit(x, np.zeros((32, 2)), 1, 32, "sgd", learning_rate=1e-9, progress=False)
    found = nn[0].arrays
    exact = x.astype(np.float64).reshape(-1, 3)
    # Sums of a thousand numbers.
    near = 100 * epsilon(dtype)
    largest = np.abs(exact).max(0)
    np.testing.assert_allclose(found["running_mean"], exact.mean(0), 0, near * largest.max())
    deviation = exact.std(0, ddof=1)
    # What the inputs themselves do not hold of a deviation cannot be found.
    allowed = near * deviation.max() + epsilon(dtype) * largest.max()
    np.testing.assert_allclose(np.sqrt(found["running_variance"]), deviation, 0, allowed)


def test_an_activation_behind_it_is_the_same_on_its_own() -> None:
    """Users see all outputs, for which nothing is merged."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(20, 6, 5, 3)).astype(np.float32)
    for activation in ("relu", "gelu", "tanh"):
        nn = foxnn.neural_network(
            [
                (6, 5, 3), foxnn.Conv2D(33, 2), foxnn.BatchNorm(), foxnn.Activation(activation),
                foxnn.MaxPool2D(2), foxnn.BatchNorm(), foxnn.Activation(activation), 2,
            ],
            "tanh", "identity", seed=3,
        )  # fmt: skip
        nn.fit(x, rng.normal(size=(20, 2)), 2, 8, progress=False)
        *_, last = nn.layer_outputs(x).values()
        np.testing.assert_array_equal(nn.predict(x), last)
