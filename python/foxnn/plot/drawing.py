"""The parts of the pictures of foxnn.plot: matplotlib, Axes, colours and shapes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.model.answers import AnsweringNetwork
from foxnn.support.extras import library

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Larger numbers, or their reciprocals, overflow in matplotlib.
FARTHEST = 1e100

# Ten colours that people with any kind of colour vision can distinguish (Petroff, "Accessible color
# sequences for data visualization", 2021). Markers or dashes differ, too.
COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
DARK = "#333333"
# From blue through white to red, which everyone can distinguish.
DIVERGING = "RdBu_r"
SEQUENTIAL = "viridis"
MARKERS = "os^DvP<h"
DASHES = ("-", "--", ":", "-.")


def matplotlib(module: str = "") -> Any:
    """Return matplotlib or one of its modules."""
    name = f"matplotlib.{module}" if module else "matplotlib"
    return library(name, "plot", "foxnn.plot")


def check_axes(ax: object) -> None:
    """Raise TypeError for anything but an Axes or None."""
    kind = matplotlib("axes").Axes
    if ax is not None and not isinstance(ax, kind):
        hint = "; of several, pass one" if isinstance(ax, np.ndarray) else ""
        raise TypeError(f"ax must be a matplotlib Axes or None, got {checks.shown(ax)}{hint}")


def check_network(nn: object, wanted: str = "a foxnn.neural_network") -> None:
    """Raise TypeError for anything but an initialized network."""
    if not isinstance(nn, AnsweringNetwork) or "_settings" not in vars(nn):  # or not initialized
        raise TypeError(f"nn must be {wanted}, got {checks.shown(nn)}")


def axes_or_new(ax: Axes | None, size: tuple[float, float] | None = None) -> Axes:
    """Return the Axes, or those of a new figure, with a size in inches."""
    if ax is not None:
        return ax
    new: Axes = matplotlib("pyplot").subplots(figsize=size, layout="constrained")[1]
    return new


def limit_of(limit: object, usual: float) -> float:
    """Return the weight with full colour: the given limit or the usual one."""
    if limit is None:
        return usual or 1.0
    asked = checks.real(limit, "limit", 0.0, FARTHEST, open_low=True)
    return max(asked, 1.0 / FARTHEST)


def weight_scale(limit: float, largest: float) -> Any:
    """Return a colour scale for weights: white at 0, with the same limit on both sides.

    Pointed ends of its bar show that weights exceed the limit.
    """
    cm, colors = matplotlib("cm"), matplotlib("colors")
    shades = matplotlib().colormaps[DIVERGING].copy()
    shades.colorbar_extend = "both" if largest > limit else "neither"
    return cm.ScalarMappable(colors.Normalize(-limit, limit), shades)


def level_scale(values: Array) -> Any:
    """Return a colour scale from the smallest to the largest number."""
    cm, colors = matplotlib("cm"), matplotlib("colors")
    low, high = values.min(), values.max()
    if low == high:
        low, high = low - 0.5, high + 0.5
    return cm.ScalarMappable(colors.Normalize(low, high), matplotlib().colormaps[SEQUENTIAL])


def pale_diverging() -> Any:
    """Return the colour map for the background of samples, without its darkest ends."""
    shades = matplotlib().colormaps[DIVERGING](np.linspace(0.18, 0.82, 256))
    return matplotlib("colors").ListedColormap(shades)


def colours_of_classes(count: int) -> Array:
    """Return one colour per class, as rows of red, green and blue."""
    colors = matplotlib("colors")
    if count <= len(COLOURS):
        return np.array([colors.to_rgb(colour) for colour in COLOURS[:count]])
    shades: Array = matplotlib().colormaps[SEQUENTIAL](np.linspace(0, 1, count))
    return shades[:, :3]


def draw_points(ax: Axes, points: Array, among: int, i: int = 0, **options: Any) -> Any:
    """Draw samples of class i; the more there are `among` all classes, the smaller."""
    return ax.scatter(
        points[:, 0],
        points[:, 1],
        s=_size(among),
        marker=MARKERS[i % len(MARKERS)],
        edgecolors=DARK,
        linewidths=0.05 * _size(among) ** 0.5 + 0.2,
        zorder=3,
        **options,
    )


def _size(among: int) -> float:
    return min(36.0, max(8.0, 12000.0 / among))


def draw_legend(ax: Axes, classes: int, among: int) -> None:
    """Draw the legend of samples, with large markers."""
    ax.legend(markerscale=math.sqrt(36.0 / _size(among)), ncols=1 + (classes - 1) // 10)


def draw_two_sides(
    ax: Axes,
    plane: tuple[Array, Array, Array],
    points: Array,
    wanted: Array,
    threshold: float,
    bounds: tuple[float, float],
    classes: list[str] | None = None,
) -> Any:
    """Draw an output with a threshold, and samples of two classes; return the colour scale.

    `plane` holds the coordinates of both axes, and the output at every pair of them; `bounds` are
    the smallest and largest output; `classes` are the names of 0 and 1.
    """
    low, high = bounds
    if not low < threshold < high:
        reach = max(abs(low - threshold), abs(high - threshold)) or 1.0
        low, high = threshold - reach, threshold + reach
    levels = np.r_[np.linspace(low, threshold, 6), np.linspace(threshold, high, 6)[1:]]
    norm = matplotlib("colors").TwoSlopeNorm(threshold, low, high)
    scale = ax.contourf(*plane, levels=levels, cmap=pale_diverging(), norm=norm)
    if plane[2].min() < threshold < plane[2].max():
        ax.contour(*plane, levels=[threshold], colors=DARK, linewidths=1.5)
    names = [f"below {threshold:g}", f"{threshold:g} or more"]
    for i, of_class in enumerate((wanted < threshold, wanted >= threshold)):
        if len(found := np.unique(wanted[of_class])) == 1:
            names[i] = f"{found[0]:g}" if classes is None else classes[int(found[0])]
        colour = matplotlib().colormaps[DIVERGING](0.07 + 0.86 * i)
        draw_points(ax, points[of_class], len(points), i, color=colour, label=names[i])
    draw_legend(ax, 2, len(points))
    return scale


def draw_levels(ax: Axes, plane: tuple[Array, Array, Array], points: Array, wanted: Array) -> Any:
    """Draw a numeric output, and samples on the same scale; return the scale."""
    both = np.r_[plane[2].ravel(), wanted]
    low, high = both.min(), both.max()
    if low == high:
        low, high = low - 0.5, high + 0.5
    levels = matplotlib("ticker").MaxNLocator(12).tick_values(low, high)
    norm = matplotlib("colors").Normalize(levels[0], levels[-1])
    scale = ax.contourf(*plane, levels=levels, cmap=SEQUENTIAL, norm=norm)
    draw_points(ax, points, len(points), c=wanted, cmap=SEQUENTIAL, norm=norm)
    return scale


def draw_regions(
    ax: Axes,
    plane: tuple[Array, Array, Array],
    points: Array,
    labels: Array,
    classes: list[str] | None = None,
) -> None:
    """Draw the regions in which each output is the largest, and samples by their labels."""
    across, up, answers = plane
    largest = answers.argmax(axis=2)
    colours = colours_of_classes(answers.shape[2])
    pale = 0.35 * colours + 0.65
    names = [str(i) for i in range(len(colours))] if classes is None else classes
    # The points of the plane are the centres of the picture's dots.
    half = (across[1] - across[0]) / 2, (up[1] - up[0]) / 2
    extent = (across[0] - half[0], across[-1] + half[0], up[0] - half[1], up[-1] + half[1])
    ax.imshow(pale[largest], extent=extent, origin="lower", aspect="auto")
    for i, colour in enumerate(colours):
        others = np.delete(answers, i, axis=2).max(axis=2)
        lead = answers[:, :, i] - others
        if lead.min() < 0 < lead.max():
            ax.contour(across, up, lead, levels=[0.0], colors=DARK, linewidths=1.0)
        of_class = labels == i
        draw_points(ax, points[of_class], len(points), i, color=colour, label=names[i])
    draw_legend(ax, len(colours), len(points))


def draw_tiles(ax: Axes, pictures: Array, scale: Any, in_a_row: int | None = None) -> None:
    """Draw pictures (count, rows, columns) side by side in one, with a gap between them."""
    collections, patches = matplotlib("collections"), matplotlib("patches")
    count, rows, columns = pictures.shape
    across = in_a_row or min(count, math.ceil(math.sqrt(count * rows / columns)))
    down = math.ceil(count / across)
    gap = max(1, min(rows, columns) // 12)
    frames = []
    whole = np.full((down * (rows + gap) - gap, across * (columns + gap) - gap), np.nan)
    for i, picture in enumerate(pictures):
        row, column = i // across * (rows + gap), i % across * (columns + gap)
        whole[row : row + rows, column : column + columns] = picture
        frames.append(patches.Rectangle((column - 0.5, row - 0.5), columns, rows))
    colours = scale.cmap.with_extremes(bad=(0.0, 0.0, 0.0, 0.0))
    # A weight is a square with sharp edges, unless there are more weights than dots on a screen.
    edges = "nearest" if max(whole.shape) < 300 else "auto"
    ax.imshow(whole, cmap=colours, norm=scale.norm, interpolation=edges)
    if count <= 100:  # with more, there would be little but frames
        style = {"facecolors": "none", "edgecolors": "0.7", "linewidths": 0.6, "clip_on": False}
        ax.add_collection(collections.PatchCollection(frames, **style))
    ax.set_axis_off()


def draw_layers(ax: Axes, weights: list[Array], names: list[str], most: int, scale: Any) -> None:
    """Draw each layer as a column of circles with its name below, and weights as lines between.

    Of a layer with more than `most` neurons the first and the last are shown, with dots between.
    """
    collections, patches = matplotlib("collections"), matplotlib("patches")
    sizes = [len(weights[0]), *(part.shape[1] for part in weights)]
    tallest, apart = _spread(sizes, most)
    columns = [_column(i * apart, size, most) for i, size in enumerate(sizes)]
    for part, left, right in zip(weights, columns, columns[1:], strict=False):
        values = part[np.ix_(list(left), list(right))].ravel()
        lines = np.array([(a, b) for a in left.values() for b in right.values()])
        order = np.argsort(np.abs(values), kind="stable")  # large weights on top
        strength = np.minimum(np.abs(values[order]) / scale.norm.vmax, 1.0)
        ax.add_collection(
            collections.LineCollection(
                lines[order],
                colors=scale.to_rgba(values[order]),
                linewidths=0.3 + 2.7 * strength,
                zorder=1,
            )
        )
    neurons = [patches.Circle(place, 0.3) for column in columns for place in column.values()]
    style = {"facecolors": "white", "edgecolors": DARK, "linewidths": 1.2, "zorder": 2}
    ax.add_collection(collections.PatchCollection(neurons, **style))
    bottom = -tallest / 2 - 0.1
    # Names must not overlap: a letter is about 0.6 times as wide as its size, a little more with
    # some versions of matplotlib.
    width = ax.get_window_extent().width * 72 / ax.figure.dpi / len(sizes)
    points = min(10.0, width / (0.62 * max(map(len, names))))
    for i, (size, name) in enumerate(zip(sizes, names, strict=True)):
        if size > most:
            middle = _height((most + 1) // 2, most + 1)
            dots = [patches.Circle((i * apart, middle + up), 0.06) for up in (-0.25, 0.0, 0.25)]
            ax.add_collection(collections.PatchCollection(dots, facecolors=DARK, zorder=2))
        ax.text(i * apart, bottom, f"{size}\n{name}", ha="center", va="top", fontsize=points)
    ax.set_xlim(-0.5, (len(sizes) - 1) * apart + 0.5)
    ax.set_ylim(bottom, -bottom)
    ax.set_aspect("equal")
    ax.set_axis_off()


def size_of_diagram(sizes: list[int], most: int) -> tuple[float, float]:
    """Return a good size in inches for a figure of these layers with a colour bar."""
    tallest, apart = _spread(sizes, most)
    width = max(6.4, 0.9 * len(sizes))
    rows_an_inch = (len(sizes) - 1) * apart / (width - 1.2)
    return width, min(4.8, max(2.4, tallest / rows_an_inch + 1.0))


def _spread(sizes: list[int], most: int) -> tuple[int, float]:
    """Return the rows of the tallest column, and the distance between columns."""
    tallest = max(3, *(min(size, most + 1) for size in sizes))
    # The diagram has about the proportions of a figure, but columns keep a distance.
    return tallest, max(2.5, 1.4 * tallest / (len(sizes) - 1))


def _column(across: float, size: int, most: int) -> dict[int, tuple[float, float]]:
    """Return the positions of the neurons of a layer that are shown."""
    if size <= most:
        return {i: (across, _height(i, size)) for i in range(size)}
    first = (most + 1) // 2
    rows = {i: i for i in range(first)}  # then one of dots
    rows |= {size - most + i: i + 1 for i in range(first, most)}
    return {i: (across, _height(row, most + 1)) for i, row in rows.items()}


def _height(row: int, rows: int) -> float:
    return (rows - 1) / 2 - row
