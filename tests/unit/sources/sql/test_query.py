"""Rows of real databases arrive as records: the window's own, each once, every digit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from decimal import Decimal
from functools import partial
from itertools import islice

import pytest
import sqlalchemy as sa

from include.ticklake.convert import convert
from include.ticklake.convert.budget import budget_for
from include.ticklake.errors import (
    FeedFileError,
    SourceRefusedError,
    SourceUnavailableError,
    UsageError,
)
from include.ticklake.feed import loader
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.sources import source
from include.ticklake.sources.retries import SourceRetryPolicy
from include.ticklake.sources.source import SourceContext
from tests.conftest import REPOSITORY
from tests.support.sql_feeds import ALL, EVENTS, HOUR, connect, feed, lines, records, run

EDGES = [
    (1, "2026-11-22 04:59:59.999999"),
    (2, "2026-11-22 05:00:00"),
    (3, "2026-11-22 05:30:00.123456"),
    (4, "2026-11-22 05:59:59.999999"),
    (5, "2026-11-22 06:00:00"),
]


@contextmanager
def table(url: str, columns: str, rows: Sequence[tuple] = ()) -> Iterator[None]:
    """A table ``events`` that is there while the block runs."""
    name = "events"
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE {name} ({columns})")
        if "mysql" in url:  # whose own clock is at +05:30
            connection.exec_driver_sql("SET time_zone = '+00:00'")
        for row in rows:
            marks = ", ".join("?" if "sqlite" in url else "%s" for _ in row)
            connection.exec_driver_sql(f"INSERT INTO {name} VALUES ({marks})", row)
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP TABLE {name}")


# ---- the window and the slice


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp"])
def test_postgresql_gives_the_window_and_nothing_else(postgresql_url, tmp_path, kind):
    """The first instant is inside and the last is not, with and without a zone."""
    rows = [(number, at + ("+00" if kind == "timestamptz" else "")) for number, at in EDGES]
    with table(postgresql_url, f"id bigint, at {kind}", rows):
        done = run(feed(source={"timezone": "UTC"}), postgresql_url, tmp_path)
    assert lines(done, tmp_path) == [
        '{"id":2,"at":"2026-11-22T05:00:00Z"}',
        '{"id":3,"at":"2026-11-22T05:30:00.123456Z"}',
        '{"id":4,"at":"2026-11-22T05:59:59.999999Z"}',
    ]
    assert done.manifest.json.out_of_window_rows == 0


def test_mariadb_gives_the_window_and_nothing_else(mariadb_url, tmp_path):
    """A TIMESTAMP is an instant, whatever the zone of the server is."""
    with table(mariadb_url, "id bigint, at timestamp(6)", EDGES):
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
    with table(url, f"id bigint, at {column}", local):
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
    with table(url, "id integer, at text", rows):
        done = run(feed(query, source={"timezone": "UTC"}), url, tmp_path)
    found = records(done, tmp_path)
    assert [record["id"] for record in found] == [2, 3, 4]
    assert [record["at"][-1] for record in found] == ["Z", "Z", "Z"]


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
    with table(database_url, "id bigint, at bigint", rows):
        done = run(feed(query, fields=fields), database_url, tmp_path)
    assert [record["id"] for record in records(done, tmp_path)] == [1, 2]


@pytest.mark.parametrize(
    ("column", "values", "slices", "piece"),
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
    database_url, tmp_path, column, values, slices, piece
):
    """A quote in it is a quote, a number is a number, and a name stands for the source's own."""
    at = "2026-11-22 05:00:00"
    query = EVENTS.replace("WHERE", "WHERE shop = :shop AND")
    binary = " COLLATE utf8mb4_bin" if "mysql" in database_url and column != "int" else ""
    with table(
        database_url,
        f"id bigint, at timestamp, shop {column}{binary}",
        [(1, at, values[0]), (2, at, values[1])],
    ):
        found = feed(query, slices=slices, source={"timezone": "UTC"})
        done = run(found, database_url, tmp_path, slice_=Slice.of(piece))
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


# ---- exactness

WIDE = "123456789012345678901234567890.123456789012345678"

POSTGRESQL = {
    "big": ("9223372036854775807::bigint", 9223372036854775807),
    "amount": (f"{WIDE}::numeric", Decimal(WIDE)),
    "padded": ("1.10::numeric(18,8)", Decimal("1.10000000")),
    "real": ("0.1::float4", Decimal("0.1")),
    "double": ("0.1::float8 + 0.2::float8", Decimal("0.30000000000000004")),
    "tiny": ("5e-324::float8", Decimal("5e-324")),
    "broken": ("'NaN'::numeric", "NaN"),
    "endless": ("'-Infinity'::float8", "-Infinity"),
    "moment": ("'2026-11-22 10:30:00.000001+05:30'::timestamptz", "2026-11-22T05:00:00.000001Z"),
    "day": ("'2026-11-22'::date", "2026-11-22"),
    "payload": (
        '\'{"b" \\: 1.10,\n "a" \\: [1e2]}\'::json',
        {"b": Decimal("1.10"), "a": [Decimal("1e2")]},
    ),
    "packed": (
        "'{\"b\" \\: 0.10000000000000000001}'::jsonb",
        {"b": Decimal("0.10000000000000000001")},
    ),
    "who": ("'00000000-0000-0000-0000-000000000007'::uuid", "00000000-0000-0000-0000-000000000007"),
    "word": ("'tä\"x'::text", 'tä"x'),
    "flag": ("true", True),
    "seal": ("'\\x00ff'::bytea", "AP8="),
    "nothing": ("NULL::numeric", None),
}


def test_postgresql_values_keep_every_digit(postgresql_url, tmp_path):
    """NUMERIC, bigint, json, bytea and times with a zone are what they were."""
    columns = ", ".join(f"{text} AS {name}" for name, (text, _) in POSTGRESQL.items())
    query = f"SELECT 1 AS id, :start AS at, {columns} WHERE :start < :end ORDER BY 1"
    done = run(feed(query, source={"base64_columns": ["seal"]}), postgresql_url, tmp_path)
    (found,) = records(done, tmp_path)
    assert {name: found[name] for name in POSTGRESQL} == {
        name: value for name, (_, value) in POSTGRESQL.items()
    }
    assert '"padded":1.10000000,' in lines(done, tmp_path)[0]


MARIADB = {
    "big": ("CAST(18446744073709551615 AS UNSIGNED)", 18446744073709551615),
    "amount": (f"CAST('{WIDE[1:]}' AS DECIMAL(47,18))", Decimal(WIDE[1:])),
    "doubled": ("0.1e0 + 0.2e0", Decimal("0.30000000000000004")),
    "payload": ("'{\"b\" \\: 1.10}'", {"b": Decimal("1.10")}),
    "word": ("'tä😀'", "tä😀"),
    "flag": ("1 = 1", True),
    "seal": ("x'00ff'", "AP8="),
    "day": ("DATE '2026-11-22'", "2026-11-22"),
}


def test_mariadb_values_keep_every_digit(mariadb_url, tmp_path):
    """Also those that only the feed says the meaning of: JSON, booleans, bytes."""
    columns = ", ".join(f"{text} AS {name}" for name, (text, _) in MARIADB.items())
    at = "CAST(:start AS DATETIME(6)) AS at"
    query = f"SELECT 1 AS id, {at}, {columns} FROM dual WHERE :start < :end ORDER BY 1"
    fields = {"payload": {"type": "json"}, "flag": {"type": "bool"}}
    source = {"base64_columns": ["seal"], "timezone": "UTC"}
    done = run(feed(query, fields=fields, source=source), mariadb_url, tmp_path)
    (found,) = records(done, tmp_path)
    assert {name: found[name] for name in MARIADB} == {
        name: value for name, (_, value) in MARIADB.items()
    }


def test_a_float_of_mariadb_is_refused(mariadb_url, tmp_path):
    """The server itself tells six of its digits: 16777217 would arrive as 16777200."""
    query = "SELECT id, at, f FROM events WHERE at >= :start AND at < :end ORDER BY id"
    with (
        table(mariadb_url, "id bigint, at timestamp, f float"),
        pytest.raises(FeedFileError, match=r"column 'f' is a FLOAT.*CAST\(f AS DOUBLE\)"),
    ):
        run(feed(query), mariadb_url, tmp_path)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(
            "ARRAY[1, 2]", "column 'v' holds list: a column cannot hold arrays", id="array"
        ),
        pytest.param("interval '1 day'", "column 'v' holds timedelta", id="interval"),
        pytest.param(
            "'\\x00'::bytea", "column 'v' holds (bytes|memoryview): add it to", id="bytea"
        ),
        pytest.param(
            "now()::timestamp", "column 'v' holds timestamps without a zone", id="no zone"
        ),
        pytest.param("'infinity'::timestamptz", "as text|too large|check the feed", id="infinity"),
        pytest.param("int4range(1, 3)", "column 'v' holds", id="range"),
    ],
)
def test_what_postgresql_has_and_json_has_not_is_refused(postgresql_url, tmp_path, value, said):
    """Nothing is staged, and the message says what the query could give instead."""
    query = f"SELECT 1 AS id, :start AS at, {value} AS v WHERE :start < :end ORDER BY 1"
    with pytest.raises((FeedFileError, SourceRefusedError), match=said):
        run(feed(query), postgresql_url, tmp_path)
    assert not (tmp_path / "manifests").exists()


# ---- as a whole


def trades(rows: int) -> str:
    """A query for that many trades within the hour, made by the server as it is read."""
    return f"""
        SELECT n AS id, :start::timestamptz + n * interval '1 microsecond' AS at,
               (n * 0.00000001)::numeric(28,8) AS price
        FROM (SELECT generate_series(1, {rows}) AS n) AS numbers WHERE :start < :end"""


def numbers(rows: int, url: str) -> str:
    """The same for any server, without prices."""
    if "postgresql" in url:
        return trades(rows)
    at = "CAST(:start AS DATETIME) AS at"
    return f"SELECT seq AS id, {at} FROM seq_1_to_{rows} WHERE :start < :end"


PRICE = {"price": {"type": "decimal(28,8)"}}


def test_an_hour_of_postgresql_arrives_in_parquet_with_equal_decimals(postgresql_url, tmp_path):
    """The lake holds the numbers that the database holds."""
    import pyarrow.parquet as pq

    found = feed(trades(70_000), fields=PRICE, order="none")
    done = run(found, postgresql_url, tmp_path)
    storage = Storage.open(tmp_path.as_uri(), {})
    report = convert.convert(
        done.manifest.key, feed=found, storage=storage, budget=budget_for(128 * MIB)
    )
    lake = pq.read_table(tmp_path / report.manifest.parquet.key)
    with closing(connect("shop", url=postgresql_url).connect()) as session:
        total = session.exec_driver_sql(
            "SELECT sum((n * 0.00000001)::numeric(28,8)) FROM generate_series(1, 70000) AS n"
        ).scalar()
    assert lake.num_rows == done.manifest.json.received_rows == 70_000
    assert sum(lake["price"].to_pylist()) == total
    assert lake["price"][-1].as_py() == Decimal("0.00070000")


def test_the_same_window_again_is_the_same_bytes(postgresql_url, tmp_path):
    """Nothing of the run is in what it leaves."""
    first, again = (
        run(feed(trades(5_000), fields=PRICE, order="none"), postgresql_url, tmp_path / name)
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
    query = numbers(4_500, database_url)
    found = feed(query, order="none", source={"fetch_rows": 2_000, "timezone": "UTC"})
    pages = source.pages(found, Unit(ALL, HOUR), context=context(database_url))
    sizes_rows = []
    for cursor, page in pages:
        assert cursor is None
        read = sum(1 for _ in page)
        assert (page.rows, page.info().rows) == (read, read)
        assert page.page_bytes > 30 * read
        sizes_rows.append(read)
    assert sizes_rows == [2_000, 2_000, 500]


def test_a_reader_that_leaves_does_not_wait_for_the_rest(database_url):
    """The connection is dropped, not read to its end."""
    query = numbers(900_000_000, database_url)
    found = feed(query, order="none", source={"timezone": "UTC"})
    with closing(source.pages(found, Unit(ALL, HOUR), context=context(database_url))) as pages:
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


BROKEN = trades(60_000).replace("AS price", "AS price, 1 / ((SELECT fails FROM events) - n) AS v")


def test_a_try_that_broke_off_begins_anew(postgresql_url, tmp_path):
    """No row is staged twice, though whole parts of the first try lie there."""
    found = feed(BROKEN, fields=PRICE, order="none", part_bytes=100_000)
    with table(postgresql_url, "fails int", [(50_000,)]):
        with pytest.raises(SourceRefusedError, match="division by zero"):
            run(found, postgresql_url, tmp_path)
        assert len(list(tmp_path.rglob("part-*"))) > 5
        with closing(connect("shop", url=postgresql_url).connect()) as session, session.begin():
            session.exec_driver_sql("UPDATE events SET fails = 70000")
        done = run(found, postgresql_url, tmp_path)
    assert done.manifest.json.rows == len({record["id"] for record in records(done, tmp_path)})
    assert done.manifest.json.rows == 60_000
    assert not list(tmp_path.rglob("part-*"))


def test_what_was_staged_before_a_kill_is_not_gone_on_with(postgresql, tmp_path):
    """A query has no middle to begin in: its rows are all fetched again."""
    folder, root = tmp_path / "feeds", tmp_path / "lake"
    folder.mkdir()
    found = feed(trades(100_000), fields=PRICE, order="none", part_bytes=65_536)
    text = found.model_dump_json(by_alias=True, exclude={"name"}, exclude_defaults=True)
    (folder / "shop_events.yaml").write_text(text)
    with subprocess.Popen(
        [sys.executable, "-m", "include.ticklake", "--verbose", "extract", "shop_events",
         "--root", root.as_uri(), "--start", HOUR.start.isoformat(), "--end", HOUR.end.isoformat()],
        cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=os.environ
        | {"TICKLAKE_FEEDS": str(folder), "AIRFLOW_CONN_SHOP": postgresql.url("psycopg")},
    ) as child:  # fmt: skip
        read = (line for line in child.stderr if "page.read" in line)
        assert len(list(islice(read, 20))) == 20
        child.kill()
        child.stderr.read()
    assert list(root.rglob("progress.json"))
    done = run(loader.read_feed(folder / "shop_events.yaml"), postgresql.url("psycopg"), root)
    assert done.manifest.json.rows == len({record["id"] for record in records(done, root)})
    assert done.manifest.json.rows == 100_000
