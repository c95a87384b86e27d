"""Operations of an ONNX graph as layers: one operation, one leaf of the tree of layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from foxnn.checks import Array
from foxnn.formats.onnx import window_leaves
from foxnn.formats.onnx.gates import from_onnx
from foxnn.formats.onnx.graph import NO_SUCH_NODE
from foxnn.formats.onnx.layered_graph import LayeredGraph, Operation
from foxnn.formats.onnx.window_shapes import POOLS, RESIZES, WINDOWED
from foxnn.layers.activations import ActivationPair

Spec = dict[str, Any]

# The operations that become dense layers.
DENSE = ("Gemm", "MatMul")

# The layers that have weights and a bias.
WITH_BIAS = ("dense", "conv1d", "conv2d", "conv3d")

_IDENTITY: ActivationPair = ("identity_x", [])

# Near the usual 0.00001, and a power of two, so that sums with it are exact.
_EPSILON = 2.0**-17


@dataclass
class Leaf:
    """A layer with its arrays."""

    spec: Spec
    arrays: dict[str, Array] = field(default_factory=dict)
    #: Whether a dense layer over all positions that follows it does the same without it.
    is_flat_before: bool = True
    #: How many sums and products with constants went into its arrays.
    joined: int = 0
    #: Whether it is made of these alone.
    is_scaling: bool = False

    @property
    def is_linear(self) -> bool:
        """Whether it is a layer of weights that has no activation yet."""
        return self.spec["kind"] in WITH_BIAS and self.takes_activation

    @property
    def takes_activation(self) -> bool:
        """Whether it is a layer that has no activation yet."""
        return bool(self.spec["options"].get("activation") == "identity_x")


def leaf_of(graph: LayeredGraph, step: Operation, cut: int) -> Leaf:
    """Return the layer that an operation is, after the value `cut`."""
    if step.kind not in LEAVES:
        raise graph.refused(step.node, NO_SUCH_NODE)
    return LEAVES[step.kind](graph, step, cut)


def activated(kind: str, activation: ActivationPair) -> Spec:
    """Return the spec of a layer of a kind that has an activation."""
    options = {"activation": activation[0], "parameters": list(activation[1])}
    return {"kind": kind, "options": options}


def identity() -> Leaf:
    """Return a layer that changes nothing: a branch must have at least one layer."""
    return Leaf(activated("activation", _IDENTITY))


def _dense(graph: LayeredGraph, step: Operation, cut: int) -> Leaf:
    weights, given = step.inputs[1], step.given
    assert isinstance(weights, np.ndarray)  # as the graph has checked
    graph.take(step.node, weights)
    if step.kind == "Gemm":
        weights = weights.T if given.get("transB", 0) else weights
        weights = weights * weights.dtype.type(given.get("alpha", 1.0))
    units = weights.shape[1]
    leaf = Leaf(activated("dense", _IDENTITY), {"weights": weights})
    leaf.spec["options"] |= {"units": units, "bias": False}
    if len(graph.shape_of(cut)) > 1:
        leaf.spec["options"]["each_position"] = True
    bias = step.inputs[2] if len(step.inputs) > 2 else None
    if bias is not None:
        shapes = [(), (1,), (units,), (1, 1), (1, units)]
        if not isinstance(bias, np.ndarray) or bias.shape not in shapes or bias.dtype.kind != "f":
            raise graph.refused(step.node, f"expected a bias of shape ({units},)")
        spread = np.broadcast_to(bias.reshape(-1), (units,))
        leaf.arrays["bias"] = spread * weights.dtype.type(given.get("beta", 1.0))
        del leaf.spec["options"]["bias"]
    return leaf


def scaling_of(step: Operation) -> Leaf | None:
    """Return a sum or product with a constant of each channel as a layer, or None.

    It is what exporters leave of a BatchNormalization that cannot go into a layer before it, and
    becomes one whose statistics change nothing: mean 0, and a variance that is 1 with epsilon.
    """
    bias, factor = bias_of(step), factor_of(step)
    constant = bias if bias is not None else factor
    if constant is None:
        return None
    zeros, ones = np.zeros_like(constant), np.ones_like(constant)
    arrays = {
        "weights": ones if factor is None else factor,
        "bias": zeros if bias is None else bias,
        "running_mean": zeros,
        "running_variance": ones - constant.dtype.type(_EPSILON),
    }
    spec = {"kind": "batch_norm", "options": {"epsilon": _EPSILON, "momentum": 0.9}}
    return Leaf(spec, arrays, is_scaling=True)


def bias_of(step: Operation) -> Array | None:
    """Return the constant that a sum adds to the channels, or None."""
    bias = _of_channels(step, "Add", "Sub")
    return -bias if bias is not None and step.kind == "Sub" else bias


def factor_of(step: Operation) -> Array | None:
    """Return the constant that a product has for the channels, or None."""
    factor = _of_channels(step, "Mul", "Div")
    return 1.0 / factor if factor is not None and step.kind == "Div" else factor


def _of_channels(step: Operation, *kinds: str) -> Array | None:
    """Return a constant of one number for each channel; of the second kind it comes second."""
    if step.kind not in kinds or len(step.inputs) != 2:
        return None
    if step.kind == kinds[1] and not isinstance(step.inputs[0], int):
        return None
    constants = [i for i in step.inputs if isinstance(i, np.ndarray)]
    width = step.shape[-1]
    if len(constants) != 1 or constants[0].size != width or constants[0].dtype.kind != "f":
        return None
    return constants[0].reshape(-1) if constants[0].shape[-1:] == (width,) else None


def _flatten(graph: LayeredGraph, step: Operation, cut: int) -> Leaf:
    is_flat = len(graph.shape_of(cut)) == 1
    return Leaf({"kind": "flatten", "options": {}}, is_flat_before=is_flat)


def _reshape(graph: LayeredGraph, step: Operation, cut: int) -> Leaf:
    return Leaf({"kind": "reshape", "options": {"shape": [float(n) for n in step.shape]}})


def _windowed(graph: LayeredGraph, step: Operation, cut: int) -> Leaf:
    shape = graph.shape_of(cut)
    if step.kind == "Conv":
        made = window_leaves.conv(step.given, step.inputs, shape)
        graph.take(step.node, made[2]["weights"])
    elif step.kind in POOLS:
        made = window_leaves.pool(step.kind, step.given, step.inputs, shape)
    elif step.kind in (*RESIZES, "Tile"):
        made = window_leaves.up_sample(step.kind, step.given, step.inputs, shape)
    else:
        made = window_leaves.global_pool(step.kind)
    kind, options, arrays = made
    return Leaf({"kind": kind, "options": options}, arrays)


def _dropout(graph: LayeredGraph, step: Operation, cut: int) -> Leaf:
    rate = step.inputs[1]
    assert isinstance(rate, np.ndarray)  # as the graph has checked
    shortest = float(str(rate.ravel()[0]))
    return Leaf({"kind": "dropout", "options": {"rate": shortest}})


def _layer_norm(graph: LayeredGraph, step: Operation, cut: int) -> Leaf:
    width = step.shape[-1]
    scale, bias = (*step.inputs[1:3], None, None)[:2]
    if bias is None and isinstance(scale, np.ndarray):
        bias = np.zeros_like(scale)
    arrays = {
        name: array
        for name, array in (("weights", scale), ("bias", bias))
        if isinstance(array, np.ndarray) and array.shape == (width,) and array.dtype.kind == "f"
    }
    if len(arrays) < 2:
        raise graph.refused(step.node, f"expected a scale and a bias of shape ({width},)")
    options = {"epsilon": shortest(step.given.get("epsilon", 1e-5))}
    return Leaf({"kind": "layer_norm", "options": options}, arrays)


def shortest(number: float) -> float:
    """Return the number that a float32 of the file was written as."""
    return float(str(np.float32(number)))


def _batch_norm(graph: LayeredGraph, step: Operation, cut: int) -> Leaf:
    names = "weights", "bias", "running_mean", "running_variance"
    arrays = {
        name: array
        for name, array in zip(names, step.inputs[1:], strict=True)
        if isinstance(array, np.ndarray)  # as the graph has checked
    }
    usual = {"epsilon": 1e-5, "momentum": 0.9}
    options = {name: shortest(step.given.get(name, value)) for name, value in usual.items()}
    return Leaf({"kind": "batch_norm", "options": options}, arrays)


def _recurrent(graph: LayeredGraph, step: Operation, cut: int) -> Leaf:
    kind, options = step.given["kind"], dict(step.given["options"])
    weights, recurrent, bias = step.inputs[1:]
    assert isinstance(weights, np.ndarray)  # as the graph has checked
    assert isinstance(recurrent, np.ndarray)
    arrays: dict[str, Array] = {}
    for i, way in enumerate(("", "reverse_")[: len(weights)]):
        graph.take(step.node, weights[i])
        graph.take(step.node, recurrent[i])
        arrays[f"{way}weights"] = from_onnx(kind, weights[i])
        arrays[f"{way}recurrent_weights"] = from_onnx(kind, recurrent[i])
        if isinstance(bias, np.ndarray):
            own, other = (from_onnx(kind, half) for half in np.split(bias[i], 2))
            if kind == "gru":
                arrays[f"{way}recurrent_bias"] = other
            arrays[f"{way}bias"] = own + other if kind != "gru" and other.any() else own
    if bias is None:
        options["bias"] = False
    return Leaf({"kind": kind, "options": options}, arrays)


def _embedding(graph: LayeredGraph, step: Operation, cut: int) -> Leaf:
    table = step.inputs[1]
    assert isinstance(table, np.ndarray)  # as the graph has checked
    graph.take(step.node, table)
    count, size = table.shape
    spec = {"kind": "embedding", "options": {"count": count, "size": size}}
    return Leaf(spec, {"weights": table})


#: How each operation is read: from the graph, the operation, and the number of the value before it.
LEAVES: dict[str, Callable[[LayeredGraph, Operation, int], Leaf]] = {
    "Gemm": _dense,
    "MatMul": _dense,
    "Flatten": _flatten,
    **dict.fromkeys(("Reshape", "Squeeze", "Unsqueeze", "Relaid", "AtOne"), _reshape),
    **dict.fromkeys((*WINDOWED, "Tile"), _windowed),
    "Dropout": _dropout,
    "BatchNormalization": _batch_norm,
    "Gather": _embedding,
    "LayerNormalization": _layer_norm,
    "Recurrent": _recurrent,
}
