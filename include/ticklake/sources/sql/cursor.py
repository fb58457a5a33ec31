"""The rows of a query one by one, with no more in memory than a few of them.

A driver that has several rows of a server at once has them whole, however large they are, and
what the next ones take is only known when they are there. So they are taken row by row where
that costs no round trip, and else a few at a time, by the largest one so far.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from include.ticklake.sources.sql.row_sizes import Row, row_bytes

if TYPE_CHECKING:
    import sqlalchemy as sa

PAGE_BYTES = 1024**2
"""What the rows of a page take in memory at most, as long as each of them takes less."""

_BY_ROW = ("pysqlite", "pymysql", "mysqldb")
"""Drivers that read row by row, whatever number they are asked for."""

_MOST_AT_ONCE = 64
"""Rows in one answer of any other server: enough to make its way there and back cheap."""


def iterate(result: sa.CursorResult[Any], driver: str, *, fetch_rows: int) -> Iterator[Row]:
    """Yield the rows of *result*; close it to leave early. Raises what the driver raises."""
    if driver == "psycopg":
        yield from _streamed(result, fetch_rows)
        return
    most = 1 if driver in _BY_ROW else min(fetch_rows, _MOST_AT_ONCE)
    count = 1
    while fetched := list(result.fetchmany(count)):
        largest_bytes = max(map(row_bytes, fetched)) if most > 1 else 0
        fetched.reverse()
        while fetched:
            yield fetched.pop()
        if most > 1:
            count = _next_count(count, largest_bytes, most)


def take_page(rows: Iterator[Row], *, most_rows: int) -> list[Row]:
    """The next of *rows*: *most_rows*, or as many as reach ``PAGE_BYTES``; none at the end."""
    page: list[Row] = []
    held_bytes = 0
    for row in rows:
        page.append(row)
        held_bytes += row_bytes(row)
        if len(page) >= most_rows or held_bytes >= PAGE_BYTES:
            break
    return page


def _streamed(result: sa.CursorResult[Any], fetch_rows: int) -> Iterator[Row]:
    """The rows of psycopg's named cursor, which come one by one in the answer to each FETCH."""
    named: Any = result.cursor
    yield from result.fetchmany(1)  # SQLAlchemy has that one already
    count = 1
    with named.connection.cursor() as cursor:
        while True:
            fetched_rows, largest_bytes = 0, 0
            fetch = f'FETCH FORWARD {count} FROM "{named.name}"'
            for row in _as_sqlalchemy_does(cursor.stream(fetch), result):
                fetched_rows, largest_bytes = fetched_rows + 1, max(largest_bytes, row_bytes(row))
                yield row
            if fetched_rows < count:
                return
            count = _next_count(count, largest_bytes, fetch_rows)


def _as_sqlalchemy_does(rows: Generator[Row], result: sa.CursorResult[Any]) -> Generator[Row]:
    """*rows*, and SQLAlchemy's errors for those of the driver."""
    from sqlalchemy.exc import DBAPIError

    dialect = result.context.dialect
    driver_error = dialect.loaded_dbapi.Error
    with closing(rows):
        try:
            yield from rows
        except driver_error as error:
            raise DBAPIError.instance(None, None, error, driver_error, dialect=dialect) from None


def _next_count(count: int, largest_bytes: int, most: int) -> int:
    return max(1, min(2 * count, most, PAGE_BYTES // max(largest_bytes, 1)))
