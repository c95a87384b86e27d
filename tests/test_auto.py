"""Runs that find their own end (epochs="auto"), and the warning about too short ones."""

from __future__ import annotations

import math
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn import _core
from foxnn.support.streams import HOLDOUT
from foxnn.training import auto
from foxnn.training.unfinished import constant_loss

RNG = np.random.default_rng(0)
LABELS = np.arange(150) % 3
# Three clouds, about as far apart as the flowers of Fisher.
X = RNG.normal(size=(150, 4)) * 0.6 + np.array([[5, 3, 1, 0], [6, 3, 4, 1], [6, 3, 5, 2]])[LABELS]
Y = X[:, :1] - 0.5 * X[:, 1:2] ** 2 + RNG.normal(size=(150, 1))

SCALED: Any = {"scale": "standard", "learning_rate": 0.01}


def classifier(**given: Any) -> foxnn.neural_network:
    return foxnn.neural_network([4, 20, 3], "relu", "softmax", **({"seed": 1} | given))


def regressor() -> foxnn.neural_network:
    return foxnn.neural_network([4, 20, 1], "tanh", "identity", seed=1)


def bits(nn: foxnn.neural_network) -> list[bytes]:
    return [array.tobytes() for layer in nn for array in layer.arrays.values()]


# Epochs "auto".


def test_classes_are_trained_until_the_loss_falls_no_more() -> None:
    nn = classifier()
    history = nn.fit(X, LABELS, "auto", scale="standard")
    assert "val_loss" not in history
    losses = np.array(history["loss"])
    gain = auto.LEAST_GAIN * losses[0]
    # Five steps an epoch: a while is as many epochs as it may be.
    assert 100 < len(losses) < auto.MOST_EPOCHS
    assert losses[:-100].min() - losses[-100:].min() < 2 * gain
    assert nn.evaluate(X, LABELS)["accuracy"] > 0.95


def test_many_numbers_are_trained_until_a_held_out_share_improves_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(auto, "_MOST_IN_FOLDS", 149)
    nn = regressor()
    history = nn.fit(X, Y, "auto", **SCALED)
    losses = history["val_loss"]
    best = int(np.argmin(losses))
    assert 100 <= len(losses) - 1 - best < 300
    # The same as by hand, and it ends at the best epoch.
    same = regressor()
    told = same.fit(X, Y, best + 1, **SCALED, validation=0.1)
    assert told["val_loss"] == losses[: best + 1]
    assert bits(nn) == bits(same)


@pytest.mark.parametrize(
    ("samples", "most", "held_out", "folds"),
    [
        (19, 10**6, None, False), (20, 121, None, True), (20, 120, None, False),
        (99, 120, None, False), (100, 120, 0.1, False), (1000, 121, None, True),
        (1001, 121, 0.1, False),
    ],
)  # fmt: skip
def test_where_numbers_are_validated(
    samples: int, most: int, held_out: float | None, folds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto, "_MOST_PARAMETERS", most)
    assert auto.validation_of(regressor(), samples) == (held_out, folds)  # of 121 parameters
    assert auto.validation_of(classifier(), samples) == (None, False)


def by_hand(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return the validation losses of five networks after each epoch, added up."""
    order = _core.shuffled(1, HOLDOUT, len(x))
    if weights is not None:
        order = np.array([i for i in order if weights[i] > 0])
    total = np.zeros(250)
    for fold in range(5):
        held = order[fold::5]
        kept = np.concatenate([order[i::5] for i in range(5) if i != fold])
        of_kept, of_held = (None if weights is None else weights[part] for part in (kept, held))
        history = regressor().fit(
            x[kept], y[kept], 250, **SCALED, sample_weight=of_kept,
            validation=(x[held], y[held], of_held),
        )  # fmt: skip
        total += np.multiply(history["val_loss"], len(held) if of_held is None else of_held.sum())
    return total


@pytest.mark.parametrize("weighted", [False, True])
def test_few_numbers_are_trained_for_the_epochs_that_folds_find(weighted: bool) -> None:
    weights = np.arange(150) % 4 * 1.5 if weighted else None
    nn = regressor()
    history = nn.fit(X, Y, "auto", **SCALED, sample_weight=weights)
    losses = by_hand(X, Y, weights)
    found = len(history["loss"])
    assert set(history) == {"loss", "learning_rate", "seconds"}
    # They ended after as many epochs as the patience has, and the best one counts.
    assert found == 1 + int(np.argmin(losses[: found + 110]))
    assert found + 100 <= 250
    # What they have found is all that they leave.
    same = regressor()
    assert same.fit(X, Y, found, **SCALED, sample_weight=weights)["loss"] == history["loss"]
    assert bits(nn) == bits(same)
    again = nn.fit(X, Y, 2, **SCALED, validation=0.2)
    assert same.fit(X, Y, 2, **SCALED, validation=0.2)["val_loss"] == again["val_loss"]


def test_too_few_numbers_are_trained_until_the_loss_falls_no_more() -> None:
    history = regressor().fit(X[:19], Y[:19], "auto", learning_rate=0.05)
    losses = np.array(history["loss"])
    assert losses[:-100].min() - losses[-100:].min() < 2 * auto.LEAST_GAIN * losses[0]
    weights = (np.arange(150) < 19).astype(float)  # the others tell nothing
    history = regressor().fit(X, Y, "auto", learning_rate=0.05, sample_weight=weights)
    losses = np.array(history["loss"])
    assert losses[:-100].min() - losses[-100:].min() < 2 * auto.LEAST_GAIN * losses[0]


@pytest.mark.parametrize("threads", [1, 2])
def test_folds_leave_the_network_and_what_it_has_learnt(threads: int) -> None:
    nn, same = regressor(), regressor()
    for network in (nn, same):
        network.settings.n_threads = threads
        network.fit(X, Y, 3, **SCALED)  # moments and scalers that the copies have, too
    found = len(nn.fit(X, Y, "auto", learning_rate=0.01)["loss"])
    same.fit(X, Y, found, learning_rate=0.01)
    assert bits(nn) == bits(same)
    assert nn.input_scaler == same.input_scaler
    before = bits(nn)

    def fail(epoch: int) -> float:
        if epoch == 7:
            raise KeyboardInterrupt
        return 0.01

    with pytest.raises(KeyboardInterrupt):
        nn.fit(X, 1e3 * Y, "auto", schedule=fail, scale="minmax")
    assert bits(nn) == before
    assert nn.input_scaler == same.input_scaler


def test_folds_and_a_time_limit() -> None:
    nn = regressor()
    start = time.perf_counter()
    history = nn.fit(X, Y, "auto", time_limit=0.2, learning_rate=1e-5)
    assert time.perf_counter() - start < 5
    assert 1 <= len(history["loss"]) < auto.MOST_EPOCHS


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
def test_folds_that_diverge_leave_the_error_to_the_training() -> None:
    nn = foxnn.neural_network([4, 20, 1], "relu", "identity", seed=1)
    with pytest.raises(foxnn.DivergedError):
        nn.fit(1e4 * X, 1e6 * Y, "auto", optimizer="sgd", learning_rate=1e5)


def test_folds_of_sparse_samples_have_the_same_end() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    x = np.where(X > 3, X, 0.0)
    dense = regressor().fit(x, Y, "auto", learning_rate=0.01)
    found = regressor().fit(sparse.csr_array(x), Y, "auto", learning_rate=0.01)
    assert found["loss"] == dense["loss"]


def test_the_best_epoch_counts_even_if_it_gains_little() -> None:
    given: Any = {"learning_rate": 0.01, "batch_size": 10}
    nn = classifier()
    losses = nn.fit(100.0 * X, LABELS, "auto", **given)["loss"]  # which jumps
    best = int(np.argmin(losses))
    # It is better than the one from which the patience counts, by less than what must be gained.
    assert 0 < len(losses) - 1 - best < auto.rule_of(150, 10).patience
    same = classifier()
    same.fit(100.0 * X, LABELS, best + 1, **given)
    assert bits(nn) == bits(same)


def test_what_is_said_of_validation_is_kept() -> None:
    some = X[:30], LABELS[:30]
    assert "val_loss" in classifier().fit(X, LABELS, "auto", validation=some)
    nn = regressor()
    history = nn.fit(X, Y, "auto", validation=(X[:30], Y[:30]), scale="standard")
    assert nn.evaluate(X[:30], Y[:30])["loss"] == min(history["val_loss"])


@pytest.mark.parametrize("how", ["stopping", "callback", "limit"])
def test_others_end_it_too(how: str) -> None:
    stopping = {"early_stopping": foxnn.EarlyStopping("loss", patience=2, min_delta=0.1)}
    more: dict[str, Any] = {
        "stopping": stopping,
        "callback": {"callbacks": lambda epoch, logs: epoch == 4},
        "limit": {"time_limit": 1e-9},
    }[how]
    history = regressor().fit(X, Y, "AUTO", **more)
    wanted = {"callback": 5, "limit": 1}
    if how == "stopping":
        assert history["loss"] == regressor().fit(X, Y, 1000, **stopping)["loss"]
        assert "val_loss" not in history
    else:
        assert len(history["loss"]) == wanted[how]


def test_patience_is_counted_in_steps() -> None:
    for samples, batch, patience in ((100, 32, 100), (1600, 32, 20), (60_000, 32, 10)):
        assert auto.rule_of(samples, batch).patience == patience


@pytest.mark.parametrize("epochs", ["many", "", None, 1.5, True, [1], np.ones(3)])
def test_other_texts_are_refused(epochs: Any) -> None:
    with pytest.raises(TypeError, match="epochs must be an integer at least 1, or 'auto', got"):
        classifier().fit(X, LABELS, epochs)


def test_weights_in_the_place_of_epochs_are_answered() -> None:
    with pytest.raises(TypeError, match=r"weights of samples are sample_weight=\.\.\."):
        classifier().fit(X, LABELS, np.ones(150))  # type: ignore[arg-type]


def test_the_most_epochs_end_it_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto, "MOST_EPOCHS", 7)
    with pytest.warns(foxnn.ConvergenceWarning, match="7 epochs, the most that epochs='auto'"):
        assert len(classifier().fit(X, LABELS, "auto")["loss"]) == 7


@pytest.mark.parametrize("kind", ["classes", "few numbers", "many numbers"])
@pytest.mark.parametrize("stop", [0, 3, 110, 150])
def test_a_resumed_run_ends_where_it_would_have_ended(
    kind: str, stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "many numbers":
        monkeypatch.setattr(auto, "_MOST_IN_FOLDS", 149)
    make: Any = classifier if kind == "classes" else regressor
    y = LABELS if kind == "classes" else Y
    given: Any = {"epochs": "auto", "learning_rate": 0.05, "scale": "standard"}
    whole = make()
    wanted = whole.fit(X, y, **given)
    path = tmp_path / "run.safetensors"

    def fail(epoch: int, logs: dict[str, float]) -> bool:
        return epoch == stop

    make().fit(X, y, checkpoint=path, callbacks=fail, checkpoint_every=1000, **given)
    nn, history = foxnn.resume(path, X, y)
    for name in set(wanted) - {"seconds"}:
        assert history[name] == wanted[name]
    assert bits(nn) == bits(whole)
    # A run that has found its end does not begin again.
    nn, history = foxnn.resume(path, X, y)
    assert history["loss"] == wanted["loss"]
    assert bits(nn) == bits(whole)


def test_a_run_that_ends_within_an_epoch_is_resumed(tmp_path: Path) -> None:
    short: Any = {"epochs": "auto", "batch_size": 50, "time_limit": 1e9}
    short |= {"early_stopping": foxnn.EarlyStopping("loss", patience=1, min_delta=0.1)}
    whole = classifier()
    wanted = whole.fit(X, LABELS, **short)
    path = tmp_path / "run.safetensors"

    class Fail:
        def on_batch_end(self, batch: int, logs: dict[str, float]) -> bool:
            return batch == 1

    classifier().fit(X, LABELS, checkpoint=path, callbacks=Fail(), **short)
    nn, history = foxnn.resume(path, X, LABELS)
    assert history["loss"] == wanted["loss"]
    assert bits(nn) == bits(whole)


# The warning.


def told(nn: foxnn.neural_network, y: np.ndarray, *arguments: Any, **given: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        nn.fit(X, y, *arguments, **given)
    assert all(warning.category is foxnn.ConvergenceWarning for warning in caught)
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


def test_a_small_table_and_the_defaults_give_one_warning() -> None:
    (message,) = told(classifier(), LABELS)
    assert "ended after 10 epochs while the loss was still falling" in message
    assert "the best constant output has a loss of 1.1; train for more epochs, or" in message
    assert message.endswith("epochs='auto'")
    # The remedies are such.
    assert told(classifier(), LABELS, 200) == []
    assert told(classifier(), LABELS, "auto") == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", foxnn.ConvergenceWarning)
        classifier().fit(X, LABELS)


def test_answers_worse_than_a_constant_give_one_as_long_as_they_improve() -> None:
    y = 150 + 80 * Y
    (message,) = told(regressor(), y, 20)
    assert "below its value 5 epochs earlier" in message
    assert told(regressor(), y, 20, learning_rate=1e-30) == []  # it does not fall


def test_who_ended_the_run_knows() -> None:
    assert told(classifier(), LABELS, 9) == []  # fewer epochs than usual
    assert told(classifier(), LABELS, 100, time_limit=1e-9) == []
    assert told(classifier(), LABELS, 100, callbacks=lambda epoch, logs: epoch == 12) == []


def test_nothing_to_learn_gives_none() -> None:
    shuffled = np.random.default_rng(1).permutation(LABELS)
    assert told(classifier(), shuffled, 100, scale="standard") == []
    # The training loss falls, but the held-out share shows that nothing is learnt.
    wide = foxnn.neural_network([4, 500, 3], "relu", "softmax", seed=1)
    assert told(wide, shuffled, 60, scale="standard", validation=0.3, learning_rate=0.01) == []


def test_the_epochs_before_a_resumption_count(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    classifier().fit(X, LABELS, 10, checkpoint=path, callbacks=lambda epoch, logs: epoch == 7)
    with pytest.warns(foxnn.ConvergenceWarning, match="after 10 epochs"):
        foxnn.resume(path, X, LABELS)


def mean_loss(loss: str, answers: np.ndarray, y: np.ndarray, output: str, w: Any) -> float:
    """Return the engine's loss of constant answers, which biases alone give."""
    nn = foxnn.neural_network([1, len(answers)], output, loss=loss, init="zeros", dtype="float64")
    nn[0].bias = {
        "softmax": np.log, "exp": np.log, "sigmoid": lambda p: np.log(p / (1 - p)),
    }.get(output, np.asarray)(answers)  # fmt: skip
    return nn.evaluate(np.zeros((len(y), 1)), y, w)["loss"]


@pytest.mark.parametrize(
    ("loss", "output"),
    [
        ("mse", "identity"), ("mae", "identity"), ("huber", "identity"), ("poisson", "exp"),
        ("cross_entropy", "softmax"), ("binary_cross_entropy", "sigmoid"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_of_constant_answers(loss: str, output: str, weighted: bool) -> None:
    y = RNG.uniform(0.1, 0.9, size=(201, 2))
    w = RNG.uniform(0.5, 1.0, 201) if weighted and loss not in ("mae", "huber") else None
    if loss == "cross_entropy":
        y /= y.sum(axis=1, keepdims=True)
    best = np.median(y, axis=0) if loss in ("mae", "huber") else np.average(y, axis=0, weights=w)
    found = constant_loss(loss, y, w, (None, None))
    assert found is not None
    least, guessing = found
    assert guessing == pytest.approx(mean_loss(loss, best, y, output, w), rel=1e-9)
    for other in (best * 1.1, best * 0.9):
        answers = other / other.sum() if loss == "cross_entropy" else other
        # The median is not quite the best answer of huber.
        assert mean_loss(loss, answers, y, output, w) > guessing * (
            0.98 if loss == "huber" else 1 - 1e-9
        )
    each = [mean_loss(loss, row, row[None], output, None) for row in y]
    assert least == pytest.approx(np.average(each, weights=w), abs=1e-9)


def test_the_loss_of_constant_answers_to_labels_and_scaled_targets() -> None:
    assert constant_loss("cross_entropy", LABELS, None, (None, None)) == (
        0.0,
        pytest.approx(math.log(3)),
    )
    scaler = foxnn.Scaler().fit(Y)
    found = constant_loss("mse", Y, None, (None, scaler))
    assert found == (0.0, pytest.approx(0.5))
    assert constant_loss("another", Y, None, (None, None)) is None
