"""Interpreters that foxnn refuses: those that run threads without Python's global lock (GIL).

What may happen at once to one network is counted under the lock. A free-threaded CPython takes the
lock again, with a warning, when it imports foxnn; only where the user forbids that is it refused.
"""

from __future__ import annotations

import sys


def refuse_without_lock() -> None:
    """Raise ImportError where the global lock is switched off."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        raise ImportError(
            "foxnn needs Python's global lock (GIL), which is switched off: leave out PYTHON_GIL=0 "
            "and -X gil=0"
        )
