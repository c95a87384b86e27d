"""Random histories of public calls on a network, beside a model of it in NumPy.

Every call is made on two networks that must stay equal bit for bit: the second is made from the
first again and again (by a copy, a pickle, a file) and may use another number of threads. After
every call the model agrees within what rounding does to it.

FOXNN_MACHINE_SECONDS makes it search for so long, each time elsewhere.
"""

from __future__ import annotations

import contextlib
import copy
import io
import os
import pickle
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import foxnn
import reference
from closeness import assert_within, epsilon, forward_bound
from foxnn.model import state
from network_model import Model, Rule, Training, exactly

SECONDS = float(os.environ.get("FOXNN_MACHINE_SECONDS", "0"))
# Beyond these numbers the model's tolerances mean nothing.
LARGEST = 30.0

seeds = st.integers(0, 2**32)
widths = st.sampled_from([1, 2, 3, 5, 8, 16, 17, 33])
counts = st.sampled_from([1, 2, 3, 7, 12, 20])
SMOOTH = ("sigmoid", "tan_h", "arctan", "gaussian", "sinusoid", "silu", "gelu", "softplus")
# Where a slope jumps, rounding may land on the other side: in float64 next to never.
KINKED = ("relu", "leaky_relu", "elu", "selu")
ENDINGS = (
    ("identity", "mse"), ("tanh", "mse"), ("sigmoid", "mse"), ("identity", "huber"),
    ("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy"), ("softplus", "poisson"),
    ("softmax", "mse"),
)  # fmt: skip
OPTIMIZERS: tuple[tuple[Any, Rule], ...] = (
    ("sgd", Rule("sgd")),
    ("momentum", Rule("momentum", momentum=0.9)),
    (foxnn.SGD(momentum=0.5, nesterov=True), Rule("nesterov", momentum=0.5)),
    ("adam", Rule("adam")),
    (
        foxnn.Adam(beta_1=0.5, beta_2=0.75, epsilon=1e-3),
        Rule("adam", beta_1=0.5, beta_2=0.75, epsilon=1e-3),
    ),
    (foxnn.AdamW(weight_decay=0.1, epsilon=1e-4), Rule("adamw", weight_decay=0.1, epsilon=1e-4)),
    (
        foxnn.RMSprop(rho=0.5, momentum=0.5, epsilon=1e-3),
        Rule("rmsprop", rho=0.5, momentum=0.5, epsilon=1e-3),
    ),
)
MODES = {"SGD": "sgd", "Nesterov": "nesterov", "Adam": "adam"}
optimizers = st.sampled_from(OPTIMIZERS)
rates = st.sampled_from([1e-3, 0.01, 0.05])


def bits(thing: Any) -> Any:
    """Return all that a state holds, as something to compare."""
    if isinstance(thing, np.ndarray):
        return thing.dtype.str, thing.shape, thing.tobytes()
    if isinstance(thing, dict):
        return {key: bits(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [bits(value) for value in thing]
    return repr(thing)


def state_bits(nn: foxnn.neural_network) -> Any:
    found = state.state_of(nn)
    found["settings"].pop("n_threads")
    return bits(found)


class Boom(Exception):
    """What a callback raises."""


class Networks(RuleBasedStateMachine):
    """Two networks, and the model of both."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="foxnn-machine-")
        self.nn: Any = None
        self.twin: Any = None
        self.model: Any = None

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.folder.cleanup()

    # Beginning.

    @initialize(
        sizes=st.lists(widths, min_size=2, max_size=4),
        dtype=st.sampled_from(["float32", "float64"]),
        hidden=st.lists(st.sampled_from([*SMOOTH, *KINKED]), min_size=3, max_size=3),
        ending=st.sampled_from(ENDINGS),
        init=st.sampled_from(["auto", "glorot_uniform", "he_normal", "lecun_normal", "uniform"]),
        seed=seeds,
    )
    def make(
        self, sizes: list[int], dtype: str, hidden: list[str], ending: Any, init: str, seed: int
    ) -> None:
        """Make the networks."""
        if dtype == "float32":
            hidden = [name if name in SMOOTH else "tan_h" for name in hidden]
        output, loss = ending
        if output == "softmax" and sizes[-1] == 1:
            output, loss = "identity", "mse"
        more = {"init": init, "dtype": dtype, "seed": seed, "loss": loss}
        names = hidden[: len(sizes) - 1]
        self.nn, self.twin = (foxnn.neural_network(sizes, names, output, **more) for _ in range(2))
        self.nn.settings.n_threads = 1
        self.model = Model(self.nn)
        self.model.seed = seed

    # Helpers.

    def both(self, call: Callable[[Any], Any]) -> Any:
        """Make a call on both networks; what they return must be the same."""
        found = call(self.nn)
        assert bits(call(self.twin)) == bits(found)
        return found

    def samples(self, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and wanted outputs, of numbers that every type holds."""
        rng, loss = np.random.default_rng(seed), self.nn.loss
        inputs, outputs = self.nn.sizes[0], self.nn.sizes[-1]
        x = rng.integers(-32, 33, (count, inputs)) / 16.0
        if loss == "cross_entropy":
            return x, np.eye(outputs)[rng.integers(0, outputs, count)]
        if loss == "binary_cross_entropy":
            return x, rng.integers(0, 2, (count, outputs)) / 1.0
        if loss == "poisson":
            return x, rng.integers(0, 4, (count, outputs)) / 1.0
        return x, rng.integers(-16, 17, (count, outputs)) / 16.0

    def followed(self, told: Training, what: str) -> tuple[list[float], float]:
        """Let the model train too, and compare; return its losses and what they may differ by."""
        allowed, losses, spread = self.model.train_beside(told)
        self.model.check(self.nn, allowed, what)
        self.model.take_over(self.nn)
        return losses, spread

    def can_train(self) -> bool:
        """Return whether the numbers are such that training is worth following."""
        largest = max(np.abs(p).max() for p in self.model.parameters())
        return bool(largest < LARGEST)

    def path(self, name: str) -> str:
        return str(Path(self.folder.name) / name)

    # What is asked.

    @rule(count=counts, seed=seeds)
    def ask(self, count: int, seed: int) -> None:
        """Compare answers, losses and gradients."""
        x, y = self.samples(count, seed)
        model, eps = self.model, epsilon(self.model.dtype)
        out = self.both(lambda nn: nn.predict(x))
        assert self.both(lambda nn: nn.get_out(x)).tobytes() == out.tobytes()
        assert self.both(lambda nn: nn.get_out(x[0])).tobytes() == out[0].tobytes()
        inner = model.inputs(x)
        allowed = forward_bound(model.network, inner, model.dtype)
        allowed = allowed + 8 * eps * np.abs(model.network.predict(inner))
        # Scaled inputs are rounded before the first layer sees them.
        if model.scalers[0] is not None:
            allowed = allowed + self.spread_of_inputs(inner)
        expected = model.predict(x)
        scale = 1.0 if model.scalers[1] is None else model.scalers[1].scale
        assert_within(out, expected, allowed * scale + 4 * eps * np.abs(expected), "outputs")
        found = self.both(lambda nn: nn.evaluate(x, y))
        assert found["loss"] == pytest.approx(model.loss(x, y), rel=1e4 * eps, abs=1e4 * eps)

    def spread_of_inputs(self, inner: np.ndarray) -> np.ndarray:
        """Return what rounding of the inputs does to the outputs."""
        network, error = self.model.network, 4 * epsilon(self.model.dtype)
        slopes = np.abs(network.input_gradients(inner))
        return (slopes * (error * (np.abs(inner) + 1.0))[:, None, :]).sum(axis=2) * 4

    @rule(seed=seeds, of_one=st.booleans())
    def ask_for_gradients(self, seed: int, of_one: bool) -> None:
        """Compare d output / d input, and a trace with what it is made of."""
        x, y = self.samples(3, seed)
        model, eps = self.model, epsilon(self.model.dtype)
        found = self.both(lambda nn: nn.gradient(x, 0 if of_one else None))
        slopes, most = self.slopes_by_inputs(x)
        expected = slopes[:, 0] if of_one else slopes
        assert_within(found, expected, 200 * eps * (np.abs(expected) + most), "d output / d input")
        trace = self.both(lambda nn: dict(nn.trace(x[0], y[0])))
        last = len(model.network.layers)
        shown = trace["out"] if "out" in trace else trace[f"a^{last}"]
        assert shown.tobytes() == self.nn.predict(x[:1])[0].tobytes()

    def slopes_by_inputs(self, x: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the model's d output / d input, and the size of what it is computed from."""
        model = self.model
        slopes = model.network.input_gradients(model.inputs(x))
        for scaler, shape, power in ((model.scalers[0], (1, 1, -1), -1), (
            model.scalers[1], (1, -1, 1), 1)):  # fmt: skip
            if scaler is not None:
                slopes = slopes * scaler.scale.reshape(shape) ** power
        most = 1.0
        for layer in model.network.layers:
            most *= 1.0 + np.abs(layer.weights).sum(axis=0).max() * 1.2
        return slopes, most * (1.0 + np.abs(slopes).max())

    # What changes parameters.

    @rule(seed=seeds, at=st.integers(0, 3), kind=st.sampled_from(["weights", "bias", "lists"]))
    def set_parameters(self, seed: int, at: int, kind: str) -> None:
        """Set those of a layer."""
        i = at % len(self.nn)
        rng, layer = np.random.default_rng(seed), self.model.network.layers[i]
        # Sixteenths of numbers that no float32 rounds.
        weights = rng.integers(-24, 25, layer.weights.shape) / 16.0
        bias = rng.integers(-16, 17, layer.bias.shape) / 16.0
        for nn in (self.nn, self.twin):
            if kind != "bias":
                nn[i].weights = weights.tolist() if kind == "lists" else weights
            if kind != "weights":
                nn[i - len(nn)].bias = bias.tolist() if kind == "lists" else bias
        if kind != "bias":
            layer.weights = weights
        if kind != "weights":
            layer.bias = bias
        self.model.check(self.nn, exactly(self.model), "setting parameters")

    @rule(speed=st.sampled_from([0.0, 0.01, -0.1]), relative=st.booleans())
    def mutate(self, speed: float, relative: bool) -> None:
        """Mutate."""
        name = "smart_mutation" if relative else "random_mutation"
        before = [np.abs(p) for p in self.model.parameters()]
        self.both(lambda nn: getattr(nn, name)(speed))
        self.model.mutate(speed, relative)
        eps = epsilon(self.model.dtype)
        allowed = [
            4 * eps * (old + np.abs(new) + abs(speed))
            for old, new in zip(before, self.model.parameters(), strict=True)
        ]
        self.model.check(self.nn, allowed, name)
        self.model.take_over(self.nn)

    # What trains.

    @precondition(lambda self: self.can_train())
    @rule(count=counts, seed=seeds, optimizer=optimizers, rate=rates, times=st.integers(1, 3))
    def step(self, count: int, seed: int, optimizer: Any, rate: float, times: int) -> None:
        """Make single steps."""
        x, y = self.samples(count, seed)
        for _ in range(times):
            loss = self.both(lambda nn: nn.train_on_batch(x, y, optimizer[0], rate))
            told = Training(x, y, optimizer[1], rate, count, shuffles=False)
            losses, spread = self.followed(told, "train_on_batch")
            assert loss == pytest.approx(losses[0], abs=spread)

    @precondition(lambda self: self.can_train())
    @rule(count=counts, seed=seeds, optimizer=optimizers, rate=st.sampled_from([0.0, 0.01, 0.05]))
    def step_along(self, count: int, seed: int, optimizer: Any, rate: float) -> None:
        """Make a step along a gradient by the outputs, or only return that by the inputs."""
        x, _ = self.samples(count, seed)
        rng = np.random.default_rng(seed)
        along = rng.integers(-16, 17, (count, self.nn.sizes[-1])) / 64.0
        slopes, most = self.slopes_by_inputs(x)
        expected = np.einsum("no,noi->ni", along, slopes)
        found = self.both(lambda nn: nn.backward(x, along, optimizer[0], rate))
        allowed = 200 * epsilon(self.model.dtype) * (np.abs(expected) + most) * along.shape[1]
        assert_within(found, expected, allowed, "d loss / d input")
        if rate > 0:
            told = Training(
                x, along, optimizer[1], rate, count, sums=True, shuffles=False, is_outside=True
            )
            self.followed(told, "backward")

    @precondition(lambda self: self.can_train())
    @rule(
        count=counts, seed=seeds, optimizer=optimizers, rate=rates,
        epochs=st.integers(1, 3), batch=st.sampled_from([1, 3, 5, 20]), shuffles=st.booleans(),
        l1=st.sampled_from([0.0, 0.0, 0.01]), l2=st.sampled_from([0.0, 0.1]),
        clip=st.sampled_from([None, "norm", "value"]), dropout=st.sampled_from([0.0, 0.0, 0.25]),
        weighted=st.booleans(), share=st.sampled_from([None, 0.25]),
        ending=st.sampled_from(["", "", "raises", "stops", "resumes"]),
    )  # fmt: skip
    def fit(
        self, count: int, seed: int, optimizer: Any, rate: float, epochs: int, batch: int,
        shuffles: bool, l1: float, l2: float, clip: str | None, dropout: float, weighted: bool,
        share: float | None, ending: str,
    ) -> None:  # fmt: skip
        """Train for some epochs, which a callback may cut short, and a checkpoint go on with."""
        x, y = self.samples(count, seed)
        if self.model.dtype == "float32":
            l1 = 0.0  # its sign jumps at 0
        loss = self.nn.loss
        if share is not None and (loss.endswith("cross_entropy") or not round(count * share) > 0):
            share = None  # drawn class by class, or nothing
        weights = np.random.default_rng(seed).integers(1, 5, count) / 4.0 if weighted else None
        limits = {"clip_norm": 0.05} if clip == "norm" else {"clip_value": 0.01} if clip else {}
        more: dict[str, Any] = {
            "l1": l1, "l2": l2, "dropout": dropout, "sample_weight": weights, "shuffle": shuffles,
            "validation": share, **limits,
        }  # fmt: skip
        at = 1 if ending == "raises" and epochs > 1 else 0
        if ending == "raises":

            def callback(epoch: int, logs: dict[str, float]) -> bool:
                if epoch == at:
                    raise Boom
                return False
        else:

            def callback(epoch: int, logs: dict[str, float]) -> bool:
                return bool(ending) and epoch == at

        checkpoint = self.path("run.safetensors") if ending == "resumes" else None

        def call(nn: Any, **also: Any) -> Any:
            given = {**more, "callbacks": callback, **also}
            with contextlib.suppress(Boom):
                return nn.fit(x, y, epochs, batch, optimizer[0], rate, **given)["loss"]
            return None

        if ending == "resumes":
            threads = self.nn.settings.n_threads
            call(self.nn, checkpoint=checkpoint)
            again = {"sample_weight": weights} if weighted else {}
            resumed, history = foxnn.resume(checkpoint, x, y, **again)
            assert bits(history["loss"]) == bits(call(self.twin, callbacks=()))
            resumed.settings.n_threads, self.nn = threads, resumed
            found, done = history["loss"], epochs
        else:
            found, done = self.both(call), min(epochs, at + 1) if ending else epochs
        rows = np.arange(count) if share is None else self.model.split(count, share)[0]
        rules = reference.Rules(l1, l2, **{k: limits[k] for k in limits})
        rates_of_layers = (dropout,) * (len(self.nn) - 1) if dropout else ()
        told = Training(
            x[rows], y[rows], optimizer[1], rate, batch, done, shuffles=shuffles, rules=rules,
            dropout=rates_of_layers, weights=None if weights is None else weights[rows],
        )  # fmt: skip
        losses, spread = self.followed(told, f"fit, {ending or 'whole'}")
        if found is not None:
            assert_within(found, losses, spread, "losses of the epochs")

    @precondition(lambda self: self.can_train())
    @rule(
        count=counts, seed=seeds, mode=st.sampled_from(sorted(MODES)), rate=rates,
        steps=st.integers(0, 9), batch=st.sampled_from([0, 1, 3, 30]),
        restart=st.sampled_from([0, 0, 2]), part=st.sampled_from([0.0, 0.3]),
    )  # fmt: skip
    def train(
        self, count: int, seed: int, mode: str, rate: float, steps: int, batch: int, restart: int,
        part: float,
    ) -> None:  # fmt: skip
        """Train as FoxNN does."""
        x, y = self.samples(count, seed)
        data = foxnn.train_data()
        for i in range(count):
            data.add_data(x[i].tolist(), y[i])
        rate = rate / (8 * count)  # gradients are sums
        for nn in (self.nn, self.twin):
            nn.settings.set_mode(mode)
            nn.settings.settings_optimization.adam.step_to_zero_after_n = restart
            nn.settings.set_part_for_test(part)
        self.both(lambda nn: nn.train(data, rate, steps, batch))
        rows = np.arange(count)
        if held := int(count * part):
            rows = self.model.split(count, held / count)[0]
        momentum = 0.9 if mode == "Nesterov" else 0.0
        rule_used = Rule(MODES[mode], momentum=momentum, restart_after=restart)
        told = Training(
            x[rows], y[rows], rule_used, rate, min(batch, len(rows)) or len(rows), steps=steps,
            sums=True,
        )  # fmt: skip
        if steps:
            self.followed(told, "train")
        self.model.check(self.nn, exactly(self.model), "train")
        with contextlib.redirect_stdout(io.StringIO()):
            error = self.both(lambda nn: nn.testing(data))
        expected = np.abs(self.model.predict(x) - y).sum(axis=1).mean()
        assert error == pytest.approx(expected, rel=1e-3, abs=1e-3)

    @precondition(lambda self: self.can_train())
    @rule(seed=seeds, way=st.sampled_from(["stopping", "schedule", "classes", "limit"]))
    def fit_otherwise(self, seed: int, way: str) -> None:
        """Train in ways that the model does not follow: both networks must stay equal."""
        x, y = self.samples(12, seed)
        ways: dict[str, dict[str, Any]] = {
            "stopping": {"early_stopping": foxnn.EarlyStopping("loss", patience=1), "epochs": 4},
            "schedule": {"schedule": foxnn.schedules.warmup(2), "epochs": 3},
            "classes": {"validation": (x, y), "epochs": 1},
            "limit": {"time_limit": 1e9, "epochs": 2},
        }
        if way == "classes" and self.nn.loss == "cross_entropy":
            ways[way]["class_weight"] = "balanced"
        history = self.both(lambda nn: dict(nn.fit(x, y, **ways[way]), seconds=0))
        assert np.isfinite(history["loss"]).all()
        self.model = self.model_of_now()

    def model_of_now(self) -> Model:
        """Return a model of the network as it is, which begins with no optimizer."""
        for nn in (self.nn, self.twin):
            nn.reset_optimizer()
        model = Model(self.nn)
        model.draw = self.nn._draw()
        return model

    @precondition(lambda self: self.can_train() and self.nn.loss == "mse")
    @rule(seed=seeds)
    def diverge(self, seed: int) -> None:
        """Train until the numbers overflow: the network holds finite weights, and can go on."""
        x, y = self.samples(6, seed)
        for nn in (self.nn, self.twin):
            with contextlib.suppress(foxnn.DivergedError):
                nn.fit(x, y * 1e3, 8, 2, "sgd", 1e30, shuffle=False)
        assert state_bits(self.nn) == state_bits(self.twin)
        before = self.model.parameters()
        assert all(np.isfinite(p).all() for p in self.model.parameters())
        # For any outcome, what follows begins from these parameters.
        for nn in (self.nn, self.twin):
            for i, part in enumerate(nn):
                part.weights, part.bias = before[2 * i], before[2 * i + 1]
        self.model = self.model_of_now()

    # What changes the network itself.

    @rule(at=st.integers(0, 3), name=st.sampled_from(SMOOTH))
    def set_activation(self, at: int, name: str) -> None:
        """Set that of a hidden layer."""
        if len(self.nn) > 1:
            i = at % (len(self.nn) - 1)
            self.both(lambda nn: nn[i].set_activation_function(name))
            layer = self.model.network.layers[i]
            layer.activation, layer.alpha = name, 0.0

    @precondition(lambda self: len(self.nn) < 4 and self.nn.output_scaler is None)
    @rule(width=widths, seed=seeds)
    def append(self, width: int, seed: int) -> None:
        """Append a layer, where the one before may stand inside."""
        last = self.nn[-1].get_name_activation_function()
        if last == "softmax" or self.nn.loss not in ("mse", "huber"):
            return
        layer = foxnn.layer(self.nn.sizes[-1], width, "tanh", seed=seed)
        for nn in (self.nn, self.twin):
            nn.next_layer(layer)
        self.model.network = reference.copy_of(self.nn)
        self.model.forget()

    @rule(kind=st.sampled_from(["standard", "minmax", "none"]), seed=seeds, outputs=st.booleans())
    def scale(self, kind: str, seed: int, outputs: bool) -> None:
        """Set the scalers."""
        x, y = self.samples(12, seed)
        takes_outputs = outputs and self.nn.loss in ("mse", "huber")
        for nn in (self.nn, self.twin):
            none = kind == "none"
            nn.input_scaler = None if none else foxnn.Scaler(kind).fit(x)
            nn.output_scaler = foxnn.Scaler(kind).fit(y) if takes_outputs and not none else None
        self.model.scalers = self.nn.input_scaler, self.nn.output_scaler

    @rule(threads=st.integers(0, 5), summation=st.booleans())
    def set_settings(self, threads: int, summation: bool) -> None:
        """Set what changes no number, and what changes the last digits."""
        self.twin.settings.n_threads = threads
        self.nn.settings.correct_summation = self.twin.settings.correct_summation = summation

    @rule()
    def reset(self) -> None:
        """Forget the optimizer."""
        self.both(lambda nn: nn.reset_optimizer())
        self.model.forget()

    @rule(names=st.booleans())
    def note(self, names: bool) -> None:
        """Keep something with the network."""
        for nn in (self.nn, self.twin):
            nn.notes = {"a": [1, 2.5, None], "b": {"c": "é"}}
            nn.input_names = [f"x{i}" for i in range(nn.sizes[0])] if names else None

    # Another network of the same.

    @rule(way=st.sampled_from(["copy", "deepcopy", "pickle", "safetensors", "state"]))
    def renew(self, way: str) -> None:
        """Make the second network from the first."""
        if way == "safetensors":
            self.nn.save(self.path("net.safetensors"))
            self.twin = foxnn.neural_network(self.path("net.safetensors"))
        elif way == "pickle":
            self.twin = pickle.loads(pickle.dumps(self.nn))
        elif way == "state":
            self.twin, self.nn = self.nn, copy.deepcopy(self.twin)
        else:
            self.twin = getattr(copy, way)(self.nn)

    @rule(seed=seeds, dtype=st.sampled_from([None, "float32", "float64"]))
    def read_from_text(self, seed: int, dtype: str | None) -> None:
        """Read a text file: the numbers are the same to the last digit."""
        nn, path = self.nn, self.path("net.txt")
        if nn.input_scaler is not None or nn.output_scaler is not None:
            return
        known = {"sigmoid", "sinusoid", "gaussian", "relu", "identity_x", "tan_h", "arctan", "elu"}
        if any(p.get_name_activation_function() not in known for p in nn):
            with pytest.raises(ValueError, match="FoxNN's text format has no activation"):
                nn.save(path)
            return
        nn.save(path)
        other = foxnn.neural_network(path, loss=nn.loss, dtype=dtype or nn.dtype)
        x, _ = self.samples(3, seed)
        if other.dtype == nn.dtype:
            other.settings.correct_summation = nn.settings.correct_summation
            assert other.predict(x).tobytes() == nn.predict(x).tobytes()
        else:
            for part, own in zip(other, nn, strict=True):
                assert part.weights.tobytes() == own.weights.astype(other.dtype).tobytes()
        again = foxnn.neural_network(path, loss=nn.loss, dtype=nn.dtype)
        for part, own in zip(again, nn, strict=True):
            assert bits([part.weights, part.bias]) == bits([own.weights, own.bias])

    @rule(seed=seeds)
    def read_from_onnx(self, seed: int) -> None:
        """Write for other libraries, and read it back."""
        pytest.importorskip("onnx")
        nn, path = self.nn, self.path("net.onnx")
        if nn.settings.correct_summation:
            return
        nn.save(path)
        other = foxnn.neural_network(path)
        x, _ = self.samples(3, seed)
        eps = epsilon(self.model.dtype)
        expected = nn.predict(x).astype(np.float64)
        spread = forward_bound(self.model.network, self.model.inputs(x), nn.dtype)
        spread = spread + self.spread_of_inputs(self.model.inputs(x))
        scale = 1.0 if nn.output_scaler is None else nn.output_scaler.scale
        allowed = 2 * spread * scale + 16 * eps * (1 + np.abs(expected))
        assert_within(other.predict(x), expected, allowed, "through ONNX")

    # What is refused.

    @rule(which=st.integers(0, 100), seed=seeds)
    def refuse(self, which: int, seed: int) -> None:
        """Ask for something wrong: nothing changes."""
        x, y = self.samples(4, seed)
        wide = np.zeros((4, self.nn.sizes[0] + 1))
        calls: list[Callable[[Any], Any]] = [
            lambda nn: nn.fit(wide, y),
            lambda nn: nn.fit(x, y, epochs=0),
            lambda nn: nn.fit(x, y, validation=0.25, l2=-1.0),
            lambda nn: nn.fit(x, y, scale="standard", dropout=2.0),
            lambda nn: nn.fit(x, y, scale="standard", checkpoint="no/such/folder/x.safetensors"),
            lambda nn: nn.fit(x, y, validation=1e-9),
            lambda nn: nn.fit(x * np.nan, y),
            lambda nn: nn.fit(x, y, schedule=lambda epoch: -1.0),
            lambda nn: nn.train_on_batch(x, y[:-1]),
            lambda nn: nn.backward(x, y[:-1]),
            lambda nn: nn.backward(x, y, "sgd", -0.1),
            lambda nn: nn.train_on_batch(x, y, foxnn.AdamW(weight_decay=2.0), 0.6),
            lambda nn: nn.train(foxnn.train_data(wide, y), 0.1, 3),
            lambda nn: nn.train(foxnn.train_data(x, y), 0.1, -3),
            lambda nn: nn.random_mutation(1e300 if nn.dtype == "float32" else np.inf),
            lambda nn: nn[0].set_activation_function("elu", -1.0),
            lambda nn: nn.next_layer(foxnn.layer(nn.sizes[-1] + 1, 2)),
            lambda nn: setattr(nn[0], "weights", np.full(nn[0].weights.shape, np.inf)),
            lambda nn: setattr(nn, "notes", {"a": object()}),
            lambda nn: setattr(nn, "input_scaler", foxnn.Scaler().fit(wide)),
            lambda nn: nn.save("no/such/folder/net.txt"),
            lambda nn: nn.predict(wide),
            lambda nn: nn.gradient(x, output=nn.sizes[-1]),
        ]
        call = calls[which % len(calls)]
        before = state_bits(self.nn)
        for nn in (self.nn, self.twin):
            with pytest.raises((ValueError, TypeError, IndexError, OSError)):
                call(nn)
        assert state_bits(self.nn) == before

    # What is always so.

    @invariant()
    def are_equal_and_as_the_model_says(self) -> None:
        """Compare the two, bit for bit, and the model's whole numbers."""
        if self.nn is None:
            return
        assert state_bits(self.nn) == state_bits(self.twin)
        self.model.check(self.nn, exactly(self.model), "a call")


usual = settings(
    deadline=None,
    max_examples=40,
    stateful_step_count=30,
    derandomize=not SECONDS,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    database=None,
)


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
def test_histories_of_calls() -> None:
    end = time.monotonic() + SECONDS
    while True:
        run_state_machine_as_test(Networks, settings=usual)
        if time.monotonic() >= end:
            break
