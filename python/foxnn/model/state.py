"""All that a network is and remembers, as plain values: what copies, pickles and files hold.

A state is a dict of numbers, texts, lists and arrays; `make` makes the network again, and what a
state does not rightly say it refuses with a ValueError.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.checks.notes import notes_of
from foxnn.layers.specs import sizes_of
from foxnn.model.scaler import Scaler
from foxnn.model.settings import Settings
from foxnn.support import pieces

# What came later (input_names, notes) may be missing in states of before.
# Raised when a state means something else; states of before must still be read, or refused by name.
VERSION = 1

DTYPES = ("float32", "float64")
_KEYS = (
    "version", "sizes", "activations", "loss", "loss_given", "dtype", "seed", "draw", "parameters",
    "optimizer", "steps", "moments", "input_scaler", "output_scaler", "settings",
)  # fmt: skip
_RULE = {"name": str, **dict.fromkeys(_core.optimizer_constants(), float), "restart_after": int}


def state_of(network: Any) -> dict[str, Any]:
    """Return the state of a neural_network."""
    return state_of_copy(network, network._copy())  # of one moment, whoever trains meanwhile


def state_of_copy(network: Any, copy: _core.Network) -> dict[str, Any]:
    """Return the state of a neural_network, whose engine's part was copied at another moment."""
    return surroundings_of(network, copy) | memory_of(copy)


def surroundings_of(network: Any, copy: _core.Network) -> dict[str, Any]:
    """Return the state without its large arrays, which `memory_of` has."""
    sizes = sizes_of(copy)
    return {
        "version": VERSION,
        "sizes": sizes,
        "activations": [copy._activation(i) for i in range(len(sizes) - 1)],
        "loss": copy._loss(),
        "loss_given": network._loss_given,
        "dtype": network.dtype,
        "seed": copy._seed(),
        "draw": copy._draw(),
        "input_scaler": _scaler_state(network.input_scaler),
        "output_scaler": _scaler_state(network.output_scaler),
        "settings": network.settings._values(),
        "input_names": network.input_names,
        "notes": notes_of(network.notes),
    }


def memory_of(copy: _core.Network) -> dict[str, Any]:
    """Return what training has changed in a network of the engine: parameters and optimizer."""
    optimizer = _core.optimizer_state(copy)
    return {
        "parameters": _weights_and_biases(_core.parameters(copy)),
        "optimizer": None if optimizer is None else optimizer[0],
        "steps": 0 if optimizer is None else optimizer[1],
        "moments": [None, None]
        if optimizer is None
        else [m if m is None else _weights_and_biases(m) for m in optimizer[2]],
    }


def _weights_and_biases(layers: list[dict[str, Array]]) -> list[tuple[Array, Array]]:
    return [(arrays["weights"], arrays["bias"]) for arrays in layers]


def set_memory(network: Any, memory: Mapping[str, Any]) -> None:
    """Set parameters and optimizer, checked."""
    for i, (weights, bias) in enumerate(_pairs(memory["parameters"], network, "parameters")):
        network[i].weights, network[i].bias = weights, bias
    if memory["optimizer"] is not None:
        _set_optimizer(network, memory)


def _scaler_state(scaler: Scaler | None) -> dict[str, Any] | None:
    if scaler is None:
        return None
    return {"method": scaler.method, "shift": scaler.shift, "scale": scaler.scale}


def checked(state: object) -> Mapping[str, Any]:
    """Return the state, if it is one that this version knows and nothing is missing."""
    if not isinstance(state, Mapping) or "version" not in state:
        raise ValueError(f"the state must be a dict with a version, got {checks.shown(state)}")
    version = checks.integer(state["version"], "version", 1)
    if version > VERSION:
        raise ValueError(
            f"the state has version {version}, made by a later foxnn; foxnn {_core.__version__} "
            f"reads up to version {VERSION}"
        )
    if missing := [key for key in _KEYS if key not in state]:
        raise ValueError(f"the state lacks {', '.join(missing)}")
    _check_sizes(checks.layer_sizes(state["sizes"]), state["parameters"])
    return state


def _check_sizes(sizes: list[int], parameters: object) -> None:
    """Refuse sizes that the parameters do not have, before memory is taken for them."""
    if not isinstance(parameters, list | tuple) or len(parameters) != len(sizes) - 1:
        raise ValueError(f"parameters must be a list of {len(sizes) - 1} layers")
    for i, (pair, shape) in enumerate(zip(parameters, itertools.pairwise(sizes), strict=True)):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(f"parameters of layer {i} must be weights and bias")
        if (found := getattr(pair[0], "shape", ())) != shape:
            raise ValueError(f"parameters of layer {i} must have shape {shape}, got {found}")


def make(network: Any, state: Mapping[str, Any], dtype: str | None = None) -> None:
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
        For what the state does not rightly say, and for numbers too large for the type.
    """
    network._make(
        checks.layer_sizes(state["sizes"]),
        list(state["activations"]),
        None,
        checks.word(state["loss"], "loss"),
        "zeros",
        checks.choice(state["dtype"], "dtype", DTYPES) if dtype is None else dtype,
        checks.integer(state["seed"], "seed", 0, 2**64 - 1),
    )
    _fill(network, state)


def _fill(network: Any, state: Mapping[str, Any]) -> None:
    layers = _pairs(state["parameters"], network, "parameters")
    for i, (weights, bias) in enumerate(layers):
        network[i].weights, network[i].bias = weights, bias
    network._set_scalers(
        _scaler_from(state["input_scaler"], "input_scaler"),
        _scaler_from(state["output_scaler"], "output_scaler"),
    )
    network._set_loss(checks.word(state["loss"], "loss"))
    network._loss_given = checks.flag(state["loss_given"], "loss_given")
    set_settings(network.settings, state["settings"])
    network._input_names = names_from(state.get("input_names"), network._inputs())
    network.notes = state.get("notes", {})
    if state["optimizer"] is not None:
        _set_optimizer(network, state)
    _core.set_draw(network, checks.integer(state["draw"], "draw", 0, 2**32 - 1))


def _set_optimizer(network: Any, state: Mapping[str, Any]) -> None:
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
        network,
        _core.Optimizer(**rule),
        checks.integer(state["steps"], "steps", 1),
        [
            m
            if m is None
            else [{"weights": w, "bias": b} for w, b in _pairs(m, network, "moments")]
            for m in moments
        ],
    )


def _pairs(given: Any, network: Any, name: str) -> list[tuple[Array, Array]]:
    """Return weights and biases by layer, of the network's type, checked."""
    if not isinstance(given, list | tuple) or len(given) != len(network):
        raise ValueError(f"{name} must be a list of {len(network)} layers")
    pairs: list[tuple[Array, Array]] = []
    for i, (pair, part) in enumerate(zip(given, network, strict=True)):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(f"{name} of layer {i} must be weights and bias")
        shapes = (part.get_N_w(), part.get_N_n()), (part.get_N_n(),)
        arrays = [
            _array(values, f"{name} of layer {i}", shape, network.dtype)
            for values, shape in zip(pair, shapes, strict=True)
        ]
        pairs.append((arrays[0], arrays[1]))
    return pairs


def _array(values: Any, name: str, shape: tuple[int, ...], dtype: str) -> Array:
    array = checks.as_array(values, name)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    if not checks.all_finite(checks.engine_type(array), dtype == "float32"):
        raise ValueError(f"{name} must be finite{' in float32' if dtype == 'float32' else ''}")
    right = array.dtype == dtype and array.flags.c_contiguous and array.flags.aligned
    return array if right else pieces.converted(array, dtype)


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


def names_from(given: Any, count: int) -> list[str] | None:
    """Return the names of columns, checked; None for none."""
    if given is None:
        return None
    if not isinstance(given, list | tuple) or len(given) != count:
        raise ValueError(f"input_names must be {count} names, got {checks.shown(given)}")
    return [checks.text(name, "a name of input_names") for name in given]


def set_settings(settings: Settings, values: object) -> None:
    """Set settings from a dict with dotted names, as `Settings._values` gives it."""
    if not isinstance(values, Mapping):
        raise ValueError(f"settings must be a dict, got {checks.shown(values)}")
    known = settings._values()
    for name, value in values.items():
        if name not in known:
            raise ValueError(f"there is no setting {checks.shown(name)}")
        *path, last = name.split(".")
        owner: Any = settings
        for part in path:
            owner = getattr(owner, part)
        setattr(owner, last, value)
