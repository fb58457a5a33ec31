"""Everything about time: the epoch, units, and the one grammar of texts and numbers.

Instants are integers, nanoseconds since 1970; no float is on the way. A time is written as

* ISO 8601, as ``iso_times.py`` says; in UTC without an offset, unless the feed has a timezone.
* a text or number in a ``format`` of the feed's own: see ``text_times.py``.
* a number of seconds, milliseconds, microseconds or nanoseconds since 1970, as a JSON
  number or as text, with a fraction or an exponent as well.

What lies outside the years 1 to 9999 is not a time: most likely its unit is another one.
"""

from __future__ import annotations

import decimal
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from include.ticklake.model.iso_times import ClockTime, parse_iso
from include.ticklake.model.time_zones import to_utc

TimeUnit = Literal["s", "ms", "us", "ns", "float_s", "iso"]
"""How a source writes a time; ``float_s``: seconds with a fraction."""

UNIT_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
PER_SECOND: dict[TimeUnit, int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
UNIT_NAMES = {"s": "a second", "ms": "a millisecond", "us": "a microsecond", "ns": "a nanosecond"}

Years = tuple[int, int]
"""First and last year of an event, both inside."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_NS = int(datetime.min.replace(tzinfo=UTC).timestamp()) * 10**9
_END_NS = (int(datetime.max.replace(microsecond=0, tzinfo=UTC).timestamp()) + 1) * 10**9

_USUAL_LENGTHS = {20, 24, 27, 30}  # 2026-11-22T05:00:00Z, with three, six or nine digits
_USUAL = {"--T::Z", "--T::."}  # every third character of these
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_MAX_DIGITS = 30
# Exact at any number of digits: the default context would round at the 28th.
_EXACT = decimal.Context(
    prec=decimal.MAX_PREC,
    Emin=decimal.MIN_EMIN,
    Emax=decimal.MAX_EMAX,
    traps=[decimal.InvalidOperation],
)


class Instant(NamedTuple):
    """A point in time."""

    ns: int
    """Nanoseconds since 1970, rounded down."""
    is_exact: bool
    """False where the source writes it finer than a nanosecond."""


def epoch_ns(moment: datetime) -> int:
    """Nanoseconds since 1970 of an aware datetime."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000


def is_number(value: object) -> bool:
    """Whether *value* is a number, or a text that is one."""
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def parse(value: object, *, unit: TimeUnit) -> Instant | None:
    """The instant *value*, written in *unit*; None if it is not a time."""
    if unit == "iso":
        return _parse_iso_instant(value) if isinstance(value, str) else None
    if not is_number(value):
        return None
    try:
        number = Decimal(value)  # type: ignore[arg-type]
    except (decimal.InvalidOperation, ValueError):
        return None
    # 1e999999999 is valid JSON, not a time, and long to write out; so is 1e-999999999.
    if not -_MAX_DIGITS < number.adjusted() < _MAX_DIGITS:
        if number and number.adjusted() > 0:
            return None
        return Instant(-(number < 0), is_exact=not number)
    scaled = number.scaleb(9 if unit == "float_s" else len(str(UNIT_NS[unit])) - 1, _EXACT)
    return _instant(math.floor(scaled), is_exact=scaled == scaled.to_integral_value())


def parse_any(value: object, units: Sequence[TimeUnit], *, years: Years) -> Instant | None:
    """The instant *value* in the one of *units* that gives a plausible year.

    A single unit is taken at its word. Zero is 1970 in every unit.
    """
    if len(units) == 1:
        return parse(value, unit=units[0])
    first_ns, after_ns = plausible_range(years, unit="ns")
    for unit in units:
        instant = parse(value, unit=unit)
        if instant and (instant == (0, True) or first_ns <= instant.ns < after_ns):
            return instant
    return None


def parse_ns(value: object, *, unit: TimeUnit) -> int | None:
    """Nanoseconds since 1970 of *value*, rounded down; None if it is not a time."""
    if unit == "iso" and isinstance(value, str) and _is_usual(value):
        at_ns = _usual_ns(value)
        if at_ns is not None:
            return at_ns
    instant = parse(value, unit=unit)
    return instant.ns if instant else None


def within_calendar(at_ns: int) -> int | None:
    """*at_ns*; None outside the years 1 to 9999."""
    return at_ns if _FIRST_NS <= at_ns < _END_NS else None


def are_within_calendar(times_ns: Sequence[int]) -> bool:
    """Whether all of *times_ns*, one at least, are in the years 1 to 9999."""
    return min(times_ns) >= _FIRST_NS and max(times_ns) < _END_NS


def _is_usual(text: str) -> bool:
    # As most sources write it; three times as fast as taking it apart by hand.
    return text[4:20:3] in _USUAL and len(text) in _USUAL_LENGTHS and text[-1] == "Z"


def _usual_ns(text: str) -> int | None:
    finer_ns = 0
    if len(text) == 30:
        finer, text = text[26:29], f"{text[:26]}Z"
        if not (finer.isascii() and finer.isdigit()):
            return None
        finer_ns = int(finer)
    try:
        return epoch_ns(datetime.fromisoformat(text)) + finer_ns
    except ValueError:
        return None


def _parse_iso_instant(text: str) -> Instant | None:
    if _is_usual(text) and (at_ns := _usual_ns(text)) is not None:
        return Instant(at_ns, is_exact=True)
    time = parse_iso(text)
    return to_instant(time) if time else None


def to_instant(time: ClockTime, *, zone: ZoneInfo | None = None) -> Instant | None:
    """The instant of *time*; without an offset, that of *zone*'s clock, or UTC.

    None outside the calendar, and where the zone's clock shows the time twice, or never.
    """
    moment: datetime | None = time.clock.replace(tzinfo=UTC)
    if zone and time.offset is None:
        moment = to_utc(time.clock, zone)
    if moment is None:
        return None
    since = moment - EPOCH - (time.offset or timedelta())
    fraction_ns = int(time.fraction[:9].ljust(9, "0"))
    at_ns = (since.days * 86_400 + since.seconds) * 10**9 + fraction_ns
    return _instant(at_ns, is_exact=not time.fraction[9:].strip("0"))


def _instant(at_ns: int, *, is_exact: bool) -> Instant | None:
    return Instant(at_ns, is_exact) if _FIRST_NS <= at_ns < _END_NS else None


def plausible_range(years: Years, *, unit: TimeUnit) -> tuple[int, int]:
    """The first instant of *years* in *unit*, and the first after them."""
    first, last = years
    per_second = PER_SECOND[unit]
    begin = int(datetime(first, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(last, 12, 31, tzinfo=UTC).timestamp()) + 86_400
    return begin * per_second, end * per_second


def detect_other_unit(text: str, units: Sequence[TimeUnit], *, years: Years) -> str | None:
    """``in us it is 2025-01-01T00:00:00.000001Z`` where *text* is a time in another unit.

    Numbers of one century in seconds, milliseconds, microseconds and nanoseconds never
    coincide, so one that gives a plausible year in a unit only that the feed does not name
    is of a source that has changed its unit. Binance did on 2025-01-01. None where *text*
    is not a time in any unit, or one in a unit of *units*.
    """
    detected = _detect_unit(text, years)
    if detected is None or detected[0] in units or (detected[0] == "s" and "float_s" in units):
        return None
    unit, at_ns = detected
    moment = EPOCH + timedelta(microseconds=at_ns // 1_000)
    return f"{'as' if unit == 'iso' else 'in'} {unit} it is {moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def suggest_unit(text: str, units: Sequence[TimeUnit], *, years: Years) -> str:
    """What to write into the feed where *text* is a time in another unit than *units*."""
    unit, _ = _detect_unit(text, years) or ("ms", 0)
    if unit in PER_SECOND and set(units) <= set(PER_SECOND):
        both = ", ".join([*units, unit])
        return f"set unit: {unit}, or unit: [{both}] where both occur"
    return f"set unit: {unit}"


def _detect_unit(text: str, years: Years) -> tuple[TimeUnit, int] | None:
    first_ns, after_ns = plausible_range(years, unit="ns")
    candidates: Sequence[TimeUnit] = tuple(PER_SECOND) if is_number(text) else ("iso",)
    for unit in candidates:
        instant = parse(text, unit=unit)
        if instant and first_ns <= instant.ns < after_ns:
            return unit, instant.ns
    return None
