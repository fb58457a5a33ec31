"""``into: binance_agg_trades``: files whose records belong to the table of another feed.

What the table is, that feed says: its columns with their types and keys, its slices, its candles.
The feed of the files takes them over before it is checked, and says only what is different in
the files: another name of a value, another unit of a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from include.ticklake.errors import did_you_mean
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.fields import FieldSpec
from include.ticklake.feed.files_source import FilesSource
from include.ticklake.feed.slice_values import known_values
from include.ticklake.model.strict import FieldError
from include.ticklake.model.window_length import Months, WindowLength, format_window_length
from include.ticklake.types.date import DateType

_OF_THE_TABLE = (
    "snapshot", "candle", "candle_opens", "plausible_years", "part_bytes", "retention",
)  # fmt: skip
_INHERITED = ("candle", "candle_opens", "plausible_years", "part_bytes")
_DAY = timedelta(days=1)
_OF_TIMES = ("unit", "format", "timezone", "precision")


def with_target(data: Mapping[str, Any], target: Feed) -> dict[str, Any]:
    """The *data* of a feed file with all that it takes from *target*.

    ``FieldError`` where it says something that only *target* can say.
    """
    for name in _OF_THE_TABLE:
        if name in data:
            raise FieldError(f"is what {target.name} says; remove it", path=(name,))
    own, own_slices = data.get("fields", {}), data.get("slices")
    if isinstance(own_slices, dict) and set(own_slices) != set(target.slices):
        names = ", ".join(target.slices) or "no slices"
        raise FieldError(f"{target.name} has {names}; use these names", path=("slices",))
    for name in own if isinstance(own, dict) else ():
        if name not in target.fields:
            raise FieldError(
                f"{target.name} has no column of this name{did_you_mean(name, target.fields)}; add "
                "it there, or remove it here",
                path=("fields", name),
            )
    inherited = target.model_dump(include={*_INHERITED, "slices"}, exclude_unset=True)
    merged = {**inherited, **data}
    if isinstance(data.get("ignore", []), list):
        merged["ignore"] = [*target.ignore, *data.get("ignore", [])]
    if isinstance(own, dict):
        merged["fields"] = {
            name: _field(field, own.get(name), data) for name, field in target.fields.items()
        }
    return merged


def _field(field: FieldSpec, own: object, data: Mapping[str, Any]) -> object:
    """A column of the table as the files have it: *own* is what their feed says of it."""
    source = data.get("source")
    inherited = field.model_dump(by_alias=True, exclude_defaults=True) | {"from": field.source}
    inherited.pop("renamed_from", None)
    if own is not None and not isinstance(own, dict):
        return own
    if own and ("unit" in own or "format" in own):
        inherited = {name: value for name, value in inherited.items() if name not in _OF_TIMES}
    if "null_values" in data:
        inherited.pop("null_values", None)
    if isinstance(source, dict) and "timezone" in source:
        inherited.pop("timezone", None)
    return inherited | (own or {})


def find_mistakes(feed: Feed) -> Iterator[FieldError]:
    """Yield why the files of *feed* cannot be part of the table of its target."""
    target = feed.target
    if problem := _not_a_table(feed, target):
        yield FieldError(problem, path=("into",))
        return
    yield from _other_slices(feed, target)
    if not _consist_of(feed.window, target.window):
        written, of_table = map(format_window_length, (feed.window, target.window))
        yield FieldError(
            f"windows of {written} do not consist of whole windows of {target.name}, which are "
            f"{of_table} long; set window to that, or to a multiple of it",
            path=("window",),
        )
    for name, field in feed.fields.items():
        if problem := _other_column(name, field, feed):
            yield FieldError(problem, path=("fields", name))


def _consist_of(windows: WindowLength, parts: WindowLength) -> bool:
    """Whether each of *windows* is cut in whole *parts*."""
    if isinstance(windows, Months):
        return not (windows.count % parts.count if isinstance(parts, Months) else _DAY % parts)
    return not isinstance(parts, Months) and not windows % parts


def _not_a_table(feed: Feed, target: Feed) -> str | None:
    if not isinstance(feed.source, FilesSource):
        return "is for feeds of kind: files; remove it"
    if target.into:
        return f"{target.name} is written into {target.into} itself; write into: {target.into}"
    if target.snapshot:
        return (
            f"{target.name} is a snapshot, whose records are of the time at which they were "
            "fetched; files can only be the history of records with times of their own"
        )
    if not target.key:
        return (
            f"{target.name} has no key, so nobody could say which records both have; write "
            "key: true in the fields there that make a record unique"
        )
    return None


def _other_slices(feed: Feed, target: Feed) -> Iterator[FieldError]:
    for name, values in feed.slices.items():
        known = known_values(target.slices[name])  # none where it is listed elsewhere
        for value in known_values(values) if known else ():
            if value not in known:
                yield FieldError(
                    f"{value!r} is not a slice of {target.name}{did_you_mean(value, known)}; "
                    "add it there, or remove it here",
                    path=("slices", name),
                )


def _other_column(name: str, field: FieldSpec, feed: Feed) -> str | None:
    """Why *field* cannot be the column *name* of the table."""
    column, table = feed.target.fields[name], feed.target.name
    if field.type != column.type:
        return f"is of type {column.type} in {table}; write that type"
    for option in ("key", "event_time"):
        if getattr(field, option) != getattr(column, option):
            return f"{option} is what {table} says; remove it here"
    if field.text_times != column.text_times and (
        isinstance(field.field_type, DateType) or (column.text_times and column.format)
    ):
        return (
            f"is written in another format in {table}, and files' values are not changed to one; "
            "make the field of that feed read both, or leave it out there"
        )
    if any(map(str.isdecimal, column.source.split(".")[1:])) and field.source != column.source:
        return (
            f"{table} reads it inside of an array, at {column.source!r}, where no file's value can "
            "be put; use that name for it"
        )
    source = feed.source
    if isinstance(source, FilesSource) and source.columns and field.required is not False:
        names = [listed.rstrip("?") for listed in source.columns]
        if field.source.partition(".")[0] not in names:
            return (
                f"source.columns has no {field.source!r}{did_you_mean(field.source, names)}; list "
                "it, write `from`, or write `required: false` if the files do not have it"
            )
    return None
