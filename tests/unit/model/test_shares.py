"""A share is exact, and what a message proposes is enough."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.feed.limits import Limits
from include.ticklake.model.shares import allowed_part, format_share, share_that_allows


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.01, "1%"), (0.015, "1.5%"), (1.0, "100%"), (0.0, "0%"), (1e-05, "0.001%")],
)
def test_a_share_is_shown_with_the_digits_it_has(share, text):
    """And is read as the same one."""
    assert format_share(share) == text
    assert Limits(max_bad_share=text).max_bad_share == share


def test_floats_do_not_decide():
    """0.011 * 1000 is a little less than 11."""
    assert allowed_part(1_000, 0.011) == 11
    assert allowed_part(999, 0.011) == 10
    assert [allowed_part(10**7, share) for share in (0.0, 1.0, 1e-7)] == [0, 10**7, 1]


@given(st.integers(1, 10**7), st.data())
def test_the_proposed_share_is_enough(whole, data):
    """For any number of records."""
    part = data.draw(st.integers(1, whole))
    share = Limits(max_bad_share=share_that_allows(part, whole)).max_bad_share
    assert part <= allowed_part(whole, share)
    assert share <= 1.1 * part / whole + 1e-12
