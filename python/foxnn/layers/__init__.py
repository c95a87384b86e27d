"""Layers: how they are described and checked, and what users see of one in a network."""

import typing as _typing

from foxnn.layers.activations import ActivationLike, parse_activation, parse_activations
from foxnn.layers.composition import Parallel, Residual, _parallel, _residual
from foxnn.layers.dense_view import _alone, layer
from foxnn.layers.kinds import CLASSES
from foxnn.layers.view import LayerView, _viewed, view_at
from foxnn.support.later import import_later

if _typing.TYPE_CHECKING:
    from foxnn.layers.convolution import Conv1D, Conv2D, Conv3D
    from foxnn.layers.dense import Dense
    from foxnn.layers.elementwise import Activation, Dropout
    from foxnn.layers.embedding import Embedding
    from foxnn.layers.normalization import BatchNorm, LayerNorm
    from foxnn.layers.pooling import (
        AveragePool1D,
        AveragePool2D,
        AveragePool3D,
        GlobalAveragePool,
        GlobalMaxPool,
        MaxPool1D,
        MaxPool2D,
        MaxPool3D,
        UpSample,
    )
    from foxnn.layers.recurrent import GRU, LSTM, RNN
    from foxnn.layers.reshaping import Flatten, Reshape
else:  # type checkers must not take any name for one of the package's
    __getattr__ = import_later(globals(), CLASSES)

__all__ = [
    "CLASSES",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivationLike",
    "AveragePool1D",
    "AveragePool2D",
    "AveragePool3D",
    "BatchNorm",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "LayerNorm",
    "LayerView",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "Parallel",
    "Reshape",
    "Residual",
    "UpSample",
    "_alone",
    "_parallel",
    "_residual",
    "_viewed",
    "layer",
    "parse_activation",
    "parse_activations",
    "view_at",
]
