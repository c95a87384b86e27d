"""Scaler by itself, and kept by a network: raw data in, raw outputs out."""

from __future__ import annotations

import copy
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import reference
import small_runs
from closeness import assert_within
from forced_runs import inputs, parameters, wanted
from foxnn.training import saturation

per_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
RNG = np.random.default_rng(1)
# Columns of very different size, as raw data have them; the last is constant.
X = RNG.normal(size=(60, 4)) * [1.0, 1e3, 1e-3, 0.0] + [0.0, 5e4, 7.0, 3.0]
Y = np.stack([X[:, 1] * 2 - 1e5, np.sin(X[:, 0]) * 1e-2], axis=1)


# By itself


def test_standard() -> None:
    scaler = foxnn.Scaler().fit(X)
    scaled = scaler.transform(X)
    assert scaled.mean(axis=0) == pytest.approx([0] * 4, abs=1e-12)
    assert scaled.std(axis=0) == pytest.approx([1, 1, 1, 0], abs=1e-12)
    assert scaler.shift == pytest.approx(X.mean(axis=0), rel=1e-14)
    assert scaler.scale == pytest.approx([*X.std(axis=0)[:3], 1.0], rel=1e-12)
    assert scaler.inverse_transform(scaled) == pytest.approx(X, rel=1e-14)


def test_minmax() -> None:
    scaler = foxnn.Scaler("minmax").fit(X)
    scaled = scaler.transform(X)
    assert scaled.min(axis=0) == pytest.approx([0] * 4, abs=1e-15)
    assert scaled.max(axis=0) == pytest.approx([1, 1, 1, 0], rel=1e-15)
    assert scaler.inverse_transform(scaled) == pytest.approx(X, rel=1e-14)


def test_beside_scikit_learn() -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    many = np.repeat(X, 200, axis=0)  # more than a chunk
    for ours, theirs in [
        ("standard", preprocessing.StandardScaler()),
        ("minmax", preprocessing.MinMaxScaler()),
    ]:
        expected = theirs.fit_transform(many)
        assert foxnn.Scaler(ours).fit(many).transform(many) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, np.float64, list])
def test_types(kind: Any) -> None:
    x = RNG.integers(0, 255, (50, 3))
    given = x.tolist() if kind is list else x.astype(kind)
    for method in ("standard", "minmax"):
        found, expected = foxnn.Scaler(method).fit(given), foxnn.Scaler(method).fit(x.astype(float))
        assert found.shift == pytest.approx(expected.shift, rel=1e-14)
        assert found.scale == pytest.approx(expected.scale, rel=1e-14)


def test_a_small_spread_beside_a_large_mean() -> None:
    x = 1e9 + np.array([[0.0], [1.0], [2.0]])
    assert foxnn.Scaler().fit(x).scale == pytest.approx([math.sqrt(2 / 3)], rel=1e-12)
    x = np.full((1000, 1), 0.1)  # the mean is off by a rounding, and with it every difference
    assert foxnn.Scaler().fit(x).scale == pytest.approx([1.0])


def test_it_prints_compares_copies_and_pickles() -> None:
    scaler = foxnn.Scaler("minmax")
    assert repr(scaler) == "Scaler('minmax')"
    assert eval(repr(scaler), vars(foxnn)) == scaler
    scaler.fit(X)
    assert repr(scaler) == "<Scaler 'minmax': 4 columns>"
    for again in (copy.deepcopy(scaler), pickle.loads(pickle.dumps(scaler))):
        assert again == scaler != foxnn.Scaler("minmax")
        assert again.transform(X).tobytes() == scaler.transform(X).tobytes()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: foxnn.Scaler("robust"), ValueError, "method must be one of standard, minmax"),
        (lambda: foxnn.Scaler(3), TypeError, "method must be a string"),
        (lambda: foxnn.Scaler().transform(X), ValueError, "has not measured any data"),
        (lambda: foxnn.Scaler().inverse_transform(X), ValueError, "has not measured any data"),
        (lambda: foxnn.Scaler().fit(X[0]), ValueError, "x must have shape"),
        (lambda: foxnn.Scaler().fit(X[:0]), ValueError, "x must hold at least one sample"),
        (lambda: foxnn.Scaler().fit([[1.0], [math.nan]]), ValueError, "x must be finite"),
        (lambda: foxnn.Scaler().fit([["a"]]), TypeError, "x must hold real numbers"),
        (lambda: foxnn.Scaler().fit(X).transform(X[:, :3]), ValueError, "x must have shape"),
        (lambda: foxnn.Scaler("minmax").fit([[-1.7e308], [1.7e308]]), ValueError, "spread"),
    ],
)
def test_wrong_uses(call: Any, error: type[Exception], message: str) -> None:
    with np.errstate(over="ignore"), pytest.raises(error, match=message):
        call()


# In a network


def network(**options: Any) -> foxnn.neural_network:
    return foxnn.neural_network([4, 16, 2], "tanh", "identity", **{"seed": 1, **options})


@pytest.mark.filterwarnings("ignore::foxnn.ConvergenceWarning")
@per_dtype
@pytest.mark.parametrize("method", ["standard", "minmax"])
@pytest.mark.parametrize("sizes", [[4, 7, 2], [4, 40, 2]], ids=["narrow", "wide"])
def test_training_on_raw_data_is_training_on_scaled(
    sizes: list[int], method: str, dtype: str
) -> None:
    raw, scaled = (
        foxnn.neural_network(sizes, "tanh", "identity", dtype=dtype, seed=1) for _ in range(2)
    )
    of_x, of_y = foxnn.Scaler(method).fit(X), foxnn.Scaler(method).fit(Y)
    first = raw.fit(X, Y, 20, 7, learning_rate=0.01, scale=method)
    second = scaled.fit(of_x.transform(X), of_y.transform(Y), 20, 7, learning_rate=0.01)
    tolerance = 1e-4 if dtype == "float32" else 1e-9
    assert first["loss"] == pytest.approx(second["loss"], rel=tolerance)
    assert parameters(raw) == pytest.approx(parameters(scaled), abs=tolerance)
    assert (raw.input_scaler, raw.output_scaler) == (of_x, of_y)
    expected = of_y.inverse_transform(scaled.predict(of_x.transform(X)))
    assert_within(raw.predict(X), expected, tolerance * of_y.scale)
    assert raw.evaluate(X, Y)["loss"] == pytest.approx(
        scaled.evaluate(of_x.transform(X), of_y.transform(Y))["loss"], rel=10 * tolerance
    )


def test_raw_data_train_well() -> None:
    nn = network()
    nn.fit(X, Y, 400, 8, learning_rate=0.01, scale="standard")
    error = nn.predict(X) - Y
    assert (error.std(axis=0) < 0.05 * Y.std(axis=0)).all()


@per_dtype
def test_one_sample_and_many_agree(dtype: str) -> None:
    nn = network(dtype=dtype)
    nn.fit(X, Y, 2, scale="standard")
    together = nn.predict(X)
    for i in (0, 7):
        for form in (X[i], X[i].tolist(), tuple(X[i])):
            assert nn.get_out(form).tobytes() == together[i].tobytes()


@per_dtype
@pytest.mark.parametrize("sizes", [[4, 7, 2], [4, 40, 2]], ids=["narrow", "wide"])
def test_number_types_give_the_same_result(sizes: list[int], dtype: str) -> None:
    x, found = np.abs(inputs(20, 4) * 64).astype(int), set()
    for kind in (np.uint8, np.float32, np.float64, np.int64):
        nn = foxnn.neural_network(sizes, "tanh", dtype=dtype, seed=1)
        nn.fit(x.astype(kind), wanted(20, 2, "mse"), 2, 6, scale="minmax")
        found.add((parameters(nn).tobytes(), nn.predict(x.astype(kind)).tobytes()))
    assert len(found) == 1


def test_steps_one_by_one_are_scaled_too() -> None:
    nn, other = network(), network()
    for each in (nn, other):
        each.input_scaler = foxnn.Scaler().fit(X)
        each.output_scaler = foxnn.Scaler().fit(Y)
    loss = nn.train_on_batch(X, Y, "sgd", 0.1)
    history = other.fit(X, Y, 1, 60, "sgd", 0.1, shuffle=False)
    assert history["loss"] == [loss]
    assert parameters(nn).tobytes() == parameters(other).tobytes()


def test_foxnns_interface_is_scaled_too() -> None:
    nn, data = network(), foxnn.train_data(X, Y)
    nn.input_scaler, nn.output_scaler = foxnn.Scaler().fit(X), foxnn.Scaler().fit(Y)
    nn.settings.set_mode("Adam")
    nn.train(data, 0.01, 2000, 10)
    assert (np.abs(nn.predict(X) - Y).mean(axis=0) < 0.1 * Y.std(axis=0)).all()


@per_dtype
def test_gradients_are_of_raw_numbers(dtype: str) -> None:
    nn = network(dtype=dtype)
    nn.fit(X, Y, 5, learning_rate=0.01, scale="standard")
    double = reference.copy_of(nn)
    of_x, of_y = nn.input_scaler, nn.output_scaler
    assert of_x is not None
    assert of_y is not None
    inner = double.input_gradients(of_x.transform(X))
    expected = inner * of_y.scale[None, :, None] / of_x.scale[None, None, :]
    eps = float(np.finfo(dtype).eps)
    assert_within(nn.gradient(X), expected, 1e3 * eps * np.abs(expected).max(axis=0))


def test_zeros_that_become_something_count() -> None:
    """Inputs wide enough that blocks of zeros are left out of the products."""
    x = np.zeros((40, 100), np.uint8)
    x[:, 40:50] = RNG.integers(0, 255, (40, 10))
    raw = foxnn.neural_network([100, 40, 2], "tanh", dtype="float64", seed=1)
    scaled = foxnn.neural_network([100, 40, 2], "tanh", dtype="float64", seed=1)
    scaler = foxnn.Scaler("minmax")
    scaler.fit(np.concatenate([x, np.full((1, 100), 255, np.uint8), np.zeros((1, 100))]))
    scaler.shift = scaler.shift - 17.0  # no zero stays one
    raw.input_scaler = scaler
    expected = scaled.predict(scaler.transform(x))
    assert raw.predict(x) == pytest.approx(expected, rel=1e-12)
    y = wanted(40, 2, "mse")
    raw.fit(x, y, 2, 9)
    scaled.fit(scaler.transform(x), y, 2, 9)
    assert parameters(raw) == pytest.approx(parameters(scaled), abs=1e-12)


# What `scale` does


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
@pytest.mark.parametrize(
    ("loss", "activation", "outputs_too"),
    [
        ("mse", "identity", True),
        ("mae", "identity", True),
        ("huber", "identity", True),
        ("mse", "sigmoid", False),
        ("binary_cross_entropy", "sigmoid", False),
        ("poisson", "exp", False),
        ("cross_entropy", "softmax", False),
    ],
)
def test_which_outputs_are_scaled(loss: str, activation: str, outputs_too: bool) -> None:
    nn = foxnn.neural_network([4, 2], activation, loss=loss, seed=1)
    nn.fit(X, wanted(60, 2, loss), 1, scale="standard")
    assert nn.input_scaler == foxnn.Scaler().fit(X)
    assert (nn.output_scaler is not None) == outputs_too


def test_only_training_samples_are_measured() -> None:
    nn = network()
    nn.fit(X, Y, 1, validation=0.5, scale="standard")
    held = foxnn._core.shuffled(1, 2, 60, 0)[:30]
    kept = np.setdiff1d(np.arange(60), held)
    assert nn.input_scaler is not None
    assert nn.input_scaler.shift == pytest.approx(X[kept].mean(axis=0), rel=1e-12)


def test_a_second_fit_keeps_the_scaler() -> None:
    nn = network()
    nn.fit(X, Y, 1, scale="standard")
    first = nn.input_scaler
    nn.fit(X * 2, Y, 1, scale="standard")
    assert nn.input_scaler == first
    nn.fit(X * 2, Y, 1)
    assert nn.input_scaler == first
    nn.fit(X * 2, Y, 1, scale="minmax")
    assert nn.input_scaler == foxnn.Scaler("minmax").fit(X * 2)


def test_a_pair_says_inputs_and_outputs() -> None:
    nn = foxnn.neural_network([4, 2], "sigmoid", seed=1)
    nn.fit(X, Y, 1, scale=("standard", "minmax"))
    assert (nn.input_scaler, nn.output_scaler) == (
        foxnn.Scaler().fit(X), foxnn.Scaler("minmax").fit(Y),
    )  # fmt: skip
    with pytest.warns(UserWarning, match="the inputs are large"):
        nn.fit(X, Y, 1, scale=(None, "minmax"))
    assert nn.input_scaler is None
    assert nn.output_scaler is not None


def test_a_scaler_of_ones_own() -> None:
    nn, own = network(), foxnn.Scaler().fit(X * 3)
    nn.fit(X, Y, 1, scale=own)
    assert nn.input_scaler == own
    # A copy: what becomes of the own one later is its affair.
    own.fit(X)
    assert nn.input_scaler == foxnn.Scaler().fit(X * 3)
    fresh = foxnn.Scaler("minmax")
    nn.fit(X, Y, 1, scale=(fresh, None))
    assert fresh.shift is None
    assert nn.input_scaler == foxnn.Scaler("minmax").fit(X)


@pytest.mark.parametrize(
    ("loss", "scale", "error", "message"),
    [
        ("mse", "robust", ValueError, "scale must be one of standard, minmax; got 'robust'"),
        ("mse", 3, TypeError, "scale must be 'standard' or 'minmax' or a foxnn.Scaler"),
        ("mse", True, TypeError, "scale must be 'standard'"),
        ("mse", ("standard",), ValueError, "scale must be one method or a pair"),
        ("mse", ("standard", "x"), ValueError, r"scale\[1\] must be one of"),
        ("mse", foxnn.Scaler().fit(X[:, :3]), ValueError, "scale must have 4 columns, got 3"),
        (
            "cross_entropy",
            ("standard", "standard"),
            ValueError,
            "scale outputs only for the losses",
        ),
    ],
)
def test_scales_that_cannot_be(loss: str, scale: Any, error: type[Exception], message: str) -> None:
    output = "softmax" if loss == "cross_entropy" else "identity"
    nn = foxnn.neural_network([4, 2], output, seed=1)
    before, draw = parameters(nn).tobytes(), nn._draw()
    with pytest.raises(error, match=message):
        nn.fit(X, wanted(60, 2, loss), 1, validation=0.2, scale=scale)
    assert (parameters(nn).tobytes(), nn._draw()) == (before, draw)
    assert nn.input_scaler is None


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("input_scaler", "standard", TypeError, "input_scaler must be a foxnn.Scaler or None"),
        ("input_scaler", foxnn.Scaler(), ValueError, "has not measured any data"),
        ("input_scaler", foxnn.Scaler().fit(Y), ValueError, "input_scaler must have 4 columns"),
        ("output_scaler", foxnn.Scaler().fit(X), ValueError, "output_scaler must have 2 columns"),
    ],
)
def test_scalers_that_cannot_be_set(
    name: str, value: Any, error: type[Exception], message: str
) -> None:
    nn = network()
    with pytest.raises(error, match=message):
        setattr(nn, name, value)
    assert (nn.input_scaler, nn.output_scaler) == (None, None)


def test_outputs_that_are_scaled_bind_loss_and_layers() -> None:
    nn = network()
    nn.output_scaler = foxnn.Scaler().fit(Y)
    with pytest.raises(ValueError, match="nothing can follow outputs that are scaled"):
        nn.next_layer(foxnn.layer(2, 2))
    with pytest.raises(ValueError, match="losses mse, mae, huber, log_cosh, not for '"):
        nn[-1].set_activation_function("softmax")
    assert (len(nn), nn.loss) == (2, "mse")
    counts = foxnn.neural_network([4, 2], "exp", loss="poisson")
    with pytest.raises(ValueError, match="losses mse, mae, huber, log_cosh, not for '"):
        counts.output_scaler = foxnn.Scaler().fit(Y)
    nn.output_scaler = None
    nn.next_layer(foxnn.layer(2, 2))


# Files


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_text_file_holds_the_scaled_function(dtype: str, tmp_path: Path) -> None:
    """FoxNN has no scalers: they are worked into the weights."""
    nn = network(dtype=dtype)
    nn.fit(X, Y, 20, learning_rate=0.01, scale="standard")
    nn.save(tmp_path / "net.txt")
    again = foxnn.neural_network(tmp_path / "net.txt", dtype="float64")
    assert again.input_scaler is None
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    assert_within(again.predict(X), nn.predict(X), tolerance * Y.std(axis=0))


def test_scaled_outputs_of_a_bent_layer_are_not_for_a_text_file(tmp_path: Path) -> None:
    nn = foxnn.neural_network([4, 2], "sigmoid", seed=1)
    nn.fit(X, Y, 1, scale=("standard", "minmax"))
    with pytest.raises(ValueError, match="output_scaler only for identity_x outputs"):
        nn.save(tmp_path / "net.txt")
    assert not list(tmp_path.iterdir())


# The warning


def test_inputs_that_saturate_give_one_warning() -> None:
    x = RNG.integers(0, 256, (300, 100)).astype(np.uint8)
    y = wanted(300, 2, "binary_cross_entropy")
    for name in ("sigmoid", "tanh"):
        nn = foxnn.neural_network([100, 20, 2], name, seed=1)
        with pytest.warns(UserWarning, match="scale='standard' in fit") as caught:
            nn.fit(x, y, 3)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        # The remedy is one.
        nn.fit(x, y, 1, scale="standard")


def test_the_warning_is_of_the_user_s_line_wherever_fit_is_called_from() -> None:
    x, y = RNG.integers(0, 256, (300, 100)), wanted(300, 2, "binary_cross_entropy")
    within: dict[str, Any] = {"__name__": "foxnn.some.module"}
    exec("def fit(nn, *args):\n    def deeper():\n        nn.fit(*args)\n    deeper()", within)
    without: dict[str, Any] = {"__name__": "foxnn_of_a_user"}
    exec("def fit(nn, *args):\n    nn.fit(*args)", without)
    for fit, place in ((within["fit"], __file__), (without["fit"], "<string>")):
        with pytest.warns(UserWarning, match="the inputs are large") as caught:
            fit(foxnn.neural_network([100, 20, 2], seed=1), x, y, 1)
        assert [warning.filename for warning in caught] == [place]


@pytest.mark.filterwarnings("ignore:the inputs are large")
def test_inputs_beyond_every_number_are_no_error_here() -> None:
    nn = foxnn.neural_network([2, 3, 1], dtype="float64", seed=1)
    nn[0].weights = [[1e300] * 3, [-1e300] * 3]
    # Infinite, or no number: that depends on the kernel set.
    saturation.warn_if_saturated(nn, np.full((4, 2), 1e150))


def test_others_give_none() -> None:
    x, y = RNG.integers(0, 256, (300, 100)), wanted(300, 2, "binary_cross_entropy")
    foxnn.neural_network([100, 20, 2], "relu", seed=1).fit(x, y, 1, learning_rate=1e-9)
    foxnn.neural_network([100, 20, 2], "sigmoid", seed=1).fit(x / 255.0, y, 1)
    # Flat because of its weights, not of its inputs.
    foxnn.neural_network([100, 20, 2], "sigmoid", init="uniform").fit(x / 255.0, y, 1)


@pytest.mark.parametrize("name", ["input_scaler", "output_scaler"])
def test_the_scaler_that_is_read_is_a_copy(name: str) -> None:
    nn = small_runs.regression()
    nn.fit(small_runs.X * 100, small_runs.Y, 1, scale="standard")
    expected = nn.predict(small_runs.X)
    scaler = getattr(nn, name)
    scaler.fit(np.ones((5, len(scaler.shift))) * 7.0)
    scaler.shift[:] = 99.0
    for again in (nn, copy.deepcopy(nn), pickle.loads(pickle.dumps(nn))):
        assert again.predict(small_runs.X).tobytes() == expected.tobytes()


@pytest.mark.parametrize("part", ["shift", "scale"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf, 1e-310])
def test_scalers_of_no_use_are_refused(value: float, part: str) -> None:
    if part == "shift" and math.isfinite(value):
        return
    scaler = foxnn.Scaler().fit(small_runs.X)
    getattr(scaler, part)[1] = value
    nn = small_runs.regression()
    for use in (
        lambda: setattr(nn, "input_scaler", scaler),
        lambda: nn.fit(small_runs.X, small_runs.Y, 1, scale=scaler),
        lambda: scaler.transform(small_runs.X),
    ):
        with pytest.raises(ValueError, match="a finite shift and a scale above 0"):
            use()
    assert nn.input_scaler is None


def test_scalers_filled_by_hand_from_lists() -> None:
    scaler, nn = foxnn.Scaler(), small_runs.regression()
    scaler.shift, scaler.scale = [0.0] * 4, [2.0] * 4  # type: ignore[assignment]
    nn.input_scaler = scaler
    plain = small_runs.regression()
    assert nn.predict(small_runs.X) == pytest.approx(plain.predict(small_runs.X / 2), rel=1e-6)


@pytest.mark.parametrize("method", ["standard", "minmax"])
def test_a_spread_as_good_as_none(method: str) -> None:
    x = np.column_stack([np.arange(4.0), [0.0, 1e-310, 0.0, 0.0]])
    nn = foxnn.neural_network([2, 1], "identity", dtype="float64", seed=1)
    nn.fit(x, [0, 1, 2, 3.0], scale=method)
    assert np.isfinite(nn.predict(x)).all()


@pytest.mark.usefixtures("own_folder")
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
    nn, scaler = small_runs.single(), foxnn.Scaler()
    scaler.shift, scaler.scale = (
        form(small_runs.ROWS.mean(axis=0) + 3),
        form(small_runs.ROWS.std(axis=0) + 1),
    )
    nn.input_scaler = scaler
    expected = nn.predict(small_runs.ROWS)
    nn.save("net.safetensors")
    nn.save("net.txt")
    for again in (
        foxnn.neural_network("net.safetensors"), copy.deepcopy(nn), pickle.loads(pickle.dumps(nn)),
    ):  # fmt: skip
        assert again.predict(small_runs.ROWS).tobytes() == expected.tobytes()
        assert again.input_scaler == nn.input_scaler
    assert foxnn.neural_network("net.txt").predict(small_runs.ROWS) == pytest.approx(
        expected, abs=1e-5
    )


def test_a_method_that_is_none_measures_nothing() -> None:
    """It was taken for "standard"."""
    scaler = foxnn.Scaler()
    scaler.method = "minmaxx"
    with pytest.raises(ValueError, match="method must be one of standard, minmax; got 'minmaxx'"):
        scaler.fit(small_runs.FEW)
    with pytest.raises(ValueError, match="the method of scale must be one of"):
        small_runs.few().fit(small_runs.FEW, small_runs.ONE_HOT, scale=scaler)
    assert scaler.shift is None
