"""Descriptions of layers: how they print, compare, are copied, and what is refused."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import foxnn
from foxnn import (
    GRU,
    LSTM,
    RNN,
    Activation,
    AveragePool1D,
    AveragePool2D,
    AveragePool3D,
    Conv1D,
    Conv2D,
    Conv3D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool,
    GlobalMaxPool,
    LayerNorm,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    Parallel,
    Reshape,
    Residual,
    UpSample,
)

NAMESPACE = {name: getattr(foxnn, name) for name in foxnn.__all__}

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
    "LayerNorm()": lambda: LayerNorm(),
    "LayerNorm(epsilon=0.5, name='even')": lambda: LayerNorm(epsilon=0.5, name="even"),
    "Conv1D(4, 3)": lambda: Conv1D(4, (3,), stride=1, padding="valid", dilation=[1]),
    "Conv2D(4, 3, padding='same', groups=2)": lambda: Conv2D(4, (3, 3), padding="same", groups=2),
    "Conv2D(4, (3, 2), stride=(2, 1), dilation=2, bias=False)": lambda: Conv2D(
        4, [3, 2], stride=(2, 1), dilation=[2, 2], bias=False
    ),
    "Conv3D(4, 2, activation=('elu', (0.5,)), init='zeros', name='c')": lambda: Conv3D(
        4, 2, activation=("elu", 0.5), init="zeros", name="c"
    ),
    "MaxPool1D(2)": lambda: MaxPool1D((2,), [2]),
    "MaxPool2D((2, 3), stride=1, padding='same')": lambda: MaxPool2D((2, 3), 1, "same"),
    "MaxPool3D(2, name='p')": lambda: MaxPool3D(2, name="p"),
    "AveragePool1D(2)": lambda: AveragePool1D(2, 2),
    "AveragePool2D(3, stride=(2, 1))": lambda: AveragePool2D(3, (2, 1)),
    "AveragePool3D(2)": lambda: AveragePool3D(2),
    "GlobalMaxPool()": lambda: GlobalMaxPool(),
    "GlobalAveragePool(name='g')": lambda: GlobalAveragePool(name="g"),
    "UpSample(2)": lambda: UpSample(2),
    "UpSample((2, 3), name='u')": lambda: UpSample([2, 3], name="u"),
    "Embedding(100, 8)": lambda: Embedding(100, 8),
    "Embedding(5, 1, name='words')": lambda: Embedding(size=1, count=5, name="words"),
    "RNN(3)": lambda: RNN(3),
    "GRU(3, return_sequences=True, bias=False, name='g')": lambda: GRU(
        3, return_sequences=True, bias=False, name="g"
    ),
    "LSTM(3, bidirectional=True, init='zeros')": lambda: LSTM(3, bidirectional=True, init="zeros"),
    "LSTM(3, reverse=True)": lambda: LSTM(units=3, reverse=True),
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
        (lambda: Conv2D(0, 3), ValueError, "filters must be .* got 0"),
        (lambda: Conv2D(2.5, 3), TypeError, r"filters must be .* got 2\.5"),
        (lambda: Conv2D(4, 0), ValueError, "kernel must be .* got 0"),
        (lambda: Conv2D(4, 3.0), TypeError, r"kernel must be .* got 3\.0"),
        (lambda: Conv2D(4, (3, 0)), ValueError, "kernel must be .* got 0"),
        (lambda: Conv2D(4, (3, 3, 3)), ValueError, r"kernel .* number or 2, .* got \(3, 3, 3\)"),
        (lambda: Conv1D(4, ()), ValueError, r"kernel must be one number or 1, .* got \(\)"),
        (lambda: Conv2D(4, 3, stride=0), ValueError, "stride must be .* got 0"),
        (lambda: Conv2D(4, 3, stride=-1), ValueError, "stride must be .* got -1"),
        (lambda: Conv3D(4, 3, dilation=(1, 2)), ValueError, r"dilation .* or 3, .* got \(1, 2\)"),
        (lambda: Conv2D(4, 3, dilation=0), ValueError, "dilation must be .* got 0"),
        (
            lambda: Conv1D(4, 3, padding="causal"),
            ValueError,
            r"one of valid, same; got 'causal', which is 'valid' behind \(kernel - 1\) \* dilation",
        ),
        (lambda: Conv2D(4, 3, padding="full"), ValueError, "padding .* valid, same; got 'full'"),
        (lambda: Conv2D(4, 3, padding=3), ValueError, "below 3, the length of the window, got 3"),
        (
            lambda: Conv2D(4, (3, 1), padding=1),
            ValueError,
            "below 1, the length of the window, got 1",
        ),
        (lambda: Conv2D(4, 3, padding=-1), ValueError, "padding must be .* from 0 .*, got -1"),
        (lambda: Conv2D(4, 3, padding=1.5), TypeError, "padding must be one of .* got 1.5"),
        (lambda: Conv2D(4, 3, padding=True), TypeError, "padding must be one of .* got True"),
        (lambda: Conv2D(4, 3, padding=((1, 1), (1, 1))), TypeError, "for both of its ends, got"),
        (lambda: MaxPool2D(2, padding=(1, 1, 1)), ValueError, "padding must be one number or 2"),
        (lambda: MaxPool2D(2, padding=2), ValueError, "below 2, the length of the window, got 2"),
        (
            lambda: Conv2D(4, 3, padding=None),
            TypeError,
            "padding must be one of valid, same, a number or one for each axis, got None",
        ),
        (lambda: Conv2D(4, 3, groups=0), ValueError, "groups must be .* got 0"),
        (lambda: Conv2D(4, 3, groups=3), ValueError, "groups must divide the 4 filters, got 3"),
        (lambda: Conv2D(4, 3, activation=5), TypeError, "activation must be .* got 5"),
        (lambda: Conv2D(4, 3, bias="no"), TypeError, "bias must be .* got 'no'"),
        (lambda: Conv2D(4, 3, init="nope"), ValueError, "unknown init 'nope'; known are"),
        (lambda: MaxPool2D(0), ValueError, "size must be .* got 0"),
        (lambda: MaxPool2D((2, 2, 2)), ValueError, r"size .* number or 2, .* got \(2, 2, 2\)"),
        (lambda: MaxPool2D(2, (1, 0)), ValueError, "stride must be .* got 0"),
        (lambda: AveragePool1D(2, padding="x"), ValueError, "padding must be one of .* got 'x'"),
        (lambda: GlobalMaxPool(name=3), TypeError, "name must be a string, got 3"),
        (lambda: UpSample(0), ValueError, "factor must be .* got 0"),
        (lambda: UpSample(()), ValueError, "factor must be a number, .* got none"),
        (lambda: UpSample((2, 0.5)), TypeError, r"factor must be .* got 0\.5"),
        (lambda: Residual(), ValueError, "Residual must have at least one layer, got none"),
        (lambda: Residual([]), ValueError, "Residual must have at least one layer, got none"),
        (lambda: Residual(3, shortcut=[]), ValueError, "shortcut must be .* got none"),
        (lambda: Residual(3, name=5), TypeError, "name must be a string, got 5"),
        (lambda: Parallel(), ValueError, "Parallel must have at least one branch, got none"),
        (lambda: Parallel(3, []), ValueError, r"branch 1 .* none \(Activation\('identity'\)"),
    ],
)
def test_wrong_descriptions(make: Callable[[], Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        make()
