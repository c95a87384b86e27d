"""One step on a batch: the same as a step of fit, for any arrays, and what it refuses."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import foxnn
import small_runs
from forced_runs import inputs, parameters, wanted
from wrong_values import answering

OPTIMIZERS = ("sgd", "nesterov", "adam", foxnn.SGD(momentum=0.5), foxnn.Adam(beta_1=0.5))


def make(loss: str, dtype: str = "float32", width: int = 40) -> foxnn.neural_network:
    output = "softmax" if loss == "cross_entropy" else "tanh"
    return foxnn.neural_network([4, width, 3], "tanh", output, loss, dtype=dtype, seed=1)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
@pytest.mark.parametrize("width", [5, 40, 300])
def test_steps_are_those_of_fit(optimizer: object, dtype: str, loss: str, width: int) -> None:
    one, many = make(loss, dtype, width), make(loss, dtype, width)
    x, y = inputs(12, 4), wanted(12, 3, loss)
    losses = [one.train_on_batch(x[i : i + 4], y[i : i + 4], optimizer, 0.01) for i in (0, 4, 8)]
    history = many.fit(x, y, 1, 4, optimizer, 0.01, shuffle=False)
    assert parameters(one).tobytes() == parameters(many).tobytes()
    assert np.mean(losses) == pytest.approx(history["loss"][0], rel=1e-12)


@pytest.mark.parametrize("kind", ["float32", "float64", "uint8", "int64"])
@pytest.mark.parametrize("change", [np.asarray, np.asfortranarray, np.ndarray.tolist, np.array])
def test_any_array_will_do(kind: str, change: object) -> None:
    one, other = make("mse"), make("mse")
    x = np.abs(inputs(6, 4)).astype(kind)
    y = np.abs(wanted(6, 3, "mse")).astype(kind)
    loss = one.train_on_batch(change(x), change(y))
    assert loss == other.train_on_batch(x.astype("float64"), y.astype("float64"))
    assert parameters(one).tobytes() == parameters(other).tobytes()


def test_labels_are_one_hot_rows() -> None:
    one, other, third = (make("cross_entropy") for _ in range(3))
    x, labels = inputs(6, 4), np.array([0, 2, 1, 1, 0, 2])
    loss = one.train_on_batch(x, labels)
    assert other.train_on_batch(x, labels.tolist()) == loss
    assert third.train_on_batch(x, np.eye(3)[labels]) == loss
    assert parameters(one).tobytes() == parameters(third).tobytes()


def test_batches_of_any_size_in_turn() -> None:
    one, other = make("mse"), make("mse")
    x, y = inputs(9, 4), wanted(9, 3, "mse")
    for size in (9, 1, 4, 9, 1):
        one.train_on_batch(x[:size], y[:size])
        other.fit(x[:size], y[:size], 1, 9, shuffle=False)
    assert parameters(one).tobytes() == parameters(other).tobytes()


def test_another_rate_and_optimizer_act_at_once() -> None:
    one, other = make("mse"), make("mse")
    x, y = inputs(9, 4), wanted(9, 3, "mse")
    for optimizer, rate in (("sgd", 0.1), ("sgd", 0.2), ("adam", 0.2), ("adam", 0.01)):
        one.train_on_batch(x, y, optimizer, rate)
        other.fit(x, y, 1, 9, optimizer, rate, shuffle=False)
    assert parameters(one).tobytes() == parameters(other).tobytes()


def test_layers_may_change_between_steps() -> None:
    nn = make("mse")
    x, y = inputs(9, 4), wanted(9, 3, "mse")
    nn.train_on_batch(x, y)
    nn[0].set_activation_function("gelu")
    nn.train_on_batch(x, y)
    nn.next_layer(foxnn.layer(3, 2, "tanh", seed=2))
    assert np.isfinite(nn.train_on_batch(x, y[:, :2]))
    assert nn.get_out([1.0, 2.0, 3.0, 4.0]).shape == (2,)


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
def test_divergence_keeps_the_weights() -> None:
    nn = make("mse")
    x, y = inputs(9, 4), wanted(9, 3, "mse")
    nn.train_on_batch(x, y)
    before = parameters(nn).tobytes()
    with pytest.raises(foxnn.DivergedError, match="finite"):
        nn.fit(x, 1e30 * np.ones((9, 3)), 1)
    with pytest.raises(foxnn.DivergedError, match="finite"):
        nn.train_on_batch(x, 1e30 * np.ones((9, 3)))
    assert parameters(nn).tobytes() == before
    assert np.isfinite(nn.train_on_batch(x, y))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda nn, x, y: nn.train_on_batch(x[:, :3], y), r"x must have shape \(samples, 4\)"),
        (lambda nn, x, y: nn.train_on_batch(x, y[:, :2]), r"y must have shape \(samples, 3\)"),
        (lambda nn, x, y: nn.train_on_batch(x, y[:5]), "same number of samples, got 9 and 5"),
        (lambda nn, x, y: nn.train_on_batch(x[:0], y[:0]), "at least one sample"),
        (lambda nn, x, y: nn.train_on_batch(x * np.inf, y), "x must be finite"),
        (lambda nn, x, y: nn.train_on_batch(x, y * np.nan), "y must be finite"),
        (lambda nn, x, y: nn.train_on_batch(x, y, learning_rate=0), "learning_rate must be"),
        (lambda nn, x, y: nn.train_on_batch(x, y, learning_rate=np.nan), "learning_rate must be"),
        (lambda nn, x, y: nn.train_on_batch(x, y, "adma"), "optimizer must be one of"),
    ],
)
def test_bad_input_leaves_the_network(call: object, message: str) -> None:
    nn = make("mse")
    x, y = inputs(9, 4) + 0.001, wanted(9, 3, "mse")
    nn.train_on_batch(x, y)
    before = parameters(nn).tobytes()
    with pytest.raises(ValueError, match=message):
        call(nn, x, y)
    assert parameters(nn).tobytes() == before


def test_one_network_in_two_threads() -> None:
    """One of them is told that the other is at work; nothing breaks."""
    nn, refused = make("mse", width=300), []
    x, y = inputs(200, 4), wanted(200, 3, "mse")

    def work() -> None:
        for _ in range(200):
            try:
                nn.train_on_batch(x, y)
                nn.get_out(x[0])
            except RuntimeError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.isfinite(parameters(nn)).all()
    assert all("training" in message or "thread" in message for message in refused)


def test_a_learning_rate_that_is_changed_in_place() -> None:
    rate = np.array(0.1)
    nn, other = small_runs.regression(), small_runs.regression()
    for value in (0.1, 0.001):
        rate[...] = value
        nn.train_on_batch(small_runs.X, small_runs.Y, "sgd", rate)  # type: ignore[arg-type]
        other.train_on_batch(small_runs.X, small_runs.Y, "sgd", value)
    assert small_runs.bits(nn) == small_runs.bits(other)
    for wrong in (np.array([0.1, 0.2]), True, "0.1"):
        with pytest.raises(TypeError, match="learning_rate must be a number"):
            nn.train_on_batch(small_runs.X, small_runs.Y, "sgd", wrong)  # type: ignore[arg-type]
    assert small_runs.bits(nn) == small_runs.bits(other)


def test_an_optimizer_that_equals_everything_is_none() -> None:
    """The kept plan of the last step was compared with it, and taken."""
    nn = small_runs.few()
    nn.train_on_batch(small_runs.FEW, small_runs.ONE_HOT, "adam")
    for wrong in (answering(__eq__=True, __ne__=False, __hash__=1)(), np.empty(0), np.ones(3)):
        with pytest.raises(TypeError, match="optimizer must be a name"):
            nn.train_on_batch(small_runs.FEW, small_runs.ONE_HOT, wrong)


def test_what_stands_alone_is_no_row() -> None:
    for y in (np.array(1.0), np.array("a"), 1):
        with pytest.raises((ValueError, TypeError), match=r"\by\b"):
            small_runs.few().train_on_batch(small_runs.FEW, y)
