"""`BatchNorm` through ONNX: ours, and as other libraries write it behind convolutions and Gemm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from foxnn import Activation, BatchNorm, Conv1D, Conv2D, Dense, Flatten, MaxPool2D, Residual
from test_onnx_graphs import refused
from test_onnx_layers import listed, through
from test_onnx_windows import HALF, PADS, RNG, Net, assert_close, ran, transposes

onnx = pytest.importorskip("onnx")
pytestmark = pytest.mark.filterwarnings("ignore::foxnn.DataWarning")


def learnt(nn: foxnn.neural_network) -> foxnn.neural_network:
    """Return a network whose statistics are not those of the beginning."""
    rng = np.random.default_rng(1)
    x = 3.0 + 2.0 * rng.normal(size=(40, *nn._input_shape()))
    nn.fit(x, rng.normal(size=(40, *nn._output_shape())), 2, 10, learning_rate=0.05)
    return nn


# Behind layers with an activation, or none.
OURS: dict[str, tuple[int, list[Any]]] = {
    "flat": (0, [6, 5, BatchNorm(), Activation("tanh"), 2]),
    "first": (0, [6, BatchNorm(), 5, 2]),
    "last": (0, [6, 5, BatchNorm(epsilon=0.01, momentum=0.75)]),
    "pictures": (
        2,
        [
            (7, 6, 2), Conv2D(4, 3, activation="relu", bias=False), BatchNorm(),
            Activation("relu"), MaxPool2D(2), 3,
        ],
    ),
    "pictures first": (2, [(7, 6, 2), BatchNorm(), Conv2D(4, 3), 3]),
    "positions last": (2, [(7, 2), Conv1D(3, 2), BatchNorm()]),
    "dense at positions": (2, [(7, 2), Dense(3), BatchNorm(), 2]),
    "flattened": (0, [(7, 2), Flatten(), BatchNorm(), 2]),
    "twice": (2, [(7, 2), Conv1D(3, 2), BatchNorm(), Conv1D(3, 2), BatchNorm(), 2]),
}  # fmt: skip


@pytest.mark.parametrize("name", OURS)
def test_ours_are_run_and_read(name: str, tmp_path: Path) -> None:
    count, items = OURS[name]
    nn = learnt(foxnn.neural_network(items, "tanh", "identity" if items[-1] in (2, 3) else None))
    again = through(nn, tmp_path)
    x = 3.0 + 2.0 * kinds.samples(nn, 9).astype(np.float32)
    assert_close(ran(tmp_path / "net.onnx", x), nn.predict(x))
    assert listed(again) == listed(nn)
    assert kinds.bits(again) == kinds.bits(nn)
    assert again.predict(x).tobytes() == nn.predict(x).tobytes()
    assert transposes(nn, tmp_path) == count
    # It goes on learning as the layer that it is.
    y = np.zeros((9, *nn._output_shape()))
    for each in (nn, again):
        each.reset_optimizer()
        each.fit(x, y, 1, 9, shuffle=False)
    assert kinds.bits(again) == kinds.bits(nn)


PLAIN = "identity"
# With what is read in their place.
FOLDED: dict[str, tuple[list[Any], list[Any]]] = {
    "pictures": (
        [
            (7, 6, 2), Conv2D(4, 3, activation=PLAIN, bias=False), BatchNorm(),
            Activation("relu"), MaxPool2D(2), 3,
        ],
        [(7, 6, 2), Conv2D(4, 3, activation="relu"), MaxPool2D(2), 3],
    ),
    "one behind another": (
        [(7, 2), Conv1D(3, 2, activation=PLAIN), BatchNorm(), BatchNorm(epsilon=0.1), 2],
        [(7, 2), Conv1D(3, 2, activation=PLAIN), 2],
    ),
    "depthwise": (
        [(7, 6, 4), Conv2D(4, 3, groups=4, activation=PLAIN), BatchNorm(), 3],
        [(7, 6, 4), Conv2D(4, 3, groups=4, activation=PLAIN), 3],
    ),
    "flat": (
        [6, Dense(5, PLAIN), BatchNorm(), Activation("tanh"), 2],
        [6, 5, 2],
    ),
    "in a branch": (
        [(7, 2), Residual(Conv1D(2, 3, padding="same", activation=PLAIN), BatchNorm()), 2],
        [(7, 2), Residual(Conv1D(2, 3, padding="same", activation=PLAIN)), 2],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLDED)
def test_the_layer_before_takes_it_in(name: str, tmp_path: Path) -> None:
    items, rest = FOLDED[name]
    nn = learnt(foxnn.neural_network(items, "tanh", PLAIN))
    before = kinds.bits(nn)
    again = through(nn, tmp_path)
    graph = onnx.load(tmp_path / "net.onnx").graph
    assert "BatchNormalization" not in {node.op_type for node in graph.node}
    assert onnx.load(tmp_path / "net.onnx").opset_import[0].version == 13
    assert listed(again) == listed(foxnn.neural_network(rest, "tanh", PLAIN))
    x = 3.0 + 2.0 * kinds.samples(nn, 9).astype(np.float32)
    assert_close(ran(tmp_path / "net.onnx", x), nn.predict(x))
    assert_close(again.predict(x), nn.predict(x))
    assert kinds.bits(nn) == before


def test_it_stays_where_digits_would_be_lost(tmp_path: Path) -> None:
    nn = foxnn.neural_network([6, Dense(5, PLAIN), BatchNorm()], seed=1)
    nn[1].arrays["running_mean"] = np.full(5, 6000.0)
    again = through(nn, tmp_path)
    assert listed(again) == listed(nn)
    assert kinds.bits(again) == kinds.bits(nn)


def test_the_nodes_say_what_the_layer_is(tmp_path: Path) -> None:
    nn = foxnn.neural_network([(4, 3), BatchNorm(epsilon=0.125, momentum=0.75)], seed=1)
    nn.save(tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    assert [node.op_type for node in model.graph.node] == [
        "Transpose", "BatchNormalization", "Transpose",
    ]  # fmt: skip
    said = {given.name: given.f for given in model.graph.node[1].attribute}
    assert said == {"epsilon": 0.125, "momentum": 0.75}
    assert [tensor.name for tensor in model.graph.initializer] == [
        "layers.0.weight", "layers.0.bias", "layers.0.running_mean", "layers.0.running_variance",
    ]  # fmt: skip


def test_float64_keeps_its_bits(tmp_path: Path) -> None:
    nn = learnt(foxnn.neural_network([(4, 3), BatchNorm(epsilon=0.1), 2], dtype="float64", seed=1))
    again = through(nn, tmp_path)
    x = kinds.samples(nn, 9)
    assert again.dtype == "float64"
    assert listed(again) == listed(nn)
    assert again.predict(x).tobytes() == nn.predict(x).tobytes()


# Theirs


def norm(net: Net, channels: int, **attributes: Any) -> Net:
    arrays = [RNG.normal(size=channels) for _ in range(3)]
    return net.add("BatchNormalization", *arrays, 0.5 + RNG.random(channels), **attributes)


def block() -> Net:
    """Return a block of a residual network as PyTorch writes it, its norms not folded."""
    net = norm(Net(3, 8, 8).conv(4, 3, 3, 3, **PADS), 4, epsilon=1e-5, momentum=0.9).add("Relu")
    start = net.last
    norm(net.conv(4, 1, 3, 3, group=4, **PADS), 4).add("Relu")
    norm(net.conv(4, 4, 1, 1), 4).add("Add", start)
    return net.add("Relu").add("GlobalAveragePool").add("Flatten").gemm(4, 3)


def keras() -> Net:
    """Return a network with channels last, turned around each layer that has them first."""
    net = Net(7, 6, 2).add("Transpose", perm=[0, 3, 1, 2])
    norm(net.conv(3, 2, 3, 3), 3, epsilon=1e-3, momentum=0.99)
    net.add("Transpose", perm=[0, 2, 3, 1]).add("Relu").add("Reshape", [-1, 60])
    return norm(net.gemm(60, 5), 5).add("Tanh").gemm(5, 2)


THEIRS: dict[str, Callable[[], Net]] = {
    "residual block": block,
    "Keras": keras,
    "LeNet": lambda: norm(Net(3, 12, 10).conv(6, 3, 5, 5), 6).add("Relu").add("MaxPool", **HALF)
    .add("Flatten").gemm(72, 7).add("Relu").gemm(7, 4),
    "before a convolution": lambda: norm(Net(2, 6, 5), 2).conv(3, 2, 2, 2),
    "over steps": lambda: norm(Net(3, 9).conv(4, 3, 3), 4).add("Sigmoid"),
    "over steps, alone": lambda: norm(Net(3, 9), 3),
    "over volumes": lambda: norm(Net(2, 4, 5, 3).conv(3, 2, 2, 3, 1), 3).add("Flatten").gemm(81, 2),
    "of flattened maps": lambda: norm(Net(2, 3, 4).conv(3, 2, 2, 2).add("Flatten"), 18).gemm(18, 2),
    "behind a dense layer behind maps": lambda: norm(
        Net(2, 3, 4).conv(3, 2, 2, 2).add("Flatten").gemm(18, 5), 5
    ).add("Relu").gemm(5, 2),
    "behind a global pool": lambda: norm(
        Net(2, 3, 4).conv(3, 2, 2, 2).add("GlobalAveragePool"), 3
    ).add("Flatten").gemm(3, 2),
    "as a factor and a shift": lambda: Net(2, 6, 5).conv(3, 2, 2, 2)
    .add("Mul", 0.5 + RNG.random((1, 3, 1, 1))).add("Add", RNG.normal(size=(3, 1, 1))).add("Relu"),
    "as a shift and a divisor": lambda: Net(2, 6, 5).add("Conv", RNG.normal(size=(3, 2, 2, 2)))
    .add("Sub", RNG.normal(size=(1, 3, 1, 1))).add("Div", 0.5 + RNG.random((1, 3, 1, 1))),
    "and a convolution without a bias": lambda: norm(
        Net(2, 6, 5).add("Conv", RNG.normal(size=(3, 2, 2, 2))), 3
    ).add("LeakyRelu", alpha=0.25),
}  # fmt: skip


@pytest.mark.parametrize("opset", [9, 13, 15, 17])
@pytest.mark.parametrize("name", THEIRS)
def test_graphs_of_other_libraries(name: str, opset: int, tmp_path: Path) -> None:
    net = THEIRS[name]()
    path = net.write(tmp_path, opset)
    x = RNG.normal(size=(5, *net.shape)).astype(np.float32)
    expected = ran(path, x)
    if expected.ndim > 2:
        expected = np.moveaxis(expected, 1, -1)
    nn = foxnn.neural_network(path)
    ours = x if name == "Keras" else np.moveaxis(x, 1, -1)
    found = nn.predict(ours)
    assert_close(found.reshape(expected.shape), expected)
    again = through(nn, tmp_path)
    assert_close(again.predict(ours), found)
    assert_close(ran(tmp_path / "net.onnx", ours), found)


def test_what_is_found_in_them(tmp_path: Path) -> None:
    def found(name: str) -> str:
        return listed(foxnn.neural_network(THEIRS[name]().write(tmp_path)))

    start = "Conv2D(4, 3, activation='identity_x', padding='same'), BatchNorm(), Activation('relu')"
    assert start in found("residual block")
    assert "BatchNorm(epsilon=0.001, momentum=0.99)" in found("Keras")
    assert "(6, 5, 2), Conv2D(3, 2, activation='relu')]" in found("as a factor and a shift")
    assert "5, BatchNorm(), Activation('relu'), Dense(2" in found(
        "behind a dense layer behind maps"
    )


def test_chains_of_dense_layers_are_folded(tmp_path: Path) -> None:
    net = norm(norm(Net(4).gemm(4, 3), 3).add("Relu"), 3).gemm(3, 2)
    path = net.write(tmp_path)
    nn = foxnn.neural_network(path)
    assert nn.sizes == [4, 3, 2]
    assert [layer.kind for layer in nn] == ["Dense", "Dense"]
    x = RNG.normal(size=(5, 4)).astype(np.float32)
    assert_close(nn.predict(x), ran(path, x))


ONE = np.ones(3)
BROKEN: dict[str, tuple[str, Callable[[], Net]]] = {
    "in training": ("expected inference", lambda: norm(maps(), 3, training_mode=1)),
    "four inputs": (
        "expected a scale, a bias, a mean and a variance",
        lambda: maps().add("BatchNormalization", ONE, ONE, ONE),
    ),
    "other channels": (
        "expected 3 numbers, one for each channel", lambda: norm(maps(), 2),
    ),
    "whole numbers": (
        "expected 3 numbers, one for each channel",
        lambda: maps().add("BatchNormalization", ONE, ONE, ONE, np.ones(3, np.int64)),
    ),
    "a matrix": (
        "expected 3 numbers, one for each channel",
        lambda: maps().add("BatchNormalization", ONE, ONE, ONE, np.ones((1, 3))),
    ),
    "a variance below 0": (
        "expected variances of at least 0",
        lambda: maps().add("BatchNormalization", ONE, ONE, ONE, np.array([1.0, -1.0, 1.0])),
    ),
    "a variance that is no number": (
        "expected variances of at least 0",
        lambda: maps().add("BatchNormalization", ONE, ONE, ONE, np.array([1.0, np.nan, 1.0])),
    ),
    "every place by itself": (
        "expected a scale, a bias, a mean and a variance", lambda: norm(maps(), 3, spatial=0),
    ),
    "values of the samples": (
        "(BatchNormalization): expected the samples as its first input",
        lambda: maps().add("BatchNormalization", "n0", ONE, ONE, ONE),
    ),
    "channels last": (
        "(BatchNormalization): expected channels first",
        lambda: norm(maps().add("Transpose", perm=[0, 2, 3, 1]), 3),
    ),
    "epsilon": ("epsilon must be", lambda: norm(maps(), 3, epsilon=0.0)),
    "momentum": ("momentum must be", lambda: norm(maps(), 3, momentum=1.5)),
}  # fmt: skip


def maps() -> Net:
    return Net(2, 4, 5).conv(3, 2, 2, 2)


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    expected, build = BROKEN[name]
    path = build().write(tmp_path)
    if name in ("epsilon", "momentum"):
        with pytest.raises(ValueError, match=expected):
            foxnn.neural_network(path)
    else:
        assert expected in refused(path)
