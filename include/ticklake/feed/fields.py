"""One column of a feed: where its value is in a record, and its type."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    model_validator,
)

from include.ticklake.model.strict import PATH, StrictModel
from include.ticklake.model.times import UNIT_NS, TimeUnit
from include.ticklake.types import field_types
from include.ticklake.types.field_type import FieldType
from include.ticklake.types.timestamp import LakeUnit, TimestampType

_FINER: tuple[TimeUnit, ...] = ("s", "ms", "us", "ns")

FETCHED_AT = "$fetched_at"
"""The ``from`` of a column that holds the time of fetching rather than a value of the record."""

# A column is a hive and SQL name everywhere it goes, so it is lower case and plain.
ColumnName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


def _type_spelling(text: str) -> str:
    field_types.from_spelling(text)
    return text


def _units(units: list[TimeUnit]) -> list[TimeUnit]:
    if len(set(units)) < 2 or not set(units) <= set(_FINER):
        raise ValueError("a list of units must hold two or more of s, ms, us, ns")
    return units


class FieldSpec(StrictModel):
    """One column of the lake."""

    source: str = Field(
        "",
        alias="from",
        pattern=rf"^({re.escape(FETCHED_AT)}|{PATH})$",
        description="Path of the value in a record, with dots: quotes.USD.price. $fetched_at is "
        "the time of fetching. Defaults to the column's name.",
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
    precision: LakeUnit | None = Field(
        None,
        description="Precision of a timestamp's column. Defaults to ms for units s and ms, us for "
        "us, ns for ns, float_s and iso; us lasts beyond 2262.",
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
        description="Earlier names of the column, so that older files are read as the same column.",
    )
    description: str = Field("", description="What the column holds.")

    @model_validator(mode="after")
    def _agree(self) -> FieldSpec:
        if self.source == FETCHED_AT:
            if not self.field_type.can_be_event_time or self.unit is not None:
                raise ValueError(f"{FETCHED_AT} must be of type timestamp, without a unit")
        elif self.field_type.needs_unit != (self.unit is not None):
            raise ValueError(
                "unit is required for type timestamp, and only allowed there: "
                "s, ms, us, ns, float_s or iso"
            )
        if self.precision and not self.units:
            raise ValueError("precision is only allowed for type timestamp with a unit")
        if self.precision and UNIT_NS[self.precision] > UNIT_NS.get(self.units[-1], 10**9):
            raise ValueError(
                f"precision {self.precision} is coarser than unit {self.units[-1]}; leave it out"
            )
        if self.contiguous and not self.field_type.can_be_contiguous:
            raise ValueError("contiguous is only allowed for type int64")
        if self.event_time and not self.field_type.can_be_event_time:
            raise ValueError("event_time must be a timestamp")
        return self

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
            return replace(field_type, precision=self.precision)
        return field_type

    @property
    def is_required(self) -> bool:
        """Whether a record without this value is quarantined."""
        return self.event_time or (self.key if self.required is None else self.required)
