"""`LayerNorm` in ONNX files that write it as means of the channels, and what only looks like it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from test_onnx_graphs import RECORDS, refused
from test_onnx_layers import listed, through
from test_onnx_windows import RNG, Net, assert_close, ran

KERAS = json.loads((RECORDS / "keras_layers.json").read_text())
DENSE = "Dense({}, activation='{}')"
READ = {
    "layer_norm": f"(3,), {DENSE.format(4, 'tan_h')}, LayerNorm(epsilon=0.001), "
    f"{DENSE.format(2, 'identity_x')}",
    "steps_norm": f"(6, 3), {DENSE.format(4, 'identity_x')}, LayerNorm(epsilon=0.001), "
    "Activation('relu')",
}


@pytest.mark.parametrize("name", [name for name in KERAS if "norm" in name])
def test_files_of_keras(name: str, tmp_path: Path) -> None:
    nn = foxnn.neural_network(RECORDS / name)
    stem = name.removeprefix("keras_").rpartition("_")[0]
    assert listed(nn).startswith(f"neural_network([{READ[stem]}], loss=")
    x, expected = (np.float32(KERAS[name][key]) for key in ("inputs", "outputs"))
    assert_close(nn.predict(x), expected)
    assert through(nn, tmp_path).predict(x).tobytes() == nn.predict(x).tobytes()


def normed(
    *shape: int,
    axes: Any = (-1,),
    keepdims: int = 1,
    power: float = 2.0,
    epsilon: Any = 1e-3,
    scale: Any = (0.5, -2.0, 1.0, 3.0),
    shift: Any = (1.0, 0.0, -0.25, 2.0),
    mean: str = "ReduceMean",
    root: str = "Sqrt",
) -> Net:
    """Return a dense layer and a normalization of 4 numbers, as PyTorch's older exporter has it."""
    net = Net(*shape).add("MatMul", RNG.normal(size=(3, 4))).add("Sin")
    start, axes = net.last, list(axes)
    first = net.add(mean, axes=axes, keepdims=keepdims).last
    apart = net.add("Sub", start, first, alone=True).last
    net.add("Pow", np.float32(power)).add(mean, axes=axes, keepdims=keepdims)
    net.add("Add", np.float32(epsilon)).add(root)
    spread = net.last
    net.add("Div", apart, spread, alone=True)
    if scale is not None:
        net.add("Mul", np.float32(scale))
    return net if shift is None else net.add("Add", np.float32(shift))


OURS: dict[str, Callable[[], Net]] = {
    "flat": lambda: normed(3).gemm(4, 2),
    "at each position": lambda: normed(5, 3),
    "by the number of the axis": lambda: normed(5, 3, axes=[2]),
    "at pixels": lambda: normed(2, 5, 3, axes=[3]),
    "another epsilon": lambda: normed(5, 3, epsilon=1e-12),
    "no scale": lambda: normed(5, 3, scale=None),
    "no shift": lambda: normed(5, 3, shift=None),
    "neither": lambda: normed(3, scale=None, shift=None),
    "twice": lambda: again(normed(5, 3)),
    "beside itself": lambda: residual(normed(3)),
}


def again(net: Net) -> Net:
    """Add a normalization of another kind: of the product with itself, and multiplied."""
    start, first = net.last, net.add("ReduceMean", axes=[-1]).last
    apart = net.add("Sub", start, first, alone=True).last
    net.add("Mul", apart, apart, alone=True).add("ReduceMean", axes=[-1])
    root = net.add("Add", np.float32(1e-5)).add("Sqrt").add("Reciprocal").last
    return net.add("Mul", apart, root, alone=True).add("Mul", np.float32([1, 2, 3, 4]))


def residual(net: Net) -> Net:
    """Add the layer before the normalization to it."""
    before = next(node for node in net.nodes if node.op_type == "Sin").output[0]
    return net.add("Add", before)


@pytest.mark.parametrize("name", OURS)
def test_graphs_of_other_libraries(name: str, tmp_path: Path) -> None:
    net = OURS[name]()
    path = net.write(tmp_path)
    x = RNG.normal(size=(5, *net.shape)).astype(np.float32)
    nn = foxnn.neural_network(path)
    assert_close(nn.predict(x), ran(path, x))
    assert listed(nn).count("LayerNorm(") == (2 if name == "twice" else 1)
    assert ("Residual(" in listed(nn)) == (name == "beside itself")
    assert through(nn, tmp_path).predict(x).tobytes() == nn.predict(x).tobytes()


def test_what_is_found_in_one(tmp_path: Path) -> None:
    nn = foxnn.neural_network(normed(3, epsilon=2e-5).gemm(4, 2).write(tmp_path))
    assert "LayerNorm(epsilon=2e-05)" in listed(nn)
    assert nn[1].arrays["weights"].tolist() == [0.5, -2.0, 1.0, 3.0]
    assert nn[1].arrays["bias"].tolist() == [1.0, 0.0, -0.25, 2.0]


BROKEN: dict[str, tuple[str, Callable[[], Net]]] = {
    "a power of 4": ("(Sub): expected", lambda: normed(3, power=4.0)),
    "no root": ("(Sub): expected", lambda: normed(3, root="Identity")),
    "an epsilon below 0": ("(Sub): expected", lambda: normed(3, epsilon=-1e-3)),
    "an epsilon that is no number": ("(Sub): expected", lambda: normed(3, epsilon=np.nan)),
    "an epsilon of each channel": ("(Sub): expected", lambda: normed(3, epsilon=[1e-3] * 4)),
    "over positions": ("expected inputs of one shape", lambda: normed(5, 3, axes=[1])),
    "over all": ("expected the mean or maximum", lambda: normed(5, 3, axes=[1, 2])),
    "without the axis": ("expected the mean or maximum", lambda: normed(3, keepdims=0)),
    "the largest": ("expected the mean or maximum", lambda: normed(3, mean="ReduceMax")),
    "a mean alone": (
        "(ReduceMean): expected",
        lambda: Net(3).add("MatMul", RNG.normal(size=(3, 4))).add("ReduceMean", axes=[-1]),
    ),
    "what is apart from the mean": (
        "(Sub): expected",
        lambda: Net(4).add("Sin").add("ReduceMean", axes=[-1]).add("Sub", "n0"),
    ),
    "one channel": (
        "expected",
        lambda: Net(3).add("MatMul", RNG.normal(size=(3, 1))).add("ReduceMean", axes=[-1])
        .add("Sub", "n0").add("Sin"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    expected, build = BROKEN[name]
    assert expected in refused(build().write(tmp_path))


def test_wide_rows_take_no_memory(tmp_path: Path) -> None:
    """Of a claim: no number of the file depends on how many there are."""
    net = Net(2**30).add("ReduceMean", axes=[-1])
    apart = net.add("Sub", "x", "n0", alone=True).last
    net.add("Mul", apart, apart, alone=True).add("ReduceMean", axes=[-1])
    net.add("Add", np.float32(1e-5)).add("Sqrt").add("Div", apart, "n5", alone=True)
    assert "(Sub): expected" in refused(net.write(tmp_path))
