"""A record in, the instant it happened out: integers only, nanoseconds since 1970."""

from __future__ import annotations

import decimal
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from include.ticklake.feed.feed import Feed
from include.ticklake.model import surrogates, times
from include.ticklake.model.record import Record
from include.ticklake.model.times import UNIT_NS, TimeUnit

_DAY_ONE = datetime(1970, 1, 1, tzinfo=UTC)
_USUAL_LENGTHS = {20, 24, 27}  # 2026-11-22T05:00:00Z, with three or six digits of a second
_USUAL = {"--T::Z", "--T::."}  # every third sign of these
_FIRST_NS = int(datetime.min.replace(tzinfo=UTC).timestamp()) * 10**9
_END_NS = (int(datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp()) + 1) * 10**9

# Exact at any number of digits: the default context would round at the 28th.
_EXACT = decimal.Context(
    prec=decimal.MAX_PREC,
    Emin=decimal.MIN_EMIN,
    Emax=decimal.MAX_EMAX,
    traps=[decimal.InvalidOperation],
)
_MAX_DIGITS = 30
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?", re.ASCII)


def event_ns_of(feed: Feed) -> Callable[[Record], int | None]:
    """A function that reads the event time out of a record; None where it is not readable.

    Only the one value is decoded, the rest of the record is skipped.
    """
    field = feed.event_time[1]
    if len(field.units) < 2:
        return _in(next(iter(field.units), "ms"), field.source)
    readers = [_in(unit, field.source) for unit in field.units]
    first_ns, after_ns = times.plausible_range(feed.years, unit="ns")

    def event_ns(record: Record) -> int | None:
        found = (read(record) for read in readers)
        return next((ns for ns in found if ns is not None and first_ns <= ns < after_ns), None)

    return event_ns


def text_at(path: str) -> Callable[[Record], str]:
    """A function that reads the text at *path* out of a record, without quotes; empty if none."""
    written = _reader(path, msgspec.Raw)

    def text(record: Record) -> str:
        value = bytes(found) if isinstance(found := written(record), msgspec.Raw) else b""
        return value.decode().removeprefix('"').removesuffix('"')

    return text


def _in(unit: TimeUnit, path: str) -> Callable[[Record], int | None]:
    """A function that reads the instant at *path* out of a record, written in *unit*."""
    written = text_at(path)

    def from_text(record: Record) -> int | None:
        return parse_ns(written(record), unit=unit)

    if unit == "float_s":
        return from_text
    common = _reader(path, int | str | None)
    scale = UNIT_NS.get(unit, 1)

    def event_ns(record: Record) -> int | None:
        value = common(record)
        if type(value) is int and unit != "iso":
            return _within_years(value * scale)
        if value is None and unit != "iso":
            return from_text(record)  # 1577836800000.5 is rare, but a number
        return parse_ns(value, unit=unit)

    return event_ns


def parse_ns(value: object, *, unit: TimeUnit) -> int | None:
    """Nanoseconds since 1970 of *value* as a source writes it; None if it is no time.

    What is finer than a nanosecond is rounded down. What lies outside the years 1 to 9999
    is no time: most likely its unit is another than the feed says.
    """
    if unit == "iso":
        return _iso_ns(value) if isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    try:
        number = Decimal(value)
        # 1e999999999 is valid JSON, no time, and long to write out; so is 1e-999999999.
        if not -_MAX_DIGITS < number.adjusted() < _MAX_DIGITS:
            return 0 if not number else None if number.adjusted() > 0 else -(number < 0)
        places = 9 if unit == "float_s" else len(str(UNIT_NS[unit])) - 1
        return _within_years(math.floor(number.scaleb(places, _EXACT)))
    except (decimal.InvalidOperation, ValueError, OverflowError):
        return None


def _reader(path: str, shape: object) -> Callable[[Record], object]:
    """What finds the value at *path* in a record, as *shape*; None where it does not fit."""
    names = path.split(".")
    for name in reversed(names):
        shape = msgspec.defstruct("At", [("value", shape, None)], rename={"value": name})
    decode = msgspec.json.Decoder(shape).decode

    def read(record: Record | bytes) -> object:
        try:
            value: object = decode(record)
            for _ in names:
                value = value.value  # type: ignore[attr-defined]
        except (msgspec.MsgspecError, AttributeError, RecursionError):
            clean, _ = surrogates.mask_lone_surrogates(given := bytes(record))
            return None if clean is given else read(clean)
        return value

    return read


def _iso_ns(text: str) -> int | None:
    # As most sources write it; three times as fast as taking it apart by hand.
    if text[4:20:3] in _USUAL and len(text) in _USUAL_LENGTHS and text[-1] == "Z":
        try:
            since = datetime.fromisoformat(text) - _DAY_ONE
        except ValueError:
            return None
        return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000
    found = _ISO.fullmatch(text)
    if not found:
        return None
    date, time, fraction, offset = found.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{time}{offset or '+00:00'}")
    except ValueError:
        return None
    seconds = int(moment.timestamp())
    return _within_years(seconds * 10**9 + int((fraction or "")[:9].ljust(9, "0")))


def _within_years(at_ns: int) -> int | None:
    return at_ns if _FIRST_NS <= at_ns < _END_NS else None
