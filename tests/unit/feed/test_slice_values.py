"""The values of a slice are distinct in every file system, and text or whole numbers."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from include.ticklake.feed.slice_values import (
    MAX_SLICES,
    SliceValues,
    check_slice_count,
    combine,
    count_slices,
)
from include.ticklake.model.strict import FieldError

VALUES = TypeAdapter(SliceValues)


@pytest.mark.parametrize("values", [["A", "b", 5], {"1month": "1M", "1m": "1m"}, ["a/b", "A/c"]])
def test_distinct_values_are_kept_as_they_are(values):
    """A list, or a mapping to the source's own names; a slash is part of a value."""
    assert VALUES.validate_python(values, strict=True) == values


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param("BTC", "must be a list of values, or a mapping", id="a text"),
        pytest.param({"1m": 1}, "must be a list of values, or a mapping", id="a number as name"),
        pytest.param([1.5], "1.5 is neither text nor a whole number; quote it", id="a fraction"),
        pytest.param([True], "True is neither text", id="a boolean"),
        pytest.param([""], "'' is neither text", id="nothing"),
        pytest.param(["1m", "1M"], "'1m' and '1M' differ by case only", id="case"),
        pytest.param(["A", "A"], "duplicate value", id="a duplicate"),
        pytest.param([5, "5"], "duplicate value", id="a duplicate as text"),
    ],
)
def test_other_values_are_refused(values, message):
    """With the fix."""
    with pytest.raises(ValidationError, match=message):
        VALUES.validate_python(values, strict=True)


def test_slices_are_counted_without_being_made():
    """A million values each: nothing could hold their combinations."""
    values = list(range(1_000_000))
    assert count_slices({"a": values, "b": values, "c": values}) == 10**18
    assert (count_slices({}), len(list(combine({})))) == (1, 1)


def test_as_many_slices_as_a_feed_can_plan_are_accepted_and_no_more():
    """The message multiplies."""
    half = list(range(MAX_SLICES // 2))
    check_slice_count({"symbol": half, "side": ["bid", "ask"]})
    with pytest.raises(FieldError, match="100,001 symbol x 2 side are 200,002 slices, more than"):
        check_slice_count({"symbol": [*half, "one more"], "side": ["bid", "ask"]})
