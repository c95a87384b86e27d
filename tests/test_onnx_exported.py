"""ONNX files with layers of every kind that PyTorch and Keras have exported themselves.

`data/onnx_layers/record.py` has recorded them, with the answers of these libraries.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import foxnn

onnx = pytest.importorskip("onnx")

RECORDS = Path(__file__).parent / "data" / "onnx_layers"
FILES = sorted(path.name for path in RECORDS.glob("*.onnx"))


def recorded(file: str) -> tuple[str, np.ndarray, np.ndarray]:
    """Return a file's network, samples and answers, with the channels last."""
    library, _, rest = file.removesuffix(".onnx").partition("_")
    network, _, _ = rest.rpartition("_")
    with np.load(RECORDS / f"{library}.npz") as arrays:
        x, y = arrays[f"{network}.x"], arrays[f"{network}.y"]
    if library == "pytorch":
        x, y = (np.moveaxis(array, 1, -1) if array.ndim > 2 else array for array in (x, y))
    return network, x, y


def test_every_exporter_and_network_is_there() -> None:
    found: dict[str, set[str]] = {}
    for file in FILES:
        library, _, way = file.removesuffix(".onnx").partition("_")
        found.setdefault(f"{library} {way.rpartition('_')[2]}", set()).add(recorded(file)[0])
    assert found["pytorch script"] == found["pytorch dynamo"]
    assert len(found["pytorch script"]) == 9
    assert found["keras export"] == found["keras tf2onnx"]
    assert found["keras export"] == {"pictures", "mobilenet", "padded", "steps", "segmenter"}


@pytest.mark.parametrize("file", FILES)
def test_answers_are_those_of_the_library(file: str, tmp_path: Path) -> None:
    _, x, y = recorded(file)
    nn = foxnn.neural_network(RECORDS / file)
    found = nn.predict(x)
    np.testing.assert_allclose(found, y, rtol=0, atol=1e-5)
    nn.save(tmp_path / "net.onnx")
    again = foxnn.neural_network(tmp_path / "net.onnx")
    np.testing.assert_allclose(again.predict(x), found, rtol=0, atol=1e-5)


@pytest.mark.parametrize("way", ["script", "dynamo"])
def test_blocks_are_found_as_layers(way: str) -> None:
    kinds = {
        "resnet": ["Conv2D", "MaxPool2D", "Residual", "Activation", "Residual", "Activation"],
        "unet": ["Conv2D", "Parallel", "Conv2D", "Conv2D"],
        "densenet": ["Conv2D", "Parallel", "Parallel", "BatchNorm", "Activation", "Conv2D"],
    }
    for name, expected in kinds.items():
        nn = foxnn.neural_network(RECORDS / f"pytorch_{name}_{way}.onnx")
        assert [part.kind for part in nn][: len(expected)] == expected


@pytest.mark.parametrize("file", [file for file in FILES if "resnet" in file or "unet" in file])
def test_what_was_read_can_be_trained(file: str) -> None:
    _, x, y = recorded(file)
    nn = foxnn.neural_network(RECORDS / file)
    before = nn.evaluate(x, y[..., ::-1])["loss"]
    nn.fit(x, y[..., ::-1], 20, 3, learning_rate=0.01, progress=False)
    assert nn.evaluate(x, y[..., ::-1])["loss"] < before
