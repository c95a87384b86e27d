"""The commands of python -m foxnn on tables: what they make, say and refuse."""

from __future__ import annotations

import csv
import inspect
import io
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import small_runs
from foxnn import __main__
from foxnn.cli import convert, info, predict, train

ROOT = Path(__file__).resolve().parents[1]
RNG = np.random.default_rng(1)

KINDS = ["bee", "ant", "fly"]
LABELS = np.arange(90) % 3
INSECTS = 3.0 * np.eye(3, 2)[LABELS] + 100.0 + RNG.normal(size=(90, 2))
NUMBERS = RNG.uniform(-1, 1, (80, 3))
SUMS = NUMBERS @ [2.0, -1.0, 0.5] + 3.0


def written(rows: list[list[Any]], delimiter: str = ",", end: str = "\n") -> str:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator=end).writerows(rows)
    return file.getvalue()


INSECT_ROWS = [
    [f"{a:.6f}", KINDS[k], f"{b:.6f}"] for (a, b), k in zip(INSECTS, LABELS, strict=True)
]
INSECT_TABLE = written([["length", "kind", "width"], *INSECT_ROWS])
SUM_ROWS = [
    [i, *(f"{v:.6f}" for v in row), f"{s:.6f}"]
    for i, (row, s) in enumerate(zip(NUMBERS, SUMS, strict=True))
]
SUM_TABLE = written([["id", "a", "b", "c", "sum"], *SUM_ROWS])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own, with two tables in it."""
    monkeypatch.chdir(tmp_path)
    Path("insects.csv").write_text(INSECT_TABLE, encoding="utf-8")
    Path("sums.csv").write_text(SUM_TABLE, encoding="utf-8")
    return tmp_path


def run(line: str) -> int:
    """Run a command in this process and return its exit code."""
    return __main__.main(shlex.split(line))


def refused(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line of error that a command ends with."""
    capsys.readouterr()
    assert run(line) == 1
    err = capsys.readouterr().err
    assert err.startswith("foxnn: error: ")
    assert err.count("\n") == 1
    return err[len("foxnn: error: ") : -1]


def table_file(text: str, encoding: str = "utf-8") -> str:
    Path("table.csv").write_bytes(text.encode(encoding))
    return "table.csv"


@pytest.fixture
def insects(here: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what training on the insects has said; the network is in net.safetensors."""
    assert run("train insects.csv --target kind --seed 3 --out net.safetensors") == 0
    return capsys.readouterr().out


# From a table to answers


def test_training_on_classes(insects: str) -> None:
    nn = foxnn.neural_network("net.safetensors")
    assert nn.sizes == [2, 32, 3]
    assert nn.loss == "cross_entropy"
    assert nn.notes["foxnn.table"] == {
        "inputs": ["length", "width"],
        "targets": ["kind"],
        "classes": ["ant", "bee", "fly"],
        "header": True,
        "width": 3,
    }
    assert nn.input_names == ["length", "width"]
    assert nn.input_scaler is not None
    assert nn.settings.n_threads == 0
    assert nn.predict(INSECTS).argmax(axis=1).tolist().count(0) > 20
    assert "kind, 3 classes: ant, bee, fly" in insects
    assert "72 samples, 200 epochs" in insects
    found = re.search(r"held out +18 samples, accuracy (\S+)", insects)
    assert found is not None
    assert float(found[1]) > 0.75


@pytest.mark.parametrize("rare", ["ant", "bee", "fly"])
def test_a_rare_class_is_trained_on(
    rare: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []
    monkeypatch.setattr(foxnn.neural_network, "fit", lambda self, x, y, *_, **__: seen.append(y))
    lines = [f"{i},{kind}" for i, kind in enumerate(["ant", "bee", "fly"] * 10) if kind != rare]
    table = table_file("\n".join(["size,kind", *lines, f"99,{rare}", ""]))
    with pytest.raises(TypeError):  # there is no history
        run(f"train {table} --target kind --hold-out 0.2")
    assert set(seen[0]) == {0, 1, 2}
    monkeypatch.undo()
    monkeypatch.chdir(here)
    said = refused(f"train {table} --target kind --hold-out 0.95", capsys)
    assert re.fullmatch(
        "--hold-out 0.95 of 21 samples leaves 1 to train on, fewer than there are classes: none of "
        "class '(ant|bee|fly)'",
        said,
    )


def test_the_held_out_samples_are_not_trained_on(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[np.ndarray] = []
    real_fit = foxnn.neural_network.fit

    def fit(self: foxnn.neural_network, x: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        seen.extend((x, y))
        return real_fit(self, x, y, *args, **kwargs)

    monkeypatch.setattr(foxnn.neural_network, "fit", fit)
    line = "train insects.csv --target kind --hold-out 0.3 --out net.safetensors"
    assert run(line) == 0
    x, y = seen
    assert np.bincount(y).tolist() == [21, 21, 21]
    nn = foxnn.neural_network("net.safetensors")
    assert nn.input_scaler is not None
    assert nn.input_scaler.shift == pytest.approx(x.mean(axis=0))
    # The score is that of the others.
    rows = {tuple(row) for row in x}
    others = [i for i, row in enumerate(INSECTS.round(6)) if tuple(row) not in rows]
    kinds = np.array(["ant", "bee", "fly"])[nn.predict(INSECTS[others]).argmax(axis=1)]
    right = np.mean(kinds == np.array(KINDS)[LABELS[others]])
    assert f"27 samples, accuracy {right:.4f}" in capsys.readouterr().out


def test_answers_are_those_of_the_network(insects: str, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = foxnn.neural_network("net.safetensors").predict(INSECTS.round(6))
    expected = [["ant", "bee", "fly"][i] for i in outputs.argmax(axis=1)]
    assert run("predict net.safetensors insects.csv") == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == ["kind", *expected]
    assert err == ""

    # By name: in another order, among other columns.
    rows = [["x", b, "extra", a, "3"] for a, _, b in INSECT_ROWS]
    table_file(written([["row", "width", "more", "length", "most"], *rows]))
    assert run("predict net.safetensors table.csv --probabilities --out out.csv") == 0
    header, *lines = Path("out.csv").read_text(encoding="utf-8").splitlines()
    assert header == "kind,kind=ant,kind=bee,kind=fly"
    assert [line.split(",")[0] for line in lines] == expected
    numbers = np.array([line.split(",")[1:] for line in lines], np.float32)
    np.testing.assert_array_equal(numbers, outputs)

    # Without a header: the inputs alone, in their order.
    table_file(written([[a, b] for a, _, b in INSECT_ROWS]))
    assert run("predict net.safetensors table.csv") == 0
    assert capsys.readouterr().out.splitlines() == expected


def test_the_score_of_a_table(insects: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("predict net.safetensors insects.csv --score --out out.csv") == 0
    answers = Path("out.csv").read_text(encoding="utf-8").split()[1:]
    right = np.mean([a == KINDS[k] for a, k in zip(answers, LABELS, strict=True)])
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"accuracy {right:.4f} on 90 samples\n"


def test_training_on_numbers(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = "train sums.csv --target sum --ignore id --layers none --learning-rate 0.05 --seed 1"
    assert run(f"{line} --out net.safetensors") == 0
    out = capsys.readouterr().out
    assert re.search(r"held out +16 samples, R2 1\.0000, root mean squared error \S+\n", out)
    nn = foxnn.neural_network("net.safetensors")
    assert nn.sizes == [3, 1]
    assert run("predict net.safetensors sums.csv --score") == 0
    out, err = capsys.readouterr()
    header, *lines = out.splitlines()
    assert header == "sum"
    np.testing.assert_array_equal(np.array(lines, np.float32), nn.predict(NUMBERS.round(6))[:, 0])
    assert err.startswith("R2 1.0000")


@pytest.mark.parametrize("word", ["auto", "AUTO"])
def test_epochs_until_they_help_no_more(
    word: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []
    real_fit = foxnn.neural_network.fit

    def fit(self: foxnn.neural_network, x: Any, y: Any, epochs: Any, *more: Any, **kw: Any) -> Any:
        seen.append(epochs)
        return real_fit(self, x, y, epochs, *more, **kw)

    monkeypatch.setattr(foxnn.neural_network, "fit", fit)
    line = f"train insects.csv --target kind --seed 1 --epochs {word} --out net.safetensors"
    assert run(line) == 0
    assert seen == ["auto"]
    out = capsys.readouterr().out
    found = re.search(r"72 samples, (\d+) epochs", out)
    assert found is not None
    nn = foxnn.neural_network("net.safetensors")
    assert run("info net.safetensors") == 0
    assert f"adam, {3 * int(found[1])} steps" in capsys.readouterr().out
    assert nn.evaluate(INSECTS, np.array(KINDS)[LABELS])["accuracy"] > 0.75


def test_several_targets(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train sums.csv --target 'sum, id' --inputs a,b --seed 1 --out net.safetensors") == 0
    assert foxnn.neural_network("net.safetensors").sizes == [2, 32, 2]
    capsys.readouterr()
    assert run("predict net.safetensors sums.csv") == 0
    assert capsys.readouterr().out.startswith("sum,id\n")


def test_columns_by_number(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table_file(written(SUM_ROWS))
    assert run("train table.csv --target -1 --ignore 1 --out net.safetensors") == 0
    assert foxnn.neural_network("net.safetensors").notes["foxnn.table"]["inputs"] == ["2", "3", "4"]
    capsys.readouterr()
    assert run("predict net.safetensors table.csv") == 0
    whole = capsys.readouterr().out
    assert len(whole.splitlines()) == 80
    table_file(written([row[1:4] for row in SUM_ROWS]))
    assert run("predict net.safetensors table.csv") == 0
    assert capsys.readouterr().out == whole
    assert refused("predict net.safetensors table.csv --score", capsys).endswith("no targets")
    table_file(written([row[:4] for row in SUM_ROWS]))
    message = refused("predict net.safetensors table.csv", capsys)
    assert "the 3 inputs, or all 5 columns" in message
    assert message.endswith("got 4 columns")


def test_what_the_banknotes_are(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = ROOT / "examples" / "data" / "banknote.csv"
    assert run(f"train '{table}' --target 5 --epochs 100 --seed 1") == 0
    found = re.search(r"accuracy (\S+)", capsys.readouterr().out)
    assert found is not None
    assert float(found[1]) > 0.99


def test_a_network_without_names(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nn = foxnn.neural_network([3, 2], "sigmoid", seed=1)
    nn.save("net.txt")
    table_file(written([row[1:4] for row in SUM_ROWS]))
    assert run("predict net.txt table.csv") == 0
    lines = capsys.readouterr().out.splitlines()
    found = np.array([line.split(",") for line in lines], np.float32)
    np.testing.assert_array_equal(found, nn.predict(NUMBERS.round(6)))
    table_file(written([["a", "b", "c"], *(row[1:4] for row in SUM_ROWS)]))
    assert run("predict net.txt table.csv") == 0
    assert capsys.readouterr().out.splitlines() == ["output 1,output 2", *lines]
    assert "nothing else, got 5 columns" in refused("predict net.txt sums.csv", capsys)
    assert "does not say" in refused("predict net.txt sums.csv --score", capsys)


def test_a_network_that_learnt_from_a_data_frame(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv("sums.csv")
    nn = foxnn.neural_network([2, 1], "identity", seed=1)
    nn.fit(frame[["c", "a"]], frame[["sum"]], 1)
    nn.save("net.safetensors")
    assert run("predict net.safetensors sums.csv") == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header == "output 1"
    found = np.array(lines, np.float32)
    np.testing.assert_array_equal(found, nn.predict(frame[["c", "a"]])[:, 0])


def test_a_network_that_learnt_labels(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nn = foxnn.neural_network([2, 8, 3], "tanh", "softmax", seed=1)
    nn.fit(INSECTS, np.array(KINDS)[LABELS], 2, scale="standard")
    nn.save("net.safetensors")
    table_file(written([["length", "width"], *([a, b] for a, _, b in INSECT_ROWS)]))
    x = INSECTS.round(6)
    assert run("predict net.safetensors table.csv") == 0
    assert capsys.readouterr().out.splitlines() == ["class", *nn.predict_classes(x)]
    assert run("predict net.safetensors table.csv --probabilities") == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header == "class,class=ant,class=bee,class=fly"
    found = np.array([line.split(",")[1:] for line in lines], np.float32)
    np.testing.assert_array_equal(found, nn.predict(x))
    assert "does not say" in refused("predict net.safetensors table.csv --score", capsys)


@pytest.mark.parametrize(
    ("labels", "names"), [([False, True], ["False", "True"]), (["no", "yes"], ["no", "yes"])]
)
def test_one_output_tells_two_classes(
    labels: list[Any], names: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nn = foxnn.neural_network([2, 1], "sigmoid", loss="binary_cross_entropy", seed=1)
    nn.fit(INSECTS, np.array(labels)[LABELS // 2], 20, scale="standard", learning_rate=0.1)
    nn.save("net.safetensors")
    x = INSECTS.round(6)
    table_file(written([[a, b] for a, _, b in INSECT_ROWS]))
    assert run("predict net.safetensors table.csv --probabilities") == 0
    rows = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows] == [str(label) for label in nn.predict_classes(x)]
    assert {row[0] for row in rows} == set(names)
    sides = np.array([row[1:] for row in rows], np.float32)
    np.testing.assert_array_equal(sides[:, 1:], nn.predict(x))
    np.testing.assert_allclose(sides.sum(axis=1), 1, rtol=1e-6)


def test_classes_go_with_the_network_into_another_format(
    insects: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnx")
    assert run("predict net.safetensors insects.csv") == 0
    answers = capsys.readouterr().out.splitlines()[1:]
    assert run("convert net.safetensors net.onnx") == 0
    assert foxnn.neural_network("net.onnx").classes == ["ant", "bee", "fly"]
    table_file(written([[a, b] for a, _, b in INSECT_ROWS]))
    capsys.readouterr()
    assert run("predict net.onnx table.csv") == 0
    assert capsys.readouterr().out.splitlines() == answers


# How tables are written


@pytest.mark.parametrize(
    ("text", "options", "encoding"),
    [
        (INSECT_TABLE, "", "utf-8"),
        (INSECT_TABLE, "", "utf-8-sig"),
        (INSECT_TABLE, "--encoding utf-8", "utf-8-sig"),
        (INSECT_TABLE, "--encoding utf-16", "utf-16"),
        (INSECT_TABLE.replace("\n", "\r\n"), "", "utf-8"),
        (INSECT_TABLE.replace("\n", "\n\n"), "", "utf-8"),
        (INSECT_TABLE.replace(",", ";"), "", "utf-8"),
        (INSECT_TABLE.replace(",", "\t"), "", "utf-8"),
        (INSECT_TABLE.replace(",", " | "), "", "utf-8"),
        (INSECT_TABLE.replace(",", " "), "--delimiter space", "utf-8"),
        (INSECT_TABLE.replace(",", "\t"), "--delimiter tab", "utf-8"),
        (INSECT_TABLE.replace(",", ";").replace(".", ","), "--decimal ,", "utf-8"),
        (re.sub(r"([\w.]+)", r'"\1"', INSECT_TABLE), "", "utf-8"),
        (INSECT_TABLE.replace(",", " , "), "", "utf-8"),
    ],
)
def test_ways_to_write_the_same(
    here: Path, capsys: pytest.CaptureFixture[str], text: str, options: str, encoding: str
) -> None:
    fit = "--target kind --seed 1 --epochs 3 --out"
    assert run(f"train insects.csv {fit} a.safetensors") == 0
    assert run(f"train {table_file(text, encoding)} {fit} b.safetensors {options}") == 0
    assert Path("a.safetensors").read_bytes() == Path("b.safetensors").read_bytes()


def test_answers_are_written_as_the_table(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table_file(SUM_TABLE.replace(",", ";").replace(".", ","))
    options = "--decimal , --epochs 3"
    assert run(f"train table.csv --target sum,id {options} --out net.safetensors") == 0
    capsys.readouterr()
    assert run("predict net.safetensors table.csv --decimal ,") == 0
    header, first, *_ = capsys.readouterr().out.splitlines()
    assert header == "sum;id"
    assert re.fullmatch(r"-?\d+,\d+;-?\d+,\d+", first)


def test_cells_in_quotes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = 'size,"what, in words"\n' + '1,"a, ""b"""\n2,"two\nlines"\n' * 5
    line = f"train {table_file(text)} --epochs 1 --out net.safetensors --target"
    assert run(f"{line} '\"what, in words\"'") == 0
    notes = foxnn.neural_network("net.safetensors").notes["foxnn.table"]
    assert notes["classes"] == ['a, "b"', "two\nlines"]
    assert notes["targets"] == ["what, in words"]
    capsys.readouterr()
    assert run("predict net.safetensors table.csv --out out.csv") == 0
    with open("out.csv", encoding="utf-8", newline="") as file:
        answers = {row[0] for row in csv.reader(file)}
    assert answers <= {"what, in words", 'a, "b"', "two\nlines"}
    # A line of the table may be several of the file.
    message = refused(f"train {table_file(text + '3,x,4')} --target size", capsys)
    assert "line 17: 3 cells, but the header has 2" in message


def test_a_header_of_numbers(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = written([["2019", "2020", "2021"], *([i, -i, 2 * i] for i in range(50))])
    line = f"train {table_file(text)} --epochs 1 --target 2021 --out net.safetensors"
    assert "numbered from 1 to 3" in refused(line, capsys)
    assert run(f"{line} --header") == 0
    assert foxnn.neural_network("net.safetensors").notes["foxnn.table"]["inputs"] == [
        "2019",
        "2020",
    ]
    assert "column '1' holds 'length'" in refused(
        "train insects.csv --no-header --target 2", capsys
    )


def test_nameless_columns_are_no_inputs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = written([["", "a", "b"], *([i, i % 7, i % 7 + 0.5] for i in range(50))])
    assert run(f"train {table_file(text)} --target b --epochs 1 --out net.safetensors") == 0
    assert "left out: 1 without a name" in capsys.readouterr().out
    assert foxnn.neural_network("net.safetensors").notes["foxnn.table"]["inputs"] == ["a"]


def test_missing_cells(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = INSECT_TABLE + "1,,2\n?,ant,3\nNaN,bee,3\n3,fly,n/a\n"
    line = f"train {table_file(text)} --target kind --epochs 1"
    assert refused(line, capsys) == (
        "table.csv: cells are missing in line 92 ('kind'), line 93 ('length'), line 94 ('length'), "
        "line 95 ('width'); --drop-missing leaves out such lines"
    )
    assert run(f"{line} --drop-missing") == 0
    assert "90 samples (4 more have missing cells)" in capsys.readouterr().out


def test_large_tables_are_read_in_parts(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("foxnn.cli.tables._CELLS_AT_ONCE", 10)
    fit = "--target kind --seed 1 --epochs 3 --out"
    assert run(f"train insects.csv {fit} a.safetensors") == 0
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert run(f"train insects.csv {fit} b.safetensors") == 0
    assert Path("a.safetensors").read_bytes() == Path("b.safetensors").read_bytes()


# What a target is


@pytest.mark.parametrize(
    ("column", "options", "classes"),
    [
        (["b", "a", "c"], "", ["a", "b", "c"]),
        (["10", "9", "1.0"], "", ["1.0", "9", "10"]),
        (["0.5", "1", "2"], "", None),
        (["0.5", "1", "2"], "--classify", ["0.5", "1", "2"]),
        (["1", "2", "x"], "--classify", ["1", "2", "x"]),
        (["1", "2", "3"], "--regress", None),
        ([str(i) for i in range(10)], "", [str(i) for i in range(10)]),
        ([str(i) for i in range(11)], "", None),
        ([str(i) for i in range(11)], "--classify", [str(i) for i in range(11)]),
        ([f"class {i:02}" for i in range(20)], "", [f"class {i:02}" for i in range(20)]),
    ],
    ids=str,
)
def test_classes_or_numbers(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    column: list[str],
    options: str,
    classes: list[str] | None,
) -> None:
    text = written([["x", "y"], *([i, column[i % len(column)]] for i in range(60))])
    line = f"train {table_file(text)} --target y --epochs 1 {options}"
    assert run(f"{line} --out net.safetensors") == 0
    assert foxnn.neural_network("net.safetensors").notes["foxnn.table"]["classes"] == classes
    hint = "--regress treats them" in capsys.readouterr().out
    assert hint == (not options and classes is not None and column[0].isdecimal())


# What is refused, in one line


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", "--target a", "table.csv: the file is empty"),
        ("\n\n", "--target a", "table.csv: the file is empty"),
        ("a,b\n", "--target a", "table.csv: there are no samples"),
        ("a,b\n,1\n", "--target a --drop-missing", "no samples; 1 lines have missing cells"),
        ("a,b\n1,2\n3\n", "--target a", "table.csv, line 3: 1 cells, but the header has 2"),
        ("1,2\n1,2,3\n", "--target 1", "line 2: 3 cells, but the first line has 2"),
        ("a;b\n1;2\n3;4\n5;6;7\n", "--target a", "line 4: 3 cells, but the header has 2 (sep"),
        ("size,b\n1,2\n", "--target sise", "there is no column 'sise'; did you mean 'size'?"),
        ("size,b\n1,2\n", "--target zzz", "there is no column 'zzz'; the columns are 'size', 'b'"),
        ("size,b\n1,2\n", "--target 1", "there is no column '1'"),
        ("1,2\n1,2\n", "--target 3", "there is no column '3'; without a header columns are"),
        ("1,2\n1,2\n", "--target 0", "there is no column '0'"),
        ("1,2\n1,2\n", "--target a", "numbered from 1 to 2"),
        ("a,a,b\n1,2,3\n", "--target b", "the header has 'a' 2 times"),
        ("a,b\n1,2\n", "--target a --inputs a,b", "'a' is input and target"),
        ("a,b\n1,2\n", "--target a --ignore c", "there is no column 'c'"),
        ("a,b\n1,2\n", "--target a --ignore b", "there is no column left as input"),
        ("1,2\n1,2\n", "--target 2,-1", "--target names a column twice"),
        ("a,b\n1,x\n", "--target a", "line 2: column 'b' holds 'x', which is not a finite number"),
        ("a,b\n1,\n", "--target a", "line 2: column 'b' is missing"),
        ("a,b\n1,inf\n", "--target a", "holds 'inf', which is not a finite number"),
        ("a,b\n1,1e999\n", "--target a", "holds '1e999', which is not a finite number"),
        ("a,b\n1,1_0\n", "--target a", "holds '1_0', which is not a finite number"),
        ("a;b\n1;0,5\n", "--target a", "holds '0,5', which is not a finite number"),
        ("a,b\n,1\n", "--target a", "line 2: column 'a' is missing"),
        ("a,b\nx,1\nx,2\n", "--target a", "holds only one class, 'x'"),
        ("a,b\nx,1\ny,2\n", "--target a", "holds a different class on every line"),
        ("a,b\n1,1\n1,2\nx,3\n", "--target a", "line 4: column 'a' holds 'x', while other cells"),
        ("a,b\nx,1\nx,2\ny,3\n", "--target a --regress", "line 2: column 'a' holds 'x', which"),
        ("a,b,c\n1,2,3\n1,2,4\n", "--target a,b --classify", "classes must be in one column, got"),
        ("a,b,c\nx,2,3\nx,2,4\n", "--target a,b", "line 2: column 'a' holds 'x', which is not"),
        ("a,b\n1,2\n1.5,3\n", "--target a", "leaves none to train on or none to score; 0 holds"),
        ("a,b\n0,1\n0,2\n1,3\n1,4\n", "--target a --loss mae", "--loss mae is for numbers"),
        ("a,b\n0.5,1\n2,2\n1,3\n1,4\n", "--target a --class-weight balanced", "class_weight needs"),
        ('a,b\n1,"2\n', "--target a", "line 2: unexpected end of data"),
        ('a,b\n1,"2"3\n', "--target a", "line 2: ',' expected after '\"'"),
    ],
)  # fmt: skip
def test_tables_that_are_refused(
    here: Path, capsys: pytest.CaptureFixture[str], text: str, options: str, message: str
) -> None:
    assert message in refused(f"train {table_file(text)} {options} --out net.safetensors", capsys)
    assert not Path("net.safetensors").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train nope.csv --target a", "nope.csv: No such file or directory"),
        ("train . --target a", ".: Is a directory"),
        ("train sums.csv --target sum --out no/net.safetensors", "No such file"),
        ("train sums.csv --target sum --out sums.csv", "would replace an input file"),
        ("train insects.csv --target kind --out net.txt", "no activation 'softmax'"),
        ("train sums.csv --target sum --optimizer sgd --learning-rate 1e30", "no longer finite"),
        ("predict nope.txt sums.csv", "nope.txt: No such file or directory"),
        ("predict sums.csv sums.csv", "sums.csv, line 1: expected n_threads"),
        ("predict net.safetensors nope.csv", "nope.csv: No such file or directory"),
        ("predict net.safetensors sums.csv", "there is no column 'length'"),
        ("predict net.safetensors few.csv", "must hold the 2 inputs and nothing else, got 3"),
        ("predict net.safetensors unknown.csv --score", "line 2: column 'kind' holds the class"),
        ("predict net.safetensors insects.csv --out insects.csv", "would replace an input file"),
        ("predict net.safetensors insects.csv --out net.safetensors", "would replace an"),
        ("predict net.safetensors insects.csv --out no/out.csv", "No such file"),
        ("info nope.safetensors", "nope.safetensors: No such file or directory"),
        ("convert net.safetensors net.txt", "no activation 'softmax'"),
        ("convert nope.txt net.safetensors", "nope.txt: No such file or directory"),
    ],
)  # fmt: skip
def test_files_that_are_refused(
    insects: str, capsys: pytest.CaptureFixture[str], line: str, message: str
) -> None:
    Path("few.csv").write_text("1,2,3\n", encoding="utf-8")
    Path("unknown.csv").write_text("length,width,kind\n1,2,cat\n", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    assert message in refused(line, capsys)
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_notes_of_another_network(insects: str, capsys: pytest.CaptureFixture[str]) -> None:
    nn = foxnn.neural_network("net.safetensors")
    table = nn.notes["foxnn.table"]
    for wrong in (3, {}, table | {"inputs": ["a"]}, table | {"classes": None}):
        nn.notes = {"foxnn.table": wrong}
        nn.save("wrong.safetensors")
        assert "the notes of the network" in refused("predict wrong.safetensors sums.csv", capsys)
    assert run("info net.safetensors") == 0


def test_text_that_is_not_utf_8(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table_file(INSECT_TABLE.replace("ant", "Käfer"), "latin-1")
    line = "train table.csv --target kind --epochs 1 --out net.safetensors"
    assert "this is not UTF-8 text; --encoding names" in refused(line, capsys)
    assert run(f"{line} --encoding latin-1") == 0
    assert "Käfer" in foxnn.neural_network("net.safetensors").notes["foxnn.table"]["classes"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train", "required: data, --target"),
        ("train a.csv", "required: --target"),
        ("train a.csv --target", "expected one argument"),
        ("train a.csv --target a,,b", "must be names separated by commas"),
        ("train a.csv --target a,a", "names 'a' twice"),
        ("train a.csv --target a --inputs b --ignore c", "not allowed with"),
        ("train a.csv --target a --classify --regress", "not allowed with"),
        ("train a.csv --target a --layers 3,x", "--layers: must be a whole number from 1"),
        ("train a.csv --target a --layers 0", "--layers: must be a whole number from 1"),
        ("train a.csv --target a --activation step", "--activation: unknown activation 'step'"),
        ("train a.csv --target a --activation softmax", "--activation"),
        ("train a.csv --target a --optimizer lbfgs", "--optimizer: invalid choice"),
        ("train a.csv --target a --epochs 0", "must be a whole number at least 1, or auto, got"),
        ("train a.csv --target a --epochs many", "--epochs: must be a whole number at least 1"),
        ("train a.csv --target a --hold-out 1", "--hold-out: must be a number at least 0 and"),
        ("train a.csv --target a --dropout nan", "--dropout: must be a number at least 0 and"),
        ("train a.csv --target a --learning-rate 0", "--learning-rate: must be a number above 0"),
        ("train a.csv --target a --delimiter ab", "--delimiter: must be one character"),
        ("train a.csv --target a --encoding utf-99", "--encoding: is unknown: 'utf-99'"),
        ("predict net.safetensors", "required: data"),
        ("info", "required: network"),
        ("convert a", "required: target"),
        ("learn", "invalid choice: 'learn'"),
    ],
)  # fmt: skip
def test_wrong_usage(capsys: pytest.CaptureFixture[str], line: str, message: str) -> None:
    with pytest.raises(SystemExit) as caught:
        run(line)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


# Options


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("play --delimiter ';'", "--delimiter is for a table, and there is none"),
        ("play --mnist --target y", "a table needs --target, and --target a table"),
        ("play --drop-missing", "--drop-missing is for a table"),
        ("play --regress", "--regress is for a table"),
        ("play insects.csv", "a table needs --target"),
        ("play insects.csv --target kind --ignore none", "there is no column 'none'"),
        ("play none.csv --target kind", "none.csv"),
    ],
)
def test_what_play_refuses(
    insects: str, line: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(line, capsys)


def test_options_reach_the_training(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    real_fit = foxnn.neural_network.fit

    def fit(self: foxnn.neural_network, x: Any, y: Any, *args: Any, **kwargs: Any) -> foxnn.History:
        names = list(inspect.signature(real_fit).parameters)[3:]
        seen.update(dict(zip(names, args, strict=False)), **kwargs)
        seen.update(network=repr(self), threads=self.settings.n_threads, samples=len(x))
        history = foxnn.History()
        history.add(loss=1.0)
        return history

    monkeypatch.setattr(foxnn.neural_network, "fit", fit)
    given = """--layers 5,4 --activation tanh --dtype float64 --seed 7 --epochs 3 --batch-size 7
        --optimizer sgd --learning-rate 0.5 --l1 0.1 --l2 0.2 --dropout 0.3 --early-stopping 4
        --class-weight balanced --clip-norm 5 --time-limit 60 --threads 2 --no-progress
        --scale minmax --hold-out 0"""
    assert run(f"train insects.csv --target kind {given}") == 0
    assert seen == {
        "network": "neural_network([2, 5, 4, 3], activation=['tan_h', 'tan_h', 'softmax'], "
        "loss='cross_entropy', dtype='float64', seed=7)",
        "samples": 90,
        "epochs": 3,
        "batch_size": 7,
        "optimizer": "sgd",
        "learning_rate": 0.5,
        "validation": 0.1,
        "early_stopping": 4,
        "l1": 0.1,
        "l2": 0.2,
        "dropout": 0.3,
        "class_weight": "balanced",
        "clip_norm": 5.0,
        "time_limit": 60.0,
        "threads": 2,
        "progress": False,
        "scale": "minmax",
    }
    assert run("train sums.csv --target sum --scale none --loss huber --validation 0.3") == 0
    assert "loss='huber'" in seen["network"]
    assert (seen["scale"], seen["validation"], seen["samples"]) == (None, 0.3, 64)


def test_a_seed_makes_it_repeatable(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for seed in ("5", "5", "6"):
        line = f"train insects.csv --target kind --epochs 2 --seed {seed} --out net.safetensors"
        assert run(line) == 0
        files.append(Path("net.safetensors").read_bytes())
    assert files[0] == files[1] != files[2]


def test_quiet(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("train insects.csv --target kind --epochs 2 --quiet --progress") == 0
    assert capfd.readouterr() == ("", "")


def test_progress(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("train insects.csv --target kind --epochs 2 --progress") == 0
    assert "2/2" in capfd.readouterr().err


# info and convert


def test_info(insects: str, capsys: pytest.CaptureFixture[str]) -> None:
    nn = foxnn.neural_network("net.safetensors")
    nn.notes["author"] = "fox"
    nn.save("net.safetensors")
    capsys.readouterr()
    assert run("info net.safetensors") == 0
    assert capsys.readouterr().out.splitlines() == [
        "net.safetensors",
        "network    [2, 32, 3], relu, softmax, 195 parameters, float32",
        "loss       cross_entropy",
        "inputs     length, width",
        "target     kind",
        "classes    ant, bee, fly",
        "scaling    inputs standard",
        "optimizer  adam, 600 steps",
        "notes      author",
    ]


def test_info_of_many_columns(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = [f"column {i}" for i in range(50)]
    table_file(written([header, *(np.random.default_rng(i).random(50) for i in range(20))]))
    line = "train table.csv --epochs 1 --target 'column 49' --out net.safetensors"
    assert run(line) == 0
    capsys.readouterr()
    assert run("info net.safetensors") == 0
    assert re.search(r"inputs +column 0, .* and 4\d more\n", capsys.readouterr().out)


def test_convert(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train sums.csv --target sum --epochs 3 --out net.safetensors") == 0
    capsys.readouterr()
    assert run("convert net.safetensors net.txt") == 0
    assert capsys.readouterr() == ("", "net.txt does not hold the notes: foxnn.table\n")
    assert run("convert net.txt again.safetensors") == 0
    assert capsys.readouterr() == ("", "")
    x = np.column_stack([np.arange(80.0), NUMBERS])
    first, text, again = (
        foxnn.neural_network(f"{name}").predict(x)
        for name in ("net.safetensors", "net.txt", "again.safetensors")
    )
    np.testing.assert_allclose(text, first, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(again, text)


def test_convert_to_onnx(insects: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnx")
    assert run("convert net.safetensors net.onnx") == 0
    first, again = (foxnn.neural_network(f"net.{end}") for end in ("safetensors", "onnx"))
    np.testing.assert_allclose(again.predict(INSECTS), first.predict(INSECTS), atol=1e-5)


def test_convert_to_c(insects: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("convert net.safetensors net.h") == 0
    assert "net_predict" in Path("net.h").read_text(encoding="ascii")
    assert Path("net_test.c").exists()
    assert "cannot be read" in refused("convert net.h net.txt", capsys)


# Help


@pytest.mark.parametrize("command", [train, predict, info, convert], ids=lambda c: c.__name__)
def test_help(command: Any, capsys: pytest.CaptureFixture[str]) -> None:
    name = command.__name__.rpartition(".")[2]
    with pytest.raises(SystemExit) as caught:
        run(f"{name} --help")
    assert caught.value.code == 0
    assert command.EXAMPLES.strip() in capsys.readouterr().out
    examples = re.findall(r"python -m foxnn (.*)", command.EXAMPLES)
    assert examples
    for example in examples:
        assert __main__.make_parser().parse_args(shlex.split(example)).command == name


# As a program


def foxnn_program(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "foxnn", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A relative path leads nowhere from the folder of a test.
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        **options,
    )


def test_pipes(insects: str) -> None:
    text = INSECT_TABLE + "1,ant,2\n" * 20_000
    with foxnn_program("predict", "net.safetensors", "-", stdin=subprocess.PIPE) as program:
        out, err = program.communicate("\ufeff" + text, timeout=100)
    assert (program.returncode, err) == (0, "")
    assert len(out.splitlines()) == 20_091
    table_file(text)
    # A reader that goes away, as head does.
    with foxnn_program("predict", "net.safetensors", "table.csv") as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.readline()
        program.stdout.close()
        assert program.wait(100) == 1
        assert program.stderr.read() == ""


def test_a_warning_is_a_line(here: Path) -> None:
    arguments = "insects.csv --target kind --activation sigmoid --scale none --epochs 1"
    with foxnn_program("train", *arguments.split()) as program:
        _, err = program.communicate(timeout=100)
    assert program.returncode == 0
    assert re.fullmatch(r"foxnn: warning: the inputs are large .*, by --scale standard\n", err)
    arguments = "sums.csv --target sum --ignore id --seed 1 --epochs 10"
    with foxnn_program("train", *arguments.split()) as program:
        _, err = program.communicate(timeout=100)
    assert program.returncode == 0
    assert re.fullmatch(r"foxnn: warning: training ended after 10 .*, or with --epochs auto\n", err)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent otherwise there")
def test_ctrl_c(here: Path) -> None:
    arguments = "insects.csv --target kind --epochs 1000000000 --out net.safetensors"
    with foxnn_program("train", *arguments.split()) as program:
        assert program.stdout is not None
        while not program.stdout.readline().startswith("network"):
            pass
        program.send_signal(signal.SIGINT)
        _, err = program.communicate(timeout=100)
    assert (program.returncode, err) == (130, "foxnn: error: stopped by Ctrl-C\n")
    assert not Path("net.safetensors").exists()


def test_the_commands_are_imported_late(run_python: Callable[..., Any]) -> None:
    done = run_python("import foxnn, sys; print([n for n in sys.modules if 'foxnn.cli' in n])")
    assert done.stdout.strip() == "[]"


# The wiki


def test_the_wiki_page_is_true(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "wiki" / "Command-line.md").read_text(encoding="utf-8")
    sessions = 0
    for kind, block in re.findall(r"^```(\w+)\n(.*?)^```", page, re.M | re.S):
        if kind == "python":
            exec(block, {})
        elif kind == "bash":
            for line in re.findall(r"^python -m foxnn (.*)", block, re.M):
                __main__.make_parser().parse_args(shlex.split(line, comments=True))
        elif kind == "console":
            for line, shown in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", block, re.M):
                program, *arguments = shlex.split(line)
                if program == "head":
                    out = "".join(Path(arguments[1]).read_text().splitlines(True)[:3])
                else:
                    assert arguments[:2] == ["-m", "foxnn"]
                    assert __main__.main(arguments[2:]) == 0
                    captured = capsys.readouterr()
                    out = captured.out + captured.err
                pattern = re.escape(shown).replace(re.escape("..."), ".*")
                assert re.fullmatch(pattern, out), out
                sessions += 1
    assert sessions == 5


@pytest.mark.usefixtures("own_folder")
@pytest.mark.parametrize("name", ["my-net.h", "1net.h", "taken.h"])
def test_a_header_that_cannot_be_is_refused_before_the_training(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("taken_test.c").mkdir()
    rows = "\n".join(f"{a},{b},{a + b}" for a in range(6) for b in range(6))
    Path("sums.csv").write_text(f"a,b,sum\n{rows}\n", encoding="utf-8")
    assert (
        __main__.main(["train", "sums.csv", "--target", "sum", "--epochs", "1", "--out", name]) == 1
    )
    printed = capsys.readouterr()
    assert "error" in printed.err
    assert "epoch" not in printed.out
    assert not Path(name).exists()


@pytest.mark.usefixtures("own_folder")
def test_a_note_of_ones_own_called_table(capsys: pytest.CaptureFixture[str]) -> None:
    nn = small_runs.single()
    nn.notes = {"table": "customers", "foxnn.table": 3}
    nn.save("net.safetensors")
    assert __main__.main(["info", "net.safetensors"]) == 0
    assert "table" in capsys.readouterr().out
