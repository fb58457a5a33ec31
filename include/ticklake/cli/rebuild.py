"""``rebuild``: converts again what is staged, without asking the source."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from include.ticklake.cli import arguments, pipeline
from include.ticklake.errors import UsageError
from include.ticklake.feed import loader

if TYPE_CHECKING:
    from include.ticklake.feed.feed import Feed
    from include.ticklake.lake.storage import Storage


def add_parsers(commands: arguments.Commands) -> None:
    """Add the command."""
    parser = arguments.add_command(
        commands,
        "rebuild",
        summary="rebuild the Parquet of a range from its staged JSON",
        description="Sends no requests to the source. Prints one result per window.",
        examples=[f"rebuild binance_agg_trades {pipeline.RANGE}"],
    )
    arguments.add_feed(parser)
    arguments.add_slice(parser)
    arguments.add_range(parser)
    parser.add_argument(
        "--new-schema",
        action="store_true",
        help="accept an incompatible schema change; rebuilds every file of the feed, so the range "
        "must cover all of it",
    )
    arguments.add_root(parser)
    arguments.add_cap(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run_rebuild, bar=True)


def run_rebuild(args: argparse.Namespace) -> None:
    """Convert again what is staged of a range."""
    from include.ticklake.lake import feed_record, layout, staged_windows

    storage = arguments.open_storage(args)
    feed = loader.load_table(args.feed)
    feed_record.check(feed, storage=storage)
    feed = arguments.with_known_slices(args, feed, storage)
    units = arguments.planned_units(args, feed)
    keys = [layout.manifest_key(feed.name, unit.slice, unit.window) for unit in units]
    staged = staged_windows.find_staged(keys, storage=storage)
    if not staged:
        raise UsageError(f"{feed.name}: nothing is staged in that range; `extract` it first")
    if args.new_schema:
        _replace_schema(feed, staged, storage)
    pipeline.convert_all(staged, args, storage)


def _replace_schema(feed: Feed, staged: Sequence[str], storage: Storage) -> None:
    """Record the schema of today; ``UsageError`` if files of the old one would remain."""
    from include.ticklake.lake import manifest, schema_history

    committed = manifest.read_all(feed.name, storage=storage)
    converted = {
        window.key for window in committed if window.parquet and not window.parquet.removed
    }
    if left_out := converted - set(staged):
        raise UsageError(
            f"{feed.name}: --new-schema must rebuild the whole feed, but {len(left_out)} of its "
            f"windows are outside that range or slice, or their JSON has expired, such as "
            f"{min(left_out)}; widen the range"
        )
    schema_history.start_over(feed, storage=storage)
