"""What the files of former versions hold, and what becomes of it when it is used further.

`python former_runs.py FOLDER OUT.json` loads all files of a folder and writes, for each, what it
holds and what it does next, as plain values with every number exact. So the record is written when
the files are made, and so it is compared later. Only public names of foxnn are used here.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import json
import pickle
import re
import shutil
import sys
import tempfile
import traceback
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import foxnn

# Larger ones are recorded by their SHA-256.
LARGEST_ARRAY = 12

# All settings of 0.1.0, as they are where nobody has set them.
SETTINGS: dict[str, Any] = {
    "n_threads": 0,
    "n_print": 0,
    "min_error": 0.01,
    "max_on_last_layer": False,
    "one_if_value_greater_intermediate_value": False,
    "intermediate_value": 0.5,
    "part_for_test": 0.0,
    "auto_save_name_file": "auto_save.txt",
    "auto_save_iteration": 0,
    "correct_summation": False,
    "mode": "SGD",
    "settings_optimization.adam.betta_1": 0.9,
    "settings_optimization.adam.betta_2": 0.999,
    "settings_optimization.adam.epsilon": 1e-8,
    "settings_optimization.adam.step_to_zero_after_n": 0,
    "settings_optimization.nesterov.gamma": 0.9,
}

# The optimizers of the networks, by the name of the file up to its last dash. Where the name is
# another, it is Adam.
OPTIMIZERS: dict[str, Any] = {
    "network-sgd": "sgd",
    "network-momentum": foxnn.SGD(momentum=0.5),
    "network-nesterov": "nesterov",
    "network-adam-constants": foxnn.Adam(beta_1=0.75, beta_2=0.5, epsilon=0.001),
    "network-adamw": foxnn.AdamW(weight_decay=0.125),
    "network-rmsprop": "rmsprop",
    "network-rmsprop-momentum": foxnn.RMSprop(rho=0.5, momentum=0.5, epsilon=0.001),
}


# Samples. All are quotients of small integers, which every type holds exactly.


def inputs(count: int, width: int) -> np.ndarray:
    """Return numbers from -2 to 2, some of them zero."""
    i, j = np.arange(count)[:, None], np.arange(width)[None, :]
    return ((i * i * 7 + i * j * 13 + j * j * 29 + i * 5 + 11) % 257 - 128) / 64.0


def labels(count: int, classes: int) -> np.ndarray:
    """Return a class for each sample."""
    i = np.arange(count)
    return (i * i * 3 + i * 7 + 1) % 11 % classes


def wanted(count: int, width: int, loss: str) -> np.ndarray:
    """Return outputs that the loss takes."""
    if loss == "cross_entropy":
        return labels(count, width)
    i, j = np.arange(count)[:, None], np.arange(width)[None, :]
    numbers = (i * i * 5 + i * j * 17 + j * 3 + 2) % 65
    return numbers % 4 / 1.0 if loss == "poisson" else numbers / 64.0


def counts(count: int) -> np.ndarray:
    """Return how much each sample counts."""
    return np.arange(count) % 4 + 0.5


def learning_rate(epoch: int) -> float:
    """Return the rate of an epoch: a schedule that is a function."""
    return 1 / (64 << epoch)


# The samples of the runs whose checkpoints are kept.
X, LABELS = inputs(60, 5), labels(60, 3)
# What their files do not hold, by the name of the run.
GIVEN_AGAIN: dict[str, dict[str, Any]] = {
    "given": {
        "validation": (X[:20], LABELS[:20]),
        "sample_weight": counts(60),
        "schedule": learning_rate,
    },
}


# Plain values.


def exact(value: Any) -> Any:
    """Return a value as JSON holds it: floats as hexadecimal text, so that no bit is lost.

    Of a large array it is SHA-256 of the numbers.
    """
    if isinstance(value, np.ndarray):
        if value.size > LARGEST_ARRAY:
            return {"dtype": value.dtype.name, "sha256": fingerprint(value)}
        return {"dtype": value.dtype.name, "values": exact(value.tolist())}
    if isinstance(value, np.generic):
        return exact(value.item())
    if isinstance(value, float):
        return re.sub(r"\.?0+p", "p", value.hex())
    if isinstance(value, Mapping):
        return {str(key): exact(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [exact(entry) for entry in value]
    if value is None or isinstance(value, str | int):
        return value
    raise TypeError(f"nothing is known of {type(value)}")


def fingerprint(*arrays: Any) -> str:
    """Return SHA-256 of the bytes of arrays, with their types and shapes."""
    digest = hashlib.sha256()
    for given in arrays:
        array = np.ascontiguousarray(given)
        array = array.astype(array.dtype.newbyteorder("<"))
        digest.update(f"{array.dtype.name} {array.shape} ".encode() + array.tobytes())
    return digest.hexdigest()


def parameters(nn: foxnn.neural_network) -> list[np.ndarray]:
    """Return all weights and biases."""
    return [values for part in nn for values in (part.weights, part.bias)]


def without_time(history: Mapping[str, list[float]]) -> dict[str, list[float]]:
    """Return what a history of 0.1.0 has, except for the seconds."""
    names = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
    return {name: history[name] for name in names if name in history}


def of_arguments(thing: Any) -> dict[str, Any]:
    """Return the arguments of a constructor that an object has as attributes."""
    found = {name: getattr(thing, name) for name in inspect.signature(type(thing)).parameters}
    then = found.get("then")
    return found if then is None else found | {"then": held(then)}


def of_settings(settings: Any) -> list[Any]:
    """Return names and values of those settings that are others than usual."""
    found = []
    for name, usual in SETTINGS.items():
        value = settings
        for part in name.split("."):
            value = getattr(value, part)
        if value != usual or type(value) is not type(usual):
            found.append([name, value])
    return found


def of_scaler(scaler: foxnn.Scaler | None) -> Any:
    return scaler and {"method": scaler.method, "shift": scaler.shift, "scale": scaler.scale}


def of_layer(part: foxnn.layer) -> dict[str, Any]:
    return {
        "activation": part.get_name_activation_function(),
        "activation_parameters": part.activation_parameters,
        "weights": part.weights,
        "bias": part.bias,
    }


def of_network(nn: foxnn.neural_network) -> dict[str, Any]:
    """Return all that a network shows of itself; training on shows the rest."""
    return {
        "sizes": nn.sizes,
        "layers": [of_layer(part) for part in nn],
        "loss": nn.loss,
        "dtype": nn.dtype,
        "seed": nn.seed,
        "input_scaler": of_scaler(nn.input_scaler),
        "output_scaler": of_scaler(nn.output_scaler),
        "input_names": nn.input_names,
        "notes": nn.notes,
        "settings": of_settings(nn.settings),
    }


def of_estimator(estimator: Any) -> dict[str, Any]:
    """Return parameters of an estimator, and what its training has found."""
    later = ("quantiles",)  # which 0.1.0 did not have
    found = {"parameters": {n: v for n, v in estimator.get_params().items() if n not in later}}
    for name in ("coefs_", "intercepts_", "loss_curve_", "classes_", "n_iter_", "t_"):
        if hasattr(estimator, name):
            found[name] = getattr(estimator, name)
    return found


def held(thing: Any) -> Any:
    """Return what an object holds."""
    kind = type(thing)
    if isinstance(thing, foxnn.neural_network):
        found: Any = of_network(thing)
    elif isinstance(thing, foxnn.layer):
        found = of_layer(thing)
    elif kind is list:
        found = [held(entry) for entry in thing]
    elif kind is foxnn.train_data:
        found = [[sample.input, sample.out] for sample in map(thing.get, range(len(thing)))]
    elif kind is foxnn.History or kind is foxnn.Trace:
        found = dict(thing)
    elif kind is foxnn.Scaler:
        found = of_scaler(thing)
    elif kind is foxnn.DivergedError:
        found = [thing.args, thing.epoch, thing.loss]
    elif kind is foxnn.FileFormatError:
        found = thing.args
    elif isinstance(thing, tuple):  # a sample
        found = [thing.input, thing.out]
    elif hasattr(thing, "settings_optimization"):
        found = of_settings(thing)
    elif hasattr(thing, "get_params"):
        found = of_estimator(thing)
    else:  # optimizers, schedules, early stopping
        found = of_arguments(thing)
    return {"class": kind.__name__, "holds": exact(found)}


# What becomes of it.


def network() -> foxnn.neural_network:
    """Return a network to use other things with."""
    nn = foxnn.neural_network([5, 17, 3], ("leaky_relu", 0.125), "softmax", seed=7)
    for part in nn:  # whatever the initializers draw
        shape = part.weights.shape
        part.weights = inputs(*shape) / 4.0
    return nn


def fitted(nn: foxnn.neural_network, **options: Any) -> dict[str, Any]:
    """Train a network, and return what came of it."""
    x, y = inputs(60, nn.sizes[0]), wanted(60, nn.sizes[-1], nn.loss)
    given = {"epochs": 2, "batch_size": 7, "learning_rate": 1 / 128, **options}
    history = nn.fit(x, y, **given)
    return {
        "history": exact(without_time(history)),
        "parameters": fingerprint(*parameters(nn)),
    }


def network_goes_on(name: str, nn: foxnn.neural_network) -> dict[str, Any]:
    """Return answers of a network, and what it is after more training."""
    x, y = inputs(30, nn.sizes[0]), wanted(30, nn.sizes[-1], nn.loss)
    found = {
        "answers": fingerprint(nn.predict(x), nn.gradient(x[:4])),
        "one answer": exact(nn.get_out(x[0].tolist())),
        "evaluation": exact(nn.evaluate(x, y)),
    }
    if name.startswith("network-train"):
        nn.train(foxnn.train_data(x, y), 1 / 256, 9, 4)
        found["parameters after train"] = fingerprint(*parameters(nn))
    optimizer = OPTIMIZERS.get(name.rpartition("-")[0], "adam")
    # Of the random numbers and moments that it remembers.
    found["fit"] = fitted(nn, optimizer=optimizer, dropout=0.25, validation=0.2)
    nn.random_mutation(1 / 64)
    found["parameters after mutation"] = fingerprint(*parameters(nn))
    if nn.loss in ("mse", "cross_entropy") and nn.output_scaler is None:
        # The loss follows the activation, unless it has been given.
        for activation in ("sigmoid", "softmax"):
            nn[len(nn) - 1].set_activation_function(activation)
        found["loss behind softmax"] = nn.loss
    return found


def estimator_goes_on(estimator: Any) -> dict[str, Any]:
    """Return answers of an estimator, and what it is after more training."""
    x, found = inputs(40, 4), {}
    is_classifier = hasattr(estimator, "predict_proba")
    if is_classifier:
        y = getattr(estimator, "classes_", np.arange(3))[labels(40, 3)]
    else:
        y = wanted(40, 1, "mse").ravel()
    if not hasattr(estimator, "coefs_"):
        estimator.fit(x, y)
    else:
        answers = estimator.predict_proba(x) if is_classifier else estimator.predict(x)
        found["answers"] = fingerprint(answers)
        if estimator.solver == "lbfgs":  # whose sums are NumPy's and SciPy's
            return found | {"score": bool(estimator.fit(x, y).score(x, y) <= 1.0)}
        if estimator.early_stopping:
            estimator.set_params(warm_start=True).fit(x, y)
        else:
            estimator.partial_fit(x, y)
    found["parameters"] = fingerprint(*estimator.coefs_, *estimator.intercepts_)
    return found


def goes_on(name: str, thing: Any) -> Any:
    """Use an object further, and return what came of it."""
    kind = type(thing)
    if isinstance(thing, foxnn.neural_network):
        return network_goes_on(name, thing)
    if isinstance(thing, foxnn.layer):
        nn = foxnn.neural_network([5, thing.get_N_w(), 2], "tanh", "identity", seed=7)
        first = nn[0].weights.shape
        nn[0].weights = inputs(*first) / 4.0
        grown = foxnn.neural_network([5, thing.get_N_w()], "tanh", "identity", seed=7)
        grown[0].weights = nn[0].weights
        grown.next_layer(thing)
        return fitted(grown)
    if kind is list:  # a network with an attribute of the user's, and its own layer
        nn, part = thing
        part.bias = np.arange(part.get_N_n()) / 8.0
        assert nn[0].bias.tolist() == part.bias.tolist()
        return [nn.remark, fitted(nn)]
    if kind is foxnn.train_data:
        thing.add_data([0.5, -0.5, 0.25, 1.0, 2.0], [1.0, 0.0, 0.0])
        nn, named = network(), network()
        nn.train(thing, 1 / 64, 9, 3)
        named.input_names, names = ["p", "q", "r", "s", "t"], "none, or those"
        try:
            named.train(thing, 1 / 64, 1)
        except ValueError:
            names = "others"
        last = thing.get(len(thing) - 1)
        return [len(thing), exact(last.input), names, fingerprint(*parameters(nn))]
    if kind is foxnn.History:
        thing.add(**dict.fromkeys(thing or ["loss"], 0.5))
        return exact(dict(thing))
    if kind is foxnn.Scaler:
        thing = thing if thing.shift is not None else thing.fit(inputs(30, 5))
        scaled = thing.transform(inputs(30, 5))
        return fingerprint(scaled, thing.inverse_transform(scaled), thing.fit(scaled).shift)
    if kind is foxnn.Trace:
        return [array.flags.writeable for array in thing.values()]
    if kind is foxnn.EarlyStopping:
        return fitted(network(), early_stopping=thing, validation=0.25)
    if isinstance(thing, foxnn.SGD | foxnn.Adam | foxnn.AdamW | foxnn.RMSprop):
        return fitted(network(), optimizer=thing)
    if callable(thing):  # a schedule
        return [fitted(network(), schedule=thing, epochs=5), [thing(e).hex() for e in range(5)]]
    if hasattr(thing, "settings_optimization"):
        thing.set_mode("Adam")
        thing.settings_optimization.adam.set_betta_1(0.25)
        return exact(of_settings(thing))
    if hasattr(thing, "get_params"):
        return estimator_goes_on(thing)
    return str(thing)


def resumed(name: str, nn: foxnn.neural_network, history: foxnn.History) -> dict[str, Any]:
    """Return what a run that is over ended with, whether or not it had been stopped."""
    found = {"history": exact(without_time(history)), "parameters": fingerprint(*parameters(nn))}
    # What is drawn and remembered goes on, too.
    options = {"optimizer": "adam", "dropout": 0.125, "batch_size": 7}
    after = nn.fit(X, LABELS, 1, **options)
    return found | {
        "parameters after more": fingerprint(*parameters(nn)),
        "loss after more": exact(after["loss"]),
    }


def outcome(path: Path) -> dict[str, Any]:
    """Return what a file holds and what becomes of it."""
    name = path.stem
    if name.startswith("checkpoint"):
        found = {"holds": held(foxnn.neural_network(path))}
        with tempfile.TemporaryDirectory() as folder:  # a resumed run writes its checkpoint anew
            twin = shutil.copy(path, folder)
            run = foxnn.resume(twin, X, LABELS, **GIVEN_AGAIN.get(name.split("-")[1], {}))
            return found | {"goes on": resumed(name, *run)}
    if path.suffix == ".safetensors":
        thing: Any = foxnn.neural_network(path)
    else:
        thing = pickle.loads(path.read_bytes())
    return {"holds": held(thing), "goes on": goes_on(name, thing)}


def is_file_of_foxnn(path: Path) -> bool:
    return path.suffix in (".pickle", ".safetensors")


def outcomes(folder: Path) -> dict[str, Any]:
    """Return the outcomes of all files of a folder; for what fails, how."""
    has_sklearn = importlib.util.find_spec("sklearn") is not None
    # Pickles of another version of scikit-learn, and trainings too short to be good.
    warnings.filterwarnings("ignore", module=r"(foxnn\.)?sklearn")
    found: dict[str, Any] = {}
    for path in filter(is_file_of_foxnn, sorted(folder.iterdir())):
        if path.name.startswith("sklearn") and not has_sklearn:
            continue
        try:
            found[path.name] = outcome(path)
        except Exception:
            found[path.name] = {"error": traceback.format_exc()}
    return found


def main(folder: str, out: str) -> None:
    """Write what becomes of the files of a folder, and the kernel set that really ran."""
    found = {"kernel_set": foxnn.kernel_set(), "files": outcomes(Path(folder))}
    Path(out).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
