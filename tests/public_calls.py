"""A valid call of everything public: what it is made on, and valid values by argument.

A name may end in a dash and a way to call it. What is public and missing here, the test of wrong
arguments complains about.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np

import foxnn
import foxnn.playing
from foxnn import schedules
from foxnn.model.settings import (
    AdamSettings,
    NesterovSettings,
    OptimizationSettings,
)
from foxnn.playing import digits


def constant(values: Any, kind: str = "f8") -> np.ndarray:
    """Return an array that cannot be written to."""
    array = np.array(values, kind)
    array.flags.writeable = False
    return array


X = constant(np.linspace(-1, 1, 24).reshape(8, 3))
Y = constant(np.eye(2)[[0, 1, 1, 0, 1, 0, 0, 1]])
W = constant(np.linspace(-2, 2, 12).reshape(3, 4))
COUNTS = constant(np.arange(8) % 3 + 0.5)
PICTURE = constant(np.linspace(-1, 1, 16).reshape(4, 4))
PICTURES = constant(np.linspace(-1, 1, 32).reshape(2, 4, 4, 1))
LABELS = constant(Y.argmax(axis=1), "i8")
STEPS = constant(np.linspace(-1, 1, 32).reshape(2, 8, 2))
TAGS = constant(np.arange(16).reshape(2, 8) % 2, "i8")
LENGTHS = [4, 8]


@dataclass(frozen=True)
class Made:
    """A value that is made anew for each call."""

    make: Callable[[], Any]


GENERATOR = Made(lambda: np.random.default_rng(1))


@dataclass(frozen=True)
class Call:
    """What a call is made on, valid values by argument, and what is known about some arguments."""

    on: Callable[[], Any]
    #: By argument the values that are valid; the first is passed where another argument is wrong.
    valid: dict[str, list[Any]] = field(default_factory=dict)
    #: What messages call an argument, where it is not its name.
    shown: dict[str, str] = field(default_factory=dict)
    #: Arguments that say how much work is to be done, so that huge ones are right, but without end.
    work: tuple[str, ...] = ()
    #: Exceptions that the documentation names beside those that every call may raise.
    raises: tuple[type[BaseException], ...] = ()
    #: Arguments that anything may be passed as, with the reason.
    anything: dict[str, str] = field(default_factory=dict)
    #: Functions of the user: what they raise comes through, in the middle of what they are for.
    functions: tuple[str, ...] = ()
    #: Whether it makes an estimator of scikit-learn's and trains it.
    constructs: bool = False


def stop(epoch: int, logs: dict[str, float]) -> bool:
    """Stop a training after an epoch."""
    return True


def network() -> foxnn.neural_network:
    """Return a network that has been trained: it has moments and has drawn random numbers."""
    nn = foxnn.neural_network([3, 4, 2], ["tanh", ("elu", 0.5)], seed=1)
    nn.fit(X, Y, epochs=2, batch_size=3, validation=0.25)
    return nn


def quantized() -> foxnn.quantized_network:
    """Return one that answers with 8 bits."""
    return network().quantize(X)


def quantized_file() -> str:
    """Write such a network, and return the name of the file."""
    quantized().save("small.safetensors")
    return "small.safetensors"


def population() -> foxnn.population:
    """Return three that have been trained."""
    pop = foxnn.population(3, [3, 4, 2], ["tanh", ("elu", 0.5)], seed=1)
    pop.fit(X, Y, epochs=1, batch_size=3)
    return pop


def candidates() -> foxnn.population:
    """Return members that no rule has served."""
    return foxnn.population(6, [3, 2], seed=1)


def rule(name: str) -> Any:
    """Return a rule of foxnn.evolution that has served no population."""
    return getattr(foxnn.evolution, name)(seed=1)


def asked_rule(name: str) -> Any:
    """Return a rule that waits for scores."""
    made = rule(name)
    made.ask(candidates())
    return made


def told_rule(name: str) -> Any:
    """Return a rule that has been told the scores of a generation."""
    made = asked_rule(name)
    made.tell(np.arange(6.0))
    return made


def scores(pop: foxnn.population) -> Any:
    """Return a score for each member."""
    return -abs(pop.parameters).sum(axis=1)


def population_file() -> str:
    population().save("pop.safetensors")
    return "pop.safetensors"


def classifying() -> foxnn.neural_network:
    nn = foxnn.neural_network([3, 4, 2], "tanh", "softmax", seed=1)
    nn.fit(X, LABELS, epochs=1, batch_size=3)
    return nn


def of_the_plane() -> foxnn.neural_network:
    return foxnn.neural_network([2, 4, 1], "tanh", "sigmoid", seed=1)


def of_pictures() -> foxnn.neural_network:
    return foxnn.neural_network([(4, 4, 1), foxnn.Conv2D(2, 3), 1], seed=1)


def streaming() -> foxnn.neural_network:
    return foxnn.neural_network([(None, 2), foxnn.GRU(3)], seed=1)


def of_sequences() -> foxnn.neural_network:
    layers = [(None, 2), foxnn.Conv1D(3, 3, padding="same"), foxnn.Dense(2)]
    return foxnn.neural_network(layers, "tanh", "softmax", seed=1)


def of_states() -> foxnn.neural_network:
    layers = [(None, 2), foxnn.GRU(3, return_sequences=True), foxnn.Dense(2)]
    return foxnn.neural_network(layers, "tanh", "softmax", seed=1)


def data() -> foxnn.train_data:
    return foxnn.train_data(X, Y)


def scaler() -> foxnn.Scaler:
    return foxnn.Scaler().fit(X)


def history() -> foxnn.History:
    return foxnn.History.of({"loss": [0.5, 0.25], "accuracy": [0.5, 1.0]})


def watcher() -> foxnn.Watcher:
    return foxnn.Watcher((X, Y))


def watching() -> foxnn.Watcher:
    """Return one that has a network; its page is closed, so that nothing stays open."""
    made = watcher()
    made.on_train_begin(network())
    made.close()
    return made


def trace() -> foxnn.Trace:
    return network().trace(X[0], Y[0])


def data_file() -> str:
    data().save("data.txt")
    return "data.txt"


def csv_file() -> str:
    """Return a table of three inputs, one of them of categories, and a column of classes."""
    if not os.path.exists("table.csv"):
        lines = [f"{i},{i % 3 / 4},{'ab'[i % 2]},{'xyz'[i % 3]}" for i in range(12)]
        with open("table.csv", "w", encoding="utf-8") as file:
            file.write("\n".join(["one,two,three,kind", *lines]))
    return "table.csv"


class SmallDigits:
    """`playing.mnist` for files of a few images, whose digests are not those of MNIST."""

    @staticmethod
    def mnist(folder: Any = None) -> Any:
        small = {name: hashlib.sha256(data).hexdigest() for name, data in _idx_files().items()}
        with mock.patch.dict(digits.DIGESTS, small):
            return foxnn.playing.mnist(digits_folder() if folder is None else folder)


def _idx_files() -> dict[str, bytes]:
    found = {}
    for name in digits.DIGESTS:
        axes = (3, 28, 28) if "images" in name else (3,)
        head = bytes([0, 0, 8, len(axes)]) + np.array(axes, ">i4").tobytes()
        found[name] = head + np.zeros(axes, np.uint8).tobytes()
    return found


def digits_folder() -> str:
    """Return a folder with such files."""
    os.makedirs("digits", exist_ok=True)
    for name, data in _idx_files().items():
        with open(os.path.join("digits", name), "wb") as file:
            file.write(data)
    return "digits"


def network_file() -> str:
    if not os.path.exists("net.safetensors"):
        network().save("net.safetensors")
    return "net.safetensors"


def checkpoint() -> str:
    """Return the checkpoint of a run of two epochs, the second of them to come."""
    nn = foxnn.neural_network([3, 4, 2], seed=1)
    more = {"validation": (X, Y), "sample_weight": COUNTS, "schedule": lambda epoch: 0.1}
    nn.fit(X, Y, 2, checkpoint="run.safetensors", callbacks=stop, **more)
    return "run.safetensors"


def axes() -> Any:
    from matplotlib.figure import Figure

    return Figure().subplots()


def classifier() -> Any:
    from foxnn.sklearn import MLPClassifier

    return MLPClassifier(hidden_layer_sizes=4, max_iter=1, random_state=1, solver="sgd").fit(
        X, LABELS
    )


def regressor() -> Any:
    from foxnn.sklearn import MLPRegressor

    return MLPRegressor(hidden_layer_sizes=4, max_iter=1, random_state=1, solver="sgd").fit(X, Y)


def _made_and_trained(name: str, y: np.ndarray, /, **parameters: Any) -> Any:
    import foxnn.sklearn

    return getattr(foxnn.sklearn, name)(**parameters).fit(X, y)


CALLED = "fit calls it"
NO_ONE = Call(lambda: foxnn)
ADAM = {"beta_1": [0.8], "beta_2": [0.9], "epsilon": [1e-7]}
ACTIVATION: list[Any] = ["relu", ("elu", 0.5), ("elu", [0.5])]
AX: list[Any] = [Made(axes), None]
ESTIMATOR: dict[str, list[Any]] = {
    "loss": ["squared_error"], "quantiles": [0.5, [0.1, 0.9]],
    "hidden_layer_sizes": [(4,), 4, [4, 3]],
    "activation": ["tanh", ["tanh"]], "solver": ["sgd", "adam"],
    "alpha": [0.1], "batch_size": [4], "learning_rate": ["constant", "invscaling", "adaptive"],
    "learning_rate_init": [0.1], "power_t": [0.5], "max_iter": [2], "shuffle": [True],
    "random_state": [1], "tol": [0.1], "verbose": [False], "warm_start": [False],
    "momentum": [0.5], "nesterovs_momentum": [True], "early_stopping": [False],
    "validation_fraction": [0.25], "beta_1": [0.5], "beta_2": [0.5], "epsilon": [1e-3],
    "n_iter_no_change": [2], "max_fun": [20], "dropout": [0.1, [0.1]],
    "class_weight": [None, {0: 2.0}], "n_threads": [1], "time_limit": [5.0],
}  # fmt: skip


def _of_layers(kind: str) -> SimpleNamespace:
    """Return what makes a composite, and a network of it: there its layers are checked."""

    def make(**given: Any) -> foxnn.neural_network:
        (argument,) = {"layers", "branches"} & given.keys()
        items = given.pop(argument)
        described = getattr(foxnn, kind)(*(items if type(items) is tuple else (items,)), **given)
        return foxnn.neural_network([3, described, 4], seed=1)

    return SimpleNamespace(**{kind: make})


NAME: dict[str, list[Any]] = {"name": ["a layer", None]}
PADDING: list[Any] = ["same", "valid"]
_CONV: dict[str, list[Any]] = {
    "filters": [6], "padding": PADDING, "groups": [2, 1], "activation": [*ACTIVATION, None],
    "init": ["he_normal", None], "bias": [True, False], **NAME,
}  # fmt: skip


def _lengths(of: str, axes: int) -> dict[str, list[Any]]:
    """Return the lengths of a window over so many axes: one number, or one for each axis."""
    given = [2, (2,) * axes, [3] * axes]
    if of == "size":
        return {"size": given, "stride": [*given, None]}
    return {"kernel": given, "stride": given, "dilation": given}


_KEY = {"name": "a key of a mapping, which its own class hashes and compares"}
CALLS: dict[str, Call] = {
    **dict.fromkeys(
        ("activations", "initializers", "kernel_set", "kernel_sets", "losses", "metrics",
         "optimizers"), NO_ONE
    ),
    "SGD": Call(lambda: foxnn, {"momentum": [0.5], "nesterov": [True, False]}),
    "Adam": Call(lambda: foxnn, ADAM),
    "AdamW": Call(lambda: foxnn, {"weight_decay": [0.1], **ADAM}),
    "RMSprop": Call(lambda: foxnn, {"rho": [0.5], "momentum": [0.5], "epsilon": [1e-7]}),
    "EarlyStopping": Call(
        lambda: foxnn,
        {"monitor": ["loss", None], "patience": [3], "min_delta": [0.1], "restore_best": [True]},
    ),
    "Watcher": Call(lambda: foxnn, {"samples": [(X, Y), None], "port": [0]}),
    "Watcher.on_train_begin": Call(
        watcher, {"network": [Made(network)]}, anything={"network": CALLED}
    ),
    "Watcher.on_epoch_end": Call(
        watching, {"epoch": [1], "logs": [{"loss": 0.5}]},
        anything={"epoch": CALLED, "logs": CALLED},
    ),
    "Watcher.follow": Call(
        watching, {"history": [foxnn.History()]}, anything={"history": CALLED}
    ),
    "Watcher.look": Call(watching),
    "Watcher.give_up": Call(watching),
    "Watcher.on_train_end": Call(watching, {"history": [None]}, anything={"history": CALLED}),
    "Watcher.close": Call(watcher),
    "DivergedError": Call(
        lambda: foxnn,
        {"message": ["x"], "epoch": [1], "loss": [0.5], "members": [(1, 3)]},
        anything=dict.fromkeys(
            ("message", "epoch", "loss", "members"), "exceptions take what they are given"
        ),
    ),
    "RankError": Call(
        lambda: foxnn,
        {"message": ["x"], "rank": [1]},
        anything=dict.fromkeys(("message", "rank"), "exceptions take what they are given"),
    ),
    **dict.fromkeys(("ConvergenceWarning", "DataWarning", "FileFormatError"), NO_ONE),
    "History": NO_ONE,
    "History.of": Call(history, {"values": [{"loss": [0.5, 0.25]}]}),
    "History.add": Call(history, {"loss": [0.5], "accuracy": [0.5]}),
    "History.plot": Call(history, {"ax": AX}),
    "History.to_pandas": Call(history),
    "History.__getitem__": Call(history, {"name": ["loss"]}, anything=_KEY),
    "Scaler": Call(lambda: foxnn, {"method": ["minmax"]}),
    "Scaler.fit": Call(scaler, {"x": [X, X.tolist()]}),
    "Scaler.transform": Call(scaler, {"x": [X]}),
    "Scaler.inverse_transform": Call(scaler, {"x": [X]}),
    "Scaler.__eq__": Call(scaler, {"other": [Made(scaler)]}, anything={"other": "it compares"}),
    "Trace": Call(
        lambda: foxnn,
        {
            "values": [{"a^0": X[0], "w^1": W, "b^1": W[0], "z^1": W[0], "a^1": W[0]}],
            "activations": [[("tan_h", [])]],
            "loss": ["mse"],
        },
    ),
    "Trace.__getitem__": Call(trace, {"name": ["w^1"]}, anything=_KEY),
    "Trace.__eq__": Call(trace, {"other": [Made(trace)]}, anything={"other": "it compares"}),
    "layer": Call(
        lambda: foxnn,
        {
            "N_in": [3], "N_neurons": [4], "activation": ACTIVATION, "init": ["he_normal"],
            "seed": [1, None],
        },
    ),
    "layer.set_activation_function": Call(
        lambda: foxnn.layer(3, 4, seed=1), {"name": ["elu"], "parameters": [0.5, [0.5]]},
        {"name": "(activation|name)", "parameters": "(activation|parameters)"},
    ),
    "layer.get_name_activation_function": Call(lambda: network()[0]),
    "layer.get_N_w": Call(lambda: network()[0]),
    "layer.get_N_n": Call(lambda: network()[0]),
    "layer.trainable=": Call(lambda: network()[0], {"trainable": [False, True]}),
    "Dense": Call(
        lambda: foxnn,
        {
            "units": [3], "activation": [*ACTIVATION, None], "init": ["he_normal", None],
            "bias": [True, False], **NAME,
        },
    ),
    "Activation": Call(lambda: foxnn, {"activation": ACTIVATION, **NAME}),
    "Dropout": Call(lambda: foxnn, {"rate": [0.5], **NAME}),
    "Embedding": Call(lambda: foxnn, {"count": [7], "size": [3], **NAME}),
    "Flatten": Call(lambda: foxnn, NAME),
    **{f"Conv{n}D": Call(lambda: foxnn, {**_CONV, **_lengths("kernel", n)}) for n in (1, 2, 3)},
    **{
        f"{kind}Pool{n}D": Call(lambda: foxnn, {**_lengths("size", n), "padding": PADDING, **NAME})
        for kind in ("Max", "Average")
        for n in (1, 2, 3)
    },
    "GlobalMaxPool": Call(lambda: foxnn, NAME),
    "GlobalAveragePool": Call(lambda: foxnn, NAME),
    "UpSample": Call(lambda: foxnn, {"factor": [2, (2, 3), [2]], **NAME}),
    **{
        kind: Call(
            lambda: foxnn,
            {
                "units": [3], "return_sequences": [True, False], "bidirectional": [False, True],
                "reverse": [False], "bias": [True, False], "init": ["he_normal", None], **NAME,
            },
        )
        for kind in ("RNN", "GRU", "LSTM")
    },
    "BatchNorm": Call(lambda: foxnn, {"epsilon": [1e-5], "momentum": [0.9], **NAME}),
    "LayerNorm": Call(lambda: foxnn, {"epsilon": [1e-5], **NAME}),
    "Reshape": Call(lambda: foxnn, {"shape": [(2, 3), [2, 3], 6], **NAME}),
    "Residual": Call(
        lambda: _of_layers("Residual"), {"layers": [(3,)], "shortcut": [3, [4, 3], None], **NAME},
        {"layers": "(sizes|Residual)", "shortcut": "(sizes|shortcut)"},
    ),
    "Parallel": Call(
        lambda: _of_layers("Parallel"), {"branches": [(3, [3, 4])], **NAME},
        {"branches": "(sizes|Parallel)"},
    ),
    "Residual.__eq__": Call(
        lambda: foxnn.Residual(3), {"other": [foxnn.Residual(3)]}, anything={"other": "it compares"}
    ),
    "Parallel.__eq__": Call(
        lambda: foxnn.Parallel(3), {"other": [foxnn.Parallel(3)]}, anything={"other": "it compares"}
    ),
    "layer.weights=": Call(lambda: network()[0], {"weights": [W, W.tolist()]}),
    "layer.bias=": Call(lambda: network()[0], {"bias": [W[0], [1.0, 2.0, 3.0, 4.0]]}),
    "neural_network": Call(
        lambda: foxnn,
        {
            "sizes": [[3, 4, 2]], "activation": [*ACTIVATION, ["tanh", ("elu", 0.5)]],
            "output_activation": ACTIVATION, "loss": ["huber", None, ("quantile", [0.5])],
            "init": ["he_normal"],
            "dtype": ["float64", "float32", None], "seed": [1, None], "only_scale": [False],
        },
        # A string is the name of a file, which nothing else may stand beside.
        shown={"sizes": "(sizes|activation)", "output_activation": "(output_)?activation"},
        functions=("loss",),
    ),
    "neural_network-of-layers": Call(
        lambda: foxnn,
        {
            "sizes": [[(4, 3), foxnn.Dense(5), foxnn.Residual(foxnn.Dense(5)), 2]],
            "activation": [*ACTIVATION, ["tanh", "relu", ("elu", 0.5)]],
            "output_activation": ACTIVATION, "loss": ["huber", None], "init": ["he_normal"],
            "dtype": ["float64"], "seed": [1],
        },
        shown={"sizes": "(sizes|activation)", "output_activation": "(output_)?activation"},
        functions=("loss",),
    ),
    "neural_network-of-a-file": Call(
        lambda: foxnn,
        {
            "sizes": [Made(network_file)], "activation": ["sigmoid"], "output_activation": [None],
            "loss": ["huber"], "init": ["auto"], "dtype": ["float64"], "seed": [1],
            "only_scale": [False],
        },
        # FoxNN's second argument.
        shown={"activation": r"(activation|only_scale)"},
        functions=("loss",),
    ),
    "neural_network.fit": Call(
        network,
        {
            "x": [X, X.tolist()], "y": [Y, Y.tolist()], "callbacks": [stop, [stop, stop]],
            "epochs": [1, "auto"], "batch_size": [3],
            "optimizer": ["adam", foxnn.SGD(momentum=0.5)], "learning_rate": [0.01],
            "validation": [0.25, (X, Y), (X, Y, COUNTS), (X, Y, COUNTS, None)],
            "early_stopping": [2, foxnn.EarlyStopping("loss")],
            "schedule": [schedules.exponential(0.5), lambda epoch: 0.1], "l1": [0.1], "l2": [0.1],
            "dropout": [0.1, [0.1]], "sample_weight": [COUNTS], "class_weight": [None],
            "shuffle": [True], "progress": [False], "time_limit": [5.0],
            "scale": [("minmax", None), "standard", Made(scaler)], "clip_norm": [0.5, None],
            "clip_value": [None], "checkpoint": ["run.safetensors"], "checkpoint_every": [1],
            "augment": [foxnn.augment.noise(0.1), [foxnn.augment.noise(0.1)], None],
            "check_loss": [True, False], "label_smoothing": [0, 0.0], "shards": [None],
            "communicator": [None], "average_every": [None],
        },
        raises=(foxnn.DivergedError,),
        functions=("callbacks", "schedule", "augment"),
    ),
    "neural_network.fit-in-shards": Call(
        network,
        {"x": [X], "y": [Y], "shards": [3, 16, None], "augment": [None], "epochs": [1]},
        work=("epochs",),
        raises=(foxnn.DivergedError,),
    ),
    "neural_network.fit-of-classes": Call(
        classifying,
        {
            "x": [X], "y": [LABELS, Y], "class_weight": [{0: 2.0}, "balanced"],
            "validation": [0.25, (X, LABELS)], "epochs": [1], "label_smoothing": [0.1, 0],
        },
        work=("epochs",),
        raises=(foxnn.DivergedError,),
    ),
    "neural_network.fit-of-sequences": Call(
        of_sequences,
        {
            "x": [STEPS, list(STEPS)], "y": [TAGS, list(TAGS)], "lengths": [None],
            "sample_weight": [None, np.ones((2, 8))], "epochs": [1],
        },
        work=("epochs",),
        raises=(foxnn.DivergedError,),
    ),
    "neural_network.fit-of-padded-sequences": Call(
        of_sequences,
        {"x": [STEPS], "y": [TAGS], "lengths": [LENGTHS, np.array(LENGTHS)], "epochs": [1]},
        work=("epochs",),
        raises=(foxnn.DivergedError,),
    ),
    "neural_network.fit-in-pieces": Call(
        of_states,
        {"x": [STEPS], "y": [TAGS], "truncate": [2, None, np.int64(8)], "epochs": [1]},
        work=("epochs",),
        raises=(foxnn.DivergedError,),
    ),
    "neural_network.train_on_batch-of-sequences": Call(
        of_sequences,
        {"x": [STEPS], "y": [TAGS], "lengths": [LENGTHS, None]},
        raises=(foxnn.DivergedError,),
    ),
    "neural_network.backward": Call(
        network,
        {
            "x": [X, X.tolist()], "gradient": [Y, Y.tolist()], "optimizer": ["adam", foxnn.SGD()],
            "learning_rate": [0.01, 0, 0.0], "lengths": [None], "l1": [0.1], "l2": [0.1],
            "clip_norm": [0.5, None], "clip_value": [None],
        },
        raises=(foxnn.DivergedError,),
    ),
    "neural_network.backward-of-sequences": Call(
        of_sequences,
        {"x": [STEPS], "gradient": [np.ones((2, 8, 2))], "lengths": [LENGTHS, None]},
        raises=(foxnn.DivergedError,),
    ),
    "neural_network.train_on_batch": Call(
        network,
        {
            "x": [X, X.tolist()], "y": [Y], "optimizer": ["adam", foxnn.RMSprop()],
            "learning_rate": [0.01], "check_loss": [True, False],
        },
        raises=(foxnn.DivergedError,),
    ),
    "neural_network.train": Call(
        network,
        {
            "data_for_train": [Made(data)], "speed": [0.01], "max_iteration": [1],
            "size_train_batch": [2],
        },
        work=("max_iteration",),
        raises=(foxnn.DivergedError,),
    ),
    "neural_network.train_on_file": Call(
        network,
        {
            "name_file": [Made(data_file)], "speed": [0.01], "max_iteration": [1],
            "size_train_batch": [2],
        },
        work=("max_iteration",),
        raises=(foxnn.DivergedError,),
    ),
    "neural_network.testing": Call(network, {"data": [Made(data)]}),
    "neural_network.get_out": Call(network, {"x": [X[0], X, [1, 2, 3]]}),
    "neural_network.predict": Call(network, {"x": [X, X.tolist()], "communicator": [None]}),
    "neural_network.predict_classes": Call(classifying, {"x": [X, X.tolist()]}),
    "neural_network.predict-of-sequences": Call(
        of_sequences, {"x": [STEPS], "lengths": [LENGTHS, None]}
    ),
    "neural_network.predict-of-a-list": Call(of_sequences, {"x": [[STEPS[0], STEPS[1, :3]]]}),
    "neural_network.predict_classes-of-sequences": Call(
        of_sequences, {"x": [STEPS], "lengths": [LENGTHS, None]}
    ),
    "neural_network.get_out-of-a-sequence": Call(of_sequences, {"x": [STEPS[0], STEPS]}),
    "neural_network.evaluate-of-sequences": Call(
        of_sequences, {"x": [STEPS], "y": [TAGS], "lengths": [LENGTHS, None]}
    ),
    "neural_network.layer_outputs-of-sequences": Call(
        of_sequences, {"x": [STEPS], "lengths": [LENGTHS, None]}
    ),
    "neural_network.gradient-of-sequences": Call(
        of_sequences, {"x": [STEPS, STEPS[0]], "output": [None]}
    ),
    "neural_network.evaluate": Call(
        network, {"x": [X], "y": [Y], "sample_weight": [COUNTS], "communicator": [None]}
    ),
    "neural_network.evaluate-metrics": Call(
        classifying, {"x": [X], "y": [LABELS], "metrics": [("f1", "auc"), ["top_1"], "acc"]}
    ),
    "neural_network.gradient": Call(network, {"x": [X[0], X], "output": [1, None]}),
    "neural_network.trace": Call(network, {"x": [X[0]], "y": [Y[0], None]}),
    "neural_network.trace-of-a-sequence": Call(of_states, {"x": [STEPS[0]], "y": [TAGS[0], None]}),
    "neural_network.trace-of-classes": Call(classifying, {"x": [X[0]], "y": [1]}),
    "neural_network.random_mutation": Call(network, {"speed": [0.1]}),
    "neural_network.smart_mutation": Call(network, {"speed": [0.1]}),
    "neural_network.get_layer": Call(network, {"i": [0]}),
    "neural_network.__getitem__": Call(
        network, {"i": [0]}, anything={"i": "a slice is taken, too"}
    ),
    "neural_network.next_layer": Call(network, {"new_layer": [Made(lambda: foxnn.layer(2, 3))]}),
    "neural_network.next_layer-of-a-description": Call(
        network, {"new_layer": [foxnn.Dense(3), foxnn.Residual(foxnn.Dropout(0.1), 2)]}
    ),
    "neural_network.print_info": Call(network),
    "neural_network.summary": Call(network),
    "neural_network.stream": Call(streaming),
    "neural_network.layer_outputs": Call(network, {"x": [X, X.tolist()]}),
    "neural_network.reset_optimizer": Call(network),
    "neural_network.threads_for": Call(network, {"batch_size": [4]}),
    "neural_network.save": Call(
        network, {"name_file": ["out.txt", "out.safetensors"], "only_scale": [False]}
    ),
    "neural_network.export_c": Call(
        network,
        {
            "name_file": ["net.h"], "name": ["net", None], "weights": ["int8", None],
            "samples": [(X, Y), None],
        },
    ),
    "neural_network.quantize": Call(network, {"x": [X, X.tolist()]}),
    "quantized_network": Call(lambda: foxnn, {"name_file": [Made(quantized_file)]}),
    "quantized_network.predict": Call(quantized, {"x": [X, X.tolist()]}),
    "quantized_network.get_out": Call(quantized, {"x": [X, X[0], X.tolist()]}),
    "quantized_network.predict_classes": Call(
        lambda: classifying().quantize(X), {"x": [X, X.tolist()]}
    ),
    "quantized_network.evaluate": Call(
        quantized,
        {
            "x": [X], "y": [Y], "sample_weight": [COUNTS, None],
            "metrics": [("mae", "r2"), "mse", ()],
        },
    ),
    "quantized_network.save": Call(quantized, {"name_file": ["out.safetensors"]}),
    "quantized_network.export_c": Call(quantized, {"name_file": ["net.h"], "name": ["net", None]}),
    "quantized_network.summary": Call(quantized),
    "quantized_network.print_info": Call(quantized),
    "neural_network.export_html": Call(
        network,
        {
            "name_file": ["net.html"], "samples": [X, (X, Y), None],
            "picture": [False, None, (1, 3)], "title": ["net", None],
        },
    ),
    "neural_network.input_scaler=": Call(network, {"input_scaler": [Made(scaler), None]}),
    "neural_network.output_scaler=": Call(
        network, {"output_scaler": [Made(lambda: foxnn.Scaler().fit(Y)), None]}
    ),
    "neural_network.input_names=": Call(network, {"input_names": [["a", "b", "c"], None]}),
    "neural_network.classes=": Call(classifying, {"classes": [["a", "b"], [3, -1], None]}),
    "neural_network.notes=": Call(network, {"notes": [{"a": [1, "b", {"c": None}]}]}),
    "resume": Call(
        lambda: foxnn,
        {
            "name_file": [Made(checkpoint)], "x": [X], "y": [Y], "epochs": [4, None],
            "validation": [(X, Y)], "sample_weight": [COUNTS],
            "schedule": [lambda epoch: 0.1], "callbacks": [stop], "progress": [False],
            "time_limit": [5.0], "augment": [None], "lengths": [None],
            "rows": [None], "fitness": [None], "generations": [None], "communicator": [None],
        },
        raises=(foxnn.DivergedError,),
        functions=("callbacks", "schedule", "augment"),
    ),
    "population": Call(
        lambda: foxnn,
        {
            "count": [3], "sizes": [[3, 4, 2]], "activation": ["tanh"], "output_activation": [None],
            "loss": ["mse", None], "init": ["auto"], "dtype": ["float64"], "seed": [1, None],
        },
        work=("count",),
    ),
    "population-of-networks": Call(
        lambda: foxnn, {"count": [Made(lambda: [network(), network()]), Made(population)]}
    ),
    "population-of-a-file": Call(lambda: foxnn, {"count": [Made(population_file)]}),
    "population.get_out": Call(
        population, {"x": [X, X[0], X.tolist()], "each": [False], "communicator": [None]}
    ),
    "population.get_out-of-each": Call(
        population, {"x": [X[:3], X[:6].reshape(3, 2, 3)], "each": [True]}
    ),
    "population.predict": Call(
        population,
        {"x": [X], "spread": [True, False], "lengths": [None], "communicator": [None]},
    ),
    "population.evaluate": Call(
        population,
        {
            "x": [X], "y": [Y], "sample_weight": [COUNTS], "metrics": [("mae",), "r2", ()],
            "lengths": [None], "communicator": [None],
        },
    ),
    "population.fit": Call(
        population,
        {
            "x": [X, X.tolist()], "y": [Y], "callbacks": [stop], "epochs": [1], "batch_size": [3],
            "optimizer": ["adam", [foxnn.Adam(beta_1=b) for b in (0.5, 0.6, 0.7)]],
            "learning_rate": [0.01, [0.01, 0.02, 0.03]], "validation": [0.25, (X, Y)],
            "early_stopping": [2, [1, None, 2]], "schedule": [lambda epoch: 0.1],
            "l1": [0.1, [0.0, 0.1, 0.2]], "l2": [0.1, np.zeros(3)],
            "dropout": [0.1, [0.1, 0.2, [0.3]]], "sample_weight": [COUNTS, np.ones((3, 8))],
            "class_weight": [None], "shuffle": [True], "progress": [False], "time_limit": [5.0],
            "rows": [[np.arange(4), None, np.arange(8)], np.arange(5), None],
            "scale": [("minmax", None), "standard"], "clip_norm": [0.5, [0.5, None, 1.0]],
            "clip_value": [None], "checkpoint": ["run.safetensors"], "checkpoint_every": [1],
            "augment": [None], "lengths": [None], "truncate": [None], "label_smoothing": [0.0],
            "communicator": [None],
        },
        work=("epochs",),
        raises=(foxnn.DivergedError,),
        functions=("callbacks", "schedule"),
    ),
    "population.evolve": Call(
        candidates,
        {
            "fitness": [scores], "generations": [1],
            "rule": [None, Made(lambda: rule("Genetic"))], "target": [0.5], "callbacks": [stop],
            "progress": [False], "time_limit": [5.0], "checkpoint": ["run.safetensors"],
            "checkpoint_every": [1], "communicator": [None],
        },
        work=("generations",),
        functions=("fitness", "callbacks"),
    ),
    "population.save": Call(population, {"name_file": ["pop.safetensors"]}),
    "population.reset_optimizer": Call(population),
    "population.summary": Call(population),
    "population.parameters=": Call(population, {"parameters": [np.ones((3, 26))]}),
    "population.__getitem__": Call(
        population, {"i": [1]}, anything={"i": "a slice is taken, too"}
    ),
    "population.__setitem__": Call(population, {"i": [1], "network": [Made(network)]}),
    "cross_validate": Call(
        lambda: foxnn,
        {
            "sizes": [[3, 4, 2]], "x": [X], "y": [Y], "folds": [2, [([0, 1, 2], [3, 4])]],
            "activation": ["tanh"], "output_activation": [None], "loss": ["mse"],
            "init": ["auto"], "dtype": ["float64"], "seed": [1], "n_threads": [1],
            "backend": [None], "communicator": [None],
        },
    ),
    "search": Call(
        lambda: foxnn,
        {
            "sizes": [[3, 4, 2]], "x": [X], "y": [Y],
            "grid": [{"l2": [0.1, 0.2]}, [{"l1": 0.1}, {"batch_size": 3}]], "folds": [2],
            "halving": [False, True], "monitor": ["loss"], "activation": ["tanh"],
            "output_activation": [None], "loss": ["mse"], "init": ["auto"], "dtype": ["float64"],
            "seed": [1], "n_threads": [1], "backend": [None], "communicator": [None],
        },
    ),
    "train_data": Call(lambda: foxnn, {"x": [X, X.tolist()], "y": [Y, Y.tolist()]}),
    "train_data-of-a-file": Call(lambda: foxnn, {"x": [Made(data_file)], "y": [None]}),
    "train_data.add_data": Call(
        data, {"input": [[1.0, 2.0, 3.0], X[0]], "out": [[1.0, 0.0], Y[0]]}
    ),
    "train_data.add_data-of-many": Call(data, {"input": [X, X.tolist()], "out": [Y]}),
    "train_data.add_data-of-data": Call(data, {"input": [Made(data)], "out": [None]}),
    "train_data.size": Call(data),
    "train_data.get": Call(data, {"i": [1]}),
    "train_data.get_first_n": Call(data, {"n": [3]}),
    "train_data.get_part": Call(data, {"n": [3], "seed": [1, None]}),
    "train_data.reserve": Call(data, {"n": [30]}, work=("n",), raises=(MemoryError,)),
    "train_data.shrink_to_fit": Call(data),
    "train_data.save": Call(data, {"name_file": ["out.txt"]}),
    "plot.history": Call(lambda: foxnn.plot, {"history": [Made(history)], "ax": AX}),
    "plot.decision_boundary": Call(
        lambda: foxnn.plot,
        {
            "nn": [Made(of_the_plane)], "x": [X[:, :2]], "y": [Y[:, 0], ["a", "b"] * (len(X) // 2)],
            "ax": AX,
            "threshold": [0.5, None], "resolution": [2], "colorbar": [False],
        },
    ),
    "plot.weights": Call(
        lambda: foxnn.plot,
        {
            "nn": [Made(network)], "layer": [0], "ax": AX, "shape": [(1, 3)], "neurons": [[0]],
            "limit": [0.5], "colorbar": [False],
        },
        shown={"nn": "(nn|shape)"},  # of another network the inputs are another picture
    ),
    "plot.filters": Call(
        lambda: foxnn.plot,
        {
            "nn": [Made(of_pictures)], "layer": [0], "ax": AX, "which": [[0]], "limit": [0.5],
            "colorbar": [False],
        },
        shown={"nn": "(nn|layer)"},  # another network has other layers
    ),
    "plot.feature_maps": Call(
        lambda: foxnn.plot,
        {
            "nn": [Made(of_pictures)], "x": [PICTURE, PICTURE[..., None], PICTURE.ravel()],
            "layer": [0], "ax": AX, "channels": [[0]], "colorbar": [False],
        },
        shown={"nn": "(nn|x|layer)"},  # another network has other inputs
    ),
    "plot.network": Call(
        lambda: foxnn.plot,
        {
            "nn": [Made(network)], "ax": AX, "max_neurons": [3], "limit": [0.5],
            "colorbar": [False],
        },
    ),
    "plot.activations": Call(
        lambda: foxnn.plot,
        {
            "names": ["relu", ("elu", 0.5), ["relu"]], "ax": AX, "slopes": [False], "reach": [2.0],
        },
    ),
    "playing.plane_set": Call(
        lambda: foxnn.playing,
        {
            "name": ["xor", "circles", "spiral", "gauss", "plane"], "noise": [0.2], "test": [0.3],
            "seed": [2],
        },
    ),
    "playing.table": Call(
        lambda: foxnn.playing,
        {
            "path": [Made(csv_file)], "target": ["kind", ["kind"]], "test": [0.3], "seed": [2],
            "inputs": [["one", "two"], "one", None], "ignore": [None], "categorical": ["one", []],
            "classify": [True, None], "drop_missing": [True], "missing": ["?", ["?"], None],
            "delimiter": [",", None], "header": [True, None], "decimal": ["."],
            "thousands": [None, "space"], "units": ["kg", ["kg"]], "encoding": ["utf-8"],
        },
        shown={"target": "(target|column)"},  # the message of the command line, too
    ),
    "playing.mnist": Call(SmallDigits, {"folder": [Made(digits_folder), None]}),
    "playing.stop_after": Call(lambda: foxnn.playing, {"steps": [3]}),
    "playing.stop_after.on_batch_end": Call(
        lambda: foxnn.playing.stop_after(3), {"batch": [1], "logs": [{"loss": 0.5}]},
        anything={"batch": CALLED, "logs": CALLED},
    ),
    "augment.Augmentation": Call(lambda: foxnn.augment),
    "augment.shift": Call(lambda: foxnn.augment, {"positions": [2]}),
    "augment.flip": Call(lambda: foxnn.augment, {"axis": [0], "probability": [0.5]}),
    "augment.rotate": Call(lambda: foxnn.augment, {"degrees": [10.0]}),
    "augment.noise": Call(lambda: foxnn.augment, {"scale": [0.1]}),
    **{
        f"augment.{kind.__name__}.__call__": Call(
            lambda kind=kind, of=of: kind(*of), {"x": [PICTURES], "rng": [GENERATOR]}, raises=raises
        )
        for kind, of, raises in (
            (foxnn.augment.Augmentation, (), (NotImplementedError,)),
            (foxnn.augment.shift, (2,), ()), (foxnn.augment.flip, (), ()),
            (foxnn.augment.rotate, (10.0,), ()), (foxnn.augment.noise, (0.1,), ()),
        )
    },
    "schedules.rate_of": Call(
        lambda: schedules,
        {
            "schedule": [schedules.exponential(0.5), lambda epoch: 0.1, None], "epoch": [3],
            "learning_rate": [0.1],
        },
        functions=("schedule",),
    ),
    "schedules.Schedule": Call(lambda: schedules),
    "schedules.constant": Call(lambda: schedules),
    "schedules.step": Call(lambda: schedules, {"every": [3], "factor": [0.5]}),
    "schedules.exponential": Call(lambda: schedules, {"decay": [0.5]}),
    "evolution.Genetic": Call(
        lambda: foxnn.evolution,
        {
            "tournament": [3], "elite": [1], "crossover": [0.5], "mutation": ["smart"],
            "speed": [0.1], "share": [0.5], "seed": [1, None],
        },
    ),
    "evolution.EvolutionStrategy": Call(
        lambda: foxnn.evolution,
        {
            "sigma": [0.1], "learning_rate": [0.1], "optimizer": ["sgd"], "l2": [0.1],
            "seed": [1, None],
        },
    ),
    "evolution.CMA": Call(
        lambda: foxnn.evolution, {"sigma": [0.5], "diagonal": [True], "seed": [1, None]}
    ),
    "evolution.EvolutionHistory": Call(lambda: foxnn.evolution),
    "evolution.EvolutionHistory.__getitem__": Call(
        lambda: told_rule("Genetic").history, {"name": ["best"]}, anything=_KEY
    ),
    "evolution.EvolutionHistory.plot": Call(lambda: told_rule("Genetic").history, {"ax": AX}),
    **{
        f"evolution.{name}.{method}": Call(functools.partial(make, name), valid)
        for name in ("Genetic", "EvolutionStrategy", "CMA")
        for method, make, valid in (
            ("ask", rule, {"pop": [Made(candidates)]}),
            ("tell", asked_rule, {"scores": [np.arange(6.0), list(range(6))]}),
            ("best", told_rule, {"pop": [Made(candidates)]}),
        )
    },
    "schedules.cosine": Call(lambda: schedules, {"epochs": [3], "final": [0.5]}),
    "schedules.inverse": Call(lambda: schedules, {"decay": [0.5]}),
    "schedules.warmup": Call(
        lambda: schedules, {"epochs": [3], "then": [schedules.exponential(0.5), None]}
    ),
    **{
        f"schedules.{kind.__name__}.__call__": Call(
            lambda kind=kind, of=of: kind(*of), {"epoch": [3], "learning_rate": [0.1]}
        )
        for kind, of in (
            (schedules.constant, ()), (schedules.step, (3,)), (schedules.exponential, (0.5,)),
            (schedules.cosine, (3,)), (schedules.inverse, (0.5,)), (schedules.warmup, (3,)),
        )
    },
    "schedules.Schedule.__call__": Call(
        schedules.Schedule, {"epoch": [3], "learning_rate": [0.1]}, raises=(NotImplementedError,)
    ),
    **{
        f"Settings.{name}=": Call(lambda: network().settings, {name: values})
        for name, values in {
            "n_threads": [1], "n_print": [3], "min_error": [0.1], "max_on_last_layer": [True],
            "one_if_value_greater_intermediate_value": [True], "intermediate_value": [0.1],
            "part_for_test": [0.1], "auto_save_name_file": ["a.txt"], "auto_save_iteration": [3],
            "correct_summation": [True], "mode": ["Adam"],
            "settings_optimization": [Made(OptimizationSettings)],
        }.items()
    },
    **{
        f"AdamSettings.{name}=": Call(AdamSettings, {name: values})
        for name, values in {
            "betta_1": [0.5], "betta_2": [0.5], "epsilon": [0.1], "step_to_zero_after_n": [3],
        }.items()
    },
    "NesterovSettings.gamma=": Call(NesterovSettings, {"gamma": [0.5]}),
    "OptimizationSettings.adam=": Call(OptimizationSettings, {"adam": [Made(AdamSettings)]}),
    "OptimizationSettings.nesterov=": Call(
        OptimizationSettings, {"nesterov": [Made(NesterovSettings)]}
    ),
    "Settings.set_mode": Call(lambda: network().settings, {"mode": ["Nesterov"]}),
    "Settings.set_part_for_test": Call(
        lambda: network().settings, {"part": [0.1]}, {"part": "part_for_test"}
    ),
    "Settings.print_settings": Call(lambda: network().settings),
    "AdamSettings.set_betta_1": Call(AdamSettings, {"value": [0.5]}, {"value": "betta_1"}),
    "AdamSettings.set_betta_2": Call(AdamSettings, {"value": [0.5]}, {"value": "betta_2"}),
    "AdamSettings.set_epsilon": Call(AdamSettings, {"value": [0.5]}, {"value": "epsilon"}),
    "NesterovSettings.set_gamma": Call(NesterovSettings, {"value": [0.5]}, {"value": "gamma"}),
}  # fmt: skip
# As its convention is: what fit learns before it refuses the samples stays in the estimator.
_SAMPLES = dict.fromkeys(
    ("X", "y", "sample_weight", "X_val", "y_val", "sample_weight_val", "classes"),
    "scikit-learn checks samples, in its own words",
)
_ANSWERS = {"X": [X, X.tolist()]}
for _name, _make, _y in (("MLPClassifier", classifier, LABELS), ("MLPRegressor", regressor, Y)):
    _training = {
        "X": [X], "y": [_y], "sample_weight": [COUNTS], "X_val": [X], "y_val": [_y],
        "sample_weight_val": [COUNTS],
    }  # fmt: skip
    CALLS |= {
        # Checked when it is trained, as scikit-learn's conventions want it.
        f"sklearn.{_name}": Call(
            lambda _name=_name, _y=_y: functools.partial(_made_and_trained, _name, _y),
            {
                n: v
                for n, v in ESTIMATOR.items()
                if (n in ("loss", "quantiles")) <= (_name == "MLPRegressor")
                and (n == "class_weight") <= (_name == "MLPClassifier")
            },
            # What only shows in training is said in the engine's words and in scikit-learn's.
            {
                "class_weight": "(class_weight|weights)",
                "alpha": "(alpha|l2|Solver)",
                "learning_rate_init": "(learning_rate(_init)?|Solver)",
            },
            work=("hidden_layer_sizes",),
            constructs=True,
        ),
        f"sklearn.{_name}.fit": Call(_make, _training, anything=_SAMPLES),
        f"sklearn.{_name}.partial_fit": Call(
            _make,
            {"X": [X], "y": [_y], "sample_weight": [COUNTS]}
            | ({"classes": [[0, 1]]} if _name == "MLPClassifier" else {}),
            anything=_SAMPLES,
        ),
        f"sklearn.{_name}.predict": Call(_make, _ANSWERS, anything=_SAMPLES),
        f"sklearn.{_name}.gradients": Call(
            _make, {"X": [X], "output": [0, None]}, anything=_SAMPLES
        ),
    }
CALLS["sklearn.MLPRegressor.score"] = Call(
    regressor, {"X": [X], "y": [Y], "sample_weight": [COUNTS]}, anything=_SAMPLES
)
for _name in ("predict_proba", "predict_log_proba"):
    CALLS[f"sklearn.MLPClassifier.{_name}"] = Call(classifier, _ANSWERS, anything=_SAMPLES)
