"""The rows of the comparison with uses of populations: a search, and a generation of evolution."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

import foxnn
from measure import timed
from peers import is_installed, is_there
from row import LeftOutError, Row, Run, Sides, Target

# Of CartPole-v1, after which it ends an episode.
STEPS = 500


def search(run: Run) -> Sides:
    """Return a search of 32 settings, and the same networks one after the other.

    All of them train on the same folds, for the same epochs and with batches of the same size.
    """
    samples, epochs = (200, 2) if run.quick else (2000, 10)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, 30)).astype(np.float32)
    y = (np.sin(x[:, :3]).sum(1) + 0.1 * rng.normal(size=samples)).astype(np.float32)
    rates = np.geomspace(1e-4, 1e-1, 1 if run.quick else 8).tolist()
    penalties = [0.0, 1e-4, 1e-3, 1e-2]
    settings = [{"learning_rate": rate, "l2": l2} for rate in rates for l2 in penalties]
    order = rng.permutation(samples)
    folds = [(np.setdiff1d(order, part), np.sort(part)) for part in np.array_split(order, 5)]
    grid = {"learning_rate": rates, "l2": penalties}
    scores: dict[str, Any] = {}

    def together() -> None:
        found = foxnn.search(
            [30, 64, 1], x, y, grid, folds, activation="relu", output_activation="identity",
            seed=0, epochs=epochs, batch_size=200, n_threads=run.threads,
        )  # fmt: skip
        scores["together"] = found.scores["loss"]

    def in_turn() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", foxnn.ConvergenceWarning)  # epochs are few on purpose
            losses = [
                _loss_of_one(setting, x, y, fold, epochs, run.threads)
                for setting in settings
                for fold in folds
            ]
        scores["in turn"] = np.reshape(losses, (len(settings), len(folds)))
        if not np.array_equal(scores["in turn"], scores["together"]):
            raise RuntimeError("the scores differ from those of one network after the other")

    sides: Sides = {"foxnn": timed(together), "foxnn, one after the other": timed(in_turn)}
    if is_there("scikit-learn"):
        jobs = 1 if run.quick else 2
        sides["scikit-learn"] = timed(partial(_grid_search, grid, x, y, folds, epochs, jobs))
    return sides


def _loss_of_one(setting: Any, x: Any, y: Any, fold: Any, epochs: int, threads: int) -> float:
    trained, held = fold
    nn = foxnn.neural_network([30, 64, 1], "relu", "identity", seed=0)
    nn.settings.n_threads = threads
    nn.fit(x[trained], y[trained], epochs, 200, progress=False, **setting)
    return nn.evaluate(x[held], y[held])["loss"]


def _grid_search(grid: Any, x: Any, y: Any, folds: Any, epochs: int, jobs: int) -> None:
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPRegressor

    model = MLPRegressor(
        hidden_layer_sizes=(64,), batch_size=200, max_iter=epochs, n_iter_no_change=1000
    )
    named = {"learning_rate_init": grid["learning_rate"], "alpha": grid["l2"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that as many epochs as are asked for are too few
        GridSearchCV(model, named, cv=folds, n_jobs=jobs, refit=False).fit(x, y)


def generation(run: Run) -> Sides:
    """Return a generation of carts with poles, and the environment alone with the same actions."""
    if not is_installed("gymnasium"):
        raise LeftOutError('Gymnasium is not installed: pip install "foxnn[rl]"')
    import gymnasium

    members, count = (20, 10) if run.quick else (1024, STEPS)
    carts = gymnasium.make_vec(
        "CartPole-v1", num_envs=members, vectorization_mode="vector_entry_point"
    )
    pop = foxnn.population(members, [4, 16, 2], "tanh", seed=0)
    pop.settings.n_threads = run.threads
    rule = foxnn.evolution.Genetic(elite=4, speed=0.3)
    # Of every step: who goes to the right, and who had not fallen before (the time limit ends the
    # last step only).
    goes_right = np.zeros((count, members), bool)
    is_up = np.ones((count + 1, members), bool)

    def fitness(pop: foxnn.population) -> Any:
        states, _ = carts.reset(seed=0)
        for step in range(count):
            out = pop.get_out(states, each=True)
            actions = np.greater(out[:, 1], out[:, 0], out=goes_right[step])
            states, _, fallen, _, _ = carts.step(actions)
            np.greater(is_up[step], fallen, out=is_up[step + 1])  # up, and not falling now
        return is_up[:-1].view(np.uint8).sum(axis=0, dtype=np.uint16)

    def evolve() -> None:
        rule.ask(pop)
        rule.tell(fitness(pop))

    def play() -> None:
        carts.reset(seed=0)
        for actions in goes_right:
            carts.step(actions)

    return {"foxnn": timed(evolve), "Gymnasium alone": timed(play)}


USE_ROWS: Sequence[Row] = (
    Row(
        "search", "search of 32 settings in 5 folds, [30, 64, 1], 2,000 samples, 10 epochs", search,
        (Target("scikit-learn", 10.0),), rounds=3,
    ),
    # At most 1.5 times as long as the environment.
    Row(
        "cart-pole", f"a generation of 1,024 networks [4, 16, 2], {STEPS} steps of CartPole",
        generation, (Target("Gymnasium alone", 1 / 1.5),),
    ),
)  # fmt: skip
