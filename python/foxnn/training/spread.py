"""Samples of several ranks: read alike on all of them, and brought to those with their shards."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from foxnn import _core
from foxnn.checks import Array, Rows
from foxnn.checks.label_columns import column_of, is_column
from foxnn.checks.labels import Classes, LabelReader, learned, may_be_labels
from foxnn.checks.targets import target_kind
from foxnn.layers.steps import varies
from foxnn.model.answers import AnsweringNetwork
from foxnn.support import pieces
from foxnn.training.agreement import hash_of
from foxnn.training.ranks import Ranks
from foxnn.training.samples import WeightedSamples, samples_of
from foxnn.training.shards import Cut

# A column with more different labels than any network has outputs is one of numbers; a message
# about them needs only a few.
_MOST_LABELS = 1 << 16


def classes_of_all(network: AnsweringNetwork, y: Any, ranks: Ranks) -> Classes | None:
    """Return the classes of the network, or those that the labels of all ranks make."""
    *positions, channels = network._output_shape()
    if network._classes is not None or network._own_loss is not None:
        return network._classes
    if not may_be_labels(target_kind(network._loss()), channels):
        return None
    found: list[Any] = []
    order = None
    if length_of(y) > 0:
        given, order = column_of(y, "y", tuple(positions))
        flat = _flat(given, tuple(positions))
        if flat is not None:
            found = sorted(set(flat.tolist())) if flat.dtype == object else np.unique(flat).tolist()
    there = {label for each in ranks.gathered(found[:_MOST_LABELS]) for label in each}
    if not there:
        return None
    if len({isinstance(label, str) for label in there}) > 1:
        raise ValueError("y must hold labels of one kind on all ranks, got texts and numbers")
    every = np.array(sorted(there))
    reader = LabelReader(None, learns=True)
    reader.targets(every, "y", channels, loss=network._loss(), single=network._single())
    orders = [one for one in ranks.gathered(order) if one is not None]
    if reader.classes is None or not orders:
        return reader.classes
    return learned(every, orders[0], "y", len(reader.classes))


def _flat(given: Any, positions: tuple[int, ...]) -> Array | None:
    """Return the labels of all samples or positions one after the other; None for other targets."""
    try:
        array = np.asarray(given)
    except ValueError:  # sequences of different lengths
        steps = [np.asarray(one) for one in given]
        return np.concatenate(steps) if all(one.ndim == 1 for one in steps) else None
    return array.reshape(-1) if is_column(array, positions) else None


def read(
    network: AnsweringNetwork, ranks: Ranks, labels: LabelReader, given: tuple[Any, Any, Any, Any],
    names: tuple[str, str, str, str] = ("x", "y", "sample_weight", "lengths"),
) -> WeightedSamples:  # fmt: skip
    """Return the samples of this rank, as wide as those of the others and with comparable weights.

    `given` has x, y, weights and lengths. A rank may have no samples.
    """
    x, y, weights, lengths = given
    own, exponent, targets = None, None, length_of(y)
    if length_of(x) != 0:
        # Weights that are all 0 are checked as if they were 1: other ranks may have larger ones.
        are_zero = _are_zero(weights)
        checked = _ones_like(weights) if are_zero else weights
        own = samples_of(network, x, y, checked, *names[:3], labels, lengths, names[3])
        if are_zero and own.weights is not None:
            own.weights = np.zeros_like(own.weights)
        elif own.weights is not None:
            exponent = _exponent(weights)
    elif targets > 0:
        raise ValueError(
            f"{names[0]} and {names[1]} must hold the same number of samples, got 0 and {targets}"
        )
    own = completed(ranks, own, names)
    own = _as_wide(network, ranks, own)
    if own.weights is not None:
        # Each rank has divided by a power of two of its own.
        every = [one for one in ranks.gathered(exponent) if one is not None]
        if not every:
            raise ValueError(f"{names[2]} must not all be 0")
        own.weights = np.ldexp(own.weights, (exponent or 0) - max(every))
    return own


def completed(
    ranks: Ranks, own: WeightedSamples | None, names: tuple[str, str, str, str]
) -> WeightedSamples:
    """Return samples of the kind of the others, without any if the rank has none."""
    first = _first_alike(ranks, own, names)
    empty = np.array([], np.int64)
    template = own.part(empty) if own is not None and ranks.rank == first else None
    template = ranks.gathered(_plain(template))[first]
    return _made(template) if own is None else own


def length_of(values: Any) -> int:
    """Return how many samples there are; -1: what that is will be refused when it is read."""
    shape = getattr(values, "shape", None)  # sparse matrices have no length
    if isinstance(shape, tuple) and shape and isinstance(shape[0], int):
        return shape[0]
    try:
        return len(values)
    except TypeError:
        return -1


def _arrays_of(weights: Any) -> list[Array]:
    """Return weights as one array, or as those in a list."""
    try:
        return [np.asarray(weights, np.float64)]
    except ValueError:
        return [np.asarray(one, np.float64) for one in weights]


def _are_zero(weights: Any) -> bool:
    """Return whether there are weights and all of them are 0; others are not checked here."""
    try:
        return weights is not None and not any(array.any() for array in _arrays_of(weights))
    except (ValueError, TypeError):
        return False


def _exponent(weights: Any) -> int:
    """Return the exponent of the largest weight."""
    return int(np.frexp(max(array.max() for array in _arrays_of(weights) if array.size))[1])


def _ones_like(weights: Any) -> Any:
    """Return weights of 1 in place of weights of 0."""
    arrays = [np.ones_like(array) for array in _arrays_of(weights)]
    return arrays if isinstance(weights, list) and len(arrays) > 1 else arrays[0]


def _first_alike(ranks: Ranks, own: WeightedSamples | None, names: tuple[str, ...]) -> int:
    """Return the first rank with samples; refuse those that are of different kinds."""
    kinds = enumerate(ranks.gathered(None if own is None else _kinds(own, names)))
    there = [(rank, kind) for rank, kind in kinds if kind is not None]
    if not there:
        raise ValueError(f"{names[0]} must hold at least one sample on some rank, got none")
    first, expected = there[0]
    for rank, kind in there[1:]:
        for what, found in kind.items():
            if found != expected[what]:
                raise ValueError(
                    f"{what} must be alike on all ranks, got {expected[what]} on rank {first} and "
                    f"{found} on rank {rank}"
                )
    return first


def _kinds(samples: WeightedSamples, names: tuple[str, ...]) -> dict[str, str]:
    x, y, weights = samples.x, samples.y, samples.weights
    is_sparse = isinstance(x, _core.SparseRows)
    return {
        names[0]: f"{'a sparse matrix of ' if is_sparse else ''}{x.dtype}",
        names[1]: str(y.dtype),
        names[2]: "none" if weights is None else f"{'rows' if weights.ndim > 1 else 'numbers'}",
    }


def _as_wide(network: AnsweringNetwork, ranks: Ranks, own: WeightedSamples) -> WeightedSamples:
    """Return samples with as many columns as those of all ranks: sequences may be shorter."""
    if not varies(network._input_shape()):
        return own
    rows, columns = own.x, math.prod(network._input_shape()[1:])
    is_even = isinstance(rows, np.ndarray)
    widths = ranks.gathered((rows.shape[1], is_even))
    width = max(one for one, _ in widths)
    if all(even and one == width for one, even in widths):
        return own
    if isinstance(rows, np.ndarray):
        steps = np.full(len(rows), rows.shape[1] // columns, np.int64)
        outputs = network._steps_after(steps) if network._varies_at_end() else None
        values = rows
    else:
        assert isinstance(rows, _core.SequenceRows)
        values, steps, outputs = rows.values, rows.lengths, rows.output_lengths
    x = _core.SequenceRows(_padded(values, width), steps, columns, outputs)
    if outputs is None:
        return WeightedSamples(x, own.y, own.weights)
    local = int(outputs.max()) if len(outputs) else 0
    longest = max(ranks.gathered(local))
    y, weights = own.y, own.weights
    if y.ndim > 1:
        each = max(ranks.gathered(y.shape[1] // local if local else 0))
        y = _padded(y, each * longest)
    if weights is not None and weights.ndim > 1:
        weights = _padded(weights, longest)
    return WeightedSamples(x, y, weights)


def _padded(array: Array, width: int) -> Array:
    if array.shape[1] == width:
        return array
    out = pieces.empty((len(array), width), array.dtype)
    columns = min(width, array.shape[1])
    out[:, :columns] = array[:, :columns]
    out[:, columns:] = 0
    return out


def brought(cut: Cut, samples: WeightedSamples) -> WeightedSamples:
    """Return the samples of the shards of this rank, of which others may have some."""
    starts = starts_of(cut.ranks, len(samples))
    borders = [cut.first(starts[-1], rank) for rank in range(cut.ranks.size + 1)]
    return moved(cut.ranks, samples, starts, borders)


def starts_of(ranks: Ranks, count: int) -> list[int]:
    """Return the numbers of the first samples of all ranks, and that of all samples."""
    return [0, *np.cumsum(ranks.gathered(count)).tolist()]


def moved(
    ranks: Ranks, samples: WeightedSamples, starts: list[int], borders: list[int]
) -> WeightedSamples:
    """Return the samples from a border to the next one, where ranks have those from a start on."""
    if starts == borders:
        return samples
    rank = ranks.rank
    first, here = starts[rank], WeightedSamples(samples.x, samples.y, samples.weights)
    outgoing: list[Any] = []
    for to in range(ranks.size):
        low, high = np.clip(borders[to : to + 2], first, starts[rank + 1]) - first
        # What stays is copied once, when the parts are joined; empty parts say what is what.
        part = here if high - low == len(here) else here.part(np.arange(low, high))
        outgoing.append(part if to == rank else _plain(part) if high > low else None)
    kept = outgoing[rank]
    outgoing[rank] = None
    received = ranks.exchanged(outgoing)
    parts = [_made(one) for one in received[:rank] if one is not None] + [kept]
    return _joined(parts + [_made(one) for one in received[rank + 1 :] if one is not None])


def _plain(samples: WeightedSamples | None) -> Any:
    """Return samples as what can be sent."""
    if samples is None:
        return None
    rows = samples.x
    if isinstance(rows, _core.SparseRows):
        plain: tuple[Any, ...] = (rows.values, rows.columns, rows.starts, rows.shape[1])
    elif isinstance(rows, _core.SequenceRows):
        plain = (rows.values, rows.lengths, rows.step_columns, rows.output_lengths)
    else:
        plain = (rows,)
    return type(rows).__name__, plain, samples.y, samples.weights


def described(samples: WeightedSamples, names: tuple[str, str] = ("x", "y")) -> dict[str, Any]:
    """Return what samples must have alike that all ranks hold; their weights are left out."""
    kind, x, y, _ = _plain(WeightedSamples(samples.x, samples.y, None))
    shape = f"{samples.x.dtype} {samples.x.shape}"
    return {
        f"the type and shape of {names[0]}": shape if kind == "ndarray" else f"{kind} {shape}",
        f"the type and shape of {names[1]}": f"{y.dtype} {y.shape}",
        f"{names[0]} (by its hash)": hash_of(x),
        f"{names[1]} (by its hash)": hash_of(y),
    }


def _made(plain: Any) -> WeightedSamples:
    kind, values, y, weights = plain
    if len(y) == 0:  # strides are not sent
        y = pieces.empty(y.shape, y.dtype)
        if kind != "SparseRows":
            values = (pieces.empty(values[0].shape, values[0].dtype), *values[1:])
    makers = {"SparseRows": _core.SparseRows, "SequenceRows": _core.SequenceRows}
    rows: Rows = makers[kind](*values) if kind in makers else values[0]
    return WeightedSamples(rows, y, weights)


def _joined(parts: list[WeightedSamples]) -> WeightedSamples:
    """Return samples one after the other."""
    parts = [part for part in parts if len(part)] or parts[:1]
    if len(parts) == 1:
        return parts[0]
    given: Any = [part.x for part in parts]
    first = given[0]
    if isinstance(first, _core.SparseRows):
        counts = np.concatenate([np.diff(one.starts) for one in given])
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        values, columns = (
            np.concatenate([getattr(one, name)[: one.starts[-1]] for one in given])
            for name in ("values", "columns")
        )
        x: Rows = _core.SparseRows(values, columns, starts, first.shape[1])
    elif isinstance(first, _core.SequenceRows):
        lengths = np.concatenate([one.lengths for one in given])
        outputs = None
        if first.output_lengths is not None:
            outputs = np.concatenate([one.output_lengths for one in given])
        values = np.concatenate([one.values for one in given])
        x = _core.SequenceRows(values, lengths, first.step_columns, outputs)
    else:
        x = np.concatenate(given)
    weights = None
    if parts[0].weights is not None:
        weights = np.concatenate([part.weights for part in parts])
    return WeightedSamples(x, np.concatenate([part.y for part in parts]), weights)
