"""python -m foxnn: what the doctor tells, and its advice for machines of all kinds."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Callable

import pytest

import foxnn
from foxnn import __main__
from foxnn.cli import doctor

RunPython = Callable[..., subprocess.CompletedProcess[str]]

HEALTHY = doctor.Facts(
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
    facts = doctor.gather()
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
        ({"trouble": "no such set", "kernel_set": None}, "refuses to work: no such set"),
    ],
)
def test_advice(change: dict[str, object], part: str) -> None:
    facts = dataclasses.replace(HEALTHY, **change)
    assert any(part in line for line in doctor.advice(facts)), doctor.advice(facts)
    assert part in doctor.report(facts)


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
