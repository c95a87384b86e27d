"""What one more layer adds to a training step, kind by kind.

A network of (16, 16, 64) samples, Dense(64), the layer, GlobalAveragePool is trained with and
without the layer, on one thread. The time is that of the processor, the least of all rounds, so
that other programs hardly change it. All layers give the shape that they get.
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

SHAPE, CHANNELS, BATCH = (16, 16, 64), 64, 64
STEPS = 8  # in a run; its memory is asked for anew each time

LAYERS: dict[str, list[Any]] = {
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


def step_of(layers: list[Any], samples: int) -> Callable[[], float]:
    """Return a function that trains and returns the processor's seconds for a sample."""
    nn = foxnn.neural_network(
        [SHAPE, foxnn.Dense(CHANNELS), *layers, foxnn.GlobalAveragePool()], "identity", seed=1
    )
    nn.settings.n_threads = 1
    rng = np.random.default_rng(0)
    x = rng.random((samples, *SHAPE), dtype=np.float32)
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
    sides = {name: step_of(layers, samples) for name, layers in ({"": []} | LAYERS).items()}
    least = dict.fromkeys(sides, float("inf"))
    for _ in range(rounds + 1):
        for name, run in sides.items():
            least[name] = min(least[name], run())
    numbers = int(np.prod(SHAPE))
    rows = []
    for name in LAYERS:
        more = max(least[name] - least[""], 0.0)
        rows.append([f"`{name}`", shown_seconds(more), f"{more / numbers * 1e9:.2f} ns"])
    print(shown_machine(), f"float32, one thread, {numbers:,} numbers in a sample", sep="; ")
    print(f"\n{table(['layer', 'a sample', 'a number of its input'], rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
