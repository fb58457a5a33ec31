"""A feed in, the columns of its lake out: Arrow types, and where each value comes from.

==================== ============================================= ====================
field                lake type                                     source writes it as
==================== ============================================= ====================
int64                int64                                         number or text
decimal(p,s)         decimal128(p,s), over 38 digits decimal256    number or text
string, bool         the same                                      the same
json                 string: the value's own text                  anything
timestamp s, ms      timestamp[ms, UTC]                            number or text
timestamp us, iso    timestamp[us, UTC]                            number or text; text
timestamp ns         timestamp[ns, UTC]                            number or text
timestamp float_s    timestamp[ns, UTC]                            number or text
timestamp [ms, us]   the finer one's                               number or text
$fetched_at          timestamp[ms, UTC]                            the manifest has it
==================== ============================================= ====================

What a value means is said in ``exact``, one record at a time; ``parse`` says the same
for whole blocks, and must agree with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from include.ticklake.errors import FeedFileError
from include.ticklake.feed.feed import Feed
from include.ticklake.feed.fields import FETCHED_AT, FieldSpec
from include.ticklake.model.window import Window

LAKE_UNIT = {"s": "ms", "ms": "ms", "us": "us", "iso": "us", "ns": "ns", "float_s": "ns"}
PER_SECOND = {"ms": 10**3, "us": 10**6, "ns": 10**9}

_EARLY_S = 60 * 86_400  # milliseconds of this century, read as microseconds, end in February 1970
_ANY_YEARS = (1, 9999)  # what SQL engines and Python can show
_DAY_ONE = datetime(1970, 1, 1, tzinfo=UTC)
_INT64 = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the lake."""

    name: str
    field: FieldSpec
    path: tuple[str, ...]
    """Names to go through in a record; empty for the time of fetching."""
    type: pa.DataType
    digits: tuple[int, int] | None
    """(precision, scale) of a decimal."""
    is_required: bool
    years: tuple[int, int]
    """First and last year of an event."""
    time_range: tuple[int, int] | None = None
    """Of a timestamp, in lake units: the least instant that is allowed, and the first after."""

    def is_doubtful(self, instant: int) -> bool:
        """Whether *instant*, in lake units, may be one in a coarser unit: few happened so early."""
        return not self.field.event_time and 0 < instant < _EARLY_S * self.per_second

    @property
    def per_second(self) -> int:
        """Lake units of a timestamp in one second."""
        return PER_SECOND[self.type.unit]


def columns(feed: Feed, *, window: Window | None = None) -> tuple[Column, ...]:
    """The columns of *feed*, in the order of the file; events must lie in *window*."""
    found = tuple(
        Column(
            name=name,
            field=field,
            path=_path(field),
            type=(kind := arrow_type(field)),
            digits=field.decimal_digits,
            is_required=field.is_required,
            years=feed.years,
            time_range=_time_range(field, kind, window, feed.years),
        )
        for name, field in feed.fields.items()
    )
    _check_paths(feed, found)
    return found


def arrow_schema(feed: Feed) -> pa.Schema:
    """The schema of the feed's Parquet files."""
    return pa.schema(
        [
            pa.field(column.name, column.type, nullable=not column.field.is_required)
            for column in columns(feed)
        ]
    )


def arrow_type(field: FieldSpec) -> pa.DataType:
    """The Arrow type of one field's column."""
    if field.source == FETCHED_AT:
        return pa.timestamp("ms", "UTC")
    if digits := field.decimal_digits:
        precision, scale = digits
        return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(*digits)
    if field.units:
        return pa.timestamp(LAKE_UNIT[field.units[-1]], "UTC")
    return {"int64": pa.int64(), "bool": pa.bool_()}.get(field.type, pa.string())


def _time_range(
    field: FieldSpec, kind: pa.DataType, window: Window | None, plausible: tuple[int, int]
) -> tuple[int, int] | None:
    if not pa.types.is_timestamp(kind) or field.source == FETCHED_AT:
        return None
    if field.event_time and window is not None:
        bounds = window.start, window.end
    else:
        bounds = years(*(plausible if field.event_time else _ANY_YEARS))
    per_second = PER_SECOND[kind.unit]
    first, after = ((bound - _DAY_ONE) // timedelta(seconds=1) * per_second for bound in bounds)
    return max(first, -_INT64), min(after, _INT64)


def years(first: int, last: int) -> tuple[datetime, datetime]:
    """The beginning of *first* and the last whole second of *last*."""
    return datetime(first, 1, 1, tzinfo=UTC), datetime(last, 12, 31, 23, 59, 59, tzinfo=UTC)


def _path(field: FieldSpec) -> tuple[str, ...]:
    return () if field.source == FETCHED_AT else tuple(field.source.split("."))


def _check_paths(feed: Feed, found: tuple[Column, ...]) -> None:
    """One value cannot be read twice, nor be a value and an object at once."""
    readers: dict[tuple[tuple[str, ...], bool], str] = {}
    for column in found:
        place = (column.path, _is_json(column))
        if column.path and readers.setdefault(place, column.name) != column.name:
            raise FeedFileError(
                f"feed {feed.name}, fields {readers[place]} and {column.name}: two fields read the "
                f"same value {'.'.join(column.path)!r}; remove one"
            )
    for column in found:
        for length in range(1, len(column.path)):
            above = readers.get((path := column.path[:length], False))
            if above is not None:
                raise FeedFileError(
                    f"feed {feed.name}: field {above!r} reads {'.'.join(path)!r} as a value, "
                    f"field {column.name!r} reads inside it; make the first one json"
                )


def _is_json(column: Column) -> bool:
    return column.field.type == "json"
