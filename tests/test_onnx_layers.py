"""Layers of every kind through ONNX files: ours, ours as other tools change them, and hostile ones.

That each kind comes back with its bits is among the tests of kinds; here are the corners.
"""

from __future__ import annotations

import copy
import itertools
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from foxnn import Activation, Dense, Dropout, Flatten, LayerNorm, Parallel, Reshape, Residual
from test_onnx import ran
from test_onnx_graphs import B, Graph, W, dense, read, refused, start

onnx = pytest.importorskip("onnx")
helper, numpy_helper, version_converter = onnx.helper, onnx.numpy_helper, onnx.version_converter

MIXED: list[Any] = [
    (4, 6), LayerNorm(epsilon=0.01), Dense(5, "gelu"),
    Residual(Dropout(0.2), Dense(7, bias=False),
             Parallel(Dense(2), [Dense(3, "selu"), Dropout(0.1)])),
    Parallel(Activation(("elu", 0.3)), [Residual(Activation("sin")), Dense(4, "softplus")]),
    Reshape((2, 18)), Dense(3), Flatten(), Activation("gaussian"), 8,
    Residual(6, 3, shortcut=[3]), Parallel(3, Activation("silu")), 4,
]  # fmt: skip


def mixed(dtype: str = "float32", is_scaled: bool = True) -> foxnn.neural_network:
    """Return a network of every kind, with scalers of inputs and outputs."""
    nn = foxnn.neural_network(MIXED, "tanh", "identity", "huber", dtype=dtype, seed=4)
    if is_scaled:
        rng = np.random.default_rng(1)
        nn.input_scaler = foxnn.Scaler().fit(rng.normal(3.0, 2.0, (50, nn.sizes[0])))
        nn.output_scaler = foxnn.Scaler("minmax").fit(rng.normal(-1.0, 4.0, (50, nn.sizes[-1])))
    return nn


def listed(nn: foxnn.neural_network) -> str:
    """Return a network as it is shown, without what a file does not hold."""
    return repr(nn).split(", seed=")[0]


def through(nn: foxnn.neural_network, folder: Path) -> foxnn.neural_network:
    nn.save(folder / "net.onnx")
    return foxnn.neural_network(folder / "net.onnx", seed=1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_kinds_together(dtype: str, tmp_path: Path) -> None:
    nn = mixed(dtype)
    again = through(nn, tmp_path)
    assert again._input_shape() == (4, 6)
    assert again.loss == "huber"
    assert kinds.bits(again) == kinds.bits(nn)
    assert listed(again) == listed(nn)
    for mine, theirs in (
        (again.input_scaler, nn.input_scaler), (again.output_scaler, nn.output_scaler),
    ):  # fmt: skip
        assert mine is not None
        assert theirs is not None
        assert mine.method == theirs.method
        np.testing.assert_allclose(mine.shift, theirs.shift, rtol=1e-7)
    x = kinds.samples(nn, 9).astype(dtype)
    within = 1e-5 if dtype == "float32" else 1e-6  # ONNX's own evaluator rounds Erf
    np.testing.assert_allclose(again.predict(x), nn.predict(x), rtol=within, atol=within)
    np.testing.assert_allclose(ran(tmp_path / "net.onnx", x), nn.predict(x), rtol=1e-4, atol=within)


IDENTICAL = {
    "shaped": [(3, 2), 4, 2],
    "shaped branches": [(3, 2), Parallel(4, [Flatten(), Activation("sin")]), 2],
    "flatten of flat": [4, Flatten(), 2],
    "activation": [(3, 2), Activation("identity")],
    "identity added": [4, Residual(Activation("identity")), 2],
    "dropout of nothing": [4, Residual(Dropout(0.0)), Dropout(0.0)],
    "residual of activations": [(3, 4), *(Residual(Activation(n)) for n in ("sin", "relu"))],
    "activations in a row": [4, Activation("relu"), Activation("relu"), Activation("exp")],
    "branches of activations": [(3, 2), Parallel(Activation("silu"), Activation("identity"))],
    "branch of a dropout": [(3, 2), Parallel(Dropout(0.3), Dense(2, bias=False)), Dropout(0.1)],
    "deep": [3, *itertools.accumulate([Dense(3)] * 30, lambda f, _: Residual(f))][::30],
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", IDENTICAL)
def test_the_list_comes_back(name: str, dtype: str, tmp_path: Path) -> None:
    nn = foxnn.neural_network(IDENTICAL[name], "tanh", dtype=dtype, seed=1)
    again = through(nn, tmp_path)
    x = kinds.samples(nn, 7).astype(dtype)
    assert listed(again) == listed(nn)
    assert again.predict(x).tobytes() == nn.predict(x).tobytes()
    np.testing.assert_allclose(ran(tmp_path / "net.onnx", x), nn.predict(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ([(3, 2), Flatten(), 4], [(3, 2), 4]),
        ([3, Dense(4, "identity"), Activation("sin"), 2], [3, Dense(4, "sin"), 2]),
        ([3, Parallel([4, 2]), 2], [3, 4, 2, 2]),
        ([3, Activation("identity"), 2], [3, 2]),
    ],
)
def test_what_is_read_as_something_else(items: Any, found: Any, tmp_path: Path) -> None:
    nn = foxnn.neural_network(items, "tanh", seed=1)
    again = through(nn, tmp_path)
    expected = foxnn.neural_network(found, "tanh", seed=1)
    assert [part._activation() for part in again] == [part._activation() for part in expected]
    assert again.sizes == expected.sizes
    x = kinds.samples(nn, 7)
    assert again.predict(x).tobytes() == nn.predict(x).tobytes()


# Changed by other tools


def without_names(model: Any) -> None:
    for node in model.graph.node:
        node.name = node.doc_string = ""


def other_names(model: Any) -> None:
    new = {"x": "x", "y": "y"}
    for thing in (*model.graph.initializer, *model.graph.node):
        names = [thing.name] if hasattr(thing, "dims") else thing.output
        for name in names:
            new.setdefault(name, f"v{len(new)}")
    for tensor in model.graph.initializer:
        tensor.name = new[tensor.name]
    for node in model.graph.node:
        node.input[:] = [new[name] for name in node.input]
        node.output[:] = [new[name] for name in node.output]


def constant_nodes(model: Any) -> None:
    made = [helper.make_node("Constant", [], [t.name], value=t) for t in model.graph.initializer]
    nodes = [*made, *map(copy.deepcopy, model.graph.node)]
    model.graph.ClearField("initializer")
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)


def initializers_as_inputs(model: Any) -> None:
    for tensor in model.graph.initializer:
        model.graph.input.append(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        )


def identities(model: Any) -> None:
    nodes = []
    for node in map(copy.deepcopy, model.graph.node):
        for i, name in enumerate(node.input):
            kind = "Cast" if name == "x" and not nodes else "Identity"
            between = f"{name}.{len(nodes)}"
            elem = model.graph.input[0].type.tensor_type.elem_type
            given = {"to": elem} if kind == "Cast" else {}
            nodes.append(helper.make_node(kind, [name], [between], **given))
            node.input[i] = between
        nodes.append(node)
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)


def sums_apart(model: Any) -> None:
    nodes = []
    for node in map(copy.deepcopy, model.graph.node):
        nodes.append(node)
        if node.op_type == "Gemm" and len(node.input) == 3:
            bias, end = node.input.pop(), node.output[0]
            node.op_type, node.output[0] = "MatMul", f"{end}.product"
            nodes.append(helper.make_node("Add", [bias, node.output[0]], [end]))
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)


def fixed_batch(model: Any) -> None:
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 9


CHANGES: dict[str, Callable[[Any], object]] = {
    "names removed": without_names,
    "other names": other_names,
    "initializers as Constant nodes": constant_nodes,
    "initializers as inputs": initializers_as_inputs,
    "Identity nodes": identities,
    "MatMul and Add for Gemm": sums_apart,
    "a fixed number of samples": fixed_batch,
}


@pytest.mark.parametrize("is_ours", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_files_that_other_tools_change(change: str, is_ours: bool, tmp_path: Path) -> None:
    nn = mixed()
    nn.save(tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    CHANGES[change](model)
    if not is_ours:
        model.producer_name = "other"
        model.ClearField("metadata_props")
    onnx.checker.check_model(model, full_check=True)
    again = read(model, tmp_path)
    assert kinds.bits(again) == kinds.bits(nn)
    assert [part.kind for part in again] == [part.kind for part in nn]
    x = kinds.samples(nn, 9)
    np.testing.assert_allclose(again.predict(x), nn.predict(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("version", range(11, 20))
def test_operator_sets(version: int, tmp_path: Path) -> None:
    items = [
        (4, 6),
        Dense(5, "elu"),
        Parallel(Dense(2), [Dropout(0.1), Dense(3)]),
        Residual(Dense(5)),
        3,
    ]
    nn = foxnn.neural_network(items, "tanh", "softmax", seed=1)
    nn.save(tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    if version >= 13:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = version_converter.convert_version(model, version)
    else:  # which the converter does not reach; the operators are the same but for the rate
        model.opset_import[0].version = version
        for node in model.graph.node:
            if node.op_type == "Dropout" and version < 12:
                del node.input[1:]
                node.attribute.append(helper.make_attribute("ratio", 0.1))
    again = read(model, tmp_path)
    x = kinds.samples(nn, 9)
    assert again.predict(x).tobytes() == nn.predict(x).tobytes()


# Refused


def behind(*path: Any) -> Graph:
    """Return a dense layer added to the input: not a chain, so that what follows is layered."""
    graph = start(2).add("Gemm", None, W[:2], B)
    return graph.add("Add", None, "x")


def told(kind: str, *given: Any, **attributes: Any) -> Graph:
    return behind().add(kind, None, *given, **attributes)


def reshaped(lengths: list[int], **attributes: Any) -> Graph:
    graph = behind()
    return graph.add("Reshape", None, graph.array(lengths, np.int64), **attributes)


def shared() -> Graph:
    graph = behind()
    base = graph.last
    common = graph.add("Gemm", base, W[:2], B).last
    left = graph.add("Gemm", common, W[:2], B).last
    right = graph.add("Gemm", common, W[:2], B).last
    return graph.add("Concat", left, right, base, axis=1)


def residuals(count: int) -> Graph:
    graph, before = start(2).add("Gemm", None, W[:2], B), []
    for _ in range(count):
        before.append(graph.last)
        graph.add("Sin")
        graph.add("Gemm", None, W[:2], B)
    for value in reversed(before):
        graph.add("Add", None, value)
    return graph


BROKEN: dict[str, tuple[str, Callable[[], Graph]]] = {
    "hidden softmax": (
        "node 'n2' (Softmax): foxnn has softmax after the last layer only",
        lambda: told("Softmax").add("Gemm", None, W[:2], B),
    ),
    "softmax in a branch": (
        "node 'n2' (Softmax): foxnn has softmax after the last layer only",
        lambda: told("Softmax").add("Add", None, "v1"),
    ),
    "hidden exp": (
        "node 'n2' (Exp): foxnn has exp after the last layer only",
        lambda: told("Exp").add("Flatten"),
    ),
    "unknown operator": ("node 'n2' (LSTM)", lambda: told("LSTM")),
    "other domain": (
        "node 'n2' (com.microsoft.Gelu)", lambda: told("Gelu", domain="com.microsoft"),
    ),
    "cut off": (
        "node 'n2' (Clip): expected a layer or an activation", lambda: told("Clip", 0.0, 6.0),
    ),
    "softmax over another axis": (
        "(Softmax): expected the last axis", lambda: told("Softmax", axis=0),
    ),
    "norm over another axis": (
        "(LayerNormalization): expected the last axis",
        lambda: told("LayerNormalization", B, B, axis=0),
    ),
    "norm without numbers": (
        "(LayerNormalization): expected a scale and a bias of shape (2,)",
        lambda: told("LayerNormalization"),
    ),
    "norm of another width": (
        "(LayerNormalization): expected a scale", lambda: told("LayerNormalization", np.ones(3)),
    ),
    "norm of no epsilon": ("epsilon", lambda: told("LayerNormalization", B, B, epsilon=-1.0)),
    "Concat along the samples": (
        "(Concat): expected values of the same positions", lambda: told("Concat", "x", axis=0),
    ),
    "Concat with a constant": (
        "(Concat): expected values that depend", lambda: told("Concat", np.ones((1, 2)), axis=1),
    ),
    "other numbers": ("(Reshape): expected", lambda: reshaped([0, 3])),
    "no numbers": ("(Reshape): expected", lambda: reshaped([])),
    "samples joined": ("(Reshape): expected", lambda: reshaped([2, -1])),
    "allowzero": ("(Reshape): expected", lambda: reshaped([0, 2], allowzero=1)),
    "many dimensions": ("(Reshape): expected", lambda: reshaped([0, 2, *[1] * 20])),
    "wider constant": (
        "(Add): expected a constant for each column", lambda: told("Add", np.ones((1, 1, 1))),
    ),
    "no constant": ("(Add): expected a constant", lambda: told("Add", np.ones(0))),
    "bias across": (
        "(Gemm): expected a bias of shape (2,)", lambda: told("Gemm", W[:2], np.ones((2, 1))),
    ),
    "weights that do not fit": ("(Gemm): expected weights for 2 inputs", lambda: told("Gemm", W)),
    "infinite weights": ("weights must be finite", lambda: told("Gemm", W[:2] * np.inf)),
    "bias of NaN": ("bias must be finite", lambda: told("Gemm", W[:2], B * np.nan)),
    "training": ("expected inference", lambda: told("Dropout", 0.5, np.ones(()))),
    "cast": ("(Cast): expected a cast to floating point", lambda: told("Cast", to=7)),
    "dropout of constants": (
        "(Dropout): expected the samples", lambda: behind().add("Dropout", 0.5, "x"),
    ),
    "too few inputs": ("node 'n2' (Add)", lambda: told("Add")),
    "absent input": ("expected 'gone' before", lambda: told("Add", "gone")),
    "another type": (
        "another type of attribute 'axis'", lambda: told("Softmax", axis="last"),
    ),
    "in two branches": ("expected layers that are in one branch only", shared),
    "too deep": ("expected layers at most 50 deep", lambda: residuals(60)),
    "far too deep": ("deep", lambda: residuals(300)),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    expected, build = BROKEN[name]
    (tmp_path / "g.onnx").write_bytes(build().model(17).SerializeToString())
    assert expected in refused(tmp_path / "g.onnx")


def test_softmax_of_old_operator_sets(tmp_path: Path) -> None:
    """Without an axis it was over all numbers of a sample."""
    graph = start(["n", 3, 2]).add("Sin").add("Softmax")
    (tmp_path / "g.onnx").write_bytes(graph.model(11).SerializeToString())
    assert "(Softmax): expected" in refused(tmp_path / "g.onnx")


def test_wide_samples_take_no_memory(tmp_path: Path) -> None:
    graph = behind()
    for _ in range(60):
        graph.add("Concat", None, graph.last, axis=1)
    (tmp_path / "g.onnx").write_bytes(graph.model().SerializeToString())
    assert "expected at most 2147483647 numbers of a sample" in refused(tmp_path / "g.onnx")


@pytest.mark.parametrize("kind", ["Sigmoid", "Neg", "Identity", "Flatten", "Mul"])
def test_long_rows_take_time_for_their_length(kind: str, tmp_path: Path) -> None:
    graph = dense()
    for _ in range(5000):
        graph.add(kind, None, *([1.0] if kind == "Mul" else []))
    begin = time.perf_counter()
    read(graph, tmp_path)
    assert time.perf_counter() - begin < 20  # in squares: hours


def test_a_deep_network_is_shown_in_time_for_its_depth(tmp_path: Path) -> None:
    nn = read(residuals(45), tmp_path)
    assert repr(nn).count("Residual") == 45
