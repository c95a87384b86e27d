"""The benchmarks run and write what they promise, on tiny work. Never how fast."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn import BatchNorm, Conv1D, Conv2D, Dense, MaxPool2D

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(script: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, "FOXNN_FORCE_ISA": "", "FOXNN_FORCE_THREADS": ""},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


ROWS = (
    "mnist", "tiny-1", "control", "get-out-list", "train-on-batch", "sparse-5000",
    "sparse-predict-5000", "lenet", "cnn", "lenet-predict", "population-small",
    "population-get-out", "search", "cart-pole", "installed", "wheel",
)  # fmt: skip


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict, str]:
    folder = tmp_path_factory.mktemp("compare")
    only = [part for row in ROWS for part in ("--only", row)]
    files = ("--json", folder / "out.json", "--markdown", folder / "out.md")
    text = run("compare.py", "--quick", *only, *files)
    return text, json.loads((folder / "out.json").read_text()), (folder / "out.md").read_text()


def test_compare_gives_every_row(compared: tuple[str, dict, str]) -> None:
    _, written, _ = compared
    assert tuple(result["name"] for result in written["results"]) == ROWS
    for result in written["results"]:
        assert result["medians"]["foxnn"] > 0
        assert result["targets"]


def test_compare_says_what_it_was_measured_on(compared: tuple[str, dict, str]) -> None:
    text, written, markdown = compared
    assert {"processor", "cores", "kernel_set", "python", "threads", "versions"} <= written.keys()
    assert text == markdown
    assert "QUICK" in text
    assert text.count("\n| ") >= len(ROWS)


def test_sizes_are_within_their_limits(compared: tuple[str, dict, str]) -> None:
    """No time depends on these."""
    results = {result["name"]: result for result in compared[1]["results"]}
    assert results["installed"]["medians"]["foxnn"] <= 6.5e6
    assert results["wheel"]["medians"]["foxnn"] <= 2.5e6


def test_evolution_gives_a_row_a_library(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    text = run("evolution.py", "--quick", "--only", "xor", "--json", path)
    assert "QUICK" in text
    written = json.loads(path.read_text())
    rules = [result["rule"] for result in written["results"]]
    assert rules == ["Genetic", "EvolutionStrategy", "CMA"]
    for result in written["results"]:
        assert "foxnn" in result["sides"]
        for name, side in result["sides"].items():
            assert f"| {result['rule']} | {name} | " in text
            # Three generations of XOR, which hardly begin to learn it.
            assert side["generations"] == 3
            assert 0.01 < side["error"] <= 0.3
            assert side["reached"] == 0


def test_threads_gives_a_row_a_count() -> None:
    text = run("threads.py", "--layers", "8,16,4", "--samples", 64, "--threads", 2, "--rounds", 1)
    assert re.search(r"^\| 1 \| 1 \| .* \| 1\.00 \| 100 % \|$", text, re.M)
    assert re.search(r"^\| 2 \| 1 \| ", text, re.M)
    assert "the engine takes 1." in text


def test_threads_grid_counts_what_is_slower() -> None:
    text = run(
        "threads.py", "--grid", "--widths", "2,8", "--batches", "1,8", "--threads", 2, "--rounds", 1
    )
    assert len(re.findall(r"^\| [28] \| [18] \|", text, re.M)) == 4
    assert "0 cases slower" in text


def test_threads_predict_shows_the_estimate() -> None:
    text = run("threads.py", "--predict", "1,8", "--threads", 2, "--rounds", 1, "--quick")
    shown = r"[0-9.]+ (?:s|ms|us)"
    times = rf"{shown} \| {shown} \| {shown} \| [0-9.]+ \| [0-9.]+"
    # Too small for a second thread.
    assert re.search(rf"^\| \[4, 64, 64, 2\], batch 32 \| {times} \| 1 \|$", text, re.M)
    row = re.search(r"^\| \[784, 512, 512, 10\], batch 1024 \| (.*) \((.*)\) \| (.*) \((.*)\) \|$",
                    text, re.M)  # fmt: skip
    assert row is not None
    assert (row[1], row[2]) == ("1.0", "1")
    assert 4 < float(row[3]) < 8
    assert row[4] == "8"


def test_roofline_gives_every_phase(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    text = run(
        "roofline.py", "--quick", "--layers", "16,40,4", "--batch-size", 8, "--threads", 1,
        "--json", path,
    )  # fmt: skip
    for phase in ("gather", "forward", "loss", "backward", "update", "epoch"):
        assert f"| {phase} |" in text
    written = json.loads(path.read_text())
    assert written["bound"]["total"] > 0
    assert sum(written["phases"].values()) > 0


def test_roofline_of_convolutions() -> None:
    text = run("roofline.py", "--quick", "--network", "lenet", "--threads", 1)
    # 2 operations, 128 samples, and the products of a training step of each.
    assert "128 samples, (28, 28, 1), Conv2D(6, 5, padding='same'), MaxPool2D(2)" in text
    assert f"{2 * 128 * (2 * LENET_PRODUCTS + LENET_PRODUCTS - FIRST) / 1e9:.4g} GFLOP" in text
    assert re.search(r"^\| forward \| .*s \| .*s \| \d+ % \|$", text, re.M)


def test_single_answers_gives_a_row_a_network() -> None:
    only = [
        part
        for name in ("LeNet-5", "Embedding(5000, 32), 40 words", "GRU(64), 64 steps")
        for part in ("--only", name)
    ]
    text = run("single_answers.py", "--quick", "--threads", 1, *only)
    time = r"[0-9.]+ us"
    assert re.search(rf"^\| \[3, 5, 4, 2\]: the call \|  \| {time} \|  \|$", text, re.M)
    for name in only[1::2]:
        assert re.search(rf"^\| {re.escape(name)} \| {time} \| {time} \| [0-9.]+ \|$", text, re.M)


def test_eight_bits_gives_times_and_correct_answers() -> None:
    text = run("eight_bits.py", "--quick", "--threads", 1, "--only", "LeNet-5")
    assert "QUICK" in text
    time = r"[0-9.]+ [mu]?s"
    for kind in ("float32", "uint8"):
        row = rf"^\| LeNet-5 \| {kind} \| 1 \| {time} \| {time} \| [0-9.]+ \|$"
        assert re.search(row, text, re.M)
    found = re.search(r"^\| LeNet-5 \| 0 \| (.*) % \| (.*) % \| (.*) \|$", text, re.M)
    assert found
    whole, small, lost = map(float, found.groups())
    assert 0 <= whole <= 100
    assert lost == pytest.approx(whole - small, abs=0.011)


def test_eight_bits_counts_correct_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    from eight_bits import as_inputs, correct

    nn = foxnn.neural_network([4, 2], "identity", "softmax")
    nn[0].weights = [[1, 0], [0, 1], [0, 0], [0, 0]]
    nn[0].bias = [0, 0]
    pixels = np.array([[255, 0, 0, 0], [0, 51, 0, 0], [9, 0, 0, 0]], np.uint8)
    x = as_inputs(nn, pixels, "float32")
    np.testing.assert_allclose(x[:, :2], [[1, 0], [0, 0.2], [9 / 255, 0]], rtol=1e-6)
    assert as_inputs(nn, pixels, "uint8").dtype == np.uint8
    assert correct(nn, x, np.array([0, 1, 1])) == 2


def test_single_answers_count_weights_and_numbers_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    from single_answers import work_of

    nn = foxnn.neural_network([3, 5, 2])
    first, second = 4 * (15 + 5 + 3 + 5), 4 * (10 + 2 + 5 + 2)
    assert work_of(nn) == [(2 * 15, first, first), (2 * 10, second, second)]
    recurrent = foxnn.neural_network([(7, 4), foxnn.GRU(3)])
    size = 4 * (4 * 9 + 3 * 9 + 2 * 9 + 7 * 4 + 3)
    assert work_of(recurrent) == [(2 * 7 * (36 + 27), size, size + 4 * 6 * 27)]


def test_layer_prices_gives_a_row_a_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    from layer_prices import OF_PICTURES, OF_SEQUENCES

    text = run("layer_prices.py", "--quick")
    for name in [*OF_PICTURES, *OF_SEQUENCES]:
        assert re.search(rf"^\| `{re.escape(name)}` \| .*s \| [\d.]+ ns \|$", text, re.M)


# 28 windows of 5 on an axis, of which 2, 1, 1, 2 numbers are padding; 6 filters.
FIRST = (28 * 5 - 6) ** 2 * 6
LENET_PRODUCTS = FIRST + (10 * 5) ** 2 * 6 * 16 + 400 * 120 + 120 * 84 + 84 * 10


def products(items: list[Any]) -> tuple[int, int, int]:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from products import products_of
    finally:
        sys.path.pop(0)
    found = products_of(foxnn.neural_network(items, seed=1))
    assert found.total == found.forward + found.weight_gradients + found.input_gradients
    return found.forward, found.weight_gradients, found.input_gradients


def test_products_beside_counts_by_hand() -> None:
    lenet = [
        (28, 28, 1), Conv2D(6, 5, padding="same"), MaxPool2D(2), Conv2D(16, 5), MaxPool2D(2),
        120, 84, 10,
    ]  # fmt: skip
    assert products(lenet) == (LENET_PRODUCTS, LENET_PRODUCTS, LENET_PRODUCTS - FIRST)
    assert products([5, 3, BatchNorm(), 2]) == (21, 21, 6)
    # The pool before it has no weights to pass a gradient on to.
    assert products([(4, 4, 3), MaxPool2D(2), Dense(7)]) == (84, 84, 0)
    # Depthwise: each filter reads one channel. 4 of the 5 windows lie within 9 numbers.
    assert products([(9, 2), Conv1D(6, 3, stride=2, groups=2)]) == (4 * 3 * 6, 4 * 3 * 6, 0)
    # With (3 - 1) * 2 + 5 - 6 = 3 numbers of padding, 1 of them before: windows at -1, 1, 3 and
    # 1, 3, 5 and 3, 5, 7.
    conv = Conv1D(5, 3, stride=2, dilation=2, padding="same")
    assert products([(6, 2), conv])[0] == (2 + 3 + 2) * 2 * 5
    with pytest.raises(ValueError, match="in sequence"):
        products([5, foxnn.Residual(5), 2])


def test_statistics_are_no_parameters_of_an_optimizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    from pictures import Pictures
    from roofline import counts

    work = Pictures((5,), (4, BatchNorm(), 10), 64)
    parameters = (5 + 1) * 4 + 2 * 4 + (4 + 1) * 10
    # Adam keeps two more; all three are read and written, and the gradient is read.
    assert counts(work).state_bytes == 4 * 3 * parameters
    assert counts(work).update_bytes == 4 * 7 * parameters


def test_the_values_of_tanh_count_in_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    from machine_limits import function_seconds
    from roofline import bound_at, counts
    from work import Work

    work = Work((4, 64, 2), "tanh", 10, optimizer="adam", batch=5)
    assert counts(work).functions == {"tanh": 10 * (64 + 2)}
    assert counts(Work((4, 64, 2), "relu", 10)).functions == {}
    value = function_seconds("tanh", "float32", 0.02)
    assert 1e-11 < value < 1e-6  # between a twentieth of a cycle and what Python takes
    alone, together = (bound_at(counts(work), 1e9, 1e9, given) for given in (0.0, 0.5))
    assert together.total == pytest.approx(alone.total + 0.5)
    assert together.forward == pytest.approx(alone.forward + 0.5)


def test_the_epochs_that_runs_find_are_beside_scikit_learn_s() -> None:
    pytest.importorskip("sklearn")
    lines = run("auto_epochs.py", "--splits", 2, "--only", "wine, scaled").splitlines()
    assert len(lines) == 3
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells[0] == "wine, scaled"
    *mine, others = (float(cell.split(" ")[0]) for cell in cells[1:4])
    assert others > 0.8
    for score, cell in zip(mine, cells[1:3], strict=True):
        assert score > 0.8
        difference, error = map(float, cell.partition("(")[2].strip(")").split(" ± "))
        assert difference == pytest.approx(score - others, abs=0.0016)  # all are rounded
        assert 0 <= error < 0.2
    assert all(int(epochs) > 100 for epochs in cells[4].split(", "))
    assert cells[5].count("s") == 3
