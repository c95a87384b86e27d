"""The row of the comparison on several processes: two ranks with a thread each."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from measure import Timed
from peers import foxnn_epoch, is_there
from row import LeftOutError, Row, Run, Sides, Target
from work import Work

MNIST_RANKS = Work((784, 512, 512, 10), "relu", 60_000, True, "adam", 1024, is_mnist=True)
RANKS = 2
# Of the inexact mode: a rank then makes as many steps of its own.
AVERAGE_EVERY = 8
SIDE = Path(__file__).with_name("rank_side.py")


def two_ranks(run: Run) -> Sides:
    """Return an epoch on two ranks with a thread each, and on one process with two threads."""
    if run.threads < RANKS:
        raise LeftOutError("two ranks need two cores")
    # That of the package mpich is beside Python.
    mpiexec = shutil.which("mpiexec", path=sysconfig.get_path("scripts")) or shutil.which("mpiexec")
    if mpiexec is None or not importlib.util.find_spec("mpi4py"):
        raise LeftOutError("mpi4py or mpiexec is not installed")
    work = run.samples(MNIST_RANKS)
    if note := run.data.note(work):
        run.notes.append(note)
    command = [sys.executable, str(SIDE)]
    given = ["--quick"] * run.quick
    if run.data.folder:
        given += ["--data", str(run.data.folder)]
    own = [mpiexec, "-n", str(RANKS), *command, "foxnn", *given]
    sides: dict[str, Timed] = {
        "foxnn": partial(seconds_of, [own]),
        f"foxnn, average_every={AVERAGE_EVERY}": partial(
            seconds_of, [[*own, "--average-every", str(AVERAGE_EVERY)]]
        ),
        "foxnn, 1 process": foxnn_epoch(work, *run.data.of(work), RANKS),
    }
    if is_there("PyTorch"):
        sides["PyTorch DDP"] = torch_ranks([*command, "PyTorch", "--ranks", str(RANKS), *given])
    return sides


def seconds_of(commands: Sequence[Sequence[str]]) -> float:
    """Return what the first of some processes prints, which run at the same time."""
    started = [subprocess.Popen(one, stdout=subprocess.PIPE, text=True) for one in commands]
    printed = [process.communicate()[0] for process in started]
    for process in started:
        if process.returncode != 0:
            raise subprocess.CalledProcessError(process.returncode, process.args)
    return float(printed[0])


def torch_ranks(command: Sequence[str]) -> Callable[[], float]:
    """Return a side whose processes find each other by a file."""

    def run() -> float:
        with tempfile.TemporaryDirectory() as folder:
            found = ["--store", str(Path(folder) / "store")]
            return seconds_of([[*command, *found, "--rank", str(i)] for i in range(RANKS)])

    return run


RANK_ROWS: Sequence[Row] = (
    Row(
        "ranks", "[784, 512, 512, 10], batch 1,024, 2 ranks with a thread each: an epoch",
        two_ranks, (Target("PyTorch DDP", 2.5), Target("foxnn, 1 process", 0.85)),
    ),
)  # fmt: skip
