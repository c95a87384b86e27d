"""How each library trains: factories of functions that train an epoch.

A factory takes the work, its data and the number of threads, and returns a function that trains one
newly shuffled epoch and returns its seconds; or None if the library cannot do the work.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from measure import Timed, timed
from work import Work

if TYPE_CHECKING:
    from pictures import Pictures

# The learning rate of every optimizer; no time depends on it.
RATE = 1e-3

# The module to import to check whether a library is installed, and the package with its version.
LIBRARIES = {
    "foxnn": ("foxnn", "foxnn"),
    "JAX": ("jax", "jax"),
    "PyTorch": ("torch", "torch"),
    "scikit-learn": ("sklearn", "scikit-learn"),
    "onnxruntime": ("onnxruntime", "onnxruntime"),
}


def is_installed(module: str) -> bool:
    """Return whether a module can be imported."""
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


def is_there(name: str) -> bool:
    """Return whether a library can be imported."""
    return is_installed(LIBRARIES[name][0])


def versions() -> dict[str, str]:
    """Return the versions of the libraries that are installed."""
    found = {}
    for package in ("numpy", *(package for _, package in LIBRARIES.values())):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def foxnn_epoch(work: Work | Pictures, x: Any, y: Any, threads: int) -> Timed:
    """Train with fit."""
    network = work.network()
    network.settings.n_threads = threads
    return timed(
        lambda: network.fit(x, y, 1, work.batch, work.optimizer, learning_rate=RATE, progress=False)
    )


def sklearn_epoch(work: Work, x: Any, y: Any, threads: int) -> Timed | None:
    """Train with partial_fit, which runs one shuffled epoch."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from threadpoolctl import threadpool_limits

    if work.batch == 1:
        return None  # takes minutes per epoch
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


def torch_model(work: Work) -> Any:
    """Return the network in PyTorch, without the softmax, which its loss includes."""
    import torch

    hidden = {"relu": torch.nn.ReLU, "sigmoid": torch.nn.Sigmoid, "tanh": torch.nn.Tanh}
    layers: list[Any] = []
    for inputs, outputs in zip(work.sizes[:-1], work.sizes[1:], strict=True):
        layers += [torch.nn.Linear(inputs, outputs), hidden[work.activation]()]
    return torch.nn.Sequential(*(layers[:-1] if work.classifies else layers))


def estimator_epoch(work: Work, x: Any, y: Any, threads: int) -> Timed:
    """Train with partial_fit of foxnn's own estimator."""
    from foxnn.sklearn import MLPClassifier

    model = MLPClassifier(
        hidden_layer_sizes=work.sizes[1:-1], activation=work.activation, solver=work.optimizer,
        batch_size=work.batch, learning_rate_init=RATE, alpha=0.0, random_state=0,
        n_threads=threads,
    )  # fmt: skip
    classes = np.arange(work.sizes[-1])
    return timed(lambda: model.partial_fit(x, y, classes=classes))


def torch_steps(model: Any, optimizer: Any, loss_of: Any, x: Any, y: Any, batch: int) -> None:
    """Train an epoch in eager mode, with batches taken by a shuffled index."""
    import torch

    for index in torch.randperm(len(x)).split(batch):
        optimizer.zero_grad()
        loss_of(model(x[index]), y[index]).backward()
        optimizer.step()


def on_threads(threads: int, turn: Timed) -> Timed:
    """Return a turn of PyTorch on so many threads, after which the others have theirs again.

    PyTorch and foxnn share one OpenMP runtime, so that a limit of one is a limit of both.
    """
    import torch

    def run() -> float:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        try:
            return turn()
        finally:
            torch.set_num_threads(before)

    return run


def torch_epoch(work: Work, x: Any, y: Any, threads: int) -> Timed:
    """Train in eager mode, with batches taken by a shuffled index and fused optimizers."""
    import torch

    if work.batch == 1 and work.samples > 5000:
        return _scaled(torch_epoch, work, x, y, threads, 2000)
    model = torch_model(work)
    kind: Any = torch.optim.Adam if work.optimizer == "adam" else torch.optim.SGD
    optimizer = kind(model.parameters(), lr=RATE, fused=True)
    loss_of = torch.nn.CrossEntropyLoss() if work.classifies else torch.nn.MSELoss()
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    epoch = timed(lambda: torch_steps(model, optimizer, loss_of, inputs, targets, work.batch))
    return on_threads(threads, epoch)


def jax_adam(state: Any, g: Any) -> Any:
    """Return parameters, both moments and number of steps after a step of Adam along g."""
    import jax
    import jax.numpy as jnp

    p, m, v, t = state
    t = t + 1
    m = jax.tree.map(lambda a, d: 0.9 * a + 0.1 * d, m, g)
    v = jax.tree.map(lambda a, d: 0.999 * a + 0.001 * d * d, v, g)
    rate = RATE * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    p = jax.tree.map(lambda w, a, b: w - rate * a / (jnp.sqrt(b) + 1e-8), p, m, v)
    return p, m, v, t


def jax_epoch(work: Work, x: Any, y: Any, threads: int) -> Timed:
    """Train with the whole epoch compiled as a scan over the shuffled batches."""
    import jax
    import jax.numpy as jnp

    del threads  # XLA uses the cores available to the process
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
        p, *moments = state
        g = jax.grad(loss)(p, data_x[index], data_y[index])
        if work.optimizer == "sgd":
            return (jax.tree.map(lambda w, d: w - RATE * d, p, g), *moments), None
        return jax_adam(state, g), None

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


def _scaled(make: Any, work: Work, x: Any, y: Any, threads: int, samples: int) -> Timed:
    """Measure fewer samples, and scale the seconds up to the full number."""
    epoch = make(replace(work, samples=samples), x[:samples], y[:samples], threads)
    return lambda: float(epoch() * work.samples / samples)


TRAINERS: dict[str, Callable[[Work, Any, Any, int], Timed | None]] = {
    "foxnn": foxnn_epoch,
    "JAX": jax_epoch,
    "PyTorch": torch_epoch,
    "scikit-learn": sklearn_epoch,
}


def training(work: Work, x: Any, y: Any, threads: int) -> dict[str, Timed]:
    """Return an epoch of each library that is installed and can do the work."""
    epochs = {name: make(work, x, y, threads) for name, make in TRAINERS.items() if is_there(name)}
    return {name: epoch for name, epoch in epochs.items() if epoch is not None}
