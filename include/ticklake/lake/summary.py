"""What the page shows of a feed: a few small objects, so that nobody lists the lake for it.

``summary/<feed>/feed.json`` says what the feed has as a whole, and ``summary/<feed>/2026/0b.json``
what became of each window of some of its slices in a UTC year: of a sixty-fourth of them, so that
a run of thousands of slices writes few objects, and the page reads a small one.
Both are a cache, made from the manifests by ``publish/summary.py``: deleting them harms nothing.
Here they are read. One that is damaged counts as one that is missing.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from enum import StrEnum
from hashlib import sha256

import msgspec

from include.ticklake.errors import UsageError
from include.ticklake.lake import layout
from include.ticklake.lake.layout import Area
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.summary_windows import first_window, is_window, window_of
from include.ticklake.model.slice import Slice
from include.ticklake.model.window_length import WindowLength, number_at, start_s

log = logging.getLogger(__name__)

MAX_SLICES = 10_000
MAX_RUNS = 500
MAX_QUARANTINE_WINDOWS = 200
SHARDS = 64
"""Of a feed's slices, in each year: 5,000 are 78 an object, of some kilobytes."""
_MAX_WINDOWS = 366 * 24 * 60
"""A leap year of minutes, the shortest window."""

_COUNTED = re.compile(r"(\d*)(\D)", re.ASCII)
_WHOLE = re.compile(r"(?:\d{0,6}[.cusgqvx])*", re.ASCII)
_DAMAGED = (ValueError, UsageError, RecursionError, msgspec.MsgspecError)
_DAMAGED_LINE = "summary.damaged %s: %s; the next publish makes it again"


class WindowState(StrEnum):
    """What became of a window; of several that apply, the one that stands last here."""

    UNKNOWN = "."
    """Without a manifest: missing, where the feed has windows before and after it."""
    COMPLETE = "c"
    SUPERSEDED = "v"
    """Complete; older versions of it are kept as well."""
    STAGED = "s"
    """Fetched and not converted."""
    UNFINISHED = "u"
    """Fetched before it was over."""
    QUARANTINED = "q"
    """Some of its records did not fit."""
    GAP = "g"
    """The source no longer had a part of it."""
    EXPIRED = "x"
    """Retention removed its data."""


_REPEATED = re.compile("|".join(f"{re.escape(state)}{{2,}}" for state in WindowState))


class StepRun(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The memory that one step of a DAG run took: the greatest peak of its tasks."""

    at_ms: int
    """When the run was published."""
    dag_id: str
    run_id: str
    step: str
    """``extract``, ``convert`` or ``compact``."""
    peak_bytes: int
    cap_bytes: int
    """The limit; 0 for a step without one."""
    rows: int
    units: int
    """Windows, or the days of ``compact``."""


class QuarantinedWindow(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A window with quarantined records."""

    slice: str
    """Its path: ``symbol=BTCUSDT``."""
    start_ms: int
    rows: int
    """Quarantined ones."""
    key: str
    """Of the object with the records."""
    reasons: dict[str, int]
    """How many rows were refused for what, without the values themselves."""


class RunTotals(msgspec.Struct, frozen=True, kw_only=True):
    """What the windows of the newest run hold."""

    start_ms: int
    end_ms: int
    windows: int
    """Different ones; a run has each of them for every slice."""
    slices: int
    rows: int
    quarantined_rows: int
    json_bytes: int
    """Text before gzip."""
    parquet_bytes: int


class LastAudit(msgspec.Struct, frozen=True, kw_only=True):
    """How the last audit of a feed ended."""

    at_ms: int
    dag_id: str
    run_id: str
    findings: int
    failed: str | None = None
    """Why the feed was not audited."""


class FeedSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A feed as a whole: some 100 KB for one of 500 slices."""

    feed: str
    window_ms: int
    """Of the longest window."""
    window_months: int = 0
    """0 where windows are not months."""
    slice_names: tuple[str, ...]
    slices: tuple[str, ...] = ()
    """Paths (``symbol=BTCUSDT``) of those that ever had a window, sorted; the first 10,000."""
    first_start_ms: int | None = None
    last_end_ms: int | None = None
    """Of all committed windows."""
    updated_at_ms: int = 0
    totals: RunTotals | None = None
    runs: tuple[StepRun, ...] = ()
    """The newest 500, oldest first."""
    quarantine_windows: tuple[QuarantinedWindow, ...] = ()
    """The newest 200, newest first."""
    audit: LastAudit | None = None

    @property
    def window(self) -> WindowLength:
        """The length of a window."""
        return window_of(self.window_ms, self.window_months)

    @property
    def quarantine(self) -> dict[str, int]:
        """Rows by reason, over ``quarantine_windows``; the most frequent first."""
        counts: dict[str, int] = {}
        for window in self.quarantine_windows:
            for reason, rows in window.reasons.items():
                counts[reason] = counts.get(reason, 0) + rows
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    def an_hour(self, amount: int) -> float:
        """What of an *amount* of ``totals`` falls on an hour of the feed."""
        length_ms = self.totals.windows * self.window_ms if self.totals else 0
        return amount * 3_600_000 / length_ms if length_ms > 0 else 0.0


class _OfYear(msgspec.Struct, frozen=True, kw_only=True):
    feed: str
    year: int
    window_ms: int
    window_months: int = 0

    @property
    def window(self) -> WindowLength:
        """The length of a window."""
        return window_of(self.window_ms, self.window_months)

    def index_of(self, start_ms: int) -> int:
        """Which of the year's windows the one at *start_ms* is, from 0 on."""
        return number_at(self.window, start_ms // 1000) - first_window(self.year, self.window)


class SliceYear(_OfYear, frozen=True, kw_only=True):
    """What became of each window of a slice that starts in one UTC year."""

    slice: str
    """Its path: ``symbol=BTCUSDT``."""
    states: str
    """A ``WindowState`` for each window of the year, up to the last that is known."""

    def state_at(self, start_ms: int) -> WindowState:
        """The state of the window that starts at *start_ms*."""
        at_s, rest_ms = divmod(start_ms, 1000)
        is_start = not rest_ms and start_s(self.window, number_at(self.window, at_s)) == at_s
        index = self.index_of(start_ms)
        if not is_start or not 0 <= index < len(self.states):
            return WindowState.UNKNOWN
        return WindowState(self.states[index])

    def windows(self) -> Iterator[tuple[int, WindowState]]:
        """Start and state of each window, in order."""
        for number, state in enumerate(self.states, first_window(self.year, self.window)):
            yield start_s(self.window, number) * 1000, WindowState(state)


class YearShard(_OfYear, frozen=True, kw_only=True):
    """What became of the windows of some slices that start in one UTC year: an object."""

    slices: dict[str, str]
    """By path, the states of a slice; of equal ones in a row one, with their number before it."""

    def slice_year(self, path: str) -> SliceYear | None:
        """The states of the slice at *path*; None where there are none, or no such ones."""
        if (counted := self.slices.get(path)) is None:
            return None
        own = {name: getattr(self, name) for name in _OfYear.__struct_fields__}
        return SliceYear(**own, slice=path, states=expand_states(counted))


_FEED_DECODER = msgspec.json.Decoder(FeedSummary)
_SHARD_DECODER = msgspec.json.Decoder(YearShard)


def feed_key(feed: str) -> str:
    """``summary/<feed>/feed.json``."""
    return f"{layout.feed_folder(Area.SUMMARY, feed)}/feed.json"


def year_key(feed: str, slice_: Slice, year: int) -> str:
    """``summary/<feed>/2026/0b.json``: the object that *slice_* is in, by a hash of its path."""
    shard = sha256(slice_.path.encode()).digest()[0] % SHARDS
    return f"{layout.feed_folder(Area.SUMMARY, feed)}/{year:04d}/{shard:02x}.json"


def read_feed(feed: str, *, storage: Storage) -> FeedSummary | None:
    """The summary of *feed*; None where it has none that can be read."""
    body = storage.read(key := feed_key(feed))
    return None if body is None else decode_feed(body, key=key)


def read_year(feed: str, slice_: Slice, year: int, *, storage: Storage) -> SliceYear | None:
    """The windows of *slice_* in *year*; None where no summary of them can be read."""
    body = storage.read(key := year_key(feed, slice_, year))
    shard = decode_shard(body, key=key) if body is not None else None
    return shard.slice_year(slice_.path) if shard else None


def decode_feed(body: bytes, *, key: str) -> FeedSummary | None:
    """The object at *key*; None, and a line in the log, where it is damaged."""
    try:
        summary = _FEED_DECODER.decode(body)
        if feed_key(summary.feed) != key:
            raise ValueError(f"it is of feed {summary.feed!r}")
    except _DAMAGED as error:
        log.warning(_DAMAGED_LINE, key, error)
        return None
    return summary


def decode_shard(body: bytes, *, key: str) -> YearShard | None:
    """The object at *key*; None, and a line in the log, where it is damaged."""
    try:
        shard = _SHARD_DECODER.decode(body)
        folder = f"{layout.feed_folder(Area.SUMMARY, shard.feed)}/{shard.year:04d}/"
        if not key.startswith(folder) or not is_window(shard.window_ms, shard.window_months):
            raise ValueError(f"it is of {shard.year} in windows of {shard.window_ms} ms")
        for counted in shard.slices.values():
            _check_states(counted)
    except _DAMAGED as error:
        log.warning(_DAMAGED_LINE, key, error)
        return None
    return shard


def encode_feed(summary: FeedSummary) -> bytes:
    """The object of *summary*."""
    return msgspec.json.encode(summary) + b"\n"


def encode_shard(shard: YearShard) -> bytes:
    """The object of *shard*."""
    return msgspec.json.encode(shard) + b"\n"


def count_states(states: str) -> str:
    """*states* as an object has them: ``3c.`` of ``ccc.``."""
    return _REPEATED.sub(lambda same: f"{len(same[0])}{same[0][0]}", states)


def expand_states(counted: str) -> str:
    """The inverse of ``count_states``."""
    return "".join(state * int(count or 1) for count, state in _COUNTED.findall(counted))


def _check_states(counted: str) -> None:
    if not _WHOLE.fullmatch(counted):
        raise ValueError("its states are not letters of states")
    if sum(int(count or 1) for count, _ in _COUNTED.findall(counted)) > _MAX_WINDOWS:
        raise ValueError("it has more windows than a year")
