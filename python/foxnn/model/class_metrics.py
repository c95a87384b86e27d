"""Metrics of classes: how often the predicted class is the correct one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foxnn.checks import target_kind

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Wanted:
    """The predictions of a classifier, and the correct classes.

    With multilabel outputs, every output has two classes of its own.
    """

    outputs: Floats
    targets: Floats
    weights: Floats
    single: bool  # whether the outputs are float32
    is_multilabel: bool

    @property
    def found(self) -> NDArray[np.int64]:
        """The classes of the samples by the outputs; rows of 0 and 1 for multilabel ones."""
        return self._classes(self.outputs)

    @property
    def classes(self) -> NDArray[np.int64]:
        """The true classes of the samples."""
        return self._classes(self.targets)

    @property
    def count(self) -> int:
        """The number of classes."""
        return max(2, int(self.outputs.shape[1]))

    def _classes(self, values: Floats) -> NDArray[np.int64]:
        if self.is_multilabel:
            return (values > 0.5).astype(np.int64)
        if values.shape[1] == 1:
            return (values[:, 0] > 0.5).astype(np.int64)
        largest: NDArray[np.int64] = values.argmax(axis=1)
        return largest


def wanted_of(
    outputs: Floats, targets: Floats, weights: Floats, loss: str, *, single: bool, asked: str
) -> Wanted:
    """Return predictions and true classes.

    Raises
    ------
    ValueError
        If the targets are not classes: another loss, and numbers other than 0 and 1.
    """
    kind = target_kind(loss)
    several = targets.shape[1] > 1
    if kind not in ("classes", "sides"):
        are_sides = bool(((targets == 0) | (targets == 1)).all())
        if not are_sides or (several and not (targets.sum(axis=1) == 1).all()):
            raise ValueError(
                f"metrics must not hold {asked!r}, which needs classes, for loss={loss!r} and "
                "targets that are not 0 and 1, or not one-hot rows"
            )
    return Wanted(outputs, targets, weights, single, kind == "sides" and several)


def accuracy(given: Wanted) -> float:
    """Return the share of samples with the correct class; multilabel: correct in every output."""
    right = given.found == given.classes
    right = right.all(axis=1) if given.is_multilabel else right
    return float(np.average(right, weights=given.weights))


def balanced_accuracy(given: Wanted) -> float:
    """Return the mean over the classes of the share of their samples that are correct."""
    table = confusion(given, "balanced_accuracy")
    there = table.sum(axis=1) > 0
    return float((np.diag(table)[there] / table.sum(axis=1)[there]).mean())


def precision(given: Wanted) -> float:
    """Return the share of correct ones among the samples that are predicted as a class."""
    hits, found, _ = _counts(given)
    return _averaged(given, _shares(hits, found))


def recall(given: Wanted) -> float:
    """Return the share of a class's samples that are predicted as that class."""
    hits, _, there = _counts(given)
    return _averaged(given, _shares(hits, there))


def f1(given: Wanted) -> float:
    """Return the harmonic mean of precision and recall."""
    hits, found, there = _counts(given)
    return _averaged(given, _shares(2.0 * hits, found + there))


def matthews(given: Wanted) -> float:
    """Return the correlation of predicted and true classes (Gorodkin, 2004); 0 for one class."""
    table = confusion(given, "mcc")
    there, found, total = table.sum(axis=1), table.sum(axis=0), table.sum()
    covariance = np.trace(table) * total - (there * found).sum()
    spread = (total**2 - (found**2).sum()) * (total**2 - (there**2).sum())
    return float(covariance / np.sqrt(spread)) if spread > 0 else 0.0


def confusion(given: Wanted, asked: str) -> Floats:
    """Return the weight of samples by true class (rows) and predicted class."""
    if given.is_multilabel:
        raise ValueError(f"metrics must not hold {asked!r} for multilabel outputs")
    table = np.zeros((given.count, given.count))
    np.add.at(table, (given.classes, given.found), given.weights)
    return table


def _counts(given: Wanted) -> tuple[Floats, Floats, Floats]:
    """Return, for each class, the weight of hits, of predictions and of samples."""
    if given.is_multilabel:
        found, there, weights = given.found, given.classes, given.weights[:, None]
        parts = (found & there, found, there)
        hits, chosen, wanted = ((weights * part).sum(axis=0) for part in parts)
        return hits, chosen, wanted
    table = confusion(given, "")
    return np.diag(table), table.sum(axis=0), table.sum(axis=1)


def _shares(some: Floats, whole: Floats) -> Floats:
    """Return some / whole; 0 if the whole is 0."""
    return np.divide(some, whole, out=np.zeros_like(whole), where=whole > 0)


def _averaged(given: Wanted, by_class: Floats) -> float:
    """Return the value of the second of two classes, or the mean over the classes that occur."""
    if given.is_multilabel:
        return float(by_class.mean())
    if given.count == 2:
        return float(by_class[1])
    occur = np.zeros(given.count, bool)
    occur[given.classes] = occur[given.found] = True
    return float(by_class[occur].mean())
