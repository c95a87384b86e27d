"""The command ``info``: what a file of a network holds."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator

from foxnn import neural_network
from foxnn.cli.columns import KEY, columns_of
from foxnn.model.state import state_of

HELP = "what a file of a network holds"
EXAMPLES = """\
examples:
  python -m foxnn info net.safetensors
"""

# Characters that the names shown of a list may take.
_ROOM = 72


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("network", help="file of the network")


def run(args: argparse.Namespace) -> None:
    """Tell."""
    nn = neural_network(args.network)
    lines = list(_lines(nn))
    width = max(len(name) for name, _ in lines) + 2
    print(args.network)
    for name, text in lines:
        print(f"{name:<{width}}{text}")


def _lines(nn: neural_network) -> Iterator[tuple[str, str]]:
    count = sum((part.get_N_w() + 1) * part.get_N_n() for part in nn)
    yield "network", f"{described(nn)}, {count} parameters, {nn.dtype}"
    yield "loss", nn.loss
    try:
        columns = columns_of(nn)
    except ValueError:  # notes that are somebody else's
        columns = None
    if columns is not None:
        yield "inputs", some(columns.inputs)
        yield "target", some(columns.targets)
        if columns.classes is not None:
            yield "classes", some(columns.classes)
    scalers = (nn.input_scaler, "inputs"), (nn.output_scaler, "outputs")
    scaled = [f"{name} {scaler.method}" for scaler, name in scalers if scaler is not None]
    yield "scaling", ", ".join(scaled) or "none"
    state = state_of(nn)
    optimizer = state["optimizer"]
    if optimizer is not None:
        yield "optimizer", f"{optimizer['name']}, {state['steps']} steps"
    if others := [name for name in nn.notes if name != KEY]:
        yield "notes", some(others)


def described(nn: neural_network) -> str:
    """Return the sizes and activations of a network in words."""
    sizes = ", ".join(map(str, nn.sizes))
    names = dict.fromkeys(part.get_name_activation_function() for part in nn)
    return f"[{sizes}], {', '.join(names)}"


def some(names: Iterable[str]) -> str:
    """Return the first of many names, and how many there are more."""
    # What a terminal would take for a command is shown by its number.
    every = [name if name.isprintable() else repr(name)[1:-1] for name in names]
    shown: list[str] = []
    while len(shown) < len(every) and len(", ".join(shown)) < _ROOM:
        shown.append(every[len(shown)])
    more = len(every) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
