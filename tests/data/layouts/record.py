"""Records networks of PyTorch or Keras: their weights, answers, losses and optimizers' steps.

    python record.py pytorch        # writes pytorch.npz; PyTorch 2.13 has been used
    python record.py keras          # keras.npz; Keras 3.15 with PyTorch behind it has been used

The networks are those of wiki/Coming-from-PyTorch.md and wiki/Coming-from-Keras.md. Weights are
recorded as the library has them: a state dict by its keys, or get_weights() by layer.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
RNG = np.random.default_rng(1)
STEPS = 5  # of each optimizer


def drawn(*shape: int) -> np.ndarray:
    return RNG.normal(1.0, 2.0, shape).astype(np.float32)


PICTURES, WORDS = drawn(6, 9, 8, 3), RNG.integers(0, 50, (6, 12))
# A dense layer of two outputs, and its samples.
X, Y, WEIGHTS, BIAS = drawn(16, 3), drawn(16, 2), drawn(3, 2), drawn(2)
# Outputs from 0 to 1, and targets.
OUTPUTS = RNG.dirichlet(np.ones(3), 8).astype(np.float32)
TARGETS = RNG.dirichlet(np.ones(3), 8).astype(np.float32)
LABELS, COUNTS = RNG.integers(0, 3, 8), RNG.integers(1, 5, 8).astype(np.float32)
SEQUENCES = drawn(6, 9, 3)


def pytorch() -> dict[str, Any]:
    import torch
    from torch import nn, optim
    from torch.nn import functional

    torch.manual_seed(1)
    found: dict[str, Any] = {}
    pictures = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, groups=8), nn.ReLU(), nn.Flatten(), nn.Linear(64, 10), nn.Softmax(1),
    )  # fmt: skip
    first = torch.tensor(PICTURES).permute(0, 3, 1, 2)
    for _ in range(3):
        pictures(first)  # statistics of the batch norm
    words = nn.Sequential(nn.Embedding(50, 4), nn.LayerNorm(4), nn.Flatten(), nn.Linear(48, 3))
    for name, model, x in (("pictures", pictures, first), ("words", words, torch.tensor(WORDS))):
        model.eval()
        found |= {f"{name}/{key}": array.numpy() for key, array in model.state_dict().items()}
        found[f"{name}.answers"] = model(x).detach().numpy()
    found |= _recurrent_of_pytorch()
    a, y, labels = torch.tensor(OUTPUTS), torch.tensor(TARGETS), torch.tensor(LABELS)
    weights = torch.tensor([1.0, 2.0, 4.0])
    losses = {
        "mse": functional.mse_loss(a, y),
        "mae": functional.l1_loss(a, y),
        "huber": functional.huber_loss(4 * a, 4 * y),
        "binary_cross_entropy": functional.binary_cross_entropy(a, y),
        "poisson": functional.poisson_nll_loss(a, y, log_input=False, eps=0.0),
        "cross_entropy": functional.nll_loss(a.log(), labels),
        "class_weight": functional.nll_loss(a.log(), labels, weight=weights),
    }
    found |= {f"loss.{name}": float(loss) for name, loss in losses.items()}

    def steps(make: Any) -> np.ndarray:
        linear = nn.Linear(3, 2)
        linear.weight.data, linear.bias.data = torch.tensor(WEIGHTS.T), torch.tensor(BIAS)
        optimizer = make(linear.parameters())
        for _ in range(STEPS):
            optimizer.zero_grad()
            # foxnn's mse of two outputs
            functional.mse_loss(linear(torch.tensor(X)), torch.tensor(Y)).backward()
            optimizer.step()
        return np.vstack([linear.weight.detach().numpy().T, linear.bias.detach().numpy()])

    made = {
        "SGD": lambda p: optim.SGD(p, lr=0.1),
        "SGD, momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
        "SGD, nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        "Adam": optim.Adam,
        "AdamW": lambda p: optim.AdamW(p, lr=0.1, weight_decay=0.5),
        "RMSprop": optim.RMSprop,
        "weight_decay of weights": lambda p: optim.SGD(
            [{"params": array, "weight_decay": 0.5 * (array.ndim > 1)} for array in p], lr=0.1
        ),
    }
    return found | {f"steps.{name}": steps(make) for name, make in made.items()}


def _recurrent_of_pytorch() -> dict[str, Any]:
    """Return the model of sequences: its weights, its answers, and its states after each step."""
    import torch
    from torch import nn

    class Listener(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(3, 8, num_layers=2, batch_first=True, bidirectional=True)
            self.linear = nn.Linear(16, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            _, h = self.gru(x)
            return self.linear(torch.cat([h[-2], h[-1]], 1))

    model, x = Listener(), torch.tensor(SEQUENCES)
    found = {f"sequences/{key}": array.numpy() for key, array in model.state_dict().items()}
    found["sequences"], found["sequences.states"] = SEQUENCES, model.gru(x)[0].detach().numpy()
    return found | {"sequences.answers": model(x).detach().numpy()}


def keras() -> dict[str, Any]:
    os.environ["KERAS_BACKEND"] = "torch"
    from keras import Input, Sequential, layers, losses, optimizers

    found: dict[str, Any] = {}
    pictures = Sequential(
        [
            Input((9, 8, 3)), layers.Conv2D(8, 3, padding="same"), layers.BatchNormalization(),
            layers.ReLU(), layers.MaxPooling2D(2),
            layers.DepthwiseConv2D(3, depth_multiplier=2, activation="relu"), layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )  # fmt: skip
    for _ in range(20):
        pictures(PICTURES, training=True)  # statistics of the batch norm
    words = Sequential(
        [
            Input((12,)), layers.Embedding(50, 4), layers.LayerNormalization(),
            layers.Conv1D(5, 3, strides=2, padding="same"), layers.GlobalMaxPooling1D(),
            layers.Dense(3),
        ]
    )  # fmt: skip
    for name, model, x in (("pictures", pictures, PICTURES), ("words", words, WORDS)):
        for i, layer in enumerate(model.layers):
            for j, array in enumerate(layer.get_weights()):
                found[f"{name}/{i}/{j}"] = array
        found[f"{name}.answers"] = model.predict(x, verbose=0)
    weighed = losses.MeanSquaredError(), losses.MeanSquaredError("mean_with_sample_weight")
    found |= {
        "loss.mse": float(losses.MeanSquaredError()(TARGETS, OUTPUTS)),
        "loss.mae": float(losses.MeanAbsoluteError()(TARGETS, OUTPUTS)),
        "loss.huber": float(losses.Huber()(4 * TARGETS, 4 * OUTPUTS)),
        "loss.binary_cross_entropy": float(losses.BinaryCrossentropy()(TARGETS, OUTPUTS)),
        "loss.poisson": float(losses.Poisson()(TARGETS, OUTPUTS)),
        "loss.cross_entropy": float(losses.SparseCategoricalCrossentropy()(LABELS, OUTPUTS)),
        "loss.shares": float(losses.CategoricalCrossentropy()(TARGETS, OUTPUTS)),
        "loss.sample_weight": float(weighed[0](TARGETS, OUTPUTS, COUNTS)),
        "loss.mean_with_sample_weight": float(weighed[1](TARGETS, OUTPUTS, COUNTS)),
    }

    def steps(optimizer: Any) -> np.ndarray:
        model = Sequential([Input((3,)), layers.Dense(2)])
        model.set_weights([WEIGHTS, BIAS])
        model.compile(optimizer, "mse")
        for _ in range(STEPS):
            model.train_on_batch(X, Y)
        return np.vstack(model.get_weights())

    made = {
        "SGD": optimizers.SGD(0.1),
        "SGD, momentum": optimizers.SGD(0.1, momentum=0.9),
        "SGD, nesterov": optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        "Adam": optimizers.Adam(),
        "AdamW": optimizers.AdamW(0.1, weight_decay=0.5),
        "RMSprop": optimizers.RMSprop(),
        "clipnorm": optimizers.SGD(0.1, clipnorm=0.5),
        "global_clipnorm": optimizers.SGD(0.1, global_clipnorm=0.5),
    }
    return found | {f"steps.{name}": steps(optimizer) for name, optimizer in made.items()}


if __name__ == "__main__":
    for library in sys.argv[1:]:
        given = {
            "pictures": PICTURES, "words": WORDS, "x": X, "y": Y, "weights": WEIGHTS, "bias": BIAS,
            "outputs": OUTPUTS, "targets": TARGETS, "labels": LABELS, "counts": COUNTS,
        }  # fmt: skip
        recorded = {"pytorch": pytorch, "keras": keras}[library]()
        np.savez_compressed(HERE / f"{library}.npz", **given, **recorded)
