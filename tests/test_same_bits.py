"""One mixed training, byte by byte: on any number of threads, by any kernels, now or later."""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Callable

import numpy as np
import pytest

import forced_runs
import foxnn

ForcedRun = Callable[..., dict[str, np.ndarray]]

# The first 16 hexadecimal digits of SHA-256. Who changes it changes what every user's seed gives:
# that is told in CHANGELOG.md.
RECORDED = "2d670913bbde9255"
HERE = foxnn.kernel_sets()


def told(found: dict[str, np.ndarray]) -> dict[str, bytes]:
    """Return the bytes of the results, without what was forced."""
    return {
        key: np.ascontiguousarray(values).tobytes()
        for key, values in found.items()
        if key not in ("threads", "kernel_set")
    }


def fingerprint(found: dict[str, np.ndarray]) -> str:
    """Return one hash of names and bytes."""
    digest = hashlib.sha256()
    for key, data in sorted(told(found).items()):
        digest.update(f"{key} {len(data)} ".encode() + data)
    return digest.hexdigest()[:16]


@functools.cache
def alone() -> dict[str, bytes]:
    """Return the results in this process, with what threads and kernels it chooses."""
    return told(forced_runs.mixed())


def test_every_layer_learns_and_everything_is_on() -> None:
    """Else the same bits would be said of little."""
    found = forced_runs.mixed()
    assert {name for name in foxnn.activations() if name != "exp"} == {
        *forced_runs.HIDDEN,
        "softmax",
    }
    for dtype in forced_runs.DTYPES:
        runs = [found[f"{dtype} {name} parameters"] for name in foxnn.optimizers()]
        for before, after in itertools.pairwise(runs):
            assert np.mean(before != after) > 0.9
        assert all(np.isfinite(run).all() for run in runs)
    assert told(found) == alone()


@pytest.mark.parametrize("threads", ["1", "2", "3", "4", "7", "16"])
@pytest.mark.parametrize("kernel_set", [name for name in HERE if name != "reference"])
def test_the_same_bytes(kernel_set: str, threads: str, forced_run: ForcedRun) -> None:
    found = forced_run("mixed", isa=kernel_set, threads=threads)
    assert (str(found["kernel_set"]), int(found["threads"])) == (kernel_set, int(threads))
    assert [key for key, data in told(found).items() if data != alone()[key]] == []


@pytest.mark.parametrize("kernel_set", HERE)
def test_nothing_has_changed_since_it_was_recorded(kernel_set: str, forced_run: ForcedRun) -> None:
    assert fingerprint(forced_run("mixed", isa=kernel_set, threads="2")) == RECORDED


@functools.cache
def wide() -> dict[str, bytes]:
    """Return the results of wide layers in this process."""
    return told(forced_runs.wide())


@pytest.mark.parametrize("threads", ["1", "2", "3"])
@pytest.mark.parametrize("kernel_set", [name for name in HERE if name != "reference"])
def test_wide_layers_have_the_same_bytes(
    kernel_set: str, threads: str, forced_run: ForcedRun
) -> None:
    found = forced_run("wide", isa=kernel_set, threads=threads)
    assert [key for key, data in told(found).items() if data != wide()[key]] == []
