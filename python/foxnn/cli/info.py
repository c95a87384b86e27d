"""The command ``info``: shows the content of a network file."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Iterator

from foxnn import neural_network
from foxnn.cli.columns import KEY, columns_of
from foxnn.layers.kinds import leaves
from foxnn.layers.view import is_number, shown_part
from foxnn.model.losses import shown_loss
from foxnn.model.state import state_of

HELP = "show the content of a network file"
EXAMPLES = """\
examples:
  python -m foxnn info net.safetensors
"""

# The most characters for the names of a list.
_ROOM = 72


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("network", help="network file")


def run(args: argparse.Namespace) -> None:
    """Show the content."""
    nn = neural_network(args.network)
    lines = list(_lines(nn))
    width = max(len(name) for name, _ in lines) + 2
    print(args.network)
    for name, text in lines:
        print(f"{name:<{width}}{text}")


def _lines(nn: neural_network) -> Iterator[tuple[str, str]]:
    count = sum(math.prod(s) for leaf in leaves(nn._layers()) for s in leaf["arrays"].values())
    yield "network", f"{described(nn)}, {count} parameters, {nn.dtype}"
    yield "loss", shown_loss(nn.loss).strip("'")
    try:
        columns = columns_of(nn)
    except ValueError:  # notes that another program has written
        columns = None
    if columns is not None:
        yield "inputs", some(columns.inputs)
        if columns.categories:
            shown = [f"{name} ({some(texts)})" for name, texts in columns.categories.items()]
            yield "categories", some(shown)
        yield "target", some(columns.targets)
        if columns.classes is not None:
            yield "classes", some(columns.classes)
        if columns.missing is not None:
            yield "missing", some(text or "(empty)" for text in columns.missing)
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
    parts = nn._layers()
    if all(map(is_number, parts)):
        sizes = ", ".join(map(str, nn.sizes))
    else:
        sizes = ", ".join([str(nn._input_shape()), *map(shown_part, parts)])
    names = dict.fromkeys(
        leaf["options"]["activation"] for leaf in leaves(parts) if "activation" in leaf["options"]
    )
    return ", ".join([f"[{sizes}]", *names])


def some(names: Iterable[str]) -> str:
    """Return the first names of a list, and the number of the others."""
    # Control characters are shown by their codes.
    every = [name if name.isprintable() else repr(name)[1:-1] for name in names]
    shown: list[str] = []
    while len(shown) < len(every) and len(", ".join(shown)) < _ROOM:
        shown.append(every[len(shown)])
    more = len(every) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
