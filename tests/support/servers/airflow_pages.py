"""Airflow's own API server with our pages, in a process of its own, and users who log in there.

``pages_program.py`` is the program.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

START_LIMIT_S = 300
PROGRAM = "tests.support.servers.pages_program"
USERS = {"admin": "admin", "user": "user", "viewer": "viewer", "apart": "user"}
"""Names and roles."""


@dataclass(frozen=True)
class AirflowPages:
    """A running API server; ``session(user)`` is a browser that has logged in."""

    url: str
    process: subprocess.Popen[str]

    def session(self, user: str) -> requests.Session:
        """Requests with the cookie that Airflow's login page sets."""
        session = requests.Session()
        session.cookies.set("_token", self.token(user))
        return session

    def token(self, user: str) -> str:
        """What logs *user* in."""
        answer = requests.post(
            f"{self.url}/auth/token", json={"username": user, "password": user}, timeout=60
        )
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        return token

    def get(self, path: str, user: str = "admin") -> requests.Response:
        """The answer to *user* for ``/ticklake/<path>``."""
        with self.session(user) as session:
            return session.get(f"{self.url}/ticklake/{path}", timeout=60)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=START_LIMIT_S)


def start(env: Mapping[str, str], *, hidden_dag: str = "", program: str = PROGRAM) -> AirflowPages:
    """The server over the database and the lake that *env* names."""
    passwords = Path(env["AIRFLOW_HOME"]) / "passwords.json"
    passwords.write_text(json.dumps({name: name for name in USERS}))
    own = {
        "TICKLAKE_TEST_HIDDEN_DAG": hidden_dag,
        "AIRFLOW__CORE__AUTH_MANAGER": f"{PROGRAM}.HidingAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{n}:{r}" for n, r in USERS.items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
    }
    log = Path(env["AIRFLOW_HOME"]) / "api-server.log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", program],
            env={**env, **own},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    timer = threading.Timer(START_LIMIT_S, process.kill)
    timer.start()
    assert process.stdout is not None
    url = next((line.strip() for line in process.stdout if line.startswith("http://")), "")
    timer.cancel()
    assert url, log.read_text()
    process.stdout.close()
    return AirflowPages(url, process)
