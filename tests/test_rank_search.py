"""Searches and cross-validation on several ranks, which are threads here: the same scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import foxnn
import thread_ranks
from foxnn.populations import together
from foxnn.training import joined, mpi
from small_runs import LABELS, X, Y

MAKING: dict[str, Any] = {"activation": "tanh", "output_activation": "identity", "seed": 4}
# Of two settings a population each, and of two more together.
GRID: list[dict[str, Any]] = [
    {"learning_rate": 0.1}, {"learning_rate": 0.01, "seed": 9}, {"batch_size": 8}, {"epochs": 4},
]  # fmt: skip


@pytest.fixture(autouse=True)
def _threads_are_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (mpi, joined):
        monkeypatch.setattr(module, "ranks_of", thread_ranks.joined)


def searched(world: Any = None, grid: Any = GRID, **told: Any) -> Any:
    given = MAKING | {"epochs": 3, "folds": 3} | told
    if isinstance(grid, list) and any("epochs" in one for one in grid):
        grid = [{"epochs": 3} | one for one in grid]
        del given["epochs"]
    return foxnn.search([4, 8, 2], X, Y, grid, communicator=world, **given)


def check(found: Any, wanted: Any) -> None:
    assert not isinstance(found, BaseException), found
    for name, numbers in wanted.scores.items():
        assert found.scores[name].tobytes() == numbers.tobytes()
    assert found.epochs.tolist() == wanted.epochs.tolist()
    assert found.ranking.tolist() == wanted.ranking.tolist()
    assert found.best == wanted.best


@pytest.mark.parametrize("halving", [False, True])
def test_ranks_find_what_one_process_does(halving: bool) -> None:
    wanted = searched(halving=halving)
    for size in (1, 2, 3, 4, 13):  # more ranks than networks, too
        for found in thread_ranks.run(size, lambda world: searched(world, halving=halving)):
            check(found, wanted)


def test_ranks_that_are_met_within_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "PAUSE", 0.0)
    wanted = searched(grid=GRID[:2], batch_size=1)
    for found in thread_ranks.run(3, lambda world: searched(world, GRID[:2], batch_size=1)):
        check(found, wanted)


def test_folds_are_divided() -> None:
    names = np.array(["b", "a", "c"])[LABELS]
    told: dict[str, Any] = {
        "output_activation": "softmax", "epochs": 3, "activation": "tanh", "validation": 0.2,
        "early_stopping": 1, "sample_weight": np.linspace(1, 2, 60),
    }  # fmt: skip
    wanted = foxnn.cross_validate([4, 8, 3], X, names, 5, seed=2, **told)
    for size in (2, 4, 7):
        for found in thread_ranks.run(
            size,
            lambda world: foxnn.cross_validate(
                [4, 8, 3], X, names, 5, seed=2, communicator=world, **told
            ),
        ):
            assert not isinstance(found, BaseException), found
            assert list(found) == ["loss", "accuracy"]
            assert all(found[name].tobytes() == wanted[name].tobytes() for name in wanted)


def test_without_a_seed_all_ranks_take_the_same() -> None:
    found = thread_ranks.run(2, lambda world: searched(world, seed=None, grid=GRID[:1]))
    check(found[0], found[1])


def test_scores_without_a_number_come_last() -> None:
    grid = {"learning_rate": [1e30, 0.01], "optimizer": ["sgd"]}
    wanted = searched(grid=grid)
    assert np.isnan(wanted.scores["loss"][0]).all()
    for found in thread_ranks.run(2, lambda world: searched(world, grid=grid)):
        check(found, wanted)


def fails(size: int, body: Callable[[Any, int], Any]) -> list[str]:
    found = thread_ranks.run(size, lambda world: body(world, world.Get_rank()))
    assert all(isinstance(error, Exception) for error in found), found
    return [f"{type(error).__name__}: {error}" for error in found]


def test_a_setting_that_is_refused_is_refused_by_all_as_alone() -> None:
    grid = {"learning_rate": [0.1, 0.2, -1.0]}
    with pytest.raises(ValueError, match="learning_rate in grid must be") as alone:
        searched(grid=grid)
    found = fails(3, lambda world, rank: searched(world, grid=grid))
    assert found == [f"ValueError: {alone.value}"] * 3


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("batch_size", {"batch_size": lambda rank: 8 + rank}),
        ("grid", {"grid": lambda rank: {"learning_rate": [0.1 + rank]}}),
        ("folds (by their hash)", {"folds": lambda rank: 3 + rank}),
        ("seed", {"seed": lambda rank: rank}),
        ("halving", {"halving": lambda rank: bool(rank)}),
        ("sample_weight", {"sample_weight": lambda rank: np.ones(60) + rank}),
    ],
)
def test_differences_are_refused_on_all_ranks(said: str, told: dict[str, Any]) -> None:
    def one(world: Any, rank: int) -> Any:
        return searched(world, **({"grid": GRID[:1]} | {n: f(rank) for n, f in told.items()}))

    found = fails(2, one)
    assert found == [found[0]] * 2
    assert found[0].startswith(f"ValueError: {said} must be the same on all ranks, got ")


def test_other_samples_are_refused_on_all_ranks() -> None:
    found = fails(
        2,
        lambda world, rank: foxnn.cross_validate(
            [4, 2], X + rank, Y, 3, seed=1, communicator=world
        ),
    )
    assert found == [found[0]] * 2
    assert found[0].startswith("ValueError: x (by its hash) must be the same on all ranks")


def test_what_one_rank_refuses_ends_all() -> None:
    first, second = fails(2, lambda world, rank: searched(world, monitor=["loss", "los"][rank]))
    assert second.startswith("ValueError: monitor must be")
    assert first == f"RankError: rank 1 has ended with {second}"


def test_progress_may_differ_within_a_grid() -> None:
    grid = [{"progress": False}, {"progress": True, "l2": 0.1}]
    wanted = searched(grid=grid)
    for found in thread_ranks.run(2, lambda world: searched(world, grid)):
        check(found, wanted)


def test_a_seed_on_one_rank_alone_is_refused() -> None:
    def search(world: Any) -> Any:
        return searched(world, seed=None if world.Get_rank() == 0 else 0)

    for found in thread_ranks.run(2, search):
        assert isinstance(found, ValueError), found
        assert "seed must be the same on all ranks, got None on rank 0" in str(found)


def test_rank_0_warns_of_networks_that_others_have() -> None:
    grid = {"output_activation": ["identity", "sigmoid"]}
    making = {name: value for name, value in MAKING.items() if name != "output_activation"}

    def search(world: Any) -> Any:
        return foxnn.search([4, 8, 2], X, 9 * Y, grid, 2, epochs=1, communicator=world, **making)

    with pytest.warns(foxnn.DataWarning, match="sigmoid outputs go from 0 to 1"):
        search(None)
    with pytest.warns(foxnn.DataWarning, match="sigmoid outputs go from 0 to 1"):
        thread_ranks.run(2, search)
