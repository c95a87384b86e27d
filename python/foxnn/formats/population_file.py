"""safetensors files of populations: the complete state of all members, and of a training run.

Arrays have the names that they have in the file of a network, and one axis more, the members, which
comes first: `layers.0.weight` has shape (members, outputs, inputs). Of a checkpoint, those of the
members' best epochs begin with `best.`. Everything else is JSON under the key `foxnn` of the
metadata, where `population` stands in place of the `state` of a network.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.formats import paths
from foxnn.formats.paths import FileFormatError, reading
from foxnn.formats.safetensors_file import (
    _CODES,
    _name_of,
    _unexpected,
    _write,
    opened,
    read_arrays,
    reason,
)
from foxnn.formats.whole_files import replacing
from foxnn.model import state
from foxnn.model.layer_tree import Leaf

# Raised when names or their meaning change; earlier files must still be read.
FORMAT = 1

_SCALERS = ("input_scaler", "output_scaler")


def path_of(name_file: object, name: str) -> str:
    """Return the path of a population's file."""
    path = paths.path_of(name_file, name)
    if not path.lower().endswith(".safetensors"):
        raise ValueError(
            f"{name} must be the name of a .safetensors file, got {checks.shown(path)}"
        )
    return path


def is_population(path: str) -> bool:
    """Return whether a file is one of a population; not, if it cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with reading(path), safe_open(path, framework="numpy") as tensors:
            head = json.loads((tensors.metadata() or {}).get("foxnn", "null"))
        return isinstance(head, dict) and "population" in head
    except (SafetensorError, OSError, ValueError, RecursionError):
        return False


def write(
    path: str,
    given: Mapping[str, Any],
    run: Mapping[str, Any] | None = None,
    best: Mapping[str, Any] | None = None,
) -> None:
    """Write the state of a population; for a checkpoint, with the run and the best epochs' memory.

    Raises
    ------
    OSError
        If it cannot be written; an older file is unchanged.
    """
    leaves = state.layers_of(given["common"]).leaves
    own: dict[str, Any] = dict(given["own"])
    arrays: dict[str, Array] = {}
    for name in _SCALERS:
        there: Any = next((one for one in own[name] if one is not None), None)
        for part in () if there is None else ("shift", "scale"):
            arrays[f"{name}.{part}"] = np.stack(
                [np.zeros_like(there[part]) if one is None else one[part] for one in own[name]]
            )
        own[name] = [one and {"method": one["method"]} for one in own[name]]
    rest = dict(given) | {"own": own, "memory": _plain(given["memory"])}
    arrays |= _named(given["memory"], "", leaves)
    head: dict[str, Any] = {"format": FORMAT, "foxnn": _core.__version__, "population": rest}
    if run is not None:
        head["run"] = run
    if best is not None:
        head["best"] = _plain(best)
        arrays |= _named(best, "best.", leaves)
    with replacing(path) as file:
        _write(file, arrays, {"foxnn": json.dumps(head)})


def _plain(memory: Mapping[str, Any]) -> dict[str, Any]:
    """Return a memory without its arrays."""
    moments = [{"there": moment["there"]} for moment in memory["moments"]]
    return {k: v for k, v in memory.items() if k != "parameters"} | {"moments": moments}


def _named(memory: Mapping[str, Any], prefix: str, leaves: Sequence[Leaf]) -> dict[str, Array]:
    found = {}
    kinds = [("", memory["parameters"])]
    kinds += [
        (f"optimizer.moment_{i}.", moment["arrays"])
        for i, moment in enumerate(memory["moments"], 1)
    ]
    for kind, by_layer in kinds:
        for leaf, layer in zip(leaves, by_layer or (), strict=by_layer is not None):
            for array in leaf.arrays:
                name, transposed = _name_of(leaf, array)
                stacked = layer[array]
                found[prefix + kind + name] = stacked.swapaxes(1, 2) if transposed else stacked
    return found


def read(
    path: str,
) -> tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any] | None]:
    """Return state, run and the best epochs' memory that a file holds; the last two may be None.

    The header says what the file must hold, and is compared with it before an array is read.

    Raises
    ------
    OSError
        If the file cannot be read.
    foxnn.FileFormatError
        If it is not a safetensors file, or not one of a population that foxnn has saved.
    """
    with opened(path) as tensors:
        given, run, best = _head(path, tensors.metadata())
        try:
            leaves = state.layers_of(given["common"]).leaves
            members = _members(path, given)
            expected = _expected(given, best, leaves, members)
        except (LookupError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise FileFormatError(f"{path}: expected a population: {reason(error)}") from None
        arrays = read_arrays(path, expected, tensors)
    for prefix, memory in (("", given["memory"]), ("best.", best)):
        if memory is not None:
            _fill(memory, prefix, leaves, arrays)
    for name in _SCALERS:
        for i, one in enumerate(given["own"][name]):
            if one is not None:
                one |= {part: arrays[f"{name}.{part}"][i] for part in ("shift", "scale")}
    return given, run, best


def _head(
    path: str, metadata: Mapping[str, str] | None
) -> tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any] | None]:
    text = (metadata or {}).get("foxnn")
    try:
        head = json.loads("null" if text is None else text)
    except (ValueError, RecursionError):
        raise _unexpected(path, "JSON", "foxnn", text) from None
    if isinstance(head, dict) and "state" in head and "population" not in head:
        raise FileFormatError(
            f"{path}: expected a population, got a network; foxnn.neural_network reads it"
        )
    if isinstance(head, dict) and "quantized" in head and "population" not in head:
        raise FileFormatError(
            f"{path}: expected a population, got a quantized network; foxnn.quantized_network "
            "reads it"
        )
    if not isinstance(head, dict) or type(head.get("format")) is not int:
        raise FileFormatError(f"{path}: expected a population that foxnn has saved")
    if head["format"] > FORMAT:
        raise FileFormatError(
            f"{path}: expected format {FORMAT} or earlier, got format {head['format']} of "
            f"foxnn {checks.shown(head.get('foxnn'))}: this is foxnn {_core.__version__}"
        )
    given: Any = head.get("population")
    run, best = head.get("run"), head.get("best")
    for part, name in ((given, "population"), (run, "run"), (best, "best")):
        if not isinstance(part, dict) and (part is not None or name == "population"):
            raise _unexpected(path, "an object", name, part)
    if missing := {"version", "common", "settings", "own", "memory"} - given.keys():
        raise FileFormatError(f"{path}: expected {min(missing)} as population")
    return given, run, best


def _members(path: str, given: Mapping[str, Any]) -> int:
    seeds = given["own"]["seed"]
    if not isinstance(seeds, list) or not seeds:
        raise _unexpected(path, "a seed for each member", "seed", seeds)
    for name in _SCALERS:
        each = given["own"][name]
        if not isinstance(each, list) or len(each) != len(seeds):
            raise _unexpected(path, "one for each member", name, each)
        if not all(one is None or set(one) == {"method"} for one in each):
            raise _unexpected(path, "methods", name, each)
    return len(seeds)


def _expected(
    given: Mapping[str, Any],
    best: Mapping[str, Any] | None,
    leaves: Sequence[Leaf],
    members: int,
) -> dict[str, tuple[str, list[int]]]:
    """Return type and shape of each array that there must be."""
    code = _CODES[given["common"]["dtype"]]
    expected = {}
    for prefix, memory in (("", given["memory"]), ("best.", best)):
        if memory is None:
            continue
        kinds = [""] if any(memory["there"]) else []
        kinds += [
            f"optimizer.moment_{i}."
            for i, moment in enumerate(memory["moments"], 1)
            if any(moment["there"])
        ]
        for kind in kinds:
            for leaf in leaves:
                for array, shape in leaf.arrays.items():
                    name, transposed = _name_of(leaf, array)
                    own = list(shape[::-1] if transposed else shape)
                    expected[prefix + kind + name] = code, [members, *own]
    layers = state.layers_of(given["common"])
    ends = layers.input_shape, layers.output_shape
    for name, shape in zip(_SCALERS, ends, strict=True):
        if any(one is not None for one in given["own"][name]):
            for part in ("shift", "scale"):
                expected[f"{name}.{part}"] = "F64", [members, math.prod(shape)]
    return expected


def _fill(
    memory: dict[str, Any], prefix: str, leaves: Sequence[Leaf], arrays: Mapping[str, Array]
) -> None:
    """Put the arrays into a memory that was read without."""

    def by_layer(kind: str) -> list[dict[str, Array]]:
        found = []
        for leaf in leaves:
            layer = {}
            for array in leaf.arrays:
                name, transposed = _name_of(leaf, array)
                stacked = arrays[prefix + kind + name]
                layer[array] = stacked.swapaxes(1, 2) if transposed else stacked
            found.append(layer)
        return found

    memory["parameters"] = by_layer("") if any(memory["there"]) else None
    for i, moment in enumerate(memory["moments"], 1):
        moment["arrays"] = by_layer(f"optimizer.moment_{i}.") if any(moment["there"]) else None
