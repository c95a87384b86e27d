"""A loop over the steps of sequences, read as the recurrent layer that it computes.

Keras and tf2onnx write a GRU and a SimpleRNN as a Loop, whose body is one step of them: it takes
row t of the sequences, where t counts the rounds, and carries a state on, which it also stacks.
`cells` knows the arithmetic of the step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.formats.onnx.cells import (
    NO_CELL,
    Cell,
    Features,
    Linear,
    State,
    cell_of,
    columns_of,
    step_of,
)
from foxnn.formats.onnx.constants import (
    FLOATS,
    Attributes,
    NotRead,
    array_of,
    attributes_of,
    constant_of,
    folded,
)
from foxnn.formats.onnx.cuts import cuts_of
from foxnn.formats.onnx.model_file import kind_of
from foxnn.formats.onnx.recurrent_shapes import Turned
from foxnn.formats.onnx.shapes import Sizes

Named = Callable[[str], Any]
Take = Callable[[Any, Array], None]

_GRAPH = 5  # of AttributeProto.AttributeType
_ALL_STEPS = "expected a loop over all steps, from the first to the last"


class Count(NamedTuple):
    """The number of rounds before this one, plus a number."""

    shift: int


class Until(NamedTuple):
    """A condition that holds after the rounds of lower numbers."""

    round: float


class Loop(NamedTuple):
    """A layer that a loop computes: what it reads and begins with, and where its states are."""

    cell: Cell
    source: Any
    state: Any
    last: str  # the loop's output that is the last state
    stacked: list[str]  # and those that are the states of all steps


def condition(kind: str, values: list[Any]) -> Array | None:
    """Return what a node compares of numbers, such as whether a loop has a first round, or None."""
    first, second = (_number(value) for value in values) if len(values) == 2 else (None, None)
    if first is None or second is None:
        return None
    if kind == "And":
        return np.array(bool(first) and bool(second))
    is_shape = any(isinstance(value, Sizes) for value in values)
    return np.array(first < second) if kind == "Less" and is_shape else None


def loop_of(node: Any, values: list[Any], named: Named, take: Take) -> Loop:
    """Return the layer that a node Loop computes; `named` finds the values outside of its body."""
    bodies = [given.g for given in node.attribute if given.name == "body" and given.type == _GRAPH]
    carried, outputs = values[2:], list(node.output)
    if len(bodies) != 1:
        raise NotRead(NO_CELL)
    (body,) = bodies
    ends = [end.name for end in body.output]
    if len(body.input) != len(values) or len(ends) != len(outputs) + 1 or not carried:
        raise NotRead(NO_CELL)
    step = _Step(body, carried, named, take)
    new = step.value(ends[1 + step.place])
    cell = cell_of(new)
    steps = step.source.length("t") if isinstance(step.source, Turned) else None
    if steps is None:
        raise NotRead(NO_CELL)
    rounds = _number(values[0])
    if rounds != steps or not (values[1] is None or _number(values[1])):
        raise NotRead(f"{_ALL_STEPS}, a number of rounds that is the number of steps")
    if not _until(step.value(ends[0])) >= steps - 1:  # or no number at all
        raise NotRead(f"{_ALL_STEPS}, got a condition that ends it earlier")
    stacked = [
        name
        for name, end in zip(outputs[len(carried) :], ends[len(carried) + 1 :], strict=True)
        if step.value(end) is new
    ]
    return Loop(cell, step.source, carried[step.place], outputs[step.place], stacked)


class _Step:
    """The values of a loop's body: expressions of a step, constants, counts and conditions."""

    def __init__(self, body: Any, carried: list[Any], named: Named, take: Take) -> None:
        self.source: Any = None  # the sequences whose steps are read
        self.place = -1  # of the state among what is carried on
        self._named, self._take = named, take
        first, second, *names = [given.name for given in body.input]
        self._values: dict[str, Any] = {first: Count(0), second: Until(math.inf)}
        same = (n for n in body.node if kind_of(n) == "Identity" and n.input and n.output)
        copies = {node.output[0]: node.input[0] for node in same}
        counts = []
        for i, (name, value) in enumerate(zip(names, carried, strict=True)):
            end = body.output[i + 1].name
            if name in (end, copies.get(end)):
                found = value
            elif _is_zero(value):
                found = Count(0)
                counts.append(end)
            elif self.place < 0:
                found, self.place = State(), i
            else:
                raise NotRead(f"{NO_CELL}: they have one state")
            self._add(name, found)
        for tensor in body.initializer:
            self._add(tensor.name, array_of(tensor))
        for node in body.node:
            self._compute(node)
        if self.place < 0 or not all(_is_count(self.value(end), 1) for end in counts):
            raise NotRead(NO_CELL)

    def value(self, name: str) -> Any:
        """Return the value of a name; raise NotRead where it has none."""
        found = self._values[name] if name in self._values else self._named(name)
        if isinstance(found, NotRead):
            raise found
        return found

    def _add(self, name: str, value: Any) -> None:
        if name in self._values:
            raise NotRead(f"expected a new name in its body, got {checks.shown(name)}")
        self._values[name] = value

    def _compute(self, node: Any) -> None:
        """Add the outputs of a node; where they are unknown, why, for what may need them."""
        names = list(node.output)
        try:
            values = [self.value(name) for name in node.input]
            made = self._made(node, kind_of(node), attributes_of(node), values)
        except NotRead as error:
            made = [error] * len(names)
        for name, value in zip(names, made, strict=False):
            self._add(name, value)

    def _made(self, node: Any, kind: str, given: Attributes, values: list[Any]) -> list[Any]:
        if kind == "Gather" and len(values) == 2 and isinstance(values[1], Count):
            return [self._features(values[0], values[1], given.get("axis", 0))]
        if any(isinstance(value, Count | Until) for value in values):
            return [_counted(kind, values)]
        first = values[0] if values else None
        if kind in ("Split", "Slice") and isinstance(first, Linear):
            cuts = cuts_of(kind, given, values, len(node.output), (None, first.width))
            return [columns_of(first, columns) for _, columns in cuts]
        found = condition(kind, values)
        if found is not None:
            return [found]
        if kind == "Constant" or all(isinstance(value, np.ndarray) for value in values):
            return self._constants(node, kind, given, values)
        is_rounded = kind == "Cast" and given.get("to") not in FLOATS
        found = None if is_rounded else step_of(kind, values)
        if found is None:
            raise NotRead(f"{NO_CELL}, got {kind} in its body")
        for half in found if isinstance(found, Linear) else ():
            if half is not None:
                self._take(node, half.weights)
        return [found]

    def _constants(self, node: Any, kind: str, given: Attributes, values: list[Any]) -> list[Array]:
        if kind in ("Split", "Slice") and values:
            cuts = cuts_of(kind, given, values, len(node.output), values[0].shape)
            return [values[0][cut] for cut in cuts]
        found = constant_of(given) if kind == "Constant" else folded(kind, given, values)
        self._take(node, found)
        return [found]

    def _features(self, source: Any, place: Count, axis: int) -> Features:
        is_same = self.source is None or self.source is source
        if axis != 0 or not _is_count(place, 0) or not is_same:
            raise NotRead(f"{NO_CELL}: they read the steps of one sequence")
        self.source = source
        return Features()


def _is_count(value: Any, shift: int) -> bool:
    return isinstance(value, Count) and value.shift == shift


def _counted(kind: str, values: list[Any]) -> Count | Until:
    """Return what a node makes of a count or a condition."""
    first, second = (*values, None)[:2]
    if kind in ("Identity", "Cast") and isinstance(first, Count | Until):
        return first
    if len(values) == 2:
        number = _number(second)
        if kind == "Add" and isinstance(first, Count) and number in (0, 1):
            return Count(first.shift + int(number))
        if kind == "Less" and isinstance(first, Count) and number is not None:
            return Until(number - first.shift)
        if kind == "And":
            return Until(min(_until(value) for value in values))
    raise NotRead(f"{_ALL_STEPS}, got {kind} of the number of rounds in its body")


def _until(value: Any) -> float:
    """Return after which round a condition no longer holds."""
    if isinstance(value, Until):
        return value.round
    return math.inf if _number(value) else -math.inf


def _is_zero(value: Any) -> bool:
    """Return whether a value is the whole number 0, at which counts begin."""
    is_one = isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind == "i"
    return bool(is_one and not value.any())


def _number(value: Any) -> float | None:
    """Return a single number that is known."""
    if isinstance(value, Sizes) and len(value.values) == 1 and value.values[0] is not None:
        return float(value.values[0])
    if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "fib":
        return float(value.ravel()[0])
    return None
