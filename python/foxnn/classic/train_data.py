"""Training samples under FoxNN's interface: inputs and their targets."""

from __future__ import annotations

import os
from _thread import RLock  # threading, of which it is, takes a millisecond to import
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.checks.unpickling import attributes
from foxnn.formats import paths
from foxnn.support import pieces
from foxnn.support.array_types import ArrayLike
from foxnn.support.later import ModuleLater

if TYPE_CHECKING:
    from foxnn.formats import foxnn_text
else:  # for programs that have samples in files
    foxnn_text = ModuleLater("foxnn.formats.foxnn_text")

# Capacity reserved when the first sample is added alone.
_FIRST_CAPACITY = 16


class Sample(NamedTuple):
    """One sample, as read-only arrays."""

    input: Array
    out: Array


class train_data:
    """Samples: inputs and their targets.

    Parameters
    ----------
    x : array-like of shape (samples, inputs), optional
        Or the name of a file written by `save` or FoxNN; y is then left out.
    y : array-like of shape (samples, outputs), optional
        Arrays of float32, float64 or uint8 are used in place, without a copy, and kept alive, so
        changing them changes the data. Adding a sample copies them.

    Notes
    -----
    The samples are two arrays, of inputs and of outputs, with the given type if it is float32,
    float64 or uint8, else float64. `add_data` copies arrays once; an array made from a list is kept
    as it is. Several threads may add samples and train on them at the same time: a training run
    uses the samples present when it begins.

    Raises
    ------
    ValueError
        For ragged, empty or non-finite data, or x and y of different length.
    foxnn.FileFormatError
        For a file of another kind or a damaged one.
    OSError
        For a file that cannot be read.

    Examples
    --------
    >>> import foxnn
    >>> data = foxnn.train_data()
    >>> data.add_data([1, 2, 3], [1, 0])
    >>> data.size(), data.get(0).out.tolist()
    (1, [1.0, 0.0])
    """

    # For objects made without the constructor, too.
    _x: Array | None = None
    _y: Array | None = None
    _size = 0
    _names: list[str] | None = None  # of the columns of the first table
    _lock = RLock()

    def __init__(
        self,
        x: ArrayLike | str | os.PathLike[str] | None = None,
        y: ArrayLike | None = None,
    ) -> None:
        self._lock = RLock()  # held while samples are added, so that none is lost
        if x is None and y is None:
            return
        if isinstance(x, str | os.PathLike):
            if y is not None:
                raise TypeError("y must be left out where x is the name of a file")
            x, y = foxnn_text.read_data(paths.path_of(x, "x"))
        if x is None or y is None:
            raise TypeError("train_data takes both x and y, the name of a file, or nothing")
        self._x, self._y = _pair(x, y, -1, -1)
        self._size = len(self._x)
        self._names = checks.column_names(x)

    def add_data(self, input: Any, out: Any = None) -> None:
        """Add one sample, several samples, or those of another train_data.

        Parameters
        ----------
        input : array-like of shape (inputs,) or (samples, inputs), or train_data
        out : array-like of shape (outputs,) or (samples, outputs)
            Left out if `input` is a train_data.

        Raises
        ------
        ValueError
            For a shape that does not fit the earlier samples, an infinity or NaN. The data are then
            unchanged.
        """
        if isinstance(input, train_data):
            if out is not None:
                raise TypeError("out must be left out when input is a train_data")
            if input._size:
                x, y = input._arrays()
                with self._lock:
                    self._append(x, y)
            return
        if out is None:
            raise TypeError("out is missing: add_data takes an input and its target")
        checks.same_columns(input, "input", self._names)
        x = checks.engine_type(checks.as_array(input, "input"))
        y = checks.engine_type(checks.as_array(out, "out"))
        if x.ndim == 1 and y.ndim <= 1:
            x, y = x.reshape(1, -1), y.reshape(1, -1)
        if x.ndim != 2 or y.ndim != 2:
            raise ValueError(
                "input and out must both be one sample or both be samples by rows, "
                f"got shapes {x.shape} and {y.shape}"
            )
        with self._lock:
            x, y = _pair(x, y, *self._widths(), "input", "out")
            if self._x is None and len(x) > 1:
                self._x, self._y = _own(x, input), _own(y, out)
                self._size = len(x)
            else:
                self._append(x, y)
            self._names = self._names or checks.column_names(input)

    def size(self) -> int:
        """Return the number of samples."""
        return self._size

    def __len__(self) -> int:
        return self._size

    def get(self, i: int) -> Sample:
        """Return sample i, with `.input` and `.out`, as views that cannot be written to."""
        i = checks.position(i, "i", self._size, "a sample")
        x, y = self._arrays()
        sample = Sample(x[i], y[i])
        for array in sample:
            array.flags.writeable = False
        return sample

    def get_first_n(self, n: int) -> train_data:
        """Return the first n samples, or all if there are fewer, without a copy."""
        n = min(checks.integer(n, "n", 0), self._size)
        return self._selected(slice(0, n)) if n else train_data()

    def get_part(self, n: int, seed: int | None = None) -> train_data:
        """Return n samples drawn at random; all of them if n is 0 or as large as the data.

        The order of the data is unchanged. The draw depends on `seed`, if one is given.
        """
        n = checks.integer(n, "n", 0)
        if n == 0 or n >= self._size:
            return self._selected(slice(0, self._size)) if self._size else train_data()
        start = checks.seed(seed)
        return self._selected(_core.shuffled(start, 0, self._size)[:n])

    def reserve(self, n: int) -> None:
        """Reserve memory for n samples in total, so that adding them one by one copies nothing."""
        n = checks.integer(n, "n", 0)
        if self._x is None or n <= len(self._x):
            return
        try:
            with self._lock:
                self._grow(max(n, self._size))
        except (MemoryError, ValueError):
            raise MemoryError(f"n must be samples that fit in memory, got {n}") from None

    def shrink_to_fit(self) -> None:
        """Release the memory that no sample uses."""
        with self._lock:
            if self._x is not None and self._y is not None and len(self._x) > self._size:
                self._x, self._y = (pieces.converted(a[: self._size]) for a in (self._x, self._y))

    def save(self, name_file: str | os.PathLike[str]) -> None:
        """Write the samples to a file in FoxNN's text format, which `train_data` reads.

        Numbers are written so that they read back exactly, float32 with 9 digits, float64 with 17.
        If anything goes wrong, an earlier file is unchanged.

        Raises
        ------
        ValueError
            If there are no samples, or numbers that have become infinite or NaN since.
        OSError
            If the file cannot be written.
        """
        path = foxnn_text.text_path(name_file, "name_file")
        foxnn_text.write_data(path, *self._arrays())

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __repr__(self) -> str:
        if self._x is None or self._y is None:
            return "train_data(0 samples)"
        inputs, outputs = self._widths()
        return f"train_data({self._size} samples, {inputs} inputs, {outputs} outputs)"

    def __setstate__(self, state: object) -> None:
        if state == {}:  # an empty one of 0.1.0
            state = {"_x": None, "_y": None, "_size": 0, "_names": None}
        given = attributes(state, type(self), "_x", "_y", "_size", "_names")
        x, y, size = given["_x"], given["_y"], given["_size"]
        if x is None and y is None:
            right = size == 0
        else:
            tables = all(isinstance(a, np.ndarray) and a.ndim == 2 and a.size for a in (x, y))
            right = tables and all(checks.is_engine_type(a) for a in (x, y))
            right = right and type(size) is int and 0 < size <= len(x) == len(y)
        if not right:
            raise ValueError("the state of train_data must hold inputs and outputs of its samples")
        names = given["_names"]
        if names is not None and not (
            isinstance(names, list) and all(isinstance(name, str) for name in names)
        ):
            raise ValueError(f"the state of train_data must hold names, got {checks.shown(names)}")
        self.__dict__.update(given)
        self._lock = RLock()

    def _arrays(self) -> tuple[Array, Array]:
        size = self._size  # read once: another thread may add samples meanwhile
        if self._x is None or self._y is None or size == 0:
            raise ValueError("the train_data holds no samples")
        return self._x[:size], self._y[:size]

    def _widths(self) -> tuple[int, int]:
        if self._x is None or self._y is None:
            return -1, -1
        return self._x.shape[1], self._y.shape[1]

    def _selected(self, which: Any) -> train_data:
        part = train_data()
        part._x, part._y = (
            a[which] if isinstance(which, slice) else pieces.taken(a, which) for a in self._arrays()
        )
        part._size = len(part._x)
        part._names = self._names
        return part

    def _append(self, x: Array, y: Array) -> None:
        inputs, outputs = self._widths()
        if inputs >= 0 and (x.shape[1], y.shape[1]) != (inputs, outputs):
            raise ValueError(
                f"input must have {inputs} inputs and {outputs} outputs, as the samples already "
                f"there, got {x.shape[1]} and {y.shape[1]}"
            )
        size = self._size + len(x)
        if self._x is None or self._y is None:
            capacity = max(len(x), _FIRST_CAPACITY if len(x) == 1 else 0)
            self._x = np.empty((capacity, x.shape[1]), x.dtype)
            self._y = np.empty((capacity, y.shape[1]), y.dtype)
        else:
            # Half as much again, so that adding one sample takes amortized constant time.
            room = len(self._x) if size <= len(self._x) else max(size, self._size * 3 // 2)
            kinds = np.result_type(self._x, x), np.result_type(self._y, y)
            borrowed = not (self._x.flags.owndata and self._y.flags.owndata)
            if room > len(self._x) or borrowed or kinds != (self._x.dtype, self._y.dtype):
                self._grow(room, *kinds)
        pieces.copy_into(self._x[self._size : size], x)
        pieces.copy_into(self._y[self._size : size], y)
        self._size = size

    def _grow(self, room: int, x_type: Any = None, y_type: Any = None) -> None:
        def grown(old: Array, kind: Any) -> Array:
            new = np.empty((room, old.shape[1]), kind or old.dtype)
            pieces.copy_into(new[: self._size], old[: self._size])
            return new

        if self._x is not None and self._y is not None:
            both = grown(self._x, x_type), grown(self._y, y_type)
            self._x, self._y = both  # both, or neither after Ctrl-C


def _own(array: Array, given: object) -> Array:
    """Return an array that is not shared: a copy, or itself if it was made from a list."""
    made_here = type(given) in (list, tuple) or (
        isinstance(given, np.ndarray) and not np.may_share_memory(array, given)
    )
    return array if made_here and array.flags.c_contiguous else pieces.converted(array)


def _pair(
    x: ArrayLike, y: ArrayLike, inputs: int, outputs: int, x_name: str = "x", y_name: str = "y"
) -> tuple[Array, Array]:
    _refuse_positions(x, x_name)
    checked_x = checks.matrix(x, x_name, inputs, "inputs")
    checked_y = checks.matrix(y, y_name, outputs, "outputs")
    for array, name in ((checked_x, x_name), (checked_y, y_name)):
        if array.shape[1] == 0:
            raise ValueError(f"{name} must have at least one column, got shape {array.shape}")
    checks.same_length(checked_x, checked_y, x_name, y_name)
    return checked_x, checked_y


def _refuse_positions(x: Any, name: str) -> None:
    """Raise ValueError for sequences and pictures, which `fit` takes."""
    given, axes = checks.shape_of(x), 0
    if given is not None:
        axes = len(given)
    elif isinstance(x, list | tuple):
        axes = 1 + max(len(checks.shape_of(one) or ()) for one in x)
    if axes > 2:
        shape = "samples of different shapes" if given is None else str(given)
        raise ValueError(
            f"{name} must have shape (samples, inputs), got {shape}; fit takes sequences and "
            "pictures as they are"
        )
