"""Of a day that has expired everything goes but what somebody may count on."""

from __future__ import annotations

import pytest

from include.ticklake.lake import day_manifest, layout, manifest
from include.ticklake.lake.layout import Area
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import expire
from tests.support import half_days, lake_factory
from tests.support.half_days import DAY, EVENING, LATER, MORNING, OLD, retire, seen
from tests.support.memory_storage import memory_storage


@pytest.fixture
def lake() -> Storage:
    """A compacted day."""
    storage = memory_storage()
    half_days.ingest(storage, MORNING, [1, 2])
    half_days.ingest(storage, EVENING, [3])
    half_days.compact_day(storage)
    return storage


def test_the_day_s_manifest_is_marked_first(lake):
    """From then on only windows with a file of their own are there."""
    described = OLD.model_copy(update={"retention": half_days.Retention(parquet="1d")})
    [found] = expire.find_expired(described, now=LATER, storage=lake)
    assert [layout.is_day_manifest(key) for key in found.manifests] == [True, False, False]


def test_the_part_of_an_extraction_that_is_about_to_commit_stays(lake):
    """Its manifest has not passed its number; one that it has passed is a leftover."""
    parts = [
        layout.part_key(OLD.name, lake_factory.BTC, MORNING, number=number, sha256="ab" * 32)
        for number in (0, 7)
    ]
    for key in parts:
        lake.put(key, b"x")
    retire(lake, json="1d")
    assert list(lake.list(Area.JSON)) == [parts[1]]


def test_a_file_that_no_manifest_names_goes_with_its_day(lake):
    """A compaction or a conversion that was killed left it."""
    own_key = layout.parquet_key(OLD.name, lake_factory.BTC, MORNING)
    lake.put(own_key, b"x")
    retire(lake, parquet="1d")
    assert list(lake.list(Area.PARQUET)) == []


def test_what_a_damaged_manifest_names_is_kept_and_the_rest_goes(lake, caplog):
    """Its JSON is all that there is to repair it from."""
    key = layout.manifest_key(OLD.name, lake_factory.BTC, MORNING)
    [part] = manifest.read(key, storage=lake).json.parts
    lake.put(key, b"{")
    retire(lake, json="1d")
    assert list(lake.list(Area.JSON)) == [part.key]
    assert "retention.kept" in caplog.text


def test_a_damaged_manifest_of_a_day_keeps_its_parquet(lake):
    """Which windows are in the file is unknown."""
    [day] = day_manifest.read_all(OLD.name, storage=lake)
    lake.put(day.manifest_key, b"{")
    retire(lake, parquet="1d")
    assert list(lake.list(Area.PARQUET)) == [day.key]
    found = manifest.read(layout.manifest_key(OLD.name, lake_factory.BTC, MORNING), storage=lake)
    assert not found.parquet.removed


def test_a_day_that_was_only_announced_expires(lake):
    """A compaction that was killed before it published left no file."""
    [day] = day_manifest.read_all(OLD.name, storage=lake)
    version = lake.version(day.manifest_key)
    unpublished = day_manifest.CompactedDay.unpublished(OLD.name, lake_factory.BTC, DAY)
    day_manifest.write(unpublished, storage=lake, expect=version)
    retire(lake, parquet="1d", json="1d")
    assert (seen(lake), list(lake.list(Area.PARQUET))) == ([], [])
    [marked] = day_manifest.read_all(OLD.name, storage=lake)
    assert marked.removed
