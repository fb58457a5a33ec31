"""Every key of the lake: built here, and parsed here.

``<area>/<feed>/symbol=BTCUSDT/date=2026-11-22/<window><suffix>``, where the date is that of the
window's start. Nothing is read or written, or heavy to import: DAG files name objects with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from include.ticklake.errors import UsageError
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window


class Area(StrEnum):
    """The folders right below the root."""

    MANIFESTS = "manifests"
    JSON = "json"
    PARQUET = "parquet"
    PENDING = "late"
    """Parquet of windows that were converted again after their day was compacted."""
    QUARANTINE = "quarantine"
    UNFINISHED = "unfinished"
    """Marks of windows that were fetched before all of them was over."""
    SUPERSEDED = "superseded"
    """Marks of windows whose manifests name superseded sets of parts."""
    LATEST = "latest"
    SUMMARY = "summary"
    SCHEMAS = "schemas"
    SLICES = "slices"
    """The values of slices that other feeds list."""
    REPORTS = "reports"
    ICEBERG = "iceberg"
    PLANS = "plans"
    INCOMPLETE = "_incomplete"
    """Objects that are still being written; nobody reads them."""


DAY = timedelta(days=1)
"""The length of the windows that compaction makes one file of."""

_WINDOW_SUFFIX = ".json"
_DAY_SUFFIX = ".day.json"
_SUFFIXES = {
    Area.MANIFESTS: re.compile(r"(\.day)?\.json", re.ASCII),
    Area.JSON: re.compile(r"\.part-\d{5,}\.[0-9a-f]{8}\.json\.gz", re.ASCII),
    Area.PARQUET: re.compile(r"\.parquet", re.ASCII),
    Area.PENDING: re.compile(r"\.([0-9a-f]{8}|empty)\.parquet", re.ASCII),
    Area.QUARANTINE: re.compile(r"\.jsonl\.gz", re.ASCII),
    Area.UNFINISHED: re.compile(r"\.json", re.ASCII),
    Area.SUPERSEDED: re.compile(r"\.json", re.ASCII),
}
_FOLDER = "date="
_EXAMPLE = "{area}/<feed>/<slice>/date=<date>/<window>"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class SliceDay:
    """One slice and one of its date folders, which are the same in every area."""

    slice: Slice
    date: date

    @property
    def path(self) -> str:
        """``symbol=BTCUSDT/date=2026-11-22``."""
        return _join(self.slice.path, date_folder(self.date))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitKey:
    """What the key of an object of one slice and one window, or day, says."""

    area: Area
    feed: str
    slice: Slice
    window: Window
    suffix: str

    def __str__(self) -> str:
        folder = window_folder(self.area, self.feed, self.slice, self.window)
        return f"{folder}/{self.window.name}{self.suffix}"

    @property
    def is_day(self) -> bool:
        """Whether it is the manifest of a compacted day."""
        return is_day_manifest(self.suffix)


def parse(key: str) -> UnitKey:
    """The slice, the window and the rest that *key* says; ``UsageError`` for any other text."""
    if parsed := _parse(key):
        return parsed
    raise UsageError(
        f"{key!r} is not the key of a window's object; write it as {_EXAMPLE.format(area='<area>')}"
    )


def parse_manifest(key: str) -> UnitKey:
    """``parse`` for the manifest of a window or of a day; ``UsageError`` for any other key."""
    parsed = _parse(key)
    if parsed and parsed.area is Area.MANIFESTS:
        return parsed
    example = _EXAMPLE.format(area=Area.MANIFESTS)
    raise UsageError(f"{key!r} is not a manifest; write it as {example}.json")


def parse_window_manifest(key: str) -> UnitKey:
    """``parse`` for the manifest of a window; ``UsageError`` for any other key."""
    parsed = _parse(key)
    if parsed and parsed.area is Area.MANIFESTS and not parsed.is_day:
        return parsed
    example = _EXAMPLE.format(area=Area.MANIFESTS)
    raise UsageError(f"{key!r} is not a window's manifest; write it as {example}.json")


def parse_manifest_uri(uri: str) -> UnitKey:
    """``parse_manifest`` for the manifest at *uri*, whatever its root."""
    _root, _, key = uri.rpartition(f"/{Area.MANIFESTS}/")
    return parse_manifest(f"{Area.MANIFESTS}/{key}")


def uri(root_uri: str, key: str) -> str:
    """The address of the object at *key* below *root_uri*."""
    return f"{root_uri.rstrip('/')}/{key}"


def manifest_key(feed: str, slice_: Slice, window: Window) -> str:
    """``manifests/<feed>/symbol=BTCUSDT/date=2026-11-22/<window>.json``."""
    return _unit_key(Area.MANIFESTS, feed, slice_, window, _WINDOW_SUFFIX)


def day_manifest_key(feed: str, slice_: Slice, day: Window) -> str:
    """``manifests/<feed>/symbol=BTCUSDT/date=2026-11-22/<day>.day.json``."""
    return _unit_key(Area.MANIFESTS, feed, slice_, day, _DAY_SUFFIX)


def part_key(feed: str, slice_: Slice, window: Window, *, number: int, sha256: str) -> str:
    """``json/<feed>/symbol=BTCUSDT/date=2026-11-22/<window>.part-00000.<hash>.json.gz``."""
    suffix = f".part-{number:05d}.{sha256[:8]}.json.gz"
    return _unit_key(Area.JSON, feed, slice_, window, suffix)


def parquet_key(feed: str, slice_: Slice, window: Window) -> str:
    """``parquet/<feed>/symbol=BTCUSDT/date=2026-11-22/<window>.parquet``: of a day as well."""
    return _unit_key(Area.PARQUET, feed, slice_, window, ".parquet")


def pending_key(feed: str, slice_: Slice, window: Window, *, sha256: str | None) -> str:
    """``late/<feed>/symbol=BTCUSDT/date=2026-11-22/<window>.<hash>.parquet``.

    It holds the start of the *sha256*: no conversion writes where a compaction reads, or deletes.
    """
    return _unit_key(Area.PENDING, feed, slice_, window, f".{(sha256 or 'empty')[:8]}.parquet")


def quarantine_key(feed: str, slice_: Slice, window: Window) -> str:
    """``quarantine/<feed>/symbol=BTCUSDT/date=2026-11-22/<window>.jsonl.gz``."""
    return _unit_key(Area.QUARANTINE, feed, slice_, window, ".jsonl.gz")


def unfinished_key(feed: str, slice_: Slice, window: Window) -> str:
    """``unfinished/<feed>/symbol=BTCUSDT/date=2026-11-22/<window>.json``."""
    return _unit_key(Area.UNFINISHED, feed, slice_, window, _WINDOW_SUFFIX)


def superseded_key(feed: str, slice_: Slice, window: Window) -> str:
    """``superseded/<feed>/symbol=BTCUSDT/date=2026-11-22/<window>.json``."""
    return _unit_key(Area.SUPERSEDED, feed, slice_, window, _WINDOW_SUFFIX)


def checkpoint_folder(feed: str, slice_: Slice, window: Window) -> str:
    """The folder of a window's unfinished parts and of its checkpoint."""
    return incomplete(f"{window_folder(Area.JSON, feed, slice_, window)}/{window.name}")


def latest_key(feed: str, slice_: Slice) -> str:
    """``latest/<feed>/symbol=BTCUSDT/latest.json``."""
    return f"{slice_folder(Area.LATEST, feed, slice_)}/latest.json"


def schema_key(feed: str) -> str:
    """``schemas/<feed>.json``."""
    return f"{feed_folder(Area.SCHEMAS, feed)}.json"


def slice_lists_key(feed: str) -> str:
    """``slices/<feed>.json``."""
    return f"{feed_folder(Area.SLICES, feed)}.json"


def audit_report_key(feed: str, run_after: datetime) -> str:
    """``reports/<feed>/date=2026-11-22/20261122T050000Z.audit.json``."""
    folder = f"{feed_folder(Area.REPORTS, feed)}/{date_folder(run_after.date())}"
    return f"{folder}/{run_after:%Y%m%dT%H%M%SZ}.audit.json"


def iceberg_file_key(feed: str, day: date, parquet: str, *, sha256: str) -> str:
    """``iceberg/<feed>/data/date=2026-11-22/<window>-<hash>.parquet``, of the file *parquet*."""
    folder = f"{feed_folder(Area.ICEBERG, feed)}/data/{date_folder(day)}"
    return f"{folder}/{window_name(parquet)}-{sha256[:16]}.parquet"


def incomplete(key: str) -> str:
    """Where what belongs at *key* is while it is written; also what is incomplete itself."""
    return f"{Area.INCOMPLETE}/{key.removeprefix(f'{Area.INCOMPLETE}/')}"


def feed_folder(area: Area, feed: str) -> str:
    """``json/<feed>``."""
    if not _NAME.fullmatch(feed):
        raise UsageError(f"{feed!r} is not the name of a feed; use letters, digits and _")
    return f"{area}/{feed}"


def slice_folder(area: Area, feed: str, slice_: Slice) -> str:
    """``json/<feed>/symbol=BTCUSDT``."""
    for name, _ in slice_.values:
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is not the name of a slice; use letters, digits and _")
    return _join(feed_folder(area, feed), slice_.path)


def window_folder(area: Area, feed: str, slice_: Slice, window: Window) -> str:
    """``json/<feed>/symbol=BTCUSDT/date=2026-11-22``: the folder of a window's objects."""
    return day_folder(area, feed, SliceDay(slice_, window.start.date()))


def day_folder(area: Area, feed: str, slice_day: SliceDay) -> str:
    """``json/<feed>/symbol=BTCUSDT/date=2026-11-22``: the folder of a day's objects."""
    return f"{slice_folder(area, feed, slice_day.slice)}/{date_folder(slice_day.date)}"


def date_folder(day: date) -> str:
    """``date=2026-11-22``."""
    return f"{_FOLDER}{day.isoformat()}"


def parse_date_folder(name: str) -> date | None:
    """The date of the folder ``date=2026-11-22``; None for any other name."""
    try:
        day = date.fromisoformat(name.removeprefix(_FOLDER))
    except ValueError:
        return None
    return day if date_folder(day) == name else None


def is_day_manifest(key: str) -> bool:
    """Whether *key*, of a manifest, is that of a compacted day and not of a window."""
    return key.endswith(_DAY_SUFFIX)


def window_name(key: str) -> str:
    """The name of the window in *key*: of any object, also of one that does not belong there."""
    return key.rpartition("/")[2].partition(".")[0]


def unit_path(key: str) -> str:
    """*key* without its area and suffix: the same for all objects of one unit."""
    folder, _, _ = key.partition("/")[2].rpartition("/")
    return f"{folder}/{window_name(key)}"


def day_of(window: Window) -> Window:
    """The UTC day in which *window* begins."""
    start = window.start.replace(hour=0, minute=0, second=0)
    return Window(start, start + DAY)


def _parse(key: str) -> UnitKey | None:
    try:
        area, feed, *segments, _date, name = key.split("/")
        window, dot, suffix = name.partition(".")
        parsed = UnitKey(
            area=Area(area),
            feed=feed,
            slice=Slice.parse("/".join(segments)),
            window=Window.parse(window),
            suffix=dot + suffix,
        )
        # Of what is not a UTC day the day's file would be that of the window.
        is_day = not parsed.is_day or day_of(parsed.window) == parsed.window
        is_valid = is_day and _SUFFIXES[parsed.area].fullmatch(parsed.suffix) and str(parsed) == key
    except (ValueError, KeyError, UsageError, OverflowError):
        return None
    return parsed if is_valid else None


def _unit_key(area: Area, feed: str, slice_: Slice, window: Window, suffix: str) -> str:
    return str(UnitKey(area=area, feed=feed, slice=slice_, window=window, suffix=suffix))


def _join(*segments: str) -> str:
    return "/".join(filter(None, segments))
