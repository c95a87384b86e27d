"""The libraries that compare.py measures: each makes a function that trains an epoch.

A maker gets the work, its data and the number of threads, and returns a function that trains one
epoch, shuffled anew, and returns its seconds; or None where the library cannot do the work.
"""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Timed = Callable[[], float]

# Of every optimizer; no time hangs on it.
RATE = 1e-3


def timed(epoch: Callable[[], Any]) -> Timed:
    """Return a function that runs an epoch and returns its seconds."""

    def run() -> float:
        start = time.perf_counter()
        epoch()
        return time.perf_counter() - start

    return run


def foxnn_epoch(work: Any, x: Any, y: Any, threads: int) -> Timed:
    """Train by fit."""
    import foxnn

    output = "softmax" if work.classifies else work.activation
    network = foxnn.neural_network(list(work.sizes), work.activation, output, seed=0)
    network.settings.n_threads = threads
    return timed(
        lambda: network.fit(x, y, 1, work.batch, work.optimizer, learning_rate=RATE, progress=False)
    )


def sklearn_epoch(work: Any, x: Any, y: Any, threads: int) -> Timed | None:
    """Train by partial_fit, which is one shuffled epoch."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from threadpoolctl import threadpool_limits

    if work.batch == 1:
        return None  # minutes an epoch
    kind = MLPClassifier if work.classifies else MLPRegressor
    activation = {"sigmoid": "logistic"}.get(work.activation, work.activation)
    model = kind(
        hidden_layer_sizes=work.sizes[1:-1], activation=activation, solver=work.optimizer,
        batch_size=work.batch, learning_rate_init=RATE, momentum=0.0, alpha=0.0, random_state=0,
    )  # fmt: skip
    arguments = {"classes": np.arange(work.sizes[-1])} if work.classifies else {}

    def epoch() -> None:
        with threadpool_limits(threads):
            model.partial_fit(x, y, **arguments)

    return timed(epoch)


def torch_epoch(work: Any, x: Any, y: Any, threads: int) -> Timed | None:
    """Train in eager mode, batches taken by a shuffled index, Adam fused."""
    import torch

    if work.batch == 1 and work.samples > 5000:
        return _scaled(torch_epoch, work, x, y, threads, 2000)
    torch.set_num_threads(threads)
    layers: list[torch.nn.Module] = []
    hidden = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh}
    for inputs, outputs in zip(work.sizes[:-1], work.sizes[1:], strict=True):
        layers += [torch.nn.Linear(inputs, outputs), hidden[work.activation]()]
    model = torch.nn.Sequential(*(layers[:-1] if work.classifies else layers))
    if work.optimizer == "adam":
        optimizer: Any = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=RATE, fused=True)
    loss_of = torch.nn.CrossEntropyLoss() if work.classifies else torch.nn.MSELoss()
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)

    def epoch() -> None:
        for index in torch.randperm(len(inputs)).split(work.batch):
            optimizer.zero_grad()
            loss_of(model(inputs[index]), targets[index]).backward()
            optimizer.step()

    return timed(epoch)


def jax_epoch(work: Any, x: Any, y: Any, threads: int) -> Timed:
    """Train with the whole epoch compiled, a scan over the shuffled batches."""
    import jax
    import jax.numpy as jnp

    del threads  # XLA takes the cores that the process may use
    act = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh}[work.activation]
    steps = len(x) // work.batch
    rng = np.random.default_rng(0)
    parameters = [
        (jnp.asarray(rng.standard_normal((i, o), dtype=np.float32) * (2 / (i + o)) ** 0.5),
         jnp.zeros(o))
        for i, o in zip(work.sizes[:-1], work.sizes[1:], strict=True)
    ]  # fmt: skip
    zeros = jax.tree.map(jnp.zeros_like, parameters)

    def loss(p: Any, xb: Any, yb: Any) -> Any:
        for w, b in p[:-1]:
            xb = act(xb @ w + b)
        out = xb @ p[-1][0] + p[-1][1]
        if work.classifies:
            return -jnp.take_along_axis(jax.nn.log_softmax(out), yb[:, None], 1).mean()
        return 0.5 * ((act(out) - yb) ** 2).sum(1).mean()

    def step(state: Any, index: Any) -> Any:
        p, m, v, t = state
        g = jax.grad(loss)(p, data_x[index], data_y[index])
        if work.optimizer == "sgd":
            return (jax.tree.map(lambda w, d: w - RATE * d, p, g), m, v, t), None
        t = t + 1
        m = jax.tree.map(lambda a, d: 0.9 * a + 0.1 * d, m, g)
        v = jax.tree.map(lambda a, d: 0.999 * a + 0.001 * d * d, v, g)
        rate = RATE * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        p = jax.tree.map(lambda w, a, b: w - rate * a / (jnp.sqrt(b) + 1e-8), p, m, v)
        return (p, m, v, t), None

    data_x, data_y = jnp.asarray(x), jnp.asarray(y)

    @jax.jit
    def epoch(state: Any, key: Any) -> Any:
        order = jax.random.permutation(key, len(x))[: steps * work.batch]
        return jax.lax.scan(step, state, order.reshape(steps, work.batch))[0]

    memory = {"state": (parameters, zeros, zeros, jnp.float32(0)), "key": jax.random.key(0)}

    def run() -> None:
        memory["key"], key = jax.random.split(memory["key"])
        memory["state"] = jax.block_until_ready(epoch(memory["state"], key))

    return timed(run)


def _scaled(make: Any, work: Any, x: Any, y: Any, threads: int, samples: int) -> Timed:
    """Measure fewer samples, and scale the seconds up to all of them."""
    shorter = type(work)(**{**vars(work), "samples": samples})
    epoch = make(shorter, x[:samples], y[:samples], threads)
    return lambda: epoch() * work.samples / samples


# The module that must be there, and the maker.
TRAINERS: dict[str, tuple[str, Callable[..., Timed | None]]] = {
    "foxnn": ("foxnn", foxnn_epoch),
    "JAX": ("jax", jax_epoch),
    "PyTorch": ("torch", torch_epoch),
    "scikit-learn": ("sklearn", sklearn_epoch),
}


def versions() -> dict[str, str]:
    """Return the versions of the libraries that are installed."""
    found = {}
    for name in ("foxnn", "numpy", "jax", "torch", "scikit-learn"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
