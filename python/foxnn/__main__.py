"""The commands of ``python -m foxnn``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Sequence

from foxnn import __version__

_DOCTOR = "what foxnn found on this machine, how fast it is here, and what slows it down"
_COMMANDS = ("train", "predict", "info", "convert", "play")
_EPILOG = """\
exit codes: 0, success; 1, an error, described in one line; 2, wrong usage; 130, Ctrl-C
"""
# Errors that are not bugs of foxnn.
_TOLD = (OSError, ValueError, ArithmeticError, ImportError, MemoryError)

# What warnings of the package name, as options of the commands.
_AS_OPTIONS = {
    "with epochs='auto'": "with --epochs auto",
    "by scale='standard' in fit": "by --scale standard",
}


def make_parser() -> argparse.ArgumentParser:
    """Return the parser for the arguments of all commands."""
    parser = argparse.ArgumentParser(
        prog="python -m foxnn",
        description="Neural networks for tables, and what foxnn does on this machine.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"foxnn {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    for name in _COMMANDS:
        command = importlib.import_module(f"foxnn.cli.{name}")
        part = commands.add_parser(
            name,
            help=command.HELP,
            description=f"{command.HELP[0].upper()}{command.HELP[1:]}.",
            epilog=command.EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(part)
        part.set_defaults(run=command.run)
    doctor = commands.add_parser("doctor", help=_DOCTOR, description=f"Print {_DOCTOR}.")
    doctor.add_argument(
        "--mpi",
        action="store_true",
        help="under mpiexec: how fast the ranks exchange, and from which batch on more of them pay",
    )
    doctor.add_argument(
        "--layers",
        type=_sizes,
        metavar="SIZES",
        help="with --mpi: the network, such as 784,512,512,10 (the default)",
    )
    return parser


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(part) for part in text.split(",")]
    except ValueError:
        sizes = []
    if len(sizes) < 2 or min(sizes) < 1:
        raise argparse.ArgumentTypeError(
            f"must be the sizes of at least two layers, such as 784,512,512,10, got {text!r}"
        )
    return sizes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code; without one, print the usage."""
    parser = make_parser()
    args = parser.parse_args(arguments)
    if args.command is None:
        parser.print_help()
        return 0
    if args.command == "doctor":
        if args.layers and not args.mpi:
            parser.error("--layers goes with doctor --mpi")
        if args.mpi:
            from foxnn.cli import ranks  # late: nothing else needs it

            return ranks.main(args.layers or [784, 512, 512, 10])
        from foxnn.cli import doctor

        return doctor.main()
    return _run(args)


def _run(args: argparse.Namespace) -> int:
    """Run a command for networks and tables; errors are reported in one line."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: _tell("warning", _with_options(message))
        try:
            args.run(args)
        except BrokenPipeError:  # the reader has closed the pipe
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except _TOLD as error:
            _tell("error", _in_words(error))
            return 1
        except KeyboardInterrupt:
            _tell("error", "stopped by Ctrl-C")
            return 130
    return 0


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, MemoryError):
        return str(error) or "there is not enough memory"
    return str(error)


def _with_options(message: object) -> str:
    text = str(message)
    for argument, option in _AS_OPTIONS.items():
        text = text.replace(argument, option)
    return text


def _tell(kind: str, message: object) -> None:
    print(f"foxnn: {kind}:", *str(message).split("\n"), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
