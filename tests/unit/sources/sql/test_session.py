"""The calls of a session end by their clocks, and the session can still be closed."""

from __future__ import annotations

import signal
import time
from contextlib import closing

import pytest
import sqlalchemy as sa

from include.ticklake.errors import SourceUnavailableError
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.deadline import UnitDeadline
from include.ticklake.sources.sql import engines
from include.ticklake.sources.sql.session import SqlSession

PAGE = Limits(page_timeout_s=2)


def session_of(url: str, limits: Limits = PAGE) -> SqlSession:
    engine = engines.open_engine(url, where="test")
    return SqlSession(engine, limits, deadline=UnitDeadline(limits), where="shop")


def sleeping(url: str, seconds: float) -> sa.TextClause:
    if "postgresql" in url:
        return sa.text(f"SELECT n, CAST(pg_sleep({seconds}) AS text) FROM generate_series(1, 9) n")
    return sa.text(f"SELECT seq, sleep({seconds}) FROM seq_1_to_9")


def first_page(session: SqlSession, query: sa.TextClause) -> None:
    session.execute(query, fetch_rows=10)
    session.fetch(fetch_rows=10)


def test_a_query_that_takes_too_long_is_left(database_url):
    """The error names the setting, and nothing is left running on the server."""
    with closing(session_of(database_url)) as session:
        session.open()
        began_s = time.monotonic()
        with pytest.raises(SourceUnavailableError, match=r"^shop: no.* limits.page_timeout_s: 2;"):
            first_page(session, sleeping(database_url, 100))
    assert time.monotonic() - began_s < 10
    assert running(database_url) == 0


def running(url: str) -> int:
    """Queries of ``test_a_query_that_takes_too_long_is_left`` that the server still runs."""
    table, text, number = (
        ("pg_stat_activity WHERE state = 'active' AND", "query", "pid <> pg_backend_pid()")
        if "postgresql" in url
        else ("information_schema.processlist WHERE", "info", "id <> connection_id()")
    )
    asked = sa.text(f"SELECT count(*) FROM {table} {text} LIKE '%sleep(100)%' AND {number}")
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as other:
        return other.execute(asked).scalar_one()


def test_a_task_that_is_ended_leaves_no_query_behind(database_url):
    """As Airflow ends it: by an exception in the main thread, at any moment."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with closing(session_of(database_url, Limits())) as session:
            session.open()
            signal.setitimer(signal.ITIMER_REAL, 1)
            with pytest.raises(KeyboardInterrupt):
                first_page(session, sleeping(database_url, 100))
        assert running(database_url) == 0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_the_time_of_the_unit_counts_where_it_is_shorter(database_url):
    """The error then names that setting."""
    with closing(session_of(database_url, Limits(unit_timeout="2s"))) as session:
        session.open()
        with pytest.raises(SourceUnavailableError, match=r"limits.unit_timeout: 0:00:02"):
            first_page(session, sleeping(database_url, 100))


def test_a_session_that_was_never_opened_can_be_closed(tmp_path):
    """As after an error of its server."""
    session_of(f"sqlite:///{tmp_path}/none.db").close()


def test_rows_come_page_by_page(database_url):
    """Down to the last one."""
    with closing(session_of(database_url, Limits())) as session:
        session.open()
        result = session.execute(sleeping(database_url, 0), fetch_rows=4)
        assert len(list(result.keys())) == 2
        sizes_rows = [len(session.fetch(fetch_rows=4)) for _ in range(4)]
    assert sizes_rows == [4, 4, 1, 0]
