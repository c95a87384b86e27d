"""What `fit` trains and validates on: samples, their weights, the share that is held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.losses import CLASSIFYING, LABELLED, SCALABLE_LOSSES
from foxnn.model.scaler import Scaler, scaler_of
from foxnn.support import pieces
from foxnn.support.streams import HOLDOUT

Weights = NDArray[np.float64] | None


@dataclass
class Samples:
    """Inputs, wanted outputs (or labels), and how much each sample counts (None: all the same)."""

    x: Array
    y: Array
    weights: Weights

    def __len__(self) -> int:
        return len(self.x)

    def part(self, which: Array) -> Samples:
        """Return copies of some samples."""
        weights = None if self.weights is None else self.weights[which]
        return Samples(pieces.taken(self.x, which), pieces.taken(self.y, which), weights)


def samples_of(
    network: AnsweringNetwork, x: Any, y: Any, sample_weight: Any,
    x_name: str = "x", y_name: str = "y",
    weight_name: str = "sample_weight",
) -> Samples:  # fmt: skip
    """Return samples that suit the network, checked."""
    inputs, wanted = network._samples(x, y, x_name, y_name)
    return Samples(inputs, wanted, checks.weights(sample_weight, weight_name, len(inputs)))


def split(
    network: AnsweringNetwork, samples: Samples, validation: Any, columns: list[str] | None = None,
    draw: int | None = None,
) -> tuple[Samples, Samples | None]:  # fmt: skip
    """Return the samples to train on, and those to validate on, where there are any.

    A share is drawn by the network's next random number, or by number `draw`; the number is not
    taken: that is the caller's, when nothing can be refused any more.
    """
    if validation is None:
        return samples, None
    if isinstance(validation, tuple | list):
        if len(validation) not in (2, 3):
            raise ValueError(
                "validation must be a share, (x, y) or (x, y, sample_weight), "
                f"got {checks.shown(validation)}"
            )
        held_x, held_y, *weights = validation
        names = "the x of validation", "the y of validation", "the weights of validation"
        checks.same_columns(held_x, names[0], columns)
        return samples, samples_of(network, held_x, held_y, weights[0] if weights else None, *names)
    share = checks.real(validation, "validation", 0.0, 1.0, open_low=True, open_high=True)
    count = round(len(samples) * share)
    if not 0 < count < len(samples):
        raise ValueError(
            f"validation={share} of {len(samples)} samples leaves none to train or to validate on"
        )
    number = network._draw() if draw is None else draw
    order = _core.shuffled(network.seed, HOLDOUT, len(samples), number)
    if (classes := classes_of(samples.y, network.loss)) is not None:
        order = _stratified(order, classes, count)
    held, kept = samples.part(order[:count]), samples.part(order[count:])
    for part, what in ((held, "validate on"), (kept, "train on")):
        if part.weights is not None and not part.weights.any():
            raise ValueError(f"validation={share} leaves only samples of weight 0 to {what}")
    return kept, held


def _stratified(order: Array, classes: Array, count: int) -> Array:
    """Return the order with `count` samples in front that have a fair share of every class."""
    # By class, in random order within it; then every so many from the first to the last.
    few = classes.dtype if classes.max() >= 2**15 else np.int16  # which NumPy sorts in no time
    by_class = order[np.argsort(classes[order].astype(few), kind="stable")]
    places = np.arange(len(order)) * count // len(order)
    held = np.diff(places, append=count) > 0
    return np.concatenate([by_class[held], by_class[~held]])


def classes_of(y: Array, loss: str) -> Array | None:
    """Return the class of each sample, or None where there are none."""
    if y.ndim == 1:
        return y
    if loss in LABELLED:
        classes = np.empty(len(y), np.int64)
        for part in pieces.slices(y):
            classes[part] = y[part].argmax(axis=1)
        return classes
    if loss in CLASSIFYING and y.shape[1] == 1:
        return (y[:, 0] > 0.5).astype(np.int64)
    return None


def weighted_by_class(network: AnsweringNetwork, samples: Samples, class_weight: Any) -> Samples:
    """Return the samples with their weights times those of their classes."""
    if class_weight is None:
        return samples
    classes = classes_of(samples.y, network.loss)
    if classes is None:
        raise ValueError(
            "class_weight needs classes: loss='cross_entropy', or 'binary_cross_entropy' with one "
            f"output; got loss={network.loss!r} with {network._outputs()} outputs"
        )
    factors = checks.near_one(_class_factors(class_weight, classes, max(2, network._outputs())))
    weights = factors[classes] if samples.weights is None else samples.weights * factors[classes]
    if not weights.any():
        raise ValueError("class_weight must not leave only samples of weight 0")
    return Samples(samples.x, samples.y, checks.near_one(weights))


def _class_factors(class_weight: Any, classes: Array, count: int) -> NDArray[np.float64]:
    factors = np.ones(count)
    if isinstance(class_weight, str):
        checks.choice(class_weight, "class_weight", ("balanced",))
        # King and Zeng, "Logistic regression in rare events data", 2001: every class that is there
        # counts as much as every other.
        counts = np.bincount(classes, minlength=count)
        there = counts > 0
        factors[there] = len(classes) / (there.sum() * counts[there])
        return factors
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            "class_weight must be a dict of weights by class, 'balanced' or None, "
            f"got {checks.shown(class_weight)}"
        )
    for label, weight in class_weight.items():
        at = checks.integer(label, "a class of class_weight", 0)
        if at >= count:
            raise ValueError(
                f"class_weight must name classes from 0 to {count - 1}, got {checks.shown(label)}"
            )
        factors[at] = checks.real(weight, f"class_weight[{at}]", 0.0)
    return factors


Scalers = tuple[Scaler | None, Scaler | None]


def checked_scalers(network: AnsweringNetwork, scale: Any) -> Scalers | None:
    """Return the scalers of inputs and outputs that `scale` asks for, or None to leave them.

    Those that the network has already are kept where the method is theirs.
    """
    if scale is None:
        return None
    if isinstance(scale, tuple | list):
        if len(scale) != 2:
            raise ValueError(
                f"scale must be one method or a pair, for inputs and outputs, got {len(scale)}"
            )
        pair = scale
    else:
        outputs = network[-1].get_name_activation_function() == "identity_x"
        scales_outputs = outputs and network.loss in SCALABLE_LOSSES
        pair = scale, scaler_of(scale, "scale").method if scales_outputs else None
    there = network.input_scaler, network.output_scaler
    names = ("scale", "scale") if pair is not scale else ("scale[0]", "scale[1]")
    scalers = [
        None if wanted is None else _scaler(wanted, old, name)
        for wanted, old, name in zip(pair, there, names, strict=True)
    ]
    if scalers[1] is not None and network.loss not in SCALABLE_LOSSES:
        raise ValueError(
            f"scale can bring outputs to size for the losses {', '.join(SCALABLE_LOSSES)}; "
            f"got loss={network.loss!r}"
        )
    for scaler, columns in zip(scalers, (network._inputs(), network._outputs()), strict=True):
        if scaler is not None and scaler.shift is not None:
            scaler._for_engine("scale", columns)
    return scalers[0], scalers[1]


def _scaler(wanted: Any, old: Scaler | None, name: str) -> Scaler:
    scaler = scaler_of(wanted, name)
    if scaler.shift is None and old is not None and old.method == scaler.method:
        return old
    return scaler


def measured(scalers: Scalers, samples: Samples) -> Scalers:
    """Return scalers that have measured the samples, if not others before; none is changed."""
    found = [
        scaler if scaler is None or scaler.shift is not None else Scaler(scaler.method).fit(values)
        for scaler, values in zip(scalers, (samples.x, samples.y), strict=True)
    ]
    return found[0], found[1]
