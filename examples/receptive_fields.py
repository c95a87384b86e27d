"""Receptive fields: what excites the units of each layer of a convolutional network.

    python examples/receptive_fields.py [--pictures FOLDER] [--data FOLDER] [--short]

For units of three layers of convolutional_network.py, the patches of test images to which they
answer most, and how often the images that excite a unit show the same digit.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import convolutional_network as cnn
import foxnn

Array = NDArray[Any]

SEED, UNITS, PATCHES = 1, 8, 10
MOST = 100  # images that excite a unit most, whose digits are counted
CHUNK = 1000  # images at a time: the outputs of all layers for one take 56 KB


class Field(NamedTuple):
    """The part of the image that a unit sees: its size, and the step from one unit to the next."""

    size: int
    step: int


class Peaks(NamedTuple):
    """For each image and unit the largest output, and the row and the column that has it."""

    values: Array
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]


def fields(layers: list[Any]) -> list[Field]:
    """Return the receptive field of each layer after the shape; none of them pads its input."""
    size, step, found = 1, 1, []
    for layer in layers[1:]:
        if isinstance(layer, foxnn.Conv2D):
            size += (int(np.max(layer.kernel)) - 1) * step
        elif isinstance(layer, foxnn.MaxPool2D):
            window = int(np.max(layer.size))
            size += (window - 1) * step
            step *= window
        found.append(Field(size, step))
    return found


def peaks(nn: foxnn.neural_network, x: Array, names: list[str]) -> list[Peaks]:
    """Return where the units of some layers answer most in each image, layer by layer."""
    pieces: list[list[Peaks]] = [[] for _ in names]
    for start in range(0, len(x), CHUNK):
        outputs = nn.layer_outputs(x[start : start + CHUNK])
        for name, found in zip(names, pieces, strict=True):
            count, _, width, channels = outputs[name].shape
            flat = outputs[name].reshape(count, -1, channels)
            place = flat.argmax(axis=1)
            values = np.take_along_axis(flat, place[:, None], axis=1)[:, 0]
            found.append(Peaks(values, place // width, place % width))
    return [Peaks(*map(np.concatenate, zip(*found, strict=True))) for found in pieces]


def patches(x: Array, found: Peaks, field: Field, unit: int, count: int) -> Array:
    """Return what a unit sees in the images that excite it most, one patch an image."""
    images = np.argsort(-found.values[:, unit], kind="stable")[:count]
    top, left = found.rows[images, unit] * field.step, found.columns[images, unit] * field.step
    pictures = x.reshape(-1, 28, 28)
    return np.stack([
        pictures[i, t : t + field.size, s : s + field.size]
        for i, t, s in zip(images, top, left, strict=True)
    ])  # fmt: skip


def same_digit(values: Array, y: NDArray[np.uint8], count: int) -> Array:
    """Return, for each unit, the share of the commonest digit among the images of most value."""
    most = np.argsort(-values, axis=0, kind="stable")[:count]
    return np.array([np.bincount(y[images]).max() / count for images in most.T])


def liveliest(found: Peaks) -> NDArray[np.int64]:
    """Return the units in the order of how much their answers differ from image to image."""
    return np.argsort(-found.values.std(axis=0), kind="stable")


def picture(x: Array, layers: list[tuple[Field, Peaks]]) -> Any:
    """Draw, layer by layer, the patches that excite some units most: a row for each unit."""
    figure, panels = plt.subplots(1, len(layers), figsize=(11, 3.5), layout="constrained")
    for ax, (field, found) in zip(panels, layers, strict=True):
        rows = [patches(x, found, field, unit, PATCHES) for unit in liveliest(found)[:UNITS]]
        # A coloured frame around each patch: a tenth of it is enough at any size.
        frame = max(1, field.size // 10)
        beside = ((0, 0), (0, 0), (0, frame), (0, frame))
        framed = np.pad(np.stack(rows), beside, constant_values=np.nan)
        tiles = framed.swapaxes(1, 2).reshape(len(rows) * framed.shape[2], -1)
        ax.imshow(tiles, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        ax.set_facecolor("#6baed6")
        ax.set(xticks=[], yticks=[], title=f"patches of {field.size} x {field.size}")
    for ax, name in zip(panels, ("first", "second", "third"), strict=False):
        ax.set_ylabel(f"units of the {name} layer")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train, find what excites the units, print its numbers, and draw it."""
    options = common.options(__doc__, argv, mnist=True)
    x, y, x_test, y_test = common.digits(options.data)
    data = common.scaled(x), y, common.scaled(x_test), y_test
    epochs = 2 if options.short else cnn.EPOCHS
    nn = cnn.train(data, epochs, SEED, True, cnn.moved()).network
    views = [(i, layer) for i, layer in enumerate(nn) if layer.kind == "Activation"]
    every, most = fields(cnn.layers()), min(MOST, len(y_test) // 10)
    found = peaks(nn, data[2], [layer.name for _, layer in views])
    rows = [("accuracy on the test images", "",
             f"{100 * common.accuracy(nn, *data[2:]):.2f} %")]  # fmt: skip
    for number, ((i, layer), peak) in enumerate(zip(views, found, strict=True), 1):
        field, (height, width, channels) = every[i], layer.output_shape
        shares = 100 * same_digit(peak.values, y_test, most)
        rows += [
            (f"layer {number}: units", "", f"{channels} at {height} x {width} places"),
            ("  receptive field", "", f"{field.size} x {field.size}, in steps of {field.step}"),
            ("  share of the image", "", f"{100 * field.size**2 / 784:.0f} %"),
            ("  excited most by one digit", "",
             f"{shares.mean():.0f} % ({shares.min():.0f} to {shares.max():.0f})"),
        ]  # fmt: skip
    chance = np.random.default_rng(0).random((len(y_test), 64))
    by_chance = same_digit(chance, y_test, most)
    rows.append(("images at random", "", f"{100 * by_chance.mean():.0f} %"))
    common.report(rows)
    drawn = [(every[i], peak) for (i, _), peak in zip(views, found, strict=True)]
    common.save(picture(data[2], drawn), options.pictures, "receptive-fields")
    return 0


if __name__ == "__main__":
    sys.exit(main())
