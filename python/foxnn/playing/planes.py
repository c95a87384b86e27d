"""The classic sets of points in a plane: XOR, circles, a spiral, two clouds, a slope."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from foxnn import checks

Floats = NDArray[np.float32]
Parts = tuple[Floats, NDArray[np.generic], Floats, NDArray[np.generic]]

COUNT = 400
# How far a point is moved by noise 1: a third of the distance from the middle to the edge.
_FAR = 0.3


def plane_set(name: str, *, noise: float = 0.1, test: float = 0.5, seed: int = 1) -> Parts:
    """Return 400 points in a plane, those to learn and those to test with.

    Parameters
    ----------
    name : str
        xor, circles, spiral, gauss or plane.
    noise : float, default=0.1
        From 0 to 1: how far points are moved, or numbers changed, at random.
    test : float, default=0.5
        The share of the points to test with, from 0 to 0.9.
    seed : int, default=1

    Returns
    -------
    x, y, x_test, y_test : arrays
        Points of shape (count, 2), and their classes, 0 and 1; for plane a number each.

    Examples
    --------
    >>> from foxnn.playing import plane_set
    >>> x, y, x_test, y_test = plane_set("xor", noise=0.0, test=0.25)
    >>> x.shape, x_test.shape, bool(y[0] == (x[0, 0] * x[0, 1] > 0))
    ((300, 2), (100, 2), True)
    """
    name = checks.choice(name, "name", SETS)
    noise = checks.real(noise, "noise", 0.0, 1.0)
    test = checks.real(test, "test", 0.0, 0.9)
    rng = np.random.default_rng(checks.seed(seed))
    points, targets = SETS[name](rng, noise)
    order = rng.permutation(COUNT)
    x, y = points[order].astype(np.float32), targets[order]
    held_out = round(COUNT * test)
    cut = COUNT - held_out
    return x[:cut], y[:cut], x[cut:], y[cut:]


Drawn = tuple[NDArray[np.float64], NDArray[np.generic]]


def _moved(x: NDArray[np.float64], rng: np.random.Generator, noise: float) -> NDArray[np.float64]:
    return x + rng.normal(scale=_FAR * noise, size=x.shape) if noise else x


def _xor(rng: np.random.Generator, noise: float) -> Drawn:
    x = rng.uniform(-1, 1, (COUNT, 2))
    x += 0.05 * np.sign(x)  # a gap along the axes
    return _moved(x, rng, noise), (x[:, 0] * x[:, 1] > 0).astype(int)


def _circles(rng: np.random.Generator, noise: float) -> Drawn:
    y = np.arange(COUNT) % 2
    radius = np.where(y == 1, rng.uniform(0, 0.5, COUNT), rng.uniform(0.7, 1, COUNT))
    angle = rng.uniform(0, 2 * np.pi, COUNT)
    return _moved((radius * [np.cos(angle), np.sin(angle)]).T, rng, noise), y


def _spiral(rng: np.random.Generator, noise: float) -> Drawn:
    y = np.arange(COUNT) % 2
    way = np.linspace(0.02, 1, COUNT)
    angle = 1.75 * 2 * np.pi * way + np.pi * y
    # Neighbouring arms are 0.29 apart: noise 1 would leave nothing of them.
    return _moved((way * [np.sin(angle), np.cos(angle)]).T, rng, noise / 3), y


def _gauss(rng: np.random.Generator, noise: float) -> Drawn:
    y = np.arange(COUNT) % 2
    middle = np.where(y[:, None] == 1, 0.5, -0.5)
    return middle + rng.normal(scale=0.12 + _FAR * noise, size=(COUNT, 2)), y


def _plane(rng: np.random.Generator, noise: float) -> Drawn:
    x = rng.uniform(-1, 1, (COUNT, 2))
    y = x.mean(axis=1, keepdims=True)
    return x, _moved(y, rng, noise).astype(np.float32)


SETS: dict[str, Callable[[np.random.Generator, float], Drawn]] = {
    "xor": _xor,
    "circles": _circles,
    "spiral": _spiral,
    "gauss": _gauss,
    "plane": _plane,
}
