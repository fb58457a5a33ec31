"""A feed's unit of work in, the rows that its lake must hold out: from the market, not the server.

Rows are in the order of the lake, values exact, times in nanoseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from include.ticklake.feed import loader
from tests.contract.feeds import candles, events, listings
from tests.contract.feeds.unit import FeedUnit, Row

_MODULES = (events, candles, listings)

TRUTH: dict[str, Callable[[FeedUnit], Iterator[Row]]] = {
    name: next(getattr(module, name) for module in _MODULES if hasattr(module, name))
    for name in loader.feed_paths({})
}
"""By shipped feed: the function of its name, without which none can be shipped."""
