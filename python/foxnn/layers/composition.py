"""Layers made of layers: `Residual` and `Parallel`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from foxnn.checks.unpickling import attributes
from foxnn.layers.kind import checked_name

Item = Any
#: The kinds that consist of branches of layers, and the classes that describe them.
COMPOSITES = {"residual": "Residual", "parallel": "Parallel"}


def branch_name(kind: str, branch: int) -> str:
    """Return what messages call a branch of a composite: what its class does."""
    return ("layers", "shortcut")[branch] if kind == "residual" else f"branches[{branch}]"


class Composite:
    """A layer that consists of branches; frozen, and equal to one with the same layers."""

    __slots__ = ("_branches", "_name")
    kind_name = ""

    _branches: tuple[tuple[Item, ...], ...]
    _name: str | None

    def __init__(self, branches: Sequence[Sequence[Item]], name: str | None) -> None:
        object.__setattr__(self, "_branches", tuple(tuple(branch) for branch in branches))
        object.__setattr__(self, "_name", checked_name(name))

    @property
    def name(self) -> str | None:
        """The name, or None."""
        return self._name

    def __getstate__(self) -> dict[str, Any]:
        return {"branches": self._branches, "name": self._name}

    def __setstate__(self, state: object) -> None:
        given = attributes(state, type(self), "branches", "name")
        made = (_residual if self.kind_name == "residual" else _parallel)(**given)
        Composite.__init__(self, made._branches, made._name)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        assert isinstance(other, Composite)
        return (self._branches, self._name) == (other._branches, other._name)

    def __hash__(self) -> int:
        return hash((type(self), self._branches, self._name))


def _as_branch(branch: object) -> tuple[Item, ...]:
    return tuple(branch) if isinstance(branch, list | tuple) else (branch,)


def _shown(branch: tuple[Item, ...]) -> str:
    return repr(branch[0]) if len(branch) == 1 else repr(list(branch))


class Residual(Composite):
    """x + f(x), where f is one layer or several in sequence.

    (He et al., "Deep residual learning for image recognition", 2016.)

    Parameters
    ----------
    *layers : layers
        Numbers, descriptions, or layers of another network.
    shortcut : layer or list of layers, optional
        What x goes through before it is added: needed if f changes the shape.
    name : str, optional

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([8, foxnn.Residual(16, 8), foxnn.Residual(4, shortcut=4)])
    >>> len(nn[0].layers), len(nn[1].layers)
    (2, 2)
    """

    __slots__ = ()
    kind_name = "residual"

    def __init__(
        self, *layers: Item, shortcut: Item | Sequence[Item] | None = None, name: str | None = None
    ) -> None:
        if len(layers) == 1 and isinstance(layers[0], list | tuple):
            layers = tuple(layers[0])
        if not layers:
            raise ValueError("Residual must have at least one layer, got none")
        after = () if shortcut is None else _as_branch(shortcut)
        if shortcut is not None and not after:
            raise ValueError("shortcut must be a layer or a list of layers, got none")
        super().__init__([layers, after], name)

    @property
    def layers(self) -> tuple[Item, ...]:
        """The layers of f."""
        return self._branches[0]

    @property
    def shortcut(self) -> tuple[Item, ...]:
        """The layers of the shortcut; empty if x is added unchanged."""
        return self._branches[1]

    def __reduce__(self) -> tuple[Any, ...]:
        return _residual, (self._branches, self._name)

    def __repr__(self) -> str:
        parts = [repr(item) for item in self.layers]
        if self.shortcut:
            parts.append(f"shortcut={_shown(self.shortcut)}")
        if self._name is not None:
            parts.append(f"name={self._name!r}")
        return f"Residual({', '.join(parts)})"


class Parallel(Composite):
    """The outputs of several branches side by side, along the channels.

    Parameters
    ----------
    *branches : layers or lists of layers
        Each is a number, a description, a layer of another network, or a list of these. Their
        outputs must have the same positions. ``Activation("identity")`` passes the input on, so
        that it stands beside what the other branches make of it.
    name : str, optional

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([3, foxnn.Parallel(4, [8, 2]), 1])
    >>> nn[0].output_shape
    (6,)
    """

    __slots__ = ()
    kind_name = "parallel"

    def __init__(self, *branches: Item | Sequence[Item], name: str | None = None) -> None:
        if not branches:
            raise ValueError("Parallel must have at least one branch, got none")
        found = [_as_branch(branch) for branch in branches]
        for i, branch in enumerate(found):
            if not branch:
                raise ValueError(
                    f"branch {i} of Parallel must have at least one layer, got none "
                    "(Activation('identity') passes its input on)"
                )
        super().__init__(found, name)

    @property
    def branches(self) -> tuple[tuple[Item, ...], ...]:
        """The layers of each branch."""
        return self._branches

    def __reduce__(self) -> tuple[Any, ...]:
        return _parallel, (self._branches, self._name)

    def __repr__(self) -> str:
        parts = [_shown(branch) for branch in self._branches]
        if self._name is not None:
            parts.append(f"name={self._name!r}")
        return f"Parallel({', '.join(parts)})"


def _residual(branches: Sequence[Sequence[Item]], name: str | None) -> Residual:
    layers, shortcut = branches
    return Residual(*layers, shortcut=list(shortcut) or None, name=name)


def _parallel(branches: Sequence[Sequence[Item]], name: str | None) -> Parallel:
    return Parallel(*branches, name=name)


# Pickles name them; here they may move.
_residual.__module__ = _parallel.__module__ = "foxnn.layers"
