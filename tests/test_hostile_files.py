"""Files that mean no good: every reader refuses them clearly, in little time and memory.

What fuzzing has once found stands in `data/hostile`, and in words here; `tests/fuzz` finds more.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn.__main__ import main
from foxnn.cli import tables
from fuzz import mutations, readers, seeds
from fuzz.claims import onnx_model

FINDINGS = sorted(seeds.RECORDS.glob("hostile/*"))
# Files of each kind, changed at random; `nox -s fuzz` tries as many as there is time for.
RUNS = {"network": 80, "samples": 250, "safetensors": 100, "weights": 100, "checkpoint": 50,
        "population": 60, "quantized": 60, "onnx": 40, "state": 250, "pickle": 500,
        "table": 150}  # fmt: skip
# Seconds of a processor, with room for slow ones: what is meant takes a second at most, and once
# took minutes.
LONG = 20.0

unix = pytest.mark.skipif(sys.platform == "win32", reason="no such files on Windows")


def needs(reader: str) -> None:
    if reader == "onnx":
        pytest.importorskip("onnx")


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: path.name)
def test_what_was_found(path: Path, tmp_path: Path) -> None:
    reader = path.name.split("-")[0]
    needs(reader)
    readers.check(reader, path.read_bytes(), tmp_path)


@pytest.mark.parametrize("reader", readers.READERS)
def test_good_files_and_changed_ones(reader: str, tmp_path: Path) -> None:
    needs(reader)
    good = seeds.seeds(reader)
    for data in good:
        readers.check(reader, data, tmp_path)
    draw = random.Random(7)
    for i in range(RUNS[reader]):
        data = draw.choice(good)
        for _ in range(draw.choice([1, 1, 2])):
            data = mutations.MUTATIONS[reader](data, draw)
        try:
            readers.check(reader, data, tmp_path)
        except Exception as error:
            (tmp_path / "broken").write_bytes(data)
            raise AssertionError(
                f"file {i} breaks a promise; it is {tmp_path / 'broken'}"
            ) from error


def test_the_checks_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = {reader: seeds.seeds(reader)[0] for reader in ("network", "safetensors")}
    with monkeypatch.context() as patch:
        patch.setattr(
            foxnn.neural_network, "predict", lambda self, x: np.random.default_rng().random(3)
        )
        with pytest.raises(readers.Broken, match="outputs of a copy"):
            readers.check("safetensors", good["safetensors"], tmp_path)

    def broken(*_: Any) -> None:
        raise IndexError("oh")

    monkeypatch.setattr(foxnn.formats.foxnn_text, "read_network", broken)
    with pytest.raises(IndexError):
        readers.check("network", good["network"], tmp_path)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("30e9223372036854775807", None), ("0.1e9223372036854775807", None),
        ("30e-9223372036854775807", 0.0), ("0.1e-9223372036854775808", 0.0),
        ("1e9223372036854775808", None), ("-1e-99999999999999999999", -0.0),
    ],
)  # fmt: skip
def test_exponents_that_no_integer_can_hold(word: str, value: float | None, tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_text(f"1\n1\n1\n{word}\n1\n")
    if value is None:
        with pytest.raises(foxnn.FileFormatError, match="line 4: expected a finite number"):
            foxnn.train_data(path)
    else:
        assert str(foxnn.train_data(path).get(0).input[0]) == str(value)


# What takes long, or much


def took(function: Callable[[], Any]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def test_many_layers(tmp_path: Path) -> None:
    count = 8_000
    text = b"relu\n0\n1\n2\n0.5\n0.25\n" * count
    head = seeds.seeds("network")[0].split(b"\n")[:16]
    path = tmp_path / "net.txt"
    path.write_bytes(b"\n".join([*head, b"%d" % count, text]))

    def there_and_back() -> None:
        nn = foxnn.neural_network(path)
        assert len(nn) == count
        nn.save(tmp_path / "net.safetensors")
        assert len(foxnn.neural_network(tmp_path / "net.safetensors")) == count

    assert took(there_and_back) < LONG / 2


def test_a_wide_table(tmp_path: Path) -> None:
    count = 20_000
    path = tmp_path / "wide.csv"
    names = [f"c{i}" for i in range(count)]
    path.write_text(",".join(names) + "\n" + ",".join(["1"] * count) + "\n")

    def read() -> None:
        with tables.opened(str(path), tables.TableFormat()) as table:
            assert table.read(table.named_columns()).numbers.shape == (1, count)
            with pytest.raises(tables.TableError, match="did you mean 'c999'"):
                table.find("c99999999")

    assert took(read) < LONG


def test_a_long_cell_and_a_long_name(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    for text in ("a,b\n1," + "x" * 100_000 + "\n", "a," + "b" * 100_000 + "\n1,x\n"):
        path.write_text(text)
        with (
            pytest.raises(tables.TableError) as caught,
            tables.opened(str(path), tables.TableFormat()) as table,
        ):
            table.read(table.named_columns())
        assert len(str(caught.value)) < 500 + len(str(path))


@unix
def test_a_table_that_never_ends() -> None:
    with (
        pytest.raises(tables.TableError, match="device"),
        tables.opened("/dev/zero", tables.TableFormat()),
    ):
        pass


def test_notes_with_a_long_key() -> None:
    nn = foxnn.neural_network([1, 1], seed=1)
    notes = {"k" * 1_000_000: list(range(200_000))}

    def keep() -> None:
        nn.notes = notes

    assert took(keep) < LONG
    with pytest.raises(ValueError, match=r"notes\['kkk.*\]\[1\] must be finite") as caught:
        nn.notes = {"k" * 1_000_000: [1, float("nan")]}
    assert len(str(caught.value)) < 500


def test_a_constant_that_is_worked_with_again_and_again(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    path = tmp_path / "net.onnx"
    nodes = [("Neg", [f"c{i}"], f"c{i + 1}") for i in range(200)]
    nodes += [("Add", ["x", "c200"], "z"), ("MatMul", ["z", "w"], "y")]
    path.write_bytes(onnx_model(nodes, {"c0": np.ones(100_000), "w": np.eye(3)}))
    with pytest.raises(foxnn.FileFormatError, match="at most 64 times the file"):
        foxnn.neural_network(path)


def test_weights_that_are_taken_again_and_again(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    path = tmp_path / "net.onnx"
    weights = np.eye(3).repeat(5000, axis=1), np.eye(3).repeat(5000, axis=0)
    nodes = []
    before = "x"
    for i in range(100):
        nodes += [("MatMul", [before, "w"], f"a{i}"), ("MatMul", [f"a{i}", "v"], f"b{i}")]
        before = f"b{i}"
    nodes[-1] = ("MatMul", ["a99", "v"], "y")
    path.write_bytes(onnx_model(nodes, {"w": weights[0], "v": weights[1]}))
    with pytest.raises(foxnn.FileFormatError, match="at most 64 times the file"):
        foxnn.neural_network(path)


def test_many_shifts_of_many_columns(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    path = tmp_path / "net.onnx"
    nodes = [("MatMul", ["x", "w"], "a0")]
    nodes += [("Add", [f"a{i}", "c"], f"a{i + 1}") for i in range(65)]
    nodes += [("MatMul", ["a65", "w"], "y")]
    path.write_bytes(onnx_model(nodes, {"w": np.eye(3), "c": np.ones(3)}))
    with pytest.raises(foxnn.FileFormatError, match="at most 64 shifts and factors in a row"):
        foxnn.neural_network(path)


def test_an_input_that_is_left_out_is_missed(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    path = tmp_path / "net.onnx"
    path.write_bytes((seeds.RECORDS / "hostile" / "onnx-where-without-condition").read_bytes())
    with pytest.raises(foxnn.FileFormatError, match=r"'b' \(Where\)"):
        foxnn.neural_network(path)


# Pickles


def test_a_layer_that_is_not_there() -> None:
    nn = foxnn.neural_network([2, 3], seed=1)
    for index in (1, -1, 10**6, 2**62):
        with pytest.raises(IndexError, match="there is no layer"):
            foxnn.layer._of(nn, index)
    nn = foxnn.neural_network([2, foxnn.Residual(3, 2)], seed=1)
    again, (_, path) = nn[0].layers[1].__reduce__()
    assert again(nn, path).output_shape == (2,)
    for path in ((1,), (0, 0), (0, 0, 2), (0, 2, 0), (0, 0, -1), (-1, 0, 0), (0, 0, 0, 0, 0)):
        with pytest.raises(IndexError, match="there is no layer"):
            again(nn, path)


@pytest.mark.parametrize(
    ("thing", "change", "message"),
    [
        (foxnn.Scaler(), {"method": "x"}, "method must be one of"),
        (foxnn.Scaler(), {"shift": "x"}, "shift must hold real numbers"),
        (foxnn.SGD(momentum=0.9), {"momentum": 7.0}, "momentum must be"),
        (foxnn.Adam(), {"epsilon": "x"}, "epsilon must be"),
        (foxnn.EarlyStopping(), {"patience": 0}, "patience must be"),
        (foxnn.schedules.step(2), {"every": -1}, "every must be"),
        (foxnn.schedules.warmup(2), {"then": 3}, "then must be"),
        (foxnn.neural_network([1, 1]).settings, {"n_threads": "x"}, "n_threads must be"),
        (foxnn.neural_network([1, 1]).settings, {"x": 1}, "there is no setting 'x'"),
        (foxnn.train_data([[1.0]], [[2.0]]), {"_size": 5}, "must hold inputs and outputs"),
        (foxnn.train_data([[1.0]], [[2.0]]), {"_x": [[1.0]]}, "must hold inputs and outputs"),
        (foxnn.train_data([[1.0]], [[2.0]]), {"_names": 3}, "must hold names"),
        (foxnn.History(), {"_values": {"loss": [1], "seconds": []}}, "as many numbers"),
        (foxnn.History(), {"_values": {"loss": [10**400]}}, "must hold numbers as 'loss'"),
        (foxnn.neural_network([1, 1]), {"_scalers": 3}, "_scalers belongs in the network"),
    ],
)  # fmt: skip
def test_states_that_are_not_right(thing: Any, change: dict[str, Any], message: str) -> None:
    state = {**(thing.__reduce_ex__(2)[2] or {}), **change}
    with pytest.raises((ValueError, TypeError), match=message):
        thing.__setstate__(state)
    for other in (None, [], {1: 2}):
        with pytest.raises(ValueError, match="must be a dict"):
            thing.__setstate__(other)


@pytest.mark.parametrize("dtype", ["a", "\udcff", "i9999999999", [], [[[]]], "float16", None])
def test_a_state_of_another_type(dtype: Any) -> None:
    function, (kind, state), _ = foxnn.neural_network([1, 1], seed=1).__reduce__()
    with pytest.raises((ValueError, TypeError), match="dtype must be"):
        function(kind, {**state, "dtype": dtype})


@pytest.mark.parametrize("lacking", ["shift", "method"])
def test_a_state_that_lacks_something(lacking: str) -> None:
    scaler = foxnn.Scaler().fit([[1.0], [2.0]])
    state = {name: value for name, value in vars(scaler).items() if name != lacking}
    with pytest.raises(ValueError, match=f"lacks {lacking}"):
        foxnn.Scaler().__setstate__(state)


# What a network says of tables

SAID = {"inputs": ["1", "2"], "targets": ["3"], "classes": None, "header": False, "width": 3}


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": ["1", "99999"]}, {"inputs": ["0", "1"]}, {"inputs": ["1", "x"]},
        {"inputs": ["1", "9" * 5000]}, {"inputs": ["1", "-1"]}, {"inputs": ["1", "\u0663"]},
        {"width": "3"}, {"width": 1}, {"header": 0}, {"classes": ["a"], "targets": []},
        {"targets": []}, {"inputs": "12"},
    ],
)  # fmt: skip
def test_notes_of_a_table_that_are_not_right(
    change: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def predicts(said: dict[str, Any]) -> int:
        nn = foxnn.neural_network([2, 1], seed=1)
        nn.notes = {"foxnn.table": said}
        nn.save(tmp_path / "net.safetensors")
        (tmp_path / "x.csv").write_text("1,2,3\n4,5,6\n")
        more = ["--probabilities"] if said["classes"] else []
        code = main(["predict", str(tmp_path / "net.safetensors"), str(tmp_path / "x.csv"), *more])
        assert main(["info", str(tmp_path / "net.safetensors")]) == 0
        return code

    assert predicts(SAID) == 0
    assert predicts({**SAID, "classes": ["a"]}) == 0
    capsys.readouterr()
    assert predicts({**SAID, **change}) == 1
    assert "foxnn: error: the notes of the network" in capsys.readouterr().err


def test_names_that_a_terminal_would_obey(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nn = foxnn.neural_network([2, 1], seed=1)
    nn.notes = {"\x1b]0;owned\x07": 1, "\ud800": 2, "na\u00efve": 3}
    nn.save(tmp_path / "net.safetensors")
    assert main(["info", str(tmp_path / "net.safetensors")]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\\x1b]0;owned\\x07, \\ud800, na\u00efve" in out
