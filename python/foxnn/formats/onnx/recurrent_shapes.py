"""Nodes RNN, GRU and LSTM of ONNX, and values that do not have their samples first.

Around these nodes exporters turn the axes: steps come before samples, and directions have an axis
of their own. Such values are followed by the letters of their axes until samples are first again,
and only then become outputs of a layer: all states of a sequence, or the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from foxnn.checks import Array
from foxnn.formats.onnx.constants import Attributes, NotRead
from foxnn.formats.onnx.gates import OPERATORS, gates_of
from foxnn.formats.onnx.layout import Value
from foxnn.formats.onnx.shapes import Sizes, sizes_of

#: The nodes, and the kind that each is.
NODES = {operator: kind for kind, operator in OPERATORS.items()}

_ACTIVATIONS = {"rnn": ["tanh"], "gru": ["sigmoid", "tanh"], "lstm": ["sigmoid", "tanh", "tanh"]}
_DIRECTIONS = {b"forward": 1, b"reverse": 1, b"bidirectional": 2}
_TURNED = "expected samples first, and the directions side by side"
BACKWARD = "expected states in the order of time, reversed again after a layer that reads backwards"
_LAST = "expected the last states by the output Y_h, or the last step of one direction"


class Zeros(NamedTuple):
    """A constant of zeros, of whatever shape: the states that a sequence starts with."""


class Lengths(NamedTuple):
    """The same length for every sample."""

    steps: int


class Recurrent(NamedTuple):
    """A node whose outputs are still to be taken."""

    node: Any
    kind: str
    source: Value
    arrays: tuple[Array, Array, Array | None]  # by direction
    is_reverse: bool

    @property
    def units(self) -> int:
        """Numbers of a state."""
        return int(self.arrays[1].shape[-1])


class Turned(NamedTuple):
    """A value whose axes are: n samples, t steps, d directions, c channels, l the last step."""

    axes: str
    #: What lies side by side along the directions, or else the channels: a layer and which of its
    #: directions, or a value of the graph.
    parts: tuple[tuple[Recurrent | Value, int], ...]
    #: Whether the last step comes first.
    is_backward: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether samples and steps are in order, and no axis is left that layers do not have."""
        return self.axes in ("ntc", "nc") and not self.is_backward

    def length(self, axis: str) -> int | None:
        """Return the length of an axis; None for the samples."""
        first = self.parts[0][0]
        source = first if isinstance(first, Value) else first.source
        if axis == "c":
            width = [p.shape[-1] if isinstance(p, Value) else p.units for p, _ in self.parts]
            return width[0] if "d" in self.axes else sum(width)
        return {"n": None, "t": source.shape[0], "d": len(self.parts), "l": 1}[axis]


def turned_of(value: Value, perm: Sequence[int] | None) -> Turned | None:
    """Return what a Transpose makes of sequences, if samples do not stay first."""
    if value.flat_of is not None or len(value.order) != 2 or perm is None:
        return None
    if sorted(perm) != [0, 1, 2] or perm[0] == 0:
        return None
    letters = "n" + "".join("tc"[axis] for axis in value.order)
    return Turned("".join(letters[axis] for axis in perm), ((value, 0),))


def recurrent_of(node: Any, kind: str, given: Attributes, values: list[Any]) -> Recurrent:
    """Return a node with its checked arrays; its first value has been settled."""
    direction = given.get("direction", b"forward")
    if direction not in _DIRECTIONS:
        raise NotRead(f"expected a direction, got {direction!r}")
    count = _DIRECTIONS[direction]
    names = [name.decode("utf-8", "replace") for name in given.get("activations", [])]
    wanted = _ACTIVATIONS[kind] * count
    if names and [name.lower() for name in names] != wanted:
        shown = ", ".join(name.capitalize() for name in _ACTIVATIONS[kind])
        raise NotRead(f"expected the activations {shown}, got {', '.join(names)}")
    if "clip" in given:
        raise NotRead("expected no clip, which foxnn lacks")
    if given.get("input_forget", 0):
        raise NotRead("expected input_forget=0, a gate of its own to forget by")
    if kind == "gru" and not given.get("linear_before_reset", 0):
        raise NotRead(
            "expected linear_before_reset=1, as PyTorch's GRU and Keras' with reset_after=True"
        )
    values = [*values, *[None] * (8 - len(values))]
    source, weights, recurrent, bias, lengths, *states, peepholes = values
    for state in (*states, peepholes):
        is_zero = isinstance(state, np.ndarray) and not state.any()
        if state is not None and not isinstance(state, Zeros) and not is_zero:
            raise NotRead("expected states that start with zeros, and no peepholes")
    check_lengths(lengths, source.shape[0])
    units = recurrent.shape[-1] if isinstance(recurrent, np.ndarray) and recurrent.ndim else 0
    columns, shape = gates_of(kind) * units, source.shape
    expected = (count, columns, shape[-1]), (count, columns, units), (count, 2 * columns)
    for array, right in zip((weights, recurrent, bias), expected, strict=True):
        is_float = isinstance(array, np.ndarray) and array.dtype.kind == "f"
        if array is None and array is bias:
            continue
        if not is_float or array.shape != right or 0 in right:
            raise NotRead(f"expected constant arrays of shapes {', '.join(map(str, expected))}")
    if given.get("hidden_size", units) != units:
        raise NotRead(f"expected a hidden_size of {units}, got {given['hidden_size']}")
    return Recurrent(node, kind, source, (weights, recurrent, bias), direction == b"reverse")


def check_lengths(lengths: Any, steps: int | None) -> None:
    """Raise NotRead unless sequences have all the steps that there are."""
    is_array = isinstance(lengths, np.ndarray)
    found = lengths.reshape(-1).tolist() if is_array else sizes_of(lengths)
    found = [lengths.steps] if isinstance(lengths, Lengths) else found
    if lengths is not None and (not found or set(found) != {steps}):
        raise NotRead("expected no sequence_lens: foxnn takes lengths beside its input")


def moved(kind: str, given: Attributes, values: list[Any], batch: int) -> Turned | Sizes:
    """Return what a node makes of turned values; `batch` is the samples' number or 0."""
    value = values[0]
    if kind == "Concat":
        return _beside(values, given.get("axis"))
    if not isinstance(value, Turned) or any(isinstance(v, Turned) for v in values[1:]):
        raise NotRead(_TURNED)
    if kind in ("Identity", "Cast", "Dropout"):
        return value
    if kind == "Shape":
        lengths = [value.length(axis) for axis in value.axes]
        return Sizes(lengths[slice(given.get("start"), given.get("end"))])
    if kind == "Transpose":
        perm = given.get("perm", list(range(len(value.axes)))[::-1])
        if sorted(perm) != list(range(len(value.axes))):
            raise NotRead(_TURNED)
        return value._replace(axes="".join(value.axes[axis] for axis in perm))
    if kind == "Squeeze":
        return _squeezed(value, _numbers(given.get("axes", values[1] if values[1:] else None)))
    if kind in ("Gather", "Slice"):
        return _taken(kind, value, given, values)
    if kind == "Flatten" and given.get("axis", 1) == 1 and value.axes == "ndc":
        return value._replace(axes="nc")
    if kind == "Reshape" and len(values) == 2:
        return _reshaped(value, _numbers(values[1]), batch)
    raise NotRead(BACKWARD if value.is_backward else _TURNED)


def _numbers(given: Any) -> list[int]:
    found = sizes_of(np.asarray(given) if isinstance(given, list) else given)
    if found is None:
        raise NotRead("expected constant axes or lengths")
    return [0 if number is None else number for number in found]


def _letter(value: Turned, axis: Any) -> str:
    if axis is None or not -len(value.axes) <= axis < len(value.axes):
        raise NotRead(_TURNED)
    return value.axes[axis]


def _squeezed(value: Turned, axes: list[int]) -> Turned:
    gone = {_letter(value, axis) for axis in axes}
    if any(letter not in "dl" or value.length(letter) != 1 for letter in gone):
        raise NotRead("expected axes of length 1")
    return value._replace(axes="".join(letter for letter in value.axes if letter not in gone))


def _reshaped(value: Turned, wanted: list[int], batch: int) -> Turned:
    """Return a value whose directions lie side by side."""
    axes = value.axes.replace("dc", "c")
    found = value._replace(axes=axes)
    lengths = [found.length(letter) for letter in axes]
    kept = [0 if a == b else None for a, b in zip(value.axes, axes, strict=False)]
    if len(wanted) != len(axes) or wanted.count(-1) > 1:
        raise NotRead(_TURNED)
    for number, length, copied in zip(wanted, lengths, kept, strict=True):
        if number not in (-1, copied, batch or -1 if length is None else length):
            raise NotRead(_TURNED)
    return found


def _taken(kind: str, value: Turned, given: Attributes, values: list[Any]) -> Turned:
    """Return a direction, or the last step."""
    keeps = True
    if kind == "Gather":
        index = values[1] if len(values) == 2 else None
        if not isinstance(index, np.ndarray) or index.size != 1 or index.dtype.kind != "i":
            raise NotRead("expected a single constant index")
        keeps, letter, first = index.ndim > 0, _letter(value, given.get("axis", 0)), index.item()
        length = value.length(letter) or 0
        if not -length <= first < length:
            raise NotRead(f"expected an index of {length}, got {first}")
        first, end = first % length, first % length + 1
    else:
        numbers = [_numbers(each) for each in values[1:]]
        if not 3 <= len(numbers) <= 4 or any(len(each) != 1 for each in numbers):
            raise NotRead("expected a constant slice of one axis")
        letter, steps = _letter(value, numbers[2][0]), numbers[3][0] if numbers[3:] else 1
        length = value.length(letter) or 0
        first, end, _ = slice(numbers[0][0], numbers[1][0]).indices(length)
        if steps != 1 or end <= first:
            raise NotRead("expected a slice of every step")
    if letter == "d":
        found = value._replace(parts=value.parts[first:end])
        return found if keeps else found._replace(axes=value.axes.replace("d", ""))
    if letter != "t":
        raise NotRead(_TURNED)
    if end - first == length and keeps:
        return value
    for layer, direction in value.parts:
        if isinstance(layer, Value):
            raise NotRead(_TURNED)
        begins_last = (layer.is_reverse or direction == 1) != value.is_backward
        if (first, end) != ((0, 1) if begins_last else (length - 1, length)):
            raise NotRead(_LAST)
    axes = value.axes.replace("t", "l" if keeps else "")
    return value._replace(axes=axes, is_backward=False)


def _beside(values: list[Any], axis: Any) -> Turned:
    """Return values side by side, along the directions or the channels."""
    turned = [value for value in values if isinstance(value, Turned)]
    first = turned[0]
    if len(turned) < len(values) or any(value.axes != first.axes for value in turned):
        raise NotRead(_TURNED)
    if any(value.is_backward != first.is_backward for value in turned):
        raise NotRead(BACKWARD)
    letter = _letter(first, axis)
    if letter != ("d" if "d" in first.axes else "c"):
        raise NotRead(_TURNED)
    for each in turned:
        if each.length("t") != first.length("t") or (
            letter == "d" and each.length("c") != first.length("c")
        ):
            raise NotRead("expected values of one length")
    return first._replace(parts=tuple(part for value in turned for part in value.parts))


def side_by_side(value: Turned) -> list[tuple[Recurrent, tuple[int, ...]] | Value]:
    """Return the layers of a settled value, each with those of its directions that are taken."""
    found: list[tuple[Recurrent, tuple[int, ...]] | Value] = []
    for layer, direction in value.parts:
        if isinstance(layer, Value):
            found.append(layer)
            continue
        if direction == 1 and found and _is_first(found[-1], layer):
            found[-1] = (layer, (0, 1))
        else:
            found.append((layer, (direction,)))
    return found


def _is_first(taken: tuple[Recurrent, tuple[int, ...]] | Value, layer: Recurrent) -> bool:
    """Return whether what is taken is the first direction of a layer."""
    return not isinstance(taken, Value) and taken[0].node is layer.node and taken[1] == (0,)


def filled_of(
    kind: str, given: Attributes, values: list[Any], fill: Array | None
) -> Zeros | Lengths | None:
    """Return zeros or lengths that a node makes or moves; None if it does something else."""
    first, shape = (*values, None, None)[:2]
    if kind == "ConstantOfShape":
        return Zeros() if fill is None or not fill.any() else None
    if kind == "Expand" and len(values) == 2:
        if isinstance(first, Sizes):
            number = first.values[0] if len(first.values) == 1 else None
            return Lengths(number) if number and sizes_of(shape) == [None] else None
        is_zero = isinstance(first, np.ndarray) and not first.any()
        return Zeros() if is_zero or isinstance(first, Zeros) else None
    if kind in ("Identity", "Cast") and isinstance(first, Lengths):
        return first
    rest = values if kind == "Concat" else values[:1]
    moves = ("Slice", "Squeeze", "Unsqueeze", "Gather", "Transpose", "Reshape", "Identity", "Cast")
    is_moved = kind in (*moves, "Concat") and rest
    return Zeros() if is_moved and all(isinstance(value, Zeros) for value in rest) else None
