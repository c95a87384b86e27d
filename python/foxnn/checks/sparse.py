"""Sparse samples: SciPy's matrices, and tables with sparse columns, as rows that the engine reads.

They are duck-typed: whoever passes one has imported its library, and nobody else needs to.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from foxnn import _core
from foxnn.checks import arrays
from foxnn.checks.arrays import Array, Rows, SameRows, SamplesLike, is_sparse_matrix
from foxnn.checks.sequences import steps_taken
from foxnn.support import pieces
from foxnn.support.array_types import NDArray


def is_sparse(values: object) -> bool:
    """Return whether samples are a sparse matrix, or a table with sparse columns."""
    if type(values) is np.ndarray or isinstance(values, list | tuple):
        return False
    return isinstance(values, _core.SparseRows) or is_sparse_matrix(values) or _is_table(values)


def samples(
    values: SamplesLike,
    name: str,
    columns: int,
    what: str,
    *,
    single: bool = False,
    finite: bool = True,
    shape: tuple[int, ...] = (),
) -> SameRows:
    """Return samples as rows that the engine reads in place: `arrays.matrix`, or sparse rows."""
    if not is_sparse(values):
        return arrays.matrix(values, name, columns, what, single=single, finite=finite, shape=shape)
    rows = sparse_rows(values, name)
    if columns >= 0 and rows.shape[1] != columns:
        raise ValueError(f"{name} must have shape (samples, {columns}), got {rows.shape}")
    if len(rows) == 0:
        raise ValueError(f"{name} must hold at least one sample, got shape {rows.shape}")
    if finite:
        _refuse_infinite(rows, name, single)
    return rows


def sparse_rows(values: Any, name: str) -> _core.SparseRows:
    """Return a sparse matrix, or a table with sparse columns, as sparse rows.

    Its arrays are used in place where the engine can read them.
    """
    if isinstance(values, _core.SparseRows):
        return values
    if not is_sparse_matrix(values):
        return _rows_of_table(values, name)
    if values.ndim != 2:
        raise ValueError(f"{name} must have shape (samples, inputs), got {values.shape}")
    if values.format == "coo":
        _check_coordinates(values, name)
    elif values.format in ("csc", "bsr"):
        _check_format(values, name)
    csr = values.tocsr()
    data, indices, indptr = (np.asarray(part) for part in (csr.data, csr.indices, csr.indptr))
    return _checked(data, indices, indptr, values.shape, name)


def taken(rows: Rows, which: Array) -> Rows:
    """Return the samples at some positions, as a copy."""
    if isinstance(rows, _core.SequenceRows):
        return steps_taken(rows, which)
    if not isinstance(rows, _core.SparseRows):
        return pieces.taken(rows, which)
    counts = np.diff(rows.starts)[which]
    starts = np.zeros(len(which) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    values = np.empty(starts[-1], rows.values.dtype)
    columns = np.empty(starts[-1], np.int32)
    for part in _parts(starts):
        at = slice(starts[part.start], starts[part.stop])
        shift = rows.starts[which[part]] - starts[part.start : part.stop]
        source = np.arange(at.start, at.stop) + np.repeat(shift, counts[part])
        values[at], columns[at] = rows.values[source], rows.columns[source]
    return _core.SparseRows(values, columns, starts, rows.shape[1])


def dense(rows: Rows) -> Array:
    """Return a few samples as an array, sequences with what is beyond their ends."""
    if isinstance(rows, _core.SequenceRows):
        return rows.values
    if not isinstance(rows, _core.SparseRows):
        return rows
    out = np.zeros(rows.shape, rows.values.dtype)
    out[np.repeat(np.arange(len(rows)), np.diff(rows.starts)), rows.columns] = rows.values
    return out


def _parts(starts: Array, numbers: int = 1 << 20) -> list[slice]:
    """Return slices of rows with about so many stored numbers each, so that Ctrl-C works."""
    most = max(1, numbers * (len(starts) - 1) // max(1, int(starts[-1])))
    return [slice(i, min(i + most, len(starts) - 1)) for i in range(0, len(starts) - 1, most)]


def _refuse_infinite(rows: _core.SparseRows, name: str, single: bool) -> None:
    stored = rows.values.reshape(-1, 1)
    if not len(stored) or (part := arrays.first_infinite(stored, single)) is None:
        return
    with np.errstate(over="ignore"):
        some = rows.values[part]
        wrong = ~np.isfinite(some.astype(np.float32) if single else some)
    at = part.start + int(np.argmax(wrong))
    row = int(np.searchsorted(rows.starts, at, side="right")) - 1
    raise ValueError(
        f"{name} must be finite{' in float32' if single else ''}, "
        f"got {rows.values[at]} in sample {row}, column {rows.columns[at]}"
    )


def _check_coordinates(matrix: Any, name: str) -> None:
    for places, length, what in zip(matrix.coords, matrix.shape, ("rows", "columns"), strict=True):
        if len(places) and not (places.min() >= 0 and places.max() < length):
            raise ValueError(
                f"{name} must have {what} from 0 to {length - 1}, "
                f"got {places.min()} to {places.max()}"
            )


def _check_format(matrix: Any, name: str) -> None:
    try:
        matrix.check_format(full_check=True)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name} must be a valid sparse matrix: {error}") from None


def _checked(
    data: Array, indices: Array, indptr: Array, shape: tuple[int, int], name: str
) -> _core.SparseRows:
    """Return the arrays of a CSR matrix as sparse rows; in a copy in order, if they are not."""
    if data.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got a sparse matrix of {data.dtype}")
    is_whole = data.ndim == indices.ndim == indptr.ndim == 1 and len(indptr) == shape[0] + 1
    if not is_whole or {indices.dtype.kind, indptr.dtype.kind} - set("iu"):
        raise ValueError(f"{name} must be a valid sparse matrix: its arrays do not fit its shape")
    stored = min(max(0, int(indptr[-1])), len(data), len(indices))
    data, indices = data[:stored], indices[:stored]
    if stored and indices.dtype != np.int32:
        low, high = pieces.extremes(indices)
        if low < 0 or high >= shape[1]:  # in int32 they might be in range again
            raise ValueError(
                f"{name} must be a valid sparse matrix: indices must be from 0 to {shape[1] - 1}"
            )
    columns, starts = _plain(indices, np.int32), _plain(indptr, np.int64)
    try:
        rows = _core.SparseRows(_engine_type(data), columns, starts, shape[1])
        if rows.is_ordered:
            return rows
        return _core.SparseRows(*_in_order(data, columns, starts), shape[1])
    except ValueError as error:
        raise ValueError(f"{name} must be a valid sparse matrix: {error}") from None


def _plain(array: Array, dtype: Any) -> Array:
    """Return a vector of this type as the engine reads it; itself where it can."""
    if array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned:
        return array
    return pieces.converted(array, dtype)


def _engine_type(data: Array) -> Array:
    data = arrays.engine_type(data.view(np.uint8) if data.dtype.kind == "b" else data)
    return data if data.flags.c_contiguous else pieces.converted(data)


def _in_order(
    data: Array, columns: NDArray[np.int32], starts: NDArray[np.int64]
) -> tuple[Array, Array, Array]:
    """Return the arrays with the columns of each row in order, and repeated ones added up.

    They are added in their order and in their own type, as `toarray` does.
    """
    found: list[tuple[Array, Array]] = []
    counts = np.zeros(len(starts), np.int64)
    for part in _parts(starts):
        at = slice(starts[part.start], starts[part.stop])
        lengths = np.diff(starts[part.start : part.stop + 1])
        row = np.repeat(np.arange(part.start, part.stop), lengths)
        order = np.lexsort((columns[at], row))
        row, column = row[order], columns[at][order]
        is_first = np.ones(len(row), bool)
        is_first[1:] = (row[1:] != row[:-1]) | (column[1:] != column[:-1])
        sums = np.zeros(int(is_first.sum()), data.dtype)
        np.add.at(sums, np.cumsum(is_first) - 1, data[at][order])
        found.append((sums, column[is_first]))
        kept = np.bincount(row[is_first] - part.start, minlength=part.stop - part.start)
        counts[part.start + 1 : part.stop + 1] = kept
    values, places = (np.concatenate(each) for each in zip(*found, strict=True))
    return _engine_type(values), places, np.cumsum(counts)


# Tables with sparse columns (pandas).


def _is_table(values: object) -> bool:
    kinds = getattr(values, "dtypes", None)
    if kinds is None or not hasattr(values, "items") or not hasattr(kinds, "__iter__"):
        return False
    return any(hasattr(kind, "fill_value") for kind in kinds)


def _rows_of_table(table: Any, name: str) -> _core.SparseRows:
    """Return a table with sparse columns, others among them, as sparse rows."""
    rows, columns, values = [], [], []
    for i, (label, column) in enumerate(table.items()):
        if getattr(column.dtype, "kind", "f") not in "fiub":
            raise TypeError(
                f"{name} must hold real numbers, but column {label!r} holds {column.dtype}"
            )
        at, numbers = _nonzeros(column, name)
        rows.append(at)
        columns.append(np.full(len(at), i, np.int32))
        values.append(numbers)
    if not rows:
        raise ValueError(f"{name} must have shape (samples, inputs), got {table.shape}")
    row = np.concatenate(rows)
    order = np.argsort(row, kind="stable")
    starts = np.zeros(len(table) + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=len(table)), out=starts[1:])
    numbers = arrays.engine_type(np.concatenate(values))
    return _core.SparseRows(
        pieces.taken(numbers, order), np.concatenate(columns)[order], starts, len(rows)
    )


def _nonzeros(column: Any, name: str) -> tuple[Array, Array]:
    """Return the positions and the values of a column's numbers that may not be zero."""
    stored = column.array
    if getattr(stored, "fill_value", None) == 0 and hasattr(stored, "sp_index"):
        at = stored.sp_index.to_int_index().indices
        numbers = np.asarray(stored.sp_values)
    else:
        whole = arrays.as_array(column, name)
        at = np.flatnonzero(whole)
        numbers = whole[at]
    return at, numbers.view(np.uint8) if numbers.dtype.kind == "b" else numbers
