"""Compare foxnn with other libraries on the same work, in one run, taking turns.

Each library does each piece of work once to warm up, and then all of them take turns for several
rounds. The table gives medians, and the time of each library as a multiple of foxnn's. Libraries
that are not installed are listed and skipped: ``pip install "foxnn[compare]"`` installs them.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import foxnn
import peers
import reports
from foxnn.cli import doctor
from measure import in_turns, machine, medians, positive, shown_machine
from row import LeftOutError, Row, Run
from rows import ROWS
from work import Data


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=[row.name for row in ROWS])
    parser.add_argument("--threads", type=positive, default=doctor.usable_cores())
    parser.add_argument("--rounds", type=positive, help="[5]")
    parser.add_argument("--quick", action="store_true", help="few samples, one round: only a check")
    parser.add_argument("--data", type=Path, help="folder with the four IDX files of MNIST")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="a PNG; needs matplotlib")
    # Passed to the separate process of a row.
    parser.add_argument("--inside", type=Path, metavar="FILE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.chart and importlib.util.find_spec("matplotlib") is None:
        parser.error("--chart needs matplotlib: pip install matplotlib")
    return options


def result_of(row: Row, run: Run, rounds: int) -> dict[str, Any]:
    """Measure a row in this process."""
    run.notes = []
    figures: dict[str, list[float]] = {}
    try:
        figures = in_turns(row.sides(run), rounds)
    except LeftOutError as error:
        run.notes.append(f"skipped: {error}")
    found = medians(figures)
    targets = []
    for target in row.targets:
        reached = target.reached(found)
        met = None if reached is None else target.is_met(reached)
        targets.append({**vars(target), "reached": reached, "met": met})
    return {
        "name": row.name,
        "title": row.title,
        "unit": row.unit,
        "threads": run.threads if row.has_threads else None,
        "kernel_set": foxnn.kernel_set(),
        "medians": found,
        "figures": figures,
        "targets": targets,
        "notes": run.notes,
    }


def result_of_own_process(row: Row, options: argparse.Namespace) -> dict[str, Any]:
    """Measure a row in a separate process: with one core for all libraries, or with a kernel set.

    Libraries choose their threads when they start, so the cores are restricted before that.
    """
    command = [sys.executable, str(Path(__file__).resolve()), "--only", row.name]
    command += ["--threads", "1" if row.one_core else str(options.threads)]
    command += ["--quick"] * options.quick
    if options.rounds:
        command += ["--rounds", str(options.rounds)]
    if options.data:
        command += ["--data", str(options.data)]
    environment = {**os.environ, "FOXNN_FORCE_ISA": row.isa} if row.isa else None
    if row.one_core and sys.platform == "linux":
        program = "import os, sys; os.sched_setaffinity(0, {max(os.sched_getaffinity(0))}); "
        program += "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
        command = [sys.executable, "-c", program, *command[1:]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "result.json"
        subprocess.run([*command, "--inside", str(path)], env=environment, check=True)
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def results_of(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure the requested rows."""
    run = Run(options.threads, options.quick, Data(options.data, random_only=options.quick))
    results = []
    for row in ROWS:
        if options.only and row.name not in options.only:
            continue
        if row.isa and row.isa not in foxnn.kernel_sets():
            print(f"{row.name}: skipped, no {row.isa} on this machine", file=sys.stderr)
            continue
        start = time.perf_counter()
        if row.needs_own_process and not options.inside:
            results.append(result_of_own_process(row, options))
        else:
            rounds = 1 if options.quick else options.rounds or row.rounds
            results.append(result_of(row, run, rounds))
        if not options.inside:
            print(f"{row.name}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    return results


def main() -> int:
    """Measure, print and write the results."""
    options = arguments()
    if options.inside:
        options.inside.write_text(json.dumps(results_of(options)[0]), encoding="utf-8")
        return 0
    missing = [name for name in peers.LIBRARIES if not peers.is_there(name)]
    if missing:
        print(f"not installed, skipped: {', '.join(missing)}", file=sys.stderr)
    results = results_of(options)
    versions = peers.versions()
    footer = f"{shown_machine()}; medians; " + ", ".join(f"{k} {v}" for k, v in versions.items())
    if options.quick:
        footer += "; QUICK: only checks that everything runs, the figures mean nothing"
    text = "\n\n".join([reports.markdown(results), footer, *reports.notes(results)]) + "\n"
    print(text, end="")
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    if options.chart:
        reports.chart(results, footer, options.chart)
    if options.json:
        facts = {**machine(), "threads": options.threads, "versions": versions, "missing": missing}
        content = json.dumps({**facts, "results": results}, indent=2)
        options.json.write_text(content + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
