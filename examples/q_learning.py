"""A pole balanced on a cart by Q-learning, with a replay memory and a target network.

    python examples/q_learning.py [--pictures FOLDER] [--short]

A network answers with the value of each action, and learns from steps drawn from a memory, by
`train_on_batch` (Mnih et al., 2015). Its last hidden layer is drawn as a map, on which states lie
side by side that are alike to the network. Needs Gymnasium and scikit-learn (t-SNE).
"""

from __future__ import annotations

import copy
import sys
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

import gymnasium
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import ConnectionPatch, Rectangle
from numpy.typing import NDArray

import common
import episodes
import foxnn

NAME, INPUTS, ACTIONS, HIDDEN = "CartPole-v1", 4, 2, (64, 64)
SIDE_BY_SIDE, DISCOUNT, RATE, BATCH, AHEAD = 16, 0.99, 0.001, 128, 16
# The ranges in which places, speeds, angles and their speeds matter.
UNITS = (2.4, 2.0, 0.2, 2.0)
# What all rewards of an episode can add up to. Estimates that learn from each other may leave it.
RANGE = (-1.0, 0.0)
# In steps of each cart: before BEGIN nothing is learned, and until EXPLORED ever fewer actions are
# random; then 5 %.
BEGIN, EXPLORED, EXPLORATION, LAST = 60, 1000, 0.05, 6000
REMEMBERED = 100_000  # more than LAST times SIDE_BY_SIDE: nothing is forgotten here
RENEWED, TESTED = 50, 250  # every so many steps
TESTS, SEEDS, ON_MAP = 100, range(1, 6), 1500
# Gymnasium asks for 475; whoever has reached just that by luck would miss it in the next test.
GOAL = 490

Array = NDArray[Any]


class Steps(NamedTuple):
    """Steps of environments: states, actions, rewards, the states after, and who has not fallen."""

    states: Array
    actions: Array
    rewards: Array
    after: Array
    is_up: Array


class Memory:
    """The last steps, from which samples are drawn."""

    def __init__(self, size: int) -> None:
        self.steps = Steps(
            np.empty((size, INPUTS), np.float32),
            np.empty(size, np.int64),
            np.empty(size, np.float32),
            np.empty((size, INPUTS), np.float32),
            np.empty(size, bool),
        )
        self.size, self.count = size, 0

    def keep(self, steps: Steps) -> None:
        """Remember steps, in place of the oldest ones if there is no room."""
        places = np.arange(self.count, self.count + len(steps.states)) % self.size
        for kept, new in zip(self.steps, steps, strict=True):
            kept[places] = new
        self.count += len(places)

    def draw(self, count: int, rng: np.random.Generator) -> Steps:
        """Return so many steps, each of which may be drawn more than once."""
        places = rng.integers(min(self.count, self.size), size=count)
        return Steps(*(kept[places] for kept in self.steps))


class Run(NamedTuple):
    """The network, tests while it learned and after it, steps of each cart, processor seconds."""

    nn: foxnn.neural_network
    tests: list[float]
    tested: float
    steps: int
    seconds: float


def network(seed: int) -> foxnn.neural_network:
    """Return a network that answers with the value of each action."""
    sizes = [INPUTS, *HIDDEN, ACTIONS]
    nn = foxnn.neural_network(sizes, "relu", "identity", loss="huber", seed=seed)
    scaler = foxnn.Scaler()
    scaler.shift, scaler.scale = np.zeros(INPUTS), np.array(UNITS)
    nn.input_scaler = scaler
    return nn


def together(recent: Iterable[tuple[Steps, Array, Array]]) -> Steps:
    """Return several steps as one: from the first state to the last, with all rewards between.

    Each comes with who only begins a new episode in it, as carts do in the step after an end, and
    whose episode is cut. What leads over a cut is left out.
    """
    (first, begins, _), *_ = recent
    is_up, is_whole = np.ones(len(begins), bool), ~begins
    rewards = np.zeros(len(begins), np.float32)
    for i, (steps, _, cut) in enumerate(recent):
        rewards += DISCOUNT**i * steps.rewards * is_up
        is_whole &= ~(cut & is_up)
        is_up = is_up & steps.is_up
    found = Steps(first.states, first.actions, rewards, steps.after, is_up)
    return Steps(*(part[is_whole] for part in found))


def wanted(
    nn: foxnn.neural_network, target: foxnn.neural_network, steps: Steps, ahead: int = AHEAD
) -> Array:
    """Return what the network should answer: the rewards, and the discounted value after them.

    The network chooses the best action after so many steps, and the target network values it
    (double Q-learning, van Hasselt et al., 2016). The actions not taken keep their values, which
    makes their errors zero.
    """
    values, rows = nn.predict(steps.states), np.arange(len(steps.states))
    best = nn.predict(steps.after).argmax(axis=1)
    value = target.predict(steps.after)[rows, best]
    found = steps.rewards + DISCOUNT**ahead * value * steps.is_up
    values[rows, steps.actions] = found.clip(*RANGE)
    return values


def learn(seed: int, last: int, has_target: bool = True, ahead: int = AHEAD) -> Run:
    """Play and learn until 100 test episodes are solved, or all steps have been made."""
    # -1 for a fall, and 0 otherwise (Barto, Sutton and Anderson, 1983).
    carts = gymnasium.make_vec(NAME, num_envs=SIDE_BY_SIDE, sutton_barto_reward=True)
    tests = episodes.environments(NAME, TESTS)
    nn = network(seed)
    target = copy.deepcopy(nn)
    schedule = foxnn.schedules.cosine(last)
    memory, rng, found = Memory(REMEMBERED), np.random.default_rng(seed), []
    states, _ = carts.reset(seed=1000 * seed)
    begins = np.zeros(SIDE_BY_SIDE, bool)
    recent: deque[tuple[Steps, Array, Array]] = deque(maxlen=ahead)
    started = time.process_time()
    for step in range(1, last + 1):
        chosen = nn.predict(states).argmax(axis=1)
        explores = rng.random(SIDE_BY_SIDE) < max(EXPLORATION, 1 - step / EXPLORED)
        actions = np.where(explores, rng.integers(ACTIONS, size=SIDE_BY_SIDE), chosen)
        after, rewards, fell, cut, _ = carts.step(actions)
        recent.append((Steps(states, actions, rewards, after, ~fell), begins, cut))
        states, begins = after, fell | cut
        if len(recent) == ahead:
            memory.keep(together(recent))
        if step < BEGIN:
            continue
        drawn = memory.draw(BATCH, rng)
        y = wanted(nn, target if has_target else nn, drawn, ahead)
        nn.train_on_batch(drawn.states, y, learning_rate=schedule(step - 1, RATE))
        if step % RENEWED == 0:
            target = copy.deepcopy(nn)
        if step % TESTED == 0:
            found.append(float(episodes.rewards(tests, nn.predict, 10_000 * seed).mean()))
            if found[-1] >= GOAL:
                break
    seconds = time.process_time() - started
    # Not the episodes that have ended the run.
    tested = float(episodes.rewards(tests, nn.predict, 10_000 * seed + 5_000).mean())
    return Run(nn, found, tested, step, seconds)


def seen(nn: foxnn.neural_network, count: int, randomness: float) -> Array:
    """Return states of carts of which some fall, because some of their actions are random."""
    carts, rng = episodes.environments(NAME, 50), np.random.default_rng(0)
    states, _ = carts.reset(seed=0)
    found = []
    for _ in range(200):
        found.append(states)
        is_random = rng.random(50) < randomness
        best = nn.predict(states).argmax(axis=1)
        states, *_ = carts.step(np.where(is_random, rng.integers(ACTIONS, size=50), best))
    return rng.permutation(np.concatenate(found))[:count]


def map_of(nn: foxnn.neural_network, states: Array) -> Array:
    """Return a place in the plane for each state, by t-SNE of the last hidden layer."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    *_, hidden, _ = nn.layer_outputs(states).values()
    with threadpool_limits(1):  # more threads only wait for each other if the machine is busy
        places: Array = TSNE(random_state=0, init="pca").fit_transform(hidden)
    return places


def draw_cart(ax: Any, state: Array) -> None:
    """Draw cart and pole on the rail, with arrows for their speeds."""
    place, speed, angle, turning = state
    ax.plot([-2.4, 2.4], [0, 0], color="0.6", linewidth=0.8)
    ax.add_patch(Rectangle((place - 0.4, 0), 0.8, 0.4, color="0.3"))
    tip = np.array([place + 1.6 * np.sin(angle), 0.4 + 1.6 * np.cos(angle)])
    ax.plot([place, tip[0]], [0.4, tip[1]], color="C1", linewidth=3)
    for (x, y), length, colour in (((place, -0.35), speed, "0.3"), (tip, turning, "C1")):
        ax.annotate(
            "", (x + 0.7 * length, y), (x, y), arrowprops={"arrowstyle": "->", "color": colour}
        )
    ax.set(xlim=(-2.8, 2.8), ylim=(-0.7, 2.6), aspect="equal", xticks=[], yticks=[])


def picture_of_map(nn: foxnn.neural_network, states: Array) -> Any:
    """Draw the map of the last hidden layer, coloured by value, and six of its states."""
    places, values = map_of(nn, states), nn.predict(states).max(axis=1)
    figure = plt.figure(figsize=(10, 5), layout="constrained")
    grid = figure.add_gridspec(3, 3, width_ratios=(1, 3, 1))
    ax = figure.add_subplot(grid[:, 1])
    dots = ax.scatter(*places.T, c=values, s=5, cmap="jet")
    ax.set(xticks=[], yticks=[], title="the last hidden layer, coloured by value")
    figure.colorbar(dots, ax=ax, location="bottom", shrink=0.6, aspect=40)
    low, high = places.min(axis=0), places.max(axis=0)
    for row, height in enumerate((0.9, 0.5, 0.1)):
        for column, side in ((0, 0.1), (2, 0.9)):
            wish = low + np.array([side, height]) * (high - low)
            i = int(((places - wish) ** 2).sum(axis=1).argmin())
            beside = figure.add_subplot(grid[row, column])
            draw_cart(beside, states[i])
            beside.set_title(f"{values[i]:.2f}", fontsize=9)
            ends = ((2.8 if column == 0 else -2.8, 1), places[i])
            figure.add_artist(
                ConnectionPatch(ends[0], ends[1], "data", "data", axesA=beside, axesB=ax,
                                color="black", linewidth=0.6)
            )  # fmt: skip
            ax.plot(*places[i], marker="o", mfc="none", color="black")
    return figure


def picture_of_tests(ways: dict[str, list[Run]]) -> Any:
    """Draw the steps over the course of the runs."""
    figure, panels = plt.subplots(
        1, len(ways), figsize=(10, 2.8), sharex=True, sharey=True, layout="constrained"
    )
    for ax, (name, runs) in zip(panels, ways.items(), strict=True):
        for run in runs:
            ax.plot(TESTED * np.arange(1, len(run.tests) + 1), run.tests, marker=".", alpha=0.7)
        ax.set(title=name, xlabel="steps of each cart")
        ax.grid(alpha=0.3)
    panels[0].set_ylabel("steps in the tests")
    return figure


def main(argv: list[str] | None = None) -> int:
    """Learn in three ways, print the figures, and draw the tests and the map."""
    options = common.options(__doc__, argv)
    seeds, last, shown = (SEEDS[:1], 500, 150) if options.short else (SEEDS, LAST, ON_MAP)
    ways = {
        "complete": [learn(seed, last) for seed in seeds],
        "no target network": [learn(seed, last, has_target=False) for seed in seeds],
        "one step ahead": [learn(seed, last, ahead=1) for seed in seeds],
    }
    rows = []
    for name, runs in ways.items():
        for what, values, digits in (
            ("steps over 100 new episodes", [run.tested for run in runs], 1),
            ("best test", [max(run.tests) for run in runs], 1),
            ("steps of each cart", [run.steps for run in runs], 0),
            ("processor seconds", [run.seconds for run in runs], 1),
        ):
            rows.append((f"{name}, {what}", "", common.mean_and_each(values, "", digits)))
    common.report(rows)
    common.save(picture_of_tests(ways), options.pictures, "q-learning")
    # The longer it has learned, the better it knows what states are worth.
    nn = max(ways["complete"], key=lambda run: run.steps).nn
    common.save(picture_of_map(nn, seen(nn, shown, 0.3)), options.pictures, "q-learning-map")
    return 0


if __name__ == "__main__":
    sys.exit(main())
