"""Files of networks, as the commands write them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from foxnn import files, neural_network

# Endings of the formats that hold a network with all that it remembers, notes too.
_WHOLE = (".safetensors",)


def keeps_notes(path: str) -> bool:
    """Return whether a file of this ending holds the notes of a network."""
    return path.lower().endswith(_WHOLE)


def save(nn: neural_network, path: str) -> None:
    """Write a network in the format that the ending says."""
    nn.save(path)


def check_out(nn: neural_network, path: str) -> None:
    """Refuse a file that cannot be written, or cannot hold the network: before hours of training.

    Raises
    ------
    OSError, ValueError, ImportError
        What saving would raise.
    """
    files.check_place(path)
    with tempfile.TemporaryDirectory() as folder:
        try:
            save(nn, str(Path(folder) / Path(path).name))
        except OSError as error:
            raise type(error)(error.errno, error.strerror, path) from None
