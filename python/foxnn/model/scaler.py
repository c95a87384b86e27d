"""Scaling of columns: measured on data, and kept by a network."""

from __future__ import annotations

import copy

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array, SameRows, SamplesLike
from foxnn.checks.unpickling import attributes
from foxnn.support import pieces
from foxnn.support.array_types import ArrayLike, NDArray

METHODS = ("standard", "minmax")

# Rows measured at once: their copy in float64 is small compared with any large data.
_CHUNK = 4096


class Scaler:
    """Scales each column: x becomes (x - shift) / scale.

    Parameters
    ----------
    method : str, default="standard"
        "standard": shift is the column's mean and scale its standard deviation, so that columns
        have mean 0 and variance 1. "minmax": shift is the smallest value and scale the range, so
        that columns range from 0 to 1. A constant column keeps scale 1.

    Attributes
    ----------
    shift, scale : ndarray of shape (columns,) or None
        None before `fit`.

    Notes
    -----
    For the benefit see LeCun et al., "Efficient BackProp", 1998, section 4.3.

    Examples
    --------
    >>> import foxnn
    >>> scaler = foxnn.Scaler("minmax").fit([[0, 10], [4, 30]])
    >>> scaler.transform([[1, 20]]).tolist()
    [[0.25, 0.5]]
    >>> scaler.inverse_transform([[0.25, 0.5]]).tolist()
    [[1.0, 20.0]]
    """

    # Also for an object that was made without its constructor.
    method: str = "standard"
    shift: NDArray[np.float64] | None = None
    scale: NDArray[np.float64] | None = None

    def __init__(self, method: str = "standard") -> None:
        self.method = checks.choice(method, "method", METHODS)
        self.shift = self.scale = None

    def fit(self, x: SamplesLike) -> Scaler:
        """Measure the columns.

        Parameters
        ----------
        x : array-like of shape (samples, columns), or sparse matrix
            A sparse matrix must keep its zeros: only the method "minmax" takes one, if the smallest
            value of every column is 0.

        Returns
        -------
        Scaler
            The scaler itself.

        Raises
        ------
        ValueError, TypeError
            For a wrong shape, no samples, an infinity or NaN, and for a sparse matrix whose zeros
            the scaler would change.
        """
        method = checks.choice(self.method, "method", METHODS)  # it may have been set directly
        rows = checks.samples(x, "x", -1, "columns")
        if not isinstance(rows, np.ndarray):
            _refuse_to_center(rows, method)
        with np.errstate(over="ignore", invalid="ignore"):
            shift, scale = _measure(rows, method)
        self.shift, self.scale = _usable(shift, scale)
        return self

    def transform(self, x: ArrayLike) -> Array:
        """Return x scaled, in float64; its shape is (samples, columns)."""
        shift, scale = shift_and_scale(self)
        array = checks.matrix(x, "x", len(shift), "columns")
        out = np.empty(array.shape)
        for part in pieces.slices(array):
            out[part] = (array[part] - shift) / scale
        return out

    def inverse_transform(self, x: ArrayLike) -> Array:
        """Return the unscaled numbers, in float64; their shape is (samples, columns)."""
        shift, scale = shift_and_scale(self)
        array = checks.matrix(x, "x", len(shift), "columns")
        out = np.empty(array.shape)
        for part in pieces.slices(array):
            out[part] = array[part] * scale + shift
        return out

    def __setstate__(self, state: object) -> None:
        given = attributes(state, type(self), "method", "shift", "scale")
        given = given | {"method": checks.choice(given["method"], "method", METHODS)}
        for name in ("shift", "scale"):
            if given[name] is not None:
                checks.as_array(given[name], name)
        self.__dict__.update(given)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Scaler):
            return NotImplemented
        return (
            self.method == other.method
            and np.array_equal(self.shift, other.shift)  # type: ignore[arg-type]
            and np.array_equal(self.scale, other.scale)  # type: ignore[arg-type]
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        measured = "" if self.shift is None else f": {np.size(self.shift)} columns"
        return f"<Scaler {self.method!r}{measured}>" if measured else f"Scaler({self.method!r})"


def _usable(shift: Array, scale: Array) -> tuple[Array, Array]:
    if not (np.isfinite(scale).all() and np.isfinite(shift).all()):
        raise ValueError("x must have columns whose spread is finite in float64")
    with np.errstate(over="ignore", divide="ignore"):
        scale[~np.isfinite(1.0 / scale)] = 1.0  # constant, or nearly so
    return shift, scale


def of_measures(method: str, shift: Array, scale: Array) -> Scaler:
    """Return a scaler that has measured these; a scale of 0 is that of a constant column."""
    scaler = Scaler(method)
    scaler.shift, scaler.scale = _usable(shift, scale)
    return scaler


def shift_and_scale(
    scaler: Scaler, name: str = "the scaler"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what a scaler has measured; ValueError, with its name, where that is of no use."""
    if scaler.shift is None or scaler.scale is None:
        raise ValueError(f"{name} has not measured any data: call its fit first")
    shift, scale = (
        checks.as_array(values, f"{what} of {name}").astype(np.float64)
        for values, what in ((scaler.shift, "shift"), (scaler.scale, "scale"))
    )
    if shift.ndim != 1 or shift.shape != scale.shape:
        usable = False
    else:
        with np.errstate(over="ignore", divide="ignore"):
            inverse = 1.0 / scale
        usable = all(np.isfinite(v).all() for v in (shift, scale, inverse))
        usable = usable and bool((scale > 0).all())
    if not usable:
        raise ValueError(
            f"{name} must have a finite shift and a scale above 0 for each column, got "
            f"shift={checks.shown(scaler.shift)}, scale={checks.shown(scaler.scale)}"
        )
    return shift, scale


def for_engine(scaler: Scaler, name: str, columns: int) -> tuple[list[float], list[float]]:
    """Return the shifts and factors of a scaler, which must have so many columns."""
    shift, scale = shift_and_scale(scaler, name)
    if len(shift) != columns:
        raise ValueError(f"{name} must have {columns} columns, got {len(shift)}")
    return shift.tolist(), (1.0 / scale).tolist()


def copied(scaler: Scaler) -> Scaler:
    """Return a copy, with arrays in the form that `fit` gives them, even if set directly."""
    twin = copy.deepcopy(scaler)
    if scaler.shift is not None:
        twin.shift, twin.scale = (np.array(values) for values in shift_and_scale(scaler))
    return twin


def _refuse_to_center(rows: _core.SparseRows, method: str) -> None:
    """Raise ValueError unless all zeros of sparse samples stay zeros when they are scaled."""
    remedy = (
        "and zeros would become other numbers; divide the columns by their spread beforehand, as "
        "scikit-learn's MaxAbsScaler does, or pass x as an array"
    )
    if method != "minmax":
        raise ValueError(
            f"x must not be sparse for the method {method!r}: it would subtract a mean, {remedy}"
        )
    least, _ = _extremes(rows)
    if least.any():
        column = int(np.flatnonzero(least)[0])
        raise ValueError(
            f"x must have 0 as the smallest value of each column if it is sparse, got "
            f"{least[column]} in column {column}: it would be subtracted, {remedy}"
        )


def _extremes(rows: SameRows) -> tuple[Array, Array]:
    """Return the smallest and the largest number of each column."""
    if isinstance(rows, np.ndarray):
        return pieces.column_extremes(rows)
    count = rows.shape[1]
    stored = np.zeros(count, np.int64)
    least, largest = np.full(count, np.inf), np.full(count, -np.inf)
    for part in pieces.slices(rows.values):
        columns, values = rows.columns[part], rows.values[part]
        stored += np.bincount(columns, minlength=count)
        np.minimum.at(least, columns, values)
        np.maximum.at(largest, columns, values)
    has_zeros = stored < len(rows)
    least[has_zeros] = np.minimum(least[has_zeros], 0.0)
    largest[has_zeros] = np.maximum(largest[has_zeros], 0.0)
    return least, largest


def _measure(rows: SameRows, method: str) -> tuple[Array, Array]:
    """Return the shift and scale of each column; a scale of 0 for constant columns."""
    least, largest = _extremes(rows)
    if method == "minmax" or not isinstance(rows, np.ndarray):
        shift = least.astype(np.float64)
        scale = largest.astype(np.float64) - shift
    else:
        array = rows
        parts = [array[i : i + _CHUNK] for i in range(0, len(array), _CHUNK)]
        shift = sum(part.sum(axis=0, dtype=np.float64) for part in parts) / len(array)
        # From the differences: in the mean of squares minus the square of the mean, digits cancel.
        squares = sum(((part - shift) ** 2).sum(axis=0) for part in parts)
        scale = np.sqrt(squares / len(array))
        # Rounding alone would give a constant column a deviation, and another mean.
        alike = least == largest
        scale[alike], shift[alike] = 0.0, least[alike]
    return shift, scale


def scaler_of(scale: object, name: str) -> Scaler:
    """Return a scaler for the name of a method, or the given scaler."""
    if isinstance(scale, Scaler):
        checks.choice(scale.method, f"the method of {name}", METHODS)  # may have been set directly
        return scale
    if not isinstance(scale, str):
        raise TypeError(
            f"{name} must be {' or '.join(repr(m) for m in METHODS)} or a foxnn.Scaler, "
            f"got {checks.shown(scale)}"
        )
    return Scaler(checks.choice(scale, name, METHODS))
