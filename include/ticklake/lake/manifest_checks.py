"""What a manifest must be before anything acts on it: whole, of its own unit, and adding up.

Anybody who can write to the storage can write a manifest, and a disk can change one. What it
names is read, replaced and deleted, so each key must be of this very unit; its counts must not
be negative and must agree with each other, and its times must be some that exist.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import msgspec

from include.ticklake.errors import CorruptManifestError, UsageError
from include.ticklake.lake import layout
from include.ticklake.lake.layout import Area, UnitKey
from include.ticklake.lake.versions import SMALL_BYTES
from include.ticklake.model.times import epoch_ns
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window

if TYPE_CHECKING:
    from include.ticklake.lake.day_manifest import CompactedDay, CompactedWindow
    from include.ticklake.lake.manifest import JsonSection, Manifest, ParquetSection, Part

MAX_BYTES = SMALL_BYTES
"""Of a manifest's text: the names of 40,000 parts."""

_MAX_COUNT = 2**53
"""The greatest count that every reader of JSON reads exactly."""
_FIRST_NS = epoch_ns(datetime(1, 1, 1, tzinfo=UTC))
_LAST_NS = epoch_ns(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
_PART_NUMBER = re.compile(r"\.part-(\d+)\.", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

_Struct = TypeVar("_Struct", bound=msgspec.Struct)


def decode(body: bytes, decoder: msgspec.json.Decoder[_Struct]) -> _Struct:
    """The struct that the text *body* is; ``ValueError`` with what is wrong for any other.

    A *decoder* is made when its module is imported: msgspec learns a type's fields at its first
    use, and ends the process where two threads do that at once.
    """
    if len(body) > MAX_BYTES:
        raise ValueError(f"it has {len(body)} bytes, and at most {MAX_BYTES} are read")
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    except ValueError as error:
        # A name with half a surrogate pair, which msgspec refuses and a source may send.
        if not _LONE_SURROGATE.search(body):
            raise ValueError(str(error)) from None
    try:
        return msgspec.convert(json.loads(body), decoder.type)
    except (ValueError, RecursionError) as error:
        raise ValueError(str(error)) from None


def part_number(key: str) -> int:
    """The number in the *key* of a part."""
    return int(_PART_NUMBER.findall(key)[-1])  # the last: a slice's value may look like one


def corrupt(key: str, *, uri: str, problem: object) -> CorruptManifestError:
    """The error for the manifest at *key*, which names its unit and what to do."""
    try:
        at = layout.parse_manifest(key)
    except UsageError:
        return CorruptManifestError(
            f"{uri}: it is where manifests are, and its name is not that of one; remove it"
        )
    unit = Unit(at.slice, at.window)
    what = "day" if at.is_day else "window"
    return CorruptManifestError(
        f"{uri}: the manifest of feed {at.feed}, {what} {unit}, is damaged: {problem}; to restore "
        f"it, run `audit {at.feed} {unit.arguments} --repair`"
    )


def check_window(manifest: Manifest, *, key: str) -> None:
    """``ValueError`` where *manifest*, read at *key*, is not what it says."""
    _raise_first(_window_problems(manifest, key))


def check_day(day: CompactedDay, *, key: str) -> None:
    """``ValueError`` where *day*, read at *key*, is not what it says."""
    _raise_first(_day_problems(day, key))


def _raise_first(problems: Iterator[str]) -> None:
    if problem := next(problems, None):
        raise ValueError(problem)


def _window_problems(manifest: Manifest, key: str) -> Iterator[str]:
    at = _own_key(key, lambda: manifest.key)
    if at is None or at.is_day:
        yield f"it says that it is of {_names(manifest)}"
        return
    for section in manifest.json_sections:
        yield from _section_problems(section)
        yield from _part_problems(section.parts, at)
    yield from _set_problems(manifest)
    if manifest.parquet is not None:
        yield from _parquet_problems(manifest.parquet, at)
        staged = manifest.json
        rows = manifest.parquet.rows + manifest.parquet.quarantined_rows
        if manifest.is_current and staged.rows != rows and (staged.parts or not staged.removed):
            yield f"{staged.rows} rows are staged, and the Parquet accounts for {rows}"


def _set_problems(manifest: Manifest) -> Iterator[str]:
    """Of the sets as a whole: a number that two share would name the wrong one."""
    numbers = [section.number for section in manifest.json_sections]
    yield from _count_problems(next_part=manifest.next_part or 0, number=min(numbers))
    if len(set(numbers)) < len(numbers):
        yield f"its sets of parts have the numbers {numbers}"
    for superseded in manifest.superseded:
        yield from _time_problems(
            "superseded_at_ms", superseded.superseded_at_ms, ns_per_unit=10**6
        )


def _section_problems(section: JsonSection) -> Iterator[str]:
    yield from _count_problems(
        received_rows=section.received_rows,
        outside_rows=section.out_of_window_rows,
        duplicate_rows=section.duplicate_rows,
        filtered_rows=section.filtered_rows,
        pages=section.pages,
        page_bytes=section.page_bytes,
    )
    left_out = section.out_of_window_rows + section.duplicate_rows + section.filtered_rows
    rows = section.rows + left_out
    if section.received_rows != rows and (section.parts or not section.removed):
        yield f"{section.received_rows} rows were received, and {rows} are accounted for"
    yield from _time_problems("fetched_at_ms", section.fetched_at_ms, ns_per_unit=10**6)
    yield from _time_problems("unfinished_until_ms", section.unfinished_until_ms, ns_per_unit=10**6)
    if section.lost_range is not None:
        yield from _range_problems("missed", *section.lost_range)


def _part_problems(parts: Sequence[Part], at: UnitKey) -> Iterator[str]:
    by_key: dict[str, Part] = {}
    numbers: dict[int, str] = {}
    for part in parts:
        if not _is_own(part.key, at, Area.JSON):
            yield f"{part.key!r} is not a part of this unit"
            continue
        if by_key.setdefault(part.key, part) != part:
            yield f"{part.key!r} is described in two ways"
        number = part_number(part.key)
        if numbers.setdefault(number, part.key) != part.key:
            yield f"{part.key!r} has the number of another part"
        if not _SHA256.fullmatch(part.sha256) or f".{part.sha256[:8]}." not in part.key:
            yield f"{part.key!r} is not the name of a part with sha256 {part.sha256!r}"
        yield from _count_problems(
            rows=part.rows, json_bytes=part.json_bytes, gzip_bytes=part.gzip_bytes
        )
        yield from _range_problems(part.key, part.first_event_ns, part.last_event_ns)
        yield from _time_problems("fetched_at_ms", part.fetched_at_ms, ns_per_unit=10**6)


def _parquet_problems(parquet: ParquetSection, at: UnitKey) -> Iterator[str]:
    yield from _count_problems(
        rows=parquet.rows,
        parquet_bytes=parquet.parquet_bytes,
        row_groups=parquet.row_groups,
        quarantined_rows=parquet.quarantined_rows,
    )
    if parquet.key is not None and not _is_own(parquet.key, at, Area.PARQUET, Area.PENDING):
        yield f"{parquet.key!r} is not a Parquet file of this unit"
    if parquet.quarantine_key is not None:
        if not _is_own(parquet.quarantine_key, at, Area.QUARANTINE):
            yield f"{parquet.quarantine_key!r} is not the quarantine of this unit"
    elif parquet.quarantined_rows:
        yield f"{parquet.quarantined_rows} rows are in a quarantine that it does not name"
    if not _SHA256.fullmatch(parquet.parts_digest):
        yield f"parts_digest is {parquet.parts_digest!r}"
    yield from _file_problems(parquet.key, parquet.rows, parquet.sha256)
    yield from _event_problems("parquet", parquet)


def _day_problems(day: CompactedDay, key: str) -> Iterator[str]:
    at = _own_key(key, lambda: day.manifest_key)
    if at is None or not at.is_day:
        yield f"it says that it is of {_names(day)}"
        return
    yield from _count_problems(
        rows=day.rows, parquet_bytes=day.parquet_bytes, row_groups=day.row_groups
    )
    if day.key is not None and not _is_own(day.key, at, Area.PARQUET):
        yield f"{day.key!r} is not the file of this day"
    yield from _file_problems(day.key, day.rows, day.sha256)
    yield from _windows_problems(day.windows, at)
    for sha256 in day.replacing_sha256s:
        if not _SHA256.fullmatch(sha256):
            yield f"replacing_sha256s has {sha256!r}"
    yield from _windows_problems(day.replacing, at, may_repeat=True)
    rows = sum(window.rows for window in day.windows)
    if rows != day.rows:
        yield f"its windows have {rows} rows, and its file {day.rows}"


def _windows_problems(
    windows: Sequence[CompactedWindow], at: UnitKey, *, may_repeat: bool = False
) -> Iterator[str]:
    """With *may_repeat*, a window may come again: two compactions were about to replace it."""
    spans: list[Window] = []
    for window in windows:
        try:
            spans.append(Window.parse(window.window))
        except UsageError as error:
            yield str(error)
            return
        yield from _count_problems(rows=window.rows)
        if window.sha256 is not None and not _SHA256.fullmatch(window.sha256):
            yield f"{window.window}: its sha256 is {window.sha256!r}"
        yield from _event_problems(window.window, window)
    day = at.window
    if any(span.start < day.start or span.end > day.end for span in spans):
        yield f"some of its windows are not in {day.name}"
    ordered = dict.fromkeys(spans) if may_repeat else spans
    if any(one.end > after.start for one, after in pairwise(ordered)):
        yield "its windows overlap, or are not in the order of time"


def _own_key(key: str, build: Callable[[], str]) -> UnitKey | None:
    """What *key* says, where what the manifest says builds the same."""
    try:
        # Compared as text: the order of the slice's names counts, too.
        return layout.parse_manifest(key) if build() == key else None
    except (UsageError, ValueError):
        return None


def _names(manifest: Manifest | CompactedDay) -> str:
    values = ",".join(f"{name}={value}" for name, value in manifest.slice.items())
    return f"feed {manifest.feed[:80]!r}, slice {values[:200]!r}, window {manifest.window[:80]!r}"


def _is_own(key: str, at: UnitKey, *areas: Area) -> bool:
    """Whether *key* is that of an object of the same unit, in one of *areas*."""
    try:
        parsed = layout.parse(key)
    except UsageError:
        return False
    unit = (parsed.feed, parsed.slice, parsed.window)
    return parsed.area in areas and unit == (at.feed, at.slice, at.window)


def _count_problems(**counts: int) -> Iterator[str]:
    for name, count in counts.items():
        if not 0 <= count <= _MAX_COUNT:
            yield f"{name} is {_short(count)}"


def _file_problems(key: str | None, rows: int, sha256: str | None) -> Iterator[str]:
    """A pending window without rows names a file all the same, and has no sha256."""
    if (rows > 0) != (sha256 is not None) or (rows > 0 and key is None):
        yield f"it has {_short(rows)} rows, the file {key!r} and the sha256 {sha256!r}"
    elif sha256 is not None and not _SHA256.fullmatch(sha256):
        yield f"the sha256 of {key!r} is {sha256!r}"


def _event_problems(name: str, of: ParquetSection | CompactedWindow) -> Iterator[str]:
    known = {ns is not None for ns in (of.first_event_ns, of.last_event_ns)}
    if known != {of.rows > 0}:
        yield f"{name}: {_short(of.rows)} rows from {of.first_event_ns} to {of.last_event_ns}"
    yield from _range_problems(name, of.first_event_ns, of.last_event_ns)


def _range_problems(name: str, first_ns: int | None, last_ns: int | None) -> Iterator[str]:
    yield from _time_problems(name, first_ns)
    yield from _time_problems(name, last_ns)
    if first_ns is not None and last_ns is not None and first_ns > last_ns:
        yield f"{name}: its last event is before its first one"


def _time_problems(name: str, at: int | None, *, ns_per_unit: int = 1) -> Iterator[str]:
    if at is not None and not _FIRST_NS <= at * ns_per_unit <= _LAST_NS:
        yield f"{name}: {_short(at)} is not a time"


def _short(number: int) -> str:
    text = str(number)
    return text if len(text) <= 30 else f"{text[:30]}..."
