"""Whole networks, forward, against the oracle."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import forced_runs
import foxnn
import reference
from closeness import assert_within, forward_bound

per_kernel_set = pytest.mark.parametrize("kernel_set", foxnn.kernel_sets())
per_dtype = pytest.mark.parametrize("dtype", forced_runs.DTYPES)


@per_kernel_set
def test_networks(kernel_set: str, forced_run: Callable[..., dict[str, np.ndarray]]) -> None:
    found = forced_run("forward", kernel_set, "1", forced_runs.WITH_ORACLES)
    assert found["kernel_set"] == kernel_set
    for key, nn, x in forced_runs.forward_cases():
        oracle = reference.copy_of(nn)
        assert found[key].dtype == nn.dtype
        assert_within(found[key], oracle.predict(x), forward_bound(oracle, x, nn.dtype), key)


@per_dtype
def test_a_sample_answers_the_same_alone_and_among_others(dtype: str) -> None:
    nn = foxnn.neural_network([13, 33, 15], "tanh", dtype=dtype, seed=1)
    x = forced_runs.inputs(225, 13)
    alone = np.array([nn.get_out(row) for row in x])
    assert nn.get_out(x).tobytes() == alone.tobytes()


@per_dtype
@pytest.mark.parametrize("activation", forced_runs.HIDDEN)
def test_neurons_in_a_line_that_they_do_not_fill(activation: str, dtype: str) -> None:
    """Several samples share a register there, and a sample alone has one."""
    for width in (*range(1, 17), 18, 20, 35, 41):
        nn = foxnn.neural_network([5, width, 3], activation, dtype=dtype, seed=width)
        x = forced_runs.inputs(135, 5)
        alone = np.array([nn.get_out(row) for row in x])
        for samples in (3, 4, 5, 63, 64, 65, 135):
            assert nn.get_out(x[:samples]).tobytes() == alone[:samples].tobytes(), (width, samples)


@per_dtype
@pytest.mark.parametrize(
    "layers",
    [[1, 1], [5, 40, 3], [40, 40], [(3, 3, 7), foxnn.Conv2D(33, 2), 5]],
    ids=["narrow", "one panel", "two panels", "convolution"],
)
def test_any_number_of_samples(layers: list[object], dtype: str) -> None:
    # Each number of rows is divided into other tiles.
    nn = foxnn.neural_network(layers, "tanh", dtype=dtype, seed=1)
    x = forced_runs.inputs(45, math.prod(nn[0].input_shape))
    answers = nn.predict(x)
    targets = forced_runs.inputs(45, answers.shape[1])
    for count in range(1, 45):
        assert nn.predict(x[:count]).tobytes() == answers[:count].tobytes()
        trained = [foxnn.neural_network(layers, "tanh", dtype=dtype, seed=1) for _ in range(2)]
        for network, threads in zip(trained, (1, 3), strict=True):
            network.settings.n_threads = threads
            network.train_on_batch(x[:count], targets[:count])
        assert trained[0].predict(x).tobytes() == trained[1].predict(x).tobytes()


def test_wide_and_deep() -> None:
    nn = foxnn.neural_network([300, 700] + [20] * 12 + [1], "tanh", dtype="float64", seed=2)
    x, oracle = forced_runs.inputs(40, 300), reference.copy_of(nn)
    assert_within(nn.predict(x), oracle.predict(x), forward_bound(oracle, x, "float64"))
