"""What an extraction staged, without a source: made-up records of one unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from include.ticklake.extract.commit import UnitCommit
from include.ticklake.extract.part_sequence import PartSequence
from include.ticklake.extract.staged_set import StagedSet
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.manifest import JsonSection, Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.record import Record
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.sources.event_time import event_ns_of
from tests.support.feed_texts import feed

WINDOW = Window.parse("20261122T050000Z-20261122T060000Z")
UNIT = Unit(Slice(), WINDOW)
FEED = feed()
FORGETFUL = feed(source={"paging": {"kind": "newest_only", "page_rows": 1000}})
NOW_MS = WINDOW.end_ms + 5_000


def row(number: int, value: object = 0) -> str:
    """A record with a key, a second after the one before."""
    return f'{{"id":{number},"t":{WINDOW.start_ms + number * 1_000},"v":{value}}}'


def staged_set(
    storage: Storage, *parts: Sequence[str], of: Feed = FEED, **changes: Any
) -> StagedSet:
    """The *parts*, staged; *changes* are of their section."""
    sequence = PartSequence(of, UNIT, completed=(), storage=storage)
    event_ns = event_ns_of(of)
    for part in parts:
        records = [Record(text.encode()) for text in part]
        sequence.write((record, event_ns(record)) for record in records)
        sequence.complete()
    rows = sum(map(len, parts))
    counts = {
        "received_rows": rows, "out_of_window_rows": 0, "duplicate_rows": 0, "pages": 1,
        "page_bytes": 100, "host": of.host, "fetched_at_ms": NOW_MS if of.snapshot else None,
    } | changes  # fmt: skip
    section = JsonSection(**counts, parts=tuple(part.part for part in sequence.completed))
    return StagedSet(feed=of, unit=UNIT, section=section, parts=sequence.completed)


def commit(
    storage: Storage, *parts: Sequence[str], is_replacing: bool = False, **options: Any
) -> Manifest:
    """Commit the *parts*; the manifest that is there then."""
    return UnitCommit(
        staged=staged_set(storage, *parts, **options),
        storage=storage,
        is_replacing=is_replacing,
        now_ms=NOW_MS,
        forget=lambda: None,
    ).run()
