"""ONNX files, read: those that foxnn writes, and those of other libraries if it has the layers.

The file is data: it is parsed and examined, and nothing in it is run.
"""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.formats.onnx.chain import Affine, chain_of
from foxnn.formats.onnx.graph import Graph, NotAChain
from foxnn.formats.onnx.layered import Layered, layered_of
from foxnn.formats.onnx.layered_graph import LayeredGraph
from foxnn.formats.onnx.model_file import ModelFile
from foxnn.formats.onnx.ordering import take_off_order
from foxnn.formats.onnx.recurrent_shapes import NODES
from foxnn.formats.paths import FileFormatError, reading
from foxnn.layers.activations import ActivationPair
from foxnn.layers.kinds import checked_specs, leaves
from foxnn.layers.view import checked_array
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.losses import PUBLIC_LOSSES, SCALABLE_LOSSES, LossLike, as_given
from foxnn.model.scaler import METHODS, Scaler
from foxnn.support import extras


class Found(NamedTuple):
    """What a file says about a network."""

    sizes: list[int]
    activations: list[ActivationPair]
    parameters: list[tuple[Array, Array]]
    dtype: str
    loss: LossLike | None
    input_scaler: Scaler | None
    output_scaler: Scaler | None
    classes: Any


class FoundLayers(NamedTuple):
    """What a file with layers of other kinds says about a network."""

    layers: Layered
    loss: LossLike | None
    input_scaler: Scaler | None
    output_scaler: Scaler | None
    classes: Any


# A number of steps with which a graph of sequences of any length is read, larger than most windows.
# What a layer is may depend on the rest of the steps by its stride, and by those of the layers
# before it, so that as many numbers as the product of all strides are tried.
_TRIED = 1009
_MOST_TRIED = 256

# What only networks with recurrent layers have.
_OF_LAYERS = (*NODES, "Loop", "ReverseSequence")

# A graph that is no chain and has more nodes than this is not read a second time.
_MOST_NODES = 100_000


def read(path: str) -> Found | FoundLayers:
    """Return what a file says about a network.

    Raises
    ------
    OSError
        If the file cannot be read.
    ImportError
        If onnx is missing.
    foxnn.FileFormatError
        If it is not an ONNX file, or holds what foxnn does not have; the message names the node.
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
    if (each := _quantiles(_said(model))) > 1:
        take_off_order(onnx, model, each)
    with np.errstate(all="ignore"):  # what is not finite is refused where it is given to a layer
        if _said(model).get("foxnn_layers"):
            return _found_layers(path, model)
        try:
            return _found(Graph(path, model))
        except FileFormatError as error:
            if not _may_be_layered(model):
                raise
            refused = error
        try:
            return _found_layers(path, model)
        except FileFormatError as error:
            # A node that stands for a whole layer says best why it is not read.
            if any(node.op_type in _OF_LAYERS for node in model.graph.node[:_MOST_NODES]):
                raise error from None
            if isinstance(refused, NotAChain):
                raise
            raise refused from None


def _may_be_layered(model: Any) -> bool:
    """Return whether a graph that is no chain may hold branches of layers."""
    return len(model.graph.input) > 0 and len(model.graph.node) < _MOST_NODES


def _found_layers(path: str, model: Any) -> FoundLayers:
    graph = LayeredGraph(path, model, _TRIED if _has_any_length(model) else 0)
    layers, said = layered_of(graph), _said(graph.model)
    if _has_any_length(model):
        period = _period(model)
        if period > _MOST_TRIED:
            raise graph.error(
                f"expected strides whose product is at most {_MOST_TRIED} where there may be any "
                f"number of steps, got {period}"
            )
        # At least one other, which has other arrays where sizes depend on the steps.
        for steps in range(_TRIED + 1, _TRIED + max(period, 2)):
            other = LayeredGraph(path, model, steps)
            if not _is_same(layers, layered_of(other)) or layers.shape[1:] != other.shape[1:]:
                raise graph.error("expected layers that are the same for any number of steps")
        layers = layers._replace(shape=(None, *layers.shape[1:]))
    scalers: list[Scaler | None] = []
    for pair, name in ((layers.before, "input"), (layers.behind, "output")):
        affine = None if pair is None else Affine(*pair)
        width = 0 if pair is None else pair[0].size
        scaler = _scaler(affine, width, said.get(f"foxnn_{name}_scaler"))
        if scaler is None and pair is not None:
            raise graph.error(f"expected a scale of the {name}s above 0")
        scalers.append(scaler)
    before, behind = scalers
    return FoundLayers(layers, _loss(said), before, behind, _classes(graph, said))


def _period(model: Any) -> int:
    """Return the product of all strides over steps."""
    strides = [
        attribute.ints[0]
        for node in model.graph.node
        for attribute in node.attribute
        if attribute.name == "strides" and attribute.ints
    ]
    return math.prod(max(1, stride) for stride in strides)


def _has_any_length(model: Any) -> bool:
    """Return whether the input of a graph says all of its lengths but that of the first axis."""
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = [given for given in model.graph.input if given.name not in stored]
    lengths = [int(d.dim_value) for d in inputs[0].type.tensor_type.shape.dim] if inputs else []
    return len(lengths) in (2, 3) and lengths[1] == 0 and 0 not in lengths[2:]


def _is_same(first: Layered, second: Layered) -> bool:
    """Return whether layers are the same, but for the number of steps they were read with."""
    if first.specs != second.specs or first.before is not None or first.behind is not None:
        return False
    pairs = zip(first.arrays, second.arrays, strict=True)
    return all(
        own.keys() == other.keys() and all(np.array_equal(own[n], other[n]) for n in own)
        for own, other in pairs
    )


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
            expected = f"foxnn cannot scale outputs of {activation} this way"
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
        _loss(said),
        before,
        behind,
        _classes(graph, said) or graph.labels_of(len(layers[-1].weights[0])),
    )


def make(
    network: AnsweringNetwork, found: Found | FoundLayers, dtype: str | None, seed: int | None
) -> None:
    """Make a new object of the class the network of a file."""
    if isinstance(found, FoundLayers):
        layers = found.layers
        checked = checked_specs(layers.specs, layers.shape, "layers")
        kind = layers.dtype if dtype is None else dtype
        network._begin(layers.shape, checked.specs, found.loss, kind, seed)
        for leaf, arrays in zip(leaves(network._layers()), layers.arrays, strict=True):
            for name, values in arrays.items():
                array = checked_array(values, name, leaf["arrays"][name], network._single())
                network._set_array(leaf["index"], name, array)
        network._set_scalers(found.input_scaler, found.output_scaler)
        network.classes = found.classes
        return
    kind = found.dtype if dtype is None else dtype
    network._make(found.sizes, found.activations, None, found.loss, "zeros", kind, seed)
    for part, (weights, bias) in zip(network, found.parameters, strict=True):
        part.weights, part.bias = weights, bias
    network._set_scalers(found.input_scaler, found.output_scaler)
    network.classes = found.classes


def _said(model: Any) -> dict[str, str]:
    """Return what foxnn writes beside the graph; nothing for other files."""
    if model.producer_name != "foxnn":
        return {}
    said = {given.key: given.value for given in model.metadata_props}
    if said.get("foxnn_loss") not in PUBLIC_LOSSES:
        said.pop("foxnn_loss", None)
    return said


def _loss(said: dict[str, str]) -> LossLike | None:
    """Return the loss that a file says, which the network checks."""
    name = said.get("foxnn_loss")
    if name is None or "foxnn_loss_parameters" not in said:
        return name
    try:
        numbers = json.loads(said["foxnn_loss_parameters"])
        return as_given(name, [float(number) for number in numbers])
    except (ValueError, TypeError, IndexError, RecursionError):
        return None


def _quantiles(said: dict[str, str]) -> int:
    """Return how many quantiles of each target a network says it has."""
    loss = _loss(said)
    if not isinstance(loss, tuple) or loss[0] != "quantile":
        return 0
    return len(loss[1]) if isinstance(loss[1], list) else 1


def _classes(graph: ModelFile, said: dict[str, str]) -> Any:
    """Return the labels of the classes, which the network checks."""
    if (text := said.get("foxnn_classes")) is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise graph.error(f"expected labels as foxnn_classes, got {checks.shown(text)}") from None


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
