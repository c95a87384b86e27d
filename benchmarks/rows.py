"""The rows of the comparison: what each one measures, and foxnn's target for it."""

from __future__ import annotations

import importlib.metadata
import io
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

import foxnn
import peers
import roofline
from answers import answering, check, quantized_onnx_answer, sklearn_answer
from machine_limits import UnmeasurableError
from measure import Timed, one_call
from picture_rows import PICTURE_ROWS
from population_rows import POPULATION_ROWS
from population_use_rows import USE_ROWS
from rank_rows import RANK_ROWS
from row import LeftOutError, Row, Run, Sides, Target, at_most
from sequence_rows import SEQUENCE_ROWS
from stream_rows import STREAM_ROWS
from work import Work

MNIST = Work((784, 512, 512, 10), "relu", 60_000, True, "adam", 98, is_mnist=True)
TEXTBOOK = Work((784, 100, 10), "sigmoid", 60_000, batch=10, is_mnist=True)
TINY = Work((3, 5, 4, 2), "sigmoid", 100_000)
CONTROL = Work((4, 64, 64, 2), "tanh", 32_000, optimizer="adam", batch=32)
CURVE = replace(CONTROL, sizes=(1, 50, 50, 1))
SAMPLE = [0, 1, 0.1]
# Texts: words of a vocabulary, some hundred in each.
TEXTS = Work((50_000, 100, 20), "relu", 20_000, True, "adam", 200, stored=100)
FEW_WORDS = replace(TEXTS, sizes=(5_000, 100, 20))


def epoch(work: Work, run: Run) -> Sides:
    """Return an epoch of every library."""
    work = run.samples(work)
    if note := run.data.note(work):
        run.notes.append(note)
    return peers.training(work, *run.data.of(work), run.threads)


def epoch_and_bound(work: Work, run: Run) -> Sides:
    """Return the same, and the machine's lower bound on the time."""
    return {**epoch(work, run), **bound(work, run)}


def bound(work: Work, run: Run, threads: int | None = None) -> Sides:
    """Return the bound of an epoch as a side, so that it takes turns with the others.

    threads: the run's, unless given.
    """
    work = run.samples(work)
    threads = threads or run.threads
    seconds = 0.01 if run.quick else 0.1

    def measure() -> float:
        return roofline.measured_bound(work, threads, seconds).total

    try:
        measure()
    except UnmeasurableError as error:
        run.notes.append(f"no bound: {error}")
        return {}
    return {"bound": measure}


def epoch_of_texts(work: Work, run: Run) -> Sides:
    """Return an epoch of the libraries that train on sparse samples."""
    work = run.samples(work)
    given = (work, *run.data.of(work), run.threads)
    sides = {"foxnn": peers.foxnn_epoch(*given)}
    if peers.is_there("scikit-learn"):
        sides["foxnn, estimator"] = peers.estimator_epoch(*given)
        if other := peers.sklearn_epoch(*given):
            sides["scikit-learn"] = other
    return sides


def answers_of_texts(work: Work, run: Run) -> Sides:
    """Return predict of sparse samples by the libraries that take them."""
    work = run.samples(work)
    x, _ = run.data.of(work)
    nn = work.network()
    nn.settings.n_threads = run.threads
    duration = 0.001 if run.quick else 0.05
    calls = {"foxnn": partial(nn.predict, x)}
    if peers.is_there("scikit-learn"):
        answer = sklearn_answer(nn, work, run.threads)
        check("scikit-learn", answer(x), nn.predict(x))
        calls["scikit-learn"] = partial(answer, x)
    return {name: one_call(call, duration) for name, call in calls.items()}


def step(work: Work, run: Run) -> Sides:
    """Return, for every library, a training step within an epoch."""
    return {name: per_step(one, run.samples(work)) for name, one in epoch(work, run).items()}


def per_step(one_epoch: Timed, work: Work) -> Timed:
    """Return a function that trains an epoch and returns the seconds of a step."""
    return lambda: one_epoch() / work.steps


def step_and_bound(work: Work, run: Run) -> Sides:
    """Return the same, and the lower bound on a step of one thread, which such networks use."""
    alone = {name: per_step(one, run.samples(work)) for name, one in bound(work, run, 1).items()}
    return {**step(work, run), **alone}


def epoch_of_foxnn(work: Work, run: Run) -> Sides:
    """Return foxnn's epoch alone, with the bound."""
    small = run.samples(work)
    if note := run.data.note(small):
        run.notes.append(note)
    x, y = run.data.of(small)
    return {"foxnn": peers.foxnn_epoch(small, x, y, run.threads), **bound(work, run)}


def both_types(work: Work, run: Run) -> Sides:
    """Return foxnn's epoch in float64, and in float32 for comparison."""
    double = run.samples(replace(work, dtype="float64"))
    single = run.samples(work)
    if note := run.data.note(single):
        run.notes.append(note)
    return {
        "foxnn": peers.foxnn_epoch(double, *run.data.of(double), run.threads),
        "foxnn, float32": peers.foxnn_epoch(single, *run.data.of(single), run.threads),
    }


def one_sample(as_list: bool, run: Run) -> Sides:
    """Return get_out of one sample of three numbers; with a list, the time includes conversion."""
    nn = TINY.network()
    nn.settings.n_threads = run.threads
    array = np.array([SAMPLE], np.float32)
    found, notes = answering(nn, TINY, array, run.threads)
    run.notes += notes
    duration = 0.001 if run.quick else 0.05
    if as_list:
        sides: Sides = {"foxnn": one_call(partial(nn.get_out, SAMPLE), duration)}
        for name, answer in found.items():
            call = partial(lambda a: a(np.array([SAMPLE], np.float32)), answer)
            sides[name] = one_call(call, duration)
        return sides
    sides = {"foxnn": one_call(partial(nn.get_out, array[0]), duration)}
    return sides | {name: one_call(partial(a, array), duration) for name, a in found.items()}


def images(count: int, run: Run) -> Sides:
    """Return predict of several MNIST images, or get_out of a single one."""
    work = replace(MNIST, samples=100 if run.quick and count > 1 else count)
    if note := run.data.note(work):
        run.notes.append(note)
    x, _ = run.data.of(work)
    nn = work.network()
    nn.settings.n_threads = run.threads
    found, notes = answering(nn, work, x, run.threads)
    run.notes += notes
    duration = 0.001 if run.quick else 0.05
    own = partial(nn.get_out, x[0]) if count == 1 else partial(nn.predict, x)
    calls = {"foxnn": own, **{name: partial(answer, x) for name, answer in found.items()}}
    return {name: one_call(call, duration) for name, call in calls.items()}


def bytes_of_images(run: Run) -> Sides:
    """Return predict of 10,000 MNIST images by quantized networks, and by foxnn's in float32."""
    work = replace(MNIST, samples=200 if run.quick else 10_000)
    if note := run.data.note(work):
        run.notes.append(note)
    x, labels = run.data.of(work)
    nn = work.network()
    nn.settings.n_threads = run.threads
    nn.fit(x, labels, 1, work.batch, work.optimizer, learning_rate=peers.RATE, progress=False)
    small = nn.quantize(x[:1000])
    small.settings.n_threads = run.threads
    calls = {"foxnn": partial(small.predict, x), "foxnn, float32": partial(nn.predict, x)}
    if peers.is_there("onnxruntime") and peers.is_installed("onnx"):
        calls["onnxruntime"] = partial(quantized_onnx_answer(nn, x[:1000], run.threads), x)
    # Each rounds in its own way; most classes must be the same.
    wanted = nn.predict(x).argmax(axis=1)
    for name, call in calls.items():
        share = float((np.asarray(call()).argmax(axis=1) == wanted).mean())
        if share < (0.8 if run.quick else 0.97):
            raise RuntimeError(f"{name} finds the class of float32 for only {share:.1%}")
    duration = 0.001 if run.quick else 0.05
    return {name: one_call(call, duration) for name, call in calls.items()}


def single_steps(run: Run) -> Sides:
    """Return, for every library, a call that makes one step, and foxnn's step inside fit."""
    nn = CONTROL.network()
    train_on_batch = getattr(nn, "train_on_batch", None)
    if train_on_batch is None:
        raise LeftOutError("this foxnn has no train_on_batch")
    nn.settings.n_threads = run.threads
    batch = replace(CONTROL, samples=CONTROL.batch)
    x, y = run.data.of(batch)
    inside = run.samples(CONTROL)
    fit = peers.foxnn_epoch(inside, *run.data.of(inside), run.threads)
    duration = 0.001 if run.quick else 0.05
    others = peers.training(batch, x, y, run.threads)
    del others["foxnn"]
    return {
        "foxnn": one_call(partial(train_on_batch, x, y), duration),
        "foxnn, inside fit": per_step(fit, inside),
        **{name: one_call(one, duration) for name, one in others.items()},
    }


def imports(run: Run) -> Sides:
    """Return the import time of each library in a fresh interpreter that has imported NumPy."""
    del run
    program = (
        "import numpy, time; start = time.perf_counter(); import {}; "
        "print(time.perf_counter() - start)"
    )

    def seconds(module: str) -> float:
        command = [sys.executable, "-c", program.format(module)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    modules = {name: module for name, (module, _) in peers.LIBRARIES.items()}
    modules["scikit-learn"] = "sklearn.neural_network"
    return {name: partial(seconds, module) for name, module in modules.items() if _found(name)}


def _found(name: str) -> bool:
    return name == "foxnn" or peers.is_there(name)


def own_files() -> list[Path]:
    """Return the files of all parts of the installed package."""
    paths = [path for folder in foxnn.__path__ for path in Path(folder).rglob("*")]
    return [path for path in paths if path.is_file() and "__pycache__" not in path.parts]


def installed_sizes(run: Run) -> Sides:
    """Return the size in bytes of the installed packages, each without its dependencies."""
    del run
    own = sum(path.stat().st_size for path in own_files())
    sides: Sides = {"foxnn": lambda: float(own)}
    for name, (_, package) in peers.LIBRARIES.items():
        if name != "foxnn" and peers.is_there(name):
            files = importlib.metadata.files(package) or []
            paths = [Path(str(file.locate())) for file in files]
            size = float(sum(path.stat().st_size for path in paths if path.is_file()))
            sides[name] = partial(float, size)
    return sides


def packed_size(run: Run) -> Sides:
    """Return the size in bytes of the installed files when packed like a wheel."""
    del run
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in own_files():
            archive.write(path, path.name)
    return {"foxnn": partial(float, len(packed.getvalue()))}


def _mnist_title(threads: str) -> str:
    return (
        "epoch of MNIST, [784, 512, 512, 10], relu, softmax, cross-entropy, Adam, batch 98, "
        f"{threads}"
    )


ROWS: Sequence[Row] = (
    Row(
        "mnist", _mnist_title("all cores"), partial(epoch_and_bound, MNIST),
        (Target("PyTorch", 2.7), Target("JAX", 2.0), Target("scikit-learn", 4.5),
         Target("bound", 0.75)),
    ),
    Row(
        "mnist-1", _mnist_title("one core"), partial(epoch_and_bound, MNIST),
        (Target("PyTorch", 1.9), Target("bound", 0.8)), one_core=True,
    ),
    Row(
        "textbook", "epoch of MNIST, [784, 100, 10], sigmoid, squared error, SGD, batch 10",
        partial(epoch, TEXTBOOK), (Target("PyTorch", 4.0), Target("JAX", 2.0)),
    ),
    Row(
        "tiny-1", "step of [3, 5, 4, 2], SGD, batch 1", partial(step, TINY),
        (at_most(0.2e-6), Target("JAX", 6.0)),
    ),
    Row(
        "tiny-98", "step of [3, 5, 4, 2], SGD, batch 98",
        partial(step, replace(TINY, samples=98_000, batch=98)),
        (Target("JAX", 5.0), Target("PyTorch", 80.0)),
    ),
    Row(
        "control", "step of [4, 64, 64, 2], tanh, Adam, batch 32",
        partial(step_and_bound, CONTROL),
        (Target("JAX", 2.2), Target("PyTorch", 25.0), Target("bound", 0.75)),
    ),
    Row(
        "curve", "step of [1, 50, 50, 1], tanh, Adam, batch 32", partial(step_and_bound, CURVE),
        (Target("JAX", 2.0), Target("bound", 0.75)),
    ),
    Row(
        "get-out-list", "get_out([0, 1, 0.1]) of [3, 5, 4, 2], from a list",
        partial(one_sample, True), (at_most(0.7e-6), Target("onnxruntime", 6.0)),
    ),
    Row(
        "get-out-array", "get_out of [3, 5, 4, 2], from an array",
        partial(one_sample, False), (at_most(0.7e-6), Target("onnxruntime", 6.0)),
    ),
    Row(
        "train-on-batch", "train_on_batch of [4, 64, 64, 2], tanh, Adam, batch 32", single_steps,
        (Target("foxnn, inside fit", 2e-6, "beyond"),),
    ),
    Row(
        "predict", "predict of 10,000 MNIST images, [784, 512, 512, 10]", partial(images, 10_000),
        (Target("onnxruntime", 1.25), Target("PyTorch", 2.0)),
    ),
    Row(
        "predict-bytes", "predict of 10,000 MNIST images, [784, 512, 512, 10], eight bits",
        bytes_of_images, (Target("foxnn, float32", 1.5), Target("onnxruntime", 1.0)),
    ),
    *(
        Row(
            f"{name}-{work.sizes[0]}",
            f"{what} 20,000 sparse samples, 100 of {work.sizes[0]:,} columns, "
            "(100,), relu, Adam, batch 200",
            partial(sides, work), (Target("scikit-learn", 1.0),),
        )
        for work in (FEW_WORDS, TEXTS)
        for name, what, sides in (
            ("sparse", "epoch of", epoch_of_texts),
            ("sparse-predict", "predict of", answers_of_texts),
        )
    ),
    Row(
        "get-out-image", "get_out of one MNIST image, [784, 512, 512, 10], one core",
        partial(images, 1), (Target("onnxruntime", 1.0),), one_core=True,
    ),
    *PICTURE_ROWS, *SEQUENCE_ROWS, *STREAM_ROWS, *POPULATION_ROWS, *USE_ROWS, *RANK_ROWS,
    Row("import", "import, beyond NumPy's", imports,
        (at_most(25e-3), Target("onnxruntime", 1.0)), has_threads=False,
    ),
    Row(
        "installed", "size, installed", installed_sizes, (at_most(6.5e6),), 1, unit="bytes",
        has_threads=False,
    ),
    Row(
        "wheel", "size, packed as a wheel", packed_size, (at_most(2.5e6),), 1, unit="bytes",
        has_threads=False,
    ),
    Row(
        "mnist-avx2", _mnist_title("all cores, AVX2 forced"), partial(epoch_of_foxnn, MNIST),
        (Target("bound", 0.8),), isa="avx2",
    ),
    Row(
        "mnist-float64", _mnist_title("all cores, float64"), partial(both_types, MNIST),
        (Target("foxnn, float32", 0.45),),
    ),
)  # fmt: skip
