"""The formats of network files by their endings: which module writes and reads each."""

from __future__ import annotations

from typing import Any

from foxnn import checks
from foxnn.formats import foxnn_text, paths, safetensors_file, whole_files
from foxnn.layers.chain import plain_layers
from foxnn.model import state
from foxnn.model.losses import LOSS_NAMES
from foxnn.support import extras

_BINARY = (".safetensors", ".onnx")

# Who refuses other layers.
_TEXT = "FoxNN's text format"


def path_of(name_file: object, name: str) -> str:
    """Return the name of a network file, in a format that is read and written."""
    path = paths.path_of(name_file, name)
    if path.lower().endswith(".h"):
        raise ValueError(
            f"{name} must be the name of a network file, got {checks.shown(path)}: a C header is "
            "written by export_c, and cannot be read"
        )
    return path


def ending_of(path: str) -> str:
    """Return the ending that names the format; any other means FoxNN's text, ".txt"."""
    return next((ending for ending in _BINARY if path.lower().endswith(ending)), ".txt")


def check(network: Any, path: str) -> None:
    """Raise the error that `save` would, as far as it can be known in advance."""
    if ending_of(path) == ".txt":
        layers = plain_layers(network, _TEXT)
        foxnn_text.check_network(network.settings, layers)
        foxnn_text.unscaled(layers, network.input_scaler, network.output_scaler)
    elif ending_of(path) == ".onnx":
        extras.library("onnx", "onnx", "an .onnx file")
        from foxnn.formats.onnx import write  # late, as all of onnx: few programs need it

        write.check(network)
    whole_files.check_place(path)


def save(network: Any, path: str, only_scale: bool) -> None:
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
    # A copy, which is refused during a step: layers read one by one could be of different steps.
    copy = network._copy()
    parts = plain_layers(copy, _TEXT)
    parts = foxnn_text.unscaled(parts, network.input_scaler, network.output_scaler)
    foxnn_text.write_network(path, network.settings, parts, only_scale)


def load(
    network: Any,
    path: str,
    only_scale: bool,
    loss: str | None,
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
    if ending_of(path) == ".txt":
        _load_text(network, path, only_scale, loss, dtype, seed)
        return
    _check_only_scale(only_scale, path)
    start = None if seed is None else checks.integer(seed, "seed", 0, 2**64 - 1)
    if ending_of(path) == ".onnx":
        _load_onnx(network, path, dtype, start)
    else:
        _load_safetensors(network, path, dtype, start)
    if loss is not None:
        network._set_loss(LOSS_NAMES.known(loss, "loss"))
        network._loss_given = True


def _load_safetensors(network: Any, path: str, dtype: str | None, seed: int | None) -> None:
    given = safetensors_file.read(path)
    if seed is not None:
        given |= {"seed": seed, "draw": 0}
    try:
        state.make(network, given, dtype)
    except (ValueError, TypeError) as error:
        raise paths.FileFormatError(f"{path}: {error}") from None


def _load_onnx(network: Any, path: str, dtype: str | None, seed: int | None) -> None:
    from foxnn.formats.onnx import read

    found = read.read(path)
    try:
        read.make(network, found, dtype, seed)
    except (ValueError, TypeError) as error:
        raise paths.FileFormatError(f"{path}: {error}") from None


def _check_only_scale(only_scale: bool, path: str) -> None:
    if only_scale:
        raise ValueError(
            f"only_scale must be False except for FoxNN's text format, got True for {path!r}"
        )


def _load_text(
    network: Any,
    path: str,
    only_scale: bool,
    loss: str | None,
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
