"""State dicts of PyTorch in safetensors files, read as networks of dense layers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from forced_runs import inputs

save_file = pytest.importorskip("safetensors.numpy").save_file

Arrays = dict[str, np.ndarray]
X = inputs(20, 5)


def relu(z: np.ndarray) -> np.ndarray:
    return np.maximum(z, 0)


def linear(rng: np.random.Generator, name: str, inputs: int, outputs: int) -> Arrays:
    """Return what torch.nn.Linear(inputs, outputs) has in a state dict."""
    prefix = f"{name}." if name else ""
    weight, bias = rng.normal(size=(outputs, inputs)), rng.normal(size=outputs)
    return {f"{prefix}weight": weight, f"{prefix}bias": bias}


def state(names: list[str], sizes: list[int], dtype: str = "f4") -> Arrays:
    rng = np.random.default_rng(len(names))
    found: Arrays = {}
    for name, before, behind in zip(names, sizes[:-1], sizes[1:], strict=True):
        found |= linear(rng, name, before, behind)
    return {name: np.ascontiguousarray(array, dtype) for name, array in found.items()}


def run(arrays: Arrays, names: list[str], x: np.ndarray, last: Any = None) -> np.ndarray:
    """Return what a chain of Linear and ReLU gives, which ends in sums."""
    for i, name in enumerate(names):
        prefix = f"{name}." if name else ""
        x = x @ arrays[f"{prefix}weight"].T.astype("f8") + arrays[f"{prefix}bias"].astype("f8")
        x = relu(x) if i < len(names) - 1 else x
    return x if last is None else last(x)


def saved(arrays: Arrays, folder: Path) -> Path:
    save_file(arrays, folder / "net.safetensors")
    return folder / "net.safetensors"


CHAINS: dict[str, tuple[list[str], list[int]]] = {
    "sequential": (["0", "2", "4"], [5, 8, 8, 3]),
    "more than ten": ([str(2 * i) for i in range(7)], [5, 8, 8, 8, 8, 8, 8, 3]),
    "fully connected": (["fc1", "fc2", "fc3"], [5, 8, 4, 3]),
    "in a module": (["net.stack.0", "net.stack.2"], [5, 8, 3]),
    "named": (["hidden", "out"], [5, 8, 3]),
    "named against the alphabet": (["start", "middle", "inner", "end"], [5, 8, 8, 4, 3]),
    "to another size": (["hidden", "again", "head"], [5, 8, 9, 3]),
    "an autoencoder": (["0", "2"], [5, 2, 5]),
    "one": ([""], [5, 3]),
}


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
@pytest.mark.parametrize("name", CHAINS)
def test_what_it_computes(name: str, dtype: str, tmp_path: Path) -> None:
    names, sizes = CHAINS[name]
    arrays = state(names, sizes, dtype)
    nn = foxnn.neural_network(
        saved(arrays, tmp_path), activation="relu", output_activation="identity", seed=1
    )
    assert (nn.sizes, nn.loss, nn.seed) == (sizes, "mse", 1)
    assert nn.dtype == ("float64" if dtype == "f8" else "float32")
    expected = run(arrays, names, X)
    within = 1e-12 if dtype == "f8" else 1e-5
    np.testing.assert_allclose(nn.predict(X), expected, rtol=within, atol=within * 10)


def softmax(z: np.ndarray) -> np.ndarray:
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def test_logits_and_other_arguments(tmp_path: Path) -> None:
    names, sizes = CHAINS["sequential"]
    arrays = state(names, sizes)
    path = saved(arrays, tmp_path)
    expected = run(arrays, names, X, softmax)
    for given in (
        {"activation": "relu", "loss": "cross_entropy"},
        {"activation": "relu", "output_activation": "softmax"},
        {"activation": ["relu", "relu", "softmax"]},
    ):
        nn = foxnn.neural_network(path, **given)  # type: ignore[arg-type]
        assert nn.loss == "cross_entropy"
        np.testing.assert_allclose(nn.predict(X), expected, rtol=1e-5, atol=1e-6)
    nn = foxnn.neural_network(path, "relu", loss="binary_cross_entropy", dtype="float64")
    assert (nn.dtype, nn.loss) == ("float64", "binary_cross_entropy")
    np.testing.assert_allclose(
        nn.predict(X), run(arrays, names, X, lambda z: 1 / (1 + np.exp(-z))), rtol=1e-12
    )
    assert nn.fit(X, np.eye(3)[np.arange(20) % 3], epochs=2)["loss"]
    alone = saved(state([""], [5, 3]), tmp_path)
    for name in ("cross_entropy", "CrossEntropy"):
        assert foxnn.neural_network(alone, loss=name).loss == "cross_entropy"
    sigmoid = foxnn.neural_network(alone, activation="sigmoid")
    assert sigmoid[0].get_name_activation_function() == "sigmoid"


def test_a_layer_without_bias_and_a_foreign_note(tmp_path: Path) -> None:
    arrays = state(["0", "2"], [5, 8, 3])
    del arrays["0.bias"]
    save_file(arrays, tmp_path / "net.safetensors", {"format": "pt"})
    nn = foxnn.neural_network(tmp_path / "net.safetensors", "tanh", "identity")
    assert not nn[0].bias.any()
    expected = np.tanh(X @ arrays["0.weight"].T) @ arrays["2.weight"].T + arrays["2.bias"]
    np.testing.assert_allclose(nn.predict(X), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, "activation"),
        ({"loss": "cross_entropy"}, "activation"),
        ({"output_activation": "identity"}, "activation"),
        ({"activation": "relu"}, "output_activation"),
        ({"activation": "sigmoid"}, "output_activation"),
        ({"activation": "relu", "loss": "mse"}, "output_activation"),
    ],
    ids=str,
)
def test_activations_must_be_given(given: dict[str, Any], missing: str, tmp_path: Path) -> None:
    path = saved(state(["0", "2"], [5, 8, 3]), tmp_path)
    message = rf"net.safetensors: {missing} must be given for a state dict \(0, 2; a file without"
    with pytest.raises(foxnn.FileFormatError, match=message):
        foxnn.neural_network(path, **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"activation": "rellu"}, "rellu"),
        ({"activation": "softmax"}, "softmax.* for the output layer only"),
        ({"activation": ["relu"]}, "a list of 2"),
        ({"init": "he_normal", "activation": "relu"}, "init must be left out"),
        ({"only_scale": True, "activation": "relu"}, "only_scale must be False"),
        ({"loss": "mce", "activation": "relu"}, "loss"),
    ],
    ids=str,
)
def test_arguments_that_are_wrong(given: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = saved(state(["0", "2"], [5, 8, 3]), tmp_path)
    options = {"output_activation": "identity"} | given
    with pytest.raises(ValueError, match=message):
        foxnn.neural_network(path, **options)


SQUARE = np.ones((4, 4), "f4")
REFUSED: dict[str, tuple[Arrays, str]] = {
    "batch norm": (
        {"0.weight": SQUARE, "1.running_mean": np.ones(4)}, "got '1.running_mean' of shape (4,)",
    ),
    "a convolution": ({"0.weight": np.ones((2, 1, 3, 3))}, "got '0.weight' of shape (2, 1, 3, 3)"),
    "a normalization": ({"0.weight": np.ones(4)}, "got '0.weight' of shape (4,)"),
    "a bias alone": ({"0.weight": SQUARE, "1.bias": np.ones(4)}, "got '1.bias' of shape (4,)"),
    "inputs by outputs": (
        {"0.weight": np.ones((5, 8)), "0.bias": np.ones(8)},
        "expected '0.bias' of shape (5,), since '0.weight' has shape (5, 8) (outputs, inputs)",
    ),
    "whole numbers": ({"0.weight": np.ones((4, 4), "i8")}, "as F32, F64 or F16, got I64"),
    "no chain": (
        {"a.weight": np.ones((3, 2)), "b.weight": np.ones((5, 4))},
        "expected dense layers in sequence, got a 2 to 3, b 4 to 5",
    ),
    "places unknown": (
        {"early.weight": SQUARE, "late.weight": SQUARE},
        "but 'early', 'late' can change places",
    ),
    "encoder and decoder": (
        state(["encoder.0", "encoder.1", "decoder.0", "decoder.1"], [5, 3, 2, 3, 5]),
        "can change places",
    ),
    "an infinity": ({"0.weight": np.full((4, 4), np.inf)}, "0: weights must be finite"),
    "nothing": ({}, "from 1 to 200 dense layers"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    arrays, message = REFUSED[name]
    with pytest.raises(foxnn.FileFormatError) as caught:
        foxnn.neural_network(saved(arrays, tmp_path), "relu", "identity")
    assert "net.safetensors" in str(caught.value)
    assert message in str(caught.value)


def test_files_made_to_take_long_are_refused_or_read_soon(tmp_path: Path) -> None:
    hub = {f"{i}.weight": np.ones(s, "f4") for i in range(100) for s in [(i + 2, 1)]}
    hub |= {f"{i + 100}.weight": np.ones((1, i + 2), "f4") for i in range(100)}
    same = {f"{i}.weight": np.ones((1, 1), "f4") for i in range(200)}
    begin = time.perf_counter()
    assert len(foxnn.neural_network(saved(same, tmp_path), "relu", "identity")) == 200
    assert len(foxnn.neural_network(saved(hub, tmp_path), "relu", "identity")) == 200
    assert time.perf_counter() - begin < 20
    more = same | {"200.weight": np.ones((1, 1), "f4")}
    with pytest.raises(foxnn.FileFormatError, match="from 1 to 200 dense layers"):
        foxnn.neural_network(saved(more, tmp_path), "relu", "identity")


def test_our_own_files_still_tell_their_activations(tmp_path: Path) -> None:
    nn = foxnn.neural_network([5, 3], "tanh", seed=1)
    nn.save(tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match="activation must be left out"):
        foxnn.neural_network(tmp_path / "net.safetensors", "relu")
    again = foxnn.neural_network(tmp_path / "net.safetensors", "sigmoid")
    assert again[0].get_name_activation_function() == "tan_h"


# Files that PyTorch has written (tests/data/pytorch/record.py makes them).

PYTORCH = Path(__file__).parent / "data" / "pytorch"
RECORDED: dict[str, tuple[dict[str, Any], list[int], str]] = {
    "sequential": ({"activation": "relu"}, [5, 8, 8, 3], "float32"),
    "named": ({"activation": "tanh"}, [5, 7, 4, 2], "float64"),
    "deep": ({"activation": "relu", "loss": "cross_entropy"}, [5] * 7 + [3], "float32"),
    "half": ({"activation": "relu"}, [5, 6, 2], "float32"),
}


@pytest.mark.parametrize("name", RECORDED)
def test_what_pytorch_answers(name: str) -> None:
    given, sizes, dtype = RECORDED[name]
    if "loss" not in given:
        given = given | {"output_activation": "identity"}
    nn = foxnn.neural_network(PYTORCH / f"{name}.safetensors", **given)
    assert (nn.sizes, nn.dtype) == (sizes, dtype)
    with np.load(PYTORCH / "answers.npz") as answers:
        x, expected = answers["inputs"], answers[name]
    got = nn.predict(x)
    if name == "deep":  # it ends in LogSoftmax
        got = np.log(got)
    # The sums have other orders; the functions differ by some units in the last place.
    within = 1e-14 if dtype == "float64" else 1e-6
    np.testing.assert_allclose(got, expected, rtol=10 * within, atol=within)
    assert np.ptp(expected, axis=0).min() > 0.01  # other weights would show


def test_every_file_of_pytorch_is_tried() -> None:
    assert {path.stem for path in PYTORCH.glob("*.safetensors")} == set(RECORDED)
