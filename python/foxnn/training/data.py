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
from foxnn.training.ranks import ALONE, Ranks
from foxnn.training.samples import WeightedSamples, samples_of
from foxnn.training.scaling import Scalers, measured
from foxnn.training.shards import Cut, measured_over
from foxnn.training.validation import given_samples, split, split_over


@dataclass(frozen=True)
class FitData:
    """Samples by use, and what the network keeps of them."""

    training: WeightedSamples
    held_out: WeightedSamples | None
    count: int  # of all samples, including a held-out share
    trained: int  # of those to train on; `training` has those that are here
    columns: list[str] | None
    classes: Classes | None
    scalers: Scalers | None  # None: the network keeps its own
    draw: int  # the number of the random draw of a share
    takes_draw: bool
    takes_folds: bool  # whether cross-validation finds the number of epochs
    cut: Cut | None  # how the samples are cut into shards
    validated: int  # the samples held out, of which `held_out` has those that are here


def fit_data(
    network: AnsweringNetwork, x: Any, y: Any, options: FitOptions, start: Start | None
) -> FitData:
    """Check and split the samples; a resumed run splits with the draw of its checkpoint."""
    ranks = options.ranks
    given = x, y, options.sample_weight, options.lengths
    if ranks is ALONE:
        labels = LabelReader(network._classes, learns=True)
        samples = samples_of(network, *given[:3], labels=labels, lengths=options.lengths)
    else:
        from foxnn.training import spread  # late: most runs have one process

        labels = LabelReader(spread.classes_of_all(network, y, ranks))
        samples = spread.read(network, ranks, labels, given)
    labels.learns = False
    total = sum(ranks.gathered(len(samples)))
    if options.truncate is not None and isinstance(samples.x, _core.SparseRows):
        raise ValueError(
            "truncate needs dense samples, got a sparse matrix; its toarray() is an array"
        )
    if start is not None and start.samples not in (None, total):
        raise ValueError(f"x must have the {start.samples} samples that fit was given, got {total}")
    columns = columns_of(network, x)
    if ranks is not ALONE:
        columns = agreed_columns(ranks, columns)
    classes = labels.classes
    # Refuses bad class weights.
    weighted_by_class(network, samples, options.class_weight, classes, ranks)
    validation, takes_folds = options.validation, False
    if validation is None and options.is_auto and options.early_stopping is None:
        weights = samples.weights
        counting = len(samples) if weights is None else int(np.count_nonzero(weights))
        counting = sum(ranks.gathered(counting))
        validation, takes_folds = auto.validation_of(
            network, counting, folds=options.shards is None
        )
        # A checkpoint holds what they have found; and their copies learn the samples as they are.
        takes_folds = takes_folds and start is None and not options.augment
    draw = network._draw() if start is None else start.draw_of_split
    training, held_out, is_drawn = samples, None, False
    if isinstance(validation, tuple):
        held_out = given_samples(
            network, validation, columns, labels, ranks, is_padded=options.lengths is not None
        )
    elif validation is not None:
        if options.shards is None:
            training, held_out = split(network, samples, validation, draw)
        else:
            training, held_out = split_over(network, samples, validation, draw, ranks)
        is_drawn = True
    training = weighted_by_class(network, training, options.class_weight, classes, ranks)
    cut = None if options.shards is None else Cut(options.shards, ranks, options.average_every)
    if cut is not None and ranks is not ALONE:
        training = spread.brought(cut, training)
        held_out = None if held_out is None else spread.brought(cut, held_out)
    trained = sum(ranks.gathered(len(training)))
    validated = 0 if held_out is None else sum(ranks.gathered(len(held_out)))
    scalers = options.scalers
    if scalers is not None and cut is None:
        scalers = measured(scalers, training.x, training.y)
    elif scalers is not None and cut is not None:
        scalers = measured_over(cut, scalers, training, trained)
    # For the random numbers of augmentation, if no shuffle draws anew for each epoch.
    is_alone = bool(options.augment) and not options.shuffle
    takes_draw = (is_drawn or is_alone) and start is None
    return FitData(
        training, held_out, total, trained, columns, classes, scalers, draw, takes_draw,
        takes_folds, cut, validated,
    )  # fmt: skip


def columns_of(network: AnsweringNetwork, x: Any) -> list[str] | None:
    """Return the names of the columns of x, or else those that the network has."""
    names = network._names_of(x) or network._input_names
    if names is not None and len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"x must have columns of different names, got {twice!r} twice")
    return names


def agreed_columns(ranks: Ranks, columns: list[str] | None) -> list[str] | None:
    """Return the names of the columns on all ranks; a rank without samples may have none."""
    every = ranks.gathered(columns)
    there = [(rank, names) for rank, names in enumerate(every) if names is not None]
    for rank, names in there[1:]:
        if names != there[0][1]:
            raise ValueError(
                f"x must have the same columns on all ranks, got {there[0][1]} on rank "
                f"{there[0][0]} and {names} on rank {rank}"
            )
    return there[0][1] if there else None
