"""An audit reads the data itself: it finds every planted fault, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable

import pyarrow.compute as pc
import pytest
from pyarrow import parquet as pq

from include.ticklake import __main__ as command_line
from include.ticklake.convert.convert import convert
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.layout import Area
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import audit, compact
from include.ticklake.model.unit import Unit
from tests.support import lake_factory
from tools import trades

ETH = lake_factory.Slice.of({"symbol": "ETHUSDT"})


@pytest.fixture(scope="module")
def table():
    """A day of trades."""
    return lake_factory.day_of_trades(3_000)


@pytest.fixture
def lake(tmp_path, table) -> Storage:
    """A day in hourly files, nothing wrong with it."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest_day(storage, table)
    return storage


def findings(storage: Storage, feed: Feed = lake_factory.FEED) -> list[audit.Finding]:
    units = plan.plan_units(feed, start=lake_factory.DAY.start, end=lake_factory.DAY.end)
    return list(audit.audit(feed, units, storage=storage, budget=lake_factory.BUDGET))


def kinds(storage: Storage) -> list[tuple[str, int]]:
    """Kind and hour of each finding."""
    return [(finding.kind, int(finding.window[9:11])) for finding in findings(storage)]


def at_hour(storage: Storage, number: int) -> manifest.Manifest:
    key = layout.manifest_key(lake_factory.FEED.name, lake_factory.BTC, lake_factory.hour(number))
    return manifest.read(key, storage=storage)


def lose_window(storage: Storage, _table) -> None:
    made = at_hour(storage, 5)
    for key in (made.key, made.parquet.key, made.json.parts[0].key):
        storage.delete(key)


def lose_ids(storage: Storage, table) -> None:
    gone = lake_factory.of_hour(table, lake_factory.hour(5))["a"][7].as_py()
    lake_factory.ingest(storage, table.filter(pc.not_equal(table["a"], gone)), lake_factory.hour(5))


def double_a_file(storage: Storage, _table) -> None:
    key = at_hour(storage, 5).parquet.key
    storage.put(key.replace(".parquet", ".copy.parquet"), storage.read(key))


def truncate_a_part(storage: Storage, _table) -> None:
    key = at_hour(storage, 5).json.parts[0].key
    storage.put(key, storage.read(key)[:-40])


def lose_a_part(storage: Storage, _table) -> None:
    storage.delete(at_hour(storage, 5).json.parts[0].key)


def change_a_parquet(storage: Storage, _table) -> None:
    path = storage.local_path(at_hour(storage, 5).parquet.key)
    rows = pq.read_table(path, partitioning=None)
    pq.write_table(rows.slice(0, rows.num_rows - 1), path)


def lose_a_parquet(storage: Storage, _table) -> None:
    storage.delete(at_hour(storage, 5).parquet.key)


def leave_unconverted(storage: Storage, table) -> None:
    lines = trades.text(lake_factory.of_hour(table, lake_factory.hour(5))).to_pylist()
    lake_factory.stage(storage, [line.replace('"M":true', '"M":false') for line in lines],
                window=lake_factory.hour(5))  # fmt: skip


def double_a_record(storage: Storage, table) -> None:
    lines = trades.text(lake_factory.of_hour(table, lake_factory.hour(5))).to_pylist()
    made = lake_factory.stage(storage, [lines[0], *lines], window=lake_factory.hour(5))
    convert(made.key, feed=lake_factory.FEED, storage=storage, budget=lake_factory.BUDGET)


FAULTS = [
    pytest.param(lose_window, ["missing_window"], id="a missing window"),
    pytest.param(lose_ids, ["gap"], id="a gap in ids"),
    pytest.param(double_a_file, ["orphan"], id="a doubled file"),
    pytest.param(truncate_a_part, ["part_broken"], id="a truncated part"),
    pytest.param(lose_a_part, ["part_broken"], id="a lost part"),
    pytest.param(change_a_parquet, ["parquet_broken"], id="a changed Parquet"),
    pytest.param(lose_a_parquet, ["parquet_broken"], id="a lost Parquet"),
    pytest.param(leave_unconverted, ["not_converted"], id="JSON newer than its Parquet"),
    pytest.param(double_a_record, ["duplicate"], id="a doubled record"),
]


def test_nothing_is_found_in_a_sound_lake(lake):
    """Neither before nor after compaction."""
    assert findings(lake) == []
    compact.compact(
        lake_factory.FEED,
        lake_factory.BTC,
        lake_factory.DAY,
        storage=lake,
        budget=lake_factory.BUDGET,
    )
    assert findings(lake) == []


@pytest.mark.parametrize(("plant", "wanted"), FAULTS)
def test_a_planted_fault_is_found_and_nothing_else(lake, table, plant, wanted):
    """In its own window, once."""
    plant(lake, table)
    assert kinds(lake) == [(kind, 5) for kind in wanted]


def test_faults_planted_together_are_all_found(lake, table):
    """In the windows in which they are."""
    storage = lake
    storage.delete(at_hour(storage, 2).key)
    for key in ("json", "parquet"):
        for name in list(storage.list(key)):
            if "T020000Z-" in name:
                storage.delete(name)
    lose_ids(storage, table)
    part = at_hour(storage, 9).json.parts[0].key
    storage.put(part, storage.read(part)[:-1])
    path = storage.local_path(at_hour(storage, 12).parquet.key)
    pq.write_table(pq.read_table(path, partitioning=None).slice(1), path)
    copy = at_hour(storage, 20).parquet.key
    storage.put(copy.replace("Z.", "Z.copy."), storage.read(copy))
    assert kinds(storage) == [
        ("missing_window", 2), ("gap", 5), ("part_broken", 9), ("parquet_broken", 12),
        ("orphan", 20),
    ]  # fmt: skip


def change_a_pending_parquet(storage: Storage) -> None:
    [key] = storage.list(layout.Area.PENDING)
    rows = pq.read_table(storage.local_path(key), partitioning=None)
    pq.write_table(rows.slice(1), storage.local_path(key))


def lose_a_pending_parquet(storage: Storage) -> None:
    [key] = storage.list(layout.Area.PENDING)
    storage.delete(key)


def leave_something_in(area: Area) -> Callable[[Storage], None]:
    """An object of the window that no manifest names: what a killed run may leave."""
    folder = layout.window_folder(
        area, lake_factory.FEED.name, lake_factory.BTC, lake_factory.hour(5)
    )
    return lambda storage: storage.put(f"{folder}/{lake_factory.hour(5).name}.0badc0de.x", b"x")


PENDING_FAULTS = [
    pytest.param(change_a_pending_parquet, [("parquet_broken", 5)], id="a changed pending Parquet"),
    pytest.param(lose_a_pending_parquet, [("parquet_broken", 5)], id="a lost pending Parquet"),
    *(
        pytest.param(leave_something_in(area), [("orphan", 5)], id=f"an orphan in {area}")
        for area in (Area.JSON, Area.PARQUET, Area.PENDING, Area.QUARANTINE)
    ),
]


@pytest.mark.parametrize(("plant", "wanted"), PENDING_FAULTS)
def test_a_fault_of_a_pending_window_is_found_and_nothing_else(lake, table, plant, wanted):
    """The window at five was fetched again after its day was compacted."""
    compact.compact(
        lake_factory.FEED,
        lake_factory.BTC,
        lake_factory.DAY,
        storage=lake,
        budget=lake_factory.BUDGET,
    )
    dearer = table.set_column(table.schema.get_field_index("p"), "p", pc.add(table["p"], 1))
    lake_factory.ingest(lake, dearer, lake_factory.hour(5))
    assert findings(lake) == []
    plant(lake)
    assert kinds(lake) == wanted


def test_a_days_file_that_was_changed_is_findings(lake):
    """In each window in it: all of them must be converted again."""
    compact.compact(
        lake_factory.FEED,
        lake_factory.BTC,
        lake_factory.DAY,
        storage=lake,
        budget=lake_factory.BUDGET,
    )
    [key] = lake.list("parquet")
    rows = pq.read_table(lake.local_path(key), partitioning=None)
    pq.write_table(rows.slice(1), lake.local_path(key))
    assert kinds(lake) == [("parquet_broken", number) for number in range(24)]


def test_a_candle_that_is_not_there_is_a_hole(tmp_path):
    """The grid says how many there are, and where the first one is."""
    feed = Feed.model_validate(
        {
            "name": "candles",
            "source": {"kind": "http", "base_url": "https://a.example", "path": "/k/{symbol}"},
            "slices": {"symbol": ["BTCUSDT"]},
            "candle": "1m",
            "fields": {"open_time": {"from": "t", "type": "timestamp", "unit": "ms",
                                     "key": True, "event_time": True}},
        }
    )  # fmt: skip
    storage = Storage.open(f"file://{tmp_path}", {})
    window = lake_factory.hour(5)
    opens = [window.start_ms + 60_000 * n for n in range(60) if n not in (0, 17)]
    made = lake_factory.stage(storage, [f'{{"t":{t}}}' for t in opens], window=window, feed=feed)
    convert(made.key, feed=feed, storage=storage, budget=lake_factory.BUDGET)
    units = [Unit(lake_factory.BTC, window)]
    [hole] = audit.audit(feed, units, storage=storage, budget=lake_factory.BUDGET)
    assert hole.kind == "hole"
    assert hole.what.startswith("2 candles are missing, the first at 2026-11-22T05:00:00")


def test_windows_before_a_slices_first_are_not_missed(tmp_path, table):
    """The feed was not fetched yet; where nothing was ever fetched, nothing is missing."""
    storage = Storage.open(f"file://{tmp_path}", {})
    units = list(
        plan.plan_units(lake_factory.FEED, start=lake_factory.DAY.start, end=lake_factory.DAY.end)
    )
    assert list(audit.since_first(lake_factory.FEED, units, storage=storage)) == []
    lake_factory.ingest(storage, table, lake_factory.hour(20))
    kept = list(audit.since_first(lake_factory.FEED, units, storage=storage))
    assert [unit.window for unit in kept] == [lake_factory.hour(number) for number in range(20, 24)]
    other = plan.plan_units(
        lake_factory.FEED, start=lake_factory.DAY.start, end=lake_factory.DAY.end, slices=[ETH]
    )
    assert len(list(audit.since_first(lake_factory.FEED, other, storage=storage))) == 24


def test_the_command_line_ends_with_4_where_something_is_wrong(tmp_path, monkeypatch, capsys):
    """A line of JSON for each finding; 0 where there is none."""
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    described = lake_factory.FEED.model_dump(mode="json", by_alias=True, exclude_unset=True)
    described.pop("name")
    (feeds / "trades.yaml").write_text(json.dumps(described))
    monkeypatch.setenv("TICKLAKE_FEEDS", str(feeds))
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest(storage, lake_factory.day_of_trades(300), lake_factory.hour(3))
    argv = ["audit", "trades", "--json", "--root", storage.root_uri]
    assert (
        command_line.main([*argv, "--start", "2026-11-22T03:00", "--end", "2026-11-22T04:00"]) == 0
    )
    assert (
        command_line.main([*argv, "--start", "2026-11-22T03:00", "--end", "2026-11-22T05:00"]) == 4
    )
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["kind"] == "missing_window"
