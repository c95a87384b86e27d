"""A call in a separate thread while training continues: the writing of a checkpoint."""

from __future__ import annotations

import _thread
import atexit
import os
import weakref
from collections.abc import Callable

from foxnn import checks

# Calls that have not ended. Ctrl-C does not end them; the next run or reader waits for them.
_going_on: set[Beside] = set()
if hasattr(os, "register_at_fork"):  # a child has no other threads
    os.register_at_fork(after_in_child=_going_on.clear)


def wait_for_all() -> None:
    """Wait until no checkpoint is being written."""
    for call in list(_going_on):
        call.wait()


atexit.register(wait_for_all)


# Bytes for a thread's stack and for the thread-local memory of libraries; without them the C
# library ends the process.
_OF_A_THREAD = 2**25


class _Token:
    """An object that exists as long as the thread that holds it."""


class Beside:
    """A call that runs in a separate thread, or immediately if no thread can be started.

    Unlike threading.Thread, it does not wait forever for a thread that had too little memory to
    start.
    """

    def __init__(self, call: Callable[[], None]) -> None:
        self.is_left = False  # nobody will collect its exception
        self._error: BaseException | None = None
        self._has_ended = _thread.allocate_lock()  # held until then
        self._has_ended.acquire()
        token = _Token()
        self._token = weakref.ref(token)
        _going_on.add(self)
        try:
            checks.memory(_OF_A_THREAD)
            _thread.start_new_thread(self._run, (call, token))
        except (RuntimeError, MemoryError):
            self._run(call, token)

    def _run(self, call: Callable[[], None], token: _Token) -> None:
        try:
            call()
        except BaseException as error:
            if self.is_left:
                raise
            self._error = error
        finally:
            _going_on.discard(self)
            self._has_ended.release()

    def goes_on(self) -> bool:
        """Return whether the call has not ended."""
        return self._has_ended.locked()

    def wait(self) -> BaseException | None:
        """Wait until the call has ended; return the exception that it raised."""
        while not self._has_ended.acquire(timeout=0.1):
            if self._token() is None and self.goes_on():
                _going_on.discard(self)
                return MemoryError("too little memory for the thread that writes the checkpoint")
        self._has_ended.release()  # for others that wait
        return self._error
