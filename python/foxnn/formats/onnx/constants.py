"""Constants of ONNX files: tensors, attributes, and what nodes compute of them alone.

A file is not trusted: what it says of sizes is compared with the numbers that are there before
memory is taken, and nothing that is made of constants holds more numbers than they do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.formats.onnx.functions import FUNCTIONS, compute

Attributes = Mapping[str, Any]

# Numbers of TensorProto.DataType.
_TYPES = {1: "<f4", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2", 11: "<f8"}
FLOATS, WHOLE = (1, 10, 11), (6, 7)
# Where a tensor keeps its numbers if not as raw bytes; half precision stands there as its bits.
_FIELDS = {1: "float_data", 6: "int32_data", 7: "int64_data", 9: "int32_data", 10: "int32_data",
           11: "double_data"}  # fmt: skip

# No exporter needs so many, and NumPy has no more than 64.
MOST_DIMENSIONS = 16

# Numbers of AttributeProto.AttributeType.
_FLOAT, _INT, _STRING, _TENSOR, _FLOAT_LIST, _INT_LIST, _STRING_LIST = 1, 2, 3, 4, 6, 7, 8
_FIELD_OF = {_FLOAT: "f", _INT: "i", _STRING: "s", _TENSOR: "t", _FLOAT_LIST: "floats",
             _INT_LIST: "ints", _STRING_LIST: "strings"}  # fmt: skip
_LISTS = _FLOAT_LIST, _INT_LIST, _STRING_LIST
# The attributes that are read, and what each must be.
_ATTRIBUTES = {
    "activations": _STRING_LIST, "allowzero": _INT, "alpha": _FLOAT, "approximate": _STRING,
    "auto_pad": _STRING,
    "axes": _INT_LIST, "axis": _INT, "batch_axis": _INT, "beta": _FLOAT, "ceil_mode": _INT,
    "clip": _FLOAT, "direction": _STRING, "end": _INT, "hidden_size": _INT,
    "input_forget": _INT, "layout": _INT, "linear_before_reset": _INT, "start": _INT,
    "classlabels_int64s": _INT_LIST, "classlabels_strings": _STRING_LIST,
    "coordinate_transformation_mode": _STRING, "count_include_pad": _INT, "dilations": _INT_LIST,
    "epsilon": _FLOAT, "gamma": _FLOAT, "group": _INT, "keepdims": _INT,
    "kernel_shape": _INT_LIST, "max": _FLOAT, "min": _FLOAT, "mode": _STRING, "momentum": _FLOAT,
    "nearest_mode": _STRING, "offset": _FLOAT_LIST, "pads": _INT_LIST, "perm": _INT_LIST,
    "scale": _FLOAT_LIST, "scales": _FLOAT_LIST, "spatial": _INT, "split": _INT_LIST,
    "strides": _INT_LIST, "time_axis": _INT, "to": _INT,
    "training_mode": _INT, "transA": _INT, "transB": _INT, "value": _TENSOR,
    "value_float": _FLOAT, "value_floats": _FLOAT_LIST, "value_int": _INT,
    "value_ints": _INT_LIST,
}  # fmt: skip


class NotRead(Exception):
    """Something in a file that cannot be read; the message says what was expected."""


def attributes_of(node: Any) -> Attributes:
    """Return the attributes of a node that are read, by their names."""
    found = {}
    for given in node.attribute:
        kind = _ATTRIBUTES.get(given.name)
        if kind is None:
            continue
        if given.type != kind or given.ref_attr_name:
            raise NotRead(f"expected another type of attribute {checks.shown(given.name)}")
        value = getattr(given, _FIELD_OF[kind])
        found[given.name] = list(value) if kind in _LISTS else value
    return found


def array_of(tensor: Any) -> Array:
    """Return the numbers of a tensor, whose count is checked first."""
    name = checks.shown(tensor.name)
    if tensor.data_location or tensor.external_data:
        raise NotRead(f"expected the numbers of {name} in this file, not in another")
    if tensor.data_type not in _TYPES or tensor.HasField("segment"):
        raise NotRead(f"expected numbers as {name}, got data type {tensor.data_type}")
    kind, shape = np.dtype(_TYPES[tensor.data_type]), list(tensor.dims)
    # NumPy refuses a product that overflows, though one of the numbers is 0.
    overflows = 0 in shape and math.prod(max(n, 1) for n in shape) >= 2**60
    if len(shape) > MOST_DIMENSIONS or min(shape, default=1) < 0 or overflows:
        raise NotRead(f"expected a shape of {name}, got {checks.shown(shape)}")
    raw, field = tensor.raw_data, getattr(tensor, _FIELDS[tensor.data_type])
    size, count = math.prod(shape), len(raw) / kind.itemsize if raw else len(field)
    if count != size:
        raise NotRead(f"expected {size} numbers in {name}, got {count:g}")
    if raw:
        return np.frombuffer(raw, kind).reshape(shape)
    numbers = np.array(field)
    if tensor.data_type == 10:
        return numbers.astype(np.uint16).view(kind).reshape(shape)
    return numbers.astype(kind).reshape(shape)


def constant_of(given: Attributes) -> Array:
    """Return the numbers of a node Constant."""
    if "value" in given:
        return array_of(given["value"])
    for name in ("value_float", "value_floats", "value_int", "value_ints"):
        if name in given:
            return np.array(given[name], np.float32 if "float" in name else np.int64)
    raise NotRead("expected numbers")


def folded(kind: str, given: Attributes, values: list[Any]) -> Array:
    """Return what a node computes of constants."""
    found = None
    if values and all(isinstance(value, np.ndarray) for value in values):
        found = _moved(kind, given, values)
        if found is None and kind in FUNCTIONS and all(v.dtype.kind == "f" for v in values):
            largest = max(values, key=lambda value: int(value.size))
            # Two vectors across would be spread to a matrix.
            if all(v.size == 1 or v.shape == largest.shape for v in values):
                result = compute(kind, given, values)
                found = None if result is None else result.astype(largest.dtype)
    if found is None:
        raise NotRead("expected its constants to be computed in the file")
    return found


def _moved(kind: str, given: Attributes, values: list[Array]) -> Array | None:
    """Return the numbers of the first constant, cast or in another shape."""
    first = values[0]
    if kind in ("Identity", "Dropout"):
        return first
    if kind == "Cast" and given.get("to") in _TYPES:
        with np.errstate(all="ignore"):
            return first.astype(_TYPES[given["to"]])
    if kind == "Transpose":
        axes = given.get("perm", list(range(first.ndim))[::-1])
        return first.transpose(axes) if sorted(axes) == list(range(first.ndim)) else None
    if kind in ("Reshape", "Squeeze", "Unsqueeze"):
        axes = given.get("axes", values[1].ravel().tolist() if len(values) > 1 else None)
        return _reshaped(kind, first, axes)
    return None


def _reshaped(kind: str, array: Array, numbers: list[int] | None) -> Array | None:
    """Return an array in the shape that a node gives; `numbers` are its second input."""
    if numbers is None or len(numbers) > MOST_DIMENSIONS:
        return array.reshape([n for n in array.shape if n != 1]) if kind == "Squeeze" else None
    try:
        if kind == "Reshape":
            return array.reshape([array.shape[i] if n == 0 else n for i, n in enumerate(numbers)])
        if kind == "Squeeze":
            return array.squeeze(tuple(numbers))
        return np.expand_dims(array, tuple(numbers))
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
