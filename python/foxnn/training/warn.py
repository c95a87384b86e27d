"""Warnings of `fit`, shown at the user's own line."""

from __future__ import annotations

import warnings

from foxnn.support.frames import frames_of_foxnn


def warn(message: str, category: type[UserWarning]) -> None:
    """Warn at the line that called foxnn."""
    warnings.warn(message, category, stacklevel=frames_of_foxnn() + 1)
