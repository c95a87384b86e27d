"""Batches in lanes, where convolutions have few channels: the outputs have the bits of rows.

A batch of 16 samples or more may lie in lanes, up to 32 samples (16 in float64) in a panel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from closeness import assert_within, epsilon
from kinds import LANES, Row
from layer_reference import Network

per_row = pytest.mark.parametrize("row", LANES, ids=lambda row: row.name)
per_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
# Below, at and above a line of lanes and a panel of samples, and several panels.
COUNTS = (15, 16, 17, 31, 33, 50, 64, 112, 130)
ForcedRun = Callable[..., dict[str, np.ndarray]]


def bound(nn: Any, arrays: Any, terms: int) -> float:
    """Return the bound of rounding errors of sums of so many terms."""
    largest = max([1.0, *(float(np.abs(array).max()) for array in arrays)])
    return 4.0 * np.sqrt(terms) * epsilon(nn.dtype) * largest


@per_dtype
@per_row
def test_outputs_are_those_of_each_sample(row: Row, dtype: str) -> None:
    nn = row.network(dtype)
    x = kinds.samples(nn, max(COUNTS))
    outputs = np.stack([nn.get_out(sample) for sample in x])
    gradients = np.stack([nn.gradient(sample) for sample in x])
    assert_within(outputs, Network(nn).predict(x), bound(nn, [outputs], 64))
    for count in COUNTS:
        assert nn.predict(x[:count]).tobytes() == outputs[:count].tobytes()
        assert nn.gradient(x[:count]).tobytes() == gradients[:count].tobytes()
        assert list(nn.layer_outputs(x[:count]).values())[-1].tobytes() == outputs[:count].tobytes()


@per_dtype
@per_row
def test_gradients_beside_the_oracle(row: Row, dtype: str) -> None:
    nn = row.network(dtype)
    for count in COUNTS:
        x, y = kinds.samples(nn, count, count), kinds.targets(nn, count, count)
        loss, gradients = kinds.gradients(nn, x, y)
        expected_loss, expected = Network(nn).gradients(x, y)
        assert loss == pytest.approx(expected_loss, rel=64 * epsilon(dtype))
        allowed = bound(nn, [g for own in expected for g in own.values()], 64)
        for own, own_expected in zip(gradients, expected, strict=True):
            assert own.keys() == own_expected.keys()
            for name, gradient in own.items():
                assert_within(gradient, own_expected[name], allowed, f"{name} of {count}")


@per_dtype
@per_row
def test_the_last_batch_of_an_epoch(row: Row, dtype: str) -> None:
    """Fewer samples than the memory holds: the older ones count no more."""
    for size, rest in ((16, 1), (40, 17), (64, 33)):
        nn, x = row.network(dtype), None
        x, y = kinds.samples(nn, size + rest), kinds.targets(nn, size + rest)
        x[:size] *= 8.0
        oracle, draw = Network(nn), nn._draw()
        nn.fit(x, y, 1, size, "sgd", 0.01, shuffle=False)
        for first, batch in ((0, slice(0, size)), (size, slice(size, None))):
            oracle.gradients(x[batch], y[batch], draw, first)
            oracle.descend(0.01)
        for leaf, own in zip(kinds.leaves(nn), oracle.leaves(), strict=True):
            for name, array in leaf.arrays.items():
                assert_within(array, own.arrays[name], bound(nn, [array], 256), name)


@per_row
def test_frozen_layers_pass_gradients_on(row: Row) -> None:
    places = [i for i, leaf in enumerate(kinds.leaves(row.network())) if leaf.arrays]
    for place in places:
        nn = row.network()
        nn._set_trained(kinds.leaves(nn)[place].index, False)
        x, y = kinds.samples(nn, 35), kinds.targets(nn, 35)
        oracle = Network(nn)
        oracle.gradients(x, y, nn._draw())
        oracle.descend(0.1)
        nn.fit(x, y, 1, 35, "sgd", 0.1, shuffle=False)
        for leaf, own in zip(kinds.leaves(nn), oracle.leaves(), strict=True):
            for name, array in leaf.arrays.items():
                assert_within(array, own.arrays[name], 1e-13, name)


def test_what_fills_up_a_line_of_samples_has_no_effect() -> None:
    """Zeros in place of a sample would overflow there, where the samples do not."""
    nn = foxnn.neural_network(
        [(4, 1), *[foxnn.Conv1D(1, 1, activation="identity")] * 3, 1], "identity", seed=0
    )
    most = float(np.finfo(np.float32).max)
    nn[0].weights, nn[0].bias = [[[-most]]], [most]
    nn[1].weights = [[[2.0]]]
    x, y = np.ones((17, 4, 1)), np.ones((17, 1))
    assert np.isfinite(nn.predict(x)).all()
    loss, gradients = kinds.gradients(nn, x, y)
    assert np.isfinite(loss)
    assert all(np.isfinite(g).all() for own in gradients for g in own.values())


@per_dtype
@pytest.mark.parametrize("filters", [1, 3, 4, 8, 9, 15, 17, 24])
def test_normalization_has_the_bits_of_rows(filters: int, dtype: str) -> None:
    """Dropout that drops nothing takes rows, and so does what follows it."""
    for count in (17, 64, 83):
        found = []
        for between in ([], [foxnn.Dropout(0.0)]):
            conv = foxnn.Conv2D(filters, 2, activation="identity")
            nn = foxnn.neural_network(
                [(5, 4, 1), conv, *between, foxnn.BatchNorm(), 2], "tanh", "identity", dtype=dtype
            )
            for layer in (nn[0], nn[-1]):
                layer.weights = np.random.default_rng(0).normal(size=layer.weights.shape)
            x, y = kinds.samples(nn, count), kinds.targets(nn, count)
            nn.fit(x, y, 1, count, "sgd", 0.1, shuffle=False)
            found.append({name: array.tobytes() for name, array in nn[-2].arrays.items()})
        assert found[0] == found[1]


@pytest.mark.parametrize("threads", ["2", "3", "4"])
def test_same_bits_with_any_threads(threads: str, forced_run: ForcedRun) -> None:
    best = foxnn.kernel_set()
    alone, together = (forced_run("lanes", isa=best, threads=n) for n in ("1", threads))
    assert differing(alone, together) == ["threads"]


@pytest.mark.parametrize(
    "kernel_set", [name for name in foxnn.kernel_sets() if name != foxnn.kernel_set()]
)
def test_same_bits_with_every_kernel_set(kernel_set: str, forced_run: ForcedRun) -> None:
    best = forced_run("lanes", isa=foxnn.kernel_set(), threads="1")
    found = forced_run("lanes", isa=kernel_set, threads="1")
    assert differing(best, found) == ["kernel_set"]


def differing(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> list[str]:
    assert a.keys() == b.keys()
    return [key for key in a if a[key].tobytes() != b[key].tobytes()]
