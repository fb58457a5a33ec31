"""Whole runs by ``airflow dags test``, as a person or a CI makes them: no scheduler, no mocks."""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.parquet as pq
import pytest

from include.replay.market import Market
from include.replay.server import app, running
from tests.support.lake_objects import lake_objects

pytestmark = [pytest.mark.dag, pytest.mark.filterwarnings("default")]

HOUR = "date=2026-01-02/20260102T020000Z-20260102T030000Z"


@pytest.fixture(scope="module")
def replay():
    """Base URL of a stand-in for every API."""
    with running(app(market=Market(seed=5, trades_per_hour=600), coins=300)) as url:
        yield url


def events(recall, dag_id: str) -> list[dict[str, object]]:
    """The ``extra`` of every event that a DAG has emitted: other tests share the database."""
    rows = recall("SELECT extra FROM asset_event WHERE source_dag_id = ? ORDER BY id", dag_id)
    return [json.loads(extra) for (extra,) in rows]


def contents(folder: Path) -> dict[str, bytes]:
    """Every object under *folder*, by its key."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_an_hour_is_ingested_and_its_parquet_rebuilt(airflow, replay, recall, tmp_path):
    """One run, one window, one event; and the same bytes again from the JSON, with the API gone."""
    fetched, rebuilt = (
        len(events(recall, dag_id)) for dag_id in ("ingest_binance_klines", "rebuild")
    )
    run = airflow(
        "dags", "test", "ingest_binance_klines", "2026-01-02T03:00:00+00:00",
        TICKLAKE_BASE_URL=replay,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr

    lake = tmp_path / "lake"
    for symbol in ("BTCUSDT", "ETHUSDT"):
        folder = f"binance_klines/symbol={symbol}/interval=1m"
        assert pq.read_metadata(lake / f"parquet/{folder}/{HOUR}.parquet").num_rows == 60
        assert (lake / f"manifests/{folder}/{HOUR}.json").is_file()
        newest = json.loads((lake / f"latest/{folder}/latest.json").read_bytes())
        assert (newest["rows"], newest["end"]) == (60, "2026-01-02T03:00:00+00:00")
    (extra,) = events(recall, "ingest_binance_klines")[fetched:]
    told = {"feed": "binance_klines", "windows": 1, "slices": 2, "rows": 120, "manifests": 2}
    assert extra | told == extra
    assert (extra["start"], extra["end"]) == (
        "2026-01-02T02:00:00+00:00",
        "2026-01-02T03:00:00+00:00",
    )
    assert 0 < extra["peak_bytes"] < extra["cap_bytes"] == 128 * 1024**2

    ingested = lake_objects(lake)
    for key in ingested:
        if key.startswith("parquet/"):
            (lake / key).unlink()
    asked_for = {
        "feeds": ["binance_klines"],
        "start": "2026-01-02T00:00:00Z",
        "end": "2026-01-02T04:00:00Z",
    }
    run = airflow(
        "dags", "test", "rebuild", "--conf", json.dumps(asked_for),
        TICKLAKE_BASE_URL="http://127.0.0.1:1",
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert lake_objects(lake) == ingested
    (extra,) = events(recall, "rebuild")[rebuilt:]
    assert (extra["rows"], extra["windows"], extra["manifests"]) == (120, 4, 2)


class Watch:
    """Looks for a text in the arguments of every process, until closed."""

    def __init__(self, text: str) -> None:
        self.seen: set[str] = set()
        self.looks = 0
        self._text = text.encode()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            self.looks += 1
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    arguments = path.read_bytes()
                except OSError:
                    continue
                if self._text in arguments:
                    self.seen.add(arguments.decode(errors="replace"))

    def close(self) -> None:
        self._ended.set()
        self._thread.join()


@pytest.mark.s3
def test_a_lake_on_s3_opens_by_the_connection_and_nothing_tells_the_key(
    airflow, airflow_env, replay, recall, s3
):
    """Two windows of one slice, by params; the secret is in no log, XCom, field, object or ps."""
    before = len(events(recall, "ingest_binance_agg_trades"))
    connection = {
        "conn_type": "aws",
        "login": s3.access_key,
        "password": s3.secret_key,
        "extra": {"endpoint_url": s3.endpoint_url, "region_name": "us-east-1"},
    }
    asked_for = {
        "start": "2026-01-02T05:00:00.000Z",
        "end": "2026-01-02T07:00:00.000Z",
        "slices": ["symbol=BTCUSDT"],
    }
    with closing(Watch(s3.secret_key)) as watch:
        run = airflow(
            "dags", "test", "ingest_binance_agg_trades", "2026-01-02T09:00:00+00:00",
            "--conf", json.dumps(asked_for),
            TICKLAKE_BASE_URL=replay,
            TICKLAKE_ROOT=s3.root,
            AIRFLOW_CONN_AWS_DEFAULT=json.dumps(connection),
        )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr

    (extra,) = events(recall, "ingest_binance_agg_trades")[before:]
    lake = s3.folder / urlsplit(s3.root).path.strip("/")
    found = [pq.read_metadata(path).num_rows for path in sorted(lake.rglob("*.parquet"))]
    assert len(found) == extra["windows"] == 2
    assert sum(found) == extra["rows"] > 100

    places = {
        "output": (run.stdout + run.stderr).encode(),
        **contents(Path(airflow_env["AIRFLOW_HOME"])),
        **contents(s3.folder),
    }
    assert [name for name, body in places.items() if s3.secret_key.encode() in body] == []
    assert watch.looks > 10
    assert watch.seen == set()
    for (value,) in recall(
        "SELECT value FROM xcom WHERE dag_id = ? AND key = 'return_value'",
        "ingest_binance_agg_trades",
    ):
        assert len(value) < 1000  # addresses and counts


def test_a_wrong_slice_fails_the_plan_at_once(airflow, replay, recall, tmp_path):
    """No retry, no request, nothing staged; and the message says what to do."""
    run = airflow(
        "dags", "test", "ingest_binance_agg_trades", "2026-01-03T03:00:00+00:00",
        "--conf", json.dumps({"slices": ["symbol=BTCUSD"]}),
        TICKLAKE_BASE_URL=replay,
    )  # fmt: skip
    assert run.returncode != 0
    assert "did you mean 'symbol=BTCUSDT'?" in run.stdout + run.stderr
    tries = recall(
        "SELECT task_id, task_instance.state, try_number FROM task_instance JOIN dag_run "
        "USING (dag_id, run_id) WHERE dag_id = ? AND logical_date LIKE '2026-01-03 03%'",
        "ingest_binance_agg_trades",
    )
    assert ("plan", "failed", 1) in tries
    assert {state for task, state, _ in tries if task != "plan"} == {"upstream_failed"}
    assert not (tmp_path / "lake").exists()


LIMITED = """
import json, os
from airflow.sdk import DAG
from include.operators.extract import ExtractOperator
from include.operators.dag_support.retries import DEFAULT_ARGS

def units(*symbols):
    window = "20260102T020000Z-20260102T030000Z"
    return [{"slice": {"symbol": symbol}, "window": window} for symbol in symbols]

with DAG("limited", default_args=DEFAULT_ARGS):
    gives_up = ExtractOperator(task_id="gives_up", feed="limited", units=units("NONE"))
    # After it: while the source wants no requests, it gets none of another task.
    gives_up >> ExtractOperator(
        task_id="waits", feed="limited", units=units("A", "B", "C"), trigger_rule="all_done"
    )
"""

FEED = """
source:
  kind: http
  base_url: https://api.example.com
  path: "/{symbol}"
slices: {symbol: [A, B, C]}
fields: {t: {type: timestamp, unit: ms, event_time: true}}
limits: {max_wait_s: 0}
"""


def test_a_rate_limit_waits_exactly_and_goes_on_where_it_was(
    airflow, http_server, recall, tmp_path
):
    """Every wait is bounded; a long one goes back to Airflow, which retries when the source
    said.

    The task comes back after ``Retry-After``; what it had done is not done again.
    """
    from tests.support.servers.http import Reply

    limited = Reply(status=429, headers={"Retry-After": "2"})
    http_server.answer("/A", b'[{"t": 1767319200000}]')
    http_server.answer_in_turn("/B", limited, Reply(body=b'[{"t": 1767319200000}]'))
    http_server.answer("/C", b"[]")
    http_server.answer("/NONE", b'{"msg": "Invalid symbol."}', status=400)
    for name, text in (("dags/limited.py", LIMITED), ("feeds/limited.yaml", FEED)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)

    run = airflow(
        "dags", "test", "limited", "2026-01-02T03:00:00+00:00",
        TICKLAKE_BASE_URL=http_server.url,
        TICKLAKE_FEEDS=str(tmp_path / "feeds"),
        AIRFLOW__CORE__DAGS_FOLDER=str(tmp_path / "dags"),
    )  # fmt: skip

    assert "Invalid symbol." in run.stdout + run.stderr
    tries = {
        task: (state, number)
        for task, state, number in recall(
            "SELECT task_id, state, try_number FROM task_instance WHERE dag_id = 'limited'"
        )
    }
    assert tries == {"waits": ("success", 2), "gives_up": ("failed", 1)}
    [(task, delay_s)] = recall(
        "SELECT task_id, retry_delay_override FROM task_instance_history "
        "WHERE dag_id = 'limited' AND retry_delay_override IS NOT NULL"
    )
    assert task == "waits"
    assert 0 < delay_s <= 2  # what is left of it when the last unit has met the ban
    asked = Counter(asked.path for asked in http_server.asked)
    assert asked == {"/A": 1, "/B": 2, "/C": 1, "/NONE": 1}
    assert recall("SELECT * FROM task_state_store") == []
    assert len(list((tmp_path / "lake").rglob("manifests/**/*.json"))) == 3
