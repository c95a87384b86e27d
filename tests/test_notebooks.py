"""What notebooks show of networks and histories: diagrams and curves, without matplotlib."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest

import foxnn
from foxnn import GRU, Conv2D, Dense, Embedding, Flatten, MaxPool2D
from foxnn.support import svg

SVG = "{http://www.w3.org/2000/svg}"


def pictures(html: str) -> list[ElementTree.Element]:
    """Return the pictures in a page, which must be well-formed."""
    return [ElementTree.fromstring(text) for text in re.findall(r"<svg .*?</svg>", html, re.S)]


def texts(picture: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in picture.iter(f"{SVG}text")]


def lines(picture: ElementTree.Element) -> list[np.ndarray]:
    """Return the points of the curves of a plot, the front one last; not axes and legends."""
    paths = [path.attrib["d"] for path in picture.iter(f"{SVG}path")]
    found = [re.findall(r"[ML](\S+) ([^ML]+)", d) for d in paths if "h" not in d and "H" not in d]
    return [np.array(points, float) for points in found]


def history(**values: list[float]) -> foxnn.History:
    return foxnn.History.of(values)


def test_curves_go_where_the_numbers_are() -> None:
    loss, val_loss = [4.0, 2.0, 1.0, 0.0], [3.0, 3.0, 2.0, 1.0]
    shown = history(loss=loss, val_loss=val_loss, seconds=[1.0] * 4)._repr_html_()
    (picture,) = pictures(shown)
    validation, training = lines(picture)
    for points, values in ((training, loss), (validation, val_loss)):
        x, y = points.T
        np.testing.assert_allclose(np.diff(x), np.diff(x)[0], atol=0.11)  # written to a tenth
        heights = (y[:, None] - training[3, 1]) / (training[0, 1] - training[3, 1])
        np.testing.assert_allclose(heights[:, 0] * 4, values, atol=0.01)
    assert {"loss", "training", "validation", "4", "0", "3", "epoch"} <= set(texts(picture))
    dashed = [path for path in picture.iter(f"{SVG}path") if "stroke-dasharray" in path.attrib]
    assert len(dashed) == 2  # the curve and its legend


def test_loss_and_accuracy_have_a_plot_each() -> None:
    found = pictures(history(loss=[1.0, 0.5], accuracy=[0.5, 0.75])._repr_html_())
    assert [texts(picture)[-2] for picture in found] == ["loss", "accuracy"]
    assert pictures(history(reward=[1.0, 2.0])._repr_html_()) == []
    assert foxnn.History()._repr_html_() == "History(0 epochs)"


def test_numbers_that_are_not_finite_interrupt_a_curve() -> None:
    nan, inf = float("nan"), float("inf")
    (picture,) = pictures(history(loss=[1.0, nan, 2.0, 3.0, inf])._repr_html_())
    (line,) = lines(picture)
    assert len(line) == 2
    assert len(list(picture.iter(f"{SVG}circle"))) == 1
    assert pictures(history(loss=[nan, inf])._repr_html_()) == []


@pytest.mark.parametrize(
    "values", [[1.0], [0.0], [2.0, 2.0, 2.0], [-1e308, 1e308], [1e-320, 2e-320], [-5.0, -5.0]]
)
def test_all_points_are_within_the_plot(values: list[float]) -> None:
    (picture,) = pictures(history(loss=values)._repr_html_())
    _, _, width, height = map(float, picture.attrib["viewBox"].split())
    circles = [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in picture.iter(f"{SVG}circle")]
    points = np.concatenate([*lines(picture), np.array(circles).reshape(-1, 2)])
    assert len(points) == len(values)
    assert ((points > 0) & (points < [width, height])).all()


def test_long_curves_keep_their_peaks_and_stay_small() -> None:
    values = np.full(50_000, 1.0)
    values[31_415] = 9.0
    shown = history(loss=values.tolist())._repr_html_()
    (line,) = lines(pictures(shown)[0])
    assert len(line) <= 502
    assert (line[:, 1] < line[0, 1] - 50).sum() == 1
    assert len(shown) < 15_000


def test_members_have_curves_and_a_median() -> None:
    pop = foxnn.population(80, [2, 3, 1], "tanh", "identity", seed=1)
    x = np.random.default_rng(0).normal(size=(20, 2))
    rates = np.linspace(1e-4, 0.1, 80)
    found = pop.fit(x, x[:, :1], epochs=6, learning_rate=rates)
    (picture,) = pictures(found._repr_html_())
    drawn = lines(picture)
    assert len(drawn) == 31
    low, high = found["loss"].min(), found["loss"].max()
    y = drawn[-1][:, 1]  # the median lies in front
    top, bottom = min(line[:, 1].min() for line in drawn), max(line[:, 1].max() for line in drawn)
    share = (np.median(found["loss"], axis=0) - low) / (high - low)
    # The ends of the axis are those of the members that are drawn, about those of all.
    np.testing.assert_allclose((bottom - y) / (bottom - top), share, atol=0.1)


@pytest.mark.parametrize(
    ("make", "words", "shapes"),
    [
        (lambda: [3, 5, 1], ["input", "3", "Dense", "5", "Dense", "1"], {"circle": 3 + 5 + 1}),
        (
            lambda: [(28, 28, 1), Conv2D(8, 3), MaxPool2D(2), Flatten(), 10],
            ["28 x 28 x 1", "Conv2D", "26 x 26 x 8", "MaxPool2D", "Flatten", "1,352"],
            {"rect": 1 + 4 + 4, "circle": 6 + 6},
        ),
        (lambda: [(None, 3), GRU(4)], ["any x 3", "GRU", "4"], {"rect": 6, "circle": 4}),
        (lambda: [(None,), Embedding(9, 3), GRU(2)], ["any", "any x 3"], {"circle": 6 + 2}),
        (lambda: [2, *[4] * 40, 1], ["... 30 more"], {}),
    ],
)
def test_a_network_has_a_diagram(
    make: Callable[[], list[object]], words: list[str], shapes: dict[str, int]
) -> None:
    nn = foxnn.neural_network(make(), seed=1)
    (picture,) = pictures(nn._repr_html_())
    assert set(words) <= set(texts(picture))
    for shape, count in shapes.items():
        assert len(list(picture.iter(f"{SVG}{shape}"))) == count
    if "... 30 more" in words:
        assert texts(picture).count("Dense") == 11
    _, _, width, height = map(float, picture.attrib["viewBox"].split())
    for each in picture.iter(f"{SVG}rect"):
        x, y, w, h = (float(each.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x > 0
        assert y > 0
        assert x + w < width
        assert y + h < height - 20  # above the words


def test_what_users_name_is_text() -> None:
    pop = foxnn.population(2, [2, Dense(1, name="<b>")], seed=1)
    assert "<b>" not in pop._repr_html_()
    assert len(pictures(pop._repr_html_())) == 1
    plots = svg.plots({"<i>": [svg.Curve([1.0, 2.0], "<b>&")]})
    assert {"<i>", "<b>&"} <= set(texts(pictures(plots)[0]))


def test_notebooks_need_no_matplotlib(run_python: Callable[..., object]) -> None:
    program = (
        "import sys, foxnn; nn = foxnn.neural_network([1, 1], seed=1); "
        "h = nn.fit([[0.0]], [[0.0]], epochs=2); shown = h._repr_html_() + nn._repr_html_(); "
        "print(shown.count('<svg '), 'matplotlib' in sys.modules)"
    )
    done = run_python(program)
    assert done.stdout.split() == ["2", "False"]  # type: ignore[attr-defined]
