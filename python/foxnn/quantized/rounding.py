"""Numbers as bytes: scale and zero of a range, weights of a layer, tables of functions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from foxnn.checks import Array
from foxnn.formats.saved_network import SavedNetwork
from foxnn.model.byte_stages import Rounding
from foxnn.quantized.ranges import Range, made_of

# Weights are symmetric around zero, so that their sums need no correction for one of theirs.
_LARGEST = 127
# Half of what 32 bits hold is for the products of a sum, half for its bias.
_HALF = 2.0**30
# Factors are neither subnormal nor infinite in float32.
_LEAST, _MOST = 2.0**-126, 2.0**126
# Entries of a table of sums: 1,024 are four for each byte that comes out, where the function is
# steepest, and stay in the first-level cache. It is looked for among so many times as many.
_ENTRIES, _FINER = 1024, 16


class Bytes(NamedTuple):
    """How bytes stand for numbers: q for (q - zero) * scale."""

    scale: float
    zero: int

    @classmethod
    def of(cls, given: Range) -> Bytes:
        """Return the finest for a range, which is widened so that it holds 0."""
        low, high = min(given[0], 0.0), max(given[1], 0.0)
        scale = max((high - low) / 255, _LEAST)
        return cls(scale, round(-low / scale))

    def rounding(self) -> Rounding:
        """Return how numbers become bytes."""
        factor = float(np.float32(np.clip(1.0 / self.scale, _LEAST, _MOST)))
        return Rounding(factor, float(-self.zero), float(255 - self.zero), self.zero)

    def of_numbers(self, x: Array) -> Array:
        """Return numbers as bytes."""
        found: Array = np.clip(np.rint(x / self.scale) + self.zero, 0, 255).astype(np.uint8)
        return found

    def numbers(self) -> Array:
        """Return the numbers that all bytes stand for."""
        found: Array = (np.arange(256) - self.zero) * self.scale
        return found


class Weights(NamedTuple):
    """Weights and bias as whole numbers; their sums times `scales` are numbers again."""

    weights: Array
    bias: Array
    scales: Array  # by filter, float64


def weights_of(weights: Array, bias: Array, scale: float) -> Weights:
    """Return weights (..., filters) with a scale by filter, for inputs of a scale."""
    flat = weights.reshape(-1, weights.shape[-1]).astype(np.float64)
    largest = np.abs(flat).max(axis=0)
    scales = np.maximum(largest / _LARGEST, np.abs(bias) / (scale * _HALF))
    scales = np.maximum(scales, _LEAST)
    # A sum of very many products might leave 32 bits.
    most = 255 * np.abs(flat).sum(axis=0) / scales
    scales = scales * np.maximum(1.0, 1.01 * most / _HALF)
    rounded = np.clip(np.rint(flat / scales), -_LARGEST, _LARGEST).astype(np.int8)
    offsets = np.rint(bias / (scale * scales)).astype(np.int32)
    return Weights(rounded.reshape(-1), offsets, scales)


def factors(scales: Array) -> Array:
    """Return factors as the engine takes them."""
    return np.clip(scales, _LEAST, _MOST).astype(np.float32)


def function_of(network: SavedNetwork, name: str, parameters: list[float], z: Array) -> Array:
    """Return an activation of numbers, as the engine computes it in float32."""
    options = {"activation": name, "parameters": list(parameters)}
    made = made_of(network, (1,), [{"kind": "activation", "options": options}])
    found: Array = made.predict(z.reshape(-1, 1).astype(np.float32)).reshape(-1)
    return found


class Table(NamedTuple):
    """The bytes of a function of sums, which are rounded to a place in it."""

    scale: float
    rounding: Rounding
    entries: Array


def table_of(
    network: SavedNetwork, name: str, parameters: list[float], sums: Range, out: Bytes
) -> Table:
    """Return the table of an activation over a range of sums.

    Ends of the range in which the bytes do not change are left out: beyond the table, its first and
    last entry hold. So what is left is divided more finely. Where no byte changes, the whole range
    stays: zero may be far from it, where the function has another value.
    """
    z = np.linspace(*sums, _ENTRIES * _FINER)
    found = out.of_numbers(function_of(network, name, parameters, z))
    changes = np.flatnonzero(np.diff(found.astype(np.int16)))
    low, high = (z[changes[0]], z[changes[-1] + 1]) if len(changes) else sums
    low, high = min(low, 0.0), max(high, 0.0)  # zero is among the entries
    scale = max((high - low) / (_ENTRIES - 1), _LEAST)
    offset = round(-low / scale)
    places = (np.arange(_ENTRIES) - offset) * scale
    entries = out.of_numbers(function_of(network, name, parameters, places))
    rounding = Rounding(1.0, float(-offset), float(_ENTRIES - 1 - offset), offset)
    return Table(scale, rounding, entries)
