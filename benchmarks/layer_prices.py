"""What one more layer adds to a training step, kind by kind.

A network of (16, 16, 64) samples, Dense(64), the layer, GlobalAveragePool is trained with and
without the layer, on one thread; for layers over sequences the samples are (256, 64). The time is
that of the processor, the least of all rounds, so that other programs hardly change it. All layers
give the shape that they get.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import foxnn
from measure import positive, shown_machine, shown_seconds, table

PICTURE, SEQUENCE, CHANNELS, BATCH = (16, 16, 64), (256, 64), 64, 64
NUMBERS = 16 * 16 * 64  # in a sample of either shape
STEPS = 8  # in a run; its memory is asked for anew each time

OF_PICTURES: dict[str, list[Any]] = {
    "Dense(64)": [foxnn.Dense(CHANNELS)],
    "Conv2D(64, 3, padding='same')": [foxnn.Conv2D(CHANNELS, 3, padding="same")],
    "the same, groups=64": [foxnn.Conv2D(CHANNELS, 3, padding="same", groups=CHANNELS)],
    "MaxPool2D(2, 1, padding='same')": [foxnn.MaxPool2D(2, 1, padding="same")],
    "AveragePool2D(2, 1, padding='same')": [foxnn.AveragePool2D(2, 1, padding="same")],
    "MaxPool2D(2), UpSample(2)": [foxnn.MaxPool2D(2), foxnn.UpSample(2)],
    "Activation('relu')": [foxnn.Activation("relu")],
    "Activation('gelu')": [foxnn.Activation("gelu")],
    "Dropout(0.2)": [foxnn.Dropout(0.2)],
    "BatchNorm()": [foxnn.BatchNorm()],
    "LayerNorm()": [foxnn.LayerNorm()],
    "Reshape((256, 64))": [foxnn.Reshape((256, CHANNELS))],
    "Residual(Activation('relu'))": [foxnn.Residual(foxnn.Activation("relu"))],
    "Parallel(Dense(32), Dense(32))": [foxnn.Parallel(foxnn.Dense(32), foxnn.Dense(32))],
}
OF_SEQUENCES: dict[str, list[Any]] = {
    "Conv1D(64, 3, padding='same')": [foxnn.Conv1D(CHANNELS, 3, padding="same")],
    **{
        f"{kind.__name__}(64, return_sequences=True)": [kind(CHANNELS, return_sequences=True)]
        for kind in (foxnn.RNN, foxnn.GRU, foxnn.LSTM)
    },
}
TABLES = ((PICTURE, OF_PICTURES), (SEQUENCE, OF_SEQUENCES))


def step_of(shape: tuple[int, ...], layers: list[Any], samples: int) -> Callable[[], float]:
    """Return a function that trains and returns the processor's seconds for a sample."""
    nn = foxnn.neural_network(
        [shape, foxnn.Dense(CHANNELS), *layers, foxnn.GlobalAveragePool()], "identity", seed=1
    )
    nn.settings.n_threads = 1
    rng = np.random.default_rng(0)
    x = rng.random((samples, *shape), dtype=np.float32)
    y = np.zeros((samples, *nn[len(nn) - 1].output_shape), np.float32)

    def run() -> float:
        start = time.thread_time()
        nn.fit(x, y, 1, BATCH, "sgd", 1e-3, progress=False)
        return (time.thread_time() - start) / samples

    return run


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=positive, default=20)
    parser.add_argument("--quick", action="store_true", help="few samples: only a check")
    options = parser.parse_args()
    samples, rounds = (8, 1) if options.quick else (BATCH * STEPS, options.rounds)
    rows = []
    for shape, layers in TABLES:
        sides = {name: step_of(shape, own, samples) for name, own in ({"": []} | layers).items()}
        least = dict.fromkeys(sides, float("inf"))
        for _ in range(rounds + 1):
            for name, run in sides.items():
                least[name] = min(least[name], run())
        for name in layers:
            more = max(least[name] - least[""], 0.0)
            rows.append([f"`{name}`", shown_seconds(more), f"{more / NUMBERS * 1e9:.2f} ns"])
    print(shown_machine(), f"float32, one thread, {NUMBERS:,} numbers in a sample", sep="; ")
    print(f"\n{table(['layer', 'a sample', 'a number of its input'], rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
