"""`regrid FEED` cuts a lake again from its staged JSON: every record once, nothing asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyarrow import dataset as ds

from include.ticklake.lake import layout, manifest
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window
from tests.support.rows_lake import RowsLake, record
from tests.support.servers.http import HttpServer

DAY = ("--start", "2026-11-22", "--end", "2026-11-23")
DAY_22 = Window.parse("20261122T000000Z-20261123T000000Z")
BTC = Slice.of({"symbol": "BTC"})
SOURCE = {"path": "/rows", "params": {"symbol": "{symbol}"}}
HOUR_MS = 3_600_000
FEED: dict[str, Any] = {
    "source": SOURCE,
    "slices": {"symbol": ["BTC"]},
    "may_be_outside": True,
    "limits": {"max_bad_share": 1.0},
}


@pytest.fixture
def lake(tmp_path: Path, http_server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> RowsLake:
    """A day of hours in one slice: records in four of them, one of which is quarantined."""
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    made = RowsLake(tmp_path, http_server)
    made.describe(**FEED)
    made.send(
        record(1, "1.5"),
        record(HOUR_MS, "2.5"),
        record(3 * HOUR_MS, "3.5"),
        record(3 * HOUR_MS + 1, '"no price"'),
        record(5 * HOUR_MS, "4.5"),
    )
    assert made.ingest(*DAY) == 0
    return made


IDS = [1, HOUR_MS, 3 * HOUR_MS, 5 * HOUR_MS]


def in_folder(lake: RowsLake) -> list[int]:
    """The ids that a reader of the Parquet folder sees."""
    keys = list(lake.storage.list("parquet"))
    dataset = ds.dataset([lake.storage.local_path(key) for key in keys], format="parquet")
    return sorted(dataset.to_table(columns=["id"])["id"].to_pylist())


def assert_whole(lake: RowsLake) -> None:
    """Every record is there once, to every reader, and the audit has nothing to say."""
    assert sorted(lake.column("id")) == IDS
    assert in_folder(lake) == IDS
    assert len(lake.quarantined()) == 1
    lake.server.asked.clear()
    assert lake.run("audit", *DAY) == 0
    assert lake.server.asked == []


@pytest.mark.parametrize("is_compacted", [False, True], ids=["hours", "a compacted day"])
@pytest.mark.parametrize("window", ["1d", "15m", "12h", "2h"])
def test_windows_of_another_length_hold_every_record_once(lake, window, is_compacted):
    """Without a request to the source; and back again."""
    if is_compacted:
        assert lake.run("compact", *DAY) == 0
    lake.server.asked.clear()
    lake.describe(window=window, **FEED)
    assert lake.run("regrid") == 0
    assert lake.server.asked == []
    assert sorted(lake.column("id")) == IDS
    assert in_folder(lake) == IDS
    lake.describe(**FEED)
    assert lake.run("audit", *DAY) == 2
    assert lake.run("regrid") == 0
    assert lake.server.asked == []
    assert_whole(lake)


def test_windows_that_reach_beyond_what_is_there_are_unfinished(lake, capsys):
    """A week of which one day was fetched: it holds every record, and is fetched again."""
    lake.describe(window="1w", **FEED)
    assert lake.run("regrid") == 0
    assert sorted(lake.column("id")) == IDS
    assert in_folder(lake) == IDS
    capsys.readouterr()
    lake.run("audit", *DAY)
    assert "unfinished_window" in capsys.readouterr().out


def test_the_windows_that_were_are_kept_as_superseded_until_they_expire(lake):
    """Their parts are there, named by the manifests that had them."""
    hour = Window.parse("20261122T050000Z-20261122T060000Z")
    key = layout.manifest_key("rows", BTC, hour)
    before = manifest.read(key, storage=lake.storage)
    assert before
    lake.describe(window="1d", **FEED)
    assert lake.run("regrid") == 0
    after = manifest.read(key, storage=lake.storage)
    assert after
    assert (after.json.parts, after.parquet) == ((), None)
    [old] = after.superseded
    assert old.json == before.json
    assert all(lake.storage.exists(part.key) for part in old.json.parts)
    assert lake.storage.exists(layout.superseded_key("rows", BTC, hour))


def test_a_day_that_equals_a_window_is_compacted_again_afterwards(lake):
    """Window: 1d and back to 1h: neither overwrites the other's file, nor orphans one."""
    assert lake.run("compact", *DAY) == 0
    for window in ("1d", "1h"):
        lake.describe(window=window, **FEED)
        assert lake.run("regrid") == 0
        assert sorted(lake.column("id")) == IDS
        assert in_folder(lake) == IDS
    assert lake.run("compact", *DAY) == 0
    assert_whole(lake)
    assert list(lake.storage.list("parquet")) == [layout.parquet_key("rows", BTC, DAY_22)]


def test_names_of_slices_are_changed_where_the_call_says_how(lake, capsys):
    """The values stay; without `--renamed` the command says what is missing."""
    pair = FEED | {"source": SOURCE | {"params": {"symbol": "{pair}"}}, "slices": {"pair": ["BTC"]}}
    lake.describe(**pair)
    assert lake.run("regrid") == 2
    assert "`--renamed OLD=pair`" in capsys.readouterr().err
    assert lake.run("regrid", "--renamed", "symbol=pair") == 0
    assert_whole(lake)
    assert {key.split("/")[2] for key in lake.storage.list("parquet")} == {"pair=BTC"}


def test_a_name_that_is_added_gets_its_value_from_the_call(lake):
    """And one that is removed takes its value along."""
    two = FEED | {
        "source": SOURCE | {"params": {"symbol": "{symbol}", "side": "{side}"}},
        "slices": {"side": ["bid"], "symbol": ["BTC"]},
    }
    lake.describe(**two)
    assert lake.run("regrid", "--value", "side=bid") == 0
    assert_whole(lake)
    lake.describe(**FEED)
    assert lake.run("regrid") == 0
    assert_whole(lake)


def test_slices_that_would_become_one_are_refused(lake, capsys):
    """Which of two records with one key is right, nobody can know."""
    lake.describe(**FEED | {"slices": {"symbol": ["BTC", "ETH"]}})
    assert lake.ingest(*DAY) == 0
    before = {key: lake.storage.read(key) for key in lake.storage.list("")}
    lake.describe(may_be_outside=True)
    assert lake.run("regrid") == 2
    assert "slices symbol=BTC and symbol=ETH of the lake would both be all" in (
        capsys.readouterr().err
    )
    assert {key: lake.storage.read(key) for key in lake.storage.list("")} == before


def test_windows_whose_json_has_expired_are_named_and_nothing_changes(lake, capsys):
    """`regrid` says which windows, and what is safe."""
    lake.describe(**FEED | {"retention": {"json": "1d"}})
    assert lake.run("retention", "--delete") == 0
    before = {key: lake.storage.read(key) for key in lake.storage.list("")}
    capsys.readouterr()
    lake.describe(window="1d", **FEED)
    assert lake.run("regrid") == 2
    error = capsys.readouterr().err
    assert "the JSON of 4 windows, from 20261122T050000Z-20261122T060000Z to " in error
    assert "nothing was changed. Undo the change to the feed's file, or give the feed" in error
    assert {key: lake.storage.read(key) for key in lake.storage.list("")} == before
    lake.describe(**FEED)
    assert sorted(lake.column("id")) == IDS


def test_a_lake_that_is_cut_so_already_is_left_alone(lake):
    before = {key: lake.storage.read(key) for key in lake.storage.list("")}
    assert lake.run("regrid") == 0
    assert {key: lake.storage.read(key) for key in lake.storage.list("")} == before


def test_a_window_that_was_not_fetched_as_a_whole_is_unfinished(lake, capsys):
    """Of the next day one hour is there: its day is fetched again, and the audit says so."""
    next_hour = ("--start", "2026-11-23T00:00Z", "--end", "2026-11-23T01:00Z")
    lake.send(record(19 * HOUR_MS + 5, "9.5"))
    assert lake.ingest(*next_hour) == 0
    lake.describe(window="1d", **FEED)
    assert lake.run("regrid") == 0
    assert sorted(lake.column("id")) == [*IDS, 19 * HOUR_MS + 5]
    assert lake.run("audit", *DAY) == 0
    capsys.readouterr()
    lake.run("audit", "--start", "2026-11-23", "--end", "2026-11-24")
    assert "unfinished_window" in capsys.readouterr().out
