"""The server of the page: on this machine only, for those who know its address.

It knows four addresses below a random token and nothing else; no part of an address is ever the
name of a file. Host and Origin are checked, so that pages of other sites cannot reach it by a name
that they let lead here, nor send anything.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from foxnn import checks
from foxnn.network import neural_network
from foxnn.support import web
from foxnn.watching.hub import Hub

HOST = "127.0.0.1"

# Bytes of what a page may send: all knobs are below 2 kB.
MOST_BYTES = 65_536
# Connections at a time; further ones are refused.
MOST_CLIENTS = 64
# Seconds after which a client that neither reads nor writes is left.
PATIENCE = 10.0
# Seconds without news after which a stream says that it is still there.
_SILENCE = 5.0

# Seconds after which the server looks whether it is to end, if nothing has woken it.
_POLL = 1.0

_SCRIPTS = ("basics.js", "cells.js", "lines.js", "results.js", "watch.js", "knobs.js")

Act = Callable[[Mapping[str, Any]], None]


def saved(network: neural_network) -> bytes:
    """Return a network as bytes of a .safetensors file, as it is at this moment."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.safetensors"
        network.save(path)
        return path.read_bytes()


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class PageServer(ThreadingHTTPServer):
    """Serves the page of a hub.

    Parameters
    ----------
    hub : Hub
    act : callable
        Does what the page asks for; ValueError and TypeError are told to the page.
    save : callable
        Returns the network as bytes of a .safetensors file.
    port : int, default=0
        0: any that is free.
    """

    daemon_threads = True
    block_on_close = False  # else every thread that it has started is kept
    request_queue_size = MOST_CLIENTS
    timeout = _POLL

    def __init__(self, hub: Hub, act: Act, save: Callable[[], bytes], port: int = 0) -> None:
        self.hub, self.act, self.save = hub, act, save
        self.token = secrets.token_urlsafe(18)
        self.places = threading.BoundedSemaphore(MOST_CLIENTS)
        self._thread: threading.Thread | None = None
        self._is_over = False
        super().__init__((HOST, port), _Handler)

    @property
    def address(self) -> str:
        """The address of the page, with its token."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"

    @property
    def hosts(self) -> set[str]:
        """What may be said in the header Host."""
        return {f"{name}:{self.server_port}" for name in (HOST, "localhost")}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, if there are not too many."""
        if not self.places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection, and make room for another."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client has gone."""

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Refuse connections that come at the end, such as the one that wakes the server."""
        return not self._is_over

    def serve(self) -> None:
        """Serve until `stop` is called."""
        while not self._is_over:
            self.handle_request()

    def start(self) -> None:
        """Serve from a thread of its own, which ends with the program."""
        self._thread = threading.Thread(target=self.serve, name="foxnn page", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the page."""
        self._is_over = True
        self.hub.close()
        if self._thread is not None:
            # A connection wakes the thread at once; without one it ends a second later.
            with contextlib.suppress(OSError):
                socket.create_connection((HOST, self.server_port), _POLL).close()
            self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    server_version = "foxnn"
    sys_version = ""
    timeout = PATIENCE

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer with the page, its stream, or the network."""
        self._answer({"": self._page, "events": self._events, "network.safetensors": self._network})

    def do_POST(self) -> None:
        """Do what the page asks for."""
        self._answer({"do": self._do})

    def _answer(self, places: Mapping[str, Callable[[], None]]) -> None:
        try:
            places[self._place(places)]()
        except Refused as refused:
            self.close_connection = True
            self._send("text/plain; charset=utf-8", f"{refused}\n".encode(), refused.code)

    def _place(self, places: Mapping[str, Any]) -> str:
        """Return what comes after the token, if it is one of the places and may be asked for."""
        if self.headers.get("Host") not in self.server.hosts:
            raise Refused(403, "this server answers to its own name only")
        origin = self.headers.get("Origin")
        if origin is not None and origin.removeprefix("http://") not in self.server.hosts:
            raise Refused(403, "pages of other sites may not ask")
        if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise Refused(403, "pages of other sites may not ask")
        _, _, rest = self.path.partition("/")
        token, sign, place = rest.partition("/")
        if not hmac.compare_digest(token.encode(), self.server.token.encode()):
            raise Refused(404, "there is nothing here")
        if not sign or place not in places:
            raise Refused(404, "there is nothing here")
        return place

    def _send(self, kind: str, data: bytes, code: int = 200, **headers: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self._protect(**headers)
        self.wfile.write(data)

    def _protect(self, **headers: str) -> None:
        """End the headers with those that each answer has."""
        every = {
            "Cache-Control": "no-store",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }
        for name, value in every.items():
            self.send_header(name, value)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _page(self) -> None:
        nonce = secrets.token_urlsafe(18)
        parts = {
            "nonce": nonce,
            "style": web.text_of("page.css") + web.text_of("watch.css"),
            "script": "\n".join(map(web.text_of, _SCRIPTS)),
        }
        text = web.text_of("watch.html")
        for name, part in parts.items():
            text = text.replace(f"{{{{{name}}}}}", part)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; "
            "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )
        self._send("text/html; charset=utf-8", text.encode(), Content_Security_Policy=policy)

    def _events(self) -> None:
        hub, seen = self.server.hub, 0
        # What lies unread in the system's memory is old when it is read.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST_BYTES)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self._protect()
        hub.enter()
        try:
            while (news := hub.wait(seen, _SILENCE)) is not None:
                seen, data = news
                self.wfile.write(data or b": still here\n\n")
        except OSError:  # it has gone, or does not read
            pass
        finally:
            hub.leave()

    def _network(self) -> None:
        try:
            data = self.server.save()
        except (ValueError, RuntimeError) as error:
            raise Refused(409, str(error)) from None
        kept = 'attachment; filename="network.safetensors"'
        self._send("application/octet-stream", data, Content_Disposition=kept)

    def _do(self) -> None:
        try:
            self.server.act(self._body())
        except (TypeError, ValueError) as error:
            raise Refused(400, str(error)) from None
        self._send("application/json", b"{}")

    def _body(self) -> Mapping[str, Any]:
        """Return the object of JSON that was sent."""
        if self.headers.get_content_type() != "application/json":
            raise Refused(415, "the body must be JSON")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refused(411, "the body must have a length")
        if len(length) > 9 or int(length) > MOST_BYTES:
            raise Refused(413, f"the body must have at most {MOST_BYTES} bytes")
        data = self.rfile.read(int(length))
        if len(data) < int(length):
            raise Refused(400, "the body is shorter than it says")
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            raise Refused(400, "the body must be JSON") from None
        if not isinstance(found, dict):
            raise Refused(400, f"the body must be an object, got {checks.shown(found)}")
        return found
