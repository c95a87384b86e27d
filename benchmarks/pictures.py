"""Networks with convolutions beside PyTorch and onnxruntime: what the libraries are given.

A network is described once, by foxnn's layers; PyTorch's is made from them and gets their weights,
and both must give the same outputs before anything is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import foxnn
from measure import Timed, timed
from peers import RATE, is_there

BATCH = 64
# Sums of some hundred products, in each library's own order.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Pictures:
    """A network over positions and channels with ten outputs, and how many samples there are."""

    shape: tuple[int, ...]
    layers: tuple[Any, ...]
    samples: int = 20 * BATCH

    def network(self) -> foxnn.neural_network:
        """Return the network, the same at every call."""
        return foxnn.neural_network([self.shape, *self.layers], "relu", "softmax", seed=0)

    def data(self) -> tuple[Any, Any]:
        """Return samples and labels drawn at random."""
        rng = np.random.default_rng(0)
        x = rng.random((self.samples, *self.shape), dtype=np.float32)
        return x, rng.integers(0, 10, self.samples)


def _block(filters: int, padding: str) -> list[Any]:
    made: list[Any] = []
    for _ in range(2):
        made += [
            foxnn.Conv2D(filters, 3, padding=padding, activation="identity"),
            foxnn.BatchNorm(),
            foxnn.Activation("relu"),
        ]
    return [*made, foxnn.MaxPool2D(2)]


LENET = Pictures(
    (28, 28, 1),
    (
        foxnn.Conv2D(6, 5, padding="same"), foxnn.MaxPool2D(2),
        foxnn.Conv2D(16, 5), foxnn.MaxPool2D(2), 120, 84, 10,
    ),
)  # fmt: skip
CNN = Pictures(
    (28, 28, 1), (foxnn.Conv2D(32, 3), foxnn.Conv2D(64, 3), foxnn.MaxPool2D(2), 128, 10)
)
BLOCKS = Pictures(
    (32, 32, 3), (*_block(32, "same"), *_block(64, "same"), *_block(128, "same"), 10), 10 * BATCH
)
DEPTHWISE = Pictures(
    (32, 32, 64),
    (
        foxnn.Conv2D(64, 3, padding="same", groups=64), foxnn.Conv2D(64, 1),
        foxnn.GlobalAveragePool(), 10,
    ),
    10 * BATCH,
)  # fmt: skip
SENSORS = Pictures(
    (500, 12),
    (foxnn.Conv1D(64, 5), foxnn.Conv1D(64, 5), foxnn.Conv1D(64, 5), foxnn.GlobalAveragePool(), 10),
    10 * BATCH,
)


# PyTorch


def torch_model(work: Pictures) -> Any:
    """Return the network in PyTorch, with foxnn's weights, without the softmax of its loss."""
    import torch
    from torch import nn

    axes = len(work.shape) - 1
    modules: list[Any] = []
    for described, layer in zip(work.layers, work.network(), strict=True):
        channels = layer.input_shape[-1]
        if layer.kind == "Dense":
            if len(layer.input_shape) > 1:
                modules.append(nn.Flatten())
            linear = nn.Linear(*layer.weights.shape)
            # The inputs' order is (channels, positions) there.
            given = layer.weights.reshape(*layer.input_shape, -1)
            _copy(linear, np.moveaxis(given, (-1, -2), (0, 1))[()], layer.bias)
            modules += [linear, nn.ReLU()]
        elif layer.kind.startswith("Conv"):
            conv = getattr(nn, f"Conv{axes}d")(
                channels, described.filters, described.kernel,
                padding=described.padding, groups=described.groups,
            )  # fmt: skip
            _copy(conv, np.moveaxis(layer.arrays["weights"], (-1, -2), (0, 1)), layer.bias)
            modules.append(conv)
            if described.activation is None:
                modules.append(nn.ReLU())
        else:
            modules += {
                "MaxPool2D": lambda: [nn.MaxPool2d(2)],
                "BatchNorm": lambda n=channels: [nn.BatchNorm2d(n, momentum=0.1)],
                "Activation": lambda: [nn.ReLU()],
                "GlobalAveragePool": lambda: [
                    getattr(nn, f"AdaptiveAvgPool{axes}d")(1),
                    nn.Flatten(),
                ],
            }[layer.kind]()
    return torch.nn.Sequential(*modules[:-1])


def _copy(module: Any, weights: Any, bias: Any) -> None:
    import torch

    with torch.no_grad():
        shaped = np.ascontiguousarray(weights).reshape(tuple(module.weight.shape))
        module.weight.copy_(torch.from_numpy(shaped))
        module.bias.copy_(torch.from_numpy(np.array(bias)))


def _channels_first(x: Any) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)))


def _check(name: str, found: Any, expected: Any) -> None:
    worst = float(np.abs(found - expected).max())
    if not worst <= TOLERANCE:
        raise RuntimeError(f"the outputs of {name} differ from foxnn's by {worst:.3g}")


def torch_epoch(work: Pictures, x: Any, y: Any, threads: int, *, channels_last: bool) -> Timed:
    """Train in eager mode, with batches taken by a shuffled index and a fused Adam."""
    import torch

    torch.set_num_threads(threads)
    model = torch_model(work)
    inputs, targets = _channels_first(x), torch.from_numpy(y)
    if channels_last and len(work.shape) == 3:
        model = model.to(memory_format=torch.channels_last)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        model.eval()
        found = torch.softmax(model(inputs[:BATCH]), 1).numpy()
        model.train()
    _check("PyTorch", found, work.network().predict(x[:BATCH]))
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    loss_of = torch.nn.CrossEntropyLoss()

    def epoch() -> None:
        for index in torch.randperm(len(inputs)).split(BATCH):
            optimizer.zero_grad()
            loss_of(model(inputs[index]), targets[index]).backward()
            optimizer.step()

    return timed(epoch)


# onnxruntime


def onnxruntime_answer(nn: foxnn.neural_network, threads: int) -> Callable[[Any], Any]:
    """Return what predicts with a session on foxnn's own ONNX file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        nn.save(path)
        session = onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


# Sides of rows


def steps(work: Pictures, threads: int) -> dict[str, Timed]:
    """Return a training step of foxnn, and of PyTorch in each of its memory formats."""
    x, y = work.data()
    nn = work.network()
    nn.settings.n_threads = threads

    def fit() -> None:
        nn.fit(x, y, 1, BATCH, "adam", learning_rate=RATE, progress=False)

    sides = {"foxnn": timed(fit)}
    if is_there("PyTorch"):
        make = partial(torch_epoch, work, x, y, threads)
        sides["PyTorch"] = make(channels_last=False)
        if len(work.shape) == 3:
            sides["PyTorch, channels last"] = make(channels_last=True)
    count = -(-work.samples // BATCH)
    return {name: partial(_share, side, count) for name, side in sides.items()}


def _share(side: Timed, count: int) -> float:
    return side() / count


def answers(work: Pictures, count: int, threads: int) -> dict[str, Callable[[], Any]]:
    """Return predict of several samples, or get_out of one, by foxnn and onnxruntime."""
    x = np.random.default_rng(0).random((count, *work.shape), dtype=np.float32)
    nn = work.network()
    nn.settings.n_threads = threads
    calls: dict[str, Callable[[], Any]] = {
        "foxnn": partial(nn.get_out, x[0]) if count == 1 else partial(nn.predict, x)
    }
    if is_there("onnxruntime") and is_there_onnx():
        answer = onnxruntime_answer(nn, threads)
        _check("onnxruntime", answer(x), nn.predict(x))
        calls["onnxruntime"] = partial(answer, x)
    return calls


def is_there_onnx() -> bool:
    """Return whether ONNX files can be written."""
    try:
        import onnx
    except ImportError:
        return False
    return bool(onnx)
