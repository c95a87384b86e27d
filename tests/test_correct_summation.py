"""The setting `correct_summation`: products summed from the smallest to the largest, everywhere."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import foxnn
from forced_runs import BATCHES, DTYPES, WIDTHS, inputs, parameters, wanted
from foxnn import _core

ForcedRun = Callable[..., dict[str, np.ndarray]]

per_dtype = pytest.mark.parametrize("dtype", DTYPES)


def sorted_sum(terms: np.ndarray) -> np.ndarray:
    """Return the sums over the last axis, from the smallest magnitude; ties by value."""
    order = np.lexsort((terms, np.abs(terms)), axis=-1)
    # A sum begins at 0; cumsum, unlike sum, adds one after the other.
    start = np.zeros((*terms.shape[:-1], 1), terms.dtype)
    ordered = np.concatenate([start, np.take_along_axis(terms, order, -1)], -1)
    sums: np.ndarray = np.cumsum(ordered, -1)[..., -1]
    return sums


def sorted_product(x: np.ndarray, w: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """Return x @ w + bias, every number a sorted sum."""
    terms = x[:, None, :] * w.T[None]
    if bias is not None:
        column = np.broadcast_to(bias[None, :, None], (*terms.shape[:2], 1))
        terms = np.concatenate([terms, column], -1)
    return sorted_sum(terms)


def uneven(*shape: int, dtype: str, seed: int) -> np.ndarray:
    """Return numbers of very different sizes, a tenth of them zero."""
    rng = np.random.default_rng([*shape, seed])
    numbers = rng.normal(size=shape) * 2.0 ** rng.integers(-12, 13, shape)
    return np.where(rng.random(shape) < 0.1, 0.0, numbers).astype(dtype)


def made(sizes: list[int], activation: Any = "identity", **options: Any) -> foxnn.neural_network:
    """Return a network with uneven weights that sums in order."""
    nn = foxnn.neural_network(sizes, activation, **{"init": "zeros", "seed": 1, **options})
    for i, part in enumerate(nn):
        part.weights = uneven(*part.weights.shape, dtype=nn.dtype, seed=i)
        part.bias = uneven(*part.bias.shape, dtype=nn.dtype, seed=i)
    nn.settings.correct_summation = True
    return nn


def assert_same(found: np.ndarray, expected: np.ndarray, what: str = "") -> None:
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected, what)


# The oracle


@per_dtype
def test_forward_bit_for_bit(dtype: str) -> None:
    ways = itertools.product(WIDTHS, WIDTHS)
    for (width, neurons), rows in zip(ways, itertools.cycle(BATCHES[:9]), strict=False):
        nn = made([width, neurons], dtype=dtype)
        x = uneven(rows, width, dtype=dtype, seed=7)
        expected = sorted_product(x, nn[0].weights, nn[0].bias)
        assert_same(nn.predict(x), expected, f"{rows} x {width} x {neurons}")


@per_dtype
def test_the_order_is_another_than_the_plain_one(dtype: str) -> None:
    nn, x = made([97, 33], dtype=dtype), uneven(31, 97, dtype=dtype, seed=7)
    found = nn.predict(x)
    nn.settings.correct_summation = False
    assert (nn.predict(x) != found).mean() > 0.5


@per_dtype
@pytest.mark.parametrize("sizes", [[32, 5, 4, 2], [32, 33, 15, 3], [32, 97, 31, 65]])
def test_gradients_bit_for_bit(dtype: str, sizes: list[int]) -> None:
    nn = made(sizes, ["relu", "relu", "identity"], dtype=dtype)
    # With unit vectors as inputs, the gradient of the first weights is what came back to it,
    # sample by sample; and 32 samples are divided by without rounding.
    x = np.eye(32, dtype=dtype)
    y = uneven(32, sizes[-1], dtype=dtype, seed=8)
    outputs = [x]
    for part in nn:
        z = sorted_product(outputs[-1], part.weights, part.bias)
        outputs.append(np.maximum(z, 0) if part.get_name_activation_function() == "relu" else z)
    delta = (outputs[-1] - y) / np.dtype(dtype).type(32)
    for i in (2, 1):
        delta = sorted_product(delta, nn[i].weights.T) * (outputs[i] > 0)
    assert np.count_nonzero(delta) > delta.size // 10
    assert_same(nn._loss_and_gradients(x, y)[1][0][0], delta)


# What it is for


def ill(count: int, dtype: str, small: Any = 1.0) -> np.ndarray:
    """Return a row of numbers below 4 between two that cancel, next to which 4 is half a step.

    Summed from the front, each small one is lost in the first large one: the sum is 0. Sorted, they
    come together first; the large ones round their sum once, to a multiple of 4.
    """
    large = 2.0 ** (np.finfo(dtype).nmant + 3)
    return np.array([[large, *np.broadcast_to(small, count), -large]], dtype)


def ill_network(count: int, dtype: str, is_sorted: bool) -> foxnn.neural_network:
    """Return a network that adds its inputs up."""
    nn = foxnn.neural_network([count + 2, 1], "identity", dtype=dtype, init="zeros", seed=1)
    nn[0].weights = np.ones((count + 2, 1))
    nn.settings.correct_summation = is_sorted
    return nn


@per_dtype
def test_nearer_to_the_exact_sum(dtype: str) -> None:
    rng = np.random.default_rng(0)
    for count in (24, 96, 700):
        for _ in range(10):
            # The plain sum loses all of at least 12; the sorted one is off by 2 and roundings of
            # the small sum.
            x = ill(count, dtype, rng.uniform(0.5, 1.0, count))
            exact = math.fsum(x[0].tolist())
            errors = [
                abs(ill_network(count, dtype, is_sorted).predict(x).item() - exact)
                for is_sorted in (False, True)
            ]
            assert errors[1] < 2.1 < 11.9 < errors[0]


@per_dtype
def test_nearer_to_the_exact_sum_going_back(dtype: str) -> None:
    found = []
    for is_sorted in (False, True):
        nn = foxnn.neural_network([1, 1, 26], "identity", dtype=dtype, init="zeros", seed=1)
        nn[1].weights = ill(24, dtype)
        nn.settings.correct_summation = is_sorted
        # The outputs are 0, so their gradients are 1, and the weights are summed.
        (_, db), _ = nn._loss_and_gradients([[1.0]], -np.ones((1, 26)))[1]
        found.append(db.item())
    assert found == [0.0, 24.0]


# Everything obeys: the sum below is 24 sorted, and 0 else. 24 numbers make a step that is narrow
# and an answer without detours, 768 neither.


def both_ways(f: Callable[[foxnn.neural_network, np.ndarray], float]) -> None:
    for (count, small), dtype in itertools.product([(24, 1.0), (768, 0.03125)], DTYPES):
        for is_sorted in (False, True):
            nn = ill_network(count, dtype, is_sorted)
            expected = 24.0 if is_sorted else 0.0
            assert f(nn, ill(count, dtype, small)) == expected, (count, dtype)


TARGET = np.zeros((1, 1))


def loss_to_sum(loss: float) -> float:
    return math.sqrt(2.0 * loss)


WAYS: dict[str, Callable[[foxnn.neural_network, np.ndarray], float]] = {
    "predict": lambda nn, x: nn.predict(x).item(),
    "get_out": lambda nn, x: nn.get_out(x).item(),
    "get_out of a list": lambda nn, x: nn.get_out(x[0].tolist()).item(),
    "get_out of an array": lambda nn, x: nn.get_out(x[0]).item(),
    "evaluate": lambda nn, x: loss_to_sum(nn.evaluate(x, TARGET)["loss"]),
    "testing": lambda nn, x: nn.testing(foxnn.train_data(x, TARGET)),
    "fit": lambda nn, x: loss_to_sum(nn.fit(x, TARGET, 1, learning_rate=1e-3)["loss"][0]),
    "train_on_batch": lambda nn, x: loss_to_sum(nn.train_on_batch(x.astype(nn.dtype), TARGET)),
}


@pytest.mark.parametrize("way", WAYS)
def test_all_that_answers_or_trains_obeys(way: str) -> None:
    both_ways(WAYS[way])


def test_train_obeys() -> None:
    def sum_trained(nn: foxnn.neural_network, x: np.ndarray) -> float:
        nn.train(foxnn.train_data(x, TARGET), 0.5, 1)
        # The gradient of the bias is the error itself.
        return -2.0 * nn[0].bias.item()

    both_ways(sum_trained)


@per_dtype
def test_one_sample_as_among_others(dtype: str) -> None:
    for sizes in ([3, 5, 4, 2], [33, 97, 15]):
        nn = made(sizes, "tanh", dtype=dtype)
        x = uneven(13, sizes[0], dtype=dtype, seed=3)
        together = nn.predict(x)
        for row, out in zip(x, together, strict=True):
            assert nn.get_out(row.tolist()).tobytes() == out.tobytes()
            assert nn.get_out(row).tobytes() == out.tobytes()


def test_what_is_not_finite_is_refused_as_ever() -> None:
    nn = made([5, 3])
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="x must be finite"):
            nn.predict([[1.0, bad, 0.0, bad, -1.0]])


# Threads and kernel sets


@pytest.mark.parametrize("kernel_set", foxnn.kernel_sets())
@pytest.mark.parametrize("threads", ["2", "3"])
def test_same_bits_with_any_threads(kernel_set: str, threads: str, forced_run: ForcedRun) -> None:
    alone, together = (forced_run("sorted_sums", isa=kernel_set, threads=n) for n in ("1", threads))
    assert (alone["threads"], together["threads"]) == (1, int(threads))
    other = [key for key in alone if alone[key].tobytes() != together[key].tobytes()]
    assert other == ["threads"]


@pytest.mark.parametrize("kernel_set", foxnn.kernel_sets())
def test_same_products_with_all_kernel_sets(kernel_set: str, forced_run: ForcedRun) -> None:
    best = forced_run("sorted_sums", isa=foxnn.kernel_sets()[-1], threads="1")
    this = forced_run("sorted_sums", isa=kernel_set, threads="1")
    assert this["kernel_set"] == kernel_set
    for key in best.keys() - {"kernel_set"}:
        assert this[key].tobytes() == best[key].tobytes(), key


def test_the_estimate_knows_the_price() -> None:
    nn = foxnn.neural_network([13, 33, 15])
    assert nn.threads_for(31) == 1
    nn.settings.correct_summation = True
    assert (nn.threads_for(31) > 1) == (_core.thread_limit() > 1)


# The setting


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
def test_switching_off_brings_the_old_bits_back() -> None:
    nn = foxnn.neural_network([33, 97, 15], seed=1)
    other = foxnn.neural_network([33, 97, 15], seed=1)
    x, y = inputs(31, 33), wanted(31, 15, "mse")
    other.settings.correct_summation = True
    different = other.get_out(x)
    other.settings.correct_summation = False
    assert nn.get_out(x).tobytes() == other.get_out(x).tobytes() != different.tobytes()
    for each in (nn, other):
        each.fit(x, y, 2)
        each.train_on_batch(x, y)
    assert parameters(nn).tobytes() == parameters(other).tobytes()


def test_switching_between_steps() -> None:
    """Kept buffers are made anew."""
    nn, x = ill_network(24, "float32", False), ill(24, "float32")
    data = x, TARGET.astype(np.float32)
    for is_sorted in (True, False, True):
        nn.settings.correct_summation = is_sorted
        nn[0].weights, nn[0].bias = np.ones((26, 1)), [0.0]
        expected = 24.0 if is_sorted else 0.0
        assert nn.get_out(x[0].tolist()).item() == expected
        assert loss_to_sum(nn.train_on_batch(*data, learning_rate=1e-9)) == expected


def test_layers_appended_and_copies_obey() -> None:
    nn, x = made([5, 97], dtype="float64"), uneven(13, 5, dtype="float64", seed=1)
    added = foxnn.layer(97, 3, "identity")
    added.weights = uneven(97, 3, dtype="float64", seed=2)
    nn.next_layer(added)
    hidden = sorted_product(x, nn[0].weights, nn[0].bias)
    expected = sorted_product(hidden, nn[1].weights, nn[1].bias)
    assert_same(nn.predict(x), expected)
    copied = nn._copy()._predict(x, 1)
    assert copied is not None
    assert_same(copied, expected)


def test_it_cannot_change_during_a_training() -> None:
    nn, x = ill_network(24, "float32", False), ill(24, "float32")
    plan = _core.Plan(_core.Optimizer("sgd"), 1e-9)
    for is_sorted in (False, True):
        nn.settings.correct_summation = is_sorted
        with _core.Trainer(nn, x, TARGET.astype(np.float32), plan) as trainer:
            nn.settings.correct_summation = is_sorted
            with pytest.raises(RuntimeError, match="while it is training"):
                nn.settings.correct_summation = not is_sorted
            assert nn.settings.correct_summation is is_sorted
            assert loss_to_sum(trainer.run_epoch().loss) == (24.0 if is_sorted else 0.0)


def test_a_wrong_value_changes_nothing() -> None:
    nn, x = ill_network(24, "float32", True), ill(24, "float32")
    with pytest.raises(TypeError, match="correct_summation must be True or False"):
        nn.settings.correct_summation = "yes"
    assert nn.settings.correct_summation is True
    assert nn.get_out(x).item() == 24.0
    nn.settings.correct_summation = 0
    assert nn.settings.correct_summation is False
    assert nn.get_out(x).item() == 0.0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_a_copy_of_the_settings_belongs_to_no_network(copied: Callable[[Any], Any]) -> None:
    nn, x = ill_network(24, "float32", True), ill(24, "float32")
    nn.settings.n_threads = 7
    other = copied(nn.settings)
    assert repr(other) == repr(nn.settings)
    other.correct_summation = False
    assert nn.settings.correct_summation is True
    assert nn.get_out(x).item() == 24.0


def test_settings_do_not_keep_their_network() -> None:
    nn = foxnn.neural_network([2, 1])
    settings, there = nn.settings, weakref.ref(nn)
    del nn
    assert there() is None
    settings.correct_summation = True
    assert settings.correct_summation is True
