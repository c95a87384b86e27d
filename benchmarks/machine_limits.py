"""What the machine can do at most: its FMA peak, and its bandwidth by level of memory.

Every figure is measured by real machine code: the engine's own chain of fused multiply-adds, its
own sum over an array, and NumPy's copy.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import foxnn
from foxnn import _core

LEVELS = ("L2", "L3", "memory")

# Where the system does not tell: sizes that most processors of these years have at least.
ASSUMED_CACHES = {"L2": 1 << 20, "L3": 16 << 20}

# Enough to leave any common third-level cache, and little enough to be had everywhere.
MOST_MEMORY = 1 << 30


class UnmeasurableError(RuntimeError):
    """A figure for whose measure the build of foxnn has no code."""


def side_by_side(threads: int, work: Callable[[], float]) -> float:
    """Return the sum of what some work returns in so many threads that begin at once."""
    start = threading.Barrier(threads)

    def one(_: int) -> float:
        start.wait()
        return work()

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(one, range(threads)))


def kernel_measure(name: str) -> Any:
    """Return one of the engine's measures by name.

    Raises
    ------
    UnmeasurableError
        Where this build does not have it.
    """
    found = getattr(_core.testing, name, None)
    if found is None:
        raise UnmeasurableError(f"foxnn._core.testing has no {name}: this build cannot measure it")
    return found


def fma_peak(threads: int, dtype: str, seconds: float) -> float:
    """Return the floating-point operations a second of so many threads, all of them FMAs."""
    measure = kernel_measure("fma_peak")
    kernel_set = foxnn.kernel_set()
    return 1e9 * side_by_side(threads, lambda: float(measure(kernel_set, dtype, seconds)))


def caches(root: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> dict[str, int]:
    """Return the bytes of the second and third level, as the system tells or as assumed."""
    found = dict(ASSUMED_CACHES)
    for index in root.glob("index*"):
        level, kind, size = (
            (index / name).read_text(encoding="utf-8").strip() for name in ("level", "type", "size")
        )
        number = re.fullmatch(r"(\d+)([KM])", size)
        if f"L{level}" in found and kind != "Instruction" and number:
            found[f"L{level}"] = int(number[1]) << {"K": 10, "M": 20}[number[2]]
    return found


def working_sets(threads: int) -> dict[str, int]:
    """Return the bytes that each thread goes over to measure a level.

    Half of a second-level cache, so that all of it stays; several of those, but at most half of the
    third level for all threads together; and twice the third level.
    """
    sizes = caches()
    l2, l3 = sizes["L2"], sizes["L3"]
    return {
        "L2": l2 // 2,
        "L3": max(2 * l2, min(8 * l2, l3 // 2 // threads)),
        "memory": min(2 * l3, MOST_MEMORY) // threads,
    }


def read_bandwidth(threads: int, size: int, seconds: float) -> float:
    """Return the bytes a second of summing an array of so many bytes in each thread."""
    measure = kernel_measure("read_bandwidth")
    kernel_set = foxnn.kernel_set()

    def one() -> float:
        return float(measure(kernel_set, np.ones(size // 4, np.float32), seconds))

    return 1e9 * side_by_side(threads, one)


def copy_bandwidth(threads: int, size: int, seconds: float) -> float:
    """Return the bytes a second, read and written, of copying half of so many bytes."""

    def one() -> float:
        source = np.ones(size // 8, np.float32)
        target = np.zeros_like(source)
        np.copyto(target, source)
        copies, start = 0, time.perf_counter()
        while (taken := time.perf_counter() - start) < seconds or not copies:
            np.copyto(target, source)
            copies += 1
        return 2 * source.nbytes * copies / taken

    return side_by_side(threads, one)


def level_of(bytes_in_all: int, threads: int) -> str:
    """Return the nearest level that holds so many bytes, divided between the threads."""
    sizes = caches()
    if bytes_in_all <= threads * sizes["L2"]:
        return "L2"
    return "L3" if bytes_in_all <= sizes["L3"] else "memory"


def best_bandwidth(threads: int, size: int, seconds: float) -> float:
    """Return the larger bandwidth of reading and copying: a bound must not be too easy to reach."""
    return max(measure(threads, size, seconds) for measure in (read_bandwidth, copy_bandwidth))
