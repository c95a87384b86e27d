"""What ``python -m foxnn doctor`` prints: the machine, the choices made for it, speed, advice.

Facts are gathered first (`machine`), and the advice depends only on the facts.
"""

from __future__ import annotations

import importlib.metadata
import platform
import re
from pathlib import Path

import foxnn
from foxnn.cli.machine import (
    ISA_VARIABLE,
    OPENMP_VARIABLE,
    THREADS_VARIABLE,
    WIDE,
    WIDE_SAMPLES,
    Facts,
    core_quota,
    gather,
    processor,
    usable_cores,
)

__all__ = [
    "Facts",
    "advice",
    "core_quota",
    "gather",
    "main",
    "processor",
    "report",
    "usable_cores",
    "version_of",
]

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

# AVX2 at 2 GHz can do 64 GFLOP/s a core; without optimisation of the compiler not even the vector
# kernels reach an eighth of that.
_SLOWEST_OPTIMISED_GFLOPS = 8.0

# More threads are said to be slower than fewer if they reach less than this share of their speed;
# measurements on a quiet machine differ by a few per cent.
_CLEARLY_SLOWER = 0.9
# Other programs are mentioned if they use as much of a core: less is the system itself.
_BUSY = 0.2


def version_of(package: str) -> str | None:
    """Return the version of an installed package, without importing it."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def advice(facts: Facts) -> list[str]:
    """Return what the user could change, in a sentence or two each."""
    return [*_about_kernels(facts), *_about_threads(facts), *_about_load(facts)]


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
            "AVX-512 nor NEON, or this build leaves them out."
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


def _about_load(facts: Facts) -> list[str]:
    every, one = facts.gflops, facts.gflops_of_one
    forced = facts.environment.get(THREADS_VARIABLE)  # n_threads changes nothing then
    if every is None or one is None or facts.threads < 2 or forced:
        return []
    speeds = {1: one, **facts.gflops_of_some}
    best = max(speeds, key=lambda count: speeds[count])
    if not (every < one or every < _CLEARLY_SLOWER * speeds[best]):
        return []
    few = "one does" if best == 1 else f"{best} do"
    found = f"{facts.threads} threads do {every:.3g} GFLOP/s, {few} {speeds[best]:.3g}: "
    if facts.busy_cores is not None and facts.busy_cores >= _BUSY:
        found += (
            f"other programs use about {facts.busy_cores:.1f} of the {_cores(facts.usable_cores)}"
        )
    else:
        found += "something else uses the cores, such as another program or virtual machine"
    return [
        f"{found}, and a thread that waits for a core holds up all others. Wait until the machine "
        f"is idle, or set nn.settings.n_threads = {best} meanwhile (n_threads={best} of an "
        f"estimator, --threads {best} of the command line)."
    ]


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
                f"{facts.gflops:.0f} GFLOP/s through predict, {WIDE_SAMPLES} x {WIDE} by "
                f"{WIDE} x {WIDE}; {facts.gflops_of_one:.0f} on one thread",
            )
        )
    if facts.busy_cores is not None:
        lines.append(("load", f"other programs use about {facts.busy_cores:.1f} cores"))
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
