"""The values of a slice as another feed lists them: a column of its newest committed window.

The staged JSON is read: it is there as soon as the window was fetched, holds each value to the
digit, and needs no Parquet reader in the task that plans. The records pass as a stream; only the
values are kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

from include.ticklake.errors import UsageError, did_you_mean
from include.ticklake.extract import part_reader
from include.ticklake.extract.listed_names import ListedNames
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.fields import FieldSpec
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.list_rules import ListReading, RefusedListError
from include.ticklake.lake.manifest import JsonSection, Manifest, Part
from include.ticklake.lake.slice_lists import ListSource
from include.ticklake.lake.storage import Storage
from include.ticklake.model import json_path
from include.ticklake.model.record import Record
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import Window
from include.ticklake.types.boolean import BooleanType
from include.ticklake.types.field_type import TimeLimits
from include.ticklake.types.integer import IntegerType
from include.ticklake.types.text import TextType
from include.ticklake.types.values import InvalidValueError, NumberText, Value

_NAMING = {TextType: "string", IntegerType: "int64"}
_COMPARED = {**_NAMING, BooleanType: "bool"}
"""Types of columns that can be compared, and how feed files spell them."""
_PYTHON = {TextType: str, IntegerType: int, BooleanType: bool}
_ANY_TIME = TimeLimits(years=(1, 9998), first_s=0, end_s=0, is_event_time=False)


class ListedWindow:
    """The newest committed window of a feed that lists values, or of each slice of it."""

    def __init__(self, feed: Feed, source: ListSource, *, storage: Storage) -> None:
        self.feed = feed
        self.source = source
        self._storage = storage
        check_source(feed, source)
        self._sections = [self._newest(slice_) for slice_ in _selected_slices(feed, source)]

    @property
    def as_of_ms(self) -> int:
        """When the source was asked, of several slices the one that was asked first."""
        return min(as_of_ms for _, as_of_ms in self._sections)

    @property
    def digest(self) -> str:
        """Names the parts that would be read."""
        return ",".join(section.digest for section, _ in self._sections)

    def read(self, *, target: Feed, slice_name: str, known: Iterable[str]) -> ListReading:
        """The values, without those that no slice of *target* can have.

        *known* are those that it has or had: they win over others that differ by case only.
        """
        names = ListedNames(target, slice_name, known=known)
        names.add_all(self._column())
        return ListReading(
            source=self.source, as_of_ms=self.as_of_ms, digest=self.digest,
            values=names.listed, left_out=tuple(names.left_out), left_out_rows=names.left_out_rows,
        )  # fmt: skip

    def _newest(self, slice_: Slice) -> tuple[JsonSection, int]:
        committed = _newest_window(self.feed, slice_, storage=self._storage)
        if committed is None:
            of_slice = f", slice {slice_}" if slice_.values else ""
            raise RefusedListError(
                f"feed {self.feed.name}{of_slice} has no window that was fetched"
            )
        if committed.json.removed:
            raise RefusedListError(f"the JSON of {committed.key} was removed by retention")
        as_of_ms = max((_fetched_at_ms(part, committed.json) for part in committed.json.parts),
                       default=committed.json.fetched_at_ms or 0)  # fmt: skip
        return committed.json, as_of_ms or Window.parse(committed.window).end_ms

    def _column(self) -> Iterator[Value]:
        fields = self.feed.fields
        value_of = _reader(fields[self.source.column])
        tests = [
            (_reader(fields[name]), wanted)
            for name, wanted in self.source.where.items()
            if name in fields
        ]
        for section, _ in self._sections:
            parts = _newest_fetch(section)
            for part in part_reader.committed(parts, storage=self._storage):
                for record in part:
                    if all(_is_one_of(read(record), wanted) for read, wanted in tests):
                        yield value_of(record)


def check_source(feed: Feed, source: ListSource) -> None:
    """Raise ``UsageError`` where *feed* has no such columns, or of types that are not compared."""
    if feed.slice_lists:
        raise UsageError(
            f"feed {feed.name}: its own slices are listed elsewhere, so it cannot list those of "
            "another feed; name a feed without such slices"
        )
    for name in (source.column, *source.where):
        if name in feed.slices and name != source.column:
            continue
        if name not in feed.fields:
            raise UsageError(
                f"feed {feed.name} has no column {name!r}{did_you_mean(name, feed.fields)}"
            )
        field_type = feed.fields[name].field_type
        allowed = _NAMING if name == source.column else _COMPARED
        if type(field_type) not in allowed:
            names = " or ".join(allowed.values())
            raise UsageError(
                f"feed {feed.name}: column {name!r} is of type {field_type.name}; name one of type "
                f"{names}"
            )
        for wanted in source.where.get(name, ()):
            if type(wanted) is not _PYTHON[type(field_type)]:
                raise UsageError(
                    f"where: {name} is of type {field_type.name}, which {wanted!r} never equals; "
                    "write a value of that type"
                )


def _selected_slices(feed: Feed, source: ListSource) -> list[Slice]:
    wanted = {name: set(map(str, of)) for name, of in source.where.items() if name in feed.slices}
    selected = [
        slice_
        for slice_ in feed.all_slices
        if all(slice_.as_dict()[name] in of for name, of in wanted.items())
    ]
    if not selected:
        raise UsageError(f"feed {feed.name} has no slice that `where` selects; correct it")
    return selected


def _newest_window(feed: Feed, slice_: Slice, *, storage: Storage) -> Manifest | None:
    """The newest window that was fetched; one listing of folders, one of the newest of them."""
    folder = layout.slice_folder(layout.Area.MANIFESTS, feed.name, slice_)
    for name in sorted(storage.folders(folder), reverse=True):
        if layout.parse_date_folder(name) is None:
            continue
        for key in sorted(storage.list(f"{folder}/{name}"), reverse=True):
            if layout.is_day_manifest(key):
                continue
            committed = manifest.read(key, storage=storage)
            if committed is not None and not committed.is_retired:
                return committed
    return None


def _fetched_at_ms(part: Part, section: JsonSection) -> int:
    return part.fetched_at_ms or section.fetched_at_ms or 0


def _newest_fetch(section: JsonSection) -> list[Part]:
    """Of a snapshot that was fetched again in its window, the parts of the last time."""
    newest_ms = max((_fetched_at_ms(part, section) for part in section.parts), default=0)
    return [part for part in section.parts if _fetched_at_ms(part, section) == newest_ms]


def _reader(field: FieldSpec) -> Callable[[Record], Value]:
    """A function that reads the value of *field* as its column holds it; None for none."""
    find, nulls, field_type = (
        json_path.finder(field.source.split(".")),
        field.nulls,
        field.field_type,
    )

    def read(record: Record) -> Value:
        text = bytes(find(record) or b"null")
        value = json.loads(text, parse_int=NumberText, parse_float=NumberText)
        if nulls.matches(value):
            return None
        try:
            return field_type.parse_value(value, _ANY_TIME)
        except InvalidValueError:
            return None

    return read


def _is_one_of(value: Value, wanted: Iterable[object]) -> bool:
    """Whether *value* is *wanted*, also in kind: 1 is not true."""
    return any(type(value) is type(other) and value == other for other in wanted)
