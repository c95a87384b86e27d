"""The layers of a state: a tree of kinds and options, and the arrays by name, checked against it.

A layer is a dict of "kind", "options" and "trained"; one made of layers has "branches" instead of
"trained". Arrays are kept beside the tree, in a list over the layers that are not made of layers,
depth first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foxnn import checks
from foxnn.checks import Array
from foxnn.layers.composition import branch_name
from foxnn.layers.items import check_names, check_outputs
from foxnn.layers.kind import Shape, Spec
from foxnn.layers.kinds import KINDS, checked_specs, public_name
from foxnn.layers.shapes import checked_sample_shape
from foxnn.support import pieces


@dataclass(repr=False, eq=False)
class Leaf:
    """A layer that is not made of layers."""

    place: str  # for messages
    path: tuple[int, ...]  # its place in the list, then branch and place in turn
    kind: str
    arrays: Mapping[str, Shape]
    trained: bool


@dataclass(repr=False, eq=False)
class Layers:
    """Layers that fit, as the engine takes them."""

    input_shape: Shape
    output_shape: Shape
    specs: list[Spec]
    leaves: list[Leaf]


def tree_of(parts: Sequence[Mapping[str, Any]]) -> list[Spec]:
    """Return the tree of the engine's layers."""
    return [_described(part) for part in parts]


def _described(part: Mapping[str, Any]) -> Spec:
    # The initializer has done its work.
    options = {name: value for name, value in part["options"].items() if name != "init"}
    rest: Spec = (
        {"branches": [tree_of(branch) for branch in part["branches"]]}
        if "branches" in part
        else {"trained": part["trained"]}
    )
    return {"kind": part["kind"], "options": options, **rest}


def leaves_of(parts: Sequence[Mapping[str, Any]]) -> list[Leaf]:
    """Return the leaves of the engine's layers."""
    return [
        Leaf(place, path, part["kind"], part["arrays"], part["trained"])
        for place, path, part in _placed(parts, "layers", ())
    ]


def checked_layers(input_shape: object, tree: object) -> Layers:
    """Return the layers that a state describes.

    Raises
    ------
    ValueError, TypeError
        For invalid layers: with the layer's place and kind.
    """
    shape = checked_sample_shape(input_shape, "input_shape")
    found = checked_specs(tree, shape, "layers")
    if not found.specs:
        raise ValueError("layers must hold at least one layer, got none")
    check_names(found.specs, 0, "layers")
    check_outputs(found.specs, lambda i: f"layers[{i}]")
    given = _placed(tree, "layers", ())  # type: ignore[arg-type]  # it has been checked
    leaves = []
    for (place, path, part), arrays in zip(given, found.arrays, strict=True):
        if "trained" not in part:
            raise ValueError(f"{place} must say whether it is trained")
        trained = checks.flag(part["trained"], f"trained of {place}")
        leaves.append(Leaf(place, path, part["kind"], arrays, trained))
    return Layers(shape, found.shape, [_undrawn(spec) for spec in found.specs], leaves)


def _placed(
    layers: Sequence[Mapping[str, Any]], place: str, path: tuple[int, ...]
) -> Iterator[tuple[str, tuple[int, ...], Mapping[str, Any]]]:
    """Yield place, path and layer of all leaves, depth first."""
    for i, layer in enumerate(layers):
        where, here = f"{place}[{i}] ({public_name(layer['kind'])})", (*path, i)
        if layer["kind"] in KINDS:
            yield where, here, layer
            continue
        for b, branch in enumerate(layer["branches"]):
            yield from _placed(branch, f"{where}.{branch_name(layer['kind'], b)}", (*here, b))


def _undrawn(spec: Spec) -> Spec:
    """Return a layer with arrays of zeros: they are set later, so no random numbers are needed."""
    if "branches" in spec:
        return spec | {"branches": [[_undrawn(s) for s in branch] for branch in spec["branches"]]}
    if not KINDS[spec["kind"]].has_init:
        return spec
    return spec | {"options": spec["options"] | {"init": "zeros"}}


def check_shapes(given: object, leaves: Sequence[Leaf], name: str) -> None:
    """Refuse arrays that do not fit the leaves, before memory is allocated for them."""
    if not isinstance(given, list | tuple) or len(given) != len(leaves):
        count = "1 layer" if len(leaves) == 1 else f"{len(leaves)} layers"
        raise ValueError(f"{name} must be a list of {count}")
    for arrays, leaf in zip(given, leaves, strict=True):
        where = f"{name} of {leaf.place}"
        if not isinstance(arrays, Mapping):
            raise ValueError(f"{where} must be a dict of arrays, got {checks.shown(arrays)}")
        for array, shape in leaf.arrays.items():
            if array not in arrays:
                raise ValueError(f"{where} must hold {array}")
            if (found := getattr(arrays[array], "shape", ())) != shape:
                raise ValueError(f"{where} must have {array} of shape {shape}, got {found}")
        if len(arrays) > len(leaf.arrays):
            other = next(array for array in arrays if array not in leaf.arrays)
            raise ValueError(f"{where} must hold no {checks.shown(other)}")


def checked_arrays(
    given: Any, leaves: Sequence[Leaf], name: str, dtype: str
) -> list[dict[str, Array]]:
    """Return arrays by layer, of the type, checked."""
    check_shapes(given, leaves, name)
    return [
        {
            array: _checked(arrays[array], f"{array} in {name} of {leaf.place}", shape, dtype)
            for array, shape in leaf.arrays.items()
        }
        for arrays, leaf in zip(given, leaves, strict=True)
    ]


def _checked(values: Any, name: str, shape: Shape, dtype: str) -> Array:
    array = checks.as_array(values, name)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    if not checks.all_finite(checks.engine_type(array), dtype == "float32"):
        raise ValueError(f"{name} must be finite{' in float32' if dtype == 'float32' else ''}")
    return pieces.of_type(array, dtype)
