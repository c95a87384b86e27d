"""safetensors files: the complete state of a network, so that training continues bit for bit.

Arrays, by name: `layers.<place>.<array>`, where a layer in a branch has place, branch and place, as
in `layers.2.0.1.weight`. Those of dense layers are `weight` and `bias`, as PyTorch has them (a
weight is outputs x inputs, the transpose of foxnn's). `optimizer.moment_1.layers.0.weight` and so
on have the same shapes; `input_scaler.shift`, `.scale`, `output_scaler.shift`, `.scale` are in
float64. A checkpoint of a training also says how far it is, and has the arrays of the best epoch,
as `best.layers.0.weight` and so on, if there is early stopping, and as `states.0` and so on the
states of recurrent layers, if it was written between two pieces of sequences. Everything else is
JSON under the key `foxnn` of the metadata: several keys would have another order from call to call,
and two files of one network would differ.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.formats import foreign
from foxnn.formats.paths import FileFormatError, reading
from foxnn.formats.whole_files import replacing
from foxnn.model import state
from foxnn.model.layer_tree import Layers, Leaf
from foxnn.model.losses import LossFunction, name_of_function
from foxnn.support import pieces

# Raised when names or their meaning change; earlier files must still be read.
FORMAT = 2

# The names of arrays, and whether they are transposed, if PyTorch has them so.
_NAMES = {"dense": {"weights": ("weight", True), "bias": ("bias", False)}}

# Bytes that the library needs beside arrays, for names and for Python's own objects.
_ROOM = 2**22

_SCALERS = ("input_scaler", "output_scaler")
_STATE = "states.{}"
_LONGEST_REASON = 200
_CODES = {"float32": "F32", "float64": "F64"}
# All types of arrays that files have: those of quantized networks are whole numbers, too.
_TYPES = {**_CODES, "int8": "I8", "int32": "I32", "uint8": "U8"}
_NAMES_OF_TYPES = {code: name for name, code in _TYPES.items()}


def is_foreign(path: str) -> bool:
    """Return whether a file is one that foxnn has not written, or is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with reading(path), safe_open(path, framework="numpy") as tensors:
            return "foxnn" not in (tensors.metadata() or {})
    except SafetensorError:
        return True
    except OSError:
        return False


def write(
    path: str,
    given: Mapping[str, Any],
    run: Mapping[str, Any] | None = None,
    best: Mapping[str, Any] | None = None,
    states: Sequence[Array] = (),
) -> None:
    """Write a state to a file; for a checkpoint, with the run and the best epoch's memory.

    `states` are those of recurrent layers in the midst of sequences.

    Raises
    ------
    OSError
        If it cannot be written; an older file is unchanged.
    """
    rest, arrays = state_parts(given)
    head: dict[str, Any] = {"format": FORMAT, "foxnn": _core.__version__, "state": rest}
    leaves = state.layers_of(given).leaves
    if run is not None:
        head["run"] = run
    if best is not None:
        head["best"] = {
            "optimizer": best["optimizer"],
            "steps": best["steps"],
            "moments": [moment is not None for moment in best["moments"]],
        }
        arrays |= _named_memory("best.", best, leaves)
    if states:
        head["states"] = [len(one) for one in states]
        arrays |= {_STATE.format(i): one for i, one in enumerate(states)}
    with replacing(path) as file:
        _write(file, arrays, {"foxnn": json.dumps(head)})


def state_parts(
    given: Mapping[str, Any], prefix: str = ""
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return what a state has beside arrays, for JSON, and the arrays by name."""
    rest: dict[str, Any] = {}
    for key, value in given.items():
        if key == "moments":
            rest[key] = [moment is not None for moment in value]
        elif key == "loss_function":
            rest[key] = written_loss(value)
        elif key in _SCALERS:
            rest[key] = value and {"method": value["method"]}
        elif key != "parameters":
            rest[key] = value
    named = _named(given, state.layers_of(given).leaves)
    return rest, {prefix + name: array for name, array in named}


def state_from(
    path: str, rest: object, prefix: str
) -> tuple[Callable[[Mapping[str, Array]], dict[str, Any]], dict[str, tuple[str, list[int]]]]:
    """Return what `state_parts` has taken apart: how arrays are put into it, and which these are.

    Raises
    ------
    foxnn.FileFormatError, ValueError, TypeError
        If it is not the rest of a state.
    """
    given = state.with_layers(rest)
    layers = state.layers_of(given)
    expected = _expected(path, given, None, layers)

    def put(arrays: Mapping[str, Array]) -> dict[str, Any]:
        _put_layers(given, arrays, prefix, layers.leaves)
        _put_scalers(given, arrays, prefix)
        return given

    return put, {prefix + name: what for name, what in expected.items()}


def _put_scalers(given: dict[str, Any], arrays: Mapping[str, Array], prefix: str = "") -> None:
    for key in _SCALERS:
        if given.get(key) is not None:
            given[key] |= {part: arrays[f"{prefix}{key}.{part}"] for part in ("shift", "scale")}


def written_loss(function: LossFunction | None) -> str | None:
    """Return the name by which a loss that is a function can be found again; None for None.

    Raises
    ------
    ValueError
        If it cannot: a lambda, a function in another function, an object.
    """
    if function is None:
        return None
    if (name := name_of_function(function)) is None:
        raise ValueError(
            "loss must be a function of a module for a file, which holds its name: not a lambda, a "
            f"function in another one or an object; got {checks.shown(function)}"
        )
    return name


def _write(file: IO[bytes], arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file, byte for byte as the library would.

    The library builds all of it in memory first, in one call that lets no other thread run.
    """
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    head: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name in order:
        array = arrays[name]
        begin, end = end, end + array.nbytes
        head[name] = {
            "dtype": _TYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little"))
    file.write(text)
    for name in order:
        array = arrays[name]
        for part in pieces.slices(array):
            file.write(np.ascontiguousarray(array[part], array.dtype.newbyteorder("<")).data)


def _named(given: Mapping[str, Any], leaves: Sequence[Leaf]) -> Iterator[tuple[str, Array]]:
    """Yield name and array of all that a state has in arrays."""
    yield from _named_memory("", given, leaves)
    for key in _SCALERS:
        if given[key] is not None:
            for part in ("shift", "scale"):
                yield f"{key}.{part}", np.ascontiguousarray(given[key][part])


def _named_memory(
    prefix: str, given: Mapping[str, Any], leaves: Sequence[Leaf]
) -> Iterator[tuple[str, Array]]:
    yield from _named_arrays(prefix, given["parameters"], leaves)
    for number, moment in enumerate(given["moments"], 1):
        if moment is not None:
            yield from _named_arrays(f"{prefix}optimizer.moment_{number}.", moment, leaves)


def _named_arrays(
    prefix: str, by_layer: Sequence[Mapping[str, Array]], leaves: Sequence[Leaf]
) -> Iterator[tuple[str, Array]]:
    for leaf, arrays in zip(leaves, by_layer, strict=True):
        for array in leaf.arrays:
            name, transposed = _name_of(leaf, array)
            yield prefix + name, arrays[array].T if transposed else arrays[array]


def _name_of(leaf: Leaf, array: str) -> tuple[str, bool]:
    """Return the name that an array has in the file, and whether it is transposed there."""
    name, transposed = _NAMES.get(leaf.kind, {}).get(array, (array, False))
    return f"layers.{'.'.join(map(str, leaf.path))}.{name}", transposed


def reason(error: Exception) -> str:
    """Return what an error says, cut short: it may hold all that the file does."""
    return str(error)[:_LONGEST_REASON]


@contextlib.contextmanager
def opened(path: str) -> Iterator[Any]:
    """Open a safetensors file; FileFormatError for another one, also where it is read."""
    from safetensors import SafetensorError, safe_open

    with reading(path) as file:  # says better than the library why it cannot be read
        foreign.refuse(path, file.read(foreign.HEAD), "a safetensors file")
    try:
        with safe_open(path, framework="numpy") as tensors:
            yield tensors
    except SafetensorError as error:
        raise FileFormatError(f"{path}: expected a safetensors file: {reason(error)}") from None


def read_arrays(
    path: str, expected: Mapping[str, tuple[str, list[int]]], tensors: Any
) -> dict[str, Array]:
    """Return the arrays of a file, which must be those of these names, types and shapes."""
    _compare(path, expected, tensors)
    numbers = sum(math.prod(shape) for _, shape in expected.values())
    checks.memory(numbers * 8 + _ROOM)
    return {name: _read_array(tensors, name, *expected[name]) for name in expected}


def read(path: str) -> dict[str, Any]:
    """Return the state that a file holds; see `read_checkpoint`."""
    return read_checkpoint(path)[0]


def read_checkpoint(
    path: str,
) -> tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any] | None]:
    """Return state, run and best epoch's memory that a file holds; the last two may be None.

    A run has "states", of recurrent layers in the midst of sequences.

    The header says what the file must hold, and is compared with it before an array is read.

    Raises
    ------
    OSError
        If the file cannot be read.
    foxnn.FileFormatError
        If it is not a safetensors file, or not one of a network that foxnn has saved.
    """
    with opened(path) as tensors:
        given, run, best, sizes = _rest(path, tensors.metadata())
        try:
            given = state.with_layers(given)
            layers = state.layers_of(given)
        except (ValueError, TypeError) as error:
            raise FileFormatError(f"{path}: {error}") from None
        expected = _expected(path, given, best, layers)
        code = _CODES[given["dtype"]]
        expected |= {_STATE.format(i): (code, [size]) for i, size in enumerate(sizes)}
        arrays = read_arrays(path, expected, tensors)
    for prefix, memory in (("", given), ("best.", best)):
        if memory is not None:
            _put_layers(memory, arrays, prefix, layers.leaves)
    if run is not None:
        run["states"] = [arrays[_STATE.format(i)] for i in range(len(sizes))]
    _put_scalers(given, arrays)
    try:
        return dict(state.checked(given)), run, best
    except (ValueError, TypeError) as error:
        raise FileFormatError(f"{path}: {error}") from None


def _rest(
    path: str, metadata: Mapping[str, str] | None
) -> tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any] | None, list[int]]:
    """Return the parts of state, run and best memory that are no arrays, and sizes of states."""
    text = (metadata or {}).get("foxnn")
    if text is None:
        raise FileFormatError(
            f"{path}: expected a network that foxnn has saved, got a file without 'foxnn' in its "
            "metadata"
        )
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise _unexpected(path, "JSON", "foxnn", text) from None
    if not isinstance(found, dict) or type(found.get("format")) is not int:
        raise _unexpected(path, "an object with a format", "foxnn", found)
    if found["format"] > FORMAT:
        raise FileFormatError(
            f"{path}: expected format {FORMAT} or earlier, got format {found['format']} of "
            f"foxnn {checks.shown(found.get('foxnn'))}: this is foxnn {_core.__version__}"
        )
    given = found.get("state")
    if given is None and "population" in found:
        raise FileFormatError(
            f"{path}: expected a network, got a population; foxnn.population reads it"
        )
    if given is None and "quantized" in found:
        raise FileFormatError(
            f"{path}: expected a network, got a quantized one; foxnn.quantized_network reads it"
        )
    if not isinstance(given, dict):
        raise _unexpected(path, "an object", "state", given)
    run, best = found.get("run"), found.get("best")
    for part, name in ((run, "run"), (best, "best")):
        if part is not None and not isinstance(part, dict):
            raise _unexpected(path, "an object", name, part)
    if best is not None and (missing := {"optimizer", "steps"} - best.keys()):
        raise _unexpected(path, min(missing), "best", best)
    sizes = found.get("states", [])
    if not isinstance(sizes, list) or not all(type(n) is int and n >= 0 for n in sizes):
        raise _unexpected(path, "sizes", "states", sizes)
    return given, run, best, sizes


def _expected(
    path: str, given: dict[str, Any], best: dict[str, Any] | None, layers: Layers
) -> dict[str, tuple[str, list[int]]]:
    """Return type and shape of each array that there must be; `given` is checked so far."""
    if (kind := given.get("dtype")) not in ("float32", "float64"):
        raise _unexpected(path, "float32 or float64", "dtype", kind)
    prefixes: list[str] = []
    for prefix, memory in (("", given), ("best.", best)):
        if memory is None:
            continue
        there = memory.get("moments")
        if not (isinstance(there, list) and len(there) == 2 and set(map(type, there)) == {bool}):
            raise _unexpected(path, "two of true and false", "moments", there)
        moments = (f"{prefix}optimizer.moment_{i}." for i, found in enumerate(there, 1) if found)
        prefixes += [prefix, *moments]
    expected = {}
    for prefix in prefixes:
        for leaf in layers.leaves:
            for array, shape in leaf.arrays.items():
                name, transposed = _name_of(leaf, array)
                expected[prefix + name] = _CODES[kind], list(shape[::-1] if transposed else shape)
    # Sequences of any length have no scalers.
    varies = None in layers.input_shape
    ends = (0, 0) if varies else (math.prod(layers.input_shape), math.prod(layers.output_shape))
    for key, columns in zip(_SCALERS, ends, strict=True):
        if (scaler := given.get(key)) is None:
            continue
        if not isinstance(scaler, dict) or set(scaler) != {"method"}:
            raise _unexpected(path, "an object with a method", key, scaler)
        for part in ("shift", "scale"):
            expected[f"{key}.{part}"] = "F64", [columns]
    return expected


def _compare(path: str, expected: Mapping[str, tuple[str, list[int]]], tensors: Any) -> None:
    names = set(tensors.keys())
    if missing := [name for name in expected if name not in names]:
        raise FileFormatError(f"{path}: expected an array {missing[0]}, got none")
    if more := sorted(names - set(expected)):
        raise FileFormatError(f"{path}: expected no array {checks.shown(more[0])}")
    for name, (code, shape) in expected.items():
        view = tensors.get_slice(name)
        found = view.get_dtype(), list(view.get_shape())
        if found != (code, shape):
            raise FileFormatError(
                f"{path}: expected {name} as {code} of shape {shape}, got {found[0]} of shape "
                f"{found[1]}"
            )


def _read_array(tensors: Any, name: str, code: str, shape: list[int]) -> Array:
    view = tensors.get_slice(name)
    out = np.empty(shape, np.dtype(_NAMES_OF_TYPES[code]))
    for part in pieces.slices(out):
        out[part] = view[part]
    return out


def _put_layers(
    memory: dict[str, Any], arrays: Mapping[str, Array], prefix: str, leaves: Sequence[Leaf]
) -> None:
    """Put the arrays of the layers in their places: parameters, and the moments there are."""
    memory["parameters"] = _by_layer(arrays, prefix, leaves)
    memory["moments"] = [
        _by_layer(arrays, f"{prefix}optimizer.moment_{number}.", leaves) if there else None
        for number, there in enumerate(memory["moments"], 1)
    ]


def _by_layer(
    arrays: Mapping[str, Array], prefix: str, leaves: Sequence[Leaf]
) -> list[dict[str, Array]]:
    def read(leaf: Leaf, array: str) -> Array:
        name, transposed = _name_of(leaf, array)
        return arrays[prefix + name].T if transposed else arrays[prefix + name]

    return [{array: read(leaf, array) for array in leaf.arrays} for leaf in leaves]


def _unexpected(path: str, expected: str, name: str, got: object) -> FileFormatError:
    return FileFormatError(f"{path}: expected {expected} as {name}, got {checks.shown(got)}")
