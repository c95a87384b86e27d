"""One network in several threads of Python: readers are right, writers wait their turn or are told.

What belongs to a training is changed by its own thread alone, and there between two steps.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from forced_runs import inputs, parameters, wanted

Network = foxnn.neural_network

X, Y = inputs(120, 6), wanted(120, 3, "mse")


def network(seed: int = 1) -> Network:
    return foxnn.neural_network([6, 40, 3], ["gelu", "identity"], seed=seed)


def in_threads(*jobs: Callable[[], Any]) -> list[BaseException]:
    """Run jobs in a thread each, begun together; return what they raised."""
    raised: list[BaseException] = []
    together = threading.Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> None:
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


def raised_in_another_thread(job: Callable[[], Any]) -> BaseException | None:
    return next(iter(in_threads(job)), None)


@contextlib.contextmanager
def quick_turns() -> Iterator[None]:
    """Let Python change threads as often as it can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


# Readers

READERS: dict[str, Callable[[Network], Any]] = {
    "predict": lambda nn: nn.predict(X).tobytes(),
    "get_out": lambda nn: nn.get_out(X[0]).tobytes(),
    "get_out-many": lambda nn: nn.get_out(X).tobytes(),
    "evaluate": lambda nn: nn.evaluate(X, Y),
    "gradient": lambda nn: nn.gradient(X[:5]).tobytes(),
    "trace": lambda nn: repr(nn.trace(X[0], Y[0])),
    "testing": lambda nn: nn._test_error(foxnn.train_data(X, Y)),
    "weights": lambda nn: parameters(nn).tobytes(),
    "shape": lambda nn: (nn.sizes, len(nn), nn.loss, nn.dtype, [part.get_N_w() for part in nn]),
    "repr": repr,
    "copy": lambda nn: parameters(copy.deepcopy(nn)).tobytes(),
    "pickle": lambda nn: pickle.dumps(nn),
    "scalers": lambda nn: (nn.input_scaler, nn.output_scaler),
}


def test_readers_at_once_get_what_one_alone_gets() -> None:
    nn = network()
    nn.fit(X, Y, 2, scale="standard")
    expected = {name: read(nn) for name, read in READERS.items()}
    found: list[tuple[str, Any]] = []

    def reads(names: list[str]) -> Callable[[], None]:
        return lambda: found.extend((name, READERS[name](nn)) for name in names * 15)

    names = list(READERS)
    with quick_turns():
        assert in_threads(reads(names), reads(names[::-1]), reads(names[5:] + names[:5])) == []
    assert len(found) == 3 * 15 * len(names)
    assert {name for name, value in found if value != expected[name]} == set()


@pytest.mark.parametrize("name", READERS)
def test_a_reader_during_a_training_is_right_or_told(name: str) -> None:
    """Numbers are whole; of what must be of one moment, a step in progress is told."""
    nn = foxnn.neural_network([6, 400, 400, 3], ["gelu", "gelu", "identity"], seed=1)
    shape, copies = READERS["shape"](nn), name in {"copy", "pickle", "trace"}
    over, begun = threading.Event(), threading.Event()

    def watch(epoch: int, logs: dict[str, float]) -> bool:
        begun.set()
        return over.is_set()

    def read() -> None:
        begun.wait()
        end = time.monotonic() + 0.2
        try:
            for turn in range(10**6):
                with contextlib.suppress(RuntimeError) if copies else contextlib.nullcontext():
                    READERS[name](nn)
                assert np.isfinite(parameters(nn)).all()
                assert READERS["shape"](nn) == shape
                if turn >= 3 and time.monotonic() > end:
                    break
        finally:
            over.set()

    job = foxnn.train_data(X, Y)._arrays()
    assert in_threads(lambda: nn.fit(*job, 10**6, 60, "sgd", 1e-6, callbacks=watch), read) == []


def test_copies_during_a_training_are_of_one_moment(tmp_path: Path) -> None:
    """All weights grow by the same at each step, so a network of two moments would show."""
    size = 300
    nn = foxnn.neural_network([size, size], "identity", init="zeros", dtype="float64")
    x, y = np.ones((50, size)), np.full((50, size), 1.0)
    over, begun = threading.Event(), threading.Event()
    copies: list[Network] = []

    def watch(epoch: int, logs: dict[str, float]) -> bool:
        begun.set()
        time.sleep(0.001)
        return over.is_set()

    def copier() -> None:
        begun.wait()
        end = time.monotonic() + 10
        path = tmp_path / "net.safetensors"
        while len(copies) < 30 and time.monotonic() < end:
            with contextlib.suppress(RuntimeError):  # in the middle of a step
                copies.append(copy.deepcopy(nn))
                copies.append(pickle.loads(pickle.dumps(nn)))
                nn.save(path)
                copies.append(foxnn.neural_network(path))
        over.set()

    assert in_threads(lambda: nn.fit(x, y, 10**6, 50, "sgd", 1e-9, callbacks=watch), copier) == []
    assert copies
    for one in copies:
        assert np.ptp(parameters(one)) == 0


# Writers


def writes(path: Path) -> dict[str, Callable[[Network], Any]]:
    """Return everything that changes a network."""

    def set_layer(name: str, value: Any) -> Callable[[Network], None]:
        return lambda nn: setattr(nn[0], name, value)

    def set_network(name: str, value: Any) -> Callable[[Network], None]:
        return lambda nn: setattr(nn, name, value)

    def sum_otherwise(nn: Network) -> None:
        nn.settings.correct_summation = True

    scaler = foxnn.Scaler("standard").fit(X)
    return {
        "weights": set_layer("weights", np.zeros((6, 40))),
        "bias": set_layer("bias", np.ones(40)),
        "random_mutation": lambda nn: nn.random_mutation(0.1),
        "smart_mutation": lambda nn: nn.smart_mutation(0.1),
        "next_layer": lambda nn: nn.next_layer(foxnn.layer(3, 3)),
        "set_activation_function": lambda nn: nn[0].set_activation_function("relu"),
        "output activation": lambda nn: nn[-1].set_activation_function("softmax"),
        "input_scaler": set_network("input_scaler", scaler),
        "no input_scaler": set_network("input_scaler", None),
        "output_scaler": set_network("output_scaler", foxnn.Scaler("standard").fit(Y)),
        "correct_summation": sum_otherwise,
        "reset_optimizer": lambda nn: nn.reset_optimizer(),
        "fit": lambda nn: nn.fit(X, Y, 1),
        "fit with a split": lambda nn: nn.fit(X, Y, 1, validation=0.2),
        "fit with a scaler": lambda nn: nn.fit(X, Y, 1, scale="minmax"),
        "train": lambda nn: nn.train(foxnn.train_data(X, Y), 0.1, 1),
        "train_on_batch": lambda nn: nn.train_on_batch(X, Y),
        "made anew": lambda nn: nn.__init__([6, 3]),  # type: ignore[misc]
        "loaded anew": lambda nn: nn.__init__(path),  # type: ignore[misc]
    }


BETWEEN_STEPS = {"weights", "bias", "random_mutation", "smart_mutation"}
WRITES = list(writes(Path()))


def trained_while(change: Callable[[Network], Any]) -> tuple[list[Any], bytes, Network]:
    """Return what the change gave after each epoch of a training, its result, and the network."""
    nn, given = network(), []
    nn.fit(X, Y, 1, scale="standard")
    nn.fit(X, Y, 3, callbacks=lambda epoch, logs: given.append(change(nn)))
    return given, parameters(nn).tobytes() + nn.predict(X).tobytes(), nn


def raised(job: Callable[[], Any]) -> BaseException | None:
    try:
        job()
    except Exception as error:
        return error
    return None


@pytest.mark.parametrize("by", ["another thread", "a callback"])
@pytest.mark.parametrize("name", WRITES)
def test_a_change_during_a_training_is_refused(name: str, by: str, tmp_path: Path) -> None:
    """And the training ends as if nobody had tried, what is drawn after it too."""
    network().save(tmp_path / "net.safetensors")
    change = writes(tmp_path / "net.safetensors")[name]
    who = raised if by == "a callback" else raised_in_another_thread
    errors, result, nn = trained_while(lambda nn: who(lambda: change(nn)))
    assert len(errors) == 3
    if by == "a callback" and name in BETWEEN_STEPS:
        assert errors == [None] * 3
        return
    for error in errors:
        assert isinstance(error, TypeError if "anew" in name else RuntimeError)
        assert any(
            part in str(error)
            for part in ("is training", "already training", "another thread trains", "made already")
        )
    _, expected, alone = trained_while(lambda nn: None)
    assert result == expected
    nn.fit(X, Y, 1, validation=0.2)
    alone.fit(X, Y, 1, validation=0.2)
    assert parameters(nn).tobytes() == parameters(alone).tobytes()


@pytest.mark.parametrize("name", ["weights", "next_layer", "random_mutation"])
def test_a_change_during_a_step_is_refused(name: str, tmp_path: Path) -> None:
    """Of a call that is one stay in the engine."""
    network().save(tmp_path / "net.safetensors")
    change, nn = writes(tmp_path / "net.safetensors")[name], network()
    stop = threading.Event()
    errors: list[BaseException | None] = []

    def write() -> None:
        while nn._steps() == 0 or not nn._is_training():
            time.sleep(0.0005)
        while nn._is_training() and len(errors) < 100:
            errors.append(raised(lambda: change(nn)))
        stop.set()

    def train() -> None:
        while not stop.is_set():
            nn.train(foxnn.train_data(X, Y), 1e-6, 20_000, 6)

    assert in_threads(train, write) == []
    # The last may come when the training is just over.
    assert errors
    assert all(isinstance(error, RuntimeError) for error in errors[:-1])


def test_a_network_is_made_once() -> None:
    nn = network()
    nn.fit(X, Y, 1, scale="standard")
    before = nn.predict(X).tobytes()
    with pytest.raises(TypeError, match="made already"):
        nn.__init__([2, 2])  # type: ignore[misc]
    assert nn.sizes == [6, 40, 3]
    assert nn.input_scaler is not None
    assert nn.predict(X).tobytes() == before


def test_each_step_has_the_rate_that_its_caller_gave() -> None:
    """Although somebody else asks for another while the samples are taken in."""
    nn, alone = network(), network()

    class Samples:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            if not nn._is_training() and nn._steps() == 0:
                nn.train_on_batch(X, Y, "sgd", 0.5)
            return X

    nn.train_on_batch(Samples(), Y, "sgd", 0.001)
    for rate in (0.5, 0.001):
        alone.train_on_batch(X, Y, "sgd", rate)
    assert parameters(nn).tobytes() == parameters(alone).tobytes()


# Whatever goes away meanwhile


@pytest.mark.filterwarnings("ignore::foxnn.ConvergenceWarning")
def test_a_training_keeps_what_it_needs() -> None:
    """Network, arrays and data may be forgotten by everybody else."""
    expected = network()
    expected.fit(X, Y, 30)
    held: dict[str, Any] = {"nn": network(), "x": X.copy(), "y": Y.copy()}
    begun, forgotten = threading.Event(), threading.Event()
    results: list[bytes] = []

    def watch(epoch: int, logs: dict[str, float]) -> None:
        begun.set()
        forgotten.wait()

    class Last:
        def on_train_begin(self, nn: Network) -> None:
            self.layers = list(nn)

        def on_train_end(self, history: foxnn.History) -> None:
            results.extend(part.weights.tobytes() for part in self.layers)

    def train() -> None:
        held["nn"].fit(held["x"], held["y"], 30, callbacks=[watch, Last()])

    def forget() -> None:
        begun.wait()
        held.clear()
        gc.collect()
        forgotten.set()

    assert in_threads(train, forget) == []
    assert results == [part.weights.tobytes() for part in expected]


def test_arrays_in_use_cannot_be_resized() -> None:
    x, y = X.copy(), Y.copy()
    errors: list[BaseException | None] = []

    def resize(epoch: int, logs: dict[str, float]) -> None:
        errors.append(raised(lambda: x.resize((10**6, 6))))

    network().fit(x, y, 2, callbacks=resize)
    assert [type(error) for error in errors] == [ValueError] * 2


# Shared samples


def test_networks_train_at_once_on_shared_samples() -> None:
    data = foxnn.train_data(X, Y)

    def job(nn: Network) -> Callable[[], None]:
        def run() -> None:
            nn.train(data, 0.01, 50, 7)
            nn.fit(*data._arrays(), 3, validation=0.2)

        return run

    alone, together = ([network(seed) for seed in range(4)] for _ in range(2))
    for nn in alone:
        job(nn)()
    with quick_turns():
        assert in_threads(*map(job, together)) == []
    assert [parameters(nn).tobytes() for nn in together] == [
        parameters(nn).tobytes() for nn in alone
    ]


def test_no_sample_is_lost_where_several_threads_add_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, nn = foxnn.train_data(), network()
    grow = foxnn.train_data._grow

    def grow_slowly(self: foxnn.train_data, *arguments: Any) -> None:
        time.sleep(0.001)  # somebody else's turn
        grow(self, *arguments)

    monkeypatch.setattr(foxnn.train_data, "_grow", grow_slowly)
    data.add_data(X[0], Y[0])

    def add(first: int) -> Callable[[], None]:
        def run() -> None:
            for i in range(first, first + 300):
                data.add_data([float(i)] * 6, [float(i)] * 3)
                if i % 100 == 0:
                    data.shrink_to_fit()

        return run

    def train() -> None:
        for _ in range(30):
            nn.train(data, 1e-9, 2, 5)
            pickle.loads(pickle.dumps(data)).get(0)

    with quick_turns():
        assert in_threads(*(add(1000 * k) for k in range(1, 5)), train) == []
    x, y = data._arrays()
    expected = sorted(1000 * k + i for k in range(1, 5) for i in range(300))
    assert sorted(x[1:, 0]) == sorted(y[1:, 2]) == expected
    assert (x[1:] == x[1:, :1]).all()
    assert (x[1:, :3] == y[1:]).all()
