"""A pole balanced on a cart by evolution: CartPole-v1 of Gymnasium, without a gradient.

    python examples/evolved_cart_pole.py [--pictures FOLDER] [--short]

A population of networks 4-16-2 plays, all members at once, in Gymnasium's vector environment. An
episode ends when the pole falls, at the latest after 500 steps. Solved: what the rule has found
keeps the pole up for at least 475 steps, as a mean over 100 new episodes. Needs Gymnasium.
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
import episodes
import foxnn
from foxnn import evolution
from foxnn.evolution.rule import Rule

MEMBERS, EPISODES, LONGEST = 64, 4, 500
SOLVED, TESTS, GENERATIONS, SEEDS = 475, 100, 60, range(1, 6)

RULES: dict[str, Callable[[], Rule]] = {
    "Genetic": lambda: evolution.Genetic(elite=4, speed=0.3),
    "EvolutionStrategy": lambda: evolution.EvolutionStrategy(sigma=0.3, learning_rate=0.2),
}

Array = NDArray[Any]


class Run(NamedTuple):
    """What a rule has found, its mean over the tests, its history, and its seconds."""

    nn: foxnn.neural_network
    tested: float
    history: evolution.EvolutionHistory
    seconds: float


def evolve(name: str, seed: int, generations: int) -> Run:
    """Evolve until what the rule has found is solved, or the generations are over."""
    pop, rule = foxnn.population(MEMBERS, [4, 16, 2], "tanh", seed=seed), RULES[name]()
    carts = episodes.environments("CartPole-v1", MEMBERS * EPISODES)
    tests = episodes.environments("CartPole-v1", TESTS)

    def fitness(pop: foxnn.population) -> Array:
        def answer(states: Array) -> Array:
            out: Array = pop.get_out(states.reshape(MEMBERS, EPISODES, 4), each=True)
            return out

        # Other episodes in each generation, so that luck is not inherited.
        steps = episodes.rewards(carts, answer, 1000 * seed + rule.generation)
        scores: Array = steps.reshape(MEMBERS, EPISODES).mean(axis=1)
        return scores

    def is_solved(generation: int, logs: dict[str, Any]) -> bool:
        return bool(logs["best"] == LONGEST and test(10_000 + seed) >= SOLVED)

    def test(seed: int) -> float:
        return float(episodes.rewards(tests, rule.best(pop).predict, seed).mean())

    started = time.perf_counter()
    history = pop.evolve(fitness, generations, rule, callbacks=is_solved, progress=False)
    seconds = time.perf_counter() - started
    # Not the episodes that have ended the run.
    return Run(rule.best(pop), test(20_000 + seed), history, seconds)


def picture(runs: dict[str, list[Run]]) -> Any:
    """Draw the scores over the generations, and what the best network does for each state."""
    figure, panels = plt.subplots(1, 1 + len(runs), figsize=(12, 3.4), layout="constrained")
    angles, speeds = np.meshgrid(np.linspace(-0.2, 0.2, 80), np.linspace(-2, 2, 80))
    states = np.zeros((angles.size, 4))
    states[:, 2], states[:, 3] = angles.ravel(), speeds.ravel()
    for ax, (name, each), colour in zip(panels[1:], runs.items(), ("C0", "C1"), strict=True):
        for i, run in enumerate(each):
            label = name if i == 0 else None
            panels[0].plot(
                np.arange(1, run.history.generations + 1), run.history["mean"], color=colour,
                alpha=0.7, label=label, marker=".",
            )  # fmt: skip
        out = each[0].nn.predict(states)
        pushes = (out[:, 1] - out[:, 0]).reshape(angles.shape)
        limit = float(np.abs(pushes).max())
        drawn = ax.pcolormesh(angles, speeds, pushes, cmap="RdBu", vmin=-limit, vmax=limit)
        ax.contour(angles, speeds, pushes, [0.0], colors="black")
        ax.set(xlabel="angle of the pole", ylabel="its speed", title=f"{name}: left or right")
        figure.colorbar(drawn, ax=ax)
    panels[0].set(xlabel="generation", ylabel="steps", title="the mean of a generation")
    panels[0].legend(loc="lower right")
    panels[0].grid(alpha=0.3)
    return figure


def main(argv: list[str] | None = None) -> int:
    """Evolve, print the figures and draw the plots."""
    options = common.options(__doc__, argv)
    seeds, generations = (SEEDS[:1], 15) if options.short else (SEEDS, GENERATIONS)
    runs = {name: [evolve(name, seed, generations) for seed in seeds] for name in RULES}
    rows = []
    for name, each in runs.items():
        for what, values, digits in (
            ("steps over 100 new episodes", [run.tested for run in each], 1),
            ("generations", [run.history.generations for run in each], 0),
            ("seconds", [run.seconds for run in each], 1),
        ):
            rows.append((f"{name}, {what}", "", common.mean_and_each(values, "", digits)))
    common.report(rows)
    common.save(picture(runs), options.pictures, "evolved-cart-pole")
    return 0


if __name__ == "__main__":
    sys.exit(main())
