"""Scores of fit(epochs="auto") beside the defaults of scikit-learn's networks, on its own tables.

All have a hidden layer of 100 rectifiers and nothing else is set, but for the penalty of the second
of foxnn's networks. Each split holds out a quarter for the score (the accuracy, or R²), with raw
inputs and with scaled ones. The splits are the same for all, so that the standard errors of the
differences are smaller than those of the scores. Prints a Markdown table and nothing else.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
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
PENALTY = 3.0
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


def ours(
    data: Sequence[Any], numbers: bool, scaled: bool, seed: int, penalty: float = 0.0
) -> Result:
    """Train foxnn's network until it finds its end.

    The penalty is that on all samples: as the logarithm of a normal distribution of the weights,
    whose variance is 1 / penalty, it counts less the more samples there are.
    """
    train_x, test_x, train_y, test_y = data
    outputs = 1 if numbers else int(train_y.max()) + 1
    last = "identity" if numbers else "softmax"
    sizes = [train_x.shape[1], HIDDEN, outputs]
    network = foxnn.neural_network(sizes, "relu", last, seed=seed)
    start = time.perf_counter()
    history = network.fit(
        train_x, train_y, "auto", scale="standard" if scaled else None, l2=penalty / len(train_x)
    )
    seconds = time.perf_counter() - start
    answers = network.predict(test_x)
    score = (
        metrics.r2_score(test_y, answers[:, 0])
        if numbers
        else metrics.accuracy_score(test_y, answers.argmax(axis=1))
    )
    return float(score), len(history["loss"]), seconds


# In the table, the last one is what the others are compared with.
SIDES: dict[str, Callable[..., Result]] = {
    "foxnn": ours,
    "foxnn, l2=3/n": functools.partial(ours, penalty=PENALTY),
    "scikit-learn": theirs,
}


def rows(only: str, splits: int) -> Iterator[list[str]]:
    """Yield the rows of the table."""
    for name in SETS:
        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        numbers = name == "diabetes"
        for scaled in (False, True):
            title = f"{name.replace('_', ' ')}, {'scaled' if scaled else 'raw'}"
            if only not in title:
                continue
            found: list[list[Result]] = [[] for _ in SIDES]
            for seed in range(splits):
                data = train_test_split(
                    x, y, test_size=0.25, random_state=seed, stratify=None if numbers else y
                )
                for side, results in zip(SIDES.values(), found, strict=True):
                    results.append(side(data, numbers, scaled, seed))
            *mine, others = found
            scores = [f"{mean(results)} ({differences(results, others)})" for results in mine]
            epochs = [f"{np.mean([result[1] for result in results]):.0f}" for results in found]
            times = [shown_seconds(statistics.median(r[2] for r in results)) for results in found]
            yield [title, *scores, mean(others), ", ".join(epochs), ", ".join(times)]


def mean(results: Sequence[Result]) -> str:
    """Return the mean score."""
    return f"{np.mean([score for score, _, _ in results]):.3f}"


def differences(results: Sequence[Result], others: Sequence[Result]) -> str:
    """Return the mean difference from the scores of others, with its standard error."""
    found = [one[0] - other[0] for one, other in zip(results, others, strict=True)]
    return f"{np.mean(found):+.3f} ± {statistics.stdev(found) / len(found) ** 0.5:.3f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--splits", type=positive, default=20, help="trainings per row, at least 2")
    parser.add_argument("--only", default="", help="only rows whose title contains this")
    options = parser.parse_args(arguments)
    *mine, others = SIDES
    head = ["data", *(f"{name} (difference)" for name in mine), others, "epochs", "time"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of scikit-learn, after 200 epochs
        print(table(head, rows(options.only, max(2, options.splits))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
