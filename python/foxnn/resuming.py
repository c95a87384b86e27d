"""Resuming a training run from its checkpoint, as if it had never stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, overload

from numpy.typing import ArrayLike

from foxnn import checks
from foxnn.checks import SamplesLike
from foxnn.checks.keywords import answers, telling, unknown
from foxnn.formats import paths
from foxnn.formats.paths import FileFormatError
from foxnn.formats.population_file import is_population
from foxnn.network import neural_network
from foxnn.training import checkpoint, plain_options
from foxnn.training.agreement import described_file, refuse_different
from foxnn.training.beside import wait_for_all
from foxnn.training.early_stopping import EarlyStopping
from foxnn.training.fitting import fitted
from foxnn.training.joining import joined, refused_on
from foxnn.training.kinds import AugmentLike, ScheduleLike, ValidationLike
from foxnn.training.options import FitArguments
from foxnn.training.ranks import ALONE, Ranks

if TYPE_CHECKING:
    from foxnn.evolution import EvolutionHistory
    from foxnn.populations.history import PopulationHistory
    from foxnn.populations.population import population


@overload
def resume(
    name_file: str | os.PathLike[str],
    x: None = None,
    y: None = None,
    *,
    fitness: Callable[[population], ArrayLike],
    generations: int | None = None,
    callbacks: object = (),
    progress: bool | None = None,
    time_limit: float | None = None,
    communicator: Any = None,
) -> tuple[population, EvolutionHistory]: ...
@overload
def resume(
    name_file: str | os.PathLike[str],
    x: SamplesLike,
    y: ArrayLike,
    *,
    rows: ArrayLike | Sequence[ArrayLike],
    epochs: int | None = None,
    validation: ValidationLike | None = None,
    sample_weight: ArrayLike | None = None,
    schedule: ScheduleLike | None = None,
    lengths: ArrayLike | None = None,
    callbacks: object = (),
    progress: bool | None = None,
    time_limit: float | None = None,
    communicator: Any = None,
) -> tuple[population, PopulationHistory]: ...
@overload
def resume(  # the file decides whether it is a network or a population
    name_file: str | os.PathLike[str],
    x: SamplesLike,
    y: ArrayLike,
    *,
    epochs: int | None = None,
    validation: ValidationLike | None = None,
    sample_weight: ArrayLike | None = None,
    schedule: ScheduleLike | None = None,
    augment: AugmentLike | None = None,
    lengths: ArrayLike | None = None,
    rows: ArrayLike | Sequence[ArrayLike] | None = None,
    callbacks: object = (),
    progress: bool | None = None,
    time_limit: float | None = None,
    communicator: Any = None,
) -> tuple[Any, Any]: ...
@telling(refused_on)
@answers("resume")
def resume(
    name_file: str | os.PathLike[str],
    x: SamplesLike | None = None,
    y: ArrayLike | None = None,
    *,
    epochs: int | None = None,
    validation: ValidationLike | None = None,
    sample_weight: ArrayLike | None = None,
    schedule: ScheduleLike | None = None,
    augment: AugmentLike | None = None,
    lengths: ArrayLike | None = None,
    rows: ArrayLike | Sequence[ArrayLike] | None = None,
    fitness: Callable[[Any], ArrayLike] | None = None,
    generations: int | None = None,
    callbacks: object = (),
    progress: bool | None = None,
    time_limit: float | None = None,
    communicator: Any = None,
    **others: NoReturn,
) -> tuple[Any, Any]:
    """Continue a training run from the checkpoint that `fit` has written.

    With the same samples, the network ends with the same bits as if training had never stopped, on
    any number of threads. The checkpoint is kept up to date.

    Parameters
    ----------
    name_file : str or path
        The checkpoint of `fit`, of a network or of a population.
    x, y : array-like, or for x a sparse matrix
        The samples that `fit` was given; None for an evolution, which has none.
    epochs : int, optional
        In place of the `epochs` that `fit` was told, those done included: the run ends as if `fit`
        had been told so, a run that had reached its end, too. A run that early stopping has ended
        stays ended.
    validation, sample_weight, schedule, augment : optional
        Required if `fit` was given samples to validate on, sample weights, or a function as
        schedule or for augmentation: a checkpoint does not hold these. It holds all other
        arguments.
    lengths : array-like of shape (samples,), optional
        Those that `fit` was given with x.
    rows : array, or one a member, optional
        Those that the `fit` of a population was given.
    fitness : callable, optional
        The function that `evolve` was given: required for the checkpoint of an evolution.
    generations : int, optional
        Of an evolution, as `epochs`.
    callbacks : callback or sequence of callbacks, default=()
        As in `fit`.
    progress : bool, optional
        As in `fit`.
    time_limit : float, optional
        Seconds for the rest of the run, as in `fit`.
    communicator : mpi4py.MPI.Intracomm, optional
        For a run in shards, any number of ranks, or none: the samples that they give together are
        those that `fit` was given, in this order. For a population or an evolution, too, with or
        without one before; all ranks give the same samples. All of them read the file. A run with
        `average_every` needs as many ranks as it had.

    Returns
    -------
    neural_network, History
        Or a population and its history (of `fit`, or of `evolve`). The history includes the earlier
        epochs.

    Raises
    ------
    foxnn.FileFormatError
        If the file is not a checkpoint.
    ValueError, TypeError
        If something that must be given again is missing, or something is given that `fit` was
        not given; if `epochs` is below those done; and as for `fit`.

    Examples
    --------
    >>> import os, tempfile, foxnn
    >>> x, y = [[0.0], [1.0], [2.0]], [[1.0], [3.0], [5.0]]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "run.safetensors")
    ...     nn = foxnn.neural_network([1, 4, 1], "tanh", "identity", seed=1)
    ...     stop = lambda epoch, logs: epoch == 2  # as if the machine had failed
    ...     history = nn.fit(x, y, epochs=5, checkpoint=path, callbacks=stop)
    ...     nn, history = foxnn.resume(path, x, y)
    ...     nn, longer = foxnn.resume(path, x, y, epochs=8)
    >>> len(history["loss"]), len(longer["loss"])
    (5, 8)
    """
    with joined(communicator) as ranks:  # who hear of what is refused on one of them
        if others:
            raise unknown("resume", others)
        path = paths.path_of(name_file, "name_file")
        wait_for_all()
        if ranks is not ALONE:
            refuse_different(ranks, described_file(path))
        shown = {"callbacks": callbacks, "progress": progress, "time_limit": time_limit}
        if fitness is not None:
            left_out = {
                "x": x, "y": y, "epochs": epochs, "validation": validation,
                "sample_weight": sample_weight, "schedule": schedule, "augment": augment,
                "lengths": lengths, "rows": rows,
            }  # fmt: skip
            return _evolution(path, fitness, generations, left_out, shown, ranks)
        if generations is not None:
            raise ValueError("generations must be left out without fitness: fit has epochs")
        if x is None or y is None:
            raise TypeError("resume must be given x and y, or for an evolution fitness")
        again = {
            "validation": validation, "sample_weight": sample_weight, "schedule": schedule,
            "augment": augment, "rows": rows,
        }  # fmt: skip
        kind = _population if is_population(path) else _network
        return kind(path, x, y, epochs, again, shown | {"lengths": lengths}, ranks)


def _population(
    path: str, x: Any, y: Any, epochs: int | None, again: dict[str, Any], shown: dict[str, Any],
    ranks: Ranks,
) -> tuple[Any, Any]:  # fmt: skip
    from foxnn.populations.resuming import resumed  # late: few checkpoints are of populations

    if again.pop("augment") is not None:
        raise ValueError("augment must be left out for a population")
    return resumed(path, x, y, epochs, again, shown, ranks)


def _network(
    path: str, x: Any, y: Any, epochs: int | None, given_again: dict[str, Any],
    shown: dict[str, Any], ranks: Ranks,
) -> tuple[Any, Any]:  # fmt: skip
    if given_again.pop("rows") is not None:
        raise ValueError("rows must be left out for a network: they are for a population")
    _, told, start = checkpoint.read(path)
    network = neural_network(path)
    if ranks is not ALONE and told.get("shards") is None:
        raise ValueError("communicator must be left out for a run without shards")
    _refuse_other_ranks(told, ranks)
    notes = {"validation": "given", "sample_weight": "given"}
    again = {
        name: (value, told.get(name) == notes.get(name, "function"))
        for name, value in given_again.items()
    }
    if epochs is not None:
        done = start.epochs + (start.running is not None)  # an epoch that has begun is ended
        told["epochs"] = checks.integer(epochs, "epochs", max(1, done))
    for name, (value, is_needed) in again.items():
        if is_needed and value is None:
            raise ValueError(f"{name} must be given again, as it was to fit")
        if not is_needed and value is not None:
            raise ValueError(
                f"{name} must be left out: the checkpoint holds it, got {checks.shown(value)}"
            )
    try:
        given = _arguments(told, path, again, shown)
    except (LookupError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise FileFormatError(f"{path}: expected the arguments of fit: {error}") from None
    return network, fitted(network, x, y, given, start, ranks)


def _refuse_other_ranks(told: dict[str, Any], ranks: Ranks) -> None:
    """Refuse another number of ranks for a run whose result depends on it."""
    before, now = told.get("ranks"), None if ranks is ALONE else ranks.size
    if before is not None and now != before:
        raise ValueError(
            f"communicator must have {before} rank{'s' * (before != 1)}, as the run had: with "
            f"average_every its result depends on them; got {now}"
        )


def _evolution(
    path: str,
    fitness: Any,
    generations: int | None,
    left_out: dict[str, Any],
    shown: dict[str, Any],
    ranks: Ranks,
) -> tuple[Any, Any]:
    for name, value in left_out.items():
        if value is not None:
            raise ValueError(
                f"{name} must be left out for an evolution, which fitness stands for, got "
                f"{checks.shown(value)}"
            )
    from foxnn.populations.evolution_resuming import resumed  # late: few are of evolutions
    from foxnn.populations.population import population

    return resumed(path, fitness, generations, shown, population.__new__(population), ranks)


def _arguments(
    told: dict[str, Any],
    path: str,
    again: dict[str, tuple[Any, bool]],
    shown: dict[str, Any],
) -> FitArguments:
    """Return the arguments of `fit`: those that a checkpoint holds and those given again."""
    rule, weight, rates = told["early_stopping"], told["class_weight"], told["dropout"]
    given = {name: value for name, (value, is_needed) in again.items() if is_needed}
    return FitArguments(
        epochs=told["epochs"],
        batch_size=told["batch_size"],
        optimizer=plain_options.optimizer_from(told["optimizer"]),
        learning_rate=told["learning_rate"],
        validation=given.get("validation", told["validation"]),
        early_stopping=None if rule is None else EarlyStopping(**rule),
        schedule=given["schedule"] if "schedule" in given else _schedule(told),
        l1=told["l1"],
        l2=told["l2"],
        dropout=rates[0] if told["one_dropout"] else rates,
        sample_weight=given.get("sample_weight"),
        class_weight=dict(weight) if isinstance(weight, list) else weight,
        callbacks=shown["callbacks"],
        shuffle=told["shuffle"],
        progress=shown["progress"],
        time_limit=shown["time_limit"],
        scale=None,
        clip_norm=told["clip_norm"],
        clip_value=told["clip_value"],
        checkpoint=path,
        checkpoint_every=plain_options.every_from(told["checkpoint_every"]),
        # Checkpoints of 0.1.0 have none, nor what follows.
        augment=given["augment"]
        if "augment" in given
        else plain_options.augment_from(told.get("augment", [])),
        lengths=shown["lengths"],
        truncate=told.get("truncate"),
        label_smoothing=told.get("label_smoothing", 0.0),
        check_loss=told.get("check_loss", True),
        shards=told.get("shards"),
        communicator=None,
        average_every=told.get("average_every"),
    )


def _schedule(told: dict[str, Any]) -> Any:
    return plain_options.schedule_from(told["schedule"])
