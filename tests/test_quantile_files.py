"""Networks with several quantiles as ONNX files and C headers, which put them into order, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn.formats.paths import FileFormatError
from test_c_export import COMPILERS, function, self_test
from test_c_recurrent import Stream

RNG = np.random.default_rng(0)
Q = ("quantile", [0.1, 0.5, 0.9])

# Items, and the loss.
NETWORKS: dict[str, tuple[Any, Any]] = {
    "one target": ([4, 8, 3], Q),
    "two targets": ([4, 8, 6], Q),
    "no hidden layer": ([4, 2], ("quantile", [0.2, 0.8])),
    "activation": ([4, 8, foxnn.Activation("tanh"), foxnn.Dense(3), foxnn.Activation("tanh")], Q),
    "positions": ([(5, 2), foxnn.Conv1D(4, 3), foxnn.Conv1D(6, 1)], Q),
    "channels before positions": ([(6, 6, 1), foxnn.Conv2D(3, 3)], Q),
    "steps": ([(4, 3), foxnn.LSTM(5, return_sequences=True), foxnn.Dense(6)], Q),
    "any length": ([(None, 3), foxnn.GRU(5, return_sequences=True), foxnn.Dense(6)], Q),
    "its end": ([(None, 3), foxnn.GRU(5), 3], Q),
}


def network(name: str, dtype: str = "float32") -> foxnn.neural_network:
    items, loss = NETWORKS[name]
    end = None if name == "activation" else "identity"
    return foxnn.neural_network(items, "tanh", end, loss=loss, seed=3, dtype=dtype)


def samples(nn: foxnn.neural_network, count: int = 40) -> np.ndarray:
    shape = [7 if length is None else length for length in nn._input_shape()]
    return np.random.default_rng(1).normal(size=(count, *shape)).astype(nn.dtype)


def crossed(nn: foxnn.neural_network, x: np.ndarray) -> bool:
    """Return whether the layers alone would give quantiles out of order."""
    last = list(nn.layer_outputs(x).values())[-1]
    each = len(nn.loss[1])
    return bool((np.diff(last.reshape(-1, each), axis=1) < 0).any())


def run(path: Path, x: np.ndarray) -> np.ndarray:
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


@pytest.mark.parametrize(
    ("name", "dtype"),
    # onnxruntime has no float64 convolutions and recurrent layers.
    [
        *((name, "float32") for name in NETWORKS),
        *((name, "float64") for name in list(NETWORKS)[:4]),
    ],
)
def test_onnx_files(name: str, dtype: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    nn, path = network(name, dtype), tmp_path / "net.onnx"
    x = samples(nn)
    expected = nn.predict(x)
    assert crossed(nn, x)
    nn.save(path)
    near = 2e-6 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(run(path, x), expected, rtol=0, atol=near)
    # Read back, it is the same network: layers, loss, and its order.
    again = foxnn.neural_network(path)
    assert again.loss == nn.loss
    assert [type(part) for part in again] == [type(part) for part in nn]
    assert again.predict(x).tobytes() == expected.tobytes()
    again.save(tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == path.read_bytes()


def changed(path: Path, change: Any) -> foxnn.neural_network:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(path)
    change(onnx, model)
    onnx.save(model, path)
    return foxnn.neural_network(path)


def test_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    path = tmp_path / "net.onnx"
    network("one target").save(path)
    data = path.read_bytes()
    # Of what the last node gives, which is the graph's output.
    outputs = b"\x01y\x12\x11y_in_order.places"
    assert data.count(outputs) == 1
    path.write_bytes(data.replace(outputs, outputs.replace(b"\x01y", b"\x01\xbe", 1)))
    with pytest.raises(FileFormatError, match="an output that depends on the input"):
        foxnn.neural_network(path)


def test_an_order_that_is_not_foxnns_is_refused(tmp_path: Path) -> None:
    """It is no layer; only what foxnn writes behind its own layers is taken off."""
    path = tmp_path / "net.onnx"

    def top_k(model: Any) -> Any:
        (node,) = (node for node in model.graph.node if node.op_type == "TopK")
        return node

    def largest(onnx: Any, model: Any) -> None:
        for attribute in top_k(model).attribute:
            if attribute.name == "largest":
                attribute.i = 1

    def fewer(onnx: Any, model: Any) -> None:
        for tensor in model.graph.initializer:
            if tensor.name == top_k(model).input[1]:
                tensor.CopyFrom(onnx.numpy_helper.from_array(np.array([2]), tensor.name))

    def places(onnx: Any, model: Any) -> None:
        model.graph.output[0].name = top_k(model).output[1]

    def other_groups(onnx: Any, model: Any) -> None:
        for tensor in model.graph.initializer:
            if tensor.name == "y_by_target.shape":
                tensor.CopyFrom(onnx.numpy_helper.from_array(np.array([0, 3, 2]), tensor.name))

    def another_library(onnx: Any, model: Any) -> None:
        model.producer_name = "another"

    def no_outputs(onnx: Any, model: Any) -> None:
        del model.graph.node[-1].output[:]

    def no_inputs(onnx: Any, model: Any) -> None:
        del model.graph.node[-3].input[:]

    changes = (largest, fewer, places, other_groups, another_library, no_outputs, no_inputs)
    for change in changes:
        network("two targets").save(path)
        with pytest.raises(FileFormatError, match=r"TopK|Reshape|y_|output"):
            changed(path, change)


@pytest.mark.skipif(not COMPILERS, reason="there is no C compiler")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["one target", "two targets", "positions", "steps"])
def test_c_headers(name: str, dtype: str, tmp_path: Path) -> None:
    nn, path = network(name, dtype), tmp_path / "net.h"
    x = samples(nn)
    assert crossed(nn, x)
    nn.export_c(path)
    done = self_test(path)
    assert done.returncode == 0, done.stdout
    found = function(path, dtype)(x.reshape(len(x), -1))
    near = 2e-6 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(found, nn.predict(x).reshape(len(x), -1), rtol=0, atol=near)


@pytest.mark.skipif(not COMPILERS, reason="there is no C compiler")
def test_c_headers_of_8_bits(tmp_path: Path) -> None:
    nn, path = network("two targets"), tmp_path / "net.h"
    x = samples(nn)
    report = nn.export_c(path, weights="int8", samples=(x, np.zeros((len(x), 2), np.float32)))
    found = function(path)(x).reshape(-1, 3)
    assert (np.diff(found, axis=1) >= 0).all()
    largest = np.abs(found.reshape(len(x), -1) - nn.predict(x)).max()
    assert largest == pytest.approx(report["largest_difference"], abs=1e-5)
    assert report["loss"] == pytest.approx(nn.evaluate(x, np.zeros((len(x), 2)))["loss"])


@pytest.mark.skipif(not COMPILERS, reason="there is no C compiler")
@pytest.mark.parametrize("name", ["any length", "its end"])
def test_steps_in_c(name: str, tmp_path: Path) -> None:
    nn, path = network(name), tmp_path / "net.h"
    nn.export_c(path)
    assert self_test(path).returncode == 0
    x = samples(nn, 1)
    stream = Stream(path, "float32")
    stream.reset(0)
    found = [stream.step(one) for one in x[0]]
    ends = nn.predict(x)[0]
    expected = ends if name == "any length" else ends[None]
    np.testing.assert_allclose(found[-len(expected) :], expected, rtol=0, atol=2e-6)
    assert crossed(nn, x)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimators_through_skl2onnx() -> None:
    pytest.importorskip("sklearn")
    skl2onnx = pytest.importorskip("skl2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    from foxnn.sklearn import MLPRegressor

    x = RNG.normal(size=(60, 4)).astype(np.float32)
    y = x[:, 0] + RNG.normal(size=60)
    levels = [0.3, 0.4, 0.5, 0.6]
    model = MLPRegressor("quantile", (8,), quantiles=levels, max_iter=3, random_state=0).fit(x, y)
    made = skl2onnx.to_onnx(model, x)
    session = onnxruntime.InferenceSession(made.SerializeToString())
    (found,) = session.run(None, {"X": x})
    assert crossed(model.network_, x)
    assert found.shape == (60, 4)
    np.testing.assert_allclose(found, model.predict(x), rtol=0, atol=2e-6)
