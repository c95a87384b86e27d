"""A network as a diagram: neurons, and lines for the weights."""

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
    r"""Draw a network as a diagram: a circle a neuron, a line a weight.

    Parameters
    ----------
    nn : neural_network
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    max_neurons : int, default=10
        Of a layer with more, the first and the last are shown, so many in all, and dots between.
    limit : float, optional
        The size of a weight from which on lines do not darken and thicken; by default the largest.
    colorbar : bool, default=True
        Whether a bar beside the Axes says what the colours mean.

    Returns
    -------
    matplotlib Axes
        Red lines are weights above 0, blue ones below; the thicker and darker, the larger.

    Raises
    ------
    ValueError, TypeError
        For an argument out of range or of a wrong type.
    ImportError
        Where matplotlib is missing.

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
