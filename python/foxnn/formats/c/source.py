"""C99 source of a network: a header that computes its outputs, and a program that tests it.

Numbers are written as the shortest decimals that read back exactly, whatever the locale.
"""

from __future__ import annotations

import textwrap
from typing import NamedTuple

import numpy as np

from foxnn import _core
from foxnn.checks import Array
from foxnn.layers.activation_table import ACTIVATIONS

_PER_LINE = 8


class Layer(NamedTuple):
    """A dense layer. With `scale`, weights are whole numbers, to be multiplied by it by neuron."""

    weights: Array  # (inputs, neurons)
    bias: Array
    activation: str
    parameters: list[float]
    scale: Array | None = None


class Source(NamedTuple):
    """What the source is written of."""

    name: str
    dtype: str  # "float32" or "float64"
    layers: list[Layer]
    inputs: tuple[Array, Array] | None  # shift and scale
    outputs: tuple[Array, Array] | None
    notes: list[str]

    @property
    def type(self) -> str:
        """The type of numbers in C."""
        return "float" if self.dtype == "float32" else "double"

    @property
    def sizes(self) -> list[int]:
        """Inputs, and the neurons of each layer."""
        return [len(self.layers[0].weights), *(len(layer.bias) for layer in self.layers)]

    @property
    def scratch(self) -> list[int]:
        """The lengths of the two arrays on the stack."""
        # Inputs are scaled into the second; hidden layers write to the first and second in turn.
        first, second = self.sizes[1:-1:2], self.sizes[2:-1:2]
        if self.inputs is not None:
            second = [self.sizes[0], *second]
        return [max(first, default=0), max(second, default=0)]

    @property
    def stack(self) -> int:
        """Bytes of the arrays on the stack."""
        return sum(self.scratch) * np.dtype(self.dtype).itemsize

    @property
    def constants(self) -> int:
        """Bytes of the constant arrays."""
        return sum(array.nbytes for _, array in _arrays(self))


def header(source: Source) -> str:
    """Return the text of the header."""
    name, upper, kind = source.name, source.name.upper(), source.type
    sizes = source.sizes
    paragraphs = [
        f"A neural network, {' x '.join(map(str, sizes))}, written by foxnn {_core.__version__}.",
        f"{name}_predict(x, y) computes the {upper}_OUTPUTS outputs y of the {upper}_INPUTS inputs "
        "x, which must not overlap. It keeps no state and allocates nothing, so that several "
        f"threads may call it. Its arrays take {source.stack} bytes of stack ({upper}_STACK), "
        f"the constants {source.constants} bytes. Only the functions of math.h are needed.",
        *source.notes,
    ]
    comment = "\n *\n".join(
        textwrap.fill(text, 96, initial_indent=" * ", subsequent_indent=" * ")
        for text in paragraphs
    )
    parts = [
        f"/*{comment[2:]}\n */",
        f"#ifndef {upper}_H\n#define {upper}_H\n\n#include <math.h>",
        f"#define {upper}_INPUTS {sizes[0]}\n#define {upper}_OUTPUTS {sizes[-1]}\n"
        f"#define {upper}_STACK {source.stack}",
        '#ifdef __cplusplus\nextern "C" {\n#endif',
        *(_array(source, ending, array) for ending, array in _arrays(source)),
        *(_dense(source, is_scaled) for is_scaled in (False, True) if _uses(source, is_scaled)),
        *(_activation(source, layer) for layer in _distinct(source)),
        f"static inline void {name}_predict(const {kind} *x, {kind} *y) {{\n{_body(source)}}}",
        f"#ifdef __cplusplus\n}}\n#endif\n\n#endif /* {upper}_H */\n",
    ]
    return "\n\n".join(parts)


def test_program(
    source: Source, file_name: str, inputs: Array, outputs: Array, within: float
) -> str:
    """Return the text of a program that compares the header with recorded outputs."""
    name, upper, kind = source.name, source.name.upper(), source.type
    count, numbers = len(inputs), np.dtype(source.dtype)
    return f"""\
/* Compares {name}_predict with outputs that foxnn recorded: ends with 0 where they agree, else 1.
 *
 * cc -std=c99 -O2 {file_name[:-2]}_test.c -lm && ./a.out
 */
#include <stdio.h>

#include "{file_name}"

#define COUNT {count}

static const {kind} inputs[COUNT][{upper}_INPUTS] = {{
{_rows(inputs.astype(numbers))}
}};

static const {kind} outputs[COUNT][{upper}_OUTPUTS] = {{
{_rows(outputs.astype(numbers))}
}};

int main(void) {{
  const double allowed = {within!r}; /* of 1, or of an output that is larger */
  double largest = 0;
  int i, j;
  for (i = 0; i < COUNT; i++) {{
    {kind} y[{upper}_OUTPUTS];
    {name}_predict(inputs[i], y);
    for (j = 0; j < {upper}_OUTPUTS; j++) {{
      const double wanted = outputs[i][j], unit = fabs(wanted) > 1 ? fabs(wanted) : 1;
      const double error = fabs((double)y[j] - wanted) / unit;
      if (!(error <= largest)) largest = error; /* what is no number stays */
      if (!(error <= allowed)) {{
        printf("{name}: sample %d, output %d: %.9g, not %.9g\\n", i, j, (double)y[j], wanted);
        return 1;
      }}
    }}
  }}
  printf("{name}: %d samples agree within %.2g, allowed %.2g\\n", COUNT, largest, allowed);
  return 0;
}}
"""


def _arrays(source: Source) -> list[tuple[str, Array]]:
    """Return all constant arrays by the endings of their names."""
    kind = np.dtype(source.dtype)
    found: list[tuple[str, Array]] = []
    if source.inputs is not None:
        shift, scale = source.inputs
        rounded = shift.astype(kind)
        found += [("x_shift", rounded), ("x_factor", (1.0 / scale).astype(kind))]
        # The engine shifts in float64. Where float32 loses digits of a shift that is large beside
        # the scale, a second subtraction brings them back.
        if (np.abs(shift - rounded) > 1e-7 * scale).any():
            found.append(("x_rest", (shift - rounded).astype(kind)))
    for i, layer in enumerate(source.layers):
        weights = layer.weights if layer.scale is not None else layer.weights.astype(kind)
        found += [(f"w{i}", weights.reshape(-1)), (f"b{i}", layer.bias.astype(kind))]
        if layer.scale is not None:
            found.append((f"s{i}", layer.scale.astype(kind)))
    if source.outputs is not None:
        shift, scale = source.outputs
        found += [("y_scale", scale.astype(kind)), ("y_shift", shift.astype(kind))]
    return found


def _array(source: Source, ending: str, array: Array) -> str:
    kind = "signed char" if array.dtype == np.int8 else source.type
    return f"static const {kind} {source.name}_{ending}[{array.size}] = {{\n{_numbers(array)}\n}};"


def _numbers(array: Array) -> str:
    """Return numbers as C reads them, some on a line."""
    suffix = "f" if array.dtype == np.float32 else ""
    texts = array.astype(str).tolist()
    lines = (
        ", ".join([text + suffix for text in texts[i : i + _PER_LINE]])
        for i in range(0, len(texts), _PER_LINE)
    )
    return ",\n".join(lines)


def _rows(matrix: Array) -> str:
    return ",\n".join(f"{{{_numbers(row)}}}" for row in matrix)


def _number(source: Source, value: float) -> str:
    return _numbers(np.array([value], source.dtype))


def _uses(source: Source, is_scaled: bool) -> bool:
    return any((layer.scale is not None) == is_scaled for layer in source.layers)


def _dense(source: Source, is_scaled: bool) -> str:
    """Return the function of a dense layer: y = w x + b, or s (w x) + b."""
    name, kind = source.name, source.type
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
    if (v == 0) continue; /* as behind relu, and at the margins of pictures */
    for (j = 0; j < neurons; j++) y[j] += {term};
  }}{end}
}}"""


def _distinct(source: Source) -> list[Layer]:
    """Return a layer for each activation that needs a function."""
    found = {layer.activation: layer for layer in source.layers if _changes(layer)}
    return list(found.values())


def _changes(layer: Layer) -> bool:
    return ACTIVATIONS[layer.activation].c != "z"


def _activation(source: Source, layer: Layer) -> str:
    """Return the function of an activation."""
    name, kind = source.name, source.type
    if not ACTIVATIONS[layer.activation].c:  # softmax, of a whole row
        return f"""\
static inline void {name}_softmax(int count, {kind} *y) {{
  {kind} largest = y[0], sum = 0;
  int j;
  for (j = 1; j < count; j++) largest = y[j] > largest ? y[j] : largest;
  for (j = 0; j < count; j++) sum += y[j] = {_of_type(source, "exp_F(y[j] - largest)")};
  for (j = 0; j < count; j++) y[j] /= sum;
}}"""
    formula = _of_type(source, ACTIVATIONS[layer.activation].c)
    alpha = f", {kind} alpha" if layer.parameters else ""
    return f"""\
static inline void {name}_{layer.activation}(int count, {kind} *y{alpha}) {{
  int j;
  for (j = 0; j < count; j++) {{
    const {kind} z = y[j];
    y[j] = {formula.replace("ALPHA", "alpha")};
  }}
}}"""


def _of_type(source: Source, formula: str) -> str:
    """Return a formula with functions and numbers of the network's type."""
    is_float = source.type == "float"
    parts = formula.replace("_F(", "f(" if is_float else "(").split("NUMBER(")
    for i, part in enumerate(parts[1:], 1):
        value, _, rest = part.partition(")")
        parts[i] = _number(source, float(value)) + rest
    return "".join(parts)


def _body(source: Source) -> str:
    """Return the lines of the function that predicts."""
    name, upper, kind = source.name, source.name.upper(), source.type
    count, scratch = len(source.layers), source.scratch
    lines = [
        f"{kind} {array}[{length}];"
        for array, length in zip(("a", "b"), scratch, strict=True)
        if length
    ]
    if source.inputs is not None or source.outputs is not None:
        lines.append("int i;")
    x = "x"
    if source.inputs is not None:
        has_rest = any(ending == "x_rest" for ending, _ in _arrays(source))
        shifted = f"x[i] - {name}_x_shift[i]" + (f" - {name}_x_rest[i]" if has_rest else "")
        lines.append(
            f"for (i = 0; i < {upper}_INPUTS; i++) b[i] = ({shifted}) * {name}_x_factor[i];"
        )
        x = "b"
    for i, layer in enumerate(source.layers):
        y = "y" if i == count - 1 else "ab"[i % 2]
        inputs, neurons = layer.weights.shape
        scaled, more = ("scaled_", f"{name}_s{i}, ") if layer.scale is not None else ("", "")
        lines.append(
            f"{name}_{scaled}dense({name}_w{i}, {name}_b{i}, {more}{inputs}, {neurons}, {x}, {y});"
        )
        if _changes(layer):
            alpha = "".join(f", {_number(source, value)}" for value in layer.parameters)
            lines.append(f"{name}_{layer.activation}({neurons}, {y}{alpha});")
        x = y
    if source.outputs is not None:
        lines.append(
            f"for (i = 0; i < {upper}_OUTPUTS; i++) "
            f"y[i] = y[i] * {name}_y_scale[i] + {name}_y_shift[i];"
        )
    return "".join(f"  {line}\n" for line in lines)
