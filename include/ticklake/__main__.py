"""The command line: what a capped step runs, and what people use without Airflow.

Ends with 0 when done, 2 when the call or a feed file is wrong, 3 when the source refused
or failed, 4 when the data was refused, 137 when the memory cap was reached.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence

from include.ticklake import __version__, feed_files
from include.ticklake.errors import CallInvalid, OutOfMemory, TicklakeError
from include.ticklake.settings import Settings, parse_bytes
from include.ticklake.slices import Slice


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    parser = _parser()
    call, rest = parser.parse_known_args(argv)
    if rest and call.run is not _replay:  # whose own parser knows its options
        parser.error(f"unknown arguments: {' '.join(rest)}")
    call.rest = rest
    logging.basicConfig(
        level=logging.DEBUG if call.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    try:
        exit_code: int = call.run(call) or 0
    except TicklakeError as wrong:
        print(f"ticklake: {wrong}", file=sys.stderr)
        return wrong.exit_code
    except MemoryError as wrong:
        print(f"ticklake: out of memory: {wrong}", file=sys.stderr)
        return OutOfMemory.exit_code
    return exit_code


def _feeds(call: argparse.Namespace) -> int:
    """List the feeds, or say what is wrong with any."""
    if call.write_schema:
        feed_files.SCHEMA.write_text(feed_files.json_schema(), encoding="utf-8")
    broken = 0
    for name, path in feed_files.files().items():
        try:
            feed = feed_files.read(path)
        except TicklakeError as wrong:
            broken += 1
            print(wrong, file=sys.stderr)
            continue
        slices = " x ".join(f"{len(values)} {name}" for name, values in feed.slices.items())
        print(f"{name:24} {slices or 'whole':24} {feed.host:28} {feed.description}")
    return 2 if broken else 0


def _extract(call: argparse.Namespace) -> None:
    """Fetch an interval of a feed; one JSON line per unit of work."""
    from include.ticklake import extract, plan, windows
    from include.ticklake.storage import Storage

    feed = feed_files.load(call.feed)
    storage = Storage.open(call.root, os.environ)
    slices = [_slice(call.slice)] if call.slice else None
    start, end = windows.instant(call.start), windows.instant(call.end)
    for work in plan.plan(feed, start=start, end=end, slices=slices):
        done = extract.extract(feed, work, storage=storage, base_url=call.base_url)
        print(json.dumps(done.summary()), flush=True)


def _convert(call: argparse.Namespace) -> None:
    """Convert what manifests name to Parquet; one JSON line per manifest."""
    from include.ticklake import convert
    from include.ticklake.budgets import sizes
    from include.ticklake.storage import Storage

    storage = Storage.open(call.root, os.environ)
    budgets = sizes(call.cap)
    for uri in call.manifests:
        key = storage.key_of(uri)
        feed = feed_files.load(manifest_feed(key))
        done = convert.convert(key, feed=feed, storage=storage, budgets=budgets)
        print(json.dumps(done.summary()), flush=True)


def manifest_feed(key: str) -> str:
    """The feed's name in ``manifests/<feed>/...``."""
    area, _, rest = key.partition("/")
    if area != "manifests" or "/" not in rest:
        raise CallInvalid(f"{key!r} is not a manifest's key: manifests/<feed>/...json")
    return rest.partition("/")[0]


def _replay(call: argparse.Namespace) -> int:
    """Answer for every shipped feed's API from a simulated market, until interrupted."""
    from include.ticklake.replay import command

    return command.main(call.rest)


def _slice(pairs: Sequence[str]) -> Slice:
    values = dict(pair.partition("=")[::2] for pair in pairs)
    if not all(values.values()):
        raise CallInvalid(f"--slice {' '.join(pairs)}: write it as symbol=BTCUSDT")
    return Slice.of(values)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m include.ticklake", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--verbose", action="store_true", help="log every page")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    settings = Settings.from_env(os.environ)

    feeds = commands.add_parser("feeds", help="list and validate the feeds")
    feeds.add_argument("--check", action="store_true", help="only validate (listing does too)")
    feeds.add_argument("--write-schema", action="store_true", help="renew feed.schema.json")
    feeds.set_defaults(run=_feeds)

    extract = commands.add_parser("extract", help="fetch an interval of a feed as JSON parts")
    extract.add_argument("feed", metavar="FEED")
    extract.add_argument("--slice", action="append", metavar="NAME=VALUE", help="default: all")
    extract.add_argument("--start", required=True, metavar="ISO")
    extract.add_argument("--end", required=True, metavar="ISO")
    extract.add_argument("--root", default=settings.root_uri, metavar="URI")
    extract.add_argument("--base-url", default=settings.base_url, metavar="URL")
    extract.set_defaults(run=_extract)

    convert = commands.add_parser("convert", help="convert staged JSON parts to Parquet")
    convert.add_argument("manifests", nargs="+", metavar="MANIFEST_URI")
    convert.add_argument("--root", default=settings.root_uri, metavar="URI")
    convert.add_argument(
        "--cap",
        type=parse_bytes,
        default=settings.cap_bytes,
        metavar="SIZE",
        help="the memory cap that it runs under: sizes follow from it",
    )
    convert.set_defaults(run=_convert)

    replay = commands.add_parser(
        "replay", help="a local stand-in for every shipped feed's API", add_help=False
    )
    replay.set_defaults(run=_replay)
    return parser


if __name__ == "__main__":
    sys.exit(main())
