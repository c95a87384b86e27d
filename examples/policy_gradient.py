"""A pole balanced on a cart by a policy gradient: what went well becomes more probable.

    python examples/policy_gradient.py [--pictures FOLDER] [--short]

A network answers with the probability of each action, plays whole episodes of CartPole-v1 in
Gymnasium's vector environment by drawing from them, and makes one step along the gradient of
Williams (1992) through `backward`. A second network, the critic, learns what a state is worth; how
much better an action turned out than that is its advantage. Needs Gymnasium.
"""

from __future__ import annotations

import sys
import time
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

import common
import episodes
import foxnn

SIDE_BY_SIDE, HIDDEN, RATE, CRITIC_RATE = 16, 32, 0.03, 0.01
DISCOUNT = 0.99
# The critic learns returns in this unit, which brings them to the range from 0 to 1: rewards of 1
# in all steps add up to 1 / (1 - DISCOUNT).
UNIT = 1 / (1 - DISCOUNT)
CRITIC_EPOCHS, CRITIC_BATCH = 5, 256
TESTS, UPDATES, SEEDS, LONGEST = 100, 150, range(1, 6), 500

Array = NDArray[Any]


class Batch(NamedTuple):
    """The steps of many episodes, and the rewards of each episode."""

    states: Array  # (steps, numbers)
    actions: Array  # (steps,)
    returns: Array  # (steps,): discounted rewards from that step on
    rewards: Array  # (episodes,)


class Run(NamedTuple):
    """Both networks, the mean rewards of each batch, tests, steps played, and seconds."""

    policy: foxnn.neural_network
    critic: foxnn.neural_network
    scores: list[float]
    tested: float
    steps: int
    seconds: float


def draw(probabilities: Array, rng: np.random.Generator) -> Array:
    """Return an action for each row, with the probabilities of that row."""
    # The last sum may be rounded to less than 1.
    sums = probabilities.cumsum(axis=1)[:, :-1]
    actions: Array = (sums <= rng.random((len(sums), 1))).sum(axis=1)
    return actions


def discounted(rewards: Array, is_on: Array, beyond: Array) -> Array:
    """Return the discounted rewards from each step on, all arrays of shape (steps, episodes).

    `is_on` says which steps belong to the episode, and `beyond` what would have followed upon a
    step at which the episode was cut.
    """
    returns = np.zeros(rewards.shape)
    ahead = np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        ahead = np.where(is_on[t], rewards[t] + DISCOUNT * (beyond[t] + ahead), 0.0)
        returns[t] = ahead
    return returns


def play(
    side_by_side: Any,
    policy: foxnn.neural_network,
    critic: foxnn.neural_network,
    rng: np.random.Generator,
    seed: int,
) -> Batch:
    """Play an episode in each environment."""
    states, _ = side_by_side.reset(seed=seed)
    is_on = np.ones(len(states), bool)
    steps = []
    while is_on.any():
        actions = draw(policy.predict(states), rng)
        then, reward, ended, cut, _ = side_by_side.step(actions)
        # An episode that is cut could have gone on: the critic says what that would be worth.
        steps.append((states, actions, reward, is_on, is_on & cut & ~ended, then))
        states, is_on = then, is_on & ~(ended | cut)
    before, taken, gained, was_on, was_cut, after = (
        np.stack(part) for part in zip(*steps, strict=True)
    )
    beyond = np.zeros(gained.shape)
    if was_cut.any():
        beyond[was_cut] = UNIT * critic.predict(after[was_cut])[:, 0]
    returns = discounted(gained, was_on, beyond)
    sums = (gained * was_on).sum(axis=0)
    return Batch(before[was_on], taken[was_on], returns[was_on], sums)


def slopes(probabilities: Array, actions: Array, advantages: Array) -> Array:
    """Return d loss / d probabilities for the mean of -advantage log p(action)."""
    rows, found = np.arange(len(actions)), np.zeros_like(probabilities)
    found[rows, actions] = -advantages / probabilities[rows, actions] / len(actions)
    return found


def learn(name: str, seed: int, updates: int, goal: float, has_critic: bool = True) -> Run:
    """Play and learn, until 100 test episodes bring the goal, or the updates are over."""
    side_by_side, tests = (episodes.environments(name, count) for count in (SIDE_BY_SIDE, TESTS))
    (inputs,) = side_by_side.single_observation_space.shape
    actions = int(side_by_side.single_action_space.n)
    policy = foxnn.neural_network([inputs, HIDDEN, actions], "tanh", "softmax", seed=seed)
    # Not the seed of the policy, whose hidden layer it would have.
    critic = foxnn.neural_network([inputs, HIDDEN, 1], "tanh", "identity", seed=100 + seed)
    rng, scores, steps = np.random.default_rng(seed), [], 0
    started = time.perf_counter()
    for update in range(updates):
        batch = play(side_by_side, policy, critic, rng, seed=100_000 * seed + 100 * update)
        scores.append(float(batch.rewards.mean()))
        steps += len(batch.states)
        advantages = batch.returns
        if has_critic:
            advantages = batch.returns - UNIT * critic.predict(batch.states)[:, 0]
            critic.fit(
                batch.states, batch.returns / UNIT, CRITIC_EPOCHS, CRITIC_BATCH,
                learning_rate=CRITIC_RATE, progress=False,
            )  # fmt: skip
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        p = policy.predict(batch.states)
        policy.backward(batch.states, slopes(p, batch.actions, advantages), learning_rate=RATE)
        is_near = scores[-1] >= goal
        if is_near and episodes.rewards(tests, policy.predict, seed=10_000 * seed).mean() >= goal:
            break
    seconds = time.perf_counter() - started
    # Not the episodes that have ended the run.
    tested = float(episodes.rewards(tests, policy.predict, seed=10_000 * seed + 5_000).mean())
    return Run(policy, critic, scores, tested, steps, seconds)


def draw_scores(ax: Any, runs: dict[str, list[Run]]) -> None:
    """Draw the mean rewards of each batch, a line for each run."""
    for (label, each), colour in zip(runs.items(), ("C0", "C1"), strict=False):
        for i, run in enumerate(each):
            played = SIDE_BY_SIDE * np.arange(1, len(run.scores) + 1)
            ax.plot(played, run.scores, color=colour, alpha=0.7, label=None if i else label)
    ax.set(xlabel="episodes", title="mean rewards of 16 episodes")
    ax.grid(alpha=0.3)


def positions(policy: foxnn.neural_network, steps: int) -> Array:
    """Return the carts' places on the rail at each step of a test, of shape (steps, carts)."""
    carts = episodes.environments("CartPole-v1", SIDE_BY_SIDE)
    states, _ = carts.reset(seed=1)
    places = []
    for _ in range(steps):
        places.append(states[:, 0])
        states, *_ = carts.step(policy.predict(states).argmax(axis=1))
    return np.stack(places)


def picture(runs: dict[str, list[Run]]) -> Any:
    """Draw the scores, the policy for a cart in the middle of the rail, and where carts go."""
    figure, panels = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    draw_scores(panels[0], runs)
    panels[0].set_ylabel("steps")
    panels[0].legend(loc="lower right")
    angles, speeds = np.meshgrid(np.linspace(-0.2, 0.2, 80), np.linspace(-2, 2, 80))
    states = np.zeros((angles.size, 4))
    states[:, 2], states[:, 3] = angles.ravel(), speeds.ravel()
    policy = runs["with a critic"][0].policy
    right = policy.predict(states)[:, 1].reshape(angles.shape)
    drawn = panels[1].pcolormesh(angles, speeds, right, cmap="RdBu", vmin=0, vmax=1)
    panels[1].contour(angles, speeds, right, [0.5], colors="black")
    panels[1].set(xlabel="angle of the pole", ylabel="its speed", title="probability of right")
    figure.colorbar(drawn, ax=panels[1])
    panels[2].plot(positions(policy, LONGEST), color="C0", alpha=0.5, linewidth=0.8)
    for end in (-2.4, 2.4):
        panels[2].axhline(end, color="black", linestyle="--", linewidth=0.8)
    panels[2].set(xlabel="step", title="16 carts on the rail, and its ends")
    return figure


def figures(label: str, runs: list[Run]) -> list[tuple[str, str, str]]:
    """Return the rows of a report about runs from several seeds."""
    return [
        (f"{label}, {what}", "", common.mean_and_each(values, "", digits))
        for what, values, digits in (
            ("rewards over 100 new episodes", [run.tested for run in runs], 1),
            ("rewards of the last batch", [run.scores[-1] for run in runs], 1),
            ("episodes", [SIDE_BY_SIDE * len(run.scores) for run in runs], 0),
            ("steps", [run.steps for run in runs], 0),
            ("seconds", [run.seconds for run in runs], 1),
        )
    ]


def main(argv: list[str] | None = None) -> int:
    """Learn with and without a critic, print the figures and draw the plots."""
    options = common.options(__doc__, argv)
    name = "CartPole-v1"
    seeds, updates = (SEEDS[:1], 30) if options.short else (SEEDS, UPDATES)
    runs = {
        label: [learn(name, seed, updates, episodes.threshold(name), has_critic) for seed in seeds]
        for label, has_critic in (("with a critic", True), ("without", False))
    }
    common.report(row for label, each in runs.items() for row in figures(label, each))
    common.save(picture(runs), options.pictures, "policy-gradient")
    return 0


if __name__ == "__main__":
    sys.exit(main())
