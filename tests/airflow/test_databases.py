"""Where a task's database comes from: the connection's own provider, else SQLAlchemy."""

from __future__ import annotations

import json

import pytest

from include.operators.access.connections import engine
from include.ticklake.errors import UsageError
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.sql import engines
from tools.servers.databases import Database

pytestmark = [
    pytest.mark.dag,
    pytest.mark.filterwarnings("default"),  # Airflow's own, on import
]


def connection(kind: str, database: Database, **more: object) -> str:
    return json.dumps(
        {"conn_type": kind, "login": database.user, "password": database.password,
         "schema": database.name, **more}
    )  # fmt: skip


@pytest.mark.parametrize("scheme", ["postgresql+psycopg", "postgresql+psycopg2"])
def test_the_provider_makes_the_engine_that_the_connection_asks_for(
    postgresql, monkeypatch, scheme
):
    """All that its hook knows of a connection's extra counts."""
    extra = {"sqlalchemy_scheme": scheme}
    text = connection("postgres", postgresql, host=postgresql.socket, extra=extra)
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", text)
    made = engine("shop")
    assert made.url.drivername == scheme
    with engines.open_session(made, Limits()) as session:
        assert session.exec_driver_sql("SELECT 1").scalar() == 1


def test_a_file_of_sqlite_is_opened_by_its_provider(tmp_path, monkeypatch):
    """The same variable opens it without Airflow."""
    (tmp_path / "shop.db").touch()
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", f"sqlite:///{tmp_path}/shop.db")
    with engines.open_session(engine("shop"), Limits()) as session:
        assert session.exec_driver_sql("SELECT 1").scalar() == 1


def test_without_a_provider_sqlalchemy_does(mariadb, monkeypatch):
    """Its dialect and a driver are enough."""
    extra = {"unix_socket": mariadb.socket}
    text = connection("mariadb", mariadb, host="localhost", extra=extra)
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", text)
    with engines.open_session(engine("shop"), Limits()) as session:
        assert session.exec_driver_sql("SELECT 1").scalar() == 1


def test_a_url_of_sqlalchemys_serves_airflow_too(postgresql, monkeypatch):
    """One variable, with and without Airflow."""
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", postgresql.url("psycopg2"))
    with engines.open_session(engine("shop"), Limits()) as session:
        assert session.exec_driver_sql("SELECT 1").scalar() == 1


def test_a_connection_that_is_not_there_is_told():
    """With the variable that would set it."""
    with pytest.raises(UsageError, match="AIRFLOW_CONN_NOWHERE"):
        engine("nowhere")
