"""The SQLAlchemy engine of a connection, and its sessions: read-only, in UTC, every value exact.

Without Airflow the connection is the variable ``AIRFLOW_CONN_<ID>``: an Airflow URI or
JSON, or an SQLAlchemy URL (``postgresql+psycopg://...``). It is never in a feed, an
argument or a log. In an Airflow task the engine comes from the connection's own hook.
"""

from __future__ import annotations

import importlib
import math
import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from include.ticklake.errors import UsageError
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.connection import (
    connection_text,
    parse_connection,
    remember_connection,
)

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Dialect, Engine

DRIVERS = {
    "postgresql": {"psycopg": "psycopg", "psycopg2": "psycopg2"},
    "mysql": {"mysqldb": "MySQLdb", "pymysql": "pymysql"},
    "mariadb": {"mysqldb": "MySQLdb", "pymysql": "pymysql"},
    "sqlite": {"pysqlite": "sqlite3"},
}
"""Dialect -> SQLAlchemy's driver name -> module; the first that is installed is taken."""

_DIALECTS = {"postgres": "postgresql"}
"""Airflow's name of a connection type -> SQLAlchemy's, where they differ."""

MYSQL = ("mysql", "mariadb")
"""Dialects of the one protocol."""

NUMBER = "ticklake_number"
"""The key of a MySQL session's own number in its connection's ``info``."""

_SERVER_LATER_S = 10
"""A server's clock is for a query whose worker was killed: ours, which says more, ends before."""

_SQLITE_LOCK_S = 5
"""How long SQLite waits for a lock; it notices no interruption meanwhile."""

_MIB = 1024**2

_KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}


def engine_from_env(connection: str, env: Mapping[str, str]) -> Engine:
    """The engine for ``AIRFLOW_CONN_<ID>``; ``UsageError`` where that cannot be."""
    variable, text = connection_text(connection, env)
    return open_engine(text, where=variable)


def open_engine(text: str, *, where: str) -> Engine:
    """The engine for a URI or JSON; errors name *where* it is written, and never the text."""
    import sqlalchemy as sa

    remember_connection(text)
    try:
        url = _url(text)
    except (ValueError, sa.exc.ArgumentError):
        raise UsageError(
            f"{where} is neither Airflow's JSON nor a URI such as postgres://user:...@host/database"
        ) from None
    try:
        return sa.create_engine(url, poolclass=sa.NullPool)
    except (ImportError, sa.exc.NoSuchModuleError) as missing:
        raise UsageError(
            f"{where}: no driver for {url.drivername!r} is installed ({missing})"
        ) from None


def _url(text: str) -> URL:
    import sqlalchemy as sa

    if not text.startswith("{") and "+" in urlsplit(text).scheme:
        return sa.make_url(text)
    connection = parse_connection(text)
    if not connection.conn_type:
        raise ValueError("no type")
    if connection.conn_type == "sqlite":  # Airflow writes the file where others have the host
        if not (path := connection.host or connection.schema):
            raise ValueError("no path")
        return sa.URL.create(_driver("sqlite"), database=path)
    return sa.URL.create(
        _driver(connection.conn_type),
        username=connection.login or None,
        password=connection.password or None,
        host=connection.host or None,
        port=connection.port,
        database=connection.schema or None,
        query=connection.options,
    )


def _driver(kind: str) -> str:
    """``postgresql+psycopg`` for ``postgres``, by what is installed."""
    name = kind.lower().replace("-", "_")
    dialect = _DIALECTS.get(name, name)
    modules = DRIVERS.get(dialect, {})
    driver = next((name for name, module in modules.items() if find_spec(module)), None)
    if modules and driver is None:
        raise UsageError(f"no driver for {dialect} is installed: pip install {min(modules)}")
    return f"{dialect}+{driver}" if driver else dialect


def open_session(engine: Engine, limits: Limits, *, unit_s: float = math.inf) -> Connection:
    """Connect, with the driver's and the server's own clocks set, in a transaction that only reads.

    Instants come back in UTC, floats with all their digits, and JSON as its own text. *unit_s* is
    how long the query may take with all of its rows. Raises what SQLAlchemy and the driver raise.
    """
    import sqlalchemy as sa

    def bound(dialect: Any, record: Any, args: Any, params: dict[str, Any]) -> None:  # noqa: ANN401, ARG001
        for name, value in _bounds(dialect.name, dialect.driver, limits).items():
            params.setdefault(name, value)
        if dialect.name == "sqlite":
            _must_exist(args[0] if args else str(params.get("database", "")))

    def adapt(connection: Any, record: Any) -> None:  # noqa: ANN401, ARG001
        if change := _ADAPTED.get(engine.dialect.driver):
            change(connection)
        if engine.dialect.driver == "pysqlite":
            _limit_values(connection, limits.max_record_bytes)

    sa.event.listen(engine, "do_connect", bound)
    sa.event.listen(engine, "connect", adapt)
    connection = engine.connect()
    try:
        for statement in _session_setup(engine.dialect, limits, unit_s):
            connection.exec_driver_sql(statement)
        if engine.dialect.name in MYSQL:
            number = connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar()
            connection.info[NUMBER] = number
    except BaseException:
        connection.close()
        raise
    return connection


def _bounds(dialect: str, driver: str, limits: Limits) -> dict[str, object]:
    connect_timeout_s = max(1, round(limits.connect_timeout_s))
    page_timeout_s = max(1, round(limits.page_timeout_s))
    if dialect == "postgresql":
        return {"connect_timeout": connect_timeout_s, "keepalives": 1, **_KEEPALIVE}
    if dialect == "sqlite":
        return {"timeout": min(page_timeout_s, _SQLITE_LOCK_S)}
    if dialect in MYSQL:
        return {
            "connect_timeout": connect_timeout_s,
            # PyMySQL's handshake has no other clock; ``_wait_for_pages`` changes it after that.
            "read_timeout": connect_timeout_s if driver == "pymysql" else page_timeout_s,
            "charset": "utf8mb4",
        }
    return {}


def _session_setup(dialect: Dialect, limits: Limits, unit_s: float) -> list[str]:
    page_timeout_s = max(1, round(min(limits.page_timeout_s, unit_s)))
    if dialect.name == "postgresql":
        return [  # LOCAL: gone with the transaction, whoever has the session next
            "SET TRANSACTION READ ONLY",
            "SET LOCAL TIME ZONE 'UTC'",
            "SET LOCAL extra_float_digits = 3",
            f"SET LOCAL statement_timeout = '{page_timeout_s + _SERVER_LATER_S}s'",
        ]
    if dialect.name in MYSQL:
        return [
            "SET SESSION TRANSACTION READ ONLY",
            "SET SESSION time_zone = '+00:00'",
            # How long the server waits for us to take the next rows; 60 s is short for storage.
            f"SET SESSION net_write_timeout = {page_timeout_s}",
            *_statement_limit(dialect, unit_s),
        ]
    return ["PRAGMA query_only = ON"] if dialect.name == "sqlite" else []


def _statement_limit(dialect: Any, unit_s: float) -> list[str]:  # noqa: ANN401
    """The end of a query with all of its rows."""
    if unit_s == math.inf:
        return []
    longest_s = round(unit_s) + _SERVER_LATER_S
    if dialect.is_mariadb:
        return [f"SET SESSION max_statement_time = {longest_s}"]
    return [f"SET SESSION max_execution_time = {min(longest_s * 1000, 2**32 - 1)}"]


def _limit_values(connection: Any, max_record_bytes: int) -> None:  # noqa: ANN401
    """Let SQLite refuse a larger value before it reads it; text in UTF-16 takes twice its JSON."""
    limit_bytes = 2 * max_record_bytes + _MIB  # its own schema is read under this limit, too
    if limit_bytes < connection.getlimit(sqlite3.SQLITE_LIMIT_LENGTH):
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limit_bytes)


def _must_exist(path: str) -> None:
    """SQLite makes an empty database of a wrong name."""
    if path and path != ":memory:" and not path.startswith("file:") and not Path(path).is_file():
        raise UsageError(f"there is no SQLite database at {path}; correct the connection")


def _as_it_is(text: str | bytes) -> msgspec.Raw:
    return msgspec.Raw(text.encode() if isinstance(text, str) else bytes(text))


def _exact_psycopg2(connection: Any) -> None:  # noqa: ANN401
    # By name: which driver there is, is the user's choice.
    extras = importlib.import_module("psycopg2.extras")
    extras.register_default_json(connection, loads=_as_it_is)
    extras.register_default_jsonb(connection, loads=_as_it_is)
    extensions = importlib.import_module("psycopg2.extensions")
    for name, cast in extensions.string_types.items():
        if name in _PSYCOPG2_TIMES:
            finite = extensions.new_type((name,), f"FINITE_{name}", partial(_finite, cast=cast))
            extensions.register_type(finite, connection)


def _finite(text: str | None, cursor: Any, *, cast: Callable[..., object]) -> object:  # noqa: ANN401
    if text is not None and text.endswith("infinity"):
        raise ValueError(text)
    return cast(text, cursor)


def _wait_for_pages(connection: Any) -> None:  # noqa: ANN401
    """Let a query take its time: its clock is that of its page, not that of the handshake."""
    connection._read_timeout = None


def _exact_psycopg(connection: Any) -> None:  # noqa: ANN401
    importlib.import_module("psycopg.types.json").set_json_loads(_as_it_is, connection)


_PSYCOPG2_TIMES = (1082, 1114, 1184)
"""Type numbers of date, timestamp and timestamptz."""

_ADAPTED = {
    "psycopg2": _exact_psycopg2,
    "psycopg": _exact_psycopg,
    "pymysql": _wait_for_pages,
}
"""Drivers that would make Python's floats of JSON's numbers, the year 9999 of infinity, or have
one clock for all."""
