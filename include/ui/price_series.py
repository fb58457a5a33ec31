"""The prices of a slice and a range, read from the lake under a budget, as a chart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from include.ticklake.model.sizes import MIB
from include.ticklake.model.times import EPOCH
from include.ticklake.model.window_length import longest
from include.ui.charts.price_chart import PriceChart, price_chart
from include.ui.data_range import DataRange
from include.ui.price_bars import PriceBars, bar_seconds
from include.ui.price_columns import PriceColumns, price_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from include.ticklake.feed.feed import Feed
    from include.ticklake.lake.storage import Storage
    from include.ticklake.model.slice import Slice

MAX_BYTES = 16 * MIB
"""Of column chunks, as they are stored."""
MAX_ROWS = 3_000_000
MAX_SECONDS = 8.0
_NAMED_PROBLEMS = 3
_GAP_BARS, _GAP_WINDOWS = 3, 1.5
"""A line is broken where more are missing: a snapshot has one record a window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSeries:
    """The chart of a range, and what was read for it."""

    chart: Any
    """Markup; None where the range has no price."""
    columns: PriceColumns
    rows: int
    read_rows: int
    read_bytes: int
    bars: int
    bar: timedelta
    shown_until: datetime | None
    """Where reading stopped, because the budget was spent; None where all was read."""
    problems: list[str]
    """What is damaged and was left out."""


def read_prices(
    feed: Feed, slice_: Slice, shown: DataRange, *, storage: Storage, subject: str | None = None
) -> PriceSeries | None:
    """The prices of *slice_*; None where no column of *feed* is like a price.

    Of a snapshot only the records of *subject*.
    """
    columns = price_columns(feed)
    if columns is None:
        return None
    from include.ticklake.lake import limited_read
    from include.ticklake.lake.table_schema import LakeSchema

    budget = limited_read.ReadBudget(
        max_bytes=MAX_BYTES, max_rows=MAX_ROWS, max_seconds=MAX_SECONDS
    )
    time = feed.event_time[0]
    candles = feed.candles(slice_) if columns.are_candles else None
    seconds = bar_seconds(
        shown.length.total_seconds(), shortest_s=candles.length_s if candles else 1
    )
    schema = LakeSchema.of(feed)
    bars = PriceBars(
        columns, event_time=time, units_per_second=schema.units_per_second, seconds=seconds
    )
    batches = limited_read.batches(
        feed, slice_, storage=storage, start=shown.start, end=shown.end,
        columns=[time, *columns.names], budget=budget,
    )  # fmt: skip
    for batch in _of_subject(batches, columns.subject, subject):
        bars.add(batch)
    found = list(bars)
    last = max((bar.last_event for bar in found), default=None)
    until = EPOCH + timedelta(seconds=last // schema.units_per_second) if last is not None else None
    chart = PriceChart(
        bars=found,
        start_s=shown.start.timestamp(),
        end_s=shown.end.timestamp(),
        bar_s=seconds,
        gap_s=max(_GAP_BARS * seconds, _GAP_WINDOWS * longest(feed.window).total_seconds()),
        are_candles=columns.are_candles,
        price_name=columns.prices[-1],
        volume_name=columns.volume,
    )
    return PriceSeries(
        chart=price_chart(chart) if found else None,
        columns=columns,
        rows=sum(bar.rows for bar in found),
        read_rows=budget.used_rows,
        read_bytes=budget.used_bytes,
        bars=len(found),
        bar=timedelta(seconds=seconds),
        shown_until=(until or shown.start) if budget.is_spent else None,
        problems=budget.skipped[:_NAMED_PROBLEMS],
    )


def _of_subject(
    batches: Iterator[pa.RecordBatch], name: str | None, subject: str | None
) -> Iterator[pa.RecordBatch]:
    """The rows in which the column *name* is *subject*; all where there is no such column."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for batch in batches:
        if name is None or subject is None:
            yield batch
        else:
            yield batch.filter(pc.equal(batch.column(name).cast(pa.string()), subject))
