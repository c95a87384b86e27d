"""Checkpoints of a training: what `fit` writes by the way, and how a run goes on from one.

A checkpoint is a safetensors file of the network as it was after some epoch, with what the run was
told and how far it was. It is written by a thread of its own, so that the training goes on
meanwhile, and takes the place of the older one only when it is whole.
"""

from __future__ import annotations

import copy
import dataclasses
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from foxnn import _core, checks, files, safetensors_file, schedules, state
from foxnn.early_stopping import EarlyStopping, Watch
from foxnn.files import FileFormatError
from foxnn.fit_options import FitOptions
from foxnn.history import History, checked
from foxnn.notes import notes_of
from foxnn.update_rules import SGD, Adam, AdamW, RMSprop

_OPTIMIZERS = {kind.__name__: kind for kind in (SGD, Adam, AdamW, RMSprop)}
_SCHEDULES = {
    kind.__name__: kind
    for kind in (
        schedules.constant, schedules.step, schedules.exponential, schedules.cosine,
        schedules.inverse, schedules.warmup,
    )
}  # fmt: skip


class Checkpoints:
    """Where and how often a run is kept, and the thread that writes."""

    def __init__(self, network: Any, name_file: object, every: int) -> None:
        self._path = files.path_of(name_file, "checkpoint")
        if not self._path.lower().endswith(".safetensors"):
            raise ValueError(
                f"checkpoint must be the name of a .safetensors file, got {self._path!r}"
            )
        notes_of(network.notes)  # what could not be written is said before the training
        files.check_place(self._path)
        self._every = every
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self.arguments: dict[str, Any] = {}

    def is_due(self, epochs_done: int, is_last: bool) -> bool:
        """Return whether to write after so many epochs."""
        return is_last or epochs_done % self._every == 0

    def write(self, network: Any, history: History, watch: Watch | None) -> None:
        """Begin to write the network of this moment; what the last writing raised comes here."""
        now = network._copy()
        # What is small is taken now; the arrays of the copy wait for the thread.
        given = state.surroundings_of(network, now)
        run = {
            "arguments": self.arguments | {"checkpoint_every": self._every},
            "history": {name: list(values) for name, values in history.items()},
            "watch": None if watch is None else watch.progress(),
        }
        best = None if watch is None else watch.best
        self.wait()
        self._thread = threading.Thread(
            target=self._write, args=(given, now, run, best), name="foxnn checkpoint"
        )
        self._thread.start()

    def wait(self) -> None:
        """Return when all is written; raise what went wrong."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _write(
        self, given: dict[str, Any], now: _core.Network, run: Any, best: _core.Network | None
    ) -> None:
        try:
            given |= state.memory_of(now)
            memory = None if best is None else state.memory_of(best)
            safetensors_file.write(self._path, given, run, memory)
        except BaseException as error:
            self._error = error


def optimizer_as_values(optimizer: object) -> Any:
    """Return an optimizer as plain values: its name, or its class and constants."""
    if isinstance(optimizer, str):
        return optimizer
    return {type(optimizer).__name__: dataclasses.asdict(optimizer)}  # type: ignore[call-overload]


def optimizer_from(values: Any) -> Any:
    """Return the optimizer that plain values name."""
    return values if isinstance(values, str) else _made(values, _OPTIMIZERS, "optimizer")


def schedule_as_values(schedule: object) -> Any:
    """Return a schedule as plain values; "function" for one of the user's."""
    if schedule is None:
        return None
    if not isinstance(schedule, schedules.Schedule):
        return "function"
    fields = {f.name: getattr(schedule, f.name) for f in dataclasses.fields(schedule)}  # type: ignore[arg-type]
    plain = {
        name: schedule_as_values(value) if isinstance(value, schedules.Schedule) else value
        for name, value in fields.items()
    }
    return {type(schedule).__name__: plain}


def schedule_from(values: Any) -> Any:
    """Return the schedule that plain values name."""
    if values is None:
        return None
    return _made(values, _SCHEDULES, "schedule")


def early_stopping_as_values(rule: EarlyStopping | None) -> Any:
    """Return a rule as plain values."""
    return None if rule is None else dataclasses.asdict(rule)


def _made(values: Any, kinds: Mapping[str, Any], name: str) -> Any:
    if not isinstance(values, Mapping) or len(values) != 1 or next(iter(values)) not in kinds:
        raise ValueError(f"{name} must be one of {', '.join(kinds)}, got {checks.shown(values)}")
    ((kind, fields),) = values.items()
    if not isinstance(fields, Mapping):
        raise ValueError(f"{name} must have its constants, got {checks.shown(fields)}")
    return kinds[kind](
        **{
            key: schedule_from(value) if isinstance(value, Mapping) else value
            for key, value in fields.items()
        }
    )


def arguments_of(told: FitOptions, rule: EarlyStopping | None, draw: int) -> dict[str, Any]:
    """Return what a run was told as plain values; `draw` is the number of its validation share.

    What is no plain value (samples, callbacks, functions) is only noted, and given again later.
    """
    share = told.validation
    weight = told.class_weight
    return {
        "epochs": int(told.epochs),
        "batch_size": int(told.batch_size),
        "optimizer": optimizer_as_values(told.optimizer),
        "learning_rate": float(told.learning_rate),
        "validation": share if share is None or isinstance(share, float | int) else "given",
        "early_stopping": early_stopping_as_values(rule),
        "schedule": schedule_as_values(told.schedule),
        "l1": float(told.l1),
        "l2": float(told.l2),
        "dropout": [float(p) for p in np.atleast_1d(told.dropout)],
        "one_dropout": np.ndim(told.dropout) == 0,
        "sample_weight": None if told.sample_weight is None else "given",
        "class_weight": [[int(k), float(v)] for k, v in weight.items()]
        if isinstance(weight, Mapping)
        else weight,
        "shuffle": bool(told.shuffle),
        "clip_norm": None if told.clip_norm is None else float(told.clip_norm),
        "clip_value": None if told.clip_value is None else float(told.clip_value),
        "draw_of_split": draw,
    }


@dataclasses.dataclass
class Start:
    """Where a run goes on: what a checkpoint says beside the network."""

    history: dict[str, list[float]]
    watch: Mapping[str, Any] | None
    best: Mapping[str, Any] | None
    draw_of_split: int

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
    given, run, best = safetensors_file.read_checkpoint(path)
    if run is None:
        raise FileFormatError(f"{path}: expected a checkpoint of fit, got a network without a run")
    arguments, history = run.get("arguments"), run.get("history")
    if not isinstance(arguments, dict) or not isinstance(history, dict):
        raise FileFormatError(f"{path}: expected arguments and history as run")
    try:
        history = checked(history)
    except ValueError as error:
        raise FileFormatError(f"{path}: {error}") from None
    if not history:
        raise FileFormatError(f"{path}: expected a history of the epochs done, got none")
    watch = run.get("watch")
    draw = arguments.get("draw_of_split")
    if type(draw) is not int or (watch is not None and not isinstance(watch, dict)):
        raise FileFormatError(f"{path}: expected a draw and a watch as run")
    return given, arguments, Start(history, watch, best, draw)
