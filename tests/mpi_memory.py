"""What a rank needs to train: the bytes by which it grows, and those of its samples and weights.

`mpiexec python mpi_memory.py` trains a network, and then a population of as many weights.
"""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import numpy as np

import foxnn

SAMPLES, INPUTS, HIDDEN = 8_000, 1_000, 1_000
MEMBERS = 8


def resident() -> int:
    """Return the bytes that are resident now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def peak_of_resident() -> int:
    """Return the most bytes that have been resident since the peak was forgotten."""
    lines = Path("/proc/self/status").read_text().splitlines()
    [peak] = [line for line in lines if line.startswith("VmHWM:")]
    return int(peak.split()[1]) * 1024


def main() -> None:
    """Train each twice: what is imported and allocated once is there then."""
    from mpi4py import MPI

    world = MPI.COMM_WORLD

    def growth(samples: int, inputs: int, hidden: int, members: int | None) -> dict[str, int]:
        # Those of a population are the same on all ranks.
        rng = np.random.default_rng(world.rank if members is None else 1)
        x = rng.random((samples, inputs), np.float32)
        y = rng.random((samples, 1), np.float32)
        sizes = [inputs, hidden, 1]
        made: Any = foxnn.neural_network(sizes, "tanh", "identity", seed=1)
        weights = sum(array.nbytes for layer in made for array in layer.arrays.values())
        if members is not None:
            made = foxnn.population(members, sizes, "tanh", "identity", seed=1)
        Path("/proc/self/clear_refs").write_text("5")  # the peak is that of now
        before = resident()
        made.fit(x, y, epochs=1, batch_size=1024, communicator=world)
        peak = peak_of_resident()
        return {
            "samples": x.nbytes, "weights": weights * (members or 1), "growth": peak - before
        }  # fmt: skip

    every = {}
    for what, members in (("network", None), ("population", MEMBERS)):
        growth(64, 3, 4, members)
        hidden = HIDDEN if members is None else HIDDEN // members
        every[what] = world.gather(growth(SAMPLES, INPUTS, hidden, members))
    if world.rank == 0:
        print(json.dumps(every))


if __name__ == "__main__":
    main()
