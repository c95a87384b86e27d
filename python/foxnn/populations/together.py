"""What the ranks of a communicator do together for a population, of which each has some members.

All of them have the same population. A rank trains or asks its share of the members; what it finds
is brought to the others.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foxnn import checks
from foxnn.formats.paths import path_of
from foxnn.model import state
from foxnn.model.scaler import Scaler
from foxnn.network import neural_network
from foxnn.populations.state import stacked, unstacked
from foxnn.training.agreement import described, described_scaler, hash_of
from foxnn.training.checkpoint import Checkpoints
from foxnn.training.ranks import ALONE, Ranks

#: Seconds that a rank computes by itself: by then it hears that another one has failed.
PAUSE = 2.0
# Bytes of members that are brought to all ranks at once: few beside a population whose time counts,
# and enough that messages do not take longer than what is in them.
_BYTES = 1 << 24
# Of a member: the weights, and at most two moments of each.
_ARRAYS = 3
# What is compared of the members is at most so many hashes, each of neighbouring members.
_MOST_HASHES = 1000


def described_members(members: Sequence[neural_network]) -> dict[str, Any]:
    """Return what a population must have alike on all ranks, and what computes it."""
    first = {
        name.replace("of the network", "of the members"): value
        for name, value in described(members[0]).items()
        if not name.startswith(("the seed of", "the draws of", "the scalers of", "the weights of"))
    }
    size = -(-len(members) // _MOST_HASHES)
    each = {
        f"member {i}" if size == 1 else f"members {i} to {i + size - 1}": hash_of(
            [_numbers(member) for member in members[i : i + size]]
        )
        for i in range(0, len(members), size)
    }
    return {
        "the number of members": len(members), **first,
        "the population (by its hash)": each,
    }  # fmt: skip


def _numbers(member: neural_network) -> list[Any]:
    scalers = [
        None if one is None else [one.method, one.shift, one.scale] for one in member._scalers
    ]
    return [member.seed, state.progress_of(member), scalers]


def described_checkpoint(checkpoint: Any, every: int | datetime.timedelta) -> dict[str, Any]:
    """Return where a checkpoint is written, and when, which must be alike on all ranks."""
    place = None if checkpoint is None else path_of(checkpoint, "checkpoint")
    return {"checkpoint": place, "checkpoint_every": every}


def described_argument(value: Any) -> Any:
    """Return an argument as what can be compared: arrays by their hash, functions by their kind.

    It refuses nothing: what reads the argument does, by its name.
    """
    if isinstance(value, float) and value != value:
        return "nan"  # which is not what it is compared with
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Scaler):
        return described_scaler(value)
    if isinstance(value, Mapping):
        return {str(name): described_argument(one) for name, one in value.items()}
    if checks.is_sparse(value):
        rows = value.tocsr()
        return f"{rows.dtype} {rows.shape} (hash {hash_of([rows.data, rows.indices, rows.indptr])})"
    if hasattr(value, "__array__"):
        try:
            array = np.asarray(value)
        except (ValueError, TypeError):
            return f"a {type(value).__name__}"
        if array.ndim == 0:
            return described_argument(array.item())
        numbers = array.tolist() if array.dtype.hasobject else array
        return f"{array.dtype} {array.shape} (hash {hash_of(numbers)})"
    if isinstance(value, list | tuple):
        if len(value) > _MOST_HASHES:
            return f"{len(value)} items (hash {hash_of([described_argument(v) for v in value])})"
        return [described_argument(one) for one in value]
    text = repr(value)
    return f"a {type(value).__name__}" if " at 0x" in text else text


def share_members(members: Sequence[neural_network], ranks: Ranks) -> None:
    """Bring every member to where the rank is that has it."""
    if ranks is ALONE:
        return
    own, longest = ranks.share(len(members)), -(-len(members) // ranks.size)
    arrays = state.progress_of(members[0])[0]["parameters"]
    size = sum(array.nbytes for layer in arrays for array in layer.values())
    some = max(1, _BYTES // (_ARRAYS * size * ranks.size))
    for first in range(0, longest, some):
        here = [members[i] for i in own[first : first + some]]
        # Stacked: many small arrays would take longer on their way than what is in them.
        memory = stacked([state.memory_of(member) for member in here]) if here else None
        told = memory, [member._draw() for member in here]
        for rank, (found, draws) in enumerate(ranks.gathered(told)):
            if rank == ranks.rank or found is None:
                continue
            begin = len(members) * rank // ranks.size + first
            for i, one in enumerate(unstacked(found, len(draws))):
                assert one is not None
                state.set_progress(members[begin + i], (one, draws[i]))


class Pulse:
    """Meets the other ranks from time to time, while each computes by itself.

    Each rank beats whenever it can and `wait`s when it has done its part, so that all of them have
    made as many exchanges then.
    """

    def __init__(self, ranks: Ranks) -> None:
        self._ranks = ranks
        self._last = time.perf_counter()

    @property
    def speaks(self) -> bool:
        """Whether this process shows bars and warns."""
        return self._ranks.speaks

    def seconds_left(self) -> float | None:
        """Return the seconds until the next meeting; None if there is none."""
        if self._ranks is ALONE:
            return None
        return max(0.0, self._last + PAUSE - time.perf_counter())

    def beat(self) -> None:
        """Meet the others, if it is time; RankError if one has failed."""
        if self.seconds_left() == 0.0:
            self._meet(goes_on=True)

    def wait(self) -> None:
        """Wait until all ranks have done their parts."""
        while self._meet(goes_on=False):
            pass

    def _meet(self, goes_on: bool) -> bool:
        others_go_on = self._ranks.any(goes_on)
        self._last = time.perf_counter()
        return others_go_on


class SharedCheckpoints(Checkpoints):
    """The checkpoints of a run on several ranks, of which one writes; all agree on when."""

    def __init__(self, own: Checkpoints | None, ranks: Ranks) -> None:
        self._own, self._ranks = own, ranks
        self.arguments = {} if own is None else own.arguments

    def seconds_left(self) -> float | None:
        """Return the time until this rank writes within an epoch; None if it does not."""
        return None if self._own is None else self._own.seconds_left()

    def is_due(self, epochs_done: int, is_last: bool) -> bool:
        """Return whether a checkpoint is due after so many epochs."""
        return self._ranks.any(self._own is not None and self._own.is_due(epochs_done, is_last))

    @property
    def place(self) -> str:
        """The file, on the rank that writes it."""
        assert self._own is not None
        return self._own.place

    def told(self) -> dict[str, Any]:
        """Return the arguments of the run, on the rank that writes them."""
        assert self._own is not None
        return self._own.told()

    def start(self, write: Any) -> None:
        """Start writing in a thread, on the rank that writes."""
        assert self._own is not None
        self._own.start(write)

    def is_writing(self) -> bool:
        """Return whether the last checkpoint is still being written."""
        return self._own is not None and self._own.is_writing()

    def wait(self) -> None:
        """Wait until everything is written; raise what went wrong."""
        if self._own is not None:
            self._own.wait()

    def end(self, error: BaseException) -> None:
        """End after an exception in the run."""
        if self._own is not None:
            self._own.end(error)
