"""Runs of the four maintenance DAGs over two feeds; one has a damaged manifest.

It costs its own hour, and is named; all else of both feeds is done.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, layout, read, summary
from include.ticklake.lake.storage import Storage
from include.ticklake.model.window import Window, parse_instant
from tests.airflow.many_runs import RunEnd, Runs
from tests.support import lake_factory

pytestmark = [pytest.mark.dag, pytest.mark.filterwarnings("default")]

START, END = parse_instant("2026-10-23"), parse_instant("2026-10-24")
HOURS = [Window(START + timedelta(hours=n), START + timedelta(hours=n + 1)) for n in range(24)]
RANGE = {"start": START.isoformat(), "end": END.isoformat()}
LATER = "2026-11-03T00:00:00+00:00"
GOOD, BROKEN = "good_trades", "broken_trades"
DAMAGED = HOURS[5]
DAMAGED_KEY = layout.manifest_key(BROKEN, lake_factory.BTC, DAMAGED)


def feed(name: str) -> Feed:
    """Trades whose JSON is kept for a week."""
    changes = {"name": name, "retention": {"json": "7d"}, "slices": {"symbol": ["BTCUSDT"]}}
    described = lake_factory.FEED.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return Feed.model_validate(described | changes)


def trades() -> pa.Table:
    """A day that is over, whenever this runs."""
    table = lake_factory.day_of_trades(600)
    earlier = pc.subtract(table["T"], 30 * 24 * 3600 * 1000)
    return table.set_column(table.schema.get_field_index("T"), "T", earlier)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A day of two feeds; a manifest of one of them is cut off."""
    folder = tmp_path_factory.mktemp("maintenance")
    storage = Storage.open(f"file://{folder}/lake", {})
    (folder / "feeds").mkdir()
    table = trades()
    for name in (GOOD, BROKEN):
        described = feed(name).model_dump(mode="json", by_alias=True, exclude_unset=True)
        described.pop("name")
        (folder / "feeds" / f"{name}.yaml").write_text(json.dumps(described))
        for window in HOURS:
            lake_factory.ingest(storage, table, window, feed=feed(name))
    storage.put(DAMAGED_KEY, b'{"version":')
    return folder


@pytest.fixture(scope="module")
def storage(folder) -> Storage:
    return Storage.open(f"file://{folder}/lake", {})


@pytest.fixture(scope="module")
def maintain(own_airflow_env, folder):
    """Runs a maintenance DAG, with all retries and their waits left out."""
    env = {
        "TICKLAKE_FEEDS": str(folder / "feeds"),
        "TICKLAKE_ROOT": f"file://{folder}/lake",
        "TICKLAKE_SHIPPED_FEEDS": "none",
        "TICKLAKE_BATCHES_MAX": "6",
    }
    with Runs(own_airflow_env) as runs:

        def run(dag_id: str, **conf: object) -> RunEnd:
            asked = json.dumps(RANGE | conf)
            return runs.run("dags", "test", dag_id, LATER, "--conf", asked, env=env)

        yield run


def events(env, uri: str) -> list[dict[str, object]]:
    """The extra of each event of an asset."""
    query = (
        "SELECT asset_event.extra FROM asset_event JOIN asset ON asset.id = asset_id "
        "WHERE uri = ? ORDER BY asset_event.id"
    )
    with closing(sqlite3.connect(Path(env["AIRFLOW_HOME"]) / "airflow.db")) as database:
        return [json.loads(extra) for (extra,) in database.execute(query, [uri])]


def test_a_rebuild_publishes_the_good_feed_and_names_the_broken_one(
    maintain, storage, folder, own_airflow_env
):
    """All Parquet is there again; the good feed has an event of its asset, the other none."""
    before = read.table(feed(GOOD), storage=storage)
    files = set(storage.list("parquet"))
    of_damaged = layout.parquet_key(BROKEN, lake_factory.BTC, DAMAGED)
    for key in files - {of_damaged}:  # which nobody can make again without its manifest
        (folder / "lake" / key).unlink()
    ended = maintain("rebuild")
    assert ended.exit_code != 0
    assert f"{BROKEN}: 1 of 3 batches failed, see the log of `convert` [" in ended.log
    assert set(storage.list("parquet")) == files
    assert f"{GOOD}: " not in ended.log.partition("some feeds failed")[2].partition("\n\n")[0]
    assert read.table(feed(GOOD), storage=storage).equals(before)
    [extra] = events(own_airflow_env, f"x-ticklake://lake/{GOOD}")
    assert (extra["feed"], extra["windows"], extra["rows"]) == (GOOD, 24, before.num_rows)
    assert events(own_airflow_env, f"x-ticklake://lake/{BROKEN}") == []


def test_an_audit_reports_both_feeds_and_names_the_damaged_manifest(
    maintain, storage, own_airflow_env
):
    """One event for the run, with the totals of each feed; the damage is the one finding."""
    ended = maintain("audit")
    assert ended.exit_code != 0
    assert f"{BROKEN}: 1 manifest_broken; see " in ended.log
    assert f"the manifest of feed {BROKEN}, window " in ended.log
    event = events(own_airflow_env, "x-ticklake://audit")[-1]
    assert (event["windows"], event["findings"], event["failures"]) == (48, 1, {})
    found = {name: totals["kinds"] for name, totals in event["feeds"].items()}
    assert found == {GOOD: {}, BROKEN: {"manifest_broken": 1}}
    assert {key.split("/")[1] for key in storage.list("reports")} == {GOOD, BROKEN}
    audits = [summary.read_feed(name, storage=storage).audit for name in (GOOD, BROKEN)]
    assert [(audit.findings, audit.failed) for audit in audits] == [(0, None), (1, None)]


def test_an_audit_names_a_feed_that_it_cannot_audit(maintain, folder, own_airflow_env):
    """Here one whose windows are no longer those of its lake; the other one is audited."""
    path = folder / "feeds" / f"{BROKEN}.yaml"
    described = path.read_text()
    path.write_text(json.dumps(json.loads(described) | {"window": "2h"}))
    try:
        ended = maintain("audit")
    finally:
        path.write_text(described)
    assert ended.exit_code != 0
    assert f"{BROKEN}: not audited, " in ended.log
    event = events(own_airflow_env, "x-ticklake://audit")[-1]
    assert (event["windows"], event["feeds"].keys()) == (24, {GOOD})
    assert event["failures"].keys() == {BROKEN}


def test_a_compaction_merges_the_good_feeds_day_and_names_the_broken_one(maintain, storage):
    """A feed that is chosen alone is not disturbed by the other."""
    ended = maintain("compact")
    assert ended.exit_code != 0
    assert f"{BROKEN}: 1 of 1 batches failed, see the log of `compact` [" in ended.log
    [day] = day_manifest.read_all(GOOD, storage=storage)
    assert list(storage.list(f"parquet/{GOOD}")) == [day.key]
    assert len(list(storage.list(f"parquet/{BROKEN}"))) == 24
    alone = maintain("compact", feeds=[GOOD])
    assert alone.exit_code == 0, alone.log[-4_000:]
    taken = [run for run in summary.read_feed(GOOD, storage=storage).runs if run.step == "compact"]
    assert len(taken) == 2
    assert all(run.peak_bytes > 0 and run.cap_bytes for run in taken)


def test_retention_keeps_what_the_damaged_manifest_may_name_and_says_so(maintain, storage):
    """By hand it is a dry run, unless `delete` is on."""
    staged = list(storage.list(f"json/{GOOD}"))
    dry = maintain("retention", feeds=[GOOD])
    assert dry.exit_code == 0, dry.log[-4_000:]
    assert list(storage.list(f"json/{GOOD}")) == staged != []
    ended = maintain("retention", delete=True)
    assert ended.exit_code == 0, ended.log[-4_000:]
    assert "retention.kept " in ended.log
    assert f"the manifest of feed {BROKEN}, window " in ended.log
    assert list(storage.list(f"json/{GOOD}")) == []
    assert [layout.window_name(key) for key in storage.list(f"json/{BROKEN}")] == [DAMAGED.name]
