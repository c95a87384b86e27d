"""Random programs run with foxnn.sklearn and with scikit-learn, which must find the same.

FOXNN_BESIDE_SECONDS makes it search for so long, each time elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings

pytest.importorskip("sklearn")
pytest.importorskip("pandas")

from sklearn import neural_network as theirs
from sklearn.neural_network._base import LOSS_FUNCTIONS

import foxnn.sklearn as ours
from sklearn_programs import Outcome, Program, programs, run
from test_sklearn import new_scikit_learn

SECONDS = float(os.environ.get("FOXNN_BESIDE_SECONDS", "0"))
# How many copies of a program, with inputs off by a rounding, tell what rounding does to it.
COPIES = 8
# foxnn may be off so many times further than the copies: they differ from scikit-learn by one
# rounding of each input, the library by one of each sum, in each step.
FURTHER = 100.0
# Adam divides gradients by their size, and so magnifies what rounding leaves of them at a minimum.
FURTHER_WITH_ADAM = 1000.0
# In errors of a fit, and of a score, for numbers that are not finite.
NOT_FINITE = ("non-finite", "contains NaN", "contains infinity")
# Beyond such weights a training has exploded, and foxnn ends it earlier.
LARGEST = 30.0
# In a warm start with early stopping scikit-learn writes over the best weights of the earlier fit.
OVERWRITTEN = ("coefs_", "intercepts_", "predict", "score")


def is_number(value: Any) -> bool:
    """Return whether a value is one that rounding changes."""
    if value is None or isinstance(value, str | bool):
        return False
    return np.asarray(value).dtype.kind == "f"


def dtype_of(value: Any) -> Any:
    """Return the type of the numbers of an array; None: it is not one."""
    return value.dtype if isinstance(value, np.ndarray) else None


def same(one: Any, other: Any, allowed: Any) -> bool:
    """Return whether two values are equal, or numbers no further from each other than allowed."""
    if is_number(one) and is_number(other):
        a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
        if a.shape != b.shape or dtype_of(one) != dtype_of(other):
            return False
        with np.errstate(invalid="ignore"):  # of two infinite numbers
            close = np.abs(a - b) <= allowed
        return bool((close | (a == b) | (np.isnan(a) & np.isnan(b))).all())
    a, b = np.asarray(one), np.asarray(other)
    return a.dtype == b.dtype and a.shape == b.shape and bool((a == b).all())


def slack(program: Program, value: Any) -> float:
    """Return the difference that is allowed without a second look."""
    largest = float(np.nanmax(np.abs(value), initial=1.0)) if is_number(value) else 1.0
    digits = {
        # Its epsilon is off by up to 1 %, which shows in the sixth digit.
        "adam": 1e-6,
        # Near a minimum a loss that differs by a rounding is as far off as the root of it.
        "lbfgs": 10.0 * program.epsilon**0.5,
    }.get(program.settings["solver"], 0.0)
    return max(1e5 * program.epsilon, digits) * largest


Place = tuple[int, str]  # the number of a call, and the name of what it found


def differences(
    program: Program, a: list[Outcome], b: list[Outcome], of_losses: float
) -> list[Place]:
    """Return what differs, losses by more than the rounding of a logarithm."""
    found = []
    overwrites = program.settings["warm_start"] and program.settings["early_stopping"]
    for i, (one, other) in enumerate(zip(a, b, strict=False)):
        for name in sorted(one.keys() | other.keys()):
            if overwrites and i and name.startswith(OVERWRITTEN):
                continue
            there = name in one and name in other
            allowed = slack(program, one.get(name)) + ("loss_" in name) * of_losses
            if not there or not same(one[name], other[name], allowed):
                found.append((i, name))
    if len(a) != len(b):
        found.append((min(len(a), len(b)), "calls"))
    return found


def diverges(outcomes: list[Outcome]) -> bool:
    """Return whether a training ended with numbers that are not finite, or was on the way to it."""
    for outcome in outcomes:
        curve = np.array(outcome.get("loss_curve_", [0.0]))
        coefficients = [np.abs(v).max() for name, v in outcome.items() if name.startswith("coefs_")]
        if (
            any(word in outcome.get("error", "") for word in NOT_FINITE)
            or not np.isfinite(curve).all()
            or curve.max() > 10.0 * curve[0]
            or max(coefficients, default=0.0) > LARGEST
        ):
            return True
    return False


def is_whole(outcomes: list[Outcome], place: Place) -> bool:
    """Return whether a value is none that rounding changes."""
    i, name = place
    return i < len(outcomes) and not is_number(outcomes[i].get(name))


def explained(
    place: Place, a: list[Outcome], b: list[Outcome], copies: list[Any], further: float
) -> bool:
    """Return whether rounding alone makes as much of a difference there."""
    i, name = place
    if i >= min(len(a), len(b)) or name not in a[i] or name not in b[i]:
        return False
    if name in ("loss_", "best_loss_") and "loss_curve_" in a[i]:
        name = "loss_curve_"  # of which they are: a single one may be close by chance
    one, other = a[i][name], b[i][name]
    values = [copy[i][name] for copy in copies if len(copy) > i and name in copy[i]]
    if len(values) < len(copies):
        return True  # Some end with an error there, some do not.
    if is_number(one) and is_number(other) and np.shape(one) == np.shape(other):
        if any(np.shape(value) != np.shape(one) for value in values):
            return True
        spread = max(np.abs(np.subtract(value, one)).max() for value in values)
        return same(one, other, further * spread)
    return any(not same(value, one, 0.0) for value in values)


def ends_in_rounding(place: Place, a: list[Outcome], b: list[Outcome]) -> bool:
    """Return whether a search ended where the loss no longer changes but by its rounding.

    With tol=0, L-BFGS may find no step from there that lowers the loss ("ABNORMAL"), or one: after
    how many iterations it ends is chance then, in both libraries.
    """
    i, name = place
    if name not in ("n_iter_", "warnings") or i >= min(len(a), len(b)):
        return False
    losses = [outcomes[i].get("loss_", np.nan) for outcomes in (a, b)]
    told = f"{a[i].get('warnings')} {b[i].get('warnings')}"
    # Of some dozens of samples, whose losses are added up in different orders.
    return "ABNORMAL" in told and bool(np.isclose(*losses, rtol=1e-14, atol=0.0))


@contextlib.contextmanager
def watched_probabilities() -> Iterator[list[float]]:
    """Note for each loss that scikit-learn computes the least probability of what is wanted."""
    least = [1.0]

    def watched(name: str, loss: Any) -> Any:
        def run_loss(y: Any, p: Any, weights: Any = None) -> Any:
            of_target = np.where(y, p, 1.0 - p) if name == "binary_log_loss" else p[y]
            least.append(float(of_target.min()))
            return loss(y, p, weights)

        return run_loss

    with pytest.MonkeyPatch.context() as patch:
        for name in ("log_loss", "binary_log_loss"):
            patch.setitem(LOSS_FUNCTIONS, name, watched(name, LOSS_FUNCTIONS[name]))
        yield least


def check(program: Program) -> None:
    """Run a program with both libraries and compare what they find."""
    with watched_probabilities() as least:
        a, b = run(program, theirs), run(program, ours)
    if min(least) < program.epsilon or diverges(a):
        return  # scikit-learn clips such a probability
    found = differences(program, a, b, program.epsilon / min(least))
    if not found:
        return
    further = FURTHER_WITH_ADAM if program.settings["solver"] == "adam" else FURTHER
    copies = [run(program.perturbed(i), theirs) for i in range(1, COPIES + 1)]
    left = [
        place
        for place in found
        if not (ends_in_rounding(place, a, b) or explained(place, a, b, copies, further))
    ]
    if any(is_whole(a, place) for place in left):
        # What is whole, such as a number of epochs, turns where a number is close to a limit.
        far = [run(program.perturbed(i, further), theirs) for i in range(1, COPIES + 1)]
        left = [p for p in left if not (is_whole(a, p) and explained(p, a, b, far, 1.0))]
    lines = [
        f"call {i}, {name}:\n  {library} {outcomes[i].get(name) if i < len(outcomes) else None}"
        for i, name in left
        for library, outcomes in (("scikit-learn", a), ("foxnn       ", b))
    ]
    assert not left, "\n".join([str(program), *lines])


def corner(classifies: bool, targets: str, weighting: str | None, **changes: Any) -> Program:
    """Return a program on which an earlier release differed."""
    given = {"solver": "adam", "epsilon": 1e-8, "early_stopping": False, "warm_start": False}
    given |= {"random_state": 0, "max_iter": 15} | changes
    calls = (("fit", {}, 0),)
    end = (weighting, "array", "float64", False, 7)
    return Program(classifies, given, calls, 60, 2, targets, *end)


# Between its last two iterations the loss changes by little less than the relative change at which
# L-BFGS ends, so that terms of the loss that are constant decide.
ENDS_BY_CHANGE = replace(
    corner(False, "one", "uniform", loss="poisson", hidden_layer_sizes=(), solver="lbfgs",
           activation="identity", alpha=0.0, tol=0.0, max_iter=1, random_state=262144),
    calls=(("fit", {}, 0), ("fit", {}, 0), ("fit", {"activation": "logistic", "max_iter": 9}, 0)),
    count=12, keeps_state=True, seed=4301012,
)  # fmt: skip


ENDS_IN_ROUNDING = replace(
    corner(False, "one", "whole", loss="squared_error", hidden_layer_sizes=(), solver="lbfgs",
           activation="identity", tol=0.0, max_iter=7, random_state=12280995),
    features=1, seed=0,
)  # fmt: skip


@new_scikit_learn
def test_random_programs_find_the_same() -> None:
    @settings(
        deadline=None,
        max_examples=100,
        derandomize=not SECONDS,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        database=None,
    )
    @example(corner(False, "whole", "uniform", loss="poisson", batch_size=60))
    @example(corner(True, "one", None, early_stopping=True, random_state=1))
    @example(corner(True, "three", None, activation="logistic", hidden_layer_sizes=()))
    @example(ENDS_BY_CHANGE)
    @example(ENDS_IN_ROUNDING)
    @given(programs())
    def search(program: Program) -> None:
        check(program)

    end = time.monotonic() + SECONDS
    while True:
        search()
        if time.monotonic() >= end:
            break
