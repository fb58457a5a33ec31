"""``slices``: the values that a feed's slices have, and since when they are listed elsewhere."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from include.ticklake.cli import arguments
from include.ticklake.cli.results import ResultTable
from include.ticklake.feed import loader
from include.ticklake.feed.slice_list import SliceList
from include.ticklake.feed.slice_values import known_values
from include.ticklake.model.window import format_instant

if TYPE_CHECKING:
    from include.ticklake.lake.slice_lists import ValueList

log = logging.getLogger(__name__)

COLUMNS = ("slice", "value", "since", "until")


def add_parsers(commands: arguments.Commands) -> None:
    """Add the command."""
    parser = arguments.add_command(
        commands,
        "slices",
        summary="list the values of a feed's slices, with their time if they are listed elsewhere",
        description="Prints one line per value. A value that left the list has an end, and keeps "
        "its data.",
        examples=["slices binance_usdt_klines", "slices binance_usdt_klines --renew"],
    )
    arguments.add_feed(parser)
    parser.add_argument(
        "--renew",
        action="store_true",
        help="read the newest list first, as the next run would",
    )
    parser.add_argument(
        "--accept-shrink",
        action="store_true",
        help="read the newest list first, and put it in force also where it lost more values than "
        "may_shrink allows",
    )
    arguments.add_root(parser)
    arguments.add_base_url(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run_slices)


def run_slices(args: argparse.Namespace) -> None:
    """Print the values, slice by slice."""
    from include.ticklake.lake import slice_lists

    feed, results = loader.load(args.feed), ResultTable(args, *COLUMNS)
    storage = arguments.open_storage(args)
    if args.renew or args.accept_shrink:
        arguments.with_listed_slices(args, feed, storage, accepts_shrink=args.accept_shrink)
    elif feed.slice_lists:
        slice_lists.with_known(feed, storage=storage)  # says so where no list was ever read
    lists = slice_lists.read(feed.name, storage=storage).lists if feed.slice_lists else {}
    for name, values in feed.slices.items():
        if not isinstance(values, SliceList):
            for value in known_values(values):
                results.add({"slice": name, "value": value, "since": None, "until": None})
            continue
        for row in _rows(name, lists[name]):
            results.add(row)
        if (problem := lists[name].problem) and not (args.renew or args.accept_shrink):
            log.warning("slices.kept feed=%s slice=%s: %s", feed.name, name, problem.text)


def _rows(name: str, listed: ValueList) -> Iterator[dict[str, str | None]]:
    """A line for each time that a value was listed."""
    for value, listings in listed.values.items():
        for since_ms, until_ms in listings:
            until = None if until_ms is None else format_instant(until_ms * 10**6)
            yield {
                "slice": name,
                "value": value,
                "since": format_instant(since_ms * 10**6),
                "until": until,
            }
