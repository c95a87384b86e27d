"""Changes of files and states that keep enough of their form to get past the first check."""

from __future__ import annotations

import copy
import json
import random
import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

WORDS = [
    b"0", b"-0", b"1", b"-1", b"2", b"3", b"+4", b"007", b"1e5", b"1e-400", b"1e400", b"nan",
    b"inf", b"0x10", b"1_0", b"2147483647", b"2147483648", b"9223372036854775807",
    b"18446744073709551616", b"9" * 25, b"9" * 5000, b"0." + b"0" * 400 + b"1",
    b"1e99999999999999999999", b".", b"-", b"e", b"1.00000000e+00", b"relu", b"elu", b"softmax",
    b"Adam", b"\xff\xfe", b"\x00", b"\xc2\xa0",
]  # fmt: skip
CELLS = [
    b"", b"?", b"NA", b"nan", b"1,5", b"1.5", b'"', b'"a\nb"', b"\x00", b"\xff", b"1_0", b"inf",
    b"1e400", b"x" * 200_000, b"\xef\xbb\xbf", b"\xff\xfe", "\u0663".encode(), b";", b"\t",
    b"\r", b"\r\n", b"\n",
]  # fmt: skip
PLAIN: list[Any] = [
    None, True, False, 0, 1, -1, 2, 3, 7, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63,
    2**64 - 1, 2**64, 10**30, 10**400, -(10**400), 0.0, -0.0, 0.5, 1.5, -1.0, 1e-320, 1e308,
    1e-30, float("inf"), float("-inf"), float("nan"), "", "x", "a\x00b", "\ud800", "\udcff", "x"
    * 5000, "softmax", "exp", "relu", "elu", "identity_x", "cross_entropy", "mse", "poisson",
    "float32", "float64", "given", "function", "adam", "sgd", "val_loss", "standard", "/", [],
    {}, [[]], [1, 2], [0.5], [2**31], {"": None}, {"SGD": {}}, {"warmup": {"epochs": 1}},
    {"step": {"every": 2}},
]  # fmt: skip
DEEP = (60, 400, 2000)


def nested(depth: int, draw: random.Random) -> Any:
    """Return lists or dicts that hold each other."""
    value: Any = 1
    key = draw.choice(["then", "a", ""])
    as_list = draw.random() < 0.5
    for _ in range(depth):
        value = [value] if as_list else {key: value}
    return value


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Return every place of a tree of dicts and lists, as what holds it and where."""
    found: list[tuple[Any, Any]] = []
    todo = [tree] if isinstance(tree, dict | list) else []
    while todo and len(found) < 5000:
        holder = todo.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                todo.append(holder[key])
    return found


def _other(value: Any, draw: random.Random) -> Any:
    if isinstance(value, np.ndarray) and draw.random() < 0.8:
        return _other_array(value, draw)
    near = isinstance(value, int | float) and not isinstance(value, bool)
    if near and abs(value) < 2**64 and draw.random() < 0.5:
        return draw.choice([value + 1, value - 1, -value, value * 2, float(value), str(value)])
    if draw.random() < 0.03:
        return nested(draw.choice(DEEP), draw)
    return copy.deepcopy(draw.choice(PLAIN))


def _other_array(value: Any, draw: random.Random) -> Any:
    change = draw.randrange(8)
    if change == 0 and value.size and value.dtype.kind == "f":
        array = value.copy()
        array.flat[draw.randrange(array.size)] = draw.choice([np.nan, np.inf, -0.0, 1e-40, 3e38])
        return array
    kinds = ["<f4", "<f8", ">f8", "<f2", "i4", "u1", "?", "c16", "O", "S3", "U2", "M8[s]"]
    if change == 1:
        return np.zeros(value.shape, draw.choice(kinds))
    if change == 2:
        return np.zeros(draw.choice([(), (0,), (1,), (1, 1), (0, 3), (2, 2, 2), (3, 2), (4,)]))
    if change == 3:
        return value.T
    if change == 4:
        return value.tolist()
    if change == 5:
        return np.ma.masked_array(value)
    return (
        value.reshape(-1)[::-1].reshape(value.shape) if change == 6 else np.atleast_1d(value)[:-1]
    )


def tree(given: Any, draw: random.Random, most: int = 4) -> Any:
    """Return a copy of plain values with some of them changed."""
    try:
        given = copy.deepcopy(given)
    except RecursionError:
        return None
    for _ in range(draw.randint(1, most)):
        places = _places(given)
        if not places:
            return given
        try:
            _change(*draw.choice(places), places, draw)
        except RecursionError:  # what is nested too deep to be copied
            break
    return given


def _change(holder: Any, key: Any, places: list[tuple[Any, Any]], draw: random.Random) -> None:
    change = draw.randrange(10)
    if change < 6:
        holder[key] = _other(holder[key], draw)
    elif change == 6:
        del holder[key]
    elif change == 7:
        other, place = draw.choice(places)
        holder[key] = copy.deepcopy(other[place])
    elif isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        holder[draw.choice(["x", "", "then", "n_threads", "weights"])] = _other(None, draw)


def raw(data: bytes, draw: random.Random) -> bytes:
    """Return bytes with some of them changed."""
    changed = bytearray(data)
    for _ in range(draw.choice([1, 1, 2, 5])):
        place = draw.randrange(len(changed) + 1)
        change = draw.randrange(6)
        if change == 0 and place < len(changed):
            changed[place] ^= 1 << draw.randrange(8)
        elif change == 1 and place < len(changed):
            changed[place] = draw.choice([0, 1, 0x20, 0x7F, 0x80, 0xFF])
        elif change == 2:
            del changed[place : place + draw.choice([1, 4, 50])]
        elif change == 3:
            changed[place:place] = bytes(draw.randrange(256) for _ in range(draw.choice([1, 8])))
        elif change == 4:
            other = draw.randrange(len(changed) + 1)
            changed[place:place] = changed[other : other + draw.choice([2, 8, 40])]
        else:
            del changed[place:]
    return bytes(changed)


def text(data: bytes, draw: random.Random) -> bytes:
    """Return a text of words with some of them changed."""
    words = re.split(rb"(\s+)", data)
    for _ in range(draw.choice([1, 1, 2, 4])):
        place = draw.randrange(len(words))
        change = draw.randrange(5)
        if change < 3:
            words[place] = draw.choice(WORDS) if change < 2 else draw.choice(words)
        elif change == 3:
            del words[place : place + 2]
            words = words or [b""]
        else:
            words[place:place] = [draw.choice(words), b"\n"]
    return b"".join(words)


def table(data: bytes, draw: random.Random) -> bytes:
    """Return a table with some cells or lines changed."""
    cells = re.split(rb"([,;\t|\n])", data)
    for _ in range(draw.choice([1, 1, 2, 4])):
        place = draw.randrange(len(cells))
        change = draw.randrange(4)
        if change < 2:
            cells[place] = draw.choice(CELLS) if change else draw.choice(WORDS)
        elif change == 2:
            del cells[place : place + draw.choice([1, 2])]
            cells = cells or [b""]
        else:
            cells[place:place] = [draw.choice(cells), draw.choice([b",", b";", b"\n"])]
    changed = b"".join(cells)
    return changed.decode("utf-8", "replace").encode("utf-16") if draw.random() < 0.03 else changed


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value)
    except RecursionError:
        return '{"state":' + "[" * 5000


def safetensors(data: bytes, draw: random.Random) -> bytes:
    """Return a safetensors file whose header, or what foxnn says in it, is changed."""
    try:
        (size,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + size])
        ours = json.loads(header["__metadata__"]["foxnn"])
    except (ValueError, KeyError, TypeError, struct.error, RecursionError):
        return raw(data, draw)
    body = data[8 + size :]
    change = draw.randrange(8)
    if change < 5:
        said = _as_json(tree(ours, draw))
        if draw.random() < 0.05:
            said = said.replace("1", "1" * draw.choice([30, 5000]), 1)
        if draw.random() < 0.05:
            said = said.replace('"state":', '"state": null, "state":', 1)
        header["__metadata__"]["foxnn"] = said
    elif change == 5:
        header = tree(header, draw, 2)
    elif change == 6:
        body = raw(body, draw)
    elif header:
        name = draw.choice(list(header))
        header[draw.choice(list(header)) + draw.choice(["", "x"])] = header[name]
    encoded = _as_json(header).encode("utf-8", "surrogatepass")
    if draw.random() < 0.02:
        size = draw.choice([0, 2**40, 2**64 - 1])
        return struct.pack("<Q", size) + encoded + body
    return struct.pack("<Q", len(encoded)) + encoded + body


def weights(data: bytes, draw: random.Random) -> bytes:
    """Return a safetensors file of another library whose header or numbers are changed."""
    try:
        (size,) = struct.unpack("<Q", data[:8])
        header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    except (ValueError, struct.error, RecursionError):
        return raw(data, draw)
    if draw.random() < 0.3:
        body = raw(body, draw)
    else:
        header = tree(header, draw, 2)
    encoded = _as_json(header).encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(encoded)) + encoded + body


def _messages(message: Any, found: list[Any]) -> list[Any]:
    found.append(message)
    for field, value in message.ListFields():
        if field.message_type is not None and len(found) < 3000:
            for part in value if _is_list(value) else [value]:
                _messages(part, found)
    return found


def _is_list(value: Any) -> bool:
    return hasattr(value, "append") or hasattr(value, "add")


_NUMBERS = [0, 1, 2, 3, -1, 4, 7, 13, 17, 64, 2**31 - 1, -(2**31), 2**31, 2**63 - 1, -(2**63)]
_REALS = [0.0, -0.0, 0.5, 1.0, -1.0, 1e30, 1e-30, float("nan"), float("inf")]


def onnx(data: bytes, draw: random.Random) -> bytes:
    """Return an ONNX file with some fields of its messages changed."""
    import onnx as library
    from google.protobuf.message import DecodeError

    try:
        model = library.ModelProto.FromString(data)
    except DecodeError:
        return raw(data, draw)
    for _ in range(draw.choice([1, 1, 2, 4])):
        message = draw.choice(_messages(model.graph, []))
        fields = message.DESCRIPTOR.fields
        there = [field for field, _ in message.ListFields()]
        field = draw.choice(there if there and draw.random() < 0.8 else fields)
        value = getattr(message, field.name)
        try:
            _change_field(model, message, field, value, draw)
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    return bytes(model.SerializeToString())


def _change_field(model: Any, message: Any, field: Any, value: Any, draw: random.Random) -> None:
    if draw.random() < 0.1:
        message.ClearField(field.name)
    elif _is_list(value):
        if field.message_type is not None:
            if len(value) and draw.random() < 0.5:
                value.add().CopyFrom(draw.choice(list(value)))
            elif len(value):
                del value[draw.randrange(len(value))]
            else:
                value.add()
        elif len(value) and draw.random() < 0.7:
            value[draw.randrange(len(value))] = _scalar(model, field, draw)
        else:
            value.append(_scalar(model, field, draw))
    elif field.message_type is not None:
        value.SetInParent()
    else:
        setattr(message, field.name, _scalar(model, field, draw))


def _scalar(model: Any, field: Any, draw: random.Random) -> Any:
    if field.cpp_type == field.CPPTYPE_STRING:
        if field.type == field.TYPE_BYTES:
            return draw.choice([b"", b"\x00" * 8, b"\x00" * 12, b"\xff" * 24, b"none", b"tanh"])
        if field.name == "op_type":
            return draw.choice(_operators())
        names = [name for node in model.graph.node for name in (*node.input, *node.output)]
        names += [attribute.name for node in model.graph.node for attribute in node.attribute]
        return draw.choice(["", "x", "alpha", "axes", "perm", *names])
    if field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return draw.choice(_REALS)
    return draw.choice(_NUMBERS)


def _operators() -> list[str]:
    from foxnn.formats.onnx import graph, layered_graph

    return sorted({*graph._KNOWN, *layered_graph.KNOWN})


def state(data: bytes, draw: random.Random) -> bytes:
    """Return another choice of a state and its changes: what matters is that it is another."""
    return raw(data, draw) if len(data) > 1 else bytes([draw.randrange(256) for _ in range(5)])


MUTATIONS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "network": text,
    "samples": text,
    "safetensors": safetensors,
    "weights": weights,
    "checkpoint": safetensors,
    "population": safetensors,
    "quantized": safetensors,
    "onnx": onnx,
    "state": state,
    "pickle": raw,
    "table": table,
}
