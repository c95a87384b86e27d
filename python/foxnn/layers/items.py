"""The list that a network is made from: numbers, shapes, descriptions, layers of other networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.layers.activation_table import FOR_OUTPUT
from foxnn.layers.activations import ActivationPair, parse_activation
from foxnn.layers.composition import COMPOSITES, Composite, branch_name
from foxnn.layers.dense_kind import LARGEST
from foxnn.layers.kind import Description, Shape, Spec
from foxnn.layers.kinds import DEEPEST, KINDS, checked_specs, leaves, placed, public_name
from foxnn.layers.shapes import checked_sample_shape
from foxnn.layers.steps import least_steps, varies
from foxnn.layers.view import LayerView, checked_array

_LAYERS = (Description, Composite, LayerView)


class Parsed:
    """What the items say: the shape of a sample, specs, and what layers of others bring along."""

    def __init__(self, shape: Shape, name: str = "") -> None:
        self.shape = shape
        self.specs: list[Spec] = []
        # By the place of a leaf: its arrays, and whether it is trained.
        self.copied: dict[int, tuple[dict[str, Array], bool]] = {}
        self.name = name  # what a single layer is called in messages

    def place(self, i: int) -> str:
        """Return where the layer of a spec stands, for messages."""
        return self.name or f"sizes[{i + 1}]"

    def leaf_places(self) -> list[str]:
        """Return where the leaves stand, with their kinds."""
        found = placed(self.specs, self.place)
        return [where for where, spec in found if spec["kind"] not in COMPOSITES]


def is_plain(items: object) -> bool:
    """Return whether there is nothing among the items that could be a layer or a shape."""
    if not isinstance(items, list | tuple):
        return True
    return not any(isinstance(item, (tuple, list, type, *_LAYERS)) for item in items)


def parse_items(
    items: Sequence[Any],
    activation: Any,
    output: Any,
    init: str,
    name: str = "",
    are_inputs: bool = True,
) -> Parsed:
    """Return what a list says of which not all items are numbers.

    Parameters
    ----------
    items : sequence
        A shape and then layers.
    activation, output, init
        As a network is made with.
    name : str, default=""
        What a single layer is called in messages, instead of its position in the list.
    are_inputs : bool, default=True
        Whether the first layer reads the network's inputs, perhaps in another shape.

    Raises
    ------
    ValueError, TypeError
        Where an item is wrong or does not fit: with its position and name.
    """
    if len(items) < 2:
        raise ValueError(
            "sizes must hold the shape of the inputs and at least one layer, "
            f"got {len(items)} item{'s' * (len(items) != 1)}"
        )
    reader = _Reader(name or "sizes")
    parsed = Parsed(_input_shape(items[0]))
    parsed.specs = [
        reader.spec(item, name or f"sizes[{i}]") for i, item in enumerate(items) if i > 0
    ]
    parsed.copied = reader.copied
    _fill_activations(parsed.specs, activation, output)
    for leaf in leaves(parsed.specs):
        if KINDS[leaf["kind"]].has_init:
            leaf["options"].setdefault("init", init)
    try:
        checked = checked_specs(
            parsed.specs, parsed.shape, name or "sizes", first=1, are_inputs=are_inputs
        )
    except (ValueError, TypeError) as error:
        if not name:
            raise
        raise type(error)(str(error).replace(f"{name}[1]", name, 1)) from None
    parsed.specs, parsed.name = checked.specs, name
    if varies(parsed.shape):
        least_steps(parsed.specs, parsed.shape, name or "sizes")  # refuses branches that differ
    _check_copies(parsed, checked.arrays)
    if not name:
        check_names(parsed.specs, 0, "sizes")
    check_outputs(parsed.specs, parsed.place)
    return parsed


def _check_copies(parsed: Parsed, arrays: Sequence[Mapping[str, Shape]]) -> None:
    """Refuse layers of other networks whose arrays have other shapes here."""
    places = parsed.leaf_places()
    for leaf, (given, _) in parsed.copied.items():
        for array, values in given.items():
            if values.shape != tuple(arrays[leaf][array]):
                raise ValueError(
                    f"{places[leaf]} is a layer whose {array} have shape {values.shape}, but here "
                    f"they must have shape {tuple(arrays[leaf][array])}"
                )


class _Reader:
    """Reads items one by one, and counts leaves."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.copied: dict[int, tuple[dict[str, Array], bool]] = {}
        self._leaves = 0

    def spec(self, item: Any, place: str, depth: int = 0) -> Spec:
        """Return an item's spec; activation and init are missing where they are the network's."""
        if isinstance(item, Composite):
            if depth > DEEPEST:
                raise ValueError(f"{self._name} must not hold layers more than {DEEPEST} deep")
            where = f"{place} ({COMPOSITES[item.kind_name]})"
            branches = [
                [
                    self.spec(inner, f"{where}.{branch_name(item.kind_name, b)}[{i}]", depth + 1)
                    for i, inner in enumerate(branch)
                ]
                for b, branch in enumerate(item._branches)
            ]
            options = {} if item.name is None else {"name": item.name}
            return {"kind": item.kind_name, "options": options, "branches": branches}
        if isinstance(item, LayerView):
            if item._network is None:
                raise TypeError(f"{place} must be a layer that was made, got {item!r}")
            return self._view(item._part(), item)
        if isinstance(item, Description):
            self._leaves += 1
            return item._spec()
        if isinstance(item, int | np.integer) and not isinstance(item, bool):
            self._leaves += 1
            return {"kind": "dense", "options": {"units": checks.integer(item, place, 1, LARGEST)}}
        hint = ""
        if isinstance(item, type) and issubclass(item, Description | Composite):
            hint = f"; write {item.__name__}(...)"
        elif isinstance(item, tuple | list):
            hint = "; a shape comes first, or in foxnn.Reshape"
        raise TypeError(f"{place} must be a number or a layer, got {checks.shown(item)}{hint}")

    def _view(self, part: Mapping[str, Any], view: LayerView) -> Spec:
        """Return the spec of a layer of a network, and remember what it brings along."""
        options = dict(part["options"])
        options.pop("init", None)
        spec: Spec = {"kind": part["kind"], "options": options}
        if "branches" in part:
            spec["branches"] = [[self._view(p, view) for p in b] for b in part["branches"]]
            return spec
        options["init"] = "zeros"
        if not KINDS[part["kind"]].has_init:
            del options["init"]
        arrays = {name: view._network._array(part["index"], name) for name in part["arrays"]}
        self.copied[self._leaves] = arrays, part["trained"]
        self._leaves += 1
        return spec


def _input_shape(item: object) -> Shape:
    if isinstance(item, _LAYERS):
        raise TypeError(
            "sizes[0] must be the number of inputs or the shape of a sample, got "
            f"{checks.shown(item)}"
        )
    if isinstance(item, tuple | list):
        return checked_sample_shape(tuple(item), "sizes[0]")
    return (checks.integer(item, "sizes[0]", 1, LARGEST),)


def _fill_activations(specs: Sequence[Spec], activation: Any, output: Any) -> None:
    """Give an activation to each layer that has one and names none."""
    waiting = [
        leaf["options"]
        for leaf in leaves(specs)
        if KINDS[leaf["kind"]].has_activation and "activation" not in leaf["options"]
    ]
    if isinstance(activation, list):
        if len(activation) != len(waiting):
            raise ValueError(
                f"activation must be one name or a list of {len(waiting)}, one for each layer that "
                f"has one and names none, got a list of {len(activation)}"
            )
        pairs = [parse_activation(a, f"activation[{i}]") for i, a in enumerate(activation)]
    else:
        pairs = [parse_activation(activation)] * len(waiting)
    for options, pair in zip(waiting, pairs, strict=True):
        _set(options, pair)
    if output is None:
        return
    last = specs[-1]
    pair = parse_activation(output, "output_activation")
    if not any(last.get("options") is options for options in waiting):
        raise ValueError(
            "output_activation needs a last layer that has an activation and names none, got "
            f"{public_name(last['kind'])}"
        )
    _set(last["options"], pair)


def _set(options: dict[str, Any], pair: ActivationPair) -> None:
    options["activation"], options["parameters"] = pair[0], list(pair[1])


def check_names(parts: Sequence[Mapping[str, Any]], first: int, place: str) -> None:
    """Refuse names that two layers have, given or by kind and place.

    Parameters
    ----------
    parts : sequence of dict
        All layers of the network.
    first : int
        From which one on they are new.
    place : str
        What the new ones are called in the message.
    """
    seen: set[str] = set()

    def look(layers: Sequence[Mapping[str, Any]], path: tuple[int, ...], is_new: bool) -> None:
        for i, part in enumerate(layers):
            here = (*path, i)
            name = part["options"].get("name", f"{part['kind']}_{'_'.join(map(str, here))}")
            if name in seen and (is_new or i >= first):
                raise ValueError(f"{place}: layer names must be unique, got {name!r} twice")
            seen.add(name)
            for b, branch in enumerate(part.get("branches", ())):
                look(branch, (*here, b), is_new or i >= first)

    look(parts, (), False)


def checked_copies(network: _core.Network, parsed: Parsed) -> dict[int, dict[str, Array]]:
    """Return the arrays that layers of other networks bring along, by the place of the leaf."""
    found: dict[int, dict[str, Array]] = {}
    places = parsed.leaf_places() if parsed.copied else []
    for place, leaf in enumerate(leaves(network._layers()) if parsed.copied else ()):
        if place in parsed.copied:
            found[place] = {
                name: checked_array(
                    values, f"{name} of {places[place]}", leaf["arrays"][name], network._single()
                )
                for name, values in parsed.copied[place][0].items()
            }
    return found


def located(error: ValueError, parsed: Parsed) -> ValueError:
    """Return an error of the engine with the layer that it is about, where one can be found."""
    for where, spec in placed(parsed.specs, parsed.place):
        names = ("activation", "parameters", "init")
        options = {name: spec["options"][name] for name in names if name in spec["options"]}
        try:
            probe = {"kind": "dense", "options": {"units": 2, **options}}
            _core.Network([2], [probe], True, 0)
        except ValueError as found:
            return ValueError(f"{where}: {found}")
    return error


def check_outputs(specs: Sequence[Spec], place: Callable[[int], str]) -> None:
    """Refuse activations that only the output layer has where another layer has one.

    Parameters
    ----------
    specs : sequence of dict
        All layers.
    place : callable
        Says where one of the layers stands, for messages.

    Raises
    ------
    ValueError
        With the layer's place and kind.
    """
    last = specs[-1]
    for where, spec in placed(specs, place):
        name = spec["options"].get("activation")
        if name not in FOR_OUTPUT:
            continue
        if spec is not last:
            raise ValueError(f"{where}: activation {name!r} is for the output layer only")
