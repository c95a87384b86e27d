"""A warning about targets that the output activation cannot reach."""

from __future__ import annotations

import math

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.layers.activation_table import JOINING, reach
from foxnn.layers.ends import end_of
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.losses import SCALABLE_LOSSES
from foxnn.model.scaler import shift_and_scale
from foxnn.support import pieces
from foxnn.support.errors import DataWarning
from foxnn.support.warn import warn
from foxnn.training.advice import takes_scale
from foxnn.training.scaling import Scalers

# How far targets may lie beyond the outputs, as a share of their own range: noise at 0 and 1, or
# a few counts just below zero, are learnt well enough.
_TOLERATED = 0.05


def warn_if_out_of_reach(network: AnsweringNetwork, y: Array, scalers: Scalers) -> None:
    """Warn if targets, as the network scales them, are beyond the range of its outputs."""
    # The other losses refuse targets that their outputs cannot reach.
    if network._loss() not in SCALABLE_LOSSES or checks.are_labels(y):
        return
    (name, parameters), place = end_of(network)
    low, high = reach(name, parameters)
    if not (math.isfinite(low) or math.isfinite(high)):
        return
    scaler, joins = scalers[1], name in JOINING
    if scaler is None and not joins:
        # All numbers at once: one column after the other takes NumPy thirty times as long.
        lowest, highest = pieces.extremes(y)
        if low <= lowest and highest <= high:
            return
    least, largest = (ends.astype(np.float64) for ends in pieces.column_extremes(y))
    if scaler is not None:
        shift, scale = shift_and_scale(scaler, "output_scaler")
        least, largest = (least - shift) / scale, (largest - shift) / scale
    beyond = float(np.maximum(low - least, largest - high).max())
    size = max(float(largest.max() - least.min()), _size_of_constant(least))
    is_whole = joins and scaler is None and _largest_gap(y, network._channels()) > _TOLERATED
    if not beyond > _TOLERATED * size and not is_whole:
        return
    is_last = network._output_activation()[0] == name
    remedy = "output_activation='identity'" if is_last else f"'identity' in layer {place}"
    takes = takes_scale(network, (None, "standard"))
    instead = f"{remedy}, whose targets `scale` can scale" if takes else remedy
    if is_whole:
        instead += ", or loss='cross_entropy' for classes"
    elif scaler is None and takes:
        inputs = "'standard'" if takes_scale(network, "standard") else None
        instead += f", or scale=({inputs}, 'minmax')"
    elif scaler is None:
        instead += ", or scale the targets before"
    no_way = ", which scale='standard' does not change" if takes else ""
    scaled = "" if scaler is None else " as output_scaler scales them"
    warn(
        f"the targets go from {least.min():.4g} to {largest.max():.4g}{scaled}, but {name} outputs "
        f"{_range(low, high)}{' and add up to 1' if is_whole else ''}"
        f"{no_way}: use {instead}",
        DataWarning,
    )


def _size_of_constant(values: Array) -> float:
    """Return the size of targets that may all be the same."""
    return float(np.abs(values).max())


def _largest_gap(y: Array, channels: int) -> float:
    """Return by how much the targets of a position differ from 1 in sum, at most."""
    sums = (y[part].reshape(-1, channels).sum(axis=1) for part in pieces.slices(y))
    return max(float(np.abs(each - 1.0).max()) for each in sums)


def _range(low: float, high: float) -> str:
    if math.isinf(high):
        return f"are at least {low:.4g}"
    return f"go from {low:.4g} to {high:.4g}"
