"""The examples of the gallery that learn by reward, in their short form: figures and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gallery_runs import load, told

pytest.importorskip("matplotlib")
pytest.importorskip("gymnasium")


def test_a_policy_gradient_balances_a_pole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load("policy_gradient", monkeypatch)
    found = told(script, tmp_path, capsys, "policy-gradient")
    assert found["with a critic, rewards over 100 new episodes"][0] >= 450
    assert found["with a critic, episodes"][0] <= 30 * script.SIDE_BY_SIDE
    assert found["without, rewards over 100 new episodes"][0] > 100  # of 22 by chance


def test_returns_are_discounted_to_the_end_of_each_episode(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load("policy_gradient", monkeypatch)
    d = script.DISCOUNT
    # The first episode ends after two steps, the second is cut after three, where 10 would follow.
    is_on = np.array([[True, True], [True, True], [False, True]])
    rewards = np.array([[1.0, 2.0], [3.0, 4.0], [99.0, 5.0]])
    beyond = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 10.0]])
    last = 5 + d * 10
    wanted = [[1 + d * 3, 2 + d * (4 + d * last)], [3, 4 + d * last], [0, last]]
    np.testing.assert_allclose(script.discounted(rewards, is_on, beyond), wanted, rtol=1e-12)


def test_slopes_are_those_of_the_policy_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load("policy_gradient", monkeypatch)
    rng = np.random.default_rng(0)
    p = 0.2 + 0.4 * rng.dirichlet(np.ones(3), 5)  # none so small that differences are inexact
    actions, advantages = rng.integers(3, size=5), rng.normal(size=5)

    def loss(p: np.ndarray) -> float:
        return float(-(advantages * np.log(p[np.arange(5), actions])).mean())

    step = 1e-6
    wanted = np.zeros_like(p)
    for place in np.ndindex(p.shape):
        change = np.zeros_like(p)
        change[place] = step
        wanted[place] = (loss(p + change) - loss(p - change)) / (2 * step)
    np.testing.assert_allclose(script.slopes(p, actions, advantages), wanted, atol=1e-7)


def test_actions_are_drawn_with_their_probabilities(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load("policy_gradient", monkeypatch)
    p = np.tile([[0.2, 0.0, 0.8]], (20_000, 1)).astype(np.float32)
    counts = np.bincount(script.draw(p, np.random.default_rng(0)), minlength=3)
    # The standard error of the first share is 0.0028.
    np.testing.assert_allclose(counts / 20_000, [0.2, 0, 0.8], atol=0.012)
    assert counts[1] == 0


def test_acrobot_swings_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load("acrobot", monkeypatch)
    monkeypatch.setattr(script.policy_gradient, "TESTS", 10)
    found = told(script, tmp_path, capsys, "acrobot")
    assert found["Acrobot, rewards of the last batch"][0] > -300  # of about -500 at first


def test_the_links_of_acrobot_are_where_gymnasium_sees_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = load("acrobot", monkeypatch)
    first, second = np.array([0.3, -1.0, 3.0]), np.array([0.2, 2.0, -0.5])
    turns = [np.cos(first), np.sin(first), np.cos(second), np.sin(second)]
    states = np.stack([*turns, np.zeros(3), np.zeros(3)], axis=1)
    middle, tip = script.joints(states)
    np.testing.assert_allclose(np.linalg.norm(middle, axis=1), 1)
    np.testing.assert_allclose(np.linalg.norm(tip - middle, axis=1), 1)
    # Gymnasium's own rule for the end of an episode.
    np.testing.assert_allclose(tip[:, 1], -np.cos(first) - np.cos(first + second))
