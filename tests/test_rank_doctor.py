"""python -m foxnn doctor --mpi: what it measures, and what it says of more ranks."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

import thread_ranks
from foxnn import __main__
from foxnn.cli import exchange, ranks
from foxnn.cli.exchange import Machine
from foxnn.training import mpi

MPIEXEC = Path(sysconfig.get_path("scripts")) / "mpiexec"
# Two machines, 10 Gbit/s, and a network of 2.7 MB.
SLOW = Machine(2, 2, 1, 2e-4, 1.2e9, 2_680_000, 16, 1e-3, 4e-5)


def test_a_step_is_computed_and_exchanged() -> None:
    assert ranks.step_of(SLOW, 1, 1000) == pytest.approx(1e-3 + 1000 * 4e-5)
    sent = 2.68e6 / 1.2e9
    assert ranks.step_of(SLOW, 2, 1000) == pytest.approx(1e-3 + 500 * 4e-5 + 2e-4 + sent)
    # Of many ranks, each sends nearly two gradients, and waits for all others.
    assert ranks.exchange_of(SLOW, 101) == pytest.approx(100 * 2e-4 + 2 * sent * 100 / 101)


@pytest.mark.parametrize("count", [2, 3, 64])
@pytest.mark.parametrize("faster", [1.0, 1.5])
def test_ranks_pay_from_the_batch_where_their_step_is_as_fast(count: int, faster: float) -> None:
    batch = ranks.pays_from(SLOW, count, faster)
    one, many = (ranks.step_of(SLOW, n, batch) for n in (1, count))  # type: ignore[arg-type]
    assert one == pytest.approx(faster * many)
    assert ranks.pays_from(SLOW, count, float(count)) == float("inf")


def test_the_report_and_its_advice() -> None:
    text = ranks.report(SLOW, [784, 512, 512, 10], [(128, 5e-3), (1024, 0.025)])
    for part in (
        "2 on 2 machines, 1 thread each", "a gradient of 2.68 MB", "200 us", "1.20 GB/s",
        "25.00 ms", "2 ranks are faster than one from a batch of 122 on.", "up to 8 ranks pay",
    ):  # fmt: skip
        assert part in text, text
    lines = text.splitlines()
    assert [line.split()[0] for line in lines if line[:8].strip().isdigit()] == [
        "128", "1024", "1", "2", "4", "8", "16", "32", "64", "128", "256",
    ]  # fmt: skip
    hopeless = SLOW._replace(bandwidth=1e5)
    assert "one rank is fastest: take larger batches, or average_every" in ranks.report(
        hopeless, [784, 10], []
    )
    alone = SLOW._replace(hosts=1, threads=2)
    assert "2 on one machine, 2 threads each" in ranks.report(alone, [784, 10], [])


def test_it_measures_on_all_ranks_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (mpi, exchange):
        monkeypatch.setattr(module, "ranks_of", thread_ranks.joined)
    monkeypatch.setattr(exchange, "_SECONDS_A_BATCH", 0.01)

    def one(communicator: Any) -> Machine:
        return exchange.measured(communicator, f"host {communicator.Get_rank()}", [6, 5, 2], 16)

    first, *others = thread_ranks.run(3, one)
    assert others == [first] * 2
    assert (first.ranks, first.hosts, first.shards) == (3, 3, 16)
    assert first.gradient == 4 * (6 * 5 + 5 + 5 * 2 + 2)
    assert first.latency > 0
    assert first.bandwidth > 0
    assert first.a_sample > 0


def test_a_line_fits_steps_of_any_size() -> None:
    batches = (32, 128, 1024)
    found = exchange.line_of(batches, [1e-3 + 2e-6 * batch for batch in batches])
    assert found == pytest.approx((1e-3, 2e-6))
    # Never below zero: a step is not faster for being empty.
    assert exchange.line_of((1, 2), [1.0, 3.0])[0] == 0.0


@pytest.mark.parametrize("sizes", ["784", "3,x", "3,0", "", "3,-1,2"])
def test_wrong_layers(sizes: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        __main__.main(["doctor", "--mpi", f"--layers={sizes}"])
    assert error.value.code == 2
    assert "must be the sizes of at least two layers" in capsys.readouterr().err


def test_layers_beyond_the_memory_are_refused() -> None:
    assert exchange.refusal([784, 512, 512, 10]) is None
    assert exchange.refusal([131_072, 1000, 2]) is None
    wide = exchange.refusal([1_000_000, 10])
    assert wide == "--layers must be at most 131,072 each, got 1,000,000"
    deep = exchange.refusal([100_000, 100_000, 1])
    assert deep is not None
    assert "at most 134,217,728 parameters, got 10,000,200,001, of which" in deep
    assert "some 400 GB" in deep


def test_wide_layers_are_measured_with_smaller_batches() -> None:
    assert exchange.fitting((128, 512, 1024, 4096), [784, 10]) == [128, 512, 1024, 4096]
    assert exchange.fitting((128, 512, 1024, 4096), [10, 16_384, 10]) == [128, 512, 1024]
    assert exchange.fitting((32, 128, 512), [131_072, 2]) == [32, 128]


def test_layers_go_with_mpi(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        __main__.main(["doctor", "--layers", "3,2"])
    assert "--layers goes with doctor --mpi" in capsys.readouterr().err


def test_without_mpi4py_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    assert __main__.main(["doctor", "--mpi"]) == 1
    assert 'pip install "foxnn[mpi]"' in capsys.readouterr().err


def started(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def test_one_rank_is_told_how_to_start_more() -> None:
    pytest.importorskip("mpi4py.MPI")
    done = started(sys.executable, "-m", "foxnn", "doctor", "--mpi", "--layers", "8,4,2")
    assert done.returncode == 1
    assert "mpiexec -n 2 python -m foxnn doctor --mpi --layers 8,4,2" in done.stderr


# Layers that are too large, and then others, in short.
BOTH = """
from foxnn import __main__
from foxnn.cli import exchange

exchange._SECONDS_A_BATCH = 0.01
assert __main__.main(["doctor", "--mpi", "--layers", "1000000,10"]) == 1
assert __main__.main(["doctor", "--mpi", "--layers", "8,4,2"]) == 0
"""


@pytest.mark.skipif(not MPIEXEC.exists(), reason="mpich is not installed")
def test_ranks_are_measured() -> None:
    pytest.importorskip("mpi4py")
    done = started(str(MPIEXEC), "-n", "2", sys.executable, "-c", BOTH)
    assert done.returncode == 0, done.stderr
    # The first rank alone speaks.
    assert done.stderr == "foxnn: error: --layers must be at most 131,072 each, got 1,000,000\n"
    assert done.stdout.count("2 on one machine") == 1
    assert "[8, 4, 2]: a gradient of 0.2 KB" in done.stdout
    assert "measured" in done.stdout
