"""Numbers at the edge of their type, and networks and data at the edge of their kind.

What comes out is right, or a clear error says why nothing does.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import foxnn
import reference
from closeness import assert_within, forward_bound, gradient_bounds
from forced_runs import HIDDEN, inputs, parameters, wanted

DTYPES = ["float32", "float64"]


def scales(dtype: str) -> tuple[float, float, float]:
    """Return a subnormal number, the largest, and one whose square is beyond the type."""
    found = np.finfo(dtype)
    return float(found.tiny) / 1024, float(found.max), math.sqrt(float(found.max)) * 2


# Sizes of numbers


@pytest.mark.parametrize("dtype", DTYPES)
def test_subnormal_numbers_are_not_lost_in_prediction(dtype: str) -> None:
    tiny, largest, _ = scales(dtype)
    nn = foxnn.neural_network([2, 2, 1], "identity", dtype=dtype, seed=1)
    unit = float(np.finfo(dtype).smallest_subnormal)
    for x, w in ((tiny, largest / 4), (largest / 4, tiny)):
        nn[0].weights, nn[1].weights = [[w, 0.0], [0.0, 1.0]], [[1.0], [1.0]]
        expected = np.dtype(dtype).type(x) * np.dtype(dtype).type(w)
        for found in (nn.predict([[x, 0.0]])[0, 0], nn.get_out([x, 0.0])[0]):
            assert found == pytest.approx(expected, rel=unit / tiny)
            assert found > 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", HIDDEN)
def test_zeros_of_both_signs(name: str, dtype: str) -> None:
    nn = foxnn.neural_network([3, 4, 2], name, dtype=dtype, seed=2)
    zeros = np.array([[0.0, -0.0, 0.0], [-0.0, -0.0, -0.0]])
    oracle = reference.copy_of(nn)
    assert_within(
        nn.predict(zeros), oracle.forward(zeros)[1][-1], forward_bound(oracle, zeros, dtype)
    )
    nn.fit(zeros, zeros[:, :2], 2, 1)
    assert np.isfinite(parameters(nn)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*HIDDEN, "exp", "softmax"])
def test_large_inputs_are_right_infinite_or_refused(name: str, dtype: str) -> None:
    """Never NaN: where the true output is beyond the type it is infinite."""
    _, largest, root = scales(dtype)
    hidden, output = ("tanh", name) if name in ("exp", "softmax") else (name, "identity")
    nn = foxnn.neural_network([2, 3, 2], hidden, output, dtype=dtype, seed=1)
    for scale in (largest, largest / 3, root, largest * 1e-8):
        for signs in ([1, -1], [1, 1], [-1, -1], [1, 0]):
            x = np.array([signs], dtype) * np.dtype(dtype).type(scale)
            with np.errstate(all="ignore"):
                z, a = reference.copy_of(nn).forward(x.astype(np.float64))
                expected = a[-1].astype(dtype)
            inside = all(
                np.isfinite(values).all() and np.abs(values).max() < largest for values in z
            )
            try:
                found = nn.predict(x)
            except OverflowError as error:
                assert "outputs are not numbers" in str(error)  # noqa: PT017
                assert not inside
                with pytest.raises(OverflowError):
                    nn.get_out(x[0])
                continue
            assert not np.isnan(found).any()
            assert found.tolist() == nn.get_out(x[0])[None].tolist()
            # The sine of so large a number depends on each of its digits.
            if inside and name != "sinusoid":
                assert_within(found, expected, 1e-4 * np.abs(expected) + 1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["gelu", "silu", "gaussian"])
def test_a_preactivation_that_overflows_has_the_limit(name: str, dtype: str) -> None:
    """An infinity times the zero that it leads to would be NaN."""
    _, largest, _ = scales(dtype)
    nn = foxnn.neural_network([1, 1], name, dtype=dtype, seed=1)
    nn[0].weights, nn[0].bias = [[4.0]], [0.0]
    assert nn.predict([[-largest]]).tolist() == [[0.0]]
    assert nn.gradient([[-largest]]).ravel().tolist() == [0.0]
    assert nn.gradient([[largest]]).ravel().tolist() == [0.0 if name == "gaussian" else 4.0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_no_number_is_said(dtype: str) -> None:
    _, largest, _ = scales(dtype)
    nn = foxnn.neural_network([1, 1, 1], "identity", dtype=dtype, seed=1)
    nn[0].weights, nn[1].weights = [[4.0]], [[0.0]]
    x = [[1.0], [largest]]
    hint = "scale x, or use dtype='float64'" if dtype == "float32" else "scale x"
    with pytest.raises(OverflowError, match=rf"outputs are not numbers \(NaN\): .*{dtype}; {hint}"):
        nn.predict(x)
    with pytest.raises(OverflowError, match="outputs are not numbers"):
        nn.get_out([largest])
    with pytest.raises(OverflowError, match="the loss is not a number"):
        nn.evaluate(x, [[0.0], [0.0]])
    with pytest.raises(foxnn.DivergedError):
        nn.fit(x, [[0.0], [0.0]], 1)
    exponential = foxnn.neural_network([1, 2, 1], "identity", "exp", dtype=dtype, seed=1)
    exponential[0].weights, exponential[1].weights = [[1.0, 0.0]], [[1.0], [0.0]]
    assert exponential.predict([[largest]]).tolist() == [[math.inf]]
    with pytest.raises(OverflowError, match="gradients are not numbers"):
        exponential.gradient([[largest]])
    assert nn.predict([[1.0]]).tolist() == [[0.0]]


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_beyond_the_type_are_refused(dtype: str) -> None:
    nn = foxnn.neural_network([1, 1], dtype=dtype)
    beyond = 1e39 if dtype == "float32" else math.inf
    before = parameters(nn).tobytes()
    for value in ([[beyond]], [[-math.inf]], [[math.nan]]):
        with pytest.raises(ValueError, match="weights must be"):
            nn[0].weights = value
    assert parameters(nn).tobytes() == before


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", foxnn.optimizers())
def test_a_training_beyond_the_type_leaves_its_start(optimizer: str, dtype: str) -> None:
    nn = foxnn.neural_network([3, 5, 2], "relu", "identity", dtype=dtype, seed=1)
    before = parameters(nn).tobytes()
    largest = float(np.finfo(dtype).max)
    with pytest.raises(foxnn.DivergedError, match="no longer finite"):
        nn.fit(inputs(9, 3) * (largest / 4), wanted(9, 2, "mse"), 3, 4, optimizer)
    assert parameters(nn).tobytes() == before
    nn.fit(inputs(9, 3), wanted(9, 2, "mse"), 3, 4, optimizer)
    assert np.isfinite(parameters(nn)).all()


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-310, 1e-40, 7.0, -1e30, 1e308])
@pytest.mark.parametrize("method", ["standard", "minmax"])
def test_constant_columns_are_scaled_to_zero(method: str, value: float) -> None:
    x = inputs(40, 3)
    x[:, 1] = value
    scaled = foxnn.Scaler(method).fit(x).transform(x)
    assert scaled[:, 1].tolist() == [0.0] * 40
    if abs(value) > 1e38:
        return  # beyond float32
    nn = foxnn.neural_network([3, 4, 1], "tanh", "identity", seed=1)
    history = nn.fit(x, x[:, :1], 30, 8, scale=method, learning_rate=0.01)
    assert history["loss"][-1] < history["loss"][0]


# Data and networks


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("samples", [1, 2, 33])
@pytest.mark.parametrize("batch_size", [1, 32, 2**40])
def test_batches_of_any_size(batch_size: int, samples: int, dtype: str) -> None:
    """One larger than the data takes them all."""
    nn = foxnn.neural_network([4, 5, 3], "tanh", "softmax", dtype=dtype, seed=3)
    x, y = inputs(samples, 4), wanted(samples, 3, "cross_entropy")
    oracle = reference.copy_of(nn)
    expected = reference.train(oracle, x, y, reference.SGD(), 0.1, min(batch_size, samples))
    history = nn.fit(x, y, 1, batch_size, "sgd", 0.1, shuffle=False)
    assert history["loss"] == pytest.approx(expected, rel=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("more", [{}, {"class_weight": "balanced"}, {"validation": 0.4}])
def test_one_class_is_learnt(more: dict[str, Any]) -> None:
    nn = foxnn.neural_network([3, 8, 4], "relu", "softmax", seed=1)
    history = nn.fit(inputs(20, 3), [2] * 20, 100, 5, learning_rate=0.01, **more)
    assert history["accuracy"][-1] == 1.0
    assert nn.predict(inputs(20, 3)).argmax(axis=1).tolist() == [2] * 20


def test_one_sample_is_learnt_but_not_parted() -> None:
    nn = foxnn.neural_network([3, 8, 1], "tanh", "identity", seed=1)
    assert nn.fit([[1, 2, 3]], [[7]], 500, learning_rate=0.01)["loss"][-1] < 1e-3
    with pytest.raises(ValueError, match=r"validation=0.5 of 1 samples leaves none"):
        nn.fit([[1, 2, 3]], [[7]], validation=0.5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "sizes",
    [
        [1, 1],
        [1, 1, 1, 1],
        [1, 20_000, 1],
        [20_000, 1],
        [1, 20_000],
        [20_000, 3, 20_000],
        [7] * 201,
    ],
    ids=str,
)
def test_widths_and_depths(sizes: list[int], dtype: str) -> None:
    """Width 1 and 20,000, and 200 layers: outputs and gradients against the oracle."""
    deep = len(sizes) > 100
    nn = foxnn.neural_network(sizes, "tanh", "identity", dtype=dtype, seed=5)
    for part in nn:
        part.bias = inputs(1, part.get_N_n())[0] / 8
        if deep:
            part.weights = part.weights * np.dtype(dtype).type(1.2)
    x, y = inputs(5, sizes[0]), wanted(5, sizes[-1], "mse")
    oracle = reference.copy_of(nn)
    assert_within(nn.predict(x), oracle.forward(x)[1][-1], forward_bound(oracle, x, dtype))
    found = nn._loss_and_gradients(x, y)[1]
    bounds = gradient_bounds(oracle, x, y, dtype)
    for i, (pair, expected, bound) in enumerate(
        zip(found, oracle.gradients(x, y), bounds, strict=True)
    ):
        for got, true, allowed, name in zip(pair, expected, bound, ("dW", "db"), strict=True):
            assert_within(got, true, allowed, f"{name}{i}")
    before = parameters(nn).copy()
    nn.fit(x, y, 2, 2)
    assert np.mean(parameters(nn) != before) > 0.2
    assert np.isfinite(parameters(nn)).all()


# float32 against float64

# In units of the distance between 1 and the next float32, for outputs of about 1 after 300 steps:
# at most 3.0 were measured, 6.8 with AdamW, whose steps round the weights twice.
SINGLE_BOUND = 16.0


@pytest.mark.filterwarnings("ignore::foxnn.ConvergenceWarning")
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"])
@pytest.mark.parametrize("hidden", ["tanh", "gelu", "softplus"])
def test_single_against_double_precision(hidden: str, optimizer: str) -> None:
    assert single_error(hidden, optimizer) < SINGLE_BOUND


def single_error(hidden: str, optimizer: str) -> float:
    """Return the root mean square of what float32 changes in the outputs after 300 steps."""
    x, y = inputs(300, 8), np.sin(inputs(300, 8) @ np.ones((8, 2)))
    outputs = []
    for dtype in DTYPES:
        nn = foxnn.neural_network([8, 32, 16, 2], hidden, "identity", dtype=dtype, seed=1)
        for part in nn:  # the same to the bit
            part.weights = np.asarray(part.weights, np.float32)
        rate = 0.001 if optimizer in ("adam", "adamw", "rmsprop") else 0.01
        nn.fit(x, y, 30, 30, optimizer, rate)
        outputs.append(nn.predict(x).astype(np.float64))
    error = np.sqrt(np.mean(np.square(outputs[0] - outputs[1])))
    return float(error / np.finfo(np.float32).eps)
