"""Small networks, and what they are trained on in a moment: for tests of single calls."""

from __future__ import annotations

from typing import Any

import numpy as np

import foxnn
from forced_runs import inputs, parameters, wanted

# For `classifier` and `regression`.
X = inputs(60, 4)
LABELS = wanted(60, 3, "cross_entropy").argmax(axis=1)
Y = wanted(60, 2, "mse")
# For `single`, of one output.
ROWS, COLUMN = inputs(60, 3), wanted(60, 1, "mse")
# For `few`.
FEW = np.linspace(-1, 1, 24).reshape(8, 3)
ONE_HOT = np.eye(2)[[0, 1, 1, 0, 1, 0, 0, 1]]


def classifier(**options: Any) -> foxnn.neural_network:
    return foxnn.neural_network([4, 8, 3], "tanh", "softmax", **{"seed": 1, **options})


def regression(**options: Any) -> foxnn.neural_network:
    return foxnn.neural_network([4, 8, 2], "tanh", "identity", **{"seed": 1, **options})


def single(**options: Any) -> foxnn.neural_network:
    return foxnn.neural_network([3, 4, 1], "tanh", "identity", **{"seed": 1, **options})


def few() -> foxnn.neural_network:
    return foxnn.neural_network([3, 4, 2], "tanh", seed=1)


def bits(nn: foxnn.neural_network) -> bytes:
    """Return the bits of all parameters."""
    return parameters(nn).tobytes()
