"""Objects of the lake that no manifest names are found."""

from __future__ import annotations

import pytest

from include.ticklake.lake.storage import Storage
from include.ticklake.maintain.orphans import orphans
from tests.support import lake_factory
from tests.support.lake_factory import BTC, DAY, FEED


@pytest.fixture
def lake(tmp_path) -> Storage:
    """One hour of trades."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest(storage, lake_factory.day_of_trades(300), lake_factory.hour(3))
    return storage


@pytest.mark.parametrize("area", ["json", "parquet", "late", "quarantine"])
def test_an_object_that_no_manifest_names_is_an_orphan(lake, area):
    """In any area, on the dates asked for."""
    folder = f"{area}/trades/symbol=BTCUSDT"
    lake.put(f"{folder}/date=2026-11-22/leftover", b"x")
    lake.put(f"{folder}/date=2026-11-23/leftover", b"x")
    found = list(orphans(FEED, BTC, {DAY.start.date()}, storage=lake))
    assert found == [f"{folder}/date=2026-11-22/leftover"]


def test_what_a_manifest_names_is_no_orphan(lake):
    """A part and a Parquet file."""
    assert list(orphans(FEED, BTC, {DAY.start.date()}, storage=lake)) == []
