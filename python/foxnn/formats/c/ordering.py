"""C99 source of what puts the quantiles of each target into ascending order."""

from __future__ import annotations


def line(name: str, outputs: str, each: int) -> str:
    """Return the statement that puts outputs into order, in groups of `each`."""
    return f"{name}_in_order({outputs}, {each}, y);"


def function(name: str, kind: str) -> str:
    """Return the function that does it."""
    return f"""\
static inline void {name}_in_order(int count, int each, {kind} *y) {{
  int i, k;
  for (; count > 0; count -= each, y += each) {{
    for (i = 1; i < each; i++) {{
      for (k = i; k > 0 && y[k] < y[k - 1]; k--) {{
        const {kind} larger = y[k - 1];
        y[k - 1] = y[k];
        y[k] = larger;
      }}
    }}
  }}
}}"""
