"""What the pages for users of Keras and PyTorch say of these, beside what the libraries computed.

`data/layouts/record.py` has recorded it. The networks, and the functions that give them the
weights, are those of the pages.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn

ROOT = Path(__file__).parents[1]
RATE, STEPS = 0.1, 5
pytestmark = pytest.mark.filterwarnings("ignore::foxnn.DataWarning")


def page(library: str) -> dict[str, Any]:
    """Return what the Python blocks of a page define."""
    path = ROOT / "wiki" / f"Coming-from-{library}.md"
    if not path.exists():
        pytest.skip("the wiki is not here")
    blocks = re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S)
    names: dict[str, Any] = {}
    # The first one trains a network, which the tests of documents run.
    for block in ["import foxnn\nimport numpy as np\n", *blocks[1:]]:
        exec(compile(block, path.name, "exec"), names)
    return names


def recorded(library: str) -> dict[str, Any]:
    with np.load(ROOT / "tests" / "data" / "layouts" / f"{library.lower()}.npz") as arrays:
        return dict(arrays)


def part(found: dict[str, Any], beginning: str) -> dict[str, Any]:
    return {k.removeprefix(beginning): a for k, a in found.items() if k.startswith(beginning)}


@pytest.mark.parametrize("model", ["pictures", "words", "sequences"])
def test_weights_of_pytorch(model: str) -> None:
    names, found = page("PyTorch"), recorded("PyTorch")
    names[f"{model}_from_pytorch"](names[model], part(found, f"{model}/"))
    answers = found[f"{model}.answers"]
    np.testing.assert_allclose(names[model].predict(found[model]), answers, rtol=1e-5, atol=1e-6)


def test_last_states_of_both_directions_are_not_those_at_the_last_step() -> None:
    names, found = page("PyTorch"), recorded("PyTorch")
    nn = names["sequences"]
    names["sequences_from_pytorch"](nn, part(found, "sequences/"))
    own = nn.layer_outputs(found["sequences"])["gru_1"]
    states = found["sequences.states"]
    np.testing.assert_allclose(own[:, :8], states[:, -1, :8], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(own[:, 8:], states[:, 0, 8:], rtol=1e-5, atol=1e-6)
    assert np.abs(own[:, 8:] - states[:, -1, 8:]).max() > 0.1


@pytest.mark.parametrize("model", ["pictures", "words"])
def test_weights_of_keras(model: str) -> None:
    names, found = page("Keras"), recorded("Keras")
    layers: dict[str, list[Any]] = {}
    for key, array in part(found, f"{model}/").items():
        layers.setdefault(key.partition("/")[0], []).append(array)
    names["from_keras"](names[model], list(layers.values()))
    answers = found[f"{model}.answers"]
    np.testing.assert_allclose(names[model].predict(found[model]), answers, rtol=1e-5, atol=1e-6)


# Losses


def loss_of(name: str, a: np.ndarray, y: np.ndarray, **weights: Any) -> float:
    """Return the loss of outputs, as a network has it that passes them on."""
    activations = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid", "poisson": "exp"}
    activation, z = activations.get(name, "identity"), a
    if name in activations:
        z = np.log(a) - (np.log1p(-a) if activation == "sigmoid" else 0.0)
    width = a.shape[1]
    nn = foxnn.neural_network([width, width], activation, loss=name, dtype="float64")
    nn[0].weights, nn[0].bias = np.eye(width), np.zeros(width)
    return nn.evaluate(z, y, **weights)["loss"]


@pytest.mark.parametrize("library", ["PyTorch", "Keras"])
def test_losses(library: str) -> None:
    found = recorded(library)
    theirs = part(found, "loss.")
    a, y = (found[name].astype(np.float64) for name in ("outputs", "targets"))
    labels, counts, outputs = found["labels"], found["counts"], a.shape[1]
    for name, factor in (
        ("mse", 2), ("mae", 1), ("huber", 1), ("binary_cross_entropy", 1), ("poisson", 1),
    ):  # fmt: skip
        scale = 4 if name == "huber" else 1
        own = loss_of(name, scale * a, scale * y)
        assert float(theirs.pop(name)) == pytest.approx(factor * own / outputs, rel=1e-5), name
    assert float(theirs.pop("cross_entropy")) == pytest.approx(
        loss_of("cross_entropy", a, labels), rel=1e-5
    )
    if library == "PyTorch":
        own = loss_of("cross_entropy", a, labels, sample_weight=2.0**labels)
        assert float(theirs.pop("class_weight")) == pytest.approx(own, rel=1e-5)
    else:
        own = loss_of("cross_entropy", a, y)
        assert float(theirs.pop("shares")) == pytest.approx(own, rel=1e-5)
        own = loss_of("mse", a, y, sample_weight=counts) * 2 / outputs
        assert float(theirs.pop("mean_with_sample_weight")) == pytest.approx(own, rel=1e-5)
        own *= counts.sum() / len(counts)
        assert float(theirs.pop("sample_weight")) == pytest.approx(own, rel=1e-5)
    assert theirs == {}


# Optimizers

OPTIMIZERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "SGD": ("sgd", {}),
    "SGD, momentum": (foxnn.SGD(momentum=0.9), {}),
    "SGD, nesterov": (foxnn.SGD(momentum=0.9, nesterov=True), {}),
    "Adam": ("adam", {"learning_rate": 0.001}),
    "AdamW": (foxnn.AdamW(weight_decay=0.5), {}),
}
OF: dict[str, dict[str, tuple[Any, dict[str, Any]]]] = {
    "PyTorch": {
        **OPTIMIZERS,
        "RMSprop": (foxnn.RMSprop(rho=0.99), {"learning_rate": 0.01}),
        "weight_decay of weights": ("sgd", {"l2": 0.5}),
    },
    "Keras": {
        **OPTIMIZERS,
        "RMSprop": ("rmsprop", {"learning_rate": 0.001}),
        "global_clipnorm": ("sgd", {"clip_norm": 0.5}),
        "clipnorm": ("sgd", {"clip_norm": 0.5}),
    },
}
#: What is not the same, as the pages say: AdamW of biases, and a norm of each array.
OTHER = {"AdamW", "clipnorm"}


@pytest.mark.parametrize(("library", "name"), [(lib, name) for lib in OF for name in OF[lib]])
def test_steps_of_optimizers(library: str, name: str) -> None:
    found = recorded(library)
    optimizer, more = OF[library][name]
    nn = foxnn.neural_network([3, 2], "identity", seed=1)
    nn[0].weights, nn[0].bias = found["weights"], found["bias"]
    options = {"learning_rate": RATE, **more}
    # Their mean over two outputs is our half of the sum.
    nn.fit(found["x"], found["y"], STEPS, 16, optimizer, shuffle=False, **options)
    steps = found[f"steps.{name}"]
    off = np.abs(np.vstack([nn[0].weights, nn[0].bias]) - steps).max(1)
    moved = np.abs(np.vstack([found["weights"], found["bias"]]) - steps).max()
    assert moved > 4e-3  # five steps of 0.001
    if name in OTHER:
        assert off.max() > 0.01 * moved
    else:
        assert off.max() < 1e-5
    if name == "AdamW":  # the weights take the same first step, and depend on the bias later
        assert off[:-1].max() < off[-1]


def test_every_recorded_step_is_compared() -> None:
    for library, rows in OF.items():
        assert part(recorded(library), "steps.").keys() == rows.keys()
