"""The range of time that a run is about, from its trigger form and its data interval."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from include.ticklake.errors import UsageError
from include.ticklake.model.window import parse_instant
from include.ticklake.model.window_length import Months, WindowLength, floor, start_before


def interval(
    params: Mapping[str, Any],
    *,
    data_interval: tuple[datetime, datetime] | None,
    run_after: datetime,
    window: WindowLength,
) -> tuple[datetime, datetime]:
    """The ``[start, end)`` that a run fetches, both aware and UTC.

    From ``params["start"]`` and ``params["end"]`` where they are filled in (an empty end
    is the end of the last window that was complete when the run was created), else the
    run's own *data_interval*, else the last window that was complete at *run_after*.
    ``UsageError`` where the range is empty, half filled in, or not complete: a window
    still in progress would be committed as if it were whole.
    """
    complete = floor(run_after, window)
    start, end = _read_range(params)
    if start is None:
        start, end = data_interval or (start_before(complete, window), complete)
    end = end or complete
    _refuse_empty(start, end)
    if end > complete:
        raise UsageError(
            f"`end`: {end.isoformat()} is not over yet, the last complete window ends at "
            f"{complete.isoformat()}; choose an `end` up to there, or leave it empty"
        )
    return start, end


def look_back(
    params: Mapping[str, Any], *, run_after: datetime, window: WindowLength, default: WindowLength
) -> tuple[datetime, datetime] | None:
    """The ``[start, end)`` of stored data that a run reads, up to the last complete *window*.

    Defaults to the last *default* before it. None where none of the range is complete.
    ``UsageError`` where the range is empty or half filled in.
    """
    complete = floor(run_after, window)
    start, end = _read_range(params)
    if start is None:
        return _before(complete, default), complete
    if end is not None:
        _refuse_empty(start, end)
    end = min(end or complete, complete)
    return (start, end) if start < end else None


def _read_range(params: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    start, end = (
        parse_instant(params[name]) if params.get(name) else None for name in ("start", "end")
    )
    if start is None and end is not None:
        raise UsageError("`end` is set without `start`; set both, or neither, or `start` alone")
    return start, end


def _refuse_empty(start: datetime, end: datetime) -> None:
    if end <= start:
        raise UsageError(
            f"`end`: {end.isoformat()} is not after `start` {start.isoformat()}; "
            "choose a later `end`, or leave it empty"
        )


def _before(end: datetime, length: WindowLength) -> datetime:
    return start_before(end, length) if isinstance(length, Months) else end - length
