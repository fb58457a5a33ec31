"""Infer the fields of a feed from sample records: their names, paths and types.

An inferred field holds for all records of the sample; ``reason`` says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from include.ticklake.feed.fields import FieldSpec
from include.ticklake.model.times import TimeUnit, parse_ns
from include.ticklake.scaffold import infer_times
from include.ticklake.scaffold.infer_elements import elements_in
from include.ticklake.scaffold.infer_texts import infer_format, null_texts
from include.ticklake.scaffold.infer_types import as_numbers, finest_unit, infer_type
from include.ticklake.scaffold.name_words import snake_case
from include.ticklake.types.timestamp import LakeUnit

MAX_DEPTH = 3
"""Objects nested deeper become JSON columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InferredField:
    """One column of the lake, inferred from a sample."""

    name: str
    source: str
    type: str
    unit: TimeUnit | None = None
    format: str | None = None
    """Of a time that is neither a number since 1970 nor ISO 8601, in place of its unit."""
    null_values: tuple[str, ...] = ()
    """Texts that mean nothing; there is None in their place in ``values``."""
    precision: LakeUnit | None = None
    """Of a timestamp's column, where the unit's default is not what the sample needs."""
    reason: str = ""
    key: bool = False
    event_time: bool = False
    required: bool = False
    values: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InferredFields:
    """The columns of a sample, and the names in it that no path of a feed reaches."""

    fields: list[InferredField]
    unreachable: tuple[str, ...] = ()


def infer_fields(
    records: Iterable[Mapping[str, Any]], *, taken: Iterable[str] = ()
) -> InferredFields:
    """The columns of *records*, with names other than *taken*."""
    values: dict[str, list[object]] = {}
    unreachable: dict[str, None] = {}
    rows = 0
    for record in records:
        for path, value in _flatten(record, unreachable):
            column = values.setdefault(path, [None] * rows)
            column += [None] * (rows - len(column)) + [value]
        rows += 1
    for column in values.values():
        column += [None] * (rows - len(column))
    values = dict(elements_in(values.items()))
    paths = _without_parents(values)
    nulls = {path: found for path in paths if (found := null_texts(values[path]))}
    for path, texts in nulls.items():
        values[path] = [None if value in texts else value for value in values[path]]
    names = _names(paths, taken=taken)
    units = _time_units({path: values[path] for path in paths})
    mixed = {path for path in paths if any(other.startswith(f"{path}.") for other in values)}
    fields = [
        InferredField(name=names[path], source=path, type="json", reason="objects and others")
        if path in mixed
        else _field(names[path], path, values[path], units.get(path))
        for path in paths
    ]
    fields = [replace(field, null_values=tuple(nulls.get(field.source, ()))) for field in fields]
    return InferredFields(fields=fields, unreachable=tuple(unreachable))


def _without_parents(values: Mapping[str, list[object]]) -> list[str]:
    """The paths to make columns of, one for each value.

    What is an object in some records and null in others are the columns of the object; where
    it is also a plain value, it is one column of JSON.
    """
    whole = [
        path
        for path, column in values.items()
        if any(value not in (None, {}) for value in column)
        and any(other.startswith(f"{path}.") for other in values)
    ]
    inside = tuple(f"{path}." for path in whole)
    kept = [path for path in values if not (inside and path.startswith(inside))]
    return [path for path in kept if not any(other.startswith(f"{path}.") for other in kept)]


def _flatten(
    record: Mapping[str, Any], unreachable: dict[str, None], *, prefix: str = "", depth: int = 1
) -> Iterator[tuple[str, Any]]:
    """Paths and values; the names that no path reaches are added to *unreachable*."""
    for name, value in record.items():
        path = f"{prefix}{name}"
        if "." in name or name.startswith("$") or not _is_path(path):
            unreachable[path] = None
        elif isinstance(value, Mapping) and value and depth < MAX_DEPTH:
            yield from _flatten(value, unreachable, prefix=f"{path}.", depth=depth + 1)
        else:
            yield path, value


@lru_cache(maxsize=10_000)
def _is_path(path: str) -> bool:
    """Whether a feed can read what is at *path*: names with a blank, for example, it cannot."""
    try:
        FieldSpec.model_validate({"from": path, "type": "string"})
    except ValidationError:
        return False
    return True


def _names(paths: Iterable[str], *, taken: Iterable[str]) -> dict[str, str]:
    """A distinct lower-case column name for each path."""
    used, names = {"date", "fetched_at", *taken}, {}
    for path in paths:
        name = snake_case(path)
        distinct = next(
            candidate
            for candidate in (name, *(f"{name}_{number}" for number in range(2, 10_000)))
            if candidate not in used
        )
        used.add(distinct)
        names[path] = distinct
    return names


def _time_units(columns: Mapping[str, list[object]]) -> dict[str, TimeUnit]:
    """The unit of each column that is a time."""
    units: dict[str, TimeUnit] = {}
    numbers: dict[str, list[Decimal]] = {}
    known: list[list[Decimal]] = []
    for path, values in columns.items():
        present = [value for value in values if value is not None]
        texts = [value for value in present if isinstance(value, str) and value]
        only_texts = bool(texts) and len(texts) == len([value for value in present if value != ""])
        if only_texts and infer_times.are_iso(texts):
            units[path] = "iso"
            known.append([Decimal(parse_ns(text, unit="iso") or 0) for text in texts])
        elif found := as_numbers(present):
            numbers[path] = found
    return units | infer_times.number_units(numbers, known=known)


def _field(name: str, source: str, values: list[object], unit: TimeUnit | None) -> InferredField:
    present = [value for value in values if value is not None]
    if unit and infer_times.are_exact(present, unit):
        reason = _time_reason(unit, present)
        return InferredField(
            name=name, source=source, type="timestamp", unit=unit, reason=reason,
            values=tuple(values), precision=finest_unit(present, unit),
        )  # fmt: skip
    if format_ := infer_format(source, present):
        return InferredField(
            name=name, source=source, type="timestamp", format=format_, values=tuple(values),
            reason="without a zone, read as UTC; if it is another, set timezone",
        )  # fmt: skip
    kind, reason = infer_type(present)
    return InferredField(name=name, source=source, type=kind, reason=reason, values=tuple(values))


def _time_reason(unit: TimeUnit, values: list[object]) -> str:
    if unit != "iso":
        return f"{unit} gives plausible years"
    if all(infer_times.has_zone(str(value)) for value in values if value != ""):
        return ""
    return "without a zone, read as UTC; if it is another, set timezone"
