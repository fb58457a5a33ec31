"""A schedule follows the windows, or the nearest that one can follow are named."""

from __future__ import annotations

from datetime import timedelta

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.feed.schedule import cron
from include.ticklake.model.durations import parse_duration
from include.ticklake.model.window_length import Months

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        pytest.param(timedelta(minutes=1), "* * * * *", id="a minute"),
        pytest.param(timedelta(minutes=15), "*/15 * * * *", id="a quarter of an hour"),
        pytest.param(HOUR, "0 * * * *", id="an hour"),
        pytest.param(timedelta(hours=6), "0 */6 * * *", id="a quarter of a day"),
        pytest.param(timedelta(days=1), "0 0 * * *", id="a day"),
        pytest.param(timedelta(weeks=1), "0 0 * * 4", id="a week, from Thursday as 1970 did"),
        pytest.param(Months(1), "0 0 1 * *", id="a month"),
        pytest.param(Months(3), "0 0 1 */3 *", id="a quarter"),
        pytest.param(Months(12), "0 0 1 */12 *", id="a year"),
    ],
)
def test_a_schedule_follows_the_window(window, expected):
    """A window's length is all that a schedule is made of."""
    assert cron(window) == expected


@pytest.mark.parametrize(
    ("window", "nearest"),
    [
        pytest.param("30s", "1m", id="less than a minute"),
        pytest.param("90s", "1m or 2m", id="a minute and a half"),
        pytest.param("25m", "20m or 30m", id="minutes that do not divide an hour"),
        pytest.param("90m", "1h or 2h", id="an hour and a half"),
        pytest.param("7h", "6h or 8h", id="hours that do not divide a day"),
        pytest.param("36h", "1d or 1w", id="a day and a half"),
        pytest.param("2d", "1d or 1w", id="two days"),
        pytest.param("40d", "1w or 1mo", id="more than a week"),
    ],
)
def test_a_window_that_no_clock_shows_has_no_schedule(window, nearest):
    """A cron expression cannot follow it, so it is refused instead of drifting."""
    with pytest.raises(UsageError, match=f"windows of {window} do not .*; write {nearest}$"):
        cron(parse_duration(window))
