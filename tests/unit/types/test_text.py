"""A string is text, also where it is empty."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.types.field_type import TimeLimits
from include.ticklake.types.text import TextType
from include.ticklake.types.values import InvalidValueError, NumberText

LIMITS = TimeLimits(years=(2009, 2100), first_s=0, end_s=2**40, is_event_time=False)


@given(st.text())
def test_every_text_is_one(text):
    """Nothing is trimmed or normalised, and an empty text is not null."""
    assert TextType().parse_value(text, LIMITS) == text
    assert not TextType.blank_is_null


@pytest.mark.parametrize("value", [NumberText("1"), True, [], {}])
def test_other_values_are_not(value):
    """A number would lose that it was one."""
    with pytest.raises(InvalidValueError, match="is not a string"):
        TextType().parse_value(value, LIMITS)


def test_half_a_surrogate_pair_is_not_text():
    """UTF-8 has no place for it."""
    with pytest.raises(InvalidValueError, match="half of a surrogate pair"):
        TextType().parse_value("\ud83d", LIMITS)
