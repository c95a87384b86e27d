"""The table of layer kinds: networks that have each of them first, in the middle and last.

A new kind adds rows, and the tests of kinds run each as everything that is promised of a layer. The
channels at a position are odd numbers, or lie around a register of the processor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import foxnn
from foxnn import (
    GRU,
    LSTM,
    RNN,
    Activation,
    AveragePool1D,
    AveragePool2D,
    AveragePool3D,
    BatchNorm,
    Conv1D,
    Conv2D,
    Conv3D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool,
    GlobalMaxPool,
    LayerNorm,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    Parallel,
    Reshape,
    Residual,
    UpSample,
    _core,
)
from foxnn.layers.kinds import leaves as engine_leaves
from layer_reference import Leaf, Network

CHANNELS = (1, 13, 31, 32, 33)


@dataclass(frozen=True)
class Row:
    """A network, and what is special about it."""

    name: str
    items: list[Any]
    activation: Any = "tanh"
    output: str | None = None
    loss: str | None = None
    #: Where its slope jumps, differences are not compared.
    has_kinks: bool = False
    #: Formats that refuse it; the others hold it.
    refused_by: tuple[str, ...] = ("txt", "trace")

    @property
    def has_positions(self) -> bool:
        """Whether the outputs have positions."""
        return len(self.network()._output_shape()) > 1

    def network(self, dtype: str = "float64", seed: int = 3) -> foxnn.neural_network:
        """Return the network, with biases that are not zero."""
        nn = foxnn.neural_network(
            self.items, self.activation, self.output, self.loss, dtype=dtype, seed=seed
        )
        rng = np.random.default_rng(seed)
        for leaf in Network(nn).leaves():
            for name, values in leaf.arrays.items():
                if name.endswith("bias"):
                    nn._set_array(leaf.index, name, rng.normal(size=values.shape) / 4)
        return nn


def samples(nn: foxnn.neural_network, count: int, seed: int = 0) -> np.ndarray:
    """Return inputs that a float32 holds exactly, in the shape of the network's; or indices."""
    shape = nn._input_shape()
    if limit := nn._index_limit():
        return np.random.default_rng(seed).integers(0, limit, (count, *shape)) / 1.0
    return np.random.default_rng(seed).integers(-256, 257, (count, *shape)) / 128.0


def targets(nn: foxnn.neural_network, count: int, seed: int = 0) -> np.ndarray:
    """Return outputs to train for, in the shape of the network's."""
    shape, rng = nn._output_shape(), np.random.default_rng([seed, 1])
    if nn.loss == "cross_entropy":
        return np.eye(shape[-1])[rng.integers(0, shape[-1], (count, *shape[:-1]))]
    if nn.loss == "binary_cross_entropy":
        return rng.integers(0, 65, (count, *shape)) / 64.0
    if nn.loss == "poisson":
        return rng.integers(0, 5, (count, *shape)).astype(np.float64)
    return rng.integers(-64, 65, (count, *shape)) / 64.0


def weights(nn: foxnn.neural_network, count: int, seed: int = 0) -> np.ndarray:
    """Return a weight of each position of samples, some of them 0."""
    rng = np.random.default_rng([seed, 2])
    return rng.integers(0, 9, (count, *nn._output_shape()[:-1])) / 8.0


def leaves(nn: foxnn.neural_network) -> list[Leaf]:
    """Return the layers of a network that are no composites, depth first."""
    return Network(nn).leaves()


def arrays(nn: foxnn.neural_network) -> dict[str, np.ndarray]:
    """Return every array, as it is, by the number of its leaf and its name."""
    found = _core.parameters(nn)
    return {f"{i} {name}": a for i, named in enumerate(found) for name, a in named.items()}


def trained_arrays(nn: foxnn.neural_network) -> list[str]:
    """Return the keys in `arrays` of those that are trained."""
    leaves = engine_leaves(nn._layers())
    return [
        f"{i} {name}"
        for i, leaf in enumerate(leaves)
        for name in leaf["arrays"]
        if name not in leaf["running"]
    ]


def bits(nn: foxnn.neural_network) -> list[bytes]:
    """Return the bits of every array."""
    return [array.tobytes() for array in arrays(nn).values()]


def gradients(
    nn: foxnn.neural_network, x: Any, y: Any, weights: Any = None
) -> tuple[float, list[Any]]:
    """Return the mean loss and its gradients, a dict a leaf, nothing left out."""
    plan = _core.Plan(_core.Optimizer("sgd"), 1.0, batch_size=len(x), shuffle=False)
    kind = np.float32 if nn.dtype == "float32" else np.float64
    flat = [np.ascontiguousarray(np.reshape(part, (len(x), -1)), kind) for part in (x, y)]
    if weights is not None:
        weights = np.ascontiguousarray(np.reshape(weights, (len(x), -1)))
    with _core.Trainer(nn, *flat, plan, weights) as trainer:
        loss, found = trainer.gradient()
    for leaf, own in zip(engine_leaves(nn._layers()), found, strict=True):
        for name in leaf["running"]:  # updated, but not by a gradient
            assert not own.pop(name).any()
    return loss, found


# Networks of a recurrent kind.
RECURRENT: dict[str, Callable[[Any], list[Any]]] = {
    **{f"{n}": lambda kind, n=n: [(4, n), kind(n), 2] for n in CHANNELS},
    "sequences": lambda kind: [(5, 3), kind(33, return_sequences=True), Dense(2)],
    "reverse": lambda kind: [(5, 3), kind(13, reverse=True), 2],
    "both": lambda kind: [(4, 3), kind(17, bidirectional=True), 2],
    "middle": lambda kind: [
        (4, 3),
        Dense(5),
        kind(16, return_sequences=True, bidirectional=True),
        kind(7, return_sequences=True, reverse=True),
        Dense(3),
        2,
    ],
    "last": lambda kind: [(4, 6), Dense(3), kind(5)],
    "last-sequences": lambda kind: [(4, 6), kind(32, bidirectional=True, return_sequences=True)],
    "last-narrow": lambda kind: [(4, 6), kind(3, return_sequences=True, bidirectional=True)],
    "without-bias": lambda kind: [(4, 3), kind(5, bias=False, bidirectional=True), 2],
}

ROWS = [
    *(
        Row(f"dense-{channels}", [(7, channels), Dense(channels), Dense(3, "sin"), 2])
        for channels in CHANNELS
    ),
    Row("dense-middle", [6, 12, Reshape((4, 3)), Dense(33), 2]),
    Row("dense-last", [(3, 5, 2), Dense(32), Dense(1, "identity")]),
    Row("dense-without-bias", [(5, 3), Dense(13, bias=False), Dense(2, "gelu", bias=False)]),
    Row("dense-flat", [5, Dense(31), Dense(4, bias=False), Dense(3)], output="softmax"),
    Row("dense-numbers", [5, Dense(31), 4, Dense(3)], refused_by=()),
    *(
        Row(
            f"conv-{channels}",
            [(5, 4, channels), Conv2D(channels, 3), Conv2D(3, 2, activation="sin"), 2],
        )
        for channels in CHANNELS
    ),
    Row("conv-1d", [(11, 3), Conv1D(5, 3, stride=2, padding="same"), Conv1D(33, 2, dilation=2), 2]),
    Row(
        "conv-3d",
        [
            (3, 4, 5, 2),
            Conv3D(7, (2, 1, 3)),
            Conv3D(2, 2, stride=2, padding="same", bias=False),
            2,
        ],
    ),
    Row(
        "conv-same",
        [
            (5, 6, 1),
            Conv2D(4, (4, 3), stride=(2, 1), padding="same"),
            Conv2D(40, 3, padding="same"),
            2,
        ],
    ),
    Row(
        "conv-padding-as-numbers",
        [(7, 6, 3), Conv2D(20, 3, stride=2, padding=1), Conv2D(5, (2, 3), padding=(1, 2)), 2],
    ),
    Row(
        "depthwise-padding-as-numbers",
        [(9, 6), Conv1D(6, 3, stride=2, padding=2, groups=6), Conv1D(9, 2, padding=1), 2],
    ),
    Row("pools-padding-numbers", [(8, 7, 3), MaxPool2D(3, 2, 1), AveragePool2D(3, 2, (1, 2)), 2]),
    Row(
        "conv-padding-alone",
        [(2, 2, 3), Conv2D(5, 5, padding="same", dilation=3), Conv2D(2, 1), 2],
    ),
    Row("conv-pairs", [(3, 2, 34), Conv2D(80, 2, padding="same"), Conv2D(96, (2, 1)), 2]),
    Row("conv-groups", [(4, 3, 6), Conv2D(9, 2, groups=3), Conv2D(9, 2, groups=9), 2]),
    Row("conv-groups-wide", [(4, 64), Conv1D(64, 2, groups=2), Conv1D(80, 2, groups=16), 2]),
    *(
        Row(
            f"depthwise-{channels}",
            [
                (5, 4, channels),
                Conv2D(channels, 3, padding="same", groups=channels),
                Conv2D(channels, (2, 3), groups=channels, activation="sin"),
                2,
            ],
        )
        for channels in (3, 17, 33, 70)
    ),
    Row(
        "depthwise-1d",
        [
            (11, 5),
            Conv1D(5, 3, stride=2, padding="same", groups=5),
            Conv1D(5, 2, dilation=2, groups=5, bias=False),
            2,
        ],
    ),
    Row(
        "depthwise-3d",
        [
            (3, 4, 5, 4),
            Conv3D(4, (2, 1, 3), groups=4),
            Conv3D(8, 2, stride=2, padding="same", groups=4),
            2,
        ],
    ),
    Row(
        "depthwise-multiplied",
        [(5, 4, 6), Conv2D(18, 3, groups=6), Dense(35), Conv2D(70, 2, groups=35, bias=False), 2],
    ),
    Row(
        "depthwise-multiplied-more",
        [(4, 3), Conv1D(66, 3, padding="same", groups=3), Conv1D(132, 2, groups=66), 2],
    ),
    Row("depthwise-long", [(40, 4), Conv1D(8, 33, groups=4), Conv1D(8, 5, groups=8), 2]),
    Row(
        "depthwise-padding-alone",
        [(2, 2, 3), Conv2D(3, 5, padding="same", dilation=3, groups=3), Conv2D(6, 1, groups=3), 2],
    ),
    # At the ends, of a tile of the kernel's places any number lie within the sample.
    Row("conv-padding-of-each-length", [(15, 1), Conv1D(32, 27, padding="same"), 2]),
    Row("depthwise-padding-of-each-length", [(15, 3), Conv1D(3, 27, padding="same", groups=3), 2]),
    Row("depthwise-last", [(6, 33), Conv1D(66, 3, groups=33, activation="identity")]),
    Row("depthwise-last-flat", [(3, 33), Conv1D(66, 3, groups=33, activation="identity")]),
    Row(
        "depthwise-residual",
        [(4, 4, 32), Residual(Conv2D(32, 3, padding="same", groups=32), Dense(32)), 2],
    ),
    Row("conv-last", [(6, 5), Conv1D(32, 3, activation="identity")]),
    Row("conv-last-narrow", [12, Reshape((6, 2)), Conv1D(3, 2, activation="tanh")]),
    Row(
        "conv-after-dense",
        [(5, 3), Dense(35), Conv1D(4, 3), Dropout(0.2), Conv1D(2, 2), 3],
        output="softmax",
    ),
    Row(
        "conv-residual",
        [(4, 4, 3), Residual(Conv2D(5, 3, padding="same"), Conv2D(3, 3, padding="same")), 2],
    ),
    # In lanes, where the batch is large enough: see test_lanes.py.
    Row(
        "lanes-pools",
        [(9, 8, 1), Conv2D(3, 3, padding="same"), MaxPool2D(2), Conv2D(5, 2), AveragePool2D(2), 2],
    ),
    Row(
        "lanes-groups",
        [(13, 6), Conv1D(10, 3, stride=2, groups=2), Conv1D(20, 2, dilation=2, groups=10), 3],
        output="softmax",
    ),
    Row(
        "lanes-volume",
        [(4, 5, 4, 2), Conv3D(3, (2, 3, 1)), AveragePool3D(2, 1), Conv3D(2, 2, bias=False), 2],
    ),
    Row("lanes-wide", [(4, 3), Dense(37), Conv1D(33, 2), Dropout(0.2), Conv1D(3, 2), 2]),
    Row("lanes-last", [(6, 2), Conv1D(7, 3, activation="gelu"), Conv1D(3, 2)]),
    Row(
        "lanes-residual",
        [
            (5, 4, 2),
            Residual(Conv2D(5, 3, padding="same"), Conv2D(2, 3, padding="same")),
            Conv2D(6, 2, activation="identity"),
            Residual(Activation("gelu"), Conv2D(6, 1)),
            Residual(UpSample(2), AveragePool2D(2)),
            3,
        ],
    ),
    Row(
        "lanes-norm",
        [
            (6, 5, 2),
            Conv2D(3, 3, padding="same", activation="identity", bias=False),
            BatchNorm(),
            Activation("relu"),
            Conv2D(9, 2, activation="identity", bias=False),
            BatchNorm(epsilon=0.1),
            Activation("gelu"),
            MaxPool2D(2),
            Conv2D(3, 1),
            2,
        ],
    ),
    Row(
        "lanes-norm-wide",
        [
            (6, 2),
            Conv1D(17, 2, activation="identity"),
            Residual(BatchNorm(), Activation("sin")),
            Conv1D(3, 2),
            BatchNorm(momentum=0.0),
            2,
        ],
    ),
    Row(
        "lanes-parallel",
        [
            (6, 4),
            Conv1D(3, 2),
            Parallel(Conv1D(5, 1), Activation("sin"), Dense(2), AveragePool1D(3, 1, "same")),
            Conv1D(4, 2),
            Parallel(GlobalMaxPool(), GlobalAveragePool()),
            2,
        ],
    ),
    Row(
        "lanes-turns",
        [
            12,
            Reshape((6, 2)),
            Conv1D(3, 2),
            LayerNorm(),
            Conv1D(4, 2),
            Flatten(),
            Reshape((4, 4)),
            Conv1D(5, 3, activation="relu"),
            2,
        ],
        has_kinks=True,
    ),
    *(
        Row(
            f"pools-{channels}",
            [(9, channels), MaxPool1D(3, 2), Dense(channels), AveragePool1D(2, 1, "same"), 2],
        )
        for channels in CHANNELS
    ),
    Row("max-pool-2d", [(5, 7, 2), Conv2D(5, 2), MaxPool2D((2, 3)), 2]),
    Row("max-pool-3d", [(3, 4, 5, 2), MaxPool3D(2, 1, "same"), Dense(3), MaxPool3D((3, 1, 2)), 2]),
    Row("max-pool-last", [(6, 33), Dense(3), MaxPool1D(2)]),
    Row("max-pool-same", [(5, 5, 3), Conv2D(4, 2), MaxPool2D(3, 2, "same"), 2]),
    Row("average-pool-2d", [(5, 7, 2), AveragePool2D((2, 3), 2), Dense(4), 2]),
    Row("average-pool-3d", [(4, 4, 5, 2), Dense(3), AveragePool3D(3, 2, "same"), 2]),
    Row("global-max-pool", [(4, 5, 3), Dense(35), GlobalMaxPool(), 2]),
    Row("global-average-pool", [(4, 5, 3), Dense(35), GlobalAveragePool(), 13, GlobalMaxPool(), 2]),
    Row("global-pool-last", [(7, 3), Parallel(GlobalMaxPool(), GlobalAveragePool())]),
    Row("up-sample", [(3, 2, 2), Dense(3), UpSample((2, 3)), Conv2D(2, 2), 2]),
    Row("up-sample-last", [(3, 33), Dense(2), UpSample(2)]),
    Row("conv-1d-places", [(7, 2), Conv1D(3, 2), Conv1D(2, 2), Conv1D(3, 2)]),
    Row("conv-2d-places", [(5, 6, 2), Conv2D(3, 2), Conv2D(2, 2), Conv2D(3, 2)]),
    Row("conv-3d-places", [(4, 4, 5, 2), Conv3D(3, 2), Conv3D(2, 2), Conv3D(3, 2)]),
    Row("max-pool-1d-places", [(9, 2), MaxPool1D(2), Dense(3), MaxPool1D(2), MaxPool1D(2)]),
    Row("max-pool-2d-places", [(9, 8, 2), MaxPool2D(2), Dense(3), MaxPool2D(2), MaxPool2D(2)]),
    Row("max-pool-3d-places", [(8, 4, 4, 2), *[MaxPool3D((2, 1, 1))] * 3]),
    Row("average-pool-1d-places", [(9, 2), *[AveragePool1D(2)] * 2, Dense(3), AveragePool1D(2)]),
    Row("average-pool-2d-places", [(9, 8, 2), AveragePool2D(2), Dense(3), *[AveragePool2D(2)] * 2]),
    Row("average-pool-3d-places", [(8, 4, 4, 2), *[AveragePool3D((2, 1, 1))] * 3]),
    *(
        Row(
            f"global-pool-places-{pool.kind.name}",
            [(3, 4), pool(), Reshape((2, 2)), pool(), Dense(4), Reshape((2, 2)), pool()],
        )
        for pool in (GlobalMaxPool, GlobalAveragePool)
    ),
    Row("up-sample-places", [(2, 2, 1), UpSample(2), Dense(3), UpSample((1, 2)), UpSample(2)]),
    Row("activation-first", [(4, 3), Activation("sin"), Dense(13), 2]),
    Row("activation-middle", [(4, 3), Dense(31, "identity"), Activation(("elu", 0.5)), 2]),
    Row("activation-last", [(2, 13), Dense(33), Activation("sigmoid")]),
    Row("activation-softmax", [5, Dense(4, "identity"), Activation("softmax")]),
    Row("activation-relu", [(4, 3), Dense(32, "relu"), Activation("relu"), 2], has_kinks=True),
    Row("activation-alone", [(4, 3), Activation("gelu")]),
    Row("flatten-first", [(4, 5, 3), Flatten(), 13, 2]),
    Row("flatten-of-flat", [6, Flatten(), 3]),
    Row("flatten-middle", [(4, 3), Dense(13), Flatten(), Activation("arctan"), 2]),
    Row("flatten-last", [(4, 3), Dense(13), Flatten()]),
    Row("reshape-first", [12, Reshape((2, 3, 2)), Dense(31), 2]),
    Row("reshape-middle", [(4, 6), Dense(3), Reshape((2, 6)), Dense(13), 2]),
    Row("reshape-last", [5, 12, Reshape((4, 3))]),
    Row("dropout-first", [(4, 3), Dropout(0.3), Dense(13), 2]),
    Row("dropout-middle", [5, 33, Dropout(0.5), 31, Dropout(0.1), 3], output="softmax"),
    Row("dropout-last", [(3, 4), Dense(13), Dropout(0.25)]),
    Row("dropout-of-nothing", [5, 13, Dropout(0.0), 3]),
    *(
        Row(f"layer-norm-{channels}", [(3, channels), LayerNorm(), Dense(5), LayerNorm(), 2])
        for channels in CHANNELS[1:]  # a single channel would always become zero
    ),
    *(
        Row(
            f"batch-norm-{channels}",
            [(3, channels), BatchNorm(), Dense(5), BatchNorm(), 2],
        )
        for channels in CHANNELS
    ),
    Row(
        "batch-norm-first",
        [9, BatchNorm(epsilon=0.5), 13, BatchNorm(momentum=0.5), 2],
    ),
    Row("batch-norm-flat", [9, 13, BatchNorm(momentum=0.5)]),
    Row(
        "batch-norm-last",
        [(4, 6), Dense(33), BatchNorm(epsilon=0.01, momentum=0.0)],
    ),
    Row(
        "batch-norm-within",
        [7, Residual(BatchNorm(), 9, 7), Parallel(BatchNorm(), 4), 2],
    ),
    Row(
        "batch-norm-conv",
        [
            (5, 5, 2),
            Conv2D(4, 3, activation="identity", bias=False),
            BatchNorm(),
            Activation("sin"),
            2,
        ],
    ),
    Row(
        "batch-norm-activated",
        [
            (5, 4, 3),
            Conv2D(40, 2, activation="identity", bias=False),
            BatchNorm(),
            Activation("gelu"),
            Residual(BatchNorm(), Activation("sin"), Activation("tanh")),
            MaxPool2D(2),
            BatchNorm(),
            Activation("tanh"),
            MaxPool2D((2, 1)),
            2,
        ],
    ),
    *(
        Row(f"embedding-{channels}", [5, Embedding(11, channels), Dense(3), 2])
        for channels in CHANNELS
    ),
    Row("embedding-of-one", [1, Embedding(1, 13), Dense(3), 2]),
    Row("embedding-classes", [3, Embedding(40, 6), 4], output="softmax"),
    Row("embedding-middle", [6, Reshape((2, 3)), Embedding(17, 33), GlobalAveragePool(), 2]),
    Row("embedding-last", [(2, 3), Embedding(8, 5)]),
    Row("embedding-conv", [8, Embedding(6, 3), Conv1D(4, 3), GlobalAveragePool(), 2]),
    Row(
        "embedding-within",
        [
            (2, 2),
            Parallel([Flatten(), Embedding(9, 4), 3], [Embedding(12, 2), Dropout(0.2), 4], 3),
            2,
        ],
    ),
    Row("embedding-residual", [4, Residual(Embedding(7, 33), shortcut=Embedding(5, 33)), 2]),
    *(
        Row(
            f"{kind.kind.name}-{name}",
            items(kind),
            refused_by=("txt",),
        )
        for kind in (RNN, GRU, LSTM)
        for name, items in RECURRENT.items()
    ),
    Row(
        "recurrent-lengths-of-a-tile",
        [(3, 40), LSTM(70, return_sequences=True), GRU(48, return_sequences=True), RNN(65)],
        refused_by=("txt",),
    ),
    # Their inputs lie step behind step, and so does the gradient.
    Row(
        "recurrent-packed",
        [(19, 2), Activation("sin"), Dropout(0.2), LSTM(5, bidirectional=True), 3],
        refused_by=("txt",),
    ),
    Row(
        "recurrent-packed-panels",
        [(5, 16), Activation("sin"), GRU(33, reverse=True), 2],
        refused_by=("txt",),
    ),
    Row(
        "recurrent-mixed",
        [
            (7, 5),
            Conv1D(6, 2),
            GRU(5, return_sequences=True, bidirectional=True),
            Dropout(0.2),
            LSTM(4, return_sequences=True, reverse=True),
            Residual(RNN(4, return_sequences=True)),
            Parallel(LSTM(3, bidirectional=True), GRU(5)),
            3,
        ],
        output="softmax",
        refused_by=("txt",),
    ),
    Row("layer-norm-first", [9, LayerNorm(epsilon=0.5), 13, LayerNorm(), 2]),
    Row("layer-norm-last", [(4, 6), Dense(33), LayerNorm(epsilon=0.01)]),
    Row("layer-norm-within", [7, Residual(LayerNorm(), 9, 7), Parallel(LayerNorm(), 4), 2]),
    Row("residual-first", [7, Residual(9, Dense(7, "sin")), 2]),
    Row("residual-middle", [(5, 3), Dense(13), Residual(Dense(33), Dense(13, "identity")), 2]),
    Row("residual-last", [(4, 3), Residual(Dense(31), shortcut=Dense(31, "identity"))]),
    Row("residual-shortcut", [9, Residual(Dropout(0.2), 13, 32, shortcut=[4, 32]), 2]),
    Row("residual-nested", [7, Residual(Residual(5, 7), Residual(Activation("gelu"))), 2]),
    Row("parallel-first", [(4, 3), Parallel(Dense(1), [Dense(32), Dropout(0.3)]), 2]),
    Row("parallel-middle", [5, 6, Parallel(13, [31, 33], Activation("sin")), 2]),
    Row("parallel-last", [(3, 4), Parallel(Dense(2), Dense(13, "sigmoid"))]),
    Row("parallel-of-one", [5, Parallel([13, Dropout(0.4)]), 2]),
    Row("parallel-nested", [6, Parallel(Residual(Parallel(2, 4)), [3, Parallel(1, 4)]), 3]),
    *(
        Row(f"softmax-places-{channels}", [(2, 3, 2), Dense(5), Dense(channels, "softmax")])
        for channels in CHANNELS[1:]
    ),
    Row("softmax-conv", [(5, 4, 2), Conv2D(4, 3, padding="same"), Conv2D(3, 2)], output="softmax"),
    Row("softmax-behind-pool", [(5, 4, 2), Conv2D(3, 2), MaxPool2D(2, 1), Activation("softmax")]),
    Row("softmax-packed", [7, Dense(15), Reshape((5, 3)), Activation("softmax")]),
    Row("softmax-mse", [(5, 4), Dense(3, "softmax")], loss="mse"),
    Row("softmax-mse-packed", [7, Dense(15), Reshape((5, 3)), Activation("softmax")], loss="mse"),
    Row(
        "sigmoid-conv",
        [(5, 4, 2), Conv2D(3, 2), Conv2D(1, 2)],
        output="sigmoid",
        loss="binary_cross_entropy",
    ),
    Row("sigmoid-places", [(5, 2), Dense(4, "sigmoid")], loss="binary_cross_entropy"),
    Row(
        "sigmoid-packed",
        [7, Dense(15), Reshape((5, 3)), Activation("sigmoid")],
        loss="binary_cross_entropy",
    ),
    Row("exp-places", [(5, 2), Dense(35, "exp")], loss="poisson"),
    Row("exp-packed", [7, Dense(15), Reshape((5, 3)), Activation("exp")], loss="poisson"),
    Row("softplus-places", [(3, 5, 2), Conv2D(2, 2, activation="softplus")], loss="poisson"),
    Row("huber-packed", [7, Dense(15), Reshape((5, 3))], loss="huber"),
    Row(
        "all",
        [
            24, Dropout(0.1), Reshape((4, 6)), Dense(13),
            Residual(Dropout(0.2), Dense(33, "gelu"), Parallel(Dense(6), Dense(7, bias=False))),
            Activation("arctan"), Parallel(Dense(3), [Dense(5), Dropout(0.3)]),
            Flatten(), 31, 4,
        ],
        output="softmax",
    ),
]  # fmt: skip
BY_NAME = {row.name: row for row in ROWS}
assert len(BY_NAME) == len(ROWS)
# Those with convolutions of few channels.
LANES = [row for row in ROWS if row.name.startswith("lanes-")]
