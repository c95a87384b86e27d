"""How the benchmarks measure: sides take turns after a warm-up, results are medians."""

from __future__ import annotations

import argparse
import platform
import statistics
import time
import timeit
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import foxnn
from foxnn.cli import doctor

# Runs once and returns its seconds.
Timed = Callable[[], float]

# Before each turn: idle worker threads of the library measured last spin for some milliseconds
# before they sleep, and would occupy a core that the next library needs.
PAUSE = 0.02


def timed(work: Callable[[], object]) -> Timed:
    """Return a function that does some work once and returns the seconds it took."""

    def run() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return run


def one_call(call: Callable[[], object], seconds: float = 0.05) -> Timed:
    """Return a function that repeats a call for about `seconds` and returns the seconds per call.

    The first run also determines the number of calls.
    """
    timer = timeit.Timer(call)
    calls = 0

    def run() -> float:
        nonlocal calls
        if not calls:
            calls = 1
            while (taken := timer.timeit(calls)) < seconds / 10:
                calls *= 2
            calls = max(1, round(calls * seconds / taken))
        return timer.timeit(calls) / calls

    return run


def in_turns(sides: Mapping[str, Timed], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each side: one warm-up run each, and then all sides in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        side()
    for _ in range(rounds):
        for name, side in sides.items():
            time.sleep(PAUSE)
            seconds[name].append(side())
    return seconds


def medians(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return the median of each side."""
    return {name: statistics.median(values) for name, values in seconds.items()}


def machine() -> dict[str, Any]:
    """Return the facts that all figures depend on."""
    return {
        "processor": doctor.processor(),
        "cores": doctor.usable_cores(),
        "kernel_set": foxnn.kernel_set(),
        "python": platform.python_version(),
    }


def shown_machine() -> str:
    """Return a one-line description of the machine."""
    facts = machine()
    return (
        f"{facts['processor']}, {facts['cores']} cores, {facts['kernel_set']}; "
        f"foxnn {foxnn.__version__}, Python {facts['python']}"
    )


def shown_seconds(value: float) -> str:
    """Return seconds with three digits, in a suitable unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-6:.3g} us"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def positive(text: str) -> int:
    """Parse an option that is an integer of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value


def positives(text: str) -> list[int]:
    """Parse an option like ``784,512,10``."""
    return [positive(part) for part in text.split(",")]


def layer_sizes(text: str) -> list[int]:
    """Parse the sizes of a network, like ``784,512,10``."""
    sizes = positives(text)
    if len(sizes) < 2:
        raise argparse.ArgumentTypeError(f"must be inputs and at least one layer, got {text!r}")
    return sizes
