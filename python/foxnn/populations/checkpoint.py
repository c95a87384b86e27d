"""Checkpoints of the training of a population: what they hold, and how it goes on from one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foxnn import checks
from foxnn.formats import population_file
from foxnn.formats.paths import FileFormatError
from foxnn.formats.safetensors_file import reason
from foxnn.model import state
from foxnn.model.settings import values_of
from foxnn.populations import files
from foxnn.populations.data import PopulationData
from foxnn.populations.history import PopulationHistory
from foxnn.populations.loop import PopulationLoop
from foxnn.populations.per_member import EACH, each_of
from foxnn.populations.running import DONE, RunningEpoch
from foxnn.populations.state import joined, stacked, unstacked
from foxnn.populations.together import SharedCheckpoints
from foxnn.training import plain_options
from foxnn.training.arguments import checked_every
from foxnn.training.beside import wait_for_all
from foxnn.training.checkpoint import Checkpoints
from foxnn.training.early_stopping import Watch
from foxnn.training.options import FitArguments, FitOptions
from foxnn.training.plain_options import arguments_of
from foxnn.training.ranks import ALONE, Ranks

if TYPE_CHECKING:
    from foxnn.populations.population import population

# What each rank has of its own members.
_OF_MEMBERS = ("states", "bests", "watches", "ended")

Write = Callable[[PopulationLoop, Checkpoints, bool], None]


def checkpoints_of(
    pop: population,
    given: FitArguments,
    options: Sequence[FitOptions],
    data: PopulationData,
    rows: Any,
    ranks: Ranks,
) -> tuple[Checkpoints, Write]:
    """Return where checkpoints are written, and what writes one, on all ranks together."""
    every, own = checked_every(given.checkpoint_every), ranks.share(len(pop))
    checkpoints = None
    if ranks.speaks:
        checkpoints = Checkpoints(pop._members[0], given.checkpoint, every)
        checkpoints.arguments = _told(given, options, data, rows)

    def write(loop: PopulationLoop, there: Checkpoints, within: bool) -> None:
        there.wait()
        parts = ranks.brought(
            {
                "states": [state.state_of(pop._members[i]) for i in own],
                "bests": [
                    None if watch is None or watch.best is None else state.memory_of(watch.best)
                    for watch in loop.watches
                ],
                "watches": [None if watch is None else watch.progress() for watch in loop.watches],
                "running": dataclasses.asdict(loop.running()) if within else None,
                "ended": loop.ended.tolist(),
            }
        )
        if parts is None:
            return
        each = {name: [one for part in parts for one in part[name]] for name in _OF_MEMBERS}
        best = None
        if any(one is not None for one in each["bests"]):
            best = stacked(each["bests"])
        run = {
            "arguments": there.told(),
            "history": loop.history.plain(),
            "watches": each["watches"],
            "running": _running([part["running"] for part in parts]) if within else None,
            "ended": each["ended"],
            "diverged": [[i, *found] for i, found in sorted(loop.diverged.items())],
        }
        whole = joined(each["states"], values_of(pop.settings))
        there.start(lambda: population_file.write(there.place, whole, run, best))

    if ranks is ALONE:
        assert checkpoints is not None
        return checkpoints, write
    return SharedCheckpoints(checkpoints, ranks), write


def _running(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the progress within an epoch from those of all ranks."""
    return {
        "seconds": parts[0]["seconds"],
        "draws": [draw for part in parts for draw in part["draws"]],
        "done": {name: [one for part in parts for one in part["done"][name]] for name in DONE},
    }


def _told(
    given: FitArguments, options: Sequence[FitOptions], data: PopulationData, rows: Any
) -> dict[str, Any]:
    """Return the arguments of the run, as a checkpoint holds them."""
    told = arguments_of(options[0], 0, data.count)
    told["sample_weight"] = None if given.sample_weight is None else "given"
    told["rows"] = None if rows is None else "given"
    told["draws"] = data.draws
    told["each"] = {name: _plain_each(given, name, len(options)) for name in EACH}
    return told


def _plain_each(given: FitArguments, name: str, members: int) -> list[Any]:
    """Return an argument as plain values, one a member."""
    found = []
    for value in each_of(getattr(given, name), name, members):
        if name == "optimizer":
            found.append(plain_options.optimizer_as_values(value))
        elif name == "early_stopping":
            is_rule = dataclasses.is_dataclass(value)
            found.append(dataclasses.asdict(value) if is_rule else value)
        elif value is None:
            found.append(None)
        else:
            plain = np.asarray(value, np.float64).tolist()
            found.append(plain)
    return found


@dataclasses.dataclass
class PopulationStart:
    """Where a run continues: what a checkpoint holds besides the population."""

    history: PopulationHistory
    watches: list[Mapping[str, Any] | None]
    best: list[Any]
    draws: list[int]
    running: RunningEpoch | None
    ended: NDArray[np.bool_]
    diverged: dict[int, tuple[int, float]]
    samples: int

    @property
    def epochs(self) -> int:
        """The number of completed epochs."""
        return self.history.epochs

    def bring_up(self, watches: Sequence[Watch | None], pop: population, own: range) -> None:
        """Bring the watches of some members to where they were."""
        for i, watch in zip(own, watches, strict=True):
            progress, best = self.watches[i], self.best[i]
            if watch is None:
                continue
            earlier = None
            if best is not None:
                earlier = pop._copy_of(pop._members[i])
                state.set_memory(earlier, best)
            watch.go_on(progress or {}, earlier)


def read(
    path: str,
) -> tuple[list[Any], dict[str, Any], dict[str, Any], PopulationStart]:
    """Return members, settings, the arguments of fit, and where to continue.

    Raises
    ------
    OSError
        If the file cannot be read.
    foxnn.FileFormatError
        If it is not a checkpoint of a population.
    """
    wait_for_all()
    given, run, best = population_file.read(path)
    if run is None:
        raise FileFormatError(
            f"{path}: expected a checkpoint of fit, got a population without a run"
        )
    if "evolution" in run:
        raise ValueError("fitness must be given again, as it was to evolve")
    members, settings = files.made(path, given)
    count = len(members)
    try:
        told = run["arguments"]
        history = PopulationHistory.from_values(_numbers(run["history"]), count)
        running = run["running"]
        if running is not None:
            running = RunningEpoch(
                checks.real(running["seconds"], "seconds"),
                _whole(running["draws"], count, 2**32 - 1),
                _done(running["done"], count),
            )
        elif not history.epochs:
            raise ValueError("expected a history of the epochs done, got none")
        ended = np.array(run["ended"])
        if ended.shape != (count,) or ended.dtype != np.bool_:
            raise ValueError("ended must be one for each member")
        watches = checks.items(run["watches"], "watches must be one for each member")
        if len(watches) != count:
            raise ValueError("watches must be one for each member")
        start = PopulationStart(
            history, watches, [None] * count if best is None else unstacked(best, count),
            _whole(told["draws"], count, 2**32 - 1), running, ended,
            {int(i): (int(epoch), float(loss)) for i, epoch, loss in run["diverged"]},
            checks.integer(told["samples"], "samples", 1),
        )  # fmt: skip
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError) as error:
        said = reason(error)
        raise FileFormatError(f"{path}: expected the run of a population: {said}") from None
    return members, settings, told, start


def _numbers(history: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a history, in which None stands for NaN."""
    return {
        name: epochs
        if name == "seconds"
        else [[np.nan if number is None else number for number in one] for one in epochs]
        for name, epochs in history.items()
    }


def _whole(values: Any, count: int, most: int) -> list[int]:
    given = checks.items(values, "draws must be a list")
    if len(given) != count:
        raise ValueError(f"draws must be one for each of the {count} members")
    return [checks.integer(value, "a draw", 0, most) for value in given]


def _done(done: Mapping[str, Any], count: int) -> dict[str, list[Any]]:
    if set(done) != set(DONE) or any(len(done[name]) != count for name in DONE):
        raise ValueError(f"done must hold {', '.join(DONE)}, one for each member")
    return {
        name: [
            checks.real(value, name)
            if name in ("loss", "weight")
            else checks.integer(value, name, 0, 2**62)
            for value in done[name]
        ]
        for name in DONE
    }
