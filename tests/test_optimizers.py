"""Optimizers: exact numbers by degenerate settings, runs beside the oracle's, what is kept."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import forced_runs
import foxnn
import reference
from closeness import assert_within

per_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def line(dtype: str = "float64", w: float = 0.0) -> foxnn.neural_network:
    """Return a network that answers w x + b, with b = 0."""
    nn = foxnn.neural_network([1, 1], "identity", dtype=dtype, seed=0)
    nn[0].weights, nn[0].bias = [[w]], [0.0]
    return nn


def state(nn: foxnn.neural_network) -> tuple[float, float]:
    return nn[0].weights.item(), nn[0].bias.item()


# From w = b = 0, x = 1, y = -1 the gradient is g = w + b + 1, the same for w and b. All numbers
# are short binary fractions, so that every step is exact.
@per_dtype
@pytest.mark.parametrize(
    ("optimizer", "rate", "path"),
    [
        ("sgd", 0.25, [-0.25, -0.375, -0.4375]),  # g = 1, 1/2, 1/4
        (foxnn.SGD(), 0.25, [-0.25, -0.375, -0.4375]),
        # v = 1, 1/2 + 1/2, 1/2 + 0
        (foxnn.SGD(momentum=0.5), 0.25, [-0.25, -0.5, -0.625]),
        # g = 1, v = 1, g + v/2 = 3/2; g = 1/4, v = 3/4, g + v/2 = 5/8
        (foxnn.SGD(momentum=0.5, nesterov=True), 0.25, [-0.375, -0.53125]),
        # Without memory a step of Adam is the rate times the sign of g.
        (foxnn.Adam(beta_1=0.0, beta_2=0.0, epsilon=1e-30), 0.125, [-0.125, -0.25, -0.375]),
    ],
    ids=["sgd", "SGD", "momentum", "nesterov", "adam"],
)
def test_exact_steps(dtype: str, optimizer: object, rate: float, path: list[float]) -> None:
    nn = line(dtype)
    for value in path:
        nn.fit([[1.0]], [[-1.0]], epochs=1, batch_size=1, optimizer=optimizer, learning_rate=rate)
        assert state(nn) == (value, value)


@per_dtype
@pytest.mark.parametrize("gradient", [1e-3, 1.0, 512.0])
def test_first_step_of_adam_is_the_rate(dtype: str, gradient: float) -> None:
    """Bias correction from t = 1: m/(1 - beta_1) = g, v/(1 - beta_2) = g^2."""
    nn = line(dtype)
    nn.fit([[1.0]], [[-gradient]], epochs=1, optimizer="adam", learning_rate=0.01)
    expected = -0.01 * gradient / (gradient + 1e-8)
    eps = float(np.finfo(dtype).eps)
    assert state(nn) == pytest.approx((expected, expected), rel=8 * eps)


def test_adams_epsilon_is_outside_of_the_root() -> None:
    nn = line()
    nn.fit([[1.0]], [[-1.0]], 1, optimizer=foxnn.Adam(epsilon=3.0), learning_rate=1.0)
    assert state(nn) == pytest.approx((-0.25, -0.25), rel=1e-14)


@per_dtype
def test_a_gradient_of_zero_moves_nothing(dtype: str) -> None:
    for optimizer in ("sgd", "nesterov", "adam"):
        nn = line(dtype, w=2.0)
        nn.fit([[0.0], [1.0]], [[0.0], [2.0]], epochs=3, optimizer=optimizer)
        assert state(nn) == (2.0, 0.0)


RULES: dict[str, tuple[object, Callable[[], reference.Optimizer]]] = {
    "sgd": ("sgd", reference.SGD),
    "momentum": (foxnn.SGD(momentum=0.8), lambda: reference.SGD(0.8)),
    "nesterov by name": ("nesterov", lambda: reference.Nesterov(0.9)),
    "nesterov": (foxnn.SGD(momentum=0.7, nesterov=True), lambda: reference.Nesterov(0.7)),
    "adam by name": ("adam", reference.Adam),
    "adam": (
        foxnn.Adam(beta_1=0.8, beta_2=0.95, epsilon=1e-3),
        lambda: reference.Adam(0.8, 0.95, 1e-3),
    ),
    "adamw by name": ("adamw", reference.AdamW),
    "adamw": (foxnn.AdamW(weight_decay=0.5, beta_1=0.8), lambda: reference.AdamW(0.5, beta_1=0.8)),
    "rmsprop by name": ("rmsprop", reference.RMSprop),
    "rmsprop": (
        foxnn.RMSprop(rho=0.8, momentum=0.5, epsilon=1e-3),
        lambda: reference.RMSprop(0.8, 0.5, 1e-3),
    ),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("batch_size", [1, 6, 20, 100])
@pytest.mark.parametrize("output", ["tanh", "softmax"])
def test_beside_the_oracle(rule: str, batch_size: int, output: str) -> None:
    """20 samples by 6: the last batch of an epoch has 2."""
    optimizer, make_oracle = RULES[rule]
    nn = foxnn.neural_network([4, 7, 3], "tanh", output, dtype="float64", seed=1)
    oracle, rule_of_oracle = reference.copy_of(nn), make_oracle()
    x, y = forced_runs.inputs(20, 4), forced_runs.wanted(20, 3, nn.loss)
    # Twice, so that moments and step count must have lived on.
    for epochs in (2, 3):
        history = nn.fit(x, y, epochs, batch_size, optimizer, 0.02, shuffle=False)
        losses = reference.train(oracle, x, y, rule_of_oracle, 0.02, batch_size, epochs)
        # Up to 100 steps, each with a rounding error of some eps that the next ones carry on; Adam
        # divides by the root of what may be small.
        assert_within(history["loss"], losses, 1e-11)
        for part, layer in zip(nn, oracle.layers, strict=True):
            assert_within(part.weights, layer.weights, 1e-10, rule)
            assert_within(part.bias, layer.bias, 1e-10, rule)


@pytest.mark.parametrize("rule", ["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"])
def test_float32_beside_the_oracle(rule: str) -> None:
    optimizer, make_oracle = RULES[rule]
    nn = foxnn.neural_network([4, 7, 3], "tanh", dtype="float32", seed=1)
    oracle = reference.copy_of(nn)
    x, y = forced_runs.inputs(20, 4), forced_runs.wanted(20, 3, "mse")
    history = nn.fit(x, y, 3, 6, optimizer, 0.02, shuffle=False)
    losses = reference.train(oracle, x, y, make_oracle(), 0.02, 6, 3)
    assert_within(history["loss"], losses, 1e-5)
    for part, layer in zip(nn, oracle.layers, strict=True):
        assert_within(part.weights, layer.weights, 2e-5, rule)


def fitted(nn: foxnn.neural_network, optimizer: object, epochs: int = 1) -> foxnn.neural_network:
    x, y = forced_runs.inputs(12, 2), forced_runs.wanted(12, 1, "mse")
    nn.fit(x, y, epochs, 5, optimizer, 0.05)
    return nn


def make() -> foxnn.neural_network:
    return foxnn.neural_network([2, 4, 1], "tanh", dtype="float64", seed=7)


@pytest.mark.parametrize(
    "optimizer",
    [
        "sgd",
        foxnn.SGD(momentum=0.9),
        "nesterov",
        "adam",
        "adamw",
        "rmsprop",
        foxnn.RMSprop(rho=0.9, momentum=0.5),
    ],
)
def test_two_fits_are_one_long_fit(optimizer: object) -> None:
    once, twice = fitted(make(), optimizer, 5), fitted(fitted(make(), optimizer, 2), optimizer, 3)
    assert forced_runs.parameters(once).tobytes() == forced_runs.parameters(twice).tobytes()


def test_reset_optimizer_starts_anew() -> None:
    nn = line()
    adam = foxnn.Adam(beta_1=0.5, beta_2=0.5)
    for _ in range(2):
        nn.fit([[1.0]], [[-100.0]], 1, optimizer=adam, learning_rate=0.1)
    before = state(nn)[0]
    nn.reset_optimizer()
    nn.fit([[1.0]], [[300.0]], 1, optimizer=adam, learning_rate=0.1)
    # With moments of the other sign left, the step would be shorter.
    assert state(nn)[0] - before == pytest.approx(0.1, rel=1e-6)


@pytest.mark.parametrize("other", ["sgd", foxnn.Adam(beta_1=0.5, beta_2=0.25)])
def test_another_optimizer_starts_anew(other: object) -> None:
    nn = line()
    nn.fit([[1.0]], [[-100.0]], 2, optimizer=foxnn.Adam(beta_1=0.5, beta_2=0.5), learning_rate=0.1)
    nn.fit([[1.0]], [[-100.0]], 1, optimizer=other, learning_rate=1e-9)
    before = state(nn)[0]
    nn.fit([[1.0]], [[300.0]], 1, optimizer=foxnn.Adam(beta_1=0.5, beta_2=0.5), learning_rate=0.1)
    assert state(nn)[0] - before == pytest.approx(0.1, rel=1e-6)


def test_another_learning_rate_keeps_the_moments() -> None:
    nn = line()
    for rate in (0.25, 0.125):
        nn.fit([[1.0]], [[-1.0]], 1, optimizer=foxnn.SGD(momentum=0.5), learning_rate=rate)
    assert state(nn) == (-0.375, -0.375)  # v = 1, then 1/2 + 1/2


@pytest.mark.parametrize(
    ("mode", "make_oracle"),
    [
        ("SGD", reference.SGD),
        ("Nesterov", lambda: reference.Nesterov(0.9)),
        ("Adam", reference.Adam),
    ],
)
def test_train_beside_the_oracle(mode: str, make_oracle: Callable[[], reference.Optimizer]) -> None:
    """All samples a step, so that their order does not matter; the gradient is their sum."""
    nn = foxnn.neural_network([4, 7, 3], "tanh", dtype="float64", seed=2)
    oracle = reference.copy_of(nn)
    x, y = forced_runs.inputs(15, 4), forced_runs.wanted(15, 3, "mse")
    nn.settings.set_mode(mode)
    nn.train(foxnn.train_data(x, y), 0.003, 12, 0)
    reference.train(oracle, x, y, make_oracle(), 0.003, 15, 12, "sum")
    for part, layer in zip(nn, oracle.layers, strict=True):
        assert_within(part.weights, layer.weights, 1e-11, mode)
        assert_within(part.bias, layer.bias, 1e-11, mode)


def test_train_follows_the_settings_of_adam_and_nesterov() -> None:
    nn = line()
    nn.settings.set_mode("Nesterov")
    nn.settings.settings_optimization.nesterov.set_gamma(0.5)
    data = foxnn.train_data([[1.0]], [[-1.0]])
    nn.train(data, 0.25, 2)
    assert state(nn) == (-0.53125, -0.53125)

    nn = line()
    nn.settings.set_mode("Adam")
    adam = nn.settings.settings_optimization.adam
    adam.set_betta_1(0.0)
    adam.set_betta_2(0.0)
    adam.set_epsilon(1.0)
    nn.train(data, 0.5, 1)
    assert state(nn) == (-0.25, -0.25)  # g / (|g| + 1) = 1/2


def test_step_to_zero_after_n() -> None:
    """Adam's moments are forgotten after so many steps, and the bias correction begins anew."""

    def trained(restart: int, *steps: int) -> foxnn.neural_network:
        nn = make()
        nn.settings.set_mode("Adam")
        nn.settings.settings_optimization.adam.step_to_zero_after_n = restart
        data = foxnn.train_data(forced_runs.inputs(3, 2), forced_runs.wanted(3, 1, "mse"))
        for count in steps:
            nn.train(data, 0.01, count, 0)
            if not restart:
                nn.reset_optimizer()
        return nn

    forgetful, by_hand = trained(4, 10), trained(0, 4, 4, 2)
    assert forced_runs.parameters(forgetful).tobytes() == forced_runs.parameters(by_hand).tobytes()


def test_names() -> None:
    assert set(foxnn.optimizers()) >= {"sgd", "nesterov", "adam", "adamw", "rmsprop"}
    for name in foxnn.optimizers():
        assert np.isfinite(forced_runs.parameters(fitted(make(), name))).all()


@per_dtype
def test_divergence_leaves_the_weights_of_the_epochs_start(dtype: str) -> None:
    nn = foxnn.neural_network([2, 3, 1], "identity", dtype=dtype, seed=1)
    x, y = forced_runs.inputs(40, 2), forced_runs.wanted(40, 1, "mse")
    nn.fit(x, y, 2, 4)
    before = forced_runs.parameters(nn).tobytes()
    with pytest.raises(foxnn.DivergedError, match="finite"):
        nn.fit(x, y, 3, 4, "sgd", 1e30)
    assert forced_runs.parameters(nn).tobytes() == before
    nn.settings.set_mode("SGD")
    with pytest.raises(foxnn.DivergedError, match="finite"):
        nn.train(foxnn.train_data(x, y), 1e30, 100, 4)
    assert forced_runs.parameters(nn).tobytes() == before
    assert issubclass(foxnn.DivergedError, ArithmeticError)
    nn.fit(x, y, 1, 4)
    assert np.isfinite(forced_runs.parameters(nn)).all()


@per_dtype
def test_divergence_in_the_very_last_step(dtype: str) -> None:
    """The loss was finite; the weights after the step are not."""
    nn = line(dtype, w=3.0)
    largest = float(np.finfo(dtype).max)
    with pytest.raises(foxnn.DivergedError):
        nn.fit([[100.0]], [[0.0]], 1, 1, "sgd", largest / 8)
    assert state(nn) == (3.0, 0.0)
