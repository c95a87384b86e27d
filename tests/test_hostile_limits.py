"""What hostile files may cost, and where they may reach: no memory, no other file, no code."""

from __future__ import annotations

import os
import pickle
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from fuzz.claims import claims, onnx_model

RunPython = Callable[..., Any]
unix = pytest.mark.skipif(sys.platform == "win32", reason="no such files on Windows")


def needs(reader: str) -> None:
    if reader == "onnx":
        pytest.importorskip("onnx")


# The memory of small files: each is read with room for 50 MB more than there is without it.

MEMORY = """
import pickle, resource, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import foxnn
from fuzz import readers, seeds
for reader in readers.READERS:  # what is imported late
    try:
        readers.READERS[reader](seeds.seeds(reader)[0], Path({folder!r}))
    except (ImportError, IndexError):
        pass
cases = pickle.loads(Path({cases!r}).read_bytes())
def sizes():
    found = Path("/proc/self/status").read_text()
    return {{n: int(found.split(n + ":")[1].split()[0]) for n in ("VmHWM", "VmSize", "VmRSS")}}
for reader, name, data in cases:
    path = Path({folder!r}, "small" + name)
    path.write_bytes(data)
    before = sizes()
    limit = (before["VmSize"] + 50 * 1024) * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    try:
        if reader == "samples": foxnn.train_data(path)
        elif reader == "table":
            with readers.tables.opened(str(path), readers.tables.TableFormat()) as t: t.read([0])
        elif reader == "quantized": foxnn.quantized_network(path)
        elif reader == "pickle": pickle.loads(data)
        else: foxnn.neural_network(path)
    except (ValueError, TypeError) as error:
        pass
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    grown = sizes()["VmHWM"] - before["VmHWM"]
    if grown > 50 * 1024: print(reader, data[:60], grown)
print("read", len(cases))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the memory is told by Linux")
@pytest.mark.skipif(
    "san" in os.environ.get("LD_PRELOAD", ""), reason="sanitizers take memory of their own"
)
def test_small_files_take_little_memory(tmp_path: Path, run_python: RunPython) -> None:
    cases = claims()
    assert len(cases) > 300
    (tmp_path / "cases").write_bytes(pickle.dumps(cases))
    program = MEMORY.format(
        tests=str(Path(__file__).parent), cases=str(tmp_path / "cases"), folder=str(tmp_path)
    )
    done = run_python(program)
    assert (done.stdout.strip(), done.stderr) == (f"read {len(cases)}", "")


# Nothing is run, and nothing but the file is opened

WATCHED = """
import pickle, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import foxnn
from fuzz import readers, seeds
folder = Path({folder!r})
cases = [(name, data) for name in readers.READERS if name != "pickle" for data in seeds.seeds(name)]
cases += [(p.name.split("-")[0], p.read_bytes()) for p in seeds.RECORDS.glob("hostile/*")]
cases += pickle.loads((folder / "cases").read_bytes())
try:
    import onnx
except ImportError:
    cases = [case for case in cases if case[0] != "onnx"]
for name, data in cases:  # what is imported late
    readers.check(name, data, folder)
seen = []
def watch(event, arguments):
    if event == "open":
        if not str(arguments[0]).startswith(str(folder)): seen.append((event, str(arguments[0])))
    elif event in ("exec", "compile", "import", "pickle.find_class") or event.split(".")[0] in (
        "os", "subprocess", "socket", "ctypes", "shutil", "webbrowser", "urllib"):
        if event.removeprefix("os.") not in (
            "chmod", "chown", "rename", "remove", "listxattr", "getxattr", "setxattr"):  # of saving
            seen.append((event, repr(arguments)[:100]))
on = False
sys.addaudithook(lambda event, arguments: watch(event, arguments) if on else None)
pickle_of = pickle.loads
def unwatched(data):
    global on
    on = False
    try: return pickle_of(data)
    finally: on = True
readers.pickle.loads = unwatched  # the copies that the checks make
for name, data in cases:
    on = True
    readers.check(name, data, folder)
    on = False
print(len(cases), sorted(set(seen)))
"""


def test_nothing_is_run_or_opened(tmp_path: Path, run_python: RunPython) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"\x00" * 36)
    cases = []
    try:
        import onnx
    except ImportError:
        pass
    else:
        for location in ("../secret", str(secret), "/dev/zero", "secret"):
            model = onnx.ModelProto.FromString(
                onnx_model([("MatMul", ["x", "w"], "y")], {"w": np.eye(3)})
            )
            tensor = model.graph.initializer[0]
            tensor.ClearField("raw_data")
            tensor.data_location = 1
            tensor.external_data.add(key="location", value=location)
            cases.append(("onnx", model.SerializeToString()))
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "cases").write_bytes(pickle.dumps(cases))
    done = run_python(WATCHED.format(tests=str(Path(__file__).parent), folder=str(folder)))
    assert done.stderr == ""
    count, _, seen = done.stdout.strip().partition(" ")
    assert int(count) > 50
    assert seen == "[]"


# What is no ordinary file

OPENED = {
    "network": (".txt", foxnn.neural_network),
    "samples": (".txt", foxnn.train_data),
    "safetensors": (".safetensors", foxnn.neural_network),
    "checkpoint": (".safetensors", lambda path: foxnn.resume(path, [[1.0]], [[1.0]])),
    "onnx": (".onnx", foxnn.neural_network),
}
PIPE = """
import foxnn
try: {call}({path!r}{more})
except foxnn.FileFormatError as error: print(error)
"""


@unix
@pytest.mark.parametrize("reader", OPENED)
def test_special_files(reader: str, tmp_path: Path, run_python: RunPython) -> None:
    needs(reader)
    ending, read = OPENED[reader]
    for device in ("/dev/null", "/dev/zero"):
        (tmp_path / f"device{ending}").unlink(missing_ok=True)
        (tmp_path / f"device{ending}").symlink_to(device)
        with pytest.raises(foxnn.FileFormatError, match="device"):
            read(tmp_path / f"device{ending}")
    (tmp_path / f"loop{ending}").symlink_to(tmp_path / f"loop{ending}")
    (tmp_path / f"folder{ending}").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        try:
            server.bind(str(tmp_path / f"s{ending}"))
        except OSError:  # a path that is too long for one
            (tmp_path / f"s{ending}").mkdir()
        for name in ("loop", "folder", "s"):
            with pytest.raises(OSError, match=f"{name}{ending}"):
                read(tmp_path / f"{name}{ending}")
    # In another process, which can be ended where it waits for a writer.
    pipe = tmp_path / f"pipe{ending}"
    os.mkfifo(pipe)
    call = {"samples": "foxnn.train_data", "checkpoint": "foxnn.resume"}.get(
        reader, "foxnn.neural_network"
    )
    more = ", [[1.0]], [[1.0]]" if reader == "checkpoint" else ""
    done = run_python(PIPE.format(call=call, path=str(pipe), more=more))
    assert "expected" in done.stdout
    assert done.stderr == ""


@unix
def test_a_pipe_that_is_written_to(tmp_path: Path) -> None:
    nn = foxnn.neural_network([30, 40, 2], seed=1)
    nn.save(tmp_path / "net.txt")
    data = (tmp_path / "net.txt").read_bytes()
    reads, writes = os.pipe()
    ready = threading.Event()

    def write() -> None:
        with open(writes, "wb") as file:
            file.write(data[:100])
            file.flush()
            ready.wait(0.1)  # the reader is there meanwhile, and waits for the rest
            file.write(data[100:])

    thread = threading.Thread(target=write)
    thread.start()
    try:
        again = foxnn.neural_network(f"/dev/fd/{reads}")
    finally:
        thread.join()
        os.close(reads)
    assert again[0].weights.tobytes() == nn[0].weights.tobytes()
