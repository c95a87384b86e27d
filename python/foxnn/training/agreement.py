"""What the ranks of a run must have alike: their versions, networks and arguments."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from foxnn import _core, checks
from foxnn.formats.paths import path_of
from foxnn.layers.kinds import placed
from foxnn.model import state
from foxnn.model.answers import AnsweringNetwork
from foxnn.model.scaler import Scaler
from foxnn.training.options import FitOptions
from foxnn.training.plain_options import arguments_of
from foxnn.training.ranks import Ranks

# Bytes of a file that are read at once.
_PIECE = 1 << 20


def agreed(network: AnsweringNetwork, options: FitOptions, ranks: Ranks) -> None:
    """Raise ValueError on all ranks alike if they would not train the same network alike."""
    refuse_different(ranks, described(network) | _arguments(options))


def refuse_different(ranks: Ranks, own: dict[str, Any]) -> None:
    """Raise ValueError on all ranks alike unless all of them have the same values."""
    every = ranks.gathered(own)
    for rank, other in enumerate(every):
        for name, value in every[0].items():
            if other.get(name) != value:
                what, first, second = _difference(name, value, other.get(name))
                raise ValueError(
                    f"{what} must be the same on all ranks, got {checks.shown(first)} on rank 0 "
                    f"and {checks.shown(second)} on rank {rank}"
                )


def _difference(name: str, one: Any, other: Any) -> tuple[str, Any, Any]:
    """Return the name of the innermost value in which two values differ, and both of these."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        key = next(key for key in one if one[key] != other[key])
        return _difference(f"{key} of {name}", one[key], other[key])
    return name, one, other


def described(network: AnsweringNetwork) -> dict[str, Any]:
    """Return what a network must have alike on all ranks, and what computes it."""
    layers = {
        where: _plain({key: value for key, value in layer.items() if key != "branches"})
        for where, layer in placed(network._layers(), "layer {}".format)
    }
    return {
        **described_engine(),
        "the dtype of the network": "float32" if network._single() else "float64",
        "the layers of the network": list(layers),
        **layers,
        "the loss of the network": str(network.loss) if network._own_loss is None else "a function",
        "the seed of the network": network.seed,
        "the draws of the network": network._draw(),
        "the scalers of the network": [described_scaler(scaler) for scaler in network._scalers],
        "the classes of the network": None if network._classes is None else network._classes.labels,
        "settings.correct_summation": network.settings.correct_summation,
        "the weights of the network, or what its optimizer remembers, (by their hash)": hash_of(
            state.memory_of(network)
        ),
    }


def described_engine() -> dict[str, Any]:
    """Return what computes, and must be alike on all ranks."""
    return {"the version of foxnn": _core.__version__}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def described_scaler(scaler: Scaler | None) -> str | None:
    """Return the method of a scaler, and where it is fitted, a hash of what it has found."""
    if scaler is None or scaler.shift is None:
        return None if scaler is None else scaler.method
    return f"{scaler.method} (hash {hash_of([scaler.shift, scaler.scale])})"


def _arguments(options: FitOptions) -> dict[str, Any]:
    told = arguments_of(options, 0, 0)
    scale = options.scalers
    place = options.checkpoint
    return told | {
        "checkpoint": None if place is None else path_of(place, "checkpoint"),
        "checkpoint_every": options.checkpoint_every,
        "scale": None if scale is None else [described_scaler(one) for one in scale],
        "lengths": "given" if options.lengths is not None else None,
    }


def described_file(path: str) -> dict[str, Any]:
    """Return what a checkpoint must have alike on all ranks."""
    found = hashlib.blake2b(digest_size=8)
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return {"the checkpoint (by its hash)": found.hexdigest()}


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
            # Their bytes in place: samples may be larger than what memory is left.
            found.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)
        else:
            found.update(repr(value).encode())

    add(memory)
    return found.hexdigest()
