"""Layers of a few neurons, of which half a line of a register is computed, beside wider ones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import foxnn

WIDE = 20  # outputs: more than half a line in either type
INPUTS = (1, 33, 70, 300)  # of the last layer: one panel, several, and more than go by halves
BATCHES = (1, 13, 33, 98)


def trained(outputs: int, inputs: int, batch: int, dtype: str) -> foxnn.neural_network:
    """Return a network after three steps of its last layer, whose neurons are independent."""
    rng = np.random.default_rng(inputs)
    nn = foxnn.neural_network(
        [5, inputs, outputs], "tanh", "sigmoid", loss="mse", dtype=dtype, seed=3
    )
    nn[0].trainable = False
    nn[0].weights = rng.normal(size=(5, inputs))
    nn[1].weights = rng.normal(size=(inputs, WIDE))[:, :outputs] / inputs**0.5
    nn[1].bias = rng.normal(size=WIDE)[:outputs]
    x, y = rng.normal(size=(3 * batch, 5)), rng.random((3 * batch, WIDE))[:, :outputs]
    nn.fit(
        x, y, epochs=1, batch_size=batch, optimizer="sgd", learning_rate=0.5, shuffle=False,
        progress=False,
    )  # fmt: skip
    return nn


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("outputs", [1, 4, 5, 8, 9])
def test_each_neuron_is_as_among_many(outputs: int, dtype: str) -> None:
    for inputs, batch in itertools.product(INPUTS, BATCHES):
        few, many = (trained(n, inputs, batch, dtype) for n in (outputs, WIDE))
        np.testing.assert_array_equal(few[1].weights, many[1].weights[:, :outputs])
        np.testing.assert_array_equal(few[1].bias, many[1].bias[:outputs])
        x = np.random.default_rng(1).normal(size=(batch, 5))
        np.testing.assert_array_equal(few.predict(x), many.predict(x)[:, :outputs])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_infinite_sum_stays_infinite(dtype: str) -> None:
    nn = foxnn.neural_network([2, 2], "identity", dtype=dtype, seed=0)
    nn[0].weights = np.full((2, 2), [[np.finfo(dtype).max, -np.finfo(dtype).max]] * 2)
    np.testing.assert_array_equal(nn.predict(np.full((5, 2), 2.0)), [[np.inf, -np.inf]] * 5)
