"""What the package knows about a layer kind, and how users describe a layer of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from foxnn import checks
from foxnn.checks.unpickling import Constants
from foxnn.layers.activations import ActivationLike, ActivationPair, parse_activation

#: The lengths of a sample's axes, the channels last. The first is None for sequences of any length.
Shape = tuple[Any, ...]
Options = dict[str, Any]
#: A layer as the engine takes it: kind, options, and for a composite branches.
Spec = dict[str, Any]


# No dataclass: making one would take `import foxnn` another 0.3 ms. In the dataclasses of
# descriptions, only what is needed is generated: each method takes some 50 microseconds.
class Kind:
    """A kind of layer.

    Parameters
    ----------
    name : str
        The engine's name.
    public : str
        The name of the class that describes it.
    checked : callable
        Checks the options in a file, except name, activation and init; raises ValueError or
        TypeError.
    output_shape : callable
        Takes the input's shape and the options; raises ValueError if they do not fit.
    arrays : callable
        Takes the same, and returns the shapes of the arrays by name.
    shown : callable
        Takes the options, and returns the arguments of the class.
    has_activation, has_init : bool
        Whether the network's `activation` and `init` apply to it.
    reads_indices : bool
        Whether it reads whole numbers: only the network's inputs are.
    keeps_numbers : bool
        Whether it gives the numbers that it reads.
    keeps_range : bool
        Whether its outputs are not beyond what it reads, outside of training.
    """

    def __init__(
        self,
        name: str,
        public: str,
        checked: Callable[[Mapping[str, Any]], Options],
        output_shape: Callable[[Shape, Options], Shape],
        arrays: Callable[[Shape, Options], dict[str, Shape]],
        shown: Callable[[Options], tuple[list[Any], dict[str, Any]]],
        has_activation: bool = False,
        has_init: bool = False,
        reads_indices: bool = False,
        keeps_numbers: bool = False,
        keeps_range: bool = False,
    ) -> None:
        self.name = name
        self.public = public
        self.checked = checked
        self.output_shape = output_shape
        self.arrays = arrays
        self.shown = shown
        self.has_activation = has_activation
        self.has_init = has_init
        self.reads_indices = reads_indices
        self.keeps_numbers = keeps_numbers
        self.keeps_range = keeps_range


def no_options(given: Mapping[str, Any]) -> Options:
    """Check that there are none."""
    return only(given)


def only(given: Mapping[str, Any], *names: str) -> Options:
    """Return the options of these names, all of which must be there, and no others."""
    if missing := [name for name in names if name not in given]:
        raise ValueError(f"lacks the option {missing[0]}")
    if others := sorted(set(given) - set(names)):
        raise ValueError(f"has no option {checks.shown(others[0])}")
    return {name: given[name] for name in names}


def no_arrays(shape: Shape, options: Options) -> dict[str, Shape]:
    """Return none."""
    return {}


def same_shape(shape: Shape, options: Options) -> Shape:
    """Return the shape of the input."""
    return shape


class Description(Constants):
    """A layer that is described but not made; frozen, and equal to one with the same arguments."""

    kind: ClassVar[Kind]
    name: str | None

    # A frozen dataclass itself protects only the fields of its own class.
    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a description is frozen: {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a description is frozen: {name} cannot be deleted")

    def _spec(self) -> Spec:
        """Return the spec; activation and init are missing if they are the network's."""
        options = self._options()
        if (activation := getattr(self, "activation", None)) is not None:
            options["activation"], options["parameters"] = parse_activation(activation)
        if (init := getattr(self, "init", None)) is not None:
            options["init"] = init
        if self.name is not None:
            options["name"] = self.name
        return {"kind": self.kind.name, "options": options}

    def _options(self) -> Options:
        """Return the options that its kind has."""
        return {}

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def _own_fields(self) -> tuple[Any, ...]:
        from dataclasses import fields  # late: networks of numbers need no dataclasses

        return fields(self)  # type: ignore[arg-type]  # all descriptions are dataclasses

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, own.name) for own in self._own_fields())

    def __repr__(self) -> str:
        from dataclasses import MISSING  # late, as in _own_fields

        given = []
        for own in self._own_fields():
            value = getattr(self, own.name)
            if own.default is MISSING and own.default_factory is MISSING:
                given.append(repr(value))
            elif value != own.default:
                given.append(f"{own.name}={value!r}")
        return f"{type(self).__name__}({', '.join(given)})"


def checked_name(name: object) -> str | None:
    """Return a layer's name, or None."""
    return None if name is None else given_name(name)


def given_name(name: object) -> str:
    """Return a layer's name."""
    found = checks.text(name, "name")
    if not found or "." in found or not found.isprintable():
        raise ValueError(f"name must be a printable text without dots, got {checks.shown(found)}")
    return found


def checked_activation(activation: object) -> ActivationLike | None:
    """Return a valid activation as it is given; None for that of the network."""
    if activation is None:
        return None
    name, parameters = parse_activation(activation)
    return (name, tuple(parameters)) if parameters else name


def shown_activation(options: Options) -> ActivationLike:
    """Return an activation of options as it would be given."""
    found: ActivationPair = (options["activation"], list(options.get("parameters", ())))
    return (found[0], tuple(found[1])) if found[1] else found[0]
