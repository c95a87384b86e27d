"""The thread table: the training time on 1 ... N threads, and the number the engine chooses.

``--grid`` tries many networks and batches and looks for cases where more threads are slower.
``--predict 8,16,64`` shows what the engine expects of machines with so many cores, and how far its
estimate is right on this one.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

import foxnn
import thread_model
from foxnn.cli import doctor
from measure import (
    in_turns,
    layer_sizes,
    medians,
    positive,
    positives,
    shown_machine,
    shown_seconds,
    table,
)
from peers import foxnn_epoch
from work import Data, Work

GRID_WIDTHS = (2, 8, 32, 128, 512, 2048)
GRID_BATCHES = (1, 8, 32, 128, 1024)

# A case counts as slower on more threads if its median exceeds that of one thread by this fraction,
# and by more than twice the spread of the rounds on one thread.
NOISE = 0.05


def counts_of_threads(most: int) -> list[int]:
    """Return 1, 2, 4, ... and the maximum."""
    found = [1]
    while found[-1] * 2 < most:
        found.append(found[-1] * 2)
    return found if most == 1 else [*found, most]


def sides(work: Work, data: Data, counts: list[int]) -> dict[str, Any]:
    """Return an epoch for each number of threads; 0 lets the engine choose."""
    x, y = data.of(work)
    return {str(count): foxnn_epoch(work, x, y, count) for count in counts}


def picked(work: Work, ceiling: int) -> int:
    """Return the number of threads that the engine uses for a step."""
    network = work.network()
    network.settings.n_threads = ceiling
    return network.threads_for(work.batch)


def thread_table(work: Work, data: Data, most: int, rounds: int) -> str:
    """Return seconds, speed-up and efficiency for 1 ... most threads as Markdown."""
    counts = counts_of_threads(most)
    found = medians(in_turns(sides(work, data, counts), rounds))
    alone = found["1"]
    rows = []
    for count in counts:
        seconds = found[str(count)]
        speed_up = alone / seconds
        cells = [str(count), str(picked(work, count)), shown_seconds(seconds)]
        rows.append([*cells, f"{speed_up:.2f}", f"{100 * speed_up / count:.0f} %"])
    return table(["n_threads", "used", "an epoch", "speed-up", "efficiency"], rows)


def grid(widths: list[int], batches: list[int], threads: int, rounds: int) -> tuple[str, int]:
    """Return a table of one thread against more, and the number of cases where more were slower."""
    rows, slower = [], 0
    for width in widths:
        for batch in batches:
            # A few milliseconds each, and at least two steps.
            steps = max(2, min(2000, 40_000_000 // (width * width * batch + 20_000)))
            work = Work((width, width, width), "tanh", steps * batch, optimizer="adam", batch=batch)
            seconds = in_turns(sides(work, Data(random_only=True), [1, threads]), rounds)
            found = medians(seconds)
            ratio = found[str(threads)] / found["1"]
            spread = statistics.pstdev(seconds["1"]) / found["1"] if rounds > 1 else 1.0
            is_slower = ratio > 1 + max(NOISE, 2 * spread)
            slower += is_slower
            rows.append(
                [str(width), str(batch), str(picked(work, threads)),
                 *(shown_seconds(found[str(n)] / steps) for n in (1, threads)),
                 f"{1 / ratio:.2f}", "slower" if is_slower else ""]
            )  # fmt: skip
    head = ["width", "batch", "used", "a step, 1 thread", f"{threads} threads", "speed-up", ""]
    return table(head, rows), slower


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=layer_sizes, default=[784, 512, 512, 10])
    parser.add_argument("--batch-size", type=positive, default=98)
    parser.add_argument("--samples", type=positive, default=60_000, help="samples per epoch")
    parser.add_argument(
        "--threads", type=positive, default=doctor.usable_cores(), help="maximum number"
    )
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument(
        "--grid", action="store_true", help="many networks, on 1 thread and on --threads"
    )
    parser.add_argument(
        "--predict", type=positives, metavar="CORES", help="what the engine expects: 8,16,64"
    )
    parser.add_argument("--quick", action="store_true", help="of --predict: only a check")
    parser.add_argument("--widths", type=positives, default=list(GRID_WIDTHS))
    parser.add_argument("--batches", type=positives, default=list(GRID_BATCHES))
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    return parser.parse_args()


def main() -> int:
    """Measure, print and write the results; the exit code is 1 if more threads were slower."""
    options = arguments()
    slower = 0
    if options.predict:
        checked = thread_model.check(options.threads, options.rounds, options.quick)
        text = f"{checked}\n\n{thread_model.predictions(options.predict)}\n"
    elif options.grid:
        text, slower = grid(options.widths, options.batches, options.threads, options.rounds)
        text += f"\n\n{slower} cases slower on {options.threads} threads than on one\n"
    else:
        work = Work(
            tuple(options.layers), "relu", options.samples, classifies=True, optimizer="adam",
            batch=options.batch_size,
        )  # fmt: skip
        ceiling = foxnn.neural_network(options.layers).threads_for(options.batch_size)
        text = thread_table(work, Data(random_only=True), options.threads, options.rounds)
        text += f"\n\nWith n_threads = 0 the engine takes {ceiling}.\n"
    text = f"{shown_machine()}\n\n{text}"
    print(text, end="")
    if options.markdown:
        options.markdown.write_text(text, encoding="utf-8")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
