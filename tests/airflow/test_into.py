"""The DAG of a feed of files fills, and speaks for, the table of the feed that ``into`` names."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from tests.airflow.test_runs import events
from tests.support import joined_feeds
from tests.support.joined_table import ALL

pytestmark = [pytest.mark.dag, pytest.mark.filterwarnings("default")]


def test_a_day_of_files_is_ingested_into_the_table(airflow, recall, http_server, tmp_path):
    """Its event is the table's; a second run converts nothing again."""
    joined_feeds.save(tmp_path / "feeds")
    joined_feeds.publish(http_server, 0, ALL)
    fetched = len(events(recall, "ingest_old_trades"))
    env = {"TICKLAKE_FEEDS": str(tmp_path / "feeds"), "TICKLAKE_BASE_URL": http_server.url}
    for extract in ("worker", "capped"):
        run = airflow(
            "dags", "test", "ingest_old_trades", "2024-12-18T00:00:00+00:00",
            TICKLAKE_EXTRACT=extract, **env,
        )  # fmt: skip
        assert run.returncode == 0, run.stdout + run.stderr
    lake = tmp_path / "lake"
    files = [*(lake / "parquet/trades/symbol=BTCUSDT").rglob("*.parquet")]
    assert [pq.read_metadata(file).num_rows for file in files] == [5] * 4
    assert (lake / "latest/trades/symbol=BTCUSDT/latest.json").is_file()
    of_files = {path.relative_to(lake).parts[0] for path in lake.rglob("*old_trades*")}
    assert of_files <= {"plans", "_incomplete"}  # which run it was, and nothing of its records
    first, second = events(recall, "ingest_old_trades")[fetched:]
    told = {"feed": "trades", "windows": 1, "rows": len(ALL), "manifests": 4}
    assert first | told == first
    assert (second["manifests"], second.get("empty")) == (0, None)
    uris = recall(
        "SELECT DISTINCT asset.uri FROM asset_event JOIN asset ON asset.id = asset_id "
        "WHERE source_dag_id = 'ingest_old_trades'"
    )
    assert uris == [("x-ticklake://lake/trades",)]
    assert json.loads((lake / "schemas/trades.json").read_text())["feed"] == "trades"
