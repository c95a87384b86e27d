"""Activations by themselves: known values, limits far out, names, aliases and parameters."""

from __future__ import annotations

import math

import numpy as np
import pytest

import foxnn
import reference
from closeness import ACTIVATION_ULPS, assert_within
from forced_runs import HIDDEN

NAMES = HIDDEN
per_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def scalar_network(
    name: str, parameters: object = (), dtype: str = "float64"
) -> foxnn.neural_network:
    """Return a network that answers x with f(x)."""
    nn = foxnn.neural_network([1, 1], (name, parameters), dtype=dtype)
    nn[0].weights, nn[0].bias = [[1.0]], [0.0]
    return nn


def apply(name: str, z: object, dtype: str = "float64", parameters: object = ()) -> np.ndarray:
    z = np.asarray(z, np.float64)
    return scalar_network(name, parameters, dtype).predict(z.reshape(-1, 1)).reshape(z.shape)


def slope(name: str, z: float, dtype: str = "float64") -> float:
    """Return f'(z), as the gradient of the bias where the error is 1."""
    nn = scalar_network(name, dtype=dtype)
    _, [(_, db)] = nn._loss_and_gradients([[z]], [[nn.get_out([z])[0] - 1.0]])
    return db.item()


def test_the_contract_names_are_there() -> None:
    foxnns = ["sigmoid", "sinusoid", "gaussian", "relu", "identity_x", "tan_h", "arctan", "elu"]
    assert foxnn.activations()[:8] == foxnns
    assert set(foxnn.activations()) >= {"leaky_relu", "selu", "gelu", "silu", "softplus", "softmax"}
    assert "exp" in foxnn.activations()
    assert {*NAMES, "exp"} == set(reference.ACTIVATIONS)


@pytest.mark.parametrize(
    ("name", "z", "value"),
    [
        ("sigmoid", 0.0, 0.5),
        ("sigmoid", 1.0, 0.7310585786300049),
        ("sinusoid", math.pi / 2, 1.0),
        ("gaussian", 0.0, 1.0),
        ("gaussian", -1.0, math.exp(-1)),
        ("relu", -3.0, 0.0),
        ("relu", 3.0, 3.0),
        ("identity_x", -3.0, -3.0),
        ("tan_h", math.log(3) / 2, 0.5),
        ("arctan", 1.0, math.pi / 4),
        ("elu", -1.0, math.exp(-1) - 1),
        ("elu", 2.0, 2.0),
        ("leaky_relu", -2.0, -0.02),
        ("leaky_relu", 2.0, 2.0),
        ("selu", 1.0, 1.0507009873554805),
        ("selu", -1.0, -1.1113307378125628),
        ("gelu", 1.0, 0.8413447460685429),
        ("gelu", -1.0, -0.15865525393145707),
        ("silu", 1.0, 0.7310585786300049),
        ("silu", -1.0, -0.2689414213699951),
        ("softplus", 0.0, math.log(2)),
    ],
)
def test_known_values(name: str, z: float, value: float) -> None:
    assert apply(name, [z]).item() == pytest.approx(value, rel=1e-15, abs=1e-16)


@per_dtype
@pytest.mark.parametrize("name", NAMES)
def test_values_over_a_range(name: str, dtype: str) -> None:
    z = np.concatenate([np.linspace(-30, 30, 2001), [1e-30, -1e-30, 1e-5, -1e-5]])
    z = z.astype(dtype).astype(np.float64)
    activation = reference.ACTIVATIONS[name]
    expected = activation.value(z, activation.alpha)
    eps = float(np.finfo(dtype).eps)
    allowed = ACTIVATION_ULPS * eps * np.abs(expected)
    # -z*z is rounded before the exponential; the waves' zeros are not those of the rounded z.
    if name == "gaussian":
        allowed = allowed * (1 + z * z)
    elif name == "gelu":
        allowed = allowed * (1 + 2 * z * z) if dtype == "float64" else 4 * allowed
    elif name == "sinusoid":
        allowed = ACTIVATION_ULPS * eps
    found = apply(name, z, dtype)
    assert found.dtype == dtype
    assert_within(found, expected, allowed + float(np.finfo(dtype).tiny), name)


@per_dtype
@pytest.mark.parametrize("name", NAMES)
def test_slopes_over_a_range(name: str, dtype: str) -> None:
    activation = reference.ACTIVATIONS[name]
    for z in np.linspace(-12, 12, 49).astype(dtype):
        if not any(abs(z - kink) < 1e-6 for kink in activation.kinks):
            expected = activation.slope(np.array(float(z)), activation.alpha).item()
            # What the engine derives from the output has that one's rounding, in units of 1; the
            # wanted output, 1 off, is rounded too.
            scale = 8 * (1 + abs(float(z)))
            allowed = scale * float(np.finfo(dtype).eps)
            assert slope(name, float(z), dtype) == pytest.approx(expected, rel=allowed, abs=allowed)


LIMITS = {
    "sigmoid": (0.0, 1.0),
    "gaussian": (0.0, 0.0),
    "relu": (0.0, 1e4),
    "identity_x": (-1e4, 1e4),
    "tan_h": (-1.0, 1.0),
    "arctan": (-math.atan(1e4), math.atan(1e4)),
    "elu": (-1.0, 1e4),
    "leaky_relu": (-100.0, 1e4),
    "selu": (-1.0507009873554805 * 1.6732632423543772, 1.0507009873554805e4),
    "gelu": (0.0, 1e4),
    "silu": (0.0, 1e4),
    "softplus": (0.0, 1e4),
    "sinusoid": (-math.sin(1e4), math.sin(1e4)),
}


@per_dtype
@pytest.mark.parametrize("name", NAMES)
def test_limits(name: str, dtype: str) -> None:
    eps = float(np.finfo(dtype).eps)
    assert_within(apply(name, [-1e4, 1e4], dtype), LIMITS[name], 2 * eps * np.abs(LIMITS[name]))


@per_dtype
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("z", [-1e4, 1e4, -700.0, 700.0, -90.0, 90.0])
def test_slopes_far_out(name: str, dtype: str, z: float) -> None:
    activation = reference.ACTIVATIONS[name]
    expected = activation.slope(np.array(z), activation.alpha).item()
    # The wanted output differs from f(z) by 1, up to the rounding of f(z).
    allowed = 4 * float(np.finfo(dtype).eps) * abs(z) + float(np.finfo(dtype).tiny)
    assert slope(name, z, dtype) == pytest.approx(expected, rel=allowed, abs=allowed)


@per_dtype
def test_softmax_far_out(dtype: str) -> None:
    nn = foxnn.neural_network([3, 3], "softmax", dtype=dtype)
    nn[0].weights, nn[0].bias = np.eye(3), np.zeros(3)
    out = nn.predict([[1e4, 0, -1e4], [-1e4, -1e4, -1e4], [1e4, 1e4, -1e4], [0, 0, 0]])
    third, eps = 1 / 3, float(np.finfo(dtype).eps)
    assert_within(out, [[1, 0, 0], [third] * 3, [0.5, 0.5, 0], [third] * 3], eps)


@per_dtype
def test_softmax_does_not_hang_on_a_shift(dtype: str) -> None:
    nn = foxnn.neural_network([5, 5], "softmax", dtype=dtype)
    nn[0].weights, nn[0].bias = np.eye(5), np.zeros(5)
    z = np.array([0.0, 1.0, 2.0, -3.0, 0.5])
    expected = np.exp(z) / np.exp(z).sum()
    eps = float(np.finfo(dtype).eps)
    for shift in (0.0, 100.0, -1000.0):
        assert_within(nn.get_out(z + shift), expected, 8 * eps * expected, f"shift {shift}")
        assert nn.get_out(z + shift).sum(dtype=np.float64) == pytest.approx(1.0, abs=4 * eps)


@per_dtype
def test_cross_entropy_far_out(dtype: str) -> None:
    nn = foxnn.neural_network([2, 2], "softmax", dtype=dtype)
    nn[0].weights, nn[0].bias = np.eye(2), np.zeros(2)
    assert nn.evaluate([[1e4, -1e4]], [[0, 1]])["loss"] == 2e4
    assert nn.evaluate([[1e4, -1e4]], [[1, 0]])["loss"] == 0.0
    loss, [(dw, db)] = nn._loss_and_gradients([[1e4, -1e4]], [[0, 1]])
    assert (loss, db.tolist(), dw.tolist()) == (2e4, [1, -1], [[1e4, -1e4], [-1e4, 1e4]])


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("logistic", "sigmoid"),
        ("sin", "sinusoid"),
        ("identity", "identity_x"),
        ("linear", "identity_x"),
        ("tanh", "tan_h"),
        ("atan", "arctan"),
        ("swish", "silu"),
        ("exponential", "exp"),
    ],
)
def test_aliases(alias: str, name: str) -> None:
    z = np.linspace(-3, 3, 7)
    assert apply(alias, z).tobytes() == apply(name, z).tobytes()
    assert foxnn.neural_network([1, 1], alias)[0].get_name_activation_function() == name


@pytest.mark.parametrize("name", ["elu", "leaky_relu"])
@pytest.mark.parametrize("alpha", [0.0, 0.25, 1.0, 2.5])
def test_alpha(name: str, alpha: float) -> None:
    z = np.array([-2.0, -0.5, 0.5, 2.0])
    expected = reference.ACTIVATIONS[name].value(z, alpha)
    assert_within(apply(name, z, parameters=[alpha]), expected, 1e-15)
    nn = foxnn.neural_network([1, 1])
    nn[0].set_activation_function(name, [alpha])
    assert nn[0].activation_parameters == [alpha]
    nn[0].set_activation_function(name, alpha)
    assert nn[0].activation_parameters == [alpha]


@pytest.mark.parametrize(("name", "alpha"), [("elu", 1.0), ("leaky_relu", 0.01)])
def test_usual_alpha(name: str, alpha: float) -> None:
    nn = foxnn.neural_network([1, 1], name)
    assert nn[0].activation_parameters == [alpha]


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("elu", "leaky_relu")])
def test_no_parameters(name: str) -> None:
    assert foxnn.neural_network([1, 1], name)[0].activation_parameters == []


def test_one_activation_a_layer() -> None:
    names = ["relu", ("elu", [0.5]), "softmax"]
    nn = foxnn.neural_network([2, 3, 4, 5], names)
    assert [part.get_name_activation_function() for part in nn] == ["relu", "elu", "softmax"]
    assert nn[1].activation_parameters == [0.5]
    nn = foxnn.neural_network([2, 3, 4, 5], "tanh", ("leaky_relu", 0.2))
    assert [part.get_name_activation_function() for part in nn] == ["tan_h", "tan_h", "leaky_relu"]
