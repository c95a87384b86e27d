"""ONNX graphs node by node: how dense layers may be written, and what is refused by name."""

from __future__ import annotations

import contextlib
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import foxnn
from forced_runs import inputs
from foxnn.formats.onnx import functions as onnx_functions

onnx = pytest.importorskip("onnx")
reference = pytest.importorskip("onnx.reference")
helper, numpy_helper, DOUBLE = onnx.helper, onnx.numpy_helper, onnx.TensorProto.DOUBLE

RECORDS = Path(__file__).parent / "data" / "onnx"
X = inputs(30, 4).astype(np.float32)


W, B = np.arange(8.0).reshape(4, 2) / 8 - 0.4, np.array([0.25, -0.5])
SHIFT, SCALE = np.array([1.0, -2.0, 0.5, 3.0]), np.array([2.0, 0.5, 1.0, 4.0])


class Graph:
    """A graph in the making; `last` is the value that the next node takes."""

    def __init__(self, width: Any = 4) -> None:
        self.nodes: list[Any] = []
        self.arrays: list[Any] = []
        self.shape: Any = ["n", width] if isinstance(width, int | None) else width
        self.last = "x"

    def array(self, values: Any, dtype: Any = np.float64) -> str:
        name = f"c{len(self.arrays)}"
        self.arrays.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def add(self, kind: str, *given: Any, **attributes: Any) -> Graph:
        """Add a node; arrays become constants, and None is the last value."""
        names = [
            self.last if g is None else g if isinstance(g, str) else self.array(g) for g in given
        ] or [self.last]
        domain = attributes.pop("domain", "")
        self.last = f"v{len(self.nodes)}"
        made = helper.make_node(kind, names, [self.last], f"n{len(self.nodes)}", domain=domain)
        made.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())
        self.nodes.append(made)
        return self

    def model(self, opset: int = 15) -> Any:
        graph = helper.make_graph(
            self.nodes, "g",
            [helper.make_tensor_value_info("x", DOUBLE, self.shape)],
            [helper.make_tensor_value_info(self.last, DOUBLE, None)], self.arrays,
        )  # fmt: skip
        return helper.make_model(
            graph, ir_version=8,
            opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 2)],
        )  # fmt: skip


def read(graph: Graph | Any, folder: Path) -> foxnn.neural_network:
    model = graph.model() if isinstance(graph, Graph) else graph
    (folder / "g.onnx").write_bytes(model.SerializeToString())
    return foxnn.neural_network(folder / "g.onnx", seed=1)


def start(width: Any = 4) -> Graph:
    return Graph(width)


def dense(graph: Graph | None = None) -> Graph:
    return (graph or start()).add("Gemm", None, W, B)


def second(graph: Graph) -> Graph:
    return graph.add("Gemm", None, W[:2], B)


ROWS: dict[str, Callable[[], Graph]] = {
    "Gemm": dense,
    "Gemm without C": lambda: start().add("Gemm", None, W),
    "Gemm with C left out": lambda: start().add("Gemm", None, W, ""),
    "Gemm turned": lambda: start().add("Gemm", None, W.T, B, transB=1),
    "Gemm alpha beta": lambda: start().add("Gemm", None, W, B, alpha=0.5, beta=-2.0),
    "Gemm scalar C": lambda: start().add("Gemm", None, W, 0.5),
    "Gemm row C": lambda: start().add("Gemm", None, W, B[None]),
    "MatMul": lambda: start().add("MatMul", None, W),
    "MatMul, Add": lambda: start().add("MatMul", None, W).add("Add", None, B),
    "Add to MatMul": lambda: start().add("MatMul", None, W).add("Add", B[None], None),
    "MatMul, Sub": lambda: start().add("MatMul", None, W).add("Sub", None, B),
    "width unknown": lambda: dense(start(None)),
    "Identity": lambda: dense(start().add("Identity")).add("Identity"),
    "Cast": lambda: dense(start().add("Cast", None, to=DOUBLE)),
    "Dropout": lambda: dense(start().add("Dropout")),
    "Dropout told": lambda: dense(start().add("Dropout", None, 0.5, 0.0)),
    "Transpose of weights": lambda: transposed(),
    "scaled before": lambda: dense(start().add("Sub", None, SHIFT).add("Div", None, SCALE)),
    "factor, shift before": lambda: dense(start().add("Mul", None, SCALE).add("Add", SHIFT, None)),
    "negative factor before": lambda: dense(start().add("Mul", None, -SCALE)),
    "subtracted before": lambda: dense(start().add("Sub", SHIFT, None)),
    "turned round": lambda: dense(start().add("Neg")),
    "one number before": lambda: dense(start().add("Div", None, 255.0)),
    "ml.Scaler": lambda: dense(
        start().add("Scaler", None, domain="ai.onnx.ml", offset=SHIFT.tolist(), scale=[0.5])
    ),
    "BatchNormalization": lambda: second(
        dense().add("BatchNormalization", None, B, B * 2, B * 3, B**2, epsilon=0.01).add("Relu")
    ),
    "BatchNormalization before": lambda: dense(
        start().add("BatchNormalization", None, SCALE, SHIFT, SHIFT * 2, SCALE)
    ),
    "factor behind": lambda: dense().add("Mul", None, 3.0).add("Add", None, B),
    "negative factor behind": lambda: dense().add("Mul", None, [-3.0, 2.0]),
    "complement": lambda: dense().add("Sub", 1.0, None),
    "scaled sigmoid": lambda: dense().add("Sigmoid").add("Mul", None, [3.0, 2.0]),
    "between activation and layer": lambda: second(
        dense().add("Tanh").add("Mul", None, [3.0, -2.0]).add("Add", None, 1.0)
    ),
    "identity hidden": lambda: second(dense()),
    "Softmax": lambda: dense().add("Softmax"),
    "Softmax axis 1": lambda: dense().add("Softmax", None, axis=1),
    "scaled Softmax": lambda: dense().add("Mul", None, 3.0).add("Softmax", None, axis=-1),
    "Flatten": lambda: dense(start(["n", 2, 2]).add("Flatten")),
    "Flatten axis": lambda: dense(start(["n", 1, 2, 2]).add("Flatten", None, axis=-3)),
    "scaled, Flatten": lambda: dense(
        start(["n", 2, 2]).add("Sub", None, SHIFT.reshape(2, 2)).add("Mul", None, [[3.0, 2.0]])
        .add("Flatten")
    ),
    "Reshape": lambda: reshaped([-1, 4]),
    "Reshape 0": lambda: reshaped([0, -1]),
    "Reshape one sample": lambda: reshaped([1, -1], [1, 2, 2]),
    "Squeeze": lambda: squeezed(),
    "two classes": lambda: both(),
}  # fmt: skip


def transposed() -> Graph:
    graph = start()
    name = graph.add("Transpose", W.T, perm=[1, 0]).last
    graph.last = "x"
    return graph.add("MatMul", None, name)


def reshaped(shape: list[int], before: Any = ("n", 2, 2)) -> Graph:
    graph = start(before)
    return dense(graph.add("Reshape", None, graph.array(shape, np.int64)))


def squeezed() -> Graph:
    graph = start().add("Gemm", None, W[:, :1])
    return graph.add("Squeeze", None, graph.array([-1], np.int64))


def both() -> Graph:
    graph = start().add("Gemm", None, W[:, :1]).add("Sigmoid")
    share = graph.last
    return graph.add("Sub", 1.0, None).add("Concat", None, share, axis=1)


@pytest.mark.parametrize("name", ROWS)
def test_graphs(name: str, tmp_path: Path) -> None:
    graph = ROWS[name]()
    nn = read(graph, tmp_path)
    assert nn.dtype == "float64"
    shape = [d if isinstance(d, int) else None for d in graph.shape[1:]]
    count = 1 if graph.shape[0] == 1 else 30
    x = X[:count].astype(np.float64)
    given = x.reshape(count, *(4 if d is None else d for d in shape))
    model = graph.model()
    for node in model.graph.node:  # the evaluator wants its training_mode as a truth value
        if node.op_type == "Dropout":
            del node.input[1:]
    expected = reference.ReferenceEvaluator(model).run(None, {"x": given})[0]
    found = nn.predict(x)
    np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=1e-12, atol=1e-12)


def test_scalers_are_found(tmp_path: Path) -> None:
    nn = read(ROWS["scaled before"](), tmp_path)
    assert nn.input_scaler is not None
    assert nn.input_scaler.shift is not None
    assert nn.input_scaler.scale is not None
    assert nn.input_scaler.shift.tolist() == SHIFT.tolist()
    assert nn.input_scaler.scale.tolist() == SCALE.tolist()
    assert np.array_equal(nn[0].weights, W)
    nn = read(ROWS["factor behind"](), tmp_path)
    assert nn.output_scaler is not None
    assert np.array_equal(nn[0].bias, B)
    assert read(ROWS["MatMul, Add"](), tmp_path).output_scaler is None
    assert read(ROWS["negative factor before"](), tmp_path).input_scaler is None


def test_weights_of_float32_are_kept_as_they_are(tmp_path: Path) -> None:
    graph = start()
    weights = graph.array(W, np.float32)
    graph.add("Gemm", None, weights, graph.array(B, np.float32)).add("Relu").add("Mul", None, 2.0)
    nn = read(graph.add("Gemm", None, graph.array(W[:2], np.float32)), tmp_path)
    assert nn.dtype == "float32"
    assert np.array_equal(nn[0].weights, W.astype(np.float32))


def test_half_precision(tmp_path: Path) -> None:
    graph = start()
    nn = read(graph.add("Gemm", None, graph.array(W, np.float16)), tmp_path)
    assert np.array_equal(nn[0].weights, W.astype(np.float16).astype(np.float32))


def functions() -> dict[str, tuple[Any, Callable[[Graph], Graph]]]:
    """Return compositions after a dense layer, as exporters write them, and what they are."""
    silu, gelu = "silu", "gelu"

    def composed(build: Callable[[Graph, str], Graph]) -> Callable[[Graph], Graph]:
        return lambda graph: build(graph, graph.last)

    return {
        "silu": (silu, composed(lambda g, z: g.add("Sigmoid").add("Mul", z, None))),
        "gelu of PyTorch": (gelu, composed(
            lambda g, z: g.add("Div", None, np.sqrt(2)).add("Erf").add("Add", None, 1.0)
            .add("Mul", z, None).add("Mul", None, 0.5)
        )),
        "gelu, half first": (gelu, composed(
            lambda g, z: g.add("Mul", None, np.float32(0.70710677)).add("Erf").add("Add", 1.0, None)
            .add("Mul", None, 0.5).add("Mul", None, z)
        )),
        "softplus": ("softplus", composed(
            lambda g, z: g.add("Exp").add("Add", None, 1.0).add("Log")
        )),
        "sigmoid": ("sigmoid", composed(
            lambda g, z: g.add("Neg").add("Exp").add("Add", None, 1.0).add("Reciprocal")
        )),
        "sigmoid by tanh": ("sigmoid", composed(
            lambda g, z: g.add("Mul", None, 0.5).add("Tanh").add("Mul", None, 0.5)
            .add("Add", None, 0.5)
        )),
        "tanh by sigmoid": ("tan_h", composed(
            lambda g, z: g.add("Mul", None, 2.0).add("Sigmoid").add("Mul", None, 2.0)
            .add("Sub", None, 1.0)
        )),
        "relu by Max": ("relu", composed(lambda g, z: g.add("Max", None, 0.0))),
        "relu by Clip": ("relu", composed(lambda g, z: g.add("Clip", None, 0.0))),
        "relu by Where": ("relu", composed(
            lambda g, z: g.add("Greater", None, 0.0).add("Where", None, z, 0.0)
        )),
        "leaky relu by Max": (("leaky_relu", [0.1]), composed(
            lambda g, z: g.add("Mul", None, 0.1).add("Max", z, None)
        )),
        "PRelu": (("leaky_relu", [0.3]), composed(
            lambda g, z: g.add("PRelu", None, np.full(2, 0.3))
        )),
        "elu by Where": (("elu", [0.7]), composed(
            lambda g, z: g.add("Exp").add("Sub", None, 1.0).add("Mul", None, 0.7)
            .add("Where", g.add("Less", z, 0.0).last, g.nodes[-2].output[0], z)
        )),
        "gaussian": ("gaussian", composed(
            lambda g, z: g.add("Pow", None, 2.0).add("Neg").add("Exp")
        )),
        "cosine, turned": ("sinusoid", composed(
            lambda g, z: g.add("Sub", None, np.pi / 2).add("Cos")
        )),
        "softmax of one more": ("softmax", composed(lambda g, z: g.add("Add", None, B).add(
            "Softmax"))),
    }  # fmt: skip


@pytest.mark.parametrize("name", functions())
def test_activations_made_of_several_nodes(name: str, tmp_path: Path) -> None:
    activation, compose = functions()[name]
    graph = compose(dense())
    nn = read(graph, tmp_path)
    assert nn[0]._activation() == activation
    x = X.astype(np.float64)
    expected = reference.ReferenceEvaluator(graph.model()).run(None, {"x": x})[0]
    np.testing.assert_allclose(nn.predict(x), expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", [n for n in foxnn.activations() if n != "softmax"])
def test_every_activation_is_recognised_by_its_values(name: str) -> None:
    values = onnx_functions._values(name)
    again = onnx_functions.activation_of(values)
    assert again is not None
    assert again[0] == name
    # What is off by more than the digits of float32 is another function.
    bent = values * (1 + 1e-5 * np.sin(onnx_functions.GRID))
    assert onnx_functions.activation_of(bent) is None


# What is refused


def with_attribute(graph: Graph, **attributes: Any) -> Graph:
    graph.nodes[-1].attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())
    return graph


def subgraph() -> Any:
    return helper.make_graph([], "inner", [], [])


BROKEN: dict[str, tuple[str, Callable[[], Any]]] = {
    "unknown node": ("node 'n1' (Celu2): expected a dense layer", lambda: dense().add("Celu2")),
    "unknown domain": (
        "node 'n1' (com.microsoft.Relu)", lambda: dense().add("Relu", domain="com.microsoft"),
    ),
    "a loop": (
        "node 'n1' (Loop)", lambda: with_attribute(dense().add("Loop"), body=subgraph()),
    ),
    "a branch": (
        "node 'n1' (If)", lambda: with_attribute(dense().add("If"), then_branch=subgraph()),
    ),
    "cut off": ("node 'n1' (Clip)", lambda: dense().add("Clip", None, 0.0, 1000.0)),
    "slope for each neuron": (
        "node 'n1' (PRelu): expected an activation",
        lambda: dense().add("PRelu", None, np.array([0.1, 0.2])),
    ),
    "negative slope": ("node 'n1' (LeakyRelu)", lambda: dense().add("LeakyRelu", None, alpha=-0.1)),
    "scaled softmax": (
        "node 'n2' (Mul): foxnn cannot scale outputs of softmax this way",
        lambda: dense().add("Softmax").add("Mul", None, 2.0),
    ),
    "negative sigmoid": (
        "node 'n2' (Neg): foxnn cannot scale outputs of sigmoid this way",
        lambda: dense().add("Sigmoid").add("Neg"),
    ),
    "softmax over the samples": (
        "node 'n1' (Softmax): expected softmax over",
        lambda: dense().add("Softmax", None, axis=0),
    ),
    "samples in columns": ("transA", lambda: start().add("Gemm", None, W, B, transA=1)),
    "layer of two values": (
        "(MatMul): expected the samples as its first input only",
        lambda: start().add("MatMul", None, "x"),
    ),
    "weights first": (
        "(MatMul): expected the samples as its first input only",
        lambda: start().add("MatMul", W.T, None),
    ),
    "weights that do not fit": (
        "node 'n1' (Gemm): expected weights for 2 inputs, got 4",
        lambda: dense().add("Gemm", None, W),
    ),
    "weights of another width than the input": (
        "node 'n0' (Gemm): expected weights for 5 inputs, got 4", lambda: dense(start(5)),
    ),
    "weights in three dimensions": (
        "expected a matrix of weights", lambda: start().add("MatMul", None, W[None]),
    ),
    "whole numbers as weights": (
        "expected samples times constant weights",
        lambda: (lambda g: g.add("MatMul", None, g.array(W, np.int64)))(start()),
    ),
    "no rows": ("expected samples in rows, got 3 dimensions", lambda: dense(start(["n", 2, 2]))),
    "one dimension": (
        "expected an input of shape (samples, inputs)", lambda: dense(start(["n"])),
    ),
    "bias that does not fit": (
        "node 'n0' (Gemm): expected a bias of shape (2,)",
        lambda: start().add("Gemm", None, W, np.ones((3, 2))),
    ),
    "a number for each sample": (
        "node 'n1' (Add): expected a constant for each column",
        lambda: dense().add("Add", None, np.ones((30, 1))),
    ),
    "columns that do not fit": (
        "node 'n1' (Add): expected a constant for each column",
        lambda: dense().add("Add", None, np.ones(3)),
    ),
    "more dimensions": (
        "node 'n1' (Add): expected a constant for each column",
        lambda: dense().add("Add", None, np.ones((1, 1, 2))),
    ),
    "dimensions before the samples": (
        "node 'n1' (Add): expected a constant for each column",
        lambda: dense().add("Add", None, np.ones((3, 2, 2))),
    ),
    "factor 0": (
        "node 'n0' (Mul): expected finite shifts and factors",
        lambda: dense(start().add("Mul", None, np.zeros(4))),
    ),
    "infinite shift": (
        "node 'n0' (Add): expected finite shifts and factors",
        lambda: dense(start().add("Add", None, np.full(4, np.inf))),
    ),
    "infinite weights": ("finite", lambda: start().add("MatMul", None, W * np.nan)),
    "another shape": ("(Reshape): expected a shape", lambda: reshaped([-1, 2])),
    "the samples in one row": ("(Reshape): expected a shape", lambda: reshaped([1, -1])),
    "Transpose": (
        "node 'n1' (Transpose)", lambda: dense().add("Transpose", None, perm=[1, 0]),
    ),
    "Cast to whole numbers": ("node 'n1' (Cast)", lambda: dense().add("Cast", None, to=7)),
    "training": (
        "node 'n0' (Dropout): expected inference",
        lambda: dense(start().add("Dropout", None, 0.5, np.ones(()))),
    ),
    "training of BatchNormalization": (
        "(BatchNormalization): expected inference",
        lambda: dense().add("BatchNormalization", None, B, B, B, B, training_mode=1),
    ),
    "numbers of BatchNormalization": (
        "(BatchNormalization): expected 2 numbers, one per column, got 4",
        lambda: dense().add("BatchNormalization", None, SCALE, SCALE, SCALE, SCALE),
    ),
    "negative variance": (
        "(BatchNormalization): expected finite",
        lambda: dense().add("BatchNormalization", None, B, B, B, -np.ones(2)),
    ),
    "ml.Scaler without numbers": (
        "(ai.onnx.ml.Scaler): expected 4 numbers, one per column, got 0",
        lambda: dense(start().add("Scaler", domain="ai.onnx.ml")),
    ),
    "too few inputs": ("node 'n1' (Add)", lambda: dense().add("Add")),
    "too many inputs": ("node 'n1' (Relu)", lambda: dense().add("Relu", None, 1.0)),
    "missing input": (
        "node 'n0' (Gemm): expected 'gone' before",
        lambda: start().add("Gemm", None, "gone"),
    ),
    "a ring": ("expected 'v1' before", lambda: start().add("Add", None, "v1").add("Relu")),
    "attribute of another type": (
        "node 'n1' (LeakyRelu): expected another type of attribute 'alpha'",
        lambda: with_attribute(dense().add("LeakyRelu"), alpha="x"),
    ),
    "both classes of two": (
        "node 'n3' (Concat): expected one sigmoid",
        lambda: (lambda g: g.add("Sub", 1.0, None).add("Concat", None, "v1", axis=1))(
            dense().add("Sigmoid")
        ),
    ),
    "a matrix made of two vectors": (
        "node 'n0' (Add): expected its constants to be computed in the file",
        lambda: (lambda g: [g.add("Add", np.ones((5000, 1)), np.ones((1, 5000))), g.add(
            "MatMul", "x", None)][0])(start()),
    ),
}  # fmt: skip


# What is no chain, but layers of other kinds.
LAYERED = {
    "no layer": lambda: start().add("Relu"),
    "activation first": lambda: dense(start().add("Relu")),
    "two functions": lambda: dense().add("Relu").add("Sigmoid"),
    "two layers beside": lambda: (lambda g: g.add("Gemm", "x", W).add("Add", "v0", None))(dense()),
    "Concat of others": lambda: dense().add("Concat", None, "v0", axis=1),
    "many nodes": lambda: [g := dense(), [g.add("Sigmoid") for _ in range(200)]][0],
}


@pytest.mark.parametrize("name", LAYERED)
def test_what_layers_of_other_kinds_hold(name: str, tmp_path: Path) -> None:
    graph = LAYERED[name]()
    (tmp_path / "g.onnx").write_bytes(graph.model().SerializeToString())
    nn = foxnn.neural_network(tmp_path / "g.onnx")
    x = np.random.default_rng(0).normal(size=(5, nn.sizes[0])).astype(nn.dtype)
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(
        str(tmp_path / "g.onnx"), providers=["CPUExecutionProvider"]
    )
    expected = session.run(None, {session.get_inputs()[0].name: x})[0]
    np.testing.assert_allclose(nn.predict(x), expected, rtol=1e-5, atol=1e-6)


def refused(path: Path) -> str:
    tracemalloc.start()
    try:
        with pytest.raises(foxnn.FileFormatError, match=re.escape(path.name)) as caught:
            foxnn.neural_network(path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
    return str(caught.value)


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    expected, build = BROKEN[name]
    graph = build()
    (tmp_path / "g.onnx").write_bytes(graph.model().SerializeToString())
    assert expected in refused(tmp_path / "g.onnx")


def changed(change: Callable[[Any], object], folder: Path) -> str:
    model = dense().model()
    change(model)
    (folder / "g.onnx").write_bytes(model.SerializeToString())
    return refused(folder / "g.onnx")


def external(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def huge(model: Any) -> None:
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend([2**31, 2**31])


def negative(model: Any) -> None:
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend([-4, -2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (external, "expected the numbers of 'c0' in this file"),
        (huge, "expected 4611686018427387904 numbers in 'c0', got 8"),
        (negative, "expected a shape of 'c0'"),
        (lambda m: m.graph.initializer[0].dims.extend([1] * 70), "expected a shape of 'c0'"),
        (lambda m: m.graph.initializer[0].ClearField("raw_data"), "expected 8 numbers in 'c0'"),
        (lambda m: setattr(m.graph.initializer[0], "data_type", 8), "expected numbers as 'c0'"),
        (lambda m: setattr(m.graph.initializer[0], "data_type", 99), "expected numbers as 'c0'"),
        (lambda m: m.graph.initializer[0].segment.SetInParent(), "expected numbers as 'c0'"),
        (lambda m: m.graph.input.add(name="z"), "expected one input, got ['x', 'z']"),
        (lambda m: m.graph.ClearField("input"), "expected one input, got none"),
        (lambda m: m.graph.ClearField("output"), "expected one output of floating point"),
        (lambda m: m.graph.output.append(m.graph.output[0]), "expected one output"),
        (lambda m: setattr(m.graph.output[0], "name", "gone"), "output that depends on the input"),
        (lambda m: setattr(m.graph.output[0], "name", "c0"), "output that depends on the input"),
        (lambda m: m.graph.node.append(m.graph.node[0]), "expected a new name, got 'v0'"),
        (lambda m: setattr(m.opset_import[0], "version", 6), "expected operator set 7 or later"),
        (lambda m: m.ClearField("opset_import"), "expected operator set 7 or later, got 0"),
        (lambda m: m.ClearField("graph"), "expected one input, got none"),
    ],
)  # fmt: skip
def test_models_that_are_not_right(
    change: Callable[[Any], object], message: str, tmp_path: Path
) -> None:
    assert message in changed(change, tmp_path)


def test_a_wide_input_takes_no_memory(tmp_path: Path) -> None:
    graph = start(["n", 2**31 - 1]).add("Sub", None, 1.0)
    (tmp_path / "g.onnx").write_bytes(dense(graph).model().SerializeToString())
    assert "expected weights for 2147483647 inputs, got 4" in refused(tmp_path / "g.onnx")


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"foxnn", b"\x08\x07", b"\x3a\xff\xff\xff\x7f", b"\x3a" * 100, b"\x0b" * 100],
)
def test_small_files_that_are_none(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "g.onnx").write_bytes(data)
    refused(tmp_path / "g.onnx")


def test_cut_off_anywhere(tmp_path: Path) -> None:
    data = (RECORDS / "sklearn_scaled.onnx").read_bytes()
    for length in range(0, len(data), 7):
        (tmp_path / "g.onnx").write_bytes(data[:length])
        refused(tmp_path / "g.onnx")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_noise(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    names = ["pytorch_scaled_script", "sklearn_two_classes", "keras_pictures_export"]
    whole = (RECORDS / f"{data.draw(st.sampled_from(names))}.onnx").read_bytes()
    at = data.draw(st.integers(0, len(whole)))
    noise = data.draw(st.binary(min_size=1, max_size=8))
    path = tmp_path_factory.mktemp("noise") / "noise.onnx"
    path.write_bytes(whole[:at] + noise + whole[at + len(noise) :])
    with contextlib.suppress(foxnn.FileFormatError):  # other weights are weights
        foxnn.neural_network(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.onnx"):
        foxnn.neural_network(tmp_path / "absent.onnx")
    with pytest.raises(FileNotFoundError, match=r"none/net\.onnx"):
        foxnn.neural_network([2, 1]).save(tmp_path / "none" / "net.onnx")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(IsADirectoryError, match=r"folder\.onnx"):
        foxnn.neural_network(tmp_path / "folder.onnx")
    if Path("/dev/zero").exists():
        (tmp_path / "zero.onnx").symlink_to("/dev/zero")
        with pytest.raises(foxnn.FileFormatError, match="device"):
            foxnn.neural_network(tmp_path / "zero.onnx")
