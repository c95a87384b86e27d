"""The gates of the recurrent kinds: their order in foxnn and in ONNX."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foxnn.checks import Array

#: Each kind's operator in ONNX.
OPERATORS = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM"}

# Of the gates in ONNX's order, the place of each in foxnn's: z, r, h of r, z, n; i, o, f, c of
# i, f, g, o.
_ORDERS: dict[str, Sequence[int]] = {"rnn": (0,), "gru": (1, 0, 2), "lstm": (0, 3, 1, 2)}


def gates_of(kind: str) -> int:
    """Return how many gates a kind has."""
    return len(_ORDERS[kind])


def to_onnx(kind: str, columns: Array) -> Array:
    """Return an array of foxnn, whose columns are the gates', with ONNX's gates in rows."""
    return np.ascontiguousarray(_moved(columns, _ORDERS[kind]).T)


def from_onnx(kind: str, rows: Array) -> Array:
    """Return an array of ONNX, whose rows are the gates', with foxnn's gates in columns."""
    order = _ORDERS[kind]
    return np.ascontiguousarray(_moved(rows.T, [order.index(i) for i in range(len(order))]))


def _moved(columns: Array, order: Sequence[int]) -> Array:
    gates = columns.reshape(*columns.shape[:-1], len(order), -1)
    found: Array = gates[..., list(order), :].reshape(columns.shape)
    return found
