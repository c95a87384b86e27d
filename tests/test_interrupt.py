"""Ctrl-C, and other signals, in the long calls: they end soon and leave a network that works.

Each call runs in a process of its own, which is sent a real SIGINT. How soon is soon is measured
elsewhere; here the bound is only what no user would wait for.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

import foxnn
from forced_runs import inputs, parameters, wanted

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent as on Unix")

SECONDS_TO_WAIT = 2.0

PROGRAM = """
import numpy as np
import foxnn

def say(what):
    print(what, flush=True)

nn = foxnn.neural_network({sizes}, seed=1)
nn.settings.n_threads = {threads}
nn.settings.set_mode("Adam")
x = np.ones(({samples}, {sizes}[0]), np.uint8)
y = np.zeros(({samples}, {sizes}[-1]), np.uint8)
data = foxnn.train_data(x, y)
before = nn[0].weights

# Twice, so that what the first interruption left behind comes into the second.
for _ in range(2):
    say("ready")
    try:
        {call}
        say("came to its end")
    except KeyboardInterrupt:
        say("interrupted")

# On a busy machine both signals may come before the first step.
assert (nn[0].weights != before).any() == (nn._steps() > 0)
assert nn._steps() == 0 or {trains}
for part in nn:
    assert np.isfinite(part.weights).all() and np.isfinite(part.bias).all()
assert np.isfinite(nn.predict(x[:200])).all()
history = nn.fit(x[:200], y[:200], 2)
assert np.isfinite(history["loss"]).all()
nn.train(data.get_first_n(200), 1e-6, 3, 98)
say("usable")
"""

LARGE, TINY = [784, 512, 512, 10], [3, 5, 4, 2]

# The call, the network, the samples, and whether it trains.
CALLS = {
    "fit": ("nn.fit(x, y, 10**9, 98)", LARGE, 20_000, True),
    "fit, a large layer": ("nn.fit(x, y, 10**9, 32)", [512, 4096, 512], 2_000, True),
    "fit, many tiny epochs": ("nn.fit(x, y, 10**9, 1)", TINY, 1, True),
    "train": ("nn.train(data, 1e-6, 10**10, 98)", LARGE, 20_000, True),
    "train, many tiny steps": ("nn.train(data, 1e-6, 10**10, 1)", TINY, 98, True),
    "train, one sample": ("nn.train(data, 1e-6, 10**10, 1)", TINY, 1, True),
    "predict": ("nn.predict(x)", [64, 1024, 1024, 10], 600_000, False),
    "evaluate": ("nn.evaluate(x, y)", [64, 1024, 1024, 10], 600_000, False),
    "get_out": ("nn.get_out(x)", [64, 1024, 1024, 10], 600_000, False),
}


class Child:
    """A program that is talked to by its lines and by signals."""

    def __init__(self, program: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        self.errors: str | None = None
        self.lines: queue.Queue[str] = queue.Queue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put("(nothing more)")

    def line(self, seconds: float = 60.0) -> str:
        """Return the next line that it writes."""
        try:
            return self.lines.get(timeout=seconds)
        except queue.Empty:
            return f"(silent for {seconds} s)"

    def end(self) -> str:
        """Wait for its end, if need be force it, and return what it wrote to standard error."""
        if self.errors is not None:
            return self.errors
        self.process.kill()
        self.reader.join()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        with self.process.stdout, self.process.stderr as errors:
            self.errors = errors.read()
        self.process.wait()
        return self.errors


@pytest.fixture
def children() -> Iterator[list[Child]]:
    """Return a list of children, which are ended after the test."""
    found: list[Child] = []
    yield found
    for child in found:
        child.end()


# Networks as small as these go on one thread in any case.
THREADS = [(call, n) for call, made in CALLS.items() for n in (1, 2) if n == 1 or made[1] != TINY]


@pytest.mark.parametrize(("call", "threads"), THREADS)
def test_ctrl_c(call: str, threads: int, children: list[Child]) -> None:
    text, sizes, samples, trains = CALLS[call]
    program = PROGRAM.format(
        call=text, sizes=sizes, samples=samples, threads=threads, trains=trains
    )
    children.append(child := Child(program, OMP_NUM_THREADS=str(threads)))
    for _ in range(2):
        assert child.line() == "ready", child.end()
        # Time to get into the engine, and into the thick of it.
        time.sleep(0.1)
        sent = time.perf_counter()
        child.process.send_signal(signal.SIGINT)
        assert child.line() == "interrupted", child.end()
        waited = time.perf_counter() - sent
        print(f"{call}, {threads} threads: {1000 * waited:.1f} ms")
        assert waited < SECONDS_TO_WAIT
    assert child.line() == "usable", child.end()


def long_job(nn: foxnn.neural_network, steps: int) -> None:
    data = foxnn.train_data(inputs(97, 3), wanted(97, 2, "mse"))
    nn.settings.set_mode("Adam")
    nn.train(data, 1e-5, steps, 4)


def make() -> foxnn.neural_network:
    return foxnn.neural_network([3, 5, 4, 2], seed=1)


class Alarm(Exception):
    """What a signal handler may raise."""


@pytest.fixture
def alarms() -> Iterator[list[int]]:
    """Return a list that grows by an entry at each SIGALRM, and put the old handler back."""
    heard: list[int] = []
    old = signal.signal(signal.SIGALRM, lambda number, _: heard.append(number))
    yield heard
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, old)


def test_what_a_handler_raises_comes_through(alarms: list[int]) -> None:
    """And the network holds the result of whole steps: as many, uninterrupted, are the same."""

    def ring(number: int, frame: object) -> None:
        alarms.append(number)
        raise Alarm

    signal.signal(signal.SIGALRM, ring)
    nn = make()
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    with pytest.raises(Alarm):
        long_job(nn, 10**8)
    assert len(alarms) == 1
    assert nn._steps() > 0
    twin = make()
    long_job(twin, nn._steps())
    assert parameters(nn).tobytes() == parameters(twin).tobytes()


def test_handlers_run_during_a_call_and_change_nothing(alarms: list[int]) -> None:
    alone = make()
    steps = 200_000
    long_job(alone, steps)
    nn = make()
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    long_job(nn, steps)
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert alarms
    assert parameters(nn).tobytes() == parameters(alone).tobytes()


def test_an_interrupted_fit_goes_on(alarms: list[int]) -> None:
    def ring(number: int, frame: object) -> None:
        raise Alarm

    signal.signal(signal.SIGALRM, ring)
    nn = foxnn.neural_network([4, 16, 3], "tanh", "softmax", seed=1)
    x = inputs(97, 4)
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    before = nn.evaluate(x, y)["loss"]
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    with pytest.raises(Alarm):
        nn.fit(x, y, 10**7, 7, learning_rate=1e-5)
    between = nn.evaluate(x, y)["loss"]
    nn.fit(x, y, 200, 7, learning_rate=1e-2)
    assert nn.evaluate(x, y)["loss"] < 0.5 * min(before, between)


def test_ctrl_c_while_another_thread_trains(children: list[Child]) -> None:
    """The main thread hears it; the training of the other goes on to its end."""
    program = """
import threading
import numpy as np, foxnn
nn = foxnn.neural_network([64, 512, 8], seed=1)
x, y = np.ones((20_000, 64), np.uint8), np.zeros((20_000, 8), np.uint8)
over = threading.Event()

def train():
    nn.fit(x, y, 5, 32)
    over.set()

try:
    threading.Thread(target=train).start()
    print("ready", flush=True)
    over.wait()
    print("came to its end", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
over.wait()
print(nn._steps(), flush=True)
"""
    children.append(child := Child(program))
    assert child.line() == "ready"
    child.process.send_signal(signal.SIGINT)
    assert child.line() == "interrupted"
    assert child.line() == str(5 * 625)


def test_an_interrupted_script_ends_as_python_ends_it(children: list[Child]) -> None:
    program = PROGRAM.split("# Twice")[0] + "say('ready')\nnn.fit(x, y, 10**9, 98)\n"
    children.append(child := Child(program.format(sizes=LARGE, samples=2000, threads=2)))
    assert child.line() == "ready"
    time.sleep(0.1)
    child.process.send_signal(signal.SIGINT)
    assert child.process.wait(30) in (-signal.SIGINT, 130, 1)
    assert child.line() == "(nothing more)"
    assert "KeyboardInterrupt" in child.end()
