"""What a source returned goes back as it came."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.feed.paging.json_text import (
    JsonText,
    json_text,
    read_cursor,
    write_cursor,
)

NUMBERS = st.integers() | st.decimals(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1700000000, "abc"], '[1700000000,"abc"]'),
        ({"id": 5, "at": [True, None]}, '{"id":5,"at":[true,null]}'),
        (Decimal("1.10"), "1.10"),
        (Decimal("0.0000001"), "0.0000001"),
        (Decimal("1E+2"), "100"),
        (10**40 + 1, "1" + "0" * 39 + "1"),
        (True, "true"),
        ("é{start_ms}", '"é{start_ms}"'),
        (Decimal("1E+999999"), "1E+999999"),
    ],
    ids=str,
)
def test_a_value_is_written_as_compact_json(value, text):
    """With the digits that it came with."""
    assert json_text(value) == text


@given(VALUES)
def test_the_text_reads_as_the_same_value(value):
    """Whatever it is."""
    assert json.loads(json_text(value), parse_float=Decimal, parse_int=int) == value


@given(
    VALUES.filter(lambda value: not isinstance(value, str)),
    st.text() | st.from_regex(r"json:.*", fullmatch=True),
)
def test_a_cursor_is_stored_as_what_it_was(value, text):
    """JSON or a text that looks like it: another process sends back the same."""
    for cursor in (JsonText(json_text(value)), text):
        read = read_cursor(write_cursor(cursor))
        assert (read, type(read)) == (cursor, type(cursor))
    assert JsonText(json_text(value)).value == value


@pytest.mark.parametrize("stored", [None, "5", "abc", "[1]"])
def test_a_cursor_of_an_earlier_version_is_a_text(stored):
    """As it was sent then."""
    assert read_cursor(stored) == stored
    assert not isinstance(read_cursor(stored), JsonText)
