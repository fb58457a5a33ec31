"""A Parquet that holds anything else than what was parsed is found out before it is committed."""

from __future__ import annotations

import io
from decimal import Decimal

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from include.ticklake.convert.parity import ParityCheck
from include.ticklake.errors import ParityError

SCHEMA = pa.schema(
    [
        pa.field("number", pa.int64()),
        pa.field("price", pa.decimal128(38, 8)),
        pa.field("wide", pa.decimal256(76, 8)),
        pa.field("note", pa.string()),
        pa.field("truth", pa.bool_()),
        pa.field("at", pa.timestamp("ns", "UTC"), nullable=False),
    ]
)
ROWS = [
    {"number": n - 3, "price": Decimal(10**29 - n), "wide": Decimal(-n).scaleb(60),
     "note": "é" * n, "truth": n % 3 == 0, "at": 2**62 + n}
    for n in range(1, 12)
]  # fmt: skip
ROWS[4] |= dict.fromkeys(["number", "price", "wide", "note", "truth"])


def table(rows: list[dict[str, object]], *, schema: pa.Schema = SCHEMA) -> pa.Table:
    """*rows* as Arrow has them."""
    return pa.Table.from_pylist(rows, schema=schema)


def parity_of(groups: list[pa.Table]) -> ParityCheck:
    """The facts of *groups*, parsed in batches of two rows."""
    check = ParityCheck(SCHEMA)
    for group in groups:
        assert list(check.tap_batches(group.to_batches(max_chunksize=2)))
    assert list(check.tap_row_groups(groups)) == groups
    return check


def stored(groups: list[pa.Table]) -> io.BytesIO:
    """A Parquet file of *groups*."""
    sink = io.BytesIO()
    with pq.ParquetWriter(sink, groups[0].schema, store_schema=False) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=group.num_rows)
    return io.BytesIO(sink.getvalue())


GROUPS = [table(ROWS[:6]), table(ROWS[6:])]


def test_what_was_parsed_is_what_is_stored():
    """Nulls, negative and huge numbers and letters of other scripts agree with themselves."""
    parity_of(GROUPS).check(stored(GROUPS), where="here")


def changed(place: int, /, **values: object) -> list[pa.Table]:
    """The row groups with other *values* in one row."""
    rows = [row | values if index == place else row for index, row in enumerate(ROWS)]
    return [table(rows[:6]), table(rows[6:])]


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (changed(2, number=7), "row group 0, column number: other values"),
        (changed(2, number=None), "row group 0, column number: other values"),
        (changed(8, price=Decimal("0.00000001")), "row group 1, column price: other values"),
        (changed(8, wide=Decimal(1)), "row group 1, column wide: other values"),
        (changed(0, note="e"), "row group 0, column note: other values"),
        (changed(0, note=""), "row group 0, column note: other values"),
        (changed(4, note=""), "row group 0, column note: other values"),
        (changed(3, truth=None), "row group 0, column truth: other values"),
        (changed(7, at=2**62), "row group 1, column at: other values"),
        ([table(ROWS[:6]), table([*ROWS[7:], ROWS[6]])], "row group 1, column number"),
        ([table(ROWS[:6]), table(ROWS[7:])], "row group 1, column number"),
        ([table(ROWS[:6])], "it has 1 row groups"),
        ([table(ROWS[:5]), table(ROWS[5:])], "row group 0, column number"),
    ],
)
def test_any_other_value_is_found(groups, said):
    """The error names row group and column."""
    with pytest.raises(ParityError, match=f"here: {said}"):
        parity_of(GROUPS).check(stored(groups), where="here")


@pytest.mark.parametrize("column", range(len(SCHEMA) - 1))
def test_values_lost_between_parser_and_file_are_found(column):
    """What gathering or sorting changed has another total, though it is what the file holds."""
    check = ParityCheck(SCHEMA)
    lost = GROUPS[0].set_column(
        column, SCHEMA.field(column), GROUPS[0].column(column).take([2, 1, 2, 3, 4, 5])
    )
    assert list(check.tap_batches(GROUPS[0].to_batches()))
    assert list(check.tap_row_groups([lost]))
    with pytest.raises(ParityError, match=f"column {SCHEMA.field(column).name}: parsed"):
        check.check(stored([lost]), where="here")


def test_another_type_is_found():
    """A file whose columns are of other types is not the lake's."""
    other = SCHEMA.set(0, pa.field("number", pa.int32()))
    with pytest.raises(ParityError, match="its schema is number: int32"):
        parity_of(GROUPS).check(
            stored([table(ROWS[:6], schema=other), table(ROWS[6:], schema=other)]), where="here"
        )


@pytest.mark.parametrize("place", [-1, -5, -20])
def test_a_damaged_file_is_found(place):
    """A file that cannot be read is not what was parsed."""
    body = bytearray(stored(GROUPS).getvalue())
    body[place] ^= 0xFF
    with pytest.raises(ParityError):
        parity_of(GROUPS).check(io.BytesIO(body), where="here")


class FailingFile(io.BytesIO):
    """A file of a storage that answers a few times, and no more."""

    answers = 3

    def read(self, size: int | None = -1) -> bytes:
        self.answers -= 1
        if self.answers < 0:
            raise OSError("s3://bucket/lake/a: cannot read; connection reset")
        return super().read(size)


def test_a_storage_that_fails_is_no_difference():
    """The error is the storage's own, which is worth a retry: the data may be right."""
    with pytest.raises(OSError, match=r"^s3://bucket/lake/a: cannot read; connection reset"):
        parity_of(GROUPS).check(FailingFile(stored(GROUPS).getvalue()), where="here")
