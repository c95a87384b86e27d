"""C99 source of recurrent layers: a function for each kind, which takes a single step.

Going through a sequence is a loop over it. `h` is what goes from step to step: the state, and
behind it the memory of an LSTM; `z` is for the sums of the gates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foxnn.formats.c.layered import Value, Writer

Part = Mapping[str, Any]

# Sums of all gates of a step: of the biases, and of numbers times a matrix.
_ADD = """\
static inline void NAME_add(const TYPE *w, int inputs, int columns, const TYPE *x, TYPE *z) {
  int i, j;
  for (i = 0; i < inputs; i++, w += columns) {
    const TYPE v = x[i];
    if (v == 0) continue; /* as one-hot inputs are, and the first state */
    for (j = 0; j < columns; j++) z[j] += v * w[j];
  }
}"""

_SIGMOID = """\
static inline TYPE NAME_gate(TYPE v) { return 1 / (1 + EXP(-v)); }"""

_STEPS = {
    "rnn": """\
static inline void NAME_rnn(const TYPE *w, const TYPE *u, const TYPE *b, int inputs, int units,
    const TYPE *x, TYPE *h, TYPE *z, TYPE *y) {
  int j;
  for (j = 0; j < units; j++) z[j] = b[j];
  NAME_add(w, inputs, units, x, z);
  NAME_add(u, units, units, h, z);
  for (j = 0; j < units; j++) y[j] = h[j] = TANH(z[j]);
}""",
    "gru": """\
static inline void NAME_gru(const TYPE *w, const TYPE *u, const TYPE *b, const TYPE *c, int inputs,
    int units, const TYPE *x, TYPE *h, TYPE *z, TYPE *y) {
  /* r, z and n of the inputs, and then of the state */
  TYPE *of_h = z + 3 * units;
  int j;
  for (j = 0; j < 3 * units; j++) z[j] = b[j], of_h[j] = c[j];
  NAME_add(w, inputs, 3 * units, x, z);
  NAME_add(u, units, 3 * units, h, of_h);
  for (j = 0; j < units; j++) {
    const TYPE reset = NAME_gate(z[j] + of_h[j]);
    const TYPE keep = NAME_gate(z[j + units] + of_h[j + units]);
    const TYPE n = TANH(z[j + 2 * units] + reset * of_h[j + 2 * units]);
    y[j] = h[j] = (1 - keep) * n + keep * h[j];
  }
}""",
    "lstm": """\
static inline void NAME_lstm(const TYPE *w, const TYPE *u, const TYPE *b, int inputs, int units,
    const TYPE *x, TYPE *h, TYPE *z, TYPE *y) {
  TYPE *memory = h + units;
  int j;
  for (j = 0; j < 4 * units; j++) z[j] = b[j];
  NAME_add(w, inputs, 4 * units, x, z);
  NAME_add(u, units, 4 * units, h, z);
  for (j = 0; j < units; j++) {
    const TYPE in = NAME_gate(z[j]), keep = NAME_gate(z[j + units]);
    memory[j] = keep * memory[j] + in * TANH(z[j + 2 * units]);
    y[j] = h[j] = NAME_gate(z[j + 3 * units]) * TANH(memory[j]);
  }
}""",
}

# How many numbers for each unit go from step to step, and how many are for the sums of a step.
_KEPT = {"rnn": 1, "gru": 1, "lstm": 2}
_SUMS = {"rnn": 1, "gru": 6, "lstm": 4}


def _body(to: Writer, part: Part, x: Value) -> Value:
    kind, options = part["kind"], part["options"]
    units, inputs = int(options["units"]), part["arrays"]["weights"][0]
    _add_functions(to, kind)
    is_both = bool(options.get("bidirectional", False))
    steps, width = x.size // inputs, units * (2 if is_both else 1)
    is_sequence = bool(options.get("return_sequences", False))
    y = to.value(steps * width if is_sequence else width)
    for i, way in enumerate(("", "reverse_")[: width // units]):
        head = ", ".join([*_arrays(to, part, way), str(inputs), str(units)])
        state = to.state(part, _KEPT[kind] * units)
        sums = to.value(_SUMS[kind] * units)
        step = "i" if i == 0 and not options.get("reverse", False) else f"({steps - 1} - i)"
        first = i * units

        def statement(
            head: str = head,
            state: Value = state,
            sums: Value = sums,
            step: str = step,
            first: int = first,
        ) -> str:
            place = f"{y.text} + {first}" if first else y.text
            if steps == 1:
                source = x.text
                return f"{to.name}_{kind}({head}, {source}, {state.text}, {sums.text}, {place});"
            source = f"{x.text} + {step} * {inputs}"
            if is_sequence:
                place = f"{place} + {step} * {width}"
            call = f"{to.name}_{kind}({head}, {source}, {state.text}, {sums.text}, {place});"
            return f"for (i = 0; i < {steps}; i++)\n  {call}"

        to.operate([x, state], y, statement, sums)
    return y


def _add_functions(to: Writer, kind: str) -> None:
    ending = "f" if to.type == "float" else ""
    # The name last, since it may hold the other words.
    names = {"EXP": f"exp{ending}", "TANH": f"tanh{ending}", "TYPE": to.type, "NAME": to.name}
    given = {"add": _ADD} | ({} if kind == "rnn" else {"gate": _SIGMOID}) | {kind: _STEPS[kind]}
    for name, text in given.items():
        for word, own in names.items():
            text = text.replace(word, own)
        to.functions.setdefault(name, text)


def _arrays(to: Writer, part: Part, way: str) -> list[str]:
    """Return the names in C of the arrays of a direction."""
    prefix = "r" if way else ""
    found = [
        to.constant(part, f"{way}weights", f"{prefix}w"),
        to.constant(part, f"{way}recurrent_weights", f"{prefix}u"),
    ]
    biases = {"bias": "b", "recurrent_bias": "c"} if part["kind"] == "gru" else {"bias": "b"}
    for name, letter in biases.items():
        if name in part["arrays"]:
            found.append(to.constant(part, f"{way}{name}", f"{prefix}{letter}"))
        else:
            found.append(to.zeros(part["arrays"]["weights"][1]))
    return found


#: How each kind is written.
RECURRENT: dict[str, Callable[[Writer, Part, Value], Value]] = dict.fromkeys(_STEPS, _body)
