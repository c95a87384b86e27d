"""The rows of the comparison with populations: many small networks at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import foxnn
from measure import Timed, one_call, timed
from peers import RATE, is_there, jax_adam, torch_epoch
from row import Row, Run, Sides, Target
from work import Work


@dataclass(frozen=True)
class Members:
    """Networks of the same sizes, and the samples and batch on which all of them are trained."""

    count: int
    sizes: tuple[int, ...]
    batch: int
    samples: int

    def used(self, run: Run) -> Members:
        """Return what a run trains."""
        if not run.quick:
            return self
        return Members(min(self.count, 20), self.sizes, self.batch, 2 * self.batch)

    @property
    def steps(self) -> int:
        """The steps of a run of all members together."""
        return EPOCHS * self.count * (self.samples // self.batch)

    def data(self) -> tuple[Any, Any]:
        """Return samples."""
        rng = np.random.default_rng(0)
        x = rng.uniform(-1, 1, (self.samples, self.sizes[0])).astype(np.float32)
        return x, rng.uniform(-0.9, 0.9, (self.samples, self.sizes[-1])).astype(np.float32)

    def population(self) -> foxnn.population:
        """Return the members in foxnn."""
        return foxnn.population(self.count, list(self.sizes), activation="tanh", seed=0)


# Of a run: what fit does before its first epoch, for every member, is as much as an epoch of the
# small networks.
EPOCHS = 8

# Of a PyTorch network: none of its steps takes longer than another.
TORCH_STEPS = 200

WIDE = Members(256, (4, 64, 64, 2), 32, 2048)
SMALL = Members(1024, (4, 16, 2), 32, 2048)
TINY = Members(1024, (3, 5, 4, 2), 1, 2048)
LARGE = Members(64, (30, 100, 100, 1), 64, 2048)


def steps(given: Members, run: Run) -> Sides:
    """Return the time of one step of one member, in a run of all of them."""
    work = given.used(run)
    x, y = work.data()
    pop = work.population()
    pop.settings.n_threads = run.threads
    runs: dict[str, Timed] = {
        "foxnn": timed(
            lambda: pop.fit(x, y, EPOCHS, work.batch, "adam", learning_rate=RATE, progress=False)
        )
    }
    if is_there("JAX"):
        runs["JAX"] = _jax_run(work, x, y)
    sides: Sides = {name: partial(_step, whole, work.steps) for name, whole in runs.items()}
    if is_there("PyTorch"):
        sides["PyTorch"] = _torch_loop(work, x, y)
    return sides


def _step(whole: Timed, count: int) -> float:
    return whole() / count


def _forward(parameters: Any, x: Any) -> Any:
    import jax.numpy as jnp

    for w, b in parameters:
        x = jnp.tanh(x @ w + b)
    return x


def _jax_parameters(pop: foxnn.population) -> Any:
    """Return the parameters of all members, layer by layer, with the members first."""
    import jax.numpy as jnp

    layers = zip(*([(part.weights, part.bias) for part in member] for member in pop), strict=True)
    return [
        (jnp.stack([w for w, _ in layer]), jnp.stack([b for _, b in layer])) for layer in layers
    ]


def _jax_run(work: Members, x: Any, y: Any) -> Timed:
    """Train all members with a vmapped step, and a whole epoch compiled as a scan.

    Every member has an order of its own. Cores are those that the process has.
    """
    import jax
    import jax.numpy as jnp

    data_x, data_y = jnp.asarray(x), jnp.asarray(y)
    batches = work.samples // work.batch

    def loss(p: Any, xb: Any, yb: Any) -> Any:
        return 0.5 * ((_forward(p, xb) - yb) ** 2).sum(1).mean()

    def step(state: Any, index: Any) -> Any:
        g = jax.vmap(jax.grad(loss))(state[0], data_x[index], data_y[index])
        return jax_adam(state, g), None

    @jax.jit
    def epoch(state: Any, keys: Any) -> Any:
        def order_of(key: Any) -> Any:
            return jax.random.permutation(key, work.samples)[: batches * work.batch]

        orders = jax.vmap(order_of)(keys).reshape(work.count, batches, work.batch)
        return jax.lax.scan(step, state, orders.swapaxes(0, 1))[0]

    parameters = _jax_parameters(work.population())
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    memory = {"state": (parameters, zeros, zeros, jnp.float32(0)), "key": jax.random.key(0)}

    def run() -> None:
        for _ in range(EPOCHS):
            memory["key"], key = jax.random.split(memory["key"])
            memory["state"] = epoch(memory["state"], jax.random.split(key, work.count))
        jax.block_until_ready(memory["state"])

    return timed(run)


def _torch_loop(work: Members, x: Any, y: Any) -> Timed:
    """Return the time of a step in a loop over networks, as the first steps of two of them.

    On one thread: products of these sizes are no faster on several.
    """
    rows = TORCH_STEPS * work.batch
    one = Work(work.sizes, "tanh", min(work.samples, rows), optimizer="adam", batch=work.batch)
    networks = [torch_epoch(one, x[:rows], y[:rows], 1) for _ in range(2)]
    return lambda: sum(network() for network in networks) / (2 * one.steps)


def answers(given: Members, run: Run) -> Sides:
    """Return the answer of every member to an input of its own."""
    work = given.used(run)
    pop = work.population()
    pop.settings.n_threads = run.threads
    x = np.random.default_rng(0).uniform(-1, 1, (work.count, work.sizes[0])).astype(np.float32)
    calls: dict[str, Callable[[], Any]] = {"foxnn": partial(pop.get_out, x, each=True)}
    if is_there("JAX"):
        import jax

        parameters = _jax_parameters(pop)
        compiled = jax.jit(jax.vmap(_forward))
        calls["JAX"] = lambda: np.asarray(compiled(parameters, x))
        worst = float(np.abs(calls["JAX"]() - pop.get_out(x, each=True)).max())
        if not worst <= 1e-5:
            raise RuntimeError(f"the outputs of JAX differ from foxnn's by {worst:.3g}")
    return {name: one_call(call, 0.001 if run.quick else 0.05) for name, call in calls.items()}


def _title(work: Members) -> str:
    sizes = ", ".join(map(str, work.sizes))
    return f"a step of one of {work.count:,} networks [{sizes}], tanh, Adam, batch {work.batch}"


POPULATION_ROWS: Sequence[Row] = (
    *(
        Row(
            f"population-{name}", _title(work), partial(steps, work),
            (Target("JAX", times), Target("PyTorch", 20.0)),
        )
        for name, work, times in (
            ("wide", WIDE, 2.8), ("small", SMALL, 7.0), ("tiny", TINY, 12.0), ("large", LARGE, 2.4),
        )
    ),
    Row(
        "population-get-out", "get_out of 1,024 networks [4, 16, 2], each its own input",
        partial(answers, SMALL), (Target("JAX", 8.0),),
    ),
)  # fmt: skip
