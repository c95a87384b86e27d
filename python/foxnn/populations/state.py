"""The complete state of a population as plain values: what copies, pickles and files hold.

What all members have in common stands once; their numbers are lists with one a member, and their
arrays are stacked, members first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foxnn import checks
from foxnn.model import state
from foxnn.network import neural_network

# Raised when a state means something else; earlier ones must still be read, or refused by name.
VERSION = 1

# What members have of their own beside arrays; the rest is common to all.
_OWN = ("seed", "draw", "input_scaler", "output_scaler", "notes")
_MEMORY = ("parameters", "optimizer", "steps", "moments")


def state_of(members: Sequence[neural_network], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of these members."""
    return joined([state.state_of(member) for member in members], settings)


def joined(each: Sequence[Mapping[str, Any]], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of a population from those of its members."""
    common = {k: v for k, v in each[0].items() if k not in (*_OWN, *_MEMORY, "settings")}
    return {
        "version": VERSION,
        "common": common,
        "settings": dict(settings),
        "own": {name: [one[name] for one in each] for name in _OWN},
        "memory": stacked(each),
    }


def stacked(memories: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
    """Return what training changes in the members, stacked; None where a member has nothing.

    The rules of optimizers stand once each; the arrays of members that have none are zeros.
    """
    known: list[Any] = []
    rules = []
    for one in memories:
        rule = None if one is None else one["optimizer"]
        if rule is not None and rule not in known:
            known.append(rule)
        rules.append(None if rule is None else known.index(rule))
    moments: list[Any] = []
    for kind in range(2):
        there = [one is not None and one["moments"][kind] is not None for one in memories]
        which = kind  # for the functions below
        moments.append(
            {
                "there": there,
                "arrays": _stack([_moment(one, which) for one in memories]) if any(there) else None,
            }
        )
    is_there = [one is not None for one in memories]
    return {
        "there": is_there,
        "rules": known,
        "rule": rules,
        "steps": [0 if one is None else one["steps"] for one in memories],
        "parameters": _stack([None if one is None else one["parameters"] for one in memories])
        if any(is_there)
        else None,
        "moments": moments,
    }


def _moment(memory: Mapping[str, Any] | None, kind: int) -> Any:
    return None if memory is None else memory["moments"][kind]


def _stack(each: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the arrays of all members by layer, stacked; zeros for members without."""
    pattern = next(one for one in each if one is not None)
    return [
        {
            name: np.stack(
                [np.zeros_like(array) if one is None else one[place][name] for one in each]
            )
            for name, array in layer.items()
        }
        for place, layer in enumerate(pattern)
    ]


def unstacked(memory: Mapping[str, Any], members: int) -> list[dict[str, Any] | None]:
    """Return the memory of each member, the inverse of `stacked`; ValueError for a wrong one."""
    for name in ("there", "rule", "steps"):
        _check_count(memory[name], members, name)
    for moment in memory["moments"]:
        _check_count(moment["there"], members, "moments")
    found: list[dict[str, Any] | None] = []
    for i in range(members):
        if not memory["there"][i]:
            found.append(None)
            continue
        rule = memory["rule"][i]
        if rule is not None:
            rule = memory["rules"][checks.integer(rule, "rule", 0, len(memory["rules"]) - 1)]
        found.append(
            {
                "parameters": _slice(memory["parameters"], i),
                "optimizer": rule,
                "steps": memory["steps"][i],
                "moments": [
                    _slice(moment["arrays"], i) if moment["there"][i] else None
                    for moment in memory["moments"]
                ],
            }
        )
    return found


def _slice(arrays: Sequence[Mapping[str, Any]], i: int) -> list[dict[str, Any]]:
    return [{name: array[i] for name, array in layer.items()} for layer in arrays]


def _check_count(values: Any, members: int, name: str) -> None:
    if not isinstance(values, list | tuple) or len(values) != members:
        raise ValueError(f"{name} must be one for each of the {members} members")


def members_from(given: Any) -> tuple[list[neural_network], dict[str, Any]]:
    """Return the members that a state describes, and their settings.

    Raises
    ------
    ValueError, TypeError
        For an invalid state.
    """
    if not isinstance(given, Mapping) or "version" not in given:
        raise ValueError(f"the state must be a dict with a version, got {checks.shown(given)}")
    version = checks.integer(given["version"], "version", 1)
    if version > VERSION:
        raise ValueError(f"the state has version {version}, made by a later foxnn")
    if missing := {"common", "settings", "own", "memory"} - given.keys():
        raise ValueError(f"the state lacks {min(missing)}")
    own = given["own"]
    if not isinstance(own, Mapping) or set(own) != set(_OWN):
        raise ValueError(f"own must hold {', '.join(_OWN)}")
    count = len(own["seed"]) if isinstance(own["seed"], list | tuple) else 0
    if count < 1:
        raise ValueError("a population needs at least one member")
    for name in _OWN:
        _check_count(own[name], count, name)
    members = []
    for i, memory in enumerate(unstacked(given["memory"], count)):
        if memory is None:
            raise ValueError(f"member {i} has no parameters")
        one = dict(given["common"]) | {name: own[name][i] for name in _OWN} | memory
        member = neural_network.__new__(neural_network)
        state.make(member, state.checked(one | {"settings": given["settings"]}))
        members.append(member)
    return members, dict(given["settings"])
