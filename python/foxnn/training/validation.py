"""Samples to validate on: a held-out share, or separate samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.checks.labels import LabelReader
from foxnn.model.answers import AnsweringNetwork
from foxnn.support import pieces
from foxnn.support.streams import HOLDOUT
from foxnn.training.classes import classes_of
from foxnn.training.ranks import ALONE, Ranks
from foxnn.training.samples import WeightedSamples, Weights, samples_of

Parts = tuple[WeightedSamples, WeightedSamples]
Names = Sequence[str] | None


def given_samples(
    network: AnsweringNetwork,
    given: tuple[Any, Any, Any, Any],
    columns: list[str] | None,
    labels: LabelReader,
    ranks: Ranks = ALONE,
    *,
    is_padded: bool,
) -> WeightedSamples:
    """Return the samples of `validation=(x, y, weights, lengths)`, with the columns of x.

    If the sequences to train on are padded, a padded array must have lengths here, too.
    """
    x, y, weights, lengths = given
    names = "the x of validation", "the y of validation", "the weights of validation"
    if is_padded and lengths is None and checks.may_be_padded(x, network._input_shape()[1:]):
        raise ValueError(
            f"{names[0]} must have lengths where x has, or its padding would be read as steps: "
            "validation=(x, y, None, lengths), with weights in place of None if there are any"
        )
    network._check_names(x, names[0], columns)
    if ranks is not ALONE:
        from foxnn.training import spread  # late: most runs have one process

        all_names = (*names, "the lengths of validation")
        return spread.read(network, ranks, labels, (x, y, weights, lengths), all_names)
    return samples_of(network, x, y, weights, *names, labels, lengths, "the lengths of validation")


def split(
    network: AnsweringNetwork,
    samples: WeightedSamples,
    share: float,
    draw: int,
    said: str | None = None,
    names: Names = None,
) -> Parts:
    """Return the samples to train on and a share to validate on, as `split_rows` does."""
    kept, held = split_rows(network, samples.y, samples.weights, share, draw, said, names)
    return samples.part(kept), samples.part(held)


def split_rows(
    network: AnsweringNetwork,
    y: Array,
    weights: Weights,
    share: float,
    draw: int,
    said: str | None = None,
    names: Names = None,
) -> tuple[Array, Array]:
    """Return which samples to train on, and a share to validate on, stratified by class.

    Samples with a class for each position are drawn without regard to these. Of each class at least
    one sample is left to train on. The share is drawn with the network's draw number `draw`. The
    caller advances that number, once nothing can be refused any more. Errors call the share as
    `said` and the classes by their names.
    """
    return _rows_of_split(
        network.seed, len(y), classes_of(y, network), weights, share, draw,
        said or f"validation={share}", names,
    )  # fmt: skip


def split_over(
    network: AnsweringNetwork, samples: WeightedSamples, share: float, draw: int, ranks: Ranks
) -> Parts:
    """Return the same parts of the samples of all ranks, each in the order that they had."""
    classes, weights = classes_of(samples.y, network), samples.weights
    counts = ranks.gathered(len(samples))
    if classes is not None:
        classes = np.concatenate(ranks.gathered(classes)) if classes.ndim == 1 else None
    if weights is not None:
        count = weights > 0.0 if weights.ndim == 1 else (weights > 0.0).any(axis=1)
        weights = np.concatenate(ranks.gathered(count)).astype(np.float64)
    parts = _rows_of_split(
        network.seed, sum(counts), classes, weights, share, draw, f"validation={share}", None
    )
    first = sum(counts[: ranks.rank])
    here = (np.sort(part[(part >= first) & (part < first + len(samples))]) for part in parts)
    kept, held = (samples.part(part - first) for part in here)
    return kept, held


def _rows_of_split(
    seed: int, samples: int, classes: Array | None, weights: Weights, share: float, draw: int,
    said: str, names: Names,
) -> tuple[Array, Array]:  # fmt: skip
    count = round(samples * share)
    if not 0 < count < samples:
        raise ValueError(f"{said} of {samples} samples leaves none to train or to validate on")
    order = _core.shuffled(seed, HOLDOUT, samples, draw)
    if classes is not None and classes.ndim == 1:
        counts = np.ones(samples, bool) if weights is None else weights > 0.0
        order = _stratified(order, classes, count, counts, said, names)
    held, kept = order[:count], order[count:]
    for part, what in ((held, "validate on"), (kept, "train on")):
        if weights is not None and not pieces.taken(weights, part).any():
            raise ValueError(f"{said} leaves only samples of weight 0 to {what}")
    return kept, held


def _stratified(
    order: Array, classes: Array, count: int, counts: Array, said: str, names: Names
) -> Array:
    """Return the order with `count` samples in front in which all classes are represented.

    All classes of samples that count are represented after them, too.
    """
    # Sorted by class, in random order within each; then samples at equal distances are taken.
    few = classes.dtype if classes.max() >= 2**15 else np.int16  # which NumPy sorts fastest
    by_class = order[np.argsort(classes[order].astype(few), kind="stable")]
    places = np.arange(len(order)) * count // len(order)
    held = np.diff(places, append=count) > 0
    lost = _keep_every_class(held, classes[by_class], counts[by_class])
    if lost is not None:
        raise ValueError(
            f"{said} of {len(order)} samples leaves {len(order) - count} to train on, fewer than "
            f"there are classes: none of class {lost if names is None else repr(names[lost])}"
        )
    return np.concatenate([by_class[held], by_class[~held]])


def _keep_every_class(held: Array, classes: Array, counts: Array) -> int | None:
    """Exchange samples held out, which are sorted by class, so that of each class one is left.

    Samples of weight 0 do not count: nothing is learned from them. Return a class of which none
    can be left, as there are fewer places than classes; None: there is none.
    """
    counting, kept = np.flatnonzero(counts), np.flatnonzero(counts & ~held)
    first, first_kept = _first_of_each(classes, counting), _first_of_each(classes, kept)
    come = first[~np.isin(classes[first], classes[first_kept])]
    spare = ~held
    spare[first_kept] = False
    go = np.flatnonzero(spare)
    if len(go) < len(come):
        return int(classes[come[0]])
    held[come] = False
    held[go[np.arange(len(come)) * len(go) // max(1, len(come))]] = True
    return None


def _first_of_each(classes: Array, places: Array) -> Array:
    """Return those of the places at which another class begins; the classes are sorted."""
    there = classes[places]
    first: Array = places[np.diff(there, prepend=there[:1] - 1) != 0]
    return first
