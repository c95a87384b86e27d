"""Sparse samples: every call that takes samples gives the bits that they give as an array."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import foxnn

SAMPLES, COLUMNS = 120, 70
FORMATS = ["csr", "csc", "coo", "bsr", "lil", "dok", "dia"]


def numbers(samples: int = SAMPLES, columns: int = COLUMNS, seed: int = 1) -> np.ndarray:
    """Return an array of which nine tenths are zero; row 5 and column 7 are empty."""
    rng = np.random.default_rng(seed)
    x = np.where(rng.random((samples, columns)) < 0.1, rng.normal(size=(samples, columns)), 0.0)
    x[5], x[:, 7 % columns] = 0.0, 0.0
    return x


X = numbers()
LABELS = np.random.default_rng(2).integers(0, 3, SAMPLES)


def network(dtype: str = "float32", activation: str = "relu", seed: int = 3) -> Any:
    return foxnn.neural_network([COLUMNS, 40, 3], activation, "softmax", dtype=dtype, seed=seed)


def assert_same(one: Any, other: Any) -> None:
    """Compare the parameters of two networks bit by bit."""
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.weights, b.weights)
        np.testing.assert_array_equal(a.bias, b.bias)


def same_record(one: Any, other: Any) -> bool:
    return all(one[name] == other[name] for name in one if name != "seconds")


OPTIONS: list[dict[str, Any]] = [
    {},
    {"l1": 1e-3, "l2": 1e-2, "optimizer": "sgd", "learning_rate": 0.1},
    {"validation": 0.25, "early_stopping": 1, "epochs": 5},
    {"validation": (X[:20], LABELS[:20])},
    {"sample_weight": np.linspace(0.5, 2.0, SAMPLES), "class_weight": "balanced"},
    {"dropout": 0.3, "optimizer": foxnn.AdamW(weight_decay=0.01)},
    {"clip_norm": 0.1, "optimizer": "rmsprop"},
    {"clip_value": 1e-3, "shuffle": False, "schedule": foxnn.schedules.cosine(2)},
    {"batch_size": SAMPLES, "optimizer": foxnn.SGD(momentum=0.9, nesterov=True)},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o) or "defaults")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fit_gives_the_same_bits(options: dict[str, Any], dtype: str) -> None:
    dense, sparse = network(dtype), network(dtype)
    given = {"epochs": 2, "batch_size": 25, "progress": False, **options}
    expected = dense.fit(X, LABELS, **given)
    if isinstance(given.get("validation"), tuple):
        given["validation"] = scipy.sparse.csc_array(X[:20]), LABELS[:20]
    assert same_record(sparse.fit(scipy.sparse.csr_array(X), LABELS, **given), expected)
    assert_same(sparse, dense)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("container", ["array", "matrix"])
@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
def test_every_format(kind: str, container: str) -> None:
    x = getattr(scipy.sparse, f"{kind}_{container}")(X)
    dense, sparse = network(), network()
    dense.fit(X, LABELS, 1, progress=False)
    sparse.fit(x, LABELS, 1, progress=False)
    assert_same(sparse, dense)


@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int8", "int64", "float32", "float64", "longdouble"]
)
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_every_type(dtype: str, index: Any) -> None:
    x = (X * 3).astype(dtype)
    sparse = scipy.sparse.csr_array(x)
    sparse.indices, sparse.indptr = sparse.indices.astype(index), sparse.indptr.astype(index)
    np.testing.assert_array_equal(network().predict(sparse), network().predict(x))


def answers(nn: Any, x: Any) -> dict[str, Any]:
    """Return what every call gives that only reads the network."""
    return {
        "predict": nn.predict(x),
        "get_out": nn.get_out(x),
        "evaluate": list(nn.evaluate(x, LABELS).values()),
        "weighted": list(nn.evaluate(x, LABELS, np.linspace(0, 1, SAMPLES)).values()),
        "gradient": nn.gradient(x),
        "gradient of one output": nn.gradient(x, 1),
        **nn.layer_outputs(x),
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("is_sorted", [False, True])
@pytest.mark.parametrize("shift", [None, 0.0, 0.5])
def test_answers_have_the_same_bits(dtype: str, is_sorted: bool, shift: float | None) -> None:
    """Also with scalers: one with a shift makes zeros other numbers."""
    nn = network(dtype, "tanh")
    nn.settings.correct_summation = is_sorted
    if shift is not None:
        scaler = foxnn.Scaler()
        scaler.shift, scaler.scale = np.full(COLUMNS, shift), np.linspace(0.5, 2.0, COLUMNS)
        nn.input_scaler = scaler
    expected = answers(nn, X)
    for name, found in answers(nn, scipy.sparse.csr_array(X)).items():
        np.testing.assert_array_equal(found, expected[name], err_msg=name)
    twin = copy.deepcopy(nn)
    steps = [twin.train_on_batch(x[:9], LABELS[:9]) for x in (X, X[40:])]
    rows = scipy.sparse.csr_array(X)
    assert [nn.train_on_batch(x[:9], LABELS[:9]) for x in (rows, rows[40:])] == steps
    assert_same(nn, twin)


@pytest.mark.parametrize(
    "layers",
    [
        [foxnn.LayerNorm(), 8, 3],
        [foxnn.Residual(COLUMNS), 8, 3],
        [foxnn.Parallel([5], [6, 4]), 3],
        [foxnn.Dropout(0.2), 8, 3],
        [3],
    ],
    ids=str,
)
def test_first_layers_of_every_kind(layers: list[Any]) -> None:
    dense, sparse = (
        foxnn.neural_network([COLUMNS, *layers], output_activation="softmax", seed=4)
        for _ in range(2)
    )
    expected = dense.fit(X, LABELS, 2, progress=False)
    found = sparse.fit(scipy.sparse.csr_array(X), LABELS, 2, progress=False)
    assert same_record(found, expected)
    assert_same_arrays(sparse, dense)


def assert_same_arrays(one: Any, other: Any) -> None:
    for a, b in zip(one.get_out(X), other.get_out(X), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_network_with_a_shape_takes_flat_sparse_samples() -> None:
    nn = foxnn.neural_network([(7, 10), 3], "tanh", seed=1)
    np.testing.assert_array_equal(nn.predict(scipy.sparse.csr_array(X)), nn.predict(X))


def test_few_inputs_of_narrow_layers() -> None:
    x, y = numbers(columns=6), np.sin(np.arange(SAMPLES))[:, None]
    dense, sparse = (foxnn.neural_network([6, 5, 1], "tanh", seed=1) for _ in range(2))
    dense.fit(x, y, 3, 1, progress=False)
    sparse.fit(scipy.sparse.csr_array(x), y, 3, 1, progress=False)
    assert_same(sparse, dense)


FORCED = """
import numpy as np, scipy.sparse, foxnn
rng = np.random.default_rng(0)
x = np.where(rng.random((90, 400)) < 0.05, rng.normal(size=(90, 400)), 0.0)
y = rng.integers(0, 3, 90)
found = []
for given in (x, scipy.sparse.csr_array(x)):
    nn = foxnn.neural_network([400, 100, 3], "gelu", "softmax", seed=1)
    nn.fit(given, y, 3, 30, l2=1e-3, dropout=0.2, progress=False)
    found.append([nn.predict(given).tobytes(), *(part.weights.tobytes() for part in nn)])
assert found[0] == found[1]
print(hash(tuple(found[0])), foxnn.kernel_set())
"""


def test_kernel_sets_and_threads_agree(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    found = set()
    first = foxnn.kernel_sets()[0]
    for isa, threads in [(first, "1"), *((isa, "3") for isa in foxnn.kernel_sets())]:
        done = run_python(
            FORCED, FOXNN_FORCE_ISA=isa, FOXNN_FORCE_THREADS=threads, PYTHONHASHSEED="0"
        )
        assert done.returncode == 0, done.stderr
        bits, ran = done.stdout.split()
        assert ran == isa
        found.add(bits)
    assert len(found) == 1


def test_a_resumed_run_ends_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    x = scipy.sparse.csr_array(X)
    whole = network()
    whole.fit(x, LABELS, 4, validation=0.2, progress=False)
    path = tmp_path / "run.safetensors"
    network().fit(
        x, LABELS, 4, validation=0.2, checkpoint=path, progress=False,
        callbacks=lambda epoch, logs: epoch == 1,
    )  # fmt: skip
    resumed, history = foxnn.resume(path, x, LABELS, progress=False)
    assert len(history["loss"]) == 4
    assert_same(resumed, whole)


def test_large_sparse_inputs_are_warned_of() -> None:
    x = scipy.sparse.csr_array(X * 100)
    with pytest.warns(UserWarning, match="the inputs are large"):
        network(activation="sigmoid").fit(x, LABELS, 1, progress=False)


# What is not a sparse matrix in order.


def changed(part: str, place: int, value: int) -> Any:
    x = scipy.sparse.csr_array(X)
    getattr(x, part)[place] = value
    return x


def without(part: str) -> Any:
    x = scipy.sparse.csr_array(X)
    setattr(x, part, getattr(x, part)[:-1])
    return x


def wrong_coordinates() -> Any:
    x = scipy.sparse.coo_array(X)
    x.coords[0][3] = SAMPLES
    return x


def wrong_columns() -> Any:
    x = scipy.sparse.csc_array(X)
    x.indices[3] = -1
    return x


def far_columns() -> Any:
    x = scipy.sparse.csr_array(X)
    x.indices = x.indices.astype(np.int64)
    x.indices[3] += 2**32
    return x


@pytest.mark.parametrize(
    "make",
    [
        lambda: changed("indices", 4, COLUMNS),
        lambda: changed("indices", 4, -1),
        lambda: changed("indptr", 0, 1),
        lambda: changed("indptr", 9, 2**30),
        lambda: changed("indptr", -1, 2**30),
        lambda: changed("indptr", -1, -5),
        lambda: without("indptr"),
        lambda: without("indices"),
        lambda: without("data"),
        wrong_coordinates,
        wrong_columns,
        far_columns,
    ],
)
def test_corrupt_matrices_are_refused(make: Callable[[], Any]) -> None:
    nn, before = network(), network()
    for call in (
        lambda: nn.fit(make(), LABELS, 1, progress=False),
        lambda: nn.predict(make()),
        lambda: nn.train_on_batch(make(), LABELS),
    ):
        with pytest.raises(ValueError, match="x must"):
            call()
    assert_same(nn, before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.bool_])
def test_unordered_and_repeated_columns_are_added_up(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    indices = rng.integers(0, COLUMNS, 20 * SAMPLES)  # 20 a row, some of them twice
    data = (3 * rng.normal(size=len(indices))).astype(dtype)
    x = scipy.sparse.csr_array((data, indices, np.arange(0, len(indices) + 1, 20)), X.shape)
    before = x.indices.copy(), x.data.copy()
    np.testing.assert_array_equal(network().predict(x), network().predict(x.toarray()))
    np.testing.assert_array_equal(x.indices, before[0])
    np.testing.assert_array_equal(x.data, before[1])


def test_stored_zeros_are_zeros() -> None:
    x = scipy.sparse.csr_array(X)
    x.data[::3] = 0.0
    np.testing.assert_array_equal(network().predict(x), network().predict(x.toarray()))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("method", ["fit", "predict", "evaluate", "gradient", "layer_outputs"])
def test_numbers_that_are_not_finite_are_located(wrong: float, method: str) -> None:
    changed = X.copy()
    changed[17, 30] = wrong
    x = scipy.sparse.csr_array(changed)
    given = (x, LABELS) if method in ("fit", "evaluate") else (x,)
    with pytest.raises(ValueError, match=r"x must be finite.*in sample 17, column 30"):
        getattr(network(), method)(*given)


@pytest.mark.parametrize(
    ("x", "match"),
    [
        (scipy.sparse.csr_array((4, COLUMNS + 1)), r"x must have shape \(samples, 70\)"),
        (scipy.sparse.csr_array((0, COLUMNS)), "x must hold at least one sample"),
        (scipy.sparse.coo_array(X[0]), r"x must have shape \(samples, inputs\)"),
    ],
)
def test_other_shapes_are_refused(x: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        network().predict(x)


def test_numbers_of_other_kinds_are_refused() -> None:
    with pytest.raises(TypeError, match="x must hold real numbers, got a sparse matrix of complex"):
        network().predict(scipy.sparse.csr_array(X * 1j))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: foxnn.train_data(x, X), "x"),
        (lambda x: foxnn.train_data().add_data(x, X), "input"),
        (lambda x: network().trace(x), "x"),
        (lambda x: network().fit(X, x), "y"),
        (lambda x: network().fit(X, LABELS, sample_weight=x), "sample_weight"),
        (lambda x: foxnn.Scaler().fit(X).transform(x), "x"),
        (lambda x: foxnn.Scaler().fit(X).inverse_transform(x), "x"),
    ],
)
def test_what_takes_no_sparse_matrix_says_so(call: Callable[[Any], Any], name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} must be dense, got .*toarray"):
        call(scipy.sparse.csr_array(X))


# Scalers.


def test_minmax_scales_where_zeros_stay_zeros() -> None:
    x = np.abs(X)
    x[0] += 1.0  # column 7 is constant except for one sample
    sparse = foxnn.Scaler("minmax").fit(scipy.sparse.csr_array(x))
    assert sparse == foxnn.Scaler("minmax").fit(x)
    a, b = network(), network()
    a.fit(x, LABELS, 2, scale="minmax", progress=False)
    b.fit(scipy.sparse.csr_array(x), LABELS, 2, scale="minmax", progress=False)
    assert a.input_scaler == b.input_scaler
    assert_same(a, b)


@pytest.mark.parametrize("method", ["standard", "minmax"])
def test_scalers_that_center_are_refused(method: str) -> None:
    nn = network()
    with pytest.raises(ValueError, match=r"x must .*sparse.*zeros would become other numbers"):
        nn.fit(scipy.sparse.csr_array(X), LABELS, 1, scale=method, progress=False)
    assert nn.input_scaler is None


def test_outputs_may_be_scaled() -> None:
    y = X[:, :2].sum(axis=1, keepdims=True) * 100
    a, b = (foxnn.neural_network([COLUMNS, 9, 1], "tanh", "identity", seed=1) for _ in range(2))
    a.fit(X, y, 2, scale=(None, "standard"), progress=False)
    b.fit(scipy.sparse.csr_array(X), y, 2, scale=(None, "standard"), progress=False)
    assert_same(a, b)


# Tables.


@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_tables_with_sparse_columns(fill: float) -> None:
    pandas = pytest.importorskip("pandas")
    names = [f"word {i}" for i in range(COLUMNS)]
    dense = pandas.DataFrame(X, columns=names)
    mixed = dense.astype({name: pandas.SparseDtype(float, fill) for name in names[3:]})
    a, b = network(), network()
    a.fit(dense, LABELS, 2, progress=False)
    b.fit(mixed, LABELS, 2, progress=False)
    assert_same(a, b)
    assert b.input_names == names
    np.testing.assert_array_equal(b.predict(mixed), a.predict(X))
    with pytest.raises(ValueError, match="x must have the columns seen before"):
        b.predict(mixed[names[::-1]])


def test_what_a_sparse_table_lacks_is_refused() -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=[f"c{i}" for i in range(COLUMNS)])
    table = table.astype(pandas.SparseDtype(float, 0.0))
    with pytest.raises(TypeError, match="but column 'c3' holds"):
        network().predict(table.assign(c3="text"))
    table["c3"] = pandas.arrays.SparseArray(np.where(X[:, 3] == 0, np.nan, X[:, 3]))
    with pytest.raises(ValueError, match="x must be finite"):
        network().predict(table)


# Memory.

PEAK = """
import resource, sys
import numpy as np, scipy.sparse, foxnn
rng = np.random.default_rng(0)
samples, columns = 20_000, 20_000
x = scipy.sparse.random_array((samples, columns), density=1e-3, rng=rng, format="csr")
y = rng.integers(0, 2, samples)
nn = foxnn.neural_network([columns, 8, 2], "relu", "softmax", seed=1)
few = x[:400]
def use(x, y):
    nn.fit(x, y, 1, 200, validation=0.2, early_stopping=1, progress=False)
    nn.evaluate(x, y), nn.predict(x), nn.layer_outputs(x)
use(few, y[:400])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
use(x, y)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts kilobytes")
def test_samples_never_become_dense(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    done = run_python(PEAK)
    assert done.returncode == 0, done.stderr
    # The matrix takes 5 MB, and its training share as much again; as an array it takes 1.6 GB in
    # float32, and one of its batches 16 MB.
    assert int(done.stdout) < 30e6
