"""The rows of the comparison with recurrent layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from measure import Timed
from peers import is_there
from row import Row, Run, Sides, Target
from sequences import TRAINERS, Sequences


def steps(work: Sequences, run: Run) -> Sides:
    """Return a training step of each library."""
    work = replace(work, batches=2) if run.quick else work
    x, y = work.data()

    def step(epoch: Timed) -> Timed:
        return lambda: epoch() / work.batches

    return {
        name: step(make(work, x, y, run.threads))
        for name, make in TRAINERS.items()
        if is_there(name)
    }


# Inputs, units, steps, samples in a batch; and how many times as long the better peer takes.
_SIZES = {
    (8, 32, 50, 32): {"LSTM": 8.0, "GRU": 6.0},
    (16, 64, 50, 32): {"LSTM": 3.5, "GRU": 4.0},
    (28, 128, 28, 64): {"LSTM": 2.0, "GRU": 3.0},
}


def _row(kind: str, size: tuple[int, int, int, int], times: float) -> Row:
    inputs, units, count, batch = size
    return Row(
        f"{kind.lower()}-{units}",
        f"step of {kind}({units}) over ({count}, {inputs}), 10, Adam, batch {batch}",
        partial(steps, Sequences(kind, *size)),
        (Target("PyTorch", times), Target("JAX", times)),
    )


SEQUENCE_ROWS: Sequence[Row] = [
    _row(kind, size, times) for size, by_kind in _SIZES.items() for kind, times in by_kind.items()
]
