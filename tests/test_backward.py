"""Steps along gradients that the caller has computed, and d loss / d inputs."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
import own_losses
from forced_runs import inputs, parameters, wanted

per_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
X, Y = inputs(19, 4), wanted(19, 3, "mse")


def network(width: int = 7, dtype: str = "float64", **options: Any) -> foxnn.neural_network:
    sizes = [4, width, 3]
    return foxnn.neural_network(sizes, "tanh", "identity", dtype=dtype, **{"seed": 1, **options})


@per_dtype
@pytest.mark.parametrize("width", [7, 300])
@pytest.mark.parametrize("rule", ["sgd", "adam", foxnn.SGD(momentum=0.9)], ids=str)
def test_a_step_of_the_mean_is_that_of_train_on_batch(width: int, rule: Any, dtype: str) -> None:
    one, other = network(width, dtype), network(width, dtype)
    near = 1e-5 if dtype == "float32" else 1e-12
    for _ in range(3):
        error = (one.predict(X) - Y) / len(X)
        one.backward(X, error, rule, 0.05)
        other.train_on_batch(X, Y, rule, 0.05)
        np.testing.assert_allclose(parameters(one), parameters(other), rtol=0, atol=near)
    assert one._steps() == other._steps() == 3
    # Moments go on, whoever makes the next step.
    one.train_on_batch(X, Y, rule, 0.05)
    other.backward(X, (other.predict(X) - Y) / len(X), rule, 0.05)
    np.testing.assert_allclose(parameters(one), parameters(other), rtol=0, atol=near)


@per_dtype
def test_penalties_and_clipping_are_those_of_fit(dtype: str) -> None:
    for more in ({"l2": 0.3}, {"l1": 0.1}, {"clip_norm": 0.01}, {"clip_value": 0.001}):
        one, other = network(dtype=dtype), network(dtype=dtype)
        one.backward(X, (one.predict(X) - Y) / len(X), "sgd", 0.1, **more)
        other.fit(X, Y, 1, len(X), "sgd", 0.1, shuffle=False, **more)
        near = 1e-6 if dtype == "float32" else 1e-12
        np.testing.assert_allclose(parameters(one), parameters(other), rtol=0, atol=near)


@pytest.mark.parametrize("rate", [0.0, 0.05])
@pytest.mark.parametrize("row", kinds.ROWS, ids=lambda row: row.name)
def test_the_inputs_gradient_of_every_kind(row: Any, rate: float) -> None:
    """It is the sum of those of the outputs, at the weights before the step."""
    nn = row.network("float64")
    x = kinds.samples(nn, 5)
    out = nn.predict(x)
    slopes = np.random.default_rng(1).standard_normal(out.shape)
    jacobian = nn.gradient(x)
    each = jacobian.reshape(5, out[0].size, -1)
    expected = np.einsum("no,noi->ni", slopes.reshape(5, -1), each)
    before = {name: array.copy() for name, array in kinds.arrays(nn).items()}
    found = nn.backward(x, slopes, "sgd", rate)
    assert found.shape == (5, *nn._input_shape())
    np.testing.assert_allclose(found.reshape(5, -1), expected, rtol=1e-9, atol=1e-11)
    if rate == 0.0:
        for name, array in kinds.arrays(nn).items():
            assert array.tobytes() == before[name].tobytes(), name


@pytest.mark.parametrize("row", kinds.ROWS, ids=lambda row: row.name)
def test_the_step_of_every_kind_by_differences(row: Any) -> None:
    """The loss is the sum of outputs times numbers, of which the step takes a little."""
    nn = row.network("float64")
    x = kinds.samples(nn, 4)
    slopes = np.random.default_rng(2).standard_normal(nn.predict(x).shape)
    before = (nn.predict(x) * slopes).sum()
    start = kinds.arrays(nn)
    rate = 1e-7
    nn.backward(x, slopes, "sgd", rate)
    after = (nn.predict(x) * slopes).sum()
    moved = sum(((array - start[name]) ** 2).sum() for name, array in kinds.arrays(nn).items())
    assert before - after == pytest.approx(moved / rate, rel=2e-3, abs=1e-12)
    assert moved > 0 or not start


def test_without_a_rate_nothing_changes() -> None:
    nn = network()
    nn.train_on_batch(X, Y, "adam")
    before, steps, draw = parameters(nn).tobytes(), nn._steps(), nn._draw()
    twin = copy.deepcopy(nn)
    nn.backward(X, Y, "sgd", 0.0)
    nn.backward(X, Y, "adam", learning_rate=0)
    assert (parameters(nn).tobytes(), nn._steps(), nn._draw()) == (before, steps, draw)
    for each in (nn, twin):
        each.train_on_batch(X, Y, "adam")
    assert parameters(nn).tobytes() == parameters(twin).tobytes()


@per_dtype
def test_two_networks_in_a_chain_are_one(dtype: str) -> None:
    first, second = (
        network(dtype=dtype),
        foxnn.neural_network([3, 5, 2], "tanh", dtype=dtype, seed=2),
    )
    whole = foxnn.neural_network([4, 7, 3, 5, 2], ["tanh", "identity", "tanh", "tanh"], dtype=dtype)
    for a, b in zip(whole, [*first, *second], strict=True):
        a.weights, a.bias = b.weights, b.bias
    y = wanted(19, 2, "mse")
    for _ in range(3):
        middle = first.predict(X)
        error = (second.predict(middle) - y) / len(X)
        first.backward(X, second.backward(middle, error, "adam", 0.01), "adam", 0.01)
        whole.train_on_batch(X, y, "adam", 0.01)
    both = np.concatenate([parameters(first), parameters(second)])
    near = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(both, parameters(whole), rtol=0, atol=near)


def test_scalers() -> None:
    nn = network()
    nn.fit(X, 100 * Y + 7, 1, scale="standard")
    slopes = np.random.default_rng(1).standard_normal((19, 3))
    found = nn.backward(X, slopes, learning_rate=0.0)
    expected = np.einsum("no,noi->ni", slopes, nn.gradient(X))
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    before = (nn.predict(X) * slopes).sum()
    start = parameters(nn)
    nn.backward(X, slopes, "sgd", 1e-9)
    moved = ((parameters(nn) - start) ** 2).sum()
    assert before - (nn.predict(X) * slopes).sum() == pytest.approx(moved / 1e-9, rel=1e-3)


def test_dropout_and_batch_norm_are_as_in_predict() -> None:
    items = [4, 6, foxnn.BatchNorm(), foxnn.Activation("tanh"), foxnn.Dropout(0.5), 3]
    nn = foxnn.neural_network(items, "identity", seed=1, dtype="float64")
    nn.fit(X, Y, 3, 8)
    means = nn[1].arrays["running_mean"].copy()
    draw = nn._draw()
    slopes = np.random.default_rng(1).standard_normal((19, 3))
    expected = np.einsum("no,noi->ni", slopes, nn.gradient(X))
    found = nn.backward(X, slopes, "sgd", 0.01)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    assert nn[1].arrays["running_mean"].tobytes() == means.tobytes()
    assert nn._draw() == draw
    # train_on_batch still learns with both.
    twin = foxnn.neural_network(items, "identity", seed=1, dtype="float64")
    twin.fit(X, Y, 3, 8)
    assert nn.train_on_batch(X, Y) != nn.evaluate(X, Y)["loss"]
    assert nn[1].arrays["running_mean"].tobytes() != means.tobytes()


def test_sequences_of_different_lengths() -> None:
    rng = np.random.default_rng(3)
    x = [rng.standard_normal((n, 2)) for n in (3, 5, 2, 5)]
    lengths = [len(one) for one in x]
    padded = np.zeros((4, 6, 2))
    for row, one in zip(padded, x, strict=True):
        row[: len(one)] = one
        row[len(one) :] = 99.0
    items = [(None, 2), foxnn.GRU(3, return_sequences=True), foxnn.Dense(2)]

    def made() -> foxnn.neural_network:
        return foxnn.neural_network(items, "tanh", dtype="float64", seed=1)

    one, other, engine = made(), made(), made()
    slopes = [rng.standard_normal((n, 2)) for n in lengths]
    wide = np.full((4, 6, 2), 7.0)  # what is beyond an end counts nowhere
    for row, part in zip(wide, slopes, strict=True):
        row[: len(part)] = part
    found = one.backward(x, slopes, "sgd", 0.1)
    assert [part.shape for part in found] == [part.shape for part in x]
    also = other.backward(padded, wide, "sgd", 0.1, lengths=lengths)
    for part, row in zip(found, also, strict=True):
        np.testing.assert_allclose(row[: len(part)], part, rtol=1e-12)
        assert not row[len(part) :].any()
    for a, b in zip(one, other, strict=True):
        for name, array in a.arrays.items():
            np.testing.assert_allclose(array, b.arrays[name], rtol=1e-12)
    # One by one, without padding.
    for i in (2, 0):
        alone = engine.backward([x[i]], [slopes[i]], learning_rate=0.0)
        np.testing.assert_allclose(alone[0], found[i], rtol=1e-10)
    last = foxnn.neural_network([(None, 2), foxnn.LSTM(3), 1], "identity", seed=1)
    assert [part.shape for part in last.backward(x, np.ones((4, 1)))] == [part.shape for part in x]


def test_sparse_samples() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    x = inputs(9, 40)
    one, other = (foxnn.neural_network([40, 5, 2], "tanh", dtype="float64", seed=1) for _ in "ab")
    found = one.backward(sparse.csr_matrix(x), np.ones((9, 2)), "sgd", 0.1)
    np.testing.assert_allclose(found, other.backward(x, np.ones((9, 2)), "sgd", 0.1), rtol=1e-12)
    np.testing.assert_allclose(parameters(one), parameters(other), rtol=1e-12)


def test_frozen_layers_stay() -> None:
    nn = network()
    nn[1].trainable = False
    last, first = nn[1].weights.copy(), nn[0].weights.copy()
    nn.backward(X, Y, "sgd", 0.1)
    assert nn[1].weights.tobytes() == last.tobytes()
    assert nn[0].weights.tobytes() != first.tobytes()


def test_a_network_with_any_loss() -> None:
    """Its own loss does not matter, even if it is a function, or sorts the outputs."""
    slopes = np.random.default_rng(5).standard_normal((19, 3))
    plain = network()
    expected = plain.backward(X, slopes, "sgd", 0.1)
    own = network(loss=own_losses.half_square)
    assert own.backward(X, slopes, "sgd", 0.1).tobytes() == expected.tobytes()
    assert parameters(own).tobytes() == parameters(plain).tobytes()
    ordered = network(loss=("quantile", [0.1, 0.5, 0.9]))
    assert (np.diff(network().predict(X), axis=1) < 0).any()
    by_output = np.einsum("no,noi->ni", slopes, ordered.gradient(X))
    np.testing.assert_allclose(ordered.backward(X, slopes, learning_rate=0.0), by_output, rtol=1e-9)
    start, before = parameters(ordered), (ordered.predict(X) * slopes).sum()
    ordered.backward(X, slopes, "sgd", 1e-8)
    moved = ((parameters(ordered) - start) ** 2).sum()
    assert before - (ordered.predict(X) * slopes).sum() == pytest.approx(moved / 1e-8, rel=1e-3)
    classes = foxnn.neural_network([4, 3], output_activation="softmax", seed=1)
    assert classes.backward(X, slopes).shape == (19, 4)


def test_the_loss_of_a_policy() -> None:
    """A gradient by outputs alone, and the same as a loss of labels with weights."""
    nn, other = (
        foxnn.neural_network([4, 6, 3], "tanh", "softmax", dtype="float64", seed=1) for _ in "ab"
    )
    actions, rewards = np.arange(19) % 3, np.arange(19) % 4 / 4.0
    rows, p = np.arange(19), nn.predict(X)
    slopes = np.zeros_like(p)
    slopes[rows, actions] = -rewards / p[rows, actions] / rewards.sum()
    nn.backward(X, slopes, "sgd", 0.1)
    other.fit(X, actions, 1, 19, "sgd", 0.1, sample_weight=rewards, shuffle=False)
    np.testing.assert_allclose(parameters(nn), parameters(other), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gradient": Y[:5]}, r"gradient must .* of the outputs, \(19, 3\), got \(5, 3\)"),
        ({"gradient": Y[:, :2]}, r"gradient must have the shape .* got \(19, 2\)"),
        ({"gradient": Y[:, 0]}, r"gradient must have the shape .* got \(19,\)"),
        ({"gradient": np.where(Y > 0.9, np.nan, Y)}, "gradient must be finite"),
        ({"gradient": np.where(Y > 0.9, np.inf, Y)}, "gradient must be finite"),
        ({"x": X[:, :3]}, "x must have .*4"),
        ({"x": np.where(X > 1.5, np.nan, X)}, "x must be finite"),
        ({"learning_rate": -1.0}, "learning_rate must be"),
        ({"learning_rate": math.nan}, "learning_rate must be"),
        ({"l2": -1.0}, "l2 must be"),
        ({"clip_norm": 0.0}, "clip_norm must be"),
        ({"clip_norm": 1.0, "clip_value": 1.0}, "clip_norm and clip_value"),
        ({"optimizer": "adamm"}, "optimizer must be one of"),
        ({"lengths": [1] * 19}, "lengths must be left out"),
    ],
)  # fmt: skip
def test_what_is_refused(given: dict[str, Any], message: str) -> None:
    nn = network()
    before = parameters(nn).tobytes()
    with pytest.raises(ValueError, match=message):
        nn.backward(**{"x": X, "gradient": Y, **given})
    assert parameters(nn).tobytes() == before
    assert nn._steps() == 0


def test_beyond_the_numbers() -> None:
    nn = network(dtype="float32")
    nn.backward(X, Y)
    before = parameters(nn).tobytes()
    with pytest.raises(foxnn.DivergedError):
        nn.backward(X, 1e38 * np.ones((19, 3)), "sgd", 1e10)
    assert parameters(nn).tobytes() == before
    nn[1].weights = np.full((7, 3), 3e38)
    for rate in (0.0, 0.1):
        with pytest.raises(foxnn.DivergedError):
            nn.backward(X, Y, learning_rate=rate)


def test_batches_of_any_size_and_type_in_turn() -> None:
    one, other = network(dtype="float32"), network(dtype="float32")
    for size in (19, 1, 7, 19):
        slopes = Y[:size]
        a = one.backward(X[:size], slopes)
        b = other.backward(X[:size].tolist(), np.asfortranarray(slopes.astype(np.float32)))
        assert a.dtype == np.float32
        assert a.tobytes() == b.tobytes()
    assert parameters(one).tobytes() == parameters(other).tobytes()
