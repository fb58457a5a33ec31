"""Rows of real databases arrive as records: the window's own, each once, every digit."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest
import sqlalchemy as sa

from include.ticklake.errors import (
    SourceUnavailableError,
    UsageError,
)
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.sources import source
from include.ticklake.sources.retries import SourceRetryPolicy
from include.ticklake.sources.source import SourceContext
from tests.support.sql_feeds import (
    ALL,
    EVENTS,
    HOUR,
    PRICE,
    connect,
    events_table,
    feed,
    ids_query,
    lines,
    records,
    run,
    trades_query,
)

EDGES = [
    (1, "2026-11-22 04:59:59.999999"),
    (2, "2026-11-22 05:00:00"),
    (3, "2026-11-22 05:30:00.123456"),
    (4, "2026-11-22 05:59:59.999999"),
    (5, "2026-11-22 06:00:00"),
]


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp"])
def test_postgresql_gives_the_window_and_nothing_else(postgresql_url, tmp_path, kind):
    """The first instant is inside and the last is not, with and without a zone."""
    rows = [(number, at + ("+00" if kind == "timestamptz" else "")) for number, at in EDGES]
    with events_table(postgresql_url, f"id bigint, at {kind}", rows):
        done = run(feed(source={"timezone": "UTC"}), postgresql_url, tmp_path)
    assert lines(done, tmp_path) == [
        '{"id":2,"at":"2026-11-22T05:00:00Z"}',
        '{"id":3,"at":"2026-11-22T05:30:00.123456Z"}',
        '{"id":4,"at":"2026-11-22T05:59:59.999999Z"}',
    ]
    assert done.manifest.json.out_of_window_rows == 0


def test_mariadb_gives_the_window_and_nothing_else(mariadb_url, tmp_path):
    """A TIMESTAMP is an instant, whatever the zone of the server is."""
    with events_table(mariadb_url, "id bigint, at timestamp(6)", EDGES):
        done = run(feed(), mariadb_url, tmp_path)
    assert lines(done, tmp_path) == [
        '{"id":2,"at":"2026-11-22T05:00:00Z"}',
        '{"id":3,"at":"2026-11-22T05:30:00.123456Z"}',
        '{"id":4,"at":"2026-11-22T05:59:59.999999Z"}',
    ]


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_clocks_without_a_zone_are_asked_and_read_by_the_declared_one(request, tmp_path, kind):
    """``:start_local`` is what a wall clock in Berlin showed when the window began."""
    url = request.getfixturevalue(kind).url("psycopg" if kind == "postgresql" else "pymysql")
    local = [(number, at.replace(" 04", " 05").replace(" 06", " 07")) for number, at in EDGES]
    local[1:4] = [(number, at.replace(" 05", " 06")) for number, at in EDGES[1:4]]
    query = EVENTS.replace(":start", ":start_local").replace(":end", ":end_local")
    column = "timestamp" if kind == "postgresql" else "datetime(6)"
    with events_table(url, f"id bigint, at {column}", local):
        done = run(feed(query, source={"timezone": "Europe/Berlin"}), url, tmp_path)
    assert [(record["id"], record["at"]) for record in records(done, tmp_path)] == [
        (2, "2026-11-22T05:00:00Z"),
        (3, "2026-11-22T05:30:00.123456Z"),
        (4, "2026-11-22T05:59:59.999999Z"),
    ]


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        pytest.param("at >= :start AND at < :end", EDGES, id="text"),
        pytest.param(
            "datetime(at) >= :start AND datetime(at) < :end",
            [(number, at.replace(" ", "T") + "Z") for number, at in EDGES],
            id="ISO 8601 text",
        ),
    ],
)
def test_sqlite_gives_the_window_and_nothing_else(tmp_path, condition, rows):
    """Its times are text, which compares as ``datetime()`` writes it."""
    url = f"sqlite:///{tmp_path}/shop.db"
    query = f"SELECT id, at FROM events WHERE {condition} ORDER BY at"
    with events_table(url, "id integer, at text", rows):
        done = run(feed(query, source={"timezone": "UTC"}), url, tmp_path)
    staged = records(done, tmp_path)
    assert [record["id"] for record in staged] == [2, 3, 4]
    assert [record["at"][-1] for record in staged] == ["Z", "Z", "Z"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_whole_numbers_are_asked_in_their_own_unit(database_url, tmp_path, unit):
    """``:start_ms`` and its like need no calendar, and are wider than 32 bits."""
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    rows = [
        (number, (HOUR.start_ms // 1000 + second) * per_second)
        for number, second in enumerate((-1, 0, 3599, 3600))
    ]
    query = f"SELECT id, at FROM events WHERE at BETWEEN :start_{unit} AND :last_{unit} ORDER BY at"
    fields = {"at": {"type": "timestamp", "unit": unit, "event_time": True}}
    with events_table(database_url, "id bigint, at bigint", rows):
        done = run(feed(query, fields=fields), database_url, tmp_path)
    assert [record["id"] for record in records(done, tmp_path)] == [1, 2]


@pytest.mark.parametrize(
    ("column", "values", "slices", "slice_values"),
    [
        pytest.param(
            "varchar(9)", ["a'b", "c"], {"shop": ["a'b", "c"]}, {"shop": "a'b"}, id="text"
        ),
        pytest.param("int", [7, 8], {"shop": [7, 8]}, {"shop": "7"}, id="number"),
        pytest.param(
            "varchar(9)",
            ["1M", "1m"],
            {"shop": {"month": "1M"}},
            {"shop": "month"},
            id="source_values",
        ),
    ],
)
def test_a_slice_is_bound_as_the_source_spells_it(
    database_url, tmp_path, column, values, slices, slice_values
):
    """A quote in it is a quote, a number is a number, and a name stands for the source's own."""
    at = "2026-11-22 05:00:00"
    query = EVENTS.replace("WHERE", "WHERE shop = :shop AND")
    binary = " COLLATE utf8mb4_bin" if "mysql" in database_url and column != "int" else ""
    with events_table(
        database_url,
        f"id bigint, at timestamp, shop {column}{binary}",
        [(1, at, values[0]), (2, at, values[1])],
    ):
        described = feed(query, slices=slices, source={"timezone": "UTC"})
        done = run(described, database_url, tmp_path, slice_=Slice.of(slice_values))
    assert [record["id"] for record in records(done, tmp_path)] == [1]


def test_a_slice_of_numbers_takes_numbers_only(tmp_path):
    """Else the database would say it in its own words, or compare text."""
    query = EVENTS.replace("WHERE", "WHERE shop = :shop AND")
    (tmp_path / "shop.db").touch()
    with pytest.raises(UsageError, match="slice shop=seven: it must be a whole number"):
        run(
            feed(query, slices={"shop": [7]}), f"sqlite:///{tmp_path}/shop.db", tmp_path,
            slice_=Slice.of({"shop": "seven"}),
        )  # fmt: skip


def test_the_same_window_again_is_the_same_bytes(postgresql_url, tmp_path):
    """Nothing of the run is in what it leaves."""
    first, again = (
        run(feed(trades_query(5_000), fields=PRICE, order="none"), postgresql_url, tmp_path / name)
        for name in ("first", "again")
    )
    assert first.manifest == again.manifest


def context(url: str, **options) -> SourceContext:
    return SourceContext(
        get_credentials=lambda _: pytest.fail("a database needs no login"),
        connect=partial(connect, url=url),
        retry_policy=SourceRetryPolicy(max_attempts=2, **{"sleep": lambda _: None} | options),
    )


def test_no_more_rows_are_in_memory_than_one_fetch(database_url):
    """The server keeps the rest until it is asked for."""
    query = ids_query(4_500, database_url)
    described = feed(query, order="none", source={"fetch_rows": 2_000, "timezone": "UTC"})
    pages = source.pages(described, Unit(ALL, HOUR), context=context(database_url))
    sizes_rows = []
    for cursor, page in pages:
        assert cursor is None
        read = sum(1 for _ in page)
        assert (page.rows, page.info().rows) == (read, read)
        assert page.page_bytes > 30 * read
        sizes_rows.append(read)
    assert sizes_rows == [2_000, 2_000, 500]


def test_a_unit_has_a_time_by_which_its_query_must_end(database_url):
    """Checked between two fetches."""
    query = ids_query(4_500, database_url)
    described = feed(query, order="none", source={"fetch_rows": 2_000, "timezone": "UTC"})
    now_s = [0]
    timed = replace(context(database_url), clock=lambda: now_s[0])
    with closing(source.pages(described, Unit(ALL, HOUR), context=timed)) as pages:
        assert next(pages)[1].rows == 2_000
        now_s[0] = 7 * 3_600
        with pytest.raises(SourceUnavailableError, match=r"^shop .*limits.unit_timeout: 6:00:00"):
            next(pages)


def test_a_reader_that_leaves_does_not_wait_for_the_rest(database_url):
    """The connection is dropped, not read to its end."""
    query = ids_query(900_000_000, database_url)
    described = feed(query, order="none", source={"timezone": "UTC"})
    with closing(source.pages(described, Unit(ALL, HOUR), context=context(database_url))) as pages:
        assert next(pages)[1].rows == 2_000


def test_a_server_that_is_away_is_asked_again_before_it_is_given_up(database_url):
    """As often as an API is, with waits in between."""
    away = sa.make_url(database_url).set(host="127.0.0.1", port=1, query={})
    url, waits = away.render_as_string(hide_password=False), []
    pages = source.pages(feed(), Unit(ALL, HOUR), context=context(url, sleep=waits.append))
    with pytest.raises(
        SourceUnavailableError, match=r"^shop \((postgresql|mariadb)\): OperationalError: "
    ):
        next(pages)
    assert len(waits) == 1
