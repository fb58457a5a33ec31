"""The statements that ``ddl`` prints: DuckDB's is run, the others are parsed, types are exact."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.ticklake import feed_files
from include.ticklake.errors import CallInvalid
from include.ticklake.feeds import Feed
from include.ticklake.lake import ddl
from include.ticklake.storage import Storage
from tests import lakes, trades


def test_duckdbs_view_reads_the_lake_with_exact_types(tmp_path):
    """The sum is that of the source's own text; the folders are columns."""
    duckdb = pytest.importorskip("duckdb")
    storage = Storage.open(f"file://{tmp_path}", {})
    table = lakes.day_of_trades(3_000)
    lakes.ingest(storage, table, lakes.hour(3))
    rows = lakes.of_hour(table, lakes.hour(3))
    total = sum((Decimal(n).scaleb(-8) for n in rows["p"].to_pylist()), Decimal())
    with duckdb.connect() as connection:
        connection.execute(ddl.ddl(lakes.FEED, engine="duckdb", root_uri=storage.root_uri))
        query = (
            "SELECT count(*), sum(price), any_value(symbol) FROM trades WHERE date = '2026-11-22'"
        )
        assert connection.execute(query).fetchall() == [(rows.num_rows, total, "BTCUSDT")]
        kinds = dict(
            connection.execute("SELECT name, type FROM pragma_table_info('trades')").fetchall()
        )
    assert kinds["price"] == "DECIMAL(18,8)"
    assert (kinds["symbol"], kinds["date"]) == ("VARCHAR", "DATE")


@pytest.mark.parametrize("engine", ["athena", "spark", "trino"])
@pytest.mark.parametrize("name", list(feed_files.files()))
def test_the_statement_is_one_that_the_engine_parses(engine, name):
    """For every feed that comes with ticklake, with all of its columns and folders."""
    sqlglot = pytest.importorskip("sqlglot")
    feed = feed_files.load(name)
    statement = sqlglot.parse(ddl.ddl(feed, engine=engine, root_uri="s3://lake/x"), dialect=engine)[
        0
    ]
    assert isinstance(statement, sqlglot.exp.Create)
    text = ddl.ddl(feed, engine=engine, root_uri="s3://lake/x")
    for column in [*feed.fields, *feed.slices, "date"]:  # or in a comment before it
        assert column in text


def test_athena_projects_the_partitions_of_a_feed():
    """No crawler, no ADD PARTITION; values that need encoding are given by the query."""
    feed = lakes.FEED.model_copy(update={"slices": {"symbol": ["BTCUSDT", "ETHUSDT"],
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
    with pytest.raises(CallInvalid, match="athena, duckdb, spark, trino"):
        ddl.ddl(lakes.FEED, engine="oracle", root_uri="s3://lake")
