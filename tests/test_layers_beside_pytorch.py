"""Convolutions, pools and normalization in PyTorch, where it is installed: the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import foxnn
import kinds
from closeness import assert_within
from layer_reference import Leaf
from test_window_grid import CASES, COUNTS, Case

torch = pytest.importorskip("torch")
functional = torch.nn.functional
torch.set_num_threads(1)  # the batches are tiny

#: PyTorch adds up in another order; of numbers up to about 10.
WITHIN = 1e-11


def first_channels(x: Any) -> Any:
    return x.movedim(-1, 1)


def last_channels(x: Any) -> Any:
    return x.movedim(1, -1)


def padded(leaf: Leaf, x: Any, value: float) -> Any:
    """Return a batch, channels first, with its padding: PyTorch has no uneven one."""
    if leaf.options["padding"] == "valid":
        return x
    if leaf.options["padding"] != "same":
        each = [int(added) for added in leaf.options["padding"]]
        return functional.pad(x, [added for added in each[::-1] for _ in range(2)], value=value)
    axes, amounts = tuple(x.shape[2:]), []
    for axis, length in enumerate(axes):
        kernel, stride = (int(leaf.options[name][axis]) for name in ("kernel", "stride"))
        span = (kernel - 1) * int(leaf.options.get("dilation", [1] * len(axes))[axis]) + 1
        total = max(0, (-(-length // stride) - 1) * stride + span - length)
        amounts = [total // 2, total - total // 2, *amounts]  # PyTorch's begin with the last axis
    return functional.pad(x, amounts, value=value)


def whole(leaf: Leaf, name: str) -> list[int]:
    return [int(length) for length in leaf.options[name]]


def conv(leaf: Leaf, x: Any, arrays: dict[str, Any]) -> Any:
    axes = len(leaf.options["kernel"])
    function = getattr(functional, f"conv{axes}d")
    weights = arrays["weights"].movedim((-1, -2), (0, 1)).contiguous()
    out = function(
        padded(leaf, first_channels(x), 0.0), weights, arrays.get("bias"), whole(leaf, "stride"),
        dilation=whole(leaf, "dilation"), groups=int(leaf.options["groups"]),
    )  # fmt: skip
    return activated(leaf, last_channels(out))


def pool(leaf: Leaf, x: Any, arrays: dict[str, Any]) -> Any:
    axes, is_max = len(leaf.options["kernel"]), leaf.kind.startswith("max")
    x = first_channels(x)
    sizes = {"kernel_size": whole(leaf, "kernel"), "stride": whole(leaf, "stride")}
    if is_max:
        function = getattr(functional, f"max_pool{axes}d")
        return last_channels(function(padded(leaf, x, -np.inf), **sizes))
    function = getattr(functional, f"avg_pool{axes}d")
    shares = function(padded(leaf, torch.ones_like(x), 0.0), **sizes)  # padding does not count
    return last_channels(function(padded(leaf, x, 0.0), **sizes) / shares)


def dense(leaf: Leaf, x: Any, arrays: dict[str, Any]) -> Any:
    if not leaf.options.get("each_position"):
        x = x.flatten(1)
    return activated(leaf, x @ arrays["weights"] + arrays.get("bias", 0.0))


def activated(leaf: Leaf, x: Any) -> Any:
    return {"identity_x": lambda z: z, "tan_h": torch.tanh}[leaf.options["activation"]](x)


def batch_norm(leaf: Leaf, x: Any, arrays: dict[str, Any]) -> Any:
    out = functional.batch_norm(
        first_channels(x), arrays["running_mean"], arrays["running_variance"], arrays["weights"],
        arrays["bias"], True, 1.0 - leaf.options["momentum"], leaf.options["epsilon"],
    )  # fmt: skip
    return last_channels(out)


def layer_norm(leaf: Leaf, x: Any, arrays: dict[str, Any]) -> Any:
    return functional.layer_norm(
        x, x.shape[-1:], arrays["weights"], arrays["bias"], leaf.options["epsilon"]
    )


def embedding(leaf: Leaf, x: Any, arrays: dict[str, Any]) -> Any:
    return functional.embedding(x.long(), arrays["weights"])


def up_sample(leaf: Leaf, x: Any, arrays: dict[str, Any]) -> Any:
    factors = tuple(float(n) for n in leaf.options["factor"])
    return last_channels(functional.interpolate(first_channels(x), scale_factor=factors))


APPLIED: dict[str, Callable[[Leaf, Any, dict[str, Any]], Any]] = {
    "dense": dense,
    **{f"conv{axes}d": conv for axes in (1, 2, 3)},
    **{f"{name}_pool{axes}d": pool for name in ("max", "average") for axes in (1, 2, 3)},
    "global_max_pool": lambda leaf, x, arrays: x.flatten(1, -2).amax(dim=1),
    "global_average_pool": lambda leaf, x, arrays: x.flatten(1, -2).mean(dim=1),
    "up_sample": up_sample,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "embedding": embedding,
}


class Twin:
    """A network's layers, one after another, with PyTorch's functions and tensors of its own."""

    def __init__(self, nn: foxnn.neural_network) -> None:
        self.leaves = kinds.leaves(nn)
        self.arrays = [
            {
                name: torch.tensor(values, requires_grad=not name.startswith("running"))
                for name, values in leaf.arrays.items()
            }
            for leaf in self.leaves
        ]

    def outputs(self, x: np.ndarray) -> Any:
        values = torch.tensor(x)
        for leaf, arrays in zip(self.leaves, self.arrays, strict=True):
            values = APPLIED[leaf.kind](leaf, values, arrays)
        return values

    def loss(self, x: np.ndarray, y: np.ndarray) -> Any:
        """Return half the squared errors, the mean over samples and positions."""
        outputs = self.outputs(x)
        errors = 0.5 * (outputs - torch.tensor(y).reshape(outputs.shape)) ** 2
        return errors.sum(dim=-1).mean()

    def trained(self) -> list[Any]:
        return [a for arrays in self.arrays for a in arrays.values() if a.requires_grad]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_windows(case: Case) -> None:
    nn = case.network("float64")
    for count in COUNTS:
        x, y = kinds.samples(nn, count, count), kinds.targets(nn, count, count)
        twin = Twin(nn)
        assert_within(nn.predict(x), twin.outputs(x).detach().numpy(), WITHIN)
        expected = twin.loss(x, y)
        expected.backward()
        loss, gradients = kinds.gradients(nn, x, y)
        assert loss == pytest.approx(expected.item(), rel=WITHIN)
        for own, arrays in zip(gradients, twin.arrays, strict=True):
            for name, gradient in own.items():
                assert_within(gradient, arrays[name].grad.numpy(), WITHIN, name)


NETWORKS: dict[str, list[Any]] = {
    "pictures": [
        (9, 8, 3), foxnn.Conv2D(6, 3, bias=False), foxnn.BatchNorm(), foxnn.MaxPool2D(2),
        foxnn.Conv2D(5, 2, activation="tanh"), foxnn.BatchNorm(momentum=0.5, epsilon=0.01),
        foxnn.GlobalAveragePool(), 3,
    ],
    "steps": [
        (12, 5), foxnn.Dense(7, bias=False), foxnn.BatchNorm(momentum=0.0), foxnn.Conv1D(33, 3),
        foxnn.LayerNorm(), foxnn.UpSample(2), foxnn.Conv1D(33, 5, stride=2, groups=33), 2,
    ],
    "flat": [9, foxnn.BatchNorm(), foxnn.Dense(6, bias=False), foxnn.BatchNorm(), 2],
    "words": [
        (6,), foxnn.Embedding(11, 4), foxnn.Conv1D(5, 3, bias=False), foxnn.BatchNorm(),
        foxnn.GlobalMaxPool(), 2,
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_trainings_and_running_statistics(name: str) -> None:
    """Also of the last batch of an epoch, which has other samples than the ones before."""
    nn = foxnn.neural_network(NETWORKS[name], "identity", dtype="float64", seed=1)
    x, y = kinds.samples(nn, 30), kinds.targets(nn, 30)
    twin = Twin(nn)
    optimizer = torch.optim.Adam(twin.trained(), 0.01, eps=1e-8)
    for first in (0, 12, 24, 0, 12, 24):
        optimizer.zero_grad()
        twin.loss(x[first : first + 12], y[first : first + 12]).backward()
        optimizer.step()
    nn.fit(x, y, 2, 12, foxnn.Adam(epsilon=1e-8), 0.01, shuffle=False)
    for leaf, arrays in zip(kinds.leaves(nn), twin.arrays, strict=True):
        for key, array in leaf.arrays.items():
            assert_within(array, arrays[key].detach().numpy(), 1e-8, f"{leaf.kind} {key}")


def test_the_first_of_equal_maxima_gets_the_gradient() -> None:
    nn = foxnn.neural_network(
        [(6, 4), foxnn.Dense(5), foxnn.MaxPool1D(3, 1, "same"), 2], "identity",
        dtype="float64", seed=1,
    )  # fmt: skip
    x, y = np.repeat(kinds.samples(nn, 7)[:, :2], 3, axis=1), kinds.targets(nn, 7)
    twin = Twin(nn)
    twin.loss(x, y).backward()
    _, gradients = kinds.gradients(nn, x, y)
    for own, arrays in zip(gradients, twin.arrays, strict=True):
        for name, gradient in own.items():
            assert_within(gradient, arrays[name].grad.numpy(), WITHIN, name)
