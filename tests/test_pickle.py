"""Copies, pickles and other processes: the network goes on as the first would have."""

from __future__ import annotations

import concurrent.futures
import copy
import multiprocessing
import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import every_kind
import foxnn
from forced_runs import inputs, parameters, wanted

X, Y = inputs(30, 4), wanted(30, 2, "mse")

COPIES: dict[str, Callable[[Any], Any]] = {
    **{
        f"pickle-{protocol}": lambda thing, protocol=protocol: pickle.loads(
            pickle.dumps(thing, protocol)
        )
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    },
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}
every_copy = pytest.mark.parametrize("again", COPIES.values(), ids=COPIES)


def network(dtype: str = "float32", optimizer: Any = "adam") -> foxnn.neural_network:
    """Return one with everything that there is: moments, scalers, settings, drawn numbers."""
    names = ["tanh", ("elu", 0.5), "identity"]
    nn = foxnn.neural_network([4, 33, 5, 2], names, loss="huber", dtype=dtype, seed=2**63 + 1)
    nn.settings.n_threads = 2
    nn.settings.set_mode("Nesterov")
    nn.settings.settings_optimization.nesterov.set_gamma(0.25)
    nn.settings.auto_save_name_file = "näme.txt"
    nn.notes = {"columns": ["a", "b"], "share": 0.5, "more": {"none": None, "flag": True}}
    nn.fit(X, Y, 2, 7, optimizer, dropout=0.2, scale="standard")
    return nn


def train_on(nn: foxnn.neural_network, optimizer: Any = "adam") -> list[bytes]:
    history = nn.fit(X, Y, 2, 7, optimizer, dropout=0.2, validation=0.2)
    nn.random_mutation(0.01)
    return [parameters(nn).tobytes(), np.array(history["loss"]).tobytes(), nn.predict(X).tobytes()]


@every_copy
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_copy_trains_on_bit_for_bit(dtype: str, again: Callable[[Any], Any]) -> None:
    nn = network(dtype)
    other = again(nn)
    assert type(other) is foxnn.neural_network
    assert repr(other) == repr(nn)
    assert repr(other.settings) == repr(nn.settings)
    assert (other.input_scaler, other.output_scaler) == (nn.input_scaler, nn.output_scaler)
    assert other.notes == nn.notes
    assert train_on(other) == train_on(nn)


@pytest.mark.parametrize(
    "optimizer",
    ["sgd", foxnn.SGD(momentum=0.5), "nesterov", foxnn.Adam(beta_1=0.5),
     foxnn.AdamW(weight_decay=0.3), foxnn.RMSprop(rho=0.5, momentum=0.5),
     "rmsprop"],
    ids=str,
)  # fmt: skip
def test_moments_go_along(optimizer: Any) -> None:
    nn = network(optimizer=optimizer)
    assert train_on(pickle.loads(pickle.dumps(nn)), optimizer) == train_on(nn, optimizer)


@every_copy
def test_a_copy_is_apart(again: Callable[[Any], Any]) -> None:
    nn = network()
    other, before = again(nn), parameters(nn).tobytes()
    other.fit(X, Y, 1)
    other.settings.n_threads = 7
    other.settings.settings_optimization.adam.set_betta_1(0.5)
    other.settings.correct_summation = True
    other.notes["columns"].append("c")
    other.next_layer(foxnn.layer(2, 2)) if other.output_scaler is None else None
    assert parameters(nn).tobytes() == before
    assert nn.settings.n_threads == 2
    assert nn.settings.settings_optimization.adam.betta_1 == 0.9
    assert nn.settings.correct_summation is False
    assert nn.notes["columns"] == ["a", "b"]


def test_an_untrained_one_and_the_usual_loss() -> None:
    nn = pickle.loads(pickle.dumps(foxnn.neural_network([3, 2], seed=1)))
    nn[0].set_activation_function("softmax")
    assert nn.loss == "cross_entropy"
    given = pickle.loads(pickle.dumps(foxnn.neural_network([3, 2], "softmax", loss="mse")))
    given[0].set_activation_function("sigmoid")
    given[0].set_activation_function("softmax")
    assert given.loss == "mse"


@every_copy
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layers_of_every_kind_train_on_bit_for_bit(dtype: str, again: Callable[[Any], Any]) -> None:
    for nn in (every_kind.of_every_kind(dtype), every_kind.trained(dtype)):
        other = again(nn)
        assert repr(other) == repr(nn)
        assert [layer.name for layer in other] == [layer.name for layer in nn]
        assert every_kind.trained_flags(other) == every_kind.trained_flags(nn)
        assert every_kind.train_on(other) == every_kind.train_on(nn)


@every_copy
def test_views_of_layers_of_every_kind(again: Callable[[Any], Any]) -> None:
    for view in every_kind.of_every_kind():
        other = again(view)
        assert (type(other), repr(other)) == (type(view), repr(view))
        assert (other.name, other.trainable) == (view.name, view.trainable)
        for name, array in view.arrays.items():
            assert other.arrays[name].tobytes() == array.tobytes()


@pytest.mark.parametrize(
    "optimizer", [foxnn.SGD(momentum=0.5), foxnn.RMSprop(rho=0.5, momentum=0.5)], ids=str
)
def test_moments_of_every_kind_go_along(optimizer: Any) -> None:
    nn = every_kind.trained(optimizer=optimizer)
    other = pickle.loads(pickle.dumps(nn))
    assert every_kind.train_on(other, optimizer) == every_kind.train_on(nn, optimizer)


class Named(foxnn.neural_network):
    def __init__(self, name: str) -> None:
        super().__init__([4, 3, 2], seed=5)
        self.name = name
        self.itself = self


@every_copy
def test_a_subclass_keeps_what_it_adds(again: Callable[[Any], Any]) -> None:
    other = again(Named("fox"))
    assert (type(other), other.name) == (Named, "fox")
    if again is not copy.copy:
        assert other.itself is other


@every_copy
def test_layers(again: Callable[[Any], Any]) -> None:
    alone = again(foxnn.layer(3, 4, ("elu", 0.5), seed=1))
    expected = foxnn.layer(3, 4, ("elu", 0.5), seed=1)
    assert repr(alone) == repr(expected)
    assert alone.weights.tobytes() == expected.weights.tobytes()
    nn = network()
    view = again(nn[1])
    assert repr(view) == repr(nn[1])
    assert view.bias.tobytes() == nn[1].bias.tobytes()
    nn.next_layer(again(foxnn.layer(2, 3))) if nn.output_scaler is None else None


@every_copy
def test_data_and_settings(again: Callable[[Any], Any]) -> None:
    data = foxnn.train_data(X, Y)
    data.add_data([1, 2, 3, 4], [0, 1])
    other = again(data)
    assert len(other) == 31
    assert other.get(30).input.tolist() == [1, 2, 3, 4]
    settings = network().settings
    assert repr(again(settings)) == repr(settings)


def test_pickles_are_small() -> None:
    nn = foxnn.neural_network([100, 100, 10], seed=1)
    assert len(pickle.dumps(nn)) < 1.1 * 4 * parameters(nn).size + 2000


# Pickles of other releases


def test_pickles_of_0_1_0_are_read() -> None:
    """One of everything, as 0.1.0 wrote it."""
    data = (Path(__file__).parent / "data" / "pickles" / "0.1.0.pickle").read_bytes()
    found = pickle.loads(data)
    nn = found["network"]
    assert type(nn) is foxnn.neural_network
    assert repr(nn) == (
        "neural_network([2, 3, 1], activation=['tan_h', ('elu', [0.5])], loss='mse', "
        "dtype='float32', seed=7)"
    )
    assert (nn.settings.mode, nn.notes) == ("Adam", {"a": [1, "b"]})
    assert nn.input_scaler == found["scaler"]
    assert np.isfinite(nn.predict(found["data"]._arrays()[0])).all()
    assert repr(found["layer"]) == "layer(2, 2, 'relu')"
    assert found["view"].weights.tobytes() == nn[1].weights.tobytes()
    assert type(found["view"]) is type(nn[1])
    assert len(found["data"]) == 4
    assert found["history"] == {"loss": [0.5, 0.25]}
    assert repr(found["settings"]) == repr(nn.settings)
    trace = nn.trace([0.0, 1.0], [1.0])
    assert list(found["trace"]) == list(trace)
    assert all(np.allclose(found["trace"][name], trace[name], rtol=1e-5) for name in trace)
    assert found["stopping"] == foxnn.EarlyStopping(patience=4)
    assert found["rules"] == [foxnn.SGD(), foxnn.Adam(), foxnn.AdamW(), foxnn.RMSprop()]
    schedules = foxnn.schedules
    assert found["schedules"] == [
        schedules.cosine(5),
        schedules.warmup(3, schedules.step(2, 0.5)),
        schedules.constant(),
        schedules.exponential(0.9),
        schedules.inverse(0.5),
    ]
    diverged, broken = found["errors"]
    assert (type(diverged), str(diverged), diverged.epoch) == (foxnn.DivergedError, "no", 2)
    assert (type(broken), str(broken)) == (foxnn.FileFormatError, "what")


def test_an_empty_train_data_of_0_1_0_is_read() -> None:
    pickled = b"cfoxnn.classic.train_data\ntrain_data\n)\x81}b."  # its state was {}
    data = pickle.loads(pickled)
    assert repr(data) == "train_data(0 samples)"
    data.add_data([1.0, 2.0], [0.5])
    assert len(data) == 1
    assert len(pickle.loads(pickled)) == 0


# What pickles say of foxnn. A name that is in it once must be found for ever: what moves later
# leaves its name to `foxnn.support.former`, or an alias in its module.
NAMES = {
    "foxnn.classic.train_data train_data",
    "foxnn.formats.paths FileFormatError",
    "foxnn.layers _alone",
    "foxnn.layers _viewed",
    "foxnn.model.base _unpickled",
    "foxnn.model.scaler Scaler",
    "foxnn.model.settings AdamSettings",
    "foxnn.model.settings NesterovSettings",
    "foxnn.model.settings OptimizationSettings",
    "foxnn.model.settings Settings",
    "foxnn.model.trace Trace",
    "foxnn.network neural_network",
    "foxnn.schedules constant",
    "foxnn.schedules cosine",
    "foxnn.schedules exponential",
    "foxnn.schedules inverse",
    "foxnn.schedules step",
    "foxnn.schedules warmup",
    "foxnn.support.errors DivergedError",
    "foxnn.training.early_stopping EarlyStopping",
    "foxnn.training.history History",
    "foxnn.training.update_rules Adam",
    "foxnn.training.update_rules AdamW",
    "foxnn.training.update_rules RMSprop",
    "foxnn.training.update_rules SGD",
}


def test_pickles_name_nothing_that_may_move() -> None:
    data = (Path(__file__).parent / "data" / "pickles" / "0.1.0.pickle").read_bytes()
    again = pickle.dumps(pickle.loads(data), 2)
    said = {arg for code, arg, _ in pickletools.genops(again) if code.name == "GLOBAL"}
    assert {name for name in said if name.startswith("foxnn")} == NAMES


DESCRIPTIONS = {
    "foxnn.layers _parallel",
    "foxnn.layers _residual",
    "foxnn.layers.dense Dense",
    "foxnn.layers.elementwise Activation",
    "foxnn.layers.elementwise Dropout",
    "foxnn.layers.normalization LayerNorm",
    "foxnn.layers.reshaping Flatten",
    "foxnn.layers.reshaping Reshape",
}


def test_pickles_of_descriptions_name_nothing_that_may_move() -> None:
    leaves = [foxnn.Dense(3), foxnn.Activation("relu"), foxnn.Dropout(0.1), foxnn.Flatten()]
    leaves.append(foxnn.LayerNorm())
    items = [foxnn.Parallel(foxnn.Residual(*leaves, foxnn.Reshape(4)))]
    written = pickle.dumps(items, 2)
    said = {arg for code, arg, _ in pickletools.genops(written) if code.name == "GLOBAL"}
    assert {name for name in said if name.startswith("foxnn")} == DESCRIPTIONS
    assert pickle.loads(written) == items


# Other processes


def train_elsewhere(nn: foxnn.neural_network) -> tuple[foxnn.neural_network, list[bytes]]:
    return nn, train_on(nn)


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_worker_processes(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this platform has no {method}")
    nn = network()
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        found = list(pool.map(train_elsewhere, [nn] * 4))
    expected = train_on(nn)
    for other, result in found:
        assert result == expected
        assert parameters(other).tobytes() == expected[0]


def test_joblib(tmp_path: Any) -> None:
    joblib = pytest.importorskip("joblib")
    nn = network()
    joblib.dump(nn, tmp_path / "net.joblib")
    assert train_on(joblib.load(tmp_path / "net.joblib")) == train_on(nn)
