"""Writes files atomically: a file takes its place only when all of it is on the disk.

It is written next to its target, flushed, and renamed. The name of this temporary file depends on
that of the target, so that the next writer finds and removes what a killed process has left.
"""

from __future__ import annotations

import contextlib
import errno
import io
import itertools
import os
import re
import stat
import sys
import zlib
from collections.abc import Iterator
from typing import IO, Any

if sys.platform != "win32":
    import fcntl

# Bytes that are written and flushed to the disk at once: about 20 ms, after which Ctrl-C is
# handled. This is as fast as one flush at the end (512 MB: 0.7 s to 0.9 s, either way).
_PIECE = 16 << 20

# Temporary names for a target: this many writers can use them at once, and at most this many files
# are left over. Further writers use random names, and so does Windows, which cannot rename open
# files.
_NAMES = 0 if sys.platform == "win32" else 8

_DESCRIPTOR = re.compile(r"/dev/(stdout|stderr)|(?:/dev|/proc/self)/fd/([0-9]{1,9})")
_STREAMS = {"stdout": 1, "stderr": 2}

_sync_data = getattr(os, "fdatasync", os.fsync)


def check_place(path: str) -> os.stat_result | None:
    """Return the status of an older file, or None; raise OSError if no file can be written."""
    try:
        older = os.stat(path)
    except FileNotFoundError:
        if not os.path.isdir(os.path.dirname(os.path.realpath(path))):
            raise
        older = None
    if path.endswith(os.sep) or (older is not None and stat.S_ISDIR(older.st_mode)):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if older is not None and not (stat.S_ISREG(older.st_mode) and _descriptor(path) is None):
        return older
    target = os.path.realpath(path)
    if older is not None and not _allowed(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    folder = os.path.dirname(target)
    if not _allowed(folder, os.W_OK | os.X_OK):
        number = errno.EROFS if _is_read_only(folder) else errno.EACCES
        what = f"{os.strerror(number)}: no temporary file can be created in its folder"
        raise OSError(number, what, path)
    return older


@contextlib.contextmanager
def replacing(path: str) -> Iterator[IO[bytes]]:
    """Open a file for writing that replaces `path` only when it is complete.

    Until then, and if anything fails, an older file of that name is unchanged. Links are followed,
    dangling ones too. The new file has the mode, owner, access list and extended attributes of the
    older one, as far as the user may set them; other hard links to the older one keep its content.
    Anything but an ordinary file (a device, a pipe, /dev/stdout) is written to directly.

    Raises
    ------
    OSError
        If it cannot be written; also if the older file is not writable, although the folder would
        allow replacing it.
    """
    if (number := _descriptor(path)) is not None:
        with _errors_named(path), _closing(_Steady(io.FileIO(os.dup(number), "wb"))) as file:
            yield file
        return
    older = check_place(path)
    if older is not None and not stat.S_ISREG(older.st_mode):
        with _errors_named(path), _closing(_Steady(io.FileIO(path, "wb"))) as file:
            yield file
        return
    target = os.path.realpath(path)
    with _errors_named(path, os.path.dirname(target)):
        # Until it has the permissions of the older file, nobody else may open it.
        raw = _beside(target, 0o666 if older is None else 0o600)
        temporary = str(raw.name)
        try:
            with _closing(_Steady(raw, steadily=True)) as file:
                if older is not None:
                    _become_like(raw.fileno(), target, older)
                yield file
                file.flush()
                os.fsync(file.fileno())
                if sys.platform == "win32":
                    file.close()
                os.replace(temporary, target)  # before closing it releases the lock
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        _sync_folder(os.path.dirname(target))


class _Steady(io.BufferedWriter):
    """Writes in pieces, so that signals are handled in between; `steadily` flushes each piece."""

    def __init__(self, raw: io.FileIO, steadily: bool = False) -> None:
        super().__init__(raw)
        self._steadily = steadily
        self._waiting = 0

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        for first in range(0, len(view), _PIECE):
            self._waiting += super().write(view[first : first + _PIECE])
            if self._steadily and self._waiting >= _PIECE:
                self.flush()
                _sync_data(self.fileno())
                self._waiting = 0
        return len(view)


@contextlib.contextmanager
def _closing(file: _Steady) -> Iterator[_Steady]:
    """Close a file at the end; after an error, drop buffered data, whose writing may block."""
    try:
        yield file
        file.close()
    except BaseException:
        with contextlib.suppress(OSError):
            file.raw.close()
        raise


@contextlib.contextmanager
def _errors_named(path: str, folder: str | None = None) -> Iterator[None]:
    """Make an OSError name the file that the caller knows."""
    try:
        yield
    except OSError as error:
        told = error.filename  # None, a descriptor, or the name of the temporary file
        if error.errno is None or (isinstance(told, str) and os.path.dirname(told) != folder):
            raise
        raise OSError(error.errno, error.strerror, path) from None


def _descriptor(path: str) -> int | None:
    """Return the descriptor that a path stands for, such as /dev/stdout."""
    found = _DESCRIPTOR.fullmatch(path)
    if found is None or os.name != "posix":
        return None
    return _STREAMS[found[1]] if found[1] else int(found[2])


def _allowed(path: str, how: int) -> bool:
    return os.access(path, how, effective_ids=os.access in os.supports_effective_ids)


def _is_read_only(folder: str) -> bool:
    return hasattr(os, "statvfs") and bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def _beside(target: str, mode: int) -> io.FileIO:
    """Create a file next to the target, locked while it is open."""
    folder, name = os.path.split(target)
    # A short name, since the target's may be as long as names can be.
    stem = os.path.join(folder, f".foxnn.{zlib.crc32(os.fsencode(name)):08x}")
    # Each name is tried twice: again after what was left there has been removed.
    for number in (attempt // 2 for attempt in itertools.count()):
        end = str(number) if number < _NAMES else os.urandom(8).hex()
        try:
            raw = io.FileIO(
                f"{stem}.{end}", "xb", opener=lambda path, flags: os.open(path, flags, mode)
            )
        except FileExistsError:
            _take_away(f"{stem}.{end}")
            continue
        # Another writer may have removed it as a leftover before it was locked.
        if _lock(raw.fileno()) is not False and os.fstat(raw.fileno()).st_nlink:
            return raw
        raw.close()
    raise AssertionError


def _lock(descriptor: int) -> bool | None:
    """Return whether the file is now locked; None if the file system has no locks."""
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return None
    return True


def _take_away(temporary: str) -> None:
    """Remove a file if it was left by a process that has ended."""
    if sys.platform == "win32":
        return
    how = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK  # the name may have been given to anything
    with contextlib.suppress(OSError):
        raw = io.FileIO(temporary, "r+b", opener=lambda path, _: os.open(path, how))
        with raw:
            found = os.fstat(raw.fileno())
            # Only the holder of the lock renames or removes it.
            if (
                stat.S_ISREG(found.st_mode)
                and _lock(raw.fileno())
                and os.path.samestat(found, os.lstat(temporary))
            ):
                os.unlink(temporary)


def _become_like(descriptor: int, target: str, older: os.stat_result) -> None:
    """Copy the attributes of the older file to the new one."""
    if sys.platform == "win32":
        return
    for owner, group in ((older.st_uid, -1), (-1, older.st_gid)):
        with contextlib.suppress(OSError):  # only root can give files away
            os.chown(descriptor, owner, group)
    if hasattr(os, "listxattr"):  # access lists are among them
        with contextlib.suppress(OSError):
            names = os.listxattr(target)
            for name in set(os.listxattr(descriptor)) - set(names):
                with contextlib.suppress(OSError):
                    os.removexattr(descriptor, name)
            for name in names:
                with contextlib.suppress(OSError):
                    os.setxattr(descriptor, name, os.getxattr(target, name))
    mode, now = stat.S_IMODE(older.st_mode), os.fstat(descriptor)
    if now.st_gid != older.st_gid:  # permissions of one group are not for another
        mode = mode & ~0o2070 | (mode & 0o007) << 3
    if now.st_uid != older.st_uid:
        mode &= ~0o4000
    if stat.S_IMODE(now.st_mode) != mode:
        os.chmod(descriptor, mode)


def _sync_folder(folder: str) -> None:
    """Flush the new name to the disk, too; otherwise the older file may be back after a crash."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):  # not all file systems can, and not all folders are readable
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
