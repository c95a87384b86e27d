"""The latest picture of a training, and those who wait for the next one.

Only the newest is kept: a page that reads slowly misses pictures, and nobody waits for it.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable
from typing import Any

# Pictures may take this share of the time of a training: a fifth of the 2 % that watching may cost.
# Sending them, in another thread, was measured to take up to one and a half times as much.
_SHARE = 0.004
# Seconds between two pictures, at least: ten a second are seen as motion. A training that is slowed
# down so that one can follow has time for more.
_SHORTEST, _SHORTEST_IF_SLOW = 0.1, 0.05


class Hub:
    """The latest messages by their event names, and how many watch.

    Parameters
    ----------
    catch_up : callable, optional
        Shows what nobody has seen; it is called, in the thread of the page, when one comes.
    """

    def __init__(self, catch_up: Callable[[], None] | None = None) -> None:
        self._catch_up = catch_up
        self._changed = threading.Condition()
        self._messages: dict[str, tuple[int, bytes]] = {}
        self._number = 0
        self.watchers = 0
        self._is_closed = False
        self.next = self._soonest = 0.0  # when a picture is due, by `time.perf_counter`
        self._cost = math.inf  # of the latest picture, in seconds

    def is_due(self, is_slow: bool = False) -> bool:
        """Return whether somebody watches, and a picture costs the training little by now.

        A training that is slowed down anyway has time for each picture that can be seen.
        """
        if self.watchers == 0:
            return False
        return time.perf_counter() >= (self._soonest if is_slow else self.next)

    def show(self, name: str, message: Any, began: float | None = None) -> None:
        """Put a message in place of the one before of that name.

        `began` is when the work for it was begun, by `time.perf_counter`: it says when the next one
        is due.
        """
        text = json.dumps(message, separators=(",", ":"), allow_nan=False)
        data = f"event: {name}\ndata: {text}\n\n".encode()
        with self._changed:
            self._number += 1
            self._messages[name] = self._number, data
            self._changed.notify_all()
        if began is not None:
            now = time.perf_counter()
            # The smaller of two: a machine that sleeps meanwhile would let the page wait for hours.
            cost, self._cost = min(now - began, self._cost), now - began
            self._soonest = now + _SHORTEST_IF_SLOW
            self.next = now + max(_SHORTEST, cost / _SHARE)

    def enter(self) -> None:
        """Count one who watches; the next picture is due at once."""
        with self._changed:
            self.watchers += 1
            self.next = self._soonest = 0.0
        if self._catch_up is not None:
            self._catch_up()

    def leave(self) -> None:
        """Count one less."""
        with self._changed:
            self.watchers -= 1

    def close(self) -> None:
        """Let all who wait go."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def wait(self, seen: int, seconds: float) -> tuple[int, bytes] | None:
        """Wait for messages after number `seen`: the last number and their bytes; None at the end.

        After so many seconds without one, the bytes are empty.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._number > seen, seconds)
            if self._is_closed:
                return None
            new = sorted(message for message in self._messages.values() if message[0] > seen)
            return self._number, b"".join(data for _, data in new)
