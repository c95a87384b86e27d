"""The metrics that `evaluate` knows by name, and what each needs from outputs and targets.

A metric of numbers compares outputs with targets, one of classes the class of each sample with the
wanted one, one of scores ranks or weighs the outputs themselves. Formulas, and what they give where
nothing is defined, are those of scikit-learn's functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foxnn import checks
from foxnn.checks import Array
from foxnn.model import class_metrics, number_metrics, score_metrics
from foxnn.model.class_metrics import Wanted

Floats = NDArray[np.float64]


class Answers(NamedTuple):
    """Outputs of samples, what was wanted, and how much each counts.

    Where outputs have positions, each position counts as a sample.
    """

    outputs: Floats  # (samples, outputs)
    targets: Floats  # of that shape; one-hot rows for labels
    weights: Floats
    loss: str


_NUMBERS: dict[str, Callable[[Floats, Floats, Floats], float]] = {
    "mse": number_metrics.squared_error,
    "rmse": number_metrics.root_squared_error,
    "mae": number_metrics.absolute_error,
    "mape": number_metrics.percentage_error,
    "max_error": number_metrics.largest_error,
    "r2": number_metrics.determination,
    "explained_variance": number_metrics.explained_variance,
}
_CLASSES: dict[str, Callable[[Wanted], float]] = {
    "accuracy": class_metrics.accuracy,
    "balanced_accuracy": class_metrics.balanced_accuracy,
    "precision": class_metrics.precision,
    "recall": class_metrics.recall,
    "f1": class_metrics.f1,
    "mcc": class_metrics.matthews,
}
_SCORES: dict[str, Callable[[Wanted], float]] = {
    "auc": score_metrics.area,
    "average_precision": score_metrics.average_precision,
    "log_loss": score_metrics.log_loss,
    "brier": score_metrics.brier,
}
_TOP = re.compile(r"top_([1-9][0-9]{0,8})")
# What Keras and scikit-learn call them.
_ALIASES = {
    "mean_squared_error": "mse",
    "root_mean_squared_error": "rmse",
    "mean_absolute_error": "mae",
    "mean_absolute_percentage_error": "mape",
    "r2_score": "r2",
    "acc": "accuracy",
    "roc_auc": "auc",
    "matthews_corrcoef": "mcc",
    "brier_score": "brier",
}


def names() -> list[str]:
    """Return the names of the metrics; top_5 stands for any number."""
    return [*_NUMBERS, *_CLASSES, *_SCORES, "top_5"]


def checked(metrics: Any) -> dict[str, str]:
    """Return the metrics that were asked for, each with its own name."""
    if isinstance(metrics, str):
        metrics = (metrics,)
    found = {}
    for given in checks.items(metrics, "metrics must be a sequence of names"):
        name = checks.text(given, "a name of metrics")
        plain = name.lower().replace("-", "_").replace(" ", "_")
        plain = _ALIASES.get(plain, plain)
        if plain not in names() and not _TOP.fullmatch(plain):
            raise ValueError(
                f"metrics must be among {', '.join(names())} (or another number); got "
                f"{checks.shown(name)}{checks.meant(plain, [*names(), *_ALIASES])}"
            )
        found[name] = plain
    return found


def values(wanted: Mapping[str, str], answers: Answers, single: bool) -> dict[str, float]:
    """Return the metrics by the names that were asked for."""
    counted = answers.weights > 0
    some = answers
    if not counted.all():  # or else these would be copies of all, large where there are positions
        some = answers._replace(
            outputs=answers.outputs[counted],
            targets=answers.targets[counted],
            weights=answers.weights[counted],
        )
    by_class: Wanted | None = None
    found = {}
    for given, name in wanted.items():
        if name in _NUMBERS:
            found[given] = _NUMBERS[name](some.outputs, some.targets, some.weights)
            continue
        if by_class is None:
            by_class = class_metrics.wanted_of(*some, single=single, asked=given)
        if top := _TOP.fullmatch(name):
            found[given] = score_metrics.in_top(by_class, int(top[1]), given)
        else:
            found[given] = (_CLASSES | _SCORES)[name](by_class)
    return {name: float(value) for name, value in found.items()}


def one_hot(labels: Array, count: int) -> Floats:
    """Return rows of targets for the numbers of classes, whatever their shape."""
    rows = np.zeros((labels.size, count))
    rows[np.arange(labels.size), labels.reshape(-1)] = 1.0
    return rows
