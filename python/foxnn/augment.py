"""Changes of samples during training, for the argument `augment` of `fit`.

>>> import numpy as np, foxnn
>>> images = np.arange(4.0).reshape(1, 2, 2, 1)
>>> foxnn.augment.flip(probability=1.0)(images, np.random.default_rng(0))[0, ..., 0].tolist()
[[1.0, 0.0], [3.0, 2.0]]
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.checks.keywords import answering
from foxnn.checks.unpickling import Constants


class Augmentation(Constants):
    """Base class: called with a batch of shape (samples, positions..., channels) and a generator.

    The batch itself is not changed.
    """

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """Return the changed batch.

        Parameters
        ----------
        x : ndarray of shape (samples, positions..., channels)
        rng : numpy.random.Generator
            The source of everything random.

        Returns
        -------
        ndarray of the same shape

        Raises
        ------
        ValueError, TypeError
            For a batch of an unsuitable shape.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what it does")


# Inputs that are rotated at a time: their float64 places take 50 KB. Larger arrays go back to the
# system when they are freed, and getting fresh memory then takes longer than the arithmetic.
_PIECE = 6272


def _check_generator(rng: object) -> None:
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {checks.shown(rng)}")


def _batch(x: Array, rng: object, name: str, axes: tuple[int, ...]) -> Array:
    """Return a batch of samples with one of these numbers of axes of positions."""
    _check_generator(rng)
    array = checks.as_array(x, "x")
    if array.ndim - 2 not in axes:
        shapes = " or ".join(
            ("(samples, steps, channels)", "(samples, height, width, channels)",
             "(samples, depth, height, width, channels)")[n - 1] for n in axes
        )  # fmt: skip
        raise ValueError(f"x must have shape {shapes} for foxnn.augment.{name}, got {array.shape}")
    return array


@answering()
@dataclass(frozen=True)
class shift(Augmentation):
    """Shifts each sample along its axes of positions; new positions are zero.

    Parameters
    ----------
    positions : int
        The largest shift. Each axis of each sample is shifted by a whole number from -positions to
        positions, all of them equally likely.

    Examples
    --------
    >>> import numpy as np, foxnn
    >>> x = np.array([[[1.0], [2.0], [3.0]]])
    >>> foxnn.augment.shift(1)(x, np.random.default_rng(3))[0, :, 0].tolist()
    [0.0, 1.0, 2.0]
    """

    positions: int

    def __post_init__(self) -> None:
        self._keep(positions=checks.integer(self.positions, "positions", 0))

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """Return the batch, shifted."""
        batch = _batch(x, rng, "shift", (1, 2, 3))
        far = self.positions
        moved = rng.integers(-far, far, (len(batch), batch.ndim - 2), endpoint=True)
        for axis in range(batch.ndim - 2):
            length = batch.shape[axis + 1]
            source = np.arange(length) - moved[:, axis, None]
            inside = (source >= 0) & (source < length)
            shape = [len(batch), *(length if i == axis + 1 else 1 for i in range(1, batch.ndim))]
            taken = np.take_along_axis(batch, source.clip(0, length - 1).reshape(shape), axis + 1)
            batch = taken * inside.reshape(shape).astype(batch.dtype)
        return batch


@answering()
@dataclass(frozen=True)
class flip(Augmentation):
    """Mirrors samples along an axis of positions, by default from left to right.

    Parameters
    ----------
    axis : int, default=-1
        An axis of positions: 0 is the first (the height of a picture), -1 the last (its width).
    probability : float, default=0.5
        The probability that a sample is mirrored, from 0 to 1.

    Examples
    --------
    >>> import numpy as np, foxnn
    >>> x = np.array([[[1.0], [2.0], [3.0]]] * 3)
    >>> foxnn.augment.flip()(x, np.random.default_rng(1))[..., 0].tolist()
    [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]
    """

    axis: int = -1
    probability: float = 0.5

    def __post_init__(self) -> None:
        self._keep(
            axis=checks.integer(self.axis, "axis", -3, 2),
            probability=checks.real(self.probability, "probability", 0.0, 1.0),
        )

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """Return the batch with some of its samples mirrored."""
        batch = _batch(x, rng, "flip", (1, 2, 3))
        axes = batch.ndim - 2
        if not -axes <= self.axis < axes:
            raise ValueError(f"axis must be from {-axes} to {axes - 1} here, got {self.axis}")
        chosen = rng.random(len(batch)) < self.probability
        flipped: Array = batch.copy()
        flipped[chosen] = np.flip(batch[chosen], 1 + self.axis % axes)
        return flipped


@answering()
@dataclass(frozen=True)
class rotate(Augmentation):
    """Rotates pictures around their centre, with bilinear interpolation and zeros outside of them.

    Parameters
    ----------
    degrees : float
        The largest angle, from 0 to 180. Each picture is rotated by an angle between -degrees and
        degrees, all of them equally likely.

    Examples
    --------
    >>> import numpy as np, foxnn
    >>> x = np.zeros((1, 5, 5, 1))
    >>> x[0, 2, 2] = 1.0  # the centre stays where it is
    >>> turned = foxnn.augment.rotate(30)(x, np.random.default_rng(0))
    >>> turned.shape, round(float(turned[0, 2, 2, 0]), 6)
    ((1, 5, 5, 1), 1.0)
    """

    degrees: float

    def __post_init__(self) -> None:
        # NumPy draws nothing between 0.0 and -0.0.
        self._keep(degrees=abs(checks.real(self.degrees, "degrees", 0.0, 180.0)))

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """Return the batch, rotated."""
        batch = _batch(x, rng, "rotate", (2,))
        angle = np.deg2rad(rng.uniform(-self.degrees, self.degrees, (len(batch), 1, 1)))
        turned = np.empty(batch.shape, np.result_type(batch.dtype, np.float32))
        step = max(1, _PIECE // max(1, math.prod(batch.shape[1:])))
        for start in range(0, len(batch), step):
            piece = slice(start, start + step)
            _turn(batch[piece], angle[piece], turned[piece])
        return turned


def _turn(batch: Array, angle: Array, turned: Array) -> None:
    """Put pictures, each rotated by its angle, into `turned`."""
    height, width = batch.shape[1:3]
    down = np.arange(height)[:, None] - (height - 1) / 2
    across = np.arange(width)[None] - (width - 1) / 2
    # Where each pixel comes from: rotated back, counted from the first pixel.
    row = np.cos(angle) * down + np.sin(angle) * across + (height - 1) / 2
    column = np.cos(angle) * across - np.sin(angle) * down + (width - 1) / 2
    _interpolate(batch, row, column, turned)


def _interpolate(batch: Array, row: Array, column: Array, total: Array) -> None:
    """Put each picture at places between its pixels into `total`; zero outside of it."""
    count, height, width, channels = batch.shape
    # One index a pixel: NumPy takes them faster than by sample, row and column.
    pixels = batch.reshape(count * height * width, channels)
    first = np.arange(0, count * height, height)[:, None, None]
    columns = _neighbours(column, width)
    total[:] = 0
    for share_down, place_down in _neighbours(row, height):
        line = (first + place_down) * width
        for share_across, place_across in columns:
            share = (share_down * share_across).astype(total.dtype)
            total += share[..., None] * pixels.take(line + place_across, axis=0)


def _neighbours(place: Array, length: int) -> list[tuple[Array, Array]]:
    """Return the shares and the places of the pixels before and after a place along an axis."""
    before = np.floor(place)
    found = []
    for whole in (before, before + 1):
        share = (1 - np.abs(place - whole)) * ((whole >= 0) & (whole < length))
        found.append((share, whole.clip(0, length - 1).astype(np.intp)))
    return found


# Noise that float32 still holds.
_LOUDEST = 1e30


@answering()
@dataclass(frozen=True)
class noise(Augmentation):
    """Adds normally distributed random numbers to all inputs.

    Parameters
    ----------
    scale : float
        The standard deviation, in the units of the samples; from 0 to 1e30.

    Examples
    --------
    >>> import numpy as np, foxnn
    >>> x = foxnn.augment.noise(0.5)(np.zeros((1000, 2)), np.random.default_rng(0))
    >>> round(float(x.std()), 2)
    0.5
    """

    scale: float

    def __post_init__(self) -> None:
        self._keep(scale=checks.real(self.scale, "scale", 0.0, _LOUDEST))

    def __call__(self, x: Array, rng: np.random.Generator) -> Array:
        """Return the batch with noise."""
        batch = checks.as_array(x, "x")
        _check_generator(rng)
        real = np.dtype(np.float32 if np.can_cast(batch.dtype, np.float32) else np.float64)
        drawn = rng.standard_normal(batch.shape, dtype=real)
        noisy: Array = batch + drawn * real.type(self.scale)
        return noisy


#: All of them.
ALL: tuple[type[Any], ...] = (shift, flip, rotate, noise)
