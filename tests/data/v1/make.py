"""Make the files of this folder, by foxnn 0.1.0: see README.md."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import pickle
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

import former_runs  # noqa: E402
import foxnn  # noqa: E402
from former_runs import LABELS, X, inputs, wanted  # noqa: E402

NOTES = {"columns": ["a", "ß"], "share": 0.1, "more": {"none": None, "flag": True, "n": [1, [2]]}}
DTYPES = ("float32", "float64")

# What is kept in one format only, by the beginning of its name.
PICKLES = ("network-train",)
SAFETENSORS = ("network-bce", "network-poisson", "network-mae", "network-given")


# Networks: as a pickle, as a safetensors file, or most of them as both.


def trained(nn: foxnn.neural_network, name: str, **options: Any) -> foxnn.neural_network:
    """Train a network by the optimizer that its file's name says."""
    x, y = inputs(40, nn.sizes[0]), wanted(40, nn.sizes[-1], nn.loss)
    optimizer = former_runs.OPTIMIZERS.get(name, "adam")
    nn.fit(x, y, 3, 7, optimizer, 1 / 64, dropout=0.25, **options)
    return nn


def everything(dtype: str) -> foxnn.neural_network:
    """Return a network that has all that a network can have."""
    activations = ["tanh", ("elu", 0.5), "identity"]
    nn = foxnn.neural_network(
        [4, 10, 5, 2], activations, loss="huber", dtype=dtype, seed=2**63 + 1, init="he_uniform"
    )
    nn.input_names = ["height", "width", "Größe", "年"]
    nn.notes = NOTES
    settings = nn.settings
    settings.n_threads, settings.n_print, settings.min_error = 2, 3, 0.125
    settings.max_on_last_layer, settings.intermediate_value = False, 0.25
    settings.one_if_value_greater_intermediate_value = True
    settings.set_part_for_test(0.25)
    settings.auto_save_name_file, settings.auto_save_iteration = "näme.txt", 100
    settings.set_mode("Nesterov")
    settings.settings_optimization.nesterov.set_gamma(0.25)
    settings.settings_optimization.adam.set_betta_1(0.5)
    settings.settings_optimization.adam.set_betta_2(0.75)
    settings.settings_optimization.adam.set_epsilon(1e-5)
    settings.settings_optimization.adam.step_to_zero_after_n = 5
    return trained(nn, "network-everything", scale=("standard", "minmax"), validation=0.2)


def networks() -> Iterator[tuple[str, foxnn.neural_network]]:
    """Yield networks by the names of their files."""
    for dtype in DTYPES:
        yield f"network-untrained-{dtype}", foxnn.neural_network([3, 5, 4, 2], dtype=dtype, seed=0)
        yield f"network-everything-{dtype}", everything(dtype)
        nn = foxnn.neural_network([5, 17, 3], "gelu", "softmax", dtype=dtype, seed=4)
        yield f"network-softmax-{dtype}", trained(nn, "network-softmax")
    hidden = ["sigmoid", "relu", "silu", "selu", "softplus", "arctan", "gaussian"]
    for i, name in enumerate(former_runs.OPTIMIZERS):
        dtype = DTYPES[i % 2]
        nn = foxnn.neural_network([5, 10, 3], hidden[i], "softmax", dtype=dtype, seed=i)
        yield f"{name}-{dtype}", trained(nn, name)
        other = DTYPES[i % 2 - 1]
        nn = foxnn.neural_network([3, 5, 4, 2], hidden[i], "identity", dtype=other, seed=i)
        yield f"{name}-{other}", trained(nn, name, scale="standard")
    for i, mode in enumerate(("SGD", "Nesterov", "Adam")):
        dtype = DTYPES[i % 2]
        nn = foxnn.neural_network([4, 9, 2], "sinusoid", init="uniform", dtype=dtype, seed=i)
        nn.settings.set_mode(mode)
        nn.settings.settings_optimization.adam.step_to_zero_after_n = 3
        nn.train(foxnn.train_data(inputs(20, 4), wanted(20, 2, "mse")), 1 / 64, 8, 3)
        yield f"network-train-{mode.lower()}-{dtype}", nn
    endings = {
        "bce": ("sigmoid", None, "binary_cross_entropy"),
        "poisson": (("leaky_relu", 0.125), "exp", "poisson"),
        "mae": (("elu", 2.5), "identity_x", "mae"),
        "given-mse": ("tan_h", "softmax", "mse"),
    }
    for i, (name, (activation, output, loss)) in enumerate(endings.items()):
        nn = foxnn.neural_network([4, 9, 2], activation, output, loss, dtype=DTYPES[i % 2], seed=i)
        yield f"network-{name}-{nn.dtype}", trained(nn, f"network-{name}")
    nn = foxnn.neural_network([6, 3, 2], ("elu", 0.1), dtype="float64", seed=9)
    nn.settings.correct_summation = True
    nn.input_scaler = foxnn.Scaler("minmax").fit(inputs(30, 6))
    yield "network-correct-summation-float64", nn


def check_moments(name: str, nn: foxnn.neural_network) -> None:
    """Make sure that going on hangs on the moments: else the record would say little of them."""
    if name.rpartition("-")[0] in ("network-sgd", "network-train-sgd"):
        return
    if not name.startswith(("network-untrained", "network-correct", "network-train")):
        twin, other = copy.deepcopy(nn), copy.deepcopy(nn)
        other.reset_optimizer()
        one, two = (former_runs.network_goes_on(name, each) for each in (twin, other))
        assert one["answers"] == two["answers"]
        assert one["fit"]["parameters"] != two["fit"]["parameters"], name


# All else that pickles.


def things() -> Iterator[tuple[str, Any]]:
    """Yield objects by the names of their files."""
    yield "layer-alone", foxnn.layer(3, 4, ("elu", 0.5), seed=1)
    view_of = trained(foxnn.neural_network([4, 3, 2], "relu", "identity", seed=3), "network-view")
    yield "layer-view", view_of[1]
    nn = trained(foxnn.neural_network([5, 7, 3], "silu", "softmax", seed=3), "network-shared")
    nn.settings.n_threads, nn.remark = 1, ["of the user", 1]
    yield "shared", [nn, nn[0]]
    yield "settings", everything("float32").settings
    yield "settings-usual", foxnn.neural_network([1, 1], seed=0).settings

    numbers, outputs = inputs(6, 5), wanted(6, 3, "mse")
    data = foxnn.train_data(numbers, outputs)
    yield "train-data", data
    frame = pandas.DataFrame(numbers, columns=["a", "b", "c", "d", "Größe"])
    yield "train-data-names", foxnn.train_data(frame, outputs)
    pixels = (numbers * 64 + 128).astype(np.uint8)
    yield "train-data-uint8", foxnn.train_data(pixels, outputs.astype(np.float32))
    yield "sample", data.get(3)

    nn = foxnn.neural_network([5, 9, 3], "tanh", "softmax", seed=5)
    yield "history", nn.fit(X, LABELS, 4, 7, validation=0.25)
    yield "history-empty", foxnn.History()
    for method in ("standard", "minmax"):
        yield f"scaler-{method}", foxnn.Scaler(method).fit(inputs(30, 5))
    yield "scaler-unfitted", foxnn.Scaler("minmax")
    yield "trace-forward", nn.trace(X[0])
    yield "trace-class", nn.trace(X[0], 2)
    wide = everything("float64")
    yield "trace-scaled", wide.trace(inputs(1, 4)[0], [0.5, 0.25])

    yield "early-stopping", foxnn.EarlyStopping()
    yield (
        "early-stopping-all",
        foxnn.EarlyStopping("val_accuracy", patience=2, min_delta=0.125, restore_best=False),
    )
    given = foxnn.schedules
    for name, schedule in {
        "constant": given.constant(),
        "step": given.step(2, 0.5),
        "exponential": given.exponential(0.75),
        "cosine": given.cosine(1, 0.25),
        "inverse": given.inverse(0.5),
        "warmup": given.warmup(2),
        "warmup-then": given.warmup(2, then=given.step(2)),
    }.items():
        yield f"schedule-{name}", schedule
    for name, rule in {
        "sgd": foxnn.SGD(),
        "sgd-nesterov": foxnn.SGD(momentum=0.75, nesterov=True),
        "adam": foxnn.Adam(),
        "adam-constants": foxnn.Adam(beta_1=0.5, beta_2=0.75, epsilon=1e-4),
        "adamw": foxnn.AdamW(weight_decay=0.125, beta_1=0.5, beta_2=0.75, epsilon=1e-4),
        "rmsprop": foxnn.RMSprop(rho=0.5, momentum=0.25, epsilon=1e-4),
    }.items():
        yield f"optimizer-{name}", rule
    try:
        nn = foxnn.neural_network([5, 3], "identity", seed=1)
        nn.fit(X, wanted(60, 3, "mse"), 50, 7, "sgd", 1e6)
    except foxnn.DivergedError as error:
        yield "diverged", error
    yield "diverged-plain", foxnn.DivergedError("in a step")
    yield "file-format-error", foxnn.FileFormatError("net.txt: expected a number, got 'x'")


def estimators() -> Iterator[tuple[str, Any]]:
    """Yield estimators by the names of their files."""
    from foxnn.sklearn import MLPClassifier, MLPRegressor

    warnings.filterwarnings("ignore", module=r"foxnn\.sklearn")  # trainings too short to be good
    x, classes, numbers = inputs(40, 4), former_runs.labels(40, 3), wanted(40, 1, "mse").ravel()
    few: dict[str, Any] = {"random_state": 0, "max_iter": 5}
    activations = ["gelu", ("elu", 0.5)]
    one = MLPClassifier((6, 4), activations, dropout=[0.1, 0.0], class_weight="balanced", **few)
    yield "sklearn-classifier-unfitted", one
    one = MLPClassifier((6, 4), activations, dropout=[0.1, 0.0], **few)
    yield "sklearn-classifier-adam", one.fit(x, classes)
    two = MLPClassifier(5, solver="sgd", learning_rate="invscaling", **few)
    yield "sklearn-classifier-sgd", two.fit(x.astype(np.float32), np.array(list("abc"))[classes])
    few |= {"hidden_layer_sizes": 5, "activation": "tanh"}
    three = MLPRegressor(solver="sgd", learning_rate="adaptive", early_stopping=True, **few)
    yield "sklearn-regressor-sgd", three.fit(x, numbers)
    yield "sklearn-regressor-lbfgs", MLPRegressor(solver="lbfgs", **few).fit(x, numbers)


# Checkpoints.

rates = foxnn.schedules
RUNS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd", "schedule": rates.constant()},
    "momentum": {"optimizer": foxnn.SGD(momentum=0.75), "dropout": [0.25]},
    "nesterov": {"optimizer": "nesterov", "schedule": rates.inverse(0.5), "clip_norm": 0.5},
    "adam": {"dropout": 0.25, "validation": 0.25, "early_stopping": 2, "learning_rate": 1 / 16},
    "adamconstants": {
        "optimizer": foxnn.Adam(beta_1=0.75, beta_2=0.875, epsilon=1e-4),
        "class_weight": {1: 3.0},
    },
    "adamw": {
        "optimizer": foxnn.AdamW(weight_decay=0.125),
        "schedule": rates.exponential(0.5),
        "l1": 0.001,
    },
    "rmsprop": {
        "optimizer": foxnn.RMSprop(rho=0.875, momentum=0.5),
        "schedule": rates.warmup(2, rates.step(2, 0.5)),
        "l2": 0.01,
        "clip_value": 0.125,
    },
    "monitor": {
        "early_stopping": foxnn.EarlyStopping(
            "accuracy", patience=3, min_delta=0.75, restore_best=False
        ),
        "scale": "minmax",
    },
    "best": {
        "optimizer": "momentum",
        "validation": 0.25,
        "early_stopping": foxnn.EarlyStopping("val_loss", patience=1),
        "learning_rate": 0.5,
    },
    "cosine": {"schedule": rates.cosine(1, 0.25), "class_weight": "balanced", "scale": "standard"},
    "inorder": {"shuffle": False, "optimizer": "rmsprop", "checkpoint_every": 2},
    "given": former_runs.GIVEN_AGAIN["given"] | {"early_stopping": 3, "dropout": 0.125},
}

# Where a run is stopped: once in float32 and once in float64, or once alone.
PLACES: dict[str, tuple[str, ...]] = {
    "monitor": ("between",),  # after an epoch that was no better
    "adamconstants": ("within",),
    "best": ("within",),
    "cosine": ("within",),
    "inorder": ("within",),
}


class Failure(Exception):
    """What a callback raises."""


class Between:
    """Stops a training after two epochs."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> bool:
        return epoch == 1


class Within:
    """Ends a training at the 12th step, which is within the second epoch."""

    def __init__(self, raises: bool) -> None:
        self.done = 0
        self.raises = raises

    def on_batch_end(self, batch: int, logs: dict[str, float]) -> bool:
        self.done += 1
        if self.done == 12 and self.raises:
            raise Failure
        return self.done == 12


def run_network(dtype: str) -> foxnn.neural_network:
    """Return the network of a run, which has drawn random numbers before."""
    nn = foxnn.neural_network([5, 9, 3], "gelu", "softmax", dtype=dtype, seed=5)
    nn.notes = {"of": "a run"}
    nn.random_mutation(1 / 64)
    return nn


def write_checkpoints() -> dict[str, Any]:
    """Write the checkpoints; return what the runs that were never stopped end with."""
    ends = {}
    for i, (name, given) in enumerate(RUNS.items()):
        for place in PLACES.get(name, ("between", "within")):
            options = {"epochs": 5, "batch_size": 7, "learning_rate": 1 / 64, **given}
            dtype = DTYPES[(i + (place == "within")) % 2]
            path = HERE / f"checkpoint-{name}-{place}-{dtype}.safetensors"
            callback = Between() if place == "between" else Within(raises=i % 2 == 0)
            with contextlib.suppress(Failure):
                run_network(dtype).fit(X, LABELS, **options, checkpoint=path, callbacks=callback)
            whole = run_network(dtype)
            options.pop("checkpoint_every", None)
            history = whole.fit(X, LABELS, **options)
            ends[path.name] = former_runs.resumed(name, whole, history)
    path = HERE / "checkpoint-timelimit-within-float32.safetensors"
    options = {"epochs": 5, "batch_size": 7, "dropout": 0.25}
    run_network("float32").fit(X, LABELS, **options, checkpoint=path, time_limit=1e-9)
    whole = run_network("float32")
    ends[path.name] = former_runs.resumed("timelimit", whole, whole.fit(X, LABELS, **options))
    return ends


# The record.


def outcomes(kernel_set: str) -> dict[str, Any]:
    """Return what becomes of the files under a kernel set, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        subprocess.run(
            [sys.executable, former_runs.__file__, str(HERE), str(out)],
            env=os.environ | {"FOXNN_FORCE_ISA": kernel_set},
            check=True,
        )
        found = json.loads(out.read_text(encoding="utf-8"))
    assert found["kernel_set"] == kernel_set
    for name, entry in found["files"].items():
        if "error" in entry:
            raise AssertionError(f"{name}: {entry['error']}")
    return found["files"]


def lines_of(values: Any, depth: int) -> str:
    """Return JSON with a line for each entry down to this depth."""
    if depth < 0 or not isinstance(values, dict):
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    entries = (f"{json.dumps(key)}:{lines_of(entry, depth - 1)}" for key, entry in values.items())
    return "{\n" + ",\n".join(entries) + "\n}"


def main() -> None:
    """Write files and record."""
    assert foxnn.__version__ == "0.1.0"
    assert foxnn.kernel_set() in ("avx2", "avx512")
    for path in filter(former_runs.is_file_of_foxnn, HERE.iterdir()):
        path.unlink()
    for name, nn in networks():
        check_moments(name, nn)
        of_optimizer = name.rpartition("-")[0] in former_runs.OPTIMIZERS
        if not name.startswith(PICKLES) and not (of_optimizer and nn.loss != "mse"):
            nn.save(HERE / f"{name}.safetensors")
        if not name.startswith(SAFETENSORS) and not (of_optimizer and nn.loss == "mse"):
            (HERE / f"{name}.pickle").write_bytes(pickle.dumps(nn, 4))
    for name, thing in (*things(), *estimators()):
        (HERE / f"{name}.pickle").write_bytes(pickle.dumps(thing, 4))
    ends = write_checkpoints()

    runs = {name: outcomes(name) for name in foxnn.kernel_sets()}
    held, on = {}, {}
    for name, entry in runs[foxnn.kernel_set()].items():
        stem = name.rpartition(".")[0]
        assert all(run[name] == entry for run in runs.values()), name
        assert entry["holds"] == held.setdefault(stem, entry["holds"]), name
        assert entry["goes on"] == on.setdefault(stem, entry["goes on"]), name
        if name in ends:
            assert entry["goes on"] == ends.pop(name), f"{name}: not the end of the whole run"
    assert not ends
    # A checkpoint's numbers are many, and wrong ones show in what becomes of them.
    held = {name: entry for name, entry in held.items() if not name.startswith("checkpoint")}
    text = f'{{\n"held":{lines_of(held, 1)},\n"goes on":{lines_of(on, 0)}\n}}\n'
    (HERE / "record.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
