"""safetensors files of quantized networks.

Arrays of the stage at place i are `stages.<i>.weights` (int8), `.bias` (int32), `.factors`
(float32) and `.table` (uint8), where they are not empty; those of the layers in float32 that follow
are `head.layers.<place>.<array>`, as in the file of a network. `scaling.shift` and `.factor` are
how inputs are scaled. Everything else is JSON under the key `foxnn` of the metadata, where
`quantized` stands in place of the `state` of a network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.formats import paths
from foxnn.formats.paths import FileFormatError
from foxnn.formats.safetensors_file import (
    _write,
    opened,
    read_arrays,
    reason,
    state_from,
    state_parts,
)
from foxnn.formats.whole_files import replacing
from foxnn.model.byte_stages import ARRAYS

# Raised when names or their meaning change; earlier files must still be read.
FORMAT = 1

_CODES = {"weights": "I8", "bias": "I32", "factors": "F32", "table": "U8"}
_SCALING = ("shift", "factor")
_HEAD = "head."


def path_of(name_file: object) -> str:
    """Return the path of a quantized network's file."""
    path = paths.path_of(name_file)
    if not path.lower().endswith(".safetensors"):
        raise ValueError(
            f"name_file must be the name of a .safetensors file, got {checks.shown(path)}"
        )
    return path


def write(path: str, given: Mapping[str, Any]) -> None:
    """Write the state of a quantized network.

    Raises
    ------
    OSError
        If it cannot be written; an older file is unchanged.
    """
    body = dict(given["body"])
    head, arrays = state_parts(given["head"], _HEAD)
    stages = []
    for i, stage in enumerate(body["stages"]):
        rest = dict(stage)
        for name in ARRAYS:
            array = rest[name]
            rest[name] = len(array)
            if len(array):
                arrays[f"stages.{i}.{name}"] = array
        stages.append(rest)
    if body["scaling"] is not None:
        for name, array in zip(_SCALING, body["scaling"], strict=True):
            arrays[f"scaling.{name}"] = np.ascontiguousarray(array)
    body |= {"stages": stages, "scaling": body["scaling"] is not None}
    text = json.dumps(
        {
            "format": FORMAT,
            "foxnn": _core.__version__,
            "quantized": dict(given) | {"body": body, "head": head},
        }
    )
    with replacing(path) as file:
        _write(file, arrays, {"foxnn": text})


def read(path: str) -> dict[str, Any]:
    """Return the state that a file holds, whose plain values are not checked yet.

    The header says what the file must hold, and is compared with it before an array is read.

    Raises
    ------
    OSError
        If the file cannot be read.
    foxnn.FileFormatError
        If it is not a safetensors file, or not one of a quantized network.
    """
    with opened(path) as tensors:
        given = _state(path, tensors.metadata())
        try:
            body, head = given["body"], given["head"]
            lengths = _lengths(body)
            expected = dict(lengths)
            if body["scaling"]:
                inputs = checks.integer(body["inputs"], "inputs", 1, 2**40)
                expected |= {f"scaling.{name}": ("F64", [inputs]) for name in _SCALING}
            put, of_head = state_from(path, head, _HEAD)
        except (LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise FileFormatError(
                f"{path}: expected a quantized network: {reason(error)}"
            ) from None
        arrays = read_arrays(path, expected | of_head, tensors)
    for i, stage in enumerate(body["stages"]):
        for name, kind in ARRAYS.items():
            stage[name] = arrays.get(f"stages.{i}.{name}", np.zeros(0, kind))
    body["scaling"] = [arrays[f"scaling.{name}"] for name in _SCALING] if body["scaling"] else None
    return given | {"body": body, "head": put(arrays)}


def _state(path: str, metadata: Mapping[str, str] | None) -> dict[str, Any]:
    try:
        head = json.loads((metadata or {}).get("foxnn", "null"))
    except (ValueError, RecursionError):
        head = None
    if isinstance(head, dict) and "quantized" not in head:
        for key, name in (("state", "neural_network"), ("population", "population")):
            if key in head:
                raise FileFormatError(
                    f"{path}: expected a quantized network, got another; foxnn.{name} reads it"
                )
    if not isinstance(head, dict) or type(head.get("format")) is not int:
        raise FileFormatError(f"{path}: expected a quantized network that foxnn has saved")
    if head["format"] > FORMAT:
        raise FileFormatError(
            f"{path}: expected format {FORMAT} or earlier, got format {head['format']} of "
            f"foxnn {checks.shown(head.get('foxnn'))}: this is foxnn {_core.__version__}"
        )
    given = head.get("quantized")
    if not isinstance(given, dict):
        raise FileFormatError(f"{path}: expected an object as quantized, got {checks.shown(given)}")
    return given


def _lengths(body: Mapping[str, Any]) -> dict[str, tuple[str, list[int]]]:
    """Return type and shape of each array of the stages that there must be."""
    found: dict[str, tuple[str, list[int]]] = {}
    for i, stage in enumerate(body["stages"]):
        for name, code in _CODES.items():
            if length := checks.integer(stage[name], name, 0, 2**40):
                found[f"stages.{i}.{name}"] = code, [length]
    return found
