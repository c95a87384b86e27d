"""Penalties, clipping, dropout, weights of samples and classes in fit, beside the oracle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import foxnn
import reference
import small_runs
from closeness import assert_within
from forced_runs import inputs, parameters, wanted
from reference import Rules

per_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])

# The engine's number for what dropout draws.
DROPOUT = 4
# Wide enough for the way through the layers, and narrow enough for the short one.
SIZES = ([9, 33, 20, 3], [4, 7, 5, 3])
per_size = pytest.mark.parametrize("sizes", SIZES, ids=["wide", "narrow"])


def network(sizes: list[int], loss: str = "mse", **options: Any) -> foxnn.neural_network:
    output = {"mse": "identity", "cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}
    options = {"dtype": "float64", "seed": 1, **options}
    return foxnn.neural_network(sizes, "tanh", output[loss], loss, **options)


def compare(
    nn: foxnn.neural_network,
    fit: dict[str, Any],
    oracle_options: dict[str, Any],
    optimizer: Callable[[], reference.Optimizer] = reference.SGD,
    name: str = "sgd",
    epochs: int = 3,
) -> None:
    """Train a network and its double in NumPy in the same way; both must end alike."""
    x, y = inputs(20, nn.sizes[0]), wanted(20, nn.sizes[-1], nn.loss)
    oracle = reference.copy_of(nn)
    history = nn.fit(x, y, epochs, 6, name, 0.05, shuffle=False, **fit)
    losses = reference.train(oracle, x, y, optimizer(), 0.05, 6, epochs, **oracle_options)
    # A dozen steps, each with a rounding error of some eps that the next ones carry on.
    single = nn.dtype == "float32"
    assert_within(history["loss"], losses, 2e-5 if single else 1e-11)
    for part, layer in zip(nn, oracle.layers, strict=True):
        assert_within(part.weights, layer.weights, 1e-5 if single else 1e-11)
        assert_within(part.bias, layer.bias, 1e-5 if single else 1e-11)


# Penalties and clipping


RULES = {
    "l1": {"l1": 0.05},
    "l2": {"l2": 0.1},
    "both": {"l1": 0.02, "l2": 0.1},
    "norm": {"clip_norm": 0.05},
    "no-norm": {"clip_norm": 1e6},
    "value": {"clip_value": 0.01},
    "l2-norm": {"l2": 0.5, "clip_norm": 0.2},
    "l1-value": {"l1": 0.1, "clip_value": 0.05},
}


@per_size
@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_rules_beside_the_oracle(loss: str, rules: dict[str, float], sizes: list[int]) -> None:
    compare(network(sizes, loss), rules, {"rules": Rules(**rules)})


@per_size
@pytest.mark.parametrize("rules", ["both", "norm", "value"])
def test_rules_in_float32(rules: str, sizes: list[int]) -> None:
    compare(network(sizes, dtype="float32"), RULES[rules], {"rules": Rules(**RULES[rules])})


@per_size
@pytest.mark.parametrize("rules", ["both", "l2-norm", "value"])
@pytest.mark.parametrize(
    ("name", "make"),
    [("adamw", reference.AdamW), ("rmsprop", reference.RMSprop), ("nesterov", None)],
)
def test_rules_under_other_optimizers(name: str, make: Any, rules: str, sizes: list[int]) -> None:
    options = {"rules": Rules(**RULES[rules])}
    compare(network(sizes), RULES[rules], options, make or (lambda: reference.Nesterov(0.9)), name)


@per_size
def test_biases_bear_no_penalty(sizes: list[int]) -> None:
    """With nothing to learn, weights shrink by 1 - rate l2 a step, and biases stay."""
    nn = network(sizes)
    for part in nn:
        part.bias = np.full(part.get_N_n(), 0.5)
    x = inputs(6, sizes[0])
    before = [(part.weights, part.bias) for part in nn]
    nn.fit(x, nn.predict(x), 1, 6, "sgd", 0.5, l2=0.25)
    for part, (weights, bias) in zip(nn, before, strict=True):
        assert part.weights == pytest.approx(weights * (1 - 0.5 * 0.25), abs=1e-14)
        assert part.bias == pytest.approx(bias, abs=1e-14)


def test_the_reported_loss_is_without_penalty() -> None:
    x, y = inputs(20, 4), wanted(20, 3, "mse")
    plain, penalised = network(SIZES[1]), network(SIZES[1])
    first = plain.fit(x, y, 1, 20, "sgd", 0.1)
    second = penalised.fit(x, y, 1, 20, "sgd", 0.1, l1=1.0, l2=1.0)
    assert first["loss"] == second["loss"]


def test_a_gradient_is_cut_to_its_norm() -> None:
    """From w = b = 0 on x = 3, y = -100 the gradient is (300, 100), of norm 100 sqrt 10."""
    nn = foxnn.neural_network([1, 1], "identity", init="zeros", dtype="float64")
    nn.fit([[3.0]], [[-100.0]], 1, 1, "sgd", 1.0, clip_norm=1.0)
    expected = -np.array([3.0, 1.0]) / np.sqrt(10.0)
    assert parameters(nn) == pytest.approx(expected, rel=1e-15)
    nn = foxnn.neural_network([1, 1], "identity", init="zeros", dtype="float64")
    nn.fit([[3.0]], [[-100.0]], 1, 1, "sgd", 1.0, clip_value=150.0)
    assert parameters(nn).tolist() == [-150.0, -100.0]


def test_squares_beyond_float32_are_clipped_all_the_same() -> None:
    nn = foxnn.neural_network([1, 1], "identity", init="zeros")
    nn.fit([[1e10]], [[-1e15]], 1, 1, "sgd", 1.0, clip_norm=1.0)
    assert parameters(nn) == pytest.approx([-1.0, -1e-10], rel=1e-6)


def test_clipping_does_not_hide_a_divergence() -> None:
    nn = foxnn.neural_network([1, 1], "identity", init="zeros")
    with pytest.raises(foxnn.DivergedError):
        nn.fit([[1e30]], [[-1e30]], 1, 1, "sgd", 1.0, clip_norm=1.0)
    assert parameters(nn).tolist() == [0.0, 0.0]


@per_dtype
def test_l2_is_decay_and_adamws_is_apart(dtype: str) -> None:
    """With SGD both shrink alike; with Adam the penalty goes through its root, and AdamW's not."""
    x, y = inputs(20, 4), wanted(20, 3, "mse")
    by_penalty, by_decay = network(SIZES[1], dtype=dtype), network(SIZES[1], dtype=dtype)
    by_penalty.fit(x, y, 2, 6, "adam", 0.01, l2=0.1)
    by_decay.fit(x, y, 2, 6, foxnn.AdamW(weight_decay=0.1), 0.01)
    assert np.abs(parameters(by_penalty) - parameters(by_decay)).max() > 1e-4
    without = network(SIZES[1], dtype=dtype)
    without.fit(x, y, 2, 6, foxnn.AdamW(weight_decay=0.0), 0.01)
    adam = network(SIZES[1], dtype=dtype)
    adam.fit(x, y, 2, 6, "adam", 0.01)
    assert parameters(without).tobytes() == parameters(adam).tobytes()


# Dropout


def masks_of(
    nn: foxnn.neural_network, rates: list[float], shuffles: bool = False
) -> Callable[[int, int], list[np.ndarray]]:
    """Return the masks of `fit` on 20 samples in batches of 6, drawn in NumPy."""
    used = [rate for rate in rates if rate > 0]
    start = nn._draw()

    def masks(epoch: int, first: int) -> list[np.ndarray]:
        samples, found = range(first, min(first + 6, 20)), []
        # An epoch takes a draw for each layer with dropout, and before them one for its order.
        draw = start + epoch * (len(used) + shuffles) + shuffles
        for rate, width in zip(rates, nn.sizes[1:-1], strict=True):
            if rate > 0:
                mask = reference.dropout_mask(rate, width, samples, nn.seed, DROPOUT, draw)
                draw += 1
            else:
                mask = np.ones((len(samples), width))
            found.append(mask)
        return found

    return masks


@per_size
@pytest.mark.parametrize("dropout", [0.5, 0.1, [0.3, 0.0], [0.0, 0.9]])
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_dropout_beside_the_oracle(loss: str, dropout: Any, sizes: list[int]) -> None:
    """The masks are drawn a second time in NumPy, from the definition of the generator."""
    nn = network(sizes, loss, seed=2**40 + 5)
    rates = dropout if isinstance(dropout, list) else [dropout] * 2
    compare(nn, {"dropout": dropout}, {"masks": masks_of(nn, rates)})


def test_dropout_with_penalties_clipping_and_weights() -> None:
    nn, counts = network(SIZES[0]), np.arange(20) % 4 / 2.0
    fit = {"dropout": 0.4, "l2": 0.1, "clip_norm": 0.1, "sample_weight": counts}
    rules = Rules(l2=0.1, clip_norm=0.1)
    masks = masks_of(nn, [0.4, 0.4])
    compare(nn, fit, {"rules": rules, "weights": counts, "masks": masks}, reference.Adam, "adam")


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_a_share_drops_out_and_the_rest_is_scaled_up(rate: float) -> None:
    mask = reference.dropout_mask(rate, 101, range(300), 7, DROPOUT, 3)
    assert set(np.unique(mask)) == {0.0, 1.0 / (1.0 - rate)}
    # Five deviations of a mean of 30,300 draws.
    assert (mask == 0).mean() == pytest.approx(rate, abs=5 * np.sqrt(rate * (1 - rate) / mask.size))
    columns = (mask == 0).mean(axis=0)
    assert np.abs(columns - rate).max() < 5 * np.sqrt(rate * (1 - rate) / 300)


def test_prediction_drops_nothing() -> None:
    nn, x = network(SIZES[1]), inputs(20, 4)
    expected = nn.predict(x)
    nn.fit(x, wanted(20, 3, "mse"), 1, 6, "sgd", 1e-300, dropout=0.5)
    assert nn.predict(x).tobytes() == expected.tobytes()
    assert nn.evaluate(x, expected)["loss"] == 0.0


def test_a_rate_of_zero_is_none() -> None:
    x, y = inputs(20, 4), wanted(20, 3, "mse")
    found = set()
    for dropout in (0.0, 0, [0.0, 0.0]):
        nn = network(SIZES[1])
        nn.fit(x, y, 2, 6, dropout=dropout)
        found.add(parameters(nn).tobytes())
    assert len(found) == 1


def test_other_epochs_drop_others() -> None:
    nn, x, y = network(SIZES[1]), inputs(20, 4), wanted(20, 3, "mse")
    losses = nn.fit(x, y, 5, 20, "sgd", 1e-300, dropout=0.5, shuffle=False)["loss"]
    assert len(set(losses)) == 5


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
def test_a_network_without_hidden_layers_drops_nothing() -> None:
    nn = foxnn.neural_network([4, 3], seed=1)
    nn.fit(inputs(20, 4), wanted(20, 3, "mse"), 1, dropout=0.5)
    nn.fit(inputs(20, 4), wanted(20, 3, "mse"), 1, dropout=[])


LAYERED = {
    "layer 1 is Dropout(0.1)": [4, 5, foxnn.Dropout(0.1), 3],
    "layer 0 is Dense(5": [(2, 2), foxnn.Dense(5), 3],
    "layer 1 is Activation('relu')": [4, 5, foxnn.Activation("relu"), 3],
}


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
@pytest.mark.parametrize("message", LAYERED)
def test_dropout_of_other_layers_stands_in_their_list(message: str) -> None:
    nn, x, y = foxnn.neural_network(LAYERED[message], seed=1), inputs(20, 4), wanted(20, 3, "mse")
    before, draw = nn.predict(x).tobytes(), nn._draw()
    for dropout in (0.3, [0.3] * (len(nn) - 1)):
        with pytest.raises(ValueError, match="dropout must be 0, got") as caught:
            nn.fit(x, y, 1, dropout=dropout)
        assert message in str(caught.value)
        assert "put foxnn.Dropout in the list of layers instead" in str(caught.value)
    assert nn._draw() == draw
    assert nn.history is None
    assert nn.predict(x).tobytes() == before
    nn.fit(x, y, 1, dropout=0)
    nn.fit(x, y, 1, dropout=[0.0] * (len(nn) - 1))


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
def test_dense_layers_that_take_the_whole_sample_may_drop_out() -> None:
    described = [(2, 2), 5, foxnn.Dense(4, "relu", bias=False, name="hidden"), 3]
    history = foxnn.neural_network(described, seed=1).fit(
        inputs(20, 4), wanted(20, 3, "mse"), 1, dropout=[0.3, 0.5]
    )
    assert len(history["loss"]) == 1


# Weights


@per_size
@pytest.mark.parametrize("loss", ["mse", "cross_entropy", "binary_cross_entropy"])
def test_weights_beside_the_oracle(loss: str, sizes: list[int]) -> None:
    counts = np.random.default_rng(1).integers(0, 5, 20) / 2.0
    compare(network(sizes, loss), {"sample_weight": counts}, {"weights": counts})


@per_size
def test_a_weight_is_a_number_of_repetitions(sizes: list[int]) -> None:
    x, y, counts = inputs(20, sizes[0]), wanted(20, 3, "mse"), np.arange(20) % 3
    weighted, repeated = network(sizes), network(sizes)
    first = weighted.fit(x, y, 4, 20, "sgd", 0.1, sample_weight=counts)
    many = np.repeat(x, counts, axis=0), np.repeat(y, counts, axis=0)
    second = repeated.fit(*many, 4, len(many[0]), "sgd", 0.1)
    assert first["loss"] == pytest.approx(second["loss"], rel=1e-12)
    assert parameters(weighted) == pytest.approx(parameters(repeated), rel=1e-10)
    assert weighted.evaluate(x, y, counts)["loss"] == pytest.approx(
        weighted.evaluate(*many)["loss"], rel=1e-12
    )


def test_equal_weights_are_none() -> None:
    x, y = inputs(20, 4), wanted(20, 3, "mse")
    plain, weighted = network(SIZES[1]), network(SIZES[1])
    plain.fit(x, y, 2, 6)
    history = weighted.fit(x, y, 2, 6, sample_weight=np.full(20, 4.0))
    assert parameters(plain) == pytest.approx(parameters(weighted), rel=1e-10)
    assert history["loss"][0] > 0


def test_a_batch_that_counts_nothing_moves_nothing() -> None:
    nn, x, y = network(SIZES[1]), inputs(12, 4), wanted(12, 3, "mse")
    other = network(SIZES[1])
    counts = np.repeat([1.0, 0.0], 6)
    history = nn.fit(x, y, 1, 6, "sgd", 0.1, shuffle=False, sample_weight=counts)
    expected = other.fit(x[:6], y[:6], 1, 6, "sgd", 0.1, shuffle=False)
    assert parameters(nn).tobytes() == parameters(other).tobytes()
    assert history["loss"] == expected["loss"]


def test_validation_takes_weights() -> None:
    x, y, counts = inputs(20, 4), wanted(20, 3, "mse"), np.arange(20) % 3 + 0.5
    nn = network(SIZES[1])
    history = nn.fit(x, y, 1, validation=(x, y, counts))
    assert history["val_loss"] == [nn.evaluate(x, y, counts)["loss"]]
    nn = network(SIZES[1])
    history = nn.fit(x, y, 1, validation=0.5, sample_weight=counts, learning_rate=1e-30)
    order = foxnn._core.shuffled(1, 2, 20, 0)[:10]
    expected = nn.evaluate(x[order], y[order], counts[order])["loss"]
    assert history["val_loss"][0] == pytest.approx(expected, rel=1e-14)


LABELS = np.array([0] * 12 + [1] * 6 + [2] * 2)


def class_weighted(class_weight: Any, **options: Any) -> np.ndarray:
    nn = network(SIZES[1], "cross_entropy")
    nn.fit(inputs(20, 4), LABELS, 2, 6, class_weight=class_weight, **options)
    return parameters(nn)


@pytest.mark.parametrize(
    ("class_weight", "by_class"),
    [
        ({0: 0.5, 1: 2.0, 2: 3.0}, [0.5, 2.0, 3.0]),
        ({2: 7}, [1.0, 1.0, 7.0]),
        ({np.int64(1): 0}, [1.0, 0.0, 1.0]),
        ("balanced", [20 / (3 * 12), 20 / (3 * 6), 20 / (3 * 2)]),
    ],
)
def test_class_weights_are_sample_weights(class_weight: Any, by_class: list[float]) -> None:
    expected = class_weighted(None, sample_weight=np.array(by_class)[LABELS])
    assert class_weighted(class_weight).tobytes() == expected.tobytes()
    counts = np.linspace(0.5, 2.0, 20)
    expected = class_weighted(None, sample_weight=counts * np.array(by_class)[LABELS])
    found = class_weighted(class_weight, sample_weight=counts)
    assert found.tobytes() == expected.tobytes()


def test_classes_of_one_hot_rows_and_of_one_sigmoid_output() -> None:
    nn, other = network(SIZES[1], "cross_entropy"), network(SIZES[1], "cross_entropy")
    nn.fit(inputs(20, 4), np.eye(3)[LABELS], 1, class_weight={1: 3.0})
    other.fit(inputs(20, 4), LABELS, 1, class_weight={1: 3.0})
    assert parameters(nn).tobytes() == parameters(other).tobytes()
    y = LABELS > 0
    found = []
    for more in ({"class_weight": "balanced"}, {"sample_weight": np.where(y, 20 / 16, 20 / 24)}):
        nn = network([4, 5, 1], "binary_cross_entropy")
        nn.fit(inputs(20, 4), y, 2, **more)
        found.append(parameters(nn).tobytes())
    assert found[0] == found[1]


def test_a_class_that_is_not_there_is_left_out_of_the_balance() -> None:
    y = np.minimum(LABELS, 1)
    nn, other = network(SIZES[1], "cross_entropy"), network(SIZES[1], "cross_entropy")
    nn.fit(inputs(20, 4), y, 1, class_weight="balanced")
    weights = np.where(y == 0, 20 / (2 * 12), 20 / (2 * 8))
    other.fit(inputs(20, 4), y, 1, sample_weight=weights)
    assert parameters(nn).tobytes() == parameters(other).tobytes()


# Validation by class


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("form", ["labels", "rows", "sigmoid"])
def test_a_validation_share_has_its_part_of_every_class(share: float, form: str) -> None:
    """Inputs tell which sample is which: those never trained on keep their weights."""
    rng = np.random.default_rng(3)
    y = rng.permutation(np.repeat([0, 1, 2], [60, 30, 10]))
    if form == "sigmoid":
        y = np.minimum(y, 1)
        nn = foxnn.neural_network([100, 1], "sigmoid", loss="binary_cross_entropy", seed=4)
    else:
        nn = foxnn.neural_network([100, 3], "softmax", seed=4)
    before = nn[0].weights
    nn.fit(np.eye(100), np.eye(3)[y] if form == "rows" else y, 1, 1, "sgd", validation=share)
    held = (nn[0].weights == before).all(axis=1)
    assert held.sum() == round(100 * share)
    for label in range(y.max() + 1):
        of_class = y == label
        assert abs((held & of_class).sum() - share * of_class.sum()) <= 1.0


def trained_on(y: np.ndarray, share: float, form: str, **options: Any) -> np.ndarray:
    """Return which samples a training sees: inputs tell which is which, as above."""
    outputs = 1 if form == "sigmoid" else y.max() + 1
    activation = "sigmoid" if form == "sigmoid" else "softmax"
    loss = "binary_cross_entropy" if form == "sigmoid" else None
    nn = foxnn.neural_network([len(y), outputs], activation, loss=loss, seed=4)
    before = nn[0].weights
    given = np.eye(outputs)[y] if form == "rows" else y
    nn.fit(np.eye(len(y)), given, 1, 1, "sgd", validation=share, **options)
    return (nn[0].weights != before).any(axis=1)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.8])
@pytest.mark.parametrize("form", ["labels", "rows", "sigmoid"])
def test_every_class_is_trained_on(share: float, form: str) -> None:
    """However rare it is, and in any place in the order of the classes."""
    for rare in (0, 1) if form == "sigmoid" else (0, 1, 2, 3):
        common = [c for c in range(2 if form == "sigmoid" else 4) if c != rare]
        y = np.resize(common, 40)
        y[17] = rare
        seen = trained_on(y, share, form)
        assert seen[17]
        assert seen.sum() == 40 - round(40 * share)


def test_as_many_classes_as_are_left_to_train_on() -> None:
    y = np.resize(np.arange(10), 20)
    assert sorted(y[trained_on(y, 0.5, "labels")]) == list(range(10))
    message = (
        "validation=0.6 of 20 samples leaves 8 to train on, fewer than there are classes: none"
    )
    with pytest.raises(ValueError, match=message):
        trained_on(y, 0.6, "labels")


def test_a_class_is_trained_on_where_it_has_weight() -> None:
    y = np.resize([0, 1], 20)
    weights = np.ones(20)
    weights[y == 1] = 0.0
    for only in (1, 7, 19):
        given = weights.copy()
        given[only] = 2.0
        seen = trained_on(y, 0.5, "labels", sample_weight=given)
        assert seen[only]  # those of weight 0 change nothing, so that they cannot be seen
    idle = np.where(y == 1, 0.0, 1.0)  # a class without any weight needs no place
    assert trained_on(y, 0.9, "labels", sample_weight=idle).any()


# Wrong arguments


def refused(error: type[Exception], message: str, loss: str = "mse", **options: Any) -> None:
    nn = network(SIZES[1], loss)
    nn.fit(inputs(20, 4), wanted(20, 3, loss), 1)
    before, draw = parameters(nn).tobytes(), nn._draw()
    with pytest.raises(error, match=message):
        nn.fit(inputs(20, 4), wanted(20, 3, loss), 1, **{"validation": 0.2, **options})
    assert (parameters(nn).tobytes(), nn._draw()) == (before, draw)


@pytest.mark.parametrize("name", ["l1", "l2"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), 1e400])
def test_penalties_out_of_range(name: str, value: float) -> None:
    refused(ValueError, f"{name} must be a finite number at least 0", **{name: value})


@pytest.mark.parametrize("name", ["l1", "l2", "clip_norm", "clip_value", "dropout"])
@pytest.mark.parametrize("value", ["0.1", True, b"x", 1j])
def test_numbers_of_a_wrong_type(name: str, value: Any) -> None:
    refused(TypeError, f"{name} must be a number", **{name: value})


@pytest.mark.parametrize("name", ["clip_norm", "clip_value"])
@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf")])
def test_clipping_out_of_range(name: str, value: float) -> None:
    refused(ValueError, f"{name} must be a finite number above 0", **{name: value})


def test_one_way_of_clipping_at_a_time() -> None:
    refused(ValueError, "must not both be given", clip_norm=1.0, clip_value=1.0)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.0, "dropout must be a finite number at least 0 and below 1, got 1.0"),
        (-0.1, "dropout must be .*got -0.1"),
        (float("nan"), "dropout must be"),
        ([0.1], "one for each of the 2 hidden layers, got 1"),
        ([0.1, 0.1, 0.1], "one for each of the 2 hidden layers, got 3"),
        ([0.1, 1.5], r"dropout\[1\] must be .*got 1.5"),
    ],
)
def test_dropout_out_of_range(value: Any, message: str) -> None:
    refused(ValueError, message, dropout=value)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.ones(19), ValueError, r"sample_weight must have shape \(20,\).*got \(19,\)"),
        (np.ones((20, 1)), ValueError, r"sample_weight must have shape \(20,\)"),
        (3.0, ValueError, r"sample_weight must have shape \(20,\)"),
        (-np.ones(20), ValueError, "sample_weight must be finite and at least 0, got -1"),
        (np.full(20, np.nan), ValueError, "sample_weight must be finite"),
        (np.full(20, np.inf), ValueError, "sample_weight must be finite"),
        (np.zeros(20), ValueError, "sample_weight must not all be 0"),
        (["a"] * 20, TypeError, "sample_weight must hold real numbers"),
    ],
)
def test_wrong_sample_weights(value: Any, error: type[Exception], message: str) -> None:
    refused(error, message, sample_weight=value)
    nn = network(SIZES[1])
    with pytest.raises(error, match=message):
        nn.evaluate(inputs(20, 4), wanted(20, 3, "mse"), value)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ({3: 1.0}, ValueError, "class_weight must name classes from 0 to 2, got 3"),
        ({-1: 1.0}, ValueError, "a class of class_weight must be an integer at least 0, got -1"),
        ({"a": 1.0}, TypeError, "a class of class_weight must be an integer"),
        ({0: -1.0}, ValueError, r"class_weight\[0\] must be a finite number at least 0"),
        ({0: "x"}, TypeError, r"class_weight\[0\] must be a number"),
        ({0: 0, 1: 0, 2: 0}, ValueError, "class_weight must not leave only samples of weight 0"),
        ("balance", ValueError, "class_weight must be one of balanced; got 'balance'"),
        ([1.0, 2.0, 3.0], TypeError, "class_weight must be a dict"),
    ],
)
def test_wrong_class_weights(value: Any, error: type[Exception], message: str) -> None:
    refused(error, message, "cross_entropy", class_weight=value)


@pytest.mark.parametrize("loss", ["mse", "binary_cross_entropy"])
def test_class_weights_need_classes(loss: str) -> None:
    refused(ValueError, "class_weight needs classes", loss, class_weight="balanced")


def test_a_decay_that_would_turn_weights_round() -> None:
    rule = foxnn.AdamW(weight_decay=2.0)
    refused(ValueError, "learning_rate times weight_decay", optimizer=rule, learning_rate=0.5)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda: foxnn.AdamW(weight_decay=-0.1), "weight_decay must be .*at least 0"),
        (lambda: foxnn.AdamW(beta_1=1.0), "beta_1 must be"),
        (lambda: foxnn.AdamW(epsilon=0.0), "epsilon must be .*above 0"),
        (lambda: foxnn.RMSprop(rho=1.0), "rho must be .*below 1"),
        (lambda: foxnn.RMSprop(momentum=-0.1), "momentum must be .*at least 0"),
        (lambda: foxnn.RMSprop(epsilon=0.0), "epsilon must be .*above 0"),
    ],
)
def test_constants_of_the_new_rules(rule: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rule()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("factor", [1e-40, 1e-300, 1e37, 1e300, 0.25])
def test_the_size_of_weights_does_not_count(factor: float, dtype: str) -> None:
    counts, found = np.arange(1, 61) / 4.0, []
    for weights in (counts, counts * factor):
        nn = small_runs.classifier(dtype=dtype)
        history = nn.fit(small_runs.X, small_runs.LABELS, 3, 7, "sgd", 0.1, sample_weight=weights)
        found.append(
            (
                parameters(nn),
                history["loss"],
                nn.evaluate(small_runs.X, small_runs.LABELS, weights)["loss"],
            )
        )
    for one, other in zip(*found, strict=True):
        assert other == pytest.approx(one, rel=1e-4 if dtype == "float32" else 1e-10, abs=1e-7)


def test_large_class_weights_too() -> None:
    nn, other = small_runs.classifier(), small_runs.classifier()
    weights = np.full(60, 1e200)
    nn.fit(
        small_runs.X,
        small_runs.LABELS,
        2,
        sample_weight=weights,
        class_weight={0: 2e200, 1: 1e200, 2: 1e200},
    )
    other.fit(small_runs.X, small_runs.LABELS, 2, class_weight={0: 2.0})
    assert parameters(nn) == pytest.approx(parameters(other), rel=1e-5)


@pytest.mark.parametrize("name", ["clip_value", "clip_norm"])
def test_clipping_at_what_float32_takes_for_zero(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least .* in float32, got 1e-46"):
        small_runs.regression().fit(small_runs.X, small_runs.Y, 1, **{name: 1e-46})
    small_runs.regression(dtype="float64").fit(small_runs.X, small_runs.Y, 1, **{name: 1e-46})


def test_numbers_of_numpy() -> None:
    half = np.float64(0.5)
    assert repr(foxnn.SGD(momentum=half)) == "SGD(momentum=0.5, nesterov=False)"
    assert repr(foxnn.Adam(beta_1=half)) == "Adam(beta_1=0.5, beta_2=0.999, epsilon=1e-08)"
    assert "0.5" in repr(foxnn.AdamW(weight_decay=half))
    assert "np" not in repr(foxnn.RMSprop(rho=half)) + repr(foxnn.AdamW(weight_decay=half))
    rule = foxnn.EarlyStopping(patience=np.int64(3), min_delta=half)
    assert repr(rule) == "EarlyStopping(monitor=None, patience=3, min_delta=0.5, restore_best=True)"
    nn, other = small_runs.regression(), small_runs.regression()
    nn.fit(small_runs.X, small_runs.Y, 1, dropout=np.array(0.5))  # type: ignore[arg-type]
    other.fit(small_runs.X, small_runs.Y, 1, dropout=0.5)
    assert small_runs.bits(nn) == small_runs.bits(other)
