"""The gallery's examples with convolutional networks, in short, on digits of seven segments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import foxnn
import segment_digits
from gallery_runs import load, told

pytest.importorskip("matplotlib")


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Return a function that imports a script and gives it made-up digits."""
    return lambda name: load(name, monkeypatch)


def test_a_convolutional_network(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("convolutional_network")
    names = ("convolutional-hardest", "convolutional-maps", "convolutional-network")
    page = tmp_path / "digits.html"
    found = told(script, tmp_path / "pictures", capsys, *names, page=page)
    for way in script.WAYS:
        assert 50 < found[f"{way}: accuracy"][0] <= 100
    weights = 12 * 25 + 32 * 12 * 25 + 64 * 32 * 9 + (2 * 2 * 64 + 1) * 10
    of_norms = 4 * (12 + 32 + 64)
    assert found["numbers in the network"] == [*divmod(weights + of_norms, 1000)]


def test_its_ways_differ_by_what_they_are_named_for(example: Callable[[str], ModuleType]) -> None:
    script = example("convolutional_network")
    plain, normalized = (foxnn.neural_network(script.layers(norm)) for norm in (False, True))
    kinds = [layer.kind for layer in normalized]
    assert kinds.count("BatchNorm") == 3
    assert [kind for kind in kinds if kind != "BatchNorm"] == [layer.kind for layer in plain]
    assert all("bias" in layer.arrays for layer in plain if layer.kind == "Conv2D")
    x = segment_digits.load(None)[0][:20].reshape(-1, 28, 28, 1) / np.float32(255)
    rng = np.random.default_rng(0)
    changed = x
    for change in script.moved():
        changed = change(changed, rng)
    assert changed.shape == x.shape
    # The ink stays, but for what the interpolation loses, in other places.
    np.testing.assert_allclose(changed.sum(axis=(1, 2)), x.sum(axis=(1, 2)), rtol=0.15)
    assert np.abs(changed - x).max(axis=(1, 2, 3)).min() > 0.1


def test_receptive_fields(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(example("receptive_fields"), tmp_path, capsys, "receptive-fields")
    assert [found[f"layer {number}: units"] for number in (1, 2, 3)] == [
        [12, 12, 12], [32, 4, 4], [64, 2, 2],
    ]  # fmt: skip


def test_a_unit_sees_its_receptive_field_and_nothing_else(
    example: Callable[[str], ModuleType],
) -> None:
    script, layers = example("receptive_fields"), example("convolutional_network").layers(False)
    # Positive weights, so that more ink anywhere in the field means a larger output.
    nn = foxnn.neural_network(layers, seed=1)
    for layer in nn:
        if "weights" in layer.arrays:
            layer.weights = np.abs(layer.weights)
    x = np.zeros((785, 28, 28), np.float32)
    x.reshape(785, 784)[1:][np.diag_indices(784)] = 1
    outputs = nn.layer_outputs(x)
    for layer, field in zip(nn, script.fields(layers), strict=True):
        if layer.kind not in ("Conv2D", "MaxPool2D"):
            continue
        found = outputs[layer.name]
        reacts = np.abs(found[1:] - found[0]).max(axis=-1).reshape(28, 28, *found.shape[1:3]) > 0
        for row, column in ((0, 0), (1, 0), tuple(n - 1 for n in found.shape[1:3])):
            seen = np.argwhere(reacts[:, :, row, column])
            first = np.array([row, column]) * field.step
            assert seen.min(axis=0).tolist() == first.tolist()
            assert seen.max(axis=0).tolist() == (first + field.size - 1).tolist()
            assert len(seen) == field.size**2


def test_the_patches_that_excite_a_unit_most(example: Callable[[str], ModuleType]) -> None:
    script = example("receptive_fields")
    nn = foxnn.neural_network([(28, 28, 1), foxnn.Conv2D(2, 3, bias=False)], init="zeros")
    weights = np.zeros((3, 3, 1, 2))
    weights[1, 1, 0, 0] = 1  # the first unit answers to ink, the second to its absence
    weights[1, 1, 0, 1] = -1
    nn[0].weights = weights
    x = np.full((4, 784), 0.5, np.float32)
    for image, level in enumerate((0.6, 0.9, 0.7, 0.8)):
        x[image, 28 * (5 + image) + 9] = level
    (found,) = script.peaks(nn, x, [nn[0].name])
    assert found.rows[:, 0].tolist() == [4, 5, 6, 7]
    assert found.columns[:, 0].tolist() == [8] * 4
    drawn = script.patches(x, found, script.Field(3, 1), 0, 3)
    assert drawn.shape == (3, 3, 3)
    assert drawn[:, 1, 1].tolist() == pytest.approx([0.9, 0.8, 0.7])
    digits = np.array([4, 4, 4, 7])
    assert script.same_digit(found.values, digits, 2)[0] == 0.5
    assert script.same_digit(found.values, digits, 4)[0] == 0.75
    assert script.liveliest(found).tolist() == [0, 1]


def test_noise_clutter_and_occlusion(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("noise_clutter_occlusion")
    found = told(script, tmp_path, capsys, "noise-clutter-occlusion")
    for kind, levels in script.LEVELS.items():
        assert found[f"{kind}: {script.MEANING[kind]}"] == list(levels)
        curves = [values for name, values in found.items() if name.startswith(f"{kind}, ")]
        assert len(curves) == 6
        assert all(len(values) == len(levels) for values in curves)
        assert all(values[-1] < values[0] for values in curves)


def test_a_renormalized_network_has_the_means_of_its_images(
    example: Callable[[str], ModuleType],
) -> None:
    script, cnn = example("noise_clutter_occlusion"), example("convolutional_network")
    nn = foxnn.neural_network(cnn.layers(), output_activation="softmax", seed=1)
    x = segment_digits.load(None)[0][:50] / np.float32(255)
    fresh = script.renormalized(nn, x)
    before, after = nn.layer_outputs(x), fresh.layer_outputs(x)
    for layer in nn:
        if layer.kind == "BatchNorm":
            assert np.abs(before[layer.name].mean(axis=(0, 1, 2))).max() > 0.01
            np.testing.assert_allclose(after[layer.name].mean(axis=(0, 1, 2)), 0, atol=1e-4)
            np.testing.assert_allclose(after[layer.name].var(axis=(0, 1, 2)), 1, rtol=0.01)
    assert (nn[2].arrays["running_mean"] == 0).all()


def test_damage_is_as_strong_as_it_says(example: Callable[[str], ModuleType]) -> None:
    script, rng = example("noise_clutter_occlusion"), np.random.default_rng(0)
    grey = np.full((50, 28, 28), 0.5, np.float32)
    noisy = script.noise(grey, 0.1, rng)
    assert noisy.dtype == np.float32
    assert noisy.std() == pytest.approx(0.1, rel=0.02)
    wild = script.noise(grey, 5.0, rng)
    assert (wild.min(), wild.max()) == (0, 1)
    empty = script.occlusion(grey, 6, rng) == 0
    for image in empty:
        rows, columns = np.nonzero(image)
        assert len(rows) == 36
        for along in (rows, columns):
            assert (along.min() >= 4, along.max() < 24, np.ptp(along)) == (True, True, 5)
    # Images of one level each, of which a piece of a brighter one shows and of a darker one not.
    levels = np.linspace(0.1, 0.9, 50, dtype=np.float32)[:, None, None] * np.ones_like(grey)
    laid = script.clutter(levels, 1, rng)
    assert (laid >= levels).all()
    changed = (laid != levels).sum(axis=(1, 2))
    assert set(changed) == {0, script.PIECE**2}
    assert 10 < (changed > 0).sum() < 40
    assert ((script.clutter(levels, 8, rng) != levels).sum(axis=(1, 2))).mean() > changed.mean()
    for kind, damage in script.DAMAGE.items():
        before = levels.copy()
        np.testing.assert_array_equal(damage(levels, 0, rng), before, err_msg=kind)
        damage(levels, script.LEVELS[kind][-1], rng)
        np.testing.assert_array_equal(levels, before, err_msg=kind)


def test_a_damaged_batch_has_a_quarter_of_each(example: Callable[[str], ModuleType]) -> None:
    script = example("noise_clutter_occlusion")
    x = segment_digits.load(None)[0][:40].reshape(-1, 28, 28, 1) / np.float32(255)
    learnt = script.damaged(x, np.random.default_rng(1))
    assert (learnt.shape, learnt.dtype) == (x.shape, x.dtype)
    parts = np.split(learnt - x, 4)
    assert (parts[0] == 0).all()
    assert (parts[1] != 0).mean() > 0.3
    assert (parts[2].min(), parts[2].max() > 0.3) == (0, True)
    assert (parts[3].min() < -0.3, parts[3].max()) == (True, 0)
    for few in (1, 2, 3):
        assert script.damaged(x[:few], np.random.default_rng(1)).shape == x[:few].shape
