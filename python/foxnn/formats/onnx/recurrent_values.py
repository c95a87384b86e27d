"""The outputs of RNN, GRU and LSTM nodes as operations, once it is known which are taken.

A node becomes as many layers as there are ways in which its outputs are taken: one with all states
and one with the last ones, if nodes take both; or one for each direction, if they are taken apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from foxnn.formats.onnx.constants import Attributes, NotRead
from foxnn.formats.onnx.layered_shapes import beside
from foxnn.formats.onnx.layout import Value, plain
from foxnn.formats.onnx.loops import Loop
from foxnn.formats.onnx.recurrent_shapes import Recurrent, Turned, recurrent_of, side_by_side

# What may take directions or the last step of a layer.
_TAKING = ("Gather", "Slice", "Concat")

Put = Callable[[Any, str, Attributes, list[Any], Value], Value]


class RecurrentValues:
    """The values of a graph that recurrent nodes give; `put` appends an operation to it."""

    def __init__(self, put: Put) -> None:
        self._put = put
        self._layers: dict[Any, Value] = {}  # by the node and what is taken of it
        self._taken_of: dict[int, Turned] = {}  # the same by operation
        self._beside: dict[tuple[int, ...], Value] = {}  # values side by side, by their operations

    def outputs(self, node: Any, kind: str, given: Attributes, values: list[Any]) -> dict[str, Any]:
        """Return the outputs of a node by name; that which no layer gives is the refusal."""
        is_inner = given.get("layout", 0) == 1
        layer, is_backward = self._layer(node, kind, given, values)
        parts = tuple((layer, i) for i in range(len(layer.arrays[0])))
        memory = NotRead("expected the states h of a layer, not its memory, which foxnn keeps")
        axes = ("ntdc", "ndc") if is_inner else ("tdnc", "dnc")
        made = [Turned(axes[0], parts, is_backward), Turned(axes[1], parts), memory]
        return {name: value for name, value in zip(node.output, made, strict=False) if name}

    def of_loop(self, node: Any, loop: Loop) -> dict[str, Any]:
        """Return the outputs of a loop over steps by name; what is no state is the refusal."""
        values = [loop.source, *loop.cell.arrays, None, loop.state]
        layer, is_backward = self._layer(node, loop.cell.kind, loop.cell.given, values)
        refused = NotRead("expected the states of a layer, not what else its loop carries on")
        found: dict[str, Any] = dict.fromkeys(filter(None, node.output), refused)
        states = dict.fromkeys(loop.stacked, Turned("tnc", ((layer, 0),), is_backward))
        last = {loop.last: self.settled(node, Turned("nc", ((layer, 0),)))}
        return found | {name: value for name, value in (states | last).items() if name}

    def _layer(
        self, node: Any, kind: str, given: Attributes, values: list[Any]
    ) -> tuple[Recurrent, bool]:
        """Return the layer that a node is, and whether it reads from the last step to the first."""
        x, is_inner = values[0] if values else None, given.get("layout", 0) == 1
        is_backward = isinstance(x, Turned) and x.is_backward
        if isinstance(x, Turned) and sorted(x.axes) == sorted("tnc"):
            if x.axes != ("ntc" if is_inner else "tnc"):
                raise NotRead("expected steps, samples and features in the order of its layout")
            source = self.settled(node, x._replace(is_backward=False))
        elif isinstance(x, Value) and len(x.order) == 2:
            if not is_inner:
                raise NotRead("expected samples as the first axis of the input (batch_first=True)")
            if x.order != (0, 1) or x.flat_of is not None or x.is_merged:
                raise NotRead("expected steps before features")
            source = x
        else:
            raise NotRead("expected sequences of steps")
        if source.is_whole:
            raise NotRead("expected a cast to floating point")
        layer = recurrent_of(node, kind, given, [source, *values[1:]])
        if not is_backward:
            return layer, False
        if len(layer.arrays[0]) > 1:
            raise NotRead("expected one direction of sequences that are read backwards")
        return layer._replace(is_reverse=not layer.is_reverse), True

    def settled(self, node: Any, value: Turned) -> Value:
        """Return the value that has its samples first."""
        ends: list[Value] = []
        for each in side_by_side(value):
            if isinstance(each, Value):
                ends.append(each)
                continue
            end = self._states(*each, "t" in value.axes)
            parts = tuple((each[0], direction) for direction in each[1])
            self._taken_of[end.number] = Turned("ntc" if "t" in value.axes else "nc", parts)
            ends.append(end)
        if len(ends) == 1:
            return ends[0]._replace(order=tuple(range(len(ends[0].shape))))
        key = tuple(end.number for end in ends)
        if key not in self._beside:  # several layers may read it
            given = {"axis": -1}
            found = self._put(node, "Concat", given, list(ends), beside(given, list(ends), ends))
            self._beside[key] = found
        return self._beside[key]

    def of_layers(self, kind: str, values: list[Any]) -> list[Any]:
        """Return the inputs of a node, as what they take of layers if it may take less or more."""
        if kind not in _TAKING or not values:
            return values
        states = [self._states_of(value) for value in values]
        if states[0] is None or (kind == "Concat" and None in states):
            return values
        return [one or value for one, value in zip(states, values, strict=True)]

    def _states_of(self, value: Any) -> Turned | None:
        if isinstance(value, Turned):
            return value
        is_plain = isinstance(value, Value) and value.flat_of is None
        if not is_plain or value.order != tuple(range(len(value.order))):
            return None
        return self._taken_of.get(value.number)

    def _states(self, layer: Recurrent, directions: tuple[int, ...], is_sequence: bool) -> Value:
        key = id(layer.node), directions, is_sequence
        if key not in self._layers:
            options: dict[str, Any] = {"units": layer.units}
            if len(directions) == 2:
                options["bidirectional"] = True
            elif layer.is_reverse or directions == (1,):
                options["reverse"] = True
            if is_sequence:
                options["return_sequences"] = True
            arrays = [None if a is None else a[list(directions)] for a in layer.arrays]
            width = layer.units * len(directions)
            shape = (layer.source.shape[0], width) if is_sequence else (width,)
            given = {"kind": layer.kind, "options": options}
            inputs = [layer.source, *arrays]
            found = self._put(layer.node, "Recurrent", given, inputs, plain(0, shape))
            self._layers[key] = found
        return self._layers[key]
