"""An API that forgets, shrinks, changes its values and takes all of it back; and its feeds.

It has a record in each of twelve four-hour slots of two days, or none. Windows are half a day, so
that there are shorter and longer ones to change to. Kinds of feeds:

=============== ==================================================================================
keyed           each record has a key; the API has a history
keyless         no record has one
recent          keyed; the API has its newest four records only
recent_keyless  the same without a key
snapshot        the API has its current state only, whose event time is the time of fetching
=============== ==================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, NamedTuple

import pyarrow as pa

from include.ticklake.feed.feed import Feed
from include.ticklake.lake.layout import DAY
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, split_range
from tests.support import lake_factory
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply

KINDS = ("keyed", "keyless", "recent", "recent_keyless", "snapshot")
BTC = Slice.of({"symbol": "BTCUSDT"})
DAYS = [lake_factory.DAY, Window(lake_factory.DAY.end, lake_factory.DAY.end + DAY)]
SLOTS = range(12)
SLOT_MS = 4 * 3_600_000
RECENT_ROWS = 4
UNFIT = 4
"""A value that only the corrected feed can read."""
HALF_DAY = timedelta(hours=12)


class Row(NamedTuple):
    """A record as the API has it."""

    at_ms: int
    number: int
    value: int


Rows = tuple[Row, ...]
"""In order; a record that is there twice, twice."""


def at_ms(slot: int) -> int:
    """The event time of a slot's record: not at its edges."""
    return DAYS[0].start_ms + slot * SLOT_MS + SLOT_MS // 2


def units(feed: Feed) -> list[Unit]:
    """The units of both days."""
    windows = split_range(DAYS[0].start, DAYS[1].end, length=feed.window)
    return [Unit(BTC, window) for window in windows]


def is_without_history(kind: str) -> bool:
    """Whether the API forgets by its nature."""
    return kind.startswith("recent") or kind == "snapshot"


def by_unit(table: pa.Table, own: Iterable[Unit]) -> dict[Unit, Rows]:
    """The rows of *table*, which are all of the units *own*; a doubled one twice."""
    found: dict[Unit, list[Row]] = {unit: [] for unit in own}
    at = table["at"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64())
    columns = [column.to_pylist() for column in (at, table["number"], table["amount"])]
    for row in map(Row._make, zip(*columns, strict=True)):
        unit = next(u for u in found if u.window.start_ms <= row.at_ms < u.window.end_ms)
        found[unit].append(row)
    return {unit: tuple(sorted(rows)) for unit, rows in found.items()}


def feed(kind: str, *, factor: int = 1, window: timedelta = HALF_DAY) -> Feed:
    """A feed of *kind*; another *factor* is a feed whose field was corrected."""
    paging: dict[str, Any] = {"kind": "single"}
    if kind.startswith("recent"):
        paging = {"kind": "newest_only", "page_rows": RECENT_ROWS}
    number = {"from": "n", "type": "int64", "key": not kind.endswith("keyless")}
    at = {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True}
    if kind == "snapshot":
        at = {"from": "$fetched_at", "type": "timestamp", "event_time": True}
    return Feed.model_validate({
        "name": "modelled",
        "source": {
            "kind": "http", "base_url": "https://api.example.com", "path": "/{symbol}",
            "params": {"start": "{start_ms}", "end": "{end_ms}"}, "paging": paging,
        },
        "slices": {"symbol": ["BTCUSDT"]},
        "window": f"{int(window.total_seconds()) // 3600}h",
        "snapshot": kind == "snapshot",
        "order": _order(kind),
        "ignore": ["once", "tenfold", "t"],
        "limits": {"max_bad_share": 1.0},
        "fields": {
            "number": number,
            "amount": {"from": "once" if factor == 1 else "tenfold", "type": "int64"},
            "at": at,
        },
    })  # fmt: skip


def _order(kind: str) -> str:
    if kind == "snapshot":
        return "none"
    return "descending" if kind.startswith("recent") else "ascending"


def read_by(rows: Rows, factor: int) -> Rows:
    """What the feed of *factor* makes of *rows*."""
    return tuple(
        row._replace(value=factor * row.value) for row in rows if factor > 1 or row.value != UNFIT
    )


class ForgetfulSource:
    """What the API has now; ``url`` answers with it."""

    def __init__(self, kind: str, server: HttpServer) -> None:
        self._kind = kind
        self.values: dict[int, int] = dict.fromkeys(SLOTS, 1)
        self._before = dict(self.values)
        self.asked = 0
        self.url = server.url
        server.answer_by("/BTCUSDT", self.reply)

    def change(self, values: dict[int, int | None]) -> None:
        """Have these values in these slots; nothing in those of None."""
        self._before = dict(self.values)
        changed = self.values | values
        self.values = {slot: value for slot, value in changed.items() if value is not None}

    def flip_back(self) -> None:
        """Have what there was before the last change."""
        self.values, self._before = self._before, self.values

    def reply(self, request: ReceivedRequest) -> Reply:
        """What the API has of the range that is asked for."""
        start_ms, end_ms = int(request.params["start"]), int(request.params["end"])
        slots = sorted(self.values)
        if self._kind.startswith("recent"):
            slots = slots[: -RECENT_ROWS - 1 : -1]
        elif self._kind == "snapshot":
            slots = slots[:3]
        else:
            slots = [slot for slot in slots if start_ms <= at_ms(slot) < end_ms]
        self.asked += 1
        return Reply(body=json.dumps([self._record(slot) for slot in slots]).encode())

    def _record(self, slot: int) -> dict[str, int | str]:
        value = self.values[slot]
        once = "unfit" if value == UNFIT else value
        return {"n": slot, "once": once, "tenfold": 10 * value, "t": at_ms(slot)}
