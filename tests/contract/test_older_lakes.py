"""A lake that an older version made is read, audited, compacted and expired by this one.

``lakes/b0cc931.tar.gz`` was made by the code of that commit from its own replay
(``--trades-per-hour 20 --now 2026-11-24T00:00:00Z``):

* ``binance_agg_trades``, BTCUSDT, with ``price`` as decimal(16,8): two hours of 2026-11-20, whose
  JSON its ``retention --delete`` removed, and the 24 hours of 2026-11-22, compacted. Then hour 5
  was converted again with ``price`` as it is now, so that its Parquet is pending.
* ``binance_klines``, BTCUSDT 1m: two hours of 2026-11-22.
* ``gemini_trades``, btcusd, with ``amount`` as decimal(10,10) and ``max_bad_share: 1``: two hours
  of 2026-11-22, of whose records six do not fit.
"""

from __future__ import annotations

import tarfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from include.ticklake.convert.budget import budget_for
from include.ticklake.convert.convert import convert
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.plan import plan_units
from include.ticklake.feed.retention import Retention
from include.ticklake.lake import day_manifest, files, layout, manifest, read, staged_windows
from include.ticklake.lake.layout import Area, SliceDay
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import expire
from include.ticklake.maintain.audit import Finding, audit
from include.ticklake.maintain.compact import compact
from include.ticklake.maintain.retry_quarantine import retry_quarantine
from include.ticklake.model.sizes import MIB
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, parse_instant
from tests.support import manifests

LAKE = Path(__file__).parent / "lakes" / "b0cc931.tar.gz"
BUDGET = budget_for(128 * MIB)

BTC = Slice.of({"symbol": "BTCUSDT"})
CANDLES = Slice.of({"symbol": "BTCUSDT", "interval": "1m"})
GEMINI = Slice.of({"symbol": "btcusd"})
EARLIER = Window.parse("20261120T000000Z-20261120T020000Z")
DAY = Window.parse("20261122T000000Z-20261123T000000Z")
NIGHT = Window.parse("20261122T000000Z-20261122T020000Z")


@pytest.fixture
def lake(tmp_path) -> Storage:
    """The lake itself: each test may change it."""
    with tarfile.open(LAKE) as packed:
        packed.extractall(tmp_path, filter="data")
    return Storage.open(f"file://{tmp_path}/lake", {})


def trades() -> Feed:
    return loader.load("binance_agg_trades")


def narrow_gemini() -> Feed:
    """Gemini's trades as they were described when the lake was made."""
    feed = loader.load("gemini_trades")
    amount = feed.fields["amount"].model_copy(update={"type": "decimal(10,10)"})
    limits = feed.limits.model_copy(update={"max_bad_share": 1.0})
    return feed.model_copy(update={"fields": feed.fields | {"amount": amount}, "limits": limits})


def units(feed: Feed, slice_: Slice, window: Window) -> list[Unit]:
    return list(plan_units(feed, start=window.start, end=window.end, slices=[slice_]))


def findings(feed: Feed, slice_: Slice, window: Window, lake: Storage) -> list[Finding]:
    return list(audit(feed, units(feed, slice_, window), storage=lake, budget=BUDGET))


def all_quiet(lake: Storage, *, gemini: Feed | None = None) -> None:
    """The audit of everything finds nothing."""
    for feed, slice_, window in [
        (trades(), BTC, EARLIER),
        (trades(), BTC, DAY),
        (loader.load("binance_klines"), CANDLES, NIGHT),
        (gemini or narrow_gemini(), GEMINI, NIGHT),
    ]:
        assert findings(feed, slice_, window, lake) == []


def rows(feed: Feed, lake: Storage, **chosen: object) -> list[dict[str, object]]:
    return read.table(feed, storage=lake, **chosen).to_pylist()


def test_an_older_lake_is_read(lake):
    """Each row once: of days that are compacted, of a pending window, of what retention left."""
    prices = rows(trades(), lake)
    assert len(prices) == len({row["agg_trade_id"] for row in prices}) == 26 * 20
    assert all(isinstance(row["price"], Decimal) for row in prices)
    hour = {"start": parse_instant("2026-11-22T05:00"), "end": parse_instant("2026-11-22T06:00")}
    assert len(rows(trades(), lake, **hour)) == 20
    assert len(rows(loader.load("binance_klines"), lake)) == 120
    assert len(rows(narrow_gemini(), lake)) == 34


def test_an_older_lake_has_a_pending_window(lake):
    """Or the other tests would not show how it is read."""
    ranges = files.manifest_files(trades(), storage=lake, start=DAY.start, end=DAY.end)
    [pending] = [one for one in ranges if one.key.startswith(f"{Area.PENDING}/")]
    assert layout.parse(pending.key).window.name == "20261122T050000Z-20261122T060000Z"
    in_folder = files.folder_files(trades(), SliceDay(BTC, DAY.start.date()), storage=lake)
    assert [(file.key, file.rows) for file in in_folder] == [
        (layout.parquet_key("binance_agg_trades", BTC, DAY), 480)
    ]


def test_manifests_are_written_as_the_older_code_wrote_them(lake):
    """Byte for byte: so the two versions may run side by side on one lake."""
    keys = list(lake.list(Area.MANIFESTS))
    assert len(keys) == 31
    for key in keys:
        before = lake.read(key)
        if layout.is_day_manifest(key):
            day, version = day_manifest.read_versioned(key, storage=lake)
            day_manifest.write(day, storage=lake, expect=version)
        else:
            manifests.put(manifest.read(key, storage=lake), storage=lake)
        assert lake.read(key) == before


def test_the_audit_of_an_older_lake_is_quiet(lake):
    """Every part and file is what its manifest says, and every object is named."""
    all_quiet(lake)


def test_an_older_lake_is_compacted_again(lake):
    """The pending window moves into its day's file."""
    before = rows(trades(), lake)
    done = compact(trades(), BTC, DAY, storage=lake, budget=BUDGET)
    assert (done.rows, done.skipped) == (480, None)
    assert list(lake.list(Area.PENDING)) == []
    assert rows(trades(), lake) == before
    all_quiet(lake)


def test_an_older_lake_is_rebuilt(lake):
    """From its staged JSON, the compacted day as well; what has none is left as it was."""
    before = rows(trades(), lake)
    keys = [
        layout.manifest_key(feed.name, unit.slice, unit.window)
        for feed, slice_, window in [
            (trades(), BTC, EARLIER),
            (trades(), BTC, DAY),
            (loader.load("binance_klines"), CANDLES, NIGHT),
        ]
        for unit in units(feed, slice_, window)
    ]
    staged = staged_windows.find_staged(keys, storage=lake)
    assert len(keys) - len(staged) == 2
    for key in staged:
        feed = loader.load(layout.parse_manifest(key).feed)
        convert(key, feed=feed, storage=lake, budget=BUDGET)
    assert rows(trades(), lake) == before
    all_quiet(lake)


def test_quarantined_records_of_an_older_lake_are_retried(lake):
    """With a column that is wide enough they are in the Parquet."""
    feed = loader.load("gemini_trades")
    done = list(retry_quarantine(feed, units(feed, GEMINI, NIGHT), storage=lake, budget=BUDGET))
    assert [(one.before_rows, one.after_rows, one.skipped) for one in done] == [
        (1, 0, None),
        (5, 0, None),
    ]
    assert list(lake.list(Area.QUARANTINE)) == []
    assert len(rows(feed, lake)) == 40
    all_quiet(lake, gemini=feed)


def test_an_older_lake_expires(lake):
    """JSON and Parquet, of compacted days and pending windows as well."""
    retention = Retention.model_validate({"json": "1d", "parquet": "1d"})
    feed = trades().model_copy(update={"retention": retention})
    now = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(days=2)
    objects = [
        key
        for area in (Area.JSON, Area.PARQUET, Area.PENDING)
        for key in lake.list(layout.feed_folder(area, feed.name))
    ]
    found = expire.find_expired(feed, now=now, storage=lake)
    expired = list(expire.delete(feed, found, now=now, storage=lake))
    assert sorted(key for entry in expired for key in entry.objects) == sorted(objects)
    assert rows(feed, lake) == []
    all_quiet(lake)
