"""The lines of Python that make the same run as the page."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from foxnn import neural_network
from foxnn.playing.knobs import Knobs
from foxnn.playing.source import Data, Source


class Stretch(NamedTuple):
    """A part of a run with knobs that stayed.

    Either epochs, with some steps of a last one, or steps of a batch each from a row on.
    """

    knobs: Knobs
    epochs: int
    first: int | None = None  # of the rows, for steps
    steps: int = 0


def network_of(source: Source, knobs: Knobs) -> neural_network:
    """Return a new network."""
    inputs, outputs, last, loss = source.ends(knobs)
    sizes = [inputs, *knobs.layers, outputs]
    return neural_network(sizes, knobs.activation, last, loss=loss, seed=knobs.seed)


def script(source: Source, knobs: Knobs, run: list[Stretch], data: Data) -> str:
    """Return the lines; `knobs` are those of the network, and each stretch has its own."""
    name, line = source.line(knobs)
    inputs, outputs, last, loss = source.ends(knobs)
    sizes = [inputs, *knobs.layers, outputs]
    run = [stretch for stretch in run if stretch.epochs or stretch.steps]
    stops = any(stretch.steps for stretch in run if stretch.first is None)
    lines = [
        "import foxnn", f"from foxnn.playing import {name}{', stop_after' if stops else ''}", line,
        f'nn = foxnn.neural_network({sizes}, "{knobs.activation}", "{last}", loss="{loss}", '
        f"seed={knobs.seed})",
    ]  # fmt: skip
    if name == "mnist":
        lines.append('scale = foxnn.Scaler("minmax").fit(x), None')
    scale = {} if name == "plane_set" else {"scale": "scale"}
    for stretch in run:
        told = {**told_knobs(stretch.knobs), **scale}
        size = stretch.knobs.batch_size
        if stretch.first is None:
            epochs: dict[str, Any] = {"epochs": stretch.epochs + (stretch.steps > 0)}
            if len(data.x_test):
                told["validation"] = "(x_test, y_test)"
            if stretch.steps:
                steps = stretch.epochs * math.ceil(len(data.x) / size) + stretch.steps
                told["callbacks"] = f"stop_after({steps})"
            lines.append(f"nn.fit(x, y, {_listed({**epochs, **told})})")
        else:
            end = stretch.first + stretch.steps * size
            lines.append(f"for i in range({stretch.first}, {end}, {size}):")
            told = {"epochs": 1, **told, "shuffle": False}
            lines.append(f"    nn.fit(x[i:i + {size}], y[i:i + {size}], {_listed(told)})")
    return "\n".join(lines) + "\n"


def told_knobs(knobs: Knobs) -> dict[str, Any]:
    """Return the arguments of `fit` as they are written: those at zero are left out."""
    given = knobs.of_fit()
    return {
        name: f'"{value}"' if isinstance(value, str) else f"{value!r}"
        for name, value in given.items()
        if value or name == "learning_rate"
    }


def _listed(arguments: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in arguments.items())
