"""A network and its training in NumPy, as the state machine's tests follow them.

It knows what a network remembers between calls: parameters, moments of the optimizer and their
step, how many random numbers have been drawn, scalers. What is computed is `reference`'s.

How far rounding may carry a network from it is measured: a few copies train on parameters and
samples that are wrong in their last digits, each step anew, and what these copies differ by is
allowed, times a margin.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import foxnn
import reference
from closeness import assert_within, epsilon
from foxnn.model import state
from reference import Array

# The engine's numbers for what random numbers are for.
SHUFFLE, HOLDOUT, MUTATION, DROPOUT = 1, 2, 3, 4
# Copies that train on numbers wrong in their last digits, by so many units of rounding.
COPIES, UNITS = 3, 4.0
# Errors are normal: the worst of thousands of numbers is some five times the worst of three.
MARGIN = 16.0
ABOVE_ZERO = ("sigmoid", "softmax", "softplus", "exp", "gaussian")


def words(seed: int, stream: int, draw: int, blocks: int) -> np.ndarray:
    """Return the first blocks of four words of a sequence of random numbers."""
    counter = np.zeros((blocks, 4), np.uint64)
    counter[:, 0], counter[:, 2], counter[:, 3] = np.arange(blocks), stream, draw
    return reference.philox(counter, seed)


def shuffled(seed: int, stream: int, draw: int, count: int) -> np.ndarray:
    """Return 0 ... count - 1 in the order that a draw brings: Fisher and Yates, from the end."""
    order = np.arange(count)
    drawn = words(seed, stream, draw, count // 4 + 1)
    for i in range(count, 1, -1):
        place = int(drawn[i // 4, i % 4]) * i >> 32
        order[[i - 1, place]] = order[[place, i - 1]]
    return order


def uniform(seed: int, stream: int, draw: int, count: int) -> Array:
    """Return numbers from 0 to 1."""
    drawn = words(seed, stream, draw, count)
    return ((drawn[:, 1] << np.uint64(32) | drawn[:, 0]) >> np.uint64(11)) * 2.0**-53


@dataclasses.dataclass(frozen=True)
class Rule:
    """An optimizer by the engine's name, with the constants that it uses."""

    name: str
    momentum: float = 0.0
    beta_1: float = 0.9
    beta_2: float = 0.999
    rho: float = 0.9
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    restart_after: int = 0

    def optimizer(self) -> reference.Optimizer:
        """Return the oracle's."""
        adam = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        if self.name == "adam":
            return reference.Adam(**adam)
        if self.name == "adamw":
            return reference.AdamW(self.weight_decay, **adam)
        if self.name == "rmsprop":
            return reference.RMSprop(self.rho, self.momentum, self.epsilon)
        return (reference.Nesterov if self.name == "nesterov" else reference.SGD)(self.momentum)


@dataclasses.dataclass
class Training:
    """What a training is told, as far as the model follows it."""

    x: Array
    y: Array
    rule: Rule
    rate: float
    batch: int
    epochs: int = 1
    steps: int | None = None
    sums: bool = False
    shuffles: bool = True
    rules: reference.Rules = dataclasses.field(default_factory=reference.Rules)
    dropout: tuple[float, ...] = ()
    weights: Array | None = None
    is_outside: bool = False  # y has d loss / d outputs of a loss that the caller has


class Outside(reference.Network):
    """A network whose loss is the sum of its outputs times given slopes."""

    def losses(self, x: Array, y: Array, masks: list[Array] | None = None) -> Array:
        """Return the loss of each sample."""
        return (self.forward(x, masks)[1][-1] * y).sum(axis=1)

    def output_delta(self, z: Array, a: Array, y: Array) -> Array:
        """Return d loss / d preactivations of the output layer, sample by sample."""
        return self.layers[-1].back(z, y)


@dataclasses.dataclass
class Shaken(reference.Layer):
    """A layer whose outputs and slopes are wrong in their last digits."""

    error: Callable[[Array], Array] = np.zeros_like

    def activate(self, z: Array) -> Array:
        """Return the outputs for preactivations."""
        found = super().activate(z)
        # Those that stay above 0 may have a logarithm taken of them.
        least = 0.0 if self.activation in ABOVE_ZERO else 1.0
        return found + self.error(found) * (least + np.abs(found))

    def back(self, z: Array, error: Array) -> Array:
        """Return d loss / d preactivations from d loss / d outputs."""
        return super().back(z, error) + self.error(error) * np.abs(error)


class Model:
    """What a network is, as the oracle knows it."""

    def __init__(self, nn: foxnn.neural_network) -> None:
        self.dtype = nn.dtype
        self.rule: Rule | None = None
        self.optimizer: reference.Optimizer = reference.SGD()
        self.steps = 0
        self.draw = 0
        self.seed = nn.seed
        self.noise: np.random.Generator | None = None
        self.take_over(nn)

    # From the network and beside it.

    def take_over(self, nn: foxnn.neural_network) -> None:
        """Take parameters and moments from the network, so that errors do not add up."""
        self.network = reference.copy_of(nn)
        self.scalers = nn.input_scaler, nn.output_scaler
        memory = state.state_of(nn)
        if memory["optimizer"] is None or self.rule is None:
            return
        first, second = (
            None
            if m is None
            else [np.asarray(a[name], np.float64) for a in m for name in ("weights", "bias")]
            for m in memory["moments"]
        )
        count = 2 * len(self.network.layers)
        if isinstance(self.optimizer, reference.Adam):
            self.optimizer.state = {i: (self.steps, first[i], second[i]) for i in range(count)}
        elif isinstance(self.optimizer, reference.RMSprop):
            zeros = [np.zeros_like(a) for a in second]
            velocity = zeros if first is None else first
            self.optimizer.state = {i: (second[i], velocity[i]) for i in range(count)}
        elif first is not None:
            self.optimizer.velocity = dict(enumerate(first))

    def check(self, nn: foxnn.neural_network, allowed: list[Array], what: str) -> None:
        """Compare parameters, moments, and everything that is a whole number."""
        for i, (found, expected) in enumerate(
            zip(parameters_of(nn), self.parameters(), strict=True)
        ):
            assert_within(found, expected, allowed[i], f"parameter {i} after {what}")
        seen = nn.seed, nn._draw(), nn.loss, nn.dtype
        assert seen == (self.seed, self.draw, self.network.loss, self.dtype), what
        memory = state.state_of(nn)
        assert memory["steps"] == self.steps, f"steps after {what}"
        if self.rule is not None and memory["optimizer"] is not None:
            assert memory["optimizer"]["name"] == self.rule.name, what

    def parameters(self) -> list[Array]:
        """Return weights and biases, layer by layer."""
        return [array for layer in self.network.layers for array in (layer.weights, layer.bias)]

    # What it answers.

    def inputs(self, x: Array) -> Array:
        """Return inputs as the first layer gets them."""
        scaler = self.scalers[0]
        return x if scaler is None else (x - scaler.shift) / scaler.scale

    def targets(self, y: Array) -> Array:
        """Return wanted outputs as the loss gets them."""
        scaler = self.scalers[1]
        return y if scaler is None else (y - scaler.shift) / scaler.scale

    def slopes(self, y: Array) -> Array:
        """Return slopes by the outputs as users get them as those by the outputs inside."""
        scaler = self.scalers[1]
        return y if scaler is None else y * scaler.scale

    def outside(self, out: Array) -> Array:
        """Return outputs as the user gets them."""
        scaler = self.scalers[1]
        return out if scaler is None else out * scaler.scale + scaler.shift

    def predict(self, x: Array) -> Array:
        """Return the outputs."""
        return self.outside(self.network.predict(self.inputs(x)))

    def loss(self, x: Array, y: Array) -> float:
        """Return the mean loss."""
        return float(self.network.losses(self.inputs(x), self.targets(y)).mean())

    # What training does.

    def use(self, rule: Rule) -> None:
        """Go on with an optimizer, or begin with another."""
        if self.rule != rule or self.steps == 0:
            self.rule, self.optimizer, self.steps = rule, rule.optimizer(), 0

    def forget(self) -> None:
        """Forget the optimizer."""
        self.rule, self.optimizer, self.steps = None, reference.SGD(), 0

    def train(self, told: Training) -> list[float]:
        """Train; return the mean loss of each epoch."""
        self.use(told.rule)
        left = math.inf if told.steps is None else told.steps
        x, found = self.inputs(told.x), []
        y = self.slopes(told.y) if told.is_outside else self.targets(told.y)
        epoch = 0
        while left > 0 and (told.steps is not None or epoch < told.epochs):
            total = weight = 0.0
            for rows, masks in self._batches(told, len(x)):
                if left <= 0:
                    break
                counts = None if told.weights is None else told.weights[rows]
                loss, count = self._step(told, x[rows], y[rows], counts, masks)
                total, weight, left = total + loss, weight + count, left - 1
            found.append(total / weight if weight else math.nan)
            epoch += 1
        return found

    def _batches(self, told: Training, count: int) -> Iterator[tuple[np.ndarray, Any]]:
        order = np.arange(count)
        if told.shuffles:
            order = shuffled(self.seed, SHUFFLE, self.draw, count)
            self.draw += 1
        draws = []
        for rate in told.dropout:
            draws.append(self.draw)
            self.draw += rate > 0
        for first in range(0, count, told.batch):
            places, masks = range(first, min(first + told.batch, count)), None
            if any(told.dropout):
                masks = [
                    reference.dropout_mask(
                        rate, len(layer.bias), places, self.seed, DROPOUT, draw
                    ) if rate > 0 else np.ones((len(places), len(layer.bias)))
                    for rate, draw, layer in zip(
                        told.dropout, draws, self.network.layers[:-1], strict=True
                    )
                ]  # fmt: skip
            yield order[places.start : places.stop], masks

    def _step(
        self, told: Training, x: Array, y: Array, counts: Array | None, masks: Any
    ) -> tuple[float, float]:
        network = self.network
        if self.noise is not None:
            # A network that rounds is one that does not, with numbers a little different.
            x = self._shaken(x)
            shaken = [
                Shaken(
                    self._shaken(layer.weights), self._shaken(layer.bias), layer.activation,
                    layer.alpha, self._error,
                )
                for layer in network.layers
            ]  # fmt: skip
            network = reference.Network(list(shaken), network.loss)
        if told.is_outside:
            network = Outside(network.layers, network.loss)
        losses = network.losses(x, y, masks)
        reduction = "sum" if told.sums else "mean"
        gradients = network.gradients(x, y, reduction, counts, masks)
        gradients = told.rules.apply(self.network, gradients)
        after = self.rule.restart_after if self.rule else 0
        if after and self.steps >= after:
            self.optimizer, self.steps = told.rule.optimizer(), 0
        self.steps += 1
        for i, (layer, (dw, db)) in enumerate(zip(self.network.layers, gradients, strict=True)):
            layer.weights = self.optimizer.step(2 * i, layer.weights, dw, told.rate)
            layer.bias = self.optimizer.step(2 * i + 1, layer.bias, db, told.rate)
        weight = float(len(x) if counts is None else counts.sum())
        return float(losses.sum() if counts is None else (losses * counts).sum()), weight

    def _error(self, values: Array) -> Array:
        return UNITS * epsilon(self.dtype) * self.noise.standard_normal(values.shape)

    def _shaken(self, values: Array) -> Array:
        return values * (1.0 + self._error(values))

    def split(self, count: int, share: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the samples to train on, and those held out."""
        order = shuffled(self.seed, HOLDOUT, self.draw, count)
        self.draw += 1
        held = round(count * share)
        return order[held:], order[:held]

    def mutate(self, speed: float, relative: bool) -> None:
        """Mutate as FoxNN does."""
        count = sum(array.size for array in self.parameters())
        steps = 2.0 * uniform(self.seed, MUTATION, self.draw, count) - 1.0
        self.draw += 1
        at = 0
        for layer in self.network.layers:
            for name in ("weights", "bias"):
                old = getattr(layer, name)
                step = steps[at : at + old.size].reshape(old.shape)
                setattr(layer, name, old + speed * step * (np.abs(old) if relative else 1.0))
                at += old.size

    # How much rounding does.

    def copies(self) -> list[Model]:
        """Return models whose numbers are wrong in their last digits."""
        found = []
        for i in range(COPIES):
            twin = copy.deepcopy(self)
            twin.noise = np.random.default_rng(i)
            found.append(twin)
        return found

    def train_beside(self, told: Training) -> tuple[list[Array], list[float], float]:
        """Train; return what may differ in each parameter, losses, and what may differ in them."""
        copies, before = self.copies(), [np.abs(p).max() for p in self.parameters()]
        with np.errstate(over="ignore", invalid="ignore"):  # a training that runs away
            losses = self.train(told)
            found = [twin.train(told) for twin in copies]
        eps, steps = epsilon(self.dtype), max(1, self.steps)
        allowed = []
        for i, exact in enumerate(self.parameters()):
            spread = np.max([np.abs(twin.parameters()[i] - exact) for twin in copies], axis=0)
            # What one number shows by chance, all of its array may have.
            with np.errstate(over="ignore", invalid="ignore"):
                spread = np.maximum(spread, np.sqrt(np.mean(np.square(spread))))
            floor = eps * (np.abs(exact).max() + before[i] + told.rate) * (8 + min(steps, 100))
            # What is not finite in a copy tells nothing.
            allowed.append(np.nan_to_num(MARGIN * spread + floor, nan=np.inf))
        spread = max(abs(a - b) for each in found for a, b in zip(each, losses, strict=True))
        spread = math.inf if math.isnan(spread) else spread
        return allowed, losses, MARGIN * spread + 64 * eps * (1 + max(map(abs, losses)))


def parameters_of(nn: foxnn.neural_network) -> list[np.ndarray]:
    """Return weights and biases, layer by layer."""
    return [array for part in nn for array in (part.weights, part.bias)]


def exactly(model: Model) -> list[Array]:
    """Return that parameters may differ by the rounding of their type, and no more."""
    eps = epsilon(model.dtype)
    return [2 * eps * np.abs(array) for array in model.parameters()]
