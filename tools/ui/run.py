"""Airflow with the plugin over a lake that fills: ``make ui``.

Reads ``UI_HOME`` (the folder it works in, ``build/ui`` by default) and ``UI_PORT`` (a free port by
default). Prints where to log in, then waits; Ctrl-C ends every process and removes Airflow's part.
"""

from __future__ import annotations

import shutil
import signal
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tools.local.airflow import REPOSITORY
from tools.local.output import base_url_of, first_line, say
from tools.ui import fill, home, services
from tools.ui.children import Children, stop_leftovers
from tools.ui.progress import Steps
from tools.ui.ui_error import UiError

STEPS = 5
START_LIMIT_S = 60
LOOK_EVERY_S = 1.0
PAGE = "plugin/lake"
UNPAUSED = (*(f"ingest_{each.feed}" for each in fill.FILLS), "rebuild")


def main(env: Mapping[str, str]) -> int:
    """Run until interrupted; 0 then, 1 after a failure."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Ended from outside, leave by an exception: it ends the child processes on its way.
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    # A shell that starts this in the background has Ctrl-C ignored, and so would its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    place = home.folder(env)
    try:
        with home.locked(place):
            return run(env, place)
    except UiError as problem:
        sys.stderr.write(f"\nmake ui: {problem}\n")
        return 1


def run(env: Mapping[str, str], place: Path) -> int:
    """Start everything in *place*, and wait."""
    if count := stop_leftovers(str(place)):
        say(f"ended {count} processes that an earlier make ui, killed, had left")
    children = Children(logs=place / "logs", run=str(place))
    is_clean = False
    try:
        start(env, place, children)
        while True:
            time.sleep(LOOK_EVERY_S)
            children.check()
    except KeyboardInterrupt:
        is_clean = True
        return 0
    except SystemExit:
        is_clean = True
        raise
    except UiError as problem:
        raise UiError(f"{problem}\n\nthe whole logs are in {place / 'logs'}") from None
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # the end takes seconds, and is on its way
        say("\nending ...")
        children.stop()
        if is_clean:
            home.clean(place)
            say(f"ended; the lake stays in {place / 'lake'} until the next make ui")


def start(env: Mapping[str, str], place: Path, children: Children) -> None:
    """Everything up to the lines that say where to log in."""
    now, steps = datetime.now(UTC), Steps(STEPS)
    port = services.port(env)
    shutil.copy(REPOSITORY / "tools/ui/my_candles.yaml", place / "feeds")
    password = services.write_password(place)
    with steps.step("a stand-in for the exchanges' APIs"):
        base_url = start_exchange(children, env=env, now=now)
    own = services.environment(env, home=place, base_url=base_url, port=port)
    lake = fill.LakeFill(children, env=own, now=now)
    with steps.step("Airflow's database (SQLite)"):
        children.run("db-migrate", ["-m", "airflow", "db", "migrate"], env=own)
    services.start(children, env=own)
    with steps.step(f"{fill.HOURS} hours of {len(fill.FILLS)} feeds into the lake", lake.progress):
        lake.wait()
    api = services.AirflowApi(f"http://127.0.0.1:{port}", password=password, children=children)
    with steps.step("Airflow's four processes", lambda: "waiting for " + ", ".join(api.unhealthy)):
        api.wait_until_healthy()
    with steps.step("the DAGs; each ingests its newest hour by the scheduler"):
        for dag_id in UNPAUSED:
            api.unpause(dag_id)
    show(steps, url=f"{api.url}/{PAGE}", password=password, place=place)


def start_exchange(children: Children, *, env: Mapping[str, str], now: datetime) -> str:
    """Start the stand-in for the APIs; its base URL."""
    argv = ["-m", "tools.ui.exchange", fill.bad_hour(now).isoformat()]
    own = {**env, "PYTHONPATH": str(REPOSITORY)}
    server = children.start("exchange", argv, env=own, has_output=True)
    base_url = base_url_of(first_line(server.stdout, limit_s=START_LIMIT_S))
    if base_url is None:
        raise UiError(f"exchange: did not start{children.log_tail('exchange')}")
    return base_url


def show(steps: Steps, *, url: str, password: str, place: Path) -> None:
    """Say where everything is."""
    say(
        f"""
ready after {steps.elapsed_s:.0f} s

  open       {url}
  user       {services.USER}
  password   {password}

  lake       {place / "lake"}
  feeds      {place / "feeds"} (a file added here is a DAG within a minute)
  logs       {place / "logs"}

Ctrl-C ends it all."""
    )
