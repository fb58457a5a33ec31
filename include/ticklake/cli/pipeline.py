"""The commands behind the command line: arguments in, printed lines and an exit code out.

What is heavy is imported by the command that needs it, so that ``feeds`` starts at once.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from include.ticklake import errors
from include.ticklake.errors import TicklakeError, UsageError
from include.ticklake.feed import loader
from include.ticklake.model.slice import Slice

if TYPE_CHECKING:
    from include.ticklake.feed.feed import Feed
    from include.ticklake.lake.storage import Storage
    from include.ticklake.model.unit import Unit

log = logging.getLogger(__name__)


def run_feeds(call: argparse.Namespace) -> int:
    """List the feeds, or say what is wrong with any."""
    if call.write_schema:
        loader.SCHEMA.write_text(loader.json_schema(), encoding="utf-8")
    broken = _key_twins(call.keys_of) if call.keys_of else 0
    for name, path in loader.feed_paths().items():
        try:
            feed = loader.read_feed(path)
            if call.check:
                _check_columns(feed)
        except TicklakeError as wrong:
            broken += 1
            print(wrong, file=sys.stderr)
            continue
        slices = " x ".join(f"{len(values)} {name}" for name, values in feed.slices.items())
        print(f"{name:24} {slices or 'whole':24} {feed.host:28} {feed.description}")
    return 2 if broken else 0


def _check_columns(feed: Feed) -> None:
    from include.ticklake.lake import table_schema

    table_schema.columns(feed)


def _key_twins(root_uri: str) -> int:
    """Say which keys below *root_uri* differ by case only; their number."""
    from include.ticklake.lake.storage import Storage
    from include.ticklake.model.case_clashes import case_clashes

    found = list(case_clashes(Storage.open(root_uri, os.environ).list("")))
    for first, second in found:
        print(f"{root_uri}/{second}: differs from {first} by case only", file=sys.stderr)
    return len(found)


def run_extract(call: argparse.Namespace) -> None:
    """Fetch an interval of a feed, or the windows named; one JSON line per unit of work."""
    from include.ticklake.extract import extract, unknown_fields

    feed, storage = loader.load(call.feed), open_storage(call)
    new_fields: set[str] = set()
    try:
        for work in _named(call, feed, storage) if call.manifests else planned(call, feed):
            done = extract.extract(feed, work, storage=storage, base_url=call.base_url)
            new_fields.update(done.manifest.json.new_fields)
            print(json.dumps(done.summary()), flush=True)
    except TicklakeError as wrong:
        if call.manifests:
            _tell(errors.error_to_dict(wrong))
        raise
    if new_fields and not call.manifests:  # a task's run tells them when all its tasks are done
        log.warning("extract.new_fields %s", unknown_fields.told(feed, new_fields))


def run_convert(call: argparse.Namespace) -> None:
    """Convert what manifests name to Parquet, a day's by compacting it; a JSON line for each."""
    storage = open_storage(call)
    _convert_all([storage.key_of(uri) for uri in call.manifests], call, storage)


def run_rebuild(call: argparse.Namespace) -> None:
    """Convert again what is staged of an interval, without asking the source."""
    from include.ticklake.lake import manifest

    storage = open_storage(call)
    feed = loader.load(call.feed)
    keys = [manifest.key(feed.name, work.slice, work.window) for work in planned(call, feed)]
    found = list(manifest.staged(keys, storage=storage))
    if not found:
        raise UsageError(f"nothing of {feed.name} is staged in that interval; extract it first")
    if call.new_schema:
        _begin_anew(feed, found, storage)
    _convert_all(found, call, storage)


def _begin_anew(feed: Feed, found: Sequence[str], storage: Storage) -> None:
    """Let the fields be whatever they are now; ``UsageError`` where files of before would stay."""
    from include.ticklake.lake import manifest, schema_history

    every = manifest.read_all(feed.name, storage=storage)
    converted = {one.key for one in every if one.parquet and not one.parquet.removed}
    if left := converted - set(found):
        raise UsageError(
            f"--new-schema is for all of {feed.name}: {len(left)} of its windows are not in that "
            f"interval or slice, or their JSON is no longer kept, such as {min(left)}"
        )
    schema_history.renew(feed, storage=storage)


def run_publish(call: argparse.Namespace) -> None:
    """Renew ``latest.json`` and the Iceberg table for an interval; one JSON line."""
    from include.ticklake.publish import publish
    from include.ticklake.settings import Settings

    feed = loader.load(call.feed)
    done = publish.publish(
        feed,
        list(planned(call, feed)),
        storage=open_storage(call),
        settings=Settings.from_env(os.environ),
        env=os.environ,
    )
    print(json.dumps(done), flush=True)


def run_ddl(call: argparse.Namespace) -> None:
    """Print the statement that makes a feed's Parquet a table of an engine."""
    from include.ticklake.publish import ddl

    print(ddl.ddl(loader.load(call.feed), engine=call.engine, root_uri=call.root), end="")


def run_probe(call: argparse.Namespace) -> None:
    """Print the first draft of a feed for an address."""
    from include.ticklake.scaffold import probe

    print(probe.probe(call.url, records=call.records), end="")


def run_preview(call: argparse.Namespace) -> None:
    """Print the first records of one window, as the lake would hold them."""
    from include.ticklake.model import window
    from include.ticklake.scaffold import preview

    feed = loader.load(call.feed)
    start = window.parse_instant(call.start) if call.start else datetime.now(UTC) - feed.window
    for line in preview.preview(
        feed,
        start=start,
        piece=slice_of(call.slice or []),
        rows=call.rows,
        base_url=call.base_url,
        env=os.environ,
    ):
        print(line)


def _convert_all(keys: Sequence[str], call: argparse.Namespace, storage: Storage) -> None:
    from include.ticklake.convert import convert
    from include.ticklake.convert.budget import budget_for
    from include.ticklake.convert.parse.largest_record import LargestRecordReporter
    from include.ticklake.lake import day_manifest
    from include.ticklake.maintain import compact

    budgets, largest = budget_for(call.cap), LargestRecordReporter(_tell)
    load = cache(loader.load)  # thousands of slices take a while to read
    for key in keys:
        feed = load(manifest_feed(key))
        if key.endswith(day_manifest.SUFFIX):
            piece, day = day_manifest.parse_key(key)
            told = compact.compact(feed, piece, day, storage=storage, budgets=budgets).summary()
        else:
            told = convert.convert(
                key, feed=feed, storage=storage, budgets=budgets, largest=largest
            ).summary()
        print(json.dumps(told), flush=True)


def _tell(told: Mapping[str, object]) -> None:
    """A line of JSON for whoever runs this as a capped step, in one piece: threads tell, too."""
    sys.stderr.write(f"{json.dumps(told)}\n")
    sys.stderr.flush()


def manifest_feed(key: str) -> str:
    """The feed's name in ``manifests/<feed>/...``."""
    area, _, rest = key.partition("/")
    if area != "manifests" or "/" not in rest:
        raise UsageError(f"{key!r} is not a manifest's key: manifests/<feed>/...json")
    return rest.partition("/")[0]


def run_replay(call: argparse.Namespace) -> int:
    """Answer for every shipped feed's API from a simulated market, until interrupted."""
    from include.replay import command

    return command.main(call.rest)


def open_storage(call: argparse.Namespace) -> Storage:
    """The lake that the call is about."""
    from include.ticklake.lake.storage import Storage

    return Storage.open(call.root, os.environ)


def planned(call: argparse.Namespace, feed: Feed) -> Iterator[Unit]:
    """The units of work of the call's interval and slice."""
    from include.ticklake.feed import plan
    from include.ticklake.model import window

    if not call.end:
        raise UsageError("--end is missing: an interval has two ends")
    slices = [slice_of(call.slice)] if call.slice else None
    start, end = window.parse_instant(call.start), window.parse_instant(call.end)
    return plan.plan_units(feed, start=start, end=end, slices=slices)


def _named(call: argparse.Namespace, feed: Feed, storage: Storage) -> Iterator[Unit]:
    """The units whose manifests the call names."""
    from include.ticklake.feed import plan
    from include.ticklake.lake import manifest

    if call.slice or call.end:
        raise UsageError("--manifests says slices and times already: leave --slice and --end out")
    for uri in call.manifests:
        name, piece, window = manifest.parse_key(storage.key_of(uri))
        if name != feed.name:
            raise UsageError(f"{uri} is of {name}, not of {feed.name}")
        yield Unit(plan.normalize_slice(feed, piece), window)


def slice_of(pairs: Sequence[str]) -> Slice:
    """The slice that ``--slice NAME=VALUE ...`` names."""
    values = [pair.partition("=") for pair in pairs]
    if not all(name and value for name, _, value in values):
        raise UsageError(f"--slice {' '.join(pairs)}: write it as symbol=BTCUSDT")
    return Slice(tuple((name, value) for name, _, value in values))
