"""All losses: what the package says of each beside what the engine computes.

The engine's own list (loss.hpp) has the rest: the names, what the targets are, and which output
activations a loss is computed together with.
"""

from __future__ import annotations

from typing import NamedTuple

from foxnn import _core
from foxnn.checks import Names


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
}  # fmt: skip

#: The names as arguments. Beside them, what Keras, PyTorch and scikit-learn call similar ones.
LOSS_NAMES = Names(
    "loss",
    _core.losses(),
    {},
    {
        "absoluteerror": "mae", "bce": "binary_cross_entropy", "bceloss": "binary_cross_entropy",
        "bcewithlogits": "binary_cross_entropy", "bcewithlogitsloss": "binary_cross_entropy",
        "categoricalcrossentropy": "cross_entropy", "halfsquarederror": "mse", "l1": "mae",
        "l1loss": "mae", "l2": "mse", "logloss": "cross_entropy", "meanabsoluteerror": "mae",
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


def joined(loss: str) -> list[str]:
    """Return the output activations with which a loss has the slope a - y by the sums."""
    return list(_TRAITS[loss]["joined"]) if loss in _TRAITS else []
