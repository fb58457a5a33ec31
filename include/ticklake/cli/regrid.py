"""``regrid``: cuts a lake again after `window:` or the names of `slices:` were changed."""

from __future__ import annotations

import argparse
import logging
import os
import time
from collections.abc import Sequence

from include.ticklake.cli import arguments
from include.ticklake.cli.results import ResultTable
from include.ticklake.errors import UsageError
from include.ticklake.feed import loader

log = logging.getLogger(__name__)


def add_parsers(commands: arguments.Commands) -> None:
    """Add the command."""
    parser = arguments.add_command(
        commands,
        "regrid",
        summary="cut a feed's lake into other windows or slices, from its staged JSON",
        description="For after `window:`, or the names or the order of `slices:`, were changed in "
        "the feed's file. Sends no requests to the source. Prints one result per new window. "
        "Where it was interrupted, call it again: it goes on.",
        examples=[
            "regrid binance_agg_trades",
            "regrid binance_agg_trades --renamed symbol=pair",
        ],
    )
    arguments.add_feed(parser)
    parser.add_argument(
        "--renamed",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="a name of `slices:` that was changed; repeat it for several",
    )
    parser.add_argument(
        "--value",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="the value, for all that is there, of a name that was added to `slices:`; repeat it "
        "for several",
    )
    arguments.add_root(parser)
    arguments.add_cap(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run_regrid)


def run_regrid(args: argparse.Namespace) -> None:
    """Cut the lake as the feed's file says by now, and publish what changed."""
    from include.ticklake.convert.budget import budget_for
    from include.ticklake.lake import layout
    from include.ticklake.maintain.regrid import regrid
    from include.ticklake.maintain.regrid_plan import SliceNames
    from include.ticklake.model.unit import Unit
    from include.ticklake.model.window import split_range

    feed, storage = loader.load_table(args.feed), arguments.open_storage(args)
    names = SliceNames(
        renamed=_pairs("--renamed", args.renamed), values=_pairs("--value", args.value)
    )
    results = ResultTable(args, "slice", "window", "rows")
    windows, days = 0, dict[Unit, None]()
    for recut in regrid(
        feed,
        storage=storage,
        budget=budget_for(args.cap),
        names=names,
        now_ms=lambda: time.time_ns() // 10**6,
    ):
        windows += 1
        # Files of old windows may be in the folder of each day that the new one spans.
        window = recut.unit.window
        for day in split_range(window.start, window.end, length=layout.DAY):
            days[Unit(recut.unit.slice, day)] = None
        results.add(recut.as_dict())
    if not windows:
        log.info("regrid.done feed=%s: the lake is cut as the feed's file says", feed.name)
        return
    from include.ticklake.publish import publish

    published = publish.publish(
        feed, list(days), storage=storage, settings=args.settings, env=os.environ
    )
    ResultTable(args, "windows", *published).add({"windows": windows, **published})


def _pairs(option: str, pairs: Sequence[str]) -> dict[str, str]:
    values = [pair.partition("=") for pair in pairs]
    if not all(name and value for name, _, value in values):
        raise UsageError(f"{option} {' '.join(pairs)}: write it as NAME=NAME, or NAME=VALUE")
    return {name: value for name, _, value in values}
