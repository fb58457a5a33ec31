"""Commands that maintain a lake: ``compact``, ``audit`` and ``retry-quarantine``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from include.ticklake.cli import arguments, progress, table
from include.ticklake.cli.results import ResultTable
from include.ticklake.cli.terminal import Style, paint
from include.ticklake.errors import UsageError
from include.ticklake.feed import loader
from include.ticklake.model.failed_units import FailedUnits
from include.ticklake.model.messages import CompactDone
from include.ticklake.model.unit import Unit

if TYPE_CHECKING:
    from include.ticklake.feed.feed import Feed
    from include.ticklake.lake.storage import Storage
    from include.ticklake.maintain.audit import Finding
    from include.ticklake.maintain.retry_quarantine import RetryResult
    from include.ticklake.model.slice import Slice
    from include.ticklake.model.window import Window

_REPAIR_ROUNDS = 3

DAY = "--start 2026-01-02 --end 2026-01-03"
FINDING_WIDTHS = (17, 24, 34, 8, 0)
"""Kind, slice, window, repair and details; fixed, because findings are printed as they come."""
COMPACT_COLUMNS = ("slice", "day", "rows", "files", "parquet_bytes", "seconds", "skipped")
RETRY_COLUMNS = ("slice", "window", "before_rows", "after_rows", "skipped")


def add_parsers(commands: arguments.Commands) -> None:
    """Add the commands of this group."""
    _add_compact(commands)
    _add_audit(commands)
    _add_retry_quarantine(commands)


def _add_compact(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "compact",
        summary="merge each complete day's windows into one Parquet file",
        description="Prints one result per slice and day.",
        examples=[f"compact binance_agg_trades {DAY}"],
    )
    arguments.add_feed(parser)
    arguments.add_slice(parser)
    arguments.add_range_or_manifests(parser, of="the days to compact")
    arguments.add_root(parser)
    arguments.add_cap(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run_compact, bar=True)


def run_compact(args: argparse.Namespace) -> None:
    """Compact the days of a range, or the days named."""
    from include.ticklake.convert.budget import budget_for
    from include.ticklake.maintain import compact

    feed, storage = loader.load_table(args.feed), arguments.open_storage(args)
    budget = budget_for(args.cap)
    if not args.manifests:
        feed = arguments.with_known_slices(args, feed, storage)
    days = _days_of_manifests(args, feed, storage) if args.manifests else _days(args, feed)
    failed = FailedUnits(arguments.report_failure if args.manifests else None)
    results = ResultTable(args, *COMPACT_COLUMNS)
    for slice_, day in progress.track(days, total=lambda: _count(args, feed), note=_note):
        with failed.attempt(Unit(slice_, day)):
            result = compact.compact(feed, slice_, day, storage=storage, budget=budget)
            results.add(msgspec.convert(result.summary(), CompactDone))
    failed.raise_if_any()


def _count(args: argparse.Namespace, feed: Feed) -> int:
    return len(args.manifests) if args.manifests else arguments.count_days(args, feed)


def _note(day: tuple[Slice, Window]) -> str:
    return f"{day[0]} {day[1].start:%Y-%m-%d}"


def _tracked(args: argparse.Namespace, feed: Feed) -> Iterator[Unit]:
    """Yield the units of the range, for a bar."""
    units = arguments.planned_units(args, feed)
    return progress.track(units, total=lambda: arguments.count_units(args, feed))


def _days(args: argparse.Namespace, feed: Feed) -> Iterator[tuple[Slice, Window]]:
    """Yield each slice and day of the range."""
    from include.ticklake.feed import plan
    from include.ticklake.lake import layout
    from include.ticklake.model.window import split_range

    start, end = arguments.parse_range(args)
    if args.slice:
        slices = [plan.normalize_slice(feed, arguments.parse_slice(args.slice))]
    else:
        slices = feed.all_slices
    for slice_ in slices:
        for day in split_range(start, end, length=layout.DAY):
            yield slice_, day


def _days_of_manifests(
    args: argparse.Namespace, feed: Feed, storage: Storage
) -> Iterator[tuple[Slice, Window]]:
    """Yield the slices and days whose manifests the arguments name."""
    from include.ticklake.feed import plan
    from include.ticklake.lake import feed_record, layout

    if args.slice or args.end:
        raise UsageError("--manifests names slices and days already; drop --slice and --end")
    for uri in args.manifests:
        key = layout.parse_manifest(storage.key_of(uri))
        if not key.is_day:
            raise UsageError(f"{uri} is the manifest of a window; name days: ...day.json")
        if key.feed != feed.name:
            raise UsageError(f"{uri} belongs to feed {key.feed}, not to {feed.name}")
        try:
            plan.check_slice(feed, key.slice)
        except UsageError:
            feed_record.check(feed, storage=storage)  # it may be the feed's file that has changed
            raise
        yield key.slice, key.window


def _add_audit(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "audit",
        summary="check a range of the lake against its data and its manifests",
        description="Prints one line per finding, with the repair of it that loses nothing; "
        "docs/reference/glossary.md lists their kinds. Exits with 4 "
        "if there is any but warnings, or with --repair if any is left.",
        examples=[
            f"audit binance_agg_trades {DAY}",
            f"audit binance_agg_trades {DAY} --repair",
        ],
    )
    arguments.add_feed(parser)
    arguments.add_slice(parser)
    arguments.add_range(parser)
    arguments.add_json(parser, of="each finding")
    parser.add_argument(
        "--repair",
        action="store_true",
        help="repair what can be repaired without losing anything",
    )
    arguments.add_root(parser)
    arguments.add_cap(parser)
    arguments.add_base_url(parser)
    parser.set_defaults(run=run_audit, bar=True)


def run_audit(args: argparse.Namespace) -> int:
    """Print what is wrong with a range; with ``--repair``, repair what can be repaired."""
    from include.ticklake.convert.budget import budget_for
    from include.ticklake.maintain import audit, listed_units, repair
    from include.ticklake.publish import summary

    storage = arguments.open_storage(args)
    feed = arguments.with_known_slices(args, loader.load_table(args.feed), storage)
    budget = budget_for(args.cap)
    is_listed = listed_units.is_listed(loader.load_table(args.feed), storage=storage)

    def findings() -> Iterator[Finding]:
        units = _tracked(args, feed)
        return audit.audit(feed, units, storage=storage, budget=budget, is_listed=is_listed)

    remaining = []
    for finding in findings():
        remaining.append(finding)
        print(_format_finding(finding, as_json=args.json), flush=True)
    for _ in range(_REPAIR_ROUNDS if args.repair else 0):
        # A restored manifest shows what is wrong with the files that it names.
        before, failed = remaining, FailedUnits()
        if all(finding.repair == "none" for finding in before):
            break
        repaired = repair.repair(
            feed,
            before,
            storage=storage,
            budget=budget,
            failed=failed,
            base_url=arguments.base_url_for(args, feed),
        )
        summary.update(feed, repaired, storage=storage)
        if failed:
            print(f"ticklake: {failed.error()}", file=sys.stderr)
        remaining = list(findings())
        if set(remaining) <= set(before):
            break
    for finding in remaining if args.repair else ():
        if finding.kind not in audit.WARNINGS:
            print(f"not repaired: {_format_finding(finding, as_json=False)}", file=sys.stderr)
    return 4 if any(finding.kind not in audit.WARNINGS for finding in remaining) else 0


def _format_finding(finding: Finding, *, as_json: bool) -> str:
    from include.ticklake.maintain.audit import WARNINGS

    if as_json:
        return json.dumps(finding.as_dict())
    cells = (finding.kind, finding.slice, finding.window, finding.repair, finding.what)
    row = table.format_row(cells, FINDING_WIDTHS)
    style: Style = "yellow" if finding.kind in WARNINGS else "red"
    return paint(finding.kind, style) + row[len(finding.kind) :]


def _add_retry_quarantine(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "retry-quarantine",
        aliases=["requarantine"],
        summary="convert quarantined records again, after the feed file or the source was fixed",
        description="Prints one result per window, then the totals. Exits with 4 if a window "
        "was skipped.",
        examples=[
            f"retry-quarantine binance_agg_trades {DAY}",
            f"retry-quarantine binance_agg_trades {DAY} --fetch",
        ],
    )
    arguments.add_feed(parser)
    arguments.add_slice(parser)
    arguments.add_range(parser)
    parser.add_argument(
        "--fetch",
        action="store_true",
        help="fetch the windows from the source again first, after it was fixed",
    )
    arguments.add_base_url(parser)
    arguments.add_root(parser)
    arguments.add_cap(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run_retry_quarantine, bar=True)


def run_retry_quarantine(args: argparse.Namespace) -> int:
    """Convert the windows of a range that have a quarantine."""
    from include.ticklake.convert.budget import budget_for
    from include.ticklake.extract.extract import extract
    from include.ticklake.maintain.retry_quarantine import retry_quarantine
    from include.ticklake.publish import summary

    storage = arguments.open_storage(args)
    feed = arguments.with_known_slices(args, loader.load_table(args.feed), storage)
    budget = budget_for(args.cap)
    units = _tracked(args, feed)
    results: list[RetryResult] = []
    printed = ResultTable(args, *RETRY_COLUMNS)
    fetch = (
        partial(extract, feed, storage=storage, base_url=arguments.base_url_for(args, feed))
        if args.fetch
        else None
    )
    for result in retry_quarantine(feed, units, storage=storage, budget=budget, fetch=fetch):
        results.append(result)
        printed.add(result.as_dict())
    if results:
        summary.update(feed, arguments.planned_units(args, feed), storage=storage)
    totals = {
        "windows": len(results),
        "before_rows": sum(result.before_rows for result in results),
        "after_rows": sum(result.after_rows for result in results),
    }
    ResultTable(args, *totals).add(totals)
    return 4 if any(result.skipped for result in results) else 0
