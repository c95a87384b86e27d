"""The names of activations and of initializers, as arguments."""

from __future__ import annotations

from foxnn import _core
from foxnn.checks import Names
from foxnn.layers.activation_table import ALIASES

#: Activations. Beside them, the nearest to those that only Keras and PyTorch have.
ACTIVATION_NAMES = Names(
    "activation",
    _core.activations(),
    ALIASES,
    {
        "hardsigmoid": "sigmoid", "hardtanh": "tanh", "hardswish": "silu", "logsigmoid": "sigmoid",
        "logsoftmax": "softmax", "mish": "silu", "none": "identity", "prelu": "leaky_relu",
        "rectifier": "relu", "relu6": "relu", "rrelu": "leaky_relu", "softsign": "tanh",
        "sparsemax": "softmax", "celu": "elu",
    },
)  # fmt: skip
#: Initializers. Beside them, the names of other libraries for the same methods, or the nearest.
INIT_NAMES = Names(
    "init",
    _core.initializers(),
    {},
    {
        "default": "auto", "glorot": "glorot_uniform", "he": "he_uniform", "kaiming": "he_uniform",
        "kaimingnormal": "he_normal", "kaiminguniform": "he_uniform", "lecun": "lecun_normal",
        "lecununiform": "lecun_normal", "normal": "lecun_normal", "randomnormal": "lecun_normal",
        "randomuniform": "uniform", "truncatednormal": "lecun_normal", "xavier": "glorot_uniform",
        "xaviernormal": "glorot_normal", "xavieruniform": "glorot_uniform", "zero": "zeros",
    },
)  # fmt: skip
