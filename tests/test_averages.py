"""Ranks that make steps of their own and average their weights, `fit(average_every=...)`.

The ranks are threads here.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import shard_runs
import thread_ranks
from foxnn.model import state
from foxnn.training import mpi
from shard_runs import RUNS, borders_of, ended, made, told_of
from small_runs import bits


@pytest.fixture(autouse=True)
def _threads_are_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mpi, "ranks_of", thread_ranks.joined)


def on_ranks(size: int, name: str, every: Any, **more: Any) -> list[Any]:
    """Return what each rank ends with; arguments may be functions of the rank."""

    def one(communicator: Any) -> Any:
        rank = communicator.Get_rank()
        nn = made(RUNS[name])
        told = {"shards": 5} | told_of(RUNS[name], borders_of(size, rank)) | more
        told["average_every"] = every
        told = {key: value(rank) if callable(value) else value for key, value in told.items()}
        return ended(nn, nn.fit(**told, communicator=communicator))

    return thread_ranks.run(size, one)


@pytest.mark.parametrize("name", RUNS)
def test_ranks_end_alike_and_each_run_does(name: str) -> None:
    first = on_ranks(2, name, 2)
    assert first == [first[0]] * 2, first
    assert on_ranks(2, name, 2) == first


def test_the_result_depends_on_the_number_of_ranks_and_of_steps() -> None:
    found = {(size, every): on_ranks(size, "adam", every) for size in (2, 3) for every in (1, 3)}
    assert all(len(set(one)) == 1 for one in found.values())
    nn = made(RUNS["adam"])
    exact = ended(nn, nn.fit(**told_of(RUNS["adam"]), shards=5))
    assert len({one[0] for one in found.values()} | {exact}) == 5


@pytest.mark.parametrize("every", [1, 2, 100])
def test_one_rank_makes_the_steps_of_all(every: int) -> None:
    nn = made(RUNS["adamw, dropout"])
    expected = ended(nn, nn.fit(**told_of(RUNS["adamw, dropout"]), shards=5))
    assert on_ranks(1, "adamw, dropout", every) == [expected]


def test_ranks_without_shards_take_the_mean_of_the_others() -> None:
    found = on_ranks(4, "adam", 2, shards=2)
    assert found == [found[0]] * 4


def memory_of(nn: foxnn.neural_network) -> list[np.ndarray]:
    """Return the weights, and what the optimizer remembers of them, in one order."""
    found: list[np.ndarray] = []

    def add(value: Any) -> None:
        if isinstance(value, dict):
            for name in sorted(value, key=str):
                add(value[name])
        elif isinstance(value, list | tuple):
            for one in value:
                add(one)
        elif isinstance(value, np.ndarray) and value.dtype.kind == "f":
            found.append(value)

    add(state.memory_of(nn))
    return found


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_the_mean_is_that_of_runs_by_themselves(optimizer: str) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(48, 5)).astype("f4")
    y = np.stack([x[:, 0] * x[:, 1], x[:, 2]], axis=1)
    told = {"epochs": 1, "optimizer": optimizer, "learning_rate": 0.05, "shuffle": False}
    parts = [slice(0, 32), slice(32, 48)]  # with 3 shards: two of them, and one

    def one(communicator: Any) -> Any:
        nn = foxnn.neural_network([5, 7, 2], "tanh", "identity", seed=3)
        part = parts[1 - communicator.Get_rank()]
        nn.fit(
            x[part], y[part], batch_size=12, shards=3, average_every=100,
            communicator=communicator, **told,
        )  # fmt: skip
        return memory_of(nn)

    found = thread_ranks.run(2, one)
    alone = []
    # Rank after rank, the samples are those of the second part and then of the first.
    rows = np.r_[32:48, 0:32]
    for own, batch, shards in ((rows[:16], 4, 1), (rows[16:], 8, 2)):
        nn = foxnn.neural_network([5, 7, 2], "tanh", "identity", seed=3)
        nn.fit(x[own], y[own], batch_size=batch, shards=shards, **told)
        alone.append(memory_of(nn))
    assert len(alone[0]) == len(found[0]) > 3
    for left, right, *means in zip(*alone, *found, strict=True):
        expected = left + np.float32(2 / 3) * (right - left)
        assert [mean.tobytes() for mean in means] == [expected.tobytes()] * 2


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("FOXNN_FORCE_THREADS", threads)
        found += [*on_ranks(3, "adam", 2), *on_ranks(3, "adam", 2, shards=8)]
    assert found[:6] == found[6:12] == found[12:]


def test_frozen_layers_stay_as_they_are() -> None:
    def one(communicator: Any) -> Any:
        nn = foxnn.neural_network([5, 6, 2], "tanh", "identity", seed=1)
        nn[0].trainable = False
        before = nn[0].weights
        told = told_of(RUNS["adam"], borders_of(3, communicator.Get_rank()))
        nn.fit(**told, shards=16, average_every=3, communicator=communicator)
        return np.array_equal(before, nn[0].weights)

    assert thread_ranks.run(3, one) == [True] * 3


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "ValueError: average_every must be an integer at least 1, got 0"),
        (-3, "ValueError: average_every must be an integer at least 1, got -3"),
        (1.5, "TypeError: average_every must be an integer"),
        ("often", "TypeError: average_every must be an integer"),
        (True, "TypeError: average_every must be an integer"),
    ],
)
def test_wrong_values_are_refused_on_all_ranks(value: Any, message: str) -> None:
    found = [f"{type(one).__name__}: {one}" for one in on_ranks(2, "adam", value)]
    assert all(one.startswith(message) for one in found), found
    left, right = on_ranks(2, "adam", lambda rank: value if rank else 2)
    assert str(left) == f"rank 1 has ended with {message.split(':')[0]}: {right}"


def test_ranks_must_average_alike() -> None:
    for other in (3, None):
        found = on_ranks(2, "adam", lambda rank, other=other: other if rank else 2)
        said = f"average_every must be the same on all ranks, got 2 on rank 0 and {other} on rank 1"
        assert [str(one) for one in found] == [said] * 2


def test_it_goes_with_a_communicator_only() -> None:
    nn = made(RUNS["adam"])
    before = bits(nn)
    with pytest.raises(ValueError, match="average_every must be None without a communicator, got"):
        nn.fit(**told_of(RUNS["adam"]), shards=5, average_every=2)
    assert bits(nn) == before


class StopsAfter:
    """Ends a run after some averages, on one rank."""

    def __init__(self, rank: int, averages: int) -> None:
        self._left = averages if rank == 1 else -1
        self.seen: list[int] = []

    def on_batch_end(self, batch: int, logs: dict[str, float]) -> bool:
        self.seen.append(batch)
        self._left -= 1
        return self._left == 0


def resumed(path: Path, size: int, name: str) -> list[Any]:
    def one(communicator: Any) -> str:
        rows = borders_of(size, communicator.Get_rank())
        given = {key: value[rows] for key, value in shard_runs.data_of(RUNS[name].data).items()}
        return ended(*foxnn.resume(path, **given, communicator=communicator))

    return thread_ranks.run(size, one)


@pytest.mark.parametrize("averages", [2, 3, 5])
def test_a_run_is_resumed_on_as_many_ranks(averages: int, tmp_path: Path) -> None:
    path, name = tmp_path / "run.safetensors", "adamw, dropout"
    expected = on_ranks(3, name, 2)
    calls = [StopsAfter(rank, averages) for rank in range(3)]
    on_ranks(3, name, 2, callbacks=lambda rank: calls[rank], checkpoint=path)
    assert calls[0].seen == calls[2].seen == [0, 2, 4, 0, 2, 4, 0][:averages]
    for size in (2, 4):
        said = f"communicator must have 3 ranks, as the run had: with average_every .*; got {size}"
        for error in resumed(path, size, name):
            with pytest.raises(ValueError, match=said):
                raise error
    with pytest.raises(ValueError, match=r"communicator must have 3 ranks, .*; got None"):
        foxnn.resume(path, **shard_runs.data_of(RUNS[name].data))
    assert resumed(path, 3, name) == expected


HERE = threading.local()


def failing(outputs: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a loss, unless its calls on this rank are over."""
    HERE.left = getattr(HERE, "left", -1) - 1
    if HERE.left == 0:
        raise LookupError("no such thing")
    return shard_runs.two_thirds(outputs, targets)


def test_a_rank_that_fails_between_two_averages_leaves_the_checkpoint_before(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.safetensors"

    def run(last_call: int, **more: Any) -> list[Any]:
        def one(communicator: Any) -> str:
            rank = communicator.Get_rank()
            HERE.left = last_call if rank == 1 else -1
            nn = foxnn.neural_network([5, 7, 2], "tanh", "identity", loss=failing, seed=5)
            told = told_of(RUNS["adam"], borders_of(3, rank)) | more
            told |= {"shards": 3, "average_every": 4, "check_loss": False}
            return ended(nn, nn.fit(**told, communicator=communicator))

        return thread_ranks.run(3, one)

    expected = run(-1)
    # Six steps make an epoch: the ninth is between the means after the sixth and the tenth.
    found = run(9, checkpoint=path)
    assert isinstance(found[1], LookupError)
    said = "rank 1 has ended with LookupError: no such thing"
    assert [str(one) for one in found[::2]] == [said] * 2
    assert resumed(path, 3, "adam") == expected


def test_divergence_is_that_of_all() -> None:
    found = on_ranks(3, "adam", 3, optimizer="sgd", learning_rate=1e38)
    assert all(isinstance(one, foxnn.DivergedError) for one in found), found
    assert len({str(one) for one in found}) == 1


def test_it_learns() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (900, 2)).astype("f4")
    y = (x[:, 0] * x[:, 1] > 0).astype(int)

    def one(communicator: Any) -> float:
        nn = foxnn.neural_network([2, 16, 16, 2], "tanh", "softmax", seed=1)
        rows = slice(communicator.Get_rank(), None, 3)
        told = {"epochs": 60, "learning_rate": 0.01, "shards": 6, "average_every": 4}
        nn.fit(x[rows], y[rows], communicator=communicator, **told)
        return nn.evaluate(x, y)["accuracy"]

    found = thread_ranks.run(3, one)
    assert found == [found[0]] * 3
    assert found[0] > 0.97
