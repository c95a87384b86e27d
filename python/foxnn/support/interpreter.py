"""Refuses interpreters that run threads without Python's global interpreter lock (GIL).

The GIL protects the counts of concurrent calls on a network. A free-threaded CPython enables the
GIL again, with a warning, when it imports foxnn; it is refused only if the user forbids that.
"""

from __future__ import annotations

import sys


def refuse_without_lock() -> None:
    """Raise ImportError if the GIL is disabled."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        raise ImportError(
            "foxnn needs Python's global lock (GIL), which is switched off: leave out PYTHON_GIL=0 "
            "and -X gil=0"
        )
