"""The metrics of `evaluate` against scikit-learn's functions, with and without weights."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn.model import metrics as table

sk = pytest.importorskip("sklearn.metrics")

Array = np.ndarray
RNG = np.random.default_rng(3)
X = np.r_[RNG.normal(size=(80, 3)), np.ones((4, 3))]  # the last ones have equal scores
SAMPLES = len(X)
WEIGHTS = RNG.integers(0, 4, SAMPLES) * 0.5
LABELS = np.where(RNG.random(SAMPLES) < 0.4, X[:, 0] > 0, RNG.integers(0, 2, SAMPLES)) * 1


def probabilities(values: Array) -> Array:
    return np.hstack([1 - values, values]) if values.shape[1] == 1 else values


def averaged(function: Callable[..., float]) -> Callable[..., float]:
    """Return precision, recall or f1 as scikit-learn has it for as many classes as there are."""

    def value(y: Array, found: Array, classes: int, **options: Any) -> float:
        how = "binary" if classes == 2 else "macro"
        return function(y, found, average=how, zero_division=0, **options)

    return value


REGRESSION = {
    "mse": sk.mean_squared_error,
    "rmse": sk.root_mean_squared_error,
    "mae": sk.mean_absolute_error,
    "mape": sk.mean_absolute_percentage_error,
    "r2": sk.r2_score,
    "explained_variance": sk.explained_variance_score,
}
BY_CLASS = {
    "accuracy": lambda y, p, n, **o: sk.accuracy_score(y, p, **o),
    "balanced_accuracy": lambda y, p, n, **o: sk.balanced_accuracy_score(y, p, **o),
    "precision": averaged(sk.precision_score),
    "recall": averaged(sk.recall_score),
    "f1": averaged(sk.f1_score),
    "mcc": lambda y, p, n, **o: sk.matthews_corrcoef(y, p, **o),
}

weighted = pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["alike", "weighted"])
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def near(found: float, expected: float, dtype: str) -> None:
    """Compare two metrics: some 80 numbers are added up in another order, of float32 rounded."""
    assert found == pytest.approx(expected, rel=1e-9 if dtype == "float64" else 2e-6, abs=1e-12)


@weighted
@dtypes
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("name", REGRESSION)
def test_metrics_of_numbers(name: str, outputs: int, dtype: str, weights: Any) -> None:
    nn = foxnn.neural_network([3, 6, outputs], "tanh", "identity", dtype=dtype, seed=outputs)
    y = np.abs(X)[:, :1] + np.sin(X)[:, :outputs] + 0.5
    nn.fit(X, y, epochs=3, scale="standard", learning_rate=0.01)
    found = nn.evaluate(X, y, weights, metrics=(name,))
    near(found[name], REGRESSION[name](y, nn.predict(X), sample_weight=weights), dtype)
    assert found["loss"] == nn.evaluate(X, y, weights)["loss"]


def test_the_largest_error() -> None:
    nn = foxnn.neural_network([3, 2], "identity", dtype="float64", seed=1)
    y = X[:, :2]
    expected = np.abs(nn.predict(X) - y).max()
    assert nn.evaluate(X, y, metrics="max_error")["max_error"] == expected


def classifier(classes: int, outputs: int, dtype: str) -> tuple[foxnn.neural_network, Array]:
    """Return a network that has learnt a little, and labels that it does not always find."""
    others = np.random.default_rng(classes)
    y = LABELS if classes == 2 else (LABELS + others.integers(0, classes - 1, SAMPLES)) % classes
    ends = ("softmax", "cross_entropy") if outputs > 1 else ("sigmoid", "binary_cross_entropy")
    nn = foxnn.neural_network([3, 6, outputs], "tanh", *ends, dtype=dtype, seed=classes)
    nn.fit(X, y, epochs=8, batch_size=8, learning_rate=0.01)
    return nn, y


kinds = pytest.mark.parametrize(("classes", "outputs"), [(2, 1), (2, 2), (3, 3), (5, 5)])


@weighted
@dtypes
@kinds
@pytest.mark.parametrize("name", BY_CLASS)
def test_metrics_of_classes(
    name: str, classes: int, outputs: int, dtype: str, weights: Any
) -> None:
    nn, y = classifier(classes, outputs, dtype)
    found = nn.evaluate(X, y, weights, metrics=[name])[name]
    expected = BY_CLASS[name](y, nn.predict_classes(X), classes, sample_weight=weights)
    assert found == pytest.approx(expected, rel=1e-12)
    assert 0.05 < found < 1.0 or name == "mcc"


@weighted
@dtypes
@kinds
def test_metrics_of_scores(classes: int, outputs: int, dtype: str, weights: Any) -> None:
    nn, y = classifier(classes, outputs, dtype)
    found = nn.evaluate(X, y, weights, metrics=("auc", "average_precision", "log_loss", "brier"))
    p = probabilities(nn.predict(X).astype(np.float64))
    p /= p.sum(axis=1, keepdims=True)  # float32 rows add up to nearly 1
    options: dict[str, Any] = {"sample_weight": weights}
    if classes == 2:
        near(found["auc"], sk.roc_auc_score(y, p[:, 1], **options), dtype)
        near(found["average_precision"], sk.average_precision_score(y, p[:, 1], **options), dtype)
    else:
        near(found["auc"], sk.roc_auc_score(y, p, multi_class="ovr", **options), dtype)
        near(found["average_precision"], sk.average_precision_score(y, p, **options), dtype)
    near(found["log_loss"], sk.log_loss(y, p, **options), dtype)
    expected = (
        sk.brier_score_loss(y, p[:, 1], **options) if classes == 2 else by_hand(y, p, weights)
    )
    near(found["brier"], expected, dtype)
    near(found["log_loss"], found["loss"], dtype)


def by_hand(y: Array, p: Array, weights: Any) -> float:
    """Return Brier's score, which earlier scikit-learns have for two classes only."""
    return float(np.average(((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1), weights=weights))


@weighted
@pytest.mark.parametrize("k", [1, 2, 4, 9])
def test_the_largest_outputs(k: int, weights: Any) -> None:
    nn, y = classifier(5, 5, "float64")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # more than there are classes is always right
        expected = sk.top_k_accuracy_score(y, nn.predict(X), k=k, sample_weight=weights)
    assert nn.evaluate(X, y, weights, metrics=f"top_{k}")[f"top_{k}"] == pytest.approx(expected)


@weighted
def test_several_outputs_that_say_yes_or_no(weights: Any) -> None:
    nn = foxnn.neural_network([3, 3], "sigmoid", loss="binary_cross_entropy", seed=5)
    y = (X + np.random.default_rng(1).normal(size=X.shape) > 0).astype(int)
    names = ("accuracy", "precision", "recall", "f1", "auc", "average_precision")
    found = nn.evaluate(X, y, weights, metrics=names)
    p, options = nn.predict(X), {"sample_weight": weights}
    sides = (p > 0.5).astype(int)
    near(found["accuracy"], sk.accuracy_score(y, sides, **options), "float64")
    for name in ("precision", "recall", "f1"):
        function = getattr(sk, f"{name}_score")
        near(found[name], function(y, sides, average="macro", **options), "float64")
    near(found["auc"], sk.roc_auc_score(y, p, **options), "float32")
    near(found["average_precision"], sk.average_precision_score(y, p, **options), "float32")
    for name in ("balanced_accuracy", "mcc", "log_loss", "brier", "top_2"):
        with pytest.raises(ValueError, match=f"metrics must not hold '{name}'"):
            nn.evaluate(X, y, metrics=(name,))


def test_a_squared_loss_may_tell_classes_apart() -> None:
    nn = foxnn.neural_network([3, 4, 1], seed=1)
    y = LABELS[:, None]
    found = nn.evaluate(X, y, metrics=("accuracy", "auc", "mse"))
    p = nn.predict(X)[:, 0]
    assert found["accuracy"] == sk.accuracy_score(LABELS, p > 0.5)
    near(found["auc"], sk.roc_auc_score(LABELS, p), "float32")
    near(found["mse"], 2 * found["loss"], "float32")
    with pytest.raises(ValueError, match="metrics must not hold 'auc', which needs classes"):
        nn.evaluate(X, X[:, :1], metrics=("auc",))
    two = foxnn.neural_network([3, 2], seed=1)
    assert two.evaluate(X, np.eye(2)[LABELS], metrics="accuracy")["accuracy"] == np.mean(
        two.predict(X).argmax(axis=1) == LABELS
    )
    with pytest.raises(ValueError, match="not one-hot rows"):
        two.evaluate(X, np.ones((SAMPLES, 2)), metrics="f1")


def test_what_is_not_defined() -> None:
    nn = foxnn.neural_network([3, 1], "sigmoid", loss="binary_cross_entropy", seed=1)
    found = nn.evaluate(X, np.zeros(SAMPLES), metrics=("auc", "recall", "mcc", "average_precision"))
    assert math.isnan(found["auc"])
    assert (found["recall"], found["mcc"], found["average_precision"]) == (0.0, 0.0, 0.0)
    line = foxnn.neural_network([1, 1], "identity", init="zeros", dtype="float64")
    assert math.isnan(line.evaluate([[1.0]], [[1.0]], metrics="r2")["r2"])
    same = [[1.0], [2.0]]
    assert line.evaluate(same, [[1.0], [1.0]], metrics="r2")["r2"] == 0.0
    assert line.evaluate(same, [[0.0], [0.0]], metrics="r2")["r2"] == 1.0
    with pytest.raises(ValueError, match="'log_loss' for outputs that are not probabilities"):
        foxnn.neural_network([1, 1], "identity", init="uniform", seed=1).evaluate(
            [[5.0], [-5.0]], [[1], [0]], metrics="log_loss"
        )


def test_names_as_others_write_them() -> None:
    nn, y = classifier(3, 3, "float32")
    asked = ("AUC", "roc_auc", "F1", "top-2", "acc", "mean_squared_error")
    found = nn.evaluate(X, y, metrics=asked)
    plain = nn.evaluate(X, y, metrics=("auc", "f1", "top_2", "mse"))
    assert tuple(found)[2:] == asked
    assert found["AUC"] == found["roc_auc"] == plain["auc"]
    assert (found["F1"], found["top-2"]) == (plain["f1"], plain["top_2"])
    assert found["mean_squared_error"] == plain["mse"]
    assert found["acc"] == found["accuracy"]


@pytest.mark.parametrize(
    ("metrics", "error", "message"),
    [
        ("area", ValueError, "metrics must be among mse, .*; got 'area'"),
        (("top_0",), ValueError, "got 'top_0'"),
        ([3], TypeError, "a name of metrics must be a string, got 3"),
        (None, TypeError, "metrics must be a sequence of names, got None"),
    ],
)
def test_metrics_that_are_not_known(metrics: Any, error: type[Exception], message: str) -> None:
    nn, y = classifier(3, 3, "float32")
    with pytest.raises(error, match=message):
        nn.evaluate(X, y, metrics=metrics)


def test_labels_and_rows_have_the_same_metrics() -> None:
    nn, y = classifier(3, 3, "float32")
    names = [name for name in foxnn.metrics() if name != "mape"]
    assert nn.evaluate(X, y, metrics=names) == nn.evaluate(X, np.eye(3)[y], metrics=names)
    nn.classes = ["a", "b", "c"]
    by_name = nn.evaluate(X, np.array(nn.classes)[y], metrics=names)
    assert by_name == nn.evaluate(X, np.eye(3)[y], metrics=names)
    assert set(names) < set(table.names())
