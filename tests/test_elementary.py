"""The engine's own exp, log, tanh, ... in every kernel set, in units in the last place."""

from __future__ import annotations

import math

import numpy as np
import pytest

import foxnn
from closeness import assert_within
from foxnn._core import testing as kernels

_erfc = np.vectorize(math.erfc, otypes=[np.float64])
LARGE = np.array([1e4, 1e5, 1e6, 12345.678, 33554432.0, 3e7, 1e9])


def both_signs(x: np.ndarray) -> np.ndarray:
    return np.concatenate([-x[::-1], x])


def spread(low: float, high: float) -> np.ndarray:
    """Return numbers spread evenly, and others by their logarithms, of both signs."""
    return np.concatenate([np.linspace(low, high, 4001), both_signs(np.logspace(-30, 0, 301))])


# Name: the exact function, arguments, and how many units in the last place of the result (or, for
# the waves, of 1: near their zeros the argument itself is not that exact) it may be off.
FUNCTIONS = {
    "exp": (np.exp, spread(-80, 80), 2),
    "log": (np.log, np.concatenate([np.logspace(-37, 37, 4001), np.linspace(0.5, 2, 999)]), 2),
    "tanh": (np.tanh, spread(-20, 20), 2),
    "sigmoid": (lambda x: np.exp(-np.logaddexp(0, -x)), spread(-80, 80), 2),
    "sin": (np.sin, np.concatenate([spread(-100, 100), both_signs(LARGE)]), 2),
    "cos": (np.cos, np.concatenate([spread(-100, 100), both_signs(LARGE)]), 2),
    "atan": (np.arctan, np.concatenate([spread(-10, 10), both_signs(LARGE)]), 2),
    "erf_normal": (lambda x: 0.5 * _erfc(-x / math.sqrt(2)), spread(-8, 8), 4),
}


@pytest.mark.parametrize("kernel_set", foxnn.kernel_sets())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_against_numpy(kernel_set: str, dtype: str, name: str) -> None:
    exact, x, ulps = FUNCTIONS[name]
    x = x.astype(dtype)
    # In extended precision where there is one: NumPy's own float64 is only correct to a unit.
    wide = x.astype(np.float64 if name == "erf_normal" else np.longdouble)
    expected = exact(wide).astype(np.float64)
    unit = np.spacing(np.abs(expected).astype(dtype)).astype(np.float64)
    if name in ("sin", "cos"):
        unit = np.maximum(unit, np.finfo(dtype).eps)
    if dtype == "float64":
        ulps += 2  # the logarithm and the erfc in the expected values
        if name == "sigmoid":
            unit = unit * (1 + np.abs(x))  # that logarithm's rounding, through an exponential
    if name == "erf_normal" and dtype == "float64":
        # The square of the argument is rounded by math.erfc.
        unit = unit * (1 + x * x)
    assert_within(kernels.math(kernel_set, name, x), expected, ulps * unit, f"{name}({dtype})")


EDGES = {
    "exp": {np.inf: np.inf, -np.inf: 0.0, 0.0: 1.0, 1e4: np.inf, -1e4: 0.0},
    "log": {np.inf: np.inf, 0.0: -np.inf, 1.0: 0.0, -1.0: np.nan, -np.inf: np.nan},
    "tanh": {np.inf: 1.0, -np.inf: -1.0, 0.0: 0.0, 1e4: 1.0, -1e4: -1.0},
    "sigmoid": {np.inf: 1.0, -np.inf: 0.0, 0.0: 0.5, 1e4: 1.0, -1e4: 0.0},
    "sin": {0.0: 0.0},
    "cos": {0.0: 1.0},
    "atan": {np.inf: np.pi / 2, -np.inf: -np.pi / 2, 0.0: 0.0},
    "erf_normal": {np.inf: 1.0, -np.inf: 0.0, 1e4: 1.0, -1e4: 0.0},
}


@pytest.mark.parametrize("kernel_set", foxnn.kernel_sets())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", EDGES)
def test_edges(kernel_set: str, dtype: str, name: str) -> None:
    x = np.array([*EDGES[name], np.nan], dtype)
    expected = np.array([*EDGES[name].values(), np.nan], dtype)
    np.testing.assert_array_equal(kernels.math(kernel_set, name, x), expected)


@pytest.mark.parametrize("kernel_set", foxnn.kernel_sets())
@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 15, 16, 17, 33])
def test_every_length(kernel_set: str, length: int) -> None:
    x = np.linspace(-2, 2, length, dtype=np.float32)
    found = kernels.math(kernel_set, "exp", x)
    assert found.shape == (length,)
    assert_within(found, np.exp(x.astype(np.float64)), 1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kernel_sets_agree_bit_for_bit(name: str, dtype: str) -> None:
    x = FUNCTIONS[name][1].astype(dtype)
    assert len({kernels.math(isa, name, x).tobytes() for isa in foxnn.kernel_sets()}) == 1


def test_unknown_function() -> None:
    with pytest.raises(ValueError, match="gamma"):
        kernels.math("reference", "gamma", np.ones(1))
