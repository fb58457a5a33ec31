"""A run's params and its own interval in, the range of time to fetch out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from include.ticklake.errors import UsageError
from include.ticklake.model.window import parse_instant

_DAY_S = 86_400
_HOUR_S = 3_600
_MINUTE_S = 60


def cron(window: timedelta) -> str:
    """The cron expression whose data intervals are the windows of length *window*.

    Windows start at 1970-01-01T00:00Z, so only lengths that divide a day line up
    with a clock; ``UsageError`` for others.
    """
    seconds = int(window.total_seconds())
    if seconds == _DAY_S:
        return "0 0 * * *"
    if seconds % _HOUR_S == 0 and _DAY_S % seconds == 0:
        return f"0 {_every(seconds // _HOUR_S)} * * *"
    if seconds % _MINUTE_S == 0 and _HOUR_S % seconds == 0:
        return f"{_every(seconds // _MINUTE_S)} * * * *"
    raise UsageError(
        f"a window of {window} does not line up with the clock; "
        "use a day, or whole hours or minutes that divide a day or an hour evenly"
    )


def _every(count: int) -> str:
    return "*" if count == 1 else f"*/{count}"


def interval(
    params: Mapping[str, Any],
    *,
    data_interval: tuple[datetime, datetime] | None,
    run_after: datetime,
    window: timedelta,
) -> tuple[datetime, datetime]:
    """The ``[start, end)`` that the run is about, both aware and UTC.

    From ``params["start"]`` and ``params["end"]`` where they are given (an empty end
    is the end of the last window that was over when the run was made), else the
    run's own *data_interval*, else the last window that was over at *run_after*.
    ``UsageError`` where the range is empty, half given, or not over yet: a window
    still in progress would be committed as if it were whole.
    """
    over = _floor(run_after, window)
    start, end = (
        parse_instant(params[name]) if params.get(name) else None for name in ("start", "end")
    )
    if start is None and end is not None:
        raise UsageError("`end` is given without `start`: give both, or neither, or `start` alone")
    if start is None:
        start, end = data_interval or (over - window, over)
    end = end or over
    if end <= start:
        raise UsageError(
            f"`end` {end.isoformat()} is not after `start` {start.isoformat()}: "
            "give an `end` that is later, or leave it empty"
        )
    if end > over:
        raise UsageError(
            f"`end` {end.isoformat()} is not over yet: the last window that is ends at "
            f"{over.isoformat()}; give an `end` up to there, or leave it empty"
        )
    return start, end


def _floor(moment: datetime, window: timedelta) -> datetime:
    seconds = int(window.total_seconds())
    return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, UTC)
