"""A training run from its arguments to its history: the stages of `fit`, one after the other."""

from __future__ import annotations

from numpy.typing import ArrayLike

from foxnn.checks import SamplesLike
from foxnn.model.answers import AnsweringNetwork
from foxnn.training.checkpoint import Start
from foxnn.training.data import fit_data
from foxnn.training.folds import planned_by_folds
from foxnn.training.history import History
from foxnn.training.joining import joined
from foxnn.training.loop import FitLoop
from foxnn.training.options import FitArguments, checked_options
from foxnn.training.plan import fit_plan, reported
from foxnn.training.ranks import ALONE, Ranks
from foxnn.training.reach import warn_if_out_of_reach
from foxnn.training.saturation import warn_if_saturated
from foxnn.training.unfinished import warn_if_unfinished


def fitted(
    network: AnsweringNetwork,
    x: SamplesLike,
    y: ArrayLike,
    given: FitArguments,
    start: Start | None = None,
    ranks: Ranks = ALONE,
) -> History:
    """Train the network with these arguments, from the beginning or from a checkpoint.

    `ranks` are those that a caller has joined already.
    """
    if given.communicator is None:
        return _fitted(network, x, y, given, start, ranks)
    with joined(given.communicator) as ranks:
        return _fitted(network, x, y, given, start, ranks)


def _fitted(
    network: AnsweringNetwork, x: SamplesLike, y: ArrayLike, given: FitArguments,
    start: Start | None, ranks: Ranks,
) -> History:  # fmt: skip
    options = checked_options(network, given, 0 if start is None else start.epochs, ranks)
    if ranks is not ALONE:
        from foxnn.training.agreement import agreed

        agreed(network, options, ranks)
    _refuse_second_training(network)
    data = fit_data(network, x, y, options, start)
    plan = fit_plan(network, data, options, start)
    scalers = network._scalers if data.scalers is None else data.scalers
    speaks = ranks.speaks and len(data.training) > 0
    if scalers[0] is None and speaks:
        warn_if_saturated(network, data.training.x)
    if speaks:
        warn_if_out_of_reach(network, data.training.y, scalers)
    if data.takes_folds:
        plan = planned_by_folds(network, data, options, plan)
    _refuse_second_training(network)
    # From here on nothing is refused, and the network changes.
    if data.scalers is not None:
        network._set_scalers(*data.scalers)
    if data.takes_draw:
        network._next_draw()
    network._input_names = data.columns
    network._classes = data.classes
    names = [*reported(network, data), "learning_rate", "seconds"]
    done = {} if start is None else start.history
    network._history = history = History.of(done) if done else History._empty(names)
    loop = FitLoop(network, data, plan, history)
    loop.run()
    if speaks and loop.ran_out and not (data.takes_folds and not plan.is_auto):
        warn_if_unfinished(network, history, data, options.is_auto)
    return history


def _refuse_second_training(network: AnsweringNetwork) -> None:
    if network._is_training():
        raise RuntimeError("the network is already training")
