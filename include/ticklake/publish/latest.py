"""One small JSON object with a slice's newest records, for web pages.

``latest/<feed>/<slice>/latest.json`` follows from the manifests at the moment of writing, and does
not say when that was: so an old window that is fetched again never replaces newer records, and
the same lake gives the same bytes. Parts are read as streams, newest first; only the records that
the object will have are in memory.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from heapq import heappop, heappush
from itertools import islice
from typing import TypeGuard

from include.ticklake.convert.parse.blocks import cut_blocks
from include.ticklake.errors import CorruptManifestError, CorruptPartError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.manifest import JsonSection, Manifest, Part
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.versions import LostRaceError
from include.ticklake.model.record import Record
from include.ticklake.model.sizes import KIB
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window
from include.ticklake.sources.event_time import event_ns_of

log = logging.getLogger(__name__)

MAX_BYTES = 64 * KIB
"""Of all records of one object together; a longer record is in the parts only."""
MAX_PARTS = 32
"""How many parts of the newest window are named."""

_LOOK_BACK_WINDOWS = 24
_WRITERS = 16
_TRIES = 5
_BLOCK_BYTES = 128 * KIB
_METADATA = {"Content-Type": "application/json", "Cache-Control": "no-cache"}

Position = tuple[int, int, int]
"""Event time in nanoseconds, and the place among records of one time: greatest is newest."""


def publish(
    feed: Feed,
    slices: Iterable[Slice],
    *,
    storage: Storage,
    max_rows: int,
    changed: Mapping[Slice, Window] | None = None,
) -> int:
    """Write the object of each of *slices* that has records, and return how many have.

    *changed* names the window of a slice of which only one has changed since the last time.
    """
    only = changed or {}

    def write_slice(slice_: Slice) -> bool:
        window = only.get(slice_)
        try:
            return write(feed, slice_, storage=storage, max_rows=max_rows, changed=window)
        except CorruptPartError as error:  # audit reports it; other slices are still written
            log.warning("latest.skipped feed=%s slice=%s: %s", feed.name, slice_, error)
            return False

    with ThreadPoolExecutor(_WRITERS) as pool:
        written = sum(pool.map(write_slice, slices))
    log.info("latest.done feed=%s slices=%d", feed.name, written)
    return written


def write(
    feed: Feed,
    slice_: Slice,
    *,
    storage: Storage,
    max_rows: int,
    changed: Window | None = None,
) -> bool:
    """Write the object of *slice_*, with at most *max_rows* records; False where there are none.

    Where *changed* is the one window that has, and comes right after what the object has, that
    is continued: one manifest and its parts are read, and nothing is listed.
    """
    key = layout.latest_key(feed.name, slice_)
    for _ in range(_TRIES):
        # Read before the windows: who put another object since then may have seen newer ones.
        stored = storage.read_versioned(key)
        if stored and changed:
            text = _continued(feed, slice_, changed, stored.body, storage, max_rows)
            if text is not None:
                try:
                    storage.put_if(key, text, expect=stored.version, metadata=_METADATA)
                except LostRaceError:
                    continue
                return True
        looked_at = _look(feed, slice_, storage=storage, max_rows=max_rows)
        newest = [window for window in looked_at.values() if _has_records(window)]
        if not newest:
            return False
        text = body(feed, newest, storage=storage, max_rows=max_rows)
        if stored is None or stored.body != text:
            expect = stored.version if stored else None
            try:
                storage.put_if(key, text, expect=expect, metadata=_METADATA)
            except LostRaceError:
                continue
        # An object may have the same bytes again, and then the same version: after A, B, A the
        # manifests say whether what was read for it still holds.
        again = {key: _read_or_skip(key, storage) for key in looked_at}
        if _sections(again) == _sections(looked_at):
            return True
    log.warning("latest.behind feed=%s slice=%s: what it shows changes too fast", feed.name, slice_)
    return True


def _continued(
    feed: Feed, slice_: Slice, window: Window, stored: bytes, storage: Storage, max_rows: int
) -> bytes | None:
    """The object after *window*, made of the one before; None where that may lack something.

    It has what reading all windows would give: those before have published what they changed.
    """
    lines = stored.split(b"\n")
    head, records = lines[0], lines[1:-2]
    if f'"end": "{window.start.isoformat()}"'.encode() not in head:
        return None
    newest = _read_or_skip(layout.manifest_key(feed.name, slice_, window), storage)
    if not _has_records(newest):
        return None
    if feed.snapshot or newest.json.rows >= max_rows:
        return body(feed, [newest], storage=storage, max_rows=max_rows)
    event_ns = event_ns_of(feed)
    older = [Record(record.removesuffix(b",")) for record in records]
    timed = [(at_ns, one) for one in older if (at_ns := event_ns(one)) is not None]
    # Months are not as long as each other: a few windows less are in any case among the newest.
    look_back_ns = (_LOOK_BACK_WINDOWS - 3) * (window.end_ns - window.start_ns)
    # With fewer records it may have been made for fewer; older ones come from further back.
    if not len(timed) == len(older) == max_rows or timed[0][0] < window.end_ns - look_back_ns:
        return None
    return body(feed, [newest], storage=storage, max_rows=max_rows, older=timed)


def body(
    feed: Feed,
    newest: Iterable[Manifest],
    *,
    storage: Storage,
    max_rows: int,
    older: Sequence[tuple[int, Record]] = (),
) -> bytes:
    """The object's text: where its records come from, and the records, oldest first.

    *older* are records of windows before those of *newest*, with their event times, oldest first.
    """
    windows = [window for window in newest if window.json.rows]
    kept = Newest(max_rows=max_rows, max_bytes=MAX_BYTES)
    for number, (at_ns, record) in enumerate(older):
        kept.offer((at_ns, -len(windows), number), record)
    for number, window in enumerate(windows):
        _read(feed, window, kept, storage=storage, age=-number)
    # The records of a snapshot have one time: they stay in the source's order.
    records = sorted(kept.records, reverse=feed.snapshot)
    interval = Window.parse(windows[0].window)
    head = {
        "feed": feed.name,
        "slice": windows[0].slice,
        "start": interval.start.isoformat(),
        "end": interval.end.isoformat(),
        "parts": [part.key for part in windows[0].json.parts[-MAX_PARTS:]],
        "rows": len(records),
    }
    text = ",\n".join(bytes(record).decode() for _, record in records)
    return f'{json.dumps(head)[:-1]}, "records": [\n{text}\n]}}\n'.encode()


class Newest:
    """Keeps the newest of the records it is offered, up to a number of rows and of bytes."""

    def __init__(self, *, max_rows: int, max_bytes: int) -> None:
        self.records: list[tuple[Position, Record]] = []
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._held_bytes = 0
        self._floor: Position | None = None

    def offer(self, position: Position, record: Record) -> None:
        """Keep *record* if it is among the newest, unless it is too long by itself."""
        if len(record) > self._max_bytes or (self._floor and position <= self._floor):
            return
        heappush(self.records, (position, record))
        self._held_bytes += len(record)
        while len(self.records) > self._max_rows or self._held_bytes > self._max_bytes:
            self._floor, dropped = heappop(self.records)
            self._held_bytes -= len(dropped)

    def may_take(self, part: Part) -> bool:
        """Whether a record of *part* may be among the newest."""
        if part.last_event_ns is None:
            return False
        return self._floor is None or part.last_event_ns >= self._floor[0]


def _read(feed: Feed, window: Manifest, kept: Newest, *, storage: Storage, age: int) -> None:
    """Offer the records of one window to *kept*; *age* is 0 for the newest, then -1, -2."""
    event_ns = event_ns_of(feed)
    # Of records of one time the last is the newest, unless the source sends the newest first.
    sign = -1 if feed.snapshot or feed.order == "descending" else 1
    parts = _newest_moment(window.json.parts) if feed.snapshot else window.json.parts
    numbered = sorted(enumerate(parts), key=lambda item: _age(item[1], item[0] * sign))
    for number, part in numbered:
        if not kept.may_take(part):
            continue
        for row, record in enumerate(_records(feed, part, storage=storage)):
            at_ns = part.last_event_ns if feed.snapshot else event_ns(record)
            if at_ns is not None:
                kept.offer((at_ns, age, sign * (number << 40 | row)), record)


def _newest_moment(parts: Sequence[Part]) -> list[Part]:
    """Of a snapshot that was fetched again, the *parts* of the last time."""
    newest_ns = max((part.last_event_ns or 0 for part in parts), default=0)
    return [part for part in parts if (part.last_event_ns or 0) == newest_ns]


def _age(part: Part, order: int) -> tuple[int, int]:
    """A sort key that puts the part with the newest records first."""
    return -(part.last_event_ns or 0), -order


def _records(feed: Feed, part: Part, *, storage: Storage) -> Iterator[Record]:
    """The records of *part*; none where it no longer exists: it was replaced or has expired."""
    try:
        stream = storage.open_input(part.key)
    except FileNotFoundError:
        return
    with stream:
        for block in cut_blocks(
            part,
            stream,
            block_bytes=_BLOCK_BYTES,
            max_record_bytes=feed.limits.max_record_bytes,
        ):
            for _, record in block.records():
                yield Record(record)


def _look(
    feed: Feed, slice_: Slice, *, storage: Storage, max_rows: int
) -> dict[str, Manifest | None]:
    """The manifests of the newest windows that have *max_rows* records together, by key.

    With those of windows without a record; None for a damaged one. A snapshot is complete by
    itself: it is not filled up from the one before.
    """
    looked_at: dict[str, Manifest | None] = {}
    rows, enough = 0, 1 if feed.snapshot else max_rows
    keys = _manifest_keys(layout.slice_folder(layout.Area.MANIFESTS, feed.name, slice_), storage)
    for key in islice(keys, _LOOK_BACK_WINDOWS):
        looked_at[key] = window = _read_or_skip(key, storage)
        rows += window.json.rows if _has_records(window) else 0
        if rows >= enough:
            break
    return looked_at


def _has_records(window: Manifest | None) -> TypeGuard[Manifest]:
    return window is not None and bool(window.json.rows) and not window.json.removed


def _sections(looked_at: Mapping[str, Manifest | None]) -> list[JsonSection | None]:
    """What an object depends on: a conversion at the same time changes the rest."""
    return [window.json if window else None for window in looked_at.values()]


def _read_or_skip(key: str, storage: Storage) -> Manifest | None:
    """The manifest at *key*; a damaged one is logged, and the other windows are published."""
    try:
        return manifest.read(key, storage=storage)
    except CorruptManifestError as error:
        log.warning("latest.skipped %s", error)
        return None


def _manifest_keys(folder: str, storage: Storage) -> Iterator[str]:
    """The keys of a slice's manifests, the newest window first; one listing per day."""
    for name in sorted(storage.folders(folder), reverse=True):
        if layout.parse_date_folder(name):
            for key in sorted(storage.list(f"{folder}/{name}"), reverse=True):
                if not layout.is_day_manifest(key):
                    yield key
