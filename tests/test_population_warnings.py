"""The warning about members whose loss still fell at the end: who would be warned of alone."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import foxnn

RNG = np.random.default_rng(0)
LABELS = np.arange(150) % 3
X = RNG.normal(size=(150, 4)) * 0.6 + np.array([[5, 3, 1, 0], [6, 3, 4, 1], [6, 3, 5, 2]])[LABELS]
# The first does not move, the last is done early.
RATES = [1e-30, 2e-4, 4e-4, 8e-4, 1e-3, 0.05]


def messages(fit: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit()
    assert all(warning.category is foxnn.ConvergenceWarning for warning in caught)
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


def classifier() -> foxnn.neural_network:
    return foxnn.neural_network([4, 20, 3], "relu", "softmax", seed=1)


def members() -> foxnn.population:
    return foxnn.population([classifier() for _ in RATES])


def fit(pop: foxnn.population, epochs: int = 30, **given: Any) -> list[str]:
    return messages(lambda: pop.fit(X, LABELS, epochs, learning_rate=RATES, **given))


def of_members_alone(
    epochs: int = 30, rows: list[Any] | None = None, **given: Any
) -> dict[int, str]:
    found = {}
    for i, (nn, rate) in enumerate(zip(members(), RATES, strict=True)):
        which = slice(None) if rows is None else rows[i]
        own = {
            name: value[i] if name == "sample_weight" else value for name, value in given.items()
        }
        if rows is not None and "sample_weight" in own:
            own["sample_weight"] = own["sample_weight"][which]

        def alone(nn: Any = nn, rate: float = rate, which: Any = which, own: Any = own) -> Any:
            return nn.fit(X[which], LABELS[which], epochs, learning_rate=rate, **own)

        if said := messages(alone):
            (found[i],) = said
    return found


ROWS = [RNG.integers(0, 150, 120) for _ in RATES]
WEIGHTS = RNG.uniform(0, 2, (len(RATES), 150))


@pytest.mark.parametrize(
    "given",
    [
        {}, {"scale": "standard"}, {"rows": ROWS}, {"sample_weight": WEIGHTS},
        {"rows": ROWS, "sample_weight": WEIGHTS}, {"validation": 0.2},
        {"rows": ROWS, "validation": 0.2},
    ],
    ids=["plain", "scaled", "rows", "weights", "rows and weights", "held out", "rows, held out"],
)  # fmt: skip
def test_the_members_are_those_that_are_warned_of_alone(given: dict[str, Any]) -> None:
    expected = of_members_alone(**given)
    assert 3 < len(expected) < len(RATES)
    (message,) = fit(members(), **given)
    assert f"after 30 epochs while the loss of {len(expected)} of 6 members" in message
    (listed,) = re.findall(r"\(members? ([\d, ]+)\)", message)
    assert [int(i) for i in listed.split(", ")] == list(expected)
    first, said = next(iter(expected.items()))
    # What is said of the first is what it is told alone.
    (own,) = re.findall(r"it is (.*); train", said)
    assert f"that of member {first} is {own}; train for more epochs" in message


def test_scaled_targets_count_as_they_are_learnt() -> None:
    y = 150 + 80 * X[:, :1]
    made = {"activation": "tanh", "output_activation": "identity", "seed": 1}
    for rate, is_told in ((1e-3, True), (0.05, False)):
        nn = foxnn.neural_network([4, 20, 1], **made)
        pop = foxnn.population(1, [4, 20, 1], **made)
        for one in (nn, pop):
            fit = functools.partial(one.fit, X, y, 12, learning_rate=rate, scale="standard")
            assert bool(messages(lambda fit=fit: fit())) == is_told


def test_many_members_are_counted() -> None:
    pop = foxnn.population([classifier() for _ in range(9)])
    (message,) = messages(lambda: pop.fit(X, LABELS, 10))
    assert "of 9 of 9 members was still falling (members 0, 1, 2, 3, 4 and 4 others)" in message


def test_no_warning_of_half_of_them() -> None:
    """Some of the settings that are compared are meant to be too slow."""
    rates = [3e-4, 1e-3, 0.05, 0.05]
    pop = foxnn.population([classifier() for _ in rates])
    assert messages(lambda: pop[:3].fit(X, LABELS, 30, learning_rate=rates[:3])) != []
    assert messages(lambda: pop.fit(X, LABELS, 30, learning_rate=rates)) == []


def test_who_ended_the_run_knows() -> None:
    assert fit(members(), 9) == []  # fewer epochs than usual
    assert fit(members(), time_limit=1e-9) == []
    assert fit(members(), callbacks=lambda epoch, logs: epoch == 12) == []


def test_members_that_early_stopping_has_ended_are_not_counted() -> None:
    (message,) = fit(members())
    assert "(members 1, 2, 3, 4)" in message
    stops: list[Any] = [None] * len(RATES)
    stops[5] = foxnn.EarlyStopping("loss", patience=1, min_delta=10.0)
    (message,) = fit(members(), early_stopping=stops)
    assert "the loss of 4 of 6 members was still falling (members 1, 2, 3, 4)" in message
    stops[2] = stops[5]
    assert fit(members(), early_stopping=stops) == []
