"""Warnings that are shown at the user's own line, however deep in foxnn they arise."""

from __future__ import annotations

import sys
import warnings


def warn(message: str, category: type[UserWarning]) -> None:
    """Warn at the line that called foxnn."""
    warnings.warn(message, category, stacklevel=_frames_of_foxnn() + 1)


def _frames_of_foxnn() -> int:
    """Return the number of foxnn's own frames between here and the user's line."""
    count, frame = 0, sys._getframe(1)
    while str(frame.f_globals.get("__name__")).partition(".")[0] == "foxnn" and frame.f_back:
        count, frame = count + 1, frame.f_back
    return count
