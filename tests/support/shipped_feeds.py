"""The feeds that are shipped, whatever this environment adds or leaves out.

Where another feed lists the slices of one, two of them are taken.
"""

from __future__ import annotations

from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.files_source import FilesSource
from include.ticklake.feed.http_source import HttpSource

LISTED = {"binance_usdt_klines": {"symbol": ["BTCUSDT", "ETHUSDT"]}}
"""Values of the slices that other feeds list."""

FEEDS: dict[str, Feed] = {
    name: loader.read_feed(path).with_values(LISTED.get(name, {}))
    for name, path in loader.feed_paths({}).items()
}
API_FEEDS = {name: feed for name, feed in FEEDS.items() if isinstance(feed.source, HttpSource)}
FILE_FEEDS = {name: feed for name, feed in FEEDS.items() if isinstance(feed.source, FilesSource)}
