"""Network files as the commands write them: the formats of `save`, and C headers."""

from __future__ import annotations

from foxnn import neural_network
from foxnn.formats import endings as formats
from foxnn.formats.c import export as c_export


def _is_header(path: str) -> bool:
    return path.endswith(".h")


def keeps_notes(path: str) -> bool:
    """Return whether a file with this ending holds the notes of a network."""
    return formats.ending_of(path) == ".safetensors"


def save(nn: neural_network, path: str) -> None:
    """Write a network in the format that the ending names."""
    if _is_header(path):
        nn.export_c(path)
    else:
        nn.save(path)


def check_name(path: str, name: str) -> None:
    """Raise ValueError for the name of a file that is not written; `name` is that of the option."""
    if not _is_header(path):
        formats.path_to_write(path, name)


def check_out(nn: neural_network, path: str) -> None:
    """Raise the error that saving would, as far as it is known before the training."""
    check_name(path, "--out")
    if _is_header(path):
        c_export.check(path)
    else:
        formats.check(nn, path)
