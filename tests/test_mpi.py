"""Training under mpiexec: the bytes of one process, and what a rank that fails leaves behind.

What needs no processes of its own is tested in `test_ranks.py`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

import foxnn
import population_runs
import shard_runs
from mpi_faults import LAST, NAME
from shard_runs import RUNS, ended, made, told_of

HERE = Path(__file__).parent
MPIEXEC = Path(sysconfig.get_path("scripts")) / "mpiexec"
if not MPIEXEC.exists():
    pytest.skip("mpich is not installed", allow_module_level=True)
pytest.importorskip("mpi4py")
# `nox -s kills` makes more.
KILLS = int(os.environ.get("FOXNN_RANK_KILLS", "2"))


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}


def command(ranks: int, script: str, *arguments: str) -> list[str]:
    return [str(MPIEXEC), "-n", str(ranks), sys.executable, str(HERE / script), *arguments]


def started(ranks: int, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script of this folder on so many ranks."""
    return subprocess.run(
        command(ranks, script, *arguments),
        env=environment(), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def whole(name: str) -> str:
    nn = made(RUNS[name])
    return ended(nn, nn.fit(**told_of(RUNS[name]), shards=5))


def test_ranks_end_with_the_bytes_of_one_process() -> None:
    names = ["adam", "classes by name", "sequences", "scalers, a share, early stopping"]
    done = started(2, "shard_runs.py", json.dumps(names))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {name: whole(name) for name in names}


def test_three_ranks_and_populations_end_with_the_bytes_of_one_process() -> None:
    names = ["sgd, clipped by norm", "pictures", "sparse", "a loss of one's own"]
    done = started(3, "population_runs.py", json.dumps(names))
    assert done.returncode == 0, done.stderr
    populations, networks = map(json.loads, done.stdout.splitlines())
    assert populations == population_runs.all_of()
    assert networks == {name: whole(name) for name in names}


RAISED, INTERRUPTED = "LookupError: no such thing", "KeyboardInterrupt (Ctrl-C)"
FAILURES = {
    "raises": RAISED,
    "interrupts": INTERRUPTED,
    "population raises": RAISED,
    "population interrupts": INTERRUPTED,
    "evolution raises": RAISED,
}


def test_all_ranks_end_when_one_fails(tmp_path: Path) -> None:
    lines = started(3, "mpi_faults.py", ",".join(FAILURES), "1", str(tmp_path / "run")).stdout
    for how, said in FAILURES.items():
        told = [line.split(" ", 2) for line in lines.splitlines()]
        told = [one for one in told if one[2].startswith(f"{how} ")]
        ends = {
            int(rank): what.removeprefix(f"{how} ")
            for rank, _, what in told
            if not what.endswith(" ends")
        }
        assert sorted(ends) == [0, 1, 2]
        for rank in (0, 2):
            assert ends[rank] == f"RankError rank 1 has ended with {said}"
        times = [float(when) for _, when, _ in told]
        assert max(times) - min(times) < 10.0
        resumed(tmp_path / f"run-{how}.safetensors")


def resumed(path: Path) -> None:
    """Resume a run in one process; it ends with the bytes of one that nothing has ended."""
    if "population" in path.name:
        pop, _ = foxnn.resume(path, **shard_runs.data_of("numbers"))
        assert population_runs.ended(pop) == population_runs.ended(population_runs.trained())
        return
    if "evolution" in path.name:
        assert population_runs.resumed(path) == population_runs.evolved()
        return
    nn, history = foxnn.resume(path, **shard_runs.data_of(RUNS[NAME].data))
    assert ended(nn, history) == whole(NAME)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells")
def test_a_rank_needs_its_samples_and_some_times_its_weights() -> None:
    done = started(2, "mpi_memory.py")
    found = json.loads(done.stdout)
    for one in found["population"]:
        # Two moments of all members and what is exchanged of them, and of the half that is here
        # nearly four batches a member, of as many bytes as all weights: 20.5 times these were
        # measured. A copy of the samples would be 8 times as much, the other half 15 times.
        assert one["growth"] < 25 * one["weights"]
        assert one["samples"] > 7 * one["weights"]
    for one in found["network"]:
        # Two moments and a copy of the weights, a gradient, as much to exchange it, and what a
        # batch needs between the layers: 6.6 to 6.8 times the weights were measured. A second
        # gradient would make 8.7 of it, and a copy of the samples 14.7.
        assert one["growth"] < 7.6 * one["weights"]
        assert one["samples"] > 7 * one["weights"]


def test_ctrl_c_ends_all_ranks(tmp_path: Path) -> None:
    with subprocess.Popen(
        command(2, "mpi_faults.py", "goes on", "0", str(tmp_path / "run")),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline().endswith(" ends\n")
        process.send_signal(signal.SIGINT)
        start = time.time()
        lines = process.stdout.read().splitlines()
        assert time.time() - start < 10.0
    told = {line[0]: line.split(" ", 2)[2] for line in lines if line[:1].isdigit()}
    assert sorted(told) == ["0", "1"]
    assert all("KeyboardInterrupt" in one for one in told.values())
    path = tmp_path / "run-goes on.safetensors"
    _, history = foxnn.resume(path, **shard_runs.data_of(RUNS[NAME].data), time_limit=0.01)
    assert len(history["loss"]) > 1


KILLED = [("kills", draw) for draw in range(KILLS)]
KILLED += [("population kills", draw) for draw in range(KILLS // 2)]


@pytest.mark.parametrize(("how", "draw"), KILLED)
def test_a_killed_rank_ends_all_and_leaves_a_whole_checkpoint(
    how: str, draw: int, tmp_path: Path
) -> None:
    random_ones = random.Random(draw)
    ranks = random_ones.randint(2, 4)
    # The checkpoint of the first epoch is surely written then.
    first, last = LAST if how == "kills" else (3, 6)
    rank, when = random_ones.randrange(ranks), random_ones.randint(first, last)
    done = started(ranks, "mpi_faults.py", how, str(rank), str(tmp_path / "run"), str(when))
    over = time.time()
    assert done.returncode != 0
    assert "KILLED BY SIGNAL: 9" in done.stdout + done.stderr or "signal 9" in done.stdout
    assert over - float(done.stdout.splitlines()[0].split(" ")[1]) < 10.0
    resumed(tmp_path / f"run-{how}.safetensors")
