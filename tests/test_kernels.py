"""The products of every kernel set: odd sizes, exact numbers, the same bits, what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

import foxnn
from closeness import assert_within, product_bound
from foxnn._core import testing as kernels

# Around the edges of a register, of a tile (14 rows) and of a panel (32 columns; 16 in float64).
SIZES = (0, 1, 13, 14, 15, 31, 32, 33, 97)
TRIPLES = list(itertools.product(SIZES, SIZES, SIZES))

# The edges of a second and third tile and panel, beside sizes that no tile divides.
FURTHER = (2, 7, 8, 16, 17, 27, 28, 29, 48, 63, 64, 65, 111, 112, 113, 225)
TRIPLES += [triple for size in FURTHER for triple in itertools.permutations((size, 15, 33))]

per_kernel_set = pytest.mark.parametrize("kernel_set", foxnn.kernel_sets())
per_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def multiply(kernel_set: str, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    return kernels.multiply(kernel_set, x, w, np.zeros(w.shape[1], w.dtype))


# Name: the kernel, and which operands give it the product a @ b.
PRODUCTS = {
    "multiply": (multiply, lambda a, b: (a, b)),
    "multiply_transposed": (kernels.multiply_transposed, lambda a, b: (a.T, b)),
    "multiply_by_transpose": (kernels.multiply_by_transpose, lambda a, b: (a, b.T)),
}
per_product = pytest.mark.parametrize("name", PRODUCTS)


def product(name: str, kernel_set: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    kernel, operands = PRODUCTS[name]
    return kernel(kernel_set, *map(np.ascontiguousarray, operands(a, b)))


def uneven(rows: int, columns: int, dtype: str, seed: int) -> np.ndarray:
    """Return numbers whose sizes differ widely, so that every element has a bound of its own."""
    rng = np.random.default_rng([rows, columns, seed])
    numbers = rng.normal(size=(rows, columns)) * 2.0 ** rng.integers(-12, 13, (rows, columns))
    return numbers.astype(dtype)


def whole(rows: int, columns: int, dtype: str, seed: int) -> np.ndarray:
    """Return whole numbers so small that every sum of products is exact."""
    rng = np.random.default_rng([rows, columns, seed])
    return rng.integers(-64, 65, (rows, columns)).astype(dtype)


@per_kernel_set
@per_dtype
@per_product
def test_products(kernel_set: str, dtype: str, name: str) -> None:
    for m, k, n in TRIPLES:
        a, b = uneven(m, k, dtype, 0), uneven(k, n, dtype, 1)
        found = product(name, kernel_set, a, b)
        assert found.dtype == dtype
        expected = a.astype(np.float64) @ b.astype(np.float64)
        assert_within(found, expected, product_bound(a, b, dtype), f"({m}x{k}) ({k}x{n})")


@per_kernel_set
@per_dtype
@per_product
def test_whole_numbers_are_exact(kernel_set: str, dtype: str, name: str) -> None:
    for m, k, n in TRIPLES:
        a, b = whole(m, k, dtype, 2), whole(k, n, dtype, 3)
        found = product(name, kernel_set, a, b)
        expected = a.astype(np.float64) @ b.astype(np.float64)
        np.testing.assert_array_equal(found, expected, f"({m}x{k}) ({k}x{n})")


@per_kernel_set
@per_dtype
def test_the_bias_is_added_to_every_row(kernel_set: str, dtype: str) -> None:
    for m, k, n in TRIPLES:
        x, w, bias = whole(m, k, dtype, 4), whole(k, n, dtype, 5), whole(1, n, dtype, 6)[0]
        found = kernels.multiply(kernel_set, x, w, bias)
        expected = x.astype(np.float64) @ w.astype(np.float64) + bias
        np.testing.assert_array_equal(found, expected, f"({m}x{k}) ({k}x{n})")


@per_dtype
@per_product
def test_kernel_sets_agree_bit_for_bit(dtype: str, name: str) -> None:
    for m, k, n in TRIPLES:
        a, b = uneven(m, k, dtype, 7), uneven(k, n, dtype, 8)
        found = {product(name, isa, a, b).tobytes() for isa in foxnn.kernel_sets()}
        assert len(found) == 1, f"({m}x{k}) ({k}x{n})"


@per_kernel_set
@per_dtype
@per_product
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_stays_in_its_row_and_column(
    kernel_set: str, dtype: str, name: str, bad: float
) -> None:
    a, b = np.abs(whole(29, 33, dtype, 9)) + 1, np.abs(whole(33, 65, dtype, 10)) + 1
    a[14, 32] = b[7, 33] = bad
    touched = np.zeros((29, 65), bool)
    touched[14] = touched[:, 33] = True
    found = product(name, kernel_set, a, b)
    np.testing.assert_array_equal(found[touched], bad)
    np.testing.assert_array_equal(found[~touched], (a.astype(np.float64) @ b)[~touched])


@per_kernel_set
@per_dtype
@per_product
def test_rows_do_not_hang_on_their_number(kernel_set: str, dtype: str, name: str) -> None:
    a, b = uneven(113, 33, dtype, 11), uneven(33, 65, dtype, 12)
    together = product(name, kernel_set, a, b)
    for rows in (1, 2, 6, 13, 14, 15, 28):
        alone = product(name, kernel_set, a[:rows], b)
        assert alone.tobytes() == together[:rows].tobytes(), f"{rows} rows"


def ones(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.ones(shape, dtype)


@pytest.mark.parametrize(
    ("kernel", "operands"),
    [
        pytest.param(kernels.multiply, (ones(2, 3), ones(4, 5), ones(5)), id="w-too-long"),
        pytest.param(kernels.multiply, (ones(2, 3), ones(2, 5), ones(5)), id="w-too-short"),
        pytest.param(kernels.multiply, (ones(2, 3), ones(3, 5), ones(4)), id="bias-too-short"),
        pytest.param(kernels.multiply, (ones(2, 3), ones(3, 5), ones(6)), id="bias-too-long"),
        pytest.param(kernels.multiply, (ones(2, 3), ones(3, 5), ones(1, 5)), id="bias-2d"),
        pytest.param(kernels.multiply, (ones(3), ones(3, 5), ones(5)), id="x-1d"),
        pytest.param(kernels.multiply, (ones(2, 2, 3), ones(3, 5), ones(5)), id="x-3d"),
        pytest.param(kernels.multiply_transposed, (ones(3, 2), ones(2, 5)), id="d-too-short"),
        pytest.param(kernels.multiply_transposed, (ones(2, 3), ones(3, 5)), id="d-too-long"),
        pytest.param(kernels.multiply_transposed, (ones(2), ones(2, 5)), id="transposed-1d"),
        pytest.param(kernels.multiply_by_transpose, (ones(2, 3), ones(5, 4)), id="w-too-wide"),
        pytest.param(kernels.multiply_by_transpose, (ones(2, 3), ones(5, 2)), id="w-too-narrow"),
        pytest.param(kernels.multiply_by_transpose, (ones(3), ones(5, 3)), id="by-transpose-1d"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    kernel: Callable[..., np.ndarray], operands: tuple[np.ndarray, ...]
) -> None:
    """They would be read beyond their ends."""
    with pytest.raises((ValueError, IndexError)):
        kernel("reference", *operands)


@per_kernel_set
@per_dtype
def test_parts_of_the_samples_have_the_bits_of_all(kernel_set: str, dtype: str) -> None:
    for k, n in itertools.product((1, 13, 33), (1, 16, 40)):
        x, d = uneven(50, k, dtype, 4), uneven(50, n, dtype, 5)
        expected = kernels.multiply_transposed(kernel_set, x, d)
        for part in (1, 7, 49, 50):
            found = kernels.multiply_transposed(kernel_set, x, d, part)
            assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "x",
    [
        pytest.param(ones(2, 3, dtype="float64"), id="types-mixed"),
        pytest.param(ones(2, 3, dtype="int32"), id="int"),
        pytest.param(np.asfortranarray(ones(2, 3)), id="fortran-order"),
        pytest.param(ones(2, 6)[:, ::2], id="strided"),
        pytest.param([[1.0, 1.0, 1.0]], id="list"),
    ],
)
def test_nothing_is_converted(x: object) -> None:
    with pytest.raises(TypeError, match="incompatible function arguments"):
        kernels.multiply("reference", x, ones(3, 5), ones(5))


@per_dtype
@per_product
@pytest.mark.parametrize("unknown", ["avx3", "", "AVX2", "reference "])
def test_an_unknown_kernel_set_is_refused(dtype: str, name: str, unknown: str) -> None:
    with pytest.raises(ValueError, match=f"'{unknown}'.*'reference'"):
        product(name, unknown, ones(2, 2, dtype=dtype), ones(2, 2, dtype=dtype))
