"""The program of a network of every kind of layer: what predicts a sample, and what takes a step.

Values between the layers share one array on the stack: the place of a value is free again after
the last operation that reads it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from foxnn.checks import Array
from foxnn.formats.c.layered import Operation, Value, Writer, copied
from foxnn.formats.c.source import Program, Step
from foxnn.formats.c.stepping import NoSteps, for_a_step, has_recurrent
from foxnn.layers.kinds import placed

Part = Mapping[str, Any]


def program(
    name: str,
    dtype: str,
    parts: Sequence[Part],
    read: Callable[[int, str], Array],
    shapes: tuple[tuple[int | None, ...], tuple[int | None, ...]],
    scalings: tuple[tuple[Array, Array] | None, tuple[Array, Array] | None],
) -> Program:
    """Return the program of a network.

    Parameters
    ----------
    name, dtype : str
    parts : list of dict
        The layers, as the engine shows them.
    read : callable
        From the engine's number of a layer and a name to an array.
    shapes : pair of tuple
        Of a sample that goes in, and comes out.
    scalings : pair
        Shift and scale of inputs and outputs, or None.
    """
    made = Program(name, dtype, [_size(shape) for shape in shapes], *scalings)
    made.title = " -> ".join(str(shape) for shape in shapes)
    of_any_length = None in shapes[0]
    if not of_any_length:
        _predict(made, Writer(name, dtype, read), parts)
    if scalings[0] is None and has_recurrent(parts):
        try:
            _step(made, Writer(name, dtype, read), parts, shapes)
        except NoSteps as error:
            if of_any_length:
                raise ValueError(_refused(parts, error.part)) from None
    elif of_any_length:
        raise ValueError(_refused(parts, None))
    return made


def _size(shape: tuple[int | None, ...]) -> int:
    return math.prod(length or 1 for length in shape)


def _refused(parts: Sequence[Part], part: Part | None) -> str:
    """Return why a network of sequences of any length is refused, and the layer's name."""
    text = "a C header holds a network of sequences of any length only step by step"
    if part is None:
        return f"{text}, and this one has no recurrent layer; save it as .safetensors or .onnx"
    where = next(where for where, each in placed(parts, "layers[{}]".format) if each is part)
    return f"{text}, without {where}, which reads other steps; save it as .safetensors or .onnx"


def _step(
    made: Program,
    to: Writer,
    parts: Sequence[Part],
    shapes: tuple[tuple[int | None, ...], tuple[int | None, ...]],
) -> None:
    """Add what takes a step of a sequence."""
    own, has_steps = for_a_step(parts)
    if made.outputs is not None and has_steps:
        return  # each step would have a scale of its own
    counts = _size(shapes[0][1:]), _size(shapes[1][1:] if has_steps else shapes[1])
    lines, scratch = _statements(made, to, own, Value(counts[0], "x"), [])
    made.step = Step(counts, to.states, lines, scratch, has_steps)
    known = {ending for ending, _ in made.arrays}
    made.arrays += [(ending, array) for ending, array in to.arrays if ending not in known]
    made.functions += [text for text in to.functions.values() if text not in made.functions]


def _predict(made: Program, to: Writer, parts: Sequence[Part]) -> None:
    """Add what predicts a whole sample."""
    x = Value(made.inputs_count, "x")
    first: list[Operation] = []
    start = x
    if made.inputs is not None:
        start = Value(made.inputs_count)
        first.append(Operation([x], start, lambda: made.scaled_inputs(start.text)))
    made.lines, made.scratch = _statements(made, to, parts, start, first)
    made.arrays += to.arrays
    made.functions += to.functions.values()


def _statements(
    made: Program, to: Writer, parts: Sequence[Part], start: Value, first: list[Operation]
) -> tuple[list[str], int]:
    """Return the statements of layers after a value, and how many numbers they need between."""
    end = to.layers(parts, start)
    if end.name or end is start or not to.operations or to.operations[-1].writes is not end:
        given = end
        end = to.add([given], given.size, lambda y: copied(given, y))
    end.name = "y"
    operations = [*first, *to.operations]
    scratch = _place(operations)
    return [line for each in operations for line in each.statement().split("\n")], scratch


def _place(operations: list[Operation]) -> int:
    """Give values their places, and return how long the array must be."""
    for i, operation in enumerate(operations):
        for value in (*operation.reads, operation.writes, *_scratch_of(operation)):
            value.last_use = i
    live: list[Value] = []
    length = 0
    seen: set[int] = set()
    for i, operation in enumerate(operations):
        for value in (operation.writes, *_scratch_of(operation)):
            if not value.name and id(value) not in seen:
                seen.add(id(value))
                value.place = _free_place(live, value.size)
                length = max(length, value.place + value.size)
                live.append(value)
        live = [each for each in live if each.last_use > i]
    return length


def _scratch_of(operation: Operation) -> list[Value]:
    return [] if operation.scratch is None else [operation.scratch]


def _free_place(live: list[Value], size: int) -> int:
    place = 0
    for value in sorted(live, key=lambda each: each.place):
        if value.place - place >= size:
            break
        place = max(place, value.place + value.size)
    return place
