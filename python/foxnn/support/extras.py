"""Optional libraries, imported late; the message for a missing one names its extra."""

from __future__ import annotations

import importlib
from typing import Any


def library(name: str, extra: str, user: str) -> Any:
    """Return a module of an optional library.

    Parameters
    ----------
    name : str
        The name of the module.
    extra : str
        The extra of foxnn that installs the library.
    user : str
        What needs it, for the message.

    Raises
    ------
    ImportError
        If it is missing; the message says how to install it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ImportError(
            f'{user} needs {package}, which is missing: pip install "foxnn[{extra}]"'
        ) from error
