"""A training that is to end in the middle: `mpiexec python mpi_faults.py HOW,... RANK PATH`.

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
from shard_runs import RUNS, borders_of, made, told_of

NAME = "adamw, dropout"
# The batch after which a rank ends, by default: in the second of three epochs.
BATCHES = 8
# Batches of the last epoch: the checkpoint of the first is surely written then.
LAST = (13, 18)


class Ends:
    """Ends its rank after some batches, in a way of its own."""

    def __init__(self, how: str, batches: int) -> None:
        self._how, self._left = how, batches

    def on_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        self._left -= 1
        if self._left:
            return
        say(f"{self._how} ends")
        if self._how == "kills":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self._how == "interrupts":
            signal.raise_signal(signal.SIGINT)
        elif self._how == "raises":
            raise LookupError("no such thing")


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
    batches = int(sys.argv[4]) if len(sys.argv) > 4 else BATCHES
    nn = made(RUNS[NAME])
    told = told_of(RUNS[NAME], borders_of(world.size, world.rank))
    if how == "goes on":
        told["epochs"] = 1_000_000
    if world.rank == rank:
        told["callbacks"] = Ends(how, batches)
    try:
        nn.fit(**told, shards=5, communicator=world, checkpoint=checkpoint)
    except (foxnn.RankError, LookupError, KeyboardInterrupt) as error:
        say(f"{how} {type(error).__name__} {error}")


if __name__ == "__main__":
    main()
