"""Long calls that a signal interrupts, in a process of its own: how long each goes on.

`python interrupted_calls.py CALL COUNT SIZE CLOCK` makes the call once, and then COUNT times with
an alarm at some moment of it, whose handler raises KeyboardInterrupt as that of Ctrl-C does.
SIZE times the usual much data is there to work on. CLOCK is "wall", or "processor": seconds that
the process computes, in all its threads, which are as many on a machine that is busy with other
things. The line printed is a JSON object: the seconds of the call, and those from each alarm to the
exception. A timer of the kernel rings: a thread that sent signals would itself wait for the
interpreter's lock.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import foxnn

Call = Callable[[], object]
CALLS: dict[str, Callable[[float], Call]] = {}


def call(name: str) -> Callable[[Callable[[float], Call]], Callable[[float], Call]]:
    """Register a function that prepares a call for a size."""

    def register(make: Callable[[float], Call]) -> Callable[[float], Call]:
        CALLS[name] = make
        return make

    return register


def network(*sizes: int, **options: Any) -> foxnn.neural_network:
    return foxnn.neural_network(list(sizes), **{"activation": "relu", "seed": 1, **options})


def wide(size: float, **options: Any) -> foxnn.neural_network:
    """Return a network of 100 MB of weights times the size."""
    return network(5000, max(2, int(5000 * size)), 2, **options)


def numbers(rows: float, columns: int, kind: str = "float32") -> np.ndarray:
    made = np.ones((max(2, int(rows)), columns), kind)
    made[::3] = 0
    return made


def lists(rows: float, columns: int) -> list[list[float]]:
    return [[float(i + j) for j in range(columns)] for i in range(int(rows))]


def labels(rows: float, classes: int = 10) -> np.ndarray:
    return np.arange(max(2, int(rows))) % classes


# Training


@call("fit")
def _(size: float) -> Call:
    nn = network(784, 256, 10, output_activation="softmax")
    x, y = numbers(20_000 * size, 784, "uint8"), labels(20_000 * size)
    return lambda: nn.fit(x, y, 1, 98)


@call("fit, one step of all samples")
def _(size: float) -> Call:
    nn = network(784, 512, 512, 10, output_activation="softmax")
    x, y = numbers(100_000 * size, 784, "uint8"), labels(100_000 * size)
    return lambda: nn.fit(x, y, 1, len(x))


@call("fit, one step of all samples, clip_norm and dropout")
def _(size: float) -> Call:
    nn = network(784, 512, 512, 10, output_activation="softmax")
    x, y = numbers(100_000 * size, 784, "uint8"), labels(100_000 * size)
    return lambda: nn.fit(x, y, 1, len(x), clip_norm=1.0, dropout=0.2)


@call("fit, one step of all samples, sorted sums")
def _(size: float) -> Call:
    nn = network(784, 64, 10)
    nn.settings.correct_summation = True
    x, y = numbers(5_000 * size, 784, "uint8"), numbers(5_000 * size, 10)
    return lambda: nn.fit(x, y, 1, len(x))


@call("fit, one step of a narrow network")
def _(size: float) -> Call:
    nn = network(3, 8, 8, 2, activation="tanh")
    nn.settings.n_threads = 1
    x, y = numbers(20_000_000 * size, 3), numbers(20_000_000 * size, 2)
    return lambda: nn.fit(x, y, 1, len(x), shuffle=False)


@call("fit of a population, one step of all samples")
def _(size: float) -> Call:
    pop = foxnn.population(3, [784, 256, 10], "relu", "softmax", seed=1)
    x, y = numbers(100_000 * size, 784, "uint8"), labels(100_000 * size)
    return lambda: pop.fit(x, y, 1, len(x))


@call("fit of a population of many")
def _(size: float) -> Call:
    pop = foxnn.population(300, [4, 16, 2], "tanh", seed=1)
    x, y = numbers(30_000 * size, 4), numbers(30_000 * size, 2)
    rates = np.linspace(1e-4, 1e-3, 300)
    return lambda: pop.fit(x, y, 1, learning_rate=rates)


@call("get_out of a population")
def _(size: float) -> Call:
    pop = foxnn.population(100, [100, 100, 10], "tanh", seed=1)
    x = numbers(20_000 * size, 100)
    return lambda: pop.get_out(x)


@call("fit, one step of layers of every kind")
def _(size: float) -> Call:
    nn = foxnn.neural_network(
        [
            64,
            foxnn.Activation("tanh"),
            128,
            foxnn.LayerNorm(),
            foxnn.Activation("gelu"),
            foxnn.Dropout(0.2),
            foxnn.Residual(foxnn.LayerNorm(), foxnn.Activation("tanh")),
            foxnn.Parallel(foxnn.Activation("relu"), foxnn.Dropout(0.1)),
            foxnn.Reshape((16, 16)),
            foxnn.Dense(16),
            foxnn.Flatten(),
            4,
        ],
        seed=1,
    )
    x, y = numbers(150_000 * size, 64), numbers(150_000 * size, 4)
    return lambda: nn.fit(x, y, 1, len(x))


def long_sequences(steps: float) -> tuple[foxnn.neural_network, np.ndarray]:
    shape = max(2, int(steps)), 4
    nn = foxnn.neural_network([shape, foxnn.LSTM(32), 2], "identity", seed=1)
    return nn, np.ones((50, *shape), "float32")


@call("fit, one step of long sequences")
def _(size: float) -> Call:
    nn, x = long_sequences(20_000 * size)
    return lambda: nn.fit(x, numbers(len(x), 2), 1, len(x))


@call("predict, long sequences")
def _(size: float) -> Call:
    nn, x = long_sequences(60_000 * size)
    return lambda: nn.predict(x)


@call("a long block of a stream")
def _(size: float) -> Call:
    layers = [foxnn.Conv1D(64, 5), foxnn.GRU(64), 2]
    stream = foxnn.neural_network([(None, 40), *layers], "identity", seed=1).stream()
    x = numbers(400_000 * size, 40)
    return lambda: stream(x)


@call("fit, one step of sparse samples")
def _(size: float) -> Call:
    from scipy import sparse

    nn = network(2000, 64, 10, output_activation="softmax")
    rows, stored = int(300_000 * size), 30
    columns = np.arange(rows * stored, dtype=np.int32) * 67 % 2000
    ends = np.arange(0, rows * stored + 1, stored)
    x = sparse.csr_matrix((np.ones(rows * stored, "float32"), columns, ends), (rows, 2000))
    y = labels(rows)
    return lambda: nn.fit(x, y, 1, len(y))


@call("fit of a network of 400 MB")
def _(size: float) -> Call:
    nn = network(10_000, max(2, int(10_000 * size)), 2)
    x, y = numbers(64, 10_000), numbers(64, 2)
    return lambda: nn.fit(x, y, 2, 32, early_stopping=3)


@call("fit of auto epochs by cross-validation")
def _(size: float) -> Call:
    nn = network(500, 1000, 400, 2)
    x, y = numbers(1000 * size, 500), numbers(1000 * size, 2)
    return lambda: nn.fit(x, y, "auto", time_limit=2.0)


@call("fit of lists")
def _(size: float) -> Call:
    nn, x = network(20, 4, 1), lists(200_000 * size, 20)
    y = [[row[0]] for row in x]
    return lambda: nn.fit(x, y, 1, 1000)


@call("fit of a large array")
def _(size: float) -> Call:
    nn = network(1000, 2, 1)
    x, y = numbers(500_000 * size, 1000), numbers(500_000 * size, 1)
    return lambda: nn.fit(x, y, 1, 1000)


@call("fit of columns that are not contiguous")
def _(size: float) -> Call:
    nn = network(500, 2, 1)
    x = np.asfortranarray(numbers(400_000 * size, 500, "float64"))
    y = numbers(400_000 * size, 1)
    return lambda: nn.fit(x, y, 1, 1000)


@call("fit of integers, with NaN to find")
def _(size: float) -> Call:
    nn = network(500, 2, 1)
    x, y = numbers(300_000 * size, 500, "int64"), numbers(300_000 * size, 1)
    x2 = numbers(300_000 * size, 500)
    x2[-1, -1] = np.nan

    def both() -> None:
        nn.fit(x, y, 1, 1000)
        with contextlib.suppress(ValueError):
            nn.fit(x2, y)

    return both


@call("fit, scaled, weighted, with a share to validate on")
def _(size: float) -> Call:
    nn = network(200, 4, 10, output_activation="softmax")
    x, y = numbers(500_000 * size, 200), labels(500_000 * size)
    weights = np.ones(len(x))
    return lambda: nn.fit(
        x, y, 1, 1000, scale="standard", class_weight="balanced", validation=0.2,
        sample_weight=weights,
    )  # fmt: skip


@call("fit, with checkpoints")
def _(size: float) -> Call:
    nn = wide(size)
    x, y = numbers(64, 5000), numbers(64, 2)
    return lambda: nn.fit(x, y, 3, 32, checkpoint="run.safetensors", validation=(x, y))


@call("fit of many labels")
def _(size: float) -> Call:
    nn = network(1, 10, output_activation="softmax")
    x, y = numbers(30_000_000 * size, 1, "uint8"), labels(30_000_000 * size)
    return lambda: nn.fit(x, y, 1, 1_000_000, shuffle=True)


@call("resume")
def _(size: float) -> Call:
    nn = wide(size)
    x, y = numbers(64, 5000), numbers(64, 2)
    nn.fit(x, y, 2, 32, callbacks=lambda epoch, logs: epoch == 0, checkpoint="run.safetensors")
    os.rename("run.safetensors", "begun.safetensors")

    def again() -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink("run.safetensors")
        os.link("begun.safetensors", "run.safetensors")  # which the run will replace
        foxnn.resume("run.safetensors", x, y)

    return again


@call("train")
def _(size: float) -> Call:
    nn = network(784, 256, 10)
    data = foxnn.train_data(numbers(20_000, 784, "uint8"), numbers(20_000, 10))
    return lambda: nn.train(data, 1e-6, int(200 * size), 98)


@call("train, one step of all samples, a share to test on")
def _(size: float) -> Call:
    nn = network(784, 512, 512, 10)
    nn.settings.set_part_for_test(0.2)
    nn.settings.n_print = 1
    data = foxnn.train_data(numbers(60_000 * size, 784), numbers(60_000 * size, 10))
    return lambda: nn.train(data, 1e-9, 1, 0)


@call("train_on_batch, many")
def _(size: float) -> Call:
    nn, x, y = network(784, 256, 10), numbers(98, 784), numbers(98, 10)
    return lambda: [nn.train_on_batch(x, y) for _ in range(int(500 * size))]


@call("train_on_batch, a large one")
def _(size: float) -> Call:
    nn = network(784, 512, 512, 10)
    x, y = numbers(60_000 * size, 784), numbers(60_000 * size, 10)
    return lambda: nn.train_on_batch(x, y)


# Asking


@call("predict")
def _(size: float) -> Call:
    nn, x = network(64, 1024, 1024, 10), numbers(30_000 * size, 64)
    return lambda: nn.predict(x)


@call("predict of integers and of lists")
def _(size: float) -> Call:
    nn, x, y = network(100, 2), numbers(1_000_000 * size, 100, "int32"), lists(50_000 * size, 100)
    return lambda: (nn.predict(x), nn.predict(y))


@call("get_out, rounded")
def _(size: float) -> Call:
    nn, x = network(10, 100), numbers(1_000_000 * size, 10)
    nn.settings.max_on_last_layer = True
    return lambda: nn.get_out(x)


@call("evaluate")
def _(size: float) -> Call:
    nn = network(64, 1024, 1024, 10, output_activation="softmax")
    x, y = numbers(30_000 * size, 64), labels(30_000 * size)
    return lambda: nn.evaluate(x, y)


@call("evaluate of many")
def _(size: float) -> Call:
    nn = network(2, 10, output_activation="softmax")
    x, y = numbers(10_000_000 * size, 2), numbers(10_000_000 * size, 10)
    return lambda: nn.evaluate(x, y)


@call("gradient")
def _(size: float) -> Call:
    nn, x = network(784, 512, 512, 10), numbers(5_000 * size, 784)
    return lambda: nn.gradient(x)


@call("trace")
def _(size: float) -> Call:
    nn, x, y = wide(size), numbers(2, 5000)[0], numbers(2, 2)[0]
    return lambda: str(nn.trace(x, y))


@call("testing")
def _(size: float) -> Call:
    nn = network(10, 50, 100)
    data = foxnn.train_data(numbers(500_000 * size, 10), numbers(500_000 * size, 100))
    return lambda: nn.testing(data)


@call("plot")
def _(size: float) -> Call:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    nn, x = network(2, 2048, 2048, 3), numbers(2000, 2)

    def draw() -> None:
        foxnn.plot.decision_boundary(nn, x, x[:, 0])
        foxnn.plot.network(nn)
        pyplot.close("all")

    return draw


# Making, copying, changing


@call("a network of 400 MB")
def _(size: float) -> Call:
    return lambda: network(10_000, max(2, int(10_000 * size)), 2)


@call("copies and pickles")
def _(size: float) -> Call:
    nn = wide(size)
    return lambda: pickle.loads(pickle.dumps(nn))


@call("mutation")
def _(size: float) -> Call:
    nn = wide(size)
    return lambda: nn.random_mutation(0.1)


@call("weights out and in")
def _(size: float) -> Call:
    nn = network(10_000, max(2, int(10_000 * size)), 2)
    given = nn[0].weights.astype(np.float64)

    def both() -> None:
        nn[0].weights = given
        _ = nn[0].weights

    return both


@call("Scaler")
def _(size: float) -> Call:
    x = numbers(2_000_000 * size, 100)
    scaler = foxnn.Scaler("minmax")
    return lambda: (foxnn.Scaler().fit(x), scaler.fit(x).transform(x))


# Files


def saver(ending: str, **options: Any) -> Callable[[float], Call]:
    def make(size: float) -> Call:
        nn = wide(size)
        return lambda: nn.save("net" + ending)

    return make


def loader(ending: str) -> Callable[[float], Call]:
    def make(size: float) -> Call:
        nn = wide(size)
        nn.train_on_batch(numbers(2, 5000), numbers(2, 2))
        nn.save("net" + ending)
        return lambda: foxnn.neural_network("net" + ending)

    return make


for ending in (".txt", ".safetensors", ".onnx"):
    CALLS[f"save {ending}"] = saver(ending)
    CALLS[f"load {ending}"] = loader(ending)


@call("export_c")
def _(size: float) -> Call:
    nn = wide(size / 5)
    return lambda: nn.export_c("net.h")


@call("export_html")
def _(size: float) -> Call:
    nn, x = wide(size / 5), numbers(2000, 5000)
    return lambda: nn.export_html("net.html", x)


@call("export_c of 8 bits")
def _(size: float) -> Call:
    nn, x, y = wide(size / 5), numbers(2000, 5000), numbers(2000, 2)
    return lambda: nn.export_c("net.h", weights="int8", samples=(x, y))


@call("train_data of lists")
def _(size: float) -> Call:
    x, y = lists(200_000 * size, 20), lists(200_000 * size, 2)
    return lambda: foxnn.train_data(x, y)


@call("add_data of lists")
def _(size: float) -> Call:
    x, y, data = lists(200_000 * size, 20), lists(200_000 * size, 2), foxnn.train_data()
    data.add_data([0.0] * 20, [0.0] * 2)
    return lambda: data.add_data(x, y)


@call("add_data of arrays")
def _(size: float) -> Call:
    x, y = numbers(500_000 * size, 200), numbers(500_000 * size, 2)

    def add() -> None:
        data = foxnn.train_data(x, y)
        data.add_data(x, y)
        data.get_part(len(x) // 2)

    return add


@call("train_data from and to a file")
def _(size: float) -> Call:
    x = np.random.default_rng(1).normal(size=(int(50_000 * size), 50))
    data = foxnn.train_data(x, x[:, :1])

    def both() -> None:
        data.save("data.txt")
        foxnn.train_data("data.txt")

    return both


@call("the command line")
def _(size: float) -> Call:
    from foxnn.__main__ import make_parser

    rows = int(100_000 * size)
    with open("x.csv", "w") as file:
        file.write(",".join(f"c{i}" for i in range(20)) + "\n")
        file.writelines(",".join(str(i % 7 + j) for j in range(20)) + "\n" for i in range(rows))
    told = ["train", "x.csv", "--target", "c0", "--epochs", "1", "--out", "net.safetensors"]
    train = make_parser().parse_args([*told, "--regress"])
    predict = make_parser().parse_args(["predict", "net.safetensors", "x.csv", "--out", "y.csv"])

    def both() -> None:
        train.run(train)
        predict.run(predict)

    return both


# scikit-learn's interface


def estimator(solver: str) -> Callable[[float], Call]:
    def make(size: float) -> Call:
        from foxnn.sklearn import MLPClassifier

        rows = (200_000 if solver == "lbfgs" else 100_000) * size
        x, y = np.random.default_rng(1).normal(size=(int(rows), 100)), labels(rows)
        model = MLPClassifier((100,), solver=solver, max_iter=3, random_state=1)
        model.set_params(batch_size=100_000 if solver == "sgd" else "auto")

        def both() -> None:
            model.fit(x, y)
            model.predict(x)
            model.score(x, y)

        return both

    return make


for solver in ("adam", "sgd", "lbfgs"):
    CALLS[f"MLPClassifier, {solver}"] = estimator(solver)


CLOCKS = {
    "wall": (time.perf_counter, signal.ITIMER_REAL, signal.SIGALRM),
    "processor": (time.process_time, signal.ITIMER_PROF, signal.SIGPROF),
}


def measure(job: Call, count: int, clock: str) -> dict[str, Any]:
    """Return the seconds of the call, and how long it went on after each alarm."""
    seconds, timer, alarm = CLOCKS[clock]
    start = seconds()
    job()
    whole = seconds() - start
    waiting = False

    def ring(number: int, frame: object) -> None:
        # An alarm may come when the call has just ended.
        if waiting:
            raise KeyboardInterrupt

    signal.signal(alarm, ring)
    late: list[float] = []
    shortest = whole
    for i in range(2 * count):
        if i >= count and late:
            break  # only a call that was never interrupted is tried again
        # One in each part of the call, but for its end, which it may reach sooner the next time.
        start = seconds()
        after = 0.9 * shortest * (i % count + random.random()) / count
        due = start + after
        try:
            waiting = True
            signal.setitimer(timer, after)
            job()
            waiting = False
            shortest = min(shortest, seconds() - start)
        except KeyboardInterrupt:
            late.append(seconds() - due)
        waiting = False
        signal.setitimer(timer, 0)
    job()  # what was interrupted can be done again
    return {"seconds": whole, "late": late}


def main(name: str, count: int, size: float, clock: str) -> None:
    """Measure a call, and print what came out."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            found = measure(CALLS[name](size), count, clock)
        os.chdir("/")
    print(json.dumps(found))


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
