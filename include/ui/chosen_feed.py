"""The feed that a page is about: the one in its address, else the first that has what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from include.ui import lake_access

if TYPE_CHECKING:
    from include.ticklake.feed.feed import Feed
    from include.ticklake.lake.summary import FeedSummary
    from include.ui.access import Viewer


class ChosenFeed(NamedTuple):
    """A feed, and what its lake says of it; neither where the viewer may see no feed."""

    feed: Feed | None
    summary: FeedSummary | None


def choose_feed(
    viewer: Viewer, name: str, *, has_content: Callable[[FeedSummary], object]
) -> ChosenFeed:
    """The feed *name*; without a name, the first of which *has_content* is true, or any.

    HTTP 404 where there is no such feed, or the viewer must not see it.
    """
    if name:
        return ChosenFeed(viewer.feed(name), lake_access.summary(name))
    summaries = lake_access.summaries(viewer.feed_names)
    with_content = (
        feed_name for feed_name, stored in summaries.items() if stored and has_content(stored)
    )
    first = next(with_content, next(iter(summaries), None))
    return ChosenFeed(viewer.feed(first), summaries[first]) if first else ChosenFeed(None, None)
