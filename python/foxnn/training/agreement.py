"""What the ranks of a run must have alike: their versions, networks and arguments."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.model import state
from foxnn.model.answers import AnsweringNetwork
from foxnn.training.options import FitOptions
from foxnn.training.plain_options import arguments_of
from foxnn.training.ranks import Ranks


def agreed(network: AnsweringNetwork, options: FitOptions, ranks: Ranks) -> None:
    """Raise ValueError on all ranks alike if they would not train the same network alike."""
    refuse_different(ranks, described(network) | _arguments(options))


def refuse_different(ranks: Ranks, own: dict[str, Any]) -> None:
    """Raise ValueError on all ranks alike unless all of them have the same values."""
    every = ranks.gathered(own)
    for rank, other in enumerate(every):
        for name, value in every[0].items():
            if other.get(name) != value:
                raise ValueError(
                    f"{name} must be the same on all ranks, got {checks.shown(value)} on rank 0 "
                    f"and {checks.shown(other.get(name))} on rank {rank}"
                )


def described(network: AnsweringNetwork) -> dict[str, Any]:
    """Return what a network must have alike on all ranks, and what computes it."""
    layers = [
        {key: str(value) for key, value in layer.items() if key != "branches"}
        for layer in network._layers()
    ]
    return {
        "the version of foxnn": _core.__version__,
        # The others agree with each other bit for bit.
        "the kernel set": "reference" if _core.kernel_set() == "reference" else "of vectors",
        "the dtype of the network": "float32" if network._single() else "float64",
        "the layers of the network": layers,
        "the loss of the network": str(network.loss) if network._own_loss is None else "a function",
        "the seed of the network": network.seed,
        "the draws of the network": network._draw(),
        "the weights of the network, or what its optimizer remembers, (by their hash)": hash_of(
            state.memory_of(network)
        ),
    }


def _arguments(options: FitOptions) -> dict[str, Any]:
    told = arguments_of(options, 0, 0)
    scale = options.scalers
    return told | {
        "scale": None if scale is None else [None if s is None else s.method for s in scale],
        "lengths": "given" if options.lengths is not None else None,
    }


def hash_of(memory: Any) -> str:
    """Return the hash of what a network remembers: arrays, in lists and dicts by name."""
    found = hashlib.blake2b(digest_size=8)

    def add(value: Any) -> None:
        if isinstance(value, dict):
            for name in sorted(value, key=str):
                found.update(str(name).encode())
                add(value[name])
        elif isinstance(value, list | tuple):
            for one in value:
                add(one)
        elif hasattr(value, "tobytes"):
            found.update(np.ascontiguousarray(value).tobytes())
        else:
            found.update(repr(value).encode())

    add(memory)
    return found.hexdigest()
