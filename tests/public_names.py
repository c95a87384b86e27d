"""What is public, found by signature: functions, classes, methods and settable attributes."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import foxnn
import foxnn.playing
from foxnn.model.settings import (
    AdamSettings,
    NesterovSettings,
    OptimizationSettings,
    Settings,
    _Checked,
)


def modules() -> Iterator[tuple[str, ModuleType]]:
    """Yield what stands before the names, and the public modules."""
    yield "", foxnn
    for name in foxnn.__all__:
        if isinstance(found := getattr(foxnn, name), ModuleType):
            yield f"{name}.", found
    yield "playing.", foxnn.playing  # which lines of Python name that its page shows


def public_things() -> dict[str, Any]:
    """Return functions and classes that users call, by name."""
    found: dict[str, Any] = {}
    for prefix, module in modules():
        # Some of foxnn's own names are imported when they are first asked for.
        names = foxnn.__all__ if module is foxnn else [n for n in vars(module) if n[0] != "_"]
        for name in names:
            thing = getattr(module, name)
            if callable(thing) and thing.__module__.startswith(module.__name__):
                found[prefix + name] = thing
    return found


# Classes that no one makes, but everyone has.
REACHED = {kind.__name__: kind for kind in (
    Settings, OptimizationSettings, AdamSettings, NesterovSettings,
)}  # fmt: skip
DUNDERS = (
    "__getitem__", "__setitem__", "__delitem__", "__contains__", "__call__", "__eq__", "__add__",
    "__matmul__", "__lt__",
)  # fmt: skip


def members(kind: type) -> Iterator[tuple[str, Any]]:
    """Yield methods and settable properties of a class and those that it builds on."""
    seen = set()
    for owner in kind.__mro__:
        if not owner.__module__.startswith("foxnn") or owner.__module__ == "foxnn._core":
            continue
        for name, member in vars(owner).items():
            if name in seen or (name.startswith("_") and name not in DUNDERS):
                continue
            seen.add(name)
            if isinstance(member, _Checked):
                yield f"{name}=", None
            elif isinstance(member, property):
                if member.fset is not None:
                    yield f"{name}=", None
            elif isinstance(member, classmethod | staticmethod):
                yield name, getattr(kind, name)
            # That of a dataclass compares with anything.
            elif name != "__eq__" or not dataclasses.is_dataclass(kind):
                function = getattr(kind, name, None)
                if callable(function):
                    yield name, function


def public_calls() -> dict[str, list[str]]:
    """Return the names of all public calls, with the names of their arguments."""
    found: dict[str, list[str]] = {}
    classes = dict(REACHED)
    for name, thing in public_things().items():
        found[name] = arguments(thing)
        if inspect.isclass(thing) and not issubclass(thing, BaseException):
            classes[name] = thing
    try:
        import foxnn.sklearn as estimators
    except ImportError:
        estimators = None
    for name in estimators.__all__ if estimators else ():
        found[f"sklearn.{name}"] = arguments(getattr(estimators, name))
        classes[f"sklearn.{name}"] = getattr(estimators, name)
    for name, kind in classes.items():
        for member, function in members(kind):
            if name.startswith("sklearn.") and member.startswith("set_"):
                continue  # made by scikit-learn for routing
            names = [member[:-1]] if function is None else arguments(function)
            found[f"{name}.{member}"] = names
    return found


def arguments(function: Any) -> list[str]:
    """Return the names of what a function takes."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return []
    if isinstance(function, type) and issubclass(function, BaseException):
        parameters = [p for p in parameters if p.kind is not p.VAR_POSITIONAL]
    return [p.name for p in parameters if p.name != "self" and p.kind is not p.VAR_KEYWORD]


def name_of(call: str) -> str:
    """Return the name of what is called, without a dash and a way to call it."""
    return call.partition("-")[0]
