"""The warning about targets that the output activation cannot reach."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn.layers.activation_table import ACTIVATIONS, WITH_ALPHA, reach

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
PRICES = 2e5 + 5e4 * X[:, :1]


def told(output: Any, y: np.ndarray, *, loss: str = "mse", **given: Any) -> list[str]:
    """Return the warnings of a training, which must be about the samples."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        nn = foxnn.neural_network([2, 4, y.shape[1]], "tanh", output, loss=loss, seed=1)
        nn.fit(X, y, 2, **given)
    assert all(warning.category is foxnn.DataWarning for warning in caught)
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"softmax", "exp"}))
def test_bounds_are_those_of_the_activation(name: str) -> None:
    parameters = [0.75] if name in WITH_ALPHA else []
    nn = foxnn.neural_network([1, 1], (name, parameters), init="zeros", dtype="float64")
    nn[0].weights = [[1.0]]
    # Their extremes are within; at the ends, arctan is within 1e-3 of its own.
    z = np.concatenate([np.linspace(-5, 5, 100_001), [-1e3, 1e3, 0.0]])
    out = nn.predict(z[:, None])
    low, high = reach(name, parameters)
    assert low <= out.min() + 1e-15
    assert out.max() <= high
    assert math.isinf(low) or out.min() == pytest.approx(low, abs=2e-3)
    assert math.isinf(high) or out.max() == pytest.approx(high, abs=2e-3)
    assert math.isinf(low) == (out.min() < -100)
    assert math.isinf(high) == (out.max() > 100)


@pytest.mark.parametrize(
    ("output", "y", "outputs"),
    [
        ("sigmoid", PRICES, "sigmoid outputs go from 0 to 1"),
        ("sigmoid", -np.abs(X), "sigmoid outputs go from 0 to 1"),
        ("sigmoid", np.full((60, 1), 2.0), "the targets go from 2 to 2"),
        ("tanh", PRICES, "tan_h outputs go from -1 to 1"),
        ("relu", -PRICES, "relu outputs are at least 0"),
        ("softplus", X, "softplus outputs are at least 0"),
        (("elu", 0.5), X, "elu outputs are at least -0.5"),
        ("gaussian", X, "gaussian outputs go from 0 to 1"),
        ("arctan", PRICES, "arctan outputs go from -1.571 to 1.571"),
        ("softmax", PRICES * [1, 1], "softmax outputs go from 0 to 1 and add up to 1"),
        ("softmax", np.abs(X) / 9, "add up to 1, which scale='standard' does not"),
    ],
)
@pytest.mark.parametrize("scale", [None, "standard"])
def test_targets_out_of_reach_give_one_warning(
    output: Any, y: np.ndarray, outputs: str, scale: str | None
) -> None:
    (message,) = told(output, y, scale=scale)
    assert outputs in message
    assert "scale='standard' does not change" in message
    assert "output_activation='identity'" in message


@pytest.mark.parametrize("output", ["sigmoid", "tanh", "relu", "softplus"])
@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_the_remedies_are_such(output: str, loss: str) -> None:
    y = PRICES if output in ("sigmoid", "tanh") else -PRICES
    (message,) = told(output, y, loss=loss)
    assert "scale=('standard', 'minmax')" in message
    assert told(output, y, loss=loss, scale=("standard", "minmax")) == []
    assert told("identity", y, loss=loss, scale="standard") == []
    # The wrong scaler of the outputs is none.
    (message,) = told(output, y, loss=loss, scale=("standard", "standard"))
    assert "as output_scaler scales them" in message


def test_a_scaler_that_the_network_has_counts() -> None:
    nn = foxnn.neural_network([2, 4, 1], "tanh", "sigmoid", seed=1)
    nn.output_scaler = foxnn.Scaler("minmax").fit(PRICES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.fit(X, PRICES, 1)


@pytest.mark.parametrize(
    ("output", "y"),
    [
        ("sigmoid", (X > 0).astype(float)),
        ("sigmoid", (X > 0) * 1.04 - 0.02),  # as close to it as noise
        ("tanh", np.sign(X)),
        ("relu", np.abs(X) - 0.01),
        ("identity", PRICES),
        ("leaky_relu", X),
        ("softmax", np.eye(2)[(X[:, 0] > 0).astype(int)]),
    ],
)
def test_others_give_none(output: str, y: np.ndarray) -> None:
    assert told(output, y) == []


def test_labels_and_losses_of_their_own_targets_give_none() -> None:
    labels = (X[:, 0] > 0).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        foxnn.neural_network([2, 4, 2], "tanh", "softmax", seed=1).fit(X, labels, 1)
        nn = foxnn.neural_network([2, 1], "sigmoid", loss="binary_cross_entropy", seed=1)
        nn.fit(X, labels, 1)
        foxnn.neural_network([2, 1], "exp", loss="poisson", seed=1).fit(X, labels * 9, 1)


SIGMOID = foxnn.Dense(2, activation="sigmoid")
PIXELS = foxnn.Conv1D(2, 1, activation="sigmoid")


@pytest.mark.parametrize(
    ("layers", "place"),
    [
        ([2, SIGMOID, foxnn.Flatten()], 0),
        ([2, 4, SIGMOID, foxnn.Dropout(0.5), foxnn.Reshape((1, 2))], 1),
        ([2, foxnn.Dense(2), foxnn.Activation("sigmoid"), foxnn.Reshape((2, 1))], 1),
        ([2, foxnn.Parallel(foxnn.Dense(1, "sigmoid"), [3, foxnn.Dense(1, "sigmoid")])], 0),
        ([2, foxnn.Parallel(SIGMOID, [SIGMOID, foxnn.Flatten()]), foxnn.Flatten()], 0),
        ([(2, 1), PIXELS, foxnn.GlobalMaxPool()], 0),
        ([(2, 1), PIXELS, foxnn.GlobalAveragePool()], 0),
        ([(2, 1), PIXELS, foxnn.MaxPool1D(2, padding="same")], 0),
        ([(2, 1), PIXELS, foxnn.AveragePool1D(2, padding="same")], 0),
        ([(2, 1), PIXELS, foxnn.UpSample(3)], 0),
    ],
    ids=str,
)
@pytest.mark.parametrize("scale", [None, "standard"])
def test_layers_that_keep_the_range_of_an_activation(
    layers: list[Any], place: int, scale: str | None
) -> None:
    nn = foxnn.neural_network(layers, "tanh", seed=1)
    samples = X[:, :, None] if isinstance(layers[0], tuple) else X
    out = nn.predict(samples)
    assert out.min() >= 0
    assert out.max() <= 1
    y = np.broadcast_to(PRICES.reshape(-1, *[1] * (out.ndim - 1)), out.shape)
    with pytest.warns(foxnn.DataWarning, match="sigmoid outputs go from 0 to 1") as caught:
        nn.fit(samples, y, 1, scale=scale)
    assert f"use 'identity' in layer {place}, whose targets `scale` can" in str(caught[0].message)
    # Scaled targets would be as far from the outputs, without a warning.
    assert nn.output_scaler is None


@pytest.mark.parametrize(
    "layers",
    [
        [2, foxnn.Residual(foxnn.Dense(2, "sigmoid"))],
        [2, foxnn.Dense(2, "sigmoid"), foxnn.LayerNorm()],
        [2, foxnn.Dense(2, "sigmoid"), foxnn.BatchNorm(), foxnn.Flatten()],
        [2, foxnn.Parallel(foxnn.Dense(1, "sigmoid"), foxnn.Dense(1, "identity"))],
        [2, foxnn.Parallel(SIGMOID, foxnn.Flatten())],  # whose range is that of the inputs
        [2, foxnn.Flatten(), foxnn.Dropout(0.5)],
    ],
    ids=str,
)
def test_layers_without_a_range_are_scaled(layers: list[Any]) -> None:
    nn = foxnn.neural_network(layers, "tanh", seed=1)
    outputs = nn.predict(X).shape[1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.fit(X, PRICES * np.ones(outputs), 1, scale="standard")
    assert nn.output_scaler is not None


@pytest.mark.parametrize(
    ("items", "x", "remedies"),
    [
        ([(None, 2), foxnn.GRU(3), 1], np.ones((60, 5, 2)), ["scale the targets before"]),
        (
            [(4,), foxnn.Embedding(9, 2), foxnn.GRU(3), 1],
            np.ones((60, 4)),
            ["whose targets `scale` can scale", "scale=(None, 'minmax')"],
        ),
    ],
)
def test_remedies_are_such_as_the_network_takes(
    items: list[Any], x: np.ndarray, remedies: list[str]
) -> None:
    nn = foxnn.neural_network(items, output_activation="sigmoid", seed=1)
    with pytest.warns(foxnn.DataWarning) as caught:
        nn.fit(x, PRICES, 1)
    message = str(caught[0].message)
    assert all(remedy in message for remedy in remedies)
    for scale in ("standard", ("standard", "minmax"), (None, "minmax")):
        shown = f"scale={scale!r}"
        if shown in message and shown != "scale='standard'":
            nn.fit(x, PRICES, 1, scale=scale)
    assert ("scale='standard'" in message) == ("`scale`" in message)
    plain = foxnn.neural_network(items, output_activation="identity", seed=1)
    if "`scale`" in message:
        plain.fit(x, PRICES, 1, scale=(None, "standard"))
    else:
        with pytest.raises(ValueError, match="scale must be None"):
            plain.fit(x, PRICES, 1, scale=(None, "standard"))
