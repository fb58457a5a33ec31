"""Retention: finding the data that a feed no longer keeps, and deleting it.

Whole UTC days expire, JSON (with its quarantine) and Parquet apart. The manifests stay: they
still account for every record, and say what was removed before the first object is deleted.
So a reader or an audit never misses an object that was deleted on purpose, and a deletion that
broke off is resumed. JSON that was never converted is kept as long as its Parquet would be.

Sets of JSON that newer ones superseded expire as well, and what runs that were killed left under
``_incomplete/``. Nothing is deleted because a listing from before the marks has it: what other
processes write meanwhile stays, or is marked and deleted in its turn.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from include.ticklake.feed.feed import Feed
from include.ticklake.feed.retention import SUPERSEDED_KEPT, Retention
from include.ticklake.lake import feed_record, layout
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import expired_data, leftovers, superseded_sets
from include.ticklake.maintain.expired import Cutoffs, Expired, ExpiredArea, ExpiredTotal
from include.ticklake.maintain.expired_data import ExpiredDay
from include.ticklake.maintain.leftovers import LEFTOVER_AGE

log = logging.getLogger(__name__)

_ROUNDS = 5
"""A second one is needed only where others write what has expired at the same time."""
HOUSEKEEPING: frozenset[ExpiredArea] = frozenset({"superseded", "incomplete"})
"""What readers never see: it is deleted also where a feed's data is kept for good."""


def cutoffs(feed: Feed, *, now: datetime) -> Cutoffs:
    """Return the start of the first day that *feed* keeps, for each area that expires."""
    retention = feed.retention or Retention(superseded=SUPERSEDED_KEPT)
    lengths: dict[ExpiredArea, timedelta | None] = {
        "parquet": retention.parquet,
        "json": retention.staged,
        "superseded": retention.superseded,
        "incomplete": LEFTOVER_AGE,
    }
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return {area: midnight - length for area, length in lengths.items() if length}


def find_expired(feed: Feed, *, now: datetime, storage: Storage) -> Iterator[Expired]:
    """Yield what has expired at *now*, one slice and date at a time; nothing is deleted."""
    before = cutoffs(feed, now=now)
    for area in before:
        if area == "superseded":
            found = superseded_sets.find(feed, before[area], storage=storage)
        elif area == "incomplete":
            found = leftovers.find(feed, before[area], storage=storage)
        else:
            days = expired_data.slice_days(feed, area, before, storage=storage)
            found = (day.find() for day in days)
        yield from (expired for expired in found if expired.objects)


def delete(
    feed: Feed,
    found: Iterable[Expired],
    *,
    now: datetime,
    storage: Storage,
    areas: Collection[ExpiredArea] | None = None,
) -> Iterator[Expired]:
    """Delete each of *found*, in *areas* or in all, and yield what was deleted; the rest as found.

    The manifests are marked first. A damaged manifest keeps what it names. Of a feed that is being
    cut again nothing is deleted: it is still read.
    """
    before = cutoffs(feed, now=now)
    if feed_record.is_regridding(feed.name, storage=storage):
        log.warning("retention.waits feed=%s: it is being cut again, see `regrid`", feed.name)
        return
    for expired in found:
        if areas is not None and expired.area not in areas:
            yield expired
            continue
        deleted = _delete(feed, expired, before, storage)
        where = expired.slice_day.path if expired.slice_day else "-"
        log.info(
            "retention.deleted what=%s slice_day=%s objects=%d bytes=%d",
            expired.area, where, len(deleted.objects), sum(deleted.objects.values()),
        )  # fmt: skip
        yield deleted


def _delete(feed: Feed, expired: Expired, before: Cutoffs, storage: Storage) -> Expired:
    cutoff = before[expired.area]
    if expired.area == "superseded":
        return superseded_sets.delete(expired, cutoff, storage=storage)
    if expired.area == "incomplete" or expired.slice_day is None:
        return leftovers.delete(expired, storage=storage)
    day = ExpiredDay(
        feed=feed,
        area=expired.area,
        slice_day=expired.slice_day,
        before=before,
        storage=storage,
    )
    manifests, objects = dict.fromkeys(expired.manifests), dict[str, int]()
    for _ in range(_ROUNDS):
        deleted = day.delete()
        # What came back meanwhile, fetched or compacted by others, has expired as well.
        manifests |= dict.fromkeys(deleted.manifests)
        objects |= deleted.objects
        if not deleted.manifests and not deleted.objects:
            break
    return replace(expired, manifests=tuple(manifests), objects=objects)


def totals(feed: Feed, expired: Iterable[Expired], *, now: datetime) -> list[ExpiredTotal]:
    """Return the sums for each area of *feed* that expires; of housekeeping where there is any."""
    before = cutoffs(feed, now=now)
    counts = {area: [0, 0, 0] for area in before}
    for entry in expired:
        windows = [key for key in entry.manifests if not layout.is_day_manifest(key)]
        counts[entry.area][0] += len(windows)
        counts[entry.area][1] += len(entry.objects)
        counts[entry.area][2] += sum(entry.objects.values())
    return [
        ExpiredTotal(
            feed=feed.name,
            area=area,
            before=cutoff.date(),
            windows=counts[area][0],
            objects=counts[area][1],
            bytes=counts[area][2],
        )
        for area, cutoff in before.items()
        if area not in HOUSEKEEPING or counts[area][1]
    ]
