"""Libraries that foxnn uses where they are installed: imported late, asked for by their extra."""

from __future__ import annotations

import importlib
from typing import Any


def library(name: str, extra: str, user: str) -> Any:
    """Return a module of an optional library.

    Parameters
    ----------
    name : str
        The module, as it is imported.
    extra : str
        The extra of foxnn that brings the library.
    user : str
        What needs it, for the message.

    Raises
    ------
    ImportError
        Where it is missing; the message says how to install it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ImportError(
            f'{user} needs {package}, which is missing: pip install "foxnn[{extra}]"'
        ) from error
