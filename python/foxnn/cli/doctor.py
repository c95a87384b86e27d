"""What ``python -m foxnn doctor`` prints: the machine, the choices made for it, speed, advice.

Facts are gathered first, and the advice depends only on the facts.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import foxnn
from foxnn import _core

ISA_VARIABLE = "FOXNN_FORCE_ISA"
THREADS_VARIABLE = "FOXNN_FORCE_THREADS"
OPENMP_VARIABLE = "OMP_NUM_THREADS"

# What foxnn needs, and what it can use.
DEPENDENCIES = (
    "numpy",
    "tqdm",
    "safetensors",
    "scikit-learn",
    "matplotlib",
    "onnx",
    "threadpoolctl",
)

# Long enough for a median, short enough for all of them to end within a second.
_SECONDS_A_MEASUREMENT = 0.2
_TINY_STEPS = 5000
# One million weights: like those of real networks, they do not fit into a second-level cache.
_WIDE = 1024
_WIDE_SAMPLES = 256

# AVX2 at 2 GHz can do 64 GFLOP/s a core; without optimisation of the compiler not even the vector
# kernels reach an eighth of that.
_SLOWEST_OPTIMISED_GFLOPS = 8.0


@dataclass(frozen=True)
class Facts:
    """What was found. Speeds are None if the engine refused to work."""

    cores: int
    usable_cores: int
    quota: float | None
    kernel_sets: tuple[str, ...]
    kernel_set: str | None
    trouble: str | None
    threads: int
    environment: dict[str, str]
    step_microseconds: float | None = None
    gflops: float | None = None
    gflops_of_one: float | None = None


def processor() -> str:
    """Return the name of the processor."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(encoding="utf-8"), re.M)
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return how many cores this process may use, considering its affinity."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def core_quota(root: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Return how many cores' time the container may use, or None if there is no limit."""
    path = root / "cpu.max"
    if not path.exists():
        return None
    quota, period = path.read_text(encoding="utf-8").split()
    return None if quota == "max" else int(quota) / int(period)


def version_of(package: str) -> str | None:
    """Return the version of an installed package, without importing it."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def gather() -> Facts:
    """Look at the machine and measure."""
    names = (ISA_VARIABLE, THREADS_VARIABLE, OPENMP_VARIABLE)
    kernel_set = trouble = step = all_gflops = one_gflops = None
    try:
        kernel_set = foxnn.kernel_set()
        step = _tiny_step()
        all_gflops, one_gflops = _product(0), _product(1)
    except ValueError as error:  # a variable that forces what is not available
        trouble = str(error)
    return Facts(
        cores=os.cpu_count() or 1,
        usable_cores=usable_cores(),
        quota=core_quota(),
        kernel_sets=tuple(foxnn.kernel_sets()),
        kernel_set=kernel_set,
        trouble=trouble,
        threads=_core.thread_limit(),
        environment={name: os.environ[name] for name in names if os.environ.get(name)},
        step_microseconds=step,
        gflops=all_gflops,
        gflops_of_one=one_gflops,
    )


def _median_seconds(work: Callable[[], object]) -> float:
    work()
    found: list[float] = []
    end = time.perf_counter() + _SECONDS_A_MEASUREMENT
    while not found or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def _tiny_step() -> float:
    """Return the microseconds of a training step of [3, 5, 4, 2] with one sample."""
    nn = foxnn.neural_network([3, 5, 4, 2], seed=0)
    x, y = np.zeros((_TINY_STEPS, 3), np.float32), np.zeros((_TINY_STEPS, 2), np.float32)
    seconds = _median_seconds(lambda: nn.fit(x, y, 1, 1, "sgd", progress=False))
    return 1e6 * seconds / _TINY_STEPS


def _product(threads: int) -> float:
    """Return the GFLOP/s of a layer of a thousand neurons."""
    nn = foxnn.neural_network([_WIDE, _WIDE], "identity", seed=0)
    nn.settings.n_threads = threads
    x = np.ones((_WIDE_SAMPLES, _WIDE), np.float32)
    seconds = _median_seconds(lambda: nn.predict(x))
    return 2e-9 * _WIDE_SAMPLES * _WIDE**2 / seconds


def advice(facts: Facts) -> list[str]:
    """Return what the user could change, in a sentence or two each."""
    return [*_about_kernels(facts), *_about_threads(facts)]


def _about_kernels(facts: Facts) -> list[str]:
    found = []
    forced = facts.environment.get(ISA_VARIABLE)
    if facts.trouble:
        found.append(f"The engine refuses to work: {facts.trouble}. Unset the variable.")
    elif forced and facts.kernel_set != facts.kernel_sets[-1]:
        found.append(
            f"{ISA_VARIABLE}={forced} keeps the faster {facts.kernel_sets[-1]} kernels from "
            "running. Unset it, unless you are testing."
        )
    elif forced:
        found.append(
            f"{ISA_VARIABLE}={forced} names what would be chosen anyway; on another machine it may "
            "be slower or refused. Unset it."
        )
    if facts.kernel_sets == ("reference",):
        found.append(
            "Only the reference kernels run here: this processor has neither AVX2 with FMA nor "
            "AVX-512, or this build leaves them out."
        )
    elif (
        facts.gflops_of_one is not None
        and facts.kernel_set != "reference"
        and facts.gflops_of_one < _SLOWEST_OPTIMISED_GFLOPS
    ):
        found.append(
            f"One thread does {facts.gflops_of_one:.1f} GFLOP/s, which is what a build without "
            "optimisation gives. Install again with CMAKE_BUILD_TYPE=Release; or the machine is "
            "busy with something else."
        )
    return found


def _about_threads(facts: Facts) -> list[str]:
    found = []
    usable = facts.usable_cores
    if forced := facts.environment.get(THREADS_VARIABLE):
        found.append(
            f"{THREADS_VARIABLE}={forced} forces this number of threads in every call, even the "
            "smallest. It is meant for tests: unset it."
        )
    wanted = _number(facts.environment.get(OPENMP_VARIABLE, ""))
    if wanted is not None and wanted > usable:
        found.append(
            f"{OPENMP_VARIABLE}={wanted} is more than the {_cores(usable)} that this process may "
            "use. foxnn uses no more than there are, but other libraries do, and their threads "
            "then wait for each other. Unset it."
        )
    elif wanted == 1 and usable > 1:
        found.append(
            f"{OPENMP_VARIABLE}=1 leaves {usable - 1} of {_cores(usable)} idle. Unset it, unless "
            "many processes share the machine."
        )
    elif wanted is None and facts.threads == 1 and usable > 1:
        found.append(
            f"foxnn may use one thread of {_cores(usable)}: it was built without OpenMP, or "
            "something in this process limits it."
        )
    if usable < facts.cores:
        found.append(
            f"The affinity of this process allows {usable} of {_cores(facts.cores)} (taskset, a "
            "batch system or a container)."
        )
    if facts.quota is not None and facts.quota < min(usable, facts.threads):
        found.append(
            f"The container may use the time of {facts.quota:g} cores, and is paused when more "
            f"threads use it up. Set nn.settings.n_threads = {max(1, int(facts.quota))}."
        )
    return found


def _number(text: str) -> int | None:
    """Return the first number of a list such as ``4,2``, or None."""
    found = re.match(r"\s*(\d+)", text)
    return int(found[1]) if found else None


def _cores(count: int) -> str:
    return f"{count} core{'s' * (count != 1)}"


def report(facts: Facts) -> str:
    """Return the facts and the advice as text."""
    forced = facts.environment.get(ISA_VARIABLE)
    reason = f"forced by {ISA_VARIABLE}" if forced else "the best that this processor supports"
    chosen = "none" if facts.kernel_set is None else f"{facts.kernel_set}, {reason}"
    lines = [
        ("foxnn", f"{foxnn.__version__}, in {Path(foxnn.__file__).parent}"),
        ("python", f"{platform.python_version()}, {platform.platform()}"),
        ("processor", processor()),
        ("kernel set", f"{chosen} (supported: {', '.join(facts.kernel_sets)})"),
        ("cores", f"{facts.cores}, of which this process may use {facts.usable_cores}"),
        ("threads", f"at most {facts.threads}; {_variables(facts)}"),
    ]
    if facts.step_microseconds is not None:
        lines.append(
            ("tiny step", f"{facts.step_microseconds:.2f} us a training step of [3, 5, 4, 2]")
        )
    if facts.gflops is not None and facts.gflops_of_one is not None:
        lines.append(
            (
                "product",
                f"{facts.gflops:.0f} GFLOP/s through predict, {_WIDE_SAMPLES} x {_WIDE} by "
                f"{_WIDE} x {_WIDE}; {facts.gflops_of_one:.0f} on one thread",
            )
        )
    lines += [(name, version_of(name) or "not installed") for name in DEPENDENCIES]
    width = max(len(name) for name, _ in lines) + 2
    text = [f"{name:<{width}}{value}" for name, value in lines]
    found = advice(facts)
    text += ["", "advice:"] if found else ["", "Nothing to advise."]
    return "\n".join([*text, *(f"- {line}" for line in found)])


def _variables(facts: Facts) -> str:
    if not facts.environment:
        return f"{OPENMP_VARIABLE} and foxnn's own variables are not set"
    return ", ".join(f"{name}={value}" for name, value in facts.environment.items())


def main() -> int:
    """Print the report; the exit code is 1 if the engine refuses to work."""
    facts = gather()
    print(report(facts))
    return 1 if facts.trouble else 0
