"""5,000 slices that another feed lists are one run: planned, extracted and converted."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyarrow import parquet as pq

from include.operators.access.settings import MAX_MAP_LENGTH
from include.ticklake.extract.extract import extract
from include.ticklake.feed import loader
from include.ticklake.lake import manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.airflow.many_runs import Runs
from tests.support.servers.http import ReceivedRequest, Reply

pytestmark = [pytest.mark.dag, pytest.mark.filterwarnings("default")]

SLICES = 5_000
BATCHES = 25
DAG = "ingest_many_symbols"
START_MS = 1_767_341_100_000  # 2026-01-02T08:05Z
RUN_AT = "2026-01-02T08:10:00+00:00"

FEED = """
source:
  kind: http
  base_url: https://api.example.com
  path: /trades
  params: {symbol: "{symbol}"}
slices: {symbol: {feed: all_symbols, where: {status: TRADING}}}
window: 5m
fields:
  trade_id: {from: id, type: int64, key: true}
  price: {type: "decimal(18,8)", required: true}
  trade_time: {from: time, type: timestamp, unit: ms, event_time: true}
"""

LIST = """
source: {kind: http, base_url: "https://api.example.com", path: /symbols}
snapshot: true
order: none
fields:
  symbol: {type: string, key: true}
  status: {type: string}
  fetched_at: {from: $fetched_at, type: timestamp, event_time: true}
"""


def trades(asked: ReceivedRequest) -> Reply:
    """Three trades of a symbol, whose number is in their ids and prices."""
    number = int(asked.params["symbol"][1:])
    rows = [
        {"id": number * 10 + trade, "price": f"{number}.{trade}", "time": START_MS + trade}
        for trade in range(3)
    ]
    return Reply(body=json.dumps(rows).encode())


@pytest.fixture
def database(own_airflow_env):
    """Asks Airflow's database."""

    def ask(query: str, *values: object) -> list[tuple]:
        path = Path(own_airflow_env["AIRFLOW_HOME"]) / "airflow.db"
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(query, values).fetchall()

    return ask


def test_five_thousand_slices_are_one_run(own_airflow_env, http_server, database, tmp_path):
    """Each slice has its manifest and its Parquet; the run maps over its batches and no more.

    The DAG is read without the list, which the task that plans takes from the lake.
    """
    symbols = [f"S{number:04d}" for number in range(SLICES)]
    listed = [{"symbol": symbol, "status": "TRADING"} for symbol in symbols]
    listed.append({"symbol": "S9999", "status": "BREAK"})
    http_server.answer_by("/trades", trades)
    http_server.answer("/symbols", json.dumps(listed).encode())
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "all_symbols.yaml").write_text(LIST)
    (tmp_path / "feeds" / "many_symbols.yaml").write_text(FEED)
    env = {
        "TICKLAKE_FEEDS": str(tmp_path / "feeds"),
        "TICKLAKE_ROOT": f"file://{tmp_path}/lake",
        "TICKLAKE_BASE_URL": http_server.url,
        "TICKLAKE_BATCHES_MAX": str(BATCHES),
    }
    storage = Storage.open(env["TICKLAKE_ROOT"], {})
    hour = Window(datetime(2026, 1, 2, 7, tzinfo=UTC), datetime(2026, 1, 2, 8, tzinfo=UTC))
    extract(
        loader.read_feed(tmp_path / "feeds" / "all_symbols.yaml"), Unit(Slice(), hour),
        storage=storage, base_url=http_server.url, clock=lambda: hour.end.timestamp() + 10,
    )  # fmt: skip
    with Runs(own_airflow_env) as child:
        ended = child.run("dags", "test", DAG, RUN_AT, env=env, limit_s=900)
    assert ended.exit_code == 0, ended.log[-4_000:]

    mapped = database(
        "SELECT task_id, count(*) FROM task_instance WHERE dag_id = ? AND state = 'success' "
        "AND map_index >= 0 GROUP BY task_id",
        DAG,
    )
    assert dict(mapped) == {"extract": BATCHES, "convert": BATCHES}
    assert BATCHES <= MAX_MAP_LENGTH
    ((extra,),) = database("SELECT extra FROM asset_event WHERE source_dag_id = ?", DAG)
    told = json.loads(extra)
    assert (told["slices"], told["manifests"], told["rows"]) == (SLICES, SLICES, 3 * SLICES)

    found = list(manifest.read_all("many_symbols", storage=storage))
    assert [each.slice["symbol"] for each in found] == symbols
    assert all(each.is_current and each.parquet.rows == 3 for each in found)
    for number in (0, 1, SLICES - 1):
        rows = pq.read_table(tmp_path / "lake" / found[number].parquet.key, partitioning=None)
        assert rows.column("trade_id").to_pylist() == [number * 10 + trade for trade in range(3)]
