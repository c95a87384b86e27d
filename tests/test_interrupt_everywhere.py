"""Ctrl-C in every call that may take long, and what it leaves behind.

With FOXNN_INTERRUPTS set (a size, such as 1), every call is interrupted often, on much data, and
must end within a fifth of a second: for a quiet machine. Otherwise the bounds are those of a busy
one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
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
from foxnn.training import checkpoint
from interrupted_calls import CALLS

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="signals as on Unix")

SIZE = os.environ.get("FOXNN_INTERRUPTS", "")
PROGRAM = Path(__file__).with_name("interrupted_calls.py")

# Libraries that let nobody interrupt them: protobuf's and ONNX's checks, and the drawing of
# pictures. Their part grows with the network. And a run with checkpoints is kept at the moment of
# the interruption: 300 MB are copied, in 0.06 s, or in 1 s where a virtual machine's memory comes
# from its host first.
SLOWER = {"save .onnx", "load .onnx", "plot", "fit, with checkpoints"}
# Those that are tried each time, one of a kind, and at which size: they take some 0.8 s of the
# processor. The first alarm comes in the first half, so that one which nobody could interrupt would
# be seen.
SOME = {
    "fit, one step of all samples": 0.12,
    "fit, one step of a narrow network": 0.4,
    "fit of a population, one step of all samples": 0.15,
    "fit of a population of many": 2.0,
    "fit, one step of layers of every kind": 0.2,
    "predict, long sequences": 1.0,
    "fit of columns that are not contiguous": 0.4,
    "a network of 400 MB": 0.4,
    "save .txt": 0.4,
}


@pytest.mark.parametrize("name", CALLS if SIZE else SOME)
def test_how_long_a_call_goes_on(name: str) -> None:
    if "onnx" in name:
        pytest.importorskip("onnx")
    if "MLP" in name:
        pytest.importorskip("sklearn")
    if "sparse" in name:
        pytest.importorskip("scipy")
    if name == "plot":
        pytest.importorskip("matplotlib")
    told = ("20", SIZE, "wall") if SIZE else ("2", str(SOME[name]), "processor")
    command = [sys.executable, "-W", "ignore", str(PROGRAM), name, *told]
    # The processor's seconds are those of all threads.
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=500, check=False,
        env={**os.environ, **({} if SIZE else {"OMP_NUM_THREADS": "2"})},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["late"]
    longest = max(found["late"])
    print(f"{name:60} {found['seconds']:6.2f} s, interrupted {len(found['late'])} times: ", end="")
    print(f"{1000 * longest:4.0f} ms")
    assert longest < (2.0 if name in SLOWER else 0.2 if SIZE else 0.35)


# What is left behind


X, Y = inputs(60, 7), wanted(60, 3, "cross_entropy")


def network(**options: Any) -> foxnn.neural_network:
    return foxnn.neural_network([7, 33, 9, 3], "gelu", "softmax", seed=5, **options)


class Alarm(Exception):
    """What a handler raises."""


@pytest.fixture
def ring() -> Iterator[Callable[[float], None]]:
    """Return a function that raises Alarm in the main thread after some seconds."""

    def handler(number: int, frame: object) -> None:
        raise Alarm

    old = signal.signal(signal.SIGALRM, handler)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds) and None
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, old)


def test_the_history_is_kept(ring: Callable[[float], None], tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    nn = network()
    assert nn.history is None
    ring(0.3)
    with pytest.raises(Alarm):
        nn.fit(X, Y, 10**7, 7, validation=0.2, early_stopping=10**6, checkpoint=path)
    assert isinstance(nn.history, foxnn.History)
    done = len(nn.history["loss"])
    assert done > 0
    assert {len(values) for values in nn.history.values()} == {done}
    kept = checkpoint.read(str(path))[2].history  # which waits for a writing that goes on
    assert done - 2 <= len(kept["loss"]) <= done
    assert kept["val_loss"] == nn.history["val_loss"][: len(kept["loss"])]
    history = nn.fit(X, Y, 2)
    assert nn.history is history
    assert len(history["loss"]) == 2


@pytest.mark.parametrize("event", ["on_train_begin", "on_batch_end", "on_epoch_end"])
def test_ctrl_c_within_a_callback(event: str) -> None:
    def stop(*_: object) -> None:
        if event != "on_epoch_end" or _[0] == 2:
            raise KeyboardInterrupt

    nn = network()
    with pytest.raises(KeyboardInterrupt):
        nn.fit(X, Y, 5, 7, callbacks=type("Callback", (), {event: staticmethod(stop)})())
    assert nn.history is not None
    assert len(nn.history.get("loss", [])) == (3 if event == "on_epoch_end" else 0)
    assert not nn._is_training()
    nn.fit(X, Y, 1)


def test_a_copy_has_no_history() -> None:
    import copy

    nn = network()
    nn.fit(X, Y, 1)
    assert copy.deepcopy(nn).history is None


@pytest.mark.parametrize(
    ("options", "threads"),
    [
        ({}, 1),
        ({}, 2),
        ({"clip_norm": 0.5}, 2),
        ({"dropout": 0.2, "optimizer": "sgd"}, 1),
        ({"l1": 0.01, "clip_value": 0.1, "optimizer": "adamw"}, 2),
    ],
)
def test_a_long_step_is_dropped_as_if_it_had_not_begun(
    options: dict[str, Any], threads: int, ring: Callable[[float], None]
) -> None:
    """Or it is whole, where it was too late; nothing lies between."""
    x, y = inputs(20_000, 64).astype(np.float32), wanted(20_000, 5, "mse")

    def made() -> foxnn.neural_network:
        nn = foxnn.neural_network([64, 257, 129, 5], "tanh", seed=3)
        nn.settings.n_threads = threads
        return nn

    def fit(nn: foxnn.neural_network, epochs: int) -> None:
        nn.fit(x, y, epochs, len(x), learning_rate=1e-3, shuffle=False, **options)

    start = time.perf_counter()
    states = [parameters(whole := made()).tobytes()]
    for _ in range(2):
        fit(whole, 1)
        states.append(parameters(whole).tobytes())
    seconds = (time.perf_counter() - start) / 2
    found = set()
    for share in (0.3, 0.6, 0.9, 1.4):
        nn = made()
        ring(share * seconds)
        try:
            fit(nn, 10**6)
        except Alarm:
            steps = nn._steps()
            if steps < len(states):
                found.add(steps)
                assert parameters(nn).tobytes() == states[steps]
                # A step that was too late to drop may be whole before its epoch has a record.
                assert steps - len((nn.history or {}).get("loss", [])) in (0, 1)
        if nn._steps() == 0:  # its memory and its random numbers are those of a new one, too
            fit(nn, 1) if "dropout" not in options else None
            assert "dropout" in options or parameters(nn).tobytes() == states[1]
    assert found


def test_a_long_call_of_another_thread_goes_on(ring: Callable[[float], None]) -> None:
    """The main thread hears the alarm while another one trains by long steps."""
    x, y = inputs(20_000, 64), wanted(20_000, 5, "mse")
    nn = foxnn.neural_network([64, 257, 129, 5], "tanh", seed=3)
    done = threading.Event()  # to join a thread is not safe from signals before Python 3.13

    def train() -> None:
        nn.fit(x, y, 3, len(x))
        done.set()

    thread = threading.Thread(target=train)
    thread.start()
    ring(0.05)
    with pytest.raises(Alarm):
        done.wait()
    ring(0)
    assert done.wait(60)
    thread.join()
    assert nn._steps() == 3


def test_a_handler_that_only_listens_changes_nothing() -> None:
    """Steps that may be dropped are not; those of a time limit come to their end."""
    x, y = inputs(20_000, 64), wanted(20_000, 5, "mse")
    nn, alone = (foxnn.neural_network([64, 257, 129, 5], "tanh", seed=3) for _ in range(2))
    heard: list[int] = []
    old = signal.signal(signal.SIGALRM, lambda number, _: heard.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        nn.fit(x, y, 3, len(x))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    alone.fit(x, y, 3, len(x))
    assert heard
    assert parameters(nn).tobytes() == parameters(alone).tobytes()
    history = alone.fit(x, y, 10**6, len(x), time_limit=1e-6)
    assert len(history["loss"]) == 1
    assert np.isfinite(history["loss"]).all()
    assert alone._steps() == 4


def test_interrupted_system_calls_are_taken_up_again(tmp_path: Path) -> None:
    """Signals during reading and writing, through a pipe that is slow."""
    pipe, path = tmp_path / "pipe.txt", tmp_path / "net.txt"
    os.mkfifo(pipe)
    nn = foxnn.neural_network([40, 200, 3], seed=1)
    nn.save(path)
    found: list[bytes] = []

    def read() -> None:
        with open(pipe, "rb", buffering=0) as file:
            while some := file.read(50_000):
                found.append(some)
                time.sleep(0.01)

    def write() -> None:
        with open(pipe, "wb", buffering=0) as file:
            opened.set()
            for some in found:
                time.sleep(0.01)
                file.write(some)
            os.close(holder)

    opened = threading.Event()
    heard: list[int] = []
    old = signal.signal(signal.SIGALRM, lambda number, _: heard.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        nn.save(pipe)
        thread.join()
        # A pipe that nobody writes to is empty; this one is held open until somebody does.
        holder = os.open(pipe, os.O_RDWR)
        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        opened.wait()
        again = foxnn.neural_network(pipe)
        thread.join()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert heard
    assert b"".join(found) == path.read_bytes()
    assert parameters(again).tobytes() == parameters(nn).tobytes()


def test_ctrl_c_leaves_data_as_they_were(ring: Callable[[float], None]) -> None:
    x = [[float(i), 1.0] for i in range(200_000)]
    data = foxnn.train_data([[1.0, 2.0]], [[3.0]])
    data.add_data([4.0, 5.0], [6.0])
    y = [[row[0]] for row in x]
    interrupted = 0
    for seconds in (0.01, 0.03, 0.06, 0.1):
        before = len(data)
        ring(seconds)
        try:
            data.add_data(x, y)
            ring(0)
        except Alarm:
            interrupted += 1
            assert len(data) == before
        assert data.get(1).out.tolist() == [6.0]
        assert len(data.get(len(data) - 1).input) == 2
    assert interrupted


def test_ctrl_c_ends_a_command_quickly(tmp_path: Path) -> None:
    rows = "\n".join(f"{i % 7},{i % 5},{i % 3}" for i in range(20_000))
    (tmp_path / "x.csv").write_text(f"a,b,c\n{rows}\n")
    (tmp_path / "net.txt").write_text("older")
    command = [
        sys.executable, "-m", "foxnn", "train", str(tmp_path / "x.csv"), "--target", "c",
        "--regress", "--epochs", "1000000", "--out", str(tmp_path / "net.txt"),
    ]  # fmt: skip
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        while not running.stdout.readline().startswith("network"):
            pass
        time.sleep(0.2)
        running.send_signal(signal.SIGINT)
        told = running.communicate(timeout=60)[1]
    assert running.returncode == 130
    assert "stopped by Ctrl-C" in told
    assert (tmp_path / "net.txt").read_text() == "older"
