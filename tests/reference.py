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


def _softplus(z: Array) -> Array:
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


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
    "softplus": Activation(lambda z, _: _softplus(z), lambda z, _: _sigmoid(z)),
    "exp": Activation(lambda z, _: np.exp(z), lambda z, _: np.exp(z)),
}


def log_softmax(z: Array) -> Array:
    """log(e^z_i / sum_j e^z_j) over the last axis."""
    shifted = z - z.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


class Loss(NamedTuple):
    """The losses of outputs, d loss / d output, and where |a - y| makes the latter jump."""

    value: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]
    kinks: tuple[float, ...] = ()


# Of one output; those of a sample are summed.
LOSSES: dict[str, Loss] = {
    "mse": Loss(lambda a, y: 0.5 * (a - y) ** 2, lambda a, y: a - y),
    "mae": Loss(lambda a, y: np.abs(a - y), lambda a, y: np.sign(a - y), kinks=(0.0,)),
    "huber": Loss(
        lambda a, y: np.where(np.abs(a - y) < 1, 0.5 * (a - y) ** 2, np.abs(a - y) - 0.5),
        lambda a, y: np.clip(a - y, -1.0, 1.0),
        kinks=(1.0,),
    ),
    "poisson": Loss(lambda a, y: a - y * np.log(a), lambda a, y: 1.0 - y / a),
    "log_cosh": Loss(
        lambda a, y: np.abs(a - y) + np.log1p(np.exp(-2.0 * np.abs(a - y))) - math.log(2.0),
        lambda a, y: np.tanh(a - y),
    ),
}


def pinball(a: Array, y: Array, levels: Array) -> tuple[Array, Array]:
    """Return the losses of quantiles and their slopes.

    a has the shape (samples, targets, quantiles), y (samples, targets). Koenker and Bassett, 1978.
    """
    q, below = levels, y[:, :, None] - a
    slope = np.where(below > 0, -q, np.where(below < 0, 1.0 - q, 0.0))
    return np.where(below > 0, q * below, (q - 1.0) * below), slope


def focal(p: Array, y: Array, gamma: float) -> tuple[Array, Array]:
    """Return -y (1 - p)^gamma log p, and its slope by p. Lin et al., 2017."""
    value = -y * (1.0 - p) ** gamma * np.log(p)
    slope = y * (gamma * (1.0 - p) ** (gamma - 1.0) * np.log(p) - (1.0 - p) ** gamma / p)
    return value, slope


@dataclass
class Layer:
    """weights (inputs x neurons), bias (neurons,), and the activation after them."""

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
    """A stack of layers and a loss."""

    layers: list[Layer]
    loss: str
    numbers: tuple[float, ...] = ()

    def forward(
        self, x: Array, masks: list[Array] | None = None
    ) -> tuple[list[Array], list[Array]]:
        """Return the preactivations of each layer, and its inputs with the outputs at the end.

        The outputs of hidden layers are multiplied by masks, where there are any.
        """
        z: list[Array] = []
        a = [np.asarray(x, np.float64)]
        for i, layer in enumerate(self.layers):
            z.append(a[-1] @ layer.weights + layer.bias)
            a.append(layer.activate(z[-1]))
            if masks is not None and i < len(masks):
                a[-1] = a[-1] * masks[i]
        return z, a

    def predict(self, x: Array) -> Array:
        """Return the outputs."""
        return self.forward(x)[1][-1]

    def losses(self, x: Array, y: Array, masks: list[Array] | None = None) -> Array:
        """Return the loss of each sample."""
        y = np.asarray(y, np.float64)
        z, a = self.forward(x, masks)
        if self.loss == "cross_entropy":
            return -(y * log_softmax(z[-1])).sum(axis=1)
        if self.loss == "binary_cross_entropy":
            return (y * _softplus(-z[-1]) + (1 - y) * _softplus(z[-1])).sum(axis=1)
        if self.loss in ("quantile", "gaussian_nll", "focal"):
            return self._rows(z[-1], a[-1], y)[0]
        return LOSSES[self.loss].value(a[-1], y).sum(axis=1)

    def _rows(self, z: Array, a: Array, y: Array) -> tuple[Array, Array]:
        """Return the losses of samples, and their slopes by the outputs."""
        count = len(a)
        if self.loss == "quantile":
            levels = np.array(self.numbers)
            by_target = a.reshape(count, -1, len(levels))
            value, slope = pinball(by_target, y.reshape(count, -1), levels)
            return value.sum(axis=(1, 2)), slope.reshape(a.shape)
        if self.loss == "gaussian_nll":
            mean, log_variance = np.split(a, 2, axis=1)
            error, precision = mean - y, np.exp(-log_variance)
            value = 0.5 * (log_variance + error**2 * precision)
            of_variance = 0.5 * (1.0 - error**2 * precision)
            return value.sum(axis=1), np.concatenate([error * precision, of_variance], axis=1)
        (gamma,) = self.numbers
        value, slope = focal(a, y, gamma)
        if self.layers[-1].activation != "softmax":
            no, slope_of_no = focal(1.0 - a, 1.0 - y, gamma)
            value, slope = value + no, slope - slope_of_no
        return value.sum(axis=1), slope

    def output_delta(self, z: Array, a: Array, y: Array) -> Array:
        """Return d loss / d preactivations of the output layer, sample by sample."""
        if self.loss == "cross_entropy":
            return a * y.sum(axis=1, keepdims=True) - y
        if self.loss == "binary_cross_entropy":
            return a - y
        if self.loss in ("quantile", "gaussian_nll", "focal"):
            return self.layers[-1].back(z, self._rows(z, a, y)[1])
        return self.layers[-1].back(z, LOSSES[self.loss].slope(a, y))

    def gradients(
        self,
        x: Array,
        y: Array,
        reduction: str = "mean",
        weights: Array | None = None,
        masks: list[Array] | None = None,
    ) -> list[tuple[Array, Array]]:
        """Return (d loss / d weights, d loss / d bias) of each layer, mean or sum over samples.

        `weights` tells how much each sample counts.
        """
        y = np.asarray(y, np.float64)
        z, a = self.forward(x, masks)
        counts = np.ones(len(y)) if weights is None else weights
        delta = self.output_delta(z[-1], a[-1], y) * counts[:, None]
        if reduction == "mean" and counts.any():
            delta = delta / counts.sum()
        gradients = []
        for i in reversed(range(len(self.layers))):
            gradients.append((a[i].T @ delta, delta.sum(axis=0)))
            if i > 0:
                error = delta @ self.layers[i].weights.T
                if masks is not None:
                    error = error * masks[i - 1]
                delta = self.layers[i - 1].back(z[i - 1], error)
        return gradients[::-1]

    def input_gradients(self, x: Array) -> Array:
        """Return d output / d input, (samples, outputs, inputs)."""
        z, a = self.forward(x)
        rows = []
        for k in range(a[-1].shape[1]):
            delta = self.layers[-1].back(z[-1], np.eye(a[-1].shape[1])[[k]] * np.ones_like(a[-1]))
            for i in reversed(range(1, len(self.layers))):
                delta = self.layers[i - 1].back(z[i - 1], delta @ self.layers[i].weights.T)
            rows.append(delta @ self.layers[0].weights.T)
        return np.stack(rows, axis=1)


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
    name, numbers = nn.loss if isinstance(nn.loss, tuple) else (nn.loss, ())
    return Network(layers, name, tuple(np.atleast_1d(numbers).tolist()))


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


class AdamW(Adam):
    """Loshchilov and Hutter, "Decoupled weight decay regularization", 2019; biases do not decay."""

    def __init__(self, weight_decay: float = 0.01, **constants: float) -> None:
        super().__init__(**constants)
        self.weight_decay = weight_decay

    def step(self, which: int, w: Array, g: Array, rate: float) -> Array:
        """Return parameter `which` after a step."""
        kept = 1.0 - rate * self.weight_decay if w.ndim == 2 else 1.0
        return super().step(which, kept * w, g, rate)


class RMSprop:
    """Tieleman and Hinton, "Lecture 6.5: RMSprop", 2012, with a velocity."""

    def __init__(self, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-8) -> None:
        self.rho, self.momentum, self.epsilon = rho, momentum, epsilon
        self.state: dict[int, tuple[Array, Array]] = {}

    def step(self, which: int, w: Array, g: Array, rate: float) -> Array:
        """Return parameter `which` after a step."""
        s, v = self.state.get(which, (np.zeros_like(w), np.zeros_like(w)))
        s = self.rho * s + (1 - self.rho) * g * g
        v = self.momentum * v + g / (np.sqrt(s) + self.epsilon)
        self.state[which] = s, v
        return w - rate * v


Optimizer = SGD | Adam | RMSprop


class Rules(NamedTuple):
    """What is done to a gradient before the step."""

    l1: float = 0.0
    l2: float = 0.0
    clip_norm: float = math.inf
    clip_value: float = math.inf

    def apply(
        self, network: Network, gradients: list[tuple[Array, Array]]
    ) -> list[tuple[Array, Array]]:
        """Add the penalties on the weights, and clip."""
        changed = []
        for layer, (dw, db) in zip(network.layers, gradients, strict=True):
            penalty = self.l1 * np.sign(layer.weights) + self.l2 * layer.weights
            changed.append((dw + penalty, db))
        norm = math.sqrt(sum(float((g * g).sum()) for pair in changed for g in pair))
        scale = min(1.0, self.clip_norm / norm) if norm > 0 else 1.0
        most = self.clip_value
        return [
            (np.clip(dw * scale, -most, most), np.clip(db * scale, -most, most))
            for dw, db in changed
        ]


def train(
    network: Network,
    x: Array,
    y: Array,
    optimizer: Optimizer,
    rate: float,
    batch_size: int,
    epochs: int = 1,
    reduction: str = "mean",
    *,
    rules: Rules | None = None,
    weights: Array | None = None,
    masks: Callable[[int, int], list[Array]] | None = None,
) -> list[float]:
    """Train in place, batches in the order of the samples; return the mean loss of each epoch.

    `masks(epoch, first)` gives the dropout masks of the batch that begins with sample `first`.
    """
    history = []
    for epoch in range(epochs):
        total = 0.0
        for first in range(0, len(x), batch_size):
            batch = slice(first, first + batch_size)
            counts = None if weights is None else weights[batch]
            dropped = None if masks is None else masks(epoch, first)
            losses = network.losses(x[batch], y[batch], dropped)
            total += losses.sum() if counts is None else (losses * counts).sum()
            gradients = network.gradients(x[batch], y[batch], reduction, counts, dropped)
            if rules is not None:
                gradients = rules.apply(network, gradients)
            for i, (layer, (dw, db)) in enumerate(zip(network.layers, gradients, strict=True)):
                layer.weights = optimizer.step(2 * i, layer.weights, dw, rate)
                layer.bias = optimizer.step(2 * i + 1, layer.bias, db, rate)
        history.append(total / (len(x) if weights is None else weights.sum()))
    return history


# Random numbers: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.


def philox(counter: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Return the four words of Philox 4x32-10 for counters of four words, (n, 4)."""
    c = [counter[:, i].astype(np.uint64) for i in range(4)]
    low = np.uint64(0xFFFFFFFF)
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        first, second = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [
            (second >> np.uint64(32)) ^ c[1] ^ np.uint64(key[0]),
            second & low,
            (first >> np.uint64(32)) ^ c[3] ^ np.uint64(key[1]),
            first & low,
        ]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(c, axis=1)


def dropout_mask(
    rate: float, outputs: int, samples: range, seed: int, stream: int, draw: int
) -> Array:
    """Return the mask of a layer's outputs for samples of an epoch, by their place in it.

    A sample has (outputs + 3) // 4 blocks of four words; word w of block b decides on output
    w * blocks + b: out where it is below rate * 2^32.
    """
    blocks = (outputs + 3) // 4
    position = np.arange(samples.start * blocks, samples.stop * blocks, dtype=np.uint64)
    counter = np.zeros((len(position), 4), np.uint64)
    counter[:, 0], counter[:, 1] = position & np.uint64(0xFFFFFFFF), position >> np.uint64(32)
    counter[:, 2], counter[:, 3] = stream, draw
    words = philox(counter, seed).reshape(len(samples), blocks, 4)
    by_output = words.transpose(0, 2, 1).reshape(len(samples), 4 * blocks)[:, :outputs]
    return np.where(by_output < int(min(rate * 2.0**32, 2.0**32 - 1)), 0.0, 1.0 / (1.0 - rate))
