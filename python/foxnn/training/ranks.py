"""The processes of a run: the one that runs by itself; those of a communicator are in `mpi`."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Any, TypeVar

Value = TypeVar("Value")


class Ranks:
    """One process by itself: what it agrees on with others, it agrees on with nobody.

    Attributes
    ----------
    rank, size : int
        The number of this process, from 0, and how many there are.
    """

    rank = 0
    size = 1

    @property
    def speaks(self) -> bool:
        """Whether this process shows bars, warns and writes files."""
        return self.rank == 0

    def gathered(self, value: Value) -> list[Value]:
        """Return what each process has given, in their order."""
        return [value]

    def any(self, flag: bool) -> bool:
        """Return whether any process says so."""
        return flag

    def brought(self, value: Value) -> list[Value] | None:
        """Return what each process has given to the one that speaks; None for the others."""
        return [value]

    def share(self, count: int) -> range:
        """Return which of so many things are this process's."""
        return range(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def exchanged(self, values: list[Any]) -> list[Any]:
        """Return what each process has for this one; `values` has one for each."""
        return values

    def threads(self, wanted: int) -> int:
        """Return how many threads a call may use where so many are wanted; 0: all there are."""
        return wanted

    def held(self) -> contextlib.AbstractContextManager[None]:
        """Return a context in which Ctrl-C waits, if steps are made together."""
        return contextlib.nullcontext()

    def exchange(self) -> object | None:
        """Return what the engine exchanges gradients by; None: there is nobody else."""
        return None

    def __enter__(self) -> Ranks:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


ALONE = Ranks()
