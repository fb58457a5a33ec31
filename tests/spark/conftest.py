"""One Spark for all tests, with a session and a database of its own for each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from include.ticklake.lake.storage import Storage
from tools import spark_home
from tools.servers import databases
from tools.servers.airflow_services import free_port
from tools.servers.databases import Database
from tools.servers.spark import SparkServer, spark_server

_numbers = itertools.count()


@pytest.fixture(scope="session")
def spark_process(tmp_path_factory) -> Iterator[SparkServer]:
    if reason := spark_home.why_missing():
        pytest.skip(reason)
    with spark_server(tmp_path_factory.mktemp("spark")) as server:
        yield server


@pytest.fixture
def spark(spark_process) -> SparkServer:
    database = f"test_{next(_numbers)}"
    spark_process.new_session()
    spark_process.sql(f"CREATE DATABASE {database}")
    spark_process.sql(f"USE {database}")
    return spark_process


@pytest.fixture
def storage(tmp_path) -> Storage:
    """A lake in a folder whose name needs care in a statement."""
    return Storage.open(f"file://{tmp_path}/the lake's", {})


@pytest.fixture(scope="session")
def catalog_database() -> Iterator[Database]:
    """A PostgreSQL that listens on a port: Java's driver knows no other way."""
    programs = databases.postgres_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server: apt-get install postgresql")
    with databases.postgres(programs, port=free_port()) as database:
        yield database
