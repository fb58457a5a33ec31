"""Six hours of four feeds into the lake, by the commands that anybody may type.

For each feed ``extract``, ``convert`` and ``publish``, each a process of its own; two feeds at
once. That is what the tasks of a DAG do, without the 20 s that Airflow takes for each run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from tools.ui.children import Children

HOURS = 6
AT_ONCE = 2
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFill:
    """What of a feed is ingested; *missing* counts full hours back from now, 1 the newest."""

    feed: str
    missing: int | None = None

    def ranges(self, now: datetime) -> list[tuple[datetime, datetime]]:
        """The ranges to extract: the last full hours before *now*, around the missing one."""
        end = now.replace(minute=0, second=0, microsecond=0)
        edges = [end - HOURS * HOUR, end]
        if self.missing is None:
            return [(edges[0], edges[1])]
        gap = end - self.missing * HOUR
        return [(edges[0], gap), (gap + HOUR, edges[1])]


FILLS = (
    FeedFill(feed="binance_agg_trades"),
    FeedFill(feed="okx_trades"),
    FeedFill(feed="binance_klines", missing=3),
    FeedFill(feed="my_candles"),
)
BAD_HOUR = 2
"""Which hour of ``my_candles`` has the records that go to quarantine, counted as *missing* is."""


def bad_hour(now: datetime) -> datetime:
    """The start of that hour."""
    return now.replace(minute=0, second=0, microsecond=0) - BAD_HOUR * HOUR


class LakeFill:
    """The filling of the lake, in threads that wait for its processes."""

    def __init__(self, children: Children, *, env: Mapping[str, str], now: datetime) -> None:
        self._children = children
        self._env = env
        self._now = now
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._futures = [self._pool.submit(self._fill, fill) for fill in FILLS]

    def wait(self) -> None:
        """Return once every feed is in the lake. ``UiError`` where one is not."""
        for future in self._futures:
            future.result()
        self._pool.shutdown()

    def progress(self) -> str:
        """How far it is."""
        done = sum(future.done() for future in self._futures)
        return f"{done} of {len(FILLS)} feeds"

    def _fill(self, fill: FeedFill) -> None:
        ranges = fill.ranges(self._now)
        manifests: list[str] = []
        for start, end in ranges:
            output = self._ticklake(fill.feed, ["extract", fill.feed, *_range(start, end)])
            manifests += _manifests(output.splitlines())
        self._ticklake(fill.feed, ["convert", *manifests])
        whole = _range(ranges[0][0], ranges[-1][1])
        self._ticklake(fill.feed, ["publish", fill.feed, *whole])

    def _ticklake(self, feed: str, arguments: Sequence[str]) -> str:
        argv = ["-m", "include.ticklake", *arguments]
        return self._children.run(f"ingest-{feed}", argv, env=self._env)


def _range(start: datetime, end: datetime) -> list[str]:
    return ["--start", start.isoformat(), "--end", end.isoformat()]


def _manifests(lines: Iterable[str]) -> list[str]:
    """The manifest of each unit, as ``extract`` prints it."""
    return [message["manifest"] for message in map(json.loads, lines) if "manifest" in message]
