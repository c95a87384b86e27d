"""Fixtures that several test files share."""

from __future__ import annotations

import functools
import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

# Before anything imports matplotlib: pictures are drawn, but not shown.
os.environ["MPLBACKEND"] = "Agg"

FORCED_RUNS = Path(__file__).with_name("forced_runs.py")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without looking for garbage in what all stays, which took a third of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a fresh interpreter under some environment."""
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="session")
def forced_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, np.ndarray]]:
    """Return a function that runs a job of forced_runs in another process, once each.

    The first that asks for one may name those that will be asked for with the same settings: one
    process runs them all.
    """
    base = tmp_path_factory.mktemp("forced")

    @functools.cache
    def run(
        job: str, isa: str = "", threads: str = "", among: tuple[str, ...] = ()
    ) -> dict[str, np.ndarray]:
        folder = base / f"{isa}-{threads}"
        folder.mkdir(exist_ok=True)
        path = folder / f"{job}.npz"
        if not path.exists():
            jobs = [name for name in among or (job,) if not (folder / f"{name}.npz").exists()]
            settings = {"FOXNN_FORCE_ISA": isa, "FOXNN_FORCE_THREADS": threads}
            done = python(str(FORCED_RUNS), str(folder), *jobs, **settings)
            assert done.returncode == 0, done.stderr
        with np.load(path) as found:
            return dict(found)

    return run


@pytest.fixture(scope="session")
def run_python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a program, given as text, in a fresh interpreter."""
    return lambda program, **environment: python("-c", program, **environment)


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test run in an empty folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def nothing_waits_for_the_disk() -> Iterator[None]:
    """Leave out what only helps when the power fails: the tests sync some 20,000 times.

    Programs in processes of their own still do it, such as the writers that are killed.
    """
    from foxnn.formats import whole_files

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        patch.setattr(whole_files, "_sync_data", lambda descriptor: None)
        yield


@pytest.fixture(autouse=True)
def figures_are_closed() -> Iterator[None]:
    """Close what a test has drawn, if it has drawn anything."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
