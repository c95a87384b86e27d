"""python -m foxnn: what the doctor tells, and its advice for machines of all kinds."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import foxnn
from foxnn import __main__
from foxnn.cli import doctor, machine

RunPython = Callable[..., subprocess.CompletedProcess[str]]

HEALTHY = machine.Facts(
    cores=4,
    usable_cores=4,
    quota=None,
    kernel_sets=("reference", "avx2"),
    kernel_set="avx2",
    trouble=None,
    threads=4,
    environment={},
    step_microseconds=0.2,
    gflops=300.0,
    gflops_of_one=90.0,
)


def test_the_report_has_all_parts() -> None:
    facts = machine.gather()
    assert facts.kernel_set == foxnn.kernel_set()
    assert facts.step_microseconds > 0
    assert facts.gflops > 0
    text = doctor.report(facts)
    for part in ("processor", "kernel set", "cores", "threads", "tiny step", "product", "numpy"):
        assert part in text
    assert foxnn.__version__ in text


def test_a_healthy_machine_gets_no_advice() -> None:
    assert doctor.advice(HEALTHY) == []
    assert "Nothing to advise" in doctor.report(HEALTHY)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"environment": {"OMP_NUM_THREADS": "8"}}, "OMP_NUM_THREADS=8 is more than the 4 cores"),
        ({"environment": {"OMP_NUM_THREADS": "1"}, "threads": 1}, "OMP_NUM_THREADS=1 leaves 3"),
        ({"environment": {"FOXNN_FORCE_THREADS": "3"}}, "FOXNN_FORCE_THREADS=3"),
        ({"environment": {"FOXNN_FORCE_ISA": "avx2"}}, "FOXNN_FORCE_ISA=avx2 names"),
        (
            {"environment": {"FOXNN_FORCE_ISA": "reference"}, "kernel_set": "reference"},
            "keeps the faster avx2 kernels",
        ),
        ({"kernel_sets": ("reference",), "kernel_set": "reference"}, "Only the reference kernels"),
        ({"gflops_of_one": 3.0}, "without optimisation"),
        ({"threads": 1}, "built without OpenMP"),
        ({"cores": 8}, "allows 4 of 8 cores"),
        ({"quota": 1.5}, "n_threads = 1"),
        ({"gflops": 60.0}, "4 threads do 60 GFLOP/s, one does 90: something else uses the cores"),
        ({"gflops": 60.0}, "set nn.settings.n_threads = 1 meanwhile"),
        (
            {"gflops": 60.0, "busy_cores": 3.52, "gflops_of_some": {2: 50.0}},
            "one does 90: other programs use about 3.5 of the 4 cores, and a thread that waits",
        ),
        ({"gflops": 100.0, "gflops_of_some": {2: 150.0}}, "4 threads do 100 GFLOP/s, 2 do 150"),
        ({"gflops": 60.0, "gflops_of_some": {2: 150.0}}, "n_threads = 2 meanwhile"),
        ({"trouble": "no such set", "kernel_set": None}, "refuses to work: no such set"),
    ],
)
def test_advice(change: dict[str, object], part: str) -> None:
    facts = dataclasses.replace(HEALTHY, **change)
    assert any(part in line for line in doctor.advice(facts)), doctor.advice(facts)
    assert part in doctor.report(facts)


@pytest.mark.parametrize(
    "change",
    [
        {"gflops": 90.5},
        {"gflops": 300.0, "gflops_of_some": {2: 310.0}},
        {"gflops": 300.0, "busy_cores": 3.9},
        {"gflops": 60.0, "threads": 1, "usable_cores": 1, "cores": 1},
        {"gflops": None},
    ],
)
def test_threads_that_are_worthwhile_get_no_advice(change: dict[str, object]) -> None:
    assert doctor.advice(dataclasses.replace(HEALTHY, **change)) == []


def test_forced_threads_are_not_compared() -> None:
    environment = {"FOXNN_FORCE_THREADS": "4"}
    found = doctor.advice(dataclasses.replace(HEALTHY, gflops=60.0, environment=environment))
    assert len(found) == 1
    assert "FOXNN_FORCE_THREADS" in found[0]


def test_the_cores_that_others_use(tmp_path: Path) -> None:
    before, after = machine._Busy(10.0, 100.0, 5.0), machine._Busy(12.0, 103.5, 6.0)
    assert machine._used_by_others(before, after) == pytest.approx(1.25)
    assert machine._used_by_others(before, machine._Busy(11.0, 100.5, 6.0)) == 0.0
    usable = next(iter(os.sched_getaffinity(0))) if sys.platform == "linux" else 0
    stat = tmp_path / "stat"
    stat.write_text(
        f"cpu  1 1 1 1 1 1 1 1 1 1\ncpu{usable} 100 20 30 4000 500 6 7 8 90 90\n"
        "cpu99999 1 1 1 1 1 1 1 1 1 1\nintr 5\n",
        encoding="ascii",
    )
    found = machine._busy_seconds(stat)
    if sys.platform == "linux":
        assert found is not None
        assert found.cores == pytest.approx(171 / os.sysconf("SC_CLK_TCK"))
        found = machine._busy_seconds()
        assert found is not None
        assert found.cores > 0
    else:
        assert found is None
    assert machine._busy_seconds(tmp_path / "none") is None


@pytest.mark.parametrize(
    ("threads", "between"), [(1, []), (2, []), (3, [2]), (4, [2]), (12, [2, 4, 8])]
)
def test_numbers_of_threads_that_are_measured(threads: int, between: list[int]) -> None:
    assert machine._between(threads) == between


def test_a_variable_that_cannot_be_obeyed(run_python: RunPython) -> None:
    program = "import sys; from foxnn import doctor; sys.exit(doctor.main())"
    done = run_python(program, FOXNN_FORCE_ISA="avx3")
    assert done.returncode == 1
    assert "'avx3'" in done.stdout


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main([]) == 0
    assert "doctor" in capsys.readouterr().out


def test_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        __main__.main(["surgeon"])
    assert caught.value.code == 2
    assert "surgeon" in capsys.readouterr().err


def test_the_doctor_is_imported_late(run_python: RunPython) -> None:
    done = run_python("import foxnn, sys; print('foxnn.cli.doctor' in sys.modules)")
    assert done.stdout.strip() == "False"
