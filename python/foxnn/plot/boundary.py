"""The outputs of a network or an estimator with two inputs, over the plane of the inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from foxnn import checks
from foxnn.plot import drawing
from foxnn.plot.predictors import Estimator, predictor_of, wanted_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from foxnn.network import neural_network


def decision_boundary(
    nn: neural_network | Estimator,
    x: ArrayLike,
    y: ArrayLike,
    ax: Axes | None = None,
    *,
    threshold: float | None = None,
    resolution: int = 300,
    colorbar: bool = True,
) -> Axes:
    """Draw the outputs of a network or estimator over the plane of its two inputs, with samples.

    With one sigmoid output, or if a threshold is given, bands of colour show the output, and a line
    shows where it crosses the threshold. With one output and no threshold, targets and outputs are
    numbers on one scale. With several outputs, regions show which is the largest.

    Parameters
    ----------
    nn : neural_network or estimator
        With two inputs. For a fitted estimator, such as those of `foxnn.sklearn` and pipelines with
        them, the probabilities are drawn, or else the predicted classes or numbers.
    x : array-like of shape (samples, 2)
        The samples. The plane extends a tenth of their range beyond them.
    y : array-like of shape (samples,), (samples, 1) or (samples, outputs)
        The targets: with one output, its values; with several, class labels or rows whose largest
        number is that of the class, such as one-hot rows. Labels may be texts: for an estimator or
        a network with `classes` they are among these; for another network they are sorted.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.
    threshold : float, optional
        With one output: where the second class begins. By default 0.5 for sigmoid, else none.
    resolution : int, default=300
        Points in each direction at which the network is evaluated.
    colorbar : bool, default=True
        Whether to draw a bar with the meaning of the colours, if the output has a scale.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        For other than two inputs, an estimator that is not fitted or answers with several labels,
        samples that do not fit, or outputs that are not finite.
    TypeError
        For an argument of a wrong type.
    ImportError
        If matplotlib is missing.

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
    drawing.check_axes(ax)
    predictor = predictor_of(nn, x)
    points = checks.matrix(x, "x", 2, "inputs", single=predictor.single).astype(np.float64)
    resolution = checks.integer(resolution, "resolution", 2, 2000)
    colorbar = checks.flag(colorbar, "colorbar")
    outputs, is_share = predictor.outputs, predictor.is_share
    if threshold is not None:
        if outputs > 1:
            raise ValueError(f"threshold is for networks with one output, got one with {outputs}")
        threshold = checks.real(threshold, "threshold", -drawing.FARTHEST, drawing.FARTHEST)
    elif is_share:
        threshold = 0.5
    wanted, classes = wanted_of(y, predictor)
    checks.same_length(points, wanted)
    if is_share and not 0 <= wanted.min() <= wanted.max() <= 1:
        wrong = wanted.min() if wanted.min() < 0 else wanted.max()
        raise ValueError(f"y must be from 0 to 1 for a sigmoid output, got {wrong:g}")

    low, high = points.min(axis=0), points.max(axis=0)
    # If all samples have the same value, a plane is drawn around it.
    around = np.where(high > low, (high - low) / 10, np.maximum(0.5, np.abs(high) / 10))
    sides = np.linspace(low - around, high + around, resolution)
    plane = np.stack(np.meshgrid(sides[:, 0], sides[:, 1]), axis=-1).reshape(-1, 2)
    answers = predictor.answer(plane).reshape(resolution, resolution, outputs)
    if not np.isfinite(answers).all():
        raise ValueError("nn must have finite outputs over the plane of x, got an infinity or NaN")

    ax = drawing.axes_or_new(ax)
    # One number per point, or one for each of several outputs.
    drawn = sides[:, 0], sides[:, 1], answers if outputs > 1 else answers[:, :, 0]
    scale = None
    if outputs > 1:
        drawing.draw_regions(ax, drawn, points, wanted, classes)
    elif threshold is None:
        scale = drawing.draw_levels(ax, drawn, points, wanted)
    else:
        bounds = (0.0, 1.0) if is_share else (answers.min(), answers.max())
        scale = drawing.draw_two_sides(ax, drawn, points, wanted, threshold, bounds, classes)
    if scale is not None and colorbar:
        ax.figure.colorbar(scale, ax=ax, label="output", format="%.3g")
    ax.set_xlim(sides[0, 0], sides[-1, 0])
    ax.set_ylim(sides[0, 1], sides[-1, 1])
    names = getattr(x, "columns", ("input 0", "input 1"))
    ax.set_xlabel(str(names[0]))
    ax.set_ylabel(str(names[1]))
    return ax
