"""What killed runs left under ``_incomplete/``, once it is too old to be still written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout
from include.ticklake.lake.layout import Area, SliceDay
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.expired import Expired
from include.ticklake.model.slice import Slice

LEFTOVER_AGE = timedelta(days=2)
"""No run writes one object for so long, or continues an extraction that was interrupted then."""


def find(feed: Feed, cutoff: datetime, *, storage: Storage) -> Iterator[Expired]:
    """Yield the leftovers of *feed* from before *cutoff*, by slice and date where they have one."""
    by_slice_day: dict[SliceDay | None, dict[str, int]] = {}
    for key, info in storage.infos(Area.INCOMPLETE).items():
        written_for = key.removeprefix(f"{Area.INCOMPLETE}/")
        name = written_for.partition("/")[2]
        is_own = name.startswith((f"{feed.name}/", f"{feed.name}."))
        if is_own and info.modified_at < cutoff:
            by_slice_day.setdefault(_slice_day(written_for), {})[key] = info.bytes
    for slice_day, objects in by_slice_day.items():
        yield Expired(area="incomplete", slice_day=slice_day, manifests=(), objects=objects)


def delete(expired: Expired, *, storage: Storage) -> Expired:
    """Delete the leftovers; those that were written again meanwhile stay."""
    for key in expired.objects:
        storage.delete(key)
    return expired


def _slice_day(key: str) -> SliceDay | None:
    _area, _feed, *folders = key.split("/")
    values: list[tuple[str, str]] = []
    for folder in folders:
        if day := layout.parse_date_folder(folder):
            return SliceDay(Slice(tuple(values)), day)
        if "=" not in folder:
            return None
        values += Slice.parse(folder).values
    return None
