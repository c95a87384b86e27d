"""A callback that ends a training within an epoch, as a page does that is left there."""

from __future__ import annotations

from collections.abc import Mapping

from foxnn import checks


class stop_after:
    """A callback of `fit` that ends the training after so many steps.

    Parameters
    ----------
    steps : int
        Of a batch each, at least 1; those of earlier epochs count.

    Examples
    --------
    >>> import foxnn
    >>> from foxnn.playing import stop_after
    >>> nn = foxnn.neural_network([1, 1], "identity", seed=1)
    >>> x = y = [[0.0], [1.0], [2.0]]
    >>> history = nn.fit(x, y, epochs=9, batch_size=1, callbacks=stop_after(4))
    >>> len(history["loss"])  # an epoch of three steps, and one of a single step
    2
    """

    def __init__(self, steps: int) -> None:
        self._left = checks.integer(steps, "steps", 1)

    def on_batch_end(self, batch: int, logs: Mapping[str, float]) -> bool:
        """Return whether it was the last step."""
        self._left -= 1
        return self._left <= 0
