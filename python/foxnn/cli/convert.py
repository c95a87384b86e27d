"""The command ``convert``: a network from one format of files to another."""

from __future__ import annotations

import argparse
import sys

from foxnn import neural_network
from foxnn.cli.network_files import keeps_notes, save

HELP = "write a network in another format"
EXAMPLES = """\
examples:
  python -m foxnn convert net.txt net.onnx
  python -m foxnn convert net.safetensors net.txt
  python -m foxnn convert net.onnx net.h

The endings say the formats: .safetensors, .onnx, .txt (FoxNN's), and to write, .h (C, with a
self-test beside it). What the new format cannot hold is refused; names of columns and classes, and
what the optimizer remembers, are in .safetensors files only.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("source", help="file of a network")
    parser.add_argument("target", help="file to write; an older one is replaced")


def run(args: argparse.Namespace) -> None:
    """Convert."""
    nn = neural_network(args.source)
    save(nn, args.target)
    if nn.notes and not keeps_notes(args.target):
        print(f"{args.target} is without the notes: {', '.join(nn.notes)}", file=sys.stderr)
