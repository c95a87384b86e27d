"""The user's functions that are called during training."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from foxnn import checks
from foxnn.schedules import Schedule
from foxnn.training.history import History

_EVENTS = ("on_train_begin", "on_epoch_end", "on_batch_end", "on_train_end")


class Onlooker:
    """A callback that says when it wants to see the training next, and is not called before.

    One call after each epoch, with its values, would take 3 % of the time of the shortest ones.
    """

    #: By `time.perf_counter`; infinite while nobody looks. Other threads may change it.
    due: float = math.inf

    def follow(self, history: History) -> None:
        """Take the history to which the next epochs will be added."""

    def look(self) -> None:
        """See the training as it is, and say when it is due again."""

    def give_up(self) -> None:
        """Learn that an error, or Ctrl-C, has ended the training."""


class Callbacks:
    """The callbacks that the user passed, by event.

    A callback is an object with any of the methods on_train_begin(network),
    on_batch_end(batch, logs), on_epoch_end(epoch, logs) and on_train_end(history), or a function,
    which is called as on_epoch_end. One that returns True stops the training.

    What pages use has on_moment(steps), too, which long epochs call some times a second, between
    two steps: after each batch it would cost short steps much of their speed. An `Onlooker` is
    called at its own times; a method of it that `is_for_others` is left out.
    """

    def __init__(self, callbacks: object) -> None:
        self._methods: dict[str, list[Callable[..., Any]]] = {event: [] for event in _EVENTS}
        self._methods["on_moment"] = []
        self.onlookers: list[Onlooker] = []
        if type(callbacks) is tuple and not callbacks:  # fast path
            return
        if callable(callbacks) or any(hasattr(callbacks, event) for event in _EVENTS):
            callbacks = [callbacks]
        wanted = "callbacks must be a list of callbacks"
        if isinstance(callbacks, str | bytes):
            raise TypeError(f"{wanted}, got {checks.shown(callbacks)}")
        for i, callback in enumerate(checks.items(callbacks, wanted)):
            self._add(callback, f"callbacks[{i}]")

    def _add(self, callback: object, name: str) -> None:
        if isinstance(callback, type):
            raise TypeError(f"{name} must be an object, got the class {callback.__name__}")
        if isinstance(callback, Schedule):
            raise TypeError(
                f"{name} must be a callback, got {checks.shown(callback)}: "
                "it is for the argument schedule"
            )
        found = False
        if isinstance(callback, Onlooker):
            self.onlookers.append(callback)
        for event in _EVENTS:
            method = getattr(callback, event, None)
            if getattr(method, "is_for_others", False):
                continue  # an Onlooker's own, which a subclass may replace
            if method is not None:
                if not callable(method):
                    raise TypeError(
                        f"{event} of {name} must be callable, got {checks.shown(method)}"
                    )
                self._methods[event].append(method)
                found = True
        if found and callable(moment := getattr(callback, "on_moment", None)):
            self._methods["on_moment"].append(moment)
        if not found and callable(callback):
            self._methods["on_epoch_end"].append(callback)
        elif not found:
            raise TypeError(
                f"{name} must be a function or have one of the methods {', '.join(_EVENTS)}, "
                f"got {checks.shown(callback)}"
            )

    def wants(self, event: str) -> bool:
        """Return whether any callback has a method for an event."""
        return bool(self._methods[event])

    def call(self, event: str, *arguments: object) -> bool:
        """Call all methods for an event; return whether one of them asks to stop."""
        stops = False
        for method in self._methods[event]:  # all of them, after one that stops, too
            answer = method(*arguments)
            # Comparisons in NumPy return NumPy's own bool type.
            if answer is not None and isinstance(answer, bool | np.bool_) and answer:
                stops = True
        return stops
