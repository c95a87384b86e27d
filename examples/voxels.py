"""Voxels: lesions in synthetic volumes, found by one stream of 3-D convolutions and by two.

    python examples/voxels.py [--pictures FOLDER] [--short]

Volumes of 16 x 16 x 16 noisy voxels with tissue, vessels and lesions. A lesion is a ball, as bright
as the vessels, so that only its surroundings tell them apart. A stream sees the voxels at full
resolution, or at half, or the network has both streams side by side.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

SIZE, NOISE, RADII = 16, 0.25, (2.0, 3.0)
TRAINING, TESTING = 400, 100
EPOCHS, BATCH, RATE, SEEDS = 12, 16, 0.01, (1, 2)
# Two voxels in a hundred are of lesions. At their own weight, no voxel at all is the first answer.
WEIGHTS = {1: 4.0}
THRESHOLDS = [i / 20 for i in range(1, 20)]


class Volumes(NamedTuple):
    """Volumes, and for each voxel whether it belongs to a lesion, and to a vessel."""

    voxels: Floats
    lesions: Bytes
    vessels: Bytes


def volumes(count: int, seed: int) -> Volumes:
    """Return volumes of smooth tissue, each with one or two vessels and one or two lesions."""
    rng = np.random.default_rng(seed)
    grid = np.stack(list(np.mgrid[:SIZE, :SIZE, :SIZE]), axis=-1).astype(np.float32)
    voxels = np.empty((count, SIZE, SIZE, SIZE), np.float32)
    lesions, vessels = np.zeros(voxels.shape, np.uint8), np.zeros(voxels.shape, np.uint8)
    for volume, lesion, vessel in zip(voxels, lesions, vessels, strict=True):
        waves = np.sin(grid @ rng.normal(0, 0.2, (3, 3)) + rng.uniform(0, 2 * np.pi, 3))
        for _ in range(rng.integers(1, 3)):
            direction, offsets = rng.normal(size=3), grid - rng.uniform(4, SIZE - 5, 3)
            direction /= np.linalg.norm(direction)
            aside = offsets - (offsets @ direction)[..., None] * direction
            vessel[np.linalg.norm(aside, axis=-1) <= rng.uniform(*RADII)] = 1
        for _ in range(rng.integers(1, 3)):
            ball = vessel
            while (ball & vessel).any():  # so that no lesion is hidden in a vessel
                offsets = grid - rng.uniform(3, SIZE - 4, 3)
                ball = (np.linalg.norm(offsets, axis=-1) <= rng.uniform(*RADII)).astype(np.uint8)
            lesion |= ball
        volume[:] = np.where(lesion + vessel > 0, 1.0, 0.15 * waves.sum(axis=-1))
    voxels += NOISE * rng.standard_normal(voxels.shape, np.float32)
    return Volumes(voxels, lesions, vessels)


def conv(filters: int) -> list[Any]:
    """Return a convolution that keeps the size, normalized."""
    return [
        foxnn.Conv3D(filters, 3, padding="same", activation="identity"),
        foxnn.BatchNorm(),
        foxnn.Activation("relu"),
    ]


FINE = [*conv(8), *conv(8), *conv(8)]  # sees 7 voxels across
COARSE = [foxnn.AveragePool3D(2), *conv(16), *conv(16), *conv(16), foxnn.UpSample(2)]  # and 14
STREAMS: dict[str, list[Any]] = {
    "fine stream": FINE,
    "coarse stream": COARSE,
    "two streams": [foxnn.Parallel(FINE, COARSE)],
}


def network(streams: list[Any], seed: int) -> foxnn.neural_network:
    """Return a network that gives each voxel's probability of being part of a lesion."""
    return foxnn.neural_network(
        [(SIZE, SIZE, SIZE, 1), *streams, foxnn.Conv3D(8, 1), foxnn.Conv3D(1, 1)],
        "relu", "sigmoid", "binary_cross_entropy", seed=seed,
    )  # fmt: skip


def train(streams: list[Any], made: Volumes, epochs: int, seed: int) -> foxnn.neural_network:
    """Return a network that has learned where the lesions of some volumes are."""
    nn = network(streams, seed)
    schedule = foxnn.schedules.cosine(epochs)
    nn.fit(
        made.voxels, made.lesions, epochs, BATCH, "adam", RATE,
        class_weight=WEIGHTS, schedule=schedule, progress=False,
    )  # fmt: skip
    return nn


def dice(found: NDArray[Any], lesions: Bytes) -> float:
    """Return twice the voxels that both have over the voxels of each, added up, in per cent."""
    both = np.count_nonzero((found > 0) & (lesions > 0))
    return float(200 * both / max(1, np.count_nonzero(found) + np.count_nonzero(lesions)))


def best_threshold(found: Floats, lesions: Bytes) -> float:
    """Return the probability from which on voxels are best taken for lesions."""
    return max(THRESHOLDS, key=lambda least: dice(found > least, lesions))


def picture(made: Volumes, answers: dict[str, Floats], which: list[int]) -> Any:
    """Draw slices through lesions: the voxels, and the probabilities that each network gives."""
    figure, panels = plt.subplots(
        len(which), 1 + len(answers), figsize=(8.2, 2 * len(which) + 0.3), layout="constrained"
    )
    for row, i in zip(panels, which, strict=True):
        depth = int(made.lesions[i].sum(axis=(1, 2)).argmax())
        row[0].imshow(made.voxels[i, depth], cmap="gray", vmin=-1, vmax=2)
        for ax, found in zip(row[1:], answers.values(), strict=True):
            drawn = ax.imshow(found[i, depth], cmap="magma", vmin=0, vmax=1)
        for ax in row:
            ax.contour(made.lesions[i, depth], [0.5], colors="#33cc33", linewidths=1.5)
            ax.set(xticks=[], yticks=[])
    for ax, name in zip(panels[0], ("slice", *answers), strict=True):
        ax.set_title(name, fontsize=10)
    figure.colorbar(drawn, ax=panels, label="probability of a lesion", shrink=0.8, aspect=40)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train one stream, the other and both; print how well they find the lesions, and draw it."""
    options = common.options(__doc__, argv)
    short = options.short
    made, test = volumes(40 if short else TRAINING, 0), volumes(20 if short else TESTING, 1)
    rows = [("voxels of lesions, of vessels", "",
             f"{100 * test.lesions.mean():.1f} %, {100 * test.vessels.mean():.1f} %")]  # fmt: skip
    answers: dict[str, Floats] = {}
    for name, streams in STREAMS.items():
        scores, in_vessels = [], []
        for seed in SEEDS[: 1 if short else 2]:
            nn = train(streams, made, 2 if short else EPOCHS, seed)
            found = nn.predict(test.voxels)[..., 0]
            answers.setdefault(name, found)
            # From volumes that it has learned, not from those of the test.
            some = slice(0, len(test.voxels))
            least = best_threshold(nn.predict(made.voxels[some])[..., 0], made.lesions[some])
            scores.append(dice(found > least, test.lesions))
            in_vessels.append(100 * float((found[test.vessels > 0] > least).mean()))
        rows += [
            (f"{name}: Dice", "", common.mean_and_each(scores, "%", 1)),
            (f"{name}: voxels of vessels taken for lesions", "",
             common.mean_and_each(in_vessels, "%", 2)),
        ]  # fmt: skip
    common.report(rows)
    shared = np.logical_and(test.lesions.any(axis=(2, 3)), test.vessels.any(axis=(2, 3)))
    which = np.flatnonzero(shared.any(axis=1))[:3].tolist()
    common.save(picture(test, answers, which), options.pictures, "voxels")
    return 0


if __name__ == "__main__":
    sys.exit(main())
