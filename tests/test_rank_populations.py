"""Populations on several ranks, which are threads here: the bytes of one process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import thread_ranks
from foxnn.populations import loop
from foxnn.training import joined, mpi
from small_runs import LABELS, X, Y
from test_population_fit import RATES, check

# Targets and inputs are whatever the cases take.
pytestmark = pytest.mark.filterwarnings("ignore::foxnn.DataWarning")

SIZES = (2, 3, 7)  # more ranks than members, too
MEMBERS = 5


@pytest.fixture(autouse=True)
def _threads_are_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (mpi, joined):
        monkeypatch.setattr(module, "ranks_of", thread_ranks.joined)


def population(output: str = "identity", outputs: int = 2, **options: Any) -> foxnn.population:
    return foxnn.population(MEMBERS, [4, 8, outputs], "tanh", output, **{"seed": 5, **options})


def normed() -> foxnn.population:
    layers = [4, foxnn.Dense(6), foxnn.BatchNorm(), foxnn.Dropout(0.2), foxnn.Dense(2)]
    return foxnn.population(MEMBERS, layers, "tanh", "identity", seed=5)


def sequences() -> foxnn.population:
    return foxnn.population(MEMBERS, [(None, 2), foxnn.GRU(3), 2], "tanh", "identity", seed=5)


rng = np.random.default_rng(3)
FIVE = [*RATES, 0.02]
NAMES = np.array(["b", "a", "c"])[LABELS]
STEPS = [rng.normal(size=(n, 2)) for n in rng.integers(1, 6, 60)]
# How a population is made, its samples, and what `fit` is told beside them.
CASES: dict[str, tuple[Callable[[], foxnn.population], Any, Any, dict[str, Any]]] = {
    "rates": (population, X, Y, {"learning_rate": FIVE, "l2": 0.01}),
    "float64, weights of members": (
        lambda: population(dtype="float64"), X, Y,
        {"sample_weight": rng.uniform(0.1, 2, (MEMBERS, 60)), "scale": "standard"},
    ),
    "rows, a share, stopping": (
        population, X, Y,
        {
            "rows": [*(rng.permutation(60)[:n] for n in (30, 50, 40, 20)), None], "epochs": 9,
            "validation": 0.25, "early_stopping": [1, None, 2, 1, 1], "learning_rate": FIVE,
            "scale": "minmax",
        },
    ),
    "classes": (
        lambda: population("softmax", 3), X, NAMES,
        {"class_weight": "balanced", "dropout": 0.2, "validation": (X[:20], NAMES[:20])},
    ),
    "a schedule": (population, X, Y, {"schedule": lambda epoch: 0.01 / (epoch + 1)}),
    "batch normalization": (normed, X, Y, {"clip_norm": 0.5, "optimizer": "sgd"}),
    "sequences": (sequences, STEPS, Y, {"batch_size": 9}),
}  # fmt: skip


def trained(case: str, communicator: Any = None, **more: Any) -> foxnn.population:
    make, x, y, told = CASES[case]
    pop = make()
    pop.fit(x, y, **({"epochs": 3} | told | more), communicator=communicator)
    return pop


def check_same(found: foxnn.population, wanted: foxnn.population) -> None:
    """Check that members and histories are the same, to the last bit."""
    assert found.history is not None
    assert wanted.history is not None
    for i in range(MEMBERS):
        check(found[i], wanted[i])
        here, there = dict(found.history.of(i)), dict(wanted.history.of(i))
        del here["seconds"], there["seconds"]
        assert here == there
    assert found.history.epochs == wanted.history.epochs
    assert found.parameters.tobytes() == wanted.parameters.tobytes()  # as the engine has them


@pytest.mark.parametrize("case", CASES)
def test_ranks_end_with_the_population_of_one_process(case: str) -> None:
    wanted = trained(case)
    for size in (1, *SIZES, 4) if case == "rates" else SIZES:
        found = thread_ranks.run(size, lambda world: trained(case, world))
        for pop in found:
            assert not isinstance(pop, BaseException), pop
            check_same(pop, wanted)
        seconds = [pop.history["seconds"].tobytes() for pop in found]
        assert len(set(seconds)) == 1


class Stops:
    """Ends a run after an epoch, on one rank; sees the weights of all members."""

    def __init__(self, epoch: int, is_here: bool) -> None:
        self._epoch, self._is_here = epoch, is_here
        self.seen: list[bytes] = []

    def on_train_begin(self, pop: foxnn.population) -> None:
        self._pop = pop

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> bool:
        assert logs["loss"].shape == logs["learning_rate"].shape == (MEMBERS,)
        self.seen.append(self._pop.parameters.tobytes())
        return self._is_here and epoch == self._epoch


def test_callbacks_see_all_members_and_their_stop_is_one_of_all() -> None:
    alone = Stops(1, is_here=True)
    wanted = trained("rates", callbacks=alone)
    every = [Stops(1, is_here=rank == 2) for rank in range(3)]
    found = thread_ranks.run(
        3, lambda world: trained("rates", world, callbacks=every[world.Get_rank()])
    )
    for pop, own in zip(found, every, strict=True):
        check_same(pop, wanted)
        assert own.seen == alone.seen


def test_a_population_is_not_changed_while_any_member_trains() -> None:
    def one(world: Any) -> list[str]:
        pop, said = population(), []

        def change(epoch: int, logs: dict[str, Any]) -> None:
            with pytest.raises(RuntimeError, match="cannot be changed while it trains") as raised:
                pop.parameters = np.zeros(pop.parameters.shape)
            with pytest.raises(RuntimeError, match="the population is already training"):
                pop.fit(X, Y)
            said.append(str(raised.value))

        pop.fit(X, Y, 2, callbacks=change, communicator=world)
        return said

    for found in thread_ranks.run(3, one):
        assert not isinstance(found, BaseException), found
        assert len(found) == 2


def fails(case: str, size: int, **more: Callable[[int], Any]) -> list[str]:
    """Return the errors of all ranks; `more` are arguments as functions of the rank."""

    def one(world: Any) -> Any:
        return trained(case, world, **{name: f(world.Get_rank()) for name, f in more.items()})

    found = thread_ranks.run(size, one)
    assert all(isinstance(error, Exception) for error in found), found
    return [f"{type(error).__name__}: {error}" for error in found]


def test_a_rank_that_fails_ends_all_and_the_checkpoint_resumes_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"

    def failing(rank: int) -> Any:
        return lambda epoch, logs: 1 // (rank != 1 or epoch < 4)

    case = "rows, a share, stopping"
    found = fails(case, 3, callbacks=failing, checkpoint=lambda rank: path)
    own = "ZeroDivisionError: integer division or modulo by zero"
    assert found == [f"RankError: rank 1 has ended with {own}", own, found[0]]
    wanted, written = trained(case), path.read_bytes()
    _, x, y, told = CASES[case]
    for size in (2, 7):
        path.write_bytes(written)
        resumed = thread_ranks.run(
            size, lambda world: foxnn.resume(path, x, y, rows=told["rows"], communicator=world)
        )
        for pop, history in resumed:
            assert history is pop.history
            check_same(pop, wanted)
    path.write_bytes(written)
    check_same(foxnn.resume(path, x, y, rows=told["rows"])[0], wanted)


def test_a_run_that_ends_within_an_epoch_resumes_on_other_ranks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "PAUSE", 0.001)  # so ranks meet within the epoch, too
    path = tmp_path / "run.safetensors"
    count = 40_000  # of which an epoch takes some times as long as until the first poll
    x, y = rng.normal(size=(count, 4)), rng.normal(size=(count, 2))
    told: dict[str, Any] = {"epochs": 2, "batch_size": 1, "learning_rate": RATES[1:]}
    whole = population()[:3]
    whole.fit(x, y, **told)

    def one(world: Any, seconds: float) -> list[int]:
        pop = population()[:3]
        pop.fit(x, y, **told, time_limit=seconds, checkpoint=path, communicator=world)
        return [member._steps() for member in pop]

    for milliseconds in (2, 4, 8, 16, 32, 64, 128):  # until it is within an epoch on any machine
        steps = thread_ranks.run(4, lambda world: one(world, milliseconds / 1000))  # noqa: B023
        assert steps == [steps[0]] * 4
        if max(steps[0]) > 0:
            break
    assert max(steps[0]) > 0
    assert min(steps[0]) < 2 * count
    for pop, history in thread_ranks.run(
        2, lambda world: foxnn.resume(path, x, y, communicator=world)
    ):
        assert history["loss"].tobytes() == whole.history["loss"].tobytes()
        for i in range(3):
            check(pop[i], whole[i])


def test_a_rank_hears_of_a_failure_within_its_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "PAUSE", 0.02)
    count = 2_000_000  # in steps, an epoch of a second or more
    x = np.ones((count, 1), np.float32)
    pops = [foxnn.population(2, [1, 4, 1], seed=1) for _ in range(2)]
    of_course = loop.PopulationLoop._stop_if_over

    def failing(self: Any) -> bool:
        if self._own.start == 1:
            raise LookupError("no such thing")
        return of_course(self)

    monkeypatch.setattr(loop.PopulationLoop, "_stop_if_over", failing)

    def one(world: Any) -> Any:
        return pops[world.Get_rank()].fit(x, x, 1, 1, communicator=world)

    first, second = thread_ranks.run(2, one)
    assert isinstance(second, LookupError)
    assert str(first) == "rank 1 has ended with LookupError: no such thing"
    assert 0 < pops[0][0]._steps() < count


DIFFERENT: dict[str, tuple[str, str, Callable[[int], Any]]] = {
    "batch_size": ("rates", "batch_size", lambda rank: 8 + rank),
    "a rate": ("rates", "learning_rate", lambda rank: [*RATES, 0.01 * (rank + 1)]),
    "rows": ("rows, a share, stopping", "rows", lambda rank: [np.arange(40) + rank] * MEMBERS),
    "sample_weight": ("rates", "sample_weight", lambda rank: np.ones(60) + rank * np.eye(60)[3]),
    "validation": ("rates", "validation", lambda rank: (X[rank:][:9], Y[:9])),
    "the learning rate of epoch 1": (
        "a schedule", "schedule", lambda rank: lambda epoch: 0.1 + (epoch == 1) * rank,
    ),
    "checkpoint": ("rates", "checkpoint", lambda rank: "no" if rank else None),
}  # fmt: skip


@pytest.mark.parametrize("what", DIFFERENT)
def test_differences_are_refused_on_all_ranks(what: str) -> None:
    case, argument, value = DIFFERENT[what]
    found = fails(case, 2, **{argument: value})
    assert found == [found[0]] * 2
    name = argument if what == "a rate" else what
    assert found[0].startswith(f"ValueError: {name}")
    assert "must be the same on all ranks" in found[0]


def given(world: Any, **other: Callable[[int], Any]) -> Any:
    """Train where ranks have other populations or samples."""
    rank = world.Get_rank()
    made = {"pop": lambda rank: population(), "x": lambda rank: X, "y": lambda rank: Y} | other
    pop, x, y = (made[name](rank) for name in ("pop", "x", "y"))
    before = pop.parameters
    try:
        return pop.fit(x, y, 2, communicator=world)
    finally:
        assert np.array_equal(pop.parameters, before)


def nudged(rank: int) -> foxnn.population:
    pop = population()
    parameters = pop.parameters
    parameters[3] += 1e-3 * rank
    pop.parameters = parameters
    return pop


@pytest.mark.parametrize(
    ("said", "other"),
    [
        ("x (by its hash)", {"x": lambda rank: X + rank}),
        ("the type and shape of x", {"x": lambda rank: X.astype(["f4", "f8"][rank])}),
        ("y (by its hash)", {"y": lambda rank: Y - rank}),
        ("the number of members", {"pop": lambda rank: population()[: 3 + rank]}),
        ("member 3 of the population (by its hash)", {"pop": nudged}),
        (
            "the dtype of the members",
            {"pop": lambda rank: population(dtype=f"float{32 + 32 * rank}")},
        ),
    ],
)
def test_other_members_and_samples_are_refused_on_all_ranks(said: str, other: Any) -> None:
    found = thread_ranks.run(2, lambda world: given(world, **other))
    assert [type(one) for one in found] == [ValueError] * 2, found
    assert str(found[0]) == str(found[1])
    assert str(found[0]).startswith(f"{said} must be the same on all ranks, got ")


def test_an_error_of_one_rank_names_it() -> None:
    own, other = thread_ranks.run(2, lambda world: given(world, x=lambda rank: X[:, : 3 + rank]))
    assert str(own).startswith("x must have 4 columns") or "x must" in str(own)
    assert str(other) == f"rank 0 has ended with ValueError: {own}"


def test_members_that_diverge_on_any_rank_are_named_on_all() -> None:
    rates = [0.01, 1e30, 0.02, 1e30, 0.01]
    told: dict[str, Any] = {"learning_rate": rates, "optimizer": "sgd", "l2": 0.0}
    pops = [population() for _ in range(3)]

    def one(world: Any) -> None:
        pops[world.Get_rank()].fit(1e4 * X, Y, 3, communicator=world, **told)

    found = thread_ranks.run(3, one)
    assert [error.members for error in found] == [(1, 3)] * 3
    alone = population()
    with pytest.raises(foxnn.DivergedError) as raised:
        alone.fit(1e4 * X, Y, 3, **told)
    assert {str(error) for error in found} == {str(raised.value)}
    for pop in pops:
        check_same(pop, alone)


def test_time_is_one_of_all() -> None:
    pops = thread_ranks.run(2, lambda world: trained("rates", world, epochs=10**6, time_limit=0.2))
    assert pops[0].history.epochs < 10**6
    check_same(pops[0], pops[1])


def test_only_the_first_rank_speaks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    shown: list[bool] = []
    of_course = loop.Progress.__init__

    def counted(self: Any, epochs: Any, shows: bool, *more: Any) -> None:
        shown.append(shows)
        of_course(self, epochs, False, *more)

    monkeypatch.setattr(loop.Progress, "__init__", counted)
    path = tmp_path / "run.safetensors"
    thread_ranks.run(3, lambda world: trained("rates", world, progress=True, checkpoint=path))
    assert sorted(shown) == [False, False, True]
    assert path.exists()


@pytest.mark.parametrize("metrics", [(), ("r2", "mae")])
def test_answers_are_those_of_one_process(metrics: Any) -> None:
    pop = population()
    each = np.stack([X[i : i + 2] for i in range(MEMBERS)])
    wanted = [
        pop.get_out(X), pop.get_out(X[0]), pop.get_out(each, each=True),
        pop.get_out(each[:, 0], each=True), *pop.predict(X, spread=True),
        *pop.evaluate(X, Y, np.arange(60), metrics=metrics).values(),
    ]  # fmt: skip

    def one(communicator: Any) -> list[Any]:
        own, more = population(), {"communicator": communicator}
        return [
            own.get_out(X, **more), own.get_out(X[0], **more), own.get_out(each, True, **more),
            own.get_out(each[:, 0], True, **more), *own.predict(X, True, **more),
            *own.evaluate(X, Y, np.arange(60), metrics=metrics, **more).values(),
        ]  # fmt: skip

    for size in SIZES:
        for found in thread_ranks.run(size, one):
            assert not isinstance(found, BaseException), found
            assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))


def test_answers_of_sequences_and_sparse_samples() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    layers = [(None, 2), foxnn.GRU(3, return_sequences=True)]
    pop = foxnn.population(MEMBERS, layers, seed=1)
    wanted = pop.get_out(STEPS[:6])
    for found in thread_ranks.run(3, lambda world: pop.get_out(STEPS[:6], communicator=world)):
        assert len(found) == MEMBERS
        assert all(
            np.array_equal(*two)
            for a in zip(found, wanted, strict=True)
            for two in zip(*a, strict=True)
        )
    flat = population()
    rows = sparse.csr_matrix(X * (X > 0))
    for found in thread_ranks.run(2, lambda world: flat.predict(rows, communicator=world)):
        assert np.array_equal(found, flat.predict(rows))


def test_answers_to_other_questions_are_refused_on_all_ranks() -> None:
    found = thread_ranks.run(
        2, lambda world: population().get_out(X + world.Get_rank(), communicator=world)
    )
    assert str(found[0]) == str(found[1])
    assert str(found[0]).startswith("x must be the same on all ranks, got 'float")
    wrong = thread_ranks.run(
        2, lambda world: population().get_out(X[:3], each=True, communicator=world)
    )
    assert all(str(e).startswith("x must have shape (5, 4) or (5, samples, 4)") for e in wrong)


def test_labels_may_be_texts_in_an_array() -> None:
    pop = population("softmax", 3)
    pop.fit(X, NAMES, 2, progress=False)
    wanted = pop.evaluate(X, NAMES)
    for found in thread_ranks.run(2, lambda world: pop.evaluate(X, NAMES, communicator=world)):
        assert not isinstance(found, BaseException), found
        assert {k: v.tobytes() for k, v in found.items()} == {
            k: v.tobytes() for k, v in wanted.items()
        }


def test_other_scalers_on_one_rank_are_refused() -> None:
    def fit(world: Any) -> Any:
        scaler = foxnn.Scaler("standard").fit(X * (1 + 5 * world.Get_rank()))
        return population().fit(X, Y, 1, scale=scaler, communicator=world, progress=False)

    for found in thread_ranks.run(2, fit):
        assert isinstance(found, ValueError), found
        assert "scale must be the same on all ranks" in str(found)


def test_a_number_that_is_none_is_refused_as_in_one_process() -> None:
    x = [[1.0, 2.0, 3.0, float("nan")]]
    for found in thread_ranks.run(2, lambda world: population().predict(x, communicator=world)):
        assert isinstance(found, ValueError), found
        assert "x[0, 3]" in str(found) or "finite" in str(found)
