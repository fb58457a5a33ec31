"""What an audit finds is repaired from the staged JSON or from the source, and nothing else is."""

from __future__ import annotations

import json

import pytest
from pyarrow import parquet as pq

from include.ticklake import __main__ as command_line
from include.ticklake.feed import plan
from include.ticklake.lake import layout, manifest, read
from include.ticklake.lake.layout import Area
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import audit, compact, repair
from include.ticklake.maintain.audit import Finding
from include.ticklake.model.failed_units import FailedUnits
from include.ticklake.model.unit import Unit
from tests.support import lake_factory
from tests.support.lake_factory import BTC, BUDGET, DAY, FEED
from tools import trades


@pytest.fixture(scope="module")
def table():
    """A day of trades."""
    return lake_factory.day_of_trades(1_000)


@pytest.fixture
def lake(tmp_path, table) -> Storage:
    """A day in hourly files, nothing wrong with it."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    lake_factory.ingest_day(storage, table)
    return storage


@pytest.fixture
def argv(lake, tmp_path, monkeypatch) -> list[str]:
    """The command that audits the day and repairs it."""
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    described = FEED.model_dump(mode="json", by_alias=True, exclude_unset=True)
    described.pop("name")
    (feeds / "trades.yaml").write_text(json.dumps(described))
    monkeypatch.setenv("TICKLAKE_FEEDS", str(feeds))
    day = ["--start", "2026-11-22", "--end", "2026-11-23"]
    return ["audit", "trades", *day, "--root", lake.root_uri, "--repair"]


def findings(storage: Storage) -> list[Finding]:
    units = plan.plan_units(FEED, start=DAY.start, end=DAY.end)
    return list(audit.audit(FEED, units, storage=storage, budget=BUDGET))


def repair_all(storage: Storage, base_url: str | None = None) -> list[Unit]:
    """The units that were repaired; none fails."""
    failed = FailedUnits()
    units = repair.repair(
        FEED, findings(storage), storage=storage, budget=BUDGET, failed=failed, base_url=base_url
    )
    assert not failed
    return units


def spoil(storage: Storage, key: str) -> None:
    """Leave the first row out of a Parquet file."""
    rows = pq.read_table(storage.local_path(key), partitioning=None)
    pq.write_table(rows.slice(1), storage.local_path(key))


@pytest.mark.parametrize("whole_day", [False, True], ids=["hourly files", "a compacted day"])
def test_broken_parquet_is_converted_again(lake, table, whole_day):
    """Afterwards there is nothing to find, and every row is there."""
    if whole_day:
        compact.compact(FEED, BTC, DAY, storage=lake, budget=BUDGET)
    for key in list(lake.list(Area.PARQUET))[:2]:
        spoil(lake, key)
    units = repair_all(lake)
    assert len(units) == (24 if whole_day else 2)
    assert findings(lake) == []
    assert read.table(FEED, storage=lake).num_rows == table.num_rows


def test_a_broken_part_is_fetched_again(lake, table, http_server):
    """From the source, then converted; its neighbours are left alone."""
    window = lake_factory.hour(5)
    key = layout.manifest_key(FEED.name, BTC, window)
    part = manifest.read(key, storage=lake).json.parts[0]
    lake.delete(part.key)
    before = {name: lake.read(name) for name in lake.list("") if window.name not in name}
    rows = trades.text(lake_factory.of_hour(table, window)).to_pylist()
    http_server.answer("/api/v3/aggTrades", f"[{','.join(rows)}]".encode())
    [unit] = repair_all(lake, base_url=http_server.url)
    assert unit.window == window
    assert findings(lake) == []
    assert {name: lake.read(name) for name in before} == before


def test_an_orphan_is_left_alone(lake):
    """Someone may need it."""
    key = f"{layout.window_folder(Area.PARQUET, FEED.name, BTC, DAY)}/notes.parquet"
    lake.put(key, b"x")
    assert repair_all(lake) == []
    assert lake.exists(key)


def test_the_command_ends_with_0_when_everything_is_repaired(lake, argv, capsys):
    """What it found is printed all the same."""
    spoil(lake, next(iter(lake.list(Area.PARQUET))))
    assert command_line.main(argv) == 0
    printed = capsys.readouterr()
    assert "parquet_broken" in printed.out
    assert "not repaired" not in printed.err
    assert command_line.main(argv) == 0


def test_the_command_ends_with_4_when_something_is_left(lake, argv, capsys):
    """And names it."""
    spoil(lake, next(iter(lake.list(Area.PARQUET))))
    lake.put(f"{layout.window_folder(Area.PARQUET, FEED.name, BTC, DAY)}/notes.parquet", b"x")
    assert command_line.main(argv) == 4
    lines = [line for line in capsys.readouterr().err.splitlines() if "not repaired" in line]
    assert len(lines) == 1
    assert "orphan" in lines[0]
