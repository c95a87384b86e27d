"""The data of one `fit`: samples to train and to validate on, columns, classes, scalers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from foxnn import _core
from foxnn.checks.labels import Classes, LabelReader
from foxnn.model.answers import AnsweringNetwork
from foxnn.training import auto
from foxnn.training.checkpoint import Start
from foxnn.training.classes import weighted_by_class
from foxnn.training.options import FitOptions
from foxnn.training.samples import WeightedSamples, samples_of
from foxnn.training.scaling import Scalers, measured
from foxnn.training.validation import given_samples, split


@dataclass(frozen=True)
class FitData:
    """Samples by use, and what the network keeps of them."""

    training: WeightedSamples
    held_out: WeightedSamples | None
    count: int  # of all samples, including a held-out share
    columns: list[str] | None
    classes: Classes | None
    scalers: Scalers | None  # None: the network keeps its own
    draw: int  # the number of the random draw of a share
    takes_draw: bool
    takes_folds: bool  # whether cross-validation finds the number of epochs


def fit_data(
    network: AnsweringNetwork, x: Any, y: Any, options: FitOptions, start: Start | None
) -> FitData:
    """Check and split the samples; a resumed run splits with the draw of its checkpoint."""
    labels = LabelReader(network._classes, learns=True)
    samples = samples_of(
        network, x, y, options.sample_weight, labels=labels, lengths=options.lengths
    )
    labels.learns = False
    if options.truncate is not None and isinstance(samples.x, _core.SparseRows):
        raise ValueError(
            "truncate needs dense samples, got a sparse matrix; its toarray() is an array"
        )
    if start is not None and start.samples not in (None, len(samples)):
        raise ValueError(
            f"x must have the {start.samples} samples that fit was given, got {len(samples)}"
        )
    columns = columns_of(network, x)
    classes = labels.classes
    weighted_by_class(network, samples, options.class_weight, classes)  # refuses bad class weights
    validation, takes_folds = options.validation, False
    if validation is None and options.is_auto and options.early_stopping is None:
        weights = samples.weights
        counting = len(samples) if weights is None else np.count_nonzero(weights)
        validation, takes_folds = auto.validation_of(network, int(counting))
        # A checkpoint holds what they have found; and their copies learn the samples as they are.
        takes_folds = takes_folds and start is None and not options.augment
    draw = network._draw() if start is None else start.draw_of_split
    training, held_out, is_drawn = samples, None, False
    if isinstance(validation, tuple):
        held_out = given_samples(
            network, validation, columns, labels, is_padded=options.lengths is not None
        )
    elif validation is not None:
        training, held_out = split(network, samples, validation, draw)
        is_drawn = True
    training = weighted_by_class(network, training, options.class_weight, classes)
    scalers = options.scalers
    if scalers is not None:
        scalers = measured(scalers, training.x, training.y)
    # For the random numbers of augmentation, if no shuffle draws anew for each epoch.
    is_alone = bool(options.augment) and not options.shuffle
    takes_draw = (is_drawn or is_alone) and start is None
    return FitData(
        training, held_out, len(samples), columns, classes, scalers, draw, takes_draw, takes_folds
    )


def columns_of(network: AnsweringNetwork, x: Any) -> list[str] | None:
    """Return the names of the columns of x, or else those that the network has."""
    names = network._names_of(x) or network._input_names
    if names is not None and len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"x must have columns of different names, got {twice!r} twice")
    return names
