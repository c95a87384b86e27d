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
from foxnn.formats.paths import FileFormatError
from foxnn.layers import (
    Activation,
    Dense,
    Dropout,
    Flatten,
    LayerNorm,
    Parallel,
    Reshape,
    Residual,
    layer,
)
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
from foxnn.model.trace import Trace
from foxnn.network import neural_network
from foxnn.support.errors import ConvergenceWarning, DataWarning, DivergedError
from foxnn.support.former import find_former_names
from foxnn.support.interpreter import refuse_without_lock

if _typing.TYPE_CHECKING:
    from foxnn import plot, schedules
    from foxnn.resuming import resume
    from foxnn.training.early_stopping import EarlyStopping
    from foxnn.training.history import History
    from foxnn.training.update_rules import SGD, Adam, AdamW, RMSprop

refuse_without_lock()
find_former_names()
del find_former_names, refuse_without_lock

__all__ = [
    "SGD",
    "Activation",
    "Adam",
    "AdamW",
    "ConvergenceWarning",
    "DataWarning",
    "Dense",
    "DivergedError",
    "Dropout",
    "EarlyStopping",
    "FileFormatError",
    "Flatten",
    "History",
    "LayerNorm",
    "Parallel",
    "RMSprop",
    "Reshape",
    "Residual",
    "Scaler",
    "Trace",
    "__version__",
    "activations",
    "initializers",
    "kernel_set",
    "kernel_sets",
    "layer",
    "losses",
    "metrics",
    "neural_network",
    "optimizers",
    "plot",
    "resume",
    "schedules",
    "train_data",
]

# What only trainings and pictures need, and where it is: imported when it is first asked for, since
# these modules take as long as all others together.
_LATER = {
    "SGD": "foxnn.training.update_rules",
    "Adam": "foxnn.training.update_rules",
    "AdamW": "foxnn.training.update_rules",
    "EarlyStopping": "foxnn.training.early_stopping",
    "History": "foxnn.training.history",
    "RMSprop": "foxnn.training.update_rules",
    "resume": "foxnn.resuming",
}
_LATER_MODULES = {"plot", "schedules"}


if not _typing.TYPE_CHECKING:  # type checkers must not take any name for one of the package's

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name in _LATER_MODULES:
            return import_module(f"foxnn.{name}")  # which sets the attribute
        if name not in _LATER:
            raise AttributeError(f"module 'foxnn' has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_LATER[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
