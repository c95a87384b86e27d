"""Samples of a network that reads sequences of any length: checked, and their answers put back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array, Rows
from foxnn.layers.chain import reader_of_indices
from foxnn.layers.specs import spec_of
from foxnn.layers.steps import refusal, varies
from foxnn.model.base import BaseNetwork
from foxnn.model.losses import LABELLED
from foxnn.support.array_types import NDArray

Weights = NDArray[np.float64] | None
Shape = tuple[int, ...]


class SequenceReader:
    """The sequences that a call was given, as rows for the engine.

    Attributes
    ----------
    rows : array or SequenceRows
    given : Padded
    outputs : ndarray of int64, or None
        How many positions the outputs of each sample have; None where they are no sequences.
    """

    def __init__(
        self,
        network: BaseNetwork,
        x: Any,
        name: str,
        lengths: Any = None,
        lengths_name: str = "lengths",
        *,
        single: bool = False,
        finite: bool = True,
    ) -> None:
        self._nn, self._name = network, name
        self.given = checks.padded(x, lengths, name, network._input_shape()[1:], lengths_name)
        self._refuse_short()
        self.outputs = (
            network._steps_after(self.given.lengths) if network._varies_at_end() else None
        )
        self.rows = checks.rows_of(self.given, self.outputs, name, single=single, finite=finite)
        if limit := network._index_limit():
            checks.indices(self.rows, name, limit, reader_of_indices(network, limit), x)

    def _refuse_short(self) -> None:
        network, lengths = self._nn, self.given.lengths
        shortest = int(lengths.min())
        if shortest >= network._least:
            return
        specs = [spec_of(part) for part in network._layers()]
        why = refusal(specs, network._input_shape(), shortest)
        raise ValueError(
            f"{self._name} must hold sequences of at least {network._least} steps, got {shortest} "
            f"in sample {int(lengths.argmin())}: {why}"
        )

    @property
    def steps(self) -> int:
        """The positions of the longest outputs."""
        assert self.outputs is not None
        return int(self.outputs.max())

    def _width(self) -> int:
        """Return the positions of the outputs for the array that was given, padding included."""
        width = np.array([self.given.width], np.int64)
        return int(self._nn._steps_after(width)[0])

    def targets(self, y: Any, name: str) -> Any:
        """Return targets whose positions are those of the rows."""
        if self.outputs is None:
            return y
        rest = self._nn._target_shape()[1:]
        return self._fitted(y, name, rest, takes_labels=self._nn._loss() in LABELLED)

    def gradients(self, given: Any, name: str) -> Any:
        """Return a gradient by the outputs whose positions are those of the rows."""
        if self.outputs is None:
            return given
        return self._fitted(given, name, self._nn._output_shape()[1:])

    def inputs_back(self, found: Array) -> Any:
        """Return numbers of the inputs of all rows as the samples were given."""
        tail = self._nn._input_shape()[1:]
        by_step = found.reshape(len(found), -1, *tail)
        if self.given.is_list:
            lengths = self.given.lengths
            return [one[:steps].copy() for one, steps in zip(by_step, lengths, strict=True)]
        more = self.given.width - by_step.shape[1]
        return np.pad(by_step, [(0, 0), (0, more)] + [(0, 0)] * len(tail)) if more else by_step

    def _fitted(self, given: Any, name: str, rest: Shape, *, takes_labels: bool = False) -> Any:
        """Return targets or weights of positions, as wide as the longest outputs."""
        assert self.outputs is not None
        return checks.fitted_targets(
            given, name, self.outputs, self.steps, self._width(), rest,
            of_list=self.given.is_list, takes_labels=takes_labels,
        )  # fmt: skip

    def refuse_of_steps(self, given: Any, name: str) -> None:
        """Refuse what does not fit if it is for steps, and the network answers once a sequence."""
        if self.outputs is not None:
            return
        given = checks.listed(given)
        found = checks.shape_of(given)
        if found is None and isinstance(given, list | tuple):
            sizes = [(checks.shape_of(one) or (0,))[0] for one in given]
        elif found is not None and len(found) > 1:
            sizes = [found[1]] * found[0]
        else:
            return
        width, lengths = self.given.width, self.given.lengths.tolist()
        if sizes != lengths and sizes != [width] * len(lengths):
            return
        last = next(layer for layer in self._nn if not varies(layer.output_shape))
        is_recurrent = "recurrent_weights" in last.arrays
        way = "has no return_sequences=True" if is_recurrent else "takes all steps together"
        raise ValueError(
            f"{name} must have one row for each sequence, got one for each step: the network "
            f"answers once a sequence, since {last.name} {way}"
        ) from None

    def weights(self, given: Any, name: str) -> Weights:
        """Return weights of the samples, or of their positions; beyond their ends these are 0."""
        if given is None or self.outputs is None:
            try:
                return checks.weights(given, name, len(self.rows))
            except (TypeError, ValueError):
                self.refuse_of_steps(given, name)
                raise
        given = checks.listed(given)
        is_filled = isinstance(given, list | tuple) and len(given) > 0
        first, most = (given[0], 0) if is_filled else (given, 1)
        if len(checks.shape_of(first) or ()) > most:
            given = self._fitted(given, name, ())
        found = checks.weights(given, name, len(self.rows), (self.steps,))
        if found is not None and found.ndim > 1:
            found = np.where(checks.mask_of(self.outputs, self.steps), found, 0.0)
        return found

    def put_back(self, out: Array) -> Any:
        """Return outputs as the samples were given: a list of arrays, or a padded array."""
        if self.outputs is None:
            return out
        if self.given.is_list:
            return [one[:steps].copy() for one, steps in zip(out, self.outputs, strict=True)]
        more = self._width() - out.shape[1]
        if more == 0:
            return out
        return np.pad(out, [(0, 0), (0, more)] + [(0, 0)] * (out.ndim - 2))

    def by_length(self, call: Callable[[Array], Sequence[Array]]) -> list[list[Array]]:
        """Return what a call gives for each sample, where it takes samples of one length.

        `call` gets rows, and returns arrays with a row for each of them; so each sample has a list.
        """
        lengths = self.given.lengths
        found: list[list[Array]] = [[] for _ in lengths]
        for length in np.unique(lengths).tolist():
            which = np.flatnonzero(lengths == length)
            some = self.given.values[which, :length].reshape(len(which), -1)
            answers = call(checks.contiguous_rows(checks.engine_type(some)))
            for i, place in enumerate(which.tolist()):
                found[place] = [answer[i] for answer in answers]
        return found

    def together(self, each: Sequence[Array], *, varies: bool) -> Any:
        """Return an array for each sample as the samples were given.

        Where its shape depends on the steps of the sample, those of a list are a list, and those of
        a padded array are padded with zeros.
        """
        if self.given.is_list and varies:
            return list(each)
        shape = tuple(max(lengths) for lengths in zip(*(one.shape for one in each), strict=True))
        out = np.zeros((len(each), *shape), each[0].dtype)
        for row, one in zip(out, each, strict=True):
            row[tuple(slice(length) for length in one.shape)] = one
        return out


def mask_of(rows: Rows, steps: int) -> NDArray[np.bool_] | None:
    """Return which of so many positions the outputs of samples have; None where all have all."""
    if not isinstance(rows, _core.SequenceRows) or rows.output_lengths is None:
        return None
    return checks.mask_of(rows.output_lengths, steps)


def is_one_sequence(network: BaseNetwork, values: Any) -> bool:
    """Return whether an array or nested list is a sequence by itself."""
    tail = network._input_shape()[1:]
    shape = checks.shape_of(checks.listed(values))
    if shape is None:  # a list of sequences of different lengths
        return False
    is_flat = len(shape) == 1 and tail in ((), (1,))
    return is_flat or (len(shape) == 1 + len(tail) and shape[1:] == tail)


def layer_outputs_of(network: BaseNetwork, x: Any, lengths: Any) -> dict[str, Any]:
    """Return the outputs of every layer for sequences, by the layer's name."""
    reader = SequenceReader(network, x, "x", lengths, single=network._single())
    which = list(range(len(network)))

    def call(rows: Array) -> list[Array]:
        found = network._node_outputs(rows, which, network.settings.n_threads)
        if found is None:
            raise ValueError("x changed while it was read")
        return found

    each = reader.by_length(call)
    return {
        layer.name: reader.together([one[i] for one in each], varies=varies(layer.output_shape))
        for i, layer in enumerate(network)
    }


def gradient_of(network: BaseNetwork, x: Any, output: int | None) -> Any:
    """Return d output / d input for sequences, or for a single one."""
    x = checks.listed(x)
    array = x if isinstance(x, list | tuple) else checks.as_array(x, "x")
    is_one = is_one_sequence(network, array)
    reader = SequenceReader(network, [array] if is_one else x, "x", single=network._single())
    outputs, tail = network._output_shape(), network._input_shape()[1:]
    if output is not None and network._varies_at_end():
        raise ValueError(
            "output must be None for outputs that are sequences of any length, got "
            f"{checks.shown(output)}"
        )
    first = 0
    if output is not None:
        first, outputs = checks.position(output, "output", math.prod(outputs), "an output"), ()

    def call(rows: Array) -> list[Array]:
        steps, shape = rows.shape[1] // math.prod(tail), outputs
        if network._varies_at_end():
            shape = (int(network._steps_after(np.array([steps]))[0]), *shape[1:])
        found = network._input_gradient(rows, first, math.prod(shape), network.settings.n_threads)
        return [found.reshape(len(rows), *shape, steps, *tail)]

    found = reader.together([one[0] for one in reader.by_length(call)], varies=True)
    return found[0] if is_one else found
