"""What a rank needs to train: the bytes by which it grows, and those of its samples and weights."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import numpy as np

import foxnn

SAMPLES, INPUTS, HIDDEN = 8_000, 1_000, 1_000


def resident() -> int:
    """Return the bytes that are resident now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def main() -> None:
    """Train twice: what is imported and allocated once is there then."""
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    rng = np.random.default_rng(world.rank)

    def trained(samples: int, inputs: int, hidden: int) -> tuple[Any, int]:
        x = rng.random((samples, inputs), np.float32)
        y = rng.random((samples, 1), np.float32)
        nn = foxnn.neural_network([inputs, hidden, 1], "tanh", "identity", seed=1)
        before = resident()
        nn.fit(x, y, epochs=1, batch_size=1024, communicator=world)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        weights = sum(array.nbytes for layer in nn for array in layer.arrays.values())
        return {"samples": x.nbytes, "weights": weights}, peak - before

    trained(64, 3, 4)
    sizes, growth = trained(SAMPLES, INPUTS, HIDDEN)
    found = world.gather(sizes | {"growth": growth})
    if world.rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
