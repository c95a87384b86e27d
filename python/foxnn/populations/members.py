"""The networks that a population is made of: which may be together, and their copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.model.layer_tree import tree_of
from foxnn.network import neural_network

# A network takes some kilobytes, whatever its layers: more members than these are a mistake.
MOST_MEMBERS = 10_000_000
_OF_A_MEMBER = 5000  # bytes beside its parameters
_LITTLE = 2**28  # bytes that need no check


def is_number(count: object) -> bool:
    """Return whether a value is a number of members, or was meant as one."""
    return isinstance(count, int | float | np.number | np.bool_ | complex) or (
        not isinstance(count, Sequence) and hasattr(count, "__index__")
    )


def is_usual(value: object, usual: str) -> bool:
    """Return whether a value is a default, whatever its class makes of comparisons."""
    return type(value) is str and value == usual


def refuse_beside(what: str, told: Mapping[str, bool]) -> None:
    """Refuse arguments of a network where there are networks."""
    if wrong := [name for name, is_told in told.items() if is_told]:
        raise ValueError(f"{wrong[0]} must be left out for a population of {what}, which has it")


def check_room(first: neural_network, members: int) -> None:
    """Raise MemoryError if there is no memory for so many networks like this one.

    They are made one by one, and a system that grants more than it has would end the process.
    """
    count = _core.Population([first]).parameter_count()
    size = members * (count * np.dtype(first.dtype).itemsize + _OF_A_MEMBER)
    if size < _LITTLE:
        return
    try:
        checks.memory(size)
    except (MemoryError, OverflowError):
        raise MemoryError(
            f"there is not enough memory: {members} members of {count} parameters take "
            f"{size / 2**30:.3g} GiB"
        ) from None


def copies_of(networks: Any, name: str = "") -> list[neural_network]:
    """Return copies of networks, checked to have the same layers."""
    given = checks.items(
        networks, "count must be a number of members, a list of networks or the name of a file",
        MOST_MEMBERS,
    )  # fmt: skip
    if not given:
        raise ValueError("count must be at least one network, got an empty list")
    for i, one in enumerate(given):
        if not isinstance(one, neural_network):
            which = name or f"count[{i}]"
            raise TypeError(f"{which} must be a neural_network, got {checks.shown(one)}")
    made = [one._twin() for one in given]
    for i, one in enumerate(made[1:], 1):
        check_same(made[0], one, f"count[{i}]", "count[0]")
    return made


def check_same(first: neural_network, other: neural_network, name: str, what: str) -> None:
    """Refuse a network whose layers, type or loss are not those of the first."""
    for part, value, wanted in (
        ("dtype", other.dtype, first.dtype),
        ("inputs of shape", other._input_shape(), first._input_shape()),
        ("layers", _layers_of(other), _layers_of(first)),
        ("loss", other.loss, first.loss),
        ("classes", other.classes, first.classes),
        ("input_names", other.input_names, first.input_names),
    ):
        if value != wanted:
            raise ValueError(
                f"{name} must have the same {part} as {what}, got {checks.shown(other)} beside "
                f"{checks.shown(first)}"
            )


def _layers_of(network: neural_network) -> Any:
    return tree_of(network._layers())
