"""Checks of samples whose numbers are indices, as the layer `Embedding` reads them."""

from __future__ import annotations

import numpy as np

from foxnn import _core
from foxnn.checks.arrays import Rows, contiguous_rows
from foxnn.checks.tables import place_of
from foxnn.support import pieces


def indices(rows: Rows, name: str, limit: int, reader: str, values: object) -> None:
    """Raise ValueError where a number of samples is not a whole one from 0 to limit - 1.

    Parameters
    ----------
    rows : Rows
        The samples, checked.
    name : str
        The argument's name, for messages.
    limit : int
    reader : str
        The layer that reads them, for messages.
    values : object
        The samples as they were given, perhaps with names of columns.
    """
    if isinstance(rows, _core.SparseRows):
        at = _core.first_no_index(rows, limit)
        if at < 0:
            return
        row = int(np.searchsorted(rows.starts, at, side="right")) - 1
        column, wrong = int(rows.columns[at]), rows.values[at]
    elif isinstance(rows, _core.SequenceRows):
        at = _core.first_no_index(rows, limit)
        if at < 0:
            return
        row, column = divmod(at, rows.shape[1])
        wrong = rows.values[row, column]
    else:
        for part in pieces.slices(rows):
            at = _core.first_no_index(contiguous_rows(rows[part]), limit)
            if at >= 0:
                break
        else:
            return
        row, column = divmod(at, rows.shape[1])
        wrong, row = rows[part][row, column], row + part.start
    raise ValueError(
        f"{name} must hold whole numbers from 0 to {limit - 1}, the indices of {reader}, got "
        f"{wrong:.15g} in {place_of(values, row, column)}"
    )
