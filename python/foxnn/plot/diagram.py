"""A network as a diagram: circles for neurons, and lines for weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from foxnn import checks
from foxnn.layers.chain import plain_layers
from foxnn.plot import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from foxnn.network import neural_network


def network(
    nn: neural_network,
    ax: Axes | None = None,
    *,
    max_neurons: int = 10,
    limit: float | None = None,
    colorbar: bool = True,
) -> Axes:
    r"""Draw a network as a diagram: a circle for each neuron, a line for each weight.

    Parameters
    ----------
    nn : neural_network
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    max_neurons : int, default=10
        Of a layer with more, only this many are shown, the first and the last, with dots between.
    limit : float, optional
        The size beyond which weights no longer get darker and thicker; by default the largest.
    colorbar : bool, default=True
        Whether to draw a bar with the meaning of the colours.

    Returns
    -------
    matplotlib Axes
        Red lines are positive weights, blue ones negative; larger weights are thicker and darker.

    Raises
    ------
    ValueError, TypeError
        For an argument out of range or of a wrong type.
    ImportError
        If matplotlib is missing.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([3, 5, 4, 2], seed=1)
    >>> ax = foxnn.plot.network(nn)
    >>> [text.get_text() for text in ax.texts]
    ['3\ninputs', '5\nsigmoid', '4\nsigmoid', '2\nsigmoid']
    """
    drawing.check_network(nn)
    drawing.check_axes(ax)
    most = checks.integer(max_neurons, "max_neurons", 2)
    layers = plain_layers(nn, "the diagram", "summary prints its layers")
    parts = [layer.weights.astype(np.float64) for layer in layers]
    largest = max(np.abs(part).max() for part in parts)
    limit = drawing.limit_of(limit, largest)
    colorbar = checks.flag(colorbar, "colorbar")

    names = ["inputs" if nn.sizes[0] > 1 else "input"]
    names += [layer.activation for layer in layers]
    scale = drawing.weight_scale(limit, largest)
    ax = drawing.axes_or_new(ax, drawing.size_of_diagram(nn.sizes, most))
    drawing.draw_layers(ax, parts, names, most, scale)
    if colorbar:
        ax.figure.colorbar(scale, ax=ax, label="weight", shrink=0.8)
    return ax
