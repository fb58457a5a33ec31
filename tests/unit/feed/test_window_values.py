"""The bounds of a window, in whatever form a source takes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.feed.placeholders import render
from include.ticklake.feed.window_values import (
    REQUEST_NAMES,
    WINDOW_NAMES,
    RequestValues,
    window_values,
)
from include.ticklake.model.time_zones import zone
from include.ticklake.model.times import UNIT_NS
from include.ticklake.model.window import Window

WINDOW = Window.parse("20261122T050000Z-20261122T060000Z")


def test_every_name_of_a_window_has_a_value_and_no_other():
    """What feeds are checked against is what requests are filled with."""
    assert window_values(WINDOW).keys() == WINDOW_NAMES
    values = RequestValues({"symbol": "A"}, WINDOW)
    assert {"symbol"} | REQUEST_NAMES == values.keys() | {n for n in REQUEST_NAMES if values[n]}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        pytest.param("{start_s}", "1795323600", id="seconds"),
        pytest.param("{end_ms}", "1795327200000", id="the first instant after"),
        pytest.param("{last_ms}", "1795327199999", id="the last instant inside"),
        pytest.param("{before_us}", "1795323599999999", id="the last instant before"),
        pytest.param("{last_ns}", "1795327199999999999", id="nanoseconds"),
        pytest.param("{start_iso}/{end_iso}", "2026-11-22T05:00:00Z/2026-11-22T06:00:00Z",
                     id="ISO"),
        pytest.param("{start_min}-{last_min}", "29922060-29922119", id="minutes"),
        pytest.param("{start_float_s}", "1795323600", id="seconds with a fraction"),
        pytest.param("{last_float_s}", "1795327199.999999999", id="with all of it"),
        pytest.param("{start_date}/{last_date}", "2026-11-22/2026-11-22", id="days"),
        pytest.param("{end_date}", "2026-11-23", id="the first day after"),
        pytest.param("{before_date}", "2026-11-21", id="the last day before"),
        pytest.param("{start_date@Pacific/Auckland}", "2026-11-22", id="a day of a zone"),
        pytest.param("{start:%Y-%m-%d %H:%M:%S}", "2026-11-22 05:00:00", id="a format"),
        pytest.param("{last:%H:%M:%S.%f}", "05:59:59.999999", id="as fine as its last word"),
        pytest.param("{last:%H:%M}", "05:59", id="minutes of a format"),
        pytest.param("{start:%d %b %Y, %I %p}", "22 Nov 2026, 05 AM", id="English names"),
        pytest.param("{start@Asia/Kolkata:%H:%M %z}", "10:30 +0530", id="a zone and its offset"),
        pytest.param("{start@Asia/Kolkata:%H}-{end@Asia/Kolkata:%H}", "10-12",
                     id="what the hours of a zone cover"),
        pytest.param("{start:%Y}/{start:%m}/{start:%d}", "2026/11/22", id="a date in pieces"),
        pytest.param("{start:100%%}{start:%A %j}", "100%Sunday 326", id="a day's name"),
        pytest.param("/x", "/x", id="nothing to fill"),
        pytest.param("{}{ start_s}{start-s}", "{}{ start_s}{start-s}", id="no names"),
    ],
)  # fmt: skip
def test_the_bounds_of_a_window_are_filled_in(text, filled):
    """In every unit, both ends, inclusive and exclusive."""
    assert render(text, RequestValues({}, WINDOW)) == filled


@given(hour=st.integers(0, 1_000_000), unit=st.sampled_from(sorted(UNIT_NS)))
def test_bounds_agree_between_units(hour, unit):
    """They are integers of one clock; the window ends where the next one starts."""
    start = datetime.fromtimestamp(hour * 3600, UTC)
    values = window_values(Window(start, datetime.fromtimestamp((hour + 1) * 3600, UTC)))
    per_s = 10**9 // UNIT_NS[unit]
    assert int(values[f"start_{unit}"]) == hour * 3600 * per_s
    assert int(values[f"end_{unit}"]) == (hour + 1) * 3600 * per_s
    assert int(values[f"last_{unit}"]) == int(values[f"end_{unit}"]) - 1
    assert int(values[f"before_{unit}"]) == int(values[f"start_{unit}"]) - 1


BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("window", "asked"),
    [
        pytest.param("20261025T000000Z-20261025T010000Z", "01:00-03:00", id="both ends are"),
        pytest.param("20261024T230000Z-20261025T000000Z", "01:00-03:00", id="the end is"),
        pytest.param("20261025T010000Z-20261025T020000Z", "01:00-03:00", id="the start is"),
        pytest.param("20260329T000000Z-20260329T010000Z", "01:00-03:00", id="an hour is left out"),
        pytest.param("20260329T010000Z-20260329T020000Z", "03:00-04:00", id="the one after"),
    ],
)
def test_a_time_that_a_clock_shows_twice_asks_for_more(window, asked):
    """Nothing is left out: what lies outside the window is dropped where it arrives."""
    text = f"{{start@{BERLIN}:%H:%M}}-{{end@{BERLIN}:%H:%M}}"
    assert render(text, RequestValues({}, Window.parse(window))) == asked


@given(
    hour=st.integers(400_000, 500_000),
    hours=st.integers(1, 200),
    name=st.sampled_from(["UTC", BERLIN, "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe"]),
    form=st.sampled_from(["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H", "%Y-%m-%d", "%Y%j%H%M%S%f"]),
)
def test_a_window_in_the_time_of_a_zone_is_covered_whole(hour, hours, name, form):
    """Read back by that clock, the start is not later and the end is not earlier."""
    start = datetime.fromtimestamp(hour * 3600, UTC)
    window = Window(start, start + timedelta(hours=hours))
    values = RequestValues({}, window)

    def read(edge: str) -> list[datetime]:
        local = datetime.strptime(values[f"{edge}@{name}:{form}"], form)  # noqa: DTZ007
        return [local.replace(tzinfo=zone(name), fold=fold).astimezone(UTC) for fold in (0, 1)]

    assert max(read("start")) <= window.start
    assert min(read("end")) >= window.end
    assert window.start - min(read("start")) <= timedelta(hours=27)
    assert max(read("end")) - window.end <= timedelta(hours=27)
