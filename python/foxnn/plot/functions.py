"""Activations as functions of one number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from foxnn import _core, checks
from foxnn.layers import parse_activation
from foxnn.layers.activation_table import JOINING, with_aliases
from foxnn.layers.activations import ActivationPair
from foxnn.model.answers import AnsweringNetwork
from foxnn.plot import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def activations(
    names: str | ActivationPair | Iterable[str | ActivationPair] | None = None,
    ax: Axes | None = None,
    *,
    slopes: bool = False,
    reach: float = 4.0,
) -> Axes:
    """Draw activations as curves.

    Parameters
    ----------
    names : str, (str, parameters) or a list of them, optional
        `foxnn.activations()` lists the names; by default all that have a curve. Softmax has none:
        each of its outputs depends on all of its inputs.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    slopes : bool, default=False
        Whether to draw the derivatives, too, as thin lines.
    reach : float, default=4.0
        The curves go from -reach to reach; at most 100. Among others, exp is cut off at the top.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError, TypeError
        For a name, parameter or range that is not allowed.
    ImportError
        If matplotlib is missing.

    Examples
    --------
    >>> import foxnn
    >>> ax = foxnn.plot.activations(["relu", ("leaky_relu", 0.1), "tanh"])
    >>> [line.get_label() for line in ax.lines]
    ['relu', 'leaky_relu 0.1', 'tan_h']
    """
    drawing.check_axes(ax)
    neurons = [_neuron(activation) for activation in _activations(names)]
    slopes = checks.flag(slopes, "slopes")
    reach = checks.real(reach, "reach", 0.0, 100.0, open_low=True)
    ax = drawing.axes_or_new(ax)
    z = np.linspace(-reach, reach, 401)
    lowest = []
    for i, neuron in enumerate(neurons):
        out = neuron.predict(z[:, None])[:, 0]
        name, values = neuron._output_activation()
        name += "".join(f" {value:g}" for value in values)
        look: dict[str, Any] = {"color": drawing.COLOURS[i % len(drawing.COLOURS)]}
        if len(neurons) > 5:  # many overlap; dashes let those below show
            look["linestyle"] = drawing.DASHES[i % len(drawing.DASHES)]
        ax.plot(z, out, label=name, **look)
        lowest.append(out.min())
        if slopes:
            slope = neuron.gradient(z[:, None], output=0)[:, 0]
            ax.plot(z, slope, label=f"slope of {name}", linewidth=0.8, **look)
            lowest.append(slope.min())
    ax.set_xlabel("z")
    ax.set_ylabel("activation")
    ax.set_xlim(-reach, reach)
    if len(neurons) > 1 and ax.get_ylim()[1] > (top := 1.1 * max(reach, 2.0)):
        # One that grows faster than its input would flatten the others.
        ax.set_ylim(min(lowest) - 0.1 * reach, top)
    ax.grid(alpha=0.3)
    ax.legend(loc="best", ncols=1 + (len(ax.lines) > 6))
    return ax


def _activations(names: Any) -> list[Any]:
    """Return the activations that are to be drawn, as `neural_network` takes them."""
    if names is None:
        return [name for name in _core.activations() if name not in JOINING]
    is_pair = isinstance(names, tuple) and len(names) == 2 and not isinstance(names[1], str)
    if isinstance(names, str) or (is_pair and isinstance(names[0], str)):
        return [names]
    given = checks.items(names, "names must be names of activations or (name, parameters) pairs")
    if not given:
        raise ValueError("names must hold at least one activation, got none")
    return given


def _neuron(activation: Any) -> AnsweringNetwork:
    """Return a network of one neuron whose output is the activation of its input."""
    if (name := parse_activation(activation, "names")[0]) in with_aliases(JOINING):
        raise ValueError(
            f"names must be those of activations with a curve, got {name!r}: "
            "each of its outputs depends on all of its inputs"
        )
    try:
        neuron = AnsweringNetwork([1, 1], activation, init="zeros", dtype="float64", seed=0)
    except ValueError as error:
        raise ValueError(f"names: {error}") from None
    neuron[0].weights = [[1.0]]
    return neuron
