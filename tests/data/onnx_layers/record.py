"""How the ONNX files here were made: `python record.py pytorch` or `python record.py keras`.

Each library exports small networks with layers of every kind, and says what it answers itself:
that stands in LIBRARY.npz, by the name of the network. The blocks are those of well-known networks
for pictures. Made with PyTorch 2.13 (onnxscript 0.7), both of its exporters, and with Keras 3.15
on TensorFlow 2.21 (tf2onnx 1.17), on Linux.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
RECORDS: dict[str, np.ndarray] = {}


def without_traces(path: Path) -> None:
    """Leave out where in PyTorch each node came from: paths of one machine."""
    import onnx

    model = onnx.load(path)
    graph = model.graph
    for thing in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        del thing.metadata_props[:]
    for node in graph.node:
        node.doc_string = ""
    onnx.save(model, path)


def networks() -> dict[str, tuple[Any, Any]]:
    """Return networks of PyTorch, and samples for them."""
    import torch
    from torch import nn
    from torch.nn import functional

    def normed(inputs: int, filters: int, kernel: int, *, relu: bool = True, **how: Any) -> Any:
        conv = nn.Conv2d(inputs, filters, kernel, bias=False, **how)
        return nn.Sequential(conv, nn.BatchNorm2d(filters), *[nn.ReLU()] * relu)

    class Residual(nn.Module):
        """Of ResNet: two convolutions, around which goes one of 1 x 1 where shapes change."""

        def __init__(self, inputs: int, filters: int, stride: int) -> None:
            super().__init__()
            self.first = normed(inputs, filters, 3, stride=stride, padding=1)
            self.second = normed(filters, filters, 3, padding=1, relu=False)
            is_same = stride == 1 and inputs == filters
            self.around = None if is_same else normed(inputs, filters, 1, stride=stride, relu=False)

        def forward(self, x: Any) -> Any:
            y = self.second(self.first(x))
            y += x if self.around is None else self.around(x)
            return functional.relu(y)

    class Inverted(nn.Module):
        """Of MobileNet: 1 x 1, depthwise, 1 x 1."""

        def __init__(self, inputs: int, filters: int, stride: int) -> None:
            super().__init__()
            hidden = 2 * inputs
            self.body = nn.Sequential(
                normed(inputs, hidden, 1), nn.SiLU(),
                normed(hidden, hidden, 3, stride=stride, padding=1, groups=hidden),
                normed(hidden, filters, 1, relu=False),
            )  # fmt: skip
            self.is_added = stride == 1 and inputs == filters

        def forward(self, x: Any) -> Any:
            return x + self.body(x) if self.is_added else self.body(x)

    class Next(nn.Module):
        """Of ConvNeXt: depthwise, and then dense layers with the channels last."""

        def __init__(self, channels: int) -> None:
            super().__init__()
            self.conv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
            self.norm = nn.LayerNorm(channels)
            self.wide, self.back = nn.Linear(channels, 16), nn.Linear(16, channels)

        def forward(self, x: Any) -> Any:
            y = self.norm(self.conv(x).permute(0, 2, 3, 1))
            y = self.back(functional.gelu(self.wide(y)))
            return x + y.permute(0, 3, 1, 2)

    class Joined(nn.Module):
        """Of DenseNet: what is learned goes beside the inputs."""

        def __init__(self, inputs: int, more: int) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(inputs)
            self.conv = nn.Conv2d(inputs, more, 3, padding=1)

        def forward(self, x: Any) -> Any:
            return torch.cat([x, self.conv(functional.relu(self.norm(x)))], 1)

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down, self.deep = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 6, 3, padding=1)
            self.up, self.last = nn.Conv2d(10, 4, 3, padding=1), nn.Conv2d(4, 3, 1)

        def forward(self, x: Any) -> Any:
            skip = functional.relu(self.down(x))
            deep = functional.relu(self.deep(functional.max_pool2d(skip, 2)))
            wide = functional.interpolate(deep, scale_factor=2.0)
            joined = functional.relu(self.up(torch.cat([skip, wide], 1)))
            return functional.softmax(self.last(joined), 1)

    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(20, 6)
            self.conv, self.last = nn.Conv1d(6, 5, 3), nn.Linear(5, 2)

        def forward(self, x: Any) -> Any:
            steps = functional.relu(self.conv(self.table(x).transpose(1, 2)))
            return self.last(steps.amax(2))

    def pooled(channels: int, outputs: int) -> list[Any]:
        return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, outputs)]

    drawn = torch.randn
    resnet = nn.Sequential(
        normed(3, 6, 7, stride=2, padding=3), nn.MaxPool2d(3, 2, 1), Residual(6, 6, 1),
        Residual(6, 8, 2), *pooled(8, 5),
    )  # fmt: skip
    return {
        # Its pools begin at an odd number of positions: at an even one they would read others.
        "resnet": (resnet, drawn(3, 3, 17, 21)),
        "mobilenet": (
            nn.Sequential(
                normed(3, 6, 3, stride=2, padding=1), Inverted(6, 6, 1), Inverted(6, 8, 2),
                *pooled(8, 4),
            ),
            drawn(3, 3, 12, 12),
        ),
        "convnext": (
            nn.Sequential(nn.Conv2d(3, 8, 4, 4), Next(8), *pooled(8, 3)), drawn(3, 3, 16, 16),
        ),
        "densenet": (
            nn.Sequential(
                nn.Conv2d(2, 4, 3), Joined(4, 3), Joined(7, 3), nn.BatchNorm2d(10), nn.ReLU(),
                nn.Conv2d(10, 5, 1), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(45, 2),
            ),
            drawn(3, 2, 8, 8),
        ),
        "unet": (UNet(), drawn(3, 1, 6, 8)),
        "same": (
            nn.Sequential(
                nn.Conv2d(2, 4, 4, padding="same"), nn.Tanh(),
                nn.Conv2d(4, 4, 3, padding="same", dilation=2), nn.Sigmoid(), nn.Conv2d(4, 3, 2),
            ),
            drawn(3, 2, 9, 8),
        ),
        "steps": (
            nn.Sequential(
                nn.Conv1d(3, 8, 5, stride=2, padding=2), nn.BatchNorm1d(8), nn.ReLU(),
                nn.Conv1d(8, 8, 3, dilation=2, padding=2, groups=8), nn.GELU(), nn.MaxPool1d(2),
                nn.AdaptiveMaxPool1d(1), nn.Flatten(), nn.Linear(8, 2),
            ),
            drawn(3, 3, 21),
        ),
        "volumes": (
            nn.Sequential(
                nn.Conv3d(1, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU(), nn.MaxPool3d(2),
                nn.Conv3d(4, 2, 2), nn.Flatten(), nn.Linear(8, 2),
            ),
            drawn(3, 1, 4, 6, 6),
        ),
        "words": (Words(), torch.randint(20, (3, 9))),
    }  # fmt: skip


def pytorch() -> None:
    import torch

    torch.manual_seed(0)
    for name, (model, x) in networks().items():
        if x.is_floating_point():
            model(2 * x + 1)  # for the statistics of BatchNorm
        model.eval()
        RECORDS[f"{name}.x"], RECORDS[f"{name}.y"] = x.numpy(), model(x).detach().numpy()
        path = HERE / f"pytorch_{name}_script.onnx"
        torch.onnx.export(model, x, path, dynamo=False, input_names=["x"], dynamic_axes={"x": [0]})
        path = HERE / f"pytorch_{name}_dynamo.onnx"
        torch.onnx.export(
            model, (x,), path, dynamo=True, external_data=False, verbose=False,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )  # fmt: skip
        without_traces(path)


def keras() -> None:
    import keras
    import tensorflow
    import tf2onnx
    from keras import layers

    keras.utils.set_random_seed(0)

    def separable(filters: int, stride: int) -> list[Any]:
        return [
            layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False),
            layers.BatchNormalization(), layers.ReLU(), layers.Conv2D(filters, 1, use_bias=False),
            layers.BatchNormalization(), layers.ReLU(),
        ]  # fmt: skip

    models = {
        "pictures": (
            (9, 8, 3),
            [
                layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(2),
                layers.Conv2D(5, 2, padding="same", activation="tanh"), layers.Flatten(),
                layers.Dense(6, "relu"), layers.Dropout(0.3), layers.Dense(3, "softmax"),
            ],
        ),
        "mobilenet": (
            (12, 12, 3),
            [
                layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False),
                layers.BatchNormalization(), layers.ReLU(), *separable(6, 1), *separable(8, 2),
                layers.GlobalAveragePooling2D(), layers.Dense(4, "softmax"),
            ],
        ),
        "padded": (
            (12, 12, 3),
            [
                layers.ZeroPadding2D(((0, 1), (0, 1))),
                layers.Conv2D(6, 3, strides=2, use_bias=False), layers.BatchNormalization(),
                layers.ReLU(), layers.ZeroPadding2D(1), layers.SeparableConv2D(4, 3),
                layers.GlobalMaxPooling2D(), layers.Dense(2),
            ],
        ),
        "steps": (
            (20, 3),
            [
                layers.Conv1D(6, 5, strides=2, padding="same", activation="relu"),
                layers.BatchNormalization(), layers.AveragePooling1D(2),
                layers.Conv1D(4, 3, dilation_rate=2, activation="gelu"),
                layers.GlobalMaxPooling1D(), layers.Dense(2),
            ],
        ),
        "segmenter": (
            (6, 8, 1),
            [
                layers.Conv2D(4, 3, padding="same", activation="relu"), layers.MaxPooling2D(2),
                layers.Conv2D(4, 3, padding="same", activation="relu"), layers.UpSampling2D(2),
                layers.Conv2D(3, 1, activation="softmax"),
            ],
        ),
    }  # fmt: skip
    rng = np.random.default_rng(0)
    for name, (shape, parts) in models.items():
        x = rng.normal(size=(3, *shape)).astype(np.float32)
        model = keras.Sequential([layers.Input(shape), *parts])
        model(2 * x + 1, training=True)  # for the statistics of BatchNormalization
        RECORDS[f"{name}.x"] = x
        RECORDS[f"{name}.y"] = model(x, training=False).numpy()
        model.export(HERE / f"keras_{name}_export.onnx", format="onnx", verbose=False)
        given = [tensorflow.TensorSpec([None, *shape], np.float32, name="x")]
        tf2onnx.convert.from_function(
            tensorflow.function(lambda x, model=model: model(x), input_signature=given),
            given, opset=15, output_path=HERE / f"keras_{name}_tf2onnx.onnx",
        )  # fmt: skip


if __name__ == "__main__":
    {"pytorch": pytorch, "keras": keras}[sys.argv[1]]()
    np.savez_compressed(HERE / f"{sys.argv[1]}.npz", **RECORDS)  # type: ignore[arg-type]
