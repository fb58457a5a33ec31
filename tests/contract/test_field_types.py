"""A value of every type goes the whole way: staged, converted, read, audited, compacted, opened."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from include.ticklake.convert.convert import convert
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import read, table_schema
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import audit, compact
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import split_range
from include.ticklake.publish import ddl
from include.ticklake.types import field_types
from tests.support import lake_factory
from tests.support.lake_factory import BTC, BUDGET, DAY
from tests.support.staged_factory import feed

Case = tuple[list[str], list[Any], list[str], list[str]]

CASES: dict[str, Case] = {
    # type: JSON texts, their values in the lake, as a preview shows them; JSON that is refused
    "int64": (["7", '"-8"', "9.0"], [7, -8, 9], ["7", "-8", "9"], ["1.5", "true", '"x"']),
    "decimal(18,8)": (
        ["0.1", '"0.10"', "1e-8"],
        [Decimal("0.1"), Decimal("0.1"), Decimal("1e-8")],
        ["0.10000000", "0.10000000", "0.00000001"],
        ["1e-9", '"NaN"', "12345678901"],
    ),
    "double": (
        ["0.1", '"0.1000000000000000055"', "5e-324", "-0"],
        [0.1, 0.1, 5e-324, 0.0],
        ["0.1", "0.1", "5e-324", "-0.0"],
        ["1e400", '"NaN"', '"Infinity"', "true", '"x"'],
    ),
    "string": (['"a"', '""', '"é"'], ["a", "", "é"], ["a", "", "é"], ["1", "true"]),
    "bool": (
        ["true", "false", '"True"', "0", '"1"'],
        [True, False, True, False, True],
        ["true", "false", "true", "false", "true"],
        ["2", '"yes"', "[]"],
    ),
    "timestamp": (
        ['"2026-11-22T05:00:00.5Z"', '"2026-11-22T07:00+02:00"'],
        [datetime(2026, 11, 22, 5, 0, 0, 500_000, UTC), datetime(2026, 11, 22, 5, tzinfo=UTC)],
        ["2026-11-22T05:00:00.500000Z", "2026-11-22T05:00:00.000000Z"],
        ['"soon"', "5"],
    ),
    "date": (
        ['"2026-11-22"', '"20260101"', '"2024-02-29T00:00:00Z"'],
        [date(2026, 11, 22), date(2026, 1, 1), date(2024, 2, 29)],
        ["2026-11-22", "2026-01-01", "2024-02-29"],
        ['"2026-11-22T05:00:00Z"', '"2026-02-30"', "20261122", '"today"'],
    ),
    "json": (['{"a": 1.10}', '""'], ['{"a": 1.10}', '""'], ['{"a": 1.10}', '""'], []),
}


def test_every_type_has_a_case():
    """Or it would not be tried."""
    assert set(CASES) == set(field_types.EXAMPLES)


def described(spelling: str) -> Feed:
    """A feed with a column ``value`` of the type."""
    unit = {"unit": "iso", "precision": "us"} if spelling == "timestamp" else {}
    fields: dict[str, dict[str, object]] = {
        "number": {"from": "n", "type": "int64", "key": True},
        "value": {"from": "v", "type": spelling, **unit},
        "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
    }
    return feed(fields)


def lines(texts: list[str], *, first: int = 0) -> list[str]:
    """A record for each of *texts*, and one without a value."""
    members = [*(f'"v":{text},' for text in texts), ""]
    at_ms = DAY.start_ms
    return [
        f'{{{member}"n":{number},"t":{at_ms + number}}}'
        for number, member in enumerate(members, first)
    ]


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


@pytest.mark.parametrize("spelling", CASES)
def test_values_arrive_exactly_and_what_is_not_one_is_quarantined(spelling, storage):
    """In a block of many records and one at a time, with an audit that agrees."""
    texts, values, _, refused = CASES[spelling]
    of, window = described(spelling), lake_factory.hour(0)
    good = lines(texts) * 20
    bad = [f'{{"v":{text},"n":1,"t":{DAY.start_ms}}}' for text in refused]
    staged = lake_factory.stage(storage, [*good, *bad], window=window, feed=of)
    section = convert(staged.key, feed=of, storage=storage, budget=BUDGET).manifest.parquet
    assert (section.rows, section.quarantined_rows) == (len(good), len(bad))
    found = read.table(of, storage=storage, columns=["value"]).column("value")
    assert found.type == table_schema.columns(of)[1].arrow_type
    assert Counter(found.to_pylist()) == Counter([*values, None] * 20)
    findings = audit.audit(of, [Unit(BTC, window)], storage=storage, budget=BUDGET)
    assert {finding.kind for finding in findings} <= {"duplicate", "quarantined"}


@pytest.mark.parametrize("engine", ["duckdb", "pandas", "polars", "pyarrow"])
@pytest.mark.parametrize("spelling", CASES)
def test_a_compacted_day_is_opened_by_the_printed_statement(spelling, engine, storage):
    """The same values by name in every engine, and in Arrow."""
    pytest.importorskip(engine)
    texts, values, _, _ = CASES[spelling]
    of = described(spelling)
    hours = list(split_range(DAY.start, DAY.end, length=of.window))
    for window in hours:
        some = lines(texts) if window == hours[0] else []
        staged = lake_factory.stage(storage, some, window=window, feed=of)
        convert(staged.key, feed=of, storage=storage, budget=BUDGET)
    done = compact.compact(of, BTC, DAY, storage=storage, budget=BUDGET)
    assert (done.rows, done.skipped) == (len(values) + 1, None)
    statement = ddl.ddl(of, engine=engine, root_uri=storage.root_uri)
    assert opened(statement, engine, of) == [*values, None]


def opened(statement: str, engine: str, of: Feed) -> list[Any]:
    """The column ``value``, read as *statement* says."""
    if engine == "duckdb":
        import duckdb

        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(statement)
            table = connection.sql(f"SELECT value FROM {of.name} ORDER BY number").to_arrow_table()
    else:
        names: dict[str, Any] = {}
        exec(statement, names)  # noqa: S102 - that is what people do with it
        frame = names[of.name]
        if engine == "polars":
            table = frame.sort("number").collect().to_arrow()
        elif engine == "pyarrow":
            table = frame.to_table().sort_by("number")
        else:
            import pyarrow as pa

            table = pa.Table.from_pandas(frame.sort_values("number"), preserve_index=False)
    return table["value"].to_pylist()


@pytest.mark.parametrize("engine", ["athena", "spark", "trino"])
@pytest.mark.parametrize("spelling", CASES)
def test_a_statement_of_sql_names_a_type_that_the_engine_has(spelling, engine):
    """As sqlglot knows the engine."""
    sqlglot = pytest.importorskip("sqlglot")
    statement = ddl.ddl(described(spelling), engine=engine, root_uri="s3://lake")
    (parsed,) = [one for one in sqlglot.parse(statement, dialect=engine) if one is not None][:1]
    columns = {column.name: column for column in parsed.find_all(sqlglot.exp.ColumnDef)}
    assert columns["value"].kind.this not in (None, sqlglot.exp.DataType.Type.UNKNOWN)


@pytest.mark.parametrize("spelling", CASES)
def test_a_preview_shows_what_a_person_reads(spelling):
    """No exponents, times with their digits, JSON as it is."""
    from include.ticklake.convert.parse import record_parser
    from include.ticklake.convert.parse.raw_json import RawColumn

    texts, _, shown, _ = CASES[spelling]
    columns = table_schema.columns(described(spelling))
    raw = {c.name: RawColumn(c.path) for c in columns if c.field_type.is_raw_json}
    found = [
        record_parser.row(line.encode(), columns, raw=raw, fetched_at_ms=None)[1]
        for line in lines(texts)[:-1]
    ]
    assert [columns[1].field_type.format_value(value) for value in found] == shown
