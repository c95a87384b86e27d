"""fit, evaluate and predict: what they learn, report, leave alone and promise about threads."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import foxnn
import reference
from closeness import assert_within
from forced_runs import inputs, parameters, wanted

RunPython = Callable[..., subprocess.CompletedProcess[str]]

# So small that the error of a sample stays 1: its weight counts how often it was drawn.
RATE = 1e-6


def bits(nn: foxnn.neural_network) -> bytes:
    return parameters(nn).tobytes()


def regression(**options: Any) -> foxnn.neural_network:
    return foxnn.neural_network([4, 7, 3], "tanh", **{"seed": 1, **options})


def classifier(**options: Any) -> foxnn.neural_network:
    return foxnn.neural_network([4, 7, 3], "tanh", "softmax", **{"seed": 1, **options})


def labels(count: int) -> np.ndarray:
    return wanted(count, 3, "cross_entropy").argmax(axis=1)


# Learning


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_xor(seed: int, dtype: str) -> None:
    x, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
    nn = foxnn.neural_network([2, 8, 1], "tanh", "sigmoid", dtype=dtype, seed=seed)
    history = nn.fit(x, y, epochs=500, batch_size=4, learning_rate=0.05)
    assert history["loss"][-1] < 1e-3 < history["loss"][0]
    assert np.abs(nn.predict(x) - y).max() < 0.1


def test_three_classes() -> None:
    """Three arms of a spiral, which no straight line parts."""
    rng = np.random.default_rng(5)
    y = np.arange(600) % 3
    radius = np.linspace(0.1, 1.0, 600)
    angle = 4 * radius + 2 * np.pi / 3 * y + rng.normal(0, 0.1, 600)
    x = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    nn = foxnn.neural_network([2, 32, 32, 3], "relu", "softmax", seed=1)
    unseen = np.arange(600) % 5 == 0
    history = nn.fit(x[~unseen], y[~unseen], epochs=60, batch_size=20, learning_rate=0.01)
    assert history["accuracy"][-1] > 0.95 > history["accuracy"][0]
    assert (nn.predict(x[unseen]).argmax(axis=1) == y[unseen]).mean() > 0.95


# The history


@pytest.mark.parametrize("epochs", [1, 4])
@pytest.mark.parametrize("validation", [None, 0.25, "pair"])
@pytest.mark.parametrize("classifies", [False, True])
def test_keys_and_lengths_of_the_history(classifies: bool, validation: Any, epochs: int) -> None:
    nn, x = (classifier() if classifies else regression()), inputs(20, 4)
    y = labels(20) if classifies else wanted(20, 3, "mse")
    pair = (x[:3], y[:3])
    history = nn.fit(
        x, y, epochs, learning_rate=0.25, validation=pair if validation == "pair" else validation
    )
    expected = {"loss", "learning_rate", "seconds"} | ({"accuracy"} if classifies else set())
    if validation is not None:
        expected |= {f"val_{name}" for name in expected & {"loss", "accuracy"}}
    assert set(history) == expected
    assert {len(values) for values in history.values()} == {epochs}
    assert all(type(value) is float for values in history.values() for value in values)
    assert history["learning_rate"] == [0.25] * epochs
    assert min(history["seconds"]) > 0


@pytest.mark.parametrize("batch_size", [1, 6, 20, 64])
@pytest.mark.parametrize("make", [regression, classifier])
def test_the_loss_is_the_mean_over_the_epoch(
    make: Callable[..., foxnn.neural_network], batch_size: int
) -> None:
    """Of each batch's loss at the weights that it found."""
    nn, x = make(dtype="float64"), inputs(20, 4)
    y, oracle = wanted(20, 3, nn.loss), reference.copy_of(nn)
    history = nn.fit(x, y, 3, batch_size, "sgd", 0.1, shuffle=False)
    losses = reference.train(oracle, x, y, reference.SGD(), 0.1, batch_size, 3)
    # Up to 60 steps of rounding errors of some eps.
    assert_within(history["loss"], losses, 1e-12)


@pytest.mark.parametrize("batch_size", [1, 6, 20, 64])
def test_the_accuracy_is_the_mean_over_the_epoch(batch_size: int) -> None:
    nn, stepwise, x, y = classifier(), classifier(), inputs(20, 4), labels(20)
    history = nn.fit(x, y, 1, batch_size, "sgd", 1.0, shuffle=False)
    correct, loss = 0.0, 0.0
    for first in range(0, 20, batch_size):
        batch = x[first : first + batch_size], y[first : first + batch_size]
        found = stepwise.evaluate(*batch)
        correct += found["accuracy"] * len(batch[0])
        loss += found["loss"] * len(batch[0])
        stepwise.fit(*batch, 1, 20, "sgd", 1.0, shuffle=False)
    assert history["accuracy"][0] == pytest.approx(correct / 20, rel=1e-14)
    assert history["loss"][0] == pytest.approx(loss / 20, rel=1e-14)
    assert bits(nn) == bits(stepwise)


# Validation


@pytest.mark.parametrize(("share", "held"), [(0.3, 3), (0.5, 5), (0.9, 9), (0.08, 1)])
def test_a_validation_share_is_never_trained_on(share: float, held: int) -> None:
    nn = foxnn.neural_network([10, 1], "identity", init="zeros", dtype="float64", seed=1)
    history = nn.fit(np.eye(10), np.ones((10, 1)), 4, 1, "sgd", RATE, validation=share)
    drawn = np.rint(nn[0].weights.ravel() / RATE).astype(int)
    assert sorted(drawn) == [0] * held + [4] * (10 - held)
    assert (nn[0].weights[drawn == 0] == 0).all()
    # The weights of samples held out are 0, so their output is the bias.
    expected = 0.5 * (1.0 - nn[0].bias.item()) ** 2
    assert history["val_loss"][-1] == pytest.approx(expected, rel=1e-14)


def test_the_validation_share_hangs_on_the_seed() -> None:
    held = []
    for seed in (1, 1, 2):
        nn = foxnn.neural_network([10, 1], "identity", init="zeros", seed=seed)
        nn.fit(np.eye(10), np.ones((10, 1)), 1, validation=0.5)
        held.append((nn[0].weights.ravel() == 0).tolist())
    assert held[0] == held[1] != held[2]


def test_a_validation_pair_does_not_touch_the_training() -> None:
    x, y = inputs(20, 4), labels(20)
    pair = (inputs(30, 4), labels(30))
    alone, watched = classifier(), classifier()
    first = alone.fit(x, y, 3, 6)
    second = watched.fit(x, y, 3, 6, validation=pair)
    assert bits(alone) == bits(watched)
    assert first["loss"] == second["loss"]
    found = watched.evaluate(*pair)
    assert (second["val_loss"][-1], second["val_accuracy"][-1]) == tuple(found.values())
    assert len(set(second["val_loss"])) == 3


# evaluate


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("count", [1, 20, 225])
def test_evaluate_is_the_mean_loss(count: int, dtype: str) -> None:
    x = inputs(count, 4)
    for make in (regression, classifier):
        nn = make(dtype=dtype)
        y, oracle = wanted(count, 3, nn.loss), reference.copy_of(nn)
        found = nn.evaluate(x, y)
        expected = oracle.losses(x, y).mean()
        # A few dozen operations on numbers below 10.
        tolerance = 100 * float(np.finfo(dtype).eps)
        assert found["loss"] == pytest.approx(expected, rel=tolerance)
        if nn.loss == "mse":
            assert set(found) == {"loss"}
        else:
            hits = oracle.predict(x).argmax(axis=1) == y.argmax(axis=1)
            assert set(found) == {"loss", "accuracy"}
            assert found["accuracy"] == pytest.approx(hits.mean(), rel=1e-14)


def test_evaluate_and_predict_change_nothing() -> None:
    nn, x, y = classifier(), inputs(20, 4), labels(20)
    twin = classifier()
    for _ in range(2):
        nn.evaluate(x, y)
        nn.predict(x)
        nn.fit(x, y, 1, 6)
        twin.fit(x, y, 1, 6)
    assert bits(nn) == bits(twin)


# Targets


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.int8, np.uint8, np.float32, list])
def test_labels_are_one_hot_rows(kind: Any) -> None:
    x, y = inputs(20, 4), labels(20)
    by_row, by_label = classifier(), classifier()
    given = y.tolist() if kind is list else y.astype(kind)
    validation = (x[:7], np.eye(3)[y[:7]])
    first = by_row.fit(x, np.eye(3)[y], 3, 6, validation=validation)
    second = by_label.fit(x, given, 3, 6, validation=(x[:7], given[:7]))
    assert bits(by_row) == bits(by_label)
    for key in set(first) - {"seconds"}:
        assert first[key] == second[key]
    assert by_row.evaluate(x, np.eye(3)[y]) == by_label.evaluate(x, given)


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
def test_one_output_takes_a_vector() -> None:
    found = set()
    y = inputs(20, 1)
    for form in (y, y.ravel(), y.ravel().tolist()):
        nn = foxnn.neural_network([4, 1], seed=1)
        nn.fit(inputs(20, 4), form, 2)
        found.add(bits(nn))
    assert len(found) == 1


# Going on


@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adam", foxnn.SGD(momentum=0.5)])
def test_two_and_three_epochs_are_five(optimizer: Any) -> None:
    x, y = inputs(20, 4), labels(20)
    once, twice = classifier(), classifier()
    whole = once.fit(x, y, 5, 6, optimizer, 0.02, shuffle=False)
    parts = [twice.fit(x, y, epochs, 6, optimizer, 0.02, shuffle=False) for epochs in (2, 3)]
    assert bits(once) == bits(twice)
    assert whole["loss"] == parts[0]["loss"] + parts[1]["loss"]


def restarted(nn: foxnn.neural_network) -> foxnn.neural_network:
    """Return a new network with the weights of another."""
    fresh = regression()
    for part, old in zip(fresh, nn, strict=True):
        part.weights, part.bias = old.weights, old.bias
    return fresh


@pytest.mark.parametrize("way", ["another name", "other constants", "reset"])
def test_moments_begin_anew(way: str) -> None:
    x, y, nn = inputs(20, 4), wanted(20, 3, "mse"), regression()
    nn.fit(x, y, 2, 6, "adam", 0.02, shuffle=False)
    optimizer: Any = "adam"
    if way == "reset":
        nn.reset_optimizer()
    else:
        optimizer = "nesterov" if way == "another name" else foxnn.Adam(beta_1=0.8)
    fresh = restarted(nn)
    for network in (nn, fresh):
        network.fit(x, y, 2, 6, optimizer, 0.02, shuffle=False)
    assert bits(nn) == bits(fresh)


def test_moments_live_on() -> None:
    x, y, nn = inputs(20, 4), wanted(20, 3, "mse"), regression()
    nn.fit(x, y, 2, 6, "adam", 0.02, shuffle=False)
    fresh = restarted(nn)
    for network in (nn, fresh):
        network.fit(x, y, 2, 6, "adam", 0.02, shuffle=False)
    assert bits(nn) != bits(fresh)


# Order and batches


def test_without_shuffling_the_order_counts() -> None:
    x, y = inputs(20, 4), wanted(20, 3, "mse")
    forward, backward, again = regression(), regression(), regression(seed=1)
    forward.fit(x, y, 2, 3, shuffle=False)
    backward.fit(x[::-1], y[::-1], 2, 3, shuffle=False)
    again.fit(x, y, 2, 3, shuffle=False)
    assert bits(forward) == bits(again) != bits(backward)
    shuffled = regression()
    shuffled.fit(x, y, 2, 3)
    assert bits(shuffled) != bits(forward)


def test_the_last_batch_is_smaller_and_its_gradient_a_mean() -> None:
    nn = foxnn.neural_network([1, 1], "identity", init="zeros", dtype="float64")
    history = nn.fit([[0], [0], [0]], [[1], [3], [5]], 1, 2, "sgd", 0.5, shuffle=False)
    # The bias: 0 + (1 + 3) / 4 = 1, and then 1 + (5 - 1) / 2 = 3.
    assert nn[0].bias.tolist() == [3.0]
    assert history["loss"] == [(0.5 + 4.5 + 8.0) / 3]


def test_a_batch_larger_than_the_data_takes_all() -> None:
    found = set()
    for batch_size in (20, 21, 10_000, 2**40):
        nn = regression()
        nn.fit(inputs(20, 4), wanted(20, 3, "mse"), 3, batch_size)
        found.add(bits(nn))
    assert len(found) == 1


@pytest.mark.parametrize("batch_size", [1, 3, 20])
def test_every_epoch_takes_every_sample_once(batch_size: int) -> None:
    nn = foxnn.neural_network([20, 1], "identity", init="zeros", dtype="float64", seed=1)
    x, y = np.eye(20), np.ones((20, 1))
    # With a mean over a batch a sample counts as one of so many; the last of 3 is one of two.
    nn.fit(x, y, 1, batch_size, "sgd", RATE)
    drawn = nn[0].weights.ravel() / RATE
    last = 20 % batch_size
    expected = [1 / batch_size] * (20 - last) + [1 / max(last, 1)] * last
    assert sorted(drawn) == pytest.approx(sorted(expected), rel=1e-4)


def test_the_seed_decides() -> None:
    def fitted(seed: int, init: str) -> bytes:
        nn = regression(seed=seed, init=init)
        nn.fit(inputs(20, 4), wanted(20, 3, "mse"), 3, 6, validation=0.2)
        return bits(nn)

    assert fitted(1, "auto") == fitted(1, "auto") != fitted(2, "auto")
    # From the same weights on: then the shuffling and the share differ.
    assert fitted(1, "zeros") == fitted(1, "zeros") != fitted(2, "zeros")


# The data


@pytest.mark.filterwarnings("ignore:the inputs are large")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_number_types_give_the_same_result(dtype: str) -> None:
    x, y = np.abs(inputs(20, 4) * 64).astype(int), labels(20)
    assert x.max() > 100
    found = set()
    for kind in (np.uint8, np.float32, np.float64, np.int64, np.int16, list):
        given = x.tolist() if kind is list else x.astype(kind)
        nn = classifier(dtype=dtype)
        history = nn.fit(given, y, 2, 6)
        found.add((bits(nn), tuple(history["loss"]), nn.predict(given).tobytes()))
    assert len(found) == 1


@pytest.mark.filterwarnings("ignore:the inputs are large")
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64, np.int64])
def test_the_callers_arrays_stay_as_they_were(kind: type) -> None:
    x, y = np.abs(inputs(20, 4) * 64).astype(kind), wanted(20, 3, "cross_entropy").astype(kind)
    before = x.tobytes(), y.tobytes()
    for array in (x, y):
        array.flags.writeable = False
    nn = regression()
    nn.fit(x, y, 2, 6, validation=0.2)
    nn.evaluate(x, y)
    nn.predict(x)
    assert (x.tobytes(), y.tobytes()) == before


def test_strided_arrays() -> None:
    x, y = inputs(20, 4), wanted(20, 3, "mse")
    wide = np.zeros((40, 9))
    wide[::2, :4], wide[::2, 5:8] = x, y
    forms = [
        (np.ascontiguousarray(x), np.ascontiguousarray(y)),
        (np.asfortranarray(x), np.asfortranarray(y)),
        (wide[::2, :4], wide[::2, 5:8]),
        (x[::-1].copy()[::-1], y[::-1].copy()[::-1]),
    ]
    found = set()
    for form in forms:
        nn = regression()
        nn.fit(*form, 2, 6)
        found.add((bits(nn), nn.predict(form[0]).tobytes()))
    assert len(found) == 1


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
def test_large_arrays_are_not_copied(kind: type) -> None:
    x = np.zeros((40_000, 64), kind)
    y = np.zeros((40_000, 16), kind)
    nn = foxnn.neural_network([64, 16], seed=1)
    nn.fit(x[:10], y[:10], 1)
    tracemalloc.start()
    try:
        nn.fit(x, y, 1, 1000, progress=False)
        nn.evaluate(x, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < y.nbytes // 4


# Progress


def test_progress_writes_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    nn = regression()
    history = nn.fit(inputs(20, 4), wanted(20, 3, "mse"), 3, progress=True)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "3/3" in printed.err
    assert f"loss={history['loss'][-1]:.4f}" in printed.err


@pytest.mark.parametrize("progress", [False, None])
def test_no_progress_writes_nothing(
    progress: bool | None, capfd: pytest.CaptureFixture[str]
) -> None:
    regression().fit(inputs(20, 4), wanted(20, 3, "mse"), 3, progress=progress)
    assert tuple(capfd.readouterr()) == ("", "")


def test_progress_does_not_change_the_training(capsys: pytest.CaptureFixture[str]) -> None:
    found = set()
    for progress in (False, True):
        nn = regression()
        nn.fit(inputs(20, 4), wanted(20, 3, "mse"), 3, 6, progress=progress)
        found.add(bits(nn))
    assert len(found) == 1
    assert capsys.readouterr().err


@pytest.mark.parametrize(("progress", "shown"), [("None", True), ("False", False)])
def test_a_terminal_shows_a_bar(progress: str, shown: bool) -> None:
    fcntl = pytest.importorskip("fcntl")
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    program = (
        "import foxnn\n"
        f"foxnn.neural_network([1, 1]).fit([[0.0]], [[1.0]], 3, progress={progress})\n"
    )
    ours, theirs = pty.openpty()
    # 24 rows of 100 columns; a new one has none, and a bar of no width.
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], stderr=theirs, stdout=subprocess.PIPE, timeout=100
        )
        # Something of our own, so that there is always something to read.
        os.write(theirs, b"end")
        seen = b""
        while not seen.endswith(b"end"):
            seen += os.read(ours, 65536)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (done.returncode, done.stdout) == (0, b""), seen
    assert (b"3/3" in seen) == shown
    assert (seen == b"end") != shown


# Threads of Python


@pytest.mark.parametrize("call", ["fit", "train", "predict", "evaluate"])
def test_another_thread_runs_meanwhile(call: str) -> None:
    """Each call is one stay in the engine, a tenth of a second or more."""
    nn = foxnn.neural_network([256, 512, 512, 8], seed=1)
    nn.settings.n_threads = 1
    x, y = np.zeros((10_000, 256), np.float32), np.zeros((10_000, 8), np.float32)
    many = np.zeros((30_000, 256), np.float32), np.zeros((30_000, 8), np.float32)
    calls: dict[str, Callable[[], Any]] = {
        "fit": lambda: nn.fit(x, y, 1, 100),
        "train": lambda: nn.train(foxnn.train_data(x, y), 1e-6, 100, 100),
        "predict": lambda: nn.predict(many[0]),
        "evaluate": lambda: nn.evaluate(*many),
    }
    ticks: list[float] = []
    over = threading.Event()

    def tick() -> None:
        while not over.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    other = threading.Thread(target=tick)
    other.start()
    start = time.perf_counter()
    calls[call]()
    end = time.perf_counter()
    over.set()
    other.join()
    # Two may fall between the clock and the engine.
    assert sum(start < moment < end for moment in ticks) >= 5


def in_threads(*jobs: Callable[[], None]) -> list[BaseException]:
    """Run jobs in a thread each, begun together; return what they raised."""
    raised: list[BaseException] = []
    together = threading.Barrier(len(jobs))

    def run(job: Callable[[], None]) -> None:
        together.wait()
        try:
            job()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_two_networks_train_at_once() -> None:
    x, y = inputs(200, 32), wanted(200, 8, "cross_entropy")

    def make(seed: int) -> foxnn.neural_network:
        return foxnn.neural_network([32, 97, 8], "gelu", "softmax", seed=seed)

    def train(nn: foxnn.neural_network) -> None:
        nn.fit(x, y, 30, 31, validation=0.2)

    alone, together = [make(1), make(2)], [make(1), make(2)]
    for nn in alone:
        train(nn)
    assert in_threads(*(lambda nn=nn: train(nn) for nn in together)) == []
    assert [bits(nn) for nn in alone] == [bits(nn) for nn in together]


def test_one_network_answers_in_two_threads() -> None:
    nn, x = regression(), inputs(225, 4)
    expected, found = nn.predict(x).tobytes(), []

    def predict() -> None:
        found.extend(nn.predict(x).tobytes() for _ in range(200))

    assert in_threads(predict, predict) == []
    assert set(found) == {expected}


def test_one_network_trains_in_two_threads() -> None:
    """The later one is refused, or waits for its turn between two epochs."""
    nn, x, y = regression(), inputs(97, 4), wanted(97, 3, "mse")
    raised = in_threads(*[lambda: nn.fit(x, y, 100, 6)] * 2, lambda: nn.predict(x))
    assert len(raised) < 2
    assert all(isinstance(error, RuntimeError) for error in raised)
    assert np.isfinite(parameters(nn)).all()
    nn.fit(x, y, 1)


CHANGE_WHILE_TRAINING = """
import threading
import time
import numpy as np
import foxnn

rng = np.random.default_rng(1)
nn = foxnn.neural_network([64, 64, 8], "relu", seed=1)
x, y = rng.random((64, 64)), rng.random((64, 8))
many = rng.random((50_000, 64)), rng.random((50_000, 8))
over = threading.Event()

def change():
    while nn._steps() == 0:
        time.sleep(0.001)
    while not over.wait(0.0001):
        try:
            {change}
            return
        except RuntimeError:
            pass

other = threading.Thread(target=change)
other.start()
try:
    nn.fit(x, y, 20, validation=many)
except RuntimeError as error:
    print(error)
over.set()
other.join()
print(np.isfinite(nn.predict(x)).all())
"""


@pytest.mark.parametrize(
    "change",
    [
        'nn.next_layer(foxnn.layer(8, 8, "gelu"))',
        'nn[0].set_activation_function("gelu")',
        'nn[-1].set_activation_function("softmax")',
        "nn.reset_optimizer()",
    ],
)
def test_a_change_from_another_thread_does_not_crash(change: str, run_python: RunPython) -> None:
    """It may be refused, or the training may; between two epochs it may also succeed."""
    done = run_python(CHANGE_WHILE_TRAINING.format(change=change))
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr}"
    assert done.stdout.splitlines()[-1] == "True"


# Samples of a shape


def of_shapes(last: object, output: str = "identity", **options: Any) -> foxnn.neural_network:
    layers = [(5, 3), foxnn.Dense(4), last]
    return foxnn.neural_network(layers, "tanh", output, **{"seed": 1, **options})


def arrays(nn: foxnn.neural_network) -> list[bytes]:
    return [array.tobytes() for part in nn for array in part.arrays.values()]


@pytest.mark.parametrize("last", [2, foxnn.Dense(4)], ids=["flat", "shaped"])
@pytest.mark.parametrize("own", [False, True], ids=["share", "own"])
def test_shaped_samples_are_those_that_lie_flat(last: object, own: bool) -> None:
    nn, twin = of_shapes(last), of_shapes(last)
    x, counts = inputs(20, 15).reshape(20, 5, 3), np.arange(20.0)
    y = inputs(20, nn._outputs()).reshape(20, *nn._output_shape())
    flat = x.reshape(20, -1), y.reshape(20, -1)
    fit = {"epochs": 3, "batch_size": 6, "sample_weight": counts, "scale": "standard"}
    first = nn.fit(x, y, validation=(x, y, counts[::-1]) if own else 0.2, **fit)
    second = twin.fit(*flat, validation=(*flat, counts[::-1]) if own else 0.2, **fit)
    assert first["val_loss"] == second["val_loss"]
    assert arrays(nn) == arrays(twin)
    for scaler, size in ((nn.input_scaler, 15), (nn.output_scaler, nn._outputs())):
        assert scaler is not None
        assert np.shape(scaler.shift) == (size,)
    assert nn.train_on_batch(x, y) == twin.train_on_batch(*flat)
    assert arrays(nn) == arrays(twin)


def test_shaped_samples_of_classes() -> None:
    nn, twin = of_shapes(3, "softmax"), of_shapes(3, "softmax")
    x, y = inputs(20, 15).reshape(20, 5, 3), labels(20)
    fit = {"epochs": 2, "class_weight": {0: 2.0}}
    first = nn.fit(x, y, validation=(x, y), **fit)
    second = twin.fit(x.reshape(20, -1), np.eye(3)[y], validation=(x, np.eye(3)[y]), **fit)
    assert first["val_accuracy"] == second["val_accuracy"]
    assert arrays(nn) == arrays(twin)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (
            (4, 5),
            (5, 4),
            r"x .*shape \(samples, 5, 3\) or \(samples, 15\), got \(20, 4, 5\)",
        ),
        (
            (5, 3),
            (4, 5),
            r"y .*shape \(samples, 5, 4\) or \(samples, 20\), got \(20, 4, 5\)",
        ),
        ((5, 3), (1, 4), r"y.* must have shape \(samples, 5, 4\) or .* got \(20, 1, 4\)"),
        ((3, 5), (5, 4), r"x.* must have shape .* got \(20, 3, 5\)"),
    ],
)
def test_samples_of_another_shape(x: Any, y: Any, message: str) -> None:
    nn = of_shapes(foxnn.Dense(4))
    before = arrays(nn)
    good = np.ones((20, 5, 3)), np.ones((20, 5, 4))
    bad = np.ones((20, *x)), np.ones((20, *y))
    for call in (
        lambda: nn.fit(*bad),
        lambda: nn.fit(*good, validation=bad),
        lambda: nn.train_on_batch(*bad),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    assert arrays(nn) == before


def test_only_a_flat_dense_first_layer_is_looked_at_for_flat_outputs() -> None:
    x, y = np.full((8, 5, 3), 50.0), np.zeros((8, 2))
    for first in (foxnn.Dense(4), foxnn.Dropout(0.1), foxnn.Flatten()):
        foxnn.neural_network([(5, 3), first, 2], seed=1).fit(x, y, 1)
    for first in (4, foxnn.Dense(4, bias=False)):
        shape = 15 if isinstance(first, foxnn.Dense) else (5, 3)
        nn = foxnn.neural_network([shape, first, 2], seed=1)
        with pytest.warns(UserWarning, match="first layer's sigmoid outputs are flat, where"):
            nn.fit(x.reshape(8, -1), y, 1)
