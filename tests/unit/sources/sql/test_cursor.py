"""Rows come one by one, and a page ends by what its rows take."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa

from include.ticklake.sources.sql import cursor

SMALL, LARGE = ("x",), ("x" * 1024**2,)


class FetchCounter:
    """A result of *rows*, which notes how many were asked for at once."""

    def __init__(self, *rows: tuple[str, ...]) -> None:
        self._rows = list(rows)
        self.counts: list[int] = []

    def fetchmany(self, count: int) -> list[tuple[str, ...]]:
        """The next *count* rows."""
        self.counts.append(count)
        taken, self._rows = self._rows[:count], self._rows[count:]
        return taken


def fetched(result: Any, *, driver: str) -> list[Any]:
    return list(cursor.iterate(result, driver, fetch_rows=2_000))


def test_the_first_fetch_is_small_and_the_next_ones_grow():
    """Up to what makes the way to a server cheap."""
    result = FetchCounter(*[SMALL] * 300)
    assert len(fetched(result, driver="psycopg2")) == 300
    assert result.counts == [1, 2, 4, 8, 16, 32, 64, 64, 64, 64, 64]


def test_large_rows_are_fetched_one_by_one():
    """From the second fetch of them on."""
    result = FetchCounter(*[SMALL] * 7, *[LARGE] * 11)
    assert len(fetched(result, driver="psycopg2")) == 18
    assert result.counts == [1, 2, 4, 8, 1, 1, 1, 1]


@pytest.mark.parametrize("driver", ["pysqlite", "pymysql", "mysqldb"])
def test_a_driver_that_reads_row_by_row_is_asked_for_rows(driver):
    """Which costs no way to a server."""
    result = FetchCounter(*[SMALL] * 5)
    fetched(result, driver=driver)
    assert set(result.counts) == {1}


def test_a_page_is_full_by_number_or_by_bytes():
    """One row is always in it."""
    rows = iter([SMALL] * 5 + [LARGE] * 2 + [SMALL])
    pages = []
    while page := cursor.take_page(rows, most_rows=3):
        pages.append(len(page))
    assert pages == [3, 3, 1, 1]


def test_psycopg_streams_each_row(postgresql):
    """The rows of one FETCH come one by one, all of them, in order."""
    engine = sa.create_engine(postgresql.url("psycopg"), poolclass=sa.NullPool)
    with engine.connect() as session:
        streamed = session.execution_options(stream_results=True, yield_per=100)
        result = streamed.execute(sa.text("SELECT generate_series(1, 777)"))
        with closing(result):
            rows = cursor.iterate(result, "psycopg", fetch_rows=100)
            assert [number for (number,) in rows] == list(range(1, 778))


def test_errors_of_streamed_rows_are_those_of_sqlalchemy(postgresql):
    """As are those of the others."""
    engine = sa.create_engine(postgresql.url("psycopg"), poolclass=sa.NullPool)
    with engine.connect() as session:
        streamed = session.execution_options(stream_results=True)
        result = streamed.execute(sa.text("SELECT 1 / (5 - n) FROM generate_series(1, 9) AS n"))
        with closing(result), pytest.raises(sa.exc.DataError, match="division by zero"):
            list(cursor.iterate(result, "psycopg", fetch_rows=100))
