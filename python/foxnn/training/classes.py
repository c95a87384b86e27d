"""Classes of samples or their positions: the class of each, and the weight of each class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foxnn import checks
from foxnn.checks import Array
from foxnn.checks.labels import Classes
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.losses import CLASSIFYING, LABELLED, shown_loss
from foxnn.model.sequences import mask_of
from foxnn.support import pieces
from foxnn.training.ranks import ALONE, Ranks
from foxnn.training.samples import WeightedSamples


def classes_of(y: Array, network: AnsweringNetwork) -> Array | None:
    """Return the class of each sample, or None if there are no classes.

    Where outputs have positions, it is a row a sample, with the class of each position.
    """
    if network._own_loss is not None:
        return None  # its targets are its own affair
    if checks.are_labels(y):
        classes = y
    elif network._loss() in LABELLED or (
        network._loss() in CLASSIFYING and network._channels() == 1
    ):
        channels = network._channels()
        classes = np.empty((len(y), y.shape[1] // channels), np.int64)
        for part in pieces.slices(y):
            rows = y[part].reshape(-1, classes.shape[1], channels)
            classes[part] = rows.argmax(axis=2) if channels > 1 else rows[..., 0] > 0.5
    else:
        return None
    return classes.reshape(-1) if classes.size == len(y) else classes


def weighted_by_class(
    network: AnsweringNetwork,
    samples: WeightedSamples,
    class_weight: Any,
    known: Classes | None,
    ranks: Ranks = ALONE,
) -> WeightedSamples:
    """Return the samples with their weights multiplied by those of their classes.

    Where outputs have positions, these have the weights. `known` has the labels by which weights
    are given, where they are not the classes' numbers. The samples of all ranks count.
    """
    if class_weight is None:
        return samples
    classes = classes_of(samples.y, network)
    if classes is None:
        raise ValueError(
            "class_weight needs classes: loss='cross_entropy', or 'binary_cross_entropy' with one "
            f"output; got loss={shown_loss(network.loss)} with {network._channels()} outputs"
        )
    count = max(2, network._channels())
    there = mask_of(samples.x, classes.shape[1]) if classes.ndim > 1 else None
    counted = classes.reshape(-1) if there is None else classes[there]
    counts = np.sum(ranks.gathered(np.bincount(counted, minlength=count)), axis=0)
    factors = checks.near_one(_class_factors(class_weight, counts, known))
    weights, given = np.empty(classes.shape), samples.weights
    for part in pieces.slices(classes):
        weights[part] = factors[classes[part]]
        if given is not None:
            some = given[part]
            weights[part] *= some if some.ndim == weights.ndim else some[:, None]
    if there is not None:
        weights[~there] = 0.0
    largest = max(ranks.gathered(float(weights.max(initial=0.0))))
    if largest == 0.0:
        raise ValueError("class_weight must not leave only samples of weight 0")
    return WeightedSamples(samples.x, samples.y, checks.near_one(weights, largest))


def _class_factors(class_weight: Any, counts: Array, known: Classes | None) -> NDArray[np.float64]:
    count = len(counts)
    factors = np.ones(count)
    if isinstance(class_weight, str):  # "balanced"
        # King and Zeng, "Logistic regression in rare events data", 2001: every class that occurs
        # counts as much as every other.
        there = counts > 0
        factors[there] = counts.sum() / (there.sum() * counts[there])
        return factors
    for label, weight in class_weight.items():
        if known is not None and not known.are_numbers:
            at, name = known.number(label, "labels in class_weight"), checks.shown(label)
            factors[at] = checks.real(weight, f"class_weight[{name}]", 0.0)
            continue
        at = checks.integer(label, "a class of class_weight", 0)
        if at >= count:
            raise ValueError(
                f"class_weight must name classes from 0 to {count - 1}, got {checks.shown(label)}"
            )
        factors[at] = checks.real(weight, f"class_weight[{at}]", 0.0)
    return factors
