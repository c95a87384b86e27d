"""Answers for one sample or a few, which have memory and ways through layers of their own."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import numpy as np
import pytest

import foxnn
from closeness import assert_within
from foxnn import _core
from layer_reference import Network

PICTURES = [
    (9, 8, 1),
    foxnn.Conv2D(6, 3, padding="same"),
    foxnn.MaxPool2D(2),
    foxnn.Conv2D(20, 2),
    foxnn.AveragePool2D(2, 1),
    foxnn.Conv2D(40, 2, groups=20),
    33,
    3,
]


def pictures(dtype: str = "float32") -> Any:
    return foxnn.neural_network(PICTURES, "relu", dtype=dtype, seed=5)


def drawn(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, *shape)).astype(np.float32) / 64


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "sizes",
    [
        PICTURES,
        [5, 70, 33, 2],
        [3, 4, 2],
        [(30, 4), foxnn.Conv1D(4, 5, groups=4), 2],
        # Of one sample, positions are rows, and panels of all positions one.
        [(6, 7, 20), foxnn.Dense(33), foxnn.LayerNorm(), foxnn.BatchNorm(), foxnn.Dropout(0.3),
         foxnn.Activation("gelu"), foxnn.Residual(foxnn.Activation("relu")), 2],
        [(5, 64), foxnn.BatchNorm(), foxnn.Activation("relu"), foxnn.Reshape((10, 32)),
         foxnn.LayerNorm(), foxnn.UpSample(2)],
        [(8, 3), foxnn.GRU(40, return_sequences=True), foxnn.Dense(5), foxnn.BatchNorm()],
    ],
)  # fmt: skip
def test_few_samples_have_the_bits_of_many(sizes: list[Any], dtype: str) -> None:
    nn = foxnn.neural_network(sizes, "tanh", dtype=dtype, seed=2)
    for layer in nn:
        if "running_mean" in layer.arrays:
            for name, array in layer.arrays.items():
                layer.arrays[name] = np.linspace(0.5, 1.5, array.size)
    x = drawn(70, *nn._input_shape()).astype(dtype)
    many = nn.predict(x)
    for count in (*range(1, 20), 69):
        assert nn.predict(x[:count]).tobytes() == many[:count].tobytes()
        assert nn.predict(x[-count:]).tobytes() == many[-count:].tobytes()
    for row, expected in zip(x, many, strict=True):
        assert nn.get_out(row).tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [[300, 150, 40, 2], [(300,), foxnn.Dense(150), 2], [70, 3]])
def test_the_zeros_of_a_sample_leave_no_trace(sizes: list[Any], dtype: str) -> None:
    """Weights of zeros are not read where there are many."""
    nn = foxnn.neural_network(sizes, "tanh", dtype=dtype, seed=3)
    rng = np.random.default_rng(1)
    for share in (0.0, 0.3, 0.9, 1.0, 0.0):
        x = rng.integers(1, 256, nn._input_shape()).astype(np.uint8)
        x[rng.random(x.shape) < share] = 0
        expected = nn.predict(x[None])[0]
        for given in (x, x.astype(np.float32), x.astype(np.float64), x.tolist(), x[::-1][::-1]):
            assert nn.get_out(given).tobytes() == expected.tobytes()
        with pytest.raises(ValueError, match="x must be finite"):
            nn.get_out(np.full(x.shape, np.inf))


def test_large_samples_go_few_at_a_time() -> None:
    """Those whose values would leave the cache; on any number of threads."""
    nn = foxnn.neural_network([(12, 11, 1), *PICTURES[1:]], "tanh", seed=5)
    x = drawn(40, 12, 11)
    many = nn.predict(x)
    assert_within(many, Network(nn).predict(x[..., None]), 1e-5)
    for threads in (1, 2, 3):
        nn.settings.n_threads = threads
        assert nn.predict(x).tobytes() == many.tobytes()
    for row, expected in zip(x, many, strict=True):
        assert nn.get_out(row).tobytes() == expected.tobytes()


@pytest.mark.parametrize("kind", ["float32", "float64", "uint8"])
def test_one_sample_in_every_form(kind: str) -> None:
    nn = pictures()
    picture = drawn(1, 9, 8, 1)[0].round().astype(kind)
    expected = nn.predict(picture[None])[0].tobytes()
    wide = np.zeros((9, 16, 1), kind)
    wide[:, ::2] = picture
    for form in (picture, picture[:, :, 0], picture.ravel()):
        assert nn.get_out(form).tobytes() == expected
        assert _core.answer(nn, form) is not None
    assert nn.get_out(np.asfortranarray(picture)).tobytes() == expected
    assert nn.get_out(wide[:, ::2]).tobytes() == expected  # not contiguous
    assert nn.get_out(picture.tolist()).tobytes() == expected


@pytest.mark.parametrize("kind", ["float32", "float64", "uint8"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "layers",
    [
        [foxnn.Reshape((12, 64))],
        [foxnn.UpSample(2), foxnn.MaxPool2D(2), foxnn.UpSample((1, 3))],
        [foxnn.Residual(foxnn.Activation("relu")), foxnn.LayerNorm()],
        [foxnn.Conv2D(64, 3, padding="same"), foxnn.BatchNorm()],
        [foxnn.Parallel(foxnn.Conv2D(32, 1), foxnn.Conv2D(32, 3, padding="same", groups=32))],
        [foxnn.Conv2D(8, 3), foxnn.GlobalAveragePool(), 64],
    ],
)
def test_a_sample_is_read_where_it_lies(layers: list[Any], dtype: str, kind: str) -> None:
    """What lies beside it counts nowhere, and neither is changed."""
    nn = foxnn.neural_network([(4, 6, 32), *layers], "tanh", dtype=dtype, seed=8)
    everything = np.full(4 * 6 * 32 + 200, 255 if kind == "uint8" else np.nan, kind)
    x = everything[100:-100]
    x[:] = np.random.default_rng(4).integers(0, 200, x.size)
    before = everything.copy()
    expected = nn.predict(x[None].copy())[0]
    outs = [nn.get_out(x) for _ in range(3)]
    assert all(out.tobytes() == expected.tobytes() for out in outs)
    np.testing.assert_array_equal(everything, before)
    # The memory of an answer is its own, and so is that of the next sample.
    outs[0][...] = 7
    x[:] = 3
    other = nn.predict(x[None].copy())[0]
    assert nn.get_out(x.tolist()).tobytes() == nn.get_out(x).tobytes() == other.tobytes()
    assert outs[1].tobytes() == expected.tobytes()


def test_long_answers_have_the_bits_of_short_ones() -> None:
    """The GIL is released, and threads have memory of their own."""
    nn = foxnn.neural_network([(24, 24, 32), foxnn.Conv2D(64, 3), foxnn.MaxPool2D(2), 3], seed=2)
    x = drawn(6, 24, 24, 32)
    expected = [out.tobytes() for out in nn.predict(x)]
    assert _core.answer(nn, x[0]) is not None
    assert [nn.get_out(one).tobytes() for one in x] == expected
    found: list[list[bytes]] = []

    def ask() -> None:
        found.append([nn.get_out(one).tobytes() for one in x for _ in range(5)])

    def change() -> None:
        for _ in range(300):
            with contextlib.suppress(RuntimeError):  # while another thread uses it
                nn.reset_optimizer()

    threads = [threading.Thread(target=job) for job in (ask, change, ask, ask)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[out for out in expected for _ in range(5)]] * 3


def test_a_table_is_no_sample() -> None:
    nn = pictures()
    assert nn.get_out(drawn(2, 72)).shape == (2, 3)
    assert nn.get_out(drawn(2, 9, 8)).shape == (2, 3)
    for shape in ((8, 9), (8, 9, 1), (9, 8, 2), (71,), ()):
        assert _core.answer(nn, np.zeros(shape, np.float32)) is None
        with pytest.raises(ValueError, match="x must"):
            nn.get_out(np.zeros(shape, np.float32))


def test_a_number_is_no_sample() -> None:
    nn = foxnn.neural_network([1, 3, 1], seed=1)
    assert nn.get_out([0.5]).shape == (1,)
    for number in (np.array(0.5), np.array(0.5, np.float32), np.array(1, np.uint8)):
        assert _core.answer(nn, number) is None
        with pytest.raises(ValueError, match="x must"):
            nn.get_out(number)


def test_what_is_refused_leaves_nothing_behind() -> None:
    nn = pictures()
    x = drawn(4, 9, 8)
    expected = nn.predict(x).tobytes()
    for bad in (np.nan, np.inf):
        wrong = x.copy()
        wrong[3, 2, 1] = bad
        with pytest.raises(ValueError, match="x"):
            nn.predict(wrong)
        with pytest.raises(ValueError, match="x"):
            nn.get_out(wrong[3])
        assert nn.predict(x[:1]).tobytes() == expected[: len(expected) // 4]
        assert nn.predict(x).tobytes() == expected


def test_outputs_that_are_no_number_are_refused() -> None:
    nn = foxnn.neural_network([2, 3, 1], "identity", dtype="float32", seed=1)
    nn[0].weights = np.full((2, 3), 3e38)
    nn[1].weights = [[1.0], [-1.0], [1.0]]
    for count in (1, 3, 30):
        with pytest.raises(OverflowError):
            nn.predict(np.full((count, 2), 3e38, np.float32))


def test_changes_take_effect() -> None:
    nn = pictures()
    x = drawn(5, 9, 8)
    nn.predict(x)
    nn[0].weights = nn[0].weights * 2
    twin = pictures()
    twin[0].weights = twin[0].weights * 2
    assert nn.predict(x).tobytes() == twin.predict(np.repeat(x, 9, 0))[::9].tobytes()
    nn.fit(drawn(64, 9, 8), np.eye(3)[np.arange(64) % 3], 1)
    assert nn.predict(x).tobytes() == nn.predict(np.repeat(x, 9, 0))[::9].tobytes()
    nn.next_layer(foxnn.layer(3, 4, "identity"))
    assert nn.predict(x).shape == (5, 4)
