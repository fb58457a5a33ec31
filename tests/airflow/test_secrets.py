"""No login of a source shows in Airflow: not in logs, XComs, rendered fields, events nor errors."""

from __future__ import annotations

import gzip
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest

from tools.servers.databases import Database

pytestmark = [pytest.mark.dag, pytest.mark.filterwarnings("default")]

CANARY = "s3cr3t/Canary+42"

SHOP = """
source:
  kind: sql
  connection: canary_shop
  query: |
    SELECT n AS id, :start::timestamptz + n * interval '1 second' AS at,
           (n * 0.00000001)::numeric(18,8) AS price
    FROM generate_series(0, 3599) AS n WHERE :start < :end ORDER BY n
fields:
  id: {type: int64, key: true}
  price: {type: "decimal(18,8)"}
  at: {type: timestamp, unit: iso, event_time: true}
"""

API = """
source:
  kind: http
  base_url: "{url}"
  path: /rows
  auth: {{kind: query, name: k, connection: canary_api}}
fields:
  id: {{type: int64, key: true}}
  at: {{from: t, type: timestamp, unit: ms, event_time: true}}
"""


@pytest.fixture
def feeds(tmp_path, http_server) -> Path:
    """A folder with a feed of a database and one of an API that repeats what it was sent."""
    folder = tmp_path / "feeds"
    folder.mkdir()
    (folder / "canary_shop.yaml").write_text(SHOP)
    (folder / "canary_api.yaml").write_text(API.format(url=http_server.url))
    http_server.answer("/rows", f'{{"message": "wrong key {CANARY}"}}'.encode(), status=401)
    return folder


def everything(folder: Path, home: Path) -> dict[str, str]:
    """Airflow's database as text, its files, and those of the lake."""
    with closing(sqlite3.connect(home / "airflow.db")) as database:
        found = {"airflow.db": "\n".join(database.iterdump())}
    for path in [*folder.rglob("*"), *home.rglob("*")]:
        if path.is_file() and path.suffix not in (".db", ".parquet"):
            body = path.read_bytes()
            body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
            found[str(path)] = body.decode(errors="replace")
    return found


def test_no_login_shows_in_a_run_that_ends_well_or_badly(
    airflow, airflow_env, feeds, tmp_path, postgresql: Database
):
    """No secret appears in a log, an XCom, a rendered field, a manifest, a URI or the process
    list.

    A database by its provider's hook, and an API that says no in the words it was asked in.
    """
    login = f"{postgresql.user}:{postgresql.password}"
    shop = f"postgres://{login}@{quote(postgresql.socket, safe='')}/{postgresql.name}"
    api = f"https://who:{quote(CANARY, safe='')}@api.example"
    shown = ""
    for feed, exit_code in (("canary_shop", 0), ("canary_api", 1)):
        run = airflow(
            "dags", "test", f"ingest_{feed}", "2026-01-02T03:00:00+00:00",
            TICKLAKE_FEEDS=str(feeds), AIRFLOW_CONN_CANARY_SHOP=shop, AIRFLOW_CONN_CANARY_API=api,
        )  # fmt: skip
        shown += run.stdout + run.stderr
        assert bool(run.returncode) == bool(exit_code), shown
    (parquet,) = (tmp_path / "lake" / "parquet" / "canary_shop").rglob("*.parquet")
    assert pq.read_metadata(parquet).num_rows == 3600
    assert "wrong key ***" in shown

    places = everything(tmp_path, Path(airflow_env["AIRFLOW_HOME"])) | {"output": shown}
    assert "canary_shop" in places["airflow.db"]
    secrets = (CANARY, quote(CANARY, safe=""), postgresql.password)
    assert [
        (where, text[max(0, text.index(secret) - 100) :][:200])
        for where, text in places.items()
        for secret in secrets
        if secret in text
    ] == []
