"""Edge maps: a network learns what Sobel's operator finds, and then to find it under noise.

    python examples/edges.py [--pictures FOLDER] [--data FOLDER] [--short]

One convolution learns the two kernels of Sobel's operator from its answers. Three convolutions
learn the edges of clean collages of digits from noisy ones.
"""

from __future__ import annotations

import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn
from segmentation import SIZE, Floats, collages

SMOOTH, ACROSS = np.array([1, 2, 1]) / 8, np.array([-1, 0, 1])
# Sobel's kernels for the slope to the right and downwards, of a unit a pixel; not mirrored.
SOBEL = np.stack([np.outer(SMOOTH, ACROSS), np.outer(ACROSS, SMOOTH)], axis=-1)
TRAINING, TESTING = 2000, 300
EPOCHS, BATCH, RATE, SEED = 6, 10, 0.003, 1
WIDTHS = (0.5, 0.75, 1.0, 1.25, 1.5)


def filtered(pictures: Floats, kernel: NDArray[Any]) -> Floats:
    """Return the sum of each pixel's surroundings, weighted by a kernel; beyond the edge is 0."""
    before = len(kernel) // 2
    padded = np.pad(pictures, ((0, 0), (before, before), (before, before)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape, (1, 2))
    found: Floats = np.einsum("nijkl,kl->nij", windows, kernel.astype(np.float32))
    return found


def slopes(pictures: Floats) -> Floats:
    """Return the slope of each pixel to the right and downwards, by Sobel's operator."""
    return np.stack([filtered(pictures, SOBEL[..., i]) for i in range(2)], axis=-1)


def edges(pictures: Floats) -> Floats:
    """Return the steepest slope of each pixel, in any direction."""
    found: Floats = np.linalg.norm(slopes(pictures), axis=-1)
    return found


def blurred(pictures: Floats, width: float) -> Floats:
    """Return pictures after a Gaussian filter."""
    reach = np.arange(-4, 5)
    bell = np.exp(-(reach**2) / (2 * width**2))
    return filtered(pictures, np.outer(bell, bell) / bell.sum() ** 2)


def learn_kernels(pictures: Floats) -> NDArray[Any]:
    """Return the weights of a convolution that has learned what Sobel's operator computes."""
    nn = foxnn.neural_network(
        [(SIZE, SIZE, 1), foxnn.Conv2D(2, 3, padding="same", bias=False)], "identity", seed=SEED
    )
    schedule = foxnn.schedules.exponential(0.8)
    nn.fit(pictures, slopes(pictures), 30, BATCH, "adam", 0.05, schedule=schedule, progress=False)
    weights: NDArray[Any] = nn[0].weights[:, :, 0]
    return weights


def learn_edges(noisy: Floats, wanted: Floats, epochs: int) -> foxnn.neural_network:
    """Return a network from noisy pictures to the edges of clean ones."""
    layers = [foxnn.Conv2D(filters, 3, padding="same") for filters in (12, 12, 1)]
    nn = foxnn.neural_network([(SIZE, SIZE, 1), *layers], "relu", "identity", seed=SEED)
    schedule = foxnn.schedules.cosine(epochs)
    nn.fit(noisy, wanted, epochs, BATCH, "adam", RATE, schedule=schedule, progress=False)
    return nn


def error(found: Floats, wanted: Floats) -> float:
    """Return the mean squared error of a pixel, in thousandths."""
    return float(1000 * ((found - wanted) ** 2).mean())


def picture(columns: dict[str, Floats]) -> Any:
    """Draw pictures side by side: what comes in, and the edges that each way finds."""
    count = len(next(iter(columns.values())))
    figure, panels = plt.subplots(
        count, len(columns), figsize=(1.7 * len(columns), 1.6 * count + 0.3), layout="constrained"
    )
    for column, (name, images) in zip(panels.T, columns.items(), strict=True):
        column[0].set_title(name, fontsize=9)
        for ax, image in zip(column, images, strict=True):
            limits = (-0.5, 1.5) if name == "noisy collage" else (0, 0.5)
            ax.imshow(image, cmap="gray_r", vmin=limits[0], vmax=limits[1])
            ax.set(xticks=[], yticks=[])
    return figure


def main(argv: list[str] | None = None) -> int:
    """Learn Sobel's kernels, then edges under noise; print the errors and draw the edges."""
    options = common.options(__doc__, argv, mnist=True)
    images, y, images_test, y_test = common.digits(options.data)
    made = collages(images, y, 200 if options.short else TRAINING, 0)
    test = collages(images_test, y_test, 50 if options.short else TESTING, 1)
    kernels, wanted = learn_kernels(made.noisy[:200]), edges(test.clean)
    nn = learn_edges(made.noisy, edges(made.clean), 4 if options.short else EPOCHS)
    by_width = {width: error(edges(blurred(test.noisy, width)), wanted) for width in WIDTHS}
    best = min(by_width, key=by_width.__getitem__)
    answers = nn.predict(test.noisy)[..., 0]
    rows = [
        ("kernels of Sobel's operator, largest error", "", f"{np.abs(kernels - SOBEL).max():.1e}"),
        ("mean square of an edge map", "", f"{error(np.zeros_like(wanted), wanted):.2f}"),
        ("error of Sobel's operator under noise", "", f"{error(edges(test.noisy), wanted):.2f}"),
        (f"  after a Gaussian filter of width {best:g}", "", f"{by_width[best]:.2f}"),
        ("error of the network under noise", "", f"{error(answers, wanted):.2f}"),
    ]
    common.report(rows)
    some = slice(0, 3)
    columns = {
        "noisy collage": test.noisy[some],
        "Sobel of the clean one": wanted[some],
        "Sobel of the noisy one": edges(test.noisy[some]),
        f"the same, blurred by {best:g}": edges(blurred(test.noisy[some], best)),
        "network": answers[some],
    }
    common.save(picture(columns), options.pictures, "edges")
    return 0


if __name__ == "__main__":
    sys.exit(main())
