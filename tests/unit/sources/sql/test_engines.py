"""A connection becomes an engine whose sessions can only read, in UTC, with every wait bounded."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa

from include.ticklake.errors import (
    UsageError,
)
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.sql import engines

CANARY = "canary/secret:1"
QUOTED = "canary%2Fsecret%3A1"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        pytest.param(
            f"postgres://ann:{QUOTED}@db.example.com:5433/shop?sslmode=require",
            f"postgresql+psycopg://ann:{QUOTED}@db.example.com:5433/shop?sslmode=require",
            id="Airflow's URI",
        ),
        pytest.param(
            f"postgres://ann:{QUOTED}@%2Ftmp%2Fsocket/shop?__extra__=%7B%22sslmode%22%3A+%22prefer%22%7D",
            f"postgresql+psycopg://ann:{QUOTED}@/tmp/socket/shop?sslmode=prefer",
            id="Airflow's URI with more",
        ),
        pytest.param(
            f"postgresql+psycopg2://ann:{QUOTED}@/shop?host=/tmp/socket",
            f"postgresql+psycopg2://ann:{QUOTED}@/shop?host=%2Ftmp%2Fsocket",
            id="SQLAlchemy's URL",
        ),
        pytest.param(
            json.dumps(
                {
                    "conn_type": "mysql",
                    "host": "db",
                    "login": "ann",
                    "password": CANARY,
                    "port": 3306,
                    "schema": "shop",
                    "extra": {"ssl_ca": "/ca.pem", "deep": {}},
                }
            ),
            f"mysql+pymysql://ann:{QUOTED}@db:3306/shop?ssl_ca=%2Fca.pem",
            id="Airflow's JSON",
        ),
        pytest.param("sqlite:////data/shop.db", "sqlite+pysqlite:////data/shop.db", id="SQLite"),
        pytest.param(
            "sqlite://%2Fdata%2Fshop.db", "sqlite+pysqlite:////data/shop.db", id="Airflow's SQLite"
        ),
        pytest.param(
            '{"conn_type": "sqlite", "host": "/data/shop.db"}',
            "sqlite+pysqlite:////data/shop.db",
            id="Airflow's SQLite, JSON",
        ),
    ],
)
def test_a_connection_may_be_written_as_airflow_does_or_as_sqlalchemy_does(text, url):
    """The same variable serves with and without Airflow."""
    engine = engines.engine_from_env("shop", {"AIRFLOW_CONN_SHOP": text})
    shown = engine.url.set(drivername=engine.url.drivername.replace("mysqldb", "pymysql"))
    assert shown.render_as_string(hide_password=False) == url
    assert CANARY not in repr(engine)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "set AIRFLOW_CONN_SHOP", id="nothing"),
        pytest.param(f"{CANARY}", "AIRFLOW_CONN_SHOP", id="no URI"),
        pytest.param(f'{{"password": "{CANARY}"}}', "neither", id="no type"),
        pytest.param(f'{{"password": "{CANARY}"', "neither", id="half of JSON"),
        pytest.param(f'["{CANARY}"]', "AIRFLOW_CONN_SHOP", id="a list"),
        pytest.param(f"postgres://a:{QUOTED}@h:port/shop", "neither", id="no port"),
        pytest.param(
            f"teradata9://a:{QUOTED}@h/shop", "no driver for 'teradata9'", id="no dialect"
        ),
        pytest.param(f"postgresql+asyncpg9://a:{QUOTED}@h/shop", "no driver", id="no driver"),
        pytest.param(f"postgresql+psycopg://a:{QUOTED}@h:p/shop", "neither", id="no URL"),
    ],
)
def test_a_connection_that_cannot_be_read_is_told_without_its_text(text, said):
    """What is wrong with it may be half of a password."""
    with pytest.raises(UsageError, match=said) as wrong:
        engines.engine_from_env("shop", {"AIRFLOW_CONN_SHOP": text})
    assert "canary" not in str(wrong.value)
    assert wrong.value.__cause__ is None
    assert wrong.value.__suppress_context__ or wrong.value.__context__ is None


def open_session(url: str, **limits: float) -> sa.Connection:
    return engines.open_session(engines.open_engine(url, where="test"), Limits(**limits))


def test_a_postgresql_session_reads_only_in_utc(postgresql_url):
    """Whatever the server's own settings are."""
    with open_session(postgresql_url, page_timeout_s=7) as session:
        asked = "SELECT current_setting('TimeZone'), current_setting('statement_timeout')"
        assert tuple(session.exec_driver_sql(asked).one()) == ("UTC", "17s")
        with pytest.raises(sa.exc.InternalError, match="read-only transaction"):
            session.exec_driver_sql("CREATE TABLE made (id int)")


def test_a_mariadb_session_reads_only_in_utc(mariadb_url):
    """Whatever the server's own settings are."""
    with open_session(mariadb_url, page_timeout_s=7) as session:
        asked = "SELECT @@session.time_zone, @@session.net_write_timeout"
        assert tuple(session.exec_driver_sql(asked).one()) == ("+00:00", 7)
        with pytest.raises(sa.exc.DBAPIError, match="READ ONLY"):
            session.exec_driver_sql("CREATE TABLE made (id int)")


def test_a_mariadb_server_ends_the_query_of_a_worker_that_was_killed(mariadb_url):
    """With all of its rows, a little after its unit's time."""
    engine = engines.open_engine(mariadb_url, where="test")
    with engines.open_session(engine, Limits(), unit_s=100) as session:
        asked = "SELECT @@session.max_statement_time"
        assert session.exec_driver_sql(asked).scalar_one() == 110


def test_an_sqlite_session_has_values_of_the_feeds_size(tmp_path):
    """A larger one is refused before it is read."""
    (tmp_path / "shop.db").touch()
    with open_session(f"sqlite:///{tmp_path}/shop.db", max_record_bytes=1_000_000) as session:
        assert session.exec_driver_sql("SELECT zeroblob(3000000)").one()
        with pytest.raises(sa.exc.DataError, match="too big"):
            session.exec_driver_sql("SELECT zeroblob(3100000)")


def test_an_sqlite_session_reads_only(tmp_path):
    """A feed's query changes nothing."""
    (tmp_path / "shop.db").touch()
    with (
        open_session(f"sqlite:///{tmp_path}/shop.db") as session,
        pytest.raises(sa.exc.OperationalError, match="readonly"),
    ):
        session.exec_driver_sql("CREATE TABLE made (id int)")


def test_an_sqlite_database_that_is_not_there_is_not_made(tmp_path):
    """SQLite itself would make an empty one, and then lack the table."""
    with pytest.raises(UsageError, match=r"there is no SQLite database at .*shop\.db"):
        open_session(f"sqlite:///{tmp_path}/shop.db")
    assert list(tmp_path.iterdir()) == []
