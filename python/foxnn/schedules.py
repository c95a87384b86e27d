"""Learning rate schedules, for the argument `schedule` of `fit`.

>>> import foxnn
>>> rate = foxnn.schedules.step(every=10, factor=0.5)
>>> [rate(epoch, learning_rate=0.1) for epoch in (0, 9, 10, 20)]
[0.1, 0.1, 0.05, 0.025]
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from foxnn import checks
from foxnn.checks.keywords import answering
from foxnn.checks.unpickling import Constants

# What is said of a number too many: elsewhere the rate comes first.
_RATE = "a schedule is a share of fit(learning_rate=...)"


class Schedule:
    """Base class of the schedules: a fraction of the learning rate for each epoch, from 0.

    `fit` passes its `learning_rate` on to a schedule. A plain function gets only the epoch, and
    returns the rate itself.
    """

    def __call__(self, epoch: int, learning_rate: float = 1.0) -> float:
        """Return the learning rate of an epoch.

        Parameters
        ----------
        epoch : int
            From 0.
        learning_rate : float, default=1.0
            The rate that the schedule scales; above 0.

        Returns
        -------
        float

        Raises
        ------
        ValueError, TypeError
            For an epoch below 0, or a rate that is not a finite number above 0.
        """
        number = checks.integer(epoch, "epoch", 0)
        return checks.real(learning_rate, "learning_rate", 0.0, open_low=True) * self._share(number)

    def _share(self, epoch: int) -> float:
        raise NotImplementedError(f"{type(self).__name__} does not say the rate of an epoch")


@answering(_RATE)
@dataclass(frozen=True)
class constant(Constants, Schedule):
    """The same rate in every epoch.

    Examples
    --------
    >>> import foxnn
    >>> foxnn.schedules.constant()(7, learning_rate=0.1)
    0.1
    """

    def _share(self, epoch: int) -> float:
        return 1.0


@answering(_RATE)
@dataclass(frozen=True)
class step(Constants, Schedule):
    """A rate that drops every few epochs: rate * factor^floor(epoch / every).

    Parameters
    ----------
    every : int
        Number of epochs between drops, at least 1.
    factor : float, default=0.1
        Multiplies the rate at each drop; above 0 and at most 1.

    Examples
    --------
    >>> import foxnn
    >>> rate = foxnn.schedules.step(2, factor=0.5)
    >>> [rate(epoch) for epoch in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        self._keep(
            every=_epochs(self.every, "every"),
            factor=checks.real(self.factor, "factor", 0.0, 1.0, open_low=True),
        )

    def _share(self, epoch: int) -> float:
        return self.factor ** (epoch // self.every)


@answering(_RATE)
@dataclass(frozen=True)
class exponential(Constants, Schedule):
    """A rate that decays by the same factor in every epoch: rate * decay^epoch.

    Parameters
    ----------
    decay : float
        Multiplies the rate after each epoch; above 0 and at most 1.

    Examples
    --------
    >>> import foxnn
    >>> rate = foxnn.schedules.exponential(0.5)
    >>> [rate(epoch) for epoch in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """

    decay: float

    def __post_init__(self) -> None:
        self._keep(decay=checks.real(self.decay, "decay", 0.0, 1.0, open_low=True))

    def _share(self, epoch: int) -> float:
        return self.decay**epoch


@answering(_RATE)
@dataclass(frozen=True)
class cosine(Constants, Schedule):
    """A rate that decays along half a cosine wave, slowly at both ends.

    rate * (final + (1 - final) * (1 + cos(pi * epoch / epochs)) / 2), and rate * final from
    epoch `epochs` on (Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm
    restarts", 2017, equation 5, without restarts).

    Parameters
    ----------
    epochs : int
        Number of epochs over which the rate decays, at least 1. Epochs 0 to `epochs` - 1 all have a
        rate above 0; with final=0, training cannot last longer.
    final : float, default=0.0
        The fraction of the rate at the end, from 0 to 1.

    Examples
    --------
    >>> import foxnn
    >>> rate = foxnn.schedules.cosine(4, final=0.1)
    >>> [round(rate(epoch), 4) for epoch in range(6)]
    [1.0, 0.8682, 0.55, 0.2318, 0.1, 0.1]
    """

    epochs: int
    final: float = 0.0

    def __post_init__(self) -> None:
        self._keep(
            epochs=_epochs(self.epochs, "epochs"),
            final=checks.real(self.final, "final", 0.0, 1.0),
        )

    def _share(self, epoch: int) -> float:
        # (1 + cos(t)) / 2 = sin((pi - t) / 2)^2, which stays above 0 just before the end.
        left = max(self.epochs - epoch, 0) / self.epochs
        wave: float = math.sin(math.pi / 2 * left) ** 2
        return self.final + (1.0 - self.final) * wave


@answering(_RATE)
@dataclass(frozen=True)
class inverse(Constants, Schedule):
    """A rate inversely proportional to the epoch: rate / (1 + decay * epoch).

    Its sum over the epochs diverges and that of its square converges: with such rates, stochastic
    approximation converges (Robbins and Monro, "A stochastic approximation method", 1951;
    Bottou, "Stochastic gradient descent tricks", 2012, section 5.2, in this form).

    Parameters
    ----------
    decay : float
        At least 0; the rate has halved after 1 / `decay` epochs.

    Examples
    --------
    >>> import foxnn
    >>> rate = foxnn.schedules.inverse(0.5)
    >>> [rate(epoch) for epoch in (0, 2, 6)]
    [1.0, 0.5, 0.25]
    """

    decay: float

    def __post_init__(self) -> None:
        self._keep(decay=checks.real(self.decay, "decay", 0.0))

    def _share(self, epoch: int) -> float:
        return 1.0 / (1.0 + self.decay * epoch)


@answering(_RATE)
@dataclass(frozen=True)
class warmup(Constants, Schedule):
    """A rate that first rises in equal steps, and then follows another schedule.

    rate * (epoch + 1) / (epochs + 1) in the epochs 0 to `epochs` - 1; from epoch `epochs` on
    then(epoch - epochs), which begins with the full rate (Goyal et al., "Accurate, large minibatch
    SGD: training ImageNet in 1 hour", 2017, section 2.2, by epochs).

    Parameters
    ----------
    epochs : int
        Number of epochs over which the rate rises, at least 1.
    then : foxnn.schedules.Schedule, optional
        The schedule after that, which counts its epochs from there; by default the rate stays
        constant.

    Examples
    --------
    >>> import foxnn
    >>> rate = foxnn.schedules.warmup(3, then=foxnn.schedules.exponential(0.5))
    >>> [rate(epoch) for epoch in range(6)]
    [0.25, 0.5, 0.75, 1.0, 0.5, 0.25]
    """

    epochs: int
    then: Schedule | None = None

    def __post_init__(self) -> None:
        self._keep(epochs=_epochs(self.epochs, "epochs"))
        if self.then is not None and not _says_rates(self.then):
            raise TypeError(
                "then must be one of foxnn.schedules, made with its parameters, or None, "
                f"got {checks.shown(self.then)}"
            )

    def _share(self, epoch: int) -> float:
        if epoch < self.epochs:
            return (epoch + 1) / (self.epochs + 1)
        return 1.0 if self.then is None else self.then._share(epoch - self.epochs)


def _epochs(value: object, name: str) -> int:
    if isinstance(value, float):
        raise TypeError(
            f"{name} must be an integer at least 1, a number of epochs, got {value}; {_RATE}"
        )
    return checks.integer(value, name, 1)


def _says_rates(schedule: object) -> bool:
    # Not the base class, and not an object made without its constructor.
    if not isinstance(schedule, Schedule) or type(schedule)._share is Schedule._share:
        return False
    names = getattr(type(schedule), "__dataclass_fields__", {})
    return all(hasattr(schedule, name) for name in names)


def rate_of(schedule: object, epoch: int, learning_rate: float) -> float:
    """Return the learning rate of an epoch for the user's `schedule`.

    Parameters
    ----------
    schedule : foxnn.schedules.Schedule, callable or None
        None keeps the rate constant; a plain function gets the epoch and returns the rate.
    epoch : int
        From 0.
    learning_rate : float
        Above 0.

    Returns
    -------
    float
        A finite number above 0.

    Raises
    ------
    ValueError
        If the schedule returns anything else.
    TypeError
        If it is not callable.

    Examples
    --------
    >>> from foxnn.schedules import exponential, rate_of
    >>> rates = [None, exponential(0.5), lambda epoch: 1 / (1 + epoch)]
    >>> [rate_of(schedule, 1, learning_rate=0.2) for schedule in rates]
    [0.2, 0.1, 0.5]
    """
    if schedule is None:
        return checks.real(learning_rate, "learning_rate", 0.0, open_low=True)
    # A class is callable, too, but returns a schedule instead of a rate.
    if not callable(schedule) or isinstance(schedule, type):
        raise TypeError(
            "schedule must be a function of the epoch, one of foxnn.schedules made with its "
            f"parameters, or None, got {checks.shown(schedule)}"
        )
    is_ours = isinstance(schedule, Schedule)
    if is_ours and not _says_rates(schedule):
        raise TypeError(
            "schedule must be one of foxnn.schedules made with its parameters, which says the rate "
            f"of an epoch, got {checks.shown(schedule)}"
        )
    rate = schedule(epoch, learning_rate) if is_ours else schedule(epoch)
    try:
        return checks.real(rate, "rate", 0.0, open_low=True)
    except (TypeError, ValueError):
        raise ValueError(
            "schedule must return a finite learning rate above 0, but "
            f"{checks.shown(schedule)} returns {checks.shown(rate)} in epoch {epoch}"
        ) from None


def __dir__() -> list[str]:
    # What is defined here, and not what it is made with.
    names = (n for n, v in globals().items() if getattr(v, "__module__", "") == __name__)
    return sorted(name for name in names if not name.startswith("_"))
