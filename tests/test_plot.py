"""Pictures: what is on the Axes, where its colours are, and that nothing is shown or left open."""

from __future__ import annotations

import copy
import itertools
import sys
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib import colors, pyplot
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.figure import Figure

import foxnn
import small_runs
from closeness import assert_within
from foxnn.plot import drawing
from reference import ACTIVATIONS

Axes = Any

BLUE, RED = (np.array(matplotlib.colormaps["RdBu_r"](end)[:3]) for end in (0.1, 0.9))


@pytest.fixture(autouse=True)
def _nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def show(*_: object, **__: object) -> None:
        raise AssertionError("shown")

    monkeypatch.setattr(pyplot, "show", show)
    monkeypatch.setattr(Figure, "show", show)


def with_weights(
    weights: Any, activation: Any = "identity_x", bias: Any = None
) -> foxnn.neural_network:
    """Return a network of one layer whose weights are these."""
    values = np.array(weights, np.float64)
    nn = foxnn.neural_network([*values.shape], activation, dtype="float64", seed=0)
    nn[0].weights = values
    if bias is not None:
        nn[0].bias = bias
    return nn


def colours_at(ax: Axes, *places: tuple[float, float]) -> list[np.ndarray]:
    """Return the colours that one sees at places of the Axes."""
    ax.figure.canvas.draw()
    picture = np.asarray(ax.figure.canvas.buffer_rgba())
    pixels = np.floor(ax.transData.transform(places)).astype(int)
    return [picture[len(picture) - 1 - row, column, :3] / 255 for column, row in pixels]


def on_new_axes(*size: float) -> Axes:
    """Return Axes that pyplot does not know."""
    return Figure(figsize=size or None).subplots()


SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]])
SIDES = with_weights([[4.0], [0.0]], "sigmoid")  # which side of the vertical axis
CONVOLUTIONS = foxnn.neural_network(
    [(5, 6, 1), foxnn.Conv2D(3, (2, 3)), foxnn.Conv2D(2, 2), foxnn.MaxPool2D(2), 2], "tanh", seed=1
)
NUMBERS = {"loss": [0.5, 0.25], "accuracy": [0.25, 0.75]}

# Each function with what it needs, to be called with ax.
CALLS: dict[str, Callable[..., Axes]] = {
    "history": lambda ax=None: foxnn.plot.history(NUMBERS, ax),
    "decision_boundary": lambda ax=None: foxnn.plot.decision_boundary(
        SIDES, SQUARE, [0, 1, 0, 1], ax, resolution=20
    ),
    "weights": lambda ax=None: foxnn.plot.weights(foxnn.neural_network([9, 4]), 0, ax),
    "filters": lambda ax=None: foxnn.plot.filters(CONVOLUTIONS, 0, ax),
    "feature_maps": lambda ax=None: foxnn.plot.feature_maps(CONVOLUTIONS, np.ones((5, 6)), 0, ax),
    "network": lambda ax=None: foxnn.plot.network(foxnn.neural_network([3, 4]), ax),
    "activations": lambda ax=None: foxnn.plot.activations(None, ax),
}


# What all have in common


def test_all_functions_are_here() -> None:
    there = {
        name
        for name, value in vars(foxnn.plot).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("foxnn.plot.")
    }
    assert there == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_axes_that_are_given_are_drawn_on_and_returned(name: str) -> None:
    ax = on_new_axes()
    assert CALLS[name](ax) is ax
    assert ax.has_data()
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize("name", CALLS)
def test_without_axes_a_new_figure_is_made(name: str) -> None:
    before = pyplot.figure()
    ax = CALLS[name]()
    assert ax.has_data()
    assert ax.figure is not before
    assert ax.figure.number in pyplot.get_fignums()
    assert len(pyplot.get_fignums()) == 2
    assert not before.axes


@pytest.mark.parametrize("name", CALLS)
def test_one_of_several_axes(name: str) -> None:
    """Nothing is drawn on the others, and the whole can be written."""
    figure = Figure()
    others, ax = figure.subplots(1, 2)
    CALLS[name](ax)
    figure.canvas.draw()
    assert not others.has_data()


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("ax", [Figure(), np.array([on_new_axes()]), "ax", 0], ids=repr)
def test_anything_but_axes_is_refused(name: str, ax: object) -> None:
    with pytest.raises(TypeError, match="ax must be a matplotlib Axes or None, got"):
        CALLS[name](ax)
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize("name", CALLS)
def test_without_matplotlib_it_says_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in [m for m in sys.modules if m.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r'matplotlib.*pip install "foxnn\[plot\]"'):
        CALLS[name]()


# What people without one of the three kinds of cones see of red, green and blue (Machado, Oliveira
# and Fernandes, "A physiologically-based model for simulation of color vision deficiency", 2009).
VISION = {
    "all cones": np.eye(3),
    "no red ones": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no green ones": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
}


def in_lab(rgb: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Return colours, as they are seen, in CIELAB, where 2.3 is a difference just noticed."""
    light = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.clip(light @ seen.T, 0, 1) @ np.transpose(to_xyz) / [0.9505, 1.0, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116).T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


@pytest.mark.parametrize("vision", VISION)
def test_colours_are_told_apart_by_any_vision(vision: str) -> None:
    ends = matplotlib.colormaps[drawing.DIVERGING]([0.1, 0.9])[:, :3]
    pale = drawing.pale_diverging()([0.0, 1.0])[:, :3]
    for rgb, far in ((drawing.colours_of_classes(10), 15.0), (ends, 40.0), (pale, 40.0)):
        lab = in_lab(rgb, VISION[vision])
        pairs = itertools.combinations(lab, 2)
        assert min(np.linalg.norm(one - other) for one, other in pairs) > far


def test_more_classes_than_ten_have_colours_of_their_own() -> None:
    assert len(np.unique(drawing.colours_of_classes(25), axis=0)) == 25


# History


LISTS = {
    "loss": [0.9, 0.5, 0.4, 0.3],
    "val_loss": [0.8, 0.6, 0.5, 0.5],
    "accuracy": [0.5, 0.7, 0.8, 0.9],
    "val_accuracy": [0.5, 0.6, 0.7, 0.7],
}


def history_of(*names: str) -> foxnn.History:
    history = foxnn.History()
    for epoch in range(4):
        history.add(**{name: LISTS[name][epoch] for name in names}, learning_rate=0.1, seconds=1.0)
    return history


@pytest.mark.parametrize(
    "names",
    [
        ("loss",),
        ("loss", "val_loss"),
        ("loss", "accuracy"),
        ("loss", "val_loss", "accuracy", "val_accuracy"),
        ("accuracy",),
        ("val_accuracy",),
    ],
    ids=lambda names: "+".join(names),
)
@pytest.mark.parametrize("kind", [lambda h: h, dict], ids=["History", "dict"])
def test_curves_of_a_history(names: tuple[str, ...], kind: Callable[..., Any]) -> None:
    ax = foxnn.plot.history(kind(history_of(*names)))
    lines = {line.get_label(): line for axes in ax.figure.axes for line in axes.lines}
    expected = {}
    for name in names:
        of = "validation" if name.startswith("val_") else "training"
        expected[f"{name.removeprefix('val_')}, {of}"] = LISTS[name]
    assert {label: line.get_ydata().tolist() for label, line in lines.items()} == expected
    for label, line in lines.items():
        assert line.get_xdata().tolist() == [0, 1, 2, 3]
        assert line.get_linestyle() == ("--" if "validation" in label else "-")
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == list(expected)
    kinds = list(dict.fromkeys(name.removeprefix("val_") for name in names))
    assert [axes.get_ylabel() for axes in ax.figure.axes] == kinds
    assert ax.figure.axes[0] is ax
    assert ax.get_xlabel() == "epoch"
    if len(kinds) == 2:
        twin = ax.figure.axes[1]
        assert twin.yaxis.get_label_position() == "right"
        assert twin.lines[0].get_color() != ax.lines[0].get_color()
        assert {axes.yaxis.label.get_color() for axes in (ax, twin)} == {
            axes.lines[0].get_color() for axes in (ax, twin)
        }


@pytest.mark.parametrize("epochs", [1, 2, 3, 5, 11, 150])
def test_epochs_are_whole(epochs: int) -> None:
    ax = foxnn.plot.history({"loss": np.linspace(1, 0.5, epochs)})
    ax.figure.canvas.draw()
    low, high = ax.get_xlim()
    ticks = [tick for tick in ax.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(tick == round(tick) for tick in ticks)
    assert low < 0 <= epochs - 1 < high


def test_one_epoch_can_be_seen() -> None:
    ax = foxnn.plot.history({"loss": [0.5], "accuracy": [1.0]})
    blue = colors.to_rgb(drawing.COLOURS[0])
    assert_within(colours_at(ax, (0.0, 0.5))[0], blue, 0.02)


@pytest.mark.parametrize("accuracy", [[0.5, 1.0], [1.0, 1.0], [0.99, 0.999]])
def test_no_accuracy_beyond_one(accuracy: list[float]) -> None:
    ax = foxnn.plot.history({"loss": [1.0, 0.5], "accuracy": accuracy})
    bottom, top = ax.figure.axes[1].get_ylim()
    assert bottom < min(accuracy)
    assert max(accuracy) <= top <= 1 + 0.02 * (1 - bottom)


def test_accuracies_of_another_unit_are_left_alone() -> None:
    ax = foxnn.plot.history({"accuracy": [50.0, 90.0]})
    assert ax.get_ylim()[1] > 90


def test_a_history_of_fit() -> None:
    nn = foxnn.neural_network([2, 4, 2], "tanh", "softmax", seed=1)
    history = nn.fit(SQUARE, [0, 1, 1, 0], epochs=3, validation=0.5)
    ax = foxnn.plot.history(history)
    assert ax.lines[0].get_ydata().tolist() == history["loss"]
    assert ax.figure.axes[1].lines[1].get_ydata().tolist() == history["val_accuracy"]


def test_a_history_of_members_shows_their_median_and_range() -> None:
    pop = foxnn.population(5, [2, 4, 2], "tanh", "softmax", seed=1)
    stops = [foxnn.EarlyStopping("loss", patience=1, min_delta=10.0), *[None] * 4]
    history = pop.fit(SQUARE, [0, 1, 1, 0], epochs=4, early_stopping=stops)
    losses = history["loss"]
    assert np.isnan(losses[0, 2:]).all()  # ended
    ax = history.plot()
    assert ax.figure.axes[1].get_ylabel() == "accuracy"
    (line,), (band,) = ax.lines, ax.collections
    np.testing.assert_array_equal(line.get_xdata(), np.arange(4))
    np.testing.assert_array_equal(line.get_ydata(), np.nanmedian(losses, axis=0))
    corners = {tuple(corner) for corner in band.get_paths()[0].vertices}
    for epoch in range(4):
        own = losses[:, epoch]
        assert {(epoch, np.nanmin(own)), (epoch, np.nanmax(own))} <= corners
    # An epoch after which nobody was trained any more is left out.
    gaps = np.array([[1.0, 0.5, np.nan], [2.0, np.nan, np.nan]])
    (line,) = foxnn.plot.history({"loss": gaps}).lines
    assert line.get_xdata().tolist() == [0, 1]
    assert line.get_ydata().tolist() == [1.5, 0.5]


@pytest.mark.parametrize("kind", [lambda h: h, dict], ids=["EvolutionHistory", "dict"])
def test_scores_of_an_evolution(kind: Callable[..., Any]) -> None:
    pop = foxnn.population(10, [1, 1], seed=0)
    history = pop.evolve(lambda pop: -abs(pop.parameters).sum(axis=1), generations=12)
    ax = foxnn.plot.history(kind(history))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("generation", "score")
    assert {line.get_label(): line.get_ydata().tolist() for line in ax.lines} == {
        name: history[name].tolist() for name in ("best", "mean")
    }
    assert history.plot(ax) is ax
    assert len(ax.lines) == 4


@pytest.mark.parametrize(
    ("history", "error", "parts"),
    [
        ([0.5, 0.4], TypeError, ("history must be", "[0.5, 0.4]")),
        (None, TypeError, ("history must be", "None")),
        ({}, ValueError, ("history must hold one of loss, val_loss", "nothing")),
        ({"seconds": [1.0]}, ValueError, ("history must hold one of loss", "seconds")),
        ({"loss": []}, ValueError, ("no epoch of loss",)),
        (foxnn.History(), ValueError, ("history must hold one of loss", "nothing")),
        ({"loss": [1.0], "val_loss": [1.0, 2.0]}, ValueError, ("history", "'val_loss': 2")),
        ({"loss": [[[1.0]]]}, ValueError, ("history['loss']", "(1, 1, 1)")),
        ({"loss": [[1.0, 2.0]], "val_loss": [[1.0]]}, ValueError, ("history", "'val_loss': 1")),
        ({"best": [1.0], "mean": [1.0, 2.0]}, ValueError, ("history", "'mean': 2")),
        ({"best": []}, ValueError, ("no epoch of best",)),
        ({"loss": 1.0}, ValueError, ("history['loss']", "()")),
        ({"loss": ["a"]}, TypeError, ("history['loss']", "['a']")),
        ({"accuracy": [None]}, TypeError, ("history['accuracy']", "got None")),
    ],
)
def test_wrong_histories(history: Any, error: type[Exception], parts: tuple[str, ...]) -> None:
    refuses(lambda: foxnn.plot.history(history), error, *parts)


def refuses(call: Callable[[], object], error: type[Exception], *parts: str) -> None:
    """Check the error, its message, and that no figure is left behind."""
    with pytest.raises(error) as caught:
        call()
    assert caught.type is error
    missing = [part for part in parts if part not in str(caught.value)]
    assert not missing, f"no {missing} in {str(caught.value)!r}"
    assert pyplot.get_fignums() == []


# Decision boundary


def points_of(ax: Axes) -> dict[str, list[list[float]]]:
    """Return the samples that are drawn, by label."""
    return {
        each.get_label(): each.get_offsets().tolist()
        for each in ax.collections
        if not each.get_label().startswith("_")
    }


def near(colour: np.ndarray, other: Any) -> float:
    return float(np.abs(colour - np.asarray(colors.to_rgb(other))).max())


def boundary(nn: foxnn.neural_network, y: Any, x: Any = SQUARE, **options: Any) -> Axes:
    return foxnn.plot.decision_boundary(nn, x, y, **{"resolution": 50, **options})


def test_an_output_behind_sigmoid() -> None:
    """Blue where it is near 0, red where it is near 1, and a dark line at 0.5 between."""
    ax = boundary(SIDES, [0, 1, 0, 1])
    left, right, line = colours_at(ax, (-0.7, 0.3), (0.7, 0.3), (0.0, 0.3))
    assert left[2] > left[0] + 0.2
    assert right[0] > right[2] + 0.2
    assert near(line, drawing.DARK) < 0.2
    zero, one = colours_at(ax, (-1.0, -1.0), (1.0, -1.0))
    assert near(zero, BLUE) < 0.15
    assert near(one, RED) < 0.15
    assert points_of(ax) == {"0": SQUARE[::2].tolist(), "1": SQUARE[1::2].tolist()}
    bar = ax.figure.axes[1]
    assert bar.get_ylabel() == "output"
    assert bar.get_ylim() == (0.0, 1.0)


def test_the_line_is_where_the_output_is_one_half() -> None:
    """4 x - 1 = 0 at x = 1/4, for any y."""
    nn = with_weights([[4.0], [0.0]], "sigmoid", [-1.0])
    ax = boundary(nn, [0, 1, 0, 1], resolution=300)
    lines = [each for each in ax.collections if np.size(each.get_linewidths()) == 1]
    crossing = [each for each in lines if list(getattr(each, "levels", [])) == [0.5]]
    (path,) = crossing[0].get_paths()
    # Between two points of the grid the line runs straight, the output nearly so.
    assert_within(path.vertices[:, 0], np.full(len(path.vertices), 0.25), 1e-3)
    assert path.vertices[:, 1].min() < -1.19
    assert path.vertices[:, 1].max() > 1.19


@pytest.mark.parametrize(
    "y",
    [
        [0, 1, 0, 1],
        [[0], [1], [0], [1]],
        np.array([0, 1, 0, 1], np.uint8),
        [False, True, False, True],
        np.array([0.0, 1.0, 0.0, 1.0], np.float32),
    ],
    ids=["list", "column", "uint8", "bool", "float32"],
)
def test_labels_of_two_classes_in_any_form(y: Any) -> None:
    assert points_of(boundary(SIDES, y)) == {"0": SQUARE[::2].tolist(), "1": SQUARE[1::2].tolist()}


def test_shares_are_parted_at_the_threshold() -> None:
    drawn = points_of(boundary(SIDES, [0.1, 0.9, 0.2, 0.5]))
    assert drawn == {"below 0.5": SQUARE[::2].tolist(), "0.5 or more": SQUARE[1::2].tolist()}
    drawn = points_of(boundary(SIDES, [0.1, 0.9, 0.2, 0.5], threshold=0.6))
    assert drawn == {"below 0.6": SQUARE[[0, 2, 3]].tolist(), "0.9": SQUARE[[1]].tolist()}


def test_a_sigmoid_whose_output_is_scaled_is_a_number() -> None:
    nn = with_weights([[4.0], [0.0]], "sigmoid")
    nn.output_scaler = foxnn.Scaler("minmax").fit([[-10.0], [10.0]])
    ax = boundary(nn, [-5.0, 5.0, -4.0, 4.0])
    assert ax.get_legend() is None
    low, high = ax.figure.axes[1].get_ylim()
    assert low <= -5
    assert high >= 5


def test_inputs_are_drawn_as_they_are_outside() -> None:
    """The scaler takes 100 from them, so that the line is at 100."""
    nn = with_weights([[4.0], [0.0]], "sigmoid")
    nn.input_scaler = foxnn.Scaler("standard").fit(SQUARE + 100)
    ax = boundary(nn, [0, 1, 0, 1], SQUARE + 100)
    left, right, line = colours_at(ax, (99.3, 100.3), (100.7, 100.3), (100.0, 100.3))
    assert left[2] > left[0] + 0.2
    assert right[0] > right[2] + 0.2
    assert near(line, drawing.DARK) < 0.2


def test_a_class_without_samples_stands_in_the_legend() -> None:
    assert points_of(boundary(SIDES, [0, 0, 0, 0])) == {"0": SQUARE.tolist(), "0.5 or more": []}


def test_a_threshold_of_another_output() -> None:
    nn = with_weights([[2.0], [0.0]], "tanh")
    ax = boundary(nn, [-1, 1, -1, 1], threshold=0)
    assert points_of(ax) == {"-1": SQUARE[::2].tolist(), "1": SQUARE[1::2].tolist()}
    left, right = colours_at(ax, (-0.7, 0.3), (0.7, 0.3))
    assert left[2] > left[0] + 0.2
    assert right[0] > right[2] + 0.2


@pytest.mark.parametrize("threshold", [-5.0, 5.0])
def test_a_threshold_that_nothing_crosses(threshold: float) -> None:
    ax = boundary(with_weights([[1.0], [0.0]]), [0, 0, 1, 1], threshold=threshold)
    (colour,) = colours_at(ax, (0.3, 0.3))
    assert (colour[0] > colour[2]) == (threshold < 0)


def test_an_output_that_is_a_number() -> None:
    """Bands of the colour of what they hold, and samples in the colour of what is wanted."""
    nn = with_weights([[1.0], [0.0]])
    ax = boundary(nn, [3.0, -3.0, -1.0, 1.0])
    scale = next(each for each in ax.collections if len(getattr(each, "levels", [])) > 1)
    band = scale.levels[1] - scale.levels[0]
    low, high = scale.levels[0], scale.levels[-1]
    assert low <= -3
    assert high >= 3
    viridis = matplotlib.colormaps["viridis"]
    for place in (-0.9, 0.1, 0.7):  # not at the edge of a band, as 0 is
        inside = np.floor((place - low) / band) * band + low + band / 2
        expected = viridis((inside - low) / (high - low))[:3]
        assert near(colours_at(ax, (place, 0.31))[0], expected) < 0.02
    for place, wanted in zip(SQUARE, [3.0, -3.0, -1.0, 1.0], strict=True):
        expected = viridis((wanted - low) / (high - low))[:3]
        assert near(colours_at(ax, tuple(place))[0], expected) < 0.02
    assert ax.figure.axes[1].get_ylabel() == "output"


ARMS = np.array([[1.0, 0.0], [-0.5, 0.8], [-0.5, -0.8]])


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "identity_x"])
def test_several_outputs(activation: str) -> None:
    """Each region is a pale tint of the colour of its samples."""
    nn = with_weights(5 * ARMS.T, activation)
    ax = boundary(nn, [0, 1, 2], ARMS)
    assert points_of(ax) == {str(i): [arm.tolist()] for i, arm in enumerate(ARMS)}
    for i, arm in enumerate(ARMS):
        full = np.array(colors.to_rgb(drawing.COLOURS[i]))
        sample, region = colours_at(ax, tuple(arm), tuple(0.8 * arm))
        assert near(sample, full) < 0.02
        assert near(region, 0.35 * full + 0.65) < 0.02
    (line,) = colours_at(ax, (-0.5, 0.0))  # between the second and the third
    assert line.max() < 0.75
    assert len(ax.images) == 1
    assert len(ax.figure.axes) == 1


@pytest.mark.parametrize(
    "y",
    [
        [0, 1, 2],
        np.array([0.0, 1.0, 2.0]),
        np.eye(3),
        [[2.0, -1, 0], [-1, 1, -1], [0.1, 0.2, 0.3]],
    ],
    ids=["labels", "whole floats", "one-hot", "largest"],
)
def test_labels_of_several_classes_in_any_form(y: Any) -> None:
    drawn = points_of(boundary(with_weights(ARMS.T), y, ARMS))
    assert drawn == {str(i): [arm.tolist()] for i, arm in enumerate(ARMS)}


def test_more_classes_than_colours() -> None:
    angle = 2 * np.pi * np.arange(12) / 12
    places = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ax = boundary(with_weights(places.T, "softmax"), np.arange(12), places)
    seen = colours_at(ax, *[tuple(place) for place in 0.8 * places])
    assert len({tuple(colour) for colour in seen}) == 12


def test_the_plane_reaches_a_tenth_beyond_the_samples() -> None:
    ax = boundary(SIDES, [0, 1], [[0.0, -10.0], [2.0, 10.0]])
    assert_within(ax.get_xlim(), (-0.2, 2.2), 1e-12)
    assert_within(ax.get_ylim(), (-12.0, 12.0), 1e-12)


@pytest.mark.parametrize("at", [0.0, 7.0, -1e6])
def test_samples_of_one_value_have_a_plane_around_them(at: float) -> None:
    for nn in (SIDES, with_weights([[1.0], [1.0]]), with_weights(ARMS.T)):
        ax = boundary(nn, [0, 1], [[at, at], [at, at]])
        low, high = ax.get_xlim()
        assert low < at < high
        ax.figure.canvas.draw()


@pytest.mark.parametrize("activation", ["sigmoid", "identity_x", "relu"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_a_network_that_answers_the_same_everywhere(activation: str, outputs: int) -> None:
    nn = foxnn.neural_network([2, outputs], activation, init="zeros", seed=0)
    boundary(nn, np.zeros(4)).figure.canvas.draw()


def test_outputs_that_are_saturated_have_the_colours_of_the_ends() -> None:
    ax = boundary(with_weights([[1e4], [0.0]], "sigmoid"), [0, 1, 0, 1])
    left, right = colours_at(ax, (-0.7, 0.3), (0.7, 0.3))
    assert left[2] > left[0] + 0.4
    assert right[0] > right[2] + 0.4


def test_what_the_axes_are_named() -> None:
    pandas = pytest.importorskip("pandas")
    ax = boundary(SIDES, [0, 1, 0, 1], pandas.DataFrame(SQUARE, columns=["weight", "height"]))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("weight", "height")


def test_the_bar_can_be_left_out() -> None:
    assert len(boundary(SIDES, [0, 1, 0, 1], colorbar=False).figure.axes) == 1


def test_many_samples_are_small() -> None:
    rng = np.random.default_rng(1)
    sizes = []
    for count in (4, 1000):
        ax = boundary(SIDES, np.arange(count) % 2, rng.normal(size=(count, 2)))
        sizes.append(next(each for each in ax.collections if each.get_label() == "0").get_sizes())
    assert sizes[1] < sizes[0]


THREE = with_weights(ARMS.T, "softmax")
Y = [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda d: d(None, SQUARE, Y), TypeError, ("nn must be a foxnn.neural_network", "None")),
        (lambda d: d(SIDES[0], SQUARE, Y), TypeError, ("nn must be", "layer(2, 1")),
        (lambda d: d(foxnn.neural_network([3, 1]), SQUARE, Y), ValueError, ("nn", "2", "got 3")),
        (lambda d: d(SIDES, SQUARE[:, :1], Y), ValueError, ("x must have shape", "(4, 1)")),
        (lambda d: d(SIDES, [0, 1], Y), ValueError, ("x must have shape", "(2,)")),
        (lambda d: d(SIDES, SQUARE[:0], Y), ValueError, ("x must hold at least one sample",)),
        (lambda d: d(SIDES, SQUARE * np.nan, Y), ValueError, ("x must be finite", "nan")),
        (lambda d: d(SIDES, [["a", "b"]], Y), TypeError, ("x must hold real numbers",)),
        (lambda d: d(SIDES, SQUARE, Y[:3]), ValueError, ("x and y", "4 and 3")),
        (lambda d: d(SIDES, SQUARE, None), TypeError, ("y must hold real numbers", "None")),
        (lambda d: d(SIDES, SQUARE, [None, 1, 0, 1]), TypeError, ("y must hold real numbers",)),
        (lambda d: d(SIDES, SQUARE, np.eye(4)), ValueError, ("y must have shape", "(4, 4)")),
        (lambda d: d(SIDES, SQUARE, [0, 1, 2, 1]), ValueError, ("y must be from 0 to 1", "2")),
        (lambda d: d(SIDES, SQUARE, [0, 1, -1, 1]), ValueError, ("y must be from 0 to 1", "-1")),
        (lambda d: d(SIDES, SQUARE, [0, 1, np.nan, 1]), ValueError, ("y must be finite", "nan")),
        (lambda d: d(THREE, SQUARE, [0, 1, 2, 3]), ValueError, ("y", "from 0 to 2", "3")),
        (lambda d: d(THREE, SQUARE, [0, 1, 2, -1]), ValueError, ("y", "from 0 to 2", "-1")),
        (lambda d: d(THREE, SQUARE, [0, 1, 2, 0.5]), ValueError, ("y", "whole", "0.5")),
        (lambda d: d(THREE, SQUARE, np.eye(4)), ValueError, ("y must have shape", "(4, 4)")),
        (
            lambda d: d(THREE, SQUARE, Y, threshold=0.5),
            ValueError,
            ("threshold is for networks with one output", "3"),
        ),
        (lambda d: d(SIDES, SQUARE, Y, threshold="a"), TypeError, ("threshold", "'a'")),
        (lambda d: d(SIDES, SQUARE, Y, threshold=np.inf), ValueError, ("threshold", "inf")),
        (lambda d: d(SIDES, SQUARE, Y, resolution=1), ValueError, ("resolution", "from 2", "1")),
        (lambda d: d(SIDES, SQUARE, Y, resolution=9999), ValueError, ("resolution", "2000")),
        (lambda d: d(SIDES, SQUARE, Y, resolution=9.5), TypeError, ("resolution", "9.5")),
        (lambda d: d(SIDES, SQUARE, Y, colorbar="no"), TypeError, ("colorbar", "'no'")),
    ],
)
def test_wrong_calls_of_decision_boundary(
    call: Callable[..., object], error: type[Exception], parts: tuple[str, ...]
) -> None:
    refuses(lambda: call(foxnn.plot.decision_boundary), error, *parts)


# Estimators and labels in texts

TEXTS = ["cat", "dog", "cat", "dog"]


def test_labels_in_texts() -> None:
    """Those of a network are classes in their order."""
    ax = boundary(SIDES, TEXTS)
    assert points_of(ax) == {"cat": SQUARE[::2].tolist(), "dog": SQUARE[1::2].tolist()}
    ax = boundary(THREE, ["b", "a", "c", "a"])
    assert points_of(ax) == {"a": SQUARE[1::2].tolist(), "b": [SQUARE[0].tolist()],
                             "c": [SQUARE[2].tolist()]}  # fmt: skip
    with_classes = copy.copy(THREE)
    with_classes.classes = ["c", "b", "a"]
    ax = boundary(with_classes, ["b", "a", "c", "a"])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["c", "b", "a"]
    pyplot.close("all")
    refuses(lambda: boundary(with_classes, ["b", "a", "c", "d"]), ValueError, "y must", "got 'd'")
    for nn, labels, parts in (
        (SIDES, ["a", "b", "c", "a"], ("y must hold", "3: ['a', 'b', 'c']")),
        (THREE, TEXTS, ("y must hold", "2: ['cat', 'dog']")),
        (with_weights([[1.0], [0.0]], "identity"), TEXTS, ("y must hold numbers",)),
    ):
        refuses(lambda nn=nn, labels=labels: boundary(nn, labels), ValueError, *parts)


def estimator(name: str, y: Any, x: Any = SQUARE, **settings: Any) -> Any:
    pytest.importorskip("sklearn")
    import foxnn.sklearn as estimators

    settings = {"hidden_layer_sizes": (), "solver": "lbfgs", "random_state": 0} | settings
    return getattr(estimators, name)(**settings).fit(x, y)


def test_a_classifier_of_two() -> None:
    """Blue is the first of its classes, red the second; the line is where both are as likely."""
    model = estimator("MLPClassifier", TEXTS, alpha=0.1)
    ax = boundary(model, TEXTS)
    left, right, line = colours_at(ax, (-0.7, 0.3), (0.7, 0.3), (0.0, 0.3))
    assert left[2] > left[0] + 0.2
    assert right[0] > right[2] + 0.2
    assert near(line, drawing.DARK) < 0.2
    assert points_of(ax) == {"cat": SQUARE[::2].tolist(), "dog": SQUARE[1::2].tolist()}
    assert ax.figure.axes[1].get_ylim() == (0.0, 1.0)
    pyplot.close("all")
    refuses(lambda: boundary(model, [0, 1, 0, 1]), ValueError, "y must hold classes", "got 0")


@pytest.mark.parametrize("labels", [["c", "a", "b", "a"], [30, 10, 20, 10]])
def test_a_classifier_of_three(labels: list[Any]) -> None:
    model = estimator("MLPClassifier", labels)
    ax = boundary(model, labels)
    first, second, third = sorted(set(labels))
    assert points_of(ax) == {
        str(first): SQUARE[1::2].tolist(),
        str(second): [SQUARE[2].tolist()],
        str(third): [SQUARE[0].tolist()],
    }
    (picture,) = (image.get_array() for image in ax.images)
    sides = [np.linspace(*ends, 50) for ends in (ax.get_xlim(), ax.get_ylim())]
    plane = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    best = np.searchsorted(model.classes_, model.predict(plane)).reshape(50, 50)
    shades = 0.35 * drawing.colours_of_classes(3) + 0.65
    np.testing.assert_allclose(picture, shades[best])


def test_a_regressor_a_pipeline_and_another_library() -> None:
    pytest.importorskip("sklearn")
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    model = estimator("MLPRegressor", [0.0, 2.0, 0.0, 2.0])
    ax = boundary(model, [0.0, 2.0, 0.0, 2.0])
    assert ax.figure.axes[1].get_ylabel() == "output"
    assert boundary(KNeighborsRegressor(1).fit(SQUARE, Y), Y, threshold=0.5).collections
    kind = estimator("MLPClassifier", TEXTS).__class__
    for last in (kind((), solver="lbfgs", random_state=0), LinearSVC()):
        piped = make_pipeline(StandardScaler(), last).fit(SQUARE, TEXTS)
        assert points_of(boundary(piped, TEXTS))["cat"] == SQUARE[::2].tolist()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_an_estimator_finds_its_columns(library: str) -> None:
    frame = pytest.importorskip(library).DataFrame({"a": SQUARE[:, 0], "b": SQUARE[:, 1]})
    model = estimator("MLPClassifier", TEXTS, frame)
    ax = boundary(model, TEXTS, frame)  # a warning of unknown names would be an error
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")
    pyplot.close("all")
    if not hasattr(model, "feature_names_in_"):
        pytest.skip(f"this scikit-learn does not read the names of {library}'s columns")
    other = frame[["b", "a"]]
    refuses(lambda: boundary(model, TEXTS, other), ValueError, "feature names")


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_estimators_that_cannot_be_drawn() -> None:
    several = estimator("MLPClassifier", np.array([[0, 1], [1, 1], [0, 0], [1, 0]]))
    wide = estimator("MLPClassifier", TEXTS, np.eye(4, 3))
    unfitted = type(several)()
    two = estimator("MLPRegressor", SQUARE)
    one = estimator("MLPClassifier", np.full(4, "only"), solver="adam", max_iter=1, tol=1e9)
    for model, parts in (
        (several, ("nn must return one output per sample", "got 2")),
        (two, ("nn must return one output per sample", "got 2")),
        (wide, ("nn must have 2 inputs", "got 3")),
        (unfitted, ("nn must be fitted",)),
        (one, ("nn must have at least two classes",)),
    ):
        refuses(lambda model=model: boundary(model, TEXTS), ValueError, *parts)


def test_outputs_that_are_not_finite_are_refused() -> None:
    nn = foxnn.neural_network([2, 1], "identity_x", dtype="float32", seed=0)
    nn[0].weights = [[3e38], [3e38]]
    refuses(lambda: boundary(nn, Y, 10 * SQUARE), ValueError, "nn must have finite outputs")


# Weights


def tiles(ax: Axes, rows: int, columns: int) -> list[np.ndarray]:
    """Return the pictures on the Axes: what its one image holds inside of each frame."""
    (image,) = ax.images
    whole = np.ma.filled(image.get_array().astype(float), np.nan)
    (frames,) = ax.collections
    corners = [path.vertices.min(axis=0) + 0.5 for path in frames.get_paths()]
    return [
        whole[int(row) : int(row) + rows, int(column) : int(column) + columns]
        for column, row in corners
    ]


@pytest.mark.parametrize("neurons", [1, 2, 5, 10, 16])
def test_each_neuron_is_a_picture_of_its_weights(neurons: int) -> None:
    nn = foxnn.neural_network([9, neurons, 1], seed=1)
    ax = foxnn.plot.weights(nn)
    found = tiles(ax, 3, 3)
    assert len(found) == neurons
    for i, picture in enumerate(found):
        assert np.array_equal(picture, nn[0].weights[:, i].reshape(3, 3))
    assert np.isfinite(np.ma.filled(ax.images[0].get_array(), np.nan)).sum() == 9 * neurons
    assert ax.get_title() == f"layer 0: {neurons} neurons, each 3 x 3"


def test_a_shape_a_layer_and_some_neurons() -> None:
    nn = foxnn.neural_network([4, 6, 5], seed=1)
    ax = foxnn.plot.weights(nn, -1, shape=(2, 3), neurons=[3, 0, -1])
    found = tiles(ax, 2, 3)
    assert len(found) == 3
    for picture, i in zip(found, [3, 0, 4], strict=True):
        assert np.array_equal(picture, nn[1].weights[:, i].reshape(2, 3))
    assert ax.get_title() == "layer 1: 3 neurons, each 2 x 3"


def test_more_neurons_than_can_be_framed() -> None:
    ax = foxnn.plot.weights(foxnn.neural_network([784, 150], seed=1))
    ax.figure.canvas.draw()
    assert not ax.collections
    assert np.isfinite(np.ma.filled(ax.images[0].get_array(), np.nan)).sum() == 784 * 150


def test_weights_above_0_are_red_and_those_below_blue() -> None:
    ax = foxnn.plot.weights(with_weights([[1.0], [-1.0], [0.0], [0.5]]))
    red, blue, white, pale = colours_at(ax, (0, 0), (1, 0), (0, 1), (1, 1))
    assert red[0] > red[2] + 0.2
    assert blue[2] > blue[0] + 0.2
    assert white.min() > 0.9
    assert pale[0] > pale[2]
    assert pale.min() > red.min()


def limits(ax: Axes) -> tuple[tuple[float, float], str]:
    bar = ax.figure.axes[1]
    assert bar.get_ylabel() == "weight"
    return bar.get_ylim(), bar._colorbar.extend


def test_a_few_large_weights_do_not_pale_the_others() -> None:
    values = np.full((400, 1), 0.5)
    values[7] = -3.0
    nn = with_weights(values)
    assert limits(foxnn.plot.weights(nn)) == ((-0.5, 0.5), "both")
    assert limits(foxnn.plot.weights(nn, limit=3)) == ((-3.0, 3.0), "neither")
    assert limits(foxnn.plot.weights(nn, limit=0.25)) == ((-0.25, 0.25), "both")
    assert len(foxnn.plot.weights(nn, colorbar=False).figure.axes) == 1


def test_weights_that_are_nearly_all_zero() -> None:
    values = np.zeros((400, 1))
    assert limits(foxnn.plot.weights(with_weights(values))) == ((-1.0, 1.0), "neither")
    values[3] = 2.0
    assert limits(foxnn.plot.weights(with_weights(values))) == ((-2.0, 2.0), "neither")


NINE = foxnn.neural_network([9, 3, 2], seed=1)


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda w: w("net.txt"), TypeError, ("nn must be a foxnn.neural_network", "'net.txt'")),
        (lambda w: w(NINE, 2), IndexError, ("layer must be", "from 0 to 1", "2")),
        (lambda w: w(NINE, -3), IndexError, ("layer must be", "-3")),
        (lambda w: w(NINE, 0.0), TypeError, ("layer must be an integer", "0.0")),
        (lambda w: w(NINE, 1), ValueError, ("shape must be given", "not a square", "3 inputs")),
        (lambda w: w(NINE, shape=(3, 4)), ValueError, ("shape", "9 inputs", "3 x 4 = 12")),
        (lambda w: w(NINE, shape=(3, 0)), ValueError, ("shape", "at least 1", "0")),
        (lambda w: w(NINE, shape=(3, 3.0)), TypeError, ("shape", "integer", "3.0")),
        (lambda w: w(CONVOLUTIONS), ValueError, ("layer 0 is a Conv2D", "foxnn.plot.filters")),
        (lambda w: w(CONVOLUTIONS, 2), ValueError, ("layer must be", "layer 2 is a MaxPool2D")),
        (lambda w: w(NINE, shape=9), TypeError, ("shape must be (rows, columns)", "9")),
        (lambda w: w(NINE, shape=(3, 3, 1)), TypeError, ("shape must be (rows, columns)", "1)")),
        (lambda w: w(NINE, shape="33"), TypeError, ("shape must be (rows, columns)", "'33'")),
        (lambda w: w(NINE, neurons=[3]), IndexError, ("neurons[0]", "from 0 to 2", "3")),
        (lambda w: w(NINE, neurons=["a"]), TypeError, ("neurons[0]", "'a'")),
        (lambda w: w(NINE, neurons=2), TypeError, ("neurons must be a list", "2")),
        (lambda w: w(NINE, neurons=[]), ValueError, ("neurons", "none")),
        (lambda w: w(NINE, limit=0), ValueError, ("limit", "above 0", "0")),
        (lambda w: w(NINE, limit="1"), TypeError, ("limit", "'1'")),
        (lambda w: w(NINE, colorbar=None), TypeError, ("colorbar", "None")),
    ],
)
def test_wrong_calls_of_weights(
    call: Callable[..., object], error: type[Exception], parts: tuple[str, ...]
) -> None:
    refuses(lambda: call(foxnn.plot.weights), error, *parts)


# Filters and feature maps


def test_each_filter_is_a_picture_of_its_weights() -> None:
    ax = foxnn.plot.filters(CONVOLUTIONS)
    weights = CONVOLUTIONS[0].weights
    for i, picture in enumerate(tiles(ax, 2, 3)):
        assert np.array_equal(picture, weights[:, :, 0, i])
    assert ax.get_title() == "layer 0: 3 filters, each 2 x 3"
    assert ax.figure.axes[1].get_ylabel() == "weight"


def test_filters_of_several_channels_are_rows() -> None:
    ax = foxnn.plot.filters(CONVOLUTIONS, -4, which=[2, -3])
    assert len(tiles(ax, 2, 3)) == 2
    ax = foxnn.plot.filters(CONVOLUTIONS, 1, which=[1, 0], colorbar=False)
    found, weights = tiles(ax, 2, 2), CONVOLUTIONS[1].weights
    places = [(channel, which) for which in (1, 0) for channel in range(3)]
    assert ax.images[0].get_array().shape == (2 * 2 + 1, 3 * 2 + 2)
    for picture, (channel, which) in zip(found, places, strict=True):
        assert np.array_equal(picture, weights[:, :, channel, which])
    assert ax.get_title() == "layer 1: 2 filters, each 2 x 2 x 3 channels"
    assert len(ax.figure.axes) == 1


@pytest.mark.parametrize(
    ("items", "rows", "columns", "size"),
    [
        ([(9, 2), foxnn.Conv1D(4, 3)], 1, 3, "3 x 2 channels"),
        ([(9, 9, 9, 1), foxnn.Conv3D(2, (4, 2, 3))], 2, 3, "4 x 2 x 3"),
        ([(9, 4), foxnn.Conv1D(4, 3, groups=4)], 1, 3, "3"),
    ],
)
def test_filters_over_steps_and_volumes(
    items: list[Any], rows: int, columns: int, size: str
) -> None:
    nn = foxnn.neural_network(items, seed=1)
    ax = foxnn.plot.filters(nn)
    found = np.array(tiles(ax, rows, columns))
    weights = nn[0].weights
    expected = np.moveaxis(weights, (-1, -2), (0, 1)).reshape(found.shape)
    assert np.array_equal(found, expected)
    assert ax.get_title() == f"layer 0: {weights.shape[-1]} filters, each {size}"


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("is_flat", [False, True])
def test_feature_maps_are_what_the_layer_gives(layer: int, is_flat: bool) -> None:
    x = np.random.default_rng(0).normal(size=30)
    ax = foxnn.plot.feature_maps(CONVOLUTIONS, x if is_flat else x.reshape(5, 6), layer)
    expected = list(CONVOLUTIONS.layer_outputs(x[None]).values())[layer][0]
    rows, columns, count = expected.shape
    found = tiles(ax, rows, columns)
    assert len(found) == count
    for i, picture in enumerate(found):
        assert np.array_equal(picture, expected[:, :, i])
    kind = CONVOLUTIONS[layer].kind
    assert ax.get_title() == f"layer {layer} ({kind}): {count} channels, each {rows} x {columns}"
    low, high = ax.figure.axes[1].get_ylim()
    assert (low, high) == pytest.approx((expected.min(), expected.max()))


def test_some_feature_maps_of_steps_and_volumes() -> None:
    nn = foxnn.neural_network([(9, 2), foxnn.Conv1D(4, 3)], seed=1)
    ax = foxnn.plot.feature_maps(nn, np.ones((9, 2)), channels=[3, 0], colorbar=False)
    (expected,) = nn.layer_outputs(np.ones((1, 9, 2))).values()
    assert np.array_equal(np.array(tiles(ax, 1, 7))[:, 0], expected[0].T[[3, 0]])
    nn = foxnn.neural_network([(3, 4, 5, 1), foxnn.UpSample(1)], seed=1)
    x = np.arange(60.0).reshape(3, 4, 5)
    assert np.array_equal(np.array(tiles(foxnn.plot.feature_maps(nn, x), 4, 5)), x)
    assert foxnn.plot.feature_maps(nn, np.zeros(60)).figure.axes[1].get_ylim() == (-0.5, 0.5)


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda: foxnn.plot.filters(NINE), ValueError, ("layer 0 is a Dense",)),
        (lambda: foxnn.plot.filters(CONVOLUTIONS, 2), ValueError, ("layer 2 is a MaxPool2D",)),
        (lambda: foxnn.plot.filters(CONVOLUTIONS, 5), IndexError, ("layer must be", "5")),
        (lambda: foxnn.plot.filters(CONVOLUTIONS, which=[3]), IndexError, ("which[0]", "3")),
        (lambda: foxnn.plot.filters(CONVOLUTIONS, which=[]), ValueError, ("which", "none")),
        (lambda: foxnn.plot.filters(CONVOLUTIONS, limit=0), ValueError, ("limit", "above 0")),
        (
            lambda: foxnn.plot.feature_maps(CONVOLUTIONS, np.ones((5, 6)), 3),
            ValueError,
            ("layer must give", "layer 3 (Dense)", "(2,)"),
        ),
        (
            lambda: foxnn.plot.feature_maps(CONVOLUTIONS, np.ones((2, 5, 6))),
            ValueError,
            ("x must be one sample of shape (5, 6, 1)", "(2, 5, 6)"),
        ),
        (
            lambda: foxnn.plot.feature_maps(CONVOLUTIONS, np.full((5, 6), np.nan)),
            ValueError,
            ("x", "finite"),
        ),
        (
            lambda: foxnn.plot.feature_maps(CONVOLUTIONS, np.ones(30), channels=["a"]),
            TypeError,
            ("channels[0]", "'a'"),
        ),
    ],
)
def test_wrong_calls_of_filters_and_feature_maps(
    call: Callable[[], object], error: type[Exception], parts: tuple[str, ...]
) -> None:
    refuses(call, error, *parts)


# Network


def circles(ax: Axes) -> list[np.ndarray]:
    """Return the middles of the circles: of the neurons, and of dots in the columns cut short."""
    found = [each for each in ax.collections if isinstance(each, PatchCollection)]
    return [
        np.array([path.get_extents().intervalx for path in each.get_paths()]).mean(axis=1)
        for each in found
    ]


def lines(ax: Axes) -> list[LineCollection]:
    return [each for each in ax.collections if isinstance(each, LineCollection)]


def test_a_circle_a_neuron_and_a_line_a_weight() -> None:
    nn = foxnn.neural_network([3, 5, 4, 2], ["relu", "tanh", "sigmoid"], seed=1)
    ax = foxnn.plot.network(nn)
    (neurons,) = circles(ax)
    assert np.unique(neurons.round(6), return_counts=True)[1].tolist() == [3, 5, 4, 2]
    assert [len(each.get_segments()) for each in lines(ax)] == [15, 20, 8]
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["3\ninputs", "5\nrelu", "4\ntan_h", "2\nsigmoid"]
    assert limits(ax)[0] == (-max_weight(nn), max_weight(nn))


def max_weight(nn: foxnn.neural_network) -> float:
    return max(float(np.abs(part.weights).max()) for part in nn)


def test_lines_have_the_colour_and_the_width_of_their_weight() -> None:
    weights = np.array([[1.0, -1.0, 0.0], [0.5, -0.25, 0.125]])
    ax = foxnn.plot.network(with_weights(weights))
    (drawn,) = lines(ax)
    for segment, colour, width in zip(
        drawn.get_segments(), drawn.get_colors(), drawn.get_linewidths(), strict=True
    ):
        (left, above), (right, below) = segment
        assert left < right
        weight = weights[int(above < 0), 1 - round(below)]
        assert width == pytest.approx(0.3 + 2.7 * abs(weight))
        assert np.sign((colour[0] - colour[2]).round(2)) == np.sign(weight)
    # Of two that cross, the stronger one lies on top.
    assert list(drawn.get_linewidths()) == sorted(drawn.get_linewidths())


@pytest.mark.parametrize("most", [2, 3, 6, 7])
def test_large_layers_are_shown_in_part(most: int) -> None:
    nn = with_weights(np.arange(1.0, 8 * 3 + 1).reshape(8, 3))
    ax = foxnn.plot.network(nn, max_neurons=most)
    neurons, *dots = circles(ax)
    shown = [min(size, most) for size in (8, 3)]
    assert np.unique(neurons.round(6), return_counts=True)[1].tolist() == shown
    assert [len(each) for each in dots] == [3] * sum(size > most for size in (8, 3))
    (drawn,) = lines(ax)
    scale = nn[0].weights.max()
    first, last = (most + 1) // 2, most // 2
    rows = [*range(first), *range(8 - last, 8)]
    columns = [0, 2] if most == 2 else [0, 1, 2]
    expected = np.sort(nn[0].weights[np.ix_(rows, columns)].ravel())
    assert_within((np.array(drawn.get_linewidths()) - 0.3) / 2.7 * scale, expected, 1e-12 * scale)
    assert [text.get_text() for text in ax.texts] == ["8\ninputs", "3\nidentity_x"]


def test_nothing_overlaps_in_a_column() -> None:
    """Neurons keep their distance, and the dots keep theirs of the neurons."""
    ax = foxnn.plot.network(foxnn.neural_network([40, 3], seed=1), max_neurons=5)
    boxes = [
        path.get_extents()
        for each in ax.collections
        if isinstance(each, PatchCollection)
        for path in each.get_paths()
    ]
    column = [box for box in boxes if box.x0 < 0.5]
    assert len(column) == 5 + 3
    heights = sorted((box.y0, box.y1) for box in column)
    assert all(below[1] < above[0] for below, above in itertools.pairwise(heights))


@pytest.mark.parametrize("sizes", [[1, 1], [8] * 12, [784, 16, 16, 10]], ids=str)
def test_names_of_layers_do_not_overlap(sizes: list[int]) -> None:
    for ax in (None, on_new_axes(6.4, 4.8)):
        ax = foxnn.plot.network(foxnn.neural_network(sizes, "leaky_relu", seed=1), ax)
        ax.figure.canvas.draw()
        boxes = [text.get_window_extent() for text in ax.texts]
        assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))


def test_a_network_without_weights_yet() -> None:
    ax = foxnn.plot.network(foxnn.neural_network([1, 2], init="zeros", seed=0))
    assert limits(ax) == ((-1.0, 1.0), "neither")
    assert ax.texts[0].get_text() == "1\ninput"
    assert set(lines(ax)[0].get_linewidths()) == {0.3}


def test_a_limit_of_the_scale() -> None:
    ax = foxnn.plot.network(with_weights([[1.0, 4.0]]), limit=2)
    assert limits(ax) == ((-2.0, 2.0), "both")
    assert_within(lines(ax)[0].get_linewidths(), [0.3 + 1.35, 3.0], 1e-12)
    assert len(foxnn.plot.network(SIDES, colorbar=False).figure.axes) == 1


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda n: n([3, 5]), TypeError, ("nn must be a foxnn.neural_network", "[3, 5]")),
        (lambda n: n(NINE, max_neurons=1), ValueError, ("max_neurons", "at least 2", "1")),
        (lambda n: n(NINE, max_neurons=2.5), TypeError, ("max_neurons", "2.5")),
        (lambda n: n(NINE, limit=-1), ValueError, ("limit", "above 0", "-1")),
        (lambda n: n(NINE, colorbar=2), TypeError, ("colorbar", "2")),
    ],
)
def test_wrong_calls_of_network(
    call: Callable[..., object], error: type[Exception], parts: tuple[str, ...]
) -> None:
    refuses(lambda: call(foxnn.plot.network), error, *parts)


# Activations


def test_all_activations_but_softmax() -> None:
    ax = foxnn.plot.activations()
    assert [line.get_label().split()[0] for line in ax.lines] == [
        name for name in foxnn.activations() if name != "softmax"
    ]
    looks = {(line.get_color(), line.get_linestyle()) for line in ax.lines}
    assert len(looks) == len(ax.lines) == len(ACTIVATIONS)
    assert len(ax.get_legend().get_texts()) == len(ax.lines)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_curves_are_those_of_the_textbook(name: str) -> None:
    ax = foxnn.plot.activations(name, slopes=True, reach=3)
    curve, slope = ax.lines
    z = curve.get_xdata()
    assert (z[0], z[-1]) == ax.get_xlim() == (-3.0, 3.0)
    known = ACTIVATIONS[name]
    assert_within(curve.get_ydata(), known.value(z, known.alpha), 1e-14)
    assert_within(slope.get_ydata(), known.slope(z, known.alpha), 1e-14)
    assert slope.get_label() == f"slope of {curve.get_label()}"
    assert slope.get_color() == curve.get_color()
    assert slope.get_linewidth() < curve.get_linewidth()


def test_exp_does_not_press_the_others_flat() -> None:
    low, high = foxnn.plot.activations().get_ylim()
    assert -5 < low < -4 < 4 < high < 5
    assert 1.7 < foxnn.plot.activations(["selu", "exp"], reach=1).get_ylim()[1] < 3
    assert foxnn.plot.activations("exp").get_ylim()[1] > np.exp(4)
    foxnn.plot.activations("exp", slopes=True, reach=100).figure.canvas.draw()


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        ("tanh", ["tan_h"]),
        (["relu", "sin"], ["relu", "sinusoid"]),
        (("relu", "sigmoid"), ["relu", "sigmoid"]),
        (("elu", 0.5), ["elu 0.5"]),
        (("elu", [0.5]), ["elu 0.5"]),
        ([("leaky_relu", 0.2), "leaky_relu"], ["leaky_relu 0.2", "leaky_relu 0.01"]),
        (iter(["gelu"]), ["gelu"]),
    ],
)
def test_ways_to_name_activations(names: Any, labels: list[str]) -> None:
    ax = foxnn.plot.activations(names)
    assert [line.get_label() for line in ax.lines] == labels


def test_parameters_are_heeded() -> None:
    (line,) = foxnn.plot.activations(("leaky_relu", 0.25)).lines
    z = line.get_xdata()
    assert_within(line.get_ydata(), np.where(z > 0, z, 0.25 * z), 0.0)


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda a: a("softmax"), ValueError, ("names", "'softmax'")),
        (lambda a: a(["relu", "softmax"]), ValueError, ("names", "'softmax'")),
        (lambda a: a("step"), ValueError, ("names", "'step'", "known are sigmoid")),
        (lambda a: a([]), ValueError, ("names", "none")),
        (lambda a: a(3), TypeError, ("names", "3")),
        (lambda a: a(["relu", 3]), TypeError, ("names", "3")),
        (lambda a: a(("relu", 1)), ValueError, ("names", "no parameters", "1")),
        (lambda a: a(("elu", -1)), ValueError, ("names", "alpha", "-1")),
        (lambda a: a([("elu", "x")]), TypeError, ("names", "'x'")),
        (lambda a: a("relu", slopes="yes"), TypeError, ("slopes", "'yes'")),
        (lambda a: a("relu", reach=0), ValueError, ("reach", "above 0", "0")),
        (lambda a: a("relu", reach=1e9), ValueError, ("reach", "at most 100", "1000000000.0")),
        (lambda a: a("relu", reach="4"), TypeError, ("reach", "'4'")),
    ],
)
def test_wrong_calls_of_activations(
    call: Callable[..., object], error: type[Exception], parts: tuple[str, ...]
) -> None:
    refuses(lambda: call(foxnn.plot.activations), error, *parts)


def test_a_boundary_is_drawn_for_the_columns_of_fit() -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")
    nn = foxnn.neural_network([2, 3, 1], "tanh", "sigmoid", seed=1)
    table = pandas.DataFrame(small_runs.X[:, :2], columns=["a", "b"])
    y = (small_runs.X[:, 0] > 0).astype(int)
    nn.fit(table, y, 1)
    with pytest.raises(ValueError, match="x must have the columns seen before"):
        foxnn.plot.decision_boundary(nn, table[["b", "a"]], y)
