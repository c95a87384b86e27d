"""A communicator whose ranks are threads of this process, with those methods of mpi4py in use.

So what ranks do is tested without starting any; `test_mpi.py` starts some.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from foxnn.training.mpi import JoinedRanks


class LostError(Exception):
    """What mpi4py raises for a rank that cannot be reached."""


class Library:
    """What foxnn takes from the module mpi4py.MPI."""

    IN_PLACE = None
    Exception = LostError

    @staticmethod
    def Get_processor_name() -> str:
        return "here"


class Shared:
    """What the ranks of a communicator share: a place for each, and a barrier."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.places: list[Any] = [None] * size
        self.barrier = threading.Barrier(size, timeout=20.0)


class ThreadComm:
    """One rank's view of a communicator."""

    def __init__(self, shared: Shared, rank: int) -> None:
        self._shared, self._rank = shared, rank

    def Dup(self) -> ThreadComm:
        return self

    def Free(self) -> None:
        pass

    def Get_rank(self) -> int:
        return self._rank

    def Get_size(self) -> int:
        return self._shared.size

    def allgather(self, value: Any) -> list[Any]:
        shared = self._shared
        try:
            shared.places[self._rank] = pickle.dumps(value)
            shared.barrier.wait()
            found = [pickle.loads(one) for one in shared.places]
            shared.barrier.wait()
        except threading.BrokenBarrierError as error:
            raise LostError("a thread has gone") from error
        return found

    def gather(self, value: Any) -> list[Any] | None:
        found = self.allgather(value)
        return found if self._rank == 0 else None

    def alltoall(self, values: list[Any]) -> list[Any]:
        return [row[self._rank] for row in self.allgather(values)]

    def Allgather(self, own: np.ndarray, into: np.ndarray) -> None:
        into[:] = np.concatenate(self.allgather(own))

    def Allgatherv(self, _: None, into: list[Any]) -> None:
        whole, counts = into
        first = sum(counts[: self._rank])
        flat = whole.reshape(-1)
        flat[:] = np.concatenate(self.allgather(flat[first : first + counts[self._rank]]))

    def Alltoallv(self, sent: list[Any], received: list[Any]) -> None:
        array, (counts, starts) = sent
        parts = [array[first : first + n] for first, n in zip(starts, counts, strict=True)]
        into, (expected, places) = received
        got = self.alltoall(parts)
        assert [len(one) for one in got] == expected
        for one, first in zip(got, places, strict=True):
            into[first : first + len(one)] = one


def run(size: int, body: Callable[[Any], Any]) -> list[Any]:
    """Return what `body(communicator)` returns, or raises, on each of so many ranks."""
    shared = Shared(size)
    found: list[Any] = [None] * size

    def one(rank: int) -> None:
        try:
            found[rank] = body(ThreadComm(shared, rank))
        except BaseException as error:
            found[rank] = error

    threads = [threading.Thread(target=one, args=(rank,), daemon=True) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60.0)
        assert not thread.is_alive(), "a rank hangs"
    return found


def joined(communicator: Any) -> Any:
    """Return what `ranks_of` returns for a communicator of mpi4py, for one of these."""
    return JoinedRanks(communicator, Library) if isinstance(communicator, ThreadComm) else None
