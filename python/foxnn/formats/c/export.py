"""Exports a network as C: checks the arguments, rounds weights to 8 bits, writes two files."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.formats import paths, recorded, whole_files
from foxnn.formats.c import self_test
from foxnn.formats.c import source as c_source
from foxnn.formats.c.layered import BODIES
from foxnn.formats.c.program import program
from foxnn.formats.c.source import Layer, Program, chain_program
from foxnn.formats.rounding import warn_if_coarse
from foxnn.layers.chain import PlainLayer, plain_layers
from foxnn.layers.kinds import check_held
from foxnn.layers.steps import varies
from foxnn.layers.view import is_number
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.losses import sorts_outputs
from foxnn.model.scaler import shift_and_scale
from foxnn.support import pieces

_WITHOUT = "export_c without weights= writes such a network, in full precision"

# Integers of 8 bits, symmetric around zero.
_LARGEST = 127


def export(
    network: AnsweringNetwork,
    name_file: object,
    name: str | None,
    weights: str | None,
    samples: Any,
) -> dict[str, float]:
    """Write header and self-test; see `neural_network.export_c`."""
    path, word = names_of(name_file, name)
    kind = None if weights is None else checks.choice(weights, "weights", ("int8",))
    if samples is not None and varies(network._input_shape()):
        raise ValueError(
            "samples must be None for a network of sequences of any length, which a header takes "
            f"step by step, got {checks.shown(samples)}"
        )
    x, y = _samples(network, samples)
    warn_if_coarse(network, path)
    given = recorded.snapshot(network)
    twin = recorded.twin_of(network, given)
    scalings = scaling_of(network, "input"), scaling_of(network, "output")
    source = program_of(twin, word, kind, scalings)
    source.classes = twin.classes
    if sorts_outputs(twin):
        source.in_order = len(twin._loss_parameters())
    report: dict[str, float] = {"constant_bytes": source.constants, "stack_bytes": source.stack}
    if kind is not None and x is not None and y is not None:
        report |= _loss_of_accuracy(recorded.twin_of(network, given), twin, x, y)
        source.notes.append(_told(report, len(x)))
    elif kind is not None:
        source.notes.append("Weights have 8 bits.")
    if source.step is not None:
        report["state_bytes"] = source.state
    asked = recorded.drawn(twin) if x is None else x[: recorded.COUNT].astype(twin.dtype)
    asked, answers = recorded.finite_answers(twin, asked)
    within = tolerance(twin, asked, answers)
    write(path, source, asked.reshape(len(asked), -1), answers, within)
    return report


def write(path: str, source: Program, asked: Array, answers: Array, within: float) -> None:
    """Write a header, and the self-test that compares it with recorded answers."""
    base = os.path.basename(path)
    texts: dict[str, Iterable[str]] = {
        path: c_source.header(source),
        path[:-2] + "_test.c": [self_test.test_program(source, base, asked, answers, within)],
    }
    for place in texts:
        whole_files.check_place(place)  # check both before replacing either
    with contextlib.ExitStack() as both:  # replace neither before both are written
        for place, text in texts.items():
            file = both.enter_context(whole_files.replacing(place))
            for part in text:
                file.write(part.encode("ascii"))
            file.flush()


def program_of(
    twin: AnsweringNetwork,
    word: str,
    kind: str | None,
    scalings: tuple[tuple[Array, Array] | None, tuple[Array, Array] | None],
) -> Program:
    """Return the program of a network, with weights rounded to 8 bits if asked for."""
    parts = twin._layers()
    if kind is None and not all(map(is_number, parts)):
        check_held(parts, BODIES, "a C header", of_any_length=True)
        shapes = twin._input_shape(), twin._output_shape()
        return program(word, twin.dtype, parts, twin._array, shapes, scalings)
    layers = [_layer(part, kind) for part in plain_layers(twin, "a C header of 8 bits", _WITHOUT)]
    for part, layer in zip(twin, layers, strict=True):
        if layer.scale is not None:
            part.weights = layer.weights * layer.scale
    return chain_program(word, twin.dtype, layers, *scalings)


def check(name_file: object, name: str | None = None) -> None:
    """Raise the error that `export` would, as far as it can be known in advance."""
    path, _ = names_of(name_file, name)
    for place in (path, path[:-2] + "_test.c"):
        whole_files.check_place(place)


def names_of(name_file: object, name: str | None) -> tuple[str, str]:
    """Return the path of the header, and the prefix of the names in C."""
    path = paths.path_of(name_file)
    base = os.path.basename(path)
    if not base.endswith(".h"):
        raise ValueError(f"name_file must end in .h, got {checks.shown(path)}")
    if re.search(r'["\\\x00-\x1f\x7f-\uffff]', base) or not base.isascii():
        raise ValueError(f"name_file must be a name that C can include, got {checks.shown(base)}")
    word = base[:-2] if name is None else checks.text(name, "name")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,39}", word):
        raise ValueError(
            "name must be a C identifier of at most 40 letters, digits and underscores that begins "
            f"with a letter, got {checks.shown(word)}"
        )
    return path, word


def _samples(network: AnsweringNetwork, samples: Any) -> tuple[Array | None, Any]:
    """Return checked inputs, and targets as they are given; both are None if there are none."""
    if samples is None:
        return None, None
    if not isinstance(samples, tuple) or len(samples) != 2:
        raise TypeError(f"samples must be a pair (x, y), got {checks.shown(samples)}")
    x, _ = network._samples(*samples, "samples[0]", "samples[1]")
    return checks.dense(x), samples[1]


def _layer(part: PlainLayer, kind: str | None) -> Layer:
    weights = part.weights
    if kind is None:
        return Layer(weights, part.bias, part.activation, part.parameters)
    ends = pieces.column_extremes(weights)
    largest = np.maximum(-ends[0], ends[1]).astype(np.float64)
    scale = np.where(largest > 0, largest / _LARGEST, 1.0).astype(weights.dtype)
    scale[scale == 0] = np.finfo(weights.dtype).smallest_subnormal
    divisor, rounded = scale.astype(np.float64), np.empty(weights.shape, np.int8)
    for some in pieces.slices(weights):
        rounded[some] = np.clip(np.rint(weights[some] / divisor), -_LARGEST, _LARGEST)
    return Layer(rounded, part.bias, part.activation, part.parameters, scale)


def scaling_of(network: AnsweringNetwork, which: str) -> tuple[Array, Array] | None:
    """Return shift and scale of the inputs or outputs, or None."""
    scaler = getattr(network, f"{which}_scaler")
    if scaler is None:
        return None
    shift, scale = shift_and_scale(scaler)
    limits = np.finfo(network.dtype)
    sound = (np.abs(shift) <= limits.max) & (scale <= limits.max) & (scale >= 1.0 / limits.max)
    if not sound.all():
        raise ValueError(f"{which}_scaler must be within the range of {network.dtype}")
    return shift, scale


def _loss_of_accuracy(
    network: AnsweringNetwork, twin: AnsweringNetwork, x: Array, y: Any
) -> dict[str, float]:
    """Return losses and accuracies of a network and of its rounded twin on samples."""
    report = {}
    for ending, each in (("", network), ("_int8", twin)):
        for name, value in each.evaluate(x, y).items():
            report[f"{name}{ending}"] = value
    difference = np.abs(network.predict(x).astype(np.float64) - twin.predict(x))
    report["largest_difference"] = float(difference.max())
    return report


def _told(report: dict[str, float], samples: int) -> str:
    """Return the effect of rounding in words."""
    text = f"Weights have 8 bits. On {samples} samples the loss is {report['loss_int8']:.6g}, "
    text += f"without rounding {report['loss']:.6g}; "
    if "accuracy" in report:
        text += f"the accuracy is {report['accuracy_int8']:.6g}, without rounding "
        text += f"{report['accuracy']:.6g}; "
    return text + f"outputs change by at most {report['largest_difference']:.3g}."


def tolerance(network: AnsweringNetwork, x: Array, outputs: Array) -> float:
    """Return the allowed error of the outputs in C, relative to 1 or to a larger output."""
    if network.dtype == "float64":
        return 1e-10
    exact = recorded.in_other_precision(network).predict(x).reshape(outputs.shape)
    return max(1e-6, recorded.rounding(outputs, exact))
