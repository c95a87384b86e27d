"""The targets of a table, as classes or numbers, and the score of outputs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foxnn.cli.cells import TextCells
from foxnn.cli.labels import Labels, in_order, same_number
from foxnn.cli.numerals import MOST_CLASSES, way_of
from foxnn.cli.table_files import TableError

_REMEDY = "--classify takes all cells as classes"


@dataclass
class Target:
    """Targets: labels of shape (samples,) if there are classes, else (samples, columns).

    The class of label i is `classes[i]`.
    """

    y: NDArray[Any]
    classes: list[str] | None


def target_of(columns: Sequence[TextCells], lines: list[int], classify: bool | None) -> Target:
    """Return the texts of columns as targets; `lines` are their numbers in the table.

    Texts are classes, and so are integers if there are few different ones; other numbers are
    numbers. `classify` overrides this. A class is a text: 007 and 7 are two, of which a warning
    tells.

    Raises
    ------
    TableError
        For invalid cells, a single class, or as many classes as samples; and unless `classify` is
        True, for numbers that are written in another way, and for two texts of one number.
    """
    first = columns[0]
    is_guess = classify is None
    if is_guess:
        classify = len(columns) == 1 and _are_classes(first, lines)
    if not classify:
        return Target(numbers_of(columns, lines), None)
    if len(columns) > 1:
        names = ", ".join(column.name for column in columns)
        raise TableError(f"{first.table}: classes must be in one column, got {names}")
    classes = in_order(set(first.texts), first.numerals)
    if (same := same_number(classes, first.numerals)) is not None:
        if is_guess:
            line = lines[first.texts.index(same[1])]
            raise first.written_twice(line, same, f"{_REMEDY}, --regress as numbers")
        warnings.warn(first.told_twice(same, "classes"), stacklevel=2)
    if len(classes) == 1:
        raise TableError(
            f"{first.table}: column {first.name!r} holds only one class, {classes[0]!r}"
        )
    if len(classes) == len(lines):
        raise TableError(
            f"{first.table}: column {first.name!r} holds a different class on every line, so there "
            "is nothing to learn"
        )
    return Target(labels_of(first, lines, Labels(classes)), classes)


def _are_classes(column: TextCells, lines: list[int]) -> bool:
    different = dict.fromkeys(column.texts)
    numbers = {text: column.numerals.number(text) for text in different}
    others = [text for text, number in numbers.items() if number is None]
    if others and (way := way_of(others, column.numerals)) is not None:
        line = lines[column.texts.index(way)]
        raise column.refusal(line, way, column.texts, _REMEDY)
    if len(others) == len(numbers):
        return True
    if others:
        line = lines[column.texts.index(others[0])]
        raise column.mixture(line, others[0], "--classify takes all of them as classes")
    found = {number for number in numbers.values() if number is not None}
    few = len(found) <= min(MOST_CLASSES, len(lines) / 2)
    return few and all(map(float.is_integer, found))


def numbers_of(columns: Sequence[TextCells], lines: Sequence[int]) -> NDArray[np.float64]:
    """Return the texts of columns as numbers, of shape (lines, columns)."""
    found = np.empty((len(lines), len(columns)))
    for i, column in enumerate(columns):
        for row, text in enumerate(column.texts):
            number = column.numerals.number(text)
            if number is None:
                raise column.refusal(lines[row], text, column.texts)
            found[row, i] = number
    return found


def labels_of(column: TextCells, lines: Sequence[int], known: Labels) -> NDArray[np.int64]:
    """Return the positions of the texts of a column among known classes."""
    found = np.empty(len(lines), np.int64)
    for row, text in enumerate(column.texts):
        place = known.find(text)
        if place is None:
            raise TableError(
                f"{column.table}, line {lines[row]}: column {column.name!r} holds the class "
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
