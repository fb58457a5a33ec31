"""The works of a run in, what readers find of them without a listing out.

Each slice's ``latest.json``, and, where ``TICKLAKE_ICEBERG`` is set, a commit to the feed's
Iceberg table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.layout import SliceDay
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit
from include.ticklake.publish import latest
from include.ticklake.settings import Settings


def publish(
    feed: Feed,
    works: Collection[Unit],
    *,
    storage: Storage,
    settings: Settings,
    env: Mapping[str, str],
) -> dict[str, int | str]:
    """Renew both for *works*; what was done, as counts. *env* opens the catalog (``AWS_*``)."""
    done: dict[str, int | str] = {}
    if settings.latest_rows:
        pieces = dict.fromkeys(work.slice for work in works)
        done["latest_slices"] = latest.publish(
            feed, pieces, storage=storage, max_rows=settings.latest_rows
        )
    units = {SliceDay(work.slice, work.window.start.date()) for work in works}
    return done | commit(feed, units, storage=storage, settings=settings, env=env)


def commit(
    feed: Feed,
    units: Collection[SliceDay],
    *,
    storage: Storage,
    settings: Settings,
    env: Mapping[str, str],
) -> dict[str, int | str]:
    """Bring the Iceberg table to what the folder holds of *units*; nothing where it is off."""
    if not settings.iceberg:
        return {}
    try:
        from include.ticklake.publish import iceberg
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"TICKLAKE_ICEBERG is set, but {missing.name} is not installed: "
            "pip install -r requirements-iceberg.txt"
        ) from None
    with iceberg.catalog(settings.iceberg, storage=storage, env=env) as catalog:
        done = iceberg.sync(feed, units, storage=storage, catalog=catalog)
    return {
        "iceberg_added": done.added_files,
        "iceberg_removed": done.removed_files,
        # More digits than a double has, and this goes into JSON.
        "iceberg_snapshot": str(done.snapshot_id or ""),
    }
