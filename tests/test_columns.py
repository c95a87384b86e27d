"""Columns that hold no plain numbers: taken, or refused with a remedy; labels; sparse matrices."""

from __future__ import annotations

import copy
import datetime
import pickle
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import small_runs

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")


def test_numbers_in_columns_of_objects_are_numbers() -> None:
    nn = foxnn.neural_network([2, 4, 1], seed=1)
    wanted = nn.predict([[1.5, 2.0], [0.25, 4.0]])
    for first in (
        [Decimal("1.5"), Decimal("0.25")],
        [Fraction(3, 2), 0.25],
        [np.float32(1.5), np.float64(0.25)],
    ):
        column = np.empty(2, object)
        column[:] = first
        rows = np.stack([column, np.array([2, 4], object)], axis=1)
        for x in (
            rows,
            rows.tolist(),
            pandas.DataFrame(rows),
            pandas.DataFrame({"a": column, "b": [2, 4]}),
        ):
            assert nn.predict(x).tobytes() == wanted.tobytes()
    table = polars.DataFrame({"a": [Decimal("1.5"), Decimal("0.25")], "b": [2, 4]})
    assert nn.predict(table).tobytes() == wanted.tobytes()


@pytest.mark.parametrize("library", [pandas, polars])
def test_a_missing_number_is_named_by_its_column(library: Any) -> None:
    nn = foxnn.neural_network([2, 4, 1], seed=1)
    missing = r"got nan in sample 1, column 1 \('age'\); fill in"
    for table in (
        library.DataFrame({"a": [1.0, 2.0], "age": [1.0, None]}),
        library.DataFrame({"a": [True, False], "age": [True, None]}),
    ):
        fit = lambda t: nn.fit(t, [[1.0], [0.0]], 1)  # noqa: E731
        for call in (nn.predict, nn.get_out, nn.gradient, nn.layer_outputs, fit):
            with pytest.raises(ValueError, match=missing):
                call(table)


@pytest.mark.parametrize("library", [pandas, polars])
def test_a_missing_target_is_named_by_its_column(library: Any) -> None:
    x, price = [[1.0, 0.0], [0.0, 1.0]], [1.0, float("nan")]
    for outputs, y, place in (
        (2, library.DataFrame({"area": [1.0, 2.0], "price": price}), r"column 1 \('price'\)"),
        (1, library.DataFrame({"price": price}), r"column 0 \('price'\)"),
        (1, library.DataFrame({"price": price})["price"], r"column 0 \('price'\)"),
        (1, np.array(price), "column 0"),
    ):
        nn = foxnn.neural_network([2, outputs], "identity", seed=1)
        held_out = lambda y, n=nn: n.fit(x, n.predict(x), 1, validation=(x, y))  # noqa: E731
        for call in (lambda y, n=nn: n.fit(x, y, 1), nn.evaluate, nn.train_on_batch, held_out):
            given = (x, y) if call in (nn.evaluate, nn.train_on_batch) else (y,)
            with pytest.raises(ValueError, match=f"y .*got nan in sample 1, {place}; fill in"):
                call(*given)


def test_missing_numbers_among_objects_and_nullable_columns() -> None:
    nn = foxnn.neural_network([2, 4, 1], seed=1)
    objects = np.array([1, None], object)
    nullable = pandas.array([1, None], "Int64")
    for a, b in ((objects, [1, 2]), (nullable, [1, 2]), (nullable, np.array([1, 2], object))):
        with pytest.raises(ValueError, match=r"nan in sample 1, column 0 \('a'\)"):
            nn.predict(pandas.DataFrame({"a": a, "b": b}))


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (["1.5", "2"], "column 'a' holds '1.5' .*: convert it, as pandas.to_numeric does"),
        (["x", "2"], "column 'a' holds 'x' .*: leave it out or encode it"),
        (pandas.array(["x", "y"], "string"), "column 'a' holds 'x' .*: leave it out or encode"),
        (pandas.Categorical([1, 2]), "column 'a' holds category: leave it out or encode"),
        (pandas.to_datetime(["2020-01-01", "2020-01-02"]), "column 'a' holds datetime.* seconds"),
        (pandas.to_timedelta([1, 2], unit="s"), "column 'a' holds timedelta.*: turn it into"),
        ([1j, 2j], "column 'a' holds complex128: divide it"),
        (polars.Series(["x", "y"]), "column 'a' holds 'x' .*: leave it out or encode it"),
        (polars.Series([datetime.date(2020, 1, 1)] * 2), "column 'a' holds Date: turn it into"),
        (polars.Series([datetime.timedelta(1)] * 2), "column 'a' holds Duration.*: turn it into"),
        (polars.Series(["x", "y"], dtype=polars.Categorical), "column 'a' holds Categorical"),
    ],
)
def test_a_column_that_holds_no_numbers_has_a_remedy(column: Any, said: str) -> None:
    nn = foxnn.neural_network([2, 4, 1], seed=1)
    library = polars if isinstance(column, polars.Series) else pandas
    with pytest.raises(TypeError, match=f"x must hold real numbers, but {said}"):
        nn.predict(library.DataFrame({"a": column, "b": [1.0, 2.0]}))


def test_what_stands_in_arrays_has_a_remedy() -> None:
    nn = foxnn.neural_network([2, 4, 1], seed=1)
    for x, said in (
        ([["1", "2"]], "convert it"),
        ([[1.0, "x"]], "leave it out or encode it"),
        (np.array([["2020-01-01"] * 2], "M8[D]"), "seconds"),
        ([[Decimal(1), {}]], "got {} in sample 0, column 1"),
        ([[Decimal(1), None]], "got None in sample 0, column 1"),
    ):
        with pytest.raises(TypeError, match=said):
            nn.predict(x)
    for x, said in (
        ([[10**400, Decimal(1)]], "numbers that float64 can hold"),
        ([[1e39, 1.0]], "got 1e.39 in sample 0, column 0; scale the column, or .*float64"),
        ([1.0, 2.0], r"got \(2,\); a single sample is \[x\]"),
    ):
        with pytest.raises(ValueError, match=said):
            nn.fit(x, [[1.0]], 1)
    with pytest.raises(ValueError, match=r"one column is x.reshape\(-1, 1\)"):
        foxnn.neural_network([1, 1]).predict([1.0, 2.0, 3.0])


def test_a_column_of_labels_is_labels() -> None:
    x = np.linspace(-1, 1, 24).reshape(12, 2)
    labels = np.arange(12) % 3
    columns = (
        labels[:, None],
        labels[:, None].astype(float),
        labels[:, None].astype(object),
        labels[:, None].tolist(),
        pandas.DataFrame({"label": labels}),
        polars.DataFrame({"label": labels}),
    )
    for y in columns:
        nn, same = (foxnn.neural_network([2, 4, 3], "tanh", "softmax", seed=1) for _ in range(2))
        assert nn.fit(x, y, 2)["loss"] == same.fit(x, labels, 2)["loss"]
        assert nn.evaluate(x, y) == same.evaluate(x, labels)
        assert nn.train_on_batch(x, y) == same.train_on_batch(x, labels)
    with pytest.raises(ValueError, match="class labels in y must be whole numbers from 0 to 2"):
        nn.fit(x, labels[:, None] + 1)
    with pytest.raises(ValueError, match=r"\(12, 1\) \(a column of class labels needs"):
        foxnn.neural_network([2, 3]).fit(x, labels[:, None])


def test_sparse_matrices_give_what_dense_ones_do() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    x = np.random.default_rng(0).normal(size=(50, 6)) * (np.arange(300).reshape(50, 6) % 7 == 0)
    y = np.arange(50) % 3
    for dtype in ("float32", "float64"):
        nn = foxnn.neural_network([6, 5, 3], "tanh", "softmax", seed=1, dtype=dtype)
        wanted = nn.predict(x)
        for kind in ("csr_array", "csc_matrix", "coo_array", "lil_matrix", "dok_array"):
            given = getattr(sparse, kind)(x)
            assert nn.predict(given).tobytes() == wanted.tobytes()
            assert nn.get_out(given).tobytes() == wanted.tobytes()
            assert nn.evaluate(given, y) == nn.evaluate(x, y)
        given, same = sparse.csr_matrix(x), copy.deepcopy(nn)
        settings: Any = {"epochs": 3, "validation": 0.2}
        assert nn.fit(given, y, **settings)["loss"] == same.fit(x, y, **settings)["loss"]
        assert nn.predict(given).tobytes() == same.predict(x).tobytes()
        assert nn.train_on_batch(given[:5], y[:5]) == same.train_on_batch(x[:5], y[:5])
    counts = sparse.csr_matrix((x != 0).astype("i8"))
    assert nn.predict(counts).tobytes() == nn.predict(counts.toarray()).tobytes()
    given.data[0] = np.nan
    with pytest.raises(ValueError, match="got nan in sample 0, column 0"):
        nn.fit(given, y)
    with pytest.raises(ValueError, match=r"shape \(samples, 6\), got \(50, 5\)"):
        nn.predict(given[:, :5])
    with pytest.raises(TypeError, match="x must hold real numbers"):
        nn.predict(sparse.csr_matrix(x.astype(complex)))


def test_columns_are_those_of_fit_in_data_and_rows_too() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(small_runs.ROWS, columns=list("abc"))
    nn = small_runs.single()
    nn.fit(table, small_runs.COLUMN, 1)
    swapped = table[["c", "b", "a"]]
    data = foxnn.train_data(swapped, small_runs.COLUMN)
    for use in (
        lambda: nn.train(data, 0.01, 2, 5),
        lambda: nn.testing(data.get_part(10)),
        lambda: nn.get_out(swapped.iloc[0]),
        lambda: nn.gradient(swapped.iloc[0]),
    ):
        with pytest.raises(ValueError, match="must have the columns seen before"):
            use()
    assert nn.get_out(table.iloc[0]).tobytes() == nn.get_out(small_runs.ROWS[0]).tobytes()
    nn.train(foxnn.train_data(table, small_runs.COLUMN), 0.01, 2, 5)


def test_a_name_of_two_columns() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="different names, got 'a' twice"):
        small_runs.single().fit(
            pandas.DataFrame(small_runs.ROWS, columns=["a", "a", "b"]), small_runs.COLUMN, 1
        )


def tables_of(library: Any, names: str = "abc") -> list[Any]:
    rng = np.random.default_rng(0)
    return [library.DataFrame({name: rng.normal(size=n) for name in names}) for n in (4, 2, 6)]


def reader(steps: bool = False) -> foxnn.neural_network:
    return foxnn.neural_network([(None, 3), foxnn.GRU(4, return_sequences=steps), foxnn.Dense(2)])


@pytest.mark.parametrize("library", [pandas, polars])
def test_columns_of_sequences_are_those_of_fit(library: Any, tmp_path: Path) -> None:
    x, nn = tables_of(library), reader()
    y = np.arange(6.0).reshape(3, 2) / 6
    nn.fit(x, y, 1)
    assert nn.input_names == ["a", "b", "c"]
    nn.save(tmp_path / "nn.safetensors")
    swapped = [x[0], x[1][["c", "b", "a"]], x[2]]
    for again in (
        nn,
        copy.deepcopy(nn),
        pickle.loads(pickle.dumps(nn)),
        foxnn.neural_network(tmp_path / "nn.safetensors"),
    ):
        assert again.input_names == ["a", "b", "c"]
        for call in (
            again.predict,
            again.get_out,
            again.gradient,
            again.layer_outputs,
            lambda x: again.evaluate(x, y),  # noqa: B023
            lambda x: again.train_on_batch(x, y),  # noqa: B023
            lambda x: again.fit(x, y, 1),  # noqa: B023
            lambda t: again.fit(x, y, 1, validation=(t, y)),  # noqa: B023
        ):
            with pytest.raises(ValueError, match=r"\[1\] must have the columns seen .*got c, b"):
                call(swapped)
        for alone in (again.get_out, again.gradient, again.stream()):
            with pytest.raises(ValueError, match="x must have the columns seen before"):
                alone(swapped[1])
            alone(x[1])
        arrays = [one.to_numpy() for one in x]
        assert again.predict(arrays).tobytes() == again.predict(x).tobytes()


@pytest.mark.parametrize("library", [pandas, polars])
def test_sequences_of_one_list_have_the_same_columns(library: Any) -> None:
    x, nn, y = tables_of(library), reader(), np.ones((3, 2))
    swapped = [x[0].to_numpy(), x[1], x[2][["b", "a", "c"]]]
    message = r"x\[2\] must have the columns of x\[1\], in their order \(a, b, c\), got b, a, c"
    for call in (nn.predict, lambda x: nn.fit(x, y, 1)):
        with pytest.raises(ValueError, match=message):
            call(swapped)
    with pytest.raises(ValueError, match=r"the x of validation\[0\] must have the columns seen"):
        nn.fit(x, y, 1, validation=([x[0][["c", "b", "a"]]], y[:1]))
    assert nn.input_names is None
    nn.fit([one.to_numpy() for one in x], y, 1)
    assert nn.input_names is None


@pytest.mark.parametrize("library", [pandas, polars])
def test_columns_of_sequences_of_one_length(library: Any) -> None:
    x = [table[:2] for table in tables_of(library)]
    swapped = [x[0], x[1][["c", "b", "a"]], x[2]]
    nn = foxnn.neural_network([(2, 3), foxnn.GRU(4), 1], seed=1)
    with pytest.raises(ValueError, match=r"x\[1\] must have the columns of x\[0\], in their order"):
        nn.fit(swapped, np.ones((3, 1)), 1)
    nn.fit(x, np.ones((3, 1)), 1, scale="standard")
    assert nn.input_names == ["a", "b", "c"]
    again = pickle.loads(pickle.dumps(nn))
    for call in (again.predict, again.get_out, again.gradient, again.layer_outputs):
        with pytest.raises(ValueError, match=r"x\[1\] must have the columns seen before"):
            call(swapped)
        call(x)
    with pytest.raises(ValueError, match="x must have the columns seen before"):
        again.get_out(swapped[1])
    assert again.get_out(x[1]).tobytes() == again.predict(x)[1].tobytes()
    # Flat tables have a name for each input.
    nn.input_names = None
    names = [f"{name}{step}" for step in range(2) for name in "abc"]
    flat = library.DataFrame({name: [float(i), 0.0] for i, name in enumerate(names)})
    nn.fit(flat, np.ones((2, 1)), 1)
    assert pickle.loads(pickle.dumps(nn)).input_names == names
    with pytest.raises(ValueError, match="input_names must be 6 or 3 names"):
        nn.input_names = ["a"]


def test_a_coarse_channel_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = [pandas.DataFrame(rng.normal(size=(2, 3)) + [0, 1e9, 0], columns=list("abc"))] * 3
    nn = foxnn.neural_network([(2, 3), foxnn.GRU(4), 1], seed=1)
    nn.fit([one + rng.normal(size=(2, 3)) for one in x], np.ones((3, 1)), 1, scale="standard")
    with pytest.warns(UserWarning, match="too coarse for columns 'b', 'b'"):
        nn.save(tmp_path / "nn.onnx")


def test_names_of_sequences_are_those_of_the_channels() -> None:
    nn = reader(steps=True)
    nn.input_names = ["a", "b", "c"]
    assert pickle.loads(pickle.dumps(nn)).input_names == ["a", "b", "c"]
    with pytest.raises(ValueError, match="input_names must be 3 names, got"):
        nn.input_names = ["a"] * 6
    # The columns of a table of samples are steps, which have no names to keep.
    single = foxnn.neural_network([(None, 1), foxnn.GRU(2), 1], seed=1)
    table = pandas.DataFrame(np.ones((3, 4)), columns=list("abcd"))
    single.fit(table, np.ones((3, 1)), 1)
    assert single.input_names is None
    assert pickle.loads(pickle.dumps(single)).predict(table).shape == (3, 1)
    single.input_names = ["height"]
    assert single.predict(table[["d", "c", "a"]]).shape == (3, 1)
