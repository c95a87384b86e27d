"""What ``python -m foxnn doctor`` finds out about the machine: its cores, its speed, its load."""

from __future__ import annotations

import functools
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

import foxnn
from foxnn import _core

ISA_VARIABLE = "FOXNN_FORCE_ISA"
THREADS_VARIABLE = "FOXNN_FORCE_THREADS"
OPENMP_VARIABLE = "OMP_NUM_THREADS"

# Long enough for a median, short enough for all of them to end within a second.
_SECONDS_A_MEASUREMENT = 0.2
_TINY_STEPS = 5000
# One million weights: like those of real networks, they do not fit into a second-level cache.
WIDE = 1024
WIDE_SAMPLES = 256


@dataclass(frozen=True)
class Facts:
    """What was found. Speeds are None if the engine refused to work."""

    cores: int
    usable_cores: int
    quota: float | None
    kernel_sets: tuple[str, ...]
    kernel_set: str | None
    trouble: str | None
    threads: int
    environment: dict[str, str]
    step_microseconds: float | None = None
    gflops: float | None = None
    gflops_of_one: float | None = None
    # Those of numbers of threads between one and all.
    gflops_of_some: dict[int, float] = field(default_factory=dict)
    # How many of the usable cores other programs kept busy during the measurement, if known.
    busy_cores: float | None = None


def processor() -> str:
    """Return the name of the processor."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(encoding="utf-8"), re.M)
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return how many cores this process may use, considering its affinity."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def core_quota(root: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Return how many cores' time the container may use, or None if there is no limit."""
    path = root / "cpu.max"
    if not path.exists():
        return None
    quota, period = path.read_text(encoding="utf-8").split()
    return None if quota == "max" else int(quota) / int(period)


def gather() -> Facts:
    """Look at the machine and measure."""
    names = (ISA_VARIABLE, THREADS_VARIABLE, OPENMP_VARIABLE)
    kernel_set = trouble = step = busy = None
    threads = _core.thread_limit()
    speeds: dict[int, float] = {}
    try:
        kernel_set = foxnn.kernel_set()
        step = _tiny_step()
        before = _busy_seconds()
        speeds = _products([1, *_between(threads), 0])
        after = _busy_seconds()
        busy = None if before is None or after is None else _used_by_others(before, after)
    except ValueError as error:  # a variable that forces what is not available
        trouble = str(error)
    return Facts(
        cores=os.cpu_count() or 1,
        usable_cores=usable_cores(),
        quota=core_quota(),
        kernel_sets=tuple(foxnn.kernel_sets()),
        kernel_set=kernel_set,
        trouble=trouble,
        threads=threads,
        environment={name: os.environ[name] for name in names if os.environ.get(name)},
        step_microseconds=step,
        gflops=speeds.pop(0, None),
        gflops_of_one=speeds.pop(1, None),
        gflops_of_some=speeds,
        busy_cores=busy,
    )


def _between(threads: int) -> list[int]:
    """Return the powers of two between 1 and a number of threads."""
    return [2**i for i in range(1, threads.bit_length()) if 2**i < threads]


class _Busy(NamedTuple):
    """The seconds that have passed, and those that the usable cores and this process worked."""

    passed: float
    cores: float
    own: float


def _busy_seconds(path: Path = Path("/proc/stat")) -> _Busy | None:
    """Return how long the usable cores have worked; None where the system does not tell."""
    if sys.platform != "linux" or not path.exists():
        return None
    usable = os.sched_getaffinity(0)
    ticks = 0
    for number, times in re.findall(r"^cpu(\d+) (.+)$", path.read_text(encoding="ascii"), re.M):
        if int(number) in usable:
            user, nice, system, _, _, *others = map(int, times.split())
            # After idle and waiting: interrupts, and what other virtual machines took. The last
            # two, time of guests, are in user and nice, too.
            ticks += user + nice + system + sum(others[:3])
    return _Busy(time.perf_counter(), ticks / os.sysconf("SC_CLK_TCK"), time.process_time())


def _used_by_others(before: _Busy, after: _Busy) -> float:
    """Return how many cores other programs kept busy between two moments."""
    passed, cores, own = (b - a for a, b in zip(before, after, strict=True))
    return max(0.0, cores - own) / passed


def _median_seconds(works: list[Callable[[], object]]) -> list[float]:
    """Return the median time of each work; they take turns, so that all meet the same load."""
    for work in works:
        work()
    found: list[list[float]] = [[] for _ in works]
    end = time.perf_counter() + _SECONDS_A_MEASUREMENT * len(works)
    while not found[0] or time.perf_counter() < end:
        for work, seconds in zip(works, found, strict=True):
            start = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - start)
    return list(map(statistics.median, found))


def _tiny_step() -> float:
    """Return the microseconds of a training step of [3, 5, 4, 2] with one sample."""
    nn = foxnn.neural_network([3, 5, 4, 2], seed=0)
    x, y = np.zeros((_TINY_STEPS, 3), np.float32), np.zeros((_TINY_STEPS, 2), np.float32)
    (seconds,) = _median_seconds([lambda: nn.fit(x, y, 1, 1, "sgd", progress=False)])
    return 1e6 * seconds / _TINY_STEPS


def _products(counts: list[int]) -> dict[int, float]:
    """Return the GFLOP/s of a layer of a thousand neurons on each number of threads; 0: all."""
    nn = foxnn.neural_network([WIDE, WIDE], "identity", seed=0)
    x = np.ones((WIDE_SAMPLES, WIDE), np.float32)

    def work(threads: int) -> None:
        nn.settings.n_threads = threads
        nn.predict(x)

    seconds = _median_seconds([functools.partial(work, count) for count in counts])
    work_of_all = 2e-9 * WIDE_SAMPLES * WIDE**2
    return {count: work_of_all / time for count, time in zip(counts, seconds, strict=True)}
