"""The same trainings in PyTorch, where it is installed: losses, optimizers, penalties, clipping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import foxnn
from forced_runs import inputs, wanted

torch = pytest.importorskip("torch")
functional = torch.nn.functional

LOSSES = {
    "mse": lambda out, y: 0.5 * ((out - y) ** 2).sum(dim=1),
    "mae": lambda out, y: functional.l1_loss(out, y, reduction="none").sum(dim=1),
    "huber": lambda out, y: functional.huber_loss(out, y, reduction="none").sum(dim=1),
    "binary_cross_entropy": lambda out, y: functional.binary_cross_entropy_with_logits(
        out, y, reduction="none"
    ).sum(dim=1),
    "cross_entropy": lambda out, y: functional.cross_entropy(out, y, reduction="none"),
    "poisson": lambda out, y: functional.poisson_nll_loss(out, y, reduction="none").sum(dim=1),
}
# PyTorch's losses of the last three take the values before the activation.
ACTIVATIONS = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax", "poisson": "exp"}


def twins(loss: str, activation: str = "tanh") -> tuple[foxnn.neural_network, Any]:
    """Return the same network twice, in float64."""
    nn = foxnn.neural_network(
        [5, 20, 9, 3], activation, ACTIVATIONS.get(loss, "identity"), loss, dtype="float64", seed=1
    )
    layers: list[Any] = []
    for part in nn:
        linear = torch.nn.Linear(part.get_N_w(), part.get_N_n(), dtype=torch.float64)
        linear.weight.data = torch.tensor(part.weights.T.copy())
        linear.bias.data = torch.tensor(part.bias)
        layers += [linear, {"tanh": torch.nn.Tanh, "gelu": torch.nn.GELU}[activation]()]
    return nn, torch.nn.Sequential(*layers[:-1])


def compare(
    loss: str, make: Any, weights: np.ndarray | None = None, within: float = 1e-10, **fit: Any
) -> None:
    """Train both for four epochs in batches of 7 and compare all parameters."""
    activation = "gelu" if loss == "huber" else "tanh"
    nn, model = twins(loss, activation)
    x, y = inputs(30, 5), wanted(30, 3, loss)
    targets = torch.tensor(y.argmax(axis=1) if loss == "cross_entropy" else y)
    clip_norm, clip_value = fit.get("clip_norm"), fit.get("clip_value")
    optimizer = make(model)
    for _ in range(4):
        for first in range(0, 30, 7):
            batch = slice(first, first + 7)
            losses = LOSSES[loss](model(torch.tensor(x[batch])), targets[batch])
            counts = torch.tensor(np.ones(30) if weights is None else weights)[batch]
            objective = (losses * counts).sum() / counts.sum()
            objective = objective + fit.get("l1", 0.0) * sum(
                part.weight.abs().sum() for part in model if hasattr(part, "weight")
            )
            optimizer.zero_grad()
            objective.backward()
            if clip_norm:
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
            if clip_value:
                torch.nn.utils.clip_grad_value_(model.parameters(), clip_value)
            optimizer.step()
    nn.fit(x, y, 4, 7, learning_rate=0.02, shuffle=False, sample_weight=weights, **fit)
    linears = [part for part in model if hasattr(part, "weight")]
    for part, linear in zip(nn, linears, strict=True):
        # 20 steps, each with a rounding error of some eps that the next ones carry on.
        assert part.weights == pytest.approx(linear.weight.detach().numpy().T, abs=within)
        assert part.bias == pytest.approx(linear.bias.detach().numpy(), abs=within)


def groups(model: Any, decay: float) -> list[dict[str, Any]]:
    """Return the parameters, decay for weights only."""
    linears = [part for part in model if hasattr(part, "weight")]
    return [
        {"params": [part.weight for part in linears], "weight_decay": decay},
        {"params": [part.bias for part in linears], "weight_decay": 0.0},
    ]


@pytest.mark.parametrize("loss", LOSSES)
def test_losses(loss: str) -> None:
    compare(loss, lambda model: torch.optim.SGD(model.parameters(), 0.02), optimizer="sgd")


OPTIMIZERS = {
    "momentum": (
        foxnn.SGD(momentum=0.8),
        lambda m: torch.optim.SGD(m.parameters(), 0.02, momentum=0.8),
    ),
    "nesterov": (
        foxnn.SGD(momentum=0.8, nesterov=True),
        lambda m: torch.optim.SGD(m.parameters(), 0.02, momentum=0.8, nesterov=True),
    ),
    "adam": ("adam", lambda m: torch.optim.Adam(m.parameters(), 0.02)),
    "adamw": (foxnn.AdamW(weight_decay=0.3), lambda m: torch.optim.AdamW(groups(m, 0.3), 0.02)),
    "rmsprop": (
        foxnn.RMSprop(rho=0.99), lambda m: torch.optim.RMSprop(m.parameters(), 0.02, alpha=0.99)
    ),
    "rmsprop-momentum": (
        foxnn.RMSprop(rho=0.9, momentum=0.5),
        lambda m: torch.optim.RMSprop(m.parameters(), 0.02, alpha=0.9, momentum=0.5),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name: str) -> None:
    ours, theirs = OPTIMIZERS[name]
    compare("mse", theirs, optimizer=ours)


def test_l2_is_its_weight_decay() -> None:
    compare("mse", lambda m: torch.optim.SGD(groups(m, 0.3), 0.02), optimizer="sgd", l2=0.3)


def test_l1() -> None:
    compare("mse", lambda m: torch.optim.SGD(m.parameters(), 0.02), optimizer="sgd", l1=0.05)


@pytest.mark.parametrize("fit", [{"clip_norm": 0.1}, {"clip_value": 0.02}])
def test_clipping(fit: dict[str, float]) -> None:
    # PyTorch adds 1e-6 to the norm before it divides by it.
    make = lambda m: torch.optim.SGD(m.parameters(), 0.02)  # noqa: E731
    compare("mse", make, within=1e-7, optimizer="sgd", **fit)


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_sample_weights(loss: str) -> None:
    counts = np.arange(30) % 4 + 0.5
    compare(
        loss, lambda m: torch.optim.SGD(m.parameters(), 0.02), counts, optimizer="sgd"
    )  # fmt: skip


@pytest.mark.parametrize("output", [0, 2])
def test_input_gradients(output: int) -> None:
    nn, model = twins("mse")
    x = torch.tensor(inputs(11, 5), requires_grad=True)
    model(x)[:, output].sum().backward()
    assert nn.gradient(inputs(11, 5), output) == pytest.approx(x.grad.numpy(), abs=1e-13)


def test_a_sequential_filled_from_safetensors(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    nn, model = twins("mse")
    for parameter in model.parameters():
        parameter.data.zero_()
    nn.save(tmp_path / "net.safetensors")
    saved = load_file(tmp_path / "net.safetensors")
    for i, linear in enumerate(part for part in model if isinstance(part, torch.nn.Linear)):
        linear.weight.data = saved[f"layers.{i}.weight"]
        linear.bias.data = saved[f"layers.{i}.bias"]
    x = inputs(11, 5)
    assert nn.predict(x) == pytest.approx(model(torch.tensor(x)).detach().numpy(), abs=1e-13)
