"""Names of files, opening files for reading, and the error for a malformed file."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import IO

from foxnn import checks


class FileFormatError(ValueError):
    """A file is malformed; the message names the file, the line and what was expected."""

    def __getstate__(self) -> dict[str, object]:
        # The message is not an attribute.
        return {"args": self.args, **self.__dict__}


def path_of(name_file: object, name: str = "name_file") -> str:
    """Return the name of a file from a string or a path."""
    try:
        path = os.fspath(name_file)  # type: ignore[call-overload]
    except TypeError:
        raise TypeError(
            f"{name} must be the name of a file, got {checks.shown(name_file)}"
        ) from None
    if not isinstance(path, str):
        raise TypeError(f"{name} must be the name of a file, got {checks.shown(name_file)}")
    path = str.__str__(path)
    try:
        can_be = b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        can_be = False
    if not can_be:
        raise ValueError(f"{name} must be a name that a file can have, got {checks.shown(path)}")
    return path


@contextlib.contextmanager
def reading(path: str, *, pipes: bool = False) -> Iterator[IO[bytes]]:
    """Open a file for reading; devices, which may never end, are refused, and by default pipes.

    Parameters
    ----------
    path : str
    pipes : bool
        Whether to read from a pipe, if it has a writer.

    Raises
    ------
    OSError
        If it cannot be opened.
    FileFormatError
        If it is not a file. There is no waiting for a writer.
    """
    at_once = getattr(os, "O_NONBLOCK", 0)
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | at_once)) as file:
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISFIFO(mode) and pipes:
            os.set_blocking(file.fileno(), True)
        elif not stat.S_ISREG(mode):
            kind = "a pipe" if stat.S_ISFIFO(mode) else "a device"
            raise FileFormatError(f"{path}: expected a file, got {kind}")
        yield file
