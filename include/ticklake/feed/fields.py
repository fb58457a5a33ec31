"""One column of a feed: where its value is in a record, and its type."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from include.ticklake.errors import did_you_mean
from include.ticklake.model.record_path import PATH, check_record_path
from include.ticklake.model.strict import StrictModel
from include.ticklake.model.text_times import TextTimes
from include.ticklake.model.time_formats import TimeFormat
from include.ticklake.model.time_zones import ZoneName
from include.ticklake.model.times import UNIT_NS, TimeUnit
from include.ticklake.types import field_types
from include.ticklake.types.date import DateType
from include.ticklake.types.decimal import DecimalType
from include.ticklake.types.double import DoubleType
from include.ticklake.types.field_type import FieldType
from include.ticklake.types.integer import IntegerType
from include.ticklake.types.null_values import NullValues
from include.ticklake.types.timestamp import LakeUnit, TimestampType

_FINER: tuple[TimeUnit, ...] = ("s", "ms", "us", "ns")

FETCHED_AT = "$fetched_at"
"""The ``from`` of a column that holds the time of fetching rather than a value of the record."""

# A column is a hive and SQL name everywhere it goes, so it is lower case and plain.
ColumnName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
FEED_NAME = r"^[a-z]([a-z0-9_]{0,61}[a-z0-9])?$"
FeedName = Annotated[str, StringConstraints(pattern=FEED_NAME)]
"""Also what a label of Kubernetes may hold, so that a pod can say whose it is."""


def _source(path: str) -> str:
    if path.startswith("$"):
        if path == FETCHED_AT:
            return path
        if hint := did_you_mean(path, [FETCHED_AT]):
            raise ValueError(f"{path!r} is not a path{hint}")
    return check_record_path(path)


def _type_spelling(text: str) -> str:
    field_types.from_spelling(text)
    return text


def _null_value(value: object) -> object:
    if value is None:
        raise ValueError("null is null already; remove it, or write the text 'null' in quotes")
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ValueError("must be a text or a number; write others in quotes")
    return value


def _units(units: list[TimeUnit]) -> list[TimeUnit]:
    if len(set(units)) < 2 or not set(units) <= set(_FINER):
        raise ValueError("a list of units must hold two or more of s, ms, us, ns")
    return units


NullValue = Annotated[
    str | int | float,
    BeforeValidator(_null_value),
    WithJsonSchema({"type": ["string", "number"]}),
]
"""A text or number that means that there is no value."""


def _format(text: str) -> str:
    TimeFormat.of(text)
    return text


class FieldSpec(StrictModel):
    """One column of the lake."""

    source: Annotated[str, AfterValidator(_source)] = Field(
        "",
        alias="from",
        json_schema_extra={"pattern": rf"^{re.escape(FETCHED_AT)}$|{PATH}"},
        description="Path of the value in a record, with dots: quotes.USD.price, bids.0.1 (of an "
        "array the first element, of that the second). $fetched_at is the time of fetching. "
        "Defaults to the column's name.",
    )
    type: Annotated[str, AfterValidator(_type_spelling)] = Field(
        json_schema_extra={"pattern": field_types.PATTERN},
        description=f"Type of the column: {', '.join(field_types.EXAMPLES[:-1])} or "
        f"{field_types.EXAMPLES[-1]}.",
    )
    unit: TimeUnit | Annotated[list[TimeUnit], AfterValidator(_units)] | None = Field(
        None,
        description="Unit of a timestamp in the source; ms is milliseconds since 1970. A list, "
        "[ms, us], where the source mixes units: the unit that gives a plausible year is used.",
    )
    format: Annotated[str, AfterValidator(_format)] | None = Field(
        None,
        description="Format of a time or date that is not ISO 8601, in the words of strptime, in "
        "place of a unit: '%Y%m%d', '%d/%m/%Y %H:%M:%S.%f'.",
    )
    timezone: ZoneName | None = Field(
        None,
        description="Time zone of times without one: Europe/Berlin. Defaults to source.timezone, "
        "or UTC.",
    )
    precision: LakeUnit | None = Field(
        None,
        description="Precision of a timestamp's column. Defaults to ms for units s and ms, us for "
        "us, ns for ns, float_s, iso and a format with %f; us lasts beyond 2262.",
    )
    null_values: list[NullValue] | None = Field(
        None,
        max_length=100,
        description="Texts and numbers that mean that there is no value, in place of the feed's "
        "list: [N/A, '-', -999]. An empty list: none.",
    )
    key: bool = Field(False, description="Part of the key that makes a record unique in its slice.")
    contiguous: bool = Field(
        False, description="Ids are consecutive: `audit` reports gaps between them."
    )
    event_time: bool = Field(False, description="Time of the event, which decides its window.")
    required: bool | None = Field(
        None,
        description="Quarantine records without this value. Defaults to true for key and "
        "event_time.",
    )
    renamed_from: list[ColumnName] = Field(
        default_factory=list,
        max_length=100,
        description="Earlier names of the column, so that older files are read as the same column.",
    )
    description: str = Field("", description="What the column holds.")

    @model_validator(mode="after")
    def _agree(self) -> FieldSpec:
        if self.source == FETCHED_AT:
            if not self.field_type.can_be_event_time or self.unit or self.format:
                raise ValueError(f"{FETCHED_AT} must be of type timestamp, without a unit")
        elif self.unit and self.format:
            raise ValueError("unit and format say the same; leave one out")
        elif self.field_type.needs_unit != (self.unit is not None) and not self.format:
            raise ValueError(
                "unit is required for type timestamp, and only allowed there: s, ms, us, ns, "
                "float_s or iso; or a format, such as '%Y%m%d'"
            )
        self._check_times()
        if self.null_values is not None and self.field_type.is_raw_json:
            raise ValueError("null_values are not for type json, which keeps values as they are")
        if self.contiguous and not self.field_type.can_be_contiguous:
            raise ValueError("contiguous is only allowed for type int64")
        if self.event_time and not self.field_type.can_be_event_time:
            raise ValueError("event_time must be a timestamp")
        return self

    def _check_times(self) -> None:
        """Raise ``ValueError`` where the options of times do not go together."""
        field_type = self.field_type
        is_timestamp = isinstance(field_type, TimestampType)
        if self.format and not (is_timestamp or isinstance(field_type, DateType)):
            raise ValueError("format is only allowed for types timestamp and date")
        if self.format and not is_timestamp and TimeFormat.of(self.format).has_clock:
            raise ValueError(
                "format has a time of day or an offset, which a date does not hold; leave it out, "
                "or make the field a timestamp"
            )
        if self.timezone and not (is_timestamp and self.text_times):
            raise ValueError(
                "timezone is only allowed for a timestamp with unit iso, or with a format"
            )
        if self.timezone and self.format and TimeFormat.of(self.format).has_offset:
            raise ValueError("the format reads the offset of each time; remove timezone")
        if self.precision and not (self.unit or (self.format and is_timestamp)):
            raise ValueError("precision is only allowed for type timestamp with a unit or format")
        finest = self.units[-1] if self.units else ""
        if self.precision and UNIT_NS[self.precision] > UNIT_NS.get(finest, 10**9):
            raise ValueError(
                f"precision {self.precision} is coarser than unit {finest}; leave it out"
            )

    @property
    def text_times(self) -> TextTimes | None:
        """How times are written as text; None where they are numbers since 1970."""
        if self.format or self.unit == "iso":
            return TextTimes(self.format, self.timezone)
        return None

    @property
    def units(self) -> tuple[TimeUnit, ...]:
        """The units of a timestamp in the source, coarsest first; empty for other types."""
        if isinstance(self.unit, list):
            return tuple(sorted(self.unit, key=_FINER.index))
        return (self.unit,) if self.unit else ()

    @property
    def field_type(self) -> FieldType:
        """All that is known of the type, with its parameters."""
        field_type = field_types.from_spelling(self.type, self.units)
        if isinstance(field_type, TimestampType):
            return replace(field_type, precision=self.precision, text=self.text_times)
        if isinstance(field_type, DateType):
            return replace(field_type, text=self.text_times)
        return field_type

    @property
    def nulls(self) -> NullValues:
        """What stands for no value."""
        field_type = self.field_type
        return NullValues.of(
            self.null_values or (),
            is_numeric=isinstance(field_type, IntegerType | DecimalType | DoubleType)
            or (self.unit is not None and self.text_times is None),
            blank_is_null=field_type.blank_is_null,
            as_double=isinstance(field_type, DoubleType),
        )

    @property
    def is_required(self) -> bool:
        """Whether a record without this value is quarantined."""
        return self.event_time or (self.key if self.required is None else self.required)
