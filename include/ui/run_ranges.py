"""What a run of a feed's DAG fetches, as far as the run says it.

Anyone who may start a run decides what is in its ``conf``: whatever that is, the page is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from include.ticklake.errors import TicklakeError
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window, parse_instant
from include.ticklake.model.window_length import WindowLength, floor, start_before


class FeedRun(NamedTuple):
    """A run of a feed's DAG."""

    dag_id: str
    run_id: str
    state: str
    start: datetime | None
    """None where it fetches the last window that was over when it was made."""
    end: datetime | None
    """None where the range has no end, or none that can be read."""
    slices: tuple[str, ...] | None
    """Texts of slices or parts of them; None for all slices."""
    at: datetime
    """When it was to begin."""

    def fetches(self, slice_: Slice) -> bool:
        """Whether *slice_* is among its slices."""
        if self.slices is None:
            return True
        pairs = {f"{name}={value}" for name, value in slice_.values}
        return any(text == str(slice_) or set(text.split(",")) <= pairs for text in self.slices)

    def range(self, window: WindowLength) -> tuple[datetime, datetime]:
        """Start and end of what it fetches, of windows of that length."""
        complete = floor(self.at, window)
        if self.start is None:
            return start_before(complete, window), complete
        return self.start, self.end or complete

    def touches(self, window: Window, *, length: WindowLength) -> bool:
        """Whether *window*, of windows of that *length*, is in its range."""
        start, end = self.range(length)
        return start < window.end and end > window.start


def feed_run(
    dag_id: str,
    run_id: str,
    state: object,
    *,
    interval: tuple[datetime | None, datetime | None],
    conf: object,
    at: datetime,
) -> FeedRun:
    """The run, from what Airflow's database has of it."""
    form = conf if isinstance(conf, Mapping) else {}
    start, end = interval
    if form.get("start"):
        start, end = _instant(form.get("start")), _instant(form.get("end"))
    elif start is None or end is None or start >= end:
        start, end = None, None
    texts = form.get("slices")
    slices = tuple(map(str, texts)) if isinstance(texts, list | tuple) and texts else None
    return FeedRun(dag_id, run_id, str(state), start, end, slices, at)


def running_ranges(
    runs: Iterable[FeedRun], slice_: Slice, *, window: WindowLength
) -> list[tuple[int, int]]:
    """The ranges of milliseconds that *runs* fetch of *slice_*."""
    ranges = [run.range(window) for run in runs if run.fetches(slice_)]
    return [(_ms(start), _ms(end)) for start, end in ranges if start < end]


def _instant(value: object) -> datetime | None:
    try:
        return parse_instant(value) if isinstance(value, str) else None
    except (TicklakeError, OverflowError):
        return None


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
