"""From the steps of an ONNX graph to layers: weights, activations, and the scaling of both ends.

A graph that foxnn can hold is a chain. Where every way from the input to the output passes one
step, the chain is cut; between two cuts lies a dense layer, a shift or factor for each column, or a
function of one number. The functions between two dense layers must together be an activation, and
shifts and factors go into the weights or, at both ends, into scalers.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from foxnn.checks import Array
from foxnn.formats.onnx.functions import FUNCTIONS, GRID, activation_of, compute
from foxnn.formats.onnx.graph import NO_SUCH_NODE, SOFTMAX, Graph, NotAChain, Step
from foxnn.layers.activation_table import FOR_OUTPUT
from foxnn.layers.activations import ActivationPair

# No exporter writes so many steps between two dense layers.
_MOST_STEPS = 64
# Shifts and factors that an activation begins or ends with: tanh as 2 sigmoid(2z) - 1 has 1 and 2.
_MOST_AROUND = 4

_IDENTITY: ActivationPair = ("identity_x", [])


class Affine(NamedTuple):
    """x becomes (x - shift) / scale, column by column; each is one number or as wide as a row."""

    shift: Array = np.zeros(())
    scale: Array = np.ones(())

    def then(self, kind: str, number: Array) -> Affine:
        """Return it followed by another step: Add, Sub, Mul or Div."""
        with np.errstate(all="ignore"):
            if kind == "Add":
                return Affine(self.shift - number * self.scale, self.scale)
            if kind == "Sub":
                return Affine(self.shift + number * self.scale, self.scale)
            return Affine(self.shift, self.scale * number if kind == "Div" else self.scale / number)

    def is_sound(self) -> bool:
        """Return whether it can be undone."""
        finite = np.isfinite(self.shift).all() and np.isfinite(self.scale).all()
        return bool(finite and (self.scale != 0).all())


class Dense(NamedTuple):
    """A layer: weights of shape (inputs, neurons), a bias (None: zeros), and an activation."""

    weights: Array
    bias: Array | None
    activation: ActivationPair = _IDENTITY

    def behind(self, affine: Affine | None) -> Dense:
        """Return the layer with shifts and factors of its inputs folded into its weights."""
        if affine is None:
            return self
        inputs = self.weights.shape[:1]
        weights = self.weights / np.broadcast_to(affine.scale, inputs)[:, None]
        moved = np.broadcast_to(affine.shift, inputs) @ weights
        bias: Array = -moved if self.bias is None else self.bias - moved
        return Dense(weights, bias, self.activation)

    def before(self, affine: Affine | None) -> Dense:
        """Return the layer with shifts and factors of its sums folded into its weights."""
        if affine is None:
            return self
        bias = np.zeros(self.weights.shape[1:]) if self.bias is None else self.bias
        unscaled = (affine.scale == 1.0).all()
        weights = self.weights if unscaled else self.weights / affine.scale
        return Dense(weights, (bias - affine.shift) / affine.scale, self.activation)


class Chain(NamedTuple):
    """The layers, what happens before the first and after the last, and the type of the weights.

    Shifts and factors are folded into weights in float64.
    """

    layers: list[Dense]
    first: Affine | None
    last: Affine | None
    dtype: str


class _Stage(NamedTuple):
    """What lies between two cuts: the steps after `cut` up to `end`, the next cut."""

    kind: str  # "dense", "affine", "function", "softmax" or "both classes"
    cut: int
    end: int


def chain_of(graph: Graph) -> Chain:
    """Return the layers of a graph; a node that they cannot hold is refused by name."""
    stages = _stages(graph)
    places = [i for i, stage in enumerate(stages) if stage.kind == "dense"]
    if not places:
        raise graph.error("expected a dense layer (Gemm or MatMul), got none")
    for stage in stages[: places[0]]:
        if stage.kind != "affine":
            raise _refused(graph, stage, "expected shifts and factors only before the first layer")
    first = between = _affine(graph, stages[: places[0]])
    layers: list[Dense] = []
    dtype = "float32"
    for place, following in zip(places, [*places[1:], len(stages)], strict=True):
        step = graph.step(stages[place].end)
        found = _dense(graph, step)
        graph.take(step.node, found.weights)
        if found.weights.dtype == np.float64:
            dtype = "float64"
        is_last = following == len(stages)
        run = stages[place + 1 : following]
        inner, activation, outer = _split(graph, run, is_last, found.bias is None)
        found = found._replace(activation=activation).before(inner)
        if run and run[-1].kind == "both classes":
            found = _both_classes(graph, run[-1], found)
        layers.append(found.behind(between) if layers else found)
        between = outer
    return Chain(layers, first, between, dtype)


def _refused(graph: Graph, stage: _Stage, expected: str) -> ValueError:
    return graph.refused(graph.step(stage.end).node, expected)


# Cutting.


def _stages(graph: Graph) -> list[_Stage]:
    """Return what lies between the cuts, from the input to the output."""
    last_use = [0] * len(graph.steps)
    for number in range(1, len(graph.steps)):
        for given in graph.step(number).inputs:
            if isinstance(given, int):
                last_use[given] = number
    stages, cut, furthest = [], 0, last_use[0]
    for number in range(1, len(graph.steps)):
        if furthest <= number:
            stages.append(_stage(graph, cut, number))
            cut = number
        furthest = max(furthest, last_use[number])
    return stages


def _stage(graph: Graph, cut: int, end: int) -> _Stage:
    step = graph.step(end)
    if step.kind == "Concat":
        _check_both_classes(graph, cut, end)
        return _Stage("both classes", cut, end)
    is_alone = end == cut + 1
    for number in range(cut + 1, end + 1):
        if graph.step(number).kind not in FUNCTIONS and not is_alone:
            raise NotAChain(str(graph.refused(step.node, "joins two ways through the network")))
    if end - cut > _MOST_STEPS:
        raise graph.refused(step.node, f"expected at most {_MOST_STEPS} nodes of a function")
    if step.kind in ("Gemm", "MatMul"):
        return _Stage("dense", cut, end)
    if step.kind in SOFTMAX:
        # Without an axis it is 1, and from operator set 13 on -1: in rows the same.
        if step.given.get("axis", -1) not in (-1, 1) or len(step.dimensions) != 2:
            raise graph.refused(step.node, "expected softmax over the outputs of a sample")
        return _Stage("softmax", cut, end)
    is_affine = is_alone and _parts(graph, step) is not None
    return _Stage("affine" if is_affine else "function", cut, end)


def _check_both_classes(graph: Graph, cut: int, end: int) -> None:
    """Refuse any Concat except 1 - p beside p, which scikit-learn's binary classifiers have."""
    step, other = graph.step(end), graph.step(cut + 1)
    constant = other.inputs[0] if other.kind == "Sub" and other.inputs[1:] == (cut,) else None
    is_complement = isinstance(constant, np.ndarray) and (constant == 1.0).all()
    right = end == cut + 2 and is_complement and step.inputs == (cut + 1, cut)
    if not right or step.given.get("axis") not in (1, -1):
        raise NotAChain(str(graph.refused(step.node, NO_SUCH_NODE)))


def _both_classes(graph: Graph, stage: _Stage, layer: Dense) -> Dense:
    """Return two neurons for one: 1 - sigmoid(z) and sigmoid(z) are softmax(-z / 2, z / 2)."""
    if layer.activation[0] != "sigmoid" or layer.weights.shape[1] != 1:
        raise _refused(graph, stage, "expected one sigmoid before it")
    bias = np.zeros(1) if layer.bias is None else layer.bias
    both = np.concatenate([-layer.weights, layer.weights], axis=1) / 2
    return Dense(both, np.concatenate([-bias, bias]) / 2, ("softmax", []))


# Shifts and factors.


def _parts(graph: Graph, step: Step) -> list[tuple[str, Array]] | None:
    """Return the shifts and factors that a step consists of, or None where it is another thing."""
    if step.kind == "Neg":
        return [("Mul", np.array(-1.0))]
    if step.kind == "BatchNormalization":
        if step.given.get("training_mode", 0) or len(step.inputs) != 5:
            raise graph.refused(step.node, "expected inference, with five inputs")
        factor, shift, mean, variance = (_column(graph, step, given) for given in step.inputs[1:])
        with np.errstate(all="ignore"):
            root = np.sqrt(variance + step.given.get("epsilon", 1e-5))
        return [("Sub", mean), ("Div", root), ("Mul", factor), ("Add", shift)]
    if step.kind == "ai.onnx.ml.Scaler":
        offset, scale = (np.array(step.given.get(name, [])) for name in ("offset", "scale"))
        return [("Sub", _column(graph, step, offset)), ("Mul", _column(graph, step, scale))]
    if step.kind not in ("Add", "Sub", "Mul", "Div") or len(step.inputs) != 2:
        return None
    left, right = step.inputs
    if isinstance(right, np.ndarray):
        return [(step.kind, right)]
    if not isinstance(left, np.ndarray) or step.kind == "Div":
        return None
    turned = [("Mul", np.array(-1.0)), ("Add", left)]
    return turned if step.kind == "Sub" else [(step.kind, left)]


def _column(graph: Graph, step: Step, given: object) -> Array:
    """Return numbers of which there must be one for each column."""
    width = step.dimensions[-1]
    if not isinstance(given, np.ndarray) or given.ndim != 1 or len(step.dimensions) != 2:
        raise graph.refused(step.node, "expected a number for each column")
    if given.size != 1 and given.size != width:
        raise graph.refused(
            step.node, f"expected {width} numbers, one per column, got {given.size}"
        )
    return given


def _affine(graph: Graph, stages: Sequence[_Stage]) -> Affine | None:
    """Return stages of shifts and factors as one, or None where there are none."""
    if not stages:
        return None
    if len(stages) > _MOST_STEPS:  # each of them as long as a row
        expected = f"expected at most {_MOST_STEPS} shifts and factors in a row"
        raise _refused(graph, stages[-1], expected)
    found = Affine()
    for stage in stages:
        step = graph.step(stage.end)
        for kind, number in _parts(graph, step) or []:
            found = found.then(kind, _spread(graph, step, number))
        if not found.is_sound():
            raise _refused(graph, stage, "expected finite shifts and factors other than 0")
    return found


def _spread(graph: Graph, step: Step, number: Array) -> Array:
    """Return one number, or as many as a row has: no more than the weights that follow."""
    if number.size == 1:
        return number.astype(np.float64).reshape(())
    row = [size for size in step.dimensions[1:] if size is not None]
    if len(row) < len(step.dimensions) - 1:
        raise graph.refused(step.node, "expected an input whose shape the file gives")
    return np.broadcast_to(number, row).astype(np.float64).reshape(-1)


# Dense layers and what is between them.


def _dense(graph: Graph, step: Step) -> Dense:
    weights, given = step.inputs[1], step.given
    assert isinstance(weights, np.ndarray)  # as the graph has checked
    if step.kind == "MatMul":
        return Dense(weights, None)
    if given.get("transB", 0):
        weights = weights.T
    if (alpha := given.get("alpha", 1.0)) != 1.0:
        weights = weights * weights.dtype.type(alpha)
    bias = step.inputs[2] if len(step.inputs) > 2 else None
    if bias is None:
        return Dense(weights, None)
    width = weights.shape[1]
    shapes = [(), (1,), (width,), (1, 1), (1, width)]
    if not isinstance(bias, np.ndarray) or bias.shape not in shapes or bias.dtype.kind != "f":
        raise graph.refused(step.node, f"expected a bias of shape ({width},)")
    bias = np.broadcast_to(bias.reshape(-1), (width,))
    beta = given.get("beta", 1.0)
    return Dense(weights, bias if beta == 1.0 else bias * bias.dtype.type(beta))


def _split(
    graph: Graph, run: list[_Stage], is_last: bool, without_bias: bool
) -> tuple[Affine | None, ActivationPair, Affine | None]:
    """Return the shifts and factors after a layer's sums, its activation, and those after it."""
    if run and run[-1].kind == "both classes" and is_last:
        run = run[:-1]
    others = [i for i, stage in enumerate(run) if stage.kind != "affine"]
    if not others:
        count = len(run)
        if is_last:
            # The bias of a MatMul is an Add. What comes then scales the outputs.
            kinds = [graph.step(stage.end).kind for stage in run[:1]]
            count = int(without_bias and kinds in (["Add"], ["Sub"]))
        return _affine(graph, run[:count]), _IDENTITY, _affine(graph, run[count:])
    # The longest run that is an activation, which leaves the fewest shifts and factors.
    begins = range(max(0, others[0] - _MOST_AROUND), others[0] + 1)
    ends = range(min(len(run), others[-1] + 1 + _MOST_AROUND), others[-1], -1)
    for i, j in itertools.product(begins, ends):
        activation = _activation(graph, run[i:j])
        if activation is None:
            continue
        if activation[0] in FOR_OUTPUT and not is_last:
            expected = f"foxnn has {activation[0]} after the last layer only"
            raise _refused(graph, run[j - 1], expected)
        return _affine(graph, run[:i]), activation, _affine(graph, run[j:])
    expected = "expected an activation that foxnn has between dense layers"
    raise _refused(graph, run[others[-1]], expected)


def _activation(graph: Graph, run: list[_Stage]) -> ActivationPair | None:
    """Return the activation that stages are together, or None."""
    if [stage.kind for stage in run] == ["softmax"]:
        return "softmax", []
    begin, end = run[0].cut, run[-1].end
    if end - begin > _MOST_STEPS:
        return None
    values: dict[int, Any] = {begin: GRID}
    for number in range(begin + 1, end + 1):
        step = graph.step(number)
        if step.kind not in FUNCTIONS:
            return None
        inputs = [values[given] if isinstance(given, int) else _number(given)
                  for given in step.inputs]  # fmt: skip
        values[number] = compute(step.kind, step.given, inputs)
        if values[number] is None:
            return None
    return activation_of(values[end])


def _number(constant: Array | None) -> float | None:
    """Return a constant of a function, which is one number for all neurons."""
    if constant is None:
        return None
    first = constant.reshape(-1)[0]
    return float(first) if (constant == first).all() else float("nan")
