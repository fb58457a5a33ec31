"""A bool is true or false, however a source writes that; nothing else is one."""

from __future__ import annotations

import pyarrow as pa
import pytest

from include.ticklake.types.boolean import BooleanType
from include.ticklake.types.field_type import TimeLimits
from include.ticklake.types.values import InvalidValueError, NumberText

LIMITS = TimeLimits(years=(2009, 2100), first_s=0, end_s=2**40, is_event_time=False)


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (False, "false")])
def test_true_and_false_are_ones(value, text):
    """And shown as JSON writes them."""
    assert BooleanType().parse_value(value, LIMITS) is value
    assert BooleanType().format_value(value) == text


@pytest.mark.parametrize("value", ["true", "True", "TRUE", "1", NumberText("1"), NumberText("1e0")])
def test_the_words_and_one_are_true(value):
    """In any case, as a number or text."""
    assert BooleanType().parse_value(value, LIMITS) is True


@pytest.mark.parametrize("value", ["false", "False", "0", NumberText("0"), NumberText("-0.0")])
def test_the_words_and_zero_are_false(value):
    """In any case, as a number or text."""
    assert BooleanType().parse_value(value, LIMITS) is False


@pytest.mark.parametrize(
    "value",
    ["yes", "", " true", "t", "1.0", "truest", NumberText("2"), NumberText("1e9" + "9" * 30), []],
)
def test_other_values_are_not(value):
    """Sources disagree on what 2 or "yes" mean."""
    with pytest.raises(InvalidValueError, match="is not a bool"):
        BooleanType().parse_value(value, LIMITS)


def test_values_are_compared_as_bytes():
    """A slice would begin in the middle of one otherwise."""
    values = pa.array([True, False, True]).slice(1)
    assert BooleanType.comparable(values).to_pylist() == [0, 1]
