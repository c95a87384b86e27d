"""What the page shows of a network: a description, once, and a picture of its numbers, often."""

from __future__ import annotations

import base64
import contextlib
import math
from typing import Any, NamedTuple

import numpy as np

from foxnn.checks import Array
from foxnn.layers.activation_table import usual_name
from foxnn.network import neural_network

# Points in each direction of the map of the outputs, and how many of them one is taken of for the
# maps of neurons, which are small: 60 and 20.
FINE, COARSE = 60, 3
# Neurons of a layer that are shown, and lines into a layer: more would be hidden by each other.
MOST_UNITS, MOST_LINES = 32, 200
# Samples whose answers are counted, and points that are drawn: enough to see, and few to compute.
_MOST_COUNTED, _MOST_POINTS = 2000, 500
# Classes of which a table is still read.
_MOST_CLASSES = 20


class Shown(NamedTuple):
    """Samples that are shown: inputs, and the targets as numbers (classes: 0, 1, ...)."""

    x: Array
    y: Array


class Scene:
    """What is shown of a network.

    Parameters
    ----------
    network : neural_network
    training, tests : Shown, optional
        The samples; their range is that of the plane of a network with two inputs.
    picture : sequence of int, optional
        Height, width and perhaps channels, if the samples are pictures.
    names, labels : list of str, optional
        Of the inputs, and of the classes.
    """

    def __init__(
        self,
        network: neural_network,
        training: Shown | None = None,
        tests: Shown | None = None,
        picture: tuple[int, ...] | None = None,
        names: list[str] | None = None,
        labels: list[str] | None = None,
    ) -> None:
        self._network = network
        self._parts = [part for part in (training, tests) if part is not None and len(part.x)]
        self._training, self._tests = training, tests
        shape = tuple(network._input_shape())
        self._is_plane = shape == (2,)
        self._is_countable = None not in shape
        self._picture = shape if len(shape) == 3 and self._is_countable else picture
        self._classes = labels or network.classes
        self._names = names or network.input_names or []
        self._range = self._found_range()
        self._lined = self._found_lines()
        if self._is_plane:
            sides = [np.linspace(low, high, FINE) for low, high in self._range]
            # The first row is the upper one.
            across, down = np.meshgrid(sides[0], sides[1][::-1])
            self._grid = np.stack([across.ravel(), down.ravel()], axis=1).astype(network.dtype)
            coarse = self._grid.reshape(FINE, FINE, 2)[1::COARSE, 1::COARSE]
            self._coarse = np.ascontiguousarray(coarse).reshape(-1, 2)

    def _found_range(self) -> list[tuple[float, float]]:
        if not self._is_plane or not self._parts:
            return [(-1.0, 1.0)] * 2
        every = np.concatenate([part.x for part in self._parts]).astype(float)
        low, high = every.min(axis=0), every.max(axis=0)
        around = np.where(high > low, (high - low) / 20, 0.5)
        return [(float(a), float(b)) for a, b in zip(low - around, high + around, strict=True)]

    @property
    def _classifies(self) -> bool:
        return self._network._classifies()

    def _labels(self) -> list[str]:
        if self._classes is not None:
            return [str(name) for name in self._classes]
        count = self._network._output_shape()[-1]
        return [str(i) for i in range(max(2, count) if self._classifies else count)]

    def described(self) -> dict[str, Any]:
        """Return what stays: layers, names and samples, for JSON."""
        form = "plane" if self._is_plane else "picture" if self._picture else "table"
        return {
            "form": form,
            "picture": self._picture,
            "names": self._names[:MOST_UNITS],
            "inputs": list(self._network._input_shape()),
            "range": self._range,
            "size": FINE,
            "layers": [self._layer(layer) for layer in self._network],
            "labels": self._labels(),
            "classifies": self._classifies,
            "points": [self._points(part) for part in (self._training, self._tests)],
            "limit": self._limit(),
            "sample": self._sample(),
        }

    def _sample(self) -> dict[str, Any] | None:
        """Return the picture of which layers show what they make."""
        if self._picture is None or not self._parts:
            return None
        part = self._parts[-1]
        pixels = part.x[0].reshape(*self._picture[:2], -1).mean(axis=2, keepdims=True)
        where = "the first test sample" if part is self._tests else "the first sample"
        found = {"where": where, "shape": list(pixels.shape), "data": _packed(pixels, (0, 1))}
        if self._classifies and part.y[0].size == 1:
            found["label"] = self._labels()[int(part.y[0])]
        return found

    def _layer(self, layer: Any) -> dict[str, Any]:
        shape = list(layer.output_shape)
        name = usual_name(getattr(layer, "get_name_activation_function", lambda: "")())
        return {
            "name": layer.name,
            "title": ", ".join(filter(None, (layer.kind, name))),
            "shape": shape,
            "shown": min(shape[-1], MOST_UNITS) if len(shape) == 1 else 0,
        }

    def _limit(self) -> float:
        """Return what the strongest colour stands for, if the outputs are numbers."""
        sizes = [float(np.abs(part.y).max()) for part in self._parts if not self._classifies]
        return max(sizes, default=1.0) or 1.0

    def _points(self, part: Shown | None) -> list[list[float]]:
        if not self._is_plane or part is None or not len(part.x):
            return []
        y = part.y.reshape(len(part.y), -1)[:, 0]
        every = np.column_stack([part.x, y])[:_MOST_POINTS]
        return [[round(float(number), 4) for number in row] for row in every]

    def picture(self) -> dict[str, Any]:
        """Return what changes: maps, values, weights, and the table of classes, for JSON."""
        found: dict[str, Any] = {"lines": self._lines()}
        if self._is_plane:
            found |= self._maps()
        elif self._is_countable and self._parts:
            found["values"] = self._values()
        if self._picture is not None and (filters := self._filters()) is not None:
            found["filters"] = filters
        if self._classifies and self._parts and (table := self._table()) is not None:
            found["table"] = table
        return found

    def _maps(self) -> dict[str, Any]:
        side = FINE // COARSE
        maps = []
        for output in self._network.layer_outputs(self._coarse).values():
            maps.append(_packed(output.reshape(side, side, -1)[..., :MOST_UNITS], (0, 1)))
        last = self._on_plane().reshape(len(self._grid), -1)
        if last.shape[1] > 1 and self._classifies:
            least = 1.0 / last.shape[1]
            taken = _text(last.argmax(axis=1).astype(np.uint8))
            share = _text(_small((last.max(axis=1) - least) / (1.0 - least)))
            return {"maps": maps, "plane": {"classes": taken, "share": share}}
        numbers = 2.0 * last[:, 0] - 1.0 if self._classifies else last[:, 0] / self._limit()
        small = _small(numbers)
        if last.shape[1] == 1:  # in the colours of the plane
            maps[-1] = _text(small.reshape(FINE, FINE)[1::COARSE, 1::COARSE])
        return {"maps": maps, "plane": {"numbers": _text(small)}}

    def _on_plane(self) -> Array:
        """Return the outputs in the units of the samples; without any, before their scaler."""
        if self._parts:
            # Some may be NaN, before a training diverges; they are shown as zero.
            with contextlib.suppress(OverflowError):
                found: Array = self._network.predict(self._grid)
                return found
        last: Array = [*self._network.layer_outputs(self._grid).values()][-1]
        return last

    def _values(self) -> list[list[float]]:
        """Return what each layer with flat outputs gives for a sample, from -1 to 1."""
        sample = self._parts[-1].x[:1]
        found = []
        for output in self._network.layer_outputs(sample).values():
            shown = output.reshape(-1)[:MOST_UNITS] if output.ndim == 2 else np.zeros(0)
            found.append(_rounded(shown))
        return found

    def _filters(self) -> dict[str, Any] | None:
        """Return the weights of the first layer that has some as pictures: one a neuron."""
        layer = next((layer for layer in self._network if "weights" in layer.arrays), None)
        if layer is None or self._picture is None:
            return None
        weights = layer.arrays["weights"]
        if weights.ndim == 2 and len(weights) == math.prod(self._picture):
            weights = weights.reshape(*self._picture[:2], -1, weights.shape[1])
        if weights.ndim != 4:
            return None
        shown = weights[..., :MOST_UNITS].mean(axis=2)
        return {"name": layer.name, "shape": list(shown.shape), "data": _packed(shown, (0, 1))}

    def _found_lines(self) -> list[Any]:
        """Return for each layer the layer, if lines lead into it, or None."""
        found: list[Any] = []
        shape = tuple(self._network._input_shape())
        for layer in self._network:
            is_flat = len(shape) == 1 and len(layer.output_shape) == 1 and layer.kind == "Dense"
            has_source = bool(found) or (is_flat and (shape[0] or 0) <= MOST_UNITS)
            found.append(layer if is_flat and has_source else None)
            shape = tuple(layer.output_shape)
        return found

    def _lines(self) -> list[list[list[float]]]:
        """Return for each layer the strongest weights between numbers that are shown."""
        return [[] if layer is None else self._strongest(layer.weights) for layer in self._lined]

    def _strongest(self, weights: Array) -> list[list[float]]:
        shown = weights[:MOST_UNITS, :MOST_UNITS]
        sizes = np.abs(shown).ravel()
        limit = float(sizes.max()) or 1.0
        order = np.argsort(sizes)[-MOST_LINES:]
        rows, columns = np.unravel_index(order, shown.shape)
        shares = (shown.ravel()[order] / limit).round(3)
        return [list(line) for line in zip(rows.tolist(), columns.tolist(), shares.tolist(),
                                           strict=True)]  # fmt: skip

    def _table(self) -> list[list[int]] | None:
        """Return how many samples of each class (rows) are taken for each (columns)."""
        count, part = len(self._labels()), self._parts[-1]
        if count > _MOST_CLASSES or self._network._output_shape()[:-1]:
            return None
        x, wanted = part.x[:_MOST_COUNTED], part.y[:_MOST_COUNTED].reshape(-1).astype(int)
        outputs = self._network.predict(x)
        taken = (
            outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0.5).astype(int)
        )
        table = np.bincount(count * wanted + taken, minlength=count * count)
        rows: list[list[int]] = table.reshape(count, count).tolist()
        return rows


def _small(numbers: Array) -> Array:
    """Return numbers from -1 to 1 as bytes with a sign."""
    within = 127 * np.clip(numbers, -1, 1)  # in this order: large numbers would overflow
    within[np.isnan(within)] = 0
    small: Array = np.rint(within).astype(np.int8)
    return small


def _packed(numbers: Array, axes: tuple[int, ...]) -> str:
    """Return arrays as text, each divided by its largest size over some axes."""
    limit = np.abs(numbers).max(axis=axes, keepdims=True)
    limit[limit == 0] = 1.0
    return _text(_small(numbers / limit))


def _text(array: Array) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")


def _rounded(numbers: Array) -> list[float]:
    limit = float(np.abs(numbers).max(initial=0.0)) or 1.0
    rounded: list[float] = (numbers / limit).round(3).tolist()
    return rounded
