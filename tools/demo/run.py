"""One hour of trades, from an API's pages to a Parquet lake, on this machine: ``make demo``.

Reads ``DEMO_ROOT`` (where the lake goes: a folder or a URI, ``./lake`` by default) and ``LIVE``
(1 asks the real API instead of a local stand-in). Runs the DAG that a scheduler would run, in
``airflow dags test``, and ends with a table of what it did.
"""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from include.ticklake.errors import TicklakeError
from include.ticklake.feed import loader
from include.ticklake.feed.http_source import HttpSource
from tools.local.airflow import REPOSITORY, environment
from tools.local.output import base_url_of, first_line, say

FEED = "binance_agg_trades"
RUN_AT = "2026-01-02T03:00:00+00:00"
HOMES = REPOSITORY / "airflow_home"
TRADES_PER_HOUR = 60_000  # of each symbol: a busy hour
START_LIMIT_S = 60
REACH_LIMIT_S = 10
RUN_LIMIT_S = 900
LOG_TAIL_LINES = 40


class DemoError(Exception):
    """A step ended badly; the message says which."""


def main(env: Mapping[str, str]) -> int:
    """Run the demo; 0 if all went well."""
    # Ended from outside, leave by an exception: it ends the child processes on its way.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    HOMES.mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="demo-", dir=HOMES))
    try:
        run(env, home=home)
    except (DemoError, TicklakeError, subprocess.TimeoutExpired) as failed:
        for log in sorted(home.glob("*.log")):
            sys.stderr.writelines(log.read_text().splitlines(keepends=True)[-LOG_TAIL_LINES:])
        sys.stderr.write(f"\nmake demo: {failed}; the whole logs are in {home}\n")
        return 1
    shutil.rmtree(home)
    return 0


def run(env: Mapping[str, str], *, home: Path) -> None:
    """The DAG over one hour, then the table, with everything but the lake in *home*."""
    root_uri = lake(env.get("DEMO_ROOT", ""))
    live = env.get("LIVE", "") not in ("", "0")
    with real_api() if live else replay(home) as base_url:
        own = environment(env, home=home, root_uri=root_uri, base_url=base_url)
        say("2/4 airflow db migrate (SQLite)")
        airflow(["db", "migrate"], env=own, home=home)
        say(f"3/4 airflow dags test ingest_{FEED} {RUN_AT}")
        began = time.monotonic()
        airflow(["dags", "test", f"ingest_{FEED}", RUN_AT], env=own, home=home)
        seconds = time.monotonic() - began
        say("4/4 the largest slice again, each stage by itself, to see its memory\n")
        show(event(home), env=own, seconds=seconds)


def lake(place: str) -> str:
    """The root URI that ``DEMO_ROOT`` means: a URI as it is, a folder as ``file:///...``."""
    return place if "://" in place else (REPOSITORY / (place or "lake")).resolve().as_uri()


@contextmanager
def real_api() -> Iterator[str]:
    """The feed's own host, once it has answered; yields no base URL to go to instead."""
    import requests  # a demo without LIVE=1 does not need it

    source = loader.load(FEED).source
    assert isinstance(source, HttpSource)
    base_url = source.base_url
    try:
        requests.get(f"{base_url}/api/v3/ping", timeout=REACH_LIMIT_S).raise_for_status()
    except requests.RequestException as error:
        raise DemoError(
            f"LIVE=1, but {base_url} cannot be used from here ({type(error).__name__}); "
            "without LIVE=1 the demo needs no network"
        ) from None
    say(f"1/4 {base_url} answers")
    yield ""


@contextmanager
def replay(home: Path) -> Iterator[str]:
    """The stand-in for the API on a free port, while the block runs; yields its base URL."""
    argv = [sys.executable, "-m", "include.replay", "--port", "0"]
    argv += ["--trades-per-hour", str(TRADES_PER_HOUR)]
    with (home / "replay.log").open("w") as log:
        server = subprocess.Popen(
            argv, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        base_url = base_url_of(first_line(server.stdout, limit_s=START_LIMIT_S))
        if base_url is None:
            raise DemoError("the replay did not start")
        say(f"1/4 a stand-in for Binance's API listens on {base_url}")
        yield base_url
    finally:
        server.terminate()
        server.communicate(timeout=START_LIMIT_S)


def airflow(arguments: list[str], *, env: Mapping[str, str], home: Path) -> None:
    """Run one command of Airflow's; what it says goes to a log in *home*."""
    argv = [sys.executable, "-m", "airflow", *arguments]
    with (home / "airflow.log").open("a") as log:
        done = subprocess.run(
            argv, cwd=REPOSITORY, env=dict(env), stdout=log, stderr=log, timeout=RUN_LIMIT_S
        )
    if done.returncode:
        raise DemoError(f"airflow {' '.join(arguments)} ended with {done.returncode}")


def event(home: Path) -> dict[str, Any]:
    """What the DAG published: the ``extra`` of its asset event."""
    with closing(sqlite3.connect(home / "airflow.db")) as database:
        row = database.execute("SELECT extra FROM asset_event ORDER BY id DESC LIMIT 1").fetchone()
    if row is None:
        raise DemoError("the DAG ended well, but published nothing")
    extra: dict[str, Any] = json.loads(row[0])
    return extra


def show(published: Mapping[str, Any], *, env: Mapping[str, str], seconds: float) -> None:
    """Print the table of the run that *published* tells of."""
    # Imported late: the steps above should not wait for pyarrow.
    from tools.demo import table

    with tempfile.TemporaryDirectory() as scratch:
        say(table.table(published, env=env, seconds=seconds, scratch=Path(scratch)))
