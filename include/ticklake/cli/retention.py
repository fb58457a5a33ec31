"""``retention``: lists what has expired, and deletes it where it is asked to."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from include.ticklake.cli import arguments, table
from include.ticklake.cli.results import print_json
from include.ticklake.errors import FeedFileError
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed

WIDTHS = (24, 8, 12, -10, -10, -18)
"""Of ``expired.HEADINGS``."""


def add_parsers(commands: arguments.Commands) -> None:
    """Add the command."""
    parser = arguments.add_command(
        commands,
        "retention",
        summary="list or delete expired data",
        description="A dry run unless --delete is given. How long data is kept is `retention` in "
        "the feed file. Also lists JSON that newer fetches took the place of (superseded), and "
        "what killed runs left (incomplete).",
        examples=["retention", "retention binance_agg_trades --delete"],
    )
    parser.add_argument(
        "feeds", nargs="*", metavar="FEED", help="names of feeds. Defaults to every feed"
    )
    parser.add_argument(
        "--delete",
        action="store_true",
        help="delete the expired data. Without it, only list what would be deleted (dry run)",
    )
    arguments.add_root(parser)
    arguments.add_json(parser, of="each feed's totals")
    parser.set_defaults(run=run_retention)


def run_retention(args: argparse.Namespace) -> int:
    """Print what has expired, and delete it with ``--delete``."""
    from include.ticklake.maintain import expire, expired
    from include.ticklake.publish import summary

    storage, now = arguments.open_storage(args), datetime.now(UTC)
    feeds, is_complete = [loader.load_table(name) for name in args.feeds], True
    if not args.feeds:
        feeds, is_complete = _valid_feeds()
    if not args.json:
        print(table.format_row(expired.HEADINGS, WIDTHS))
    has_expired = False
    for feed in feeds:
        found = expire.find_expired(feed, now=now, storage=storage)
        if args.delete:
            found = expire.delete(feed, found, now=now, storage=storage)
            found = summary.follow(feed, found, storage=storage)
        for total in expire.totals(feed, found, now=now):
            has_expired |= total.objects > 0
            if args.json:
                plain = asdict(total) | {"before": total.before.isoformat()}
                print_json(plain | {"deleted": args.delete})
            else:
                print(table.format_row(total.cells(), WIDTHS), flush=True)
    if args.json:
        pass
    elif not has_expired:
        print("nothing has expired; `retention` in a feed file says how long its data is kept")
    elif not args.delete:
        print("dry run: nothing was deleted; add --delete to delete it")
    return 0 if is_complete else FeedFileError.exit_code


def _valid_feeds() -> tuple[list[Feed], bool]:
    """Every feed that can be read, and whether those are all; stderr gets what is wrong."""
    feeds, is_complete = [], True
    for path in loader.feed_paths().values():
        try:
            feeds.append(loader.read_feed(path))
        except FeedFileError as error:
            print(f"ticklake: {error}", file=sys.stderr)
            is_complete = False
    return feeds, is_complete
