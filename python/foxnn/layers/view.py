"""A layer of a network as the user sees it: a view, not a copy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.checks import Array
from foxnn.checks.unpickling import attributes
from foxnn.layers.kind import Shape, Spec, shown_activation
from foxnn.layers.kinds import KINDS, leaves, public_name
from foxnn.support import pieces
from foxnn.support.array_types import ArrayLike

#: Where a layer is: its place in the list, then branch and place in turn.
Path = tuple[int, ...]


class LayerView:
    """A layer of a network; changes to it change the network."""

    _network: _core.Network = None  # type: ignore[assignment]  # until it is made
    _path: Path = ()

    @classmethod
    def _at(cls, network: _core.Network, path: Path) -> LayerView:
        """Return the layer at a path, as a view of this class."""
        view: LayerView = cls.__new__(cls)
        view._network, view._path = network, path
        return view

    def _part(self) -> Spec:
        """Return the engine's description of the layer."""
        part: Spec = self._network._layer(self._path[0])
        for branch, place in zip(self._path[1::2], self._path[2::2], strict=True):
            part = part["branches"][branch][place]
        return part

    @property
    def _index(self) -> int:
        """The engine's number of the layer; a composite has none."""
        index: int = self._part()["index"]
        return index

    @property
    def kind(self) -> str:
        """The name of the class that describes such a layer: "Dense", "Residual", ..."""
        return public_name(self._part()["kind"])

    @property
    def name(self) -> str:
        """The name that it was given, or kind and place: "dense_0"."""
        part = self._part()
        given: str | None = part["options"].get("name")
        return f"{part['kind']}_{'_'.join(map(str, self._path))}" if given is None else given

    @property
    def input_shape(self) -> Shape:
        """The shape of its input, without the samples."""
        shape: Shape = self._part()["input_shape"]
        return shape

    @property
    def output_shape(self) -> Shape:
        """The shape of its output, without the samples."""
        shape: Shape = self._part()["output_shape"]
        return shape

    @property
    def arrays(self) -> Arrays:
        """The arrays by name: reading returns a copy, and any array of the same shape can be set.

        Empty for a composite, whose `layers` have the arrays.
        """
        return Arrays(self)

    @property
    def weights(self) -> Array:
        """The array "weights": reading returns a copy; any array of the same shape can be set."""
        return self._read("weights")

    @weights.setter
    def weights(self, values: ArrayLike) -> None:
        self.arrays["weights"] = values

    @property
    def bias(self) -> Array:
        """The array "bias": reading returns a copy; any array of the same shape can be set."""
        return self._read("bias")

    @bias.setter
    def bias(self, values: ArrayLike) -> None:
        self.arrays["bias"] = values

    def _read(self, name: str) -> Array:
        arrays = self.arrays
        if name not in arrays:
            raise AttributeError(f"a layer of kind {self.kind} has no {name}")
        return arrays[name]

    @property
    def trainable(self) -> bool:
        """Whether training changes its arrays; set it to False to freeze the layer.

        A frozen layer passes gradients on. A composite is trainable if any of its layers is;
        setting it sets all of them.
        """
        return any(leaf["trained"] for leaf in leaves([self._part()]))

    @trainable.setter
    def trainable(self, trainable: bool) -> None:
        wanted = checks.flag(trainable, "trainable")
        for leaf in leaves([self._part()]):
            self._network._set_trained(leaf["index"], wanted)

    @property
    def layers(self) -> tuple[Any, ...]:
        """The layers of a composite; for Parallel, a tuple for each branch that has several."""
        part = self._part()
        branches = [
            tuple(view_at(self._network, (*self._path, b, i)) for i in range(len(branch)))
            for b, branch in enumerate(part.get("branches", ()))
        ]
        if part["kind"] == "residual":
            return tuple(view for branch in branches for view in branch)
        return tuple(branch[0] if len(branch) == 1 else branch for branch in branches)

    def __reduce__(self) -> tuple[Any, ...]:
        return _viewed, (self._network, self._path)

    def __getstate__(self) -> dict[str, Any]:
        return {"network": self._network, "path": self._path}

    def __setstate__(self, state: object) -> None:
        given = attributes(state, type(self), "network", "path")
        found = _viewed(given["network"], given["path"])
        if type(found) is not type(self):
            raise ValueError(f"the layer must be a {type(self).__name__}, got {found!r}")
        self._network, self._path = found._network, found._path

    def __repr__(self) -> str:
        if self._network is None:
            return "<layer, not made>"
        return shown_part(self._part())


class Arrays(MutableMapping[str, Array]):
    """The arrays of a layer by name: copies are read, and what is set is checked."""

    def __init__(self, view: LayerView) -> None:
        self._view = view

    def _shapes(self) -> Mapping[str, Shape]:
        shapes: Mapping[str, Shape] = self._view._part().get("arrays", {})
        return shapes

    def _shape_of(self, name: str) -> Shape:
        """Return the shape of an array; KeyError where there is none of that name."""
        shapes = self._shapes()
        if name not in shapes:
            raise KeyError(f"{name}: the layer's arrays are {', '.join(shapes) or 'none'}")
        return shapes[name]

    def __getitem__(self, name: str) -> Array:
        self._shape_of(name)
        return self._view._network._array(self._view._index, name)

    def __setitem__(self, name: str, values: ArrayLike) -> None:
        view, shape = self._view, self._shape_of(name)
        array = checked_array(values, name, shape, view._network._single())
        view._network._set_array(view._index, name, array)

    def __delitem__(self, name: str) -> None:
        raise TypeError("arrays of a layer cannot be deleted")

    def __iter__(self) -> Iterator[str]:
        return iter(self._shapes())

    def __len__(self) -> int:
        return len(self._shapes())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self)!r})"


def checked_array(values: ArrayLike, name: str, shape: Shape, single: bool) -> Array:
    """Return numbers for an array of a layer, of that shape and finite."""
    array = checks.engine_type(checks.as_array(values, name))
    if array.shape != tuple(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)}, got {array.shape}")
    if not checks.all_finite(array, single):
        kind = "finite in float32" if single else "finite"
        raise ValueError(f"{name} must be {kind}, got an infinity, NaN or too large a number")
    return pieces.of_type(array, np.float32 if single else np.float64)


def shown_part(part: Spec) -> str:
    """Return a layer as it could be described."""
    options = part["options"]
    if "branches" in part:
        inner = [[*map(shown_part, branch)] for branch in part["branches"]]  # each once
        branches = [one[0] if len(one) == 1 else f"[{', '.join(one)}]" for one in inner]
        if part["kind"] == "residual":
            branches = [*inner[0], *([f"shortcut={branches[1]}"] if inner[1] else [])]
        given = [f"name={options['name']!r}"] if "name" in options else []
        return f"{public_name(part['kind'])}({', '.join([*branches, *given])})"
    kind = KINDS[part["kind"]]
    arguments, named = kind.shown(options)
    if is_bare_number(part):
        return str(options["units"])
    shown = [repr(argument) for argument in arguments]
    if kind.has_activation:
        function = shown_activation(options)
        shown.append(f"activation={function!r}" if arguments else repr(function))
    shown += [f"{name}={value!r}" for name, value in named.items()]
    if "name" in options:
        shown.append(f"name={options['name']!r}")
    return f"{kind.public}({', '.join(shown)})"


def is_bare_number(part: Mapping[str, Any]) -> bool:
    """Return whether only a number can describe a layer: `Dense` would keep positions apart."""
    is_dense = part["kind"] == "dense" and not part["options"].get("each_position")
    return is_dense and len(part["input_shape"]) > 1


def is_number(part: Mapping[str, Any]) -> bool:
    """Return whether a number in a list without shapes and names makes such a layer."""
    if part["kind"] != "dense" or len(part["input_shape"]) > 1 or "bias" not in part["arrays"]:
        return False
    return "name" not in part["options"]


def is_flat_dense(part: Spec) -> bool:
    """Return whether a layer is a dense one over whole samples, not over each position of one."""
    return bool(part["kind"] == "dense" and len(part["output_shape"]) == 1)


#: Views of the kinds that have more attributes than every layer has.
VIEWS: dict[str, type[LayerView]] = {}


def view_at(network: _core.Network, path: Path) -> LayerView:
    """Return the layer of a network at a path: a view of the class for its kind."""
    view = LayerView._at(network, path)
    own = VIEWS.get(view._part()["kind"])
    return view if own is None else own._at(network, path)


def _viewed(network: _core.Network, path: Path) -> LayerView:
    """Return the layer of a network at a path that a pickle holds; IndexError for none."""
    if not isinstance(network, _core.Network):
        raise TypeError(f"a layer must be of a network, got {checks.shown(network)}")
    try:
        return view_at(network, tuple(checks.integer(i, "a layer's place", 0) for i in path))
    except (IndexError, KeyError, ValueError):  # KeyError: a layer without branches
        raise IndexError(f"there is no layer {checks.shown(path)}") from None


# Pickles name it; here it may move.
_viewed.__module__ = "foxnn.layers"
