"""The weights of neurons as pictures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from foxnn import checks
from foxnn.layers.kinds import with_article
from foxnn.plot import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from foxnn.network import neural_network


def weights(
    nn: neural_network,
    layer: int = 0,
    ax: Axes | None = None,
    *,
    shape: tuple[int, int] | None = None,
    neurons: Iterable[int] | None = None,
    limit: float | None = None,
    colorbar: bool = True,
) -> Axes:
    """Draw the weights of each neuron of a layer as a picture, if its inputs are an image.

    Parameters
    ----------
    nn : neural_network
    layer : int, default=0
        A negative one counts from the end.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    shape : (int, int), optional
        The rows and columns of the image whose pixels are the inputs, row by row; by default it is
        square.
    neurons : iterable of int, optional
        The neurons to draw, in this order; by default all.
    limit : float, optional
        The size beyond which weights no longer get darker; by default the size that one weight in
        200 of the layer exceeds, so that a few large weights do not make the others pale.
    colorbar : bool, default=True
        Whether to draw a bar with the meaning of the colours.

    Returns
    -------
    matplotlib Axes
        The pictures go from left to right, then down, with one colour scale for all.

    Raises
    ------
    ValueError
        If the inputs are not a square image, or not an image of that shape, or the layer is not
        dense.
    IndexError
        If there is no such layer or neuron.
    TypeError
        For an argument of a wrong type.
    ImportError
        If matplotlib is missing.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([64, 12, 10], seed=1)
    >>> ax = foxnn.plot.weights(nn)
    >>> ax.get_title()
    'layer 0: 12 neurons, each 8 x 8'
    """
    drawing.check_network(nn)
    drawing.check_axes(ax)
    index = checks.position(layer, "layer", len(nn), "a layer")
    if (kind := nn[index].kind) != "Dense":
        there = f"layer {index} is {with_article(kind)}{_hint(kind)}"
        raise ValueError(f"layer must be a dense layer, but {there}")
    values = nn[index].weights.T.astype(np.float64)
    rows, columns = _picture(shape, values.shape[1], index)
    chosen = chosen_of(neurons, "neurons", len(values), "a neuron", "them")
    largest = np.abs(values).max()
    limit = drawing.limit_of(limit, np.quantile(np.abs(values), 0.995) or largest)
    colorbar = checks.flag(colorbar, "colorbar")

    scale = drawing.weight_scale(limit, largest)
    pictures = values[chosen].reshape(len(chosen), rows, columns)
    ax = drawing.axes_or_new(ax)
    drawing.draw_tiles(ax, pictures, scale)
    ax.set_title(f"layer {index}: {len(chosen)} neurons, each {rows} x {columns}")
    if colorbar:
        ax.figure.colorbar(scale, ax=ax, label="weight")
    return ax


def _hint(kind: str) -> str:
    return ": foxnn.plot.filters draws it" if kind.startswith("Conv") else ""


def _picture(shape: object, inputs: int, layer: int) -> tuple[int, int]:
    """Return the rows and columns of the image that a layer's inputs are."""
    if shape is None:
        side = math.isqrt(inputs)
        if side * side != inputs:
            raise ValueError(
                f"shape must be given, (rows, columns), if the inputs are not a square image: "
                f"layer {layer} has {inputs} inputs"
            )
        return side, side
    wanted = "shape must be (rows, columns)"
    is_list = isinstance(shape, Sequence | np.ndarray) and not isinstance(shape, str)
    numbers = checks.items(shape, wanted, 3) if is_list else []
    if len(numbers) != 2:
        raise TypeError(f"{wanted}, got {checks.shown(shape)}")
    rows, columns = (checks.integer(number, "shape", 1) for number in numbers)
    if rows * columns != inputs:
        raise ValueError(
            f"shape must be rows and columns of the {inputs} inputs of layer {layer}, "
            f"got {rows} x {columns} = {rows * columns}"
        )
    return rows, columns


def chosen_of(given: Any, name: str, count: int, what: str, listed: str = "numbers") -> list[int]:
    """Return the positions to be drawn, by default all."""
    if given is None:
        return list(range(count))
    items = checks.items(given, f"{name} must be a list of {listed}")
    if not items:
        raise ValueError(f"{name} must name at least one, got none")
    return [checks.position(i, f"{name}[{k}]", count, what) for k, i in enumerate(items)]
