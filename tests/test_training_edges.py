"""Edges of training that a review has found wrong: each stays right."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import foxnn
from forced_runs import inputs, parameters, wanted

X = inputs(60, 4)
LABELS = wanted(60, 3, "cross_entropy").argmax(axis=1)
Y = wanted(60, 2, "mse")


def classifier(**options: Any) -> foxnn.neural_network:
    return foxnn.neural_network([4, 8, 3], "tanh", "softmax", **{"seed": 1, **options})


def regression(**options: Any) -> foxnn.neural_network:
    return foxnn.neural_network([4, 8, 2], "tanh", "identity", **{"seed": 1, **options})


def bits(nn: foxnn.neural_network) -> bytes:
    return parameters(nn).tobytes()


# Scalers


@pytest.mark.parametrize("name", ["input_scaler", "output_scaler"])
def test_the_scaler_that_is_read_is_a_copy(name: str) -> None:
    nn = regression()
    nn.fit(X * 100, Y, 1, scale="standard")
    expected = nn.predict(X)
    scaler = getattr(nn, name)
    scaler.fit(np.ones((5, len(scaler.shift))) * 7.0)
    scaler.shift[:] = 99.0
    for again in (nn, copy.deepcopy(nn), pickle.loads(pickle.dumps(nn))):
        assert again.predict(X).tobytes() == expected.tobytes()


@pytest.mark.parametrize("part", ["shift", "scale"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf, 1e-310])
def test_scalers_of_no_use_are_refused(value: float, part: str) -> None:
    if part == "shift" and math.isfinite(value):
        return
    scaler = foxnn.Scaler().fit(X)
    getattr(scaler, part)[1] = value
    nn = regression()
    for use in (
        lambda: setattr(nn, "input_scaler", scaler),
        lambda: nn.fit(X, Y, 1, scale=scaler),
        lambda: scaler.transform(X),
    ):
        with pytest.raises(ValueError, match="a finite shift and a scale above 0"):
            use()
    assert nn.input_scaler is None


def test_scalers_filled_by_hand_from_lists() -> None:
    scaler, nn = foxnn.Scaler(), regression()
    scaler.shift, scaler.scale = [0.0] * 4, [2.0] * 4  # type: ignore[assignment]
    nn.input_scaler = scaler
    plain = regression()
    assert nn.predict(X) == pytest.approx(plain.predict(X / 2), rel=1e-6)


@pytest.mark.parametrize("method", ["standard", "minmax"])
def test_a_spread_as_good_as_none(method: str) -> None:
    x = np.column_stack([np.arange(4.0), [0.0, 1e-310, 0.0, 0.0]])
    nn = foxnn.neural_network([2, 1], "identity", dtype="float64", seed=1)
    nn.fit(x, [0, 1, 2, 3.0], scale=method)
    assert np.isfinite(nn.predict(x)).all()


# Weights: only their ratios count.


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("factor", [1e-40, 1e-300, 1e37, 1e300, 0.25])
def test_the_size_of_weights_does_not_count(factor: float, dtype: str) -> None:
    counts, found = np.arange(1, 61) / 4.0, []
    for weights in (counts, counts * factor):
        nn = classifier(dtype=dtype)
        history = nn.fit(X, LABELS, 3, 7, "sgd", 0.1, sample_weight=weights)
        found.append((parameters(nn), history["loss"], nn.evaluate(X, LABELS, weights)["loss"]))
    for one, other in zip(*found, strict=True):
        assert other == pytest.approx(one, rel=1e-4 if dtype == "float32" else 1e-10, abs=1e-7)


def test_large_class_weights_too() -> None:
    nn, other = classifier(), classifier()
    weights = np.full(60, 1e200)
    nn.fit(X, LABELS, 2, sample_weight=weights, class_weight={0: 2e200, 1: 1e200, 2: 1e200})
    other.fit(X, LABELS, 2, class_weight={0: 2.0})
    assert parameters(nn) == pytest.approx(parameters(other), rel=1e-5)


@pytest.mark.parametrize("name", ["clip_value", "clip_norm"])
def test_clipping_at_what_float32_takes_for_zero(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least .* in float32, got 1e-46"):
        regression().fit(X, Y, 1, **{name: 1e-46})
    regression(dtype="float64").fit(X, Y, 1, **{name: 1e-46})


# One step


def test_a_learning_rate_that_is_changed_in_place() -> None:
    rate = np.array(0.1)
    nn, other = regression(), regression()
    for value in (0.1, 0.001):
        rate[...] = value
        nn.train_on_batch(X, Y, "sgd", rate)  # type: ignore[arg-type]
        other.train_on_batch(X, Y, "sgd", value)
    assert bits(nn) == bits(other)
    for wrong in (np.array([0.1, 0.2]), True, "0.1"):
        with pytest.raises(TypeError, match="learning_rate must be a number"):
            nn.train_on_batch(X, Y, "sgd", wrong)  # type: ignore[arg-type]
    assert bits(nn) == bits(other)


# What is refused changes nothing.


@pytest.mark.parametrize(
    "options",
    [
        {"sample_weight": np.r_[1.0, np.zeros(59)]},
        {"scale": ("standard", "x")},
        {"dropout": [0.1, 0.2]},
    ],
)
def test_no_number_is_drawn_for_what_is_refused(options: dict[str, Any]) -> None:
    nn, other = regression(), regression()
    with pytest.raises(ValueError, match=r"."):
        nn.fit(X, Y, 1, validation=0.2, **options)
    for each in (nn, other):
        each.fit(X, Y, 1)
    assert bits(nn) == bits(other)


def test_a_second_training_leaves_the_first_alone() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=list("abcd"))
    nn, other = regression(), regression()

    def train_again(epoch: int, logs: dict[str, float]) -> None:
        with pytest.raises(RuntimeError, match="already training"):
            nn.fit(table, Y, 1, validation=0.2, scale="standard")

    nn.fit(X, Y, 3, callbacks=train_again)
    other.fit(X, Y, 3)
    assert (bits(nn), nn.input_names) == (bits(other), None)


def test_a_warning_that_is_an_error_changes_nothing() -> None:
    pandas = pytest.importorskip("pandas")
    large = pandas.DataFrame(X * 1000, columns=list("abcd"))
    nn, other = regression(), regression()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="the inputs are large"):
            nn.fit(large, Y, 1, validation=0.2)
    assert nn.input_names is None
    for each in (nn, other):
        each.fit(X, Y, 1)
    assert bits(nn) == bits(other)


# Records


def test_samples_that_count_nothing_have_no_loss() -> None:
    counts = np.r_[np.zeros(50), np.ones(10)]

    class Stop:
        """Stops after a batch of the third epoch, whose samples count nothing."""

        seen = 0
        logs: dict[str, float]

        def on_batch_end(self, batch: int, logs: dict[str, float]) -> bool:
            self.seen += 1
            self.logs = logs
            return self.seen == 13

    stop, nn = Stop(), classifier()
    history = nn.fit(
        X, LABELS, 9, 10, "adam", 0.01, sample_weight=counts, shuffle=False,
        early_stopping=5, callbacks=stop,
    )  # fmt: skip
    assert math.isnan(history["loss"][-1])
    assert math.isnan(stop.logs["loss"])
    assert all(math.isfinite(loss) for loss in history["loss"][:-1])


@pytest.mark.parametrize("batch_size", [60, 16])
@pytest.mark.parametrize("hears", [False, True])
def test_the_last_finite_loss_is_told(batch_size: int, hears: bool) -> None:
    class Hears:
        def on_batch_end(self, batch: int, logs: dict[str, float]) -> None:
            pass

    nn = regression()
    expected = nn.evaluate(X[:batch_size], Y[:batch_size])["loss"]
    with pytest.raises(foxnn.DivergedError) as caught:
        nn.fit(
            X, Y, 5, batch_size, "sgd", 1e38, shuffle=False, callbacks=[Hears()] if hears else ()
        )
    assert caught.value.loss is not None
    if batch_size == 60:
        assert caught.value.loss == pytest.approx(expected, rel=1e-6)


# Callbacks and schedules


def test_numpys_true_stops_too() -> None:
    history = classifier().fit(X, LABELS, 5, callbacks=lambda *_: np.float64(1.0) > 0)
    assert len(history["loss"]) == 1
    history = classifier().fit(X, LABELS, 3, callbacks=lambda *_: np.float64(1.0) < 0)
    assert len(history["loss"]) == 3


def test_a_schedule_is_asked_once_an_epoch() -> None:
    asked: list[int] = []

    def schedule(epoch: int) -> float:
        asked.append(epoch)
        return 0.01

    classifier().fit(X, LABELS, 3, schedule=schedule)
    assert asked == [0, 1, 2]


def test_epochs_that_are_never_reached_need_no_rate() -> None:
    schedule = foxnn.schedules.exponential(0.5)
    with pytest.raises(ValueError, match="schedule"):
        classifier().fit(X, LABELS, 2000, learning_rate=0.5, schedule=schedule)
    history = classifier().fit(
        X, LABELS, 2000, learning_rate=0.5, schedule=schedule, early_stopping=2
    )
    assert len(history["loss"]) < 100


def test_the_class_of_a_callback_is_none() -> None:
    class Watch:
        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            pass

    with pytest.raises(TypeError, match=r"callbacks\[0\] must be an object, got the class Watch"):
        classifier().fit(X, LABELS, 1, callbacks=[Watch])


# Numbers of NumPy as arguments


def test_numbers_of_numpy() -> None:
    half = np.float64(0.5)
    assert repr(foxnn.SGD(momentum=half)) == "SGD(momentum=0.5, nesterov=False)"
    assert repr(foxnn.Adam(beta_1=half)) == "Adam(beta_1=0.5, beta_2=0.999, epsilon=1e-08)"
    assert "0.5" in repr(foxnn.AdamW(weight_decay=half))
    assert "np" not in repr(foxnn.RMSprop(rho=half)) + repr(foxnn.AdamW(weight_decay=half))
    rule = foxnn.EarlyStopping(patience=np.int64(3), min_delta=half)
    assert repr(rule) == "EarlyStopping(monitor=None, patience=3, min_delta=0.5, restore_best=True)"
    nn, other = regression(), regression()
    nn.fit(X, Y, 1, dropout=np.array(0.5))  # type: ignore[arg-type]
    other.fit(X, Y, 1, dropout=0.5)
    assert bits(nn) == bits(other)


def test_a_boundary_is_drawn_for_the_columns_of_fit() -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")
    nn = foxnn.neural_network([2, 3, 1], "tanh", "sigmoid", seed=1)
    table = pandas.DataFrame(X[:, :2], columns=["a", "b"])
    y = (X[:, 0] > 0).astype(int)
    nn.fit(table, y, 1)
    with pytest.raises(ValueError, match="x must have the columns seen before"):
        foxnn.plot.decision_boundary(nn, table[["b", "a"]], y)
