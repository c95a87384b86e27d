"""Outputs with positions: labels, weights, losses and metrics of each pixel or step."""

from __future__ import annotations

import pickle
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from foxnn import Conv1D, Conv2D, Dense, Reshape, neural_network

RNG = np.random.default_rng(0)
N, AXES = 30, (4, 5)
X = RNG.normal(size=(N, *AXES, 2))
CODES = (X[..., 0] > 0.5) + (X[..., 1] > 0).astype(np.int64)  # 0, 1 or 2
SIDES = X[..., 0] > X[..., 1]
NAMES = np.array(["road", "sky", "tree"])
ONE_HOT = np.eye(3)[CODES]


def segmenter(seed: int = 1, **options: Any) -> neural_network:
    items = [(*AXES, 2), Conv2D(4, 3, padding="same"), Conv2D(3, 1)]
    return neural_network(items, "tanh", "softmax", seed=seed, **options)


def decider(**options: Any) -> neural_network:
    items = [(*AXES, 2), Conv2D(4, 3, padding="same"), Dense(1)]
    return neural_network(items, "tanh", "sigmoid", "binary_cross_entropy", seed=1, **options)


def outcome(nn: neural_network, y: Any, **options: Any) -> tuple[Any, ...]:
    """Return all that a training depends on, and what follows from it."""
    history = nn.fit(X, y, 2, 7, learning_rate=0.01, validation=0.2, **options)
    found = nn.evaluate(X, y), nn.train_on_batch(X, y)
    kept = {name: list(values) for name, values in history.items() if name != "seconds"}
    return kept, found, kinds.bits(nn)


# Labels


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (CODES, [0, 1, 2]),
        (CODES[..., None], [0, 1, 2]),
        (CODES.reshape(N, -1), [0, 1, 2]),
        (CODES.astype(np.uint8), [0, 1, 2]),
        (CODES.astype(np.float32), [0, 1, 2]),
        (np.asfortranarray(CODES), [0, 1, 2]),
        (CODES.tolist(), [0, 1, 2]),
        (CODES.astype(object), [0, 1, 2]),
        (CODES * 10 - 10, [-10, 0, 10]),
        (NAMES[CODES], NAMES.tolist()),
        (NAMES[CODES][..., None], NAMES.tolist()),
        (NAMES[CODES].reshape(N, -1), NAMES.tolist()),
        (NAMES[CODES].tolist(), NAMES.tolist()),
        (NAMES[CODES].astype(object), NAMES.tolist()),
    ],
)
def test_labels_are_as_good_as_one_hot_targets(labels: Any, classes: list[Any]) -> None:
    plain, nn = segmenter(), segmenter()
    expected = outcome(plain, ONE_HOT)
    assert outcome(nn, labels) == expected
    assert nn.classes == classes
    found = nn.predict_classes(X)
    assert found.shape == (N, *AXES)
    assert found.tolist() == np.array(classes)[plain.predict(X).argmax(axis=-1)].tolist()


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (SIDES, [False, True]),
        (SIDES[..., None], [False, True]),
        (SIDES.tolist(), [False, True]),
        (SIDES.astype(int), [0, 1]),
        (SIDES.reshape(N, -1).astype(np.uint8), [0, 1]),
        (np.where(SIDES, "yes", "no"), ["no", "yes"]),
        (np.where(SIDES, 7, 5), [5, 7]),
    ],
)
def test_one_output_at_a_position_tells_two_classes_apart(labels: Any, classes: list[Any]) -> None:
    plain, nn = decider(), decider()
    expected = outcome(plain, SIDES[..., None].astype(float))
    assert outcome(nn, labels) == expected
    assert nn.classes == classes
    chosen = (plain.predict(X)[..., 0] > 0.5).astype(int)
    assert nn.predict_classes(X).tolist() == np.array(classes)[chosen].tolist()


def test_several_sides_at_a_position() -> None:
    nn = neural_network(
        [(6, 2), Dense(3)], output_activation="sigmoid", loss="binary_cross_entropy", seed=1
    )
    x = RNG.normal(size=(9, 6, 2))
    y = (RNG.random((9, 6, 3)) < 0.5).astype(int)
    found = nn.predict_classes(x)
    assert found.tolist() == (nn.predict(x) > 0.5).astype(int).tolist()
    assert nn.evaluate(x, y)["accuracy"] == (found == y).all(axis=-1).mean()


def test_labels_that_come_later_must_be_among_the_classes() -> None:
    nn = segmenter()
    nn.fit(X, NAMES[CODES], epochs=1)
    before = kinds.bits(nn)
    wrong = NAMES[CODES].copy()
    wrong[3, 2, 1] = "cat"
    for call in (nn.fit, nn.evaluate, nn.train_on_batch):
        with pytest.raises(
            ValueError, match=r"labels in y must be among the classes 'road', .*'cat'"
        ):
            call(X, wrong)
    with pytest.raises(ValueError, match="y of validation must be among the classes"):
        nn.fit(X, NAMES[CODES], validation=(X, wrong))
    assert kinds.bits(nn) == before
    nn.classes = ["a", "b", "c"]
    with pytest.raises(ValueError, match="classes must be 3 different labels"):
        nn.classes = list("abcd") * 15  # as many as outputs, at all positions together


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", ">i4"])
@pytest.mark.parametrize("classes", [3, 128, 129, 300])
def test_labels_of_every_size_teach_the_same(kind: str, classes: int) -> None:
    most = min(classes - 1, np.iinfo(kind).max)
    codes = np.where(CODES == 2, most, CODES)
    found = []
    for y in (codes, codes.astype(kind)):
        items = [(*AXES, 2), Conv2D(4, 3, padding="same"), Conv2D(classes, 1)]
        nn = neural_network(items, "tanh", "softmax", seed=1)
        nn.fit(X, y, 2, 7, class_weight={most: 2.0}, validation=(X[:9], y[:9]))
        found.append((kinds.bits(nn), nn.train_on_batch(X, y), nn.evaluate(X, y)))
    assert found[0] == found[1]
    if np.iinfo(kind).max >= classes:
        wrong = codes.astype(kind)
        wrong[5, 2, 3] = classes
        with pytest.raises(ValueError, match=f"from 0 to {classes - 1}.*got {classes}|different"):
            nn.fit(X, wrong, 1)


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64])
def test_labels_are_not_copied(kind: Any) -> None:
    """A mask of bytes is not made one of 64 bits, let alone one-hot rows."""
    x = np.zeros((100, 64, 64), np.float32)
    y = (np.arange(x.size).reshape(x.shape) % 3).astype(kind)
    nn = neural_network([(64, 64, 1), Conv2D(3, 1)], "tanh", "softmax", seed=1)
    nn.fit(x[:10], y[:10], 1)
    tracemalloc.start()
    try:
        nn.fit(x, y, 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The check of a float32 array takes none of this; a copy as bytes would take x.size.
    assert peak < x.size // 2


@pytest.mark.parametrize("label", [-1, 3, 127])
def test_labels_that_change_during_the_training_reach_nothing_else(label: int) -> None:
    """Where a label became none of the classes, no class is wanted."""
    found = []
    for y in (CODES.astype(np.int8), ONE_HOT.copy()):
        nn = segmenter()

        def change(epoch: int, logs: dict[str, float], y: Any = y) -> None:
            y[:10] = label if y.ndim == 3 else 0

        nn.fit(X, y, 3, 7, callbacks=[change])
        found.append(kinds.bits(nn))
    assert found[0] == found[1]


# Losses and weights


def losses(nn: neural_network, y: np.ndarray) -> np.ndarray:
    """Return the loss at each position, by its formula."""
    a = nn.predict(X).astype(np.float64)
    if nn.loss == "cross_entropy":
        return -(y * np.log(a)).sum(axis=-1)
    if nn.loss == "mse":
        return 0.5 * ((a - y) ** 2).sum(axis=-1)
    return -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum(axis=-1)


OF_SAMPLES = RNG.integers(0, 4, N) / 2.0
OF_POSITIONS = RNG.integers(0, 4, (N, *AXES)) / 2.0


@pytest.mark.parametrize("make", [segmenter, decider, lambda **o: segmenter(loss="mse", **o)])
def test_the_loss_is_the_weighted_mean_over_positions(make: Callable[..., Any]) -> None:
    nn = make(dtype="float64")
    y = ONE_HOT if nn._channels() == 3 else SIDES[..., None].astype(float)
    each = losses(nn, y)
    assert nn.evaluate(X, y)["loss"] == pytest.approx(each.mean(), rel=1e-13)
    weights = OF_SAMPLES[:, None, None] * np.ones((N, *AXES))
    expected = pytest.approx((weights * each).sum() / weights.sum(), rel=1e-13)
    assert nn.evaluate(X, y, OF_SAMPLES)["loss"] == expected
    assert nn.evaluate(X, y, weights)["loss"] == expected
    assert nn.evaluate(X, y, weights.reshape(N, -1) * 1e9)["loss"] == expected
    expected = pytest.approx((OF_POSITIONS * each).sum() / OF_POSITIONS.sum(), rel=1e-13)
    assert nn.evaluate(X, y, OF_POSITIONS)["loss"] == expected
    # Of a single batch, fit's loss is that before its step.
    history = nn.fit(X, y, 1, N, sample_weight=OF_POSITIONS, validation=(X, y, OF_POSITIONS))
    assert history["loss"][0] == expected
    assert history["val_loss"][0] == nn.evaluate(X, y, OF_POSITIONS)["loss"]


@pytest.mark.parametrize("count", [31, 32, 33, 64, 100])
def test_the_loss_of_many_positions(count: int) -> None:
    nn = neural_network([(count, 2), Dense(3, "identity")], seed=1, dtype="float64")
    x, y = RNG.normal(size=(9, count, 2)), RNG.normal(size=(9, count, 3))
    each = 0.5 * ((nn.predict(x) - y) ** 2).sum(axis=-1)
    assert nn.evaluate(x, y)["loss"] == pytest.approx(each.mean(), rel=1e-13)
    weights = RNG.random(9)
    expected = (weights @ each.mean(axis=1)) / weights.sum()
    assert nn.evaluate(x, y, weights)["loss"] == pytest.approx(expected, rel=1e-13)
    assert nn.train_on_batch(x, y) == pytest.approx(each.mean(), rel=1e-13)


def test_weights_of_positions_that_are_all_the_same_change_nothing_but_rounding() -> None:
    plain, nn = segmenter(dtype="float64"), segmenter(dtype="float64")
    plain.fit(X, CODES, 3, 7, sample_weight=OF_SAMPLES)
    nn.fit(X, CODES, 3, 7, sample_weight=OF_SAMPLES[:, None, None] * np.ones(AXES))
    for one, other in zip(kinds.arrays(plain).values(), kinds.arrays(nn).values(), strict=True):
        assert np.abs(one - other).max() < 1e-12


def test_positions_of_weight_zero_teach_nothing() -> None:
    other = np.where(OF_POSITIONS == 0, (CODES + 1) % 3, CODES)
    assert (other != CODES).any()
    results = []
    for y in (CODES, other):
        nn = segmenter()
        history = nn.fit(X, y, 3, 7, sample_weight=OF_POSITIONS)
        results.append((history["loss"], kinds.bits(nn)))
    assert results[0] == results[1]


@pytest.mark.parametrize("weights", [None, OF_SAMPLES, OF_POSITIONS])
def test_classes_have_weights_at_each_position(weights: Any) -> None:
    by_class = np.array([0.5, 2.0, 1.0])
    whole = np.ones((N, *AXES)) if weights is None else weights
    whole = whole if whole.ndim > 1 else np.ones((N, *AXES)) * whole[:, None, None]
    results = []
    for options in (
        {"sample_weight": weights, "class_weight": {"road": 0.5, "sky": 2.0}},
        {"sample_weight": whole * by_class[CODES]},
    ):
        nn = segmenter()
        history = nn.fit(X, NAMES[CODES], 2, 7, **options)
        results.append((history["loss"], kinds.bits(nn)))
    assert results[0] == results[1]


def test_balanced_classes_at_positions() -> None:
    counts = np.bincount(CODES.reshape(-1))
    results = []
    for options in (
        {"class_weight": "balanced"},
        {"class_weight": dict(enumerate(CODES.size / (3 * counts)))},
    ):
        nn = segmenter()
        nn.fit(X, CODES, 2, 7, **options)
        results.append(kinds.bits(nn))
    assert results[0] == results[1]


def test_a_held_out_share_is_drawn_without_regard_to_the_classes_of_positions() -> None:
    rare = np.zeros((N, *AXES), int)
    rare[0, 0, 0], rare[1, 0, 0] = 1, 2  # a share stratified by class would need more samples
    nn = segmenter()
    history = nn.fit(X, rare, 1, validation=0.1)
    assert len(history["val_loss"]) == len(history["val_accuracy"]) == 1
    nn = segmenter()
    nn.fit(X, rare, 1, validation=0.9, sample_weight=OF_POSITIONS)
    with pytest.raises(ValueError, match="leaves only samples of weight 0 to validate on"):
        nn.fit(X, rare, 1, validation=0.1, sample_weight=np.eye(N)[:, :1] * np.ones((N, 20)))


def test_early_stopping_by_the_accuracy_of_positions() -> None:
    nn = segmenter()
    rule = foxnn.EarlyStopping(patience=2, monitor="val_accuracy")
    history = nn.fit(
        X, CODES, 60, 7, learning_rate=0.05, validation=(X, CODES), early_stopping=rule
    )
    best = max(history["val_accuracy"])
    assert 0.5 < best <= 1.0
    assert nn.evaluate(X, CODES)["accuracy"] == best
    assert best == (nn.predict_classes(X) == CODES).mean()


def test_the_sums_of_batches_count_positions() -> None:
    seen: list[dict[str, float]] = []

    class Listener:
        def on_batch_end(self, batch: int, logs: dict[str, float]) -> None:
            seen.append(logs)

    nn, rate = segmenter(), 1e-12  # so that no answer changes
    history = nn.fit(X, CODES, 1, 10, "sgd", rate, shuffle=False, callbacks=Listener())
    right = nn.predict_classes(X) == CODES
    expected = [right[first : first + 10].mean() for first in (0, 10, 20)]
    assert [logs["accuracy"] for logs in seen] == pytest.approx(expected)
    assert history["accuracy"] == pytest.approx([right.mean()])


# Metrics


@pytest.mark.parametrize("weights", [None, OF_SAMPLES, OF_POSITIONS])
def test_metrics_take_each_position_as_a_sample(weights: Any) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    nn = segmenter()
    nn.fit(X, CODES, 3, 7, learning_rate=0.01)
    found = nn.evaluate(
        X, CODES, weights, metrics=("accuracy", "f1", "mcc", "auc", "top_2", "brier")
    )
    a = nn.predict(X).reshape(-1, 3).astype(np.float64)
    y, chosen = CODES.reshape(-1), a.argmax(axis=1)
    w = np.ones((N, *AXES)) if weights is None else weights
    w = (w if w.ndim > 1 else np.ones((N, *AXES)) * w[:, None, None]).reshape(-1)
    assert found["accuracy"] == pytest.approx(sklearn.accuracy_score(y, chosen, sample_weight=w))
    expected = sklearn.f1_score(y, chosen, average="macro", sample_weight=w)
    assert found["f1"] == pytest.approx(expected)
    assert found["mcc"] == pytest.approx(sklearn.matthews_corrcoef(y, chosen, sample_weight=w))
    some = w > 0
    a /= a.sum(axis=1, keepdims=True)
    areas = [
        sklearn.roc_auc_score(y[some] == k, a[some, k], sample_weight=w[some]) for k in range(3)
    ]
    assert found["auc"] == pytest.approx(np.mean(areas), rel=1e-6)
    top = sklearn.top_k_accuracy_score(y, a, k=2, sample_weight=w)
    assert found["top_2"] == pytest.approx(top)


def test_metrics_of_many_positions_need_few_copies() -> None:
    x = np.zeros((100, 32, 32), np.float32)
    y = (np.arange(x.size).reshape(x.shape) % 8).astype(np.uint8)
    nn = neural_network([(32, 32, 1), Conv2D(8, 1)], output_activation="softmax", seed=1)
    nn.evaluate(x[:5], y[:5], metrics="f1")
    tracemalloc.start()
    try:
        nn.evaluate(x, y, metrics="f1")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Outputs in 32 bits, outputs and one-hot rows in 64, and some numbers for each position.
    assert peak < x.size * (8 * (4 + 8 + 8) + 64)


def test_metrics_of_numbers_at_positions() -> None:
    nn = neural_network([(6, 2), Dense(2, "identity")], seed=1, dtype="float64")
    x, y = RNG.normal(size=(9, 6, 2)), RNG.normal(size=(9, 6, 2))
    weights = RNG.random((9, 6))
    found = nn.evaluate(x, y, weights, metrics=("mse", "r2"))
    errors = ((nn.predict(x) - y) ** 2).reshape(-1, 2)
    share = (weights / weights.sum()).reshape(-1, 1)
    squares = (share * errors).sum(axis=0)
    spread = (share * (y.reshape(-1, 2) - (share * y.reshape(-1, 2)).sum(axis=0)) ** 2).sum(axis=0)
    assert found["mse"] == pytest.approx(squares.mean())
    assert found["mse"] == pytest.approx(found["loss"])  # two outputs, and half their squares
    assert found["r2"] == pytest.approx((1 - squares / spread).mean())


def test_a_warning_about_softmax_outputs_at_positions_that_cannot_add_up() -> None:
    nn = segmenter(loss="mse")
    nn.fit(X, ONE_HOT, 1)  # which do
    with pytest.warns(foxnn.DataWarning, match="add up to 1"):
        nn.fit(X, 1.0 - ONE_HOT, 1)


def test_a_run_that_ends_too_early_is_told() -> None:
    shares = np.bincount(CODES.reshape(-1)) / CODES.size
    guessing = -(shares * np.log(shares)).sum()
    for y in (CODES, ONE_HOT):
        nn = segmenter()
        with pytest.warns(foxnn.ConvergenceWarning, match=f"output has a loss of {guessing:.3g};"):
            nn.fit(X, y, 10, 2, learning_rate=0.003, sample_weight=np.full((N, *AXES), 0.5))


# Files


def test_a_run_with_weights_of_positions_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    options: dict[str, Any] = {"validation": 0.2, "class_weight": {"sky": 3.0}}
    whole, cut = segmenter(), segmenter()
    y = NAMES[CODES]
    losses = whole.fit(X, y, 4, 7, sample_weight=OF_POSITIONS, **options)
    stop = lambda epoch, logs: epoch == 1  # noqa: E731
    cut.fit(X, y, 4, 7, sample_weight=OF_POSITIONS, checkpoint=path, callbacks=stop, **options)
    twin, history = foxnn.resume(path, X, y, sample_weight=OF_POSITIONS)
    assert history["loss"] == losses["loss"]
    assert history["val_accuracy"] == losses["val_accuracy"]
    assert kinds.bits(twin) == kinds.bits(whole)
    assert twin.classes == NAMES.tolist()


def test_a_run_that_stops_within_an_epoch_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"

    class Stop:
        def on_batch_end(self, batch: int, logs: dict[str, float]) -> bool:
            return batch == 2

    whole, cut = segmenter(), segmenter()
    history = whole.fit(X, CODES, 3, 7)
    cut.fit(X, CODES, 3, 7, checkpoint=path, callbacks=Stop())
    twin, resumed = foxnn.resume(path, X, CODES)
    assert resumed["accuracy"] == history["accuracy"]
    assert resumed["loss"] == history["loss"]
    assert kinds.bits(twin) == kinds.bits(whole)


@pytest.mark.parametrize("way", ["pickle", "net.safetensors", "net.onnx"])
def test_files_keep_the_classes_of_positions(way: str, tmp_path: Path) -> None:
    nn = segmenter()
    nn.fit(X, NAMES[CODES], 2, 7)
    if way == "pickle":
        twin = pickle.loads(pickle.dumps(nn))
    else:
        pytest.importorskip("onnx")
        nn.save(str(tmp_path / way))
        twin = neural_network(str(tmp_path / way))
    assert twin.classes == NAMES.tolist()
    assert twin.loss == "cross_entropy"
    assert np.abs(twin.predict(X) - nn.predict(X)).max() < 1e-6
    assert twin.predict_classes(X).tolist() == nn.predict_classes(X).tolist()


@pytest.mark.parametrize("width", [1, 3, 40])
@pytest.mark.parametrize("is_conv", [True, False])
def test_onnxruntime_gives_the_same(is_conv: bool, width: int, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    last: Any = Conv2D(width, 1) if is_conv else Dense(width)
    ending = "softmax" if width > 1 else "sigmoid"
    nn = neural_network([(*AXES, 2), Conv2D(4, 3, padding="same"), last], "tanh", ending, seed=1)
    nn.save(str(tmp_path / "net.onnx"))
    session = runtime.InferenceSession(str(tmp_path / "net.onnx"))
    (found,) = session.run(None, {"x": X.astype(np.float32)})
    assert found.shape == (N, *AXES, width)
    assert np.abs(found - nn.predict(X)).max() < 1e-5


def graph_of_other(axis: int | None, opset: int, weights: np.ndarray) -> Any:
    """Return a graph with channels first, as PyTorch writes it: Conv and Softmax over `axis`."""
    onnx = pytest.importorskip("onnx")
    helper, single = onnx.helper, onnx.TensorProto.FLOAT
    more = {} if axis is None else {"axis": axis}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["z"], kernel_shape=[1, 1]),
        helper.make_node("Softmax", ["z"], ["y"], **more),
    ]
    ends = [
        helper.make_tensor_value_info(name, single, ["n", count, *AXES])
        for name, count in (("x", 2), ("y", 3))
    ]
    arrays = [onnx.numpy_helper.from_array(weights, "w")]
    graph = helper.make_graph(nodes, "other", ends[:1], ends[1:], arrays)
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=7)


def test_a_segmenter_of_another_library(tmp_path: Path) -> None:
    weights = RNG.normal(size=(3, 2, 1, 1)).astype(np.float32)
    path = tmp_path / "other.onnx"
    path.write_bytes(graph_of_other(1, 13, weights).SerializeToString())
    nn = neural_network(str(path))
    assert nn.loss == "cross_entropy"
    z = X.astype(np.float32) @ weights[:, :, 0, 0].T
    expected = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    assert np.abs(nn.predict(X) - expected).max() < 1e-6
    # Over a row of pixels, or before operator set 13 over all numbers of a sample: no layer does.
    for axis, opset in ((3, 13), (None, 13), (1, 11), (None, 11)):
        path.write_bytes(graph_of_other(axis, opset, weights).SerializeToString())
        with pytest.raises(foxnn.FileFormatError, match=r"Softmax.*expected the last axis"):
            neural_network(str(path))


def test_logits_of_another_library_get_a_softmax_at_each_position(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    nn = neural_network([(*AXES, 2), Conv2D(3, 3, activation="identity")], seed=1)
    nn.save(str(tmp_path / "net.onnx"))
    twin = neural_network(str(tmp_path / "net.onnx"), loss="cross_entropy")
    z = np.exp(nn.predict(X))
    assert np.abs(twin.predict(X) - z / z.sum(axis=-1, keepdims=True)).max() < 1e-6


# What is refused


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (CODES[0], r"y must have shape \(samples, 4, 5\) for labels, or \(samples, 4, 5, 3\) or "
         r"\(samples, 60\), got \(4, 5\)"),
        (CODES[:, 0], r"y must have shape .* got \(30, 5\)"),
        (CODES[..., None, None], r"y must have shape .* got \(30, 4, 5, 1, 1\)"),
        (CODES.transpose(0, 2, 1), r"y must have shape .* got \(30, 5, 4\)"),
        (CODES.reshape(-1), r"y must have shape .* got \(600,\)"),
        (ONE_HOT[..., :2], r"y must have shape .* got \(30, 4, 5, 2\)"),
        (ONE_HOT.transpose(0, 3, 1, 2), r"got \(30, 3, 4, 5\); channels are last: numpy.moveaxis"),
        (ONE_HOT[0], r"got \(4, 5, 3\); a single sample is y\[None\]"),
        (3, r"y must have shape .* got \(\)"),
        (NAMES[CODES[:, 0]], r"y must have shape \(samples, 4, 5\) for labels, got \(30, 5\)"),
        (CODES[:9], "x and y must hold the same number of samples, got 30 and 9"),
        (CODES + 0.5, "class labels in y must be whole numbers from 0 to 2, got 0.5"),
        (CODES - 0.5, "class labels in y must be whole numbers from 0 to 2, got -0.5"),
        (CODES % 2 * 5 - 5, "y must hold whole numbers from 0 to 2, or 3 different class labels"),
        (-ONE_HOT, "y must be shares of the classes, none below 0, got -1"),
        (np.full((N, *AXES), np.nan), "class labels in y must be whole numbers .* got nan"),
        (np.full((N, *AXES, 3), np.nan), "y must be finite"),
        ([[["a"] * 5] * 4] * 29 + [[["a"] * 4 + [None]] * 4], "got None in sample 29"),
        (CODES.astype(complex), "y must hold real numbers"),
    ],
)  # fmt: skip
def test_targets_of_another_shape_or_kind(y: Any, message: str) -> None:
    nn = segmenter()
    before = kinds.bits(nn)
    for call in (nn.fit, nn.evaluate, nn.train_on_batch):
        if call != nn.fit and "or 3 different" in message:
            message = "class labels in y must be whole numbers from 0 to 2"
        with pytest.raises((ValueError, TypeError), match=message):
            call(X, y)
    assert kinds.bits(nn) == before
    assert nn.classes is None


def test_labels_of_positions_need_a_loss_of_classes() -> None:
    nn = segmenter(loss="mse")
    hint = r"got \(30, 4, 5\) \(class labels need loss='cross_entropy'\)"
    with pytest.raises(ValueError, match=r"y must have shape \(samples, 4, 5, 3\) or .*" + hint):
        nn.fit(X, CODES)
    with pytest.raises(ValueError, match="class_weight needs classes"):
        nn.fit(X, ONE_HOT, class_weight="balanced")
    with pytest.raises(ValueError, match=r"y must be from 0 to 1 for binary_cross_entropy, got 2"):
        decider().evaluate(X, CODES)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones((N, 4)), r"must have shape \(30,\), one for each sample, or \(30, 4, 5\), one for "
         r"each position, got \(30, 4\)"),
        (np.ones((N, *AXES, 3)), r".* one for each position, got \(30, 4, 5, 3\)"),
        (np.ones(AXES), r".* one for each position, got \(4, 5\)"),
        (np.zeros((N, *AXES)), "must not all be 0"),
        (-OF_POSITIONS, "must be finite and at least 0, got -"),
        (np.full((N, *AXES), np.inf), "must be finite and at least 0, got inf"),
        (2.0, r".* got \(\) \(foxnn divides the samples into batches itself\)"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit(weights: Any, message: str) -> None:
    nn = segmenter()
    for call in (nn.fit, nn.evaluate):
        with pytest.raises(ValueError, match=f"sample_weight {message}"):
            call(X, CODES, sample_weight=weights)
    with pytest.raises(ValueError, match=f"the weights of validation {message}"):
        nn.fit(X, CODES, validation=(X, CODES, weights))
    flat = neural_network([2, 3], seed=1)
    with pytest.raises(
        ValueError, match=r"must have shape \(5,\), one for each sample, got \(5, 3\)"
    ):
        flat.fit(np.ones((5, 2)), np.ones((5, 3)), sample_weight=np.ones((5, 3)))


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((9, 27, 28), ""),
        ((9, 28, 27, 1), ""),
        ((9, 28, 28, 3), ""),
        ((9, 783), ""),
        ((9, 28), ""),
        ((9, 1, 28, 28), r"; channels are last: numpy\.moveaxis\(x, 1, -1\)"),
        ((28, 28), r"; a single sample is x\[None\]"),
        ((28, 28, 1), r"; a single sample is x\[None\]"),
        ((784,), ""),
    ],
)
def test_pictures_of_another_shape(shape: tuple[int, ...], hint: str) -> None:
    nn = neural_network([(28, 28, 1), Conv2D(2, 3), 2], output_activation="softmax", seed=1)
    for right in ((9, 28, 28), (9, 784), (9, 28, 28, 1)):
        assert nn.predict(np.ones(right)).shape == (9, 2)
    allowed = r"\(samples, 28, 28, 1\) or \(samples, 784\) or \(samples, 28, 28\)"
    message = rf"x must have shape {allowed}, got {re.escape(str(shape))}{hint}$"
    for call in (nn.fit, nn.evaluate, nn.train_on_batch):
        with pytest.raises(ValueError, match=message):
            call(np.ones(shape), np.zeros(9, int))
    with pytest.raises(ValueError, match=message):
        nn.predict(np.ones(shape))


def test_softmax_needs_two_channels_and_the_last_place() -> None:
    with pytest.raises(ValueError, match="softmax needs at least two outputs, got 1"):
        neural_network([(4, 3), Dense(1, "softmax")])
    with pytest.raises(ValueError, match=r"sizes\[1\] \(Dense\): activation 'softmax' is for the"):
        neural_network([(4, 3), Dense(2, "softmax"), Reshape((2, 4))])
    with pytest.raises(ValueError, match="loss 'cross_entropy' needs a softmax output layer"):
        neural_network([(4, 3), Dense(2, "tanh")], loss="cross_entropy")


# Layers that are changed


def test_softmax_may_come_later() -> None:
    nn = neural_network([(4, 3), Dense(3, "tanh")], loss="mse", seed=1, dtype="float64")
    right = neural_network([(4, 3), Dense(3, "softmax")], loss="mse", seed=1, dtype="float64")
    nn[-1].set_activation_function("softmax")
    x, y = RNG.normal(size=(9, 12)), RNG.random((9, 4, 3))
    assert nn.predict(x).tobytes() == right.predict(x).tobytes()
    assert nn.evaluate(x, y) == right.evaluate(x, y)
    assert np.abs(nn.predict(x).sum(axis=-1) - 1.0).max() < 1e-14


def test_a_layer_behind_outputs_with_positions() -> None:
    nn = neural_network([(4, 3), Dense(5, "tanh")], seed=1)
    nn.next_layer(Dense(3, "softmax"))
    assert nn.loss == "cross_entropy"
    x, y = RNG.normal(size=(9, 4, 3)), RNG.integers(0, 3, (9, 4))
    twin = neural_network([(4, 3), *nn[:]], seed=1)
    assert nn.predict(x).tobytes() == twin.predict(x).tobytes()
    assert nn.fit(x, y, 2)["loss"] == twin.fit(x, y, 2)["loss"]
    with pytest.raises(ValueError, match="softmax is for the output layer: nothing can follow it"):
        nn.next_layer(Dense(2))


# FoxNN's interface


def test_foxnn_counts_samples_that_are_right_at_every_position() -> None:
    nn = neural_network([(4, 2), Dense(3, "softmax")], seed=1)
    x = RNG.normal(size=(9, 8))
    wanted = np.eye(3)[nn.predict_classes(x)]
    wanted[0, 2] = np.roll(wanted[0, 2], 1)
    nn.settings.max_on_last_layer = True
    data = foxnn.train_data(x, wanted.reshape(9, -1))
    assert nn.testing(data) == pytest.approx(2 / 9)


# Learning


def test_a_small_network_tells_pixels_apart() -> None:
    """Discs and squares on a noisy ground: each pixel is of one of three kinds."""
    rng, size = np.random.default_rng(1), 16
    rows, columns = np.mgrid[:size, :size]
    labels = np.zeros((240, size, size), np.int64)
    for picture in labels:
        for kind in (1, 2):
            row, column, radius = *rng.integers(3, size - 3, 2), rng.integers(2, 4)
            down, along = np.abs(rows - row), np.abs(columns - column)
            disc = down**2 + along**2 <= radius**2
            picture[disc if kind == 1 else np.maximum(down, along) < radius] = kind
    x = np.array([0.0, 1.0, -1.0])[labels] + rng.normal(scale=0.5, size=labels.shape)
    nn = neural_network(
        [(size, size, 1), Conv2D(12, 5, padding="same"), Conv2D(12, 5, padding="same"), Dense(3)],
        activation="relu", output_activation="softmax", seed=1,
    )  # fmt: skip
    nn.fit(x[:200], labels[:200], 15, 8, learning_rate=0.01)
    found = nn.evaluate(x[200:], labels[200:])
    guess = (labels[200:] == 0).mean()
    assert guess < 0.9
    assert found["accuracy"] > 0.97


def test_steps_of_a_sequence_are_labelled() -> None:
    """Which of two tones a signal is in, step by step, from the steps around."""
    rng = np.random.default_rng(2)
    labels = (np.cumsum(rng.random((200, 40)) < 0.06, axis=1) % 2).astype(np.int64)
    phase = np.cumsum(np.where(labels == 1, 1.6, 0.5), axis=1) + rng.random((200, 1)) * 6
    x = np.sin(phase) + rng.normal(scale=0.1, size=phase.shape)
    nn = neural_network(
        [(40, 1), Conv1D(16, 5, padding="same"), Conv1D(16, 5, padding="same"), Conv1D(1, 1)],
        "relu", "sigmoid", "binary_cross_entropy", seed=1,
    )  # fmt: skip
    names = np.array(["low", "high"])[labels]
    nn.fit(x[:150], names[:150], 20, 16, learning_rate=0.01)
    nn_found = nn.predict_classes(x[150:])
    assert (nn_found == names[150:]).mean() > 0.95
