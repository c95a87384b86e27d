"""``python -m foxnn doctor --mpi``: from which batch size on more ranks pay for a network."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from foxnn.cli import exchange
from foxnn.cli.exchange import Machine, both_ways
from foxnn.training.shards import USUAL

# Batches and numbers of ranks of the tables.
_BATCHES = (128, 512, 1024, 4096, 16384)
_MOST_RANKS = 256
# Ranks pay if they are faster than half of them by as much: less is lost in the next noise.
_WORTHWHILE = 1.2

_ALONE = """\
This is one rank. Start as many as are to be measured, with the launcher of your MPI:

    mpiexec -n 2 python -m foxnn doctor --mpi --layers {layers}
"""


def step_of(machine: Machine, ranks: int, batch: int) -> float:
    """Return the seconds of a step of so many ranks, as the model predicts them.

    A rank computes its share of the batch, and what a step costs whatever its batch: the optimizer
    changes all weights on every rank. The exchange has a latency, which grows with the number of
    ranks at most linearly, and sends nearly a whole gradient twice.
    """
    alone = machine.a_step + machine.a_sample * batch / ranks
    return alone if ranks == 1 else alone + exchange_of(machine, ranks)


def exchange_of(machine: Machine, ranks: int) -> float:
    """Return the seconds of an exchange between so many ranks."""
    others = max(1, machine.ranks - 1)
    return (
        machine.latency * (ranks - 1) / others
        + both_ways(ranks) * machine.gradient / machine.bandwidth
    )


def pays_from(machine: Machine, ranks: int, faster: float = 1.0) -> float:
    """Return from which batch size on so many ranks are so much faster than one.

    They are if ``faster * step_of(ranks) < step_of(1)``, which is linear in the batch. Infinite if
    they never are.
    """
    saved = machine.a_sample * (1 - faster / ranks)
    lost = machine.a_step * (faster - 1) + faster * exchange_of(machine, ranks)
    return lost / saved if saved > 0 else float("inf")


def powers(most: int) -> list[int]:
    """Return the powers of two from 2 on."""
    return [2**i for i in range(1, most.bit_length()) if 2**i <= most]


def report(machine: Machine, layers: Sequence[int], times: Iterable[tuple[int, float]]) -> str:
    """Return what was measured, and what follows from it; `times` are batches and their steps."""
    m, count = machine, machine.ranks
    where = "one machine" if m.hosts == 1 else f"{m.hosts} machines"
    lines = [
        f"ranks        {count} on {where}, {m.threads} thread{'s' * (m.threads != 1)} each",
        f"network      {list(layers)}: a gradient of {_size(m.gradient)}",
        f"latency      {1e6 * m.latency:.0f} us for the exchange of a step without its gradient",
        f"bandwidth    {m.bandwidth / 1e9:.2f} GB/s that a rank sends and receives at a time",
        f"exchange     {1e3 * exchange_of(m, count):.2f} ms of a step",
        f"a rank       {1e3 * m.a_step:.2f} ms a step, and {1e6 * m.a_sample:.1f} us a sample",
        "",
        f"{'batch':>8}{'1 rank':>12}{f'{count} ranks':>12}{'measured':>12}",
    ]
    for batch, seconds in times:
        predicted = [1e3 * step_of(m, ranks, batch) for ranks in (1, count)]
        shown = [f"{value:.2f} ms" for value in (*predicted, 1e3 * seconds)]
        lines.append(f"{batch:>8}" + "".join(f"{text:>12}" for text in shown))
    lines += ["", f"{'ranks':>8}{'pay from':>12}{'0.85 a rank':>12}   steps a second by batch size"]
    lines.append(" " * 35 + "".join(f"{batch:>8}" for batch in _BATCHES))
    for ranks in [1, *powers(_MOST_RANKS)]:
        ends = "".join(f"{_batch(pays_from(m, ranks, f)):>12}" for f in (1.0, 0.85 * ranks))
        speeds = "".join(f"{_number(1 / step_of(m, ranks, batch)):>8}" for batch in _BATCHES)
        lines.append(f"{ranks:>8}{ends if ranks > 1 else ' ' * 24}   {speeds}")
    return "\n".join([*lines, "", *advice(m)])


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _size(count: int) -> str:
    return f"{count / 1e6:.2f} MB" if count >= 1e5 else f"{count / 1e3:.1f} KB"


def _batch(value: float) -> str:
    return "never" if value == float("inf") else f"{max(1.0, value):.0f}"


def advice(machine: Machine) -> list[str]:
    """Return what follows for the user, a sentence each."""
    first = pays_from(machine, machine.ranks, 1.0)
    found = [
        f"{machine.ranks} ranks are faster than one from a batch of {_batch(first)} on."
        if first < float("inf")
        else f"{machine.ranks} ranks are never faster than one."
    ]
    batch = 1024
    best = 1
    for ranks in powers(_MOST_RANKS):
        if _WORTHWHILE * step_of(machine, ranks, batch) < step_of(machine, best, batch):
            best = ranks
    found.append(
        f"With a batch of {batch}, up to {best} ranks pay."
        if best > 1
        else f"With a batch of {batch}, one rank is fastest: take larger batches, or average_every."
    )
    return found


def main(layers: Sequence[int]) -> int:
    """Measure and print on rank 0; the exit code is 1 if there is one rank, or no mpi4py.

    So it is for layers that are too large.
    """
    try:
        from mpi4py import MPI
    except ImportError as error:
        print(f'foxnn: error: {error}: pip install "foxnn[mpi]"', file=sys.stderr)
        return 1
    world: Any = MPI.COMM_WORLD
    if (why := exchange.refusal(layers)) is not None:
        if world.rank == 0:
            print(f"foxnn: error: {why}", file=sys.stderr)
        return 1
    if world.size == 1:
        text = ",".join(map(str, layers))
        print(_ALONE.format(layers=text), end="", file=sys.stderr)
        return 1
    # As many on each rank, and a power of two: it then sends a single sum.
    shards = world.size
    while shards < USUAL:
        shards *= 2
    machine = exchange.measured(world, MPI.Get_processor_name(), layers, shards)
    times = [
        (batch, exchange.step_seconds(layers, batch, 0, world, shards))
        for batch in exchange.fitting(_BATCHES[:4], layers)
    ]
    if world.rank == 0:
        print(report(machine, layers, times))
    return 0
