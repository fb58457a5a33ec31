"""The command line: what a capped step runs, and what people use without Airflow.

Ends with 0 when done, 2 when the call or a feed file is wrong, 3 when the source refused
or failed, 4 when the data was refused, 137 when the memory cap was reached, 1 when the
storage or we ourselves failed.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence

from include.ticklake import __version__
from include.ticklake.cli import maintenance, pipeline
from include.ticklake.errors import OutOfMemoryError, TicklakeError
from include.ticklake.model.sizes import parse_bytes
from include.ticklake.settings import Settings

log = logging.getLogger("include.ticklake")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    try:
        call = _call(argv)
        code: int = call.run(call) or 0
        sys.stdout.flush()  # here, where it can still be told that nobody reads it
        return code
    except TicklakeError as wrong:
        print(f"ticklake: {wrong}", file=sys.stderr)
        return wrong.exit_code
    except MemoryError as wrong:
        print(f"ticklake: out of memory: {wrong}", file=sys.stderr)
        return OutOfMemoryError.exit_code
    except BrokenPipeError:  # `| head` has read enough: that is no failure of the storage
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python's own last flush would complain
        return 128 + signal.SIGPIPE
    except OSError as wrong:
        log.debug("storage.failed", exc_info=True)
        print(f"ticklake: storage: {wrong}", file=sys.stderr)
        return TicklakeError.exit_code


def _call(argv: Sequence[str] | None) -> argparse.Namespace:
    """What is to be done, and where the log of it goes."""
    parser = _parser()
    call, rest = parser.parse_known_args(argv)
    if rest and call.run is not pipeline.run_replay:  # whose own parser knows its options
        parser.error(f"unknown arguments: {' '.join(rest)}")
    call.rest = rest
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    if call.verbose:
        # Ours only: the libraries would log addresses and headers with their secrets.
        log.setLevel(logging.DEBUG)
    return call


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m include.ticklake", description=__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--verbose", action="store_true", help="log every page")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    settings = Settings.from_env(os.environ)

    feeds = verbs.add_parser("feeds", help="list and validate the feeds")
    feeds.add_argument("--check", action="store_true", help="validate to the last column")
    feeds.add_argument(
        "--keys-of", metavar="URI", help="also look for keys below this root that clash by case"
    )
    feeds.add_argument("--write-schema", action="store_true", help="renew feed.schema.json")
    feeds.set_defaults(run=pipeline.run_feeds)

    extract = verbs.add_parser(
        "extract",
        help="fetch an interval of a feed as JSON parts",
        parents=[root := _root(settings)],
    )
    _feed_and_slice(extract)
    which = extract.add_mutually_exclusive_group(required=True)
    which.add_argument("--start", metavar="ISO")
    which.add_argument(
        "--manifests", nargs="+", metavar="URI", help="the windows by the manifests to be made"
    )
    extract.add_argument("--end", metavar="ISO")
    extract.add_argument("--base-url", default=settings.base_url, metavar="URL")
    extract.set_defaults(run=pipeline.run_extract)

    convert = verbs.add_parser(
        "convert", help="convert staged parts to Parquet", parents=[root, cap := _cap(settings)]
    )
    convert.add_argument("manifests", nargs="+", metavar="MANIFEST_URI")
    convert.set_defaults(run=pipeline.run_convert)

    rebuild = verbs.add_parser(
        "rebuild",
        help="Parquet again from the staged parts of an interval",
        parents=[interval := _interval(), root, cap],
    )
    rebuild.add_argument(
        "--new-schema",
        action="store_true",
        help="the fields changed so that old files do not fit: make all files of the feed anew",
    )
    rebuild.set_defaults(run=pipeline.run_rebuild)

    requarantine = verbs.add_parser(
        "requarantine",
        help="put quarantined records of an interval through again, after the feed was mended",
        parents=[interval, root, cap],
    )
    requarantine.set_defaults(run=maintenance.run_requarantine)

    compact = verbs.add_parser(
        "compact",
        help="one file of the hourly ones, for each day of an interval that is whole",
        parents=[interval, root, cap],
    )
    compact.set_defaults(run=maintenance.run_compact)

    publish = verbs.add_parser(
        "publish",
        help="renew latest.json, and the Iceberg table if TICKLAKE_ICEBERG is set",
        parents=[interval, root],
    )
    publish.set_defaults(run=pipeline.run_publish)

    ddl = verbs.add_parser(
        "ddl", help="the statement that makes a feed's Parquet a table", parents=[root]
    )
    ddl.add_argument("feed", metavar="FEED")
    ddl.add_argument(
        "--engine",
        required=True,
        choices=["athena", "duckdb", "pandas", "polars", "pyarrow", "spark", "trino"],
    )
    ddl.set_defaults(run=pipeline.run_ddl)

    audit = verbs.add_parser(
        "audit",
        help="read an interval of the lake and say what is wrong with it: 4 if anything is",
        parents=[interval, root, cap],
    )
    audit.add_argument("--json", action="store_true", help="one JSON object per line")
    audit.add_argument("--repair", action="store_true", help="fetch or convert again what is wrong")
    audit.add_argument("--base-url", default=settings.base_url, metavar="URL")
    audit.set_defaults(run=maintenance.run_audit)

    retention = verbs.add_parser(
        "retention", help="what is older than its feed wants to keep", parents=[root]
    )
    retention.add_argument("feeds", nargs="*", metavar="FEED", help="default: all")
    retention.add_argument("--delete", action="store_true", help="delete it; default: only say so")
    retention.set_defaults(run=maintenance.run_retention)

    probe = verbs.add_parser("probe", help="a first draft of a feed for an unknown API")
    probe.add_argument("url", metavar="URL", help="of one page: https://host/path?limit=100")
    probe.add_argument("--records", metavar="PATH", help="where the records are: data.list")
    probe.set_defaults(run=pipeline.run_probe)

    preview = verbs.add_parser("preview", help="the first records of a feed; nothing is stored")
    preview.add_argument("feed", metavar="FEED")
    preview.add_argument(
        "--slice", action="append", metavar="NAME=VALUE", help="default: the first"
    )
    preview.add_argument("--start", metavar="ISO", help="a moment in the window; default: the last")
    preview.add_argument("--rows", type=int, default=10, metavar="N")
    preview.add_argument("--base-url", default=settings.base_url, metavar="URL")
    preview.set_defaults(run=pipeline.run_preview)

    replay = verbs.add_parser(
        "replay", help="a local stand-in for every shipped feed's API", add_help=False
    )
    replay.set_defaults(run=pipeline.run_replay)
    return parser


def _interval() -> argparse.ArgumentParser:
    given = argparse.ArgumentParser(add_help=False)
    _feed_and_slice(given)
    given.add_argument("--start", required=True, metavar="ISO")
    given.add_argument("--end", required=True, metavar="ISO")
    return given


def _feed_and_slice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("feed", metavar="FEED")
    parser.add_argument("--slice", action="append", metavar="NAME=VALUE", help="default: all")


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
    # Before pyarrow is imported: its own allocator would keep what is freed.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    sys.exit(main())
