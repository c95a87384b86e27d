"""State dicts of PyTorch in safetensors files: the weights and biases of dense layers.

Such a file has arrays by name, `0.weight`, `0.bias`, `fc1.weight` and so on, a weight as outputs x
inputs. It holds neither the order of the layers nor their activations: the order follows from the
shapes and, among layers that could change places, from the numbers in their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.formats.paths import FileFormatError
from foxnn.layers.activations import ActivationPair, parse_activations
from foxnn.model.losses import CLASSIFYING, joined
from foxnn.support import pieces

# More than any network of dense layers has: the search for their order takes up to a second.
_MOST_LAYERS = 200
_TYPES = {"F16": np.float32, "F32": np.float32, "F64": np.float64}
# Bytes that the library needs beside arrays, for names and for Python's own objects.
_ROOM = 2**22


class Dense(NamedTuple):
    """A dense layer: the name before `.weight`, and the number of its inputs and outputs."""

    name: str
    inputs: int
    outputs: int
    has_bias: bool


class Found(NamedTuple):
    """The layers of a file, from the input to the output."""

    layers: list[Dense]
    parameters: list[tuple[Array, Array]]  # weights as inputs x outputs
    dtype: str


def read(path: str) -> Found:
    """Return the layers that a file holds.

    Raises
    ------
    foxnn.FileFormatError
        If it holds other arrays, or layers of which no order is certain.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as tensors:
            parts = {name: tensors.get_slice(name) for name in tensors.keys()}  # noqa: SIM118
            layers = _in_order(path, _layers(path, parts))
            kinds = {parts[_named(layer.name, "weight")].get_dtype() for layer in layers}
            numbers = sum((layer.inputs + 1) * layer.outputs for layer in layers)
            checks.memory(numbers * 8 + _ROOM)
            parameters = [_parameters(layer, parts) for layer in layers]
    except SafetensorError as error:
        raise FileFormatError(f"{path}: expected a safetensors file: {str(error)[:200]}") from None
    return Found(layers, parameters, "float64" if "F64" in kinds else "float32")


def activations(
    path: str, found: Found, hidden: Any, output: Any, loss: str | None
) -> list[ActivationPair]:
    """Return the activations of the layers, which the user must tell; None where he does not."""
    count = len(found.layers)
    is_list = isinstance(hidden, list)
    if output is None and not is_list and loss in CLASSIFYING:
        (output,) = joined(loss or "")
    lacks_hidden = hidden is None and count > 1
    lacks_output = output is None and not is_list and not (count == 1 and hidden is not None)
    if lacks_hidden or lacks_output:
        names = ", ".join(layer.name or "weight" for layer in found.layers[:5])
        missing = "activation" if lacks_hidden else "output_activation"
        raise FileFormatError(
            f"{path}: {missing} must be given for a state dict ({names}{', ...' * (count > 5)}; a "
            "file without 'foxnn' in its metadata), which does not tell it: such as "
            "activation='relu', output_activation='identity', or loss='cross_entropy' for logits"
        )
    return parse_activations("identity_x" if hidden is None else hidden, output, count)


def _layers(path: str, parts: dict[str, Any]) -> list[Dense]:
    found = []
    biases = {name for name in parts if name.rpartition(".")[2] == "bias"}
    for name, part in parts.items():
        shape, kind = tuple(part.get_shape()), part.get_dtype()
        layer, _, what = name.rpartition(".")
        is_dense = what == "weight" and len(shape) == 2 and min(shape) > 0
        if not is_dense and name not in biases:
            raise _unlike(path, name, shape)
        if kind not in _TYPES:
            raise FileFormatError(
                f"{path}: expected {checks.shown(name)} as F32, F64 or F16, got {kind}"
            )
        if is_dense:
            bias = _named(layer, "bias")
            if bias in biases:
                biases.remove(bias)
                got = tuple(parts[bias].get_shape())
                if got != shape[:1]:
                    raise FileFormatError(
                        f"{path}: expected {checks.shown(bias)} of shape {shape[:1]}, since "
                        f"{checks.shown(name)} has shape {shape} (outputs, inputs), got {got}"
                    )
            found.append(Dense(layer, shape[1], shape[0], _named(layer, "bias") in parts))
    if biases:
        name = min(biases)
        raise _unlike(path, name, tuple(parts[name].get_shape()))
    if not 0 < len(found) <= _MOST_LAYERS:
        raise FileFormatError(
            f"{path}: expected a network that foxnn has saved, or from 1 to {_MOST_LAYERS} dense "
            f"layers of a state dict, got {len(found)} (a file without 'foxnn' in its metadata)"
        )
    return found


def _unlike(path: str, name: str, shape: tuple[int, ...]) -> FileFormatError:
    return FileFormatError(
        f"{path}: expected a network that foxnn has saved, or a state dict of dense layers only "
        f"(weights of two axes, and their biases), got {checks.shown(name)} of shape "
        f"{checks.shown(shape)} (a file without 'foxnn' in its metadata)"
    )


def _in_order(path: str, layers: Sequence[Dense]) -> list[Dense]:
    """Return the layers so that each has as many inputs as the one before it has outputs.

    With sizes as points and layers as arrows, that is a walk along every arrow.
    """
    surplus: dict[int, int] = {}
    for layer in layers:
        surplus[layer.inputs] = surplus.get(layer.inputs, 0) + 1
        surplus[layer.outputs] = surplus.get(layer.outputs, 0) - 1
    starts = [size for size, count in surplus.items() if count > 0]
    left, order = list(layers), list[Dense]()
    while left:
        here = order[-1].outputs if order else starts[0] if starts else None
        following = [layer for layer in left if here is None or layer.inputs == here]
        # Layers of the same sizes can change places.
        by_sizes = {layer[1:3]: layer for layer in following}
        right = {sizes: _reaches(layer, left) for sizes, layer in by_sizes.items()}
        following = [layer for layer in following if right[layer[1:3]]]
        if not following:
            sizes = ", ".join(f"{e.name or 'weight'} {e.inputs} to {e.outputs}" for e in layers[:6])
            raise FileFormatError(f"{path}: expected dense layers in sequence, got {sizes}")
        if len({re.sub("[0-9]+", "0", layer.name) for layer in following}) > 1:
            names = ", ".join(checks.shown(layer.name) for layer in following[:4])
            raise FileFormatError(
                f"{path}: expected layers whose order is certain, but {names} can change places: "
                "number them (0.weight, 1.weight, ...)"
            )
        order.append(min(following, key=lambda layer: _numbers(layer.name)))
        left.remove(order[-1])
    return order


def _reaches(layer: Dense, left: Iterable[Dense]) -> bool:
    """Return whether all others that are left can still follow a layer."""
    others = [other for other in left if other is not layer]
    arrows: dict[int, set[int]] = {}
    for other in others:
        arrows.setdefault(other.inputs, set()).add(other.outputs)
    seen, waiting = {layer.outputs}, [layer.outputs]
    while waiting:
        for size in arrows.get(waiting.pop(), ()):
            if size not in seen:
                seen.add(size)
                waiting.append(size)
    return all(other.inputs in seen for other in others)


def _numbers(name: str) -> list[tuple[int, str]]:
    """Return the numbers in a name, of however many digits, so that they compare as numbers."""
    found = [digits.lstrip("0") for digits in re.findall("[0-9]+", name)]
    return [(len(digits), digits) for digits in found]


def _parameters(layer: Dense, parts: dict[str, Any]) -> tuple[Array, Array]:
    weights = _array(parts[_named(layer.name, "weight")]).T
    if not layer.has_bias:
        return weights, np.zeros(layer.outputs)
    return weights, _array(parts[_named(layer.name, "bias")])


def _array(part: Any) -> Array:
    out = np.empty(part.get_shape(), _TYPES[part.get_dtype()])
    for rows in pieces.slices(out):
        out[rows] = part[rows]
    return out


def _named(layer: str, what: str) -> str:
    return f"{layer}.{what}" if layer else what
