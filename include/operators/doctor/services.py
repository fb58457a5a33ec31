"""What runs: the database, scheduler and API server, pools, connections, runners, the lake."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from include.operators.access.settings import ContainerSettings, OperatorSettings
from include.operators.doctor.installation import GUIDE
from include.ticklake.doctor import lake_checks, machine_checks
from include.ticklake.doctor.diagnosis import Diagnosis
from include.ticklake.errors import UsageError

_TIMEOUT_S = 5
_REMOTE = ("CeleryExecutor", "KubernetesExecutor")


def check_database() -> Iterator[Diagnosis]:
    """Yield whether Airflow's database answers and has its tables."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session
    from sqlalchemy import func, select
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with create_session() as session:
            session.scalar(select(func.count(Pool.id)))
            dialect = session.get_bind().dialect.name
    except SQLAlchemyError as error:
        text = f"no answer, or no tables: {type(error).__name__}"
        yield Diagnosis.fail("database", text, "check sql_alchemy_conn; run `airflow db migrate`")
        return
    yield Diagnosis.ok("database", dialect)


def check_processes() -> Iterator[Diagnosis]:
    """Yield which of Airflow's processes send heartbeats."""
    from airflow.api.common.airflow_health import get_airflow_health

    from include.operators.dag_support import feeds

    health = get_airflow_health()
    names = ["scheduler", "dag_processor"]
    if "kubernetes" in feeds.runners():  # its tasks wait in the triggerer
        names.append("triggerer")
    for name in names:
        words = name.replace("_", " ")
        beat = health[name][f"latest_{name}_heartbeat"]
        if health[name]["status"] == "healthy":
            yield _alive(name, words)
        elif beat:
            fix = f"start it again: `airflow {name.replace('_', '-')}`"
            yield Diagnosis.fail(words, f"no heartbeat since {beat}", fix)
        else:
            fix = f"start it: `airflow {name.replace('_', '-')}`, or `airflow standalone`"
            yield Diagnosis.warn(words, "never ran with this database", fix)


def _alive(name: str, words: str) -> Diagnosis:
    from airflow.configuration import conf
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner

    plugin = Path(conf.get("core", "plugins_folder")) / "ticklake_plugin.py"
    job = SchedulerJobRunner.most_recent_job() if name == "scheduler" else None
    if job and job.start_date and plugin.exists():
        copied = datetime.fromtimestamp(plugin.stat().st_ctime, UTC)
        if copied > job.start_date:
            text = "alive, but started before the plugin was there: it makes no pools"
            return Diagnosis.warn(words, text, "start the scheduler again")
    return Diagnosis.ok(words, "alive")


def check_api_server() -> Iterator[Diagnosis]:
    """Yield whether tasks can reach the API server, which hands them their work."""
    from airflow.executors.base_executor import get_execution_api_server_url

    url = get_execution_api_server_url()
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    where = f"{parts.hostname}:{port}"
    try:
        socket.create_connection((parts.hostname or "", port), timeout=_TIMEOUT_S).close()
    except OSError as error:
        yield Diagnosis.warn(
            "api server", f"nothing answers at {where}, where tasks ask for their work: {error}",
            "start `airflow api-server` there, or set AIRFLOW__API__BASE_URL, or "
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL, to where it is",
        )  # fmt: skip
    else:
        yield Diagnosis.ok("api server", f"answers at {where}; ticklake opens no port of its own")


def check_pools() -> Iterator[Diagnosis]:
    """Yield whether each source has its pool, and whether that will be made."""
    from airflow import plugins_manager
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session
    from sqlalchemy import select

    from include.operators.dag_support import feeds

    needed = {feed.host for feed in feeds.valid_feeds()}
    with create_session() as session:
        missing = sorted(needed - set(session.scalars(select(Pool.pool))))
    names = {str(plugin["name"]) for plugin in plugins_manager.get_plugin_info(["name"])}
    if not missing:
        yield Diagnosis.ok("pools", f"all {len(needed)} exist")
    elif "ticklake" in names:
        text = f"{len(missing)} of {len(needed)} do not exist yet; the plugin makes them"
        yield Diagnosis.ok("pools", text)
    else:
        yield Diagnosis.fail(
            "pools", f"{', '.join(missing)} do not exist, and nothing makes them",
            f"install the plugin, or for each: `airflow pools set {missing[0]} 4 ticklake`, "
            "and name all of them in the Airflow variable ticklake_pools",
        )  # fmt: skip


def check_connections() -> Iterator[Diagnosis]:
    """Yield whether the connections of the root and of the feeds exist."""
    from airflow.models.connection import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    from include.operators.dag_support import feeds
    from include.ticklake.doctor.source_checks import connection_of

    settings = OperatorSettings.from_env(os.environ)
    users: dict[str, list[str]] = {}
    if settings.root_uri.startswith("s3://"):
        users[settings.aws_conn_id] = ["the lake"]
    for feed in feeds.valid_feeds():
        if name := connection_of(feed):
            users.setdefault(name, []).append(feed.name)
    for name, by in users.items():
        try:
            Connection.get_connection_from_secrets(name)
        except AirflowNotFoundException:
            fix = f"`airflow connections add {name} ...`, or set AIRFLOW_CONN_{name.upper()}"
            if name == settings.aws_conn_id:
                text = f"{name} does not exist: the keys are those of this machine, if it has any"
                yield Diagnosis.warn("connections", text, fix)
            else:
                text = f"{name}, for {', '.join(by)}, does not exist"
                yield Diagnosis.fail("connections", text, fix)
        else:
            yield Diagnosis.ok("connections", f"{name}, for {', '.join(by)}")
    if not users:
        yield Diagnosis.ok("connections", "none is needed")


def check_executor() -> Iterator[Diagnosis]:
    """Yield which machines run tasks, for they need what this one has."""
    from airflow.configuration import conf

    executor = conf.get("core", "executor")
    settings = OperatorSettings.from_env(os.environ)
    if not any(name in executor for name in _REMOTE):
        yield Diagnosis.ok("executor", f"{executor}: tasks run where the scheduler runs")
    elif settings.root_uri.startswith("file:"):
        text = f"{executor}: other machines run the tasks, and do not see {settings.root_uri}"
        yield Diagnosis.fail("executor", text, "set TICKLAKE_ROOT to a bucket, or mount the folder")
    else:
        text = f"{executor}: every worker needs PYTHONPATH, requirements.txt and TICKLAKE_*, too"
        yield Diagnosis.warn("executor", text, f"run `doctor --airflow` there: {GUIDE}")


def check_runners() -> Iterator[Diagnosis]:
    """Yield whether each runner that feeds use has what it needs."""
    from include.operators.dag_support import feeds

    settings, containers = (
        OperatorSettings.from_env(os.environ),
        ContainerSettings.from_env(os.environ),
    )
    for runner in feeds.runners():
        if runner == "process":
            yield from machine_checks.check_memory_limit(settings.cap_bytes)
        elif runner == "docker":
            docker = {"TICKLAKE_RUNNER": "docker", "TICKLAKE_IMAGE": containers.image}
            yield from machine_checks.check_runner(docker)
        elif settings.root_uri.startswith("file:") and not containers.pod_template:
            text = f"kubernetes: a pod cannot see {settings.root_uri}"
            yield Diagnosis.fail("runner", text, "set TICKLAKE_ROOT to a bucket")
        elif "/" not in containers.image:
            text = f"kubernetes: {containers.image} names no registry that a node could pull from"
            yield Diagnosis.warn("runner", text, "push the image, and set TICKLAKE_IMAGE to it")
        else:
            yield Diagnosis.ok("runner", f"kubernetes, with the image {containers.image}")
    if "process" in feeds.runners() and shutil.which("setpriv") is None:
        text = "setpriv is not installed: a step may outlive a worker that is killed"
        yield Diagnosis.warn("runner", text, "install util-linux 2.33 or newer")


def check_notifier() -> Iterator[Diagnosis]:
    """Yield whether alerts have a way out."""
    from include.operators.alerts import notifier

    settings = OperatorSettings.from_env(os.environ)
    try:
        loaded = notifier.load(settings)
    except UsageError as error:
        yield Diagnosis.fail("notifier", str(error), "correct the setting, or leave it empty")
        return
    text = f"{settings.notifier}" if loaded else "none is set: alerts are in the log only"
    yield Diagnosis.ok("notifier", text)


def check_lake() -> Iterator[Diagnosis]:
    """Yield the rights below the root, with the keys of Airflow's connection."""
    from include.operators.access.connections import storage_access

    settings = OperatorSettings.from_env(os.environ)
    access = storage_access(settings, os.environ)
    yield from lake_checks.check_lake(settings.root_uri, access.env, access.credentials)
    yield lake_checks.check_disk(settings.root_uri)
