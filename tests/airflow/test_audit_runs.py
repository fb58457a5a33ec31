"""A hole in a real lake is found by a run of the audit, and filled by one click."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from include.replay.market import Market
from include.replay.server import app, running
from include.ticklake.convert.budget import budget_for
from include.ticklake.convert.convert import convert
from include.ticklake.extract.extract import extract
from include.ticklake.feed import loader
from include.ticklake.feed.plan import plan_units
from include.ticklake.lake import layout, read
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import audit
from include.ticklake.model.sizes import MIB
from include.ticklake.model.window import parse_instant
from tests.airflow.many_runs import Runs

pytestmark = [pytest.mark.dag, pytest.mark.filterwarnings("default")]

FEED = loader.load("binance_agg_trades")
START, END = parse_instant("2026-01-02T02:00"), parse_instant("2026-01-02T05:00")
ASKED = {"start": START.isoformat(), "end": END.isoformat(), "slices": ["symbol=BTCUSDT"]}

CHOSEN = {"feeds": [FEED.name]}

BUDGET = budget_for(128 * MIB)


@pytest.fixture(scope="module")
def replay():
    """Base URL of a stand-in for the API."""
    with running(app(market=Market(seed=5, trades_per_hour=300))) as url:
        yield url


@pytest.fixture
def lake(tmp_path, replay) -> Storage:
    """Three hours, the second one lost."""
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    for unit in plan_units(FEED, start=START, end=END, slices=[FEED.all_slices[0]]):
        if unit.window.start != START + timedelta(hours=1):
            extract(FEED, unit, storage=storage, base_url=replay)
            key = layout.manifest_key(FEED.name, unit.slice, unit.window)
            convert(key, feed=FEED, storage=storage, budget=BUDGET)
    return storage


def test_a_hole_is_found_reported_and_filled_by_one_click(own_airflow_env, lake, replay):
    """A run that finds something is red; one with ``repair`` has the missing hour fetched."""
    env = {"TICKLAKE_ROOT": lake.root_uri, "TICKLAKE_BASE_URL": replay}
    before = read.table(FEED, storage=lake).num_rows

    with Runs(own_airflow_env) as runs:
        # A DAG can be triggered once Airflow has read it; `dags test` reads only its own.
        assert runs.run("dags", "reserialize", env=env).exit_code == 0

        def test(dag_id: str, day: int, conf: object) -> tuple[int, str]:
            ended = runs.run(
                "dags", "test", dag_id, f"2026-01-{day:02}T02:15:00+00:00",
                "--conf", json.dumps(conf), env=env,
            )  # fmt: skip
            return ended.exit_code, ended.log

        red, log = test("audit", 10, ASKED | CHOSEN)
        assert red != 0
        assert "1 missing_window; see " in log
        assert f"audit {FEED.name} --repair" in log
        code, log = test("audit", 11, ASKED | CHOSEN | {"repair": True})
        assert code == 0, log[-3_000:]
        [conf] = queued(own_airflow_env)
        assert conf == ASKED | {
            "start": "2026-01-02T03:00:00+00:00", "end": "2026-01-02T04:00:00+00:00",
        }  # fmt: skip
        code, log = test(f"ingest_{FEED.name}", 12, conf)
        assert code == 0, log[-3_000:]

    units = plan_units(FEED, start=START, end=END, slices=[FEED.all_slices[0]])
    assert list(audit.audit(FEED, units, storage=lake, budget=BUDGET)) == []
    assert read.table(FEED, storage=lake).num_rows > before
    first, second = (json.loads(lake.read(key)) for key in lake.list("reports"))
    told = {"windows": 3, "findings": 1, "kinds": {"missing_window": 1}}
    assert first | told | {"refetched": 0} == first
    assert second | told | {"refetched": 1} == second
    assert first["listed"][0]["window"] == "20260102T030000Z-20260102T040000Z"
    extras = events(own_airflow_env)
    assert [(extra["findings"], extra["refetched"]) for extra in extras] == [(1, 0), (1, 1)]
    reports = {extra["feeds"][FEED.name]["report"] for extra in extras}
    assert {report.partition("/reports/")[0] for report in reports} == {lake.root_uri}


def asked_of(env, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(Path(env["AIRFLOW_HOME"]) / "airflow.db")) as database:
        return database.execute(query).fetchall()


def queued(env) -> list[dict[str, object]]:
    """What the runs that wait for a scheduler were triggered with."""
    rows = asked_of(env, "SELECT conf FROM dag_run WHERE state = 'queued'")
    return [json.loads(conf) for (conf,) in rows]


def events(env) -> list[dict[str, object]]:
    """The extra of each event of the audit."""
    rows = asked_of(env, "SELECT extra FROM asset_event WHERE source_dag_id = 'audit' ORDER BY id")
    return [json.loads(extra) for (extra,) in rows]
