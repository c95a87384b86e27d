"""Changes of samples while they are learnt: `fit(augment=...)` and `foxnn.augment`."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from foxnn import augment

RNG = np.random.default_rng(1)
IMAGES = RNG.random((50, 6, 5, 2)).astype(np.float32)
LABELS = RNG.integers(0, 3, 50)


def network(**options: Any) -> foxnn.neural_network:
    layers = [(6, 5, 2), foxnn.Conv2D(4, 3), foxnn.MaxPool2D(2), 3]
    return foxnn.neural_network(layers, "relu", "softmax", seed=3, **options)


def parameters(nn: foxnn.neural_network) -> bytes:
    return b"".join(np.asarray(a).tobytes() for part in nn for a in part.arrays.values())


def fitted(**options: Any) -> tuple[foxnn.neural_network, foxnn.History]:
    nn = network()
    nn.settings.n_threads = options.pop("n_threads", 0)
    return nn, nn.fit(IMAGES, LABELS, 3, 8, progress=False, **options)


class Fixed(np.random.Generator):
    """A generator that always draws the same."""

    def __init__(self, value: float) -> None:
        super().__init__(np.random.PCG64(0))
        self.value = value

    def uniform(self, low: float, high: float, size: tuple[int, ...]) -> Any:  # type: ignore[override]
        assert low <= self.value <= high
        return np.full(size, self.value)

    def integers(self, low: int, high: int, size: tuple[int, ...], endpoint: bool) -> Any:  # type: ignore[override]
        assert endpoint
        assert low <= self.value <= high
        return np.full(size, int(self.value))


# In fit


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("threads", [1, 2])
def test_nothing_changed_gives_the_bits_of_a_plain_fit(shuffle: bool, threads: int) -> None:
    plain, first = fitted(shuffle=shuffle, n_threads=threads)
    same, second = fitted(shuffle=shuffle, n_threads=threads, augment=lambda x, rng: x)
    assert parameters(plain) == parameters(same)
    assert first["loss"] == second["loss"]


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_the_narrow_path_and_scalers(dtype: str) -> None:
    x = (100 * RNG.random((40, 3))).astype(dtype)
    y = RNG.random((40, 2))
    found = []
    for change in (None, lambda x, rng: x):
        nn = foxnn.neural_network([3, 5, 4, 2], "tanh", "identity", seed=1, dtype="float64")
        nn.fit(x, y, 5, 7, scale="standard", augment=change, progress=False)
        found.append(parameters(nn))
    assert found[0] == found[1]


def test_a_function_gets_each_batch_and_what_it_returns_is_learnt() -> None:
    seen = []

    def change(x: Any, rng: np.random.Generator) -> Any:
        seen.append((x.shape, x.dtype, float(rng.random())))
        return np.zeros_like(x)

    nn = network()
    nn.fit(IMAGES, LABELS, 2, 20, augment=change, shuffle=False, progress=False)
    assert [shape for shape, _, _ in seen] == [(20, 6, 5, 2), (20, 6, 5, 2), (10, 6, 5, 2)] * 2
    assert {dtype for _, dtype, _ in seen} == {np.dtype("float32")}
    assert len({drawn for _, _, drawn in seen}) == 6
    other = network()
    other.fit(0 * IMAGES, LABELS, 2, 20, shuffle=False, progress=False)
    assert parameters(nn) == parameters(other)


def test_functions_follow_each_other() -> None:
    order = []
    fitted(augment=[lambda x, rng: order.append(1) or x, lambda x, rng: order.append(2) or x])
    assert order[:4] == [1, 2, 1, 2]


def test_the_seed_decides() -> None:
    noise = augment.noise(0.3)
    assert parameters(fitted(augment=noise)[0]) == parameters(fitted(augment=noise)[0])
    assert parameters(fitted(augment=noise)[0]) != parameters(fitted()[0])
    many, one = fitted(augment=noise, n_threads=2)[0], fitted(augment=noise, n_threads=1)[0]
    assert parameters(many) == parameters(one)


def test_a_second_fit_in_order_draws_other_numbers() -> None:
    drawn = []

    def look(x: Any, rng: np.random.Generator) -> Any:
        drawn.append(float(rng.random()))
        return x

    nn = network()
    for _ in range(2):
        nn.fit(IMAGES, LABELS, 2, 25, augment=look, shuffle=False, progress=False)
    assert len(set(drawn)) == 8


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("own", [True, False])
def test_a_resumed_run_learns_the_same(shuffle: bool, own: bool, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    noise = augment.noise(0.2)
    change: Any = (lambda x, rng: noise(x, rng)) if own else [augment.flip(), noise]
    options: dict[str, Any] = {"augment": change, "shuffle": shuffle, "progress": False}
    whole = network()
    whole.fit(IMAGES, LABELS, 4, 8, **options)
    nn = network()

    class Stop:
        calls = 0

        def on_batch_end(self, batch: int, logs: dict[str, float]) -> bool:
            self.calls += 1
            return self.calls == 10

    nn.fit(IMAGES, LABELS, 4, 8, checkpoint=path, callbacks=Stop(), **options)
    if own:
        with pytest.raises(ValueError, match="augment must be given again"):
            foxnn.resume(path, IMAGES, LABELS)
    else:
        with pytest.raises(ValueError, match="augment must be left out"):
            foxnn.resume(path, IMAGES, LABELS, augment=change)
    again = {"augment": change} if own else {}
    nn, history = foxnn.resume(path, IMAGES, LABELS, progress=False, **again)
    assert len(history["loss"]) == 4
    assert parameters(nn) == parameters(whole)


def test_samples_held_out_stay_as_they_are() -> None:
    count = []
    fitted(augment=lambda x, rng: count.append(len(x)) or x, validation=0.2)
    assert sum(count) == 3 * 40


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (3, TypeError, r"augment must be a function of \(x, rng\).*got 3"),
        ([augment.flip(), "flip"], TypeError, "got 'flip'"),
        (augment.flip, TypeError, "augment must be a function"),
        (lambda x, rng: x[:, :3], ValueError, r"\(8, 6, 5, 2\), got \(8, 3, 5, 2\)"),
        (lambda x, rng: None, TypeError, "the batch from augment must hold real numbers"),
        (lambda x, rng: x * np.nan, ValueError, "the batch from augment must be finite"),
        (lambda x, rng: x.astype(float) + 1e300, ValueError, "augment must be finite in float32"),
    ],
)
def test_what_is_wrong_is_named(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        fitted(augment=given)


def test_indices_stay_within_their_table() -> None:
    nn = foxnn.neural_network([3, foxnn.Embedding(4, 2), 2], seed=1)
    x, y = RNG.integers(4, size=(9, 3)), np.ones((9, 2))
    nn.fit(x, y, 1, augment=lambda x, rng: x[:, ::-1])
    before = nn[0].weights
    expected = (
        r"the batch from augment must hold whole numbers from 0 to 3, the indices of layer 0 "
        r"\(Embedding\), got 4 in sample \d, column 0"
    )
    with pytest.raises(ValueError, match=expected):
        nn.fit(x, y, 1, augment=lambda x, rng: np.where(x == 3, [4, 0, 0], [0, 0, 0]))
    np.testing.assert_array_equal(nn[0].weights, before)


def test_sparse_samples_are_refused() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    nn = foxnn.neural_network([4, 2], seed=1)
    with pytest.raises(ValueError, match="augment needs dense samples, got a sparse matrix"):
        nn.fit(sparse.eye(4, format="csr"), np.ones((4, 2)), augment=augment.noise(0.1))


# The functions


def test_shift_moves_and_fills_with_zeros() -> None:
    moved = augment.shift(2)(IMAGES, Fixed(1))
    expected = np.zeros_like(IMAGES)
    expected[:, 1:, 1:] = IMAGES[:, :-1, :-1]
    np.testing.assert_array_equal(moved, expected)
    back = augment.shift(9)(IMAGES, Fixed(-9))
    assert not back.any()


def test_shift_moves_each_sample_by_itself() -> None:
    x = np.zeros((400, 7, 7, 1))
    x[:, 3, 3] = 1.0
    moved = augment.shift(2)(x, np.random.default_rng(0))
    places = np.argwhere(moved[..., 0])
    assert len(places) == 400
    assert {tuple(place[1:] - 3) for place in places} == {
        (i, j) for i in range(-2, 3) for j in range(-2, 3)
    }


def test_flip_mirrors_half_of_the_samples() -> None:
    x = np.arange(2000 * 3.0).reshape(2000, 3, 1)
    flipped = augment.flip()(x, np.random.default_rng(0))
    is_flipped = (flipped == x[:, ::-1]).all(axis=(1, 2))
    assert ((flipped == x).all(axis=(1, 2)) ^ is_flipped).all()
    assert 900 < is_flipped.sum() < 1100
    up = augment.flip(axis=0, probability=1.0)(IMAGES, np.random.default_rng(0))
    np.testing.assert_array_equal(up, IMAGES[:, ::-1])


@pytest.mark.parametrize("size", [4, 5])
def test_rotate_turns_around_the_centre(size: int) -> None:
    x = RNG.random((3, size, size, 2))
    for degrees, turns in ((0.0, 0), (90.0, 1), (180.0, 2), (-90.0, -1)):
        turned = augment.rotate(180.0)(x, Fixed(degrees))
        np.testing.assert_allclose(turned, np.rot90(x, turns, (1, 2)), atol=1e-12)


def test_rotate_beside_scipy() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    x = RNG.random((2, 8, 11, 1))
    turned = augment.rotate(30.0)(x, Fixed(20.0))
    wide = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))  # so that its edge fades as ours does
    expected = ndimage.rotate(wide, 20.0, (2, 1), reshape=False, order=1)[:, 1:-1, 1:-1]
    np.testing.assert_allclose(turned, expected, atol=1e-12)


def test_rotate_turns_each_picture_by_itself() -> None:
    x = RNG.random((30, 20, 28, 1)).astype(np.float32)  # several pieces
    angles = np.random.default_rng(4).uniform(-30.0, 30.0, 30)
    turned = augment.rotate(30.0)(x, np.random.default_rng(4))
    for picture, angle, found in zip(x, angles, turned, strict=True):
        alone = augment.rotate(30.0)(picture[None], Fixed(angle))[0]
        np.testing.assert_array_equal(found, alone)


def test_noise_is_normal() -> None:
    found = augment.noise(2.0)(np.zeros((100, 10, 10)), np.random.default_rng(0))
    assert abs(found.mean()) < 0.1
    assert 1.9 < found.std() < 2.1
    assert augment.noise(1.0)(IMAGES, np.random.default_rng(0)).dtype == np.float32


@pytest.mark.parametrize(
    "one", [augment.shift(2), augment.flip(0, 0.25), augment.rotate(10), augment.noise(0.1)]
)
def test_they_are_constants(one: Any) -> None:
    assert pickle.loads(pickle.dumps(one)) == one == copy.deepcopy(one)
    assert eval(repr(one), vars(augment)) == one
    before = IMAGES.copy()
    one(IMAGES, np.random.default_rng(0))
    np.testing.assert_array_equal(before, IMAGES)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: augment.shift(-1), "positions must be"),
        (lambda: augment.flip(3), "axis must be"),
        (lambda: augment.flip(probability=1.5), "probability must be"),
        (lambda: augment.rotate(181), "degrees must be"),
        (lambda: augment.noise(-0.1), "scale must be"),
        (lambda: augment.rotate(5)(np.zeros((3, 4)), np.random.default_rng()), "height, width"),
        (lambda: augment.flip(1)(np.zeros((3, 4, 1)), np.random.default_rng()), "axis must be"),
        (lambda: augment.flip(1)(np.zeros((3, 4)), np.random.default_rng()), "x must have shape"),
    ],
)
def test_bad_constants(call: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        call()
