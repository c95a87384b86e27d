"""`Embedding`: what it reads and refuses, which rows a step moves, and that this is as if dense.

That it is right in every place, and in every format, is among the tests of kinds.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from foxnn import Dense, Embedding, Flatten, GlobalAveragePool, Parallel, Reshape
from foxnn._core import first_no_index

COUNT, STEPS = 30, 4
RNG = np.random.default_rng(5)
X = RNG.integers(0, COUNT, (25, STEPS))
Y = RNG.integers(-64, 65, (25, 2)) / 64.0


def network(dtype: str = "float64", seed: int = 2) -> foxnn.neural_network:
    return foxnn.neural_network(
        [STEPS, Embedding(COUNT, 5), 6, 2], "tanh", "identity", dtype=dtype, seed=seed
    )


def table(nn: foxnn.neural_network) -> np.ndarray:
    return nn[0].weights


# The beginning


def test_the_table_begins_small() -> None:
    nn = foxnn.neural_network([1, Embedding(2000, 50)], init="zeros", seed=3)
    weights = table(nn).astype(np.float64)
    assert weights.shape == (2000, 50)
    assert 0.0499 < weights.max() <= 0.05
    assert -0.0499 > weights.min() >= -0.05
    assert abs(weights.mean()) < 5e-4
    assert weights.std() == pytest.approx(0.1 / 12**0.5, rel=0.01)
    again = foxnn.neural_network([1, Embedding(2000, 50)], dtype="float64", seed=3)
    assert (table(again).astype(np.float32) == table(nn)).all()
    assert (table(foxnn.neural_network([1, Embedding(2000, 50)], seed=4)) != table(nn)).any()


# Inputs


@pytest.mark.parametrize(
    "dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">i4", ">f8"]
)
def test_whole_numbers_of_every_type(dtype: str) -> None:
    nn, expected = network(), network()
    assert nn.predict(X.astype(dtype)).tobytes() == expected.predict(X).tobytes()
    for each, x in ((nn, X.astype(dtype)), (expected, X)):
        each.fit(x, Y, 2, 7, validation=0.2)
        each.train_on_batch(x, Y)
    assert kinds.bits(nn) == kinds.bits(expected)
    assert nn.get_out(X[0].astype(dtype)).tobytes() == expected.get_out(X[0].tolist()).tobytes()


def test_booleans_and_lists_are_indices() -> None:
    nn = network()
    bits = X > 9
    assert nn.predict(bits).tobytes() == nn.predict(bits.astype(int)).tobytes()
    assert nn.predict(X.tolist()).tobytes() == nn.predict(X).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sparse_samples_are_as_dense_ones(dtype: str) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    nn, other = network(dtype), network(dtype)
    x = X * (RNG.random(X.shape) < 0.5)
    for each, given in ((nn, sparse.csr_matrix(x)), (other, x)):
        each.fit(given, Y, 2, 7)
    assert kinds.bits(nn) == kinds.bits(other)
    assert nn.predict(sparse.csr_matrix(x)).tobytes() == nn.predict(x).tobytes()
    wrong = sparse.csr_matrix(np.array([[0, 3, 0, 0], [0, 0, 1.5, 0]]))
    with pytest.raises(ValueError, match=r"got 1\.5 in sample 1, column 2"):
        nn.predict(wrong)


WRONG = {"-1": -1.0, "30": 30.0, "0.5": 0.5, "1e+30": 1e30, "28.00000001": 28.00000001}
CALLS: dict[str, Callable[[foxnn.neural_network, Any], object]] = {
    "predict": lambda nn, x: nn.predict(x),
    "get_out": lambda nn, x: nn.get_out(x),
    "get_out of one": lambda nn, x: nn.get_out(x[2]),
    "get_out of a list": lambda nn, x: nn.get_out(x[2].tolist()),
    "gradient": lambda nn, x: nn.gradient(x),
    "gradient of one": lambda nn, x: nn.gradient(x[2]),
    "layer_outputs": lambda nn, x: nn.layer_outputs(x),
    "evaluate": lambda nn, x: nn.evaluate(x, Y),
    "fit": lambda nn, x: nn.fit(x, Y, 1),
    "validation": lambda nn, x: nn.fit(X, Y, 1, validation=(x, Y)),
    "train_on_batch": lambda nn, x: nn.train_on_batch(x, Y),
    "train": lambda nn, x: nn.train(foxnn.train_data(x, Y), 0.1, 1),
    "testing": lambda nn, x: nn.testing(foxnn.train_data(x, Y)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shown", WRONG)
@pytest.mark.parametrize("call", CALLS)
def test_other_numbers_are_refused(call: str, shown: str, dtype: str) -> None:
    nn = network(dtype)
    nn.fit(X, Y, 1)
    before, draw, x = kinds.bits(nn), nn._draw(), X.astype(np.float64)
    x[2, 1] = WRONG[shown]
    with pytest.raises(ValueError, match="must hold whole numbers") as caught:
        CALLS[call](nn, x)
    row = 0 if call.endswith(("of one", "of a list")) else 2
    expected = "must hold whole numbers from 0 to 29, the indices of layer 0 (Embedding), got "
    assert f"{expected}{shown} in sample {row}, column 1" in str(caught.value)
    assert kinds.bits(nn) == before
    assert nn._draw() == draw


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("call", CALLS)
def test_what_is_not_finite_is_refused(call: str, value: float) -> None:
    nn, x = network(), X.astype(np.float64)
    x[2, 1] = value
    before = kinds.bits(nn)
    with pytest.raises(ValueError, match=r"must (be finite|hold whole numbers)"):
        CALLS[call](nn, x)
    assert kinds.bits(nn) == before


def test_messages_name_columns() -> None:
    pandas = pytest.importorskip("pandas")
    x = pandas.DataFrame(X.copy(), columns=["a", "b", "c", "d"])
    x.loc[3, "c"] = 99
    with pytest.raises(ValueError, match=r"got 99 in sample 3, column 2 \('c'\)"):
        network().predict(x)


def test_the_smallest_table_decides() -> None:
    nn = foxnn.neural_network(
        [2, Parallel([Embedding(9, 2), Flatten()], [Embedding(4, 3), Flatten()]), 1], seed=1
    )
    assert nn._index_limit() == 4
    assert nn.predict([[3, 0]]).shape == (1, 1)
    reader = r"layer 0 \(Parallel\)\.branches\[1\]\[0\] \(Embedding\)"
    with pytest.raises(ValueError, match=f"from 0 to 3, the indices of {reader}, got 4"):
        nn.predict([[3, 4]])


@pytest.mark.parametrize("kind", ["f4", "f8", "u1"])
def test_the_first_wrong_number_is_found_in_strided_rows(kind: str) -> None:
    x = RNG.integers(0, 9, (50, 20)).astype(kind)
    assert first_no_index(x, 9) == -1
    x[31, 7] = 9
    x[40, 2] = 200
    assert first_no_index(x, 9) == 31 * 20 + 7
    assert first_no_index(x[:, 2:12], 9) == 31 * 10 + 5
    assert first_no_index(x[:, 8:], 9) == -1


# Where it may stand


@pytest.mark.parametrize(
    ("items", "place"),
    [
        ([3, 4, Embedding(5, 2)], "sizes[2] (Embedding)"),
        ([3, Embedding(5, 2), Embedding(5, 2)], "sizes[2] (Embedding)"),
        ([3, foxnn.Dropout(0.1), Embedding(5, 2)], "sizes[2] (Embedding)"),
        (
            [3, foxnn.Residual(3), Parallel([Flatten(), Embedding(5, 2)])],
            "sizes[2] (Parallel).branches[0][1] (Embedding)",
        ),
        ([3, Parallel([Dense(3), Embedding(5, 2)])], ".branches[0][1] (Embedding)"),
    ],
)
def test_it_reads_the_inputs(items: list[Any], place: str) -> None:
    with pytest.raises(ValueError, match="must come first in the network or in a branch") as caught:
        foxnn.neural_network(items)
    assert place in str(caught.value)


def test_layers_that_only_move_the_inputs_may_come_before() -> None:
    items = [(2, 3), Flatten(), Reshape((6,)), Embedding(9, 4), GlobalAveragePool()]
    nn = foxnn.neural_network(items, seed=1)
    x = RNG.integers(0, 9, (7, 2, 3))
    rows = nn[2].weights[x.reshape(7, 6)].reshape(7, 6, 4)
    np.testing.assert_allclose(nn.predict(x), rows.mean(axis=1), rtol=1e-5)
    before = repr(nn)
    with pytest.raises(ValueError, match=r"new_layer \(Embedding\) reads whole numbers"):
        nn.next_layer(Embedding(3, 2))
    assert repr(nn) == before


@pytest.mark.parametrize("name", ["count", "size"])
@pytest.mark.parametrize("value", [0, -1, 2**31])
def test_counts_and_sizes_out_of_range(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name} must be"):
        Embedding(**{"count": 3, "size": 2, name: value})


def test_float32_holds_no_more_indices() -> None:
    nn = foxnn.neural_network([1, Embedding(5, 1)])
    assert nn.dtype == "float32"
    with pytest.raises(ValueError, match=r"count from 1 to 16777216 in float32.*got 16777217"):
        foxnn.neural_network([1, Embedding(2**24 + 1, 1)])


def test_inputs_are_not_scaled() -> None:
    nn = network()
    before = kinds.bits(nn)
    reader = r"layer 0 \(Embedding\)"
    for scale in ("standard", ("minmax", None), foxnn.Scaler().fit(X)):
        with pytest.raises(ValueError, match=f"scale must not be for the inputs, which {reader}"):
            nn.fit(X, Y, 1, scale=scale)
    with pytest.raises(ValueError, match=f"input_scaler must be None, since {reader}"):
        nn.input_scaler = foxnn.Scaler().fit(X)
    assert kinds.bits(nn) == before
    assert nn.input_scaler is None
    nn.fit(X, Y, 1, scale=(None, "standard"))
    assert nn.output_scaler is not None


# The rows that a step moves

RULES = {
    "sgd": foxnn.SGD(),
    "momentum": foxnn.SGD(momentum=0.9),
    "nesterov": foxnn.SGD(momentum=0.9, nesterov=True),
    "adam": foxnn.Adam(),
    "adamw": foxnn.AdamW(weight_decay=0.1),
    "rmsprop": foxnn.RMSprop(),
    "rmsprop with momentum": foxnn.RMSprop(momentum=0.5),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "alone": {},
    "penalties": {"l1": 0.01, "l2": 0.1},
    "clipped": {"clip_norm": 0.05},
    "clipped by value": {"clip_value": 1e-3},
    "both": {"l2": 0.1, "clip_norm": 0.05},
}


def dense_twin(nn: foxnn.neural_network) -> foxnn.neural_network:
    """Return a network of dense layers that does the same with rows of zeros and ones."""
    twin = foxnn.neural_network(
        [(STEPS, COUNT), Dense(5, "identity", bias=False), 6, 2], "tanh", "identity",
        dtype=nn.dtype, seed=nn.seed,
    )  # fmt: skip
    for mine, theirs in zip(twin, nn, strict=True):
        for name, array in theirs.arrays.items():
            mine.arrays[name] = array
    return twin


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("rule", RULES)
def test_training_is_as_with_rows_of_zeros_and_ones(rule: str, options: str) -> None:
    nn = network()
    twin = dense_twin(nn)
    for each, x in ((nn, X), (twin, np.eye(COUNT)[X])):
        # With batches of 3, most rows are not named in a step.
        each.fit(x, Y, 3, 3, RULES[rule], 0.01, shuffle=False, **OPTIONS[options])
        each.train_on_batch(x[:2], Y[:2], RULES[rule], 0.01)
    for mine, theirs in zip(nn, twin, strict=True):
        for name, array in theirs.arrays.items():
            np.testing.assert_allclose(mine.arrays[name], array, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", RULES)
def test_what_is_left_out_would_change_nothing(rule: str, dtype: str) -> None:
    """A penalty that rounds to nothing makes the optimizer look at every row, in every step."""
    left_out, looked_at = network(dtype), network(dtype)
    least = 1e-300 if dtype == "float64" else 1e-37
    left_out.fit(X, Y, 4, 3, RULES[rule], 0.01)
    looked_at.fit(X, Y, 4, 3, RULES[rule], 0.01, l2=least)
    assert kinds.bits(left_out) == kinds.bits(looked_at)


# Large tables, whose rows make the steps late that they have no part in

ROWS, WIDTH = 3000, 40
MANY = RNG.integers(0, ROWS, (300, 3))
WANTED = RNG.integers(-64, 65, (300, 2)) / 64.0


def large(dtype: str = "float32") -> foxnn.neural_network:
    return foxnn.neural_network(
        [3, Parallel(Embedding(ROWS, WIDTH), [Embedding(ROWS + 1, WIDTH - 7), Dense(3)]), 2],
        "tanh", "identity", dtype=dtype, seed=2,
    )  # fmt: skip


def moments(nn: foxnn.neural_network) -> list[bytes]:
    state = nn.__getstate__()
    return [array.tobytes() for array in flat_arrays(state)]


def flat_arrays(thing: Any) -> list[np.ndarray]:
    if isinstance(thing, np.ndarray):
        return [thing]
    if isinstance(thing, dict):
        thing = list(thing.values())
    if isinstance(thing, list | tuple):
        return [array for inner in thing for array in flat_arrays(inner)]
    return []


LATE: dict[str, dict[str, Any]] = {
    "alone": {},
    "penalties": {"l1": 1e-4, "l2": 1e-3},
    "clipped by value": {"clip_value": 1e-3, "l2": 1e-3},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", LATE)
@pytest.mark.parametrize("rule", RULES)
def test_late_steps_have_the_bits_of_a_sweep(rule: str, options: str, dtype: str) -> None:
    """A norm that is never reached makes the optimizer sweep over the table in every step.

    So does a callback that may look at it. There are more steps than pass until each row has had
    its turn.
    """
    late, swept, more = large(dtype), large(dtype), LATE[options]
    sweeping: dict[str, Any] = {"clip_norm": 1e30}
    if "clip_value" in more:  # the two do not go together
        sweeping = {"callbacks": Asking()}
    late.fit(MANY, WANTED, 2, 3, RULES[rule], 0.01, **more)
    swept.fit(MANY, WANTED, 2, 3, RULES[rule], 0.01, **more, **sweeping)
    assert kinds.bits(late) == kinds.bits(swept)
    assert moments(late) == moments(swept)


class Asking:
    """Asks for the network's outputs after every step, or stops after some."""

    def __init__(self, last: int = -1) -> None:
        self.last, self.nn = last, large()

    def on_train_begin(self, network: foxnn.neural_network) -> None:
        self.nn = network

    def on_batch_end(self, batch: int, logs: dict[str, float]) -> bool:
        self.nn.predict(MANY[:2])
        return batch == self.last


@pytest.mark.parametrize("rule", ["adam", "rmsprop", "rmsprop with momentum"])
def test_rows_whose_steps_have_died_away(rule: str) -> None:
    """Means of steps that decay to 0, from below, too, are where most rows of a text end."""
    rules = {
        "adam": foxnn.Adam(beta_1=0.1),
        "rmsprop": foxnn.RMSprop(rho=0.5),
        "rmsprop with momentum": foxnn.RMSprop(momentum=0.1, rho=0.5),
    }
    late, swept = large(), large()
    for more in ({}, {"clip_norm": 1e30}):
        nn = swept if more else late
        nn.fit(MANY, WANTED, 1, 3, rules[rule], 0.01, **more)
        nn.fit(np.tile(MANY[:1], (600, 1)), np.tile(WANTED[:1], (600, 1)), 1, 3, rules[rule], 0.01,
               **more)  # fmt: skip
    assert kinds.bits(late) == kinds.bits(swept)
    assert moments(late) == moments(swept)


@pytest.mark.parametrize("rule", ["momentum", "adam", "rmsprop"])
def test_no_row_is_late_when_a_step_is_over(rule: str) -> None:
    watched, alone = large(), large()
    watched.fit(MANY, WANTED, 1, 3, RULES[rule], 0.01, callbacks=Asking())
    alone.fit(MANY, WANTED, 1, 3, RULES[rule], 0.01)
    assert kinds.bits(watched) == kinds.bits(alone)
    assert moments(watched) == moments(alone)


def test_a_run_within_an_epoch_is_resumed_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    whole, cut = large(), large()
    whole.fit(MANY, WANTED, 2, 3, "adam", 0.01)
    cut.fit(MANY, WANTED, 2, 3, "adam", 0.01, checkpoint=path, callbacks=Asking(40))
    twin, _ = foxnn.resume(path, MANY, WANTED)
    assert kinds.bits(twin) == kinds.bits(whole)


def test_sgd_moves_the_named_rows_alone() -> None:
    nn = network("float32")
    before = table(nn)
    nn.fit(X[:3], Y[:3], 5, 2, "sgd", 0.1)
    moved = np.flatnonzero((table(nn) != before).any(axis=1))
    assert moved.tolist() == np.unique(X[:3]).tolist()


@pytest.mark.parametrize("rule", ["momentum", "adam"])
def test_a_row_goes_on_by_what_is_remembered(rule: str) -> None:
    nn = network()
    nn.train_on_batch([[1, 2, 3, 3]], Y[:1], RULES[rule], 0.01)
    before = table(nn)
    nn.train_on_batch([[4, 4, 4, 4]], Y[:1], RULES[rule], 0.01)
    moved = np.flatnonzero((table(nn) != before).any(axis=1))
    assert moved.tolist() == [1, 2, 3, 4]


def test_a_frozen_table_stays() -> None:
    nn = network()
    nn[0].trainable = False
    before = table(nn)
    nn.fit(X, Y, 2, l2=0.1)
    assert (table(nn) == before).all()


def test_no_gradient_passes() -> None:
    nn = network()
    assert nn.gradient(X).shape == (25, 2, STEPS)
    assert not nn.gradient(X).any()


def test_it_learns_which_words_are_good() -> None:
    """The class of a text is that of most of its words, which are in no order."""
    rng = np.random.default_rng(1)
    good = rng.random(200) < 0.5
    texts = rng.integers(0, 200, (1500, 15))
    classes = good[texts].sum(axis=1) > 7
    nn = foxnn.neural_network(
        [15, Embedding(200, 4), GlobalAveragePool(), 2], output_activation="softmax", seed=1
    )
    nn.fit(texts[:1000], classes[:1000].astype(int), 40, learning_rate=0.02)
    assert nn.evaluate(texts[1000:], classes[1000:].astype(int))["accuracy"] > 0.95


def test_files_and_copies(tmp_path: Path) -> None:
    nn = network()
    nn.fit(X, Y, 1)
    nn.save(tmp_path / "net.safetensors")
    again = foxnn.neural_network(str(tmp_path / "net.safetensors"))
    for each in (again, copy.deepcopy(nn)):
        assert each._index_limit() == COUNT
        with pytest.raises(ValueError, match="whole numbers from 0 to 29"):
            each.predict(X + 0.5)
    other = foxnn.neural_network([STEPS, *again[:-1], 3], dtype="float64", seed=1)
    assert (table(other) == table(nn)).all()
