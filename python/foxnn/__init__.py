"""Neural networks on CPUs: one line makes a network, the next trains it.

>>> import foxnn
>>> nn = foxnn.neural_network([2, 8, 1], activation="tanh", output_activation="sigmoid", seed=1)
>>> x = [[0, 0], [0, 1], [1, 0], [1, 1]]
>>> history = nn.fit(x, [[0], [1], [1], [0]], epochs=500, learning_rate=0.05)
>>> nn.predict(x).round().ravel().tolist()
[0.0, 1.0, 1.0, 0.0]
"""

import typing as _typing

from foxnn._core import __version__
from foxnn.classic.train_data import train_data
from foxnn.layers import CLASSES as _CLASSES
from foxnn.layers import Parallel, Residual, layer
from foxnn.model.names import (
    activations,
    initializers,
    kernel_set,
    kernel_sets,
    losses,
    metrics,
    optimizers,
)
from foxnn.model.scaler import Scaler
from foxnn.network import neural_network
from foxnn.support.errors import ConvergenceWarning, DataWarning, DivergedError, RankError
from foxnn.support.former import find_former_names
from foxnn.support.interpreter import refuse_without_lock
from foxnn.support.later import import_later as _import_later

if _typing.TYPE_CHECKING:
    from foxnn import augment, evolution, plot, schedules
    from foxnn.formats.paths import FileFormatError
    from foxnn.layers import (
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
        Reshape,
        UpSample,
    )
    from foxnn.model.trace import Trace
    from foxnn.populations.population import population
    from foxnn.populations.search import cross_validate, search
    from foxnn.quantized.network import quantized_network
    from foxnn.resuming import resume
    from foxnn.training.early_stopping import EarlyStopping
    from foxnn.training.history import History
    from foxnn.training.update_rules import SGD, Adam, AdamW, RMSprop
    from foxnn.watching.watcher import Watcher

refuse_without_lock()
find_former_names()
del find_former_names, refuse_without_lock

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "SGD",
    "Activation",
    "Adam",
    "AdamW",
    "AveragePool1D",
    "AveragePool2D",
    "AveragePool3D",
    "BatchNorm",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "ConvergenceWarning",
    "DataWarning",
    "Dense",
    "DivergedError",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "FileFormatError",
    "Flatten",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "History",
    "LayerNorm",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "Parallel",
    "RMSprop",
    "RankError",
    "Reshape",
    "Residual",
    "Scaler",
    "Trace",
    "UpSample",
    "Watcher",
    "__version__",
    "activations",
    "augment",
    "cross_validate",
    "evolution",
    "initializers",
    "kernel_set",
    "kernel_sets",
    "layer",
    "losses",
    "metrics",
    "neural_network",
    "optimizers",
    "plot",
    "population",
    "quantized_network",
    "resume",
    "schedules",
    "search",
    "train_data",
]

# What only trainings, pictures and networks with layers of some kind need: these modules take as
# long as all others together.
_LATER = {
    "SGD": "foxnn.training.update_rules",
    "Adam": "foxnn.training.update_rules",
    "AdamW": "foxnn.training.update_rules",
    "EarlyStopping": "foxnn.training.early_stopping",
    "FileFormatError": "foxnn.formats.paths",
    "History": "foxnn.training.history",
    "RMSprop": "foxnn.training.update_rules",
    "Trace": "foxnn.model.trace",
    "Watcher": "foxnn.watching.watcher",
    "augment": "foxnn.augment",
    "cross_validate": "foxnn.populations.search",
    "evolution": "foxnn.evolution",
    "plot": "foxnn.plot",
    "population": "foxnn.populations.population",
    "quantized_network": "foxnn.quantized.network",
    "resume": "foxnn.resuming",
    "schedules": "foxnn.schedules",
    "search": "foxnn.populations.search",
    **_CLASSES,
}


def _answer(name: str) -> str:
    from foxnn.checks.elsewhere import answer

    return answer(name)


if not _typing.TYPE_CHECKING:  # type checkers must not take any name for one of the package's
    __getattr__ = _import_later(globals(), _LATER, _answer)


def __dir__() -> list[str]:
    return sorted(__all__)
