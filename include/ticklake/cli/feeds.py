"""Commands about feeds: ``feeds``, ``ddl`` and, in ``drafting.py``, ``probe`` and ``preview``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from include.ticklake.cli import arguments, drafting, table
from include.ticklake.cli.results import print_json
from include.ticklake.errors import FeedFileError, TicklakeError, UsageError
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.slice_list import ListingFeed, SliceList
from include.ticklake.feed.slice_values import AnySliceValues
from include.ticklake.model.window_length import format_window_length

ENGINES = ("athena", "duckdb", "pandas", "polars", "pyarrow", "spark", "trino")


def add_parsers(commands: arguments.Commands) -> None:
    """Add the commands of this group."""
    _add_feeds(commands)
    drafting.add_parsers(commands)
    _add_ddl(commands)


def _add_feeds(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "feeds",
        summary="list and validate the feeds",
        description="Exits with 2 if a feed file is invalid. Warnings go to stderr, and change "
        "nothing about the exit code.",
        examples=["feeds --check", "feeds --check --keys-of s3://bucket/lake"],
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="also check that the fields make a valid table and that Airflow can schedule the "
        "windows, and warn about what is doubtful",
    )
    parser.add_argument(
        "--keys-of",
        metavar="URI",
        help="also look below this root for object keys that differ by case only",
    )
    parser.add_argument(
        "--write-schema",
        action="store_true",
        help="also rewrite feed.schema.json, the JSON schema that editors check feed files with",
    )
    arguments.add_json(parser, of="the list")
    parser.set_defaults(run=run_feeds)


def run_feeds(args: argparse.Namespace) -> int:
    """Print the feeds; what is wrong with any goes to stderr."""
    if args.write_schema:
        loader.SCHEMA.write_text(loader.json_schema(), encoding="utf-8")
    problems = _print_key_clashes(args.keys_of) if args.keys_of else 0
    feeds: list[Feed] = []
    for path in loader.feed_paths().values():
        try:
            feed = _check(path) if args.check else loader.read_feed(path)
        except TicklakeError as error:
            problems += 1
            print(error, file=sys.stderr)
        else:
            feeds.append(feed)
    if args.json:
        print_json([_as_dict(feed) for feed in feeds])
    else:
        rows = [(feed.name, _slices(feed), feed.host, feed.description) for feed in feeds]
        for line in table.format_table(rows):
            print(line)
    return 2 if problems else 0


def _as_dict(feed: Feed) -> dict[str, object]:
    return {
        "feed": feed.name,
        "slices": {
            name: None if isinstance(values, SliceList) else len(values)
            for name, values in feed.slices.items()
        },
        "window": format_window_length(feed.window),
        "host": feed.host,
        "description": feed.description,
    }


def _slices(feed: Feed) -> str:
    """``2 symbol x 1 interval``."""
    return " x ".join(map(_values, feed.slices, feed.slices.values())) or "no slices"


def _values(name: str, values: AnySliceValues) -> str:
    if isinstance(values, SliceList):
        return f"{name} of {values.origin}"
    return f"{len(values)} {name}"


def _check(path: Path) -> Feed:
    """The feed in *path*; what is doubtful about it goes to stderr.

    Not of a shipped feed, whose file says why it is so.
    """
    from include.ticklake.lake import table_schema

    feed, doubts = loader.check_feed(path)
    try:
        table_schema.columns(feed)
    except FeedFileError as error:
        raise FeedFileError(f"{path}:{loader.line_of(path, 'fields')}: {error}") from None
    _check_lists(path, feed)
    for doubt in doubts if path.parent != loader.SHIPPED else ():
        print(f"warning: {doubt}", file=sys.stderr)
    return feed


def _check_lists(path: Path, feed: Feed) -> None:
    """Refuse slices that a feed should list which does not exist, or has no such columns."""
    from include.ticklake.extract import listed_values
    from include.ticklake.lake.slice_lists import ListSource

    for name, listed in feed.slice_lists.items():
        if not isinstance(listed, ListingFeed):
            continue
        try:
            listed_values.check_source(loader.load(listed.feed), ListSource.of(name, listed))
        except UsageError as error:
            line = loader.line_of(path, "slices", name)
            raise FeedFileError(f"{path}:{line}: slices.{name}: {error}") from None


def _print_key_clashes(root_uri: str) -> int:
    """Print the keys below *root_uri* that differ by case only; their number."""
    from include.ticklake.lake.storage import Storage
    from include.ticklake.model.case_clashes import case_clashes

    clashes = list(case_clashes(Storage.open(root_uri, os.environ).list("")))
    for first, second in clashes:
        print(f"{root_uri}/{second}: differs from {first} by case only", file=sys.stderr)
    return len(clashes)


def _add_ddl(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "ddl",
        summary="print the statement that reads a feed's Parquet as a table",
        examples=["ddl binance_klines --engine duckdb --root s3://bucket/lake"],
    )
    arguments.add_feed(parser)
    parser.add_argument(
        "--engine", required=True, choices=ENGINES, help="query engine or library to write it for"
    )
    arguments.add_root(parser)
    arguments.add_json(parser, of="it")
    parser.set_defaults(run=run_ddl)


def run_ddl(args: argparse.Namespace) -> None:
    """Print the statement of an engine."""
    from include.ticklake.publish import ddl

    statement = ddl.ddl(loader.load_table(args.feed), engine=args.engine, root_uri=args.root)
    if args.json:
        print_json({"feed": args.feed, "engine": args.engine, "statement": statement})
    else:
        print(statement, end="")
