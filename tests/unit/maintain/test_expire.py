"""What a feed need not keep any longer goes; accounts, readers and audits stay right."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc
import pytest

from include.ticklake import __main__ as command_line
from include.ticklake.convert.convert import convert
from include.ticklake.errors import UsageError
from include.ticklake.feed import plan
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.retention import Retention
from include.ticklake.lake import layout, manifest, read
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import audit, compact, expire
from include.ticklake.maintain.expired import ExpiredTotal
from include.ticklake.model.window import Window
from tests.support import lake_factory
from tests.support.crashing_storage import Crash, crashing
from tools.servers.s3 import Bucket

KEPT = {"schemas"}

LATER = lake_factory.DAY.end + timedelta(days=2, hours=5)
"""The day is over for two days: the third day after it has begun."""


@pytest.fixture(scope="module")
def table():
    """A day of trades."""
    return lake_factory.day_of_trades(600)


@pytest.fixture(
    scope="module", params=["hourly files", "a compacted day", "a window waits beside its day"]
)
def made(request, tmp_path_factory, table) -> Path:
    """The folder of a day."""
    folder = tmp_path_factory.mktemp("made")
    filled(Storage.open(f"file://{folder}", {}), table, request.param)
    return folder


@pytest.fixture
def lake(tmp_path, made) -> Storage:
    """A day of its own."""
    shutil.copytree(made, tmp_path / "lake")
    return Storage.open(f"file://{tmp_path}/lake", {})


def filled(storage: Storage, table, how: str) -> Storage:
    lake_factory.ingest_day(storage, table)
    if how != "hourly files":
        compact.compact(
            lake_factory.FEED,
            lake_factory.BTC,
            lake_factory.DAY,
            storage=storage,
            budget=lake_factory.BUDGET,
        )
    if how.startswith("a window"):
        at = table.schema.get_field_index("q")
        lake_factory.ingest(
            storage, table.set_column(at, "q", pc.add(table["q"], 1)), lake_factory.hour(20)
        )
    return storage


def keeping(**lengths: str) -> Feed:
    return lake_factory.FEED.model_copy(update={"retention": Retention.model_validate(lengths)})


def retired(storage: Storage, feed: Feed, now: datetime = LATER) -> list[ExpiredTotal]:
    found = expire.find_expired(feed, now=now, storage=storage)
    found = expire.delete(feed, found, now=now, storage=storage)
    return expire.totals(feed, found, now=now)


def rows(storage: Storage) -> int:
    return read.table(lake_factory.FEED, storage=storage).num_rows


def findings(storage: Storage) -> list[audit.Finding]:
    works = plan.plan_units(
        lake_factory.FEED, start=lake_factory.DAY.start, end=lake_factory.DAY.end
    )
    return list(audit.audit(lake_factory.FEED, works, storage=storage, budget=lake_factory.BUDGET))


def areas(storage: Storage) -> set[str]:
    """Those that retention is about, and the manifests."""
    return {key.partition("/")[0] for key in storage.list("")} - KEPT


def test_nothing_is_deleted_unless_it_is_asked_for(lake):
    """What would go is told, and what is told is what goes: its objects, its bytes."""
    before = lake.sizes("")
    feed = keeping(json="1d", parquet="2d")
    told = expire.totals(feed, expire.find_expired(feed, now=LATER, storage=lake), now=LATER)
    assert lake.sizes("") == before
    assert retired(lake, feed) == told
    gone = {key: size for key, size in before.items() if key not in lake.sizes("")}
    assert sum(one.objects for one in told) == len(gone)
    assert sum(one.bytes for one in told) == sum(gone.values())
    assert [(one.area, one.windows) for one in told] == [("parquet", 24), ("json", 24)]


@pytest.mark.parametrize(
    ("lengths", "left"),
    [
        pytest.param({"json": "2d"}, {"manifests", "parquet"}, id="JSON"),
        pytest.param({"parquet": "2d"}, {"manifests", "json"}, id="Parquet"),
        pytest.param({"json": "2d", "parquet": "1d"}, {"manifests"}, id="both"),
        pytest.param({"json": "3d", "parquet": "1w"}, {"manifests", "json", "parquet"}, id="none"),
    ],
)
def test_what_is_older_goes_and_an_audit_misses_nothing(lake, lengths, left):
    """Manifests go on to account for every record; a second time there is nothing to do."""
    accounts = {one.window: one.json.rows for one in manifest.read_all("trades", storage=lake)}
    before = rows(lake)
    retired(lake, keeping(**lengths))
    assert areas(lake) - {"late"} == left
    assert findings(lake) == []
    assert rows(lake) == (before if "parquet" in left else 0)
    found = list(manifest.read_all("trades", storage=lake))
    assert {one.window: one.json.rows for one in found} == accounts
    assert {one.json.removed for one in found} == {"json" not in left}
    assert {one.parquet.removed for one in found} == {"parquet" not in left}
    assert [one.objects for one in retired(lake, keeping(**lengths))] == [0] * len(lengths)


def test_the_day_of_today_and_what_is_just_young_enough_stay(lake):
    """Whole days are kept: a day goes when all of it is old."""
    feed = keeping(json="2d", parquet="2d")
    young = lake_factory.DAY.end + timedelta(days=2, seconds=-1)
    assert [one.objects for one in retired(lake, feed, young)] == [0, 0]
    assert [one.before for one in retired(lake, feed, young)] == [lake_factory.DAY.start.date()] * 2


def test_json_that_was_never_converted_is_kept(lake):
    """It is all that there is of its records, until its Parquet would be too old as well."""
    lines = ['{"a":1,"p":"1","q":"1","f":1,"l":1,"T":1795363260000,"m":true,"M":true}']
    lake_factory.stage(lake, lines, window=lake_factory.hour(7))
    retired(lake, keeping(json="1d"))
    [key] = lake.list("json")
    assert lake_factory.hour(7).name in key
    retired(lake, keeping(json="1d", parquet="2d"))
    assert list(lake.list("json")) == []


def test_a_window_without_its_json_is_not_rebuilt(lake):
    """It would be empty afterwards: it is refused, and told what to do."""
    retired(lake, keeping(json="1d"))
    before = rows(lake)
    key = layout.manifest_key("trades", lake_factory.BTC, lake_factory.hour(3))
    assert not manifest.is_staged(key, storage=lake)
    with pytest.raises(UsageError, match="retention removed its JSON; run `extract"):
        convert(key, feed=lake_factory.FEED, storage=lake, budget=lake_factory.BUDGET)
    assert rows(lake) == before


def test_a_removed_day_is_not_compacted_and_comes_back_when_it_is_fetched_again(lake, table):
    """As if it had never been away."""
    retired(lake, keeping(json="1d", parquet="1d"))
    again = compact.compact(
        lake_factory.FEED,
        lake_factory.BTC,
        lake_factory.DAY,
        storage=lake,
        budget=lake_factory.BUDGET,
    )
    assert again.skipped == "retention removed its Parquet"
    lake_factory.ingest(lake, table, lake_factory.hour(3))
    assert rows(lake) == lake_factory.of_hour(table, lake_factory.hour(3)).num_rows
    assert findings(lake) == []
    lake_factory.ingest_day(lake, table)
    filled(lake, table, "a compacted day")
    assert rows(lake) == table.num_rows
    assert findings(lake) == []
    assert len(list(lake.list("parquet"))) == 1


def test_a_removed_day_that_had_an_empty_window_is_compacted_when_it_is_back(tmp_path, table):
    """A window without rows has nothing that could have been removed."""
    storage = filled(Storage.open(f"file://{tmp_path}/lake", {}), table, "a compacted day")
    lake_factory.ingest(storage, table.slice(0, 0), lake_factory.hour(20))
    retired(storage, keeping(parquet="1d"))
    for number in set(range(24)) - {20}:
        lake_factory.ingest(storage, table, lake_factory.hour(number))
    filled_up = rows(storage)
    done = compact.compact(
        lake_factory.FEED,
        lake_factory.BTC,
        lake_factory.DAY,
        storage=storage,
        budget=lake_factory.BUDGET,
    )
    assert (done.skipped, done.rows) == (None, filled_up)


@pytest.mark.parametrize("after_steps", [0, 1, 12, 26, 40, 60])
def test_a_crash_at_any_step_is_gone_on_with(tmp_path, table, after_steps):
    """Readers see a window or do not; the next run removes what is left."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    filled(storage, table, "a window waits beside its day")
    feed, before = keeping(json="1d", parquet="1d"), rows(storage)
    try:
        retired(crashing(storage, after_steps=after_steps), feed)
    except Crash:
        assert 0 <= rows(storage) <= before
    retired(storage, feed)
    assert areas(storage) <= {"manifests", "_incomplete"}
    assert (rows(storage), findings(storage)) == (0, [])


def test_what_nobody_accounts_for_is_left_alone(lake):
    """A file of somebody else, and one whose window has no manifest."""
    others = [
        "parquet/trades/symbol=BTCUSDT/date=2026-11-22/notes.parquet",
        "json/trades/symbol=BTCUSDT/date=2026-11-21/20261121T000000Z-20261121T010000Z.part.json.gz",
    ]
    for key in others:
        lake.put(key, b"x")
    retired(lake, keeping(json="1d", parquet="1d"))
    assert [key for key in lake.list("") if key.startswith(("json", "parq"))] == sorted(others)


@pytest.mark.s3
def test_a_day_on_s3_goes_too(s3: Bucket, table):
    """The bucket has the manifests left."""
    storage = Storage.open(s3.root, s3.environment)
    for number in (3, 4):
        lake_factory.ingest(storage, table, lake_factory.hour(number))
    retired(storage, keeping(json="1d", parquet="1d"))
    assert areas(storage) == {"manifests"}
    assert rows(storage) == 0


def test_the_command_line_tells_and_with_delete_does(tmp_path, monkeypatch, capsys):
    """A table of what goes, a row each for JSON and Parquet."""
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    described = lake_factory.FEED.model_dump(mode="json", by_alias=True, exclude_unset=True)
    described.pop("name")
    path = feeds / "trades.yaml"
    monkeypatch.setenv("TICKLAKE_FEEDS", str(feeds))
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    last_year = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=365)
    window = Window(last_year, last_year + timedelta(hours=1))
    made = lake_factory.stage(storage, ['{"a":1}'], window=window)
    feed = lake_factory.FEED.model_copy(
        update={"limits": lake_factory.FEED.limits.model_copy(update={"max_bad_share": 1})}
    )
    convert(made.key, feed=feed, storage=storage, budget=lake_factory.BUDGET)
    argv = ["retention", "trades", "--root", storage.root_uri]

    path.write_text(json.dumps(described))
    assert command_line.main(argv) == 0
    assert "nothing has expired" in capsys.readouterr().out

    path.write_text(json.dumps(described | {"retention": {"json": "30d"}}))
    assert command_line.main(argv) == 0
    head, row, hint = capsys.readouterr().out.splitlines()
    assert row.split()[:2] == ["trades", "json"]
    assert row.split()[3:5] == ["1", "2"]  # the part and its quarantine
    assert hint == "dry run: nothing was deleted; add --delete to delete it"
    assert command_line.main([*argv, "--delete"]) == 0
    assert capsys.readouterr().out.splitlines() == [head, row]
    assert areas(storage) == {"manifests", "summary"}
