"""Continues an evolution from its checkpoint, as if it had never stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foxnn import checks
from foxnn.evolution import EvolutionHistory
from foxnn.evolution.rule import restore
from foxnn.formats import population_file
from foxnn.formats.paths import FileFormatError
from foxnn.populations import files
from foxnn.populations.evolution_checkpoint import RULES
from foxnn.populations.evolving import Evolution, EvolveArguments
from foxnn.training import plain_options
from foxnn.training.beside import wait_for_all
from foxnn.training.ranks import ALONE, Ranks

if TYPE_CHECKING:
    from foxnn.populations.population import population


def resumed(
    path: str,
    fitness: Any,
    generations: Any,
    shown: dict[str, Any],
    made: population,
    ranks: Ranks = ALONE,
) -> tuple[population, EvolutionHistory]:
    """Continue an evolution from its checkpoint, with `made` as its population."""
    wait_for_all()
    given, run, _ = population_file.read(path)
    if run is None or "evolution" not in run:
        raise ValueError(
            "fitness must be left out, unless the checkpoint is one of an evolution, which "
            f"{checks.shown(path)} is not"
        )
    members, settings = files.made(path, given)
    made._adopt(members, settings)
    try:
        told, kept = run["evolution"]["arguments"], run["evolution"]["rule"]
        kind = RULES[checks.choice(kept["kind"], "kind", RULES)]
        rule = kind(**kept["options"])
        restore(rule, kept, made.parameters)
        end = checks.integer(told["generations"], "generations", 1)
        target = None if told["target"] is None else checks.real(told["target"], "target")
        every = plain_options.every_from(told["checkpoint_every"])
        if not 0 < rule.generation <= end or rule.seed is None:
            raise ValueError(f"the generations must be from 1 to {end}, got {rule.generation}")
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise FileFormatError(f"{path}: expected an evolution: {error}") from None
    if generations is not None:
        end = checks.integer(generations, "generations", rule.generation)
    arguments = EvolveArguments(
        fitness, end, rule, target, checkpoint=path, checkpoint_every=every, **shown
    )
    best = rule.history["best"][-1]
    has_ended = target is not None and best >= target
    course = Evolution(
        made, arguments, range(rule.generation, rule.generation if has_ended else end), ranks
    )
    return made, course.run()
