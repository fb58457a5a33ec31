"""A compacted day in, its manifest out: which hours one Parquet file holds in their stead.

The manifest of a day lies beside those of its windows, ``.../<day>.day.json``, so that
one listing shows a reader both. While it is there, the windows that it names are read
from the day's file. A window that is converted again afterwards does not touch that
file: it waits under ``late/`` until the day is compacted again. So the Parquet folder
shows each row once at all times, and one task at a time writes a day.

Converting and compacting may meet: each looks at the other's manifest once more after
it wrote its own, so at least one of them sees both, and begins anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from include.ticklake.errors import UsageError
from include.ticklake.lake import manifest
from include.ticklake.lake.manifest import ParquetSection
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window

VERSION = 1
SUFFIX = ".day.json"
PENDING = "late"
"""The area of windows that were converted again after their day was compacted."""

LENGTH = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactedWindow:
    """One window inside a day's file."""

    window: str
    rows: int
    sha256: str | None
    """Of the Parquet that was compacted; None where the window had no rows."""
    first_event_ns: int | None
    last_event_ns: int | None

    @classmethod
    def of(cls, window: str, account: ParquetSection) -> CompactedWindow:
        """What a day's file has of *window* where it holds what *account* is about."""
        return cls(
            window=window,
            rows=account.rows,
            sha256=account.sha256 if account.rows else None,
            first_event_ns=account.first_event_ns,
            last_event_ns=account.last_event_ns,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactedDay:
    """One compacted day of a slice."""

    feed: str
    slice: dict[str, str]
    window: str
    key: str | None
    """None where no window had a row."""
    rows: int
    parquet_bytes: int
    sha256: str | None
    row_groups: int
    sorted: bool
    hours: tuple[CompactedWindow, ...]
    renewing: tuple[CompactedWindow, ...] = ()
    """What is about to take the place of some hours in the file: until that is done, these
    windows are read from files of their own."""
    removed: bool = False
    """Whether retention removed the file: only windows with a file of their own are there."""
    version: int = field(default=VERSION)

    @property
    def manifest_key(self) -> str:
        """Where this manifest lies."""
        return key(self.feed, Slice.of(self.slice), Window.parse(self.window))

    def holds(self, hour: CompactedWindow) -> bool:
        """Whether the day's file has exactly this, and goes on to have it."""
        if self.removed or self.renewed(hour.window):
            return False
        return self.hour(hour.window) == hour

    def hour(self, window: str) -> CompactedWindow | None:
        """What the day's file has of *window*."""
        return next((hour for hour in self.hours if hour.window == window), None)

    def renewed(self, window: str) -> CompactedWindow | None:
        """What is about to take the place of *window*."""
        return next((hour for hour in self.renewing if hour.window == window), None)


def day_of(window: Window) -> Window:
    """The UTC day in which *window* begins."""
    start = window.start.replace(hour=0, minute=0, second=0)
    return Window(start, start + LENGTH)


def key(feed: str, piece: Slice, day: Window) -> str:
    """``manifests/<feed>/symbol=BTCUSDT/date=2026-11-22/<day>.day.json``."""
    return f"{manifest.folder('manifests', feed, piece, day)}/{day.name}{SUFFIX}"


def parse_key(day_key: str) -> tuple[Slice, Window]:
    """The inverse of ``key``: the slice and the day, whether it was compacted or not."""
    _area, _feed, *pieces, _date, name = day_key.split("/")
    return Slice.parse("/".join(pieces)), Window.parse(name.removesuffix(SUFFIX))


def pending_key(feed: str, piece: Slice, window: Window, account: ParquetSection) -> str:
    """Where the Parquet of *window* waits when its day was compacted without it.

    The name holds the start of its sha256: what a compaction reads, or deletes when it is
    done with it, is never what a conversion put there meanwhile.
    """
    name = f"{window.name}.{(account.sha256 or 'empty')[:8]}.parquet"
    return f"{manifest.folder(PENDING, feed, piece, window)}/{name}"


def write(day: CompactedDay, *, storage: Storage) -> None:
    """Commit *day*: from now on its windows are read from its file."""
    body = json.dumps(asdict(day), indent=1).encode() + b"\n"
    storage.put(day.manifest_key, body, metadata={"Content-Type": "application/json"})


def read(day_key: str, *, storage: Storage) -> CompactedDay | None:
    """The day at *day_key*, or None where it was not compacted."""
    body = storage.read(day_key)
    if body is None:
        return None
    try:
        raw: dict[str, Any] = json.loads(body)
        if raw["version"] != VERSION:
            raise ValueError(f"version {raw['version']!r}")
        hours = {
            name: tuple(CompactedWindow(**one) for one in raw[name])
            for name in ("hours", "renewing")
        }
        return CompactedDay(**raw | hours)
    except (ValueError, TypeError, KeyError) as wrong:
        raise UsageError(
            f"{storage.uri(day_key)} is not the manifest of a day ({wrong!r}); delete it and "
            "rebuild the day's windows"
        ) from None


def holding(feed: str, piece: Slice, window: Window, *, storage: Storage) -> CompactedDay | None:
    """The compacted day that holds *window*, None where its Parquet is a file of its own."""
    day = day_of(window)
    if day == window:
        return None
    found = read(key(feed, piece, day), storage=storage)
    return found if found and found.hour(window.name) and not found.removed else None


def read_all(feed: str, *, storage: Storage) -> Iterator[CompactedDay]:
    """Every compacted day of *feed*, in the order of slices and days."""
    for found in storage.list(f"manifests/{feed}"):
        if found.endswith(SUFFIX) and (day := read(found, storage=storage)):
            yield day
