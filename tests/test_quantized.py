"""`neural_network.quantize`: answers of 8 bits, near those of the network, kept to the bit."""

from __future__ import annotations

import copy
import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import byte_reference
import foxnn
from c_programs import checked_function
from foxnn import _core

X = np.random.default_rng(1).normal(size=(300, 20)).astype("f4") * 3 + 1
PICTURES = np.random.default_rng(2).random((60, 12, 11, 3)).astype("f4")
STEPS = np.random.default_rng(3).normal(size=(40, 12, 3))


def trained() -> foxnn.neural_network:
    """Return a classifier with names, classes, scaled inputs and notes."""
    nn = foxnn.neural_network([20, 16, 3], "sigmoid", "softmax", seed=1)
    labels = np.array(["a", "b", "c"])[X[:, :3].argmax(axis=1)]
    nn.fit(X, labels, epochs=9, learning_rate=0.01, scale="standard", progress=False)
    nn.notes = {"from": ["a", "test"]}
    return nn


def scaled_regression() -> foxnn.neural_network:
    nn = foxnn.neural_network([20, 16, 4], "relu", "identity", seed=1)
    nn.fit(X, X[:, :4] * [1, 10, 100, 1000], epochs=9, scale="standard", progress=False)
    return nn


def chain(*items: Any, activation: str = "relu", end: str | None = None) -> foxnn.neural_network:
    nn = foxnn.neural_network([(12, 11, 3), *items], activation, end, seed=2)
    for part in nn:
        if "running_mean" in part.arrays:  # as if it had learnt
            part.arrays["running_mean"] = np.linspace(-0.2, 0.3, len(part.arrays["running_mean"]))
            part.arrays["running_variance"] = np.linspace(0.3, 2, len(part.arrays["running_mean"]))
    return nn


F = foxnn
NETWORKS: dict[str, tuple[Any, np.ndarray]] = {
    "relu": (lambda: F.neural_network([20, 33, 17, 5], "relu", "identity", seed=1), X),
    "bytes": (
        lambda: F.neural_network([20, 33, 5], "relu", "identity", seed=1),
        np.clip(X * 30 + 100, 0, 255).astype(np.uint8),
    ),
    "tanh": (lambda: F.neural_network([20, 33, 17, 5], "tanh", "softmax", seed=1), X),
    "float64": (lambda: F.neural_network([20, 9, 5], "elu", "identity", dtype="float64"), X),
    "scaled": (trained, X),
    "scaled outputs": (scaled_regression, X),
    "quantiles": (
        lambda: F.neural_network(
            [20, 8, 3], "relu", "identity", loss=("quantile", [0.1, 0.5, 0.9]), seed=4
        ),
        X,
    ),
    "lenet": (
        lambda: chain(
            F.Conv2D(6, 5, padding="same"), F.MaxPool2D(2), F.Conv2D(16, 3), F.MaxPool2D(2), 30, 4,
            end="softmax",
        ),
        PICTURES,
    ),
    "folded": (
        lambda: chain(
            F.Conv2D(20, 3, dilation=2, activation="identity", bias=False), F.BatchNorm(),
            F.Activation("relu"), F.AveragePool2D(3, padding="same"), F.Activation("silu"),
            F.Conv2D(7, (1, 3)), F.Dropout(0.2), F.GlobalAveragePool(), 4, end="identity",
        ),
        PICTURES,
    ),
    "after relu": (
        lambda: chain(
            F.BatchNorm(), F.Conv2D(5, 3, stride=2), F.BatchNorm(), F.GlobalMaxPool(),
            F.Activation("tanh"),
        ),
        PICTURES - 0.5,
    ),
    "positions": (
        lambda: F.neural_network(
            [(12, 3), F.Conv1D(5, 3, padding="same"), F.Dense(18, "elu"), F.Dense(4)], "gelu",
            "softmax", seed=2,
        ),
        STEPS,
    ),
    "three axes": (
        lambda: F.neural_network(
            [(4, 3, 3, 1), F.Conv3D(5, 2), F.MaxPool3D((3, 2, 1)), F.Flatten(), 4], "leaky_relu",
            "identity", seed=2,
        ),
        STEPS.reshape(40, 4, 3, 3, 1),
    ),
    "float tail": (
        lambda: chain(
            F.Conv2D(6, 3), F.LayerNorm(), F.Residual(F.Conv2D(6, 3, padding="same")),
            F.GlobalAveragePool(), 2, end="identity",
        ),
        PICTURES,
    ),
    "recurrent tail": (
        lambda: F.neural_network([(12, 3), F.Conv1D(6, 3), F.GRU(5), 2], "relu", "identity"),
        STEPS,
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=NETWORKS)
def case(request: pytest.FixtureRequest) -> tuple[Any, Any, np.ndarray]:
    make, x = NETWORKS[request.param]
    nn = make()
    return nn, nn.quantize(x), x


def test_answers_are_near(case: tuple[Any, Any, np.ndarray]) -> None:
    nn, small, x = case
    exact, found = nn.predict(x), small.predict(x)
    assert found.dtype == np.float32
    assert found.shape == exact.shape
    spread = exact.std(axis=0).max()
    assert spread > 0
    # Of the errors that roundings to a 255th of a range make, layer after layer.
    assert np.abs(found - exact).max() < 0.15 * spread
    assert np.sqrt(np.mean((found - exact) ** 2)) < 0.04 * spread


def test_bytes_are_those_of_whole_numbers(case: tuple[Any, Any, np.ndarray]) -> None:
    _, small, x = case
    rows = x.reshape(len(x), -1)[:5]
    wanted = byte_reference.answers(small._body, rows)
    for name in _core.byte_kernel_sets():
        np.testing.assert_array_equal(small._body.engine(name).predict(rows, 1), wanted)


def test_one_sample_and_any_number_of_threads(case: tuple[Any, Any, np.ndarray]) -> None:
    _, small, x = case
    found = small.predict(x)
    np.testing.assert_array_equal(small.get_out(x[3]), found[3])
    np.testing.assert_array_equal(small.get_out(x), found)
    for threads in (1, 2, 5):
        small.settings.n_threads = threads
        np.testing.assert_array_equal(small.predict(x), found)
    small.settings.n_threads = 0


def test_files_and_copies_have_the_same_bits(
    case: tuple[Any, Any, np.ndarray], tmp_path: Path
) -> None:
    _, small, x = case
    small.save(tmp_path / "one.safetensors")
    again = foxnn.quantized_network(tmp_path / "one.safetensors")
    again.save(tmp_path / "two.safetensors")
    assert (tmp_path / "one.safetensors").read_bytes() == (
        tmp_path / "two.safetensors"
    ).read_bytes()
    for twin in (again, pickle.loads(pickle.dumps(small)), copy.deepcopy(small)):
        np.testing.assert_array_equal(twin.predict(x), small.predict(x))
        assert repr(twin) == repr(small)
        assert (twin.classes, twin.notes, twin.input_names) == (
            small.classes,
            small.notes,
            small.input_names,
        )


def test_c_has_the_same_answers(case: tuple[Any, Any, np.ndarray], tmp_path: Path) -> None:
    _, small, x = case
    report = small.export_c(tmp_path / "small.h")
    assert set(report) == {"constant_bytes", "stack_bytes"}
    in_c = checked_function(tmp_path / "small.h")
    rows = x.reshape(len(x), -1).astype("f4")
    found, wanted = in_c(rows), small.predict(x).reshape(len(x), -1)
    ends = [part["options"].get("activation") for part in small._head._layers()]
    if ends == ["identity_x"] and small._head.output_scaler is None:
        np.testing.assert_array_equal(found, wanted)
    assert np.abs(found - wanted).max() <= 2e-6 * max(1.0, np.abs(wanted).max())


def test_quantizing_changes_nothing_and_is_repeatable() -> None:
    nn = trained()
    before = pickle.dumps(nn)
    one, two = nn.quantize(X), nn.quantize(X)
    assert pickle.dumps(nn) == before
    assert pickle.dumps(one) == pickle.dumps(two)
    np.testing.assert_array_equal(one.predict(X), two.predict(X))


def test_evaluate_and_classes() -> None:
    nn = trained()
    small = nn.quantize(X)
    labels = nn.predict_classes(X)
    weights = np.linspace(0, 2, len(X))
    found = small.evaluate(X, labels, weights, metrics=("f1", "top_2"))
    assert set(found) == {"loss", "accuracy", "f1", "top_2"}
    outputs = small.predict(X).astype("f8")
    numbers = np.array([small.classes.index(label) for label in labels])
    losses = -np.log(outputs[np.arange(len(X)), numbers])
    assert found["loss"] == pytest.approx((losses * weights).sum() / weights.sum(), rel=1e-5)
    assert found["accuracy"] == np.mean(small.predict_classes(X) == labels) > 0.97
    assert small.notes == {"from": ["a", "test"]}
    assert small.loss == "cross_entropy"


def test_tables_and_sparse_samples() -> None:
    pandas = pytest.importorskip("pandas")
    sparse = pytest.importorskip("scipy.sparse")
    frame = pandas.DataFrame(X[:, :4], columns=list("abcd"))
    nn = foxnn.neural_network([4, 5, 1], "tanh", "identity", seed=1)
    nn.fit(frame, X[:, 4], epochs=1, progress=False)
    small = nn.quantize(frame)
    assert small.input_names == list("abcd")
    np.testing.assert_array_equal(small.predict(frame), small.predict(X[:, :4]))
    with pytest.raises(ValueError, match="x must have the columns"):
        small.predict(frame[["b", "a", "c", "d"]])
    x = X[:, :4] * (X[:, :4] > 1)
    rows = sparse.csr_array(x)
    np.testing.assert_array_equal(small.predict(rows), small.predict(x))
    nn.input_names = None
    np.testing.assert_array_equal(nn.quantize(rows).predict(x), nn.quantize(x).predict(x))


def test_numbers_beyond_the_range_are_its_ends() -> None:
    nn = foxnn.neural_network([1, 1], "identity", init="zeros")
    nn[0].weights = [[2.0]]
    small = nn.quantize([[-1.0], [3.0]])
    assert small.predict([[-50.0], [-1.0], [3.0], [1e30]]).ravel() == pytest.approx(
        [-2.0, -2.0, 6.0, 6.0], abs=0.02
    )


@pytest.mark.parametrize("scale", [0.0, 1e-42, 1e-30, 1e30])
def test_weights_of_any_size(scale: float) -> None:
    nn = foxnn.neural_network([20, 8, 2], "relu", "identity", seed=1)
    nn[0].weights = nn[0].weights * np.float32(scale)
    nn[0].bias = np.linspace(-1, 1, 8) * max(scale, 1)
    small = nn.quantize(X)
    exact = nn.predict(X)
    assert np.abs(small.predict(X) - exact).max() <= 0.02 * np.abs(exact).max()


def test_bytes_stay_as_they_are() -> None:
    x = np.random.default_rng(1).integers(3, 200, (50, 20)).astype(np.uint8)
    nn = foxnn.neural_network([20, 8, 2], "relu", "identity", seed=1)
    assert nn.quantize(x)._body.rounding == (1.0, 0.0, 255.0, 0)


def test_constant_samples() -> None:
    nn = foxnn.neural_network([3, 4, 2], "sigmoid", "identity", seed=1)
    for x in (np.zeros((1, 3)), np.full((4, 3), -2.5)):
        assert np.abs(nn.quantize(x).predict(x) - nn.predict(x)).max() < 0.02


@pytest.mark.parametrize(
    ("activation", "bias"),
    [("tanh", 20.0), ("tanh", -20.0), ("sigmoid", 20.0), ("elu", -200.0), ("gaussian", 30.0)],
)
def test_functions_that_give_one_byte(activation: str, bias: float) -> None:
    nn = foxnn.neural_network([20, 4, 2], activation, "identity", seed=1)
    nn[0].bias = np.full(4, bias)
    nn[0].weights = nn[0].weights / 50
    x = X / 10
    assert np.abs(nn.quantize(x).predict(x) - nn.predict(x)).max() < 0.02


@pytest.mark.parametrize("bias", [-3.0, 2.0, 1e6])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "gelu", "sinusoid"])
def test_one_neuron_and_one_sample(activation: str, bias: float) -> None:
    nn = foxnn.neural_network([3, 1, 2], activation, "identity", seed=1)
    nn[0].bias = [bias]
    x = np.zeros((1, 3))
    exact = nn.predict(x)
    assert np.abs(nn.quantize(x).predict(x) - exact).max() <= 0.01 * np.abs(exact).max()


@pytest.mark.parametrize("size", [1e-37, 1e-32, 1e32, 1e36])
def test_inputs_of_any_size(size: float) -> None:
    nn = foxnn.neural_network([20, 2], "identity", seed=1)
    nn[0].weights = nn[0].weights.astype("f8") / size
    x = X.astype("f8") * size
    exact = nn.predict(x)
    assert np.abs(nn.quantize(x).predict(x) - exact).max() <= 0.03 * np.abs(exact).max()


def test_a_network_that_is_trained_further_is_another() -> None:
    nn = foxnn.neural_network([20, 8, 2], "relu", "identity", seed=1)
    small = nn.quantize(X)
    before = small.predict(X)
    nn.fit(X, X[:, :2], epochs=1, progress=False)
    np.testing.assert_array_equal(small.predict(X), before)


@pytest.mark.parametrize(
    "name", ["fit", "train", "train_on_batch", "backward", "gradient", "trace", "random_mutation"]
)
def test_it_only_answers(name: str) -> None:
    small = foxnn.neural_network([3, 2], seed=1).quantize([[0.0, 1.0, 2.0]])
    with pytest.raises(AttributeError, match=f"a quantized_network has no {name}, since it only"):
        getattr(small, name)
    with pytest.raises(AttributeError, match="object has no attribute 'nothing'"):
        small.nothing  # noqa: B018


@pytest.mark.parametrize(
    ("items", "x", "said"),
    [
        ([(None, 3), foxnn.GRU(4), 2], [np.zeros((4, 3))], "sequences of any length"),
        ([(5, 3), foxnn.GRU(4), 2], np.zeros((2, 5, 3)), r"layers\[0\] \(GRU\) before one"),
        (
            [(8, 8, 4), foxnn.Conv2D(4, 3, groups=4), 2],
            np.zeros((1, 8, 8, 4)),
            r"layers\[0\] \(Conv2D\) with groups before one",
        ),
        ([(5,), foxnn.Embedding(9, 3), 2], [[1, 2, 3, 4, 5]], r"layers\[0\] \(Embedding\)"),
        ([(8, 1), foxnn.GlobalMaxPool()], np.zeros((1, 8, 1)), "a network without any"),
        ([(3,), 4, 2], np.zeros((0, 3)), "sample"),
        ([(3,), 4, 2], np.zeros((5, 4)), r"x must have shape \(samples, 3\)"),
        ([(3,), 4, 2], np.full((5, 3), np.nan), "x must be finite"),
        ([(3,), 4, 2], np.full((5, 3), 3e38), "x must give finite numbers in all layers"),
    ],
)
def test_what_cannot_be_quantized(items: Any, x: Any, said: str) -> None:
    nn = foxnn.neural_network(items, seed=1)
    if "all layers" in said:
        nn[0].weights = np.full((3, 4), 1e3)
    with pytest.raises(ValueError, match=said):
        nn.quantize(x)


def test_weights_beyond_float32() -> None:
    x = np.random.default_rng(1).normal(size=(9, 4, 2))
    for place, said in ((0, "finite numbers in all layers"), (2, "weights that are finite in")):
        nn = foxnn.neural_network(
            [(4, 2), F.Conv1D(3, 2), F.LayerNorm(), 2], "relu", "identity", dtype="float64", seed=1
        )
        nn[place].weights = nn[place].weights * 1e40
        with pytest.raises(ValueError, match=said):
            nn.quantize(x)


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (np.zeros((5, 4)), r"x must have shape \(samples, 3\), got \(5, 4\)"),
        (np.full((5, 3), np.inf), "x must be finite"),
        ([["a", "b", "c"]], "x must hold real numbers"),
        (None, "x must"),
    ],
)
def test_samples_that_are_refused(x: Any, said: str) -> None:
    small = foxnn.neural_network([3, 4, 2], seed=1).quantize([[0.0, 1.0, 2.0]])
    for call in (small.predict, small.get_out):
        with pytest.raises((ValueError, TypeError), match=said):
            call(x)


def test_inputs_that_scaling_makes_infinite() -> None:
    nn = foxnn.neural_network([1, 1], "identity", seed=1)
    nn.input_scaler = foxnn.Scaler().fit([[0.0], [1e-30]])
    small = nn.quantize([[0.0], [1e-30]])
    with pytest.raises(ValueError, match="as input_scaler scales it"):
        small.predict([[1e38]])


# Files


def test_each_kind_of_file_names_its_reader(tmp_path: Path) -> None:
    nn = foxnn.neural_network([3, 2], seed=1)
    nn.save(tmp_path / "nn.safetensors")
    nn.quantize([[0.0, 1.0, 2.0]]).save(tmp_path / "small.safetensors")
    foxnn.population(2, [3, 2]).save(tmp_path / "pop.safetensors")
    with pytest.raises(foxnn.FileFormatError, match=r"foxnn\.quantized_network reads it"):
        foxnn.neural_network(tmp_path / "small.safetensors")
    for name, reader in (("nn", "neural_network"), ("pop", "population")):
        with pytest.raises(foxnn.FileFormatError, match=rf"foxnn\.{reader} reads it"):
            foxnn.quantized_network(tmp_path / f"{name}.safetensors")
    with pytest.raises(foxnn.FileFormatError, match=r"foxnn\.quantized_network reads it"):
        foxnn.population(tmp_path / "small.safetensors")
    for name in ("small.txt", "small.onnx"):
        with pytest.raises(ValueError, match=r"name_file must be the name of a \.safetensors"):
            nn.quantize([[0.0, 1.0, 2.0]]).save(tmp_path / name)


def altered(path: Path, change: Any) -> None:
    """Change what a file says of the network."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    ours = json.loads(header["__metadata__"]["foxnn"])
    change(ours)
    header["__metadata__"]["foxnn"] = json.dumps(ours)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size :])


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.update(format=99),
        lambda f: f.update(quantized=[]),
        lambda f: f["quantized"].pop("body"),
        lambda f: f["quantized"].update(version=9),
        lambda f: f["quantized"].update(input_shape=[4]),
        lambda f: f["quantized"].update(input_shape="abc"),
        lambda f: f["quantized"].update(layers=[[1, 2, 3]]),
        lambda f: f["quantized"]["body"].update(inputs=2**39),
        lambda f: f["quantized"]["body"].update(rounding=[1.0, 0.0]),
        lambda f: f["quantized"]["body"].update(scaling=True),
        lambda f: f["quantized"]["body"]["stages"].pop(),
        lambda f: f["quantized"]["body"]["stages"][0].pop("zero"),
        lambda f: f["quantized"]["body"]["stages"][0].update(weights=10**9),
        lambda f: f["quantized"]["body"]["stages"][0].update(channels=2**40),
        lambda f: f["quantized"]["body"]["stages"][0].update(stride=[1, 1]),
        lambda f: f["quantized"]["body"]["stages"][1].update(kind="pool"),
        lambda f: f["quantized"]["head"].update(dtype="int8"),
        lambda f: f["quantized"]["head"].update(layers=[]),
        lambda f: f["quantized"]["head"].pop("moments"),
    ],
)
def test_files_that_are_not_what_they_claim(change: Any, tmp_path: Path) -> None:
    path = tmp_path / "small.safetensors"
    foxnn.neural_network([3, 4, 2], seed=1).quantize(X[:, :3]).save(path)
    altered(path, lambda given: None)
    foxnn.quantized_network(path)
    altered(path, change)
    with pytest.raises(foxnn.FileFormatError, match=r"small\.safetensors"):
        foxnn.quantized_network(path)


def test_what_it_shows(capsys: pytest.CaptureFixture[str]) -> None:
    make, x = NETWORKS["recurrent tail"]
    small = make().quantize(x)
    small.print_info()
    shown = capsys.readouterr().out
    assert "layer 0: Conv1D(6, 3, activation='relu'), int8\n" in shown
    assert "layer 1: GRU(5), float32\n" in shown
    assert "n_threads" in shown
    small.summary()
    assert "GRU(5)" in capsys.readouterr().out
    assert repr(small).startswith("<quantized_network [(12, 3), Conv1D(6, 3, activation='relu'), ")
    assert repr(foxnn.quantized_network.__new__(foxnn.quantized_network)) == (
        "<quantized_network, not made>"
    )
