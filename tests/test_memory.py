"""Memory: what training takes beyond its samples, that nothing leaks, and what happens without."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

RunPython = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# What the promises say: cycles of making or loading and forgetting a network, and bytes of samples.
CYCLES = int(os.environ.get("FOXNN_CYCLES", "1000"))

STATUS = '''
import gc, os, sys
import numpy as np
import foxnn

def status(key):
    """Return a size that the system has noted of this process, in bytes."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key + ":"))

def peak_of(call):
    """Return by how much the resident memory was larger during a call than before, at most."""
    gc.collect()
    before = status("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak is that of now
    call()
    return status("VmHWM") - before
'''

IN_PLACE = """
rows, columns, batch, sizes = 2**29 // 784, 784, 512, [784, 1024, 1024, 10]
x = np.empty((rows, columns), np.uint8)
pattern = np.random.default_rng(1).integers(0, 256, (1000, columns), np.uint8)
for first in range(0, rows, 1000):
    x[first : first + 1000] = pattern[: rows - first]
labels = np.arange(rows) % 10
nn = foxnn.neural_network(sizes, "relu", "softmax", seed=1)
foxnn.neural_network([784, 4, 10], "relu", "softmax").fit(x[:99], labels[:99], 1, progress=False)
parameters = sum(part.weights.nbytes + part.bias.nbytes for part in nn)
# Samples twice, outputs, errors and slopes once; and the order of the samples.
of_a_batch = 4 * batch * (2 * (columns + 10) + 3 * sum(sizes[1:]))
order = 4 * rows
def fit(optimizer):
    nn.fit(x, labels, 1, batch, optimizer, 1e-4, time_limit=0.3, progress=False)
for call, copies in (
    (lambda: fit("sgd"), 1),
    (lambda: fit("adam"), 3),
    (lambda: nn.evaluate(x[:20000], labels[:20000]), 0),
    (lambda: nn.predict(x[:20000]), 0),
):
    print(peak_of(call), copies * parameters + of_a_batch + order + 10_000_000)
"""


def memory_available() -> int:
    """Return the bytes that the system thinks it can give."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


@pytest.mark.skipif(memory_available() < 2**30, reason="there is not a GiB of memory")
def test_samples_are_used_in_place(run_python: RunPython) -> None:
    """Half a GiB of samples: a copy would be seen."""
    done = run_python(STATUS + IN_PLACE)
    assert done.returncode == 0, done.stderr
    lines = [[int(word) for word in line.split()] for line in done.stdout.splitlines()]
    assert len(lines) == 4
    for taken, allowed in lines:
        assert taken <= allowed


CONVOLUTIONS = """
items = [(28, 28, 1), foxnn.Conv2D(32, 3), foxnn.Conv2D(64, 3), foxnn.MaxPool2D(2), 128, 10]
x = np.random.default_rng(1).integers(0, 256, (512, 784), np.uint8)
labels = np.arange(len(x)) % 10
foxnn.neural_network([784, 4, 10], "relu", "softmax").fit(x[:99], labels[:99], 1, progress=False)
batch = int(os.environ["BATCH"])
nn = foxnn.neural_network(items, "relu", "softmax", seed=1)
nn.settings.n_threads = 1
print(peak_of(lambda: nn.fit(x[:batch], labels[:batch], 1, batch, progress=False)))
print(sum(array.nbytes for part in nn for array in part.arrays.values()))
print(sum(4 * int(np.prod(part.output_shape)) for part in nn))
"""


def test_convolutions_take_activations_and_gradients_of_one_batch(run_python: RunPython) -> None:
    """The windows of the second one, as a matrix, would be 2.4 times all activations."""
    found = []
    for batch in (64, 512):  # in processes of their own, as memory stays for the next training
        done = run_python(STATUS + CONVOLUTIONS, BATCH=str(batch))
        assert done.returncode == 0, done.stderr
        peak, parameters, activations = map(int, done.stdout.split())
        found.append(peak)
    small, large = found
    of_a_sample = (large - small) / (512 - 64)
    # Beside them, the samples twice, and where the maxima of the pool are.
    assert 1.9 * activations < of_a_sample < 2.2 * activations
    # The parameters, and their two moments.
    assert small - 64 * of_a_sample < 3 * parameters + 10_000_000


CYCLE = """
import os, pickle, tempfile
os.fsync = lambda number: None  # what takes the time here
x, y = np.random.default_rng(0).normal(size=(8, 3)), np.random.default_rng(1).normal(size=(8, 2))
folder = tempfile.mkdtemp(dir=sys.argv[3])
def made(): return foxnn.neural_network([3, 5, 4, 2], "tanh", "identity", seed=1)
def train():
    nn = made()
    nn.fit(x, y, 1, 4, progress=False)
    nn.train_on_batch(x, y)
    nn.predict(x), nn.get_out(x[0])
def all_options():
    nn, path = made(), f"{folder}/run.safetensors"
    nn.fit(x, y, 1, 4, progress=False, validation=0.3, early_stopping=2, dropout=0.1, clip_norm=1.0,
           scale="standard", callbacks=lambda epoch, logs: None, checkpoint=path)
    foxnn.resume(path, x, y, progress=False)
    nn.gradient(x), nn.trace(x[0], y[0]), nn.evaluate(x, y)
def file(ending):
    path = f"{folder}/net.{ending}"
    foxnn.neural_network([3, 5, 4, 2], seed=1).save(path)
    foxnn.neural_network(path)
def pickles(): pickle.loads(pickle.dumps(made()))
def samples():
    data = foxnn.train_data(x, y)
    data.add_data([1, 2, 3], [0, 1])
    data.save(f"{folder}/samples.txt")
    foxnn.train_data(f"{folder}/samples.txt")
def refused():
    for call in (lambda: made().fit(x, y[:3]), lambda: made().predict(x[:, :2]),
                 lambda: foxnn.neural_network([3, 0]), lambda: foxnn.neural_network("nothing")):
        try:
            call()
        except (ValueError, OSError):
            pass
CALLS = {"train": train, "options": all_options, "safetensors": lambda: file("safetensors"),
         "text": lambda: file("txt"), "onnx": lambda: file("onnx"), "pickle": pickles,
         "samples": samples, "refused": refused}
call, cycles = CALLS[sys.argv[1]], int(sys.argv[2])
for _ in range(100 + cycles // 5):
    call()
gc.collect()
before = status("VmRSS")
for _ in range(cycles):
    call()
gc.collect()
print(status("VmRSS") - before)
"""


@pytest.mark.parametrize(
    ("call", "share"),
    [
        ("train", 1), ("options", 8), ("safetensors", 2), ("text", 2), ("onnx", 4), ("pickle", 1),
        ("samples", 1), ("refused", 1),
    ],
)  # fmt: skip
def test_nothing_leaks(call: str, share: int, tmp_path: Path) -> None:
    """Ten bytes lost in a cycle would be seen in all 10,000, a hundred in a thousand."""
    cycles = max(CYCLES // share, 100) if CYCLES < 10_000 else CYCLES
    done = subprocess.run(
        [sys.executable, "-c", STATUS + CYCLE, call, str(cycles), str(tmp_path)],
        capture_output=True, text=True, timeout=1000, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # Growing heaps take what they take by pages; lost memory grows with the cycles.
    assert int(done.stdout) < 400_000 + 10 * cycles


WITHOUT = """
import copy, pickle, resource, tempfile, traceback
folder = tempfile.mkdtemp(dir=sys.argv[1])
rng = np.random.default_rng(1)
x, y = rng.normal(size=(20000, 300)).astype(np.float32), rng.integers(0, 10, 20000)
rows, wanted = x[:2000].tolist(), np.zeros((2000, 10)).tolist()
def made(): return foxnn.neural_network([300, 200, 200, 10], "relu", "softmax", seed=1)
plain = foxnn.neural_network([300, 200, 10], seed=1)
nn = made()
nn.fit(x[:100], y[:100], 1, progress=False)
nn.save(f"{folder}/a.safetensors"), plain.save(f"{folder}/a.txt"), nn.save(f"{folder}/a.onnx")
def fit(**options):
    made().fit(x, y, 1, 8192, progress=False, time_limit=0.02, **options)
CALLS = {
    "make": lambda: foxnn.neural_network([3000, 3000, 10]),
    "fit": fit,
    "options": lambda: fit(dropout=0.5, clip_norm=1.0, validation=0.2, early_stopping=1),
    "checkpoint": lambda: fit(checkpoint=f"{folder}/run.safetensors"),
    "predict": lambda: nn.predict(x),
    "lists": lambda: nn.predict(rows),
    "evaluate": lambda: nn.evaluate(x, y),
    "gradient": lambda: nn.gradient(x[:300]),
    "trace": lambda: nn.trace(x[0], y[0]),
    "copy": lambda: copy.deepcopy(nn),
    "pickle": lambda: pickle.loads(pickle.dumps(nn)),
    "load safetensors": lambda: foxnn.neural_network(f"{folder}/a.safetensors"),
    "load text": lambda: foxnn.neural_network(f"{folder}/a.txt"),
    "load onnx": lambda: foxnn.neural_network(f"{folder}/a.onnx"),
    "save safetensors": lambda: nn.save(f"{folder}/b.safetensors"),
    "save text": lambda: plain.save(f"{folder}/b.txt"),
    "save onnx": lambda: nn.save(f"{folder}/b.onnx"),
    "export c": lambda: nn.export_c(f"{folder}/b.h"),
    "export html": lambda: nn.export_html(f"{folder}/b.html"),
    "samples": lambda: foxnn.train_data(rows, wanted),
    "mutation": lambda: copy.deepcopy(nn).random_mutation(0.001),
}
before = nn.predict(x[:5]).tobytes()
def tried(call):  # with ever more room
    seen = set()
    call()  # what is imported late is imported now
    for room in (0, 1e5, 5e5, 1e6, 2e6, 3e6, 5e6, 8e6, 1.2e7, 2e7, 3e7, 5e7, 1e8, 2e8, 5e8):
        size = status("VmSize")
        resource.setrlimit(resource.RLIMIT_AS, (size, -1))
        taken = []  # what is free within
        for block in (2**20, 2**16, 2**13, 2**10):
            try:
                while True:
                    taken.append(bytes(block))
            except MemoryError:
                pass
        resource.setrlimit(resource.RLIMIT_AS, (size + int(room), -1))
        try:
            call()
            result = "done"
        except MemoryError:
            result = "MemoryError"
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
            taken = None
        seen.add(result)
        assert nn.predict(x[:5]).tobytes() == before
        if result == "done" and room > 1e7:
            break
    call()
    nn.fit(x[:100], y[:100], 1, progress=False)
    return " ".join(sorted(seen))
for name, call in CALLS.items():  # each in a process of its own, which has all of the above
    child = os.fork()
    if not child:
        try:
            print(name, tried(call), sep=": ", flush=True)
        except BaseException:
            print(name, traceback.format_exc().replace(chr(10), " | "), sep=": ", flush=True)
        finally:
            os._exit(0)
    if ended := os.waitpid(child, 0)[1]:
        print(name, f"ended with {ended}", sep=": ", flush=True)
"""
TRIED = re.findall(r'^    "([a-z0-9 ]+)": ', WITHOUT, re.M)


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what came of each call."""
    # Large blocks come from the system and go back there, so that the limit is what counts.
    plainly = {"MALLOC_MMAP_THRESHOLD_": "32768", "MALLOC_TRIM_THRESHOLD_": "32768"}
    done = subprocess.run(
        [sys.executable, "-c", STATUS + WITHOUT, str(tmp_path_factory.mktemp("without"))],
        env=os.environ | plainly, capture_output=True, text=True, timeout=1000, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(line.split(": ", 1) for line in done.stdout.splitlines())


@pytest.mark.parametrize("call", TRIED)
def test_where_there_is_too_little(call: str, without: dict[str, str]) -> None:
    """It is a MemoryError at any place, and the network is unchanged."""
    assert without[call] == "MemoryError done"


NO_THREADS = """
import resource
x, y = np.random.default_rng(1).normal(size=(2000, 300)), np.arange(2000) % 10
def trained():
    nn = foxnn.neural_network([300, 400, 400, 10], "relu", "softmax", seed=1)
    nn.fit(x, y, 1, 100, progress=False)
    return nn.predict(x).tobytes()
# Enough for the training, but not for the stacks of 15 threads, of 8 MiB by default.
resource.setrlimit(resource.RLIMIT_AS, (status("VmSize") + 2**26, -1))
with_few = trained()
resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
assert trained() == with_few
print("done")
"""


def test_where_no_thread_can_be_started(run_python: RunPython) -> None:
    """OpenMP would end the process; fewer workers do the work, with the same bits."""
    done = run_python(STATUS + NO_THREADS, FOXNN_FORCE_THREADS="16")
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr


def test_the_memory_of_a_training_serves_the_next(run_python: RunPython) -> None:
    program = """
import resource
import numpy as np
import foxnn
items = [(32, 32, 16), foxnn.Conv2D(64, 3), foxnn.Conv2D(32, 3), 10]
nn = foxnn.neural_network(items, "relu", "softmax", seed=1)
x = np.ones((64, 32, 32, 16), np.float32)
y = np.zeros(64, np.int64)
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    nn.fit(x, y, 1, 64, progress=False)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
first, *later = [faults() for _ in range(8)]
print(first, min(later))
"""
    first, later = map(int, run_python(program).stdout.split())
    # Activations and their gradients are some 80 MB: 40 huge pages, or 20,000 others.
    assert later < 20 < first
