"""Records' texts in, a staged unit out, as ``extract`` leaves it: for tests of what comes after."""

from __future__ import annotations

from collections.abc import Sequence

from include.ticklake.extract import part_writer
from include.ticklake.extract.part_writer import PartWriter
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.manifest import JsonSection, Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.record import Record
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.sources.event_time import event_ns_of

WINDOW = Window.parse("20261122T050000Z-20261122T060000Z")
UNIT = Unit(slice=Slice.of({"symbol": "BTCUSDT"}), window=WINDOW)
SOURCE = {"kind": "http", "base_url": "https://api.example.com", "path": "/trades"}

FIELDS: dict[str, dict[str, object]] = {
    "number": {"from": "n", "type": "int64", "key": True},
    "price": {"from": "p", "type": "decimal(18,8)"},
    "note": {"from": "s", "type": "string"},
    "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
}


def feed(fields: dict[str, dict[str, object]] | None = None, **more: object) -> Feed:
    """A feed with *fields*, in one slice of symbols."""
    described = {
        "name": "made_up",
        "source": SOURCE,
        "slices": {"symbol": ["BTCUSDT"]},
        "fields": fields or FIELDS,
        "limits": {"max_bad_share": 1.0},
    }
    return Feed.model_validate(described | more)


def record(number: int, *, at_ms: int | None = None) -> str:
    """A good record of ``FIELDS``: in the middle of the window, a second after the one before."""
    time = WINDOW.start_ms + number * 1000 if at_ms is None else at_ms
    return f'{{"n":{number},"p":"{number}.{number:08}","s":"№ {number}","t":{time}}}'


def stage(
    described: Feed,
    parts: Sequence[Sequence[str]],
    *,
    storage: Storage,
    unit: Unit = UNIT,
    timed: bool = False,
    fetched_at_ms: int | None = None,
) -> Manifest:
    """Stage *parts* of records for *unit* and commit their manifest; *timed*: with event times."""
    event_ns = event_ns_of(described) if timed else (lambda _: None)
    staged_parts = []
    for number, records in enumerate(parts):
        writer = PartWriter(described.name, unit, number=number, storage=storage)
        for text in records:
            record = Record(text.encode(errors="surrogateescape"))
            writer.write(record, event_ns(record))
        staged_parts.append(writer.close())
    part_writer.publish(staged_parts, storage=storage)
    old = manifest.read(
        layout.manifest_key(described.name, unit.slice, unit.window), storage=storage
    )
    rows = sum(len(records) for records in parts)
    committed = Manifest(
        feed=described.name,
        slice=unit.slice.as_dict(),
        window=unit.window.name,
        json=JsonSection(
            received_rows=rows,
            out_of_window_rows=0,
            duplicate_rows=0,
            lost_range=None,
            pages=len(parts),
            page_bytes=0,
            host=described.host,
            fetched_at_ms=fetched_at_ms,
            parts=tuple(staged_part.part for staged_part in staged_parts),
        ),
        parquet=old.parquet if old else None,
    )
    manifest.write(committed, storage=storage)
    return committed
