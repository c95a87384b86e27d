"""The loop over the generations of an evolution: ask a rule, call fitness, tell the scores."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from foxnn import checks
from foxnn.evolution import EvolutionHistory, Genetic
from foxnn.evolution.rule import Rule, checked_scores
from foxnn.training.arguments import checked_every, checked_time_limit
from foxnn.training.callbacks import Callbacks
from foxnn.training.checkpoint import Checkpoints
from foxnn.training.epochs import Course
from foxnn.training.progress import Progress, is_wanted

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
    """One evolution of a population: its arguments, checked, and its progress."""

    def __init__(self, pop: population, given: EvolveArguments, generations: range) -> None:
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
        checkpoints = None
        if given.checkpoint is not None:
            from foxnn.populations import evolution_checkpoint  # late: few evolutions have any

            evolution_checkpoint.check(self.rule)
            checkpoints = Checkpoints(pop._members[0], given.checkpoint, every)
            checkpoints.arguments = {"generations": generations.stop, "target": self._target}
            self._write = evolution_checkpoint.write
        super().__init__(generations, callbacks, checkpoints, time_limit)
        self._pop = pop

    def run(self) -> EvolutionHistory:
        """Make all generations, or those until something ends the run."""
        with Progress(len(self._epochs), self._shows_progress, "generation") as self._bar:
            for _ in self._each_epoch():
                pass
        return self.rule.history

    def _begin(self) -> None:
        self._stops = self._callbacks.call("on_train_begin", self._pop)
        self._is_new = False

    def _finish(self) -> None:
        self._callbacks.call("on_train_end", self.rule.history)

    def _train_epoch(self, epoch: int) -> bool:
        pop, rule = self._pop, self.rule
        kept = pop.parameters
        reached = rule.generation
        try:
            rule.ask(pop)
            asked = pop.parameters
            scores = checked_scores(self._fitness(pop), len(pop), "fitness must return")
            if not np.array_equal(pop.parameters, asked):
                raise ValueError(
                    "fitness must leave the members as they are, but it has changed their "
                    "parameters"
                )
            rule.tell(scores)
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
        return True

    def _write_between_epochs(self, checkpoints: Checkpoints) -> None:
        self._write(self._pop, self.rule, checkpoints)

    def _write_within_epoch(self, checkpoints: Checkpoints) -> None:
        """There is nothing to keep of a generation that has no scores."""


def evolved(pop: population, given: EvolveArguments) -> EvolutionHistory:
    """Evolve a population with these arguments."""
    generations = checks.integer(given.generations, "generations", 1)
    done = given.rule.generation if isinstance(given.rule, Rule) else 0
    return Evolution(pop, given, range(done, done + generations)).run()
