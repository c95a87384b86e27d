"""What a network with recurrent layers computes of one sequence, as a table by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foxnn import _core
from foxnn.checks import Array, Rows
from foxnn.checks.unpickling import attributes
from foxnn.layers.kinds import called, leaves
from foxnn.model.trace import Trace
from foxnn.model.walk import scaled

# Formulas of a step, and the gates in the order of the columns of the arrays.
_CELLS = {
    "rnn": ("h = tanh(x w + h u + b)", ""),
    "gru": (
        "r, z = sigmoid(x w + h u + b + b'), n = tanh(x w + b + r (h u + b')), h = (1 - z) n + z h",
        "rzn",
    ),
    "lstm": (
        "i, f, o = sigmoid(x w + h u + b), g = tanh(x w + h u + b), c = f c + i g, h = o tanh(c)",
        "ifgo",
    ),
}
# How arrays are printed: of more rows or numbers than these, the first and the last are shown.
_MOST_STEPS, _MOST_NUMBERS, _AT_EACH_END, _DIGITS = 12, 8, 3, 3


class SequenceTrace(Trace):
    """What each layer computes at each step of a sequence, as from `nn.trace`; read-only.

    Layers are counted from 1 to L. "a^0" is the sequence as the first layer reads it, and "a^l" are
    the outputs of layer l, which is all that there is of one with branches, such as `Residual`. A
    recurrent layer also has its states after each step "h^l" and, with a column for each unit, its
    gates: "i^l", "f^l", "g^l", "o^l" and the memory "c^l" of an LSTM, "r^l", "z^l", "n^l" of a GRU;
    those of a second direction begin with "reverse_". Inputs and outputs are the engine's; gates
    are computed from them, and may differ in the last digits. If the network scales its inputs, "x"
    is the sequence as it was given; if it scales its outputs, "out" is its answer. With a target
    there are "C", the loss, of scaled outputs if they are scaled, and its gradients by each array
    of the layers that are trained, such as "dC/dweights^1". Printing a trace shows a table by step.
    In its formulas, w are the weights, u the recurrent ones, b and b' the biases, and h and c on
    the right are those before the step.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([(None, 1), foxnn.RNN(1), foxnn.Dense(1)], "identity", seed=1)
    >>> nn[0].arrays["weights"], nn[0].arrays["recurrent_weights"] = [[1.0]], [[0.5]]
    >>> nn[1].arrays["weights"] = [[2.0]]
    >>> print(nn.trace([[1.0], [0.0], [-1.0]]))
    Layer 1 (RNN): h = tanh(x w + h u + b)
      step  a^0    h^1
         1  [1.]   [0.762]
         2  [0.]   [0.363]
         3  [-1.]  [-0.674]
      a^1 = [-0.674]
    Layer 2 (Dense)
      a^2 = [-1.348]
    """

    _names: Sequence[str] = ()
    _formulas: Sequence[str] = ()

    def __init__(
        self, values: Mapping[str, Array], names: Sequence[str], formulas: Sequence[str]
    ) -> None:  # those of a plain network are checked by other names
        self._values = dict(values)
        for array in self._values.values():
            array.flags.writeable = False
        self._names, self._formulas = tuple(names), tuple(formulas)

    def __eq__(self, other: object) -> bool:
        """Whether the other is a trace with the same names and numbers, of the same layers."""
        if not isinstance(other, SequenceTrace):
            return NotImplemented
        return (
            (self._names, self._formulas) == (other._names, other._formulas)
            and list(self) == list(other)
            and all(np.array_equal(self[name], other[name], equal_nan=True) for name in self)
        )

    def __reduce__(self) -> tuple[object, ...]:
        return SequenceTrace, (self._values, self._names, self._formulas)

    def __getstate__(self) -> dict[str, Any]:
        return {"values": self._values, "names": self._names, "formulas": self._formulas}

    def __setstate__(self, state: object) -> None:
        given = attributes(state, SequenceTrace, "values", "names", "formulas")
        SequenceTrace.__init__(self, **given)

    def __repr__(self) -> str:
        if "a^0" not in self:
            return "<SequenceTrace, not made>"
        return f"<trace of {len(self['a^0'])} steps through {len(self._names)} layers>"

    def __str__(self) -> str:
        lines = []
        for i, (name, formula) in enumerate(zip(self._names, self._formulas, strict=True), 1):
            lines.append(f"{name}: {formula}" if formula else name)
            own = [key for key in self if key.endswith(f"^{i}") and not key.startswith("dC/")]
            outputs = f"a^{i}"
            # The states of all steps, in one direction, are the outputs.
            is_shown = any(np.array_equal(self[key], self[outputs]) for key in own[1:])
            tables = [
                key for key in own if self[key].ndim > 1 and not (key == outputs and is_shown)
            ]
            steps = max((len(self[key]) for key in tables), default=0)
            if tables and i == 1 and len(self["a^0"]) == steps:
                tables.insert(0, "a^0")
            lines += _table({key: self[key] for key in tables if len(self[key]) == steps})
            if self[outputs].ndim == 1:
                lines.append(f"  {outputs} = {_shown(self[outputs])}")
        if "out" in self:
            lines.append(f"out = a^{len(self._names)} · scale + shift")
            if self["out"].ndim == 1:
                lines[-1] += f" = {_shown(self['out'])}"
        if "C" in self:
            lines.append(f"Loss: C = {float(self['C']):.5g}")
            for name in self:
                if name.startswith("dC/"):
                    norm = float(np.sqrt((self[name].astype(np.float64) ** 2).sum()))
                    lines.append(f"  {name}: {self[name].shape}, of norm {norm:.5g}")
        return "\n".join(lines)


def sequence_trace(network: _core.Network, x: Array, threads: int) -> SequenceTrace:
    """Return the forward half of a trace.

    Parameters
    ----------
    network : _core.Network
    x : ndarray of shape (1, numbers)
        The sequence, as a row.
    threads : int
        At most; 0 is as many as are worthwhile.
    """
    layers = network._layers()
    found = network._node_outputs(x, list(range(len(layers))), threads)
    if found is None:
        raise ValueError("x must be finite as input_scaler scales it")
    tail = network._input_shape()[1:]
    rows = scaled(x, network._scaling()[0], network._single())
    given = rows.reshape(-1, *tail)
    of_inputs, of_outputs = network._scaling()
    values: dict[str, Array] = {} if of_inputs is None else {"x": x.reshape(-1, *tail)}
    values["a^0"] = given
    formulas = []
    for i, part in enumerate(layers):
        outputs: Array = found[i][0]
        values[f"a^{i + 1}"] = outputs
        formula, _ = _CELLS.get(part["kind"], ("", ""))
        formulas.append(formula)
        if formula:
            for prefix, backwards in _directions(part["options"]):
                states = _states(network, part, given, prefix, backwards, threads)
                values |= {f"{prefix}{name}^{i + 1}": array for name, array in states.items()}
        given = outputs
    if of_outputs is not None:
        answers = network._predict(x, threads)
        if answers is not None:
            values["out"] = answers.reshape(given.shape)
    names = [called(f"Layer {i}", part) for i, part in enumerate(layers, 1)]
    return SequenceTrace(values, names, formulas)


def with_gradients(
    trace: SequenceTrace, network: _core.Network, x: Rows, y: Array
) -> SequenceTrace:
    """Return a trace with the loss, and its gradient by the arrays that are trained."""
    plan = _core.Plan(_core.Optimizer("sgd"), 1.0, batch_size=1, shuffle=False)
    with _core.Trainer(network, x, y, plan) as trainer:
        loss, gradients = trainer.gradient()
    values = dict(trace) | {"C": np.array(loss)}
    own = iter(gradients)
    for i, part in enumerate(network._layers(), 1):
        arrays = [next(own) for _ in leaves([part])]
        if "branches" not in part and part["trained"]:
            values |= {
                f"dC/d{name}^{i}": array
                for name, array in arrays[0].items()
                if not name.startswith("running_")
            }
    return SequenceTrace(values, trace._names, trace._formulas)


def _directions(options: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Return what the names of each direction begin with, and whether it reads backwards."""
    if options.get("bidirectional", False):
        return [("", False), ("reverse_", True)]
    return [("", options.get("reverse", False))]


def _states(
    network: _core.Network, part: Mapping[str, Any], x: Array, prefix: str, backwards: bool,
    threads: int,
) -> dict[str, Array]:  # fmt: skip
    """Return gates and states of one direction of a recurrent layer, (steps, units) each."""
    units = int(part["options"]["units"])
    names = [name.removeprefix(prefix) for name in part["arrays"] if _is_of(name, prefix)]
    arrays = {name: network._array(part["index"], prefix + name) for name in names}
    spec = {
        "kind": part["kind"],
        "options": {"units": units, "return_sequences": True, "bias": "bias" in arrays}
        | ({"reverse": True} if backwards else {}),
    }
    single = network._single()
    alone = _core.Network(list(x.shape), [spec], single, 0)
    place = alone._layers()[0]["index"]
    for name, array in arrays.items():
        alone._set_array(place, name, array)
    row = np.ascontiguousarray(x.reshape(1, -1))
    h = alone._predict(row, threads)
    assert h is not None
    h = h.reshape(len(x), units)
    nothing = np.zeros_like(h[:1])
    before = np.concatenate([h[1:], nothing] if backwards else [nothing, h[:-1]])
    gates = _gates(part["kind"], arrays, x.astype(np.float64), before.astype(np.float64))
    if part["kind"] == "lstm":
        memory, c = np.zeros(units), np.zeros(h.shape)
        for t in reversed(range(len(x))) if backwards else range(len(x)):
            memory = gates["f"][t] * memory + gates["i"][t] * gates["g"][t]
            c[t] = memory
        gates["c"] = c
    return {name: array.astype(h.dtype) for name, array in gates.items()} | {"h": h}


def _is_of(name: str, prefix: str) -> bool:
    return name.startswith("reverse_") == (prefix == "reverse_")


def _gates(kind: str, arrays: Mapping[str, Array], x: Array, before: Array) -> dict[str, Array]:
    letters = _CELLS[kind][1]
    if not letters:
        return {}
    given = {name: array.astype(np.float64) for name, array in arrays.items()}
    # Not by @, which wakes the threads of NumPy's BLAS.
    products = "tc,cg->tg"
    of_x = np.einsum(products, x, given["weights"]) + given.get("bias", 0.0)
    of_h = np.einsum(products, before, given["recurrent_weights"])
    of_h += given.get("recurrent_bias", 0.0)
    parts_x, parts_h = np.split(of_x, len(letters), axis=1), np.split(of_h, len(letters), axis=1)
    found: dict[str, Array] = {}
    for letter, own, recurrent in zip(letters, parts_x, parts_h, strict=True):
        if letter == "n":
            found[letter] = np.tanh(own + found["r"] * recurrent)
        elif letter == "g":
            found[letter] = np.tanh(own + recurrent)
        else:  # by tanh, which does not overflow
            found[letter] = 0.5 + 0.5 * np.tanh(0.5 * (own + recurrent))
    return found


def _table(columns: Mapping[str, Array]) -> list[str]:
    """Return the lines of a table with a row for each step."""
    if not columns:
        return []
    steps = len(next(iter(columns.values())))
    shown: list[int | None] = list(range(steps))
    if steps > _MOST_STEPS:
        shown = [*range(_AT_EACH_END), None, *range(steps - _AT_EACH_END, steps)]
    rows = [["step", *columns]]
    for step in shown:
        if step is None:
            rows.append(["..."] * (1 + len(columns)))
        else:
            rows.append([str(step + 1), *(_shown(array[step]) for array in columns.values())])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  " + "  ".join([row[0].rjust(widths[0])]
                         + [cell.ljust(w) for cell, w in zip(row[1:], widths[1:], strict=True)])
        .rstrip()
        for row in rows
    ]  # fmt: skip


def _shown(numbers: Array) -> str:
    return np.array2string(
        np.atleast_1d(numbers),
        max_line_width=10**6,
        precision=_DIGITS,
        suppress_small=True,
        threshold=_MOST_NUMBERS,
        edgeitems=_AT_EACH_END,
    ).replace("\n", "")
