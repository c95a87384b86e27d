"""Every public call with every wrong value of every argument, generated from the signatures.

A call either takes what it is given, and what it is called on can be used as before, or it raises
ValueError, TypeError, IndexError, OSError or an error that its documentation names, with a message
that names the argument, and changes nothing. What a user's own object raises comes through.

With FOXNN_ALL_ARGUMENTS all pairs are tried, else a part of them that is always the same.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import inspect
import io
import os
import random
import re
import signal
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import foxnn
import public_calls
import public_names
from foxnn.model import state
from foxnn.model.settings import (
    AdamSettings,
    NesterovSettings,
    OptimizationSettings,
    Settings,
    values_of,
)
from public_calls import CALLS, Call, Made
from wrong_values import HOPELESS, WRONG, UsersOwn

ALL = bool(os.environ.get("FOXNN_ALL_ARGUMENTS"))
# Pairs of a place and a value that a usual run tries, of each call.
AT_MOST = 60
USUAL = (ValueError, TypeError, IndexError, OSError)
# Words of the engine and of what binds it, that no user should read.
OF_THE_INSIDE = re.compile(
    r"incompatible function|Invoked with|std::|foxnn::|_core|pybind11|unprintable|object has no "
    r"attribute|ndarray\[|ArrayLike"
)
HUGE = ("2**31", "2**32", "huge-range", "array-2**64", "numpy-uint64")
# No memory holds them.
TOO_LARGE = ("huge-range", "huge-len", "array-broadcast")
LONGEST_MESSAGE = 700


class Hangs(BaseException):
    """A call takes longer than any of them may."""


# What is called, and where a value is put.

Place = Callable[[Any], Any]


def places(value: Any, depth: int = 2) -> Iterator[tuple[str, Place]]:
    """Yield ways to put a wrong value into a valid one, with what they are called."""
    if depth == 0 or not isinstance(value, list | tuple | dict):
        return
    if isinstance(value, dict):
        for key, part in list(value.items())[:1]:
            yield "{.: ...}", lambda wrong, part=part: {wrong: part}
            yield f"[{key!r}]", lambda wrong, key=key: {**value, key: wrong}
            for name, place in places(part, depth - 1):
                yield (
                    f"[{key!r}]{name}",
                    lambda wrong, key=key, place=place: {**value, key: place(wrong)},
                )
        return
    for i in range(min(len(value), 3)):

        def put(part: Any, i: int = i) -> Any:
            return type(value)([*value[:i], part, *value[i + 1 :]])

        yield f"[{i}]", put
        for name, place in places(value[i], depth - 1):
            yield f"[{i}]{name}", lambda wrong, put=put, place=place: put(place(wrong))


def made(value: Any) -> Any:
    """Return a valid value, made now where it has to be."""
    return value.make() if isinstance(value, Made) else value


def cases(name: str, call: Call) -> list[tuple[str, str, Place, str]]:
    """Return arguments, places in them, and names of wrong values: all, or a part of them."""
    found = []
    for argument, values in call.valid.items():
        whole: list[tuple[str, Place]] = [("", lambda wrong: wrong)]
        parts = [pair for value in values for pair in places(value)]
        for where, place in whole + parts:
            for wrong in WRONG:
                skipped = HUGE if argument in call.work else ()
                # scikit-learn adds up all of its numbers, one by one.
                skipped += TOO_LARGE if argument in call.anything else ()
                if wrong not in skipped:
                    found.append((argument, where, place, wrong))
    if ALL or len(found) <= AT_MOST:
        return found
    chosen = random.Random(name).sample(range(len(found)), AT_MOST)
    return [found[i] for i in sorted(chosen)]


def invoke(name: str, on: Any, given: dict[str, Any]) -> Any:
    """Make the call."""
    path = public_names.name_of(name)
    if path.endswith("="):
        (value,) = given.values()
        return setattr(on, path[:-1].rpartition(".")[2], value)
    if callable(on) and path.startswith("sklearn."):
        return on(**given)
    return getattr(on, path.rpartition(".")[2])(**given)


# What an object is.


def fingerprint(thing: Any, depth: int = 0) -> Any:
    """Return all that a user could find in an object, as something to compare."""
    if depth > 200:
        return id(thing)
    below = depth + 1
    if isinstance(thing, np.ndarray):
        content = thing.tobytes() if thing.dtype != object else repr(thing.tolist())
        return type(thing), thing.dtype.str, thing.shape, thing.strides, content
    if isinstance(thing, dict):
        return [(repr(k), fingerprint(v, below)) for k, v in thing.items()]
    if isinstance(thing, list | tuple):
        return [type(thing), *(fingerprint(part, below) for part in thing)]
    if isinstance(thing, foxnn.neural_network):
        return fingerprint(state.state_of(thing), below)
    if isinstance(thing, foxnn.layer):
        inner = thing._network
        whole = inner if isinstance(inner, foxnn.neural_network) else None
        return fingerprint([repr(thing), thing.weights, thing.bias, whole], below)
    if isinstance(thing, Settings):
        return fingerprint(values_of(thing), below)
    plain = (AdamSettings, NesterovSettings, foxnn.train_data, foxnn.Scaler, foxnn.History)
    if isinstance(thing, (*plain, foxnn.Trace, OptimizationSettings)) or hasattr(thing, "coefs_"):
        return [type(thing), fingerprint(vars(thing), below)]
    if isinstance(thing, np.random.RandomState):
        return fingerprint(thing.get_state(), below)
    if isinstance(thing, int | float | str | bytes | complex | type(None)):
        return type(thing), repr(thing)
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        return [type(thing), fingerprint(vars(thing), below)]
    return id(thing)


def use(thing: Any) -> None:
    """Use what has taken a value, as a program would."""
    if isinstance(thing, foxnn.neural_network):
        twin = copy.deepcopy(thing)
        assert repr(twin) == repr(thing)
        assert fingerprint(twin) == fingerprint(thing)
        ends = (thing._input_shape(), thing.sizes[0]), (thing._output_shape(), thing.sizes[-1])
        x, y = (np.zeros((3, *((4,) if None in shape else ()), size)) for shape, size in ends)
        assert thing.predict(x).shape == y.shape
        arrays = [array for layer in thing for array in layer.arrays.values()]
        assert all(np.isfinite(array).all() for array in arrays)
        thing.evaluate(x, y + 0.5)
    elif isinstance(thing, foxnn.layer):
        assert fingerprint(copy.deepcopy(thing)) == fingerprint(thing)
    elif isinstance(thing, foxnn.train_data):
        assert len(thing) == 0 or np.isfinite(thing.get(0).input).all()
        repr(thing)
    elif isinstance(thing, foxnn.Scaler):
        twin = copy.deepcopy(thing)
        assert twin == thing
        repr(thing)
    elif isinstance(thing, foxnn.History | foxnn.Trace):
        assert copy.deepcopy(thing) == thing
        repr(thing), str(thing)
    elif isinstance(thing, Settings | AdamSettings | NesterovSettings | OptimizationSettings):
        copy.deepcopy(thing)
        repr(thing)
    elif hasattr(thing, "coefs_"):
        thing.predict(public_calls.X)
    elif isinstance(thing, tuple):
        for part in thing:
            use(part)
    elif dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        repr(thing), hash(thing)
        if isinstance(thing, foxnn.augment.Augmentation):
            if type(thing) is not foxnn.augment.Augmentation:
                thing(public_calls.PICTURES, np.random.default_rng(1))
        elif callable(thing):
            thing(0), thing(10**6)


# What came of it.


def wrong_with(error: BaseException, call: Call, argument: str, wrong: str) -> str:
    """Return what is wrong with an exception, or nothing."""
    if isinstance(error, UsersOwn) or argument in call.anything:
        return ""
    if call.constructs and not is_raised_in_foxnn(error):
        return ""  # scikit-learn checks parameters, too
    if isinstance(error, MemoryError) and wrong in TOO_LARGE:
        return ""
    if not isinstance(error, (*USUAL, *call.raises)):
        return f"raises {type(error).__name__}"
    if argument in call.functions and is_of_the_user(error):
        return ""
    message = said(error)
    if found := OF_THE_INSIDE.search(message):
        return f"says {found[0]!r}"
    if isinstance(error, OSError | foxnn.FileFormatError | foxnn.DivergedError):
        return ""
    shown = call.shown.get(argument, argument)
    if len(message) > LONGEST_MESSAGE and "InvalidParameter" not in type(error).__name__:
        return f"says {len(message)} characters"
    if isinstance(error, (*call.raises,)) or not shown:
        return ""
    if not re.search(rf"(?<!\w){shown}(?!\w)", message):
        return f"does not name {argument}"
    return ""


def is_of_the_user(error: BaseException) -> bool:
    """Return whether a function of the user was asked in a way that it does not take."""
    return re.search(r"required positional argument|takes", said(error)) is not None


def is_raised_in_foxnn(error: BaseException) -> bool:
    """Return whether it was raised by a line of foxnn, or of what binds its engine."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or trace.tb_frame.f_code.co_name == "__repr__":
        return False  # a thing half made, shown by scikit-learn
    return bool(trace.tb_frame.f_globals["__name__"].startswith("foxnn"))


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise Hangs where what is inside takes longer."""

    def ring(*_: object) -> None:
        raise Hangs

    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Trial:
    """An object, and one wrong call on it after another."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.call = CALLS[name]
        self.on: Any = None
        self.before: Any = None

    def run(self, argument: str, place: Place, wrong: str) -> str:
        """Make one call; return what is wrong with it, or nothing."""
        call = self.call
        if self.on is None:
            self.on = call.on()
            self.before = fingerprint(self.on)
        given = {name: made(values[0]) for name, values in call.valid.items()}
        try:
            given[argument] = place(WRONG[wrong]())
        except Exception:  # it is no key of a dict
            return ""
        others = {name: value for name, value in given.items() if name != argument}
        others_before = fingerprint(others)
        try:
            with limited(20.0):
                result = invoke(self.name, self.on, given)
        except (Exception, Hangs) as error:
            problem = wrong_with(error, call, argument, wrong)
            changes = (
                isinstance(error, foxnn.DivergedError)
                or argument in call.anything
                or (argument in call.functions and (problem == "" or isinstance(error, UsersOwn)))
            )
            if not changes and not problem and fingerprint(self.on) != self.before:
                problem = "changes what it was called on"
            if not problem and fingerprint(others) != others_before:
                problem = "changes another argument"
            if problem or changes:
                self.on = None
            return f"{problem}: {type(error).__name__}: {short(error)}" if problem else ""
        return self.taken(result, argument, wrong)

    def taken(self, result: Any, argument: str, wrong: str) -> str:
        on, self.on = self.on, None
        if wrong in HOPELESS and argument not in self.call.anything:
            return f"takes it, and returns {type(result).__name__}"
        try:
            with limited(20.0):
                use(on)
                use(result)
        except (Exception, Hangs) as error:
            is_told = argument in said(error) or isinstance(error, UsersOwn)
            if argument in self.call.functions and is_told:
                return ""  # a function of the user's, which is called in the use alone
            return f"cannot be used after it: {type(error).__name__}: {short(error)}"
        return ""


def short(error: BaseException) -> str:
    return said(error)[:200]


def said(error: BaseException) -> str:
    """Return a message; that of a KeyError may be a key that has no text."""
    try:
        return str(error)
    except Exception:
        return ""


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", UserWarning)
        yield


def test_every_public_call_is_in_the_table() -> None:
    public = public_names.public_calls()
    known: dict[str, set[str]] = {}
    for name, call in CALLS.items():
        known.setdefault(public_names.name_of(name), set()).update(call.valid)
    if "sklearn.MLPClassifier" in public:
        assert known.keys() <= public.keys(), "the table has what is not public"
    missing = sorted(public.keys() - known.keys())
    assert not missing, f"tests/public_calls.py needs a valid call of {', '.join(missing)}"
    for name, arguments in public.items():
        lacking = sorted(set(arguments) - known[name])
        assert not lacking, f"tests/public_calls.py needs valid values of {name}: {lacking}"


@pytest.mark.parametrize("name", CALLS)
def test_the_valid_calls_are_valid(name: str) -> None:
    _needs(name)
    call = CALLS[name]
    usual = {argument: values[0] for argument, values in call.valid.items()}
    choices = [{}] + [{a: value} for a, values in call.valid.items() for value in values[1:]]
    for other in choices:
        on = call.on()
        given = {argument: made(value) for argument, value in (usual | other).items()}
        if call.raises == (NotImplementedError,):
            with pytest.raises(NotImplementedError):
                invoke(name, on, given)
            continue
        use(invoke(name, on, given))
        use(on)


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if call.valid])
def test_wrong_values(name: str) -> None:
    _needs(name)
    trial = Trial(name)
    problems = []
    for argument, where, place, wrong in cases(name, trial.call):
        if problem := trial.run(argument, place, wrong):
            problems.append(f"{name}({argument}{where} = {wrong}) {problem}")
    assert not problems, f"{len(problems)} wrong:\n" + "\n".join(problems)


@pytest.mark.parametrize("name", [name for name in CALLS if not name.endswith("=")])
def test_missing_extra_and_double_arguments(name: str) -> None:
    _needs(name)
    call, on = CALLS[name], CALLS[name].on()
    before = fingerprint(on)
    given = {argument: made(values[0]) for argument, values in call.valid.items()}
    function = getattr(on, public_names.name_of(name).rpartition(".")[2], on)
    if isinstance(function, type) and function.__init__ is object.__init__:
        signature = inspect.Signature()
    elif isinstance(function, type) and issubclass(function, BaseException):
        return  # takes anything
    else:
        signature = inspect.signature(function)
    kinds = [p.kind for p in signature.parameters.values()]
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        with pytest.raises(TypeError, match=r"no_such|takes no arguments"):
            function(**given, no_such=1)
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        with pytest.raises(TypeError):
            function(*[None] * (len(kinds) + 1))
    for argument, parameter in signature.parameters.items():
        if parameter.default is parameter.empty and argument in given:
            with pytest.raises(TypeError, match=argument):
                function(**{k: v for k, v in given.items() if k != argument})
    first = next(iter(signature.parameters.values()), None)
    if first is not None and first.kind is first.POSITIONAL_OR_KEYWORD and first.name in given:
        with pytest.raises(TypeError, match=first.name):
            function(given[first.name], **given)
    assert fingerprint(on) == before


def _needs(name: str) -> None:
    """Skip what needs a library that is not here."""
    if name.startswith(("plot.", "History.plot")):
        pytest.importorskip("matplotlib")
    if name.startswith("sklearn."):
        pytest.importorskip("sklearn")
    if name == "History.to_pandas":
        pytest.importorskip("pandas")
