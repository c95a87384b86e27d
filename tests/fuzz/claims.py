"""Small files that claim to be large, and what they are made of."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

import foxnn
from fuzz import seeds


def onnx_model(nodes: list[Any], constants: dict[str, Any]) -> bytes:
    """Return a model of nodes (operator, inputs, output), from 3 inputs x to y."""
    import onnx

    make, stored = onnx.helper, onnx.numpy_helper.from_array
    graph = make.make_graph(
        [make.make_node(kind, inputs, [output]) for kind, inputs, output in nodes],
        "g",
        [make.make_tensor_value_info("x", 1, [None, 3])],
        [make.make_tensor_value_info("y", 1, None)],
        [stored(np.asarray(array, np.float32), name) for name, array in constants.items()],
    )
    return bytes(
        make.make_model(graph, opset_imports=[make.make_opsetid("", 17)]).SerializeToString()
    )


class Made:
    """What a pickle makes by calling something."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.parts = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.parts


def claims() -> list[tuple[str, str, bytes]]:
    """Return small files that claim to be large, with the reader and the ending of each."""
    huge = [2**31 - 1, 2**31 - 2, 10**9, 10**7, 10**6]
    found: list[tuple[str, str, bytes]] = []
    scale = [b"1", b"2", b"3", b"0.5", b"1", b"0", b"3", b"1", b"0", b"0"]
    head = seeds.seeds("network")[0].split(b"\n")
    for number in huge:
        word = b"%d" % number
        for words in (scale, head):
            for i in range(len(words)):
                changed = b"\n".join([*words[:i], word, *words[i + 1 :]])
                found.append(("network", ".txt", changed))
        for numbers in (
            (word, word, word),
            (b"1", word, b"1"),
            (word, b"1", b"1"),
            (b"1", b"1", word),
        ):
            found.append(("samples", ".txt", b"\n".join([*numbers, b"1", b"2"])))
    found += [("safetensors", ".safetensors", data) for data in _claims_of_safetensors(huge)]
    found += [("quantized", ".safetensors", data) for data in _claims_of_quantized(huge)]
    found += [("pickle", ".pkl", data) for data in _claims_of_pickles(huge)]
    small_tables = [b"a" * 100, b"," * 100, b'"' * 99, b"1\n" * 50, b"9" * 100, b"a\n" + b"9" * 98]
    found += [("table", ".csv", data) for data in small_tables]
    try:
        import onnx
    except ImportError:
        return found
    for number in huge:
        for dims in ([number, number], [3, number], [number, 3], [number], [1] * 15 + [number]):
            for raw in (b"", b"\x00" * 12):
                model = onnx.ModelProto.FromString(
                    onnx_model([("MatMul", ["x", "w"], "y")], {"w": np.eye(3)})
                )
                del model.graph.initializer[0].dims[:]
                model.graph.initializer[0].dims.extend(dims)
                model.graph.initializer[0].raw_data = raw
                model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = number
                found.append(("onnx", ".onnx", model.SerializeToString()))
    return found


def _claims_of_safetensors(huge: list[int]) -> list[bytes]:
    good = seeds.seeds("safetensors")[0]
    (size,) = struct.unpack("<Q", good[:8])
    header = json.loads(good[8 : 8 + size])
    found = [struct.pack("<Q", number) + b"{}" for number in (*huge, 2**40, 2**63, 2**64 - 1)]
    for number in huge:
        for sizes in ([number, number], [1, number], [number, 1], [2, 3, number]):
            for claims_shapes in (False, True):
                ours = json.loads(header["__metadata__"]["foxnn"])
                ours["state"] |= {"input_shape": sizes[:1], "layers": _dense(sizes)}
                entries = {k: v for k, v in header.items() if k != "__metadata__"}
                if claims_shapes:
                    entries["layers.0.weight"] = {
                        **entries["layers.0.weight"],
                        "shape": sizes[1::-1],
                    }
                entries["__metadata__"] = {"foxnn": json.dumps(ours)}
                text = json.dumps(entries).encode()
                found.append(struct.pack("<Q", len(text)) + text + good[8 + size :])
    return found


def _claims_of_quantized(huge: list[int]) -> Iterator[bytes]:
    """Yield quantized networks with one of their whole numbers changed, or two that go together."""
    for good in seeds.seeds("quantized"):
        (size,) = struct.unpack("<Q", good[:8])
        header = json.loads(good[8 : 8 + size])
        ours = json.loads(header["__metadata__"]["foxnn"])
        places = list(_whole_numbers(ours["quantized"]))
        for number in (huge[0], huge[-1]):
            together = [[place] for place in places]
            together += [list(pair) for pair in pairwise(places)]
            for some in together:
                changed = json.loads(json.dumps(ours))
                for *path, last in some:
                    at = changed["quantized"]
                    for step in path:
                        at = at[step]
                    at[last] = number
                text = {**header, "__metadata__": {"foxnn": json.dumps(changed)}}
                data = json.dumps(text).encode()
                yield struct.pack("<Q", len(data)) + data + good[8 + size :]


def _whole_numbers(value: Any) -> Iterator[list[Any]]:
    """Yield where the whole numbers of nested dictionaries and lists are."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        if isinstance(part, dict | list):
            yield from ([key, *rest] for rest in _whole_numbers(part))
        elif isinstance(part, int) and not isinstance(part, bool):
            yield [key]


def _dense(sizes: list[int]) -> list[dict[str, Any]]:
    """Return dense layers as a state has them."""
    options = {"activation": "relu", "parameters": []}
    return [
        {"kind": "dense", "options": {"units": units, **options}, "trained": True}
        for units in sizes[1:]
    ]


def _without_arrays(number: int) -> Iterator[dict[str, Any]]:
    """Yield large samples, and layers that need no arrays for them."""
    flat: dict[str, Any] = {"kind": "flatten", "options": {}, "trained": True}
    dropped = {"kind": "dropout", "options": {"rate": 0.5}, "trained": True}
    shaped = {"kind": "reshape", "options": {"shape": [1.0, number]}, "trained": True}
    yield {"input_shape": [number], "layers": [flat, shaped, dropped]}
    yield {"input_shape": [number, number], "layers": [flat] * 3}
    for kind in ("residual", "parallel"):
        # The second adds, or puts side by side, what is large already.
        layers = [{"kind": kind, "options": {}, "branches": [[flat], [dropped]]}, flat]
        yield {"input_shape": [number], "layers": layers}


def _claims_of_pickles(huge: list[int]) -> list[bytes]:
    nn = foxnn.neural_network([2, 3], seed=1)
    function, (kind, state), _ = nn.__reduce__()
    alone = foxnn.layer(2, 3, seed=1).__reduce__()[0]
    small = np.zeros((1, 1))
    arrays = {"weights": small, "bias": small[0]}
    found = [
        pickle.dumps(Made(function, kind, {**state, **said, "parameters": [{}] * 3}))
        for number in huge
        for said in _without_arrays(number)
    ]
    for number in huge:
        for sizes in ([number, number], [2, number], [number, 3]):
            layers = {"input_shape": sizes[:1], "layers": _dense(sizes)}
            former = {"version": 1, "sizes": sizes, "activations": ["relu"]}
            things = [
                Made(function, kind, {**state, **layers}),
                Made(function, kind, {**state, **layers, "parameters": [arrays]}),
                Made(function, kind, {**state, **former}),
                Made(function, kind, {**state, **former, "parameters": [(small, small)]}),
                Made(alone, (*sizes, "relu"), small, small),
            ]
            found += [pickle.dumps(thing) for thing in things]
    return found
