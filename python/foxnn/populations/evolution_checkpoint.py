"""Checkpoints of an evolution: the population of the last generation, its rule, and its records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foxnn import checks
from foxnn.evolution import CMA, EvolutionStrategy, Genetic
from foxnn.evolution.rule import Rule, plain
from foxnn.formats import population_file
from foxnn.model.settings import values_of
from foxnn.populations.state import state_of
from foxnn.training.checkpoint import Checkpoints

if TYPE_CHECKING:
    from foxnn.populations.population import population

#: What a file may hold, by name.
RULES: dict[str, type[Rule]] = {kind.__name__: kind for kind in (Genetic, EvolutionStrategy, CMA)}


def check(rule: Rule) -> None:
    """Refuse a rule that a file cannot hold."""
    if type(rule) is not RULES.get(type(rule).__name__):
        raise ValueError(
            f"checkpoint must be None for a rule of one's own, got {checks.shown(rule)}: files "
            f"hold {', '.join(RULES)}"
        )


def write(pop: population, rule: Rule, checkpoints: Checkpoints) -> None:
    """Start writing a checkpoint after a generation that has been scored."""
    checkpoints.wait()
    whole = state_of(pop._members, values_of(pop.settings))
    run = {"evolution": {"arguments": checkpoints.told(), "rule": plain(rule)}}
    checkpoints.start(lambda: population_file.write(checkpoints.place, whole, run))
