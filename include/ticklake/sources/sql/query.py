"""Records of a database: one query, a server-side cursor, some rows in memory."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from include.ticklake.errors import FeedFileError, SourceRefusedError, UsageError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.paging import PageInfo
from include.ticklake.feed.sql_source import SqlSource
from include.ticklake.feed.window_values import window_values
from include.ticklake.model.record import Record
from include.ticklake.model.record_blocks import Block, in_blocks
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.sources.deadline import UnitDeadline
from include.ticklake.sources.source import SourceContext
from include.ticklake.sources.sql import rows
from include.ticklake.sources.sql.engines import MYSQL
from include.ticklake.sources.sql.errors import translate_errors
from include.ticklake.sources.sql.row_sizes import Row
from include.ticklake.sources.sql.rows import RowEncoder, SqlColumn
from include.ticklake.sources.sql.session import SqlSession

log = logging.getLogger(__name__)

# MySQL's and MariaDB's codes of column types.
_FLOAT, _TIMESTAMP, _JSON = 4, 7, 245


class SqlPage:
    """The rows of one fetch: iterate it once."""

    def __init__(
        self, fetched: Sequence[Row], *, encoder: RowEncoder, max_bytes: int, where: str
    ) -> None:
        self.where = where
        self.rows = len(fetched)
        self.page_bytes = 0
        self._fetched, self._encoder, self._max_bytes = fetched, encoder, max_bytes

    def __iter__(self) -> Iterator[Record]:
        return chain.from_iterable(self.blocks())

    def blocks(self) -> Iterator[Block]:
        """Yield every row as a record."""
        for row in self._fetched:
            self._check(self._encoder.least_bytes(row, enough=self._max_bytes), "at least ")
        records = self._encoder.encode(self._fetched)
        self._fetched = ()
        sizes = [memoryview(record).nbytes for record in records]
        self.page_bytes = sum(sizes)
        self._check(max(sizes, default=0))
        yield from in_blocks(records)

    def _check(self, size_bytes: int, more: str = "") -> None:
        if size_bytes > self._max_bytes:
            raise SourceRefusedError(
                f"{self.where}: a row has {more}{size_bytes} bytes of JSON, more than "
                f"limits.max_record_bytes: {self._max_bytes}; select less, or raise it"
            )

    def info(self) -> PageInfo:
        """The number of rows: a query is not paged."""
        return PageInfo(rows=self.rows)


def pages(
    feed: Feed,
    source: SqlSource,
    unit: Unit,
    *,
    context: SourceContext,
    cursor: str | None = None,  # noqa: ARG001 - a query cannot resume
) -> Generator[tuple[str | None, SqlPage], None, None]:
    """Yield (None, page): a retry starts over, as a query cannot be resumed."""
    engine = context.connect(source.connection)
    where = f"{source.connection} ({engine.dialect.name})"
    query = _query(feed, source, unit, dialect=engine.dialect.name)
    deadline = UnitDeadline(feed.limits, clock=context.clock)
    try:
        with closing(SqlSession(engine, feed.limits, deadline=deadline, where=where)) as session:
            for attempt in context.retry_policy.attempts(feed.limits, deadline=deadline):
                with attempt, translate_errors(feed, engine, where=where):
                    session.open()
            for fetched, encoder in _fetch(feed, source, session, query, where=where):
                page = SqlPage(
                    fetched,
                    encoder=encoder,
                    max_bytes=feed.limits.max_record_bytes,
                    where=where,
                )
                yield None, page
                log.debug("page.read source=%s rows=%d bytes=%d", where, page.rows, page.page_bytes)
    finally:
        engine.dispose()


def _fetch(
    feed: Feed, source: SqlSource, session: SqlSession, query: sa.TextClause, *, where: str
) -> Iterator[tuple[list[Row], RowEncoder]]:
    """Yield the rows of one page at a time, and their encoder."""
    with translate_errors(feed, session.engine, where=where):
        result = session.execute(query, fetch_rows=source.fetch_rows)
    encoder = _row_encoder(feed, source, result, dialect=session.engine.dialect.name)
    while True:
        with translate_errors(feed, session.engine, where=where):
            fetched = session.fetch(fetch_rows=source.fetch_rows)
        if not fetched:
            return
        yield fetched, encoder
        del fetched  # the page's alone, which drops them when they are read


def _row_encoder(
    feed: Feed, source: SqlSource, result: sa.CursorResult[Any], *, dialect: str
) -> RowEncoder:
    if result.cursor is None:
        raise FeedFileError(f"{feed.name}: source.query returns no rows; make it a SELECT")
    columns = rows.columns(feed, list(result.keys()), base64=source.base64_columns)
    codes = [column[1] for column in result.cursor.description]
    typed = [
        _typed(feed, column, code, dialect=dialect, zone=source.zone)
        for column, code in zip(columns, codes, strict=True)
    ]
    return RowEncoder(feed, typed)


def _typed(
    feed: Feed, column: SqlColumn, code: object, *, dialect: str, zone: ZoneInfo | None
) -> SqlColumn:
    """*column* with what only the database knows about it; *zone* is the source's."""
    zone = column.zone or zone
    if dialect not in MYSQL:
        return replace(column, zone=zone)
    if code == _FLOAT:
        raise FeedFileError(
            f"{feed.name}: column {column.name!r} is a FLOAT, which the server sends with six "
            f"digits; select CAST({column.name} AS DOUBLE)"
        )
    # A TIMESTAMP is an instant that comes without its zone: that of our session.
    zone = ZoneInfo("UTC") if code == _TIMESTAMP else zone
    return replace(column, zone=zone, is_json=column.is_json or code == _JSON)


def _query(feed: Feed, source: SqlSource, work: Unit, *, dialect: str) -> sa.TextClause:
    """The query with its parameters bound; the driver sends them apart from the text."""
    values = query_parameters(feed, source, work, dialect=dialect)
    # No type of SQLAlchemy's: it would cast text to VARCHAR, also where a column is an enum.
    bound = [sa.bindparam(name, values[name], sa.types.NullType()) for name in source.parameters]
    return sa.text(source.text).bindparams(*bound)


def query_parameters(
    feed: Feed, source: SqlSource, work: Unit, *, dialect: str
) -> dict[str, object]:
    """Return the values of all parameters that a query of *feed* may use, in *dialect*'s types."""
    values: dict[str, object] = {
        name: value if name.endswith("_iso") else int(value)
        for name, value in window_values(work.window).items()
    }
    values |= _bounds(work.window, zone=source.zone, dialect=dialect)
    for name, value in feed.source_values(work.slice).items():
        values[name] = _integer(name, value) if _are_integers(feed.slices[name]) else value
    return values


def _bounds(window: Window, *, zone: ZoneInfo | None, dialect: str) -> dict[str, object]:
    bounds: dict[str, object] = {}
    for name, moment in (("start", window.start), ("end", window.end)):
        bounds[name] = _bound_value(moment.astimezone(UTC), dialect)
        local = moment.astimezone(zone or UTC).replace(tzinfo=None)
        bounds[f"{name}_local"] = _bound_value(local, dialect)
    return bounds


def _bound_value(moment: datetime, dialect: str) -> object:
    if dialect == "sqlite":  # the form of its own datetime(...)
        return f"{moment:%Y-%m-%d %H:%M:%S}"
    if dialect in MYSQL:  # without zones; our session's is UTC
        return moment.replace(tzinfo=None)
    return moment


def _are_integers(values: object) -> bool:
    """Whether a slice's values are whole numbers, and are bound as such."""
    return isinstance(values, list) and all(isinstance(value, int) for value in values)


def _integer(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise UsageError(f"slice {name}={value}: it must be a whole number") from None
