"""Populations, an evolution and a search, whose ends do not depend on the number of ranks.

As a program, under mpiexec, it prints what rank 0 ends with, and then what `shard_runs` does, whose
runs are named.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import foxnn
import shard_runs
from shard_runs import DENSE, data_of

MEMBERS = 5
TOLD: dict[str, Any] = {
    "epochs": 6, "batch_size": 20, "learning_rate": [0.1, 0.01, 0.003, 0.03, 0.02],
    "validation": 0.2, "early_stopping": [2, None, 1, 2, None], "scale": "standard",
}  # fmt: skip


def population() -> foxnn.population:
    return foxnn.population(MEMBERS, DENSE, "tanh", "identity", seed=5)


def trained(world: Any = None, **more: Any) -> foxnn.population:
    """Return a population that has been trained."""
    pop = population()
    pop.fit(**data_of("numbers"), **TOLD, communicator=world, **more)
    return pop


def ended(pop: foxnn.population) -> str:
    """Return a hash of all that a training leaves in the members, and of its history."""
    from foxnn.model import state
    from foxnn.training.agreement import hash_of

    assert pop.history is not None
    numbers = {name: values for name, values in pop.history.items() if name != "seconds"}
    scalers = [[scaler.shift, scaler.scale] for nn in pop for scaler in nn._scalers if scaler]
    return hash_of([[state.progress_of(nn) for nn in pop], numbers, scalers])


def evolved(world: Any = None, **more: Any) -> str:
    """Return a hash of an evolution's members and records."""
    pop = population()
    return bits(pop, pop.evolve(fitness, 6, communicator=world, **more))


def resumed(path: object) -> str:
    """Return what `evolved` does, of an evolution that is resumed."""
    return bits(*foxnn.resume(path, fitness=fitness))


def fitness(some: foxnn.population) -> Any:
    x, y = data_of("numbers").values()
    return -((some.get_out(x) - y) ** 2).mean(axis=(1, 2))


def bits(pop: foxnn.population, history: Any) -> str:
    parts = pop.parameters.tobytes(), history["best"].tobytes(), history.scores.tobytes()
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]


def searched(world: Any = None) -> str:
    """Return a hash of the scores of a search."""
    found = foxnn.search(
        DENSE, **data_of("numbers"), grid={"learning_rate": [0.1, 0.01], "batch_size": [10, 20]},
        folds=3, halving=True, activation="tanh", output_activation="identity", seed=3, epochs=4,
        communicator=world,
    )  # fmt: skip
    return hashlib.sha256(found.scores["loss"].tobytes()).hexdigest()[:16]


def answered(world: Any = None) -> str:
    """Return a hash of the answers of all members."""
    x, y = data_of("numbers").values()
    pop = population()
    parts = [pop.get_out(x, communicator=world), pop.evaluate(x, y, communicator=world)["loss"]]
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:16]


def all_of(world: Any = None) -> dict[str, str]:
    """Return what every run ends with."""
    return {
        "fit": ended(trained(world)), "evolve": evolved(world), "search": searched(world),
        "answers": answered(world),
    }  # fmt: skip


def main() -> None:
    """Make all runs on the ranks of this program."""
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    every = world.allgather(all_of(world))
    assert all(one == every[0] for one in every), every
    if world.rank == 0:
        print(json.dumps(every[0]))
    shard_runs.main()


if __name__ == "__main__":
    main()
