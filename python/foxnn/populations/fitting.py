"""A training run of a population: the stages of `fit`, for all members at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from foxnn.model.answers import AnsweringNetwork
from foxnn.populations.data import PopulationData, population_data
from foxnn.populations.history import PopulationHistory
from foxnn.populations.loop import PopulationLoop, PopulationPlan
from foxnn.populations.per_member import arguments_of_members, is_one_each, located
from foxnn.populations.together import (
    Pulse,
    described_argument,
    described_checkpoint,
    described_members,
)
from foxnn.populations.unfinished import warn_if_members_unfinished
from foxnn.support.errors import DivergedError
from foxnn.training import auto
from foxnn.training.agreement import refuse_different
from foxnn.training.arguments import checked_time_limit
from foxnn.training.callbacks import Callbacks
from foxnn.training.early_stopping import Watch, watch_of
from foxnn.training.joining import joined
from foxnn.training.options import FitArguments, FitOptions, checked_options
from foxnn.training.plan import engine_plan
from foxnn.training.progress import is_wanted
from foxnn.training.ranks import ALONE, Ranks
from foxnn.training.reach import warn_if_out_of_reach
from foxnn.training.saturation import warn_if_saturated
from foxnn.training.update_rules import kind_of

if TYPE_CHECKING:
    from foxnn.populations.checkpoint import PopulationStart
    from foxnn.populations.population import population

# Arguments in which ranks may differ, or that are compared as they have been read.
_OWN_ON_RANKS = (
    "callbacks", "progress", "time_limit", "communicator", "sample_weight", "lengths", "validation",
    "checkpoint",
)  # fmt: skip

# What an error lists of many members.
_MOST_LISTED = 10


def begun(
    pop: population,
    x: Any,
    y: Any,
    given: FitArguments,
    rows: Any,
    start: PopulationStart | None = None,
    ranks: Ranks = ALONE,
    pulse: Pulse | None = None,
) -> PopulationLoop:
    """Return the run with these arguments, which are checked; the population is ready for it.

    `ranks` have a share of the members each; those with a `pulse` have runs of their own.
    """
    members, own = pop._members, ranks.share(len(pop))
    _refuse(given)
    done = 0 if start is None else start.epochs
    options = _options(members, given, done)
    callbacks = Callbacks(given.callbacks)
    if callbacks.wants("on_batch_end"):
        raise ValueError(
            "callbacks must not have on_batch_end: the members of a population are trained epoch "
            "by epoch"
        )
    shows_progress, time_limit = is_wanted(given.progress), checked_time_limit(given.time_limit)
    if any(member._is_training() for member in members):
        raise RuntimeError("the population is already training")
    if ranks is not ALONE:
        refuse_different(ranks, described_members(members) | _described(given))
    data = population_data(
        members, x, y, options, given.sample_weight, rows,
        None if start is None else start.draws, ranks,
    )  # fmt: skip
    if start is not None and start.samples != data.count:
        raise ValueError(
            f"x must have the {start.samples} samples that fit was given, got {data.count}"
        )
    names = _reported(members[0], data)
    watches: list[Watch | None] = [
        watch_of(options[i].early_stopping, {*names}, refreshes=True) for i in own
    ]
    if start is not None:
        start.bring_up(watches, pop, own)
    engine = [engine_plan(members[i], options[i]) for i in own]
    checkpoints, write = None, None
    if given.checkpoint is not None:
        from foxnn.populations.checkpoint import checkpoints_of  # late: few runs have any

        checkpoints, write = checkpoints_of(pop, given, options, data, rows, ranks)
    scalers = members[0]._scalers if data.scalers is None else data.scalers[0]
    speaks = ranks.speaks and (pulse is None or pulse.speaks)
    if scalers[0] is None and speaks:
        warn_if_saturated(members[0], data.samples.x)
    if speaks:
        warn_if_out_of_reach(members[0], data.samples.y, scalers)
    # From here on nothing is refused, and the population changes.
    for i, member in enumerate(members):
        if data.scalers is not None:
            member._set_scalers(*data.scalers[i])
        if data.takes_draw:
            member._next_draw()
        member._input_names = data.columns
        member._classes = data.classes
    if data.scalers is not None:
        pop._renew()
    pop._history = history = (
        PopulationHistory([*names, "learning_rate", "seconds"], len(members))
        if start is None
        else start.history
    )
    plan = PopulationPlan(
        engine=engine,
        epochs=options[0].epochs,
        running=None if start is None or start.running is None else start.running.of(own),
        rates=[told.rates for told in options],
        callbacks=callbacks,
        watches=watches,
        checkpoints=checkpoints,
        write=write,
        time_limit=time_limit,
        shows_progress=shows_progress and ranks.speaks,
        threads=ranks.threads(pop.settings.n_threads),
        ended=np.zeros(len(own), bool) if start is None else start.ended[own.start : own.stop],
        ranks=ranks,
        pulse=pulse,
    )
    loop = PopulationLoop(members, pop._engine_of(own), pop, data, plan, history)
    if start is not None:
        loop.diverged |= start.diverged
    return loop


def fitted(
    pop: population,
    x: Any,
    y: Any,
    given: FitArguments,
    rows: Any,
    start: PopulationStart | None = None,
    ranks: Ranks = ALONE,
) -> PopulationHistory:
    """Train the population with these arguments, from the beginning or from a checkpoint.

    `ranks` are those that a caller has joined already.
    """
    if given.communicator is None:
        return _fitted(pop, x, y, given, rows, start, ranks)
    with joined(given.communicator) as ranks:
        return _fitted(pop, x, y, given, rows, start, ranks)


def _fitted(
    pop: population, x: Any, y: Any, given: FitArguments, rows: Any,
    start: PopulationStart | None, ranks: Ranks,
) -> PopulationHistory:  # fmt: skip
    loop = begun(pop, x, y, given, rows, start, ranks)
    history = loop.run()
    if loop.diverged:
        raise _diverged(loop.diverged)
    if loop.ran_out:
        warn_if_members_unfinished(pop._members, history, loop.data, loop.ended.tolist(), ranks)
    return history


def _described(given: FitArguments) -> dict[str, Any]:
    """Return the arguments that all ranks must have alike; samples are compared when checked."""
    told = {
        name: described_argument(value)
        for name, value in given._asdict().items()
        if name not in _OWN_ON_RANKS
    }
    held = given.validation
    told["validation"] = "given" if is_one_each(held) else described_argument(held)
    return told | described_checkpoint(given.checkpoint, given.checkpoint_every)


def _refuse(given: FitArguments) -> None:
    """Refuse what a population cannot do."""
    if auto.is_auto(given.epochs):
        raise ValueError(
            "epochs must be a number for a population, got 'auto'; early_stopping ends each member "
            "by itself"
        )
    for name, none in (("augment", None), ("truncate", None), ("shards", None)):
        if getattr(given, name) is not none:
            raise ValueError(
                f"{name} must be left out for a population; neural_network.fit takes it"
            )


def _options(
    members: Sequence[AnsweringNetwork], given: FitArguments, done: int
) -> list[FitOptions]:
    """Return the options of each member, checked."""
    found: list[FitOptions] = []
    arguments = arguments_of_members(given, len(members))
    for i, (member, own) in enumerate(zip(members, arguments, strict=True)):
        is_repeated = i > 0 and all(
            one is other for one, other in zip(own, arguments[i - 1], strict=True)
        )
        if is_repeated and own.scale is None:
            found.append(found[-1])  # members have the same layers
            continue
        try:
            found.append(checked_options(member, own, done))
        except (ValueError, TypeError) as error:
            raise located(error, given, i) from None
    kinds = {kind_of(own.optimizer) for own in arguments}
    if len(kinds) > 1:
        raise ValueError(
            f"optimizer must be of one kind for all members, got {', '.join(sorted(kinds))}"
        )
    return found


def _reported(network: AnsweringNetwork, data: PopulationData) -> list[str]:
    """Return what the run reports of each epoch, beside its learning rate and its time."""
    names = ["loss", "accuracy"] if network._classifies() else ["loss"]
    return names if data.held_out is None else names + [f"val_{name}" for name in names]


def _diverged(found: dict[int, tuple[int, float]]) -> DivergedError:
    members = sorted(found)
    listed = ", ".join(map(str, members[:_MOST_LISTED]))
    more = f" and {len(members) - _MOST_LISTED} others" if len(members) > _MOST_LISTED else ""
    epoch, loss = found[members[0]]
    last = f"; the last finite loss of member {members[0]} was {loss:.6g}" if loss == loss else ""
    return DivergedError(
        f"the loss or a weight is no longer finite in member{'s' * (len(members) > 1)} {listed}"
        f"{more}, first in epoch {min(e for e, _ in found.values())}{last}; these members have "
        "their last finite weights, and the others are trained to the end: try a smaller learning "
        "rate, or scaled inputs (scale='standard' in fit)",
        epoch,
        loss if loss == loss else None,
        tuple(members),
    )
