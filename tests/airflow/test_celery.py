"""CeleryExecutor: Redis, PostgreSQL, two workers, and one of them is lost within an hour's run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa

from include.replay.market import Market
from include.replay.server import app, running
from include.ticklake.feed import loader
from include.ticklake.lake import read
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from tests.airflow.scheduled_lake import ScheduledLake, services_settings, write_feeds
from tests.conftest import REPOSITORY
from tests.support import cli_process
from tests.support.capped_command import skip_without_cgroups
from tools.servers import databases
from tools.servers.airflow_services import run_airflow, running_airflow
from tools.servers.celery_worker import CeleryWorker, celery_worker
from tools.servers.redis_server import redis, redis_program

pytestmark = [
    pytest.mark.dag,
    pytest.mark.database,
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),
]

LIMIT_S = 900
SLICES = 1_000
BATCHES = 8
CANDLES = 60
LIMIT_BYTES = 1024 * MIB
NOTICE_S = 20
# What one retry waits for; the DAG has 30 s.
RETRY_SOON = """
from datetime import timedelta
from include.operators.dag_support import retries
retries.DEFAULT_ARGS |= {"retry_delay": timedelta(seconds=1)}
"""
TASKS = (
    "SELECT task_id, count(*), sum(try_number - 1), "
    "avg(extract(epoch FROM end_date - start_date)), "
    "max(extract(epoch FROM end_date - start_date)) "
    "FROM task_instance WHERE state = 'success' GROUP BY task_id ORDER BY min(start_date)"
)
CONVERTED = "SELECT count(*) FROM task_instance WHERE task_id = 'convert' AND state = 'success'"
RUNNING = "SELECT pid, task_id, map_index FROM task_instance WHERE state = 'running'"
TRIES = (
    "SELECT task_id, map_index, try_number, state, extract(epoch FROM end_date) "
    "FROM task_instance_history WHERE state = 'failed' OR state = 'up_for_retry'"
)


class Loss(NamedTuple):
    """A worker that was killed: when, and which tasks it ran, by their map index."""

    at_s: float
    tasks: set[tuple[str, int]]


class CeleryLake(NamedTuple):
    """A scheduled lake, and the two workers that run its tasks."""

    lake: ScheduledLake
    kept: CeleryWorker
    lost: CeleryWorker


@contextmanager
def celery_lake(folder: Path) -> Iterator[CeleryLake]:
    """Airflow's services, once they know the DAG, and the workers, which may start still."""
    programs, program = databases.postgres_programs(), redis_program()
    if programs is None or program is None:
        pytest.skip("no PostgreSQL or no Redis: apt-get install postgresql redis-server")
    skip_without_cgroups()
    symbols = [f"C{number:04}USDT" for number in range(SLICES)]
    write_feeds(folder / "feeds", {"many": {"slices": {"interval": ["1m"], "symbol": symbols}}})
    (folder / "dags").mkdir()
    text = (REPOSITORY / "dags/ingest.py").read_text()
    (folder / "dags/ingest.py").write_text(
        text.replace("\nimport os\n", f"\nimport os{RETRY_SOON}")
    )
    with ExitStack() as open_here:
        replay = open_here.enter_context(running(app(market=Market(seed=5, trades_per_hour=600))))
        database = open_here.enter_context(databases.postgres(programs))
        redis_url = open_here.enter_context(redis(folder, program=program))
        env = services_settings(folder, database=database, replay=replay) | {
            "AIRFLOW__CELERY__BROKER_URL": redis_url,
            "AIRFLOW__CORE__PARALLELISM": "6",  # slots, and two messages that wait in Redis
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(NOTICE_S),
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "120",
            "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "10",
            "TICKLAKE_BATCHES_MAX": str(BATCHES),
            "TICKLAKE_LATEST_ROWS": "0",
            "TICKLAKE_RATE_LIMIT_URL": f"{redis_url.removesuffix('/0')}/1",
        }
        run_airflow(["db", "migrate"], env=env)
        services = open_here.enter_context(
            running_airflow(
                env=env,
                folder=folder,
                services=("api-server", "scheduler", "dag-processor"),
                executor="CeleryExecutor",
            )
        )
        kept, lost = (
            open_here.enter_context(
                celery_worker(
                    name, slots=2, limit_bytes=LIMIT_BYTES, env=services.env, folder=folder
                )
            )
            for name in ("kept", "lost")
        )
        engine = sa.create_engine(database.url("psycopg2"), poolclass=sa.NullPool)
        services.wait_for(lambda: services.call("GET", "dags/ingest_many").ok, limit_s=LIMIT_S)
        lake = ScheduledLake(services=services, folder=folder, engine=engine)
        yield CeleryLake(lake, kept, lost)


def lose_in_the_middle(lake: ScheduledLake, worker: CeleryWorker) -> Loss:
    """Kill *worker* while it converts, once a batch is converted and most are not."""

    def is_at_work() -> bool:
        ((converted,),) = lake.query(CONVERTED)
        return converted >= 1 and "convert" in worker.look()

    lake.services.wait_for(is_at_work, limit_s=LIMIT_S)
    pids = worker.lose()
    at_s = time.time()
    return Loss(at_s, {(task, index) for pid, task, index in lake.query(RUNNING) if pid in pids})


def test_an_hour_of_a_thousand_slices_survives_the_loss_of_a_worker(tmp_path, report_line):
    """All records are there, once: what the lost worker ran is tried again by the other one."""
    with celery_lake(tmp_path) as (lake, kept, lost):
        began_s = time.time()
        lake.unpause("ingest_many")  # which makes the run of the last hour
        loss = lose_in_the_middle(lake, lost)
        (run,) = lake.ended("ingest_many", "scheduled", limit_s=LIMIT_S)
        seconds = time.time() - began_s
        assert run["state"] == "success", lake.services.log_ends()
        tasks, tries = lake.query(TASKS), lake.query(TRIES)
        peaks = {worker.name: worker.group.peak_bytes() for worker in (kept, lost)}
        assert kept.group.out_of_memory_kills() == 0
    noticed_s = [float(end_s) - loss.at_s for *_, end_s in tries if end_s > loss.at_s]
    for line in (
        f"{SLICES} slices in {seconds:.0f} s; a worker with {len(loss.tasks)} tasks killed after "
        f"{loss.at_s - began_s:.0f} s, noticed {max(noticed_s, default=0):.0f} s later",
        *map(of_tasks, tasks),
        *of_processes(kept, peaks["kept"]),
        *of_processes(lost, peaks["lost"]),
    ):
        report_line(f"Celery: {line}")
    assert loss.tasks
    assert loss.tasks <= {(task, index) for task, index, *_ in tries}
    assert {row[0]: row[1] for row in tasks} == {
        "plan": 1,
        "extract": BATCHES,
        "convert": BATCHES,
        "publish": 1,
    }
    check_lake(tmp_path, run)


def of_tasks(row: tuple) -> str:
    task_id, count, retries, mean_s, longest_s = row
    return (
        f"{task_id}: {count} tasks, {retries} retries, {mean_s:.1f} s each, at most {longest_s:.1f}"
    )


def of_processes(worker: CeleryWorker, peak_bytes: int) -> Iterator[str]:
    yield f"worker {worker.name}: peak {peak_bytes / MIB:.0f} of {LIMIT_BYTES / MIB:.0f} MiB"
    for name, kind in worker.kinds.items():
        peak_mib = kind.peak_bytes / MIB
        yield f"worker {worker.name}, {name}: {len(kind.pids)} processes, peak {peak_mib:.0f} MiB"


def check_lake(folder: Path, run: dict) -> None:
    """Each slice has its candles once, and the audit finds nothing, also no orphan."""
    root = f"file://{folder}/lake"
    start, end = (datetime.fromisoformat(run[f"data_interval_{edge}"]) for edge in ("start", "end"))
    feed = loader.read_feed(folder / "feeds/many.yaml")
    table = read.table(feed, storage=Storage.open(root, {}), start=start, end=end)
    counts = table.group_by("symbol").aggregate(
        [("open_time", "count_distinct"), ("open_time", "count")]
    )
    assert counts.num_rows == SLICES
    assert set(counts["open_time_count_distinct"].to_pylist()) == {CANDLES}
    assert set(counts["open_time_count"].to_pylist()) == {CANDLES}
    env = cli_process.environment(
        TICKLAKE_ROOT=root, TICKLAKE_FEEDS=str(folder / "feeds"), TICKLAKE_SHIPPED_FEEDS="none"
    )
    audit = cli_process.run(
        "audit", "many", "--start", f"{start:%FT%TZ}", "--end", f"{end:%FT%TZ}", env=env
    )
    assert (audit.exit_code, audit.out) == (0, "")
