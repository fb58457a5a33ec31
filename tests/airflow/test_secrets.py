"""No login of a source shows in Airflow: not in logs, XComs, rendered fields, events nor errors."""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest

from include.ticklake.redaction.spellings import usual_spellings
from tests.conftest import REPOSITORY
from tests.support.secret_watch import spellings_of
from tests.support.servers.http import ReceivedRequest, Reply
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
  params: {{start: "{{start_ms}}"}}
  auth: {{kind: query, name: k, connection: canary_api}}
fields:
  id: {{type: int64, key: true}}
  at: {{from: t, type: timestamp, unit: ms, event_time: true}}
"""


OTHER = "0ther/Canary+7="
DECOYS = ["AIRFLOW_CONN_OTHER", "AIRFLOW__API_AUTH__JWT_SECRET", "AWS_SECRET_ACCESS_KEY",
          "DATABASE_URL", "GITHUB_TOKEN", "VAULT_TOKEN"]  # fmt: skip

SPY = """
import json, os
from pathlib import Path

def read(name):
    return Path("/proc/self", name).read_bytes().decode(errors="replace")

pairs = (pair.partition("=") for pair in read("environ").split("\\0") if pair)
seen = {"cmdline": read("cmdline"), "environ": {name: value for name, _, value in pairs}}
Path(__file__).with_name(f"{os.getpid()}.json").write_text(json.dumps(seen))
"""
"""Every process of Python writes down what others may see of it."""


@pytest.fixture
def feeds(tmp_path, http_server) -> Path:
    """A folder with a feed of a database and one of an API that repeats what it was sent."""
    folder = tmp_path / "feeds"
    folder.mkdir()
    (folder / "canary_shop.yaml").write_text(SHOP)
    (folder / "canary_api.yaml").write_text(API.format(url=http_server.url))
    said = " ".join(spellings_of(CANARY).values())
    http_server.answer("/rows", json.dumps({"message": f"wrong key {said}"}).encode(), status=401)
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
    assert found(places, [*spellings_of(CANARY).values(), postgresql.password]) == []


def test_steps_in_child_processes_get_one_login_each_and_show_none(
    airflow, airflow_env, feeds, tmp_path, tmp_path_factory, http_server
):
    """Fetched and converted under the limit, by a worker whose environment is full of secrets.

    The source repeats its login in its records, in every usual spelling.
    """
    spied = tmp_path_factory.mktemp("spied")
    (spied / "sitecustomize.py").write_text(SPY)

    def answered(asked: ReceivedRequest) -> Reply:
        at_ms = int(asked.params["start"])
        echoes = {"echo": " ".join(usual_spellings(CANARY)), CANARY: 1}
        return Reply(body=json.dumps([{"id": 1, "t": at_ms, **echoes}]).encode())

    http_server.answer_by("/rows", answered)
    api = f"https://who:{quote(CANARY, safe='')}@api.example"
    run = airflow(
        "dags", "test", "ingest_canary_api", "2026-01-02T04:00:00+00:00",
        TICKLAKE_FEEDS=str(feeds), TICKLAKE_EXTRACT="capped", AIRFLOW_CONN_CANARY_API=api,
        PYTHONPATH=f"{spied}{os.pathsep}{REPOSITORY}", **dict.fromkeys(DECOYS, OTHER),
    )  # fmt: skip
    shown = run.stdout + run.stderr
    assert run.returncode == 0, shown
    (parquet,) = (tmp_path / "lake" / "parquet" / "canary_api").rglob("*.parquet")
    assert pq.read_metadata(parquet).num_rows == 1

    seen = [json.loads(path.read_text()) for path in spied.glob("*.json")]
    secrets = [said for one in (CANARY, OTHER) for said in spellings_of(one).values()]
    places = everything(tmp_path, Path(airflow_env["AIRFLOW_HOME"]))
    places |= {"output": shown, "ps": "\n".join(process["cmdline"] for process in seen)}
    assert found(places, secrets) == []

    steps = {}
    for process in seen:
        words = process["cmdline"].split("\0")
        if "include.ticklake" in words:
            steps[words[words.index("include.ticklake") + 1]] = process["environ"]
    assert sorted(steps) == ["convert", "extract"]
    login = steps["extract"].pop("AIRFLOW_CONN_CANARY_API")
    assert json.loads(login)["password"] == CANARY
    assert found({name: str(environ) for name, environ in steps.items()}, secrets) == []
    assert not [name for environ in steps.values() for name in environ if "AIRFLOW" in name]


def found(places: Mapping[str, str], secrets: Iterable[str]) -> list[tuple[str, str]]:
    """Where a secret stands, and what is around it."""
    return [
        (where, text[max(0, text.index(secret) - 100) :][:200])
        for where, text in places.items()
        for secret in secrets
        if secret in text
    ]
