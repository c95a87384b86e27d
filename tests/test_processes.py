"""Processes around a network: forks, worker pools, the end of Python, and other interpreters.

Each job runs in a process of its own, with teams of two or more threads on however few cores.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import foxnn

RunPython = Callable[..., subprocess.CompletedProcess[str]]

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")

# What every program begins with.
BEGIN = """
import copy
import os
import signal
import sys
import threading
import time
import warnings

import numpy as np

import foxnn

warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
rng = np.random.default_rng(1)
x, y = rng.random((200, 64), "float32"), rng.random((200, 64), "float32")
nn = foxnn.neural_network([64, 64, 64], seed=1)

def work(network):
    signal.alarm(90)  # whatever hangs, ends
    network.train_on_batch(x, y)
    network.fit(x, y, 2)
    return network.predict(x).tobytes()

def in_fork(job):
    # Return the code with which a child ends that does the job and returns whether it went well.
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        code = 1
        try:
            code = 7 if job() else 8
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


def printed(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a program has printed that went well."""
    assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr}"
    return done.stdout.strip()


# Forks


@needs_fork
def test_children_of_multiprocessing_train_and_predict(run_python: RunPython) -> None:
    """Twenty at once, after every kind of training that keeps a team."""
    program = """
import multiprocessing

work(nn)
expected = work(copy.deepcopy(nn))
context = multiprocessing.get_context("fork")
found = context.Queue()
children = [context.Process(target=lambda: found.put(work(nn))) for _ in range(20)]
for child in children:
    child.start()
print({found.get(timeout=80) == expected for _ in children})
for child in children:
    child.join(60)
print({child.exitcode for child in children})
"""
    done = run_python(BEGIN + program, FOXNN_FORCE_THREADS="2")
    assert printed(done).splitlines() == ["{True}", "{0}"]


@needs_fork
def test_a_grandchild_trains(run_python: RunPython) -> None:
    program = """
work(nn)
expected = work(copy.deepcopy(nn))
print(in_fork(lambda: work(copy.deepcopy(nn)) == expected
              and in_fork(lambda: work(nn) == expected) == 7))
"""
    assert printed(run_python(BEGIN + program, FOXNN_FORCE_THREADS="3")) == "7"


@needs_fork
def test_a_fork_while_another_thread_trains(run_python: RunPython) -> None:
    """The child may train what nobody trained; of what was in a step it says so."""
    program = """
work(nn)
expected = work(copy.deepcopy(nn))
other = foxnn.neural_network([64, 512, 64], seed=2)
over = threading.Event()
thread = threading.Thread(
    target=lambda: other.fit(x, y, 10**6, 50, callbacks=lambda epoch, logs: over.is_set())
)
thread.start()
while other._steps() == 0:
    time.sleep(0.001)

def job():
    try:
        other.fit(x, y, 1)
    except RuntimeError as error:
        return "already training" in str(error) and work(copy.deepcopy(nn)) == expected

print({in_fork(job) for _ in range(20)})
over.set()
thread.join()
print(np.isfinite(other.predict(x)).all())
"""
    done = run_python(BEGIN + program, FOXNN_FORCE_THREADS="2")
    assert printed(done).splitlines() == ["{7}", "True"]


@needs_fork
def test_a_fork_from_a_thread(run_python: RunPython) -> None:
    program = """
work(nn)
expected, found = work(copy.deepcopy(nn)), []
thread = threading.Thread(
    target=lambda: found.append(in_fork(lambda: work(copy.deepcopy(nn)) == expected))
)
thread.start()
thread.join()
print(found, work(nn) == expected)
"""
    assert printed(run_python(BEGIN + program, FOXNN_FORCE_THREADS="2")) == "[7] True"


@needs_fork
def test_a_fork_from_a_callback(run_python: RunPython) -> None:
    """Both go on with the training, and end with the same weights."""
    program = """
child = None

def fork(epoch, logs):
    global child
    if epoch == 1:
        child = os.fork()
        if child == 0:
            signal.alarm(60)

nn.fit(x, y, 4)
alone = copy.deepcopy(nn)
alone.fit(x, y, 4)
nn.fit(x, y, 4, callbacks=fork)
good = nn[0].weights.tobytes() == alone[0].weights.tobytes()
if child == 0:
    os._exit(7 if good else 8)
print(good, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert printed(run_python(BEGIN + program, FOXNN_FORCE_THREADS="2")) == "True 7"


FOREIGN = """
import ctypes
from ctypes.util import find_library

class Pool:
    def __init__(self):
        # GNU's runtime, as compilers call it: a region of two threads that do nothing.
        library = ctypes.CDLL({name!r})
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
        self.nothing = kind(lambda _: None)
        library.GOMP_parallel(self.nothing, None, 2, 0)

pool = Pool()
print(in_fork(lambda: work(nn) is not None))
"""


@needs_fork
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc for the runtime's name")
def test_a_fork_after_another_library_has_used_the_same_openmp(run_python: RunPython) -> None:
    """Such as NumPy or scikit-learn of a Linux distribution."""
    program = """
import pathlib
work(nn)
maps = pathlib.Path("/proc/self/maps").read_text().split()
print(next((word for word in maps if "libgomp" in word), ""))
"""
    name = printed(run_python(BEGIN + program))
    if not name:
        pytest.skip("this build has another OpenMP runtime")
    done = run_python(BEGIN + FOREIGN.format(name=name), FOXNN_FORCE_THREADS="2")
    assert printed(done) == "7"


# Pools of joblib


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_joblib(backend: str, run_python: RunPython) -> None:
    pytest.importorskip("joblib")
    program = f"""
from joblib import Parallel, delayed

work(nn)
many = [copy.deepcopy(nn) for _ in range(6)]
expected = work(copy.deepcopy(nn))
found = Parallel(n_jobs=2, backend={backend!r})(delayed(work)(network) for network in many)
print({{answer == expected for answer in found}})
if {backend!r} == "loky":
    from joblib.externals.loky import get_reusable_executor
    get_reusable_executor().shutdown(wait=True)
"""
    assert printed(run_python(BEGIN + program, FOXNN_FORCE_THREADS="2")) == "{True}"


# How many threads there may be


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
@pytest.mark.parametrize("limit", ["OMP_NUM_THREADS", "threadpoolctl", "n_threads", "none"])
def test_a_training_keeps_to_the_limit(limit: str, run_python: RunPython) -> None:
    """No thread more than there were."""
    if limit == "threadpoolctl":
        pytest.importorskip("threadpoolctl")
    program = f"""
import contextlib

def threads():
    return len(os.listdir("/proc/self/task"))

limited = contextlib.nullcontext()
if {limit!r} == "threadpoolctl":
    import threadpoolctl
    limited = threadpoolctl.threadpool_limits(1)
nn = foxnn.neural_network([512, 512, 512], seed=1)
nn.settings.n_threads = {1 if limit == "n_threads" else 0}
x, y = np.ones((200, 512), "float32"), np.ones((200, 512), "float32")
before = threads()
with limited:
    work(nn)
    nn.evaluate(x, y)
    nn.train(foxnn.train_data(x, y), 1e-6, 2, 0)
print(threads() - before)
"""
    variables = {"FOXNN_FORCE_THREADS": "", "OMP_NUM_THREADS": ""}
    if limit == "OMP_NUM_THREADS":
        variables["OMP_NUM_THREADS"] = "1"
    started = int(printed(run_python(BEGIN + program, **variables)))
    # Without a limit, the others of a team: the count can see them.
    assert started == (foxnn._core.thread_limit() - 1 if limit == "none" else 0)


def test_a_limit_that_comes_later_is_kept_too(run_python: RunPython) -> None:
    """What `train_on_batch` keeps from call to call was made for more threads."""
    pytest.importorskip("threadpoolctl")
    program = """
import threadpoolctl

nn = foxnn.neural_network([512, 512, 512], seed=1)
x, y = np.ones((500, 512), "float32"), np.ones((500, 512), "float32")
nn.train_on_batch(x, y)
time.sleep(0.1)  # the runtime's idle threads wait busily for a moment
with threadpoolctl.threadpool_limits(1):
    wall, used = time.perf_counter(), time.process_time()
    for _ in range(20):
        nn.train_on_batch(x, y)
    print((time.process_time() - used) / (time.perf_counter() - wall))
"""
    done = run_python(
        BEGIN + program, FOXNN_FORCE_THREADS="", OMP_WAIT_POLICY="passive", OPENBLAS_NUM_THREADS="1"
    )
    # One thread cannot use more than one core, however loaded the machine is.
    assert float(printed(done)) < 1.2


# The end of Python


CALLS = {
    "fit": "nn.fit(x, y, 10**6, 20)",
    "train": "nn.train(foxnn.train_data(x, y), 1e-9, 10**9, 20)",
    "train_on_batch": "nn.train_on_batch(x, y)",
    "predict": "nn.predict(many)",
    "evaluate": "nn.evaluate(many, many)",
    "gradient": "nn.gradient(x)",
    "checks": "foxnn._core.all_finite(many, True)",
}


@pytest.mark.parametrize("call", CALLS)
def test_python_ends_while_a_daemon_thread_computes(call: str, run_python: RunPython) -> None:
    """CPython before 3.14 unwinds such a thread, which must not take the process with it."""
    program = f"""
many = np.ones((20_000, 64), "float32")
begun = threading.Event()

def run():
    while True:
        begun.set()
        {CALLS[call]}

threading.Thread(target=run, daemon=True).start()
begun.wait()
time.sleep(0.05)
print("over")
"""
    done = run_python(BEGIN + program, FOXNN_FORCE_THREADS="2")
    assert (printed(done), done.stderr) == ("over", "")


# Interpreters


def subinterpreters() -> Any:
    """Return the module of this Python that makes interpreters, if it has one."""
    for name in ("_interpreters", "_xxsubinterpreters"):
        if importlib.util.find_spec(name):
            return name
    return None


@pytest.mark.skipif(subinterpreters() is None, reason="this Python has no subinterpreters")
def test_a_second_interpreter_is_refused(run_python: RunPython) -> None:
    """And the first one goes on as before."""
    program = f"""
import {subinterpreters()} as interpreters

before = work(copy.deepcopy(nn))
second = interpreters.create()
program = '''
import sys
sys.path[:] = {{path!r}}
try:
    import foxnn._core
except ImportError as error:
    print("refused", flush=True)
'''
failed = None
try:
    failed = interpreters.run_string(second, program.format(path=sys.path))
except Exception as error:
    failed = error
print("ImportError" in str(failed) if failed else "said")
interpreters.destroy(second)
print(work(copy.deepcopy(nn)) == before)
"""
    done = run_python(BEGIN + program)
    assert printed(done).splitlines() in (["refused", "said", "True"], ["True", "True"])


@pytest.mark.parametrize("enabled", [True, False])
def test_python_without_its_lock_is_refused(enabled: bool, run_python: RunPython) -> None:
    program = f"""
import sys
sys._is_gil_enabled = lambda: {enabled}
try:
    import foxnn
    print("imported")
except ImportError as error:
    print(error)
"""
    said = printed(run_python(program))
    assert said == "imported" if enabled else "PYTHON_GIL=0" in said
