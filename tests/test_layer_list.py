"""Networks from lists of layers: descriptions, construction, views, and what is refused."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from foxnn import Activation, Dense, Dropout, Flatten, Parallel, Reshape, Residual, neural_network

NAMESPACE = {name: getattr(foxnn, name) for name in foxnn.__all__}

# Descriptions

DESCRIPTIONS: dict[str, Callable[[], Any]] = {
    "Dense(5)": lambda: Dense(5),
    "Dense(5, activation='relu', init='zeros', bias=False, name='a layer')": lambda: Dense(
        5, "relu", "zeros", False, name="a layer"
    ),
    "Dense(5, activation=('elu', (0.5,)))": lambda: Dense(5, ("elu", 0.5)),
    "Activation('relu')": lambda: Activation("relu"),
    "Activation(('leaky_relu', (0.5,)), name='bent')": lambda: Activation(
        ("leaky_relu", [0.5]), name="bent"
    ),
    "Flatten()": lambda: Flatten(),
    "Flatten(name='flat')": lambda: Flatten(name="flat"),
    "Reshape((2, 3))": lambda: Reshape((2, 3)),
    "Reshape((6,))": lambda: Reshape(6),
    "Dropout(0.5)": lambda: Dropout(0.5),
    "Residual(4, Dense(3))": lambda: Residual(4, Dense(3)),
    "Residual(4, shortcut=4, name='x')": lambda: Residual([4], shortcut=4, name="x"),
    "Residual(4, shortcut=[5, 4])": lambda: Residual(4, shortcut=[5, 4]),
    "Parallel(4, [3, Dense(2)], Residual(3))": lambda: Parallel(4, [3, Dense(2)], Residual(3)),
    "Parallel(4, name='y')": lambda: Parallel(4, name="y"),
}
per_description = pytest.mark.parametrize("shown", DESCRIPTIONS)


@per_description
def test_a_description_prints_as_it_is_made(shown: str) -> None:
    described = DESCRIPTIONS[shown]()
    assert repr(described) == shown
    assert eval(shown, dict(NAMESPACE)) == described


@per_description
def test_descriptions_compare(shown: str) -> None:
    described = DESCRIPTIONS[shown]()
    assert described == DESCRIPTIONS[shown]()
    assert hash(described) == hash(DESCRIPTIONS[shown]())
    others = {other: make() for other, make in DESCRIPTIONS.items() if other != shown}
    assert [other for other, made in others.items() if made == described] == []
    assert described != shown


@per_description
def test_descriptions_are_copied(shown: str) -> None:
    described = DESCRIPTIONS[shown]()
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(described, protocol)) == described
    assert copy.deepcopy(described) == copy.copy(described) == described


@per_description
def test_descriptions_are_frozen(shown: str) -> None:
    described = DESCRIPTIONS[shown]()
    # That of a dataclass is an AttributeError, too.
    for name in ("name", "layers", "units"):
        with pytest.raises(AttributeError):
            setattr(described, name, 3)
        with pytest.raises(AttributeError):
            delattr(described, name)
    assert repr(described) == shown


def test_what_descriptions_hold() -> None:
    residual, parallel = Residual(4, Dense(3), shortcut=3), Parallel(4, [3, 2], name="y")
    assert (residual.layers, residual.shortcut, residual.name) == ((4, Dense(3)), (3,), None)
    assert (parallel.branches, parallel.name) == (((4,), (3, 2)), "y")
    assert Reshape([2, 3]).shape == (2, 3)
    assert dataclasses.replace(Dense(3), units=4) == Dense(4)


ANY = (ValueError, TypeError)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Dense(0), ValueError, "units must be .* got 0"),
        (lambda: Dense(2.5), TypeError, r"units must be .* got 2\.5"),
        (lambda: Dense(2**31), ValueError, "units must be .* got 2147483648"),
        (lambda: Dense(3, 5), TypeError, r"activation must be .* pair, got 5"),
        (lambda: Dense(3, ("elu", "x")), ANY, "activation"),
        (lambda: Dense(3, init=3), TypeError, "init must be a string, got 3"),
        (lambda: Dense(3, bias="no"), TypeError, "bias must be .* got 'no'"),
        (lambda: Dense(3, name=3), TypeError, "name must be a string, got 3"),
        (lambda: Dense(3, name="a.b"), ValueError, r"name must be .* without dots, got 'a\.b'"),
        (lambda: Flatten(name=""), ValueError, "name must be .* got ''"),
        (lambda: Activation(None), TypeError, "activation must be .* got None"),
        (lambda: Dropout(1.0), ValueError, r"rate must be .* below 1, got 1\.0"),
        (lambda: Dropout(-0.1), ValueError, r"rate must be .* at least 0 .* got -0\.1"),
        (lambda: Dropout(math.nan), ValueError, "rate must be .* got nan"),
        (lambda: Dropout("0.5"), TypeError, "rate must be .* got '0.5'"),
        (lambda: Reshape(()), ValueError, "shape must be .* got 0 lengths"),
        (lambda: Reshape((2, 0)), ValueError, r"shape\[1\] must be .* got 0"),
        (lambda: Reshape((None, 2)), ValueError, "shape must not hold None"),
        (lambda: Reshape((2**20, 2**20)), ValueError, "shape must hold at most"),
        (lambda: Residual(), ValueError, "Residual must have at least one layer, got none"),
        (lambda: Residual([]), ValueError, "Residual must have at least one layer, got none"),
        (lambda: Residual(3, shortcut=[]), ValueError, "shortcut must be .* got none"),
        (lambda: Residual(3, name=5), TypeError, "name must be a string, got 5"),
        (lambda: Parallel(), ValueError, "Parallel must have at least one branch, got none"),
        (lambda: Parallel(3, []), ValueError, "branch 1 of Parallel must have at least one layer"),
    ],
)
def test_wrong_descriptions(make: Callable[[], Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        make()


# Construction


def shapes(nn: Any) -> list[Any]:
    return [nn[0].input_shape, *(part.output_shape for part in nn)]


def test_numbers_take_all_positions() -> None:
    nn = neural_network([(4, 5, 3), 6, Dense(7), 2])
    assert shapes(nn) == [(4, 5, 3), (6,), (7,), (2,)]
    assert [part.weights.shape for part in nn] == [(60, 6), (6, 7), (7, 2)]
    assert nn.sizes == [60, 6, 7, 2]


def test_shapes_of_every_kind() -> None:
    nn = neural_network(
        [
            (4, 3), Dense(5), Dropout(0.1), Reshape((2, 10)), Residual(Dense(8), shortcut=Dense(8)),
            Parallel(Dense(2), [Dense(3), Activation("relu")], Flatten().name or Dense(1)),
            Flatten(), 7,
        ]
    )  # fmt: skip
    assert shapes(nn) == [
        (4, 3), (4, 5), (4, 5), (2, 10), (2, 8), (2, 6), (12,), (7,)
    ]  # fmt: skip
    assert [part.kind for part in nn] == [
        "Dense", "Dropout", "Reshape", "Residual", "Parallel", "Flatten", "Dense"
    ]  # fmt: skip


@pytest.mark.parametrize("first", [6, (6,), [6], np.int64(6)])
def test_a_flat_list_is_what_it_was(first: Any) -> None:
    expected = neural_network([6, 5, 2], "relu", "softmax", seed=1)
    for items in ([first, 5, 2], [first, Dense(5), Dense(2)]):
        nn = neural_network(items, "relu", "softmax", seed=1)
        assert kinds.bits(nn) == kinds.bits(expected)
        x = np.ones((3, 6))
        assert nn.predict(x).tobytes() == expected.predict(x).tobytes()


def functions(nn: Any) -> list[Any]:
    return [leaf.options.get("activation") for leaf in kinds.leaves(nn)]


ITEMS = [(4, 3), Dense(5), Residual(Dense(5, "sin"), Dense(5)), Activation("relu"), 6, 2]


def test_activations_go_to_layers_that_name_none() -> None:
    every = functions(neural_network(ITEMS, "elu"))
    assert every == ["elu", "sinusoid", "elu", "relu", "elu", "elu"]
    last = functions(neural_network(ITEMS, "elu", "softmax"))
    assert last == ["elu", "sinusoid", "elu", "relu", "elu", "softmax"]
    listed = functions(neural_network(ITEMS, ["elu", "gelu", "silu", "softmax"]))
    assert listed == ["elu", "sinusoid", "gelu", "relu", "silu", "softmax"]
    usual = functions(neural_network(ITEMS))
    assert usual == ["sigmoid", "sinusoid", "sigmoid", "relu", "sigmoid", "sigmoid"]
    assert neural_network(ITEMS, output_activation="softmax").loss == "cross_entropy"
    assert neural_network([3, Dense(2), Activation("softmax")]).loss == "cross_entropy"


def test_init_goes_to_layers_that_name_none() -> None:
    nn = neural_network([(4, 3), Dense(5), Dense(5, init="he_normal"), 2], init="zeros")
    assert [bool(part.weights.any()) for part in nn] == [False, True, False]


def test_layers_draw_from_the_seed() -> None:
    first, again, other = (neural_network(ITEMS, seed=seed) for seed in (1, 1, 2))
    assert kinds.bits(first) == kinds.bits(again)
    differing = [a for a, b in zip(kinds.bits(first), kinds.bits(other), strict=True) if a != b]
    assert len(differing) == len(kinds.bits(first)) / 2  # biases are zero


def source(dtype: str = "float32") -> Any:
    nn = neural_network(ITEMS, ["elu", "gelu", ("leaky_relu", 0.5), "softmax"], dtype=dtype, seed=5)
    nn[0].trainable = False
    return nn


def test_layers_of_another_network() -> None:
    old = source()
    before = kinds.bits(old)
    new = neural_network([(4, 3), *old[:-1], 3], "tanh", seed=2)
    assert kinds.bits(new)[:8] == before[:8]
    assert functions(new) == ["elu", "sinusoid", "gelu", "relu", "leaky_relu", "tan_h"]
    assert [part.trainable for part in new[:2]] == [False, True]
    x = kinds.samples(old, 5)
    assert (
        list(new.layer_outputs(x).values())[-2].tobytes()
        == list(old.layer_outputs(x).values())[-2].tobytes()
    )
    # They are copies.
    new[1].layers[0].weights = np.zeros((5, 5))
    new[0].trainable = True
    assert kinds.bits(old) == before
    assert not old[0].trainable


def test_layers_of_another_network_within_others() -> None:
    old = source("float64")
    new = neural_network([(4, 3), Dense(5), Residual(old[1].layers[0]), Parallel(old[1], [7])][:3])
    assert new[1].layers[0].weights == pytest.approx(old[1].layers[0].weights, rel=1e-6)
    alone = foxnn.layer(5, 4, "relu", seed=1)
    nn = neural_network([(5,), alone, 2])
    assert nn[0].weights == pytest.approx(alone.weights, rel=1e-6)
    assert nn[0].get_name_activation_function() == "relu"


def test_a_network_prints_as_it_is_made() -> None:
    nn = neural_network([*ITEMS, Dropout(0.5, name="last")], "elu", loss="huber", seed=1)
    twin = eval(repr(nn), dict(NAMESPACE))
    assert repr(twin) == repr(nn)
    assert shapes(twin) == shapes(nn)
    assert functions(twin) == functions(nn)


@pytest.mark.parametrize("row", kinds.ROWS, ids=lambda row: row.name)
def test_rows_print_as_they_are_made(row: kinds.Row) -> None:
    nn = row.network()
    twin = eval(repr(nn), dict(NAMESPACE))
    assert repr(twin) == repr(nn)
    assert [part.name for part in twin] == [part.name for part in nn]
    assert shapes(twin) == shapes(nn)


# Refusals

OTHER = source()


@pytest.mark.parametrize(
    ("items", "error", "message"),
    [
        ([(4, 3), "x"], TypeError, r"sizes\[1\] must be a number or a layer, got 'x'"),
        ([(4, 3), 2, None], TypeError, r"sizes\[2\] must be a number or a layer, got None"),
        ([(4, 3), True], TypeError, r"sizes\[1\] must be a number or a layer, got True"),
        ([(4, 3), 2.0], TypeError, r"sizes\[1\] must be a number or a layer, got 2\.0"),
        ([3, Dense], TypeError, r"sizes\[1\] must be .* write Dense\(\.\.\.\)"),
        ([3, 4, Residual], TypeError, r"sizes\[2\] must be .* write Residual\(\.\.\.\)"),
        ([3, (4, 3)], TypeError, r"sizes\[1\] must be .* got \(4, 3\); a shape comes first"),
        ([3, [Dense(3)]], TypeError, r"sizes\[1\] must be .* got \[Dense\(3\)\]"),
        ([Dense(3), 2], TypeError, r"sizes\[0\] must be .* the shape of a sample, got Dense\(3\)"),
        ([OTHER[0], 2], TypeError, r"sizes\[0\] must be .* the shape of a sample, got Dense\(5"),
        ([3, foxnn.layer.__new__(foxnn.layer)], TypeError, r"sizes\[1\] must be .* not made"),
        ([(None, 3), 2], ValueError, r"sizes\[0\] must not hold None"),
        ([(), 2], ValueError, r"sizes\[0\] must be .* got 0 lengths"),
        ([(0, 3), 2], ValueError, r"sizes\[0\]\[0\] must be .* got 0"),
        ([(4, 1.5), 2], TypeError, r"sizes\[0\]\[1\] must be .* got 1\.5"),
        ([(4, -1), 2], ValueError, r"sizes\[0\]\[1\] must be .* got -1"),
        ([(2**20, 2**20), 2], ValueError, r"sizes\[0\] must hold at most"),
        ([(2,) * 17, 2], ValueError, r"sizes\[0\] must be .* up to 16"),
        ([(4, 3)], ValueError, "sizes must hold the shape .* at least one layer, got 1 item"),
        ([], ValueError, "sizes must hold the number of inputs and at least one layer"),
        ([3, 0, Dense(2)], ValueError, r"sizes\[1\] must be .* got 0"),
        ([3, Dense(2), 2**31], ValueError, r"sizes\[2\] must be .* got 2147483648"),
        ([6, Reshape((4, 2)), 2], ValueError, r"sizes\[1\] \(Reshape\) has 8 .* shape \(6,\)"),
        ([6, Residual(5)], ValueError, r"sizes\[1\] \(Residual\) adds shapes \(5,\) and \(6,\)"),
        ([6, Residual(5, shortcut=4)], ValueError, r"sizes\[1\] \(Residual\) .* \(5,\) and \(4,\)"),
        (
            [(4, 3), Residual(Flatten())],
            ValueError,
            r"sizes\[1\] \(Residual\) adds shapes \(12,\) and \(4, 3\)",
        ),
        (
            [6, 6, Parallel(2, Reshape((2, 3)))],
            ValueError,
            r"sizes\[2\] \(Parallel\) must have .* same positions, got shapes \(2,\), \(2, 3\)",
        ),
        (
            [(4, 3), Parallel(Dense(2), 3)],
            ValueError,
            r"sizes\[1\] \(Parallel\) must have .* same positions, got shapes \(4, 2\), \(3,\)",
        ),
        (
            [6, Residual(Parallel(Reshape((4, 2)), 2))],
            ValueError,
            r"sizes\[1\] \(Residual\)\.branches\[0\]\[0\] \(Parallel\)\.branches\[0\]\[0\] "
            r"\(Reshape\) has 8",
        ),
        (
            [3, Parallel(2, [4, "x"])],
            TypeError,
            r"sizes\[1\] \(Parallel\)\.branches\[1\]\[1\] must be a number or a layer, got 'x'",
        ),
        ([3, Residual(4, None, 3)], TypeError, r"sizes\[1\] \(Residual\)\.branches\[0\]\[1\] must"),
        ([3, Residual([[3]])], TypeError, r"sizes\[1\] \(Residual\)\.branches\[0\]\[0\] must"),
        ([3, Activation("softmax"), 2], ValueError, r"sizes\[1\] \(Activation\): .*'softmax' is"),
        ([3, 2, Dense(4, "exp"), 2], ValueError, r"sizes\[2\] \(Dense\): activation 'exp' is for"),
        ([3, Residual(Dense(3, "softmax"))], ValueError, r"sizes\[1\] \(Residual\): .* output"),
        (
            [(4, 3), Dense(4, "softmax")],
            ValueError,
            r"sizes\[1\] \(Dense\): softmax needs a flat output, got shape \(4, 4\)",
        ),
        ([(4, 3), Activation("softmax")], ValueError, r"sizes\[1\] \(Activation\): softmax needs"),
        ([3, 2, Dense(4, "nope")], ValueError, r"sizes\[2\] \(Dense\): unknown activation 'nope'"),
        ([3, Activation("nope")], ValueError, r"sizes\[1\] \(Activation\): unknown .* 'nope'"),
        ([3, Residual(Dense(3, "nope"))], ValueError, r"sizes\[1\] \(Residual\): unknown"),
        ([3, Dense(4, init="nope")], ValueError, r"sizes\[1\] \(Dense\): unknown init 'nope'"),
        ([3, Dense(4, name="a"), Dense(3, name="a")], ValueError, "names, got 'a' twice"),
        ([3, Dense(4, name="dense_1"), 3], ValueError, "names, got 'dense_1' twice"),
        ([3, Residual(Dense(3, name="a")), Dense(3, name="a")], ValueError, "got 'a' twice"),
        ([6, OTHER[0], 2], ValueError, r"sizes\[1\] \(Dense\) .* weights .* \(3, 5\), .* \(6, 5\)"),
    ],
)
def test_wrong_lists(items: list[Any], error: type[Exception], message: str) -> None:
    before = kinds.bits(OTHER)
    with pytest.raises(error, match=message) as caught:
        neural_network(items)
    assert caught.type is error
    assert kinds.bits(OTHER) == before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"activation": ["relu"]}, "activation must be one name or a list of 4, .* a list of 1"),
        ({"activation": ["relu", "relu", "no", "relu"]}, "unknown activation 'no'"),
        ({"activation": "softmax"}, r"sizes\[1\] \(Dense\): activation 'softmax' is for the out"),
        ({"output_activation": "nope"}, "unknown activation 'nope'"),
        ({"init": "nope"}, "unknown init 'nope'"),
        ({"loss": "nope"}, "nope"),
        ({"dtype": "int8"}, "dtype must be one of"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_wrong_arguments_beside_a_list(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        neural_network(ITEMS, **given)


@pytest.mark.parametrize("last", [Flatten(), Dense(2, "relu"), Residual(Dense(5))])
def test_an_output_activation_needs_a_layer_for_it(last: Any) -> None:
    with pytest.raises(ValueError, match="output_activation needs a last layer that has an activ"):
        neural_network([(4, 5), last], output_activation="relu")


def test_deep_nesting_is_refused() -> None:
    layer: Any = 3
    for _ in range(60):
        layer = Residual(layer)
    with pytest.raises(ValueError, match="sizes must not hold layers more than 50 deep"):
        neural_network([3, layer])


# Views


def network(dtype: str = "float64") -> Any:
    return neural_network(
        [
            (4, 3), Dense(5, name="first"), Residual(Dropout(0.5), Dense(5, bias=False)),
            Parallel(Dense(2), [Dense(3), Dense(4)], name="aside"), Flatten(), 6, 2,
        ],
        "tanh", dtype=dtype, seed=4,
    )  # fmt: skip


def test_views() -> None:
    nn = network()
    names = [part.name for part in nn]
    assert names == ["first", "residual_1", "aside", "flatten_3", "dense_4", "dense_5"]
    assert [part.name for part in nn[1].layers] == ["dropout_1_0_0", "dense_1_0_1"]
    first, (second, third) = nn[2].layers
    assert [first.name, second.name, third.name] == ["dense_2_0_0", "dense_2_1_0", "dense_2_1_1"]
    assert (third.input_shape, third.output_shape) == ((4, 3), (4, 4))
    assert [part.kind for part in nn[1].layers] == ["Dropout", "Dense"]
    assert (nn[0].layers, nn[3].layers) == ((), ())
    assert [repr(part) for part in nn[:3]] == [
        "Dense(5, activation='tan_h', name='first')",
        "Residual(Dropout(0.5), Dense(5, activation='tan_h', bias=False))",
        "Parallel(Dense(2, activation='tan_h'), [Dense(3, activation='tan_h'), "
        "Dense(4, activation='tan_h')], name='aside')",
    ]
    assert [repr(part) for part in nn[3:]] == [
        "Flatten()",
        "layer(24, 6, 'tan_h')",
        "layer(6, 2, 'tan_h')",
    ]


def test_slices() -> None:
    nn = network()
    for part in (slice(1, 3), slice(None, -1), slice(None, None, -1), slice(9, 12)):
        assert [view.name for view in nn[part]] == [view.name for view in list(nn)[part]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays(dtype: str) -> None:
    nn = network(dtype)
    inner = nn[2].layers[1][0]
    assert [dict.fromkeys(part.arrays) for part in nn] == [
        {"weights": None, "bias": None}, {}, {}, {}, *[{"weights": None, "bias": None}] * 2
    ]  # fmt: skip
    assert list(nn[1].layers[1].arrays) == ["weights"]
    assert len(inner.arrays) == 2
    assert inner.arrays["weights"].shape == (5, 3)
    assert inner.arrays["weights"].dtype == dtype
    # What is read is a copy.
    inner.arrays["weights"][:] = 9.0
    assert not (inner.weights == 9.0).any()
    wanted = np.arange(15.0).reshape(5, 3)
    for values in (wanted, wanted.tolist(), np.asfortranarray(wanted), wanted.astype("i4")):
        inner.arrays["weights"] = np.zeros((5, 3))
        inner.arrays["weights"] = values
        assert inner.weights.tolist() == wanted.tolist()
        assert inner.weights.tobytes() == inner.arrays["weights"].tobytes()
    inner.bias = [1, 2, 3]
    assert inner.arrays["bias"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (np.ones((3, 5)), ValueError, r"weights must have shape \(5, 3\), got \(3, 5\)"),
        (np.ones(15), ValueError, r"weights must have shape \(5, 3\), got \(15,\)"),
        (np.full((5, 3), np.nan), ValueError, "weights must be finite"),
        (np.full((5, 3), 1e39), ValueError, "weights must be finite in float32"),
        (None, TypeError, "weights must hold real numbers, got None"),
        ("x", TypeError, "weights must hold real numbers, got 'x'"),
    ],
)
def test_wrong_arrays(values: Any, error: type[Exception], message: str) -> None:
    nn = network("float32")
    before = kinds.bits(nn)
    with pytest.raises(error, match=message):
        nn[2].layers[1][0].arrays["weights"] = values
    assert kinds.bits(nn) == before


def test_arrays_that_are_not_there() -> None:
    nn = network()
    for call in (lambda: nn[0].arrays["gain"], lambda: nn[1].arrays["weights"]):
        with pytest.raises(KeyError):
            call()
    with pytest.raises(KeyError, match="gain: the layer's arrays are weights, bias"):
        nn[0].arrays["gain"] = 3
    with pytest.raises(KeyError, match="none"):
        nn[3].arrays["weights"] = 3
    with pytest.raises(TypeError, match="cannot be deleted"):
        del nn[0].arrays["bias"]
    with pytest.raises(AttributeError, match="a layer of kind Flatten has no weights"):
        _ = nn[3].weights
    with pytest.raises(AttributeError, match="a layer of kind Dense has no bias"):
        _ = nn[1].layers[1].bias


def test_trainable() -> None:
    nn = network()
    assert all(part.trainable for part in nn)
    nn[2].trainable = False
    assert [leaf.trained for leaf in kinds.leaves(nn)] == [
        True, True, True, False, False, False, True, True, True
    ]  # fmt: skip
    assert not nn[2].trainable
    nn[2].layers[0].trainable = True
    assert nn[2].trainable
    assert not nn[2].layers[1][1].trainable
    for wrong in ("no", None, 0.5):
        with pytest.raises(TypeError, match="trainable must be"):
            nn[2].trainable = wrong
    assert nn[2].trainable


@pytest.mark.parametrize("again", [copy.deepcopy, lambda view: pickle.loads(pickle.dumps(view))])
def test_views_take_their_network_along(again: Callable[[Any], Any]) -> None:
    nn = network()
    for view in (nn[0], nn[2], nn[2].layers[1][1]):
        twin = again(view)
        assert (repr(twin), twin.name) == (repr(view), view.name)
        assert kinds.bits(twin._network) == kinds.bits(nn)
        assert twin._network is not nn


def test_summary(capsys: pytest.CaptureFixture[str]) -> None:
    nn = network()
    nn[4].trainable = False
    nn.summary()
    assert capsys.readouterr().out == (
        "layer            output  parameters\n"
        "input            (4, 3)\n"
        "first            (4, 5)          20\n"
        "residual_1       (4, 5)          25\n"
        "  dropout_1_0_0  (4, 5)           0\n"
        "  dense_1_0_1    (4, 5)          25\n"
        "aside            (4, 6)          46\n"
        "  dense_2_0_0    (4, 2)          12\n"
        "  dense_2_1_0    (4, 3)          18\n"
        "  dense_2_1_1    (4, 4)          16\n"
        "flatten_3        (24,)            0\n"
        "dense_4          (6,)           150 (frozen)\n"
        "dense_5          (2,)            14\n"
        "parameters: 255, of which 105 are trained\n"
    )


def test_layer_outputs() -> None:
    nn = network()
    x = kinds.samples(nn, 7)
    found = nn.layer_outputs(x)
    assert list(found) == [part.name for part in nn]
    assert [values.shape for values in found.values()] == [(7, *part.output_shape) for part in nn]
    assert found["flatten_3"].tobytes() == found["aside"].tobytes()
    assert found["dense_5"].tobytes() == nn.predict(x).tobytes()
    expected = np.tanh(x @ nn[0].weights + nn[0].bias)
    assert found["first"] == pytest.approx(expected, rel=1e-12)
    assert nn.layer_outputs(x.reshape(7, 12))["aside"].tobytes() == found["aside"].tobytes()
    for wrong in (np.ones((2, 11)), np.ones((2, 3, 4)), np.full((2, 4, 3), np.nan)):
        with pytest.raises(ValueError, match="x must"):
            nn.layer_outputs(wrong)


# Samples


@pytest.mark.parametrize("shape", [(7, 3, 4), (7, 11), (7, 4, 3, 1), (4, 4), ()])
def test_inputs_of_another_shape(shape: tuple[int, ...]) -> None:
    nn = network()
    before = kinds.bits(nn)
    x, y = np.zeros(shape), np.zeros((shape[0] if shape else 1, 2))
    for call in (
        lambda: nn.predict(x),
        lambda: nn.get_out(x),
        lambda: nn.fit(x, y),
        lambda: nn.train_on_batch(x, y),
        lambda: nn.evaluate(x, y),
    ):
        with pytest.raises(ValueError, match="x must"):
            call()
    assert kinds.bits(nn) == before


def test_a_channel_of_one_may_be_left_out() -> None:
    nn = neural_network([(4, 5, 1), Dense(3), 2], seed=1)
    x = np.random.default_rng(0).normal(size=(7, 4, 5, 1))
    assert nn.predict(x[..., 0]).tobytes() == nn.predict(x).tobytes()
    assert nn.predict(x.reshape(7, 20)).tobytes() == nn.predict(x).tobytes()


# next_layer


@pytest.mark.parametrize(
    "layer",
    [
        Dense(3), Dense(3, "relu", bias=False), Activation("gelu"), Dropout(0.5), Flatten(),
        Reshape((2, 6)), Residual(Dense(3)), Parallel(Dense(2), [Dense(4), Dense(1)]),
    ],
    ids=repr,
)  # fmt: skip
def test_next_layer_is_as_in_the_list(layer: Any) -> None:
    nn = neural_network([(4, 2), Dense(3)], "sigmoid", seed=1)
    expected = neural_network([(4, 2), Dense(3), layer], "sigmoid", seed=1)
    before = kinds.bits(nn)
    nn.next_layer(layer)
    assert len(nn) == 2
    assert repr(nn[1]) == repr(expected[1])
    assert shapes(nn) == shapes(expected)
    assert kinds.bits(nn)[:2] == before


def test_next_layer_of_another_network() -> None:
    nn, other = neural_network([(4, 3), Dense(5)], seed=1), network()
    other[1].trainable = False
    nn.next_layer(other[1])
    assert nn[1].layers[1].weights == pytest.approx(other[1].layers[1].weights, rel=1e-6)
    assert not nn[1].trainable
    nn.next_layer(other[2].layers[1][0])
    assert shapes(nn) == [(4, 3), (4, 5), (4, 5), (4, 3)]


def test_next_layer_keeps_moments_going() -> None:
    nn = neural_network([(4, 3), Dense(5, "tanh")], seed=1)
    x, y = kinds.samples(nn, 9), kinds.targets(nn, 9)
    nn.fit(x, y, 1, 4, "adam")
    nn.next_layer(Residual(Dense(5)))
    nn.fit(x, y, 1, 4, "adam")
    assert np.isfinite(nn.evaluate(x, y)["loss"])


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        ("relu", TypeError, "new_layer must be .* got 'relu'"),
        (3, TypeError, "new_layer must be .* got 3"),
        (Dense, TypeError, "new_layer must be"),
        (Reshape((5, 5)), ValueError, r"new_layer \(Reshape\) has 25 numbers"),
        (Residual(Dense(2)), ValueError, r"new_layer \(Residual\) adds shapes \(4, 2\)"),
        (Parallel(Dense(2), 3), ValueError, r"new_layer \(Parallel\) must have .* same positions"),
        (Dense(3, "softmax"), ValueError, r"new_layer \(Dense\): softmax needs a flat output"),
        (Residual(Dense(5, "exp")), ValueError, r"new_layer \(Residual\): .* output layer only"),
        (Dense(3, "nope"), ValueError, r"unknown activation 'nope'"),
        (Dense(3, name="here"), ValueError, "names, got 'here' twice"),
        (OTHER[4], ValueError, "new_layer"),
        (foxnn.layer(9, 2), ValueError, "new_layer must have"),
        (foxnn.layer.__new__(foxnn.layer), TypeError, "new_layer must be"),
    ],
)
def test_wrong_next_layers(layer: Any, error: type[Exception], message: str) -> None:
    nn = neural_network([(4, 3), Dense(5, name="here")], seed=1)
    before = repr(nn), kinds.bits(nn), nn.loss
    with pytest.raises(error, match=message):
        nn.next_layer(layer)
    assert (repr(nn), kinds.bits(nn), nn.loss) == before
    nn.next_layer(Dense(2))
    assert shapes(nn)[-1] == (4, 2)
