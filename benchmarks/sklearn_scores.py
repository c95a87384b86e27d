"""Scores and times of foxnn.sklearn and of scikit-learn's own classes on scikit-learn's data sets.

Both sides train with the same settings on the same halves of the data, taking turns, over several
seeds. Prints a Markdown table and nothing else.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import datasets, neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import foxnn.sklearn
from measure import PAUSE, positive, shown_seconds, table

Data = tuple[Any, Any]


@dataclass(frozen=True)
class Job:
    """A data set, the estimator for it, and the settings of both sides."""

    title: str
    load: Callable[[], Data]
    estimator: str
    settings: dict[str, Any]


def samples_of(load: Callable[..., Data], **arguments: Any) -> Callable[[], Data]:
    """Return a function that loads inputs and targets."""
    return lambda: load(**arguments)


def diabetes() -> Data:
    """Return the diabetes data with standardized targets, which suit a network."""
    x, y = datasets.load_diabetes(return_X_y=True)
    return x, (y - y.mean()) / y.std()


SETS: dict[str, tuple[Callable[[], Data], str]] = {
    "digits": (samples_of(datasets.load_digits, return_X_y=True), "MLPClassifier"),
    "iris": (samples_of(datasets.load_iris, return_X_y=True), "MLPClassifier"),
    "breast cancer": (samples_of(datasets.load_breast_cancer, return_X_y=True), "MLPClassifier"),
    "diabetes": (diabetes, "MLPRegressor"),
    "make_classification": (
        samples_of(
            datasets.make_classification,
            n_samples=5000,
            n_informative=8,
            n_classes=4,
            random_state=0,
        ),
        "MLPClassifier",
    ),
}
# Early stopping, where there is enough to hold out; without it a small set is memorized.
SOLVERS: dict[str, dict[str, Any]] = {
    "adam": {"solver": "adam", "max_iter": 200},
    "sgd": {"solver": "sgd", "max_iter": 200, "learning_rate_init": 0.05, "early_stopping": True},
    "lbfgs": {"solver": "lbfgs", "max_iter": 200, "alpha": 1.0},
}


def jobs() -> list[Job]:
    """Return every solver on every data set."""
    return [
        Job(f"{name}, {solver}", load, estimator, settings)
        for name, (load, estimator) in SETS.items()
        for solver, settings in SOLVERS.items()
    ]


@dataclass
class Side:
    """The results of one of the two sides, one value per seed."""

    name: str
    module: Any
    scores: list[float]
    seconds: list[float]
    iterations: list[int]

    def run(self, job: Job, seed: int, data: Sequence[Any]) -> None:
        """Train and score once."""
        train_x, test_x, train_y, test_y = data
        estimator = getattr(self.module, job.estimator)(random_state=seed, **job.settings)
        time.sleep(PAUSE)
        start = time.perf_counter()
        estimator.fit(train_x, train_y)
        self.seconds.append(time.perf_counter() - start)
        self.scores.append(estimator.score(test_x, test_y))
        self.iterations.append(estimator.n_iter_)

    def score(self) -> str:
        """Return the mean score, and its standard deviation over the seeds."""
        return f"{statistics.mean(self.scores):.4f} ± {statistics.stdev(self.scores):.4f}"


def sides() -> tuple[Side, Side]:
    """Return both sides, without results."""
    return (
        Side("foxnn", foxnn.sklearn, [], [], []),
        Side("scikit-learn", neural_network, [], [], []),
    )


def halves(job: Job, seed: int) -> Sequence[Any]:
    """Return training and test samples, scaled by the statistics of the training samples."""
    x, y = job.load()
    stratify = y if job.estimator == "MLPClassifier" else None
    train_x, test_x, train_y, test_y = train_test_split(
        x, y, test_size=0.5, random_state=seed, stratify=stratify
    )
    scaler = StandardScaler().fit(train_x)
    return scaler.transform(train_x), scaler.transform(test_x), train_y, test_y


def row(job: Job, seeds: int) -> list[str]:
    """Return the table cells of a job."""
    ours, theirs = both = sides()
    warm_up = sides()
    for seed in range(seeds):
        data = halves(job, seed)
        for side in (*(warm_up if seed == 0 else ()), *both):
            side.run(job, seed, data)
    times = [statistics.median(side.seconds) for side in both]
    differences = np.abs(np.subtract(ours.scores, theirs.scores))
    return [
        job.title,
        ours.score(),
        theirs.score(),
        f"{differences.max():.4f}",
        " / ".join(f"{statistics.mean(side.iterations):.0f}" for side in both),
        *(shown_seconds(seconds) for seconds in times),
        f"{times[1] / times[0]:.1f}",
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=positive, default=5, help="trainings per row, at least 2")
    parser.add_argument("--only", default="", help="only rows whose title contains this")
    options = parser.parse_args(arguments)
    head = ["data, solver", "score of foxnn", "of scikit-learn", "largest difference"]
    head += ["iterations", "time of foxnn", "of scikit-learn", "times"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = [row(job, max(2, options.seeds)) for job in jobs() if options.only in job.title]
    print(table(head, found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
