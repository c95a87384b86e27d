"""Networks with convolutions in foxnn, PyTorch and onnxruntime.

A network is described once, by foxnn's layers; PyTorch's is made from them and gets their weights,
and both must give the same outputs before anything is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import foxnn
from answers import Answer, check, session_answer
from measure import Timed, timed
from peers import RATE, on_threads, torch_steps

BATCH = 64


@dataclass(frozen=True)
class Pictures:
    """A network over positions and channels with ten outputs, and how many samples there are."""

    shape: tuple[int, ...]
    layers: tuple[Any, ...]
    samples: int = 20 * BATCH
    optimizer: str = "adam"
    batch: int = BATCH
    dtype: str = "float32"

    @property
    def steps(self) -> int:
        """The number of steps in an epoch."""
        return -(-self.samples // self.batch)

    @property
    def title(self) -> str:
        """The shape and the layers."""
        return ", ".join(map(str, (self.shape, *self.layers)))

    def network(self) -> foxnn.neural_network:
        """Return the network, the same at every call."""
        return foxnn.neural_network(
            [self.shape, *self.layers], "relu", "softmax", dtype=self.dtype, seed=0
        )

    def data(self) -> tuple[Any, Any]:
        """Return samples and labels drawn at random."""
        rng = np.random.default_rng(0)
        x = rng.random((self.samples, *self.shape), dtype=np.float32).astype(self.dtype)
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
    200 * BATCH,  # a step takes a millisecond: what a call takes besides is that of an epoch
)  # fmt: skip
CNN = Pictures((28, 28, 1), (foxnn.Conv2D(32, 3), foxnn.Conv2D(64, 3), foxnn.MaxPool2D(2), 128, 10))
BLOCKS = Pictures((32, 32, 3), (*_block(32, "same"), *_block(64, "same"), *_block(128, "same"), 10))
DEPTHWISE = Pictures(
    (32, 32, 64),
    (
        foxnn.Conv2D(64, 3, padding="same", groups=64), foxnn.Conv2D(64, 1),
        foxnn.GlobalAveragePool(), 10,
    ),
)  # fmt: skip
SENSORS = Pictures(
    (500, 12),
    (foxnn.Conv1D(64, 5), foxnn.Conv1D(64, 5), foxnn.Conv1D(64, 5), foxnn.GlobalAveragePool(), 10),
)
NETWORKS = {
    "lenet": LENET, "cnn": CNN, "blocks": BLOCKS, "depthwise": DEPTHWISE, "sensors": SENSORS,
}  # fmt: skip


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
            _copy(linear, np.moveaxis(given, (-1, -2), (0, 1)), layer.bias)
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
        elif layer.kind == "GlobalAveragePool":
            modules += [getattr(nn, f"AdaptiveAvgPool{axes}d")(1), nn.Flatten()]
        elif layer.kind == "BatchNorm":
            modules.append(nn.BatchNorm2d(channels, momentum=1 - described.momentum))
        elif layer.kind == "MaxPool2D":
            modules.append(nn.MaxPool2d(described.size))
        else:
            modules.append(nn.ReLU())
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


def torch_epoch(work: Pictures, x: Any, y: Any, threads: int, *, channels_last: bool) -> Timed:
    """Train in eager mode, with batches taken by a shuffled index and a fused Adam."""
    import torch

    model = torch_model(work)
    inputs, targets = _channels_first(x), torch.from_numpy(y)
    if channels_last and len(work.shape) == 3:
        model = model.to(memory_format=torch.channels_last)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        model.eval()
        found = torch.softmax(model(inputs[:BATCH]), 1).numpy()
        model.train()
    check("PyTorch", found, work.network().predict(x[:BATCH]))
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    loss_of = torch.nn.CrossEntropyLoss()
    epoch = timed(lambda: torch_steps(model, optimizer, loss_of, inputs, targets, BATCH))
    return on_threads(threads, epoch)


# onnxruntime


def onnxruntime_answer(nn: foxnn.neural_network, threads: int) -> Answer:
    """Return what predicts with a session on foxnn's own ONNX file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        nn.save(path)
        return session_answer(path.read_bytes(), threads)
