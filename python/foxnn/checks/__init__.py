"""Checks of what the user passes in, and its conversion into what the engine takes.

Every function returns the value in its right type or raises ValueError or TypeError with a
message that names the argument, what came, and what is allowed. What an object of the user's raises
when it is asked for its number, length or items comes through; TypeError and ValueError mean that
it is no such thing, as those of Python's own types do.
"""

from foxnn.checks.arrays import (
    Array,
    all_finite,
    as_array,
    column_names,
    contiguous_rows,
    engine_type,
    is_engine_type,
    matrix,
    near_one,
    same_columns,
    same_length,
    targets,
    weights,
)
from foxnn.checks.values import (
    choice,
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
