"""Windows that slide over the positions of a sample: the options of convolutions and pools."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foxnn import checks
from foxnn.layers.kind import Options, Shape

LONGEST = 2**31 - 1
PADDINGS = ("valid", "same")

#: One number for all axes, or one for each.
Lengths = int | tuple[int, ...]
Padding = str | tuple[int, ...]


def checked_lengths(given: object, name: str, axes: int, least: int = 1) -> tuple[int, ...]:
    """Return a length for each axis.

    Raises
    ------
    ValueError, TypeError
        Unless it is a whole number from `least` on, or one for each axis.
    """
    if isinstance(given, tuple | list):
        if len(given) != axes:
            raise ValueError(
                f"{name} must be one number or {axes}, one for each axis, got {checks.shown(given)}"
            )
        return tuple(checks.integer(one, name, least, LONGEST) for one in given)
    return (checks.integer(given, name, least, LONGEST),) * axes


def shown_lengths(lengths: tuple[int, ...]) -> Lengths:
    """Return one number if it is the same for all axes."""
    return lengths[0] if len(set(lengths)) == 1 else tuple(lengths)


def checked_padding(padding: object, axes: int) -> Padding:
    """Return "valid", "same", or how many positions are added at either end of each axis.

    None at all are "valid", so that a network has one description.
    """
    if isinstance(padding, np.ndarray):
        padding = padding.tolist()
    if isinstance(padding, tuple | list) and any(isinstance(n, tuple | list) for n in padding):
        raise TypeError(
            f"padding must be a number or one for each axis, for both of its ends, got "
            f"{checks.shown(padding)}; where its ends differ, pad the samples"
        )
    if isinstance(padding, numbers.Integral | tuple | list) and not isinstance(padding, bool):
        lengths = checked_lengths(padding, "padding", axes, 0)
        return lengths if any(lengths) else "valid"
    if not isinstance(padding, str):
        raise TypeError(
            f"padding must be one of {', '.join(PADDINGS)}, a number or one for each axis, got "
            f"{checks.shown(padding)}"
        )
    if padding.lower() == "causal":  # Keras'
        raise ValueError(
            f"padding must be one of {', '.join(PADDINGS)}; got {checks.shown(padding)}, which is "
            "'valid' behind (kernel - 1) * dilation zeros before the first step; a stream reads "
            "'valid' windows step by step without them"
        )
    return checks.choice(padding, "padding", PADDINGS)


def check_padding(padding: Padding, kernel: tuple[int, ...], dilation: tuple[int, ...]) -> None:
    """Raise ValueError if a window would lie in the padding alone."""
    if isinstance(padding, str):
        return
    for added, size, apart in zip(padding, kernel, dilation, strict=True):
        if added >= (span := (size - 1) * apart + 1):
            raise ValueError(f"padding must be below {span}, the length of the window, got {added}")


def as_options(padding: Padding) -> str | list[float]:
    """Return a padding as the engine takes it."""
    return padding if isinstance(padding, str) else [float(added) for added in padding]


def shown_padding(padding: str | Sequence[float]) -> str | Lengths:
    """Return a padding, or that of a layer's options, as a user writes it."""
    return padding if isinstance(padding, str) else shown_lengths(tuple(map(int, padding)))


def added_to(options: Mapping[str, Any], axis: int) -> int:
    """Return how many positions are added at either end of an axis, for all but "same"."""
    padding = options["padding"]
    return 0 if isinstance(padding, str) else int(padding[axis])


def file_lengths(given: object, name: str, axes: int, least: int = 1) -> list[float]:
    """Return the lengths of all axes as the engine takes them, from an option of a file."""
    if not isinstance(given, list | tuple):
        raise ValueError(f"{name} must be a list of {axes} numbers, got {checks.shown(given)}")
    whole = [int(one) if isinstance(one, float) and one.is_integer() else one for one in given]
    return [float(length) for length in checked_lengths(whole, name, axes, least)]


def positions_of(shape: Shape, options: Mapping[str, Any]) -> Shape:
    """Return the output positions of a window over a shape.

    Raises
    ------
    ValueError
        If the shape has another number of axes, or the window does not fit into it.
    """
    axes = len(options["kernel"])
    if len(shape) != axes + 1:
        names = ("steps", "height, width", "depth, height, width")[axes - 1]
        raise ValueError(f"needs inputs of shape ({names}, channels), got {shape}")
    found: list[Any] = []
    for axis, length in enumerate(shape[:-1]):
        if length is None:
            found.append(None)
            continue
        kernel, stride = (int(options[name][axis]) for name in ("kernel", "stride"))
        dilation = int(options["dilation"][axis]) if "dilation" in options else 1
        span = (kernel - 1) * dilation + 1
        padded = length + 2 * added_to(options, axis)
        if options["padding"] == "same":
            found.append(-(-length // stride))
        elif span > padded:
            more = f" and the padding's {padded - length}" if padded > length else ""
            raise ValueError(
                f"has a window over {span} positions, more than the {length} of axis {axis} of its "
                f"inputs of shape {shape}{more}; padding='same' takes any"
            )
        else:
            found.append((padded - span) // stride + 1)
    return tuple(found)


def checked_window(given: Mapping[str, Any], axes: int) -> Options:
    """Return the options of a window that a file holds, checked."""
    names = [name for name in ("kernel", "stride", "dilation") if name in given]
    lengths: dict[str, Any] = {name: file_lengths(given[name], name, axes) for name in names}
    padding = given["padding"]
    if not isinstance(padding, str):
        padding = [int(added) for added in file_lengths(padding, "padding", axes, 0)]
    known = checked_padding(padding, axes)
    kernel, dilation = (
        tuple(map(int, lengths.get(name, (1,) * axes))) for name in ("kernel", "dilation")
    )
    check_padding(known, kernel, dilation)
    return {**lengths, "padding": as_options(known)}
