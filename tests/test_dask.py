"""Dask: its arrays are answered by blocks, and its workers run searches and estimators."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from small_runs import LABELS, X
from test_workers import PROGRAM, printed

da = pytest.importorskip("dask.array", reason="the extra dask is not installed")
pytest.importorskip("distributed", reason="the extra dask is not installed")


def classifier() -> foxnn.neural_network:
    nn = foxnn.neural_network([4, 8, 3], "tanh", "softmax", seed=2)
    nn.classes = ["a", "b", "c"]
    return nn


def test_an_array_is_answered_by_blocks() -> None:
    nn = classifier()
    x = da.from_array(X, chunks=(17, 4))
    found, classes = nn.predict(x), nn.predict_classes(x)
    assert isinstance(found, da.Array)
    assert (found.shape, found.chunks[0], found.dtype) == ((60, 3), x.chunks[0], np.float32)
    assert isinstance(classes, da.Array)
    assert found.compute().tobytes() == nn.predict(X).tobytes()
    assert classes.compute().tolist() == nn.predict_classes(X).tolist()


def test_a_block_is_answered_by_the_network_as_it_was() -> None:
    nn = classifier()
    x, before = da.from_array(X, chunks=20), nn.predict(X)
    found, again = nn.predict(x), nn.predict(x)
    nn.fit(X, np.array(["b", "c", "a"])[LABELS], epochs=1)
    assert found.name == again.name  # Dask computes it once
    assert found.name != nn.predict(x).name
    assert found.compute().tobytes() == before.tobytes()


def test_blocks_may_be_of_unknown_size_or_empty() -> None:
    nn, x = classifier(), da.from_array(X, chunks=15)
    some = x[da.from_array(np.arange(60) >= 31, chunks=15)]
    assert nn.predict(some).compute().tobytes() == nn.predict(X[31:]).tobytes()


def test_samples_of_several_axes() -> None:
    rng = np.random.default_rng(3)
    pictures = rng.normal(size=(9, 6, 6, 1)).astype("float32")
    nn = foxnn.neural_network([(6, 6, 1), foxnn.Conv2D(3, 3)], "relu", seed=1)
    found = nn.predict(da.from_array(pictures, chunks=(4, 6, 6, 1)))
    assert found.shape == (9, 4, 4, 3)
    assert found.compute().tobytes() == nn.predict(pictures).tobytes()
    steps = rng.normal(size=(9, 5, 2)).astype("float32")
    sequences = foxnn.neural_network([(None, 2), foxnn.GRU(4)], seed=1)
    last = sequences.predict(da.from_array(steps, chunks=(4, 5, 2)))
    assert last.compute().tobytes() == sequences.predict(steps).tobytes()


@pytest.mark.parametrize(
    ("x", "options", "message"),
    [
        (
            lambda: da.zeros((60, 4), chunks=(20, 2)),
            {},
            r"x must have each sample in one chunk.*re",
        ),
        (lambda: da.zeros((60, 5)), {}, r"x must have shape \(samples, 4\), got \(60, 5\)"),
        (lambda: da.zeros(60), {}, r"x must have shape \(samples, 4\), got \(60,\)"),
        (lambda: da.zeros(()), {}, "x must have samples of a known shape"),
        (lambda: da.ones((6, 8))[:, da.ones(8) > 0], {}, "x must have samples of a known shape"),
        (lambda: da.zeros((6, 4)), {"lengths": [1] * 6}, "lengths must be left out"),
        (lambda: da.zeros((6, 4)), {"communicator": object()}, "communicator must be left out"),
    ],
)
def test_other_arrays_are_refused_before_they_are_computed(
    x: Callable[[], Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        classifier().predict(x(), **options)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_estimators_answer_by_blocks() -> None:
    estimators = pytest.importorskip("foxnn.sklearn")
    x = da.from_array(X, chunks=25)
    names = np.array(["b", "c", "a"])[LABELS]
    model = estimators.MLPClassifier(8, max_iter=2, random_state=0, solver="lbfgs").fit(X, names)
    for method in ("predict", "predict_proba", "predict_log_proba"):
        found, wanted = getattr(model, method)(x), getattr(model, method)(X)
        assert isinstance(found, da.Array), method
        assert found.dtype == wanted.dtype
        assert found.compute().tolist() == wanted.tolist()
    numbers = estimators.MLPRegressor(
        hidden_layer_sizes=8, max_iter=2, random_state=0, solver="lbfgs"
    ).fit(X, LABELS)
    found = numbers.predict(x)
    assert found.shape == (60,)
    assert found.compute().tobytes() == numbers.predict(X).tobytes()
    with pytest.raises(ValueError, match="features"):
        model.predict(x[:, :3])


# A cluster of processes on this machine: programs of their own, since its workers import foxnn.

CLUSTER = """
import contextlib
import json
import warnings

from distributed import Client, LocalCluster

warnings.simplefilter("ignore")


@contextlib.contextmanager
def cluster(**how):
    # On a busy machine, closing may take longer than Dask waits, which is not what is tested.
    with contextlib.suppress(TimeoutError):
        with LocalCluster(dashboard_address=None, worker_dashboard_address=None, **how) as local:
            with Client(local) as client:
                yield client
"""

JOBLIB = """
import joblib
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score

from foxnn.sklearn import MLPClassifier

wide = rng.normal(size=(200, 6))
labels = (wide[:, 0] * wide[:, 1] > 0).astype(int)
model = MLPClassifier(8, max_iter=3, random_state=0)


def results():
    found = GridSearchCV(model, {"alpha": [1e-4, 1.0]}, cv=2).fit(wide, labels)
    bag = BaggingClassifier(model, 4, random_state=0).fit(wide, labels)
    return [
        found.cv_results_["mean_test_score"].tolist(),
        cross_val_score(model, wide, labels, cv=3).tolist(),
        # Not its predictions: scikit-learn adds them in an order that depends on the workers.
        [one.coefs_[0].tolist() for one in bag.estimators_],
    ]


with cluster(n_workers=2, threads_per_worker=1) as client:
    here = results()
    with joblib.parallel_config("dask"):
        there = results()
    names = search(3).scores["loss"].tobytes()
    same = [search(3, backend=one).scores["loss"].tobytes() == names for one in ("dask", client)]
    forget()
    halved = dict(halving=True, epochs=4)
    same.append(search(**halved, backend="dask").best == search(**halved).best)
    counts = {pid: [int(c) for c in lines] for pid, lines in told().items()}
    counts.pop(str(os.getpid()))
    print(json.dumps([here == there, *same, list(counts.values()), interrupted("dask")]))
"""


def test_a_cluster_runs_estimators_and_searches(
    run_python: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    pytest.importorskip("sklearn")
    done = run_python(PROGRAM + CLUSTER + JOBLIB, TOLD=str(tmp_path))
    estimators, by_name, by_client, halved, counts, ended = json.loads(printed(done))
    assert (estimators, by_name, by_client, halved) == (True, True, True, True)
    # One thread for each task, which Dask tells its workers.
    assert counts
    assert {max(one) - one[0] for one in counts} == {0}
    assert ended == "stopped"


THREADS = """
with cluster(n_workers=1, threads_per_worker=2, processes=False):
    search(4, backend="dask")
    counts = [[int(count) for count in lines] for lines in told().values()]
    print(json.dumps([counts, interrupted("dask")]))
"""


def test_tasks_of_one_process_share_its_cores(
    run_python: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = run_python(PROGRAM + CLUSTER + THREADS, TOLD=str(tmp_path))
    (counts,), ended = json.loads(printed(done))
    assert max(counts) - counts[0] <= 2 * (max(2, foxnn._core.thread_limit()) // 2 - 1)
    assert ended == "stopped"


def test_a_search_on_dask_needs_a_client() -> None:
    pytest.importorskip("joblib")
    with pytest.raises(ValueError, match=r"backend must be left out.*Client\(\)"):
        foxnn.search([4, 3], X, LABELS, {"l2": [0.0]}, 2, output_activation="softmax",
                     seed=1, backend="dask")  # fmt: skip
