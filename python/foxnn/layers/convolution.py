"""Convolutional layers: `Conv1D`, `Conv2D`, `Conv3D`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from foxnn import checks
from foxnn.checks.keywords import answering
from foxnn.layers.activations import ActivationLike
from foxnn.layers.kind import (
    Description,
    Kind,
    Options,
    Shape,
    checked_activation,
    checked_name,
    only,
)
from foxnn.layers.names import INIT_NAMES
from foxnn.layers.windows import (
    LONGEST,
    Lengths,
    as_options,
    check_padding,
    checked_lengths,
    checked_padding,
    checked_window,
    positions_of,
    shown_lengths,
    shown_padding,
)

_NAMES = ("filters", "kernel", "stride", "padding", "dilation", "groups")
_DEFAULTS = {"stride": 1, "padding": "valid", "dilation": 1, "groups": 1, "bias": True}


def _kind(axes: int) -> Kind:
    """Return the kind of convolutions over a number of axes."""

    def checked(given: Mapping[str, Any]) -> Options:
        bias = checks.flag(given.get("bias", True), "bias")
        own = only({name: value for name, value in given.items() if name != "bias"}, *_NAMES)
        return {
            "filters": checks.integer(own["filters"], "filters", 1, LONGEST),
            "groups": checks.integer(own["groups"], "groups", 1, LONGEST),
            "bias": bias,
            **checked_window(own, axes),
        }

    return Kind(
        f"conv{axes}d",
        f"Conv{axes}D",
        checked,
        _output_shape,
        _arrays,
        _shown,
        has_activation=True,
        has_init=True,
    )


def _output_shape(shape: Shape, options: Options) -> Shape:
    return (*positions_of(shape, options), options["filters"])


def _arrays(shape: Shape, options: Options) -> dict[str, Shape]:
    positions_of(shape, options)  # refuses shapes that do not fit
    channels, filters, groups = shape[-1], options["filters"], options["groups"]
    if channels % groups or filters % groups:
        raise ValueError(
            f"has {groups} groups, which must divide its {channels} channels and {filters} "
            f"filters; for inputs of shape {shape}, {math.gcd(channels, filters)} is the most"
        )
    kernel = (int(length) for length in options["kernel"])
    biases = {"bias": (filters,)} if options["bias"] else {}
    return {"weights": (*kernel, channels // groups, filters), **biases}


def _shown(options: Options) -> tuple[list[Any], dict[str, Any]]:
    given = dict(options)
    for name in ("kernel", "stride", "dilation"):
        given[name] = shown_lengths(tuple(int(length) for length in options[name]))
    given["padding"] = shown_padding(options["padding"])
    further = {n: given[n] for n, default in _DEFAULTS.items() if given[n] != default}
    return [given["filters"], given["kernel"]], further


_CHANNELS = "the channels of the input are those of the layer before it"

CONV1D, CONV2D, CONV3D = (_kind(axes) for axes in (1, 2, 3))


@dataclass(frozen=True, repr=False, eq=False)
class _Conv(Description):
    filters: int
    kernel: Lengths
    _: KW_ONLY
    stride: Lengths = 1
    padding: str | Lengths = "valid"
    dilation: Lengths = 1
    groups: int = 1
    activation: ActivationLike | None = None
    init: str | None = None
    bias: bool = True
    name: str | None = None

    _axes: ClassVar[int]

    def __post_init__(self) -> None:
        lengths = self._lengths()
        padding = checked_padding(self.padding, self._axes)
        check_padding(padding, lengths["kernel"], lengths["dilation"])
        self._keep(
            filters=checks.integer(self.filters, "filters", 1, LONGEST),
            padding=shown_padding(padding),
            groups=checks.integer(self.groups, "groups", 1, LONGEST),
            activation=checked_activation(self.activation),
            init=None if self.init is None else INIT_NAMES.known(self.init, "init"),
            bias=checks.flag(self.bias, "bias"),
            name=checked_name(self.name),
            **{name: shown_lengths(given) for name, given in lengths.items()},
        )
        if self.filters % self.groups:
            raise ValueError(f"groups must divide the {self.filters} filters, got {self.groups}")

    def _lengths(self) -> dict[str, tuple[int, ...]]:
        return {
            name: checked_lengths(getattr(self, name), name, self._axes)
            for name in ("kernel", "stride", "dilation")
        }

    def _options(self) -> Options:
        lengths = {name: [float(n) for n in given] for name, given in self._lengths().items()}
        own = {name: getattr(self, name) for name in ("filters", "groups", "bias")}
        padding = as_options(checked_padding(self.padding, self._axes))
        return own | {"padding": padding} | lengths


@answering(_CHANNELS)
class Conv1D(_Conv):
    """Convolution over steps: f(x W + b) of shape (steps, filters) from (steps, channels).

    Each output is the sum of the products of a window of the inputs with a filter (LeCun et al.,
    "Gradient-based learning applied to document recognition", 1998). As in Keras and PyTorch, the
    filter is not mirrored.

    Parameters
    ----------
    filters : int
        Outputs at each position.
    kernel : int
        The positions of the window.
    stride : int, default=1
        Positions from one window to the next.
    padding : str or int, default="valid"
        "valid" keeps the windows within the sample; "same" pads it with zeros, so that a stride of
        1 keeps the number of positions, and a stride of s leaves one in s, rounded up; a number
        adds so many zeros at both ends, fewer than the window is long, as in PyTorch.
    dilation : int, default=1
        Positions from one input of the window to the next (Yu and Koltun, "Multi-scale context
        aggregation by dilated convolutions", 2016).
    groups : int, default=1
        The channels and the filters are divided into so many groups; the filters of a group read
        the channels of that group. With as many groups as channels it is a depthwise convolution.
    activation : str or (str, parameters), optional
        By default that of the network.
    init : str, optional
        How the weights are initialized; by default as for the network.
    bias : bool, default=True
        Whether a bias is added to the products.
    name : str, optional

    Notes
    -----
    Its arrays are "weights" (kernel, channels / groups, filters) and "bias" (filters,).

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([(100, 3), foxnn.Conv1D(8, 5, stride=2), 2])
    >>> nn[0].output_shape
    (48, 8)
    """

    kind: ClassVar[Kind] = CONV1D
    _axes: ClassVar[int] = 1


@answering(_CHANNELS)
class Conv2D(_Conv):
    """Convolution over pictures: (height, width, filters) from (height, width, channels).

    As `Conv1D`, over two axes.

    Parameters
    ----------
    filters : int
        Outputs at each position.
    kernel, stride : int or (int, int)
        One number, or one for the height and one for the width.
    padding : str, int or (int, int), default="valid"
        As in `Conv1D`; a number for all axes, or one for each.
    dilation : int or (int, int), default=1
        As in `Conv1D`.
    groups : int, default=1
        As in `Conv1D`.
    activation : str or (str, parameters), optional
        By default that of the network.
    init : str, optional
        How the weights are initialized; by default as for the network.
    bias : bool, default=True
        Whether a bias is added to the products.
    name : str, optional

    Notes
    -----
    Its arrays are "weights" (height, width, channels / groups, filters) and "bias" (filters,).

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([(28, 28, 1), foxnn.Conv2D(8, 3, padding="same"), 10])
    >>> nn[0].output_shape
    (28, 28, 8)
    """

    kind: ClassVar[Kind] = CONV2D
    _axes: ClassVar[int] = 2


@answering(_CHANNELS)
class Conv3D(_Conv):
    """Convolution over volumes: (depth, height, width, filters) from (..., channels).

    As `Conv1D`, over three axes.

    Parameters
    ----------
    filters : int
        Outputs at each position.
    kernel, stride : int or (int, int, int)
        One number, or one for each of depth, height and width.
    padding : str, int or (int, int, int), default="valid"
        As in `Conv1D`; a number for all axes, or one for each.
    dilation : int or (int, int, int), default=1
        As in `Conv1D`.
    groups : int, default=1
        As in `Conv1D`.
    activation : str or (str, parameters), optional
        By default that of the network.
    init : str, optional
        How the weights are initialized; by default as for the network.
    bias : bool, default=True
        Whether a bias is added to the products.
    name : str, optional

    Notes
    -----
    Its arrays are "weights" (depth, height, width, channels / groups, filters) and "bias"
    (filters,).

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([(8, 8, 8, 1), foxnn.Conv3D(4, 3), 2])
    >>> nn[0].output_shape
    (6, 6, 6, 4)
    """

    kind: ClassVar[Kind] = CONV3D
    _axes: ClassVar[int] = 3
