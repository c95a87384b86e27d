"""Values that are wrong for nearly every argument, by name, and made anew each time.

They are told apart by what they are: plain values, containers, arrays, and objects whose methods
raise or lie. What such an object raises on its own is `UsersOwn`.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import math
import pathlib
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import foxnn
from foxnn import schedules


class UsersOwn(Exception):
    """What the method of a user's object raises."""


def _raise(*_: object, **__: object) -> Any:
    raise UsersOwn("of the user's own object")


def raising(*methods: str, base: type = object, error: type[Exception] = UsersOwn) -> type:
    """Return a class whose methods of these names raise."""

    def method(*_: object, **__: object) -> Any:
        raise error("of the user's own object")

    return type("Raising", (base,), dict.fromkeys(methods, method))


def answering(base: type = object, **answers: Any) -> type:
    """Return a class whose methods of these names always answer so."""
    body = {name: lambda *_, answer=answer, **__: answer for name, answer in answers.items()}
    return type("Answering", (base,), body)


def _self_containing(kind: type) -> Any:
    if kind is dict:
        found: Any = {}
        found["itself"] = found
        return found
    found = [1.0]
    found.append(found)
    return found


def _nested(depth: int) -> Any:
    found: Any = 1.0
    for _ in range(depth):
        found = [found]
    return found


def _nested_dict(depth: int) -> Any:
    found: Any = {}
    for _ in range(depth):
        found = {"a": found}
    return found


def _matrix() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.matrix([[1.0, 2.0], [3.0, 4.0]])


def _unaligned() -> np.ndarray:
    return np.frombuffer(b"\0" * 25, np.uint8)[1:].view(np.float64)


def _read_only() -> np.ndarray:
    array = np.ones((2, 3))
    array.flags.writeable = False
    return array


def _not_finite(value: float) -> np.ndarray:
    array = np.zeros((8, 3))
    array[1, 1] = value
    return array


class Subclass(np.ndarray):
    """An array of a class of its own."""


class NoFunctions(np.ndarray):
    """An array that lets NumPy compute nothing with it."""

    __array_ufunc__ = None

    def __array_function__(self, *_: object) -> Any:
        raise UsersOwn("of the user's own object")


class _LyingList(list):
    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[Any]:
        return iter([3, 4, 5, 6])


class _ShrinkingList(list):
    """A list that loses its items while it is read."""

    def __iter__(self) -> Iterator[Any]:
        while self:
            yield self.pop()


class _Table:
    """A thing that looks like a table of pandas, and is none."""

    columns = ("a", "b", "c")
    dtypes = (np.dtype(object),) * 3
    ndim = 2

    def to_numpy(self) -> Any:
        return [["a", "b", "c"]]


class _TableOfLies(_Table):
    dtypes = (np.dtype(np.float64),) * 3

    def to_numpy(self) -> Any:
        raise UsersOwn("of the user's own object")


class _Odd(str):
    """A string that equals everything and has no hash."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


def _takes_nothing() -> float:
    return 0.1


def _takes_five(a: int, b: int, c: int, d: int, e: int) -> float:
    return 0.1


def _unmade(kind: type) -> Any:
    return kind.__new__(kind)


def _other_network() -> foxnn.neural_network:
    return foxnn.neural_network([5, 7, 4], "relu", seed=3)


PLAIN: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "False": lambda: False,
    "numpy-True": lambda: np.True_,
    "0": lambda: 0,
    "1": lambda: 1,
    "-1": lambda: -1,
    "2**31": lambda: 2**31,
    "2**32": lambda: 2**32,
    "2**63": lambda: 2**63,
    "2**64": lambda: 2**64,
    "2**200": lambda: 2**200,
    "-2**63-1": lambda: -(2**63) - 1,
    "10**5000": lambda: 10**5000,
    "0.0": lambda: 0.0,
    "-0.0": lambda: -0.0,
    "0.5": lambda: 0.5,
    "1.0": lambda: 1.0,
    "-1.5": lambda: -1.5,
    "nan": lambda: math.nan,
    "inf": lambda: math.inf,
    "-inf": lambda: -math.inf,
    "1e308": lambda: 1e308,
    "1e-320": lambda: 1e-320,
    "complex": lambda: 1j,
    "Fraction": lambda: fractions.Fraction(1, 3),
    "huge-Fraction": lambda: fractions.Fraction(10**400),
    "Decimal": lambda: decimal.Decimal("0.1"),
    "Decimal-NaN": lambda: decimal.Decimal("sNaN"),
    "Ellipsis": lambda: ...,
    "NotImplemented": lambda: NotImplemented,
    "object": object,
    "date": lambda: datetime.date(2020, 1, 1),
    "timedelta": lambda: datetime.timedelta(seconds=1),
    "range": lambda: range(3),
    "huge-range": lambda: range(2**62),
    "slice": lambda: slice(None),
    "pattern": lambda: re.compile("a"),
    "empty-str": lambda: "",
    "str": lambda: "nothing of this name",
    "number-str": lambda: "1",
    "nan-str": lambda: "nan",
    "surrogate": lambda: "\ud800",
    "escaped-byte": lambda: "\udcff",
    "NUL": lambda: "a\0b",
    "long-str": lambda: "x" * 10_000,
    "newline": lambda: "a\nb",
    "sign": lambda: "/",
    "bytes": lambda: b"tanh",
    "empty-bytes": lambda: b"",
    "broken-bytes": lambda: b"\xff\xfe",
    "bytearray": lambda: bytearray(b"abc"),
    "memoryview": lambda: memoryview(b"abc"),
    "odd-str": lambda: _Odd("tanh"),
    "path": lambda: pathlib.Path("no/such/folder/at/all.safetensors"),
    "folder": lambda: pathlib.Path("."),
    "pure-path": lambda: pathlib.PureWindowsPath("a\\b"),
}  # fmt: skip

CONTAINERS: dict[str, Callable[[], Any]] = {
    "[]": list,
    "()": tuple,
    "{}": dict,
    "set": lambda: {1, 2},
    "[None]": lambda: [None],
    "['a']": lambda: ["a"],
    "[nan]": lambda: [math.nan],
    "[[]]": lambda: [[]],
    "[()]": lambda: [()],
    "[1j]": lambda: [1j],
    "[2**200]": lambda: [2**200],
    "[[2**200]*3]": lambda: [[2**200] * 3] * 8,
    "['\\ud800']": lambda: ["\ud800"],
    "ragged": lambda: [[1.0, 2.0], [3.0]],
    "ragged-deeper": lambda: [[1.0, [2.0]], [3.0, 4.0]],
    "(1, 2, 3, 4)": lambda: (1, 2, 3, 4),
    "(None, None)": lambda: (None, None),
    "('elu', 'x')": lambda: ("elu", "x"),
    "('elu', {})": lambda: ("elu", {}),
    "(1, 'tanh')": lambda: (1, "tanh"),
    "deep-list": lambda: _nested(50),
    "deeper-list": lambda: _nested(5000),
    "deeper-dict": lambda: _nested_dict(5000),
    "list-in-itself": lambda: _self_containing(list),
    "dict-in-itself": lambda: _self_containing(dict),
    "dict-of-None": lambda: {"loss": None},
    "dict-of-numbers": lambda: {1: 2.0},
    "dict-of-odd-keys": lambda: {None: 1, 1.5: 2, "a": 3},
    "OrderedDict": lambda: collections.OrderedDict(a=1),
    "generator": lambda: (i for i in range(3)),
    "endless-iterator-of-classes": lambda: iter([int, float]),
    "iterator-that-raises": lambda: map(_raise, [1]),
    "lying-list": lambda: _LyingList([1, 2, 3]),
    "shrinking-list": lambda: _ShrinkingList([1, 2, 3]),
    "deque": lambda: collections.deque([1.0]),
    "dict-keys": lambda: {}.keys(),
}

ARRAYS: dict[str, Callable[[], Any]] = {
    **{
        f"array-{kind}": lambda kind=kind: np.ones((8, 3), kind)
        for kind in ("?", "i1", "u2", "i8", "u8", "f2", "f4", "f8", "g", "F", "D", "S1", "U1", "O")
    },
    "array-of-objects": lambda: np.array([[None] * 3] * 8, object),
    "array-datetime": lambda: np.zeros((8, 3), "M8[s]"),
    "array-timedelta": lambda: np.zeros((8, 3), "m8[s]"),
    "array-structured": lambda: np.zeros((8, 3), [("a", "f4"), ("b", "i4")]),
    "array-void": lambda: np.zeros((8, 3), "V4"),
    "array-0d": lambda: np.array(1.0),
    "array-0d-int": lambda: np.array(1),
    "array-0d-str": lambda: np.array("tanh"),
    "array-1d": lambda: np.ones(3),
    "array-3d": lambda: np.ones((2, 3, 4)),
    "array-5d": lambda: np.ones((1, 1, 8, 3, 1)),
    "array-empty": lambda: np.empty(0),
    "array-no-rows": lambda: np.empty((0, 3)),
    "array-no-columns": lambda: np.empty((8, 0)),
    "array-of-one": lambda: np.ones(1),
    "array-wide": lambda: np.ones((8, 4)),
    "array-short": lambda: np.ones((7, 3)),
    "array-nan": lambda: _not_finite(math.nan),
    "array-inf": lambda: _not_finite(-math.inf),
    "array-1e300": lambda: _not_finite(1e300),
    "array-longdouble": lambda: np.full((8, 3), np.longdouble("1e400")),
    "array-2**64": lambda: np.full((8, 3), 2**64 - 1, np.uint64),
    "array-fortran": lambda: np.asfortranarray(np.ones((8, 3))),
    "array-strided": lambda: np.ones((16, 9))[::2, ::3],
    "array-backwards": lambda: np.ones((8, 3))[::-1, ::-1],
    "array-swapped": lambda: np.ones((8, 3), ">f8"),
    "array-read-only": _read_only,
    "array-unaligned": _unaligned,
    "array-broadcast": lambda: np.broadcast_to(1.0, (2**40, 3)),
    "array-masked": lambda: np.ma.masked_greater(np.ones((8, 3)), 0.5),
    "matrix": _matrix,
    "array-subclass": lambda: np.ones((8, 3)).view(Subclass),
    "array-no-functions": lambda: np.ones((8, 3)).view(NoFunctions),
    "array-strings": lambda: np.array(["tanh", "relu"]),
    "record": lambda: np.zeros(3, [("a", "f8")])[0],
    "float16": lambda: np.float16(0.5),
    "longdouble": lambda: np.longdouble("1e4000"),
    "numpy-int": lambda: np.int64(3),
    "numpy-uint64": lambda: np.uint64(2**64 - 1),
    "numpy-complex": lambda: np.complex64(1j),
    "numpy-str": lambda: np.str_("tanh"),
    "datetime64": lambda: np.datetime64("NaT"),
    "dtype": lambda: np.dtype("f4"),
    "table": _Table,
    "table-of-lies": _TableOfLies,
}

OBJECTS: dict[str, Callable[[], Any]] = {
    "raises-in-float": lambda: raising("__float__")(),
    "raises-in-index": lambda: raising("__index__", "__int__")(),
    "raises-in-array": lambda: raising("__array__")(),
    "raises-in-len": lambda: raising("__len__", "__getitem__")(),
    "raises-in-iter": lambda: raising("__iter__")(),
    "raises-in-fspath": lambda: raising("__fspath__")(),
    "raises-in-eq": lambda: raising("__eq__", "__ne__", "__hash__")(),
    "raises-in-repr": lambda: raising("__repr__", "__str__")(),
    "raises-in-bool": lambda: raising("__bool__")(),
    "raises-in-getattr": lambda: raising("__getattr__")(),
    "raises-in-call": lambda: raising("__call__")(),
    "raises-everywhere": lambda: raising(
        *("__float__", "__index__", "__len__", "__iter__", "__bool__", "__eq__", "__hash__"),
        *("__repr__", "__str__", "__call__", "__contains__", "__getitem__", "__format__"),
    )(),
    "no-number-in-float": lambda: raising("__float__", error=ValueError)(),
    "recursion-in-repr": lambda: raising("__repr__", error=RecursionError)(),
    "list-that-raises": lambda: raising("__iter__", "__len__", base=list)([1, 2]),
    "str-that-raises": lambda: raising("__eq__", "__hash__", "lower", "__str__", base=str)("tanh"),
    "int-that-raises": lambda: raising("__lt__", "__gt__", "__eq__", "__repr__", base=int)(3),
    "float-that-raises": lambda: raising("__lt__", "__gt__", "__eq__", "__repr__", base=float)(0.5),
    "dict-that-raises": lambda: raising("items", "__iter__", "__getitem__", base=dict)(a=1),
    "float-of-str": lambda: answering(__float__="x")(),
    "float-of-nan": lambda: answering(__float__=math.nan)(),
    "index-of-str": lambda: answering(__index__="x")(),
    "index-of-huge": lambda: answering(__index__=2**100)(),
    "negative-len": lambda: answering(__len__=-1, __getitem__=1.0)(),
    "huge-len": lambda: answering(__len__=2**62, __getitem__=1.0)(),
    "array-of-str": lambda: answering(__array__="x")(),
    "array-of-list": lambda: answering(__array__=[1.0])(),
    "interface-of-lies": lambda: answering()(),
    "iter-of-itself": lambda: answering(__iter__=3)(),
    "fspath-of-int": lambda: answering(__fspath__=3)(),
    "fspath-of-bytes": lambda: answering(__fspath__=b"a.txt")(),
    "fspath-of-NUL": lambda: answering(__fspath__="a\0b")(),
    "repr-of-int": lambda: answering(__repr__=3)(),
    "equals-all": lambda: answering(__eq__=True, __ne__=False, __hash__=1)(),
    "equals-an-array": lambda: answering(__eq__=np.ones(3), __ne__=np.ones(3))(),
    "class-int": lambda: int,
    "class-network": lambda: foxnn.neural_network,
    "class-Adam": lambda: foxnn.Adam,
    "class-schedule": lambda: schedules.step,
    "class-EarlyStopping": lambda: foxnn.EarlyStopping,
    "class-array": lambda: np.ndarray,
    "module": lambda: foxnn,
    "function": lambda: _takes_nothing,
    "function-of-five": lambda: _takes_five,
    "function-that-raises": lambda: _raise,
    "function-of-nan": lambda: lambda *_: math.nan,
    "function-of-str": lambda: lambda *_: "x",
    "function-of-None": lambda: lambda *_: None,
    "builtin": lambda: print.__class__,
    "ValueError": lambda: ValueError("x"),
    "other-network": _other_network,
    "other-layer": lambda: foxnn.layer(9, 2, "relu", seed=3),
    "other-data": lambda: foxnn.train_data(np.ones((4, 9)), np.ones((4, 2))),
    "other-scaler": lambda: foxnn.Scaler().fit(np.arange(14.0).reshape(2, 7)),
    "scaler-of-str": lambda: _with(foxnn.Scaler(), shift=["x"], scale=["y"]),
    "scaler-of-objects": lambda: _with(foxnn.Scaler(), shift=object(), scale=object()),
    "scaler-of-no-method": lambda: _with(foxnn.Scaler(), method=3),
    "other-history": lambda: foxnn.History.of({"loss": [0.1]}),
    "Adam": foxnn.Adam,
    "EarlyStopping": foxnn.EarlyStopping,
    "EarlyStopping-of-accuracy": lambda: foxnn.EarlyStopping("val_accuracy"),
    "schedule": lambda: schedules.exponential(0.5),
    "base-schedule": schedules.Schedule,
    **{
        f"unmade-{kind.__name__}": lambda kind=kind: _unmade(kind)
        for kind in (
            foxnn.neural_network, foxnn.layer, foxnn.train_data, foxnn.Scaler, foxnn.History,
            foxnn.Trace, foxnn.EarlyStopping, foxnn.Adam, schedules.step, schedules.warmup,
        )
    },
}  # fmt: skip


def _with(thing: Any, **attributes: Any) -> Any:
    for name, value in attributes.items():
        setattr(thing, name, value)
    return thing


WRONG = PLAIN | CONTAINERS | ARRAYS | OBJECTS

# Right for no argument at all, but where anything is.
HOPELESS = (
    "complex", "Ellipsis", "NotImplemented", "object", "date", "slice", "pattern", "array-D",
    "array-datetime", "array-structured", "array-void", "raises-in-index", "raises-in-len",
    "index-of-str", "float-of-str", "module", "ValueError", "list-in-itself",
)  # fmt: skip
