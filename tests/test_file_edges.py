"""Edges of files, checkpoints and the command line that a review has found wrong."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from forced_runs import inputs, parameters, wanted
from foxnn.__main__ import main

X, Y = inputs(60, 3), wanted(60, 1, "mse")


def network(**options: Any) -> foxnn.neural_network:
    return foxnn.neural_network([3, 4, 1], "tanh", "identity", **{"seed": 1, **options})


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# Scalers that a user has filled


@pytest.mark.parametrize(
    "form",
    [
        lambda values: values.astype(np.float32),
        lambda values: values.tolist(),
        lambda values: np.ceil(np.abs(values) + 1).astype(np.int64),
        lambda values: [int(v) + 3 for v in values],
    ],
)
def test_a_scaler_set_by_hand_comes_back(form: Any) -> None:
    nn, scaler = network(), foxnn.Scaler()
    scaler.shift, scaler.scale = form(X.mean(axis=0) + 3), form(X.std(axis=0) + 1)
    nn.input_scaler = scaler
    expected = nn.predict(X)
    nn.save("net.safetensors")
    nn.save("net.txt")
    for again in (
        foxnn.neural_network("net.safetensors"), copy.deepcopy(nn), pickle.loads(pickle.dumps(nn)),
    ):  # fmt: skip
        assert again.predict(X).tobytes() == expected.tobytes()
        assert again.input_scaler == nn.input_scaler
    assert foxnn.neural_network("net.txt").predict(X) == pytest.approx(expected, abs=1e-5)


# Checkpoints


@pytest.mark.filterwarnings("ignore::foxnn.ConvergenceWarning")
def test_notes_may_change_while_a_checkpoint_is_written() -> None:
    nn = network()
    nn.notes = {f"k{i}": list(range(50)) for i in range(300)}

    def note(epoch: int, logs: dict[str, float]) -> None:
        nn.notes[f"e{epoch}"] = epoch

    nn.fit(X, Y, 40, callbacks=note, checkpoint="run.safetensors")
    assert foxnn.neural_network("run.safetensors").notes == nn.notes


def test_what_no_checkpoint_could_hold_is_said_before_the_training() -> None:
    nn = network()
    nn.notes["bad"] = np.float32(1)
    before = parameters(nn).tobytes()
    with pytest.raises(TypeError, match="notes"):
        nn.fit(X, Y, 3, checkpoint="run.safetensors")
    assert parameters(nn).tobytes() == before
    for every in (0, "x"):
        with pytest.raises((ValueError, TypeError), match="checkpoint_every must be a"):
            nn.fit(X, Y, 2, checkpoint_every=every)  # type: ignore[arg-type]


# C headers


def test_header_and_self_test_are_of_one_network() -> None:
    network().export_c("net.h")
    before = Path("net.h").read_bytes()
    Path("net_test.c").unlink()
    Path("net_test.c").mkdir()
    with pytest.raises(OSError, match=r"net_test.c"):
        network(seed=2).export_c("net.h")
    assert Path("net.h").read_bytes() == before


@pytest.mark.parametrize("name", ["my-net.h", "1net.h", "taken.h"])
def test_a_header_that_cannot_be_is_refused_before_the_training(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("taken_test.c").mkdir()
    rows = "\n".join(f"{a},{b},{a + b}" for a in range(6) for b in range(6))
    Path("sums.csv").write_text(f"a,b,sum\n{rows}\n", encoding="utf-8")
    assert main(["train", "sums.csv", "--target", "sum", "--epochs", "1", "--out", name]) == 1
    printed = capsys.readouterr()
    assert "error" in printed.err
    assert "epoch" not in printed.out
    assert not Path(name).exists()


# FoxNN's interface


def test_auto_save_says_before_the_training_what_it_could_not_write() -> None:
    nn = foxnn.neural_network([3, 4, 1], "tanh", seed=1)
    nn.output_scaler = foxnn.Scaler().fit(Y)
    nn.settings.auto_save_name_file, nn.settings.auto_save_iteration = "auto.txt", 2
    before = parameters(nn).tobytes()
    with pytest.raises(ValueError, match="output_scaler only for identity_x"):
        nn.train(foxnn.train_data(X, Y), 0.001, 5)
    assert parameters(nn).tobytes() == before


def test_columns_are_those_of_fit_in_data_and_rows_too() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=list("abc"))
    nn = network()
    nn.fit(table, Y, 1)
    swapped = table[["c", "b", "a"]]
    data = foxnn.train_data(swapped, Y)
    for use in (
        lambda: nn.train(data, 0.01, 2, 5),
        lambda: nn.testing(data.get_part(10)),
        lambda: nn.get_out(swapped.iloc[0]),
        lambda: nn.gradient(swapped.iloc[0]),
    ):
        with pytest.raises(ValueError, match="must have the columns seen before"):
            use()
    assert nn.get_out(table.iloc[0]).tobytes() == nn.get_out(X[0]).tobytes()
    nn.train(foxnn.train_data(table, Y), 0.01, 2, 5)


def test_a_name_of_two_columns() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="different names, got 'a' twice"):
        network().fit(pandas.DataFrame(X, columns=["a", "a", "b"]), Y, 1)


# The command line


def test_thousands_are_no_fractions(capsys: pytest.CaptureFixture[str]) -> None:
    rows = "\n".join(f"1.{i:03d};{i},5;{i}" for i in range(30))
    Path("de.csv").write_text(f"a;b;t\n{rows}\n", encoding="utf-8")
    line = ["train", "de.csv", "--target", "t", "--decimal", ",", "--epochs", "1"]
    assert main([*line, "--out", "net.safetensors"]) == 1
    assert "de.csv" in (printed := capsys.readouterr().err)
    assert "line 2" in printed


def test_a_note_of_ones_own_called_table(capsys: pytest.CaptureFixture[str]) -> None:
    nn = network()
    nn.notes = {"table": "customers", "foxnn.table": 3}
    nn.save("net.safetensors")
    assert main(["info", "net.safetensors"]) == 0
    assert "table" in capsys.readouterr().out


# scikit-learn


@pytest.mark.parametrize(
    ("y", "y_val"),
    [
        ([0, 1] * 30, [5, 6] * 30),
        ([0, 1] * 30, ["a"] * 60),
        (["n", "y"] * 30, ["no", "yes"] * 30),
        ([0, 1, 2] * 20, [0, 1, 3] * 20),
        (np.eye(2, dtype=int)[[0, 1] * 30], [0, 1] * 30),
    ],
)
def test_labels_to_validate_on_are_known_ones(y: Any, y_val: Any) -> None:
    pytest.importorskip("sklearn")
    from foxnn.sklearn import MLPClassifier

    model = MLPClassifier((4,), max_iter=2, random_state=0, early_stopping=True)
    with pytest.raises(ValueError, match="y_val"):
        model.fit(X, np.array(y), X_val=X, y_val=np.array(y_val))
