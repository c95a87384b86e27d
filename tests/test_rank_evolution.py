"""Evolutions on several ranks, which are threads here: the bytes of one process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import thread_ranks
from foxnn import evolution
from foxnn.training import joined, mpi
from test_evolution import RULES, parabola, rule_of

MEMBERS = 6


@pytest.fixture(autouse=True)
def _threads_are_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (mpi, joined):
        monkeypatch.setattr(module, "ranks_of", thread_ranks.joined)


def population(seed: int = 1) -> foxnn.population:
    return foxnn.population(MEMBERS, [2, 3], seed=seed)


def evolved(name: str, world: Any = None, **told: Any) -> tuple[foxnn.population, Any]:
    pop, rule = population(), rule_of(name)
    pop.evolve(**({"fitness": parabola, "generations": 5} | told), rule=rule, communicator=world)
    return pop, rule


def ends(pop: foxnn.population, rule: Any) -> list[Any]:
    """Return what an evolution ends with, all but its seconds."""
    history = rule.history
    return [
        pop.parameters.tobytes(), history["best"].tobytes(), history["mean"].tobytes(),
        history.scores.tobytes(), foxnn.population([rule.best(pop)]).parameters.tobytes(),
    ]  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_ranks_end_with_the_evolution_of_one_process(name: str) -> None:
    wanted = ends(*evolved(name))
    for size in (1, 2, 3, 4, 8):  # more ranks than members, too
        found = thread_ranks.run(size, lambda world: evolved(name, world))
        for one in found:
            assert not isinstance(one, BaseException), one
            assert ends(*one) == wanted
        assert len({rule.history["seconds"].tobytes() for _, rule in found}) == 1


def test_fitness_gets_the_members_of_its_rank_and_what_the_user_has_put_on_them() -> None:
    seen: dict[int, Any] = {}

    def one(world: Any) -> None:
        pop = population()
        pop.goal = 1.0

        def fitness(some: Any) -> Any:
            assert some.goal == 1.0
            seen[world.Get_rank()] = some.seeds
            return parabola(some)

        pop.evolve(fitness, 2, communicator=world)

    assert thread_ranks.run(4, one) == [None] * 4
    assert seen == {0: [1], 1: [2, 3], 2: [4], 3: [5, 6]}


class Stops:
    """Ends an evolution after a generation, on one rank."""

    def __init__(self, generation: int, is_here: bool) -> None:
        self._generation, self._is_here = generation, is_here

    def on_epoch_end(self, generation: int, logs: dict[str, Any]) -> bool:
        assert logs["scores"].shape == (MEMBERS,)
        return self._is_here and generation == self._generation


@pytest.mark.parametrize("name", ["genetic", "strategy", "cma"])
def test_a_stop_is_one_of_all_and_resumes_on_other_ranks(name: str, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"

    def one(world: Any) -> Any:
        stops = Stops(2, is_here=world.Get_rank() == 1)
        return evolved(name, world, callbacks=stops, checkpoint=path)

    for _, rule in thread_ranks.run(3, one):
        assert rule.generation == 3
    wanted, written = evolved(name), path.read_bytes()

    def check(pop: foxnn.population, history: Any) -> None:
        assert pop.parameters.tobytes() == wanted[0].parameters.tobytes()
        assert history["best"].tobytes() == wanted[1].history["best"].tobytes()

    for size in (2, 8):
        path.write_bytes(written)
        for found in thread_ranks.run(
            size, lambda world: foxnn.resume(path, fitness=parabola, communicator=world)
        ):
            assert not isinstance(found, BaseException), found
            check(*found)
    path.write_bytes(written)
    check(*foxnn.resume(path, fitness=parabola))


def test_a_target_and_a_time_limit_are_those_of_all() -> None:
    alone = evolved("genetic", generations=50, target=-2.5)[1].generation
    assert alone < 50
    found = thread_ranks.run(
        3, lambda world: evolved("genetic", world, generations=50, target=-2.5)
    )
    assert [rule.generation for _, rule in found] == [alone] * 3
    found = thread_ranks.run(
        2, lambda world: evolved("genetic", world, generations=10**6, time_limit=0.2)
    )
    assert 0 < found[0][1].generation == found[1][1].generation < 10**6


def fails(size: int, body: Callable[[Any, int], Any]) -> list[str]:
    found = thread_ranks.run(size, lambda world: body(world, world.Get_rank()))
    assert all(isinstance(error, Exception) for error in found), found
    return [f"{type(error).__name__}: {error}" for error in found]


def test_a_fitness_that_fails_ends_all_and_the_last_generation_stays(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    every = [population() for _ in range(3)]
    rules = [evolution.Genetic() for _ in range(3)]

    def one(world: Any, rank: int) -> Any:
        calls: list[int] = []

        def fitness(pop: Any) -> Any:
            calls.append(1)
            return parabola(pop) / (1 // (rank != 1 or len(calls) < 4))

        every[rank].evolve(
            fitness, 9, rules[rank], checkpoint=path, checkpoint_every=7, communicator=world
        )

    own = "ZeroDivisionError: integer division or modulo by zero"
    other = f"RankError: rank 1 has ended with {own}"
    assert fails(3, one) == [other, own, other]
    wanted = population()
    wanted.evolve(parabola, 3)
    for pop, rule in zip(every, rules, strict=True):
        assert rule.generation == 3
        assert pop.parameters.tobytes() == wanted.parameters.tobytes()
    assert foxnn.population(path).parameters.tobytes() == wanted.parameters.tobytes()


def test_scores_of_other_members_are_refused() -> None:
    found = fails(
        3, lambda world, rank: population().evolve(lambda pop: np.ones(6), 1, communicator=world)
    )
    said = (
        "fitness must return a finite number for each of the 2 members, got an array of shape (6,)"
    )
    assert found == [f"ValueError: on rank {rank} of 3, {said}" for rank in range(3)]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("rule must", {"rule": lambda rank: RULES[["genetic", "strategy"][rank]]()}),
        ("elite of the options of rule", {"rule": lambda rank: evolution.Genetic(elite=1 + rank)}),
        ("generations", {"generations": lambda rank: 2 + rank}),
        ("target", {"target": lambda rank: [None, 1.0][rank]}),
        ("checkpoint", {"checkpoint": lambda rank: [None, "no.safetensors"][rank]}),
    ],
)
def test_differences_are_refused_on_all_ranks(said: str, told: dict[str, Any]) -> None:
    def one(world: Any, rank: int) -> Any:
        given = {name: value(rank) for name, value in told.items()}
        return population().evolve(parabola, **({"generations": 2} | given), communicator=world)

    found = fails(2, one)
    assert found == [found[0]] * 2
    assert found[0].startswith(f"ValueError: {said}")
    assert " be the same on all ranks, got " in found[0]


class Drawn(evolution.Genetic):
    """A rule of one's own, which draws other candidates on each rank."""

    _has_exact_bits = False

    def __init__(self, rank: int) -> None:
        super().__init__()
        self._rank = rank

    def _next(self, values: Any, threads: int) -> Any:
        return values + self._rank * (self.generation == 2)


def test_candidates_that_differ_are_refused_on_all_ranks() -> None:
    found = fails(
        2, lambda world, rank: population().evolve(parabola, 5, Drawn(rank), communicator=world)
    )
    assert found == [found[0]] * 2
    said = (
        "ValueError: the candidates of generation 2 (by their hash) must be the same on all ranks"
    )
    assert found[0].startswith(said)


def test_what_one_rank_refuses_ends_all() -> None:
    def one(world: Any, rank: int) -> Any:
        wrong: dict[str, Any] = {"speed": 1} if rank else {}
        return population().evolve(parabola, 5, communicator=world, **wrong)

    first, second = fails(2, one)
    assert second.startswith("TypeError: population.evolve has no argument 'speed'")
    assert first == f"RankError: rank 1 has ended with {second}"


def test_fitness_sees_what_callbacks_change() -> None:
    def evolved(world: Any = None) -> Any:
        pop = foxnn.population(5, [2, 3, 1], seed=1)
        pop.level = 0.0
        seen = []

        def fitness(some: Any) -> Any:
            seen.append(some.level)
            return some.get_out([1.0, 1.0])[:, 0] + some.level

        def more(*_: Any) -> None:
            pop.level += 1.0

        pop.evolve(fitness, 3, callbacks=more, communicator=world, progress=False)
        return seen, pop.get_out([1.0, 1.0]).tobytes()

    wanted = evolved()
    assert wanted[0] == [0.0, 1.0, 2.0]
    for found in thread_ranks.run(2, evolved):
        assert found == wanted
