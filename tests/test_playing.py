"""The run behind the page of `python -m foxnn play`: its data, its knobs, and its Python lines."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import json
import math
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn.cli.tables import TableFormat
from foxnn.cli.wanted import Wanted
from foxnn.playing import digits, mnist, plane_set, stop_after, table
from foxnn.playing.knobs import Knobs
from foxnn.playing.planes import SETS
from foxnn.playing.session import Session
from foxnn.playing.source import Data, Source, Table
from foxnn.watching.hub import Hub

LONGEST = 20.0


class Played:
    """A session without a server, and what its page would see."""

    def __init__(self, source: Source) -> None:
        self.hub = Hub()
        self.hub.enter()  # as one who watches
        self.session = Session(source, self.hub)
        self.session.start()

    def seen(self, name: str) -> dict[str, Any]:
        """Return the latest message of a name."""
        with self.hub._changed:
            _, data = self.hub._messages[name]
        return json.loads(data.decode().partition("data: ")[2])

    def do(self, action: str, value: Any = None) -> None:
        self.session.act({"action": action, "value": value})

    def until(self, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until a picture is so, and return it."""
        end = time.monotonic() + LONGEST
        while time.monotonic() < end:
            if is_so(picture := self.seen("picture")):
                return picture
            time.sleep(0.005)
        raise AssertionError(
            f"it has never been so: {picture['curves']['last']}, {picture['state']}"
        )

    def epochs(self, count: int) -> dict[str, Any]:
        """Train for so many epochs, and return the picture after them."""
        before = self.seen("picture")["curves"]["epochs"]
        for _ in range(count):
            self.do("epoch")
        return self.until(
            lambda p: p["state"] == "paused" and p["curves"]["epochs"] == before + count
        )


@pytest.fixture
def played() -> Iterator[Callable[[Source], Played]]:
    """Return a function that starts sessions."""
    all_of_them: list[Played] = []

    def play(source: Source) -> Played:
        all_of_them.append(Played(source))
        all_of_them[-1].do("speed", 0)
        return all_of_them[-1]

    yield play
    for one in all_of_them:
        one.session.close()
        assert not one.session._thread.is_alive()


Play = Callable[[Source], Played]


def table_source(path: Path, targets: list[str]) -> Table:
    return Table(str(path), Wanted(targets), TableFormat())


def weights(nn: Any) -> list[np.ndarray]:
    return [layer.weights for layer in nn]


def check_python_makes_the_same(one: Played, picture: dict[str, Any]) -> None:
    """Run the lines that the page shows, and compare the weights with the page's."""
    space: dict[str, Any] = {}
    exec(picture["python"], space)
    for own, page in zip(weights(space["nn"]), weights(one.session._network), strict=True):
        np.testing.assert_array_equal(own, page)


# Data


@pytest.mark.parametrize("name", SETS)
def test_points_follow_from_their_seed(name: str) -> None:
    first, again = (plane_set(name, noise=0.3, test=0.25, seed=7) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    x, y, x_test, y_test = first
    assert (x.shape, len(y), x_test.shape, len(y_test)) == ((300, 2), 300, (100, 2), 100)
    assert not np.array_equal(x, plane_set(name, noise=0.3, test=0.25, seed=8)[0])
    if name != "plane":
        assert 0.35 < np.mean(y) < 0.65


def test_points_are_where_they_should_be() -> None:
    x, y, *_ = plane_set("circles", noise=0.0)
    radius = np.hypot(*x.T)
    assert radius[y == 1].max() <= 0.5 < 0.7 <= radius[y == 0].min() + 1e-6
    x, y, *_ = plane_set("plane", noise=0.0)
    np.testing.assert_allclose(y[:, 0], x.mean(axis=1), atol=1e-6)
    x, y, *_ = plane_set("spiral", noise=0.0)
    way = np.hypot(*x.T)
    angle = 1.75 * 2 * np.pi * way + np.pi * y
    np.testing.assert_allclose(
        x, np.stack([way * np.sin(angle), way * np.cos(angle)], 1), atol=1e-5
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": "xo"}, "name must be one of xor"),
        ({"noise": 2}, "noise must be"),
        ({"test": 1.0}, "test must be"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_wrong_sets_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plane_set(**{"name": "xor", **wrong})


def write_table(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    path = folder / "data.csv"
    rows = [
        f"{a:.3f},{b:.3f},{'red' if a > b else 'blue'},{a + b:.3f}" for a, b in rng.random((60, 2))
    ]
    path.write_text("\n".join(["a,b,colour,sum", *rows]))
    return path


def test_tables_are_divided_and_scaled(tmp_path: Path) -> None:
    path = write_table(tmp_path)
    x, y, x_test, y_test, scale = table(path, "sum", test=0.25, seed=3)
    assert (x.shape, y.shape, x_test.shape, y_test.shape) == ((45, 4), (45, 1), (15, 4), (15, 1))
    every = np.concatenate([x[:, 0], x_test[:, 0]])
    assert len(np.unique(every)) > 50
    np.testing.assert_allclose(scale[1].transform(y).std(), 1, rtol=1e-5)
    labels = table(path, "colour")
    assert set(labels[1]) == {0, 1}
    assert labels[4][1] is None
    with pytest.raises(ValueError, match="there is no column 'none'"):
        table(path, "none")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"inputs": ["a"], "ignore": ["b"]}, "inputs and ignore must not be given together"),
        ({"inputs": ["a", 1]}, r"inputs\[1\] must be a string, got 1"),
        ({"ignore": 3}, "ignore must be a string or a sequence of strings, got 3"),
        ({"categorical": ["colour"]}, "--categorical names 'colour', which is not an input"),
        ({"classify": "yes"}, "classify must be True or False"),
        ({"drop_missing": None}, "drop_missing must be True or False"),
        ({"missing": 1}, "missing must be a string or a sequence of strings"),
        ({"delimiter": ";;"}, "delimiter must be one character, got ';;'"),
        ({"header": 2}, "header must be True or False"),
        ({"decimal": ";"}, "decimal must be one of"),
        ({"thousands": "x"}, "thousands must be one of"),
        ({"thousands": "."}, "thousands and decimal must differ"),
        ({"units": [None]}, r"units\[0\] must be a string"),
        ({"encoding": "utf-9"}, "encoding must be one that Python knows, got 'utf-9'"),
        ({"target": ["colour", "colour"]}, "names a column twice"),
    ],
)
def test_wrong_options_of_tables_are_refused(
    wrong: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = write_table(tmp_path)
    with pytest.raises((TypeError, ValueError), match=message):
        table(path, **{"target": "colour", **wrong})


def test_files_that_are_not_mnist_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        mnist(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"none")
    with pytest.raises(ValueError, match="is not the file of MNIST"):
        mnist(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").unlink()
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8b\x08\0")
    with pytest.raises(ValueError, match="is not a complete gzip file"):
        mnist(tmp_path)


class Mirrors:
    """Mirrors as `urlopen` finds them: what each has by its address, or an error."""

    def __init__(self, has: dict[str, bytes | Exception]) -> None:
        self.has, self.asked = has, list[str]()

    def urlopen(self, address: str, timeout: float) -> io.BytesIO:
        self.asked.append(address)
        found = next(what for mirror, what in self.has.items() if address.startswith(mirror))
        if isinstance(found, Exception):
            raise found
        return io.BytesIO(found)


def idx(shape: tuple[int, ...]) -> bytes:
    """Return a file of MNIST's form."""
    head = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">i4").tobytes()
    return head + bytes(math.prod(shape))


@pytest.mark.parametrize(
    "first",
    [
        OSError("gone"), http.client.HTTPException("short"), b"no gzip",
        gzip.compress(b"x", mtime=0),  # the time would be in the test's name
    ],
    ids=repr,
)  # fmt: skip
def test_the_second_mirror_is_asked_if_the_first_has_no_original(
    first: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOXNN_CACHE", str(tmp_path))
    one = idx((5, 28, 28))  # in place of each of the four
    monkeypatch.setattr(
        digits, "DIGESTS", dict.fromkeys(digits.DIGESTS, hashlib.sha256(one).hexdigest())
    )
    mirrors = Mirrors({digits.MIRRORS[0]: first, digits.MIRRORS[1]: gzip.compress(one)})
    monkeypatch.setattr("urllib.request.urlopen", mirrors.urlopen)
    x, *_ = mnist()
    assert x.shape == (5, 784)
    assert len(mirrors.asked) == 8
    mnist()  # from the cache
    assert len(mirrors.asked) == 8
    monkeypatch.setenv("FOXNN_CACHE", str(tmp_path / "other"))
    mirrors.has[digits.MIRRORS[1]] = OSError("gone, too")
    with pytest.raises(OSError, match=r"could not be downloaded .*gone, too.* into a folder"):
        mnist()
    assert not (tmp_path / "other").exists()


# Knobs


@pytest.mark.parametrize(
    ("turned", "message"),
    [
        ({"layers": [0]}, r"layers\[0\] must be"),
        ({"layers": [4] * 7}, "layers must be a list of sizes"),
        ({"layers": 4}, "layers must be a list of sizes"),
        ({"activation": "softmax"}, "activation must be one of"),
        ({"optimizer": "adams"}, "optimizer must be one of .*did you mean 'adam'"),
        ({"learning_rate": 0}, "learning_rate must be"),
        ({"learning_rate": "1"}, "learning_rate must be"),
        ({"batch_size": 1.5}, "batch_size must be"),
        ({"dropout": 1}, "dropout must be"),
        ({"l1": float("nan")}, "l1 must be"),
        ({"neurons": 3}, "a knob must be one of data, noise"),
        ([1], "knobs must be an object"),
    ],
)
def test_wrong_knobs_are_refused(turned: Any, message: str, played: Play) -> None:
    one = played(Source())
    with pytest.raises((TypeError, ValueError), match=message):
        one.do("knobs", turned)
    assert one.epochs(1)["curves"]["epochs"] == 1
    assert one.session._knobs == Knobs()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [({}, "action must be"), ({"action": "stop"}, "action must be one of"),
     ({"action": "speed", "value": -1}, "speed must be"), ({"action": "speed"}, "speed must be")],
)  # fmt: skip
def test_wrong_actions_are_refused(wanted: dict[str, Any], message: str, played: Play) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        played(Source()).session.act(wanted)


# Runs


def test_the_python_lines_make_the_same_run(played: Play) -> None:
    one = played(Source())
    picture = one.epochs(5)
    assert len(picture["python"].splitlines()) == 5
    check_python_makes_the_same(one, picture)
    assert picture["curves"]["last"]["loss"] < 0.7
    picture = one.epochs(3)  # after a pause, which the lines do not need
    assert len(picture["python"].splitlines()) == 5
    check_python_makes_the_same(one, picture)


def test_the_lines_follow_knobs_and_steps(played: Play) -> None:
    one = played(Source())
    one.do("knobs", {"layers": [5], "activation": "relu", "dropout": 0.2})
    one.do("knobs", {"test": 0.0, "data": "gauss"})
    one.until(lambda p: '"gauss"' in p["python"])
    one.epochs(2)
    one.do("knobs", {"learning_rate": 0.1, "optimizer": "momentum", "l2": 0.001, "batch_size": 150})
    one.epochs(1)
    for _ in range(4):  # three batches are an epoch
        one.do("step")
    picture = one.until(lambda p: p["steps"] == 4)
    check_python_makes_the_same(one, picture)
    assert picture["python"].count("nn.fit(") == 4
    one.do("knobs", {"data": "plane", "test": 0.5})
    one.until(lambda p: p["curves"]["epochs"] == 0)
    picture = one.epochs(3)
    check_python_makes_the_same(one, picture)
    assert "val_loss" in picture["curves"]["points"]
    assert "accuracy" not in picture["curves"]["points"]
    assert picture["steps"] == 0


def test_the_lines_of_tables(played: Play, tmp_path: Path) -> None:
    path = write_table(tmp_path)
    for targets in (["colour"], ["sum"], ["sum", "a"]):
        one = played(table_source(path, targets))
        picture = one.epochs(2)
        check_python_makes_the_same(one, picture)
        assert ("table" in picture) == (targets == ["colour"])
        if targets == ["colour"]:
            assert one.seen("scene")["labels"] == ["blue", "red"]


def test_the_lines_of_a_table_with_options(played: Play, tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    rows = [f"{i};{i % 7 / 2:.1f};{i % 3};{'-' if i == 5 else i % 2}".replace(".", ",")
            for i in range(60)]  # fmt: skip
    path.write_text("\n".join(["number;size;sort;kind", *rows]))
    wanted = Wanted(["kind"], None, ["number"], ["sort"], True, True, ["-"])
    form = TableFormat(";", True, ",", missing=("-",))
    one = played(Table(str(path), wanted, form))
    picture = one.epochs(2)
    for text in ("ignore=['number']", "categorical=['sort']", "classify=True", "missing=['-']",
                 "drop_missing=True", "delimiter=';'", "header=True", "decimal=','"):  # fmt: skip
        assert text in picture["python"]
    assert "encoding" not in picture["python"]
    check_python_makes_the_same(one, picture)
    assert one.session._data.x.shape[1] == 4
    assert len(one.session._data.x) + len(one.session._data.x_test) == 59


def test_it_runs_pauses_and_begins_anew(played: Play) -> None:
    one = played(Source())
    before = [w.copy() for w in weights(one.session._network)]
    one.do("run")
    one.until(lambda p: p["curves"]["epochs"] >= 0 and one.session._curves.epochs > 20)
    one.do("pause")
    picture = one.until(lambda p: p["state"] == "paused" and p["curves"]["epochs"] > 20)
    epochs = one.session._curves.epochs
    time.sleep(0.05)
    assert one.session._curves.epochs == epochs == picture["curves"]["epochs"]
    one.do("reset")
    one.until(lambda p: p["curves"]["epochs"] == 0)
    for own, first in zip(weights(one.session._network), before, strict=True):
        np.testing.assert_array_equal(own, first)


class LongSource(Source):
    """Points in a plane, each ten thousand times: an epoch of 40,000 steps, tenths of a second."""

    start = {"batch_size": 50, "layers": [32, 32]}  # noqa: RUF012 - it is read only

    def data(self, knobs: Knobs) -> Data:
        x, y, *tests, scale = super().data(knobs)
        return Data(x.repeat(10_000, 0), y.repeat(10_000, 0), *tests, scale)

    def line(self, knobs: Knobs) -> tuple[str, str]:
        name, line = super().line(knobs)
        return name, f"{line}; x, y = x.repeat(10_000, 0), y.repeat(10_000, 0)"


def paused_within(one: Played) -> dict[str, Any]:
    """Run, and pause within an epoch."""
    for _ in range(20):
        one.do("run")
        one.until(lambda p: p["state"] == "training" and one.session._open > 0)
        one.do("pause")
        picture = one.until(lambda p: p["state"] == "paused")
        if one.session._open:  # and not by chance at its end
            return picture
    raise AssertionError("it has never paused within an epoch")


def test_it_pauses_and_steps_within_a_long_epoch(played: Play) -> None:
    one = played(LongSource())
    picture = paused_within(one)
    epochs, steps = picture["curves"]["epochs"], picture["steps"]
    assert 0 < steps < 40_000
    assert f"callbacks=stop_after({40_000 * epochs + steps})" in picture["python"]
    check_python_makes_the_same(one, picture)
    # A step is the next one, and other knobs are those of the next one.
    one.do("step")
    picture = one.until(lambda p: p["steps"] == steps + 1)
    check_python_makes_the_same(one, picture)
    one.do("knobs", {"learning_rate": 0.01, "batch_size": 80})
    picture = paused_within(one)
    assert picture["python"].count("stop_after(") == 2
    check_python_makes_the_same(one, picture)
    one.do("reset")
    one.until(lambda p: p["curves"]["epochs"] == p["steps"] == 0)


def test_a_wrong_number_of_steps_is_refused() -> None:
    for wrong in (0, -1, 1.5, "3", None):
        with pytest.raises((TypeError, ValueError), match="steps must be an integer at least 1"):
            stop_after(wrong)  # type: ignore[arg-type]


def test_an_epoch_that_was_paused_is_one_of_the_run(played: Play) -> None:
    one = played(LongSource())
    epochs = paused_within(one)["curves"]["epochs"]
    one.do("epoch")  # to its end
    picture = one.until(lambda p: p["state"] == "paused" and p["steps"] == 0)
    assert picture["curves"]["epochs"] == epochs + 1
    assert "stop_after" not in picture["python"]
    check_python_makes_the_same(one, picture)


def test_a_run_that_diverges_within_an_epoch_is_told(played: Play) -> None:
    one = played(LongSource())
    one.do("knobs", {"data": "plane", "layers": [32, 32], "activation": "relu", "optimizer": "sgd"})
    paused_within(one)
    one.do("knobs", {"learning_rate": 100.0})
    one.do("run")
    picture = one.until(lambda p: p["message"] != "")
    assert "not finite" in picture["message"]
    check_python_makes_the_same(one, picture)  # as it was before that epoch


def test_knobs_of_the_training_keep_the_network(played: Play) -> None:
    one = played(Source())
    one.do("run")
    one.until(lambda p: one.session._curves.epochs > 5)
    network = one.session._network
    one.do("knobs", {"learning_rate": 0.001})
    one.until(lambda p: "learning_rate=0.001" in p["python"])
    assert one.session._network is network
    assert one.seen("scene")["knobs"]["learning_rate"] == 0.001
    one.do("knobs", {"layers": [3]})
    one.until(lambda p: len(p["lines"]) == 2)
    assert one.session._network is not network


def test_it_keeps_its_speed(played: Play) -> None:
    one = played(Source())
    one.do("speed", 50)
    start = time.monotonic()
    one.do("run")
    one.until(lambda p: one.session._curves.epochs >= 10)
    assert time.monotonic() - start > 0.15
    one.do("speed", 0)
    one.until(lambda p: one.session._curves.epochs >= 200)


def test_a_loss_that_is_not_finite_ends_the_run(played: Play) -> None:
    one = played(Source())
    one.do("knobs", {"data": "plane", "layers": [8], "activation": "relu", "optimizer": "sgd"})
    one.do("knobs", {"learning_rate": 100.0})
    one.do("run")
    picture = one.until(lambda p: p["message"] != "")
    assert "not finite" in picture["message"]
    assert picture["state"] == "paused"
    one.do("reset")
    one.until(lambda p: p["curves"]["epochs"] == 0 and p["message"] == "")


def test_ctrl_c_ends_the_command_while_it_trains() -> None:
    command = [sys.executable, "-m", "foxnn", "play"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        address = process.stdout.readline().split()[1]
        for action in (b'{"action": "speed", "value": 0}', b'{"action": "run"}'):
            asked = urllib.request.Request(address + "do", action, method="POST")
            asked.add_header("Content-Type", "application/json")
            assert urllib.request.urlopen(asked, timeout=60).status == 200
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=60)


def test_the_saved_network_is_the_one_that_is_shown(played: Play, tmp_path: Path) -> None:
    one = played(table_source(write_table(tmp_path), ["colour"]))
    one.epochs(2)
    path = tmp_path / "net.safetensors"
    path.write_bytes(one.session.saved())
    nn = foxnn.neural_network(path)
    for own, page in zip(weights(nn), weights(one.session._network), strict=True):
        np.testing.assert_array_equal(own, page)
    assert nn.classes == ["blue", "red"]
    assert nn.input_names == ["a", "b", "sum"]
