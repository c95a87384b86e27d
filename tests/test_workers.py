"""Searches on the back ends of joblib: scores of one process, shares of cores, and Ctrl-C."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from small_runs import LABELS, X, Y

pytest.importorskip("joblib")

RunPython = Callable[..., subprocess.CompletedProcess[str]]

MAKING = {"activation": "tanh", "output_activation": "identity", "seed": 4}
GRID = {"learning_rate": [0.3, 0.1, 0.03, 0.001], "batch_size": [8, 16]}
BEST = foxnn.EarlyStopping(patience=1, restore_best=True)
FITS: dict[str, dict[str, Any]] = {
    "plain": {"epochs": 3, "sample_weight": np.linspace(0.5, 2.0, 60)},
    "halving": {"epochs": 8, "halving": True, "dropout": 0.1},
    "stopped": {
        "epochs": 8, "halving": True, "early_stopping": BEST, "validation": 0.2,
        "scale": "standard", "schedule": lambda epoch: 0.9**epoch,
    },
}  # fmt: skip


def found(fit: str, **others: Any) -> foxnn.SearchResult:
    return foxnn.search([4, 8, 2], X, Y, GRID, 3, **MAKING, **FITS[fit], **others)


def assert_same(one: foxnn.SearchResult, other: foxnn.SearchResult) -> None:
    assert one.settings == other.settings
    assert one.scores["loss"].tobytes() == other.scores["loss"].tobytes()
    assert one.epochs.tolist() == other.epochs.tolist()
    assert one.ranking.tolist() == other.ranking.tolist()


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_a_back_end_does_not_change_the_scores(backend: str, fit: str) -> None:
    import joblib

    with joblib.parallel_config(backend, n_jobs=3):
        assert_same(found(fit, backend=backend), found(fit))


def test_folds_are_divided_too() -> None:
    making = {"activation": "tanh", "output_activation": "softmax", "seed": 2, "epochs": 2}
    names = np.array(["b", "c", "a"])[LABELS]
    there = foxnn.cross_validate([4, 8, 3], X, names, 6, **making, backend="threading")
    here = foxnn.cross_validate([4, 8, 3], X, names, 6, **making)
    assert {name: numbers.tolist() for name, numbers in there.items()} == {
        name: numbers.tolist() for name, numbers in here.items()
    }


def test_rungs_of_settings_with_classes_and_epochs_of_their_own() -> None:
    making = {"activation": "tanh", "output_activation": "softmax", "seed": 2, "halving": True}
    names = np.array(["b", "c", "a"])[LABELS]
    grid = {"epochs": [2, 8], "l2": [0.0, 0.1], "class_weight": [None, {"a": 2.0}]}
    results = [
        foxnn.search([4, 8, 3], X, names, grid, 3, monitor="accuracy", backend=backend, **making)
        for backend in (None, "threading")
    ]
    assert_same(*results)
    assert results[0].scores["accuracy"].tolist() == results[1].scores["accuracy"].tolist()


def test_a_setting_that_diverges_does_so_on_workers() -> None:
    grid = {"learning_rate": [1e30, 0.01]}
    with pytest.warns(foxnn.DataWarning) as warned:
        there = foxnn.search(
            [4, 8, 2], 1e4 * X, Y, grid, 3, epochs=4, optimizer="sgd", halving=True,
            backend="threading", **MAKING,
        )  # fmt: skip
    assert {Path(warning.filename).name for warning in warned} == {"test_workers.py"}
    assert np.isnan(there.scores["loss"][0]).any()
    assert there.best == {"learning_rate": 0.01}


def test_parts_of_a_population_can_be_trained_anywhere() -> None:
    import joblib

    def trained(part: foxnn.population) -> foxnn.population:
        part.fit(X, Y, epochs=2, dropout=0.1)
        return part

    pop = foxnn.population(7, [4, 8, 2], "tanh", "identity", seed=3)
    with joblib.parallel_config("threading", n_jobs=2):
        parts = joblib.Parallel()(joblib.delayed(trained)(pop[i : i + 3]) for i in range(0, 7, 3))
    joined = foxnn.population([member for part in parts for member in part])
    assert joined.parameters.tobytes() == trained(pop).parameters.tobytes()


def test_many_members_go_in_parts_that_fill_lanes() -> None:
    from foxnn.populations.divided import size_of_parts

    assert size_of_parts(1000, 4, 1) == 16
    assert size_of_parts(1000, 4, 2) == 32
    assert size_of_parts(20, 4, 1) == 5
    assert size_of_parts(3, 4, 0) == 1


def test_an_early_end_scores_the_best_epoch() -> None:
    """As a training of so many epochs would, which ends with it."""
    result = found("stopped")
    assert len({*result.epochs.tolist()}) > 1
    fit = {k: v for k, v in FITS["stopped"].items() if k not in ("halving", "epochs")}
    for i, setting in enumerate(result.settings):
        alone = foxnn.cross_validate(
            [4, 8, 2], X, Y, 3, **MAKING, **fit, **setting, epochs=int(result.epochs[i])
        )
        assert result.scores["loss"][i].tolist() == alone["loss"].tolist()


def test_a_bar_counts_networks(capsys: pytest.CaptureFixture[str]) -> None:
    found("plain", backend="threading", progress=True)
    assert "24/24" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("backend", "error", "message"),
    [
        ("treading", ValueError, "backend must be one of .*loky.*did you mean 'threading'"),
        (3, TypeError, "backend must be the name of a back end of joblib"),
        (True, TypeError, "backend must be the name of a back end of joblib"),
    ],
)
def test_other_back_ends_are_refused(backend: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        found("plain", backend=backend)


def test_wrong_arguments_are_refused_as_without_a_back_end() -> None:
    for arguments in ({"grid": {"l2": [0.1, -1.0]}}, {"n_threads": -1}, {"progress": 3}):
        said = []
        for backend in (None, "loky"):
            given = {"grid": GRID, "folds": 3, **MAKING} | arguments
            with pytest.raises((ValueError, TypeError)) as error:
                foxnn.search([4, 8, 2], X, Y, **given, backend=backend)
            said.append(str(error.value))
        assert said[0] == said[1]


# Programs in processes of their own: a worker's schedule is asked once an epoch, and tells.

PROGRAM = """
import os
import pathlib
import signal
import threading
import time

import numpy as np

import foxnn

folder = pathlib.Path(os.environ["TOLD"])
rng = np.random.default_rng(1)
x = rng.normal(size=(400, 256)).astype("float32")
making = dict(activation="tanh", output_activation="identity", seed=1, batch_size=100)


def native_threads():
    # Those that are there all the time: Python does not know yet of one that is just starting.
    there = None
    for _ in range(3):
        known = {thread.native_id for thread in threading.enumerate()}
        found = {int(name) for name in os.listdir("/proc/self/task")} - known
        there = found if there is None else there & found
        time.sleep(0.001)
    return len(there)


def tell(epoch):
    with open(folder / str(os.getpid()), "a") as file:
        file.write(f"{native_threads()}\\n")
    return 1.0


def told():
    return {path.name: path.read_text().split() for path in folder.iterdir()}


def forget():
    for path in folder.iterdir():
        path.unlink()


def search(epochs, **others):
    grid = {"learning_rate": [0.01, 0.001]}
    return foxnn.search(
        [256, 256, 1], x, x[:, :1], grid, 2, epochs=epochs, schedule=tell, **making, **others
    )


def interrupted(backend):
    # A search that would take hours: do all of its workers stop?
    forget()

    def later():
        while not any(len(lines) > 4 for lines in told().values()):
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=later).start()
    try:
        search(1_000_000, backend=backend)
        return "over"
    except KeyboardInterrupt:
        pass
    for _ in range(40):
        before = told()
        time.sleep(0.5)
        if told() == before:
            return "stopped"
    return "going on"
"""


def printed(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
@pytest.mark.parametrize("backend", [None, "threading", "loky", "multiprocessing"])
def test_workers_share_the_cores(
    backend: str | None, run_python: RunPython, tmp_path: Path
) -> None:
    """No more threads than cores: those of a team beside each worker's own are not Python's."""
    cores = foxnn._core.thread_limit()
    if cores < 2:
        pytest.skip("one core is not shared")
    program = f"""
import joblib

backend = {backend!r}
with joblib.parallel_config(backend or "loky", n_jobs=2):
    search(4, backend=backend)
print([[int(count) for count in counts] for counts in told().values()])
"""
    counts = json.loads(printed(run_python(PROGRAM + program, TOLD=str(tmp_path))))
    started = max(max(one) - one[0] for one in counts)
    if backend is None:  # the count can see them
        assert started > 0
    else:
        assert started <= (2 if backend == "threading" else 1) * (cores // 2 - 1)


@pytest.mark.skipif(sys.platform == "win32", reason="sends itself a signal")
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_ctrl_c_ends_the_workers(backend: str, run_python: RunPython, tmp_path: Path) -> None:
    program = f"print(interrupted({backend!r}), search(1, backend={backend!r}).best)"
    done = run_python(PROGRAM + program, TOLD=str(tmp_path))
    assert printed(done).startswith("stopped {'learning_rate'")
