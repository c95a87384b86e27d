"""Arguments that once got through, or were refused in words that nobody could read."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn import schedules
from foxnn.checks import shown
from wrong_values import UsersOwn, answering, raising

X = np.linspace(-1, 1, 24).reshape(8, 3)
Y = np.eye(2)[[0, 1, 1, 0, 1, 0, 0, 1]]


def network() -> foxnn.neural_network:
    return foxnn.neural_network([3, 4, 2], "tanh", seed=1)


# What is shown of a value.


def test_any_value_can_be_shown_in_a_short_time() -> None:
    nested: Any = []
    for _ in range(10_000):
        nested = [nested]
    for value in (
        *(10**5000, nested, "x" * 10**7, [0.0] * 10**6, {i: i for i in range(10**5)}),
        *(raising("__repr__")(), answering(__repr__=3)(), raising("__repr__", error=KeyError)()),
    ):
        assert 0 < len(shown(value)) <= 60
    assert shown([1, "a", None]) == "[1, 'a', None]"


@pytest.mark.parametrize("value", ["x" * 10_000, "\ud800", "a\0b", "a\nb"])
def test_names_of_the_engine(value: str) -> None:
    for call in (
        lambda: foxnn.neural_network([3, 2], value),
        lambda: foxnn.neural_network([3, 2], init=value),
        lambda: foxnn.neural_network([3, 2], loss=value),
        lambda: network()[0].set_activation_function(value),
        lambda: network().fit(X, Y, optimizer=value),
    ):
        with pytest.raises(ValueError, match=r"must be (a known name|one of)") as caught:
            call()
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", ["a\0b.txt", "\ud800.txt"])
def test_names_that_no_file_can_have(value: str) -> None:
    nn = network()
    for call in (
        lambda: nn.save(value),
        lambda: foxnn.neural_network(value),
        lambda: foxnn.train_data(value),
        lambda: nn.train_on_file(value, 0.1, 1),
    ):
        with pytest.raises(ValueError, match="must be a name that a file can have"):
            call()


def test_what_a_users_object_raises_comes_through() -> None:
    nn, wrong = network(), raising("__float__", "__index__", "__array__", "__iter__")()
    for name in ("epochs", "learning_rate", "sample_weight", "callbacks", "l2"):
        with pytest.raises(UsersOwn):
            nn.fit(X, Y, **{name: wrong})


# What got through.


def test_an_optimizer_that_equals_everything_is_none() -> None:
    """The kept plan of the last step was compared with it, and taken."""
    nn = network()
    nn.train_on_batch(X, Y, "adam")
    for wrong in (answering(__eq__=True, __ne__=False, __hash__=1)(), np.empty(0), np.ones(3)):
        with pytest.raises(TypeError, match="optimizer must be a name"):
            nn.train_on_batch(X, Y, wrong)


def test_a_method_that_is_none_measures_nothing() -> None:
    """It was taken for "standard"."""
    scaler = foxnn.Scaler()
    scaler.method = "minmaxx"
    with pytest.raises(ValueError, match="method must be one of standard, minmax; got 'minmaxx'"):
        scaler.fit(X)
    with pytest.raises(ValueError, match="the method of scale must be one of"):
        network().fit(X, Y, scale=scaler)
    assert scaler.shift is None


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
@pytest.mark.parametrize("limit", [1e9, 1e10, 1e300])
def test_a_limit_of_three_hundred_years_is_none(limit: float) -> None:
    """In nanoseconds it is more than a clock counts to, and the training ended at once."""
    x = np.random.default_rng(1).normal(size=(20_000, 8))
    limited, free = (foxnn.neural_network([8, 64, 2], "tanh", seed=1) for _ in range(2))
    limited.fit(x, x[:, :2], epochs=1, batch_size=8, time_limit=limit)
    free.fit(x, x[:, :2], epochs=1, batch_size=8)
    assert limited[0].weights.tobytes() == free[0].weights.tobytes()


def test_iterators_without_end() -> None:
    with pytest.raises(ValueError, match="sizes must not list more than"):
        foxnn.neural_network(itertools.repeat(3))
    with pytest.raises(ValueError, match="parameters must be a few numbers"):
        network()[0].set_activation_function("elu", range(2**62))


# What was refused in other words.


def test_what_stands_alone_is_no_row() -> None:
    for y in (np.array(1.0), np.array("a"), 1):
        with pytest.raises((ValueError, TypeError), match=r"\by\b"):
            network().train_on_batch(X, y)


def test_the_rate_of_train_is_its_speed() -> None:
    data = foxnn.train_data(X, Y)
    for speed in (1e308, 1e-320):
        with pytest.raises(ValueError, match=r"^speed must be from"):
            network().train(data, speed, 1)


@pytest.mark.parametrize("dtype", [3, "\ud800", object(), [], np.int64, "f2", {"a": 1}])
def test_types_that_no_network_has(dtype: Any) -> None:
    with pytest.raises(ValueError, match="dtype must be one of float32, float64; got "):
        foxnn.neural_network([3, 2], dtype=dtype)


def test_what_was_made_without_its_constructor() -> None:
    nn, bare = network(), foxnn.neural_network.__new__(foxnn.neural_network)
    for use in (
        lambda: bare.predict(X),
        lambda: bare.settings,
        lambda: bare.fit(X, Y),
        lambda: bare.notes,
        lambda: len(bare),
    ):
        with pytest.raises(TypeError, match="the neural_network has not been made by its const"):
            use()
    with pytest.raises(AttributeError, match="no attribute 'weights'"):
        _ = nn.weights
    for call, match in (
        (lambda: nn.next_layer(foxnn.layer.__new__(foxnn.layer)), "new_layer"),
        (lambda: nn.train(foxnn.train_data.__new__(foxnn.train_data), 0.1, 1), "data_for_train"),
        (lambda: setattr(nn, "input_scaler", foxnn.Scaler.__new__(foxnn.Scaler)), "input_scaler"),
        (lambda: nn.fit(X, Y, schedule=schedules.step.__new__(schedules.step)), "schedule"),
        (lambda: nn.fit(X, Y, schedule=schedules.Schedule()), "schedule"),
        (lambda: schedules.warmup(3, schedules.Schedule()), "then"),
    ):
        with pytest.raises((TypeError, ValueError), match=match):
            call()
    for kind in (foxnn.layer, foxnn.Trace, foxnn.History, foxnn.Scaler, foxnn.train_data):
        assert repr(kind.__new__(kind))


def test_a_schedule_is_no_callback() -> None:
    """It took the epoch and the logs, and failed after the first epoch."""
    nn = network()
    before = nn[0].weights
    with pytest.raises(TypeError, match=r"callbacks\[0\] must be a callback.*argument schedule"):
        nn.fit(X, Y, callbacks=schedules.exponential(0.5))
    assert nn[0].weights.tobytes() == before.tobytes()


def test_histories_and_traces_are_what_they_say() -> None:
    with pytest.raises(ValueError, match="values must be lists of one length"):
        foxnn.History.of({"loss": [1.0], "accuracy": []})
    assert repr(foxnn.History.of({"loss": []})) == "History(0 epochs)"
    with pytest.raises(TypeError, match="loss must be a number, got 'x'"):
        foxnn.History().add(loss="x")
    with pytest.raises(ValueError, match=r"values must hold w\^1"):
        foxnn.Trace({"a^0": [1.0]}, [("tan_h", [])], "mse")


def test_notes_that_no_file_takes() -> None:
    nn = network()
    with pytest.raises(ValueError, match=r"notes\['a'\] must be an integer of at most"):
        nn.notes = {"a": 10**5000}
    nn.notes = {"a": 10**3000}
    assert nn.notes == {"a": 10**3000}
