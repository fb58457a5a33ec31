"""The parts of ``make ui``; the whole of it is in tests/browser."""

from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
import requests

from include.replay import server
from include.replay.market import Market
from include.ticklake.feed import loader
from include.ticklake.settings import Settings
from tools.local.airflow import REPOSITORY
from tools.ui import exchange, fill, home, run, services
from tools.ui.children import RUN_VARIABLE, Children, stop_leftovers
from tools.ui.progress import Steps
from tools.ui.ui_error import UiError

NOW = datetime(2026, 1, 2, 9, 41, 7, tzinfo=UTC)


def test_a_folder_of_somebody_else_is_left_as_it_is(tmp_path: Path):
    """UI_HOME=$HOME must not cost anybody a folder called lake."""
    (tmp_path / "lake").mkdir()
    with pytest.raises(UiError, match="was not created by make ui"), home.locked(tmp_path):
        pass
    assert (tmp_path / "lake").is_dir()


def test_two_do_not_share_a_folder(tmp_path: Path):
    """The second one says who holds it; once that has ended, it starts with an empty lake."""
    place = tmp_path / "ui"
    with home.locked(place):
        (place / "lake" / "old").touch()
        (place / "feeds" / "mine.yaml").touch()
        with pytest.raises(UiError, match=f"process {os.getpid()}"), home.locked(place):
            pass
    with home.locked(place):
        assert not (place / "lake" / "old").exists()
        assert (place / "feeds" / "mine.yaml").exists()


def test_main_says_what_is_wrong_in_one_line(tmp_path: Path, capsys):
    """No traceback for what a user can change."""
    (tmp_path / "file").touch()
    assert run.main({"UI_HOME": str(tmp_path)}) == 1
    assert capsys.readouterr().err.startswith(f"\nmake ui: {tmp_path}: ")


def test_a_port_is_free_unless_one_is_named():
    """A named one that is taken, or is none, is refused with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(UiError, match=f"UI_PORT={number}: .*; choose another"):
            services.port({"UI_PORT": str(number)})
    assert services.port({"UI_PORT": str(number)}) == number
    for text in ("eighty", "70000"):
        with pytest.raises(UiError, match=f"UI_PORT={text}: is not a port"):
            services.port({"UI_PORT": text})


def test_no_two_starts_share_a_secret(tmp_path: Path):
    """The password is random, and only its owner reads the file it is in."""
    (tmp_path / "airflow").mkdir()
    first, second = services.write_password(tmp_path), services.write_password(tmp_path)
    assert first != second
    assert services.password_file(tmp_path).stat().st_mode & 0o077 == 0
    environments = [services.environment({}, home=tmp_path, base_url="", port=1) for _ in range(2)]
    for name in ("AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__API__SECRET_KEY"):
        assert environments[0][name] != environments[1][name]


def test_every_server_of_airflows_listens_on_the_loopback(tmp_path: Path):
    """Its log servers cannot, so they are left out."""
    env = services.environment({}, home=tmp_path, base_url="", port=4711)
    assert (env["AIRFLOW__API__HOST"], env["AIRFLOW__API__PORT"]) == ("127.0.0.1", "4711")
    with_log_server = {"scheduler", "triggerer"}
    assert all("--skip-serve-logs" in services.COMPONENTS[name] for name in with_log_server)


def test_a_feed_of_ones_own_reaches_its_own_api(tmp_path: Path):
    """The stand-in gets what it plays: the shipped feeds, and the tutorial's."""
    env = services.environment({}, home=tmp_path, base_url="http://stand-in", port=4711)
    settings = Settings.from_env({name: env[name] for name in env if name.startswith("TICKLAKE_")})
    assert settings.base_url_for("http://127.0.0.1:7077") is None
    tutorial = (REPOSITORY / "docs/tutorial.md").read_text()
    [of_tutorial] = re.findall(r"^  base_url: (.*)$", tutorial, re.MULTILINE)
    shipped = (path.read_text() for path in loader.SHIPPED.glob("*.yaml"))
    urls = [
        url for text in shipped for url in re.findall(r"^  base_url: (.*)$", text, re.MULTILINE)
    ]
    assert len(urls) > 20
    for url in [*urls, of_tutorial]:
        assert settings.base_url_for(url) == "http://stand-in"


def test_the_lake_gets_the_last_six_full_hours_but_one():
    """The range of each feed; the hour that is left out is of one feed."""
    ranges = {each.feed: each.ranges(NOW) for each in fill.FILLS}
    assert [len(parts) for parts in ranges.values()].count(2) == 1
    hours = {(parts[0][0].hour, parts[-1][1].hour) for parts in ranges.values()}
    assert hours == {(3, 9)}
    (before, after) = ranges["binance_klines"]
    assert (before[1].hour, after[0].hour) == (6, 7)
    assert fill.bad_hour(NOW).hour == 7


def test_one_hour_of_one_symbol_is_bad():
    """Six of its candles have a volume that is no number; its neighbours and others have none."""
    hour = fill.bad_hour(NOW)
    start_ms = int(hour.timestamp() * 1_000)
    application = server.app(market=Market(), now_ms=lambda: int(NOW.timestamp() * 1_000))
    with server.running(exchange.BadHour(application, start_ms=start_ms)) as base_url:

        def volumes(symbol: str) -> dict[int, str]:
            query = {"category": "spot", "symbol": symbol, "interval": "1", "limit": "1000"}
            rows = requests.get(f"{base_url}/v5/market/kline", query, timeout=30).json()
            return {int(row[0]): row[5] for row in rows["result"]["list"]}

        bad = {at for at, volume in volumes("SOLUSDT").items() if volume == "n/a"}
        assert bad == {start_ms + minute * 60_000 for minute in range(0, 60, 10)}
        assert "n/a" not in volumes("BTCUSDT").values()


SLEEPER = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                         start_new_session=True)
print(child.pid, flush=True)
child.wait()
"""


def test_nothing_is_left_behind(tmp_path: Path):
    """Also what a child started in a session of its own."""
    children = Children(logs=tmp_path, run=str(tmp_path))
    parent = children.start("parent", ["-c", SLEEPER], env=os.environ, has_output=True)
    assert parent.stdout is not None
    grandchild = psutil.Process(int(parent.stdout.readline()))
    children.stop()
    assert not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE
    with pytest.raises(UiError, match="make ui is ending"):
        children.run("late", ["-c", ""], env=os.environ)


def test_what_a_killed_start_left_is_ended_by_the_next(tmp_path: Path):
    """Those that carry its name alone."""
    argv = [sys.executable, "-c", "import time; time.sleep(600)"]
    ours = subprocess.Popen(argv, env={**os.environ, RUN_VARIABLE: str(tmp_path)})
    others = subprocess.Popen(argv, env={**os.environ, RUN_VARIABLE: f"{tmp_path}/other"})
    try:
        assert stop_leftovers(str(tmp_path)) == 1
        assert ours.poll() is not None
        assert others.poll() is None
    finally:
        others.kill()
        others.wait()


def test_a_program_that_ends_is_named_with_its_last_lines(tmp_path: Path):
    """A service that should run, and a step that fails."""
    children = Children(logs=tmp_path, run=str(tmp_path))
    failing = ["-c", "import sys; sys.exit('the port is taken')"]
    with pytest.raises(UiError, match=r"migrate: ended with 1\n +the port is taken"):
        children.run("migrate", failing, env=os.environ)
    children.start("api-server", failing, env=os.environ).wait()
    with pytest.raises(UiError, match=r"api-server: ended with 1\n +the port is taken"):
        children.check()
    children.stop()


def test_progress_is_plain_lines_where_no_terminal_is():
    """A log shows when a step starts, and how long it took."""
    output = io.StringIO()
    with Steps(2, output=output).step("the database"):
        assert output.getvalue() == "1/2  the database ...\n"
    assert output.getvalue().endswith("     done after 0.0 s\n")
