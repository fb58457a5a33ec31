"""A text is a time in ISO 8601 or in a format, in UTC or by the clock of a zone."""

from __future__ import annotations

import pytest

from include.ticklake.model.text_times import TextTimes

HALF_PAST_NS = 1_795_325_400 * 10**9  # 2026-11-22T05:30:00Z


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (TextTimes(), "2026-11-22T05:30"),
        (TextTimes(timezone="Europe/Paris"), "2026-11-22T06:30"),
        (TextTimes(timezone="Europe/Paris"), "2026-11-22T05:30Z"),
        (TextTimes(timezone="Europe/Paris"), "2026-11-22T00:00-05:30"),
        (TextTimes("%d.%m.%Y %H:%M"), "22.11.2026 05:30"),
        (TextTimes("%d.%m.%Y %H:%M", "Asia/Kolkata"), "22.11.2026 11:00"),
        (TextTimes("%d.%m.%Y %H:%M %z"), "22.11.2026 11:00 +0530"),
    ],
)
def test_a_text_is_an_instant(written, text):
    """An offset of its own counts more than the zone."""
    assert written.parse(text) == (HALF_PAST_NS, True)


@pytest.mark.parametrize(
    ("written", "text", "why"),
    [
        (TextTimes(), "soon", "is not an ISO 8601 time"),
        (TextTimes("%Y%m%d"), "soon", "is not a time in the format '%Y%m%d'"),
        (TextTimes(timezone="Europe/Paris"), "soon", "is not an ISO 8601 time"),
        (TextTimes(timezone="Europe/Paris"), "2026-03-29T02:30",
         "is a time that the clock of Europe/Paris shows twice, or never"),
        (TextTimes("%Y%m%d%H", "Europe/Paris"), "2026102502",
         "is a time that the clock of Europe/Paris shows twice, or never"),
    ],
)  # fmt: skip
def test_what_is_no_instant_says_why(written, text, why):
    """For the reader of the quarantine."""
    assert written.parse(text) is None
    assert written.why_not(text) == why


@pytest.mark.parametrize(
    ("format_", "fine"), [(None, True), ("%Y%m%d", False), ("%Y%m%d%H%M%S%f", True)]
)
def test_a_fraction_makes_times_finer_than_a_second(format_, fine):
    """Which decides the precision of the column."""
    assert TextTimes(format_).has_fraction is fine
