"""States of networks: invalid ones are refused, and those of version 1 are read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import every_kind
import foxnn
from test_pickle import network, train_on


def state() -> dict[str, Any]:
    return network().__reduce__()[1][1]


def remade(given: Any) -> Any:
    make, (cls, _), _ = network().__reduce__()
    return make(cls, given)


def test_the_state_is_a_network() -> None:
    assert repr(remade(state())) == repr(network())


def dense(**options: Any) -> list[dict[str, Any]]:
    """Return the layers of the state with options of the second one changed."""
    layers = state()["layers"]
    layers[1]["options"] |= options
    return layers


ARRAYS = [{"weights": np.zeros((4, 33)), "bias": np.zeros(33)},
          {"weights": np.zeros((33, 5)), "bias": np.zeros(5)},
          {"weights": np.zeros((5, 2)), "bias": np.zeros(2)}]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"version": 3}, ValueError, "version 3, made by a later foxnn"),
        ({"version": 0}, ValueError, "version must be"),
        ({"version": "1"}, TypeError, "version must be"),
        ({"version": 1}, ValueError, "the state lacks sizes, activations"),
        ({"input_shape": [5]}, ValueError,
         r"parameters of layers\[0\] \(Dense\) must have weights of shape \(5, 33\), got"),
        ({"input_shape": []}, ValueError, "input_shape must be"),
        ({"input_shape": "net.txt"}, TypeError, r"input_shape\[0\] must be"),
        ({"input_shape": [2**31]}, ValueError, r"input_shape\[0\] must be"),
        ({"layers": []}, ValueError, "layers must hold at least one layer"),
        ({"layers": 3}, ValueError, "layers must be a list of layers"),
        ({"layers": dense()[:2]}, ValueError, "parameters must be a list of 2 layers"),
        ({"layers": dense(units=6)}, ValueError,
         r"parameters of layers\[1\] \(Dense\) must have weights of shape \(33, 6\), got"),
        # Told before memory is taken for it.
        ({"layers": dense(units=2**30)}, ValueError, r"parameters of layers\[1\] \(Dense\) must"),
        ({"layers": dense(units=0)}, ValueError, r"layers\[1\] \(Dense\) units must be"),
        ({"layers": dense(activation="nope")}, ValueError, "unknown activation 'nope'"),
        ({"layers": dense(activation="softmax")}, ValueError, "softmax"),
        ({"layers": dense(init=3)}, TypeError, r"layers\[1\] \(Dense\) init must be"),
        ({"layers": dense(units="5")}, TypeError, r"layers\[1\] \(Dense\) units must be"),
        ({"layers": dense(rate=0.5)}, ValueError, r"layers\[1\] \(Dense\) has no option 'rate'"),
        ({"layers": dense(bias=False)}, ValueError,
         r"parameters of layers\[1\] \(Dense\) must hold no 'bias'"),
        ({"layers": [{"kind": "conv"}]}, ValueError, r"layers\[0\] is of an unknown kind 'conv'"),
        ({"layers": [*dense()[:2], {**dense()[2], "trained": 2}]}, TypeError,
         r"trained of layers\[2\] \(Dense\) must be"),
        ({"layers": [{k: v for k, v in dense()[0].items() if k != "trained"}, *dense()[1:]]},
         ValueError, r"layers\[0\] \(Dense\) must say whether it is trained"),
        ({"loss": "poisson"}, ValueError, "poisson"),
        ({"dtype": "int8"}, ValueError, "dtype must be one of"),
        ({"seed": -1}, ValueError, "seed must be"),
        ({"draw": -1}, ValueError, "draw must be"),
        ({"draw": 2**32}, ValueError, "draw must be"),
        ({"parameters": []}, ValueError, "parameters must be a list of 3 layers"),
        ({"parameters": [{"weights": 1, "bias": 2}] * 3}, ValueError,
         r"parameters of layers\[0\] \(Dense\) must have weights of shape"),
        ({"parameters": [(1, 2)] * 3}, ValueError,
         r"parameters of layers\[0\] \(Dense\) must be a dict of arrays"),
        ({"parameters": [ARRAYS[0], {"weights": ARRAYS[1]["weights"]}, ARRAYS[2]]}, ValueError,
         r"parameters of layers\[1\] \(Dense\) must hold bias"),
        ({"parameters": [ARRAYS[0], {**ARRAYS[1], "more": np.ones(3)}, ARRAYS[2]]}, ValueError,
         r"parameters of layers\[1\] \(Dense\) must hold no 'more'"),
        ({"parameters": [*ARRAYS[:2], {**ARRAYS[2], "bias": np.array([1.0, np.nan])}]}, ValueError,
         r"bias in parameters of layers\[2\] \(Dense\) must be finite"),
        ({"optimizer": {"name": "adam"}}, ValueError, "optimizer must hold"),
        ({"optimizer": None, "steps": 0}, None, ""),
        ({"steps": 0}, ValueError, "steps must be"),
        ({"moments": [None, None]}, ValueError, "the moments are not those of the optimizer"),
        ({"moments": None}, ValueError, "moments must be two"),
        ({"moments": [ARRAYS[:2]] * 2}, ValueError, "moments must be a list of 3 layers"),
        ({"moments": [[ARRAYS[0]] * 3] * 2}, ValueError,
         r"moments of layers\[1\] \(Dense\) must have weights of shape"),
        ({"input_scaler": {}}, ValueError, "input_scaler must hold method, shift and scale"),
        ({"input_scaler": {"method": "standard", "shift": [0.0], "scale": [0.0]}}, ValueError,
         "scale above 0"),
        ({"input_scaler": {"method": "standard", "shift": [0.0], "scale": [1.0]}}, ValueError,
         "input_scaler must have 4 columns"),
        ({"settings": {"n_thread": 3}}, ValueError, "there is no setting 'n_thread'"),
        ({"settings": {"n_threads": -3}}, ValueError, "n_threads must be"),
        ({"settings": 3}, ValueError, "settings must be a dict"),
        ({"notes": None}, TypeError, "notes must be a dict"),
        ({"classes": ["a"]}, ValueError, "classes must be 2 different labels"),
        ({"classes": ["a", 1.5]}, TypeError, "labels in classes must be strings"),
        ({"classes": 3}, TypeError, "classes must be 2 different labels"),
    ],
    ids=str,
)  # fmt: skip
def test_states_that_are_not_right(change: dict[str, Any], error: Any, message: str) -> None:
    given = state() | change
    if error is None:
        remade(given)
        return
    with pytest.raises(error, match=message):
        remade(given)


def test_a_state_without_notes_has_none() -> None:
    given = state()
    del given["notes"]
    assert remade(given).notes == {}


@pytest.mark.parametrize("key", sorted(state().keys() - {"input_names", "classes", "notes"}))
def test_states_with_something_missing(key: str) -> None:
    given = state()
    del given[key]
    with pytest.raises(ValueError, match=key):
        remade(given)


# States with layers of every kind that are not right


def test_places_in_branches_are_told() -> None:
    given = every_kind.trained().__reduce__()[1][1]
    inner = r"layers\[1\] \(Residual\)\.layers\[2\] \(Dense\)"
    given["layers"][1]["branches"][0][2]["trained"] = "yes"
    with pytest.raises(TypeError, match=rf"trained of {inner} must be"):
        remade(given)
    given["layers"][1]["branches"][0][2]["trained"] = True
    place = 3  # the leaf's, depth first
    arrays = given["parameters"][place]
    given["parameters"][place] = {}
    with pytest.raises(ValueError, match=rf"parameters of {inner} must hold weights"):
        remade(given)
    given["parameters"][place] = {"weights": arrays["weights"].T}
    with pytest.raises(ValueError, match=rf"parameters of {inner} must have weights of shape"):
        remade(given)
    given["parameters"][place] = arrays
    given["moments"][1][place] = arrays | {"bias": np.zeros(6)}
    with pytest.raises(ValueError, match=rf"moments of {inner} must hold no 'bias'"):
        remade(given)


@pytest.mark.parametrize(
    ("place", "change", "message"),
    [
        (0, {"kind": "residual"}, r"layers\[0\] \(Residual 'first'\) must have branches"),
        (1, {"branches": []}, r"layers\[1\] \(Residual 'around'\) must have branches"),
        (1, {"branches": [[], []]}, r"\(Residual 'around'\)\.layers must have at least one layer"),
        (1, {"kind": "dense"}, r"layers\[1\] \(Dense 'around'\) lacks the option"),
        (1, {"kind": ["dense"]}, r"layers\[1\] must be a layer with a kind"),
        (3, {"options": {"shape": [8.0, 4.0]}}, r"layers\[3\] \(Reshape\) has 32 numbers"),
        (3, {"options": {}}, r"layers\[3\] \(Reshape\) lacks the option shape"),
        (6, {"options": {"rate": 0.5}}, r"layers\[6\] \(Flatten\) has no option 'rate'"),
        (8, {"options": {"rate": 1.0}}, r"layers\[8\] \(Dropout\) rate must be"),
        (8, {"options": 3}, r"layers\[8\] \(Dropout\) must have options"),
        (
            8,
            {"options": {"rate": 0.5, "name": "a.b"}},
            r"layers\[8\] \(Dropout 'a.b'\) name must be",
        ),
        (8, {"options": {"rate": 0.5, "name": None}}, r"layers\[8\] \(Dropout\) name must be"),
        (4, {"options": {"name": None}}, r"layers\[4\] \(Parallel\) name must be"),
        (4, {"options": {"name": "\udcff"}}, r"layers\[4\] \(Parallel .*\) name must be"),
        (2, {"options": {"activation": "nope"}}, "unknown activation 'nope'"),
    ],
    ids=str,
)
def test_layers_of_a_state_that_are_not_right(
    place: int, change: dict[str, Any], message: str
) -> None:
    given = every_kind.of_every_kind().__reduce__()[1][1]
    given["layers"][place] |= change
    with pytest.raises((ValueError, TypeError), match=message):
        remade(given)


def test_a_state_keeps_softmax_to_the_output_layer() -> None:
    nn = foxnn.neural_network([(2, 3), foxnn.Dense(32, "tanh"), foxnn.Flatten()])
    given = nn.__reduce__()[1][1]
    given["layers"][0]["options"]["activation"] = "softmax"
    with pytest.raises(ValueError, match=r"layers\[0\] \(Dense\): .* for the output layer only"):
        remade(given)


def test_a_state_keeps_names_apart() -> None:
    given = foxnn.neural_network([3, 4, 4]).__reduce__()[1][1]
    for part in given["layers"]:
        part["options"]["name"] = "a"
    with pytest.raises(ValueError, match="layers: layer names must be unique, got 'a'"):
        remade(given)


def test_a_state_of_layers_that_grow_without_end() -> None:
    twice = foxnn.Parallel(foxnn.Activation("tanh"), foxnn.Activation("tanh"))
    given = foxnn.neural_network([(4, 3), twice]).__reduce__()[1][1]
    for part in ("parameters", "layers"):
        given[part] = given[part] * 60
    with pytest.raises(ValueError, match=r"layers\[27\] \(Parallel\) gives shape .* more than"):
        remade(given)


# States of version 1


def former(**change: Any) -> dict[str, Any]:
    """Return the state of the network as 0.1.0 had it."""
    given = state()
    layers = [part["options"] for part in given.pop("layers")]
    sizes = [*given.pop("input_shape"), *(options["units"] for options in layers)]
    pairs = [[(a["weights"], a["bias"]) for a in m] for m in (given["parameters"],
             *given["moments"])]  # fmt: skip
    activations = [(options["activation"], options["parameters"]) for options in layers]
    said = {"version": 1, "sizes": sizes, "activations": activations, "parameters": pairs[0]}
    return given | said | {"moments": pairs[1:]} | change


def test_a_state_of_version_1_trains_on() -> None:
    nn = remade(former())
    assert repr(nn) == repr(network())
    assert train_on(nn) == train_on(network())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"sizes": [4, 33, 5]}, ValueError, "activations must be a list of 2, one per layer"),
        ({"sizes": [4, 33, 5], "activations": ["relu"] * 2}, ValueError,
         "parameters must be a list of 2 layers"),
        ({"sizes": [4, 33, 5, 3]}, ValueError,
         r"parameters of layers\[2\] \(Dense\) must have weights of shape"),
        ({"sizes": "net.txt"}, TypeError, r"sizes\[0\] must be an integer"),
        # Told before memory is taken for it.
        ({"sizes": [4, 2**30, 2**30, 2]}, ValueError,
         r"parameters of layers\[0\] \(Dense\) must have weights of shape"),
        ({"activations": [("nope", [])] * 3}, ValueError, "unknown activation 'nope'"),
        ({"activations": 3}, ValueError, "activations must be a list of 3"),
        ({"activations": [3] * 3}, TypeError, r"activations\[0\] must be a name"),
        ({"parameters": []}, ValueError, "parameters must be a list of 3 layers"),
        ({"parameters": [(1, 2)] * 3}, ValueError,
         r"parameters of layers\[0\] \(Dense\) must have weights of shape"),
        ({"parameters": [3] * 3}, ValueError, "parameters of layer 0 must be weights and bias"),
        ({"moments": None}, ValueError, "moments must be two"),
        ({"moments": [3, 3]}, ValueError, "moments must be a list of 3 layers"),
        ({"loss": "poisson"}, ValueError, "poisson"),
    ],
    ids=str,
)  # fmt: skip
def test_states_of_version_1_that_are_not_right(
    change: dict[str, Any], error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        remade(former(**change))


@pytest.mark.parametrize("key", sorted(former().keys() - {"input_names", "classes", "notes"}))
def test_states_of_version_1_with_something_missing(key: str) -> None:
    given = former()
    del given[key]
    with pytest.raises(ValueError, match=key):
        remade(given)


@pytest.mark.parametrize("given", [None, 3, [], {}, "x"])
def test_what_is_no_state(given: Any) -> None:
    with pytest.raises(ValueError, match="the state must be a dict with a version"):
        remade(given)
