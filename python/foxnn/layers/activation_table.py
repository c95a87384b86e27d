"""All activations: what the package says of each beside what the engine computes.

A row has the formulas that a trace shows, the C of an exported header, the nodes of an ONNX file,
and what FoxNN's files and warnings need. The engine's own list (activation.hpp) has the rest: the
names, the aliases, the parameter, and which are for output layers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from foxnn import _core

# Klambauer et al., "Self-normalizing neural networks", 2017.
SELU_ALPHA, SELU_GAMMA = 1.6732632423543772848, 1.0507009873554804934
_ROOT_HALF = 0.7071067811865476


class Number(NamedTuple):
    """A constant of a formula in nodes; one that stands twice there is one constant of the file."""

    value: float


class Node(NamedTuple):
    """An operator of ONNX, and what goes into it.

    An input is "z", the preactivations; "alpha", the parameter; a number; or another node. One
    that stands twice is computed once. Attributes are numbers, or "alpha".
    """

    operator: str
    inputs: tuple[Node | Number | str, ...] = ("z",)
    attributes: tuple[tuple[str, float | str], ...] = ()


class ActivationRow(NamedTuple):
    """What the package knows about an activation.

    Attributes
    ----------
    formula, slope : str
        f(z) and f'(z) as a trace shows them; the slope by a = f(z) where that is shorter.
    c : str
        f(z) in C. ALPHA is the parameter, NUMBER(x) a number of the network's type, and F ends the
        names of functions of float (exp_F is expf or exp). "" where C has a function of whole rows.
    onnx : Node or None
        f(z) in nodes; None for the identity.
    onnx_double : Node or None
        The same for float64, where onnxruntime has the operators of `onnx` for float32 only.
    foxnn : bool
        Whether FoxNN has it, so that its text files can hold it.
    flat_beyond : float or None
        Beyond this preactivation the slope is under a hundredth of its largest, on both sides.
    is_wave : bool
        Far out its value depends on the last digits of z.
    least, largest : float or "-alpha"
        The bounds of f(z).
    """

    formula: str
    slope: str
    c: str
    onnx: Node | None
    onnx_double: Node | None = None
    foxnn: bool = False
    flat_beyond: float | None = None
    is_wave: bool = False
    least: float | str = -math.inf
    largest: float = math.inf


_ONE, _ZERO = Number(1.0), Number(0.0)
_ABOVE, _BELOW = Node("Max", ("z", _ZERO)), Node("Min", ("z", _ZERO))


def _elu_of_double(alpha: Number | str, factor: float) -> Node:
    """Return factor times z above zero, and times alpha (e^z - 1) below."""
    down = Node("Sub", (Node("Exp", (_BELOW,)), _ONE))
    return Node("Mul", (Node("Add", (_ABOVE, Node("Mul", (down, alpha)))), Number(factor)))


ACTIVATIONS = {
    "sigmoid": ActivationRow(
        "1 / (1 + e^-z)", "a (1 - a)", "1 / (1 + exp_F(-z))", Node("Sigmoid"),
        foxnn=True, flat_beyond=6.0, least=0.0, largest=1.0,
    ),
    "sinusoid": ActivationRow(
        "sin z", "cos z", "sin_F(z)", Node("Sin"), foxnn=True, is_wave=True,
        least=-1.0, largest=1.0,
    ),
    "gaussian": ActivationRow(
        "e^(-z²)", "-2 z a", "exp_F(-z * z)",
        Node("Exp", (Node("Neg", (Node("Mul", ("z", "z")),)),)), foxnn=True,
        least=0.0, largest=1.0,
    ),
    "relu": ActivationRow(
        "z where z > 0, else 0", "1 where z > 0, else 0", "z > 0 ? z : 0", Node("Relu"),
        foxnn=True, least=0.0,
    ),
    "identity_x": ActivationRow("z", "1", "z", None, foxnn=True),
    "tan_h": ActivationRow(
        "tanh z", "1 - a²", "tanh_F(z)", Node("Tanh"), foxnn=True, flat_beyond=3.0,
        least=-1.0, largest=1.0,
    ),
    "arctan": ActivationRow(
        "arctan z", "1 / (1 + z²)", "atan_F(z)", Node("Atan"), foxnn=True,
        least=-math.pi / 2, largest=math.pi / 2,
    ),
    "elu": ActivationRow(
        "z where z > 0, else alpha (e^z - 1)", "1 where z > 0, else alpha e^z",
        "z > 0 ? z : ALPHA * expm1_F(z)", Node("Elu", attributes=(("alpha", "alpha"),)),
        _elu_of_double("alpha", 1.0), foxnn=True, least="-alpha",
    ),
    "leaky_relu": ActivationRow(
        "z where z > 0, else alpha z", "1 where z > 0, else alpha", "z < 0 ? ALPHA * z : z",
        Node("LeakyRelu", attributes=(("alpha", "alpha"),)),
        Node("Add", (_ABOVE, Node("Mul", (_BELOW, "alpha")))),
    ),
    "selu": ActivationRow(
        f"{SELU_GAMMA:.5g} z where z > 0, else {SELU_GAMMA * SELU_ALPHA:.5g} (e^z - 1)",
        f"{SELU_GAMMA:.5g} where z > 0, else {SELU_GAMMA * SELU_ALPHA:.5g} e^z",
        f"NUMBER({SELU_GAMMA}) * (z > 0 ? z : NUMBER({SELU_ALPHA}) * expm1_F(z))",
        Node("Selu", attributes=(("alpha", SELU_ALPHA), ("gamma", SELU_GAMMA))),
        _elu_of_double(Number(SELU_ALPHA), SELU_GAMMA), least=-SELU_GAMMA * SELU_ALPHA,
    ),
    # Hendrycks and Gimpel, "Gaussian error linear units", 2016; erfc keeps the digits of its tail.
    "gelu": ActivationRow(
        "z Φ(z), Φ the normal distribution", "Φ(z) + z φ(z), φ its density",
        f"NUMBER(0.5) * z * erfc_F(-z * NUMBER({_ROOT_HALF}))",
        Node("Mul", ("z", Node("Mul", (
            Node("Add", (Node("Erf", (Node("Mul", ("z", Number(_ROOT_HALF))),)), _ONE)),
            Number(0.5),
        )))), least=-0.16997120747990369,
    ),
    "silu": ActivationRow(
        "z s(z), s(z) = 1 / (1 + e^-z)", "s(z) (1 + z (1 - s(z)))", "z / (1 + exp_F(-z))",
        Node("Mul", ("z", Node("Sigmoid"))), least=-0.2784645427610738,
    ),
    "softplus": ActivationRow(
        "ln(1 + e^z)", "1 / (1 + e^-z)", "(z > 0 ? z : 0) + log1p_F(exp_F(-fabs_F(z)))",
        Node("Softplus"),
        Node("Add", (_ABOVE, Node("Log", (
            Node("Add", (Node("Exp", (Node("Neg", (Node("Abs"),)),)), _ONE)),
        )))), least=0.0,
    ),
    "exp": ActivationRow("e^z", "a", "exp_F(z)", Node("Exp"), least=0.0),
    "softmax": ActivationRow(
        "e^z / Σ e^z", "", "", Node("Softmax", attributes=(("axis", -1),)), least=0.0, largest=1.0
    ),
}  # fmt: skip


def reach(name: str, parameters: Sequence[float]) -> tuple[float, float]:
    """Return the bounds of an activation's values."""
    row = ACTIVATIONS[name]
    return (-parameters[0] if isinstance(row.least, str) else row.least), row.largest


def usual_name(name: str) -> str:
    """Return what an activation is called elsewhere, where FoxNN's name for it is its own."""
    return {"identity_x": "identity", "tan_h": "tanh"}.get(name, name)


# What the engine says of each.
_TRAITS = _core.activation_traits()
#: Aliases, and the names that they stand for.
ALIASES: dict[str, str] = {a: name for name, row in _TRAITS.items() for a in row["aliases"]}
#: Those whose each output depends on all preactivations: they have no curve.
JOINING = frozenset(name for name, row in _TRAITS.items() if row["joins_outputs"])
#: Those with a parameter, alpha.
WITH_ALPHA = frozenset(name for name, row in _TRAITS.items() if row["takes_alpha"])


def with_aliases(names: Iterable[str]) -> frozenset[str]:
    """Return names and all aliases that stand for them."""
    given = frozenset(names)
    return given | {alias for alias, name in ALIASES.items() if name in given}


#: Those that only an output layer takes, by all their names.
FOR_OUTPUT = with_aliases(name for name, row in _TRAITS.items() if row["is_for_output"])
