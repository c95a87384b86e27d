"""The error of a diverged training run, and warnings; that of files is in `foxnn.formats.paths`."""

from __future__ import annotations

from typing import Any

_ADVICE = "a smaller learning rate, or scaled inputs (scale='standard' in fit)"


class DivergedError(ArithmeticError):
    """Training diverged: the loss is no longer finite. The network has its last finite weights.

    The moments of the optimizer are reset.

    Attributes
    ----------
    epoch : int or None
        The epoch in which it happened, from 0; None if there are no epochs.
    loss : float or None
        The last finite loss: the mean over the last batch that had one; None if there is none,
        and from `train_on_batch`.
    members : tuple of int
        Of a population, the members that have diverged; epoch and loss are those of the first.
    """

    def __init__(
        self,
        message: str,
        epoch: int | None = None,
        loss: float | None = None,
        members: tuple[int, ...] = (),
    ) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.loss = loss
        self.members = members

    def __reduce__(self) -> tuple[type[DivergedError], tuple[Any, ...]]:
        return type(self), (str(self), self.epoch, self.loss, self.members)

    def __getstate__(self) -> dict[str, object]:
        # The message is not an attribute.
        return {"args": self.args, **self.__dict__}


class RankError(RuntimeError):
    """Another rank of the communicator has ended a run, with an exception or altogether.

    Attributes
    ----------
    rank : int or None
        Its number; None where that is not known.
    """

    def __init__(self, message: str, rank: int | None = None) -> None:
        super().__init__(message)
        self.rank = rank

    def __reduce__(self) -> tuple[type[RankError], tuple[Any, ...]]:
        return type(self), (str(self), self.rank)

    def __getstate__(self) -> dict[str, object]:
        # The message is not an attribute.
        return {"args": self.args, **self.__dict__}


class DataWarning(UserWarning):
    """A network can hardly learn from the samples of a training.

    Inputs are so large that a first layer of sigmoid or tanh is saturated, or targets are beyond
    the range of the output activation.
    """


class ConvergenceWarning(UserWarning):
    """A training ended while the loss was still falling steeply.

    Filter it where short runs are meant: warnings.simplefilter("ignore", foxnn.ConvergenceWarning).
    """


def diverged(
    where: str, epoch: int | None = None, loss: float | None = None, advice: str = _ADVICE
) -> DivergedError:
    """Return the error with its message: where it happened, the last finite loss, what to try."""
    last = "" if loss is None else f"; the last finite loss was {loss:.6g}"
    return DivergedError(
        f"the loss or a weight is no longer finite {where}{last}; the weights are set back to the "
        f"last finite ones: try {advice}",
        epoch,
        loss,
    )
