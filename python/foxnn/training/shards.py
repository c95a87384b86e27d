"""Training in shards: how samples are cut, and what is measured of them shard by shard.

The samples, numbered rank after rank, are cut into shards of neighbouring samples, of each of which
a batch takes as many. All sums run within a shard, and then over the shards in one fixed order: so
their bits depend on the number of shards, but not on which process has which of them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array, Rows
from foxnn.layers.kinds import placed
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.scaler import Scaler, of_measures
from foxnn.training.ranks import ALONE, Ranks
from foxnn.training.samples import WeightedSamples, Weights
from foxnn.training.scaling import Scalers

#: The number of shards of a run over several processes, unless it is given.
USUAL = 16
# Each shard has memory for the sums of a batch, and a part in every batch.
_MOST = 65536
# Rows measured at once, as a scaler does.
_CHUNK = 4096


def checked_shards(network: AnsweringNetwork, shards: object, ranks: Ranks) -> int | None:
    """Return the number of shards, or None; refuse networks that cannot be trained in shards."""
    if shards is None and ranks is not ALONE:
        shards = USUAL
    if shards is None:
        return None
    count = checks.integer(shards, "shards", 1, _MOST)
    for where, part in placed(network._layers(), "layer {}".format):
        if part.get("running") and part["trained"]:
            raise ValueError(
                f"{'shards' if ranks is ALONE else 'communicator'} must be None: {where} "
                "needs the whole batch at once, for its mean and variance; "
                "foxnn.LayerNorm, or a frozen layer, does not"
            )
    return count


def checked_average_every(every: object, ranks: Ranks) -> int | None:
    """Return after how many steps of their own ranks average; None: they make the same steps."""
    if every is None:
        return None
    if ranks is ALONE:
        raise ValueError(
            f"average_every must be None without a communicator, got {checks.shown(every)}"
        )
    return checks.integer(every, "average_every", 1)


def refuse_with_shards(ranks: Ranks, **others: bool) -> None:
    """Refuse the arguments that are given, with which there can be no shards."""
    cut_by = "shards" if ranks is ALONE else "a communicator"
    for name, is_given in others.items():
        if is_given:
            raise ValueError(f"{name} must be None with {cut_by}, got both")


class Cut:
    """How the samples of a run are cut into shards, and which of these are here.

    Attributes
    ----------
    count : int
        The number of shards.
    ranks : Ranks
    average_every : int or None
        After how many steps of its own a rank averages; None: all make the same steps.
    """

    def __init__(self, count: int, ranks: Ranks, average_every: int | None = None) -> None:
        self.count, self.ranks, self.average_every = count, ranks, average_every
        self._borders = [count * rank // ranks.size for rank in range(ranks.size + 1)]

    def first(self, samples: int, rank: int) -> int:
        """Return the first of so many samples that are a rank's; of the next one, its end."""
        return self._start(samples, self._borders[rank])

    def _start(self, samples: int, shard: int) -> int:
        size, more = divmod(samples, self.count)
        return size * shard + min(more, shard)

    def engine(self, samples: int) -> _core.Shards:
        """Return the cut for the engine."""
        ranks, every = self.ranks, self.average_every if self.ranks.size > 1 else None
        return _core.Shards(self._borders, ranks.rank, samples, ranks.exchange(), every or 0)

    def slices(self, samples: int) -> list[slice]:
        """Return where the shards of this process are among its samples."""
        rank = self.ranks.rank
        first, shards = self.first(samples, rank), range(*self._borders[rank : rank + 2])
        return [
            slice(self._start(samples, shard) - first, self._start(samples, shard + 1) - first)
            for shard in shards
        ]

    def every(self, own: list[Any]) -> list[Any]:
        """Return what there is of every shard; `own` is of those of this process."""
        return [one for each in self.ranks.gathered(own) for one in each]

    def summed(self, own: list[Any]) -> Any:
        """Return the sum of what there is of every shard, in their order."""
        return sum(self.every(own))


def _rows(rows: Rows, part: slice) -> Rows:
    if isinstance(rows, np.ndarray):
        return rows[part]
    return checks.taken(rows, np.arange(part.start, part.stop))


class ShardedSamples:
    """Samples of this process, shard by shard, to evaluate a network on those of all processes."""

    def __init__(self, cut: Cut, samples: WeightedSamples, total: int) -> None:
        self._cut = cut
        self._parts = [
            WeightedSamples(
                _rows(samples.x, part),
                samples.y[part],
                None if samples.weights is None else np.ascontiguousarray(samples.weights[part]),
            )
            for part in cut.slices(total)
        ]

    def evaluation(self, network: AnsweringNetwork) -> dict[str, float]:
        """Return the mean loss, and of classifiers the accuracy, over all processes."""
        threads = self._cut.ranks.threads(network.settings.n_threads)
        sums = np.array(self._cut.every([_sums(network, part, threads) for part in self._parts]))
        loss, weight, correct, positions = (sum(column.tolist()) for column in sums.T)
        found = {"loss": loss / weight if weight else math.nan}
        if network._classifies() and network._own_loss is None:
            found["accuracy"] = correct / positions
        return found


def _sums(
    network: AnsweringNetwork, part: WeightedSamples, threads: int
) -> tuple[float, float, int, int]:
    """Return loss, weight, correct positions and positions, summed over samples."""
    if len(part) == 0:
        return 0.0, 0.0, 0, 0
    weight = float(len(part)) if part.weights is None else _total(part.x, part.weights)
    loss, correct, positions = 0.0, 0, 0
    if (own := network._own(part.y)) is None:
        loss, correct, positions = network._evaluate(part.x, part.y, part.weights, threads)
    elif weight:
        loss = network._own_mean(own, part.x, part.weights, threads)
    return loss * weight if weight else 0.0, weight, correct, positions


def _total(x: Rows, weights: Array) -> float:
    """Return the sum over samples of their weights, or of the means over those of their positions.

    As the engine's evaluation does, which adds up what a sample has of positions.
    """
    if weights.ndim == 1 or weights.shape[1] == 1:
        return math.fsum(weights.reshape(-1))
    lengths = getattr(x, "output_lengths", None)
    there = np.full(len(weights), weights.shape[1]) if lengths is None else lengths
    return math.fsum(math.fsum(row[:n]) / n for row, n in zip(weights, there, strict=True))


def measured_over(cut: Cut, scalers: Scalers, samples: WeightedSamples, total: int) -> Scalers:
    """Return scalers fitted to the samples of all processes, unless they are fitted already."""
    found = [
        scaler
        if scaler is None or scaler.shift is not None
        else _measured(cut, scaler.method, values, total, name)
        for scaler, values, name in zip(scalers, (samples.x, samples.y), ("x", "y"), strict=True)
    ]
    return found[0], found[1]


def _measured(cut: Cut, method: str, rows: Rows, total: int, name: str) -> Scaler:
    if not isinstance(rows, np.ndarray):
        raise ValueError(f"scale must be None for a sparse {name} in shards: scale it before")
    shards = [rows[part] for part in cut.slices(total)]
    with np.errstate(over="ignore", invalid="ignore"):
        ends = [(one.min(axis=0), one.max(axis=0)) for one in shards if len(one)]
        every = cut.every(ends)
        least = np.min([low for low, _ in every], axis=0).astype(np.float64)
        largest = np.max([high for _, high in every], axis=0).astype(np.float64)
        if method == "minmax":
            return of_measures(method, least, largest - least)
        zero = np.zeros(rows.shape[1])
        mean = cut.summed([_sum(one, zero, 1) for one in shards]) / total
        squares = cut.summed([_sum(one, mean, 2) for one in shards])
        scale = np.sqrt(squares / total)
        # Rounding alone would give a constant column a deviation, and another mean.
        alike = least == largest
        scale[alike], mean[alike] = 0.0, least[alike]
    return of_measures(method, mean, scale)


def _sum(rows: Array, shift: Array, power: int) -> Array:
    """Return the sums over rows of powers of the differences, with the same bits in any layout."""
    total = np.zeros(len(shift))
    for first in range(0, len(rows), _CHUNK):
        part = np.array(rows[first : first + _CHUNK], np.float64, order="C")
        part -= shift
        total += (part**power).sum(axis=0)
    return total


def largest_weight(cut: Cut, weights: Weights) -> float:
    """Return the largest weight that any process has."""
    own = 0.0 if weights is None or not len(weights) else float(weights.max())
    return max(cut.ranks.gathered(own))
