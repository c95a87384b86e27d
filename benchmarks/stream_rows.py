"""The rows of the comparison with sequences as they come, and of different lengths."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

import foxnn
from answers import check
from measure import Timed, one_call, timed
from peers import RATE, is_there, on_threads
from pictures import onnxruntime_answer
from row import Row, Run, Sides, Target, at_most
from sequences import CLASSES, Sequences, torch_model

STEP = Sequences("LSTM", 8, 32, 1, 1, 1)
# An hour of sound, of which 100 times a second 40 features are told, ten times at once.
FEATURES, HOUR, BLOCK = 40, 360_000, 10
SHORTEST, LONGEST = 5, 100


def one_step(run: Run) -> Sides:
    """Return a step of a stream, get_out of a small network, and one step by other libraries.

    onnxruntime's state is always zeros: it does not even get one.
    """
    nn = foxnn.neural_network(
        [(None, STEP.inputs), foxnn.LSTM(STEP.units), CLASSES],
        output_activation="softmax", seed=0,
    )  # fmt: skip
    stream, small = nn.stream(), foxnn.neural_network([3, 5, 4, 2])
    x = np.random.default_rng(0).normal(size=STEP.inputs).astype(np.float32)
    calls: dict[str, Callable[[], Any]] = {
        "foxnn": partial(stream, x),
        "get_out of [3, 5, 4, 2]": partial(small.get_out, np.array([0, 1, 0.1], np.float32)),
    }
    expected = stream(x)
    if is_there("onnxruntime") and importlib.util.find_spec("onnx"):
        answer = onnxruntime_answer(nn, 1)
        check("onnxruntime", answer(x[None, None])[0], expected)
        calls["onnxruntime"] = partial(answer, x[None, None])
    duration = 0.001 if run.quick else 0.05
    sides: Sides = {name: one_call(call, duration) for name, call in calls.items()}
    if is_there("PyTorch"):
        step = one_call(_torch_step(x, expected), duration)
        sides["PyTorch"] = on_threads(1, step)  # more only wait
    return sides


def _torch_step(x: Any, expected: Any) -> Any:
    """Return a step of PyTorch, which is given the state that the one before has returned."""
    import torch

    model = torch_model(STEP)
    state: Any = None

    def step() -> Any:
        nonlocal state
        with torch.inference_mode():
            out, state = model.recurrent(torch.from_numpy(x)[None, None], state)
            return torch.softmax(model.linear(out[:, -1]), 1).numpy()

    check("PyTorch", step()[0], expected)
    return step


def an_hour(run: Run) -> Sides:
    """Return an hour of features through a stream, in blocks of ten steps."""
    nn = foxnn.neural_network([(None, FEATURES), foxnn.Conv1D(64, 5), foxnn.GRU(64)], seed=0)
    nn.settings.n_threads = run.threads
    stream = nn.stream()
    blocks = HOUR // BLOCK if not run.quick else 10
    x = np.random.default_rng(0).normal(size=(blocks, BLOCK, FEATURES)).astype(np.float32)

    def hear() -> None:
        for block in x:
            stream(block)

    return {"foxnn": timed(hear)}


def mixed_lengths(kind: str, run: Run) -> Sides:
    """Return a training step over one real step, of sequences as long as each other or not."""
    units, batch, count = 64, 32, 64 if run.quick else 640
    rng = np.random.default_rng(0)
    lengths = rng.integers(SHORTEST, LONGEST + 1, count)
    mean = round(float(lengths.mean()))
    equal = np.full(int(lengths.sum()) // mean, mean)
    return {
        "foxnn": _real_step(kind, units, batch, lengths, run.threads),
        "foxnn, one length": _real_step(kind, units, batch, equal, run.threads),
    }


def _real_step(kind: str, units: int, batch: int, lengths: Any, threads: int) -> Timed:
    """Return an epoch's time over the number of its steps, without those of the padding."""
    rng = np.random.default_rng(0)
    nn = foxnn.neural_network(
        [(None, 16), getattr(foxnn, kind)(units), 10], output_activation="identity", seed=0
    )
    nn.settings.n_threads = threads
    x = rng.normal(size=(len(lengths), lengths.max(), 16)).astype(np.float32)
    y = rng.normal(size=(len(lengths), 10)).astype(np.float32)
    epoch = timed(
        lambda: nn.fit(x, y, 1, batch, "adam", learning_rate=RATE, lengths=lengths, progress=False)
    )
    return lambda: epoch() / int(lengths.sum())


STREAM_ROWS: Sequence[Row] = (
    Row(
        "stream-step", "one step of a stream through LSTM(32) over 8 features, 10", one_step,
        (Target("get_out of [3, 5, 4, 2]", 1 / 2.5), Target("onnxruntime", 5.0)),
        has_threads=False,
    ),
    Row(
        "stream-hour",
        "an hour of sound, 360,000 steps of 40 features, through Conv1D(64, 5), GRU(64) in "
        "blocks of ten",
        an_hour, (at_most(3600 / 500),), rounds=3,
    ),
    *(
        Row(
            f"lengths-{kind.lower()}",
            f"a real step of {kind}(64), lengths {SHORTEST} to {LONGEST} mixed, Adam, batch 32",
            partial(mixed_lengths, kind), (Target("foxnn, one length", 0.8),),
        )
        for kind in ("LSTM", "GRU")
    ),
)  # fmt: skip
