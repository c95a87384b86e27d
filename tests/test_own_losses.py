"""Losses that are functions: everywhere a loss is used, and what a function must return."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
import own_losses
import reference
from forced_runs import inputs, parameters, wanted
from own_losses import absolute, asymmetric, half_square, masked, of_labels

per_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
X, Y = inputs(41, 4), wanted(41, 3, "mse")


def network(loss: Any = half_square, width: int = 17, **options: Any) -> foxnn.neural_network:
    return foxnn.neural_network(
        [4, width, 3], "tanh", "identity", loss, **{"seed": 1, "dtype": "float64", **options}
    )


@per_dtype
@pytest.mark.parametrize("width", [5, 17, 300])
def test_a_known_loss_as_a_function(dtype: str, width: int) -> None:
    """Narrow networks, others, and large ones on several threads: as with the engine's own."""
    own, engine = network(width=width, dtype=dtype), network("mse", width, dtype=dtype)
    for nn in (own, engine):
        nn.fit(X, Y, 3, 8, "adam", 0.01, validation=0.2, l2=0.01, clip_norm=0.5)
    near = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(parameters(own), parameters(engine), rtol=0, atol=near)
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(own.history[name], engine.history[name], rtol=near)
    assert own.evaluate(X, Y)["loss"] == pytest.approx(engine.evaluate(X, Y)["loss"], rel=near)


@per_dtype
def test_the_steps_of_the_oracle(dtype: str) -> None:
    nn, weights = network(asymmetric, dtype=dtype), np.arange(41) % 3 / 2.0
    oracle = reference.copy_of(nn)
    oracle.loss = "asymmetric"
    found = reference.Loss(
        lambda a, y: np.where(a < y, 3.0, 1.0) * (a - y) ** 2,
        lambda a, y: 2.0 * np.where(a < y, 3.0, 1.0) * (a - y),
    )
    reference.LOSSES["asymmetric"] = found
    try:
        expected = reference.train(oracle, X, Y, reference.Adam(), 0.01, 8, 3, weights=weights)
    finally:
        del reference.LOSSES["asymmetric"]
    history = nn.fit(X, Y, 3, 8, "adam", 0.01, sample_weight=weights, shuffle=False)
    near = 3e-4 if dtype == "float32" else 1e-11
    np.testing.assert_allclose(history["loss"], expected, rtol=near)
    flat = np.concatenate([part.ravel() for o in oracle.layers for part in (o.weights, o.bias)])
    np.testing.assert_allclose(parameters(nn), flat, rtol=0, atol=near)


@per_dtype
def test_steps_of_a_batch_are_those_of_fit(dtype: str) -> None:
    one, many = network(asymmetric, dtype=dtype), network(asymmetric, dtype=dtype)
    losses = [
        one.train_on_batch(X[i : i + 10], Y[i : i + 10], "adam", 0.01) for i in range(0, 40, 10)
    ]
    history = many.fit(X[:40], Y[:40], 1, 10, "adam", 0.01, shuffle=False)
    assert parameters(one).tobytes() == parameters(many).tobytes()
    assert np.mean(losses) == pytest.approx(history["loss"][0], rel=1e-12)


def test_foxnns_train_adds_up() -> None:
    own, engine = network(), network("mse")
    data = foxnn.train_data(X, Y)
    own.train(data, 0.01, 20, 8)
    engine.train(data, 0.01, 20, 8)
    np.testing.assert_allclose(parameters(own), parameters(engine), rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
@pytest.mark.parametrize("row", kinds.ROWS, ids=lambda row: row.name)
def test_layers_of_every_kind(row: Any) -> None:
    own, engine = row.network("float64"), row.network("float64")
    x, y = kinds.samples(own, 19), kinds.targets(own, 19)
    if engine.loss != "mse":
        pytest.skip("the table has another loss for it")
    own._take_loss(half_square)
    for nn in (own, engine):
        nn.fit(x, y, 2, 7, "sgd", 0.01, check_loss=False)
    for name, array in kinds.arrays(own).items():
        np.testing.assert_allclose(array, kinds.arrays(engine)[name], rtol=1e-9, atol=1e-12)


def test_it_is_called_once_a_batch_with_what_it_may_read() -> None:
    seen: list[tuple[Any, Any]] = []

    def loss(outputs: Any, targets: Any) -> Any:
        seen.append((outputs, targets))
        return half_square(outputs, targets)

    nn = network(loss, dtype="float32")
    nn.fit(X, Y, 2, 16, shuffle=False, check_loss=False)
    assert [len(outputs) for outputs, _ in seen] == [16, 16, 9] * 2
    for outputs, targets in seen:
        assert type(outputs) is type(targets) is np.ndarray
        assert outputs.dtype == targets.dtype == np.float32
        assert not outputs.flags.writeable
        assert not targets.flags.writeable
    np.testing.assert_array_equal(seen[1][1], Y[16:32].astype(np.float32))
    seen.clear()
    fresh = network(loss)
    fresh.fit(X, Y, 1, 41)
    checked = len(seen)
    assert checked > 1
    fresh.fit(X, Y, 1, 41)  # it has been checked
    assert len(seen) == checked + 1


def test_what_it_keeps_stays_as_it_was() -> None:
    kept: list[Any] = []

    def loss(outputs: Any, targets: Any) -> Any:
        kept.append((outputs, outputs.copy()))
        return half_square(outputs, targets)

    network(loss).fit(X, Y, 2, 8)
    assert all((outputs == copied).all() for outputs, copied in kept)


def test_targets_of_any_shape() -> None:
    """Missing ones, labels, and one number more than there are outputs."""
    y = Y.copy()
    y[::3] = math.nan
    nn = network(masked)
    nn.fit(X, y, 5, 8)
    assert np.isfinite(nn.evaluate(X, y)["loss"])
    labels = np.arange(41) % 3
    history = (nn := network(of_labels)).fit(X, labels, 30, 8, learning_rate=0.01)
    assert history["loss"][-1] < history["loss"][0]
    assert nn.train_on_batch(X, labels) > 0

    def of_pairs(outputs: Any, targets: Any) -> Any:
        value, share = targets[:, :1], targets[:, 1:]
        error = outputs - value
        return (share * error**2).sum(axis=1), 2 * share * error

    nn = foxnn.neural_network([4, 5, 1], "tanh", "identity", of_pairs, seed=1)
    nn.fit(X, np.abs(Y[:, :2]), 2, 8)
    # A vector of targets of one output is a column, which does not broadcast.
    one = foxnn.neural_network([4, 5, 1], "tanh", "identity", half_square, seed=1)
    other = copy.deepcopy(one)
    one.fit(X, Y[:, 0], 2, 8)
    other.fit(X, Y[:, :1], 2, 8)
    assert parameters(one).tobytes() == parameters(other).tobytes()


def test_positions_and_sequences() -> None:
    items = [(6, 2), foxnn.Dense(4), foxnn.Dense(2)]
    nn = foxnn.neural_network(items, "tanh", loss=half_square, seed=1)
    x, y = inputs(20, 12).reshape(20, 6, 2), wanted(20, 12, "mse").reshape(20, 6, 2)
    shapes = set()

    def loss(outputs: Any, targets: Any) -> Any:
        shapes.add((outputs.shape[1:], targets.shape[1:]))
        return half_square(outputs, targets)

    nn._take_loss(loss)
    nn.fit(x, y, 1, 7)
    nn.fit(x, y.reshape(20, 12), 1, 7)
    assert shapes == {((6, 2), (6, 2))}
    with pytest.raises(ValueError, match="sample_weight must have one number for each sample"):
        nn.fit(x, y, 1, sample_weight=np.ones((20, 6)))
    # Sequences of different lengths, of which each has one answer.
    lists = [np.ones((n, 2)) * n / 9 for n in range(2, 12)]
    for kind in (foxnn.GRU, foxnn.LSTM):
        own, engine = (
            foxnn.neural_network(
                [(None, 2), kind(3), 1], "identity", loss=f, seed=1, dtype="float64"
            )
            for f in (half_square, "mse")
        )
        for each in (own, engine):
            each.fit(lists, np.arange(10.0), 3, 4)
        for a, b in zip(own, engine, strict=True):
            for name, array in a.arrays.items():
                np.testing.assert_allclose(array, b.arrays[name], rtol=0, atol=1e-12)
    steps = foxnn.neural_network([(None, 2), kind(3, return_sequences=True)], loss=half_square)
    with pytest.raises(ValueError, match="sequences of different lengths"):
        steps.fit(lists, [one[:, :1].repeat(3, axis=1) for one in lists], 1)
    steps.fit([np.ones((5, 2))] * 4, [np.ones((5, 3))] * 4, 1)
    with pytest.raises(ValueError, match=r"truncate must be None.* is a function"):
        steps.fit([np.ones((5, 2))] * 4, [np.ones((5, 3))] * 4, 1, truncate=2)


def test_early_stopping_and_auto() -> None:
    nn = network(asymmetric)
    history = nn.fit(X, Y, 400, 8, learning_rate=0.05, validation=0.3, early_stopping=5)
    assert len(history["loss"]) < 400
    assert min(history["val_loss"]) == pytest.approx(history["val_loss"][-6], rel=1e-12)
    network(asymmetric).fit(X, Y, "auto", 16, learning_rate=0.05)


# What is refused.


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        (lambda o, t: None, TypeError, "loss must return the losses .* two arrays, got None"),
        (lambda o, t: (o, t, o), TypeError, "two arrays, got"),
        (lambda o, t: half_square(o, t)[0], TypeError, "two arrays"),
        (lambda o, t: (0.5, o), ValueError, r"shapes \(8,\) and \(8, 3\), got \(\) \(one for"),
        (lambda o, t: (o, o), ValueError, r"got \(8, 3\) and \(8, 3\)"),
        (lambda o, t: (o[:, 0], o[:, 0]), ValueError, r"got \(8,\) and \(8,\)"),
        (lambda o, t: (o[:, 0], o.T), ValueError, r"got \(8,\) and \(3, 8\)"),
        (lambda o, t: (o[:, 0].astype(str), o), TypeError, "real numbers, got <U"),
        (lambda o, t: (o[:, 0], o + 1j), TypeError, "real numbers, got complex"),
        (lambda o, t: (np.ma.masked_less(t[:, 0], 9), o), ValueError, "masked, got 8 masked"),
        (lambda o, t: (o[:, 0], np.ma.masked_less(t, 9)), ValueError, "masked, got 24 masked"),
        (lambda o, t: 1 / 0, ZeroDivisionError, "division by zero"),
    ],
)  # fmt: skip
def test_what_it_must_return(result: Any, error: type[Exception], message: str) -> None:
    nn = network(result)
    before = parameters(nn).tobytes()
    with pytest.raises(error, match=message) as caught:
        nn.fit(X, Y, 2, 8)
    if sys.version_info >= (3, 11):
        assert caught.value.__notes__ == ["in the loss, in batch 0 of epoch 0 (both from 0)"]
    with pytest.raises(error, match=message):
        nn.train_on_batch(X[:8], Y[:8])
    with pytest.raises(error, match=message):
        nn.evaluate(X[:8], Y[:8])
    with pytest.raises(error, match=message):
        nn.train(foxnn.train_data(X, Y), 0.1, 3, 8)
    assert parameters(nn).tobytes() == before
    assert nn._steps() == 0


def test_a_loss_whose_iterator_has_ended() -> None:
    left = iter([0.5, 0.25])
    nn = network(lambda o, t: half_square(o, t) if next(left) else None)
    with pytest.raises(StopIteration) as caught:
        nn.fit(X, Y, 2, 8, check_loss=False)
    if sys.version_info >= (3, 11):
        assert caught.value.__notes__ == ["in the loss, in batch 2 of epoch 0 (both from 0)"]
    assert nn._steps() == 2


def test_it_must_not_change_its_arrays() -> None:
    def changes_outputs(outputs: Any, targets: Any) -> Any:
        outputs -= targets
        return 0.5 * (outputs**2).sum(axis=1), outputs

    def changes_targets(outputs: Any, targets: Any) -> Any:
        targets[:] = 0.0
        return half_square(outputs, targets)

    for loss in (changes_outputs, changes_targets):
        nn, y = network(loss), Y.copy()
        for call in (nn.fit, nn.train_on_batch, nn.evaluate):
            with pytest.raises(ValueError, match=rf"loss .*{loss.__name__} must not change"):
                call(X, y)
        np.testing.assert_array_equal(y, Y)


class Failing:
    """A loss that fails in one call, in its own way."""

    def __init__(self, at: int, way: Callable[[Any, Any], Any]) -> None:
        self.at, self.way, self.calls = at, way, 0

    def __call__(self, outputs: Any, targets: Any) -> Any:
        self.calls += 1
        found = half_square(outputs, targets)
        return self.way(*found) if self.calls == self.at else found


def raise_it(losses: Any, gradient: Any) -> Any:
    raise RuntimeError("no more")


def interrupt(losses: Any, gradient: Any) -> Any:
    raise KeyboardInterrupt


def nan_losses(losses: Any, gradient: Any) -> Any:
    losses[2] = math.nan
    return losses, gradient


def infinite_gradient(losses: Any, gradient: Any) -> Any:
    gradient[4, 1] = math.inf
    return losses, gradient


@pytest.mark.parametrize("rule", ["sgd", "adam"])
@pytest.mark.parametrize("width", [5, 300])
@pytest.mark.parametrize(
    ("way", "error", "message"),
    [
        (raise_it, RuntimeError, "no more"),
        (interrupt, KeyboardInterrupt, None),
        (nan_losses, foxnn.DivergedError, "nan in its losses for sample 2 .*batch 1 of"),
        (infinite_gradient, foxnn.DivergedError, "inf in its gradient for sample 4 of the batch"),
    ],
)  # fmt: skip
def test_an_error_within_a_run(
    way: Any, error: type[BaseException], message: str | None, width: int, rule: str
) -> None:
    """The network is as before the batch: that of a run that ended there by a callback."""

    def stop(batch: int, logs: Any) -> bool:
        nonlocal steps
        steps += 1
        return steps == 7

    class Stop:
        on_batch_end = staticmethod(stop)

    steps = 0
    failing, other = network(Failing(8, way), width), network(Failing(0, way), width)
    with pytest.raises(error, match=message) as caught:
        failing.fit(X, Y, 3, 8, rule, 0.01, check_loss=False)
    if error is RuntimeError and sys.version_info >= (3, 11):
        assert caught.value.__notes__ == ["in the loss, in batch 1 of epoch 1 (both from 0)"]
    other.fit(X, Y, 3, 8, rule, 0.01, check_loss=False, callbacks=Stop())
    assert parameters(failing).tobytes() == parameters(other).tobytes()
    assert failing._steps() == other._steps() == 7
    # It goes on.
    failing.fit(X, Y, 1, 8, rule, 0.01)


def test_outputs_beyond_the_numbers_end_a_run_as_with_other_losses() -> None:
    nn = network(lambda o, t: (np.abs(o).mean(axis=1), np.sign(o) / 3), dtype="float32")
    with pytest.raises(foxnn.DivergedError, match="no longer finite in epoch"):
        nn.fit(X, Y, 50, 8, "sgd", 1e38)
    assert np.isfinite(parameters(nn)).all()
    with pytest.raises(foxnn.DivergedError):
        [nn.train_on_batch(X, Y, "sgd", 1e38) for _ in range(50)]
    assert np.isfinite(parameters(nn)).all()


def test_targets_beyond_the_type_are_refused() -> None:
    y = Y.copy()
    y[5, 1] = -1e150
    nn = network(dtype="float32")
    before = parameters(nn).tobytes()
    for call in (nn.fit, nn.train_on_batch, nn.evaluate):
        with pytest.raises(ValueError, match=r"y must hold numbers of float32, got -1e"):
            call(X, y)
    assert parameters(nn).tobytes() == before
    network().fit(X, y)
    y[5, 1] = -np.inf  # said by who gives the targets
    seen = []

    def finite(outputs: Any, targets: Any) -> Any:
        seen.append(np.isinf(targets).sum())
        return half_square(outputs, np.where(np.isinf(targets), outputs, targets))

    network(finite, dtype="float32").fit(X, y, 1, 41)
    assert set(seen) == {1}


# The check of its gradient.


def halved(outputs: Any, targets: Any) -> Any:
    losses, gradient = half_square(outputs, targets)
    return losses, 0.5 * gradient


def turned(outputs: Any, targets: Any) -> Any:
    losses, gradient = half_square(outputs, targets)
    return losses, -gradient


def of_the_mean(outputs: Any, targets: Any) -> Any:
    losses, gradient = half_square(outputs, targets)
    return losses, gradient / len(outputs)


def one_is_wrong(outputs: Any, targets: Any) -> Any:
    losses, gradient = half_square(outputs, targets)
    gradient[1, 2] *= 1.5
    return losses, gradient


@per_dtype
@pytest.mark.parametrize(
    ("loss", "hint"),
    [(halved, ""), (turned, "the other sign"), (of_the_mean, "1/16 of it"), (one_is_wrong, "")],
)
def test_a_wrong_gradient(loss: Any, hint: str, dtype: str) -> None:
    nn = network(loss, dtype=dtype)
    before = parameters(nn).tobytes()
    with pytest.raises(ValueError, match=rf"gradient of loss {loss.__name__} .*{hint}.*check_loss"):
        nn.fit(X, Y, 1, 16)
    with pytest.raises(ValueError, match=f"gradient of loss {loss.__name__} "):
        nn.train_on_batch(X[:16], Y[:16])
    assert parameters(nn).tobytes() == before
    nn.fit(X, Y, 1, 16, check_loss=False)
    nn.train_on_batch(X, Y, check_loss=False)
    assert parameters(nn).tobytes() != before


@per_dtype
@pytest.mark.parametrize("loss", [half_square, absolute, asymmetric, masked])
def test_a_right_gradient(loss: Any, dtype: str) -> None:
    """Kinks too, even where all outputs are at theirs."""
    for y in (Y, np.zeros_like(Y)):
        nn = network(loss, dtype=dtype, init="zeros" if not y.any() else "auto")
        nn.fit(X, y, 1, 16)
        assert nn._is_loss_checked


def test_a_right_gradient_in_less_digits() -> None:
    def single(outputs: Any, targets: Any) -> Any:
        return half_square(np.float32(outputs), np.float32(targets))

    for dtype in ("float32", "float64"):
        network(single, dtype=dtype).fit(X, Y, 1, 16)

    def coarse(outputs: Any, targets: Any) -> Any:
        losses, gradient = single(outputs, targets)
        return losses, 1.2 * gradient

    with pytest.raises(ValueError, match="does not belong to its losses"):
        network(coarse).fit(X, Y, 1, 16)


def test_a_loss_that_ends_at_zero() -> None:
    def of_counts(outputs: Any, targets: Any) -> Any:
        if (outputs <= 0).any():
            return np.full(len(outputs), np.nan), np.zeros_like(outputs)
        return (outputs - targets * np.log(outputs)).sum(axis=1), 1 - targets / outputs

    nn = foxnn.neural_network([4, 3], "exp", loss=of_counts, seed=1)
    nn[0].bias = [-20.0] * 3  # outputs of 2e-9
    nn.fit(X, np.abs(Y), 1, 16)
    assert nn._is_loss_checked


# Kept and found again.


def test_pickles_copies_and_text() -> None:
    nn = network(asymmetric)
    assert nn.loss is asymmetric
    assert "loss=asymmetric" in repr(nn)
    assert "loss asymmetric" in nn._repr_html_()
    for other in (pickle.loads(pickle.dumps(nn)), copy.deepcopy(nn)):
        assert other.loss is asymmetric
        assert other.evaluate(X, Y) == nn.evaluate(X, Y)
        other.fit(X, Y, 1)
    local = network(lambda o, t: half_square(o, t))
    assert copy.deepcopy(local).loss is local.loss
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(local)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    nn = network(asymmetric)
    nn.fit(X, Y, 1)
    nn.save(path)
    other = foxnn.neural_network(path)
    assert other.loss is asymmetric
    for each in (nn, other):
        each.fit(X, Y, 2)
    assert parameters(nn).tobytes() == parameters(other).tobytes()
    before = path.read_bytes()
    for loss in (lambda o, t: half_square(o, t), Failing(0, raise_it)):
        with pytest.raises(ValueError, match="loss must be a function of a module"):
            network(loss).save(path)
        with pytest.raises(ValueError, match="loss must be a function of a module"):
            network(loss).fit(X, Y, 1, checkpoint=path)
    assert path.read_bytes() == before
    assert foxnn.neural_network(path, loss="huber").loss == "huber"
    # A file imports nothing.
    text = (
        "import sys, foxnn\n"
        f"try:\n    foxnn.neural_network({str(path)!r})\n"
        "except foxnn.FileFormatError as error:\n    print(error)\n"
        "assert 'own_losses' not in sys.modules\n"
        f"print(foxnn.neural_network({str(path)!r}, loss='mse').loss)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True
    ).stdout
    assert "loss is own_losses:asymmetric: import own_losses first" in told
    assert told.endswith("mse\n")


def test_other_formats_hold_the_layers(tmp_path: Path) -> None:
    nn = network(asymmetric, dtype="float32")
    nn.save(tmp_path / "net.txt")
    nn.export_c(tmp_path / "net.h")
    np.testing.assert_allclose(
        foxnn.neural_network(tmp_path / "net.txt").predict(X), nn.predict(X), rtol=1e-6
    )
    pytest.importorskip("onnx")
    nn.save(tmp_path / "net.onnx")
    other = foxnn.neural_network(tmp_path / "net.onnx")
    assert other.loss == "mse"
    np.testing.assert_array_equal(other.predict(X), nn.predict(X))


def test_exact_resume(tmp_path: Path) -> None:
    class Stop:
        def __init__(self) -> None:
            self.steps = 0

        def on_batch_end(self, batch: int, logs: Any) -> bool:
            self.steps += 1
            return self.steps == 9

    path = tmp_path / "run.safetensors"
    whole, cut = network(asymmetric), network(asymmetric)
    options = {"learning_rate": 0.01, "validation": 0.2}
    whole.fit(X, Y, 4, 8, **options)
    cut.fit(X, Y, 4, 8, checkpoint=path, callbacks=Stop(), **options)
    resumed, history = foxnn.resume(path, X, Y)
    assert parameters(resumed).tobytes() == parameters(whole).tobytes()
    assert history["loss"] == whole.history["loss"]
    assert resumed.loss is asymmetric


# What goes with it and what does not.


def test_what_needs_a_known_loss() -> None:
    nn = network(half_square)
    with pytest.raises(ValueError, match=r"y must be left out: a trace .* loss=half_square"):
        nn.trace(X[0], Y[0])
    assert "a^2" in nn.trace(X[0])
    with pytest.raises(ValueError, match=r"class_weight needs classes.*half_square"):
        nn.fit(X, Y, 1, class_weight="balanced")
    with pytest.raises(ValueError, match="label_smoothing must be 0 for loss=half_square"):
        nn.fit(X, Y, 1, label_smoothing=0.1)
    with pytest.raises(ValueError, match=r"predict_classes needs .*=half_square"):
        nn.predict_classes(X)
    with pytest.raises(ValueError, match="scale can scale outputs only for"):
        nn.fit(X, Y, 1, scale=(None, "standard"))
    nn.fit(X, Y, 1, scale="standard")
    assert nn.output_scaler is None
    assert nn.evaluate(X, Y, metrics="mae")["mae"] > 0
    labelled = network(of_labels)
    with pytest.raises(ValueError, match="metrics must be left out for targets of shape"):
        labelled.evaluate(X, np.arange(41) % 3, metrics="mae")
    assert network("mse").train_on_batch(X, Y, check_loss=False) > 0


@pytest.mark.parametrize("loss", [3, object(), int, ("mse",), ("mse", 1.0), b"mse"])
def test_what_is_no_loss(loss: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^loss"):
        network(loss)


def test_the_function_may_ask_the_network() -> None:
    answers = []

    def loss(outputs: Any, targets: Any) -> Any:
        answers.append(nn.predict(X[:1])[0, 0])
        with pytest.raises(RuntimeError, match=r"training|uses it|trains"):
            nn.fit(X, Y, 1)
        return half_square(outputs, targets)

    nn = network(loss)
    nn.fit(X, Y, 1, 8, check_loss=False)
    assert len(set(answers)) == 6


def test_subnormal_numbers_are_numbers_in_it() -> None:
    """The engine takes them as zero while it trains, which is no affair of other code."""
    seen = []

    def loss(outputs: Any, targets: Any) -> Any:
        seen.append(float(np.float64(5e-324) * np.float64(2.0)))
        return half_square(outputs, targets)

    network(loss).fit(X, Y, 1, 8)
    assert set(seen) == {1e-323}


def test_the_module_is_found_by_its_name() -> None:
    from foxnn.model.losses import function_of_name, name_of_function

    assert name_of_function(asymmetric) == "own_losses:asymmetric"
    assert function_of_name("own_losses:asymmetric") is own_losses.asymmetric
    for text in ("own_losses:nothing", "own_losses", "no.module:f", "own_losses:np.float64"):
        with pytest.raises(ValueError, match=f"loss is {text}"):
            function_of_name(text)
