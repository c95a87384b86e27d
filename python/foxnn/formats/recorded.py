"""What a written file is tested with: inputs, and the answers of the network to them."""

from __future__ import annotations

from typing import Any

import numpy as np

from foxnn.checks import Array
from foxnn.layers.steps import varies, with_steps
from foxnn.model import state
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.scaler import shift_and_scale

# The number of samples, and the seed of random ones.
COUNT, _SEED = 8, 0

# Of how many steps samples are, where sequences may have any number.
_STEPS = 6

# Rounding in another order than the engine's may do so many times as much.
_LEEWAY = 8.0


def twin_of(network: AnsweringNetwork, given: dict[str, Any], dtype: str | None = None) -> Any:
    """Return a network of a state, of the class of another."""
    kind: Any = type(network)
    made = kind.__new__(kind)
    state.make(made, given, dtype)
    return made


def snapshot(network: AnsweringNetwork) -> dict[str, Any]:
    """Return a consistent state, even if another thread trains; without that of the optimizer."""
    return state.state_of(network) | {"optimizer": None, "steps": 0, "moments": [None, None]}


def drawn(network: AnsweringNetwork) -> Array:
    """Return uniform inputs from -2 to 2, or within two scales of the shift; or indices."""
    rng = np.random.default_rng(_SEED)
    shape: tuple[int, ...] = (COUNT, network._inputs())
    if varies(network._input_shape()):
        shape = (COUNT, *with_steps(network._input_shape(), max(_STEPS, network._least)))
    if limit := network._index_limit():
        return rng.integers(0, limit, shape).astype(network.dtype)
    x = rng.uniform(-2.0, 2.0, shape)
    if network.input_scaler is not None:
        shift, scale = shift_and_scale(network.input_scaler)
        x = x * scale + shift
    return x.astype(network.dtype)


def finite_answers(network: AnsweringNetwork, x: Array) -> tuple[Array, Array]:
    """Return the samples whose outputs are finite, which alone can be written, and these outputs.

    Raises
    ------
    ValueError
        If there are none.
    """
    outputs = network.predict(x).reshape(len(x), -1)
    finite = np.isfinite(outputs).all(axis=1)
    if not finite.any():
        raise ValueError("the network must have finite outputs for some of the samples")
    return x[finite], outputs[finite]


def in_other_precision(network: AnsweringNetwork) -> AnsweringNetwork:
    """Return a copy in float64 of a network in float32, and the other way round."""
    other = "float64" if network.dtype == "float32" else "float32"
    twin: AnsweringNetwork = twin_of(network, state.state_of(network), other)
    return twin


def rounding(outputs: Array, exact: Array) -> float:
    """Return what rounding to float32 may do to outputs, relative to 1 or to a larger output.

    Its effect is the difference between the outputs in float32 and in float64.
    """
    error = np.abs(outputs - exact) / np.maximum(1.0, np.abs(exact))
    return float(f"{_LEEWAY * error.max():.1e}")
