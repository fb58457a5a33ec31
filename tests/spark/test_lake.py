"""Spark reads the lake by the printed statement, and the Iceberg table: equal counts and values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from include.ticklake.convert.convert import convert
from include.ticklake.errors import RetryableError
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import read
from include.ticklake.maintain.compact import compact
from include.ticklake.publish import ddl
from tests.conftest import REPOSITORY
from tests.iceberg import tables
from tests.support import doc_pages, lake_factory, staged_factory
from tests.unit.publish.test_ddl import one_row_a_day
from tools.servers.spark import SparkServer, SparkSqlError

PAGE = REPOSITORY / "docs" / "how-to" / "read.md"
TOTALS = "count(*) AS rows, sum(price) AS price, sum(quantity) AS quantity, max(traded_at) AS last"

NINES = "9" * 20
TYPES: dict[str, tuple[dict[str, object], list[str]]] = {
    # column: how the feed describes it, JSON values
    "whole": ({"type": "int64"}, [f"{2**63 - 1}", f"{-(2**63)}", "0"]),
    "short": ({"type": "decimal(9,2)"}, ["9999999.99", "-0.01", "0"]),
    "price": ({"type": "decimal(18,8)"}, ["9999999999.99999999", "-1e-8", "0"]),
    "long": ({"type": "decimal(38,18)"}, [f"{NINES}.{NINES[:18]}", f"-{NINES}.1", "1e-18"]),
    "wide": ({"type": "decimal(76,26)"}, [f"{NINES * 2}.{NINES}", "-1e-26", "0"]),
    "real": ({"type": "double"}, ["0.1", "5e-324", "-1.7976931348623157e308"]),
    "words": ({"type": "string"}, ['"№ é 币安"', '""', '"a\\"b"']),
    "truth": ({"type": "bool"}, ["true", "false", "1"]),
    "day": ({"type": "date"}, ['"0001-01-01"', '"9999-12-31"', '"1582-10-04"']),
    "ms": ({"type": "timestamp", "unit": "ms"}, ["1795325999123", "-14831769600000", "-1"]),
    "us": ({"type": "timestamp", "unit": "us"}, ["1795325999123456", "7258118400123456", "-1"]),
    "ns": ({"type": "timestamp", "unit": "ns"}, ["1795325999123456789", "-1", f"{2**63 - 1}"]),
    "text": ({"type": "json"}, ['{"a": [1.10, {"b": null}]}', '"x"', "12345678901234567890.10"]),
}


def feed_of_all_types() -> Feed:
    """A column of each type, and of each width of decimals and unit of times."""
    columns = {name: {"from": name, **described} for name, (described, _) in TYPES.items()}
    key = {"from": "n", "type": "int64", "key": True}
    at = {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True}
    return staged_factory.feed({"number": key, "at": at, **columns})


def lines_of_all_types() -> list[str]:
    """The extremes of each type, and a record of nulls."""
    times = range(lake_factory.DAY.start_ms, lake_factory.DAY.end_ms)
    records = [
        {name: values[number] for name, (_, values) in TYPES.items()} for number in range(3)
    ] + [{}]
    return [
        "{" + ",".join(f'"{name}":{text}' for name, text in members.items()) + "}"
        for number, record in enumerate(records)
        for members in [{"n": f"{number}", "t": f"{times[number]}", **record}]
    ]


def run(spark: SparkServer, printed: str) -> None:
    """Each statement as it is printed, with its comments."""
    for statement in printed.split(";\n"):
        if statement.strip():
            spark.sql(statement)


def as_in_spark(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as Spark gives them: instants in UTC without their zone, nanoseconds as numbers."""
    for at, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            kind = pa.int64() if field.type.unit == "ns" else pa.timestamp("us")
            table = table.set_column(at, field.name, table[field.name].cast(kind))
    return table.to_pylist()


def totals(storage) -> dict[str, Any]:
    """What ``TOTALS`` is of the lake, as pyarrow reads it."""
    found = read.dataset(lake_factory.FEED, storage=storage).to_table()
    last = pc.max(found["traded_at"]).as_py()
    sums = {name: pc.sum(found[name]).as_py() for name in ("price", "quantity")}
    return {"rows": found.num_rows, **sums, "last": last.replace(tzinfo=None)}


@pytest.mark.parametrize("vectorized", ["true", "false"])
def test_every_type_has_its_values_by_the_printed_statement(spark, storage, vectorized):
    """Also days of the year 1, the largest numbers, and nulls; with both readers of Spark."""
    feed = feed_of_all_types()
    staged = lake_factory.stage(
        storage, lines_of_all_types(), window=lake_factory.hour(0), feed=feed
    )
    section = convert(staged.key, feed=feed, storage=storage, budget=lake_factory.BUDGET)
    assert section.manifest.parquet.quarantined_rows == 0
    printed = ddl.ddl(feed, engine="spark", root_uri=storage.root_uri)
    assert "-- wide has 76 digits, spark has 38: read it with pyarrow or pandas" in printed
    run(spark, printed)
    spark.sql(f"SET spark.sql.parquet.enableVectorizedReader = {vectorized}")
    found = spark.sql(f"SELECT * FROM {feed.name} ORDER BY number")
    stored = read.dataset(feed, storage=storage).to_table().sort_by("number")
    assert found == as_in_spark(stored.drop_columns(["wide"]))
    (shown,) = spark.sql(f"SELECT timestamp_micros(ns div 1000) AS at FROM {feed.name} LIMIT 1")
    assert f"{shown['at']}" == "2026-11-22 05:39:59.123456"


def test_without_the_table_a_setting_reads_nanoseconds_and_nothing_wide_decimals(spark, tmp_path):
    """Spark infers types from a file then, and refuses a file with one that it does not have."""
    stored = {"ns": pa.array([2**62], pa.timestamp("ns", "UTC")),
              "wide": pa.array([Decimal(1)], pa.decimal256(76, 26))}  # fmt: skip
    for name, values in stored.items():
        pq.write_table(pa.table({name: values}), tmp_path / f"{name}.parquet")
    inferred = "CREATE TEMPORARY VIEW {} USING parquet OPTIONS (path '{}/{}.parquet')"
    with pytest.raises(SparkSqlError, match="NANOS"):
        spark.sql(inferred.format("ns", tmp_path, "ns"))
    spark.sql("SET spark.sql.legacy.parquet.nanosAsLong = true")
    spark.sql(inferred.format("ns", tmp_path, "ns"))
    assert spark.sql("SELECT ns FROM ns") == [{"ns": 2**62}]
    with pytest.raises(SparkSqlError, match="DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION"):
        spark.sql(inferred.format("wide", tmp_path, "wide"))


def feeds_of_every_kind() -> list[Feed]:
    """A shipped feed for each set of types and number of slices: a third of them."""
    kinds = {}
    for feed in map(loader.load, loader.feed_paths()):
        names = [field.field_type.engine_names().spark or "" for field in feed.fields.values()]
        kinds[len(feed.slices), frozenset(name.partition("(")[0] for name in names)] = feed
    return [*kinds.values()]


def test_the_statement_opens_the_lake_of_every_kind_of_feed(spark, tmp_path):
    """Every column but those that are left out, every folder, whatever a slice's value is."""
    spark.sql("SET spark.sql.codegen.wholeStage = false")  # compiling is most of the time
    for feed in feeds_of_every_kind():
        name = feed.name
        rows = one_row_a_day(feed, tmp_path)
        printed = ddl.ddl(feed, engine="spark", root_uri=f"file://{tmp_path}")
        run(spark, printed)
        wide = [field.name for field in rows.schema if pa.types.is_decimal256(field.type)]
        folders = [f"decode(encode({name}, 'ISO-8859-1'), 'UTF-8') AS {name}"
                   for name in feed.slices]  # fmt: skip
        values = dict.fromkeys(feed.slices, "BTC/USD 100%=ü")
        found = spark.sql(
            f"SELECT {', '.join([*set(rows.column_names) - set(wide), *folders])} FROM {name} "
            f"WHERE date >= DATE '2026-11-22' ORDER BY date"
        )
        wanted = as_in_spark(rows.drop_columns(wide))
        assert found == [{**row, **values} for row in wanted], name


def test_a_new_window_and_a_compaction_are_seen(spark, storage):
    """After MSCK REPAIR TABLE; counts and sums are those of pyarrow, each time."""
    table = lake_factory.day_of_trades(3_000)
    query = f"SELECT {TOTALS} FROM trades WHERE symbol = 'BTCUSDT' AND date = DATE '2026-11-22'"
    for number in range(1, 24):
        lake_factory.ingest(storage, table, lake_factory.hour(number))
    run(spark, ddl.ddl(lake_factory.FEED, engine="spark", root_uri=storage.root_uri))
    assert spark.sql(query) == [totals(storage)]
    lake_factory.ingest(storage, table, lake_factory.hour(0))
    refresh = "MSCK REPAIR TABLE trades SYNC PARTITIONS"
    spark.sql(refresh)
    assert spark.sql(query) == [totals(storage)]
    day = lake_factory.DAY
    done = compact(
        lake_factory.FEED, lake_factory.BTC, day, storage=storage, budget=lake_factory.BUDGET
    )
    assert (done.rows, done.skipped) == (3_000, None)
    spark.sql(refresh)
    assert spark.sql(query) == [totals(storage)]
    assert totals(storage)["rows"] == 3_000


def test_a_renamed_column_is_read_as_the_comment_says(spark, storage):
    """Old files have one name, new files the other."""
    table = lake_factory.day_of_trades(3_000)
    lake_factory.ingest(storage, table, lake_factory.hour(3))
    described = lake_factory.FEED.model_dump(mode="json", by_alias=True, exclude_unset=True)
    fields = {"cost" if name == "price" else name: f for name, f in described["fields"].items()}
    fields["cost"]["renamed_from"] = ["price"]
    feed = Feed.model_validate({**described, "fields": fields})
    lake_factory.ingest(storage, table, lake_factory.hour(4), feed=feed)
    printed = ddl.ddl(feed, engine="spark", root_uri=storage.root_uri)
    run(spark, printed)
    assert "coalesce(cost, price)" in printed
    (found,) = spark.sql("SELECT sum(coalesce(cost, price)) AS cost, count(*) AS rows FROM trades")
    both = pa.concat_tables(lake_factory.of_hour(table, lake_factory.hour(n)) for n in (3, 4))
    total = sum((Decimal(units).scaleb(-8) for units in both["p"].to_pylist()), Decimal())
    assert found == {"cost": total, "rows": both.num_rows}


def shown(begin: str) -> str:
    """The block of the page that begins so."""
    (block,) = (b for b in doc_pages.blocks(PAGE) if b.text.startswith(begin))
    return block.text


def open_catalog(spark: SparkServer, storage, **changes: str) -> None:
    """As the page says, with another address and password, and the lake of the test."""
    options = shown("spark-sql \\").replace("\\\n", " ").split("--conf ")[1:]
    settings = dict(option.strip().split("=", 1) for option in options)
    del settings["spark.sql.extensions"]  # which is set before the start: tools/servers/spark.py
    prefix = "spark.sql.catalog.ticklake."
    settings[f"{prefix}warehouse"] = f"{storage.local_path('iceberg')}"
    for name, value in {**settings, **{f"{prefix}{n}": v for n, v in changes.items()}}.items():
        spark.sql(f"SET `{name}`=`{value}`")


@pytest.fixture
def iceberg_catalog(spark, storage, catalog_database):
    """ticklake's catalog in PostgreSQL, which Spark has open, too."""
    opened = tables.iceberg.catalog(catalog_database.url("psycopg2"), storage=storage, env={})
    address = f"127.0.0.1:{catalog_database.port}/{catalog_database.name}"
    password = {"jdbc.password": catalog_database.password}
    open_catalog(spark, storage, uri=f"jdbc:postgresql://{address}", **password)
    yield opened
    for name in opened.list_tables("ticklake"):
        opened.drop_table(name)
    opened.close()


def test_the_iceberg_table_is_the_folder_after_each_commit(spark, storage, iceberg_catalog):
    """A window, a second one, a compaction: counts and sums; an old snapshot stays as it was."""
    table = lake_factory.day_of_trades(3_000)
    name = "ticklake.ticklake.trades"
    refresh, query, expire = (
        shown("REFRESH TABLE").replace("binance_agg_trades", "trades").split(";\n")[:3]
    )
    totals_query = f"SELECT {TOTALS} FROM {name}"
    for number in range(1, 24):
        lake_factory.ingest(storage, table, lake_factory.hour(number))
    first = tables.sync(storage, iceberg_catalog)
    earlier = totals(storage)
    assert spark.sql(totals_query) == [earlier]
    lake_factory.ingest(storage, table, lake_factory.hour(0))
    tables.sync(storage, iceberg_catalog)
    spark.sql(refresh)
    assert spark.sql(totals_query) == [totals(storage)]
    day = lake_factory.DAY
    compact(lake_factory.FEED, lake_factory.BTC, day, storage=storage, budget=lake_factory.BUDGET)
    done = tables.sync(storage, iceberg_catalog)
    assert (done.added_files, done.removed_files) == (1, 24)
    spark.sql(refresh)
    now = totals(storage)
    assert spark.sql(totals_query) == [now]
    assert spark.sql(f"{totals_query} VERSION AS OF {first.snapshot_id}") == [earlier]
    (row,) = spark.sql(query)
    assert [*row.values()] == ["BTCUSDT", day.start.date(), 3_000, now["price"]]
    of_all = "older_than => TIMESTAMP '2100-01-01 00:00:00', retain_last => 1"
    (expired,) = spark.sql(expire.replace("retain_last => 10", of_all))
    assert expired["deleted_data_files_count"] == 24
    assert spark.sql(totals_query) == [now]


def test_every_type_has_its_values_in_the_iceberg_table(spark, storage, iceberg_catalog):
    """Decimals of 76 digits as text, nanoseconds as numbers, milliseconds as microseconds."""
    feed = feed_of_all_types()
    lines = lines_of_all_types()
    staged = lake_factory.stage(storage, lines, window=lake_factory.hour(0), feed=feed)
    convert(staged.key, feed=feed, storage=storage, budget=lake_factory.BUDGET)
    tables.sync(storage, iceberg_catalog, feed=feed)
    found = spark.sql(f"SELECT * FROM ticklake.ticklake.{feed.name} ORDER BY number")
    stored = read.dataset(feed, storage=storage).to_table().sort_by("number")
    wide = stored["wide"].cast(pa.string())
    stored = stored.set_column(stored.column_names.index("wide"), "wide", wide)
    assert found == as_in_spark(stored)
    assert [row["wide"] for row in found][:2] == [f"{NINES * 2}.{NINES}000000", "-1E-26"]


def test_a_catalog_in_sqlite_is_read_but_locked_meanwhile(spark, storage):
    """What publishes meanwhile is to be retried, and says why."""
    table = lake_factory.day_of_trades(3_000)
    lake_factory.ingest(storage, table, lake_factory.hour(3))
    catalog = tables.iceberg.catalog("sqlite", storage=storage, env={})
    tables.sync(storage, catalog)
    open_catalog(spark, storage, uri=f"jdbc:sqlite:{storage.local_path('iceberg')}/catalog.db")
    assert spark.sql(f"SELECT {TOTALS} FROM ticklake.ticklake.trades") == [totals(storage)]
    lake_factory.ingest(storage, table, lake_factory.hour(4))
    with pytest.raises(RetryableError, match="trades: another program keeps the Iceberg catalog"):
        tables.sync(storage, catalog)
    catalog.close()
