"""The argument `augment` of `fit`: changes of batches before each step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array, Rows
from foxnn.layers.chain import reader_of_indices
from foxnn.layers.steps import varies, with_steps
from foxnn.model.answers import AnsweringNetwork
from foxnn.schedules import Schedule

Functions = tuple[Callable[[Array, np.random.Generator], Any], ...]


def checked_augment(augment: object) -> Functions:
    """Return the functions that change a batch, one after another."""
    given = augment if isinstance(augment, list | tuple) else () if augment is None else (augment,)
    for one in given:
        if isinstance(one, type | Schedule) or not callable(one):
            raise TypeError(
                "augment must be a function of (x, rng), such as foxnn.augment.shift(2), or a list "
                f"of them, got {checks.shown(one)}"
            )
    return tuple(given)


class Augmenting:
    """Changes the batches of one run.

    The random numbers of a batch depend on the network's seed, on the draw and the number of the
    epoch and on the batch's number, and on nothing else: so a resumed run draws the same.
    """

    def __init__(self, network: AnsweringNetwork, x: Rows, functions: Functions) -> None:
        if isinstance(x, _core.SparseRows):
            raise ValueError(
                "augment needs dense samples, got a sparse matrix; its toarray() is an array"
            )
        if isinstance(x, _core.SequenceRows):
            raise ValueError("augment needs samples of one length, got sequences of different ones")
        self._x = x
        self._functions = functions
        shape = network._input_shape()
        if varies(shape):
            shape = with_steps(shape, x.shape[1] // math.prod(shape[1:]))
        self._shape = shape
        self._type = np.float32 if network._single() else np.float64
        self._seed = network.seed
        self._limit = network._index_limit()
        self._reader = reader_of_indices(network, self._limit) if self._limit else ""

    def batch(self, which: Array, draw: int, epoch: int, number: int) -> Array:
        """Return the changed inputs of a batch.

        Raises
        ------
        ValueError, TypeError
            If a function returns a batch of another shape, or numbers that are not finite or that
            an `Embedding` does not have.
        """
        rng = np.random.default_rng([self._seed, draw, epoch, number])
        shape = (len(which), *self._shape)
        x: Any = self._x[which].astype(self._type).reshape(shape)
        for function in self._functions:
            x = checks.as_array(function(x, rng), "the batch from augment")
            if x.shape != shape:
                raise ValueError(
                    f"augment must return the shape that it gets, {shape}, got {x.shape}"
                )
        rows = checks.matrix(
            x.reshape(len(which), -1), "the batch from augment", -1, "inputs",
            single=self._type is np.float32,
        )  # fmt: skip
        if self._limit:
            checks.indices(rows, "the batch from augment", self._limit, self._reader, x)
        return rows
