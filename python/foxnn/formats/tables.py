"""Tables of other programs given in place of samples in FoxNN's text: what to do with them."""

from __future__ import annotations

import re

from foxnn.formats.foreign import KINDS, kind_of_name

_NO_SAMPLES = "it holds no samples"
_ARRAYS = "and foxnn.train_data(x, y) takes its columns"
_PANDAS = "pandas.{} reads it, " + _ARRAYS

#: From kinds of files to what to do with one that is given as samples, where this is not what
#: `foreign` says of networks.
REMEDIES = {
    kind: row.remedy if kind in ("numpy", "html", "lfs", "utf-16", "utf-32") else _NO_SAMPLES
    for kind, row in KINDS.items()
} | {
    "excel": f"{_PANDAS.format('read_excel')}; python -m foxnn train trains on it saved as CSV",
    "parquet": _PANDAS.format("read_parquet"),
    "json": _PANDAS.format("read_json"),
    "sqlite": _PANDAS.format("read_sql"),
    "hdf5": f"pandas.read_hdf or h5py reads it, {_ARRAYS}",
    "pickle": KINDS["pickle"].remedy,
    "gzip": f"python -m foxnn train reads a compressed CSV; otherwise {KINDS['gzip'].remedy}",
    "compressed": KINDS["compressed"].remedy,
    "zip": KINDS["zip"].remedy,
    "archive": KINDS["archive"].remedy,
}
# Signs between cells that FoxNN's text does not have.
_BETWEEN_CELLS = rb"[,;|]"


def hint_of(path: str, first_line: bytes, other: str = f", or {_PANDAS.format('read_csv')}") -> str:
    """Return what to do with a text that is no text of FoxNN, if it is a table; else "".

    `other` is what else reads it.
    """
    if kind_of_name(path) != "table" and not re.search(_BETWEEN_CELLS, first_line):
        return ""
    import shlex  # late: only those who need the hint need it

    return (
        f"; this is a table: python -m foxnn train {shlex.quote(path)} --target COLUMN trains on "
        f"it{other}"
    )
