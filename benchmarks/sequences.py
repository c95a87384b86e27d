"""Recurrent networks in foxnn, PyTorch, JAX and onnxruntime.

A network is one recurrent layer and a layer of classes, described once by foxnn's layers. The
other libraries get its weights, and must give the same outputs before anything is measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import foxnn
from answers import check
from measure import Timed, timed
from peers import RATE, jax_adam, on_threads, torch_steps

CLASSES = 10


@dataclass(frozen=True)
class Sequences:
    """A recurrent layer of a kind over so many steps, and the samples of an epoch."""

    kind: str
    inputs: int
    units: int
    steps: int
    batch: int
    batches: int = 100  # what a call takes besides its steps is that of an epoch

    @property
    def samples(self) -> int:
        """The number of samples in an epoch."""
        return self.batches * self.batch

    def network(self) -> foxnn.neural_network:
        """Return the network, the same at every call."""
        layer = getattr(foxnn, self.kind)(self.units)
        return foxnn.neural_network(
            [(self.steps, self.inputs), layer, CLASSES], output_activation="softmax", seed=0
        )

    def data(self) -> tuple[Any, Any]:
        """Return sequences and labels drawn at random."""
        rng = np.random.default_rng(0)
        x = rng.normal(size=(self.samples, self.steps, self.inputs)).astype(np.float32)
        return x, rng.integers(0, CLASSES, self.samples)


def foxnn_epoch(work: Sequences, x: Any, y: Any, threads: int) -> Timed:
    """Train with fit."""
    nn = work.network()
    nn.settings.n_threads = threads
    return timed(lambda: nn.fit(x, y, 1, work.batch, "adam", learning_rate=RATE, progress=False))


# PyTorch


def torch_model(work: Sequences) -> Any:
    """Return the network in PyTorch, with foxnn's weights, without the softmax of its loss."""
    import torch

    class Last(torch.nn.Module):
        """The recurrent layer, and a linear one over its last output."""

        def __init__(self) -> None:
            super().__init__()
            self.recurrent = getattr(torch.nn, work.kind)(work.inputs, work.units, batch_first=True)
            self.linear = torch.nn.Linear(work.units, CLASSES)

        def forward(self, x: Any) -> Any:
            return self.linear(self.recurrent(x)[0][:, -1])

    model, layers = Last(), work.network()
    arrays = layers[0].arrays
    own = {
        "weight_ih_l0": arrays["weights"].T,
        "weight_hh_l0": arrays["recurrent_weights"].T,
        "bias_ih_l0": arrays["bias"],
        "bias_hh_l0": arrays.get("recurrent_bias", np.zeros_like(arrays["bias"])),
    }
    with torch.no_grad():
        for name, array in own.items():
            getattr(model.recurrent, name).copy_(torch.from_numpy(np.ascontiguousarray(array)))
        model.linear.weight.copy_(torch.from_numpy(np.ascontiguousarray(layers[1].weights.T)))
        model.linear.bias.copy_(torch.from_numpy(np.array(layers[1].bias)))
    return model


def torch_epoch(work: Sequences, x: Any, y: Any, threads: int) -> Timed:
    """Train in eager mode, with batches taken by a shuffled index and a fused Adam."""
    import torch

    model = torch_model(work)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    with torch.inference_mode():
        found = torch.softmax(model(inputs[: work.batch]), 1).numpy()
    check("PyTorch", found, work.network().predict(x[: work.batch]))
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    loss_of = torch.nn.CrossEntropyLoss()
    epoch = timed(lambda: torch_steps(model, optimizer, loss_of, inputs, targets, work.batch))
    return on_threads(threads, epoch)


# JAX


def _last_state(work: Sequences, p: Any, x: Any) -> Any:
    """Return the state after the last step: the inputs' products at once, then a scan."""
    import jax
    import jax.numpy as jnp

    sums = jnp.swapaxes(x @ p["weights"] + p["bias"], 0, 1)
    zeros = jnp.zeros((len(x), work.units), jnp.float32)

    def lstm(state: Any, z: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(z + h @ p["recurrent_weights"], 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    def gru(h: Any, z: Any) -> Any:
        zr, zz, zn = jnp.split(z, 3, axis=1)
        hr, hz, hn = jnp.split(h @ p["recurrent_weights"] + p["recurrent_bias"], 3, axis=1)
        r, u = jax.nn.sigmoid(zr + hr), jax.nn.sigmoid(zz + hz)
        n = jnp.tanh(zn + r * hn)
        return (1 - u) * n + u * h, None

    if work.kind == "LSTM":
        return jax.lax.scan(lstm, (zeros, zeros), sums)[0][0]
    return jax.lax.scan(gru, zeros, sums)[0]


def jax_epoch(work: Sequences, x: Any, y: Any, threads: int) -> Timed:
    """Train with the whole epoch compiled as a scan over the shuffled batches."""
    import jax
    import jax.numpy as jnp

    del threads  # XLA uses the cores available to the process
    nn = work.network()
    recurrent = {name: jnp.asarray(a) for name, a in nn[0].arrays.items()}
    start = recurrent, jnp.asarray(nn[1].weights), jnp.asarray(nn[1].bias)
    data_x, data_y = jnp.asarray(x), jnp.asarray(y)

    def scores(p: Any, xb: Any) -> Any:
        return _last_state(work, p[0], xb) @ p[1] + p[2]

    def loss(p: Any, xb: Any, yb: Any) -> Any:
        return -jnp.take_along_axis(jax.nn.log_softmax(scores(p, xb)), yb[:, None], 1).mean()

    def step(state: Any, index: Any) -> Any:
        return jax_adam(state, jax.grad(loss)(state[0], data_x[index], data_y[index])), None

    @jax.jit
    def epoch(state: Any, key: Any) -> Any:
        order = jax.random.permutation(key, work.samples)
        return jax.lax.scan(step, state, order.reshape(-1, work.batch))[0]

    found = np.asarray(jax.nn.softmax(scores(start, data_x[: work.batch])))
    check("JAX", found, nn.predict(x[: work.batch]))
    zeros = jax.tree.map(jnp.zeros_like, start)
    memory = {"state": (start, zeros, zeros, jnp.float32(0)), "key": jax.random.key(0)}

    def run() -> None:
        memory["key"], key = jax.random.split(memory["key"])
        memory["state"] = jax.block_until_ready(epoch(memory["state"], key))

    return timed(run)


TRAINERS = {"foxnn": foxnn_epoch, "JAX": jax_epoch, "PyTorch": torch_epoch}
