"""With ``TICKLAKE_ICEBERG`` set, runs commit: of ingest what was fetched, of compact the day."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.compute as pc
import pytest

from include.replay.market import Market
from include.replay.server import app, running
from include.ticklake.feed import loader
from include.ticklake.feed.plan import plan_units
from include.ticklake.lake.storage import Storage
from include.ticklake.model.window import parse_instant
from include.ticklake.publish import iceberg
from tests.airflow.many_runs import Runs
from tests.support import lake_factory

pytestmark = [pytest.mark.dag, pytest.mark.filterwarnings("default")]

FEED = "binance_agg_trades"
RANGE = {"start": "2026-10-23", "end": "2026-10-24", "slices": ["symbol=BTCUSDT"]}


def test_a_run_commits_what_it_fetched_and_compacted(own_airflow_env, tmp_path):
    """A day of files is compacted into one of the table's; an hour of another slice is added."""
    feed = loader.load(FEED)
    root_uri = f"file://{tmp_path}/lake"
    storage = Storage.open(root_uri, {})
    table = lake_factory.day_of_trades(600)
    earlier = pc.subtract(table["T"], 30 * 24 * 3600 * 1000)
    table = table.set_column(table.schema.get_field_index("T"), "T", earlier)
    start, end = parse_instant(RANGE["start"]), parse_instant(RANGE["end"])
    for work in plan_units(feed, start=start, end=end, slices=[lake_factory.BTC]):
        lake_factory.ingest(storage, table, work.window, feed=feed)

    fetched = {"slices": ["symbol=ETHUSDT"]}
    with (
        running(app(market=Market(seed=5, trades_per_hour=600), coins=300)) as url,
        Runs(own_airflow_env) as child,
    ):
        env = {"TICKLAKE_ROOT": root_uri, "TICKLAKE_ICEBERG": "sqlite", "TICKLAKE_BASE_URL": url}
        for dag, at, asked in (
            ("compact", "2026-10-25T00:00:00+00:00", RANGE | {"feeds": [FEED]}),
            (f"ingest_{FEED}", "2026-01-02T03:00:00+00:00", fetched),
        ):
            ended = child.run("dags", "test", dag, at, "--conf", json.dumps(asked), env=env)
            assert ended.exit_code == 0, ended.log[-4_000:]

    with closing(iceberg.catalog("sqlite", storage=storage, env={})) as catalog:
        found = catalog.load_table(("ticklake", FEED))
        tasks = list(found.scan(row_filter="symbol = 'BTCUSDT'").plan_files())
        assert [task.file.record_count for task in tasks] == [table.num_rows]
        new_rows = found.scan(row_filter="symbol = 'ETHUSDT'").count()
        snapshots = [each.snapshot_id for each in found.snapshots()]
    home = Path(own_airflow_env["AIRFLOW_HOME"])
    with closing(sqlite3.connect(home / "airflow.db")) as database:
        ((extra,),) = database.execute(
            "SELECT extra FROM asset_event WHERE source_dag_id = ? ORDER BY id DESC LIMIT 1",
            [f"ingest_{FEED}"],
        ).fetchall()  # the newest: other tests' runs may have left theirs
    told = json.loads(extra)
    assert (told["rows"], told["iceberg_added"]) == (new_rows, 1)
    assert int(told["iceberg_snapshot"]) == snapshots[-1]
    assert len(snapshots) == 2
