"""Commands that move data along the pipeline: ``extract`` and ``convert``.

Each prints a result per unit to stdout, JSON unless that is a terminal; the log goes to stderr.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from include.ticklake.cli import arguments, progress
from include.ticklake.cli.results import ResultTable
from include.ticklake.errors import TicklakeError, UsageError
from include.ticklake.feed import loader
from include.ticklake.model.batch_results import batch_results
from include.ticklake.model.failed_units import FailedUnits
from include.ticklake.model.messages import ConvertDone, ExtractDone, Failed, LargestRecord
from include.ticklake.model.side_by_side import PendingCall
from include.ticklake.model.unit import Unit

if TYPE_CHECKING:
    from include.ticklake.convert.convert import ConvertResult
    from include.ticklake.extract.extract_batch import Results
    from include.ticklake.feed.feed import Feed
    from include.ticklake.lake.storage import Storage

log = logging.getLogger(__name__)

EXTRACT_COLUMNS = ("slice", "window", "rows", "pages", "json_bytes", "seconds", "peak_bytes")
CONVERT_COLUMNS = (
    "slice", "window", "rows", "quarantined_rows", "json_bytes", "parquet_bytes", "seconds",
    "peak_bytes",
)  # fmt: skip
RANGE = "\\\n      --start 2026-01-02T05:00Z --end 2026-01-02T06:00Z"


def add_parsers(commands: arguments.Commands) -> None:
    """Add the commands of this group."""
    _add_extract(commands)
    _add_convert(commands)


def _add_extract(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "extract",
        summary="fetch a range of a feed and stage it as JSON",
        description="Prints one result per unit.",
        examples=[f"extract binance_agg_trades --slice symbol=BTCUSDT {RANGE}"],
    )
    arguments.add_feed(parser)
    arguments.add_slice(parser)
    arguments.add_range_or_manifests(parser, of="the windows to extract")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="replace what was fetched before also where the source no longer returns some of it. "
        "It is kept for a while: `history` lists it, `restore` brings it back",
    )
    arguments.add_root(parser)
    arguments.add_base_url(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run_extract, bar=True)


def run_extract(args: argparse.Namespace) -> None:
    """Stage a range of a feed, or the windows named."""
    from include.ticklake.extract import extract_batch, unknown_fields

    feed, storage = loader.load(args.feed), arguments.open_storage(args)
    if args.manifests:
        units = _units_of_manifests(args, feed, storage)
    else:
        feed = _with_slices(args, feed, storage)
        units = arguments.planned_units(args, feed)
    new_fields: set[str] = set()
    extracted: list[Unit] = []
    rows = 0
    results = ResultTable(args, *EXTRACT_COLUMNS)
    failed = FailedUnits(arguments.report_failure if args.manifests else None)

    def track(tasks: Iterable[PendingCall[Unit, Results]]) -> Iterator[PendingCall[Unit, Results]]:
        return progress.track(
            tasks, total=lambda: _count(args, feed), note=lambda task: _note(task.item)
        )

    try:
        with extract_batch.extracted(
            feed,
            units,
            storage=storage,
            base_url=arguments.base_url_for(args, feed),
            units_at_once=args.settings.units_at_once,
            is_replacing=args.replace,
        ) as tasks:
            for unit, extracted_of_unit in batch_results(tasks, failed, track=track):
                extracted.append(unit)
                for result in extracted_of_unit:
                    new_fields.update(result.manifest.json.new_fields)
                    rows += result.manifest.json.rows
                    done = msgspec.convert(result.summary(), ExtractDone)
                    results.add(done, **_names(result.unit))
    except TicklakeError as error:
        if args.manifests:
            arguments.write_message(Failed.of(error))
        raise
    # With --manifests the caller has many batches, and reports the fields once for all of them.
    if new_fields and not args.manifests:
        log.warning(
            "extract.new_fields %s", unknown_fields.unknown_fields_message(feed, new_fields)
        )
    if extracted and not rows and not args.manifests:
        _warn_of_empty_run(feed, extracted)
    failed.raise_if_any()


def _with_slices(args: argparse.Namespace, feed: Feed, storage: Storage) -> Feed:
    """*feed* with the slices to plan: those that are listed now, unless the arguments name one."""
    if args.slice:
        return arguments.with_known_slices(args, feed, storage)
    return arguments.with_listed_slices(args, feed, storage)


def _count(args: argparse.Namespace, feed: Feed) -> int:
    return len(args.manifests) if args.manifests else arguments.count_units(args, feed)


def _note(unit: Unit) -> str:
    return f"{unit.slice} {unit.window.start:%Y-%m-%d %H:%M}"


def _names(unit: Unit) -> dict[str, str]:
    """The unit as people read it; a program has its manifest."""
    return {"slice": str(unit.slice), "window": unit.window.name}


def _warn_of_empty_run(feed: Feed, units: Sequence[Unit]) -> None:
    from include.ticklake.feed import plan

    if message := plan.empty_run_message(feed, units, now=datetime.now(UTC)):
        log.warning("extract.empty %s", message)


def _units_of_manifests(args: argparse.Namespace, feed: Feed, storage: Storage) -> Iterator[Unit]:
    """The units whose manifests the arguments name."""
    from include.ticklake.feed import plan
    from include.ticklake.lake import feed_record, layout

    if args.slice or args.end:
        raise UsageError("--manifests names slices and windows already; drop --slice and --end")
    for uri in args.manifests:
        key = layout.parse_window_manifest(storage.key_of(uri))
        if key.feed != feed.name:
            raise UsageError(f"{uri} belongs to feed {key.feed}, not to {feed.name}")
        unit = Unit(key.slice, key.window)
        try:
            plan.check_unit(feed, unit)
        except UsageError:
            feed_record.check(feed, storage=storage)  # it may be the feed's file that has changed
            raise
        yield unit


def _add_convert(commands: arguments.Commands) -> None:
    parser = arguments.add_command(
        commands,
        "convert",
        summary="convert staged JSON to Parquet",
        description="Prints one result per manifest.",
        examples=["convert s3://bucket/lake/manifests/... --root s3://bucket/lake"],
    )
    parser.add_argument(
        "manifests", nargs="+", metavar="MANIFEST_URI", help="manifest URIs, as `extract` prints"
    )
    arguments.add_root(parser)
    arguments.add_cap(parser)
    arguments.add_json(parser)
    parser.set_defaults(run=run_convert, bar=True)


def run_convert(args: argparse.Namespace) -> None:
    """Convert the windows that the manifests name."""
    from include.ticklake.lake import layout

    storage = arguments.open_storage(args)
    keys = [storage.key_of(uri) for uri in args.manifests]
    for key, uri in zip(keys, args.manifests, strict=True):
        if (parsed := layout.parse_manifest(key)).is_day:
            command = f"compact {parsed.feed} --manifests {uri}"
            raise UsageError(f"{uri} is the manifest of a day; to compact it, use `{command}`")
    convert_all(keys, args, storage)


def convert_all(keys: Sequence[str], args: argparse.Namespace, storage: Storage) -> None:
    """Convert the windows whose manifests are at *keys*, and print a line for each."""
    from include.ticklake.convert.budget import budget_for
    from include.ticklake.convert.convert_batch import converted
    from include.ticklake.convert.parse.largest_record import LargestRecordReporter

    largest = LargestRecordReporter(
        lambda record: arguments.write_message(msgspec.convert(record, LargestRecord))
    )
    failed = FailedUnits(arguments.report_failure)
    results = ResultTable(args, *CONVERT_COLUMNS)
    meter = progress.ReadMeter(storage)

    def track(
        tasks: Iterable[PendingCall[str, ConvertResult]],
    ) -> Iterator[PendingCall[str, ConvertResult]]:
        for task in progress.track(
            tasks, total=lambda: len(keys), note=lambda task: _note(_unit_of(task.item))
        ):
            if progress.is_shown():
                meter.expect(_staged_parts(task.item, storage))
            yield task

    with converted(
        keys,
        load=loader.load,
        storage=meter.storage,
        budget=budget_for(args.cap),
        units_at_once=args.settings.units_at_once,
        largest=largest,
    ) as tasks:
        for key, result in batch_results(tasks, failed, unit_of=_unit_of, track=track):
            results.add(msgspec.convert(result.summary(), ConvertDone), **_names(_unit_of(key)))
    failed.raise_if_any()


def _staged_parts(key: str, storage: Storage) -> dict[str, int]:
    """What a conversion will read, in bytes by key; nothing where that is not known."""
    from include.ticklake.lake import manifest

    try:
        staged = manifest.read_versioned(key, storage=storage)
    except TicklakeError:  # the conversion says it better
        return {}
    return {part.key: part.gzip_bytes for part in staged[0].json.parts} if staged else {}


def _unit_of(key: str) -> Unit:
    from include.ticklake.lake import layout

    parsed = layout.parse_manifest(key)
    return Unit(parsed.slice, parsed.window)
