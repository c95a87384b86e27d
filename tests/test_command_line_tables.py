"""How the command line reads tables: numerals, labels, categories, missing cells, files."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import shlex
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn import __main__
from foxnn.cli import columns
from foxnn.cli.numerals import Numerals, options_for, way_of

PLAIN = Numerals()
# The inputs of all tables here, and the rows of a table with all kinds of columns.
NUMBERS = [[f"{i % 5}", f"{i * 7 % 11}"] for i in range(60)]
CARS = [
    [f"car {i}", ["red", "green", "blue"][i % 3], ["True", "False"][i % 2], i % 7, i % 3 + i % 7]
    for i in range(60)
]
HEADER = ["id", "colour", "used", "doors", "price"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def table(rows: list[list[Any]], name: str = "table.csv", delimiter: str = ";") -> str:
    """Write a table and return the name of its file."""
    with open(name, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return name


def with_target(cells: list[str], name: str = "table.csv") -> str:
    """Write a table of two inputs and a target, whose cells are repeated."""
    rows = [[*row, cells[i % len(cells)]] for i, row in enumerate(NUMBERS)]
    return table([["a", "b", "y"], *rows], name)


def run(line: str) -> int:
    return __main__.main(shlex.split(line))


def done(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that succeeds, and return what it prints."""
    capsys.readouterr()
    assert run(line) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def refused(line: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line of error that a command ends with."""
    capsys.readouterr()
    assert run(line) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    return err


def notes(name: str = "net.safetensors") -> dict[str, Any]:
    found: dict[str, Any] = foxnn.neural_network(name).notes["foxnn.table"]
    return found


def targets_seen(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Return a list to which each training adds its inputs and targets."""
    seen: list[np.ndarray] = []
    real = foxnn.neural_network.fit

    def fit(self: foxnn.neural_network, x: Any, y: Any, *args: Any, **options: Any) -> Any:
        seen.extend((x, y))
        return real(self, x, y, *args, **options)

    monkeypatch.setattr(foxnn.neural_network, "fit", fit)
    return seen


# Numbers that are written in another way

WAYS = [
    (["3,50", "2,25"], ["--decimal ,"], [3.5, 2.25]),
    (["$300", "$1.5"], ["--units '$'"], [300.0, 1.5]),
    (["3%", "12%", "5"], ["--units %"], [3.0, 12.0, 5.0]),
    (["1,100", "900"], ["--thousands ,", "--decimal ,"], [1100.0, 900.0]),
    (["1 100", "900"], ["--thousands space"], [1100.0, 900.0]),
    (["1\N{NO-BREAK SPACE}100", "900"], ["--thousands space"], [1100.0, 900.0]),
    (["1'100", "900"], ["--thousands apostrophe"], [1100.0, 900.0]),
    (["1_100", "900"], ["--thousands _"], [1100.0, 900.0]),
    (["1.234,50", "2,5"], ["--decimal , --thousands ."], [1234.5, 2.5]),
    (["$1,234.50", "-$3"], ["--thousands , --units '$'"], [1234.5, -3.0]),
    (["300 EUR", "5.5 EUR"], ["--units EUR"], [300.0, 5.5]),
    (["USD 300", "USD 5"], ["--units USD"], [300.0, 5.0]),
    (["1.5 kg", "2 kg"], ["--units kg"], [1.5, 2.0]),
    (["1,5 km", "2 km"], ["--decimal , --units km"], [1.5, 2.0]),
    (["10,00,000", "5"], ["--thousands ,"], [1e6, 5.0]),
    (["(300)", "200"], [], None),
    (["300-", "200"], [], None),
    (["2020-01-05", "2020-02-05"], [], None),
    (["1.2.2020", "2.2.2020"], [], None),
    (["12:30", "13:00:10"], [], None),
    (["inf", "1.5"], [], None),
]


@pytest.mark.parametrize(("cells", "options", "values"), WAYS, ids=lambda value: str(value)[:30])
def test_numbers_written_in_another_way(
    cells: list[str],
    options: list[str],
    values: list[float] | None,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = targets_seen(monkeypatch)
    line = f"train {with_target(cells)} --target y --epochs 1 --hold-out 0 --out net.safetensors"
    message = refused(line, capsys)
    assert f"line 2: column 'y' holds {cells[0]!r}, which is not a finite number" in message
    assert "--classify takes all cells as classes" in message
    for option in options:
        assert f"{option} reads it" in message
    assert not Path("net.safetensors").exists()
    assert "line 2: column 'y'" in refused(f"{line} --regress", capsys)
    # As classes they are their texts.
    done(f"{line} --classify", capsys)
    assert notes()["classes"] == sorted(cells)
    # As inputs they are refused, too.
    as_input = line.replace("--target y", "--target a")
    message = refused(as_input, capsys)
    assert f"column 'y' holds {cells[0]!r}" in message
    assert "--categorical y takes all cells as categories" in message
    done(f"{as_input} --categorical y", capsys)
    assert sorted(notes()["categories"]["y"]) == sorted(cells)
    # What the message promises is true.
    seen.clear()
    for option in options[:1]:
        done(f"{line} {option} --regress", capsys)
        assert notes()["classes"] is None
        assert seen[1][: len(cells), 0].tolist() == values
        done(f"{as_input} {option} --regress", capsys)
        assert seen[2][: len(cells), 1].tolist() == values


def test_a_way_is_one_for_the_whole_column() -> None:
    assert options_for("1,100", ["1,100", "12,5"], PLAIN) == ["--decimal , reads it"]
    assert options_for("1,100", ["1,100", "1,234,567"], PLAIN) == ["--thousands , reads it"]
    assert options_for("1,100", ["1,100"], PLAIN) == [
        "--thousands , reads it as 1100",
        "--decimal , reads it as 1.1",
    ]
    assert options_for("1,100", ["1,100", "a"], PLAIN) != []
    assert options_for("1,1", ["1,1", "1.1"], PLAIN) == []


@pytest.mark.parametrize(
    "cells",
    [
        ["<=50K", ">50K"],
        ["class 1", "class 2"],
        ["1st", "2nd", "3rd"],
        ["10-20", "20-30"],
        ["3 doors", "5 doors"],
        [f"T{i:03}" for i in range(30)],
        ["v1.0", "v1.5"],
        ["A,B", "B,C"],
        ["1,2,3", "2,3,4"],
        ["50K", "60K"],
        ["yes", "no"],
        ["$", "%"],
        ["(a)", "(b)"],
    ],
    ids=str,
)
def test_names_with_digits_are_no_numbers(
    cells: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert way_of(cells, PLAIN) is None
    done(f"train {with_target(cells)} --target y --epochs 1 --out net.safetensors", capsys)
    assert notes()["classes"] == sorted(cells)


def test_a_minus_sign_is_a_minus(capsys: pytest.CaptureFixture[str]) -> None:
    assert PLAIN.number("\N{MINUS SIGN}1.5") == -1.5
    name = with_target(["\N{MINUS SIGN}1.5", "2.5"])
    assert "as numbers" in done(f"train {name} --target y --epochs 1", capsys)


@pytest.mark.parametrize(
    ("numerals", "cell", "number"),
    [
        (Numerals(",", "."), "1.100", 1100.0),
        (Numerals(",", "."), "1.10", None),
        (Numerals(",", "."), "11.00", None),
        (Numerals(",", "."), "-1.234.567,5e-1", -123456.75),
        (Numerals(".", ","), "1234,567", None),
        (Numerals(".", ","), "0.1,000", None),
        (Numerals(","), "1.100", None),
        (Numerals(units=("$",)), "+$ 5", 5.0),
        (Numerals(units=("$",)), "$", None),
        (Numerals(units=("$",)), "--5", None),
        (Numerals(units=("k", "kg")), "5 kg", 5.0),
        (PLAIN, "1_0", None),
        (PLAIN, "1e999", None),
        (PLAIN, "nan", None),
    ],
)
def test_numerals(numerals: Numerals, cell: str, number: float | None) -> None:
    assert numerals.number(cell) == number


def test_the_decimal_sign_must_not_separate_thousands(capsys: pytest.CaptureFixture[str]) -> None:
    line = f"train {with_target(['1'])} --target y --decimal , --thousands ,"
    assert "--thousands and --decimal must differ" in refused(line, capsys)


@pytest.mark.parametrize(
    ("first", "is_header"),
    [
        (["red", "3,50", "x"], False),
        (["$300", "3%", "2020-01-01"], False),
        (["name", "50%", "75%"], True),
        (["name", "2020-01-01", "x"], True),
        (["a,b", "c,d", "e"], True),
    ],
)
def test_a_line_of_numbers_is_no_header(
    first: list[str], is_header: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [[f"{i % 2}", f"{i % 3}", f"{i % 4}"] for i in range(30)]
    line = f"train {table([first, *rows])} --epochs 1 --target"
    named = f"""{line} '"{first[2]}"' --header"""
    assert "30 samples" in done(named, capsys)
    message = refused(f"{line} nope", capsys)
    assert ("--header takes the first line as names" in message) == (not is_header)


def test_long_cells_take_no_long_time() -> None:
    # The square of their length would be minutes.
    for cell in ("a" * 200_000, "9" * 200_000, "1 " * 100_000, "$" * 200_000):
        assert options_for(cell, [cell, "1"], PLAIN) == []
        assert way_of([cell], PLAIN) in (None, cell)


# Labels


@pytest.mark.parametrize(
    "cells",
    [
        ["01000", "1000", "2000"],
        ["7", "007"],
        [str(2**53), str(2**53 + 1)],
        ["1.0", "1"],
        ["1e3", "1000"],
        ["-0", "0"],
        ["0", "1e-99999999999999999999"],
    ],
    ids=str,
)
@pytest.mark.filterwarnings("default")
def test_labels_are_texts(cells: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    name = with_target(cells)
    done(f"train {name} --target y --epochs 1 --classify --out net.safetensors", capsys)
    assert sorted(notes()["classes"]) == sorted(cells)
    assert sorted(foxnn.neural_network("net.safetensors").classes or []) == sorted(cells)
    answers = done(f"predict net.safetensors {name}", capsys).split()[1:]
    assert set(answers) <= set(cells)
    done(f"predict net.safetensors {name} --score", capsys)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("cells", "same"),
    [
        (["01000", "1000", "2000"], ("01000", "1000")),
        (["1", "2", "1.0"], ("1", "1.0")),
        (["-0", "3", "0"], ("-0", "0")),
        ([str(2**53), str(2**53 + 1)], None),
        (["1", "2", "-1"], None),
    ],
    ids=str,
)
def test_two_labels_that_are_one_number(
    cells: list[str], same: tuple[str, str] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    line = f"train {with_target(cells)} --target y --epochs 1 --out net.safetensors"
    if same is None:
        done(line, capsys)
        return
    # Whether they are two classes or one is not guessed.
    assert refused(line, capsys) == (
        f"foxnn: error: table.csv, line {2 + cells.index(same[1])}: column 'y' holds "
        f"'{same[1]}', which is also written '{same[0]}'; --classify takes all cells as classes, "
        "--regress as numbers\n"
    )
    assert not Path("net.safetensors").exists()
    assert run(f"{line} --regress") == 0
    assert capsys.readouterr().err == ""
    assert run(f"{line} --classify") == 0
    words = f"holds '{same[0]}' and '{same[1]}', the same number, as two"
    assert f"warning: table.csv: column 'y' {words} classes; write" in capsys.readouterr().err
    # Categories are told, too.
    assert run(f"{line.replace('--target y', '--target a')} --categorical y") == 0
    assert f"warning: table.csv: column 'y' {words} categories; write" in capsys.readouterr().err
    assert len(notes()["categories"]["y"]) == len(cells)


def test_whole_numbers_are_in_order() -> None:
    name = with_target(["10", "9", "100", "-1"])
    assert run(f"train {name} --target y --epochs 1 --out net.safetensors") == 0
    assert notes()["classes"] == ["-1", "9", "10", "100"]
    assert notes()["format"] == 2


@pytest.mark.parametrize(
    ("learnt", "asked", "knows"),
    [
        (["1", "2"], ["1.0", "2.0"], True),
        (["1.0", "2.0"], ["1", "2"], True),
        (["7", "8"], ["007", "8"], False),
        (["1000", "2000"], ["01000", "2000"], False),
    ],
)
def test_a_class_is_found_with_a_fraction_of_zero(
    learnt: list[str], asked: list[str], knows: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    done(f"train {with_target(learnt)} --target y --epochs 1 --out net.safetensors", capsys)
    line = f"predict net.safetensors {with_target(asked)} --score"
    if knows:
        done(line, capsys)
    else:
        assert f"holds the class {asked[0]!r}, which" in refused(line, capsys)


def test_notes_of_0_1_0_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    nn = foxnn.neural_network([2, 4, 2], "tanh", "softmax", seed=1)
    nn.notes = {
        "foxnn.table": {
            "inputs": ["a", "b"], "targets": ["y"], "classes": ["7", "8"], "header": True,
            "width": 3,
        }
    }  # fmt: skip
    nn.save("old.safetensors")
    # It wrote 7 for 007, and 8 for 8.0.
    name = with_target(["007", "8.0", "7"])
    answers = done(f"predict old.safetensors {name} --probabilities", capsys).splitlines()
    assert answers[0] == "y;y=7;y=8"
    x = np.array(NUMBERS, float)
    found = [[float(text) for text in line.split(";")[1:]] for line in answers[1:]]
    np.testing.assert_array_equal(np.array(found, np.float32), nn.predict(x))
    capsys.readouterr()
    assert run(f"predict old.safetensors {name} --score") == 0
    wanted = np.array([0, 1, 0] * 20)
    right = np.mean(nn.predict(x).argmax(axis=1) == wanted)
    assert f"accuracy {right:.4f} on 60" in capsys.readouterr().err
    assert "classes  7, 8" in done("info old.safetensors", capsys)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 3}, {"format": True}, {"format": 0}, {"categories": []}, {"missing": 3},
        {"categories": {"z": ["a"]}}, {"categories": {"a": []}}, {"categories": {"a": ["x", "x"]}},
        {"categories": {"a": ["x", "y"]}}, {"categories": {"a": [1]}}, {"missing": [1]},
    ],
    ids=str,
)  # fmt: skip
def test_notes_that_cannot_be(change: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    done(f"train {with_target(['p', 'q'])} --target y --epochs 1 --out net.safetensors", capsys)
    nn = foxnn.neural_network("net.safetensors")
    nn.notes = {"foxnn.table": nn.notes["foxnn.table"] | change}
    nn.save("net.safetensors")
    message = refused("predict net.safetensors table.csv", capsys)
    assert "the notes of the network" in message
    assert ("later version" in message) == (change.get("format") == 3)
    done("info net.safetensors", capsys)


def test_what_was_possible_is_noted_as_before(capsys: pytest.CaptureFixture[str]) -> None:
    done(f"train {with_target(['p', 'q'])} --target y --epochs 1 --out net.safetensors", capsys)
    assert set(notes()) == {"inputs", "targets", "classes", "header", "width"}


def test_the_network_has_the_classes(capsys: pytest.CaptureFixture[str]) -> None:
    name = with_target(["p", "q"])
    done(f"train {name} --target y --epochs 3 --seed 1 --out net.safetensors", capsys)
    nn = foxnn.neural_network("net.safetensors")
    assert nn.classes == ["p", "q"]
    # It goes on in Python with the labels of the table, and answers in them.
    x, y = np.array(NUMBERS, float), ["pq"[i % 2] for i in range(60)]
    assert nn.evaluate(x, y)["accuracy"] > 0
    nn.fit(x, y, 2)
    nn.save("net.safetensors")
    answers = done(f"predict net.safetensors {name}", capsys).split()[1:]
    assert answers == nn.predict_classes(x).tolist()
    # Labels that it was given since are those of the answers.
    nn.classes = ["no", "yes"]
    nn.save("net.safetensors")
    new = done(f"predict net.safetensors {name}", capsys).split()[1:]
    assert new == [{"p": "no", "q": "yes"}[answer] for answer in answers]
    assert "classes    no, yes" in done("info net.safetensors", capsys)
    # Files of early versions have them in the notes alone.
    nn.classes = None
    nn.save("net.safetensors")
    assert done(f"predict net.safetensors {name}", capsys).split()[1:] == answers
    done("train table.csv --target a --regress --epochs 1 --categorical y --out n.safetensors",
         capsys)  # fmt: skip
    assert foxnn.neural_network("n.safetensors").classes is None


# Categories


def cars(name: str = "cars.csv", rows: list[list[Any]] | None = None) -> str:
    return table([HEADER, *(CARS if rows is None else rows)], name)


TRAIN_CARS = "train cars.csv --target price --regress --ignore id --epochs 3 --seed 1 --hold-out 0"


def by_hand(rows: list[list[Any]]) -> np.ndarray:
    """Return the inputs of cars as the network has them."""
    return np.array(
        [
            [*(colour == name for name in ("blue", "green", "red")),
             *(str(used).lower() == name for name in ("false", "true")), float(doors)]
            for _, colour, used, doors, _ in rows
        ],
        float,
    )  # fmt: skip


def test_texts_and_booleans_are_categories(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = targets_seen(monkeypatch)
    cars()
    out = done(f"{TRAIN_CARS} --out net.safetensors", capsys)
    assert "inputs    3: colour, used, doors\n" in out
    assert "          as categories: colour (3), used (2)\n" in out
    np.testing.assert_array_equal(seen[0], by_hand(CARS))
    nn = foxnn.neural_network("net.safetensors")
    assert nn.sizes == [6, 32, 1]
    assert nn.input_names == [
        "colour=blue", "colour=green", "colour=red", "used=false", "used=true", "doors",
    ]  # fmt: skip
    assert notes()["categories"] == {
        "colour": ["blue", "green", "red"],
        "used": ["false", "true"],
    }
    _, *answers = done("predict net.safetensors cars.csv", capsys).splitlines()
    expected = nn.predict(by_hand(CARS))[:, 0]
    np.testing.assert_array_equal(np.array(answers, np.float32), expected)
    shown = done("info net.safetensors", capsys)
    assert "inputs      colour, used, doors\n" in shown
    assert "categories  colour (blue, green, red), used (false, true)\n" in shown


@pytest.mark.parametrize("method", ["standard", "minmax", "none"])
def test_categories_are_not_scaled(method: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row for i, row in enumerate(CARS) if row[1] != "blue" or i < 3]  # a rare colour
    cars(rows=rows)
    done(f"{TRAIN_CARS} --scale {method} --out net.safetensors", capsys)
    nn, x = foxnn.neural_network("net.safetensors"), by_hand(rows)
    doors = x[:, 5]
    if method == "none":
        assert (nn.input_scaler, nn.output_scaler) == (None, None)
        return
    assert nn.input_scaler is not None
    scaled = nn.input_scaler.transform(x)
    np.testing.assert_array_equal(scaled[:, :5], x[:, :5])
    wanted = (doors - doors.mean()) / doors.std() if method == "standard" else doors / doors.max()
    np.testing.assert_allclose(scaled[:, 5], wanted, rtol=1e-12, atol=1e-12)
    prices = np.array([row[4] for row in rows], float)[:, None]
    assert nn.output_scaler == foxnn.Scaler(method).fit(prices)
    # Classes are not scaled.
    line = TRAIN_CARS.replace("--target price --regress", "--target used")
    done(f"{line} --scale {method} --out net.safetensors", capsys)
    nn = foxnn.neural_network("net.safetensors")
    assert nn.input_scaler is not None
    assert nn.output_scaler is None


def test_categories_of_tables_without_a_header(capsys: pytest.CaptureFixture[str]) -> None:
    table([row[1:] for row in CARS], "bare.csv")
    line = "train bare.csv --target -1 --regress --epochs 1 --out net.safetensors --no-header"
    done(line, capsys)
    assert notes()["categories"] == {"1": ["blue", "green", "red"], "2": ["false", "true"]}
    assert foxnn.neural_network("net.safetensors").input_names is None
    table([row[1:4] for row in CARS], "inputs.csv")
    one = done("predict net.safetensors bare.csv --no-header", capsys)
    assert done("predict net.safetensors inputs.csv --no-header", capsys) == one
    assert len(one.splitlines()) == 60


@pytest.mark.filterwarnings("default")
def test_unseen_values_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    cars()
    done(f"{TRAIN_CARS} --out net.safetensors", capsys)
    news = [
        ["n1", "red", "TRUE", 3, 0],
        ["n2", "purple", "False", 4, 0],
        ["n3", "Red", "maybe", 5, 0],
        ["n4", "purple", "true", 5, 0],
    ]
    cars("new.csv", news)
    capsys.readouterr()
    assert run("predict net.safetensors new.csv") == 0
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "foxnn: warning: new.csv, line 3: column 'colour' holds 'purple', and 1 others, which the "
        "training has not seen; 3 cells treated as none of its categories (blue, green, red)",
        "foxnn: warning: new.csv, line 4: column 'used' holds 'maybe', which the training has not "
        "seen; 1 cell treated as none of its categories (false, true)",
    ]
    x = by_hand(news)
    assert x[1, :3].tolist() == [0, 0, 0]
    expected = foxnn.neural_network("net.safetensors").predict(x)[:, 0]
    np.testing.assert_array_equal(np.array(out.split()[1:], np.float32), expected)


def test_numbers_as_categories(capsys: pytest.CaptureFixture[str]) -> None:
    cars()
    line = f"{TRAIN_CARS} --out net.safetensors --categorical doors"
    done(line, capsys)
    assert notes()["categories"]["doors"] == [str(i) for i in range(7)]
    # A program may have made floats of them.
    rows = [[*row[:3], f"{row[3]}.0", row[4]] for row in CARS]
    first = done("predict net.safetensors cars.csv", capsys)
    cars("floats.csv", rows)
    assert done("predict net.safetensors floats.csv", capsys) == first
    assert "--categorical names 'price', which is not an input" in refused(
        f"{TRAIN_CARS} --categorical price", capsys
    )
    assert "no column 'colr'; did you mean" in refused(f"{TRAIN_CARS} --categorical colr", capsys)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1", "2", "x"], "line 4: column 'c' holds 'x', while other cells of it are numbers; "
         "--missing x takes it as missing, --categorical c takes all cells as categories"),
        (["x", "y", "1"], "line 2: column 'c' holds 'x', while other cells of it are numbers"),
        ([f"name {i}" for i in range(60)], "line 2: column 'c' holds 'name 0', which is not a "
         "finite number; the column has a different text on every line: --ignore c leaves it out"),
        ([f"name {i % 31}" for i in range(60)], "the column has 31 different texts on 60 lines"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("at_once", [6, 500_000])
def test_texts_that_are_no_categories(
    cells: list[str],
    message: str,
    at_once: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("foxnn.cli.tables._CELLS_AT_ONCE", at_once)
    rows = [[i % 2, cells[i % len(cells)]] for i in range(60)]
    line = f"train {table([['y', 'c'], *rows])} --target y --epochs 1 --out net.safetensors"
    assert message in refused(line, capsys)
    done(f"{line} --categorical c", capsys)
    assert len(notes()["categories"]["c"]) == len(set(cells))
    assert "no column left" in refused(f"{line} --ignore c", capsys)


def test_parts_of_a_table_make_no_difference(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cars()
    done(f"{TRAIN_CARS} --out a.safetensors", capsys)
    monkeypatch.setattr("foxnn.cli.tables._CELLS_AT_ONCE", 10)
    done(f"{TRAIN_CARS} --out b.safetensors", capsys)
    assert Path("a.safetensors").read_bytes() == Path("b.safetensors").read_bytes()


def test_a_name_that_two_inputs_would_have(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["xy"[i % 2], i % 3, i % 2] for i in range(30)]
    line = f"train {table([['c', 'c=x', 'y'], *rows])} --target y --epochs 1 --out net.safetensors"
    done(line, capsys)
    assert foxnn.neural_network("net.safetensors").input_names is None
    assert len(done("predict net.safetensors table.csv", capsys).split()) == 31


def test_the_notes_hold_one_width(capsys: pytest.CaptureFixture[str]) -> None:
    cars()
    done(f"{TRAIN_CARS} --out net.safetensors", capsys)
    found = columns.columns_of(foxnn.neural_network("net.safetensors"))
    assert found is not None
    assert len(found.names()) == foxnn.neural_network("net.safetensors").sizes[0]


# Missing cells


@pytest.mark.parametrize("marker", ["-999", "-999.0", "-9.99e2"])
def test_a_number_that_means_missing(marker: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["a", "b", "y"], *([*row, f"{i / 7}"] for i, row in enumerate(NUMBERS))]
    rows[4][1] = marker
    line = f"train {table(rows)} --target y --epochs 1 --missing=-999 --out net.safetensors"
    message = f"table.csv, line 5: column 'b' is missing ('{marker}'); --drop-missing leaves out"
    assert message in refused(line, capsys)
    assert "59 samples (1 more have" in done(f"{line} --drop-missing", capsys)
    assert notes()["missing"] == ["-999"]
    assert "missing    -999\n" in done("info net.safetensors", capsys)
    # The training has said it.
    assert message in refused("predict net.safetensors table.csv", capsys)
    assert len(done("predict net.safetensors table.csv --missing NA", capsys).split()) == 61


def test_what_means_missing_may_be_a_category(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [["country", "y"], *([["NA", "DE", "FR"][i % 3], i % 2] for i in range(60))]
    line = f"train {table(rows)} --target y --epochs 1 --out net.safetensors"
    message = refused(line, capsys)
    assert "cells are missing in line 2 ('country'), line 5 ('country')" in message
    assert "and 12 more; --drop-missing" in message
    done(f"{line} --missing -", capsys)
    assert notes()["categories"] == {"country": ["DE", "FR", "NA"]}
    rows[3][0] = ""
    assert "line 4: column 'country' is missing" in refused(
        f"train {table(rows)} --target y --missing ''", capsys
    )


@pytest.mark.filterwarnings("default")
def test_predict_says_which_cells_are_missing(capsys: pytest.CaptureFixture[str]) -> None:
    cars()
    done(f"{TRAIN_CARS} --out net.safetensors", capsys)
    rows = [[*row] for row in CARS[:6]]
    rows[1][3], rows[4][1], rows[4][2] = "", "?", "NA"
    cars("new.csv", rows)
    places = "line 3 ('doors'), line 6 ('colour', 'used')"
    assert f"new.csv: cells are missing in {places}; --drop" in refused(
        "predict net.safetensors new.csv", capsys
    )
    assert run("predict net.safetensors new.csv --drop-missing --keep id") == 0
    out, err = capsys.readouterr()
    assert err == f"foxnn: warning: new.csv: left out, with missing cells: {places}\n"
    whole = done("predict net.safetensors cars.csv --keep id", capsys).splitlines()
    assert out.splitlines() == [whole[i] for i in (0, 1, 3, 4, 6)]
    assert "no samples; 1 lines have missing" in refused(
        f"predict net.safetensors {cars('none.csv', [rows[1]])} --drop-missing", capsys
    )


# Columns that are kept


def test_columns_that_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [[*row] for row in CARS]
    rows[0][0], rows[1][0] = "", 'a;"b"'
    cars(rows=rows)
    done(f"{TRAIN_CARS} --out net.safetensors", capsys)
    plain = done("predict net.safetensors cars.csv", capsys).splitlines()
    out = done("predict net.safetensors cars.csv --keep price,id", capsys)
    found = list(csv.reader(io.StringIO(out), delimiter=";"))
    assert found[0] == ["price", "id", "predicted price"]
    assert [row[2] for row in found[1:]] == plain[1:]
    assert [row[:2] for row in found[1:]] == [[str(row[4]), row[0]] for row in rows]
    assert "no column 'idd'" in refused("predict net.safetensors cars.csv --keep idd", capsys)
    table([row[1:4] for row in CARS], "bare.csv")
    out = done("predict net.safetensors bare.csv --no-header --keep 1", capsys)
    assert out.splitlines()[0] == f"red;{plain[1]}"


# Files that are no text


def packed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def test_gzip_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    done(f"{TRAIN_CARS.replace('cars.csv', cars())} --out a.safetensors", capsys)
    text = Path("cars.csv").read_bytes()
    Path("cars.dat").write_bytes(packed(text))  # its first bytes say it, not its name
    out = done(f"{TRAIN_CARS.replace('cars.csv', 'cars.dat')} --out b.safetensors", capsys)
    assert "table     cars.dat (gzip), 60 samples\n" in out
    assert Path("a.safetensors").read_bytes() == Path("b.safetensors").read_bytes()
    Path("latin.gz").write_bytes(packed(text.replace(b"red", b"r\xe9d")))
    line = TRAIN_CARS.replace("cars.csv", "latin.gz")
    assert "this is not UTF-8 text" in refused(line, capsys)
    done(f"{line} --encoding latin-1", capsys)
    # Answers are written as gzip, too.
    done("predict a.safetensors cars.dat --out out.csv.gz", capsys)
    done("predict a.safetensors cars.csv --out out.csv", capsys)
    assert gzip.decompress(Path("out.csv.gz").read_bytes()) == Path("out.csv").read_bytes()


def test_gzip_from_standard_input(run_python: Callable[..., Any]) -> None:
    cars()
    Path("cars.gz").write_bytes(packed(Path("cars.csv").read_bytes()))
    program = (
        "import sys; sys.stdin = open('cars.gz', encoding='utf-8'); from foxnn import __main__; "
        f"code = __main__.main({shlex.split(TRAIN_CARS.replace('cars.csv', '-'))!r}); "
        "print(sys.stdin.closed, code)"
    )
    out = run_python(program).stdout
    assert "table     standard input (gzip), 60 samples" in out
    assert out.splitlines()[-1] == "False 0"


def test_broken_gzip(capsys: pytest.CaptureFixture[str]) -> None:
    cars()
    whole = packed(Path("cars.csv").read_bytes())
    for data in (whole[:-9], whole[:40], whole[:3], whole[:30] + bytes(20) + whole[50:]):
        Path("cars.gz").write_bytes(data)
        message = refused(TRAIN_CARS.replace("cars.csv", "cars.gz"), capsys)
        assert "cars.gz (gzip): the compressed data is broken or cut off" in message
    Path("cars.gz").write_bytes(packed(whole))
    assert "got gzip-compressed data" in refused(TRAIN_CARS.replace("cars.csv", "cars.gz"), capsys)


def archive(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as found:
        found.writestr(name, b"...")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (archive("[Content_Types].xml"), ["Excel", "save it as CSV"]),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(90), ["Excel", "save it as CSV"]),
        (b"PAR1\x15\x04" + bytes(90), ["Parquet", "pandas.read_parquet"]),
        (b"ARROW1\0\0" + bytes(90), ["Arrow", "CSV"]),
        (archive("table.csv"), ["a zip archive", "unpack"]),
        (bz2.compress(b"a,b\n1,2\n"), ["compressed", "unpack"]),
        (archive("x.npy"), ["NumPy", "savetxt"]),
        (b"\x89HDF\r\n\x1a\n" + bytes(90), ["HDF5", "no table"]),
        (b"SQLite format 3\0" + bytes(90), ["SQLite", "export"]),
        (b'[{"a": 1, "b": "x"}]', ["JSON", "read_json"]),
        (b"<!DOCTYPE html><html>", ["a web page"]),
        (b"\x80\x04\x95\x0a\0\0\0\0\0\0\0\x8c", ["pickle", "CSV"]),
        (b"version https://git-lfs.github.com/spec/v1\n", ["Git LFS", "git lfs pull"]),
        ("a,b\n1,x\n".encode("utf-16"), ["UTF-16 text", "--encoding utf-16 reads it"]),
        ("a,b\n1,x\n".encode("utf-16-le"), ["UTF-16 text", "--encoding utf-16-le reads it"]),
        ("a,b\n1,x\n".encode("utf-16-be"), ["UTF-16 text", "--encoding utf-16-be reads it"]),
        ("a,b\n1,x\n".encode("utf-32"), ["UTF-32 text", "--encoding utf-32 reads it"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
@pytest.mark.parametrize("inside", [False, True])
def test_files_that_are_no_text(
    data: bytes, words: list[str], inside: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file.csv").write_bytes(packed(data) if inside else data)
    message = refused("train file.csv --target b --epochs 1", capsys)
    assert message.startswith("foxnn: error: file.csv")
    for word in words:
        assert word in message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_the_encoding_that_is_named_reads_it(
    encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cars()
    Path("wide.csv").write_bytes(Path("cars.csv").read_text().encode(encoding))
    line = TRAIN_CARS.replace("cars.csv", "wide.csv")
    assert f"--encoding {encoding} reads it" in refused(line, capsys)
    assert "60 samples" in done(f"{line} --encoding {encoding}", capsys)


def test_a_network_is_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    foxnn.neural_network([2, 1], seed=1).save("net.safetensors")
    message = refused("train net.safetensors --target y", capsys)
    assert "expected a table in a text file (CSV), got a network" in message


@pytest.mark.parametrize("text", ["PAR1;b\n1;2\n", "x^2;b\n1;2\n", "collections;b\n1;2\n", "{;b\n"])
def test_odd_headers_are_text(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("odd.csv").write_text(text * 9, encoding="utf-8")
    message = refused("train odd.csv --target nope", capsys)
    assert "there is no column 'nope'" in message


@pytest.mark.parametrize("name", ["out.xlsx", "out.parquet", "out.safetensors", "out.onnx"])
def test_answers_are_text(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    cars()
    done(f"{TRAIN_CARS} --out net.safetensors", capsys)
    message = refused(f"predict net.safetensors cars.csv --out {name}", capsys)
    assert "--out must be the name of a text table (.csv, .csv.gz)" in message
    assert not Path(name).exists()


# The program


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run("--version")
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"foxnn {foxnn.__version__}\n"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train a.csv --target a --thousands x", "--thousands: must be one of ,, ., space"),
        ("train a.csv --target a --units ,", "--units: must be names separated by commas"),
        ("train a.csv --target a --missing '\"a'", "--missing: must be texts separated by commas"),
        ("predict a b --keep ''", "--keep: must be names separated by commas"),
    ],
)
def test_wrong_usage(line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(line)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_a_program_without_a_binary_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cars()
    monkeypatch.setattr(sys, "stdin", io.StringIO(Path("cars.csv").read_text()))
    assert "standard input, 60 samples" in done(TRAIN_CARS.replace("cars.csv", "-"), capsys)


def test_thousands_are_no_fractions(capsys: pytest.CaptureFixture[str]) -> None:
    rows = "\n".join(f"1.{i:03d};{i},5;{i}" for i in range(30))
    Path("de.csv").write_text(f"a;b;t\n{rows}\n", encoding="utf-8")
    line = ["train", "de.csv", "--target", "t", "--decimal", ",", "--epochs", "1"]
    assert __main__.main([*line, "--out", "net.safetensors"]) == 1
    assert "de.csv" in (printed := capsys.readouterr().err)
    assert "line 2" in printed
