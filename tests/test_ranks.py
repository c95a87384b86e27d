"""Training on several ranks, which are threads here: they end with the bytes of one process."""

from __future__ import annotations

import signal
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import shard_runs
import thread_ranks
from foxnn.training import fitting, joined, mpi
from shard_runs import RUNS, borders_of, ended, made, told_of

RANKS_OF = mpi.ranks_of


@pytest.fixture(autouse=True)
def _threads_are_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (mpi, joined):
        monkeypatch.setattr(module, "ranks_of", thread_ranks.joined)


def on_ranks(size: int, name: str, shards: Any = 5, **more: Any) -> list[Any]:
    """Return what each rank ends with; `more` are arguments, or functions of the rank."""

    def one(communicator: Any) -> Any:
        rank = communicator.Get_rank()
        nn = made(RUNS[name])
        told = told_of(RUNS[name], borders_of(size, rank))
        told |= {key: value(rank) if callable(value) else value for key, value in more.items()}
        told["shards"] = shards(rank) if callable(shards) else shards
        return ended(nn, nn.fit(**told, communicator=communicator))

    return thread_ranks.run(size, one)


def alone(name: str, shards: int = 5) -> str:
    nn = made(RUNS[name])
    return ended(nn, nn.fit(**told_of(RUNS[name]), shards=shards))


@pytest.mark.parametrize("name", RUNS)
def test_ranks_end_with_the_bytes_of_one_process(name: str) -> None:
    expected = alone(name)
    for size in (1, 2, 3, 4):
        assert on_ranks(size, name) == [expected] * size, size


@pytest.mark.parametrize("shards", [1, 2, 3, 8, 16])
def test_any_number_of_shards(shards: int) -> None:
    expected = alone("adam", shards)
    for size in (2, 3, 5):
        assert on_ranks(size, "adam", shards) == [expected] * size


def test_sixteen_shards_are_usual() -> None:
    assert on_ranks(2, "adam", shards=None) == [alone("adam", 16)] * 2


def failures(size: int, name: str = "adam", **more: Any) -> list[str]:
    """Return the errors that the ranks end with."""
    found = on_ranks(size, name, **more)
    assert all(isinstance(one, Exception) for one in found), found
    return [f"{type(one).__name__}: {one}" for one in found]


def second(value: Any, other: Any) -> Callable[[int], Any]:
    return lambda rank: value if rank == 1 else other


@pytest.mark.parametrize(
    ("argument", "values"),
    [
        ("batch_size", (8, 9)),
        ("learning_rate", (0.1, 0.2)),
        ("shards", (4, 5)),
        ("epochs", (2, 3)),
        ("optimizer", ("sgd", "adam")),
        ("dropout", ([0.1], [0.2])),
        ("scale", ("standard", "minmax")),
        ("clip_norm", (1.0, None)),
        ("shuffle", (True, False)),
    ],
)
def test_different_arguments_are_refused_on_all_ranks(
    argument: str, values: tuple[Any, Any]
) -> None:
    found = failures(3, **{argument: second(*values)})
    assert found == [found[0]] * 3
    assert found[0].startswith(f"ValueError: {argument} must be the same on all ranks, got ")
    assert "on rank 0 and" in found[0]
    assert found[0].endswith("on rank 1")


def different(change: Callable[[int], dict[str, Any]]) -> list[str]:
    """Return the errors where ranks make other networks, or give other samples."""

    def one(communicator: Any) -> Any:
        rank = communicator.Get_rank()
        given = {"sizes": [5, 3, 2], "seed": 1, "x": np.ones((8, 5)), "y": np.ones((8, 2))}
        given |= change(rank) if rank == 1 else {}
        x, y, sizes = given.pop("x"), given.pop("y"), given.pop("sizes")
        fit = {"sample_weight": given.pop("sample_weight", None)}
        nn = foxnn.neural_network(sizes, "tanh", "identity", **given)
        before = [layer.weights.copy() for layer in nn]
        try:
            nn.fit(x, y, 2, communicator=communicator, **fit)
        finally:
            assert all(np.array_equal(a, b.weights) for a, b in zip(before, nn, strict=True))
        return None

    return [f"{type(one).__name__}: {one}" for one in thread_ranks.run(3, one)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 2}, "the seed of the network must be the same on all ranks, got 1 on rank 0"),
        ({"dtype": "float64"}, "the dtype of the network must be the same on all ranks, got 'flo"),
        ({"sizes": [5, 4, 2]}, "output_shape of layer 0 (Dense) must be the same on all ranks"),
        ({"sizes": [5, 4, 3, 2]}, "the layers of the network must be the same on all ranks"),
        ({"loss": "mae"}, "the loss of the network must be the same on all ranks, got 'mse'"),
        ({"x": np.ones((8, 5), "f4")}, "x must be alike on all ranks, got float64 on rank 0 and "),
        ({"sample_weight": np.ones(8)}, "sample_weight must be the same on all ranks, got None"),
    ],
)
def test_different_networks_and_samples_are_refused_on_all_ranks(
    change: dict[str, Any], message: str
) -> None:
    found = different(lambda rank: change)
    assert found == [found[0]] * 3
    assert found[0].startswith(f"ValueError: {message}")


def alike(change: Callable[[foxnn.neural_network, int], object], **fit: Any) -> list[str]:
    """Return the errors where ranks change a network, each in its way, before they train it."""

    def one(communicator: Any) -> Any:
        rank = communicator.Get_rank()
        inner = foxnn.Dense(3, activation="sigmoid" if "branch" in fit and rank else "tanh")
        nn = foxnn.neural_network([5, 3, foxnn.Residual(inner), 2], "tanh", "identity", seed=1)
        change(nn, rank)
        told = {key: value(rank) for key, value in fit.items() if key != "branch"}
        return nn.fit(np.ones((8, 5)), np.ones((8, 2)), 2, communicator=communicator, **told)

    return [f"{type(one).__name__}: {one}" for one in thread_ranks.run(2, one)]


def scaler_of(rank: int) -> foxnn.Scaler:
    return foxnn.Scaler().fit(np.array([[0.0], [rank + 1.0]]) * np.ones(5))


def test_what_else_ranks_must_have_alike() -> None:
    def frozen(nn: Any, rank: int) -> None:
        nn[0].trainable = rank == 0

    def summed(nn: Any, rank: int) -> None:
        nn.settings.correct_summation = rank == 0

    def scaled(nn: Any, rank: int) -> None:
        nn.input_scaler = scaler_of(rank)

    def as_made(nn: Any, rank: int) -> None:
        pass

    scale = {"scale": lambda rank: (scaler_of(rank), None)}
    schedule = {"schedule": lambda rank: lambda epoch: 0.1 + (epoch + 1) * rank}
    stopping = {"early_stopping": lambda rank: rank + 1}
    for errors, name in [
        (alike(frozen), "trained of layer 0 (Dense)"),
        (
            alike(as_made, branch=True),
            "activation of options of layer 1 (Residual).layers[0] (Dense)",
        ),
        (alike(summed), "settings.correct_summation"),
        (alike(scaled), "the scalers of the network"),
        (alike(as_made, **scale), "scale"),
        (alike(as_made, **schedule), "the learning rate of epoch 0"),
        (alike(as_made, **stopping), "patience of early_stopping"),
    ]:
        assert errors[0].startswith(f"ValueError: {name}")
        assert "must be the same on all ranks, got " in errors[0]
        assert errors[1] == errors[0]


def test_a_rank_may_have_only_weights_of_zero() -> None:
    weights = np.zeros(shard_runs.SAMPLES)
    weights[40:60] = np.linspace(0.3, 3, 20)  # of some ranks all are 0
    nn = made(RUNS["adam"])
    told = told_of(RUNS["adam"]) | {"sample_weight": weights, "validation": 0.5}
    expected = ended(nn, nn.fit(**told, shards=5))
    for size in (2, 4):
        found = on_ranks(
            size, "adam", validation=0.5,
            sample_weight=lambda rank, size=size: weights[borders_of(size, rank)],
        )  # fmt: skip
        assert found == [expected] * size
    found = failures(2, sample_weight=lambda rank: 0 * weights[borders_of(2, rank)])
    assert found == ["ValueError: sample_weight must not all be 0"] * 2
    for wrong in ("abc", {"a": 1}, [], [0.0]):
        found = failures(
            2, sample_weight=lambda rank, wrong=wrong: wrong if rank else weights[borders_of(2, 0)]
        )
        assert "Error: sample_weight must " in found[1]


def test_shares_of_a_class_are_not_labels_on_a_rank_that_has_whole_ones() -> None:
    def one(communicator: Any) -> Any:
        nn = foxnn.neural_network([1, 1], "sigmoid", loss="binary_cross_entropy", seed=1)
        y = np.array([[0.0], [1.0]] if communicator.Get_rank() else [[0.5], [1.0]])
        nn.fit(np.ones((2, 1)), y, 1, communicator=communicator)
        return nn.classes

    assert thread_ranks.run(2, one) == [None, None]


@pytest.mark.parametrize("names", [[0, 1, 2], [5, 6, 8], ["ant", "bee", "cow"]])
def test_labels_of_the_steps_of_sequences(names: list[Any]) -> None:
    rng = np.random.default_rng(2)
    lengths = rng.integers(1, 7, 30)
    x = [rng.normal(size=(n, 3)) for n in lengths]
    y = [np.array(names)[rng.integers(0, 1 if i < 9 else 3, n)] for i, n in enumerate(lengths)]

    def one(communicator: Any) -> str:
        nn = foxnn.neural_network(
            [(None, 3), foxnn.GRU(3, return_sequences=True), foxnn.Dense(3, activation="softmax")],
            loss="cross_entropy", seed=1,
        )  # fmt: skip
        size = 1 if communicator is None else communicator.Get_size()
        first = 0 if communicator is None else 8 * communicator.Get_rank()
        rows = slice(first, None if first == 8 * (size - 1) else first + 8)
        told = {"epochs": 2, "class_weight": "balanced", "shards": 4}
        return ended(nn, nn.fit(x[rows], y[rows], **told, communicator=communicator))

    assert thread_ranks.run(3, one) == [one(None)] * 3


def test_targets_without_inputs_are_refused() -> None:
    found = different(lambda rank: {"x": np.ones((0, 5))})
    said = "ValueError: x and y must hold the same number of samples, got 0 and 8"
    assert found[1] == said
    assert found[0] == found[2] == f"RankError: rank 1 has ended with {said}"


def test_refusals_name_the_communicator() -> None:
    found = failures(2, augment=lambda rank: lambda x, rng: x)
    assert found == ["ValueError: augment must be None with a communicator, got both"] * 2


def test_a_checkpoint_that_one_rank_cannot_read_ends_all(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    on_ranks(2, "adam", checkpoint=path)

    def one(communicator: Any) -> Any:
        rank = communicator.Get_rank()
        rows = borders_of(2, rank)
        given = {key: value[rows] for key, value in shard_runs.data_of("numbers").items()}
        where = path if rank == 0 else tmp_path / "none.safetensors"
        return foxnn.resume(where, **given, communicator=communicator)

    first, second = thread_ranks.run(2, one)
    assert isinstance(second, FileNotFoundError)
    assert str(first).startswith("rank 1 has ended with FileNotFoundError")


def test_a_process_that_is_no_rank_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Intracomm:
        pass

    null = Intracomm()
    library = types.SimpleNamespace(Intracomm=Intracomm, COMM_NULL=null)
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", library)
    with pytest.raises(ValueError, match="communicator must have this process as a rank, got MPI"):
        RANKS_OF(null)


class StopsAtOnce:
    """Ends a run before it begins, on one rank."""

    def __init__(self, rank: int) -> None:
        self._is_here = rank == 1

    def on_train_begin(self, network: foxnn.neural_network) -> bool:
        return self._is_here


def test_a_stop_before_the_first_epoch_is_one_of_all() -> None:
    nn = made(RUNS["adam"])
    told = told_of(RUNS["adam"]) | {"callbacks": StopsAtOnce(1)}
    expected = ended(nn, nn.fit(**told, shards=5))
    assert on_ranks(3, "adam", callbacks=StopsAtOnce) == [expected] * 3


def test_an_error_of_one_rank_ends_all() -> None:
    own, *others = sorted(
        different(lambda rank: {"x": np.ones((8, 4))}), key=lambda text: "RankError" in text
    )
    assert own.startswith("ValueError: x must have 5 columns") or "x must have" in own
    assert others == [f"RankError: rank 1 has ended with {own}"] * 2
    assert all("no samples" in one or "at least one" in one for one in different_empty())


def different_empty() -> list[str]:
    """Return the errors where no rank has samples."""

    def one(communicator: Any) -> Any:
        nn = foxnn.neural_network([5, 2], seed=1)
        return nn.fit(np.ones((0, 5)), np.ones((0, 2)), communicator=communicator)

    return [str(one) for one in thread_ranks.run(2, one)]


class Raises:
    """Raises an exception at the end of a batch, on one rank."""

    def __init__(self, rank: int, on: int, batch: int) -> None:
        self._is_here, self._left = rank == on, batch

    def on_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        self._left -= 1
        if self._is_here and self._left == 0:
            raise LookupError("no such thing")


@pytest.mark.parametrize("batch", [1, 6, 17])
def test_a_callback_that_raises_ends_all(batch: int) -> None:
    found = failures(3, callbacks=lambda rank: Raises(rank, 2, batch))
    own = "LookupError: no such thing"
    assert found == [f"RankError: rank 2 has ended with {own}"] * 2 + [own]


class StopsAfter:
    """Ends a run after some batches, on one rank."""

    def __init__(self, rank: int, batches: int, on: int = 1) -> None:
        self._left = batches if rank == on else -1

    def on_batch_end(self, batch: int, logs: dict[str, float]) -> bool:
        self._left -= 1
        return self._left == 0


@pytest.mark.parametrize("batches", [2, 6, 8])
def test_a_stop_of_one_rank_is_one_of_all_and_can_be_resumed(batches: int, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    name = "adamw, dropout"
    on_ranks(3, name, callbacks=lambda rank: StopsAfter(rank, batches), checkpoint=path)
    expected = alone(name)
    copy = path.read_bytes()
    for size in (2, 4):
        path.write_bytes(copy)

        def one(communicator: Any, size: int = size) -> str:
            rows = borders_of(size, communicator.Get_rank())
            given = {key: value[rows] for key, value in shard_runs.data_of("numbers").items()}
            return ended(*foxnn.resume(path, **given, communicator=communicator))

        assert thread_ranks.run(size, one) == [expected] * size
    path.write_bytes(copy)
    assert ended(*foxnn.resume(path, **shard_runs.data_of("numbers"))) == expected


def test_a_time_limit_of_one_rank_is_one_of_all() -> None:
    class Counts:
        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            ends.append(epoch)

    ends: list[int] = []
    found = on_ranks(2, "adam", epochs=100_000, time_limit=0.3, callbacks=lambda rank: Counts())
    assert found[0] == found[1]
    assert len(ends) % 2 == 0
    assert 1 < len(ends) < 100_000


def test_only_the_first_rank_shows_a_bar_and_writes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []
    of_course = fitting.FitLoop.__init__

    def counted(self: Any, network: Any, data: Any, plan: Any, history: Any) -> None:
        if plan.checkpoints is not None or plan.shows_progress:
            shown.append(data.cut.ranks.rank)
        of_course(self, network, data, plan, history)

    monkeypatch.setattr(fitting.FitLoop, "__init__", counted)
    on_ranks(3, "adam", checkpoint=tmp_path / "run.safetensors", progress=True)
    assert shown == [0]
    assert (tmp_path / "run.safetensors").exists()


def test_divergence_is_that_of_all() -> None:
    found = failures(3, optimizer="sgd", learning_rate=1e38)
    assert found == [found[0]] * 3
    assert found[0].startswith("DivergedError: ")


def answers(size: int, name: str, **more: Any) -> list[Any]:
    """Return what each rank gets from `evaluate` and `predict` of its samples, before training."""

    def one(communicator: Any) -> Any:
        nn = made(RUNS[name])
        data = shard_runs.data_of(RUNS[name].data)
        if name == "classes by name":
            nn.classes = ["ant", "bee", "cow"]
        rows = borders_of(size, communicator.Get_rank())
        given = {key: value[rows] for key, value in data.items()}
        found = nn.evaluate(**given, communicator=communicator, **more)
        del given["y"]
        return found, nn.predict(**given, communicator=communicator)

    return thread_ranks.run(size, one)


@pytest.mark.parametrize(
    ("name", "metrics"),
    [
        ("adam", ["r2", "max_error"]),
        ("classes by name", ["auc", "f1"]),
        ("a loss of one's own", []),
        ("pictures", ["mae"]),
        ("sparse", ["mse"]),
        ("sequences", []),
    ],
)
def test_answers_are_those_of_one_process(name: str, metrics: list[str]) -> None:
    nn = made(RUNS[name])
    data = shard_runs.data_of(RUNS[name].data)
    if name == "classes by name":
        nn.classes = ["ant", "bee", "cow"]
    alone = nn.evaluate(**data, metrics=metrics)
    whole = nn.predict(data["x"])
    [(expected, _)] = answers(1, name, metrics=metrics)
    assert expected == pytest.approx(alone, rel=1e-6)
    for size in (2, 3, 4):
        found = answers(size, name, metrics=metrics)
        assert [one for one, _ in found] == [expected] * size
        rows = [row for _, outputs in found for row in outputs]
        assert all(np.array_equal(a, b) for a, b in zip(rows, whole, strict=True))


def test_answers_are_refused_on_all_ranks_alike() -> None:
    def one(communicator: Any) -> Any:
        nn = foxnn.neural_network([5, 2], seed=communicator.Get_rank())
        return nn.predict(np.ones((4, 5)), communicator=communicator)

    found = thread_ranks.run(2, one)
    assert all("the seed of the network must be the same on all ranks" in str(e) for e in found)

    def other(communicator: Any) -> Any:
        nn = foxnn.neural_network([5, 2], seed=1)
        return nn.predict(np.ones((4, 5 + communicator.Get_rank())), communicator=communicator)

    left, right = (str(error) for error in thread_ranks.run(2, other))
    assert left == f"rank 1 has ended with ValueError: {right}"


def test_ctrl_c_waits_for_an_exchange_and_is_passed_on() -> None:
    ranks = thread_ranks.joined(thread_ranks.ThreadComm(thread_ranks.Shared(1), 0))
    before, steps = signal.getsignal(signal.SIGINT), []

    def in_an_exchange() -> None:
        with ranks.held():
            signal.raise_signal(signal.SIGINT)
            steps.append(ranks.meet(np.zeros((5, 4)), False))

    with ranks:
        with pytest.raises(KeyboardInterrupt):  # outside of exchanges at once
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            in_an_exchange()
    assert steps == [True]
    assert signal.getsignal(signal.SIGINT) is before


def test_parts_of_files_are_read_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[1] / "wiki" / "Several-machines.md"
    text = page.read_text(encoding="utf-8").partition("## Reading one's own part")[2]
    shown: dict[str, Any] = {}
    exec(text.partition("```python\n")[2].partition("```")[0], shown)  # writes x.npy and y.npy
    x, y = np.load("x.npy"), np.load("y.npy")
    for i, rows in enumerate(np.array_split(np.arange(len(x)), 5)):
        np.save(f"x-{i}.npy", x[rows])
        np.save(f"y-{i}.npy", y[rows])
    kept: list[Any] = []
    of_course = fitting.FitLoop.__init__

    def counted(self: Any, network: Any, data: Any, *more: Any) -> None:
        kept.append(data.training.x)
        of_course(self, network, data, *more)

    monkeypatch.setattr(fitting.FitLoop, "__init__", counted)

    def network() -> foxnn.neural_network:
        return foxnn.neural_network([8, 4, 1], "tanh", "identity", seed=1)

    nn = network()
    expected = ended(nn, nn.fit(x, y, 2, shards=16))
    for size in (2, 3, 5):
        kept.clear()

        def mapped(world: Any, size: int = size) -> str:
            rank, own = world.Get_rank(), network()
            samples = [shown["part_of"](name, rank, size) for name in ("x.npy", "y.npy")]
            found = ended(own, own.fit(*samples, 2, communicator=world))
            assert any(np.shares_memory(one, samples[0]) for one in kept)  # nothing is copied
            return found

        def in_files(world: Any, size: int = size) -> str:
            rank, own = world.Get_rank(), network()
            samples = [
                shown["files_of"]([f"{name}-{i}.npy" for i in range(5)], rank, size)
                for name in ("x", "y")
            ]
            return ended(own, own.fit(*samples, 2, communicator=world))

        for body in (mapped, in_files):
            assert thread_ranks.run(size, body) == [expected] * size


def test_metrics_and_own_losses_take_a_ranks_share_of_the_cores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    predict = foxnn.neural_network._predict

    def recorded(network: Any, rows: Any, threads: int) -> Any:
        asked.append(threads)
        return predict(network, rows, threads)

    monkeypatch.setattr(foxnn.neural_network, "_predict", recorded)
    monkeypatch.setattr(mpi.JoinedRanks, "threads", lambda ranks, wanted: 3)
    given = shard_runs.data_of("numbers")
    pop = foxnn.population(2, shard_runs.DENSE, "tanh", "identity", seed=1)
    calls: list[Callable[[Any], Any]] = [
        lambda world: made(RUNS["adam"]).evaluate(**given, metrics="mae", communicator=world),
        lambda world: made(RUNS["a loss of one's own"]).evaluate(**given, communicator=world),
        lambda world: pop.evaluate(**given, metrics="mae", communicator=world),
    ]
    for call in calls:
        asked.clear()
        found = thread_ranks.run(2, call)
        assert not any(isinstance(one, Exception) for one in found), found
        assert asked
        assert set(asked) == {3}
