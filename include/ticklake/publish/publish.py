"""Publishing what other programs find without listing the lake.

That is each slice's ``latest.json``, the summary that the page shows and, where
``TICKLAKE_ICEBERG`` is set, a commit to the feed's Iceberg table.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from include.ticklake.errors import UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import feed_record
from include.ticklake.lake.layout import SliceDay
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.summary import StepRun
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.publish import latest, summary
from include.ticklake.settings import Settings


def publish(
    feed: Feed,
    units: Collection[Unit],
    *,
    storage: Storage,
    settings: Settings,
    env: Mapping[str, str],
    runs: Collection[StepRun] = (),
) -> dict[str, int | str]:
    """Publish *units* and return counts; *env* has the credentials of the catalog (``AWS_*``).

    *runs* say what memory the steps took that made the units.
    """
    feed_record.check(feed, storage=storage)
    counts: dict[str, int | str] = {}
    if settings.latest_rows:
        windows: dict[Slice, Window | None] = {}
        for unit in units:
            windows[unit.slice] = None if unit.slice in windows else unit.window
        counts["latest_slices"] = latest.publish(
            feed,
            windows,
            storage=storage,
            max_rows=settings.latest_rows,
            changed={slice_: window for slice_, window in windows.items() if window},
        )
    summary.publish(feed, units, storage=storage, runs=runs)
    slice_days = {SliceDay(unit.slice, unit.window.start.date()) for unit in units}
    return counts | commit(feed, slice_days, storage=storage, settings=settings, env=env)


def commit(
    feed: Feed,
    slice_days: Collection[SliceDay],
    *,
    storage: Storage,
    settings: Settings,
    env: Mapping[str, str],
) -> dict[str, int | str]:
    """Update the Iceberg table to the files of *slice_days*; do nothing where it is off."""
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
        result = iceberg.sync(feed, slice_days, storage=storage, catalog=catalog)
    return {
        "iceberg_added": result.added_files,
        "iceberg_removed": result.removed_files,
        # As text: it has more digits than a double, and this goes into JSON.
        "iceberg_snapshot": str(result.snapshot_id or ""),
    }
