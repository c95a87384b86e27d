"""How far the user's line is from a line of foxnn: for warnings, which name a line."""

from __future__ import annotations

import sys


def frames_of_foxnn() -> int:
    """Return the number of foxnn's own frames between the caller and the user's line."""
    count, frame = 0, sys._getframe(1)
    while str(frame.f_globals.get("__name__")).partition(".")[0] == "foxnn" and frame.f_back:
        count, frame = count + 1, frame.f_back
    return count
