"""A draft of a page says of its records whose state they are, and what stands around them."""

from __future__ import annotations

import pytest

from tests.support.drafts import draft_feed, draft_text

MS = 1_795_323_600_000
LEVELS = [["1.5", 1], ["1.6", 2]]


@pytest.mark.parametrize(
    ("body", "key"),
    [
        pytest.param({"BTC": {"p": 1, "ts": MS}, "ETH": {"p": 2, "ts": MS}}, ("symbol",), id="map"),
        pytest.param({"bids": LEVELS, "asks": LEVELS}, (), id="book"),
        pytest.param({"p": 1, "q": 2, "ts": MS}, (), id="one object"),
    ],
)
def test_what_is_one_state_is_a_snapshot(body, key):
    """Its times are those of the last change; there is no other page."""
    feed = draft_feed(body)
    assert feed.snapshot
    assert feed.key == key
    assert feed.source.paging.kind == "single"


def test_a_map_of_times_has_a_history():
    """The names are when it happened."""
    feed = draft_feed({"rates": {"2026-11-21": {"usd": 1}, "2026-11-22": {"usd": 2}}})
    assert not feed.snapshot
    assert feed.event_time[0] == "time"


def test_what_is_in_a_record_says_nothing_of_paging():
    """A price called last is no cursor, and a volume called total no number of records."""
    feed = draft_feed({"last": "1.5", "next": "/x", "total": 7, "symbol": "A"})
    assert feed.source.paging.kind == "single"
    assert feed.source.capture == {}


def test_values_around_a_state_become_columns_but_no_key():
    """They are the same in each record."""
    text = draft_text({"lastUpdateId": 7, "bids": LEVELS, "asks": LEVELS, "msg": ""})
    assert "  add: {lastUpdateId: lastUpdateId}  # guess: beside the records" in text
    assert "  last_update_id: {from: lastUpdateId, type: int64}\n" in text
    assert "  # not read, and outside of the records: msg\n" in text


def test_the_time_of_a_record_comes_before_that_of_its_batch():
    """Both are columns."""
    batch = {"id": 1, "ts": MS + 5, "data": [{"id": 7, "ts": MS}, {"id": 8, "ts": MS}]}
    feed = draft_feed({"data": [batch, batch | {"data": [{"id": 9, "ts": MS + 1}]}]})
    assert feed.event_time[0] == "ts"
    assert feed.fields["batch_ts"].type == "timestamp"
