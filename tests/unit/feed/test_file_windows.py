"""The files at an address fit the windows of a feed, or it is refused."""

from __future__ import annotations

import pytest

from include.ticklake.feed.file_windows import check_windows
from include.ticklake.model.window_length import parse_window_length

DAY = "https://h/{symbol}/{date}.zip"
MONTH = "https://h/{symbol}-{year}-{month}.zip"


@pytest.mark.parametrize(("address", "window"), [
    (DAY, "1d"), (DAY, "1w"), (DAY, "1mo"), (MONTH, "1mo"), (MONTH, "3mo"), (MONTH, "12mo"),
    ("https://h/{date}/{hour}.csv", "1h"), ("https://h/{date}/{hour}.csv", "1d"),
    ("https://h/{start_ms}.csv", "15m"), ("https://h/{start_iso}.csv", "7m"),
    ("https://h/{start:%Y%m%d}.csv", "1d"), ("https://h/{start_date}.csv", "1w"),
    ("https://h/{start:%Y/%m}.csv", "1mo"), ("https://h/{start:%Y}.csv", "12mo"),
    ("https://h/{start:%y%j}.csv", "1d"), ("https://h/{last:%Y-%m-%d}.csv", "1w"),
    ("https://h/{start:%Y-%m-%dT%H}.csv", "1h"),
    ("https://h/{start@Asia/Seoul:%Y%m%d%H}.csv", "1h"),
])  # fmt: skip
def test_a_file_is_for_one_window(address, window):
    """Or a window has several."""
    check_windows(address, parse_window_length(window))


@pytest.mark.parametrize(("address", "window", "problem"), [
    ("https://h/{symbol}.csv", "1d", "no time in it"),
    (DAY, "1h", "set window: 1d"), (DAY, "36h", "set window: 1d"),
    (MONTH, "1d", "for a month, .* several windows of 1d; set window: 1mo"),
    (MONTH, "1w", "set window: 1mo"), (MONTH, "31d", "set window: 1mo"),
    ("https://h/{year}.csv", "1mo", "set window: 12mo"),
    ("https://h/{date}/{hour}.csv", "15m", "set window: 1h"),
    ("https://h/{start:%Y-%m}.csv", "1d", "set window: 1mo"),
    ("https://h/{start_date}.csv", "1h", "set window: 1d"),
    ("https://h/{day}.csv", "1d", "whole time"), ("https://h/{month}.csv", "1mo", "whole time"),
    ("https://h/{start:%H}.csv", "1h", "whole time"),
    ("https://h/{start:%Y%m%d%I}.csv", "1h", "set window: 1d"),
    ("https://h/{start:%Y-%m-%d}.csv", "36h", "not when windows of 36h begin"),
    ("https://h/{start:%Y-%m}.csv", "32d", "not when windows of 32d begin"),
    ("https://h/{start@Asia/Seoul:%Y%m%d}.csv", "1d", "not when windows of 1d begin"),
])  # fmt: skip
def test_a_file_that_windows_share_or_cut_is_refused(address, window, problem):
    """With the window that would do, where there is one."""
    with pytest.raises(ValueError, match=problem):
        check_windows(address, parse_window_length(window))
