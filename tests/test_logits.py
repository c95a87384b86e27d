"""ONNX files that end in logits, or in their logarithms: what the losses of others expect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from test_onnx_graphs import B, Graph, W, X, dense, read, second, start

onnx = pytest.importorskip("onnx")
reference = pytest.importorskip("onnx.reference")

LABELS = np.arange(len(X)) % 2


def softmax(z: Any) -> Any:
    shares = np.exp(z - z.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def outputs(graph: Graph) -> Any:
    """Return what the graph itself gives for X."""
    return reference.ReferenceEvaluator(graph.model(17)).run(None, {"x": X.astype(np.float64)})[0]


def loaded(graph: Graph, folder: Path, loss: str) -> foxnn.neural_network:
    (folder / "g.onnx").write_bytes(graph.model(17).SerializeToString())
    return foxnn.neural_network(folder / "g.onnx", loss=loss, seed=1)


# A residual part and LayerNormalization cannot be read as a chain.
def in_branches() -> Graph:
    graph = second(dense().add("Relu"))
    return graph.add("Add", None, "v1")


LOGITS: dict[str, Callable[[], Graph]] = {
    "Gemm": dense,
    "MatMul": lambda: start().add("MatMul", None, W),
    "two layers": lambda: second(dense().add("Relu")),
    "divided by a temperature": lambda: dense().add("Div", None, 2.5),
    "scaled and shifted": lambda: dense().add("Mul", None, [3.0, 2.0]).add("Add", None, B),
    "a residual part": in_branches,
    "a residual part, then Gemm": lambda: second(in_branches()),
    "LayerNormalization": lambda: dense().add("LayerNormalization", None, B, B, axis=-1),
}


@pytest.mark.parametrize(
    ("loss", "function"), [("cross_entropy", softmax), ("binary_cross_entropy", sigmoid)]
)
@pytest.mark.parametrize("name", LOGITS)
def test_logits_get_the_activation_of_their_loss(
    name: str, loss: str, function: Callable[[Any], Any], tmp_path: Path
) -> None:
    graph = LOGITS[name]()
    nn = loaded(graph, tmp_path, loss)
    assert (nn.loss, nn.dtype) == (loss, "float64")
    assert nn.output_scaler is None
    # A normalization of two nearly equal numbers makes rounding errors a hundred times larger.
    within = 1e-10 if name == "LayerNormalization" else 1e-12
    np.testing.assert_allclose(nn.predict(X), function(outputs(graph)), rtol=within, atol=1e-14)
    y = np.eye(2)[LABELS]
    before = nn.evaluate(X, y)["loss"]
    assert nn.fit(X, y, epochs=5, learning_rate=0.01)["loss"][-1] < before
    nn.save(tmp_path / "again.onnx")
    again = foxnn.neural_network(tmp_path / "again.onnx", loss=loss)
    assert again.predict(X) == pytest.approx(nn.predict(X), rel=1e-12)


def test_other_losses_leave_the_sums_alone(tmp_path: Path) -> None:
    for loss in ("mse", "huber", None):
        nn = loaded(dense(), tmp_path, loss) if loss else read(dense(), tmp_path)
        np.testing.assert_allclose(nn.predict(X), outputs(dense()), rtol=1e-12)
    with pytest.raises(ValueError, match="'cross_entropy' needs a softmax output layer"):
        loaded(dense().add("Sigmoid"), tmp_path, "cross_entropy")
    with pytest.raises(ValueError, match="poisson"):
        loaded(dense(), tmp_path, "poisson")


@pytest.mark.parametrize("given", [{}, {"axis": 1}, {"axis": -1}], ids=str)
@pytest.mark.parametrize("name", ["chain", "branches"])
def test_log_softmax_is_read_as_softmax(name: str, given: dict[str, int], tmp_path: Path) -> None:
    graph = (dense() if name == "chain" else in_branches()).add("LogSoftmax", None, **given)
    nn = read(graph, tmp_path)
    assert nn.loss == "cross_entropy"
    np.testing.assert_allclose(nn.predict(X), np.exp(outputs(graph)), rtol=1e-12)


def test_log_softmax_elsewhere_is_refused(tmp_path: Path) -> None:
    for graph, message in (
        (second(dense().add("LogSoftmax")), "softmax after the last layer only"),
        (dense().add("LogSoftmax").add("Neg"), "cannot scale outputs of softmax"),
        (dense().add("LogSoftmax", None, axis=0), "over the outputs of a sample"),
    ):
        with pytest.raises(foxnn.FileFormatError, match=message):
            read(graph, tmp_path)
