"""The candles of a window are known by the feed, or by the first row."""

from __future__ import annotations

import pyarrow as pa
import pytest

from include.ticklake.maintain.expected_candles import ExpectedCandles
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, parse_instant
from tests.support.feed_texts import feed

WEEK = Unit(Slice(), Window.parse("20261116T000000Z-20261123T000000Z"))


def at(text: str) -> pa.Array:
    return pa.array([int(parse_instant(text).timestamp() * 1000)])


def missing(*times: str, **changes: object) -> str | None:
    candles = ExpectedCandles(feed(window="1w", **changes), WEEK)
    for text in times:
        candles.add(at(text))
    return candles.missing()


def days(time: str, *numbers: int) -> list[str]:
    return [f"2026-11-{number}T{time}Z" for number in numbers]


def test_records_that_are_no_candles_lack_none():
    """Whatever is there."""
    assert missing() is None


@pytest.mark.parametrize("time", ["00:00", "11:00", "16:00", "21:00", "22:30"])
def test_days_may_open_at_any_hour(time):
    """The first row says when."""
    assert missing(*days(time, *range(16, 23)), candle="1d") is None
    assert missing(*days(time, 16, 17, 18, 20, 22), candle="1d") == (
        f"2 candles are missing, the first at 2026-11-19T{time}:00Z"
    )


def test_a_feed_that_says_when_its_candles_open_is_believed():
    """Rows of other hours take no candle's place."""
    found = missing(*days("11:00", *range(16, 23)), candle="1d", candle_opens="16:00")
    assert found == "7 candles are missing, the first at 2026-11-16T16:00:00Z"


def test_a_window_without_rows_lacks_every_candle():
    """From midnight on, where nothing says otherwise."""
    assert missing(candle="1d") == "7 candles are missing, the first at 2026-11-16T00:00:00Z"
    assert missing(candle="1w") == "1 candles are missing, the first at 2026-11-16T00:00:00Z"
    assert missing(candle="1mo") is None


@pytest.mark.parametrize(
    ("candle_opens", "found"),
    [(None, None), ("16:00", None),
     ("00:00", "1 candles are missing, the first at 2026-11-16T00:00:00Z")],
)  # fmt: skip
def test_an_hour_has_the_day_that_opens_in_it(candle_opens, found):
    """Where nothing says when days open, it may be in any other hour."""
    hour = Window.parse("20261116T000000Z-20261116T010000Z")
    candles = ExpectedCandles(feed(candle="1d", candle_opens=candle_opens), Unit(Slice(), hour))
    assert candles.missing() == found


def test_rows_of_two_hours_are_counted():
    """A place that moves its clocks: seven days are seven days."""
    first, then = days("22:00", 16, 17, 18), days("21:00", 19, 20, 21, 22)
    assert missing(*first, *then, candle="1d") is None
    assert missing(*first, *then[1:], candle="1d") == "1 candles are missing"


def test_a_month_opens_where_its_first_row_does():
    """Also on the last day before, in UTC."""
    window = Window(parse_instant("2026-01-01"), parse_instant("2026-04-01"))
    candles = ExpectedCandles(feed(window="90d", candle="1mo"), Unit(Slice(), window))
    for text in ("2026-01-31T16:00Z", "2026-03-31T16:00Z"):
        candles.add(at(text))
    assert candles.missing() == "1 candles are missing, the first at 2026-02-28T16:00:00Z"
