"""The example of the gallery that shows quantile bands, in its short form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gallery_runs import load, told

pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")


def test_quantile_bands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = load("quantile_bands", monkeypatch)
    page = tmp_path / "bands.html"
    (tmp_path / "plots").mkdir()
    found = told(script, tmp_path / "plots", capsys, "quantile-bands", page=page)
    wanted = [100 * q for q in script.LEVELS]
    # 10,000 samples: half a percent is a standard error of the middle one.
    np.testing.assert_allclose(found["the true quantiles: samples below"], wanted, atol=2.0)
    np.testing.assert_allclose(found["quantile network: samples below"], wanted, atol=12.0)
    assert found["quantile network: crossing"] == [0.0]
    best = found["the true quantiles: pinball loss"][0]
    for name in ("quantile network", "five networks", "mean and variance", "gradient boosting"):
        assert best < found[f"{name}: pinball loss"][0] < 1.5 * best


def test_its_quantiles_are_those_of_its_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load("quantile_bands", monkeypatch)
    x, y = script.draw(50_000, 3)
    shares = script.below(script.true(x), y)
    np.testing.assert_allclose(shares, [100 * q for q in script.LEVELS], atol=0.7)
    crossed = np.array([[0.0, 1.0, 0.5], [0.0, 1.0, 2.0]])
    assert script.crossings(crossed) == 50.0
