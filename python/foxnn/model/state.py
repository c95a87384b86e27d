"""The complete state of a network as plain values: what copies, pickles and files hold.

A state is a dict of numbers, texts, lists and arrays. `make` makes the network again, and raises a
ValueError for an invalid state. How a state describes layers is in `layer_tree`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from foxnn import _core, checks
from foxnn.checks.notes import notes_of
from foxnn.layers.kinds import leaves
from foxnn.layers.steps import varies
from foxnn.model import former_state
from foxnn.model.face import Face
from foxnn.model.layer_tree import (
    Layers,
    Leaf,
    check_shapes,
    checked_arrays,
    checked_layers,
    leaves_of,
    tree_of,
)
from foxnn.model.losses import (
    OWN,
    LossFunction,
    LossLike,
    as_given,
    function_of_name,
    public_name,
)
from foxnn.model.names import DTYPES
from foxnn.model.scaler import Scaler
from foxnn.model.settings import Settings, values_of

# Raised when a state means something else; earlier states must still be read, or refused by name.
# What came later (input_names, classes, notes, loss_parameters, loss_function) may be missing in
# earlier ones.
VERSION = 2

_KEYS = (
    "version", "input_shape", "layers", "loss", "loss_given", "dtype", "seed", "draw", "parameters",
    "optimizer", "steps", "moments", "input_scaler", "output_scaler", "settings",
)  # fmt: skip
_RULE = {"name": str, **dict.fromkeys(_core.optimizer_constants(), float), "restart_after": int}


def state_of(network: Face) -> dict[str, Any]:
    """Return the state of a neural_network."""
    return state_of_copy(
        network, network._copy()
    )  # a snapshot, even if another thread trains meanwhile


def state_of_copy(network: Face, copy: _core.Network) -> dict[str, Any]:
    """Return the state of a neural_network, whose engine's part was copied at another moment."""
    return surroundings_of(network, copy) | memory_of(copy)


def surroundings_of(network: Face, copy: _core.Network) -> dict[str, Any]:
    """Return the state without its large arrays, which `memory_of` has."""
    numbers, own = copy._loss_parameters(), network._own_loss
    return {
        "version": VERSION,
        "input_shape": list(copy._input_shape()),
        "layers": tree_of(copy._layers()),
        "loss": public_name(copy._loss()),
        "loss_given": network._loss_given,
        "dtype": network.dtype,
        "seed": copy._seed(),
        "draw": copy._draw(),
        "input_scaler": _scaler_state(network.input_scaler),
        "output_scaler": _scaler_state(network.output_scaler),
        "settings": values_of(network.settings),
        "input_names": network.input_names,
        "classes": network.classes,
        "notes": notes_of(network.notes),
        # Left out where there is none, so that earlier versions read most files.
        **({"loss_parameters": numbers} if numbers else {}),
        **({"loss_function": own} if own is not None else {}),
    }


def memory_of(copy: _core.Network) -> dict[str, Any]:
    """Return what training has changed in a network of the engine: parameters and optimizer."""
    optimizer = _core.optimizer_state(copy)
    return {
        "parameters": _core.parameters(copy),
        "optimizer": None if optimizer is None else optimizer[0],
        "steps": 0 if optimizer is None else optimizer[1],
        "moments": [None, None] if optimizer is None else optimizer[2],
    }


def set_memory(network: Face, memory: Mapping[str, Any]) -> None:
    """Set parameters and optimizer, checked."""
    there = leaves_of(network._layers())
    _set_parameters(network, memory["parameters"], there)
    if memory["optimizer"] is not None:
        _set_optimizer(network, memory, there)


def progress_of(network: Face) -> tuple[dict[str, Any], int]:
    """Return all that the steps of a training change: parameters, optimizer and draws."""
    engine = _engine(network)
    return memory_of(engine), engine._draw()


def set_progress(network: Face, progress: tuple[dict[str, Any], int]) -> None:
    """Bring a network with the same layers to where `progress_of` found another one."""
    memory, draw = progress
    if memory["optimizer"] is None:
        _engine(network)._reset_optimizer()
    set_memory(network, memory)
    _core.set_draw(_engine(network), draw)


def _set_parameters(network: Face, given: object, there: list[Leaf]) -> None:
    by_layer = checked_arrays(given, there, "parameters", network.dtype)
    for part, arrays in zip(leaves(network._layers()), by_layer, strict=True):
        for name, array in arrays.items():
            network._set_array(part["index"], name, array)


def _scaler_state(scaler: Scaler | None) -> dict[str, Any] | None:
    if scaler is None:
        return None
    return {"method": scaler.method, "shift": scaler.shift, "scale": scaler.scale}


def _with_version(state: object) -> Mapping[str, Any]:
    """Return the state, if it is of a version that this foxnn reads."""
    if not isinstance(state, Mapping) or "version" not in state:
        raise ValueError(f"the state must be a dict with a version, got {checks.shown(state)}")
    version = checks.integer(state["version"], "version", 1)
    if version > VERSION:
        raise ValueError(
            f"the state has version {version}, made by a later foxnn; foxnn {_core.__version__} "
            f"reads up to version {VERSION}"
        )
    return state


def checked(state: object) -> Mapping[str, Any]:
    """Return the state, if this version can read it and nothing is missing."""
    given: Mapping[str, Any] = _with_version(state)
    if given["version"] < VERSION:
        given = former_state.converted(given)
    if missing := [key for key in _KEYS if key not in given]:
        raise ValueError(f"the state lacks {', '.join(missing)}")
    return given


def with_layers(state: object) -> dict[str, Any]:
    """Return a state, whose arrays may be missing, with its layers described as in this version."""
    given = _with_version(state)
    if given["version"] < VERSION:
        return former_state.with_layers(given)
    if missing := [name for name in ("input_shape", "layers") if name not in given]:
        raise ValueError(f"the state lacks {', '.join(missing)}")
    return dict(given)


def layers_of(state: Mapping[str, Any]) -> Layers:
    """Return the layers that a state describes, checked."""
    return checked_layers(state["input_shape"], state["layers"])


def make(network: Face, state: Mapping[str, Any], dtype: str | None = None) -> None:
    """Make a new object of the class the network of a checked state.

    Parameters
    ----------
    network : neural_network
        Not yet made.
    state : mapping
    dtype : str, optional
        By default that of the state.

    Raises
    ------
    ValueError, TypeError
        For an invalid state, and for numbers too large for the type.
    """
    layers = layers_of(state)
    check_shapes(state["parameters"], layers.leaves, "parameters")
    network._begin(
        layers.input_shape,
        layers.specs,
        _loss_of(state),
        checks.choice(state["dtype"], "dtype", DTYPES) if dtype is None else dtype,
        checks.integer(state["seed"], "seed", 0, 2**64 - 1),
    )
    _fill(network, state, layers.leaves)


def _loss_of(state: Mapping[str, Any]) -> LossLike:
    """Return the loss that a state has; earlier states know no numbers and functions."""
    name = checks.word(state["loss"], "loss")
    if name == OWN:
        function = state.get("loss_function")
        if isinstance(function, str):  # in a file
            return function_of_name(function)
        if not callable(function):
            raise ValueError(f"loss_function must be a function, got {checks.shown(function)}")
        own: LossFunction = function
        return own
    given = state.get("loss_parameters", [])
    if not isinstance(given, list | tuple):
        raise ValueError(f"loss_parameters must be a list, got {checks.shown(given)}")
    numbers = [checks.real(one, "loss_parameters") for one in given]
    return as_given(name, numbers)


def _fill(network: Face, state: Mapping[str, Any], there: list[Leaf]) -> None:
    _set_parameters(network, state["parameters"], there)
    for part, leaf in zip(leaves(network._layers()), there, strict=True):
        if not leaf.trained:
            network._set_trained(part["index"], False)
    network._set_scalers(
        _scaler_from(state["input_scaler"], "input_scaler"),
        _scaler_from(state["output_scaler"], "output_scaler"),
    )
    network._loss_given = checks.flag(state["loss_given"], "loss_given")
    set_settings(network.settings, state["settings"])
    network._input_names = names_from(state.get("input_names"), columns_of(network))
    network.classes = state.get("classes")
    network.notes = state.get("notes", {})
    if state["optimizer"] is not None:
        _set_optimizer(network, state, there)
    _core.set_draw(_engine(network), checks.integer(state["draw"], "draw", 0, 2**32 - 1))


def _engine(network: Face) -> _core.Network:
    return cast(_core.Network, network)  # which each network is


def _set_optimizer(network: Face, state: Mapping[str, Any], there: list[Leaf]) -> None:
    given = state["optimizer"]
    if not isinstance(given, Mapping) or set(given) != set(_RULE):
        raise ValueError(f"optimizer must hold {', '.join(_RULE)}, got {checks.shown(given)}")
    rule: dict[str, Any] = {
        name: checks.word(given[name], name)
        if kind is str
        else checks.integer(given[name], name, 0)
        if kind is int
        else checks.real(given[name], name)
        for name, kind in _RULE.items()
    }
    moments = state["moments"]
    if not isinstance(moments, list | tuple) or len(moments) != 2:
        raise ValueError(f"moments must be two, got {checks.shown(moments)}")
    _core.set_optimizer_state(
        _engine(network),
        _core.Optimizer(**rule),
        checks.integer(state["steps"], "steps", 1),
        [m if m is None else checked_arrays(m, there, "moments", network.dtype) for m in moments],
    )


def _scaler_from(given: Any, name: str) -> Scaler | None:
    if given is None:
        return None
    if not isinstance(given, Mapping) or set(given) != {"method", "shift", "scale"}:
        raise ValueError(f"{name} must hold method, shift and scale, got {checks.shown(given)}")
    scaler = Scaler(given["method"])
    shift, scale = (checks.as_array(given[part], f"{name}.{part}") for part in ("shift", "scale"))
    right = shift.ndim == 1 and shift.shape == scale.shape
    if not right or not np.isfinite(shift).all() or not (np.isfinite(scale) & (scale > 0)).all():
        raise ValueError(f"{name} must hold a finite shift and a scale above 0 for each column")
    scaler.shift, scaler.scale = shift.astype(np.float64), scale.astype(np.float64)
    return scaler


def columns_of(network: Face) -> tuple[int, ...]:
    """Return how many names there may be: one an input, or for sequences one a channel."""
    shape = network._input_shape()
    if varies(shape):
        return (math.prod(shape[1:]),)
    return (network._inputs(), shape[1]) if len(shape) == 2 else (network._inputs(),)


def names_from(given: Any, counts: tuple[int, ...]) -> list[str] | None:
    """Return the names of columns, as many as are allowed, checked; None for none."""
    if given is None:
        return None
    if not isinstance(given, list | tuple) or len(given) not in counts:
        allowed = " or ".join(map(str, counts))
        raise ValueError(f"input_names must be {allowed} names, got {checks.shown(given)}")
    return [checks.text(name, "a name of input_names") for name in given]


def set_settings(settings: Settings, values: object) -> None:
    """Set settings from a dict with dotted names, as `values_of` gives it."""
    if not isinstance(values, Mapping):
        raise ValueError(f"settings must be a dict, got {checks.shown(values)}")
    known = values_of(settings)
    for name, value in values.items():
        if name not in known:
            raise ValueError(f"there is no setting {checks.shown(name)}")
        *path, last = name.split(".")
        owner: Any = settings
        for part in path:
            owner = getattr(owner, part)
        setattr(owner, last, value)
