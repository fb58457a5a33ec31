"""A feed and some days of its slices in, the Parquet files that readers of the folder see out.

That is what the manifests say, without what waits under ``late/``: a window that was fetched
again after its day was compacted is there as it was, until the day is compacted again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice


@dataclass(frozen=True, slots=True, order=True)
class SliceDay:
    """One slice and one of its date folders."""

    slice: Slice
    date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeFile:
    """One Parquet file with rows."""

    unit: SliceDay
    key: str
    sha256: str
    rows: int


def files(feed: Feed, unit: SliceDay, *, storage: Storage) -> Iterator[LakeFile]:
    """The files of *unit*: each of its rows is in one of them; none that retention removed."""
    place = (feed.name, unit.slice.path, f"date={unit.date:%Y-%m-%d}")
    keys = list(storage.list("/".join(filter(None, ("manifests", *place)))))
    day = next(
        (
            day_manifest.read(key, storage=storage)
            for key in keys
            if key.endswith(day_manifest.SUFFIX)
        ),
        None,
    )
    if day and day.key and day.sha256 and not day.removed:
        yield LakeFile(unit=unit, key=day.key, sha256=day.sha256, rows=day.rows)
    for key in keys:
        in_day = day and day.hour(key.rpartition("/")[2].removesuffix(".json"))
        if key.endswith(day_manifest.SUFFIX) or (day and in_day and not day.removed):
            continue
        found = manifest.read(key, storage=storage)
        account = found.parquet if found else None
        if account is None or account.removed or not account.rows:
            continue
        # Of a day that was removed only windows with a file of their own are there.
        if account.key and account.sha256 and (not in_day or storage.exists(account.key)):
            yield LakeFile(unit=unit, key=account.key, sha256=account.sha256, rows=account.rows)
