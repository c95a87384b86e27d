"""Tables of pandas and Polars, and everything else that is like an array."""

from __future__ import annotations

import pickle
import tracemalloc
from typing import Any

import numpy as np
import pytest

import foxnn
from forced_runs import inputs, parameters, wanted

X, Y = inputs(30, 3), wanted(30, 2, "mse")
LABELS = wanted(30, 3, "cross_entropy").argmax(axis=1)
NAMES = ["length", "width", "height"]


def frame(library: str, values: Any, names: list[str]) -> Any:
    module = pytest.importorskip(library)
    return module.DataFrame(values, columns=names) if library == "pandas" else module.DataFrame(
        values, schema=names
    )  # fmt: skip


def series(library: str, values: Any) -> Any:
    return pytest.importorskip(library).Series(values)


def trained(x: Any, y: Any, output: str = "identity", **options: Any) -> foxnn.neural_network:
    nn = foxnn.neural_network([3, 5, 3 if output == "softmax" else 2], "tanh", output, seed=1)
    nn.fit(x, y, 2, 7, **options)
    return nn


libraries = pytest.mark.parametrize("library", ["pandas", "polars"])


@libraries
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, np.uint8])
def test_tables_are_their_numbers(library: str, kind: type) -> None:
    x = np.abs(X).astype(kind)
    table = frame(library, x, NAMES)
    by_table = trained(table, frame(library, Y, ["a", "b"]), validation=0.2)
    by_array = trained(x, Y, validation=0.2)
    assert parameters(by_table).tobytes() == parameters(by_array).tobytes()
    assert by_table.predict(table).tobytes() == by_array.predict(x).tobytes()
    assert by_table.get_out(table).tobytes() == by_array.get_out(x).tobytes()
    assert by_table.evaluate(table, frame(library, Y, ["a", "b"])) == by_array.evaluate(x, Y)
    assert by_table.gradient(table).tobytes() == by_array.gradient(x).tobytes()
    assert by_table.input_names == NAMES
    assert by_array.input_names is None


@libraries
def test_labels_and_weights_as_columns(library: str) -> None:
    counts = np.linspace(0.5, 1.5, 30)
    found = {
        parameters(trained(X, y, "softmax", sample_weight=weights)).tobytes()
        for y, weights in [
            (LABELS, counts),
            (series(library, LABELS), series(library, counts)),
        ]
    }
    assert len(found) == 1


@libraries
def test_data_of_foxnns_kind(library: str) -> None:
    data = foxnn.train_data(frame(library, X, NAMES), frame(library, Y, ["a", "b"]))
    data.add_data(frame(library, X, NAMES), frame(library, Y, ["a", "b"]))
    assert len(data) == 60
    assert data.get(30).input.tolist() == X[0].tolist()
    with pytest.raises(ValueError, match="input must have the columns seen before"):
        data.add_data(frame(library, X, NAMES[::-1]), Y)
    assert len(data) == 60
    data.add_data(X, Y)
    added = foxnn.train_data()
    added.add_data(frame(library, X, NAMES), Y)
    with pytest.raises(ValueError, match="input must have the columns seen before"):
        added.add_data(frame(library, X, ["a", "b", "c"]), Y)


@libraries
@pytest.mark.parametrize("names", [NAMES[::-1], ["length", "width", "depth"]])
def test_columns_must_be_those_of_fit(library: str, names: list[str]) -> None:
    nn = trained(frame(library, X, NAMES), Y)
    before, other = parameters(nn).tobytes(), frame(library, X, names)
    message = r"x must have the columns seen before, in their order \(length, width, height\)"
    for use in (
        lambda: nn.predict(other),
        lambda: nn.get_out(other),
        lambda: nn.gradient(other),
        lambda: nn.evaluate(other, Y),
        lambda: nn.fit(other, Y),
        lambda: nn.train_on_batch(other, Y),
    ):
        with pytest.raises(ValueError, match=message):
            use()
    assert (parameters(nn).tobytes(), nn.input_names) == (before, NAMES)
    # Arrays have no names to compare.
    nn.fit(X, Y, 1)
    assert nn.input_names == NAMES
    nn.input_names = None
    nn.fit(other, Y, 1)
    assert nn.input_names == names


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
@libraries
def test_the_validation_has_the_columns_of_the_training(library: str) -> None:
    nn = foxnn.neural_network([3, 2], seed=1)
    pair = frame(library, X, NAMES[::-1]), Y
    with pytest.raises(ValueError, match="the x of validation must have the columns seen before"):
        nn.fit(frame(library, X, NAMES), Y, 1, validation=pair)
    assert nn.input_names is None
    nn.fit(frame(library, X, NAMES), Y, 1, validation=(frame(library, X, NAMES), Y))


def test_names_go_along_with_a_copy() -> None:
    nn = trained(frame("pandas", X, NAMES), Y)
    assert pickle.loads(pickle.dumps(nn)).input_names == NAMES


@pytest.mark.parametrize(
    ("value", "error"), [(["a"], ValueError), ("abc", ValueError), ([1, 2, 3], TypeError)]
)
def test_names_that_cannot_be(value: Any, error: type[Exception]) -> None:
    nn = foxnn.neural_network([3, 2])
    with pytest.raises(error, match="input_names"):
        nn.input_names = value
    assert nn.input_names is None


@libraries
def test_texts_are_refused_by_their_column(library: str) -> None:
    values = {"length": [1.0, 2.0], "width": ["3", "4"], "height": [5.0, 6.0]}
    table = pytest.importorskip(library).DataFrame(values)
    nn = foxnn.neural_network([3, 2])
    with pytest.raises(TypeError, match=r"x must hold real numbers"):
        nn.predict(table)
    if library == "pandas":
        with pytest.raises(TypeError, match="column 'width' holds"):
            nn.predict(table)
        with pytest.raises(TypeError, match="column 'width' holds category"):
            nn.predict(table.astype({"width": "category"}))


def test_numbers_that_may_be_missing() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X[:2] * 128, columns=NAMES).astype("Int64")
    nn = foxnn.neural_network([3, 2], seed=1)
    assert nn.predict(table).tobytes() == nn.predict(X[:2] * 128).tobytes()
    table.loc[1, "width"] = pandas.NA
    with pytest.raises(
        ValueError, match="x must be finite in float32, got nan in sample 1, column 1"
    ):
        nn.predict(table)
    flags = pandas.DataFrame({"a": [True, False], "b": [1, 2], "c": [0.5, 1.5]})
    assert nn.predict(flags).tobytes() == nn.predict([[1, 1, 0.5], [0, 2, 1.5]]).tobytes()


def test_columns_without_names() -> None:
    pandas = pytest.importorskip("pandas")
    assert trained(pandas.DataFrame(X), Y).input_names is None
    labels = pandas.Series(LABELS, index=LABELS[::-1], name="class")
    first, second = trained(X, labels, "softmax"), trained(X, LABELS, "softmax")
    assert parameters(first).tobytes() == parameters(second).tobytes()


# Other things that are like arrays


class Sensor:
    """Something with __array__ and nothing else."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.values if dtype is None else self.values.astype(dtype)


@pytest.mark.parametrize(
    "form",
    [
        Sensor,
        lambda x: memoryview(np.ascontiguousarray(x)),
        lambda x: np.asfortranarray(x),
        lambda x: x.astype(">f8"),
        lambda x: x.astype(np.float16),
        lambda x: np.lib.stride_tricks.as_strided(x, x.shape, x.strides, writeable=False),
        lambda x: np.ma.masked_array(x),
        lambda x: np.asmatrix(x),
    ],
)
@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_forms_of_arrays(form: Any) -> None:
    x = np.round(X * 4) / 4  # float16 holds them
    first, second = trained(form(x), Y), trained(x, Y)
    assert parameters(first).tobytes() == parameters(second).tobytes()
    assert second.predict(form(x)).tobytes() == second.predict(x).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("x", lambda nn, x, y: nn.predict(x)),
        ("x", lambda nn, x, y: nn.get_out(x[3])),
        ("x", lambda nn, x, y: nn.train_on_batch(x, Y)),
        ("y", lambda nn, x, y: nn.train_on_batch(X, y)),
        ("x", lambda nn, x, y: nn.backward(x, Y)),
        ("gradient", lambda nn, x, y: nn.backward(X, y)),
        ("x", lambda nn, x, y: nn.fit(x, Y)),
        ("y", lambda nn, x, y: nn.fit(X, y)),
    ],
)
def test_masked_numbers_are_refused(name: str, call: Any, dtype: str) -> None:
    """They are, too, where the engine reads arrays of the network's type without a conversion."""
    x, y = np.ma.masked_array(X.astype(dtype)), np.ma.masked_array(Y.astype(dtype))
    x[3, 1] = y[3, 1] = np.ma.masked
    nn = foxnn.neural_network([3, 2], "tanh", dtype=dtype, seed=1)
    before = parameters(nn).tobytes()
    with pytest.raises(ValueError, match=f"{name} must not be masked, got 1 masked number"):
        call(nn, x, y)
    assert parameters(nn).tobytes() == before


@pytest.mark.parametrize("count", [3, 100])
def test_masked_steps_and_long_samples_are_refused(count: int) -> None:
    x = np.ma.masked_array(np.ones(count, np.float32))
    plain = foxnn.neural_network([count, 2], seed=1)
    stream = foxnn.neural_network([(None, count), foxnn.RNN(2), 1], seed=1).stream()
    np.testing.assert_array_equal(plain.get_out(x), plain.get_out(x.data))
    x[1] = np.ma.masked
    for read in (plain.get_out, stream):
        with pytest.raises(ValueError, match="x must not be masked, got 1 masked number"):
            read(x)


@pytest.mark.parametrize("library", ["numpy", "pandas"])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.uint8])
def test_no_copy_where_none_is_needed(library: str, kind: type) -> None:
    x = np.zeros((100_000, 50), kind)
    y = np.zeros((100_000, 1), np.float32)
    if library == "pandas":
        # A table of one type over rows that are neighbours in memory.
        x = pytest.importorskip("pandas").DataFrame(x, copy=False)
    nn = foxnn.neural_network([50, 4, 1], seed=1)
    nn.fit(x[:10], y[:10], 1)
    tracemalloc.start()
    try:
        nn.fit(x, y, 1, 1000, progress=False)
        nn.evaluate(x, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < x.size * np.dtype(kind).itemsize // 4
