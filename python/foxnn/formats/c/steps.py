"""C99 source of what takes a sequence step by step: a state, what clears it, and a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from foxnn.formats.c.source import Program, Step


def comment(source: Program, step: Step) -> str:
    """Return what the header says about steps."""
    name, upper = source.name, source.name.upper()
    return (
        f"{name}_step(&state, x, y) takes one step of a sequence, {upper}_STEP_INPUTS inputs x, "
        f"and computes the {upper}_STEP_OUTPUTS outputs y after it; {name}_reset(&state) begins a "
        f"sequence. Each needs a {name}_state of its own, of {source.state} bytes."
    )


def functions(source: Program, step: Step, body: str) -> list[str]:
    """Return the type of the state, and the functions that take it."""
    name, kind = source.name, source.type
    members = "".join(f"  {kind} {each}[{size}];\n" for each, size in step.states.items())
    cleared = "".join(
        f"  for (i = 0; i < {size}; i++) state->{each}[i] = 0;\n"
        for each, size in step.states.items()
    )
    return [
        f"/* What goes from step to step. */\ntypedef struct {{\n{members}}} {name}_state;",
        f"static inline void {name}_reset({name}_state *state) {{\n  int i;\n{cleared}}}",
        f"static inline void {name}_step({name}_state *state, const {kind} *x, {kind} *y) {{\n"
        f"{body}}}",
    ]


def test_lines(source: Program, step: Step, inputs: int) -> str:
    """Return the lines of the self-test that take a sample of so many inputs step by step."""
    name, upper = source.name, source.name.upper()
    steps = inputs // step.counts[0]
    row = f"outputs[i] + k * {upper}_STEP_OUTPUTS" if step.has_steps else "outputs[i]"
    condition = "" if step.has_steps else f"k == {steps - 1} && "
    return f"""
    {name}_reset(&state);
    for (k = 0; k < {steps}; k++) {{
      {name}_step(&state, inputs[i] + k * {upper}_STEP_INPUTS, y);
      if ({condition}!agree(i, y, {row}, {upper}_STEP_OUTPUTS)) return 1;
    }}"""
