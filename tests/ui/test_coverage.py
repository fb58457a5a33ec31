"""A year of windows, cut into cells."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from include.ticklake.lake.summary import FeedSummary, SliceYear
from include.ticklake.lake.summary_windows import first_window
from include.ui.cell_states import BY_CODE, STATES, in_words, worst
from include.ui.coverage import (
    DAY_MS,
    HOUR_MS,
    StateRange,
    coverage_year,
    day_ms,
    month_range,
)
from include.ui.heat_map import place_month

MINUTE_MS, WEEK_MS = 60_000, 7 * DAY_MS
NEW_YEAR = day_ms(date(2026, 1, 1))
LATER = day_ms(date(2030, 1, 1))


def year(states: str, window_ms: int = HOUR_MS, *, running=(), now_ms: int = LATER, **known: int):
    stored = SliceYear(feed="f", slice="", year=2026, window_ms=window_ms, states=states)
    summary = FeedSummary(feed="f", window_ms=window_ms, slice_names=(), **known)
    return coverage_year(2026, stored, summary, running=running, now_ms=now_ms)


def test_a_window_between_others_of_the_feed_is_missing():
    """One before the first or after the last was never to be there."""
    known = {"first_start_ms": NEW_YEAR + HOUR_MS, "last_end_ms": NEW_YEAR + 5 * HOUR_MS}
    assert year("..c.c..", **known).codes.startswith(".mcmc..")


def test_a_window_that_a_run_fetches_is_running():
    """Also one that is there already."""
    windows = year("ccc", running=[(NEW_YEAR + HOUR_MS, NEW_YEAR + 2 * HOUR_MS)])
    assert windows.codes.startswith("crc.")


@pytest.mark.parametrize("window_ms", [MINUTE_MS, HOUR_MS, 4 * HOUR_MS, DAY_MS, WEEK_MS])
def test_a_year_has_every_window_that_starts_in_it(window_ms):
    """And no window that is not over yet."""
    length = timedelta(milliseconds=window_ms)
    first_ms, next_ms = (first_window(n, length) * window_ms for n in (2026, 2027))
    assert len(year("", window_ms).codes) == (next_ms - first_ms) // window_ms
    assert len(year("", window_ms, now_ms=first_ms + 3 * window_ms - 1).codes) == 2
    assert len(year("c" * 600_000, window_ms).codes) == (next_ms - first_ms) // window_ms


@pytest.mark.parametrize(
    ("window_ms", "length_ms"),
    [(MINUTE_MS, HOUR_MS), (HOUR_MS, HOUR_MS), (DAY_MS, DAY_MS), (WEEK_MS, DAY_MS)],
)
def test_a_cell_is_between_an_hour_and_a_day(window_ms, length_ms):
    """Whatever the windows are."""
    assert year("", window_ms).cell_ms == length_ms


def test_each_window_of_a_year_is_in_one_cell():
    """None is left out at the end of a day."""
    windows = year("cgqsuvx" * 300, 4 * HOUR_MS)
    cells = windows.cells(NEW_YEAR, day_ms(date(2027, 1, 1)), length_ms=DAY_MS)
    assert "".join(cell.codes for cell in cells) == windows.codes


def test_a_week_is_shown_on_each_of_its_days():
    """Its link is to the start of the window, a Thursday."""
    windows = year("cg", WEEK_MS)
    cells = list(windows.cells(NEW_YEAR, NEW_YEAR + 9 * DAY_MS, length_ms=DAY_MS))
    assert [cell.codes for cell in cells] == ["c"] * 7 + ["g"] * 2
    assert cells[8].window_start_ms == NEW_YEAR + 7 * DAY_MS


def test_ranges_are_windows_in_a_row():
    """Cut off at the ends of what was asked for."""
    windows = year("ggcgq")
    ranges = windows.ranges(NEW_YEAR + HOUR_MS, NEW_YEAR + 5 * HOUR_MS, codes="gq")
    hour = [NEW_YEAR + n * HOUR_MS for n in range(6)]
    assert list(ranges) == [
        StateRange(hour[1], hour[2], 1, "g"),
        StateRange(hour[3], hour[4], 1, "g"),
        StateRange(hour[4], hour[5], 1, "q"),
    ]


def test_a_summary_of_other_windows_counts_for_nothing():
    """The feed's length was changed since: its letters would be of other times."""
    stored = SliceYear(feed="f", slice="", year=2026, window_ms=DAY_MS, states="ccc")
    summary = FeedSummary(feed="f", window_ms=HOUR_MS, slice_names=())
    assert set(coverage_year(2026, stored, summary, now_ms=LATER).codes) == {"."}


@pytest.mark.parametrize(
    ("codes", "name"), [("ccm", "missing"), ("cgq", "gap"), ("cxv", "expired")]
)
def test_a_cell_shows_the_worst_of_its_windows(codes, name):
    """What a viewer should look at first."""
    assert worst(codes).name == name


def test_a_cell_says_how_many_windows_are_how():
    """To those who do not see colours."""
    assert in_words("ccmc") == "1 missing, 3 complete"
    assert in_words("g") == "gap"


def test_states_have_names_and_letters_of_their_own():
    """Nothing is told apart by its colour alone."""
    letters = [state.letter for state in STATES if state.letter]
    assert len({state.name for state in STATES}) == len(STATES) == len(BY_CODE)
    assert sorted(letters) == sorted(set(letters))
    assert {state.name for state in STATES if not state.letter} == {"complete", "not fetched"}


def test_the_newest_day_of_a_month_comes_first():
    """Days that are still to come have no row; each hour of the others has a cell."""
    windows = year("", now_ms=NEW_YEAR + 2 * DAY_MS + HOUR_MS)
    placed = place_month(windows.cells(*month_range(2026, 1), length_ms=HOUR_MS), HOUR_MS)
    assert [(p.row, p.column) for p in placed] == [(2 - n // 24, n % 24) for n in range(72)]


def test_a_month_ends_where_the_next_one_starts():
    """In December as well."""
    assert month_range(2026, 12) == (day_ms(date(2026, 12, 1)), day_ms(date(2027, 1, 1)))
    assert datetime.fromtimestamp(month_range(2026, 2)[1] / 1000, UTC).day == 1


def test_a_year_of_months_has_twelve_windows():
    """Each day shows the month that it is in, and leads to it."""
    stored = SliceYear(
        feed="f", slice="", year=2026, window_ms=31 * DAY_MS, window_months=1, states="cg"
    )
    summary = FeedSummary(
        feed="f", window_ms=31 * DAY_MS, window_months=1, slice_names=(),
        first_start_ms=NEW_YEAR, last_end_ms=day_ms(date(2026, 5, 1)),
    )  # fmt: skip
    april = (day_ms(date(2026, 4, 1)), day_ms(date(2026, 5, 1)))
    windows = coverage_year(2026, stored, summary, running=[april], now_ms=LATER)
    assert windows.codes == "cgmr........"
    start_ms, end_ms = month_range(2026, 2)
    cells = list(windows.cells(start_ms, end_ms, length_ms=windows.cell_ms))
    assert [cell.codes for cell in cells] == ["g"] * 28
    assert {cell.window_start_ms for cell in cells} == {start_ms}
    assert list(windows.ranges(NEW_YEAR, LATER, codes="gm")) == [
        (start_ms, end_ms, 1, "g"), (end_ms, april[0], 1, "m"),
    ]  # fmt: skip
    over = coverage_year(2026, None, summary, now_ms=april[0] + 1)
    assert over.codes == "mmm"
    assert [stored.state_at(at_ms) for at_ms in (start_ms, start_ms + DAY_MS)] == ["g", "."]
