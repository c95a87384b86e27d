"""FoxNN's text files: networks and train_data, one number per line.

A network file holds ten settings, the constants of the optimizers and the mode, one per line; the
number of layers; for each layer the name of its activation, the number of its parameters and the
parameters, and the number of neurons; for each neuron the count of its numbers, its weights, and
the bias with the opposite sign. With `only_scale` the settings and the activations are left out.

A data file holds the numbers of samples, inputs and outputs, then the inputs and outputs of each
sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import IO, Any, NamedTuple

import numpy as np

from foxnn import checks
from foxnn.checks import Array
from foxnn.formats.foreign import refuse_name
from foxnn.formats.paths import FileFormatError, path_of
from foxnn.formats.text import TextReader, is_word, write_rows
from foxnn.formats.whole_files import replacing
from foxnn.layers.activation_table import ACTIVATIONS, WITH_ALPHA
from foxnn.layers.activations import ActivationPair
from foxnn.layers.chain import PlainLayer
from foxnn.model.scaler import Scaler
from foxnn.model.settings import Settings
from foxnn.support import pieces

# The activations that FoxNN has, and the number of their parameters in its files.
_PARAMETERS = {name: int(name in WITH_ALPHA) for name, row in ACTIVATIONS.items() if row.foxnn}

_LARGEST_ALPHA = float(np.finfo(np.float32).max)


class LayerText(NamedTuple):
    """A layer as a file describes it."""

    activation: ActivationPair
    weights: Array
    bias: Array


def _flag(reader: TextReader, name: str) -> bool:
    return bool(reader.count(name, 0, 1))


def _whole(reader: TextReader, name: str) -> int:
    return reader.count(name, 0, 2**63 - 1)


# The lines of the settings in order: where each belongs, its name and how it is read.
_SETTINGS: list[tuple[str, str, Callable[[TextReader, str], Any]]] = [
    ("", "n_threads", _whole),
    ("", "n_print", _whole),
    ("", "min_error", TextReader.real),
    ("", "max_on_last_layer", _flag),
    ("", "one_if_value_greater_intermediate_value", _flag),
    ("", "intermediate_value", TextReader.real),
    ("", "part_for_test", TextReader.real),
    ("", "auto_save_name_file", TextReader.word),
    ("", "auto_save_iteration", _whole),
    ("", "correct_summation", _flag),
    ("adam", "betta_1", TextReader.real),
    ("adam", "betta_2", TextReader.real),
    ("adam", "epsilon", TextReader.real),
    ("adam", "step_to_zero_after_n", _whole),
    ("nesterov", "gamma", TextReader.real),
    ("", "mode", TextReader.word),
]


def _part(settings: Settings, where: str) -> Any:
    return getattr(settings.settings_optimization, where) if where else settings


def text_path(name_file: object, name: str) -> str:
    """Return the name of a text file to write; names of other formats are refused."""
    path, allowed = path_of(name_file, name), "a text file of FoxNN's (.txt)"
    if path.lower().endswith((".safetensors", ".onnx", ".h")):
        raise ValueError(f"{name} must be {allowed}, got {checks.shown(path)}")
    refuse_name(path, name, allowed)
    return path


def read_network(path: str, only_scale: bool) -> tuple[Settings, list[LayerText]]:
    """Return the settings and layers of a network file.

    Raises
    ------
    OSError
        If the file cannot be read.
    foxnn.FileFormatError
        If it is not a network file.
    """
    reader = TextReader(path)
    settings = Settings()
    try:
        if not only_scale:
            _read_settings(reader, settings)
        count = reader.count("the number of layers", 1)
    except FileFormatError as error:
        from foxnn.formats import tables  # late: most files are networks

        raise FileFormatError(f"{error}{tables.hint_of(path, reader.first_line(), '')}") from None
    layers: list[LayerText] = []
    for _ in range(count):
        inputs = layers[-1].weights.shape[1] if layers else None
        layers.append(_read_layer(reader, inputs, only_scale))
    reader.end()
    return settings, layers


def copy_settings(source: Settings, target: Settings) -> None:
    """Copy to `target` all settings that a file holds."""
    for where, name, _ in _SETTINGS:
        setattr(_part(target, where), name, getattr(_part(source, where), name))


def _read_settings(reader: TextReader, settings: Settings) -> None:
    for where, name, read in _SETTINGS:
        value = read(reader, name)
        try:
            setattr(_part(settings, where), name, value)
        except ValueError as error:
            allowed = str(error).split(", got")[0].split("; got")[0].replace(" must be", ",", 1)
            raise reader.error(allowed) from None


def _read_layer(reader: TextReader, inputs: int | None, only_scale: bool) -> LayerText:
    name, parameters = "sigmoid", []
    if not only_scale:
        known = f"an activation ({', '.join(_PARAMETERS)})"
        name = reader.word(known)
        if name not in _PARAMETERS:
            raise reader.error(known)
        count = _PARAMETERS[name]
        reader.count(f"the number of parameters of {name}", count, count)
        for _ in range(count):
            parameters.append(reader.real(f"alpha of {name}"))
            if not 0 <= parameters[-1] <= _LARGEST_ALPHA:
                raise reader.error(f"alpha of {name}, from 0 to {_LARGEST_ALPHA:.6g}")
    neurons = reader.count("the number of neurons", 1)
    if inputs is None:
        expected = "the count of the numbers of a neuron, one more than the inputs"
        inputs = reader.count(expected, 2, ahead=True) - 1
    # Each neuron begins with the count of its numbers.
    widths = [1, inputs + 1]
    counts, table = reader.tables(neurons, widths, "weights and bias of the neurons")
    wrong = np.flatnonzero(counts[:, 0] != inputs + 1)
    if wrong.size:
        expected = f"{inputs + 1} as the count of the numbers of neuron {wrong[0]}"
        raise reader.error_in_table(expected, int(wrong[0]) * (inputs + 2))
    return LayerText((name, parameters), table[:, :-1].T, -table[:, -1])


def check_network(
    settings: Settings, layers: Iterable[PlainLayer], only_scale: bool = False
) -> None:
    """Raise ValueError if FoxNN's format cannot hold the network."""
    for i, part in enumerate(layers):
        name = part.activation
        if name not in _PARAMETERS and not only_scale:
            raise ValueError(
                f"FoxNN's text format has no activation {name!r}, which layer {i} has, but only "
                f"{', '.join(_PARAMETERS)}; .safetensors and .onnx can hold it"
            )
    if not only_scale and not is_word(settings.auto_save_name_file):
        raise ValueError(
            "auto_save_name_file must be one word to be saved in FoxNN's text format, "
            f"got {settings.auto_save_name_file!r}"
        )


def write_network(
    path: str, settings: Settings, layers: Iterable[PlainLayer], only_scale: bool
) -> None:
    """Write a network file.

    Raises
    ------
    ValueError
        If FoxNN's format cannot hold the network; nothing is written then.
    OSError
        If the file cannot be written; an older one is unchanged.
    """
    parts = list(layers)
    check_network(settings, parts, only_scale)
    with replacing(path) as file:
        if not only_scale:
            for where, name, _ in _SETTINGS:
                _write_line(file, getattr(_part(settings, where), name))
        _write_line(file, len(parts))
        for part in parts:
            if not only_scale:
                for value in (part.activation, len(part.parameters), *part.parameters):
                    _write_line(file, value)
            _write_line(file, len(part.bias))
            _write_neurons(file, part)


def unscaled(
    layers: list[PlainLayer], inputs: Scaler | None, outputs: Scaler | None
) -> list[PlainLayer]:
    """Return layers without scalers that compute, up to rounding, what these compute with them.

    Raises
    ------
    ValueError
        For scaled outputs of an activation other than the identity.
    """
    parts = list(layers)
    if inputs is not None and inputs.shift is not None and inputs.scale is not None:
        weights = parts[0].weights / inputs.scale[:, None]
        parts[0] = parts[0].with_arrays(weights, parts[0].bias - inputs.shift @ weights)
    if outputs is not None and outputs.shift is not None and outputs.scale is not None:
        if (name := parts[-1].activation) != "identity_x":
            raise ValueError(
                f"FoxNN's format can hold an output_scaler only for identity_x outputs, got {name}"
            )
        scale = outputs.scale
        last = parts[-1]
        parts[-1] = last.with_arrays(last.weights * scale, last.bias * scale + outputs.shift)
    return parts


def _write_line(file: IO[bytes], value: object) -> None:
    if isinstance(value, bool):
        value = int(value)
    text = f"{value:.16e}" if isinstance(value, float) else str(value)
    file.write(text.encode("utf-8", "surrogateescape") + b"\n")


def _write_neurons(file: IO[bytes], part: PlainLayer) -> None:
    count = b"%d\n" % (len(part.weights) + 1)
    weights, bias = part.weights.T, part.bias
    for some in pieces.slices(weights):
        for neuron in np.column_stack([weights[some], -bias[some]]):
            file.write(count)
            write_rows(file, neuron.reshape(1, -1))


def read_data(path: str) -> tuple[Array, Array]:
    """Return the inputs and outputs of a data file.

    Raises
    ------
    OSError
        If the file cannot be read.
    foxnn.FileFormatError
        If it is not a data file.
    """
    from foxnn.formats import tables  # late: few programs read samples from a file

    reader = TextReader(path, "samples in FoxNN's text", tables.REMEDIES)
    try:
        samples = reader.count("the number of samples", 1)
        inputs = reader.count("the number of inputs", 1)
        outputs = reader.count("the number of outputs", 1)
    except FileFormatError as error:
        hint = tables.hint_of(path, reader.first_line())
        raise FileFormatError(f"{error}{hint}") from None
    x, y = reader.tables(samples, [inputs, outputs], "inputs and outputs of the samples")
    reader.end()
    return x, y


def write_data(path: str, x: Array, y: Array) -> None:
    """Write a data file.

    Raises
    ------
    ValueError
        If a number is not finite.
    OSError
        If it cannot be written; an older file is unchanged.
    """
    # The caller's arrays are used in place, and may have changed.
    for array, name in ((x, "inputs"), (y, "outputs")):
        if not checks.all_finite(array, False):
            raise ValueError(f"the {name} must be finite to be saved, got an infinity or NaN")
    with replacing(path) as file:
        file.write(b"%d\n%d\n%d\n" % (len(x), x.shape[1], y.shape[1]))
        write_rows(file, x, y)
