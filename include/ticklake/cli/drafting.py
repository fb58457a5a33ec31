"""Commands for a feed that is in the making: ``probe`` and ``preview``."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from include.ticklake.cli import arguments, table
from include.ticklake.cli.results import print_json
from include.ticklake.errors import UsageError
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.model.window_length import floor, start_before


def add_parsers(commands: arguments.Commands) -> None:
    """Add the commands of this group."""
    _add_probe(commands)
    _add_preview(commands)


def _add_probe(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "probe",
        summary="draft a feed file from a page of an API",
        description="Asks for the page, and for the one after it, to see whether the paging works. "
        "Save the draft in a folder of your own, which TICKLAKE_FEEDS names.",
        examples=[
            "probe 'https://api.example.com/trades?limit=100' > my_feeds/trades.yaml",
            "probe 'https://api.example.com/trades?pair=BTC-EUR' \\\n"
            "      'https://api.example.com/trades?pair=ETH-EUR' > my_feeds/trades.yaml",
            'probe https://api.example.com/info --data \'{"type": "trades", "coin": "BTC"}\'',
        ],
    )
    parser.add_argument(
        "urls",
        nargs="+",
        metavar="URL",
        help="address of a page, such as https://host/path?limit=100, or of a file: "
        "https://host/BTCUSDT-2024-01-01.zip, s3://bucket/key.csv.gz, a local path. Of several, "
        "what differs becomes the window or a slice",
    )
    parser.add_argument(
        "--data",
        metavar="JSON",
        action="append",
        default=[],
        help="send this JSON body by POST, or the one in a file: @query.json. Of several, what "
        "differs becomes the window or a slice",
    )
    parser.add_argument(
        "--form",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="send this field of a form by POST; repeat it for others",
    )
    parser.add_argument(
        "--records",
        metavar="PATH",
        help="path of the records in the page, such as data.list, or data.* for a map of them. "
        "Defaults to what looks like records",
    )
    parser.add_argument(
        "--no-second-page",
        action="store_true",
        help="ask for the addresses only; the paging stays a guess",
    )
    arguments.add_json(parser, of="the draft")
    parser.set_defaults(run=run_probe)


def run_probe(args: argparse.Namespace) -> None:
    """Print the draft of a feed file; what it needs before it is valid goes to stderr."""
    from include.ticklake.scaffold import probe
    from include.ticklake.scaffold.infer_window import UNKNOWN

    text = probe.probe(
        *args.urls,
        data=[_text_or_file(data) for data in args.data],
        form=args.form,
        records=args.records,
        asks_second_page=not args.no_second_page,
    )
    if args.json:
        print_json({"feed_file": text, "complete": UNKNOWN not in text})
    else:
        print(text, end="")
    if UNKNOWN in text:
        print(
            f"ticklake: the URL asks for one time or position forever: replace {UNKNOWN} in the "
            "draft, as the comment there says; until then feeds --check refuses it",
            file=sys.stderr,
        )


def _text_or_file(text: str) -> str:
    """*text*, or what is in the file that it names: ``@query.json``."""
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text"
        raise UsageError(f"--data {text}: {reason}; name a file with a JSON body") from None


def _add_preview(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "preview",
        summary="show the first records of a feed without storing anything",
        examples=["preview binance_klines --slice symbol=BTCUSDT --slice interval=1m --rows 3"],
    )
    arguments.add_feed(parser)
    arguments.add_slice(parser, default="the feed's first slice")
    parser.add_argument(
        "--start",
        metavar="TIME",
        help="a time in the window to show. Defaults to the last complete window",
    )
    parser.add_argument(
        "--rows", type=int, default=10, metavar="N", help="records to show. Defaults to 10"
    )
    arguments.add_base_url(parser)
    arguments.add_json(parser, of="each record")
    parser.set_defaults(run=run_preview)


def run_preview(args: argparse.Namespace) -> None:
    """Print the first records of one window, as the lake would hold them."""
    from include.ticklake.model.window import parse_instant
    from include.ticklake.scaffold import preview

    feed = loader.load(args.feed)
    start = parse_instant(args.start) if args.start else _last_start(feed)
    if args.rows < 1:
        raise UsageError(f"--rows {args.rows}: show at least 1")
    rows = preview.preview(
        feed,
        start=start,
        slice_=arguments.parse_slice(args.slice or []),
        rows=args.rows,
        base_url=arguments.base_url_for(args, feed),
        env=os.environ,
    )
    if args.json:
        for record in preview.as_records(rows):
            print_json(record)
    else:
        for line in table.format_table(preview.as_cells(rows)):
            print(line)


def _last_start(feed: Feed) -> datetime:
    """The start of the last complete window."""
    return start_before(floor(datetime.now(UTC), feed.window), feed.window)
