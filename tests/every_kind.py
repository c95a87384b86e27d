"""A network with layers of every family of kinds, one of them frozen, and what it is trained on."""

from __future__ import annotations

import numpy as np

import foxnn

_RNG = np.random.default_rng(3)
X = _RNG.normal(size=(30, 4, 3))
Y = _RNG.normal(size=(30, 2))


def of_every_kind(dtype: str = "float32", seed: int = 9) -> foxnn.neural_network:
    """Return one that is not trained; one of its layers is frozen."""
    dense = foxnn.Dense
    nn = foxnn.neural_network(
        [
            (4, 3),
            dense(6, ("leaky_relu", 0.25), bias=False, name="first"),
            foxnn.Residual(dense(5), foxnn.Dropout(0.25), dense(6, bias=False), name="around"),
            foxnn.Activation(("elu", 0.5), name="bent"),
            foxnn.Reshape((8, 3), name="folded"),
            foxnn.Parallel(
                dense(2, "relu"),
                [dense(4), foxnn.Parallel(dense(1), foxnn.Residual(dense(4)))],
                foxnn.Activation("identity"),
                name="aside",
            ),
            foxnn.Residual(dense(5, name="inner"), shortcut=[dense(4), dense(5)]),
            foxnn.Flatten(name="flat"),
            7,
            foxnn.Dropout(0.5),
            foxnn.Dense(5, name="frozen"),
            foxnn.Reshape((5, 1)),
            foxnn.Conv1D(3, 2, name="slid"),
            foxnn.BatchNorm(momentum=0.75, name="evened"),
            foxnn.MaxPool1D(2, name="pooled"),
            foxnn.LayerNorm(epsilon=0.125),
            2,
        ],
        "tanh",
        "identity",
        dtype=dtype,
        seed=seed,
    )
    nn[9].trainable = False
    nn[4].layers[1][1].layers[0].trainable = False
    return nn


def trained(dtype: str = "float32", optimizer: object = "adam") -> foxnn.neural_network:
    """Return one that has been trained, with scalers."""
    nn = of_every_kind(dtype)
    nn.fit(X, Y, 2, 7, optimizer, scale="standard", progress=False)
    return nn


def train_on(nn: foxnn.neural_network, optimizer: object = "adam") -> list[bytes]:
    """Train a network and return what it is then."""
    history = nn.fit(X, Y, 2, 7, optimizer, validation=0.2, progress=False)
    return [*arrays_of(nn), np.array(history["loss"]).tobytes(), nn.predict(X).tobytes()]


def arrays_of(nn: foxnn.neural_network) -> list[bytes]:
    """Return all parameters, layer by layer."""
    return [a.tobytes() for arrays in foxnn._core.parameters(nn) for a in arrays.values()]


def trained_flags(nn: foxnn.neural_network) -> list[bool]:
    """Return which layers of the list are trained."""
    return [layer.trainable for layer in nn]
