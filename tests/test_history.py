"""History: what it holds, how it prints, compares, copies, and becomes a table of pandas."""

from __future__ import annotations

import copy
import io
import pickle
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn.training.progress import is_wanted


def history(epochs: int = 3) -> foxnn.History:
    made = foxnn.History()
    for epoch in range(epochs):
        made.add(loss=1 / (1 + epoch), accuracy=epoch / 10)
    return made


def test_it_is_a_mapping_of_lists() -> None:
    values = history()
    assert values["loss"] == [1.0, 0.5, 1 / 3]
    assert list(values) == ["loss", "accuracy"]
    assert len(values) == 2
    assert "val_loss" not in values
    with pytest.raises(KeyError, match="val_loss"):
        values["val_loss"]


def test_numbers_become_floats() -> None:
    values = foxnn.History()
    values.add(loss=np.float32(0.5), accuracy=1)
    assert [type(number) for name in values for number in values[name]] == [float, float]


@pytest.mark.parametrize(
    "other", [{"loss": 0.1}, {"loss": 0.1, "accuracy": 0.5, "val_loss": 0.1}, {"val_loss": 1}, {}]
)
def test_an_epoch_has_the_quantities_of_those_before(other: dict[str, float]) -> None:
    values = history()
    with pytest.raises(ValueError, match=r"values must be .* loss, accuracy; got") as caught:
        values.add(**other)
    assert str(caught.value).endswith(", ".join(other) or "none")
    assert values == history()


def test_a_value_that_is_no_number_adds_nothing() -> None:
    values = history()
    bad: Any = [0.1]
    with pytest.raises(TypeError):
        values.add(loss=0.1, accuracy=bad)
    assert values == history()


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda values: pickle.loads(pickle.dumps(values))]
)
def test_copies_are_equal_and_apart(copied: Callable[[foxnn.History], foxnn.History]) -> None:
    values = history()
    other = copied(values)
    assert type(other) is foxnn.History
    assert other == values
    assert list(other) == list(values)
    other.add(loss=0.1, accuracy=0.9)
    assert other != values
    assert values == history()


def test_equality_is_that_of_values() -> None:
    assert history(3) == history(3)
    assert history(3) != history(2)
    assert history(2) == {"loss": [1.0, 0.5], "accuracy": [0.0, 0.1]}
    assert history(0) == foxnn.History()
    assert history(0) != history(1)
    assert history(1) != "loss"


def test_one_line() -> None:
    assert repr(history(0)) == str(history(0)) == "History(0 epochs)"
    assert repr(history(1)) == "History(1 epoch; last: loss=1, accuracy=0)"
    assert repr(history(3)) == "History(3 epochs; last: loss=0.3333, accuracy=0.2)"


def test_printed_it_is_a_table() -> None:
    assert str(history(3)).splitlines() == [
        "epoch    loss  accuracy",
        "    0       1         0",
        "    1     0.5       0.1",
        "    2  0.3333       0.2",
    ]


@pytest.mark.parametrize("epochs", [12, 13, 1000])
def test_the_middle_of_a_long_table_is_left_out(epochs: int) -> None:
    rows = [line.split() for line in str(history(epochs)).splitlines()]
    numbers = [row[0] for row in rows[1:]]
    if epochs == 12:
        assert numbers == [str(epoch) for epoch in range(12)]
    else:
        ends = [*range(5), "...", *range(epochs - 5, epochs)]
        assert numbers == [str(number) for number in ends]
        assert rows[6] == ["...", "...", "..."]
    assert rows[-1][1] == f"{1 / epochs:.4g}"
    assert len({len(line) for line in str(history(epochs)).splitlines()}) == 1


def test_a_data_frame() -> None:
    pytest.importorskip("pandas")
    frame = history().to_pandas()
    assert frame.index.name == "epoch"
    assert frame.index.tolist() == [0, 1, 2]
    assert list(frame.columns) == ["loss", "accuracy"]
    assert frame["loss"].tolist() == [1.0, 0.5, 1 / 3]


def test_a_data_frame_of_nothing() -> None:
    pytest.importorskip("pandas")
    assert history(0).to_pandas().shape == (0, 0)


def test_a_data_frame_is_a_copy() -> None:
    pytest.importorskip("pandas")
    values = history()
    frame = values.to_pandas()
    frame.loc[0, "loss"] = 7.0
    assert values == history()


def test_without_pandas_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'pip install "foxnn\[pandas\]"'):
        history().to_pandas()


def test_plot_draws_on_the_axes_that_are_given() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, axes = pyplot.subplots(1, 2)
    assert history().plot(axes[1]) is axes[1]
    assert axes[1].lines[0].get_ydata().tolist() == history()["loss"]
    assert not axes[0].lines
    assert len(figure.axes) == 3  # with the twin of the accuracy


def test_plot_makes_axes_of_its_own() -> None:
    pytest.importorskip("matplotlib.pyplot")
    first, second = history().plot(), history().plot()
    assert first.figure is not second.figure


def test_notebooks_show_a_table() -> None:
    shown = history(20)._repr_html_()
    assert shown.count("<tr>") == 1 + 5 + 1 + 5
    assert "<th" in shown
    assert shown.count(">...<") == 3
    for cell in (">epoch<", ">loss<", ">0.3333<", ">19<"):
        assert cell in shown
    assert foxnn.History()._repr_html_() == "History(0 epochs)"
    odd = foxnn.History.of({"<script>": [1.0]})
    assert "<script>" not in odd._repr_html_()


class Shell:
    """Stands for IPython's shell, on a terminal or in a notebook."""

    def __init__(self, kernel: object) -> None:
        self.kernel = kernel


@pytest.mark.parametrize(
    ("shell", "expected"), [(Shell(3), True), (Shell(None), False), (None, False)]
)
def test_a_bar_in_notebooks(shell: Any, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert is_wanted(None) == expected
    assert is_wanted(False) is False
    monkeypatch.delitem(sys.modules, "IPython")
    assert is_wanted(None) is False


def test_histories_and_traces_are_what_they_say() -> None:
    with pytest.raises(ValueError, match="values must be lists of one length"):
        foxnn.History.of({"loss": [1.0], "accuracy": []})
    assert repr(foxnn.History.of({"loss": []})) == "History(0 epochs)"
    with pytest.raises(TypeError, match="loss must be a number, got 'x'"):
        foxnn.History().add(loss="x")
    with pytest.raises(ValueError, match=r"values must hold w\^1"):
        foxnn.Trace({"a^0": [1.0]}, [("tan_h", [])], "mse")
