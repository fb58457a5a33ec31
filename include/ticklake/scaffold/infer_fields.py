"""Sample records in, a guess at their fields out: types with room, times, keys.

A guess is what all records of the sample agree on; ``why`` says what it leans on. Numbers
get room beyond the digits seen, because the first page never holds the largest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from include.ticklake.model.times import UNIT_NS, TimeUnit, is_number, parse_ns

UNNAMED = "value_"
"""How the names begin that are given to the values of arrays."""

MAX_DEPTH = 3
"""Objects nested deeper are kept as JSON."""

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_TIME_NAME = re.compile(r"time|date|stamp|^ts?$|_ts$|_at$|^at$|since|until|created", re.IGNORECASE)
_UPDATED = re.compile(r"updat|last|close|end|expir|next|server", re.IGNORECASE)
_EVENT_NAME = re.compile(
    r"^(t|ts|time|date|timestamp(_?ms)?|(event|trade|open|created?)(_?(time|at))?)$", re.IGNORECASE
)
_ID_NAME = re.compile(r"(^|_)(id|tid|uid|uuid|key|hash)$", re.IGNORECASE)
_FIRST_NS, _LAST_NS = 1_230_768_000 * 10**9, 2_051_222_400 * 10**9  # 2009 to 2035
_INT64 = 2**63
_MORE_WHOLE_DIGITS, _MORE_PLACES = 6, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class InferredField:
    """One column of the lake, as far as a sample tells."""

    name: str
    source: str
    type: str
    unit: TimeUnit | None = None
    why: str = ""
    key: bool = False
    event_time: bool = False
    required: bool = False
    values: tuple[object, ...] = ()


def fields(
    records: Iterable[Mapping[str, Any]], *, taken: Iterable[str] = ()
) -> list[InferredField]:
    """The columns of *records*, none of them called as those *taken*; one may be the event time."""
    values: dict[str, list[object]] = {}
    rows = 0
    for record in records:
        for path, value in _flat(record):
            column = values.setdefault(path, [None] * rows)
            column += [None] * (rows - len(column)) + [value]
        rows += 1
    for column in values.values():
        column += [None] * (rows - len(column))
    paths = [path for path in values if not any(other.startswith(f"{path}.") for other in values)]
    names = _names(paths, taken=taken)
    found = [_field(names[path], path, values[path]) for path in paths]
    return _with_key(_with_event_time(found))


def _flat(
    record: Mapping[str, Any], *, above: str = "", depth: int = 1
) -> Iterator[tuple[str, Any]]:
    """Paths and values; a name with a dot cannot be reached by a path and is left out."""
    for name, value in record.items():
        path = f"{above}{name}"
        if "." in name or not name or path.startswith("$"):
            continue
        if isinstance(value, Mapping) and value and depth < MAX_DEPTH:
            yield from _flat(value, above=f"{path}.", depth=depth + 1)
        else:
            yield path, value


def _names(paths: Iterable[str], *, taken: Iterable[str]) -> dict[str, str]:
    """A column's name for each path: lower case, apart from every other."""
    used, found = {"date", "fetched_at", *taken}, {}
    for path in paths:
        snake = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", path)
        name = re.sub(r"[^a-z0-9]+", "_", snake.lower()).strip("_")[:55] or "value"
        name = name if name[0].isalpha() else f"value_{name}"
        apart = next(
            candidate
            for candidate in (name, *(f"{name}_{number}" for number in range(2, 10_000)))
            if candidate not in used
        )
        used.add(apart)
        found[path] = apart
    return found


def _field(name: str, source: str, values: list[object]) -> InferredField:
    there = [value for value in values if value is not None]
    kind, unit, why = _type(name, there)
    return InferredField(
        name=name, source=source, type=kind, unit=unit, why=why, values=tuple(values)
    )


def _type(name: str, there: list[object]) -> tuple[str, TimeUnit | None, str]:
    texts = [value for value in there if isinstance(value, str) and value]
    if not there:
        return "string", None, "always null here"
    if all(isinstance(value, bool) for value in there):
        return "bool", None, ""
    if any(isinstance(value, bool | list | Mapping) for value in there):
        return "json", None, ""
    if len(texts) == len([value for value in there if value != ""]) > 0 and all(
        parse_ns(text, unit="iso") is not None and not is_number(text) for text in texts
    ):
        return "timestamp", "iso", ""
    numbers = _numbers(there)
    if numbers is None:
        same = all(isinstance(value, str) for value in there)
        return ("string", None, "") if same else ("json", None, "numbers and text")
    unit = _time_unit(name, numbers)
    if unit:
        return "timestamp", unit, f"the unit, by a range of years: {unit}"
    kind, why = _number_type(numbers)
    return kind, None, why


def _numbers(there: list[object]) -> list[Decimal] | None:
    """The values as numbers, None where one is none; an empty text is no value."""
    found = []
    for value in there:
        if value == "":
            continue
        if isinstance(value, str) and not _NUMBER.fullmatch(value):
            return None
        found.append(Decimal(value))  # type: ignore[arg-type]
    return found or None


def _number_type(numbers: list[Decimal]) -> tuple[str, str]:
    places = max(max(0, -int(number.as_tuple().exponent)) for number in numbers)
    whole = max(max(1, number.adjusted() + 1) for number in numbers)
    if places == 0 and all(abs(number) < _INT64 for number in numbers):
        return "int64", ""
    scale = min(places + _MORE_PLACES, 60) if places else 0
    wanted = whole + _MORE_WHOLE_DIGITS + scale
    if whole + scale > 76 or places > 60:
        return "string", f"more digits than any decimal has: {whole} and {places}"
    precision = next((size for size in (18, 28, 38, 76) if wanted <= size), 76)
    return f"decimal({precision},{scale})", f"{whole} digits and {places} places seen"


def _time_unit(name: str, numbers: list[Decimal]) -> TimeUnit | None:
    """The unit in which all *numbers* are times of our years; seconds need a name for it too."""
    # A value of an array has no name; that it only rises, or only falls, speaks for a time.
    named = bool(_TIME_NAME.search(name)) or (name.startswith(UNNAMED) and _runs(numbers))
    units: list[TimeUnit] = ["ms", "us", "ns"]
    if named:
        units.append("s")
    for unit in units:
        if all(number == number.to_integral_value() for number in numbers) and _in_years(
            numbers, unit=unit
        ):
            return unit
    fractions = any(number != number.to_integral_value() for number in numbers)
    return "float_s" if fractions and named and _in_years(numbers, unit="s") else None


def _in_years(numbers: list[Decimal], *, unit: str) -> bool:
    scale = UNIT_NS[unit]
    return all(_FIRST_NS <= number * scale < _LAST_NS for number in numbers)


def _with_event_time(found: list[InferredField]) -> list[InferredField]:
    """The most likely time of the event marked, where there is one in every record."""
    times = [
        guess
        for guess in found
        if guess.type == "timestamp" and all(value not in (None, "") for value in guess.values)
    ]
    likely = [guess for guess in times if not _UPDATED.search(guess.source)]
    running = [guess for guess in likely if len(guess.values) > 1 and order(guess) != "none"]
    called = [guess for guess in likely if _EVENT_NAME.search(guess.name)]
    chosen = next(iter([*running, *called]), None)
    if chosen is None:
        return found
    others = ", ".join(guess.name for guess in times if guess is not chosen)
    why = f"when it happened{f', or {others}' if others else ''}; {chosen.why}".rstrip("; ")
    marked = replace(chosen, event_time=True, why=why)
    return [marked if guess is chosen else guess for guess in found]


def _with_key(found: list[InferredField]) -> list[InferredField]:
    """The column that tells the records of the sample apart, preferably one named so."""
    alone = [guess for guess in found if guess.type in _KEY_TYPES and _is_unique(guess.values)]
    named = [guess for guess in alone if _ID_NAME.search(guess.name)]
    whole = [guess for guess in alone if guess.type == "int64"]
    times = [guess for guess in alone if guess.event_time]
    texts = [guess for guess in alone if guess.type == "string"]
    chosen = next(iter([*named, *times, *whole, *texts]), None)
    if chosen is None:
        return found
    why = "; ".join(filter(None, (chosen.why, "unique in this page")))
    marked = replace(chosen, key=True, why=why)
    return [marked if guess is chosen else guess for guess in found]


def order(guess: InferredField) -> str:
    """How the sample runs by a time: ascending, descending or none."""
    times = [parse_ns(value, unit=guess.unit or "ms") for value in guess.values]
    known = [at_ns for at_ns in times if at_ns is not None]
    if known == sorted(known):
        return "ascending"
    return "descending" if known == sorted(known, reverse=True) else "none"


def _runs(numbers: list[Decimal]) -> bool:
    return len(numbers) > 1 and (numbers == sorted(numbers) or numbers == sorted(numbers)[::-1])


_KEY_TYPES = {"int64", "string", "timestamp"}


def _is_unique(values: tuple[object, ...]) -> bool:
    return "" not in values and None not in values and len(set(map(str, values))) == len(values)
