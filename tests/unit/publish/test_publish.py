"""Publishing updates what other programs find without a listing."""

from __future__ import annotations

import sys

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.lake import layout, summary
from include.ticklake.lake.layout import SliceDay
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.summary import StepRun
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.publish import publish
from include.ticklake.settings import Settings
from tests.support import lake_factory
from tests.support.lake_factory import BTC, FEED

ETH = Slice.of({"symbol": "ETHUSDT"})

RUN = StepRun(
    at_ms=1, dag_id="ingest", run_id="r", step="convert", peak_bytes=7, cap_bytes=9, rows=3,
    units=2,
)  # fmt: skip


@pytest.fixture
def lake(tmp_path) -> Storage:
    """Two hours of one slice."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    table = lake_factory.day_of_trades(300)
    for number in (3, 4):
        lake_factory.ingest(storage, table, lake_factory.hour(number))
    return storage


def test_each_slice_of_the_units_gets_its_newest_records(lake):
    """Once, however many units it has; a slice without records gets none."""
    units = [Unit(slice_, lake_factory.hour(n)) for slice_ in (BTC, ETH) for n in (3, 4)]
    counts = publish.publish(FEED, units, storage=lake, settings=Settings(), env={})
    assert counts == {"latest_slices": 1}
    assert list(lake.list("latest")) == [layout.latest_key(FEED.name, BTC)]
    assert list(lake.list("iceberg")) == []


def test_only_the_summary_is_written_where_all_is_off(lake):
    """``TICKLAKE_LATEST_ROWS=0`` and no ``TICKLAKE_ICEBERG``."""
    before = list(lake.list(""))
    units = [Unit(BTC, lake_factory.hour(3))]
    settings = Settings(latest_rows=0)
    assert publish.publish(FEED, units, storage=lake, settings=settings, env={}, runs=[RUN]) == {}
    added = sorted(set(lake.list("")).difference(before))
    assert added == [summary.year_key(FEED.name, BTC, 2026), summary.feed_key(FEED.name)]
    known = summary.read_feed(FEED.name, storage=lake)
    assert known is not None
    assert known.runs == (RUN,)


def test_without_pyiceberg_the_error_says_what_to_install(lake, monkeypatch):
    """Only where it is switched on."""
    monkeypatch.delitem(sys.modules, "include.ticklake.publish.iceberg", raising=False)
    monkeypatch.setitem(sys.modules, "pyiceberg.catalog", None)
    monkeypatch.delattr("include.ticklake.publish.iceberg", raising=False)
    days = [SliceDay(BTC, lake_factory.DAY.start.date())]
    settings = Settings(iceberg="sqlite")
    with pytest.raises(UsageError, match=r"pip install -r requirements-iceberg\.txt"):
        publish.commit(FEED, days, storage=lake, settings=settings, env={})
