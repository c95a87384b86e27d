"""The examples of the gallery that read sequences, in short, on made-up digits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import foxnn
import segment_digits
from gallery_runs import load, told

pytest.importorskip("matplotlib")


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Return a function that imports a script and gives it made-up digits."""
    return lambda name: load(name, monkeypatch)


def test_row_by_row(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("row_by_row")
    found = told(script, tmp_path, capsys, "row-by-row")
    for name in script.NETWORKS:
        assert 40 < found[f"{name}: accuracy"][0] <= 100
    # No segment begins above row 7, so that before it is read one digit is as likely as another.
    every = found[f"{script.EVERY}: after 8, 12, 16, 20, 24 rows"]
    assert every[0] < 40 < max(every)
    assert len(found["rows until sure, digits 0 to 9"]) == 10


def test_answers_by_row_are_those_to_the_rows_read(example: Callable[[str], ModuleType]) -> None:
    script = example("row_by_row")
    x = segment_digits.load(None)[2][:5].reshape(-1, 28, 28) / np.float32(255)
    for name in (script.LAST, script.EVERY):
        nn = foxnn.neural_network(script.NETWORKS[name][0], output_activation="softmax", seed=1)
        found = script.answers(nn, x)
        assert found.shape == (5, 28, 10)
        changed = x.copy()
        changed[:, 20:] = 1
        again = script.answers(nn, changed)
        assert (found[:, :20] == again[:, :20]).all()
        assert not (found[:, 20] == again[:, 20]).any()


def test_rows_until_sure(example: Callable[[str], ModuleType]) -> None:
    script = example("row_by_row")
    found = np.full((4, 28, 10), 0.05, np.float32)
    found[0, 5:, 3] = 0.95  # sure from the sixth row on
    found[1, 5:20, 3], found[1, 24:, 3] = 0.95, 0.91  # in between, no longer
    found[2, 5:, 4] = 0.95  # of another digit
    found[3, :, 3] = 0.95
    assert script.rows_until_sure(found, np.full(4, 3, np.uint8)).tolist() == [6, 25, 29, 1]
    assert script.right(found, np.full(4, 3, np.uint8))[-1] == 75
