"""The ranges of columns, over all batches."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from include.ticklake.convert.column_ranges import ColumnRanges


@pytest.mark.parametrize(
    ("kind", "values", "ends"),
    [
        (pa.int64(), [3, None, -7, 5], (-7, 5)),
        (pa.decimal128(9, 2), [Decimal("0.50"), Decimal(-1)], (Decimal(-1), Decimal("0.50"))),
        (pa.string(), ["b", "", "é" * 300], ("", "é" * 256)),
        (pa.date32(), [date(1970, 1, 3), date(1970, 1, 1)], (0, 2)),
        (pa.timestamp("ms", "UTC"), [datetime.fromtimestamp(5, UTC)], (5000, 5000)),
        (pa.int64(), [None], None),
    ],
)
def test_the_least_and_the_greatest_value(kind, values, ends):
    """In whatever row group they are; of times and dates their numbers, of text the beginning."""
    tables = [pa.table({"column": pa.array([value], kind)}) for value in values]
    ranges = ColumnRanges(["column"])
    assert list(ranges.tap(tables)) == tables
    assert ranges.of("column") == ends
