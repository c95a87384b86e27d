"""`__getstate__` and `__setstate__` of all public classes: what skops and its like write and read.

Such libraries make an object with `__new__` and hand it the state, where pickle would go by
`__reduce__`. What they write must be what they can read.
"""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import numpy as np
import pytest

import every_kind
import foxnn
import public_calls
from foxnn.playing import stop_after
from public_names import REACHED, public_things
from test_pickle import X, Y, network, train_on

schedules = foxnn.schedules


def fitted(name: str, **settings: Any) -> Any:
    """Return a trained estimator."""
    pytest.importorskip("sklearn")
    import foxnn.sklearn as estimators

    y = np.resize(["b", "a", "c"], len(X)) if name == "MLPClassifier" else X[:, 0] ** 2
    return getattr(estimators, name)(
        hidden_layer_sizes=5, max_iter=3, random_state=0, **settings
    ).fit(X, y)


class Named(foxnn.neural_network):
    """One that keeps something of its own."""

    def __init__(self) -> None:
        super().__init__([2, 3, 1], seed=2)
        self.remark = "fox"


def a_history() -> foxnn.History:
    history = foxnn.History()
    history.add(loss=0.5, accuracy=0.25)
    return history


def some_settings() -> Any:
    settings = network().settings
    settings.settings_optimization.adam.set_epsilon(1e-3)
    return settings


# At least one of each class; a dash is followed by which one.
EXAMPLES: dict[str, Any] = {
    "neural_network": network,
    "neural_network-float64": lambda: network("float64", foxnn.RMSprop(momentum=0.5)),
    "neural_network-untrained": lambda: foxnn.neural_network([3, 2], seed=1),
    "neural_network-every kind": every_kind.trained,
    "neural_network-subclass": Named,
    "quantized_network": lambda: network().quantize(X),
    "population": lambda: foxnn.population([network(), network()]),
    "layer": lambda: foxnn.layer(3, 4, ("elu", 0.5), seed=1),
    "layer-of a network": lambda: network()[1],
    "layer-composite": lambda: next(v for v in every_kind.of_every_kind() if v.layers),
    "layer-inner": lambda: next(v for v in every_kind.of_every_kind() if v.layers).layers[0],
    "train_data": lambda: foxnn.train_data(X, Y),
    "train_data-with room": lambda: _with_room(),
    "train_data-empty": foxnn.train_data,
    "train_data-sample": lambda: foxnn.train_data(X, Y).get(3),
    "Scaler": lambda: foxnn.Scaler("minmax").fit(X),
    "Scaler-not fitted": foxnn.Scaler,
    "Trace": lambda: network("float64").trace(X[0], Y[0]),
    "History": a_history,
    "History-empty": foxnn.History,
    "Watcher": lambda: foxnn.Watcher((X, Y), port=8123),
    "playing.stop_after": lambda: stop_after(3),
    "EarlyStopping": lambda: foxnn.EarlyStopping(patience=4),
    "SGD": lambda: foxnn.SGD(momentum=0.5, nesterov=True),
    "Adam": lambda: foxnn.Adam(beta_1=0.5),
    "AdamW": lambda: foxnn.AdamW(weight_decay=0.25),
    "RMSprop": foxnn.RMSprop,
    "Dense": lambda: foxnn.Dense(3, ("elu", 0.5), name="first"),
    "Activation": lambda: foxnn.Activation("relu"),
    "Dropout": lambda: foxnn.Dropout(0.25),
    "Embedding": lambda: foxnn.Embedding(9, 4),
    "Flatten": foxnn.Flatten,
    "LayerNorm": foxnn.LayerNorm,
    "RNN": lambda: foxnn.RNN(3, reverse=True),
    "GRU": lambda: foxnn.GRU(4, return_sequences=True),
    "LSTM": lambda: foxnn.LSTM(5, bidirectional=True, name="both"),
    "BatchNorm": lambda: foxnn.BatchNorm(momentum=0.5),
    "Conv1D": lambda: foxnn.Conv1D(3, 2, padding="same"),
    "Conv2D": lambda: foxnn.Conv2D(4, (3, 2), groups=2),
    "Conv3D": lambda: foxnn.Conv3D(2, 3, stride=(1, 2, 1)),
    **{
        name: lambda name=name: getattr(foxnn, name)(3, stride=2)
        for name in (
            "MaxPool1D",
            "MaxPool2D",
            "MaxPool3D",
            "AveragePool1D",
            "AveragePool2D",
            "AveragePool3D",
        )
    },
    "GlobalMaxPool": foxnn.GlobalMaxPool,
    "GlobalAveragePool": lambda: foxnn.GlobalAveragePool(name="mean"),
    "UpSample": lambda: foxnn.UpSample((2, 3)),
    "Reshape": lambda: foxnn.Reshape((2, 3)),
    "Residual": lambda: foxnn.Residual(3, foxnn.Dense(4), shortcut=[4], name="res"),
    "Parallel": lambda: foxnn.Parallel(4, [8, foxnn.Residual(8)]),
    "DivergedError": lambda: foxnn.DivergedError("no", 2, 0.5),
    "RankError": lambda: foxnn.RankError("no", 2),
    "FileFormatError": lambda: foxnn.FileFormatError("what"),
    "augment.Augmentation": foxnn.augment.Augmentation,
    "augment.shift": lambda: foxnn.augment.shift(2),
    "augment.flip": lambda: foxnn.augment.flip(0, 0.25),
    "augment.rotate": lambda: foxnn.augment.rotate(15.0),
    "augment.noise": lambda: foxnn.augment.noise(0.5),
    "evolution.Genetic": lambda: public_calls.told_rule("Genetic"),
    "evolution.EvolutionStrategy": lambda: public_calls.told_rule("EvolutionStrategy"),
    "evolution.CMA": lambda: public_calls.rule("CMA"),
    "evolution.EvolutionHistory": lambda: public_calls.told_rule("Genetic").history,
    "schedules.Schedule": schedules.Schedule,
    "schedules.constant": schedules.constant,
    "schedules.step": lambda: schedules.step(2, 0.5),
    "schedules.exponential": lambda: schedules.exponential(0.9),
    "schedules.cosine": lambda: schedules.cosine(5),
    "schedules.inverse": lambda: schedules.inverse(0.5),
    "schedules.warmup": lambda: schedules.warmup(3, schedules.step(2, 0.5)),
    "Settings": some_settings,
    "OptimizationSettings": lambda: some_settings().settings_optimization,
    "AdamSettings": lambda: some_settings().settings_optimization.adam,
    "NesterovSettings": lambda: some_settings().settings_optimization.nesterov,
    "sklearn.MLPClassifier": lambda: fitted("MLPClassifier", activation=[("elu", 0.5)]),
    "sklearn.MLPClassifier-lbfgs": lambda: fitted("MLPClassifier", solver="lbfgs"),
    "sklearn.MLPClassifier-early": lambda: fitted("MLPClassifier", early_stopping=True),
    "sklearn.MLPRegressor": lambda: fitted("MLPRegressor", solver="sgd"),
}
every_example = pytest.mark.parametrize("name", EXAMPLES)
pytestmark = pytest.mark.filterwarnings("ignore:(Stochastic|lbfgs)")


def _with_room() -> foxnn.train_data:
    data = foxnn.train_data(X, Y)
    data.reserve(100)
    return data


def test_there_is_one_of_each_class() -> None:
    classes = {
        name
        for name, thing in public_things().items()
        if inspect.isclass(thing) and not issubclass(thing, Warning)
    }
    estimators = {"sklearn.MLPClassifier", "sklearn.MLPRegressor"}
    there = {name.partition("-")[0] for name in EXAMPLES}
    assert there == classes | set(REACHED) | estimators


def by_state(thing: Any) -> Any:
    """Return an object that was made again from its state, which holds no code."""
    if isinstance(thing, tuple):
        return type(thing)(*thing)
    getstate = getattr(thing, "__getstate__", None)  # of every object since Python 3.11
    state = vars(thing) if getstate is None else getstate()
    other = type(thing).__new__(type(thing))
    state = pickle.loads(pickle.dumps(state))
    if state is None:
        return other
    if hasattr(other, "__setstate__"):
        other.__setstate__(state)
    else:
        other.__dict__.update(state)
    return other


def by_skops(thing: Any) -> Any:
    """Return an object that skops has written and read."""
    skops = pytest.importorskip("skops.io", reason="skops is not installed")
    written = skops.dumps(thing)
    return skops.loads(written, trusted=skops.get_untrusted_types(data=written))


def shown(thing: Any) -> Any:
    """Return the attributes of an object, and of those that it holds."""
    if type(thing).__repr__ is not object.__repr__:
        return repr(thing)
    return type(thing), {name: shown(value) for name, value in vars(thing).items()}


def assert_same(one: Any, other: Any) -> None:
    """Compare what there is to see of two objects, and what they do."""
    assert type(one) is type(other)
    assert shown(one) == shown(other)
    if isinstance(one, foxnn.neural_network):
        assert one.notes == other.notes
        assert repr(one.settings) == repr(other.settings)
        if one.sizes[0] == 4 and not one._input_shape()[1:]:
            assert train_on(other) == train_on(one)
        else:
            for layer, twin in zip(one, other, strict=True):
                assert_same(layer, twin)
    elif isinstance(one, foxnn.population):
        for member, twin in zip(one, other, strict=True):
            assert_same(member, twin)
    elif hasattr(one, "arrays"):
        assert one.name == other.name
        for name, array in one.arrays.items():
            assert other.arrays[name].tobytes() == array.tobytes()
    elif isinstance(one, foxnn.train_data):
        assert len(one) == len(other)
        if len(one):
            assert other.get(3).input.tolist() == one.get(3).input.tolist()
    elif isinstance(one, tuple):
        assert all(a.tolist() == b.tolist() for a, b in zip(one, other, strict=True))
    elif isinstance(one, BaseException):
        assert (one.args, vars(one)) == (other.args, vars(other))
    elif isinstance(one, foxnn.quantized_network):
        assert other.predict(X).tobytes() == one.predict(X).tobytes()
    elif hasattr(one, "predict"):
        assert other.predict(X).tolist() == one.predict(X).tolist()
        if one.solver != "lbfgs" and not one.early_stopping:
            targets = one.predict(X)
            for estimator in (one, other):
                estimator.partial_fit(X, targets)  # with the moments that there were
        assert other.network_.predict(X).tobytes() == one.network_.predict(X).tobytes()
    elif type(one).__eq__ is not object.__eq__:
        assert one == other


@every_example
def test_an_object_is_made_again_from_its_state(name: str) -> None:
    thing = EXAMPLES[name]()
    assert_same(thing, by_state(thing))


@every_example
def test_skops_reads_what_it_writes(name: str) -> None:
    thing = EXAMPLES[name]()
    assert_same(thing, by_skops(thing))


def test_a_made_network_takes_no_state() -> None:
    nn = network()
    before = repr(nn), nn[0].weights.tobytes()
    with pytest.raises(TypeError, match="made already"):
        nn.__setstate__(foxnn.neural_network([2, 1]).__getstate__())
    assert (repr(nn), nn[0].weights.tobytes()) == before


@pytest.mark.parametrize(
    ("name", "state", "message"),
    [
        ("neural_network", {"foxnn.network": {}}, "must be a dict with a version"),
        ("neural_network", {"_history": None}, "_history belongs in the network's own state"),
        ("population", {"foxnn.population": {}}, "must be a dict with a version"),
        ("population", {"_members": []}, "_members belongs in the population's own state"),
        ("layer", {"network": 3, "path": (0,)}, "must be of a network"),
        ("layer", {"arguments": (2, 3, "relu"), "weights": [[1.0]], "bias": [0.0]}, "shape"),
        ("layer", {"path": (0,)}, "lacks arguments"),
        ("Residual", {"branches": ()}, "lacks name"),
        ("Parallel", {"branches": (), "name": None}, "at least one branch"),
        ("Dense", {"units": 0, "activation": None, "init": None, "bias": True, "name": None},
         "units must be"),
        ("Trace", {"values": {}, "activations": [], "loss": "mse"}, "must hold at least one"),
        ("Trace", 3, "must be a dict"),
    ],
)  # fmt: skip
def test_states_that_are_not_right_are_refused(name: str, state: Any, message: str) -> None:
    kind = getattr(foxnn, name)
    with pytest.raises((ValueError, TypeError), match=message):
        kind.__new__(kind).__setstate__(state)
