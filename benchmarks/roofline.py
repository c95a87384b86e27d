"""How far training is from the machine's limit, phase by phase.

The bound is the time of the step's multiplications and additions at the measured FMA peak, plus the
time of the values of tanh and sigmoid as the engine's own loop computes them alone, plus the time
of the optimizer's memory traffic at the measured bandwidth of the level that holds its state.
``FOXNN_FORCE_ISA=avx2`` measures both sides with those kernels.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import foxnn
import machine_limits
import peers
from foxnn import _core
from foxnn.cli import doctor
from machine_limits import LEVELS, UnmeasurableError, limits_table, measured_limits
from measure import (
    in_turns,
    layer_sizes,
    machine,
    one_call,
    positive,
    shown_machine,
    shown_seconds,
    table,
)
from pictures import NETWORKS, Pictures
from products import products_of
from work import Data, Work

# The number of arrays of the size of the parameters that an optimizer keeps in addition to them.
MOMENTS = {"sgd": 0, "momentum": 1, "nesterov": 1, "adam": 2}

# The activations whose values take a good part of a small network's step, and their functions.
FUNCTIONS = {"tan_h": "tanh", "sigmoid": "sigmoid"}

# The phases timed by the engine, in the order of a step.
PHASES = ("gather", "forward", "loss", "backward", "update")


@dataclass(frozen=True)
class Counts:
    """The work of an epoch: floating-point operations and bytes."""

    forward: float
    weight_gradients: float
    input_gradients: float
    update_bytes: float
    state_bytes: int
    functions: dict[str, int] = field(default_factory=dict)  # their values, by name

    @property
    def flops(self) -> float:
        """The total number of operations in the products."""
        return self.forward + self.weight_gradients + self.input_gradients


def counts(work: Work | Pictures) -> Counts:
    """Count an epoch's operations and bytes.

    A product takes 2 operations. An update reads the gradient, and reads and writes the parameter
    and its moments: for Adam in float32 (1 + 2 * 3) * 4 = 28 bytes per parameter.
    """
    network = work.network()
    products = products_of(network)
    parameters = sum(
        array.size
        for layer in network
        for name, array in layer.arrays.items()
        if not name.startswith("running_")  # statistics, which no optimizer updates
    )
    functions: dict[str, int] = {}
    for part in network._layers():
        if name := FUNCTIONS.get(part["options"].get("activation")):
            values = work.samples * math.prod(part["output_shape"])
            functions[name] = functions.get(name, 0) + values
    itemsize = np.dtype(work.dtype).itemsize
    kept = 1 + MOMENTS[work.optimizer]
    return Counts(
        forward=2.0 * work.samples * products.forward,
        weight_gradients=2.0 * work.samples * products.weight_gradients,
        input_gradients=2.0 * work.samples * products.input_gradients,
        update_bytes=float(work.steps) * parameters * itemsize * (1 + 2 * kept),
        state_bytes=parameters * itemsize * kept,
        functions=functions,
    )


@dataclass(frozen=True)
class Bound:
    """The lower bounds of an epoch's phases, in seconds."""

    forward: float
    backward: float
    update: float

    @property
    def total(self) -> float:
        """The lower bound of an epoch, in seconds."""
        return self.forward + self.backward + self.update


def bound_at(epoch: Counts, flops: float, bandwidth: float, functions: float = 0.0) -> Bound:
    """Return the bound at the given operations and bytes per second.

    functions: the seconds of the values of the activations.
    """
    return Bound(
        forward=epoch.forward / flops + functions,
        backward=(epoch.weight_gradients + epoch.input_gradients) / flops,
        update=epoch.update_bytes / bandwidth,
    )


def measured_bound(work: Work | Pictures, threads: int, seconds: float = 0.1) -> Bound:
    """Measure the machine twice for this long and return the bound of an epoch.

    Raises
    ------
    UnmeasurableError
        If this build cannot measure the FMA peak.
    """
    epoch = counts(work)
    flops = machine_limits.fma_peak(threads, work.dtype, seconds)
    level = machine_limits.level_of(epoch.state_bytes, threads)
    size = machine_limits.working_sets(threads)[level]
    functions = sum(
        values * machine_limits.function_seconds(name, work.dtype, seconds) / threads
        for name, values in epoch.functions.items()
    )
    return bound_at(epoch, flops, machine_limits.best_bandwidth(threads, size, seconds), functions)


def measured_phases(work: Work | Pictures, x: Any, y: Any, threads: int) -> dict[str, float]:
    """Return the seconds of each phase in an epoch, as measured by the engine's first worker.

    Raises
    ------
    UnmeasurableError
        If this build does not time its phases.
    """
    network = work.network()
    plan = _core.Plan(
        _core.Optimizer(work.optimizer), peers.RATE, batch_size=work.batch, threads=threads
    )
    inputs, targets = network._samples(x, y)
    with _core.Trainer(network, inputs, targets, plan) as trainer:
        measure = getattr(trainer, "time_phases", None)
        if measure is None:
            raise UnmeasurableError("foxnn._core.Trainer has no time_phases: no times by phase")
        measure(min(work.steps, 10))
        found = measure(work.steps)
    return {name: float(seconds) for name, seconds in found.items()}


def product_seconds(samples: int, inputs: int, neurons: int) -> float:
    """Return the seconds of one product on one thread, including the overhead of predict."""
    network = foxnn.neural_network([inputs, neurons], "identity", seed=0)
    network.settings.n_threads = 1
    x = np.random.default_rng(0).random((samples, inputs), dtype=np.float32)
    call = one_call(lambda: network.predict(x))
    return statistics.median(call() for _ in range(5))


def phases_table(bound: Bound, seconds: float, phases: dict[str, float]) -> str:
    """Return a table of an epoch's phases and their bounds."""
    bounds = asdict(bound)
    rows = []
    for name in [*PHASES, *sorted(set(phases) - set(PHASES))]:
        least, taken = bounds.get(name), phases.get(name)
        if least is not None or taken is not None:
            rows.append([name, *_cells(least, taken)])
    rows.append(["epoch", *_cells(bound.total, seconds)])
    return table(["phase", "bound", "measured", "bound / measured"], rows)


def _cells(least: float | None, taken: float | None) -> list[str]:
    share = f"{100 * least / taken:.0f} %" if least is not None and taken else ""
    return [*("" if t is None else shown_seconds(t) for t in (least, taken)), share]


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=layer_sizes, default=[784, 512, 512, 10])
    parser.add_argument(
        "--network", choices=NETWORKS, help="with convolutions, in place of --layers, batches of 64"
    )
    parser.add_argument("--batch-size", type=positive, default=98)
    parser.add_argument("--samples", type=positive, default=60_000, help="samples per epoch")
    parser.add_argument("--activation", default="relu", help="activation of the hidden layers")
    parser.add_argument("--optimizer", choices=MOMENTS, default="adam")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--threads", type=positive, default=doctor.usable_cores())
    parser.add_argument(
        "--mnist", action="store_true", help="use real images, whose zeros the engine may skip"
    )
    parser.add_argument("--data", type=Path, help="folder with the four IDX files of MNIST")
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--quick", action="store_true", help="few samples, short: only a check")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.mnist and options.network:
        parser.error("--mnist is for --layers")
    if options.mnist and (options.layers[0], options.layers[-1]) != (784, 10):
        parser.error("--mnist needs --layers that begin with 784 and end with 10")
    return options


def asked(options: argparse.Namespace, data: Data) -> tuple[Work | Pictures, Any, Any]:
    """Return the work that the command line asks for, and its samples."""
    if options.network:
        pictures = replace(
            NETWORKS[options.network], optimizer=options.optimizer, dtype=options.dtype
        )
        if options.quick:
            pictures = replace(pictures, samples=2 * pictures.batch)
        return pictures, *pictures.data()
    work = Work(
        tuple(options.layers), options.activation, options.samples, classifies=True,
        optimizer=options.optimizer, batch=options.batch_size, dtype=options.dtype,
        is_mnist=options.mnist,
    )  # fmt: skip
    return work, *data.of(work)


def main() -> int:
    """Measure, print and write the results."""
    options = arguments()
    if options.quick:
        options.samples, options.rounds = min(options.samples, 5 * options.batch_size), 1
    data = Data(options.data)
    work, x, y = asked(options, data)
    short = 0.01 if options.quick else 0.2
    levels = LEVELS[:1] if options.quick else LEVELS
    limits, notes = measured_limits(options.threads, work.dtype, short, levels)
    print(shown_machine(), limits_table(limits), sep="\n\n", end="\n\n")

    seconds = in_turns({"foxnn": peers.foxnn_epoch(work, x, y, options.threads)}, options.rounds)
    taken = statistics.median(seconds["foxnn"])
    epoch = counts(work)
    figures: dict[str, Any] = {
        **machine(), "limits": limits, "seconds": taken, "counts": asdict(epoch),
    }  # fmt: skip
    phases: dict[str, float] = {}
    try:
        phases = measured_phases(work, x, y, options.threads)
    except UnmeasurableError as error:
        notes.append(str(error))
    if isinstance(work, Work) and (note := data.note(work)):
        notes.append(note)
    print(
        f"an epoch of {work.samples:,} samples, {work.title}, {work.optimizer}, "
        f"batch {work.batch}, {work.dtype}, at most {options.threads} threads: "
        f"{epoch.flops / 1e9:.4g} GFLOP, {epoch.update_bytes / 1e9:.4g} GB of updates\n"
    )
    try:
        bound = measured_bound(work, options.threads, short)
        print(phases_table(bound, taken, phases))
        figures |= {"bound": {**asdict(bound), "total": bound.total}, "phases": phases}
        flops = 2.0 * 98 * 784 * 512
        share = flops / product_seconds(98, 784, 512) / machine_limits.fma_peak(1, "float32", short)
        figures["product_share"] = share
        product = "a product of 98 x 784 by 784 x 512 in predict, 1 thread"
        print(f"\n{product}: {100 * share:.0f} % of peak")
    except UnmeasurableError:
        print(f"an epoch takes {shown_seconds(taken)}; no bound, because the FMA peak is unknown")
    for line in notes:
        print(f"\nnote: {line}")
    if options.json:
        options.json.write_text(json.dumps({**figures, "notes": notes}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
