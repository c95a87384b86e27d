"""Curves of a training for the page: few points of them, however many epochs there are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

# Points that are kept; when there are so many, every other one is left out.
_MOST = 600
# What is drawn, of what is reported.
_NAMES = ("loss", "val_loss", "accuracy", "val_accuracy")


class Curves:
    """Numbers by name, one for every so many epochs, and those of the last epoch."""

    def __init__(self) -> None:
        self.epochs = 0
        self._every = 1
        self._points: dict[str, list[float | None]] = {}
        self._at: list[int] = []
        self._last: Mapping[str, float] = {}

    def add(self, record: Mapping[str, float]) -> None:
        """Take in what an epoch reports."""
        if (self.epochs + 1) % self._every:
            self.epochs += 1
            self._last = record
        else:
            self.extend({name: [value] for name, value in record.items()}, 0)

    def extend(self, records: Mapping[str, Sequence[float]], start: int) -> None:
        """Take in what epochs report: lists by name, from place `start` on."""
        count = len(next(iter(records.values()), ())) - start
        if count <= 0:
            return
        first, self.epochs = self.epochs - start, self.epochs + count
        self._last = {name: values[-1] for name, values in records.items()}
        at = self._at[-1] if self._at else 0
        # Whole stretches of points, since there may be a million of epochs.
        while (at := at - at % self._every + self._every) <= self.epochs:
            many = min((self.epochs - at) // self._every + 1, _MOST - len(self._at))
            wanted = range(at, at + many * self._every, self._every)
            for name in _NAMES:
                if name in records:
                    behind: list[float | None] = [None] * len(self._at)
                    points, own = self._points.setdefault(name, behind), records[name]
                    points.extend(_short(own[epoch - 1 - first]) for epoch in wanted)
                elif name in self._points:
                    self._points[name].extend([None] * many)
            self._at.extend(wanted)
            if len(self._at) >= _MOST:
                self._every *= 2
                self._at = self._at[1::2]
                self._points = {name: points[1::2] for name, points in self._points.items()}
            at = wanted[-1]

    def see(self, record: Mapping[str, float]) -> None:
        """Take in the numbers of this moment, between epochs."""
        self._last = record

    def shown(self) -> dict[str, Any]:
        """Return them for JSON."""
        last = {name: _short(value) for name, value in self._last.items() if name in _NAMES}
        return {"epochs": self.epochs, "at": self._at, "points": self._points, "last": last}


def _short(number: float) -> float | None:
    return float(f"{number:.4g}") if math.isfinite(number) else None
