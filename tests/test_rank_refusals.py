"""What one rank refuses before it has begun: the others hear of it, and none of them waits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import thread_ranks
from foxnn.training import joined, mpi

X, Y = np.ones((8, 5)), np.ones((8, 2))


@pytest.fixture(autouse=True)
def _threads_are_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (mpi, joined):
        monkeypatch.setattr(module, "ranks_of", thread_ranks.joined)


def network() -> foxnn.neural_network:
    return foxnn.neural_network([5, 3, 2], "tanh", "identity", seed=1)


def ends(call: Callable[[Any, bool], Any], size: int = 3) -> list[str]:
    """Return the errors of all ranks; the call hears whether it is the rank that errs."""

    def one(communicator: Any) -> Any:
        return call(communicator, communicator.Get_rank() == 1)

    found = thread_ranks.run(size, one)
    assert all(isinstance(error, Exception) for error in found), found
    return [f"{type(error).__name__}: {error}" for error in found]


def check_carried(found: list[str], said: str) -> None:
    """Check that the second rank says so, and all others that it has."""
    assert found[1].startswith(said)
    assert {*found[:1], *found[2:]} == {f"RankError: rank 1 has ended with {found[1]}"}


CALLS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "fit": lambda world, more: network().fit(X, Y, 1, communicator=world, **more),
    "predict": lambda world, more: network().predict(X, communicator=world, **more),
    "evaluate": lambda world, more: network().evaluate(X, Y, communicator=world, **more),
    "population.get_out": lambda world, more: POPULATION.get_out(X, communicator=world, **more),
}


@pytest.mark.parametrize("call", CALLS)
def test_an_unknown_argument_is_carried(call: str) -> None:
    found = ends(lambda world, errs: CALLS[call](world, {"epoch": 2} if errs else {}))
    check_carried(found, f"TypeError: {call} has no argument 'epoch'")


POPULATION = foxnn.population(2, [5, 3, 2], "tanh", "identity", seed=1)
FORGOTTEN: dict[str, tuple[Callable[..., Any], tuple[Any, ...], str]] = {
    "fit": (lambda *given, **more: network().fit(*given, **more), (X, Y), "'y'"),
    "predict": (lambda *given, **more: network().predict(*given, **more), (X,), "'x'"),
    "evaluate": (lambda *given, **more: network().evaluate(*given, **more), (X, Y), "'y'"),
    "population.get_out": (POPULATION.get_out, (X,), "'x'"),
    "population.predict": (POPULATION.predict, (X,), "'x'"),
    "population.fit": (POPULATION.fit, (X, Y), "'y'"),
    "population.evaluate": (POPULATION.evaluate, (X, Y), "'y'"),
    "population.evolve": (POPULATION.evolve, (len,), "'fitness'"),
    "cross_validate": (foxnn.cross_validate, ([5, 2], X, Y), "'y'"),
    "search": (foxnn.search, ([5, 2], X, Y, {"l2": [0.0, 0.1]}), "'grid'"),
}


@pytest.mark.parametrize("call", FORGOTTEN)
def test_a_forgotten_argument_is_carried(call: str) -> None:
    called, given, name = FORGOTTEN[call]
    found = ends(
        lambda world, errs: called(*given[: len(given) - errs], communicator=world), size=2
    )
    check_carried(found, "TypeError: ")
    assert f"missing 1 required positional argument: {name}" in found[1]


def test_a_forgotten_checkpoint_is_carried(tmp_path: Path) -> None:
    given = {"name_file": checkpoint(tmp_path), "x": X, "y": Y}
    found = ends(
        lambda world, errs: foxnn.resume(
            **{name: one for name, one in given.items() if not errs or name != "name_file"},
            communicator=world,
        )
    )
    check_carried(found, "TypeError: ")
    assert "'name_file'" in found[1]


def test_one_argument_too_many_is_carried() -> None:
    found = ends(
        lambda world, errs: network().evaluate(X, Y, *[None] * (6 * errs), communicator=world)
    )
    check_carried(found, "TypeError: ")
    assert "positional arguments but" in found[1]
    found = ends(lambda world, errs: network().predict(X, *[None] * (2 * errs), communicator=world))
    check_carried(found, "TypeError: predict takes x, lengths by position, communicator by keyword")
    found = ends(
        lambda world, errs: POPULATION.get_out(X, *[False] * (2 * errs), communicator=world)
    )
    check_carried(found, "TypeError: population.get_out takes x, each by position")


def test_an_error_within_a_call_is_told_once() -> None:
    # A TypeError of a callback is not one of Python's before the call.
    def fails(epoch: int, logs: Any) -> None:
        raise TypeError("no")

    found = ends(lambda world, errs: CALLS["fit"](world, {"callbacks": fails} if errs else {}))
    check_carried(found, "TypeError: no")


def test_a_wrong_argument_is_carried() -> None:
    found = ends(lambda world, errs: CALLS["fit"](world, {"batch_size": 0 if errs else 2}))
    check_carried(found, "ValueError: batch_size must be an integer")
    found = ends(lambda world, errs: CALLS["evaluate"](world, {"metrics": "r3" if errs else "r2"}))
    check_carried(found, "ValueError: metrics")


def checkpoint(folder: Path) -> Path:
    """Return the checkpoint of a run in shards that has been stopped."""
    path = folder / "run.safetensors"
    network().fit(X, Y, 3, shards=4, checkpoint=path, callbacks=lambda epoch, logs: True)
    return path


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"epoch": 4}, "TypeError: resume has no argument 'epoch'"),
        ({"epochs": 0}, "ValueError: epochs must be an integer"),
        ({"sample_weight": np.ones(8)}, "ValueError: sample_weight must be left out"),
        ({"rows": [0]}, "ValueError: rows must be left out for a network"),
        ({"generations": 4}, "ValueError: generations must be left out"),
        ({"y": None}, "TypeError: resume must be given x and y"),
        ({"name_file": 3}, "TypeError: name_file must be"),
        ({"callbacks": 3}, "TypeError: callbacks"),
    ],
)
def test_what_resume_refuses_is_carried(wrong: dict[str, Any], said: str, tmp_path: Path) -> None:
    path = checkpoint(tmp_path)

    def resumed(world: Any, errs: bool) -> Any:
        given: dict[str, Any] = {"name_file": path, "x": X, "y": Y} | (wrong if errs else {})
        return foxnn.resume(**given, communicator=world)

    check_carried(ends(resumed), said)


def test_another_checkpoint_on_one_rank_is_refused_on_all(tmp_path: Path) -> None:
    path, other = checkpoint(tmp_path), tmp_path / "other.safetensors"
    network().fit(X, Y, 2, shards=4, checkpoint=other)
    found = ends(
        lambda world, errs: foxnn.resume(other if errs else path, X, Y, communicator=world)
    )
    assert found == [found[0]] * 3
    assert found[0].startswith("ValueError: the checkpoint (by its hash) must be the same on all r")


@pytest.mark.parametrize(
    ("argument", "first", "second"),
    [("checkpoint", None, "a.safetensors"), ("checkpoint_every", 1, 2)],
)
def test_where_a_checkpoint_is_written_is_the_same_on_all_ranks(
    argument: str, first: Any, second: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = ends(lambda world, errs: CALLS["fit"](world, {argument: second if errs else first}))
    said = f"{argument} must be the same on all ranks, got {first!r} on rank 0 and {second!r} on "
    assert found == [f"ValueError: {said}rank 1"] * 3
    assert list(tmp_path.iterdir()) == []
