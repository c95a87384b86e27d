"""Neural networks on CPUs: one line makes a network, the next trains it.

>>> import foxnn
>>> nn = foxnn.neural_network([2, 8, 1], activation="tanh", output_activation="sigmoid", seed=1)
>>> x = [[0, 0], [0, 1], [1, 0], [1, 1]]
>>> history = nn.fit(x, [[0], [1], [1], [0]], epochs=500, learning_rate=0.05)
>>> nn.predict(x).round().ravel().tolist()
[0.0, 1.0, 1.0, 0.0]
"""

from foxnn import plot, schedules
from foxnn._core import __version__
from foxnn.early_stopping import EarlyStopping
from foxnn.errors import DivergedError
from foxnn.files import FileFormatError
from foxnn.history import History
from foxnn.interpreter import refuse_without_lock
from foxnn.layers import layer
from foxnn.names import (
    activations,
    initializers,
    kernel_set,
    kernel_sets,
    losses,
    optimizers,
)
from foxnn.network import neural_network
from foxnn.resuming import resume
from foxnn.samples import train_data
from foxnn.scaler import Scaler
from foxnn.trace import Trace
from foxnn.update_rules import SGD, Adam, AdamW, RMSprop

refuse_without_lock()
del refuse_without_lock

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "DivergedError",
    "EarlyStopping",
    "FileFormatError",
    "History",
    "RMSprop",
    "Scaler",
    "Trace",
    "__version__",
    "activations",
    "initializers",
    "kernel_set",
    "kernel_sets",
    "layer",
    "losses",
    "neural_network",
    "optimizers",
    "plot",
    "resume",
    "schedules",
    "train_data",
]
