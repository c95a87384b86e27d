"""How outputs change with inputs: against the oracle, differences, and by threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import foxnn
import reference
from closeness import assert_within
from forced_runs import HIDDEN, inputs

per_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
OUTPUTS = [*HIDDEN, "exp", "softmax"]


@per_dtype
@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("output", ["identity", "softmax", "exp"])
def test_beside_the_oracle(hidden: str, output: str, dtype: str) -> None:
    nn = foxnn.neural_network([5, 17, 9, 3], hidden, output, dtype=dtype, seed=2)
    x = inputs(61, 5)
    expected = reference.copy_of(nn).input_gradients(x)
    found = nn.gradient(x)
    assert (found.shape, found.dtype) == ((61, 3, 5), dtype)
    tolerance = 300 * float(np.finfo(dtype).eps)
    # Where the second layer's slope jumps, a rounding decides.
    near = np.abs(found - expected) <= tolerance * (1 + np.abs(expected).max())
    assert near.all(axis=(1, 2)).mean() >= (1.0 if dtype == "float64" else 0.95)
    for k in (0, 2, -1):
        assert nn.gradient(x, k).tobytes() == np.ascontiguousarray(found[:, k]).tobytes()


@pytest.mark.parametrize("output", OUTPUTS)
def test_by_differences(output: str) -> None:
    nn = foxnn.neural_network([4, 6, 3], "tanh", output, dtype="float64", seed=3)
    x, step = inputs(7, 4) + 0.1234567, 1e-6
    found = nn.gradient(x)
    for i in range(4):
        move = step * np.eye(4)[i]
        numeric = (nn.predict(x + move) - nn.predict(x - move)) / (2 * step)
        assert_within(found[:, :, i], numeric, 1e-7)


@pytest.mark.parametrize("sizes", [[1, 1], [40, 1], [1, 40], [100, 33, 65]])
def test_widths_and_numbers_of_samples(sizes: list[int]) -> None:
    nn = foxnn.neural_network(sizes, "tanh", dtype="float64", seed=4)
    for samples in (1, 55, 56, 57, 200):
        x = inputs(samples, sizes[0])
        expected = reference.copy_of(nn).input_gradients(x)
        assert_within(nn.gradient(x), expected, 1e-13)


def test_a_single_sample() -> None:
    nn = foxnn.neural_network([3, 5, 2], seed=1)
    x = inputs(1, 3)[0]
    assert nn.gradient(x).tobytes() == nn.gradient([x.tolist()])[0].tobytes()
    assert nn.gradient(x).shape == (2, 3)
    assert nn.gradient(x.tolist(), 1).shape == (3,)
    assert nn.gradient(np.arange(3, dtype=np.uint8), output=np.int64(0)).shape == (3,)


def test_it_changes_nothing() -> None:
    nn, other, x = *(foxnn.neural_network([3, 5, 2], seed=1) for _ in range(2)), inputs(9, 3)
    nn.gradient(x)
    for each in (nn, other):
        each.fit(x, np.ones((9, 2)), 2)
    assert nn.predict(x).tobytes() == other.predict(x).tobytes()


@pytest.mark.parametrize(
    ("x", "output", "error", "message"),
    [
        (np.ones((2, 4)), None, ValueError, r"x must have shape \(samples, 3\), got \(2, 4\)"),
        (np.ones(4), None, ValueError, "x must have shape"),
        (np.ones((1, 2, 3)), None, ValueError, "x must have 1 or 2 dimensions"),
        (1.0, None, ValueError, "x must have 1 or 2 dimensions"),
        ([[1, 2, np.nan]], None, ValueError, "x must be finite"),
        (["a"], None, TypeError, "x must hold real numbers"),
        (np.ones(3), 2, IndexError, "output must be an output from 0 to 1, got 2"),
        (np.ones(3), -3, IndexError, "output must be an output from 0 to 1, got -3"),
        (np.ones(3), 0.5, TypeError, "output must be an integer"),
        (np.ones(3), "0", TypeError, "output must be an integer"),
    ],
)
def test_wrong_arguments(x: Any, output: Any, error: type[Exception], message: str) -> None:
    nn = foxnn.neural_network([3, 5, 2], seed=1)
    with pytest.raises(error, match=message):
        nn.gradient(x, output)
