"""Curves of a training for the page: few points of them, however many epochs there are."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
        self.epochs += 1
        self._last = record
        if self.epochs % self._every:
            return
        self._at.append(self.epochs)
        for name in _NAMES:
            if name in record:
                behind: list[float | None] = [None] * (len(self._at) - 1)
                self._points.setdefault(name, behind).append(_short(record[name]))
        if len(self._at) >= _MOST:
            self._every *= 2
            self._at = self._at[1::2]
            self._points = {name: points[1::2] for name, points in self._points.items()}

    def see(self, record: Mapping[str, float]) -> None:
        """Take in the numbers of this moment, between epochs."""
        self._last = record

    def shown(self) -> dict[str, Any]:
        """Return them for JSON."""
        last = {name: _short(value) for name, value in self._last.items() if name in _NAMES}
        return {"epochs": self.epochs, "at": self._at, "points": self._points, "last": last}


def _short(number: float) -> float | None:
    return float(f"{number:.4g}") if math.isfinite(number) else None
