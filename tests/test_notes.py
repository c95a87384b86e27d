"""What users keep with a network: plain values only, and never shared between networks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import foxnn
import small_runs


def network() -> foxnn.neural_network:
    return foxnn.neural_network([2, 1], seed=1)


def test_a_new_network_has_none() -> None:
    assert network().notes == {}
    nn = network()
    nn.notes["made"] = "here"
    assert nn.notes == {"made": "here"}
    assert network().notes == {}


def test_they_are_copied_when_set() -> None:
    given: dict[str, Any] = {"columns": ["a"], "pair": (1, 2.5), "none": None, "on": True}
    nn = network()
    nn.notes = given
    given["columns"].append("b")
    assert nn.notes == {"columns": ["a"], "pair": [1, 2.5], "none": None, "on": True}


itself: dict[str, Any] = {}
itself["itself"] = itself


@pytest.mark.parametrize(
    ("notes", "error", "message"),
    [
        (None, TypeError, "notes must be a dict, got None"),
        ([], TypeError, "notes must be a dict"),
        ({1: 2}, TypeError, "notes must have strings as keys, got 1"),
        ({"a": {2: 3}}, TypeError, r"notes\['a'\] must have strings as keys, got 2"),
        ({"a": [1, {3}]}, TypeError, r"notes\['a'\]\[1\] must be None, .* got \{3\}"),
        ({"a": np.zeros(2)}, TypeError, r"notes\['a'\] must be"),
        ({"a": math.nan}, ValueError, r"notes\['a'\] must be finite, got nan"),
        (itself, ValueError, "nested without end"),
    ],
    ids=str,
)
def test_what_they_cannot_hold(notes: Any, error: type[Exception], message: str) -> None:
    nn = network()
    nn.notes = {"old": 1}
    with pytest.raises(error, match=message):
        nn.notes = notes
    assert nn.notes == {"old": 1}


def test_notes_that_no_file_takes() -> None:
    nn = small_runs.few()
    with pytest.raises(ValueError, match=r"notes\['a'\] must be an integer of at most"):
        nn.notes = {"a": 10**5000}
    nn.notes = {"a": 10**3000}
    assert nn.notes == {"a": 10**3000}
