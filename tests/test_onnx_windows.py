"""Convolutions, pools and `UpSample` through ONNX: ours, and graphs as other libraries write them.

Theirs have channels first; foxnn's layers have them last. What onnxruntime answers is compared.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from foxnn import (
    Activation,
    AveragePool2D,
    Conv1D,
    Conv2D,
    Conv3D,
    Dense,
    Dropout,
    GlobalAveragePool,
    GlobalMaxPool,
    LayerNorm,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    Parallel,
    Reshape,
    Residual,
    UpSample,
)
from test_onnx_graphs import refused
from test_onnx_layers import listed, through

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
helper, numpy_helper, FLOAT = onnx.helper, onnx.numpy_helper, onnx.TensorProto.FLOAT

RNG = np.random.default_rng(3)


def ran(path: Path, x: np.ndarray) -> np.ndarray:
    """Return what onnxruntime answers."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: np.float32(x)})[0]


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


# Ours


WINDOWED = [
    row
    for row in kinds.ROWS
    if "onnx" not in row.refused_by
    and any(word in repr(row.items) for word in ("Conv", "Pool", "UpSample", "BatchNorm"))
]


@pytest.mark.parametrize("row", WINDOWED, ids=lambda row: row.name)
def test_onnxruntime_agrees_and_the_list_comes_back(row: kinds.Row, tmp_path: Path) -> None:
    nn = row.network("float32")
    again = through(nn, tmp_path)
    x = kinds.samples(nn, 9).astype(np.float32)
    assert_close(ran(tmp_path / "net.onnx", x), nn.predict(x))
    if folded := len(re.findall(r"activation='identity_x'[^()]*\), BatchNorm\(", repr(nn))):
        assert_close(again.predict(x), nn.predict(x))  # two layers became one
        assert repr(again).count("BatchNorm") == repr(nn).count("BatchNorm") - folded
        return
    expected = listed(nn)
    if row.name == "global-average-pool":  # of which the second, of flat inputs, does nothing
        expected = expected.replace("GlobalMaxPool(), ", "")
    assert listed(again) == expected
    assert kinds.bits(again) == kinds.bits(nn)
    assert again.predict(x).tobytes() == nn.predict(x).tobytes()


def transposes(nn: foxnn.neural_network, folder: Path) -> int:
    nn.save(folder / "net.onnx")
    nodes = onnx.load(folder / "net.onnx").graph.node
    return sum(node.op_type == "Transpose" for node in nodes)


@pytest.mark.parametrize(
    ("count", "items"),
    [
        (2, [(9, 9, 2), Conv2D(3, 3), MaxPool2D(2), Activation("sin"), Conv2D(4, 2), 5]),
        (2, [(9, 9, 2), Conv2D(3, 3), Dropout(0.1), UpSample(2), AveragePool2D(2), 5]),
        (1, [(9, 2), Conv1D(3, 3), GlobalMaxPool(), 5]),
        (0, [(9, 2), GlobalMaxPool(), 5]),
        (2, [(9, 2), Conv1D(3, 3), MaxPool1D(2)]),
        (4, [(9, 2), Conv1D(3, 3), LayerNorm(), Conv1D(3, 3), 2]),
        (2, [(9, 2), Residual(Conv1D(2, 3, padding="same")), Conv1D(2, 2), 2]),
        (3, [(9, 2), Parallel(Conv1D(3, 3, padding="same"), Activation("sin")), Conv1D(2, 2), 2]),
        (
            1,
            [
                (9, 2),
                Conv1D(3, 3),
                Parallel(GlobalMaxPool(), [GlobalAveragePool(), Dense(3, activation="identity_x")]),
                2,
            ],
        ),
    ],
)
def test_axes_are_turned_only_where_their_order_changes(
    count: int, items: list[Any], tmp_path: Path
) -> None:
    nn = foxnn.neural_network(items, "tanh", seed=1)
    assert transposes(nn, tmp_path) == count
    x = kinds.samples(nn, 5).astype(np.float32)
    assert_close(ran(tmp_path / "net.onnx", x), nn.predict(x))
    assert listed(foxnn.neural_network(tmp_path / "net.onnx")) == listed(nn)


def test_scalers_stand_around_convolutions(tmp_path: Path) -> None:
    nn = foxnn.neural_network([(6, 5, 2), Conv2D(3, 3), UpSample(2)], "tanh", seed=1)
    nn.input_scaler = foxnn.Scaler().fit(RNG.normal(3.0, 2.0, (50, nn.sizes[0])))
    nn.output_scaler = foxnn.Scaler("minmax").fit(RNG.normal(-1.0, 4.0, (50, nn.sizes[-1])))
    again = through(nn, tmp_path)
    x = kinds.samples(nn, 9).astype(np.float32)
    assert_close(ran(tmp_path / "net.onnx", x), nn.predict(x))
    assert_close(again.predict(x), nn.predict(x))
    assert again.input_scaler is not None
    assert again.output_scaler is not None


def test_same_that_adds_nothing_is_read_as_valid(tmp_path: Path) -> None:
    nn = foxnn.neural_network([(4, 3), Conv1D(2, 1, padding="same")], seed=1)
    again = through(nn, tmp_path)
    assert repr(again[0]) != repr(nn[0])
    x = kinds.samples(nn, 5)
    assert again.predict(x).tobytes() == nn.predict(x).tobytes()


@pytest.mark.parametrize("length", [7, 8, 9])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_windows_of_every_form(padding: str, length: int, tmp_path: Path) -> None:
    for kernel, stride, dilation in itertools.product((1, 2, 3), (1, 2, 3), (1, 2)):
        given = {"stride": stride, "padding": padding, "dilation": dilation, "groups": 2}
        nn = foxnn.neural_network([(length, 2), Conv1D(4, kernel, **given)], "tanh", seed=1)
        again = through(nn, tmp_path)
        x = kinds.samples(nn, 3).astype(np.float32)
        assert_close(ran(tmp_path / "net.onnx", x), nn.predict(x))
        assert again.predict(x).tobytes() == nn.predict(x).tobytes()


@pytest.mark.parametrize("kind", [Conv1D, MaxPool1D])
def test_padding_as_a_number_for_any_number_of_steps(kind: Any, tmp_path: Path) -> None:
    for kernel, stride, padding in ((3, 2, 1), (4, 2, 1), (5, 2, 2), (3, 3, 1), (5, 3, 1)):
        first = (4, kernel) if kind is Conv1D else (kernel,)
        layer = kind(*first, stride=stride, padding=padding)
        nn = foxnn.neural_network([(None, 2), layer, GlobalMaxPool(), 3], "tanh", seed=1)
        again = through(nn, tmp_path)
        assert listed(again) == listed(nn)
        for steps in range(5, 12):
            x = np.float32(RNG.normal(size=(3, steps, 2)))
            assert_close(ran(tmp_path / "net.onnx", x), nn.predict(x))


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("Conv", {"kernel_shape": [3], "strides": [3], "pads": [0, 1]}),
        ("Conv", {"kernel_shape": [2], "strides": [5], "pads": [0, 1]}),
        ("MaxPool", {"kernel_shape": [3], "strides": [3], "pads": [0, 1]}),
        ("MaxPool", {"kernel_shape": [4], "strides": [4], "pads": [1, 1], "ceil_mode": 1}),
        ("MaxPool", {"kernel_shape": [2], "strides": [257]}),
    ],
)
def test_windows_that_hold_for_some_numbers_of_steps(
    kind: str, attributes: dict[str, Any], tmp_path: Path
) -> None:
    """Such as those that a padding at one end adds where the steps have a certain rest."""
    weights = [numpy_helper.from_array(np.ones((3, 3, *attributes["kernel_shape"]), "f4"), "w")]
    ends = [helper.make_tensor_value_info(n, FLOAT, ["n", n + "s", 3]) for n in "xy"]
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"], perm=[0, 2, 1]),
        helper.make_node(kind, ["a", "w"] if kind == "Conv" else ["a"], ["b"], **attributes),
        helper.make_node("Transpose", ["b"], ["y"], perm=[0, 2, 1]),
    ]
    own = weights if kind == "Conv" else []
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], own)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), tmp_path / "g.onnx")
    assert "any number of steps" in refused(tmp_path / "g.onnx")


@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_same_windows_of_any_number_of_steps(dilation: int, tmp_path: Path) -> None:
    """How many zeros there are around depends on the steps, which the file does not know."""
    for kernel, stride, groups in itertools.product((1, 2, 3), (1, 2, 3), (1, 2)):
        given = {"stride": stride, "padding": "same", "dilation": dilation, "groups": groups}
        layers = [Conv1D(4, kernel, **given), MaxPool1D(3, stride=2, padding="same")]
        nn = foxnn.neural_network([(None, 2), *layers, GlobalMaxPool(), 3], "tanh", seed=1)
        again = through(nn, tmp_path)
        if kernel > 1 and 1 in (stride, dilation):
            assert listed(again) == listed(nn)
        for steps in (1, 2, 3, 4, 5, 6, 7, 12, 13):
            x = np.float32(RNG.normal(size=(3, steps, 2)))
            assert_close(ran(tmp_path / "net.onnx", x), nn.predict(x))
            assert_close(again.predict(x), nn.predict(x))


def test_zeros_between_weights_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = Conv1D(1, 2, padding="same", stride=2, dilation=99, bias=False)
    nn = foxnn.neural_network([(None, 1), far], seed=1)
    monkeypatch.setattr("foxnn.formats.onnx.write._LARGEST", 399)
    with pytest.raises(ValueError, match="at most 2 GiB, and the weights take 400 bytes"):
        nn.save(tmp_path / "net.onnx")


# Theirs


class Net:
    """A graph of float32 in the making, as exporters write it: channels first."""

    def __init__(self, *shape: int) -> None:
        self.shape, self.last, self.kind = shape, "x", FLOAT
        self.nodes: list[Any] = []
        self.arrays: list[Any] = []

    def constant(self, values: Any) -> str:
        array = np.asarray(values)
        kind = np.int64 if array.dtype.kind == "i" else np.float32
        self.arrays.append(numpy_helper.from_array(array.astype(kind), f"c{len(self.arrays)}"))
        return str(self.arrays[-1].name)

    def add(self, kind: str, *given: Any, **attributes: Any) -> Net:
        """Add a node after the last value; arrays are constants, names other values."""
        names = [g if isinstance(g, str) else self.constant(g) for g in given]
        name = f"n{len(self.nodes)}"
        first = [] if attributes.pop("alone", False) else [self.last]
        made = helper.make_node(kind, [*first, *names], [name], name)
        made.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())
        self.nodes.append(made)
        self.last = name
        return self

    def conv(self, filters: int, channels: int, *kernel: int, **attributes: Any) -> Net:
        weights = RNG.normal(size=(filters, channels, *kernel)) / 3
        return self.add("Conv", weights, RNG.normal(size=filters), **attributes)

    def gemm(self, inputs: int, units: int) -> Net:
        weights = RNG.normal(size=(units, inputs)) / inputs**0.5
        return self.add("Gemm", weights, RNG.normal(size=units), transB=1)

    def write(self, folder: Path, opset: int = 13) -> Path:
        graph = helper.make_graph(
            self.nodes, "g",
            [helper.make_tensor_value_info("x", self.kind, ["n", *self.shape])],
            [helper.make_tensor_value_info(self.last, FLOAT, None)], self.arrays,
        )  # fmt: skip
        opsets = [helper.make_opsetid("", opset)]
        onnx.save(helper.make_model(graph, ir_version=8, opset_imports=opsets), folder / "g.onnx")
        return folder / "g.onnx"


PADS = {"pads": [1, 1, 1, 1]}
HALF = {"kernel_shape": [2, 2], "strides": [2, 2]}


def lenet() -> Net:
    """Return LeNet-5 as PyTorch writes it."""
    net = Net(3, 12, 10).conv(6, 3, 5, 5, pads=[2, 2, 2, 2], kernel_shape=[5, 5]).add("Relu")
    net.add("MaxPool", **HALF, ceil_mode=0).conv(5, 6, 3, 3).add("Relu").add("MaxPool", **HALF)
    return net.add("Flatten", axis=1).gemm(10, 7).add("Relu").gemm(7, 4)


def residual() -> Net:
    """Return a block of a residual network, with depthwise and 1 x 1 convolutions."""
    net = Net(3, 8, 8).conv(4, 3, 3, 3, **PADS).add("Relu")
    start = net.last
    net.conv(4, 1, 3, 3, group=4, **PADS).add("Relu").conv(4, 4, 1, 1).add("Add", start)
    return net.add("Relu").add("GlobalAveragePool").add("Flatten").gemm(4, 3)


def viewed() -> Net:
    """Return a network that flattens by `x.view(x.size(0), -1)`."""
    net = Net(2, 6, 5).conv(3, 2, 3, 3)
    end = net.last
    net.add("Shape").add("Gather", np.int64(0), axis=0).add("Unsqueeze", [0])
    net.add("Concat", [-1], axis=0)
    shape, net.last = net.last, end
    return net.add("Reshape", shape).gemm(36, 3)


def keras() -> Net:
    """Return a network with channels last, between which and its convolutions it turns axes."""
    net = Net(7, 6, 2).add("Transpose", perm=[0, 3, 1, 2])
    net.add("Conv", RNG.normal(size=(3, 2, 3, 3)), auto_pad="SAME_UPPER", strides=[2, 2])
    net.add("Add", RNG.normal(size=(1, 3, 1, 1))).add("Relu").add("Transpose", perm=[0, 2, 3, 1])
    net.add("Transpose", perm=[0, 3, 1, 2]).add("MaxPool", **HALF, auto_pad="SAME_UPPER")
    net.add("Transpose", perm=[0, 2, 3, 1]).add("Reshape", [-1, 12])
    return net.add("MatMul", RNG.normal(size=(12, 4))).add("Add", RNG.normal(size=4))


def keras_pictures() -> Net:
    """Return one whose single channel is moved by a Reshape, as tf2onnx writes it."""
    net = Net(6, 5, 1).add("Reshape", [-1, 1, 6, 5]).conv(2, 1, 3, 3).add("Relu")
    return net.add("Transpose", perm=[0, 2, 3, 1]).add("ReduceMean", axes=[1, 2], keepdims=0)


def keras_steps() -> Net:
    """Return a convolution over steps, which TensorFlow has as one over pictures of one row."""
    net = Net(9, 2).add("Transpose", perm=[0, 2, 1]).add("Unsqueeze", [2])
    net.conv(3, 2, 1, 3).add("Squeeze", [2]).add("Relu").add("Transpose", perm=[0, 2, 1])
    return net.add("Flatten").gemm(21, 2)


def inception() -> Net:
    net = Net(3, 6, 6).conv(4, 3, 1, 1)
    start, ends = net.last, []
    for kernel in (1, 3):
        net.last = start
        ends.append(net.conv(2, 4, kernel, kernel, pads=[kernel // 2] * 4).add("Tanh").last)
    net.last = start
    pool = {"kernel_shape": [3, 3], "count_include_pad": 0, **PADS}
    ends.append(net.add("AveragePool", **pool).last)
    net.last = ends[0]
    return net.add("Concat", *ends[1:], axis=1).add("GlobalMaxPool").add("Flatten").gemm(8, 2)


def flattened() -> Net:
    """Return a network that flattens as tf2onnx writes it: by a shape whose parts are turned."""
    net = Net(2, 6, 5).conv(3, 2, 3, 3)
    end = net.last
    net.add("Transpose", perm=[0, 2, 3, 1])
    turned, net.last = net.last, end
    net.add("Shape").add("Gather", [0, 2, 3, 1], axis=0).add("Cast", to=7)
    net.add("Slice", [0], [1], [0]).add("Concat", np.array([36]), axis=0).add("Cast", to=7)
    shape, net.last = net.last, turned
    return net.add("Reshape", shape).gemm(36, 3)


def pool(kind: str, length: int = 7, **given: Any) -> Net:
    return Net(2, length, length).add(kind, kernel_shape=[3, 3], strides=[2, 2], **given)


def resized(*given: Any, **how: Any) -> Net:
    return Net(2, 3, 4).conv(3, 2, 1, 1).add("Resize", *given, mode="nearest", **how)


SCALES = np.array([1.0, 1.0, 2.0, 3.0])
FLOOR = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
THEIRS: dict[str, Callable[[], Net]] = {
    "LeNet": lenet,
    "residual block": residual,
    "view": viewed,
    "Keras": keras,
    "Keras with one channel": keras_pictures,
    "Keras over steps": keras_steps,
    "Inception": inception,
    "Conv alone": lambda: Net(3, 6, 5).conv(4, 3, 3, 2),
    "Conv over steps": lambda: Net(3, 9).conv(4, 3, 3, pads=[1, 1], strides=[2]).add("Sigmoid"),
    "Conv over volumes": lambda: Net(2, 4, 5, 3).conv(3, 2, 2, 3, 1).add("Flatten").gemm(81, 2),
    "Conv dilated": lambda: Net(2, 9, 9).conv(3, 2, 3, 3, dilations=[2, 1], pads=[2, 1, 2, 1]),
    "Conv in groups": lambda: Net(6, 5, 5).conv(4, 3, 2, 2, group=2),
    "Conv padded at the end": lambda: Net(2, 6, 6).conv(3, 2, 2, 2, pads=[0, 0, 1, 1]),
    "Conv of stride 2, padded on both sides": lambda: Net(2, 8, 8).conv(
        3, 2, 3, 3, strides=[2, 2], **PADS
    ),
    "Conv of stride 2 and 7 x 7": lambda: Net(1, 16, 16).conv(
        3, 1, 7, 7, strides=[2, 2], pads=[3, 3, 3, 3]
    ),
    "Conv padded at the beginning": lambda: Net(2, 6, 6).conv(3, 2, 2, 2, pads=[1, 1, 0, 0]),
    "Conv behind a Pad": lambda: Net(2, 6, 8)
    .add("Pad", [0, 0, 0, 0, 0, 0, 1, 1], np.float32(0.0), mode="constant")
    .conv(3, 2, 3, 3, strides=[2, 2]),
    "Conv with pads behind a Pad": lambda: Net(2, 7, 5).conv(3, 2, 1, 1).add("Relu")
    .add("Pad", [0, 0, 1, 0, 0, 0, 0, 1]).add("Identity").conv(3, 3, 3, 3, pads=[0, 1, 1, 0]),
    "Conv behind a Pad, turned": lambda: Net(7, 6, 2)
    .add("Pad", [0, 1, 0, 0, 0, 1, 2, 0]).add("Transpose", perm=[0, 3, 1, 2])
    .conv(3, 2, 3, 3, auto_pad="VALID", strides=[1, 2]),
    "factors and shifts of channels": lambda: Net(3, 4, 4).conv(2, 3, 2, 2).add("Relu")
    .add("Mul", RNG.normal(size=(2, 1, 1))).add("Add", RNG.normal(size=(1, 2, 1, 1)))
    .add("Div", 1 + RNG.random((2, 1, 1))).add("Relu").add("Sub", RNG.normal(size=(2, 1, 1)))
    .add("Flatten").gemm(18, 2),
    "factors of flat numbers": lambda: Net(3, 4, 4).conv(2, 3, 2, 2).add("Flatten").gemm(18, 5)
    .add("Relu").add("Mul", RNG.normal(size=5)).add("Tanh").gemm(5, 2),
    "Tile": lambda: Net(3, 4, 5).conv(2, 3, 2, 2).add("Unsqueeze", [4])
    .add("Tile", [1, 1, 1, 1, 3]).add("Transpose", perm=[0, 2, 3, 4, 1])
    .add("Reshape", [0, 3, 12, 2]).add("Transpose", perm=[0, 3, 1, 2]).conv(2, 2, 2, 2),
    "flattened by its own shape": flattened,
    "Rescaling": lambda: Net(3, 4, 4).add("Mul", np.float32(1 / 255)).conv(2, 3, 2, 2),
    "Rescaling and shift": lambda: Net(3, 4, 4).add("Div", np.float32(127.5))
    .add("Sub", np.float32(1.0)).conv(2, 3, 2, 2).add("Relu"),
    "Rescaling of channels": lambda: Net(3, 4, 4).add("Mul", 1 + RNG.random((1, 3, 1, 1)))
    .add("Add", RNG.normal(size=(1, 3, 1, 1))).conv(2, 3, 2, 2),
    "Pad of nothing": lambda: Net(2, 6, 6).add("Pad", [0] * 8).add("MaxPool", **HALF),
    "Conv SAME_LOWER": lambda: Net(2, 6, 6).conv(3, 2, 2, 2, auto_pad="SAME_LOWER"),
    "Conv VALID": lambda: Net(2, 6, 6).conv(3, 2, 2, 2, auto_pad="VALID"),
    "Conv of a scaled picture": lambda: Net(3, 6, 6)
    .add("Sub", RNG.normal(size=(1, 3, 1, 1))).add("Div", 1 + RNG.random((1, 3, 1, 1)))
    .conv(3, 3, 2, 2),
    "MaxPool within": lambda: pool("MaxPool"),
    "MaxPool same": lambda: pool("MaxPool", pads=[1, 1, 1, 1]),
    "MaxPool ceil": lambda: pool("MaxPool", 8, ceil_mode=1),
    "MaxPool ceil that adds nothing": lambda: pool("MaxPool", 7, ceil_mode=1),
    "AveragePool": lambda: pool("AveragePool", count_include_pad=1),
    "AveragePool same": lambda: pool("AveragePool", pads=[1, 1, 1, 1]),
    "means kept": lambda: Net(3, 4, 4).conv(2, 3, 2, 2).add("ReduceMean", axes=[2, 3])
    .add("Reshape", [0, -1]).gemm(2, 2),
    "maxima dropped": lambda: Net(3, 4).conv(2, 3, 2).add("ReduceMax", axes=[-1], keepdims=0),
    "1 x 1 behind a global pool": lambda: Net(3, 4, 4).conv(2, 3, 2, 2).add("GlobalAveragePool")
    .conv(5, 2, 1, 1).add("Flatten").gemm(5, 2),
    "Squeeze behind a global pool": lambda: Net(3, 4, 4).conv(2, 3, 2, 2)
    .add("GlobalMaxPool").add("Squeeze", [2, 3]),
    "Resize asymmetric": lambda: resized("", SCALES, **FLOOR),
    "Resize half_pixel": lambda: resized("", SCALES),
    "Resize by sizes": lambda: resized("", "", np.array([5, 3, 6, 12]), **FLOOR),
    "flat pictures": lambda: Net(30).add("Reshape", [-1, 1, 5, 6]).conv(2, 1, 2, 2)
    .add("Flatten").gemm(40, 2),
    "pictures without channels": lambda: Net(5, 6).add("Unsqueeze", [1]).conv(2, 1, 2, 2),
    "shift of flattened values": lambda: Net(2, 3, 3).conv(2, 2, 2, 2).add("Flatten")
    .add("Tanh").gemm(8, 3),
    "softmax of pooled values": lambda: Net(2, 3, 3).conv(4, 2, 2, 2).add("GlobalAveragePool")
    .add("Flatten").add("Softmax", axis=1),
}  # fmt: skip
#: Whose inputs have channels last in the file, too.
CHANNELS_LAST = (
    "Keras", "Keras with one channel", "Keras over steps", "flat pictures",
    "Conv behind a Pad, turned",
)  # fmt: skip


@pytest.mark.parametrize("name", THEIRS)
def test_graphs_of_other_libraries(name: str, tmp_path: Path) -> None:
    net = THEIRS[name]()
    path = net.write(tmp_path)
    x = RNG.normal(size=(5, *net.shape)).astype(np.float32)
    expected = ran(path, x)
    if expected.ndim > 2:
        expected = np.moveaxis(expected, 1, -1)
    nn = foxnn.neural_network(path)
    is_last = name in CHANNELS_LAST or name == "pictures without channels"
    ours = x if is_last else np.moveaxis(x, 1, -1)
    found = nn.predict(ours)
    assert_close(found.reshape(expected.shape), expected)
    # And out again.
    again = through(nn, tmp_path)
    assert_close(again.predict(ours), found)
    assert_close(ran(tmp_path / "net.onnx", ours), found)


def test_what_is_found_in_them(tmp_path: Path) -> None:
    def found(name: str) -> str:
        return listed(foxnn.neural_network(THEIRS[name]().write(tmp_path)))

    assert found("LeNet").startswith(
        "neural_network([(12, 10, 3), Conv2D(6, 5, activation='relu', padding='same'), "
        "MaxPool2D(2), Conv2D(5, 3, activation='relu'), MaxPool2D(2), 7, "
        "Dense(4, activation='identity_x')]"
    ), found("LeNet")
    assert "(8, 8, 3), Conv2D(4, 3, activation='relu', padding='same'), Residual(" in found(
        "residual block"
    )
    assert "GlobalAveragePool(), Dense(3, activation='identity_x')]" in found("residual block")
    assert "UpSample((2, 3))" in found("Resize half_pixel")
    assert "Conv2D(3, 3, activation='identity_x', stride=2, padding=1)" in found(
        "Conv of stride 2, padded on both sides"
    )


def told(kind: str, *given: Any, **attributes: Any) -> Net:
    return Net(2, 6, 6).add(kind, *given, **attributes)


POOL = {"kernel_shape": [3, 3]}
AROUND = [0, 0, 1, 1, 0, 0, 0, 0]
BROKEN: dict[str, tuple[str, Callable[[], Net]]] = {
    "pads at one end": (
        "node 'n0' (MaxPool): expected pads that foxnn has",
        lambda: told("MaxPool", **POOL, pads=[2, 2, 0, 0]),
    ),
    "pads of a stride": (
        "(MaxPool): expected pads that foxnn has",
        lambda: told("MaxPool", **POOL, strides=[2, 2], pads=[2, 2, 0, 0]),
    ),
    "more pads than the kernel": (
        "(Conv): expected pads", lambda: Net(2, 6, 6).conv(1, 2, 3, 3, pads=[5, 5, 5, 5]),
    ),
    "negative pads": ("expected 4 pads", lambda: told("MaxPool", **POOL, pads=[0, 0, 0, -1])),
    "two pads": ("expected 4 pads", lambda: told("MaxPool", **POOL, pads=[1, 1])),
    "unknown auto_pad": ("expected 4 pads", lambda: told("MaxPool", **POOL, auto_pad="SOME")),
    "padding that counts": (
        "(AveragePool): expected averages that do not count padding",
        lambda: told("AveragePool", **POOL, pads=[1, 1, 1, 1], count_include_pad=1),
    ),
    "dilated pool": (
        "expected a pool without dilations", lambda: told("MaxPool", **POOL, dilations=[2, 2]),
    ),
    "large window": (
        "(MaxPool): expected a window of at most 6 positions, got 7",
        lambda: told("MaxPool", kernel_shape=[7, 7]),
    ),
    "no stride": ("above 0", lambda: told("MaxPool", **POOL, strides=[0, 1])),
    "no window": ("expected 2 numbers above 0", lambda: told("MaxPool")),
    "one number": ("expected 2 numbers", lambda: told("MaxPool", kernel_shape=[2])),
    "channels": (
        "(Conv): expected weights for 2 channels in 1 groups",
        lambda: Net(2, 6, 6).conv(3, 3, 2, 2),
    ),
    "groups": ("in 2 groups", lambda: Net(2, 6, 6).conv(3, 1, 2, 2, group=2)),
    "no groups": ("in 0 groups", lambda: Net(2, 6, 6).conv(3, 1, 2, 2, group=0)),
    "four axes": ("expected 1 to 3 axes", lambda: Net(2, 3, 3, 3, 3).conv(1, 2, 1, 1, 1, 1)),
    "another kernel": (
        "expected a kernel of shape (2, 2)",
        lambda: Net(2, 6, 6).conv(3, 2, 2, 2, kernel_shape=[3, 3]),
    ),
    "weights of the samples": (
        "expected the samples as its first input", lambda: told("Conv", "x"),
    ),
    "no weights": ("expected constant weights", lambda: told("Conv")),
    "a bias of another size": (
        "expected a bias of shape (3,)",
        lambda: told("Conv", np.ones((3, 2, 1, 1)), np.ones(2)),
    ),
    "axes left out": (
        "(Unsqueeze): expected constant axes",
        lambda: Net(2, 6).conv(1, 2, 1).add("Unsqueeze", ""),
    ),
    "axes that are no whole numbers": (
        "(Squeeze): expected constant axes",
        lambda: Net(2, 6).conv(1, 2, 1).add("Squeeze", np.array([np.nan])),
    ),
    "a bias of whole numbers": (
        "expected a bias of shape (3,)",
        lambda: told("Conv", np.ones((3, 2, 1, 1)), np.ones(3, np.int64)),
    ),
    "samples turned": (
        "(Transpose): expected the samples to stay",
        lambda: told("Transpose", perm=[1, 0, 2, 3]).add("MaxPool", **POOL),
    ),
    "turned without order": (
        "expected the samples to stay", lambda: told("Transpose").add("MaxPool", **POOL),
    ),
    "flat samples": (
        "expected channels first", lambda: Net(6).add("MaxPool", kernel_shape=[1]),
    ),
    "channels amid": (
        "(Conv): expected channels first",
        lambda: told("Transpose", perm=[0, 2, 1, 3]).conv(3, 6, 1, 1),
    ),
    "reshaped channels": (
        "(Conv): expected channels first",
        lambda: Net(24).gemm(24, 24).add("Reshape", [-1, 2, 4, 3]).conv(1, 2, 1, 1),
    ),
    "reshaped maps": (
        "(Reshape): expected numbers in foxnn's order",
        lambda: Net(2, 6, 6).conv(3, 2, 1, 1).add("Reshape", [0, 3, 36]),
    ),
    "flattened output": (
        "expected an output whose numbers are in foxnn's order",
        lambda: Net(2, 6, 6).conv(3, 2, 1, 1).add("Flatten"),
    ),
    "dense layer over rows": (
        "(MatMul): expected numbers in foxnn's order",
        lambda: Net(2, 6, 6).conv(3, 2, 1, 1).add("MatMul", np.ones((6, 2))),
    ),
    "mean over a row": (
        "(ReduceMean): expected the mean or maximum over all positions",
        lambda: Net(2, 6, 6).conv(3, 2, 1, 1).add("ReduceMean", axes=[2]),
    ),
    "two orders": (
        "(Add): expected inputs",
        lambda: Net(6, 6, 6).conv(6, 6, 1, 1).add("Transpose", perm=[0, 2, 3, 1]).add("Add", "n0"),
    ),
    "joined rows": (
        "(Concat): expected values of the same positions",
        lambda: Net(2, 6, 6).conv(2, 2, 1, 1).add("Concat", "n0", axis=2),
    ),
    "linear": ("expected the nearest", lambda: Net(2, 3, 3).conv(1, 2, 1, 1).add(
        "Resize", "", SCALES, mode="linear")),
    "half a position": (
        "expected whole factors", lambda: resized("", np.array([1.0, 1.0, 1.5, 2.0]), **FLOOR),
    ),
    "smaller": (
        "expected whole factors", lambda: resized("", np.array([1.0, 1.0, 0.5, 1.0]), **FLOOR),
    ),
    "scaled channels": (
        "expected a scale of 1", lambda: resized("", np.array([1.0, 2.0, 1, 1]), **FLOOR),
    ),
    "rounded elsewhere": (
        "expected whole repetitions",
        lambda: resized("", SCALES, coordinate_transformation_mode="align_corners"),
    ),
    "no scales": ("constant scales", lambda: resized(**FLOOR)),
    "a Pad alone": (
        "expected a Conv behind a Pad",
        lambda: Net(2, 6, 6).conv(2, 2, 1, 1).add("Pad", AROUND),
    ),
    "a Pad before a pool": (
        "(MaxPool): expected a Conv behind a Pad",
        lambda: told("Pad", AROUND).add("MaxPool", **POOL),
    ),
    "a Pad of channels": (
        "(Pad): expected zeros at positions alone",
        lambda: Net(2, 6, 6).conv(2, 2, 1, 1).add("Pad", [0, 1, 0, 0, 0, 0, 0, 0]),
    ),
    "a Pad of samples": (
        "(Pad): expected zeros at positions alone",
        lambda: Net(2, 6, 6).conv(2, 2, 1, 1).add("Pad", [1, 0, 0, 0, 0, 0, 0, 0]),
    ),
    "a Pad of ones": (
        "(Pad): expected zeros", lambda: told("Pad", AROUND, np.float32(1.0)),
    ),
    "a Pad of not a number": (
        "(Pad): expected zeros", lambda: told("Pad", AROUND, np.float32(np.nan)),
    ),
    "a mirroring Pad": (
        "(Pad): expected zeros", lambda: told("Pad", AROUND, mode="reflect"),
    ),
    "two Pads": (
        "(Pad): expected a Conv behind a Pad",
        lambda: Net(2, 6, 6).conv(2, 2, 1, 1).add("Pad", AROUND).add("Pad", AROUND),
    ),
    "a negative Pad": ("expected 8 constant pads", lambda: told("Pad", [0, 0, -1, 0, 0, 0, 0, 0])),
    "a short Pad": ("expected 8 constant pads", lambda: told("Pad", [0, 0, 1, 0])),
    "a Pad with SAME": (
        "(Conv): expected pads as numbers",
        lambda: told("Pad", AROUND).conv(3, 2, 2, 2, auto_pad="SAME_UPPER"),
    ),
    "a factor of 0": (
        "(Mul): expected a layer", lambda: told("Mul", np.float32(0.0)).conv(1, 2, 1, 1),
    ),
    "a Tile of positions": (
        "(Tile): expected repetitions of axes of length 1",
        lambda: Net(2, 6, 6).conv(2, 2, 1, 1).add("Tile", [1, 1, 1, 2]),
    ),
    "a Tile of samples": (
        "(Tile): expected repetitions of axes of length 1",
        lambda: Net(2, 6, 6).conv(2, 2, 1, 1).add("Tile", [2, 1, 1, 1]),
    ),
    "a Tile of channels": (
        "(Tile): expected repetitions of positions",
        lambda: Net(2, 6, 6).conv(1, 2, 1, 1).add("Tile", [1, 2, 1, 1]),
    ),
    "a Tile of nothing": (
        "(Tile): expected repetitions", lambda: told("Tile", [1, 1, 1, 0]).conv(1, 2, 1, 1),
    ),
    "a short Tile": (
        "(Tile): expected 4 constant numbers", lambda: told("Tile", [1, 1]).conv(1, 2, 1, 1),
    ),
    "unknown operator": ("(ConvTranspose)", lambda: told("ConvTranspose", np.ones((2, 1, 2, 2)))),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    expected, build = BROKEN[name]
    assert expected in refused(build().write(tmp_path))


@pytest.mark.parametrize(
    "layers", [[Conv3D(2, 2), MaxPool3D(2), Dense(3)], [Reshape((4, 4, 4, 1)), MaxPool3D(2, 1), 3]]
)
def test_volumes(layers: list[Any], tmp_path: Path) -> None:
    nn = foxnn.neural_network([(4, 4, 4, 1), *layers], "tanh", seed=1)
    again = through(nn, tmp_path)
    x = kinds.samples(nn, 3).astype(np.float32)
    assert_close(ran(tmp_path / "net.onnx", x), nn.predict(x))
    assert listed(again) == listed(nn)
