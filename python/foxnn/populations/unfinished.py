"""A warning about members whose loss was still falling steeply when their run ended.

It is given if they are more than half of all: of settings that are compared, some are too slow.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from foxnn import checks
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.scaler import shift_and_scale
from foxnn.populations.data import PopulationData
from foxnn.populations.history import PopulationHistory
from foxnn.support import pieces
from foxnn.support.errors import ConvergenceWarning
from foxnn.support.warn import warn
from foxnn.training.ranks import ALONE, Ranks
from foxnn.training.unfinished import Unfinished, constant_loss_of, unfinished

# What a warning lists of many members.
_MOST_LISTED = 5


def warn_if_members_unfinished(
    members: Sequence[AnsweringNetwork],
    history: PopulationHistory,
    data: PopulationData,
    ended: Sequence[bool],
    ranks: Ranks = ALONE,
) -> None:
    """Warn of the members that would be warned of alone, if they are more than half of all.

    `data` and `ended` are about the members of this process.
    """
    if members[0]._own_loss is not None:
        return
    known: dict[Any, tuple[float, float] | None] = {}  # members that see the same samples

    first = ranks.share(len(members)).start

    def constant_of(i: int) -> tuple[float, float] | None:
        own, (inputs, outputs) = data.training[i - first], members[i]._scalers
        scaled = () if outputs is None else shift_and_scale(outputs, "output_scaler")
        key = id(own.rows), id(own.weights), *(numbers.tobytes() for numbers in scaled)
        if key not in known:
            x, y, weights = data.samples.x, data.samples.y, own.weights
            if own.rows is not None:
                x, y = checks.taken(x, own.rows), pieces.taken(y, own.rows)
                weights = None if weights is None else weights[own.rows]
            known[key] = constant_loss_of(members[i], x, y, weights, (inputs, outputs))
        return known[key]

    def found_of(i: int) -> Unfinished | None:
        own = history.of(i)
        return unfinished(own["loss"], own.get("val_loss"), functools.partial(constant_of, i))

    still = (first + np.flatnonzero(~np.asarray(ended, bool))).tolist()
    here = {i: one for i in still if (one := found_of(i)) is not None}
    parts = ranks.brought(here)
    if parts is None:
        return
    found = {i: one for part in parts for i, one in part.items()}
    if 2 * len(found) <= len(members):
        return
    listed = ", ".join(map(str, list(found)[:_MOST_LISTED]))
    others = f" and {len(found) - _MOST_LISTED} others" if len(found) > _MOST_LISTED else ""
    named = f"member{'s' * (len(found) > 1)} {listed}{others}"
    first = next(iter(found))
    warn(
        f"training ended after {history.epochs} epochs while the loss of {len(found)} of "
        f"{len(members)} members was still falling ({named}): that of member "
        f"{first} is {found[first].shown()}; train for more epochs",
        ConvergenceWarning,
    )
