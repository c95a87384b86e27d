"""The pictures of wiki/Layers.md: what each kind of layer makes of a small example.

    python wiki/images/layers.py        # writes layer-*.png beside this file

Except for `BatchNorm` and `Dropout`, which are shown in training, the numbers are computed by the
layers themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import drawing
import numpy as np
from drawing import DARK, MARK, OTHER, PALE, QUIET, THIRD, arrow, frame, grid, paths, text
from matplotlib.patches import Rectangle

import foxnn

HERE = Path(__file__).parent
RNG = np.random.default_rng(4)

Draw = Callable[[Any], None]


def made(shape: Any, layer: Any, x: Any, activation: str = "identity", **arrays: Any) -> Any:
    """Return what a layer with these arrays makes of one sample."""
    nn = foxnn.neural_network([shape, layer], activation, dtype="float64", seed=1)
    for name, values in arrays.items():
        nn[0].arrays[name] = np.reshape(values, nn[0].arrays[name].shape)
    return nn.predict(np.asarray(x, float).reshape(1, -1))[0]


def dense(ax: Any) -> None:
    """Draw neurons that are connected to everything."""
    rows = np.linspace(1.2, 8.8, 5), np.linspace(2.6, 7.4, 3)
    for i, a in enumerate(rows[0]):
        for j, b in enumerate(rows[1]):
            colour = MARK if j == 1 else QUIET
            ax.plot([6, 15], [a, b], color=colour, lw=1.6 if j == 1 else 0.7, zorder=1 + (j == 1))
        ax.plot(6, a, "o", ms=11, mfc="#ffffff", mec=DARK, zorder=3)
        text(ax, 4.4, a, f"x{i + 1}")
    for j, b in enumerate(rows[1]):
        ax.plot(15, b, "o", ms=13, mfc=PALE, mec=DARK, zorder=3)
        text(ax, 16.8, b, f"y{j + 1}")


def dense_positions(ax: Any) -> None:
    """Draw the same weights at each position."""
    x = RNG.integers(0, 5, (5, 3))
    y = made((5, 3), foxnn.Dense(2), x, weights=[[1, 0], [1, 1], [0, 2]], bias=[0, 0])
    grid(ax, 2.5, 1, x)
    grid(ax, 15, 1, y)
    for row in range(5):
        arrow(ax, (7.4, 1.75 + 1.5 * row), (14.6, 1.75 + 1.5 * row), lw=1.8 if row == 1 else 0.8)
    frame(ax, 2.5, 2.5, 4.5, 1.5)
    frame(ax, 15, 2.5, 3, 1.5)
    text(ax, 11, 9.3, "the same weights at each position")


def conv(ax: Any) -> None:
    """Draw a window and its sum."""
    x, kernel = RNG.integers(0, 4, (5, 5)), np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    y = made((5, 5, 1), foxnn.Conv2D(1, 3), x, weights=kernel, bias=[0])[..., 0]
    grid(ax, 0.6, 1.2, x)
    grid(ax, 9.6, 2.7, kernel)
    grid(ax, 16.6, 2.7, y)
    frame(ax, 3.6, 2.7, 4.5, 4.5)
    frame(ax, 19.6, 4.2, 1.5, 1.5)
    text(ax, 8.85, 5, "·", size=14)
    text(ax, 15.3, 5, "=", size=12)
    text(ax, 11.85, 8.2, "weights")


def same(ax: Any) -> None:
    """Draw the padding and the windows of "same" with a stride of 2."""
    x = RNG.integers(1, 5, 6)
    y = made((6, 1), foxnn.Conv1D(1, 3, stride=2, padding="same"), x, weights=[1, 1, 1], bias=[0])
    left, side = 3.6, 1.9
    grid(ax, left, 4, x, side)
    for place, colour in ((0, MARK), (1, OTHER), (2, THIRD)):
        low = left + 2 * place * side
        height = 0.35 * (place % 2)
        frame(ax, low + 0.1, 3.8 - height, 3 * side - 0.2, side + 0.4 + 2 * height, colour)
        text(ax, low + 1.5 * side, 1.4, f"{y[place, 0]:.0f}", size=10, color=colour)
        arrow(ax, (low + 1.5 * side, 3.2), (low + 1.5 * side, 2), color=colour)
    ax.add_patch(
        Rectangle((left + 6 * side, 4), side, side, fill=False, ls=":", edgecolor=DARK, lw=1)
    )
    text(ax, left + 6.5 * side, 4 + side / 2, "0", color=QUIET)
    text(ax, 11, 8, "6 positions, kernel 3, stride 2: 3 windows, one number of padding at the end")


def groups(ax: Any) -> None:
    """Draw which channels a filter reads."""
    for at, count, shown in ((1.6, 1, "groups=1"), (9, 2, "groups=2"), (16.4, 4, "groups=4")):
        for f in range(4):
            for c in range(4):
                if c * count // 4 == f * count // 4:
                    colour, wide = (MARK, 1.8) if f == 1 else (QUIET, 0.8)
                    ends = [1.2 + 2 * c, 1.2 + 2 * f]
                    ax.plot([at, at + 4], ends, color=colour, lw=wide, zorder=1 + (f == 1))
        for i in range(4):
            ax.plot(at, 1.2 + 2 * i, "s", ms=8, mfc="#ffffff", mec=DARK, zorder=3)
            ax.plot(at + 4, 1.2 + 2 * i, "s", ms=8, mfc=PALE, mec=DARK, zorder=3)
        text(ax, at + 2, 9.2, shown)


def windows(layer: Any) -> Draw:
    """Return what draws a pool of two by two."""

    def draw(ax: Any) -> None:
        x = np.random.default_rng(7).integers(0, 10, (4, 4))
        y = made((4, 4, 1), layer, x)[..., 0]
        digits = 0 if layer.kind.public.startswith("Max") else 1
        grid(ax, 3, 1.6, x, 1.7)
        grid(ax, 15.2, 3.3, y, 1.7, digits=digits)
        frame(ax, 6.4, 1.6, 3.4, 3.4)
        frame(ax, 16.9, 3.3, 1.7, 1.7)
        arrow(ax, (11, 5), (14, 5))

    return draw


def whole(ax: Any) -> None:
    """Draw both global pools."""
    x = np.random.default_rng(7).integers(0, 10, (4, 4))
    grid(ax, 2, 1.6, x, 1.7)
    frame(ax, 2, 1.6, 6.8, 6.8)
    for at, layer, shown in (
        (2.2, foxnn.GlobalMaxPool(), "GlobalMaxPool"),
        (5.8, foxnn.GlobalAveragePool(), "GlobalAveragePool"),
    ):
        y = made((4, 4, 1), layer, x)
        grid(ax, 12, at, y, 1.9, digits=0 if "Max" in shown else 1)
        arrow(ax, (9.2, 5), (11.7, at + 0.9))
        text(ax, 14.3, at + 0.95, shown, ha="left", size=7)


def up_sample(ax: Any) -> None:
    """Draw repeated positions."""
    x = np.array([[1, 5], [3, 8]])
    grid(ax, 3, 3.3, x, 1.7)
    grid(ax, 12.6, 1.6, made((2, 2, 1), foxnn.UpSample(2), x)[..., 0], 1.7)
    frame(ax, 4.7, 3.3, 1.7, 1.7)
    frame(ax, 16, 1.6, 3.4, 3.4)
    arrow(ax, (8, 5), (11, 5))


def activation(ax: Any) -> None:
    """Draw three functions."""
    z = np.linspace(-3, 3, 121)
    for i, (name, colour) in enumerate((("relu", MARK), ("tanh", OTHER), ("sigmoid", THIRD))):
        y = np.array([made(1, foxnn.Activation(name), [value])[0] for value in z])
        left, low, scale = 1.5 + 7 * i, 7.6, 2.0
        if y.min() < 0:
            low = 4.9
        ax.plot(left + (z + 3), low - scale * np.clip(y, -2, 2.9), color=colour, lw=2)
        ax.plot([left, left + 6], [low, low], color=QUIET, lw=0.8)
        ax.plot([left + 3] * 2, [1.5, 8], color=QUIET, lw=0.8)
        text(ax, left + 3, 9.2, name)


def reshaped(ax: Any) -> None:
    """Draw the same numbers in another shape."""
    x = np.arange(1, 7).reshape(2, 3)
    flat = made((2, 3), foxnn.Flatten(), x)
    grid(ax, 1.2, 1, x)
    grid(ax, 11.4, 1.75, flat)
    arrow(ax, (6.4, 2.5), (10.8, 2.5))
    text(ax, 8.6, 1.6, "Flatten()", size=7)
    grid(ax, 17.4, 4.9, made(6, foxnn.Reshape((3, 2)), flat).reshape(3, 2))
    arrow(ax, (15.9, 3.8), (17, 5.6))
    text(ax, 13.5, 5.6, "Reshape((3, 2))", size=7)


def dropout(ax: Any) -> None:
    """Draw a mask of training."""
    x = RNG.integers(1, 9, (4, 4)).astype(float)
    kept = np.random.default_rng(2).random((4, 4)) >= 0.25
    grid(ax, 2.5, 1.6, x, 1.7)
    grid(ax, 12.7, 1.6, np.where(kept, x / 0.75, 0.0), 1.7, digits=1)
    for row, column in np.argwhere(~kept):
        frame(ax, 12.7 + 1.7 * column, 1.6 + 1.7 * row, 1.7, 1.7)
    arrow(ax, (9.8, 5), (12.2, 5))
    text(ax, 11, 9.2, "in training: 0 with probability 0.25, the others times 1 / 0.75")


def normalized(which: str) -> Draw:
    """Return what draws a table of samples and channels, normalized by columns or by rows."""

    def draw(ax: Any) -> None:
        x = np.array([[1.0, 8, 3], [2, 4, 3], [3, 8, 6], [4, 2, 9]])
        axis = 0 if which == "batch" else 1
        y = (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + 1e-5)
        if which == "layer":
            assert np.allclose(y[1], made(3, foxnn.LayerNorm(), x[1]))
        grid(ax, 3.2, 2, x, 1.7)
        grid(ax, 13.6, 2, y, 1.7, digits=1)
        for left in (3.2, 13.6):
            if which == "batch":
                frame(ax, left + 1.7, 2, 1.7, 6.8)
            else:
                frame(ax, left, 3.7, 5.1, 1.7)
            text(ax, left + 2.55, 1.2, "channels", size=7)
            text(ax, left - 0.6, 5.4, "samples", size=7, rotation=90)
        arrow(ax, (9.2, 5.4), (12, 5.4))

    return draw


def embedding(ax: Any) -> None:
    """Draw rows of a table."""
    table = np.array([[0.1, 0.9], [0.5, 0.2], [0.8, 0.7], [0.3, 0.4]])
    x = [2, 0, 2]
    y = made(3, foxnn.Embedding(4, 2), x, weights=table)
    grid(ax, 1.2, 4.2, x)
    grid(ax, 9, 1.6, table, 1.7, digits=1)
    grid(ax, 17, 2.4, y, 1.7, digits=1)
    for i in range(4):
        text(ax, 8.4, 2.45 + 1.7 * i, str(i), size=7, color=QUIET)
    frame(ax, 9, 5, 3.4, 1.7)
    frame(ax, 1.2, 4.2, 1.5, 1.5)
    frame(ax, 4.2, 4.2, 1.5, 1.5)
    frame(ax, 17, 2.4, 3.4, 1.7)
    frame(ax, 17, 5.8, 3.4, 1.7)
    arrow(ax, (6, 5), (7.8, 5))
    arrow(ax, (13, 5), (16.4, 5))
    text(ax, 3.5, 9.3, "indices", size=7)
    text(ax, 10.7, 9.3, "the table", size=7)


def recurrent(ax: Any) -> None:
    """Draw a state that goes from step to step."""
    x = np.array([2.0, 1.0, -3.0, 0.0])
    layer = foxnn.RNN(1, return_sequences=True)
    h = made((4, 1), layer, x, weights=[0.5], recurrent_weights=[0.8], bias=[0])[:, 0]
    side, row = 1.9, 3.6
    left = [3.4 + 4.4 * t for t in range(4)]
    middle = row + side / 2
    text(ax, 1.2, middle, "0", color=QUIET)
    for t, at in enumerate(left):
        grid(ax, at, 6.8, x[[t]], side)
        grid(ax, at, row, h[[t]], side, digits=1)
        arrow(ax, (at + side / 2, 6.7), (at + side / 2, row + side + 0.1))
        arrow(ax, (left[t - 1] + side + 0.1 if t else 1.7, middle), (at - 0.1, middle), color=OTHER)
        text(ax, at + side / 2, 9.3, f"x{t + 1}", size=7)
    frame(ax, left[3], row, side, side)
    arrow(ax, (left[3] + side / 2, row - 0.1), (left[3] + side / 2, 1.7), color=MARK)
    text(ax, 11, 0.8, "the state h goes from step to step; the last one is the output", size=7)


def residual(ax: Any) -> None:
    """Draw x + f(x)."""
    paths(ax, ("f: any layers", ""), "+", 2.4, 7.6)
    text(ax, 9.4, 8.5, "shortcut: x, or other layers", size=7)
    text(ax, 20.6, 5, "x + f(x)")


def parallel(ax: Any) -> None:
    """Draw branches side by side."""
    paths(ax, ("f: any layers", "g: any layers"), "|", 2.4, 7.6)
    for i, colour in enumerate((MARK, MARK, PALE, PALE, PALE)):
        corner = 19.5 + 0.45 * i, 4.4
        ax.add_patch(Rectangle(corner, 0.45, 1.2, facecolor=colour, edgecolor=DARK, lw=0.6))
    text(ax, 20.6, 6.5, "f(x), g(x)", size=7)


PICTURES: dict[str, Draw] = {
    "number": dense,
    "dense": dense_positions,
    "conv": conv,
    "same": same,
    "groups": groups,
    "max-pool": windows(foxnn.MaxPool2D(2)),
    "average-pool": windows(foxnn.AveragePool2D(2)),
    "global-pool": whole,
    "up-sample": up_sample,
    "activation": activation,
    "reshape": reshaped,
    "dropout": dropout,
    "batch-norm": normalized("batch"),
    "layer-norm": normalized("layer"),
    "embedding": embedding,
    "recurrent": recurrent,
    "residual": residual,
    "parallel": parallel,
}


def main() -> None:
    """Write all pictures."""
    for name, draw in PICTURES.items():
        ax = drawing.panel()
        draw(ax)
        drawing.save(ax, HERE / f"layer-{name}.png")


if __name__ == "__main__":
    main()
