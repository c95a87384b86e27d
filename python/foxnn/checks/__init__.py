"""Checks of what the user passes in, and its conversion for the engine.

Every function returns the value in the right type, or raises ValueError or TypeError with a
message that names the argument, what was given, and what is allowed. Exceptions that a user's
object raises when asked for its number, length or items are passed on, except TypeError and
ValueError, which mean that it has none.
"""

from foxnn.checks.arrays import (
    Array,
    Rows,
    SameRows,
    SamplesLike,
    all_finite,
    as_array,
    contiguous_rows,
    engine_type,
    is_engine_matrix,
    is_engine_type,
    matrix,
    shape_of,
)
from foxnn.checks.indices import indices
from foxnn.checks.lists import (
    listed,
    may_be_padded,
    names_of_each,
    refuse_uneven,
    same_columns_of_each,
)
from foxnn.checks.names import Names, choice, meant
from foxnn.checks.sequences import fitted_targets, mask_of, padded, rows_of
from foxnn.checks.sparse import dense, is_sparse, samples, taken
from foxnn.checks.tables import column_names, same_columns
from foxnn.checks.targets import (
    are_labels,
    near_one,
    same_length,
    target_kind,
    targets,
    weights,
)
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
    "Rows",
    "SameRows",
    "SamplesLike",
    "all_finite",
    "are_labels",
    "as_array",
    "choice",
    "column_names",
    "contiguous_rows",
    "dense",
    "engine_type",
    "fitted_targets",
    "flag",
    "indices",
    "integer",
    "is_engine_matrix",
    "is_engine_type",
    "is_sparse",
    "items",
    "layer_sizes",
    "listed",
    "mask_of",
    "matrix",
    "may_be_padded",
    "meant",
    "memory",
    "names_of_each",
    "near_one",
    "number",
    "padded",
    "position",
    "real",
    "refuse_uneven",
    "rows_of",
    "same_columns",
    "same_columns_of_each",
    "same_length",
    "samples",
    "seed",
    "shape_of",
    "shown",
    "taken",
    "target_kind",
    "targets",
    "text",
    "weights",
    "word",
]
