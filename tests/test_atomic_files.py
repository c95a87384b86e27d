"""Files are whole or as they were: killed writers, full disks, links, rights and odd names.

FOXNN_KILLS says how often each writer is killed at random moments; a few times by default.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn.formats.whole_files import replacing
from killed_writers import WRITERS

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="files as Unix has them")

KILLS = int(os.environ.get("FOXNN_KILLS", "0"))
# Those that are killed each time; the others write by the same ways.
SOME = ["safetensors", "checkpoint"]
PROGRAM = Path(__file__).with_name("killed_writers.py")


# Killed


def found_after_kills(*arguments: object) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(PROGRAM), *map(str, arguments)],
        capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("writer", WRITERS if KILLS else SOME)
def test_killed_at_every_call(writer: str, tmp_path: Path) -> None:
    if writer == "onnx":
        pytest.importorskip("onnx")
    found = found_after_kills("calls", writer, tmp_path)
    assert min(found["old"], found["new"], found["left"]) > 0
    assert found["kills"] > 50


@pytest.mark.parametrize("writer", WRITERS if KILLS else ["text", "safetensors", "checkpoint"])
def test_killed_at_random_moments(writer: str, tmp_path: Path) -> None:
    if writer == "onnx":
        pytest.importorskip("onnx")
    count = KILLS or 5
    found = found_after_kills("moments", writer, tmp_path, count)
    assert found["kills"] == count


# Two writers at once, and what looks like a file left over


def read_of(path: Path) -> bytes:
    return path.read_bytes()


def beside(folder: Path) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name.startswith(".foxnn."))


def test_writers_of_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = tmp_path / "net.txt"
    texts = [bytes([65 + i]) * (3000 + i) for i in range(12)]
    errors: list[BaseException] = []

    def write(text: bytes) -> None:
        try:
            for _ in range(30):
                with replacing(str(path)) as file:
                    file.write(text[:1000])
                    file.flush()
                    file.write(text[1000:])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=[text]) for text in texts]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        with contextlib.suppress(FileNotFoundError):
            assert read_of(path) in texts
    assert not errors
    assert read_of(path) in texts
    assert os.listdir(tmp_path) == ["net.txt"]


def test_more_writers_than_names(tmp_path: Path) -> None:
    path = str(tmp_path / "net.txt")
    with contextlib.ExitStack() as stack:
        for number in range(12):
            stack.enter_context(replacing(path)).write(b"%d" % number)
        assert len(beside(tmp_path)) == 12
    assert read_of(tmp_path / "net.txt") == b"0"  # the first that began was the last to end
    assert os.listdir(tmp_path) == ["net.txt"]


def test_what_is_no_file_left_over_stays(tmp_path: Path) -> None:
    path = tmp_path / "net.txt"
    with replacing(str(path)) as file:
        (name,) = beside(tmp_path)
        file.write(b"1")
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    for make in (
        lambda place: os.symlink(secret, place),
        lambda place: os.mkdir(place),
        lambda place: os.mkfifo(place),
    ):
        make(tmp_path / name)
        with replacing(str(path)) as file:
            file.write(b"2")
        assert beside(tmp_path) == [name]
        assert read_of(secret) == b"secret"
        place = tmp_path / name
        place.rmdir() if place.is_dir() and not place.is_symlink() else place.unlink()


def interrupted(path: Path, error: type[BaseException]) -> None:
    with replacing(str(path)) as file:
        file.write(b"x" * 100_000)
        raise error


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "net.txt"
    for older in (None, b"older"):
        if older:
            path.write_bytes(older)
        for error in (ValueError, KeyboardInterrupt, SystemExit):
            with pytest.raises(error):
                interrupted(path, error)
            assert os.listdir(tmp_path) == (["net.txt"] if older else [])
    assert read_of(path) == b"older"


# Full disks


def savers() -> dict[str, Callable[[Any], None]]:
    def nn() -> foxnn.neural_network:
        return foxnn.neural_network([100, 500, 10], "tanh", "identity", seed=1)

    x = np.random.default_rng(1).normal(size=(5000, 30))

    def fit(path: Any) -> None:
        nn().fit(np.ones((4, 100)), np.ones((4, 10)), 2, checkpoint=path)

    def auto_save(path: Any) -> None:
        network = nn()
        network.settings.auto_save_name_file = str(path)
        network.settings.auto_save_iteration = 1
        network.train(foxnn.train_data(np.ones((4, 100)), np.ones((4, 10))), 1e-9, 2)

    return {
        "net.txt": lambda path: nn().save(path),
        "net.safetensors": lambda path: nn().save(path),
        "net.onnx": lambda path: nn().save(path),
        "net.h": lambda path: nn().export_c(path),
        "net.html": lambda path: nn().export_html(path),
        "data.txt": lambda path: foxnn.train_data(x, x[:, :2]).save(path),
        "run.safetensors": fit,
        "auto.txt": auto_save,
    }


per_saver = pytest.mark.parametrize("name", savers())


def check_full(name: str, folder: Path, number: int) -> None:
    """Save where there is no room, over an older file and without one."""
    if name == "net.onnx":
        pytest.importorskip("onnx")
    path = folder / name
    for older in (None, b"older"):
        if older:
            path.write_bytes(older)
        with pytest.raises(OSError, match=name) as caught:
            savers()[name](path)
        assert caught.value.errno == number
        assert caught.value.filename == str(path)
        assert os.listdir(folder) == ([name] if older else [])
    assert read_of(path) == b"older"
    path.unlink()


@per_saver
def test_no_file_may_be_so_large(name: str, tmp_path: Path) -> None:
    """As a quota has it; the interpreter ignores the signal that comes along."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        check_full(name, tmp_path, errno.EFBIG)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder that holds 64 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@per_saver
def test_a_full_disk(name: str, small_disk: Path) -> None:
    check_full(name, small_disk, errno.ENOSPC)


def test_a_link_to_another_disk(small_disk: Path, tmp_path: Path) -> None:
    (tmp_path / "net.txt").symlink_to(small_disk / "there.txt")
    for text in (b"new", b"newer"):
        with replacing(str(tmp_path / "net.txt")) as file:
            file.write(text)
        assert (tmp_path / "net.txt").is_symlink()
        assert read_of(small_disk / "there.txt") == text
    assert os.listdir(small_disk) == ["there.txt"]


def test_a_command_on_a_full_disk(tmp_path: Path) -> None:
    nn = foxnn.neural_network([100, 500, 10], seed=1)
    nn.save(tmp_path / "net.safetensors")
    (tmp_path / "out.txt").write_text("older")
    limited = 'ulimit -f 10; exec "$0" -m foxnn convert "$1/net.safetensors" "$1/out.txt"'
    command = ["sh", "-c", limited, sys.executable, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"foxnn: error: {tmp_path}/out.txt: File too large\n"
    assert read_of(tmp_path / "out.txt") == b"older"
    assert sorted(os.listdir(tmp_path)) == ["net.safetensors", "out.txt"]
