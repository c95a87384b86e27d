"""In which ranges the values between the layers of a network lie, for given samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from foxnn.checks import Array
from foxnn.formats.folding import array_of
from foxnn.formats.saved_network import SavedNetwork
from foxnn.layers.kind import Spec
from foxnn.layers.kinds import public_name
from foxnn.model.scaler import shift_and_scale

Part = dict[str, Any]
Range = tuple[float, float]

# Numbers of all layers that are held at once: some 30 MB.
_AT_ONCE = 2**23

# Activations that limits of rounding are enough for: those of bytes, and zero.
CUT = ("identity_x", "relu")


class Ranges:
    """The smallest and the largest number of each layer's sums and outputs, and of the inputs.

    They are those of float32, over all samples.
    """

    def __init__(self, network: SavedNetwork, parts: Sequence[Part], x: Array) -> None:
        """Measure them; `parts` are the first layers of a network, perhaps folded.

        Raises
        ------
        ValueError
            If a number is not finite.
        """
        specs, places = _split(parts)
        twin = made_of(network, tuple(network._input_shape()), specs)
        for part, (first, _) in zip(parts, places, strict=True):
            for name in part["arrays"]:
                with np.errstate(over="ignore"):  # what is then not finite is refused below
                    array = array_of(part, name, network._array).astype(np.float32)
                twin._set_array(_index(twin, first), name, array)
        twin._set_scalers(network.input_scaler, None)
        self.inputs = _of_inputs(network, x)
        self._of = _measured(twin, x)
        self._places = places

    def sums(self, i: int) -> Range:
        """Return the range of part i before its activation."""
        return self._of[self._places[i][0]]

    def outputs(self, i: int) -> Range:
        """Return the range of part i."""
        return self._of[self._places[i][1]]


def made_of(network: SavedNetwork, shape: tuple[int, ...], specs: Sequence[Spec]) -> SavedNetwork:
    """Return a network of other layers in float32, with the seed of another."""
    made = SavedNetwork.__new__(SavedNetwork)
    made._begin(shape, specs, None, "float32", network._seed())
    return made


def _split(parts: Sequence[Part]) -> tuple[list[Spec], list[tuple[int, int]]]:
    """Return the specs of parts, activations apart, and where each part begins and ends."""
    specs: list[Spec] = []
    places = []
    for part in parts:
        options = {k: v for k, v in part["options"].items() if k != "name"}
        first = len(specs)
        own = {k: options[k] for k in ("activation", "parameters") if k in options}
        if "bias" in options and "bias" in part["arrays"]:
            options["bias"] = True  # what is folded into a layer has one
        if part["kind"] != "activation" and own.get("activation", "identity_x") not in CUT:
            plain = options | {"activation": "identity_x", "parameters": []}
            specs.append({"kind": part["kind"], "options": plain})
            specs.append({"kind": "activation", "options": own})
        else:
            specs.append({"kind": part["kind"], "options": options})
        places.append((first, len(specs) - 1))
    return specs, places


def _index(network: SavedNetwork, place: int) -> int:
    index: int = network._layers()[place]["index"]
    return index


def _measured(network: SavedNetwork, x: Array) -> list[Range]:
    layers = network._layers()
    each = sum(math.prod(part["output_shape"]) for part in layers)
    step = max(1, _AT_ONCE // max(each, 1))
    found = [(math.inf, -math.inf)] * len(layers)
    for first in range(0, len(x), step):
        values = network._node_outputs(
            x[first : first + step], list(range(len(layers))), network.settings.n_threads
        )
        if values is None:
            raise ValueError("x must be finite in float32, as input_scaler scales it")
        for i, array in enumerate(values):
            low, high = float(array.min()), float(array.max())
            if not (math.isfinite(low) and math.isfinite(high)):
                raise ValueError(
                    f"x must give finite numbers in all layers, got {low} to {high} in one of "
                    f"{public_name(layers[i]['kind'])}"
                )
            found[i] = min(found[i][0], low), max(found[i][1], high)
    return found


def _of_inputs(network: SavedNetwork, x: Array) -> tuple[Array, Array]:
    """Return the range of each input as the first layer reads it.

    Samples of uint8 are bytes already, whatever their ends: as such they are exact.
    """
    if network.input_scaler is None and x.dtype == np.uint8:
        return np.zeros(1), np.full(1, 255.0)
    low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
    if network.input_scaler is not None:
        shift, scale = shift_and_scale(network.input_scaler)
        low, high = (low - shift) / scale, (high - shift) / scale
    return low, high
