"""Recurrent layers in C headers: whole sequences, and one step at a time."""

from __future__ import annotations

import ctypes
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from c_programs import (
    C_TYPES,
    COMPILERS,
    SELF_TEST,
    checked_function,
    compiled,
    function,
    library,
    self_test,
)
from foxnn import (
    GRU,
    LSTM,
    RNN,
    Activation,
    BatchNorm,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    GlobalMaxPool,
    LayerNorm,
    Parallel,
    Reshape,
    Residual,
)
from test_c_export import assert_near

pytestmark = pytest.mark.skipif(not COMPILERS, reason="there is no C compiler")

KINDS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
RECURRENT = [row for row in kinds.ROWS if any(f"{kind}(" in repr(row.items) for kind in KINDS)]


@pytest.mark.parametrize("row", RECURRENT, ids=lambda row: row.name)
def test_whole_sequences(row: kinds.Row, tmp_path: Path) -> None:
    """In float64, they are among the tests of kinds."""
    nn = row.network("float32")
    nn.export_c(tmp_path / "net.h")
    x = kinds.samples(nn, 9).astype(np.float32)
    found = checked_function(tmp_path / "net.h")(x.reshape(len(x), -1))
    assert_near(found, nn.predict(x).reshape(found.shape))


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


# One step at a time


STEPPED: dict[str, list[Any]] = {
    **{f"{name} last": [(None, 3), kind(5), 2] for name, kind in KINDS.items()},
    **{
        f"{name} sequences": [(None, 3), kind(5, return_sequences=True), Dense(2)]
        for name, kind in KINDS.items()
    },
    "deep": [
        (None, 3), Dense(5), BatchNorm(), GRU(4, return_sequences=True), LayerNorm(),
        Residual(RNN(4, return_sequences=True), Dropout(0.2)),
        Parallel(LSTM(3), [Activation("sin"), GRU(2, bias=False)]),
        6, Reshape((2, 3)), Dense(2), Conv1D(2, 2), 3,
    ],
    **{
        f"sequence from a state, {name}": [
            (None, 3), GRU(6), Reshape((3, 2)), kind(4, return_sequences=True),
            kind(3, reverse=True, return_sequences=True), kind(2, bidirectional=True), 2,
        ]
        for name, kind in KINDS.items()
    },
    "sequence of one step from a state": [(None, 3), LSTM(6), Reshape((1, 6)), GRU(3), 2],
    "fixed sequence from a state": [
        (7, 3), LSTM(6), Reshape((3, 2)),
        Residual(LSTM(1, bidirectional=True, return_sequences=True)), LSTM(3), 2,
    ],
    "words": [(None,), Embedding(9, 4), LSTM(6, return_sequences=True), Dense(3)],
    "state alone": [(None, 1), GRU(1)],
    "fixed": [(7, 3), LSTM(5), 2],
    "fixed sequences": [(7, 3), GRU(5, return_sequences=True), Dense(2)],
    "fixed words": [7, Embedding(9, 4), LSTM(6), 3],
}  # fmt: skip


class Stream:
    """The functions of a header that take one step, and its self-test."""

    def __init__(self, header: Path, dtype: str) -> None:
        kind = C_TYPES[dtype]
        found, self.dtype = library(header.parent, SELF_TEST.format(name="net") + (
            "static net_state states[2];\n"
            f"void reset(int i);\nvoid step(int i, const {kind} *x, {kind} *y);\n"
            "void reset(int i) { net_reset(&states[i]); }\n"
            f"void step(int i, const {kind} *x, {kind} *y) {{ net_step(&states[i], x, y); }}\n"
            "const int sizes[3] = {NET_STEP_INPUTS, NET_STEP_OUTPUTS, (int)sizeof(net_state)};\n"
        ), dtype), dtype  # fmt: skip
        pointer = np.ctypeslib.ndpointer(dtype, flags="C_CONTIGUOUS")
        found.step.argtypes, found.step.restype = [ctypes.c_int, pointer, pointer], None
        self.inputs, self.outputs, self.state_bytes = (ctypes.c_int * 3).in_dll(found, "sizes")
        self.reset, self._step, self.self_test = found.reset, found.step, found.run_test

    def step(self, x: np.ndarray, i: int = 0) -> np.ndarray:
        y = np.empty(self.outputs, self.dtype)
        self._step(i, np.ascontiguousarray(x.reshape(-1), self.dtype), y)
        return y


def network(name: str, dtype: str = "float32") -> foxnn.neural_network:
    nn = foxnn.neural_network(STEPPED[name], "tanh", dtype=dtype, seed=1)
    for leaf in kinds.leaves(nn):
        for array, values in leaf.arrays.items():
            if array.endswith("bias"):
                nn._set_array(leaf.index, array, np.linspace(-1, 1, values.size))
    return nn


def sequences(nn: foxnn.neural_network, count: int, steps: int) -> np.ndarray:
    rng, shape = np.random.default_rng(0), (count, steps, *nn._input_shape()[1:])
    x = rng.integers(0, 9, shape) if nn._index_limit() else rng.normal(size=shape)
    return x.astype(nn.dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", STEPPED)
def test_outputs_after_each_step_are_those_of_the_steps_so_far(
    name: str, dtype: str, tmp_path: Path
) -> None:
    nn = network(name, dtype)
    report = nn.export_c(tmp_path / "net.h")
    stream = Stream(tmp_path / "net.h", dtype)
    assert report["state_bytes"] == stream.state_bytes
    free = foxnn.neural_network([(None, *nn._input_shape()[1:]), *nn], seed=1)
    if dtype == "float64":
        free = nn if nn._input_shape()[0] is None else None
    x = sequences(nn, 2, nn._input_shape()[0] or 11)
    for sequence in x:
        stream.reset(0)
        for last, one in enumerate(sequence, 1):
            y = stream.step(one)
            if free is not None:
                expected = free.predict(sequence[None, :last])[0]
                assert_near(y, expected[-1] if expected.ndim > 1 else expected)
        whole = nn.predict(sequence[None])[0]
        assert_near(y, whole[-1] if whole.ndim > 1 else whole)
    assert stream.self_test() == 0
    assert ("_predict(" in (tmp_path / "net.h").read_text()) == (nn._input_shape()[0] is not None)


def test_two_sequences_at_once(tmp_path: Path) -> None:
    nn = network("deep")
    nn.export_c(tmp_path / "net.h")
    stream, x = Stream(tmp_path / "net.h", "float32"), sequences(nn, 2, 5)
    for i in range(2):
        stream.reset(i)
    for one, other in zip(*x, strict=True):
        ends = stream.step(one, 0), stream.step(other, 1)
    assert_near(np.stack(ends), nn.predict(x))


def test_a_self_test_of_steps_can_fail(tmp_path: Path) -> None:
    network("LSTM last").export_c(tmp_path / "net.h")
    text = (tmp_path / "net.h").read_text()
    assert text.count("static const float net_b1[20] = {\n-1.0f") == 1
    (tmp_path / "net.h").write_text(text.replace("net_b1[20] = {\n-1.0f", "net_b1[20] = {\n-0.9f"))
    assert self_test(tmp_path / "net.h").returncode == 1


@pytest.mark.parametrize("compiler", [c for c in ("g++", "clang++") if shutil.which(c)])
def test_steps_in_cpp(compiler: str, tmp_path: Path) -> None:
    network("deep").export_c(tmp_path / "net.h")
    shutil.copy(tmp_path / "net_test.c", tmp_path / "net_test.cpp")
    done = compiled(
        compiler, tmp_path, "-std=c++11", "-Wall", "-Wextra", "-Werror", "-pedantic",
        "net_test.cpp", "-o", "test", "-lm",
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


WHOLE: dict[str, list[Any]] = {
    "bidirectional": [(5, 3), LSTM(4, bidirectional=True), 2],
    "reverse": [(5, 3), LSTM(4, reverse=True), 2],
    "reshaped": [15, Reshape((5, 3)), LSTM(4), 2],
    "all steps": [(5, 3), LSTM(4, return_sequences=True), 2],
    "window": [(5, 3), Conv1D(3, 2), LSTM(4), 2],
    "within": [(5, 3), Residual(GRU(3, bidirectional=True, return_sequences=True), Dense(3)), 2],
}


@pytest.mark.parametrize("name", WHOLE)
def test_networks_that_read_other_steps_have_no_steps(name: str, tmp_path: Path) -> None:
    nn = foxnn.neural_network(WHOLE[name], seed=1)
    assert "state_bytes" not in nn.export_c(tmp_path / "net.h")
    assert "_step" not in (tmp_path / "net.h").read_text()


@pytest.mark.parametrize(
    ("which", "name", "is_stepped"),
    [("input", "fixed", False), ("output", "fixed sequences", False), ("output", "fixed", True)],
)
def test_scalers_of_whole_sequences(
    which: str, name: str, is_stepped: bool, tmp_path: Path
) -> None:
    """A scale of its own for each step of the inputs or outputs is for whole sequences."""
    nn = network(name)
    size = nn.sizes[0] if which == "input" else nn.sizes[-1]
    scaler = foxnn.Scaler().fit(np.random.default_rng(0).normal(2, 3, (9, size)))
    setattr(nn, f"{which}_scaler", scaler)
    assert ("state_bytes" in nn.export_c(tmp_path / "net.h")) == is_stepped
    x = sequences(nn, 3, 7)
    found = checked_function(tmp_path / "net.h")(x.reshape(3, -1))
    assert_near(found, nn.predict(x).reshape(found.shape))


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([(None, 3), Dense(2)], "this one has no recurrent layer"),
        (
            [(None, 3), Conv1D(4, 2), LSTM(4, name="reader")],
            "only step by step, without layers[0] (Conv1D), which reads other steps",
        ),
        (
            [(None, 3), Residual(Dense(3), GRU(3, reverse=True, return_sequences=True))],
            "without layers[0] (Residual).layers[1] (GRU)",
        ),
        ([(None, 3), RNN(4, return_sequences=True), GlobalMaxPool()], "layers[1] (GlobalMaxPool)"),
    ],
)
def test_sequences_of_any_length_go_step_by_step(
    items: list[Any], message: str, tmp_path: Path
) -> None:
    nn = foxnn.neural_network(items, seed=1)
    with pytest.raises(ValueError, match=re.escape(message)):
        nn.export_c(tmp_path / "net.h")
    assert list(tmp_path.iterdir()) == []


def test_samples_of_any_length_are_refused(tmp_path: Path) -> None:
    nn = network("LSTM last")
    with pytest.raises(ValueError, match="samples must be None for a network of sequences of any"):
        nn.export_c(tmp_path / "net.h", samples=(np.ones((2, 5, 3)), np.ones((2, 2))))
