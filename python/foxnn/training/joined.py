"""Answers of a network on the ranks of a communicator: `predict` and `evaluate`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from foxnn import checks
from foxnn.checks import Array, Rows
from foxnn.checks.labels import LabelReader
from foxnn.layers.steps import varies
from foxnn.model.answers import AnsweringNetwork, asked_metrics
from foxnn.training import spread
from foxnn.training.agreement import described, refuse_different
from foxnn.training.mpi import ranks_of
from foxnn.training.ranks import Ranks
from foxnn.training.samples import WeightedSamples
from foxnn.training.shards import USUAL, Cut, ShardedSamples


def evaluated(
    network: AnsweringNetwork,
    communicator: Any,
    given: tuple[Any, Any, Any, Any],
    metrics: Any,
) -> dict[str, float]:
    """Return loss, accuracy and metrics over the samples of all ranks: x, y, weights, lengths."""
    with ranks_of(communicator) as ranks:
        asked = asked_metrics(metrics)
        refuse_different(ranks, described(network) | {"metrics": list(asked)})
        samples = spread.read(network, ranks, LabelReader(network._classes), given)
        total = sum(ranks.gathered(len(samples)))
        cut = Cut(USUAL, ranks)
        samples = spread.brought(cut, samples)
        found = ShardedSamples(cut, samples, total).evaluation(network)
        if math.isnan(found["loss"]) and ranks.any(
            samples.weights is None or bool(samples.weights.any())
        ):
            raise OverflowError(
                f"the loss is not a number (NaN): layers go beyond {network.dtype}; scale x"
            )
        if not asked:
            return found
        own = None
        if len(samples):
            threads = ranks.threads(network.settings.n_threads)
            own = network._answers_of(samples.x, samples.y, samples.weights, threads)
        every = [one for one in ranks.gathered(own) if one is not None]
        *arrays, losses = zip(*every, strict=True)
        whole = (*(np.concatenate(parts) for parts in arrays), losses[0])
        return found | network._measured(asked, whole)


def predicted(network: AnsweringNetwork, communicator: Any, x: Any, lengths: Any) -> Any:
    """Return the outputs for the samples of this rank, computed by all ranks alike.

    Sequences of any length are answered where they are.
    """
    with ranks_of(communicator) as ranks:
        refuse_different(ranks, described(network))
        if varies(network._input_shape()):
            if spread.length_of(x) != 0:
                return _of_sequences(network, ranks, x, lengths)
            shape = network._output_shape()
            steps = (0,) if network._varies_at_end() else ()
            none = np.empty((0, *steps, *shape[len(steps) :]), network.dtype)
            return [] if isinstance(x, list) and steps else none
        if lengths is not None:
            network._reader(x, "x", lengths)  # says that they must be left out
        return _divided(network, ranks, x)


def _of_sequences(network: AnsweringNetwork, ranks: Ranks, x: Any, lengths: Any) -> Any:
    """Return the outputs for the sequences of this rank, which takes its share of the cores."""
    network._check_names(x, "x")
    reader = network._reader(x, "x", lengths, finite=False)
    rows = network._rows(x, "x", finite=False) if reader is None else reader.rows
    out = network._predict(rows, ranks.threads(network.settings.n_threads))
    if out is None:
        return network.predict(x, lengths)  # says why
    return out if reader is None else reader.put_back(out)


def _divided(network: AnsweringNetwork, ranks: Ranks, x: Any) -> Array:
    own = None
    if spread.length_of(x) != 0:
        network._check_names(x, "x")
        own = _alone(network._rows(x, "x", finite=False))
    samples = spread.completed(ranks, own, ("x", "y", "sample_weight", "lengths"))
    starts = spread.starts_of(ranks, len(samples))
    borders = [starts[-1] * rank // ranks.size for rank in range(ranks.size + 1)]
    here = spread.moved(ranks, samples, starts, borders).x
    out = np.empty((0, *network._output_shape()), network.dtype)
    if len(here):
        found = network._predict(here, ranks.threads(network.settings.n_threads))
        if found is None:
            network.predict(checks.dense(here))  # says why
        else:
            out = found
    flat = _alone(out.reshape(len(out), -1))
    back: Any = spread.moved(ranks, flat, borders, starts).x
    answers: Array = back.reshape(len(back), *out.shape[1:])
    return answers


def _alone(rows: Rows) -> WeightedSamples:
    """Return inputs as samples whose targets do not matter."""
    return WeightedSamples(rows, np.zeros((len(rows), 1), np.uint8), None)
