"""``publish``: updates what other programs find without listing the lake."""

from __future__ import annotations

import argparse
import os

from include.ticklake.cli import arguments
from include.ticklake.cli.pipeline import RANGE
from include.ticklake.cli.results import ResultTable
from include.ticklake.feed import loader


def add_parsers(commands: arguments.Commands) -> None:
    """Add the command."""
    parser = arguments.add_command(
        commands,
        "publish",
        summary="update latest.json, and the Iceberg table if TICKLAKE_ICEBERG is set",
        description="Prints how much was published.",
        examples=[f"publish binance_agg_trades {RANGE}"],
    )
    arguments.add_feed(parser)
    arguments.add_slice(parser)
    arguments.add_range(parser)
    arguments.add_root(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run_publish)


def run_publish(args: argparse.Namespace) -> None:
    """Publish the windows of a range."""
    from include.ticklake.publish import publish

    feed = loader.load_table(args.feed)
    published = publish.publish(
        feed,
        list(arguments.planned_units(args, feed)),
        storage=arguments.open_storage(args),
        settings=args.settings,
        env=os.environ,
    )
    ResultTable(args, *published).add(published)
