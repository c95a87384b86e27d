"""Checkpoints: a run that is killed and resumed ends with the bits of one that was not."""

from __future__ import annotations

import _thread
import datetime
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import every_kind
import foxnn
import small_runs
from forced_runs import inputs, parameters, wanted
from foxnn.training import checkpoint

X, LABELS = inputs(60, 7), wanted(60, 3, "cross_entropy").argmax(axis=1)
COUNTS = np.arange(60) % 4 + 0.5


class Stop:
    """Stops a training after so many epochs, as a crash would, but tidily."""

    def __init__(self, after: int) -> None:
        self.after = after

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> bool:
        return epoch + 1 == self.after


def network(dtype: str = "float32", **options: Any) -> foxnn.neural_network:
    return foxnn.neural_network([7, 33, 9, 3], "gelu", "softmax", dtype=dtype, seed=5, **options)


class Within:
    """Ends a run within an epoch: after so many batches it stops it, or raises."""

    def __init__(self, after: int, error: type[BaseException] | None = None) -> None:
        self.after = after
        self.error = error

    def on_batch_end(self, batch: int, logs: dict[str, float]) -> bool:
        self.after -= 1
        if self.after == 0 and self.error is not None:
            raise self.error
        return self.after == 0


def results(nn: foxnn.neural_network, history: foxnn.History) -> list[Any]:
    told = {name: values for name, values in history.items() if name != "seconds"}
    nn.fit(X, LABELS, 1, 7, dropout=0.1)  # what is drawn and remembered goes on alike, too
    return [parameters(nn).tobytes(), told]


RUNS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd"},
    "momentum": {"optimizer": foxnn.SGD(momentum=0.9)},
    "nesterov": {"optimizer": "nesterov"},
    "adam": {"optimizer": "adam"},
    "adam-constants": {"optimizer": foxnn.Adam(beta_1=0.8, beta_2=0.95)},
    "adamw": {"optimizer": foxnn.AdamW(weight_decay=0.1)},
    "rmsprop": {"optimizer": foxnn.RMSprop(rho=0.9, momentum=0.5)},
    "dropout": {"dropout": 0.3},
    "dropouts": {"dropout": [0.3, 0.0]},
    "validation": {"validation": 0.25},
    "early-stopping": {"validation": 0.25, "early_stopping": 2, "learning_rate": 0.05},
    "cosine": {"schedule": foxnn.schedules.cosine(8)},
    "warmup": {"schedule": foxnn.schedules.warmup(2, foxnn.schedules.step(2, 0.5))},
    "penalties": {"l1": 0.001, "l2": 0.01, "clip_norm": 0.5},
    "clip-value": {"clip_value": 0.01},
    "class-weights": {"class_weight": {1: 3.0}},
    "balanced": {"class_weight": "balanced"},
    "in-order": {"shuffle": False},
    "scaled": {"scale": "standard"},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RUNS)
def test_a_run_goes_on_as_if_it_had_not_stopped(name: str, dtype: str, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    options = {"epochs": 8, "batch_size": 7, "learning_rate": 0.01, **RUNS[name]}
    whole = network(dtype)
    expected = results(whole, whole.fit(X, LABELS, **options))
    for after in (1, 5):
        cut = network(dtype)
        cut.fit(X, LABELS, **options, checkpoint=path, callbacks=Stop(after))
        assert results(*foxnn.resume(path, X, LABELS)) == expected
        # The checkpoint of the end goes on to the same end.
        assert results(*foxnn.resume(path, X, LABELS)) == expected


@pytest.mark.parametrize("name", ["adam", "early-stopping", "validation", "warmup", "dropout"])
def test_a_run_goes_on_for_more_epochs_than_it_was_told(name: str, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    options = {"batch_size": 7, "learning_rate": 0.01, **RUNS[name]}
    whole = network()
    expected = results(whole, whole.fit(X, LABELS, 8, **options))
    for first, stop in ((3, 9), (5, 2)):  # one that has reached its end, and one that has not
        network().fit(X, LABELS, first, **options, checkpoint=path, callbacks=Stop(stop))
        assert results(*foxnn.resume(path, X, LABELS, epochs=8)) == expected
    network().fit(X, LABELS, 2, **options, checkpoint=path)
    for epochs in (4, 6):
        foxnn.resume(path, X, LABELS, epochs=epochs)  # the checkpoint keeps what it is told now
    if name != "early-stopping":
        assert len(foxnn.resume(path, X, LABELS)[1]["loss"]) == 6
    assert results(*foxnn.resume(path, X, LABELS, epochs=8)) == expected


def test_numbers_of_epochs_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    network().fit(X, LABELS, 5, 7, checkpoint=path, callbacks=Stop(3))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="epochs must be an integer at least 3, got 2"):
        foxnn.resume(path, X, LABELS, epochs=2)
    with pytest.raises(TypeError, match="epochs must be an integer at least 3, got 'more'"):
        foxnn.resume(path, X, LABELS, epochs="more")  # type: ignore[arg-type]
    assert path.read_bytes() == before
    assert len(foxnn.resume(path, X, LABELS, epochs=3)[1]["loss"]) == 3
    network().fit(X, LABELS, 5, 7, checkpoint=path, callbacks=Within(12))
    start = checkpoint.read(str(path))[2]
    assert start.running is not None
    begun = start.epochs + 1
    with pytest.raises(ValueError, match=f"epochs must be an integer at least {begun}"):
        foxnn.resume(path, X, LABELS, epochs=begun - 1)


def test_what_must_be_given_again(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"

    def schedule(epoch: int) -> float:
        return 0.02 / (1 + epoch)

    options: dict[str, Any] = {
        "sample_weight": COUNTS, "validation": (X[:20], LABELS[:20]), "schedule": schedule,
    }  # fmt: skip
    whole, cut = network(), network()
    expected = results(whole, whole.fit(X, LABELS, 6, 7, early_stopping=3, **options))
    cut.fit(X, LABELS, 6, 7, early_stopping=3, checkpoint=path, callbacks=Stop(2), **options)
    for name in options:
        others = {key: value for key, value in options.items() if key != name}
        with pytest.raises(ValueError, match=f"{name} must be given again"):
            foxnn.resume(path, X, LABELS, **others)
    assert results(*foxnn.resume(path, X, LABELS, **options)) == expected


def test_what_must_not_be_given_again(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    network().fit(X, LABELS, 3, checkpoint=path, callbacks=Stop(1), validation=0.2)
    with pytest.raises(ValueError, match="validation must be left out"):
        foxnn.resume(path, X, LABELS, validation=0.2)
    with pytest.raises(ValueError, match="sample_weight must be left out"):
        foxnn.resume(path, X, LABELS, sample_weight=COUNTS)
    with pytest.raises(ValueError, match="schedule must be left out"):
        foxnn.resume(path, X, LABELS, schedule=lambda epoch: 0.1)


def test_other_samples_are_refused_as_fit_does(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    network().fit(X, LABELS, 3, checkpoint=path, callbacks=Stop(1))
    with pytest.raises(ValueError, match="x must have shape"):
        foxnn.resume(path, X[:, :3], LABELS)


@pytest.mark.parametrize("every", [1, 3, 100])
def test_how_often(every: int, tmp_path: Path) -> None:
    path, seen = tmp_path / "run.safetensors", []

    class Look:
        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            if path.exists():
                seen.append(len(checkpoint.read(str(path))[2].history["loss"]))

    network().fit(X, LABELS, 8, 7, checkpoint=path, checkpoint_every=every, callbacks=Look())
    assert all(count % every == 0 for count in seen)
    assert len(checkpoint.read(str(path))[2].history["loss"]) == 8


def test_a_checkpoint_is_a_network_file(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    nn = network()
    nn.fit(X, LABELS, 3, checkpoint=path, validation=0.2)
    assert foxnn.neural_network(path).predict(X).tobytes() == nn.predict(X).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RUNS)
def test_a_run_goes_on_within_an_epoch(name: str, dtype: str, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    options = {"epochs": 4, "batch_size": 7, "learning_rate": 0.01, **RUNS[name]}
    whole = network(dtype)
    expected = results(whole, whole.fit(X, LABELS, **options))
    for after in (1, 10):
        network(dtype).fit(X, LABELS, **options, checkpoint=path, callbacks=Within(after))
        start = checkpoint.read(str(path))[2]
        assert start.running is not None
        assert start.epochs * (7 if "validation" in options else 9) + start.running.steps == after
        assert results(*foxnn.resume(path, X, LABELS)) == expected


KINDS_RUNS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd"},
    "adam": {"optimizer": "adam", "scale": "standard"},
    "rmsprop": {"optimizer": foxnn.RMSprop(rho=0.9, momentum=0.5), "l2": 0.01, "clip_norm": 0.5},
    "early-stopping": {"validation": 0.25, "early_stopping": 3, "learning_rate": 0.1},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", KINDS_RUNS)
def test_layers_of_every_kind_go_on(name: str, dtype: str, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    x, y = every_kind.X, every_kind.Y
    options = {"epochs": 6, "batch_size": 7, "learning_rate": 0.01, **KINDS_RUNS[name]}

    def results(nn: foxnn.neural_network, history: foxnn.History) -> list[Any]:
        told = {name: values for name, values in history.items() if name != "seconds"}
        return [told, every_kind.trained_flags(nn), *every_kind.train_on(nn, options["optimizer"])]

    options.setdefault("optimizer", "adam")
    whole = every_kind.of_every_kind(dtype)
    frozen = whole[9].weights.tobytes()
    expected = results(whole, whole.fit(x, y, **options))
    assert whole[9].weights.tobytes() == frozen
    for callback in (Stop(1), Stop(3), Within(2), Within(12)):
        cut = every_kind.of_every_kind(dtype)
        cut.fit(x, y, **options, checkpoint=path, callbacks=callback)
        assert results(*foxnn.resume(path, x, y)) == expected


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
@pytest.mark.parametrize("after", [1, 9, 12, 20])
def test_what_ends_a_run_leaves_a_checkpoint(
    error: type[BaseException], after: int, tmp_path: Path
) -> None:
    path = tmp_path / "run.safetensors"
    whole = network()
    expected = results(whole, whole.fit(X, LABELS, 4, 7, dropout=0.2))
    with pytest.raises(error):
        network().fit(
            X, LABELS, 4, 7, dropout=0.2, checkpoint=path, checkpoint_every=3,
            callbacks=Within(after, error),
        )  # fmt: skip
    start = checkpoint.read(str(path))[2]
    assert start.running is not None
    assert 9 * start.epochs + start.running.steps == after
    assert results(*foxnn.resume(path, X, LABELS)) == expected


def test_stopped_in_the_validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All steps of the epoch are done then, but it has no record."""
    path = tmp_path / "run.safetensors"
    options: dict[str, Any] = {"batch_size": 7, "validation": 0.2, "early_stopping": 3}
    whole, cut = network(), network()
    expected = results(whole, whole.fit(X, LABELS, 5, **options))
    calls = []

    def evaluation(*args: Any) -> Any:
        calls.append(0)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return foxnn.neural_network._evaluation(cut, *args)

    monkeypatch.setattr(cut, "_evaluation", evaluation)
    with pytest.raises(KeyboardInterrupt):
        cut.fit(X, LABELS, 5, checkpoint=path, **options)
    assert checkpoint.read(str(path))[2].epochs == 2
    assert results(*foxnn.resume(path, X, LABELS)) == expected


@pytest.mark.parametrize("every", [1, 7, datetime.timedelta(hours=1)])
def test_an_exception_between_epochs_leaves_the_checkpoint_of_the_epoch(
    every: Any, tmp_path: Path
) -> None:
    path = tmp_path / "run.safetensors"

    class Fail:
        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            if epoch == 2:
                raise KeyError(epoch)

    whole = network()
    more = {"validation": 0.2, "early_stopping": 4}
    expected = results(whole, whole.fit(X, LABELS, 9, 7, **more))
    with pytest.raises(KeyError):
        network().fit(
            X, LABELS, 9, 7, checkpoint=path, checkpoint_every=every, callbacks=Fail(), **more
        )
    assert checkpoint.read(str(path))[2].epochs == 3
    assert results(*foxnn.resume(path, X, LABELS)) == expected


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_what_ends_a_run_is_heard_of_where_the_checkpoint_fails(
    error: type[BaseException], tmp_path: Path
) -> None:
    """Ctrl-C does not wait for the checkpoint, whose failure then is Python's to tell."""
    folder = tmp_path / "gone"
    folder.mkdir()

    class Remove:
        def on_batch_end(self, batch: int, logs: dict[str, float]) -> None:
            folder.rmdir()
            raise error

    with pytest.raises(error) as caught:
        network().fit(X, LABELS, 5, checkpoint=folder / "run.safetensors", callbacks=Remove())
    checkpoint.wait_for_all()
    assert error is KeyboardInterrupt or isinstance(caught.value.__cause__, OSError)
    assert not list(tmp_path.iterdir())


def test_a_divergence_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    nn = foxnn.neural_network([7, 9, 3], "identity", seed=1)
    with pytest.raises(foxnn.DivergedError):
        nn.fit(
            X, inputs(60, 3), 50, 7, "sgd", schedule=lambda epoch: 1e-3 if epoch < 2 else 1e6,
            checkpoint=path,
        )  # fmt: skip
    start = checkpoint.read(str(path))[2]
    assert (start.epochs, start.running) == (2, None)


@pytest.mark.parametrize("hears", [False, True])
def test_checkpoints_by_time(hears: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within epochs, too; what was summed before and after one has the same bits."""
    path, within = tmp_path / "run.safetensors", []
    count = 300 if hears else 20_000
    x, labels = inputs(count, 7), wanted(count, 3, "cross_entropy").argmax(axis=1)
    options: dict[str, Any] = {"epochs": 2, "batch_size": 8, "dropout": 0.1}

    def made() -> foxnn.neural_network:
        return foxnn.neural_network([7, 200, 100, 3], "relu", "softmax", seed=5)

    def told(nn: foxnn.neural_network, history: foxnn.History) -> list[Any]:
        return [parameters(nn).tobytes(), history["loss"], history["accuracy"]]

    write = checkpoint.Checkpoints.write

    def counting(self: Any, *args: Any) -> None:
        within.append(len(args) > 3)
        write(self, *args)

    monkeypatch.setattr(checkpoint.Checkpoints, "write", counting)
    whole, kept = made(), made()
    expected = told(whole, whole.fit(x, labels, **options))
    options |= {"checkpoint": path, "checkpoint_every": datetime.timedelta(microseconds=1)}
    history = kept.fit(x, labels, callbacks=[Within(10**9)] if hears else [], **options)
    assert True in within
    assert told(kept, history) == expected
    assert checkpoint.read(str(path))[1]["checkpoint_every"] == 1e-6
    options["checkpoint_every"] = datetime.timedelta(days=1)
    made().fit(x, labels, callbacks=Within(count // 8 + 5), **options)
    assert told(*foxnn.resume(path, x, labels)) == expected


def test_other_numbers_of_samples_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    network().fit(X, LABELS, 3, checkpoint=path, callbacks=Within(1))
    with pytest.raises(ValueError, match="x must have the 60 samples that fit was given, got 59"):
        foxnn.resume(path, X[:-1], LABELS[:-1])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"checkpoint": "run.txt"}, ValueError, "checkpoint must be the name of a .safetensors"),
        ({"checkpoint": 3}, TypeError, "checkpoint must be"),
        ({"checkpoint": "no/such/folder/run.safetensors"}, OSError, "folder"),
        ({"checkpoint": "run.safetensors", "checkpoint_every": 0}, ValueError, "checkpoint_every"),
        ({"checkpoint": "run.safetensors", "checkpoint_every": 1.5}, TypeError, "timedelta"),
        (
            {"checkpoint": "run.safetensors", "checkpoint_every": datetime.timedelta()},
            ValueError,
            "checkpoint_every must be longer than zero",
        ),
    ],
)
def test_checkpoints_that_cannot_be(
    options: dict[str, Any], error: type[Exception], message: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    nn = network()
    before, draw = parameters(nn).tobytes(), nn._draw()
    with pytest.raises(error, match=message):
        nn.fit(X, LABELS, 2, **options)
    assert (parameters(nn).tobytes(), nn._draw()) == (before, draw)
    assert not list(tmp_path.iterdir())


def test_what_goes_wrong_while_writing_comes_through(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()

    class Remove:
        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            if folder.exists():
                for path in folder.iterdir():
                    path.unlink()
                folder.rmdir()

    nn = network()
    with pytest.raises(OSError, match=r"run.safetensors"):
        nn.fit(X, LABELS, 5, checkpoint=folder / "run.safetensors", callbacks=Remove())
    nn.fit(X, LABELS, 1)


def test_a_network_is_no_checkpoint(tmp_path: Path) -> None:
    network().save(tmp_path / "net.safetensors")
    with pytest.raises(foxnn.FileFormatError, match="expected a checkpoint of fit"):
        foxnn.resume(tmp_path / "net.safetensors", X, LABELS)
    with pytest.raises(FileNotFoundError):
        foxnn.resume(tmp_path / "nothing.safetensors", X, LABELS)


# How often each run is killed: a few times here, many times in the session `kills` of nox.
KILLS = int(os.environ.get("FOXNN_KILLS", "2"))

# Every other optimizer keeps its checkpoints by time, so that they stand within epochs.
PROGRAM = """
import datetime, os, sys
import numpy as np
import foxnn

path, dtype, optimizer = sys.argv[1:4]
rng = np.random.default_rng(1)
x, y = rng.normal(size=(400, 20)), rng.integers(0, 4, 400)
print("ready", flush=True)
if os.path.exists(path):
    nn, _ = foxnn.resume(path, x, y)
else:
    nn = foxnn.neural_network([20, 48, 24, 4], "relu", "softmax", dtype=dtype, seed=3)
    by_time = datetime.timedelta(milliseconds=3)
    nn.fit(x, y, 200, 16, optimizer, 0.003, validation=0.2, dropout=0.2, checkpoint=path,
           checkpoint_every=by_time if "a" in optimizer else 1,
           schedule=foxnn.schedules.exponential(0.98))
"""


def end_of(dtype: str, optimizer: str, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """Return the parameters of the run in PROGRAM, begun and never stopped."""
    names: dict[str, Any] = {}
    monkeypatch.setattr(sys, "argv", ["", "", dtype, optimizer])
    exec(PROGRAM.replace("checkpoint=path,", ""), names)
    return parameters(names["nn"]).tobytes()


RULES = ("sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop")
KILLED = [(rule, dtype) for rule in RULES for dtype in ("float32", "float64")]
if "FOXNN_KILLS" not in os.environ:  # one type for each
    KILLED = KILLED[::4] + KILLED[3::4]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this platform has no SIGKILL")
@pytest.mark.parametrize(("optimizer", "dtype"), KILLED)
def test_killed_at_random_moments(
    dtype: str, optimizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each process is killed after a while; the next goes on from what it finds."""
    path, rng = tmp_path / "run.safetensors", np.random.default_rng(os.getpid())
    for turn in range(KILLS):
        running = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(path), dtype, optimizer], stdout=subprocess.PIPE
        )
        assert running.stdout is not None
        running.stdout.readline()
        # Only the first may be killed before there is any checkpoint, however slow the machine is.
        while turn and not path.exists() and running.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, 0.3))
        running.send_signal(signal.SIGKILL)
        # A quick machine may have been done; what the next one does then is nothing.
        assert running.wait() in (-signal.SIGKILL, 0)
        running.stdout.close()
    samples = np.random.default_rng(1)
    x, y = samples.normal(size=(400, 20)), samples.integers(0, 4, 400)
    nn, history = foxnn.resume(path, x, y)
    assert len(history["loss"]) == 200
    assert parameters(nn).tobytes() == end_of(dtype, optimizer, monkeypatch)


def test_the_writer_is_gone_after_the_run(tmp_path: Path) -> None:
    before = _thread._count()
    network().fit(X, LABELS, 3, checkpoint=tmp_path / "run.safetensors")
    for _ in range(100):  # its last steps are Python's, after ours
        if _thread._count() == before:
            break
        time.sleep(0.05)
    assert _thread._count() == before


@pytest.mark.parametrize("error", [RuntimeError, MemoryError])
def test_where_no_thread_can_be_had(
    error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> None:
        raise error

    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    network().fit(X, LABELS, 3, checkpoint=tmp_path / "run.safetensors")
    assert checkpoint.read(str(tmp_path / "run.safetensors"))[2].epochs == 3


def test_a_thread_that_never_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with too little memory for its first call: Python tells nobody."""
    monkeypatch.setattr(_thread, "start_new_thread", lambda *args: 0)
    with pytest.raises(MemoryError, match="writes the checkpoint"):
        network().fit(X, LABELS, 3, checkpoint=tmp_path / "run.safetensors")


@pytest.mark.usefixtures("own_folder")
@pytest.mark.filterwarnings("ignore::foxnn.ConvergenceWarning")
def test_notes_may_change_while_a_checkpoint_is_written() -> None:
    nn = small_runs.single()
    nn.notes = {f"k{i}": list(range(50)) for i in range(300)}

    def note(epoch: int, logs: dict[str, float]) -> None:
        nn.notes[f"e{epoch}"] = epoch

    nn.fit(small_runs.ROWS, small_runs.COLUMN, 40, callbacks=note, checkpoint="run.safetensors")
    assert foxnn.neural_network("run.safetensors").notes == nn.notes


@pytest.mark.usefixtures("own_folder")
def test_what_no_checkpoint_could_hold_is_said_before_the_training() -> None:
    nn = small_runs.single()
    nn.notes["bad"] = np.float32(1)
    before = parameters(nn).tobytes()
    with pytest.raises(TypeError, match="notes"):
        nn.fit(small_runs.ROWS, small_runs.COLUMN, 3, checkpoint="run.safetensors")
    assert parameters(nn).tobytes() == before
    for every in (0, "x"):
        with pytest.raises((ValueError, TypeError), match="checkpoint_every must be a"):
            nn.fit(small_runs.ROWS, small_runs.COLUMN, 2, checkpoint_every=every)  # type: ignore[arg-type]
