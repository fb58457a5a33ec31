"""A driver's error becomes one of ours: refused, unavailable, or a mistake of the feed."""

from __future__ import annotations

import logging

import pytest
import sqlalchemy as sa

from include.ticklake.errors import FeedFileError, SourceRefusedError, SourceUnavailableError
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.sql import engines
from include.ticklake.sources.sql.errors import translate_errors
from tests.support.sql_feeds import feed

CANARY = "canary/secret:1"


class DriverError(Exception):
    """What a driver raises; *sqlstate* as psycopg has it."""

    def __init__(self, *args: object, sqlstate: str | None = None) -> None:
        super().__init__(*args)
        self.sqlstate = sqlstate


def engine(dialect: str) -> sa.Engine:
    """An engine that is never connected."""
    url = sa.URL.create(dialect, "ann", CANARY, "db", database="shop")
    return sa.create_engine(url)


def raise_in(dialect: str, original: Exception, kind: type = sa.exc.OperationalError) -> None:
    """Raise *original* as SQLAlchemy does."""
    with translate_errors(feed(), engine(dialect), where="shop"):
        raise kind("SELECT :p", {"p": CANARY}, original)


@pytest.mark.parametrize("sqlstate", ["08006", "40P01", "53300", "55P03", "57P01", "58030"])
def test_a_state_that_passes_is_retried(sqlstate):
    """Connections, deadlocks, resources, locks, shutdowns, the disk."""
    with pytest.raises(SourceUnavailableError, match=r"^shop: DriverError: it failed$"):
        raise_in("postgresql+psycopg", DriverError("it failed", sqlstate=sqlstate))


@pytest.mark.parametrize("sqlstate", ["28P01", "42P01", "22012"])
def test_any_other_state_is_refused(sqlstate):
    """Whatever the class that SQLAlchemy gives it."""
    with pytest.raises(SourceRefusedError, match="check the feed's query and connection"):
        raise_in("postgresql+psycopg", DriverError("it failed", sqlstate=sqlstate))


@pytest.mark.parametrize(
    ("number", "error"),
    [
        pytest.param(1040, SourceUnavailableError, id="too many connections"),
        pytest.param(1213, SourceUnavailableError, id="deadlock"),
        pytest.param(2013, SourceUnavailableError, id="connection lost"),
        pytest.param(0, SourceUnavailableError, id="connection closed"),
        pytest.param(1045, SourceRefusedError, id="access denied"),
        pytest.param(1146, SourceRefusedError, id="no such table"),
    ],
)
def test_mysql_has_numbers(number, error):
    """Those of the client begin at 2000."""
    with pytest.raises(error, match="it failed"):
        raise_in("mysql+pymysql", DriverError(number, "it failed"))


@pytest.mark.parametrize(
    ("kind", "error"),
    [(sa.exc.OperationalError, SourceUnavailableError), (sa.exc.DataError, SourceRefusedError)],
)
def test_without_a_state_the_class_decides(kind, error):
    """A driver that says neither state nor number."""
    with pytest.raises(error):
        raise_in("postgresql+psycopg", DriverError("connection timeout expired"), kind)


def test_a_message_is_one_short_line_without_secrets():
    """Neither the password nor the parameters; not the server's whole text."""
    text = f"cannot  log in with {CANARY} {'x' * 300}\nDETAIL: {CANARY}"
    with pytest.raises(SourceRefusedError) as raised:
        raise_in("postgresql+psycopg", DriverError(text, sqlstate="28P01"))
    assert str(raised.value).startswith("shop: DriverError: cannot log in with *** xxx")
    assert "canary" not in str(raised.value)
    assert len(str(raised.value)) < 300
    assert raised.value.__suppress_context__


def test_an_error_of_sqlalchemy_itself_is_refused():
    """A query with a parameter that has no value, for instance."""
    with (
        pytest.raises(SourceRefusedError, match=r"^shop: ArgumentError: bad; check .*query$"),
        translate_errors(feed(), engine("postgresql+psycopg"), where="shop"),
    ):
        raise sa.exc.ArgumentError("bad")


@pytest.mark.parametrize("error", [ValueError("year 0"), OverflowError("too large")])
def test_a_value_that_python_cannot_hold_is_a_mistake_of_the_feed(error):
    """Its query can give the column as text."""
    with (
        pytest.raises(FeedFileError, match=f"^shop_events: .*{type(error).__name__}.* as text$"),
        translate_errors(feed(), engine("postgresql+psycopg"), where="shop"),
    ):
        raise error


# ---- real servers


def open_session(url: str, **limits: float) -> sa.Connection:
    return engines.open_session(engines.open_engine(url, where="test"), Limits(**limits))


@pytest.mark.parametrize(
    ("change", "error", "message"),
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
def test_a_refused_login_fails_at_once_and_a_missing_server_is_retried(
    database_url, change, error, message, caplog
):
    """A wrong password fails at once; a server that is away may come back."""
    caplog.set_level(logging.DEBUG)
    url = sa.make_url(database_url)
    shop = sa.create_engine(url.set(**change), poolclass=sa.NullPool)
    with (
        pytest.raises(error, match=message) as raised,
        translate_errors(feed(), shop, where="shop"),
    ):
        engines.open_session(shop, Limits(connect_timeout_s=2))
    assert "canary" not in f"{raised.value!r}{caplog.text}"
    assert str(url.password) not in f"{raised.value!r}{caplog.text}"


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
        translate_errors(feed(), session.engine, where="shop"),
    ):
        session.exec_driver_sql(query)


def test_a_statement_that_takes_too_long_may_pass_next_time(postgresql_url):
    """The server ends it: no wait is endless."""
    with open_session(postgresql_url) as session:
        session.exec_driver_sql("SET LOCAL statement_timeout = '100ms'")
        with (
            pytest.raises(SourceUnavailableError, match="statement timeout"),
            translate_errors(feed(), session.engine, where="shop"),
        ):
            session.exec_driver_sql("SELECT pg_sleep(20)")


def test_a_value_that_sqlite_does_not_read_names_the_limit(tmp_path):
    """Which is the feed's, and not SQLite's."""
    (tmp_path / "shop.db").touch()
    with (
        open_session(f"sqlite:///{tmp_path}/shop.db") as session,
        pytest.raises(SourceRefusedError, match=r"twice limits.max_record_bytes: 8388608; select"),
        translate_errors(feed(), session.engine, where="shop"),
    ):
        session.exec_driver_sql("SELECT zeroblob(20000000)").one()


def test_a_locked_sqlite_database_may_be_free_next_time(tmp_path):
    """Somebody writes to it."""
    shop = sa.create_engine(f"sqlite:///{tmp_path}/shop.db", connect_args={"timeout": 0.01})
    with shop.connect() as writer, shop.connect() as reader:
        writer.exec_driver_sql("CREATE TABLE t (id)")
        writer.commit()
        writer.exec_driver_sql("BEGIN EXCLUSIVE")
        with (
            pytest.raises(SourceUnavailableError, match="locked"),
            translate_errors(feed(), shop, where="shop"),
        ):
            reader.exec_driver_sql("SELECT * FROM t")
        writer.rollback()
    shop.dispose()


def test_an_infinite_time_is_refused(postgresql_url):
    """Python knows no infinite time and no year before 1."""
    with (
        open_session(postgresql_url) as session,
        pytest.raises(
            (FeedFileError, SourceRefusedError), match=r"give that column as text|DataError"
        ),
        translate_errors(feed(), session.engine, where="shop"),
    ):
        session.exec_driver_sql("SELECT 'infinity'::timestamptz").all()
