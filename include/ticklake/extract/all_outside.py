"""Records outside the window: a unit of no others is empty by proof, or else an error.

A source that does not know a parameter ignores it, and returns records of another time. The
window looks empty then, and is not. Of files even one such record is worth a warning: no request
for another window brings it.
"""

from __future__ import annotations

import logging

from include.ticklake.errors import OutsideWindowError
from include.ticklake.extract.checkpoint import Checkpoint, OutsideTimes
from include.ticklake.extract.left_out import unfinished_until_ms
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.files_source import FilesSource
from include.ticklake.feed.http_source import HttpSource
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import format_instant

log = logging.getLogger(__name__)


def warn_outside_of_files(feed: Feed, unit: Unit, progress: Checkpoint) -> None:
    """Say of which times the records are that a unit's files have, and its window does not."""
    outside = progress.outside
    if outside is None or not isinstance(feed.source, FilesSource):
        return
    log.warning(
        "extract.outside feed=%s slice=%s window=%s: %d records in its files are of %s to %s, not "
        "of its window, and are not stored. Unless files of other windows have them, too, these "
        "files do not begin and end as windows do",
        feed.name, unit.slice, unit.window.name, progress.out_of_window_rows,
        format_instant(outside.oldest_ns), format_instant(outside.newest_ns),
    )  # fmt: skip


def refuse_all_outside(feed: Feed, unit: Unit, progress: Checkpoint) -> None:
    """``OutsideWindowError`` where *progress* has records outside only, and no proof of that.

    What came too late for a source without history is accounted for already, and a unit that
    is unfinished is fetched again.
    """
    outside = progress.outside
    if outside is None or feed.may_be_outside or progress.filtered_rows:
        return
    if any(part.part.rows for part in progress.parts):
        return
    if progress.lost_range or unfinished_until_ms(feed, unit, progress) is not None:
        return
    if _has_no_candle(feed, unit, progress) or _is_proven_empty(feed, unit, outside):
        return
    window = unit.window
    first, last, start, end = map(
        format_instant, (outside.oldest_ns, outside.newest_ns, window.start_ns, window.end_ns)
    )
    raise OutsideWindowError(
        f"feed {feed.name}, slice {unit.slice}: all {progress.out_of_window_rows} records lie "
        f"outside the window: they are of {first} to {last}, and {start} to {end} was requested; "
        f"check {_place_of_window(feed)}, or set "
        "may_be_outside: true if the source returns other records where a window has none"
    )


def _place_of_window(feed: Feed) -> str:
    """Where the feed says which window is requested."""
    if isinstance(feed.source, FilesSource):
        return "the time in source.address, which is in UTC"
    return "the parameters of source.params and source.paging that hold the window"


def _is_proven_empty(feed: Feed, unit: Unit, outside: OutsideTimes) -> bool:
    """Whether what was received shows that the source has nothing in the window."""
    start_ns, end_ns = unit.window.start_ns, unit.window.end_ns
    all_before, all_after = outside.newest_ns < start_ns, outside.oldest_ns >= end_ns
    if all_before == all_after:  # neither: there are records on both sides, and none between
        return True
    if outside.oldest_ns == outside.newest_ns == end_ns:  # a range that includes its end
        return True
    if not isinstance(feed.source, HttpSource):
        return False
    newest_first = outside.received_first_ns == outside.newest_ns
    return feed.source.paging.proves_empty(all_before=all_before, newest_first=newest_first)


def _has_no_candle(feed: Feed, unit: Unit, progress: Checkpoint) -> bool:
    """Whether no candle may open in the window, by what the feed or another candle says."""
    candles = feed.candles(unit.slice)
    if candles and not candles.is_certain and progress.candle_ns is not None:
        candles = candles.through(progress.candle_ns)
    return candles is not None and candles.may_have_none_in(unit.window)
