"""The walk through the network: every number against the oracle, its formulas, and its manners."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import forced_runs
import foxnn
import reference
from closeness import ACTIVATION_ULPS, assert_within, epsilon, forward_bound, gradient_bounds
from foxnn import Trace, _core

ENDINGS = list(forced_runs.endings())
SIZES = [4, 6, 5, 3]


def network(hidden: str, output: str, loss: str, dtype: str) -> foxnn.neural_network:
    nn = foxnn.neural_network(SIZES, hidden, output, loss, dtype=dtype, seed=6)
    for part in nn:
        part.bias = np.linspace(-0.5, 0.5, part.get_N_n())
    return nn


def names(layers: int, with_loss: bool) -> list[str]:
    """Return the names of a trace in the order of the walk."""
    found = ["a^0"]
    for i in range(1, layers + 1):
        found += [f"w^{i}", f"b^{i}", f"z^{i}", f"a^{i}"]
    if with_loss:
        found += ["y", "C"]
        for i in range(layers, 0, -1):
            found += [f"delta^{i}", f"dC/dw^{i}", f"dC/db^{i}"]
    return found


def article(sizes: list[int], weights: list[Any], dtype: str = "float64") -> foxnn.neural_network:
    nn = foxnn.neural_network(sizes, init="zeros", dtype=dtype)
    for part, values in zip(nn, weights, strict=True):
        part.weights = values
    return nn


# The numbers


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("hidden", "output", "loss"), ENDINGS)
def test_oracle(hidden: str, output: str, loss: str, dtype: str) -> None:
    nn = network(hidden, output, loss, dtype)
    oracle = reference.copy_of(nn)
    x, y = forced_runs.inputs(5, SIZES[0]), forced_runs.wanted(5, SIZES[-1], loss)
    for row_x, row_y in zip(x, y, strict=True):
        trace = nn.trace(row_x, row_y)
        assert list(trace) == names(3, with_loss=True)
        for name, array in trace.items():
            assert array.dtype == ("float64" if name == "C" else dtype), name
        x1, y1 = row_x[None], row_y[None]
        z, a = oracle.forward(x1)
        gradients = oracle.gradients(x1, y1)
        bounds = gradient_bounds(oracle, x1, y1, dtype)
        assert_within(trace["a^0"], row_x, 0.0, "a^0")
        assert_within(trace["y"], row_y, 0.0, "y")
        for i, layer in enumerate(oracle.layers):
            assert_within(trace[f"w^{i + 1}"], layer.weights, 0.0, f"w^{i + 1}")
            assert_within(trace[f"b^{i + 1}"], layer.bias, 0.0, f"b^{i + 1}")
            sums = reference.Layer(layer.weights, layer.bias, "identity_x")
            for name, value, end in (("z", z[i], sums), ("a", a[i + 1], layer)):
                part = reference.Network([*oracle.layers[:i], end], "mse")
                allowed = forward_bound(part, x1, dtype)[0]
                assert_within(trace[f"{name}^{i + 1}"], value[0], allowed, f"{name}^{i + 1}")
            for name, which in (("delta", 1), ("dC/dw", 0), ("dC/db", 1)):
                value, allowed = gradients[i][which], bounds[i][which]
                assert_within(trace[f"{name}^{i + 1}"], value, allowed, f"{name}^{i + 1}")
        # As in the tests of gradients: the outputs' error, and a unit more a term of the sum.
        value = oracle.losses(x1, y1)[0]
        error = forward_bound(oracle, x1, dtype).max() + SIZES[-1] * epsilon(dtype)
        assert_within(trace["C"], value, error * SIZES[-1] * max(1.0, value), "C")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("hidden", "output", "loss"), ENDINGS[::5])
@pytest.mark.parametrize("sorted_summation", [False, True])
def test_the_same_as_the_network_says(
    hidden: str, output: str, loss: str, dtype: str, sorted_summation: bool
) -> None:
    nn = network(hidden, output, loss, dtype)
    nn.settings.correct_summation = sorted_summation
    x, y = forced_runs.inputs(1, SIZES[0]), forced_runs.wanted(1, SIZES[-1], loss)
    trace = nn.trace(x[0], y[0])
    np.testing.assert_array_equal(trace["a^3"], nn.predict(x)[0])
    value, gradients = nn._loss_and_gradients(x, y)
    assert trace["C"] == value
    for i, (weights, bias) in enumerate(gradients, start=1):
        np.testing.assert_array_equal(trace[f"dC/dw^{i}"], weights)
        np.testing.assert_array_equal(trace[f"dC/db^{i}"], bias)
        np.testing.assert_array_equal(trace[f"delta^{i}"], bias)


@pytest.mark.parametrize("sizes", [[1, 1], [33, 97, 1], [784, 40, 10], [2, 3, 3, 3, 3, 3, 3, 2]])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_equations_of_backpropagation(sizes: list[int], dtype: str) -> None:
    """Nielsen's BP1 to BP4 between the arrays of a trace, for sizes around those of tiles."""
    nn = foxnn.neural_network(sizes, "sigmoid", dtype=dtype, seed=2)
    x, y = forced_runs.inputs(1, sizes[0])[0], forced_runs.wanted(1, sizes[-1], "mse")[0]
    trace, last = nn.trace(x, y), len(nn)
    np.testing.assert_array_equal(trace[f"a^{last}"], nn.predict([x])[0])
    for i in range(1, last + 1):
        a, delta = (trace[f"{name}^{i}"].astype(np.float64) for name in ("a", "delta"))
        slope = a * (1 - a)
        if i == last:
            error, terms = a - y, np.abs(a) + np.abs(y)
        else:
            after, w = (trace[f"{name}^{i + 1}"].astype(np.float64) for name in ("delta", "w"))
            error, terms = after @ w.T, (len(after) + 2) * (np.abs(after) @ np.abs(w).T)
        # The slope from a itself, which is rounded, has an error of ulps of 1.
        own = np.abs(error) * ACTIVATION_ULPS
        allowed = epsilon(dtype) * (terms + own)
        assert_within(delta, error * slope, allowed, f"delta^{i}")
        expected = np.outer(trace[f"a^{i - 1}"].astype(np.float64), delta)
        assert_within(trace[f"dC/dw^{i}"], expected, np.abs(expected) * epsilon(dtype), f"w^{i}")
        np.testing.assert_array_equal(trace[f"dC/db^{i}"], trace[f"delta^{i}"])


def test_without_wanted_outputs() -> None:
    nn = network("tanh", "softmax", "cross_entropy", "float32")
    short, whole = nn.trace([1, 2, 3, 4]), nn.trace([1, 2, 3, 4], 1)
    assert list(short) == names(3, with_loss=False)
    assert list(whole) == names(3, with_loss=True)
    for name in short:
        np.testing.assert_array_equal(short[name], whole[name])
    assert "Forward" in str(short)
    assert "Backward" not in str(short)


@pytest.mark.parametrize("label", [2, np.int64(2), np.array(2, np.uint8), 2.0])
def test_a_label_stands_for_its_row(label: Any) -> None:
    nn = network("relu", "softmax", "cross_entropy", "float64")
    assert nn.trace([1, 0, 2, 1], label) == nn.trace([1, 0, 2, 1], [0, 0, 1])


@pytest.mark.parametrize("wanted", [1, 0.25, [1], np.array([0.25], np.float32)])
def test_one_wanted_output_may_be_a_number(wanted: Any) -> None:
    nn = foxnn.neural_network([2, 3, 1], seed=1)
    trace = nn.trace([1, 2], wanted)
    assert trace["y"].tolist() == [np.ravel(wanted)[0]]


@pytest.mark.parametrize(
    "make", [list, tuple, np.uint8, np.int32, np.float32, np.float64, np.float16]
)
def test_inputs_of_all_kinds(make: Callable[[Any], Any]) -> None:
    nn = network("tanh", "identity", "mse", "float32")
    expected = nn.trace(np.array([3.0, 0.0, 255.0, 7.0]), [1, 2, 3])
    trace = nn.trace(make([3, 0, 255, 7]), make([1, 2, 3]))
    assert trace == expected
    assert trace["a^0"].dtype == "float32"


def test_inputs_that_lie_apart() -> None:
    nn = network("tanh", "identity", "mse", "float64")
    table = np.arange(24.0).reshape(4, 6)
    assert nn.trace(table[:, 2], table[1, ::2]) == nn.trace([2, 8, 14, 20], [6, 8, 10])
    assert nn.trace([2, 8, 14, 20][::-1], [0, 0, 1])["a^0"].tolist() == [20, 14, 8, 2]


def test_what_overflows_is_shown() -> None:
    nn = foxnn.neural_network([2, 3, 2], "relu", "identity", seed=1)
    nn[0].weights = np.full((2, 3), 3e38)
    nn[1].weights = np.full((3, 2), -1.0)
    trace = nn.trace([1, 2], [0, 1])
    assert trace["z^1"].tolist() == [math.inf] * 3
    assert trace["a^2"].tolist() == [-math.inf] * 2
    assert not np.isfinite(trace["C"])
    assert "inf" in str(trace)


# Scaled inputs and outputs


def scaled(dtype: str, outputs: bool) -> tuple[foxnn.neural_network, np.ndarray, np.ndarray]:
    nn = foxnn.neural_network([3, 5, 2], "tanh", "identity", dtype=dtype, seed=4)
    x = 1000 + 50 * forced_runs.inputs(20, 3)
    y = -300 + 7 * forced_runs.wanted(20, 2, "mse")
    nn.fit(x, y, epochs=3, scale=("standard", "minmax" if outputs else None))
    return nn, x, y


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("outputs", [False, True])
def test_scalers(dtype: str, outputs: bool) -> None:
    nn, x, y = scaled(dtype, outputs)
    trace = nn.trace(x[0], y[0])
    expected = names(2, with_loss=True)
    if outputs:
        expected.insert(expected.index("y"), "out")
    assert list(trace) == ["x", *expected]
    np.testing.assert_array_equal(trace["x"], x[0])
    # The same walk through a network without scalers, with numbers that are scaled before.
    plain = foxnn.neural_network([3, 5, 2], "tanh", "identity", dtype=dtype)
    for part, other in zip(plain, nn, strict=True):
        part.weights, part.bias = other.weights, other.bias
    inside = nn.input_scaler.transform(x[:1])[0].astype(dtype)
    wanted = nn.output_scaler.transform(y[:1])[0].astype(dtype) if outputs else y[0].astype(dtype)
    np.testing.assert_allclose(trace["a^0"], inside, rtol=2 * epsilon(dtype))
    np.testing.assert_allclose(trace["y"], wanted, rtol=2 * epsilon(dtype))
    walk = plain.trace(trace["a^0"], trace["y"])
    assert list(walk) == names(2, with_loss=True)
    for name in walk:
        np.testing.assert_array_equal(trace[name], walk[name], name)
    # And what the network itself says.
    value, gradients = nn._loss_and_gradients(x[:1], y[:1])
    assert trace["C"] == value
    np.testing.assert_array_equal(trace["dC/dw^1"], gradients[0][0])
    np.testing.assert_array_equal(trace["out" if outputs else "a^2"], nn.predict(x[:1])[0])
    assert pickle.loads(pickle.dumps(trace)) == trace


def test_scalers_in_the_walk() -> None:
    nn, x, y = scaled("float64", outputs=True)
    lines = str(nn.trace(x[0], y[0])).splitlines()
    assert lines[1].startswith("  x = [")
    assert lines[2].startswith("  a^0 = (x - shift) / scale = [")
    (loss,) = (i for i, line in enumerate(lines) if line == "Loss: mse")
    assert lines[loss - 1].startswith("  out = a^2 · scale + shift = [")
    assert lines[loss + 1].startswith("  y = (target - shift) / scale = [")
    nn, x, y = scaled("float64", outputs=False)
    text = str(nn.trace(x[0], y[0]))
    assert "out =" not in text
    assert "\n  y = [" in text


def test_inputs_that_overflow_where_they_are_scaled() -> None:
    nn = foxnn.neural_network([1, 2], dtype="float32")
    nn.input_scaler = foxnn.Scaler("minmax").fit([[0.0], [1e-10]])
    with pytest.raises(ValueError, match=r"x must be finite when it is scaled, got \[inf\]"):
        nn.trace([1e35])


# Numbers that others have published


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_introduction_to_neural_networks(dtype: str) -> None:
    """V. Zhou, "Machine learning for beginners: an introduction to neural networks", 2019."""
    neuron = article([2, 1], [[[0], [1]]], dtype)
    neuron[0].bias = [4]
    trace = neuron.trace([2, 3])
    assert trace["z^1"].tolist() == [7.0]
    assert trace["a^1"][0] == pytest.approx(0.999, abs=5e-4)

    trace = article([2, 2, 1], [[[0, 0], [1, 1]], [[0], [1]]], dtype).trace([2, 3])
    assert trace["a^1"] == pytest.approx([0.9526, 0.9526], abs=5e-5)
    assert trace["a^2"][0] == pytest.approx(0.7216, abs=5e-5)

    trace = article([2, 2, 1], [np.ones((2, 2)), np.ones((2, 1))], dtype).trace([-2, -1], [1])
    assert trace["z^1"].tolist() == [-3.0, -3.0]
    assert trace["a^1"] == pytest.approx([0.0474, 0.0474], abs=5e-5)
    assert trace["a^2"][0] == pytest.approx(0.524, abs=5e-4)
    # The article's loss is (1 - a)^2, twice ours, and it cuts 0.02147 off.
    assert 2 * trace["C"] == pytest.approx((1 - 0.524) ** 2, abs=5e-4)
    assert 2 * trace["dC/dw^1"][0, 0] == pytest.approx(0.0214, abs=1e-4)


def test_a_weighted_sum() -> None:
    nn = foxnn.neural_network([3, 1], "identity", dtype="float64")
    nn[0].weights = [[0.1], [0.3], [0.2]]
    trace = nn.trace([0.35, 0.12, 0.6])
    assert trace["z^1"][0] == trace["a^1"][0] == pytest.approx(0.191, abs=1e-15)


# The formulas beside the numbers: each text stands here with a function that says the same.

SLOPES: dict[str, Callable[[Any, Any, float], Any]] = {
    "a (1 - a)": lambda z, a, _: a * (1 - a),
    "a": lambda z, a, _: a,
    "cos z": lambda z, a, _: np.cos(z),
    "-2 z a": lambda z, a, _: -2 * z * a,
    "1 where z > 0, else 0": lambda z, a, _: np.where(z > 0, 1, 0),
    "1": lambda z, a, _: 1.0 + 0 * z,
    "1 - a²": lambda z, a, _: 1 - a**2,
    "1 / (1 + z²)": lambda z, a, _: 1 / (1 + z**2),
    "1 where z > 0, else alpha e^z": lambda z, a, alpha: np.where(z > 0, 1, alpha * np.exp(z)),
    "1 where z > 0, else alpha": lambda z, a, alpha: np.where(z > 0, 1, alpha),
    "1.0507 where z > 0, else 1.7581 e^z": lambda z, a, _: np.where(
        z > 0, 1.0507, 1.7581 * np.exp(z)
    ),
    "Φ(z) + z φ(z), φ its density": lambda z, a, _: (
        reference._normal_cdf(z) + z * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    ),
    "s(z) (1 + z (1 - s(z)))": lambda z, a, _: (
        (1 + z * (1 - 1 / (1 + np.exp(-z)))) / (1 + np.exp(-z))
    ),
    "1 / (1 + e^-z)": lambda z, a, _: 1 / (1 + np.exp(-z)),
}
VALUES: dict[str, Callable[[Any, float], Any]] = {
    "1 / (1 + e^-z)": lambda z, _: 1 / (1 + np.exp(-z)),
    "sin z": lambda z, _: np.sin(z),
    "e^(-z²)": lambda z, _: np.exp(-(z**2)),
    "z where z > 0, else 0": lambda z, _: np.where(z > 0, z, 0),
    "z": lambda z, _: z,
    "e^z": lambda z, _: np.exp(z),
    "tanh z": lambda z, _: np.tanh(z),
    "arctan z": lambda z, _: np.arctan(z),
    "z where z > 0, else alpha (e^z - 1)": lambda z, alpha: np.where(
        z > 0, z, alpha * (np.exp(z) - 1)
    ),
    "z where z > 0, else alpha z": lambda z, alpha: np.where(z > 0, z, alpha * z),
    "1.0507 z where z > 0, else 1.7581 (e^z - 1)": lambda z, _: np.where(
        z > 0, 1.0507 * z, 1.7581 * (np.exp(z) - 1)
    ),
    "z Φ(z), Φ the normal distribution": lambda z, _: z * reference._normal_cdf(z),
    "z s(z), s(z) = 1 / (1 + e^-z)": lambda z, _: z / (1 + np.exp(-z)),
    "ln(1 + e^z)": lambda z, _: np.log(1 + np.exp(z)),
    "e^z / Σ e^z": lambda z, _: np.exp(z) / np.exp(z).sum(),
}


@pytest.mark.parametrize("name", foxnn.activations())
def test_the_formulas_of_activations_are_true(name: str) -> None:
    nn = foxnn.neural_network([2, 4, 4], ["tanh", name], dtype="float64", seed=3)
    nn[1].weights = 3 * nn[1].weights  # on both sides of 0
    alpha = nn[1].activation_parameters
    trace = nn.trace([0.3, -0.7], [0.1, 0.2, 0.3, 0.4])
    z, a = trace["z^2"], trace["a^2"]
    assert z.min() < 0 < z.max()
    forth = re.search(rf"^Layer 2: .* 4 neurons, {name}\(z\) = (.*)$", str(trace), re.M)
    assert forth is not None
    text = forth[1]
    if alpha:
        text, _, shown = text.rpartition(", alpha = ")
        assert float(shown) == alpha[0]
    np.testing.assert_allclose(VALUES[text](z, (alpha or [0])[0]), a, rtol=1e-4)
    if name not in ("softmax", "identity_x"):
        back = re.search(rf"^Layer 2: {name}'\(z\) = (.*)$", str(trace), re.M)
        assert back is not None
        assert f"δ^2 = (a^2 - y) ⊙ {name}'(z^2) = " in str(trace)
        slope = SLOPES[back[1]](z, a, (alpha or [0])[0])
        np.testing.assert_allclose((a - trace["y"]) * slope, trace["delta^2"], rtol=1e-4)


def made_up(loss: str, activation: str, y: list[float]) -> Trace:
    """Return a trace of one layer, to read what is written for a loss and an activation."""
    row = np.array([0.25, 0.5])
    values: dict[str, Any] = {"a^0": row, "w^1": np.eye(2), "b^1": row, "z^1": row, "a^1": row}
    values |= {"y": y, "C": 0.5, "delta^1": row, "dC/dw^1": np.eye(2), "dC/db^1": row}
    return Trace(values, [(activation, [])], loss)


DELTAS = [
    ("mse", "sigmoid", "(a^1 - y) ⊙ sigmoid'(z^1)"),
    ("mse", "identity_x", "a^1 - y"),
    ("mse", "softmax", "a^1 ⊙ (g - Σ g a^1)"),
    ("cross_entropy", "softmax", "a^1 - y"),
    ("binary_cross_entropy", "sigmoid", "a^1 - y"),
    ("binary_cross_entropy", "tan_h", "((a^1 - y) / (a^1 (1 - a^1))) ⊙ tan_h'(z^1)"),
    ("mae", "relu", "sign(a^1 - y) ⊙ relu'(z^1)"),
    ("mae", "identity_x", "sign(a^1 - y)"),
    ("huber", "relu", "clip(a^1 - y, -1, 1) ⊙ relu'(z^1)"),
    ("poisson", "softplus", "(1 - y / a^1) ⊙ softplus'(z^1)"),
    ("poisson", "exp", "a^1 - y"),
    ("hinge", "relu", "∂C/∂a^1 ⊙ relu'(z^1)"),
    ("hinge", "identity_x", "∂C/∂a^1"),
    ("hinge", "new", "∂C/∂a^1 ⊙ new'(z^1)"),
]


@pytest.mark.parametrize(("loss", "activation", "formula"), DELTAS)
def test_the_formula_of_the_last_delta(loss: str, activation: str, formula: str) -> None:
    text = str(made_up(loss, activation, [1.0, 0.0]))
    assert f"\n  δ^1 = {formula} = [0.25 0.5 ]\n" in text
    # What f' is stands beside it, where it is in the formula.
    assert (f"Layer 1: {activation}'(z) = " in text) == ("'" in formula and activation != "new")


@pytest.mark.parametrize(
    ("loss", "meaning"),
    [
        ("mse", "g = ∂C/∂a^1 = a^1 - y"),
        ("mae", "g = ∂C/∂a^1 = sign(a^1 - y)"),
        ("hinge", "g = ∂C/∂a^1"),
    ],
)
def test_what_g_is_behind_softmax(loss: str, meaning: str) -> None:
    assert f"\nLayer 1: {meaning}\n  δ^1 = " in str(made_up(loss, "softmax", [1.0, 0.0]))


def test_shares_that_do_not_sum_to_1() -> None:
    assert "δ^1 = a^1 Σ y - y = " in str(made_up("cross_entropy", "softmax", [1.0, 0.5]))
    nn = network("tanh", "softmax", "cross_entropy", "float64")
    trace = nn.trace([1, 2, 3, 4], [1, 0.5, 0])
    expected = trace["a^3"] * 1.5 - trace["y"]
    assert_within(trace["delta^3"], expected, 4 * epsilon("float64"), "delta^3")


GAMMA = 2.0  # of focal, where it is not told

# C as it is written, and its slope by the outputs as it is written.
COSTS: dict[str, tuple[str, Callable[[Any, Any], Any], str, Callable[[Any, Any], Any]]] = {
    "mse": ("½ Σ (a - y)²", lambda a, y: (a - y) ** 2 / 2, "a - y", lambda a, y: a - y),
    "cross_entropy": ("-Σ y ln a", lambda a, y: -y * np.log(a), "-y / a", lambda a, y: -y / a),
    "binary_cross_entropy": (
        "-Σ (y ln a + (1 - y) ln(1 - a))",
        lambda a, y: -(y * np.log(a) + (1 - y) * np.log(1 - a)),
        "(a - y) / (a (1 - a))",
        lambda a, y: (a - y) / (a * (1 - a)),
    ),
    "mae": ("Σ |a - y|", lambda a, y: np.abs(a - y), "sign(a - y)", lambda a, y: np.sign(a - y)),
    "huber": (
        "Σ (½ (a - y)² where |a - y| ≤ 1, else |a - y| - ½)",
        lambda a, y: np.where(np.abs(a - y) <= 1, (a - y) ** 2 / 2, np.abs(a - y) - 0.5),
        "clip(a - y, -1, 1)",
        lambda a, y: np.clip(a - y, -1, 1),
    ),
    "poisson": (
        "Σ (a - y ln a)",
        lambda a, y: a - y * np.log(a),
        "1 - y / a",
        lambda a, y: 1 - y / a,
    ),
    "log_cosh": (
        "Σ ln cosh(a - y)",
        lambda a, y: np.log(np.cosh(a - y)),
        "tanh(a - y)",
        lambda a, y: np.tanh(a - y),
    ),
    "focal": (
        "-Σ y (1 - a)^gamma ln a",
        lambda a, y: -y * (1 - a) ** GAMMA * np.log(a),
        "y (1 - a)^gamma (gamma ln a / (1 - a) - 1 / a)",
        lambda a, y: y * (1 - a) ** GAMMA * (GAMMA * np.log(a) / (1 - a) - 1 / a),
    ),
    "binary_focal": (
        "-Σ (y (1 - a)^gamma ln a + (1 - y) a^gamma ln(1 - a))",
        lambda a, y: -(y * (1 - a) ** GAMMA * np.log(a) + (1 - y) * a**GAMMA * np.log(1 - a)),
        "y (1 - a)^gamma (gamma ln a / (1 - a) - 1 / a) + "
        "(1 - y) a^gamma (1 / (1 - a) - gamma ln(1 - a) / a)",
        lambda a, y: (
            y * (1 - a) ** GAMMA * (GAMMA * np.log(a) / (1 - a) - 1 / a)
            + (1 - y) * a**GAMMA * (1 / (1 - a) - GAMMA * np.log(1 - a) / a)
        ),
    ),
}


def of_layer(formula: str, i: int) -> str:
    """Return a formula with the name of a layer's outputs in place of its a."""
    return re.sub(r"\ba\b", f"a^{i}", formula)


@pytest.mark.parametrize("loss", COSTS)
def test_the_formulas_of_losses_are_true(loss: str) -> None:
    cost, value, slope, by_outputs = COSTS[loss]
    text = str(made_up(loss, "identity_x", [1.0, 0.0]))
    assert f"\n  C = {of_layer(cost, 1)} = 0.5\n" in text
    assert f"\n  δ^1 = {of_layer(slope, 1)} = " in text
    step = 1e-6
    for a, y in itertools.product((0.1, 0.4, 0.9), (0.0, 0.3, 1.0, 2.5, -1.5)):
        numeric = (value(a + step, y) - value(a - step, y)) / (2 * step)
        # The third derivatives are below some thousand, and the rounding is below 1e-9.
        assert by_outputs(a, y) == pytest.approx(numeric, abs=1e-8)


@pytest.mark.parametrize("loss", COSTS)
def test_each_loss_of_the_engine_is_written_as_it_is(loss: str) -> None:
    others = {"cross_entropy": "softmax", "focal": "softmax", "poisson": "softplus"}
    output = others.get(loss, "sigmoid")
    nn = network("tanh", output, "focal" if loss == "binary_focal" else loss, "float64")
    trace = nn.trace([0.5, -1, 2, 1], [0.0, 1.0, 0.0])
    cost, value, _, by_outputs = COSTS[loss]
    assert f"\n  C = {of_layer(cost, 3)} = {trace['C']:.5g}\n" in str(trace)
    a, y = trace["a^3"], trace["y"]
    assert trace["C"] == pytest.approx(value(a, y).sum(), rel=1e-12)
    if output != "softmax":
        slope = a * (1 - a) if output == "sigmoid" else 1 - np.exp(-a)
        np.testing.assert_allclose(trace["delta^3"], by_outputs(a, y) * slope, rtol=1e-12)


# Printed


def test_the_walk() -> None:
    nn = article([2, 2, 1], [np.ones((2, 2)), np.ones((2, 1))])
    assert str(nn.trace([-2, -1], 1)).splitlines() == [
        "Forward",
        "  a^0 = [-2. -1.]",
        "Layer 1: 2 inputs, 2 neurons, sigmoid(z) = 1 / (1 + e^-z)",
        "  w^1 = [[1. 1.]",
        "         [1. 1.]]",
        "  b^1 = [0. 0.]",
        "  z^1 = a^0 w^1 + b^1 = [-3. -3.]",
        "  a^1 = sigmoid(z^1) = [0.04743 0.04743]",
        "Layer 2: 2 inputs, 1 neuron, sigmoid(z) = 1 / (1 + e^-z)",
        "  w^2 = [[1.]",
        "         [1.]]",
        "  b^2 = [0.]",
        "  z^2 = a^1 w^2 + b^2 = [0.09485]",
        "  a^2 = sigmoid(z^2) = [0.5237]",
        "Loss: mse",
        "  y = [1.]",
        "  C = ½ Σ (a^2 - y)² = 0.11343",
        "Backward",
        "Layer 2: sigmoid'(z) = a (1 - a)",
        "  δ^2 = (a^2 - y) ⊙ sigmoid'(z^2) = [-0.11881]",
        "  ∂C/∂w^2 = (a^1)ᵀ δ^2 = [[-0.00563]",
        "                          [-0.00563]]",
        "  ∂C/∂b^2 = δ^2 = [-0.11881]",
        "Layer 1: sigmoid'(z) = a (1 - a)",
        "  δ^1 = (δ^2 (w^2)ᵀ) ⊙ sigmoid'(z^1) = [-0.00537 -0.00537]",
        "  ∂C/∂w^1 = (a^0)ᵀ δ^1 = [[0.01073 0.01073]",
        "                          [0.00537 0.00537]]",
        "  ∂C/∂b^1 = δ^1 = [-0.00537 -0.00537]",
    ]


def test_printed_short() -> None:
    nn = network("tanh", "softmax", "cross_entropy", "float32")
    activations = "['tan_h', 'tan_h', 'softmax']"
    assert repr(nn.trace([1, 2, 3, 4])) == f"Trace([4, 6, 5, 3], {activations})"
    trace = nn.trace([1, 2, 3, 4], 0)
    expected = f"Trace([4, 6, 5, 3], {activations}, cross_entropy {trace['C']:.5g})"
    assert repr(trace) == expected


def test_large_arrays_are_abbreviated() -> None:
    nn = foxnn.neural_network([784, 200, 15, 10], "relu", "softmax", seed=1)
    lines = str(nn.trace(np.arange(784) / 784, 3)).splitlines()
    assert len(lines) < 100
    assert max(map(len, lines)) <= 130
    text = "\n".join(lines)
    assert "a^0 = [0.      0.00128 0.00255 ... 0.99617 0.99745 0.99872]" in text
    # Ten outputs are shown whole.
    assert re.search(r"y = \[0\. 0\. 0\. 1\. 0\. 0\. 0\. 0\. 0\. 0\.\]", text)


@pytest.mark.parametrize("options", [{"precision": 2}, {"threshold": 2}, {"suppress": True}])
def test_the_walk_heeds_its_own_digits(options: dict[str, Any]) -> None:
    trace = article([2, 2, 1], [np.ones((2, 2)), np.ones((2, 1))]).trace([-2, -1], 1)
    expected = str(trace)
    with np.printoptions(**options):
        assert str(trace) == expected


# A mapping that stays as it is


def test_a_mapping() -> None:
    trace = network("tanh", "identity", "mse", "float32").trace([1, 2, 3, 4])
    assert isinstance(trace, Mapping)
    assert len(trace) == len(list(trace)) == len(trace.keys()) == 13
    assert "z^3" in trace
    assert "C" not in trace
    assert trace.get("C") is None
    assert dict(trace)["a^0"] is trace["a^0"]
    with pytest.raises(KeyError, match=r"'z\^4': the trace holds a\^0, w\^1, .*a\^3"):
        trace["z^4"]
    with pytest.raises(KeyError, match=r"'delta\^1': .*; trace\(x, y\) adds"):
        trace["delta^1"]


def test_it_cannot_be_changed() -> None:
    x, y = np.ones(4), np.zeros(3)
    nn = network("tanh", "identity", "mse", "float64")
    trace = nn.trace(x, y)
    before = copy.deepcopy(trace)
    for name, array in trace.items():
        assert not array.flags.writeable, name
        assert array.base is None, name
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 1
    with pytest.raises(TypeError):
        trace["C"] = 1  # type: ignore[index]
    x += 1
    y += 1
    nn.fit([x], [y], epochs=1)
    assert trace == before


def test_equal() -> None:
    nn = network("tanh", "sigmoid", "mse", "float64")
    trace = nn.trace([1, 2, 3, 4], [0, 0, 1])
    assert trace == nn.trace([1, 2, 3, 4], [0, 0, 1])
    assert trace != nn.trace([1, 2, 3, 4])
    assert trace != nn.trace([1, 2, 3, 5], [0, 0, 1])
    assert trace != dict(trace)
    nn[2].set_activation_function("tanh")
    assert trace != nn.trace([1, 2, 3, 4], [0, 0, 1])
    with pytest.raises(TypeError):
        hash(trace)


@pytest.mark.parametrize("wanted", [None, 2])
def test_pickle_and_copy(wanted: int | None) -> None:
    trace = network(("elu", 0.3), "softmax", "cross_entropy", "float32").trace([1, 2, 3, 4], wanted)
    for again in (pickle.loads(pickle.dumps(trace)), copy.copy(trace), copy.deepcopy(trace)):
        assert again == trace
        assert (str(again), repr(again)) == (str(trace), repr(trace))
        assert not any(array.flags.writeable for array in again.values())


def test_gradients_of_frozen_layers() -> None:
    nn = foxnn.neural_network([4, 6, 5, 3], seed=8)
    x, y = forced_runs.inputs(1, 4)[0], forced_runs.wanted(1, 3, "mse")[0]
    whole = nn.trace(x, y)
    nn[0].trainable = nn[2].trainable = False
    assert nn.trace(x, y) == whole
    assert [layer.trainable for layer in nn] == [False, True, False]


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
def test_the_network_stays_as_it_is() -> None:
    runs = []
    for traced in (False, True):
        nn = foxnn.neural_network([4, 6, 3], seed=8)
        x, y = forced_runs.inputs(20, 4), forced_runs.wanted(20, 3, "mse")
        nn.fit(x, y, epochs=2, batch_size=3)
        if traced:
            nn.trace(x[0], y[0])
        assert (nn._draw(), nn._steps()) == (2, 14)
        nn.fit(x, y, epochs=2, batch_size=3)
        runs.append(forced_runs.parameters(nn))
    np.testing.assert_array_equal(*runs)


def test_between_the_epochs_of_a_training() -> None:
    nn = foxnn.neural_network([4, 6, 3], seed=8)
    x, y = forced_runs.inputs(20, 4), forced_runs.wanted(20, 3, "mse")
    plan = _core.Plan(_core.Optimizer("sgd"), 0.1, batch_size=5)
    losses = []
    with _core.Trainer(nn, x, y, plan) as trainer:
        for _ in range(3):
            trainer.run_epoch()
            losses.append(float(nn.trace(x[0], y[0])["C"]))
    assert len(set(losses)) == 3


# Bad input

BAD: list[tuple[str, Any, Any, type[Exception], str]] = [
    ("two samples", [[1, 2, 3, 4]] * 2, None, ValueError, r"x must be one sample of shape \(4,\)"),
    ("a sample as a row", [[1, 2, 3, 4]], None, ValueError, r"got shape \(1, 4\)"),
    ("too few", [1, 2, 3], None, ValueError, r"x must .* \(4,\), got shape \(3,\)"),
    ("too many", [1, 2, 3, 4, 5], [0, 0, 0], ValueError, r"got shape \(5,\)"),
    ("a number", 1.0, None, ValueError, r"got shape \(\)"),
    ("nothing", [], None, ValueError, r"got shape \(0,\)"),
    ("ragged", [1, [2, 3], 3, 4], None, ValueError, "x must be rectangular"),
    ("words", ["a", "b", "c", "d"], None, TypeError, "x must hold real numbers"),
    ("none", None, None, TypeError, "x must hold real numbers"),
    ("complex", [1j, 0, 0, 0], None, TypeError, "x must hold real numbers"),
    ("nan", [1, math.nan, 3, 4], None, ValueError, "x must be finite.* got nan .* column 1"),
    ("infinity", [1, 2, 3, math.inf], [0, 0, 0], ValueError, "x must be finite.* got inf"),
    ("too large", [1e300, 2, 3, 4], None, ValueError, "x must be finite in float32"),
    ("y too short", [1, 2, 3, 4], [0, 1], ValueError, r"y must have shape \(3,\), got .*\(2,\)"),
    ("y a row", [1, 2, 3, 4], [[0, 1, 0]], ValueError, r"y must .* got shape \(1, 3\)"),
    ("y a number", [1, 2, 3, 4], 1, ValueError, r"y must .* \(\) .*needs loss='cross_entropy'"),
    ("y not finite", [1, 2, 3, 4], [0, math.nan, 0], ValueError, "y must be finite"),
    ("y too large", [1, 2, 3, 4], [0, 0, 1e39], ValueError, "y must be finite in float32"),
    ("y a word", [1, 2, 3, 4], "dog", TypeError, "y must hold real numbers"),
]


@pytest.mark.parametrize(
    ("x", "y", "error", "message"), [b[1:] for b in BAD], ids=[b[0] for b in BAD]
)
def test_bad_input(x: Any, y: Any, error: type[Exception], message: str) -> None:
    nn = network("tanh", "identity", "mse", "float32")
    before = forced_runs.parameters(nn), nn._draw()
    with pytest.raises(error, match=message):
        nn.trace(x, y)
    np.testing.assert_array_equal(forced_runs.parameters(nn), before[0])
    assert nn._draw() == before[1]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (3, "class labels in y must be whole numbers from 0 to 2, got 3"),
        (-1, "class labels in y .* got -1"),
        (0.5, "class labels in y .* got 0.5"),
        ([1], r"y must have shape \(3,\), got shape \(1,\)"),
        ([1, -0.5, 0.5], "y must be shares of the classes, none below 0, got -0.5"),
        (math.nan, "class labels in y .* got nan"),
    ],
)
def test_bad_labels(y: Any, message: str) -> None:
    nn = network("tanh", "softmax", "cross_entropy", "float32")
    with pytest.raises(ValueError, match=message):
        nn.trace([1, 2, 3, 4], y)
