"""Acrobot by the policy gradient of `policy_gradient.py`: two links swing up by one motor.

    python examples/acrobot.py [--pictures FOLDER] [--short]

Acrobot-v1 of Gymnasium hangs down, and turns only the joint between its two links. Each step costs
1 until its tip is one link above the fixed joint, at most 500. Needs Gymnasium.
"""

from __future__ import annotations

import sys
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import episodes
import foxnn
import policy_gradient

NAME = "Acrobot-v1"
# Gymnasium asks for -100; whoever has reached just that by luck would miss it in the next test.
GOAL = -90.0
UPDATES, SHORT_UPDATES, SHOWN = 60, 6, 9

Array = NDArray[Any]


def joints(states: Array) -> tuple[Array, Array]:
    """Return where the middle joint and the tip are, of shape (states, 2)."""
    first = np.arctan2(states[:, 1], states[:, 0])
    both = first + np.arctan2(states[:, 3], states[:, 2])
    # Angles are from hanging down, and from the first link.
    middle = np.stack([np.sin(first), -np.cos(first)], axis=1)
    tip: Array = middle + np.stack([np.sin(both), -np.cos(both)], axis=1)
    return middle, tip


def swing(policy: foxnn.neural_network, seed: int) -> Array:
    """Return the states of an episode, the last one included."""
    side_by_side = episodes.environments(NAME, 1)
    states, _ = side_by_side.reset(seed=seed)
    found, is_over = [states[0]], False
    while not is_over:
        states, _, ended, cut, _ = side_by_side.step(policy.predict(states).argmax(axis=1))
        found.append(states[0])
        is_over = bool(ended[0] or cut[0])
    return np.stack(found)


def picture(runs: list[policy_gradient.Run]) -> Any:
    """Draw the scores, the height of the tip over an episode, and the links in its last steps."""
    figure, panels = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    policy_gradient.draw_scores(panels[0], {"": runs})
    states = swing(runs[0].policy, seed=1)
    middle, tip = joints(states)
    panels[1].plot(tip[:, 1], color="C0")
    panels[1].axhline(1, color="black", linestyle="--", linewidth=0.8)
    panels[1].set(xlabel="step", title="height of the tip", ylim=(-2.1, 2.1))
    last = range(max(0, len(tip) - SHOWN), len(tip))
    for shade, i in zip(np.linspace(0.15, 1, len(last)), last, strict=True):
        links = np.stack([[0, 0], middle[i], tip[i]])
        panels[2].plot(*links.T, color="C0", alpha=shade, marker="o", markersize=3)
    panels[2].plot(*tip[last[0] :].T, color="C1", linewidth=1.2)
    panels[2].axhline(1, color="black", linestyle="--", linewidth=0.8)
    panels[2].set(
        aspect="equal", xlim=(-2.1, 2.1), ylim=(-2.1, 2.1), title=f"the last {len(last)} steps"
    )
    return figure


def main(argv: list[str] | None = None) -> int:
    """Learn from several seeds, print the figures and draw the plots."""
    options = common.options(__doc__, argv)
    seeds, updates = policy_gradient.SEEDS, UPDATES
    if options.short:
        seeds, updates = seeds[:1], SHORT_UPDATES
    runs = [policy_gradient.learn(NAME, seed, updates, GOAL) for seed in seeds]
    common.report(policy_gradient.figures("Acrobot", runs))
    common.save(picture(runs), options.pictures, "acrobot")
    return 0


if __name__ == "__main__":
    sys.exit(main())
