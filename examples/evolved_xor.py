"""XOR evolved, without a gradient: four rules of evolution, 20 seeds each.

    python examples/evolved_xor.py [--pictures FOLDER] [--short]

A population of 100 networks 2-4-1 sees the four points of XOR. Its score is minus the mean of the
squared errors; XOR is solved when the best member's is above -0.01. Needs the library cma.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import foxnn
from foxnn import evolution
from foxnn.evolution.rule import Rule

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([0.0, 1.0, 1.0, 0.0])
MEMBERS, GENERATIONS, SOLVED = 100, 200, -0.01
SEEDS = range(1, 21)

RULES: dict[str, Callable[[], Rule]] = {
    "Genetic, random mutation": lambda: evolution.Genetic(elite=5, speed=0.5),
    "Genetic, smart mutation": lambda: evolution.Genetic(elite=5, mutation="smart", speed=0.5),
    "EvolutionStrategy": lambda: evolution.EvolutionStrategy(sigma=0.2, learning_rate=0.2),
    "CMA": lambda: evolution.CMA(),
}


class Run(NamedTuple):
    """What a rule has found, its history, and the seconds that it took."""

    nn: foxnn.neural_network
    history: evolution.EvolutionHistory
    seconds: float

    @property
    def is_solved(self) -> bool:
        """Whether the best score has reached the target."""
        return bool(self.history["best"][-1] >= SOLVED)


def fitness(pop: foxnn.population) -> NDArray[Any]:
    """Return minus the mean squared error of each member."""
    scores: NDArray[Any] = -((pop.get_out(X)[:, :, 0] - Y) ** 2).mean(axis=1)
    return scores


def evolve(name: str, seed: int) -> Run:
    """Evolve until XOR is solved, or the generations are over."""
    pop, rule = foxnn.population(MEMBERS, [2, 4, 1], "tanh", "sigmoid", seed=seed), RULES[name]()
    started = time.perf_counter()
    history = pop.evolve(fitness, GENERATIONS, rule, target=SOLVED, progress=False)
    seconds = time.perf_counter() - started
    assert history.scores is not None
    return Run(pop[int(history.scores.argmax())], history, seconds)


def picture(runs: dict[str, list[Run]]) -> Any:
    """Draw the best scores of all runs, and the boundary of one of each rule."""
    figure, panels = plt.subplots(1, 1 + len(runs), figsize=(17, 3.3), layout="constrained")
    for ax, (name, each), colour in zip(
        panels[1:], runs.items(), plt.cm.tab10.colors, strict=False
    ):
        for i, run in enumerate(each):
            label = name if i == 0 else None
            panels[0].loglog(
                np.arange(1, run.history.generations + 1), -run.history["best"], color=colour,
                alpha=0.6, linewidth=0.8, label=label,
            )  # fmt: skip
        foxnn.plot.decision_boundary(each[0].nn, X, Y.astype(int), ax=ax)
        ax.set_title(f"{name}:\n{each[0].history.generations} generations", fontsize=9)
    panels[0].axhline(-SOLVED, color="black", linewidth=0.8, linestyle=":")
    panels[0].set(xlabel="generation", ylabel="mean squared error", title="the best member")
    panels[0].legend(fontsize=6)
    panels[0].grid(alpha=0.3)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Evolve, print the figures and draw the plots."""
    options = common.options(__doc__, argv)
    seeds = SEEDS[:3] if options.short else SEEDS
    runs = {name: [evolve(name, seed) for seed in seeds] for name in RULES}
    rows = []
    for name, each in runs.items():
        solved = [run for run in each if run.is_solved]
        took = [run.history.generations for run in solved] or [GENERATIONS]
        seconds = np.median([run.seconds for run in each])
        rows.append(
            (
                name, "", f"{len(solved)} of {len(each)} solved, generations "
                f"{np.median(took):.0f} ({min(took)} to {max(took)}), {1000 * seconds:.0f} ms",
            )
        )  # fmt: skip
    common.report(rows)
    common.save(picture(runs), options.pictures, "evolved-xor")
    return 0


if __name__ == "__main__":
    sys.exit(main())
