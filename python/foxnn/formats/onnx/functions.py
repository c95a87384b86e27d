"""What the elementwise operators of ONNX compute, and which activation a composition of them is.

Exporters write an activation as one node or as several, each in his own way (gelu by Erf or Erfc,
silu as a product, softplus by Log and Exp, leaky relu by Relu and Neg). What nodes compute is
therefore computed here for a grid of numbers, in float64, and compared with foxnn's activations:
what agrees on the whole grid is the activation. Nothing is run but the functions of this module.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from foxnn import _core
from foxnn.checks import Array
from foxnn.layers.activation_table import (
    ACTIVATIONS,
    JOINING,
    SELU_ALPHA,
    SELU_GAMMA,
    WITH_ALPHA,
)
from foxnn.layers.activations import ActivationPair
from foxnn.layers.specs import dense_spec

Attributes = Mapping[str, Any]

# Dense where activations bend, and far out, where those that are cut off (relu6) show it.
_NEAR = np.geomspace(1e-4, 60.0, 80)
_FAR = np.array([1e3, 1e6, 1e20])
GRID = np.concatenate([-_FAR[::-1], -_NEAR[::-1], [0.0], _NEAR, _FAR])
_IS_NEAR = np.abs(GRID) <= _NEAR[-1]
# Where functions that differ mostly do: near -1 and 1.
_PROBES = [int(np.argmin(np.abs(GRID - z))) for z in (-1.0, 1.0)]

# Constants of exporters are often float32: relative to 1, or to the value where it is larger.
_TOLERANCE = 2e-6

_erf = np.vectorize(math.erf, otypes=[np.float64])
_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def _sigmoid(z: Array) -> Array:
    return np.exp(-np.logaddexp(0.0, -z))


def _elu(z: Array, alpha: float, gamma: float = 1.0) -> Array:
    value: Array = gamma * np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0.0)))
    return value


def _gelu(given: Attributes, z: Array) -> Array:
    if given.get("approximate", b"none") != b"none":
        probability = 0.5 * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (z + 0.044715 * z**3)))
    else:
        probability = 0.5 * _erfc(-z * math.sqrt(0.5))
    value: Array = z * probability
    return value


def _clip(given: Attributes, z: Array, low: Any = None, high: Any = None) -> Array:
    # Up to operator set 10 the bounds are attributes.
    low = given.get("min", -math.inf) if low is None else low
    high = given.get("max", math.inf) if high is None else high
    cut: Array = np.minimum(np.maximum(z, low), high)
    return cut


# What each computes; the attributes come first.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Abs": lambda _, a: np.abs(a),
    "Add": lambda _, a, b: a + b,
    "Atan": lambda _, a: np.arctan(a),
    "Celu": lambda at, a: _elu(a / at.get("alpha", 1.0), 1.0, at.get("alpha", 1.0)),
    "Clip": _clip,
    "Cos": lambda _, a: np.cos(a),
    "Div": lambda _, a, b: a / b,
    "Elu": lambda at, a: _elu(a, at.get("alpha", 1.0)),
    "Erf": lambda _, a: _erf(a),
    "Erfc": lambda _, a: _erfc(a),  # no operator of ONNX, but Keras writes gelu with it
    "Exp": lambda _, a: np.exp(a),
    "Gelu": _gelu,
    "Greater": lambda _, a, b: a > b,
    "GreaterOrEqual": lambda _, a, b: a >= b,
    "LeakyRelu": lambda at, a: np.where(a < 0, at.get("alpha", 0.01) * a, a),
    "Less": lambda _, a, b: a < b,
    "LessOrEqual": lambda _, a, b: a <= b,
    "Log": lambda _, a: np.log(a),
    "Max": lambda _, *all_: functools.reduce(np.maximum, all_),
    "Min": lambda _, *all_: functools.reduce(np.minimum, all_),
    "Mul": lambda _, a, b: a * b,
    "Neg": lambda _, a: -a,
    "Not": lambda _, a: np.logical_not(a),
    "PRelu": lambda _, a, slope: np.where(a < 0, slope * a, a),
    "Pow": lambda _, a, b: np.power(a, b),
    "Reciprocal": lambda _, a: 1.0 / a,
    "Relu": lambda _, a: np.maximum(a, 0.0),
    "Selu": lambda at, a: _elu(a, at.get("alpha", SELU_ALPHA), at.get("gamma", SELU_GAMMA)),
    "Sigmoid": lambda _, a: _sigmoid(a),
    "Sin": lambda _, a: np.sin(a),
    "Softplus": lambda _, a: np.logaddexp(0.0, a),
    "Sqrt": lambda _, a: np.sqrt(a),
    "Sub": lambda _, a, b: a - b,
    "Swish": lambda at, a: a * _sigmoid(at.get("alpha", 1.0) * a),
    "Tanh": lambda _, a: np.tanh(a),
    "Where": lambda _, condition, a, b: np.where(condition, a, b),
}


def compute(kind: str, given: Attributes, values: list[Any]) -> Array | None:
    """Return what an operator makes of arrays and numbers, or None if it does not take them."""
    if kind != "Clip" and any(value is None for value in values):  # left out
        return None
    with np.errstate(all="ignore"):
        try:
            return np.asarray(FUNCTIONS[kind](given, *values))
        except (TypeError, ValueError):  # too few of them, or too many
            return None


def activation_of(values: Array) -> ActivationPair | None:
    """Return the activation that has these values on the grid, or None; softmax is none of them."""
    for name, ours in _without_parameters().items():
        if _agree(values, ours, is_wave=ACTIVATIONS[name].is_wave):
            return name, []
    place, above = _PROBES
    if not _is_close(values[above], GRID[above]):  # both are the identity there
        return None
    for name, unit in _of_one().items():
        # Below zero each is proportional to its parameter.
        alpha = float(values[place]) / float(unit[place])
        if 0.0 <= alpha < 1e30 and _agree(values, _values(name, alpha)):
            return name, [_shortest(alpha)]
    return None


@functools.cache
def _without_parameters() -> dict[str, Array]:
    """Return the values on the grid of the activations that depend on nothing else."""
    return {name: _values(name) for name in _core.activations() if name not in JOINING | WITH_ALPHA}


@functools.cache
def _of_one() -> dict[str, Array]:
    """Return the values on the grid of the others, with the parameter 1."""
    return {name: _values(name, 1.0) for name in _core.activations() if name in WITH_ALPHA}


def _values(name: str, *parameters: float) -> Array:
    """Return what foxnn's activation gives on the grid."""
    network = _core.Network([1], [dense_spec(1, (name, list(parameters)), "zeros")], False, 0)
    network._set_array(0, "weights", np.ones((1, 1)))
    out = network._predict(np.ascontiguousarray(GRID[:, None]), 1)
    assert out is not None
    return out[:, 0]


def _is_close(value: float, ours: float) -> bool:
    expected = float(ours)
    return abs(float(value) - expected) <= _TOLERANCE * max(1.0, abs(expected))


def _agree(values: Array, ours: Array, is_wave: bool = False) -> bool:
    # A file may bring thousands of compositions: the first look is a cheap one.
    if not all(_is_close(values[i], ours[i]) for i in _PROBES):
        return False
    with np.errstate(all="ignore"):
        off = np.abs(values - ours) / np.maximum(1.0, np.abs(ours))
    # Far out, a composition may overflow where the activation does not, and a sine depends on the
    # last digit of its argument.
    excused = ~_IS_NEAR & (~np.isfinite(values) | is_wave)
    return bool(((off <= _TOLERANCE) | (values == ours) | excused).all())


def _shortest(alpha: float) -> float:
    """Return the shortest number that is the same float32, where alpha is a float32 at all."""
    single = np.float32(alpha)
    if math.isclose(float(single), alpha, rel_tol=1e-13):
        return float(np.format_float_positional(single, unique=True))
    return float(f"{alpha:.15g}")
