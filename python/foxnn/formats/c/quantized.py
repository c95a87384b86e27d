"""C99 source of quantized networks: bytes and their sums as the engine computes them, to the bit.

What follows the bytes, in float, is a program by itself, `program_of` of the head, whose functions
are put into the same header.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from foxnn.checks import Array
from foxnn.formats import recorded
from foxnn.formats.c import ordering
from foxnn.formats.c.export import names_of, program_of, scaling_of, tolerance, write
from foxnn.formats.c.source import Program, number, predict_functions
from foxnn.formats.c.windows import AT, READS, function
from foxnn.formats.saved_network import SavedNetwork
from foxnn.model.byte_stages import ByteNetwork, Stage
from foxnn.model.losses import sorts_outputs

_ROUND = """\
/* The nearest whole number within limits; ties go to the even one. */
static inline int NAME_round(float v, float lowest, float highest) {
  v = v > lowest ? v : lowest;
  v = v < highest ? v : highest;
  return (int)lrintf(v);
}"""

_PRODUCT = f"""\
/* Sums of bytes; they never leave 32 bits. y or z is what they become. */
static inline void NAME_product(const signed char *w, const int32_t *b, const float *factors,
    const NAME_windows *at, int channels, int filters, int zero, float lowest, float highest,
    int offset, const unsigned char *table, const unsigned char *x, unsigned char *y, float *z) {{
  const int count = at->kernel[0] * at->kernel[1] * at->kernel[2] * channels;
  int p, q, r, i, j, k, c, f;
  for (p = 0; p < at->out[0]; p++)
    for (q = 0; q < at->out[1]; q++)
      for (r = 0; r < at->out[2]; r++)
        for (f = 0; f < filters; f++) {{
        int32_t sum = b[f];
        float v;
{READS}
              const unsigned char *u = x + {AT} * channels;
              const int place = (i * at->kernel[1] + j) * at->kernel[2] + k;
              const signed char *each = w + (long)f * count + place * channels;
              for (c = 0; c < channels; c++) sum += (int32_t)(u[c] - zero) * each[c];
            }}
          }}
        }}
        v = (float)sum * factors[f];
        if (z) {{
          *z++ = v;
        }} else {{
          const int byte = NAME_round(v, lowest, highest) + offset;
          *y++ = table ? table[byte] : (unsigned char)byte;
        }}
      }}
}}"""

_AVERAGE = f"""\
static inline void NAME_average(const NAME_windows *at, int channels, const unsigned char *x,
    unsigned char *y) {{
  int p, q, r, i, j, k, c;
  for (p = 0; p < at->out[0]; p++)
    for (q = 0; q < at->out[1]; q++)
      for (r = 0; r < at->out[2]; r++, y += channels)
        for (c = 0; c < channels; c++) {{
          int32_t sum = 0, count = 0;
          float share;
{READS}
              sum += x[{AT} * channels + c];
              count++;
            }}
          }}
        }}
          share = 1.0f / (float)count;
          y[c] = (unsigned char)NAME_round((float)sum * share, 0.0f, 255.0f);
        }}
}}"""


def export(
    body: ByteNetwork,
    head: SavedNetwork,
    predict: Callable[[Array], Array],
    name_file: object,
    name: str | None,
) -> dict[str, float]:
    """Write header and self-test; see `quantized_network.export_c`."""
    path, word = names_of(name_file, name)
    source = _program(body, head, word)
    source.classes = head.classes
    asked = _drawn(body)
    answers = predict(asked).reshape(len(asked), -1)
    numbers = body.engine().predict(asked, 0)
    assert numbers is not None  # they are finite
    write(path, source, asked, answers, tolerance(head, numbers, answers))
    return {"constant_bytes": source.constants, "stack_bytes": source.stack}


def _drawn(body: ByteNetwork) -> Array:
    """Return inputs over the range that bytes stand for."""
    factor, lowest, highest, _ = body.rounding
    rng = np.random.default_rng(0)
    x = rng.uniform(lowest / factor, highest / factor, (recorded.COUNT, body.inputs))
    if body.scaling is not None:
        shift, factors = body.scaling
        x = x / factors + shift
    return x.astype(np.float32)


def _program(body: ByteNetwork, head: SavedNetwork, word: str) -> Program:
    ends = program_of(head, f"{word}_head", None, (None, scaling_of(head, "output")))
    if sorts_outputs(head):
        ends.in_order = len(head._loss_parameters())
    upper = word.upper()
    made = Program(word, "float32", [body.inputs, ends.counts[1]], None, None)
    made.includes.append("stdint.h")
    made.title = f"quantized, {body.inputs} -> {ends.counts[1]}"
    made.notes.append(
        "Weights and values between layers have 8 bits. Bytes and their sums are those of foxnn, "
        "to the last bit, where float is computed as float (FLT_EVAL_METHOD 0) and rounded to "
        "nearest."
    )
    made.functions += [
        f"#define {upper}_HEAD_OUTPUTS {ends.counts[1]}",
        function("windows", word, "float"),
        _ROUND.replace("NAME", word),
    ]
    lines, sizes = _first(made, body), [body.inputs]
    for i, stage in enumerate(body.stages):
        x, y = "ab"[i % 2], "z" if stage.gives_numbers else "ab"[(i + 1) % 2]
        lines.append(_STATEMENTS[stage.kind](made, stage, i, x, y))
        sizes.append(stage.size)
    made.exact += [(f"head_{ending}", array) for ending, array in ends.all_arrays]
    made.functions += ends.functions
    if ends.in_order > 1:
        made.functions.append(ordering.function(ends.name, ends.type))
    made.functions += predict_functions(ends)
    last = sizes.pop()
    a, b = max(sizes[::2]), max(sizes[1::2], default=1)
    made.declarations = [f"unsigned char a[{a}], b[{b}];", f"float z[{last}];"]
    made.more_stack = a + b + 4 * last + ends.stack
    made.lines = [*lines, f"{word}_head_predict(z, y);"]
    if len(body.stages) == 1:
        made.lines.append("(void)b;")
    return made


def _first(made: Program, body: ByteNetwork) -> list[str]:
    """Return the line that makes bytes of the inputs."""
    word, value = made.name, "x[i]"
    if body.scaling is not None:
        made.exact += [("x_shift", body.scaling[0]), ("x_scale", body.scaling[1])]
        value = f"(float)(((double)x[i] - {word}_x_shift[i]) * {word}_x_scale[i])"
    factor, lowest, highest, offset = body.rounding
    limits = f"{_float(lowest)}, {_float(highest)}"
    return [
        f"for (i = 0; i < {word.upper()}_INPUTS; i++)",
        f"  a[i] = (unsigned char)({word}_round({value} * {_float(factor)}, {limits}) + {offset});",
    ]


def _float(value: float) -> str:
    return number("float32", value)


def _constant(made: Program, ending: str, array: Array) -> str:
    made.exact.append((ending, array))
    return f"{made.name}_{ending}"


def _at(made: Program, stage: Stage, i: int) -> str:
    rows = (
        stage.inputs, stage.outputs, stage.kernel, stage.stride, stage.dilation, stage.before,
    )  # fmt: skip
    shown = ", ".join(f"{{{', '.join(map(str, row))}}}" for row in rows)
    name = f"{made.name}_at{i}"
    made.functions.append(f"static const {made.name}_windows {name} = {{{shown}}};")
    return f"&{name}"


def _add(made: Program, text: str) -> None:
    text = text.replace("NAME", made.name)
    if text not in made.functions:
        made.functions.append(text)


def _product(made: Program, stage: Stage, i: int, x: str, y: str) -> str:
    _add(made, _PRODUCT)
    # Filter by filter, so that a sum reads neighbours.
    weights = stage.weights.reshape(-1, stage.filters).T.reshape(-1)
    arrays = [
        _constant(made, f"w{i}", weights),
        _constant(made, f"b{i}", stage.bias),
        _constant(made, f"f{i}", stage.factors),
    ]
    table = _constant(made, f"t{i}", stage.table) if len(stage.table) else "0"
    _, lowest, highest, offset = stage.rounding
    outputs = "0, z" if stage.gives_numbers else f"{y}, 0"
    return (
        f"{made.name}_product({', '.join(arrays)}, {_at(made, stage, i)}, {stage.channels}, "
        f"{stage.filters}, {stage.zero}, {_float(lowest)}, {_float(highest)}, {offset}, {table}, "
        f"{x}, {outputs});"
    )


def _largest(made: Program, stage: Stage, i: int, x: str, y: str) -> str:
    _add(made, function("max_pool", made.name, "unsigned char"))
    return f"{made.name}_max_pool({_at(made, stage, i)}, {stage.channels}, {x}, {y});"


def _average(made: Program, stage: Stage, i: int, x: str, y: str) -> str:
    _add(made, _AVERAGE)
    return f"{made.name}_average({_at(made, stage, i)}, {stage.channels}, {x}, {y});"


def _table(made: Program, stage: Stage, i: int, x: str, y: str) -> str:
    table = _constant(made, f"t{i}", stage.table)
    size = math.prod(stage.inputs) * stage.channels
    own = "" if len(stage.table) == 256 else f"i % {stage.channels} * 256 + "
    return f"for (i = 0; i < {size}; i++) {y}[i] = {table}[{own}{x}[i]];"


def _numbers(made: Program, stage: Stage, i: int, x: str, y: str) -> str:
    factor = _float(float(stage.factors[0]))
    return f"for (i = 0; i < {stage.size}; i++) z[i] = (float)({x}[i] - {stage.zero}) * {factor};"


_STATEMENTS: dict[str, Callable[[Program, Stage, int, str, str], str]] = {
    "product": _product,
    "largest": _largest,
    "average": _average,
    "table": _table,
    "numbers": _numbers,
}
