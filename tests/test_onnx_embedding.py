"""`Embedding` through ONNX: ours, which reads floats, and those of others, which read integers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from foxnn import Conv1D, Embedding, Flatten, GlobalAveragePool, Parallel, Reshape
from test_onnx_graphs import RECORDS, refused
from test_onnx_layers import listed, through
from test_onnx_windows import RNG, Net, assert_close

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
helper = onnx.helper

COUNT, STEPS = 12, 7
KERAS = json.loads((RECORDS / "keras_layers.json").read_text())


def ran(path: Path, x: np.ndarray) -> np.ndarray:
    """Return what onnxruntime answers, of numbers as they are."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


OURS: dict[str, list[Any]] = {
    "text": [STEPS, Embedding(COUNT, 5), Conv1D(4, 3), GlobalAveragePool(), 2],
    "alone": [STEPS, Embedding(COUNT, 5)],
    "reshaped": [12, Reshape((3, 4)), Embedding(COUNT, 2), 3],
    "pictures of classes": [(4, 3), Embedding(COUNT, 2), foxnn.Conv2D(3, 2), 2],
    "branches": [
        3, Parallel([Embedding(COUNT, 2), Flatten()], [Embedding(COUNT, 3), Flatten()]), 2,
    ],
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OURS)
def test_ours_are_run_and_read(name: str, dtype: str, tmp_path: Path) -> None:
    nn = foxnn.neural_network(OURS[name], "tanh", dtype=dtype, seed=1)
    again = through(nn, tmp_path)
    x = kinds.samples(nn, 9).astype(dtype)
    if dtype == "float32" or "Conv" not in repr(nn):  # which onnxruntime has in float32 only
        assert_close(ran(tmp_path / "net.onnx", x), nn.predict(x))
    assert listed(again) == listed(nn)
    assert kinds.bits(again) == kinds.bits(nn)
    assert again.predict(x).tobytes() == nn.predict(x).tobytes()


# Theirs


def text(kind: int = onnx.TensorProto.INT64) -> Net:
    """Return a convolution over embedded words as PyTorch writes it."""
    net = Net(STEPS)
    net.kind = kind
    net.add("Gather", "table", net.last, alone=True, axis=0)
    net.arrays.append(table())
    return net


def table(*shape: int) -> Any:
    values = RNG.normal(size=shape or (COUNT, 5)).astype(np.float32)
    return onnx.numpy_helper.from_array(values, "table")


def turned(net: Net) -> Net:
    return net.add("Transpose", perm=[0, 2, 1])


THEIRS: dict[str, Callable[[], Net]] = {
    "words": lambda: text(),
    "of int32": lambda: text(onnx.TensorProto.INT32),
    "text of PyTorch": lambda: turned(text()).conv(4, 5, 3).add("Relu")
    .add("ReduceMax", axes=[2], keepdims=0).gemm(4, 2),
    "flattened": lambda: text().add("Flatten").gemm(5 * STEPS, 2),
    "mean of words": lambda: text().add("ReduceMean", axes=[1], keepdims=0).gemm(5, 2),
    "cast from floats": lambda: cast(onnx.TensorProto.FLOAT),
    "cast from int32": lambda: cast(onnx.TensorProto.INT32),
    "counted from the end": lambda: from_the_end(COUNT),
}  # fmt: skip


def from_the_end(count: int) -> Net:
    """Return one that counts indices below zero from the end of the table, of `count` rows."""
    net = Net(STEPS)
    net.kind = onnx.TensorProto.INT64
    start, count_, zero = net.last, net.constant(np.array(count)), net.constant(np.array(0))
    moved = net.add("Add", count_).last
    is_below = net.add("Less", start, zero, alone=True).last
    net.add("Where", is_below, moved, start, alone=True)
    net.add("Gather", "table", net.last, alone=True, axis=0)
    net.arrays.append(table())
    return net


def cast(kind: int) -> Net:
    net = Net(STEPS)
    net.kind = kind
    net.add("Cast", to=onnx.TensorProto.INT64).add("Gather", "table", "n0", alone=True)
    net.arrays.append(table())
    return net.add("Flatten").gemm(5 * STEPS, 2)


@pytest.mark.parametrize("name", THEIRS)
def test_graphs_of_other_libraries(name: str, tmp_path: Path) -> None:
    net = THEIRS[name]()
    path = net.write(tmp_path)
    x = RNG.integers(0, COUNT, (6, STEPS))
    expected = ran(path, x.astype(helper.tensor_dtype_to_np_dtype(net.kind)))
    nn = foxnn.neural_network(path)
    assert nn[0].kind == "Embedding"
    assert_close(nn.predict(x).reshape(expected.shape), expected)
    again = through(nn, tmp_path)
    assert again.predict(x).tobytes() == nn.predict(x).tobytes()
    with pytest.raises(ValueError, match="whole numbers from 0 to 11"):
        nn.predict(x - COUNT)


@pytest.mark.parametrize("name", [name for name in KERAS if "words" in name])
def test_files_of_keras(name: str, tmp_path: Path) -> None:
    """Whose indices below zero count from the end of the table; that is left out."""
    nn = foxnn.neural_network(RECORDS / name)
    layer, width = ("GRU", 3) if "float" in name else ("LSTM", 2)
    assert listed(nn).startswith(f"neural_network([(6,), Embedding(9, 4), {layer}(3)")
    x, expected = (np.float32(KERAS[name][key]) for key in ("inputs", "outputs"))
    assert expected.shape == (5, width)
    assert_close(nn.predict(x), expected)
    again = through(nn, tmp_path)
    assert again.predict(x).tobytes() == nn.predict(x).tobytes()


def gathered(*names: str, **attributes: Any) -> Net:
    net = Net(STEPS)
    net.kind = onnx.TensorProto.INT64
    net.arrays.append(table())
    return net.add("Gather", *names, alone=True, **attributes)


def whole() -> Net:
    net = Net(STEPS)
    net.kind = onnx.TensorProto.INT64
    rest = onnx.numpy_helper.from_array(np.array(COUNT - 1), "rest")
    net.arrays += [table(), rest]
    return net


def a_long_way(nodes: int) -> Net:
    net = whole()
    for _ in range(nodes):
        net.add("Add", np.array(0))
    return net.add("Gather", "table", net.last, alone=True)


BROKEN: dict[str, tuple[str, Callable[[], Net]]] = {
    "of the samples": ("(Gather)", lambda: Net(STEPS).add("Gather", np.array([1, 2]), axis=1)),
    "columns": ("expected the rows of a constant matrix", lambda: gathered("table", "x", axis=1)),
    "of a layer": (
        "must come first", lambda: Net(STEPS).gemm(STEPS, 3).add("Cast", to=7)
        .add("Gather", RNG.normal(size=(4, 2)), "n1", alone=True).add("Flatten").gemm(6, 2),
    ),
    "a vector": (
        "expected the rows of a constant matrix",
        lambda: Net(STEPS).add("Cast", to=7)
        .add("Gather", RNG.normal(size=9), "n0", alone=True),
    ),
    "whole numbers of whole numbers": (
        "(Cast): expected a cast to floating point",
        lambda: Net(STEPS).add("Cast", to=7)
        .add("Gather", np.ones((4, 2), np.int64), "n0", alone=True),
    ),
    "the next rows": (
        "(Gather): expected the indices as they are given",
        lambda: whole().add("Add", np.array(1)).add("Gather", "table", "n0", alone=True),
    ),
    "rows in the other order": (
        "(Gather): expected the indices as they are given",
        lambda: whole().add("Sub", "rest", "x", alone=True)
        .add("Gather", "table", "n0", alone=True),
    ),
    "an index for each word": (
        "(Gather): expected the indices as they are given",
        lambda: whole().add("Add", np.zeros(STEPS, np.int64))
        .add("Gather", "table", "n0", alone=True),
    ),
    "squares": (
        "(Gather): expected the indices as they are given",
        lambda: whole().add("Mul", "x").add("Gather", "table", "n0", alone=True),
    ),
    "a long way": (
        "(Gather): expected the indices as they are given", lambda: a_long_way(40),
    ),
    "whole numbers behind functions": (
        "expected a cast to floating point",
        lambda: Net(STEPS).add("Cast", to=7).add("Add", np.array(0)).add("Cast", to=1)
        .add("MatMul", np.ones((STEPS, 2))),
    ),
    "truncated": (
        "expected a cast to floating point",
        lambda: Net(STEPS).add("Cast", to=7).add("Cast", to=1).conv(1, 1, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    expected, build = BROKEN[name]
    path = build().write(tmp_path)
    if name == "of a layer":
        with pytest.raises(ValueError, match=expected):
            foxnn.neural_network(path)
    else:
        assert expected in refused(path)
