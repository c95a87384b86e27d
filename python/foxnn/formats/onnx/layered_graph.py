"""The operations of an ONNX graph over samples of any shape, each with its constants.

`graph` knows only the rows of a chain; this module knows the shape of a sample at every value, and
so recognizes layers at positions, sums, and values side by side. Shapes are foxnn's, with the
channels last; `layout` knows the order of axes in the file. An input that goes into convolutions or
BatchNormalization has its channels first in the file, and last in foxnn.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.formats.onnx.constants import (
    MOST_DIMENSIONS,
    WHOLE,
    Attributes,
    NotRead,
    array_of,
    attributes_of,
    constant_of,
    folded,
)
from foxnn.formats.onnx.functions import FUNCTIONS
from foxnn.formats.onnx.graph import NO_SUCH_NODE, ONE_INPUT, SOFTMAX, check_passing
from foxnn.formats.onnx.indices import EXACT, source_of
from foxnn.formats.onnx.layered_shapes import (
    APART,
    behind_dense,
    beside,
    check_merged,
    embedded,
    is_over_channels,
    is_over_positions,
    merged,
    normalized,
    reshaped,
    squeezed,
    tiled,
    unsqueezed,
    with_channels_first,
)
from foxnn.formats.onnx.layout import (
    Shape,
    Value,
    channels_first,
    constant_as_ours,
    is_innermost,
    is_last,
    places,
    plain,
    transposed,
)
from foxnn.formats.onnx.loops import condition, loop_of
from foxnn.formats.onnx.model_file import ModelFile, kind_of
from foxnn.formats.onnx.padding import check_pads, padded, with_pads
from foxnn.formats.onnx.recurrent_shapes import (
    BACKWARD,
    NODES,
    Lengths,
    Recurrent,
    Turned,
    Zeros,
    filled_of,
    moved,
    turned_of,
)
from foxnn.formats.onnx.recurrent_values import RecurrentValues
from foxnn.formats.onnx.reversal import reversed_of
from foxnn.formats.onnx.shapes import Sizes, computed
from foxnn.formats.onnx.steps_first import with_samples_first
from foxnn.formats.onnx.window_shapes import (
    GLOBAL_POOLS,
    RESIZES,
    VARIES,
    WINDOWED,
    factors_of,
    window_of,
)

_SHAPING = ("Flatten", "Reshape", "Squeeze", "Unsqueeze")
_PASSING = ("Identity", "Dropout", "Cast")
_MEANS = {"ReduceMean": "GlobalAveragePool", "ReduceMax": "GlobalMaxPool"}
_LARGEST = 2**31 - 1
#: The mean of each position's channels, in place of every one of them.
CHANNEL_MEAN = "ChannelMean"
#: A global pool's numbers as positions of one, which no layer is made of where they are flattened.
_AT_ONE = "AtOne"
#: What makes constants of a shape.
_FILLING = ("ConstantOfShape", "Expand")
_WHOLE_NUMBERS = "expected a cast to floating point, or to the indices of a Gather"


class Operation(NamedTuple):
    """What a node computes of earlier values (by number; 0 is the input) and constants."""

    node: Any
    kind: str
    given: Attributes
    inputs: tuple[int | Array | None, ...]
    shape: Shape  # of a sample that comes out


class LayeredGraph(ModelFile):
    """The operations of a model, in their order; number 0 is the input."""

    def __init__(self, path: str, model: Any, steps: int = 0) -> None:
        super().__init__(path, model)
        self._steps = steps  # where the file does not say how many
        name, start = self._input()
        self.shape = start.shape
        self.operations: list[Operation | None] = [None]
        self._recurrent = RecurrentValues(self._put)
        # By name: Value, Turned, Sizes, Zeros, an array, or why it is refused.
        self._values: dict[str, Any] = {name: start}
        for node in model.graph.node:
            try:
                self._add(node)
            except NotRead as error:
                raise self.refused(node, str(error)) from None
        end = self._values.get(str(model.graph.output[0].name)) if model.graph.output else None
        if isinstance(end, Turned) and end.is_backward and isinstance(end.parts[0][0], Recurrent):
            raise self.refused(end.parts[0][0].node, BACKWARD)
        if not isinstance(end, Value) or len(model.graph.output) != 1:
            raise self.error("expected one output that depends on the input")
        if end.is_merged:
            raise self.error(APART)
        if end.flat_of or (not end.is_plain and end.order != channels_first(len(end.order))):
            raise self.error("expected an output whose numbers are in foxnn's order")
        if end.is_whole:
            raise self.error(_WHOLE_NUMBERS)
        if end.pads:
            raise self.error("expected a Conv behind a Pad")
        self.end = end.number

    def operation(self, number: int) -> Operation:
        """Return an operation, not the input."""
        found = self.operations[number]
        assert found is not None
        return found

    def shape_of(self, number: int) -> Shape:
        """Return the shape of a sample of a value."""
        return self.shape if number == 0 else self.operation(number).shape

    def _input(self) -> tuple[str, Value]:
        inputs = [given for given in self.model.graph.input if given.name not in self._stored]
        if len(inputs) != 1:
            raise self.error(f"expected one input, got {len(inputs)}")
        name, dimensions = str(inputs[0].name), inputs[0].type.tensor_type.shape.dim
        self._batch, *lengths = [int(d.dim_value) for d in dimensions] or [0]
        shape = tuple(n or self._steps for n in lengths)
        if (
            not shape
            or len(shape) > MOST_DIMENSIONS
            or min(shape) < 1
            or math.prod(shape) > _LARGEST
        ):
            raise self.error(f"expected an input of a known shape, got {checks.shown(shape)}")
        if len(shape) > 1 and self._goes_into_windows(name):
            return name, Value(0, (*shape[1:], shape[0]), channels_first(len(shape)))
        return name, plain(0, shape)

    def _goes_into_windows(self, name: str) -> bool:
        """Return whether a value goes to where channels are first, perhaps through functions."""
        names = {name}
        for node in self.model.graph.node:
            if not names.isdisjoint(node.input):
                if kind_of(node) in (*WINDOWED, "BatchNormalization"):
                    return True
                if kind_of(node) in FUNCTIONS or kind_of(node) in (*_PASSING, "Pad"):
                    names.update(node.output)
        return False

    def _named(self, name: str) -> Any:
        if not name:
            return None
        if name not in self._values:
            if name not in self._stored:
                raise NotRead(f"expected {checks.shown(name)} before it")
            self._values[name] = array_of(self._stored[name])
        if isinstance(self._values[name], NotRead):
            raise self._values[name]
        return self._values[name]

    def _add(self, node: Any) -> None:
        if node.domain not in ("", "ai.onnx") or not node.output:
            raise NotRead(NO_SUCH_NODE)
        kind, given = str(node.op_type), attributes_of(node)
        values = [self._named(name) for name in node.input]
        data = [value for value in values if isinstance(value, Value)]
        for name in filter(None, node.output):
            if name in self._values:
                raise NotRead(f"expected a new name, got {checks.shown(name)}")
        if kind in NODES:
            self._values |= self._recurrent.outputs(node, NODES[kind], given, values)
            return
        if kind == "Loop":
            loop = loop_of(node, values, self._named, self.take)
            self._values |= self._recurrent.of_loop(node, loop)
            return
        made: Any
        values = self._recurrent.of_layers(kind, values)
        if kind == "ReverseSequence" or any(isinstance(value, Turned) for value in values):
            made = self._of_turned(node, kind, given, values)
        elif not data and (met := condition(kind, values)) is not None:
            made = met
        elif any(isinstance(value, Zeros | Lengths) for value in values) or kind in _FILLING:
            fill = array_of(given["value"]) if "value" in given else None
            made = filled_of(kind, given, values, fill)
            if data or made is None:
                raise NotRead(NO_SUCH_NODE)
        elif data:
            made = self._of_data(node, kind, given, values, data)
        elif any(isinstance(value, Sizes) for value in values):
            sizes = computed(kind, values, bool(given.get("keepdims", 1)))
            if sizes is None:
                raise NotRead("expected a shape that is known")
            made = sizes
        else:
            made = constant_of(given) if kind == "Constant" else folded(kind, given, values)
            self.take(node, made)
            self.take(node, made)
        self._values[node.output[0]] = made

    def _of_turned(self, node: Any, kind: str, given: Attributes, values: list[Any]) -> Any:
        if (inner := with_samples_first(kind, given, values)) is not None:
            settled = [
                self._recurrent.settled(node, value) if isinstance(value, Turned) else value
                for value in inner[1]
            ]
            data = [value for value in settled if isinstance(value, Value)]
            found = self._of_data(node, kind, inner[0], settled, data)
            is_turned = kind in FUNCTIONS
            return Turned("tnc", ((found, 0),)) if is_turned and isinstance(found, Value) else found
        if kind == "ReverseSequence":
            made: Any = reversed_of(given, values)
        else:
            made = moved(kind, given, [_known(value) for value in values], self._batch)
        is_settled = isinstance(made, Turned) and made.is_settled
        return self._recurrent.settled(node, made) if is_settled else made

    def _of_data(
        self, node: Any, kind: str, given: Attributes, values: list[Any], data: list[Value]
    ) -> Value | Sizes | Turned:
        takes_several = kind in FUNCTIONS or kind == "Concat"
        check_pads(kind, _PASSING, data)
        if kind == "Gather":
            found = embedded(given, values)
            source = source_of(self.operations, values[1], len(values[0]))
            return self._put(node, kind, given, [source, values[0]], found)
        if kind == "Cast" and given.get("to") in WHOLE:
            return data[0]._replace(is_whole=True)
        if any(value.is_whole for value in data) and kind not in (*EXACT, "Cast"):
            raise NotRead(_WHOLE_NUMBERS)
        check_merged(kind, given, data)
        if kind in _PASSING and (len(data) > 1 or not isinstance(values[0], Value)):
            raise NotRead(ONE_INPUT)
        check_passing(kind, given, values)
        is_alone = kind == "Concat" and len(values) == 1
        if is_alone or (kind in _PASSING and not (kind == "Dropout" and _says_rate(values))):
            return data[0]
        if not takes_several and (len(data) != 1 or not isinstance(values[0], Value)):
            known = kind in (*_SHAPING, *LAYERS, *WINDOWED)
            raise NotRead(ONE_INPUT if known else NO_SUCH_NODE)
        if kind == "Shape":
            lengths = [None, *data[0].file_shape]
            return Sizes(lengths[slice(given.get("start"), given.get("end"))])
        if kind == "Transpose":
            if (turned := turned_of(data[0], given.get("perm"))) is not None:
                return turned
            return transposed(data[0], given.get("perm"))
        if kind == "Pad":
            return padded(given, values)
        if kind == "Tile":
            factors = tiled(values, data[0])
            positions = (n * f for n, f in zip(data[0].shape, factors, strict=False))
            found = data[0]._replace(shape=(*positions, data[0].shape[-1]))
            return self._put(node, kind, {"factors": factors}, data, found)
        values = [_whole(v) if isinstance(v, Sizes) else v for v in values]
        if kind == "Reshape" and (again := merged(values, data[0])) is not None:
            return again
        if kind in _SHAPING:
            return self._shaped(node, kind, given, values, data[0])
        if kind in WINDOWED or kind in _MEANS:
            return self._windowed(node, kind, given, values, data[0])
        if kind == "Concat":
            return self._put(node, kind, given, values, beside(given, values, data))
        if kind in FUNCTIONS:
            return self._computed(node, kind, given, values, data)
        if kind not in LAYERS:
            raise NotRead(NO_SUCH_NODE)
        if kind == "BatchNormalization":
            value = data[0] if is_last(data[0], 1) else self._first(node, data[0])
            inputs = normalized(node, given, [value, *values[1:]])
            return self._put(node, kind, given, inputs, value)
        if kind in ("Gemm", "MatMul"):
            found = behind_dense(kind, given, values, data[0])
            return self._put(node, kind, given, self._turned(node, kind, given, values), found)
        # Up to operator set 12, softmax is over its axis and all behind it, by default over a whole
        # sample.
        usual = 1 if kind in SOFTMAX and self._version < 13 else -1
        is_turned = kind == "LayerNormalization" and data[0].flat_of is not None
        axis = given.get("axis", usual)
        is_over_more = kind in SOFTMAX and self._version < 13 and not is_innermost(data[0], axis)
        if kind != "Dropout" and (is_turned or is_over_more or not is_last(data[0], axis)):
            raise NotRead("expected the last axis")
        return self._put(node, kind, given, values, data[0])

    def _put(
        self, node: Any, kind: str, given: Attributes, values: list[Any], found: Value
    ) -> Value:
        """Append an operation; return the value that comes out of it."""
        if math.prod(found.shape) > _LARGEST:
            raise NotRead(f"expected at most {_LARGEST} numbers of a sample")
        inputs = tuple(value.number if isinstance(value, Value) else value for value in values)
        self.operations.append(Operation(node, kind, given, inputs, found.shape))
        return found._replace(number=len(self.operations) - 1)

    def _turned(self, node: Any, kind: str, given: Attributes, values: list[Any]) -> list[Any]:
        """Return the inputs of a dense layer with the weights of what was flattened in order."""
        turned = places(values[0])
        if turned is None:
            return values
        weights = values[1].take(turned, 1 if kind == "Gemm" and given.get("transB", 0) else 0)
        self.take(node, weights)
        return [values[0], weights, *values[2:]]

    def _computed(
        self, node: Any, kind: str, given: Attributes, values: list[Any], data: list[Value]
    ) -> Value:
        first = data[0]
        if any(other.file_shape != first.file_shape for other in data[1:]):
            raise NotRead("expected inputs of one shape")
        if any((o.order, o.flat_of) != (first.order, first.flat_of) for o in data[1:]):
            raise NotRead("expected inputs whose axes are in one order")
        if first.is_merged and any(other.shape != first.shape for other in data[1:]):
            raise NotRead(APART)
        ours = [constant_as_ours(v, first) if isinstance(v, np.ndarray) else v for v in values]
        first = first._replace(is_whole=any(value.is_whole for value in data))
        return self._put(node, kind, given, ours, first)

    def _shaped(
        self, node: Any, kind: str, given: Attributes, values: list[Any], value: Value
    ) -> Value:
        if kind == "Squeeze":
            found = squeezed(value, given, values)
        elif kind == "Unsqueeze":
            found = unsqueezed(value, given, values)
        else:
            found = reshaped(kind, given, values, value)
        source = self.operations[value.number]
        if source is not None and source.kind == _AT_ONE and len(found.shape) == 1:
            (number,) = source.inputs
            assert isinstance(number, int)
            return plain(number, found.shape)
        if found.flat_of is not None:
            kind = "Flatten"
        return self._put(node, kind, given, values, found)

    def _windowed(
        self, node: Any, kind: str, given: Attributes, values: list[Any], value: Value
    ) -> Value:
        if is_over_channels(kind, given, values, value):
            return self._put(node, CHANNEL_MEAN, {}, [value], value)
        keeps = True
        if kind in _MEANS:
            if not is_over_positions(value, given, values):
                raise NotRead("expected the mean or maximum over all positions")
            keeps, kind = bool(given.get("keepdims", 1)), _MEANS[kind]
        else:
            given = with_pads(given, value) if kind == "Conv" else given
            value = self._first(node, value)._replace(pads=())
        axes, channels = len(value.shape) - 1, value.shape[-1]
        if kind in GLOBAL_POOLS:
            pooled = self._put(node, kind, given, [value], plain(0, (channels,)))
            at_one = Value(0, (*(1,) * axes, channels), value.order)
            return self._put(node, _AT_ONE, {}, [pooled], at_one) if keeps else pooled
        if kind in RESIZES:
            factors = factors_of(kind, given, values, value.shape)
            positions = tuple(n * f for n, f in zip(value.shape, factors, strict=False))
        else:
            given = {**given, VARIES: bool(self._steps)}
            positions = window_of(kind, given, values, value.shape).positions
            channels = len(values[1]) if kind == "Conv" else channels
        found = Value(0, (*positions, channels), value.order)
        return self._put(node, kind, given, [value, *values[1:]], found)

    def _first(self, node: Any, value: Value) -> Value:
        """Return a value whose channels are first in the file, if reshaping is enough for that."""
        found = with_channels_first(value)
        if found is value:
            return value
        return self._put(node, "Relaid", {}, [value], found)


#: Operations that become layers by `leaves`, beside those of windows.
LAYERS = ("Gemm", "MatMul", *SOFTMAX, "Dropout", "BatchNormalization", "LayerNormalization")
#: All operators that may take values of samples, apart from functions of one number.
KNOWN = (
    *LAYERS,
    *WINDOWED,
    *_MEANS,
    *_SHAPING,
    *_PASSING,
    "Concat",
    "Pad",
    "ReverseSequence",
    "Shape",
    "Tile",
    "Transpose",
)


def _known(value: Any) -> Any:
    return _whole(value) if isinstance(value, Sizes) else value


def _whole(sizes: Sizes) -> Array:
    """Return a shape that nodes have computed; 0 is the number of samples."""
    return np.array([0 if size is None else size for size in sizes.values], np.int64)


def _says_rate(values: list[Any]) -> bool:
    """Return whether a Dropout gives its rate."""
    rate = values[1] if len(values) > 1 else None
    return isinstance(rate, np.ndarray) and rate.size == 1 and 0.0 <= float(rate.ravel()[0]) < 1.0
