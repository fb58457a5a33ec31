"""The records of a body by the plainest reading of a feed's description: whole values in memory.

A second opinion on the reader of all pages, which streams and never has a body whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from include.ticklake.feed.http_source import HttpSource

Trail = tuple[Any, ...]
"""The values on the way to a record, from the body on."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something at the path of the records, and the way to it."""

    value: Any
    trail: Trail
    names: tuple[str, ...]


def plain_records(content: Any, source: HttpSource) -> list[Any]:
    """Every record of *content*, with the names and values that *source* gives it."""
    return [record for found in at_path(content, source) for record in _records(found, source)]


def at_path(content: Any, source: HttpSource) -> list[Found]:
    """The arrays, objects or members at the path of the records."""
    found = [Found(content, (content,), ())]
    for name in _names(source.records):
        found = [inner for one in found for inner in _inside(one, name)]
    if source.shape == "array":
        return [one for one in found if isinstance(one.value, list)]
    if source.columns and source.shape == "object":
        return found
    return [one for one in found if isinstance(one.value, dict)]


def _names(path: str) -> list[str]:
    return [] if path == "$" else path.split(".")


def _inside(found: Found, name: str) -> Iterator[Found]:
    members: Any = ()
    if isinstance(found.value, dict):
        members = found.value.items()
    elif isinstance(found.value, list) and name == "item":
        members = (("item", value) for value in found.value)
    for own, value in members:
        if name in ("*", own):
            yield Found(value, (*found.trail, value), (*found.names, own))


def _records(found: Found, source: HttpSource) -> Iterator[Any]:
    beside: dict[str, Any] = {}
    if source.key_as:
        stars = [at for at, name in enumerate(_names(source.records)) if name == "*"]
        beside[source.key_as] = found.names[stars[-1]]
    for name, path in source.add.items():
        beside[name] = _around(found, path.split("."), _names(source.records))
    for record in _own_records(found.value, source):
        yield beside | record if isinstance(record, dict) else record


def _around(found: Found, path: list[str], records: list[str]) -> Any:
    shared = 0
    while shared < min(len(path) - 1, len(records)) and path[shared] == records[shared]:
        shared += 1
    value = found.trail[shared]
    for name in path[shared:]:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _own_records(value: Any, source: HttpSource) -> Iterator[Any]:
    if source.shape == "columns":
        names = source.columns or [name for name, one in value.items() if isinstance(one, list)]
        for row in zip(*(value[name] for name in names), strict=True):
            yield dict(zip(names, row, strict=True))
        return
    rows = value if source.shape == "array" else [value]
    names = source.columns
    if names == "first_row":
        names, rows = rows[0], rows[1:]
    for row in rows:
        if names is None or isinstance(row, dict):
            yield row
        elif isinstance(row, list):
            yield dict(zip([name.rstrip("?") for name in names], row, strict=False))
        else:
            yield {names[0]: row}


def outside_paths(content: Any, source: HttpSource) -> Iterator[str]:
    """The paths of the values that are in no record: plain ones, and arrays that are not empty."""
    everything = at_path(content, source)
    inside = {id(found.value) for found in everything}
    on_the_way = {id(value) for found in everything for value in found.trail}

    def walk(value: Any, path: tuple[str, ...], *, is_column: bool = False) -> Iterator[str]:
        if id(value) in inside and source.shape != "columns" and isinstance(value, dict | list):
            return
        if isinstance(value, dict):
            columns = id(value) in inside and (source.columns or list(value))
            for name, inner in value.items():
                yield from walk(inner, (*path, name), is_column=bool(columns) and name in columns)
        elif isinstance(value, list):
            if value and not is_column and id(value) not in on_the_way:
                yield ".".join(path)
        elif value is not None:
            yield ".".join(path)

    is_map_of_values = source.shape == "object" and source.columns is not None
    parent = source.records.removesuffix("*").rstrip(".")
    for path in walk(content, ()):
        if not (is_map_of_values and path.rpartition(".")[0] == parent):
            yield path
