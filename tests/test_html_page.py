"""Exported pages in a browser: their answers, and what one can do with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
import segment_digits
from browser import Opened, browser
from foxnn import GRU, LSTM, Activation, Conv1D, Conv2D, Conv3D, Dense, Embedding, MaxPool2D
from foxnn.layers.activation_table import ACTIVATIONS
from gallery_pages import PAGES

WIDTHS = (380, 800, 1400)
# As the page promises.
WITHIN = 1e-5
# Values between layers are not outputs, of which the page's promise speaks: those of a BatchNorm
# whose channels hardly vary magnify the rounding before it.
WITHIN_LAYERS = 1e-4


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as started:
        yield started


Open = Callable[..., Opened]


@pytest.fixture
def opened(chromium: Any, tmp_path: Path) -> Iterator[Open]:
    """Return a function that exports a network and opens the page."""
    pages: list[Opened] = []

    def opens(nn: Any, samples: Any = None, *, view: Any = None, **options: Any) -> Opened:
        path = nn if isinstance(nn, Path) else tmp_path / "net.html"
        if path is not nn:
            nn.export_html(path, samples, **options)
        pages.append(Opened(chromium, path, **(view or {})))
        return pages[-1]

    yield opens
    for page in pages:
        page.close()
        assert page.said == []
        assert all(url.startswith("file:///") for url in page.asked)
        assert len(page.asked) == 1


@pytest.fixture(scope="module")
def calculator(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a function that lets a page compute a network, and returns all that it has found."""
    folder = tmp_path_factory.mktemp("pages")
    path = folder / "net.html"
    foxnn.neural_network([1, 1]).export_html(path)
    page = Opened(chromium, path)

    def found(nn: foxnn.neural_network, x: np.ndarray) -> list[dict[str, Any]]:
        nn.export_html(path)
        text = path.read_text(encoding="utf-8")
        given = [re.search(f'id="{name}">(.*?)</script>', text, re.S) for name in PARTS]
        lines = re.findall(r"^ACTIVATIONS\..*;$", text, re.M)
        samples = [{"shape": list(one.shape), "data": one.reshape(-1).tolist()} for one in x]
        return page.tab.evaluate(COMPUTE, [*(g[1] for g in given if g), "\n".join(lines), samples])

    yield found
    page.close()
    assert page.said == []


PARTS = ("description", "weights")
# A new Function is allowed here, and not in the page: Playwright's scripts are beyond its policy.
COMPUTE = """([description, weights, functions, samples]) => {
  for (const [, name, body] of functions.matchAll(/^ACTIVATIONS\\.(\\w+) = (.*);$/gm)) {
    ACTIVATIONS[name] = (0, eval)(body);
  }
  const network = readNetwork(description, weights);
  if (!selfTest(network).passed) throw Error("self-test");
  return samples.map((sample) => {
    const { values, outputs } = answer(network, sample);
    const layers = network.layers.map((layer) => Array.from(values.get(layer).data));
    return { shape: outputs.shape, data: Array.from(outputs.data), layers };
  });
}"""


def check_agrees(found: list[dict[str, Any]], nn: foxnn.neural_network, x: np.ndarray) -> None:
    wanted = nn.predict(x)
    layers = list(nn.layer_outputs(x).values())
    for i, one in enumerate(found):
        assert one["shape"] == list(wanted[i].shape)
        np.testing.assert_allclose(
            np.reshape(one["data"], wanted[i].shape), wanted[i], rtol=WITHIN, atol=WITHIN
        )
        for own, expected in zip(one["layers"], layers, strict=True):
            flat = np.asarray(expected[i]).reshape(-1)
            np.testing.assert_allclose(own, flat, rtol=WITHIN_LAYERS, atol=WITHIN_LAYERS)


@pytest.mark.parametrize("row", kinds.ROWS, ids=lambda row: row.name)
def test_each_kind_is_computed_as_by_predict(row: kinds.Row, calculator: Any) -> None:
    # Every other one in float64, whose weights are rounded in the page.
    nn = row.network(("float32", "float64")[kinds.ROWS.index(row) % 2])
    x = kinds.samples(nn, 2, seed=5)
    check_agrees(calculator(nn, x), nn, x)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_each_activation_is_computed_as_by_predict(name: str, calculator: Any) -> None:
    nn = foxnn.neural_network([1, Dense(7, "identity"), 5], output_activation=name, seed=2)
    x = np.array([[0.0], [-0.3], [2.5], [-6.0], [17.0], [-30.0]], np.float32)
    check_agrees(calculator(nn, x), nn, x)


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize("is_scaled", [False, True])
def test_quantiles_are_put_into_order(targets: int, is_scaled: bool, calculator: Any) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40, 3)), 300 + 20 * rng.normal(size=(40, targets))
    loss = ("quantile", [0.1, 0.5, 0.7, 0.9])
    nn = foxnn.neural_network([3, 8, 4 * targets], "tanh", "identity", loss=loss, seed=1)
    if is_scaled:
        nn.fit(x, y, epochs=1, scale="standard")
    raw = list(nn.layer_outputs(x).values())[-1].reshape(-1, 4)
    assert (np.diff(raw, axis=1) < 0).any()  # the last layer's outputs are not
    check_agrees(calculator(nn, x), nn, x)


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_sequences_of_any_length_are_computed_as_by_predict(steps: int, calculator: Any) -> None:
    layers = [(None, 3), Conv1D(5, 3, stride=2, padding="same"), LSTM(4, bidirectional=True), 2]
    nn = foxnn.neural_network(layers, "relu", seed=1)
    x = np.random.default_rng(0).normal(size=(2, steps, 3)).astype(np.float32)
    check_agrees(calculator(nn, x), nn, x)


def test_scaled_inputs_and_outputs_are_computed_as_by_predict(calculator: Any) -> None:
    rng = np.random.default_rng(1)
    x = (rng.normal(size=(40, 3)) * [1, 1000, 1e-3] + [5, -7000, 0]).astype(np.float32)
    y = 300 + 20 * rng.normal(size=(40, 2))
    nn = foxnn.neural_network([3, 8, 2], "tanh", "identity", seed=1)
    nn.fit(x, y, epochs=2, scale="standard")
    found = calculator(nn, x[:5])
    np.testing.assert_allclose([one["data"] for one in found], nn.predict(x[:5]), rtol=WITHIN)


def shown(page: Opened) -> np.ndarray:
    """Return the outputs that the page shows."""
    page.settle()
    return np.array(page.tab.evaluate("Array.from(page.shown.outputs.data)"))


def asked(page: Opened) -> np.ndarray:
    """Return the inputs that the page has."""
    return np.array(page.tab.evaluate("Array.from(page.input.sample().data)"))


# Pictures


def as_mnist(images: np.ndarray) -> np.ndarray:
    """Return digits that are scaled to 20 rows, with their centre of mass in the middle."""
    made = np.zeros((len(images), 28, 28), np.float32)
    for to, image in zip(made, images.reshape(-1, 28, 28) > 120, strict=True):
        rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
        box = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        high, wide = (max(1, length * 20 // max(box.shape)) for length in box.shape)
        y, x = np.arange(high) * box.shape[0] // high, np.arange(wide) * box.shape[1] // wide
        small = box[np.ix_(y, x)]
        top, left = (14 - round(float(np.mean(n + 0.5))) for n in np.nonzero(small))
        to[max(0, top) : top + high, max(0, left) : left + wide] = small
    return made.reshape(-1, 784)


@pytest.fixture(scope="module")
def digits() -> tuple[foxnn.neural_network, np.ndarray, np.ndarray]:
    """Return a network that reads digits of seven segments, images and labels."""
    images, labels, *_ = segment_digits.load(None)
    x = as_mnist(images)
    nn = foxnn.neural_network([784, 24, 10], "relu", "softmax", seed=1)
    nn.fit(x, labels, epochs=8, batch_size=20, learning_rate=0.003, progress=False)
    assert nn.evaluate(x, labels)["accuracy"] > 0.99
    return nn, x, labels


def draw(page: Opened, points: list[tuple[float, float]]) -> None:
    """Draw a line through points of the drawing area, from 0 to 1."""
    box = page.tab.locator("#drawing").bounding_box()
    mouse, pressed = page.tab.mouse, False
    for x, y in points:
        mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if not pressed:
            mouse.down()
            pressed = True
    mouse.up()
    page.settle()


SEVEN = [(0.3, 0.2), (0.6, 0.2), (0.6, 0.75)]


def test_a_seven_is_drawn_and_read(digits: Any, opened: Open) -> None:
    page = opened(digits[0])
    assert asked(page).max() == 0
    draw(page, SEVEN)
    assert shown(page).argmax() == 7
    assert page.tab.text_content("#answer").startswith("7 (")
    np.testing.assert_allclose(shown(page), digits[0].predict([asked(page)])[0], atol=WITHIN)
    best = page.tab.locator(".bar.best .name").text_content()
    assert best == "7"


def test_what_is_drawn_is_centred_as_mnist_is_unless_it_is_switched_off(
    digits: Any, opened: Open
) -> None:
    page = opened(digits[0])
    draw(page, [(0.05 + x / 3, 0.05 + y / 3) for x, y in SEVEN])
    image = asked(page).reshape(28, 28)
    rows, columns = (np.flatnonzero(image.sum(axis=axis) > 0) for axis in (1, 0))
    assert rows[-1] - rows[0] + 1 == 20
    middle = [(image * n).sum() / image.sum() for n in np.mgrid[:28, :28]]
    np.testing.assert_allclose(middle, 13.5, atol=0.51)
    assert shown(page).argmax() == 7
    assert columns[-1] < 27

    page.tab.get_by_label("Centre and scale").uncheck()
    page.settle()
    image = asked(page).reshape(28, 28)
    assert image[:12, :12].sum() == pytest.approx(image.sum())
    assert image.sum() > 10


def test_the_pen_erases_and_everything_is_cleared(digits: Any, opened: Open) -> None:
    page = opened(digits[0])
    page.tab.get_by_label("Centre and scale").uncheck()
    draw(page, SEVEN)
    ink = asked(page).sum()
    page.tab.get_by_label("Erase").check()
    draw(page, [(0.6, 0.4), (0.6, 0.6)])
    assert 0.5 * ink < asked(page).sum() < 0.9 * ink
    page.tab.click("#clear")
    assert not asked(page).any()
    np.testing.assert_allclose(shown(page), digits[0].predict(np.zeros((1, 784)))[0], atol=WITHIN)


def test_a_seven_is_drawn_by_keys(digits: Any, opened: Open) -> None:
    page = opened(digits[0])
    page.tab.focus("#drawing")
    for keys in (
        ["ArrowLeft"] * 6 + ["ArrowUp"] * 8,
        [" "] + ["ArrowRight"] * 8,
        ["ArrowDown"] * 15,
    ):
        for key in keys:
            page.tab.keyboard.press(key)
    page.tab.keyboard.press(" ")
    before = asked(page)
    page.tab.keyboard.press("ArrowLeft")  # the pen is up
    assert (asked(page) == before).all()
    assert shown(page).argmax() == 7


def test_a_seven_is_drawn_by_a_finger(digits: Any, opened: Open) -> None:
    phone = {"viewport": {"width": 380, "height": 800}, "has_touch": True, "is_mobile": True}
    page = opened(digits[0], view=phone)
    box = page.tab.locator("#drawing").bounding_box()
    device = page.context.new_cdp_session(page.tab)
    corners = np.array(SEVEN)
    along = np.linspace(0, len(corners) - 1, 12)
    way = [np.interp(along, range(len(corners)), axis) for axis in corners.T]
    for i, (x, y) in enumerate(zip(*way, strict=True)):
        at = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        kind = "touchMove" if i else "touchStart"
        device.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [at]})
    device.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.settle()
    assert shown(page).argmax() == 7
    assert page.tab.evaluate("scrollY") == 0


def test_a_sample_is_picked(digits: Any, opened: Open) -> None:
    nn, x, labels = digits
    page = opened(nn, (x[:30], labels[:30]))
    assert (asked(page) == x[0]).all()  # it begins with the first
    buttons = page.tab.locator("#samples button")
    assert buttons.count() == 30
    assert buttons.nth(17).get_attribute("title") == "Sample 18: 7"
    buttons.nth(17).press("Enter")
    page.settle()
    np.testing.assert_array_equal(asked(page), x[17])
    np.testing.assert_allclose(shown(page), nn.predict(x[17:18])[0], atol=WITHIN)


def test_ink_may_be_dark(opened: Open) -> None:
    x = np.full((3, 8, 8, 1), 200, np.uint8)
    x[:, 2:4, 2:6] = 30
    nn = foxnn.neural_network([(8, 8, 1), Conv2D(2, 3), 2], "relu", seed=1)
    page = opened(nn, x)
    page.tab.click("#clear")
    assert (asked(page) == 200).all()
    page.tab.locator("#pen").fill("20")
    draw(page, [(0.1, 0.5), (0.9, 0.5)])
    assert asked(page).min() == pytest.approx(30, abs=1)


def test_colours_are_drawn(opened: Open) -> None:
    nn = foxnn.neural_network([(8, 8, 3), Conv2D(4, 3), MaxPool2D(2), 3], "relu", "softmax", seed=1)
    page = opened(nn)
    page.tab.get_by_label("Colour").fill("#ff0080")
    page.tab.locator("#pen").fill("20")
    draw(page, [(0.1, 0.5), (0.9, 0.5)])
    image = asked(page).reshape(8, 8, 3)
    np.testing.assert_allclose(image.max(axis=(0, 1)), [1, 0, 0.5], atol=0.01)
    np.testing.assert_allclose(shown(page), nn.predict(image[None])[0], atol=WITHIN)


@pytest.mark.parametrize("picture", [(1, 64), (16, 4), (1000, 8)])
def test_long_pictures_fit_and_are_drawn_where_the_pen_is(
    picture: tuple[int, int], opened: Open
) -> None:
    nn = foxnn.neural_network([picture[0] * picture[1], 2], seed=1)
    page = opened(nn, picture=picture)
    box = page.tab.locator("#drawing").bounding_box()
    assert 40 < min(box["width"], box["height"]) <= max(box["width"], box["height"]) < 240
    draw(page, 2 * [(0.4, 0.72) if picture[0] > 1 else (0.72, 0.4)])
    drawn = asked(page).reshape(picture)
    assert drawn.max() > 0.8
    rows, columns = (drawn.sum(axis=axis) for axis in (1, 0))
    along = rows if picture[0] > 1 else columns
    assert np.average(np.arange(len(along)) + 0.5, weights=along) / len(along) == pytest.approx(
        0.72, abs=0.05
    )


def test_the_cells_of_a_volume_are_set(opened: Open) -> None:
    nn = foxnn.neural_network([(3, 4, 5, 2), Conv3D(3, 2), 2], seed=1)
    page = opened(nn)
    page.tab.focus("#drawing")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", " "):
        page.tab.keyboard.press(key)
    wanted = np.zeros((3, 4, 5, 2))
    wanted[0, 1, 2, 0] = 1
    np.testing.assert_array_equal(asked(page).reshape(3, 4, 5, 2), wanted)
    np.testing.assert_allclose(shown(page), nn.predict(wanted[None])[0], atol=WITHIN)
    page.tab.keyboard.press(" ")
    assert not asked(page).any()


# What one points at


def test_pointing_at_a_neuron_shows_its_weights_as_a_picture(digits: Any, opened: Open) -> None:
    nn, x, _ = digits
    page = opened(nn, x[:3])
    canvas = page.tab.locator("section.layer canvas").nth(1)
    left, top, size = page.tab.evaluate("page.views[1].cells.place(13)")
    canvas.hover(position={"x": left + size / 2, "y": top + size / 2})
    page.settle()
    inspector = page.tab.locator("#inspector")
    assert inspector.locator("h2").text_content() == "dense_0, 13"
    total = float((x[0] @ nn[0].weights + nn[0].bias)[13])
    said = re.search(r"Weighted sum (\S+), with bias (\S+)\. ", inspector.text_content())
    assert said is not None
    assert float(said[1]) == pytest.approx(total, rel=2e-3)
    assert float(said[2]) == pytest.approx(float(nn[0].bias[13]), rel=2e-3)
    # The picture: more red than blue where a weight is above zero, the other way round below.
    cells = page.tab.evaluate(
        """() => {
          const { canvas } = page.inspector, { width } = canvas, size = width / 28;
          const all = canvas.getContext("2d").getImageData(0, 0, width, width).data;
          return Array.from({ length: 784 }, (_, i) => {
            const x = Math.floor((i % 28 + 0.5) * size);
            const first = 4 * (Math.floor((Math.floor(i / 28) + 0.5) * size) * width + x);
            return Array.from(all.slice(first, first + 4));
          });
        }"""
    )
    redder = np.array([red - blue for red, _, blue, _ in cells])
    weights = nn[0].weights[:, 13]
    large = np.abs(weights) > 0.2 * np.abs(weights).max()
    assert (np.sign(redder[large]) == np.sign(weights[large])).all()
    box = inspector.bounding_box()
    covered = page.tab.evaluate(  # by nothing, such as the names of layers
        """([x, y, width, height]) => [0.1, 0.3, 0.5, 0.7, 0.9].filter((share) => !document
          .elementFromPoint(x + width * share, y + height * share).closest("#inspector"))""",
        [box["x"], box["y"], box["width"], box["height"]],
    )
    assert covered == []
    page.tab.mouse.move(0, 0)
    assert inspector.is_hidden()


def test_neurons_are_chosen_by_keys(digits: Any, opened: Open) -> None:
    page = opened(digits[0], digits[1][:1])
    page.tab.keyboard.press("Tab")
    for _ in range(40):
        if page.tab.evaluate("document.activeElement === page.views[2].canvas"):
            break
        page.tab.keyboard.press("Tab")
    else:
        pytest.fail("the keys do not lead to the last layer")
    heading = page.tab.locator("#inspector h2")
    assert heading.text_content() == "dense_1, 0"
    page.tab.keyboard.press("ArrowRight")
    page.tab.keyboard.press("ArrowRight")
    assert heading.text_content() == "dense_1, 2"
    page.tab.keyboard.press("ArrowLeft")
    assert heading.text_content() == "dense_1, 1"
    page.tab.keyboard.press("Escape")
    assert page.tab.locator("#inspector").is_hidden()


def test_the_strongest_connections_are_lit(digits: Any, opened: Open) -> None:
    nn, x, _ = digits
    page = opened(nn, x[:3])
    page.settle()
    found = page.tab.evaluate(
        "strongest(page.views[2].layer, page.shown.values.get(page.views[1].layer), "
        "page.shown.outputs, 5)"
    )
    hidden = nn.layer_outputs(x[:1])["dense_0"][0]
    carried = hidden[:, None] * nn[1].weights
    order = np.argsort(-np.abs(carried), axis=None)[:5]
    wanted = [[*map(int, np.unravel_index(place, carried.shape))] for place in order]
    assert [one[:2] for one in found] == wanted
    lines = page.tab.locator("#lines path")
    assert lines.count() == 80  # 40 into each of the two layers
    page.tab.get_by_label("strongest connections").uncheck()
    assert lines.count() == 0


def test_pointing_at_a_feature_map_shows_what_its_window_reads(opened: Open) -> None:
    nn = foxnn.neural_network([(6, 6, 1), Conv2D(2, 3, padding="same"), 2], "tanh", seed=1)
    x = np.arange(36).reshape(1, 6, 6, 1) / 36 + 0.1
    page = opened(nn, x)
    page.settle()
    found = page.tab.evaluate(
        "(() => { const v = page.views[1]; const at = LAYERS.conv.incoming(v.layer, "
        "page.shown.reads.get(v.layer), 1); return { sources: Array.from(at.sources), "
        "weights: Array.from(at.weights) }; })()"
    )  # the second filter, in the upper left corner
    np.testing.assert_allclose(found["weights"], nn[0].weights[..., 1].reshape(-1), rtol=1e-6)
    assert found["sources"] == [-1, -1, -1, -1, 0, 1, -1, 6, 7]
    left, top, size = page.tab.evaluate("page.views[1].cells.place(1)")
    page.tab.locator("section.layer canvas").nth(1).hover(
        position={"x": left + size / 2, "y": top + size / 2}
    )
    page.settle()
    assert page.tab.locator("#inspector h2").text_content() == "conv2d_0, 0 · 0 · 1"
    assert page.tab.locator("#lines path").count() == 4


# Tables


def a_table() -> tuple[foxnn.neural_network, np.ndarray]:
    rng, kind = np.random.default_rng(0), np.arange(30) % 3
    numbers = [20 + rng.integers(0, 50, 30), rng.normal(size=30), np.arange(30) % 2]
    x = np.column_stack([*numbers, *(kind == k for k in range(3))]).astype(np.float64)
    nn = foxnn.neural_network([6, 8, 3], "tanh", "softmax", seed=1)
    nn.input_names = ["age", "weight", "smoker", "colour=red", "colour=green", "colour=<b>"]
    nn.fit(
        x,
        np.array(["low", "</script><script>alert(1)</script>", "top & high"])[kind],
        30,
        8,
        scale="standard",
    )
    return nn, x


def test_the_inputs_of_a_table_are_set_by_sliders_and_choices(opened: Open) -> None:
    nn, x = a_table()
    page = opened(nn, x, title="</title><script>alert(2)</script>")
    assert page.tab.title() == "</title><script>alert(2)</script>"
    assert page.tab.locator(".row label").all_text_contents() == [
        "age",
        "weight",
        "smoker",
        "colour",
    ]
    age = page.tab.get_by_label("age").first
    assert [float(age.get_attribute(end)) for end in ("min", "max")] == [
        x[:, 0].min(),
        x[:, 0].max(),
    ]
    field = page.tab.locator(".row input[type=number]").first
    field.fill("-1.26e+6")
    assert field.evaluate("(field) => field.scrollWidth <= field.clientWidth")
    age.fill("33")
    page.tab.get_by_label("smoker").select_option("1")
    page.tab.get_by_label("colour").select_option("<b>")
    page.tab.locator(".row input[type=number]").nth(1).fill("0.25")
    page.tab.keyboard.press("Enter")
    np.testing.assert_allclose(asked(page), [33, 0.25, 1, 0, 0, 1])
    np.testing.assert_allclose(shown(page), nn.predict([asked(page)])[0], atol=WITHIN)
    assert set(page.tab.locator(".bar .name").all_text_contents()) == set(nn.classes)
    page.tab.locator("#sample").select_option(index=4)
    np.testing.assert_allclose(asked(page), x[4])
    assert page.tab.get_by_label("colour").input_value() == ["red", "green", "<b>"][4 % 3]


def test_two_classes_of_one_output_are_named(opened: Open) -> None:
    options = {"output_activation": "sigmoid", "loss": "binary_cross_entropy", "seed": 1}
    nn = foxnn.neural_network([2, 1], **options)
    nn.fit([[0.0, 0.0], [1.0, 1.0]], ["no", "yes"], epochs=200, learning_rate=0.1)
    page = opened(nn, [[0.0, 0.0], [1.0, 1.0]])
    page.settle()
    assert page.tab.text_content("#answer").startswith("no (")
    page.tab.locator("#sample").select_option(index=1)
    page.settle()
    assert page.tab.text_content("#answer").startswith("yes (")


def test_quantiles_are_answered_with_their_range(opened: Open) -> None:
    loss = ("quantile", [0.1, 0.5, 0.9])
    nn = foxnn.neural_network([2, 3], "identity", loss=loss, seed=1)
    nn[0].weights, nn[0].bias = np.zeros((2, 3)), [7.0, -1.5, 2.0]
    page = opened(nn)
    assert page.tab.inner_text("#answer") == "2, from -1.5 (10 %) to 7 (90 %)"
    assert page.tab.locator("#bars .name").all_inner_texts() == ["10 %", "50 %", "90 %"]
    assert page.tab.locator(".bar.best .name").all_inner_texts() == ["50 %"]


def test_classes_learnt_by_the_squared_error_are_answered(opened: Open) -> None:
    nn = foxnn.neural_network([2, 2], "identity", seed=1)
    nn[0].weights, nn[0].bias = np.eye(2), [0.0, 0.25]
    nn.classes = ["left", "right"]
    page = opened(nn, ([[1.0, 0.0], [0.0, 1.0]], np.eye(2)))
    assert page.tab.inner_text("#answer") == "left (1)"
    told = page.tab.locator("#sample option").all_inner_texts()
    assert told == ["Sample 1: left", "Sample 2: right"]
    page.tab.locator("#sample").select_option(index=1)
    page.settle()
    assert page.tab.inner_text("#answer") == "right (1.25)"


def test_each_of_several_classes_is_answered(opened: Open) -> None:
    nn = foxnn.neural_network(
        [2, 3], output_activation="sigmoid", loss="binary_cross_entropy", seed=1
    )
    nn[0].weights, nn[0].bias = [[9.0, 0, 0], [0, 9.0, 9.0]], [-1.0, -1.0, -1.0]
    x = np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    page = opened(nn, x)
    for i, classes in enumerate(nn.predict_classes(x)):
        page.tab.locator("#sample").select_option(index=i)
        page.settle()
        names = [str(n) for n in np.flatnonzero(classes)]
        assert page.tab.text_content("#answer") == (", ".join(names) or "none")
        assert page.tab.locator(".bar.best .name").all_text_contents() == names


def test_a_page_of_very_many_outputs_starts(opened: Open) -> None:
    nn = foxnn.neural_network([1, 150_000], seed=1)
    page = opened(nn)
    page.tab.wait_for_selector("#self-test.passed")
    assert "150000, of which the first 8192 are shown" in page.tab.text_content("#layers")
    assert page.tab.locator(".bar").count() == 24


# Sequences


def test_a_sequence_is_read_step_by_step(opened: Open) -> None:
    nn = foxnn.neural_network([(None, 2), GRU(5), 3], output_activation="softmax", seed=1)
    x = np.random.default_rng(0).normal(size=(2, 7, 2))
    page = opened(nn, x)
    np.testing.assert_allclose(shown(page), nn.predict(x[:1])[0], atol=WITHIN)
    page.tab.get_by_label("Step ", exact=True).fill("3")
    np.testing.assert_allclose(shown(page), nn.predict(x[:1, :3])[0], atol=WITHIN)
    assert "3 of 7" in page.tab.text_content("#step-by-step")
    page.tab.click("#play")
    page.tab.locator("#step-by-step output", has_text="7 of 7").wait_for()
    np.testing.assert_allclose(shown(page), nn.predict(x[:1])[0], atol=WITHIN)


def test_the_gates_of_a_step_are_told(opened: Open) -> None:
    nn = foxnn.neural_network([(4, 2), LSTM(3), 1], seed=1)
    x = np.random.default_rng(0).normal(size=(1, 4, 2))
    page = opened(nn, x)
    page.settle()
    page.tab.evaluate(
        "(() => { page.views[1].chosen = 2 * 3 + 1; page.choose(page.views[1], true); })()"
    )
    said = page.tab.text_content("#inspector .words")
    gates = re.findall(r"\b([ifgo]) (-?[\d.e-]+[\d])", said)
    trace = nn.trace(x[0])
    assert [name for name, _ in gates] == ["i", "f", "g", "o"]
    for name, value in gates:
        assert float(value) == pytest.approx(float(trace[f"{name}^1"][2, 1]), rel=2e-3)


def test_a_curve_is_drawn(opened: Open) -> None:
    nn = foxnn.neural_network([(None, 2), LSTM(4, return_sequences=True), Dense(3)], seed=1)
    page = opened(nn)
    before = asked(page)
    draw(page, [(0.0, 0.5), (1.0, 0.5)])
    changed = asked(page) != before
    assert changed[::2].all()  # every step of the first channel
    assert not changed[1::2].any()
    np.testing.assert_allclose(asked(page)[::2], 0, atol=0.1)
    page.tab.get_by_label("Steps").fill("9")
    page.tab.keyboard.press("Enter")
    page.settle()
    assert len(asked(page)) == 18
    wanted = nn.predict(asked(page).reshape(1, 9, 2))[0]
    np.testing.assert_allclose(shown(page).reshape(9, 3), wanted, atol=WITHIN)
    page.tab.focus("#drawing")
    page.tab.keyboard.press("ArrowUp")
    page.settle()
    told = re.fullmatch(
        r"Curve of channel 0: step (\d) of 9 is (\S+)",
        page.tab.get_attribute("#drawing", "aria-label"),
    )
    assert told is not None
    assert float(told[2]) == pytest.approx(asked(page)[2 * (int(told[1]) - 1)], rel=1e-3)
    raised = asked(page).reshape(9, 2)
    assert raised[page.tab.evaluate("page.input.at"), 0] > 0.1
    assert len(shown(page)) == 27


def test_a_curve_of_one_step_is_seen(opened: Open) -> None:
    nn = foxnn.neural_network([(None, 1), GRU(2)], seed=1)
    page = opened(nn, np.full((1, 1, 1), 0.5))
    page.settle()
    assert page.tab.evaluate(
        "(({ canvas }) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)"
        ".data.some((byte) => byte > 0))(page.input)"
    )


def test_indices_are_written_and_others_refused(opened: Open) -> None:
    nn = foxnn.neural_network([(4,), Embedding(9, 3), GRU(5), 2], seed=1)
    page = opened(nn)
    field = page.tab.get_by_label("Indices")
    field.fill("1, 8 0;3")
    np.testing.assert_array_equal(asked(page), [1, 8, 0, 3])
    np.testing.assert_allclose(shown(page), nn.predict([[1, 8, 0, 3]])[0], atol=WITHIN)
    for wrong in ("1 9 0 3", "1 2 3", "1 2 3 x", "1 2 3 -1", "1 2 3 0.5", ""):
        field.fill(wrong)
        assert field.get_attribute("aria-invalid") == "true"
        np.testing.assert_array_equal(asked(page), [1, 8, 0, 3])


def test_the_class_of_each_place_is_mapped(opened: Open) -> None:
    layers = [(9, 8, 1), Conv2D(3, 3, padding="same"), Dense(4)]
    nn = foxnn.neural_network(layers, "relu", "softmax", seed=1)
    x = np.random.default_rng(0).random((1, 9, 8, 1))
    page = opened(nn, x)
    page.settle()
    counts = np.bincount(nn.predict_classes(x).reshape(-1), minlength=4)
    said = {
        int(a): int(b) for a, b in re.findall(r"(\d+): (\d+)", page.tab.text_content("#answer"))
    }
    assert said == {i: n for i, n in enumerate(counts.tolist()) if n}


# The page itself


def every_form() -> dict[str, foxnn.neural_network]:
    wide = [(20, 20, 3), Conv2D(40, 3), Activation("relu"), MaxPool2D(2)]
    return {
        "picture": foxnn.neural_network([784, 300, 12], "relu", "softmax", seed=1),
        "table": foxnn.neural_network([7, 200, 40], seed=1),
        "steps": foxnn.neural_network([(300, 3), GRU(20, return_sequences=True), Dense(5)], seed=1),
        "indices": foxnn.neural_network([(40,), Embedding(9, 3), GRU(5), 2], seed=1),
        "composites": foxnn.neural_network(
            [*wide, foxnn.Parallel(Conv2D(4, 1), foxnn.Residual(Conv2D(40, 1))), 2], seed=1
        ),
    }


@pytest.mark.parametrize("form", every_form())
def test_nothing_overflows_at_any_width_in_light_and_dark(form: str, opened: Open) -> None:
    nn = every_form()[form]
    if form == "table":
        nn.input_names = [f"{'a long name ' * 5}{'x' * 40} {i}" for i in range(7)]
    page = opened(nn, title="A long title " + "w" * 120)
    shades = set()
    for width in WIDTHS:
        page.tab.set_viewport_size({"width": width, "height": 900})
        rows = page.tab.locator(".row").evaluate_all("(rows) => rows.map((e) => e.clientHeight)")
        assert max(rows, default=0) < 100  # whose long names are cut
        for scheme in ("light", "dark"):
            page.tab.emulate_media(color_scheme=scheme)
            page.settle()
            assert page.tab.evaluate("document.documentElement.scrollWidth") == width
            outside = page.tab.evaluate(
                "[...document.querySelectorAll('section.layer, .card')].filter((e) => "
                "e.scrollWidth > e.clientWidth + 1 || "
                "e.getBoundingClientRect().right > innerWidth).map((e) => e.outerHTML)"
            )
            assert outside == []
            shades.add(page.tab.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert page.tab.evaluate(CONTRAST) > 4.5
    assert len(shades) == 2


# The contrast of text and its background by the WCAG, of which 4.5 is readable for all.
CONTRAST = """() => {
  const light = (colour) => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((n) => n / 255)
      .map((n) => n <= 0.04045 ? n / 12.92 : ((n + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const back = light(getComputedStyle(document.body).backgroundColor);
  return Math.min(...["body", ".hint", "#self-test"].map((name) => {
    const front = light(getComputedStyle(document.querySelector(name)).color);
    return (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
  }));
}"""


def test_the_self_test_tells_the_truth(digits: Any, opened: Open, tmp_path: Path) -> None:
    page = opened(digits[0])
    page.tab.wait_for_selector("#self-test.passed")
    assert "8 recorded samples" in page.tab.text_content("#self-test")
    path = tmp_path / "net.html"
    text = path.read_text(encoding="utf-8")
    head, mark, weights = text.partition('id="weights">')
    path.write_text(head + mark + "AACAPwAAgD8A" + weights[12:], encoding="utf-8")
    other = opened(path)
    other.tab.wait_for_selector("#self-test.failed")
    assert "failed" in other.tab.text_content("#self-test")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_pages_of_the_gallery_are_small_and_right(path: Path, chromium: Any) -> None:
    assert path.stat().st_size < 300_000
    page = Opened(chromium, path)
    page.tab.wait_for_selector("#self-test.passed")
    page.close()
    assert page.said == []


def test_the_gallery_links_its_pages() -> None:
    folder = Path(__file__).resolve().parents[1] / "wiki/Gallery"
    for path in PAGES:
        texts = [text for text in folder.glob("*.md") if f"pages/{path.name}" in text.read_text()]
        assert len(texts) == 2, path.name  # that of the experiment, and the list of all
    assert len(PAGES) == 4


def test_the_page_cannot_ask_for_anything(digits: Any, chromium: Any, tmp_path: Path) -> None:
    digits[0].export_html(tmp_path / "net.html")
    page = Opened(chromium, tmp_path / "net.html")
    refused = page.tab.evaluate(
        "() => fetch('https://example.org/').then(() => 'sent', () => 'refused')"
    )
    page.close()
    assert refused == "refused"
    assert any("Content Security Policy" in text for text in page.said)


def test_a_page_that_cannot_start_says_so(digits: Any, chromium: Any, tmp_path: Path) -> None:
    path = tmp_path / "net.html"
    digits[0].export_html(path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"operation":"dense"', '"operation":"other"'), encoding="utf-8")
    page = Opened(chromium, path)
    page.tab.wait_for_selector("#self-test.failed")
    assert page.tab.text_content("#self-test").startswith("This page cannot be shown here: ")
    page.close()
