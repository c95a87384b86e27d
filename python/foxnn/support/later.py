"""Names of a package, and modules, that are imported when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


class ModuleLater:
    """Stands in for a module whose names a program may never ask for.

    Type checkers must see the import itself: ``if TYPE_CHECKING``.

    Parameters
    ----------
    name : str
        The whole name of the module.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)


def import_later(
    namespace: dict[str, Any],
    places: Mapping[str, str],
    answer: Callable[[str], str] = lambda name: "",
) -> Callable[[str], object]:
    """Return a `__getattr__` for a package.

    Parameters
    ----------
    namespace : dict
        The package's `globals()`, which takes up what has been imported.
    places : mapping of str to str
        The module of each name. A name that is the module's own last part is the module itself.
    answer : callable
        What to add to the message about a name that there is not.
    """
    package = namespace["__name__"]

    def find(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}{answer(name)}")
        module = import_module(places[name])
        is_module = places[name] == f"{package}.{name}"
        value = namespace[name] = module if is_module else getattr(module, name)
        return value

    return find
