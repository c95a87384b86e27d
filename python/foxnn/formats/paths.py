"""Names of files, how files are opened for reading, and the error for what is wrong in one."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import IO

from foxnn import checks


class FileFormatError(ValueError):
    """A file is not what it claims to be; the message says file, line and what was expected."""


def path_of(name_file: object, name: str = "name_file") -> str:
    """Return a file's name from a string or a path."""
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
    """Open a file for reading; a device, which may never end, is refused, and so are most pipes.

    Parameters
    ----------
    path : str
    pipes : bool
        Whether to take what a pipe brings, if anybody writes to it.

    Raises
    ------
    OSError
        Where it cannot be opened.
    FileFormatError
        Where it is no file. Nobody waits for a writer.
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
