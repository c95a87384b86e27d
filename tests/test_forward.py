"""The products of the kernel sets, and whole networks, forward, against the oracle."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

import forced_runs
import foxnn
import reference
from closeness import assert_within, forward_bound, product_bound
from foxnn._core import testing as kernels

# Around the edges of a register, of a tile (14 rows) and of a panel (32 columns).
SIZES = (0, 1, 13, 14, 15, 31, 32, 33, 97)

per_kernel_set = pytest.mark.parametrize("kernel_set", foxnn.kernel_sets())
per_dtype = pytest.mark.parametrize("dtype", forced_runs.DTYPES)


def numbers(rows: int, columns: int, dtype: str, seed: int) -> np.ndarray:
    return np.random.default_rng([rows, columns, seed]).normal(size=(rows, columns)).astype(dtype)


@per_kernel_set
@per_dtype
@pytest.mark.parametrize("m", SIZES)
def test_multiply(kernel_set: str, dtype: str, m: int) -> None:
    for k, n in itertools.product(SIZES, SIZES):
        x, w, bias = (numbers(*shape, dtype, 0) for shape in ((m, k), (k, n), (1, n)))
        found = kernels.multiply(kernel_set, x, w, bias[0])
        assert found.dtype == dtype
        # The bias is one more input that is always 1.
        x1, w1 = np.hstack([x, np.ones((m, 1), dtype)]), np.vstack([w, bias])
        expected = x1.astype(np.float64) @ w1.astype(np.float64)
        assert_within(found, expected, product_bound(x1, w1, dtype), f"({m}x{k}) ({k}x{n})")


@per_kernel_set
@per_dtype
@pytest.mark.parametrize("samples", SIZES)
def test_multiply_transposed(kernel_set: str, dtype: str, samples: int) -> None:
    for k, n in itertools.product(SIZES, SIZES):
        x, d = numbers(samples, k, dtype, 1), numbers(samples, n, dtype, 2)
        found = kernels.multiply_transposed(kernel_set, x, d)
        expected = x.T.astype(np.float64) @ d.astype(np.float64)
        assert_within(found, expected, product_bound(x.T, d, dtype), f"{samples} of {k}, {n}")


@per_kernel_set
@per_dtype
@pytest.mark.parametrize("m", SIZES)
def test_multiply_by_transpose(kernel_set: str, dtype: str, m: int) -> None:
    for k, n in itertools.product(SIZES, SIZES):
        d, w = numbers(m, n, dtype, 3), numbers(k, n, dtype, 4)
        found = kernels.multiply_by_transpose(kernel_set, d, w)
        expected = d.astype(np.float64) @ w.T.astype(np.float64)
        assert_within(found, expected, product_bound(d, w.T, dtype), f"({m}x{n}) ({k}x{n})^T")


@per_dtype
def test_multiply_keeps_infinities_and_nan_in_their_rows(dtype: str) -> None:
    x = numbers(15, 33, dtype, 5)
    x[3, 7], x[9, 32] = np.nan, np.inf
    out = kernels.multiply(foxnn.kernel_set(), x, np.abs(numbers(33, 33, dtype, 6)) + 1, x[0])
    assert np.isnan(out[3]).all()
    assert np.isposinf(out[9]).all()
    assert np.isfinite(np.delete(out, [3, 9], axis=0)).all()


def test_a_kernel_set_of_another_name_is_refused() -> None:
    x = np.ones((1, 1), np.float32)
    with pytest.raises(ValueError, match=r"'avx3'.*'reference'"):
        kernels.multiply("avx3", x, x, x[0])


@per_kernel_set
def test_networks(kernel_set: str, forced_run: Callable[..., dict[str, np.ndarray]]) -> None:
    found = forced_run("forward", isa=kernel_set)
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
    assert_within(nn.get_out(x), alone, 2 * forward_bound(reference.copy_of(nn), x, dtype))


def test_wide_and_deep() -> None:
    nn = foxnn.neural_network([300, 700] + [20] * 12 + [1], "tanh", dtype="float64", seed=2)
    x, oracle = forced_runs.inputs(40, 300), reference.copy_of(nn)
    assert_within(nn.predict(x), oracle.predict(x), forward_bound(oracle, x, "float64"))
