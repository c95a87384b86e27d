"""Scores of fit(epochs="auto") beside the defaults of scikit-learn's networks, on its own tables.

Both sides have a hidden layer of 100 rectifiers and nothing else is set; each split holds out a
quarter for the score (the accuracy, or R²), with raw inputs and with scaled ones. Prints a Markdown
table and nothing else.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn import datasets, metrics, neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import foxnn
from measure import positive, shown_seconds, table

SETS = ("iris", "wine", "breast_cancer", "digits", "diabetes")
HIDDEN = 100  # as scikit-learn has by default
# What a side returns: score, epochs, seconds.
Result = tuple[float, int, float]


def theirs(data: Sequence[Any], numbers: bool, scaled: bool, seed: int) -> Result:
    """Train scikit-learn's network with its defaults."""
    train_x, test_x, train_y, test_y = data
    kind = neural_network.MLPRegressor if numbers else neural_network.MLPClassifier
    network = kind(random_state=seed)
    whole = make_pipeline(StandardScaler(), network) if scaled else network
    start = time.perf_counter()
    whole.fit(train_x, train_y)
    seconds = time.perf_counter() - start
    return whole.score(test_x, test_y), network.n_iter_, seconds


def ours(data: Sequence[Any], numbers: bool, scaled: bool, seed: int) -> Result:
    """Train foxnn's network until it finds its end."""
    train_x, test_x, train_y, test_y = data
    outputs = 1 if numbers else int(train_y.max()) + 1
    last = "identity" if numbers else "softmax"
    network = foxnn.neural_network([train_x.shape[1], HIDDEN, outputs], "relu", last, seed=seed)
    start = time.perf_counter()
    history = network.fit(train_x, train_y, "auto", scale="standard" if scaled else None)
    seconds = time.perf_counter() - start
    answers = network.predict(test_x)
    score = (
        metrics.r2_score(test_y, answers[:, 0])
        if numbers
        else metrics.accuracy_score(test_y, answers.argmax(axis=1))
    )
    return float(score), len(history["loss"]), seconds


def rows(only: str, splits: int) -> Iterator[list[str]]:
    """Yield the rows of the table."""
    for name in SETS:
        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        numbers = name == "diabetes"
        for scaled in (False, True):
            title = f"{name.replace('_', ' ')}, {'scaled' if scaled else 'raw'}"
            if only not in title:
                continue
            found: list[list[Result]] = [[], []]
            for seed in range(splits):
                data = train_test_split(
                    x, y, test_size=0.25, random_state=seed, stratify=None if numbers else y
                )
                for side, results in zip((ours, theirs), found, strict=True):
                    results.append(side(data, numbers, scaled, seed))
            yield [
                title,
                *(part for results in zip(*map(shown, found), strict=True) for part in results),
            ]


def shown(results: Sequence[Result]) -> list[str]:
    """Return mean score with its standard error, mean epochs and median seconds."""
    scores, epochs, seconds = zip(*results, strict=True)
    error = statistics.stdev(scores) / len(scores) ** 0.5
    return [
        f"{np.mean(scores):.3f} ± {error:.3f}",
        f"{np.mean(epochs):.0f}",
        shown_seconds(statistics.median(seconds)),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--splits", type=positive, default=20, help="trainings per row, at least 2")
    parser.add_argument("--only", default="", help="only rows whose title contains this")
    options = parser.parse_args(arguments)
    head = ["data", "score of foxnn", "of scikit-learn", "epochs of foxnn", "of scikit-learn"]
    head += ["time of foxnn", "of scikit-learn"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of scikit-learn, after 200 epochs
        print(table(head, rows(options.only, max(2, options.splits))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
