"""C99 source of networks of every kind of layer: what each kind is in C.

`program` puts them together, and gives the values between the layers their places.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from foxnn.checks import Array
from foxnn.formats.c.recurrent import RECURRENT
from foxnn.formats.c.source import Layer, activation_function, dense_function, number
from foxnn.formats.c.windows import WINDOWED
from foxnn.formats.folding import array_of, folded
from foxnn.layers.activation_table import JOINING

Part = Mapping[str, Any]


@dataclass
class Value:
    """Numbers of a sample between layers: in the array on the stack, or the input or output."""

    size: int
    name: str = ""  # "x" or "y"; else it has a place
    place: int = 0
    last_use: int = -1

    @property
    def text(self) -> str:
        """The value in C."""
        return self.name or (f"s + {self.place}" if self.place else "s")


@dataclass
class Operation:
    """A statement that reads values and writes one."""

    reads: list[Value]
    writes: Value
    statement: Callable[[], str]
    scratch: Value | None = None  # for the statement alone


@dataclass
class Writer:
    """Collects operations, constant arrays and functions, layer by layer."""

    name: str
    dtype: str
    read: Callable[[int, str], Array]
    operations: list[Operation] = field(default_factory=list)
    arrays: list[tuple[str, Array]] = field(default_factory=list)
    functions: dict[str, str] = field(default_factory=dict)
    #: What goes on from call to call, by its name in C: the states of recurrent layers.
    states: dict[str, int] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The type of numbers in C."""
        return "float" if self.dtype == "float32" else "double"

    def layers(self, parts: Sequence[Part], value: Value) -> Value:
        """Add layers after a value; return what they give."""
        for part in folded(parts, self.read):
            value = BODIES[part["kind"]](self, part, value)
        return value

    def add(self, reads: list[Value], size: int, statement: Callable[[Value], str]) -> Value:
        """Add an operation; return the value that it writes."""
        value = Value(size)
        self.operate(reads, value, lambda: statement(value))
        return value

    def value(self, size: int) -> Value:
        """Return a value that operations are to write."""
        return Value(size)

    def operate(
        self,
        reads: list[Value],
        writes: Value,
        statement: Callable[[], str],
        scratch: Value | None = None,
    ) -> None:
        """Add an operation that writes to a given value."""
        self.operations.append(Operation(reads, writes, statement, scratch))

    def state(self, part: Part, size: int) -> Value:
        """Return the state of a layer, which begins as zeros; one that goes on is kept."""
        if part.get("goes_on", False):
            name = f"h{part['index']}"
            self.states[name] = size
            return Value(size, f"state->{name}")
        return self.add([], size, lambda y: f"for (i = 0; i < {size}; i++) ({y.text})[i] = 0;")

    def constant(self, part: Part, name: str, letter: str) -> str:
        """Add an array of a layer; return its name in C."""
        ending = f"{letter}{part['index']}"
        self.arrays.append((ending, array_of(part, name, self.read).reshape(-1)))
        return f"{self.name}_{ending}"

    def zeros(self, count: int) -> str:
        """Add an array of zeros; return its name in C."""
        ending = f"zeros{count}"
        if ending not in dict(self.arrays):
            self.arrays.append((ending, np.zeros(count, self.dtype)))
        return f"{self.name}_{ending}"

    def activate(self, part: Part, value: Value) -> None:
        """Apply a layer's activation to a value, in place."""
        name, parameters = part["options"]["activation"], list(part["options"]["parameters"])
        if name == "identity_x":
            return
        layer = Layer(np.zeros((0, 0)), np.zeros(0), name, parameters)
        self.functions.setdefault(name, activation_function(self.name, self.type, layer))
        alpha = "".join(f", {number(self.dtype, parameter)}" for parameter in parameters)
        # Each position by itself, where a function takes all of its numbers together.
        count = part["output_shape"][-1] if name in JOINING else value.size

        def statement() -> str:
            if count == value.size:
                return f"{self.name}_{name}({count}, {value.text}{alpha});"
            call = f"{self.name}_{name}({count}, {value.text} + i * {count}{alpha});"
            return f"for (i = 0; i < {value.size // count}; i++) {call}"

        self.operations.append(Operation([value], value, statement))


def _dense(to: Writer, part: Part, x: Value) -> Value:
    inputs, units = part["arrays"]["weights"]
    positions = x.size // inputs
    weights = to.constant(part, "weights", "w")
    bias = to.constant(part, "bias", "b") if "bias" in part["arrays"] else to.zeros(units)
    to.functions.setdefault("dense", dense_function(to.name, to.type, is_scaled=False))

    def statement(y: Value) -> str:
        call = f"{to.name}_dense({weights}, {bias}, {inputs}, {units}"
        if positions == 1:
            return f"{call}, {x.text}, {y.text});"
        steps = f"{x.text} + i * {inputs}, {y.text} + i * {units}"
        return f"for (i = 0; i < {positions}; i++) {call}, {steps});"

    y = to.add([x], positions * units, statement)
    to.activate(part, y)
    return y


def _activation(to: Writer, part: Part, x: Value) -> Value:
    y = to.add([x], x.size, lambda y: copied(x, y))
    to.activate(part, y)
    return y


def copied(x: Value, y: Value) -> str:
    """Return the statement that copies a value to another."""
    return f"for (i = 0; i < {x.size}; i++) ({y.text})[i] = ({x.text})[i];"


def _same(to: Writer, part: Part, x: Value) -> Value:
    return x


def _layer_norm(to: Writer, part: Part, x: Value) -> Value:
    (width,) = part["arrays"]["weights"]
    arrays = to.constant(part, "weights", "w"), to.constant(part, "bias", "b")
    kind = to.type
    to.functions["layer_norm"] = f"""\
static inline void {to.name}_layer_norm(const {kind} *w, const {kind} *b, {kind} epsilon,
    int count, const {kind} *x, {kind} *y) {{
  /* In double, and the mean in two passes, for numbers that lie close together. */
  double mean = 0, rest = 0, variance = 0, deviation;
  int j;
  for (j = 0; j < count; j++) mean += x[j];
  mean /= count;
  for (j = 0; j < count; j++) rest += x[j] - mean;
  mean += rest / count;
  for (j = 0; j < count; j++) variance += (x[j] - mean) * (x[j] - mean);
  deviation = sqrt(variance / count + epsilon);
  for (j = 0; j < count; j++) y[j] = ({kind})((x[j] - mean) / deviation) * w[j] + b[j];
}}"""
    call = f"{to.name}_layer_norm({arrays[0]}, {arrays[1]}, "
    call += f"{number(to.dtype, part['options']['epsilon'])}, {width}"

    def statement(y: Value) -> str:
        steps = f"{x.text} + i * {width}, {y.text} + i * {width}"
        return f"for (i = 0; i < {x.size // width}; i++) {call}, {steps});"

    return to.add([x], x.size, statement)


def _batch_norm(to: Writer, part: Part, x: Value) -> Value:
    (width,) = part["arrays"]["weights"]
    names = {"weights": "w", "bias": "b", "running_mean": "m", "running_variance": "v"}
    arrays = ", ".join(to.constant(part, name, letter) for name, letter in names.items())
    kind = to.type
    to.functions["batch_norm"] = f"""\
static inline void {to.name}_batch_norm(const {kind} *w, const {kind} *b, const {kind} *m,
    const {kind} *v, {kind} epsilon, int count, const {kind} *x, {kind} *y) {{
  int j;
  for (j = 0; j < count; j++)
    y[j] = ({kind})((x[j] - m[j]) / sqrt((double)v[j] + epsilon)) * w[j] + b[j];
}}"""
    call = f"{to.name}_batch_norm({arrays}, {number(to.dtype, part['options']['epsilon'])}, {width}"

    def statement(y: Value) -> str:
        steps = f"{x.text} + i * {width}, {y.text} + i * {width}"
        return f"for (i = 0; i < {x.size // width}; i++) {call}, {steps});"

    return to.add([x], x.size, statement)


def _embedding(to: Writer, part: Part, x: Value) -> Value:
    count, size = part["arrays"]["weights"]
    kind = to.type
    to.functions["embedding"] = f"""\
static inline void {to.name}_embedding(const {kind} *w, int count, int size, {kind} index,
    {kind} *y) {{
  /* What is no index gives NaN. */
  int j, known = index >= 0 && index < ({kind})count;
  const {kind} *row = w + (known ? (long)index : 0L) * size;
  for (j = 0; j < size; j++) y[j] = known ? row[j] : ({kind})NAN;
}}"""
    call = f"{to.name}_embedding({to.constant(part, 'weights', 'w')}, {count}, {size}"

    def statement(y: Value) -> str:
        steps = f"({x.text})[i], {y.text} + i * {size}"
        return f"for (i = 0; i < {x.size}; i++) {call}, {steps});"

    return to.add([x], x.size * size, statement)


def _residual(to: Writer, part: Part, x: Value) -> Value:
    a, b = (to.layers(branch, x) for branch in part["branches"])

    def statement(y: Value) -> str:
        return f"for (i = 0; i < {a.size}; i++) ({y.text})[i] = ({a.text})[i] + ({b.text})[i];"

    return to.add([a, b], a.size, statement)


def _parallel(to: Writer, part: Part, x: Value) -> Value:
    ends = [to.layers(branch, x) for branch in part["branches"]]
    positions = math.prod(part["output_shape"][:-1])
    width = part["output_shape"][-1]

    def statement(y: Value) -> str:
        lines, first = [], 0
        for end in ends:
            count = end.size // positions
            lines.append(
                f"for (i = 0; i < {end.size}; i++) ({y.text})[i / {count} * {width} + {first} + "
                f"i % {count}] = ({end.text})[i];"
            )
            first += count
        return "\n".join(lines)

    return to.add(ends, positions * width, statement)


#: What each kind is in C; one that is not here is refused by name.
BODIES: dict[str, Callable[[Writer, Part, Value], Value]] = {
    "dense": _dense,
    **WINDOWED,
    **RECURRENT,
    "activation": _activation,
    "flatten": _same,
    "reshape": _same,
    "dropout": _same,
    "batch_norm": _batch_norm,
    "embedding": _embedding,
    "layer_norm": _layer_norm,
    "residual": _residual,
    "parallel": _parallel,
}
