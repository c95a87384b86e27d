"""Writers of files that are killed, in a process of its own, and what is found afterwards.

`python killed_writers.py calls WRITER FOLDER` kills before and after every call into C that the
writing makes; `... moments WRITER FOLDER COUNT` so many times at random moments. Each time a child
of this process writes; then the files must be whole, and little left beside them. The last line
printed is a JSON object that says how often what was found.
"""

from __future__ import annotations

import _thread
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import numpy as np

import foxnn
from foxnn.formats import whole_files
from foxnn.training import checkpoint

# Calls that leave the disk as it is: a kill is as good before the next one.
PURE = {
    "S_IMODE", "S_ISDIR", "S_ISREG", "access", "cast", "crc32", "endswith", "fileno", "fstat",
    "fullmatch", "hasattr", "len", "listxattr", "lstat", "stat",
}  # fmt: skip

# Writes version 0 or 1 into the working folder. Large ones take some milliseconds.
Writer = Callable[[int], None]


def networks(large: bool) -> list[foxnn.neural_network]:
    sizes = [100, 500, 300, 10] if large else [3, 4, 2]
    return [foxnn.neural_network(sizes, "tanh", "identity", seed=seed) for seed in (1, 2)]


def saver(name: str, large: bool) -> Writer:
    both = networks(large)
    return lambda version: both[version].save(name)


def data_saver(large: bool) -> Writer:
    x = np.random.default_rng(1).normal(size=(2000 if large else 20, 30))
    both = [foxnn.train_data(x, x[:, :2]), foxnn.train_data(-x, x[:, :1])]
    return lambda version: both[version].save("data.txt")


def header_saver(large: bool, weights: str | None) -> Writer:
    both = networks(large)

    def write(version: int) -> None:
        both[version].export_c("net.h", weights=weights)

    return write


def page_saver(large: bool) -> Writer:
    both = networks(large)
    return lambda version: both[version].export_html("net.html")


def auto_saver(large: bool) -> Writer:
    x = np.ones((4, 100 if large else 3))
    data = foxnn.train_data(x, np.ones((4, 10 if large else 2)))

    def write(version: int) -> None:
        nn = networks(large)[version]
        nn.settings.auto_save_name_file, nn.settings.auto_save_iteration = "auto.txt", 1
        nn.train(data, 1e-9, 1, 4)

    return write


def run_saver(large: bool) -> Writer:
    x = np.random.default_rng(2).normal(size=(64, 100 if large else 3))
    y = np.ones((64, 10 if large else 2))

    def write(version: int) -> None:
        networks(large)[version].fit(x, y, 2, checkpoint="run.safetensors", validation=0.2)

    return write


def command(large: bool) -> Writer:
    from foxnn.__main__ import main

    for version, nn in enumerate(networks(large)):
        nn.save(f"net{version}.safetensors")
    x = np.random.default_rng(3).normal(size=(1000 if large else 4, 100 if large else 3))
    np.savetxt("x.csv", x, delimiter=",")

    def write(version: int) -> None:
        given = ["predict", f"net{version}.safetensors", "x.csv", "--no-header", "--out", "out.csv"]
        assert main(given) == 0

    return write


# What is written, and how; the files besides are the writer's own.
WRITERS: dict[str, tuple[list[str], Callable[[bool], Writer]]] = {
    "text": (["net.txt"], lambda large: saver("net.txt", large)),
    "safetensors": (["net.safetensors"], lambda large: saver("net.safetensors", large)),
    "onnx": (["net.onnx"], lambda large: saver("net.onnx", large)),
    "data": (["data.txt"], data_saver),
    "header": (["net.h", "net_test.c"], lambda large: header_saver(large, None)),
    "header8": (["net.h", "net_test.c"], lambda large: header_saver(large, "int8")),
    "page": (["net.html"], page_saver),
    "auto-save": (["auto.txt"], auto_saver),
    "checkpoint": (["run.safetensors"], run_saver),
    "predict": (["out.csv"], command),
}


class Found:
    """What must be found after a kill, and how often what was."""

    def __init__(self, names: list[str], write: Writer) -> None:
        self.names = names
        self.counts: Counter[str] = Counter()
        self.versions: list[list[bytes]] = []
        for version in (1, 0):
            write(version)
            self.versions.insert(0, self.contents())

    def contents(self) -> list[bytes]:
        return [Path(name).read_bytes() for name in self.names]

    def left(self) -> list[str]:
        return [name for name in os.listdir() if name.startswith(".foxnn.")]

    def look(self, before: list[bytes]) -> None:
        """Check that each file is one that was written whole, and that little is left."""
        if self.names == ["run.safetensors"]:  # holds times, which are never the same
            checkpoint.read("run.safetensors")
            self.counts["old" if self.contents() == before else "new"] += 1
        else:
            for name, now, versions in zip(
                self.names, self.contents(), zip(*self.versions, strict=True), strict=True
            ):
                assert now in versions, f"{name}: {len(now)} bytes are of no version"
            self.counts["old" if self.contents() == before else "new"] += 1
        self.counts["left"] += bool(self.left())
        assert len(self.left()) <= len(self.names), self.left()

    def end(self, write: Writer) -> None:
        """Write undisturbed: nothing of what the kills have left is there any more."""
        write(1)
        assert not self.left(), self.left()
        if self.names != ["run.safetensors"]:
            assert self.contents() == self.versions[1]


def child_of(job: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            job()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return child


def wait_for(child: int) -> bool:
    """Return whether it was killed; what else went wrong is an error."""
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, -signal.SIGKILL), status
    return status != 0


def kill_at(number: int) -> None:
    """Let this process be killed before or after a call that the writing makes."""
    seen = 0

    def watch(frame: FrameType, event: str, called: object) -> None:
        nonlocal seen
        if event in ("c_call", "c_return") and frame.f_code.co_filename == whole_files.__file__:
            seen += getattr(called, "__name__", "") not in PURE
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    start = _thread.start_new_thread

    def start_watched(call: Callable[..., None], given: tuple[object, ...]) -> int:
        def run(*given: object) -> None:
            sys.setprofile(watch)
            call(*given)

        return start(run, given)

    _thread.start_new_thread = start_watched
    sys.setprofile(watch)


def at_every_call(write: Writer, found: Found) -> None:
    """Kill at the first call, at the second, ... until the writing comes to its end.

    Once where nothing is left of another writing, and once where something is.
    """
    left: set[str] = set()
    for begins_with_some in (False, True):
        killed, number = True, 0
        while killed:
            number += 1
            for name in left:
                Path(name).unlink(missing_ok=True)
                if begins_with_some:
                    Path(name).write_bytes(b"what a killed process has left")
            before = found.contents()
            version = int(before == found.versions[0])  # the other one

            def job(number: int = number, version: int = version) -> None:
                kill_at(number)
                write(version)

            killed = wait_for(child_of(job))
            found.counts["kills"] += killed
            found.look(before)
            left |= set(found.left())


def at_moments(write: Writer, found: Found, count: int) -> None:
    """Kill that many times, some time within the second writing of a row."""
    start = time.perf_counter()
    write(0)
    span = 3 * (time.perf_counter() - start) + 0.01

    def job() -> None:
        version = 1
        while True:
            write(version)
            version = 1 - version

    for _ in range(count):
        before = found.contents()
        child = child_of(job)
        time.sleep(random.uniform(0.0, span))
        os.kill(child, signal.SIGKILL)
        found.counts["kills"] += wait_for(child)
        found.look(before)


def main(how: str, name: str, folder: str, count: int) -> None:
    """Kill a writer as told, and print what was found."""
    os.chdir(folder)
    names, make = WRITERS[name]
    write = make(how == "moments")
    found = Found(names, write)
    if how == "calls":
        at_every_call(write, found)
    else:
        at_moments(write, found, count)
    found.end(write)
    print(json.dumps(found.counts))


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]) if len(sys.argv) > 4 else 0)
