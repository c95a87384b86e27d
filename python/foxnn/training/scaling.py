"""The argument `scale` of `fit`: scalers of inputs and outputs, and fitting them."""

from __future__ import annotations

from typing import Any

from foxnn.checks import Array, Rows
from foxnn.layers.chain import reader_of_indices
from foxnn.layers.ends import end_of
from foxnn.layers.steps import varies
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.losses import SCALABLE_LOSSES, shown_loss
from foxnn.model.scaler import Scaler, for_engine, scaler_of

Scalers = tuple[Scaler | None, Scaler | None]


def checked_scalers(network: AnsweringNetwork, scale: Any) -> Scalers | None:
    """Return the scalers of inputs and outputs for `scale`, or None to keep the present ones.

    A scaler of the network is kept if it has the same method.
    """
    if scale is None:
        return None
    if varies(network._input_shape()):
        raise ValueError("scale must be None for sequences of any length: scale their steps before")
    if isinstance(scale, tuple | list):
        if len(scale) != 2:
            raise ValueError(
                f"scale must be one method or a pair, for inputs and outputs, got {len(scale)}"
            )
        pair = scale
    else:
        (last, _), _ = end_of(network)
        scales_outputs = last == "identity_x" and network._loss() in SCALABLE_LOSSES
        pair = scale, scaler_of(scale, "scale").method if scales_outputs else None
    there = network.input_scaler, network.output_scaler
    names = ("scale", "scale") if pair is not scale else ("scale[0]", "scale[1]")
    scalers = [
        None if wanted is None else _scaler(wanted, old, name)
        for wanted, old, name in zip(pair, there, names, strict=True)
    ]
    if scalers[1] is not None and network._loss() not in SCALABLE_LOSSES:
        raise ValueError(
            f"scale can scale outputs only for the losses {', '.join(SCALABLE_LOSSES)}; "
            f"got loss={shown_loss(network.loss)}"
        )
    if scalers[0] is not None and (limit := network._index_limit()):
        raise ValueError(
            f"scale must not be for the inputs, which {reader_of_indices(network, limit)} reads as "
            "indices; scale=(None, method) is for the outputs"
        )
    for scaler, columns in zip(scalers, (network._inputs(), network._outputs()), strict=True):
        if scaler is not None and scaler.shift is not None:
            for_engine(scaler, "scale", columns)
    return scalers[0], scalers[1]


def _scaler(wanted: Any, old: Scaler | None, name: str) -> Scaler:
    scaler = scaler_of(wanted, name)
    if scaler.shift is None and old is not None and old.method == scaler.method:
        return old
    return scaler


def measured(scalers: Scalers, x: Rows, y: Array) -> Scalers:
    """Return scalers fitted to the samples, except those that are fitted already."""
    found = [
        scaler if scaler is None or scaler.shift is not None else Scaler(scaler.method).fit(values)
        for scaler, values in zip(scalers, (x, y), strict=True)
    ]
    return found[0], found[1]
