"""The candles that open in a window, and those of them that are not in its rows."""

from __future__ import annotations

import pyarrow as pa

from include.ticklake.feed.feed import Feed
from include.ticklake.lake.table_schema import LakeSchema
from include.ticklake.model.candles import CandleGrid
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import format_instant


class ExpectedCandles:
    """What the rows of a window lack, where they are candles.

    Where the feed does not say when candles open, the first row does. Rows that do not fit it,
    such as days of a place that has moved its clocks, are counted only.
    """

    def __init__(self, feed: Feed, unit: Unit) -> None:
        self._window = unit.window
        self._candles = feed.candles(unit.slice)
        self._unit_ns = LakeSchema.of(feed).ns_per_unit
        self._expected: set[int] | None = None
        self._unexpected_rows = 0

    def add(self, times: pa.Array) -> None:
        """Take note of rows, by their event times in the lake's unit."""
        if self._candles is None or not len(times):
            return
        if self._expected is None:
            candles = self._candles
            if not candles.is_certain:
                candles = candles.through(times[0].as_py() * self._unit_ns)
            self._expected = self._opens(candles)
        found = set(times.to_pylist())
        self._unexpected_rows += len(found - self._expected)
        self._expected -= found

    def missing(self) -> str | None:
        """How many candles are missing, and where the first one is; None where none is."""
        if self._candles is None:
            return None
        expected = self._expected
        if expected is None:
            # Of candles longer than the window, any other one may have it.
            is_clear = self._candles.is_certain or not self._candles.may_have_none_in(self._window)
            expected = self._opens(self._candles) if is_clear else set()
        if not self._candles.is_certain and self._unexpected_rows:
            count = len(expected) - self._unexpected_rows
            return f"{count} candles are missing" if count > 0 else None
        if not expected:
            return None
        first = format_instant(min(expected) * self._unit_ns)
        return f"{len(expected)} candles are missing, the first at {first}"

    def _opens(self, candles: CandleGrid) -> set[int]:
        start_s, end_s = self._window.start_ns // 10**9, self._window.end_ns // 10**9
        return {at_s * 10**9 // self._unit_ns for at_s in candles.opens_s(start_s, end_s)}
