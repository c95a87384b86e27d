"""Layers as a page holds them: what describes each, and their numbers behind one another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from foxnn.checks import Array
from foxnn.layers.activation_table import ACTIVATIONS, JOINING, usual_name
from foxnn.layers.kinds import leaves, public_name
from foxnn.layers.view import LayerView, shown_part
from foxnn.model.answers import AnsweringNetwork

Part = Mapping[str, Any]

#: The operation of layers.js or recurrent.js that computes each kind; one that is not here is
#: refused by name. Composites are those of network.js.
OPERATIONS = {
    "dense": "dense",
    **{f"conv{axes}d": "conv" for axes in (1, 2, 3)},
    **{f"{kind}_pool{axes}d": f"{kind}_pool" for kind in ("max", "average") for axes in (1, 2, 3)},
    **{f"global_{kind}_pool": f"{kind}_pool" for kind in ("max", "average")},
    "up_sample": "up_sample",
    "activation": "activation",
    "flatten": "flatten",
    "reshape": "reshape",
    "dropout": "dropout",
    "embedding": "embedding",
    "rnn": "rnn",
    "gru": "gru",
    "lstm": "lstm",
    "batch_norm": "batch_norm",
    "layer_norm": "layer_norm",
    "residual": "residual",
    "parallel": "parallel",
}


class Described:
    """The layers of a network as a page holds them.

    Attributes
    ----------
    layers : list of dict
        For JSON. An array is its shape, and where it begins.
    """

    def __init__(self, network: AnsweringNetwork) -> None:
        self._network = network
        self._found: list[tuple[int, str]] = []
        self._count = 0
        self.layers = self._described(list(network), network._layers())

    def _described(self, views: Sequence[LayerView], parts: Sequence[Part]) -> list[dict[str, Any]]:
        return [self._layer(view, part) for view, part in zip(views, parts, strict=True)]

    def _layer(self, view: LayerView, part: Part) -> dict[str, Any]:
        branches = part.get("branches", ())
        own = {name: part["options"][name] for name in part["options"] if name != "name"}
        inner = [
            self._described(views, branch)
            for views, branch in zip(_branches(view, branches), branches, strict=True)
        ]
        return {
            "name": view.name,
            "kind": public_name(part["kind"]),
            "title": public_name(part["kind"]) if inner else shown_part(_named_as_usual(part)),
            "operation": OPERATIONS[part["kind"]],
            "options": own,
            "arrays": {
                name: self._array(part["index"], name, shape)
                for name, shape in part.get("arrays", {}).items()
            },
            "branches": inner,
        }

    def _array(self, index: int, name: str, shape: Sequence[int]) -> dict[str, Any]:
        first, self._count = self._count, self._count + int(np.prod(shape))
        self._found.append((index, name))
        return {"first": first, "shape": list(shape)}

    def arrays(self) -> Iterator[Array]:
        """Yield all numbers, array by array, as float32."""
        for index, name in self._found:
            yield self._network._array(index, name).astype("<f4").reshape(-1)

    def functions(self) -> str:
        """Return the script with the activations that the layers have."""
        parts = (leaf["options"] for leaf in leaves(self._network._layers()))
        return functions_of(part["activation"] for part in parts if "activation" in part)


def functions_of(names: Iterable[str]) -> str:
    """Return the script with these activations."""
    lines = [
        f"ACTIVATIONS.{name} = (z, alpha) => {in_javascript(ACTIVATIONS[name].c)};"
        for name in sorted(set(names) - JOINING)
    ]
    return "\n".join(lines)


def _branches(view: LayerView, branches: Sequence[Sequence[Part]]) -> list[list[LayerView]]:
    """Return the layers of a composite as users see them, branch by branch."""
    flat: list[LayerView] = []
    for each in view.layers:
        flat += each if isinstance(each, tuple) else (each,)
    found = []
    for branch in branches:
        found.append(flat[: len(branch)])
        flat = flat[len(branch) :]
    return found


def _named_as_usual(part: Part) -> dict[str, Any]:
    """Return a layer with the name of its activation that users of other libraries know."""
    options = dict(part["options"])
    if "activation" in options:
        options["activation"] = usual_name(options["activation"])
    return {**part, "options": options}


def in_javascript(formula: str) -> str:
    """Return a formula of the table of activations, which is C, in JavaScript.

    There, functions of numbers are those of Math, but for the absolute value and erfc.
    """
    text = formula.replace("ALPHA", "alpha")
    text = re.sub(r"NUMBER\(([^()]*)\)", r"\1", text)
    text = text.replace("fabs_F(", "Math.abs(").replace("erfc_F(", "erfc(")
    return re.sub(r"\b([a-z0-9]+)_F\(", r"Math.\1(", text)
