"""The ranges of a day's files: only its own manifests are asked."""

from __future__ import annotations

import pytest

from include.ticklake.errors import CorruptManifestError
from include.ticklake.lake import layout
from include.ticklake.lake.day_ranges import raise_corrupt, ranges_of_days
from include.ticklake.lake.layout import Area, SliceDay
from include.ticklake.lake.storage import Storage
from tests.support import lake_factory

DAY = SliceDay(lake_factory.BTC, lake_factory.DAY.start.date())


def ranges(storage: Storage, keys: list[str], on_corrupt=raise_corrupt):
    """The ranges of the day whose manifests are at *keys*."""
    folder = layout.day_folder(Area.PARQUET, "trades", DAY)
    return ranges_of_days(
        lake_factory.FEED, {DAY: keys}, storage=storage, start=None, end=None, folders=[folder],
        on_corrupt=on_corrupt,
    )  # fmt: skip


def test_a_day_is_the_files_that_its_manifests_name(tmp_path):
    """In the order of time; a damaged one is raised, or handed over and left out."""
    storage = Storage.open(f"file://{tmp_path}", {})
    table = lake_factory.day_of_trades(300)
    made = [lake_factory.ingest(storage, table, lake_factory.hour(n)) for n in (3, 2)]
    keys = [manifest.key for manifest in made]
    assert [r.key for r in ranges(storage, keys)] == [m.parquet.key for m in reversed(made)]
    storage.put(keys[0], b"{")
    with pytest.raises(CorruptManifestError):
        ranges(storage, keys)
    errors: list[Exception] = []
    assert [r.key for r in ranges(storage, keys, errors.append)] == [made[1].parquet.key]
    assert len(errors) == 1
