"""The oracle of the tests: a second, naive neural network in NumPy, float64 throughout.

Activations, losses, the forward and backward pass and the optimizers, each written down as in the
textbook. It shares nothing with the engine but the formulas, and is not meant to be fast.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Function = Callable[[Array, float], Array]

# Klambauer et al., "Self-normalizing neural networks", 2017.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805

# The lower tail by erfc: 1 + erf would lose its digits.
_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def _sigmoid(z: Array) -> Array:
    power = np.exp(-np.abs(z))
    return np.where(z < 0, power, 1.0) / (1.0 + power)


def _normal_cdf(z: Array) -> Array:
    return 0.5 * _erfc(-z / math.sqrt(2.0))


def _normal_density(z: Array) -> Array:
    return np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)


def _elu(z: Array, alpha: float) -> Array:
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0.0)))


def _elu_slope(z: Array, alpha: float) -> Array:
    return np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0.0)))


class Activation(NamedTuple):
    """f(z) and f'(z), the usual parameter, and where f' jumps."""

    value: Function
    slope: Function
    alpha: float = 0.0
    kinks: tuple[float, ...] = ()


ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": Activation(lambda z, _: _sigmoid(z), lambda z, _: _sigmoid(z) * _sigmoid(-z)),
    "sinusoid": Activation(lambda z, _: np.sin(z), lambda z, _: np.cos(z)),
    "gaussian": Activation(lambda z, _: np.exp(-z * z), lambda z, _: -2.0 * z * np.exp(-z * z)),
    "relu": Activation(
        lambda z, _: np.maximum(z, 0.0), lambda z, _: np.where(z > 0, 1.0, 0.0), kinks=(0.0,)
    ),
    "identity_x": Activation(lambda z, _: z, lambda z, _: np.ones_like(z)),
    "tan_h": Activation(
        lambda z, _: np.tanh(z), lambda z, _: 4.0 * _sigmoid(2.0 * z) * _sigmoid(-2.0 * z)
    ),
    "arctan": Activation(lambda z, _: np.arctan(z), lambda z, _: 1.0 / (1.0 + z * z)),
    "elu": Activation(_elu, _elu_slope, alpha=1.0, kinks=(0.0,)),
    "leaky_relu": Activation(
        lambda z, alpha: np.where(z > 0, z, alpha * z),
        lambda z, alpha: np.where(z > 0, 1.0, alpha),
        alpha=0.01,
        kinks=(0.0,),
    ),
    "selu": Activation(
        lambda z, _: SELU_SCALE * _elu(z, SELU_ALPHA),
        lambda z, _: SELU_SCALE * _elu_slope(z, SELU_ALPHA),
        kinks=(0.0,),
    ),
    "gelu": Activation(
        lambda z, _: z * _normal_cdf(z), lambda z, _: _normal_cdf(z) + z * _normal_density(z)
    ),
    "silu": Activation(
        lambda z, _: z * _sigmoid(z), lambda z, _: _sigmoid(z) * (1.0 + z * _sigmoid(-z))
    ),
    "softplus": Activation(
        lambda z, _: np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z))), lambda z, _: _sigmoid(z)
    ),
}


def log_softmax(z: Array) -> Array:
    """log(e^z_i / sum_j e^z_j) by rows."""
    shifted = z - z.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@dataclass
class Layer:
    """weights (inputs x neurons), bias (neurons,), and the activation behind them."""

    weights: Array
    bias: Array
    activation: str
    alpha: float = 0.0

    def activate(self, z: Array) -> Array:
        """Return the outputs for preactivations."""
        if self.activation == "softmax":
            return np.exp(log_softmax(z))
        return ACTIVATIONS[self.activation].value(z, self.alpha)

    def back(self, z: Array, error: Array) -> Array:
        """Return d loss / d preactivations from d loss / d outputs."""
        if self.activation == "softmax":
            a = self.activate(z)
            return a * (error - (error * a).sum(axis=1, keepdims=True))
        return error * ACTIVATIONS[self.activation].slope(z, self.alpha)


@dataclass
class Network:
    """A stack of layers and a loss, "mse" or "cross_entropy"."""

    layers: list[Layer]
    loss: str

    def forward(self, x: Array) -> tuple[list[Array], list[Array]]:
        """Return the preactivations of each layer, and its inputs with the outputs at the end."""
        z: list[Array] = []
        a = [np.asarray(x, np.float64)]
        for layer in self.layers:
            z.append(a[-1] @ layer.weights + layer.bias)
            a.append(layer.activate(z[-1]))
        return z, a

    def predict(self, x: Array) -> Array:
        """Return the outputs."""
        return self.forward(x)[1][-1]

    def losses(self, x: Array, y: Array) -> Array:
        """Return the loss of each sample."""
        z, a = self.forward(x)
        if self.loss == "mse":
            return 0.5 * ((a[-1] - y) ** 2).sum(axis=1)
        return -(np.asarray(y) * log_softmax(z[-1])).sum(axis=1)

    def gradients(self, x: Array, y: Array, reduction: str = "mean") -> list[tuple[Array, Array]]:
        """Return (d loss / d weights, d loss / d bias) of each layer, mean or sum over samples."""
        y = np.asarray(y, np.float64)
        z, a = self.forward(x)
        if self.loss == "mse":
            delta = self.layers[-1].back(z[-1], a[-1] - y)
        else:
            delta = a[-1] * y.sum(axis=1, keepdims=True) - y
        if reduction == "mean":
            delta = delta / len(a[0])
        gradients = []
        for i in reversed(range(len(self.layers))):
            gradients.append((a[i].T @ delta, delta.sum(axis=0)))
            if i > 0:
                delta = self.layers[i - 1].back(z[i - 1], delta @ self.layers[i].weights.T)
        return gradients[::-1]


def copy_of(nn: Any) -> Network:
    """Return a foxnn network's layers and loss as the oracle's."""
    layers = []
    for part in nn:
        alpha = part.activation_parameters
        layers.append(
            Layer(
                np.asarray(part.weights, np.float64),
                np.asarray(part.bias, np.float64),
                part.get_name_activation_function(),
                alpha[0] if alpha else 0.0,
            )
        )
    return Network(layers, nn.loss)


class SGD:
    """w <- w - rate v, where v <- momentum v + g."""

    def __init__(self, momentum: float = 0.0) -> None:
        self.momentum = momentum
        self.velocity: dict[int, Array] = {}

    def step(self, which: int, w: Array, g: Array, rate: float) -> Array:
        """Return parameter `which` after a step."""
        self.velocity[which] = self.momentum * self.velocity.get(which, np.zeros_like(w)) + g
        return w - rate * self.velocity[which]


class Nesterov(SGD):
    """w <- w - rate (g + momentum v), where v <- momentum v + g."""

    def step(self, which: int, w: Array, g: Array, rate: float) -> Array:
        """Return parameter `which` after a step."""
        super().step(which, w, g, rate)
        return w - rate * (g + self.momentum * self.velocity[which])


class Adam:
    """Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1."""

    def __init__(self, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8) -> None:
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.state: dict[int, tuple[int, Array, Array]] = {}

    def step(self, which: int, w: Array, g: Array, rate: float) -> Array:
        """Return parameter `which` after a step."""
        t, m, v = self.state.get(which, (0, np.zeros_like(w), np.zeros_like(w)))
        t += 1
        m = self.beta_1 * m + (1 - self.beta_1) * g
        v = self.beta_2 * v + (1 - self.beta_2) * g * g
        self.state[which] = t, m, v
        m_hat = m / (1 - self.beta_1**t)
        v_hat = v / (1 - self.beta_2**t)
        return w - rate * m_hat / (np.sqrt(v_hat) + self.epsilon)


Optimizer = SGD | Adam


def train(
    network: Network,
    x: Array,
    y: Array,
    optimizer: Optimizer,
    rate: float,
    batch_size: int,
    epochs: int = 1,
    reduction: str = "mean",
) -> list[float]:
    """Train in place, batches in the order of the samples; return the mean loss of each epoch."""
    history = []
    for _ in range(epochs):
        total = 0.0
        for first in range(0, len(x), batch_size):
            batch_x, batch_y = x[first : first + batch_size], y[first : first + batch_size]
            total += network.losses(batch_x, batch_y).sum()
            gradients = network.gradients(batch_x, batch_y, reduction)
            for i, (layer, (dw, db)) in enumerate(zip(network.layers, gradients, strict=True)):
                layer.weights = optimizer.step(2 * i, layer.weights, dw, rate)
                layer.bias = optimizer.step(2 * i + 1, layer.bias, db, rate)
        history.append(total / len(x))
    return history
