"""The machine's limits: its FMA peak, and its bandwidth by memory level.

Every figure is measured with real machine code: the engine's own chain of fused multiply-adds, its
own sum over an array, and NumPy's copy.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import foxnn
from foxnn import _core
from measure import table

LEVELS = ("L2", "L3", "memory")

# If the system does not report them: sizes that most current processors have at least.
ASSUMED_CACHES = {"L2": 1 << 20, "L3": 16 << 20}

# Large enough to exceed any common third-level cache, and small enough to be available everywhere.
MOST_MEMORY = 1 << 30


class UnmeasurableError(RuntimeError):
    """A figure that this build of foxnn has no code to measure."""


def side_by_side(threads: int, work: Callable[[], float]) -> float:
    """Return the sum of the results of some work in this many threads, started together."""
    start = threading.Barrier(threads)

    def one(_: int) -> float:
        start.wait()
        return work()

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(one, range(threads)))


def kernel_measure(name: str) -> Any:
    """Return one of the engine's measuring functions by name.

    Raises
    ------
    UnmeasurableError
        If this build does not have it.
    """
    found = getattr(_core.testing, name, None)
    if found is None:
        raise UnmeasurableError(f"foxnn._core.testing has no {name}: this build cannot measure it")
    return found


def fma_peak(threads: int, dtype: str, seconds: float) -> float:
    """Return the floating-point operations per second of this many threads doing only FMAs."""
    measure = kernel_measure("fma_peak")
    kernel_set = foxnn.kernel_set()
    return 1e9 * side_by_side(threads, lambda: float(measure(kernel_set, dtype, seconds)))


def caches(root: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> dict[str, int]:
    """Return the sizes of the second and third level in bytes, as reported or as assumed."""
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
    """Return the bytes that each thread passes over to measure a level.

    Half of a second-level cache, so that all of it stays there; several of those, but at most half
    of the third level for all threads together; and twice the third level.
    """
    sizes = caches()
    l2, l3 = sizes["L2"], sizes["L3"]
    return {
        "L2": l2 // 2,
        "L3": max(2 * l2, min(8 * l2, l3 // 2 // threads)),
        "memory": min(2 * l3, MOST_MEMORY) // threads,
    }


def read_bandwidth(threads: int, size: int, seconds: float) -> float:
    """Return the bytes per second of summing an array of this many bytes in each thread."""
    measure = kernel_measure("read_bandwidth")
    kernel_set = foxnn.kernel_set()

    def one() -> float:
        return float(measure(kernel_set, np.ones(size // 4, np.float32), seconds))

    return 1e9 * side_by_side(threads, one)


def copy_bandwidth(threads: int, size: int, seconds: float) -> float:
    """Return the bytes per second, read and written, of copying half of this many bytes."""

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


def function_seconds(name: str, dtype: str, seconds: float) -> float:
    """Return the seconds of one value of an elementary function on one thread.

    From the difference between arrays of two lengths, so that the call does not count. The longer
    one with its result is within any second-level cache, which is read several times as fast.
    """
    measure = kernel_measure("math")
    kernel_set = foxnn.kernel_set()

    def least(length: int) -> float:
        x = np.linspace(-3.0, 3.0, length, dtype=dtype)
        best, end = float("inf"), time.perf_counter() + seconds / 2
        while True:
            start = time.perf_counter()
            measure(kernel_set, name, x)
            now = time.perf_counter()
            best = min(best, now - start)
            if now > end:
                return best

    short, long = 1 << 11, 1 << 14
    return max(0.0, least(long) - least(short)) / (long - short)


def level_of(bytes_in_all: int, threads: int) -> str:
    """Return the nearest level that holds this many bytes, divided between the threads."""
    sizes = caches()
    if bytes_in_all <= threads * sizes["L2"]:
        return "L2"
    return "L3" if bytes_in_all <= sizes["L3"] else "memory"


def best_bandwidth(threads: int, size: int, seconds: float) -> float:
    """Return the larger of the read and copy bandwidths: a bound must not be too easy to reach."""
    return max(measure(threads, size, seconds) for measure in (read_bandwidth, copy_bandwidth))


def measured_limits(
    threads: int, dtype: str, seconds: float, levels: Sequence[str]
) -> tuple[dict[str, dict[int, float]], list[str]]:
    """Return the machine's limits by name and number of threads, and notes on missing ones."""
    found: dict[str, dict[int, float]] = {}
    notes: list[str] = []

    def add(name: str, one: Callable[[int], float]) -> None:
        try:
            found[name] = {count: one(count) for count in sorted({1, threads})}
        except UnmeasurableError as error:
            if str(error) not in notes:
                notes.append(str(error))

    def add_bandwidths(level: str) -> None:
        def size(count: int) -> int:
            return working_sets(count)[level]

        shown = f"{level}, {size(threads) / 2**20:.0f} MB a thread"
        add(f"read, {shown}", lambda count: read_bandwidth(count, size(count), seconds))
        add(f"copy, {shown}", lambda count: copy_bandwidth(count, size(count), seconds))

    add(f"FMA peak, {foxnn.kernel_set()}, {dtype}", lambda count: fma_peak(count, dtype, seconds))
    for level in levels:
        add_bandwidths(level)
    return found, notes


def limits_table(limits: dict[str, dict[int, float]]) -> str:
    """Return the machine's limits as a Markdown table."""
    counts_of_threads = sorted({count for by_count in limits.values() for count in by_count})
    rows = []
    for name, by_count in limits.items():
        unit = "GFLOP/s" if name.startswith("FMA") else "GB/s"
        rows.append([name, *(f"{by_count[n] / 1e9:.0f} {unit}" for n in counts_of_threads)])
    heads = [f"{n} thread{'s' * (n != 1)}" for n in counts_of_threads]
    return table(["measured", *heads], rows)
