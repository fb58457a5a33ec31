"""What peers send that never finish: answers of HTTP, logins of databases; and endless queries."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from tests.support.servers.raw import Drip, ok

CHUNKED = ok("Transfer-Encoding: chunked")
GZIP = ok("Content-Encoding: gzip")

ANSWERS = {
    "status line": (b"HTTP/1.1 200 ", b"O"),
    "header": (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n"),
    "100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "chunk extension": (CHUNKED + b"1;", b"x"),
    "chunks": (CHUNKED, b"1\r\n \r\n"),
    "trailer": (CHUNKED + b"2\r\n[]\r\n0\r\nX: ", b"x"),
    "trailers": (CHUNKED + b"2\r\n[]\r\n0\r\n", b"X: 1\r\n"),
    # A flag says that a file name follows, of any length.
    "gzip header": (GZIP + b"\x1f\x8b\x08\x08" + bytes(6), b"x"),
    "empty gzip members": (GZIP + gzip.compress(b"["), gzip.compress(b"")),
    "spaces": (ok() + b"[", b" "),
    "silence before the answer": (b"", b""),
    "silence in the body": (ok("Content-Length: 100") + b"[", b""),
}
"""Where an HTTP answer does not end -> what comes first, and again and again."""

OBJECT_BYTES = 1_000_000


def object_head(request: bytes) -> bytes:
    """The head of an answer with an object, or with the rest of it."""
    asked = re.search(rb"range: bytes=(\d+)-", request.lower())
    start = int(asked[1]) if asked else 0
    own = ok(
        'ETag: "1"',
        "Last-Modified: Sun, 22 Nov 2026 05:00:00 GMT",
        f"Content-Length: {OBJECT_BYTES - start}",
        f"Content-Range: bytes {start}-{OBJECT_BYTES - 1}/{OBJECT_BYTES}",
    )
    return own.replace(b"200 OK", b"206 Partial Content") if asked else own


STORAGE_ANSWERS: dict[str, tuple[bytes | Callable[[bytes], bytes], bytes]] = {
    "silence before the answer": ANSWERS["silence before the answer"],
    "status line": ANSWERS["status line"],
    "header": ANSWERS["header"],
    "headers": ANSWERS["headers"],
    "100 Continue": ANSWERS["100 Continue"],
    "silence in the body": (object_head, b""),
    "body": (object_head, b"x"),
}
"""The same of an object store."""

_COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {})"
# A server sends what fills its buffer.
_WIDE = "REPEAT('x', 20000) AS wide"

QUERIES = {
    "no row": {
        "postgresql": "SELECT 1 AS id, to_timestamp(:start_s) AS at FROM pg_sleep(600) "
        "WHERE :start < :end",
        "mysql": "SELECT SLEEP(600) AS id, CAST(:start AS DATETIME) AS at FROM seq_1_to_9 "
        "WHERE :start < :end",
        "sqlite": f"{_COUNT.format(-1)} SELECT i AS id, :start AS at FROM n "
        "WHERE i < 0 AND :start < :end",
    },
    "a row now and then": {
        "postgresql": f"SELECT n AS id, to_timestamp(:start_s) AS at, {_WIDE} "
        "FROM generate_series(1, 10000) AS n, LATERAL (SELECT pg_sleep(0.05 + 0 * n)) AS slept "
        "WHERE :start < :end",
        "mysql": f"SELECT seq + SLEEP(0.05) AS id, CAST(:start AS DATETIME) AS at, {_WIDE} "
        "FROM seq_1_to_10000 WHERE :start < :end",
        "sqlite": f"{_COUNT.format(-1)} SELECT i AS id, :start AS at FROM n "
        "WHERE i % 100000 = 0 AND :start < :end",
    },
}
"""How a query does not end -> the query, by dialect."""


def query(peer: str, dialect: str) -> str:
    """The query of *peer* for *dialect*."""
    return QUERIES[peer]["mysql" if dialect == "mariadb" else dialect]


@contextmanager
def locked_table(url: str, name: str) -> Iterator[None]:
    """Nobody else can read the table *name* while the block runs."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    statement = {
        "postgresql": f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE",
        "mysql": f"LOCK TABLES {name} WRITE",
        "mariadb": f"LOCK TABLES {name} WRITE",
        "sqlite": "BEGIN EXCLUSIVE",
    }[engine.dialect.name]
    with engine.connect() as session:
        session.exec_driver_sql(statement)
        yield


_GREETING = (
    b"\x0a10.6.0\x00" + (7).to_bytes(4, "little") + b"saltsalt\x00"
    + b"\xff\xf7\x2d\x02\x00\xff\x81\x15" + bytes(10) + b"saltsaltsalt\x00"
    + b"mysql_native_password\x00"
)  # fmt: skip


def _mysql_packet(number: int, body: bytes) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([number]) + body


def _postgresql_message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


_POSTGRESQL_READY = (
    _postgresql_message(b"R", bytes(4))
    + _postgresql_message(b"S", b"client_encoding\x00UTF8\x00")
    + _postgresql_message(b"S", b"server_version\x0015.0\x00")
    + _postgresql_message(b"S", b"DateStyle\x00ISO, MDY\x00")
    + _postgresql_message(b"S", b"standard_conforming_strings\x00on\x00")
    + _postgresql_message(b"Z", b"I")
)
_MYSQL_READY = _mysql_packet(0, _GREETING) + _mysql_packet(2, b"\x00\x00\x00\x02\x00\x00\x00")

LOGINS = {
    "silence before the login": {"postgresql": b"", "mysql": b""},
    "a byte now and then of the login": {
        "postgresql": b"E" + (20_000).to_bytes(4, "big") + b"S",
        "mysql": (60_000).to_bytes(3, "little") + b"\x00\x0a",
    },
    "silence after the login": {"postgresql": _POSTGRESQL_READY, "mysql": _MYSQL_READY},
}
"""How a server does not let in -> what it sends first, by kind."""


def login(peer: str, kind: str) -> list[bytes]:
    """What comes first of a server of *kind*."""
    return [LOGINS[peer][kind]]


def rest(peer: str) -> Iterable[bytes]:
    """What comes again and again after that."""
    return Drip(b"x" if "byte" in peer else b"")
