"""The feeds that are shipped, whatever this environment adds or leaves out."""

from __future__ import annotations

from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.files_source import FilesSource
from include.ticklake.feed.http_source import HttpSource

FEEDS: dict[str, Feed] = {
    name: loader.read_feed(path) for name, path in loader.feed_paths({}).items()
}
API_FEEDS = {name: feed for name, feed in FEEDS.items() if isinstance(feed.source, HttpSource)}
FILE_FEEDS = {name: feed for name, feed in FEEDS.items() if isinstance(feed.source, FilesSource)}
