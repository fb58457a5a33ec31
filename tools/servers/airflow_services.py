"""Airflow as it runs in production: its services on free loopback ports, and its REST API.

Each service is a process of ``python -m airflow``; all end with the block, or with the process
that started them.
"""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests

_COMMANDS = {
    "api-server": ["api-server"],
    # A server for logs would listen on every address of the machine.
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
SERVICES = tuple(_COMMANDS)

START_LIMIT_S = 300.0
LOOK_EVERY_S = 0.25

_HEALTH = {
    "scheduler": "scheduler",
    "dag-processor": "dag_processor",
    "triggerer": "triggerer",
}
"""What the health report calls each service; the API server writes the report itself."""

_QUICK = {
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
}
"""For a machine with two cores, on which somebody waits for the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AirflowServices:
    """Running services, and a user who may do anything."""

    url: str
    env: Mapping[str, str]
    folder: Path
    """Where the log of each service is."""
    processes: Mapping[str, psutil.Process]
    session: requests.Session = field(default_factory=requests.Session, repr=False)

    def call(self, method: str, path: str, json: object = None) -> requests.Response:
        """Ask the REST API, as the UI does: ``call("POST", "dags/x/dagRuns", {...})``."""
        return self.session.request(method, f"{self.url}/api/v2/{path}", json=json, timeout=300)

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """The JSON at *path*; an HTTP error is raised."""
        response = self.call("GET", path)
        response.raise_for_status()
        return response.json()

    def wait_for(self, look: Callable[[], Any], *, limit_s: float) -> Any:  # noqa: ANN401
        """What *look* returns once that is something; ``TimeoutError`` with the end of the logs."""
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            if result := look():
                return result
            self._check_alive()
            time.sleep(LOOK_EVERY_S)
        raise TimeoutError(f"nothing after {limit_s:.0f} s\n{self.log_ends()}")

    def wait_for_run(self, dag_id: str, run_id: str, *, limit_s: float) -> str:
        """The state in which a run ended."""

        def ended() -> str | None:
            state: str = self.get(f"dags/{dag_id}/dagRuns/{run_id}")["state"]
            return state if state in ("success", "failed") else None

        state: str = self.wait_for(ended, limit_s=limit_s)
        return state

    def log_ends(self) -> str:
        """The last lines of every service's log."""
        logs = {name: _log(self.folder, name) for name in self.processes}
        return "\n".join(
            f"--- {name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-25:])
            for name, path in logs.items()
        )

    def _check_alive(self) -> None:
        for name, process in self.processes.items():
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                raise RuntimeError(f"airflow {name} has ended\n{self.log_ends()}")


def services_env(port: int, *, executor: str = "LocalExecutor") -> dict[str, str]:
    """Settings of Airflow by which its services find each other at *port*."""
    url = f"http://127.0.0.1:{port}"
    return {
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__EXECUTOR": executor,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    }


@contextmanager
def running_airflow(
    *,
    env: Mapping[str, str],
    folder: Path,
    services: Sequence[str] = SERVICES,
    executor: str = "LocalExecutor",
) -> Iterator[AirflowServices]:
    """Airflow's *services* over the database that *env* names and that is migrated.

    Logs go to *folder*. The block begins when every service has reported that it is healthy.
    """
    port = free_port()
    own_env = {**_QUICK, **env, **services_env(port, executor=executor)}
    with ExitStack() as open_here:
        processes = {
            name: open_here.enter_context(started_service(name, folder=folder, env=own_env))
            for name in services
        }
        airflow = AirflowServices(
            url=f"http://127.0.0.1:{port}", env=own_env, folder=folder, processes=processes
        )
        open_here.enter_context(airflow.session)
        airflow.wait_for(lambda: _is_healthy(airflow), limit_s=START_LIMIT_S)
        yield airflow


@contextmanager
def started_service(name: str, *, folder: Path, env: Mapping[str, str]) -> Iterator[psutil.Process]:
    """A service of Airflow, running; it is ended with its children. Its log is in *folder*."""
    with _log(folder, name).open("wb") as log:
        process = psutil.Popen(
            # Whatever ends the caller, also a kill, ends the service.
            ["setpriv", "--pdeathsig=TERM", sys.executable, "-m", "airflow", *_COMMANDS[name]],
            env=dict(env),
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        end_family(process)


def run_airflow(arguments: Sequence[str], *, env: Mapping[str, str]) -> None:
    """A command of Airflow, to its end; ``RuntimeError`` with its output if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "airflow", *arguments],
        env=dict(env),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        output = f"{done.stdout}{done.stderr}"[-4_000:]
        raise RuntimeError(f"airflow {' '.join(arguments)}:\n{output}")


def end_family(process: psutil.Process) -> None:
    """End *process* and its children: those that do not end when asked are killed."""
    try:
        family = [*process.children(recursive=True), process]
        process.terminate()
    except psutil.NoSuchProcess:
        return
    _, left = psutil.wait_procs(family, timeout=30)
    for survivor in left:
        survivor.kill()
    psutil.wait_procs(left, timeout=10)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _is_healthy(airflow: AirflowServices) -> bool:
    try:
        health = airflow.get("monitor/health")
        if "Authorization" not in airflow.session.headers:
            token = requests.get(f"{airflow.url}/auth/token", timeout=60).json()["access_token"]
            airflow.session.headers["Authorization"] = f"Bearer {token}"
    except requests.RequestException:  # not started yet
        return False
    return all(
        health[_HEALTH[name]]["status"] == "healthy"
        for name in airflow.processes
        if name in _HEALTH
    )


def _log(folder: Path, name: str) -> Path:
    return folder / f"{name}.log"
