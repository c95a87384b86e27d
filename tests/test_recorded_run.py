"""The signature of the arithmetic: ten losses of a fixed run of 200 steps.

A change of these numbers is a change of what the engine computes; say so in the commit.
"""

from __future__ import annotations

import numpy as np
import pytest

import foxnn

# fmt: off
RECORDED = {
    "float64": [
        1.09185675443, 0.849468891571, 0.76320451627, 0.660700990025, 0.564090095695,
        0.474472426856, 0.368708387959, 0.278048612371, 0.196777827415, 0.146863727091,
    ],
    "float32": [
        1.09185674936, 0.849468921423, 0.763204553612, 0.66070103053, 0.564090169771,
        0.474472531169, 0.368708553155, 0.27804881432, 0.196778030907, 0.146863911287,
    ],
}
# fmt: on


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return 200 inputs by formula, and three classes that hang on them."""
    i, j = np.arange(200)[:, None], np.arange(8)[None, :]
    x = ((i * 37 + j * j * 11 + i * j * 5) % 64) / 32.0 - 1.0
    return x, (np.floor(2 * x[:, 0] * x[:, 1] + x[:, 2]).astype(int)) % 3


@pytest.mark.parametrize("dtype", RECORDED)
def test_ten_losses(dtype: str) -> None:
    x, y = digits()
    nn = foxnn.neural_network([8, 15, 15, 3], ["gelu", "tanh", "softmax"], dtype=dtype, seed=2024)
    history = nn.fit(x, y, epochs=10, batch_size=10, optimizer="adam", learning_rate=0.01)
    # The plain kernel set differs in the last bits; over 200 steps that grows some tenfold.
    tolerance = 1e-10 if dtype == "float64" else 1e-5
    assert history["loss"] == pytest.approx(RECORDED[dtype], rel=tolerance)
