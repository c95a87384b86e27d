"""A run under the hands of the page: it trains, pauses, goes on, and begins anew.

One thread trains; what the page asks for waits in a queue until the end of an epoch, or of a tenth
of a second. While it is paused, that thread waits within `fit`, so that a run with pauses is one
call, which a program can make again.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from foxnn import DivergedError, checks, optimizers
from foxnn.playing.knobs import ACTIVATIONS, MOST_LAYERS, MOST_UNITS, Knobs
from foxnn.playing.planes import SETS
from foxnn.playing.script import Stretch, network_of, script
from foxnn.playing.source import Source
from foxnn.watching.curves import Curves
from foxnn.watching.hub import Hub
from foxnn.watching.scene import Scene, Shown
from foxnn.watching.server import saved

_ACTIONS = ("run", "pause", "step", "epoch", "reset", "knobs", "speed")
# What is done within a call of `fit`: the others end it.
_WITHIN = ("run", "pause", "epoch", "speed")
# More epochs than anybody waits for.
_ENDLESS = 10**9
# Samples of which a step tells the loss: all of MNIST would take longer than the step itself.
_MOST_JUDGED = 1000


class _Cut(Exception):
    """Ends `fit` within an epoch, before it judges the samples for validation."""


class Session:
    """The run of a source of data, shown by a hub."""

    def __init__(self, source: Source, hub: Hub) -> None:
        self._source, self._hub = source, hub
        self._changed = threading.Condition()
        self._queue: deque[tuple[str, Any]] = deque()
        self._is_closed = False
        self._left: float = 0  # epochs that are still to be trained
        self._speed = source.speed
        self._next = 0.0
        self._knobs = self._asked = Knobs().turned(source.start)
        self._thread = threading.Thread(target=self._work, name="foxnn training", daemon=True)
        self._begin()

    # What the page asks for, in its threads.

    def act(self, wanted: Mapping[str, Any]) -> None:
        """Take what the page wants; ValueError or TypeError if it is not possible."""
        action = checks.choice(wanted.get("action"), "action", _ACTIONS)
        with self._changed:
            value = wanted.get("value")
            if action == "knobs":
                value = self._asked.turned(value)
                network_of(self._source, value)  # may refuse
                self._asked = value
            elif action == "speed":
                value = checks.real(value, "speed", 0.0, 1e6)
            self._queue.append((action, value))
            self._changed.notify_all()

    def saved(self) -> bytes:
        """Return the network as bytes of a .safetensors file."""
        nn = self._network
        self._source.note(nn)
        return saved(nn)

    def start(self) -> None:
        """Begin to do what the page asks for."""
        self._thread.start()

    def close(self) -> None:
        """End the training; wait for a second."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join(1.0)

    # The thread that trains.

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_closed or self._queue or self._left)
                if self._is_closed:
                    return
                action, value = self._queue.popleft() if self._queue else ("", None)
            try:
                if action:
                    self._apply(action, value)
                elif self._left:
                    self._train()
            except DivergedError:  # the network is as it was before the epoch
                self._note_steps(0)
                self._fail("The loss is not finite any more: take a lower learning rate, and reset")
            except Exception as error:  # the page must see why nothing goes on
                self._fail(f"{type(error).__name__}: {error}")

    def _apply(self, action: str, value: Any) -> None:
        if action in ("run", "epoch"):
            self._left = math.inf if action == "run" else self._left + 1
            self._message = ""
        elif action == "pause":
            self._left = 0
        elif action == "speed":
            self._speed = value
        elif action == "step":
            self._left = 0
            self._step()
        elif action == "reset":
            self._left = 0
            self._begin()
        elif value.begins_anew(self._knobs):
            self._knobs = value
            self._begin()
        else:
            self._knobs = value
            self._describe()
        self._show()

    def _begin(self) -> None:
        """Make a new network and its data."""
        self._first = self._knobs
        self._data = data = self._source.data(self._knobs)
        self._network = network_of(self._source, self._knobs)
        self._curves, self._message = Curves(), ""
        self._run: list[Stretch] = []
        self._row = self._steps = self._open = 0
        parts = Shown(data.x, np.asarray(data.y)), Shown(data.x_test, np.asarray(data.y_test))
        source = self._source
        self._scene = Scene(
            self._network, *parts, picture=source.picture, names=source.names, labels=source.labels
        )
        self._describe()
        self._show()

    def _describe(self) -> None:
        choices = {
            "data": [*SETS] if self._source.form == "plane" else [],
            "activation": ACTIVATIONS,
            "optimizer": optimizers(),
        }
        self._hub.show("scene", {
            **self._scene.described(), "title": self._source.title, "source": self._source.form,
            "knobs": vars(self._knobs), "choices": choices, "speed": self._speed,
            "most": [MOST_LAYERS, MOST_UNITS],
        })  # fmt: skip

    def _arguments(self) -> dict[str, Any]:
        given = self._knobs.of_fit()
        return {**given, "scale": self._data.scale, "progress": False}

    def _train(self) -> None:
        """Train until the page wants something else."""
        data = self._data
        tests = (data.x_test, data.y_test) if len(data.x_test) else None
        self._run.append(Stretch(self._knobs, 0))
        self._next = time.perf_counter()
        with contextlib.suppress(_Cut):
            self._network.fit(
                data.x, data.y, _ENDLESS, validation=tests, callbacks=self, **self._arguments()
            )
        self._steps, self._open = self._steps + self._open, 0

    def _fail(self, why: str) -> None:
        self._left, self._message = 0, why
        self._show()

    def _step(self) -> None:
        """Learn the next batch of the samples, in their order."""
        size, data = self._knobs.batch_size, self._data
        if self._row >= len(data.x):
            self._row = 0
        rows = slice(self._row, self._row + size)
        last = self._run[-1] if self._run else None
        if last and last.first is not None and last.knobs == self._knobs and (
            last.first + last.steps * size == self._row
        ):  # fmt: skip
            self._run[-1] = last._replace(steps=last.steps + 1)
        else:
            self._run.append(Stretch(self._knobs, 0, self._row, 1))
        self._network.fit(data.x[rows], data.y[rows], 1, shuffle=False, **self._arguments())
        self._row += size
        self._steps += 1
        most = slice(_MOST_JUDGED)
        found = self._network.evaluate(data.x[most], data.y[most])
        if len(data.x_test):
            tested = self._network.evaluate(data.x_test[most], data.y_test[most])
            found |= {f"val_{name}": value for name, value in tested.items()}
        self._curves.see(found)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> bool:
        """Take in an epoch; return whether `fit` is to end. Waits here while it is paused."""
        self._curves.add(logs)
        self._left -= 1
        self._run[-1] = self._run[-1]._replace(epochs=epoch + 1)
        self._note_steps(0)
        is_slow = self._speed > 0
        if self._hub.is_due(is_slow):
            self._show()
        return self._waits()

    def on_moment(self, steps: int) -> None:
        """Do within a long epoch what the page wants, after so many of its steps."""
        self._note_steps(steps)
        if self._hub.is_due():
            self._show()
        if self._waits(is_paced=False):
            raise _Cut

    def _note_steps(self, steps: int) -> None:
        """Keep how many steps of the present epoch have been made."""
        self._open = steps
        self._run[-1] = self._run[-1]._replace(steps=steps)

    def _waits(self, is_paced: bool = True) -> bool:
        """Wait until it goes on; return whether `fit` is to end for what the page wants."""
        is_told = False
        while True:
            with self._changed:
                if self._is_closed:
                    return True
                if self._queue and self._queue[0][0] not in _WITHIN:
                    return True
                action, value = self._queue.popleft() if self._queue else ("", None)
                if not action:
                    now = time.perf_counter()
                    has_pace = is_paced and self._speed > 0
                    until = self._next + 1 / self._speed if has_pace else now
                    if self._left > 0 and until <= now:
                        # Not what a slow machine has missed.
                        self._next = max(until, now - 0.1)
                        return False
                    if self._left > 0:
                        self._changed.wait(until - now)
                        continue
                    if is_told:
                        self._changed.wait()
                        continue
            if action:
                self._apply(action, value)
            else:
                self._show()
            is_told = True

    def _show(self) -> None:
        began = time.perf_counter()
        self._hub.show("picture", {
            "state": "training" if self._left else "paused", "message": self._message,
            "steps": self._steps + self._open, "curves": self._curves.shown(),
            "python": script(self._source, self._first, self._run, self._data),
            **self._scene.picture(),
        }, began)  # fmt: skip
