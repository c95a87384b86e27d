"""Neutral to smile: a film of a face whose single frames do not tell which way it is played.

    python examples/neutral_to_smile.py [--pictures FOLDER] [--short]

A drawn face begins neutral, comes to smile, and begins again. A film of it starts anywhere, and is
played forwards or backwards. A recurrent network that has learned to see how much a single face
smiles tells which; networks that see the last frame, or all frames without their order, cannot.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

SIZE, FRAMES, PERIODS = 24, 12, (6.0, 14.0)
NOISE, SWAY, BLINKS = 0.2, 1.0, 0.1  # of pixels; of the head, in pixels; share of frames
TRAINING, TESTING = 4000, 5000
EPOCHS, BATCH, RATE, SEED = 6, 50, 0.003, 1
CLASSES = ("neutral to smile", "smile to neutral")

LAST, UNORDERED = "dense, last frame", "average of all frames"
SCRATCH, RECURRENT = "GRU, from scratch", "GRU"
WAYS = (LAST, UNORDERED, SCRATCH, RECURRENT)


class Films(NamedTuple):
    """Films of faces, how much each frame smiles from 0 to 1, and whether they are backwards."""

    frames: Floats
    smiles: Floats
    backwards: Labels


def stroke(distance: Floats, width: float) -> Floats:
    """Return the ink of a line at pixels of such a distance from it, with soft edges."""
    return np.clip((width - np.abs(distance)) * 1.5 + 0.5, 0, 1)


def faces(smiles: Floats, eyes: Floats, places: Floats) -> Floats:
    """Draw faces: of each the mouth's curve, how open the eyes are, and where its centre is."""
    rows, columns = np.mgrid[:SIZE, :SIZE].astype(np.float32) - np.float32((SIZE - 1) / 2)
    y = rows - places[..., 0, None, None]
    x = columns - places[..., 1, None, None]
    bent, opened = smiles[..., None, None], eyes[..., None, None]
    ink = stroke(np.hypot(x, y) - 9.5, 0.6)
    for side in (-3.5, 3.5):
        eye = np.hypot((x - side) / 1.2, (y + 2.8) / np.maximum(1.5 * opened, 0.3))
        ink = np.maximum(ink, np.clip(1.7 - 1.2 * eye, 0, 1))
    # A parabola whose corners rise and whose middle falls as the mouth comes to smile.
    mouth = stroke(y - 3.8 + bent * (0.14 * x**2 - 1.6), 0.7)
    drawn: Floats = np.maximum(ink, mouth * (np.abs(x) < 4.2 + 0.8 * bent))
    return drawn


def films(count: int, seed: int) -> Films:
    """Return films, every second of them backwards."""
    rng = np.random.default_rng(seed)
    times = np.arange(FRAMES)[:, None]
    # Smile and sway begin anywhere in their course. So a frame at any place in the film may show
    # anything, and just as likely if the film is turned round.
    smiles = (rng.random((count, 1)) + times[:, 0] / rng.uniform(*PERIODS, (count, 1))) % 1
    turns = rng.random((count, 1, 2)) + times / rng.uniform(*PERIODS, (count, 1, 2))
    places = rng.uniform(-1, 1, (count, 1, 2)) + SWAY * np.sin(2 * np.pi * turns)
    is_blink = rng.random((count, FRAMES)) < BLINKS
    eyes = np.where(is_blink, 0.1, rng.uniform(0.7, 1.1, (count, 1)))
    darkness = rng.uniform(0.6, 1, (count, 1, 1, 1)).astype(np.float32)
    frames = np.float32(NOISE) * rng.standard_normal((count, FRAMES, SIZE, SIZE), np.float32)
    course = [one.astype(np.float32) for one in (smiles, eyes, places)]
    for frame, dark, *of_film in zip(frames, darkness, *course, strict=True):
        frame += dark * faces(*of_film)
    for part in (frames, course[0]):
        part[1::2] = part[1::2, ::-1].copy()
    return Films(frames[..., None], course[0], np.arange(count) % 2)


def seeing() -> list[Any]:
    """Return layers that look at each frame by itself: windows of a single frame's depth."""
    return [
        (FRAMES, SIZE, SIZE, 1),
        foxnn.Conv3D(6, (1, 5, 5)), foxnn.MaxPool3D((1, 2, 2)),
        foxnn.Conv3D(12, (1, 3, 3)), foxnn.MaxPool3D((1, 2, 2)),
        foxnn.Reshape((FRAMES, 12 * 4 * 4)), foxnn.Dense(24),
    ]  # fmt: skip


def fit(
    nn: foxnn.neural_network, x: Floats, y: Any, epochs: int, rate: float = RATE
) -> foxnn.neural_network:
    """Train a network and return it."""
    with warnings.catch_warnings():
        # Where there is nothing to learn but the training films by heart, that is shown here.
        warnings.simplefilter("ignore", foxnn.ConvergenceWarning)
        nn.fit(
            x, y, epochs, BATCH, "adam", rate, schedule=foxnn.schedules.cosine(epochs),
            progress=False,
        )  # fmt: skip
    return nn


def learn_to_see(made: Films, epochs: int) -> foxnn.neural_network:
    """Return a network that has learned how much the face of each frame smiles."""
    nn = foxnn.neural_network(
        [*seeing(), foxnn.Dense(1)], "relu", output_activation="identity", seed=SEED
    )
    return fit(nn, made.frames, made.smiles[..., None], epochs)


def train(way: str, seer: foxnn.neural_network, made: Films, epochs: int) -> foxnn.neural_network:
    """Train a network to tell films that run backwards."""
    # Copies of the layers that have learned to see, with the shape of the films before them.
    look = seeing() if way == SCRATCH else [(FRAMES, SIZE, SIZE, 1), *seer[:-1]]
    layers = {
        LAST: [SIZE * SIZE, 64, 32, 2],
        UNORDERED: [*look, foxnn.GlobalAveragePool(), 32, 2],
    }.get(way, [*look, foxnn.GRU(24, return_sequences=True), foxnn.Dense(2)])
    nn = foxnn.neural_network(layers, "relu", "softmax", seed=SEED)
    # A recurrent network learns to answer after every frame.
    is_recurrent = way in (SCRATCH, RECURRENT)
    y = np.repeat(made.backwards[:, None], FRAMES, axis=1) if is_recurrent else made.backwards
    x, borrowed = seen(way, made), [] if way in (LAST, SCRATCH) else nn[: len(seer) - 1]
    for layer in borrowed:
        layer.trainable = False
    fit(nn, x, y, epochs)
    if borrowed:
        # What follows has learned to use them. Before, its errors would only have spoilt them.
        for layer in borrowed:
            layer.trainable = True
        fit(nn, x, y, -(-epochs // 2), RATE / 3)
    return nn


def seen(way: str, made: Films) -> Floats:
    """Return what a network reads of films: the last frame, or all."""
    return made.frames[:, -1].reshape(-1, SIZE * SIZE) if way == LAST else made.frames


def answers(nn: foxnn.neural_network, way: str, made: Films) -> Labels:
    """Return whether a network takes each film to run backwards, after its last frame."""
    found = nn.predict(seen(way, made))
    last: Labels = found.reshape(len(found), -1, 2)[:, -1].argmax(axis=1)
    return last


def confusion(answers: Labels, backwards: Labels) -> Labels:
    """Return how many films of each class (rows) got each answer (columns)."""
    table: Labels = np.bincount(2 * backwards + answers, minlength=4).reshape(2, 2)
    return table


def accuracy(answers: Labels, backwards: Labels) -> float:
    """Return the share of right answers in per cent."""
    return 100 * float((answers == backwards).mean())


def picture(made: Films, chances: Floats) -> Any:
    """Draw two films, and how sure the recurrent network is after each frame of some."""
    figure = plt.figure(figsize=(13, 3.4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(8.6, 4.4))
    panels = left.subplots(2, 1)
    for i, ax in enumerate(panels):
        film = made.frames[i].reshape(FRAMES, SIZE, SIZE).swapaxes(0, 1).reshape(SIZE, -1)
        ax.imshow(film, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(CLASSES[made.backwards[i]], fontsize=10)
        ax.set(yticks=[])
        ax.set_xticks(
            np.arange(FRAMES) * SIZE + SIZE / 2, [f"{100 * one:.0f} %" for one in chances[i]]
        )
        ax.tick_params(length=0)
    left.supxlabel(f"probability of {CLASSES[1]} after this frame", fontsize=10)
    ax, frames = right.subplots(), np.arange(1, FRAMES + 1)
    right_answers = (chances > 0.5) == made.backwards[:, None]
    for i, colour in enumerate(("#1f77b4", "#d95f02")):
        ax.plot(frames, chances[i:60:2].T, color=colour, alpha=0.25, linewidth=0.8)
        ax.plot([], [], color=colour, label=CLASSES[i])
    ax.plot(frames, right_answers.mean(axis=0), "o-", color="black", markersize=4, label="accuracy")
    ax.set(xlabel="frames seen", ylabel=f"probability of {CLASSES[1]}", xticks=frames)
    ax.grid(alpha=0.3)
    ax.legend(fontsize=8, loc="center right")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Train the three networks; print what they tell of new films, and draw some."""
    options = common.options(__doc__, argv)
    short = options.short
    made, test = films(200 if short else TRAINING, 0), films(100 if short else TESTING, 1)
    epochs = 1 if short else EPOCHS
    seer = learn_to_see(made, epochs)
    off = seer.predict(test.frames)[..., 0] - test.smiles
    rows = [("error of a smile", "", f"{np.sqrt((off**2).mean()):.2f}")]
    for way in WAYS:
        nn = train(way, seer, made, epochs)
        found = answers(nn, way, test)
        known = accuracy(answers(nn, way, made), made.backwards)
        rows += [
            (f"{way}: films learned", "", f"{known:.1f} %"),
            (f"{way}: new films", "", f"{accuracy(found, test.backwards):.1f} %"),
            *((f"{way}: {kind}, answers", "", ", ".join(map(str, counts)))
              for kind, counts in zip(
                  CLASSES, confusion(found, test.backwards).tolist(), strict=True)),
        ]  # fmt: skip
    chances = nn.predict(test.frames)[..., 1]  # of the last way: the one that tells
    course = [f"{accuracy(one > 0.5, test.backwards):.1f}" for one in chances.T]
    rows.append((f"{RECURRENT}: after 1 to {FRAMES} frames", "", ", ".join(course) + " %"))
    common.report(rows)
    common.save(picture(test, chances), options.pictures, "neutral-to-smile")
    return 0


if __name__ == "__main__":
    sys.exit(main())
