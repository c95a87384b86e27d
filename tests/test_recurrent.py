"""Recurrent layers: how they begin, what they refuse, and the same in PyTorch."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import foxnn
from closeness import assert_within, epsilon
from foxnn import GRU, LSTM, RNN, Dense
from layer_reference import Network

pytestmark = pytest.mark.filterwarnings("ignore::foxnn.DataWarning")

KINDS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
per_kind = pytest.mark.parametrize("kind", KINDS)


def network(kind: str, *, steps: int = 6, **options: Any) -> foxnn.neural_network:
    items = [(steps, 3), KINDS[kind](4, **options), 2]
    return foxnn.neural_network(items, "identity", dtype="float64", seed=5)


# How they begin


@per_kind
@pytest.mark.parametrize("units", [1, 4, 33, 70])
def test_recurrent_weights_begin_orthogonal(kind: str, units: int) -> None:
    layer = KINDS[kind](units, bidirectional=True)
    nn = foxnn.neural_network([(3, 2), layer, 1], dtype="float64", seed=2)
    arrays = nn[0].arrays
    found = [
        gate
        for name in ("recurrent_weights", "reverse_recurrent_weights")
        for gate in np.split(arrays[name], GATES[kind], axis=1)
    ]
    for gate in found:
        assert_within(gate @ gate.T, np.eye(units), 1e-12)
    if units > 1:
        assert len({gate.tobytes() for gate in found}) == len(found)


@per_kind
def test_weights_begin_as_init_says(kind: str) -> None:
    gates = GATES[kind]
    items = [(3, 200), KINDS[kind](100, bidirectional=True), 1]
    # Glorot's scale is that of a gate.
    for init, width in (("auto", np.sqrt(6 / 300)), ("he_uniform", np.sqrt(6 / 200))):
        nn = foxnn.neural_network(items, init=init, seed=1)
        drawn = np.stack([nn[0].arrays[name] for name in ("weights", "reverse_weights")])
        assert drawn.shape == (2, 200, gates * 100)
        assert 0.99 * width < np.abs(drawn).max() <= np.float32(width)
        assert np.std(drawn) == pytest.approx(width / np.sqrt(3), rel=0.02)
        assert np.unique(drawn).size > 0.95 * drawn.size
    nn = foxnn.neural_network(items, init="zeros", seed=1)
    assert not nn[0].arrays["weights"].any()
    assert nn[0].arrays["recurrent_weights"].any()


@per_kind
def test_how_biases_begin(kind: str) -> None:
    arrays = network(kind, bidirectional=True)[0].arrays
    ones = [0.0] * 4 + [1.0] * 4 + [0.0] * 8 if kind == "LSTM" else [0.0] * 4 * GATES[kind]
    for prefix in ("", "reverse_"):
        assert arrays[f"{prefix}bias"].tolist() == ones
        assert (f"{prefix}recurrent_bias" in arrays) == (kind == "GRU")
    assert not any("bias" in name for name in network(kind, bias=False)[0].arrays)
    drawn = network(kind, bidirectional=True, init="uniform")[0].arrays
    for name in ("weights", "bias", "reverse_weights", "reverse_bias"):
        assert np.unique(drawn[name]).size == drawn[name].size
        assert np.abs(drawn[name]).max() <= 1.0


def test_a_seed_settles_how_they_begin() -> None:
    nn = foxnn.neural_network([(3, 2), LSTM(3), 1], dtype="float64", seed=7)
    again = foxnn.neural_network([(3, 2), LSTM(3), 1], dtype="float64", seed=7)
    for name, array in nn[0].arrays.items():
        assert array.tobytes() == again[0].arrays[name].tobytes()
    other = foxnn.neural_network([(3, 2), LSTM(3), 1], dtype="float64", seed=8)
    assert (other[0].arrays["recurrent_weights"] != nn[0].arrays["recurrent_weights"]).all()


# Edges


@per_kind
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_step(kind: str, dtype: str) -> None:
    items = [(1, 6), KINDS[kind](5, return_sequences=True), KINDS[kind](3, bidirectional=True), 2]
    nn = foxnn.neural_network(items, dtype=dtype, seed=3)
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(9, 1, 6)), rng.normal(size=(9, 2))
    oracle = Network(nn)
    assert_within(nn.predict(x), oracle.predict(x), 32 * epsilon(dtype))
    before = nn[0].arrays["recurrent_weights"]
    oracle.gradients(x, y)
    oracle.descend(0.1)
    nn.fit(x, y, 1, 9, "sgd", 0.1, shuffle=False)
    assert nn[0].arrays["recurrent_weights"].tobytes() == before.tobytes()
    for part, leaf in zip(nn, oracle.leaves(), strict=True):
        for name, array in part.arrays.items():
            assert_within(array, leaf.arrays[name], 32 * epsilon(dtype), name)


@per_kind
def test_a_long_sequence(kind: str) -> None:
    """More steps than any list of places, over more samples than a band of rows."""
    nn = foxnn.neural_network([(83, 2), KINDS[kind](3), 1], dtype="float64", seed=3)
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(61, 83, 2)), rng.normal(size=(61, 1))
    oracle = Network(nn)
    assert_within(nn.predict(x), oracle.predict(x), 1e-13)
    oracle.gradients(x, y)
    oracle.descend(0.1)
    nn.fit(x, y, 1, 61, "sgd", 0.1, shuffle=False)
    for name, array in nn[0].arrays.items():
        assert_within(array, oracle.leaves()[0].arrays[name], 1e-12, name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("inputs", "units"), [(3, 32), (40, 64), (16, 70), (8, 200)])
@per_kind
def test_one_alone_has_the_bits_of_many(
    kind: str, inputs: int, units: int, bias: bool, dtype: str
) -> None:
    # The products of a single row go through several panels at once. Some of those of tiny numbers
    # round to a negative zero, which a sum that goes on must keep.
    layer = getattr(foxnn, kind)(units, bias=bias, return_sequences=True)
    nn = foxnn.neural_network([(6, inputs), layer], dtype=dtype, seed=5)
    x = np.random.default_rng(6).normal(size=(7, 6, inputs)).astype(dtype)
    x[3:5] *= np.finfo(dtype).smallest_subnormal
    many = nn.predict(x)
    for alone, row in zip(x, many, strict=True):
        assert nn.get_out(alone).tobytes() == row.tobytes()
        stream = nn.stream()
        assert b"".join(stream(step).tobytes() for step in alone) == row.tobytes()


def test_a_bidirectional_layer_is_two_layers() -> None:
    x = np.random.default_rng(0).normal(size=(5, 6, 3))
    both = network("GRU", bidirectional=True, return_sequences=True)
    for reverse in (False, True):
        one = network("GRU", reverse=reverse, return_sequences=True)
        for name in one[0].arrays:
            one[0].arrays[name] = both[0].arrays[f"reverse_{name}" if reverse else name]
        states = next(iter(both.layer_outputs(x).values()))
        own = next(iter(one.layer_outputs(x).values()))
        assert np.split(states, 2, axis=2)[reverse].tobytes() == own.tobytes()


@pytest.mark.filterwarnings("ignore::foxnn.ConvergenceWarning")
def test_exploding_gradients_diverge_by_name_or_are_clipped() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 30, 1)), rng.normal(size=(20, 1))

    def made() -> foxnn.neural_network:
        nn = foxnn.neural_network([(30, 1), RNN(4), 1], "identity", seed=1)
        nn[0].arrays["recurrent_weights"] = 3.0 * nn[0].arrays["recurrent_weights"]
        return nn

    with pytest.raises(foxnn.DivergedError, match="epoch"):
        made().fit(x, y, 30, 20, "sgd", 1e20)
    clipped = made().fit(x, y, 30, 20, "sgd", 0.05, clip_norm=0.5)
    assert clipped["loss"][-1] < clipped["loss"][0]


# What they refuse


@per_kind
@pytest.mark.parametrize("shape", [(4,), (4, 4, 1)])
def test_an_input_without_steps_is_refused(kind: str, shape: tuple[int, ...]) -> None:
    message = f"sizes[1] ({kind}) needs an input of shape (steps, features), got {shape}"
    with pytest.raises(ValueError, match=re.escape(message)):
        foxnn.neural_network([shape, KINDS[kind](3), 1])


@per_kind
def test_wrong_options_are_refused(kind: str) -> None:
    made = KINDS[kind]
    with pytest.raises(ValueError, match="reverse must be False for a layer that is bidirectional"):
        made(3, bidirectional=True, reverse=True)
    with pytest.raises(ValueError, match="units must be"):
        made(0)
    with pytest.raises(TypeError, match="return_sequences must be"):
        made(3, return_sequences="yes")
    with pytest.raises(ValueError, match="unknown init"):
        made(3, init="orthogonal")
    with pytest.raises(TypeError, match="units"):
        made(hidden_size=3)


# PyTorch


@per_kind
@pytest.mark.parametrize("sequences", [False, True])
def test_beside_pytorch(kind: str, sequences: bool) -> None:
    """Stacked, in both directions: outputs, and weights after a step of SGD."""
    torch = pytest.importorskip("torch")
    first = KINDS[kind](5, return_sequences=True, bidirectional=True)
    second = KINDS[kind](4, return_sequences=sequences, bidirectional=True)
    nn = foxnn.neural_network(
        [(7, 3), first, second, Dense(2) if sequences else 2], "identity", dtype="float64", seed=4
    )
    stack = [
        getattr(torch.nn, kind)(3, 5, bidirectional=True, batch_first=True, dtype=torch.float64),
        getattr(torch.nn, kind)(10, 4, bidirectional=True, batch_first=True, dtype=torch.float64),
    ]
    head = torch.nn.Linear(8, 2, dtype=torch.float64)
    for part, module in zip(nn, stack, strict=False):
        to_pytorch(torch, part, module)
    head.weight.data = torch.tensor(nn[2].arrays["weights"].T.copy())
    head.bias.data = torch.tensor(nn[2].arrays["bias"])
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 7, 3))
    states, _ = stack[0](torch.tensor(x))
    states, last = stack[1](states)
    if not sequences:
        h = last[0] if kind == "LSTM" else last
        states = torch.cat([h[0], h[1]], dim=1)
    outputs = head(states)
    assert_within(nn.predict(x), outputs.detach().numpy(), 1e-14)

    y = rng.normal(size=tuple(outputs.shape))
    loss = 0.5 * ((outputs - torch.tensor(y)) ** 2).sum(dim=-1).mean()
    parameters = [p for module in (*stack, head) for p in module.parameters()]
    loss.backward()
    torch.optim.SGD(parameters, 0.1).step()
    assert nn.train_on_batch(x, y, optimizer="sgd", learning_rate=0.1) == pytest.approx(loss.item())
    for part, module in zip(nn, stack, strict=False):
        for name, array in part.arrays.items():
            assert_within(array, from_pytorch(module, name), 1e-13, name)
    assert_within(nn[2].arrays["weights"], head.weight.detach().numpy().T, 1e-13)


def pytorch_name(name: str) -> str:
    """Return what PyTorch calls an array of a layer."""
    own = name.removeprefix("reverse_")
    theirs = {
        "weights": "weight_ih_l0", "recurrent_weights": "weight_hh_l0", "bias": "bias_ih_l0",
        "recurrent_bias": "bias_hh_l0",
    }[own]  # fmt: skip
    return theirs + ("_reverse" if own != name else "")


def to_pytorch(torch: Any, part: Any, module: Any) -> None:
    """Copy arrays, with biases that are not zero. PyTorch has two biases, whose sum counts."""
    rng = np.random.default_rng(7)
    for parameter in module.parameters():
        parameter.data.zero_()
    for name, array in part.arrays.items():
        if "bias" in name:
            array = part.arrays[name] = rng.normal(size=array.shape) / 4
        getattr(module, pytorch_name(name)).data = torch.tensor(np.ascontiguousarray(array.T))


def from_pytorch(module: Any, name: str) -> np.ndarray:
    """Return an array of PyTorch's module as a layer has it."""
    return getattr(module, pytorch_name(name)).detach().numpy().T
