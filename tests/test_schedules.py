"""The learning rates of the schedules, against their formulas, and what they refuse."""

from __future__ import annotations

import copy
import inspect
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import foxnn
from foxnn.schedules import (
    Schedule,
    constant,
    cosine,
    exponential,
    inverse,
    rate_of,
    step,
    warmup,
)

EXAMPLES: list[Schedule] = [
    constant(),
    step(3),
    step(3, 0.5),
    exponential(0.9),
    cosine(10),
    cosine(10, 0.1),
    inverse(0.5),
    warmup(4),
    warmup(4, cosine(10, 0.2)),
    warmup(2, warmup(3, step(1))),
]

# Each formula in another way than the package writes it.
FORMULAS: dict[Schedule, Callable[[int], float]] = {
    constant(): lambda e: 1.0,
    step(3): lambda e: math.prod([0.1] * (e // 3)),
    step(1, 0.5): lambda e: 2.0**-e,
    exponential(0.9): lambda e: math.exp(e * math.log(0.9)),
    cosine(7): lambda e: (1 + math.cos(math.pi * min(e, 7) / 7)) / 2,
    cosine(7, 0.3): lambda e: 0.65 + 0.35 * math.cos(math.pi * min(e, 7) / 7),
    cosine(1): lambda e: float(e == 0),
    inverse(0.25): lambda e: 4 / (4 + e),
    inverse(0): lambda e: 1.0,
    warmup(4): lambda e: min(e + 1, 5) / 5,
    warmup(1): lambda e: 0.5 if e == 0 else 1.0,
    warmup(4, inverse(1)): lambda e: (e + 1) / 5 if e < 4 else 1 / (e - 3),
}


def test_it_is_there_after_the_import() -> None:
    assert foxnn.schedules.cosine is cosine


@pytest.mark.parametrize("schedule", FORMULAS, ids=repr)
def test_formula(schedule: Schedule) -> None:
    for epoch in range(40):
        # Some roundings of numbers up to 1: four units in the last place of 1.
        expected = pytest.approx(FORMULAS[schedule](epoch), rel=1e-13, abs=4 * 2**-52)
        assert schedule(epoch) == expected
        assert schedule(epoch, learning_rate=1.0) == schedule(epoch)


@pytest.mark.parametrize("schedule", EXAMPLES, ids=repr)
def test_the_rate_is_bent(schedule: Schedule) -> None:
    assert [schedule(e, 0.03) for e in range(30)] == [0.03 * schedule(e) for e in range(30)]


@pytest.mark.parametrize("schedule", EXAMPLES, ids=repr)
def test_printed_and_made_again(schedule: Schedule) -> None:
    again = eval(repr(schedule), vars(foxnn.schedules))
    assert again == schedule
    for other in (
        again,
        pickle.loads(pickle.dumps(schedule)),
        copy.copy(schedule),
        copy.deepcopy(schedule),
    ):
        assert (other, repr(other), hash(other)) == (schedule, repr(schedule), hash(schedule))
        assert [other(e) for e in range(30)] == [schedule(e) for e in range(30)]


def test_printed() -> None:
    # NumPy's numbers become plain ones.
    assert repr(step(np.int64(3), np.float64(0.5))) == "step(every=3, factor=0.5)"
    assert repr(warmup(2, cosine(8))) == "warmup(epochs=2, then=cosine(epochs=8, final=0.0))"
    assert repr(inverse(1)) == "inverse(decay=1.0)"
    assert step(3) == step(3, 0.1) != step(4)


@pytest.mark.parametrize("schedule", EXAMPLES, ids=repr)
def test_it_stays_as_it_was_made(schedule: Schedule) -> None:
    names = list(inspect.signature(type(schedule)).parameters)
    for name in names:
        with pytest.raises(AttributeError):
            setattr(schedule, name, 1)
    assert isinstance(schedule, Schedule)


@given(epochs=st.integers(1, 2**63 - 1), rate=st.floats(1e-6, 10))
def test_cosine_is_above_0_to_its_last_epoch(epochs: int, rate: float) -> None:
    schedule = cosine(epochs)
    assert schedule(0, rate) == rate
    assert 0 < rate_of(schedule, epochs - 1, rate) <= rate
    assert schedule(epochs) == 0.0


@given(
    epochs=st.integers(1, 300),
    final=st.floats(0, 1),
    epoch=st.integers(0, 400),
    rate=st.floats(1e-6, 10),
)
def test_cosine_falls_and_then_stays(epochs: int, final: float, epoch: int, rate: float) -> None:
    schedule = cosine(epochs, final)
    # A unit in the last place for a step where the wave is flat.
    assert schedule(epoch + 1, rate) <= schedule(epoch, rate) * (1 + 2**-52)
    assert schedule(epochs + epoch, rate) == rate * final


@pytest.mark.parametrize("falling", [step(2), exponential(0.5), inverse(3), cosine(5, 0.1)])
def test_warmup_counts_the_next_from_its_end(falling: Schedule) -> None:
    schedule = warmup(6, then=falling)
    assert [schedule(6 + e, 0.2) for e in range(20)] == [falling(e, 0.2) for e in range(20)]
    rise = np.array([schedule(e, 0.2) for e in range(7)])
    np.testing.assert_allclose(np.diff(rise), 0.2 / 7, rtol=1e-12)
    assert rise[0] > 0
    assert rise[-1] == 0.2


def test_far_beyond_the_end() -> None:
    far = 2**63 - 1
    assert (step(1)(far), exponential(0.5)(far), cosine(3)(far)) == (0.0, 0.0, 0.0)
    assert (exponential(1)(far), constant()(far), warmup(3)(far)) == (1.0, 1.0, 1.0)
    assert 0 < inverse(1)(far) < 1e-18
    assert inverse(1e308)(far) == 0.0


# What is refused

WRONG: list[tuple[Callable[[], Schedule], type[Exception], str]] = [
    (lambda: step(0), ValueError, "every must be an integer at least 1, got 0"),
    (lambda: step(-3), ValueError, "every must be .* got -3"),
    (lambda: step(2.0), TypeError, "every must be an integer .* got 2.0"),
    (lambda: step(True), TypeError, "every must be an integer .* got True"),
    (lambda: step(2, 0), ValueError, "factor must be a finite number above 0 and at most 1, got 0"),
    (lambda: step(2, 1.5), ValueError, "factor must be .* got 1.5"),
    (lambda: step(2, math.nan), ValueError, "factor must be .* got nan"),
    (lambda: step(2, "0.5"), TypeError, "factor must be a number .* got '0.5'"),
    (lambda: exponential(0), ValueError, "decay must be .* above 0 and at most 1, got 0"),
    (lambda: exponential(1.01), ValueError, "decay must be .* got 1.01"),
    (lambda: exponential(None), TypeError, "decay must be a number .* got None"),
    (lambda: cosine(0), ValueError, "epochs must be an integer at least 1, got 0"),
    (lambda: cosine(3.5), TypeError, "epochs must be an integer .* got 3.5"),
    (lambda: cosine(3, -0.1), ValueError, "final must be .* at least 0 and at most 1, got -0.1"),
    (lambda: cosine(3, 1.1), ValueError, "final must be .* got 1.1"),
    (lambda: inverse(-1), ValueError, "decay must be a finite number at least 0, got -1"),
    (lambda: inverse(math.inf), ValueError, "decay must be .* got inf"),
    (lambda: warmup(0), ValueError, "epochs must be an integer at least 1, got 0"),
    (lambda: warmup(3, 0.1), TypeError, "then must be one of foxnn.schedules, .* got 0.1"),
    (lambda: warmup(3, cosine), TypeError, "then must be .* got <class"),
    (lambda: warmup(3, lambda e: 0.1), TypeError, "then must be .* got <function"),
]


@pytest.mark.parametrize(("make", "error", "message"), WRONG, ids=[w[2] for w in WRONG])
def test_wrong_parameters(
    make: Callable[[], Schedule], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("schedule", EXAMPLES, ids=repr)
@pytest.mark.parametrize(
    ("epoch", "rate", "error", "message"),
    [
        (-1, 0.1, ValueError, "epoch must be an integer at least 0, got -1"),
        (1.0, 0.1, TypeError, "epoch must be an integer"),
        (None, 0.1, TypeError, "epoch must be an integer"),
        (0, 0.0, ValueError, "learning_rate must be a finite number above 0, got 0"),
        (0, math.inf, ValueError, "learning_rate must be a finite number above 0, got inf"),
        (0, "0.1", TypeError, "learning_rate must be a number above 0, got '0.1'"),
    ],
)
def test_wrong_calls(
    schedule: Schedule, epoch: Any, rate: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        schedule(epoch, rate)


def test_the_base_is_no_schedule() -> None:
    with pytest.raises(NotImplementedError, match="Schedule does not say"):
        Schedule()(0)


# What fit asks


def test_rate_of() -> None:
    assert rate_of(None, 3, 0.1) == 0.1
    assert rate_of(step(2, 0.5), 3, 0.1) == 0.05
    assert rate_of(lambda epoch: 1 / (1 + epoch), 3, 0.1) == 0.25
    assert rate_of(np.array([0.5, 0.25]).item, 1, 0.1) == 0.25
    assert type(rate_of(lambda epoch: np.float32(0.5), 0, 0.1)) is float


@pytest.mark.parametrize(
    "value", [0, 0.0, -0.1, math.nan, math.inf, -math.inf, None, "0.1", True, 1j, [0.1]]
)
def test_a_function_that_gives_no_rate(value: object) -> None:
    def given_rate(epoch: int) -> object:
        return value

    message = r"schedule must return .* above 0, but <function .* returns .* in epoch 7"
    with pytest.raises(ValueError, match=message) as caught:
        rate_of(given_rate, 7, 0.1)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("schedule", [cosine(5), step(1), exponential(0.1)], ids=repr)
def test_a_schedule_that_has_come_to_0(schedule: Schedule) -> None:
    with pytest.raises(ValueError, match=r"returns 0\.0 in epoch 1000$") as caught:
        rate_of(schedule, 1000, 0.1)
    assert f"above 0, but {schedule!r} returns" in str(caught.value)


@pytest.mark.parametrize("schedule", [0.1, "cosine", [0.1, 0.01], True, cosine, step, float])
def test_what_is_no_schedule(schedule: object) -> None:
    with pytest.raises(TypeError, match=r"schedule must be a function of the epoch, .* or None"):
        rate_of(schedule, 0, 0.1)


def test_an_error_of_the_function_comes_through() -> None:
    def failing(epoch: int) -> float:
        raise KeyError(epoch)

    with pytest.raises(KeyError):
        rate_of(failing, 4, 0.1)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan])
def test_a_wrong_learning_rate_is_named(rate: float) -> None:
    for schedule in (None, constant()):
        with pytest.raises(ValueError, match="learning_rate must be a finite number above 0"):
            rate_of(schedule, 0, rate)
