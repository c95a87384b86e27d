"""The networks of a contest, divided over the ranks of a communicator, which all hold a part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from foxnn.checks import Array
from foxnn.populations.group import Group, training
from foxnn.populations.together import Pulse, described_argument
from foxnn.training.agreement import described_engine, hash_of, refuse_different
from foxnn.training.ranks import Ranks
from foxnn.training.samples import WeightedSamples
from foxnn.training.spread import described

if TYPE_CHECKING:
    from foxnn.populations.folds import Pair


def refuse_different_contests(
    ranks: Ranks,
    told: Mapping[str, Any],
    grid: Sequence[Mapping[str, Any]],
    samples: WeightedSamples,
    pairs: Sequence[Pair],
) -> None:
    """Raise ValueError on all ranks alike unless all have the same networks to train alike."""
    own = {
        **described_engine(),
        **{name: described_argument(one) for name, one in told.items() if name != "progress"},
        "grid": described_argument([dict(one) for one in grid]),
        **described(samples),
        "folds (by their hash)": hash_of(pairs),
    }
    refuse_different(ranks, own)


def prepare_shares(ranks: Ranks, groups: Sequence[Group]) -> Pulse:
    """Leave each group the members that are this rank's (all, some or none), and check everything.

    What one rank refuses, all refuse alike.
    """
    own, first = ranks.share(sum(len(group.members) for group in groups)), 0
    pulse, error = Pulse(ranks), None
    firsts = [group.members[:1] for group in groups]
    for group in groups:
        count = len(group.members)
        group.members = [one for i, one in enumerate(group.members, first) if i in own]
        first += count
    try:
        for group, first_member in zip(groups, firsts, strict=True):
            if group.members:
                group.prepare(pulse=pulse)
            elif ranks.speaks:  # this rank warns of the networks of all
                group.members = first_member
                group.prepare(pulse=pulse)
                group.release()
                group.members = []
    except (ValueError, TypeError) as found:
        error = found
    for refused in ranks.gathered(error):
        if refused is not None:
            raise refused
    return pulse


@contextmanager
def training_on(
    ranks: Ranks, groups: Sequence[Group], pulse: Pulse
) -> Iterator[Callable[[int | None], None]]:
    """Return what trains groups up to a number of epochs, or to the end, on all ranks."""
    with training([group for group in groups if group.members]) as train_own:

        def train(epochs: int | None) -> None:
            train_own(epochs)
            pulse.wait()
            for found in ranks.gathered([_scores(group) for group in groups]):
                for group, (members, scores) in zip(groups, found, strict=True):
                    group.take(members, scores)

        yield train


def _scores(group: Group) -> tuple[list[tuple[int, int]], dict[str, Array]]:
    """Return the networks of this rank that are still trained, and their scores."""
    alive = {*group.alive}
    which = [i for i, (k, _) in enumerate(group.members) if group.places[k] in alive]
    return [group.members[i] for i in which], group.scores_of(which) if which else {}
