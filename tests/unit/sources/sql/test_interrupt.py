"""A call is ended from another thread: by the server, or by its socket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from include.ticklake.feed.limits import Limits
from include.ticklake.sources.sql import engines, interrupt

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def sqlite_url(tmp_path):
    (tmp_path / "shop.db").touch()
    return f"sqlite:///{tmp_path}/shop.db?check_same_thread=false"


@contextmanager
def ended_by(end: Callable[[sa.Connection, Any], None], url: str) -> Iterator[list[BaseException]]:
    """What a query raises that never ends by itself, when *end* is called meanwhile."""
    engine = engines.open_engine(url, where="test")
    session = engines.open_session(engine, Limits())
    query = ENDLESS if "sqlite" in url else f"SELECT {_sleep(url)}(600)"
    raised: list[BaseException] = []

    def run() -> None:
        try:
            session.exec_driver_sql(query).all()
        except sa.exc.SQLAlchemyError as error:
            raised.append(error)

    runner = threading.Thread(target=run)
    runner.start()
    try:
        while runner.is_alive():  # also where it has not begun yet, when there is nothing to end
            end(session, session.connection.dbapi_connection)
            runner.join(0.1)
        yield raised
    finally:
        session.invalidate()
        session.close()


def _sleep(url: str) -> str:
    return "pg_sleep" if "postgresql" in url else "sleep"


def test_a_server_stops_a_query(database_url):
    """In each driver's own way."""
    with ended_by(interrupt.stop, database_url) as raised:
        assert len(raised) <= 1


def test_sqlite_stops_a_query(sqlite_url):
    """Which has no server."""
    with ended_by(interrupt.stop, sqlite_url) as raised:
        assert "interrupted" in str(raised[0])


def test_a_connection_that_is_cut_ends_its_call(database_url):
    """Whether or not its server notices."""

    def cut(_: sa.Connection, driver_connection: Any) -> None:
        interrupt.disconnect(driver_connection)

    with ended_by(cut, database_url) as raised:
        assert len(raised) == 1


def test_what_has_no_socket_is_not_cut():
    """SQLite's connection, for one."""
    interrupt.disconnect(object())
