"""The example of the gallery that learns the values of actions, in its short form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import foxnn
from gallery_runs import load, told

pytest.importorskip("matplotlib")
pytest.importorskip("gymnasium")
pytest.importorskip("sklearn")


def test_q_learning_balances_a_pole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load("q_learning", monkeypatch)
    found = told(script, tmp_path, capsys, "q-learning-map", "q-learning")
    assert found["complete, best test"][0] > 100  # of 22 by chance
    for name in ("complete", "no target network", "one step ahead"):
        assert found[f"{name}, steps of each cart"][0] <= 500


def test_a_memory_forgets_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load("q_learning", monkeypatch)
    memory = script.Memory(5)

    def steps(numbers: list[int]) -> object:
        column = np.array(numbers)
        states = np.repeat(column[:, None], script.INPUTS, axis=1)
        return script.Steps(states, column, -column, states + 1, column > 0)

    rng = np.random.default_rng(0)
    memory.keep(steps([0, 1]))
    assert set(memory.draw(50, rng).actions) == {0, 1}
    memory.keep(steps([2, 3, 4, 5, 6]))
    drawn = memory.draw(200, rng)
    assert set(drawn.actions) == {2, 3, 4, 5, 6}
    for part, wanted in zip(drawn, steps(list(drawn.actions)), strict=True):
        np.testing.assert_array_equal(part, wanted)


def test_several_steps_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load("q_learning", monkeypatch)
    d = script.DISCOUNT
    # Carts: goes on; falls at the second step; is cut at the second; begins only; falls at the
    # first, so that what follows is of another episode, which is cut.
    fell = np.array([[0, 0, 0, 0, 1], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)
    cut = np.array([[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]], bool)
    begins = np.array([[0, 0, 0, 1, 0], [0, 0, 0, 0, 1], [0, 1, 1, 0, 0]], bool)
    states = np.arange(4 * 5 * 4, dtype=np.float32).reshape(4, 5, 4)
    actions = np.arange(15).reshape(3, 5)
    recent = [
        (script.Steps(states[t], actions[t], -fell[t].astype(float), states[t + 1], ~fell[t]),
         begins[t], cut[t])
        for t in range(3)
    ]  # fmt: skip
    found = script.together(recent)
    kept = [0, 1, 4]
    np.testing.assert_array_equal(found.states, states[0, kept])
    np.testing.assert_array_equal(found.actions, actions[0, kept])
    np.testing.assert_allclose(found.rewards, [0, -d, -1], rtol=1e-6)
    np.testing.assert_array_equal(found.after, states[3, kept])
    assert found.is_up.tolist() == [True, False, False]


def test_wanted_values(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load("q_learning", monkeypatch)

    def linear(weights: list[list[float]], bias: list[float]) -> foxnn.neural_network:
        nn = foxnn.neural_network([4, 2], "identity", dtype="float64", seed=1)
        nn[0].weights, nn[0].bias = weights, bias
        return nn

    nn = linear([[1, 0], [0, 1], [0, 0], [0, 0]], [0, 0])
    target = linear([[0, 0], [0, 0], [1, 0], [0, 1]], [-0.5, -0.25])
    # The network prefers the first action after the first step, the second after the others.
    after = np.array([[2.0, 1, 0.1, 0], [1, 2, 0, 0.1], [1, 2, 0, 0.1], [1, 2, 0, 9]])
    states = np.array([[7.0, 8, 0, 0]] * 4)
    steps = script.Steps(
        states, np.array([0, 1, 0, 0]), np.array([0.0, 0, -0.9, -0.3]), after,
        np.array([True, True, False, True]),
    )  # fmt: skip
    ahead = script.DISCOUNT**script.AHEAD
    wanted = [[-0.4 * ahead, 8], [7, -0.15 * ahead], [-0.9, 8], [0, 8]]
    np.testing.assert_allclose(script.wanted(nn, target, steps), wanted)


def test_the_network_takes_states_in_units(monkeypatch: pytest.MonkeyPatch) -> None:
    script = load("q_learning", monkeypatch)
    states = np.random.default_rng(0).normal(size=(5, 4))
    nn = script.network(1)
    found = nn.predict(states)
    nn.input_scaler = None
    np.testing.assert_allclose(nn.predict(states / script.UNITS), found, rtol=1e-5)
