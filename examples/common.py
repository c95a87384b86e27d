"""What the examples share: options, the digits, the table of figures, the pictures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray

matplotlib.use("Agg")  # pictures are written, not shown

HERE = Path(__file__).resolve().parent


def options(
    description: str | None, argv: list[str] | None = None, *, mnist: bool = False
) -> argparse.Namespace:
    """Return the options of an example: --short, --pictures and, for the digits, --data."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--short", action="store_true", help="a tenth of the work, to try it out")
    parser.add_argument(
        "--pictures", type=Path, default=Path(), help="folder for the pictures (default: here)"
    )
    if mnist:
        parser.add_argument("--data", type=Path, help="folder with the four files of MNIST")
    return parser.parse_args(argv)


def digits(data: Path | None) -> tuple[NDArray[np.uint8], ...]:
    """Return MNIST as images of 784 bytes and labels: of the training set, then of the test set."""
    sys.path.insert(0, str(HERE.parent / "benchmarks"))  # where the main job keeps it
    try:
        import mnist_data
    finally:
        sys.path.pop(0)
    return mnist_data.load(data)


def report(rows: Iterable[tuple[str, str, str]]) -> None:
    """Print a table of what was measured, what the article got, and what foxnn got."""
    table = [("", "article", "foxnn"), *rows]
    widths = [max(len(row[i]) for row in table) for i in range(3)]
    for row in table:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


def save(figure: Any, folder: Path, name: str) -> None:
    """Write a figure as name.png and close it."""
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.png", dpi=80, bbox_inches="tight")
    plt.close(figure)
    print(f"wrote {folder / name}.png")
