"""Records' texts in, a staged unit out, as ``extract`` leaves it: for tests of what comes after."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.record import Record
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.sources.event_time import event_ns_of
from tests.support import manifests
from tools import staging
from tools.staging import PartText

WINDOW = Window.parse("20261122T050000Z-20261122T060000Z")
UNIT = Unit(slice=Slice.of({"symbol": "BTCUSDT"}), window=WINDOW)
SOURCE = {"kind": "http", "base_url": "https://api.example.com", "path": "/trades/{symbol}"}

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
    fetched_at_ms: int | None = None,
) -> Manifest:
    """Stage *parts* of records' texts for *unit*, replacing what was staged before."""
    texts = [_part(described, records, fetched_at_ms) for records in parts]
    return staging.stage(described, unit, texts, storage=storage, fetched_at_ms=fetched_at_ms)


def stage_copy(made: Manifest, slice_: Slice, *, storage: Storage) -> Manifest:
    """Stage for *slice_* what *made* holds: its own parts, and its own manifest."""
    window = Window.parse(made.window)
    parts = []
    for number, part in enumerate(made.json.parts):
        key = layout.part_key(made.feed, slice_, window, number=number, sha256=part.sha256)
        storage.copy(part.key, key)
        parts.append(msgspec.structs.replace(part, key=key))
    section = msgspec.structs.replace(made.json, parts=tuple(parts))
    copied = msgspec.structs.replace(made, slice=slice_.as_dict(), json=section)
    return manifests.put(copied, storage=storage)


def repeat_parts(made: Manifest, times: int, *, storage: Storage) -> Manifest:
    """Let the manifest name each part *times* times over, and account for its records."""
    section = msgspec.structs.replace(
        made.json,
        parts=made.json.parts * times,
        received_rows=made.json.received_rows * times,
    )
    return manifests.put(msgspec.structs.replace(made, json=section), storage=storage)


def _part(described: Feed, records: Sequence[str], fetched_at_ms: int | None) -> PartText:
    encoded = [Record(text.encode(errors="surrogateescape")) for text in records]
    if described.snapshot:
        events_ns = [fetched_at_ms * 10**6 if fetched_at_ms else None]
    else:
        events_ns = [*map(event_ns_of(described), encoded)]
    return PartText.of_lines(b",\n".join(encoded), rows=len(encoded), events_ns=tuple(events_ns))
