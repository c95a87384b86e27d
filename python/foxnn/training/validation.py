"""Samples to validate on: a held-out share, or separate samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.checks.labels import LabelReader
from foxnn.model.answers import AnsweringNetwork
from foxnn.support.streams import HOLDOUT
from foxnn.training.classes import classes_of
from foxnn.training.samples import WeightedSamples, samples_of

Parts = tuple[WeightedSamples, WeightedSamples]


def given_samples(
    network: AnsweringNetwork,
    given: tuple[Any, Any, Any],
    columns: list[str] | None,
    labels: LabelReader,
) -> WeightedSamples:
    """Return the samples of `validation=(x, y, weights)`, whose columns must be those of x."""
    x, y, weights = given
    names = "the x of validation", "the y of validation", "the weights of validation"
    checks.same_columns(x, names[0], columns)
    return samples_of(network, x, y, weights, *names, labels)


def split(network: AnsweringNetwork, samples: WeightedSamples, share: float, draw: int) -> Parts:
    """Return the samples to train on and a share to validate on, stratified by class.

    The share is drawn with the network's draw number `draw`. The caller advances that number, once
    nothing can be refused any more.
    """
    count = round(len(samples) * share)
    if not 0 < count < len(samples):
        raise ValueError(
            f"validation={share} of {len(samples)} samples leaves none to train or to validate on"
        )
    order = _core.shuffled(network.seed, HOLDOUT, len(samples), draw)
    if (classes := classes_of(samples.y, network.loss)) is not None:
        order = _stratified(order, classes, count)
    held, kept = samples.part(order[:count]), samples.part(order[count:])
    for part, what in ((held, "validate on"), (kept, "train on")):
        if part.weights is not None and not part.weights.any():
            raise ValueError(f"validation={share} leaves only samples of weight 0 to {what}")
    return kept, held


def _stratified(order: Array, classes: Array, count: int) -> Array:
    """Return the order with `count` samples in front in which all classes are represented."""
    # Sorted by class, in random order within each; then samples at equal distances are taken.
    few = classes.dtype if classes.max() >= 2**15 else np.int16  # which NumPy sorts fastest
    by_class = order[np.argsort(classes[order].astype(few), kind="stable")]
    places = np.arange(len(order)) * count // len(order)
    held = np.diff(places, append=count) > 0
    return np.concatenate([by_class[held], by_class[~held]])
