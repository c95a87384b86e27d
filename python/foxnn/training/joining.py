"""Joins the ranks of a communicator; without one, MPI's part of the package is not imported."""

from __future__ import annotations

from typing import Any

from foxnn.training.ranks import ALONE, Ranks


def joined(communicator: Any) -> Ranks:
    """Return the ranks of a communicator, a context; of None this process by itself."""
    if communicator is None:
        return ALONE
    from foxnn.training.mpi import ranks_of  # late: most runs have one process

    return ranks_of(communicator)


def refused_on(communicator: Any, error: Exception) -> Exception:
    """Return an error of a call that has not begun, after the other ranks have heard of it."""
    from foxnn.training.mpi import refused_on

    return refused_on(communicator, error)
