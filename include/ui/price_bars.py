"""Batches of rows in, a few hundred bars out: each with the exact numbers of its rows.

A bar is made of the rows of one stretch of time. However many rows there are, what is in memory
is one batch and the bars.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from include.ui.price_columns import PriceColumns

if TYPE_CHECKING:
    import pyarrow as pa

MAX_BARS = 400
_EXACT = Context(prec=200)
_LONGEST_SUM_DIGITS = 28
"""A sum of decimals with more is made with 256 bits: it may have ten digits more than each."""
_STEPS_S = (
    1, 2, 5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600,
    28_800, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000, 7_776_000, 31_536_000,
)  # fmt: skip

Number = Decimal | float | int


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBar:
    """The rows of one stretch of time."""

    start_s: int
    """Seconds since 1970."""
    first_event: int
    last_event: int
    """Event times of its first and last row, in units of the lake."""
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number | None
    rows: int


def bar_seconds(length_s: float, *, shortest_s: int = 1) -> int:
    """How long each bar is, so that a range of *length_s* has at most ``MAX_BARS``."""
    least_s = max(length_s / MAX_BARS, shortest_s)
    return next((step for step in _STEPS_S if step >= least_s), math.ceil(least_s))


class PriceBars:
    """Collects the bars of batches that come in any order."""

    def __init__(
        self, columns: PriceColumns, *, event_time: str, units_per_second: int, seconds: int
    ) -> None:
        self._columns = columns
        self._event_time = event_time
        self._units_per_second = units_per_second
        self._seconds = seconds
        self._bars: dict[int, PriceBar] = {}

    def __iter__(self) -> Iterator[PriceBar]:
        """Oldest first."""
        yield from (self._bars[number] for number in sorted(self._bars))

    def add(self, batch: pa.RecordBatch) -> None:
        """Add the rows of *batch*; not those without a price, or whose price is NaN or infinite."""
        rows = _sorted(_finite(batch, self._columns.prices), self._event_time)
        if not rows.num_rows:
            return
        for number, bar in self._bars_of(rows):
            before = self._bars.get(number)
            self._bars[number] = bar if before is None else _merge(before, bar)

    def _bars_of(self, rows: pa.RecordBatch) -> Iterator[tuple[int, PriceBar]]:
        import pyarrow as pa
        import pyarrow.compute as pc

        columns = self._columns
        events = rows.column(self._event_time).cast(pa.int64())
        per_bar = pa.scalar(self._seconds * self._units_per_second, pa.int64())
        numbers = pc.divide(events, per_bar)
        # Which rounds towards 1970: up, before it.
        is_up = pc.less(events, pc.multiply(numbers, per_bar))
        numbers = pc.subtract(numbers, is_up.cast(pa.int64()))
        ends = pc.run_end_encode(numbers).run_ends.to_pylist()
        starts = [0, *ends[:-1]]
        lasts = [end - 1 for end in ends]
        first, high, low, last = columns.prices if columns.are_candles else columns.prices * 4
        grouped = self._grouped(rows, numbers, high=high, low=low)
        values = {
            "number": numbers.take(starts).to_pylist(),
            "first_event": events.take(starts).to_pylist(),
            "last_event": events.take(lasts).to_pylist(),
            "open": rows.column(first).take(starts).to_pylist(),
            "close": rows.column(last).take(lasts).to_pylist(),
            "high": grouped["high_max"].to_pylist(),
            "low": grouped["low_min"].to_pylist(),
            "volume": grouped["volume_sum"].to_pylist() if columns.volume else [None] * len(ends),
            "rows": [end - start for start, end in zip(starts, ends, strict=True)],
        }
        for row in zip(*values.values(), strict=True):
            facts = dict(zip(values, row, strict=True))
            number = facts.pop("number")
            yield number, PriceBar(start_s=number * self._seconds, **facts)

    def _grouped(self, rows: pa.RecordBatch, numbers: Any, *, high: str, low: str) -> pa.Table:  # noqa: ANN401
        import pyarrow as pa

        arrays = {"number": numbers, "high": rows.column(high), "low": rows.column(low)}
        aggregates = [("high", "max"), ("low", "min")]
        if self._columns.volume:
            arrays["volume"] = _summable(rows.column(self._columns.volume))
            aggregates.append(("volume", "sum"))
        # The rows are sorted, and one thread keeps the groups in that order.
        return pa.table(arrays).group_by("number", use_threads=False).aggregate(aggregates)


def _finite(batch: pa.RecordBatch, names: tuple[str, ...]) -> pa.RecordBatch:
    """The rows in which each of the columns *names* has a number."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for name in names:
        values = batch.column(name)
        has_number = pc.is_valid(values)
        if pa.types.is_floating(values.type):
            has_number = pc.fill_null(pc.is_finite(values), fill_value=False)
        batch = batch.filter(has_number)
    return batch


def _sorted(batch: pa.RecordBatch, name: str) -> pa.RecordBatch:
    import pyarrow.compute as pc

    times = batch.column(name)
    if len(times) < 2 or pc.all(pc.less_equal(times[:-1], times[1:])).as_py():
        return batch
    return batch.take(pc.sort_indices(batch, sort_keys=[(name, "ascending")]))


def _summable(values: Any) -> Any:  # noqa: ANN401 - a pyarrow array
    """*values* in a type in which their sum has room."""
    import pyarrow as pa

    kind = values.type
    if pa.types.is_decimal(kind) and kind.precision > _LONGEST_SUM_DIGITS:
        return values.cast(pa.decimal256(76, kind.scale))
    return values


def _merge(before: PriceBar, bar: PriceBar) -> PriceBar:
    """Both as one: the price of the first row, and of the last, whichever came first."""
    first = bar if bar.first_event < before.first_event else before
    last = bar if bar.last_event >= before.last_event else before
    return replace(
        before,
        first_event=first.first_event,
        last_event=last.last_event,
        open=first.open,
        close=last.close,
        high=max(before.high, bar.high),
        low=min(before.low, bar.low),
        volume=_sum(before.volume, bar.volume),
        rows=before.rows + bar.rows,
    )


def _sum(one: Number | None, other: Number | None) -> Number | None:
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return _EXACT.add(one, other)
    return one + other  # type: ignore[operator]  # a column has one type
