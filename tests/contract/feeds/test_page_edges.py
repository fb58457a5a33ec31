"""Pages so small that trades of one instant lie on both sides of an edge: each comes once.

The pages of most exchanges hold more than a test's hour, so the feeds are asked for small ones.
"""

from __future__ import annotations

import pytest

from include.replay.market import Market
from include.ticklake.feed.feed import Feed
from tests.contract.feeds.conftest import NOW_MS
from tests.contract.feeds.ingest import ingest, last_window, rows
from tests.contract.feeds.truth import TRUTH
from tests.contract.feeds.unit import MS, FeedUnit
from tests.support.shipped_feeds import FEEDS

PAGE_ROWS = 12
LIMITS = {
    "bitfinex_trades": "limit",
    "bitmex_trades": "count",
    "deribit_trades": "count",
    "gate_futures_trades": "limit",
    "gate_spot_trades": "limit",
}
"""By feed, the parameter that says how many records a page holds."""


@pytest.fixture(scope="module")
def quiet_market():
    """A market with few trades, of which many share their instant."""
    return Market(seed=11, trades_per_hour=400)


def with_small_pages(feed: Feed) -> Feed:
    params = feed.source.params | {LIMITS[feed.name]: PAGE_ROWS}
    paging = feed.source.paging.model_copy(update={"page_rows": PAGE_ROWS})
    source = feed.source.model_copy(update={"params": params, "paging": paging})
    return feed.model_copy(update={"source": source})


@pytest.mark.parametrize("name", LIMITS)
def test_trades_that_share_an_instant_at_a_pages_edge_come_once(
    name, quiet_market, start_replay, lake, coins
):
    """None is lost and none comes twice, wherever the pages end."""
    feed, server = with_small_pages(FEEDS[name]), start_replay(market=quiet_market)
    piece, window = feed.all_slices[0], last_window(feed, NOW_MS)
    before = server.log.count
    done = ingest(feed, piece, window, base_url=server.url, root=lake, now_ms=NOW_MS)
    unit = FeedUnit(market=quiet_market, coins=coins, now_ms=NOW_MS, slice=piece, window=window)
    truth = list(TRUTH[name](unit))
    assert rows(done) == truth
    assert server.log.count - before >= len(truth) // PAGE_ROWS
    read = truth if feed.order == "ascending" else truth[::-1]
    edges = zip(read[PAGE_ROWS - 1 :: PAGE_ROWS], read[PAGE_ROWS::PAGE_ROWS], strict=False)
    assert any(last["trade_time"] // MS == first["trade_time"] // MS for last, first in edges)
