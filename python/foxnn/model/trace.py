"""All numbers that a network computes for one sample, forward and backward, by name.

`walk` gets them from the engine; this module shows them, with their formulas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.checks.unpickling import attributes
from foxnn.layers import parse_activation
from foxnn.layers.activation_table import ACTIVATIONS, JOINING
from foxnn.layers.activations import ActivationPair
from foxnn.model.losses import LOSSES, is_difference, joined, public_name
from foxnn.support import pieces
from foxnn.support.array_types import ArrayLike

_BACKWARD = ("delta", "dC/dw", "dC/db")

# How arrays are printed: of those with more numbers, the first and the last are shown.
_MOST_NUMBERS, _AT_EACH_END, _DIGITS, _WIDTH = 20, 3, 5, 100


class Trace(Mapping[str, Array]):
    """All numbers of a network's output for one sample, and of its gradient, as from `nn.trace`.

    Layers are counted from 1 to L, as in textbooks. The names are in the order of the computation:
    "a^0" the inputs, then for each layer "w^l" weights (inputs, neurons), "b^l" biases, "z^l"
    weighted sums and "a^l" activations; and with a target "y", "C" the loss, and from the last
    layer to the first "delta^l" = ∂C/∂z^l, "dC/dw^l" and "dC/db^l". If the network scales its
    inputs, the first is "x", from which "a^0" is computed; if it scales its outputs, "y" is scaled,
    too, and "out" is the output of the network. The arrays are read-only. Printing a trace shows
    the computation with its formulas; large arrays are abbreviated.

    Parameters
    ----------
    values : mapping of str to array-like
        The numbers, by these names.
    activations : sequence of (str, list of float)
        The name of each layer's activation, and its parameters.
    loss : str
        The name of the loss.

    Notes
    -----
    The notation is that of M. Nielsen, "Neural networks and deep learning", 2015, chapter 2, with
    samples as rows: with w^l as (inputs, neurons), the sums are z^l = a^(l-1) w^l + b^l, and what
    he writes as (w^(l+1))ᵀ δ^(l+1) is δ^(l+1) (w^(l+1))ᵀ.

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([2, 1], dtype="float64")
    >>> nn[0].weights, nn[0].bias = [[0], [1]], [4]
    >>> trace = nn.trace([2, 3], [0])
    >>> trace["z^1"].tolist(), float(trace["a^1"][0].round(3))
    ([7.0], 0.999)
    >>> print(trace)
    Forward
      a^0 = [2. 3.]
    Layer 1: 2 inputs, 1 neuron, sigmoid(z) = 1 / (1 + e^-z)
      w^1 = [[0.]
             [1.]]
      b^1 = [4.]
      z^1 = a^0 w^1 + b^1 = [7.]
      a^1 = sigmoid(z^1) = [0.99909]
    Loss: mse
      y = [0.]
      C = ½ Σ (a^1 - y)² = 0.49909
    Backward
    Layer 1: sigmoid'(z) = a (1 - a)
      δ^1 = (a^1 - y) ⊙ sigmoid'(z^1) = [0.00091]
      ∂C/∂w^1 = (a^0)ᵀ δ^1 = [[0.00182]
                              [0.00273]]
      ∂C/∂b^1 = δ^1 = [0.00091]
    """

    # For an object that was made without its constructor.
    _values: Mapping[str, Array] = MappingProxyType({})
    _activations: Sequence[ActivationPair] = ()
    _loss = ""

    def __init__(
        self, values: Mapping[str, ArrayLike], activations: Sequence[ActivationPair], loss: str
    ) -> None:
        if not isinstance(values, Mapping):
            raise TypeError(f"values must be a mapping of arrays, got {checks.shown(values)}")
        arrays: dict[str, Array] = {}
        for key in values:
            name = checks.text(key, "a name of values")
            array = pieces.converted(checks.as_array(values[key], f"values[{checks.shown(name)}]"))
            array.flags.writeable = False
            arrays[name] = array
        if not isinstance(activations, list | tuple):
            raise TypeError(
                f"activations must be a list with one per layer, got {checks.shown(activations)}"
            )
        if not activations:
            raise ValueError("activations must hold at least one, got none")
        self._activations = [
            parse_activation(given, f"activations[{i}]", only_known=False)
            for i, given in enumerate(activations)
        ]
        self._values, self._loss = arrays, checks.word(loss, "loss")
        self._check_shapes()

    def _check_shapes(self) -> None:
        """Refuse arrays that are not those of a network."""
        names = ["a^0", *(f"{part}^{i}" for i in self._layers() for part in "wbza")]
        if "C" in self._values:
            names += ["y", *(f"{part}^{i}" for i in self._layers() for part in _BACKWARD)]
        layers = _counted(len(self._activations), "layer")
        for name in names:
            wanted = 2 if name.startswith(("w", "dC/dw")) else 1
            if name not in self._values or self._values[name].ndim != wanted:
                raise ValueError(
                    f"values must hold {name}, of {_counted(wanted, 'dimension')}, as activations "
                    f"has {layers}"
                )
        if "C" in self._values and self._values["C"].ndim:
            raise ValueError(
                f"values must hold one number as C, got shape {self._values['C'].shape}"
            )

    def __getitem__(self, name: str) -> Array:
        try:
            return self._values[name]
        except KeyError:
            there = f"the trace holds {', '.join(self._values)}"
            hint = "" if "C" in self._values else "; trace(x, y) adds the loss and the gradient"
            raise KeyError(f"{checks.shown(name)}: {there}{hint}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        """Whether the other is a trace with the same names, numbers, activations and loss."""
        if not isinstance(other, Trace):
            return NotImplemented
        return (
            (self._activations, self._loss) == (other._activations, other._loss)
            and list(self) == list(other)
            and all(np.array_equal(self[name], other[name], equal_nan=True) for name in self)
        )

    def __reduce__(self) -> tuple[object, ...]:
        # By the constructor: NumPy's own pickles can be written to.
        return Trace, (self._values, self._activations, self._loss)

    def __getstate__(self) -> dict[str, Any]:
        values, activations = dict(self._values), list(self._activations)
        return {"values": values, "activations": activations, "loss": self._loss}

    def __setstate__(self, state: object) -> None:
        given = attributes(state, Trace, "values", "activations", "loss")
        self.__init__(**given)  # type: ignore[misc]  # it makes what it is given its own

    def __repr__(self) -> str:
        if not self._activations:
            return "<Trace, not made>"
        sizes = [len(self["a^0"]), *(len(self[f"b^{i}"]) for i in self._layers())]
        loss = f", {self._loss} {self['C']:.5g}" if "C" in self else ""
        names = [name for name, _ in self._activations]
        return f"Trace({sizes}, {names}{loss})"

    def __str__(self) -> str:
        parts = ["Forward"]
        if "x" in self:
            parts += [self._line("x"), self._line("a^0", "(x - shift) / scale")]
        else:
            parts.append(self._line("a^0"))
        for i in self._layers():
            parts += self._forward(i)
        if "out" in self:
            parts.append(self._line("out", f"a^{len(self._layers())} · scale + shift"))
        if "C" in self:
            last = self._layers()[-1]
            cost = _of_outputs(
                LOSSES[self._loss].formula if self._loss in LOSSES else "C(a, y)", last
            )
            scaled = "(target - shift) / scale" if "out" in self else ""
            parts += [f"Loss: {public_name(self._loss)}", self._line("y", scaled)]
            parts += [f"  C = {cost} = {self['C']:.5g}", "Backward"]
            for i in reversed(self._layers()):
                parts += self._backward(i)
        return "\n".join(parts)

    def _layers(self) -> range:
        return range(1, len(self._activations) + 1)

    def _forward(self, i: int) -> list[str]:
        name, parameters = self._activations[i - 1]
        inputs, neurons = self[f"w^{i}"].shape
        formula = ACTIVATIONS[name].formula if name in ACTIVATIONS else ""
        function = f"{name}(z) = {formula}" if formula else name
        return [
            f"Layer {i}: {_counted(inputs, 'input')}, {_counted(neurons, 'neuron')}, "
            f"{function}{''.join(f', alpha = {p:g}' for p in parameters)}",
            self._line(f"w^{i}"),
            self._line(f"b^{i}"),
            self._line(f"z^{i}", f"a^{i - 1} w^{i} + b^{i}"),
            self._line(f"a^{i}", f"{name}(z^{i})"),
        ]

    def _backward(self, i: int) -> list[str]:
        name = self._activations[i - 1][0]
        if i < len(self._activations):
            delta, note = f"(δ^{i + 1} (w^{i + 1})ᵀ) ⊙ {name}'(z^{i})", _slope(name)
        else:
            delta, note = self._output_delta(name, i)
        return [
            f"Layer {i}: {note}" if note else f"Layer {i}",
            self._line(f"delta^{i}", delta),
            self._line(f"dC/dw^{i}", f"(a^{i - 1})ᵀ δ^{i}"),
            self._line(f"dC/db^{i}", f"δ^{i}"),
        ]

    def _output_delta(self, activation: str, last: int) -> tuple[str, str]:
        """Return the formula of δ^L, and an explanation of its terms."""
        error, partial = _of_outputs("a - y", last), f"∂C/∂a^{last}"
        by_outputs = partial
        if self._loss in LOSSES:
            by_outputs = _of_outputs(LOSSES[self._loss].slope, last)
        if activation in joined(self._loss) and is_difference(self._loss):
            # The targets of all classes together usually sum to 1.
            is_whole = activation not in JOINING or abs(float(self["y"].sum()) - 1.0) < 1e-6
            return error if is_whole else f"a^{last} Σ y - y", ""
        if activation in JOINING:  # each output depends on all sums
            meaning = " = ".join(dict.fromkeys(["g", partial, by_outputs]))
            return f"a^{last} ⊙ (g - Σ g a^{last})", meaning
        if activation == "identity_x":
            return by_outputs, ""
        is_one_factor = " " not in by_outputs or re.fullmatch(r"\w+\([^()]*\)", by_outputs)
        factor = by_outputs if is_one_factor else f"({by_outputs})"
        return f"{factor} ⊙ {activation}'(z^{last})", _slope(activation)

    def _line(self, name: str, formula: str = "") -> str:
        shown = name.replace("delta", "δ").replace("dC/d", "∂C/∂")
        start = f"  {shown} = {formula} = " if formula else f"  {shown} = "
        return start + np.array2string(
            self[name],
            max_line_width=max(_WIDTH, len(start) + 40),
            precision=_DIGITS,
            threshold=_MOST_NUMBERS,
            edgeitems=_AT_EACH_END,
            prefix=start,
        )


def _slope(activation: str) -> str:
    formula = ACTIVATIONS[activation].slope if activation in ACTIVATIONS else ""
    return formula and f"{activation}'(z) = {formula}"


def _of_outputs(formula: str, last: int) -> str:
    """Return a formula with the name of the outputs in place of its a."""
    return re.sub(r"\ba\b", f"a^{last}", formula)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
