"""Loss and accuracy over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from foxnn import checks
from foxnn.checks import Array
from foxnn.plot import drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CURVES = ("loss", "val_loss", "accuracy", "val_accuracy")


def history(history: Mapping[str, Sequence[float]], ax: Axes | None = None) -> Axes:
    """Draw the loss and accuracy of training and validation over the epochs.

    Parameters
    ----------
    history : History or mapping of lists
        Its loss, val_loss, accuracy and val_accuracy are drawn, as far as it has them.
    ax : matplotlib Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib Axes
        The Axes of the loss; the accuracy has its axis on the right, the last of the figure's Axes.
        One that has nothing to show is left out. Epochs count from 0, as in the history.

    Raises
    ------
    ValueError
        If there is no epoch, neither loss nor accuracy, or lists of different lengths.
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
    kinds = [kind for kind in ("loss", "accuracy") if kind in curves or f"val_{kind}" in curves]
    epochs = len(next(iter(curves.values())))
    # Lines of few points show them: a single point would be invisible otherwise.
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
                    f"history[{name!r}] must hold one number per epoch, "
                    f"got shape {curves[name].shape}"
                )
    lengths = {name: len(values) for name, values in curves.items()}
    if not any(lengths.values()):
        got = f"no epoch of {', '.join(curves)}" if curves else ", ".join(map(str, history))
        raise ValueError(f"history must hold one of {', '.join(_CURVES)}; got {got or 'nothing'}")
    if len(set(lengths.values())) > 1:
        raise ValueError(f"history must hold as many values of each, one per epoch, got {lengths}")
    return curves
