"""Recurrent layers in C headers: whole sequences, and one step at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import foxnn
import kinds
from foxnn import GRU, LSTM, RNN
from test_c_export import COMPILERS, assert_near, function, self_test

pytestmark = pytest.mark.skipif(not COMPILERS, reason="there is no C compiler")

KINDS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
RECURRENT = [row for row in kinds.ROWS if any(f"{kind}(" in repr(row.items) for kind in KINDS)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", RECURRENT, ids=lambda row: row.name)
def test_whole_sequences(row: kinds.Row, dtype: str, tmp_path: Path) -> None:
    nn = row.network(dtype)
    nn.export_c(tmp_path / "net.h")
    x = kinds.samples(nn, 9).astype(dtype)
    found = function(tmp_path / "net.h", dtype)(x.reshape(len(x), -1))
    assert_near(found, nn.predict(x).reshape(found.shape))
    done = self_test(tmp_path / "net.h")
    assert (done.returncode, done.stderr) == (0, "")


def test_gates_far_out(tmp_path: Path) -> None:
    """Where the exponential function overflows, gates are 0 or 1."""
    nn = foxnn.neural_network([(3, 2), LSTM(3, return_sequences=True), GRU(3)], seed=1)
    for layer in nn:
        layer.arrays["bias"] = np.linspace(-500, 500, layer.arrays["bias"].size)
    nn.export_c(tmp_path / "net.h")
    x = kinds.samples(nn, 9).astype(np.float32)
    assert_near(function(tmp_path / "net.h")(x.reshape(9, -1)), nn.predict(x))


@pytest.mark.parametrize("name", ["TYPE", "EXPNAMETANH"])
def test_any_name(name: str, tmp_path: Path) -> None:
    nn = foxnn.neural_network([(3, 2), LSTM(3), 2], seed=1)
    nn.export_c(tmp_path / "net.h", name=name)
    assert self_test(tmp_path / "net.h").returncode == 0
