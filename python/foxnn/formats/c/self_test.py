"""The program beside a header, which compares it with outputs that foxnn recorded."""

from __future__ import annotations

import numpy as np

from foxnn.checks import Array
from foxnn.formats.c import steps
from foxnn.formats.c.source import Program, rows


def test_program(
    source: Program, file_name: str, inputs: Array, outputs: Array, within: float
) -> str:
    """Return the text of a program that compares the header with recorded outputs."""
    name, upper, kind = source.name, source.name.upper(), source.type
    count, numbers = len(inputs), np.dtype(source.dtype)
    length, lines = max(source.counts[1], outputs.shape[1]), []
    if source.lines:
        lines = [
            f"    {name}_predict(inputs[i], y);",
            f"    if (!agree(i, y, outputs[i], {upper}_OUTPUTS)) return 1;",
        ]
    step = "" if source.step is None else steps.test_lines(source, source.step, inputs.shape[1])
    state = "" if source.step is None else f"    {name}_state state;\n    int k;\n"
    tested = "predict" if source.lines else "step"
    return f"""\
/* Compares {name}_{tested} with outputs that foxnn recorded: ends with 0 where they agree, else 1.
 *
 * cc -std=c99 -O2 {file_name[:-2]}_test.c -lm && ./a.out
 */
#include <stdio.h>

#include "{file_name}"

#define COUNT {count}

static const {kind} inputs[COUNT][{inputs.shape[1]}] = {{
{rows(inputs.astype(numbers))}
}};

static const {kind} outputs[COUNT][{outputs.shape[1]}] = {{
{rows(outputs.astype(numbers))}
}};

static const double allowed = {within!r}; /* of 1, or of an output that is larger */
static double largest = 0;

static int agree(int sample, const {kind} *y, const {kind} *recorded, int size) {{
  int j;
  for (j = 0; j < size; j++) {{
    const double wanted = recorded[j], unit = fabs(wanted) > 1 ? fabs(wanted) : 1;
    const double error = fabs((double)y[j] - wanted) / unit;
    if (!(error <= largest)) largest = error; /* what is no number stays */
    if (!(error <= allowed)) {{
      printf("{name}: sample %d, output %d: %.9g, not %.9g\\n", sample, j, (double)y[j], wanted);
      return 0;
    }}
  }}
  return 1;
}}

int main(void) {{
  int i;
  for (i = 0; i < COUNT; i++) {{
    {kind} y[{length}];
{state}{chr(10).join(lines)}{step}
  }}
  printf("{name}: %d samples agree within %.2g, allowed %.2g\\n", COUNT, largest, allowed);
  return 0;
}}
"""
