"""The edges of a window: candles that are not over, sources without history, searched ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.replay.candles import HOUR_MS, MINUTE_MS
from include.replay.market import Market
from include.ticklake.errors import NotThereYetError, SourceRefusedError
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window
from tests.contract.feeds.conftest import NOW_MS
from tests.contract.feeds.ingest import ingest, last_window, rows
from tests.contract.feeds.truth import TRUTH
from tests.contract.feeds.unit import MS, FeedUnit
from tests.support.lake_objects import lake_objects
from tests.support.shipped_feeds import API_FEEDS, FEEDS, FILE_FEEDS

BYBIT = Slice.of({"symbol": "BTCUSDT"})


def hour(*, ago: int) -> Window:
    """The hour that began so many hours before the one that is not over at ``NOW_MS``."""
    start = datetime.fromtimestamp(NOW_MS // HOUR_MS * 3600, UTC) - timedelta(hours=ago)
    return Window(start, start + timedelta(hours=1))


@pytest.mark.parametrize("name", [name for name, feed in API_FEEDS.items() if feed.candle])
def test_a_candle_that_is_not_over_is_left_out(name, start_replay, lake):
    """At 08:12:34 the hour from 08:00 has twelve candles, whatever the source shows of the next."""
    feed = FEEDS[name]
    done = ingest(
        feed, feed.all_slices[0], hour(ago=0), base_url=start_replay().url, root=lake, now_ms=NOW_MS
    )
    start_ms = hour(ago=0).start_ms
    assert [row["open_time"] for row in rows(done)] == [
        (start_ms + minute * MINUTE_MS) * MS for minute in range(12)
    ]


@pytest.mark.parametrize("name", FILE_FEEDS)
def test_a_day_that_is_not_published_is_not_there_yet(name, start_replay, lake):
    """At 08:12 the file of today comes tomorrow, and one that comes no more is an error."""
    feed, day = FEEDS[name], last_window(FEEDS[name], NOW_MS)
    url, piece = start_replay().url, feed.all_slices[0]
    today = Window(day.end, day.end + timedelta(days=1))
    with pytest.raises(NotThereYetError) as later:
        ingest(feed, piece, today, base_url=url, root=lake, now_ms=NOW_MS, tries=1)
    due_s = today.end.timestamp() + feed.source.published_within.total_seconds()
    assert later.value.retry_after_s == (due_s - NOW_MS / 1000) / 2
    over_ms = int(due_s * 1000) + 1  # by the clock of who asks; that of the exchange stands still
    with pytest.raises(SourceRefusedError, match=r"HTTP 404 .* missing 2d after its window"):
        ingest(feed, piece, today, base_url=url, root=lake, now_ms=over_ms, tries=1)
    assert lake_objects(lake) == {}


@pytest.mark.parametrize("ago", range(1, 9))
@pytest.mark.parametrize(
    "name", [name for name, feed in API_FEEDS.items() if feed.source.paging.kind == "id_search"]
)
def test_a_search_ends_at_the_edge_of_any_window(name, ago, start_replay, lake, market, coins):
    """Wherever the hour lies, all of its trades are found, and little else is asked for."""
    feed, piece = FEEDS[name], FEEDS[name].all_slices[0]
    server, window = start_replay(), hour(ago=ago)
    before = server.log.count
    done = ingest(feed, piece, window, base_url=server.url, root=lake, now_ms=NOW_MS)
    unit = FeedUnit(market=market, coins=coins, now_ms=NOW_MS, slice=piece, window=window)
    assert [row["trade_id"] for row in rows(done)] == [row["trade_id"] for row in TRUTH[name](unit)]
    # Up to two pages before it, as a trade may be late, and two that say that it is over.
    assert done.manifest.json.out_of_window_rows < 4 * feed.source.paging.page_rows
    assert server.log.count - before < 20


@pytest.mark.parametrize("ago", [24, 30])
def test_trades_that_deribit_has_no_more_are_missed(ago, start_replay, lake):
    """It keeps a day, and answers with nothing beyond: the window is no empty one."""
    feed, url = FEEDS["deribit_trades"], start_replay().url
    with pytest.raises(SourceRefusedError, match=r"no record before trade_seq \d+, .* are gone;"):
        ingest(
            feed, feed.all_slices[0], hour(ago=ago), base_url=url, root=lake, now_ms=NOW_MS, tries=1
        )
    assert lake_objects(lake) == {}


def test_two_polls_that_overlap_hold_each_trade_once(start_replay, market, coins, tmp_path):
    """Of a source that shows its newest trades only, each goes to the window it belongs to."""
    feed, found = FEEDS["bybit_recent_trades"], []
    for poll_ms in (NOW_MS, NOW_MS + 5 * MINUTE_MS):
        window = last_window(feed, poll_ms)
        url = start_replay(now_ms=poll_ms).url
        done = ingest(feed, BYBIT, window, base_url=url, root=tmp_path, now_ms=poll_ms)
        unit = FeedUnit(market=market, coins=coins, now_ms=poll_ms, slice=BYBIT, window=window)
        assert rows(done) == list(TRUTH[feed.name](unit))
        assert done.manifest.json.lost_range is None
        assert done.manifest.json.out_of_window_rows > 500  # the page reaches into the other window
        found += [row["execution_id"] for row in rows(done)]
    assert len(set(found)) == len(found) > 300


def test_a_poll_that_comes_again_changes_nothing(start_replay, tmp_path):
    """A later poll sees the same trades of a window that is over, as long as it sees them all."""
    feed, window = FEEDS["bybit_recent_trades"], last_window(FEEDS["bybit_recent_trades"], NOW_MS)
    url = start_replay().url
    ingest(feed, BYBIT, window, base_url=url, root=tmp_path / "once", now_ms=NOW_MS)
    for poll_ms in (NOW_MS, NOW_MS + MINUTE_MS):
        url = start_replay(now_ms=poll_ms).url
        ingest(feed, BYBIT, window, base_url=url, root=tmp_path / "again", now_ms=poll_ms)
    once, again = lake_objects(tmp_path / "once"), lake_objects(tmp_path / "again")
    manifests = {key for key in once if key.startswith("manifests/")}  # they count what came, too
    assert once.keys() == again.keys()
    assert {key for key in once if once[key] != again[key]} <= manifests


@pytest.mark.parametrize(
    ("trades_per_hour", "kept"),
    [
        pytest.param(15_000, "some", id="the beginning is gone"),
        pytest.param(60_000, "none", id="all of it is gone"),
    ],
)
def test_what_a_poll_came_too_late_for_is_said(trades_per_hour, kept, start_replay, lake, coins):
    """The manifest names the span of the window that was gone; the rest of it is there."""
    busy = Market(seed=11, trades_per_hour=trades_per_hour)
    feed, window = FEEDS["bybit_recent_trades"], last_window(FEEDS["bybit_recent_trades"], NOW_MS)
    url = start_replay(market=busy).url
    done = ingest(feed, BYBIT, window, base_url=url, root=lake, now_ms=NOW_MS)
    unit = FeedUnit(market=busy, coins=coins, now_ms=NOW_MS, slice=BYBIT, window=window)
    there = list(TRUTH[feed.name](unit))
    assert rows(done) == there
    assert bool(there) == (kept == "some")
    # A trade of the same time as the oldest may be gone, too.
    gone_until = there[0]["trade_time"] + 1 if there else window.end_ms * MS
    assert done.manifest.json.lost_range == (window.start_ms * MS, gone_until)


@pytest.mark.parametrize(
    ("name", "ago", "candles"),
    [
        pytest.param("kraken_ohlc", 11, 60, id="all there"),
        pytest.param("kraken_ohlc", 12, 47, id="the first thirteen minutes are gone"),
        pytest.param("kraken_ohlc", 13, 0, id="all gone"),
        pytest.param("hyperliquid_candles", 83, 60, id="all of the 5,000 there"),
        pytest.param("hyperliquid_candles", 84, 7, id="all but seven of the 5,000 are gone"),
        pytest.param("hyperliquid_candles", 85, 0, id="all before the 5,000"),
    ],
)
def test_candles_older_than_the_last_ones_are_missed(name, ago, candles, start_replay, lake):
    """Kraken has 720, the open candle among them: what lies before that is named."""
    feed, window = FEEDS[name], hour(ago=ago)
    url, piece = start_replay().url, feed.all_slices[0]
    done = ingest(feed, piece, window, base_url=url, root=lake, now_ms=NOW_MS)
    found = [row["open_time"] for row in rows(done)]
    oldest = window.end_ms - candles * MINUTE_MS
    assert found == [start * MS for start in range(oldest, window.end_ms, MINUTE_MS)]
    missed = None if candles == 60 else (window.start_ms * MS, oldest * MS)
    assert done.manifest.json.lost_range == missed
