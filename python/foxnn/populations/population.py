"""Many networks of the same layers, made, asked and trained in one call."""

from __future__ import annotations

import datetime
import os
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, cast, overload

from numpy.typing import ArrayLike

from foxnn import _core, checks
from foxnn.checks import Array, SamplesLike
from foxnn.checks.keywords import answers, telling, unknown
from foxnn.checks.unpickling import attributes
from foxnn.layers import ActivationLike
from foxnn.layers.summary import size_in_words
from foxnn.model import state
from foxnn.model.losses import LossLike
from foxnn.model.settings import Settings, values_of
from foxnn.network import neural_network
from foxnn.populations.answers import AnsweringPopulation, parameters_from
from foxnn.populations.history import PopulationHistory
from foxnn.populations.members import (
    MOST_MEMBERS,
    check_room,
    check_same,
    copies_of,
    is_number,
    is_usual,
    refuse_beside,
)
from foxnn.support.html import escaped
from foxnn.training.kinds import (
    ClassWeightLike,
    EarlyStoppingLike,
    OptimizerLike,
    ScaleLike,
    ScheduleLike,
    ValidationLike,
)

if TYPE_CHECKING:
    from foxnn.evolution import EvolutionHistory
    from foxnn.evolution.rule import Rule


class population(AnsweringPopulation):
    """Many networks of the same layers, which are asked and trained in one call.

    A member has the very bits that it would have alone, on any number of threads.

    Parameters
    ----------
    count : int, sequence of neural_network, str or path
        The number of members; or networks of the same layers, which are copied; or the name of a
        `.safetensors` file that `save` has written.
    sizes : sequence
        The layers of each member, as in `neural_network`; only if `count` is a number.
    activation, output_activation, loss, init, dtype
        As in `neural_network`; a loss that is a function is for one network.
    seed : int, optional
        Member i has the seed ``seed + i``. By default different ones each time.

    Raises
    ------
    ValueError, TypeError
        As `neural_network`, and for networks of different layers.
    MemoryError
        If the members would not fit in the memory; it is not tried.
    foxnn.FileFormatError
        For a file that is not one of a population.

    Examples
    --------
    >>> import foxnn
    >>> pop = foxnn.population(256, [4, 16, 2], activation="tanh", seed=0)
    >>> len(pop), pop[3].seed, pop.parameters.shape
    (256, 3, (256, 114))
    """

    @answers("population")
    def __init__(
        self,
        count: int | Sequence[neural_network] | str | os.PathLike[str],
        sizes: Sequence[Any] | None = None,
        activation: ActivationLike | Sequence[ActivationLike] = "sigmoid",
        output_activation: ActivationLike | None = None,
        loss: LossLike | None = None,
        init: str = "auto",
        dtype: str | None = None,
        seed: int | None = None,
        **others: NoReturn,
    ) -> None:
        if others:
            raise unknown("population", others)
        self._refuse_second_making()
        told = {
            "sizes": sizes is not None, "activation": not is_usual(activation, "sigmoid"),
            "output_activation": output_activation is not None, "loss": loss is not None,
            "init": not is_usual(init, "auto"), "dtype": dtype is not None,
            "seed": seed is not None,
        }  # fmt: skip
        if isinstance(count, str | os.PathLike):
            refuse_beside("a file", told)
            from foxnn.populations import files  # late: most populations are made

            self._adopt(*files.load(count))
            return
        if isinstance(count, AnsweringPopulation) or not is_number(count):
            members = copies_of(count)
            refuse_beside("networks", told)
            self._adopt(members)
            return
        wanted = checks.integer(count, "count", 1, MOST_MEMBERS)
        if sizes is None:
            raise TypeError(
                "count must be networks or the name of a file where sizes are missing, got "
                f"{checks.shown(count)}"
            )
        first = checks.seed(seed)
        made: list[neural_network] = []
        for i in range(wanted):
            own = (first + i) % 2**64
            made.append(
                neural_network(sizes, activation, output_activation, loss, init, dtype, own)
            )
            if i == 0:
                check_room(made[0], wanted)
        self._adopt(made)

    def _adopt(
        self, members: list[neural_network], settings: Mapping[str, Any] | None = None
    ) -> None:
        """Become the population of these networks, which nothing else holds."""
        loss: object = members[0].loss
        if callable(loss):
            raise TypeError(
                "loss must be the name of a loss for a population, got a function, "
                f"{checks.shown(loss)}: such a loss is asked for one network at a time"
            )
        self._engine = _core.Population(cast("list[_core.Network]", list(members)))
        self._members = members
        self._settings = Settings(_summation_of(self))
        state.set_settings(
            self._settings, values_of(members[0].settings) if settings is None else settings
        )
        self._history: PopulationHistory | None = None

    def _set_summation(self, is_sorted: bool) -> None:
        for member in self._members:
            member._set_sorted_summation(is_sorted)
        self._renew()

    def _renew(self) -> None:
        """Let the engine see what has changed beside parameters."""
        self._engine = _core.Population(cast("list[_core.Network]", list(self._members)))

    def _engine_of(self, some: range) -> _core.Population | None:
        """Return the engine's population of some members themselves; None of none."""
        if len(some) == len(self._members):
            return self._engine
        members = self._members[some.start : some.stop]
        return _core.Population(cast("list[_core.Network]", members)) if members else None

    def _part(self, some: range) -> population | None:
        """Return a population of some members themselves, not of copies; None of none."""
        members = self._members[some.start : some.stop]
        if not members:
            return None
        made = type(self).__new__(type(self))
        made._adopt(members, values_of(self._settings))
        made.__dict__.update(self._attributes())
        return made

    def _attributes(self) -> dict[str, Any]:
        """Return the attributes that the user has set."""
        return {k: v for k, v in self.__dict__.items() if k not in _OWN}

    # What it is made of.

    @overload
    def __getitem__(self, i: int) -> neural_network: ...
    @overload
    def __getitem__(self, i: slice) -> population: ...
    def __getitem__(self, i: int | slice) -> neural_network | population:
        """Return a copy of a member, or a population of copies of some."""
        if isinstance(i, slice):
            some = self._members[i]
            if not some:
                raise ValueError(
                    f"a population needs at least one member, got none of {len(self)} by {i}"
                )
            return self._of(some)
        return self._copy_of(self._members[checks.position(i, "i", len(self), "a member")])

    def __setitem__(self, i: int, network: neural_network) -> None:
        place = checks.position(i, "i", len(self), "a member")
        self._engine.refuse_changes()
        added = copies_of([network], "network")[0]
        check_same(self._members[0], added, "network", "the members")
        members = [*self._members]
        members[place] = added
        self._engine = _core.Population(cast("list[_core.Network]", list(members)))
        added._set_sorted_summation(self._settings.correct_summation)
        self._members = members

    def __iter__(self) -> Iterator[neural_network]:
        return (self._copy_of(member) for member in self._members)

    def _copy_of(self, member: neural_network) -> neural_network:
        made = member._twin()
        state.set_settings(made.settings, values_of(self._settings))
        return made

    def _of(self, members: Sequence[neural_network]) -> population:
        """Return a population of copies of members."""
        made = type(self).__new__(type(self))
        made._adopt([member._twin() for member in members], values_of(self._settings))
        return made

    @property
    def dtype(self) -> str:
        """The type of the parameters: "float32" or "float64"."""
        return self._members[0].dtype

    @property
    def loss(self) -> LossLike:
        """The loss, as it was given."""
        return self._members[0].loss

    @property
    def sizes(self) -> list[int]:
        """The number of inputs of each member, and then the neurons of each layer."""
        return self._members[0].sizes

    @property
    def seeds(self) -> list[int]:
        """The seed of each member."""
        return [member.seed for member in self._members]

    @property
    def parameters(self) -> Array:
        """All weights and biases, of shape (members, n): a copy is read, an array is set.

        Layer by layer and array by array, in the order of `nn[i].arrays`, each as ``reshape(-1)``
        gives it. The running means of `foxnn.BatchNorm` are not among them.

        Examples
        --------
        >>> import foxnn
        >>> pop = foxnn.population(2, [3, 1], init="zeros")
        >>> pop.parameters = pop.parameters + [[1.0], [2.0]]
        >>> pop[1][0].weights.ravel().tolist(), pop[1][0].bias.tolist()
        ([2.0, 2.0, 2.0], [2.0])
        """
        return self._engine.parameters(self._settings.n_threads)

    @parameters.setter
    def parameters(self, values: ArrayLike) -> None:
        shape = (len(self), self._engine.parameter_count())
        checked = parameters_from(values, shape, self.dtype == "float32")
        self._engine.set_parameters(checked, self._settings.n_threads)

    @property
    def history(self) -> PopulationHistory | None:
        """The history of the last `fit`, even of one that was interrupted; None before any.

        Examples
        --------
        >>> import foxnn
        >>> pop = foxnn.population(3, [1, 1], seed=0)
        >>> history = pop.fit([[0.0], [1.0]], [[0.0], [1.0]], epochs=2)
        >>> pop.history["loss"].shape
        (3, 2)
        """
        return self._history

    def reset_optimizer(self) -> None:
        """Forget the moments of all members' optimizers: the next training starts them at zero."""
        self._engine.refuse_changes()
        for member in self._members:
            member.reset_optimizer()

    def save(self, name_file: str | os.PathLike[str]) -> None:
        """Write the population to a `.safetensors` file, which `foxnn.population` reads.

        It holds everything, including optimizers and random states, so training continues bit for
        bit. If anything goes wrong, an earlier file is unchanged.

        Raises
        ------
        ValueError
            For another ending.
        OSError
            If the file cannot be written.
        RuntimeError
            While another thread trains the population.

        Examples
        --------
        >>> import os, tempfile, foxnn
        >>> pop = foxnn.population(4, [2, 3, 1], seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "pop.safetensors")
        ...     pop.save(path)
        ...     again = foxnn.population(path)
        >>> bool((again.parameters == pop.parameters).all())
        True
        """
        from foxnn.populations import files  # late: few populations are saved

        files.save(self, name_file)

    # Training.

    @telling()
    @answers("population.fit")
    def fit(
        self,
        x: SamplesLike,
        y: ArrayLike,
        epochs: int = 10,
        batch_size: int = 32,
        optimizer: OptimizerLike | Sequence[OptimizerLike] = "adam",
        learning_rate: float | ArrayLike = 1e-3,
        validation: ValidationLike | None = None,
        early_stopping: EarlyStoppingLike | Sequence[EarlyStoppingLike] | None = None,
        schedule: ScheduleLike | None = None,
        l1: float | ArrayLike = 0.0,
        l2: float | ArrayLike = 0.0,
        dropout: float | ArrayLike = 0.0,
        sample_weight: ArrayLike | None = None,
        class_weight: ClassWeightLike | None = None,
        callbacks: object = (),
        shuffle: bool = True,
        progress: bool | None = None,
        time_limit: float | None = None,
        *,
        rows: ArrayLike | Sequence[ArrayLike] | None = None,
        scale: ScaleLike | None = None,
        clip_norm: float | ArrayLike | None = None,
        clip_value: float | ArrayLike | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int | datetime.timedelta = 1,
        augment: None = None,
        lengths: ArrayLike | None = None,
        truncate: None = None,
        label_smoothing: float = 0.0,
        communicator: Any = None,
        **others: NoReturn,
    ) -> PopulationHistory:
        """Train all members, each as `neural_network.fit` would alone, to the last bit.

        Each member is trained by one thread, and so many members at once as there are threads.

        Parameters
        ----------
        x, y
            The samples, as in `neural_network.fit`; all members share them.
        epochs, batch_size
            As in `neural_network.fit`, the same for all members.
        optimizer : str or an optimizer, or one a member, default="adam"
            Those of the members may differ in their constants.
        learning_rate : float, or one a member, default=1e-3
        validation : float or tuple, optional
            Separate samples are the same for all; a share is drawn for each member from the rows
            that it sees.
        early_stopping : int or foxnn.EarlyStopping, or one a member, optional
            A member that has ended takes no more time; the others are trained on.
        schedule : one of foxnn.schedules, or callable, optional
            As in `neural_network.fit`; one of foxnn.schedules scales each member's rate.
        l1, l2 : float, or one a member, default=0.0
        dropout : float, or one a member, default=0.0
            In a sequence, the item of a member is a number for all of its hidden layers, or a list
            with one for each.
        sample_weight : array-like of shape (samples,) or (members, samples), optional
            A row for each member: its own weights.
        class_weight : dict or "balanced", optional
            As in `neural_network.fit`, the same for all members.
        callbacks : callback or sequence of callbacks, default=()
            As in `neural_network.fit`, without on_batch_end. In `logs`, numbers are arrays with one
            a member, NaN for those that have ended; on_train_begin gets the population.
        shuffle, progress
            As in `neural_network.fit`, the same for all members.
        time_limit : float, optional
            Seconds after which training ends; members may then have made different numbers of
            steps.
        rows : array of indices or truth values, or one a member, optional
            Which samples the members see, in this order, as ``x[rows]`` would have them: for folds,
            and with repeated indices for bootstraps. None in a list: all of them. The samples are
            not copied.
        scale : str, foxnn.Scaler or pair of them, optional
            As in `neural_network.fit`. Scalers are those of the samples that a member is trained
            on.
        clip_norm, clip_value : float, or one a member, optional
        checkpoint, checkpoint_every
            As in `neural_network.fit`: `foxnn.resume` continues the run of all members.
        augment : None
            Only for `neural_network.fit`.
        lengths : array-like of shape (samples,), optional
            Of padded sequences, as in `neural_network.fit`.
        truncate : None
            Only for `neural_network.fit`.
        label_smoothing : float, default=0.0
            As in `neural_network.fit`, the same for all members.
        communicator : mpi4py.MPI.Intracomm, optional
            Trains on several processes, each of which has the same population and calls `fit`
            alike, with the same samples (see the page Several machines of the wiki). The members
            are divided between them, and all end with the population and history that one process
            would have. Rank 0 shows the bar and writes the checkpoint; a stop on one rank is one on
            all.

        Returns
        -------
        PopulationHistory
            As of `neural_network.fit`, but arrays of shape (members, epochs).

        Raises
        ------
        ValueError, TypeError
            For arguments out of range or data that do not fit, and for other numbers of values than
            there are members; the population is left unchanged.
        foxnn.DivergedError
            If members have diverged, whose numbers are its `members`. It is raised at the end: a
            member that diverges ends with its last finite weights, those from the start of its
            epoch, and the others are trained on.
        foxnn.RankError
            When another rank of the communicator has ended with an exception. Members of other
            ranks are then as at the beginning, or as callbacks have last seen them.
        KeyboardInterrupt
            On Ctrl-C, after the current step of each member. Every member is whole, at the epoch
            and step that it had reached.

        Examples
        --------
        >>> import foxnn
        >>> import numpy as np
        >>> x = np.linspace(-1, 1, 60).reshape(-1, 1)
        >>> pop = foxnn.population(4, [1, 8, 1], "tanh", "identity", seed=1)
        >>> history = pop.fit(x, x * x, epochs=300, learning_rate=[0.1, 0.05, 0.02, 0.01])
        >>> int(history["loss"][:, -1].argmin())
        1
        """
        if others:
            raise self._refused_on(communicator, unknown("population.fit", others))
        from foxnn.populations.fitting import fitted
        from foxnn.populations.per_member import USUAL
        from foxnn.training.options import FitArguments

        told = {
            "epochs": epochs, "batch_size": batch_size, "optimizer": optimizer,
            "learning_rate": learning_rate, "validation": validation,
            "early_stopping": early_stopping, "schedule": schedule, "l1": l1, "l2": l2,
            "dropout": dropout, "sample_weight": sample_weight, "class_weight": class_weight,
            "callbacks": callbacks, "shuffle": shuffle, "progress": progress,
            "time_limit": time_limit, "scale": scale, "clip_norm": clip_norm,
            "clip_value": clip_value, "checkpoint": checkpoint,
            "checkpoint_every": checkpoint_every, "augment": augment, "lengths": lengths,
            "truncate": truncate, "label_smoothing": label_smoothing,
            "communicator": communicator,
        }  # fmt: skip
        given = FitArguments(**USUAL | told)
        return fitted(self, x, y, given, rows)

    @telling()
    @answers("population.evolve")
    def evolve(
        self,
        fitness: Callable[[Any], ArrayLike],
        generations: int = 100,
        rule: Rule | None = None,
        *,
        target: float | None = None,
        callbacks: object = (),
        progress: bool | None = None,
        time_limit: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_every: int | datetime.timedelta = 1,
        communicator: Any = None,
        **others: NoReturn,
    ) -> EvolutionHistory:
        """Let the members evolve: score them, and let a rule make the next generation from them.

        Everything random depends on one seed, that of the rule: with a fitness function that always
        gives the same scores, so does everything else, on any number of threads.

        Parameters
        ----------
        fitness : callable
            It gets the population, and returns a score for each member, (members,). Larger is
            better. It must leave the parameters as they are.
        generations : int, default=100
            How many to make, after those that the rule has made before.
        rule : one of foxnn.evolution, optional
            By default ``foxnn.evolution.Genetic()``.
        target : float, optional
            The evolution ends with the first generation whose best score reaches it.
        callbacks : callback or sequence of callbacks, default=()
            As in `fit`, a generation in place of an epoch. `logs` has best, mean, seconds and
            scores.
        progress : bool, optional
            As in `fit`.
        time_limit : float, optional
            Seconds after which no generation is begun.
        checkpoint, checkpoint_every
            As in `fit`, a generation in place of an epoch: ``foxnn.resume(checkpoint,
            fitness=fitness)`` continues.
        communicator : mpi4py.MPI.Intracomm, optional
            Evolves on several processes, each of which has the same population and rule and calls
            `evolve` alike (see the page Several machines of the wiki). On each, `fitness` gets a
            population of some of the members, and returns their scores; all end as one process
            would, if the score of a member does not depend on which others are beside it.

        Returns
        -------
        foxnn.evolution.EvolutionHistory
            That of the rule, earlier generations included. The members are the last generation, as
            they were scored; ``rule.best(pop)`` is what the rule has found.

        Raises
        ------
        ValueError, TypeError
            For wrong arguments, and for scores of another shape, NaN or an infinity.
        RuntimeError
            While another thread trains the population.
        foxnn.RankError
            When another rank of the communicator has ended with an exception.

        Notes
        -----
        If `fitness` raises an exception, or on Ctrl-C, population and rule are those of the last
        generation that was scored, and `evolve` with the same rule goes on from there.

        Examples
        --------
        >>> import numpy as np, foxnn
        >>> x = np.linspace(-1, 1, 20).reshape(-1, 1)
        >>> pop = foxnn.population(64, [1, 6, 1], "tanh", "identity", seed=1)
        >>> fitness = lambda pop: -((pop.get_out(x) - x**2) ** 2).mean(axis=(1, 2))
        >>> rule = foxnn.evolution.EvolutionStrategy()
        >>> history = pop.evolve(fitness, 100, rule)
        >>> nn = rule.best(pop)
        >>> bool(nn.evaluate(x, x**2)["loss"] < 0.005)
        True
        """
        if others:
            raise self._refused_on(communicator, unknown("population.evolve", others))
        from foxnn.populations.evolving import EvolveArguments, evolved

        return evolved(
            self,
            EvolveArguments(
                fitness, generations, rule, target, callbacks, progress, time_limit, checkpoint,
                checkpoint_every,
            ),
            communicator,
        )  # fmt: skip

    # How it shows itself.

    def __repr__(self) -> str:
        if "_members" not in self.__dict__:  # a traceback may show one whose making was refused
            return f"<{type(self).__name__}, not made>"
        return f"population({len(self)}, {self._members[0]!r}, ...)"

    def summary(self) -> None:
        """Print the number of members, and the layers of each.

        Examples
        --------
        >>> import foxnn
        >>> foxnn.population(100, [4, 16, 2], activation="tanh", seed=0).summary()
        100 members, 114 parameters each, 11,400 together (45.6 kB)
        layer    kind          output  parameters  trainable
        input                  (4,)
        dense_0  Dense, tan_h  (16,)           80  yes
        dense_1  Dense, tan_h  (2,)            34  yes
        parameters: 114 (456 bytes)
        trainable: 114
        not trainable: 0
        """
        print(self._said())
        self._members[0].summary()

    def _said(self) -> str:
        each = self._engine.parameter_count()
        size = each * len(self) * (4 if self.dtype == "float32" else 8)
        return (
            f"{len(self):,} members, {each:,} parameters each, {each * len(self):,} together "
            f"({size_in_words(size)})"
        )

    def _repr_html_(self) -> str:
        """Return what notebooks show: the number of members, and the layers of each."""
        if "_members" not in self.__dict__:
            return escaped(repr(self))
        return f"<p>{escaped(self._said())}</p>\n{self._members[0]._repr_html_()}"

    # Pickles and copies.

    def __reduce__(self) -> tuple[Any, ...]:
        from foxnn.populations.state import state_of

        own = {k: v for k, v in self.__dict__.items() if k not in _OWN}
        return _unpickled, (type(self), state_of(self._members, values_of(self._settings))), own

    def __getstate__(self) -> dict[str, Any]:
        """Return the complete state, for libraries that do not use `__reduce__`."""
        from foxnn.populations.state import state_of

        own = {k: v for k, v in self.__dict__.items() if k not in _OWN}
        return {_STATE: state_of(self._members, values_of(self._settings)), **own}

    def __setstate__(self, own: object) -> None:
        given = dict(attributes(own, type(self)))
        if wrong := _OWN & given.keys():
            raise ValueError(f"{min(wrong)} belongs in the population's own state")
        if _STATE in given:
            from foxnn.populations.state import members_from

            self._refuse_second_making()
            self._adopt(*members_from(given.pop(_STATE)))
        self.__dict__.update(given)

    def _refuse_second_making(self) -> None:
        if "_members" in self.__dict__:
            raise TypeError("the population is made already; make another one for other members")

    if not TYPE_CHECKING:  # type checkers must not take any name for one of the population's

        def __getattr__(self, name: str) -> NoReturn:
            if name in _OWN:
                raise TypeError("the population has not been made by its constructor")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


_OWN = frozenset({"_engine", "_members", "_settings", "_history"})
# Where a state holds what the population itself is; pickles have it beside the state.
_STATE = "foxnn.population"


def _unpickled(cls: type[population], given: Mapping[str, Any]) -> population:
    """Make a population again from its state: for copies and pickles."""
    from foxnn.populations.state import members_from

    made = cls.__new__(cls)
    made._adopt(*members_from(given))
    return made


def _summation_of(pop: population) -> Callable[[bool], None]:
    # Weak: settings and population would otherwise form a cycle, which outlives its last user.
    there = weakref.ref(pop)

    def set_summation(is_sorted: bool) -> None:
        if (found := there()) is not None:
            found._set_summation(is_sorted)

    return set_summation
