"""Filters of convolutions, and the outputs of layers with positions, as pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from foxnn import checks
from foxnn.checks import Array
from foxnn.layers.kinds import with_article
from foxnn.plot import drawing
from foxnn.plot.pictures import chosen_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from foxnn.network import neural_network


def filters(
    nn: neural_network,
    layer: int = 0,
    ax: Axes | None = None,
    *,
    which: Iterable[int] | None = None,
    limit: float | None = None,
    colorbar: bool = True,
) -> Axes:
    """Draw the filters of a convolution as pictures of their weights.

    Parameters
    ----------
    nn : neural_network
    layer : int, default=0
        A `Conv1D`, `Conv2D` or `Conv3D`; a negative one counts from the end.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    which : iterable of int, optional
        The filters to draw, in this order; by default all.
    limit : float, optional
        The size beyond which weights no longer get darker; by default the size that one weight in
        200 of the layer exceeds.
    colorbar : bool, default=True
        Whether to draw a bar with the meaning of the colours.

    Returns
    -------
    matplotlib Axes
        The filters go from left to right, then down, with one colour scale for all. Where a filter
        reads several channels it is a row: a picture for each channel, and with three axes one for
        each depth of it.

    Raises
    ------
    ValueError
        If the layer is not a convolution.
    IndexError
        If there is no such layer or filter.
    TypeError
        For an argument of a wrong type.
    ImportError
        If matplotlib is missing.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([(28, 28, 1), foxnn.Conv2D(16, 5), 10], seed=1)
    >>> ax = foxnn.plot.filters(nn)
    >>> ax.get_title()
    'layer 0: 16 filters, each 5 x 5'
    """
    drawing.check_network(nn)
    drawing.check_axes(ax)
    index = checks.position(layer, "layer", len(nn), "a layer")
    kind = nn[index].kind
    if kind not in ("Conv1D", "Conv2D", "Conv3D"):
        there = f"layer {index} is {with_article(kind)}"
        raise ValueError(f"layer must be a convolution, but {there}")
    values = nn[index].weights.astype(np.float64)
    chosen = chosen_of(which, "which", values.shape[-1], "a filter")
    largest = np.abs(values).max()
    limit = drawing.limit_of(limit, np.quantile(np.abs(values), 0.995) or largest)
    colorbar = checks.flag(colorbar, "colorbar")

    channels = values.shape[-2]
    pictures = _pictures(np.moveaxis(values, (-1, -2), (0, 1))[chosen])
    scale = drawing.weight_scale(limit, largest)
    ax = drawing.axes_or_new(ax)
    across = len(pictures) // len(chosen)
    drawing.draw_tiles(ax, pictures, scale, across if across > 1 else None)
    size = " x ".join(map(str, values.shape[:-2]))
    of_channels = f" x {channels} channels" if channels > 1 else ""
    ax.set_title(f"layer {index}: {len(chosen)} filters, each {size}{of_channels}")
    if colorbar:
        ax.figure.colorbar(scale, ax=ax, label="weight")
    return ax


def feature_maps(
    nn: neural_network,
    x: ArrayLike,
    layer: int = 0,
    ax: Axes | None = None,
    *,
    channels: Iterable[int] | None = None,
    colorbar: bool = True,
) -> Axes:
    """Draw the outputs of a layer for a sample, channel by channel.

    Parameters
    ----------
    nn : neural_network
    x : array-like
        A single sample, in the shape of the network's inputs or flat.
    layer : int, default=0
        A layer whose outputs have positions; a negative one counts from the end.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    channels : iterable of int, optional
        The channels to draw, in this order; by default all.
    colorbar : bool, default=True
        Whether to draw a bar with the meaning of the colours.

    Returns
    -------
    matplotlib Axes
        The channels go from left to right, then down, with one colour scale for all; of volumes
        each is a row of its depths.

    Raises
    ------
    ValueError
        For another number of inputs, an infinity or NaN, and if the layer's outputs have no
        positions.
    IndexError
        If there is no such layer or channel.
    TypeError
        For an argument of a wrong type.
    ImportError
        If matplotlib is missing.

    Examples
    --------
    >>> import foxnn
    >>> import numpy as np
    >>> nn = foxnn.neural_network([(28, 28, 1), foxnn.Conv2D(16, 5), 10], "relu", seed=1)
    >>> ax = foxnn.plot.feature_maps(nn, np.random.default_rng(0).normal(size=(28, 28)))
    >>> ax.get_title()
    'layer 0 (Conv2D): 16 channels, each 24 x 24'
    """
    drawing.check_network(nn)
    drawing.check_axes(ax)
    index = checks.position(layer, "layer", len(nn), "a layer")
    sample, _ = nn._one_sample(x, None)
    view = nn[index]
    is_sequence = None in nn._input_shape()
    *positions, count = view.output_shape
    if not 1 <= len(positions) <= 3:
        raise ValueError(
            f"layer must give one to three axes of positions, but layer {index} ({view.kind}) "
            f"gives shape {view.output_shape}"
        )
    chosen = chosen_of(channels, "channels", count, "a channel")
    colorbar = checks.flag(colorbar, "colorbar")

    found = nn.layer_outputs([x] if is_sequence else sample)[view.name][0].astype(np.float64)
    positions = found.shape[:-1]
    values = np.moveaxis(found, -1, 0)[chosen]
    pictures = _pictures(values[:, None])
    ax = drawing.axes_or_new(ax)
    across = len(pictures) // len(chosen)
    scale = drawing.level_scale(values)
    drawing.draw_tiles(ax, pictures, scale, across if across > 1 else None)
    size = " x ".join(map(str, positions))
    ax.set_title(f"layer {index} ({view.kind}): {len(chosen)} channels, each {size}")
    if colorbar:
        ax.figure.colorbar(scale, ax=ax, label="output")
    return ax


def _pictures(values: Array) -> Array:
    """Return (filters, channels, positions...) as pictures in rows and columns."""
    positions = values.shape[2:]
    rows, columns = (1, *positions)[-2:]
    return values.reshape(-1, rows, columns)
