"""Where files are written: links, rights, owners, odd names, pipes and devices."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import foxnn
from foxnn.formats.whole_files import replacing
from foxnn.training import checkpoint

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="files as Unix has them")


def read_of(path: Path) -> bytes:
    return path.read_bytes()


def beside(folder: Path) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name.startswith(".foxnn."))


# Links


def write(path: Path | str, text: bytes = b"new") -> None:
    with replacing(str(path)) as file:
        file.write(text)


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("relative", [True, False])
def test_links_are_followed(there: bool, relative: bool, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    target = folder / "target.txt"
    if there:
        target.write_bytes(b"older")
    (tmp_path / "second").symlink_to("folder/target.txt" if relative else target)
    (tmp_path / "first").symlink_to("second" if relative else tmp_path / "second")
    write(tmp_path / "first")
    assert read_of(target) == b"new"
    assert not target.is_symlink()
    assert os.readlink(tmp_path / "first").endswith("second")
    assert sorted(os.listdir(tmp_path)) == ["first", "folder", "second"]
    assert os.listdir(folder) == ["target.txt"]


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "c").symlink_to("no folder/net.txt")
    for name, number in (("a", errno.ELOOP), ("c", errno.ENOENT)):
        with pytest.raises(OSError, match=name) as caught:
            write(tmp_path / name)
        assert (caught.value.errno, caught.value.filename) == (number, str(tmp_path / name))
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "c"]


def test_other_hard_links_keep_what_they_held(tmp_path: Path) -> None:
    (tmp_path / "net.txt").write_bytes(b"older")
    os.link(tmp_path / "net.txt", tmp_path / "other.txt")
    write(tmp_path / "net.txt")
    assert (read_of(tmp_path / "net.txt"), read_of(tmp_path / "other.txt")) == (b"new", b"older")


# Rights


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_rights_of_new_files(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        write(tmp_path / "net.txt")
        (tmp_path / "other").touch()
    finally:
        os.umask(before)
    modes = [(tmp_path / name).stat().st_mode for name in ("net.txt", "other")]
    assert modes[0] == modes[1]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755, 0o666, 0o200])
def test_an_older_file_passes_on_its_rights(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "net.txt"
    path.touch()
    path.chmod(mode)
    with replacing(str(path)) as file:
        (name,) = beside(tmp_path)
        # Never more than at the end, so that nobody opens it meanwhile who may not.
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) & ~mode == 0
        file.write(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_extended_attributes_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "net.txt"
    path.touch()
    try:
        os.setxattr(path, "user.origin", b"here")
    except (OSError, AttributeError):
        pytest.skip("no extended attributes here")
    write(path)
    assert (os.getxattr(path, "user.origin"), read_of(path)) == (b"here", b"new")


def access_list(user: int, rights: int) -> bytes:
    """Return the list "owner rw, user `rights`, group none, mask `rights`, others none"."""
    rows = [(1, 6, -1), (2, rights, user), (4, 0, -1), (16, rights, -1), (32, 0, -1)]
    words = b"".join(
        tag.to_bytes(2, "little") + bits.to_bytes(2, "little") + (who % 2**32).to_bytes(4, "little")
        for tag, bits, who in rows
    )
    return (2).to_bytes(4, "little") + words


def test_access_lists_are_kept_and_those_of_the_folder_do_not_come_in(tmp_path: Path) -> None:
    kind = "system.posix_acl_access"
    path, plain = tmp_path / "net.txt", tmp_path / "plain.txt"
    path.touch()
    plain.touch(0o640)
    try:
        os.setxattr(path, kind, access_list(12345, 4))
        os.setxattr(tmp_path, "system.posix_acl_default", access_list(54321, 6))
    except (OSError, AttributeError):
        pytest.skip("no access lists here")
    for place in (path, plain):
        write(place)
    assert os.getxattr(path, kind) == access_list(12345, 4)
    assert kind not in os.listxattr(plain)
    assert stat.S_IMODE(plain.stat().st_mode) == 0o640
    write(tmp_path / "made.txt")
    assert kind in os.listxattr(tmp_path / "made.txt")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "net.txt"
    path.touch(0o640)
    os.chown(path, 12345, 23456)
    write(path)
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 23456, 0o640)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that any user can reach."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        yield Path(name)


def as_nobody(job: Callable[[], None]) -> None:
    """Run a job as a user who is not root, in a child where need be."""
    if os.geteuid() != 0:
        job()
        return
    with tempfile.TemporaryFile("w+") as told:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                job()
                status = 0
            except BaseException as error:
                told.write(repr(error))
                told.flush()
            os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        told.seek(0)
        assert status == 0, told.read()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_rights_that_are_missing(open_folder: Path) -> None:
    """A file that must not be written to is not replaced, though the folder would allow it."""
    locked = open_folder / "locked"
    locked.mkdir()
    for path in (open_folder / "net.txt", locked / "net.txt"):
        path.write_bytes(b"older")
        path.chmod(0o666)
    (open_folder / "net.txt").chmod(0o444)
    locked.chmod(0o555)

    def job() -> None:
        for path, words in (
            (open_folder / "net.txt", "Permission denied"),
            (locked / "net.txt", "no temporary file can be created"),
            (locked / "new.txt", "no temporary file can be created"),
        ):
            for use in (write, lambda path: foxnn.neural_network([3, 2]).save(path)):
                with pytest.raises(PermissionError, match=words) as caught:
                    use(path)
                assert caught.value.filename == str(path)

    try:
        as_nobody(job)
        assert read_of(open_folder / "net.txt") == read_of(locked / "net.txt") == b"older"
        assert sorted(os.listdir(open_folder)) == ["locked", "net.txt"]
        assert os.listdir(locked) == ["net.txt"]
    finally:
        locked.chmod(0o755)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_somebody_else(open_folder: Path) -> None:
    """It is replaced where it may be written to; the rights of its group go to no other group."""
    path = open_folder / "net.txt"
    path.write_bytes(b"older")
    path.chmod(0o676)
    as_nobody(lambda: write(path))
    found = path.stat()
    assert read_of(path) == b"new"
    assert (found.st_uid, found.st_gid) == (65534, 65534)
    assert stat.S_IMODE(found.st_mode) == 0o666


# Names


@pytest.mark.parametrize(
    "name",
    [
        "n" * 251 + ".txt",
        "\N{SNOWMAN}" * 80 + ".safetensors",
        "caf\udce9.txt",  # not UTF-8
        "caf\udce9.safetensors",
        "two\nlines.txt",
        " .txt",
        "-.txt",
        "*.txt",
    ],
)
def test_odd_names(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    nn = foxnn.neural_network([3, 2], seed=1)
    for _ in range(2):
        nn.save(name)
    assert os.listdir() == [name]
    assert foxnn.neural_network(name)[0].weights.tobytes() == nn[0].weights.tobytes()


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    path = str(tmp_path / ("n" * 252 + ".txt"))
    with pytest.raises(OSError, match="too long") as caught:
        write(path)
    assert (caught.value.errno, caught.value.filename) == (errno.ENAMETOOLONG, path)


def test_a_checkpoint_stays_where_it_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / str(i) for i in range(5)]
    for folder in folders:
        folder.mkdir()
    monkeypatch.chdir(folders[0])

    def move(epoch: int, logs: dict[str, float]) -> None:
        os.chdir(folders[epoch + 1])

    nn = foxnn.neural_network([3, 2], seed=1)
    nn.fit(np.ones((4, 3)), np.ones((4, 2)), 4, checkpoint="run.safetensors", callbacks=move)
    assert [os.listdir(folder) for folder in folders] == [["run.safetensors"], [], [], [], []]
    assert len(checkpoint.read(str(folders[0] / "run.safetensors"))[2].history["loss"]) == 4


# What is no ordinary file


def test_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(read_of(pipe)))
    reader.start()
    write(pipe, b"x" * 200_000)
    reader.join(30)
    assert found == [b"x" * 200_000]
    assert os.listdir(tmp_path) == ["pipe.txt"]


def test_a_pipe_that_nobody_reads_any_more(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    def write_alone() -> None:
        with replacing(str(pipe)) as file:
            os.close(reader)
            file.write(b"x" * 100_000)

    with pytest.raises(BrokenPipeError, match=r"pipe\.txt"):
        write_alone()


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_the_file_that_a_shell_writes_to(name: str, tmp_path: Path) -> None:
    """Its content stays, and later writes are appended."""
    if not os.path.exists(name):
        pytest.skip(f"there is no {name}")
    program = (
        "from foxnn.formats.whole_files import replacing\n"
        f"with replacing({name!r}) as file: file.write(b'middle ')\n"
        "print('end', end='')"
    )
    with open(tmp_path / "out", "wb") as out:
        out.write(b"begin ")
        out.flush()
        subprocess.run([sys.executable, "-c", program], stdout=out, check=True, timeout=100)
    assert read_of(tmp_path / "out") == b"begin middle end"
    assert os.listdir(tmp_path) == ["out"]
