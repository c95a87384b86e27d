"""Convolutions and pools over a grid of windows, odd sizes and channels, beside the oracle."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from closeness import assert_within, epsilon
from layer_reference import Network

#: One, few, and around one and two registers of float32.
CHANNELS = (1, 3, 16, 17, 32, 33)
#: Rows, and lanes of samples for convolutions with few channels.
COUNTS = (3, 19)
#: Products with a window that the oracle, which takes them one by one, may be asked for.
MOST = 4000

CONVOLUTIONS = (foxnn.Conv1D, foxnn.Conv2D, foxnn.Conv3D)
POOLS = (
    (foxnn.MaxPool1D, foxnn.MaxPool2D, foxnn.MaxPool3D),
    (foxnn.AveragePool1D, foxnn.AveragePool2D, foxnn.AveragePool3D),
)
#: "number" stands for some number, or one for each axis.
PADDINGS = ("valid", "same", "number")


@dataclass(frozen=True)
class Case:
    """A layer with a window, first and last in a network, or between two others."""

    shape: tuple[int, ...]
    layer: Any
    is_alone: bool

    def __str__(self) -> str:
        return f"{self.shape} {self.layer} {'alone' if self.is_alone else 'between'}"

    def network(self, dtype: str) -> foxnn.neural_network:
        """Return a network with biases that are not zero."""
        items: list[Any] = [self.shape, self.layer]
        if not self.is_alone:
            items = [(*self.shape[:-1], 2), foxnn.Dense(self.shape[-1], "tanh"), self.layer, 2]
        nn = foxnn.neural_network(items, "identity", dtype=dtype, seed=3)
        rng = np.random.default_rng(3)
        for leaf in kinds.leaves(nn):
            if "bias" in leaf.arrays:
                size = leaf.arrays["bias"].shape
                nn._set_array(leaf.index, "bias", rng.normal(size=size) / 4)
        return nn


def lengths(rng: np.random.Generator, axes: int, most: int) -> tuple[int, ...]:
    """Return the largest length for one axis, and lengths up to it for the others."""
    found = [most, *(int(rng.integers(1, min(most, 3) + 1)) for _ in range(axes - 1))]
    return tuple(int(one) for one in rng.permutation(found))


def shape_of(
    rng: np.random.Generator, kernel: tuple[int, ...], dilation: int, padding: str
) -> tuple[int, ...]:
    """Return a number of positions for each axis: some, where they need not hold the window."""
    spans = [(k - 1) * dilation + 1 for k in kernel]
    if padding == "same":
        return tuple(int(rng.integers(1, 8 - 2 * (len(kernel) > 2))) for _ in kernel)
    return tuple(span + int(rng.integers(0, 4)) for span in spans)


def padding_of(
    rng: np.random.Generator, kernel: tuple[int, ...], dilation: int, padding: str
) -> str | tuple[int, ...]:
    """Return some numbers for "number": for each axis fewer than its window is long."""
    if padding != "number":
        return padding
    return tuple(int(rng.integers(0, (k - 1) * dilation + 1)) for k in kernel)


def convolutions() -> list[Case]:
    """Return each kernel, stride, padding and dilation, each with another choice of the rest."""
    rng, cases = np.random.default_rng(1), []
    choices = itertools.cycle(itertools.product(CHANNELS, ("one", "some", "each"), CHANNELS))
    grid = itertools.product((1, 2, 3), (1, 2, 3, 5), (1, 2, 3), PADDINGS, (1, 2, 3))
    for i, (axes, longest, stride, padding, dilation) in enumerate(grid):
        kernel = lengths(rng, axes, longest)
        positions = shape_of(rng, kernel, dilation, padding)
        for _ in range(1 + i % 7):  # neighbours in the grid have different channels
            channels, grouping, filters = next(choices)
        if np.prod(positions) * np.prod(kernel) * channels > MOST and grouping == "each":
            grouping = "one"
        divisors = [n for n in range(2, channels + 1) if channels % n == 0]
        groups = {"one": 1, "some": min(divisors, default=1), "each": channels}[grouping]
        layer = CONVOLUTIONS[axes - 1](
            -(-filters // groups) * groups, kernel[0] if axes == 1 else kernel, stride=stride,
            padding=padding_of(rng, kernel, dilation, padding), dilation=dilation, groups=groups,
            bias=i % 5 > 0, activation=("identity", "tanh")[i % 2],
        )  # fmt: skip
        cases.append(Case((*positions, channels), layer, is_alone=i % 4 < 2))
    return cases


def wide_convolutions() -> list[Case]:
    """Return convolutions whose channels and filters are several panels of a product."""
    return [
        Case((6, 64), foxnn.Conv1D(80, 3, activation="tanh"), is_alone=False),
        Case((5, 65), foxnn.Conv1D(64, 2, stride=2, padding="same"), is_alone=True),
        Case((4, 3, 96), foxnn.Conv2D(112, (2, 3), padding="same", bias=False), is_alone=False),
        Case((3, 3, 80), foxnn.Conv2D(128, 2, dilation=2), is_alone=False),
        Case((3, 2, 128), foxnn.Conv2D(128, 1, groups=2, activation="relu"), is_alone=False),
    ]


def pools() -> list[Case]:
    """Return each size, stride and padding of both kinds, each with other channels."""
    rng, cases = np.random.default_rng(2), []
    channels = itertools.cycle(CHANNELS)
    grid = itertools.product(POOLS, (1, 2, 3), (1, 2, 3, 5), (1, 2, 3), PADDINGS)
    for kind, axes, longest, stride, padding in grid:
        size = lengths(rng, axes, longest)
        shape = (*shape_of(rng, size, 1, padding), next(channels))
        added = padding_of(rng, size, 1, padding)
        cases.append(Case(shape, kind[axes - 1](size, stride, added), is_alone=False))
    return cases


CASES = [*convolutions(), *wide_convolutions(), *pools()]


def test_the_grid_has_every_number_of_channels_and_every_grouping() -> None:
    seen = {
        (axes, case.shape[-1])
        for axes, kind in enumerate(CONVOLUTIONS)
        for case in CASES
        if isinstance(case.layer, kind)
    }
    assert seen >= set(itertools.product((0, 1, 2), CHANNELS))
    for kind in CONVOLUTIONS:
        own = [case for case in CASES if isinstance(case.layer, kind)]
        depthwise = [c for c in own if 1 < c.layer.groups == c.shape[-1]]
        grouped = [c for c in own if 1 < c.layer.groups < c.shape[-1]]
        assert min(len(depthwise), len(grouped)) >= 5
        assert {case.layer.filters for case in own} >= set(CHANNELS)


# Neighbours in the grid have different types.
@pytest.mark.parametrize(
    ("case", "dtype"), list(zip(CASES, itertools.cycle(("float32", "float64")))), ids=str
)
def test_outputs_and_gradients_beside_the_oracle(case: Case, dtype: str) -> None:
    nn = case.network(dtype)
    terms = max([16, *(a.size // a.shape[-1] for a in kinds.arrays(nn).values())])
    for count in COUNTS:
        x, y = kinds.samples(nn, count, count), kinds.targets(nn, count, count)
        # Independent errors of rounding grow as the root of their number.
        unit = 4.0 * np.sqrt(terms * count) * epsilon(dtype)
        outputs = Network(nn).predict(x)
        assert_within(nn.predict(x), outputs, unit * max(1.0, np.abs(outputs).max()))
        loss, gradients = kinds.gradients(nn, x, y)
        expected_loss, expected = Network(nn).gradients(x, y)
        assert loss == pytest.approx(expected_loss, rel=64 * epsilon(dtype))
        largest = max([1e-3, *(np.abs(g).max() for own in expected for g in own.values())])
        for own, own_expected in zip(gradients, expected, strict=True):
            assert own.keys() == own_expected.keys()
            for name, gradient in own.items():
                assert_within(gradient, own_expected[name], unit * largest, name)
