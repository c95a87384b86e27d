"""C headers of networks with `BatchNorm`: it goes into the layer before it where that can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from c_programs import COMPILERS, checked_function, function, self_test
from foxnn import Activation, BatchNorm, Conv1D, Conv2D, Conv3D, Dense, Dropout, MaxPool2D, Residual
from foxnn.formats import folding

pytestmark = [
    pytest.mark.skipif(not COMPILERS, reason="there is no C compiler"),
    pytest.mark.filterwarnings("ignore::foxnn.DataWarning"),
]


def learnt(items: list[Any], dtype: Any = "float32") -> foxnn.neural_network:
    """Return a network in which each `BatchNorm` has statistics, weights and a bias of its own."""
    nn = foxnn.neural_network(items, "identity", dtype=dtype, seed=1)
    rng = np.random.default_rng(1)
    x = 3.0 + 2.0 * rng.normal(size=(40, *nn._input_shape()))
    nn.fit(x, kinds.targets(nn, 40), 3, 10, learning_rate=0.05)
    return nn


def differences(nn: foxnn.neural_network, folder: Path) -> np.ndarray:
    """Return how far the header's answers are from the network's, after its own test."""
    for compiler in COMPILERS[1:]:
        assert self_test(folder / "net.h", compiler, "-O2").returncode == 0
    x = 3.0 + 2.0 * np.random.default_rng(2).normal(size=(9, int(np.prod(nn._input_shape()))))
    x = x.astype(nn.dtype)
    expected = nn.predict(x).reshape(9, -1)
    found = checked_function(folder / "net.h", nn.dtype)(x)
    return np.asarray(np.abs(found - expected) / np.maximum(1.0, np.abs(expected)))


def numbers(nn: foxnn.neural_network) -> int:
    """Return how many numbers the arrays have that are not those of a `BatchNorm`."""
    parts = [inner for part in nn for inner in (part.layers or [part])]
    return sum(a.size for p in parts if p.kind != "BatchNorm" for a in p.arrays.values())


#: With the count of biases that a convolution or dense layer gets, as it had none.
TAKEN: dict[str, tuple[int, list[Any]]] = {
    "flat": (0, [6, Dense(5), BatchNorm(), Activation("tanh"), 2]),
    "number": (0, [6, 5, BatchNorm(epsilon=0.1), 2]),
    "positions": (0, [(7, 2), Dense(3), BatchNorm(), Dense(2)]),
    "steps": (0, [(9, 3), Conv1D(6, 3, groups=3), BatchNorm(), Activation("relu"), 2]),
    "pictures": (
        4 + 3,
        [
            (7, 6, 2), Conv2D(4, 3, bias=False), BatchNorm(), Activation("relu"), MaxPool2D(2),
            Conv2D(3, 2, bias=False, padding="same"), BatchNorm(), Activation("relu"), 3,
        ],
    ),
    "depthwise": (0, [(5, 5, 3), Conv2D(3, 3, padding="same", groups=3), BatchNorm(), 2]),
    "volumes": (0, [(4, 4, 5, 2), Conv3D(3, 2), BatchNorm(), Activation(("elu", 0.5)), 2]),
    "twice": (0, [6, 5, BatchNorm(), BatchNorm(), 2]),
    "behind dropout": (0, [6, 5, Dropout(0.2), BatchNorm(), 2]),
    "last": (0, [6, 5, BatchNorm(), Activation("softmax")]),
    "within": (0, [(6, 2), Residual(Conv1D(2, 3, padding="same"), BatchNorm()), 2]),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", TAKEN)
def test_a_batch_norm_goes_into_the_layer_before_it(name: str, dtype: str, tmp_path: Path) -> None:
    biases, items = TAKEN[name]
    nn = learnt(items, dtype)
    report = nn.export_c(tmp_path / "net.h")
    assert "batch_norm" not in (tmp_path / "net.h").read_text()
    assert report["constant_bytes"] == (numbers(nn) + biases) * np.dtype(dtype).itemsize
    assert differences(nn, tmp_path).max() < (2e-6 if dtype == "float32" else 1e-13)


KEPT: dict[str, list[Any]] = {
    "first": [6, BatchNorm(), 5],
    "after an activation": [6, Dense(5, "tanh"), BatchNorm(), 2],
    "after an activation of its own": [6, Dense(5), Activation("tanh"), BatchNorm(), 2],
    "after a pool": [(6, 6, 1), Conv2D(3, 3), MaxPool2D(2), BatchNorm(), 2],
    "after a sum": [6, Residual(6), BatchNorm(), 2],
    "at the start of a branch": [6, 5, Residual(BatchNorm()), 2],
    "of other channels": [(6, 2), Conv1D(3, 3), foxnn.Flatten(), BatchNorm(), 2],
}


@pytest.mark.parametrize("name", KEPT)
def test_where_there_is_no_such_layer_it_is_one_of_its_own(name: str, tmp_path: Path) -> None:
    nn = learnt(KEPT[name])
    nn.export_c(tmp_path / "net.h")
    assert "net_batch_norm(" in (tmp_path / "net.h").read_text()
    assert differences(nn, tmp_path).max() < 2e-6


def test_numbers_are_rounded_once() -> None:
    nn = learnt([6, Dense(5), BatchNorm(epsilon=0.01), 2])
    dense, norm = (
        {k: a.astype(np.longdouble) for k, a in part.arrays.items()} for part in (nn[0], nn[1])
    )
    factor = norm["weights"] / np.sqrt(norm["running_variance"] + np.longdouble(0.01))
    first = folding.folded(nn._layers(), nn._array)[0]
    exact = {
        "weights": dense["weights"] * factor,
        "bias": (dense["bias"] - norm["running_mean"]) * factor + norm["bias"],
    }
    for name, found in first["values"].items():
        assert found.dtype == np.float32
        # Half a unit in the last place, but for the rounding of float64 before it.
        unit = np.spacing(np.abs(exact[name]).astype(np.float32))
        assert (np.abs(found - exact[name]) <= (0.5 + 1e-6) * unit).all()


def far(nn: foxnn.neural_network, mean: float) -> foxnn.neural_network:
    """Give the sums of the first layer a mean that they are all near to."""
    nn[1].arrays["running_mean"] = np.full(5, mean)
    nn[1].arrays["running_variance"] = np.full(5, 0.7)
    # Whole numbers, whose sums have no error without the factor.
    nn[0].weights = np.random.default_rng(1).integers(1, 4, nn[0].weights.shape)
    nn[0].bias = np.zeros(5)
    return nn


def test_a_mean_far_from_the_bias_would_cost_digits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nn = far(foxnn.neural_network([6, Dense(5), BatchNorm()], "identity", seed=1), 6000.0)
    x = np.random.default_rng(1).integers(480, 520, (9, 6)).astype(np.float32)
    x[:, 0] += 6000.0 - (x @ nn[0].weights)[:, 0]
    expected = nn.predict(x)[:, 0]
    errors = []
    for name, farthest in (("kept", folding._FARTHEST), ("taken", np.inf)):
        monkeypatch.setattr(folding, "_FARTHEST", farthest)
        header = tmp_path / name / "net.h"
        header.parent.mkdir()
        nn.export_c(header)
        assert ("batch_norm" in header.read_text()) == (name == "kept")
        errors.append(np.abs(function(header)(x)[:, 0] - expected).max())
    assert errors[0] < 1e-5
    assert errors[1] > 1e-4


@pytest.mark.parametrize(("mean", "is_kept"), [(53.0, False), (54.0, True)])
def test_how_far_a_mean_may_be(mean: float, is_kept: bool, tmp_path: Path) -> None:
    # 64 deviations of sqrt(0.7) are 53.5.
    nn = far(foxnn.neural_network([6, Dense(5), BatchNorm()], "identity", seed=1), mean)
    nn.export_c(tmp_path / "net.h")
    assert ("batch_norm" in (tmp_path / "net.h").read_text()) == is_kept


def test_a_factor_beyond_the_type_is_no_weight(tmp_path: Path) -> None:
    nn = foxnn.neural_network([6, Dense(5), BatchNorm()], "identity", seed=1)
    nn[0].weights = np.full((6, 5), 1e10)
    nn[1].arrays["weights"] = np.full(5, 1e30)
    nn[1].arrays["running_variance"] = np.full(5, 1.0)
    nn.export_c(tmp_path / "net.h", samples=(np.full((8, 6), 1e-30), np.zeros((8, 5))))
    assert "batch_norm" in (tmp_path / "net.h").read_text()
    assert self_test(tmp_path / "net.h").returncode == 0
