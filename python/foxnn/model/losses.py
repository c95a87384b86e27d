"""All losses: what the package says of each beside what the engine computes.

The engine's own list (loss.hpp) has the rest: the names, what the targets are, and which output
activations a loss is computed together with. How a function of the user's is called is in
`own_loss`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array, Names

LossFunction = Callable[[Array, Array], Any]
LossLike = str | tuple[str, float | Sequence[float]] | LossFunction


class LossRow(NamedTuple):
    """C as a trace shows it, and its derivative by a, which stands for the outputs."""

    formula: str
    slope: str


LOSSES = {
    "mse": LossRow("½ Σ (a - y)²", "a - y"),
    "cross_entropy": LossRow("-Σ y ln a", "-y / a"),
    "binary_cross_entropy": LossRow(
        "-Σ (y ln a + (1 - y) ln(1 - a))", "(a - y) / (a (1 - a))"
    ),
    "mae": LossRow("Σ |a - y|", "sign(a - y)"),
    "huber": LossRow(
        "Σ (½ (a - y)² where |a - y| ≤ 1, else |a - y| - ½)", "clip(a - y, -1, 1)"
    ),
    "poisson": LossRow("Σ (a - y ln a)", "1 - y / a"),
    "log_cosh": LossRow("Σ ln cosh(a - y)", "tanh(a - y)"),
    "focal": LossRow(
        "-Σ y (1 - a)^gamma ln a", "y (1 - a)^gamma (gamma ln a / (1 - a) - 1 / a)"
    ),
    "binary_focal": LossRow(
        "-Σ (y (1 - a)^gamma ln a + (1 - y) a^gamma ln(1 - a))",
        "y (1 - a)^gamma (gamma ln a / (1 - a) - 1 / a) + "
        "(1 - y) a^gamma (1 / (1 - a) - gamma ln(1 - a) / a)",
    ),
}  # fmt: skip

#: What the engine calls a loss of the user's.
OWN = "outside"
# What users call `focal` is two losses of the engine: of classes, and of each output by itself.
_OF_SIDES = {"focal": "binary_focal"}
_SHOWN = {ours: shown for shown, ours in _OF_SIDES.items()}
_DEFAULTS: Mapping[str, list[float]] = {"quantile": [0.5], "focal": [2.0]}

#: The names as users know them.
PUBLIC_LOSSES = [name for name in _core.losses() if name not in _SHOWN]

#: The names as arguments. Beside them, what Keras, PyTorch and scikit-learn call similar ones.
LOSS_NAMES = Names(
    "loss",
    PUBLIC_LOSSES,
    {},
    {
        "absoluteerror": "mae", "bce": "binary_cross_entropy", "bceloss": "binary_cross_entropy",
        "bcewithlogits": "binary_cross_entropy", "bcewithlogitsloss": "binary_cross_entropy",
        "categoricalcrossentropy": "cross_entropy", "halfsquarederror": "mse", "l1": "mae",
        "binaryfocal": "focal", "binaryfocalcrossentropy": "focal",
        "categoricalfocalcrossentropy": "focal", "gaussiannllloss": "gaussian_nll",
        "l1loss": "mae", "l2": "mse", "logloss": "cross_entropy", "meanabsoluteerror": "mae",
        "pinball": "quantile", "pinballloss": "quantile",
        "meansquarederror": "mse", "nll": "cross_entropy", "nllloss": "cross_entropy",
        "poissonnllloss": "poisson", "rmse": "mse", "smoothl1": "huber", "smoothl1loss": "huber",
        "softmaxcrossentropy": "cross_entropy", "sparsecategoricalcrossentropy": "cross_entropy",
        "squarederror": "mse",
    },
)  # fmt: skip

_TRAITS = _core.loss_traits()


def _of_targets(*kinds: str) -> tuple[str, ...]:
    return tuple(name for name, row in _TRAITS.items() if row["targets"] in kinds)


#: Losses of numbers, whose targets may be scaled.
SCALABLE_LOSSES = _of_targets("numbers")
#: Losses by which a network classifies.
CLASSIFYING = _of_targets("classes", "sides")
#: Losses that take class labels.
LABELLED = _of_targets("classes")


#: Losses with several outputs for each target.
REPEATING = _of_targets("repeated")


def joined(loss: str) -> list[str]:
    """Return the output activations whose sums a loss takes."""
    return list(_TRAITS[loss]["joined"]) if loss in _TRAITS else []


def is_difference(loss: str) -> bool:
    """Return whether the slope of a loss by the sums that it takes is a - y."""
    return loss in _TRAITS and bool(_TRAITS[loss]["slope_is_difference"])


class ParsedLoss(NamedTuple):
    """A loss that was given: its name, its numbers, and the function of one of the user's."""

    name: str
    parameters: list[float]
    function: LossFunction | None = None


def parse_loss(loss: Any, argument: str = "loss") -> ParsedLoss:
    """Return what an argument says: a name, a name with numbers, or a function.

    Raises
    ------
    ValueError, TypeError
        For an unknown name, numbers that are not those of the loss, and anything else.
    """
    if callable(loss) and not isinstance(loss, type | str):
        return ParsedLoss(OWN, [], loss)
    if not isinstance(loss, tuple | list):
        if not isinstance(loss, str):
            raise TypeError(
                f"{argument} must be a string, a pair (name, parameters) or a function, got "
                f"{checks.shown(loss)}"
            )
        name = LOSS_NAMES.known(loss, argument)
        return ParsedLoss(name, list(_DEFAULTS.get(name, [])))
    if len(loss) != 2:
        raise ValueError(
            f"{argument} must be a name or a pair (name, parameters), got {len(loss)} items"
        )
    name, given = LOSS_NAMES.known(loss[0], argument), loss[1]
    if name not in _DEFAULTS:
        raise ValueError(f"{argument} {name!r} has no parameters; {' and '.join(_DEFAULTS)} have")
    if name == "focal":
        return ParsedLoss(name, [checks.real(given, f"{argument}: gamma", 0.0)])
    return ParsedLoss(name, levels_of(given, f"{argument}: the quantiles"))


def levels_of(given: Any, what: str) -> list[float]:
    """Return one quantile or several, checked."""
    is_one = isinstance(given, int | float | np.number) and not isinstance(given, bool)
    items = [given] if is_one else checks.items(given, f"{what} must be a list", 10_000)
    levels = [checks.real(one, what, 0.0, 1.0, open_low=True, open_high=True) for one in items]
    if not levels or any(b <= a for a, b in itertools.pairwise(levels)):
        raise ValueError(f"{what} must be in ascending order, got {checks.shown(levels)}")
    return levels


def engine_name(name: str, activation: str) -> str:
    """Return the engine's name of a loss behind an output activation."""
    ours = _OF_SIDES.get(name)
    return ours if ours is not None and activation in _TRAITS[ours]["joined"] else name


def public_name(name: str) -> str:
    """Return the name under which users know a loss of the engine."""
    return _SHOWN.get(name, name)


def as_given(name: str, parameters: Sequence[float]) -> LossLike:
    """Return a loss of the engine as users give it."""
    shown = public_name(name)
    if shown == "focal":
        return shown, float(parameters[0])
    return (shown, list(parameters)) if parameters else shown


def shown_loss(loss: LossLike) -> str:
    """Return a loss as text: a function by its name."""
    if isinstance(loss, str | tuple):
        return repr(loss)
    return str(getattr(loss, "__qualname__", repr(loss)))


def outputs_of_each(name: str, parameters: Sequence[float]) -> int:
    """Return how many outputs a loss has for each target."""
    return max(1, len(parameters)) if name == "quantile" else 2 if name in REPEATING else 1


def repeated(targets: Array, each: int, channels: int, name: str) -> Array:
    """Return targets, a row a sample, with a column for each output.

    The quantiles of a target are next to each other; the means of gaussian_nll come first.
    """
    by_position = targets.reshape(len(targets), -1, channels)
    if name == "quantile":
        spread = by_position.repeat(each, axis=2)
    else:
        spread = np.concatenate([by_position] * each, axis=2)
    return spread.reshape(len(targets), -1)


def sorts_outputs(network: _core.Network) -> bool:
    """Return whether a network's outputs are those of its layers, put into order."""
    return network._loss() == "quantile" and len(network._loss_parameters()) > 1


def refuse_sorted(network: _core.Network, where: str) -> None:
    """Refuse a network whose outputs are put into order, where only its layers are held."""
    if sorts_outputs(network):
        raise ValueError(
            f"{where} cannot hold loss='quantile' with several quantiles: it would hold the "
            "outputs of the last layer, which the network puts into order; .safetensors does that"
        )


def name_of_function(function: LossFunction) -> str | None:
    """Return "module:name" of a function that can be found again by it; None for others."""
    import sys

    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}:{name}" if found is function else None


def function_of_name(text: str) -> LossFunction:
    """Return the function that `name_of_function` named. Nothing is imported for it.

    Raises
    ------
    ValueError
        If its module is not imported, or has no such function.
    """
    import sys

    module, _, name = text.partition(":")
    found: Any = sys.modules.get(module)
    if found is None:
        raise ValueError(
            f"loss is {text}: import {module} first, or give loss=..., since a file does not "
            "import what it names"
        )
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found) or isinstance(found, type):
        raise ValueError(f"loss is {text}, but {module} has no such function; give loss=...")
    function: LossFunction = found
    return function
