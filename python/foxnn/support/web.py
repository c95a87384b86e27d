"""The package's own web files: scripts, styles and skeletons of pages."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[1] / "web"


def text_of(name: str) -> str:
    """Return the text of a file."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def in_script(text: str) -> str:
    """Return JSON that can stand in a script of a page: nothing in it ends the script."""
    return text.replace("<", "\\u003c")
