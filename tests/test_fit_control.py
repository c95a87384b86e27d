"""What steers a training: schedules, early stopping, callbacks, time limits, and divergence."""

from __future__ import annotations

import copy
import math
import pickle
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import small_runs
from forced_runs import inputs, parameters, wanted
from foxnn import schedules
from foxnn.training import checkpoint


def network(**options: Any) -> foxnn.neural_network:
    return foxnn.neural_network([4, 7, 3], "tanh", "softmax", **{"seed": 1, **options})


X, LABELS = inputs(40, 4), wanted(40, 3, "cross_entropy").argmax(axis=1)


def bits(nn: foxnn.neural_network) -> bytes:
    return parameters(nn).tobytes()


# Schedules


def test_the_rate_follows_a_schedule() -> None:
    schedule = foxnn.schedules.step(every=2, factor=0.5)
    nn, by_hand = network(), network()
    history = nn.fit(X, LABELS, 5, 6, "adam", 0.08, schedule=schedule)
    assert history["learning_rate"] == [0.08, 0.08, 0.04, 0.04, 0.02]
    for rate in history["learning_rate"]:
        by_hand.fit(X, LABELS, 1, 6, "adam", rate)
    assert bits(nn) == bits(by_hand)


def test_a_function_gives_the_rate_itself() -> None:
    seen: list[int] = []

    def schedule(epoch: int) -> float:
        seen.append(epoch)
        return 0.1 / (1 + epoch)

    history = network().fit(X, LABELS, 3, schedule=schedule, learning_rate=5.0)
    assert history["learning_rate"] == [0.1, 0.05, 0.1 / 3]
    assert set(seen) == {0, 1, 2}


@pytest.mark.parametrize(
    ("schedule", "error", "message"),
    [
        ("step", TypeError, "schedule must be a function"),
        (foxnn.schedules.cosine, TypeError, "schedule must be a function"),
        (lambda epoch: 0.0, ValueError, "schedule"),
        (lambda epoch: float("nan"), ValueError, "schedule"),
        (lambda epoch: "fast", ValueError, "schedule"),
        (foxnn.schedules.cosine(2), ValueError, "schedule"),
        (lambda epoch: 1e-60, ValueError, "learning_rate must be from"),
    ],
)
def test_schedules_that_cannot_be(schedule: Any, error: type[Exception], message: str) -> None:
    nn = network()
    before = bits(nn)
    with pytest.raises(error, match=message):
        nn.fit(X, LABELS, 4, schedule=schedule)
    assert bits(nn) == before


def test_a_schedule_that_fails_later_leaves_the_epochs_before() -> None:
    nn, other = network(), network()
    with pytest.raises(ValueError, match=r"schedule.* 2"):
        nn.fit(X, LABELS, 4, schedule=lambda epoch: 0.01 if epoch < 2 else -1.0)
    other.fit(X, LABELS, 2, learning_rate=0.01)
    assert bits(nn) == bits(other)
    nn.fit(X, LABELS, 1)


# Early stopping


class Script:
    """A validation whose losses are as written: a network of one bias, and a rate an epoch."""

    def __init__(self, outputs: list[float]) -> None:
        self.outputs = outputs

    def fit(self, **options: Any) -> tuple[foxnn.History, float]:
        """Train so that the output after epoch i is outputs[i]; return history and last output."""
        nn = foxnn.neural_network([1, 1], "identity", init="zeros", dtype="float64", seed=1)
        path = iter(self.outputs)

        def place(epoch: int, logs: dict[str, float]) -> None:
            nn[0].bias = [next(path)]

        # A step so small that it changes nothing; the callback sets the bias, which the validation
        # of the next epoch sees.
        nn[0].bias = [next(path)]
        history = nn.fit(
            [[0.0]], [[0.0]], len(self.outputs) - 1, 1, "sgd", 1e-300,
            validation=([[0.0]], [[0.0]]), callbacks=place, **options,
        )  # fmt: skip
        return history, nn[0].bias.item()


def test_it_ends_after_so_many_epochs_without_a_better_loss() -> None:
    script = Script([4.0, 3.0, 2.0, 5.0, 5.0, 1.0, 5.0, 5.0, 5.0, 0.5, 0.0])
    history, _ = script.fit(early_stopping=3)
    # The best is at epoch 5; 6, 7 and 8 are worse.
    assert history["val_loss"] == [8.0, 4.5, 2.0, 12.5, 12.5, 0.5, 12.5, 12.5, 12.5]
    history, _ = script.fit(early_stopping=4)
    assert len(history["val_loss"]) == 10


def test_a_gain_must_be_large_enough() -> None:
    script = Script([4.0, 3.9, 3.8, 3.7, 3.6])
    history, _ = script.fit(early_stopping=foxnn.EarlyStopping(patience=2, min_delta=1.0))
    # 8.0, 7.6, 7.2: the second is better by 0.8 only.
    assert len(history["loss"]) == 3
    history, _ = script.fit(early_stopping=foxnn.EarlyStopping(patience=2, min_delta=0.3))
    assert len(history["loss"]) == 4


@pytest.mark.parametrize("restore", [True, False])
def test_the_best_weights_come_back(restore: bool) -> None:
    nn = network()
    x, y = inputs(30, 4), wanted(30, 3, "cross_entropy").argmax(axis=1)
    seen: list[bytes] = []
    rule = foxnn.EarlyStopping(patience=3, restore_best=restore)
    history = nn.fit(
        X, LABELS, 200, 4, "adam", 0.03, (x, y), rule, callbacks=lambda *_: seen.append(bits(nn))
    )
    losses = history["val_loss"]
    best = int(np.argmin(losses))
    assert best == len(losses) - 4 < 196
    assert bits(nn) == (seen[best] if restore else seen[-1])
    assert nn.evaluate(x, y)["loss"] == (losses[best] if restore else losses[-1])


def test_moments_come_back_too() -> None:
    """What follows a restored training is what would have followed the best epoch."""
    x, y = inputs(30, 4), wanted(30, 3, "cross_entropy").argmax(axis=1)
    nn, other = network(), network()
    history = nn.fit(X, LABELS, 200, 4, "adam", 0.03, (x, y), 3, shuffle=False)
    best = int(np.argmin(history["val_loss"]))
    other.fit(X, LABELS, best + 1, 4, "adam", 0.03, shuffle=False)
    for each in (nn, other):
        each.fit(X, LABELS, 2, 4, "adam", 0.03, shuffle=False)
    assert bits(nn) == bits(other)


def test_the_best_comes_back_when_the_epochs_run_out() -> None:
    x, y = inputs(30, 4), wanted(30, 3, "cross_entropy").argmax(axis=1)
    long = network().fit(X, LABELS, 200, 4, "adam", 0.03, (x, y), 3)["val_loss"]
    epochs = int(np.argmin(long)) + 3
    nn = network()
    history = nn.fit(X, LABELS, epochs, 4, "adam", 0.03, (x, y), 3)
    assert len(history["loss"]) == epochs
    assert nn.evaluate(x, y)["loss"] == min(history["val_loss"])


@pytest.mark.parametrize(
    ("monitor", "validation", "expected"),
    [
        (None, None, "loss"),
        (None, 0.25, "val_loss"),
        ("loss", 0.25, "loss"),
        ("accuracy", None, "accuracy"),
        ("val_accuracy", 0.25, "val_accuracy"),
    ],
)
def test_what_is_watched(monitor: Any, validation: Any, expected: str) -> None:
    rule = foxnn.EarlyStopping(monitor, patience=2)
    history = network().fit(X, LABELS, 300, 8, "adam", 0.05, validation, rule)
    values = np.array(history[expected]) * (-1 if "accuracy" in expected else 1)
    assert len(values) < 300
    # The first that no later one beats, and two more.
    assert np.argmin(values) == len(values) - 3


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: foxnn.EarlyStopping("val_los"), ValueError, "monitor must be one of loss"),
        (lambda: foxnn.EarlyStopping(patience=0), ValueError, "patience must be"),
        (lambda: foxnn.EarlyStopping(patience=1.5), TypeError, "patience must be"),
        (lambda: foxnn.EarlyStopping(min_delta=-1), ValueError, "min_delta must be"),
        (lambda: foxnn.EarlyStopping(restore_best="no"), TypeError, "restore_best must be"),
    ],
)
def test_rules_that_cannot_be(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (0, ValueError, "early_stopping must be an integer at least 1"),
        ("5", TypeError, "early_stopping must be a number of epochs"),
        (foxnn.EarlyStopping, TypeError, "early_stopping must be a number of epochs"),
        (foxnn.EarlyStopping("val_loss"), ValueError, "monitors 'val_loss'.*accuracy, loss"),
    ],
)
def test_early_stopping_that_cannot_be(value: Any, error: type[Exception], message: str) -> None:
    nn = network()
    before, draw = bits(nn), nn._draw()
    with pytest.raises(error, match=message):
        nn.fit(X, LABELS, 2, early_stopping=value)
    assert (bits(nn), nn._draw()) == (before, draw)
    with pytest.raises(ValueError, match="monitors 'accuracy'"):
        foxnn.neural_network([4, 3]).fit(
            X, wanted(40, 3, "mse"), early_stopping=foxnn.EarlyStopping("accuracy")
        )


# Callbacks


class Recorder:
    """A callback that notes what it is told, and may stop the training."""

    def __init__(self, stop_at: tuple[str, int] | None = None) -> None:
        self.seen: list[tuple[Any, ...]] = []
        self.stop_at = stop_at

    def note(self, event: str, at: int, logs: dict[str, float]) -> bool:
        self.seen.append((event, at, logs))
        return (event, at) == self.stop_at

    def on_train_begin(self, network: foxnn.neural_network) -> bool:
        return self.note("begin", 0, {"weights": network[0].weights.sum()})

    def on_batch_end(self, batch: int, logs: dict[str, float]) -> bool:
        return self.note("batch", batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> bool:
        return self.note("epoch", epoch, logs)

    def on_train_end(self, history: foxnn.History) -> None:
        self.seen.append(("end", len(history.get("loss", [])), dict(history)))


def test_the_order_of_the_events() -> None:
    recorder = Recorder()
    history = network().fit(X, LABELS, 2, 16, validation=0.2, callbacks=[recorder])
    # 32 samples in batches of 16.
    events = [seen[:2] for seen in recorder.seen]
    epoch = [("batch", 0), ("batch", 1)]
    assert events == [("begin", 0), *epoch, ("epoch", 0), *epoch, ("epoch", 1), ("end", 2)]
    for i in range(2):
        assert recorder.seen[3 * i + 3][2] == {name: history[name][i] for name in history}


def test_batches_tell_their_means() -> None:
    recorder = Recorder()
    nn, stepwise = network(), network()
    history = nn.fit(X, LABELS, 1, 16, "sgd", 0.5, shuffle=False, callbacks=recorder)
    batches = [seen[2] for seen in recorder.seen if seen[0] == "batch"]
    for first, logs in zip(range(0, 40, 16), batches, strict=True):
        part = X[first : first + 16], LABELS[first : first + 16]
        assert logs == pytest.approx(stepwise.evaluate(*part), rel=1e-6)
        stepwise.fit(*part, 1, 16, "sgd", 0.5, shuffle=False)
    assert bits(nn) == bits(stepwise)
    counts = np.array([16, 16, 8])
    for name in ("loss", "accuracy"):
        mean = np.average([logs[name] for logs in batches], weights=counts)
        assert history[name][0] == pytest.approx(mean, rel=1e-14)


@pytest.mark.parametrize("sizes", [[4, 7, 3], [4, 33, 3]])
def test_listening_changes_no_bit(sizes: list[int]) -> None:
    alone, heard = (foxnn.neural_network(sizes, "tanh", "softmax", seed=1) for _ in range(2))
    first = alone.fit(X, LABELS, 3, 7, dropout=0.2)
    second = heard.fit(X, LABELS, 3, 7, dropout=0.2, callbacks=Recorder())
    assert bits(alone) == bits(heard)
    assert first["loss"] == pytest.approx(second["loss"], rel=1e-14)


class Moments:
    """Takes the moments of long epochs, and stops at one of them."""

    def __init__(self, stop_at: int = -1) -> None:
        self.steps: list[int] = []
        self.epochs = 0
        self.stop_at = stop_at

    def on_moment(self, steps: int) -> bool:
        self.steps.append(steps)
        return len(self.steps) == self.stop_at

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        self.epochs += 1


@pytest.mark.parametrize("augment", [None, lambda x, rng: x], ids=["whole", "in batches"])
def test_long_epochs_have_moments(augment: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foxnn.training.loop._MOMENT", 0.002)
    x = np.random.default_rng(0).random((100_000 if augment is None else 3000, 4))
    y = np.tile(np.eye(3), (len(x) // 3 + 1, 1))[: len(x)]
    moments, alone, heard = Moments(), network(), network()
    heard.fit(x, y, 2, 1, callbacks=moments, augment=augment)
    assert moments.epochs == 2
    assert len(moments.steps) > 1
    assert all(0 < steps < len(x) for steps in moments.steps)
    alone.fit(x, y, 2, 1, augment=augment)
    assert bits(heard) == bits(alone)
    stopped = Moments(stop_at=1)
    history = network().fit(x, y, 9, 1, callbacks=stopped, augment=augment)
    assert (len(stopped.steps), len(history["loss"])) == (1, 1)


@pytest.mark.parametrize(
    ("stop_at", "epochs", "batches"),
    [(("begin", 0), 0, 0), (("epoch", 1), 2, 6), (("batch", 1), 1, 2)],
)
def test_one_that_returns_true_stops(stop_at: tuple[str, int], epochs: int, batches: int) -> None:
    recorder, other = Recorder(stop_at), Recorder()
    history = network().fit(X, LABELS, 9, 16, callbacks=[recorder, other])
    assert len(history.get("loss", [])) == epochs
    # The others are called all the same, and the end is told.
    for each in (recorder, other):
        assert sum(seen[0] == "batch" for seen in each.seen) == batches
    assert [seen[:2] for seen in recorder.seen] == [seen[:2] for seen in other.seen]


def test_other_answers_do_not_stop() -> None:
    for answer in (None, False, 0, 1, "stop", np.float64(1.0)):
        history = network().fit(X, LABELS, 3, callbacks=lambda *_, answer=answer: answer)
        assert len(history["loss"]) == 3


@pytest.mark.parametrize("event", ["on_train_begin", "on_batch_end", "on_epoch_end"])
def test_an_exception_comes_through_and_the_network_is_whole(event: str) -> None:
    nn = network()

    class Failing:
        pass

    def fail(*_: object) -> None:
        raise LookupError("no more")

    failing = Failing()
    setattr(failing, event, fail)
    with pytest.raises(LookupError, match="no more"):
        nn.fit(X, LABELS, 3, callbacks=failing, early_stopping=2)
    assert np.isfinite(parameters(nn)).all()
    assert len(nn.fit(X, LABELS, 2)["loss"]) == 2
    nn.next_layer(foxnn.layer(3, 2)) if nn.loss != "cross_entropy" else nn.reset_optimizer()


def test_a_callback_may_use_and_change_the_network() -> None:
    nn = network()
    found: list[float] = []

    def look(epoch: int, logs: dict[str, float]) -> None:
        found.append(nn.evaluate(X, LABELS)["loss"])
        nn[0].bias = np.zeros(7)
        with pytest.raises(RuntimeError, match="cannot be changed while it is training"):
            nn[0].set_activation_function("relu")
        with pytest.raises(RuntimeError, match="already training"):
            nn.fit(X, LABELS)

    nn.fit(X, LABELS, 3, callbacks=look)
    assert len(found) == 3
    assert nn[0].bias.tolist() == [0.0] * 7


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (3, TypeError, "callbacks must be a list of callbacks, got 3"),
        ("print", TypeError, "callbacks must be a list of callbacks, got 'print'"),
        ([print, 3], TypeError, r"callbacks\[1\] must be a function or have one of the methods"),
        ([None], TypeError, r"callbacks\[0\]"),
        ([type("C", (), {"on_epoch_end": 3})()], TypeError, "on_epoch_end of .* callable"),
    ],
)
def test_callbacks_that_cannot_be(value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        network().fit(X, LABELS, callbacks=value)


# Time


def test_a_training_ends_with_its_time() -> None:
    nn = network()
    start = time.perf_counter()
    history = nn.fit(X, LABELS, 10**9, 4, time_limit=0.2)
    assert 0.2 <= time.perf_counter() - start < 5.0
    assert 1 <= len(history["loss"]) < 10**9


@pytest.mark.parametrize("hears", [False, True])
def test_within_an_epoch_too(hears: bool, tmp_path: Path) -> None:
    """One epoch here has as much work as many seconds do."""
    x = np.broadcast_to(np.float32(0.5), (500_000, 4))
    y = np.broadcast_to(np.float32(0.5), (500_000, 128))
    nn = foxnn.neural_network([4, 512, 512, 128], seed=1)
    recorder, path = Recorder(), tmp_path / "run.safetensors"
    history = nn.fit(
        x, y, 5, 100, time_limit=0.1, callbacks=[recorder] if hears else [], checkpoint=path
    )
    assert len(history["loss"]) == 1
    running = checkpoint.read(str(path))[2].running
    assert running is not None
    assert 1 <= running.steps < 5000
    assert not hears or recorder.seen[-1][0] == "end"


@pytest.mark.parametrize(
    ("value", "error"),
    [(0, ValueError), (-1.0, ValueError), (float("nan"), ValueError), ("1", TypeError)],
)
def test_time_limits_that_cannot_be(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"time_limit must be a .*number"):
        network().fit(X, LABELS, time_limit=value)


# Divergence


def line() -> foxnn.neural_network:
    """Return a network whose outputs have no bounds."""
    return foxnn.neural_network([4, 7, 3], "identity", seed=1)


def test_divergence_tells_epoch_and_last_finite_loss() -> None:
    nn, other = line(), line()
    y = wanted(40, 3, "mse")
    with pytest.raises(foxnn.DivergedError, match=r"epoch 2 .*last finite loss") as caught:
        nn.fit(X, y, 5, 20, "sgd", schedule=lambda epoch: 0.01 if epoch < 2 else 1e38)
    other.fit(X, y, 2, 20, "sgd", 0.01)
    assert caught.value.epoch == 2
    # The first step at the wild rate still has the finite loss of the weights that it found.
    before = sorted(
        [other.evaluate(X[:20], y[:20])["loss"], other.evaluate(X[20:], y[20:])["loss"]]
    )
    assert caught.value.loss is not None
    assert 0.5 * before[0] < caught.value.loss < 2.0 * before[1]
    assert bits(nn) == bits(other)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.epoch, again.loss) == (
        str(caught.value), 2, caught.value.loss,
    )  # fmt: skip


@pytest.mark.parametrize("hears", [False, True])
def test_divergence_in_the_first_step(hears: bool) -> None:
    nn = foxnn.neural_network([1, 1], "identity", init="zeros")
    callbacks = Recorder() if hears else ()
    with pytest.raises(foxnn.DivergedError) as caught:
        nn.fit([[1e30]], [[1e30]], 3, learning_rate=1.0, callbacks=callbacks)
    assert (caught.value.epoch, caught.value.loss) == (0, None)
    assert parameters(nn).tolist() == [0.0, 0.0]


def test_divergence_between_batches_sets_the_epochs_start_back() -> None:
    nn, y, recorder = line(), wanted(40, 3, "mse"), Recorder()
    before = bits(nn)
    wild = X.copy()
    wild[20] = 3e38
    with pytest.raises(foxnn.DivergedError):
        nn.fit(wild, y, 1, 4, "sgd", 0.1, shuffle=False, callbacks=recorder)
    assert sum(seen[0] == "batch" for seen in recorder.seen) == 5
    assert bits(nn) == before


# What is passed prints, compares and pickles


@pytest.mark.parametrize(
    "thing",
    [
        foxnn.EarlyStopping("val_loss", patience=3, min_delta=0.5, restore_best=False),
        foxnn.SGD(momentum=0.5, nesterov=True),
        foxnn.Adam(beta_1=0.5),
        foxnn.AdamW(weight_decay=0.1),
        foxnn.RMSprop(momentum=0.5),
        foxnn.schedules.cosine(10),
        foxnn.schedules.warmup(3, foxnn.schedules.exponential(0.5)),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_it_prints_and_pickles(thing: Any) -> None:
    assert pickle.loads(pickle.dumps(thing)) == thing
    assert copy.deepcopy(thing) == thing
    names = vars(foxnn) | vars(foxnn.schedules)
    assert eval(repr(thing).replace("schedules.", ""), names) == thing
    assert hash(thing) == hash(copy.copy(thing))


def test_the_bar_shows_loss_and_accuracy(capsys: pytest.CaptureFixture[str]) -> None:
    history = network().fit(X, LABELS, 3, progress=True, validation=0.2)
    shown = capsys.readouterr().err
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert f"{name}={history[name][-1]:.4f}" in shown
    assert "samples/s=" in shown


@pytest.mark.parametrize(
    "options",
    [
        {"sample_weight": np.r_[1.0, np.zeros(59)]},
        {"scale": ("standard", "x")},
        {"dropout": [0.1, 0.2]},
    ],
)
def test_no_number_is_drawn_for_what_is_refused(options: dict[str, Any]) -> None:
    nn, other = small_runs.regression(), small_runs.regression()
    with pytest.raises(ValueError, match=r"."):
        nn.fit(small_runs.X, small_runs.Y, 1, validation=0.2, **options)
    for each in (nn, other):
        each.fit(small_runs.X, small_runs.Y, 1)
    assert small_runs.bits(nn) == small_runs.bits(other)


def test_a_second_training_leaves_the_first_alone() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(small_runs.X, columns=list("abcd"))
    nn, other = small_runs.regression(), small_runs.regression()

    def train_again(epoch: int, logs: dict[str, float]) -> None:
        with pytest.raises(RuntimeError, match="already training"):
            nn.fit(table, small_runs.Y, 1, validation=0.2, scale="standard")

    nn.fit(small_runs.X, small_runs.Y, 3, callbacks=train_again)
    other.fit(small_runs.X, small_runs.Y, 3)
    assert (small_runs.bits(nn), nn.input_names) == (small_runs.bits(other), None)


def test_a_warning_that_is_an_error_changes_nothing() -> None:
    pandas = pytest.importorskip("pandas")
    large = pandas.DataFrame(small_runs.X * 1000, columns=list("abcd"))
    nn, other = small_runs.regression(), small_runs.regression()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="the inputs are large"):
            nn.fit(large, small_runs.Y, 1, validation=0.2)
    assert nn.input_names is None
    for each in (nn, other):
        each.fit(small_runs.X, small_runs.Y, 1)
    assert small_runs.bits(nn) == small_runs.bits(other)


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

    stop, nn = Stop(), small_runs.classifier()
    history = nn.fit(
        small_runs.X, small_runs.LABELS, 9, 10, "adam", 0.01, sample_weight=counts, shuffle=False,
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

    nn = small_runs.regression()
    expected = nn.evaluate(small_runs.X[:batch_size], small_runs.Y[:batch_size])["loss"]
    with pytest.raises(foxnn.DivergedError) as caught:
        nn.fit(
            small_runs.X,
            small_runs.Y,
            5,
            batch_size,
            "sgd",
            1e38,
            shuffle=False,
            callbacks=[Hears()] if hears else (),
        )
    assert caught.value.loss is not None
    if batch_size == 60:
        assert caught.value.loss == pytest.approx(expected, rel=1e-6)


def test_numpys_true_stops_too() -> None:
    history = small_runs.classifier().fit(
        small_runs.X, small_runs.LABELS, 5, callbacks=lambda *_: np.float64(1.0) > 0
    )
    assert len(history["loss"]) == 1
    history = small_runs.classifier().fit(
        small_runs.X, small_runs.LABELS, 3, callbacks=lambda *_: np.float64(1.0) < 0
    )
    assert len(history["loss"]) == 3


def test_a_schedule_is_asked_once_an_epoch() -> None:
    asked: list[int] = []

    def schedule(epoch: int) -> float:
        asked.append(epoch)
        return 0.01

    small_runs.classifier().fit(small_runs.X, small_runs.LABELS, 3, schedule=schedule)
    assert asked == [0, 1, 2]


def test_epochs_that_are_never_reached_need_no_rate() -> None:
    schedule = foxnn.schedules.exponential(0.5)
    with pytest.raises(ValueError, match="schedule"):
        small_runs.classifier().fit(
            small_runs.X, small_runs.LABELS, 2000, learning_rate=0.5, schedule=schedule
        )
    history = small_runs.classifier().fit(
        small_runs.X,
        small_runs.LABELS,
        2000,
        learning_rate=0.5,
        schedule=schedule,
        early_stopping=2,
    )
    assert len(history["loss"]) < 100


def test_the_class_of_a_callback_is_none() -> None:
    class Watch:
        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            pass

    with pytest.raises(TypeError, match=r"callbacks\[0\] must be an object, got the class Watch"):
        small_runs.classifier().fit(small_runs.X, small_runs.LABELS, 1, callbacks=[Watch])


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
@pytest.mark.parametrize("limit", [1e9, 1e10, 1e300])
def test_a_limit_of_three_hundred_years_is_none(limit: float) -> None:
    """In nanoseconds it is more than a clock counts to, and the training ended at once."""
    x = np.random.default_rng(1).normal(size=(20_000, 8))
    limited, free = (foxnn.neural_network([8, 64, 2], "tanh", seed=1) for _ in range(2))
    limited.fit(x, x[:, :2], epochs=1, batch_size=8, time_limit=limit)
    free.fit(x, x[:, :2], epochs=1, batch_size=8)
    assert limited[0].weights.tobytes() == free[0].weights.tobytes()


def test_a_schedule_is_no_callback() -> None:
    """It took the epoch and the logs, and failed after the first epoch."""
    nn = small_runs.few()
    before = nn[0].weights
    with pytest.raises(TypeError, match=r"callbacks\[0\] must be a callback.*argument schedule"):
        nn.fit(small_runs.FEW, small_runs.ONE_HOT, callbacks=schedules.exponential(0.5))
    assert nn[0].weights.tobytes() == before.tobytes()


@pytest.mark.parametrize(
    ("items", "advice"),
    [
        ([3, 4, 1], "try a smaller learning rate, or scaled inputs (scale='standard' in fit)"),
        (
            [(4, 3), foxnn.GRU(3), 1],
            "try a smaller learning rate, a shorter gradient (clip_norm=1.0 in fit), or scaled "
            "inputs (scale='standard' in fit)",
        ),
        (
            [(None, 3), foxnn.LSTM(3), 1],
            "try a smaller learning rate, a shorter gradient (clip_norm=1.0 in fit), or inputs "
            "that are scaled before (less their mean, by their standard deviation)",
        ),
        ([(4,), foxnn.Embedding(3, 2), foxnn.Flatten(), 1], "try a smaller learning rate"),
    ],
)
def test_what_diverges_is_told_what_the_network_takes(items: list[Any], advice: str) -> None:
    nn = foxnn.neural_network(items, output_activation="identity", dtype="float64", seed=1)
    shape = tuple(4 if n is None else n for n in nn._input_shape())
    x, y = np.ones((8, *shape)), np.ones((8, 1))
    is_index = nn._index_limit() > 0
    calls = [
        lambda: nn.fit(x, y * 1e200, learning_rate=1e200, optimizer="sgd"),
        lambda: nn.train_on_batch(x, y * 1e308, learning_rate=1e200, optimizer="sgd"),
    ]
    for call in calls:
        with pytest.raises(foxnn.DivergedError) as caught:
            call()
        assert str(caught.value).endswith(advice)
    if "scale='standard'" in advice:
        nn.fit(x, y, 1, scale="standard")
    else:
        with pytest.raises(ValueError, match="scale must"):
            nn.fit(x, y, 1, scale="standard" if not is_index else ("standard", None))


@pytest.mark.parametrize("validation", [None, 0.25])
@pytest.mark.parametrize("epochs_done", [0, 1])
def test_an_interrupted_run_has_all_columns(
    epochs_done: int, validation: Any, tmp_path: Path
) -> None:
    whole = network().fit(X, LABELS, 2, 8, validation=validation)

    class Interrupting:
        epochs = 0

        def on_epoch_end(self, epoch: int, logs: Any) -> None:
            self.epochs += 1

        def on_batch_end(self, batch: int, logs: Any) -> None:
            if self.epochs == epochs_done and batch == 1:
                raise KeyboardInterrupt

    nn, path = network(), tmp_path / "run.safetensors"
    with pytest.raises(KeyboardInterrupt):
        nn.fit(X, LABELS, 2, 8, validation=validation, callbacks=Interrupting(), checkpoint=path)
    assert nn.history is not None
    assert list(nn.history) == list(whole)
    assert {len(values) for values in nn.history.values()} == {epochs_done}
    assert repr(nn.history).startswith(f"History({epochs_done} epoch")
    assert nn.history.to_pandas().shape == (epochs_done, len(whole))
    if not epochs_done:
        with pytest.raises(ValueError, match="epoch"):
            nn.history.plot()
    _, resumed = foxnn.resume(path, X, LABELS)
    assert resumed["loss"] == whole["loss"]
    assert list(resumed) == list(whole)
