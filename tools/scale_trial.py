"""100,000 planned units through a real scheduler: ``make scale-trial``. No part of the tests.

PostgreSQL, API server, scheduler with LocalExecutor and the replay run on this machine, and one
run of 5,000 slices by 20 hours, or what ``--units`` says, in ``--batches``. ``--verb rebuild``
finds nothing staged: each task reads its batch from the run's plan and looks for its windows, but
starts no step, so that what is left is the cost of Airflow and of the plan. ``--verb ingest``
fetches and converts a slice for each batch.
What each process took is printed as a table.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import sqlalchemy as sa
import yaml

from include.replay.market import Market
from include.replay.server import app, running
from tools.case_check import ROOT as REPOSITORY
from tools.servers.airflow_services import (
    run_airflow,
    running_airflow,
)
from tools.servers.databases import postgres, postgres_programs

FEED = "scale_trial"
START = datetime(2026, 1, 2, tzinfo=UTC)
SLICES_MAX = 5_000
LOOK_EVERY_S = 5.0

STATES = sa.text("SELECT state, count(*) FROM task_instance WHERE dag_id = :dag GROUP BY state")
RUN = sa.text("SELECT state FROM dag_run WHERE dag_id = :dag")
XCOM_BYTES = sa.text(
    "SELECT coalesce(sum(octet_length(CAST(value AS text))), 0) FROM xcom WHERE dag_id = :dag"
)
TIMES = sa.text(
    "SELECT task_id, count(*), "
    "avg(extract(epoch FROM end_date - start_date)), "
    "max(extract(epoch FROM end_date - start_date)), "
    "avg(extract(epoch FROM start_date - queued_dttm)) "
    "FROM task_instance WHERE dag_id = :dag AND end_date IS NOT NULL "
    "GROUP BY task_id ORDER BY task_id"
)


@dataclass(slots=True)
class Used:
    """What one process took, with those that it started and waited for."""

    process: psutil.Process
    children: bool
    cpu_s: float = 0.0
    peak_bytes: int = 0
    ended: dict[int, float] = field(default_factory=dict)

    def look(self) -> None:
        """Take its figures while it is there."""
        alive = [self.process]
        if self.children:
            alive += self.process.children(recursive=True)
        total_bytes = 0
        for process in alive:
            try:
                times, memory = process.cpu_times(), process.memory_full_info()
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            own_s = times.user + times.system
            waited_s = times.children_user + times.children_system if self.children else 0.0
            self.ended[process.pid] = own_s if process != self.process else own_s + waited_s
            total_bytes += memory.pss  # of what several share, each has its part
        self.peak_bytes = max(self.peak_bytes, total_bytes)
        self.cpu_s = sum(self.ended.values())


def main() -> int:
    """Run the trial and print its tables; 0 when every task went well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verb", choices=["rebuild", "ingest"], default="rebuild")
    parser.add_argument("--units", type=int, default=100_000)
    parser.add_argument("--batches", type=int, default=200)
    parser.add_argument("--slots", type=int, default=8, help="tasks that run at once")
    parser.add_argument("--limit-s", type=float, default=3_600)
    arguments = parser.parse_args()
    with ExitStack() as open_here:
        folder = Path(open_here.enter_context(tempfile.TemporaryDirectory(prefix="scale-")))
        programs = postgres_programs()
        if programs is None:
            raise SystemExit("no PostgreSQL server: apt-get install postgresql")
        database = open_here.enter_context(postgres(programs))
        url = database.url("psycopg2")
        source = open_here.enter_context(running(app(market=Market(trades_per_hour=600))))
        env = environment(arguments, folder=folder, database_url=url, source=source)
        return trial(arguments, env=env, folder=folder, database_url=url)


def environment(
    arguments: argparse.Namespace, *, folder: Path, database_url: str, source: str
) -> dict[str, str]:
    """Airflow's and ticklake's settings, and the feed of the trial in *folder*."""
    described = yaml.safe_load((REPOSITORY / "include/feeds/binance_klines.yaml").read_text())
    is_rebuild = arguments.verb == "rebuild"
    slices = min(arguments.units, SLICES_MAX) if is_rebuild else arguments.batches
    symbols = [f"C{number:04}USDT" for number in range(slices)]
    described["slices"] = {"symbol": symbols, "interval": ["1m"]}
    if is_rebuild:  # of feeds that have data only
        folder_of_feed = folder / f"lake/manifests/{FEED}/symbol=NONE"
        folder_of_feed.mkdir(parents=True)
    else:
        described["window"] = "1d"  # one scheduled run is made, whatever the hour
    (folder / "feeds").mkdir()
    (folder / "feeds" / f"{FEED}.yaml").write_text(yaml.safe_dump(described))
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")
    }
    return {
        **inherited,
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_url,
        "AIRFLOW__CORE__PARALLELISM": str(arguments.slots),
        "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": str(arguments.slots),
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        # On a busy machine a task would give up, and cost the same once more.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "PYTHONPATH": str(REPOSITORY),
        "TICKLAKE_BASE_URL": source,
        "TICKLAKE_BATCHES_MAX": str(arguments.batches),
        "TICKLAKE_FEEDS": str(folder / "feeds"),
        # There is nothing to show, and looking for it would be most of the time.
        **({"TICKLAKE_LATEST_ROWS": "0"} if is_rebuild else {}),
        "TICKLAKE_ROOT": f"file://{folder}/lake",
    }


def trial(
    arguments: argparse.Namespace, *, env: Mapping[str, str], folder: Path, database_url: str
) -> int:
    """One run, watched; its figures are printed."""
    run_airflow(["db", "migrate"], env=env)
    run_airflow(["dags", "reserialize"], env=env)
    host = yaml.safe_load((folder / "feeds" / f"{FEED}.yaml").read_text())["source"]["base_url"]
    pool = host.removeprefix("https://")
    run_airflow(["pools", "set", pool, str(arguments.slots), "scale trial"], env=env)
    is_rebuild = arguments.verb == "rebuild"
    engine, dag = sa.create_engine(database_url), "rebuild" if is_rebuild else f"ingest_{FEED}"
    with running_airflow(env=env, folder=folder, services=("api-server", "scheduler")) as airflow:
        api, scheduler = (airflow.processes[name] for name in ("api-server", "scheduler"))
        began_s = time.monotonic()
        airflow.call("PATCH", f"dags/{dag}", {"is_paused": False}).raise_for_status()
        if is_rebuild:  # which has no schedule
            hours = -(-arguments.units // min(arguments.units, SLICES_MAX))
            conf = {
                "feeds": [FEED],
                "start": START.isoformat(),
                "end": (START + timedelta(hours=hours)).isoformat(),
            }
            run = {"logical_date": None, "conf": conf}
            airflow.call("POST", f"dags/{dag}/dagRuns", run).raise_for_status()
        used = {
            "scheduler": Used(scheduler, children=False),
            "executor, tasks and conversions": Used(scheduler, children=True),
            "API server": Used(api, children=True),
            "PostgreSQL": Used(postmaster(), children=True),
        }
        try:
            state = watched(engine, dag, used, limit_s=began_s + arguments.limit_s)
        except KeyboardInterrupt:
            state = "stopped"
        seconds = time.monotonic() - began_s
    print(
        f"{dag}, {arguments.units:,} units, {arguments.batches} batches, {arguments.slots} at "
        f"once: {state} after {seconds:.0f} s\n"
    )
    report(engine, dag, used)
    plans = list((folder / "lake/plans").rglob("*.jsonl.gz"))
    with engine.connect() as connection:
        xcom_bytes = connection.execute(XCOM_BYTES, {"dag": dag}).scalar()
    print(f"\nXComs of the run: {xcom_bytes:,} bytes")
    print(f"its plan: {sum(plan.stat().st_size for plan in plans):,} bytes")
    return 0 if state == "success" else 1


def watched(engine: sa.Engine, dag: str, used: Mapping[str, Used], *, limit_s: float) -> str:
    """The state in which the run ended; progress goes to stderr."""
    logged_s = 0.0
    while time.monotonic() < limit_s:
        for usage in used.values():
            usage.look()
        with engine.connect() as connection:
            state: str | None = connection.execute(RUN, {"dag": dag}).scalar()
            states: dict[str, int] = dict(
                row._tuple() for row in connection.execute(STATES, {"dag": dag})
            )
        if time.monotonic() - logged_s > 30:
            logged_s = time.monotonic()
            sys.stderr.write(f"{state}: {states}\n")
        if state is not None and state in ("success", "failed"):
            return state
        time.sleep(LOOK_EVERY_S)
    return "not over in time"


def report(engine: sa.Engine, dag: str, used: Mapping[str, Used]) -> None:
    """Two tables: tasks, and processes."""
    with engine.connect() as connection:
        tasks = connection.execute(TIMES, {"dag": dag}).all()
    count = sum(row[1] for row in tasks)
    all_of_it = used["executor, tasks and conversions"]
    all_of_it.cpu_s -= used["scheduler"].cpu_s
    print(
        "| task | how many | seconds each | longest | queued for |\n| --- | --- | --- | --- | --- |"
    )
    for name, number, *seconds in tasks:
        shown = [f"{value:.2f}" if value is not None else "" for value in seconds]
        print(f"| {name} | {number} | {' | '.join(shown)} |")
    print("\n| process | CPU s | CPU s a task | peak MB |\n| --- | --- | --- | --- |")
    for name, one in used.items():
        peak_mb = one.peak_bytes / 1e6
        print(f"| {name} | {one.cpu_s:.0f} | {one.cpu_s / count:.3f} | {peak_mb:.0f} |")


def postmaster() -> psutil.Process:
    """The database server that this process started."""
    children = psutil.Process().children(recursive=True)
    return next(child for child in children if child.name() == "postgres")


if __name__ == "__main__":
    sys.exit(main())
