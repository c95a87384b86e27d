"""From an ONNX graph to layers of every kind.

Where every way from one value to another passes a third, the graph is cut there; it becomes a
row of stages. A stage is an operation; or operations that together are a function of one number,
which must be an activation; or two ways that are added up (Residual), or ways that come together
side by side (Parallel), each of which is a row of stages again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from foxnn.checks import Array
from foxnn.formats.onnx.functions import FUNCTIONS, GRID, activation_of, compute
from foxnn.formats.onnx.graph import SOFTMAX
from foxnn.formats.onnx.layered_graph import LayeredGraph, Operation
from foxnn.formats.onnx.leaves import (
    DENSE,
    Leaf,
    Spec,
    activated,
    bias_of,
    factor_of,
    identity,
    leaf_of,
    scaling_of,
)
from foxnn.formats.onnx.moments import normalization_of
from foxnn.layers.activation_table import FOR_OUTPUT
from foxnn.layers.activations import ActivationPair

# The depth to which lists of layers may be nested, and more nodes than any activation takes.
_DEEPEST, _MOST_NODES = 50, 64
# What may follow a part of an activation that is one by itself (elu in selu, exp in softplus),
# and how much of it.
_AFFINE, _BEHIND_EXP, _MOST_AROUND = ("Add", "Sub", "Mul", "Div"), ("Log", "Reciprocal"), 4
# The inputs for which one number is spread: 32 MB in float64, more than any picture.
_MOST_SPREAD = 2**22
# How often an operation is walked over: once for each composite that it is in, and its ends.
_MOST_VISITS = 2 * _DEEPEST


@dataclass
class Composite:
    """Branches of layers."""

    kind: str
    branches: list[list[Any]]


class Layered(NamedTuple):
    """The layers of a graph, and a shift and a factor before and after them."""

    shape: tuple[int | None, ...]
    specs: list[Spec]
    arrays: list[dict[str, Array]]  # by leaf, depth first
    before: tuple[Array, Array] | None  # shift and scale
    behind: tuple[Array, Array] | None
    dtype: str


def layered_of(graph: LayeredGraph) -> Layered:
    """Return the layers of a graph; a node that they cannot hold is refused by name."""
    reader = _Reader(graph)
    stages = reader.stages(0, graph.end)
    before, stages = reader.scaling(stages, at_the_end=False)
    behind, stages = reader.scaling(stages, at_the_end=True)
    items = reader.items(stages, 0) or [identity()]
    arrays: list[dict[str, Array]] = []
    specs = [_spec(item, arrays) for item in items]
    wide = any(array.dtype == np.float64 for each in arrays for array in each.values())
    kind = graph.model.graph.input[0].type.tensor_type.elem_type
    dtype = "float64" if wide or kind == 11 else "float32"
    return Layered(graph.shape, specs, arrays, before, behind, dtype)


class _Stage(NamedTuple):
    cut: int
    end: int
    numbers: tuple[int, ...]  # of the operations after the cut, up to the end


class _Reader:
    def __init__(self, graph: LayeredGraph) -> None:
        self.graph = graph
        # A hostile graph, whose ways cross again and again, would be walked without end.
        self._steps = _MOST_VISITS * len(graph.operations) + 1000
        self._taken = set[int]()  # the operations that are in a layer

    def stages(self, begin: int, end: int) -> list[_Stage]:
        """Return the row of stages from one value to another."""
        graph = self.graph
        needed, waiting = set[int](), [end]
        while waiting:
            number = waiting.pop()
            if number in needed or number == begin:
                continue
            if number < begin or number == 0:
                raise graph.error("expected one way from the input to the output")
            needed.add(number)
            self._steps -= 1
            if self._steps < 0:
                raise graph.error("expected layers in sequence, or in branches")
            waiting += [i for i in graph.operation(number).inputs if isinstance(i, int)]
        order = sorted(needed)
        last_use: dict[int, int] = {}
        for number in order:
            for given in graph.operation(number).inputs:
                if isinstance(given, int):
                    last_use[given] = number
        found: list[_Stage] = []
        cut, furthest, between = begin, last_use.get(begin, begin), list[int]()
        for number in order:
            between.append(number)
            if furthest <= number:
                found.append(_Stage(cut, number, tuple(between)))
                cut, between = number, []
            furthest = max(furthest, last_use.get(number, 0))
        return found

    def items(self, stages: list[_Stage], depth: int) -> list[Any]:
        """Return the layers of a row of stages."""
        if depth > _DEEPEST:
            raise self.graph.error(f"expected layers at most {_DEEPEST} deep")
        found: list[Any] = []
        place = 0
        while place < len(stages):
            place += self._take(found, stages[place : place + _MOST_NODES], depth)
            if self._name_of_last(found) in FOR_OUTPUT and (depth or place < len(stages)):
                expected = f"foxnn has {self._name_of_last(found)} after the last layer only"
                raise self.graph.refused(self.graph.operation(stages[place - 1].end).node, expected)
        return found

    def _take(self, found: list[Any], stages: list[_Stage], depth: int) -> int:
        """Append the layer that begins with the first of the stages; return how many it takes."""
        stage = stages[0]
        step = self.graph.operation(stage.end)
        last = found[-1] if found and isinstance(found[-1], Leaf) else None
        is_alone = len(stage.numbers) == 1
        if stage.end in self._taken:
            raise self.graph.refused(step.node, "expected layers that are in one branch only")
        self._taken.add(stage.end)
        if is_alone and step.kind not in FUNCTIONS:
            if step.kind == "Concat":
                found.append(self._parallel(step, stage.cut, depth))
            elif step.kind in SOFTMAX:
                _activate(found, last, ("softmax", []))
            else:
                if step.kind in DENSE and last is not None and not last.is_flat_before:
                    found.pop()
                # These only arrange the numbers: of several, the last one suffices.
                if step.kind == "Relaid" and last is not None and last.spec["kind"] == "reshape":
                    found.pop()
                found.append(leaf_of(self.graph, step, stage.cut))
            return 1
        takes_constants = last is not None and (last.is_linear or last.is_scaling)
        if is_alone and last is not None and takes_constants and _joined(last, step):
            last.joined += 1
            if last.joined > _MOST_NODES:  # each of them takes as long as the weights
                expected = f"expected at most {_MOST_NODES} shifts and factors in a row"
                raise self.graph.refused(step.node, expected)
            return 1
        if not is_alone:
            each = [(stage.cut, stage.numbers) for stage in stages]
            norm, count = normalization_of(self.graph, each)
            if norm is not None:
                found.append(norm)
                self._taken.update(stage.end for stage in stages[:count])
                return count
        activation, count = self._activation(stages)
        if activation is not None:
            _activate(found, last, activation)
            self._taken.update(stage.end for stage in stages[:count])
            return count
        ends = [i for i in step.inputs if isinstance(i, int)]
        if step.kind == "Add" and len(ends) == len(step.inputs) == 2:
            found.append(self._residual(step, stage.cut, depth))
        elif step.kind == "Concat":
            found.append(self._parallel(step, stage.cut, depth))
        # Of the inputs, shifts and factors are a scaler or nothing.
        elif is_alone and (found or depth) and (scaling := scaling_of(step)) is not None:
            found.append(scaling)
        else:
            expected = "expected a layer or an activation of foxnn"
            raise self.graph.refused(step.node, expected)
        return 1

    def _activation(self, stages: list[_Stage]) -> tuple[ActivationPair | None, int]:
        """Return the activation that the first stages are together, or None, and their number."""
        values: dict[int, Any] = {stages[0].cut: GRID}
        found: tuple[ActivationPair | None, int] = (None, 0)
        for count, stage in enumerate(stages, 1):
            is_over = found[1] and not self._may_end(stage, count - found[1])
            if is_over or len(values) + len(stage.numbers) > _MOST_NODES:
                break
            if not all(self._compute(number, values) for number in stage.numbers):
                break
            activation = activation_of(values[stage.end])
            if activation is not None:
                found = activation, count
        return found

    def _may_end(self, stage: _Stage, further: int) -> bool:
        """Return whether an activation may go on with a stage: selu is an elu times a number."""
        step = self.graph.operation(stage.end)
        is_affine = len(stage.numbers) == 1 and step.kind in _AFFINE
        return further <= _MOST_AROUND and (is_affine or step.kind in _BEHIND_EXP)

    def _compute(self, number: int, values: dict[int, Any]) -> bool:
        """Add to the values what an operation gives on the grid; return whether it does."""
        step = self.graph.operation(number)
        if step.kind not in FUNCTIONS:
            return False
        inputs = [values.get(i) if isinstance(i, int) else _one(i) for i in step.inputs]
        values[number] = compute(step.kind, step.given, inputs)
        return values[number] is not None and values[number].shape == GRID.shape

    def _name_of_last(self, found: list[Any]) -> str | None:
        """Return the activation of the last layer."""
        is_leaf = found and isinstance(found[-1], Leaf)
        return found[-1].spec["options"].get("activation") if is_leaf else None

    def _residual(self, step: Operation, cut: int, depth: int) -> Composite:
        ends = [i for i in step.inputs if isinstance(i, int)]
        if ends[0] == cut:
            ends.reverse()
        inner, shortcut = (self.items(self.stages(cut, end), depth + 1) for end in ends)
        return Composite("residual", [inner or [identity()], shortcut])

    def _parallel(self, step: Operation, cut: int, depth: int) -> Composite:
        branches = []
        for end in step.inputs:
            assert isinstance(end, int)  # as the graph has checked
            branch = self.items(self.stages(cut, end), depth + 1)
            branches.append(branch or [identity()])
        return Composite("parallel", branches)

    def scaling(
        self, stages: list[_Stage], at_the_end: bool
    ) -> tuple[tuple[Array, Array] | None, list[_Stage]]:
        """Return shift and scale of (x - shift) / scale at one end, and the other stages.

        At the end they undo it: y scale + shift.
        """
        kinds = ("Mul", "Add") if at_the_end else ("Sub", "Sub", "Div")
        for wanted in (kinds, ("Sub", "Div")):
            some = stages[-len(wanted) :] if at_the_end else stages[: len(wanted)]
            columns = [self._column(stage, kind) for stage, kind in zip(some, wanted, strict=False)]
            if len(some) == len(wanted) and all(column is not None for column in columns):
                *shifts, scale = columns if not at_the_end else columns[::-1]
                shift = sum(s.astype(np.float64) for s in shifts if s is not None)
                assert scale is not None
                rest = stages[: -len(some)] if at_the_end else stages[len(some) :]
                return (np.asarray(shift), scale.astype(np.float64)), rest
            if at_the_end:
                break
        return (None, stages) if at_the_end else self._rescaling(stages)

    def _rescaling(self, stages: list[_Stage]) -> tuple[tuple[Array, Array] | None, list[_Stage]]:
        """Return shift and scale of inputs that the file has as x factor + shift, and the rest."""
        factor = self._spread(stages[0], "Mul", "Div") if stages else None
        if factor is None or self._activation(stages[:_MOST_NODES])[0] is not None:
            return None, stages
        with np.errstate(all="ignore"):
            factor = 1.0 / factor if self.graph.operation(stages[0].end).kind == "Div" else factor
            shift = self._spread(stages[1], "Add", "Sub") if len(stages) > 1 else None
            rest = stages[1:] if shift is None else stages[2:]
            if shift is None:
                shift = np.zeros_like(factor)
            elif self.graph.operation(stages[1].end).kind == "Add":
                shift = -shift
            found = shift / factor, 1.0 / factor
        return (found, rest) if np.isfinite(found).all() else (None, stages)

    def _spread(self, stage: _Stage, *kinds: str) -> Array | None:
        """Return an operation's constant for all columns; of the second kind it comes second."""
        step = self.graph.operation(stage.end)
        constants = [i for i in step.inputs if isinstance(i, np.ndarray)]
        is_right = len(stage.numbers) == 1 and step.kind in kinds and len(constants) == 1
        if not is_right or len(step.inputs) != 2 or math.prod(step.shape) > _MOST_SPREAD:
            return None
        if step.kind == kinds[1] and not isinstance(step.inputs[0], int):
            return None
        (column,) = constants
        if column.dtype.kind != "f":
            return None
        own = column.reshape(column.shape[-len(step.shape) :])
        return np.broadcast_to(own, step.shape).reshape(-1).astype(np.float64)

    def _column(self, stage: _Stage, kind: str) -> Array | None:
        """Return the numbers of an operation that shifts or scales every number of a sample."""
        step = self.graph.operation(stage.end)
        if len(stage.numbers) > 1 or step.kind != kind or len(step.inputs) != 2:
            return None
        column = step.inputs[1]
        if not isinstance(column, np.ndarray):
            return None
        if kind != "Mul" and kind != "Add" and column.size > 1 and len(step.shape) > 1:
            column = np.broadcast_to(column.reshape(column.shape[-len(step.shape) :]), step.shape)
        return column.reshape(-1) if column.shape == step.shape else None


def _joined(leaf: Leaf, step: Operation) -> bool:
    """Take a sum or product with a number for each channel into a layer; return whether it is one.

    Several of them are what exporters leave of a BatchNormalization.
    """
    bias, factor = bias_of(step), factor_of(step)
    if bias is not None:
        leaf.arrays["bias"] = leaf.arrays["bias"] + bias if "bias" in leaf.arrays else bias
        leaf.spec["options"].pop("bias", None)
    if factor is not None:
        for name in leaf.arrays.keys() & {"weights", "bias"}:
            leaf.arrays[name] = leaf.arrays[name] * factor
    return bias is not None or factor is not None


def _activate(found: list[Any], last: Leaf | None, activation: ActivationPair) -> None:
    name, parameters = activation
    if last is not None and last.takes_activation:
        last.spec["options"] |= {"activation": name, "parameters": parameters}
    elif name != "identity_x":
        found.append(Leaf(activated("activation", activation)))


def _one(constant: Array | None) -> float | None:
    """Return a constant of a function, which is one number for all channels."""
    if constant is None or constant.size == 0:
        return None
    first = constant.reshape(-1)[0]
    return float(first) if (constant == first).all() else float("nan")


def _spec(item: Leaf | Composite, arrays: list[dict[str, Array]]) -> Spec:
    if isinstance(item, Leaf):
        arrays.append(item.arrays)
        return item.spec
    branches = [[_spec(inner, arrays) for inner in branch] for branch in item.branches]
    return {"kind": item.kind, "options": {}, "branches": branches}
