"""How near is near enough: comparisons that show the worst element, and bounds from norms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reference import ACTIVATIONS, LOSSES, Layer, Network

Array = NDArray[Any]

# Units in the last place by which an activation's value may differ from the exact one. The
# engine's functions are within 2; a polynomial after a subtraction may double that.
ACTIVATION_ULPS = 4

# Typical errors times this are bounds: an error beyond happens in none of a million numbers.
SAFETY = 5.0

# Below it numbers are subnormal in float32, and the engine trains with those as zero.
TINY = 1e-37


def assert_within(
    actual: ArrayLike, expected: ArrayLike, allowed: ArrayLike, what: str = ""
) -> None:
    """Fail unless |actual - expected| <= allowed everywhere; the message shows the worst."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, not {expected.shape}"
    if actual.size == 0:
        return
    allowed = np.broadcast_to(np.asarray(allowed, np.float64), actual.shape)
    same = actual == expected  # infinities of one sign too
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.where(same, 0.0, np.abs(actual - expected))
        excess = np.where(np.isfinite(error), error / np.maximum(allowed, 5e-324), np.inf)
    worst = np.unravel_index(np.argmax(excess), actual.shape)
    assert excess[worst] <= 1.0, (
        f"{what or 'values'} differ: worst at {tuple(map(int, worst))}: got {actual[worst]!r}, "
        f"expected {expected[worst]!r}, off by {error[worst]:.3g}, allowed {allowed[worst]:.3g}; "
        f"{int((excess > 1).sum())} of {actual.size} are out"
    )


def epsilon(dtype: Any) -> float:
    """Return the distance from 1 to the next number of a type."""
    return float(np.finfo(dtype).eps)


def product_bound(x: Array, w: Array, dtype: Any) -> Array:
    """Bound of the rounding error of x @ w, summed in any order, element by element.

    Higham, "Accuracy and stability of numerical algorithms", 2002, section 3.1; half of it is left
    to the expected value, which is rounded in float64 itself.
    """
    terms = x.shape[1] + 2
    magnitude = np.abs(x.astype(np.float64)) @ np.abs(w.astype(np.float64))
    return 2 * terms * epsilon(dtype) * magnitude + float(np.finfo(dtype).smallest_subnormal)


def steepness(layer: Layer) -> tuple[float, float]:
    """Return the largest |f'| and |f''| of a layer's activation, kinks left out."""
    activation = ACTIVATIONS[layer.activation]
    grid = np.linspace(-6.0, 6.0, 1201)
    slope = activation.slope(grid, layer.alpha)
    bend = np.abs(np.diff(slope)) / np.diff(grid)
    for kink in activation.kinks:
        bend[np.abs(grid[1:] - kink) < 0.02] = 0.0
    return float(np.abs(slope).max()), float(bend.max())


def _squares(x: Array, w: Array) -> Array:
    return np.square(x) @ np.square(w)


def _forward_errors(network: Network, x: Array, dtype: Any) -> tuple[list[Array], list[Array]]:
    """Typical errors of the preactivations of each layer, and of its inputs and the outputs."""
    eps = epsilon(dtype)
    z, a = network.forward(x)
    error_z, error_a = [], [np.zeros_like(a[0])]
    for i, layer in enumerate(network.layers):
        w, terms = layer.weights, layer.weights.shape[0] + 2
        rounding = eps**2 * terms * (_squares(a[i], w) + np.square(layer.bias))
        error_z.append(np.sqrt(_squares(error_a[i], w) + rounding))
        if layer.activation == "softmax":
            shift = error_z[i].max(axis=1, keepdims=True)
            shift = shift + eps * (np.abs(z[i]).max(axis=1, keepdims=True) + w.shape[1] + 2)
            error_a.append(2 * a[i + 1] * shift + eps * a[i + 1])
        else:
            # Outputs near 0 may come from a difference with 1: hence eps beside eps |a|.
            own = ACTIVATION_ULPS * eps * (np.abs(a[i + 1]) + 1)
            error_a.append(steepness(layer)[0] * error_z[i] + own)
    return error_z, error_a


def forward_bound(network: Network, x: Array, dtype: Any) -> Array:
    """Bound of the rounding errors of a network's outputs.

    Rounding errors are taken as independent, so that their squares add (Higham and Mary, "A new
    approach to probabilistic rounding error analysis", 2019), and SAFETY is their lambda.
    """
    return SAFETY * _forward_errors(network, x, dtype)[1][-1]


def _output_delta(
    network: Network,
    x: Array,
    y: Array,
    z: Array,
    a: Array,
    errors: tuple[Array, Array],
    eps: float,
) -> tuple[Array, Array]:
    """Return d loss / d preactivations of the output layer, mean over samples, and its error."""
    (error_z, error_a), last, n = errors, network.layers[-1], len(x)
    if network.loss == "cross_entropy":
        weight = y.sum(axis=1, keepdims=True)
        return (a * weight - y) / n, (error_a * weight + eps * (a * weight + np.abs(y))) / n
    if network.loss == "binary_cross_entropy":
        return (a - y) / n, (error_a + eps * (a + y)) / n
    if network.loss == "poisson":
        # With exp its slope, which is a, cancels the quotient's denominator: the error is of a - y.
        if last.activation == "exp":
            return (a - y) / n, (error_a + 4 * eps * (a + y)) / n
        slope, error = 1 - y / a, y / a**2 * error_a + 4 * eps * (1 + y / a)
        return _through(last, z, slope / n, error / n, error_z, eps)
    slope = LOSSES[network.loss].slope(a, y)
    # No kink is so near that an error crosses it.
    error = np.where(slope == np.sign(slope), 0.0, error_a) if network.loss != "mse" else error_a
    return _through(last, z, slope / n, (error + eps * (np.abs(a) + np.abs(y))) / n, error_z, eps)


def _through(
    layer: Layer, z: Array, delta: Array, error: Array, error_z: Array, eps: float
) -> tuple[Array, Array]:
    """Take a gradient and its error from the outputs of a layer back to its preactivations."""
    if layer.activation == "softmax":
        a, length = layer.activate(z), np.abs(delta).sum(axis=1, keepdims=True)
        spread = error.sum(axis=1, keepdims=True)
        shift = error_z.max(axis=1, keepdims=True) + eps * (z.shape[1] + 8)
        return layer.back(z, delta), a * (error + spread + 6 * length * shift)
    steep, bend = steepness(layer)
    own = np.abs(delta) * (bend * error_z + ACTIVATION_ULPS * eps * (1 + steep))
    return layer.back(z, delta), steep * error + own


def gradient_bounds(network: Network, x: Array, y: Array, dtype: Any) -> list[tuple[Array, Array]]:
    """Bounds of the rounding errors of the mean gradients, layer by layer; see forward_bound."""
    eps, layers = epsilon(dtype), network.layers
    z, a = network.forward(x)
    error_z, error_a = _forward_errors(network, x, dtype)
    delta, error = _output_delta(network, x, y, z[-1], a[-1], (error_z[-1], error_a[-1]), eps)
    bounds = []
    for i in reversed(range(len(layers))):
        terms = eps**2 * (len(x) + 2)
        squares = _squares(error_a[i].T, delta) + _squares(a[i].T, error)
        dw = np.sqrt(squares + terms * _squares(a[i].T, delta))
        db = np.sqrt(np.square(error).sum(axis=0) + terms * np.square(delta).sum(axis=0))
        bounds.append((SAFETY * dw + TINY, SAFETY * db + TINY))
        if i > 0:
            w = layers[i].weights.T
            terms = eps**2 * (w.shape[0] + 2)
            error = np.sqrt(_squares(error, w) + terms * _squares(delta, w))
            delta, error = _through(layers[i - 1], z[i - 1], delta @ w, error, error_z[i - 1], eps)
    return bounds[::-1]
