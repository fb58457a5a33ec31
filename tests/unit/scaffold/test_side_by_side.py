"""Arrays side by side have the times of the first of them."""

from __future__ import annotations

from tests.support.drafts import draft_feed

MS = 1_795_323_600_000
URL = "https://api.example.com/v3/coins/bitcoin/market_chart?days=1"


def chart(*starts: int) -> dict[str, list[list[float]]]:
    names = ("prices", "caps", "volumes")
    return {
        name: [[start + 300_000 * n + 7, 1.5 + n] for n in range(3)]
        for name, start in zip(names, starts, strict=True)
    }


def test_each_array_rises_and_its_times_are_times():
    """As in a chart of prices, capitals and volumes."""
    feed = draft_feed(chart(MS, MS, MS), URL)
    assert not feed.snapshot
    assert feed.event_time[0] == "value_1"
    assert feed.order == "none"


def test_numbers_of_other_arrays_that_are_no_times_are_numbers():
    """One column has one meaning."""
    feed = draft_feed(chart(MS, 5, MS), URL)
    assert feed.fields["value_1"].type == "int64"


def test_the_sides_of_a_book_have_no_times():
    """Prices are none."""
    feed = draft_feed({"bids": [["1.5", 1], ["1.4", 2]], "asks": [["1.6", 1], ["1.7", 2]]})
    assert feed.snapshot
