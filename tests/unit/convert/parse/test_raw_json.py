"""The text of a value is cut out of its record to the byte."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from include.ticklake.convert.parse.raw_json import RawColumn
from tests.support.json_texts import VALUES


@given(VALUES)
def test_a_value_keeps_its_text(text):
    """White space, digits, escapes and order of names included."""
    text = text.replace("\n", " ")
    record = f'{{"a": {{"b":{text}}}}}'.encode()
    expected = None if json.loads(text) is None else text.strip()
    assert RawColumn(("a", "b")).text(record) == expected


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ('{"a": 1.50}', "1.50"),
        ('{"a": null}', None),
        ('{"b": 1}', None),
        ('{"a": 1, "a": 2}', "2"),
        (r'{"a": "\ud83d"}', r'"\ud83d"'),
    ],
)
def test_a_missing_value_is_null_and_of_two_the_last_counts(record, text):
    """Lone surrogates, which no UTF-8 text holds, stay escaped."""
    assert RawColumn(("a",)).text(record.encode()) == text


def test_what_is_not_json_is_an_error_of_the_record():
    """The record is refused."""
    column = RawColumn(("a", "b"))
    with pytest.raises(ValueError, match=r"malformed|truncated|invalid"):
        column.text(b'{"a": {"b": [}')
