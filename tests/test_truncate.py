"""`fit(truncate=k)`: sequences in pieces, each a step of the optimizer, beside a loop by hand."""

from __future__ import annotations

import datetime
import json
import re
import signal
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
import layer_reference
import reference
from foxnn import (
    GRU,
    LSTM,
    RNN,
    Activation,
    BatchNorm,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalMaxPool,
    LayerNorm,
    MaxPool1D,
    Parallel,
    Reshape,
    Residual,
    UpSample,
)
from foxnn.training import checkpoint

LENGTHS = (11, 7, 4, 12, 3, 8, 1, 12, 5)
# By name; all read sequences and answer each step.
NETWORKS: dict[str, list[Any]] = {
    "rnn": [(None, 3), RNN(5, return_sequences=True), Dense(2)],
    "gru": [(None, 3), GRU(17, return_sequences=True), Dense(2)],
    "lstm": [(None, 3), LSTM(5, return_sequences=True), Dense(2)],
    "last": [(None, 3), LSTM(2, return_sequences=True)],
    "wide": [(None, 20), LSTM(33, return_sequences=True), Dense(2)],
    "stacked": [
        (None, 3),
        Dense(4),
        GRU(6, return_sequences=True),
        LayerNorm(),
        Activation("tanh"),
        LSTM(4, return_sequences=True),
        RNN(3, return_sequences=True, bias=False),
        Dense(2),
    ],
    "residual": [(None, 4), Residual(GRU(4, return_sequences=True), LayerNorm()), Dense(2)],
    "parallel": [
        (None, 3),
        Parallel(LSTM(3, return_sequences=True), [Dense(4), RNN(2, return_sequences=True)]),
        Dense(2),
    ],
    "embedding": [(None,), Embedding(9, 4), GRU(5, return_sequences=True), Dense(2)],
    "dense": [(None, 3), Dense(5), Dense(2)],
}
RULES: dict[str, tuple[Any, Callable[[], Any]]] = {
    "sgd": ("sgd", reference.SGD),
    "adam": ("adam", reference.Adam),
    "nesterov": (foxnn.SGD(momentum=0.9, nesterov=True), lambda: reference.Nesterov(0.9)),
}
per_network = pytest.mark.parametrize("name", NETWORKS)


def network(name: str, dtype: str = "float64") -> foxnn.neural_network:
    output = "identity" if isinstance(NETWORKS[name][-1], Dense) else None
    return foxnn.neural_network(NETWORKS[name], "tanh", output, dtype=dtype, seed=7)


def sequences(nn: Any, lengths: Any = LENGTHS, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    if nn._index_limit():
        return [rng.integers(0, nn._index_limit(), n) for n in lengths]
    return [rng.normal(size=(n, *nn._input_shape()[1:])) for n in lengths]


def targets(nn: Any, lengths: Any = LENGTHS, seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, *nn._output_shape()[1:])) for n in lengths]


def by_hand(
    nn: foxnn.neural_network, x: list[Any], y: list[Any], steps: int, rule: Any, *,
    epochs: int = 2, batch: int = 4, rate: Callable[[int], float] = lambda epoch: 0.05,
    weights: list[Any] | None = None, l2: float = 0.0, most: float = np.inf,
    draws: int | None = None,
) -> tuple[layer_reference.Network, list[float]]:  # fmt: skip
    """Train the oracle of a network with truncation; return it and the loss of each epoch.

    A loss is the mean over the sequences, each of which is a mean over its steps, as they were when
    they were learnt. Sequences go alone; with `draws`, the first draw of the epoch, they are of one
    length and go together.
    """
    oracle, history = layer_reference.Network(nn), []
    weights = [np.ones(len(one)) for one in x] if weights is None else weights
    for epoch in range(epochs):
        total = 0.0
        for first in range(0, len(x), batch):
            rows = range(first, min(first + batch, len(x)))
            states: dict[int, Any] = {}
            for start in range(0, max(len(x[r]) for r in rows), steps):
                part = slice(start, start + steps)
                there = [r for r in rows if len(x[r]) > start]
                of_all = sum(float(weights[r][part].mean()) for r in there)
                sums: list[dict[str, Any]] = [{} for _ in oracle.leaves()]
                for some in [[r] for r in there] if draws is None else [there]:
                    given, wanted, counts = (
                        np.stack([values[r][part] for r in some]) for values in (x, y, weights)
                    )
                    oracle.shape = given.shape[1:]
                    for i, leaf in enumerate(oracle.leaves()):
                        leaf.before = states.get((i, *some))
                    place = first + start // steps * len(x)
                    of_steps = counts if counts.any() else None
                    loss, gradients = oracle.gradients(given, wanted, draws, place, of_steps)
                    for i, leaf in enumerate(oracle.leaves()):
                        states[(i, *some)] = leaf.after
                    own = float(counts.mean(axis=1).sum())
                    share = (
                        own / of_all if own else 0.0
                    )  # a step for penalties is made all the same
                    for leaf_sums, found in zip(sums, gradients, strict=True):
                        for key, gradient in found.items():
                            leaf_sums[key] = leaf_sums.get(key, 0.0) + gradient * share
                    total += loss * own * given.shape[1] / len(x[some[0]])
                descend(oracle, sums, rule, rate(epoch), l2, most)
        history.append(total / sum(float(one.mean()) for one in weights))
    return oracle, history


def descend(
    oracle: layer_reference.Network, sums: list[Any], rule: Any, rate: float, l2: float, most: float
) -> None:
    """Take a step of a rule along gradients."""
    steps = []
    for i, (leaf, own) in enumerate(zip(oracle.leaves(), sums, strict=True)):
        for name, gradient in own.items():
            is_penalised = name.endswith("weights") and not leaf.kind.endswith("norm")
            penalty = l2 * leaf.arrays[name] if is_penalised else 0.0
            steps.append((leaf, name, (i, name), gradient + penalty))
        leaf.arrays |= leaf.running
    norm = np.sqrt(sum(float((gradient**2).sum()) for *_, gradient in steps))
    for leaf, name, which, gradient in steps:
        shortened = gradient * min(1.0, most / max(norm, 1e-300))
        leaf.arrays[name] = rule.step(which, leaf.arrays[name], shortened, rate)


def assert_same(nn: Any, oracle: layer_reference.Network, tolerance: float = 1e-9) -> None:
    """Compare all arrays."""
    found, leaves = kinds.arrays(nn), oracle.leaves()
    wanted = {f"{i} {name}": a for i, leaf in enumerate(leaves) for name, a in leaf.arrays.items()}
    assert found.keys() == wanted.keys()
    for key, array in wanted.items():
        np.testing.assert_allclose(found[key], array, rtol=tolerance, atol=tolerance, err_msg=key)


def fitted(nn: Any, x: Any, y: Any, steps: int | None, **options: Any) -> foxnn.History:
    given = {"epochs": 2, "batch_size": 4, "optimizer": "sgd", "learning_rate": 0.05}
    history: foxnn.History = nn.fit(x, y, truncate=steps, shuffle=False, **given | options)
    return history


# Beside a loop by hand


@per_network
@pytest.mark.parametrize("steps", [1, 4, 5])
def test_beside_a_loop_by_hand(name: str, steps: int) -> None:
    nn = network(name)
    x, y = sequences(nn), targets(nn)
    oracle, losses = by_hand(nn, x, y, steps, reference.SGD())
    history = fitted(nn, x, y, steps)
    assert_same(nn, oracle)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-9)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ["lstm", "stacked", "embedding"])
def test_every_rule_makes_a_step_for_each_piece(name: str, rule: str) -> None:
    nn, (optimizer, oracles) = network(name), RULES[rule]
    x, y = sequences(nn), targets(nn)
    oracle, losses = by_hand(nn, x, y, 3, oracles(), rate=lambda epoch: 0.01)
    history = fitted(nn, x, y, 3, optimizer=optimizer, learning_rate=0.01)
    assert_same(nn, oracle, 1e-7)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-8)


def test_the_states_of_earlier_pieces_matter() -> None:
    nn, cut = network("gru"), network("gru")
    x, y = sequences(nn), targets(nn)
    fitted(nn, x, y, 4, batch_size=9, epochs=1)
    for start in range(0, 12, 4):  # the same pieces, from states of zeros
        some = [r for r, length in enumerate(LENGTHS) if length > start]
        parts = [[of[r][start : start + 4] for r in some] for of in (x, y)]
        cut.train_on_batch(*parts, "sgd", 0.05)
    difference = max(
        float(np.abs(one - other).max())
        for one, other in zip(kinds.arrays(nn).values(), kinds.arrays(cut).values(), strict=True)
    )
    assert difference > 1e-5


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("name", ["lstm", "stacked"])
def test_weights_penalties_clipping_and_schedules(name: str, steps: int) -> None:
    nn = network(name)
    x, y = sequences(nn), targets(nn)
    rng = np.random.default_rng(3)
    counts = [rng.integers(0, 4, n) / 2.0 for n in LENGTHS]
    counts[2][:] = 0.0
    schedule = foxnn.schedules.step(every=1, factor=0.5)
    more: dict[str, Any] = {"l2": 0.01, "clip_norm": 0.3, "schedule": schedule}
    oracle, losses = by_hand(
        nn, x, y, steps, reference.SGD(), weights=counts, l2=0.01, most=0.3,
        rate=lambda epoch: 0.05 * 0.5**epoch,
    )  # fmt: skip
    history = fitted(nn, x, y, steps, sample_weight=counts, **more)
    assert_same(nn, oracle)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-9)


def test_weights_of_sequences_and_classes() -> None:
    items = [(None, 3), GRU(5, return_sequences=True), Dense(3)]
    nn = foxnn.neural_network(items, output_activation="softmax", dtype="float64", seed=7)
    x = sequences(nn)
    labels = [np.random.default_rng(i).integers(0, 3, n) for i, n in enumerate(LENGTHS)]
    each = np.arange(9) / 4.0 + 0.5
    weights = [np.where(one == 1, 3.0, 1.0) * own for one, own in zip(labels, each, strict=True)]
    hot = [np.eye(3)[one] for one in labels]
    oracle, losses = by_hand(nn, x, hot, 5, reference.SGD(), weights=weights)
    history = fitted(nn, x, labels, 5, sample_weight=each, class_weight={1: 3.0})
    assert_same(nn, oracle)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-9)


@pytest.mark.parametrize("rate", [0.0, 0.4])
def test_norms_and_dropout_of_a_piece(rate: float) -> None:
    items = [
        (12, 4),
        Dense(5),
        BatchNorm(),
        LSTM(6, return_sequences=True),
        Dropout(rate),
        Dense(2),
    ]
    nn = foxnn.neural_network(items, "tanh", "identity", dtype="float64", seed=7)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 12, 4)), rng.normal(size=(8, 12, 2))
    oracle, losses = by_hand(nn, list(x), list(y), 4, reference.SGD(), epochs=1, draws=nn._draw())
    history = fitted(nn, x, y, 4, epochs=1)
    assert_same(nn, oracle)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-9)


def test_samples_of_one_shape_may_be_scaled() -> None:
    items = [(12, 3), LSTM(5, return_sequences=True), Dense(2)]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9, 12, 3)) * np.arange(1, 13)[:, None] + 2.0
    y = rng.normal(size=(9, 12, 2)) * np.arange(1, 13)[:, None]
    nn = foxnn.neural_network(items, "tanh", "identity", dtype="float64", seed=7)
    oracle, losses = by_hand(
        nn,
        list((x - x.mean(axis=0)) / x.std(axis=0)),
        list((y - y.mean(axis=0)) / y.std(axis=0)),
        5,
        reference.SGD(),
    )
    history = fitted(nn, x, y, 5, scale="standard")
    assert_same(nn, oracle)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-9)


def test_the_loss_is_the_mean_over_all_steps() -> None:
    items = [(None, 3), LSTM(5, return_sequences=True), Dense(3)]
    nn = foxnn.neural_network(items, output_activation="softmax", dtype="float64", seed=7)
    x = sequences(nn)
    labels = [np.random.default_rng(i).integers(0, 3, n) for i, n in enumerate(LENGTHS)]
    found = nn.evaluate(x, labels)
    history = fitted(nn, x, labels, 3, learning_rate=1e-300, epochs=1)
    assert history["loss"][0] == pytest.approx(found["loss"], rel=1e-12)
    assert history["accuracy"][0] == pytest.approx(found["accuracy"], rel=1e-12)


# Bits


@per_network
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pieces_as_long_as_the_sequences_change_nothing(name: str, dtype: str) -> None:
    found = []
    for steps in (None, 12, 13, 1000):
        nn = network(name, dtype)
        nn.fit(sequences(nn), targets(nn), 3, 4, truncate=steps)
        found.append(kinds.bits(nn))
    assert found[1:] == found[:1] * 3


@per_network
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_do_not_depend_on_threads_or_padding(
    name: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(**more: Any) -> list[Any]:
        nn = network(name, dtype)
        x, y = sequences(nn), targets(nn)
        if "lengths" in more:
            x, y = [
                np.stack([np.pad(a, [(0, 14 - len(a))] + [(0, 0)] * (a.ndim - 1)) for a in of])
                for of in (x, y)
            ]
        history = nn.fit(x, y, 2, 5, truncate=4, learning_rate=0.01, **more)
        return [history["loss"], kinds.bits(nn)]

    monkeypatch.setenv("FOXNN_FORCE_THREADS", "1")
    expected = trained()
    for threads in ("2", "3"):
        monkeypatch.setenv("FOXNN_FORCE_THREADS", threads)
        assert trained() == expected
    assert trained(lengths=LENGTHS) == expected


@pytest.mark.parametrize("kernel_set", foxnn.kernel_sets())
def test_kernel_sets_agree(
    kernel_set: str, forced_run: Callable[..., dict[str, np.ndarray]]
) -> None:
    found, best = (forced_run("pieces", isa=isa) for isa in (kernel_set, foxnn.kernel_sets()[-1]))
    assert found["kernel_set"] == kernel_set
    for key in found.keys() - {"kernel_set", "threads"}:
        np.testing.assert_array_equal(found[key], best[key], err_msg=key)


def test_kinds_of_arrays_and_labels_are_the_same_samples() -> None:
    items = [(12, 3), GRU(5, return_sequences=True), Dense(3)]
    rng = np.random.default_rng(0)
    x, labels = rng.integers(0, 255, (9, 12, 3), np.uint8), rng.integers(0, 3, (9, 12), np.int8)
    found = []
    for given in (x, x.astype(np.float32), x.astype(np.float64)):
        for wanted in (labels, labels.astype(np.int64), np.eye(3)[labels]):
            nn = foxnn.neural_network(items, output_activation="softmax", seed=7)
            nn.fit(given, wanted, 2, 4, truncate=5)
            found.append(kinds.bits(nn))
    assert found[1:] == found[:1] * 8


def test_augmented_samples_are_cut_like_others() -> None:
    items = [(12, 3), LSTM(5, return_sequences=True), Dense(2)]
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(9, 12, 3)).astype(np.float32), rng.normal(size=(9, 12, 2))
    found = []
    for augment in (None, lambda batch, rng: batch, lambda batch, rng: batch + 1.0):
        nn = foxnn.neural_network(items, "tanh", "identity", seed=7)
        nn.fit(x, y, 2, 4, truncate=5, augment=augment, scale=("standard", None))
        found.append(kinds.bits(nn))
    assert found[0] == found[1] != found[2]


# Runs that end within a batch


def long_run() -> tuple[foxnn.neural_network, Any, Any, dict[str, Any]]:
    """Return a network, samples whose batches take many times as long as a stop, and options."""
    items = [(None, 3), LSTM(32, return_sequences=True), GRU(9, return_sequences=True), Dense(2)]
    nn = foxnn.neural_network(items, "tanh", "identity", seed=7)
    lengths = (9000, 8000, 5000, 7000)
    given = {"epochs": 2, "batch_size": 3, "truncate": 20}
    return nn, sequences(nn, lengths), targets(nn, lengths), given


def assert_goes_on(
    found: foxnn.neural_network, expected: foxnn.neural_network, x: Any, y: Any
) -> None:
    """Compare two networks after a run, and after one more."""
    assert kinds.bits(found) == kinds.bits(expected)
    for nn in (found, expected):
        nn.fit(x[2:], y[2:], 1, truncate=500)
    assert kinds.bits(found) == kinds.bits(expected)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_run_goes_on_between_two_pieces(optimizer: str, tmp_path: Path) -> None:
    path = str(tmp_path / "run.safetensors")
    expected, x, y, given = long_run()
    given["optimizer"] = optimizer
    history = expected.fit(x, y, **given)
    nn, *_ = long_run()
    nn.fit(x, y, **given, checkpoint=path, time_limit=1e-3)
    first = checkpoint.read(path)[2].running
    assert first is not None
    assert first.pieces > 0  # it ended within a batch
    assert [len(one) for one in first.states] == [3 * 64, 3 * 9]
    for _ in range(3):
        nn, _ = foxnn.resume(path, x, y, time_limit=1e-3)
    nn, again = foxnn.resume(path, x, y)
    assert again["loss"] == history["loss"]
    assert_goes_on(nn, expected, x, y)


def test_checkpoints_within_a_batch_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, x, y, given = long_run()
    expected.fit(x, y, **given)
    written = []
    write = checkpoint.Checkpoints.write

    def counting(self: Any, nn: Any, history: Any, watch: Any, running: Any = None) -> None:
        written.append(running)
        write(self, nn, history, watch, running)

    monkeypatch.setattr(checkpoint.Checkpoints, "write", counting)
    nn, *_ = long_run()
    path, every = str(tmp_path / "run.safetensors"), datetime.timedelta(milliseconds=1)
    nn.fit(x, y, **given, checkpoint=path, checkpoint_every=every)
    assert sum(running is not None and running.pieces > 0 for running in written) > 1
    assert_goes_on(nn, expected, x, y)


def test_ctrl_c_does_not_wait_for_the_end_of_a_batch(tmp_path: Path) -> None:
    path = str(tmp_path / "run.safetensors")
    expected, x, y, given = long_run()
    x, y = [[one] * 3 for one in (np.concatenate(x), np.concatenate(y))]  # a batch of 29,000 steps
    given["epochs"] = 1
    expected.fit(x, y, **given)
    nn, *_ = long_run()
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.03)
    try:
        with pytest.raises(KeyboardInterrupt):
            nn.fit(x, y, **given, checkpoint=path)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    running = checkpoint.read(path)[2].running
    assert running is not None
    assert (running.samples, running.pieces > 0) == (0, True)
    nn, _ = foxnn.resume(path, x, y)
    assert_goes_on(nn, expected, [one[:50] for one in x], [one[:50] for one in y])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"states": [192, 27, 1]}, "expected an array states.2, got none"),
        ({"states": [191, 27]}, "expected states.0 as F32 of shape"),
        ({"states": "two"}, "expected sizes as states"),
        ({"states": [192.0, 27]}, "expected sizes as states"),
        ({"states": [-1]}, "expected sizes as states"),
        ({"states": []}, "expected no array 'states.0'"),
        ({"pieces": 10**9}, "has no 1000000000 pieces"),
        ({"pieces": -1}, "expected a running epoch: pieces must be an integer"),
        ({"pieces": 449}, "there must be a state of each layer and sequence"),
    ],
)
def test_states_that_cannot_be_are_refused(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "run.safetensors"
    nn, x, y, given = long_run()
    nn.fit(x, y, **given, shuffle=False, checkpoint=str(path), time_limit=1e-3)
    whole = path.read_bytes()
    (size,) = struct.unpack("<Q", whole[:8])
    header = json.loads(whole[8 : 8 + size])
    told = json.loads(header["__metadata__"]["foxnn"])
    told |= {"states": change.get("states", told["states"])}
    told["run"]["running"] |= {"pieces": change.get("pieces", told["run"]["running"]["pieces"])}
    header["__metadata__"]["foxnn"] = json.dumps(told)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + whole[8 + size :])
    with pytest.raises(ValueError, match=re.escape(message)):
        foxnn.resume(path, x, y)


def test_a_batch_is_a_batch_to_callbacks() -> None:
    nn = network("lstm")
    seen: list[Any] = []

    class Hears:
        def on_batch_end(self, batch: int, logs: dict[str, float]) -> None:
            seen.append((batch, logs["loss"]))

    x, y = sequences(nn), targets(nn)
    history = fitted(nn, x, y, 2, epochs=1, callbacks=Hears())
    assert [batch for batch, _ in seen] == [0, 1, 2]
    mean = np.average([loss for _, loss in seen], weights=[4, 4, 1])
    assert mean == pytest.approx(history["loss"][0], rel=1e-12)


def test_a_run_with_validation_and_one_that_finds_its_end() -> None:
    nn = network("gru", "float32")
    x, y = sequences(nn), targets(nn)
    history = nn.fit(x, y, 3, 4, truncate=3, validation=(x[:2], y[:2]), early_stopping=2)
    assert history["val_loss"][-1] == pytest.approx(nn.evaluate(x[:2], y[:2])["loss"], rel=1e-5)
    many, wanted = sequences(nn, [6] * 30), targets(nn, [6] * 30)
    nn.fit(many, wanted, "auto", truncate=3, time_limit=0.5)


def test_a_loss_that_grows_without_bound_is_an_error() -> None:
    nn = network("dense", "float32")
    x, y = sequences(nn), targets(nn)
    before = kinds.bits(nn)
    with pytest.raises(foxnn.DivergedError, match="epoch 0"):
        nn.fit([1e6 * one for one in x], y, 5, truncate=2, optimizer="sgd", learning_rate=1e9)
    assert kinds.bits(nn) == before


def test_it_learns_to_remember_over_sequences_longer_than_a_piece() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (64, 60, 1)) * 2.0 - 1.0
    y = np.concatenate([np.zeros((64, 3, 1)), x[:, :-3]], axis=1)  # what was three steps ago
    items = [(None, 1), GRU(16, return_sequences=True), Dense(1)]
    nn = foxnn.neural_network(items, output_activation="identity", seed=1)
    history = nn.fit(x, y, 40, 16, learning_rate=0.01, truncate=10)
    assert history["loss"][-1] < 0.02 < history["loss"][0]


# What is refused


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([(None, 3), LSTM(4), 2], "layer 0 (LSTM) gives its last state only"),
        (
            [(None, 3), Dense(2), GRU(4, return_sequences=True, bidirectional=True), Dense(2)],
            "layer 1 (GRU) has bidirectional=True",
        ),
        (
            [(None, 3), RNN(4, return_sequences=True, reverse=True), Dense(2)],
            "layer 0 (RNN) has reverse=True",
        ),
        ([(None, 3), Conv1D(4, 3, padding="same"), Dense(2)], "layer 0 (Conv1D) reads windows"),
        (
            [(None, 3), Residual(Conv1D(3, 3, padding="same")), Dense(2)],
            "layer 0 (Residual).layers[0] (Conv1D) reads windows",
        ),
        ([(None, 3), MaxPool1D(2), Dense(2)], "layer 0 (MaxPool1D) reads windows"),
        ([(None, 3), UpSample(2), Dense(2)], "layer 0 (UpSample) gives more steps than it reads"),
        ([(None, 3), GlobalMaxPool(), 2], "layer 0 (GlobalMaxPool) needs all steps at once"),
        ([(6, 3), Flatten(), 2], "layer 0 (Flatten) needs all steps at once"),
        ([(6, 3), Reshape((3, 6)), Dense(2)], "layer 0 (Reshape) needs all steps at once"),
        ([(6, 3), 2], "layer 0 (Dense) needs all steps at once"),
        ([(6, 3), Embedding(9, 2)], "layer 0 (Embedding) reads several whole numbers a step"),
        ([3, 5, 2], "layer 0 (Dense) needs all steps at once"),
        ([(4, 4, 2), Dense(2)], "of input shape (steps, features), not (4, 4, 2)"),
        ([3, Activation("tanh")], "of input shape (steps, features), not (3,)"),
    ],
)
def test_networks_that_cannot_be_cut_are_refused(items: list[Any], message: str) -> None:
    nn = foxnn.neural_network(items, "tanh", seed=1)
    before = kinds.bits(nn)
    x, y = np.zeros((2, 6, 3)), np.zeros((2, 2))
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        nn.fit(x, y, truncate=2)
    assert str(raised.value).startswith("truncate must be None, got 2")
    assert kinds.bits(nn) == before


@pytest.mark.parametrize(
    ("steps", "error"),
    [(0, ValueError), (-3, ValueError), (True, TypeError), (2.5, TypeError), ("4", TypeError)],
)
def test_steps_that_cannot_be_are_refused(steps: Any, error: type[Exception]) -> None:
    nn = network("lstm")
    with pytest.raises(error, match="truncate must be an integer"):
        nn.fit(sequences(nn), targets(nn), truncate=steps)


def test_sparse_samples_are_refused() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    items = [(4, 3), RNN(2, return_sequences=True)]
    nn = foxnn.neural_network(items, seed=1)
    with pytest.raises(ValueError, match="truncate needs dense samples"):
        nn.fit(sparse.csr_matrix(np.eye(12)), np.zeros((12, 4, 2)), truncate=2)
