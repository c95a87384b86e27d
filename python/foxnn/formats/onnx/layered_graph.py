"""The operations of an ONNX graph over samples of any shape, each with its constants.

Where `graph` knows rows of a chain only, this knows the shape of a sample at every value, so that
layers at positions, sums and values side by side can be told.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.formats.onnx.constants import (
    MOST_DIMENSIONS,
    Attributes,
    NotRead,
    array_of,
    attributes_of,
    constant_of,
    folded,
)
from foxnn.formats.onnx.functions import FUNCTIONS
from foxnn.formats.onnx.graph import NO_SUCH_NODE, ONE_INPUT, SOFTMAX, check_passing
from foxnn.formats.onnx.model_file import ModelFile

Shape = tuple[int, ...]

_SHAPING = ("Flatten", "Reshape")
_PASSING = ("Identity", "Dropout", "Cast")
_OTHERS = ("Gemm", "MatMul", *SOFTMAX, "Concat", "Dropout", "LayerNormalization")
_LARGEST = 2**31 - 1


class Operation(NamedTuple):
    """What a node computes of earlier values (by number; 0 is the input) and constants."""

    node: Any
    kind: str
    given: Attributes
    inputs: tuple[int | Array | None, ...]
    shape: Shape  # of a sample that comes out


class LayeredGraph(ModelFile):
    """The operations of a model, in their order; number 0 is the input."""

    def __init__(self, path: str, model: Any) -> None:
        super().__init__(path, model)
        name, self.shape = self._input()
        self.operations: list[Operation | None] = [None]
        self._values: dict[str, int | Array] = {name: 0}
        for node in model.graph.node:
            try:
                self._add(node)
            except NotRead as error:
                raise self.refused(node, str(error)) from None
        end = self._values.get(str(model.graph.output[0].name)) if model.graph.output else None
        if not isinstance(end, int) or len(model.graph.output) != 1:
            raise self.error("expected one output that depends on the input")
        self.end = end

    def operation(self, number: int) -> Operation:
        """Return an operation, not the input."""
        found = self.operations[number]
        assert found is not None
        return found

    def shape_of(self, number: int) -> Shape:
        """Return the shape of a sample of a value."""
        return self.shape if number == 0 else self.operation(number).shape

    def _input(self) -> tuple[str, Shape]:
        inputs = [given for given in self.model.graph.input if given.name not in self._stored]
        if len(inputs) != 1:
            raise self.error(f"expected one input, got {len(inputs)}")
        dimensions = inputs[0].type.tensor_type.shape.dim
        shape = tuple(int(d.dim_value) for d in list(dimensions)[1:])
        if (
            not shape
            or len(shape) > MOST_DIMENSIONS
            or min(shape) < 1
            or math.prod(shape) > _LARGEST
        ):
            raise self.error(f"expected an input of a known shape, got {checks.shown(shape)}")
        return str(inputs[0].name), shape

    def _named(self, name: str) -> int | Array | None:
        if not name:
            return None
        if name not in self._values:
            if name not in self._stored:
                raise NotRead(f"expected {checks.shown(name)} before it")
            self._values[name] = array_of(self._stored[name])
        return self._values[name]

    def _add(self, node: Any) -> None:
        if node.domain not in ("", "ai.onnx") or not node.output:
            raise NotRead(NO_SUCH_NODE)
        kind, given = str(node.op_type), attributes_of(node)
        values = [self._named(name) for name in node.input]
        data = [value for value in values if isinstance(value, int)]
        if node.output[0] in self._values:
            raise NotRead(f"expected a new name, got {checks.shown(node.output[0])}")
        if not data:
            made = constant_of(given) if kind == "Constant" else folded(kind, given, values)
            self.take(node, made)
            self.take(node, made)
            self._values[node.output[0]] = made
            return
        if kind in _PASSING and (len(data) > 1 or not isinstance(values[0], int)):
            raise NotRead(ONE_INPUT)
        check_passing(kind, given, values)
        is_alone = kind == "Concat" and len(values) == 1
        if is_alone or (kind in _PASSING and not (kind == "Dropout" and _says_rate(values))):
            self._values[node.output[0]] = data[0]
            return
        shape = self._shape_behind(kind, given, values, data)
        if math.prod(shape) > _LARGEST:
            raise NotRead(f"expected at most {_LARGEST} numbers of a sample")
        self.operations.append(Operation(node, kind, given, tuple(values), shape))
        self._values[node.output[0]] = len(self.operations) - 1

    def _shape_behind(
        self, kind: str, given: Attributes, values: list[Any], data: list[int]
    ) -> Shape:
        shape = self.shape_of(data[0])
        if kind in FUNCTIONS:
            return self._broadcast(values, data, shape)
        if kind not in _OTHERS and kind not in _SHAPING:
            raise NotRead(NO_SUCH_NODE)
        if kind == "Concat":
            return self._beside(given, values, shape)
        if len(data) != 1 or not isinstance(values[0], int):
            raise NotRead(ONE_INPUT)
        if kind in _SHAPING:
            return _reshaped(kind, given, values, shape)
        if kind in ("Gemm", "MatMul"):
            return _behind_dense(kind, given, values, shape)
        # Up to operator set 12, softmax is by default over all that a sample holds.
        usual = 1 if kind in SOFTMAX and self._version < 13 else -1
        last = given.get("axis", usual) in (-1, len(shape))
        if kind in (*SOFTMAX, "LayerNormalization") and not last:
            raise NotRead("expected the last axis")
        return shape

    def _broadcast(self, values: list[Any], data: list[int], shape: Shape) -> Shape:
        if any(self.shape_of(value) != shape for value in data[1:]):
            raise NotRead("expected inputs of one shape")
        whole = (1, *shape)  # the same for every sample
        for value in values:
            if isinstance(value, np.ndarray):
                pairs = zip(value.shape[::-1], whole[::-1], strict=False)
                if value.ndim > len(whole) or any(a not in (1, b) for a, b in pairs):
                    raise NotRead(f"expected a constant for each column, got shape {value.shape}")
        return shape

    def _beside(self, given: Attributes, values: list[Any], shape: Shape) -> Shape:
        if not all(isinstance(value, int) for value in values):
            raise NotRead("expected values that depend on the samples")
        shapes = [self.shape_of(value) for value in values]
        if given.get("axis") not in (-1, len(shape)) or any(s[:-1] != shape[:-1] for s in shapes):
            raise NotRead("expected values of the same positions, along the last axis")
        return (*shape[:-1], sum(s[-1] for s in shapes))


def _says_rate(values: list[Any]) -> bool:
    """Return whether a Dropout says its rate."""
    rate = values[1] if len(values) > 1 else None
    return isinstance(rate, np.ndarray) and rate.size == 1 and 0.0 <= float(rate.ravel()[0]) < 1.0


def _reshaped(kind: str, given: Attributes, values: list[Any], shape: Shape) -> Shape:
    if kind == "Flatten":
        if given.get("axis", 1) not in (1, -len(shape)):
            raise NotRead("expected the samples to stay apart")
        return (math.prod(shape),)
    wanted = values[1] if len(values) > 1 else None
    if not isinstance(wanted, np.ndarray) or wanted.dtype.kind != "i" or wanted.ndim != 1:
        raise NotRead("expected a constant shape")
    if not 2 <= wanted.size <= MOST_DIMENSIONS or (given.get("allowzero", 0) and 0 in wanted):
        raise NotRead("expected the samples to stay apart")
    first, *lengths = (int(n) for n in wanted)
    filled = [shape[i] if n == 0 and i < len(shape) else n for i, n in enumerate(lengths)]
    if filled.count(-1) == 1 and first == 0:
        rest = -math.prod(filled)
        if rest > 0 and math.prod(shape) % rest == 0:
            filled[filled.index(-1)] = math.prod(shape) // rest
    found = tuple(filled)
    right = first in (0, -1) and found and min(found) >= 1
    if not right or math.prod(found) != math.prod(shape):
        raise NotRead("expected the samples to stay apart")
    return found


def _behind_dense(kind: str, given: Attributes, values: list[Any], shape: Shape) -> Shape:
    weights = values[1] if len(values) > 1 else None
    if not isinstance(weights, np.ndarray) or weights.ndim != 2 or weights.dtype.kind != "f":
        raise NotRead("expected samples times a matrix of constant weights")
    if given.get("transA", 0) or (kind == "Gemm" and len(shape) != 1):
        raise NotRead("expected samples in rows")
    turned = kind == "Gemm" and given.get("transB", 0)
    inputs, units = weights.shape[::-1] if turned else weights.shape
    if inputs != shape[-1] or units < 1:
        raise NotRead(f"expected weights for {shape[-1]} inputs, got {inputs}")
    return (*shape[:-1], units)
