"""Networks from lists of layers: what they become, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from foxnn import (
    Activation,
    AveragePool2D,
    Conv1D,
    Conv2D,
    Conv3D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    MaxPool1D,
    MaxPool2D,
    Parallel,
    Reshape,
    Residual,
    UpSample,
    neural_network,
)

NAMESPACE = {name: getattr(foxnn, name) for name in foxnn.__all__}


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


def test_shapes_of_windows() -> None:
    nn = neural_network(
        [
            (28, 28, 1), Conv2D(6, 5, padding="same"), MaxPool2D(2), Conv2D(16, 5),
            AveragePool2D(3, 2, "same"), UpSample((2, 1)),
            Conv2D(8, 3, stride=(2, 1), dilation=(1, 2)),
            GlobalAveragePool(), 10,
        ]
    )  # fmt: skip
    assert shapes(nn) == [
        (28, 28, 1), (28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16), (10, 5, 16), (4, 1, 8),
        (8,), (10,),
    ]  # fmt: skip
    assert nn[2].arrays["weights"].shape == (5, 5, 6, 16)
    nn = neural_network([(9, 6), Conv1D(4, 3, stride=2, groups=2, bias=False), MaxPool1D(2, 1), 3])
    assert shapes(nn) == [(9, 6), (4, 4), (3, 4), (3,)]
    assert {name: array.shape for name, array in nn[0].arrays.items()} == {"weights": (3, 3, 4)}
    assert shapes(neural_network([(4, 5, 6, 2), Conv3D(3, (1, 2, 3)), 2]))[1] == (4, 4, 4, 3)


@pytest.mark.parametrize("shape", [(9, 6, 5, 1), (9, 6, 5), (9, 30)])
def test_pictures_may_lack_their_channel_or_be_flat(shape: tuple[int, ...]) -> None:
    results = []
    for given in ((9, 6, 5, 1), shape):
        nn = neural_network([(6, 5, 1), Conv2D(3, 2), MaxPool2D(2), 2], "tanh", seed=1)
        x = np.random.default_rng(0).normal(size=(9, 6, 5, 1)).reshape(given)
        losses = list(nn.fit(x, np.eye(2)[[0, 1] * 4 + [1]], 2, 4, validation=0.25)["loss"])
        results.append((losses, nn.predict(x).tobytes(), nn.get_out(x[3]).tobytes()))
    assert results[0] == results[1]


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
        ([(4, None), 2], ValueError, r"sizes\[0\] must not hold None here"),
        ([(), 2], ValueError, r"sizes\[0\] must be .* got 0 lengths"),
        ([(0, 3), 2], ValueError, r"sizes\[0\]\[0\] must be .* got 0"),
        ([(4, 1.5), 2], TypeError, r"sizes\[0\]\[1\] must be .* got 1\.5"),
        ([(4, -1), 2], ValueError, r"sizes\[0\]\[1\] must be .* got -1"),
        ([(2**20, 2**20), 2], ValueError, r"sizes\[0\] must hold at most"),
        ([(2,) * 17, 2], ValueError, r"sizes\[0\] must be .* 1 to 16 lengths"),
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
            r"sizes\[1\] \(Residual\)\.layers\[0\] \(Parallel\)\.branches\[0\]\[0\] "
            r"\(Reshape\) has 8",
        ),
        (
            [3, Parallel(2, [4, "x"])],
            TypeError,
            r"sizes\[1\] \(Parallel\)\.branches\[1\]\[1\] must be a number or a layer, got 'x'",
        ),
        ([3, Residual(4, None, 3)], TypeError, r"sizes\[1\] \(Residual\)\.layers\[1\] must"),
        ([3, Residual([[3]])], TypeError, r"sizes\[1\] \(Residual\)\.layers\[0\] must"),
        ([3, Activation("softmax"), 2], ValueError, r"sizes\[1\] \(Activation\): .*'softmax' is"),
        ([3, 2, Dense(4, "exp"), 2], ValueError, r"sizes\[2\] \(Dense\): activation 'exp' is for"),
        (
            [3, Residual(Dense(3, "softmax"))],
            ValueError,
            r"sizes\[1\] \(Residual\)\.layers\[0\] \(Dense\): activation 'softmax' is for the",
        ),
        (
            [3, Parallel(2, [4, Residual(4, shortcut=Activation("exp"))])],
            ValueError,
            r"sizes\[1\] \(Parallel\)\.branches\[1\]\[1\] \(Residual\)\.shortcut\[0\] "
            r"\(Activation\): activation 'exp'",
        ),
        ([3, Residual(3, shortcut="x")], TypeError, r"sizes\[1\] \(Residual\)\.shortcut\[0\] must"),
        ([(4, 3), Dense(1, "softmax")], ValueError, "softmax needs at least two outputs, got 1"),
        ([(4, 1), Activation("softmax")], ValueError, "softmax needs at least two outputs, got 1"),
        (
            [(4, 3), Dense(4, "softmax"), Flatten()],
            ValueError,
            r"sizes\[1\] \(Dense\): activation 'softmax' is for the output layer only",
        ),
        ([3, 2, Dense(4, ("relu", 1.0))], ValueError, r"sizes\[2\] \(Dense\): .*relu"),
        ([3, Activation(("relu", 1.0))], ValueError, r"sizes\[1\] \(Activation\): .*relu"),
        (
            [3, Residual(Dense(3, ("elu", -1.0)))],
            ValueError,
            r"sizes\[1\] \(Residual\)\.layers\[0\] \(Dense\): .*elu",
        ),
        ([3, Dense(4, name="a"), Dense(3, name="a")], ValueError, "must be unique, got 'a' twice"),
        ([3, Dense(4, name="dense_1"), 3], ValueError, "must be unique, got 'dense_1' twice"),
        ([3, Residual(Dense(3, name="a")), Dense(3, name="a")], ValueError, "got 'a' twice"),
        (
            [(4, 4, 1), Conv2D(3, 5)],
            ValueError,
            r"sizes\[1\] \(Conv2D\) has a window over 5 positions, more than the 4 of axis 0",
        ),
        (
            [(4, 5, 1), Residual(MaxPool2D(5, name="wide"), name="around")],
            ValueError,
            r"sizes\[1\] \(Residual 'around'\)\.layers\[0\] \(MaxPool2D 'wide'\) has .* more than "
            r"the 4 of axis 0 of its inputs of shape \(4, 5, 1\); padding='same' takes any",
        ),
        (
            [(9, 4, 1), 36, Reshape((9, 4, 1)), Conv2D(3, 3, dilation=(1, 2))],
            ValueError,
            r"sizes\[3\] \(Conv2D\) has a window over 5 positions, more than the 4 of axis 1",
        ),
        (
            [(4, 4, 3), Conv2D(3, 3), MaxPool2D(3)],
            ValueError,
            r"sizes\[2\] \(MaxPool2D\) has a window over 3 positions, more than the 2",
        ),
        (
            [(4, 4), Conv2D(3, 2)],
            ValueError,
            r"sizes\[1\] \(Conv2D\) needs .* \(height, width, channels\), got \(4, 4\)",
        ),
        ([4, Conv1D(3, 2)], ValueError, r"\(Conv1D\) needs .* \(steps, channels\), got \(4,\)"),
        (
            [(4, 4, 1), Conv3D(3, 2)],
            ValueError,
            r"\(Conv3D\) needs .* \(depth, height, width, channels\), got \(4, 4, 1\)",
        ),
        ([(4, 4, 1), MaxPool1D(2)], ValueError, r"sizes\[1\] \(MaxPool1D\) needs inputs of shape"),
        (
            [(4, 4, 3), Conv2D(4, 2, groups=2)],
            ValueError,
            r"sizes\[1\] \(Conv2D\) has 2 groups, which must divide its 3 channels and 4 filters; "
            r"for inputs of shape \(4, 4, 3\), 1 is the most",
        ),
        (
            [(4, 4, 3), Residual(Conv2D(3, 2))],
            ValueError,
            r"sizes\[1\] \(Residual\) adds shapes \(3, 3, 3\) and \(4, 4, 3\)",
        ),
        (
            [(4, 4, 3), Parallel(Conv2D(3, 5), Conv2D(3, 1))],
            ValueError,
            r"sizes\[1\] \(Parallel\)\.branches\[0\]\[0\] \(Conv2D\) has a window over 5",
        ),
        (
            [(4, 4, 3), UpSample((2, 2, 2))],
            ValueError,
            r"sizes\[1\] \(UpSample\) has 3 factors, but shape \(4, 4, 3\) has 2 axes",
        ),
        ([4, UpSample(2)], ValueError, r"sizes\[1\] \(UpSample\) needs inputs with positions"),
        ([(4, 4, 3), UpSample(2**20)], ValueError, r"\(UpSample\) gives shape .* more than"),
        ([(4, 4, 3), Conv2D(2**31 - 1, 2)], ValueError, r"\(Conv2D\) gives shape .* more than"),
        ([(4, 4, 3), Conv2D], TypeError, r"sizes\[1\] must be .* write Conv2D\(\.\.\.\)"),
        (
            [(4, 4, 3), Conv2D(4, 2, activation="softmax"), Conv2D(4, 2)],
            ValueError,
            r"sizes\[1\] \(Conv2D\): activation 'softmax' is for the output layer only",
        ),
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


@pytest.mark.parametrize("units", [5, 16, 32])
def test_losses_suit_the_outputs_at_positions(units: int) -> None:
    for activation, loss in (
        ("softmax", "cross_entropy"),
        ("sigmoid", "binary_cross_entropy"),
        ("softplus", "poisson"),
        ("exp", "poisson"),
    ):
        nn = neural_network([(4, 3), Dense(units, activation)], loss=loss)
        assert nn.loss == loss
        with pytest.raises(ValueError, match=rf"loss '{loss}' needs .* output layer"):
            neural_network([(4, 3), Dense(units, "tanh")], loss=loss)
    nn = neural_network([(4, 3), Dense(units, "sigmoid"), Flatten()])
    before = kinds.bits(nn)
    for activation in ("exp", "softmax"):
        with pytest.raises(ValueError, match="is for the output layer"):
            nn[0].set_activation_function(activation)
    assert kinds.bits(nn) == before


def test_a_next_layer_must_suit_the_loss() -> None:
    nn = neural_network([3, 1], output_activation="sigmoid", loss="binary_cross_entropy")
    before = kinds.bits(nn)
    with pytest.raises(ValueError, match="loss 'binary_cross_entropy' needs a sigmoid output"):
        nn.next_layer(foxnn.layer(1, 2, "tanh"))
    assert kinds.bits(nn) == before
    nn.next_layer(foxnn.layer(1, 2, "sigmoid"))
    assert np.isfinite(nn.evaluate(np.ones((4, 3)), np.ones((4, 2)))["loss"])


def test_what_is_wrong_with_a_next_layer_is_told_of_it() -> None:
    nn = neural_network([(2, 3), 4])
    deep: Any = Dense(4)
    for _ in range(60):
        deep = Residual(deep)
    for given, message in [
        (Dense(4, ("relu", 1.0)), r"new_layer \(Dense\): .*relu"),
        (
            Residual(Dense(4, ("elu", -1.0))),
            r"new_layer \(Residual\)\.layers\[0\] \(Dense\): .*elu",
        ),
        (deep, "new_layer must not hold layers more than 50 deep"),
    ]:
        with pytest.raises(ValueError, match=message):
            nn.next_layer(given)
    assert len(nn) == 1


def test_layers_too_large_for_float32_are_told_by_their_place() -> None:
    large = neural_network([3, Residual(4, 3), 2], dtype="float64", seed=1)
    large[0].layers[1].weights = np.full((4, 3), 1e39)
    where = r"weights of {}(Residual).layers[1] (Dense) must be finite in float32"
    with pytest.raises(ValueError, match=re.escape(where.format("sizes[1] "))):
        neural_network([3, large[0], 2])
    nn = neural_network([2, 3])
    before = kinds.bits(nn)
    with pytest.raises(ValueError, match=re.escape(where.format("new_layer "))):
        nn.next_layer(large[0])
    assert (kinds.bits(nn), len(nn)) == (before, 1)


@pytest.mark.parametrize("wrong", [None, "4", object(), foxnn.Adam(), {"units": 4}, {4}])
def test_what_is_no_layer_among_numbers(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^sizes\[1\] must be a number or a layer, got "):
        neural_network([3, wrong, 2])
    with pytest.raises(TypeError, match=r"^sizes\[0\] must be an integer from 1"):
        neural_network([wrong, 3, 2])
    with pytest.raises(TypeError, match=r"^sizes\[1\] must be an integer from 1 .* got 2.5"):
        neural_network([3, 2.5])


def test_the_activation_of_numbers_is_told_by_its_position() -> None:
    with pytest.raises(ValueError, match=r"^activation\[1\] 'exp' is for the output layer only"):
        neural_network([3, 4, 4, 2], ["tanh", "exp", "identity"])


def test_deep_nesting_is_refused() -> None:
    layer: Any = 3
    for _ in range(60):
        layer = Residual(layer)
    with pytest.raises(ValueError, match="sizes must not hold layers more than 50 deep"):
        neural_network([3, layer])
