"""The session of one query: each of its calls ends by a clock, whatever the server does.

A driver waits in C, or for the next bytes only. So its calls are made in a thread of their own.
When the time of one is over, the server is asked to stop, then the connection is cut; and where
that does not help either, the thread is left behind.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from include.ticklake.errors import SourceUnavailableError
from include.ticklake.feed.limits import Limits
from include.ticklake.model.call_thread import CallThread, CallTimeoutError
from include.ticklake.sources.deadline import UnitDeadline
from include.ticklake.sources.sql import cursor, engines, interrupt
from include.ticklake.sources.sql.engines import MYSQL
from include.ticklake.sources.sql.row_sizes import Row

T = TypeVar("T")

_CUT_S = 5
"""How long a call may take to notice that its connection is cut."""


class SqlSession:
    """One query of *engine*; errors name *where*. Close it, at its end or before.

    Its methods raise what SQLAlchemy and the driver raise, and ``SourceUnavailableError`` when the
    time of a page or of the unit is over.
    """

    def __init__(
        self, engine: sa.Engine, limits: Limits, *, deadline: UnitDeadline, where: str
    ) -> None:
        self.engine, self._limits = engine, limits
        self._deadline, self._where = deadline, where
        self._thread = CallThread()
        self._connection: sa.Connection | None = None
        self._driver_connection: Any = None
        self._result: sa.CursorResult[Any] | None = None
        self._rows: Any = iter(())
        self._is_at_end = self._is_cut = self._is_closed = False

    def open(self) -> None:
        """Connect and log in."""
        if not self._thread.is_idle():  # an attempt before this one is still at it
            self._thread.close()
            self._thread = CallThread()
        self._call(partial(self._connect, self._thread), "no session")

    def execute(self, query: sa.TextClause, *, fetch_rows: int) -> sa.CursorResult[Any]:
        """Send the query; the result is for its columns only, ``fetch`` gives the rows."""
        return self._call(partial(self._execute, query, fetch_rows), "no row")

    def fetch(self, *, fetch_rows: int) -> list[Row]:
        """The rows of the next page; none at the end."""
        take = partial(cursor.take_page, self._rows, most_rows=fetch_rows)
        page = self._call(take, "not all rows of a page")
        self._is_at_end = not page
        return page

    def close(self) -> None:
        """Leave the rows that were not fetched, and the database."""
        self._is_closed = True
        if not self._thread.is_idle():  # whoever waited was ended: nobody else stops the query
            self._break_off()
        if self._thread.is_idle():
            with suppress(Exception):  # the first error says more, and without one all rows came
                self._wait(self._leave, self._limits.connect_timeout_s)
        self._thread.close()

    # What is opened in the thread is noted there: it may be open when nobody waits any more.

    def _connect(self, thread: CallThread) -> None:
        connection = engines.open_session(self.engine, self._limits, unit_s=self._deadline.left_s())
        if self._is_closed or thread is not self._thread:
            connection.close()
            return
        self._connection = connection
        self._driver_connection = connection.connection.dbapi_connection

    def _execute(self, query: sa.TextClause, fetch_rows: int) -> sa.CursorResult[Any]:
        assert self._connection is not None  # noqa: S101 - opened before
        options = self._connection.execution_options(stream_results=True, yield_per=fetch_rows)
        self._result = options.execute(query)
        driver = self.engine.dialect.driver
        self._rows = cursor.iterate(self._result, driver, fetch_rows=fetch_rows)
        return self._result

    def _call(self, function: Callable[[], T], missing: str) -> T:
        """What *function* returns, within the time of a page and of the unit."""
        self._deadline.check(self._where)
        try:
            return self._wait(function, min(self._limits.page_timeout_s, self._deadline.left_s()))
        except CallTimeoutError:
            self._deadline.check(self._where)
            raise SourceUnavailableError(
                f"{self._where}: {missing} after limits.page_timeout_s: "
                f"{self._limits.page_timeout_s:g}; make the query faster, or raise it"
            ) from None

    def _wait(self, function: Callable[[], T], timeout_s: float) -> T:
        try:
            return self._thread.call(function, timeout_s=timeout_s)
        except CallTimeoutError:
            self._break_off()
            raise

    def _break_off(self) -> None:
        """End the call that the thread is in, if that can be done."""
        if self._connection is None or self._is_cut:
            return
        self._is_cut = True
        other = CallThread()
        stop = partial(interrupt.stop, self._connection, self._driver_connection)
        with suppress(Exception):  # as good as it can; the connection is cut next
            other.call(stop, timeout_s=self._limits.connect_timeout_s)
        other.close()
        if not self._thread.is_idle(within_s=_CUT_S):
            with suppress(OSError, ValueError):
                interrupt.disconnect(self._driver_connection)
            self._thread.is_idle(within_s=_CUT_S)

    def _leave(self) -> None:
        """Close all that is open, in the thread."""
        if self._connection is None:
            return
        with closing(self._connection):
            if self._result is None:
                return
            with closing(self._result), closing(self._rows):
                if self.engine.dialect.name in MYSQL and not self._is_at_end:
                    # Such a server sends all of its rows before it listens again.
                    interrupt.stop(self._connection, self._driver_connection)
                    while self._result.fetchmany(100):
                        pass
