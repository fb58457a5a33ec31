"""The pages as Airflow's API server serves them, to users with different rights."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from include.ticklake.lake.storage import Storage
from tests.conftest import REPOSITORY
from tests.support import page_lake
from tests.support.servers import airflow_pages
from tests.support.servers.airflow_pages import AirflowPages
from tests.ui import pages_lake


@pytest.fixture(scope="session")
def pages_env(
    airflow_env: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The environment of the API server: a database that has the DAGs, and a lake of its own."""
    folder = tmp_path_factory.mktemp("pages")
    shutil.copytree(airflow_env["AIRFLOW_HOME"], home := folder / "home")
    env = {
        **airflow_env,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "TICKLAKE_ROOT": f"file://{folder}/lake",
        "TICKLAKE_FEEDS": str(folder / "feeds"),
        # On a busy machine the feeds take longer than the half minute that Airflow gives them.
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",
    }
    pages_lake.write(folder)
    read = subprocess.run(
        [sys.executable, "-m", "airflow", "dags", "reserialize"],
        env=env,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert read.returncode == 0, read.stdout + read.stderr
    return env


@pytest.fixture(scope="session")
def views_lake(pages_env: dict[str, str]) -> Storage:
    """The lake that the API server reads, with the data of ``page_lake``."""
    storage = Storage.open(pages_env["TICKLAKE_ROOT"], {})
    page_lake.write(storage)
    return storage


@pytest.fixture(scope="session")
def pages(pages_env: dict[str, str], views_lake: Storage) -> Iterator[AirflowPages]:  # noqa: ARG001
    """A running API server; ``apart`` may not see the feed ``kraken_trades``.

    It keeps what it read for some seconds, also that there is nothing: its lake is written before.
    """
    server = airflow_pages.start(pages_env, hidden_dag="ingest_kraken_trades")
    yield server
    server.close()
