"""Answers for arrays of Dask, block by block: Dask arrays, which are computed when Dask is asked.

Dask is not imported here: who has one of its arrays has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from foxnn.checks import Array


def are_blocks(x: object) -> bool:
    """Return whether x is an array of Dask."""
    arrays = sys.modules.get("dask.array")
    return arrays is not None and isinstance(x, arrays.Array)


def answers_by_blocks(x: Any, name: str, answer: Callable[[Any], Array], what: str) -> Any:
    """Return a Dask array of the answers for the samples of one.

    Parameters
    ----------
    x : dask.array.Array of shape (samples, ...)
        Its samples may be in any chunks, whose sizes need not be known; each sample is in one.
    name : str
        The argument's name, for messages.
    answer : callable
        What is asked for each block: it must not change any more, and pickle.
    what : str
        What Dask calls the task.

    Raises
    ------
    ValueError
        If the numbers of a sample are in several chunks; and as `answer`, which is asked at once
        for a sample of zeros.
    """
    for axis, chunks in enumerate(x.chunks[1:], 1):
        if len(chunks) > 1:
            raise ValueError(
                f"{name} must have each sample in one chunk, got {chunks} along axis {axis}; "
                f"{name}.rechunk({{{axis}: -1}}) joins them"
            )
    if x.ndim == 0 or np.isnan(x.shape[1:]).any():
        raise ValueError(
            f"{name} must have samples of a known shape, got shape {x.shape}; "
            f"{name}.compute_chunk_sizes() finds it"
        )
    # Refuses samples of another shape now, not when the blocks are computed.
    one = np.zeros((1, *x.shape[1:]), x.dtype)
    try:
        pattern = np.asarray(answer(one))
    except (ValueError, TypeError) as error:
        raise type(error)(str(error).replace(str(one.shape), str(x.shape))) from None
    shape = pattern.shape[1:]
    return x.map_blocks(
        _of_block,
        answer,
        shape,
        pattern.dtype,
        name=f"{what}-{sys.modules['dask.base'].tokenize(x, answer)}",
        dtype=pattern.dtype,
        chunks=(x.chunks[0], *((size,) for size in shape)),
        drop_axis=list(range(1, x.ndim)),
        new_axis=list(range(1, 1 + len(shape))),
        meta=np.empty((0,) * pattern.ndim, pattern.dtype),
    )


def _of_block(
    block: Any, answer: Callable[[Any], Array], shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Array:
    if block.shape[0] == 0:  # as left by a choice of samples
        return np.empty((0, *shape), dtype)
    return np.asarray(answer(block))
