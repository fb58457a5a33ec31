"""Commands for the versions of a unit: ``history`` and ``restore``."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from include.ticklake.cli import arguments, pipeline
from include.ticklake.cli.results import ResultTable
from include.ticklake.errors import UsageError
from include.ticklake.feed import loader
from include.ticklake.model.unit import Unit

if TYPE_CHECKING:
    from include.ticklake.feed.feed import Feed

COLUMNS = ("version", "state", "rows", "parts", "parts_missing", "gzip_bytes")
WINDOW = "--window 20260102T050000Z-20260102T060000Z"
UNIT = f"binance_agg_trades --slice symbol=BTCUSDT \\\n      {WINDOW}"


def add_parsers(commands: arguments.Commands) -> None:
    """Add the commands of this group."""
    parser = arguments.add_command(
        commands,
        "history",
        summary="list the versions of one window of a slice",
        description="Prints one result per version, the current one first. A set of records "
        "that a later fetch superseded is kept for a while (`retention` in the feed file).",
        examples=[f"history {UNIT}"],
    )
    _add_unit(parser)
    parser.set_defaults(run=run_history)
    parser = arguments.add_command(
        commands,
        "restore",
        summary="make an earlier version of one window of a slice current again",
        description="Converts it. What was current is kept as another version.",
        examples=[f"restore {UNIT} --version 1"],
    )
    _add_unit(parser)
    parser.add_argument(
        "--version",
        dest="number",
        type=int,
        required=True,
        metavar="NUMBER",
        help="number of the version, as `history` lists it",
    )
    arguments.add_cap(parser)
    parser.set_defaults(run=run_restore, bar=True)


def _add_unit(parser: argparse.ArgumentParser) -> None:
    arguments.add_feed(parser)
    arguments.add_slice(parser, default="the only slice")
    parser.add_argument(
        "--window",
        required=True,
        metavar="WINDOW",
        help="the window, as in the names of its objects: 20260102T050000Z-20260102T060000Z",
    )
    arguments.add_root(parser)
    arguments.add_json(parser)


def run_history(args: argparse.Namespace) -> None:
    """Print the versions of a unit."""
    from include.ticklake.maintain import history

    feed = loader.load_table(args.feed)
    results = ResultTable(args, *COLUMNS)
    for version in history.history(feed, _unit(args, feed), storage=arguments.open_storage(args)):
        results.add(version.as_dict())


def run_restore(args: argparse.Namespace) -> None:
    """Make a version current, and convert it."""
    from include.ticklake.lake import feed_record
    from include.ticklake.maintain import history
    from include.ticklake.publish import summary

    feed, storage = loader.load_table(args.feed), arguments.open_storage(args)
    feed_record.check_before_extract(feed, storage=storage)
    unit, now_ms = _unit(args, feed), int(time.time() * 1000)
    restored = history.restore(feed, unit, args.number, storage=storage, now_ms=now_ms)
    try:
        pipeline.convert_all([restored.key], args, storage)
    finally:  # its JSON is another one by now, also where it cannot be converted
        summary.update(feed, [unit], storage=storage)


def _unit(args: argparse.Namespace, feed: Feed) -> Unit:
    from include.ticklake.feed import plan
    from include.ticklake.model.window import Window

    feed = arguments.with_known_slices(args, feed, arguments.open_storage(args))
    if args.slice:
        slice_ = plan.normalize_slice(feed, arguments.parse_slice(args.slice))
    elif feed.slice_count == 1:
        slice_ = feed.first_slice
    else:
        raise UsageError(
            f"{feed.name}: --slice is missing; it has {feed.slice_count} slices, such as "
            f"{feed.first_slice}"
        )
    window = Window.parse(args.window)
    plan.check_window(feed, window)
    return Unit(slice_, window)
