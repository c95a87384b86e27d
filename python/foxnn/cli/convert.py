"""The command ``convert``: converts a network file to another format."""

from __future__ import annotations

import argparse
import sys

from foxnn import neural_network
from foxnn.cli.network_files import check_name, keeps_notes, save

HELP = "write a network in another format"
EXAMPLES = """\
examples:
  python -m foxnn convert net.txt net.onnx
  python -m foxnn convert net.safetensors net.txt
  python -m foxnn convert net.onnx net.h

The ending of the new file names its format: .safetensors, .onnx, .txt (FoxNN's) or .h (C, with a
self-test next to it). The old one may have any name. A network that the new format cannot hold is
refused. Names of columns and the state of the optimizer are kept in .safetensors files only, those
of classes in .onnx and .h, too.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("source", help="network file")
    parser.add_argument("target", help="file to write; an existing file is replaced")


def run(args: argparse.Namespace) -> None:
    """Convert."""
    check_name(args.target, "target")
    nn = neural_network(args.source)
    save(nn, args.target)
    if nn.notes and not keeps_notes(args.target):
        print(f"{args.target} does not hold the notes: {', '.join(nn.notes)}", file=sys.stderr)
