"""The targets of a table, as classes or numbers, and the score of outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foxnn.cli.tables import Table, TableError, TableRows

# Integers are taken as classes if there are at most this many different ones.
_MOST_CLASSES = 10


@dataclass
class Target:
    """Targets: labels of shape (samples,) if there are classes, else (samples, columns).

    The class of label i is `classes[i]`.
    """

    y: NDArray[Any]
    classes: list[str] | None


def target_of(
    table: Table, samples: TableRows, names: Sequence[str], classify: bool | None
) -> Target:
    """Return the texts of samples as targets, of the columns with these names.

    Texts are classes, and so are integers if there are few different ones; other numbers are
    numbers. `classify` overrides this.

    Raises
    ------
    TableError
        For invalid cells, a single class, or as many classes as samples.
    """
    if classify is None:
        classify = len(names) == 1 and _are_classes(table, samples, names[0])
    if not classify:
        return Target(numbers_of(table, samples, names), None)
    if len(names) > 1:
        raise TableError(f"{table.name}: classes stand in one column, got {', '.join(names)}")
    texts = samples.texts[0]
    numbers = [table.number(text) for text in texts]
    if all(number is not None and number.is_integer() for number in numbers):
        classes = [str(whole) for whole in sorted({int(number or 0) for number in numbers})]
    else:
        classes = sorted(set(texts))
    if len(classes) == 1:
        raise TableError(f"{table.name}: column {names[0]!r} holds only one class, {classes[0]!r}")
    if len(classes) == len(samples):
        raise TableError(
            f"{table.name}: column {names[0]!r} holds a different class on every line, so there is "
            "nothing to learn"
        )
    return Target(labels_of(table, samples, names[0], classes), classes)


def _are_classes(table: Table, samples: TableRows, name: str) -> bool:
    texts = samples.texts[0]
    numbers = [table.number(text) for text in texts]
    there = {number for number in numbers if number is not None}
    if not there:
        return True
    if None in numbers:
        at = numbers.index(None)
        raise TableError(
            f"{table.name}, line {samples.lines[at]}: column {name!r} holds {texts[at]!r}, while "
            "other cells of it are numbers; --classify takes all of them as classes"
        )
    few = len(there) <= min(_MOST_CLASSES, len(texts) / 2)
    return few and all(number.is_integer() for number in there)


def numbers_of(table: Table, samples: TableRows, names: Sequence[str]) -> NDArray[np.float64]:
    """Return the texts of samples as numbers, of shape (samples, columns)."""
    found = np.empty((len(samples), len(names)))
    for column, (name, texts) in enumerate(zip(names, samples.texts, strict=True)):
        for row, text in enumerate(texts):
            number = table.number(text)
            if number is None:
                raise TableError(
                    f"{table.name}, line {samples.lines[row]}: column {name!r} holds {text!r}, "
                    "which is not a finite number"
                )
            found[row, column] = number
    return found


def labels_of(
    table: Table, samples: TableRows, name: str, classes: Sequence[str]
) -> NDArray[np.int64]:
    """Return the positions of the texts of samples among the classes."""
    places = {text: i for i, text in enumerate(classes)}
    found = np.empty(len(samples), np.int64)
    for row, text in enumerate(samples.texts[0]):
        place = places.get(text)
        if place is None:  # a class 1 may be written as 1.0
            number = table.number(text)
            if number is not None and number.is_integer():
                place = places.get(str(int(number)))
        if place is None:
            raise TableError(
                f"{table.name}, line {samples.lines[row]}: column {name!r} holds the class "
                f"{text!r}, which the network does not know"
            )
        found[row] = place
    return found


def score(outputs: NDArray[Any], target: Target) -> str:
    """Return the score of outputs in words.

    It is the accuracy, or the fraction of the targets' variance that is explained (R2, averaged
    over the columns) and the root mean squared error.
    """
    if target.classes is not None:
        return f"accuracy {np.mean(outputs.argmax(axis=1) == target.y):.4f}"
    missed = ((outputs - target.y) ** 2).sum(axis=0)
    spread = ((target.y - target.y.mean(axis=0)) ** 2).sum(axis=0)
    error = f"root mean squared error {np.sqrt(missed.mean() / len(outputs)):.4g}"
    if not spread.all():  # no variance to explain
        return error
    return f"R2 {np.mean(1.0 - missed / spread):.4f}, {error}"
