"""Compare foxnn's rules of evolution with other libraries: seconds, and what the runs found.

    python benchmarks/evolution.py [--rounds N] [--only TASK] [--markdown FILE] [--json FILE]

Networks of the same sizes, populations of the same size that begin with the same members, the same
number of generations, and operators that are as equal as the libraries allow. All libraries take
turns, once for each seed, after a run to warm up, in which JAX compiles. ``pip install
"foxnn[compare-evolution]"`` installs them; those that are missing are listed and skipped.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evolution_peers import SIDES
from evolution_task import LIBRARIES, Evolved, Evolver, Setting, Task, versions
from foxnn.cli import doctor
from measure import PAUSE, positive, shown_machine, shown_seconds, table
from peers import is_installed

_CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)


def _curve() -> tuple[Any, Any]:
    """Return samples of a smooth function of four numbers, with two outputs."""
    x = np.random.default_rng(0).uniform(-1, 1, (256, 4)).astype(np.float32)
    y = np.stack([np.sin(3 * x[:, 0]) * x[:, 1], x[:, 2] ** 2 - x[:, 3]], axis=1)
    return x, y


def tasks(quick: bool) -> dict[str, Task]:
    """Return the tasks by name."""
    found = {
        "xor": Task(
            "XOR, 100 networks [2, 4, 1], until the mean squared error is 0.01, or 200 generations",
            (2, 4, 1), "sigmoid", _CORNERS, np.array([[0], [1], [1], [0]], np.float32), 100, 200,
            Setting(speed=0.5, sigma=0.2, learning_rate=0.2, spread=0.5), target=0.01,
        ),
        "regression": Task(
            "regression, 256 samples, 128 networks [4, 16, 2], 50 generations",
            (4, 16, 2), "identity", *_curve(), 128, 50,
            Setting(speed=0.1, sigma=0.05, learning_rate=0.05, spread=0.3),
        ),
    }  # fmt: skip
    return {name: task.shortened() for name, task in found.items()} if quick else found


def in_turns(sides: dict[str, Evolver], task: Task, rounds: int) -> dict[str, list[Evolved]]:
    """Return what each side found for each seed, and in which time."""
    found: dict[str, list[Evolved]] = {name: [] for name in sides}
    for seed in range(rounds + 1):
        start = task.population(seed).parameters
        for name, evolve in sides.items():
            time.sleep(PAUSE)
            started = time.perf_counter()
            one = evolve(start, seed)
            if seed:  # not the run that warms up
                found[name].append(one._replace(seconds=time.perf_counter() - started))
    return found


def summary(task: Task, runs: Sequence[Evolved]) -> dict[str, Any]:
    """Return the medians of the runs of a side."""
    found: dict[str, Any] = {
        name: statistics.median(getattr(one, name) for one in runs) for name in Evolved._fields
    }
    found["per_generation"] = statistics.median(one.seconds / one.generations for one in runs)
    if task.target is not None:
        found["reached"] = sum(one.error <= task.target for one in runs)
    return found


def results_of(names: Sequence[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure the tasks, each with each rule."""
    results = []
    for name in names:
        task = tasks(options.quick)[name]
        rounds = 1 if options.quick else options.rounds
        for rule, makers in SIDES.items():
            sides = {
                library: make(task, options.threads)
                for library, make in makers.items()
                if is_installed(LIBRARIES[library][0])
            }
            runs = in_turns(sides, task, rounds)
            summaries = {library: summary(task, each) for library, each in runs.items()}
            results.append(
                {
                    "task": name,
                    "title": task.title,
                    "rule": rule,
                    "runs": rounds,
                    "sides": summaries,
                }
            )
            print(f"{name}, {rule}: done", file=sys.stderr)
    return results


def markdown(results: Sequence[dict[str, Any]]) -> str:
    """Return a table for each task, with a row for each rule and library."""
    parts = []
    for name in dict.fromkeys(result["task"] for result in results):
        own = [result for result in results if result["task"] == name]
        is_race = any("reached" in side for result in own for side in result["sides"].values())
        head = ["rule", "library", "a run", "a generation", "mean squared error"]
        rows = []
        for result in own:
            first = result["sides"]["foxnn"]["per_generation"]
            for library, side in result["sides"].items():
                times = side["per_generation"] / first
                rows.append(
                    [
                        result["rule"], library, shown_seconds(side["seconds"]),
                        f"{shown_seconds(side['per_generation'])} ({times:.1f})",
                        f"{side['error']:.3g}",
                    ]
                )  # fmt: skip
                if is_race:
                    rows[-1] += [
                        f"{side['generations']:g}", f"{side['reached']} of {result['runs']}"
                    ]  # fmt: skip
        if is_race:
            head += ["generations", "reached"]
        parts.append(f"{own[0]['title']}; medians of {own[0]['runs']} seeds:")
        parts.append(table(head, rows))
    return "\n\n".join(parts)


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=list(tasks(quick=True)))
    parser.add_argument("--threads", type=positive, default=doctor.usable_cores())
    parser.add_argument("--rounds", type=positive, default=5, help="seeds [5]")
    parser.add_argument("--quick", action="store_true", help="few generations: only a check")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    return parser.parse_args()


def main() -> int:
    """Measure, print and write the results."""
    options = arguments()
    missing = [name for name, (module, _) in LIBRARIES.items() if not is_installed(module)]
    if missing:
        print(f"not installed, skipped: {', '.join(missing)}", file=sys.stderr)
    results = results_of(options.only or list(tasks(quick=True)), options)
    known = versions()
    footer = f"{shown_machine()}; " + ", ".join(f"{k} {v}" for k, v in known.items())
    if options.quick:
        footer += "; QUICK: only checks that everything runs, the figures mean nothing"
    text = f"{markdown(results)}\n\n{footer}\n"
    print(text, end="")
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    if options.json:
        content = {"versions": known, "missing": missing, "results": results}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
