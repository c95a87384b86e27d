"""Networks of sequences of any length: many as each alone, and padding that counts nowhere."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from closeness import epsilon
from foxnn import (
    GRU,
    LSTM,
    RNN,
    Activation,
    AveragePool1D,
    BatchNorm,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool,
    GlobalMaxPool,
    LayerNorm,
    MaxPool1D,
    Parallel,
    Reshape,
    Residual,
    UpSample,
)
from foxnn.layers.kinds import KINDS, leaves

# By name; all read sequences of 7 steps, and most shorter ones.
NETWORKS: dict[str, list[Any]] = {
    "dense": [(None, 3), Dense(5), LayerNorm(), Dense(35), GlobalAveragePool(), 2],
    "dense-wide": [(None, 33), Dense(65), Dense(2, bias=False)],
    "windows": [(None, 3), Conv1D(6, 3), MaxPool1D(2), Conv1D(4, 2, stride=2), GlobalMaxPool(), 2],
    "same": [
        (None, 3),
        Conv1D(6, 3, padding="same"),
        AveragePool1D(3, stride=1, padding="same"),
        Conv1D(40, 4, padding="same", dilation=2),
        GlobalAveragePool(),
        2,
    ],
    "same-strides": [
        (None, 3),
        Conv1D(6, 3, stride=2, padding="same"),
        MaxPool1D(3, stride=2, padding="same"),
        AveragePool1D(3, stride=2, padding="same"),
        Conv1D(3, 5, stride=3, padding="same"),
        GlobalAveragePool(),
        2,
    ],
    "padding-as-numbers": [
        (None, 3),
        Conv1D(6, 3, stride=2, padding=1),
        MaxPool1D(3, stride=2, padding=1),
        Conv1D(40, 4, padding=3),
        Conv1D(40, 3, padding=2, groups=40),
        AveragePool1D(3, stride=1, padding=2),
        GlobalAveragePool(),
        2,
    ],
    "groups": [
        (None, 6),
        Conv1D(70, 3, padding="same", groups=2),
        Conv1D(4, 2, groups=2, bias=False),
        Dense(2),
    ],
    "depthwise": [
        (None, 3),
        Conv1D(6, 3, padding="same", groups=3),
        Conv1D(12, 3, stride=2, padding="same", groups=6),
        Conv1D(12, 3, groups=12),
        GlobalMaxPool(),
        2,
    ],
    "steps": [(None, 3), Conv1D(6, 3, padding="same"), Activation("relu"), Dense(2)],
    "larger": [(None, 3), UpSample(2), Conv1D(3, 3), Conv1D(2, 2, padding="same")],
    "branches": [
        (None, 3),
        Residual(Conv1D(3, 3, padding="same"), LayerNorm()),
        Parallel(Dense(2), [Conv1D(40, 3, padding="same"), Dense(2)], Activation("identity")),
        Dense(2),
    ],
    "packed": [(None, 3), Activation("tanh"), Conv1D(35, 3, padding="same"), MaxPool1D(2)],
    "indices": [(None,), Embedding(20, 5), Conv1D(4, 3, padding="same"), GlobalAveragePool(), 2],
    "one": [(None, 1), Conv1D(3, 2), Dense(1)],
    "recurrent": [
        (None, 3),
        RNN(5, return_sequences=True, bidirectional=True),
        GRU(33, return_sequences=True, reverse=True),
        Conv1D(4, 3, padding="same"),
        LSTM(4, bidirectional=True),
        2,
    ],
    "recurrent-packed": [
        (None, 4),
        Activation("tanh"),
        GRU(5, bidirectional=True, return_sequences=True),
        LSTM(3),
        2,
    ],
    "recurrent-steps": [(None, 3), LSTM(6, return_sequences=True), Dense(2)],
}
per_network = pytest.mark.parametrize("name", NETWORKS)
per_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def network(name: str, dtype: str = "float64", items: Any = None) -> foxnn.neural_network:
    ends_dense = isinstance(NETWORKS[name][-1], int | Dense)
    output = "identity" if ends_dense else None
    return foxnn.neural_network(items or NETWORKS[name], "tanh", output, dtype=dtype, seed=3)


def sequences(nn: Any, lengths: Any, seed: int = 0) -> list[np.ndarray]:
    rng, tail = np.random.default_rng(seed), nn._input_shape()[1:]
    if limit := nn._index_limit():
        return [rng.integers(0, limit, n) for n in lengths]
    return [rng.normal(size=(n, *tail)).astype(nn.dtype) for n in lengths]


def padded(arrays: list[np.ndarray], more: int = 0, filler: float = np.nan) -> np.ndarray:
    most = max(map(len, arrays)) + more
    kind = arrays[0].dtype if np.isfinite(filler) else np.result_type(*arrays, np.float32)
    out = np.full((len(arrays), most, *arrays[0].shape[1:]), filler, kind)
    for row, array in zip(out, arrays, strict=True):
        row[: len(array)] = array
    return out


def wanted(nn: Any, x: list[np.ndarray], seed: int = 0) -> Any:
    rng, out = np.random.default_rng([seed, 1]), nn.predict(x)
    targets = [rng.normal(size=np.shape(one)) for one in out]
    return targets if isinstance(out, list) else np.array(targets)


LENGTHS = np.random.default_rng(5).integers(7, 40, 23)


def test_every_kind_of_steps_is_tried() -> None:
    tried = {leaf["kind"] for name in NETWORKS for leaf in leaves(network(name)._layers())}
    others = {name for name in KINDS if name.endswith(("2d", "3d"))}
    random = {"dropout", "batch_norm"}  # have tests of their own
    of_one_shape = {"flatten", "reshape"}
    assert {*KINDS} - others - random - of_one_shape == tried


# Outputs


@per_dtype
@per_network
def test_many_are_as_each_alone(name: str, dtype: str) -> None:
    nn = network(name, dtype)
    x = sequences(nn, [*LENGTHS, nn._least, nn._least + 1])
    for many, one in zip(nn.predict(x), x, strict=True):
        alone = nn.predict(one[None])[0]
        assert many.shape == alone.shape
        assert many.tobytes() == alone.tobytes()
        assert nn.get_out(one).tobytes() == alone.tobytes()


@per_network
def test_a_sequence_is_as_in_a_network_of_its_length(name: str) -> None:
    nn = network(name)
    for one in sequences(nn, (7, 8, 11, 16)):
        items = [one.shape, *NETWORKS[name][1:]]
        fixed = network(name, items=items)
        assert [a.tobytes() for a in kinds.arrays(nn).values()] == [
            a.tobytes() for a in kinds.arrays(fixed).values()
        ]
        expected = fixed.predict(one[None])
        assert nn.predict(one[None]).tobytes() == expected.tobytes()


@per_network
def test_padding_counts_nowhere(name: str) -> None:
    nn = network(name)
    x = sequences(nn, LENGTHS)
    expected = nn.predict(x)
    for more, filler in ((0, np.nan), (9, np.inf), (3, -1.0)):
        if filler == -1.0 and name == "indices":
            filler = 99.0
        out = nn.predict(padded(x, more, filler), lengths=LENGTHS)
        for found, one in zip(out, expected, strict=True):
            assert (
                found[: len(one)].tobytes() == one.tobytes()
                if one.ndim > 1
                else (found.tobytes() == one.tobytes())
            )
            assert not found[len(one) :].any() or one.ndim == 1


def test_outputs_are_as_wide_as_the_padding() -> None:
    nn = network("steps")
    x = padded(sequences(nn, (5, 3)), 4, 0.0)
    assert nn.predict(x, lengths=[5, 3]).shape == (2, 9, 2)
    assert [one.shape for one in nn.predict([x[0, :5], x[1, :3]])] == [(5, 2), (3, 2)]
    assert [one.shape for one in nn.predict([x[0, :5], x[1, :5]])] == [(5, 2), (5, 2)]


def test_outputs_may_have_one_position_each() -> None:
    nn = foxnn.neural_network([(None, 3), MaxPool1D(7), Dense(2)], output_activation="softmax")
    x = sequences(nn, (7, 13, 9))
    many = nn.predict(x)
    assert [one.shape for one in many] == [(1, 2)] * 3
    assert many[1].tobytes() == nn.get_out(x[1]).tobytes()
    right = np.concatenate(many).argmax(axis=1)
    assert nn.evaluate(x, right[:, None])["accuracy"] == 1.0
    assert np.isfinite(nn.train_on_batch(x, right[:, None]))


def test_layer_outputs_and_gradients_of_each() -> None:
    nn = network("same-strides")
    x = sequences(nn, (7, 12, 9))
    outputs, gradients = nn.layer_outputs(x), nn.gradient(x)
    for i, one in enumerate(x):
        for layer, alone in nn.layer_outputs(one[None]).items():
            assert outputs[layer][i].tobytes() == alone[0].tobytes()
        assert gradients[i].tobytes() == nn.gradient(one).tobytes()
    both = nn.layer_outputs(padded(x, 2), lengths=[7, 12, 9])
    assert both["conv1d_0"].shape == (3, 6, 6)
    assert np.array_equal(both["conv1d_0"][0, :4], outputs["conv1d_0"][0])
    steps = network("larger")
    assert steps.gradient(x)[0].shape == (12, 2, 7, 3)


def test_answers_of_a_list_are_a_list_whatever_its_lengths() -> None:
    nn = network("windows")
    for lengths in ((7,), (8, 8), (9, 7)):
        x = sequences(nn, lengths)
        outputs, gradients = nn.layer_outputs(x), nn.gradient(x, output=0)
        assert isinstance(gradients, list)
        assert [one.shape for one in gradients] == [one.shape for one in x]
        for layer in nn:
            of_steps = layer.output_shape[0] is None
            assert isinstance(outputs[layer.name], list) == of_steps
            for one, found in zip(x, outputs[layer.name], strict=True):
                assert found.tobytes() == nn.layer_outputs(one[None])[layer.name][0].tobytes()
        wide = padded(x, 1)
        assert isinstance(nn.layer_outputs(wide, lengths=lengths)["conv1d_0"], np.ndarray)
        assert isinstance(nn.gradient(np.stack([x[0], x[0]])), np.ndarray)
    assert isinstance(network("steps").predict(sequences(network("steps"), (4,))), list)


def held(arrays: list[np.ndarray], how: str, deep: bool) -> Any:
    """Return arrays as libraries hold what is ragged; `deep`: each step an object, too."""
    out = np.empty(len(arrays), object)
    for i, one in enumerate(arrays):
        out[i] = one
        if deep and one.ndim > 1:
            out[i] = np.empty(len(one), object)
            out[i][:] = list(one)
    if how == "array":
        return out
    if how == "pandas":
        return pytest.importorskip("pandas").Series(out)
    return pytest.importorskip("polars").Series([one.tolist() for one in arrays])


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("how", ["array", "pandas", "polars"])
@pytest.mark.parametrize("name", ["steps", "indices"])
def test_what_libraries_hold_as_objects_is_a_list(name: str, how: str, deep: bool) -> None:
    nn = network(name)
    for lengths in ((5, 3, 9), (1, 1, 1), (4,)):
        x = sequences(nn, lengths)
        y = wanted(nn, x)
        same = held(x, how, deep)
        assert [a.tobytes() for a in nn.predict(same)] == [a.tobytes() for a in nn.predict(x)]
        assert [a.tobytes() for a in nn.get_out(same)] == [a.tobytes() for a in nn.predict(x)]
        last = nn.layer_outputs(same)[nn[-1].name]
        assert [a.tobytes() for a in last] == [a.tobytes() for a in nn.predict(x)]
        if name == "steps":
            assert nn.gradient(same)[0].tobytes() == nn.gradient(x)[0].tobytes()
            targets = held(y, how, deep)
            weights = held([np.ones(n) for n in lengths], how, deep)
            found = nn.evaluate(same, targets, weights)
            assert found == nn.evaluate(x, y, [np.ones(n) for n in lengths])
            assert nn.fit(same, targets, 1, learning_rate=1e-9)["loss"][0] == pytest.approx(
                found["loss"]
            )
            assert np.isfinite(nn.train_on_batch(same, targets))


@pytest.mark.parametrize("how", ["array", "pandas", "polars"])
def test_labels_that_libraries_hold_as_objects(how: str) -> None:
    nn = foxnn.neural_network([(None, 3), Dense(2)], output_activation="softmax", seed=1)
    x = sequences(nn, (4, 2))
    for labels in ([[0, 1, 1, 0], [1, 0]], [["a", "b", "b", "a"], ["b", "a"]]):
        nn.classes = None
        nn.fit(x, held([np.array(one, object) for one in labels], how, False), 1)
        expected = nn.evaluate(x, labels)
        assert nn.evaluate(x, held([np.array(one) for one in labels], how, False)) == expected


# Training


def gradients_of(nn: Any, x: Any, y: Any, weights: Any = None) -> tuple[float, np.ndarray]:
    """Return the loss, and the gradients of all arrays in one vector."""
    inputs, targets, weights = nn._weighted(x, y, weights)
    plan = foxnn._core.Plan(
        foxnn._core.Optimizer("sgd"), 1.0, batch_size=len(inputs), shuffle=False,
        threads=nn.settings.n_threads,
    )  # fmt: skip
    with foxnn._core.Trainer(nn, inputs, targets, plan, weights) as trainer:
        loss, found = trainer.gradient()
    return loss, np.concatenate([a.reshape(-1) for part in found for a in part.values()])


@per_dtype
@per_network
def test_gradients_are_those_of_each_alone(name: str, dtype: str) -> None:
    nn = network(name, dtype)
    x = sequences(nn, [*LENGTHS, nn._least])
    y = wanted(nn, x)
    loss, found = gradients_of(nn, x, y)
    alone = [
        gradients_of(nn, [one], [t] if isinstance(y, list) else t[None])
        for one, t in zip(x, y, strict=True)
    ]
    expected = np.mean([gradient for _, gradient in alone], axis=0, dtype=np.float64)
    size = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found, expected, rtol=0, atol=200 * epsilon(dtype) * size)
    assert loss == pytest.approx(np.mean([one for one, _ in alone]), rel=50 * epsilon(dtype))
    assert nn.evaluate(x, y)["loss"] == pytest.approx(loss, rel=50 * epsilon(dtype))


@pytest.mark.parametrize(
    "name", ["steps", "same-strides", "branches", "depthwise", "windows", "recurrent"]
)
def test_gradients_beside_differences(name: str) -> None:
    nn = network(name)
    x = sequences(nn, (7, 9, 12, 8))
    y = wanted(nn, x)
    _, found = gradients_of(nn, x, y)
    at = 0
    for leaf in leaves(nn._layers()):
        for array, shape in leaf["arrays"].items():
            values = nn._array(leaf["index"], array)
            for i in np.random.default_rng(at).integers(0, values.size, 3):
                losses = []
                for step in (1e-5, -1e-5):
                    moved = values.copy()
                    moved.reshape(-1)[i] += step
                    nn._set_array(leaf["index"], array, moved)
                    losses.append(nn.evaluate(x, y)["loss"])
                nn._set_array(leaf["index"], array, values)
                assert found[at + i] == pytest.approx(
                    (losses[0] - losses[1]) / 2e-5, rel=1e-6, abs=2e-7
                )
            at += int(np.prod(shape))


def test_weights_of_samples_and_of_positions() -> None:
    nn = network("steps")
    x = sequences(nn, (5, 9, 3))
    y, weights = wanted(nn, x), np.array([0.5, 1.0, 0.25])
    _, weighted = gradients_of(nn, x, y, weights)
    each = [gradients_of(nn, [a], [b])[1] for a, b in zip(x, y, strict=True)]
    expected = sum(w * g for w, g in zip(weights, each, strict=True)) / weights.sum()
    np.testing.assert_allclose(weighted, expected, atol=1e-13)
    # A position of weight 0 has no loss, as if its target were its output, and does not count.
    of_steps = [np.ones(len(one)) for one in x]
    of_steps[1][4:] = 0.0
    loss, found = gradients_of(nn, x, y, of_steps)
    outputs = nn.predict(x)
    reached = [y[0], np.concatenate([y[1][:4], outputs[1][4:]]), y[2]]
    same, gradient = gradients_of(nn, x, reached)
    total = (1 + 4 / 9 + 1) / 3  # the mean of the weights, by which the loss is divided
    np.testing.assert_allclose(found, gradient / total, atol=1e-13)
    assert loss == pytest.approx(same / total)
    wide = padded(of_steps, 2, np.nan)
    assert (
        nn.evaluate(padded(x, 2), padded(y, 2), wide, lengths=[5, 9, 3])["loss"]
        == (nn.evaluate(x, y, of_steps)["loss"])
    )


def test_the_mean_over_all_positions_is_by_weights() -> None:
    nn = foxnn.neural_network([(None, 2), Dense(4), Dense(3)], output_activation="softmax", seed=1)
    x, lengths = sequences(nn, (4, 1, 7)), np.array([4, 1, 7])
    labels = [np.arange(n) % 3 for n in lengths]

    def losses() -> list[np.ndarray]:
        out = [one.astype(float) for one in nn.predict(x)]
        return [-np.log(p[np.arange(len(t)), t]) for p, t in zip(out, labels, strict=True)]

    each = losses()
    counted = [label != 1 for label in labels]
    for weights, expected in (
        (None, np.mean([one.mean() for one in each])),
        (lengths, np.concatenate(each).mean()),
        ([np.full(n, float(n)) for n in lengths], np.concatenate(each).mean()),
        (
            [n * there for n, there in zip(lengths, counted, strict=True)],
            np.concatenate(each)[np.concatenate(counted)].mean(),
        ),
        (
            [there.astype(float) for there in counted],
            sum((w * one).mean() for w, one in zip(counted, each, strict=True))
            / sum(w.mean() for w in counted),
        ),
    ):
        assert nn.evaluate(x, labels, weights)["loss"] == pytest.approx(expected, rel=1e-5)
        copied = pickle.loads(pickle.dumps(nn))
        history = copied.fit(x, labels, 1, sample_weight=weights, learning_rate=1e-9)
        assert history["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_accuracy_and_metrics_are_of_the_steps_that_there_are() -> None:
    nn = foxnn.neural_network([(None, 2), Dense(4), Dense(3)], output_activation="softmax", seed=1)
    x = sequences(nn, (4, 1, 6))
    labels = [np.argmax(one, axis=1) for one in nn.predict(x)]
    right = nn.evaluate(x, labels, metrics="f1")
    assert right["accuracy"] == 1.0
    labels[0][0] = (labels[0][0] + 1) % 3
    assert nn.evaluate(x, labels)["accuracy"] == pytest.approx(10 / 11)
    y = padded(labels, 3, -1)
    got = nn.evaluate(padded(x, 3), y, metrics=("accuracy", "log_loss"), lengths=[4, 1, 6])
    assert got["accuracy"] == pytest.approx(10 / 11)
    assert [c.tolist() for c in nn.predict_classes(x)][1] == labels[1].tolist()
    chosen = np.concatenate(
        [p[np.arange(len(t)), t] for p, t in zip(nn.predict(x), labels, strict=True)]
    )
    assert got["log_loss"] == pytest.approx(-np.log(chosen).mean(), rel=1e-5)


@per_dtype
def test_mean_and_variance_are_of_the_steps_that_there_are(dtype: str) -> None:
    nn = foxnn.neural_network(
        [(None, 5), BatchNorm(momentum=0.0), Dense(2)], "identity", dtype=dtype, seed=1
    )
    x = sequences(nn, (4, 1, 6, 30))
    nn.train_on_batch(
        padded(x, 2), padded(wanted(nn, x), 2, 0.0), "sgd", 1e-3, lengths=[4, 1, 6, 30]
    )
    steps = np.concatenate(x).astype(np.float64)
    near = {"rtol": 40 * epsilon(dtype), "atol": 40 * epsilon(dtype)}
    np.testing.assert_allclose(nn[0].arrays["running_mean"], steps.mean(axis=0), **near)
    np.testing.assert_allclose(nn[0].arrays["running_variance"], steps.var(axis=0, ddof=1), **near)


def test_gradients_through_statistics_beside_differences() -> None:
    nn = foxnn.neural_network(
        [(None, 3), Dense(4), BatchNorm(), Conv1D(2, 3, padding="same")], "tanh",
        dtype="float64", seed=2,
    )  # fmt: skip
    x = sequences(nn, (5, 2, 8))
    y = wanted(nn, x)

    def loss(values: np.ndarray) -> float:
        nn[0].weights = values
        copy = pickle.loads(pickle.dumps(nn))
        return copy.train_on_batch(x, y, "sgd", 1e-9)

    before = nn[0].weights
    differences = np.zeros_like(before)
    for i in np.ndindex(before.shape):
        step = np.zeros_like(before)
        step[i] = 1e-5
        differences[i] = (loss(before + step) - loss(before - step)) / 2e-5
    nn[0].weights = before
    nn.train_on_batch(x, y, "sgd", 1.0)
    np.testing.assert_allclose(before - nn[0].weights, differences, atol=1e-8)


def trained(name: str, x: Any, y: Any, threads: int = 1, **given: Any) -> list[bytes]:
    nn = network(name, "float32")
    nn.settings.n_threads = threads
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nn.fit(x, y, epochs=2, batch_size=5, learning_rate=0.01, **given)
    return kinds.bits(nn)


@per_network
def test_training_does_not_depend_on_padding_or_threads(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nn = network(name, "float32")
    x = sequences(nn, LENGTHS)
    y = wanted(nn, x)
    expected = trained(name, x, y)
    wide = padded(y, 4) if isinstance(y, list) else y
    if isinstance(y, list):
        more = nn._steps_after(np.array([LENGTHS.max() + 6]))[0] - max(map(len, y))
        wide = padded(y, int(more))
    assert trained(name, padded(x, 6), wide, lengths=LENGTHS) == expected
    monkeypatch.setenv("FOXNN_FORCE_THREADS", "3")
    assert trained(name, x, y, 3) == expected
    assert expected != kinds.bits(nn)


def test_sequences_of_one_length_need_no_lengths() -> None:
    nn = network("same", "float32")
    x = np.stack(sequences(nn, [12] * 9))
    y = np.random.default_rng(0).normal(size=(9, 2))
    expected = trained("same", x, y)
    assert trained("same", x, y, lengths=[12] * 9) == expected
    assert trained("same", list(x), y) == expected


def test_dropout_draws_the_same_however_wide_the_padding() -> None:
    items = [(None, 3), Dense(6), Dropout(0.4), GlobalAveragePool(), 2]
    found = []
    for more in (0, 7):
        nn = foxnn.neural_network(items, "tanh", seed=1)
        x = sequences(nn, LENGTHS)
        nn.fit(padded(x, more), np.ones((23, 2)), epochs=3, batch_size=4, lengths=LENGTHS)
        found.append(kinds.bits(nn))
    assert found[0] == found[1]


def test_a_row_of_the_table_that_only_padding_names_stays() -> None:
    nn = foxnn.neural_network([(None,), Embedding(9, 3), GlobalAveragePool(), 1], seed=1)
    before = nn[0].weights
    x = np.array([[1, 2, 8, 8], [3, 1, 2, 4]])
    for _ in range(3):
        nn.train_on_batch(x, [[1.0], [0.0]], lengths=[2, 4])
    moved = (nn[0].weights != before).any(axis=1)
    assert moved.tolist() == [False, True, True, True, True, False, False, False, False]


def test_one_step_on_a_batch_is_that_of_fit() -> None:
    x = sequences(network("steps"), (5, 9, 3, 7))
    y = wanted(network("steps"), x)
    one, other = network("steps", "float32"), network("steps", "float32")
    one.fit(x, y, epochs=1, batch_size=4, shuffle=False)
    other.train_on_batch(x, y)
    assert kinds.bits(one) == kinds.bits(other)
    for lengths in ((2, 2), (3, 9), (4, 4), (1, 2)):
        part = sequences(one, lengths)
        assert np.isfinite(other.train_on_batch(part, wanted(one, part)))


def test_it_learns_what_only_the_real_steps_tell() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(2, 30, 300)
    x = rng.normal(size=(300, 30, 1))
    y = np.array([float(one[:n].mean() > 0) for one, n in zip(x, lengths, strict=True)])
    nn = foxnn.neural_network(
        [(None, 1), Dense(8, "tanh"), GlobalAveragePool(), 2], output_activation="softmax", seed=1
    )
    nn.fit(x, y.astype(int), epochs=60, learning_rate=0.03, lengths=lengths)
    assert nn.evaluate(x, y.astype(int), lengths=lengths)["accuracy"] > 0.9
    # As if the padding, which is as random, belonged to them.
    assert nn.evaluate(x, y.astype(int))["accuracy"] < 0.85


def test_a_validation_share_class_weights_and_folds() -> None:
    nn = foxnn.neural_network([(None, 2), Dense(4), Dense(3)], output_activation="softmax", seed=1)
    x = sequences(nn, LENGTHS)
    labels = [np.random.default_rng(n).integers(0, 3, n) for n in LENGTHS]
    history = nn.fit(x, labels, epochs=2, validation=0.3, class_weight="balanced")
    assert set(history) >= {"val_loss", "val_accuracy"}
    again = nn.fit(x, labels, epochs=1, validation=(x[:4], labels[:4]))
    assert again["val_loss"][0] == pytest.approx(nn.evaluate(x[:4], labels[:4])["loss"])
    auto = foxnn.neural_network([(None, 2), Dense(4), GlobalMaxPool(), 1], "tanh", seed=1)
    auto.fit(x, np.ones((23, 1)), epochs="auto", time_limit=2)


def test_padded_sequences_to_validate_on_have_lengths() -> None:
    nn = network("steps")
    x, held = sequences(nn, LENGTHS), sequences(nn, (9, 3, 5), 1)
    y, z, L = wanted(nn, x), wanted(nn, held, 1), [9, 3, 5]
    wide = {"lengths": LENGTHS, "epochs": 2}
    weights = [0.5, 1.0, 0.25]

    def after(validation: Any, x: Any = x, y: Any = y, **options: Any) -> dict[str, Any]:
        history = network("steps").fit(x, y, **({"epochs": 2} | options), validation=validation)
        return {name: history[name] for name in ("loss", "val_loss")}

    P, Q = (padded(x, 2), padded(y, 2)), (padded(held, 4), padded(z, 4))
    for given, of_list in (((None, L), ()), ((weights, L), (weights,))):
        assert after((*Q, *given), *P, **wide) == after((held, z, *of_list))
        assert after((*Q, *given), x, y) == after((held, z, *of_list), *P, **wide)
    assert after((held, z, None, None)) == after((held, z))
    stop: Any = wide | {"early_stopping": foxnn.EarlyStopping(patience=1, restore_best=True)}
    assert after((*Q, None, L), *P, **stop) == after((held, z), *P, **stop)
    for given in ((), (L,), (None, None)):
        message = r"the x of validation must have lengths .* validation=\(x, y, None, lengths\)"
        with pytest.raises(ValueError, match=message):
            nn.fit(*P, **wide, validation=(padded(held, 4, 0.0), padded(z, 4, 0.0), *given))
    with pytest.raises(ValueError, match="the lengths of validation must be from 1 to 13"):
        nn.fit(*P, **wide, validation=(*Q, None, [9, 3, 14]))
    with pytest.raises(ValueError, match="the lengths of validation must be left out where"):
        nn.fit(*P, **wide, validation=(held, z, None, L))
    with pytest.raises(ValueError, match=r"\(x, y\), .* or \(x, y, sample_weight, lengths\)"):
        nn.fit(*P, **wide, validation=(*Q, None, L, 1))
    with pytest.raises(ValueError, match="the lengths of validation must be left out for a net"):
        foxnn.neural_network([2, 1]).fit(
            [[0.0, 1.0]], [[1.0]], validation=([[0.0, 1.0]], [[1.0]], None, [2])
        )


# Copies, files, changes


@pytest.mark.parametrize("name", ["branches", "indices"])
def test_copies_and_files_keep_it(name: str, tmp_path: Path) -> None:
    nn = network(name, "float32")
    x = sequences(nn, LENGTHS)
    y = wanted(nn, x)
    nn.fit(x, y, epochs=1)
    nn.save(str(tmp_path / "nn.safetensors"))
    copies = [
        pickle.loads(pickle.dumps(nn)),
        foxnn.neural_network(str(tmp_path / "nn.safetensors")),
    ]
    nn.fit(x, y, epochs=1)
    for copy in copies:
        assert repr(copy) == repr(nn)
        assert copy._input_shape() == nn._input_shape()
        copy.fit(x, y, epochs=1)
        assert kinds.bits(copy) == kinds.bits(nn)


def test_a_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    path = str(tmp_path / "run.safetensors")
    x = sequences(network("steps"), LENGTHS)
    y = wanted(network("steps"), x)
    wide, targets = padded(x, 2), padded(y, 2)
    expected = network("steps", "float32")
    whole = expected.fit(wide, targets, epochs=4, batch_size=5, lengths=LENGTHS)

    class Stop:
        batches = 0

        def on_batch_end(self, batch: int, logs: Any) -> bool:
            self.batches += 1
            return self.batches == 12  # the second batch of the third epoch

    nn = network("steps", "float32")
    nn.fit(
        wide, targets, epochs=4, batch_size=5, lengths=LENGTHS, checkpoint=path, callbacks=Stop()
    )
    assert len(nn.history["loss"]) == 3  # the last of them in part
    again, history = foxnn.resume(path, wide, targets, lengths=LENGTHS)
    assert kinds.bits(again) == kinds.bits(expected)
    assert history["loss"] == whole["loss"]


def test_a_run_goes_on_with_padded_sequences_to_validate_on(tmp_path: Path) -> None:
    path = str(tmp_path / "run.safetensors")
    x = sequences(network("steps"), LENGTHS)
    y = wanted(network("steps"), x)
    wide, validation = (padded(x, 2), padded(y, 2)), (padded(x[:4], 5), padded(y[:4], 5))
    given: Any = {"lengths": LENGTHS, "validation": (*validation, None, LENGTHS[:4])}
    whole = network("steps").fit(*wide, epochs=3, **given)
    nn = network("steps")
    nn.fit(*wide, epochs=3, **given, checkpoint=path, callbacks=lambda epoch, logs: epoch == 0)
    with pytest.raises(ValueError, match="the x of validation must have lengths"):
        foxnn.resume(path, *wide, lengths=LENGTHS, validation=validation)
    _, history = foxnn.resume(path, *wide, **given)
    assert history["val_loss"] == whole["val_loss"]


def test_shapes_have_none() -> None:
    nn = network("larger")
    assert nn._input_shape() == (None, 3)
    assert [layer.output_shape for layer in nn] == [(None, 3), (None, 3), (None, 2)]
    assert repr(nn).startswith("neural_network([(None, 3), UpSample(2), Conv1D(3, 3, activation=")
    assert eval(repr(nn), {"neural_network": foxnn.neural_network, **vars(foxnn)})._layers()
    pooled = network("windows")
    assert [layer.output_shape for layer in pooled][-2:] == [(4,), (2,)]


def test_layers_can_be_appended() -> None:
    nn = foxnn.neural_network([(None, 2), Conv1D(3, 2)], "tanh", seed=1)
    before = nn[0].weights
    nn.next_layer(Conv1D(2, 9, activation="tanh"))
    assert np.array_equal(nn[0].weights, before)
    x = sequences(nn, (10, 31, 12))
    assert [len(one) for one in nn.predict(x)] == [1, 22, 3]
    with pytest.raises(ValueError, match="at least 10 steps, got 9 in sample 0"):
        nn.predict(sequences(nn, (9, 31)))
    nn.next_layer(GlobalMaxPool())
    nn.next_layer(foxnn.layer(2, 5, "tanh"))
    assert nn.predict(x).shape == (3, 5)
    nn[0].trainable = False
    kept = nn[0].weights
    nn.train_on_batch(x, np.ones((3, 5)))
    assert np.array_equal(nn[0].weights, kept)
    assert np.array_equal(nn.predict(x)[1], nn.get_out(x[1]))


def test_activations_and_losses_can_be_changed() -> None:
    nn = foxnn.neural_network([(None, 2), Dense(3), Dense(2)], "tanh", seed=1)
    x = sequences(nn, (4, 2))
    before = nn.predict(x)
    nn[0].set_activation_function("relu")
    after = nn.predict(x)
    assert not np.array_equal(before[0], after[0])
    assert np.array_equal(after[1], nn.get_out(x[1]))


# Refusals


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([(None, 3), 5], r"sizes[1] (Dense) reads all steps at once"),
        ([(None, 3), Dense(4), Flatten()], r"sizes[2] (Flatten) needs a fixed number of steps"),
        ([(None, 3), Reshape((3,))], r"sizes[1] (Reshape) needs a fixed number of steps"),
        ([(None,), Dense(3)], r"sizes[1] (Dense) cannot read samples of shape (None,)"),
        ([(None, 4, 3), Dense(3)], "sizes[0] must be (None, channels)"),
        ([(4, None), Dense(3)], "sizes[0] must not hold None here"),
        (
            [(None, 3), Residual(Conv1D(3, 2)), Dense(3)],
            "sizes[1] (Residual) adds shapes",
        ),
        (
            [(None, 3), Parallel(MaxPool1D(2), Conv1D(3, 2, stride=2, padding="same"))],
            "sizes[1] (Parallel) must have branches with the same positions",
        ),
    ],
)
def test_layers_that_need_a_length_are_refused(items: list[Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        foxnn.neural_network(items)


X = np.ones((2, 6, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda nn: nn.predict(X, lengths=[3]), "lengths must have shape (2,), one for each"),
        (lambda nn: nn.predict(X, lengths=[3, 7]), "lengths must be from 1 to 6"),
        (lambda nn: nn.predict(X, lengths=[0, 6]), "got 0 for sample 0"),
        (lambda nn: nn.predict(X, lengths=[2.5, 6]), "lengths must be whole numbers, got 2.5"),
        (lambda nn: nn.predict(X, lengths="ab"), "lengths must hold real numbers"),
        (lambda nn: nn.predict([X[0], X[1, :0]]), "x[1] must hold at least one step"),
        (lambda nn: nn.predict([X[0], np.ones((4, 2))]), "x[1] must have shape (steps, 3)"),
        (
            lambda nn: nn.predict([X[0], X[1, :4]], lengths=[6, 4]),
            "lengths must be left out where x is a list",
        ),
        (
            lambda nn: nn.predict(X, lengths=[True, False]),
            "lengths must be whole numbers, got True and False; of a mask, they are mask.sum(axis=",
        ),
        (
            lambda nn: nn.predict(X, lengths=np.ones((2, 6), bool)),
            "got True and False; of a mask, they are mask.sum(axis=1)",
        ),
        (
            lambda nn: nn.predict(X, lengths=np.ones((2, 6), int)),
            "one for each sample, got (2, 6); of a mask, they are mask.sum(axis=1)",
        ),
        (lambda nn: nn.predict(X[0]), "got (6, 3); a single sequence is [x], and get_out takes it"),
        (lambda nn: nn.layer_outputs(X[0].tolist()), "a single sequence is [x]"),
        (
            lambda nn: nn.predict([[[1, 2, 3], [1, 2]], [[1, 2, 3]]]),
            "its rows differ: x[0][0] has shape (3,), x[0][1] has shape (2,)",
        ),
        (lambda nn: nn.train(list(X), 0.1, 10), "data_for_train must be of a network whose"),
        (lambda nn: nn.testing(list(X)), "fit trains one of sequences, and evaluate tests it"),
        (
            lambda nn: nn.fit(
                X.tolist(),
                np.ones((2, 4, 2)),
                lengths=[6, 4],
                validation=(X.tolist(), np.ones((2, 4, 2))),
            ),
            "the x of validation must have lengths",
        ),
        (
            lambda nn: nn.fit([X[0, :3]], [np.ones(2)]),
            "y[0] must have 1 position, as many as the outputs",
        ),
        (lambda nn: nn.predict(X[:, :, :2]), "x must have shape (samples, steps, 3)"),
        (lambda nn: nn.predict([]), "x must"),
        (lambda nn: nn.predict(X[:0]), "x must hold at least one sample"),
        (lambda nn: nn.predict([X[0, :2], X[1]]), "at least 3 steps, got 2 in sample 0"),
        (
            lambda nn: nn.fit(X, np.ones((2, 5, 2)), lengths=[4, 6]),
            "y must have shape (samples, 4, 2)",
        ),
        (
            lambda nn: nn.fit(list(X), [np.ones((4, 2)), np.ones((3, 2))]),
            "y[1] must have 4 positions",
        ),
        (lambda nn: nn.fit([X[0], X[1, :4]], [np.ones((4, 2))]), "y must hold one array for each"),
        (
            lambda nn: nn.fit(
                X, np.ones((2, 4, 2)), lengths=[6, 5], augment=foxnn.augment.noise(1)
            ),
            "augment needs samples of one length",
        ),
        (lambda nn: nn.fit(X, np.ones((2, 4, 2)), scale="standard"), "scale must be None"),
        (lambda nn: nn.export_c("nn.h"), "holds a network of sequences of any length only step by"),
        (lambda nn: nn.save("nn.txt"), "supports dense layers only"),
        (
            lambda nn: nn.train(foxnn.train_data(np.ones((2, 9)), np.ones((2, 2))), 0.1, 1),
            "fit trains one of sequences",
        ),
    ],
)
def test_bad_sequences_are_refused(
    call: Callable[[Any], Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nn = foxnn.neural_network([(None, 3), Conv1D(4, 3), Dense(2)], seed=1)
    before = kinds.bits(nn)
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        call(nn)
    assert kinds.bits(nn) == before


@pytest.mark.parametrize(
    ("layers", "why"),
    [
        ([LSTM(4), 2], "lstm_0 has no return_sequences=True"),
        ([Dense(4), GlobalMaxPool(), 2], "global_max_pool_1 takes all steps together"),
        ([Parallel(GRU(2), GRU(2)), 2], "parallel_0 takes all steps together"),
    ],
)
def test_targets_of_steps_for_one_answer(layers: list[Any], why: str) -> None:
    nn = foxnn.neural_network([(None, 3), *layers], output_activation="softmax", seed=1)
    x = sequences(nn, (4, 2, 6))
    labels = [np.zeros(len(one), int) for one in x]
    message = re.escape(f"must have one row for each sequence, got one for each step: the network "
                        f"answers once a sequence, since {why}")  # fmt: skip
    cube, rows = np.ones((3, 5, 3)), np.zeros((3, 5), int)
    for given, y in ((x, labels), (x, [a.tolist() for a in labels]), (cube, rows),
                     (cube, np.ones((3, 5, 2)))):  # fmt: skip
        for call in (nn.fit, nn.evaluate, nn.train_on_batch):
            with pytest.raises(ValueError, match=f"y {message}"):
                call(given, y)  # type: ignore[operator]
    with pytest.raises(ValueError, match=f"sample_weight {message}"):
        nn.fit(x, [0, 1, 0], sample_weight=labels)
    # Two steps and two classes, one step and a column of labels: targets of the sequences.
    assert np.isfinite(nn.evaluate(np.ones((3, 2, 3)), np.eye(2)[[0, 1, 1]])["loss"])
    assert np.isfinite(nn.evaluate(np.ones((3, 1, 3)), [[0], [1], [1]])["loss"])


def test_labels_are_named_where_targets_do_not_fit() -> None:
    nn = foxnn.neural_network([(None, 3), Dense(2)], output_activation="softmax", seed=1)
    shapes = r"\(samples, 6\) for labels or \(samples, 6, 2\), or be a list of arrays, got"
    for y in (np.zeros((2, 5), int), np.zeros(2, int)):
        with pytest.raises(ValueError, match=f"y must have shape {shapes}"):
            nn.fit(X, y)
    single = foxnn.neural_network([(None, 3), Dense(1)], seed=1)
    with pytest.raises(ValueError, match=r"shape \(samples, 6\) or \(samples, 6, 1\), or be a"):
        single.fit(X, np.zeros((2, 5)))


@pytest.mark.parametrize(
    ("items", "network"),
    [([(7, 3), LSTM(4), 2], "(None, 3)"), ([(7,), Embedding(9, 2), GRU(2), 2], "(None,)")],
)
def test_sequences_for_a_network_of_one_length(items: list[Any], network: str) -> None:
    nn = foxnn.neural_network(items, seed=1)
    tail = nn._input_shape()[1:]
    x = [np.ones((4, *tail)), np.ones((2, *tail)), np.ones((7, *tail))]
    calls: list[Any] = [nn.predict, nn.get_out, nn.gradient, nn.layer_outputs]
    calls += [lambda x: nn.fit(x, np.ones((3, 2))), lambda x: nn.evaluate(x, np.ones((3, 2)))]
    if not tail:
        calls.remove(nn.gradient)  # indices have none
    for call in calls:
        for given in (x, [one.tolist() for one in x], held(x, "array", False)):
            with pytest.raises(ValueError, match=re.escape(
                f"got sequences of 2 to 7 steps; a network of shape {network} reads sequences of"
            )):  # fmt: skip
                call(given)


def test_nested_lists_may_be_padded() -> None:
    nn = network("steps")
    x, L = sequences(nn, (4, 2, 6)), [4, 2, 6]
    y, weights = wanted(nn, x), [np.ones(n) for n in L]
    P, Q, W = padded(x, 1, 0.0), padded(y, 1, 0.0), padded(weights, 1, 0.0)
    assert nn.predict(P.tolist(), lengths=L).tobytes() == nn.predict(P, lengths=L).tobytes()
    assert nn.predict(list(P), lengths=L).tobytes() == nn.predict(P, lengths=L).tobytes()
    expected = nn.evaluate(x, y, weights)
    assert nn.evaluate(P.tolist(), Q.tolist(), W.tolist(), lengths=L) == expected
    assert nn.evaluate(P, list(Q), list(W), lengths=L) == expected
    assert nn.evaluate(P, y, weights, lengths=L) == expected
    # A list of sequences has lists of its own lengths.
    with pytest.raises(ValueError, match=r"y\[0\] must have 4 positions"):
        nn.evaluate(x, Q.tolist())


def test_a_number_that_is_not_finite_is_named_by_its_step() -> None:
    nn = network("steps")
    x = sequences(nn, (4, 6))
    x[1][5, 2] = np.nan
    with pytest.raises(ValueError, match=r"got nan in sample 1, step 5, channel 2"):
        nn.predict(x)


def test_lengths_are_for_sequences_only() -> None:
    nn = foxnn.neural_network([(6, 3), Conv1D(4, 3), 2])
    with pytest.raises(ValueError, match="lengths must be left out"):
        nn.predict(X, lengths=[3, 6])
