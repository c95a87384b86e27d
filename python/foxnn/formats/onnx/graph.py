"""The steps of an ONNX graph from its input to its output, each checked and with its constants.

What only moves numbers or does nothing (Identity, Cast, Dropout, Flatten) leaves no step, and what
the output does not need is ignored. A node of an unknown kind is refused by name.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.formats.onnx import class_labels
from foxnn.formats.onnx.constants import (
    FLOATS,
    MOST_DIMENSIONS,
    Attributes,
    NotRead,
    array_of,
    attributes_of,
    constant_of,
    folded,
)
from foxnn.formats.onnx.functions import FUNCTIONS
from foxnn.formats.onnx.model_file import ModelFile, kind_of
from foxnn.formats.onnx.shapes import UNKNOWN, Dimensions, Sizes, behind, computed
from foxnn.formats.onnx.window_shapes import WINDOWED
from foxnn.formats.paths import FileFormatError

NO_SUCH_NODE = "expected a dense layer, an activation of foxnn, or a shift or factor of columns"
ONE_INPUT = "expected the samples as its first input only"

# The logarithms of the probabilities are for a loss that takes them; foxnn's takes probabilities.
SOFTMAX = ("Softmax", "LogSoftmax")
_PASSING = ("Identity", "Dropout", "Cast", "ai.onnx.ml.ZipMap")
_SHAPING = ("Flatten", "Reshape", "Squeeze", "Unsqueeze")
_OTHERS = ("Gemm", "MatMul", *SOFTMAX, "Concat", "BatchNormalization", "ai.onnx.ml.Scaler")
_NO_CHAIN = ("LayerNormalization", "Pad", "ReduceMax", "ReduceMean", "Tile", *WINDOWED)
_OF_CONSTANTS = ("Constant", "Gather", "Shape", "Slice", "Transpose")
_KNOWN = {*FUNCTIONS, *_PASSING, *_SHAPING, *_OTHERS, *_OF_CONSTANTS}


class NotAChain(FileFormatError):
    """The graph holds what is no part of a chain of dense layers, but may be read by `layered`."""


class Step(NamedTuple):
    """What a node computes of earlier steps (by their number; 0 is the input) and constants."""

    node: Any
    kind: str
    given: Attributes
    inputs: tuple[int | Array | None, ...]
    dimensions: Dimensions  # of what comes out


class _Data(NamedTuple):
    """A value that depends on the samples."""

    step: int
    dimensions: Dimensions


class Graph(ModelFile):
    """The steps of a model. Number 0 is the input, and the last one the output."""

    def __init__(self, path: str, model: Any) -> None:
        super().__init__(path, model)
        self.steps: list[Step | None] = [None]
        self._labels: class_labels.Labels = []
        name, dimensions = self._input(model.graph)
        self._values: dict[str, _Data | Sizes | Array] = {name: _Data(0, dimensions)}
        output = self._output(model.graph)
        nodes = self._needed(model.graph, output)
        for node in nodes:
            if kind_of(node) not in _KNOWN or self._takes_rows(node):
                refused = self.refused(node, NO_SUCH_NODE)
                is_layer = kind_of(node) in _NO_CHAIN or self._takes_rows(node)
                raise NotAChain(str(refused)) if is_layer else refused
        for node in nodes:
            try:
                self._values[node.output[0]] = self._value_of(node)
            except NotRead as error:
                raise self.refused(node, str(error)) from None
        end = self._values.get(output)
        if not isinstance(end, _Data):
            raise self.error(f"expected an output that depends on the input, got {output!r}")
        self._keep(end.step)

    def _takes_rows(self, node: Any) -> bool:
        """Return whether a node takes numbers of a stored table, as an embedding does."""
        table = (
            self._stored.get(node.input[0]) if kind_of(node) == "Gather" and node.input else None
        )
        return table is not None and table.data_type in FLOATS

    def step(self, number: int) -> Step:
        """Return a step, not the input."""
        found = self.steps[number]
        assert found is not None
        return found

    def labels_of(self, count: int) -> class_labels.Labels | None:
        """Return the labels that a classifier of scikit-learn gives its outputs, if so many."""
        found = self._labels or class_labels.of_label_output(self.model.graph, self._stored)
        return found if len(set(found)) == len(found) == count else None

    def _input(self, graph: Any) -> tuple[str, Dimensions]:
        inputs = [given for given in graph.input if given.name not in self._stored]
        if len(inputs) != 1:
            raise self.error(f"expected one input, got {_names(inputs)}")
        tensor = inputs[0].type.tensor_type
        if not tensor.HasField("shape"):
            return inputs[0].name, (None, None)
        found = [d.dim_value if d.dim_value > 0 else None for d in tensor.shape.dim]
        if not 2 <= len(found) <= MOST_DIMENSIONS:
            raise self.error(
                f"expected an input of shape (samples, inputs), got {inputs[0].name!r} of "
                f"{len(found)} dimensions"
            )
        return inputs[0].name, tuple(found)

    def _output(self, graph: Any) -> str:
        """Return the name of the output: the one of floating point, or a classifier's one map."""
        kinds = (
            [o for o in graph.output if o.type.tensor_type.elem_type in FLOATS],
            [o for o in graph.output if o.type.HasField("sequence_type")],
        )
        found = next((outputs for outputs in kinds if outputs), [])
        if len(found) != 1:
            raise self.error(f"expected one output of floating point, got {_names(found)}")
        return str(found[0].name)

    def _needed(self, graph: Any, output: str) -> list[Any]:
        """Return the nodes that the output depends on, in the order of the file."""
        makers: dict[str, int] = {}
        for i, node in enumerate(graph.node):
            for name in filter(None, node.output):
                if makers.setdefault(name, i) != i:
                    raise self.refused(node, f"expected a new name, got {checks.shown(name)}")
        needed, names = set[int](), [output]
        while names:
            i = makers.get(names.pop(), -1)
            if i >= 0 and i not in needed:
                needed.add(i)
                names += graph.node[i].input
        return [graph.node[i] for i in sorted(needed)]

    def _value_of(self, node: Any) -> _Data | Sizes | Array:
        """Return the first output of a node; the others are never found."""
        kind, given, names = kind_of(node), attributes_of(node), list(node.input)
        while names and not names[-1]:  # left out
            names.pop()
        values = [self._named(name) if name else None for name in names]
        data = [value for value in values if isinstance(value, _Data)]
        if kind == "Shape" and len(data) == len(values) == 1:
            lengths = [None, *(UNKNOWN if d is None else d for d in data[0].dimensions[1:])]
            return Sizes(lengths[slice(given.get("start"), given.get("end"))])
        if data:
            return self._of_data(node, kind, given, values, data)
        if any(isinstance(value, Sizes) for value in values):
            sizes = computed(kind, values)
            if sizes is None:
                raise NotRead("expected a shape of (samples, inputs)")
            return sizes
        found = constant_of(given) if kind == "Constant" else folded(kind, given, values)
        self.take(node, found)
        return found

    def _named(self, name: str) -> _Data | Sizes | Array:
        if name not in self._values:
            if name not in self._stored:
                raise NotRead(f"expected {checks.shown(name)} before it")
            self._values[name] = array_of(self._stored[name])
        return self._values[name]

    def _of_data(
        self, node: Any, kind: str, given: Attributes, values: list[Any], data: list[_Data]
    ) -> _Data:
        takes_several = kind in FUNCTIONS or kind == "Concat"
        if not takes_several and (len(data) > 1 or data[0] is not values[0]):
            raise NotRead(ONE_INPUT)
        if kind in _PASSING:
            check_passing(kind, given, values)
            if kind == "ai.onnx.ml.ZipMap":
                self._labels = class_labels.of_map(given)
            return data[0]
        if kind in _SHAPING:
            shaped = behind(kind, given, values, data[0].dimensions)
            if shaped is None:
                raise NotRead("expected a shape of (samples, inputs) after it")
            return _Data(data[0].step, shaped)
        if kind not in FUNCTIONS and kind not in _OTHERS:
            raise NotRead(NO_SUCH_NODE)
        if any(isinstance(value, Sizes) for value in values):
            raise NotRead("expected numbers, got a shape")
        dimensions = data[0].dimensions
        if any(other.dimensions != dimensions for other in data[1:]):
            raise NotRead("expected inputs of one shape")
        if kind in FUNCTIONS:
            for i, value in enumerate(values):
                if isinstance(value, np.ndarray):
                    values[i], dimensions = _per_column(value, dimensions)
        elif kind in ("Gemm", "MatMul"):
            dimensions = _behind_dense(kind, given, values[1:], dimensions)
        elif kind == "Concat":
            dimensions = dimensions[0], None
        inputs = tuple(value.step if isinstance(value, _Data) else value for value in values)
        self.steps.append(Step(node, kind, given, inputs, dimensions))
        return _Data(len(self.steps) - 1, dimensions)

    def _keep(self, end: int) -> None:
        """Leave out the steps that the output does not depend on: they only compute a shape."""
        used = {end}
        for number in range(end, 0, -1):
            if number in used:
                used |= {given for given in self.step(number).inputs if isinstance(given, int)}
        if 0 not in used:
            raise self.error("expected an output that depends on the input")
        order = sorted(used)
        numbers = {old: new for new, old in enumerate(order)}
        kept: list[Step | None] = [None]
        for number in order[1:]:
            step = self.step(number)
            inputs = tuple(numbers[i] if isinstance(i, int) else i for i in step.inputs)
            kept.append(step._replace(inputs=inputs))
        self.steps = kept


def _names(values: list[Any]) -> str:
    return checks.shown([value.name for value in values[:5]]) if values else "none"


def check_passing(kind: str, given: Attributes, values: list[Any]) -> None:
    """Refuse what would do something: a Dropout of training, a Cast to whole numbers."""
    if kind == "Dropout" and len(values) > 2 and not (
        isinstance(values[2], np.ndarray) and values[2].size == 1 and not values[2].any()
    ):  # fmt: skip
        raise NotRead("expected inference, got a training_mode")
    if kind == "Cast" and given.get("to") not in FLOATS:
        raise NotRead("expected a cast to floating point")


def _per_column(array: Array, dimensions: Dimensions) -> tuple[Array, Dimensions]:
    """Return a constant that is the same for every sample, without leading axes of 1.

    It also determines the width of the rows if that was unknown.
    """
    shape = list(array.shape)
    while shape and shape[0] == 1:
        del shape[0]
    fits = len(shape) < len(dimensions) >= array.ndim and array.size > 0
    pairs = list(zip(shape[::-1], dimensions[::-1], strict=False)) if fits else []
    if not fits or any(a not in (1, b) and b is not None for a, b in pairs):
        raise NotRead(f"expected a constant for each column, got one of shape {array.shape}")
    wider = [a if b is None and a > 1 else b for a, b in pairs][::-1]
    return array.reshape(shape), (*dimensions[: len(dimensions) - len(shape)], *wider)


def _behind_dense(
    kind: str, given: Attributes, constants: list[Any], dimensions: Dimensions
) -> Dimensions:
    """Check the weights of a dense layer against its inputs; return what comes out."""
    weights = constants[0] if constants else None
    if not isinstance(weights, np.ndarray) or weights.dtype.kind != "f":
        raise NotRead("expected samples times constant weights")
    if weights.ndim != 2 or weights.size == 0:
        raise NotRead(f"expected a matrix of weights, got one of shape {weights.shape}")
    if len(dimensions) != 2:
        raise NotRead(f"expected samples in rows, got {len(dimensions)} dimensions (no Flatten?)")
    if given.get("transA", 0):
        raise NotRead("expected samples in rows, got transA")
    turned = kind == "Gemm" and given.get("transB", 0)
    inputs, neurons = weights.shape[::-1] if turned else weights.shape
    if dimensions[1] not in (None, inputs):
        raise NotRead(f"expected weights for {dimensions[1]} inputs, got {inputs}")
    return dimensions[0], neurons
