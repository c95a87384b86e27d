"""The examples of the gallery that read sequences, in short, on made-up digits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import foxnn
import segment_digits
from gallery_runs import load, told

pytest.importorskip("matplotlib")


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Return a function that imports a script and gives it made-up digits."""
    return lambda name: load(name, monkeypatch)


def test_row_by_row(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("row_by_row")
    page = tmp_path / "rows.html"
    found = told(script, tmp_path / "pictures", capsys, "row-by-row", page=page)
    for name in script.NETWORKS:
        assert 40 < found[f"{name}: accuracy"][0] <= 100
    # No segment begins above row 7, so that before it is read one digit is as likely as another.
    every = found[f"{script.EVERY}: after 8, 12, 16, 20, 24 rows"]
    assert every[0] < 40 < max(every)
    assert len(found["rows until sure, digits 0 to 9"]) == 10


def test_answers_by_row_are_those_to_the_rows_read(example: Callable[[str], ModuleType]) -> None:
    script = example("row_by_row")
    x = segment_digits.load(None)[2][:5].reshape(-1, 28, 28) / np.float32(255)
    for name in (script.LAST, script.EVERY):
        nn = foxnn.neural_network(script.NETWORKS[name][0], output_activation="softmax", seed=1)
        found = script.answers(nn, x)
        assert found.shape == (5, 28, 10)
        changed = x.copy()
        changed[:, 20:] = 1
        again = script.answers(nn, changed)
        assert (found[:, :20] == again[:, :20]).all()
        assert not (found[:, 20] == again[:, 20]).any()


def test_rows_until_sure(example: Callable[[str], ModuleType]) -> None:
    script = example("row_by_row")
    found = np.full((4, 28, 10), 0.05, np.float32)
    found[0, 5:, 3] = 0.95  # sure from the sixth row on
    found[1, 5:20, 3], found[1, 24:, 3] = 0.95, 0.91  # in between, no longer
    found[2, 5:, 4] = 0.95  # of another digit
    found[3, :, 3] = 0.95
    assert script.rows_until_sure(found, np.full(4, 3, np.uint8)).tolist() == [6, 25, 29, 1]
    assert script.right(found, np.full(4, 3, np.uint8))[-1] == 75


def test_neutral_to_smile(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("neutral_to_smile")
    found = told(script, tmp_path, capsys, "neutral-to-smile")
    for name in script.WAYS:
        table = np.array([found[f"{name}: {kind}, answers"] for kind in script.CLASSES])
        assert table.sum(axis=1).tolist() == [50, 50]
        assert found[f"{name}: new films"][0] == 100 * np.trace(table) / 100
    course = found[f"{script.RECURRENT}: after 1 to {script.FRAMES} frames"]
    assert len(course) == script.FRAMES
    assert course[-1] == found[f"{script.RECURRENT}: new films"][0]


def test_films_tell_by_their_order_alone(example: Callable[[str], ModuleType]) -> None:
    script = example("neutral_to_smile")
    made = script.films(600, 3)
    steps = np.diff(made.smiles, axis=1)
    backwards = np.where(np.abs(steps) < 0.5, steps, -steps) < 0
    assert (backwards == made.backwards[:, None]).all()
    for frame in range(script.FRAMES):
        means = [made.smiles[i::2, frame].mean() for i in (0, 1)]
        # Uniform from 0 to 1: the standard error of a mean of 300 is 0.017.
        assert means == pytest.approx([0.5, 0.5], abs=5 * 0.017)
    # A film turned round has its frames, and no other.
    one, other = script.films(2, 5), script.films(2, 5)
    assert (one.frames == other.frames).all()
    assert (np.diff(one.smiles[1]) < 0).sum() > (np.diff(one.smiles[0]) < 0).sum()


def test_a_face_smiles_with_its_mouth(example: Callable[[str], ModuleType]) -> None:
    script = example("neutral_to_smile")
    smiles, eyes = np.array([0.0, 1.0, 1.0]), np.array([1.0, 1.0, 0.1])
    neutral, smiling, blinking = script.faces(smiles, eyes, np.zeros((3, 2)))
    middle = script.SIZE // 2
    assert neutral.min() >= 0
    assert max(neutral.max(), smiling.max()) <= 1
    assert (neutral[:middle] == smiling[:middle]).all()
    assert not (neutral[middle:] == smiling[middle:]).all()
    assert blinking[:middle].sum() < smiling[:middle].sum()
    # The lowest ink of the mouth is below that of the neutral one, and the highest above.
    mouths = [
        np.flatnonzero(face[middle + 1 : -4, 7:17].max(axis=1) > 0.4) for face in (neutral, smiling)
    ]
    assert mouths[1].min() < mouths[0].min() <= mouths[0].max() < mouths[1].max()


def test_confusion_counts_films(example: Callable[[str], ModuleType]) -> None:
    script = example("neutral_to_smile")
    table = script.confusion(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]))
    assert table.tolist() == [[1, 1], [0, 2]]


def test_sunspots(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("sunspots")
    found = told(script, tmp_path, capsys, "sunspots")
    # What no network has a part in is the same however short the run.
    assert found["linear, 36 months: errors"] == [17.1, 20.5, 23.3, 28.8, 36.5, 43.3]
    assert found["linear, 132 months: mean of all"] == [26.8]
    assert found["last month: errors"] == [18.8, 24.0, 28.7, 37.8, 49.5, 59.9]
    assert len(found["GRU: errors"]) == len(script.SHOWN)
    assert 20 < found["GRU: mean of all"][0] < 45


def test_the_months_of_sunspots(example: Callable[[str], ModuleType]) -> None:
    script = example("sunspots")
    numbers = script.sunspots()
    assert len(numbers) == 12 * (2009 - script.FIRST_YEAR)
    assert numbers.argmax() == 12 * (1957 - script.FIRST_YEAR) + 9  # October 1957
    np.testing.assert_allclose(script.unscaled(script.scaled(numbers)), numbers, atol=1e-9)
    assert script.unscaled(np.array([-0.3])) == 0


def test_forecasts_know_nothing_of_what_they_forecast(example: Callable[[str], ModuleType]) -> None:
    script = example("sunspots")
    rng = np.random.default_rng(0)
    series = np.abs(np.sin(np.arange(600) / 20) + 0.05 * rng.normal(size=600))
    places = np.arange(400, 500, 7)
    after = script.following(series, places)
    assert (after[2] == series[414 : 414 + script.AHEAD]).all()
    nn = script.train(series[:400], 1, 1)
    lines = script.by_least_squares(series, 36, 400)
    changed = series.copy()
    changed[places[-1] :] = 9
    for before, way in (
        (script.by_networks([nn], series), script.by_networks([nn], changed)),
        (lines, script.by_least_squares(changed, 36, 400)),
    ):
        np.testing.assert_array_equal(before(places[-1:]), way(places[-1:]))
        assert before(places).shape == (len(places), script.AHEAD)
    # A wave is a linear function of its past: what is left is noise.
    assert np.sqrt(((lines(places) - after) ** 2).mean()) < 0.2
    assert script.recent(np.arange(10.0)).tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3.5, 4.5, 5.5, 6.5]


def test_characters(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("characters")
    found = told(script, tmp_path, capsys, "characters")
    counted = [found[f"counts, {order} before: bits, held out"][0] for order in script.ORDERS]
    assert 1 < min(counted) < max(counted[1:]) < counted[0]
    (kinds,) = found["different characters"]
    # Little is learned in so few steps, but more than that any character is as likely as another.
    assert 1 < found["GRU: bits, held out"][0] < np.log2(kinds)
    assert found["stream, a character"][0] > 0


def test_the_text_and_its_pieces(example: Callable[[str], ModuleType]) -> None:
    script = example("characters")
    whole = script.text()
    assert len(whole.learned) > 5 * len(whole.held_out) > 50_000
    assert max(whole.learned.max(), whole.held_out.max()) < len(whole.characters)
    paragraphs = whole.written(whole.learned).split("\n\n")
    assert not set(paragraphs) & set(whole.written(whole.held_out).split("\n\n")) - {""}
    x, y = script.pieces(whole.learned[:1001], 100)
    assert x.shape == y.shape == (10, 100)
    assert (x.ravel() == whole.learned[:1000]).all()
    assert (y.ravel() == whole.learned[1:1001]).all()


def test_counts_are_probabilities(example: Callable[[str], ModuleType]) -> None:
    script = example("characters")
    codes = np.frombuffer(b"abracadabra", np.uint8) - ord("a")
    counts = script.Counts(codes, 2, 26)
    for before in (b"", b"\x00", b"\x00\x01", b"\x19\x19"):
        each = [counts.probability(before, code) for code in range(26)]
        assert sum(each) == pytest.approx(1)
        assert min(each) > 0
    # Witten and Bell by hand: after "r" comes "a" both times; of eleven characters five are "a",
    # and there are five kinds.
    first = (5 + 5 / 26) / (11 + 5)
    assert counts.probability(b"\x11", 0) == pytest.approx((2 + first) / 3)
    assert counts.bits(codes) < script.Counts(codes, 0, 26).bits(codes)


def test_what_is_written_goes_by_the_probabilities(example: Callable[[str], ModuleType]) -> None:
    script = example("characters")
    known = script.text(20_000)
    nn, _, _ = script.learn(known, 1)
    cold, _ = script.write(nn, known, 1e-3, 12, 1)
    assert cold.startswith(script.PROMPT)
    codes = [known.characters.index(one) for one in cold]
    # At a temperature of almost 0, it is always the most likely.
    likely = nn.predict(np.array(codes)[None])[0].argmax(axis=1)
    assert codes[len(script.PROMPT) :] == likely[len(script.PROMPT) - 1 : -1].tolist()
    hot, _ = script.write(nn, known, 1.0, 12, 1)
    assert hot != cold
    costs = script.surprise(nn, known.held_out[:1025])
    x, y = known.held_out[None, :1024], known.held_out[None, 1:1025]
    assert costs.mean() * np.log(2) == pytest.approx(nn.evaluate(x, y)["loss"], rel=1e-4)


def test_a_sensor_stream(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script, motor = example("sensor_stream"), example("motor")
    found = told(script, tmp_path, capsys, "sensor-stream", "sensor-trade")
    for name in (script.NETWORK, script.LINEAR):
        errors = found[f"{name}: usual errors"]
        assert len(errors) == len(script.CHANNELS)
        # No prediction is better than the noise that it cannot know.
        assert min(errors) > motor.NOISE
        assert all(0 <= found[f"{name}: {kind}"][0] <= 100 for kind in script.KINDS)
    # What is no larger than usual is within every limit.
    assert found["limits of each value: lost phase"] == [0]
    assert found[f"{script.LINEAR}: drift"][0] > 50
    assert found["a sample of the stream"][0] > 0


def test_anomalies_begin_where_they_are_said_to(example: Callable[[str], ModuleType]) -> None:
    motor = example("motor")
    events, clean = motor.disturbed(4, 7), motor.undisturbed(4 * len(motor.KINDS), 1007)
    for run, before, kind, begin, end in zip(
        events.runs, clean, events.kinds, events.begins, events.ends, strict=True
    ):
        changed = np.flatnonzero((run != before).any(axis=1))
        assert begin <= changed[0] <= begin + 1
        assert changed[-1] < end
        assert end - begin == (1 if kind == "spike" else motor.LASTING)
        assert (run != before).any(axis=0).sum() == 1
    # The three currents are one wave, a third of a turn apart.
    assert np.abs(clean[..., :3].mean(axis=(0, 1))).max() < 0.1
    assert clean[..., :3].std(axis=(0, 1)) == pytest.approx(clean[..., 0].std(), rel=0.1)


def test_a_stream_has_the_scores_of_whole_runs(example: Callable[[str], ModuleType]) -> None:
    script = example("sensor_stream")
    runs = script.undisturbed(6, 4)
    nn = script.train(runs, 1)
    watch = script.Watch(lambda given: nn.predict(given[:, :-1]), runs)
    for run in runs[:2]:
        found, spent = script.follow(nn, watch, run)
        # The stream has the bits of `predict`; the sums of the scores are taken in float64.
        np.testing.assert_allclose(found, watch.scores(run[None])[0], rtol=1e-6)
        assert found[: script.WARM].max() == 0 < found[script.WARM :].min()
        assert spent > 0


def test_the_linear_prediction_continues_a_wave(example: Callable[[str], ModuleType]) -> None:
    script = example("sensor_stream")
    turns = np.random.default_rng(0).random((20, 1, 4)) + np.arange(60)[:, None] / 11
    waves = np.sin(2 * np.pi * turns).astype(np.float32)
    found = script.linear(waves)(waves)
    assert found.shape == (20, 59, 4)
    assert (found[:, : script.LAGS - 1] == 0).all()
    np.testing.assert_allclose(
        found[:, script.LAGS - 1 :], waves[:, script.LAGS :], rtol=0, atol=1e-3
    )


def test_alarms_are_counted_once(example: Callable[[str], ModuleType]) -> None:
    script = example("sensor_stream")
    scores = np.zeros((2, script.STEPS))
    scores[0, 200:220] = scores[0, 300] = 5
    over = 2 * (script.STEPS - script.WARM)
    assert script.false_alarms(scores, 1) == pytest.approx(1e4 * 2 / over)
    assert script.false_alarms(scores, 6) == 0
    events = script.Events(
        np.zeros((2, script.STEPS, 4), np.float32), ["drift"] * 2, np.array([190, 190]),
        np.array([270, 270]),
    )  # fmt: skip
    assert script.delays(scores, events, 1).tolist() == [10, np.inf]
