"""A connection becomes an engine whose sessions can only read, in UTC, with every wait bounded."""

from __future__ import annotations

import json
import logging

import pytest
import sqlalchemy as sa

from include.ticklake.errors import (
    FeedFileError,
    SourceRefusedError,
    SourceUnavailableError,
    UsageError,
)
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.sql import engines
from include.ticklake.sources.sql.errors import translate_errors

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
        assert tuple(session.exec_driver_sql(asked).one()) == ("UTC", "7s")
        with pytest.raises(sa.exc.InternalError, match="read-only transaction"):
            session.exec_driver_sql("CREATE TABLE made (id int)")


def test_a_mariadb_session_reads_only_in_utc(mariadb_url):
    """Whatever the server's own settings are."""
    with open_session(mariadb_url, page_timeout_s=7) as session:
        asked = "SELECT @@session.time_zone, @@session.net_write_timeout"
        assert tuple(session.exec_driver_sql(asked).one()) == ("+00:00", 7)
        with pytest.raises(sa.exc.DBAPIError, match="READ ONLY"):
            session.exec_driver_sql("CREATE TABLE made (id int)")


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


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        pytest.param(
            {"password": CANARY},
            SourceRefusedError,
            "authentication failed|Access denied",
            id="password",
        ),
        pytest.param(
            {"username": "nobody"},
            SourceRefusedError,
            "authentication failed|Access denied",
            id="user",
        ),
        pytest.param(
            {"database": "shopp"},
            SourceRefusedError,
            "does not exist|Unknown database",
            id="database",
        ),
        pytest.param(
            {"host": "127.0.0.1", "port": 1, "query": {}},
            SourceUnavailableError,
            "OperationalError",
            id="server",
        ),
    ],
)
def test_who_cannot_come_in_is_refused_and_who_finds_nobody_retries(
    database_url, change, error, said, caplog
):
    """A wrong password fails at once; a server that is away may come back."""
    caplog.set_level(logging.DEBUG)
    url = sa.make_url(database_url)
    engine = sa.create_engine(url.set(**change), poolclass=sa.NullPool)
    with pytest.raises(error, match=said) as wrong, translate_errors("shop", engine, where="shop"):
        engines.open_session(engine, Limits(connect_timeout_s=2))
    assert "canary" not in f"{wrong.value!r}{caplog.text}"
    assert str(url.password) not in f"{wrong.value!r}{caplog.text}"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        pytest.param("SELECT nothing FROM nowhere", SourceRefusedError, id="no table"),
        pytest.param("SELEKT 1", SourceRefusedError, id="no SQL"),
        pytest.param("SELECT 1 / 0 FROM nowhere", SourceRefusedError, id="no sense"),
    ],
)
def test_a_query_that_is_wrong_is_refused(database_url, query, error):
    """A retry would be wrong again."""
    with (
        open_session(database_url) as session,
        pytest.raises(error, match="check the feed's query"),
        translate_errors("shop", session.engine, where="shop"),
    ):
        session.exec_driver_sql(query)


def test_a_statement_that_takes_too_long_may_pass_next_time(postgresql_url):
    """The server ends it: no wait is endless."""
    with (
        open_session(postgresql_url, page_timeout_s=1) as session,
        pytest.raises(SourceUnavailableError, match="statement timeout"),
        translate_errors("shop", session.engine, where="shop"),
    ):
        session.exec_driver_sql("SELECT pg_sleep(20)")


def test_a_locked_sqlite_database_may_be_free_next_time(tmp_path):
    """Somebody writes to it."""
    engine = sa.create_engine(f"sqlite:///{tmp_path}/shop.db", connect_args={"timeout": 0.01})
    with engine.connect() as writer, engine.connect() as reader:
        writer.exec_driver_sql("CREATE TABLE t (id)")
        writer.commit()
        writer.exec_driver_sql("BEGIN EXCLUSIVE")
        with (
            pytest.raises(SourceUnavailableError, match="locked"),
            translate_errors("shop", engine, where="shop"),
        ):
            reader.exec_driver_sql("SELECT * FROM t")
        writer.rollback()
    engine.dispose()


def test_a_value_that_the_driver_cannot_read_is_named_as_that(postgresql_url):
    """Python knows no infinite time and no year before 1."""
    with (
        open_session(postgresql_url) as session,
        pytest.raises(
            (FeedFileError, SourceRefusedError), match=r"give that column as text|DataError"
        ),
        translate_errors("shop", session.engine, where="shop"),
    ):
        session.exec_driver_sql("SELECT 'infinity'::timestamptz").all()
