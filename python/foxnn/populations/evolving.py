"""The loop over the generations of an evolution: ask a rule, call fitness, tell the scores."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.evolution import EvolutionHistory, Genetic
from foxnn.evolution.history import took
from foxnn.evolution.rule import Rule, checked_scores, has_exact_bits, learnt, seconds_of
from foxnn.populations.together import described_checkpoint, described_members
from foxnn.training.agreement import hash_of, refuse_different
from foxnn.training.arguments import checked_every, checked_time_limit
from foxnn.training.callbacks import Callbacks
from foxnn.training.checkpoint import Checkpoints
from foxnn.training.epochs import Course
from foxnn.training.joining import joined
from foxnn.training.progress import Progress, is_wanted
from foxnn.training.ranks import ALONE, Ranks

if TYPE_CHECKING:
    from foxnn.populations.population import population


@dataclass(frozen=True)
class EvolveArguments:
    """The arguments of `evolve`, as they were given."""

    fitness: Any
    generations: Any
    rule: Any = None
    target: Any = None
    callbacks: Any = ()
    progress: Any = None
    time_limit: Any = None
    checkpoint: Any = None
    checkpoint_every: int | datetime.timedelta = 1


class Evolution(Course):
    """One evolution of a population: its arguments, checked, and its progress.

    On several ranks, all of them have all candidates, and each scores its share of them.
    """

    def __init__(
        self, pop: population, given: EvolveArguments, generations: range, ranks: Ranks = ALONE
    ) -> None:
        if not callable(given.fitness) or isinstance(given.fitness, type):
            raise TypeError(
                "fitness must be a function that takes the population, got "
                f"{checks.shown(given.fitness)}"
            )
        self._fitness: Callable[[Any], Any] = given.fitness
        self.rule: Rule = Genetic() if given.rule is None else given.rule
        if not isinstance(self.rule, Rule):
            raise TypeError(
                "rule must be one of foxnn.evolution, such as foxnn.evolution.Genetic(), got "
                f"{checks.shown(given.rule)}"
            )
        self._target = None if given.target is None else checks.real(given.target, "target")
        callbacks = Callbacks(given.callbacks)
        if callbacks.wants("on_batch_end"):
            raise ValueError(
                "callbacks must not have on_batch_end: an evolution has generations alone"
            )
        self._shows_progress = is_wanted(given.progress)
        time_limit = checked_time_limit(given.time_limit)
        every = checked_every(given.checkpoint_every)
        pop._engine.refuse_changes()
        if ranks is not ALONE:
            self._refuse_different(pop, given, generations, ranks)
        checkpoints = None
        if given.checkpoint is not None:
            from foxnn.populations import evolution_checkpoint  # late: few evolutions have any

            evolution_checkpoint.check(self.rule)
            if ranks.speaks:
                checkpoints = Checkpoints(pop._members[0], given.checkpoint, every)
                checkpoints.arguments = {"generations": generations.stop, "target": self._target}
            self._write = evolution_checkpoint.write
        super().__init__(generations, callbacks, checkpoints, time_limit)
        self._shows_progress = self._shows_progress and ranks.speaks
        self._pop, self._ranks = pop, ranks
        self._wanted = "fitness must return"
        if ranks is not ALONE:
            self._wanted = f"on rank {ranks.rank} of {ranks.size}, fitness must return"
        self._scored: population | None = pop  # None where there is no member
        self._seen: tuple[Any, dict[str, Any]] = (None, {})  # what it was made of

    def _refuse_different(
        self, pop: population, given: EvolveArguments, generations: range, ranks: Ranks
    ) -> None:
        """Raise ValueError on all ranks alike unless they would evolve the same population."""
        rule = learnt(self.rule)
        hashed = hash_of(rule.pop("what rule has learnt"))
        refuse_different(
            ranks,
            {
                **described_members(pop._members),
                **rule,
                "what rule has learnt (by its hash)": hashed,
                "generations": len(generations),
                "target": self._target,
                **described_checkpoint(given.checkpoint, given.checkpoint_every),
            },
        )

    def run(self) -> EvolutionHistory:
        """Make all generations, or those until something ends the run."""
        with Progress(len(self._epochs), self._shows_progress, "generation") as self._bar:
            self._all_epochs()
        return self.rule.history

    def _begin(self) -> None:
        self._stops = self._ranks.any(self._callbacks.call("on_train_begin", self._pop))
        self._is_new = False

    def _finish(self) -> None:
        self._callbacks.call("on_train_end", self.rule.history)

    def _train_epoch(self, epoch: int) -> bool:
        pop, rule = self._pop, self.rule
        kept = pop.parameters
        reached = rule.generation
        try:
            self._ask()
            own = self._scores()
            told = self._ranks.gathered((own, seconds_of(rule)))
            parts, times = zip(*told, strict=True)
            scores = np.concatenate(parts)
            rule.tell(scores)
            if self._ranks is not ALONE:
                took(rule.history, times[0])
        except BaseException:
            if rule.generation == reached:  # not told
                pop.parameters = kept
            raise
        self._is_new = True
        record = {name: float(values[-1]) for name, values in rule.history.items()}
        seconds = record["seconds"]
        self._bar.update(
            {name: record[name] for name in ("best", "mean")}, len(pop) / max(seconds, 1e-9)
        )
        if self._callbacks.call("on_epoch_end", epoch, {**record, "scores": scores.copy()}):
            self._stops = True
        if self._target is not None and record["best"] >= self._target:
            self._stops = True
        self._stop_if_over()
        self._stops = self._ranks.any(self._stops)
        return True

    def _ask(self) -> None:
        """Make the members the candidates of the next generation, on all ranks alike."""
        pop, ranks = self._pop, self._ranks
        if ranks is ALONE:
            self.rule.ask(pop)
            return
        wanted = pop.settings.n_threads
        pop.settings.n_threads = ranks.threads(wanted)
        try:
            self.rule.ask(pop)
        finally:
            pop.settings.n_threads = wanted
        if not has_exact_bits(self.rule):
            name = f"the candidates of generation {self.rule.generation} (by their hash)"
            refuse_different(ranks, {name: hash_of(pop.parameters)})

    def _scores(self) -> Array:
        """Return the scores of the members that this process scores."""
        pop = self._asked()
        if pop is None:
            return np.zeros(0)
        asked = pop.parameters
        scores = checked_scores(self._fitness(pop), len(pop), self._wanted)
        if not np.array_equal(pop.parameters, asked):
            raise ValueError(
                "fitness must leave the members as they are, but it has changed their parameters"
            )
        return scores

    def _asked(self) -> population | None:
        """Return the members that this process scores, with what callbacks have changed."""
        pop, ranks = self._pop, self._ranks
        if ranks is ALONE:
            return pop
        members, before = self._seen
        now = pop._attributes()
        if members is not pop._members:
            self._scored = pop._part(ranks.share(len(pop)))
            if self._scored is not None:
                self._scored.settings.n_threads = ranks.threads(pop.settings.n_threads)
        elif self._scored is not None:
            new = {k: v for k, v in now.items() if k not in before or v is not before[k]}
            self._scored.__dict__.update(new)
        self._seen = pop._members, now
        return self._scored

    def _write_between_epochs(self, checkpoints: Checkpoints) -> None:
        self._write(self._pop, self.rule, checkpoints)

    def _write_within_epoch(self, checkpoints: Checkpoints) -> None:
        """There is nothing to keep of a generation that has no scores."""


def evolved(pop: population, given: EvolveArguments, communicator: Any = None) -> EvolutionHistory:
    """Evolve a population with these arguments."""
    with joined(communicator) as ranks:
        generations = checks.integer(given.generations, "generations", 1)
        done = given.rule.generation if isinstance(given.rule, Rule) else 0
        return Evolution(pop, given, range(done, done + generations), ranks).run()
