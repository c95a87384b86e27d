"""What the members of a population answer, and how well: outputs and losses of all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from foxnn import _core, checks
from foxnn.checks import Array, SamplesLike
from foxnn.checks.keywords import LACKING, answers, miscalled, telling, unknown
from foxnn.layers.steps import varies
from foxnn.model.answers import asked_metrics, not_finite
from foxnn.model.settings import Settings
from foxnn.network import neural_network


class AnsweringPopulation:
    """Members of the same layers, and the methods that ask them."""

    _members: list[neural_network]
    _engine: _core.Population
    _settings: Settings
    # Some members themselves as a population, which the one that can be trained makes.
    _part: Callable[[range], Any]

    @property
    def settings(self) -> Settings:
        """The settings of all members; `n_threads` is what the whole population takes."""
        return self._settings

    def __len__(self) -> int:
        return len(self._members)

    @answers("population.get_out")
    def get_out(
        self,
        x: SamplesLike,
        each: bool = False,
        *surplus: NoReturn,
        communicator: Any = None,
        **others: NoReturn,
    ) -> Any:
        """Return the outputs of every member.

        Parameters
        ----------
        x : array-like
            One sample or several, which all members get; with `each`, a sample or several for each
            member, with the members first.
        each : bool, default=False
            Whether every member has samples of its own.
        communicator : mpi4py.MPI.Intracomm, optional
            Its ranks, which all have this population and give the same x, ask some of the members
            each; all get the outputs of all members.

        Returns
        -------
        ndarray of shape (members, outputs) or (members, samples, outputs)
            For a list of sequences whose outputs are sequences, a list of arrays for each member.

        Raises
        ------
        ValueError
            For another shape, an infinity or NaN.
        OverflowError
            If an output is NaN because layers overflow the members' type.

        Examples
        --------
        >>> import foxnn
        >>> pop = foxnn.population(5, [4, 16, 2], activation="tanh", seed=0)
        >>> pop.get_out([1, 2, 3, 4]).shape
        (5, 2)
        >>> pop.get_out([[1, 2, 3, 4]] * 5, each=True).shape
        (5, 2)
        >>> pop.get_out([[1, 2, 3, 4]] * 7).shape
        (5, 7, 2)
        """
        if x is LACKING or surplus or others:
            error = miscalled("population.get_out", (x, each), surplus, others)
            raise self._refused_on(communicator, error)
        if communicator is not None:
            return self._joined_outputs(communicator, x, None, each)
        # The short way of a loop that asks the members step by step.
        if each is True and type(x) is np.ndarray:
            out = self._engine.predict_one_each(x, self._settings.n_threads)
            if out is not None:
                return out
        first = self._members[0]
        if checks.flag(each, "each"):
            return self._out_of_each(x)
        first._check_names(x, "x")
        shape = first._input_shape()
        if varies(shape) or checks.is_sparse(x):
            return self._outputs(x)
        array = first._as_array(x, "x")
        if array.ndim == 1 and len(shape) == 1:
            if array.shape != shape:
                raise ValueError(f"x must have {shape[0]} inputs, got {array.shape[0]}")
            return self._outputs(array[None])[:, 0]
        if len(shape) > 1 and first._is_one_sample(array):
            return self._outputs(array[None])[:, 0]
        # The table itself if it has columns that messages can name.
        return self._outputs(x if checks.column_names(x) else array)

    @staticmethod
    def _refused_on(communicator: Any, error: Exception) -> Exception:
        from foxnn.training.mpi import refused_on  # late: most populations have one process

        return refused_on(communicator, error)

    def _joined_outputs(self, communicator: Any, x: Any, lengths: Any, each: Any) -> Any:
        from foxnn.populations.joined import outputs  # late: most populations have one process

        return outputs(self, communicator, x, lengths, each)

    def _out_of_each(self, x: SamplesLike) -> Array:
        """Return the outputs of every member for samples of its own."""
        first, count = self._members[0], len(self._members)
        shape = first._input_shape()
        if varies(shape):
            raise ValueError("each must be False for members that read sequences of any length")
        array = first._as_array(x, "x")
        wanted = f"({count}, {', '.join(map(str, shape))})"
        several = f"({count}, samples, {', '.join(map(str, shape))})"
        is_one = array.shape == (count, *shape)
        if not is_one and (array.ndim != len(shape) + 2 or array.shape[:1] + array.shape[2:] != (
            count, *shape
        )):  # fmt: skip
            raise ValueError(
                f"x must have shape {wanted} or {several} with each=True, got {array.shape}"
            )
        samples = 1 if is_one else array.shape[1]
        rows = first._rows(array.reshape(count * samples, *shape), "x", single=first._single())
        found = self._engine.predict(rows, True, self._settings.n_threads)
        if found is None:
            raise not_finite(first)
        return found[:, 0] if is_one else found

    def _outputs(self, x: SamplesLike, lengths: ArrayLike | None = None) -> Any:
        """Return the outputs of all members for the same samples."""
        first = self._members[0]
        reader = first._reader(x, "x", lengths, finite=False)
        inputs = first._rows(x, "x", finite=False) if reader is None else reader.rows
        found = self._engine.predict(inputs, False, self._settings.n_threads)
        if found is None:
            first._reader(x, "x", lengths, single=first._single())
            first._rows(x, "x", single=first._single())
            raise not_finite(first)
        if reader is None:
            return found
        return _together([reader.put_back(one) for one in found])

    @telling()
    @answers("population.predict")
    def predict(
        self,
        x: SamplesLike,
        spread: bool = False,
        lengths: ArrayLike | None = None,
        *,
        communicator: Any = None,
        **others: NoReturn,
    ) -> Any:
        """Return the mean of the members' outputs for many samples, and how far they differ.

        Parameters
        ----------
        x : array-like of shape (samples, inputs), or sparse matrix
            As in `neural_network.predict`.
        spread : bool, default=False
            Whether to return the standard deviation over the members, too.
        lengths : array-like of shape (samples,), optional
            Of padded sequences, as in `neural_network.predict`.
        communicator : mpi4py.MPI.Intracomm, optional
            As in `get_out`.

        Returns
        -------
        ndarray of shape (samples, outputs), or a pair of them
            For a list of sequences whose outputs are sequences, lists of arrays.

        Raises
        ------
        ValueError
            For another shape, an infinity or NaN.
        OverflowError
            If an output is NaN because layers overflow the members' type.

        Examples
        --------
        >>> import foxnn
        >>> pop = foxnn.population(8, [1, 6, 1], activation="tanh", seed=0)
        >>> mean, deviation = pop.predict([[0.5], [2.0]], spread=True)
        >>> mean.shape, deviation.shape
        ((2, 1), (2, 1))
        """
        if others:
            raise self._refused_on(communicator, unknown("population.predict", others))
        if communicator is not None:
            out = self._joined_outputs(communicator, x, lengths, None)
            wants_spread = checks.flag(spread, "spread")
        else:
            wants_spread = checks.flag(spread, "spread")
            self._members[0]._check_names(x, "x")
            out = self._outputs(x, lengths)
        if isinstance(out, list):  # a list of sequences for each member
            each = [np.stack(ones) for ones in zip(*out, strict=True)]
            means, spreads = [_mean(one) for one in each], [_deviation(one) for one in each]
            return (means, spreads) if wants_spread else means
        return (_mean(out), _deviation(out)) if wants_spread else _mean(out)

    @telling()
    @answers("population.evaluate")
    def evaluate(
        self,
        x: SamplesLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        metrics: str | Sequence[str] = (),
        lengths: ArrayLike | None = None,
        communicator: Any = None,
        **others: NoReturn,
    ) -> dict[str, Array]:
        """Return the loss of every member, the accuracy if the loss is for classes, and metrics.

        Parameters
        ----------
        x, y, sample_weight, metrics, lengths
            As in `neural_network.evaluate`.
        communicator : mpi4py.MPI.Intracomm, optional
            As in `get_out`; all ranks give the same samples.

        Returns
        -------
        dict of str to ndarray of shape (members,)

        Raises
        ------
        ValueError, OverflowError
            As `neural_network.evaluate`.

        Examples
        --------
        >>> import foxnn
        >>> pop = foxnn.population(3, [1, 1], init="zeros", activation="identity")
        >>> pop.evaluate([[1.0], [2.0]], [[1.0], [3.0]])["loss"].tolist()
        [2.5, 2.5, 2.5]
        """
        if others:
            raise self._refused_on(communicator, unknown("population.evaluate", others))
        given = x, y, sample_weight, lengths
        if communicator is not None:
            from foxnn.populations.joined import evaluated  # late: most have one process

            return evaluated(self, communicator, given, metrics)
        return self._evaluated(range(len(self)), given, metrics, self._settings.n_threads)

    def _evaluated(
        self, which: range, given: tuple[Any, Any, Any, Any], metrics: Any, threads: int
    ) -> dict[str, Array]:
        """Return the evaluations of some members; x, y, weights and lengths are given."""
        first, asked = self._members[0], asked_metrics(metrics)
        inputs, wanted, weights = first._weighted(*given[:3], lengths=given[3])
        own: list[Any] | None = None if weights is None else [weights] * len(which)
        loss, correct, positions = self._engine.evaluate(
            inputs, wanted, list(which), None, own, threads
        )
        if np.isnan(loss).any() and (weights is None or weights.any()):
            raise OverflowError(
                f"the loss of member {which[int(np.isnan(loss).argmax())]} is not a number (NaN): "
                f"layers go beyond {first.dtype}; scale x"
            )
        found: dict[str, Array] = {"loss": loss}
        if first._classifies():
            found["accuracy"] = correct / positions
        if not asked:
            return found
        given_to_each = asked, inputs, wanted, weights, threads
        each = [self._members[i]._metrics(*given_to_each) for i in which]
        return found | {name: np.array([one[name] for one in each]) for name in each[0]}


def _together(found: list[Any]) -> Any:
    """Return the outputs of members as one array, unless they are lists of sequences."""
    return found if isinstance(found[0], list) else np.stack(found)


def _mean(out: Array) -> Array:
    mean: Array = out.mean(axis=0, dtype=np.float64).astype(out.dtype)
    return mean


def _deviation(out: Array) -> Array:
    deviation: Array = out.std(axis=0, dtype=np.float64).astype(out.dtype)
    return deviation


def parameters_from(values: Any, shape: tuple[int, int], single: bool) -> Array:
    """Return parameters of a population, checked."""
    array = checks.as_array(values, "parameters")
    if array.shape != shape:
        raise ValueError(
            f"parameters must have shape {shape}, a row for each member, got {array.shape}"
        )
    wanted = np.dtype(np.float32 if single else np.float64)
    numbers = np.require(array, dtype=np.float64 if array.dtype != wanted else wanted)
    if not checks.all_finite(np.ascontiguousarray(numbers), single):
        raise ValueError(f"parameters must be finite in {wanted.name}")
    return np.ascontiguousarray(numbers, wanted)
