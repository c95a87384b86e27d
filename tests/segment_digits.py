"""Made-up digits in place of MNIST: seven segments like those of a clock, moved and under noise.

Unlike noise, they have strokes, on which an edge can be found and which can be turned and erased.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# Rows and columns of each segment: top, middle, bottom, and the four upright ones.
SEGMENTS = {
    "t": (slice(7, 10), slice(8, 20)),
    "m": (slice(13, 16), slice(8, 20)),
    "b": (slice(20, 23), slice(8, 20)),
    "l": (slice(7, 16), slice(8, 11)),
    "r": (slice(7, 16), slice(17, 20)),
    "L": (slice(13, 23), slice(8, 11)),
    "R": (slice(13, 23), slice(17, 20)),
}
DIGITS = ["tblrLR", "rR", "trmLb", "trmRb", "lmrR", "tlmRb", "tlmLRb", "trR", "tmblrLR", "tlmrRb"]

Images = NDArray[np.uint8]


def images(labels: NDArray[np.int64], seed: int) -> Images:
    """Return an image for each label, of shape (labels, 784)."""
    rng = np.random.default_rng(seed)
    made = np.zeros((len(labels), 28, 28))
    for image, label in zip(made, labels, strict=True):
        for segment in DIGITS[label]:
            image[SEGMENTS[segment]] = rng.uniform(150, 255)
        image[:] = np.roll(image, rng.integers(-1, 2, 2), (0, 1))
    made += (made == 0) * (rng.random(made.shape) < 0.02) * 100
    return made.astype(np.uint8).reshape(-1, 784)


def load(data: Path | None) -> tuple[Images, ...]:
    """Return 1000 images to train on and 300 to test on, as `common.digits` does."""
    y, y_test = np.arange(1000) % 10, np.arange(300) % 10
    return images(y, 0), y.astype(np.uint8), images(y_test, 1), y_test.astype(np.uint8)
