"""What the engine expects of more cores: its estimate of a step, and how far that is right here.

The engine takes as many threads as are fastest by its estimate. Of machines that are not at hand,
the estimate is all that can be shown. It is checked on this one with one thread and with several,
each in a process of its own that must use just so many.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import foxnn
import sequences
from foxnn import _core
from measure import Timed, shown_seconds, table
from peers import foxnn_epoch
from pictures import LENET, Pictures
from work import Data, Work

_SIZES = (784, 512, 512, 10)


@dataclass(frozen=True)
class Case:
    """A network and the training of it."""

    work: Work | Pictures | sequences.Sequences

    def network(self) -> foxnn.neural_network:
        """Return the network."""
        return self.work.network()

    def epoch(self, steps: int) -> Timed:
        """Return an epoch of so many steps, on as many threads as the engine takes."""
        samples = steps * self.work.batch
        if isinstance(self.work, sequences.Sequences):
            few = replace(self.work, batches=steps)
            return sequences.foxnn_epoch(few, *few.data(), 0)
        if isinstance(self.work, Pictures):
            pictures = replace(self.work, samples=samples)
            return foxnn_epoch(pictures, *pictures.data(), 0)
        work = replace(self.work, samples=samples)
        return foxnn_epoch(work, *Data(random_only=True).of(work), 0)


#: By name.
CASES = {
    "[4, 64, 64, 2], batch 32": Case(Work((4, 64, 64, 2), "tanh", 0, False, "adam", 32)),
    "LSTM(64) over (50, 16), batch 32": Case(sequences.Sequences("LSTM", 16, 64, 50, 32)),
    "LeNet-5, batch 64": Case(LENET),
    "[784, 512, 512, 10], batch 98": Case(Work(_SIZES, "relu", 0, True, "adam", 98)),
    "[784, 512, 512, 10], batch 1024": Case(Work(_SIZES, "relu", 0, True, "adam", 1024)),
    "[256, 2048, 2048, 10], batch 256": Case(
        Work((256, 2048, 2048, 10), "relu", 0, True, "adam", 256)
    ),
}

# How long the epochs of a measurement are, in seconds by the estimate: long enough that what `fit`
# does besides its steps, a millisecond, hardly counts.
_LONG, _QUICK = 0.3, 0.002


def expected(case: Case, cores: int) -> tuple[int, list[float]]:
    """Return the threads that the engine would take, and seconds with 1, 2, ... of them."""
    workers, seconds = _core.testing.expected_step(case.network(), case.work.batch, cores)
    return int(workers), list(seconds)


def predictions(cores: Sequence[int]) -> str:
    """Return as Markdown how many threads the engine would take, and how much faster they are."""
    rows = []
    for name, case in CASES.items():
        cells = [name]
        for count in cores:
            workers, seconds = expected(case, count)
            cells.append(f"{seconds[0] / seconds[workers - 1]:.1f} ({workers})")
        rows.append(cells)
    return table(["a step of", *(f"{count} cores" for count in cores)], rows)


def check(threads: int, rounds: int, is_quick: bool) -> str:
    """Return as Markdown the estimate and the measured time of 1 thread and of several."""
    rows = []
    for name, case in list(CASES.items())[: 2 if is_quick else None]:
        workers, estimate = expected(case, threads)
        measured: dict[int, list[float]] = {1: [], threads: []}
        for _ in range(rounds):
            for count, seconds in measured.items():
                seconds.append(_in_its_process(name, count, is_quick))
        one, several = (statistics.median(seconds) for seconds in measured.values())
        rows.append(
            [
                name, shown_seconds(estimate[0]), shown_seconds(one),
                shown_seconds(several), f"{estimate[0] / estimate[-1]:.2f}",
                f"{one / several:.2f}", str(workers),
            ]
        )  # fmt: skip
    head = [
        "a step of", "1 thread, estimate", "measured", f"{threads} threads, measured",
        "speed-up, estimate", "measured", "used",
    ]  # fmt: skip
    return table(head, rows)


def _in_its_process(name: str, threads: int, is_quick: bool) -> float:
    environment = {**os.environ, "FOXNN_FORCE_THREADS": str(threads)}
    command = [sys.executable, __file__, name, *["quick"] * is_quick]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return float(done.stdout)


def _step_seconds(name: str, is_quick: bool) -> float:
    """Return the seconds of a step in this process: the least of three epochs, after another."""
    case = CASES[name]
    wanted = _QUICK if is_quick else _LONG
    steps = max(2, round(wanted / expected(case, 1)[1][0]))
    epoch = case.epoch(steps)
    epoch()
    return min(epoch() for _ in range(3)) / steps


if __name__ == "__main__":
    print(_step_seconds(sys.argv[1], "quick" in sys.argv[2:]))
