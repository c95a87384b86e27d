"""foxnn beside its peers on the same work, in one run, in turns.

Each library does each piece of work once to warm up, and then all of them in turn, several rounds;
the table gives medians, and how many times as long as foxnn each took. Peers that are not installed
are named and left out: ``pip install "foxnn[compare]"`` installs them.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import foxnn
import peers

Timed = Callable[[], float]


@dataclass(frozen=True)
class Work:
    """One row of the table: a network, its training, and how many samples are gone through."""

    name: str
    sizes: tuple[int, ...]
    activation: str
    optimizer: str
    batch: int
    samples: int
    classifies: bool
    rounds: int = 5

    @property
    def title(self) -> str:
        """What the row says."""
        kind = "softmax" if self.classifies else "squared error"
        return (
            f"epoch of {self.samples:,}, {list(self.sizes)}, {self.activation}, {kind}, "
            f"{self.optimizer}, batch {self.batch}"
        )


WORKS = (
    Work("mnist", (784, 512, 512, 10), "relu", "adam", 98, 60_000, True),
    Work("textbook", (784, 100, 10), "sigmoid", "sgd", 10, 60_000, False),
    Work("tiny-1", (3, 5, 4, 2), "sigmoid", "sgd", 1, 20_000, False),
    Work("tiny-98", (3, 5, 4, 2), "sigmoid", "sgd", 98, 98_000, False),
    Work("control", (4, 64, 64, 2), "tanh", "adam", 32, 32_000, False),
)


def data_of(work: Work) -> tuple[Any, Any]:
    """Return inputs and targets (labels or outputs) as random as they are plentiful.

    Speed does not depend on what the numbers mean; a third of the inputs are zero, as ink is.
    """
    rng = np.random.default_rng(0)
    x = rng.random((work.samples, work.sizes[0]), dtype=np.float32)
    x *= x > 1 / 3
    if work.classifies:
        return x, rng.integers(0, work.sizes[-1], work.samples)
    return x, rng.random((work.samples, work.sizes[-1]), dtype=np.float32)


def sides(work: Work, threads: int) -> tuple[dict[str, Timed], list[str]]:
    """Return the libraries' timed epochs by name, and which libraries are missing."""
    x, y = data_of(work)
    found, missing = {}, []
    for name, (module, make) in peers.TRAINERS.items():
        try:
            importlib.import_module(module)
        except ImportError:
            missing.append(name)
            continue
        if epoch := make(work, x, y, threads):
            found[name] = epoch
    return found, missing


def measure(timed: dict[str, Timed], rounds: int) -> dict[str, float]:
    """Return the median seconds of each, after a warm-up, taken in turns."""
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for epoch in timed.values():
        epoch()
    for _ in range(rounds):
        for name, epoch in timed.items():
            seconds[name].append(epoch())
    return {name: statistics.median(values) for name, values in seconds.items()}


def machine() -> dict[str, Any]:
    """Return what the figures hang on."""
    model = platform.processor()
    if (info := Path("/proc/cpuinfo")).exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "kernel_set": foxnn.kernel_set(),
        "python": platform.python_version(),
        "versions": peers.versions(),
    }


def markdown(results: Iterable[dict[str, Any]]) -> str:
    """Return the results as a table."""
    rows = list(results)
    names = [n for n in peers.TRAINERS if any(n in r["seconds"] for r in rows)]
    lines = [
        "| work | threads | " + " | ".join(names) + " |",
        "|---|---|" + "---|" * len(names),
    ]
    for row in rows:
        own = row["seconds"]["foxnn"]
        cells = []
        for name in names:
            value = row["seconds"].get(name)
            if value is None:
                cells.append("")
            elif name == "foxnn":
                cells.append(f"{value:.3g} s")
            else:
                cells.append(f"{value:.3g} s ({value / own:.1f} x)")
        lines.append(f"| {row['title']} | {row['threads']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=[w.name for w in WORKS])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--quick", action="store_true", help="few samples, one round: a check")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    results: list[dict[str, Any]] = []
    for work in WORKS:
        if options.only and work.name not in options.only:
            continue
        if options.quick:
            work = Work(**{**vars(work), "samples": work.batch * 5, "rounds": 1})
        timed, missing = sides(work, options.threads)
        if missing and not results:
            print(f"not installed, left out: {', '.join(missing)}", file=sys.stderr)
        start = time.perf_counter()
        seconds = measure(timed, work.rounds)
        results.append(
            {"name": work.name, "title": work.title, "threads": options.threads, "seconds": seconds}
        )
        print(f"{work.name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    facts = machine()
    print(markdown(results))
    print(f"\n{facts['processor']}, {facts['cores']} cores; medians; {facts['versions']}")
    if options.json:
        options.json.write_text(json.dumps({**facts, "results": results}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
