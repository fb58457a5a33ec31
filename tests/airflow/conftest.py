"""The DAGs as Airflow reads them, and runs of them as its command line makes them."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def dags():
    """Every DAG by its id."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(REPOSITORY / "dags")
    assert bag.import_errors == {}
    return bag.dags


@pytest.fixture(scope="module")
def own_airflow_env(
    airflow_env: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """``airflow_env`` with a database that no other module's runs are in."""
    home = tmp_path_factory.mktemp("own_airflow") / "home"
    shutil.copytree(airflow_env["AIRFLOW_HOME"], home)
    own = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
    return {**airflow_env, **own}


@pytest.fixture
def airflow(airflow_env: Mapping[str, str], tmp_path: Path) -> Run:
    """Runs ``airflow ARGUMENTS``, with the lake in a folder of the test's own."""
    own = {"TICKLAKE_ROOT": f"file://{tmp_path}/lake"}

    def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env={**airflow_env, **own, **env},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture
def recall(airflow_env):
    """Asks Airflow's database what it kept of a run."""

    def ask(query: str, *values: object) -> list[tuple[object, ...]]:
        path = Path(airflow_env["AIRFLOW_HOME"]) / "airflow.db"
        with closing(sqlite3.connect(path)) as database:
            return database.execute(query, values).fetchall()

    return ask
