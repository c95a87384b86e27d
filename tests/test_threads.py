"""Threads and kernel sets change the time, never the result; and how many threads there are.

Under FOXNN_FORCE_THREADS every phase has that many, on however few cores.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import numpy as np
import pytest

import foxnn

ForcedRun = Callable[..., dict[str, np.ndarray]]
RunPython = Callable[..., subprocess.CompletedProcess[str]]

HERE = foxnn.kernel_sets()
JOBS = ("forward", "gradients", "training", "options", "mutations", "numbered", "own_losses")
# How work is divided does not depend on the kernel set, and the reference set takes its time.
DIVIDED = [(name, n) for name in HERE if name != "reference" for n in ("2", "3")]
BESIDE = [(name, n) for name in HERE[:-1] for n in ("1", "2") if (name, n) != ("reference", "2")]


def assert_same_bits(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    assert a.keys() == b.keys()
    other = [key for key in a if a[key].tobytes() != b[key].tobytes()]
    assert not set(other) - {"threads", "kernel_set"}


@pytest.mark.parametrize(("kernel_set", "threads"), DIVIDED)
@pytest.mark.parametrize("job", JOBS)
def test_same_bits_with_any_threads(
    kernel_set: str, threads: str, job: str, forced_run: ForcedRun
) -> None:
    alone = forced_run(job, isa=kernel_set, threads="1", among=JOBS)
    together = forced_run(job, isa=kernel_set, threads=threads, among=JOBS)
    assert (alone["threads"], together["threads"]) == (1, int(threads))
    assert_same_bits(alone, together)


@pytest.mark.parametrize(("kernel_set", "threads"), BESIDE)
@pytest.mark.parametrize("job", JOBS)
def test_same_bits_with_every_kernel_set(
    kernel_set: str, threads: str, job: str, forced_run: ForcedRun
) -> None:
    best, other = (
        forced_run(job, isa=isa, threads=threads, among=JOBS) for isa in (HERE[-1], kernel_set)
    )
    assert (best["kernel_set"], other["kernel_set"]) == (HERE[-1], kernel_set)
    assert_same_bits(best, other)


@pytest.mark.parametrize("count", [1, 64, 1000, 100_001])
def test_a_random_number_is_a_function_of_its_position(count: int) -> None:
    """For any count and any number of threads asked for."""
    many = foxnn._core.uniform(7, 3, 100_001, 5, threads=1)
    for threads in (0, 1, 2, 3):
        found = foxnn._core.uniform(7, 3, count, 5, threads=threads)
        assert found.tobytes() == many[:count].tobytes()
        found = foxnn._core.uniform(7, 3, 100_001 - count, 5, threads, begin=count)
        assert found.tobytes() == many[count:].tobytes()


def test_a_run_can_be_repeated(run_python: RunPython) -> None:
    """In another process, with addresses and the hashes of strings another."""
    program = (
        "import sys, forced_runs, hashlib\n"
        "for key, values in forced_runs.training().items():\n"
        "    print(key, hashlib.sha256(values.tobytes()).hexdigest())\n"
    )
    from conftest import FORCED_RUNS

    found = [
        run_python(program, PYTHONPATH=str(FORCED_RUNS.parent), PYTHONHASHSEED=seed).stdout
        for seed in ("1", "2")
    ]
    assert found[0] == found[1]
    assert len(found[0].splitlines()) > 100


@pytest.mark.parametrize("kernel_set", HERE)
def test_the_forced_kernel_set_runs(kernel_set: str, run_python: RunPython) -> None:
    done = run_python("import foxnn; print(foxnn.kernel_set())", FOXNN_FORCE_ISA=kernel_set)
    assert (done.stdout.strip(), done.returncode) == (kernel_set, 0)


def test_the_best_kernel_set_is_the_default(run_python: RunPython) -> None:
    done = run_python("import foxnn; print(foxnn.kernel_set())", FOXNN_FORCE_ISA="")
    assert done.stdout.strip() == HERE[-1]
    assert HERE[0] == "reference"


FIRST_USES = {
    "predict": "nn.predict([[1.0]])",
    "predict uint8": "nn.predict(numpy.ones((1, 1), 'uint8'))",
    "fit": "nn.fit(numpy.ones((1, 1), 'uint8'), numpy.ones((1, 1), 'uint8'))",
    "kernel_set": "foxnn.kernel_set()",
}


@pytest.mark.parametrize("use", FIRST_USES)
def test_an_unknown_kernel_set_is_refused_on_first_use(use: str, run_python: RunPython) -> None:
    program = f"""
import foxnn, numpy
nn = foxnn.neural_network([1, 1])
for _ in range(2):
    try:
        {FIRST_USES[use]}
    except ValueError as error:
        print(error)
"""
    done = run_python(program, FOXNN_FORCE_ISA="avx3")
    assert done.returncode == 0, done.stderr
    messages = done.stdout.splitlines()
    assert len(messages) == 2
    for message in messages:
        for part in ("FOXNN_FORCE_ISA", "'avx3'", *(f"'{name}'" for name in HERE)):
            assert part in message


@pytest.mark.parametrize("threads", ["0", "-1", "two", "1.5", "100000"])
def test_bad_forced_threads_are_refused(threads: str, run_python: RunPython) -> None:
    program = """
import foxnn
try:
    foxnn.neural_network([1, 1]).predict([[1.0]])
except ValueError as error:
    print(error)
"""
    done = run_python(program, FOXNN_FORCE_THREADS=threads)
    assert "FOXNN_FORCE_THREADS" in done.stdout, done.stderr
    assert f"'{threads}'" in done.stdout


def big() -> foxnn.neural_network:
    return foxnn.neural_network([784, 512, 512, 10], "relu", "softmax", seed=1)


def test_small_work_stays_serial() -> None:
    assert foxnn.neural_network([3, 5, 4, 2]).threads_for(1) == 1


def test_n_threads_is_a_ceiling() -> None:
    nn = big()
    most = nn.threads_for(1000)
    nn.settings.n_threads = 1
    assert nn.threads_for(1000) == 1
    nn.settings.n_threads = 1000
    assert nn.threads_for(1000) == most


PRINT_THREADS = """
import foxnn
print(foxnn.neural_network([784, 512, 512, 10]).threads_for(1000))
"""


def test_omp_num_threads_is_honoured(run_python: RunPython) -> None:
    done = run_python(PRINT_THREADS, OMP_NUM_THREADS="1", FOXNN_FORCE_THREADS="")
    assert done.stdout.strip() == "1", done.stderr


def test_threadpoolctl_is_honoured() -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl")
    nn = big()
    with threadpoolctl.threadpool_limits(1):
        assert nn.threads_for(1000) == 1


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork here")
def test_a_forked_child_does_not_hang(run_python: RunPython) -> None:
    program = """
import os, foxnn, numpy
x, y = numpy.ones((200, 64), "float32"), numpy.ones((200, 64), "float32")
nn = foxnn.neural_network([64, 64, 64], seed=1)
nn.fit(x, y, 2)
if os.fork() == 0:
    nn.fit(x, y, 2)
    nn.predict(x)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.wait()[1]), nn.threads_for(32))
"""
    done = run_python(program, FOXNN_FORCE_THREADS="2")
    assert done.stdout.strip() == "7 2", done.stderr
