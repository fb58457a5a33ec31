"""A feed, slices and a range of time in, the Parquet files that hold them out.

Found through the manifests alone, so that each row is in exactly one piece at any
moment: also while a day is being compacted, and after a window was converted again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from include.ticklake.feed.feed import Feed
from include.ticklake.lake import day_manifest, manifest
from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
from include.ticklake.lake.manifest import Manifest, ParquetSection
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window

_READERS = 16
_DAY_ONE = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

NsRange = tuple[int, int]
"""First and last event time, nanoseconds since 1970, both inside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRange:
    """One Parquet file of the lake, and the rows of it that count."""

    key: str
    slice: Slice
    first_event_ns: int
    last_event_ns: int
    cut: bool = False
    """Whether only the rows between first and last count: the file holds others."""


def manifest_files(
    feed: Feed,
    *,
    storage: Storage,
    slices: Iterable[Mapping[str, str]] = (),
    start: datetime | None = None,
    end: datetime | None = None,
) -> list[FileRange]:
    """The files that hold the rows of ``[start, end)``, in the order of slices and time.

    Each of *slices* gives some values, such as ``{"symbol": "BTCUSDT"}``; none: all.
    """
    wanted = [set(each.items()) for each in slices]
    units: dict[str, dict[str, str]] = {}
    for key in storage.list(f"manifests/{feed.name}"):
        folder, _, name = key.rpartition("/")
        piece = Slice.parse(folder.removeprefix(f"manifests/{feed.name}").rpartition("/")[0])
        if wanted and not any(each <= set(piece.values) for each in wanted):
            continue
        if feed.snapshot or _touches(Window.parse(name.partition(".")[0]), start, end):
            units.setdefault(folder, {})[name] = key
    own = _own(feed, units, storage=storage)
    with ThreadPoolExecutor(_READERS) as pool:
        found = pool.map(lambda names: list(_of_folder(feed, names, own, storage)), units.values())
        return [
            piece
            for each in found
            for piece in each
            if (start is None or piece.last_event_ns >= epoch_ns(start))
            and (end is None or piece.first_event_ns < epoch_ns(end))
        ]


def _own(feed: Feed, units: Mapping[str, Mapping[str, str]], *, storage: Storage) -> set[str]:
    """Folder and window, as in a manifest's key, of each Parquet that lies beside its day's."""
    if not any(name.endswith(day_manifest.SUFFIX) for names in units.values() for name in names):
        return set()
    return {
        key.removeprefix(area).partition(".")[0]
        for area in ("parquet", day_manifest.PENDING)
        for key in storage.list(f"{area}/{feed.name}")
    }


def _of_folder(
    feed: Feed, names: Mapping[str, str], own: set[str], storage: Storage
) -> Iterator[FileRange]:
    """The pieces of one slice and date; *names* are the keys of its manifests."""
    day_name = next((name for name in names if name.endswith(day_manifest.SUFFIX)), None)
    day = day_manifest.read(names[day_name], storage=storage) if day_name else None
    found = []
    replaced: list[NsRange] = []
    for name, key in names.items():
        hour = day.hour(name.partition(".")[0]) if day else None
        if name == day_name or (day and hour and not _may_differ(day, hour, key, own)):
            continue
        one = manifest.read(key, storage=storage)
        if one is None or one.parquet is None or one.parquet.removed:
            continue
        if day and hour:
            if not _is_beside(day, one, one.parquet, storage=storage):
                continue
            replaced += _replaced(feed, day, hour, one.parquet)
        if one.parquet.rows:
            found.append(_piece(one, one.parquet))
    if day and day.key and not day.removed:
        found += _day_pieces(day, day.key, sorted(replaced))
    yield from sorted(found, key=lambda piece: piece.first_event_ns)


def _may_differ(day: CompactedDay, hour: CompactedWindow, manifest_key: str, own: set[str]) -> bool:
    """Whether the window may have been converted again since, so that its manifest must say."""
    twin = manifest_key.removeprefix("manifests").partition(".")[0]
    return twin in own or day.renewed(hour.window) is not None


def _is_beside(
    day: CompactedDay, one: Manifest, account: ParquetSection, *, storage: Storage
) -> bool:
    """Whether a file of its own counts, and not the day's.

    One that is named and not there is of a conversion that met a compaction, and is about to
    begin anew: the day's file has what was there before.
    """
    if day.holds(CompactedWindow.of(one.window, account)) or account.key is None:
        return False
    return storage.exists(account.key)


def _replaced(
    feed: Feed, day: CompactedDay, hour: CompactedWindow, account: ParquetSection
) -> list[NsRange]:
    """Where rows of *hour* may be in the day's file: also when it was just written anew."""
    if not feed.snapshot:
        window = Window.parse(hour.window)
        return [(window.start_ns, window.end_ns - 1)]
    all_of_them = (hour, day.renewed(hour.window) or hour, account)
    return [
        (one.first_event_ns, one.last_event_ns)
        for one in all_of_them
        if one.first_event_ns is not None and one.last_event_ns is not None
    ]


def _piece(one: Manifest, account: ParquetSection) -> FileRange:
    if account.key is None or account.first_event_ns is None or account.last_event_ns is None:
        raise ValueError(f"{one.key}: rows without a file")
    return FileRange(
        key=account.key,
        slice=Slice.of(one.slice),
        first_event_ns=account.first_event_ns,
        last_event_ns=account.last_event_ns,
    )


def _day_pieces(day: CompactedDay, key: str, replaced: Sequence[NsRange]) -> Iterator[FileRange]:
    """The day's file but for the *replaced* ranges: itself, or what lies between them."""
    first_ns = min(hour.first_event_ns for hour in day.hours if hour.first_event_ns is not None)
    last_ns = max(hour.last_event_ns for hour in day.hours if hour.last_event_ns is not None)
    for gone_from_ns, gone_to_ns in [*replaced, (last_ns + 1, last_ns + 1)]:
        if first_ns < gone_from_ns:
            yield FileRange(
                key=key,
                slice=Slice.of(day.slice),
                first_event_ns=first_ns,
                last_event_ns=min(gone_from_ns - 1, last_ns),
                cut=bool(replaced),
            )
        first_ns = max(first_ns, gone_to_ns + 1)


def _touches(window: Window, start: datetime | None, end: datetime | None) -> bool:
    return (end is None or window.start < end) and (start is None or window.end > start)


def epoch_ns(moment: datetime) -> int:
    """Nanoseconds since 1970 of *moment*, exactly."""
    elapsed = moment - _DAY_ONE
    return (elapsed.days * 86_400 + elapsed.seconds) * 10**9 + elapsed.microseconds * 1000
