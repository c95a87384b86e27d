"""The progress of the members of a population within an epoch, as a checkpoint keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foxnn import _core

#: What a checkpoint holds of an epoch that is under way.
DONE = ("steps", "samples", "loss", "weight", "correct")
# What a process without members has done.
NOTHING_DONE: dict[str, NDArray[Any]] = {
    name: np.zeros(0, bool if name == "diverged" else float)
    for name in (*DONE, "last_loss", "positions", "diverged")
}


@dataclass
class RunningEpoch:
    """The progress within an epoch: how many seconds, and what each member has done of it."""

    seconds: float
    draws: list[int]
    done: dict[str, list[Any]]  # by the names of `DONE`

    def of(self, some: range) -> RunningEpoch:
        """Return that of some members."""
        part = slice(some.start, some.stop)
        return RunningEpoch(
            self.seconds, self.draws[part], {n: each[part] for n, each in self.done.items()}
        )

    def begin(self, trainer: _core.PopulationTrainer, trains: Sequence[bool]) -> None:
        """Bring a trainer, whose members are those of the checkpoint, to this point."""
        trainer.begin_epoch()
        for i, draw in enumerate(self.draws):
            own = {name: numbers[i] for name, numbers in self.done.items()}
            if trains[i] and own["steps"] > 0:
                trainer.go_on_within_epoch(i, draw, **own)
