"""When a record happened: a function that reads its event time, as nanoseconds since 1970.

Of a block of records all times are read at once where they are numbers of one unit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from include.ticklake.feed.feed import Feed
from include.ticklake.feed.fields import FieldSpec
from include.ticklake.model import json_path, times
from include.ticklake.model.record import Record
from include.ticklake.model.text_times import TextTimes
from include.ticklake.model.times import UNIT_NS, TimeUnit

EventTime = Callable[[Record], int | None]
EventTimes = Callable[[Sequence[Record]], Sequence[int | None]]


def event_ns_of(feed: Feed) -> EventTime:
    """A function that reads the event time of a record; None where it is not readable.

    Only that one value is decoded, the rest of the record is skipped. What is finer than a
    nanosecond is rounded down: it lies in the same window.
    """
    field = feed.event_time[1]
    event_ns = _reader(feed, field)
    if field.null_values is None:
        return event_ns
    nulls, find = field.nulls, json_path.finder(field.source.split("."))

    def event_ns_or_null(record: Record) -> int | None:
        return None if nulls.matches_json(bytes(find(record) or b"")) else event_ns(record)

    return event_ns_or_null


def event_times_of(feed: Feed) -> EventTimes:
    """A function that reads the event times of a block of records, as ``event_ns_of`` does."""
    field, event_ns = feed.event_time[1], event_ns_of(feed)
    unit = field.units[0] if len(field.units) == 1 else None
    unit_ns = UNIT_NS.get(unit) if unit else None
    if field.null_values is not None or field.text_times or unit_ns is None:
        return lambda block: [event_ns(record) for record in block]
    scale, find_all = unit_ns, json_path.block_finder(field.source.split("."))

    def event_times(block: Sequence[Record]) -> Sequence[int | None]:
        values = find_all(block) if len(block) > 1 else None
        times_ns = [value * scale for value in values] if values else []
        if times_ns and times.are_within_calendar(times_ns):
            return times_ns
        return [event_ns(record) for record in block]

    return event_times


def _reader(feed: Feed, field: FieldSpec) -> EventTime:
    if field.text_times and field.text_times != TextTimes():
        return _in_text(field.text_times, field.source)
    if len(field.units) == 1:
        return _in_unit(field.units[0], field.source)
    return _in_any_unit(field.units, field.source, years=feed.years)


def text_at(path: str) -> Callable[[Record], str]:
    """A function that reads the text at *path* of a record, without quotes; empty if none."""
    find = json_path.finder(path.split("."))

    def text(record: Record) -> str:
        value = bytes(find(record) or b"")
        try:
            return str(msgspec.json.decode(value)) if value[:1] == b'"' else value.decode()
        except msgspec.DecodeError:  # half of a surrogate pair
            return ""

    return text


def _in_unit(unit: TimeUnit, path: str) -> EventTime:
    text = text_at(path)
    if unit == "float_s":
        return lambda record: times.parse_ns(text(record), unit=unit)
    find = json_path.finder(path.split("."), int | str | None)
    if unit == "iso":
        return lambda record: times.parse_ns(find(record), unit=unit)
    unit_ns = UNIT_NS[unit]

    def event_ns(record: Record) -> int | None:
        value = find(record)
        if type(value) is int:
            return times.within_calendar(value * unit_ns)
        # 1577836800000.5 is rare, but a number.
        return times.parse_ns(text(record) if value is None else value, unit=unit)

    return event_ns


def _in_text(times_as_text: TextTimes, path: str) -> EventTime:
    if times_as_text.format:
        text = text_at(path)  # 20261122 may be a number
    else:
        find = json_path.finder(path.split("."), str | None)

        def text(record: Record) -> str:
            return find(record) or ""

    def event_ns(record: Record) -> int | None:
        instant = times_as_text.parse(text(record))
        return instant.ns if instant else None

    return event_ns


def _in_any_unit(units: Sequence[TimeUnit], path: str, *, years: times.Years) -> EventTime:
    text = text_at(path)
    find = json_path.finder(path.split("."), int | str | None)
    first_ns, after_ns = times.plausible_range(years, unit="ns")
    scales = [UNIT_NS[unit] for unit in units]

    def event_ns(record: Record) -> int | None:
        value = find(record)
        if type(value) is int and value:
            instants = (value * unit_ns for unit_ns in scales)
            return next((ns for ns in instants if first_ns <= ns < after_ns), None)
        instant = times.parse_any(text(record), units, years=years)
        return instant.ns if instant else None

    return event_ns
