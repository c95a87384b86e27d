"""Losses with numbers, or with several outputs for a target: quantile, gaussian_nll and focal.

Their oracle is in `reference`; that their gradients are those of finite differences, and the same
on any threads and kernel sets, is tested here and in `test_threads`.
"""

from __future__ import annotations

import copy
import itertools
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import reference
from closeness import assert_within
from forced_runs import NUMBERED, WITH_ORACLES, inputs, parameters, targets_of, wanted

per_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
per_loss = pytest.mark.parametrize(("output", "loss", "each"), NUMBERED, ids=str)
Q = ("quantile", [0.1, 0.5, 0.9])
X = inputs(31, 5)


def made(
    output: str, loss: Any, outputs: int, dtype: str = "float64", hidden: int = 15
) -> foxnn.neural_network:
    sizes = [5, hidden, outputs]
    return foxnn.neural_network(sizes, "tanh", output, loss, dtype=dtype, seed=2)


@pytest.mark.parametrize("kernel_set", foxnn.kernel_sets())
def test_the_oracle(kernel_set: str, forced_run: Callable[..., dict[str, np.ndarray]]) -> None:
    found = forced_run("numbered", kernel_set, "1", WITH_ORACLES)
    assert found["kernel_set"] == kernel_set
    for dtype, (output, loss, each) in itertools.product(("float32", "float64"), NUMBERED):
        eps = float(np.finfo(dtype).eps)
        for targets, hidden in itertools.product((1, 2, 5, 11, 17), (15, 33)):
            key = f"{dtype} {output} {loss} {targets} {hidden}"
            if f"{key} loss" not in found:
                continue
            oracle = reference.copy_of(made(output, loss, targets * each, dtype, hidden))
            y = targets_of(31, targets, output, loss)
            losses, gradients = oracle.losses(X, y), oracle.gradients(X, y)
            assert_within(found[f"{key} loss"], losses.mean(), 64 * eps * max(1, losses.max()), key)
            expected = gradients[-1][0]
            assert_within(
                found[f"{key} dW"], expected, 512 * eps * max(1, np.abs(expected).max()), key
            )


@per_loss
def test_finite_differences(output: str, loss: Any, each: int) -> None:
    nn, step = made(output, loss, 4 * each if output == "softmax" else 2 * each), 1e-6
    y = targets_of(31, nn._target_shape()[-1], output, loss)
    _, gradients = nn._loss_and_gradients(X, y)
    for part, (dw, db) in zip(nn, gradients, strict=True):
        for name, gradient in (("weights", dw), ("bias", db)):
            start, numeric = getattr(part, name), np.empty(gradient.shape)
            for at in np.ndindex(gradient.shape):
                ends = []
                for sign in (1, -1):
                    moved = start.copy()
                    moved[at] += sign * step
                    setattr(part, name, moved)
                    ends.append(nn._loss_and_gradients(X, y)[0])
                numeric[at] = (ends[0] - ends[1]) / (2 * step)
            setattr(part, name, start)
            # A quantile that a step crosses has a kink there: its slope is off by a sample's share.
            assert_within(gradient, numeric, 1e-7 if loss[0] != "quantile" else 1e-6, name)


@pytest.mark.parametrize(
    ("loss", "activation", "z", "y", "value", "delta"),
    [
        (("quantile", 0.25), "identity", [1.0], [3.0], 0.5, [-0.25]),
        (("quantile", 0.25), "identity", [3.0], [1.0], 1.5, [0.75]),
        (("quantile", 0.25), "identity", [3.0], [3.0], 0.0, [0.0]),
        ("quantile", "identity", [3.0], [1.0], 1.0, [0.5]),
        (Q, "identity", [1.0, 2.0, 3.0], [2.5], 0.15 + 0.25 + 0.05, [-0.1, -0.5, 0.1]),
        (("quantile", [0.2, 0.8]), "identity", [0, 1, 4, 5], [2, 3], 0.4 + 0.8 + 0.8 + 0.4,
         [-0.2, -0.8, 0.8, 0.2]),
        ("gaussian_nll", "identity", [1.0, 0.0], [3.0], 2.0, [-2.0, -1.5]),
        ("gaussian_nll", "identity", [1.0, 2.0, 0.0, math.log(4)], [3.0, 2.0], 2.0 + math.log(2),
         [-2.0, 0.0, -1.5, 0.5]),
        (("focal", 0.0), "softmax", [0.0, 0.0], [0.0, 1.0], math.log(2), [0.5, -0.5]),
        (("focal", 2.0), "softmax", [0.0, 0.0], [0.0, 1.0], math.log(2) / 4,
         [0.125 + math.log(2) / 4, -0.125 - math.log(2) / 4]),
        (("focal", 2.0), "sigmoid", [0.0, 0.0], [0.0, 1.0], math.log(2) / 2,
         [0.125 + math.log(2) / 4, -0.125 - math.log(2) / 4]),
        ("log_cosh", "identity", [2.0, 0.0], [0.0, 0.0], math.log(math.cosh(2)), [math.tanh(2), 0]),
    ],
)  # fmt: skip
def test_known_values(
    loss: Any, activation: str, z: list[float], y: list[float], value: float, delta: list[float]
) -> None:
    nn = foxnn.neural_network([len(z), len(z)], activation, loss=loss, dtype="float64")
    nn[0].weights, nn[0].bias = np.eye(len(z)), np.zeros(len(z))
    found, [(_, db)] = nn._loss_and_gradients([z], [y])
    assert found == pytest.approx(value, rel=1e-14)
    assert db == pytest.approx(delta, rel=1e-14, abs=1e-16)
    assert nn.evaluate([z], [y])["loss"] == found


@per_dtype
def test_log_cosh_keeps_its_digits(dtype: str) -> None:
    """Near zero, where its parts would cancel, and far out, where cosh is infinite."""
    eps = float(np.finfo(dtype).eps)
    nn = foxnn.neural_network([1, 1], "identity", loss="log_cosh", dtype=dtype, init="zeros")
    nn[0].weights = [[1.0]]
    for error in (1e-6, 1e-3, 0.1, 0.5, 0.74, 0.76, 1.0, 3.0, 20.0):
        exact = float(np.dtype(dtype).type(error))
        expected = 0.5 * math.log1p(math.sinh(exact) ** 2)
        assert nn.evaluate([[error]], [[0.0]])["loss"] == pytest.approx(expected, rel=8 * eps)
    assert nn.evaluate([[1e5]], [[0.0]])["loss"] == pytest.approx(1e5 - math.log(2), rel=4 * eps)


@per_dtype
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_focal_far_out(gamma: float, dtype: str) -> None:
    """Sure answers cost nothing and have no slope; wrong ones cost as with cross_entropy."""
    eps = float(np.finfo(dtype).eps)
    for activation, wide in (("softmax", 2), ("sigmoid", 1)):
        nn = foxnn.neural_network([wide, wide], activation, loss=("focal", gamma), dtype=dtype)
        nn[0].weights, nn[0].bias = np.eye(wide), np.zeros(wide)
        for far in (50.0, 1e4):
            z = [[far, 0.0][:wide]]
            right, wrong = ([[1.0, 0.0][:wide]], [[0.0, 1.0][:wide]])
            loss, [(_, db)] = nn._loss_and_gradients(z, right)
            assert loss == pytest.approx(0.0, abs=1e-20)
            assert np.abs(db).max() <= 1e-20
            loss, [(_, db)] = nn._loss_and_gradients(z, wrong)
            assert loss == pytest.approx(far, rel=4 * eps)
            assert db[0] == pytest.approx(1.0, rel=64 * eps)


def test_focal_without_gamma_is_the_cross_entropy() -> None:
    for output, usual in (("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy")):
        y = wanted(31, 3, usual)
        one, other = made(output, ("focal", 0), 3), made(output, usual, 3)
        for nn in (one, other):
            nn.fit(X, y, 3, 8, validation=0.2)
        np.testing.assert_allclose(parameters(one), parameters(other), rtol=0, atol=1e-12)
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            np.testing.assert_allclose(one.history[name], other.history[name], rtol=1e-12)


@per_dtype
@per_loss
def test_steps_of_the_oracle(output: str, loss: Any, each: int, dtype: str) -> None:
    nn = made(output, loss, 3 * each, dtype)
    y, weights = targets_of(31, 3, output, loss), np.arange(31) % 3 / 2.0
    oracle = reference.copy_of(nn)
    expected = reference.train(oracle, X, y, reference.SGD(), 0.05, 8, 3, weights=weights)
    history = nn.fit(X, y, 3, 8, "sgd", 0.05, sample_weight=weights, shuffle=False)
    near = 2e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(history["loss"], expected, rtol=10 * near, atol=near)
    flat = np.concatenate([part.ravel() for o in oracle.layers for part in (o.weights, o.bias)])
    np.testing.assert_allclose(parameters(nn), flat, rtol=0, atol=near)


@per_loss
def test_narrow_networks_make_the_same_steps(output: str, loss: Any, each: int) -> None:
    """Up to a line of neurons there is another way, on one thread; dropout leaves it."""
    y = targets_of(31, 2, output, loss)
    one, other = (made(output, loss, 2 * each, "float32", 8) for _ in "ab")
    one.fit(X, y, 3, 7, "adam", 0.01)
    # A callback, which sees every batch, does not leave it, but inputs of its own do.
    other.fit(X, y, 3, 7, "adam", 0.01, augment=lambda x, rng: x)
    assert parameters(one).tobytes() == parameters(other).tobytes()


@pytest.mark.parametrize(("output", "loss", "each"), NUMBERED[1::2], ids=str)
def test_positions(output: str, loss: Any, each: int) -> None:
    """The loss of a sample is the mean over its positions, each a sample of its own."""
    channels = 2 * each if output != "softmax" else 3
    items = [(6, 5), foxnn.Dense(7, "tanh"), foxnn.Dense(channels, output)]
    nn = foxnn.neural_network(items, loss=loss, dtype="float64", seed=1)
    flat = foxnn.neural_network([5, 7, channels], "tanh", output, loss, dtype="float64", seed=1)
    for a, b in zip(nn, flat, strict=True):
        b.weights, b.bias = a.weights, a.bias
    x = inputs(9, 30).reshape(9, 6, 5)
    y = targets_of(54, channels // each, output, loss).reshape(9, 6, -1)
    rows = x.reshape(54, 5), y.reshape(54, -1)
    found, expected = nn.evaluate(x, y)["loss"], flat.evaluate(*rows)["loss"]
    assert found == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(nn.predict(x).reshape(54, -1), flat.predict(rows[0]), rtol=1e-12)
    history = nn.fit(x, y, 2, 9, "sgd", 0.1), flat.fit(*rows, 2, 54, "sgd", 0.1)
    np.testing.assert_allclose(*(one["loss"] for one in history), rtol=1e-12)
    for a, b in zip(nn, flat, strict=True):
        np.testing.assert_allclose(a.weights, b.weights, rtol=1e-10)
    weights = np.random.default_rng(1).random((9, 6))
    found = nn.evaluate(x, y, weights)["loss"]
    assert np.isfinite(found)
    nn.fit(x, y, 1, 4, sample_weight=weights)


def test_sequences_of_different_lengths() -> None:
    rng = np.random.default_rng(1)
    x = [rng.standard_normal((n, 2)) for n in (3, 7, 4, 4)]
    y = [rng.standard_normal((len(one), 1)) for one in x]
    for loss, outputs in ((Q, 3), ("gaussian_nll", 2)):
        items = [(None, 2), foxnn.GRU(5, return_sequences=True), foxnn.Dense(outputs, "identity")]
        nn = foxnn.neural_network(items, loss=loss, dtype="float64", seed=1)
        means = [nn.evaluate([a], [b])["loss"] for a, b in zip(x, y, strict=True)]
        assert nn.evaluate(x, y)["loss"] == pytest.approx(np.mean(means), rel=1e-12)
        nn.fit(x, y, 2, 3, truncate=3)
        answers = nn.predict(x)
        assert [one.shape for one in answers] == [(len(one), outputs) for one in x]
        if loss == Q:
            assert all((np.diff(one, axis=1) >= 0).all() for one in answers)


# Quantiles do not cross.


def test_the_loss_of_outputs_out_of_order() -> None:
    """Steps follow each output's own quantile, evaluations what is answered."""
    nn = foxnn.neural_network([3, 3], "identity", loss=Q, dtype="float64")
    nn[0].weights, nn[0].bias = np.eye(3), np.zeros(3)
    found, [(_, db)] = nn._loss_and_gradients([[3.0, 1.0, 2.0]], [[2.5]])
    assert found == pytest.approx(0.45 + 0.75 + 0.45, rel=1e-14)
    assert db == pytest.approx([0.9, -0.5, -0.9], rel=1e-14)
    assert nn.train_on_batch([[3.0, 1.0, 2.0]], [[2.5]], learning_rate=1e-12) == found
    for row in ([3.0, 1.0, 2.0], [1.0, 2.0, 3.0]):
        assert nn.evaluate([row], [[2.5]])["loss"] == pytest.approx(0.45, rel=1e-9)


def crossing(dtype: str = "float64", **options: Any) -> foxnn.neural_network:
    """Return a network whose last layer's outputs are out of order for most samples."""
    nn = foxnn.neural_network([5, 8, 6], "tanh", "identity", Q, dtype=dtype, seed=3, **options)
    raw = nn.layer_outputs(X)["dense_1"].reshape(31, 2, 3)
    assert (np.diff(raw, axis=2) < 0).any(axis=(1, 2)).mean() > 0.7
    return nn


@per_dtype
def test_answers_are_in_order(dtype: str) -> None:
    nn = crossing(dtype)
    expected = np.sort(nn.layer_outputs(X)["dense_1"].reshape(31, 2, 3), axis=2).reshape(31, 6)
    for found in (
        nn.predict(X),
        nn.predict(X[:3]),
        nn.get_out(X),
        np.stack([nn.get_out(row) for row in X]),
        np.stack([nn.get_out(row.tolist()) for row in X]),
        np.concatenate([nn.predict(X[i : i + 4]) for i in range(0, 31, 4)]),
    ):
        assert found.tobytes() == expected[: len(found)].tobytes()
    # The loss is that of the answers.
    y = wanted(31, 2, "mse")
    value, _ = reference.pinball(expected.reshape(31, 2, 3).astype(np.float64), y, np.array(Q[1]))
    near = 1e-6 if dtype == "float32" else 1e-13
    assert nn.evaluate(X, y)["loss"] == pytest.approx(value.sum() / 31, rel=near)


def test_gradients_of_ordered_answers() -> None:
    nn, step = crossing(), 1e-6
    found = nn.gradient(X)
    for i in range(5):
        moved = np.zeros(5)
        moved[i] = step
        numeric = (nn.predict(X + moved) - nn.predict(X - moved)) / (2 * step)
        np.testing.assert_allclose(found[:, :, i], numeric, atol=1e-8)
    for k in (0, 4, -1):
        np.testing.assert_allclose(nn.gradient(X, k), found[:, k], rtol=0, atol=1e-15)


def test_streams_give_them_in_order() -> None:
    for sequences in (True, False):
        items = [(None, 2), foxnn.GRU(5, return_sequences=sequences), foxnn.Dense(6, "identity")]
        nn = foxnn.neural_network(items, loss=Q, seed=3)
        x = inputs(11, 2)
        stream = nn.stream()
        answers = [stream(row.tolist()) for row in x]
        whole = nn.predict([x])[0]
        if sequences:
            assert np.stack(answers).tobytes() == whole.tobytes()
            assert nn.stream()(x).tobytes() == whole.tobytes()
        else:
            assert answers[-1].tobytes() == whole.tobytes()
        assert (np.diff(np.reshape(answers, (11, 2, 3)), axis=2) >= 0).all()


def test_quantiles_of_numbers() -> None:
    """Without inputs that tell anything, the answers are the quantiles of the targets."""
    rng = np.random.default_rng(1)
    y = rng.gamma(2.0, size=(4000, 1))
    levels = [0.05, 0.25, 0.5, 0.75, 0.95]
    nn = foxnn.neural_network([1, 5], "identity", loss=("quantile", levels), seed=1)
    nn.fit(np.zeros((4000, 1)), y, 60, 50, "adam", 0.02, schedule=foxnn.schedules.cosine(60))
    found = nn.get_out([0.0])
    shares = (y < found).mean(axis=0)
    np.testing.assert_allclose(shares, levels, atol=0.012)


def test_mean_and_variance_of_numbers() -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (4000, 1))
    y = 2 * x + np.exp(x) * rng.standard_normal((4000, 1))
    nn = foxnn.neural_network([1, 2], "identity", loss="gaussian_nll", seed=1)
    nn.fit(x, y, 40, 50, "adam", 0.01, schedule=foxnn.schedules.cosine(40))
    mean, log_variance = nn.predict([[-0.8], [0.0], [0.8]]).T
    np.testing.assert_allclose(mean, [-1.6, 0.0, 1.6], atol=0.12)
    np.testing.assert_allclose(log_variance / 2, [-0.8, 0.0, 0.8], atol=0.08)


# Targets.


def test_several_targets() -> None:
    y = wanted(31, 2, "mse")
    for loss, outputs in ((Q, 6), ("gaussian_nll", 4)):
        nn = made("identity", loss, outputs)
        assert nn.fit(X, y, 1)["loss"]
        for wrong in (y[:, :1], y[:, 0], np.zeros((31, outputs)), np.zeros((31, 3))):
            for call in (nn.fit, nn.evaluate, nn.train_on_batch):
                with pytest.raises(ValueError, match=r"y must have .*2"):
                    call(X, wrong)
    one = made("identity", Q, 3)
    for column in (y[:, 0], y[:, :1], y[:, 0].tolist()):
        assert np.isfinite(one.train_on_batch(X, column))


def test_metrics() -> None:
    y = wanted(31, 2, "mse")
    nn = made("identity", "gaussian_nll", 4)
    found = nn.evaluate(X, y, metrics=("mae", "r2"))
    assert found["mae"] == pytest.approx(np.abs(nn.predict(X)[:, :2] - y).mean(), rel=1e-12)
    with pytest.raises(ValueError, match="metrics must be left out for several quantiles"):
        made("identity", Q, 6).evaluate(X, y, metrics="mae")
    assert made("identity", ("quantile", 0.5), 2).evaluate(X, y, metrics="mae")["mae"] > 0


def test_classes_of_focal() -> None:
    labels = np.array(["a", "b", "c"])[wanted(31, 3, "cross_entropy").argmax(axis=1)]
    nn = made("softmax", "focal", 3)
    history = nn.fit(X, labels, 3, 8, class_weight="balanced", validation=0.2)
    assert set(history) >= {"accuracy", "val_accuracy"}
    assert set(nn.predict_classes(X)) <= {"a", "b", "c"}
    assert nn.classes == ["a", "b", "c"]
    one = made("sigmoid", "focal", 1)
    one.fit(X, labels == "a", 2)
    assert one.evaluate(X, labels == "a").keys() == {"loss", "accuracy"}
    sides = made("sigmoid", "focal", 2)
    with pytest.raises(ValueError, match=r"y must be from 0 to 1 for focal, got 1.5"):
        sides.fit(X, np.full((31, 2), 1.5))


# As an argument, and kept.


@per_loss
def test_as_given_and_kept(output: str, loss: Any, each: int, tmp_path: Path) -> None:
    nn = made(output, loss, 6)
    assert nn.loss == loss
    assert f"loss={loss!r}" in repr(nn)
    nn.fit(X, targets_of(31, 6 // each, output, loss), 1)
    nn.save(tmp_path / "net.safetensors")
    for other in (
        copy.deepcopy(nn),
        pickle.loads(pickle.dumps(nn)),
        foxnn.neural_network(tmp_path / "net.safetensors"),
    ):
        assert other.loss == loss
        assert other.predict(X).tobytes() == nn.predict(X).tobytes()
        assert other.evaluate(X, targets_of(31, 6 // each, output, loss)) == nn.evaluate(
            X, targets_of(31, 6 // each, output, loss)
        )


def test_names() -> None:
    assert foxnn.losses()[-4:] == ["log_cosh", "quantile", "gaussian_nll", "focal"]
    assert foxnn.neural_network([2, 1], "identity", loss="quantile").loss == ("quantile", [0.5])
    assert foxnn.neural_network([2, 1], "sigmoid", loss="focal").loss == ("focal", 2.0)
    nn = foxnn.neural_network([2, 3], output_activation="softmax", loss=["Focal", 1])
    assert nn.loss == ("focal", 1.0)
    array = foxnn.neural_network([2, 2], "identity", loss=("quantile", np.array([0.1, 0.9])))
    assert array.loss == ("quantile", [0.1, 0.9])


@pytest.mark.parametrize(
    ("loss", "outputs", "activation", "message"),
    [
        (("quantile", [0.9, 0.1]), 2, "identity", "loss: the quantiles must be in ascending order"),
        (("quantile", [0.5, 0.5]), 2, "identity", "ascending order"),
        (("quantile", []), 2, "identity", "ascending order"),
        (("quantile", 0.0), 1, "identity", "loss: the quantiles must be .*above 0.* got 0"),
        (("quantile", [0.5, 1.0]), 2, "identity", "the quantiles must be .*below 1.* got 1"),
        (("quantile", math.nan), 1, "identity", "the quantiles must be .* got nan"),
        (("quantile", [0.1, 0.9]), 3, "identity", "2 outputs for each target, got 3"),
        (("quantile", [0.1, 0.9]), 1, "identity", "2 outputs for each target, got 1 output$"),
        ("gaussian_nll", 3, "identity", "2 outputs for each target, got 3"),
        (("focal", -1), 2, "softmax", "loss: gamma must be a finite number at least 0, got -1"),
        (("focal", math.inf), 2, "softmax", "loss: gamma must be a finite number .* got inf"),
        ("focal", 2, "identity", "'focal' needs a softmax output layer"),
        (("huber", 2.0), 2, "identity", "'huber' has no parameters; quantile and focal have"),
        (("quantile", 0.5, 1), 2, "identity", r"a pair \(name, parameters\), got 3 items"),
        (("quantiles", 0.5), 2, "identity", "unknown loss 'quantiles' .did you mean 'quantile'"),
        ("binary_focal", 2, "sigmoid", "unknown loss 'binary_focal' .did you mean 'focal'"),
        ("pinball", 1, "identity", "did you mean 'quantile'"),
    ],
)  # fmt: skip
def test_what_is_refused(loss: Any, outputs: int, activation: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        foxnn.neural_network([2, outputs], activation, loss=loss)


def test_a_change_of_the_layers() -> None:
    nn = foxnn.neural_network([2, 4], "identity", loss=("quantile", [0.1, 0.9]))
    with pytest.raises(ValueError, match="2 outputs for each target, got 3"):
        nn.next_layer(foxnn.Dense(3))
    assert len(nn) == 1
    nn.next_layer(foxnn.Dense(2))
    focal = foxnn.neural_network([2, 3], output_activation="softmax", loss="focal")
    with pytest.raises(ValueError, match="'focal' needs a softmax"):
        focal[-1].set_activation_function("sigmoid")
    assert focal.loss == ("focal", 2.0)


def test_outputs_are_not_scaled() -> None:
    for loss, outputs in ((Q, 3), ("gaussian_nll", 2), (("quantile", 0.5), 1)):
        nn = made("identity", loss, outputs)
        with pytest.raises(ValueError, match="scale can scale outputs only for the losses mse"):
            nn.fit(X, wanted(31, 1, "mse"), 1, scale=(None, "standard"))
        nn.fit(X, wanted(31, 1, "mse"), 1, scale="standard")
        assert nn.input_scaler is not None
        assert nn.output_scaler is None
    nn = made("identity", "log_cosh", 2)
    nn.fit(X, wanted(31, 2, "mse"), 1, scale="standard")
    assert nn.output_scaler is not None


def test_foxnns_interface() -> None:
    data = foxnn.train_data(X, wanted(31, 2, "mse"))
    for loss, outputs in ((Q, 6), ("gaussian_nll", 4)):
        nn = made("identity", loss, outputs)
        before = nn.evaluate(X, wanted(31, 2, "mse"))["loss"]
        nn.train(data, 0.001, 100, 4)
        assert nn.evaluate(X, wanted(31, 2, "mse"))["loss"] < before
        with pytest.raises(ValueError, match="data cannot be tested: loss="):
            nn.testing(data)
        nn.settings.set_part_for_test(0.3)
        with pytest.raises(ValueError, match="data_for_train cannot be tested"):
            nn.train(data, 0.001, 100, 4)


def test_what_has_no_trace() -> None:
    with pytest.raises(ValueError, match=r"y must be left out: a trace .* quantile"):
        made("identity", Q, 3).trace(X[0], [1.0])
    trace = made("sigmoid", "focal", 2).trace(X[0], [1.0, 0.0])
    assert "Loss: focal" in str(trace)


def test_other_formats(tmp_path: Path) -> None:
    """FoxNN's text holds layers alone, and not that their outputs are put into order."""
    nn = made("identity", Q, 3, "float32")
    with pytest.raises(ValueError, match="cannot hold loss='quantile' with several"):
        nn.save(tmp_path / "net.txt")
    assert not (tmp_path / "net.txt").exists()
    other = made("identity", ("quantile", 0.9), 1, "float32")
    other.export_c(tmp_path / "net.h")
    other.save(tmp_path / "net.onnx")
    again = foxnn.neural_network(tmp_path / "net.onnx")
    assert again.loss == ("quantile", [0.9])
    assert again.predict(X).tobytes() == other.predict(X).tobytes()
    for output, loss in (("softmax", ("focal", 1.5)), ("sigmoid", ("focal", 1.5)), ("tanh", Q[0])):
        nn = made(output, loss, 4, "float32")
        nn.save(tmp_path / "net.onnx")
        assert foxnn.neural_network(tmp_path / "net.onnx").loss == nn.loss


def test_nan_ends_a_run() -> None:
    for output, loss, each in NUMBERED:
        if output != "identity_x":
            continue
        nn = made(output, loss, each, "float32")
        with pytest.raises(foxnn.DivergedError):
            nn.fit(X, wanted(31, 1, "mse"), 40, 8, "sgd", 1e38)
        assert np.isfinite(parameters(nn)).all()
