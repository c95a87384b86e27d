"""Windows that slide over the positions of a sample: the options of convolutions and pools."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

from foxnn import checks
from foxnn.layers.kind import Options, Shape

LONGEST = 2**31 - 1
PADDINGS = ("valid", "same")

#: One number for all axes, or one for each.
Lengths = int | tuple[int, ...]


def checked_lengths(given: object, name: str, axes: int) -> tuple[int, ...]:
    """Return a length for each axis.

    Raises
    ------
    ValueError, TypeError
        Unless it is a whole number above 0, or one for each axis.
    """
    if isinstance(given, tuple | list):
        if len(given) != axes:
            raise ValueError(
                f"{name} must be one number or {axes}, one for each axis, got {checks.shown(given)}"
            )
        return tuple(checks.integer(one, name, 1, LONGEST) for one in given)
    return (checks.integer(given, name, 1, LONGEST),) * axes


def shown_lengths(lengths: tuple[int, ...]) -> Lengths:
    """Return one number if it is the same for all axes."""
    return lengths[0] if len(set(lengths)) == 1 else tuple(lengths)


def checked_padding(padding: object) -> str:
    """Return "valid" or "same"."""
    if isinstance(padding, numbers.Integral | tuple | list):  # PyTorch's
        raise TypeError(
            f"padding must be one of {', '.join(PADDINGS)}, got {checks.shown(padding)}; 'valid' "
            "adds nothing, and 'same' keeps the positions where the stride is 1"
        )
    if isinstance(padding, str) and padding.lower() == "causal":  # Keras'
        raise ValueError(
            f"padding must be one of {', '.join(PADDINGS)}; got {checks.shown(padding)}, which is "
            "'valid' behind (kernel - 1) * dilation zeros before the first step; a stream reads "
            "'valid' windows step by step without them"
        )
    return checks.choice(padding, "padding", PADDINGS)


def file_lengths(given: object, name: str, axes: int) -> list[float]:
    """Return the lengths of all axes as the engine takes them, from an option of a file."""
    if not isinstance(given, list | tuple):
        raise ValueError(f"{name} must be a list of {axes} numbers, got {checks.shown(given)}")
    whole = [int(one) if isinstance(one, float) and one.is_integer() else one for one in given]
    return [float(length) for length in checked_lengths(whole, name, axes)]


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
        if options["padding"] == "same":
            found.append(-(-length // stride))
        elif span > length:
            raise ValueError(
                f"has a window over {span} positions, more than the {length} of axis {axis} of its "
                f"inputs of shape {shape}; padding='same' takes any"
            )
        else:
            found.append((length - span) // stride + 1)
    return tuple(found)


def checked_window(given: Mapping[str, Any], axes: int) -> Options:
    """Return the options of a window that a file holds, checked."""
    names = [name for name in ("kernel", "stride", "dilation") if name in given]
    lengths = {name: file_lengths(given[name], name, axes) for name in names}
    return {**lengths, "padding": checked_padding(given["padding"])}
