"""A unit has a time by which it must be fetched."""

from __future__ import annotations

import pytest

from include.ticklake.errors import SourceUnavailableError
from include.ticklake.feed.limits import Limits
from include.ticklake.sources.deadline import UnitDeadline


def test_the_time_of_a_unit_is_counted_from_its_start():
    """The last moment before its end is still inside."""
    now_s = [100.0]
    deadline = UnitDeadline(Limits(unit_timeout="2m"), clock=lambda: now_s[0])
    assert (deadline.at_s, deadline.left_s()) == (220, 120)
    now_s[0] = 219.9
    deadline.check("acme")
    now_s[0] = 220
    with pytest.raises(
        SourceUnavailableError, match=r"^acme: .*limits.unit_timeout: 0:02:00; choose a shorter"
    ):
        deadline.check("acme")
