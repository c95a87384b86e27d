"""Cross-validation and search: their scores are those of one network after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import foxnn
from small_runs import LABELS, X, Y

MAKING = {"activation": "tanh", "output_activation": "identity", "seed": 4}
NAMES = np.array(["b", "c", "a"])[LABELS]


def pairs_of(count: int, folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    order = np.random.default_rng(1).permutation(count)
    return [(np.setdiff1d(order, order[i::folds]), order[i::folds]) for i in range(folds)]


def one_after_the_other(
    pairs: Any, sizes: Any, x: Any, y: Any, making: dict[str, Any], **fit: Any
) -> dict[str, list[float]]:
    """Return the scores of networks that are trained alone."""
    found: dict[str, list[float]] = {}
    weights = fit.pop("sample_weight", None)
    for train, test in pairs:
        own = [None, None] if weights is None else [weights[train], weights[test]]
        nn = foxnn.neural_network(sizes, **making)
        nn.fit(x[train], y[train], sample_weight=own[0], progress=False, **fit)
        for name, value in nn.evaluate(x[test], y[test], own[1]).items():
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize(
    "fit",
    [
        {"epochs": 3},
        {"epochs": 8, "early_stopping": 1, "validation": 0.2, "learning_rate": 0.05},
        {"epochs": 2, "scale": "standard", "l2": 0.01, "dropout": 0.2},
        {"epochs": 2, "sample_weight": np.linspace(0.5, 2.0, 60)},
    ],
    ids=["plain", "stopped", "scaled", "weighted"],
)
def test_scores_are_those_of_one_after_the_other(fit: dict[str, Any]) -> None:
    pairs = pairs_of(60, 4)
    found = foxnn.cross_validate([4, 8, 2], X, Y, pairs, **MAKING, **fit)
    wanted = one_after_the_other(pairs, [4, 8, 2], X, Y, MAKING, **fit)
    assert {name: values.tolist() for name, values in found.items()} == wanted


def test_folds_have_all_classes() -> None:
    making = {"activation": "tanh", "output_activation": "softmax", "seed": 2}
    scores = foxnn.cross_validate([4, 8, 3], X, NAMES, 6, epochs=2, **making)
    assert scores["loss"].shape == scores["accuracy"].shape == (6,)
    again = foxnn.cross_validate([4, 8, 3], X, NAMES, 6, epochs=2, n_threads=1, **making)
    assert again["loss"].tobytes() == scores["loss"].tobytes()
    # The networks of these folds, one after the other.
    from foxnn.populations.folds import pairs_of as folds_by_seed

    pairs = folds_by_seed(foxnn.neural_network([4, 8, 3], "tanh", "softmax"), LABELS, 6, 2)
    wanted = one_after_the_other(pairs, [4, 8, 3], X, NAMES, making, epochs=2)
    assert scores["loss"].tolist() == wanted["loss"]
    assert sorted(np.concatenate([test for _, test in pairs])) == list(range(60))
    for _, test in pairs:
        counts = np.bincount(LABELS[test], minlength=3)
        assert abs(counts - np.bincount(LABELS) / 6).max() < 1


GRIDS: list[Any] = [
    {"learning_rate": [0.1, 0.001], "l2": [0.0, 0.1, 1.0]},
    [{"dropout": 0.5}, {"dropout": [0.1], "optimizer": "sgd"}, {"batch_size": 7, "l1": 0.01}],
    {"sizes": [[4, 3, 2], [4, 8, 8, 2]], "optimizer": [foxnn.Adam(beta_1=b) for b in (0.9, 0.5)]},
    {"optimizer": [foxnn.SGD(momentum=m) for m in (0.0, 0.9)] + ["sgd", "Adam"]},
    {"early_stopping": [None, 1], "seed": [1, 2], "scale": [None, "standard"]},
]


@pytest.mark.parametrize("grid", GRIDS, ids=["grid", "list", "layers", "optimizers", "more"])
def test_a_search_scores_every_setting(grid: Any) -> None:
    pairs = pairs_of(60, 3)
    found = foxnn.search([4, 8, 2], X, Y, grid, pairs, epochs=3, **MAKING)
    means = []
    for i, setting in enumerate(found.settings):
        making = MAKING | {k: v for k, v in setting.items() if k in ("sizes", "seed")}
        sizes = making.pop("sizes", [4, 8, 2])
        fit = {k: v for k, v in setting.items() if k not in ("sizes", "seed")}
        wanted = one_after_the_other(pairs, sizes, X, Y, making, epochs=3, **fit)
        assert found.scores["loss"][i].tolist() == wanted["loss"]
        means.append(np.mean(wanted["loss"]))
    assert found.best == found.settings[int(np.argmin(means))]
    assert found.best_score == min(means)
    assert found.ranking.tolist() == np.argsort(means, kind="stable").tolist()
    assert found.epochs.tolist() == [3] * len(found.settings)


def test_settings_that_differ_in_a_large_array_or_a_fitted_scaler() -> None:
    """What their texts have in common does not make them the same."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2000, 2)), rng.normal(size=(2000, 1))
    weights = np.ones((2, 2000))
    weights[0, 100:900], weights[1, 1000:1900] = 5, 50
    for grid in (
        [{"sample_weight": one} for one in weights],
        [{"scale": foxnn.Scaler("standard").fit(x * times)} for times in (1, 9)],
    ):
        told: dict[str, Any] = {"folds": 2, "epochs": 2, **MAKING}
        scores = foxnn.search([2, 4, 1], x, y, grid, **told).scores["loss"]
        assert scores[0].tolist() != scores[1].tolist()
        for own, setting in zip(scores, grid, strict=True):
            alone = foxnn.cross_validate([2, 4, 1], x, y, **told, **setting)
            assert own.tolist() == alone["loss"].tolist()


@pytest.mark.filterwarnings("ignore::foxnn.ConvergenceWarning")
def test_halving_ends_the_worse_half() -> None:
    pairs, rates = pairs_of(60, 3), [0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 1e-5, 1e-6]
    grid = {"learning_rate": rates}
    found = foxnn.search([4, 8, 2], X, Y, grid, pairs, epochs=16, halving=True, **MAKING)
    assert sorted(found.epochs.tolist()) == [2, 2, 2, 2, 4, 4, 8, 16]
    for i, rate in enumerate(rates):
        epochs = int(found.epochs[i])
        wanted = one_after_the_other(
            pairs, [4, 8, 2], X, Y, MAKING, epochs=epochs, learning_rate=rate
        )
        assert found.scores["loss"][i].tolist() == wanted["loss"]
    assert found.epochs[found.ranking].tolist() == sorted(found.epochs.tolist(), reverse=True)
    assert found.best["learning_rate"] == rates[int(found.epochs.argmax())]


def test_halving_is_over_all_populations() -> None:
    grid = [{"batch_size": b, "learning_rate": r} for b in (8, 16) for r in (0.03, 1e-5)]
    found = foxnn.search([4, 8, 2], X, Y, grid, 3, epochs=4, halving=True, **MAKING)
    assert sorted(found.epochs.tolist()) == [1, 1, 2, 4]
    assert {found.settings[i]["learning_rate"] for i in range(4) if found.epochs[i] > 1} == {0.03}


def test_a_setting_that_diverges_comes_last() -> None:
    grid = {"learning_rate": [1e30, 0.01]}
    with pytest.warns(foxnn.DataWarning):
        found = foxnn.search([4, 8, 2], 1e4 * X, Y, grid, 3, epochs=2, optimizer="sgd", **MAKING)
    assert np.isnan(found.scores["loss"][0]).any()
    assert found.ranking.tolist() == [1, 0]
    assert found.best == {"learning_rate": 0.01}


def test_accuracy_may_count() -> None:
    making = {"activation": "tanh", "output_activation": "softmax", "seed": 2}
    grid = {"learning_rate": [1e-5, 0.1]}
    found = foxnn.search([4, 8, 3], X, LABELS, grid, 3, monitor="accuracy", epochs=9, **making)
    means = found.scores["accuracy"].mean(axis=1)
    assert found.best_score == means.max()
    assert "accuracy=" in repr(found)
    with pytest.raises(ValueError, match="monitor must be 'loss'"):
        foxnn.search([4, 8, 2], X, Y, grid, 3, monitor="accuracy", **MAKING)


def test_results_are_tables() -> None:
    pytest.importorskip("pandas")
    found = foxnn.search([4, 8, 2], X, Y, {"l2": [0.1, 0.0]}, 3, epochs=1, **MAKING)
    table = found.to_pandas()
    assert list(table) == ["l2", "loss", "loss_deviation", "epochs"]
    assert table["loss"].tolist() == sorted(table["loss"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"folds": 1}, "folds must be an integer at least 2"),
        ({"folds": 61}, "folds must be at most 60"),
        ({"folds": [([0], [1], [2])]}, r"folds\[0\] must be a pair"),
        ({"folds": [([0, 60], [1])]}, "must be from 0 to 59"),
        ({"folds": []}, "folds must be at least one pair"),
        ({"folds": None}, "folds must be an integer"),
        ({"checkpoint": "run.safetensors"}, "checkpoint must be left out"),
        ({"callbacks": print}, "callbacks must be left out"),
        ({"epochs": "auto"}, "epochs must be"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"lr": 0.1}, "learning_rate"),
        ({"grid": {"l2": []}}, r"grid\['l2'\] must be a list of at least one value"),
        ({"grid": {"l2": 0.1}}, r"grid\['l2'\] must be a list of at least one value"),
        ({"grid": {"l3": [0.1]}}, "l3"),
        ({"grid": {"folds": [2, 3]}}, "folds must be given beside grid"),
        ({"grid": {"n_threads": [2]}}, "n_threads must be given beside grid"),
        ({"grid": {"l2": [0.1, -1.0]}}, "l2 in grid must be"),
        ({"grid": 3}, "grid must be a dict of lists"),
        ({"grid": []}, "grid must be a dict of lists"),
        ({"l2": 0.0}, "l2 must be given once"),
        ({"halving": 2}, "halving must be"),
        ({"monitor": "auc"}, "monitor must be"),
        ({"n_threads": -1}, "n_threads must be"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"grid": {"l2": [0.1, 0.2]}, "folds": 3, **MAKING}
    with pytest.raises((ValueError, TypeError), match=message):
        foxnn.search([4, 8, 2], X, Y, **given | arguments)
