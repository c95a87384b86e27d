"""The examples of evolution in the gallery, in their short form: figures and pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from gallery_runs import load, told

pytest.importorskip("matplotlib")


def test_xor_evolves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("cma")
    script = load("evolved_xor", monkeypatch)
    monkeypatch.setattr(script, "GENERATIONS", 80)
    found = told(script, tmp_path, capsys, "evolved-xor")
    # How many of the three seeds solve it.
    solved = {name: found[name][0] for name in script.RULES}
    assert solved["Genetic, random mutation"] == 3
    assert solved["EvolutionStrategy"] == 3
    assert solved["CMA"] == 3
    # Its biases begin as zeros, and stay.
    assert solved["Genetic, smart mutation"] == 0


def test_a_pole_is_balanced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("gymnasium")
    script = load("evolved_cart_pole", monkeypatch)
    found = told(script, tmp_path, capsys, "evolved-cart-pole")
    for name in script.RULES:
        steps = found[f"{name}, steps over 100 new episodes"][0]
        assert steps >= 450  # the rule has ended the run on other episodes, at 475
        assert found[f"{name}, generations"][0] <= 15
