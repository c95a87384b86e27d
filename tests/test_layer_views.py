"""What users see of layers in a network, and layers that are appended to one."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from foxnn import Activation, Dense, Dropout, Flatten, Parallel, Reshape, Residual, neural_network
from test_layer_list import OTHER, shapes


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
        with pytest.raises(KeyError, match=r"(gain|weights): the layer's arrays are"):
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


SUMMARY = """\
layer            kind          output  parameters  trainable
input                          (4, 3)
first            Dense, tan_h  (4, 5)          20  yes
residual_1       Residual      (4, 5)          25  yes
  dropout_1_0_0  Dropout       (4, 5)           0
  dense_1_0_1    Dense, tan_h  (4, 5)          25  yes
aside            Parallel      (4, 6)          46  in part
  dense_2_0_0    Dense, tan_h  (4, 2)          12  no
  dense_2_1_0    Dense, tan_h  (4, 3)          18  yes
  dense_2_1_1    Dense, tan_h  (4, 4)          16  yes
flatten_3        Flatten       (24,)            0
dense_4          Dense, tan_h  (6,)           150  no
dense_5          Dense, tan_h  (2,)            14  yes
parameters: 255 (2.0 kB)
trainable: 93
not trainable: 162
"""


def test_summary(capsys: pytest.CaptureFixture[str]) -> None:
    nn = network()
    nn[4].trainable = nn[2].layers[0].trainable = False
    nn.summary()
    assert capsys.readouterr().out == SUMMARY


def test_a_summary_for_notebooks(capsys: pytest.CaptureFixture[str]) -> None:
    nn = network()
    nn[4].trainable = False
    nn[2].layers[0].trainable = False
    shown = nn._repr_html_()
    assert shown.startswith("<p>neural_network: loss mse, float64, seed 4</p>\n<svg ")
    assert "</svg>\n<table>\n<tr><th " in shown
    rows = re.findall("<tr>(.*?)</tr>", shown)
    cells = [re.findall("<t[dh][^>]*>(.*?)</t[dh]>", row.replace("&nbsp;", " ")) for row in rows]
    nn.summary()
    lines = capsys.readouterr().out.splitlines()
    assert [re.split(r" {2,}", line.strip()) for line in lines[:-3]] == [
        [cell.strip() for cell in row if cell] for row in cells
    ]
    assert shown.endswith(f"<p>{'<br>'.join(lines[-3:])}</p>")


def test_names_are_text_in_notebooks() -> None:
    nn = neural_network([2, Dense(1, name="<b>&")], seed=1)
    assert "&lt;b&gt;&amp;" in nn._repr_html_()
    assert "<b>" not in nn._repr_html_()
    assert (
        neural_network.__new__(neural_network)._repr_html_() == "&lt;neural_network, not made&gt;"
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
        ("relu", TypeError, "new_layer must be .* a description such as .* got 'relu'"),
        (3, TypeError, "new_layer must be .* got 3"),
        (Dense, TypeError, "new_layer must be"),
        (Reshape((5, 5)), ValueError, r"new_layer \(Reshape\) has 25 numbers"),
        (Residual(Dense(2)), ValueError, r"new_layer \(Residual\) adds shapes \(4, 2\)"),
        (Parallel(Dense(2), 3), ValueError, r"new_layer \(Parallel\) must have .* same positions"),
        (Dense(1, "softmax"), ValueError, "softmax needs at least two outputs, got 1"),
        (
            Residual(Dense(5, "exp")),
            ValueError,
            r"new_layer \(Residual\)\.layers\[0\] \(Dense\): .* output layer only",
        ),
        (Dense(3, name="here"), ValueError, "names must be unique, got 'here' twice"),
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
