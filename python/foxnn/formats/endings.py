"""The formats of network files: which module writes and reads each.

A name's ending decides in which format a file is written. When it is read, its first bytes decide,
and the ending only where they do not.
"""

from __future__ import annotations

import os
import re
from typing import Any

from foxnn import checks
from foxnn.formats import foreign, foxnn_text, paths, safetensors_file, whole_files
from foxnn.layers import layer
from foxnn.layers.chain import plain_layers
from foxnn.model import state
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.losses import CLASSIFYING, OWN, LossLike, joined, parse_loss, refuse_sorted
from foxnn.model.scaler import shift_and_scale
from foxnn.support import extras

_BINARY = (".safetensors", ".onnx")

# The format that refuses other layers, for the message.
_TEXT = "FoxNN's text format"

# What a safetensors file begins with: the length of its JSON, at most 100 MB, and the JSON.
_SAFETENSORS = rb"(?s).{3}[\0-\x05]\0{4}\{"
# What an ONNX file begins with, which is a protobuf message: the version of the format, 3 or later
# since 2017, and the next field of a model. Most begin with the name of the program that wrote
# them; other protobuf files have a message of that number, which is no text.
_ONNX = rb"(?s)\x08[\x03-\x20](?:[\x1a\"(2:Br]|\x12([\0-\x7f])([ -~]*))"
# FoxNN's text: a number on a line by itself, and ASCII only.
_NUMBER = rb"\s*\+?[0-9]+\s[\t-\r -~]*\Z"

_READ = "a network (.safetensors, .onnx or FoxNN's text)"
_WRITTEN = "the name of a network file (.safetensors, .onnx, or .txt for FoxNN's text)"


def path_of(name_file: object, name: str) -> str:
    """Return the name of a network file to read."""
    path = paths.path_of(name_file, name)
    if path.lower().endswith(".h"):
        raise ValueError(
            f"{name} must be the name of a network file, got {checks.shown(path)}: a C header is "
            "written by export_c, and cannot be read"
        )
    return path


def path_to_write(name_file: object, name: str) -> str:
    """Return the name of a network file to write; those of other programs' formats are refused."""
    path = path_of(name_file, name)
    foreign.refuse_name(path, name, _WRITTEN)
    ending = os.path.splitext(path.lower())[1]
    if ending not in (*_BINARY, "") and (meant := _misspelt(ending)) is not None:
        raise ValueError(
            f"{name} must be {_WRITTEN}, got {checks.shown(path)}; did you mean {meant}?"
        )
    return path


def _misspelt(ending: str) -> str | None:
    """Return the ending of a binary format that another one resembles, or None."""
    import difflib  # late: its import takes longer than that of most of foxnn

    near = difflib.get_close_matches(ending, _BINARY, 1, 0.8)
    return near[0] if near else None


def ending_of(path: str) -> str:
    """Return the ending that names the format; any other means FoxNN's text, ".txt"."""
    return next((ending for ending in _BINARY if path.lower().endswith(ending)), ".txt")


def own_format(head: bytes) -> str | None:
    """Return the ending of the format that begins with these bytes, or None."""
    if re.match(_SAFETENSORS, head):
        return ".safetensors"
    if (found := re.match(_ONNX, head)) and (found[1] is None or found[1][0] <= len(found[2])):
        return ".onnx"
    return ".txt" if re.match(_NUMBER, head) else None


def format_of(path: str) -> str:
    """Return the ending of the format in which a file is written, independent of its name.

    Raises
    ------
    OSError
        If it cannot be opened.
    foxnn.FileFormatError
        If it is a file of another program.
    """
    head = foreign.head_of(path)
    if (found := own_format(head)) is not None:
        return found
    foreign.refuse(path, head, _READ)
    return ending_of(path)


def check(network: AnsweringNetwork, path: str) -> None:
    """Raise the error that `save` would, as far as it can be known in advance."""
    if ending_of(path) == ".txt":
        refuse_sorted(network, _TEXT)
        layers = plain_layers(network, _TEXT)
        foxnn_text.check_network(network.settings, layers)
        foxnn_text.unscaled(layers, network.input_scaler, network.output_scaler)
    elif ending_of(path) == ".safetensors":
        safetensors_file.written_loss(network._own_loss)
    elif ending_of(path) == ".onnx":
        extras.library("onnx", "onnx", "an .onnx file")
        from foxnn.formats.onnx import write  # late, as all of onnx: few programs need it

        write.check(network)
    whole_files.check_place(path)


def save(network: AnsweringNetwork, path: str, only_scale: bool) -> None:
    """Write a network to a file in the format that the ending names."""
    ending = ending_of(path)
    if ending != ".txt":
        _check_only_scale(only_scale, path)
    if ending == ".safetensors":
        safetensors_file.write(path, state.state_of(network))
        return
    if ending == ".onnx":
        from foxnn.formats.onnx import write

        write.write(path, network)
        return
    refuse_sorted(network, _TEXT)
    # A copy, which is refused during a step: layers read one by one could be of different steps.
    copy = network._copy()
    parts = plain_layers(copy, _TEXT)
    parts = foxnn_text.unscaled(parts, network.input_scaler, network.output_scaler)
    foxnn_text.write_network(path, network.settings, parts, only_scale)


def load(
    network: AnsweringNetwork,
    path: str,
    only_scale: bool,
    loss: LossLike | None,
    dtype: str | None,
    seed: int | None,
) -> None:
    """Initialize a new network from a file; for arguments that are None the file decides.

    Raises
    ------
    OSError
        If the file cannot be read.
    foxnn.FileFormatError
        If it is not a network file.
    ValueError, TypeError
        For invalid arguments, or arguments that do not fit the file.
    """
    ending = format_of(path)
    if ending == ".txt":
        _load_text(network, path, only_scale, loss, dtype, seed)
        return
    _check_only_scale(only_scale, path)
    start = None if seed is None else checks.integer(seed, "seed", 0, 2**64 - 1)
    if ending == ".onnx":
        _load_onnx(network, path, dtype, start)
    else:
        _load_safetensors(network, path, dtype, start, is_loss_given=loss is not None)
    if loss is not None:
        word = parse_loss(loss).name
        if ending == ".onnx" and word in CLASSIFYING:
            _end_logits(network, word)
        network._take_loss(loss)
        network._loss_given = True
        network._forget_misfit()


def is_state_dict(name_file: object) -> bool:
    """Return whether a name is that of a safetensors file that foxnn has not written.

    Raises
    ------
    OSError, foxnn.FileFormatError, ValueError, TypeError
        For a name that is no file's, and for a file in no format that is read.
    """
    path = path_of(name_file, "sizes")
    return format_of(path) == ".safetensors" and safetensors_file.is_foreign(path)


def load_state_dict(
    network: AnsweringNetwork,
    path: str,
    activation: Any,
    output_activation: Any,
    only_scale: bool,
    loss: LossLike | None,
    dtype: str | None,
    seed: int | None,
) -> None:
    """Initialize a new network from a state dict, which does not name the activations.

    Raises
    ------
    OSError, foxnn.FileFormatError, ValueError, TypeError
        As `load`; also for activations that are not given.
    """
    from foxnn.formats import state_dict  # late: few programs read one

    _check_only_scale(only_scale, path)
    word = None if loss is None else parse_loss(loss).name
    found = state_dict.read(path)
    given = state_dict.activations(path, found, activation, output_activation, word)
    sizes = [found.layers[0].inputs, *(layer.outputs for layer in found.layers)]
    network._make(sizes, given, None, loss, "zeros", found.dtype if dtype is None else dtype, seed)
    for part, named, arrays in zip(network, found.layers, found.parameters, strict=True):
        try:
            part.weights, part.bias = arrays
        except ValueError as error:  # infinite, or too large for float32
            raise paths.FileFormatError(f"{path}, {named.name}: {error}") from None


def _load_safetensors(
    network: AnsweringNetwork,
    path: str,
    dtype: str | None,
    seed: int | None,
    *,
    is_loss_given: bool,
) -> None:
    given = safetensors_file.read(path)
    if is_loss_given and given.get("loss") == OWN:
        given |= {"loss": "mse"}  # its function need not be there
    if seed is not None:
        given |= {"seed": seed, "draw": 0}
    try:
        state.make(network, given, dtype)
    except (ValueError, TypeError) as error:
        raise paths.FileFormatError(f"{path}: {error}") from None


def _load_onnx(network: AnsweringNetwork, path: str, dtype: str | None, seed: int | None) -> None:
    from foxnn.formats.onnx import read

    found = read.read(path)
    try:
        read.make(network, found, dtype, seed)
    except (ValueError, TypeError) as error:
        raise paths.FileFormatError(f"{path}: {error}") from None


def _end_logits(network: AnsweringNetwork, loss: str) -> None:
    """Give a network that ends in sums the activation that the loss takes them through.

    Other libraries leave it to the loss: CrossEntropyLoss, BCEWithLogitsLoss, from_logits=True.
    """
    if network._output_activation()[0] != "identity_x":
        return
    (activation,) = joined(loss)
    last, scaler = network[-1], network.output_scaler
    if not isinstance(last, layer):
        from foxnn.layers.elementwise import Activation

        network.next_layer(Activation(activation))
        return
    if scaler is not None:  # what was read as scaled outputs are sums, shifted and scaled
        shift, scale = shift_and_scale(scaler)
        network.output_scaler = None
        last.weights = last.weights * scale
        if "bias" in last.arrays:
            last.bias = last.bias * scale + shift
    last.set_activation_function(activation)


def _check_only_scale(only_scale: bool, path: str) -> None:
    if only_scale:
        raise ValueError(
            f"only_scale must be False except for FoxNN's text format, got True for {path!r}"
        )


def _load_text(
    network: AnsweringNetwork,
    path: str,
    only_scale: bool,
    loss: LossLike | None,
    dtype: str | None,
    seed: int | None,
) -> None:
    settings, parts = foxnn_text.read_network(path, only_scale)
    sizes = [len(parts[0].weights), *(len(part.bias) for part in parts)]
    activations = [part.activation for part in parts]
    network._make(sizes, activations, None, loss, "zeros", dtype, seed)
    foxnn_text.copy_settings(settings, network.settings)
    for i, (part, values) in enumerate(zip(network, parts, strict=True)):
        try:
            part.weights, part.bias = values.weights, values.bias
        except ValueError as error:  # too large for float32
            raise ValueError(f"{path}, layer {i}: {error}") from None
