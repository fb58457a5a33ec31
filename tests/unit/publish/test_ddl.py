"""The statements that ``ddl`` prints: DuckDB's is run, the others are parsed, types are exact."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.ticklake.errors import UsageError
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import layout, table_schema
from include.ticklake.lake.storage import Storage
from include.ticklake.publish import ddl
from tests.support import lake_factory
from tools import trades


def test_duckdbs_view_reads_the_lake_with_exact_types(tmp_path):
    """The sum is that of the source's own text; the folders are columns."""
    duckdb = pytest.importorskip("duckdb")
    storage = Storage.open(f"file://{tmp_path}", {})
    table = lake_factory.day_of_trades(3_000)
    lake_factory.ingest(storage, table, lake_factory.hour(3))
    rows = lake_factory.of_hour(table, lake_factory.hour(3))
    total = sum((Decimal(n).scaleb(-8) for n in rows["p"].to_pylist()), Decimal())
    with duckdb.connect() as connection:
        connection.execute(ddl.ddl(lake_factory.FEED, engine="duckdb", root_uri=storage.root_uri))
        query = (
            "SELECT count(*), sum(price), any_value(symbol) FROM trades WHERE date = '2026-11-22'"
        )
        assert connection.execute(query).fetchall() == [(rows.num_rows, total, "BTCUSDT")]
        kinds = dict(
            connection.execute("SELECT name, type FROM pragma_table_info('trades')").fetchall()
        )
    assert kinds["price"] == "DECIMAL(18,8)"
    assert (kinds["symbol"], kinds["date"]) == ("VARCHAR", "DATE")


def greatest(kind: pa.DataType) -> object:
    """A value of this type that any rounding would change."""
    if pa.types.is_decimal(kind):
        return Decimal(f"{'9' * kind.precision}e-{kind.scale}")
    if pa.types.is_timestamp(kind):
        return pa.scalar(1_795_325_999_123, pa.int64()).cast(pa.timestamp("ms", tz="UTC")).as_py()
    return {pa.int64(): 2**63 - 1, pa.string(): "№", pa.bool_(): True}[kind]


def one_row_a_day(feed: Feed, folder) -> pa.Table:
    """A lake of *feed* with a slice whose values are unsafe in a path; what is to be read.

    The first day's file is of before the feed had its last column.
    """
    lake = table_schema.arrow_schema(feed)
    rows = pa.Table.from_pylist([{field.name: greatest(field.type) for field in lake}], lake)
    piece = lake_factory.Slice.of(dict.fromkeys(feed.slices, "BTC/USD 100%=ü"))
    days = (lake_factory.DAY, lake_factory.Window.parse("20261123T000000Z-20261124T000000Z"))
    fewer = rows.drop_columns([rows.column_names[-1]])
    for day, in_file in zip(days, (fewer, rows), strict=True):
        place = folder / layout.window_folder(layout.Area.PARQUET, feed.name, piece, day)
        place.mkdir(parents=True)
        pq.write_table(in_file, place / f"{day.name}.parquet")
    return pa.concat_tables([fewer, rows], promote_options="permissive")


def duckdb_rows(printed: str, feed: Feed) -> pa.Table:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(printed)
        return connection.sql(f"SELECT * FROM {feed.name} ORDER BY date").to_arrow_table()


def frame_rows(printed: str, feed: Feed) -> pa.Table:
    names: dict[str, object] = {}
    exec(printed, names)  # noqa: S102 - that is what people do with it
    frame = names[feed.name]
    if hasattr(frame, "to_table"):
        return frame.to_table().sort_by("date")
    if hasattr(frame, "collect"):
        return frame.sort("date").collect().to_arrow()
    return pa.Table.from_pandas(frame.sort_values("date"), preserve_index=False)


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("name", list(loader.feed_paths()))
def test_what_is_printed_opens_the_lake_of_every_feed(tmp_path, name, engine):
    """Run as it is: every column that the engine has a type for, every digit, every folder."""
    feed = loader.load(name)
    rows = one_row_a_day(feed, tmp_path)
    printed = ddl.ddl(feed, engine=engine, root_uri=f"file://{tmp_path}")
    found = (duckdb_rows if engine == "duckdb" else frame_rows)(printed, feed)
    wide = [] if engine in ("pandas", "pyarrow") else [
        field.name for field in rows.schema if pa.types.is_decimal256(field.type)
    ]  # fmt: skip
    assert sorted(found.column_names) == sorted(
        {*rows.column_names, *feed.slices, "date"} - set(wide)
    )
    for column in set(rows.column_names) - set(wide):
        assert found[column].to_pylist() == rows[column].to_pylist(), column
    assert [str(day) for day in found["date"].to_pylist()] == ["2026-11-22", "2026-11-23"]
    for column in feed.slices:
        assert found[column].to_pylist() == 2 * ["BTC/USD 100%=ü"]
    assert printed.count("has 76 digits") == len(wide)


@pytest.mark.parametrize("engine", ["athena", "spark", "trino"])
@pytest.mark.parametrize("name", list(loader.feed_paths()))
def test_the_statement_is_one_that_the_engine_parses(engine, name):
    """For every feed that comes with ticklake, with all of its columns and folders."""
    sqlglot = pytest.importorskip("sqlglot")
    feed = loader.load(name)
    statement = sqlglot.parse(ddl.ddl(feed, engine=engine, root_uri="s3://lake/x"), dialect=engine)[
        0
    ]
    assert isinstance(statement, sqlglot.exp.Create)
    text = ddl.ddl(feed, engine=engine, root_uri="s3://lake/x")
    for column in [*feed.fields, *feed.slices, "date"]:  # or in a comment before it
        assert column in text


def test_trino_projects_the_partitions_of_a_feed():
    """The same as Athena, in Trino's words."""
    slices = {"symbol": ["BTCUSDT", "ETHUSDT"], "pair": ["BTC/USD"]}
    feed = lake_factory.FEED.model_copy(update={"slices": slices})
    told = ddl.ddl(feed, engine="trino", root_uri="s3://lake/x")
    assert (
        "\"symbol\" varchar WITH (partition_projection_type = 'ENUM', "
        "partition_projection_values = ARRAY['BTCUSDT', 'ETHUSDT'])"
    ) in told
    assert "\"pair\" varchar WITH (partition_projection_type = 'INJECTED')" in told
    assert "partition_projection_enabled = true" in told
    assert "'s3://lake/x/parquet/trades/symbol=${symbol}/pair=${pair}/date=${date}'" in told


@pytest.mark.parametrize("engine", ["athena", "trino"])
def test_values_that_are_not_listed_are_given_by_the_query(engine):
    """Where they need encoding, or are many: said in a comment, with the way to write them."""
    slices = {"pair": ["BTC/USD"], "symbol": [f"S{number}" for number in range(49)], "few": ["A"]}
    feed = lake_factory.FEED.model_copy(update={"slices": slices})
    comments = ddl.ddl(feed, engine=engine, root_uri="s3://lake").split("CREATE")[0]
    assert "pair is given by each query: WHERE pair = '...'" in comments
    assert "symbol is given by each query" in comments
    assert "few" not in comments


def test_spark_reads_nanoseconds_as_numbers():
    """It has no type for them."""
    told = ddl.ddl(loader.load("kraken_trades"), engine="spark", root_uri="s3://lake")
    assert told.startswith(
        "-- trade_time has nanoseconds, which spark reads as numbers: SET spark.sql."
    )
    assert "`trade_time` bigint" in told


def test_spark_is_told_how_to_read_slices_that_are_not_ascii():
    """And not of those that are, all of them."""
    feed = lake_factory.FEED.model_copy(
        update={"slices": {"coin": ["BTC", "币安"], "symbol": ["A"]}}
    )
    printed = ddl.ddl(feed, engine="spark", root_uri="s3://lake")
    assert "-- coin is decode(encode(coin, 'ISO-8859-1'), 'UTF-8') where it is not ASCII" in printed
    assert "encode(symbol" not in printed


def test_sparks_text_of_a_folder_is_quoted():
    """With backslashes, also before a backslash."""
    printed = ddl.ddl(lake_factory.FEED, engine="spark", root_uri="file:///the lake's\\1")
    assert r"LOCATION 'file:///the lake\'s\\1/parquet/trades'" in printed


def test_athena_projects_the_partitions_of_a_feed():
    """No crawler, no ADD PARTITION; values that need encoding are given by the query."""
    feed = lake_factory.FEED.model_copy(update={"slices": {"symbol": ["BTCUSDT", "ETHUSDT"],
                                                    "pair": ["BTC/USD"]}})  # fmt: skip
    told = ddl.ddl(feed, engine="athena", root_uri="s3://lake/x")
    assert "'projection.symbol.values' = 'BTCUSDT,ETHUSDT'" in told
    assert "'projection.pair.type' = 'injected'" in told
    assert "'projection.date.type' = 'date'" in told
    assert (
        "'storage.location.template' = "
        "'s3://lake/x/parquet/trades/symbol=${symbol}/pair=${pair}/date=${date}'"
    ) in told
    assert "`price` decimal(18,8)" in told


@pytest.mark.parametrize("engine", list(ddl.ENGINES))
def test_a_column_with_more_digits_than_an_engine_has_is_left_out_and_said(engine):
    """Never a double in the place of a decimal."""
    described = trades.AGG_TRADES.model_dump(mode="json", by_alias=True, exclude_unset=True)
    described["fields"]["price"]["type"] = "decimal(60,20)"
    told = ddl.ddl(Feed.model_validate(described), engine=engine, root_uri="s3://lake")
    comment, _, statement = told.partition("\n")
    assert comment.startswith(f"-- price has 60 digits, {engine} has 38")
    assert "price" not in statement.replace("EXCLUDE (price)", "")


def test_an_unknown_engine_is_refused():
    """With the names of those that are known."""
    with pytest.raises(UsageError, match="athena, duckdb, spark, trino, pandas, polars, pyarrow"):
        ddl.ddl(lake_factory.FEED, engine="oracle", root_uri="s3://lake")
