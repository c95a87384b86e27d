"""How the state dicts here were made: `python record.py`, with PyTorch 2.13 and safetensors 0.8.

PyTorch trains small networks for a few steps and saves their state dicts with safetensors.torch.
`answers.npz` has inputs and what PyTorch answers, by the name of the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file, save_model
from torch import nn

HERE = Path(__file__).parent


class Named(nn.Module):
    """Layers that are attributes, and stand in another order than they are used."""

    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(4, 2)
        self.fc2 = nn.Linear(7, 4)
        self.fc1 = nn.Linear(5, 7, bias=False)

    def forward(self, x: Any) -> Any:
        return self.output(torch.tanh(self.fc2(torch.tanh(self.fc1(x)))))


def deep() -> nn.Sequential:
    """Return a network whose layers have numbers of one and of two digits."""
    parts: list[nn.Module] = []
    for _ in range(6):
        parts += [nn.Linear(5, 5), nn.ReLU()]
    return nn.Sequential(*parts, nn.Linear(5, 3), nn.LogSoftmax(dim=1))


def trained(model: nn.Module, x: Any) -> nn.Module:
    """Return a network after some steps towards numbers, which leave nothing as it began."""
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(20):
        outputs = model(x)
        optimizer.zero_grad()
        ((outputs - x[:, : outputs.shape[1]]) ** 2).mean().backward()
        optimizer.step()
    return model.eval()


def main() -> None:
    """Make the files."""
    torch.manual_seed(0)
    x = torch.randn(12, 5)
    sequential = nn.Sequential(
        nn.Linear(5, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3)
    )
    models = {
        "sequential": (trained(sequential, x), torch.float32),
        "named": (trained(Named().double(), x.double()), torch.float64),
        "deep": (trained(deep(), x), torch.float32),
        "half": (trained(nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 2)), x).half(),
                 torch.float16),
    }  # fmt: skip
    answers = {"inputs": x.numpy()}
    for name, (model, dtype) in models.items():
        path = str(HERE / f"{name}.safetensors")
        if name == "named":
            save_model(model, path)
        else:
            save_file(model.state_dict(), path, {"format": "pt"})
        with torch.no_grad():
            if dtype == torch.float16:  # what the weights say, without the rounding of each sum
                model, dtype = model.float(), torch.float32
            answers[name] = model(x.to(dtype)).numpy()
    np.savez(HERE / "answers.npz", **answers)


if __name__ == "__main__":
    main()
