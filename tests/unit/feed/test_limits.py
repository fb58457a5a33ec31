"""Limits are bounds with a unit; sizes may be written as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from include.ticklake.feed.limits import Limits
from tests.support.feed_texts import feed


def test_limits_have_defaults():
    """A feed need not set any of them."""
    limits = Limits()
    assert (limits.max_record_bytes, limits.max_page_bytes) == (8 << 20, 4 << 30)
    assert (limits.attempts, limits.resume_within) == (5, timedelta(hours=6))
    assert (limits.max_pages, limits.unit_timeout) == (100_000, timedelta(hours=6))


@pytest.mark.parametrize(
    ("size", "size_bytes"), [("128MiB", 128 << 20), ("512 KiB", 512 << 10), (1_048_576, 1 << 20)]
)
def test_a_size_is_text_with_a_unit_or_a_number_of_bytes(size, size_bytes):
    """As in the settings."""
    assert Limits(max_page_bytes=size).max_page_bytes == size_bytes
    assert feed(part_bytes=size).part_bytes == size_bytes


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        pytest.param({"max_page_bytes": "lots"}, "'lots' is not a size", id="text"),
        pytest.param({"max_page_bytes": 0}, "greater than 0", id="zero"),
        pytest.param({"attempts": 0}, "greater than or equal to 1", id="no attempt"),
        pytest.param({"max_bad_share": 1.1}, "less than or equal to 1", id="more than all"),
        pytest.param({"unit_timeout": "soon"}, "'soon' is not a length of time", id="no time"),
        pytest.param({"max_wait_s": -1}, "greater than or equal to 0", id="a negative wait"),
        pytest.param({"page_timeout": 5}, "Extra inputs", id="an unknown key"),
    ],
)
def test_limits_without_meaning_are_refused(limits, message):
    """When the file is read."""
    with pytest.raises(ValidationError, match=message):
        Limits(**limits)
