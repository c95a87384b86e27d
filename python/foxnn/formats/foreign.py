"""Files of other programs: their endings, their first bytes, and how their content gets to foxnn.

foxnn reads none of them. A name that ends like one of them is refused when a file is written, and
a file that begins like one when it is read; both messages say what the file is and what to do.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from typing import NamedTuple

from foxnn import checks
from foxnn.formats.paths import FileFormatError, reading

# Enough for the magic number of a tar archive (at byte 257), and for the name of the first file in
# a zip archive.
HEAD = 512

# What to do with a file of another program.
_EXPORT = "export the network as ONNX from the program that wrote it"
_KERAS = 'in Keras, model.export("net.onnx", format="onnx") writes a file that foxnn reads'
_TORCH = 'in PyTorch, torch.onnx.export(model, x, "net.onnx") writes a file that foxnn reads'
_PICKLE = (
    "unpickling can run any code, so foxnn does not do it; if you trust the file, load it with "
    "pickle or joblib"
)
_UNPACK = "unpack it first"
_NO_NETWORK = "it holds no network"


class Foreign(NamedTuple):
    """A kind of file: what it is, the endings it goes by, and how its content gets to foxnn."""

    what: str
    endings: tuple[str, ...]
    remedy: str


KINDS = {
    "hdf5": Foreign("an HDF5 file (of Keras, for example)", (".h5", ".hdf5", ".hdf"), _KERAS),
    "keras": Foreign("a zip archive of Keras", (".keras",), _KERAS),
    "pytorch": Foreign("a file of PyTorch", (".pt", ".pth", ".ckpt"), _TORCH),
    "pickle": Foreign("a Python pickle", (".pkl", ".pickle", ".joblib", ".dill"), _PICKLE),
    "skops": Foreign("a file of skops", (".skops",), "skops.io.load reads it"),
    "gguf": Foreign("a GGUF file", (".gguf", ".ggml"), _EXPORT),
    "numpy": Foreign(
        "a file of NumPy arrays", (".npy", ".npz"), "numpy.load reads it; give foxnn the arrays"
    ),
    "tensorflow": Foreign(
        "a file of TensorFlow", (".pb", ".tflite"), "tf2onnx writes a file that foxnn reads"
    ),
    "coreml": Foreign("a file of Core ML", (".mlmodel", ".mlpackage"), _EXPORT),
    "other network": Foreign(
        "a network of another program",
        (".caffemodel", ".pdparams", ".msgpack", ".pmml", ".t7", ".trt"),
        _EXPORT,
    ),
    "json": Foreign("JSON or YAML", (".json", ".yaml", ".yml"), _NO_NETWORK),
    "excel": Foreign(
        "an Excel or OpenDocument file", (".xlsx", ".xls", ".xlsm", ".ods"), _NO_NETWORK
    ),
    "parquet": Foreign("a Parquet or Arrow file", (".parquet", ".feather", ".arrow"), _NO_NETWORK),
    "sqlite": Foreign("an SQLite database", (".sqlite",), _NO_NETWORK),
    "table": Foreign("a table", (".csv", ".tsv"), _NO_NETWORK),
    "gzip": Foreign("gzip-compressed data", (".gz", ".tgz"), _UNPACK),
    "compressed": Foreign("compressed data", (".bz2", ".xz", ".zst", ".lz4"), _UNPACK),
    "zip": Foreign("a zip archive", (".zip",), _UNPACK),
    "archive": Foreign("an archive", (".tar", ".7z", ".rar"), _UNPACK),
    "c": Foreign("C source", (".c", ".cc", ".cpp", ".hpp"), "it can be compiled, but not read"),
    "picture": Foreign("a picture or a PDF", (".png", ".jpg", ".jpeg", ".pdf"), _NO_NETWORK),
    # These have no characteristic endings.
    "html": Foreign("a web page", (), "the download has failed, or the address was another"),
    "xml": Foreign("XML", (), _NO_NETWORK),
    "lfs": Foreign(
        "a pointer of Git LFS instead of the file", (), "git lfs pull downloads the file itself"
    ),
    "utf-16": Foreign("UTF-16 text", (), "save it as UTF-8"),
    "utf-32": Foreign("UTF-32 text", (), "save it as UTF-8"),
}
_BY_ENDING = {ending: kind for kind, row in KINDS.items() for ending in row.endings}

# What a file of each kind begins with; the first that fits counts. (Patterns are compiled when they
# are first used: most programs read no files.)
_STARTS = (
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"\x93NUMPY", "numpy"),
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\0", "compressed"),
    (b"\x28\xb5\x2f\xfd", "compressed"),
    (b"\x04\x22\x4d\x18", "compressed"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!\x1a\x07", "archive"),
    (b"SQLite format 3\0", "sqlite"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "excel"),
    (b"\x89PNG\r\n", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"%PDF-", "picture"),
    # The number with which PyTorch began its files before they were zip archives.
    (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "pytorch"),
    (b"version https://git-lfs", "lfs"),
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_PATTERNS = (
    # These may also be the name of a column, with which a table begins.
    (rb"(?:GGUF|lmgg|fmgg|tjgg)(?![\s,;|_\d])", "gguf"),
    (rb"(?:PAR1|ARROW1|FEA1)(?![\s,;|_\d])", "parquet"),
    (rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)", "compressed"),
    (rb"\x80[\x02-\x05][^\0]", "pickle"),
    # Protocols 0 and 1: a class by its name, a dict, a list.
    (rb"c(?:copy_?reg|__builtin__|builtins|[\w]+\.[\w.]+)\n\w+\n", "pickle"),
    (rb"\([dl]p\d+\n|[\]}]q\0", "pickle"),
    (rb"(?s).{4}TFL3", "tensorflow"),
    (rb"(?s).{257}ustar", "archive"),
    (rb"(?i)(?:\xef\xbb\xbf)?\s*<(?:!doctype|html)", "html"),
    (rb"(?i)(?:\xef\xbb\xbf)?\s*<\?xml", "xml"),
    (rb"(?:\xef\xbb\xbf)?\s*(?:\{\s*[\"}]|\[\s*[\[{\"])", "json"),
)
_NO_TEXT = rb"[^\t-\r -~]"
# The kinds of zip archives, by the name of the first file in them.
_IN_ZIP = (
    (rb".*/(?:data\.pkl|version|\.format_version)\Z", "pytorch"),
    (rb"(?:metadata|config)\.json\Z|model\.weights\.h5\Z", "keras"),
    (rb".*\.npy\Z", "numpy"),
    (rb"schema\.json\Z", "skops"),
    (rb"\[Content_Types\]\.xml|_rels/|docProps/|xl/|mimetype\Z", "excel"),
)


def kind_of_name(path: str) -> str | None:
    """Return the kind of file that goes by the ending of a name, or None."""
    return _BY_ENDING.get(os.path.splitext(path.lower())[1])


def kind_of(head: bytes, path: str = "") -> str | None:
    """Return the kind of file that begins with these bytes, or None.

    Parameters
    ----------
    head : bytes
        The first `HEAD` bytes.
    path : str
        The name of the file, which tells one zip archive from another where the bytes do not.
    """
    if head[:4] in (b"PK\3\4", b"PK\5\6", b"PK\7\x08"):
        return _kind_of_zip(head, path)
    found = next((kind for start, kind in _STARTS if head.startswith(start)), None)
    found = found or next((kind for pattern, kind in _PATTERNS if re.match(pattern, head)), None)
    return "compressed" if found is None and _is_zlib(head) else found


def _is_zlib(head: bytes) -> bool:
    """Return whether these bytes are compressed by zlib, as joblib does.

    Two bytes are too few to tell, and even text may be valid at first.
    """
    if head[:2] not in (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda") or not re.search(_NO_TEXT, head):
        return False
    import zlib  # late: few files need it

    try:
        return len(zlib.decompressobj().decompress(head, 1)) == 1
    except zlib.error:
        return False


def _kind_of_zip(head: bytes, path: str) -> str:
    name = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    for pattern, kind in _IN_ZIP:
        if re.match(pattern, name):
            return kind
    by_name = kind_of_name(path)
    return by_name if by_name in {"pytorch", "keras", "numpy", "skops", "excel"} else "zip"


def head_of(path: str) -> bytes:
    """Return the first bytes of a file; none of a pipe, which can only be read once.

    Raises
    ------
    OSError
        If it cannot be opened.
    foxnn.FileFormatError
        If it is a device.
    """
    try:
        if stat.S_ISFIFO(os.stat(path).st_mode):
            return b""
    except OSError:
        pass  # opening it says why
    with reading(path) as file:
        return file.read(HEAD)


def refuse(
    path: str, head: bytes, expected: str, remedies: Mapping[str, str] | None = None
) -> None:
    """Raise FileFormatError if a file that begins with these bytes is one of another program.

    Parameters
    ----------
    path, head : str, bytes
    expected : str
        What the file should be, for the message.
    remedies : mapping, optional
        From kinds to what to do, if it is not how a network gets to foxnn.
    """
    if (kind := kind_of(head, path)) is not None:
        found = KINDS[kind]
        remedy = (remedies or {}).get(kind, found.remedy)
        raise FileFormatError(f"{path}: expected {expected}, got {found.what}; {remedy}")


def refuse_name(path: str, name: str, allowed: str) -> None:
    """Raise ValueError if the name of a file to write ends like those of another program.

    Parameters
    ----------
    path, name : str
        The name of the file, and of the argument for the message.
    allowed : str
        What the name may be, for the message.
    """
    if (kind := kind_of_name(path)) is not None:
        ending = os.path.splitext(path)[1]
        raise ValueError(
            f"{name} must be {allowed}, got {checks.shown(path)}: {ending} is the ending of "
            f"{KINDS[kind].what}, which foxnn does not write"
        )
