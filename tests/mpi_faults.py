"""Runs that are to end in the middle: `mpiexec python mpi_faults.py HOW,... RANK PATH [WHEN]`.

HOW is "raises", "kills", "interrupts" or "goes on", of the training of a network; "population
raises" and so on are of others.

On one rank a callback raises, the process is killed, or interrupted; or all go on until Ctrl-C.
Each rank writes a line about how it ends, and when.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import foxnn
import population_runs
from shard_runs import RUNS, borders_of, made, told_of

NAME = "adamw, dropout"
# The batch after which a rank ends, by default: in the second of three epochs.
BATCHES = 8
# Epochs of a population, and generations of an evolution, which have six.
EPOCHS = 3
# Batches of the last epoch: the checkpoint of the first is surely written then.
LAST = (13, 18)


class Ends:
    """Ends its rank after some batches (of a network), in a way of its own."""

    def __init__(self, how: str, batches: int) -> None:
        self._how, self._left = how, batches

    def on_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        self.end()

    def end(self) -> None:
        """Count; end the rank when it is time."""
        self._left -= 1
        if self._left:
            return
        say(f"{self._how} ends")
        way = self._how.split()[-1]
        if way == "kills":
            os.kill(os.getpid(), signal.SIGKILL)
        elif way == "interrupts":
            signal.raise_signal(signal.SIGINT)
        elif way == "raises":
            raise LookupError("no such thing")


class EndsEpochs:
    """Ends its rank after some epochs, or generations."""

    def __init__(self, how: str, epochs: int) -> None:
        self._ends = Ends(how, epochs)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self._ends.end()


RANK = 0


def say(what: str) -> None:
    """Write a line with the rank and the time."""
    os.write(1, f"{RANK} {time.time():.3f} {what}\n".encode())


def main() -> None:
    """Train on the rank that this is."""
    global RANK  # of this process, for its lines
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    RANK = world.rank
    for how in sys.argv[1].split(","):
        train(world, how, int(sys.argv[2]), Path(f"{sys.argv[3]}-{how}.safetensors"))


def train(world: Any, how: str, rank: int, checkpoint: Path) -> None:
    """Train until one of the ranks ends it."""
    when = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    what = how.partition(" ")[0]
    try:
        if what in ("population", "evolution"):
            ends = EndsEpochs(how, when or EPOCHS)
            more: dict[str, Any] = {"callbacks": ends} if world.rank == rank else {}
            run = {"population": population_runs.trained, "evolution": population_runs.evolved}
            run[what](world, checkpoint=checkpoint, **more)
            return
        nn = made(RUNS[NAME])
        told = told_of(RUNS[NAME], borders_of(world.size, world.rank))
        if how == "goes on":
            told["epochs"] = 1_000_000
        if world.rank == rank:
            told["callbacks"] = Ends(how, when or BATCHES)
        nn.fit(**told, shards=5, communicator=world, checkpoint=checkpoint)
    except (foxnn.RankError, LookupError, KeyboardInterrupt) as error:
        say(f"{how} {type(error).__name__} {error}")


if __name__ == "__main__":
    main()
