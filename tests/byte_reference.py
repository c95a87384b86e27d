"""A second implementation of the stages of quantized networks: whole numbers, position by position.

Sums are Python's and NumPy's 64-bit integers, and what is rounded is rounded in float32, once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from foxnn.model.byte_stages import ByteNetwork, Rounding, Stage

F = np.float32


def rounded(x: np.ndarray, rounding: Rounding) -> np.ndarray:
    """Return float32 numbers as whole ones, which a table or a byte follows."""
    within = np.clip(x, F(rounding.lowest), F(rounding.highest))
    return np.rint(within).astype(np.int64) + rounding.offset


def inputs(network: ByteNetwork, x: np.ndarray) -> np.ndarray:
    """Return samples as bytes."""
    if network.scaling is not None:
        shift, factor = network.scaling
        x = (x.astype(np.float64) - shift) * factor
    return rounded(x.astype(F) * F(network.rounding.factor), network.rounding)


def windows(stage: Stage) -> Iterator[tuple[int, list[tuple[int, tuple[int, ...]]]]]:
    """Yield for each window the taps that lie within, with the position that each reads."""
    for at, place in enumerate(itertools.product(*map(range, stage.outputs))):
        taps = []
        for tap, inner in enumerate(itertools.product(*map(range, stage.kernel))):
            where = tuple(
                place[a] * stage.stride[a] + inner[a] * stage.dilation[a] - stage.before[a]
                for a in range(3)
            )
            if all(0 <= where[a] < stage.inputs[a] for a in range(3)):
                taps.append((tap, where))
        yield at, taps


def given(stage: Stage, x: np.ndarray) -> np.ndarray:
    """Return what a stage gives for bytes (samples, inputs)."""
    count = len(x)
    x = x.reshape(count, *stage.inputs, stage.channels).astype(np.int64)
    if stage.kind == "numbers":
        return ((x - stage.zero).astype(F) * stage.factors[0]).reshape(count, -1)
    if stage.kind == "table":
        table = stage.table.reshape(-1, 256)
        which = np.arange(stage.channels) % len(table)
        return table[which, x].reshape(count, -1)
    out = np.zeros((count, math.prod(stage.outputs), stage.filters), np.int64)
    weights = stage.weights.astype(np.int64).reshape(-1, stage.channels, stage.filters)
    for at, taps in windows(stage):
        read = np.stack([x[(slice(None), *where)] for _, where in taps]) if taps else None
        if stage.kind == "product":
            out[:, at] = stage.bias
            for (tap, _), values in zip(taps, () if read is None else read, strict=True):
                out[:, at] += (values - stage.zero) @ weights[tap]
            continue
        assert read is not None
        if stage.kind == "largest":
            out[:, at] = read.max(axis=0)
        else:
            share = F(1) / F(len(read))
            out[:, at] = np.rint(read.sum(axis=0).astype(F) * share)
    out = out.reshape(count, -1)
    if stage.kind != "product":
        return out
    scaled = out.astype(F) * np.tile(stage.factors, math.prod(stage.outputs))
    if stage.gives_numbers:
        return scaled
    whole = rounded(scaled, stage.rounding)
    return stage.table[whole] if len(stage.table) else whole


def answers(network: ByteNetwork, x: np.ndarray) -> np.ndarray:
    """Return what the last stage gives."""
    values = inputs(network, x)
    for stage in network.stages:
        values = given(stage, values)
    return values
