"""What runs in a process of its own, under a forced kernel set or a forced number of threads.

`python forced_runs.py OUT JOB...` writes each job's arrays to OUT/JOB.npz, and beside them the
kernel set that really ran and the number of threads of a step. The jobs are also called directly,
for their cases.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

import foxnn

# Around the edges of the tiles (14 rows, 32 columns), of a register and of a line of the cache.
WIDTHS = (1, 13, 14, 15, 31, 32, 33, 97)
# The same for the samples, and the edges of a chunk of 112 rows.
BATCHES = (1, 13, 14, 15, 31, 32, 33, 97, 111, 113, 225)
DTYPES = ("float32", "float64")


def inputs(samples: int, width: int) -> np.ndarray:
    """Return numbers from -2 to 2 that a float32 holds exactly; wide rows are mostly zero.

    As in a picture, the others stand together; so blocks of zeros are left out of the products.
    """
    rng = np.random.default_rng([samples, width])
    numbers = rng.integers(-256, 257, (samples, width)) / 128.0
    if width > 13:
        place, middle = np.arange(width), rng.integers(0, width, (samples, 1))
        numbers[np.abs(place - middle) > width // 6] = 0.0
    return numbers


# All but those for the output layer.
HIDDEN = [name for name in foxnn.activations() if name not in ("exp", "softmax")]


def wanted(samples: int, width: int, loss: str) -> np.ndarray:
    """Return outputs to train for: numbers, shares, counts, or one class a sample."""
    rng = np.random.default_rng([samples, width, 1])
    if loss in ("mse", "mae", "huber", "log_cosh"):
        return rng.integers(-64, 65, (samples, width)) / 64.0
    if loss == "binary_cross_entropy":
        return rng.integers(0, 65, (samples, width)) / 64.0
    if loss == "poisson":
        return rng.integers(0, 4, (samples, width)) / 1.0
    return np.eye(width)[rng.integers(0, width, samples)]


def endings() -> Iterator[tuple[str, str, str]]:
    """Yield hidden activation, output activation and loss, each with all that it goes with."""
    for name in HIDDEN:
        yield name, name, "mse"
        yield name, "softmax", "mse"
        yield name, "softmax", "cross_entropy"
    yield "tan_h", "sigmoid", "binary_cross_entropy"
    yield "gelu", "exp", "poisson"
    yield "tan_h", "softplus", "poisson"
    yield "relu", "exp", "mse"
    for loss in ("mae", "huber", "log_cosh"):
        yield "tan_h", "identity_x", loss
        yield "silu", "softmax", loss


def forward_cases() -> Iterator[tuple[str, foxnn.neural_network, np.ndarray]]:
    """Yield a key, a network and inputs: odd widths, odd batches, and all activations."""
    for dtype in DTYPES:
        for i, width in enumerate(WIDTHS):
            batch = BATCHES[(3 * i) % len(BATCHES)]
            sizes = [WIDTHS[-1 - i], width, WIDTHS[(5 * i + 2) % len(WIDTHS)]]
            nn = foxnn.neural_network(sizes, "tanh", dtype=dtype, seed=i)
            yield f"{dtype} {sizes} x {batch}", nn, inputs(batch, sizes[0])
        for batch in BATCHES:
            nn = foxnn.neural_network([5, 33, 3], "sigmoid", dtype=dtype, seed=batch)
            yield f"{dtype} [5, 33, 3] x {batch}", nn, inputs(batch, 5)
        # Pairs of panels: a few rows, and two bands.
        for batch in (5, 7, 120):
            nn = foxnn.neural_network([290, 320, 64], "relu", dtype=dtype, seed=batch)
            yield f"{dtype} [290, 320, 64] x {batch}", nn, inputs(batch, 290)
        for hidden, output, loss in endings():
            nn = foxnn.neural_network([13, 33, 15], hidden, output, loss, dtype=dtype, seed=3)
            yield f"{dtype} {hidden} {output} {loss}", nn, inputs(31, 13)


def gradient_cases() -> Iterator[tuple[str, foxnn.neural_network, np.ndarray, np.ndarray]]:
    """Yield a key, a network, inputs and wanted outputs."""
    for dtype in DTYPES:
        for hidden, output, loss in endings():
            nn = foxnn.neural_network([13, 33, 15, 3], hidden, output, loss, dtype=dtype, seed=4)
            yield f"{dtype} {hidden} {output} {loss}", nn, inputs(31, 13), wanted(31, 3, loss)
        for i, width in enumerate(WIDTHS):
            batch = BATCHES[(4 * i + 1) % len(BATCHES)]
            sizes = [WIDTHS[(3 * i + 1) % len(WIDTHS)], width, WIDTHS[-1 - i]]
            nn = foxnn.neural_network(sizes, "tanh", "identity", dtype=dtype, seed=i)
            yield (
                f"{dtype} {sizes} x {batch}",
                nn,
                inputs(batch, sizes[0]),
                wanted(batch, sizes[2], "mse"),
            )
        # Pairs of panels with one left, over several parts of the samples.
        nn = foxnn.neural_network([97, 130, 64, 3], "tanh", "identity", dtype=dtype, seed=8)
        yield f"{dtype} wide x 300", nn, inputs(300, 97), wanted(300, 3, "mse")
        # Pairs of panels forward and back, with several bands of samples, and many zeros.
        nn = foxnn.neural_network([300, 448, 384, 3], "relu", "identity", dtype=dtype, seed=9)
        yield f"{dtype} wider x 230", nn, inputs(230, 300), wanted(230, 3, "mse")


def parameters(nn: foxnn.neural_network) -> np.ndarray:
    """Return all weights and biases in a row."""
    return np.concatenate([values.ravel() for part in nn for values in (part.weights, part.bias)])


def forward() -> dict[str, np.ndarray]:
    """Return the outputs of all forward cases."""
    return {key: nn.predict(x) for key, nn, x in forward_cases()}


def gradients() -> dict[str, np.ndarray]:
    """Return losses and gradients of all gradient cases, layer by layer."""
    found = {}
    for key, nn, x, y in gradient_cases():
        loss, layers = nn._loss_and_gradients(x, y)
        found[f"{key} loss"] = np.array(loss)
        for i, (dw, db) in enumerate(layers):
            found[f"{key} dW{i}"], found[f"{key} db{i}"] = dw, db
    return found


def training() -> dict[str, np.ndarray]:
    """Return parameters, histories, outputs and evaluations after trainings of every kind."""
    found = {}
    optimizers = ("sgd", foxnn.SGD(momentum=0.9), "nesterov", "adam")
    for dtype in DTYPES:
        for i, (hidden, output, loss) in enumerate(endings()):
            nn = foxnn.neural_network([13, 33, 15, 5], hidden, output, loss, dtype=dtype, seed=i)
            x, y = inputs(97, 13), wanted(97, 5, loss)
            rate = 0.0001 if output == "exp" else 0.01
            history = nn.fit(x, y, 3, 31, optimizers[i % 4], rate, validation=0.1)
            key = f"{dtype} {hidden} {output} {loss}"
            found[f"{key} parameters"] = parameters(nn)
            found[f"{key} losses"] = np.array(history["loss"] + history["val_loss"])
            found[f"{key} outputs"] = nn.predict(inputs(225, 13))
            found[f"{key} evaluation"] = np.array(list(nn.evaluate(x, y).values()))
        for mode in ("SGD", "Nesterov", "Adam"):
            nn = foxnn.neural_network([13, 97, 3], init="uniform", dtype=dtype, seed=9)
            nn.settings.set_mode(mode)
            nn.train(foxnn.train_data(inputs(33, 13), wanted(33, 3, "mse")), 0.01, 7, 14)
            nn.random_mutation(0.1)
            found[f"{dtype} train {mode}"] = parameters(nn)
    return found


def options() -> dict[str, np.ndarray]:
    """Return parameters, losses and outputs after trainings with all that fit can add."""
    found = {}
    kinds = (
        {"optimizer": "adamw", "dropout": 0.3, "clip_norm": 0.1},
        {
            "optimizer": foxnn.RMSprop(rho=0.9, momentum=0.5),
            "dropout": 0.5,
            "l2": 0.01,
            "clip_value": 0.01,
        },
        {"optimizer": "rmsprop", "l1": 0.01, "clip_norm": 0.05, "scale": "standard"},
        {"optimizer": "nesterov", "l1": 0.001, "l2": 0.01, "scale": "minmax"},
    )
    for dtype in DTYPES:
        # The last is narrow, and takes a way of its own where nothing drops out.
        for sizes in ([33, 97, 65, 5], [97, 14, 33, 1], [13, 33, 15, 3], [5, 4, 3, 2]):
            x, y = inputs(97, sizes[0]), wanted(97, sizes[-1], "huber")
            counts = np.arange(97) % 5 / 2.0
            for i, more in enumerate(kinds):
                nn = foxnn.neural_network(sizes, "gelu", "identity", "huber", dtype=dtype, seed=i)
                history = nn.fit(
                    x, y, 2, 31, learning_rate=0.01, sample_weight=counts, validation=0.2, **more
                )
                key = f"{dtype} {sizes} {i}"
                found[f"{key} parameters"] = parameters(nn)
                found[f"{key} losses"] = np.array(history["loss"] + history["val_loss"])
                found[f"{key} outputs"] = nn.predict(x)
                found[f"{key} gradient"] = nn.gradient(x)
    return found


def mixed() -> dict[str, np.ndarray]:
    """Return parameters, losses and outputs of deep networks after trainings by every optimizer.

    Every activation has a layer, and every option is on, one run after the other.
    """
    found = {}
    optimizers = foxnn.optimizers()
    widths = (33, 97, 14, 65, 32, 15, 41, 13, 31, 113, 16, 64, 48)
    for dtype in DTYPES:
        nn = foxnn.neural_network(
            [29, *itertools.islice(itertools.cycle(widths), len(HIDDEN)), 5],
            [*HIDDEN, "softmax"],
            dtype=dtype,
            seed=77,
        )
        x, labels = inputs(260, 29), wanted(260, 5, "cross_entropy").argmax(axis=1)
        counts = np.arange(260) % 7 / 4.0
        for i, optimizer in enumerate(optimizers):
            more = {"clip_norm": 0.5} if i % 2 else {"clip_value": 0.02}
            history = nn.fit(
                x, labels, 2, 65, optimizer, 0.01 / 4 ** (i > 2), validation=0.1, dropout=0.1,
                l1=1e-4, l2=1e-3, sample_weight=counts, class_weight={1: 2.0}, scale="minmax",
                **more,
            )  # fmt: skip
            found[f"{dtype} {optimizer} parameters"] = parameters(nn)
            found[f"{dtype} {optimizer} losses"] = np.array(history["loss"] + history["val_loss"])
        found[f"{dtype} outputs"] = nn.predict(x)
        found[f"{dtype} gradient"] = nn.gradient(x[:50])
    return found


def mutations() -> dict[str, np.ndarray]:
    """Return parameters after mutations, and random numbers, some to the edge of a chunk."""
    found = {}
    for count in (0, 1, 63, 64, 65, 127, 128, 129, 1000):
        found[f"{count} numbers"] = foxnn._core.uniform(7, 3, count, 5)
    for dtype in DTYPES:
        nn = foxnn.neural_network([333, 300, 1], dtype=dtype, seed=5)
        for kind in ("random_mutation", "smart_mutation", "random_mutation"):
            getattr(nn, kind)(0.25)
            found[f"{dtype} {len(found)} {kind}"] = parameters(nn)
    return found


def sorted_sums() -> dict[str, np.ndarray]:
    """Return outputs, gradients and trained parameters under `correct_summation`."""
    found = {}
    for dtype in DTYPES:
        for i, sizes in enumerate(([3, 5, 4, 2], [33, 97, 15], [97, 14, 33, 1])):
            nn = foxnn.neural_network(sizes, "relu", "identity", dtype=dtype, seed=i)
            nn.settings.correct_summation = True
            x, y = inputs(31, sizes[0]), wanted(31, sizes[-1], "mse")
            key = f"{dtype} {sizes}"
            found[f"{key} outputs"] = nn.predict(x)
            found[f"{key} one output"] = nn.get_out(x[0].tolist())
            for layer, (dw, db) in enumerate(nn._loss_and_gradients(x, y)[1]):
                found[f"{key} dW{layer}"], found[f"{key} db{layer}"] = dw, db
            history = nn.fit(x, y, 2, 14, "adam", 0.01)
            found[f"{key} losses"] = np.array([*history["loss"], nn.train_on_batch(x, y)])
            found[f"{key} parameters"] = parameters(nn)
    return found


def kinds() -> dict[str, np.ndarray]:
    """Return parameters, losses and outputs after trainings of every row of the table of kinds.

    With the plain kernels, which are slow, a quarter: the C++ test of bits has all kinds.
    """
    import kinds

    found = {}
    is_slow = foxnn.kernel_set() == "reference"
    for k, dtype in enumerate(DTYPES):
        for i, row in enumerate(kinds.ROWS):
            if is_slow and i % 4 != k:
                continue
            nn, key = row.network(dtype), f"{dtype} {row.name}"
            x, y = kinds.samples(nn, 37), kinds.targets(nn, 37)
            more: dict[str, Any] = {"clip_norm": 0.5} if i % 2 else {"l2": 0.01}
            if i % 3:
                more["sample_weight"] = kinds.weights(nn, 37)
            history = nn.fit(x, y, 2, 23, ("adam", "sgd", "nesterov")[i % 3], 0.01, **more)
            found[f"{key} losses"] = np.array([*history["loss"], nn.train_on_batch(x, y)])
            found |= {f"{key} {name}": array for name, array in kinds.arrays(nn).items()}
            found[f"{key} outputs"] = nn.predict(x)
            found[f"{key} gradient"] = nn.gradient(x[:5])
    # Rows of a large table make late steps.
    for rule in () if is_slow else ("adam", "nesterov", "adamw"):
        nn = foxnn.neural_network([3, foxnn.Embedding(3000, 40), 2], "tanh", seed=2)
        x = np.random.default_rng(1).integers(0, 3000, (300, 3))
        nn.fit(x, wanted(300, 2, "mse"), 1, 3, rule, 0.01, l2=0.001)
        found |= {f"late {rule} {name}": array for name, array in kinds.arrays(nn).items()}
    return found


def lanes() -> dict[str, np.ndarray]:
    """Return the same of the rows whose values may lie in lanes, by batches of several sizes."""
    import kinds

    found = {}
    for dtype in DTYPES:
        for row in kinds.LANES:
            for count in (16, 33, 71):
                nn, key = row.network(dtype), f"{dtype} {row.name} {count}"
                x, y = kinds.samples(nn, count + 5), kinds.targets(nn, count + 5)
                history = nn.fit(x, y, 2, count, "adam", 0.01, l2=0.01)
                found[f"{key} losses"] = np.array(history["loss"])
                found |= {f"{key} {name}": array for name, array in kinds.arrays(nn).items()}
                found[f"{key} outputs"] = nn.predict(x)
                found[f"{key} gradient"] = nn.gradient(x)
    return found


def pieces() -> dict[str, np.ndarray]:
    """Return parameters and losses after trainings on pieces of sequences."""
    import kinds

    found = {}
    rng = np.random.default_rng(3)
    x = [rng.normal(size=(n, 3)) for n in rng.integers(1, 40, 37)]
    y = [rng.normal(size=(len(one), 2)) for one in x]
    for dtype in DTYPES:
        for kind in (foxnn.RNN, foxnn.GRU, foxnn.LSTM):
            items = [(None, 3), kind(33, return_sequences=True), foxnn.LayerNorm(), foxnn.Dense(2)]
            nn, key = foxnn.neural_network(items, dtype=dtype, seed=1), f"{dtype} {kind.__name__}"
            history = nn.fit(x, y, 2, 23, learning_rate=0.01, truncate=7, clip_norm=0.5)
            found[f"{key} losses"] = np.array(history["loss"])
            found |= {f"{key} {name}": array for name, array in kinds.arrays(nn).items()}
    return found


def wide() -> dict[str, np.ndarray]:
    """Return parameters and losses after trainings of layers of several panels.

    Their gradients take two panels at a time, over parts of the samples, of which the largest batch
    has as many as are listed; in shards, a part is a shard.
    """
    found = {}
    for dtype in DTYPES:
        for batch, shards in ((5, None), (98, None), (129, None), (2100, None), (300, 7)):
            nn = foxnn.neural_network([97, 130, 64, 5], "relu", "softmax", dtype=dtype, seed=1)
            x, y = inputs(batch + 40, 97), wanted(batch + 40, 5, "cross_entropy")
            history = nn.fit(x, y, 2, batch, learning_rate=0.01, shards=shards, l2=0.001)
            found[f"{dtype} {batch} {shards} parameters"] = parameters(nn)
            found[f"{dtype} {batch} {shards} losses"] = np.array(history["loss"])
    return found


# Losses with numbers or several outputs for a target: output activation, loss, outputs of each.
NUMBERED: list[tuple[str, Any, int]] = [
    ("identity_x", ("quantile", [0.3]), 1),
    ("identity_x", ("quantile", [0.1, 0.5, 0.9]), 3),
    ("sigmoid", ("quantile", [0.25, 0.75]), 2),
    ("identity_x", "gaussian_nll", 2),
    ("softmax", ("focal", 2.0), 1),
    ("softmax", ("focal", 0.5), 1),
    ("softmax", ("focal", 0.0), 1),
    ("sigmoid", ("focal", 2.0), 1),
    ("sigmoid", ("focal", 0.0), 1),
]


def targets_of(samples: int, width: int, output: str, loss: Any) -> np.ndarray:
    """Return targets of so many columns for one of these losses."""
    if loss[0] == "focal":
        kind = "cross_entropy" if output == "softmax" else "binary_cross_entropy"
        return wanted(samples, width, kind)
    return wanted(samples, width, "mse")


def numbered() -> dict[str, np.ndarray]:
    """Return losses, gradients and trainings of the losses with numbers, of odd widths."""
    found = {}
    for dtype in DTYPES:
        for output, loss, each in NUMBERED:
            for targets in (1, 2, 5, 11, 17):
                width = targets * each
                if output == "softmax" and width < 2:
                    continue
                for hidden in (15, 33):
                    nn = foxnn.neural_network(
                        [5, hidden, width], "tanh", output, loss, dtype=dtype, seed=2
                    )
                    x, y = inputs(31, 5), targets_of(31, targets, output, loss)
                    key = f"{dtype} {output} {loss} {targets} {hidden}"
                    value, layers = nn._loss_and_gradients(x, y)
                    found[f"{key} loss"] = np.array(value)
                    found[f"{key} dW"] = layers[-1][0]
                    history = nn.fit(x, y, 2, 14, "adam", 0.01, sample_weight=np.arange(31) % 3 / 2)
                    found[f"{key} losses"] = np.array(history["loss"])
                    found[f"{key} parameters"] = parameters(nn)
                    found[f"{key} outputs"] = nn.predict(x)
                    found[f"{key} gradient"] = nn.gradient(x[:5])
        for output in ("softmax", "sigmoid"):
            loss = "cross_entropy" if output == "softmax" else "binary_cross_entropy"
            for hidden in (8, 33):
                nn = foxnn.neural_network([5, hidden, 3], "tanh", output, loss, dtype=dtype, seed=2)
                nn.fit(inputs(31, 5), wanted(31, 3, loss), 2, 14, label_smoothing=0.1)
                found[f"{dtype} smoothed {output} {hidden}"] = parameters(nn)
    return found


def own_losses() -> dict[str, np.ndarray]:
    """Return parameters and losses after trainings with functions as losses, and steps back."""
    from own_losses import asymmetric

    found = {}
    for dtype in DTYPES:
        for sizes in ([5, 4, 3], [33, 97, 15], [13, 300, 5]):
            nn = foxnn.neural_network(sizes, "tanh", "identity", asymmetric, dtype=dtype, seed=2)
            x, y = inputs(97, sizes[0]), wanted(97, sizes[-1], "mse")
            history = nn.fit(x, y, 2, 31, "adam", 0.01, validation=0.1, dropout=0.2, clip_norm=1.0)
            key = f"{dtype} {sizes}"
            found[f"{key} losses"] = np.array(history["loss"] + history["val_loss"])
            found[f"{key} fit"] = parameters(nn)
            found[f"{key} back"] = nn.backward(x, y / 97, "nesterov", 0.01, l2=0.01)
            found[f"{key} parameters"] = parameters(nn)
    return found


JOBS = {
    "forward": forward,
    "gradients": gradients,
    "training": training,
    "options": options,
    "mixed": mixed,
    "mutations": mutations,
    "sorted_sums": sorted_sums,
    "kinds": kinds,
    "lanes": lanes,
    "pieces": pieces,
    "numbered": numbered,
    "own_losses": own_losses,
    "wide": wide,
}


# Those that are also compared with an oracle, and run together for it.
WITH_ORACLES = ("forward", "gradients", "numbered")


def main(folder: str, *jobs: str) -> None:
    """Write what each job finds."""
    threads = foxnn.neural_network([1, 1]).threads_for(1)
    for job in jobs:
        path = f"{folder}/{job}.npz"
        np.savez(path, kernel_set=foxnn.kernel_set(), threads=threads, **JOBS[job]())


if __name__ == "__main__":
    main(*sys.argv[1:])
