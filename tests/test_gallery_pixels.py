"""The examples of the gallery with convolutions, in short, on digits of seven segments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import segment_digits
from gallery_runs import load, told

pytest.importorskip("matplotlib")


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Return a function that imports a script and gives it made-up digits."""
    return lambda name: load(name, monkeypatch)


def test_transfer(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("transfer")
    found = told(script, tmp_path, capsys, "transfer")
    for name in script.WAYS:
        # One run: its accuracy is also the lowest and the highest.
        assert len(set(found[f"{name}, 10 of each"])) == 1
        assert 20 < found[f"{name}, 10 of each"][0] <= 100
    assert len(found["digits 0 to 4"]) == 2


def test_what_is_transferred(example: Callable[[str], ModuleType]) -> None:
    script = example("transfer")
    images, y, _, _ = segment_digits.load(None)
    x = (images / np.float32(255)).reshape(-1, 28, 28, 1)
    old = script.learn_first(x[y <= 4], y[y <= 4], 1, 1)
    few = script.some_of_each(y[y > 4], 3, np.random.default_rng(0))
    assert np.bincount(y[y > 4][few]).tolist() == [0] * 5 + [3] * 5
    assert len(set(few.tolist())) == 15
    for name, made_from in script.WAYS.items():
        nn = made_from(old, 7)
        before = [nn[i].weights for i in (0, 2)]
        is_copy = [bool((w == old[i].weights).all()) for i, w in zip((0, 2), before, strict=True)]
        assert is_copy == [name in ("convolutions frozen", "fine-tuned")] * 2
        script.learn_few(nn, x[y > 4][few], y[y > 4][few], 5)
        kept = [bool((nn[i].weights == w).all()) for i, w in zip((0, 2), before, strict=True)]
        assert kept == ["frozen" in name] * 2
        assert nn.classes == [5, 6, 7, 8, 9]
        assert not (nn[4].weights == made_from(old, 7)[4].weights).all()


def test_segmentation(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(example("segmentation"), tmp_path, capsys, "segmentation")
    assert 5 < found["pixels of digits"][0] < 40
    for name in ("with skips", "without skips"):
        ious = found[f"{name}: IoU of the digits 0 to 9"]
        background = found[f"{name}: IoU of the background"]
        assert len(ious) == 10
        # Eleven roundings to a tenth.
        assert np.mean(background + ious) == pytest.approx(found[f"{name}: mean IoU"][0], abs=0.1)
        taken = found[f"{name}: pixels of digits taken for a digit"][0]
        assert 0 <= found[f"{name}: for the right one"][0] <= taken <= 100


def test_collages(example: Callable[[str], ModuleType]) -> None:
    script = example("segmentation")
    images, y, _, _ = segment_digits.load(None)
    made = script.collages(images, y, 30, 1)
    again = script.collages(images, y, 30, 1)
    assert all((one == other).all() for one, other in zip(made, again, strict=True))
    assert ((made.classes > 0) == (made.clean > script.INK)).all()
    assert {len(np.unique(classes)) - 1 for classes in made.classes} <= set(range(1, 8))
    noise = made.noisy - made.clean
    assert noise.std() == pytest.approx(script.NOISE, rel=0.02)
    # A collage of one image alone: its class where its ink is.
    alone = script.collages(images[:1], np.array([6], np.uint8), 5, 2)
    assert set(np.unique(alone.classes)) == {0, 7}


def test_the_overlap_of_classes(example: Callable[[str], ModuleType]) -> None:
    overlaps = example("segmentation").overlaps
    classes = np.array([[0, 0, 1, 1], [2, 2, 2, 0]], np.uint8)
    found = np.array([[0, 1, 1, 1], [2, 2, 0, 0]])
    wanted = np.zeros(11)
    wanted[:3] = 100 * 2 / 4, 100 * 2 / 3, 100 * 2 / 3
    np.testing.assert_allclose(overlaps(found, classes), wanted)


def test_a_skip_brings_the_input_to_the_end(example: Callable[[str], ModuleType]) -> None:
    script = example("segmentation")
    x = np.zeros((2, script.SIZE, script.SIZE), np.float32)
    for skip, channels in ((True, 8 + 32), (False, 32)):
        nn = script.network(skip=skip)
        assert nn[-1].weights.shape == (3, 3, channels, 11)
        assert nn.predict(x).shape == (*x.shape, 11)


def test_edges(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(example("edges"), tmp_path, capsys, "edges")
    assert found["kernels of Sobel's operator, largest error"][0] < 1e-5
    nothing = found["mean square of an edge map"][0]
    assert 0 < found["error of the network under noise"][0] < nothing


def test_sobels_operator(example: Callable[[str], ModuleType]) -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    script = example("edges")
    pictures = np.random.default_rng(0).random((2, 9, 12), np.float32)
    for picture, found in zip(pictures, script.slopes(pictures), strict=True):
        for i, axis in enumerate((1, 0)):
            wanted = ndimage.sobel(picture, axis, mode="constant") / 8
            np.testing.assert_allclose(found[..., i], wanted, atol=1e-6)
    ramp = np.broadcast_to(3 * np.arange(9.0, dtype=np.float32), (1, 9, 9))
    np.testing.assert_allclose(script.edges(ramp)[0, 1:-1, 1:-1], 3, rtol=1e-6)
    flat = script.blurred(np.ones((1, 20, 20), np.float32), 1.5)
    np.testing.assert_allclose(flat[0, 4:-4, 4:-4], 1, rtol=1e-6)


def test_voxels(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("voxels")
    found = told(script, tmp_path, capsys, "voxels")
    assert 0 < found["voxels of lesions, of vessels"][0] < found["voxels of lesions, of vessels"][1]
    for name in script.STREAMS:
        assert 0 <= found[f"{name}: Dice"][0] <= 100
        assert 0 <= found[f"{name}: voxels of vessels taken for lesions"][0] <= 100


def test_lesions_and_vessels(example: Callable[[str], ModuleType]) -> None:
    script = example("voxels")
    made = script.volumes(20, 0)
    assert not (made.lesions & made.vessels).any()
    assert made.lesions.any(axis=(1, 2, 3)).all()
    bright = made.voxels[made.lesions > 0].mean(), made.voxels[made.vessels > 0].mean()
    assert bright == pytest.approx((1, 1), abs=0.05)
    dark = made.voxels[(made.lesions | made.vessels) == 0]
    assert abs(dark.mean()) < 0.1
    assert script.dice(made.lesions, made.lesions) == 100
    assert script.dice(made.vessels, made.lesions) == 0
    assert script.dice(np.array([1, 1, 0, 0]), np.array([1, 0, 0, 0])) == pytest.approx(200 / 3)
    found = np.array([0.2, 0.9, 0.7, 0.1], np.float32)
    assert 0.2 <= script.best_threshold(found, np.array([0, 1, 1, 0])) < 0.7
