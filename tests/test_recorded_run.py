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
        1.07294526134, 0.864738948649, 0.746132877947, 0.643638739628, 0.529375813071,
        0.427045504979, 0.319811957483, 0.235727070086, 0.16135413983, 0.106791534572,
    ],
    "float32": [
        1.07294528171, 0.8647389712, 0.746132943779, 0.643638837775, 0.529375947849,
        0.427045674822, 0.319812180758, 0.235727322273, 0.161354346298, 0.106791723753,
    ],
}
# fmt: on


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Return 200 inputs by formula, and three classes that depend on them."""
    i, j = np.arange(200)[:, None], np.arange(8)[None, :]
    x = ((i * 37 + j * j * 11 + i * j * 5) % 64) / 32.0 - 1.0
    return x, (np.floor(2 * x[:, 0] * x[:, 1] + x[:, 2]).astype(int)) % 3


@pytest.mark.parametrize("dtype", RECORDED)
def test_ten_losses(dtype: str) -> None:
    x, y = digits()
    nn = foxnn.neural_network([8, 15, 15, 3], ["gelu", "tanh", "softmax"], dtype=dtype, seed=2024)
    history = nn.fit(x, y, epochs=10, batch_size=10, optimizer="adam", learning_rate=0.01)
    # The record has twelve digits.
    assert history["loss"] == pytest.approx(RECORDED[dtype], rel=1e-11)
