"""The commit of a compacted day: which windows one Parquet file holds instead of their own.

The manifest of a day is in the folder of its windows' manifests, ``.../<day>.day.json``, so that
one listing shows a reader both. A reader follows three rules:

1. The windows that the day's manifest names are read from the day's file.
2. Every other window is read from the file that its own manifest names.
3. Where a window's own manifest has another sha256 than the day's manifest has of it, or the day's
   manifest is *replacing* it: leave its rows in the day's file out, and read its own file
   instead, if there is one.

Tasks keep this true without a lock. Each manifest is replaced by compare-and-swap, and a file with
a fixed key only while the manifest that names it says so:

* A window's own file is replaced while the window's manifest is not current: a conversion of a
  current one first says in it that it is not. Then it looks for the day: where the day's manifest
  names the window, its file goes to ``late/``, *pending* until the day is compacted again.
* A day's file is replaced while the day's manifest names what is *replacing* what: a compaction
  says so first, also for a day that has no file yet. Then it looks whether all windows are still
  current. A compaction that takes over only adds to what is named.
* A compaction deletes a window's own file when its manifest is committed, and the window's is
  current and has the same content. So it deletes nothing that a conversion writes: that said first
  that the window is not current, or it found the day.

A process that is stopped anywhere and goes on later loses its next compare-and-swap.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec

from include.ticklake.lake import layout, manifest_checks
from include.ticklake.lake.manifest import ParquetSection
from include.ticklake.lake.storage import JSON_METADATA, Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window

VERSION = 1


class CompactedWindow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One window inside a day's file."""

    window: str
    rows: int
    sha256: str | None
    """Of the Parquet that was compacted; None where the window had no rows."""
    first_event_ns: int | None
    last_event_ns: int | None

    @classmethod
    def of(cls, window: str, parquet: ParquetSection) -> CompactedWindow:
        """What a day's file has of *window* where it holds what *parquet* describes."""
        return cls(
            window=window,
            rows=parquet.rows,
            sha256=parquet.sha256 if parquet.rows else None,
            first_event_ns=parquet.first_event_ns,
            last_event_ns=parquet.last_event_ns,
        )


class CompactedDay(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"windows": "hours", "replacing": "renewing"},
):
    """One compacted day of a slice."""

    feed: str
    slice: dict[str, str]
    window: str
    """The day."""
    key: str | None
    """None where no window had a row."""
    rows: int
    parquet_bytes: int
    sha256: str | None
    row_groups: int
    sorted: bool
    windows: tuple[CompactedWindow, ...]
    replacing: tuple[CompactedWindow, ...] = ()
    """What is about to replace some windows in the file: until that is done, these windows are
    read from files of their own."""
    replacing_sha256s: tuple[str, ...] = ()
    """Of the files that may have taken the place of the one with ``sha256`` by now; left out of the
    text where there are none."""
    removed: bool = False
    """Whether retention removed the file: only windows with a file of their own are there."""
    version: int = VERSION

    @property
    def manifest_key(self) -> str:
        """The key of this manifest."""
        return layout.day_manifest_key(self.feed, Slice.of(self.slice), Window.parse(self.window))

    @classmethod
    def unpublished(cls, feed: str, slice_: Slice, window: Window) -> CompactedDay:
        """A day without a file yet: its windows are read from their own ones."""
        return cls(
            feed=feed,
            slice=slice_.as_dict(),
            window=window.name,
            key=None,
            rows=0,
            parquet_bytes=0,
            sha256=None,
            row_groups=0,
            sorted=True,
            windows=(),
        )

    def holds(self, window: CompactedWindow) -> bool:
        """Whether the day's file has exactly this, and will go on having it."""
        if self.removed or self.replacement_of(window.window):
            return False
        return self.compacted(window.window) == window

    def compacted(self, window: str) -> CompactedWindow | None:
        """What the day's file has of *window*."""
        return next((entry for entry in self.windows if entry.window == window), None)

    def replacement_of(self, window: str) -> CompactedWindow | None:
        """What is about to replace *window*."""
        return next((entry for entry in self.replacing if entry.window == window), None)


_DECODER = msgspec.json.Decoder(CompactedDay)


def write(day: CompactedDay, *, storage: Storage, expect: str | None) -> str:
    """Commit *day* in place of version *expect*, None for no manifest; return its version.

    ``LostRaceError`` where the manifest is another one by now.
    """
    plain = msgspec.to_builtins(day)
    if not day.replacing_sha256s:  # older versions know no such name
        del plain["replacing_sha256s"]
    body = json.dumps(plain, indent=1).encode() + b"\n"
    return storage.put_if(day.manifest_key, body, expect=expect, metadata=JSON_METADATA)


def read(day_key: str, *, storage: Storage) -> CompactedDay | None:
    """The day at *day_key*, or None where it was not compacted.

    ``CorruptManifestError`` where its manifest is damaged, or names what is not of the day.
    """
    found = read_versioned(day_key, storage=storage)
    return found[0] if found else None


def read_versioned(day_key: str, *, storage: Storage) -> tuple[CompactedDay, str] | None:
    """``read``, with the version of the manifest."""
    stored = storage.read_versioned(day_key)
    if stored is None:
        return None
    try:
        day = manifest_checks.decode(stored.body, _DECODER)
        if day.version != VERSION:
            raise ValueError(f"its version is {day.version}, and this ticklake has {VERSION}")
        manifest_checks.check_day(day, key=day_key)
    except ValueError as error:
        raise manifest_checks.corrupt(day_key, uri=storage.uri(day_key), problem=error) from None
    return day, stored.version


def find_day(feed: str, slice_: Slice, window: Window, *, storage: Storage) -> CompactedDay | None:
    """The compacted day that holds *window*, None where its Parquet is a file of its own."""
    day_window = layout.day_of(window)
    if day_window == window:
        return None
    day = read(layout.day_manifest_key(feed, slice_, day_window), storage=storage)
    return day if day and day.compacted(window.name) and not day.removed else None


def read_all(feed: str, *, storage: Storage) -> Iterator[CompactedDay]:
    """Yield every compacted day of *feed*, in the order of slices and days."""
    for key in storage.list(layout.feed_folder(layout.Area.MANIFESTS, feed)):
        if layout.is_day_manifest(key) and (day := read(key, storage=storage)):
            yield day
