"""Converts states of version 1 (foxnn 0.1.0) to version 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foxnn import checks
from foxnn.layers.activations import parse_activation
from foxnn.layers.kind import Spec

_KEYS = ("sizes", "activations", "parameters", "moments")


def converted(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state of version 1 as one of version 2.

    Raises
    ------
    ValueError, TypeError
        For sizes, activations or pairs of arrays that are none.
    """
    if missing := [key for key in _KEYS if key not in state]:
        raise ValueError(f"the state lacks {', '.join(missing)}")
    found = with_layers(state)
    count = len(found["layers"])
    found["parameters"] = _by_name(state["parameters"], count, "parameters")
    moments = state["moments"]
    if isinstance(moments, list | tuple):
        found["moments"] = [m if m is None else _by_name(m, count, "moments") for m in moments]
    return found


def with_layers(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state that describes its layers as version 2 does; its arrays are unchanged."""
    sizes = checks.layer_sizes(state.get("sizes"))
    activations = state.get("activations")
    if not isinstance(activations, list | tuple) or len(activations) != len(sizes) - 1:
        raise ValueError(f"activations must be a list of {len(sizes) - 1}, one per layer")
    rest = {name: value for name, value in state.items() if name not in ("sizes", "activations")}
    layers = [
        _dense(units, activation, f"activations[{i}]")
        for i, (units, activation) in enumerate(zip(sizes[1:], activations, strict=True))
    ]
    return rest | {"version": 2, "input_shape": sizes[:1], "layers": layers}


def _dense(units: int, activation: object, name: str) -> Spec:
    function, parameters = parse_activation(activation, name)
    options = {"units": units, "activation": function, "parameters": parameters}
    return {"kind": "dense", "options": options, "trained": True}


def _by_name(pairs: object, count: int, name: str) -> list[dict[str, Any]]:
    """Return pairs of weights and bias by name."""
    if not isinstance(pairs, list | tuple) or len(pairs) != count:
        raise ValueError(f"{name} must be a list of {count} layers")
    for i, pair in enumerate(pairs):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(f"{name} of layer {i} must be weights and bias")
    return [{"weights": weights, "bias": bias} for weights, bias in pairs]
