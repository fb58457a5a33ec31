"""What is left out of a unit: records of other windows, and candles that are not over yet."""

from __future__ import annotations

from msgspec.structs import replace

from include.ticklake.extract.checkpoint import Checkpoint, OutsideTimes
from include.ticklake.feed.feed import Feed
from include.ticklake.model.unit import Unit


class LeftOutRecords:
    """Of which times the records are that do not belong to the unit, or not yet."""

    def __init__(self, feed: Feed, unit: Unit, progress: Checkpoint) -> None:
        self._start_ns, self._end_ns = unit.window.start_ns, unit.window.end_ns
        self._candles = feed.candles(unit.slice)
        self._fetched_ns = progress.fetched_at_ms * 10**6
        self._outside = progress.outside
        self._open_until_ns = progress.open_until_ns
        self._candle_ns = progress.candle_ns

    def add(self, at_ns: int) -> bool:
        """Remember the time of a record; False where it is a candle of the unit that is over."""
        if self._candles and self._start_ns <= at_ns < self._end_ns:
            over_ns = self._candles.end_ns(at_ns)
            if over_ns <= self._fetched_ns:  # months differ: one may be over before the longest is
                return False
            self._open_until_ns = max(self._open_until_ns, over_ns)
        elif self._outside is None:
            self._outside = OutsideTimes(received_first_ns=at_ns, oldest_ns=at_ns, newest_ns=at_ns)
        elif at_ns < self._outside.oldest_ns:
            self._outside = replace(self._outside, oldest_ns=at_ns)
        elif at_ns > self._outside.newest_ns:
            self._outside = replace(self._outside, newest_ns=at_ns)
        return True

    def end_page(self, at_ns: int | None) -> None:
        """A page ended with a record of *at_ns*: where one candle opens, others do, too."""
        if self._candles and at_ns is not None:
            self._candle_ns = at_ns

    def added_to(self, progress: Checkpoint) -> Checkpoint:
        """*progress* with what was left out so far."""
        return replace(
            progress,
            outside=self._outside,
            open_until_ns=self._open_until_ns,
            candle_ns=self._candle_ns,
        )


def unfinished_until_ms(feed: Feed, unit: Unit, progress: Checkpoint) -> int | None:
    """When the unit can be fetched as a whole; None where it was, by what *progress* says.

    Its window must be over, and so must every candle that opens in it: also one that the
    source does not return yet.
    """
    if feed.snapshot:
        return None
    candles = feed.candles(unit.slice)
    until_ns = max(unit.window.end_ns, progress.open_until_ns)
    if candles:
        if not candles.is_certain and progress.candle_ns is not None:
            candles = candles.through(progress.candle_ns)
        until_ns = max(until_ns, candles.whole_at_s(unit.window) * 10**9)
    until_ms = -(-until_ns // 10**6)
    return until_ms if progress.fetched_at_ms < until_ms else None
