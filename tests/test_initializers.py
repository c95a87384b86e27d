"""How weights begin: distributions, the generator behind them, and that a seed settles all."""

from __future__ import annotations

import math

import numpy as np
import pytest

import foxnn
from forced_runs import parameters
from foxnn import _core

INPUTS, NEURONS = 150, 200
COUNT = INPUTS * NEURONS
WEYL = (0x9E3779B9, 0xBB67AE85)
WORD = 2**32 - 1


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Philox 4x32-10 as in Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011."""
    c0, c1, c2, c3 = counter
    for _ in range(10):
        a, b = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (b >> 32) ^ c1 ^ key[0], b & WORD, (a >> 32) ^ c3 ^ key[1], a & WORD
        key = ((key[0] + WEYL[0]) & WORD, (key[1] + WEYL[1]) & WORD)
    return c0, c1, c2, c3


def uniform(seed: int, stream: int, position: int, substream: int = 0) -> float:
    """Return the number from 0 to 1 that the engine should draw."""
    counter = (position & WORD, position >> 32, stream, substream)
    low, high, _, _ = philox(counter, (seed & WORD, seed >> 32))
    return (((high << 32) | low) >> 11) * 2.0**-53


def first_weights(init: str, activation: str = "tanh", **options: object) -> np.ndarray:
    nn = foxnn.neural_network([INPUTS, NEURONS], activation, init=init, seed=11, **options)
    return nn[0].weights.astype(np.float64)


def test_philox_is_the_papers() -> None:
    """The known answers of its authors' library, Random123."""
    assert philox((0, 0, 0, 0), (0, 0)) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
    ones = philox((WORD,) * 4, (WORD,) * 2)
    assert ones == (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)


@pytest.mark.parametrize(("seed", "stream", "substream"), [(0, 0, 0), (2**64 - 1, 3, 7), (5, 1, 2)])
def test_uniform_numbers(seed: int, stream: int, substream: int) -> None:
    found = _core.uniform(seed, stream, 100, substream)
    assert found.tolist() == [uniform(seed, stream, i, substream) for i in range(100)]


@pytest.mark.parametrize("count", [1, 2, 3, 10, 1000])
def test_shuffled_is_a_permutation(count: int) -> None:
    order = _core.shuffled(3, 1, count)
    assert sorted(order.tolist()) == list(range(count))


def test_shuffled_is_even() -> None:
    """Each of the 6 orders of 3 comes a sixth of the time: five standard deviations."""
    orders = [tuple(_core.shuffled(seed, 1, 3).tolist()) for seed in range(6000)]
    for order in set(orders):
        assert abs(orders.count(order) - 1000) < 5 * math.sqrt(6000 * 5 / 36)
    assert len(set(orders)) == 6


@pytest.mark.parametrize(
    ("init", "limit"),
    [
        ("glorot_uniform", math.sqrt(6 / (INPUTS + NEURONS))),
        ("he_uniform", math.sqrt(6 / INPUTS)),
        ("uniform", 1.0),
    ],
)
def test_uniform_initializers(init: str, limit: float) -> None:
    w = first_weights(init, dtype="float64")
    expected = [(2 * uniform(11, 0, i) - 1) * limit for i in range(COUNT)]
    np.testing.assert_allclose(w.ravel(), expected, rtol=1e-15)
    # Nearly all of the range is reached, and it is filled evenly: five standard deviations.
    assert 0.999 * limit < np.abs(w).max() <= limit
    assert abs(w.mean()) < 5 * limit / math.sqrt(3 * COUNT)
    assert w.var() == pytest.approx(limit**2 / 3, rel=5 * math.sqrt(0.8 / COUNT))


@pytest.mark.parametrize(
    ("init", "deviation"),
    [
        ("glorot_normal", math.sqrt(2 / (INPUTS + NEURONS))),
        ("he_normal", math.sqrt(2 / INPUTS)),
        ("lecun_normal", math.sqrt(1 / INPUTS)),
    ],
)
def test_normal_initializers(init: str, deviation: float) -> None:
    w = first_weights(init, dtype="float64").ravel() / deviation
    # Box and Muller's transform of two uniform numbers each.
    pairs = [(1 - uniform(11, 0, 2 * i), uniform(11, 0, 2 * i + 1)) for i in range(1000)]
    expected = [math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * v) for u, v in pairs]
    np.testing.assert_allclose(w[:1000], expected, rtol=1e-13, atol=1e-14)
    assert abs(w.mean()) < 5 / math.sqrt(COUNT)
    assert w.var() == pytest.approx(1.0, rel=5 * math.sqrt(2 / COUNT))
    assert (w**4).mean() == pytest.approx(3.0, abs=5 * math.sqrt(96 / COUNT))
    # A share of 0.2700 per cent is beyond three deviations.
    assert (np.abs(w) > 3).mean() == pytest.approx(0.0027, abs=5 * math.sqrt(0.0027 / COUNT))


def test_zeros() -> None:
    assert not first_weights("zeros").any()


@pytest.mark.parametrize("activation", foxnn.activations())
def test_auto(activation: str) -> None:
    # selu is not among them: it wants variance 1 / inputs, which Glorot's is between equal widths.
    rectifiers = ("relu", "leaky_relu", "elu", "gelu", "silu", "softplus")
    init = "he_uniform" if activation in rectifiers else "glorot_uniform"
    auto = foxnn.neural_network([20, 30], activation, seed=1)
    named = foxnn.neural_network([20, 30], activation, init=init, seed=1)
    assert parameters(auto).tobytes() == parameters(named).tobytes()


@pytest.mark.parametrize("init", foxnn.initializers())
def test_biases_start_at_zero_but_for_foxnns(init: str) -> None:
    nn = foxnn.neural_network([30, 40, 50], init=init, seed=2)
    for part in nn:
        assert bool(part.bias.any()) == (init == "uniform")
        assert np.abs(part.bias).max() <= 1


@pytest.mark.parametrize("init", foxnn.initializers())
def test_float32_is_float64_rounded(init: str) -> None:
    single, double = (
        parameters(foxnn.neural_network([20, 31, 9], init=init, dtype=dtype, seed=3))
        for dtype in ("float32", "float64")
    )
    assert single.tobytes() == double.astype(np.float32).tobytes()


def test_layers_differ() -> None:
    nn = foxnn.neural_network([10, 10, 10], init="uniform", seed=4)
    assert not np.isin(nn[0].weights, nn[1].weights).any()


def test_same_seed_same_network() -> None:
    a, b, c = (foxnn.neural_network([7, 5], seed=seed) for seed in (1, 1, 2))
    assert parameters(a).tobytes() == parameters(b).tobytes() != parameters(c).tobytes()
    assert (a.seed, c.seed) == (1, 2)


def test_without_a_seed_each_network_is_another_and_can_be_repeated() -> None:
    a, b = foxnn.neural_network([7, 5]), foxnn.neural_network([7, 5])
    assert parameters(a).tobytes() != parameters(b).tobytes()
    again = foxnn.neural_network([7, 5], seed=a.seed)
    assert parameters(again).tobytes() == parameters(a).tobytes()


def test_largest_seed() -> None:
    seed = 2**64 - 1
    assert foxnn.neural_network([2, 2], seed=seed).seed == seed


def test_layer_takes_init_and_seed() -> None:
    a, b = (foxnn.layer(5, 4, "relu", init="he_normal", seed=6) for _ in range(2))
    assert a.weights.tobytes() == b.weights.tobytes()
    assert a.weights.any()
