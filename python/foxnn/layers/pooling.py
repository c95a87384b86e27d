"""Layers that combine or repeat positions: pools, global pools, and `UpSample`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from foxnn import checks
from foxnn.checks.keywords import answering
from foxnn.layers.kind import (
    Description,
    Kind,
    Options,
    Shape,
    checked_name,
    no_arrays,
    no_options,
    only,
)
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


def _pooled_shape(shape: Shape, options: Options) -> Shape:
    return (*positions_of(shape, options), shape[-1])


def _shown(options: Options) -> tuple[list[Any], dict[str, Any]]:
    kernel, stride = (
        shown_lengths(tuple(int(length) for length in options[name]))
        for name in ("kernel", "stride")
    )
    further: dict[str, Any] = {} if stride == kernel else {"stride": stride}
    if options["padding"] != "valid":
        further["padding"] = shown_padding(options["padding"])
    return [kernel], further


def _pool_kind(name: str, public: str, axes: int) -> Kind:
    """Return the kind of pools over a number of axes."""

    def checked(given: Mapping[str, Any]) -> Options:
        return checked_window(only(given, "kernel", "stride", "padding"), axes)

    return Kind(
        f"{name}{axes}d",
        f"{public}{axes}D",
        checked,
        _pooled_shape,
        no_arrays,
        _shown,
        keeps_range=True,
    )


MAX_POOLS = tuple(_pool_kind("max_pool", "MaxPool", axes) for axes in (1, 2, 3))
AVERAGE_POOLS = tuple(_pool_kind("average_pool", "AveragePool", axes) for axes in (1, 2, 3))


def _global_kind(name: str, public: str) -> Kind:
    def shown(options: Options) -> tuple[list[Any], dict[str, Any]]:
        return [], {}

    def output_shape(shape: Shape, options: Options) -> Shape:
        return shape[-1:]

    return Kind(name, public, no_options, output_shape, no_arrays, shown, keeps_range=True)


GLOBAL_MAX_POOL = _global_kind("global_max_pool", "GlobalMaxPool")
GLOBAL_AVERAGE_POOL = _global_kind("global_average_pool", "GlobalAveragePool")


def _checked_factor(given: Mapping[str, Any]) -> Options:
    factor = only(given, "factor")["factor"]
    if not isinstance(factor, list | tuple) or not factor:
        raise ValueError(f"factor must be a list of numbers, got {checks.shown(factor)}")
    whole = [int(one) if isinstance(one, float) and one.is_integer() else one for one in factor]
    return {"factor": [float(length) for length in checked_lengths(whole, "factor", len(factor))]}


def _enlarged(shape: Shape, options: Options) -> Shape:
    factor = [int(length) for length in options["factor"]]
    if len(shape) == 1:
        raise ValueError(f"needs inputs with positions, got shape {shape}")
    if len(factor) == 1:
        factor *= len(shape) - 1
    if len(factor) != len(shape) - 1:
        raise ValueError(f"has {len(factor)} factors, but shape {shape} has {len(shape) - 1} axes")
    lengths = zip(shape, factor, strict=False)
    return (*(None if n is None else n * f for n, f in lengths), shape[-1])


def _shown_factor(options: Options) -> tuple[list[Any], dict[str, Any]]:
    factor = tuple(int(length) for length in options["factor"])
    return [factor[0] if len(factor) == 1 else factor], {}


UP_SAMPLE = Kind(
    "up_sample",
    "UpSample",
    _checked_factor,
    _enlarged,
    no_arrays,
    _shown_factor,
    keeps_range=True,
)

POOLING = (*MAX_POOLS, *AVERAGE_POOLS, GLOBAL_MAX_POOL, GLOBAL_AVERAGE_POOL, UP_SAMPLE)


@dataclass(frozen=True, repr=False, eq=False)
class _Pool(Description):
    size: Lengths
    stride: Lengths | None = None
    padding: str | Lengths = "valid"
    name: str | None = field(default=None, kw_only=True)

    _axes: ClassVar[int]

    def __post_init__(self) -> None:
        size, stride = self._lengths()
        padding = checked_padding(self.padding, self._axes)
        check_padding(padding, size, (1,) * self._axes)
        self._keep(
            size=shown_lengths(size),
            # The same pool, whether its stride is given or not, is equal and prints the same.
            stride=None if stride == size else shown_lengths(stride),
            padding=shown_padding(padding),
            name=checked_name(self.name),
        )

    def _lengths(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return size and stride, one number for each axis."""
        size = checked_lengths(self.size, "size", self._axes)
        if self.stride is None:
            return size, size
        return size, checked_lengths(self.stride, "stride", self._axes)

    def _options(self) -> Options:
        size, stride = self._lengths()
        return {
            "kernel": [float(length) for length in size],
            "stride": [float(length) for length in stride],
            "padding": as_options(checked_padding(self.padding, self._axes)),
        }


@answering()
class MaxPool1D(_Pool):
    """The largest number of each window of steps, channel by channel.

    Parameters
    ----------
    size : int
        The steps of a window.
    stride : int, optional
        Steps from one window to the next; by default `size`.
    padding : str or int, default="valid"
        "valid" keeps the windows within the sample; "same" leaves one position in `stride`, rounded
        up; a number lets them reach over both ends of each axis by so many positions, fewer than
        they are long, as in PyTorch. What is outside the sample never wins.
    name : str, optional

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([(4, 1), foxnn.MaxPool1D(2)])
    >>> nn.predict([[1.0, 3.0, 2.0, 0.0]]).ravel().tolist()
    [3.0, 2.0]
    """

    kind: ClassVar[Kind] = MAX_POOLS[0]
    _axes: ClassVar[int] = 1


@answering()
class MaxPool2D(_Pool):
    """The largest number of each window of a picture, channel by channel.

    Parameters
    ----------
    size : int or (int, int)
        The positions of a window: one number, or one for the height and one for the width.
    stride : int or (int, int), optional
        Positions from one window to the next; by default `size`.
    padding : str, int or (int, int), default="valid"
        As in `MaxPool1D`.
    name : str, optional

    Examples
    --------
    >>> import foxnn
    >>> foxnn.neural_network([(28, 28, 8), foxnn.MaxPool2D(2), 10])[0].output_shape
    (14, 14, 8)
    """

    kind: ClassVar[Kind] = MAX_POOLS[1]
    _axes: ClassVar[int] = 2


@answering()
class MaxPool3D(_Pool):
    """The largest number of each window of a volume, channel by channel.

    Parameters
    ----------
    size : int or (int, int, int)
        The positions of a window: one number, or one for each of depth, height and width.
    stride : int or (int, int, int), optional
        Positions from one window to the next; by default `size`.
    padding : str, int or (int, int, int), default="valid"
        As in `MaxPool1D`.
    name : str, optional

    Examples
    --------
    >>> import foxnn
    >>> foxnn.neural_network([(8, 8, 8, 2), foxnn.MaxPool3D(2), 10])[0].output_shape
    (4, 4, 4, 2)
    """

    kind: ClassVar[Kind] = MAX_POOLS[2]
    _axes: ClassVar[int] = 3


@answering()
class AveragePool1D(_Pool):
    """The mean of each window of steps, channel by channel.

    Parameters
    ----------
    size : int
        The steps of a window.
    stride : int, optional
        Steps from one window to the next; by default `size`.
    padding : str or int, default="valid"
        "valid" keeps the windows within the sample; "same" leaves one position in `stride`, rounded
        up; a number lets them reach over both ends of each axis by so many positions, fewer than
        they are long. What is outside the sample does not count: the mean is over the others, as
        with `count_include_pad=False` in PyTorch.
    name : str, optional

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([(4, 1), foxnn.AveragePool1D(2)])
    >>> nn.predict([[1.0, 3.0, 2.0, 0.0]]).ravel().tolist()
    [2.0, 1.0]
    """

    kind: ClassVar[Kind] = AVERAGE_POOLS[0]
    _axes: ClassVar[int] = 1


@answering()
class AveragePool2D(_Pool):
    """The mean of each window of a picture, channel by channel.

    Parameters
    ----------
    size : int or (int, int)
        The positions of a window: one number, or one for the height and one for the width.
    stride : int or (int, int), optional
        Positions from one window to the next; by default `size`.
    padding : str, int or (int, int), default="valid"
        As in `AveragePool1D`.
    name : str, optional

    Examples
    --------
    >>> import foxnn
    >>> foxnn.neural_network([(28, 28, 8), foxnn.AveragePool2D(2), 10])[0].output_shape
    (14, 14, 8)
    """

    kind: ClassVar[Kind] = AVERAGE_POOLS[1]
    _axes: ClassVar[int] = 2


@answering()
class AveragePool3D(_Pool):
    """The mean of each window of a volume, channel by channel.

    Parameters
    ----------
    size : int or (int, int, int)
        The positions of a window: one number, or one for each of depth, height and width.
    stride : int or (int, int, int), optional
        Positions from one window to the next; by default `size`.
    padding : str, int or (int, int, int), default="valid"
        As in `AveragePool1D`.
    name : str, optional

    Examples
    --------
    >>> import foxnn
    >>> foxnn.neural_network([(8, 8, 8, 2), foxnn.AveragePool3D(2), 10])[0].output_shape
    (4, 4, 4, 2)
    """

    kind: ClassVar[Kind] = AVERAGE_POOLS[2]
    _axes: ClassVar[int] = 3


@dataclass(frozen=True, repr=False, eq=False)
class _GlobalPool(Description):
    name: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        self._keep(name=checked_name(self.name))


@answering()
class GlobalMaxPool(_GlobalPool):
    """The largest number of each channel over all positions: (channels,) from (..., channels).

    Parameters
    ----------
    name : str, optional

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([(3, 2), foxnn.GlobalMaxPool()])
    >>> nn.predict([[[1.0, 6.0], [3.0, 5.0], [2.0, 4.0]]]).tolist()
    [[3.0, 6.0]]
    """

    kind: ClassVar[Kind] = GLOBAL_MAX_POOL


@answering()
class GlobalAveragePool(_GlobalPool):
    """The mean of each channel over all positions: (channels,) from (..., channels).

    Parameters
    ----------
    name : str, optional

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([(3, 2), foxnn.GlobalAveragePool()])
    >>> nn.predict([[[1.0, 6.0], [3.0, 5.0], [2.0, 4.0]]]).tolist()
    [[2.0, 5.0]]
    """

    kind: ClassVar[Kind] = GLOBAL_AVERAGE_POOL


@answering()
@dataclass(frozen=True, repr=False, eq=False)
class UpSample(Description):
    """Every position repeated, so that a picture is enlarged: the nearest position's numbers.

    Parameters
    ----------
    factor : int or tuple of int
        How often: one number for all axes, or one for each.
    name : str, optional

    Examples
    --------
    >>> import foxnn
    >>> nn = foxnn.neural_network([(2, 1), foxnn.UpSample(2)])
    >>> nn.predict([[[1.0], [5.0]]]).ravel().tolist()
    [1.0, 1.0, 5.0, 5.0]
    """

    factor: Lengths
    name: str | None = field(default=None, kw_only=True)

    kind: ClassVar[Kind] = UP_SAMPLE

    def __post_init__(self) -> None:
        if isinstance(self.factor, tuple | list):
            factor: Lengths = checked_lengths(self.factor, "factor", len(self.factor))
            if not factor:
                raise ValueError("factor must be a number, or one for each axis, got none")
        else:
            factor = checks.integer(self.factor, "factor", 1, LONGEST)
        self._keep(factor=factor, name=checked_name(self.name))

    def _options(self) -> Options:
        lengths = self.factor if isinstance(self.factor, tuple) else (self.factor,)
        return {"factor": [float(length) for length in lengths]}
