"""Checks of what the user passes in, and its conversion for the engine.

Every function returns the value in the right type, or raises ValueError or TypeError with a
message that names the argument, what was given, and what is allowed. Exceptions that a user's
object raises when asked for its number, length or items are passed on, except TypeError and
ValueError, which mean that it has none.
"""

from foxnn.checks.arrays import (
    Array,
    all_finite,
    as_array,
    contiguous_rows,
    engine_type,
    is_engine_type,
    matrix,
    near_one,
    same_length,
    targets,
    weights,
)
from foxnn.checks.names import Names, choice, meant
from foxnn.checks.tables import column_names, same_columns
from foxnn.checks.values import (
    flag,
    integer,
    items,
    layer_sizes,
    memory,
    number,
    position,
    real,
    seed,
    shown,
    text,
    word,
)

__all__ = [
    "Array",
    "Names",
    "all_finite",
    "as_array",
    "choice",
    "column_names",
    "contiguous_rows",
    "engine_type",
    "flag",
    "integer",
    "is_engine_type",
    "items",
    "layer_sizes",
    "matrix",
    "meant",
    "memory",
    "near_one",
    "number",
    "position",
    "real",
    "same_columns",
    "same_length",
    "seed",
    "shown",
    "targets",
    "text",
    "weights",
    "word",
]
