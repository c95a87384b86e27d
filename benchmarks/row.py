"""A row of the comparison: its work, its sides, and foxnn's targets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from measure import Timed
from work import Data, Work

Sides = dict[str, Timed]


class LeftOutError(RuntimeError):
    """A row that cannot be measured here; the message says why."""


@dataclass
class Run:
    """How all rows are measured, and the notes about the current one."""

    threads: int
    quick: bool = False
    data: Data = field(default_factory=Data)
    notes: list[str] = field(default_factory=list)

    def samples(self, work: Work) -> Work:
        """Return the work with the number of samples that this run uses."""
        return replace(work, samples=min(work.samples, 5 * work.batch)) if self.quick else work


@dataclass(frozen=True)
class Target:
    """A performance target for foxnn.

    kind "times": the side takes at least `value` times as long as foxnn. "at most": foxnn's own
    figure is at most `value`. "beyond": foxnn takes at most `value` longer than the side.
    """

    side: str
    value: float
    kind: str = "times"

    def reached(self, medians: Mapping[str, float]) -> float | None:
        """Return the figure that is compared with `value`, or None if a side is missing."""
        if self.side not in medians or "foxnn" not in medians:
            return None
        own, other = medians["foxnn"], medians[self.side]
        return {"times": other / own, "at most": own, "beyond": own - other}[self.kind]

    def is_met(self, reached: float) -> bool:
        """Return whether that figure meets the target."""
        return reached >= self.value if self.kind == "times" else reached <= self.value


@dataclass(frozen=True)
class Row:
    """A piece of work, how its sides are made, and foxnn's targets."""

    name: str
    title: str
    sides: Callable[[Run], Sides]
    targets: tuple[Target, ...]
    rounds: int = 5
    one_core: bool = False
    isa: str = ""
    unit: str = "s"
    has_threads: bool = True

    @property
    def needs_own_process(self) -> bool:
        """Whether it needs a different environment from that of the calling process."""
        return self.one_core or bool(self.isa)


def at_most(value: float) -> Target:
    """Return a target for foxnn's own figure."""
    return Target("foxnn", value, "at most")
