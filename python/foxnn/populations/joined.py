"""Answers of a population on the ranks of a communicator, each of which asks its members."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from foxnn import checks
from foxnn.populations.together import described_argument, described_members
from foxnn.training.agreement import refuse_different
from foxnn.training.joining import joined
from foxnn.training.ranks import Ranks

if TYPE_CHECKING:
    from foxnn.populations.answers import AnsweringPopulation


def outputs(pop: AnsweringPopulation, communicator: Any, x: Any, lengths: Any, each: Any) -> Any:
    """Return the outputs of all members, as `get_out` does; None for `each`: as for `predict`."""

    def ask(own: range, ranks: Ranks) -> Any:
        part, some = pop._part(own), x
        part.settings.n_threads = ranks.threads(pop.settings.n_threads)
        if each is None:
            pop._members[0]._check_names(x, "x")
            return part._outputs(x, lengths)
        if checks.flag(each, "each") and len(own) < len(pop):
            some = checks.as_array(x, "x")
            if some.shape[:1] != (len(pop),):
                return pop.get_out(x, each)  # says why
            some = some[own.start : own.stop]
        return part.get_out(some, each)

    told = {"x": x, "lengths": lengths, "each": each}
    found = _asked(pop, communicator, told, ask)
    if isinstance(found[0], list):  # of sequences
        return [one for part in found for one in part]
    return np.concatenate(found)


def evaluated(
    pop: AnsweringPopulation, communicator: Any, given: tuple[Any, Any, Any, Any], metrics: Any
) -> dict[str, Any]:
    """Return what `evaluate` does of all members; x, y, weights and lengths are given."""

    def ask(own: range, ranks: Ranks) -> dict[str, Any]:
        return pop._evaluated(own, given, metrics, ranks.threads(pop.settings.n_threads))

    told = dict(zip(("x", "y", "sample_weight", "lengths"), given, strict=True))
    found = _asked(pop, communicator, told | {"metrics": metrics}, ask)
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}


def _asked(
    pop: AnsweringPopulation, communicator: Any, told: dict[str, Any],
    ask: Callable[[range, Ranks], Any],
) -> list[Any]:  # fmt: skip
    """Return what the members say, rank after rank; all must be asked the same."""
    with joined(communicator) as ranks:
        own = {name: described_argument(value) for name, value in told.items()}
        refuse_different(ranks, described_members(pop._members) | own)
        some = ranks.share(len(pop))
        found = ask(some, ranks) if len(some) else None
        return [one for one in ranks.gathered(found) if one is not None]
