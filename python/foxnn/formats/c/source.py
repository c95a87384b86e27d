"""C99 source of a network: a header that computes its outputs, and a program that tests it.

Numbers are written as the shortest decimals that read back exactly, in every locale.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from foxnn import _core
from foxnn.checks import Array
from foxnn.formats.c import ordering, steps
from foxnn.formats.c.classes import class_names
from foxnn.layers.activation_table import ACTIVATIONS

_PER_LINE = 8
_TYPES = {
    "float32": "float", "float64": "double", "int8": "signed char", "uint8": "unsigned char",
    "int32": "int32_t",
}  # fmt: skip
# Numbers in a piece of text, whole lines: some milliseconds.
_AT_ONCE = 1000 * _PER_LINE


class Layer(NamedTuple):
    """A dense layer. With `scale`, weights are whole numbers, to be multiplied by it by neuron."""

    weights: Array  # (inputs, neurons)
    bias: Array
    activation: str
    parameters: list[float]
    scale: Array | None = None


@dataclass
class Step:
    """What takes one step of a sequence."""

    counts: tuple[int, int]  # of inputs and outputs
    states: dict[str, int]  # what goes from step to step, by name
    lines: list[str]
    scratch: int  # numbers on the stack
    has_steps: bool  # whether each step has outputs of its own


@dataclass
class Program:
    """What the source consists of: constant arrays, functions, and the lines that predict."""

    name: str
    dtype: str  # "float32" or "float64"
    counts: list[int]  # of inputs and outputs
    inputs: tuple[Array, Array] | None  # shift and scale
    outputs: tuple[Array, Array] | None
    title: str = ""
    notes: list[str] = field(default_factory=list)
    arrays: list[tuple[str, Array]] = field(default_factory=list)
    exact: list[tuple[str, Array]] = field(default_factory=list)  # arrays of other types
    functions: list[str] = field(default_factory=list)
    declarations: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    scratch: int = 0  # numbers on the stack
    more_stack: int = 0  # bytes on the stack that are no such numbers
    includes: list[str] = field(default_factory=lambda: ["math.h"])
    step: Step | None = None
    classes: list[str | int | bool] | None = None
    in_order: int = 1  # outputs, each so many of which are put into ascending order

    @property
    def type(self) -> str:
        """The type of numbers in C."""
        return "float" if self.dtype == "float32" else "double"

    @property
    def inputs_count(self) -> int:
        """Numbers that go in."""
        return self.counts[0]

    @property
    def all_arrays(self) -> list[tuple[str, Array]]:
        """All constant arrays by the endings of their names; scalers stand at both ends."""
        kind = np.dtype(self.dtype)
        own = [(e, a if a.dtype == np.int8 else a.astype(kind)) for e, a in self.arrays]
        return [*self._of_inputs(), *own, *self.exact, *self._of_outputs()]

    def _of_inputs(self) -> list[tuple[str, Array]]:
        if self.inputs is None:
            return []
        kind = np.dtype(self.dtype)
        shift, scale = self.inputs
        rounded = shift.astype(kind)
        found = [("x_shift", rounded), ("x_factor", (1.0 / scale).astype(kind))]
        # The engine shifts in float64. Where float32 loses digits of a shift that is large beside
        # the scale, a second subtraction brings them back.
        if (np.abs(shift - rounded) > 1e-7 * scale).any():
            found.append(("x_rest", (shift - rounded).astype(kind)))
        return found

    def _of_outputs(self) -> list[tuple[str, Array]]:
        if self.outputs is None:
            return []
        kind = np.dtype(self.dtype)
        shift, scale = self.outputs
        return [("y_scale", scale.astype(kind)), ("y_shift", shift.astype(kind))]

    def scaled_inputs(self, target: str) -> str:
        """Return the line that scales the inputs into an array."""
        name = self.name
        has_rest = any(ending == "x_rest" for ending, _ in self._of_inputs())
        shifted = f"x[i] - {name}_x_shift[i]" + (f" - {name}_x_rest[i]" if has_rest else "")
        left = f"({target})[i]" if " " in target else f"{target}[i]"
        return (
            f"for (i = 0; i < {name.upper()}_INPUTS; i++) {left} = ({shifted}) * "
            f"{name}_x_factor[i];"
        )

    @property
    def stack(self) -> int:
        """Bytes of the arrays on the stack."""
        most = max(self.scratch, 0 if self.step is None else self.step.scratch)
        return most * np.dtype(self.dtype).itemsize + self.more_stack

    @property
    def state(self) -> int:
        """Bytes of what goes from step to step."""
        numbers = 0 if self.step is None else sum(self.step.states.values())
        return numbers * np.dtype(self.dtype).itemsize

    @property
    def constants(self) -> int:
        """Bytes of the constant arrays."""
        return sum(array.nbytes for _, array in self.all_arrays)


def chain_program(
    name: str,
    dtype: str,
    layers: list[Layer],
    inputs: tuple[Array, Array] | None,
    outputs: tuple[Array, Array] | None,
) -> Program:
    """Return the program of dense layers, whose values alternate between two arrays."""
    sizes = [len(layers[0].weights), *(len(layer.bias) for layer in layers)]
    made = Program(name, dtype, [sizes[0], sizes[-1]], inputs, outputs, " x ".join(map(str, sizes)))
    # Inputs are scaled into the second; hidden layers write to the first and second in turn.
    first, second = sizes[1:-1:2], sizes[2:-1:2]
    if inputs is not None:
        second = [sizes[0], *second]
    lengths = max(first, default=0), max(second, default=0)
    made.scratch = sum(lengths)
    made.declarations = [
        f"{made.type} {array}[{length}];"
        for array, length in zip("ab", lengths, strict=True)
        if length
    ]
    for i, layer in enumerate(layers):
        made.arrays += [(f"w{i}", layer.weights.reshape(-1)), (f"b{i}", layer.bias)]
        if layer.scale is not None:
            made.arrays.append((f"s{i}", layer.scale))
    for is_scaled in (False, True):
        if any((layer.scale is not None) == is_scaled for layer in layers):
            made.functions.append(dense_function(name, made.type, is_scaled))
    distinct = {layer.activation: layer for layer in layers if changes(layer.activation)}
    made.functions += [activation_function(name, made.type, each) for each in distinct.values()]
    made.lines = _chain_lines(made, layers)
    return made


def _chain_lines(made: Program, layers: list[Layer]) -> list[str]:
    name, lines, x = made.name, [], "x"
    if made.inputs is not None:
        lines.append(made.scaled_inputs("b"))
        x = "b"
    for i, layer in enumerate(layers):
        y = "y" if i == len(layers) - 1 else "ab"[i % 2]
        inputs, neurons = layer.weights.shape
        scaled, more = ("scaled_", f"{name}_s{i}, ") if layer.scale is not None else ("", "")
        lines.append(
            f"{name}_{scaled}dense({name}_w{i}, {name}_b{i}, {more}{inputs}, {neurons}, {x}, {y});"
        )
        if changes(layer.activation):
            alpha = "".join(f", {number(made.dtype, value)}" for value in layer.parameters)
            lines.append(f"{name}_{layer.activation}({neurons}, {y}{alpha});")
        x = y
    return lines


def header(source: Program) -> Iterator[str]:
    """Yield the text of the header, piece by piece: it may be as long as all weights."""
    name, upper = source.name, source.name.upper()
    told = (
        f"{name}_predict(x, y) computes the {upper}_OUTPUTS outputs y of the {upper}_INPUTS inputs "
        "x, which must not overlap. It keeps no state and allocates nothing, so that several "
        "threads may call it. "
    )
    paragraphs = [
        f"A neural network, {source.title}, written by foxnn {_core.__version__}.",
        f"{told if source.lines else ''}Its arrays take {source.stack} bytes of stack "
        f"({upper}_STACK), the constants {source.constants} bytes. Only the functions of math.h "
        "are needed.",
        *([] if source.step is None else [steps.comment(source, source.step)]),
        *source.notes,
    ]
    comment = "\n *\n".join(
        textwrap.fill(text, 96, initial_indent=" * ", subsequent_indent=" * ")
        for text in paragraphs
    )
    before = [
        f"/*{comment[2:]}\n */",
        f"#ifndef {upper}_H\n#define {upper}_H\n",
        "\n".join(f"#include <{each}>" for each in source.includes),
        f"{_counts(upper, source.counts) if source.lines else ''}"
        f"{'' if source.step is None else _counts(f'{upper}_STEP', source.step.counts)}"
        f"#define {upper}_STACK {source.stack}",
        '#ifdef __cplusplus\nextern "C" {\n#endif',
        *class_names(source.name, source.classes),
    ]
    yield "\n\n".join(before)
    for ending, array in source.all_arrays:
        yield "\n\n"
        yield from _array(source, ending, array)
    after = [
        *source.functions,
        *([ordering.function(name, source.type)] if source.in_order > 1 else []),
        *predict_functions(source),
        *_step_functions(source),
        f"#ifdef __cplusplus\n}}\n#endif\n\n#endif /* {upper}_H */\n",
    ]
    for part in after:
        yield f"\n\n{part}"


def _array(source: Program, ending: str, array: Array) -> Iterator[str]:
    kind = _TYPES[array.dtype.name]
    yield f"static const {kind} {source.name}_{ending}[{array.size}] = {{\n"
    for first in range(0, array.size, _AT_ONCE):
        yield ",\n" if first else ""
        yield _numbers(array[first : first + _AT_ONCE])
    yield "\n};"


def _numbers(array: Array) -> str:
    """Return numbers as C reads them, some on a line."""
    suffix = "f" if array.dtype == np.float32 else ""
    texts = array.astype(str).tolist()
    lines = (
        ", ".join([text + suffix for text in texts[i : i + _PER_LINE]])
        for i in range(0, len(texts), _PER_LINE)
    )
    return ",\n".join(lines)


def rows(matrix: Array) -> str:
    """Return the rows of a matrix as C reads them."""
    return ",\n".join(f"{{{_numbers(row)}}}" for row in matrix)


def number(dtype: str, value: float) -> str:
    """Return a number as C reads it in that type."""
    return _numbers(np.array([value], dtype))


def dense_function(name: str, kind: str, is_scaled: bool) -> str:
    """Return the function of a dense layer: y = w x + b, or s (w x) + b."""
    if is_scaled:
        head = f"{name}_scaled_dense(const signed char *w, const {kind} *b, const {kind} *s,"
        begin, term = "0", f"v * ({kind})w[j]"
        end = "\n  for (j = 0; j < neurons; j++) y[j] = s[j] * y[j] + b[j];"
    else:
        head = f"{name}_dense(const {kind} *w, const {kind} *b,"
        begin, term, end = "b[j]", "v * w[j]", ""
    return f"""\
static inline void {head}
    int inputs, int neurons, const {kind} *x, {kind} *y) {{
  int i, j;
  for (j = 0; j < neurons; j++) y[j] = {begin};
  for (i = 0; i < inputs; i++, w += neurons) {{
    const {kind} v = x[i];
    if (v == 0) continue; /* as after relu, and at the margins of pictures */
    for (j = 0; j < neurons; j++) y[j] += {term};
  }}{end}
}}"""


def changes(activation: str) -> bool:
    """Return whether an activation needs a function: the identity does not."""
    return ACTIVATIONS[activation].c != "z"


def activation_function(name: str, kind: str, layer: Layer) -> str:
    """Return the function of a layer's activation."""
    if not ACTIVATIONS[layer.activation].c:  # softmax, of a whole row
        return f"""\
static inline void {name}_softmax(int count, {kind} *y) {{
  {kind} largest = y[0], sum = 0;
  int j;
  for (j = 1; j < count; j++) largest = y[j] > largest ? y[j] : largest;
  for (j = 0; j < count; j++) sum += y[j] = {_of_type(kind, "exp_F(y[j] - largest)")};
  for (j = 0; j < count; j++) y[j] /= sum;
}}"""
    formula = _of_type(kind, ACTIVATIONS[layer.activation].c)
    alpha = f", {kind} alpha" if layer.parameters else ""
    return f"""\
static inline void {name}_{layer.activation}(int count, {kind} *y{alpha}) {{
  int j;
  for (j = 0; j < count; j++) {{
    const {kind} z = y[j];
    y[j] = {formula.replace("ALPHA", "alpha")};
  }}
}}"""


def _of_type(kind: str, formula: str) -> str:
    """Return a formula with functions and numbers of the network's type."""
    is_float = kind == "float"
    parts = formula.replace("_F(", "f(" if is_float else "(").split("NUMBER(")
    for i, part in enumerate(parts[1:], 1):
        value, _, rest = part.partition(")")
        parts[i] = number("float32" if is_float else "float64", float(value)) + rest
    return "".join(parts)


def _counts(upper: str, counts: Sequence[int]) -> str:
    return f"#define {upper}_INPUTS {counts[0]}\n#define {upper}_OUTPUTS {counts[1]}\n"


def _step_functions(source: Program) -> list[str]:
    """Return the functions that take a sequence step by step, if there are any."""
    step = source.step
    if step is None:
        return []
    declarations = [f"{source.type} s[{step.scratch}];"] if step.scratch else []
    outputs = f"{source.name.upper()}_STEP_OUTPUTS"
    return steps.functions(source, step, _body(source, declarations, step.lines, outputs))


def predict_functions(source: Program) -> list[str]:
    """Return the function that predicts, if there is one."""
    if not source.lines:
        return []
    name, kind = source.name, source.type
    declarations = list(source.declarations)
    if source.scratch and not declarations:
        declarations.append(f"{kind} s[{source.scratch}];")
    body = _body(source, declarations, source.lines, f"{name.upper()}_OUTPUTS")
    return [f"static inline void {name}_predict(const {kind} *x, {kind} *y) {{\n{body}}}"]


def _body(source: Program, declarations: list[str], lines: list[str], outputs: str) -> str:
    """Return the lines of a function that computes outputs, of which there are so many."""
    name, statements = source.name, list(lines)
    if source.in_order > 1:
        statements.append(ordering.line(name, outputs, source.in_order))
    if source.outputs is not None:
        statements.append(
            f"for (i = 0; i < {outputs}; i++) y[i] = y[i] * {name}_y_scale[i] + {name}_y_shift[i];"
        )
    counter = ["int i;"] if any("(i = 0;" in line for line in statements) else []
    return "".join(f"  {line}\n" for line in [*declarations, *counter, *statements])
