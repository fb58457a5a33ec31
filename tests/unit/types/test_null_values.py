"""What stands for no value: texts to the letter, numbers however they are written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.types.null_values import NullValues
from include.ticklake.types.values import NumberText

LISTED = ["NaN", "N/A", "-", "0000-00-00 00:00:00", -999, "0", 0.1]
NUMERIC = NullValues.of(LISTED, is_numeric=True, blank_is_null=True)
TEXT = NullValues.of(LISTED, is_numeric=False, blank_is_null=False)


@pytest.mark.parametrize("text", ["NaN", "N/A", "-", "0000-00-00 00:00:00", "-999", "0"])
def test_a_listed_text_is_null(text):
    """Of whatever type the field is."""
    for nulls in (NUMERIC, TEXT):
        assert nulls.matches(text)
        assert nulls.matches_json(json.dumps(text).encode())


@pytest.mark.parametrize("text", ["nan", " NaN", "NaN ", "n/a", "--", "1", "None", "-998.9"])
def test_another_text_is_not(text):
    """To the letter: NaN and nan may be two things."""
    for nulls in (NUMERIC, TEXT):
        assert not nulls.matches(text)
        assert not nulls.matches_json(json.dumps(text).encode())


@pytest.mark.parametrize("text", ["-999", "-999.0", "-9.99e2", "0", "-0", "0.00", "0.1", "1e-1"])
def test_a_listed_number_is_null_however_it_is_written(text):
    """As text only where the type reads numbers from text."""
    assert NUMERIC.matches(NumberText(text))
    assert TEXT.matches(NumberText(text))
    assert NUMERIC.matches(text)
    assert NUMERIC.matches_json(text.encode())
    assert TEXT.matches(text) is (text in ("-999", "0", "0.1"))


@pytest.mark.parametrize(
    "text", ["0.10000000000000000001", "1e-999999999", "1e99999999999999999999"]
)
def test_a_number_beside_it_is_not(text):
    """Exactly; where the column holds doubles, by the nearest double."""
    assert not NUMERIC.matches(NumberText(text))
    near = NullValues.of([0.1], is_numeric=True, blank_is_null=True, as_double=True)
    assert near.matches(NumberText(text)) is (text == "0.10000000000000000001")


@pytest.mark.parametrize("value", [True, {}, [], {"NaN": 1}])
def test_other_values_are_values(value):
    """null itself is none, listed or not."""
    assert not NUMERIC.matches(value)
    assert not NUMERIC.matches_json(json.dumps(value).encode())


def test_null_and_nothing_are_no_value():
    """And an empty text is none where the type says so."""
    nothing = NullValues.of([], is_numeric=False, blank_is_null=False)
    assert nothing.matches(None)
    assert nothing.matches_json(b"null")
    assert nothing.matches_json(b"")
    assert not nothing.matches("")
    assert NullValues.of([], is_numeric=False, blank_is_null=True).matches_json(b'""')


@given(st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_json_is_what_it_says(value):
    """The text of a value and the value are the same to it, half of a surrogate pair included."""
    text = json.dumps(value)
    parsed = value if isinstance(value, str) else NumberText(text)
    for nulls in (NUMERIC, TEXT):
        assert nulls.matches_json(text.encode()) is nulls.matches(parsed)
    assert not TEXT.matches_json(b'"\\ud800"')
