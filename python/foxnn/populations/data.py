"""The samples of the training of a population, and which of them each member sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foxnn import checks
from foxnn.checks import Array
from foxnn.checks.labels import Classes, LabelReader
from foxnn.model.answers import AnsweringNetwork
from foxnn.populations.per_member import rows_of_members, weights_of_members
from foxnn.support import pieces
from foxnn.training.agreement import hash_of, refuse_different
from foxnn.training.classes import weighted_by_class
from foxnn.training.data import columns_of
from foxnn.training.options import FitOptions
from foxnn.training.ranks import ALONE, Ranks
from foxnn.training.samples import WeightedSamples, Weights, samples_of
from foxnn.training.scaling import Scalers, measured
from foxnn.training.validation import given_samples, split_rows

Indices = NDArray[np.uint32] | None


@dataclass
class Seen:
    """Which samples a member sees (None: all), and its weights of all samples (None: equal)."""

    rows: Indices
    weights: Weights

    def count(self, samples: WeightedSamples) -> int:
        """Return the number of samples that are seen."""
        return len(samples) if self.rows is None else len(self.rows)


@dataclass
class PopulationData:
    """Samples by use, and what the population keeps of them."""

    samples: WeightedSamples  # without weights, which `training` has
    training: list[Seen]  # one for each member that this process trains, as `validating`
    held_out: WeightedSamples | None  # of which `validating` says what each member sees
    validating: list[Seen]
    count: int  # of all samples, as they were given
    columns: list[str] | None
    classes: Classes | None
    scalers: list[Scalers] | None  # of all members; None: they keep their own
    draws: list[int]  # of the shares to validate on, of all members
    takes_draw: bool


def population_data(
    members: Sequence[AnsweringNetwork],
    x: Any,
    y: Any,
    options: Sequence[FitOptions],
    sample_weight: Any,
    rows: Any,
    draws: Sequence[int] | None = None,
    ranks: Ranks = ALONE,
) -> PopulationData:
    """Check the samples, and split them for each member as its own `fit` would.

    `draws`, if given, are those of the shares of a run that is resumed. All ranks must have the
    same samples.
    """
    first, told, own = members[0], options[0], ranks.share(len(members))
    labels = LabelReader(first._classes, learns=True)
    samples = samples_of(first, x, y, None, labels=labels, lengths=told.lengths)
    labels.learns = False
    count = len(samples)
    columns = columns_of(first, x)
    every = _seen(first, x, y, samples, sample_weight, rows, len(members), told.lengths)
    if ranks is not ALONE:
        _refuse_different(ranks, samples, columns, labels.classes, every)
    seen = [every[i] for i in own]
    if told.class_weight is not None:  # refuses bad ones
        weighted_by_class(first, samples, told.class_weight, labels.classes)
    drawn = [member._draw() for member in members] if draws is None else list(draws)
    held_out: WeightedSamples | None = None
    validating: list[Seen] = []
    is_drawn = isinstance(told.validation, float)
    if isinstance(told.validation, tuple):
        held_out = given_samples(
            first, told.validation, columns, labels, is_padded=told.lengths is not None
        )
        validating = [Seen(None, held_out.weights)] * len(own)
        if ranks is not ALONE:
            _refuse_different_validation(ranks, held_out)
    elif told.validation is not None:
        held_out = samples
        for k, i in enumerate(own):
            seen[k], held = _split(members[i], samples, seen[k], told.validation, drawn[i])
            validating.append(held)
    if told.class_weight is not None:
        seen = [
            _weighted(members[i], samples, one, told.class_weight, labels.classes)
            for i, one in zip(own, seen, strict=True)
        ]
    scalers: list[Scalers] | None = None
    if told.scalers is not None:
        measured_here = _scalers(samples, seen, [options[i] for i in own])
        scalers = [one for each in ranks.gathered(measured_here) for one in each]
    return PopulationData(
        samples, seen, held_out, validating, count, columns, labels.classes, scalers, drawn,
        is_drawn and draws is None,
    )  # fmt: skip


def _refuse_different(
    ranks: Ranks,
    samples: WeightedSamples,
    columns: list[str] | None,
    classes: Classes | None,
    seen: Sequence[Seen],
) -> None:
    """Raise ValueError on all ranks alike unless they have the same samples for all members."""
    from foxnn.training.spread import described  # late: most runs have one process

    known: dict[int, str] = {}  # members may see the same rows

    def hash_of_one(array: Array | None) -> str:
        if id(array) not in known:
            known[id(array)] = hash_of(array)
        return known[id(array)]

    refuse_different(
        ranks,
        {
            **described(samples),
            "the columns of x": columns,
            "the labels of y": None if classes is None else classes.labels,
            "rows (by their hash)": hash_of([hash_of_one(one.rows) for one in seen]),
            "sample_weight (by its hash)": hash_of([hash_of_one(one.weights) for one in seen]),
        },
    )


def _refuse_different_validation(ranks: Ranks, held_out: WeightedSamples) -> None:
    from foxnn.training.spread import described

    own = described(held_out, ("validation[0]", "validation[1]"))
    refuse_different(ranks, own | {"validation[2] (by its hash)": hash_of(held_out.weights)})


def _seen(
    network: AnsweringNetwork,
    x: Any,
    y: Any,
    samples: WeightedSamples,
    sample_weight: Any,
    rows: Any,
    members: int,
    lengths: Any,
) -> list[Seen]:
    """Return what each member sees, before shares are split off."""
    count = len(samples)
    which = rows_of_members(rows, members, count)
    positions = () if network._varies_at_end() else network._positions()
    own = weights_of_members(sample_weight, members, count, positions)
    shared: Weights = None
    if own is None and sample_weight is not None:
        labels = LabelReader(network._classes, learns=True)
        shared = samples_of(network, x, y, sample_weight, labels=labels, lengths=lengths).weights
    found: list[Seen] = []
    known: dict[int, Seen] = {}  # members that see the same rows share their weights
    for i, chosen in enumerate(which):
        if own is None and id(chosen) in known:
            found.append(known[id(chosen)])
            continue
        name = "sample_weight" if own is None else f"sample_weight[{i}]"
        given = shared if own is None else own[i]
        weights: Weights = None
        if given is not None and chosen is None and own is None:
            weights = shared
        elif given is not None:
            some = given if chosen is None else given[chosen]
            if own is None and not some.any():
                raise ValueError(f"sample_weight must not all be 0 in rows[{i}]")
            weights = checks.weights(some, name, len(some), some.shape[1:] or positions)
            weights = _in_place(weights, chosen, count)
        known[id(chosen)] = one = Seen(chosen, weights)
        found.append(one)
    return found


def _in_place(weights: Weights, rows: Indices, count: int) -> Weights:
    """Return weights of some rows as weights of all samples."""
    if weights is None or rows is None:
        return weights
    whole = np.zeros((count, *weights.shape[1:]))
    whole[rows] = weights
    return whole


def _part(samples: WeightedSamples, seen: Seen) -> WeightedSamples:
    """Return the samples that a member sees as its own."""
    own = WeightedSamples(samples.x, samples.y, seen.weights)
    return own if seen.rows is None else own.part(seen.rows)


def _split(
    member: AnsweringNetwork, samples: WeightedSamples, seen: Seen, share: float, draw: int
) -> tuple[Seen, Seen]:
    y, weights = samples.y, seen.weights
    if seen.rows is not None:
        y = pieces.taken(y, seen.rows)
        weights = None if weights is None else pieces.taken(weights, seen.rows)

    def which(places: Array) -> NDArray[np.uint32]:
        return np.ascontiguousarray(
            places if seen.rows is None else seen.rows[places], dtype=np.uint32
        )

    kept, held = split_rows(member, y, weights, share, draw)
    return Seen(which(kept), seen.weights), Seen(which(held), seen.weights)


def _weighted(
    member: AnsweringNetwork,
    samples: WeightedSamples,
    seen: Seen,
    class_weight: Any,
    known: Classes | None,
) -> Seen:
    part = weighted_by_class(member, _part(samples, seen), class_weight, known)
    return Seen(seen.rows, _in_place(part.weights, seen.rows, len(samples)))


def _scalers(
    samples: WeightedSamples, seen: Sequence[Seen], options: Sequence[FitOptions]
) -> list[Scalers]:
    """Return the scalers of each member, measured on the samples that it learns from."""
    found = []
    known: dict[tuple[Any, ...], Scalers] = {}
    for one, told in zip(seen, options, strict=True):
        scalers = told.scalers
        assert scalers is not None
        fresh = [s is None or s.shift is None for s in scalers]
        key = (id(one.rows), *(s and s.method for s in scalers))
        if all(fresh) and key in known:
            found.append(known[key])
            continue
        x, y = samples.x, samples.y
        if one.rows is not None:
            x, y = checks.taken(x, one.rows), pieces.taken(y, one.rows)
        made = measured(scalers, x, y)
        if all(fresh):
            known[key] = made
        found.append(made)
    return found
