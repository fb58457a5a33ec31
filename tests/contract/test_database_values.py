"""The values of real databases arrive with every digit, or are refused."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from include.ticklake.convert import convert
from include.ticklake.convert.budget import budget_for
from include.ticklake.errors import (
    FeedFileError,
    SourceRefusedError,
)
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from tests.support.sql_feeds import (
    PRICE,
    connect,
    events_table,
    feed,
    lines,
    records,
    run,
    trades_query,
)

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
    (record,) = records(done, tmp_path)
    assert {name: record[name] for name in POSTGRESQL} == {
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
    (record,) = records(done, tmp_path)
    assert {name: record[name] for name in MARIADB} == {
        name: value for name, (_, value) in MARIADB.items()
    }


def test_a_float_of_mariadb_is_refused(mariadb_url, tmp_path):
    """The server itself gives six of its digits: 16777217 would arrive as 16777200."""
    query = "SELECT id, at, f FROM events WHERE at >= :start AND at < :end ORDER BY id"
    with (
        events_table(mariadb_url, "id bigint, at timestamp, f float"),
        pytest.raises(FeedFileError, match=r"column 'f' is a FLOAT.*CAST\(f AS DOUBLE\)"),
    ):
        run(feed(query), mariadb_url, tmp_path)


@pytest.mark.parametrize(
    ("value", "message"),
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
def test_what_postgresql_has_and_json_has_not_is_refused(postgresql_url, tmp_path, value, message):
    """Nothing is staged, and the message says what the query could give instead."""
    query = f"SELECT 1 AS id, :start AS at, {value} AS v WHERE :start < :end ORDER BY 1"
    with pytest.raises((FeedFileError, SourceRefusedError), match=message):
        run(feed(query), postgresql_url, tmp_path)
    assert not (tmp_path / "manifests").exists()


def test_an_hour_of_postgresql_arrives_in_parquet_with_equal_decimals(postgresql_url, tmp_path):
    """The lake holds the numbers that the database holds."""
    described = feed(trades_query(70_000), fields=PRICE, order="none")
    done = run(described, postgresql_url, tmp_path)
    storage = Storage.open(tmp_path.as_uri(), {})
    report = convert.convert(
        done.manifest.key, feed=described, storage=storage, budget=budget_for(128 * MIB)
    )
    lake = pq.read_table(tmp_path / report.manifest.parquet.key)
    with closing(connect("shop", url=postgresql_url).connect()) as session:
        total = session.exec_driver_sql(
            "SELECT sum((n * 0.00000001)::numeric(28,8)) FROM generate_series(1, 70000) AS n"
        ).scalar()
    assert lake.num_rows == done.manifest.json.received_rows == 70_000
    assert sum(lake["price"].to_pylist()) == total
    assert lake["price"][-1].as_py() == Decimal("0.00070000")
