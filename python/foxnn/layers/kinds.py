"""The only list of layer kinds, and checks of lists of layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from foxnn import checks
from foxnn.layers.activations import parse_activation
from foxnn.layers.composition import COMPOSITES, branch_name
from foxnn.layers.dense_kind import DENSE, LARGEST
from foxnn.layers.kind import Kind, Options, Shape, Spec, given_name
from foxnn.layers.names import INIT_NAMES

# The class that describes each kind, and the module with both: imported when a network has such a
# layer, so that the import of foxnn does not grow with the number of kinds.
_TABLE = {
    "dense": ("Dense", "dense"),
    "conv1d": ("Conv1D", "convolution"),
    "conv2d": ("Conv2D", "convolution"),
    "conv3d": ("Conv3D", "convolution"),
    "max_pool1d": ("MaxPool1D", "pooling"),
    "max_pool2d": ("MaxPool2D", "pooling"),
    "max_pool3d": ("MaxPool3D", "pooling"),
    "average_pool1d": ("AveragePool1D", "pooling"),
    "average_pool2d": ("AveragePool2D", "pooling"),
    "average_pool3d": ("AveragePool3D", "pooling"),
    "global_max_pool": ("GlobalMaxPool", "pooling"),
    "global_average_pool": ("GlobalAveragePool", "pooling"),
    "up_sample": ("UpSample", "pooling"),
    "activation": ("Activation", "elementwise"),
    "flatten": ("Flatten", "reshaping"),
    "reshape": ("Reshape", "reshaping"),
    "dropout": ("Dropout", "elementwise"),
    "embedding": ("Embedding", "embedding"),
    "rnn": ("RNN", "recurrent"),
    "gru": ("GRU", "recurrent"),
    "lstm": ("LSTM", "recurrent"),
    "batch_norm": ("BatchNorm", "normalization"),
    "layer_norm": ("LayerNorm", "normalization"),
}

#: The module of each class that describes a kind.
CLASSES = {public: f"foxnn.layers.{module}" for public, module in _TABLE.values()}


class _Kinds(Mapping[str, Kind]):
    """The kinds by the engine's names."""

    def __getitem__(self, name: str) -> Kind:
        if name == DENSE.name:  # at once: a network of numbers needs no description
            return DENSE
        public, _ = _TABLE[name]
        found: Kind = getattr(import_module(CLASSES[public]), public).kind
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(_TABLE)

    def __len__(self) -> int:
        return len(_TABLE)

    def __contains__(self, name: object) -> bool:
        return name in _TABLE


KINDS: Mapping[str, Kind] = _Kinds()

# Layers within layers: deeper than anyone builds, but within Python's own limit.
DEEPEST = 50


class Checked:
    """Layers that fit: their specs, the shape of their output, and the arrays of each leaf."""

    def __init__(self, shape: Shape = (), are_inputs: bool = True) -> None:
        self.specs: list[Spec] = []
        self.shape = shape
        self.arrays: list[dict[str, Shape]] = []
        # Whether what they give are the network's inputs, perhaps in another shape.
        self.are_inputs = are_inputs


def checked_specs(
    specs: object,
    shape: Shape,
    place: str,
    first: int = 0,
    depth: int = 0,
    are_inputs: bool = True,
) -> Checked:
    """Check the specs of layers in sequence.

    Parameters
    ----------
    specs : sequence of dict
    shape : tuple of int
        The shape of the first one's input.
    place : str
        What the list is called in messages.
    first : int
        The position of the first one in that list.
    depth : int
        The composites that they are in.
    are_inputs : bool
        Whether the first one reads the network's inputs, perhaps in another shape.

    Raises
    ------
    ValueError, TypeError
        If a kind is unknown, an option is wrong, or shapes do not fit: with the layer's place
        and kind.
    """
    if not isinstance(specs, list | tuple):
        raise ValueError(f"{place} must be a list of layers, got {checks.shown(specs)}")
    if depth > DEEPEST:
        raise ValueError(f"{place} must not hold layers more than {DEEPEST} deep")
    found = Checked(shape=shape, are_inputs=are_inputs)
    for i, spec in enumerate(specs):
        _append(found, spec, f"{place}[{first + i}]", depth)
        if math.prod(length for length in found.shape if length is not None) > LARGEST:
            raise ValueError(
                f"{called(f'{place}[{first + i}]', spec)} gives shape {found.shape}, more than "
                f"{LARGEST} numbers"
            )
    return found


def _append(found: Checked, spec: object, place: str, depth: int) -> None:
    if not isinstance(spec, Mapping) or not isinstance(spec.get("kind"), str):
        raise ValueError(f"{place} must be a layer with a kind, got {checks.shown(spec)}")
    name = spec["kind"]
    if name in COMPOSITES:
        _append_composite(found, spec, called(place, spec), depth)
        return
    if name not in KINDS:
        known = [*KINDS, *COMPOSITES]
        raise ValueError(
            f"{place} is of an unknown kind {checks.shown(name)}{checks.meant(name, known)}; "
            f"known are {', '.join(known)}"
        )
    kind = KINDS[name]
    where = called(place, spec)
    if kind.reads_indices and not found.are_inputs:
        raise ValueError(
            f"{where} reads whole numbers, so it must come first in the network or in a branch, or "
            "after Reshape"
        )
    if found.shape == (None,) and not kind.reads_indices:
        raise ValueError(
            f"{where} cannot read samples of shape (None,), which are whole numbers for Embedding; "
            "sequences of numbers have shape (None, channels)"
        )
    try:
        options = _checked_options(kind, spec.get("options", {}))
        found.arrays.append(kind.arrays(found.shape, options))
        found.shape = kind.output_shape(found.shape, options)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{where} {error}") from None
    found.are_inputs = found.are_inputs and kind.keeps_numbers
    found.specs.append({"kind": name, "options": options})


def _checked_options(kind: Kind, given: object) -> Options:
    if not isinstance(given, Mapping):
        raise ValueError(f"must have options as a dict, got {checks.shown(given)}")
    own = dict(given)
    common: Options = {}
    if "name" in own:
        common["name"] = given_name(own.pop("name"))
    if kind.has_activation:
        if "activation" not in own:
            raise ValueError("lacks the option activation")
        pair = own.pop("activation"), list(own.pop("parameters", ()))
        common["activation"], common["parameters"] = parse_activation(pair, "activation")
    if kind.has_init and "init" in own:
        common["init"] = INIT_NAMES.known(own.pop("init"), "init")
    return kind.checked(own) | common


def _append_composite(found: Checked, spec: Mapping[str, Any], where: str, depth: int) -> None:
    branches = spec.get("branches")
    options = spec.get("options", {})
    if not isinstance(branches, list | tuple) or not branches:
        raise ValueError(f"{where} must have branches, got {checks.shown(branches)}")
    if not isinstance(options, Mapping) or set(options) - {"name"}:
        raise ValueError(f"{where} has no options but a name, got {checks.shown(options)}")
    try:
        named = {"name": given_name(options["name"])} if "name" in options else {}
    except (ValueError, TypeError) as error:
        raise type(error)(f"{where} {error}") from None
    is_residual = spec["kind"] == "residual"
    if is_residual and len(branches) != 2:
        raise ValueError(f"{where} must have two branches, f and shortcut, got {len(branches)}")
    ends: list[Shape] = []
    checked: list[list[Spec]] = []
    for i, branch in enumerate(branches):
        place = f"{where}.{branch_name(spec['kind'], i)}"
        inner = checked_specs(
            branch, found.shape, place, depth=depth + 1, are_inputs=found.are_inputs
        )
        if not inner.specs and not (is_residual and i == 1):
            raise ValueError(f"{place} must have at least one layer, got none")
        ends.append(inner.shape)
        checked.append(inner.specs)
        found.arrays += inner.arrays
    if is_residual and ends[0] != ends[1]:
        raise ValueError(
            f"{where} adds shapes {ends[0]} and {ends[1]}, which must be equal; a shortcut can "
            "change the second"
        )
    if any(end[:-1] != ends[0][:-1] for end in ends):
        raise ValueError(
            f"{where} must have branches with the same positions, got shapes "
            f"{', '.join(map(str, ends))}"
        )
    found.shape = ends[0] if is_residual else (*ends[0][:-1], sum(end[-1] for end in ends))
    found.are_inputs = False
    found.specs.append({"kind": spec["kind"], "options": named, "branches": checked})


def give_inputs(layers: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether what layers in sequence give are their inputs, perhaps in another shape."""
    return all(part["kind"] in KINDS and KINDS[part["kind"]].keeps_numbers for part in layers)


def leaves(layers: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the layers that are not composites, depth first: the order of parameters in states."""
    for part in layers:
        if part.get("branches"):
            for branch in part["branches"]:
                yield from leaves(branch)
        else:
            yield part


def placed(
    layers: Sequence[Mapping[str, Any]], place: Callable[[int], str]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield all layers, a composite before its own, each as it is `called`.

    Parameters
    ----------
    layers : sequence of dict
        Specs, or the engine's layers.
    place : callable
        Says where one of the list stands.
    """
    for i, part in enumerate(layers):
        where = called(place(i), part)
        yield where, part
        for b, branch in enumerate(part.get("branches", ())):
            yield from placed(branch, f"{where}.{branch_name(part['kind'], b)}[{{}}]".format)


def check_held(
    parts: Sequence[Mapping[str, Any]],
    kinds: Container[str],
    what: str,
    of_any_length: bool = False,
) -> None:
    """Raise ValueError for a layer of a kind that a format does not hold.

    Parameters
    ----------
    parts : sequence of dict
        The engine's layers.
    kinds : container of str
        The kinds that the format holds.
    what : str
        A file of that format, for the message: "an ONNX file".
    of_any_length : bool, default=False
        Whether the format holds networks of sequences of any length.
    """
    if not of_any_length and None in parts[0]["input_shape"]:
        raise ValueError(
            f"{what} cannot hold a network of sequences of any length, whose shape is "
            f"{parts[0]['input_shape']}; save it as .safetensors or a pickle"
        )
    for where, part in placed(parts, "layers[{}]".format):
        if part["kind"] not in kinds:
            raise ValueError(f"{what} cannot hold {where}; save it as .safetensors or a pickle")


def called(place: str, layer: Mapping[str, Any]) -> str:
    """Return what messages call a layer: its place, its kind, and its name if it was given one.

    Parameters
    ----------
    place : str
    layer : mapping
        A spec, perhaps unchecked but for its kind, or a layer of the engine.
    """
    options = layer.get("options")
    name = options.get("name") if isinstance(options, Mapping) else None
    shown = "" if name is None else f" {checks.shown(name)}"
    return f"{place} ({public_name(layer['kind'])}{shown})"


def public_name(kind: str) -> str:
    """Return the name of the class that describes a kind."""
    return COMPOSITES[kind] if kind in COMPOSITES else _TABLE[kind][0]


def with_article(name: str) -> str:
    """Return the name of a kind as a sentence has it: "an LSTM", "a GRU"."""
    # Letter by letter, as capitals are read, L and R begin with a vowel.
    vowels = "AEIOULR" if name.isupper() else "AEIOU"
    return f"{'an' if name[0] in vowels else 'a'} {name}"
