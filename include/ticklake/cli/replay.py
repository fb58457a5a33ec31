"""``replay``: serves stand-ins for the shipped feeds' APIs, where that package is installed."""

from __future__ import annotations

import argparse

from include.ticklake.cli import arguments
from include.ticklake.errors import UsageError


def add_parsers(commands: arguments.Commands) -> None:
    """Add the command; its options are the replay's own, and read by it."""
    parser = commands.add_parser(
        "replay", help="serve a local stand-in for every shipped feed's API", add_help=False
    )
    parser.set_defaults(run=run_replay)


def run_replay(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    try:
        from include.replay import command
    except ModuleNotFoundError as error:
        raise UsageError(
            f"replay: {error.name} is not installed here; run it from a checkout of ticklake "
            "with requirements.txt installed"
        ) from None
    return command.main(args.options)
