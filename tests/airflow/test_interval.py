"""Which range of time a run is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pendulum
import pytest
from airflow.timetables.interval import CronDataIntervalTimetable

from include.operators.dag_support.interval import interval, look_back
from include.ticklake.errors import UsageError
from include.ticklake.feed.schedule import CRON_BY_SECONDS, cron
from include.ticklake.model.window import split_range
from include.ticklake.model.window_length import Months

HOUR = timedelta(hours=1)
MADE = datetime(2026, 1, 2, 3, 20, tzinfo=UTC)
OWN = (datetime(2026, 1, 2, 2, tzinfo=UTC), datetime(2026, 1, 2, 3, tzinfo=UTC))


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 1, 2, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("params", "own", "expected"),
    [
        pytest.param({}, OWN, OWN, id="nothing given: the run's own interval"),
        pytest.param({"start": None, "end": None}, OWN, OWN, id="empty fields are not given"),
        pytest.param({"start": "", "end": ""}, OWN, OWN, id="nor is empty text"),
        pytest.param({}, None, (at(2), at(3)), id="no interval either: the last window over"),
        pytest.param(
            {"start": "2026-01-01T00:00:00.000Z", "end": "2026-01-01T05:30:00Z"},
            OWN,
            (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 5, 30, tzinfo=UTC)),
            id="both given, as the form sends them",
        ),
        pytest.param(
            {"start": "2026-01-02T01:00:00+01:00", "end": "2026-01-02T03:00:00+01:00"},
            OWN,
            (at(0), at(2)),
            id="another time zone",
        ),
        pytest.param({"start": "2026-01-02T01:00:00Z"}, OWN, (at(1), at(3)), id="start alone"),
        pytest.param(
            {"start": "2026-01-02T01:00:00Z", "end": "2026-01-02T03:00:00Z"},
            None,
            (at(1), at(3)),
            id="up to the last window that is over",
        ),
    ],
)
def test_a_run_is_about(params, own, expected):
    """Params come first, then the run's own interval, then the last window that is over."""
    assert interval(params, data_interval=own, run_after=MADE, window=HOUR) == expected


def test_a_run_of_months_is_about_the_one_before():
    """Of its own, and of stored data that it looks back at."""
    month = datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    assert interval({}, data_interval=None, run_after=MADE, window=Months(1)) == month
    back = look_back({}, run_after=MADE, window=Months(1), default=Months(1))
    assert back == month
    with pytest.raises(UsageError, match="last complete window ends at 2026-01-01"):
        interval({"start": "2025-12-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"},
                 data_interval=None, run_after=MADE, window=Months(1))  # fmt: skip


def test_airflow_schedules_months():
    """Its data intervals are the windows, also at the end of February."""
    timetable = CronDataIntervalTimetable(cron(Months(1)), timezone="UTC")
    late = pendulum.datetime(2024, 3, 1, 0, 0, 1, tz="UTC")
    found = timetable.infer_manual_data_interval(run_after=late)
    [window] = split_range(found.start, found.end, length=Months(1))
    assert (window.start, window.end) == (found.start, found.end)
    assert window.start == datetime(2024, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("params", "own", "message"),
    [
        pytest.param({"end": "2026-01-02T03:00:00Z"}, OWN, "without `start`", id="end alone"),
        pytest.param(
            {"start": "2026-01-02T02:00:00Z", "end": "2026-01-02T01:00:00Z"},
            OWN,
            "not after `start`",
            id="end before start",
        ),
        pytest.param(
            {"start": "2026-01-02T02:00:00Z", "end": "2026-01-02T02:00:00Z"},
            OWN,
            "not after `start`",
            id="nothing between them",
        ),
        pytest.param(
            {"start": "2026-01-02T03:30:00Z"}, OWN, "not after `start`", id="start in the future"
        ),
        pytest.param(
            {"start": "2026-01-02T02:00:00Z", "end": "2026-01-02T03:10:00Z"},
            OWN,
            "ends at 2026-01-02T03:00:00",
            id="a window still in progress",
        ),
        pytest.param({}, (at(3), at(4)), "not over yet", id="own interval still in progress"),
        pytest.param({"start": "yesterday"}, OWN, "not a time", id="not a time"),
    ],
)
def test_a_range_is_refused(params, own, message):
    """A range that is empty, half given or not over yet says what to give instead."""
    with pytest.raises(UsageError, match=message):
        interval(params, data_interval=own, run_after=MADE, window=HOUR)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        pytest.param({}, (at(1), at(3)), id="empty: the default"),
        pytest.param({"start": "2026-01-02T00:00:00Z"}, (at(0), at(3)), id="start alone"),
        pytest.param(
            {"start": "2026-01-02T00:00:00Z", "end": "2026-01-02T02:00:00Z"},
            (at(0), at(2)),
            id="both",
        ),
        pytest.param(
            {"start": "2026-01-02T02:00:00Z", "end": "2026-01-02T09:00:00Z"},
            (at(2), at(3)),
            id="an end in the future",
        ),
        pytest.param({"start": "2026-01-02T03:00:00Z"}, None, id="nothing complete"),
    ],
)
def test_a_maintenance_run_looks_back(params, expected):
    """Up to the last complete window: windows of other lengths may be in the same run."""
    assert look_back(params, run_after=MADE, window=HOUR, default=2 * HOUR) == expected


@pytest.mark.parametrize(
    ("params", "message"),
    [
        pytest.param({"end": "2026-01-02T03:00:00Z"}, "without `start`", id="end alone"),
        pytest.param(
            {"start": "2026-01-02T03:00:00Z", "end": "2026-01-02T03:00:00Z"},
            "not after `start`",
            id="nothing between them",
        ),
    ],
)
def test_a_maintenance_range_is_refused(params, message):
    """As everywhere."""
    with pytest.raises(UsageError, match=message):
        look_back(params, run_after=MADE, window=HOUR, default=HOUR)


@pytest.mark.parametrize("seconds", CRON_BY_SECONDS)
def test_airflow_schedules_the_windows_that_the_core_splits_a_range_into(seconds):
    """Each data interval is one window, through hours, days, months, years and a leap day."""
    window = timedelta(seconds=seconds)
    timetable = CronDataIntervalTimetable(cron(window), timezone="UTC")
    for near in (datetime(2024, 2, 28, 22, tzinfo=UTC), datetime(2026, 12, 31, 20, tzinfo=UTC)):
        windows = split_range(near, near + max(30 * window, timedelta(hours=30)), length=window)
        for expected in islice(windows, 1, None):
            last = timetable.infer_manual_data_interval(run_after=pendulum.instance(expected.end))
            assert (last.start, last.end) == (expected.start, expected.end)
