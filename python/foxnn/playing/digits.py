"""The MNIST images of handwritten digits, from a folder or from the public mirrors."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import os
import urllib.request
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foxnn.formats.paths import path_of

Bytes = NDArray[np.uint8]

# Images and labels, and the SHA-256 of the files without gzip.
DIGESTS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_SECONDS = 20.0  # of silence, after which a mirror is not there


def mnist(folder: str | os.PathLike[str] | None = None) -> tuple[Bytes, Bytes, Bytes, Bytes]:
    """Return images and labels to learn, and those to test with.

    Parameters
    ----------
    folder : str or path, optional
        Where the four files are, perhaps as .gz. By default the cache, ~/.cache/foxnn/mnist (or
        below FOXNN_CACHE), into which they are downloaded if it lacks them.

    Returns
    -------
    x, y, x_test, y_test : uint8 arrays
        Shapes (60000, 784), (60000,), (10000, 784), (10000,); pixels from 0 to 255.

    Raises
    ------
    OSError
        If there is no such file, or no mirror has it.
    ValueError
        If a file is not the original.
    """
    where = cache_folder() if folder is None else Path(path_of(folder, "folder"))
    parts = []
    for name, digest in DIGESTS.items():
        data = _read(where, name, folder is None)
        if hashlib.sha256(data).hexdigest() != digest:
            raise ValueError(f"{where / name} is not the file of MNIST: its SHA-256 is another")
        # A header of 4 bytes, and 4 for each axis.
        axes = data[3]
        sizes = np.frombuffer(data, ">i4", axes, 4)
        parts.append(np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(sizes[0], -1))
    x, y, x_test, y_test = parts
    return x, y.ravel(), x_test, y_test.ravel()


def cache_folder() -> Path:
    """Return the folder in which the files are kept between runs."""
    if named := os.environ.get("FOXNN_CACHE"):
        return Path(named) / "mnist"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "foxnn" / "mnist"


def _read(folder: Path, name: str, downloads: bool) -> bytes:
    """Return a file without gzip, perhaps after downloading it."""
    packed = folder / f"{name}.gz"
    if (folder / name).is_file():
        return (folder / name).read_bytes()
    if not packed.is_file() and downloads:
        data = _downloaded(name)
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{name}.gz.part"
        part.write_bytes(data)
        part.replace(packed)
    try:
        return gzip.decompress(packed.read_bytes())
    except EOFError as error:
        raise ValueError(f"{packed} is not a complete gzip file") from error


def _downloaded(name: str) -> bytes:
    """Return a file in gzip from the first mirror that has the original."""
    tried = []
    for mirror in MIRRORS:
        try:
            with urllib.request.urlopen(f"{mirror}{name}.gz", timeout=_SECONDS) as answer:
                data: bytes = answer.read()
            if hashlib.sha256(gzip.decompress(data)).hexdigest() == DIGESTS[name]:
                return data
            tried.append(f"{mirror}: another file")
        except (OSError, EOFError, zlib.error, http.client.HTTPException) as error:
            tried.append(f"{mirror}: {error}")
    raise OSError(
        f"{name}.gz could not be downloaded ({'; '.join(tried)}); put the four files into a folder "
        "and give that"
    )
