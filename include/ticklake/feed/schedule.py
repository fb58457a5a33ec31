"""The windows that a clock can show: those that Airflow can schedule.

Windows start at 1970-01-01T00:00Z, and a cron expression starts over with each hour, day
and week. So only lengths that divide an hour or a day line up with it, and a week: its
windows start on Thursdays, as 1970 did. Windows of months start on the first, as a clock's do.
"""

from __future__ import annotations

from datetime import timedelta

from include.ticklake.errors import UsageError
from include.ticklake.model.durations import format_duration
from include.ticklake.model.window_length import Months, WindowLength, format_window_length

_MINUTE_S, _HOUR_S, _DAY_S, _WEEK_S = 60, 3_600, 86_400, 7 * 86_400

CRON_BY_SECONDS = {
    **{n * _MINUTE_S: f"*/{n} * * * *" for n in range(2, 60) if 60 % n == 0},
    **{n * _HOUR_S: f"0 */{n} * * *" for n in range(2, 24) if 24 % n == 0},
    _MINUTE_S: "* * * * *",
    _HOUR_S: "0 * * * *",
    _DAY_S: "0 0 * * *",
    _WEEK_S: "0 0 * * 4",
}
"""The cron expression, in UTC, of every window that has one."""


_MONTH = "1mo"


def cron(window: WindowLength) -> str:
    """The cron expression whose data intervals are the windows of length *window*.

    ``UsageError`` where none follows them, with the nearest that one does.
    """
    if isinstance(window, Months):
        return f"0 0 1 {'*' if window.count == 1 else f'*/{window.count}'} *"
    seconds = int(window.total_seconds())
    if expression := CRON_BY_SECONDS.get(seconds):
        return expression
    shorter = max((other for other in CRON_BY_SECONDS if other < seconds), default=None)
    longer = min((other for other in CRON_BY_SECONDS if other > seconds), default=None)
    nearest = [format_duration(timedelta(seconds=other)) for other in (shorter, longer) if other]
    nearest += [] if longer else [_MONTH]
    raise UsageError(
        f"windows of {format_window_length(window)} do not line up with the clock, so that Airflow "
        f"cannot schedule them; write {' or '.join(nearest)}"
    )
