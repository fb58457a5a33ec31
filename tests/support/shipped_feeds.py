"""The feeds that are shipped, whatever this environment adds or leaves out."""

from __future__ import annotations

from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed

FEEDS: dict[str, Feed] = {
    name: loader.read_feed(path) for name, path in loader.feed_paths({}).items()
}
