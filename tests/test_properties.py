"""Properties of whole calls, over shapes, types, strides and histories that hypothesis makes up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import foxnn
import reference
from closeness import assert_within, forward_bound, gradient_bounds
from forced_runs import HIDDEN

examples = settings(deadline=None, derandomize=True, max_examples=120)
per_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])

# Small ones, and those around the edges of registers, tiles and panels.
widths = st.one_of(st.integers(1, 8), st.sampled_from([13, 14, 15, 16, 17, 31, 32, 33, 65]))
batches = st.one_of(st.integers(1, 8), st.sampled_from([13, 14, 15, 29, 97, 112, 113]))
seeds = st.integers(0, 2**32)
hidden_names = st.sampled_from(HIDDEN)


def whole(samples: int, width: int, seed: int) -> np.ndarray:
    """Return numbers that every type from uint8 on holds."""
    return np.random.default_rng([samples, width, seed]).integers(0, 128, (samples, width))


def apart(x: np.ndarray) -> np.ndarray:
    """Return a view of every second row and third column of a larger array."""
    large = np.full((2 * x.shape[0], 3 * x.shape[1]), 99, x.dtype)
    large[::2, ::3] = x
    return large[::2, ::3]


def backwards(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1]


def packed(x: np.ndarray) -> np.ndarray:
    """Return a view whose rows begin at odd addresses, an odd number of bytes apart."""
    records = np.zeros(len(x), [("pad", "u1"), ("x", x.dtype, x.shape[1:])])
    records["x"] = x
    return records["x"].reshape(x.shape)


def read_only(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS: dict[str, Callable[[np.ndarray], Any]] = {
    "c-order": np.ascontiguousarray,
    "fortran-order": np.asfortranarray,
    "apart": apart,
    "columns": lambda x: np.hstack([x, x])[:, : x.shape[1]],
    "backwards": backwards,
    "rows-backwards": lambda x: x[::-1].copy()[::-1],
    "packed": packed,
    "read-only": read_only,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "lists": lambda x: x.tolist(),
    "tuples": lambda x: tuple(map(tuple, x.tolist())),
    "list-of-rows": list,
    "memory": lambda x: memoryview(np.ascontiguousarray(x)),
}
TYPES = ("u1", "i1", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "g")
layouts = st.sampled_from(sorted(LAYOUTS))
types = st.sampled_from(TYPES)


def bits(nn: foxnn.neural_network) -> list[bytes]:
    return [values.tobytes() for part in nn for values in (part.weights, part.bias)]


# Inputs.


@per_dtype
@examples
@given(layout=layouts, kind=types, samples=batches, width=widths, seed=seeds)
def test_answers_hang_on_the_numbers_only(
    dtype: str, layout: str, kind: str, samples: int, width: int, seed: int
) -> None:
    x = whole(samples, width, seed)
    nn = foxnn.neural_network([width, 5, 2], "tanh", dtype=dtype, seed=seed)
    nn[0].weights = nn[0].weights / 64
    laid = LAYOUTS[layout](x.astype(kind))
    expected = nn.predict(x.astype(np.float64))
    assert nn.predict(laid).tobytes() == expected.tobytes()
    assert nn.get_out(laid).tobytes() == expected.tobytes()
    np.testing.assert_array_equal(np.asarray(laid), x)


@per_dtype
@examples
@given(samples=batches, width=widths, seed=seeds)
def test_arrays_without_strides(dtype: str, samples: int, width: int, seed: int) -> None:
    """A broadcast array holds one number in many places."""
    nn = foxnn.neural_network([width, 5, 2], "tanh", dtype=dtype, seed=seed)
    shape = (samples, width)
    for values in (whole(1, width, seed), whole(samples, 1, seed), whole(1, 1, seed)):
        x = np.broadcast_to(values.astype(dtype), shape)
        assert nn.predict(x).tobytes() == nn.predict(x.copy()).tobytes()


@pytest.mark.filterwarnings("ignore::foxnn.DataWarning")
@pytest.mark.filterwarnings("ignore:the inputs are large")
@per_dtype
@examples
@given(layouts=st.tuples(layouts, layouts), kinds=st.tuples(types, types), seed=seeds)
def test_training_hangs_on_the_numbers_only(
    dtype: str, layouts: tuple[str, str], kinds: tuple[str, str], seed: int
) -> None:
    x, y = whole(15, 3, seed), whole(15, 2, seed + 1)

    def trained(x: Any, y: Any) -> list[bytes]:
        nn = foxnn.neural_network([3, 4, 2], "tanh", dtype=dtype, seed=seed)
        nn.fit(x, y, epochs=2, batch_size=4, learning_rate=0.01, validation=0.2)
        nn.train(foxnn.train_data(x, y), 1e-4, max_iteration=3, size_train_batch=4)
        return bits(nn)

    laid = [
        LAYOUTS[layout](values.astype(kind))
        for layout, kind, values in zip(layouts, kinds, (x, y), strict=True)
    ]
    assert trained(*laid) == trained(x.astype(np.float64), y.astype(np.float64))


@per_dtype
@examples
@given(seed=seeds, kind=types, layout=layouts)
def test_labels_are_classes_in_every_type(dtype: str, seed: int, kind: str, layout: str) -> None:
    x, labels = whole(15, 3, seed), whole(15, 1, seed + 1) % 4
    laid = np.asarray(LAYOUTS[layout](labels.astype(kind)))[:, 0]

    def trained(y: Any) -> list[bytes]:
        nn = foxnn.neural_network([3, 4], "softmax", dtype=dtype, seed=seed)
        nn.fit(x, y, epochs=2, batch_size=4)
        return [*bits(nn), repr(nn.evaluate(x, y)).encode()]

    assert trained(laid) == trained(np.eye(4)[labels[:, 0]])


@per_dtype
@examples
@given(
    sizes=st.lists(widths, min_size=2, max_size=4),
    samples=batches,
    name=hidden_names,
    softmax=st.booleans(),
    seed=seeds,
    data=st.data(),
)
def test_samples_are_answered_each_for_itself(
    dtype: str,
    sizes: list[int],
    samples: int,
    name: str,
    softmax: bool,
    seed: int,
    data: st.DataObject,
) -> None:
    output = "softmax" if softmax and sizes[-1] > 1 else None
    nn = foxnn.neural_network(sizes, name, output, dtype=dtype, seed=seed)
    x = np.random.default_rng(seed).normal(size=(samples, sizes[0]))
    rows = data.draw(st.lists(st.integers(0, samples - 1), min_size=1, max_size=40), "rows")
    together = nn.predict(x)
    assert nn.predict(x[rows]).tobytes() == together[rows].tobytes()
    assert nn.get_out(x[rows[0]]).tobytes() == together[rows[0]].tobytes()


# Parameters.


@per_dtype
@examples
@given(sizes=st.lists(widths, min_size=2, max_size=4), layout=layouts, seed=seeds)
def test_parameters_come_back_as_they_were_set(
    dtype: str, sizes: list[int], layout: str, seed: int
) -> None:
    nn = foxnn.neural_network(sizes, dtype=dtype, seed=seed)
    rng = np.random.default_rng(seed)
    for i, part in enumerate(nn):
        weights, bias = (
            rng.normal(size=shape).astype(dtype) for shape in (part.weights.shape, part.bias.shape)
        )
        others = [b for j, p in enumerate(nn) if j != i for b in (p.weights, p.bias)]
        part.weights = LAYOUTS[layout](weights)
        assert (part.weights.dtype, part.weights.shape) == (dtype, (sizes[i], sizes[i + 1]))
        np.testing.assert_array_equal(part.weights, weights)
        part.bias = np.repeat(bias, 2)[::2]
        np.testing.assert_array_equal(part.bias, bias)
        np.testing.assert_array_equal(part.weights, weights)
        after = [b for j, p in enumerate(nn) if j != i for b in (p.weights, p.bias)]
        assert [b.tobytes() for b in after] == [b.tobytes() for b in others]


@examples
@given(sizes=st.lists(widths, min_size=2, max_size=3), seed=seeds)
def test_what_is_read_is_a_copy(sizes: list[int], seed: int) -> None:
    nn = foxnn.neural_network(sizes, seed=seed)
    before = bits(nn)
    for part in nn:
        for values in (part.weights, part.bias):
            values[...] = 7.0
    assert bits(nn) == before


# Beside the oracle.


@per_dtype
@examples
@given(
    sizes=st.lists(widths, min_size=2, max_size=4),
    samples=batches,
    names=st.lists(hidden_names, min_size=3, max_size=3),
    softmax=st.booleans(),
    seed=seeds,
)
def test_networks_of_any_size_beside_the_oracle(
    dtype: str, sizes: list[int], samples: int, names: list[str], softmax: bool, seed: int
) -> None:
    output = "softmax" if softmax and sizes[-1] > 1 else None
    nn = foxnn.neural_network(sizes, names[: len(sizes) - 1], output, dtype=dtype, seed=seed)
    oracle = reference.copy_of(nn)
    # Sixteenths: the same in every type, and no preactivation is at a kink but by a rare chance.
    rng = np.random.default_rng(seed)
    x = rng.integers(-32, 33, (samples, sizes[0])) / 16.0
    y = np.eye(sizes[-1])[rng.integers(0, sizes[-1], samples)]
    assert_within(nn.predict(x), oracle.predict(x), forward_bound(oracle, x, dtype), "outputs")
    loss, gradients = nn._loss_and_gradients(x, y)
    assert loss == pytest.approx(oracle.losses(x, y).mean(), rel=1e-3, abs=1e-6)
    bounds = gradient_bounds(oracle, x, y, dtype)
    for i, (found, expected, allowed) in enumerate(
        zip(gradients, oracle.gradients(x, y), bounds, strict=True)
    ):
        for j, what in enumerate(("dW", "db")):
            assert_within(found[j], expected[j], allowed[j], f"{what} of layer {i}")


# train_data beside a plain list.

# Sevenths: no float32 holds what a float64 holds.
numbers = st.integers(-1000, 1000).map(lambda n: n / 7)
inputs = st.lists(numbers, min_size=3, max_size=3)
outputs = st.lists(numbers, min_size=2, max_size=2)
samples_of_both = st.lists(st.tuples(inputs, outputs), min_size=1, max_size=5)
Model = list[tuple[list[float], list[float]]]


def content(data: foxnn.train_data) -> Model:
    return [content_of(data.get(i)) for i in range(data.size())]


def arrays(samples: Model, kind: str) -> tuple[np.ndarray, np.ndarray]:
    return np.array([x for x, _ in samples], kind), np.array([y for _, y in samples], kind)


def rows(x: np.ndarray, y: np.ndarray) -> Model:
    return list(zip(x.tolist(), y.tolist(), strict=True))


class TrainData(RuleBasedStateMachine):
    """Any history of calls leaves train_data with the samples that a list then has."""

    def __init__(self) -> None:
        super().__init__()
        self.data = foxnn.train_data()
        self.model: Model = []
        self.parts: list[tuple[foxnn.train_data, Model]] = []
        self.given: list[tuple[np.ndarray, np.ndarray]] = []

    @rule(samples=samples_of_both, kind=st.sampled_from(["f4", "f8", ">f4"]))
    def start_with_arrays(self, samples: Model, kind: str) -> None:
        """Take arrays in place; later calls must not write to them."""
        x, y = arrays(samples, kind)
        self.data, self.model = foxnn.train_data(x, y), rows(x, y)
        self.given += [(array, array.copy()) for array in (x, y)]

    @rule(x=inputs, y=outputs)
    def add_one(self, x: list[float], y: list[float]) -> None:
        """Add a sample alone."""
        self.data.add_data(x, y)
        self.model.append((x, y))

    @rule(samples=samples_of_both, kind=st.sampled_from(["f4", "f8"]), as_lists=st.booleans())
    def add_many(self, samples: Model, kind: str, as_lists: bool) -> None:
        """Add samples by rows."""
        x, y = arrays(samples, kind)
        self.data.add_data(*((x.tolist(), y.tolist()) if as_lists else (x, y)))
        self.model += rows(x, y)

    @rule(samples=samples_of_both)
    def add_train_data(self, samples: Model) -> None:
        """Add the samples of another train_data, which keeps them."""
        other = foxnn.train_data(*arrays(samples, "f8"))
        self.data.add_data(other)
        self.model += samples
        assert content(other) == samples

    @precondition(lambda self: len(self.model) < 60)
    @rule()
    def add_itself(self) -> None:
        """Double the samples."""
        self.data.add_data(self.data)
        self.model += list(self.model)

    @rule()
    def add_nothing(self) -> None:
        """Add a train_data without samples."""
        self.data.add_data(foxnn.train_data())

    @rule(n=st.integers(0, 100))
    def reserve(self, n: int) -> None:
        """Make room."""
        self.data.reserve(n)

    @rule()
    def shrink_to_fit(self) -> None:
        """Give the room back."""
        self.data.shrink_to_fit()

    @rule(n=st.integers(0, 30))
    def take_first(self, n: int) -> None:
        """Take a part that shares memory, where that is allowed."""
        self.parts.append((self.data.get_first_n(n), self.model[:n]))

    @rule(n=st.integers(0, 30), seed=seeds)
    def take_part(self, n: int, seed: int) -> None:
        """Take a part at random: samples of the data, none twice."""
        part = self.data.get_part(n, seed)
        found = content(part)
        assert len(found) == (min(n, len(self.model)) or len(self.model))
        left = list(self.model)
        for sample in found:
            left.remove(sample)
        self.parts.append((part, found))

    @precondition(lambda self: self.parts)
    @rule(x=inputs, y=outputs)
    def add_to_a_part(self, x: list[float], y: list[float]) -> None:
        """Let a part grow, which must not write to the data."""
        part, model = self.parts[-1]
        part.add_data(x, y)
        self.parts[-1] = part, [*model, (x, y)]

    @invariant()
    def holds_what_the_list_holds(self) -> None:
        """Compare sizes and samples."""
        assert self.data.size() == len(self.data) == len(self.model)
        assert content(self.data) == self.model
        if self.model:
            assert content_of(self.data.get(-1)) == self.model[-1]

    @invariant()
    def leaves_parts_and_arrays_alone(self) -> None:
        """Compare what was taken and what was given before."""
        for part, model in self.parts:
            assert content(part) == model
        for array, copy in self.given:
            np.testing.assert_array_equal(array, copy)


def content_of(sample: Any) -> tuple[list[float], list[float]]:
    return sample.input.tolist(), sample.out.tolist()


TestTrainData = TrainData.TestCase
TestTrainData.settings = settings(
    deadline=None, derandomize=True, max_examples=30, stateful_step_count=25
)


def off_by_one(values: np.ndarray) -> np.ndarray:
    """Return the same numbers, one byte behind where their type belongs."""
    room = np.empty(values.nbytes + 1, np.uint8)[1:]
    shifted: np.ndarray = room.view(values.dtype).reshape(values.shape)
    shifted[...] = values
    assert not shifted.flags.aligned
    return shifted


@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_numbers_that_stand_askew_are_not_read_in_place(kind: str) -> None:
    """Not every processor and no compiler allows it."""
    x, y = whole(15, 3, 1).astype(kind) / 128, whole(15, 2, 2).astype(kind) / 128
    askew = off_by_one(x)
    for refused in (lambda: foxnn._core.all_finite(askew, True), lambda: made()._predict(askew, 1)):
        with pytest.raises(ValueError, match="aligned"):
            refused()
    assert foxnn._core.answer(made(), askew[0]) is None
    kept = foxnn.train_data(askew, off_by_one(y))
    assert all(array.flags.aligned for array in kept._arrays())

    def answers(lay: Callable[[np.ndarray], np.ndarray]) -> list[bytes]:
        nn = made()
        counts = np.arange(1.0, 16.0)
        nn.fit(lay(x), lay(y), 2, 4, sample_weight=lay(counts))
        nn.train_on_batch(lay(x), lay(y))
        nn[0].weights = lay(nn[0].weights)
        nn.get_out(lay(x)[0])
        labels = foxnn.neural_network([3, 2], "softmax", seed=1)
        labels.fit(lay(x), lay(np.arange(15) % 2), 2)
        labels.train_on_batch(lay(x), lay(np.arange(15) % 2))
        return [*bits(nn), *bits(labels), nn.predict(lay(x)).tobytes()]

    assert answers(off_by_one) == answers(np.array)


def made() -> foxnn.neural_network:
    return foxnn.neural_network([3, 4, 2], "tanh", seed=1)
