"""The server of the page of a training, without a browser; and `foxnn.Watcher`."""

from __future__ import annotations

import base64
import http.client
import json
import math
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn.watching.curves import Curves
from foxnn.watching.hub import Hub
from foxnn.watching.scene import Scene, Shown
from foxnn.watching.server import MOST_BYTES, PageServer

X = np.random.default_rng(0).uniform(-1, 1, (60, 2)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


class Served:
    """A server with a hub, and what it has been asked to do."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.hub = Hub()
        self.server = PageServer(self.hub, self.act, lambda: b"network")
        self.server.start()
        self.port = self.server.server_port
        self.hub.show("scene", {"first": 1})

    def act(self, wanted: Any) -> None:
        if "wrong" in wanted:
            raise ValueError("wrong must not be")
        self.done.append(wanted)

    def ask(
        self,
        method: str,
        place: str,
        body: bytes | None = None,
        token: str | None = None,
        **more: str,
    ) -> tuple[int, bytes, Any]:
        """Return status, body and headers of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        path = f"/{self.server.token if token is None else token}/{place}"
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        found = answer.status, answer.read(), answer.headers
        connection.close()
        return found

    def do(self, body: bytes, **more: str) -> tuple[int, bytes]:
        kind = more.pop("kind", "application/json")
        return self.ask("POST", "do", body, Content_Type=kind, **more)[:2]

    def raw(self, text: bytes) -> bytes:
        """Return all that is answered to some bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(text)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
        return b"".join(parts)

    def stream(self) -> socket.socket:
        """Return a connection that has asked for the stream."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        where = f"GET /{self.server.token}/events HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n"
        connection.sendall(where.encode())
        return connection


def until(connection: socket.socket, wanted: bytes) -> bytes:
    """Read until something has come."""
    found = b""
    while wanted not in found:
        part = connection.recv(65536)
        assert part, found[-200:]
        found += part
    return found


@pytest.fixture
def served() -> Iterator[Served]:
    one = Served()
    yield one
    one.server.stop()


def test_the_page_needs_nothing_from_elsewhere(served: Served) -> None:
    status, body, headers = served.ask("GET", "")
    text = body.decode()
    assert status == 200
    assert "{{" not in text
    policy = headers["Content-Security-Policy"]
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert f'<script nonce="{nonce}">' in text
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    for sign in ("http:", "https:", "//cdn", "@import", "url("):
        assert sign not in text.replace("http://www.w3.org/2000/svg", ""), sign
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in headers
    assert served.ask("GET", "")[2]["Content-Security-Policy"] != policy


def test_it_listens_on_this_machine_only(served: Served) -> None:
    assert served.server.server_address[0] == "127.0.0.1"
    assert served.server.address.startswith(f"http://127.0.0.1:{served.port}/")
    assert len(served.server.token) >= 24
    other = PageServer(Hub(), served.act, bytes)
    other.server_close()
    assert other.token != served.server.token


@pytest.mark.parametrize("token", ["", "x", "none-of-yours-none-of-yours", "é".encode().hex()])
@pytest.mark.parametrize("place", ["", "events", "network.safetensors"])
def test_a_wrong_token_finds_nothing(served: Served, token: str, place: str) -> None:
    assert served.ask("GET", place, token=token)[0] == 404
    part = served.server.token[:-1]
    assert served.ask("GET", place, token=part)[0] == 404
    assert served.ask("POST", "do", b"{}", token, Content_Type="application/json")[0] == 404
    assert served.done == []


@pytest.mark.parametrize(
    "path",
    ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "etc/passwd", "watch.js", "events/", "events?x",
     "//etc/passwd", "%2e%2e/", "network.safetensors/../do", "\\..\\", "do", "C:/"],
)  # fmt: skip
def test_no_path_is_read(served: Served, path: str) -> None:
    status, body, _ = served.ask("GET", path)
    assert (status, body) == (404, b"there is nothing here\n")
    answer = served.raw(f"GET /{path} HTTP/1.0\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode())
    assert b" 404 " in answer.splitlines()[0]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", ""])
def test_another_host_is_refused(served: Served, host: str) -> None:
    assert served.ask("GET", "", Host=host)[0] == 403
    assert served.do(b'{"action": "run"}', Host=host)[0] == 403
    assert served.done == []


def test_its_own_names_are_taken(served: Served) -> None:
    assert served.ask("GET", "", Host=f"localhost:{served.port}")[0] == 200
    assert served.do(b"{}", Origin=f"http://127.0.0.1:{served.port}")[0] == 200
    assert served.raw(b"GET / HTTP/1.0\r\n\r\n").split()[1] == b"403"  # no Host at all


@pytest.mark.parametrize(
    "more",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"},
     {"Sec_Fetch_Site": "same-site"}, {"Origin": "https://127.0.0.1"}],
)  # fmt: skip
def test_pages_of_other_sites_are_refused(served: Served, more: dict[str, str]) -> None:
    assert served.do(b"{}", **more)[0] == 403
    assert served.ask("GET", "network.safetensors", **more)[0] == 403
    assert served.done == []


def test_what_is_sent_is_checked(served: Served) -> None:
    assert served.do(b'{"action": "run"}') == (200, b"{}")
    assert served.done.pop() == {"action": "run"}
    assert served.do(b'{"wrong": 1}') == (400, b"wrong must not be\n")
    assert served.do(b"{}", kind="text/plain")[0] == 415
    for body in (b"", b"{", b"[]", b"1", b"\xff", b"[" * 60_000):
        assert served.do(body)[0] == 400
    assert served.do(b" " * (MOST_BYTES + 1))[0] == 413
    assert served.do(b'{"a": "' + b"x" * (MOST_BYTES - 9) + b'"}')[0] == 200
    served.done.pop()
    where = f"POST /{served.server.token}/do HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n".encode()
    where += b"Content-Type: application/json\r\n"
    for length, code in ((b"9" * 30, b"413"), (b"-1", b"411"), (b"1e3", b"411"), (b"", b"411")):
        answer = served.raw(where + b"Content-Length: " + length + b"\r\n\r\n")
        assert answer.split()[1] == code
    chunked = where + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    assert served.raw(chunked).split()[1] == b"411"
    assert served.done == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(served: Served, method: str) -> None:
    assert served.ask(method, "")[0] == 501


def test_the_network_is_sent(served: Served) -> None:
    status, body, headers = served.ask("GET", "network.safetensors")
    assert (status, body) == (200, b"network")
    assert headers["Content-Disposition"] == 'attachment; filename="network.safetensors"'

    def fails() -> bytes:
        raise RuntimeError("not now")

    served.server.save = fails
    assert served.ask("GET", "network.safetensors")[:2] == (409, b"not now\n")


def test_fifty_clients_watch(served: Served) -> None:
    connections = [served.stream() for _ in range(50)]
    for connection in connections:
        assert b'data: {"first":1}' in until(connection, b"\n\n")
    assert served.hub.watchers == 50
    served.hub.show("picture", {"second": 2})
    for connection in connections:
        assert b"event: picture" in until(connection, b'data: {"second":2}\n\n')
    assert served.ask("GET", "")[0] == 200  # there is room for more
    for connection in connections:
        connection.close()
    served.hub.show("picture", {"third": "x" * 10_000})
    served.hub.show("picture", {"third": 3})
    end = time.monotonic() + 10
    while served.hub.watchers and time.monotonic() < end:
        served.hub.show("picture", {"third": 3})
        time.sleep(0.01)
    assert served.hub.watchers == 0


def test_too_many_clients_are_turned_away(served: Served) -> None:
    served.server.places = threading.BoundedSemaphore(2)
    connections = [served.stream() for _ in range(2)]
    for connection in connections:
        until(connection, b"\n\n")
    with pytest.raises(OSError):  # noqa: PT011 - closed or reset
        served.ask("GET", "")
    connections[0].close()
    served.hub.show("picture", {"more": "x" * 10_000})
    served.hub.show("picture", {"more": 1})
    end = time.monotonic() + 10
    while served.hub.watchers > 1 and time.monotonic() < end:
        served.hub.show("picture", {"more": 2})
        time.sleep(0.01)
    time.sleep(0.05)
    assert served.ask("GET", "")[0] == 200
    connections[1].close()


def test_a_client_that_never_reads_stops_nobody(served: Served) -> None:
    silent, awake = served.stream(), served.stream()
    until(awake, b"\n\n")
    large = {"much": "x" * 200_000}
    start = time.monotonic()
    for number in range(40):  # 8 MB, which no socket holds
        served.hub.show("picture", {**large, "number": number})
        assert b'"number":%d' % number in until(awake, b"\n\n")
    assert time.monotonic() - start < 5
    silent.close()
    awake.close()


def test_slow_readers_miss_pictures() -> None:
    hub = Hub()
    for number in range(5):
        hub.show("picture", number)
    seen, data = hub.wait(0, 0) or (0, b"")
    assert (seen, data) == (5, b"event: picture\ndata: 4\n\n")
    assert hub.wait(seen, 0.01) == (5, b"")
    hub.close()
    assert hub.wait(0, 10) is None


def test_pictures_are_due_when_they_cost_little() -> None:
    hub = Hub()
    assert not hub.is_due()
    hub.enter()
    assert hub.is_due()
    hub.show("picture", 1, time.perf_counter() - 1.0)  # it has taken a second
    assert not hub.is_due()
    assert not hub.is_due(True)
    time.sleep(0.06)
    assert hub.is_due(True)
    assert not hub.is_due()
    assert hub.next - time.perf_counter() > 40
    hub.enter()
    assert hub.is_due()
    # A picture that took very long once is not taken for what pictures cost.
    hub.show("picture", 1, time.perf_counter())
    hub.show("picture", 2, time.perf_counter() - 1000.0)
    assert hub.next - time.perf_counter() < 1


def test_curves_keep_few_points() -> None:
    curves = Curves()
    for epoch in range(10_000):
        curves.add({"loss": 1.0 / (epoch + 1), "seconds": 1.0})
    shown = curves.shown()
    assert shown["epochs"] == 10_000
    assert 300 <= len(shown["at"]) == len(shown["points"]["loss"]) <= 600
    for at, loss in zip(shown["at"], shown["points"]["loss"], strict=True):
        assert loss == float(f"{1 / at:.4g}")
    assert shown["last"] == {"loss": 0.0001}
    curves.add({"loss": float("inf")})
    assert curves.shown()["last"] == {"loss": None}


@pytest.mark.parametrize("pieces", [[10_000], [1, 598, 1, 1, 2, 3_000, 6_397], [37] * 270 + [10]])
def test_curves_take_in_whole_stretches_as_they_do_epochs(pieces: list[int]) -> None:
    loss = [1.0 / (epoch + 1) for epoch in range(sum(pieces))]
    one_by_one, in_pieces = Curves(), Curves()
    for number in loss:
        one_by_one.add({"loss": number, "seconds": 1.0})
    done = 0
    for piece in pieces:
        done += piece
        records = {"seconds": [1.0] * done, "loss": loss[:done]}
        in_pieces.extend(records, done - piece)
        in_pieces.extend(records, done)  # nothing new
    assert in_pieces.shown() == one_by_one.shown()


def test_curves_of_trainings_with_other_numbers_stay_beside_their_epochs() -> None:
    curves = Curves()
    curves.extend({"loss": [3.0, 2.0]}, 0)
    curves.extend({"loss": [1.5, 1.0], "val_loss": [2.5, 2.0]}, 0)
    curves.extend({"loss": [0.5]}, 0)
    shown = curves.shown()
    assert shown["at"] == [1, 2, 3, 4, 5]
    assert shown["points"] == {
        "loss": [3.0, 2.0, 1.5, 1.0, 0.5], "val_loss": [None, None, 2.5, 2.0, None],
    }  # fmt: skip


# The callback


def pictures_of(watcher: foxnn.Watcher) -> dict[str, Any]:
    """Return the latest messages by name, as a page gets them that is opened now."""
    watcher._hub.enter()
    watcher._hub.leave()
    return {
        name: json.loads(data.decode().partition("data: ")[2])
        for name, (_, data) in watcher._hub._messages.items()
    }


def test_a_training_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    nn = foxnn.neural_network([2, 4, 1], "tanh", "sigmoid", loss="binary_cross_entropy", seed=1)
    with foxnn.Watcher((X, Y)) as watcher:
        assert watcher.address is None
        nn.fit(X, Y, epochs=3, callbacks=watcher)
        assert capsys.readouterr().out == f"The training is shown on {watcher.address}\n"
        found = pictures_of(watcher)
        assert found["scene"]["form"] == "plane"
        assert found["scene"]["knobs"] is None
        assert len(found["scene"]["points"][0]) == 60
        picture = found["picture"]
        assert picture["state"] == "finished"
        assert picture["curves"]["epochs"] == 3
        answers = nn.predict(X)[:, 0] > 0.5
        wanted = [[int(np.sum((i == Y) & (answers == j))) for j in (0, 1)] for i in (0, 1)]
        assert picture["table"] == wanted
        nn.fit(X, Y, epochs=2, callbacks=watcher)  # on the same page
        assert pictures_of(watcher)["picture"]["curves"]["epochs"] == 5
        assert capsys.readouterr().out == ""
        saved = watcher._saved()
    assert watcher.address is None
    assert len(saved) > 100


def test_a_page_closes_at_once() -> None:
    seconds = []
    for _ in range(5):
        one = Served()
        assert one.ask("GET", "")[0] == 200
        start = time.perf_counter()
        one.server.stop()
        seconds.append(time.perf_counter() - start)
        with pytest.raises(OSError, match="refused"):
            one.ask("GET", "")
    assert min(seconds) < 0.05  # without being woken, the server would wait for a second


def test_a_watcher_looks_when_it_is_due() -> None:
    nn = foxnn.neural_network([2, 4, 1], "tanh", seed=1)
    with foxnn.Watcher() as watcher:
        nn.fit(X, Y[:, None], 1, callbacks=watcher)
        number = watcher._hub._number
        assert watcher.due == math.inf
        watcher.look()
        assert watcher._hub._number == number  # nobody looks
        watcher._is_behind = False  # as within a training
        watcher._hub.enter()
        assert watcher.due == 0
        watcher.look()
        assert watcher._hub._number == number + 1
        assert 0.05 < watcher.due - time.perf_counter() < 60
        watcher._hub.enter()  # another one is shown the next picture at once
        assert watcher.due == 0
        watcher._hub.leave()
        watcher._hub.leave()
        watcher.look()
        assert watcher._hub._number == number + 1
        assert watcher.due == math.inf


def test_a_watcher_is_called_when_it_is_due_only(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    nn = foxnn.neural_network([2, 4, 1], "tanh", seed=1)
    for name in ("on_epoch_end", "_show"):
        monkeypatch.setattr(foxnn.Watcher, name, None)
    monkeypatch.setattr(foxnn.Watcher, "look", lambda self: looks.append(len(nn.history["loss"])))
    with foxnn.Watcher() as watcher:
        nn.fit(X, Y[:, None], 5, callbacks=watcher)
        assert looks == []

        def comes(epoch: int, logs: object) -> None:
            watcher.due = 0.0 if epoch == 2 else math.inf

        nn.fit(X, Y[:, None], 5, callbacks=[comes, watcher])
        assert len(looks) == 1
        # Within an epoch of more than a tenth of a second, too.

        class Comes:
            def on_train_begin(self, network: foxnn.neural_network) -> None:
                watcher.due = 0.0

        large = foxnn.neural_network([2, 512, 512, 1], "tanh", seed=1)
        x = np.repeat(X, 200, axis=0)
        history = large.fit(x, x[:, :1], 1, batch_size=30, callbacks=[watcher, Comes()])
        assert history["seconds"][0] < 0.2 or len(looks) >= 3


def test_a_training_that_was_stopped_is_shown_as_it_was() -> None:
    nn = foxnn.neural_network([2, 4, 1], "tanh", seed=1)

    def stops(epoch: int, logs: object) -> None:
        if epoch == 2:
            raise KeyboardInterrupt

    with foxnn.Watcher() as watcher:
        with pytest.raises(KeyboardInterrupt):
            nn.fit(X, Y[:, None], 9, callbacks=[watcher, stops])
        picture = pictures_of(watcher)["picture"]
        assert (picture["state"], picture["curves"]["epochs"]) == ("stopped", 3)
        nn.fit(X, Y[:, None], 2, callbacks=watcher)
        picture = pictures_of(watcher)["picture"]
        assert (picture["state"], picture["curves"]["epochs"]) == ("finished", 5)


def test_a_training_that_has_not_begun_leaves_the_end_of_the_last() -> None:
    with foxnn.Watcher((X, Y)) as watcher:
        foxnn.neural_network([2, 4, 1], "tanh", seed=1).fit(X, Y[:, None], 2, callbacks=watcher)
        with pytest.raises(ValueError, match="samples"):
            foxnn.neural_network([3, 1]).fit(np.ones((4, 3)), np.ones(4), 1, callbacks=watcher)
        picture = pictures_of(watcher)["picture"]
        assert (picture["state"], picture["curves"]["epochs"]) == ("finished", 2)


def test_a_watcher_of_ones_own_hears_of_epochs() -> None:
    class Own(foxnn.Watcher):
        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> bool:
            super().on_epoch_end(epoch, logs)
            return epoch == 2

    with Own() as watcher:
        nn = foxnn.neural_network([2, 4, 1], "tanh", seed=1)
        assert len(nn.fit(X, Y[:, None], 9, callbacks=watcher)["loss"]) == 3
        assert pictures_of(watcher)["picture"]["curves"]["epochs"] == 3


def test_a_plane_without_samples_shows_differences_of_scaled_outputs() -> None:
    nn = foxnn.neural_network([2, 4, 1], "tanh", "identity", seed=1)
    nn.fit(X, 30 * X[:, :1] + 100, 2, scale="standard")
    numbers = Scene(nn).picture()["plane"]["numbers"]
    assert len({*base64.b64decode(numbers)}) > 20


def test_callbacks_may_pass_on_what_they_are_called_with() -> None:
    nn = foxnn.neural_network([2, 4, 1], "tanh", seed=1)
    with foxnn.Watcher() as watcher:

        class Own:
            def on_train_begin(self, network: foxnn.neural_network) -> None:
                watcher.on_train_begin(network)

            def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
                watcher.on_epoch_end(epoch, logs)

            def on_train_end(self, history: foxnn.History) -> None:
                watcher.on_train_end(history)

        history = nn.fit(X, Y[:, None], 3, callbacks=Own())
        curves = pictures_of(watcher)["picture"]["curves"]
    assert curves["points"]["loss"] == [float(f"{loss:.4g}") for loss in history["loss"]]


def test_nothing_is_computed_while_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    nn = foxnn.neural_network([2, 4, 1], "tanh", seed=1)
    drawn: list[Any] = []
    picture = Scene.picture
    monkeypatch.setattr(Scene, "picture", lambda self: drawn.append(self) or picture(self))
    with foxnn.Watcher((X, Y)) as watcher:
        nn.fit(X, Y[:, None], 3, callbacks=watcher)
        assert drawn == []
        # The end is shown to whoever comes, once.
        assert pictures_of(watcher)["picture"]["state"] == "finished"
        pictures_of(watcher)
        assert len(drawn) == 1
        # A network that is another by then is not shown, and refuses nobody.
        nn.fit(X, Y[:, None], 1, callbacks=watcher)
        watcher._network = foxnn.neural_network([3, 1], seed=1)
        assert pictures_of(watcher)["picture"]["curves"]["epochs"] == 3
        assert len(drawn) == 1


def test_the_bits_stay_the_same() -> None:
    runs = []
    for _ in range(2):
        nn = foxnn.neural_network([2, 4, 1], "tanh", seed=1)
        with foxnn.Watcher((X, Y)) as watcher:
            watcher._hub.enter()
            nn.fit(X, Y[:, None], epochs=3, callbacks=[watcher] if runs else [])
        runs.append(nn)
    for one, other in zip(*runs, strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)
        np.testing.assert_array_equal(one.bias, other.bias)


@pytest.mark.parametrize(
    ("layers", "form"),
    [
        ([2, 3, 1], "plane"),
        ([2, 3, 2], "plane"),
        ([5, 3, 2], "table"),
        ([(8, 8, 1), foxnn.Conv2D(4, 3), foxnn.Flatten(), 3], "picture"),
        ([(None, 3), foxnn.GRU(4), 2], "table"),
        ([(6, 2), foxnn.Conv1D(4, 3), foxnn.GlobalMaxPool(), 3], "table"),
        ([3, foxnn.Residual(3), foxnn.Parallel([2], [1]), 1], "table"),
        ([40, 50, 2], "table"),
    ],
    ids=str,
)
@pytest.mark.parametrize("has_samples", [True, False])
def test_networks_of_every_form_are_shown(layers: list[Any], form: str, has_samples: bool) -> None:
    nn = foxnn.neural_network(layers, "tanh", "identity", seed=1)
    shape = [4 if n is None else n for n in nn._input_shape()]
    x = np.random.default_rng(0).normal(size=(6, *shape)).astype(np.float32)
    y = np.zeros((6, nn._output_shape()[-1]))
    if has_samples and None in nn._input_shape():
        return
    with foxnn.Watcher((x, y) if has_samples else None) as watcher:
        nn.fit(x, y, epochs=1, callbacks=watcher)
        found = pictures_of(watcher)
    assert found["scene"]["form"] == form
    assert len(found["picture"]["lines"]) == len(nn)
    for view, text in zip(found["scene"]["layers"], found["picture"].get("maps", []), strict=False):
        assert len(base64.b64decode(text)) == 400 * view["shown"]
    for view, lines in zip(found["scene"]["layers"], found["picture"]["lines"], strict=True):
        assert len(lines) <= 200
        assert all(to < view["shown"] for _, to, _ in lines)


def test_the_first_sample_is_shown_as_a_picture() -> None:
    nn = foxnn.neural_network([12, 3, 4], "relu", "softmax", seed=1)
    x = np.arange(24.0).reshape(2, 12) % 13
    labels = ["a", "b", "c", "d"]
    training, tests = Shown(x[:1], np.array([1])), Shown(x[1:], np.array([3]))
    found = Scene(nn, training, tests, picture=(3, 4), labels=labels).described()
    assert found["labels"] == labels
    sample = found["sample"]
    assert (sample["where"], sample["label"], sample["shape"]) == (
        "the first test sample", "d", [3, 4, 1],
    )  # fmt: skip
    pixels = np.frombuffer(base64.b64decode(sample["data"]), np.int8)
    np.testing.assert_array_equal(pixels, np.rint(127 * x[1] / x[1].max()))
    assert Scene(nn, training, tests).described()["sample"] is None
    assert Scene(nn, picture=(3, 4)).described()["sample"] is None
    without = Scene(nn, training, picture=(3, 4)).described()["sample"]
    assert (without["where"], without["label"]) == ("the first sample", "1")


def test_lines_are_the_strongest_weights() -> None:
    nn = foxnn.neural_network([4, 3, 1], "tanh", seed=1)
    weights = nn[0].weights
    with foxnn.Watcher() as watcher:
        nn.fit(np.zeros((1, 4)), [[0.0]], epochs=1, learning_rate=1e-30, callbacks=watcher)
        lines = pictures_of(watcher)["picture"]["lines"][0]
    assert len(lines) == 12
    for i, j, strength in lines:
        assert strength == pytest.approx(weights[i, j] / np.abs(weights).max(), abs=1e-3)


def test_wrong_watchers_are_refused() -> None:
    with pytest.raises(TypeError, match="samples must be a pair"):
        foxnn.Watcher(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="samples must be a pair"):
        foxnn.Watcher((X, Y, Y))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="port must be"):
        foxnn.Watcher(port=70_000)
    nn = foxnn.neural_network([2, 1], seed=1)
    with pytest.raises(ValueError, match=r"samples\[0\] must have shape \(samples, 2\)"):
        nn.fit(X, Y[:, None], callbacks=foxnn.Watcher((X[:, :1], Y)))
    with pytest.raises(ValueError, match=r"samples\[1\] must have 60 targets, got 3"):
        foxnn.Watcher((X, Y[:3]))
    with pytest.raises(ValueError, match=r"samples\[0\] must be samples of numbers"):
        foxnn.Watcher((X[0], Y))
    pop = foxnn.population(2, [2, 1], seed=1)
    with pytest.raises(TypeError, match="a Watcher shows one network"):
        pop.fit(X, Y[:, None], callbacks=foxnn.Watcher())
