"""Class labels of any kind: which there are, and the number of each sample's class.

A network computes with the numbers of its outputs, from 0. Labels that are other whole numbers,
strings, True and False are translated here. One-hot rows and shares of classes are not labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from foxnn.checks.arrays import Array, as_array, shape_of_samples
from foxnn.checks.label_columns import column_of, is_column
from foxnn.checks.targets import signed, target_kind, targets
from foxnn.checks.values import items, shown
from foxnn.support import pieces

Label = str | int | bool

# Labels that are sorted at once, strings in some 50 ms, after which Ctrl-C takes effect.
_AT_ONCE = 1 << 16
# Labels that are whole numbers are smaller: no array of numbers holds others, and Python does not
# write very long ones.
_LARGEST = 2**64
# Labels that a message lists; with more of them, those that differ would not be seen.
_MOST_SHOWN = 10


class Classes:
    """The labels of a network's classes, in the order of its outputs."""

    def __init__(self, labels: Sequence[Label]) -> None:
        self.labels = list(labels)
        self.are_numbers = self.labels == list(range(len(labels))) and type(labels[0]) is int
        self._numbers = {label: i for i, label in enumerate(self.labels)}

    @classmethod
    def numbered(cls, count: int) -> Classes:
        """Return the classes whose labels are the numbers of the outputs."""
        return cls(range(count))

    @classmethod
    def checked(cls, given: Any, name: str, count: int) -> Classes:
        """Return as many classes as given labels, which must be of one kind and all different."""
        allowed = f"{name} must be {count} different labels"
        if isinstance(given, str | bytes | dict | set):
            raise TypeError(f"{allowed}, got {shown(given)}")
        found = [_plain(label, name) for label in items(given, allowed, count + 1)]
        if len(found) != count or len(set(found)) != count:
            raise ValueError(f"{allowed}, got {shown(given)}")
        if len({type(label) for label in found}) > 1:
            raise TypeError(f"{name} must be labels of one kind, got {shown(given)}")
        return cls(found)

    def __len__(self) -> int:
        return len(self.labels)

    def __str__(self) -> str:
        return said(self.labels)

    def number(self, label: object, name: str) -> int:
        """Return the number of the class with a label."""
        try:
            return self._numbers[label]  # type: ignore[index]
        except (KeyError, TypeError):
            raise ValueError(
                f"{name} must be among the classes {self}; got {shown(label)}"
            ) from None

    def numbers(self, labels: Array, name: str) -> Array:
        """Return the numbers of the classes of samples."""
        out = np.empty(len(labels), np.int64)
        where = f"labels in {name}"
        for part in pieces.slices(out, _AT_ONCE):
            if labels.dtype == object:
                found = [self._numbers.get(label, -1) for label in labels[part].tolist()]
                out[part] = found
                if -1 in found:
                    self.number(labels[part][found.index(-1)], where)
            else:
                there, which = np.unique(labels[part], return_inverse=True)
                numbers = [self.number(label, where) for label in there.tolist()]
                out[part] = np.array(numbers, np.int64)[which.reshape(-1)]
        return out

    def of(self, numbers: Array) -> Array:
        """Return the labels of classes that are given by their numbers."""
        if self.are_numbers:
            return numbers
        array = np.array(self.labels)
        if array.tolist() != self.labels:  # NumPy strips strings of trailing zeros
            array = np.array(self.labels, object)
        return array[numbers]


class LabelReader:
    """Reads the targets of samples, which may be labels, for a network with or without classes."""

    def __init__(self, classes: Classes | None, *, learns: bool = False) -> None:
        self.classes = classes
        #: Whether the labels that are read decide the classes where there are none yet.
        self.learns = learns

    def targets(
        self,
        values: Any,
        name: str,
        outputs: int,
        *,
        loss: str,
        single: bool,
        shape: tuple[int, ...] = (),
    ) -> Array:
        """Return targets as a matrix, or for cross_entropy the numbers of classes as integers.

        These are a vector, or a row a sample where the outputs, whose shape is `shape`, have
        positions.
        """
        kind, channels, positions = target_kind(loss), outputs, shape[:-1]
        if positions:
            channels = shape[-1]
        if not may_be_labels(kind, channels):
            return targets(values, name, outputs, loss=loss, single=single, shape=shape)
        given, order = column_of(values, name, positions)
        is_text = isinstance(given, np.ndarray) and given.dtype.kind in "bUO"
        has_labels = is_text and is_column(given, positions)
        if positions and is_text and not has_labels and _is_text(given):
            shapes = shape_of_samples(positions)
            raise ValueError(f"{name} must have shape {shapes} for labels, got {given.shape}")
        array = given if has_labels else as_array(given, name)
        if array.size > 0 and is_column(array, positions):
            count = count_of(kind, channels)
            numbers = self._numbers(array.reshape(-1), order, name, kind, count)
            if numbers is not None:
                rows = numbers.reshape(len(array), -1)
                if kind == "classes":
                    return rows if positions else numbers
                return rows.astype(np.uint8)
        return targets(array, name, outputs, loss=loss, single=single, shape=shape)

    def _numbers(
        self, labels: Array, order: list[Any] | None, name: str, kind: str, count: int
    ) -> Array | None:
        """Return the numbers of the samples' classes.

        None where the labels are these numbers, but for those that are known to be right.
        """
        if _is_number(labels):
            low, high = pieces.extremes(labels)
            within = bool(low >= 0 and high <= count - 1)
            is_whole = labels.dtype.kind != "f" or _all_whole(labels)
            if not is_whole and (kind == "classes" or within):
                return None  # shares of one class, or refused
            if self.classes is None or self.classes.are_numbers:
                if within and self.learns and self.classes is None:
                    self.classes = Classes.numbered(count)
                if within and kind == "classes" and count > 1 and labels.dtype.kind != "f":
                    return signed(labels, count)
                if within or self.classes is not None or not self.learns or not is_whole:
                    return None
        elif self.classes is None and labels.dtype.kind == "b" and (count != 2 or not self.learns):
            return None
        if self.classes is None:
            if not self.learns:
                raise ValueError(
                    f"{name} must hold numbers while the network has no classes, got "
                    f"{shown(labels[:1].tolist()[0])}: fit learns them, or set nn.classes"
                )
            self.classes = learned(labels, order, name, count)
        return self.classes.numbers(labels, name)


def may_be_labels(kind: str, outputs: int) -> bool:
    """Return whether targets of a kind (see `target_kind`) may be labels."""
    return kind == "classes" or (kind == "sides" and outputs == 1)


def count_of(kind: str, outputs: int) -> int:
    """Return the number of classes of a network: one output between 0 and 1 has two."""
    return 2 if outputs == 1 and kind != "classes" else outputs


def said(labels: Iterable[object]) -> str:
    """Return labels for a message."""
    texts = [shown(label) for label in labels]
    more = len(texts) - _MOST_SHOWN
    return ", ".join(texts[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _is_text(array: Array) -> bool:
    return array.size > 0 and (array.dtype.kind == "U" or isinstance(array.flat[0], str))


def _is_number(array: Array) -> bool:
    return array.dtype.kind in "iuf"


def _all_whole(array: Array) -> bool:
    return all(bool((array[p] == np.floor(array[p])).all()) for p in pieces.slices(array))


def learned(labels: Array, order: list[Any] | None, name: str, count: int) -> Classes:
    """Return the classes of labels: sorted, or in the order of a categorical column."""
    if labels.dtype.kind == "b":
        return Classes([False, True])
    found = set[Any]()
    for part in pieces.slices(labels, _AT_ONCE):
        some = labels[part]
        found.update(some.tolist() if some.dtype == object else np.unique(some).tolist())
        if len(found) > max(count, _MOST_SHOWN):
            break  # a column of numbers, or of texts that are all different
    if labels.dtype.kind == "f":
        found = {int(label) for label in found}
    known = sorted(found)
    if order is not None and set(order) >= found:
        # A category that no sample has is a class where there is an output for it.
        known = order if len(order) == count else [label for label in order if label in found]
    if len(known) != count:
        at_least = "at least " if len(found) > max(count, _MOST_SHOWN) else ""
        numbers = f"whole numbers from 0 to {count - 1}, or " if _is_number(labels) else ""
        remedy = "; set nn.classes if there are more than these" if len(known) < count else ""
        raise ValueError(
            f"{name} must hold {numbers}{count} different class labels, one per class of the "
            f"network, got {at_least}{len(known)}: {said(known)}{remedy}"
        )
    return Classes.checked(known, name, count)


def _plain(label: object, name: str) -> Label:
    """Return a label as a plain value, which every file can hold."""
    if isinstance(label, bool | np.bool_):
        return bool(label)
    if isinstance(label, str):
        return str.__str__(label)
    is_whole = isinstance(label, float | np.floating) and float(label).is_integer()
    if is_whole or isinstance(label, int | np.integer):
        if not -_LARGEST < label < _LARGEST:  # type: ignore[operator]
            raise ValueError(f"labels in {name} must be below 2**64 as numbers, got {shown(label)}")
        return int(label)  # type: ignore[call-overload,no-any-return]
    raise TypeError(
        f"labels in {name} must be strings, whole numbers or True and False, got {shown(label)}"
    )
