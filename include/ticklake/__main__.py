"""The command line: what a capped step runs, and what people use without Airflow.

Ends with 0 when done, 2 when the call or a feed file is wrong, 3 when the source refused
or failed, 4 when the data was refused, 137 when the memory cap was reached, 1 when the
storage or we ourselves failed.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from include.ticklake import __version__, feed_files
from include.ticklake.errors import CallInvalid, OutOfMemory, TicklakeError
from include.ticklake.settings import Settings, parse_bytes
from include.ticklake.slices import Slice

log = logging.getLogger("include.ticklake")

if TYPE_CHECKING:
    from include.ticklake.feeds import Feed
    from include.ticklake.plan import Work
    from include.ticklake.storage import Storage


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    try:
        call = _call(argv)
        return call.run(call) or 0
    except TicklakeError as wrong:
        print(f"ticklake: {wrong}", file=sys.stderr)
        return wrong.exit_code
    except MemoryError as wrong:
        print(f"ticklake: out of memory: {wrong}", file=sys.stderr)
        return OutOfMemory.exit_code
    except OSError as wrong:
        log.debug("storage.failed", exc_info=True)
        print(f"ticklake: storage: {wrong}", file=sys.stderr)
        return TicklakeError.exit_code


def _call(argv: Sequence[str] | None) -> argparse.Namespace:
    """What is to be done, and where the log of it goes."""
    parser = _parser()
    call, rest = parser.parse_known_args(argv)
    if rest and call.run is not _replay:  # whose own parser knows its options
        parser.error(f"unknown arguments: {' '.join(rest)}")
    call.rest = rest
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    if call.verbose:
        # Ours only: the libraries would log addresses and headers with their secrets.
        logging.getLogger("include.ticklake").setLevel(logging.DEBUG)
    return call


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
    from include.ticklake import extract

    feed, storage = feed_files.load(call.feed), _storage(call)
    for work in _works(call, feed):
        done = extract.extract(feed, work, storage=storage, base_url=call.base_url)
        print(json.dumps(done.summary()), flush=True)


def _convert(call: argparse.Namespace) -> None:
    """Convert what manifests name to Parquet, a day's by compacting it; a JSON line for each."""
    storage = _storage(call)
    _convert_all([storage.key_of(uri) for uri in call.manifests], call, storage)


def _rebuild(call: argparse.Namespace) -> None:
    """Convert again what is staged of an interval, without asking the source."""
    from include.ticklake import manifest

    storage = _storage(call)
    works = _works(call, feed_files.load(call.feed))
    keys = [manifest.key(call.feed, work.slice, work.window) for work in works]
    found = [key for key in keys if storage.exists(key)]
    if not found:
        raise CallInvalid(f"nothing of {call.feed} is staged in that interval; extract it first")
    _convert_all(found, call, storage)


def _compact(call: argparse.Namespace) -> None:
    """Make one file of each whole day of an interval; one JSON line per slice and day."""
    from include.ticklake import compact, days, plan, windows
    from include.ticklake.budgets import sizes

    feed, storage = feed_files.load(call.feed), _storage(call)
    start, end = windows.instant(call.start), windows.instant(call.end)
    slices = [plan.complete(feed, _slice(call.slice))] if call.slice else feed.all_slices
    budgets = sizes(call.cap)
    for piece in slices:
        for day in windows.cut(start, end, length=days.LENGTH):
            done = compact.compact(feed, piece, day, storage=storage, budgets=budgets)
            print(json.dumps(done.summary()), flush=True)


def _audit(call: argparse.Namespace) -> int:
    """Say what is wrong with an interval of the lake; with --repair, mend what can be."""
    from include.ticklake import audit, plan, repair, windows
    from include.ticklake.budgets import sizes

    feed, storage, budgets = feed_files.load(call.feed), _storage(call), sizes(call.cap)
    slices = [_slice(call.slice)] if call.slice else None
    start, end = windows.instant(call.start), windows.instant(call.end)
    works = plan.plan(feed, start=start, end=end, slices=slices)
    found = []
    for finding in audit.audit(feed, works, storage=storage, budgets=budgets):
        found.append(finding)
        told = finding.as_dict()
        row = f"{finding.kind:15} {finding.slice:24} {finding.window:34} {finding.what}"
        print(json.dumps(told) if call.json else row, flush=True)
    if call.repair:
        repair.repair(feed, found, storage=storage, budgets=budgets, base_url=call.base_url)
    return 4 if found else 0


def _ddl(call: argparse.Namespace) -> None:
    """Print the statement that makes a feed's Parquet a table of an engine."""
    from include.ticklake import ddl

    print(ddl.ddl(feed_files.load(call.feed), engine=call.engine, root_uri=call.root), end="")


def _probe(call: argparse.Namespace) -> None:
    """Print the first draft of a feed for an address."""
    from include.ticklake import probe

    print(probe.probe(call.url, records=call.records), end="")


def _preview(call: argparse.Namespace) -> None:
    """Print the first records of one window, as the lake would hold them."""
    from include.ticklake import preview, windows

    feed = feed_files.load(call.feed)
    start = windows.instant(call.start) if call.start else datetime.now(UTC) - feed.window
    for line in preview.preview(
        feed,
        start=start,
        piece=_slice(call.slice or []),
        rows=call.rows,
        base_url=call.base_url,
        env=os.environ,
    ):
        print(line)


def _convert_all(keys: Sequence[str], call: argparse.Namespace, storage: Storage) -> None:
    from include.ticklake import compact, convert, days
    from include.ticklake.budgets import sizes

    budgets = sizes(call.cap)
    load = cache(feed_files.load)  # thousands of slices take a while to read
    for key in keys:
        feed = load(manifest_feed(key))
        if key.endswith(days.SUFFIX):
            piece, day = days.named(key)
            told = compact.compact(feed, piece, day, storage=storage, budgets=budgets).summary()
        else:
            told = convert.convert(key, feed=feed, storage=storage, budgets=budgets).summary()
        print(json.dumps(told), flush=True)


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


def _storage(call: argparse.Namespace) -> Storage:
    from include.ticklake.storage import Storage

    return Storage.open(call.root, os.environ)


def _works(call: argparse.Namespace, feed: Feed) -> Iterator[Work]:
    from include.ticklake import plan, windows

    slices = [_slice(call.slice)] if call.slice else None
    start, end = windows.instant(call.start), windows.instant(call.end)
    return plan.plan(feed, start=start, end=end, slices=slices)


def _slice(pairs: Sequence[str]) -> Slice:
    values = [pair.partition("=") for pair in pairs]
    if not all(name and value for name, _, value in values):
        raise CallInvalid(f"--slice {' '.join(pairs)}: write it as symbol=BTCUSDT")
    return Slice(tuple((name, value) for name, _, value in values))


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

    extract = commands.add_parser(
        "extract",
        help="fetch an interval of a feed as JSON parts",
        parents=[interval := _interval(), root := _root(settings)],
    )
    extract.add_argument("--base-url", default=settings.base_url, metavar="URL")
    extract.set_defaults(run=_extract)

    convert = commands.add_parser(
        "convert", help="convert staged parts to Parquet", parents=[root, cap := _cap(settings)]
    )
    convert.add_argument("manifests", nargs="+", metavar="MANIFEST_URI")
    convert.set_defaults(run=_convert)

    rebuild = commands.add_parser(
        "rebuild",
        help="Parquet again from the staged parts of an interval",
        parents=[interval, root, cap],
    )
    rebuild.set_defaults(run=_rebuild)

    compact = commands.add_parser(
        "compact",
        help="one file of the hourly ones, for each day of an interval that is whole",
        parents=[interval, root, cap],
    )
    compact.set_defaults(run=_compact)

    ddl = commands.add_parser(
        "ddl", help="the statement that makes a feed's Parquet a table", parents=[root]
    )
    ddl.add_argument("feed", metavar="FEED")
    ddl.add_argument("--engine", required=True, choices=["athena", "duckdb", "spark", "trino"])
    ddl.set_defaults(run=_ddl)

    audit = commands.add_parser(
        "audit",
        help="read an interval of the lake and say what is wrong with it: 4 if anything is",
        parents=[interval, root, cap],
    )
    audit.add_argument("--json", action="store_true", help="one JSON object per line")
    audit.add_argument("--repair", action="store_true", help="fetch or convert again what is wrong")
    audit.add_argument("--base-url", default=settings.base_url, metavar="URL")
    audit.set_defaults(run=_audit)

    probe = commands.add_parser("probe", help="a first draft of a feed for an unknown API")
    probe.add_argument("url", metavar="URL", help="of one page: https://host/path?limit=100")
    probe.add_argument("--records", metavar="PATH", help="where the records are: data.list")
    probe.set_defaults(run=_probe)

    preview = commands.add_parser("preview", help="the first records of a feed; nothing is stored")
    preview.add_argument("feed", metavar="FEED")
    preview.add_argument(
        "--slice", action="append", metavar="NAME=VALUE", help="default: the first"
    )
    preview.add_argument("--start", metavar="ISO", help="a moment in the window; default: the last")
    preview.add_argument("--rows", type=int, default=10, metavar="N")
    preview.add_argument("--base-url", default=settings.base_url, metavar="URL")
    preview.set_defaults(run=_preview)

    replay = commands.add_parser(
        "replay", help="a local stand-in for every shipped feed's API", add_help=False
    )
    replay.set_defaults(run=_replay)
    return parser


def _interval() -> argparse.ArgumentParser:
    given = argparse.ArgumentParser(add_help=False)
    given.add_argument("feed", metavar="FEED")
    given.add_argument("--slice", action="append", metavar="NAME=VALUE", help="default: all")
    given.add_argument("--start", required=True, metavar="ISO")
    given.add_argument("--end", required=True, metavar="ISO")
    return given


def _root(settings: Settings) -> argparse.ArgumentParser:
    given = argparse.ArgumentParser(add_help=False)
    given.add_argument("--root", default=settings.root_uri, metavar="URI")
    return given


def _cap(settings: Settings) -> argparse.ArgumentParser:
    given = argparse.ArgumentParser(add_help=False)
    given.add_argument(
        "--cap",
        type=parse_bytes,
        default=settings.cap_bytes,
        metavar="SIZE",
        help="the memory cap that it runs under: sizes follow from it",
    )
    return given


if __name__ == "__main__":
    sys.exit(main())
