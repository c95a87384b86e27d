"""ONNX files, read: those that foxnn writes, and networks of dense layers from other libraries.

The file is data: it is parsed and looked at, and nothing of it is run.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.formats.onnx.chain import Affine, chain_of
from foxnn.formats.onnx.graph import Graph
from foxnn.formats.paths import FileFormatError, reading
from foxnn.layers.activations import ActivationPair
from foxnn.model.losses import SCALABLE_LOSSES
from foxnn.model.scaler import METHODS, Scaler
from foxnn.support import extras


class Found(NamedTuple):
    """What a file says of a network."""

    sizes: list[int]
    activations: list[ActivationPair]
    parameters: list[tuple[Array, Array]]
    dtype: str
    loss: str | None
    input_scaler: Scaler | None
    output_scaler: Scaler | None


def read(path: str) -> Found:
    """Return what a file says of a network.

    Raises
    ------
    OSError
        Where the file cannot be read.
    ImportError
        Where onnx is missing.
    foxnn.FileFormatError
        Where it is no ONNX file, or holds what foxnn does not have; the message names the node.
    """
    with reading(path) as file:
        data = file.read()
    checks.memory(3 * len(data) + 2**22)  # the graph, and its arrays
    onnx = extras.library("onnx", "onnx", "an .onnx file")
    message = extras.library("google.protobuf.message", "onnx", "an .onnx file")
    try:
        model = onnx.ModelProto.FromString(data)
    except message.DecodeError:
        raise FileFormatError(f"{path}: expected an ONNX file") from None
    with np.errstate(all="ignore"):  # what is not finite is refused where it is given to a layer
        return _found(Graph(path, model))


def _found(graph: Graph) -> Found:
    chain = chain_of(graph)
    said = _said(graph.model)
    layers = list(chain.layers)
    before, behind = (
        _scaler(affine, width, said.get(f"foxnn_{name}_scaler"))
        for affine, width, name in (
            (chain.first, len(layers[0].weights), "input"),
            (_undone(chain.last), layers[-1].weights.shape[1], "output"),
        )
    )
    if before is None:
        layers[0] = layers[0].behind(chain.first)
    activation = layers[-1].activation[0]
    # Its usual loss, the cross-entropy, is not for scaled outputs.
    if activation == "softmax" and said.get("foxnn_loss") not in SCALABLE_LOSSES:
        behind = None
    if behind is None and chain.last is not None:
        if activation != "identity_x":
            expected = f"foxnn cannot scale the outputs of {activation} so"
            raise graph.refused(graph.step(len(graph.steps) - 1).node, expected)
        layers[-1] = layers[-1].before(chain.last)
    return Found(
        [len(layers[0].weights), *(layer.weights.shape[1] for layer in layers)],
        [layer.activation for layer in layers],
        [
            (layer.weights, np.zeros(layer.weights.shape[1]) if layer.bias is None else layer.bias)
            for layer in layers
        ],
        chain.dtype,
        said.get("foxnn_loss"),
        before,
        behind,
    )


def fill(network: Any, found: Found) -> None:
    """Give a new network of these sizes and activations its numbers."""
    for part, (weights, bias) in zip(network, found.parameters, strict=True):
        part.weights, part.bias = weights, bias
    network._set_scalers(found.input_scaler, found.output_scaler)


def _said(model: Any) -> dict[str, str]:
    """Return what foxnn writes beside the graph; of other files nothing."""
    if model.producer_name != "foxnn":
        return {}
    said = {given.key: given.value for given in model.metadata_props}
    if said.get("foxnn_loss") not in _core.losses():
        said.pop("foxnn_loss", None)
    return said


def _undone(affine: Affine | None) -> Affine | None:
    """Return how outputs were scaled for the training, where they are scaled back."""
    if affine is None:
        return None
    with np.errstate(all="ignore"):
        return Affine(-affine.shift / affine.scale, 1.0 / affine.scale)


def _scaler(affine: Affine | None, width: int, method: str | None) -> Scaler | None:
    """Return a scaler that does the same, or None where a factor is not above 0."""
    if affine is None or not affine.is_sound() or not (affine.scale > 0).all():
        return None
    scaler = Scaler(method if method in METHODS else "standard")
    scaler.shift = np.array(np.broadcast_to(affine.shift, width), np.float64)
    scaler.scale = np.array(np.broadcast_to(affine.scale, width), np.float64)
    return scaler
