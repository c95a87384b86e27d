"""Labels of classes: strings, whole numbers, bools and categories are as good as 0 to n - 1."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from forced_runs import inputs, parameters

X = inputs(45, 3)
CODES = np.arange(45) * 7 % 3
SIDES = np.arange(45) * 7 % 2
NAMES = np.array(["ant", "bee", "cat"])


def classifier(**options: Any) -> foxnn.neural_network:
    return foxnn.neural_network([3, 5, 3], "tanh", "softmax", seed=1, **options)


def decider() -> foxnn.neural_network:
    return foxnn.neural_network([3, 5, 1], "tanh", "sigmoid", "binary_cross_entropy", seed=1)


def named() -> foxnn.neural_network:
    """Return a network that has learnt names."""
    nn = classifier()
    nn.fit(X, NAMES[CODES], epochs=3, learning_rate=0.02)
    return nn


def in_pandas(values: Any, **options: Any) -> Any:
    return pytest.importorskip("pandas").Series(values, **options)


def categories(*names: str) -> Callable[[], Any]:
    return lambda: in_pandas(pytest.importorskip("pandas").Categorical(NAMES[CODES], list(names)))


def polars(of: Callable[[Any], Any]) -> Callable[[], Any]:
    return lambda: of(pytest.importorskip("polars"))


def one_column(values: Any) -> Any:
    return pytest.importorskip("pandas").DataFrame({"kind": values})


ABC = ["ant", "bee", "cat"]
KINDS: list[tuple[str, Callable[[], Any], list[Any]]] = [
    ("numbers", lambda: CODES, [0, 1, 2]),
    ("a column of numbers", lambda: CODES[:, None], [0, 1, 2]),
    ("objects that are numbers", lambda: CODES.astype(object), [0, 1, 2]),
    ("floats", lambda: CODES.astype(float), [0, 1, 2]),
    ("a bool network's tuple", lambda: tuple(CODES.tolist()), [0, 1, 2]),
    ("from one", lambda: CODES + 1, [1, 2, 3]),
    ("from one, a column", lambda: (CODES + 1)[:, None].astype(np.float32), [1, 2, 3]),
    ("below zero", lambda: (CODES * 10 - 10).tolist(), [-10, 0, 10]),
    ("large", lambda: CODES.astype(np.uint64) + 2**63, [2**63, 2**63 + 1, 2**63 + 2]),
    ("strings", lambda: NAMES[CODES], ABC),
    ("a list of strings", lambda: NAMES[CODES].tolist(), ABC),
    ("lists of strings", lambda: NAMES[CODES][:, None].tolist(), ABC),
    ("objects that are strings", lambda: NAMES[CODES].astype(object), ABC),
    ("strings of digits", lambda: np.array(["01", "1", "2"])[CODES], ["01", "1", "2"]),
    ("pandas strings", lambda: in_pandas(NAMES[CODES]), ABC),
    ("pandas' own strings", lambda: in_pandas(NAMES[CODES], dtype="string"), ABC),
    ("pandas numbers", lambda: in_pandas(CODES + 5), [5, 6, 7]),
    ("pandas nullable numbers", lambda: in_pandas(CODES + 5, dtype="Int64"), [5, 6, 7]),
    ("a pandas table", lambda: one_column(NAMES[CODES]), ABC),
    ("a pandas table of numbers", lambda: one_column(CODES + 5), [5, 6, 7]),
    ("pandas categories", categories("ant", "bee", "cat", "dog"), ABC),
    ("polars strings", polars(lambda p: p.Series(NAMES[CODES])), ABC),
    ("polars numbers", polars(lambda p: p.Series(CODES + 5)), [5, 6, 7]),
    ("a polars table", polars(lambda p: p.DataFrame({"kind": NAMES[CODES]})), ABC),
    ("polars categories", polars(lambda p: p.Series(NAMES[CODES], dtype=p.Categorical)), ABC),
]  # fmt: skip


@pytest.mark.parametrize(("make", "classes"), [k[1:] for k in KINDS], ids=[k[0] for k in KINDS])
def test_labels_are_numbers_to_the_network(make: Callable[[], Any], classes: list[Any]) -> None:
    y = make()
    plain, nn = classifier(), classifier()
    plain.fit(X, CODES, epochs=3, validation=(X[:9], CODES[:9]))
    assert nn.classes is None
    nn.fit(X, y, epochs=3, validation=(X[:9], y[:9]))
    assert parameters(nn).tobytes() == parameters(plain).tobytes()
    assert plain.history is not None
    assert nn.history is not None
    assert nn.history["val_loss"] == plain.history["val_loss"]
    assert nn.classes == classes
    assert [type(label) for label in nn.classes] == [type(label) for label in classes]
    assert nn.evaluate(X, y) == plain.evaluate(X, CODES)
    assert nn.train_on_batch(X, y) == plain.train_on_batch(X, CODES)
    expected = [classes[i] for i in plain.predict(X).argmax(axis=1)]
    assert nn.predict_classes(X).tolist() == expected


def test_the_order_of_categories_is_that_of_the_outputs() -> None:
    nn = classifier()
    nn.fit(X, categories("cat", "ant", "bee")(), epochs=1)
    assert nn.classes == ["cat", "ant", "bee"]
    few = categories("cat", "ant", "bee")()[CODES > 0]
    nn = classifier()
    nn.fit(X[CODES > 0], few, epochs=1)  # "ant" does not occur, and has its output
    assert nn.classes == ["cat", "ant", "bee"]
    polars = pytest.importorskip("polars")
    nn = classifier()
    nn.fit(X, polars.Series(NAMES[CODES], dtype=polars.Enum(["cat", "bee", "ant"])), epochs=1)
    assert nn.classes == ["cat", "bee", "ant"]


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (SIDES, [0, 1]),
        (SIDES.astype(float), [0, 1]),
        (SIDES == 1, [False, True]),
        ((SIDES == 1).tolist(), [False, True]),
        ((SIDES == 1)[:, None], [False, True]),
        (SIDES * 2 - 1, [-1, 1]),
        (SIDES[:, None] + 1.0, [1, 2]),
        (np.where(SIDES, "yes", "no"), ["no", "yes"]),
        (np.where(SIDES, "yes", "no")[:, None], ["no", "yes"]),
    ],
    ids=str,
)
def test_two_classes_and_one_output(y: Any, classes: list[Any]) -> None:
    plain, nn = decider(), decider()
    plain.fit(X, SIDES, epochs=3)
    nn.fit(X, y, epochs=3, class_weight=dict.fromkeys(classes, 2.0))
    assert parameters(nn).tobytes() == parameters(plain).tobytes()
    assert nn.classes == classes
    assert nn.evaluate(X, y) == plain.evaluate(X, SIDES)
    expected = [classes[int(p > 0.5)] for p in plain.predict(X)[:, 0]]
    assert nn.predict_classes(X).tolist() == expected


def test_bools_are_the_classes_of_two_outputs() -> None:
    nn = foxnn.neural_network([3, 2], output_activation="softmax", seed=1)
    nn.fit(X, SIDES == 1, epochs=1)
    assert nn.classes == [False, True]
    assert nn.predict_classes(X).dtype == bool
    assert nn.evaluate(X, SIDES) == nn.evaluate(X, SIDES == 1)


def test_shares_and_rows_are_no_labels() -> None:
    nn = decider()
    nn.fit(X, np.linspace(0, 1, 45), epochs=1)
    assert nn.classes is None
    rows = classifier()
    rows.fit(X, np.eye(3)[CODES], epochs=1)
    assert rows.classes is None
    assert rows.predict_classes(X).tolist() == rows.predict(X).argmax(axis=1).tolist()
    several = foxnn.neural_network([3, 2], "sigmoid", loss="binary_cross_entropy", seed=1)
    assert several.predict_classes(X).tolist() == (several.predict(X) > 0.5).astype(int).tolist()


def test_a_network_with_names_still_takes_rows() -> None:
    nn = named()
    assert nn.evaluate(X, np.eye(3)[CODES]) == nn.evaluate(X, NAMES[CODES])
    assert nn.trace(X[0], "bee")["y"].tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (["dog"] * 45, ValueError, "labels in y must be among the classes 'ant', .*; got 'dog'"),
        (CODES, ValueError, "among the classes 'ant', 'bee', 'cat'; got 0"),
        ([None] * 45, ValueError, "y must have no missing labels, got None in sample 0"),
        (["ant", float("nan")] + ["bee"] * 43, ValueError, "no missing labels, got nan"),
        (["ant", 1] + ["bee"] * 43, TypeError, "labels in y must be of one kind, got int, str"),
        ([b"ant"] * 45, TypeError, "labels in y must be strings, whole numbers or True and False"),
        (NAMES[CODES][:9], ValueError, "same number of samples"),
    ],
)  # fmt: skip
def test_labels_that_are_refused(y: Any, error: type[Exception], message: str) -> None:
    nn = named()
    before = pickle.dumps(nn)
    for call in (nn.fit, nn.evaluate, nn.train_on_batch):
        with pytest.raises(error, match=message):
            call(X, y)
    if error is ValueError and len(y) == 45:
        with pytest.raises(error, match="the y of validation"):
            nn.fit(X, NAMES[CODES], validation=(X, y))
    assert pickle.dumps(nn) == before


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array(["a", "b"])[SIDES], "3 different class labels, .* got 2: 'a', 'b'; set nn.c"),
        (CODES + (np.arange(45) == 5), "to 2, or 3 different class labels, .* got 4: 0, 1, 2, 3$"),
        (np.arange(45).astype(str), "got at least 45: '0', '1', '10'"),
        (CODES + 0.5, "whole numbers from 0 to 2, got 0.5"),
    ],
)  # fmt: skip
def test_labels_of_another_number_of_kinds(y: Any, message: str) -> None:
    nn = classifier()
    with pytest.raises(ValueError, match=message):
        nn.fit(X, y)
    assert nn.classes is None


def test_numbers_seen_are_kept_too() -> None:
    nn = classifier()
    nn.fit(X, CODES, epochs=1)
    for later, got in ((CODES + 1, "got 3"), (NAMES[CODES], "among the classes 0, 1, 2; got ")):
        with pytest.raises(ValueError, match=got):
            nn.fit(X, later)
    nn.classes = None
    nn.fit(X, NAMES[CODES], epochs=1)
    assert nn.classes == ABC


def test_labels_before_any_classes() -> None:
    for call in (classifier().evaluate, classifier().train_on_batch):
        with pytest.raises(ValueError, match="while the network has no classes, got 'ant'"):
            call(X, NAMES[CODES])


def test_classes_can_be_set() -> None:
    nn = classifier()
    nn.classes = ("cat", "bee", "ant")
    assert nn.train_on_batch(X[:4], ["cat", "ant", "cat", "cat"]) > 0
    nn.fit(X[:20], ["cat", "ant"] * 10, epochs=1)
    assert nn.classes == ["cat", "bee", "ant"]
    for wrong in (["a", "b"], ["a", "b", "b"], list("abcd"), [1, True, 2]):
        with pytest.raises(ValueError, match="classes must be 3 different labels"):
            nn.classes = wrong
    for kind in ("abc", {"a", "b", "c"}, 3, ["a", "b", 1], ["a", "b", None], [0.5, 1, 2]):
        with pytest.raises(TypeError, match="classes"):
            nn.classes = kind  # type: ignore[assignment]
    nn.classes.append("more")  # a copy is read
    assert nn.classes == ["cat", "bee", "ant"]


def test_classes_that_no_longer_fit_are_forgotten() -> None:
    nn = named()
    nn[1].set_activation_function("sigmoid")
    assert nn.classes == ABC
    nn.next_layer(foxnn.layer(3, 2, "sigmoid"))
    assert nn.classes is None


def test_class_weights_by_label() -> None:
    plain, nn = classifier(), classifier()
    plain.fit(X, CODES, epochs=2, class_weight={0: 2.0, 2: 0.5})
    nn.fit(X, NAMES[CODES], epochs=2, class_weight={"ant": 2.0, "cat": 0.5})
    assert parameters(nn).tobytes() == parameters(plain).tobytes()
    with pytest.raises(ValueError, match=r"labels in class_weight must be among .* got 'dog'"):
        nn.fit(X, NAMES[CODES], class_weight={"dog": 2.0})
    with pytest.raises(ValueError, match=r"class_weight\['ant'\] must be a finite number"):
        nn.fit(X, NAMES[CODES], class_weight={"ant": -1.0})


def test_a_loss_without_classes_has_none() -> None:
    nn = foxnn.neural_network([3, 3], "identity", seed=1)
    with pytest.raises(TypeError, match="y must hold real numbers"):
        nn.fit(X, NAMES[CODES])
    with pytest.raises(ValueError, match="predict_classes needs loss='cross_entropy' or"):
        nn.predict_classes(X)


@pytest.mark.parametrize("labels", [ABC, [3, 1, 2], ["é", "a\0", "\n"], [False, True, None]])
def test_copies_and_files_keep_classes(labels: list[Any], tmp_path: Path) -> None:
    nn = classifier()
    if None in labels:
        nn, labels = foxnn.neural_network([3, 2], output_activation="softmax"), labels[:2]
    nn.classes = labels
    nn.save(tmp_path / "net.safetensors")
    again = [copy.deepcopy(nn), pickle.loads(pickle.dumps(nn))]
    again.append(foxnn.neural_network(tmp_path / "net.safetensors"))
    for twin in again:
        assert twin.classes == labels
        assert twin.predict_classes(X).tolist() == nn.predict_classes(X).tolist()
        assert set(twin.predict_classes(X).tolist()) <= set(labels)


def test_a_checkpoint_keeps_classes(tmp_path: Path) -> None:
    path, weights = tmp_path / "run.safetensors", {"ant": 2.0, "bee": 1.0}
    whole, nn = classifier(), classifier()
    whole.fit(X, NAMES[CODES], epochs=4, class_weight=weights, validation=0.2)
    nn.fit(
        X, NAMES[CODES], epochs=4, class_weight=weights, validation=0.2, checkpoint=path,
        callbacks=lambda epoch, logs: epoch == 1,
    )  # fmt: skip
    resumed, _ = foxnn.resume(path, X, NAMES[CODES])
    assert resumed.classes == ABC
    assert parameters(resumed).tobytes() == parameters(whole).tobytes()
    with pytest.raises(ValueError, match="among the classes"):
        foxnn.resume(path, X, ["dog"] * 45)
