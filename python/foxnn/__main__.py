"""The commands of ``python -m foxnn``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code; without one, print the usage."""
    parser = argparse.ArgumentParser(prog="python -m foxnn", description="Commands of foxnn.")
    commands = parser.add_subparsers(dest="command", metavar="command")
    text = "what foxnn found on this machine, how fast it is here, and what slows it down"
    commands.add_parser("doctor", help=text, description=f"Print {text}.")
    if parser.parse_args(arguments).command is None:
        parser.print_help()
        return 0
    from foxnn import doctor  # late: a usage message needs none of it

    return doctor.main()


if __name__ == "__main__":
    sys.exit(main())
