"""ReverseSequence of whole sequences: from their last step to the first, and back.

A recurrent layer between two of them reads backwards, and its states are in the order of time.
"""

from __future__ import annotations

from typing import Any

from foxnn.formats.onnx.constants import Attributes, NotRead
from foxnn.formats.onnx.layout import Value
from foxnn.formats.onnx.recurrent_shapes import Turned, check_lengths


def reversed_of(given: Attributes, values: list[Any]) -> Turned:
    """Return the sequences that a ReverseSequence makes of others."""
    value, lengths = values if len(values) == 2 else (None, None)
    if isinstance(value, Value):
        is_sequence = value.order == (0, 1) and not value.is_merged and not value.is_whole
        value = Turned("ntc", ((value, 0),)) if is_sequence and value.flat_of is None else None
    if not isinstance(value, Turned) or "t" not in value.axes or lengths is None:
        raise NotRead("expected sequences of steps, and their lengths")
    places = given.get("time_axis", 0), given.get("batch_axis", 1)
    if places != (value.axes.index("t"), value.axes.index("n")):
        raise NotRead("expected the steps as its time_axis, and the samples as its batch_axis")
    check_lengths(lengths, value.length("t"))
    return value._replace(is_backward=not value.is_backward)
