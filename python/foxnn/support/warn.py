"""Warnings that are shown at the user's own line, however deep in foxnn they arise."""

from __future__ import annotations

import contextlib
import sys
import threading
import warnings
from collections.abc import Iterator

_here = threading.local()


def warn(message: str, category: type[UserWarning]) -> None:
    """Warn at the line that called foxnn."""
    if getattr(_here, "is_silent", False):
        return
    warnings.warn(message, category, stacklevel=_frames_of_foxnn() + 1)


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Leave out the warnings of this thread, of which another process or thread has told."""
    before, _here.is_silent = getattr(_here, "is_silent", False), True
    try:
        yield
    finally:
        _here.is_silent = before


def _frames_of_foxnn() -> int:
    """Return the number of foxnn's own frames between here and the user's line."""
    count, frame = 0, sys._getframe(1)
    while str(frame.f_globals.get("__name__")).partition(".")[0] == "foxnn" and frame.f_back:
        count, frame = count + 1, frame.f_back
    return count
