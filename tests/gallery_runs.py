"""Runs an example of the gallery in its short form, on made-up digits, and reads its report."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

import segment_digits

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import an example, and give it digits of seven segments."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setattr(importlib.import_module("common"), "digits", segment_digits.load)
    return importlib.import_module(name)


def told(
    script: ModuleType,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    *pictures: str,
    page: Path | None = None,
) -> dict[str, list[float]]:
    """Run a script in its short form; return the numbers of its report by the rows' names.

    With `page`, the network is written there.
    """
    more = [] if page is None else ["--html", str(page)]
    assert script.main(["--short", "--pictures", str(folder), *more]) == 0
    assert page is None or f"<title>{page.stem}</title>" in page.read_text(encoding="utf-8")
    drawn = sorted(folder.iterdir())
    assert [picture.name for picture in drawn] == [f"{name}.png" for name in pictures]
    assert all(3_000 < picture.stat().st_size < 150_000 for picture in drawn)
    lines = capsys.readouterr().out.splitlines()
    rows = [re.split(r"  +", line.strip()) for line in lines]
    return {
        row[0]: [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:e-\d+)?", row[-1])]
        for row in rows
        if len(row) > 1
    }
