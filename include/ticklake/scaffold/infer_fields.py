"""Infer the fields of a feed from sample records: types, event time, key.

An inferred field holds for all records of the sample; ``reason`` says why. Numbers get more
digits than the sample has, because the first page rarely holds the largest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from include.ticklake.model.times import UNIT_NS, TimeUnit, is_number, parse_ns
from include.ticklake.types.timestamp import LakeUnit, TimestampType

UNNAMED = "value_"
"""Prefix of the names that values of arrays are given."""

MAX_DEPTH = 3
"""Objects nested deeper become JSON columns."""

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_TIME_NAME = re.compile(r"time|date|stamp|^ts?$|_ts$|_at$|^at$|since|until|created", re.IGNORECASE)
_UPDATED = re.compile(r"updat|last|close|end|expir|next|server", re.IGNORECASE)
_EVENT_NAME = re.compile(
    r"^(t|ts|time|date|timestamp(_?ms)?|(event|trade|open|created?)(_?(time|at))?)$", re.IGNORECASE
)
_ID_NAME = re.compile(r"(^|_)(id|tid|uid|uuid|key|hash)$", re.IGNORECASE)
_FIRST_NS, _LAST_NS = 1_230_768_000 * 10**9, 2_051_222_400 * 10**9  # 2009 to 2035
_PRECISIONS: tuple[LakeUnit, ...] = ("ms", "us", "ns")
_INT64 = 2**63
_MORE_WHOLE_DIGITS, _MORE_PLACES = 6, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class InferredField:
    """One column of the lake, inferred from a sample."""

    name: str
    source: str
    type: str
    unit: TimeUnit | None = None
    precision: LakeUnit | None = None
    """Of a timestamp's column, where the unit's default is not what the sample needs."""
    reason: str = ""
    key: bool = False
    event_time: bool = False
    required: bool = False
    values: tuple[object, ...] = ()


def infer_fields(
    records: Iterable[Mapping[str, Any]], *, taken: Iterable[str] = ()
) -> list[InferredField]:
    """The columns of *records*, with names other than *taken*; at most one is the event time."""
    values: dict[str, list[object]] = {}
    rows = 0
    for record in records:
        for path, value in _flatten(record):
            column = values.setdefault(path, [None] * rows)
            column += [None] * (rows - len(column)) + [value]
        rows += 1
    for column in values.values():
        column += [None] * (rows - len(column))
    paths = [path for path in values if not any(other.startswith(f"{path}.") for other in values)]
    names = _names(paths, taken=taken)
    inferred = [_field(names[path], path, values[path]) for path in paths]
    return _with_key(_with_event_time(inferred))


def _flatten(
    record: Mapping[str, Any], *, prefix: str = "", depth: int = 1
) -> Iterator[tuple[str, Any]]:
    """Paths and values; names with a dot are left out, as no path reaches them."""
    for name, value in record.items():
        path = f"{prefix}{name}"
        if "." in name or not name or path.startswith("$"):
            continue
        if isinstance(value, Mapping) and value and depth < MAX_DEPTH:
            yield from _flatten(value, prefix=f"{path}.", depth=depth + 1)
        else:
            yield path, value


def _names(paths: Iterable[str], *, taken: Iterable[str]) -> dict[str, str]:
    """A distinct lower-case column name for each path."""
    used, names = {"date", "fetched_at", *taken}, {}
    for path in paths:
        snake = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", path)
        name = re.sub(r"[^a-z0-9]+", "_", snake.lower()).strip("_")[:55] or "value"
        name = name if name[0].isalpha() else f"value_{name}"
        distinct = next(
            candidate
            for candidate in (name, *(f"{name}_{number}" for number in range(2, 10_000)))
            if candidate not in used
        )
        used.add(distinct)
        names[path] = distinct
    return names


def _field(name: str, source: str, values: list[object]) -> InferredField:
    present = [value for value in values if value is not None]
    kind, unit, reason = _type(name, present)
    return InferredField(
        name=name, source=source, type=kind, unit=unit, reason=reason, values=tuple(values),
        precision=_precision(present, unit) if unit else None,
    )  # fmt: skip


def _precision(values: list[object], unit: TimeUnit) -> LakeUnit | None:
    """The precision that all *values* need, where it is not the unit's default.

    Microseconds are enough for most texts, and every engine has them.
    """
    instants = [parse_ns(value, unit=unit) or 0 for value in values]
    finest: LakeUnit = "ns"
    for precision in _PRECISIONS:
        if all(ns % UNIT_NS[precision] == 0 for ns in instants):
            finest = precision
            break
    if unit == "iso":
        return None if finest == "ns" else "us"
    default = TimestampType((unit,)).unit
    return finest if UNIT_NS[finest] < UNIT_NS[default] else None


def _type(name: str, values: list[object]) -> tuple[str, TimeUnit | None, str]:
    texts = [value for value in values if isinstance(value, str) and value]
    if not values:
        return "string", None, "always null in this page"
    if all(isinstance(value, bool) for value in values):
        return "bool", None, ""
    if any(isinstance(value, bool | list | Mapping) for value in values):
        return "json", None, ""
    if len(texts) == len([value for value in values if value != ""]) > 0 and all(
        parse_ns(text, unit="iso") is not None and not is_number(text) for text in texts
    ):
        return "timestamp", "iso", ""
    numbers = _numbers(values)
    if numbers is None:
        all_text = all(isinstance(value, str) for value in values)
        return ("string", None, "") if all_text else ("json", None, "numbers and text")
    unit = _time_unit(name, numbers)
    if unit:
        return "timestamp", unit, f"{unit} gives plausible years"
    kind, reason = _number_type(numbers)
    return kind, None, reason


def _numbers(values: list[object]) -> list[Decimal] | None:
    """The values as numbers, ignoring empty texts; None where one is not a number."""
    numbers = []
    for value in values:
        if value == "":
            continue
        if isinstance(value, str) and not _NUMBER.fullmatch(value):
            return None
        numbers.append(Decimal(value))  # type: ignore[arg-type]
    return numbers or None


def _number_type(numbers: list[Decimal]) -> tuple[str, str]:
    places = max(max(0, -int(number.as_tuple().exponent)) for number in numbers)
    whole = max(max(1, number.adjusted() + 1) for number in numbers)
    if places == 0 and all(abs(number) < _INT64 for number in numbers):
        return "int64", ""
    scale = min(places + _MORE_PLACES, 60) if places else 0
    digits = whole + _MORE_WHOLE_DIGITS + scale
    if whole + scale > 76 or places > 60:
        return (
            "string",
            f"too many digits for a decimal: {whole} before the point, {places} after it",
        )
    precision = next((size for size in (18, 28, 38, 76) if digits <= size), 76)
    before = f"{whole} digit{'' if whole == 1 else 's'} before the point"
    return (
        f"decimal({precision},{scale})",
        f"at most {before} and {places} after it in this page",
    )


def _time_unit(name: str, numbers: list[Decimal]) -> TimeUnit | None:
    """The unit that makes all *numbers* plausible times; seconds need a matching name, too."""
    # A value of an array has no name; values that only rise, or only fall, may be times.
    named = bool(_TIME_NAME.search(name)) or (name.startswith(UNNAMED) and _is_monotonic(numbers))
    units: list[TimeUnit] = ["ms", "us", "ns"]
    if named:
        units.append("s")
    for unit in units:
        if all(number == number.to_integral_value() for number in numbers) and _in_years(
            numbers, unit=unit
        ):
            return unit
    if named and any(number != number.to_integral_value() for number in numbers):
        fractional: dict[str, TimeUnit] = {"s": "float_s", "ms": "ms", "us": "us"}
        return next((fractional[u] for u in fractional if _in_years(numbers, unit=u)), None)
    return None


def _in_years(numbers: list[Decimal], *, unit: str) -> bool:
    scale = UNIT_NS[unit]
    return all(_FIRST_NS <= number * scale < _LAST_NS for number in numbers)


def _with_event_time(inferred: list[InferredField]) -> list[InferredField]:
    """*inferred* with the most likely event time marked, if every record has one."""
    times = [
        field
        for field in inferred
        if field.type == "timestamp" and all(value not in (None, "") for value in field.values)
    ]
    likely = [field for field in times if not _UPDATED.search(field.source)]
    ordered = [field for field in likely if len(field.values) > 1 and infer_order(field) != "none"]
    named = [field for field in likely if _EVENT_NAME.search(field.name)]
    chosen = next(iter([*ordered, *named]), None)
    if chosen is None:
        return inferred
    others = ", ".join(field.name for field in times if field is not chosen)
    reason = f"when it happened{f', or {others}' if others else ''}; {chosen.reason}".rstrip("; ")
    marked = replace(chosen, event_time=True, reason=reason)
    return [marked if field is chosen else field for field in inferred]


def _with_key(inferred: list[InferredField]) -> list[InferredField]:
    """*inferred* with a column that is unique in the sample marked, an id if there is one."""
    unique = [field for field in inferred if field.type in _KEY_TYPES and _is_unique(field.values)]
    named = [field for field in unique if _ID_NAME.search(field.name)]
    whole = [field for field in unique if field.type == "int64"]
    times = [field for field in unique if field.event_time]
    texts = [field for field in unique if field.type == "string"]
    chosen = next(iter([*named, *times, *whole, *texts]), None)
    if chosen is None:
        return inferred
    reason = "; ".join(filter(None, (chosen.reason, "unique in this page")))
    marked = replace(chosen, key=True, reason=reason)
    return [marked if field is chosen else field for field in inferred]


def infer_order(field: InferredField) -> str:
    """The order of the sample by a time: ascending, descending or none."""
    times = [parse_ns(value, unit=field.unit or "ms") for value in field.values]
    known_ns = [at_ns for at_ns in times if at_ns is not None]
    if known_ns == sorted(known_ns):
        return "ascending"
    return "descending" if known_ns == sorted(known_ns, reverse=True) else "none"


def _is_monotonic(numbers: list[Decimal]) -> bool:
    return len(numbers) > 1 and (numbers == sorted(numbers) or numbers == sorted(numbers)[::-1])


_KEY_TYPES = {"int64", "string", "timestamp"}


def _is_unique(values: tuple[object, ...]) -> bool:
    return "" not in values and None not in values and len(set(map(str, values))) == len(values)
