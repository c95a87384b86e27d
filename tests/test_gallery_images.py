"""The examples of the gallery that look into images, in short, on digits of seven segments."""

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


def test_an_edge_neuron(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("edge_neuron")
    found = told(script, tmp_path, capsys, "edge-neuron")
    # 3 rows of 12 pixels, less the threshold of 10; as many below it twice.
    assert found["sum for the bar in its place"] == [26]
    assert found["sum for an empty image, a black one"] == [-10, -46]
    assert found["rows at which it sees a bar"] == [6, 7, 8]
    assert found["digit 7"][0] > 25
    assert max(found["digit 1"][0], found["digit 4"][0]) == 0


def test_depth(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(example("depth"), tmp_path, capsys, "depth")
    assert found["sigmoid: gradient of layer 1 / layer 8"][0] < 0.01
    assert 0.1 < found["relu: gradient of layer 1 / layer 8"][0] < 10


def test_the_gradients_are_those_of_the_trace(example: Callable[[str], ModuleType]) -> None:
    script = example("depth")
    nn = script.network("tanh", 3)
    x, y, _, _ = segment_digits.load(None)
    before = [part.weights for part in nn]
    found = script.gradients(nn, x[:20] / np.float32(255), y[:20])
    traces = [nn.trace(x[i] / np.float32(255), y[i]) for i in range(20)]
    for layer in (1, 2, 3):
        mean = np.mean([trace[f"dC/db^{layer}"] for trace in traces], axis=0)
        # A bias that moves from 0 is the gradient, rounded once.
        assert found[layer - 1] == pytest.approx(np.sqrt((mean**2).mean()), rel=1e-4)
    assert all((part.weights == old).all() for part, old in zip(nn, before, strict=True))


def test_an_autoencoder(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("autoencoder")
    found = told(script, tmp_path, capsys, "autoencoder-codes", "autoencoder-images")
    assert found["noise removed"][0] < found["noise: error of a pixel"][0]
    for name in ("PCA, 32 numbers: error of a pixel", "autoencoder, 32 numbers"):
        assert 0 < found[name][0] < 0.2


def test_an_autoencoder_has_two_halves(example: Callable[[str], ModuleType]) -> None:
    script = example("autoencoder")
    x = segment_digits.load(None)[0] / np.float32(255)
    nn = script.train(x, 2, 1)
    encoder, decoder = script.halves(nn)
    assert (encoder.sizes, decoder.sizes) == ([784, 128, 32, 2], [2, 32, 128, 784])
    np.testing.assert_array_equal(decoder.predict(encoder.predict(x)), nn.predict(x))


def test_pca_goes_along_the_largest_variance(example: Callable[[str], ModuleType]) -> None:
    script = example("autoencoder")
    x = segment_digits.load(None)[0] / np.float32(255)
    pca = script.Pca.of(x, 32)
    centred = (x - pca.mean).astype(np.float64)
    along = centred.T @ (centred @ pca.directions)
    variances = (pca.directions * along).sum(axis=0)
    assert (np.diff(variances) < 0).all()
    # Eigenvectors of a float32 matrix: their error is that of the largest eigenvalue's rounding.
    np.testing.assert_allclose(along, pca.directions * variances, atol=1e-4 * variances[0])
    # What the components leave out lies in no direction as much as in the last component.
    rest = centred - centred @ pca.directions @ pca.directions.T
    direction = rest[0]
    for _ in range(30):
        direction = rest.T @ (rest @ direction)
        length = np.linalg.norm(direction)
        direction /= length
    assert 0 < length <= variances[-1] * 1.001
    assert script.error(pca.predict(x), x) == pytest.approx((rest**2).mean(), rel=1e-3)


def test_dreams(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("dreams")
    found = told(script, tmp_path, capsys, "dreams")
    assert found["plain: certainty"][0] > 0.9
    assert 0 < found["test images: distance"][0] < found["distance to the nearest image"][0]


def test_blurring_keeps_the_ink(example: Callable[[str], ModuleType]) -> None:
    image = np.zeros((1, 28, 28), np.float32)
    image[0, 10, 20] = 1
    soft = example("dreams").blurred(image.reshape(1, 784), 0.1).reshape(28, 28)
    assert soft[10, 20] == pytest.approx(0.64)
    assert soft[9, 20] == soft[10, 21] == pytest.approx(0.08)
    assert soft.sum() == pytest.approx(1)


def test_saliency(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = example("saliency")
    found = told(script, tmp_path, capsys, "saliency")
    ways = {name.split(":")[0]: values for name, values in found.items() if "without" in name}
    chance, chosen = ways["inked pixels at random"], ways["largest gradient · ink"]
    assert len(chance) == len(chosen) == len(script.COUNTS)
    assert chance[0] == chosen[0]
    assert chosen[-2] < chance[-2]


def test_erasing_takes_the_first_pixels(example: Callable[[str], ModuleType]) -> None:
    images = np.arange(1, 9, dtype=np.float32).reshape(2, 4)
    order = np.array([[3, 2, 1, 0], [0, 1, 2, 3]])
    erased = example("saliency").erased(images, order, 2)
    assert erased.tolist() == [[1, 2, 0, 0], [0, 0, 7, 8]]


def test_verification(
    example: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(example("verification"), tmp_path, capsys, "verification")
    for name in ("pixels: equal error rate", "embedding: equal error rate"):
        assert 0 < found[name][0] < 50
    assert found["embedding, digits 0 to 6"][0] < 30
    assert found["one search among them"][0] > 0


def test_errors_of_verification(example: Callable[[str], ModuleType]) -> None:
    script = example("verification")
    vectors = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]], np.float32)
    perfect = script.verify(vectors, np.array([0, 0, 1, 1]))
    assert perfect.equal_error == 0
    # Each of two equal pairs is farther apart than two of the four others.
    assert script.verify(vectors, np.array([0, 1, 0, 1])).equal_error == 50
    assert script.nearest_agree(vectors, np.array([0, 0, 1, 1])) == 100
    assert script.nearest_agree(vectors, np.array([0, 1, 0, 1])) == 0


def test_a_search_finds_the_vector_itself(example: Callable[[str], ModuleType]) -> None:
    script = example("verification")
    vectors = script.unit(np.random.default_rng(0).normal(size=(500, 32)).astype(np.float32))
    found, ours, numpys = script.search(vectors, vectors[::50])
    assert found.tolist() == list(range(0, 500, 50))
    assert min(ours, numpys) > 0
