"""The oracle for layers of every kind: a second, naive implementation in NumPy, float64 throughout.

It takes the layers from the tree that a network says of itself, and shares nothing with the engine
but the formulas. A layer is a function of its inputs that returns its outputs, and a function that
takes a gradient by the outputs back to one by the inputs. A new kind adds a function to APPLIED.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import reference
from reference import ACTIVATIONS, LOSSES, Array

# The engine's number of the stream of random numbers that dropout draws from.
DROPOUT = 4

Back = Callable[[Array], Array]
Applied = tuple[Array, Back]
# The state and the memory after a step, and a function from the gradients by them to those by the
# preactivations that read x, by those that read h, by the state before, and by its memory.
Stepped = tuple[Array, Array, Callable[[Array, Array], tuple[Array, Array, Array, Array]]]


@dataclass
class Leaf:
    """A layer that is no composite: what it is made of, and the gradients of the last way back."""

    kind: str
    options: Mapping[str, Any]
    index: int
    arrays: dict[str, Array]
    trained: bool
    gradients: dict[str, Array] = field(default_factory=dict)
    #: What a step of training brings running arrays to.
    running: dict[str, Array] = field(default_factory=dict)
    #: Of a recurrent layer: the state and the memory before the first step (None: zeros), and those
    #: after the last one of the last way forward.
    before: tuple[Array, Array] | None = None
    after: tuple[Array, Array] | None = None


@dataclass
class Composite:
    """A layer of branches."""

    kind: str
    branches: list[list[Leaf | Composite]]


Part = Leaf | Composite


@dataclass
class Training:
    """What a training step draws from: seed, first draw, and the places of its samples."""

    seed: int
    draw: int
    samples: range


def through(parts: list[Part], x: Array, training: Training | None) -> Applied:
    """Apply layers one after another."""
    backs: list[Back] = []
    for part in parts:
        x, back = APPLIED[part.kind](part, x, training)
        backs.append(back)

    def back_through(error: Array) -> Array:
        for back in reversed(backs):
            error = back(error)
        return error

    return x, back_through


def function_of(options: Mapping[str, Any], z: Array) -> Applied:
    """Apply the activation that options name."""
    name, parameters = options["activation"], options["parameters"]
    if name == "softmax":
        a = np.exp(reference.log_softmax(z))
        return a, lambda error: a * (error - (error * a).sum(axis=-1, keepdims=True))
    function = ACTIVATIONS[name]
    alpha = parameters[0] if parameters else function.alpha
    return function.value(z, alpha), lambda error: error * function.slope(z, alpha)


def dense(leaf: Leaf, x: Array, training: Training | None) -> Applied:
    """Give f(x W + b), at each position, or of all of them together."""
    weights, shape = leaf.arrays["weights"], x.shape
    x = x.reshape(-1, len(weights))
    outputs = shape[:-1] if leaf.options.get("each_position") else shape[:1]
    a, back_of_function = function_of(leaf.options, x @ weights + leaf.arrays.get("bias", 0.0))

    def back(error: Array) -> Array:
        delta = back_of_function(error.reshape(a.shape))
        leaf.gradients["weights"] = x.T @ delta
        if "bias" in leaf.arrays:
            leaf.gradients["bias"] = delta.sum(axis=0)
        return (delta @ weights.T).reshape(shape)

    return a.reshape(*outputs, -1), back


def window_reads(
    leaf: Leaf, axes: tuple[int, ...]
) -> tuple[tuple[int, ...], list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]]:
    """Return the output's positions, and what each reads: (output, place, input) positions."""
    kernel, stride, dilation = (
        [int(n) for n in leaf.options.get(name, [1] * len(axes))]
        for name in ("kernel", "stride", "dilation")
    )
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if leaf.options["padding"] == "same":
        outputs = tuple(-(-n // s) for n, s in zip(axes, stride, strict=True))
        before = [
            max(0, (o - 1) * s + span - n) // 2
            for o, s, span, n in zip(outputs, stride, spans, axes, strict=True)
        ]
    else:
        given = leaf.options["padding"]
        before = [0] * len(axes) if given == "valid" else [int(added) for added in given]
        outputs = tuple(
            (n + 2 * added - span) // s + 1
            for n, added, span, s in zip(axes, before, spans, stride, strict=True)
        )
    reads = []
    for at in np.ndindex(*outputs):
        for place in np.ndindex(*kernel):
            read = tuple(
                a * s + p * d - b
                for a, s, p, d, b in zip(at, stride, place, dilation, before, strict=True)
            )
            if all(0 <= r < n for r, n in zip(read, axes, strict=True)):
                reads.append((at, place, read))
    return outputs, reads


def conv(leaf: Leaf, x: Array, training: Training | None) -> Applied:
    """Give f of the sums of products of windows and filters, group by group."""
    weights, groups = leaf.arrays["weights"], int(leaf.options["groups"])
    filters = weights.shape[-1]
    outputs, reads = window_reads(leaf, x.shape[1:-1])
    channels, own = x.shape[-1] // groups, filters // groups
    parts = [
        (slice(g * channels, (g + 1) * channels), slice(g * own, (g + 1) * own))
        for g in range(groups)
    ]
    z = np.zeros((len(x), *outputs, filters)) + leaf.arrays.get("bias", 0.0)
    for at, place, read in reads:
        for inner, outer in parts:
            z[(slice(None), *at, outer)] += (
                x[(slice(None), *read, inner)] @ weights[place][:, outer]
            )
    a, back_of_function = function_of(leaf.options, z)

    def back(error: Array) -> Array:
        delta = back_of_function(error)
        below, gradient = np.zeros(x.shape), np.zeros(weights.shape)
        for at, place, read in reads:
            for inner, outer in parts:
                d = delta[(slice(None), *at, outer)]
                below[(slice(None), *read, inner)] += d @ weights[place][:, outer].T
                gradient[place][:, outer] += x[(slice(None), *read, inner)].T @ d
        leaf.gradients["weights"] = gradient
        if "bias" in leaf.arrays:
            leaf.gradients["bias"] = delta.sum(axis=tuple(range(delta.ndim - 1)))
        return below

    return a, back


def windows(leaf: Leaf, x: Array) -> tuple[tuple[int, ...], dict[tuple[int, ...], list[Any]]]:
    """Return a pool's output positions, and the input positions of each."""
    axes = x.shape[1:-1]
    if "kernel" not in leaf.options:
        return (), {(): list(np.ndindex(*axes))}
    outputs, reads = window_reads(leaf, axes)
    found: dict[tuple[int, ...], list[Any]] = {}
    for at, _, read in reads:
        found.setdefault(at, []).append(read)
    return outputs, found


def pool(leaf: Leaf, x: Array, training: Training | None) -> Applied:
    """Give the largest number of each window, or the mean, channel by channel."""
    outputs, read_by = windows(leaf, x)
    y, shares = np.zeros((len(x), *outputs, x.shape[-1])), {}
    for at, reads in read_by.items():
        values = np.stack([x[(slice(None), *read)] for read in reads])
        if "max" in leaf.kind:
            y[(slice(None), *at)] = values.max(axis=0)
            shares[at] = values.argmax(axis=0) == np.arange(len(reads))[:, None, None]
        else:
            y[(slice(None), *at)] = values.mean(axis=0)
            shares[at] = np.full(values.shape, 1.0 / len(reads))

    def back(error: Array) -> Array:
        below = np.zeros(x.shape)
        for at, reads in read_by.items():
            for read, share in zip(reads, shares[at], strict=True):
                below[(slice(None), *read)] += share * error[(slice(None), *at)]
        return below

    return y, back


def up_sample(leaf: Leaf, x: Array, training: Training | None) -> Applied:
    """Give every position as often as the factor says."""
    given = [int(n) for n in leaf.options["factor"]]
    factor = given * (x.ndim - 2) if len(given) == 1 else given
    y = x
    for axis, times in enumerate(factor, 1):
        y = y.repeat(times, axis=axis)

    def back(error: Array) -> Array:
        for axis, times in enumerate(factor, 1):
            shape = (
                *error.shape[:axis],
                error.shape[axis] // times,
                times,
                *error.shape[axis + 1 :],
            )
            error = error.reshape(shape).sum(axis=axis + 1)
        return error

    return y, back


def activation(leaf: Leaf, x: Array, training: Training | None) -> Applied:
    """Give f(x)."""
    return function_of(leaf.options, x)


def flatten(leaf: Leaf, x: Array, training: Training | None) -> Applied:
    """Give the same numbers without positions."""
    return x.reshape(len(x), -1), lambda error: error.reshape(x.shape)


def reshape(leaf: Leaf, x: Array, training: Training | None) -> Applied:
    """Give the same numbers in another shape."""
    shape = [int(length) for length in leaf.options["shape"]]
    return x.reshape(len(x), *shape), lambda error: error.reshape(x.shape)


def dropout(leaf: Leaf, x: Array, training: Training | None) -> Applied:
    """Give in training x times a mask, from a sub-stream of its own for each layer."""
    if training is None:
        return x, lambda error: error
    mask = reference.dropout_mask(
        leaf.options["rate"], x[0].size, training.samples, training.seed, DROPOUT, training.draw
    ).reshape(x.shape)
    training.draw += 1
    return x * mask, lambda error: error * mask


def layer_norm(leaf: Leaf, x: Array, training: Training | None) -> Applied:
    """Give weights (x - mean) / sqrt(variance + epsilon) + bias, over a position's channels."""
    gain, positions = leaf.arrays["weights"], tuple(range(x.ndim - 1))
    centred = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + leaf.options["epsilon"])
    normal = centred / spread

    def back(error: Array) -> Array:
        leaf.gradients["weights"] = (error * normal).sum(axis=positions)
        leaf.gradients["bias"] = error.sum(axis=positions)
        scaled = error * gain
        mean = scaled.mean(axis=-1, keepdims=True)
        along = (scaled * normal).mean(axis=-1, keepdims=True)
        return (scaled - mean - normal * along) / spread

    return gain * normal + leaf.arrays["bias"], back


def batch_norm(leaf: Leaf, x: Array, training: Training | None) -> Applied:
    """Give weights (x - mean) / sqrt(variance + epsilon) + bias, over the batch's positions."""
    gain, positions = leaf.arrays["weights"], tuple(range(x.ndim - 1))
    mean, variance = leaf.arrays["running_mean"], leaf.arrays["running_variance"]
    measured = training is not None and leaf.trained
    if measured:
        mean, variance = x.mean(axis=positions), x.var(axis=positions)
        count = x.size // x.shape[-1]
        estimate = variance * (count / (count - 1) if count > 1 else 1.0)
        for name, found in (("running_mean", mean), ("running_variance", estimate)):
            keep = leaf.options["momentum"]
            leaf.running[name] = keep * leaf.arrays[name] + (1.0 - keep) * found
    spread = np.sqrt(variance + leaf.options["epsilon"])
    normal = (x - mean) / spread

    def back(error: Array) -> Array:
        leaf.gradients["weights"] = (error * normal).sum(axis=positions)
        leaf.gradients["bias"] = error.sum(axis=positions)
        scaled = error * gain
        if measured:
            along = (scaled * normal).mean(axis=positions)
            scaled = scaled - scaled.mean(axis=positions) - normal * along
        return scaled / spread

    return gain * normal + leaf.arrays["bias"], back


def embedding(leaf: Leaf, x: Array, training: Training | None) -> Applied:
    """Give the row of the table that each number names."""
    named = x.astype(int)

    def back(error: Array) -> Array:
        gradient = np.zeros(leaf.arrays["weights"].shape)
        for at in np.ndindex(*named.shape):
            gradient[named[at]] += error[at]
        leaf.gradients["weights"] = gradient
        return np.zeros(x.shape)

    return leaf.arrays["weights"][named], back


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + e^-z)."""
    return 1.0 / (1.0 + np.exp(-z))


def rnn_step(own: dict[str, Array], x: Array, h: Array, c: Array) -> Stepped:
    """Give h' = tanh(x W + h U + b)."""
    after = np.tanh(x @ own["weights"] + h @ own["recurrent_weights"] + own.get("bias", 0.0))

    def back(dh: Array, dc: Array) -> tuple[Array, Array, Array, Array]:
        da = dh * (1.0 - after**2)
        return da, da, da @ own["recurrent_weights"].T, dc

    return after, c, back


def gru_step(own: dict[str, Array], x: Array, h: Array, c: Array) -> Stepped:
    """Give (1 - z) n + z h, where n reads what r leaves of h's part."""
    of_x = np.split(x @ own["weights"] + own.get("bias", 0.0), 3, axis=1)
    of_h = np.split(h @ own["recurrent_weights"] + own.get("recurrent_bias", 0.0), 3, axis=1)
    r, z = sigmoid(of_x[0] + of_h[0]), sigmoid(of_x[1] + of_h[1])
    n = np.tanh(of_x[2] + r * of_h[2])

    def back(dh: Array, dc: Array) -> tuple[Array, Array, Array, Array]:
        dz = dh * (h - n) * z * (1.0 - z)
        dn = dh * (1.0 - z) * (1.0 - n**2)
        dr = dn * of_h[2] * r * (1.0 - r)
        recurrent = np.concatenate([dr, dz, dn * r], axis=1)
        before = recurrent @ own["recurrent_weights"].T + dh * z
        return np.concatenate([dr, dz, dn], axis=1), recurrent, before, dc

    return (1.0 - z) * n + z * h, c, back


def lstm_step(own: dict[str, Array], x: Array, h: Array, c: Array) -> Stepped:
    """Give o tanh(c') of the memory c' = f c + i g."""
    a = x @ own["weights"] + h @ own["recurrent_weights"] + own.get("bias", 0.0)
    i, f, g, o = np.split(a, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    memory = f * c + i * g
    squashed = np.tanh(memory)

    def back(dh: Array, dc: Array) -> tuple[Array, Array, Array, Array]:
        dc = dc + dh * o * (1.0 - squashed**2)
        slopes = [i * (1.0 - i), f * (1.0 - f), 1.0 - g**2, o * (1.0 - o)]
        gates = [dc * g, dc * c, dc * i, dh * squashed]
        da = np.concatenate([d * s for d, s in zip(gates, slopes, strict=True)], axis=1)
        return da, da, da @ own["recurrent_weights"].T, dc * f

    return o * squashed, memory, back


STEPS = {"rnn": rnn_step, "gru": gru_step, "lstm": lstm_step}


def recurrent(leaf: Leaf, x: Array, training: Training | None) -> Applied:
    """Give the states of a cell that reads the steps one after another, or the last one."""
    sequences, both = (leaf.options.get(n, False) for n in ("return_sequences", "bidirectional"))
    directions = [leaf.options.get("reverse", False)] + ([True] if both else [])
    outputs, backs = [], []
    for prefix, reverse in zip(("", "reverse_"), directions, strict=False):
        names = ("weights", "recurrent_weights", "bias", "recurrent_bias")
        own = {n: leaf.arrays[prefix + n] for n in names if prefix + n in leaf.arrays}
        states, back = through_time(leaf, prefix, own, x, reverse, sequences)
        outputs.append(states)
        backs.append(back)

    def back_of_all(error: Array) -> Array:
        parts = np.split(error, len(backs), axis=-1)
        return sum(back(part) for back, part in zip(backs, parts, strict=True))

    return np.concatenate(outputs, axis=-1), back_of_all


def through_time(
    leaf: Leaf, prefix: str, own: dict[str, Array], x: Array, reverse: bool, sequences: bool
) -> Applied:
    """Apply one direction of a recurrent layer."""
    units, order = len(own["recurrent_weights"]), list(range(x.shape[1]))
    if reverse:
        order.reverse()
    nothing = np.zeros((len(x), units))
    h, c = leaf.before or (nothing, nothing)
    states, befores, backs = np.zeros((*x.shape[:2], units)), {}, {}
    for t in order:
        befores[t] = h
        h, c, backs[t] = STEPS[leaf.kind](own, x[:, t], h, c)
        states[:, t] = h
    leaf.after = h, c

    def back(error: Array) -> Array:
        gradients = {name: np.zeros(array.shape) for name, array in own.items()}
        below = np.zeros(x.shape)
        dh = np.zeros((len(x), units)) if sequences else error
        dc = np.zeros((len(x), units))
        for t in reversed(order):
            da, recurrent_da, dh, dc = backs[t](dh + error[:, t] if sequences else dh, dc)
            below[:, t] = da @ own["weights"].T
            gradients["weights"] += x[:, t].T @ da
            gradients["recurrent_weights"] += befores[t].T @ recurrent_da
            for name, delta in (("bias", da), ("recurrent_bias", recurrent_da)):
                if name in own:
                    gradients[name] += delta.sum(axis=0)
        leaf.gradients |= {prefix + name: gradient for name, gradient in gradients.items()}
        return below

    return states if sequences else h, back


def residual(part: Composite, x: Array, training: Training | None) -> Applied:
    """Add up both branches, of which the second may be empty."""
    (first, back_first), (second, back_second) = (through(b, x, training) for b in part.branches)
    return first + second, lambda error: back_first(error) + back_second(error)


def parallel(part: Composite, x: Array, training: Training | None) -> Applied:
    """Put the outputs of the branches side by side, along the channels."""
    outputs, backs = zip(*(through(branch, x, training) for branch in part.branches), strict=True)
    edges = np.cumsum([output.shape[-1] for output in outputs])[:-1]

    def back(error: Array) -> Array:
        pieces = np.split(error, edges, axis=-1)
        return sum(own(piece) for own, piece in zip(backs, pieces, strict=True))

    return np.concatenate(outputs, axis=-1), back


APPLIED: dict[str, Callable[[Any, Array, Training | None], Applied]] = {
    "dense": dense,
    "conv1d": conv,
    "conv2d": conv,
    "conv3d": conv,
    **{f"{name}_pool{axes}d": pool for name in ("max", "average") for axes in (1, 2, 3)},
    "global_max_pool": pool,
    "global_average_pool": pool,
    "up_sample": up_sample,
    "activation": activation,
    "flatten": flatten,
    "reshape": reshape,
    "dropout": dropout,
    "batch_norm": batch_norm,
    "embedding": embedding,
    "layer_norm": layer_norm,
    "rnn": recurrent,
    "gru": recurrent,
    "lstm": recurrent,
    "residual": residual,
    "parallel": parallel,
}


class Network:
    """The layers and the loss of a foxnn network."""

    def __init__(self, nn: Any) -> None:
        self.parts = [part_of(nn, part) for part in nn._layers()]
        self.shape, self.loss, self.seed, self.draw = (
            nn._input_shape(),
            nn.loss,
            nn.seed,
            nn._draw(),
        )

    def leaves(self) -> list[Leaf]:
        """Return the layers that are no composites, depth first."""
        return list(leaves_of(self.parts))

    def predict(self, x: Array) -> Array:
        """Return the outputs."""
        return through(self.parts, self._samples(x), None)[0]

    def gradients(
        self,
        x: Array,
        y: Array,
        draw: int | None = None,
        first: int = 0,
        weights: Array | None = None,
    ) -> tuple[float, list[dict[str, Array]]]:
        """Return the mean loss over samples and their positions, and its gradients, a dict a leaf.

        With a draw they are those of training, on samples of which the first has place `first` in
        the epoch. Weights are of samples or of positions.
        """
        places = range(first, first + len(x))
        training = None if draw is None else Training(self.seed, draw, places)
        a, back = through(self.parts, self._samples(x), training)
        rows = a.reshape(-1, a.shape[-1])  # each position by itself
        y = np.asarray(y, np.float64).reshape(rows.shape)
        loss, slope = losses_of(self.loss, rows, y)
        share = np.ones(a.shape[:-1])
        if weights is not None:
            given = np.asarray(weights, np.float64)
            share = share * given.reshape(*given.shape, *[1] * (share.ndim - given.ndim))
        share = share.reshape(-1) / share.sum()
        back((slope * share[:, None]).reshape(a.shape))
        return float((loss * share).sum()), [leaf.gradients for leaf in self.leaves()]

    def descend(self, rate: float, l1: float = 0.0, l2: float = 0.0, most: float = np.inf) -> None:
        """Take a step of SGD along the last gradients, where a layer is trained.

        Weights are penalised, biases and the like are not; `most` is the norm to clip to.
        """
        steps = []
        for leaf in self.leaves():
            for name in leaf.gradients if leaf.trained else ():
                array = leaf.arrays[name]
                is_penalised = name.endswith("weights") and not leaf.kind.endswith("norm")
                penalty = l1 * np.sign(array) + l2 * array if is_penalised else 0.0
                steps.append((leaf, name, leaf.gradients[name] + penalty))
        norm = np.sqrt(sum(float((step**2).sum()) for _, _, step in steps))
        for leaf, name, step in steps:
            leaf.arrays[name] = leaf.arrays[name] - rate * step * min(1.0, most / max(norm, 1e-300))
        for leaf in self.leaves():
            leaf.arrays |= leaf.running

    def input_gradients(self, x: Array) -> Array:
        """Return d output / d input, (samples, outputs, inputs), all flat."""
        a, back = through(self.parts, self._samples(x), None)
        rows = []
        for k in range(a[0].size):
            error = np.zeros((len(a), a[0].size))
            error[:, k] = 1.0
            rows.append(back(error.reshape(a.shape)).reshape(len(a), -1))
        return np.stack(rows, axis=1)

    def _samples(self, x: Array) -> Array:
        return np.asarray(x, np.float64).reshape(-1, *self.shape)


def losses_of(name: str, a: Array, y: Array) -> tuple[Array, Array]:
    """Return the loss of each row of outputs, and its slope by each output."""
    if name == "cross_entropy":
        return -(y * np.log(a)).sum(axis=1), -y / a
    if name == "binary_cross_entropy":
        loss = -(y * np.log(a) + (1.0 - y) * np.log(1.0 - a))
        return loss.sum(axis=1), (a - y) / (a * (1.0 - a))
    chosen = LOSSES[name]
    return chosen.value(a, y).sum(axis=1), chosen.slope(a, y)


def part_of(nn: Any, part: Mapping[str, Any]) -> Part:
    """Return a layer of a network as the oracle has it."""
    if "branches" in part:
        return Composite(part["kind"], [[part_of(nn, p) for p in b] for b in part["branches"]])
    names = part["arrays"]
    arrays = {name: nn._array(part["index"], name).astype(np.float64) for name in names}
    return Leaf(part["kind"], part["options"], part["index"], arrays, part["trained"])


def leaves_of(parts: list[Part]) -> Iterator[Leaf]:
    """Yield the layers that are no composites, depth first."""
    for part in parts:
        if isinstance(part, Leaf):
            yield part
        else:
            for branch in part.branches:
                yield from leaves_of(branch)
