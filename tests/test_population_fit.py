"""Members of a population end with the very bits of the same networks trained alone."""

from __future__ import annotations

import pickle
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from every_kind import X as X_EVERY
from every_kind import Y as Y_EVERY
from every_kind import of_every_kind
from foxnn.model import state
from kinds import ROWS, Row, samples, targets
from small_runs import LABELS, X, Y

# Targets and inputs are whatever the kinds take.
pytestmark = pytest.mark.filterwarnings("ignore::foxnn.DataWarning")

DTYPES = ("float32", "float64")
RATES = [0.1, 0.01, 0.003, 0.03]


def same(a: Any, b: Any) -> bool:
    """Return whether two states are the same, to the last bit."""
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(*pair) for pair in zip(a, b, strict=True))
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    return bool(a == b)


def check(member: foxnn.neural_network, alone: foxnn.neural_network) -> None:
    """Check that two networks are the same: parameters, moments, draws, scalers, classes."""
    found, wanted = state.state_of(member), state.state_of(alone)
    for one in (found, wanted):
        del one["settings"]
    assert same(found, wanted)


def check_history(pop: foxnn.population, i: int, alone: foxnn.neural_network) -> None:
    assert pop.history is not None
    assert alone.history is not None
    found, wanted = dict(pop.history.of(i)), dict(alone.history)
    del found["seconds"], wanted["seconds"]
    assert found == wanted


def regressions(count: int = 4, **options: Any) -> foxnn.population:
    return foxnn.population(count, [4, 8, 2], "tanh", "identity", **{"seed": 5, **options})


def one_alone(i: int, **options: Any) -> foxnn.neural_network:
    return foxnn.neural_network([4, 8, 2], "tanh", "identity", **{"seed": 5 + i, **options})


def classifiers(count: int = 4, **options: Any) -> foxnn.population:
    return foxnn.population(count, [4, 8, 3], "tanh", "softmax", **{"seed": 5, **options})


def classifier_alone(i: int, **options: Any) -> foxnn.neural_network:
    return foxnn.neural_network([4, 8, 3], "tanh", "softmax", **{"seed": 5 + i, **options})


# Arguments for all members, and arguments with one value a member.
CASES: dict[str, tuple[dict[str, Any], dict[str, list[Any]]]] = {
    "rates": ({}, {"learning_rate": RATES}),
    "penalties": ({"batch_size": 7}, {"l1": [0.0, 1e-3, 1e-2, 0.0], "l2": [0.1, 0.0, 0.01, 0.0]}),
    "single samples": ({"batch_size": 1, "optimizer": "sgd"}, {"learning_rate": RATES}),
    "dropout": ({}, {"dropout": [0.0, 0.5, [0.25], 0.1]}),
    "constants": (
        {},
        {"optimizer": [foxnn.Adam(beta_1=b, epsilon=e) for b, e in
                       ((0.5, 1e-4), (0.9, 1e-5), (0.8, 1e-6), (0.0, 1e-7))]},
    ),
    "momentum": (
        {"batch_size": 100},
        {"optimizer": [foxnn.SGD(momentum=m) for m in (0.9, 0.5, 0.1, 0.8)]},
    ),
    "clipped": ({"optimizer": "rmsprop"}, {"clip_norm": [None, 0.1, 1.0, 0.01]}),
    "in order": ({"shuffle": False, "scale": "standard"}, {"clip_value": [0.1, 0.01, None, 1.0]}),
    "schedule": ({"schedule": foxnn.schedules.exponential(0.7)}, {"learning_rate": RATES}),
    "share": ({"validation": 0.25}, {"learning_rate": RATES}),
    "stopped": (
        {"validation": 0.25, "epochs": 9},
        {"early_stopping": [1, None, foxnn.EarlyStopping("loss", patience=2, min_delta=0.05), 2],
         "learning_rate": RATES},
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_a_member_ends_as_it_would_alone(case: str, dtype: str) -> None:
    common, each = CASES[case]
    common = {"epochs": 4, "progress": False, **common}
    pop = regressions(dtype=dtype)
    pop.fit(X, Y, **common, **each)
    for i in range(4):
        nn = one_alone(i, dtype=dtype)
        nn.fit(X, Y, **common, **{name: values[i] for name, values in each.items()})
        check(pop[i], nn)
        check_history(pop, i, nn)


LOSSES = {
    "log_cosh": ("identity", 2, {}),
    "gaussian_nll": ("identity", 4, {}),
    ("quantile", (0.1, 0.5, 0.9)): ("identity", 6, {}),
    ("focal", 2.0): ("softmax", 3, {}),
    "binary_cross_entropy": ("sigmoid", 3, {"label_smoothing": 0.2}),
    "cross_entropy": ("softmax", 3, {"label_smoothing": 0.1}),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_members_may_have_each_loss(loss: Any, dtype: str) -> None:
    output, count, options = LOSSES[loss]
    y = np.eye(3)[LABELS] if count == 3 else Y
    made = {"loss": loss, "dtype": dtype}
    pop = foxnn.population(3, [4, 8, count], "tanh", output, seed=5, **made)
    pop.fit(X, y, 3, learning_rate=RATES[:3], progress=False, **options)
    evaluations = pop.evaluate(X, y)
    for i, rate in enumerate(RATES[:3]):
        nn = foxnn.neural_network([4, 8, count], "tanh", output, seed=5 + i, **made)
        nn.fit(X, y, 3, learning_rate=rate, progress=False, **options)
        check(pop[i], nn)
        np.testing.assert_array_equal(pop.get_out(X)[i], nn.predict(X))
        assert evaluations["loss"][i] == nn.evaluate(X, y)["loss"]
    again = pickle.loads(pickle.dumps(pop))
    assert again.loss == pop.loss
    np.testing.assert_array_equal(again.get_out(X), pop.get_out(X))


def test_a_loss_that_is_a_function_is_for_one_network() -> None:
    message = "loss must be the name of a loss for a population, got a function"
    with pytest.raises(TypeError, match=message):
        foxnn.population(2, [4, 2], loss=lambda a, y: ((a - y) ** 2, a - y))


@pytest.mark.parametrize("dtype", DTYPES)
def test_members_see_rows_and_weights_of_their_own(dtype: str) -> None:
    rng = np.random.default_rng(4)
    rows = [rng.permutation(60)[:40], rng.integers(0, 60, 60), np.arange(60) % 3 > 0, None]
    weights = rng.integers(1, 9, (4, 60)) / 4
    common = {
        "epochs": 3, "batch_size": 8, "validation": 0.25, "scale": ("minmax", None),
        "class_weight": "balanced", "progress": False,
    }  # fmt: skip
    pop = classifiers(dtype=dtype)
    pop.fit(X, LABELS, rows=rows, sample_weight=weights, **common)
    for i, which in enumerate(rows):
        own = slice(None) if which is None else which
        nn = classifier_alone(i, dtype=dtype)
        nn.fit(X[own], LABELS[own], sample_weight=weights[i][own], **common)
        check(pop[i], nn)
        check_history(pop, i, nn)


def test_rows_and_weights_may_be_those_of_all_members() -> None:
    names = np.array(["b", "a", "c"])[LABELS]
    weights, which = np.linspace(0.5, 2, 60), np.arange(0, 60, 2)
    pop = classifiers(3)
    pop.fit(X, names, epochs=2, rows=which, sample_weight=weights, validation=(X, names, weights))
    for i in range(3):
        nn = classifier_alone(i)
        nn.fit(
            X[which], names[which], epochs=2, sample_weight=weights[which],
            validation=(X, names, weights),
        )  # fmt: skip
        check(pop[i], nn)
        check_history(pop, i, nn)
    assert pop[1].classes == ["a", "b", "c"]


@pytest.mark.parametrize(
    "form",
    [
        lambda which: which.tolist(),
        lambda which: which.astype(object),
        lambda which: pytest.importorskip("pandas").Series(which),
        lambda which: pytest.importorskip("pandas").Series(which, dtype="boolean"),
        lambda which: pytest.importorskip("polars").Series(which),
    ],
)  # fmt: skip
def test_truth_values_may_be_lists_and_columns(form: Any) -> None:
    which = np.arange(60) % 4 > 1
    wanted, found = regressions(2), regressions(2)
    wanted.fit(X, Y, epochs=1, rows=which)
    found.fit(X, Y, epochs=1, rows=form(which))
    assert found.parameters.tobytes() == wanted.parameters.tobytes()
    found.fit(X, Y, epochs=1, rows=[form(which), form(~which)])
    wanted.fit(X, Y, epochs=1, rows=[which, ~which])
    assert found.parameters.tobytes() == wanted.parameters.tobytes()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_have_one_value_a_member(library: str) -> None:
    module = pytest.importorskip(library)
    rates = [0.3, 0.2, 0.1]
    wanted, found = regressions(3), regressions(3)
    wanted.fit(X, Y, epochs=1, learning_rate=rates)
    column = module.Series(rates)
    if library == "pandas":
        column.index = [2, 1, 0]  # what counts is the place, not the label
    found.fit(X, Y, epochs=1, learning_rate=column)
    assert found.parameters.tobytes() == wanted.parameters.tobytes()


def test_threads_change_no_member() -> None:
    ends = []
    for threads in (1, 2, 3):
        pop = regressions(9)
        pop.settings.n_threads = threads
        pop.fit(X, Y, epochs=3, learning_rate=np.linspace(0.001, 0.1, 9))
        ends.append(pop.parameters.tobytes())
    assert len(set(ends)) == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_members_may_have_layers_of_every_kind(dtype: str) -> None:
    networks = [of_every_kind(dtype, seed) for seed in (9, 10, 11)]
    pop = foxnn.population(networks)
    rates, rows = [0.01, 0.03, 0.001], [np.arange(i, 30) for i in (0, 3, 9)]
    pop.fit(X_EVERY, Y_EVERY, 3, 7, learning_rate=rates, rows=rows, scale="standard")
    for i, nn in enumerate(networks):
        nn.fit(X_EVERY[rows[i]], Y_EVERY[rows[i]], 3, 7, learning_rate=rates[i], scale="standard")
        check(pop[i], nn)
        check_history(pop, i, nn)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_members_may_be_of_each_kind(row: Row) -> None:
    networks = [row.network("float32", seed) for seed in (3, 4, 5)]
    x, y = samples(networks[0], 11), targets(networks[0], 11)
    pop = foxnn.population(networks)
    pop.fit(x, y, 2, 4, learning_rate=[0.01, 0.02, 0.03])
    for i, nn in enumerate(networks):
        nn.fit(x, y, 2, 4, learning_rate=[0.01, 0.02, 0.03][i])
        check(pop[i], nn)
    out = pop.get_out(x)
    assert [one.tobytes() for one in out] == [nn.predict(x).tobytes() for nn in networks]


def test_members_may_read_sequences_of_different_lengths() -> None:
    rng = np.random.default_rng(1)
    x = [rng.normal(size=(n, 3)) for n in (4, 7, 2, 5, 9, 3, 6, 4)]
    y = [rng.normal(size=(len(one), 2)) for one in x]
    layers: list[Any] = [(None, 3), foxnn.GRU(5, return_sequences=True), foxnn.Dense(2)]
    rows = [np.array([0, 2, 4, 6, 7]), np.array([1, 1, 5, 3])]
    pop = foxnn.population(2, layers, seed=3, loss="mse")
    pop.fit(x, y, epochs=3, batch_size=3, rows=rows, validation=(x, y), learning_rate=[0.01, 0.03])
    for i, which in enumerate(rows):
        nn = foxnn.neural_network(layers, seed=3 + i, loss="mse")
        nn.fit(
            [x[k] for k in which], [y[k] for k in which], epochs=3, batch_size=3,
            validation=(x, y), learning_rate=[0.01, 0.03][i],
        )  # fmt: skip
        check(pop[i], nn)
        check_history(pop, i, nn)
        assert [one.tobytes() for one in nn.predict(x)] == [
            one.tobytes() for one in pop.get_out(x)[i]
        ]


def test_members_may_learn_from_sparse_samples() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    x = sparse.random(50, 20, 0.2, "csr", dtype=np.float32, random_state=1)
    y = np.asarray(x.sum(axis=1))
    rows = [np.arange(40), np.arange(49, 9, -1)]
    pop = foxnn.population(2, [20, 6, 1], "tanh", "identity", seed=1)
    pop.fit(x, y, epochs=2, rows=rows, validation=0.2)
    for i, which in enumerate(rows):
        nn = foxnn.neural_network([20, 6, 1], "tanh", "identity", seed=1 + i)
        nn.fit(x[which], y[which], epochs=2, validation=0.2)
        check(pop[i], nn)
        check_history(pop, i, nn)


def test_a_second_fit_goes_on() -> None:
    pop = regressions(2)
    for rate in (0.1, 0.01):
        pop.fit(X, Y, epochs=2, learning_rate=rate)
    for i in range(2):
        nn = one_alone(i)
        for rate in (0.1, 0.01):
            nn.fit(X, Y, epochs=2, learning_rate=rate)
        check(pop[i], nn)


def test_members_that_diverge_end_and_the_others_are_trained_on() -> None:
    pop = regressions(4)
    rates = [0.01, 1e30, 0.02, 1e30]
    with pytest.raises(foxnn.DivergedError, match="members 1, 3") as raised:
        pop.fit(1e4 * X, Y, epochs=3, learning_rate=rates, optimizer="sgd")
    assert raised.value.members == (1, 3)
    assert raised.value.epoch == 0
    assert np.isfinite(pop.parameters).all()
    for i in range(4):
        nn = one_alone(i)
        if i in (1, 3):
            with pytest.raises(foxnn.DivergedError) as alone:
                nn.fit(1e4 * X, Y, epochs=3, learning_rate=rates[i], optimizer="sgd")
            assert i == 3 or alone.value.loss == raised.value.loss
        else:
            nn.fit(1e4 * X, Y, epochs=3, learning_rate=rates[i], optimizer="sgd")
        check(pop[i], nn)
        check_history(pop, i, nn)


def test_callbacks_get_arrays_and_end_the_run() -> None:
    seen: list[Any] = []

    class Watching:
        def on_train_begin(self, pop: foxnn.population) -> None:
            seen.append(pop)

        def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> bool:
            seen.append((epoch, sorted(logs), logs["loss"].shape))
            return epoch == 1

        def on_train_end(self, history: Any) -> None:
            seen.append(history)

    pop = classifiers(3)
    history = pop.fit(X, LABELS, epochs=5, callbacks=Watching())
    names = ["accuracy", "learning_rate", "loss", "seconds"]
    assert seen == [pop, (0, names, (3,)), (1, names, (3,)), history]
    assert history["loss"].shape == (3, 2)
    assert history["seconds"].shape == (2,)


def test_a_function_as_schedule_is_called_once_an_epoch() -> None:
    calls = []

    def rate(epoch: int) -> float:
        calls.append(epoch)
        return 0.01 / (1 + epoch)

    history = regressions(3).fit(X, Y, epochs=3, schedule=rate)
    assert calls == [0, 1, 2]
    assert (history["learning_rate"] == [0.01, 0.005, 0.01 / 3]).all()


def test_errors_of_callbacks_come_through_as_they_are() -> None:
    for kind in (LookupError, StopIteration):

        def fails(epoch: int, logs: Any, kind: Any = kind) -> None:
            raise kind("from here")

        pop = regressions(2)
        with pytest.raises(kind, match="from here"):
            pop.fit(X, Y, epochs=3, callbacks=fails)
        assert pop.history is not None
        assert pop.history.epochs == 1


def test_time_ends_a_run() -> None:
    pop = regressions(3)
    pop.fit(X, Y, epochs=10**6, time_limit=0.05)
    assert pop.history is not None
    assert pop.history.epochs < 10**6


@pytest.mark.parametrize("rule", [None, 2])
def test_a_run_resumes_where_its_checkpoint_was_written(tmp_path: Path, rule: int | None) -> None:
    path = tmp_path / "pop.safetensors"
    common: dict[str, Any] = {
        "batch_size": 8, "learning_rate": [0.03, 0.01, 0.003], "dropout": [0.1, 0.0, 0.2],
        "early_stopping": rule, "validation": 0.25,
        "optimizer": [foxnn.Adam(beta_1=b) for b in (0.9, 0.8, 0.7)],
    }  # fmt: skip
    whole = regressions(3)
    whole.fit(X, Y, epochs=8, **common)
    part = regressions(3)
    part.fit(X, Y, epochs=8, checkpoint=path, callbacks=lambda epoch, logs: epoch == 3, **common)
    pop, history = foxnn.resume(path, X, Y)
    assert isinstance(pop, foxnn.population)
    for i in range(3):
        check(pop[i], whole[i])
        check_history(pop, i, part_with(whole, i))
    assert history["loss"].tobytes() == whole.history["loss"].tobytes()


def part_with(pop: foxnn.population, i: int) -> Any:
    """Return what has the history of a member."""
    history = pop.history.of(i)
    return type("Alone", (), {"history": history})


def test_a_run_resumes_within_an_epoch(tmp_path: Path) -> None:
    path = tmp_path / "pop.safetensors"
    rng = np.random.default_rng(1)
    count = 60_000  # of which an epoch takes some times as long as until the first poll
    x, y = rng.normal(size=(count, 4)), rng.normal(size=(count, 2))
    rows, weights = [np.arange(count), np.arange(45_000), None], rng.integers(1, 5, (3, count)) / 2
    again = {"rows": rows, "sample_weight": weights}
    whole = regressions(3)
    whole.fit(x, y, 2, 1, learning_rate=RATES[1:], **again)
    for milliseconds in (2, 4, 8, 16, 32, 64, 128):  # until it is within an epoch on any machine
        part = regressions(3)
        limit = {"checkpoint": path, "time_limit": milliseconds / 1000}
        part.fit(x, y, 2, 1, learning_rate=RATES[1:], **limit, **again)
        steps = [member._steps() for member in part]
        if max(steps) > 0:
            break
    assert max(steps) > 0
    assert min(steps) < 2 * 45_000
    pop, history = foxnn.resume(path, x, y, **again)
    assert history.epochs == 2
    assert whole.history is not None
    assert history["loss"].tobytes() == whole.history["loss"].tobytes()
    for i in range(3):
        check(pop[i], whole[i])


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="signals as on Unix")
@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_leaves_every_member_whole(tmp_path: Path, threads: int) -> None:
    path = tmp_path / "pop.safetensors"
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40_000, 4)), rng.normal(size=(40_000, 2))
    whole, part = regressions(5), regressions(5)
    part.settings.n_threads = threads
    whole.fit(x, y, 2, 1, learning_rate=0.001)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    def begin(pop: foxnn.population) -> None:
        # Of processor time: a busy machine takes as many steps in it.
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.008)

    begins = type("Begins", (), {"on_train_begin": lambda self, pop: begin(pop)})()
    before = signal.signal(signal.SIGVTALRM, stop)
    try:
        with pytest.raises(KeyboardInterrupt):
            part.fit(x, y, 2, 1, learning_rate=0.001, checkpoint=path, callbacks=begins)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)
    assert part.history is not None
    assert np.isfinite(part.parameters).all()
    steps = [member._steps() for member in part]
    assert max(steps) > 0
    assert min(steps) < 80_000
    # Each member has made so many steps of its own run, neither more nor less.
    pop, history = foxnn.resume(path, x, y)
    assert history.epochs == 2
    for i in range(5):
        check(pop[i], whole[i])
    part.fit(x, y, 1)
    assert np.isfinite(part.parameters).all()


def test_what_a_checkpoint_lacks_must_be_given_again(tmp_path: Path) -> None:
    path = tmp_path / "pop.safetensors"
    rows = [np.arange(30), np.arange(30, 60)]
    regressions(2).fit(
        X, Y, 2, checkpoint=path, rows=rows, schedule=lambda epoch: 0.01, validation=(X, Y)
    )
    given = {"rows": rows, "schedule": lambda epoch: 0.01, "validation": (X, Y)}
    for name in given:
        with pytest.raises(ValueError, match=f"{name} must be given again"):
            foxnn.resume(path, X, Y, **{k: v for k, v in given.items() if k != name})
    with pytest.raises(ValueError, match="sample_weight must be left out"):
        foxnn.resume(path, X, Y, sample_weight=np.ones(60), **given)
    with pytest.raises(ValueError, match="x must have the 60 samples"):
        foxnn.resume(path, X[:50], Y[:50], **given | {"rows": [np.arange(9)] * 2})
    pop, history = foxnn.resume(path, X, Y, epochs=3, **given)
    assert len(pop) == 2
    assert history.epochs == 3


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"learning_rate": [0.1, 0.2]}, "learning_rate must be one value, or one for each of the 3"),
    ({"learning_rate": [0.1, -0.2, 0.1]}, r"learning_rate\[1\] must be"),
    ({"l1": [0.0, 0.0, float("nan")]}, r"l1\[2\] must be"),
    ({"l2": np.zeros(4)}, "l2 must be one value, or one for each of the 3"),
    ({"dropout": [0.5, 0.5]}, "dropout must be one value, or one for each of the 3"),
    ({"dropout": [0.5, 0.5, 1.0]}, r"dropout\[2\] must be"),
    ({"optimizer": ["adam", "sgd", "adam"]}, "optimizer must be of one kind"),
    (
        {"optimizer": [foxnn.SGD(momentum=m) for m in (0.0, 0.5, 0.9)], "scale": "standard"},
        "optimizer must be of one kind for all members, got momentum, sgd",
    ),
    ({"optimizer": ["adam", "adem", "adam"]}, r"optimizer\[1\] must be"),
    ({"clip_norm": [1.0, 0.0, 1.0]}, r"clip_norm\[1\] must be"),
    ({"early_stopping": [1, 2]}, "early_stopping must be one value, or one for each"),
    ({"early_stopping": [1, 0, 1]}, r"early_stopping\[1\] must be"),
    ({"rows": [[0, 1], [2, 3]]}, "rows must be one value, or one for each of the 3"),
    ({"rows": [[0, 1], [2, 60], [3]]}, r"rows\[1\] must be from 0 to 59"),
    ({"rows": [[0, 1], [], [3]]}, r"rows\[1\] must be an array of at least one index"),
    ({"rows": [0.5, 1.5]}, "rows must be whole numbers"),
    ({"rows": np.ones(59, bool)}, "rows must have one truth value for each of the 60"),
    ({"rows": np.zeros(60, bool)}, "rows must have at least one sample"),
    ({"rows": [[True, False]] * 3}, r"rows\[0\] must have one truth value for each of the 60"),
    ({"rows": [True, False, True]}, "rows must have one truth value for each of the 60"),
    ({"rows": [True, 0.5, False]}, "rows must be whole numbers"),
    ({"rows": np.ma.masked_less(np.arange(9), 3)}, "rows must not be masked, got 3"),
    ({"rows": [-1]}, "rows must be from 0 to 59"),
    ({"rows": 3}, "rows must be an array of indices"),
    ({"rows": "first"}, "rows must be an array of indices"),
    ({"sample_weight": np.ones((2, 60))}, r"sample_weight must have shape \(60,\), or \(3, 60\)"),
    ({"sample_weight": -np.ones((3, 60))}, r"sample_weight\[0\] must be finite and at least 0"),
    ({"epochs": "auto"}, "epochs must be a number for a population"),
    ({"epochs": 0}, "epochs must be"),
    ({"augment": lambda x, rng: x}, "augment must be left out"),
    ({"truncate": 3}, "truncate must be left out"),
    ({"batch_size": 0}, "batch_size must be"),
    ({"checkpoint": "net.txt"}, "checkpoint must be the name of a .safetensors file"),
    ({"validation": 1.5}, "validation must be"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[m[:40] for _, m in WRONG])
def test_wrong_arguments_are_refused_and_change_nothing(
    arguments: dict[str, Any], message: str
) -> None:
    pop = regressions(3)
    pop.fit(X, Y, epochs=1)
    before = [state.state_of(member) for member in pop]
    with pytest.raises((ValueError, TypeError), match=message):
        pop.fit(X, Y, **arguments)
    assert same([state.state_of(member) for member in pop], before)
    assert pop.history is not None
    assert pop.history.epochs == 1


def test_batches_have_no_callbacks_and_keywords_of_others_are_answered() -> None:
    pop = regressions(2)

    class OnBatches:
        def on_batch_end(self, batch: int, logs: Any) -> None: ...

    with pytest.raises(ValueError, match="callbacks must not have on_batch_end"):
        pop.fit(X, Y, callbacks=OnBatches())
    with pytest.raises(TypeError, match="learning_rate"):
        pop.fit(X, Y, lr=0.1)  # type: ignore[arg-type]
