"""A lake that a real scheduler ingests: its feeds, its DAGs, the runs that a person starts."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from include.replay.market import Market
from include.replay.server import app, running
from tests.conftest import REPOSITORY
from tools.servers import databases
from tools.servers.airflow_services import AirflowServices, run_airflow, running_airflow
from tools.servers.databases import Database

RUN_LIMIT_S = 300

# PostgreSQL sorts the names of an object in XCom: these would be in another order.
SLICES = {"interval": ["1m"], "symbol": ["BTCUSDT"]}
SLICE = "interval=1m,symbol=BTCUSDT"
FEEDS: Mapping[str, Mapping[str, Any]] = {
    "hourly": {"fresh_within": "52w"},
    # Late as soon as the scheduler makes its run.
    "daily": {"fresh_within": "1s", "window": "1d"},
    "unseen": {},
}

UNTAGGED = """
from airflow.sdk import DAG
from include.operators.dag_support.retries import DEFAULT_ARGS
from include.operators.plan import PlanOperator

with DAG("untagged", default_args=DEFAULT_ARGS, is_paused_upon_creation=False):
    PlanOperator(task_id="plan", feed="unseen")
"""
"""A DAG that the plugin does not look at, as if it were not loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledLake:
    """Airflow's services at work on a lake in a folder."""

    services: AirflowServices
    folder: Path
    engine: sa.Engine

    @property
    def alerts(self) -> Path:
        """What the notifier wrote."""
        return self.folder / "alerts"

    @property
    def lineage(self) -> list[dict[str, Any]]:
        """Every OpenLineage event."""
        path = self.folder / "lineage"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def keys(self, feed: str) -> list[str]:
        """The windows of *feed* that have Parquet."""
        files = (self.folder / f"lake/parquet/{feed}").rglob("*.parquet")
        return sorted(path.stem for path in files)

    def query(self, sql: str, **values: object) -> list[tuple[Any, ...]]:
        """Ask Airflow's database."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(sql), values)]

    def unpause(self, dag_id: str) -> None:
        """Switch a DAG on, as the UI does."""
        response = self.services.call("PATCH", f"dags/{dag_id}", {"is_paused": False})
        assert response.ok, response.text

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Send the trigger form; the id of the run."""
        body = {"logical_date": None, "conf": dict(conf)}
        response = self.services.call("POST", f"dags/{dag_id}/dagRuns", body)
        assert response.ok, response.text
        run_id: str = response.json()["dag_run_id"]
        return run_id

    def runs(self, dag_id: str, run_type: str) -> list[dict[str, Any]]:
        """The runs of a kind."""
        path = f"dags/{dag_id}/dagRuns?run_type={run_type}"
        runs: list[dict[str, Any]] = self.services.get(path)["dag_runs"]
        return runs

    def ended(
        self, dag_id: str, run_type: str, *, count: int = 1, limit_s: float = RUN_LIMIT_S
    ) -> list[dict[str, Any]]:
        """*count* runs of a kind, once all of them have succeeded or failed."""

        def look() -> list[dict[str, Any]]:
            runs = self.runs(dag_id, run_type)
            over = [run for run in runs if run["state"] in ("success", "failed")]
            return over if len(over) >= count else []

        runs: list[dict[str, Any]] = self.services.wait_for(look, limit_s=limit_s)
        return runs


@contextmanager
def scheduled_lake(folder: Path, *, programs: Path) -> Iterator[ScheduledLake]:
    """The services over a PostgreSQL server of their own, once they know every DAG.

    SQLite would refuse a request now and then: of two that write, one finds the file locked.
    """
    write_feeds(folder / "feeds", FEEDS)
    shutil.copytree(REPOSITORY / "dags", folder / "dags")
    (folder / "dags/untagged.py").write_text(UNTAGGED)
    notifier_args = {
        "path": str(folder / "alerts"),
        "text": "{{ alert.message }}",
    }
    transport = {"type": "file", "log_file_path": str(folder / "lineage"), "append": True}
    with (
        running(app(market=Market(seed=5, trades_per_hour=600))) as replay,
        databases.postgres(programs) as database,
    ):
        env = services_settings(folder, database=database, replay=replay) | {
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
            "TICKLAKE_NOTIFIER": "tests.support.notifiers.FileNotifier",
            "TICKLAKE_NOTIFIER_ARGS": json.dumps(notifier_args),
        }
        run_airflow(["db", "migrate"], env=env)
        engine = sa.create_engine(database.url("psycopg2"), poolclass=sa.NullPool)
        with running_airflow(env=env, folder=folder) as services:
            lake = ScheduledLake(services=services, folder=folder, engine=engine)
            dag_ids = ["untagged", *(f"ingest_{name}" for name in FEEDS)]
            services.wait_for(
                lambda: all(services.call("GET", f"dags/{dag_id}").ok for dag_id in dag_ids),
                limit_s=RUN_LIMIT_S,
            )
            yield lake


def services_settings(folder: Path, *, database: Database, replay: str) -> dict[str, str]:
    """The environment of Airflow's services and of a lake, all of it in *folder*."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "TICKLAKE_", "AWS_"))
    }
    return inherited | {
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database.url("psycopg2"),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
        "PYTHONPATH": str(REPOSITORY),
        "TICKLAKE_BASE_URL": replay,
        "TICKLAKE_FEEDS": str(folder / "feeds"),
        "TICKLAKE_RATE_LIMIT_URL": f"file://{folder}/rate-limits",
        "TICKLAKE_ROOT": f"file://{folder}/lake",
        "TICKLAKE_SHIPPED_FEEDS": "none",
    }


def write_feeds(folder: Path, feeds: Mapping[str, Mapping[str, Any]]) -> None:
    """*feeds*, by name: what is not as in the shipped feed of Binance's candles."""
    folder.mkdir()
    described = yaml.safe_load((REPOSITORY / "include/feeds/binance_klines.yaml").read_text())
    described |= {"slices": SLICES}
    for name, changes in feeds.items():
        feed = {**described, **changes}
        if name == "unseen":  # a pool that no tagged DAG needs
            feed["source"] = {**feed["source"], "base_url": "https://unseen.example.com"}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(feed, sort_keys=False))
