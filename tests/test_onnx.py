"""ONNX files: what foxnn writes others run, and what other libraries write foxnn reads."""

from __future__ import annotations

import json
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from forced_runs import inputs, parameters, wanted
from foxnn.formats.onnx import write as onnx_write

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
reference = pytest.importorskip("onnx.reference")

RECORDS = Path(__file__).parent / "data" / "onnx"
X = inputs(30, 4).astype(np.float32)


def ran(path: Path | str, x: np.ndarray) -> np.ndarray:
    """Return what onnxruntime answers, or ONNX's own evaluator where that lacks an operator."""
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:
        if "NOT_IMPLEMENTED" not in str(error):
            raise
        return reference.ReferenceEvaluator(str(path)).run(None, {"x": x})[0]
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def networks() -> dict[str, foxnn.neural_network]:
    """Return one for each activation, with its parameters, hidden and at the output."""
    found = {}
    for name in foxnn.activations():
        activations: list[Any] = [name]
        if name in ("elu", "leaky_relu"):
            activations += [(name, 0.3), (name, 0.0), (name, 1.7)]
        for activation in activations:
            hidden = "tanh" if name in ("exp", "softmax") else activation
            for dtype in ("float32", "float64"):
                nn = foxnn.neural_network([4, 9, 3], hidden, activation, dtype=dtype, seed=2)
                for part in nn:
                    part.bias = np.linspace(-1, 1, part.get_N_n())
                found[f"{activation}-{dtype}"] = nn
    return found


# Written


@pytest.mark.parametrize("name", networks())
def test_others_compute_the_same(name: str, tmp_path: Path) -> None:
    nn = networks()[name]
    nn.save(tmp_path / "net.onnx")
    x = X.astype(nn.dtype)
    found, ours = ran(tmp_path / "net.onnx", x), nn.predict(x)
    assert (found.dtype, found.shape) == (ours.dtype, ours.shape)
    # onnxruntime has neither Erf nor Atan in float64; ONNX's own evaluator rounds Erf.
    within = 1e-5 if nn.dtype == "float32" else 1e-7 if "gelu" in name else 1e-13
    np.testing.assert_allclose(found, ours, rtol=within, atol=within)


# An elu of 0 is a relu, and is read as one.
@pytest.mark.parametrize("name", [name for name in networks() if "0.0" not in name])
def test_a_file_of_ours_is_read_back(name: str, tmp_path: Path) -> None:
    nn = networks()[name]
    nn.save(tmp_path / "net.onnx")
    again = foxnn.neural_network(tmp_path / "net.onnx", seed=nn.seed)
    assert repr(again) == repr(nn)
    assert parameters(again).tobytes() == parameters(nn).tobytes()


# The samples are float32 already, so that nothing is lost.
@pytest.mark.filterwarnings("ignore:.*which is too coarse for column 0")
@pytest.mark.parametrize("method", ["standard", "minmax"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scalers_go_along(dtype: str, method: str, tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 5, 2], "tanh", "identity", "huber", dtype=dtype, seed=1)
    # A large shift beside a small scale: float32 alone would lose it.
    x = (X + np.array([1e6, -3e4, 0.1, 0.0])).astype(np.float32)
    nn.fit(x, 1000 * wanted(30, 2, "mse") + 70, 3, scale=method)
    nn.save(tmp_path / "net.onnx")
    ours = nn.predict(x)
    found = ran(tmp_path / "net.onnx", x.astype(dtype))
    np.testing.assert_allclose(found, ours, rtol=1e-5, atol=1e-5 * np.abs(ours).max())
    again = foxnn.neural_network(tmp_path / "net.onnx")
    assert again.loss == "huber"
    np.testing.assert_allclose(again.predict(x), ours, rtol=1e-6, atol=1e-6 * np.abs(ours).max())
    for mine, theirs in (
        (again.input_scaler, nn.input_scaler), (again.output_scaler, nn.output_scaler),
    ):  # fmt: skip
        assert mine is not None
        assert theirs is not None
        assert mine.method == method
        np.testing.assert_allclose(mine.shift, theirs.shift, rtol=1e-7)
        np.testing.assert_allclose(mine.scale, theirs.scale, rtol=1e-7)


def test_what_stands_in_a_file(tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 5, 3], "relu", "softmax", seed=1)
    nn.save(tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [node.op_type for node in model.graph.node] == ["Gemm", "Relu", "Gemm", "Softmax"]
    names = [tensor.name for tensor in model.graph.initializer]
    assert names == [f"layers.{i}.{part}" for i in range(2) for part in ("weight", "bias")]
    assert np.array_equal(onnx.numpy_helper.to_array(model.graph.initializer[0]), nn[0].weights)
    said = {given.key: given.value for given in model.metadata_props}
    assert said == {"foxnn_version": foxnn.__version__, "foxnn_loss": "cross_entropy"}
    assert model.producer_name == "foxnn"
    for value, name, width in ((model.graph.input[0], "x", 4), (model.graph.output[0], "y", 3)):
        batch, columns = value.type.tensor_type.shape.dim
        assert (value.name, batch.dim_param, columns.dim_value) == (name, "samples", width)
    before = (tmp_path / "net.onnx").read_bytes()
    nn.save(tmp_path / "net.onnx")
    assert (tmp_path / "net.onnx").read_bytes() == before


def test_pruned_identity_and_one_layer(tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 1], "identity", seed=1)
    nn.save(tmp_path / "NET.ONNX")
    np.testing.assert_allclose(ran(tmp_path / "NET.ONNX", X), nn.predict(X), rtol=1e-5, atol=1e-6)
    assert foxnn.neural_network(tmp_path / "NET.ONNX").sizes == [4, 1]


def test_what_a_file_cannot_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nn = foxnn.neural_network([2, 1])
    scaler = foxnn.Scaler().fit([[1.0, 2.0], [1e150, 3.0]])
    nn.input_scaler = scaler
    with pytest.raises(ValueError, match="input_scaler must be within the range of float32"):
        nn.save(tmp_path / "net.onnx")
    nn.input_scaler = foxnn.Scaler().fit([[0.0, 2.0], [1e-44, 3.0]])
    with pytest.raises(ValueError, match="input_scaler must be within the range of float32"):
        nn.save(tmp_path / "net.onnx")
    nn.input_scaler = None
    monkeypatch.setattr(onnx_write, "_LARGEST", 10)
    nn.settings.auto_save_name_file = str(tmp_path / "net.onnx")
    nn.settings.auto_save_iteration = 1
    for save in (
        lambda: nn.save(tmp_path / "net.onnx"),
        lambda: nn.train(foxnn.train_data(X[:, :2], X[:, :1]), 0.1, 1),
    ):
        with pytest.raises(ValueError, match="at most 2 GiB, and the weights take 12 bytes"):
            save()
    with pytest.raises(ValueError, match="only_scale"):
        nn.save(tmp_path / "net.onnx", only_scale=True)
    assert list(tmp_path.iterdir()) == []


def test_auto_save(tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 3, 2], "gelu", seed=1)
    nn.settings.auto_save_name_file = str(tmp_path / "auto.onnx")
    nn.settings.auto_save_iteration = 5
    nn.train(foxnn.train_data(X, wanted(30, 2, "mse")), 0.01, 10)
    assert parameters(foxnn.neural_network(tmp_path / "auto.onnx")).tobytes() == (
        parameters(nn).tobytes()
    )


def test_without_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foxnn.neural_network([2, 1]).save(tmp_path / "net.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    saving = foxnn.neural_network([2, 1])
    saving.settings.auto_save_name_file = str(tmp_path / "other.onnx")
    saving.settings.auto_save_iteration = 5
    for use in (
        lambda: saving.train(foxnn.train_data([[1, 2]], [[1]]), 0.1, 3),
        lambda: foxnn.neural_network([2, 1]).save(tmp_path / "other.onnx"),
        lambda: foxnn.neural_network(tmp_path / "net.onnx"),
    ):
        with pytest.raises(ImportError, match=r'pip install "foxnn\[onnx\]"'):
            use()
    assert not (tmp_path / "other.onnx").exists()


# What the arguments may change


def test_arguments(tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 3, 2], "tanh", "sigmoid", dtype="float64", seed=1)
    nn.save(tmp_path / "net.onnx")
    again = foxnn.neural_network(tmp_path / "net.onnx", loss="mae", dtype="float32", seed=7)
    assert (again.loss, again.dtype, again.seed) == ("mae", "float32", 7)
    with pytest.raises(ValueError, match="cross_entropy"):
        foxnn.neural_network(tmp_path / "net.onnx", loss="cross_entropy")
    for argument in ({"activation": "relu"}, {"init": "zeros"}, {"only_scale": True}):
        with pytest.raises(ValueError, match=next(iter(argument))):
            foxnn.neural_network(tmp_path / "net.onnx", **argument)
    nn[0].weights = np.full((4, 3), 1e300)
    nn.save(tmp_path / "net.onnx")
    with pytest.raises(ValueError, match="finite in float32"):
        foxnn.neural_network(tmp_path / "net.onnx", dtype="float32")


def test_a_network_that_was_read_can_be_trained(tmp_path: Path) -> None:
    nn = foxnn.neural_network(RECORDS / "pytorch_scaled_script.onnx", seed=1)
    x, y = inputs(30, 6), 2 + wanted(30, 2, "mse")
    history = nn.fit(x, y, 30, learning_rate=0.02)
    assert history["loss"][-1] < history["loss"][0]
    nn.save(tmp_path / "net.onnx")
    ours = nn.predict(x)
    np.testing.assert_allclose(
        ran(tmp_path / "net.onnx", x.astype(np.float32)), ours, rtol=1e-5, atol=1e-5
    )


# Files of other libraries


LIBRARIES = {
    name: record
    for library in ("pytorch", "sklearn", "keras")
    for name, record in json.loads((RECORDS / f"{library}.json").read_text()).items()
}
REFUSED = {
    "pytorch_relu6": "Clip", "pytorch_mish": "Mish|Mul",
    "pytorch_gelu_tanh": "Gelu", "pytorch_hidden_exp": "Exp", "keras_softsign": "Softsign",
    "pytorch_hidden_softmax": "Softmax",
    "keras_prelu": "Add", "sklearn_two_outputs": "Reshape",
}  # fmt: skip


def kind(name: str) -> str:
    return re.sub(r"(_(script|dynamo|export|tf2onnx))?\.onnx$", "", name)


def test_every_file_is_recorded() -> None:
    others = [json.loads(path.read_text()) for path in RECORDS.glob("*_*.json")]  # of other tests
    recorded = {*LIBRARIES, *(name for records in others for name in records)}
    assert recorded == {path.name for path in RECORDS.glob("*.onnx")}
    assert set(REFUSED) <= {kind(name) for name in LIBRARIES}


def test_scaled_outputs_of_softmax_come_back(tmp_path: Path) -> None:
    """Its usual loss takes none, but the file says another."""
    nn = foxnn.neural_network([4, 3], "softmax", loss="mse", seed=1)
    nn.output_scaler = foxnn.Scaler().fit(inputs(30, 3))
    nn.save(tmp_path / "net.onnx")
    other = foxnn.neural_network(tmp_path / "net.onnx")
    assert other.loss == "mse"
    assert other.output_scaler is not None
    assert other.predict(X) == pytest.approx(nn.predict(X), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", [name for name in LIBRARIES if kind(name) not in REFUSED])
def test_networks_of_other_libraries(name: str) -> None:
    record = LIBRARIES[name]
    x, y = np.array(record["inputs"]), np.array(record["outputs"])
    nn = foxnn.neural_network(RECORDS / name)
    assert nn.dtype == ("float64" if "double" in name or "identity" in name else "float32")
    found = nn.predict(x.reshape(len(x), -1))
    if kind(name) == "pytorch_log_softmax":
        found = np.log(found)  # foxnn's loss takes the probabilities themselves
    within = 1e-5 if nn.dtype == "float32" else 1e-13
    np.testing.assert_allclose(found, y.reshape(found.shape), rtol=within, atol=within)


def test_what_is_found_in_them() -> None:
    nn = foxnn.neural_network(RECORDS / "pytorch_activations_dynamo.onnx")
    assert [part._activation() for part in nn] == [
        "relu", "tan_h", "sigmoid", "gelu", "silu", "softplus", ("elu", [0.7]),
        ("leaky_relu", [0.2]), "selu", ("leaky_relu", [0.25]), ("elu", [1.0]), "sinusoid",
        "arctan", "gaussian", "softplus", "silu", "softmax",
    ]  # fmt: skip
    assert nn.loss == "cross_entropy"
    nn = foxnn.neural_network(RECORDS / "sklearn_scaled.onnx")
    assert nn.input_scaler is not None
    assert nn.input_scaler.scale is not None
    assert 15 < nn.input_scaler.scale.min() < 25
    nn = foxnn.neural_network(RECORDS / "pytorch_scaled_dynamo.onnx")
    assert nn.output_scaler is not None
    assert nn.output_scaler.transform([[4.0, 1.0]]).tolist() == [[1.0, 0.0]]
    nn = foxnn.neural_network(RECORDS / "keras_pictures_export.onnx")
    assert nn.input_scaler is not None
    np.testing.assert_allclose(nn.input_scaler.scale, np.full(6, 255.0), rtol=1e-6)
    two = foxnn.neural_network(RECORDS / "sklearn_two_classes.onnx")
    np.testing.assert_allclose(two.predict(X).sum(axis=1), 1, rtol=1e-6)
    assert (two.loss, two[-1].get_name_activation_function()) == ("cross_entropy", "softmax")


@pytest.mark.parametrize("name", [name for name in LIBRARIES if kind(name) in REFUSED])
def test_what_foxnn_has_not_is_refused_by_name(name: str) -> None:
    expected = rf"{re.escape(name)}: node '[^']+' \(({REFUSED[kind(name)]})\): "
    with pytest.raises(foxnn.FileFormatError, match=expected):
        foxnn.neural_network(RECORDS / name)


def test_scikit_learn_as_it_is_installed(tmp_path: Path) -> None:
    skl2onnx = pytest.importorskip("skl2onnx")
    network = pytest.importorskip("sklearn.neural_network")
    labels = (X[:, 0] > 0).astype(int) + (X[:, 1] > 1)
    model = network.MLPClassifier((5,), solver="lbfgs", max_iter=5000, random_state=0)
    model.fit(X, labels)
    (tmp_path / "net.onnx").write_bytes(skl2onnx.to_onnx(model, X[:1]).SerializeToString())
    nn = foxnn.neural_network(tmp_path / "net.onnx")
    np.testing.assert_allclose(nn.predict(X), model.predict_proba(X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("library", ["sklearn.neural_network", "foxnn.sklearn"])
@pytest.mark.parametrize("zipmap", [False, True])
@pytest.mark.parametrize("labels", [["no", "yes"], [7, 5], ["a", "b", "c"]], ids=str)
def test_a_classifier_of_scikit_learn_answers_in_its_labels(
    labels: list[Any], zipmap: bool, library: str, tmp_path: Path
) -> None:
    skl2onnx = pytest.importorskip("skl2onnx")
    network = pytest.importorskip(library)
    y = np.array(labels)[(X[:, 0] > 0).astype(int) + (X[:, 1] > 1) * (len(labels) - 2)]
    model = network.MLPClassifier((5,), solver="lbfgs", random_state=0).fit(X, y)
    made = skl2onnx.to_onnx(model, X[:1], options={"zipmap": zipmap})
    (tmp_path / "net.onnx").write_bytes(made.SerializeToString())
    nn = foxnn.neural_network(tmp_path / "net.onnx")
    assert nn.classes == model.classes_.tolist()
    assert nn.loss == "cross_entropy"
    np.testing.assert_allclose(nn.predict(X), model.predict_proba(X), rtol=1e-4, atol=1e-5)
    assert nn.predict_classes(X).tolist() == model.predict(X).tolist()
    assert nn.evaluate(X, y)["accuracy"] == model.score(X, y)


# Classes


@pytest.mark.parametrize("labels", [["ant", "bee", "größer"], [5, -2, 7], [0, 1, 2]])
@pytest.mark.parametrize("items", [[4, 5, 3], [4, foxnn.Residual(4), 3]], ids=["chain", "layers"])
def test_classes_go_along(items: list[Any], labels: list[Any], tmp_path: Path) -> None:
    nn = foxnn.neural_network(items, "tanh", "softmax", seed=1)
    nn.classes = labels
    nn.save(tmp_path / "net.onnx")
    said = {p.key: p.value for p in onnx.load(tmp_path / "net.onnx").metadata_props}
    assert json.loads(said["foxnn_classes"]) == labels
    again = foxnn.neural_network(tmp_path / "net.onnx")
    assert again.classes == labels
    assert again.predict_classes(X).tolist() == nn.predict_classes(X).tolist()


def test_no_classes_leave_no_trace(tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 3], seed=1)
    nn.save(tmp_path / "net.onnx")
    assert b"classes" not in (tmp_path / "net.onnx").read_bytes()
    assert foxnn.neural_network(tmp_path / "net.onnx").classes is None


@pytest.mark.parametrize("text", ["[", '["a", "b"]', '["a", "b", 3]', "3", "[" * 10_000])
def test_classes_that_are_not_right(text: str, tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 3], output_activation="softmax", seed=1)
    nn.classes = ["a", "b", "c"]
    nn.save(tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    next(p for p in model.metadata_props if p.key == "foxnn_classes").value = text
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(foxnn.FileFormatError, match=r"net\.onnx.*classes"):
        foxnn.neural_network(tmp_path / "net.onnx")


@pytest.mark.parametrize(
    ("picks", "values", "expected"),
    [
        ("ArgMax", ["ant", "bee"], ["ant", "bee"]),
        ("ArgMax", np.array([3, -1]), [3, -1]),
        ("ArgMax", np.array([3, 1], np.int32), [3, 1]),
        ("ArgMin", ["ant", "bee"], None),
        ("ArgMax", ["ant", "bee", "cat"], None),
        ("ArgMax", ["ant", "ant"], None),
    ],
    ids=str,
)
def test_the_labels_among_which_an_output_picks(
    picks: str, values: Any, expected: list[Any] | None, tmp_path: Path
) -> None:
    helper, kind = onnx.helper, onnx.TensorProto
    stored = onnx.numpy_helper.from_array(np.asarray(values), "labels")
    if isinstance(values, list):
        texts = [value.encode() for value in values]
        stored = helper.make_tensor("labels", kind.STRING, [len(values)], texts)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["z"]),
        helper.make_node("Softmax", ["z"], ["p"]),
        helper.make_node(picks, ["p"], ["at"], axis=1),
        helper.make_node("ArrayFeatureExtractor", ["labels", "at"], ["one"], domain="ai.onnx.ml"),
        helper.make_node("Identity", ["one"], ["label"]),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", kind.FLOAT, [None, 4])],
        [
            helper.make_tensor_value_info("label", stored.data_type, None),
            helper.make_tensor_value_info("p", kind.FLOAT, [None, 2]),
        ],
        [onnx.numpy_helper.from_array(np.eye(4, 2, dtype=np.float32), "w"), stored],
    )  # fmt: skip
    imports = [helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx.ml", 1)]
    model = helper.make_model(graph, opset_imports=imports)
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    assert foxnn.neural_network(tmp_path / "net.onnx").classes == expected
    # Names in a ring have no end.
    model.graph.node[-1].input[0] = "label"
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    assert foxnn.neural_network(tmp_path / "net.onnx").classes is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"classlabels_strings": ["ant", "bee"]}, ["ant", "bee"]),
        ({"classlabels_int64s": [3, 1]}, [3, 1]),
        ({"classlabels_strings": ["ant", "bee", "cat"]}, None),
        ({"classlabels_int64s": [1, 1]}, None),
    ],
    ids=str,
)
def test_the_labels_of_a_classifier_of_scikit_learn(
    given: dict[str, Any], expected: list[Any] | None, tmp_path: Path
) -> None:
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    weights = np.arange(8, dtype=np.float32).reshape(4, 2)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["z"]),
        helper.make_node("Softmax", ["z"], ["p"]),
        helper.make_node("ZipMap", ["p"], ["y"], domain="ai.onnx.ml", **given),
    ]
    maps = helper.make_map_type_proto(
        onnx.TensorProto.STRING, helper.make_tensor_type_proto(kind, None)
    )
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", kind, [None, 4])],
        [helper.make_value_info("y", helper.make_sequence_type_proto(maps))],
        [onnx.numpy_helper.from_array(weights, "w")],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 2)]
    model = helper.make_model(graph, ir_version=8, opset_imports=opsets)
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    assert foxnn.neural_network(tmp_path / "net.onnx").classes == expected


# Columns that float32 is too coarse for


def timed(dtype: str, spread: float = 600.0) -> foxnn.neural_network:
    """Return a network that has learnt of timestamps."""
    nn = foxnn.neural_network([2, 3, 1], "tanh", "identity", dtype=dtype, seed=1)
    nn.input_names = ["heat", "time"]
    scaler = foxnn.Scaler().fit([[1.0, 1.7e9 - spread], [3.0, 1.7e9 + spread]])
    nn.input_scaler = scaler
    return nn


def test_timestamps_lose_their_digits(tmp_path: Path) -> None:
    for export in (
        lambda nn: nn.save(tmp_path / "n.onnx"),
        lambda nn: nn.export_c(tmp_path / "n.h"),
    ):
        with pytest.warns(
            UserWarning, match="too coarse for column 'time': numbers near 1.7e"
        ) as told:
            export(timed("float32"))
        assert told[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            export(timed("float64"))
            export(timed("float32", spread=1e7))
    x = np.array([[2.0, 1.7e9 + 50], [2.0, 1.7e9 - 50]])
    nn = timed("float64")
    nn.save(tmp_path / "n.onnx")
    np.testing.assert_allclose(ran(tmp_path / "n.onnx", x), nn.predict(x), rtol=1e-12)
    assert np.ptp(nn.predict(x)) > 0
    with pytest.warns(UserWarning, match="too coarse"):
        timed("float32").save(tmp_path / "n.onnx")
    assert np.ptp(ran(tmp_path / "n.onnx", x.astype(np.float32))) == 0


def test_no_file_is_written_where_the_warning_is_an_error(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for export in (timed("float32").save, timed("float32").export_c):
            with pytest.raises(UserWarning, match="neural_network"):
                export(tmp_path / ("n.h" if "export" in export.__name__ else "n.onnx"))
    assert not list(tmp_path.iterdir())


def test_many_coarse_columns(tmp_path: Path) -> None:
    nn = foxnn.neural_network([5, 1], seed=1)
    rows = 1e9 + np.arange(10.0).reshape(2, 5)
    nn.input_scaler = foxnn.Scaler().fit(rows)
    with pytest.warns(UserWarning, match=r"coarse for columns 0, 1, 2 and 2 more: numbers near"):
        nn.save(tmp_path / "net.onnx")
