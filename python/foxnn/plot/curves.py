"""Loss and accuracy over the epochs, of a network or of the members of a population; scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.plot import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CURVES = ("loss", "val_loss", "accuracy", "val_accuracy")
_SCORES = ("best", "mean")


def history(history: Mapping[str, Sequence[float] | Array], ax: Axes | None = None) -> Axes:
    """Draw the loss and accuracy of training and validation over the epochs.

    Of a population, lines are the medians of the members that were trained in an epoch, and bands
    go from the least to the largest. Of an evolution, the scores are drawn over the generations.

    Parameters
    ----------
    history : History, PopulationHistory, EvolutionHistory or mapping of lists
        Its loss, val_loss, accuracy and val_accuracy are drawn, as far as it has them; else its
        best and mean, the scores of an evolution. Those of a population are arrays of shape
        (members, epochs), NaN where a member was not trained any more.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib Axes
        The Axes of the loss; the accuracy has its axis on the right, the last of the figure's Axes.
        One that has nothing to show is left out. Epochs and generations count from 0, as in the
        history.

    Raises
    ------
    ValueError
        If there is no epoch, no loss, accuracy or score, or lists of different lengths.
    ImportError
        If matplotlib is missing.

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
    if "best" in curves or "mean" in curves:
        return _scores(curves, ax)
    kinds = [kind for kind in ("loss", "accuracy") if kind in curves or f"val_{kind}" in curves]
    epochs = next(iter(curves.values())).shape[-1]
    # Lines of few points show them: a single point would be invisible otherwise.
    marker = "o" if epochs <= 10 else ""
    lines = []
    for i, kind in enumerate(kinds):
        place = ax if i == 0 else ax.twinx()
        colour = {"loss": drawing.COLOURS[0], "accuracy": drawing.COLOURS[2]}[kind]
        for name, dashes, of in ((kind, "-", "training"), (f"val_{kind}", "--", "validation")):
            if name in curves:
                look: dict[str, Any] = {"color": colour, "linestyle": dashes, "marker": marker}
                lines += _line(place, curves[name], f"{kind}, {of}", look)
        place.set_ylabel(kind)
        if len(kinds) > 1:
            place.yaxis.label.set_color(colour)
    bottom, top = place.get_ylim()
    if kinds[-1] == "accuracy" and bottom < 1 < top:
        place.set_ylim(top=min(top, 1 + (1 - bottom) / 50))
    _count_from_0(ax, epochs, "epoch")
    # Above its twin, so that no line crosses the legend.
    ax.set_zorder(place.get_zorder() + 1)
    ax.patch.set_visible(len(kinds) == 1)
    ax.legend(handles=lines, loc="center right" if len(kinds) > 1 else "best")
    return ax


def _line(ax: Axes, values: Array, label: str, look: dict[str, Any]) -> list[Any]:
    """Draw a number an epoch, or the median and the ends of one a member and epoch."""
    if values.ndim == 1:
        return list(ax.plot(values, label=label, **look))
    there = np.flatnonzero(~np.isnan(values).all(axis=0))
    some = values[:, there]
    ends = np.nanmin(some, axis=0), np.nanmax(some, axis=0)
    ax.fill_between(there, *ends, color=look["color"], alpha=0.15, linewidth=0)
    return list(ax.plot(there, np.nanmedian(some, axis=0), label=label, **look))


def _scores(curves: dict[str, Array], ax: Axes) -> Axes:
    """Draw the scores of an evolution."""
    generations = next(iter(curves.values())).shape[-1]
    marker = "o" if generations <= 10 else ""
    for name, colour in zip(_SCORES, (drawing.COLOURS[2], drawing.COLOURS[0]), strict=True):
        if name in curves:
            ax.plot(curves[name], color=colour, marker=marker, label=name)
    _count_from_0(ax, generations, "generation")
    ax.set_ylabel("score")
    ax.legend()
    return ax


def _count_from_0(ax: Axes, count: int, what: str) -> None:
    """Let the horizontal axis count."""
    ticker = drawing.matplotlib("ticker")
    ax.xaxis.set_major_locator(ticker.MaxNLocator(steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    if count == 1:
        ax.set_xlim(-0.5, 0.5)
    ax.set_xlabel(what)
    ax.grid(alpha=0.3)


def _curves(history: Mapping[str, Sequence[float] | Array]) -> dict[str, Array]:
    if not isinstance(history, Mapping):
        raise TypeError(
            "history must be what fit or evolve returns or a mapping of lists by name, "
            f"got {checks.shown(history)}"
        )
    names = [name for name in _CURVES if name in history] or [n for n in _SCORES if n in history]
    curves: dict[str, Array] = {}
    for name in names:
        values = checks.as_array(history[name], f"history[{name!r}]")
        if values.ndim not in (1, 2):
            raise ValueError(
                f"history[{name!r}] must hold one number per epoch, or one per member and epoch, "
                f"got shape {values.shape}"
            )
        curves[name] = values
    lengths = {name: values.shape[-1] for name, values in curves.items()}
    if not any(lengths.values()):
        got = f"no epoch of {', '.join(curves)}" if curves else ", ".join(map(str, history))
        wanted = ", ".join((*_CURVES, *_SCORES))
        raise ValueError(f"history must hold one of {wanted}; got {got or 'nothing'}")
    if len(set(lengths.values())) > 1:
        raise ValueError(f"history must hold as many values of each, one per epoch, got {lengths}")
    return curves
