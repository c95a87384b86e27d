"""Checkpoints of a training: what `fit` writes by the way, and how a run goes on from one.

A checkpoint is a safetensors file of the network as it was after some step, with what the run was
told and how far it was. It is written by a thread of its own, so that the training goes on
meanwhile, and takes the place of the older one only when it is whole.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime
import os
import time
from collections.abc import Mapping
from typing import Any

from foxnn import _core, checks
from foxnn.checks.notes import notes_of
from foxnn.formats import paths, safetensors_file, whole_files
from foxnn.formats.paths import FileFormatError
from foxnn.model import state
from foxnn.training.beside import Beside, wait_for_all
from foxnn.training.early_stopping import Watch
from foxnn.training.history import History, checked


@dataclasses.dataclass(frozen=True)
class Running:
    """How far an epoch is that has begun: what its steps have done, and how to begin it again."""

    draw: int
    steps: int
    samples: int
    loss: float
    weight: float
    correct: int
    seconds: float

    @classmethod
    def of(cls, trainer: _core.Trainer, seconds: float) -> Running:
        """Return how far a trainer is in its epoch, which has taken so long."""
        done = trainer.epoch()
        return cls(
            trainer.draw_of_epoch(), done.steps, done.samples, done.loss, done.weight, done.correct,
            seconds,
        )  # fmt: skip

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Running:
        """Return what the plain values of a file say; ValueError or TypeError where they do not."""
        checks.integer(values.get("draw"), "draw", 0, 2**32 - 1)
        counts = ("steps", "samples", "correct")
        for name in counts:
            checks.integer(values.get(name), name, 0, 2**62)
        loss, weight, seconds = (
            checks.real(values.get(name), name) for name in ("loss", "weight", "seconds")
        )
        return cls(
            values["draw"], values["steps"], values["samples"], loss, weight, values["correct"],
            seconds,
        )  # fmt: skip

    def begin(self, trainer: _core.Trainer) -> None:
        """Bring a trainer, whose network is that of the checkpoint, to this point."""
        trainer.go_on_within_epoch(
            self.draw,
            steps=self.steps,
            samples=self.samples,
            loss=self.loss,
            weight=self.weight,
            correct=self.correct,
        )


class Checkpoints:
    """Where and how often a run is kept, and the thread that writes."""

    def __init__(self, network: Any, name_file: object, every: int | datetime.timedelta) -> None:
        self._path = paths.path_of(name_file, "checkpoint")
        if not self._path.lower().endswith(".safetensors"):
            raise ValueError(
                "checkpoint must be the name of a .safetensors file, got "
                f"{checks.shown(self._path)}"
            )
        wait_for_all()
        notes_of(network.notes)  # what could not be written is said before the training
        whole_files.check_place(self._path)
        # The user may change folders during the run. (Not abspath: ".." may follow a link.)
        here = "" if os.path.isabs(self._path) else os.getcwd()
        self._place = os.path.join(here, self._path)
        self._every = every
        self._last = time.perf_counter()
        self._writing: Beside | None = None
        self.arguments: dict[str, Any] = {}

    def seconds_left(self) -> float | None:
        """Return the time until the next checkpoint within an epoch; None where there is none."""
        if isinstance(self._every, int):
            return None
        return max(0.0, self._last + self._every.total_seconds() - time.perf_counter())

    def is_time(self) -> bool:
        """Return whether to write within an epoch."""
        return self.seconds_left() == 0.0

    def is_due(self, epochs_done: int, is_last: bool) -> bool:
        """Return whether to write after so many epochs."""
        if is_last or not isinstance(self._every, int):
            return is_last or self.is_time()
        return epochs_done % self._every == 0

    def write(
        self, network: Any, history: History, watch: Watch | None, running: Running | None = None
    ) -> None:
        """Begin to write the network of this moment; what the last writing raised comes here."""
        self.wait()
        self._last = time.perf_counter()
        given = state.surroundings_of(network, network) | state.memory_of(network)
        every = self._every if isinstance(self._every, int) else self._every.total_seconds()
        run = {
            "arguments": self.arguments | {"checkpoint_every": every},
            "history": {name: list(values) for name, values in history.items()},
            "watch": None if watch is None else watch.progress(),
            "running": None if running is None else dataclasses.asdict(running),
        }
        best = None if watch is None else watch.best
        self._writing = Beside(lambda: self._write(given, run, best))

    def is_writing(self) -> bool:
        """Return whether the last checkpoint is not yet written."""
        return self._writing is not None and self._writing.goes_on()

    def wait(self) -> None:
        """Return when all is written; raise what went wrong."""
        if self._writing is not None:
            error = self._writing.wait()
            self._writing = None
            if error is not None:
                raise error

    def end(self, error: BaseException) -> None:
        """End with an exception of the run, after the writing; Ctrl-C does not wait for that."""
        if isinstance(error, Exception):
            self.wait()
        elif self._writing is not None:
            self._writing.is_left = True

    def _write(self, given: dict[str, Any], run: Any, best: _core.Network | None) -> None:
        # The best weights stay as they are, and can wait for the thread.
        memory = None if best is None else state.memory_of(best)
        safetensors_file.write(self._place, given, run, memory)


@dataclasses.dataclass
class Start:
    """Where a run goes on: what a checkpoint says beside the network."""

    history: dict[str, list[float]]
    watch: Mapping[str, Any] | None
    best: Mapping[str, Any] | None
    draw_of_split: int
    running: Running | None
    samples: int | None  # of x; a checkpoint of before may not say it

    @property
    def epochs(self) -> int:
        """The epochs that are done."""
        return len(next(iter(self.history.values()), []))

    def best_of(self, network: Any) -> Any:
        """Return the network as it was after its best epoch, or None."""
        if self.best is None:
            return None
        earlier = copy.deepcopy(network)
        state.set_memory(earlier, self.best)
        return earlier


def read(path: str) -> tuple[dict[str, Any], dict[str, Any], Start]:
    """Return state, arguments of fit and where to go on.

    Raises
    ------
    OSError
        Where the file cannot be read.
    foxnn.FileFormatError
        Where it is no checkpoint of a training.
    """
    wait_for_all()
    given, run, best = safetensors_file.read_checkpoint(path)
    if run is None:
        raise FileFormatError(f"{path}: expected a checkpoint of fit, got a network without a run")
    arguments, history = run.get("arguments"), run.get("history")
    if not isinstance(arguments, dict) or not isinstance(history, dict):
        raise FileFormatError(f"{path}: expected arguments and history as run")
    watch, within, samples = run.get("watch"), run.get("running"), arguments.get("samples")
    try:
        history = checked(history)
    except ValueError as error:
        raise FileFormatError(f"{path}: {error}") from None
    if not history and within is None:
        raise FileFormatError(f"{path}: expected a history of the epochs done, got none")
    draw = arguments.get("draw_of_split")
    if type(draw) is not int or (watch is not None and not isinstance(watch, dict)):
        raise FileFormatError(f"{path}: expected a draw and a watch as run")
    if not (within is None or isinstance(within, dict)) or type(samples) not in (int, type(None)):
        raise FileFormatError(f"{path}: expected a running epoch and a number of samples as run")
    try:
        running = None if within is None else Running.checked(within)
    except (ValueError, TypeError) as error:
        raise FileFormatError(f"{path}: expected a running epoch: {error}") from None
    return given, arguments, Start(history, watch, best, draw, running, samples)
