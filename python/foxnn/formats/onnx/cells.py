"""One step of a recurrent layer, from the nodes that compute it in the body of a loop.

Each value is an expression of the features x of a step and of the state h before it: one of those
that Keras' SimpleRNN, tanh(x W + b + h U), and its GRU, z h + (1 - z) n, are made of.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from foxnn.checks import Array
from foxnn.formats.onnx.constants import Attributes, NotRead

NO_CELL = "expected a loop over the steps of a GRU or SimpleRNN, as Keras has them"


class Features(NamedTuple):
    """The features x of a step of a sequence."""


class State(NamedTuple):
    """The state h before a step."""


class Half(NamedTuple):
    """A product with weights (rows of the factor, columns), and what is added to it."""

    weights: Array
    bias: Array | None = None

    @property
    def columns(self) -> tuple[int]:
        """Shape of the product of one row."""
        return (int(self.weights.shape[1]),)


class Linear(NamedTuple):
    """The sum of a product of the features and one of the state, either of which may be missing."""

    of_x: Half | None
    of_h: Half | None

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(next(half.weights.shape[1] for half in self if half is not None))


class Gate(NamedTuple):
    """The sigmoid of a sum."""

    of: Linear


class Rest(NamedTuple):
    """1 minus a gate."""

    gate: Gate


class Gated(NamedTuple):
    """A gate times the state, or times a product of it."""

    gate: Gate
    value: State | Linear


class ResetFirst(NamedTuple):
    """The product of a gated state with weights."""

    gate: Gate
    weights: Array


class Candidate(NamedTuple):
    """What the new state of a GRU may become, without its tanh."""

    of_x: Linear
    of_h: Gated | ResetFirst


class Bent(NamedTuple):
    """A function of a sum."""

    function: str
    of: Linear | Candidate


class Renewed(NamedTuple):
    """The part of a new state that does not come from the state before it."""

    rest: Rest
    new: Bent


class Mixed(NamedTuple):
    """The new state of a GRU: z h + (1 - z) n."""

    update: Gate
    new: Candidate


class Cell(NamedTuple):
    """A recurrent layer as a node of ONNX has it: kind, attributes, and the arrays W, R and B."""

    kind: str
    given: Attributes
    arrays: tuple[Array, Array, Array | None]


def step_of(kind: str, values: list[Any]) -> Any:
    """Return the expression that a node makes of others and of constants; None if it is none."""
    if kind in ("Identity", "Cast") and len(values) == 1:
        return values[0]
    if kind in ("Sigmoid", "Tanh", "Relu") and len(values) == 1:
        (value,) = values
        if kind == "Sigmoid":
            return Gate(value) if isinstance(value, Linear) else None
        is_bent = isinstance(value, Linear) or (isinstance(value, Candidate) and kind == "Tanh")
        return Bent(kind, value) if is_bent else None
    if len(values) != 2:
        return None
    if kind == "MatMul":
        return _product(*values)
    if kind == "Sub" and isinstance(values[1], Gate):
        one = values[0]
        is_one = isinstance(one, np.ndarray) and one.size == 1 and float(one.ravel()[0]) == 1.0
        return Rest(values[1]) if is_one else None
    pairwise = {"Add": _sum, "Mul": _gated}.get(kind)
    found = None if pairwise is None else pairwise(*values)
    return pairwise(*values[::-1]) if pairwise is not None and found is None else found


def columns_of(value: Linear, columns: slice) -> Linear:
    """Return some columns of a sum."""
    halves = (
        half and Half(half.weights[:, columns], None if half.bias is None else half.bias[columns])
        for half in value
    )
    return Linear(*halves)


def cell_of(state: Any) -> Cell:
    """Return the layer whose new state an expression is."""
    if isinstance(state, Bent) and isinstance(state.of, Linear):
        return _layer("rnn", {"activations": [state.function.encode()]}, [state.of])
    if not isinstance(state, Mixed):
        raise NotRead(NO_CELL)
    inner, of_h = state.new.of_x, state.new.of_h
    if isinstance(of_h, ResetFirst):
        own = Half(of_h.weights)
    elif isinstance(of_h.value, Linear) and of_h.value.of_h is not None:
        own = of_h.value.of_h
    else:
        raise NotRead(NO_CELL)
    given = {"linear_before_reset": int(isinstance(of_h, Gated))}
    return _layer("gru", given, [state.update.of, of_h.gate.of, Linear(inner.of_x, own)])


def _product(value: Any, weights: Any) -> Linear | ResetFirst | None:
    if not isinstance(weights, np.ndarray) or weights.dtype.kind != "f" or weights.ndim != 2:
        return None
    if 0 in weights.shape:
        return None
    if isinstance(value, Features):
        return Linear(Half(weights), None)
    if isinstance(value, State):
        return Linear(None, Half(weights))
    if isinstance(value, Gated) and isinstance(value.value, State):
        return ResetFirst(value.gate, weights)
    return None


def _sum(first: Any, second: Any) -> Linear | Candidate | Mixed | None:
    if isinstance(first, Linear):
        if isinstance(second, np.ndarray):
            return _with_bias(first, second)
        if isinstance(second, Linear) and first.width == second.width:
            return Linear(*(_added(*pair) for pair in zip(first, second, strict=True)))
        if isinstance(second, (Gated, ResetFirst)) and first.of_h is None:
            return Candidate(first, second)
    if isinstance(first, Gated) and isinstance(second, Renewed):
        new = second.new.of
        is_one = first.gate is second.rest.gate and isinstance(first.value, State)
        return Mixed(first.gate, new) if is_one and isinstance(new, Candidate) else None
    return None


def _with_bias(value: Linear, bias: Array) -> Linear | None:
    """Return a sum with a constant, which goes to the product of the state if that is alone."""
    own = value.of_h if value.of_x is None else value.of_x
    if own is None or bias.dtype.kind != "f" or bias.shape not in (own.columns, (1, *own.columns)):
        return None
    bias = bias.reshape(-1)
    half = Half(own.weights, bias if own.bias is None else own.bias + bias)
    return Linear(None, half) if value.of_x is None else Linear(half, value.of_h)


def _added(first: Half | None, second: Half | None) -> Half | None:
    if first is None or second is None:
        return first or second
    if first.weights.shape != second.weights.shape:
        raise NotRead(NO_CELL)
    biases = [half.bias for half in (first, second) if half.bias is not None]
    return Half(first.weights + second.weights, sum(biases[1:], biases[0]) if biases else None)


def _gated(first: Any, second: Any) -> Gated | Renewed | None:
    is_of_h = isinstance(second, State) or (isinstance(second, Linear) and second.of_x is None)
    if isinstance(first, Gate) and is_of_h:
        return Gated(first, second)
    is_new = isinstance(second, Bent) and isinstance(second.of, Candidate)
    return Renewed(first, second) if isinstance(first, Rest) and is_new else None


def _layer(kind: str, given: Attributes, gates: list[Linear]) -> Cell:
    """Return a layer of these gates, which are in the order of ONNX."""
    halves = [*(gate.of_x for gate in gates), *(gate.of_h for gate in gates)]
    found = [half for half in halves if half is not None]
    of_x, of_h = found[: len(gates)], found[len(gates) :]
    if len(found) < len(halves) or any(
        half.weights.shape != own[0].weights.shape for own in (of_x, of_h) for half in own
    ):
        raise NotRead(NO_CELL)
    arrays = [np.concatenate([half.weights.T for half in own])[None] for own in (of_x, of_h)]
    bias = None
    if any(half.bias is not None for half in found):
        none = np.zeros(gates[0].width, arrays[0].dtype)
        biases = [none if half.bias is None else half.bias for half in found]
        bias = np.concatenate(biases)[None]
    return Cell(kind, given, (arrays[0], arrays[1], bias))
