"""What the outputs of a network are called in a page, and how they are shown."""

from __future__ import annotations

from typing import Any

import numpy as np

from foxnn.layers.activation_table import reach
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.losses import CLASSIFYING, LABELLED, REPEATING
from foxnn.model.scaler import shift_and_scale


def described(network: AnsweringNetwork) -> dict[str, Any]:
    """Return how to show the outputs."""
    activation, parameters = network._output_activation()
    found: dict[str, Any] = {
        "labels": _labels(network),
        "classes": [str(name) for name in network.classes or ()],
        "classifies": network._loss() in CLASSIFYING,
        "joined": activation == "softmax",
    }
    if levels := _levels(network):
        found["quantiles"] = levels
    if network.output_scaler is not None:
        shift, scale = shift_and_scale(network.output_scaler)
        return found | {"shift": shift.tolist(), "scale": scale.tolist()}
    least, largest = reach(activation, parameters)
    if np.isfinite(least) and np.isfinite(largest):
        found |= {"low": least, "high": largest}
    return found


def caption(network: AnsweringNetwork, wanted: Any) -> str:
    """Return a target in words: the class or classes, or up to three numbers."""
    numbers = np.asarray(wanted).reshape(-1)
    # Where a target has several outputs, it is there for each of them.
    if levels := _levels(network):
        numbers = numbers[:: len(levels)]
    elif network._loss() in REPEATING:
        numbers = numbers[: len(numbers) // 2]
    labels = _labels(network)
    if network.classes is not None and not network._classifies() and len(numbers) == len(labels):
        return labels[int(numbers.argmax())]  # one-hot, for the squared error
    if network._classifies() and len(numbers) in (1, len(labels)):
        if len(numbers) == 1:
            label = int(numbers[0])
            pair = network.classes if len(labels) == 1 else labels
            return str(pair[label]) if pair else str(label)
        if network._loss() in LABELLED:
            return labels[int(numbers.argmax())]
        # Any number of classes, as those of predict_classes.
        return ", ".join(labels[i] for i in np.flatnonzero(numbers > 0.5)) or "none"
    return ", ".join(f"{number:.4g}" for number in numbers) if len(numbers) <= 3 else ""


def _labels(network: AnsweringNetwork) -> list[str]:
    """Return what each output is called: its class where it has one, else its number."""
    count, classes = network._channels(), network.classes
    if levels := _levels(network):
        names = [f"{100 * level:.4g} %" for level in levels]
        targets = count // len(levels)
        return names if targets == 1 else [f"{i}: {each}" for i in range(targets) for each in names]
    if network._loss() in REPEATING:
        names = ["mean", "log variance"]
        if count == 2:
            return names
        return [f"{i}: {each}" for each in names for i in range(count // 2)]
    if classes is not None and len(classes) == count:
        return [str(name) for name in classes]
    return [str(i) for i in range(count)]


def _levels(network: AnsweringNetwork) -> list[float]:
    """Return the quantiles of each target, for a loss that has some."""
    return list(network._loss_parameters()) if network._loss() == "quantile" else []
