"""How a feed is cut into units in a lake: the length of its windows, the names of its slices.

Every unit's key follows from it. Records that are cut in two ways are in the lake twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Self

import msgspec

from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout
from include.ticklake.lake.layout import Area, UnitKey
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window, window_at
from include.ticklake.model.window_length import (
    MONTH_COUNTS,
    Months,
    WindowLength,
    format_window_length,
    longest,
)


class Grid(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The units that a feed may have in a lake; the values of its slices are not part of it."""

    window_s: int = 0
    """How long a window is; 0 where it is months."""
    window_months: int = 0
    slices: tuple[str, ...]
    """The names, in the order of the folders."""

    def __post_init__(self) -> None:
        lengths = self.window_s, self.window_months
        if min(lengths) < 0 or lengths.count(0) != 1 or len(set(self.slices)) != len(self.slices):
            raise ValueError(
                f"{self.window_s} s, {self.window_months} months, {self.slices}: windows of no "
                "one length, or a name twice"
            )

    @classmethod
    def of(cls, feed: Feed) -> Self:
        """The grid that the file of *feed* describes."""
        window, slices = feed.window, tuple(feed.slices)
        if isinstance(window, Months):
            return cls(window_months=window.count, slices=slices)
        return cls(window_s=int(window.total_seconds()), slices=slices)

    @property
    def window(self) -> WindowLength:
        """The length of a window."""
        return (
            Months(self.window_months) if self.window_months else timedelta(seconds=self.window_s)
        )

    @property
    def length(self) -> str:
        """The length of a window, such as ``1h``."""
        return format_window_length(self.window)

    @property
    def names(self) -> str:
        """The names of the slices, such as ``symbol,interval``."""
        return ",".join(self.slices) or "nothing"

    def holds(self, slice_: Slice, window: Window) -> bool:
        """Whether that is one of its units."""
        names = tuple(name for name, _ in slice_.values)
        return names == self.slices and window == window_at(window.start, self.window)

    def holds_key(self, key: UnitKey) -> bool:
        """Whether *key* is of one of its units, or of a day that is compacted of them."""
        if not key.is_day:
            return self.holds(key.slice, key.window)
        is_compacted = longest(self.window) < layout.DAY
        return is_compacted and tuple(name for name, _ in key.slice.values) == self.slices

    def describe_change(self, to: Grid) -> str:
        """In what *to*, the grid of a feed's file, differs from this one, of the lake."""
        changes = []
        if self.window != to.window:
            changes.append(f"says windows of {to.length}, the lake has windows of {self.length}")
        if self.slices != to.slices:
            changes.append(f"has slices by {to.names}, the lake has slices by {self.names}")
        return ", and ".join(changes)

    def command_to(self, to: Grid, *, feed: str) -> str:
        """The command that cuts the lake as *to*, of the file of *feed*, as far as it is clear."""
        gone = [name for name in self.slices if name not in to.slices]
        new = [name for name in to.slices if name not in self.slices]
        renamed = [f"--renamed {old}={now}" for old, now in zip(gone, new, strict=False)]
        values = [f"--value {name}=VALUE" for name in new[len(gone) :]]
        return " ".join(["regrid", feed, *renamed, *values])


class Regridding(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A ``regrid`` that is not done yet."""

    to: Grid
    renamed: dict[str, str] = {}
    """Names of slices by the names that they replace."""
    values: dict[str, str] = {}
    """The values of names that are new."""
    is_switched: bool = False
    """Whether readers see the new windows already, and what is left to do is to tidy up."""
    hides_days: bool = False
    """Whether the compacted days are of the windows that readers no longer see."""

    def hides(self, key: UnitKey, lake: Grid | None) -> bool:
        """Whether readers pass over the manifest at *key*: its rows are in others, too."""
        if key.is_day:
            return self.is_switched and self.hides_days
        is_new = self.to.holds(key.slice, key.window)
        if self.is_switched:
            return not is_new
        return is_new and not (lake and lake.holds(key.slice, key.window))


def infer(feed: str, *, storage: Storage) -> Grid | None:
    """The grid of the first window of *feed* that is committed; None where none is.

    For lakes of versions that did not record it.
    """
    windows = (key for key in manifests(feed, storage=storage) if not key.is_day)
    if (first := next(windows, None)) is None:
        return None
    names = tuple(name for name, _ in first.slice.values)
    by_seconds = Grid(window_s=(first.window.end_ms - first.window.start_ms) // 1000, slices=names)
    by_months = (Grid(window_months=count, slices=names) for count in MONTH_COUNTS)
    grids = (by_seconds, *by_months)
    return next((grid for grid in grids if grid.holds(first.slice, first.window)), by_seconds)


def manifests(feed: str, *, storage: Storage) -> Iterator[UnitKey]:
    """Yield the manifests of windows and days of *feed*, a slice and a date at a time."""
    for key in _keys(layout.feed_folder(Area.MANIFESTS, feed), storage):
        with suppress(UsageError):  # something that somebody put there
            yield layout.parse_manifest(key)


def _keys(folder: str, storage: Storage) -> Iterator[str]:
    """The keys below *folder*, a date at a time: the first costs no listing of all."""
    for name in storage.folders(folder):
        inner = f"{folder}/{name}"
        if layout.parse_date_folder(name):
            yield from storage.list(inner)
        else:
            yield from _keys(inner, storage)
