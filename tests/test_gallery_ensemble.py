"""The example of the gallery that shows a deep ensemble, in its short form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gallery_runs import load, told

pytest.importorskip("matplotlib")


def test_an_ensemble_knows_where_it_does_not_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load("deep_ensemble", monkeypatch)
    found = told(script, tmp_path, capsys, "deep-ensemble")
    assert found["relu, gap: spread"][0] > 3 * found["relu, samples: spread"][0]
    alone, *_, together = found["relu, gap: covered by 1, 2, 4 ..."]
    assert together > alone + 10
    # Where there were samples, a single network knows already.
    assert all(85 < covered < 99.9 for covered in found["relu, samples: covered by 1, 2, 4 ..."])


def test_samples_are_where_and_as_they_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load("deep_ensemble", monkeypatch)
    for region, parts in script.REGIONS.items():
        x, y = script.draw(region, 20_000, 3)
        assert all(any(low <= place < high for low, high in parts) for place in x[:, 0])
        true = script.Normal(script.curve(x[:, 0]), script.scatter(x[:, 0]) ** 2)
        # The standard error of the share is 0.15 percent.
        assert true.covered(y) == pytest.approx(95, abs=0.7)


def test_a_mixture_has_the_moments_of_its_members(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load("deep_ensemble", monkeypatch)
    rng = np.random.default_rng(0)
    members = [script.Normal(rng.normal(size=3), rng.uniform(0.5, 2, 3)) for _ in range(4)]
    mixture = script.together(members)
    draws = np.concatenate(
        [
            member.mean + np.sqrt(member.variance) * rng.normal(size=(200_000, 3))
            for member in members
        ]
    )
    np.testing.assert_allclose(mixture.mean, draws.mean(axis=0), atol=0.01)
    np.testing.assert_allclose(mixture.variance, draws.var(axis=0), rtol=0.01)
    alone = script.together(members[:1])
    np.testing.assert_array_equal(alone.variance, members[0].variance)
    assert [len(script.ensembles(members, count)) for count in (1, 2, 4)] == [4, 2, 1]


def test_the_loss_is_that_of_a_normal_density(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = pytest.importorskip("scipy.stats")
    script = load("deep_ensemble", monkeypatch)
    rng = np.random.default_rng(0)
    mean, variance, y = rng.normal(size=5), rng.uniform(0.5, 2, 5), rng.normal(size=5)
    wanted = -stats.norm.logpdf(y, mean, np.sqrt(variance)).mean()
    assert script.Normal(mean, variance).loss(y) == pytest.approx(wanted)
