"""What every type of a field says of itself; a type is one file of this folder.

A type knows how feed files spell it, how JSON becomes a value of it (one at a time, which is
the definition, and by the kernel, which must agree), how Parquet stores it, and what SQL engines,
data frames and Iceberg call it. pyarrow is imported by the methods that need it: feed files
are read where it must not be.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, Self

from include.ticklake.model.times import TimeUnit, Years
from include.ticklake.types.reading import Reading
from include.ticklake.types.values import Value

if TYPE_CHECKING:
    import pyarrow as pa

MAX_SQL_DIGITS = 38
"""Digits of a decimal in SQL engines, Polars and Iceberg."""

SqlFormat = Literal["plain", "time", "bool", "json"]
"""What rows of a query may hold for a column: see ``sources/sql/rows.py``."""

Dictionary = Literal["always", "if_smaller", "never"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimits:
    """Which instants a column takes, in seconds since 1970."""

    years: Years
    """First and last year of an event."""
    first_s: int
    end_s: int
    """Exclusive."""
    is_event_time: bool


def year_bounds_s(years: Years) -> tuple[int, int]:
    """The first second of the first year and the last second of the last."""
    first, last = years
    return (
        int(datetime(first, 1, 1, tzinfo=UTC).timestamp()),
        int(datetime(last, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineNames:
    """What a type is called elsewhere; None where an engine cannot hold it exactly."""

    athena: str | None
    duckdb: str | None
    spark: str | None
    trino: str | None
    polars: str | None
    """An expression of Python."""
    pyarrow: str
    """An expression of Python."""
    iceberg: str
    notes: Mapping[str, str] = field(default_factory=dict)
    """What a user of an engine must know of such a column: the end of a sentence about it."""


class FieldType(Protocol):
    """One type of a field, with its parameters; the defaults are those of most types."""

    pattern: ClassVar[str]
    """How feed files spell it, as a regular expression of Python and JSON schema."""
    example: ClassVar[str]
    needs_unit: ClassVar[bool] = False
    can_be_event_time: ClassVar[bool] = False
    can_be_contiguous: ClassVar[bool] = False
    blank_is_null: ClassVar[bool] = True
    """Whether an empty text counts as null."""
    is_raw_json: ClassVar[bool] = False
    """Whether the value's own JSON text is kept, whatever it is."""
    sql_format: ClassVar[SqlFormat] = "plain"
    encoding: ClassVar[str | None] = None
    """Parquet's encoding of the values; plain by default."""
    dictionary: ClassVar[Dictionary] = "never"

    @classmethod
    def from_spelling(cls, match: re.Match[str], units: tuple[TimeUnit, ...]) -> Self:
        """The type that a feed file spells so; ``ValueError`` where its parameters are wrong."""
        return cls()

    @property
    def name(self) -> str:
        """The type's name in error messages and in the history of a feed's columns."""
        return self.pattern

    def arrow_type(self) -> pa.DataType:
        """The type of its columns in the lake."""

    def parse_value(self, value: object, limits: TimeLimits) -> Value:
        """*value* of a record, as its column holds it, exactly; ``InvalidValueError`` if it cannot.

        JSON numbers come as ``NumberText``.
        """

    def reading(self, limits: TimeLimits) -> Reading:
        """How the kernel reads it: ``parse_value`` without Python, for what is usual."""

    def widens_from(self, old: str, limits: TimeLimits) -> bool:
        """Whether every value of the type named *old* is a value of this one."""
        return old == self.name

    def format_value(self, value: Value) -> str:
        """*value* as a person reads it in a preview."""
        return str(value)

    def engine_names(self) -> EngineNames:
        """What other programs call it."""

    def iceberg_arrow_type(self) -> pa.DataType:
        """The Arrow type of its columns in an Iceberg table."""
        return self.arrow_type()

    @staticmethod
    def is_type_of(arrow_type: pa.DataType) -> bool:
        """Whether columns of *arrow_type* are of this type; of text and JSON, text counts."""

    @staticmethod
    def comparable(values: pa.Array) -> pa.Array:
        """*values*, chunked or not, so that extremes and bytes can be compared."""
        return values
