"""The command ``play``: a page on which a network learns while one turns its knobs."""

from __future__ import annotations

import argparse
import warnings

from foxnn.cli import options, wanted

HELP = "show a page on which a network learns while you turn its knobs"
EXAMPLES = """\
examples:
  python -m foxnn play
  python -m foxnn play --mnist
  python -m foxnn play iris.csv --target species
  python -m foxnn play cars.csv --target price --ignore id --delimiter ';' --decimal ,

The page is for this machine only; open its address in a browser. Ctrl-C ends it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("data", nargs="?", help="a table; by default points in a plane")
    what.add_argument(
        "--mnist", nargs="?", const="", metavar="FOLDER",
        help="images of digits: from a folder, or downloaded once",
    )  # fmt: skip
    parser.add_argument(
        "--target", type=options.names, metavar="COLUMN",
        help="the column of the table to predict, or several, separated by commas",
    )  # fmt: skip
    parser.add_argument(
        "--port", type=options.whole(0, 65535), default=0, metavar="N",
        help="of the page (default: any that is free)",
    )  # fmt: skip
    wanted.add_options(parser)
    options.add_table_options(parser)


def run(args: argparse.Namespace) -> None:
    """Serve the page until Ctrl-C."""
    if (args.data is None) != (args.target is None):
        raise ValueError("a table needs --target, and --target a table")
    # Late: the other commands do without the server.
    from foxnn.playing.session import Session
    from foxnn.playing.source import Digits, Source, Table
    from foxnn.playing.tables import told
    from foxnn.watching.hub import Hub
    from foxnn.watching.server import PageServer

    what, form = wanted.wanted_of(args), options.table_format(args)
    if args.data is None and (given := told(what, form)):
        names = ["regress" if given[name] is False else name for name in given]
        raise ValueError(f"--{names[0].replace('_', '-')} is for a table, and there is none")
    source: Source
    if args.mnist is not None:
        source = Digits(args.mnist or None)
    elif args.data is not None:
        source = Table(args.data, what, form)
    else:
        source = Source()
    warnings.simplefilter("ignore")  # of short trainings: one looks at them
    hub = Hub()
    session = Session(source, hub)
    server = PageServer(hub, session.act, session.saved, args.port)
    print(f"Open {server.address} in a browser; Ctrl-C ends it.", flush=True)
    session.start()
    try:
        server.serve()
    except KeyboardInterrupt:
        print()
    finally:
        server.stop()
        session.close()
