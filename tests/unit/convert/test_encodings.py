"""Columns are stored as their types say, decimals as their first row group shows."""

from __future__ import annotations

import io
import random
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from include.ticklake.convert.encodings import choose_encoding

AT = pa.timestamp("ms", "UTC")


def stored(table: pa.Table) -> pq.ParquetFile:
    """*table* as it is stored with the encoding chosen for it."""
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, table.schema, **choose_encoding(table).options()) as writer:
        writer.write_table(table)
    return pq.ParquetFile(io.BytesIO(sink.getvalue()))


def encodings(file: pq.ParquetFile, column: int) -> set[str]:
    return set(file.metadata.row_group(0).column(column).encodings)


def test_integers_and_times_are_stored_as_differences_and_text_by_dictionary():
    """Decimals of up to 18 digits are integers too."""
    file = stored(
        pa.table(
            {
                "at": pa.array([1, 2, 3], AT),
                "number": [1, 2, 3],
                "name": ["a", "b", "a"],
                "price": pa.array(map(Decimal, (1, 2, 3)), pa.decimal128(18, 8)),
            }
        )
    )
    assert "DELTA_BINARY_PACKED" in encodings(file, 0) & encodings(file, 1)
    assert "RLE_DICTIONARY" in encodings(file, 2)
    assert file.schema.column(3).physical_type == "INT64"


KNOWN = random.Random(7).sample(range(10**15), 300)
OFTEN = random.Random(8).choices(KNOWN, k=9000)


@pytest.mark.parametrize(
    ("units", "by_dictionary"),
    [
        pytest.param(OFTEN, True, id="often"),
        pytest.param([n * 1_000_003 for n in range(9000)], False, id="once"),
    ],
)
def test_decimals_are_in_a_dictionary_where_that_is_smaller(units, by_dictionary):
    """The first row group shows which it is."""
    prices = pa.array([Decimal(unit).scaleb(-8) for unit in units], pa.decimal128(18, 8))
    assert ("RLE_DICTIONARY" in encodings(stored(pa.table({"price": prices})), 0)) is by_dictionary


def test_long_text_has_neither_dictionary_nor_statistics():
    """They would hold its values once more."""
    encoding = choose_encoding(pa.table({"text": ["x" * 5000] * 3, "number": [1, 2, 3]}))
    assert (encoding.by_dictionary, encoding.with_statistics) == ((), ("number",))
    assert encoding.batch_rows >= 1


def test_a_column_that_no_type_of_a_field_has_is_plain():
    """Such as a binary one."""
    encoding = choose_encoding(pa.table({"raw": pa.array([b"x"], pa.binary())}))
    assert (encoding.by_column, encoding.by_dictionary) == ({}, ())
