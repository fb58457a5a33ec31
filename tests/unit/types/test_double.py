"""A double is the nearest one to what the source wrote, read by Arrow as it is one at a time."""

from __future__ import annotations

import io
import math
import struct
from contextlib import suppress
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet as pq

from include.ticklake.convert.parity import ParityCheck
from include.ticklake.convert.parse import record_parser
from include.ticklake.convert.parse.block_parser import BlockParser
from include.ticklake.convert.parse.blocks import Block
from include.ticklake.feed.feed import Feed
from include.ticklake.kernel.column_facts import ColumnFacts
from include.ticklake.lake.table_schema import LakeSchema
from include.ticklake.sources.sql import rows as sql_rows
from include.ticklake.sources.sql.rows import RowEncoder
from include.ticklake.types.double import DoubleType
from include.ticklake.types.field_type import TimeLimits
from include.ticklake.types.values import InvalidValueError, NumberText
from tests.support import sql_feeds
from tests.support.staged_factory import WINDOW, feed

LIMITS = TimeLimits(years=(2009, 2100), first_s=0, end_s=2**40, is_event_time=False)
FEED: Feed = feed(
    {
        "value": {"from": "v", "type": "double"},
        "at": {"from": "t", "type": "timestamp", "unit": "ms", "event_time": True},
    }
)


def bits(number: float | None) -> bytes | None:
    """The 64 bits of *number*: zeros have a sign."""
    return None if number is None else struct.pack("<d", number)


def double(value: object) -> float:
    """The double of *value*."""
    return DoubleType().parse_value(value, LIMITS)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_shortest_text_is_read_as_the_same_double(number):
    """As a number and as text, and what a preview shows is that text."""
    text = repr(number)
    assert bits(double(text)) == bits(double(NumberText(text))) == bits(number)
    assert DoubleType().format_value(number) == text


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("9007199254740993", 2.0**53),
        ("0.1000000000000000055511151231257827", 0.1),
        ("1e-400", 0.0),
        ("-1e-400", -0.0),
        ("+.5", 0.5),
        ("5.", 5.0),
        ("1.7976931348623157e308", 1.7976931348623157e308),
    ],
)
def test_a_number_becomes_the_nearest_double(text, number):
    """Ties to the even one; what is too small is zero, with its sign."""
    assert bits(double(text)) == bits(number)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (NumberText("1e309"), "is too large for double"),
        ("-1e999999999999", "is too large for double"),
        ("NaN", "is not a number"),
        ("inf", "is not a number"),
        ("-Infinity", "is not a number"),
        ("1_0", "is not a number"),
        (" 1", "is not a number"),
        ("0x10", "is not a number"),
        (True, "is not a number"),
        ({}, "is not a number"),
    ],
)
def test_what_is_not_a_finite_number_is_refused(value, reason):
    """NaN too: no sum and no comparison would survive it."""
    with pytest.raises(InvalidValueError, match=reason):
        double(value)


NUMBERS = (
    st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
    | st.integers(-(2**70), 2**70).map(str)
)
ODD = st.sampled_from(['"nan"', '"inf"', '"-Infinity"', '"nan(1)"', '" 1"', '"0x1"', '""', "null",
                       "true", '"1_0"', '"1d5"', '"+1"', '".5"', '"5."', "[]"])  # fmt: skip
TEXTS = NUMBERS | NUMBERS.map('"{}"'.format) | ODD


@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_what_the_kernel_reads_is_what_every_record_means(texts):
    """It may leave more to Python; nothing that it reads is another double."""
    schema = LakeSchema.of(FEED, window=WINDOW)
    lines = [f'{{"v":{text},"t":{WINDOW.start_ms}}}' for text in texts]
    text = "".join(f"{line},\n" for line in lines).encode()
    parser = BlockParser(schema)
    rows = parser.read_block(Block(part="p", offset=1, text=text, rows=len(lines)))
    if rows is not None:
        one_by_one = [
            record_parser.row(line.encode(), schema.columns, raw={}, fetched_at_ms=None)[0]
            for line in lines
        ]
        assert list(map(bits, rows.column(0).to_pylist())) == list(map(bits, one_by_one))


@pytest.mark.parametrize("written", ["{}", '"{}"'])
def test_numbers_are_read_at_once_as_the_source_writes_them(written):
    """As numbers or as text: none of them goes through Python."""
    lines = [
        f'{{"v":{written.format(number)},"t":{WINDOW.start_ms}}}' for number in (0.1, 2, -3e-7)
    ]
    text = "".join(f"{line},\n" for line in lines).encode()
    parser = BlockParser(LakeSchema.of(FEED, window=WINDOW))
    (batch,) = parser.parse(Block(part="p", offset=1, text=text, rows=3))
    assert (batch.rows.column(0).to_pylist(), batch.refused) == ([0.1, 2.0, -3e-7], ())


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_parity_is_exact_in_any_order(numbers):
    """Floats add up to something else in another order; the hashes of their bits do not."""
    ordered = sorted(numbers, key=lambda number: (number, math.copysign(1, number)))
    array, other = (pa.chunked_array([pa.array(some, pa.float64())]) for some in (numbers, ordered))
    totals = {ColumnFacts.of(pa.table([some], ["value"])).total(0) for some in (array, other)}
    assert len(totals) == 1
    schema = pa.schema([pa.field("value", pa.float64())])
    check = ParityCheck(schema)
    table = pa.table([array], schema=schema)
    list(check.tap_batches(table.to_batches()))
    list(check.tap_row_groups([table]))
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, schema, store_schema=False) as writer:
        writer.write_table(table)
    check.check(io.BytesIO(sink.getvalue()), where="here")


@pytest.mark.parametrize("old", ["int64", "decimal(18,8)", "decimal(5,0)", "string"])
def test_nothing_widens_to_a_double(old):
    """Not even whole numbers: 64 bits of them have more digits than a double."""
    assert not DoubleType().widens_from(old, LIMITS)


def test_a_querys_floats_and_decimals_become_doubles():
    """Those that are not finite are quarantined."""
    described = sql_feeds.feed(fields={"value": {"type": "double"}})
    encoder = RowEncoder(described, sql_rows.columns(described, ["id", "at", "value"]))
    at = sql_feeds.HOUR.start
    records = encoder.encode(
        [(1, at, 0.1), (2, at, Decimal("0.1")), (3, at, None), (4, at, math.nan)]
    )
    columns = LakeSchema.of(described).columns
    found = []
    for record in records:
        with suppress(InvalidValueError):
            row = record_parser.row(bytes(record), columns, raw={}, fetched_at_ms=None)
            found.append((row[0], row[2]))
    assert found == [(1, 0.1), (2, 0.1), (3, None)]
