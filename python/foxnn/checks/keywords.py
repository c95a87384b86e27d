"""Answers to keywords that a call does not have, or lacks: the error names those that it has.

A function that answers them has `**others: NoReturn` for arguments that do not exist, so that
type checkers still refuse unknown keywords; `inspect.signature` does not show it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from foxnn.checks.names import meant
from foxnn.checks.values import shown

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Class = TypeVar("_Class", bound=type)
#: What tells the other ranks of a communicator of an error, and returns it.
Refused = Callable[[Any, Exception], Exception]

#: The samples of a call without any, in a function too short for `telling`: it looks for itself
#: whether it was called as it should be, and `miscalled` is the error if it was not.
LACKING: Any = object()

#: The arguments of the calls that answer, by the name of the call.
ARGUMENTS: dict[str, list[str]] = {}
# Calls of networks are methods; the others are found in foxnn, or in foxnn.schedules.
_METHODS = ("fit", "evaluate", "predict", "train_on_batch", "backward")
_SCHEDULES = ("constant", "step", "exponential", "cosine", "inverse", "warmup")


def answers(call: str) -> Callable[[_Function], _Function]:
    """Return a decorator for a function with `**others` that it passes to `unknown`.

    One that has `*surplus`, too, begins without its only required argument, which is `LACKING`
    then, and passes all to `miscalled`. Type checkers and signatures still require it.
    """

    def decorate(function: _Function) -> _Function:
        made: Any = function
        whole = inspect.signature(function)
        every = whole.parameters.values()
        kept = [p for p in every if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        if any(p.kind is p.VAR_POSITIONAL for p in every):
            made.__defaults__ = (LACKING, *made.__defaults__)
        made.__signature__ = whole.replace(parameters=kept)
        ARGUMENTS[call] = [p.name for p in kept if p.name != "self"]
        return function

    return decorate


def telling(refused: Refused | None = None) -> Callable[[_Function], _Function]:
    """Return a decorator: what Python refuses before the function begins is told to other ranks.

    Such as a call without `y` on one rank, for which the others would wait. `refused` tells them;
    None: the object's method `_refused_on`. It costs 0.15 microseconds: too much for `predict` of a
    sample and `get_out` of a population, which look for themselves (`LACKING`).
    """

    def decorate(function: _Function) -> _Function:
        @functools.wraps(function)
        def called(*given: Any, **named: Any) -> Any:
            try:
                return function(*given, **named)
            except TypeError as error:
                communicator = named.get("communicator")
                if communicator is None or _has_begun(error):
                    raise  # within the function
                if refused is None and not (given and hasattr(given[0], "_refused_on")):
                    raise  # not called on an object of ours
                raise (refused or given[0]._refused_on)(communicator, error) from None

        return called  # type: ignore[return-value]

    return decorate


def _has_begun(error: Exception) -> bool:
    """Return whether an error is of the function's own, not of the call.

    In a variable of the caller the traceback would be a cycle, which keeps its arguments in memory.
    """
    trace = error.__traceback__
    return trace is not None and trace.tb_next is not None


def answering(by_position: str = "") -> Callable[[_Class], _Class]:
    """Return a decorator for a class whose constructor answers what it does not take, or lacks.

    Parameters
    ----------
    by_position : str
        What to say about a surplus positional argument; {} is replaced by its value.
    """

    def decorate(kind: _Class) -> _Class:
        call = kind.__name__
        make = kind.__init__  # type: ignore[misc]
        # Some thirty classes at the import: a signature would take 50 microseconds for each.
        code = make.__code__
        places = code.co_argcount - 1
        names = ARGUMENTS[call] = [*code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]]
        required = names[: places - len(make.__defaults__ or ())]

        @functools.wraps(make)
        def __init__(self: Any, *given: Any, **named: Any) -> None:
            if len(given) > places:
                raise TypeError(_too_many(call, names, places, given, by_position))
            if others := [name for name in named if name not in names]:
                raise unknown(call, others)
            if lacking := [name for name in required[len(given) :] if name not in named]:
                raise TypeError(f"{call} must be given {' and '.join(lacking)}")
            make(self, *given, **named)

        kind.__init__ = __init__  # type: ignore[misc]
        return kind

    return decorate


def _too_many(call: str, names: list[str], places: int, given: tuple[Any, ...], more: str) -> str:
    wrong = shown(given[places])
    by_position, by_keyword = ", ".join(names[:places]) or "nothing", ", ".join(names[places:])
    others = f", {by_keyword} by keyword" if by_keyword else ""
    hint = f"; {more.replace('{}', wrong)}" if more else ""
    return f"{call} takes {by_position} by position{others}; got {wrong}{hint}"


def miscalled(
    call: str, given: tuple[Any, ...], surplus: tuple[Any, ...], names: Iterable[str]
) -> TypeError:
    """Return the error for unknown names, surplus arguments, or else a first one that lacks.

    `given` are those that were, or could have been, given by position.
    """
    if names:
        return unknown(call, names)
    if surplus:
        return TypeError(_too_many(call, ARGUMENTS[call], len(given), (*given, *surplus), ""))
    known = f"neural_network.{call}" if call in _METHODS else call
    return TypeError(f"{known}() missing 1 required positional argument: {ARGUMENTS[call][0]!r}")


def unknown(call: str, names: Iterable[str]) -> TypeError:
    """Return the error for keywords that a call does not have, with the place of the first."""
    name = next(iter(names))
    return TypeError(f"{call} has no argument {shown(name)}{_answer(call, name)}")


def _answer(call: str, name: str) -> str:
    # A method of a population is named with its class, and takes what that of a network does.
    from foxnn.checks.habits import HERE, PLACES  # late: for messages only

    place = HERE.get((call.rpartition(".")[2], name.lower())) or PLACES.get(name.lower())
    if name.lower() in ARGUMENTS[call]:
        return f": it is called {name.lower()}"
    if place is not None and " " not in place:
        where, _, argument = place.rpartition(".")
        if argument in ARGUMENTS[call]:
            return f": it is called {argument}"
        # A call that is not in the table has not been imported yet.
        if argument in ARGUMENTS.get(where, (argument,)):
            return f": {_said(where, argument)}"
    elif place is not None:
        return f": {place}"
    for other in ("fit", "neural_network"):
        if name in ARGUMENTS.get(other, ()):
            return f": {_said(other, name)}"
    if close := meant(name, ARGUMENTS[call]):
        return close
    return f"; it takes {', '.join(ARGUMENTS[call]) or 'none'}"


def _said(call: str, argument: str) -> str:
    module = "" if call in _METHODS else "foxnn.schedules." if call in _SCHEDULES else "foxnn."
    return f"it belongs to {module}{call}({argument}=...)"
