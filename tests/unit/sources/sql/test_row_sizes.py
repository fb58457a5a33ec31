"""What a row takes is known before its JSON is made."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.sources.sql.row_sizes import least_json_bytes, row_bytes
from include.ticklake.sources.sql.rows import RowEncoder, SqlColumn
from tests.support.sql_feeds import feed

LARGE = 100_000


@pytest.mark.parametrize(
    "value",
    ["x" * LARGE, b"x" * LARGE, bytearray(LARGE), 10**LARGE, msgspec.Raw(b"1" * LARGE)],
    ids=lambda value: type(value).__name__,
)
def test_a_large_value_is_counted(value):
    """Whatever its type is, and whatever else is in its row."""
    assert row_bytes((1, value, None)) > 0.4 * LARGE
    assert row_bytes((1, None)) < 100


@given(st.text(), st.binary(), st.integers())
def test_json_takes_no_less_than_what_was_counted(text, data, number):
    """So no row is refused that would fit."""
    row: tuple[Any, ...] = (text, data, number)
    columns = [
        SqlColumn(name=name, is_base64=name == "data") for name in ("text", "data", "number")
    ]
    [record] = RowEncoder(feed(), columns).encode([row])
    counted = least_json_bytes(row, is_json=[False] * 3, enough=0)
    assert counted <= memoryview(record).nbytes


def test_escapes_are_counted_in_full():
    """Six characters for one, also across the stretches that a long text is counted in."""
    text = "\x00" * LARGE + "é"
    whole = least_json_bytes((text,), is_json=[False], enough=6 * LARGE)
    assert whole == 6 * LARGE + 2


def test_counting_ends_above_what_is_enough():
    """A row of any size is found to be too large in the time that a small one takes."""
    counted = least_json_bytes(("x" * 10**7,), is_json=[False], enough=10**6)
    assert 10**6 < counted < 1.1 * 10**6


def test_json_is_not_counted():
    """It is written as it is, or without its spaces."""
    assert least_json_bytes((" " * LARGE,), is_json=[True], enough=10) == 0
