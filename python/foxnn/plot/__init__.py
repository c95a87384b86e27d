"""Pictures of trainings and networks, drawn with matplotlib: pip install "foxnn[plot]".

Each function draws on the Axes that it is given, or in a new figure of pyplot, and returns the
Axes. Nothing is shown before matplotlib.pyplot.show is called.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.layers import Activation, parse_activation
from foxnn.network import neural_network
from foxnn.plot import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Numbers beyond these, or as near to 0, overflow in matplotlib.
_FARTHEST = 1e100

_CURVES = ("loss", "val_loss", "accuracy", "val_accuracy")


def history(history: Mapping[str, Sequence[float]], ax: Axes | None = None) -> Axes:
    """Draw loss and accuracy over the epochs, of the training and of the validation.

    Parameters
    ----------
    history : History or mapping of lists
        Of what it holds, loss, val_loss, accuracy and val_accuracy are drawn.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib Axes
        That of the loss; the accuracy has a twin at the right, the last of the figure's Axes. Of
        the two, one that has nothing to show is left out. Epochs count from 0, as in the history.

    Raises
    ------
    ValueError
        Where there is no epoch, neither loss nor accuracy, or lists of different length.
    ImportError
        Where matplotlib is missing.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([2, 4, 1], seed=1)
    >>> history = nn.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], epochs=20)
    >>> ax = foxnn.plot.history(history)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('epoch', 'loss')
    """
    drawing.check_axes(ax)
    curves = _curves(history)
    ax = drawing.axes_or_new(ax)
    kinds = [kind for kind in ("loss", "accuracy") if kind in curves or f"val_{kind}" in curves]
    epochs = len(next(iter(curves.values())))
    # A line of few points shows them: one of a single point is nothing else.
    marker = "o" if epochs <= 10 else ""
    lines = []
    for i, kind in enumerate(kinds):
        place = ax if i == 0 else ax.twinx()
        colour = {"loss": drawing.COLOURS[0], "accuracy": drawing.COLOURS[2]}[kind]
        for name, dashes, of in ((kind, "-", "training"), (f"val_{kind}", "--", "validation")):
            if name in curves:
                look: dict[str, Any] = {"color": colour, "linestyle": dashes, "marker": marker}
                lines += place.plot(curves[name], label=f"{kind}, {of}", **look)
        place.set_ylabel(kind)
        if len(kinds) > 1:
            place.yaxis.label.set_color(colour)
    bottom, top = place.get_ylim()
    if kinds[-1] == "accuracy" and bottom < 1 < top:
        place.set_ylim(top=min(top, 1 + (1 - bottom) / 50))
    ticker = drawing.matplotlib("ticker")
    ax.xaxis.set_major_locator(ticker.MaxNLocator(steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    if epochs == 1:
        ax.set_xlim(-0.5, 0.5)
    ax.set_xlabel("epoch")
    ax.grid(alpha=0.3)
    # Above its twin, so that no line crosses the legend.
    ax.set_zorder(place.get_zorder() + 1)
    ax.patch.set_visible(len(kinds) == 1)
    ax.legend(handles=lines, loc="center right" if len(kinds) > 1 else "best")
    return ax


def _curves(history: Mapping[str, Sequence[float]]) -> dict[str, Array]:
    if not isinstance(history, Mapping):
        raise TypeError(
            "history must be what fit returns or a mapping of lists by name, "
            f"got {checks.shown(history)}"
        )
    curves: dict[str, Array] = {}
    for name in _CURVES:
        if name in history:
            curves[name] = checks.as_array(history[name], f"history[{name!r}]")
            if curves[name].ndim != 1:
                raise ValueError(
                    f"history[{name!r}] must hold one number an epoch, "
                    f"got shape {curves[name].shape}"
                )
    lengths = {name: len(values) for name, values in curves.items()}
    if not any(lengths.values()):
        got = f"no epoch of {', '.join(curves)}" if curves else ", ".join(map(str, history))
        raise ValueError(f"history must hold one of {', '.join(_CURVES)}; got {got or 'nothing'}")
    if len(set(lengths.values())) > 1:
        raise ValueError(f"history must hold as many values of each, one an epoch, got {lengths}")
    return curves


def decision_boundary(
    nn: neural_network,
    x: ArrayLike,
    y: ArrayLike,
    ax: Axes | None = None,
    *,
    threshold: float | None = None,
    resolution: int = 300,
    colorbar: bool = True,
) -> Axes:
    """Draw what a network of two inputs answers over their plane, and samples on it.

    With one output behind sigmoid, or where a threshold is given, bands of colour show the output
    and a line where it crosses the threshold. With one output and no threshold, samples and
    answers are numbers on one scale. With several outputs, regions show which is the largest.

    Parameters
    ----------
    nn : neural_network
        Of two inputs.
    x : array-like of shape (samples, 2)
        The part of the plane that is drawn reaches a tenth beyond them.
    y : array-like of shape (samples,), (samples, 1) or (samples, outputs)
        With one output, what is wanted of it; with several, class labels or rows whose largest
        number is that of the class, such as one-hot rows.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    threshold : float, optional
        With one output: where the second class begins. By default 0.5 behind sigmoid, else none.
    resolution : int, default=300
        Points at which the network is asked, in either direction.
    colorbar : bool, default=True
        Whether a bar beside the Axes says what the colours mean, where the output has a scale.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        For a network of other than two inputs, samples that do not fit it, or a network whose
        outputs there are not finite.
    TypeError
        For an argument of a wrong type.
    ImportError
        Where matplotlib is missing.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([2, 8, 1], "tanh", "sigmoid", seed=1)
    >>> x, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> history = nn.fit(x, y, epochs=500, learning_rate=0.05)
    >>> ax = foxnn.plot.decision_boundary(nn, x, y)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('input 0', 'input 1')
    """
    _check_network(nn)
    nn._check_names(x, "x")
    drawing.check_axes(ax)
    if nn.sizes[0] != 2:
        raise ValueError(f"nn must have 2 inputs, which span a plane, got {nn.sizes[0]}")
    points = checks.matrix(x, "x", 2, "inputs", single=nn.dtype == "float32").astype(np.float64)
    resolution = checks.integer(resolution, "resolution", 2, 2000)
    colorbar = checks.flag(colorbar, "colorbar")
    outputs = nn.sizes[-1]
    # A sigmoid's output is a share of the second class, unless it is scaled to something else.
    is_share = nn[-1].get_name_activation_function() == "sigmoid" and nn.output_scaler is None
    if threshold is not None:
        if outputs > 1:
            raise ValueError(f"threshold is for networks of one output, this one has {outputs}")
        threshold = checks.real(threshold, "threshold", -_FARTHEST, _FARTHEST)
    elif outputs == 1 and is_share:
        threshold = 0.5
    wanted = _wanted(y, outputs)
    checks.same_length(points, wanted)
    if outputs == 1 and is_share and not 0 <= wanted.min() <= wanted.max() <= 1:
        wrong = wanted.min() if wanted.min() < 0 else wanted.max()
        raise ValueError(f"y must be from 0 to 1 for an output behind sigmoid, got {wrong:g}")

    low, high = points.min(axis=0), points.max(axis=0)
    # Where all samples have one value, there is still a plane around it.
    around = np.where(high > low, (high - low) / 10, np.maximum(0.5, np.abs(high) / 10))
    sides = np.linspace(low - around, high + around, resolution)
    plane = np.stack(np.meshgrid(sides[:, 0], sides[:, 1]), axis=-1).reshape(-1, 2)
    answers = nn.predict(plane).astype(np.float64).reshape(resolution, resolution, outputs)
    if not np.isfinite(answers).all():
        raise ValueError("nn must have finite outputs over the plane of x, got an infinity or NaN")

    ax = drawing.axes_or_new(ax)
    # A number a point, or with several outputs as many.
    drawn = sides[:, 0], sides[:, 1], answers if outputs > 1 else answers[:, :, 0]
    scale = None
    if outputs > 1:
        drawing.draw_regions(ax, drawn, points, wanted)
    elif threshold is None:
        scale = drawing.draw_levels(ax, drawn, points, wanted)
    else:
        bounds = (0.0, 1.0) if is_share else (answers.min(), answers.max())
        scale = drawing.draw_two_sides(ax, drawn, points, wanted, threshold, bounds)
    if scale is not None and colorbar:
        ax.figure.colorbar(scale, ax=ax, label="output", format="%.3g")
    ax.set_xlim(sides[0, 0], sides[-1, 0])
    ax.set_ylim(sides[0, 1], sides[-1, 1])
    names = getattr(x, "columns", ("input 0", "input 1"))
    ax.set_xlabel(str(names[0]))
    ax.set_ylabel(str(names[1]))
    return ax


def _wanted(y: ArrayLike, outputs: int) -> Array:
    """Return class labels, or with one output what is wanted of it, one number a sample."""
    array = checks.as_array(y, "y")
    if outputs == 1:
        column = checks.targets(array, "y", 1, loss="mse", single=False)
        return column[:, 0].astype(np.float64)
    if array.ndim == 1:
        return checks.targets(array, "y", outputs, loss="cross_entropy", single=False)
    labels: Array = checks.matrix(array, "y", outputs, "outputs").argmax(axis=1)
    return labels


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
    """Draw the weights of each neuron of a layer as a picture, where its inputs are one.

    Parameters
    ----------
    nn : neural_network
    layer : int, default=0
        A negative one counts from the end.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    shape : (int, int), optional
        Rows and columns of the picture that the inputs are, row by row; by default it is square.
    neurons : iterable of int, optional
        Those to draw, in this order; by default all.
    limit : float, optional
        The size of a weight from which on colours do not darken; by default that which one weight
        of the layer in two hundred exceeds, so that a few large ones do not pale the others.
    colorbar : bool, default=True
        Whether a bar beside the Axes says what the colours mean.

    Returns
    -------
    matplotlib Axes
        The pictures go from left to right, then down. All have one scale of colours.

    Raises
    ------
    ValueError
        Where the inputs are no square picture, or not one of that shape.
    IndexError
        Where there is no such layer or neuron.
    TypeError
        For an argument of a wrong type.
    ImportError
        Where matplotlib is missing.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([64, 12, 10], seed=1)
    >>> ax = foxnn.plot.weights(nn)
    >>> ax.get_title()
    'layer 0: 12 neurons, each 8 x 8'
    """
    _check_network(nn)
    drawing.check_axes(ax)
    index = checks.position(layer, "layer", len(nn), "a layer")
    values = nn[index].weights.T.astype(np.float64)
    rows, columns = _picture(shape, values.shape[1], index)
    chosen = _neurons(neurons, len(values))
    largest = np.abs(values).max()
    limit = _limit(limit, np.quantile(np.abs(values), 0.995) or largest)
    colorbar = checks.flag(colorbar, "colorbar")

    scale = drawing.weight_scale(limit, largest)
    pictures = values[chosen].reshape(len(chosen), rows, columns)
    ax = drawing.axes_or_new(ax)
    drawing.draw_tiles(ax, pictures, scale)
    ax.set_title(f"layer {index}: {len(chosen)} neurons, each {rows} x {columns}")
    if colorbar:
        ax.figure.colorbar(scale, ax=ax, label="weight")
    return ax


def _picture(shape: object, inputs: int, layer: int) -> tuple[int, int]:
    """Return the rows and columns of the picture that a layer's inputs are."""
    if shape is None:
        side = math.isqrt(inputs)
        if side * side != inputs:
            raise ValueError(
                f"shape must be given, (rows, columns), where inputs are no square picture: "
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


def _neurons(neurons: Any, count: int) -> list[int]:
    if neurons is None:
        return list(range(count))
    given = checks.items(neurons, "neurons must be a list of them")
    if not given:
        raise ValueError("neurons must name at least one, got none")
    return [checks.position(i, f"neurons[{k}]", count, "a neuron") for k, i in enumerate(given)]


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
    _check_network(nn)
    drawing.check_axes(ax)
    most = checks.integer(max_neurons, "max_neurons", 2)
    parts = [part.weights.astype(np.float64) for part in nn]
    largest = max(np.abs(part).max() for part in parts)
    limit = _limit(limit, largest)
    colorbar = checks.flag(colorbar, "colorbar")

    names = ["inputs" if nn.sizes[0] > 1 else "input"]
    names += [part.get_name_activation_function() for part in nn]
    scale = drawing.weight_scale(limit, largest)
    ax = drawing.axes_or_new(ax, drawing.size_of_diagram(nn.sizes, most))
    drawing.draw_layers(ax, parts, names, most, scale)
    if colorbar:
        ax.figure.colorbar(scale, ax=ax, label="weight", shrink=0.8)
    return ax


def _limit(limit: object, usual: float) -> float:
    """Return the weight of full colour: as asked for or the usual one, if there is any."""
    if limit is None:
        return usual or 1.0
    asked = checks.real(limit, "limit", 0.0, _FARTHEST, open_low=True)
    return max(asked, 1.0 / _FARTHEST)


def activations(
    names: str | Activation | Iterable[str | Activation] | None = None,
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
        what it answers for a neuron hangs on the others.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    slopes : bool, default=False
        Whether to draw the slopes, too, in thin lines.
    reach : float, default=4.0
        The curves go from -reach to reach; at most 100. Among others, exp leaves at the top.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError, TypeError
        For a name, parameter or range that is not allowed.
    ImportError
        Where matplotlib is missing.

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
        parameters = "".join(f" {value:g}" for value in neuron[0].activation_parameters)
        name = neuron[0].get_name_activation_function() + parameters
        look: dict[str, Any] = {"color": drawing.COLOURS[i % len(drawing.COLOURS)]}
        if len(neurons) > 5:  # so many lie on each other: through the dashes one sees those below
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
        # One that grows faster than its input would press the others flat.
        ax.set_ylim(min(lowest) - 0.1 * reach, top)
    ax.grid(alpha=0.3)
    ax.legend(loc="best", ncols=1 + (len(ax.lines) > 6))
    return ax


def _activations(names: Any) -> list[Any]:
    """Return the activations that are to be drawn, as `neural_network` takes them."""
    if names is None:
        return [name for name in _core.activations() if name != "softmax"]
    is_pair = isinstance(names, tuple) and len(names) == 2 and not isinstance(names[1], str)
    if isinstance(names, str) or (is_pair and isinstance(names[0], str)):
        return [names]
    given = checks.items(names, "names must be names of activations or (name, parameters) pairs")
    if not given:
        raise ValueError("names must hold at least one activation, got none")
    return given


def _neuron(activation: Any) -> neural_network:
    """Return a network of one neuron whose output is the activation of its input."""
    if parse_activation(activation, "names")[0] == "softmax":
        raise ValueError(
            "names must be of activations that have a curve, got 'softmax': "
            "what it answers for a neuron hangs on the others"
        )
    try:
        neuron = neural_network([1, 1], activation, init="zeros", dtype="float64", seed=0)
    except ValueError as error:
        raise ValueError(f"names: {error}") from None
    neuron[0].weights = [[1.0]]
    return neuron


def _check_network(nn: object) -> None:
    if not isinstance(nn, neural_network) or "_settings" not in vars(nn):  # or was not made
        raise TypeError(f"nn must be a foxnn.neural_network, got {checks.shown(nn)}")
