"""The network of an estimator: its layers, its first weights, and its outputs."""

from __future__ import annotations

import functools
import itertools
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import foxnn
from foxnn import checks
from foxnn.checks import Array
from foxnn.layers import parse_activation
from foxnn.layers.activation_table import with_aliases
from foxnn.layers.activations import ActivationPair
from foxnn.model.losses import LossLike
from foxnn.sklearn.samples import EstimatorSamples, poisson_constants

# The words of a block, whose random factors stay in the first level of the cache.
_WORDS = 1 << 11
# Below this number of bytes, a CRC is faster than a call of NumPy; above, it takes twice as long.
_SMALL = 1 << 14
_LOGISTIC = with_aliases(["sigmoid"])


@dataclass(frozen=True)
class Task:
    """What the last layer is for: its activation by scikit-learn's name, and the engine's loss."""

    out_activation: str
    loss: str
    outputs: int
    quantiles: tuple[float, ...] = ()

    @property
    def loss_share(self) -> float:
        """scikit-learn's loss over the engine's: a mean over outputs for the squared error."""
        return 1.0 / self.outputs if self.loss == "mse" else 1.0


def loss_of(task: Task) -> LossLike:
    """Return the loss as a network has it."""
    return (task.loss, list(task.quantiles)) if task.quantiles else task.loss


def hidden_activations(activation: Any, hidden: int) -> list[ActivationPair]:
    """Return an activation for each hidden layer."""
    if not isinstance(activation, list):
        return [parse_activation(activation)] * hidden
    if len(activation) != hidden:
        raise ValueError(
            f"activation must be one name or a list with one for each of the {hidden} hidden "
            f"layers, got a list of {len(activation)}"
        )
    return [parse_activation(a, f"activation[{i}]") for i, a in enumerate(activation)]


def lone_activation(activation: Any) -> list[ActivationPair]:
    """Return the activation for which the first weights are drawn if there are no hidden layers."""
    return [] if isinstance(activation, list) else [parse_activation(activation)]


def make_network(
    units: Sequence[int], hidden: list[ActivationPair], task: Task, dtype: np.dtype[Any], seed: int
) -> foxnn.neural_network:
    """Return a network whose weights are zero."""
    return foxnn.neural_network(
        units,
        [*hidden, (task.out_activation, [])],
        loss=loss_of(task),
        init="zeros",
        dtype=dtype.name,
        seed=seed,
    )


def first_parameters(
    units: Sequence[int], activations: list[ActivationPair], random: Any, dtype: np.dtype[Any]
) -> tuple[list[Array], list[Array]]:
    """Return weights and biases as scikit-learn draws them, so that a seed means the same.

    Uniform from -b to b with b^2 = 6 / (inputs + neurons), for the logistic sigmoid 2 instead of 6
    (Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010); the last layer is treated like the hidden layer before it or, without hidden
    layers, like the one that there would be.
    """
    names = [name for name, _ in activations] or ["identity"]
    weights, biases = [], []
    for i, (inputs, neurons) in enumerate(itertools.pairwise(units)):
        factor = 2.0 if names[min(i, len(names) - 1)] in _LOGISTIC else 6.0
        bound = np.sqrt(factor / (inputs + neurons))
        weights.append(random.uniform(-bound, bound, (inputs, neurons)).astype(dtype))
        biases.append(random.uniform(-bound, bound, neurons).astype(dtype))
    return weights, biases


def seed_of(weights: list[Array]) -> int:
    """Return a seed for dropout that follows from random_state without another draw from it."""
    return int(np.float64(weights[0].flat[0]).view(np.uint64))


def read_parameters(network: foxnn.neural_network) -> tuple[list[Array], list[Array]]:
    """Return copies of the weights and the biases."""
    layers = range(len(network))
    return [network._array(i, "weights") for i in layers], [
        network._array(i, "bias") for i in layers
    ]


def write_parameters(
    network: foxnn.neural_network, weights: Sequence[Any], biases: Sequence[Any]
) -> None:
    """Give the network these weights and biases, which may be the user's."""
    if not len(weights) == len(biases) == len(network):
        raise ValueError(
            f"coefs_ and intercepts_ must have {len(network)} arrays, one per layer, "
            f"got {len(weights)} and {len(biases)}"
        )
    for layer, of_weights, of_biases in zip(network, weights, biases, strict=True):
        layer.weights, layer.bias = of_weights, of_biases


@functools.cache
def _factors() -> NDArray[np.uint64]:
    drawn: NDArray[np.uint64] = np.random.default_rng(0).integers(0, 2**64, _WORDS, np.uint64)
    return drawn


def fingerprint(given: Any) -> object:
    """Return a value that differs if the array does, to the last bit.

    It shows whether somebody has changed the array without a copy to compare with. Of a large one
    words of 4 bytes are added up modulo 2**64, each times a random number of 8 bytes (a multilinear
    hash: Lemire and Kaser, "Strongly universal string hashing is fast", 2014).
    """
    array = np.ascontiguousarray(given)
    if array.dtype.hasobject:
        return object()  # like no other: what it holds may change unseen
    data = array.reshape(-1).view(np.uint8)
    if len(data) < _SMALL or len(data) % 4:
        return array.dtype.str, array.shape, zlib.crc32(data.data)
    words = data.view(np.uint32)
    blocks = words[: len(words) // _WORDS * _WORDS].reshape(-1, _WORDS)
    rest = words[blocks.size :]
    # Not by BLAS, whose idle threads would be in the way of the engine's.
    sums = np.einsum("bi,i->b", blocks, _factors())
    last = np.einsum("i,i->", rest, _factors()[: len(rest)])
    return array.dtype.str, array.shape, sums.tobytes(), int(last)


def mean_loss(network: foxnn.neural_network, task: Task, samples: EstimatorSamples) -> float:
    """Return scikit-learn's loss over samples, without penalty."""
    threads = network.settings.n_threads
    loss, _, _ = network._evaluate(samples.x, samples.y, samples.weights, threads)
    constant = samples.mean(poisson_constants(samples.y)) if task.loss == "poisson" else 0.0
    return loss * task.loss_share + constant


def layer_sizes(hidden_layer_sizes: Any) -> list[int]:
    """Return the sizes of the hidden layers as a list."""
    given = hidden_layer_sizes
    wanted = "hidden_layer_sizes must be a number of neurons or a list of them"
    sizes = checks.items(given, wanted) if hasattr(given, "__iter__") else [given]
    try:
        return [checks.integer(size, f"hidden_layer_sizes[{i}]", 1) for i, size in enumerate(sizes)]
    except ValueError:
        # scikit-learn's words.
        raise ValueError(f"hidden_layer_sizes must be > 0, got {checks.shown(sizes)}.") from None
