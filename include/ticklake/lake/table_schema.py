"""A feed's table in the lake: its columns, their Arrow types, and where each value comes from.

An extraction names the columns in the feed's record: Arrow is imported for their types alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from include.ticklake.errors import FeedFileError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.fields import FETCHED_AT, FieldSpec
from include.ticklake.model.window import Window
from include.ticklake.types.field_type import FieldType, TimeLimits, year_bounds_s
from include.ticklake.types.null_values import NullValues
from include.ticklake.types.timestamp import TimestampType

if TYPE_CHECKING:
    import pyarrow as pa

ColumnFacts = dict[str, Any]
ColumnsByName = dict[str, ColumnFacts]
"""Columns by name, as one version of a feed describes them."""

_ALL_YEARS = (1, 9999)  # what SQL engines and Python can show


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the lake."""

    name: str
    field: FieldSpec
    path: tuple[str, ...]
    """Names to go through in a record; empty for the time of fetching."""
    field_type: FieldType
    is_required: bool
    limits: TimeLimits
    nulls: NullValues
    """What stands for no value."""

    @property
    def arrow_type(self) -> pa.DataType:
        """That of the column in the feed's Parquet files."""
        return self.field_type.arrow_type()


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeSchema:
    """All columns of a feed, made once for a command."""

    columns: tuple[Column, ...]
    event_time: Column
    arrow: pa.Schema
    """That of the feed's Parquet files."""
    array_columns: tuple[str, ...] | None = None
    """The names of the values of records that are arrays."""

    @classmethod
    def of(cls, feed: Feed, *, window: Window | None = None) -> Self:
        """The columns of *feed*, in the order of the file; events must lie in *window*."""
        import pyarrow as pa

        lake_columns = columns(feed, window=window)
        return cls(
            columns=lake_columns,
            event_time=next(column for column in lake_columns if column.field.event_time),
            arrow=pa.schema(
                [
                    pa.field(column.name, column.arrow_type, nullable=not column.is_required)
                    for column in lake_columns
                ]
            ),
            array_columns=_array_columns(feed),
        )

    @property
    def units_per_second(self) -> int:
        """Units of the event time in a second."""
        field_type = self.event_time.field_type
        assert isinstance(field_type, TimestampType)  # noqa: S101 - FieldSpec sees to it
        return field_type.per_second

    @property
    def ns_per_unit(self) -> int:
        """Nanoseconds in a unit of the event time."""
        return 10**9 // self.units_per_second


def columns(feed: Feed, *, window: Window | None = None) -> tuple[Column, ...]:
    """The columns of *feed*, in the order of the file; events must lie in *window*."""
    lake_columns = tuple(
        Column(
            name=name,
            field=field,
            path=() if field.source == FETCHED_AT else tuple(field.source.split(".")),
            field_type=field.field_type,
            is_required=field.is_required,
            limits=_limits(feed, field, window),
            nulls=field.nulls,
        )
        for name, field in feed.fields.items()
    )
    _check_paths(feed, lake_columns)
    return lake_columns


def arrow_schema(feed: Feed) -> pa.Schema:
    """The schema of the feed's Parquet files."""
    return LakeSchema.of(feed).arrow


def describe_columns(feed: Feed) -> ColumnsByName:
    """The columns of *feed*, as the record of the feed keeps them."""
    return {
        column.name: {
            "type": column.field_type.name,
            "required": column.is_required,
            "event_time": column.field.event_time,
            "was": list(column.field.renamed_from),
        }
        for column in columns(feed)
    }


def _array_columns(feed: Feed) -> tuple[str, ...] | None:
    names = feed.source.array_columns
    return tuple(names) if names else None


def _limits(feed: Feed, field: FieldSpec, window: Window | None) -> TimeLimits:
    if field.event_time and window is not None:
        first_s, end_s = window.start_ns // 10**9, window.end_ns // 10**9
    else:
        first_s, end_s = year_bounds_s(feed.years if field.event_time else _ALL_YEARS)
    return TimeLimits(
        years=feed.years, first_s=first_s, end_s=end_s, is_event_time=field.event_time
    )


def _check_paths(feed: Feed, lake_columns: tuple[Column, ...]) -> None:
    """One value cannot be read twice, nor be a value and an object at once."""
    readers: dict[tuple[tuple[str, ...], bool], str] = {}
    for column in lake_columns:
        source = (column.path, column.field_type.is_raw_json)
        if column.path and readers.setdefault(source, column.name) != column.name:
            raise FeedFileError(
                f"feed {feed.name}, fields {readers[source]} and {column.name}: both read the same "
                f"value {'.'.join(column.path)!r}; remove one"
            )
    for column in lake_columns:
        for length in range(1, len(column.path)):
            above = readers.get((path := column.path[:length], False))
            if above is not None:
                raise FeedFileError(
                    f"feed {feed.name}: field {above!r} reads {'.'.join(path)!r} as a value, "
                    f"field {column.name!r} reads inside it; make the first one json"
                )
