"""The rows of the comparison with convolutions."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import machine_limits
from answers import check
from machine_limits import UnmeasurableError
from measure import Timed, one_call, timed
from peers import RATE, is_there
from pictures import (
    BATCH,
    BLOCKS,
    CNN,
    DEPTHWISE,
    LENET,
    SENSORS,
    Pictures,
    onnxruntime_answer,
    torch_epoch,
)
from products import products_of
from row import Row, Run, Sides, Target


def _used(work: Pictures, run: Run) -> Pictures:
    return replace(work, samples=2 * BATCH) if run.quick else work


def _foxnn_step(work: Pictures, threads: int) -> Timed:
    x, y = work.data()
    nn = work.network()
    nn.settings.n_threads = threads
    return _step(
        work, timed(lambda: nn.fit(x, y, 1, BATCH, "adam", learning_rate=RATE, progress=False))
    )


def _step(work: Pictures, epoch: Timed) -> Timed:
    return lambda: epoch() / math.ceil(work.samples / BATCH)


def steps(work: Pictures, run: Run) -> Sides:
    """Return a training step of foxnn, and of PyTorch in each of its memory formats."""
    work = _used(work, run)
    sides = {"foxnn": _foxnn_step(work, run.threads)}
    if is_there("PyTorch"):
        make = partial(torch_epoch, work, *work.data(), run.threads)
        sides["PyTorch"] = _step(work, make(channels_last=False))
        if len(work.shape) == 3:
            sides["PyTorch, channels last"] = _step(work, make(channels_last=True))
    return sides


def steps_and_bounds(work: Pictures, run: Run) -> Sides:
    """Return the same, a step on one thread, and the time of the products at the machine's peak."""
    sides = steps(work, run)
    sides["foxnn, one thread"] = _foxnn_step(_used(work, run), 1)
    seconds = 0.01 if run.quick else 0.1
    flops = 2.0 * BATCH * products_of(work.network()).total

    def bound() -> float:
        return flops / machine_limits.fma_peak(run.threads, "float32", seconds)

    try:
        bound()
    except UnmeasurableError as error:
        run.notes.append(f"no bound: {error}")
        return sides
    return {**sides, "bound": bound}


def answers(work: Pictures, count: int, run: Run) -> Sides:
    """Return predict of several samples, or get_out of one, by foxnn and onnxruntime."""
    count = min(count, 100) if run.quick else count
    x = np.random.default_rng(0).random((count, *work.shape), dtype=np.float32)
    nn = work.network()
    nn.settings.n_threads = run.threads
    calls: dict[str, Callable[[], Any]] = {
        "foxnn": partial(nn.get_out, x[0]) if count == 1 else partial(nn.predict, x)
    }
    if is_there("onnxruntime") and importlib.util.find_spec("onnx"):
        answer = onnxruntime_answer(nn, run.threads)
        check("onnxruntime", answer(x), nn.predict(x))
        calls["onnxruntime"] = partial(answer, x)
    return {name: one_call(call, 0.001 if run.quick else 0.05) for name, call in calls.items()}


def _beside_torch(times: float) -> tuple[Target, ...]:
    """Return the targets beside the better of PyTorch's two memory formats."""
    return Target("PyTorch", times), Target("PyTorch, channels last", times)


PICTURE_ROWS: Sequence[Row] = (
    Row(
        "lenet", "step of LeNet-5, 28 x 28, relu, Adam, batch 64",
        partial(steps, LENET), _beside_torch(4.0),
    ),
    Row(
        "cnn", "step of (28, 28, 1), Conv2D(32, 3), Conv2D(64, 3), pool, 128, 10, Adam, batch 64",
        partial(steps_and_bounds, CNN),
        (*_beside_torch(1.6), Target("foxnn, one thread", 1.8), Target("bound", 0.85)),
    ),
    Row(
        "blocks",
        "step of (32, 32, 3), three blocks Conv2D-BatchNorm-relu twice and pool, 32, 64, 128 "
        "filters, Adam, batch 64",
        partial(steps, BLOCKS), _beside_torch(1.35),
    ),
    Row(
        "depthwise", "step of (32, 32, 64), depthwise 3 x 3, 1 x 1, Adam, batch 64",
        partial(steps, DEPTHWISE), _beside_torch(3.0),
    ),
    Row(
        "sensors", "step of (500, 12), three Conv1D(64, 5), global pooling, Adam, batch 64",
        partial(steps, SENSORS), _beside_torch(1.35)[:1],
    ),
    Row(
        "lenet-predict", "predict of 10,000 images by LeNet-5", partial(answers, LENET, 10_000),
        (Target("onnxruntime", 1.5),),
    ),
    Row(
        "lenet-get-out", "get_out of one image by LeNet-5, one core", partial(answers, LENET, 1),
        (Target("onnxruntime", 2.0),), one_core=True,
    ),
)  # fmt: skip
