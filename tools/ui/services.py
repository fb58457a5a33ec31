"""Airflow's four processes on a free port of the loopback, and its API as the admin uses it."""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from include.ticklake.feed import loader
from tools.local import airflow
from tools.ui.children import Children
from tools.ui.ui_error import UiError

USER = "admin"
COMPONENTS = {
    "api-server": [],
    # Their servers of logs have fixed ports on every address; the API server reads the files.
    "scheduler": ["--skip-serve-logs"],
    "dag-processor": [],
    "triggerer": ["--skip-serve-logs"],
}
HEALTHY = ("metadatabase", "scheduler", "dag_processor", "triggerer")
LIMIT_S = 300.0
POLL_S = 0.3
REQUEST_LIMIT_S = 20
SHIPPED_FEEDS = (
    "binance_agg_trades,binance_klines,okx_trades,kraken_ohlc,coinbase_trades,coingecko_markets"
)
"""The feeds with data, and three to start with; all of them take the DAG processor much longer."""
TUTORIAL_HOST = "127.0.0.1:8900"
"""The exchange of docs/tutorial.md, which the stand-in plays, too."""


def port(env: Mapping[str, str]) -> int:
    """A free port, or ``UI_PORT``. ``UiError`` where that is taken."""
    text = env.get("UI_PORT", "")
    if not (text or "0").isdecimal() or int(text or 0) > 65_535:
        raise UiError(f"UI_PORT={text}: is not a port; leave it out for a free one")
    try:
        with socket.create_server(("127.0.0.1", int(text or 0))) as listener:
            return int(listener.getsockname()[1])
    except OSError as problem:
        raise UiError(
            f"UI_PORT={text}: {problem.strerror}; choose another, or leave it out for a free one"
        ) from None


def environment(env: Mapping[str, str], *, home: Path, base_url: str, port: int) -> dict[str, str]:
    """What every process sees; the secrets in it are new at each start."""
    own = airflow.environment(
        env, home=home / "airflow", root_uri=(home / "lake").as_uri(), base_url=base_url
    )
    url = f"http://127.0.0.1:{port}"
    feeds = [str(home / "feeds"), *filter(None, [env.get("TICKLAKE_FEEDS")])]
    return own | {
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple."
        "simple_auth_manager.SimpleAuthManager",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(max(2, min(os.cpu_count() or 2, 8))),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(password_file(home)),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "TICKLAKE_BASE_URL_HOSTS": ",".join(played_hosts()),
        "TICKLAKE_FEEDS": ":".join(feeds),
        "TICKLAKE_SHIPPED_FEEDS": env.get("TICKLAKE_SHIPPED_FEEDS") or SHIPPED_FEEDS,
    }


def played_hosts() -> list[str]:
    """The hosts whose API the stand-in plays: a feed of the user's own reaches its own host."""
    feeds = map(loader.read_feed, loader.SHIPPED.glob("*.yaml"))
    urls = {str(getattr(feed.source, "base_url", "")) for feed in feeds}
    return sorted({urlsplit(url).netloc for url in urls} - {""} | {TUTORIAL_HOST})


def password_file(home: Path) -> Path:
    """Where the password of this start is, for Airflow to read."""
    return home / "airflow" / "passwords.json"


def write_password(home: Path) -> str:
    """Make a password that nobody had before."""
    password, path = secrets.token_urlsafe(12), password_file(home)
    path.touch(mode=0o600)
    path.write_text(json.dumps({USER: password}))
    return password


def start(children: Children, *, env: Mapping[str, str]) -> None:
    """Start the four."""
    for component, options in COMPONENTS.items():
        children.start(component, ["-m", "airflow", component, *options], env=env)


class AirflowApi:
    """Airflow's public API at *url*, once it answers."""

    def __init__(self, url: str, *, password: str, children: Children) -> None:
        self.url = url
        self._password = password
        self._children = children
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no way to this machine's loopback
        self.unhealthy: tuple[str, ...] = HEALTHY

    def wait_until_healthy(self) -> None:
        """Return once all four say that they work, and log in."""
        self._wait_for(self._is_healthy, lambda: ", ".join(self.unhealthy))
        answer = self._session.post(
            f"{self.url}/auth/token",
            json={"username": USER, "password": self._password},
            timeout=REQUEST_LIMIT_S,
        )
        answer.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def unpause(self, dag_id: str) -> None:
        """Unpause a DAG, once the DAG processor has read it: its newest interval runs at once."""
        path = f"/api/v2/dags/{dag_id}"

        def is_unpaused() -> bool:
            return self._request("PATCH", path, {"is_paused": False}) is not None

        self._wait_for(is_unpaused, lambda: f"the DAG {dag_id}")

    def _is_healthy(self) -> bool:
        health = self._request("GET", "/api/v2/monitor/health")
        self.unhealthy = tuple(
            name for name in HEALTHY if (health or {}).get(name, {}).get("status") != "healthy"
        )
        return not self.unhealthy

    def _request(self, method: str, path: str, body: object = None) -> dict[str, Any] | None:
        """The answer, None as long as there is none."""
        try:
            answer = self._session.request(
                method, self.url + path, json=body, timeout=REQUEST_LIMIT_S
            )
        except requests.ConnectionError:
            return None
        return answer.json() if answer.ok else None

    def _wait_for(self, is_true: Callable[[], bool], missing: Callable[[], str]) -> None:
        limit_s = time.monotonic() + LIMIT_S
        while not is_true():
            self._children.check()
            if time.monotonic() > limit_s:
                raise UiError(f"Airflow did not come up in {LIMIT_S:.0f} s; {missing()} is missing")
            time.sleep(POLL_S)
