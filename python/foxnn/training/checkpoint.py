"""Checkpoints of a training run: writing them during `fit`, and reading them to continue.

A checkpoint is a safetensors file with the network after some step, the arguments of the run and
its progress. It is written by a separate thread while training continues, and it replaces the
earlier one only when it is complete.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.checks.notes import notes_of
from foxnn.formats import paths, safetensors_file, whole_files
from foxnn.formats.paths import FileFormatError
from foxnn.model import state
from foxnn.model.answers import AnsweringNetwork
from foxnn.training.beside import Beside, wait_for_all
from foxnn.training.early_stopping import Watch
from foxnn.training.history import History, checked


@dataclasses.dataclass(frozen=True)
class Running:
    """The progress within an epoch, and how to continue the epoch from there."""

    draw: int
    steps: int
    samples: int
    loss: float
    weight: float
    correct: int
    seconds: float
    pieces: int = 0  # of the sequences of the next batch (`truncate`)
    states: tuple[Array, ...] = ()  # after them, one a layer
    positions: int = 0  # of the outputs so far

    @classmethod
    def of(cls, trainer: _core.Trainer, seconds: float) -> Running:
        """Return the progress of a trainer in its epoch, which has taken `seconds` so far."""
        done = trainer.epoch()
        return cls(
            trainer.draw_of_epoch(), done.steps, done.samples, done.loss, done.weight, done.correct,
            seconds, trainer.pieces_done(), tuple(trainer.states()), done.positions,
        )  # fmt: skip

    @classmethod
    def checked(cls, values: Mapping[str, Any], states: Sequence[Array]) -> Running:
        """Return the progress from the values in a file; ValueError or TypeError for bad ones."""
        checks.integer(values.get("draw"), "draw", 0, 2**32 - 1)
        values = {"pieces": 0, "positions": 0} | dict(values)  # checkpoints of 0.1.0 have none
        counts = ("steps", "samples", "correct", "pieces", "positions")
        for name in counts:
            checks.integer(values.get(name), name, 0, 2**62)
        loss, weight, seconds = (
            checks.real(values.get(name), name) for name in ("loss", "weight", "seconds")
        )
        return cls(
            values["draw"], values["steps"], values["samples"], loss, weight, values["correct"],
            seconds, values["pieces"], tuple(states), values["positions"],
        )  # fmt: skip

    def plain(self) -> dict[str, Any]:
        """Return all but the states, as plain values."""
        return {name: value for name, value in vars(self).items() if name != "states"}

    def begin(self, trainer: _core.Trainer) -> None:
        """Bring a trainer, whose network is that of the checkpoint, to this point."""
        trainer.go_on_within_epoch(
            self.draw,
            steps=self.steps,
            samples=self.samples,
            loss=self.loss,
            weight=self.weight,
            correct=self.correct,
            pieces=self.pieces,
            states=self.states,
            positions=self.positions,
        )


class Checkpoints:
    """Where and how often checkpoints are written, and the thread that writes them."""

    def __init__(
        self, network: AnsweringNetwork, name_file: object, every: int | datetime.timedelta
    ) -> None:
        self._path = paths.path_of(name_file, "checkpoint")
        if not self._path.lower().endswith(".safetensors"):
            raise ValueError(
                "checkpoint must be the name of a .safetensors file, got "
                f"{checks.shown(self._path)}"
            )
        wait_for_all()
        notes_of(network.notes)  # what cannot be written is refused before training
        safetensors_file.written_loss(network._own_loss)
        whole_files.check_place(self._path)
        # The working directory may change during the run. (Not abspath: ".." may follow a link.)
        here = "" if os.path.isabs(self._path) else os.getcwd()
        self._place = os.path.join(here, self._path)
        self._every = every
        self._last = time.perf_counter()
        self._writing: Beside | None = None
        self.arguments: dict[str, Any] = {}

    def seconds_left(self) -> float | None:
        """Return the time until the next checkpoint within an epoch; None if there is none."""
        if isinstance(self._every, int):
            return None
        return max(0.0, self._last + self._every.total_seconds() - time.perf_counter())

    def is_time(self) -> bool:
        """Return whether a checkpoint is due within an epoch."""
        return self.seconds_left() == 0.0

    def is_due(self, epochs_done: int, is_last: bool) -> bool:
        """Return whether a checkpoint is due after so many epochs."""
        if is_last or not isinstance(self._every, int):
            return is_last or self.is_time()
        return epochs_done % self._every == 0

    def write(
        self,
        network: AnsweringNetwork,
        history: History,
        watch: Watch | None,
        running: Running | None = None,
    ) -> None:
        """Start writing the current network; raise what the previous writing has raised."""
        self.wait()
        given = state.surroundings_of(network, network) | state.memory_of(network)
        run = {
            "arguments": self.told(),
            "history": {name: list(values) for name, values in history.items()},
            "watch": None if watch is None else watch.progress(),
            "running": None if running is None else running.plain(),
        }
        best = None if watch is None else watch.best
        states = () if running is None else running.states
        self.start(lambda: self._write(given, run, best, states))

    def told(self) -> dict[str, Any]:
        """Return the arguments of the run, as a checkpoint holds them."""
        every = self._every if isinstance(self._every, int) else self._every.total_seconds()
        return self.arguments | {"checkpoint_every": every}

    @property
    def place(self) -> str:
        """The file, wherever the working directory is by now."""
        return self._place

    def start(self, write: Callable[[], None]) -> None:
        """Start writing in a thread; raise what the previous writing has raised."""
        self.wait()
        self._last = time.perf_counter()
        self._writing = Beside(write)

    def is_writing(self) -> bool:
        """Return whether the last checkpoint is still being written."""
        return self._writing is not None and self._writing.goes_on()

    def wait(self) -> None:
        """Wait until everything is written; raise what went wrong."""
        if self._writing is not None:
            error = self._writing.wait()
            self._writing = None
            if error is not None:
                raise error

    def end(self, error: BaseException) -> None:
        """End after an exception in the run: wait for the writing, but not on Ctrl-C."""
        if isinstance(error, Exception):
            self.wait()
        elif self._writing is not None:
            self._writing.is_left = True

    def _write(
        self, given: dict[str, Any], run: Any, best: _core.Network | None, states: Sequence[Array]
    ) -> None:
        # The best weights do not change, so the thread can read them.
        memory = None if best is None else state.memory_of(best)
        safetensors_file.write(self._place, given, run, memory, states)


@dataclasses.dataclass
class Start:
    """Where a run continues: what a checkpoint holds besides the network."""

    history: dict[str, list[float]]
    watch: Mapping[str, Any] | None
    best: Mapping[str, Any] | None
    draw_of_split: int
    running: Running | None
    samples: int | None  # in x; None in checkpoints of early versions

    @property
    def epochs(self) -> int:
        """The number of completed epochs."""
        return len(next(iter(self.history.values()), []))

    def best_of(self, network: AnsweringNetwork) -> Any:
        """Return the network as it was after its best epoch, or None."""
        if self.best is None:
            return None
        earlier = copy.deepcopy(network)
        state.set_memory(earlier, self.best)
        return earlier


def read(path: str) -> tuple[dict[str, Any], dict[str, Any], Start]:
    """Return the state, the arguments of fit, and where to continue.

    Raises
    ------
    OSError
        If the file cannot be read.
    foxnn.FileFormatError
        If it is not a checkpoint.
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
    if not any(history.values()) and within is None:
        raise FileFormatError(f"{path}: expected a history of the epochs done, got none")
    draw = arguments.get("draw_of_split")
    if type(draw) is not int or (watch is not None and not isinstance(watch, dict)):
        raise FileFormatError(f"{path}: expected a draw and a watch as run")
    if not (within is None or isinstance(within, dict)) or type(samples) not in (int, type(None)):
        raise FileFormatError(f"{path}: expected a running epoch and a number of samples as run")
    try:
        running = None if within is None else Running.checked(within, run["states"])
    except (ValueError, TypeError) as error:
        raise FileFormatError(f"{path}: expected a running epoch: {error}") from None
    return given, arguments, Start(history, watch, best, draw, running, samples)
