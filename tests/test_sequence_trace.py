"""`trace` of a network with recurrent layers: what it computes at each step of a sequence."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
import layer_reference
from foxnn import GRU, LSTM, RNN, Dense, Embedding, GlobalMaxPool, Parallel, Residual
from foxnn.model.sequence_trace import SequenceTrace

KINDS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
OPTIONS: dict[str, dict[str, Any]] = {
    "last": {},
    "sequences": {"return_sequences": True},
    "both": {"bidirectional": True, "return_sequences": True},
    "both-last": {"bidirectional": True},
    "reverse": {"reverse": True, "return_sequences": True},
    "no-bias": {"bias": False},
}
per_kind = pytest.mark.parametrize("kind", KINDS)
per_option = pytest.mark.parametrize("option", OPTIONS)
per_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def network(kind: str, option: str, dtype: str = "float64") -> foxnn.neural_network:
    """Return a network whose second layer is of a kind, with biases that are not zero."""
    layer = KINDS[kind](5, **OPTIONS[option])
    items = [
        (None, 3),
        Dense(4, "tanh"),
        layer,
        Dense(2) if "return_sequences" in repr(layer) else 2,
    ]
    nn = foxnn.neural_network(items, output_activation="softmax", dtype=dtype, seed=3)
    rng = np.random.default_rng(0)
    for name, array in nn[1].arrays.items():
        nn[1].arrays[name] = array + rng.normal(size=array.shape) / 4
    return nn


def sequence(steps: int = 7, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(steps, 3))


@per_kind
@per_option
@per_dtype
def test_states_follow_from_gates(kind: str, option: str, dtype: str) -> None:
    nn, x = network(kind, option, dtype), sequence()
    trace, tolerance = nn.trace(x), 1e-5 if dtype == "float32" else 1e-13
    oracle = layer_reference.Network(nn).leaves()[1]
    given = trace["a^1"].astype(np.float64)
    for prefix in ("", "reverse_") if OPTIONS[option].get("bidirectional") else ("",):
        own = {
            name.removeprefix(prefix): array
            for name, array in oracle.arrays.items()
            if name.startswith("reverse_") == bool(prefix)
        }
        backwards = bool(prefix) or OPTIONS[option].get("reverse", False)
        h, c = np.zeros((1, 5)), np.zeros((1, 5))
        found = {
            name: trace[f"{prefix}{name}^2"].astype(np.float64)
            for name in {"rnn": "h", "gru": "rznh", "lstm": "ifgoch"}[kind]
        }
        for t in reversed(range(7)) if backwards else range(7):
            before = h
            h, c, _ = layer_reference.STEPS[kind](own, given[t : t + 1], h, c)
            row = {name: array[t] for name, array in found.items()}
            np.testing.assert_allclose(row["h"], h[0], atol=tolerance)
            if kind == "lstm":
                np.testing.assert_allclose(row["c"], c[0], atol=tolerance)
                np.testing.assert_allclose(row["o"] * np.tanh(row["c"]), h[0], atol=tolerance)
                a = given[t] @ own["weights"] + before[0] @ own["recurrent_weights"]
                gates = np.split(a + own.get("bias", 0.0), 4)
                for name, gate in zip("ifgo", gates, strict=True):
                    wanted = np.tanh(gate) if name == "g" else layer_reference.sigmoid(gate)
                    np.testing.assert_allclose(row[name], wanted, atol=tolerance)
            if kind == "gru":
                mixed = (1.0 - row["z"]) * row["n"] + row["z"] * before[0]
                np.testing.assert_allclose(mixed, h[0], atol=tolerance)


@per_kind
@per_option
@per_dtype
def test_outputs_are_those_of_predict(kind: str, option: str, dtype: str) -> None:
    nn, x = network(kind, option, dtype), sequence()
    trace = nn.trace(x)
    assert trace["a^3"].tobytes() == nn.predict(x[None])[0].tobytes()
    for i, outputs in enumerate(nn.layer_outputs(x[None]).values(), 1):
        assert trace[f"a^{i}"].tobytes() == outputs[0].tobytes()
    if option in ("last", "sequences"):
        states = trace["h^2"] if option == "sequences" else trace["h^2"][-1]
        assert states.tobytes() == trace["a^2"].tobytes()


@per_kind
@per_option
def test_gradients_are_those_of_training(kind: str, option: str) -> None:
    nn, x = network(kind, option), sequence()
    y = np.eye(2)[np.arange(7) % 2] if nn._varies_at_end() else np.array([0.25, 0.75])
    trace = nn.trace(x, y)
    assert float(trace["C"]) == pytest.approx(nn.evaluate([x], [y])["loss"], rel=1e-12)
    before = kinds.arrays(nn)
    nn.train_on_batch([x], [y], "sgd", 1.0)
    for key, array in kinds.arrays(nn).items():
        i, name = key.split(" ")
        found = trace[f"dC/d{name}^{int(i) + 1}"]
        np.testing.assert_allclose(found, before[key] - array, atol=1e-12, err_msg=key)


def test_labels_and_samples_of_one_shape() -> None:
    items = [(6, 3), GRU(4, return_sequences=True), Dense(3)]
    nn = foxnn.neural_network(items, output_activation="softmax", seed=1)
    x, labels = sequence(6), np.array([0, 2, 1, 1, 0, 2])
    nn.fit(x[None] * [[[3.0, 1.0, 2.0]]] + 1.0, labels[None], 1, scale=("minmax", None))
    trace = nn.trace(x, labels)
    assert float(trace["C"]) == pytest.approx(nn.evaluate(x[None], labels[None])["loss"], rel=1e-6)
    assert trace["a^2"].tobytes() == nn.predict(x[None])[0].tobytes()


def test_branches_and_indices() -> None:
    items = [
        (None,),
        Embedding(9, 4),
        Residual(LSTM(4, return_sequences=True)),
        Parallel(Dense(2), RNN(2, return_sequences=True)),
        GlobalMaxPool(),
        2,
    ]
    nn = foxnn.neural_network(items, seed=1)
    trace = nn.trace([1, 8, 0], [0.0, 1.0])
    assert [trace[f"a^{i}"].shape for i in range(6)] == [(3,), (3, 4), (3, 4), (3, 4), (4,), (2,)]
    assert [name for name in trace if name[0] not in "ad"] == ["C"]
    assert [name for name in trace if name[0] == "d"] == [
        "dC/dweights^1", "dC/dweights^5", "dC/dbias^5",
    ]  # fmt: skip


def test_a_scaled_network_shows_what_it_was_given_and_what_it_answers() -> None:
    x = np.random.default_rng(0).normal(2.0, 3.0, (9, 5, 3))
    y = 10.0 + x.sum((1, 2))[:, None]
    nn = foxnn.neural_network([(5, 3), LSTM(2), 1], output_activation="identity", seed=1)
    nn.fit(x, y, 2, scale="standard", progress=False)
    trace = nn.trace(x[0], y[0])
    assert list(trace)[:2] == ["x", "a^0"]
    assert trace["x"].tobytes() == x[0].tobytes()
    assert trace["out"].tobytes() == nn.get_out(x[0]).tobytes()
    assert "\nout = a^2 · scale + shift = [" in str(trace)
    assert float(trace["C"]) == pytest.approx(nn.evaluate(x[:1], y[:1])["loss"])


def test_gradients_are_those_of_what_is_trained() -> None:
    layers = [foxnn.BatchNorm(), GRU(2, return_sequences=True), Dense(1)]
    nn = foxnn.neural_network([(None, 3), *layers], output_activation="identity", seed=1)
    nn[1].trainable = False
    found = [name for name in nn.trace(np.ones((5, 3)), np.ones((5, 1))) if name[0] == "d"]
    assert found == ["dC/dweights^1", "dC/dbias^1", "dC/dweights^3", "dC/dbias^3"]


def test_it_prints_a_table_by_step() -> None:
    lines = str(network("lstm", "both").trace(sequence(40), np.eye(2)[np.arange(40) % 2])).split(
        "\n"
    )
    at = next(i for i, line in enumerate(lines) if line.startswith("Layer 2 (LSTM): i, f, o = sig"))
    assert lines[at + 1].split()[:3] == ["step", "a^2", "i^2"]
    assert [line.split()[0] for line in lines[at + 2 : at + 9]] == [
        "1", "2", "3", "...", "38", "39", "40",
    ]  # fmt: skip
    assert any(line.startswith("Loss: C = ") for line in lines)
    assert any("dC/dreverse_weights^2: (4, 20), of norm " in line for line in lines)
    assert all(line == line.rstrip() for line in lines)
    short = str(network("rnn", "last").trace(sequence(1)))
    assert re.search(r"\n     1  \[", short)


def test_a_trace_is_a_mapping_that_does_not_change() -> None:
    nn, x = network("gru", "sequences"), sequence()
    bits, draw = kinds.bits(nn), nn._draw()
    trace = nn.trace(x)
    assert isinstance(trace, SequenceTrace)
    assert repr(trace) == "<trace of 7 steps through 3 layers>"
    assert (kinds.bits(nn), nn._draw()) == (bits, draw)
    assert trace == nn.trace(x) == pickle.loads(pickle.dumps(trace))
    assert trace != nn.trace(x + 1.0)
    assert trace != nn.trace(x, np.eye(2)[[0] * 7])
    assert trace != 3
    with pytest.raises(ValueError, match="read-only"):
        trace["h^2"][0] = 1.0
    with pytest.raises(KeyError, match=r"'C': the trace holds a\^0.* adds the loss"):
        trace["C"]
    assert set(trace) - set(nn.trace(x, np.eye(2)[[0] * 7])) == set()


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((7, 2)), None, "x"),
        (np.zeros((0, 3)), None, "x"),
        (np.full((7, 3), np.nan), None, "x"),
        (np.zeros((7, 3)), np.zeros((6, 2)), "y"),
        (np.zeros((7, 3)), np.full((7, 2), np.inf), "y"),
        ("text", None, "x"),
        (
            np.zeros((1, 7, 3)),
            None,
            r"x must be one sequence of shape \(steps, 3\), got shape \(1, ",
        ),
    ],
)
def test_other_sequences_are_refused(x: Any, y: Any, message: str) -> None:
    nn = network("lstm", "sequences")
    with pytest.raises((ValueError, TypeError), match=f"^{message}"):
        nn.trace(x, y)
